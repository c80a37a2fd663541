// What users do wrong, and what they are told: options, observers, and words about what came.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  asyncConnect,
  AsyncSSEClient,
  EventParser,
  EventSource,
  httpTransport,
  Reconnection,
  record,
  SSEClient,
  SSEConnectionError,
  SSEHTTPError,
  VERSION,
} from '../../sse.ts';
import {
  A,
  ADDRESS,
  ASYNC,
  AWAITING,
  B,
  BLOCKING,
  boom,
  consume,
  dataOf,
  each,
  KINDS,
  POST,
  Script,
  scripted,
  type Step,
  stream,
} from '../support/clients.ts';
import {assertError, caught} from '../support/errors.ts';
import {all, later} from '../support/events.ts';
import {IS_PAGE, IS_WORKERD} from '../support/runtime.ts';

const asked: any = () => ({status: 204});
const client = (options: any) => new AsyncSSEClient(ADDRESS, {transport: asked, ...options});

type Makers = Readonly<Record<string, (options: any) => unknown>>;
const CLIENTS: Makers = {
  AsyncSSEClient: client,
  SSEClient: (options) => new SSEClient(ADDRESS, {transport: asked, ...options}),
};
const PARSERS: Makers = {
  EventParser: (options) => new EventParser(options),
  EventSource: (options) => new EventSource([A], options),
  'EventSource.from': (options) => EventSource.from(A, options),
};
const LOOPS: Makers = {Reconnection: (options) => new Reconnection('http://a.test/', options)};
const JSONS: Makers = {
  'client.json': (options) => client({}).json(options)[Symbol.asyncIterator](),
  'source.json': (options) =>
    (EventSource.from(A).json(options) as Iterable<unknown>)[Symbol.iterator](),
};
const TRANSPORTS: Makers = {httpTransport: (options) => httpTransport(options)};

describe('unknown options', () => {
  const rows: [makers: Makers, given: object, ...words: string[]][] = [
    [CLIENTS, {retryinterval: 5}, "'retryInterval'"],
    [CLIENTS, {retryIntervall: 5}, "'retryInterval'"],
    [CLIENTS, {idleTimeOut: 5}, "'idleTimeout'"],
    [CLIENTS, {header: {}}, "'headers'"],
    [CLIENTS, {lasteventid: ''}, "'lastEventId'"],
    [CLIENTS, {onretry: asked}, "'onRetry'"],
    [CLIENTS, {maxRetry: 5}, "'maxRetries'"],
    [CLIENTS, {fetch: asked}, 'there are', 'transport'],
    [CLIENTS, {withCredentials: undefined}, 'there are', 'init'], // also one that is undefined
    [CLIENTS, {toString: 5}, 'toString'],
    [PARSERS, {maxeventsize: 5}, "'maxEventSize'"],
    [PARSERS, {onComments: asked}, "'onComment'"],
    [PARSERS, {timeout: 5}, 'there are lastEventId, retry, maxEventSize, onComment, onIgnored'],
    [LOOPS, {retryStatuses: []}, "'retryStatus'"],
    [LOOPS, {onRetry: asked}, 'there are'],
    [JSONS, {Done: ''}, "'done'"],
    [TRANSPORTS, {agents: {}}, "'agent'"],
  ];
  for (const [makers, given, ...words] of rows) {
    for (const [what, make] of Object.entries(makers)) {
      const [name = ''] = Object.keys(given);
      test(`${what}: ${name}`, () => {
        const error = caught(() => make(given));
        assertError(
          error,
          'TypeError',
          undefined,
          'Unknown option',
          JSON.stringify(name),
          ...words,
        );
      });
    }
  }

  test('both clients know the options of both', () => {
    for (const make of Object.values(CLIENTS)) make({reconnect: false, verify: true, sleep: asked});
  });

  test('names of 40,000 characters are compared with none', () => {
    assertError(
      caught(() => client({['n'.repeat(40_000)]: 1})),
      'TypeError',
      undefined,
      'there are',
    );
  });
});

