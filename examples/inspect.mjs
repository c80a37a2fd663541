// npm run inspect [-- --port N]    serves inspector.html, and two streams to try it on
//
//   GET  /demo/events   named events; connections do not last; ?every=MS sets the pace
//   POST /demo/tokens   an answer, token by token, then [DONE]

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';

const USAGE = `Usage: npm run inspect                 the stream inspector, on 127.0.0.1
       npm run inspect -- --port N     on that port; 0: any that is free`;
const PORT = 8421;
const MOST_BODY = 65_536; // bytes

// All that is served: no path of a request ever becomes one of a file.
const files = new Map([
  ['/examples/inspector.html', 'text/html; charset=utf-8'],
  ['/dist/sse.js', 'text/javascript; charset=utf-8'],
]);

const SSE = {'content-type': 'text/event-stream', 'cache-control': 'no-store'};

// ── A stream that drops its connections ─────────────────────────────────────────────────────────

const RETRY = 1500; // ms
const PACE = 500; // ms between two events, unless ?every says otherwise
const SPELL = 12; // events of a connection before something happens to it

const orders = ['nine coffees', 'a birthday cake 🎂', 'soup of the day', 'the usual', 'two teas'];

/** The n-th event: the same whenever it is asked for, so that the stream needs no history. */
function eventOf(n) {
  const order = orders[Math.floor(n / 4) % orders.length];
  const total = 3 + ((n * 37) % 280) / 10;
  return [
    ['order', JSON.stringify({order: n, what: order, guests: (n % 5) + 1, takeaway: n % 3 === 0})],
    ['paid', JSON.stringify({order: n - 1, total, currency: 'EUR', card: {last4: `${4000 + n}`}})],
    ['ready', JSON.stringify({order: n - 2, what: order, seconds: 40 + ((n * 13) % 200)})],
    ['message', `No nuts, please.\nTable ${(n % 9) + 1} would like more water — “still”, 0,5 l.`],
  ][n % 4];
}

const wire = (n) => {
  const [event, data] = eventOf(n);
  return (
    `${event === 'message' ? '' : `event: ${event}\n`}id: ${n}\n`
    + `${data.replace(/^/gm, 'data: ')}\n\n`
  );
};

let refused; // the id that was answered 503 last

async function events(request, response, query) {
  const every = Number(new URLSearchParams(query).get('every') ?? PACE);
  if (!(every >= 1 && every <= 60_000)) return answer(response, 400, 'every is 1 to 60000 ms');
  const last = Number(request.headers['last-event-id'] ?? 0);
  const id = Number.isSafeInteger(last) && last > 0 ? last : 0;
  // After every third spell a server that is not up yet: it says when to come back.
  if (id && id % (3 * SPELL) === 0 && refused !== id) {
    refused = id;
    return answer(response, 503, 'Starting up', {'retry-after': '2'});
  }
  response.writeHead(200, SSE);
  const where = id ? `going on after ${id}` : 'from the start';
  response.write(`: connected; ${where}\nretry: ${RETRY}\n\n`);
  let n = id;
  do {
    await sleep(every);
    response.write(wire(++n));
    if (n % 5 === 0) response.write(': still here\n\n');
  } while (n % SPELL && !response.destroyed);
  await sleep(every);
  const how = (n / SPELL) % 3;
  if (how === 1) return response.end(); // a clean end, although there is more: proxies do that
  if (how === 2) response.write(wire(n + 1).slice(0, 20)); // cut inside an event
  await sleep(20); // or the reset overtakes it
  request.socket.destroy();
}

// ── Tokens by POST ──────────────────────────────────────────────────────────────────────────────

async function tokens(request, response) {
  const prompt = await promptOf(request);
  if (prompt === undefined) {
    return answer(response, 400, 'Send JSON of at most 64 kB: {"prompt": "…"}');
  }
  const text =
    `You asked: “${prompt.slice(0, 200)}” Like every stream, with a last event, which`
    + ' says that the answer is whole.';
  response.writeHead(201, SSE);
  for (const content of text.match(/\s*\S+/g)) {
    if (response.destroyed) return;
    response.write(`data: ${JSON.stringify({choices: [{index: 0, delta: {content}}]})}\n\n`);
    await sleep(60);
  }
  response.end('data: [DONE]\n\n');
}

async function promptOf(request) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk;
    if (body.length > MOST_BODY) return undefined;
  }
  try {
    return String(JSON.parse(body).prompt);
  } catch {
    return undefined;
  }
}

// ── The server ──────────────────────────────────────────────────────────────────────────────────

function answer(response, status, text, headers = {}) {
  response.writeHead(status, {'content-type': 'text/plain; charset=utf-8', ...headers});
  response.end(`${text}\n`);
}

async function serve(request, response) {
  const [pathname, query] = request.url.split('?');
  const type = files.get(pathname);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (pathname === '/demo/tokens') {
    if (request.method === 'POST') return tokens(request, response);
    return answer(response, 405, 'POST {"prompt": "…"} here', {allow: 'POST'});
  }
  if (!isRead) return answer(response, 405, 'GET or HEAD', {allow: 'GET, HEAD'});
  if (pathname === '/') {
    return answer(response, 302, 'See /examples/inspector.html', {
      location: '/examples/inspector.html?demo',
    });
  }
  if (pathname === '/demo/events') return events(request, response, query);
  if (!type) return answer(response, 404, 'Not here; the page is at /');
  const content = await readFile(new URL(`..${pathname}`, import.meta.url));
  response.writeHead(200, {'content-type': type, 'cache-control': 'no-cache'});
  response.end(content);
}

/** A server of the page and its demo; not listening yet. */
export function createInspector() {
  return createServer({noDelay: true}, (request, response) => {
    serve(request, response).catch((error) => {
      console.error(`inspect: ${request.method} ${request.url}: ${error.message}`);
      if (response.headersSent) response.destroy();
      else answer(response, 500, error.code === 'ENOENT' ? 'npm run build makes it' : 'failed');
    });
  });
}

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────

/** The port asked for; undefined: none was. Throws an Error for the user. */
function portOf(args) {
  const [name, value, ...more] = args.flatMap((arg) => arg.split(/(?<=^--port)=/));
  if (name === undefined) return undefined;
  if (name !== '--port') throw new Error(`unknown argument '${name}'; --help lists what there is`);
  if (more.length || !/^\d{1,5}$/.test(value) || +value > 65_535) {
    throw new Error('--port takes one number, from 0 to 65535');
  }
  return +value;
}

/** Resolves with the port. Where none was asked for and the usual one is taken, any will do. */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (error.code === 'EADDRINUSE' && port === undefined) resolve(listen(server, 0));
      else reject(error);
    });
    server.listen(port ?? PORT, '127.0.0.1', () => resolve(server.address().port));
  });
}

async function main(args) {
  if (args.includes('--help') || args.includes('-h')) return console.log(USAGE);
  let asked;
  try {
    asked = portOf(args);
  } catch (error) {
    console.error(`inspect: ${error.message}`);
    process.exitCode = 2;
    return;
  }
  const server = createInspector();
  let port;
  try {
    port = await listen(server, asked);
  } catch (error) {
    console.error(`inspect: ${error.message}; choose another with --port N, or any with --port 0`);
    process.exitCode = 1;
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
    });
  }
  const origin = `http://127.0.0.1:${port}`;
  console.log(`The inspector is at ${origin}/

  GET  ${origin}/demo/events   named events; its connections do not last
  POST ${origin}/demo/tokens   an answer, token by token, then [DONE]

Ctrl-C ends it.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
