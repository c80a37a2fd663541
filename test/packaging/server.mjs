// Two events, then the end, at / and by way of /moved; whoever comes back after the second one is
// told that it is over. /refused is a 401.

import {createServer} from 'node:http';

export const EXPECTED = '1:one 2:two';

export function startServer() {
  const server = createServer((request, response) => {
    if (request.url === '/moved') return response.writeHead(307, {location: '/'}).end();
    if (request.url === '/refused') return response.writeHead(401).end();
    if (request.headers['last-event-id'] === '2') return response.writeHead(204).end();
    response.writeHead(200, {'content-type': 'text/event-stream'});
    response.end('retry: 1\nid: 1\ndata: one\n\nid: 2\ndata: two\n\n');
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}/`,
        close() {
          server.close();
          server.closeAllConnections();
        },
      }),
    ),
  );
}
