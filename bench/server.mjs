// The other side, in a process of its own: node bench/server.mjs '{}' prints {"port": …} and runs
// until its input ends. Bodies are stored beforehand, so that the server is never what a client
// waits for.
//
//   /bulk?events=N      N events in chunks of 64 kB        /single?events=N  one event a chunk
//   /idle               one event, then silence until      /broadcast        one to each of those
//   /ticks?count=&ms=   an event every few ms, whose data is the time when it was sent, µs

import {createServer} from 'node:http';
import {answer} from './child.mjs';
import {clock} from './clock.mjs';
import {cut, workload} from './workloads.mjs';

const STREAM = {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache'};

/** Between two events of /single: what the slowest client takes for one, and some. */
const SINGLE_MS = 0.06;

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

/** The first events of the block in pieces of 64 kB, each of which becomes a chunk of the body. */
const bulk = (events) => cut(Buffer.concat(wires.slice(0, events)), 65536);
const BULK = bulk(wires.length);

/** As fast as it is read. */
async function sendBulk(response, events) {
  for (let left = events; left > 0; left -= wires.length) {
    for (const bytes of left >= wires.length ? BULK : bulk(left)) {
      if (response.write(bytes)) continue;
      await new Promise((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
      if (response.destroyed) return;
    }
  }
}

/** One after the other, so far apart that none comes together with the next: as tokens come. */
async function sendSingle(response, events) {
  let due = performance.now();
  for (let i = 0; i < events && !response.destroyed; i++) {
    response.write(wires[i % wires.length]);
    due += SINGLE_MS;
    do await new Promise((resolve) => setImmediate(resolve));
    while (performance.now() < due);
  }
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
  for (let i = 0; i < count && !response.destroyed; i++) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    response.write(`data: ${clock()}\n\n`);
  }
  response.end();
}

async function serve(request, response) {
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
  // openai adds a path of its own to the base that it is given, and drops the query
  const send = pathname.startsWith('/bulk') ? sendBulk : sendSingle;
  response.writeHead(200, STREAM);
  await send(response, number('events') || Number(request.headers.events));
  response.end();
}

if (import.meta.filename === process.argv[1]) {
  const server = createServer({keepAliveTimeout: 1000}, serve);
  server.on('connection', (socket) => socket.on('error', () => {}));
  server.listen({port: 0, host: '127.0.0.1', backlog: 8192}, () => answer(server.address()));
  process.stdin.on('end', () => process.exit()).resume();
}
