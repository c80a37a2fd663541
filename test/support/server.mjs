// The real-socket test server: every path is one scenario, most of them a fault. It is a process of
// its own, because a blocking client cannot be served from its own thread.
//
//   node test/support/server.mjs    prints {"port":N,"other":M}: two origins with the same
//                                   scenarios; ends when its stdin closes
//
// State is kept per ?run=…, so that tests do not disturb each other. /log?run=… tells what was
// asked and how it ended, /open how many sockets are open. With ?cors=… a page of any origin may
// read the answer, and send the headers that it names. /page is a page, which finds modules here,
// too: those of dist/, .build/ and test/runtimes/ under the paths that they have in the project.
//
// Answers say `Connection: close` (unless ?keep=1), because an idle pooled socket would look like a
// leak in /open. Those that get cut do not: with that header Node's fetch takes a FIN for the clean
// end of an unfinished chunked body.

import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {setImmediate as turn, setTimeout as sleep} from 'node:timers/promises';
import {constants, createBrotliCompress, createDeflate, createGzip} from 'node:zlib';

const SSE = {'content-type': 'text/event-stream', 'cache-control': 'no-store'};
const HTML = '<!doctype html><title>Oops</title><p>data: this is not an event\n\n';
// Milliseconds. resetAndDestroy() right after write() arrives as a FIN, and a client may drop bytes
// not yet read when the reset comes: let them arrive first.
const BEFORE_CUT = 20;

const MODULES = /^\/(?:dist|\.build|test\/runtimes)(?:\/[\w-][\w.-]*)+\.m?js$/;

const sockets = new Set();
const logs = new Map(); // run -> requests, oldest first
const ports = {};

// ── What a scenario has in its hands ─────────────────────────────────────────────────────────────

class Exchange {
  constructor(request, response, body) {
    Object.assign(this, {request, response, body, socket: request.socket});
    this.url = new URL(request.url, 'http://127.0.0.1');
    this.query = this.url.searchParams;
    this.run = this.query.get('run') ?? '';
    this.lastEventId = request.headers['last-event-id'] ?? '';
    this.entry = this.#remember();
  }

  #remember() {
    const {request, socket} = this;
    const raw = request.rawHeaders; // name, value, name, value …
    const pairs = [];
    for (let i = 0; i < raw.length; i += 2) pairs.push(raw.slice(i, i + 2));
    const id = pairs.find(([name]) => name.toLowerCase() === 'last-event-id')?.[1];
    const entry = {
      method: request.method,
      path: request.url,
      port: socket.localPort,
      time: Date.now(),
      headers: pairs, // values are latin1: one character is one byte of the wire
      body: this.body,
      lastEventId: id === undefined ? null : {latin1: id, hex: hex(id)},
      written: 0, // bytes of body handed to the socket
      closed: null, // {time, by: 'client' | 'server'}
    };
    const list = logs.get(this.run) ?? [];
    logs.set(this.run, list);
    list.push(entry);
    // How many times this path was asked in this run, this time included.
    this.count = list.filter(
      ({method, path}) => method !== 'OPTIONS' && path.split('?')[0] === this.url.pathname,
    ).length;
    socket.run = this.run;
    socket.once('close', () => {
      entry.closed = {time: Date.now(), by: this.over ? 'server' : 'client'};
    });
    return entry;
  }

  get gone() {
    return this.socket.destroyed || this.response.destroyed;
  }

  /** Status and headers, sent at once. */
  head(status = 200, headers = SSE, keep = this.query.has('keep')) {
    const connection = keep ? {} : {connection: 'close'};
    const cors = this.query.has('cors') && {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': this.query.get('cors'),
    };
    this.response.writeHead(status, {...headers, ...connection, ...cors});
    this.response.flushHeaders();
  }

  /** Resolves when the socket takes more, or is gone. */
  async send(text) {
    if (this.gone) return;
    const bytes = Buffer.from(text);
    this.entry.written += bytes.length;
    if (this.response.write(bytes)) return;
    await new Promise((resolve) => {
      const done = () => {
        this.response.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.response.on('drain', done);
      this.socket.on('close', done);
    });
  }

  /** The clean end. */
  end(text = '') {
    this.over = true;
    this.response.end(text);
  }

  /** The head of a stream that will be cut. */
  headBeforeCut(headers = SSE) {
    this.head(200, headers, true);
  }

  answer(status, headers = {}, text = '') {
    this.head(status, headers);
    this.end(text);
  }

  /** The end that is not one: 'rst' resets the socket, 'fin' closes it inside the response. */
  async cut(by = 'rst') {
    await sleep(BEFORE_CUT);
    if (this.gone) return;
    this.over = true;
    if (by === 'fin') this.socket.end();
    else this.socket.resetAndDestroy();
  }

  /** The usual way out of a scenario: true (and 204) from the n-th request on. */
  finished(from) {
    if (this.count < from) return false;
    this.answer(204);
    return true;
  }
}

