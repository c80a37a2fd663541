// An event server on a bad day: it keeps its history and its promises, but not its connections.
//
//   node examples/bad-day.mjs    prints {"url": "http://127.0.0.1:…"}, ends when its stdin closes
//
// Every path (/a, /b, …) is a day of its own, for one client. /history tells what there was to send.

import {createServer} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';

const RETRY = 300; // ms: what the server asks its clients to wait before they reconnect
const PACE = 60; // ms between two events

const history = [
  ['order', 'nine coffees, one tea'],
  ['paid', '€ 31.50'],
  ['order', 'a birthday cake 🎂'],
  ['note', 'no nuts, please\ncandles: 7'],
  ['paid', '€ 24.00'],
  ['ready', 'nine coffees, one tea'],
  ['order', 'soup of the day'],
  ['paid', '€ 6.20'],
  ['ready', 'soup of the day'],
  ['ready', 'a birthday cake 🎂'],
  ['order', 'the usual'],
  ['closed', 'see you tomorrow'],
].map(([event, data], index) => ({id: `${index + 1}`, event, data}));

// What happens to the first, second, … connection of a day. Later ones are served in full.
const day = [
  {serve: 4, then: 'cut'}, // dropped in the middle of the fifth event
  {refuse: true}, // 503: come back in a second
  {serve: 3, then: 'reset'},
  {serve: 2, then: 'end'}, // a clean end, although there is more: proxies do that
];
const connections = new Map(); // path -> how many so far

const wire = ({id, event, data}) =>
  `id: ${id}\nevent: ${event}\n${data.replace(/^/gm, 'data: ')}\n\n`;

const server = createServer({noDelay: true}, async (request, response) => {
  const path = request.url;
  if (path === '/history') return response.end(JSON.stringify(history));

  const count = connections.get(path) ?? 0;
  connections.set(path, count + 1);
  const {refuse = false, serve = Infinity, then = 'end'} = day[count] ?? {};
  if (refuse) {
    response.writeHead(503, {'retry-after': '1'});
    return response.end('Service Unavailable');
  }

  // Go on after the last event the client has; without a header, from the start.
  const last = request.headers['last-event-id'];
  const rest = history.slice(history.findIndex(({id}) => id === last) + 1);
  if (rest.length === 0) {
    response.writeHead(204); // nothing more will come: the client stops
    return response.end();
  }

  response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-store'});
  response.write(`retry: ${RETRY}\n\n`);
  for (const event of rest.slice(0, serve)) {
    response.write(wire(event));
    await sleep(PACE);
  }
  if (then === 'end') return response.end();
  if (then === 'cut') {
    const half = wire(rest[serve]);
    response.write(half.slice(0, half.length / 2));
    await sleep(PACE);
    return request.socket.end();
  }
  request.socket.resetAndDestroy();
});

process.stdin.on('close', () => process.exit()).resume();
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({url: `http://127.0.0.1:${server.address().port}`}));
});