describe('options are read by name', () => {
  const reads: [what: string, options: object][] = [
    ['inherited', Object.create({maxRetries: 0})],
    [
      'a getter of a class',
      new (class {
        get maxRetries() {
          return 0;
        }
      })(),
    ],
    ['a getter that no listing shows', Object.defineProperty({}, 'maxRetries', {get: () => 0})],
    ['a proxy', new Proxy({}, {get: (_, name) => (name === 'maxRetries' ? 0 : undefined)})],
    ['of no prototype', Object.assign(Object.create(null), {maxRetries: 0})],
  ];
  for (const [what, options] of reads) {
    each(KINDS, what, async (kind) => {
      const {transport} = new Script(kind, [new TypeError('cut')]);
      options['transport' as keyof typeof options] ??= transport as never;
      const given =
        what === 'a proxy'
          ? new Proxy({}, {get: (_, name) => (({maxRetries: 0, transport}) as any)[name]})
          : Object.create(options, {transport: {value: transport}});
      const {error} = await consume(kind, new kind.Client(ADDRESS, given));
      assertError(error, 'SSEConnectionError', 'connection', 'cut');
    });
  }

  test('undefined is left out', () => {
    const options = {timeout: undefined, maxRetries: undefined, retry: undefined};
    assert.equal(new EventParser({retry: options.retry, maxEventSize: undefined}).retry, undefined);
    client({timeout: undefined, maxRetries: undefined, now: undefined, verify: undefined});
  });
});

describe('init and headers', () => {
  for (const name of ['method', 'headers', 'body', 'signal', 'redirect', 'cache', 'verify']) {
    test(`init.${name}`, () => {
      const error = caught(() => client({init: {[name]: undefined}}));
      assertError(error, 'TypeError', undefined, 'init', `\`${name}\``);
    });
  }

  const headers: [what: string, headers: any][] = [
    ['an object', {'X-Token': undefined}],
    ['pairs', [['X-Token', undefined]]],
  ];
  for (const [what, value] of headers) {
    test(`an undefined value: ${what}`, () => {
      const error = caught(() => client({headers: value}));
      assertError(error, 'TypeError', undefined, 'headers', '"X-Token"', 'undefined');
    });
    each(KINDS, `an undefined value: a function that returns ${what}`, async (kind) => {
      const {script, client} = scripted(kind, [stream(A)], {headers: () => value});
      const {error} = await consume(kind, client);
      assertError(error, 'TypeError', undefined, 'headers', '"X-Token"', 'undefined');
      assert.equal(script.sent.length, 0);
    });
  }
});

/** A turn of the event loop later. */
const soon = async (log: string[], what: string) => {
  log.push(`${what} begins`);
  await Promise.resolve();
  await Promise.resolve();
  log.push(`${what} ends`);
};

