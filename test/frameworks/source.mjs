// A server of numbered events that keeps its history, as the programs here follow it.

import {once} from 'node:events';
import {createServer} from 'node:http';
import {formatEvent} from 'ssekit';

export const numbered = (n) => ({
  id: `${n}`,
  event: n % 2 ? 'message' : 'price',
  data: `{"n":${n}}`,
});

/**
 * /events?total=N&cut=K: the events after Last-Event-ID up to N, and then the end of the stream; the
 * connection is cut after each K of them. Without `total`: three, and then comments. 204: no more.
 * {url, requests, open (responses), close()}
 */
export async function startSource() {
  const open = new Set();
  const requests = [];
  const server = createServer((request, response) => {
    const {searchParams} = new URL(request.url, 'http://localhost');
    const total = Number(searchParams.get('total') ?? 0);
    const cut = Number(searchParams.get('cut') ?? Infinity);
    const from = Number(request.headers['last-event-id'] ?? 0);
    for (const of of ['origin', 'headers']) response.setHeader(`access-control-allow-${of}`, '*');
    if (request.method === 'OPTIONS') return response.writeHead(204).end(); // of a browser
    requests.push(request);
    if (total && from >= total) return response.writeHead(204).end();
    response.writeHead(200, {'content-type': 'text/event-stream'});
    response.write('retry: 10\n\n');
    open.add(response);
    const beat = setInterval(() => response.write(': still here\n'), 100);
    response.once('close', () => {
      clearInterval(beat);
      open.delete(response);
    });
    const last = Math.min(total || from + 3, from + cut);
    for (let n = from + 1; n <= last; n++) response.write(formatEvent(numbered(n)));
    if (total) response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/events`,
    requests,
    open,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
