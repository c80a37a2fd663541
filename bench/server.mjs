// The other side, in a process of its own: node bench/server.mjs '{}' prints {"port": …} and runs
// until its input ends. Bodies are framed and stored beforehand, so that the server is never what
// a client waits for.
//
//   /bulk?events=N      N events in chunks of 64 kB        /single?events=N  one event a chunk
//   /idle               one event, then silence until      /broadcast        one to each of those
//   /ticks?count=&ms=   an event every few ms, whose data is the time when it was sent, µs

import {createServer} from 'node:http';
import {answer} from './child.mjs';
import {clock} from './clock.mjs';
import {cut, workload} from './workloads.mjs';

const STREAM = {
  'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked', 'Cache-Control': 'no-cache',
};
/** Between two events of /single: what the slowest client takes for one, and some. */
const SINGLE_MS = 0.06;
const LAST = '0\r\n\r\n';

/** One body chunk as HTTP/1.1 puts it on the wire. */
const framed = (bytes) => Buffer.concat(
  [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

/** What /bulk and /single repeat: 256 kB of an LLM's tokens. */
const block = workload('openai', 256 << 10);
const wires = block.text.split(/(?<=\n\n)/).map((wire) => Buffer.from(wire));

/** So many events of /bulk or /single; or those of their contents, for who parses their JSON. */
export function eventsSent(count, contents = false) {
  const events = contents
    ? block.events.map(({data}) => ({data: JSON.parse(data).choices[0].delta.content}))
    : block.events;
  return Array.from({length: count}, (_, i) => events[i % events.length]);
}

/** The first events of the block, framed in chunks of 64 kB. */
function bulk(events) {
  const bytes = Buffer.concat(wires.slice(0, events));
  return Buffer.concat(cut(bytes, 65536).map(framed));
}

const BULK = bulk(wires.length);

/** Sends bodies past the server's own framing, straight to the socket. */
async function send(response, write) {
  response.writeHead(200, STREAM);
  response.flushHeaders();
  const {socket} = response;
  await write(socket);
  socket.write(LAST);
  socket.end(); // a body's end that node:http knows nothing of: no second request over it
}

/** As fast as it is read. */
const sendBulk = (events) => async (socket) => {
  for (let left = events; left > 0 && !socket.destroyed; left -= wires.length) {
    if (socket.write(left >= wires.length ? BULK : bulk(left))) continue;
    await new Promise((resolve) => {
      socket.once('drain', resolve);
      socket.once('close', resolve);
    });
  }
};

/** One after the other, so far apart that none comes together with the next: as tokens come. */
const sendSingle = (events) => async (socket) => {
  socket.setNoDelay(true);
  const frames = wires.map(framed);
  let due = performance.now();
  for (let i = 0; i < events && !socket.destroyed; i++) {
    socket.write(frames[i % frames.length]);
    due += SINGLE_MS;
    do await new Promise((resolve) => setImmediate(resolve)); while (performance.now() < due);
  }
};

const idle = new Set();

function subscribe(response) {
  response.writeHead(200, STREAM);
  response.write('data: hello\n\n');
  idle.add(response);
  response.on('close', () => idle.delete(response));
}

async function tick(response, count, ms) {
  response.writeHead(200, STREAM);
  response.write('data: hello\n\n');
  response.socket.setNoDelay(true);
  for (let i = 0; i < count && !response.destroyed; i++) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    response.write(`data: ${clock()}\n\n`);
  }
  response.end();
}

function serve(request, response) {
  const {pathname, searchParams} = new URL(request.url, 'http://127.0.0.1');
  const number = (name) => Number(searchParams.get(name));
  request.resume();
  response.on('error', () => {});
  if (pathname.startsWith('/idle')) return subscribe(response);
  if (pathname === '/ticks') return tick(response, number('count'), number('ms'));
  if (pathname === '/broadcast') {
    for (const subscriber of idle) subscriber.write('data: news\n\n');
    return response.end(`${idle.size}`);
  }
  // openai adds a path of its own to the base that it is given
  const events = number('events') || Number(request.headers.events);
  if (pathname.startsWith('/bulk')) return send(response, sendBulk(events));
  if (pathname.startsWith('/single')) return send(response, sendSingle(events));
  response.writeHead(404).end();
}

if (import.meta.filename === process.argv[1]) {
  const server = createServer({keepAliveTimeout: 1000}, serve);
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.listen({port: 0, host: '127.0.0.1', backlog: 8192}, () => answer(server.address()));
  process.stdin.on('end', () => process.exit()).resume();
}
