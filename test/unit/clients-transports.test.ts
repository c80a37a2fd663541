// Section 9 of sse.ts: responses and bodies of every kind, also what no transport should give.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {asyncConnect, EventSource, SSEConnectionError, SSEError} from '../../sse.ts';
import {
  A,
  ADDRESS,
  ASYNC,
  AWAITING,
  B,
  BLOCKING,
  boom,
  BOTH,
  consume,
  dataOf,
  each,
  KINDS,
  loopOf,
  MOST_REQUESTS,
  next,
  over,
  POST,
  QUIET,
  Script,
  scripted,
  settled,
  STREAM,
  stream,
  STREAMS,
  throws,
  to,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';
import {all, bytesOf, later} from '../support/events.ts';

const AB = `${A}${B}`;

describe('clients: responses of other kinds', () => {
  each(AWAITING, 'a redirected POST asks body() for a new stream', async (kind) => {
    let made = 0;
    const {script, client} = scripted(
      kind,
      [{status: 307, headers: {location: '/there'}, body: null}, stream(A)],
      {...POST, body: () => new ReadableStream({start: () => void made++})},
    );
    const {error} = await consume(kind, client);
    assert.deepEqual([error, made, script.sent.length], [undefined, 2, 2]);
    assert.notEqual(script.sent[0]!.body, script.sent[1]!.body);
  });

  each(KINDS, 'what a transport adds goes along with each hop, `headers` do not', async (kind) => {
    const script = new Script(kind, [to('http://other.test/'), stream(A)]);
    const added: string[] = [];
    const transport = (url: string, request: any) => {
      const own = {...request.headers, 'x-transport': 'key'};
      added.push(new URL(url).host);
      return script.transport(url, {...request, headers: own});
    };
    const client = over(kind, transport, {reconnect: false, headers: {'x-option': 'key'}});
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error], [['a'], undefined]);
    assert.deepEqual(added, ['sse.test', 'other.test'], 'it is called for every hop');
    assert.deepEqual(
      script.sent.map(({headers}) => [headers['x-transport'], headers['x-option']]),
      [
        ['key', 'key'],
        ['key', undefined],
      ],
    );
  });

  each(
    KINDS,
    'a response whose headers are a record, also one with a symbol in it',
    async (kind) => {
      const transport = () => ({
        status: 200,
        headers: {'Content-Type': STREAM, [Symbol('sensitive')]: []},
        body: A,
      });
      const client = over(kind, transport, {reconnect: false});
      const {events, error} = await consume(kind, client);
      assert.equal(error, undefined);
      assert.deepEqual(dataOf(events), ['a']);
      assert.equal(client.response.headers.get('content-type'), STREAM);
    },
  );

  each(KINDS, 'a fetch that does not know `cache` is not given one', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)], {reconnect: false});
    class Request {} // workerd's, with a compatibility date before 2024-11-11
    const known = globalThis.Request;
    try {
      globalThis.Request = Request as any;
      await consume(kind, client);
    } finally {
      globalThis.Request = known;
    }
    assert.equal(script.sent[0]!.cache, undefined);
  });

  test('a hidden redirect (status 0) is no loop', async () => {
    let requests = 0;
    const transport = () => (requests++, {status: 0, body: null});
    const {error} = await consume(BOTH, asyncConnect(ADDRESS, {transport}));
    assertError(error, 'SSEError', 'redirect');
    assert.equal(requests, 1);
  });

  for (const [what, body] of [
    ['text', A + B],
    ['bytes', bytesOf(A + B)],
    ['a list', [A, bytesOf(B)]],
    ['a generator', null],
  ] as const) {
    each([BOTH, BLOCKING], `a body that is ${what}`, async (kind) => {
      function* generated() {
        yield A;
        yield B;
      }
      const given: any = what === 'a generator' ? generated() : body;
      const client: any = new kind.Client(ADDRESS, {
        reconnect: false,
        transport: () => ({status: 200, body: given}),
      });
      const {events, error} = await consume(kind, client);
      assert.deepEqual([dataOf(events), error], [['a', 'b'], undefined]);
    });
  }

  for (const response of [{status: 200}, {status: 200, body: undefined, text: () => AB}]) {
    const what = Object.keys(response).join(', ');
    each([...AWAITING, BLOCKING], `no body: that fetch cannot stream (${what})`, async (kind) => {
      let requests = 0;
      const transport = () => (requests++, response);
      const {events, error} = await consume(kind, new kind.Client(ADDRESS, {transport}));
      assertError(error, 'SSEError', 'unsupported', 'no body', '`transport`');
      assert.deepEqual([dataOf(events), requests], [[], 1]);
    });
  }

  const plain = {'Content-Type': ['text/event-stream'], ':status': '200', 'x-a': undefined};
  const lookalikes: [what: string, response: () => object][] = [
    ['plain headers', () => ({status: 200, headers: plain, body: AB})],
    ['statusCode, as undici.request has it', () => ({statusCode: 200, headers: plain, body: AB})],
    [
      'a stream that is its own body, as of node:http',
      () => Object.assign(later([AB]), {statusCode: 200, headers: plain}),
    ],
  ];
  for (const [what, make] of lookalikes) {
    each(AWAITING, `a response with ${what}`, async (kind) => {
      const transport: any = async () => make();
      const client: any = new kind.Client(ADDRESS, {reconnect: false, transport});
      const {events, error} = await consume(kind, client);
      assert.deepEqual([dataOf(events), error], [['a', 'b'], undefined]);
      assert.equal(client.response.status, 200);
      assert.equal(client.response.headers.get('content-type'), 'text/event-stream');
      const source: any = EventSource.from(make() as any);
      assert.deepEqual(dataOf(await all(source)), ['a', 'b']);
    });
  }

  each(KINDS, 'a chunk that is neither text nor bytes is an error, and closes', async (kind) => {
    const {script, client} = scripted(kind, [stream(A, 5 as any)], {maxRetries: 2});
    const {events, error} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a']);
    assert.ok(error instanceof Error);
    assert.match(error.message, /chunk/);
    assert.equal(script.open, 0);
  });
});

