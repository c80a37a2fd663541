// web-event-source.ts where packages ask for an EventSource: tRPC's subscriptions, with a tRPC
// server, and the event streams of MSW.

import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import {createTRPCClient, httpSubscriptionLink} from '@trpc/client';
import {initTRPC, TRPCError, tracked} from '@trpc/server';
import {createHTTPHandler} from '@trpc/server/adapters/standalone';
import {http, HttpResponse, sse} from 'msw';
import {setupServer} from 'msw/node';
import {EventSource} from '../../dist/web-event-source.js';
import {numbers, serve} from './server.mjs';

const FAST = {retryInterval: 10, random: () => 0};

/** Polls until `ask` gives a true value. */
async function until(ask) {
  const end = performance.now() + 10_000;
  while (!(await ask())) {
    assert.ok(performance.now() < end, `not in time: ${ask}`);
    await pause(10);
  }
}

// ── tRPC ──────────────────────────────────────────────────────────────────────────────────────

const TOTAL = 6;
const BURST = 2;
const {router: makeRouter, procedure} = initTRPC.context().create();
const router = makeRouter({
  /** Numbers after `lastEventId`; every connection is reset after two. */
  numbers: procedure
    .input((input) => input)
    .subscription(async function* ({input, ctx: {res}}) {
      const first = Number(input?.lastEventId ?? 0) + 1;
      for (let number = first; number <= TOTAL; number++) {
        if (number === first + BURST) {
          await pause(20); // what was written arrives first
          return void res.socket.resetAndDestroy();
        }
        yield tracked(`${number}`, {number});
      }
    }),
  forever: procedure.subscription(async function* ({signal}) {
    yield tracked('1', 'first');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }),
  refused: procedure.subscription(async function* () {
    yield 'never';
  }),
});

function serveTRPC() {
  return serve(
    createHTTPHandler({
      router,
      createContext({req, res, info}) {
        if (info.calls[0].path === 'refused') {
          throw new TRPCError({code: 'UNAUTHORIZED', message: 'no'});
        }
        return {req, res};
      },
    }),
  );
}

/** Subscribes, and notes what is told: {log, subscription, ended}. */
function subscribe(url, name) {
  const client = createTRPCClient({
    links: [
      httpSubscriptionLink({
        url,
        EventSource,
        eventSourceOptions: async () => ({...FAST, headers: {authorization: 'Bearer demo'}}),
      }),
    ],
  });
  const log = [];
  let subscription;
  const ended = new Promise((resolve) => {
    subscription = client[name].subscribe(undefined, {
      onConnectionStateChange: ({state, error}) =>
        log.push(error ? `${state}: ${error.message}` : state),
      onData: ({id, data}) => log.push(`${id} ${JSON.stringify(data)}`),
      onError: (error) => resolve(error),
      onComplete: () => resolve('complete'),
    });
  });
  return {log, subscription, ended};
}

