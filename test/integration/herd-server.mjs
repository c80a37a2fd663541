// A server of numbered events for a herd of clients, in a process of its own that can be killed:
// its events are made from their numbers, so that the next process has the same history.

import {createServer} from 'node:http';
import {answer} from './control.mjs';

const event = (n) => `id: ${n}\ndata: event ${n}\n\n`;

const open = new Set();
const arrivals = []; // ms since 1970, one for each request
let last = 0;

const server = createServer({noDelay: true, requestTimeout: 0}, (request, response) => {
  arrivals.push(Date.now());
  response.on('error', () => {}); // a client that left
  response.once('close', () => open.delete(response));
  response.writeHead(200, {'content-type': 'text/event-stream'});
  let text = ': hello\n\n';
  for (let n = Number(request.headers['last-event-id'] ?? 0) + 1; n <= last; n++) text += event(n);
  response.write(text);
  open.add(response);
});

answer({
  /** Listen with so many events as history. */
  async listen(port, history) {
    last = history;
    await new Promise((resolve, reject) => {
      server.once('error', reject).listen({port, host: '127.0.0.1', backlog: 4096}, resolve);
    });
  },
  /** One more event, to all. */
  publish() {
    last++;
    for (const response of open) response.write(event(last));
    return last;
  },
  open: () => open.size,
  arrivals: () => arrivals,
});