const event = (id, data = `event ${id}`) => `id: ${id}\ndata: ${data}\n\n`;

// ── Scenarios ────────────────────────────────────────────────────────────────────────────────────

const scenarios = {
  async '/simple'(x) {
    if (x.finished(2)) return;
    x.head();
    x.end(event(1) + event(2) + event(3));
  },

  // ?n=9 &retry=50 &cut=event|utf8 &by=rst|fin &framing=close &every=3 &delay=0
  async '/numbers'(x) {
    const number = (name, otherwise) => Number(x.query.get(name) ?? otherwise);
    const cut = x.query.get('cut');
    const [n, delay] = [number('n', 9), number('delay', 0)];
    const every = cut ? number('every', 3) : Infinity;
    const text = (k) => (cut === 'utf8' ? `${k} é€😀` : `${k}`);
    const first = Number(x.lastEventId || 0) + 1;
    if (first > n) return x.answer(204);
    // Without a length and without chunks only the end of the connection ends the body.
    if (x.query.get('framing') === 'close') x.response.useChunkedEncodingByDefault = false;
    if (first + every <= n) x.headBeforeCut();
    else x.head();
    if (x.query.has('retry')) await x.send(`retry: ${x.query.get('retry')}\n`);
    for (let k = first; k <= n && !x.gone; k++) {
      if (k - first >= every) {
        const whole = Buffer.from(event(k, text(k)));
        // In the middle of "data: k", or after two of the four bytes of 😀.
        await x.send(whole.subarray(0, cut === 'utf8' ? whole.length - 4 : whole.length - 3));
        return x.cut(x.query.get('by') ?? 'rst');
      }
      await x.send(event(k, text(k)));
      if (delay) await sleep(delay);
    }
    x.end();
  },

  async '/bytes'(x) {
    if (x.finished(2)) return;
    x.head();
    const first = 'retry: 100\nid: 1\nevent: byte\ndata: é€😀\ndata: line 2\n\n';
    const text = `\uFEFF${first}${event(2, 'end')}`;
    for (const byte of Buffer.from(text.replaceAll('\n', '\r\n'))) {
      await x.send([byte]);
      await sleep(1); // or the kernel hands over many at once
    }
    x.end();
  },

  // ?then=204: the second request gets 204.
  async '/stall'(x) {
    if (x.query.get('then') === '204' && x.finished(2)) return;
    x.head();
    await x.send(event(1));
  },

  async '/noheaders'(x) {
    if (x.query.get('then') === '204') x.finished(2);
  },

  async '/204'(x) {
    x.answer(204);
  },

  async '/endless-error'(x) {
    x.head(500, {'content-type': 'text/html'});
    while (!x.gone) await x.send(HTML.repeat(200));
  },

  '/429': (x) => onceOpenThenFail(x, 429),
  '/503': (x) => onceOpenThenFail(x, 503),

  async '/page'(x) {
    x.answer(200, {'content-type': 'text/html'}, '<!doctype html><title>A page</title>');
  },

  async '/html'(x) {
    x.answer(200, {'content-type': 'text/html; charset=utf-8'}, HTML);
  },

  async '/charset'(x) {
    if (x.finished(2)) return;
    x.head(200, {...SSE, 'content-type': 'Text/Event-Stream; charset=UTF-8'});
    x.end(event(1));
  },

  // What some frameworks say to keep proxies from compressing.
  async '/encoding-none'(x) {
    if (x.finished(2)) return;
    x.head(200, {...SSE, 'content-encoding': 'none'});
    x.end(event(1));
  },

  async '/notype'(x) {
    x.answer(200, {}, event(1));
  },

  async '/redirect-loop'(x) {
    x.answer(302, {location: `/redirect-loop?run=${x.run}`});
  },

  async '/cross'(x) {
    const other = x.socket.localPort === ports.port ? ports.other : ports.port;
    x.answer(302, {location: `http://127.0.0.1:${other}${target(x)}`});
  },

  // {"words": [...]} comes back word by word, any other body as a whole.
  // ?hold=1: the connection stays open after [DONE].
  async '/post'(x) {
    const items = words(x);
    if (!items) return;
    x.head();
    for (const item of items) await x.send(`data: ${item}\n\n`);
    await x.send('data: [DONE]\n\n');
    if (!x.query.has('hold')) x.end();
  },

  async '/post-cut'(x) {
    const items = words(x);
    if (!items) return;
    x.headBeforeCut();
    await x.send(`data: ${items[0]}\n\ndata: {"ind`);
    await x.cut();
  },

  async '/post-truncated'(x) {
    const items = words(x);
    if (!items) return;
    x.head();
    for (const item of items) await x.send(`data: ${item}\n\n`);
    x.end();
  },

  // Ends cleanly, inside an event.
  async '/incomplete'(x) {
    x.head();
    await x.send('data: é\n\ndata: [DONE]');
    x.end();
  },

  async '/json-lines'(x) {
    x.head(200, {'content-type': 'application/x-ndjson'});
    const text = Buffer.from('{"n":"é"}\r\n\n{"n":2}\n3');
    for (const at of text.keys()) {
      await x.send(text.subarray(at, at + 1));
      await sleep(1); // or the kernel hands over many at once
    }
    x.end();
  },

  async '/post-303'(x) {
    x.answer(303, {location: target(x)});
  },

  '/gzip': (x) => compressed(x, 'gzip', createGzip(), constants.Z_SYNC_FLUSH),
  '/deflate': (x) => compressed(x, 'deflate', createDeflate(), constants.Z_SYNC_FLUSH),
  '/br': (x) => compressed(x, 'br', createBrotliCompress(), constants.BROTLI_OPERATION_FLUSH),

  async '/flood'(x) {
    x.head();
    for (let id = 1; !x.gone; ) {
      let chunk = '';
      while (chunk.length < 65536) chunk += event(id, `${id++} ${'x'.repeat(1000)}`);
      await x.send(chunk);
      await turn(); // a fast reader must not keep the log from answering
    }
  },

  // ?at=headers: after them instead of before.
  async '/reset'(x) {
    if (x.finished(3)) return;
    if (x.count === 2) {
      x.head();
      return x.end(event(1));
    }
    if (x.query.get('at') === 'headers') x.headBeforeCut();
    await x.cut();
  },

  async '/retry0'(x) {
    x.head();
    x.end(`retry: 0\n${event(x.count)}`);
  },

  // ?close=1: with Connection: close, which some clients then take for a clean end.
  async '/chunked-fin'(x) {
    if (x.finished(2)) return;
    if (x.query.has('close')) x.head();
    else x.headBeforeCut();
    await x.send(event(1));
    await x.cut('fin');
  },

  async '/length-short'(x) {
    if (x.finished(2)) return;
    x.headBeforeCut({...SSE, 'content-length': '1000'});
    await x.send(event(1));
    await x.cut('fin');
  },

  async '/comments'(x) {
    x.head();
    for (let k = 1; !x.gone; k++) {
      await x.send(`: ping ${k}\n\n`);
      await sleep(50);
    }
  },

  async '/ids'(x) {
    if (x.finished(2)) return;
    x.head();
    x.end(`retry: 10\n${event('é€ 1')}`);
  },

  // Eight events behind a token, cut after three of them.
  async '/subscription'(x) {
    const {authorization = ''} = x.request.headers;
    if (!/^Bearer ./.test(authorization)) return x.answer(401, {}, 'no token');
    const first = Number(x.lastEventId || 0) + 1;
    if (first > 8) return x.answer(204);
    if (first + 3 <= 8) x.headBeforeCut();
    else x.head();
    await x.send('retry: 100\n\n');
    for (let k = first; k <= 8; k++) {
      if (k - first === 3) {
        await x.send(`id: ${k}\nevent: price\nda`);
        return x.cut();
      }
      await x.send(`id: ${k}\nevent: price\ndata: {"symbol":"ACME","price":${100 + k}}\n\n`);
    }
    x.end();
  },

  // An LLM provider. ?fail=402: no money. ?fail=truncated: ends without [DONE]. ?fail=cut: reset.
  async '/v1/chat/completions'(x) {
    const fail = x.query.get('fail');
    const json = {'content-type': 'application/json'};
    const problem = (status, message, headers) =>
      x.answer(status, {...json, ...headers}, JSON.stringify({error: {message}}));
    if (x.request.method !== 'POST') return problem(405, 'POST only', {allow: 'POST'});
    if (!x.request.headers.authorization) return problem(401, 'no API key');
    if (fail === '402') return problem(402, 'No money', {'retry-after': '7'});
    const body = parseJson(x.body);
    if (!body?.stream) return problem(400, 'stream must be true');
    const chunk = (delta, reason = null) =>
      `data: ${JSON.stringify({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        model: body.model,
        choices: [{index: 0, delta, finish_reason: reason}],
      })}\n\n`;
    if (fail === 'cut') x.headBeforeCut();
    else x.head();
    await x.send(chunk({role: 'assistant', content: ''}));
    const tokens = ['Every', ' stream', ' ends', ':', ' say', ' how', '.'];
    for (const [index, content] of tokens.entries()) {
      if (fail && index === 4) return fail === 'cut' ? x.cut() : x.end();
      await x.send(chunk({content}));
      await sleep(10);
    }
    await x.send(chunk({}, 'stop'));
    x.end('data: [DONE]\n\n');
  },
};

