// Section 8 of sse.ts: replay() and record(), and what is said where a runtime lacks something. The
// transports that need a network are in sockets.test.ts.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  asyncConnect,
  blockingFetch,
  connect,
  httpTransport,
  record,
  replay,
  SSEClient,
} from '../../sse.ts';
import {
  ADDRESS,
  ASYNC,
  B,
  BLOCKING,
  consume,
  dataOf,
  each,
  KINDS,
  over,
  Script,
  stream,
} from '../support/clients.ts';
import {assertError, caught} from '../support/errors.ts';
import {bytesOf, type Chunk} from '../support/events.ts';
import {IS_BUN, IS_PAGE, IS_WORKERD} from '../support/runtime.ts';

const LOG = 'id: 1\ndata: a\n\nid: é€\ndata: b\n\nretry: 10\nid: 3\ndata: c\n\n';

describe('replay', () => {
  for (const [form, log] of [
    ['text', LOG],
    ['bytes', bytesOf(LOG)],
    ['a list of one', [LOG]],
  ] as const) {
    each([ASYNC, BLOCKING], `replay: ${form}, then 204`, async (kind) => {
      const client = over(kind, replay(log as any));
      const {events, error} = await consume(kind, client);
      assert.equal(error, undefined);
      assert.deepEqual(
        events.map(({id, data}) => [id, data]),
        [
          ['1', 'a'],
          ['é€', 'b'],
          ['3', 'c'],
        ],
      );
      assert.equal(client.state, 'closed');
      assert.equal(client.response.status, 204);
      assert.equal(client.retry, 10);
    });
  }

  each([ASYNC, BLOCKING], 'replay: a list gives each connection the next log', async (kind) => {
    const logs = ['data: a\n\n', bytesOf('data: b\n\n'), '', 'data: c\n\n'];
    const retries: number[] = [];
    const client = over(kind, replay(logs), {onRetry: ({delay}: any) => retries.push(delay)});
    assert.deepEqual(dataOf((await consume(kind, client)).events), ['a', 'b', 'c']);
    assert.equal(retries.length, 4);
    assert.deepEqual(logs.length, 4, 'the list is the caller’s own');
  });

  for (const [lastEventId, rest] of [
    ['1', ['b', 'c']],
    ['é€', ['c']],
    ['3', []],
    ['unknown', ['a', 'b', 'c']],
  ] as const) {
    each([ASYNC, BLOCKING], `replay: resumes after '${lastEventId}'`, async (kind) => {
      for (const log of [LOG, LOG.replaceAll('\n', '\r\n'), LOG.replaceAll('\n', '\r')]) {
        const {events} = await consume(kind, over(kind, replay(log), {lastEventId}));
        assert.deepEqual(dataOf(events), rest);
      }
    });
  }

  each([ASYNC, BLOCKING], 'replay: responses among logs', async (kind) => {
    const headers = {'Retry-After': '9'};
    const entries = [
      {status: 503, headers, body: 'busy'},
      LOG.slice(0, 40),
      {status: 429, headers: new Headers(headers)},
      {status: 302, headers: {Location: '/b'}},
      {body: [LOG.slice(0, 50), LOG.slice(50)]},
    ];
    const waits: number[] = [];
    const seen: string[] = [];
    const transport = replay(entries);
    const client = over(
      kind,
      (url: string, request: any) => (seen.push(url), transport(url, request)),
      {retryStatus: () => true, sleep: (ms: number) => void waits.push(ms)},
    );
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error], [['a', 'b', 'c'], undefined]);
    assert.deepEqual(waits, [9000, 3000, 9000, 100]);
    assert.deepEqual(seen.slice(3, 5), [ADDRESS, 'http://sse.test/b']);
  });

  each(
    [ASYNC, BLOCKING],
    'replay: a refusal has its text, a type that is wrong is named',
    async (kind) => {
      const refused = await consume(kind, over(kind, replay([{status: 401, body: ['who', '?']}])));
      assertError(refused.error, 'SSEHTTPError', 'http', '401', 'who?');
      const page = {headers: {'Content-Type': 'text/html'}, body: '<p>'};
      const typed = await consume(kind, over(kind, replay([page])));
      assertError(typed.error, 'SSEResponseError', 'content-type', 'text/html');
    },
  );

  for (const [entry, rule] of [
    [{}, /TypeError: replay takes text/],
    [{status: 100}, /RangeError: replay: status must be an integer from 200 to 599/],
    [{status: 200.5}, /RangeError: replay: status/],
    [{status: '200'}, /RangeError: replay: status/],
    [{status: 200, header: {}}, /TypeError: Unknown option "header": did you mean 'headers'/],
    [{body: 5}, /TypeError: A chunk must be text or bytes/],
    [{status: 200, headers: {A: undefined}}, /TypeError: headers: the value of "A"/],
  ] as const) {
    test(`replay: what is no response: ${JSON.stringify(entry)}`, () => {
      assert.throws(() => replay([entry as any]), rule);
    });
  }

  each([ASYNC, BLOCKING], 'replay: a cut log, then the whole: every event once', async (kind) => {
    const {events} = await consume(kind, over(kind, replay([LOG.slice(0, 40), LOG])));
    assert.deepEqual(dataOf(events), ['a', 'b', 'c']);
  });
});