describe('observers that return a promise', () => {
  const TEXT = `: one\nwhat: 1\n${A}: two\n${B}`;

  each(AWAITING, 'are waited for, in order, before the event that follows', async (kind) => {
    const log: string[] = [];
    const {client} = scripted(kind, [stream(TEXT), {status: 204}], {
      onOpen: () => soon(log, 'open'),
      onRetry: () => soon(log, 'retry'),
      onComment: (text: string) => soon(log, text),
      onIgnored: (line: string) => soon(log, line),
    });
    const {error} = await consume(kind, client, ({data}) => log.push(`event ${data}`));
    assert.equal(error, undefined);
    assert.deepEqual(log, [
      ...['open begins', 'open ends'],
      ...['one begins', 'what: 1 begins', 'one ends', 'what: 1 ends', 'event a'],
      ...['two begins', 'two ends', 'event b'],
      ...['retry begins', 'retry ends'],
    ]);
  });

  each(AWAITING, 'at the end of the stream, too', async (kind) => {
    const log: string[] = [];
    const options = {
      reconnect: false,
      onComment: (text: string) => soon(log, text),
      onIgnored: (line: string) => soon(log, line),
    };
    const {client} = scripted(kind, [stream(`${A}: last\ndata: b\n`)], options);
    assert.deepEqual(dataOf((await consume(kind, client)).events), ['a']);
    assert.deepEqual(log, ['last begins', 'last ends', 'data: b begins', 'data: b ends']);
  });

  each(AWAITING, 'one that rejects at the end of the stream ends the loop', async (kind) => {
    const options = {reconnect: false, onIgnored: async () => Promise.reject(boom)};
    const {client} = scripted(kind, [stream(`${A}data: b\n`)], options);
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error], [['a'], boom]);
  });

  const names = ['onOpen', 'onRetry', 'onComment', 'onIgnored'];
  for (const name of names) {
    each(AWAITING, `${name} that rejects ends the loop`, async (kind) => {
      const options = {[name]: async () => Promise.reject(boom)};
      const {script, client} = scripted(kind, [stream(TEXT), stream(TEXT)], options);
      const {events, error} = await consume(kind, client);
      assert.equal(error, boom);
      assert.deepEqual(dataOf(events), name === 'onRetry' ? ['a', 'b'] : []);
      assert.deepEqual([script.open, script.sent.length], [0, 1]);
    });

    each([BLOCKING], `${name} in the blocking loop`, async (kind) => {
      const options = {[name]: async () => Promise.reject(boom)};
      const {script, client} = scripted(kind, [stream(TEXT)], options);
      const {error} = await consume(kind, client);
      assertError(error, 'TypeError', undefined, `\`${name}\``, 'promise', '`for await`');
      assert.equal(script.open, 0);
    });
  }

  each(
    AWAITING,
    'a sink of record() is waited for, and its rejection ends the loop',
    async (kind) => {
      const log: string[] = [];
      const {transport} = new Script(kind, [stream(A, B)]);
      const sink = (chunk: any) => soon(log, String(chunk).trim());
      const options = {transport: record(transport, sink), reconnect: false};
      const found = await consume(kind, new kind.Client(ADDRESS, options), ({data}) =>
        log.push(data),
      );
      assert.equal(found.error, undefined);
      const whole = ['data: a begins', 'data: a ends', 'a', 'data: b begins', 'data: b ends', 'b'];
      assert.deepEqual(log, whole);

      const rejecting = async () => Promise.reject(boom);
      const again = new Script(kind, [stream(A)]);
      const lost = new kind.Client(ADDRESS, {transport: record(again.transport, rejecting)});
      assert.equal((await consume(kind, lost)).error, boom);
      assert.equal(again.open, 0);
    },
  );

  each([BLOCKING], 'a sink of record() in the blocking loop', async (kind) => {
    const script = new Script(kind, [stream(A)]);
    const transport = record(script.transport, async () => Promise.reject(boom));
    const {error} = await consume(kind, new kind.Client(ADDRESS, {transport}));
    assertError(error, 'TypeError', undefined, '`sink`', 'promise');
    assert.equal(script.open, 0);
  });

  test('of a bare parser and source: TypeError', async () => {
    const options: any = {onComment: async () => Promise.reject(boom)};
    const runs = [
      () => new EventParser(options).feed(': hi\n'),
      () => [...(EventSource.from(': hi\n\n', options) as Iterable<unknown>)],
    ];
    for (const run of runs) {
      assertError(caught(run), 'TypeError', undefined, '`onComment`', '`for await`');
    }
    const source = EventSource.from(later([': hi\n\n']), options);
    await assert.rejects(all(source as any), TypeError);
  });

  each(KINDS, 'until: TypeError, since its answer is needed at once', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)], {until: async () => Promise.reject(boom)});
    const {events, error} = await consume(kind, client);
    assertError(error, 'TypeError', undefined, '`until`', 'at once');
    assert.deepEqual([dataOf(events), script.open], [[], 0]);
  });

  for (const answer of [1, 'yes', {}, []]) {
    each(KINDS, `until: ${JSON.stringify(answer)} is true`, async (kind) => {
      const {script, client} = scripted(kind, [stream(A, B)], {until: () => answer});
      assert.deepEqual(dataOf((await consume(kind, client)).events), ['a']);
      assert.equal(script.open, 0);
    });
  }
});