describe('tRPC, httpSubscriptionLink', () => {
  it('loses nothing over resets, with headers that a browser cannot send', async () => {
    const {url, requests, close} = await serveTRPC();
    const {log, ended} = subscribe(url, 'numbers');
    assert.equal(await ended, 'complete');
    const data = (number) => `${number} {"number":${number}}`;
    assert.deepEqual(
      log.filter((line) => /^\d/.test(line)),
      [1, 2, 3, 4, 5, 6].map(data),
    );
    const states = log.filter((line) => !/^\d/.test(line)).map((line) => line.split(':', 1)[0]);
    const round = ['connecting', 'pending'];
    assert.deepEqual(states, [...round, ...round, ...round, 'idle']);
    const headers = requests.map(({headers}) => [headers.authorization, headers['last-event-id']]);
    assert.deepEqual(
      headers,
      [undefined, '2', '4'].map((id) => ['Bearer demo', id]),
    );
    await close();
  });
  it('closes the socket when it is unsubscribed', async () => {
    const {url, sockets, requests, close} = await serveTRPC();
    const {log, subscription} = subscribe(url, 'forever');
    await until(() => log.includes('1 "first"'));
    assert.equal(sockets.size, 1);
    subscription.unsubscribe();
    await until(() => sockets.size === 0);
    assert.equal(requests.length, 1);
    await close();
  });
  it('tells of an error of the procedure, once', async () => {
    const {url, requests, close} = await serveTRPC();
    const {ended} = subscribe(url, 'refused');
    assert.equal((await ended).message, 'no');
    assert.equal(requests.length, 1);
    await close();
  });
  it('tells of what a proxy answers, once', async () => {
    const {url, requests, close} = await serve((_, response) => {
      response.writeHead(401, {'content-type': 'text/plain'}).end('who are you?');
    });
    const {ended} = subscribe(url, 'refused');
    const {message} = await ended;
    assert.equal(message, `${url}refused answered 401: who are you?`);
    assert.equal(requests.length, 1);
    await close();
  });
});

// ── MSW ───────────────────────────────────────────────────────────────────────────────────────

const MOCKED = 'http://sse.test/events';

/** A source until it is closed: what it fired. */
async function follow(url, types = []) {
  const source = new globalThis.EventSource(url, FAST);
  const log = [];
  for (const type of ['open', 'error', 'message', ...types]) {
    source.addEventListener(type, ({data, lastEventId, origin}) =>
      log.push([type, source.readyState, data, lastEventId, origin].filter((each) => each != null)),
    );
  }
  await until(() => source.readyState === EventSource.CLOSED);
  return log;
}

describe('MSW, sse()', () => {
  const mock = setupServer();
  const had = Object.getOwnPropertyDescriptor(globalThis, 'EventSource');
  before(() => {
    globalThis.EventSource = EventSource;
    mock.listen({onUnhandledRequest: 'error'});
  });
  after(() => {
    mock.close();
    delete globalThis.EventSource;
    if (had) Object.defineProperty(globalThis, 'EventSource', had);
  });
  const over = () => mock.use(http.get(MOCKED, () => new HttpResponse(null, {status: 204})));

  for (const how of ['close', 'error']) {
    it(`events of a mocked stream, up to its ${how}()`, async () => {
      const ids = [];
      mock.use(
        sse(MOCKED, ({client, request}) => {
          ids.push(request.headers.get('last-event-id'));
          client.send({retry: 10});
          client.send({data: 'plain'});
          client.send({id: '7', event: 'price', data: {number: 1}});
          if (ids.length === 2) over();
          setTimeout(() => client[how](), 20); // an error drops what was not read yet
        }),
      );
      const origin = 'http://sse.test';
      const messages = (before) => [
        ['open', 1],
        ['message', 1, 'plain', before, origin],
        ['price', 1, '{"number":1}', '7', origin],
        ['error', 0],
      ];
      assert.deepEqual(await follow(MOCKED, ['price']), [
        ...messages(''),
        ...messages('7'),
        ['error', 2],
      ]);
      assert.deepEqual(ids, [null, '7']);
      mock.resetHandlers();
    });
  }
  it('a server behind the mock', async () => {
    const real = await serve(numbers(3));
    mock.use(
      sse(real.url, ({server}) => {
        server.connect();
        mock.use(http.get(real.url, () => new HttpResponse(null, {status: 204})));
        setTimeout(() => real.close(), 200);
      }),
    );
    const log = await follow(real.url, ['price']);
    const prices = log.filter(([type]) => type === 'price').map(([, , data]) => data);
    assert.deepEqual(
      prices,
      [1, 2, 3].map((number) => `{"number":${number}}`),
    );
    assert.deepEqual(
      [log[0], log.at(-1)],
      [
        ['open', 1],
        ['error', 2],
      ],
    );
    mock.resetHandlers();
  });
});