describe('record', () => {
  each(KINDS, 'every chunk as it came, with the number of its connection', async (kind) => {
    const script = new Script(kind, [
      stream('id: 1\ndata: a\n', '\n'),
      {status: 200, body: ['da', 'ta: b\n\n', new Error('cut')]},
    ]);
    const chunks: unknown[] = [];
    const transport = record(script.transport, (chunk, connection) => {
      chunks.push([connection, chunk]);
      script.log.push(`chunk ${chunk}`);
    });
    const {events} = await consume(kind, over(kind, transport), ({data}) =>
      script.log.push(`event ${data}`),
    );
    assert.deepEqual(dataOf(events), ['a', 'b']);
    assert.deepEqual(chunks, [
      [0, 'id: 1\ndata: a\n'],
      [0, '\n'],
      [1, 'da'],
      [1, 'ta: b\n\n'],
    ]);
    const handed = script.log.indexOf('event a');
    assert.ok(handed < script.log.indexOf('chunk da'), 'as they come');
    assert.deepEqual(script.lastEventIds, ['', '1', '1'], 'the request is handed on');
    assert.equal(script.open, 0);
  });

  each(KINDS, 'break closes what is recorded', async (kind) => {
    const script = new Script(kind, [stream('data: a\n\n', 'data: b\n\n')]);
    const client = over(
      kind,
      record(script.transport, () => {}),
    );
    await consume(kind, client, () => 'break');
    assert.deepEqual(script.log, ['request 1', 'close 1']);
  });

  each(KINDS, 'responses that are no stream are handed on unread', async (kind) => {
    const script = new Script(kind, [{status: 401, type: 'text/plain', body: ['who?']}]);
    const chunks: unknown[] = [];
    const {error} = await consume(
      kind,
      over(
        kind,
        record(script.transport, (c) => chunks.push(c)),
      ),
    );
    assertError(error, 'SSEHTTPError', 'http', '401');
    assert.equal(error.body, 'who?');
    assert.deepEqual(chunks, []);
  });

  each(KINDS, 'a sink that throws ends the loop with its error', async (kind) => {
    const script = new Script(kind, [stream('data: a\n\n'), stream('data: b\n\n')]);
    const full = new Error('disk full');
    const {events, error} = await consume(
      kind,
      over(
        kind,
        record(script.transport, () => {
          throw full;
        }),
      ),
    );
    assert.equal(error, full);
    assert.deepEqual(events, []);
    assert.equal(script.sent.length, 1, 'it is no connection failure');
    assert.equal(script.open, 0);
  });
});

describe('replay of a record', () => {
  each(
    [ASYNC, BLOCKING],
    'replay of chunks as record() hands them on, and of what is no log',
    async (kind) => {
      const chunks: (string | Uint8Array)[][] = [];
      const script = new Script(kind, [stream('id: 1\nda', 'ta: é\n\n'), stream(B)]);
      const sink = (chunk: any, connection: number) => void (chunks[connection] ??= []).push(chunk);
      const first = await consume(kind, over(kind, record(script.transport, sink)));
      const again = await consume(kind, over(kind, replay(chunks)));
      assert.deepEqual(again.events, first.events);
      const bytes = chunks.map((log) => log.map((chunk) => Buffer.from(chunk)));
      assert.deepEqual((await consume(kind, over(kind, replay(bytes)))).events, first.events);
      for (const log of [5, undefined, null, [5], [[5]], {}]) {
        assert.throws(() => replay(log as any), TypeError, JSON.stringify(log));
      }
      assert.throws(() => record(script.transport, undefined as any), /TypeError.*sink/);
    },
  );

  each([ASYNC, BLOCKING], 'replay(record()): the round trip', async (kind) => {
    const logs: string[] = [];
    const sink = (chunk: Chunk, connection: number) => {
      logs[connection] = (logs[connection] ?? '') + chunk;
    };
    const options = {retryInterval: 0, maxRetryInterval: 0};
    const script = new Script(kind, [
      stream('id: 1\r\ndata: a\r', '\n\r\nid: 2\r\ndata: lo'),
      stream('id: 2\ndata: b\n\n'),
    ]);
    const first = await consume(kind, over(kind, record(script.transport, sink), options));
    const again = await consume(kind, over(kind, replay(logs), options));
    assert.deepEqual(dataOf(first.events), ['a', 'b']);
    assert.deepEqual(again.events, first.events);
  });
});