/** Other three digits: 3xx goes to ?to= (else /simple), 4xx and 5xx send ?body= (else HTML). */
async function byStatus(x) {
  const status = Number(x.url.pathname.slice(1));
  if (status < 400) return x.answer(status, {location: target(x)});
  x.answer(status, {'content-type': 'text/html'}, x.query.get('body') ?? HTML);
}

/** Open once, then one failure with Retry-After, then open again, then 204. */
async function onceOpenThenFail(x, status) {
  if (x.finished(4)) return;
  if (x.count === 2) return x.answer(status, {'retry-after': '1'}, 'come back later');
  if (x.count === 1) x.headBeforeCut();
  else x.head();
  await x.send(`retry: 10\n${event(x.count === 1 ? 1 : 2)}`);
  if (x.count === 1) await x.cut();
  else x.end();
}

/**
 * Two events 100 ms apart, each flushed: who waits for the end of the stream gets both at once.
 * ?hold=1: the connection stays open after the first, and who waits for more gets none.
 */
async function compressed(x, encoding, packer, flush) {
  if (x.finished(2)) return;
  x.head(200, {...SSE, 'content-encoding': encoding});
  packer.pipe(x.response);
  for (const id of [1, 2]) {
    packer.write(event(id, `${id} ${Date.now()}`));
    packer.flush(flush);
    if (x.query.has('hold')) return;
    await sleep(100);
  }
  x.over = true;
  packer.end();
}