describe('retryStatus as a function', () => {
  const refusal = (status: number): Step => ({
    status,
    type: 'text/plain',
    headers: {'Retry-After': '7'},
    body: ['busy'],
  });

  each(KINDS, 'is asked at every refusal, the first one included', async (kind) => {
    const asked: unknown[] = [];
    const steps = [refusal(418), refusal(404), stream(A), refusal(400), refusal(401)];
    const {script, client} = scripted(kind, steps, {
      retryStatus: (error: SSEHTTPError, state: object) => {
        asked.push([error instanceof SSEHTTPError, error.status, error.body, state]);
        return error.status !== 401;
      },
    });
    const {events, error} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a']);
    assertError(error, 'SSEHTTPError', 'http', '401', 'busy');
    assert.deepEqual(asked, [
      [true, 418, 'busy', {opened: false, attempt: 0}],
      [true, 404, 'busy', {opened: false, attempt: 1}],
      [true, 400, 'busy', {opened: true, attempt: 1}],
      [true, 401, 'busy', {opened: true, attempt: 2}],
    ]);
    assert.deepEqual(script.waits, [7000, 7000, 3000, 7000]);
  });

  each(KINDS, 'a POST is sent again for it, and for nothing else', async (kind) => {
    const retryStatus = ({status}: SSEHTTPError) => status === 429;
    const {script, client} = scripted(kind, [refusal(429), stream(A)], {...POST, retryStatus});
    assert.deepEqual(dataOf((await consume(kind, client)).events), ['a']);
    assert.deepEqual(
      script.sent.map(({method, body}) => [method, body]),
      [
        ['POST', 'ask'],
        ['POST', 'ask'],
      ],
    );
    const lost = scripted(kind, [refusal(429), new TypeError('cut')], {...POST, retryStatus});
    const {error} = await consume(kind, lost.client);
    assertError(error, 'SSEConnectionError', 'connection', 'cut');
    assert.equal(lost.script.sent.length, 2);
  });

  each(KINDS, 'maxRetries holds', async (kind) => {
    const options = {retryStatus: () => true, maxRetries: 2};
    const {script, client} = scripted(
      kind,
      [1, 2, 3, 4].map(() => refusal(429)),
      options,
    );
    const {error} = await consume(kind, client);
    assertError(error, 'SSEConnectionError', 'connection', 'after 2 retries', '429');
    assert.equal(script.sent.length, 3);
  });

  each(KINDS, 'what it throws ends the loop; a promise is a TypeError', async (kind) => {
    const throwing = () => {
      throw boom;
    };
    const first = scripted(kind, [refusal(500)], {retryStatus: throwing});
    assert.equal((await consume(kind, first.client)).error, boom);
    const second = scripted(kind, [refusal(500)], {retryStatus: async () => true});
    assertError(
      (await consume(kind, second.client)).error,
      'TypeError',
      undefined,
      '`retryStatus`',
    );
  });

  test('with a stream as body: refused', () => {
    const options = {method: 'POST', body: later(['a']), retryStatus: () => true};
    assertError(
      caught(() => client(options)),
      'TypeError',
      undefined,
      'body',
      'function',
    );
  });
});

describe('eventTimeout', () => {
  for (const value of [NaN, -1, '5']) {
    test(`eventTimeout: ${JSON.stringify(value)}`, () => {
      const error = caught(() => client({eventTimeout: value}));
      assertError(error, 'RangeError', undefined, 'eventTimeout');
    });
  }
});

/** Longer than what the parser keeps in one piece. */
const LONG = 'x'.repeat(40_000);

