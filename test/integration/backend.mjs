// node backend.mjs PORT: an event server with history, to stand behind a proxy. It sends the
// numbers 1…n as events, from after Last-Event-ID on, and 204 when there is none left.
//
//   /numbers?run=…&n=9&pace=0&plan=hold:3,silent&accel=1
//
// Runs are independent of each other. `plan` says what happens to the first, second, … connection
// of a run; later ones get everything:
//
//   hold:K   after K events wait for release(run), then go on
//   ping:K   the same, with a comment every 300 ms
//   quiet:K  after K events nothing more
//   cut:K    after K events and half of the next the connection is reset
//   silent   not even headers
//
// `accel`: with `X-Accel-Buffering: no`. It does as control.mjs says: release(run), requests(run):
// {method, headers, body} of each, sent(run): the last number sent.

import {createServer} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';
import {answer} from './control.mjs';

/** Node cannot reset what it has just written: it would arrive as a FIN, ms. */
const SETTLE = 5;
const PING = 300;

const runs = new Map();

function runOf(name) {
  if (!runs.has(name)) {
    const run = {requests: [], sent: 0};
    run.released = new Promise((resolve) => (run.release = resolve));
    runs.set(name, run);
  }
  return runs.get(name);
}

const wire = (k) => `id: ${k}\ndata: ${k} é€😀\n\n`;

createServer({noDelay: true}, async (request, response) => {
  const {searchParams: query} = new URL(request.url, 'http://127.0.0.1');
  const run = runOf(query.get('run'));
  const [n, pace] = ['n', 'pace'].map((name) => Number(query.get(name) ?? 0));
  const {method, headers} = request;
  let body = '';
  for await (const part of request.setEncoding('utf8')) body += part;
  const plan = (query.get('plan') ?? '').split(',')[run.requests.length] ?? '';
  run.requests.push({method, headers, body});
  const [act, after] = plan.split(':');
  if (act === 'silent') return;
  const first = Number(headers['last-event-id'] ?? 0) + 1;
  if (first > n) return response.writeHead(204).end();
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    ...(query.has('accel') && {'x-accel-buffering': 'no'}),
  });
  response.flushHeaders();
  for (let k = first; k <= n && !response.destroyed; k++) {
    if (act && k === first + Number(after)) {
      if (act === 'quiet') return;
      if (act === 'cut') {
        response.write(wire(k).slice(0, 12));
        await sleep(SETTLE);
        return request.socket.resetAndDestroy();
      }
      const ping = () => act === 'ping' && response.write(': ping\n\n');
      const timer = setInterval(ping, PING);
      await run.released;
      clearInterval(timer);
    }
    response.write(wire(k));
    run.sent = k;
    if (pace) await sleep(pace);
  }
  response.end();
}).listen(Number(process.argv[2]), '127.0.0.1');

answer({
  release: (name) => runOf(name).release(),
  requests: (name) => runOf(name).requests,
  sent: (name) => runOf(name).sent,
});
