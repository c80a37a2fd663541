// The other side, in a process of its own: node bench/server.mjs '{}' prints {"port": …} and runs
// until its input ends. Bodies are framed and stored beforehand, so that the server is never what
// a client waits for.
//
//   /bulk?events=N      N events in chunks of 64 kB        /single?events=N  one event a chunk
//   /idle               one event, then silence until      /broadcast        one to each of those
//   /ticks?count=&ms=   an event every few ms, whose data is the time when it was sent, ns

import {createServer} from 'node:http';
import {answer} from './child.mjs';
import {workload} from './workloads.mjs';

const STREAM = {
  'Content-Type': 'text/event-stream', 'Transfer-Encoding': 'chunked', 'Cache-Control': 'no-cache',
};
const LAST = '0\r\n\r\n';

/** One body chunk as HTTP/1.1 puts it on the wire. */
const framed = (bytes) => Buffer.concat(
  [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

/** What /bulk and /single repeat: 256 kB of an LLM's tokens. */
export const BLOCK = workload('openai', 256 << 10);

const wires = BLOCK.text.split(/(?<=\n\n)/).map((wire) => Buffer.from(wire));

/** Events from..to of the block, framed. */
function block(mode, from, to) {
  const some = wires.slice(from, to);
  if (mode === 'single') return Buffer.concat(some.map(framed));
  const bytes = Buffer.concat(some);
  const parts = [];
  for (let at = 0; at < bytes.length; at += 65536) parts.push(framed(bytes.subarray(at, at + 65536)));
  return Buffer.concat(parts);
}

const WHOLE = {bulk: block('bulk', 0, wires.length), single: block('single', 0, wires.length)};

/** The body past the server's own framing, straight to the socket, no faster than it is read. */
async function sendEvents(response, mode, events) {
  response.writeHead(200, STREAM);
  response.flushHeaders();
  const {socket} = response;
  for (let left = events; left > 0 && !socket.destroyed; left -= wires.length) {
    const bytes = left >= wires.length ? WHOLE[mode] : block(mode, 0, left);
    if (!socket.write(bytes)) {
      await new Promise((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
      });
    }
  }
  socket.write(LAST);
  socket.end(); // a body's end that node:http knows nothing of: no second request over it
}

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
    response.write(`data: ${process.hrtime.bigint()}\n\n`);
  }
  response.end();
}

function serve(request, response) {
  const {pathname, searchParams} = new URL(request.url, 'http://127.0.0.1');
  const number = (name) => Number(searchParams.get(name));
  request.resume();
  response.on('error', () => {});
  if (pathname === '/idle') return subscribe(response);
  if (pathname === '/ticks') return tick(response, number('count'), number('ms'));
  if (pathname === '/broadcast') {
    for (const subscriber of idle) subscriber.write('data: news\n\n');
    return response.end(`${idle.size}`);
  }
  // openai adds a path of its own to the base that it is given
  const mode = /^\/(bulk|single)/.exec(pathname)?.[1];
  if (mode) return sendEvents(response, mode, number('events') || Number(request.headers.events));
  response.writeHead(404).end();
}

if (import.meta.filename === process.argv[1]) {
  const server = createServer({keepAliveTimeout: 1000}, serve);
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.listen({port: 0, host: '127.0.0.1', backlog: 8192}, () => answer(server.address()));
  process.stdin.on('end', () => process.exit()).resume();
}