/** Without something of the platform, for as long as `check` takes. */
function without(holder: any, name: string, check: () => void, stand?: unknown): void {
  const known = Object.getOwnPropertyDescriptor(holder, name);
  Object.defineProperty(holder, name, {value: stand, configurable: true, writable: true});
  try {
    check();
  } finally {
    if (known) Object.defineProperty(holder, name, known);
    else delete holder[name];
  }
}

const noWait = () => {
  throw new TypeError('Atomics.wait cannot be called in this context');
};

describe('what a runtime lacks', () => {
  test('verify: false is an error where fetch cannot do it', {skip: IS_BUN}, async () => {
    const client = asyncConnect('https://127.0.0.1:9/', {verify: false});
    const {events, error} = await consume(ASYNC, client);
    assertError(error, 'SSEError', 'unsupported', 'verify');
    assert.deepEqual(events, []);
  });

  for (const [what, holder, name, stand] of [
    ['process', globalThis, 'process', undefined],
    ['process.getBuiltinModule', process, 'getBuiltinModule', undefined],
    ['Atomics.wait', Atomics, 'wait', noWait],
    ['SharedArrayBuffer', globalThis, 'SharedArrayBuffer', undefined],
  ] as const) {
    test(`without ${what} a blocking loop is a clear error, before anything is sent`, () => {
      let errors: any[] = [];
      without(
        holder,
        name,
        () => {
          errors = [
            caught(() => connect('http://127.0.0.1:9/')),
            caught(() => blockingFetch()('http://127.0.0.1:9/', {} as any)),
            caught(() => new SSEClient('http://127.0.0.1:9/').openSync()),
            caught(() => [...new SSEClient('http://127.0.0.1:9/')]),
          ];
          asyncConnect('http://127.0.0.1:9/'); // does not care
          connect(ADDRESS, {transport: replay('')}); // nor this
        },
        stand,
      );
      for (const error of errors) {
        assertError(error, 'SSEError', 'unsupported', 'asyncConnect', 'transport');
        assert.ok(error.cause instanceof Error);
      }
    });
  }

  test('where no thread can wait, a blocking pause is a clear error', () => {
    const options = {transport: replay(['data: a\n\n', 'data: b\n\n']), random: () => 0};
    let error: any;
    without(
      Atomics,
      'wait',
      () => {
        error = caught(() => [...connect(ADDRESS, options)]);
      },
      noWait,
    );
    assertError(error, 'SSEError', 'unsupported', '3000', 'sleep', 'for await');
  });

  test('a runtime without fetch: the error says so', async () => {
    const {fetch} = globalThis;
    try {
      (globalThis as any).fetch = undefined;
      const {error} = await consume(ASYNC, asyncConnect(ADDRESS));
      assertError(error, 'SSEError', 'unsupported', 'no fetch:', 'transport');
    } finally {
      globalThis.fetch = fetch;
    }
  });

  test('httpTransport() without node:http, or with a body that it cannot send', async () => {
    without(process, 'getBuiltinModule', () => {
      assertError(
        caught(() => httpTransport()),
        'SSEError',
        'unsupported',
        'node:http',
        'transport',
      );
    });
    if (IS_PAGE || IS_WORKERD) return;
    for (const body of [new FormData(), new ReadableStream()]) {
      let retries = 0;
      const client = asyncConnect('http://127.0.0.1:9/', {
        method: 'POST',
        body: () => body,
        reconnect: true,
        transport: httpTransport(),
        sleep: () => {},
        onRetry: () => void retries++,
      });
      const {error} = await consume(ASYNC, client);
      assertError(error, 'TypeError', undefined, 'httpTransport()', 'text or bytes');
      assert.equal(retries, 0);
    }
  });

  const inWorkerd = (check: () => void) =>
    without(globalThis, 'navigator', check, {userAgent: 'Cloudflare-Workers'});

  test('workerd: its node:http is not good enough', () =>
    inWorkerd(() => {
      assertError(
        caught(() => httpTransport()),
        'SSEError',
        'unsupported',
        'leave out the transport',
      );
    }));
});
