// An event stream to follow, on a free port of 127.0.0.1, in the test's own process: which nothing
// blocks, since the examples that ask it are other processes, or do not block.

import {createServer} from 'node:http';
import {after} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {formatEvent} from '../../dist/sse.js';

// A test that fails half-way leaves no server behind.
const running = new Set();
after(() => Promise.all([...running].map((server) => server.close())));

/** Answers requests with `handle(request, response)`: {url, requests, sockets, close()}. */
export async function serve(handle) {
  const sockets = new Set();
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.on('error', () => {}); // a client that left
    handle(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const served = {
    url: `http://127.0.0.1:${server.address().port}/`,
    requests,
    sockets,
    async close() {
      running.delete(served);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  running.add(served);
  return served;
}

export function openStream(response, headers = {}) {
  response.writeHead(200, {'content-type': 'text/event-stream', ...headers});
  response.flushHeaders();
}

/** Event number k. Its data says so too: what comes back can be told from what was sent. */
export const numbered = (k) => ({id: `${k}`, event: 'price', data: `{"number":${k}}`});

/**
 * A handler: the events from the one after Last-Event-ID up to `total`, at most `burst` of them for
 * each connection, which is then reset; 204 when there are no more.
 */
export function numbers(total, burst = Infinity) {
  return async (request, response) => {
    const first = Number(request.headers['last-event-id'] ?? 0) + 1;
    if (first > total) return void response.writeHead(204).end();
    openStream(response);
    response.write('retry: 10\n\n');
    for (let k = first; k <= total && !response.destroyed; k++) {
      if (k === first + burst) return void response.socket.resetAndDestroy();
      response.write(formatEvent(numbered(k)));
      await turn(); // one packet each, so that the client is not always ahead of the server
    }
    response.end();
  };
}