const hex = (latin1) => Buffer.from(latin1, 'latin1').toString('hex');
const target = (x) => {
  const cors = x.query.has('cors') ? `&cors=${x.query.get('cors')}` : '';
  return `${x.query.get('to') ?? '/simple'}?run=${encodeURIComponent(x.run)}${cors}`;
};

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The events a POST asks for, as JSON lines; undefined when it was refused. */
function words(x) {
  if (x.request.method !== 'POST') return void x.answer(405, {allow: 'POST'}, 'POST only');
  const body = parseJson(x.body);
  if (body === undefined) return void x.answer(400, {}, 'the body is not JSON');
  return (body?.words ?? [body]).map((text, index) => JSON.stringify({index, text}));
}

// ── The two origins ──────────────────────────────────────────────────────────────────────────────

async function handle(request, response) {
  response.on('error', () => {}); // a client that left: seen in the log
  const {pathname, searchParams} = new URL(request.url, 'http://127.0.0.1');
  const run = searchParams.get('run');
  if (MODULES.test(pathname)) return module(response, pathname);
  if (pathname === '/log') return tell(response, logs.get(run ?? '') ?? []);
  if (pathname === '/open') {
    const others = [...sockets].filter((socket) => socket !== request.socket);
    return tell(response, others.filter((socket) => run === null || socket.run === run).length);
  }
  const pieces = [];
  try {
    for await (const piece of request) pieces.push(piece);
  } catch {
    return; // left before its request was whole
  }
  const x = new Exchange(request, response, Buffer.concat(pieces).toString());
  const scenario = scenarios[pathname] ?? (/^\/[345]\d\d$/.test(pathname) ? byStatus : undefined);
  if (request.method === 'OPTIONS')
    x.answer(204); // a page's preflight
  else if (scenario) await scenario(x);
  else x.answer(404, {'content-type': 'text/plain'}, `no scenario ${pathname}`);
}

function tell(response, value) {
  response.writeHead(200, {'content-type': 'application/json', connection: 'close'});
  response.end(JSON.stringify(value));
}

function module(response, path) {
  try {
    const text = readFileSync(new URL(`../..${path}`, import.meta.url));
    response.writeHead(200, {'content-type': 'text/javascript', connection: 'close'}).end(text);
  } catch (error) {
    response.writeHead(404, {connection: 'close'}).end(error.message);
  }
}

async function listen() {
  const server = createServer({noDelay: true, requestTimeout: 0}, handle);
  server.on('connection', (socket) => {
    socket.setMaxListeners(0); // with ?keep=1, one for each request
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

process.stdin.on('close', () => process.exit(0)).resume();
ports.port = await listen();
ports.other = await listen();
console.log(JSON.stringify(ports));