describe('clients: transports that do not do as they should', () => {
  each(KINDS, 'a transport that throws nothing at all has failed, too', async (kind) => {
    const {client} = scripted(kind, [], {
      ...POST,
      transport: () => {
        if (kind.isBlocking) throw undefined;
        return Promise.reject(undefined);
      },
    });
    const {events, error} = await consume(kind, client);
    assert.deepEqual(events, []);
    assert.ok(error instanceof SSEConnectionError);
  });

  test('a late response that cannot even be asked is no unhandled rejection', async () => {
    let answer: any;
    const client = asyncConnect(ADDRESS, {
      transport: () => new Promise((resolve) => (answer = resolve)),
    });
    const opening = client.open().catch((error) => error);
    await turn();
    await client.close();
    answer({
      status: 200,
      get body() {
        throw new Error('late');
      },
    });
    await turn();
    assert.ok((await opening) instanceof SSEError);
  });

  each([ASYNC, BLOCKING], 'a body whose iterator is none ends the loop', async (kind) => {
    const bodies = kind.isBlocking
      ? [{[Symbol.iterator]() {}}]
      : [{[Symbol.iterator]() {}}, {[Symbol.asyncIterator]() {}}];
    for (const body of bodies) {
      let requests = 0;
      const transport = () => ({status: requests++ < MOST_REQUESTS ? 200 : 204, body}) as any;
      const {error} = await consume(kind, new kind.Client(ADDRESS, {transport, sleep() {}}));
      assertError(error, 'TypeError', undefined, 'body');
      assert.equal(requests, 1);
    }
  });

  each(AWAITING.slice(0, 2), 'a response that comes after close() is let go', async (kind) => {
    const script = new Script(kind, [stream(A)]);
    let answer = (): void => {};
    const client: any = new kind.Client(ADDRESS, {
      transport: (url: string, request: any) =>
        new Promise((resolve) => {
          answer = () => resolve(script.transport(url, request));
        }),
    });
    const wait = next(loopOf(kind, client));
    await turn();
    await client.close();
    assert.equal(((await settled(wait)) as any).done, true);
    answer();
    await turn();
    assert.deepEqual(script.log, ['request 1', 'close 1']);
  });

  each(
    [ASYNC],
    'a transport that fails after close() makes no unhandled rejection',
    async (kind) => {
      let fail = (): void => {};
      const client: any = new kind.Client(ADDRESS, {
        transport: () => new Promise((_, reject) => (fail = () => reject(boom))) as any,
      });
      const wait = next(loopOf(kind, client));
      await turn();
      await client.close();
      fail();
      assert.equal(((await settled(wait)) as any).done, true);
    },
  );

  each([ASYNC, STREAMS], 'a body whose closing fails does not disturb the loop', async (kind) => {
    for (const closing of [() => Promise.reject(boom), throws]) {
      const body = {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({done: false, value: A}),
          return: closing as any,
        }),
      };
      const client: any = new kind.Client(ADDRESS, {transport: () => ({status: 200, body})});
      const {events, error} = await consume(kind, client, () => 'break');
      assert.deepEqual([dataOf(events), error], [['a'], undefined]);
    }
  });

  for (const [what, value] of [
    ['undefined', undefined],
    ['null', null],
    ['a text', A],
    ['a number', 200],
    ['{}', {}],
    ['a status that is a text', {status: '200'}],
  ] as const) {
    each([ASYNC, BOTH, BLOCKING], `a transport that returns ${what}: TypeError`, async (kind) => {
      let calls = 0;
      const client: any = new kind.Client(ADDRESS, {
        ...QUIET,
        maxRetries: 3,
        transport: (() => {
          calls++;
          return kind.answers === 'promise' ? Promise.resolve(value) : value;
        }) as any,
      });
      assertError(
        (await consume(kind, client)).error,
        'TypeError',
        undefined,
        'transport',
        'status',
      );
      assert.equal(calls, 1);
    });
  }

  for (const [what, transport] of [
    ['a promise', async () => ({status: 200})],
    ['a rejection', async () => throws()],
  ] as const) {
    each([BLOCKING], `${what} from a transport in for … of says what to do`, async (kind) => {
      let calls = 0;
      const client: any = new kind.Client(ADDRESS, {
        ...QUIET,
        transport: (() => (calls++, transport())) as any,
      });
      const {error} = await consume(kind, client);
      assertError(error, 'TypeError', undefined, 'transport', 'for await');
      assert.throws(() => client.openSync(), TypeError);
      assert.equal(calls, 2, 'no retry');
    });
  }

  for (const bodies of ['async', 'stream'] as const) {
    each([BLOCKING], `a body that is ${bodies} in for … of says what to do`, async (kind) => {
      const script = new Script({...kind, bodies}, [stream(A), stream(A)]);
      const client: any = new kind.Client(ADDRESS, {...QUIET, transport: script.transport});
      assertError((await consume(kind, client)).error, 'TypeError', undefined, 'for await');
      assert.equal(script.sent.length, 1);
      assert.deepEqual([script.open, script.log], [0, ['request 1', 'close 1']]);
    });
  }
});
