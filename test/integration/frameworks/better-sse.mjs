// better-sse: no space after the colon, `:` as a ping, `retry:` in a block of its own.

import {createServer} from 'node:http';
import {createSession} from 'better-sse';
import {burst, FEW, port, report} from './history.mjs';

createServer(async (request, response) => {
  const session = await createSession(request, response, {retry: 20, keepAlive: 10});
  if (request.url === '/few') {
    for (const {id, event, data} of FEW) session.push(data, event, id);
    return response.end();
  }
  report('open', session.lastId);
  session.once('disconnected', () => report('close'));
  for await (const {id, event, data} of burst(session.lastId)) {
    if (!session.isConnected) return;
    session.push(data, event, id);
  }
}).listen(port, '127.0.0.1');
