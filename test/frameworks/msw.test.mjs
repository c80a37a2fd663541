// MSW 3: `sse()` is a server of events for tests, in this process; a client follows it over fetch.

import assert from 'node:assert/strict';
import {after, afterEach, before, test} from 'node:test';
import {http, HttpResponse, sse} from 'msw';
import {setupServer} from 'msw/node';
import {asyncConnect, SSEHTTPError} from 'ssekit';
import {EventSource} from 'ssekit/web-event-source';

globalThis.EventSource = EventSource; // for servers, which pass real streams on, MSW wants one

const URL = 'https://api.example.com/events';
const server = setupServer();
before(() => server.listen({onUnhandledRequest: 'error'}));
afterEach(() => server.resetHandlers());
after(() => server.close());

test('typed events, ids, and a reconnection with the last one', async () => {
  const asked = [];
  server.use(
    sse(URL, ({client, request}) => {
      const id = request.headers.get('last-event-id');
      asked.push(id);
      const from = Number(id ?? 0);
      client.send({retry: 10});
      client.send({id: `${from + 1}`, event: 'price', data: {price: from + 1}});
      client.send({id: `${from + 2}`, data: 'two\nlines'});
      if (from < 4) client.close();
    }),
  );
  const got = [];
  for await (const {id, event, data} of asyncConnect(URL, {
    retryInterval: 1,
    until: ({id}) => id === '6',
  })) {
    got.push([id, event, data]);
  }
  assert.deepEqual(got, [
    ['1', 'price', '{"price":1}'],
    ['2', 'message', 'two\nlines'],
    ['3', 'price', '{"price":3}'],
    ['4', 'message', 'two\nlines'],
    ['5', 'price', '{"price":5}'],
    ['6', 'message', 'two\nlines'],
  ]);
  assert.deepEqual(asked, [null, '2', '4']);
});

test('a refusal, and a network that fails', async () => {
  server.use(http.get(URL, () => new HttpResponse('who are you?', {status: 401})));
  await assert.rejects(asyncConnect(URL).open(), (error) => {
    assert.ok(error instanceof SSEHTTPError);
    return error.status === 401 && /who are you\?/.test(error.message);
  });
  server.use(http.get(URL, () => HttpResponse.error()));
  await assert.rejects(asyncConnect(URL, {maxRetries: 0}).open(), {code: 'connection'});
});
