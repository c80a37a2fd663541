// token-refresh.mjs against a server whose tokens are good for a few events.

import assert from 'node:assert/strict';
import {it} from 'node:test';
import {linesOf, run} from './copies.mjs';
import {numbers, serve} from './server.mjs';

/**
 * Tokens that expire when a connection has ended, events 1 to 9 in bursts of three. Says which
 * tokens were issued, and each request as 'token lastEventId status'.
 */
async function start({accepts}) {
  let issued = 0;
  const log = [];
  const used = new Set();
  const follow = numbers(9, 3);
  const server = await serve((request, response) => {
    if (request.url === '/token') {
      response.writeHead(200, {'content-type': 'application/json'});
      return void response.end(JSON.stringify({access_token: `t${++issued}`}));
    }
    const token = request.headers.authorization;
    const isGood = accepts(issued) && token === `Bearer t${issued}` && !used.has(token);
    used.add(token);
    if (isGood) void follow(request, response);
    else response.writeHead(401, {'content-type': 'text/plain'}).end('expired');
    log.push([token, request.headers['last-event-id'] ?? '', isGood ? 'good' : 401].join(' '));
  });
  const result = await run('token-refresh.mjs', [server.url, `${server.url}token`]);
  await server.close();
  return {...result, log};
}

const lines = (from, to) =>
  Array.from({length: to - from + 1}, (_, k) => `${from + k} {"number":${from + k}}`);

it('goes on at the same place with a new token', async () => {
  const {code, stdout, stderr, log} = await start({accepts: () => true});
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(linesOf(stdout), lines(1, 9));
  assert.deepEqual(log, [
    'Bearer t1  good',
    'Bearer t1 3 401',
    'Bearer t2 3 good',
    'Bearer t2 6 401',
    'Bearer t3 6 good',
    'Bearer t3 9 401',
    'Bearer t4 9 good',
  ]);
});

it('ends when a new token is refused, too', async () => {
  const {code, stdout, stderr, log} = await start({accepts: (issued) => issued < 2});
  assert.equal(code, 1);
  assert.deepEqual(linesOf(stdout), lines(1, 3));
  assert.match(stderr, /SSEHTTPError: http.* answered 401/);
  assert.deepEqual(log, ['Bearer t1  good', 'Bearer t1 3 401', 'Bearer t2 3 401']);
});

it('a first token that is refused is final', async () => {
  const {code, stdout, log} = await start({accepts: () => false});
  assert.deepEqual([code, stdout, log], [1, '', ['Bearer t1  401']]);
});