describe('lines that mean nothing', () => {
  const rows: [what: string, text: string, ...told: [line: string, reason: string][]][] = [
    ['none', `${A}: c\nid: 1\nretry: 5\nevent: x\n\n`],
    ['a field of no name known', 'foo: bar\n\n', ['foo: bar', 'unknown-field']],
    ['a name without a colon', 'hello\n\n', ['hello', 'unknown-field']],
    [
      'names in capitals',
      'Data: a\nID: 1\n\n',
      ['Data: a', 'unknown-field'],
      ['ID: 1', 'unknown-field'],
    ],
    ['a blank before the name', ' data: a\n\n', [' data: a', 'unknown-field']],
    [
      'retry',
      'retry: 5s\nretry:-1\nretry\n\n',
      ['retry: 5s', 'invalid-retry'],
      ['retry:-1', 'invalid-retry'],
      ['retry', 'invalid-retry'],
    ],
    ['an id with NUL', 'id: a\0b\ndata: 1\n\n', ['id: a\0b', 'id-with-null']],
    ['between data lines', 'data: 1\nx\ndata: 2\n\n', ['x', 'unknown-field']],
    [
      'an unfinished event',
      `${A}event: e\nid: 7\ndata: 1\ndata: 2\n`,
      ['event: e', 'incomplete'],
      ['id: 7', 'incomplete'],
      ['data: 1', 'incomplete'],
      ['data: 2', 'incomplete'],
    ],
    [
      'a long unfinished event',
      `data: ${LONG}\ndata: 2\n`,
      [`data: ${LONG}`, 'incomplete'],
      ['data: 2', 'incomplete'],
    ],
    ['an unfinished line', `${A}data: 1\nda`, ['data: 1', 'incomplete'], ['da', 'incomplete']],
    ['JSON unframed', '{"error":"quota"}', ['{"error":"quota"}', 'incomplete']],
  ];
  for (const [what, text, ...told] of rows) {
    test(what, async () => {
      for (const end of ['\n', '\r\n', '\r']) {
        const input = text.replaceAll('\n', end);
        const cuts = [[input], [...input], input.match(/.{1,3}/gs) ?? []];
        for (const chunks of cuts) {
          const found: [string, string][] = [];
          const onIgnored = (line: string, reason: string) => void found.push([line, reason]);
          // a CR at the end of a stream is the end of a line at once, and LF may still come
          for (const _ of EventSource.from(chunks, {onIgnored}) as any);
          assert.deepEqual(found, told, JSON.stringify(chunks));
          found.length = 0;
          for await (const _ of EventSource.from(later(chunks), {onIgnored}) as any);
          assert.deepEqual(found, told, JSON.stringify(chunks));
        }
      }
    });
  }

  test('a bare parser has no end, and what onIgnored throws comes through', () => {
    const found: string[] = [];
    const parser = new EventParser({onIgnored: (line) => void found.push(line)});
    assert.deepEqual(dataOf(parser.feed(`x\n${A}data: b\n`)), ['a']);
    assert.deepEqual(found, ['x']);
    const throwing = new EventParser({
      onIgnored() {
        throw boom;
      },
    });
    assert.deepEqual(dataOf(throwing.feed(`${A}x\n${B}`)), ['a'], 'whole events first');
    assert.equal(
      caught(() => throwing.feed('')),
      boom,
    );
  });
});

describe('one warning where nobody listens', () => {
  const unknownName = () =>
    new TypeError('fetch failed', {
      cause: Object.assign(new Error('getaddrinfo ENOTFOUND a.test'), {code: 'ENOTFOUND'}),
    });
  const cut = () => new TypeError('cut');
  const rows: [
    what: string,
    steps: Step[],
    options: {maxRetries?: number; onRetry?: () => void},
    warnings: number,
    after?: number,
  ][] = [
    ['the name is not known: at once', [unknownName(), unknownName(), unknownName()], {}, 1, 1],
    ['other failures: the third in a row', [cut(), cut(), cut(), cut(), cut()], {}, 1, 3],
    ['maxRetries: -1 is no number to tell', [unknownName(), stream(A)], {maxRetries: -1}, 1, 1],
    ['maxRetries is told', [unknownName(), stream(A)], {maxRetries: 5}, 1, 1],
    ['two failures', [cut(), cut(), stream(A)], {}, 0],
    ['a stream that has been open', [stream(A), cut(), cut(), cut(), cut()], {}, 0],
    ['onRetry listens', [unknownName(), cut(), cut(), cut()], {onRetry() {}}, 0],
  ];
  for (const [what, steps, options, warnings, after] of rows) {
    each(KINDS, what, async (kind) => {
      const script = new Script(kind, steps);
      const told: [number, string][] = [];
      const {warn} = console;
      console.warn = (text: string) => void told.push([script.sent.length, text]);
      try {
        const {transport, sleep} = script;
        const client = new kind.Client(ADDRESS, {transport, sleep, random: () => 0, ...options});
        await consume(kind, client);
      } finally {
        console.warn = warn;
      }
      assert.equal(told.length, warnings);
      for (const [requests, text] of told) {
        assert.equal(requests, after);
        for (const word of [ADDRESS, 'Trying again', '`onRetry`', '`maxRetries`']) {
          assert.ok(text.includes(word), text);
        }
        const limit = options.maxRetries === 5 ? 'again, 5 times at most:' : 'again:';
        assert.ok(text.includes(limit), text);
      }
    });
  }
});

describe('what a stream said that is no event', () => {
  const rows: [what: string, body: string, options: object, ...words: string[]][] = [
    ['JSON unframed', '{"error":"quota"}\n', {}, 'not an event', '{"error":"quota"}'],
    ['after an event', `${A}oops: 7\n\n`, {}, 'not an event', 'oops: 7'],
    ['of that the beginning', `${'x'.repeat(300)}\n`, {}, `${'x'.repeat(100)}`],
    ['without the last blank line', 'data: [DONE]\n', {until: () => true}, 'blank line', '[DONE]'],
    ['a page', '<html>\n', {}, 'not an event'],
  ];
  for (const [what, body, options, ...words] of rows) {
    each(KINDS, what, async (kind) => {
      const {client} = scripted(kind, [stream(body)], {maxRetries: 0, ...options});
      const {error} = await consume(kind, client);
      assertError(error, 'SSEConnectionError', 'connection', ...words);
      assert.ok(!error.message.includes('x'.repeat(101)) && !error.message.includes('<'));
    });
  }
  each(KINDS, 'comments are nothing to speak of', async (kind) => {
    const {client} = scripted(kind, [stream(': ping\n')], {maxRetries: 0});
    const {error} = await consume(kind, client);
    assert.ok(
      error instanceof SSEConnectionError && /the server ended the stream$/.test(error.message),
    );
  });
});

describe('the text of what opens no stream', () => {
  each(KINDS, 'a wrong content type', async (kind) => {
    const answer: Step = {type: 'application/json', body: ['{"error":', '"no such model"}']};
    const {client} = scripted(kind, [answer]);
    const {error} = await consume(kind, client);
    assertError(error, 'SSEResponseError', 'content-type', "'application/json'", 'no such model');
    assert.deepEqual([error.status, error.url], [200, ADDRESS]);
    assert.equal(error.body, '{"error":"no such model"}');
    assert.equal(error.headers.get('content-type'), 'application/json');
  });

  each([ASYNC], 'one that never ends', async (kind) => {
    const answer: Step = {type: 'text/html', body: ['<h1>Log in'], then: 'silence'};
    const {error} = await consume(kind, scripted(kind, [answer], {timeout: 5}).client);
    assertError(error, 'SSEResponseError', 'content-type', "'text/html'");
    assert.equal(error.body, '<h1>Log in');
  });
});

test('reason: the messages down the chain, in one line', async () => {
  const cause = new Error('connect ECONNREFUSED');
  const {client, retries} = scripted(ASYNC, [new TypeError('fetch failed', {cause})]);
  await consume(ASYNC, client);
  assert.deepEqual(
    retries.map(({reason}) => reason),
    ['fetch failed: connect ECONNREFUSED'],
  );
});

test('what console.log shows of a client: no secret, nothing of its inside', () => {
  const secret = {headers: {Authorization: 'Bearer s3cret'}, lastEventId: '7', transport: asked};
  const inspect: any = Symbol.for('nodejs.util.inspect.custom');
  for (const Client of [AsyncSSEClient, SSEClient]) {
    const client: any = new Client(ADDRESS, secret);
    const shown = `${Client.name} {"url":"${ADDRESS}","state":"idle","lastEventId":"7"}`;
    assert.equal(client[inspect](), shown);
    assert.deepEqual(Object.keys(client), []);
  }
});

test('VERSION is a version', () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
});

if (!IS_PAGE && !IS_WORKERD) {
  test('a transport that throws at once, without a code: a fault of the program', async () => {
    const faults: [unknown, boolean][] = [
      [new TypeError('x is not a function'), true],
      [Object.assign(new Error('reset'), {code: 'ECONNRESET'}), false],
    ];
    for (const [fault, isFinal] of faults) {
      let requests = 0;
      const transport: any = () => {
        requests++;
        throw fault;
      };
      const client = asyncConnect(ADDRESS, {transport, sleep() {}, maxRetries: 2, onRetry() {}});
      const {error} = await consume(ASYNC, client);
      assert.ok(error instanceof SSEConnectionError);
      assert.equal(requests, isFinal ? 1 : 3, error.message);
    }
  });
}
