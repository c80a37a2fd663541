import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createServer} from 'node:net';
import {after, before, describe, test} from 'node:test';
import {setImmediate as turn, setTimeout as pause} from 'node:timers/promises';
import {
  asyncConnect, AsyncSSEClient, blockingFetch, connect, record, replay, SSEClient,
  SSEConnectionError, SSEError, SSEEvent, SSEHTTPError,
} from '../../sse.ts';

// ── Helpers for clients ───────────────────────────────────────────────────────────────────────
// A scripted transport, a recorded sleep, a fixed clock and no jitter: nothing waits for real.

const IS_FAST = process.env['SSE_TEST'] === 'fast';
const IS_BUN = 'bun' in process.versions;
const IS_DENO = 'deno' in process.versions;
const NOW = Date.UTC(2026, 0, 1);
const ADDRESS = 'http://sse.test/events';
const STREAM = 'text/event-stream';
const MOST_REQUESTS = 60; // a client that asks more often storms

type Chunk = string | Uint8Array;
type Part = Chunk | Error;

interface Answer {
  status?: number;
  type?: string | null; // null: no Content-Type
  headers?: Record<string, string> | null; // null: a response without `headers`
  body?: readonly Part[] | null;
  then?: 'silence' | Chunk; // after the parts: nothing ever comes, or this for ever
}

/** An Error: the transport fails. 'silence': it never answers. */
type Step = Answer | Error | 'silence';

interface Kind {
  name: string;
  isBlocking: boolean;
  Client: typeof AsyncSSEClient;
  answers: 'promise' | 'value';
  bodies: 'async' | 'stream' | 'plain';
}

const ASYNC: Kind = {
  name: 'AsyncSSEClient, promises', isBlocking: false, Client: AsyncSSEClient,
  answers: 'promise', bodies: 'async',
};
const STREAMS: Kind = {...ASYNC, name: 'AsyncSSEClient, ReadableStream', bodies: 'stream'};
const BOTH: Kind = {
  name: 'for await over SSEClient', isBlocking: false, Client: SSEClient,
  answers: 'value', bodies: 'plain',
};
const BLOCKING: Kind = {...BOTH, name: 'for of over SSEClient', isBlocking: true};
const AWAITING = [ASYNC, STREAMS, BOTH];
const KINDS = [...AWAITING, BLOCKING];

interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>; // names in lower case
  body: unknown;
  redirect: string;
  cache: string | undefined;
  signal: AbortSignal;
  request: any; // all of it
}

class Script {
  readonly sent: Sent[] = [];
  /** What happened, in order: request 1, open 1, event a, close 1, retry 3000, wait 3000 … */
  readonly log: string[] = [];
  readonly waits: number[] = [];
  /** How often a body was asked for its next chunk. */
  reads = 0;
  /** Bodies neither at their end nor closed. */
  open = 0;
  readonly #kind: Kind;
  readonly #steps: Step[];

  constructor(kind: Kind, steps: readonly Step[]) {
    this.#kind = kind;
    this.#steps = [...steps];
  }

  readonly transport = (url: string, request: any): any => {
    const {method, headers, body, redirect, cache, signal} = request;
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    this.sent.push({
      url, method, headers: Object.fromEntries(lower), body, redirect, cache, signal, request,
    });
    this.log.push(`request ${this.sent.length}`);
    const step = this.#steps.shift() ?? {status: 204, body: null};
    const {answers} = this.#kind;
    if (step === 'silence') return new Promise(() => {});
    if (step instanceof Error) {
      if (answers === 'promise') return Promise.reject(step);
      throw step;
    }
    const response = this.#response(step);
    return answers === 'promise' ? Promise.resolve(response) : response;
  };

  readonly sleep = (ms: number): void => {
    this.waits.push(ms);
    this.log.push(`wait ${ms}`);
    if (this.waits.length > MOST_REQUESTS) throw new Error('a storm of reconnections');
  };

  get lastEventIds(): string[] {
    return this.sent.map(({headers}) => headers['last-event-id'] ?? '');
  }

  #response({status = 200, type = STREAM, headers = {}, body = [], then}: Answer): object {
    const list = {...(type === null ? {} : {'Content-Type': type}), ...headers};
    return {
      status,
      ...(headers === null ? {}
        : {headers: this.#kind.answers === 'promise' ? new Headers(list) : list}),
      body: body && this.#body(this.sent.length, body, then),
    };
  }

  #body(number: number, parts: readonly Part[], then: 'silence' | Chunk | undefined): unknown {
    let state: 'open' | 'over' | 'closed' = 'open';
    let index = 0;
    this.open++;
    const end = (how: 'over' | 'closed') => {
      if (state === 'open') this.open--;
      state = how;
    };
    const next = (): any => {
      this.reads++;
      if (state !== 'open') return {done: true, value: undefined};
      const part = index < parts.length ? parts[index++] : then;
      if (part === 'silence') return new Promise(() => {});
      if (part === undefined || part instanceof Error) end('over');
      if (part instanceof Error) throw part;
      return {done: part === undefined, value: part};
    };
    const close = () => {
      if (state === 'over') return; // let go anyway
      this.log.push(`close ${number}${state === 'closed' ? ' AGAIN' : ''}`);
      end('closed');
    };
    const {bodies} = this.#kind;
    if (bodies === 'stream') {
      return new ReadableStream({
        async pull(controller) {
          const part = await next();
          if (part.done) controller.close();
          else controller.enqueue(part.value);
        },
        cancel: close,
      }, {highWaterMark: 0});
    }
    const done = {done: true, value: undefined};
    if (bodies === 'async') {
      return {
        [Symbol.asyncIterator]: () => ({
          next: async () => next(), return: async () => (close(), done),
        }),
      };
    }
    return {[Symbol.iterator]: () => ({next, return: () => (close(), done)})};
  }
}

const stream = (...body: Part[]): Answer => ({body});

/** A client over a script. */
function scripted(kind: Kind, steps: readonly Step[], options: any = {}, url = ADDRESS) {
  const script = new Script(kind, steps);
  const retries: any[] = [];
  const client: any = new kind.Client(url, {
    transport: script.transport,
    sleep: script.sleep,
    random: () => 0,
    now: () => NOW,
    onRetry(retry: any) {
      retries.push(retry);
      script.log.push(`retry ${retry.delay}`);
    },
    onOpen: () => script.log.push(`open ${script.sent.length}`),
    ...options,
  });
  return {script, client, retries};
}

/** All events of a loop and the error that ended it. `each` may say 'break'. */
async function consume(
  kind: Kind, client: any, each: (event: SSEEvent) => unknown = () => {},
): Promise<{events: SSEEvent[]; error: any}> {
  const events: SSEEvent[] = [];
  let error: unknown;
  try {
    if (kind.isBlocking) {
      for (const event of client) {
        events.push(event);
        if (each(event) === 'break') break;
      }
    } else {
      for await (const event of client) {
        events.push(event);
        if (each(event) === 'break') break;
      }
    }
  } catch (caught) {
    error = caught;
  }
  return {events, error};
}

const dataOf = (events: readonly SSEEvent[]) => events.map(({data}) => data);

/** Timers that keep the process alive. */
const timers = () => (process.getActiveResourcesInfo?.() ?? [])
  .filter((name) => name === 'Timeout').length;

/** One test for each kind, which also proves that no timer is left. */
function each(kinds: readonly Kind[], rule: string, check: (kind: Kind) => Promise<void>) {
  for (const kind of kinds) {
    test(`${rule} [${kind.name}]`, async () => {
      const before = timers();
      await check(kind);
      await turn();
      assert.equal(timers(), before, 'timers left behind');
    });
  }
}

/** Resolves to 'pending' if the promise does not settle within a few turns. */
async function settled<T>(promise: Promise<T>): Promise<T | 'pending'> {
  const later = async () => {
    for (let turns = 0; turns < 20; turns++) await turn();
    return 'pending' as const;
  };
  return Promise.race([promise, later()]);
}

/** An AbortController whose signal counts its listeners. */
function countedController() {
  const controller = new AbortController();
  const {signal} = controller;
  const counts = {listeners: 0};
  const {addEventListener, removeEventListener} = signal;
  const known = new Set<unknown>();
  signal.addEventListener = function (this: AbortSignal, ...args: any) {
    known.add(args[1]);
    counts.listeners = known.size;
    return addEventListener.apply(signal, args);
  } as any;
  signal.removeEventListener = function (this: AbortSignal, ...args: any) {
    known.delete(args[1]);
    counts.listeners = known.size;
    return removeEventListener.apply(signal, args);
  } as any;
  return {controller, signal, counts};
}

/** The error has these facts, and its message these words. */
function assertError(error: any, name: string, code: string | undefined, ...words: string[]) {
  assert.ok(error instanceof Error, `an error, not ${String(error)}`);
  assert.equal(error.name, name, error.message);
  assert.equal((error as any).code, code, error.message);
  for (const word of words) {
    assert.ok(error.message.includes(word), `'${error.message}' says '${word}'`);
  }
}

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
process.on('unhandledRejection', onUnhandled);

// ── 7. Transports ─────────────────────────────────────────────────────────────────────────────

const LOG = 'id: 1\ndata: a\n\nid: é€\ndata: b\n\nretry: 10\nid: 3\ndata: c\n\n';
const QUIET = {sleep: () => {}, random: () => 0, now: () => NOW};

/** A client over a transport of section 7, in either loop. */
function over(kind: Kind, transport: any, options: any = {}) {
  return new kind.Client(ADDRESS, {...QUIET, transport, ...options}) as any;
}

for (const [form, log] of [
  ['text', LOG], ['bytes', new TextEncoder().encode(LOG)], ['a list of one', [LOG]],
] as const) {
  each([ASYNC, BLOCKING], `replay: ${form}, then 204`, async (kind) => {
    const client = over(kind, replay(log as any));
    const {events, error} = await consume(kind, client);
    assert.equal(error, undefined);
    assert.deepEqual(events.map(({id, data}) => [id, data]), [['1', 'a'], ['é€', 'b'], ['3', 'c']]);
    assert.equal(client.state, 'closed');
    assert.equal(client.response.status, 204);
    assert.equal(client.retry, 10);
  });
}

each([ASYNC, BLOCKING], 'replay: a list gives each connection the next log', async (kind) => {
  const logs = ['data: a\n\n', new TextEncoder().encode('data: b\n\n'), '', 'data: c\n\n'];
  const retries: number[] = [];
  const client = over(kind, replay(logs), {onRetry: ({delay}: any) => retries.push(delay)});
  assert.deepEqual(dataOf((await consume(kind, client)).events), ['a', 'b', 'c']);
  assert.equal(retries.length, 4);
  assert.deepEqual(logs.length, 4, 'the list is the caller’s own');
});

for (const [lastEventId, rest] of [
  ['1', ['b', 'c']], ['é€', ['c']], ['3', []], ['unknown', ['a', 'b', 'c']],
] as const) {
  each([ASYNC, BLOCKING], `replay: resumes after '${lastEventId}'`, async (kind) => {
    for (const log of [LOG, LOG.replaceAll('\n', '\r\n'), LOG.replaceAll('\n', '\r')]) {
      const {events} = await consume(kind, over(kind, replay(log), {lastEventId}));
      assert.deepEqual(dataOf(events), rest);
    }
  });
}

each([ASYNC, BLOCKING], 'replay: a cut log, then the whole: every event once', async (kind) => {
  const {events} = await consume(kind, over(kind, replay([LOG.slice(0, 40), LOG])));
  assert.deepEqual(dataOf(events), ['a', 'b', 'c']);
});

each(KINDS, 'record: every chunk as it came, with the number of its connection', async (kind) => {
  const script = new Script(kind, [
    stream('id: 1\ndata: a\n', '\n'), {status: 200, body: ['da', 'ta: b\n\n', new Error('cut')]},
  ]);
  const chunks: unknown[] = [];
  const transport = record(script.transport, (chunk, connection) => {
    chunks.push([connection, chunk]);
    script.log.push(`chunk ${chunk}`);
  });
  const {events} = await consume(kind, over(kind, transport),
    ({data}) => script.log.push(`event ${data}`));
  assert.deepEqual(dataOf(events), ['a', 'b']);
  assert.deepEqual(chunks, [
    [0, 'id: 1\ndata: a\n'], [0, '\n'], [1, 'da'], [1, 'ta: b\n\n'],
  ]);
  const handed = script.log.indexOf('event a');
  assert.ok(handed < script.log.indexOf('chunk da'), 'as they come');
  assert.deepEqual(script.lastEventIds, ['', '1', '1'], 'the request is handed on');
  assert.equal(script.open, 0);
});

each(KINDS, 'record: break closes what is recorded', async (kind) => {
  const script = new Script(kind, [stream('data: a\n\n', 'data: b\n\n')]);
  const client = over(kind, record(script.transport, () => {}));
  await consume(kind, client, () => 'break');
  assert.deepEqual(script.log, ['request 1', 'close 1']);
});

each(KINDS, 'record: responses that are no stream are handed on unread', async (kind) => {
  const script = new Script(kind, [{status: 401, type: 'text/plain', body: ['who?']}]);
  const chunks: unknown[] = [];
  const {error} = await consume(kind, over(kind, record(script.transport, (c) => chunks.push(c))));
  assertError(error, 'SSEHTTPError', 'http', '401');
  assert.equal(error.body, 'who?');
  assert.deepEqual(chunks, []);
});

each(KINDS, 'record: a sink that throws ends the loop with its error', async (kind) => {
  const script = new Script(kind, [stream('data: a\n\n'), stream('data: b\n\n')]);
  const full = new Error('disk full');
  const {events, error} = await consume(kind, over(kind, record(script.transport, () => {
    throw full;
  })));
  assert.equal(error, full);
  assert.deepEqual(events, []);
  assert.equal(script.sent.length, 1, 'it is no connection failure');
  assert.equal(script.open, 0);
});

each([ASYNC, BLOCKING], 'replay(record()): the round trip', async (kind) => {
  const logs: string[] = [];
  const sink = (chunk: Chunk, connection: number) => {
    logs[connection] = (logs[connection] ?? '') + chunk;
  };
  const options = {retryInterval: 0, maxRetryInterval: 0};
  const script = new Script(kind, [
    stream('id: 1\r\ndata: a\r', '\n\r\nid: 2\r\ndata: lo'), stream('id: 2\ndata: b\n\n'),
  ]);
  const first = await consume(kind, over(kind, record(script.transport, sink), options));
  const again = await consume(kind, over(kind, replay(logs), options));
  assert.deepEqual(dataOf(first.events), ['a', 'b']);
  assert.deepEqual(again.events, first.events);
});

test('verify: false is an error where fetch cannot do it', {skip: IS_BUN}, async () => {
  const client = asyncConnect('https://127.0.0.1:9/', {verify: false});
  const {events, error} = await consume(ASYNC, client);
  assertError(error, 'SSEError', 'unsupported', 'verify');
  assert.deepEqual(events, []);
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

const thrown = (run: () => unknown): any => {
  try {
    run();
  } catch (error) {
    return error;
  }
  assert.fail('nothing was thrown');
};

const noWait = () => {
  throw new TypeError('Atomics.wait cannot be called in this context');
};

for (const [what, holder, name, stand] of [
  ['process', globalThis, 'process', undefined],
  ['process.getBuiltinModule', process, 'getBuiltinModule', undefined],
  ['Atomics.wait', Atomics, 'wait', noWait],
  ['SharedArrayBuffer', globalThis, 'SharedArrayBuffer', undefined],
] as const) {
  test(`without ${what} a blocking loop is a clear error, before anything is sent`, () => {
    let errors: any[] = [];
    without(holder, name, () => {
      errors = [
        thrown(() => connect('http://127.0.0.1:9/')),
        thrown(() => blockingFetch()('http://127.0.0.1:9/', {} as any)),
        thrown(() => new SSEClient('http://127.0.0.1:9/').openSync()),
        thrown(() => [...new SSEClient('http://127.0.0.1:9/')]),
      ];
      asyncConnect('http://127.0.0.1:9/'); // does not care
      connect(ADDRESS, {transport: replay('')}); // nor this
    }, stand);
    for (const error of errors) {
      assertError(error, 'SSEError', 'unsupported', 'asyncConnect', 'transport');
      assert.ok(error.cause instanceof Error);
    }
  });
}

test('where no thread can wait, a blocking pause is a clear error', () => {
  const options = {transport: replay(['data: a\n\n', 'data: b\n\n']), random: () => 0};
  let error: any;
  without(Atomics, 'wait', () => {
    error = thrown(() => [...connect(ADDRESS, options)]);
  }, noWait);
  assertError(error, 'SSEError', 'unsupported', '3000', 'sleep', 'for await');
});

// ── 8. Clients ────────────────────────────────────────────────────────────────────────────────

type Options = Record<string, any>;

interface Row {
  rule: string;
  url?: string;
  options?: Options | ((log: string[]) => Options);
  steps: Step[];
  events?: string[]; // data
  ids?: string[]; // the Last-Event-ID of each request; '' = none. Default: one request without
  waits?: number[]; // what `sleep` was asked for. Default: none
  error?: [name: string, code: string | undefined, ...words: string[]] | Error;
  lastEventId?: string;
  retry?: number | undefined;
  status?: number; // of the last response
  log?: string[];
  kinds?: readonly Kind[];
  check?(found: {
    script: Script; client: any; retries: any[]; events: SSEEvent[]; error: any; kind: Kind;
  }): void;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const asUTF8 = (latin1: string | undefined) => Buffer.from(latin1 ?? '', 'latin1').toString();
const failures = (count: number): Step[] =>
  Array.from({length: count}, (_, index) => new TypeError(`cut ${index + 1}`));
const blank = (count: number): string[] => Array.from({length: count}, () => '');
const boom = new RangeError('the user’s own');
const throws = () => {
  throw boom;
};
const to = (location: string, status = 302): Answer =>
  ({status, type: null, headers: {Location: location}, body: ['moved']});
const A = 'data: a\n\n';
const B = 'data: b\n\n';
const POST = {method: 'POST', body: 'ask'};

const rows: Row[] = [
  // Requests
  {
    rule: 'the first request: Accept, no-store, no Last-Event-ID, GET, no body',
    steps: [],
    check({script: {sent: [first]}}) {
      const {'cache-control': cacheControl = 'no-cache', ...headers} = first!.headers;
      assert.deepEqual(headers, {accept: STREAM});
      assert.equal(cacheControl, 'no-cache');
      assert.equal(first!.cache, 'no-store');
      assert.equal(first!.method, 'GET');
      assert.equal(first!.body, undefined);
      assert.equal(first!.url, ADDRESS);
      assert.equal(first!.redirect, 'manual', 'the client follows by itself');
      assert.ok(first!.signal instanceof AbortSignal);
    },
  },
  {
    rule: 'user headers win, whatever their case, and are merged',
    options: {
      headers: {ACCEPT: 'text/event-stream, */*', 'cache-control': 'max-age=0', 'X-A': 'b'},
    },
    steps: [],
    check({script: {sent: [first]}}) {
      assert.deepEqual(first!.headers,
        {accept: 'text/event-stream, */*', 'cache-control': 'max-age=0', 'x-a': 'b'});
    },
  },
  {
    rule: 'headers as Headers',
    options: {headers: new Headers({'X-A': 'b'})},
    steps: [],
    check: ({script: {sent}}) => assert.equal(sent[0]!.headers['x-a'], 'b'),
  },
  {
    rule: 'headers as entries',
    options: {headers: [['X-A', 'b'], ['X-B', 'c']]},
    steps: [],
    check({script: {sent: [first]}}) {
      assert.deepEqual([first!.headers['x-a'], first!.headers['x-b']], ['b', 'c']);
    },
  },
  {
    rule: 'headers(): before each attempt, with attempt, lastEventId and error',
    options: (log) => ({
      headers({attempt, lastEventId, error}: any) {
        log.push(`headers ${attempt} '${lastEventId}' ${error?.message ?? error}`);
        return {'X-Attempt': `${attempt}`};
      },
    }),
    steps: [new Error('one'), new Error('two'), stream(`id: 7\n${A}`, new Error('three'))],
    events: ['a'], ids: ['', '', '', '7'], waits: [3000, 6000, 3000],
    log: [
      "headers 0 '' undefined", 'request 1', 'retry 3000', 'wait 3000',
      "headers 1 '' one", 'request 2', 'retry 6000', 'wait 6000',
      "headers 2 '' two", 'request 3', 'open 3', 'event a', 'retry 3000', 'wait 3000',
      "headers 1 '7' three", 'request 4',
    ],
    check({script: {sent}}) {
      assert.deepEqual(sent.map(({headers}) => headers['x-attempt']), ['0', '1', '2', '1']);
    },
  },
  {
    rule: 'headers() may be async',
    kinds: AWAITING,
    options: {headers: async () => ({'X-A': 'late'})},
    steps: [],
    check: ({script: {sent}}) => assert.equal(sent[0]!.headers['x-a'], 'late'),
  },
  {
    rule: 'headers() that throws ends the loop',
    options: {headers: throws}, steps: [stream(A)], ids: [], error: boom,
  },
  {
    rule: 'headers() that rejects ends the loop',
    kinds: AWAITING,
    options: {headers: async () => throws()}, steps: [stream(A)], ids: [], error: boom,
  },
  {
    rule: 'headers() that returns a malformed header ends the loop, and shows no value',
    options: {headers: () => ({'X-A': 'sec\nret'})},
    steps: [stream(A)], ids: [], error: ['TypeError', undefined, 'headers'],
    check: ({error}) => assert.doesNotMatch(error.message, /sec/),
  },
  {
    rule: 'a promise from headers() in the blocking loop says what to do',
    kinds: [BLOCKING],
    options: {headers: async () => ({})},
    steps: [stream(A)], ids: [], error: ['TypeError', undefined, 'headers', 'for await'],
  },
  {
    rule: 'lastEventId is the first request’s resume point, and that of events without id',
    options: {lastEventId: '41'}, steps: [stream(A)], events: ['a'], ids: ['41', '41'],
    waits: [3000], lastEventId: '41', check: ({events}) => assert.equal(events[0]!.id, '41'),
  },
  {
    rule: 'a Last-Event-ID that is not ASCII goes out as its UTF-8 bytes',
    options: {lastEventId: 'é€😀'}, steps: [], ids: [Buffer.from('é€😀').toString('latin1')],
    check: ({script: {sent}}) => assert.equal(asUTF8(sent[0]!.headers['last-event-id']), 'é€😀'),
  },
  {
    rule: 'a Last-Event-ID with a lone surrogate goes out with U+FFFD, and does not throw',
    steps: [stream(`id: a\ud800\n${A}`)], events: ['a'], waits: [3000],
    ids: ['', Buffer.from('a\ufffd').toString('latin1')],
  },
  {
    rule: 'a Last-Event-ID with control characters is left out',
    steps: [stream(`id: 1\u0001\n${A}`), stream(`id: 2\u007f\n${B}`)], events: ['a', 'b'],
    ids: ['', '', ''], waits: [3000, 3000], lastEventId: '2\u007f',
  },
  {
    rule: 'a Last-Event-ID of the user’s own holds until the stream sends one',
    options: {headers: {'last-event-id': 'mine'}}, steps: [stream(`id: 1\n${A}`)], events: ['a'],
    ids: ['mine', '1'], waits: [3000],
  },
  {
    rule: 'json: body, Content-Type and POST',
    options: {json: {q: 'é'}}, steps: [stream(A)], events: ['a'],
    check({script: {sent: [first]}}) {
      assert.equal(first!.method, 'POST');
      assert.equal(first!.body, '{"q":"é"}');
      assert.equal(first!.headers['content-type'], 'application/json');
    },
  },
  {
    rule: 'json: method and Content-Type given win',
    options: {json: [1], method: 'put', headers: {'content-type': 'application/vnd.a+json'}},
    steps: [stream(A)], events: ['a'],
    check({script: {sent: [first]}}) {
      assert.equal(first!.method, 'PUT');
      assert.equal(first!.headers['content-type'], 'application/vnd.a+json');
    },
  },
  {
    rule: 'body makes it a POST, without a Content-Type of its own',
    options: {body: 'ask'}, steps: [stream(A)], events: ['a'],
    check({script: {sent: [first]}}) {
      assert.equal(first!.method, 'POST');
      assert.equal(first!.body, 'ask');
      assert.ok(!('content-type' in first!.headers));
    },
  },
  {
    rule: 'body(): called for each attempt',
    options: {
      method: 'POST', reconnect: true,
      body: ({attempt, lastEventId}: any) => `${attempt} ${lastEventId}`,
    },
    steps: [stream(`id: 5\n${A}`, new Error('cut')), new Error('cut')],
    events: ['a'], ids: ['', '5', '5'], waits: [3000, 6000],
    check: ({script: {sent}}) => assert.deepEqual(sent.map(({body}) => body), ['0 ', '1 5', '2 5']),
  },
  {
    rule: 'body() that throws ends the loop',
    options: {method: 'POST', body: throws}, steps: [stream(A)], ids: [], error: boom,
  },
  {
    rule: 'init goes to the transport, and does not override what the client sets',
    options: {init: {credentials: 'include', method: 'DELETE'}},
    steps: [],
    check({script: {sent: [first]}}) {
      assert.equal(first!.method, 'GET');
      assert.equal(first!.request.credentials, 'include');
    },
  },
  {
    rule: 'a relative URL is the transport’s business',
    url: '/events?a=b', steps: [stream(A)], events: ['a'], ids: ['', ''], waits: [3000],
    check({script: {sent}, client}) {
      assert.equal(sent[0]!.url, '/events?a=b');
      assert.equal(client.url, '/events?a=b');
    },
  },

  // Reconnection
  {
    rule: 'a clean end of a GET: close, wait, connect again with the last id',
    steps: [stream(`id: 1\n${A}`), stream(B)], events: ['a', 'b'], ids: ['', '1', '1'],
    waits: [3000, 3000], lastEventId: '1', retry: undefined, status: 204,
    log: [
      'request 1', 'open 1', 'event a', 'retry 3000', 'wait 3000',
      'request 2', 'open 2', 'event b', 'retry 3000', 'wait 3000', 'request 3',
    ],
    check({events, retries}) {
      assert.deepEqual(events.map(({id}) => id), ['1', '1'], 'the id holds over connections');
      const [{attempt, delay, lastEventId, error}] = retries;
      assert.deepEqual({attempt, delay, lastEventId},
        {attempt: 1, delay: 3000, lastEventId: '1'});
      assertError(error, 'SSEError', 'connection');
    },
  },
  {
    rule: 'a HEAD reconnects',
    options: {method: 'HEAD'}, steps: [{body: null}], ids: ['', ''], waits: [3000],
  },
  {
    rule: 'a failed request is made again',
    steps: [new TypeError('fetch failed'), stream(A)], events: ['a'], ids: blank(3),
    waits: [3000, 3000],
    check: ({retries}) => assert.equal(retries[0].error.message, 'fetch failed'),
  },
  {
    rule: 'a stream that breaks is made again; what came before is delivered',
    steps: [stream(A + B, new Error('reset')), stream('data: c\n\n')], events: ['a', 'b', 'c'],
    ids: blank(3), waits: [3000, 3000],
    check: ({retries}) => assert.equal(retries[0].error.message, 'reset'),
  },
  {
    rule: 'an event that is cut is dropped, its id not committed',
    steps: [stream(`id: 1\n${A}`, 'id: 2\ndata: lost\n'), stream('data: half', bytes('\xe2'))],
    events: ['a'], ids: ['', '1', '1'], waits: [3000, 6000], lastEventId: '1',
  },
  {
    rule: 'a cut event and a cut UTF-8 sequence do not leak into the next connection',
    steps: [stream('event: old\ndata: ', bytes('é').slice(0, 1)), stream(bytes(A))],
    events: ['a'], ids: blank(3), waits: [3000, 3000],
    check: ({events}) => assert.equal(events[0]!.event, 'message'),
  },
  {
    rule: 'a CR at the end of a connection swallows no LF of the next',
    steps: [stream('data: a\r\r'), stream('\ndata: b\n\n')], events: ['a', 'b'], ids: blank(3),
    waits: [3000, 3000],
  },
  {
    rule: 'the BOM of every connection is dropped',
    steps: [stream(`\ufeff${A}`), stream(bytes(`\ufeff${B}`))], events: ['a', 'b'], ids: blank(3),
    waits: [3000, 3000],
  },
  {
    rule: 'a block with only an id at the end of a connection counts',
    steps: [stream(`id: 1\n${A}id: 2\n\n`)], events: ['a'], ids: ['', '2'], waits: [3000],
    lastEventId: '2',
  },
  {
    rule: 'a block with only an id, before the connection breaks, counts',
    steps: [stream('id: 2\n\n', new Error('reset')), stream(A)], events: ['a'],
    ids: ['', '2', '2'], waits: [3000, 3000],
    check: ({events}) => assert.equal(events[0]!.id, '2'),
  },
  {
    rule: 'an empty id clears',
    steps: [stream(`id: 1\n${A}`), stream(`id\n${B}`)], events: ['a', 'b'], ids: ['', '1', ''],
    waits: [3000, 3000], lastEventId: '',
  },
  {
    rule: 'retry counts at once, without a blank line',
    steps: [stream(`${A}retry: 5000\n`)], events: ['a'], ids: blank(2), waits: [5000], retry: 5000,
  },
  {
    rule: 'retry holds over connections',
    steps: [stream(`retry: 5000\n${A}`), stream(B)], events: ['a', 'b'], ids: blank(3),
    waits: [5000, 5000], retry: 5000,
    check: ({events}) => assert.deepEqual(events.map(({retry}) => retry), [5000, 5000]),
  },
  {
    rule: 'retry from the server wins over retryInterval, also when it is shorter',
    options: {retryInterval: 9000},
    steps: [new Error('cut'), stream(`retry: 200\n${A}`)], events: ['a'], ids: blank(3),
    waits: [9000, 200],
  },
  {
    rule: 'a retry too long for a timer waits the longest that one takes',
    steps: [stream('retry: 99999999999\n')], ids: blank(2), waits: [2 ** 31 - 1],
    retry: 99999999999,
  },
  {
    rule: 'a longer wait than a timer takes is clamped after the jitter, too',
    options: {random: () => 0.99, retryInterval: Infinity}, steps: failures(1), ids: blank(2),
    waits: [2 ** 31 - 1],
  },
  {
    rule: 'the backoff doubles up to 30 s',
    steps: failures(7), ids: blank(8), waits: [3000, 6000, 12000, 24000, 30000, 30000, 30000],
    check: ({retries}) =>
      assert.deepEqual(retries.map(({attempt}) => attempt), [1, 2, 3, 4, 5, 6, 7]),
  },
  {
    rule: 'clean ends without an event back off as well: a mere 200 resets nothing',
    steps: [stream(), stream(': hi\n\n'), stream()], ids: blank(4), waits: [3000, 6000, 12000],
  },
  {
    rule: 'an event resets the backoff',
    steps: [...failures(2), stream(A), ...failures(1)], events: ['a'], ids: blank(5),
    waits: [3000, 6000, 3000, 6000],
  },
  {
    rule: 'maxRetryInterval caps the backoff',
    options: {maxRetryInterval: 5000}, steps: failures(3), ids: blank(4),
    waits: [3000, 5000, 5000],
  },
  {
    rule: 'maxRetryInterval never shortens what the server asked for',
    options: {maxRetryInterval: 5000},
    steps: [stream('retry: 60000\n'), new Error('cut')], ids: blank(3), waits: [60000, 60000],
  },
  {
    rule: 'maxRetryInterval never shortens retryInterval',
    options: {maxRetryInterval: 10, retryInterval: 700}, steps: failures(2), ids: blank(3),
    waits: [700, 700],
  },
  {
    rule: 'the backoff grows from at least 100 ms',
    options: {retryInterval: 1}, steps: failures(4), ids: blank(5), waits: [100, 200, 400, 800],
  },
  {
    rule: 'retry: 0 makes no storm',
    steps: [stream(`retry: 0\n${A}`), stream(A), stream(A)], events: ['a', 'a', 'a'],
    ids: blank(4), waits: [100, 100, 100],
  },
  {
    rule: 'without any interval, 100 ms once two connections in a row began within that time',
    options: {retryInterval: 0, maxRetryInterval: 0}, steps: [stream(A), stream(A), stream(A)],
    events: ['a', 'a', 'a'], ids: blank(4),
    waits: [100, 100],
    check: ({retries}) => assert.deepEqual(retries.map(({delay}) => delay), [0, 100, 100]),
  },
  {
    rule: 'jitter adds up to a quarter',
    options: {random: () => 0.5}, steps: failures(2), ids: blank(3), waits: [3375, 6750],
  },
  {
    rule: 'jitter comes on top of the cap',
    options: {random: () => 0.999999, maxRetryInterval: 4000}, steps: failures(2), ids: blank(3),
    waits: [3750, 5000],
  },
  {
    rule: 'maxRetries: 0 is never, and says so also after a clean end',
    options: {maxRetries: 0}, steps: [stream(A)], events: ['a'],
    error: ['SSEConnectionError', 'connection',
      `SSE connection to ${ADDRESS} failed after 0 retries: `],
    check({error}) {
      assert.ok(error instanceof SSEConnectionError && error instanceof SSEError);
      assert.equal(error.retries, 0);
      assert.equal(error.url, ADDRESS);
      assertError(error.cause, 'SSEError', 'connection');
    },
  },
  {
    rule: 'maxRetries counts reconnections really made',
    options: {maxRetries: 2}, steps: failures(4), ids: blank(3), waits: [3000, 6000],
    error: ['SSEConnectionError', 'connection', ADDRESS, 'after 2 retries', 'cut 3'],
    check({error, retries}) {
      assert.equal(error.retries, 2);
      assert.equal(error.cause.message, 'cut 3');
      assert.equal(retries.length, 2);
    },
  },
  {
    rule: 'maxRetries: 1; an event resets the count',
    options: {maxRetries: 1},
    steps: [new Error('one'), stream(A), new Error('two'), new Error('three')],
    events: ['a'], ids: blank(3), waits: [3000, 3000],
    error: ['SSEConnectionError', 'connection', 'after 1 ', 'two'],
    check: ({error}) => assert.equal(error.retries, 1),
  },
  {
    rule: 'maxRetries: -1 is no limit',
    options: {maxRetries: -1}, steps: failures(40), ids: blank(41),
    waits: [3000, 6000, 12000, 24000, ...Array<number>(36).fill(30000)],
  },
  {
    rule: 'no limit is the default',
    options: {retryInterval: 30000}, steps: failures(40), ids: blank(41),
    waits: Array<number>(40).fill(30000),
  },
  {
    rule: 'causes are in the message, down the chain',
    options: {maxRetries: 0},
    steps: [new TypeError('fetch failed', {cause: new Error('connect ECONNREFUSED')})],
    error: ['SSEConnectionError', 'connection', 'fetch failed', 'ECONNREFUSED'],
  },
  {
    rule: 'reconnect: false: the end is the end',
    options: {reconnect: false}, steps: [stream(A), stream(B)], events: ['a'], status: 200,
  },
  {
    rule: 'reconnect: false: a broken stream is an error with 0 retries',
    options: {reconnect: false}, steps: [stream(A, new Error('reset')), stream(B)], events: ['a'],
    error: ['SSEConnectionError', 'connection', 'after 0 retries', 'reset'],
    check: ({error}) => assert.equal(error.retries, 0),
  },
  {
    rule: 'POST: the end is the end',
    options: POST, steps: [stream(A), stream(B)], events: ['a'],
  },
  {
    rule: 'POST: a broken stream is an error with 0 retries, never sent again',
    options: POST, steps: [stream(A, new Error('reset')), stream(B)], events: ['a'],
    error: ['SSEConnectionError', 'connection', 'after 0 retries', 'reset'],
    check: ({error}) => assert.equal(error.retries, 0),
  },
  {
    rule: 'POST: a failed request is not sent again',
    options: POST, steps: [new Error('refused'), stream(B)],
    error: ['SSEConnectionError', 'connection', 'after 0 retries', 'refused'],
  },
  {
    rule: 'other methods are no GET either',
    options: {method: 'QUERY'}, steps: [stream(A), stream(B)], events: ['a'],
  },
  {
    rule: 'POST with reconnect: true is sent again, whole',
    options: {...POST, reconnect: true}, steps: [stream(`id: 1\n${A}`)], events: ['a'],
    ids: ['', '1'], waits: [3000],
    check({script: {sent}}) {
      assert.deepEqual(sent.map(({method, body}) => [method, body]),
        [['POST', 'ask'], ['POST', 'ask']]);
    },
  },
  {
    rule: 'until: its event is delivered and ends it',
    options: {until: ({data}: SSEEvent) => data === 'b'},
    steps: [stream(A, B, 'data: c\n\n'), stream(A)], events: ['a', 'b'],
    log: ['request 1', 'open 1', 'event a', 'close 1', 'event b'],
  },
  {
    rule: 'until: nothing after it, also of the same chunk',
    options: {until: ({data}: SSEEvent) => data === 'a'}, steps: [stream(A + B)], events: ['a'],
  },
  {
    rule: 'until: a POST that ends without it was truncated',
    options: {...POST, until: () => false}, steps: [stream(A)], events: ['a'],
    error: ['SSEError', 'truncated', ADDRESS],
  },
  {
    rule: 'until: a GET that ends without it is made again',
    options: {until: ({data}: SSEEvent) => data === 'b'}, steps: [stream(A), stream(B)],
    events: ['a', 'b'], ids: blank(2), waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'truncated'),
  },
  {
    rule: 'until: a POST that breaks is a connection error',
    options: {...POST, until: () => false}, steps: [stream(A, new Error('reset'))], events: ['a'],
    error: ['SSEConnectionError', 'connection', 'reset'],
  },
  {
    rule: 'an event over maxEventSize is final; what came before is delivered',
    options: {maxEventSize: 20}, steps: [stream(A + `data: ${'x'.repeat(30)}`), stream(B)],
    events: ['a'], error: ['SSEError', 'limit', '20'],
  },

  // Responses
  {rule: '204 ends quietly, on the first request', steps: [{status: 204, body: null}], status: 204},
  {
    rule: '204 ends quietly, later, and whatever its body',
    steps: [stream(A), {status: 204, type: null, body: ['x']}, stream(B)], events: ['a'],
    ids: blank(2), waits: [3000], status: 204,
  },
  {
    rule: 'an HTTP error on the first request is final, also one of retryStatus',
    steps: [{status: 503, type: 'text/plain', headers: {'Retry-After': '7'}, body: ['bu', 'sy']}],
    error: ['SSEHTTPError', 'http', '503', ADDRESS], status: 503,
    check({error, client}) {
      assert.ok(error instanceof SSEHTTPError && error instanceof SSEError);
      assert.equal(error.status, 503);
      assert.equal(error.url, ADDRESS);
      assert.equal(error.body, 'busy');
      assert.equal(error.headers.get('retry-after'), '7');
      assert.equal(error.retryAfter, 7000);
      assert.notEqual(client.state, 'open');
    },
  },
  {
    rule: 'a failed connection before does not make it less final',
    steps: [new Error('cut'), {status: 503}, stream(A)], ids: blank(2), waits: [3000],
    error: ['SSEHTTPError', 'http', '503'],
  },
  ...[408, 425, 429, 500, 502, 503, 504].map((status): Row => ({
    rule: `${status} once open counts as a failed attempt`,
    steps: [stream(`id: 1\n${A}`), {status, type: 'text/html', body: ['<p>']}, stream(B)],
    events: ['a', 'b'], ids: ['', '1', '1', '1'], waits: [3000, 6000, 3000],
    check: ({retries}) => assert.equal(retries[1].error.status, status),
  })),
  ...[400, 401, 404, 410, 501].map((status): Row => ({
    rule: `${status} once open is final`,
    steps: [stream(A), {status}, stream(B)], events: ['a'], ids: blank(2), waits: [3000],
    error: ['SSEHTTPError', 'http', `${status}`],
  })),
  {
    rule: 'an open stream without any event counts as open',
    steps: [stream(), {status: 502}], ids: blank(3), waits: [3000, 6000],
  },
  {
    rule: 'retryStatus: [] makes every status final',
    options: {retryStatus: []}, steps: [stream(A), {status: 503}], events: ['a'], ids: blank(2),
    waits: [3000], error: ['SSEHTTPError', 'http', '503'],
  },
  {
    rule: 'retryStatus replaces the default',
    options: {retryStatus: [404]}, steps: [stream(A), {status: 404}, {status: 503}], events: ['a'],
    ids: blank(3), waits: [3000, 6000], error: ['SSEHTTPError', 'http', '503'],
  },
  {
    rule: 'HTTP errors count for maxRetries',
    options: {maxRetries: 1}, steps: [stream(A), {status: 503}, {status: 503}], events: ['a'],
    ids: blank(2), waits: [3000],
    error: ['SSEConnectionError', 'connection', 'after 1 ', '503'],
    check: ({error}) => assert.equal(error.cause.status, 503),
  },
  {
    rule: 'an HTTP error with reconnect: false is itself',
    options: {reconnect: false}, steps: [{status: 503}], error: ['SSEHTTPError', 'http', '503'],
  },
  ...([
    ['7', 7000, 7000], ['120', 120_000, 120_000], ['1', 1000, 6000],
    [new Date(NOW + 90_000).toUTCString(), 90_000, 90_000],
    [new Date(NOW - 90_000).toUTCString(), 0, 6000],
    ['soon', undefined, 6000], ['-5', undefined, 6000],
  ] as const).map(([value, retryAfter, wait]): Row => ({
    rule: `Retry-After: ${value}`,
    steps: [stream(A), {status: 429, headers: {'Retry-After': value}}], events: ['a'],
    ids: blank(3), waits: [3000, wait],
    check: ({retries}) => value === '-5' || assert.equal(retries[1].error.retryAfter, retryAfter),
  })),
  {
    rule: 'the body of an error is cut at 64 KiB, also an endless one, and let go',
    steps: [{status: 500, type: 'text/html', body: [], then: 'x'.repeat(5000)}],
    error: ['SSEHTTPError', 'http', '500'],
    log: ['request 1', 'close 1'],
    check({error, script}) {
      assert.equal(error.body, 'x'.repeat(65_536));
      assert.ok(script.reads < 20, `${script.reads} reads`);
    },
  },
  {
    rule: 'the body of an error is decoded as UTF-8, cut anywhere',
    steps: [{status: 500, body: [bytes('é').slice(0, 1), bytes('é').slice(1), bytes('€')]}],
    error: ['SSEHTTPError', 'http', '500'], check: ({error}) => assert.equal(error.body, 'é€'),
  },
  {
    rule: 'of the body of an error that breaks, there is what came',
    steps: [{status: 500, body: ['half', new Error('reset')]}],
    error: ['SSEHTTPError', 'http', '500'], check: ({error}) => assert.equal(error.body, 'half'),
  },
  {
    rule: 'an error without a body',
    steps: [{status: 404, type: null, body: null}],
    error: ['SSEHTTPError', 'http', '404'], check: ({error}) => assert.equal(error.body, ''),
  },
  {
    rule: 'an error without headers',
    steps: [{status: 404, headers: null}],
    error: ['SSEHTTPError', 'http', '404'],
    check: ({error}) => assert.equal(error.headers.get('retry-after'), null),
  },
  {
    rule: 'a wrong content type is final; the response can be inspected',
    steps: [{type: 'text/html; charset=utf-8', headers: {'X-A': 'b'}, body: [A]}, stream(B)],
    error: ['SSEError', 'content-type',
      "Expected Content-Type 'text/event-stream', got 'text/html; charset=utf-8'", ADDRESS],
    status: 200, log: ['request 1', 'close 1'],
    check: ({client}) => assert.equal(client.response.headers.get('x-a'), 'b'),
  },
  {
    rule: 'a missing content type is final',
    steps: [{type: null, body: [A]}, stream(B)],
    error: ['SSEError', 'content-type', "Expected Content-Type 'text/event-stream', got "],
  },
  {
    rule: 'a wrong content type is final also after open',
    steps: [stream(A), {type: 'application/json', body: ['{}']}], events: ['a'], ids: blank(2),
    waits: [3000], error: ['SSEError', 'content-type', "'application/json'"],
  },
  ...['Text/Event-Stream', 'text/event-stream;charset=UTF-8', 'text/event-stream ; a="b;c"'].map(
    (type): Row => ({
      rule: `Content-Type: ${type}`, options: {reconnect: false}, steps: [{type, body: [A]}],
      events: ['a'],
    })),
  ...['text/event-streams', 'x-text/event-stream', 'text/plain;text/event-stream'].map(
    (type): Row => ({
      rule: `Content-Type: ${type}`, options: {reconnect: false}, steps: [{type, body: [A]}],
      error: ['SSEError', 'content-type', `'${type}'`],
    })),
  {
    rule: 'without headers the content type is not checked',
    options: {reconnect: false}, steps: [{headers: null, body: [A]}], events: ['a'],
  },
  {
    rule: 'a body that is null is a clean end',
    steps: [{body: null}], ids: blank(2), waits: [3000],
  },
  ...[201, 202, 206].map((status): Row => ({
    rule: `GET: ${status} does not open`,
    steps: [{status, body: [A]}], error: ['SSEHTTPError', 'http', `${status}`],
  })),
  ...[200, 201, 202].map((status): Row => ({
    rule: `POST: ${status} opens`, options: POST, steps: [{status, body: [A]}], events: ['a'],
  })),
  {rule: 'POST: 204 ends quietly', options: POST, steps: [{status: 204, body: null}]},
  {
    rule: 'POST: 205 does not open', options: POST, steps: [{status: 205, body: null}],
    error: ['SSEHTTPError', 'http', '205'],
  },
  {
    rule: 'POST: the content type is checked, too',
    options: POST, steps: [{status: 201, type: 'application/json', body: ['{}']}],
    error: ['SSEError', 'content-type', "'application/json'"],
  },

  // Redirects
  ...[301, 302, 303, 307, 308].map((status): Row => ({
    rule: `a GET follows ${status}, and reconnects to the original URL`,
    options: {headers: {'X-Key': 'secret'}, lastEventId: '1'},
    steps: [to('/moved?a=b', status), stream(A), to('/again', status), stream(B)],
    events: ['a', 'b'], ids: ['1', '1', '1', '1', '1'], waits: [3000, 3000],
    check({script: {sent, open}}) {
      const moved = ['http://sse.test/moved?a=b', 'http://sse.test/again'];
      assert.deepEqual(sent.map(({url}) => url), [ADDRESS, moved[0], ADDRESS, moved[1], ADDRESS]);
      assert.deepEqual(sent.map(({headers}) => headers['x-key']), Array(5).fill('secret'));
      assert.equal(open, 0);
    },
  })),
  {
    rule: 'a redirect to another origin takes no header and no id along, also on its way back',
    options: {
      headers: {Authorization: 'Bearer t', Cookie: 'c=d', 'X-Key': 'k', Accept: STREAM},
      lastEventId: '1',
    },
    steps: [to('http://other.test/x'), to('http://sse.test/y'), stream(`id: 2\n${A}`)],
    events: ['a'], ids: ['1', '', '', '2'], waits: [3000],
    check({script: {sent}}) {
      assert.deepEqual(sent.map(({url}) => url),
        [ADDRESS, 'http://other.test/x', 'http://sse.test/y', ADDRESS]);
      for (const {headers} of sent.slice(1, 3)) {
        delete headers['cache-control'];
        assert.deepEqual(headers, {accept: STREAM});
      }
      assert.equal(sent[3]!.headers['x-key'], 'k', 'the original origin gets them again');
    },
  },
  {
    rule: 'another port, and another scheme, is another origin',
    options: {headers: {'X-Key': 'k'}},
    steps: [to('http://sse.test:8080/'), stream(A), to('https://sse.test/'), stream(A)],
    events: ['a', 'a'], ids: blank(5), waits: [3000, 3000],
    check: ({script: {sent}}) =>
      assert.deepEqual(sent.map(({headers}) => headers['x-key']),
        ['k', undefined, 'k', undefined, 'k']),
  },
  {
    rule: 'userinfo in a Location is dropped',
    steps: [to('http://u:p@sse.test/y')], ids: blank(2),
    check({script: {sent}}) {
      assert.equal(sent[1]!.url, 'http://sse.test/y');
    },
  },
  {
    rule: 'a Location is relative to where it came from',
    steps: [to('/a/b'), to('c')], ids: blank(3),
    check: ({script: {sent}}) => assert.equal(sent[2]!.url, 'http://sse.test/a/c'),
  },
  {
    rule: '20 redirects are followed',
    steps: [...Array.from({length: 20}, () => to('/on')), stream(A)], events: ['a'],
    options: {maxRetries: 0}, ids: blank(21), error: ['SSEConnectionError', 'connection'],
  },
  {
    rule: '21 are too many',
    steps: Array.from({length: 30}, (_, index) => to(`/${index}`)), ids: blank(21),
    error: ['SSEError', 'redirect', ADDRESS],
  },
  {
    rule: 'the redirects of two attempts do not add up',
    steps: [
      ...Array.from({length: 15}, () => to('/on')), new Error('cut'),
      ...Array.from({length: 15}, () => to('/on')), stream(A),
    ],
    events: ['a'], ids: blank(33), waits: [3000, 3000],
  },
  {
    rule: 'a redirect to another scheme is refused',
    steps: [to('ftp://sse.test/')], error: ['SSEError', 'redirect', ADDRESS],
  },
  {
    rule: 'a redirect to no URL is refused',
    steps: [to('http://')], error: ['SSEError', 'redirect', ADDRESS],
  },
  {
    rule: 'a redirect without Location is an HTTP error',
    steps: [{status: 302, type: null}], error: ['SSEHTTPError', 'http', '302'],
  },
  {
    rule: '304 is no redirect',
    steps: [to('/x', 304)], error: ['SSEHTTPError', 'http', '304'],
  },
  {
    rule: 'the URL of an HTTP error is where it came from',
    steps: [to('/moved'), {status: 404}], ids: blank(2),
    error: ['SSEHTTPError', 'http', '404', 'http://sse.test/moved'],
    check: ({error}) => assert.equal(error.url, 'http://sse.test/moved'),
  },
  ...[301, 302, 303].map((status): Row => ({
    rule: `a POST is never made a GET by ${status}`,
    options: POST, steps: [to('/moved', status), stream(A)],
    error: ['SSEError', 'redirect', `${status}`],
  })),
  ...[307, 308].map((status): Row => ({
    rule: `a POST follows ${status} as it is`,
    options: {...POST, reconnect: true}, steps: [to('/moved', status), stream(A)], events: ['a'],
    ids: blank(3), waits: [3000],
    check: ({script: {sent}}) => assert.deepEqual(sent.map(({url, method, body}) =>
      [url, method, body]), [
      [ADDRESS, 'POST', 'ask'], ['http://sse.test/moved', 'POST', 'ask'], [ADDRESS, 'POST', 'ask'],
    ]),
  })),
  {
    rule: 'a redirect of a request that failed is not remembered',
    steps: [to('/moved'), new Error('cut'), stream(A)], events: ['a'], ids: blank(4),
    waits: [3000, 3000],
    check: ({script: {sent}}) => assert.equal(sent[2]!.url, ADDRESS),
  },

  // The user's own functions
  {
    rule: 'onComment: the text of each, in order',
    options: (log) => ({
      reconnect: false, onComment: (text: string) => log.push(`comment ${text}`),
    }),
    steps: [stream(': one\n:two\n', A, ':\n')], events: ['a'],
    log: ['request 1', 'open 1', 'comment one', 'comment two', 'event a', 'comment '],
  },
  {
    rule: 'onOpen: each stream that opened, before its events; not what was refused',
    options: (log) => ({
      onOpen: ({status, headers}: any) => log.push(`opened ${status} ${headers.get('x-a')}`),
    }),
    steps: [
      {headers: {'X-A': 'b'}, body: [A]}, {status: 503},
      {headers: {'x-a': 'c'}, body: []},
    ],
    events: ['a'], ids: blank(4), waits: [3000, 6000, 12000],
    log: [
      'request 1', 'opened 200 b', 'event a', 'retry 3000', 'wait 3000', 'request 2', 'retry 6000',
      'wait 6000', 'request 3', 'opened 200 c', 'retry 12000', 'wait 12000', 'request 4',
    ],
  },
  {
    rule: 'onOpen that throws ends the loop, and closes',
    options: {onOpen: throws}, steps: [stream(A), stream(B)], error: boom,
    log: ['request 1', 'close 1'],
  },
  {
    rule: 'onRetry that throws ends the loop',
    options: {onRetry: throws}, steps: [stream(A), stream(B)], events: ['a'], error: boom,
  },
  {
    rule: 'onComment that throws ends the loop, and closes',
    options: {onComment: throws}, steps: [stream(A, ':\n', B), stream(B)], events: ['a'],
    error: boom, log: ['request 1', 'open 1', 'event a', 'close 1'],
  },
  {
    rule: 'until that throws ends the loop, and closes',
    options: {until: throws}, steps: [stream(A, B), stream(B)], error: boom,
    log: ['request 1', 'open 1', 'close 1'],
  },
  {
    rule: 'sleep that throws ends the loop',
    options: {sleep: throws}, steps: [new Error('cut'), stream(B)], error: boom,
  },
  {
    rule: 'a sleep that returns a promise in the blocking loop says what to do',
    kinds: [BLOCKING], options: {sleep: async () => {}}, steps: [new Error('cut'), stream(A)],
    error: ['TypeError', undefined, 'sleep', 'for await'],
  },
];

for (const {rule, url, steps, options = {}, kinds = KINDS, ...row} of rows) {
  each(kinds, rule, async (kind) => {
    const log: string[] = [];
    const given = typeof options === 'function' ? options(log) : options;
    const found = scripted(kind, steps, given, url);
    const {script, client} = found;
    if (typeof options === 'function') script.log.push = (...items) => log.push(...items);
    const {events, error} = await consume(kind, client,
      ({data}) => script.log.push(`event ${data}`));
    if (row.error === undefined) assert.equal(error, undefined);
    else if (row.error instanceof Error) assert.equal(error, row.error, 'the very error');
    else assertError(error, ...row.error);
    assert.deepEqual(dataOf(events), row.events ?? []);
    assert.deepEqual(script.lastEventIds, row.ids ?? ['']);
    assert.deepEqual(script.waits, row.waits ?? []);
    assert.equal(script.open, 0, 'every body is at its end or closed');
    if (row.log) assert.deepEqual(typeof options === 'function' ? log : script.log, row.log);
    if (row.lastEventId !== undefined) assert.equal(client.lastEventId, row.lastEventId);
    if ('retry' in row) assert.equal(client.retry, row.retry);
    if (row.status !== undefined) assert.equal(client.response.status, row.status);
    if (row.error === undefined) assert.equal(client.state, 'closed');
    assert.ok(!script.log.some((line) => line.endsWith('AGAIN')), 'nothing is closed twice');
    row.check?.({...found, events, error, kind});
  });
}

// Ways out, and everything that happens while something else does.

const HELD: Answer = {body: [A], then: 'silence'};
const next = (iterator: any): Promise<any> => iterator.next();
const loopOf = (kind: Kind, client: any): any =>
  client[kind.isBlocking ? Symbol.iterator : Symbol.asyncIterator]();

each(KINDS, 'break closes once, and a later loop resumes after it', async (kind) => {
  const {script, client} = scripted(kind, [
    stream(`id: 1\n${A}id: 2\n${B}`), stream('id: 2\ndata: b\n\n'),
  ]);
  const first = await consume(kind, client, () => 'break');
  assert.deepEqual(dataOf(first.events), ['a']);
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  assert.equal(script.sent[0]!.signal.aborted, true);
  assert.equal(client.lastEventId, '1', 'that of the last event handed over');
  assert.equal(client.state, 'idle');
  const second = await consume(kind, client);
  assert.deepEqual(dataOf(second.events), ['b']);
  assert.deepEqual(script.lastEventIds, ['', '1', '2']);
  assert.deepEqual(script.waits, [3000], 'a new loop does not wait');
  assert.equal(client.state, 'closed');
});

each(KINDS, 'throw in the loop closes once, and is no connection failure', async (kind) => {
  const {script, client, retries} = scripted(kind, [stream(A, B), stream(B)]);
  const {error} = await consume(kind, client, throws);
  assert.equal(error, boom);
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  assert.deepEqual(retries, []);
});

each(KINDS, 'return() of the iterator closes once', async (kind) => {
  const {script, client} = scripted(kind, [stream(A, B)]);
  const loop = loopOf(kind, client);
  assert.equal((await loop.next()).value.data, 'a');
  await loop.return();
  await loop.return();
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  assert.equal((await loop.next()).done, true);
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'lastEventId and state follow what is handed over', async (kind) => {
  const {script, client} = scripted(kind, [stream(`retry: 7\nid: 1\n${A}retry: 8\nid: 2\n${B}`)]);
  assert.deepEqual([client.lastEventId, client.retry, client.state, client.response],
    ['', undefined, 'idle', undefined]);
  const seen: unknown[] = [];
  await consume(kind, client, () => {
    seen.push([client.lastEventId, client.retry, client.state, client.response.status]);
  });
  assert.deepEqual(seen, [['1', 7, 'open', 200], ['2', 8, 'open', 200]]);
  assert.equal(script.sent.length, 2);
});

each(KINDS, 'the states in their order', async (kind) => {
  const states: string[] = [];
  const note = () => void states.push(client.state);
  const {client} = scripted(kind, [new Error('cut'), stream(A)],
    {headers: () => (note(), {}), onOpen: note, sleep: note});
  await consume(kind, client, note);
  assert.deepEqual(states,
    ['connecting', 'waiting', 'connecting', 'open', 'open', 'waiting', 'connecting']);
});

each(KINDS, 'nothing is sent before the first next()', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)]);
  const loop = loopOf(kind, client);
  await turn();
  assert.equal(script.sent.length, 0);
  await loop.next();
  assert.equal(script.sent.length, 1);
  await loop.return();
});

each(KINDS, 'nothing is read while nobody asks', async (kind) => {
  const {script, client} = scripted(kind, [stream(A + B, A, A, A, A)]);
  const loop = loopOf(kind, client);
  await loop.next();
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(script.reads, 1);
  await loop.next();
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(script.reads, 1, 'the second event was here already');
  await loop.next();
  assert.equal(script.reads, 2);
  await loop.return();
});

each(KINDS, 'two loops at once: TypeError for the second, the first goes on', async (kind) => {
  const {script, client} = scripted(kind, [stream(A, B)]);
  const loop = loopOf(kind, client);
  assert.equal((await loop.next()).value.data, 'a');
  const {error} = await consume(kind, client);
  assertError(error, 'TypeError', undefined, 'loop');
  assert.equal((await loop.next()).value.data, 'b');
  assert.equal(script.sent.length, 1);
  await loop.return();
  assert.equal(script.open, 0);
});

each(AWAITING, 'two loops at once, the first still connecting', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)]);
  const loop = loopOf(kind, client);
  const first = next(loop);
  assertError((await consume(kind, client)).error, 'TypeError', undefined);
  assert.equal((await first).value.data, 'a');
  assert.equal(script.sent.length, 1);
  await loop.return();
});

each(KINDS, 'a POST is not sent again by a second loop', async (kind) => {
  const {script, client} = scripted(kind, [stream(A, B), stream(A)], POST);
  await consume(kind, client, () => 'break');
  const {error} = await consume(kind, client);
  assertError(error, 'TypeError', undefined, 'reconnect');
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'a POST that has ended is not sent again by a second loop', async (kind) => {
  const {script, client} = scripted(kind, [stream(A), stream(A)], POST);
  await consume(kind, client);
  const {events} = await consume(kind, client);
  assert.deepEqual(events, []);
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'a loop after 204 asks no more', async (kind) => {
  const {script, client} = scripted(kind, []);
  await consume(kind, client);
  const {events, error} = await consume(kind, client);
  assert.deepEqual([events, error], [[], undefined]);
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'a loop that was left while waiting leaves no wait to the next', async (kind) => {
  let sleeps = 0;
  const {script, client} = scripted(kind, [new Error('cut'), stream(A)], {
    sleep: () => {
      if (sleeps++ === 0) throw boom;
    },
  });
  assert.equal((await consume(kind, client)).error, boom);
  assert.deepEqual(dataOf((await consume(kind, client, () => 'break')).events), ['a']);
  assert.equal(sleeps, 1);
  assert.equal(script.sent.length, 2);
});

each(KINDS, 'a loop after SSEConnectionError starts afresh', async (kind) => {
  const {script, client} = scripted(kind, [...failures(2), stream(A)], {maxRetries: 1});
  const first = await consume(kind, client);
  assertError(first.error, 'SSEConnectionError', 'connection', 'after 1 ');
  const second = await consume(kind, client, () => 'break');
  assert.deepEqual(dataOf(second.events), ['a']);
  assert.equal(script.sent.length, 3);
});

// json()

const jsonOf = async (kind: Kind, values: any) => {
  const found: unknown[] = [];
  if (kind.isBlocking) for (const value of values) found.push(value);
  else for await (const value of values) found.push(value);
  return found;
};

each(KINDS, 'json(): values up to [DONE], which closes the connection', async (kind) => {
  const {script, client} = scripted(kind,
    [stream('data: {"a":1}\n\n', 'data: [2]\n\ndata: [DONE]\n\ndata: 3\n\n', A)], POST);
  assert.deepEqual(await jsonOf(kind, client.json()), [{a: 1}, [2]]);
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
});

each(KINDS, 'json(): done of the user’s own; null: none', async (kind) => {
  const steps = [stream('data: "END"\n\ndata: ["DONE"]\n\n')];
  const first = scripted(kind, steps, POST).client;
  assert.deepEqual(await jsonOf(kind, first.json({done: '["DONE"]'})), ['END']);
  const second = scripted(kind, steps, POST).client;
  assert.deepEqual(await jsonOf(kind, second.json({done: null})), ['END', ['DONE']]);
});

each(KINDS, 'json(): what is no JSON is SSEError json, and closes', async (kind) => {
  const {script, client} = scripted(kind, [stream('data: {"a":\n\n', B), stream(B)]);
  const error: any = await jsonOf(kind, client.json()).catch((caught) => caught);
  assertError(error, 'SSEError', 'json', '{');
  assert.equal(error.cause.name, 'SyntaxError');
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
});

// open()

const opens = (kind: Kind, client: any): Promise<any> =>
  kind.isBlocking ? (async () => client.openSync())() : client.open();

each(KINDS, 'open(): connects and checks now; the loop makes no second request', async (kind) => {
  const {script, client} = scripted(kind, [{headers: {'X-A': 'b'}, body: [A, B]}], POST);
  const response = await opens(kind, client);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-a'), 'b');
  assert.equal(client.state, 'open');
  assert.equal(script.reads, 0, 'nothing is read yet');
  assert.equal((await opens(kind, client)).status, 200);
  const {events, error} = await consume(kind, client);
  assert.equal(error, undefined);
  assert.deepEqual(dataOf(events), ['a', 'b']);
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'open(): retries as the loop would', async (kind) => {
  const {script, client} = scripted(kind, [new Error('cut'), stream(A)]);
  assert.equal((await opens(kind, client)).status, 200);
  assert.deepEqual(script.waits, [3000]);
  await client.close();
  assert.equal(script.open, 0);
});

each(KINDS, 'open(): an HTTP error is thrown', async (kind) => {
  const {script, client} = scripted(kind, [{status: 401, type: null, body: ['who?']}]);
  const error: any = await opens(kind, client).catch((caught) => caught);
  assertError(error, 'SSEHTTPError', 'http', '401');
  assert.equal(error.body, 'who?');
  assert.equal(client.response.status, 401);
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'open(): 204 is no error, and the loop after it is empty', async (kind) => {
  const {script, client} = scripted(kind, []);
  assert.equal((await opens(kind, client)).status, 204);
  assert.equal(client.state, 'closed');
  assert.deepEqual(await consume(kind, client), {events: [], error: undefined});
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'open() on a closed client is an error, and sends nothing', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)]);
  await client.close();
  assert.ok(await opens(kind, client).catch((caught) => caught) instanceof SSEError);
  assert.equal(script.sent.length, 0);
});

each(KINDS, 'open() while a loop runs gives the response at hand', async (kind) => {
  const {script, client} = scripted(kind, [stream(A, B)], POST);
  const loop = loopOf(kind, client);
  await loop.next();
  assert.equal((await opens(kind, client)).status, 200);
  assert.equal((await loop.next()).value.data, 'b', 'the loop goes on');
  assert.equal(script.sent.length, 1);
  await loop.return();
});

each(AWAITING, 'open() not awaited, then a loop: one request', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)], POST);
  const opening = client.open();
  const {events, error} = await consume(kind, client);
  assert.equal((await opening).status, 200);
  assert.equal(script.sent.length, 1);
  if (error) assertError(error, 'TypeError', undefined, 'loop');
  else assert.deepEqual(dataOf(events), ['a']);
  await client.close();
});

each(AWAITING, 'close() ends an open() that is pending', async (kind) => {
  const {script, client} = scripted(kind, ['silence']);
  const opening = client.open().catch((caught: unknown) => caught);
  await turn();
  await client.close();
  assert.ok(await settled(opening) instanceof SSEError);
  assert.equal(script.sent[0]!.signal.aborted, true);
});

each(KINDS, 'open() and close(): the body is closed unread', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)]);
  await opens(kind, client);
  await client.close();
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  assert.equal(script.reads, 0);
  assert.deepEqual(await consume(kind, client), {events: [], error: undefined});
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'open(), then json(): one request', async (kind) => {
  const {script, client} = scripted(kind, [stream('data: 1\n\ndata: [DONE]\n\n', A)], POST);
  await opens(kind, client);
  assert.deepEqual(await jsonOf(kind, client.json()), [1]);
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
});

each(KINDS, 'open(), a loop that is left, and a second loop', async (kind) => {
  const {script, client} = scripted(kind, [stream(`id: 1\n${A}`, B), stream(B, A)]);
  await opens(kind, client);
  assert.deepEqual(dataOf((await consume(kind, client, () => 'break')).events), ['a']);
  assert.deepEqual(dataOf((await consume(kind, client, () => 'break')).events), ['b']);
  assert.deepEqual(script.lastEventIds, ['', '1']);
  assert.equal(script.open, 0);
});

each(AWAITING, 'abort ends an open() that is pending, with its reason', async (kind) => {
  const {controller, signal, counts} = countedController();
  const {script, client} = scripted(kind, ['silence'], {signal});
  const opening = client.open().catch((caught: unknown) => caught);
  await turn();
  controller.abort(boom);
  assert.equal(await settled(opening), boom);
  assert.equal(script.sent[0]!.signal.aborted, true);
  assert.equal(counts.listeners, 0);
});

each(KINDS, 'abort between open() and the loop closes; the loop rejects', async (kind) => {
  const {controller, signal, counts} = countedController();
  const {script, client} = scripted(kind, [stream(A)], {signal});
  await opens(kind, client);
  controller.abort(boom);
  assert.equal(script.open, 0);
  const {events, error} = await consume(kind, client);
  assert.deepEqual([events, error], [[], boom]);
  assert.equal(counts.listeners, 0);
});

// close()

each(KINDS, 'close() while idle: nothing is sent any more; twice is once', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)]);
  assert.equal(await client.close(), undefined);
  assert.equal(await client.close(), undefined);
  assert.equal(client.state, 'closed');
  assert.deepEqual(await consume(kind, client), {events: [], error: undefined});
  assert.equal(script.sent.length, 0);
});

each(KINDS, 'close() between two events of a chunk: nothing after it', async (kind) => {
  const {script, client} = scripted(kind, [stream(A + B, B), stream(B)]);
  const {events, error} = await consume(kind, client, () => void client.close());
  assert.deepEqual([dataOf(events), error], [['a'], undefined]);
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  assert.equal(client.state, 'closed');
});

each(KINDS, 'close() in onOpen, onComment and onRetry', async (kind) => {
  for (const name of ['onOpen', 'onComment', 'onRetry']) {
    for (const body of [`: hi\n${A}`, ': hi\n']) {
      const {script, client} = scripted(kind, [stream(body), stream(B)],
        {[name]: () => void client.close()});
      const {events, error} = await consume(kind, client);
      assert.equal(error, undefined, name);
      const before = name === 'onRetry' && body.includes('a') ? ['a'] : [];
      assert.deepEqual(dataOf(events), before, name);
      assert.deepEqual([script.sent.length, script.open, script.waits], [1, 0, []], name);
    }
  }
});

each(KINDS, 'close() and abort in sleep and headers(): no request after it', async (kind) => {
  for (const name of ['sleep', 'headers', 'body']) {
    for (const way of ['close', 'abort']) {
      const controller = new AbortController();
      const leave = () => {
        if (way === 'abort') controller.abort(boom);
        else void client.close();
        return name === 'body' ? 'ask' : name === 'headers' ? {} : undefined;
      };
      const {script, client} = scripted(kind, [new Error('cut'), stream(A)],
        {[name]: leave, signal: controller.signal, ...(name === 'body' ? {method: 'POST'} : {})});
      const {events, error} = await consume(kind, client);
      assert.deepEqual([events, error], [[], way === 'abort' ? boom : undefined], name);
      assert.deepEqual(script.sent.length, name === 'sleep' ? 1 : 0, `${way} in ${name}`);
      assert.equal(script.open, 0);
    }
  }
});

/** A client whose next() is pending, in the way that `what` says. */
async function pending(kind: Kind, what: string, options: any = {}) {
  const steps: Step[] = what === 'connecting' ? ['silence']
    : what === 'waiting' ? [stream(A)] : [HELD];
  const more: Step[] = [stream(`id: 9\n${B}`)];
  const found = scripted(kind, [...steps, ...more], {
    ...(what === 'waiting' ? {sleep: () => new Promise(() => {})} : {}), ...options,
  });
  const loop = loopOf(kind, found.client);
  if (what !== 'connecting') assert.equal((await loop.next()).value.data, 'a');
  const wait = next(loop).then((result) => result, (error) => ({error}));
  assert.equal(await settled(wait), 'pending');
  assert.equal(found.client.state, what === 'reading' ? 'open' : what);
  return {...found, loop, wait};
}

for (const what of ['connecting', 'reading', 'waiting']) {
  each(AWAITING, `close() while ${what} ends the pending next()`, async (kind) => {
    const {script, client, wait, loop} = await pending(kind, what);
    const closed = client.close();
    assert.equal(client.state, 'closed');
    assert.deepEqual(await settled(wait), {done: true, value: undefined});
    assert.equal(await settled(closed), undefined);
    assert.equal(await settled(client.close()), undefined);
    assert.equal((await loop.next()).done, true);
    assert.equal(script.sent.length, 1);
    assert.equal(script.open, 0);
    assert.equal(script.sent[0]!.signal.aborted, true);
  });

  each(AWAITING, `return() while next() is ${what} ends both`, async (kind) => {
    const {script, client, wait, loop} = await pending(kind, what);
    const returned = loop.return();
    assert.equal((await settled(wait) as any).done, true);
    assert.equal((await settled<any>(returned)).done, true);
    assert.equal(script.sent.length, 1);
    assert.equal(script.open, 0);
    assert.equal(client.state, 'idle');
  });

  each(AWAITING, `abort while ${what}: next() rejects with the reason itself`, async (kind) => {
    const {controller, signal, counts} = countedController();
    const {script, client, wait} = await pending(kind, what, {signal});
    assert.equal(counts.listeners, 1);
    const reason = {why: what};
    controller.abort(reason);
    assert.equal((await settled(wait) as any).error, reason);
    assert.equal(script.open, 0);
    assert.equal(script.sent[0]!.signal.aborted, true);
    assert.equal((await consume(kind, client)).error, reason, 'and so does a later loop');
    assert.equal(script.sent.length, 1);
    assert.equal(counts.listeners, 0);
  });

  each(AWAITING, `reconnect() while ${what} connects again at once`, async (kind) => {
    const {script, client, wait, loop, retries} = await pending(kind, what);
    const retried = retries.length;
    client.reconnect();
    const {value} = await settled(wait) as any;
    assert.equal(value?.data, 'b');
    assert.equal(script.sent.length, 2);
    assert.equal(script.sent[0]!.signal.aborted, true);
    assert.equal(retries.length, retried, 'it is no failure');
    await loop.return();
    assert.equal(script.open, 0);
  });
}

each(KINDS, 'reconnect() between events: those at hand are still handed out', async (kind) => {
  const {script, client, retries} = scripted(kind, [
    stream(`id: 1\n${A}id: 2\n${B}`, 'data: lost\n\n'), stream('data: c\n\n', 'data: d\n\n'),
  ]);
  const {events} = await consume(kind, client, ({data}) => {
    if (data === 'a') client.reconnect();
    return data === 'c' ? 'break' : '';
  });
  assert.deepEqual(dataOf(events), ['a', 'b', 'c']);
  assert.deepEqual(script.lastEventIds, ['', '2']);
  assert.deepEqual([script.waits, retries], [[], []]);
  assert.equal(script.open, 0);
});

each(KINDS, 'reconnect() in onRetry, onOpen and onComment: at once', async (kind) => {
  for (const name of ['onOpen', 'onComment', 'onRetry']) {
    let calls = 0;
    const again = () => void (calls++ || client.reconnect());
    const {script, client} = scripted(kind, [stream(':\n', new Error('cut')), stream(B, A)],
      {[name]: again});
    const {events, error} = await consume(kind, client, () => 'break');
    assert.equal(error, undefined, name);
    assert.deepEqual(dataOf(events), ['b'], name);
    assert.deepEqual([script.sent.length, script.open, script.waits], [2, 0, []], name);
  }
});

each(KINDS, 'reconnect() while idle or closed does nothing', async (kind) => {
  const {script, client} = scripted(kind, [stream(A)]);
  client.reconnect();
  assert.equal(client.state, 'idle');
  await consume(kind, client, () => 'break');
  assert.equal(script.sent.length, 1);
  await client.close();
  client.reconnect();
  assert.equal(client.state, 'closed');
  assert.deepEqual((await consume(kind, client)).events, []);
  assert.equal(script.sent.length, 1);
});

each(KINDS, 'reconnect() after open(): the loop connects anew', async (kind) => {
  const {script, client} = scripted(kind, [stream(A), stream(B)]);
  await opens(kind, client);
  client.reconnect();
  const {events} = await consume(kind, client, () => 'break');
  assert.deepEqual(dataOf(events), ['b']);
  assert.equal(script.open, 0);
});

each(KINDS, 'reconnect() of a client that does not: TypeError', async (kind) => {
  const {script, client} = scripted(kind, [stream(A, B)], POST);
  const {events, error} = await consume(kind, client, () => {
    assert.throws(() => client.reconnect(), TypeError);
  });
  assert.deepEqual([dataOf(events), error], [['a', 'b'], undefined]);
  assert.equal(script.sent.length, 1);
});

each(AWAITING, 'return() of a loop that never began leaves the running one alone', async (kind) => {
  const {script, client} = scripted(kind, [stream(A, B)], POST);
  const loop = loopOf(kind, client);
  await loop.next();
  await loopOf(kind, client).return();
  assert.equal((await loop.next()).value?.data, 'b');
  await loop.return();
  assert.equal(script.sent.length, 1);
});

// signal

each(KINDS, 'a signal aborted before: its reason, and nothing is sent', async (kind) => {
  const {controller, signal, counts} = countedController();
  controller.abort('enough');
  const {script, client} = scripted(kind, [stream(A)], {signal});
  assert.equal((await consume(kind, client)).error, 'enough');
  assert.equal(await opens(kind, client).catch((caught) => caught), 'enough');
  assert.equal(script.sent.length, 0);
  assert.equal(counts.listeners, 0);
});

each(KINDS, 'abort between two events of a chunk: its reason, nothing after it', async (kind) => {
  const {controller, signal, counts} = countedController();
  const {script, client} = scripted(kind, [stream(A + B), stream(B)], {signal});
  const {events, error} = await consume(kind, client, () => controller.abort(boom));
  assert.deepEqual(dataOf(events), ['a']);
  assert.equal(error, boom);
  assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  assert.equal(counts.listeners, 0);
});

each(KINDS, 'the signal’s listener is removed on every way out', async (kind) => {
  const {signal, counts} = countedController();
  const run = async (steps: Step[], say?: string, options: any = {}) => {
    const {client} = scripted(kind, steps, {signal, ...options});
    await consume(kind, client, () => say);
    assert.equal(counts.listeners, 0);
  };
  await run([stream(A)]);
  await run([stream(A, B)], 'break');
  await run([{status: 500}]);
  await run([stream(A)], '', POST);
  await run([stream(A)], '', {until: () => true});
  const {client} = scripted(kind, [stream(A)], {signal});
  await opens(kind, client);
  await client.close();
  assert.equal(counts.listeners, 0);
});

// Transports that do not do as they should

each(AWAITING.slice(0, 2), 'a response that comes after close() is let go', async (kind) => {
  const script = new Script(kind, [stream(A)]);
  let answer = (): void => {};
  const client: any = new kind.Client(ADDRESS, {
    transport: (url: string, request: any) => new Promise((resolve) => {
      answer = () => resolve(script.transport(url, request));
    }),
  });
  const wait = next(loopOf(kind, client));
  await turn();
  await client.close();
  assert.equal((await settled(wait) as any).done, true);
  answer();
  await turn();
  assert.deepEqual(script.log, ['request 1', 'close 1']);
});

each([ASYNC], 'a transport that fails after close() makes no unhandled rejection', async (kind) => {
  let fail = (): void => {};
  const client: any = new kind.Client(ADDRESS, {
    transport: () => new Promise((_, reject) => (fail = () => reject(boom))) as any,
  });
  const wait = next(loopOf(kind, client));
  await turn();
  await client.close();
  fail();
  assert.equal((await settled(wait) as any).done, true);
});

each([ASYNC, STREAMS], 'a body whose closing fails does not disturb the loop', async (kind) => {
  for (const closing of [() => Promise.reject(boom), throws]) {
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({done: false, value: A}), return: closing as any,
      }),
    };
    const client: any = new kind.Client(ADDRESS, {transport: () => ({status: 200, body})});
    const {events, error} = await consume(kind, client, () => 'break');
    assert.deepEqual([dataOf(events), error], [['a'], undefined]);
  }
});

for (const [what, value] of [
  ['undefined', undefined], ['null', null], ['a text', A], ['a number', 200], ['{}', {}],
  ['a status that is a text', {status: '200'}],
] as const) {
  each([ASYNC, BOTH, BLOCKING], `a transport that returns ${what}: TypeError`, async (kind) => {
    let calls = 0;
    const client: any = new kind.Client(ADDRESS, {
      ...QUIET, maxRetries: 3,
      transport: (() => {
        calls++;
        return kind.answers === 'promise' ? Promise.resolve(value) : value;
      }) as any,
    });
    assertError((await consume(kind, client)).error, 'TypeError', undefined, 'transport', 'status');
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
      ...QUIET, transport: (() => (calls++, transport())) as any,
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
  });
}

for (const [what, body] of [
  ['text', A + B], ['bytes', bytes(A + B)], ['a list', [A, bytes(B)]],
  ['a generator', null], ['nothing', undefined],
] as const) {
  each([BOTH, BLOCKING], `a body that is ${what}`, async (kind) => {
    function * generated() {
      yield A;
      yield B;
    }
    const given: any = what === 'a generator' ? generated() : body;
    const client: any = new kind.Client(ADDRESS, {
      reconnect: false, transport: () => ({status: 200, body: given}),
    });
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error], [body === undefined ? [] : ['a', 'b'], undefined]);
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

// Time limits, with real but tiny ones

each(AWAITING, 'timeout: no headers in time is a lost connection', async (kind) => {
  const {script, client, retries} = scripted(kind, ['silence', stream(A)], {timeout: 5});
  const {events} = await consume(kind, client);
  assert.deepEqual(dataOf(events), ['a']);
  assertError(retries[0].error, 'SSEError', 'timeout', ADDRESS, '5 ms');
  assert.deepEqual(script.waits, [3000, 3000]);
  assert.equal(script.sent[0]!.signal.aborted, true);
});

each(AWAITING, 'idleTimeout: silence is a lost connection', async (kind) => {
  const {script, client, retries} = scripted(kind, [HELD, stream(B)], {idleTimeout: 5});
  const {events} = await consume(kind, client);
  assert.deepEqual(dataOf(events), ['a', 'b']);
  assertError(retries[0].error, 'SSEError', 'timeout', ADDRESS, '5 ms');
  assert.deepEqual(script.log.slice(0, 4), ['request 1', 'open 1', 'close 1', 'retry 3000']);
});

each(AWAITING, 'idleTimeout does not run while the consumer is busy', async (kind) => {
  const {client, retries} = scripted(kind, [stream(A, B)], {idleTimeout: 10, reconnect: false});
  const loop = loopOf(kind, client);
  await loop.next();
  await pause(25);
  assert.equal((await loop.next()).value.data, 'b');
  await loop.return();
  assert.deepEqual(retries, []);
});

each(AWAITING, 'timeout of a POST is an error with 0 retries', async (kind) => {
  const {script, client} = scripted(kind, ['silence', stream(A)], {...POST, timeout: 5});
  assertError((await consume(kind, client)).error,
    'SSEConnectionError', 'connection', 'after 0 retries', '5 ms');
  assert.equal(script.sent.length, 1);
});

each(AWAITING, 'the body of an error is waited for no longer than timeout', async (kind) => {
  const {script, client} = scripted(kind,
    [{status: 500, body: ['half'], then: 'silence'}], {timeout: 5});
  const {error} = await consume(kind, client);
  assertError(error, 'SSEHTTPError', 'http', '500');
  assert.equal(error.body, 'half');
  assert.equal(script.open, 0);
});

/** What setTimeout is asked for while `run` runs. */
async function timersSet(run: () => Promise<unknown>): Promise<number[]> {
  const {setTimeout} = globalThis;
  const asked: number[] = [];
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    asked.push(ms);
    return setTimeout(callback, ms);
  }) as any;
  try {
    await run();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return asked;
}

each(AWAITING, 'defaults: 30 s for headers, 300 s of silence, a timer to wait', async (kind) => {
  const asked = await timersSet(async () => {
    const {client, wait} = await pending(kind, 'reading');
    await client.close();
    await wait;
    const other = await pending(kind, 'waiting', {sleep: undefined});
    await other.client.close();
    await other.wait;
  });
  assert.deepEqual(asked.slice(0, 3), [30_000, 300_000, 300_000]);
  assert.equal(asked.at(-1), 3000);
});

for (const none of [0, Infinity]) {
  each(AWAITING, `timeout and idleTimeout: ${none} is none`, async (kind) => {
    const asked = await timersSet(async () => {
      for (const what of ['connecting', 'reading']) {
        const {client, wait} = await pending(kind, what, {timeout: none, idleTimeout: none});
        await client.close();
        await wait;
      }
    });
    assert.deepEqual(asked, []);
  });
}

each(AWAITING, 'a limit too long for a timer is as long as one can be', async (kind) => {
  const long = {timeout: 1e12, idleTimeout: 1e12};
  const asked = await timersSet(async () => {
    const {client, wait} = await pending(kind, 'reading', long);
    await client.close();
    await wait;
  });
  assert.deepEqual([...new Set(asked)], [2 ** 31 - 1]);
});

test('in the blocking loop the transport is told the limits', () => {
  const seen: unknown[] = [];
  const transport = (_: string, {timeout, idleTimeout}: any) => {
    seen.push([timeout, idleTimeout]);
    return {status: 204};
  };
  const run = (options: any) => [...new SSEClient(ADDRESS, {transport, ...options})];
  run({});
  run({timeout: 5, idleTimeout: 6});
  assert.deepEqual(seen, [[30_000, 300_000], [5, 6]]);
});

// Disposal

each(KINDS, 'Symbol.dispose and Symbol.asyncDispose close', async (kind) => {
  const asyncDispose = (Symbol as any).asyncDispose ?? Symbol.for('Symbol.asyncDispose');
  const dispose = (Symbol as any).dispose ?? Symbol.for('Symbol.dispose');
  const ways = kind.Client === SSEClient ? [dispose, asyncDispose] : [asyncDispose];
  for (const way of ways) {
    const {script, client} = scripted(kind, [stream(A, B)]);
    const loop = loopOf(kind, client);
    await loop.next();
    const result = client[way]();
    if (way === dispose) assert.equal(result, undefined);
    await result;
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.equal(client.state, 'closed');
    assert.equal((await loop.next()).done, true);
  }
});

// Wrong options

const always = () => ({status: 204});
const wrong: [what: string, url: any, options: any, kind: 'TypeError' | 'RangeError' | 'either',
  ...words: string[]][] = [
  ['a relative URL', '/events', {}, 'TypeError', 'url', '/events'],
  ['an ftp URL', 'ftp://sse.test/', {}, 'TypeError', 'url', 'ftp://sse.test/'],
  ['no URL', '', {}, 'TypeError', 'url'],
  ['userinfo', 'http://user:secret@sse.test/', {}, 'TypeError', 'url'],
  ['undefined as URL', undefined, {}, 'TypeError'],
  ['transport: null', ADDRESS, {transport: null}, 'TypeError', 'transport'],
  ['a transport that is no function', ADDRESS, {transport: {}}, 'TypeError', 'transport'],
  ['verify: false with a transport', ADDRESS, {transport: always, verify: false}, 'TypeError',
    'verify'],
  ...['retryInterval', 'maxRetryInterval', 'timeout', 'idleTimeout'].flatMap((name) =>
    [NaN, -1, '5', {}].map((value): any =>
      [`${name}: ${JSON.stringify(value)}`, ADDRESS, {[name]: value}, 'either', name])),
  ...[-2, 1.5, NaN, '3', -Infinity].map((value): any =>
    [`maxRetries: ${value}`, ADDRESS, {maxRetries: value}, 'either', 'maxRetries']),
  ...[0, -1, NaN, '10'].map((value): any =>
    [`maxEventSize: ${value}`, ADDRESS, {maxEventSize: value}, 'either', 'maxEventSize']),
  ...[503, 'all', ['503'], [NaN]].map((value): any =>
    [`retryStatus: ${JSON.stringify(value)}`, ADDRESS, {retryStatus: value}, 'either',
      'retryStatus']),
  ...[5, 'a\nb', 'a\0b'].map((value): any =>
    [`lastEventId: ${JSON.stringify(value)}`, ADDRESS, {lastEventId: value}, 'TypeError',
      'lastEventId']),
  ['a header name with a space', ADDRESS, {headers: {'a b': 'c'}}, 'TypeError', 'headers'],
  ['an empty header name', ADDRESS, {headers: {'': 'c'}}, 'TypeError', 'headers'],
  ['a header with a line end', ADDRESS, {headers: {'X-A': 'b\r\nc: d'}}, 'TypeError', 'headers'],
  ['a header that is not Latin-1', ADDRESS, {headers: {'X-A': '€'}}, 'TypeError', 'headers'],
  ['body and json', ADDRESS, {body: 'a', json: 1}, 'TypeError', 'body', 'json'],
  ['a stream as body, with reconnect', ADDRESS,
    {method: 'POST', reconnect: true, body: new ReadableStream()}, 'TypeError', 'body'],
  ['a generator as body, with reconnect', ADDRESS,
    {method: 'POST', reconnect: true, body: (function * () {})()}, 'TypeError', 'body'],
  ...['until', 'onOpen', 'onRetry', 'onComment', 'sleep', 'random'].map((name): any =>
    [`${name}: 5`, ADDRESS, {[name]: 5}, 'TypeError', name]),
  ['a signal that is none', ADDRESS, {signal: {}}, 'TypeError', 'signal'],
  ['init: 5', ADDRESS, {init: 5}, 'TypeError', 'init'],
];

for (const [what, url, options, kind, ...words] of wrong) {
  test(`wrong at construction: ${what}`, () => {
    for (const make of [asyncConnect, connect]) {
      const error = thrown(() => make(url, options));
      if (kind === 'either') assert.ok(error instanceof RangeError || error instanceof TypeError);
      else assert.equal(error.name, kind, error.message);
      for (const word of words) {
        assert.ok(error.message.includes(word), `'${error.message}' says '${word}'`);
      }
    }
  });
}

test('options are not changed, and may be frozen', async () => {
  const headers = Object.freeze({'X-A': 'b'});
  const retryStatus = Object.freeze([500]);
  const options = Object.freeze({headers, retryStatus, transport: always, init: Object.freeze({})});
  assert.deepEqual([...connect(ADDRESS, options as any)], []);
  assert.deepEqual(await consume(ASYNC, asyncConnect(ADDRESS, options as any)),
    {events: [], error: undefined});
});

test('errors of construction show no secret', () => {
  const header = thrown(() => asyncConnect(ADDRESS, {headers: {'X-A': 'sec\nret'}}));
  assert.doesNotMatch(header.message, /sec/);
  for (const options of [{}, {transport: always}]) {
    for (const scheme of ['http', 'ftp']) {
      const url = thrown(() => asyncConnect(`${scheme}://user:secret@sse.test/`, options));
      assert.equal(url.name, 'TypeError');
      assert.doesNotMatch(url.message, /secret/);
    }
  }
});

test('right at construction', () => {
  const options = [
    undefined, {}, {transport: undefined}, {maxRetries: Infinity}, {maxRetries: -1}, {timeout: 0},
    {idleTimeout: Infinity}, {retryInterval: 0}, {maxEventSize: Infinity}, {retryStatus: []},
    {headers: {'X-A': 'é'}}, {headers: undefined}, {json: null}, {verify: true},
    {method: 'POST', body: new ReadableStream()}, {signal: undefined}, {init: {}},
    {method: 'POST', reconnect: true, body: () => new ReadableStream()},
  ];
  for (const each of options) {
    for (const make of [asyncConnect, connect]) {
      assert.equal(make('http://127.0.0.1:9/', each as any).state, 'idle');
      assert.equal(make(new URL('http://127.0.0.1:9/'), each as any).url, 'http://127.0.0.1:9/');
    }
  }
});

// ── 9. Shorthands ─────────────────────────────────────────────────────────────────────────────

test('connect and asyncConnect return clients, not promises', () => {
  const events = connect(ADDRESS, {transport: always});
  assert.ok(events instanceof SSEClient && events instanceof AsyncSSEClient);
  assert.deepEqual([...events], []);
  const later = asyncConnect(ADDRESS, {transport: always});
  assert.ok(later instanceof AsyncSSEClient && !(later instanceof SSEClient));
  assert.ok(!('then' in later) && !(Symbol.iterator in later));
});

test('in the end nothing is left behind: no rejection, no timer', async () => {
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.deepEqual(unhandled, []);
  process.off('unhandledRejection', onUnhandled);
});

// ── Real sockets ──────────────────────────────────────────────────────────────────────────────
// test/server.mjs is a process of its own: a blocking client stops the thread that it is in. Both
// loops have their default transports here.

let server: any;
let runs = 0;
const LIVE_LIMIT = 30_000; // ms, for one test; the slowest takes two seconds
const LOOPS = [
  {...ASYNC, name: 'asyncConnect'}, {...BLOCKING, name: 'connect'},
];

/** A run of its own on the server. */
const newRun = () => `clients-${process.pid}-${++runs}`;

const pathOf = (path: string, run: string) =>
  `${path}${path.includes('?') ? '&' : '?'}run=${run}`;

/** A client of a scenario. Its waits are recorded, not waited for. */
function live(kind: Kind, path: string, options: any = {}) {
  const run = newRun();
  const waits: number[] = [];
  const retries: any[] = [];
  const client: any = (kind.isBlocking ? connect : asyncConnect)(server.url + pathOf(path, run), {
    sleep: (ms: number) => void waits.push(ms),
    random: () => 0,
    onRetry: (retry: any) => void retries.push(retry),
    ...options,
  });
  return {client, run, waits, retries, log: (): Promise<any[]> => server.log(run)};
}

/** Polls until `ask` gives a true value, at most `limit` ms. */
async function until<T>(what: string, ask: () => Promise<T>, limit = 1000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const value = await ask();
    if (value) return value;
    assert.ok(Date.now() < end, `${what} within ${limit} ms`);
    await pause(10);
  }
}

const allClosed = (run: string) =>
  until('the server sees the socket closed', async () => await server.open(run) === 0);

function both(rule: string, check: (kind: Kind) => Promise<void>) {
  for (const kind of LOOPS) {
    test(`${rule} [${kind.name}]`, {timeout: LIVE_LIMIT}, () => check(kind));
  }
}

/** Runs `code` in a Node (or Bun, or Deno) of its own; `sse` is this project. */
function child(code: string, env: Record<string, string> = {}) {
  const file = new URL('../../sse.ts', import.meta.url).href;
  const args = IS_DENO ? ['eval'] : IS_BUN ? ['-e'] : ['--input-type=module', '-e'];
  const process_ = spawn(process.execPath, [...args, `import * as sse from '${file}';\n${code}`],
    {stdio: ['pipe', 'pipe', 'pipe'], env: {...process.env, ...env}});
  let output = '';
  let errors = '';
  process_.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  process_.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const done = new Promise<{code: number | null; output: string; errors: string}>((resolve) =>
    process_.once('close', (code) => resolve({code, output, errors})));
  return {process: process_, done, output: () => output};
}

interface Scenario {
  rule: string;
  path: string;
  options?: any;
  events: string[];
  ids?: string[]; // the Last-Event-ID of each request; '' = none
  waits?: number[];
  error?: [name: string, code: string | undefined, ...words: string[]];
  check?(found: {
    client: any; events: SSEEvent[]; error: any; retries: any[]; log: any[]; kind: Kind;
  }): void;
}

const nine = Array.from({length: 9}, (_, index) => `${index + 1}`);
const wide = nine.map((number) => `${number} é€😀`);
const headersOf = (request: any, name: string): string[] => request.headers
  .filter(([key]: string[]) => key!.toLowerCase() === name).map(([, value]: string[]) => value);
const pathsOf = (log: any[]) => log.map(({path}) => path.split('?')[0]);
const causes = (error: any): any[] => error ? [error, ...causes(error.cause)] : [];
const cutsOf = (...names: string[]) => names.flatMap((cut) => ['rst', 'fin'].map(
  (by): Scenario => ({
    rule: `cut inside ${cut === 'utf8' ? 'a UTF-8 sequence' : 'an event'} by ${by}: nothing lost`,
    path: `/numbers?cut=${cut}&by=${by}`,
    events: cut === 'utf8' ? wide : nine,
    check({retries}) {
      for (const {lastEventId, attempt} of retries) {
        assert.equal(attempt, 1);
        assert.match(lastEventId, /^[0-9]$/);
      }
    },
  })));

const scenarios: Scenario[] = [
  {
    rule: 'three events, then 204; exactly these headers on the wire',
    path: '/simple', events: ['event 1', 'event 2', 'event 3'], ids: ['', '3'], waits: [3000],
    check({log}) {
      for (const request of log) {
        assert.equal(request.method, 'GET');
        assert.deepEqual(headersOf(request, 'accept'), ['text/event-stream']);
        assert.deepEqual(headersOf(request, 'cache-control'), ['no-cache']);
      }
      assert.deepEqual(headersOf(log[1], 'last-event-id'), ['3']);
    },
  },
  ...cutsOf('event', 'utf8'),
  ...['rst', 'fin'].map((by): Scenario => ({
    rule: `cut inside an event by ${by}, framed by the end of the connection only`,
    path: `/numbers?cut=event&framing=close&by=${by}`, events: nine,
  })),
  {
    rule: 'byte by byte, CRLF, BOM',
    path: '/bytes', events: ['é€😀\nline 2', 'end'], ids: ['', '2'], waits: [100],
    check({events: [first]}) {
      assert.deepEqual([first!.event, first!.id, first!.retry], ['byte', '1', 100]);
    },
  },
  {
    rule: 'a stall ends by idleTimeout',
    path: '/stall?then=204', options: {idleTimeout: 200}, events: ['event 1'], ids: ['', '1'],
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'timeout', '200 ms'),
  },
  {
    rule: 'no headers end by timeout',
    path: '/noheaders?then=204', options: {timeout: 200}, events: [], ids: ['', ''],
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'timeout', '200 ms'),
  },
  {rule: '204 on the first request', path: '/204', events: [], ids: ['']},
  ...[301, 307].map((status): Scenario => ({
    rule: `${status} is followed, and the original URL asked again`,
    path: `/${status}`, options: {headers: {'X-Key': 'k'}},
    events: ['event 1', 'event 2', 'event 3'], ids: ['', '', '3', '3'], waits: [3000],
    check({log}) {
      assert.deepEqual(pathsOf(log), [`/${status}`, '/simple', `/${status}`, '/simple']);
      for (const request of log) assert.deepEqual(headersOf(request, 'x-key'), ['k']);
    },
  })),
  {
    rule: 'nothing secret goes to another origin',
    path: '/cross', events: ['event 1', 'event 2', 'event 3'], waits: [3000],
    options: {
      lastEventId: 'mine',
      headers: {Authorization: 'Bearer t', Cookie: 'c=d', 'X-Key': 'k'},
    },
    check({log}) {
      assert.equal(log.length, 4);
      const [here, there] = log;
      assert.notEqual(here.port, there.port);
      for (const name of ['authorization', 'cookie', 'x-key', 'last-event-id']) {
        assert.equal(headersOf(here, name).length, 1, name);
        for (const other of [log[1], log[3]]) assert.deepEqual(headersOf(other, name), [], name);
      }
      assert.deepEqual(headersOf(there, 'accept'), ['text/event-stream']);
      assert.equal(log[2].lastEventId.latin1, '3', 'the origin gets the id again');
    },
  },
  {
    rule: 'a redirect loop ends after 20', path: '/redirect-loop', events: [],
    error: ['SSEError', 'redirect', '/redirect-loop'],
    check: ({log}) => assert.equal(log.length, 21),
  },
  {
    rule: '401 with its body', path: '/401?body=who%20are%20you%3F', events: [], ids: [''],
    error: ['SSEHTTPError', 'http', '401'],
    check({error, client}) {
      assert.equal(error.body, 'who are you?');
      assert.equal(error.headers.get('content-type'), 'text/html');
      assert.equal(client.response.status, 401);
    },
  },
  {
    rule: '500 is no event stream, whatever its body looks like', path: '/500', events: [],
    ids: [''], error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.match(error.body, /Oops/),
  },
  {
    rule: 'an endless error body is cut at 64 KiB', path: '/endless-error', events: [], ids: [''],
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.equal(error.body.length, 65_536),
  },
  ...[429, 503].map((status): Scenario => ({
    rule: `${status} with Retry-After, once open, is waited for`,
    path: `/${status}`, events: ['event 1', 'event 2'], ids: ['', '1', '1', '2'],
    waits: [100, 1000, 100],
    check({retries: [, second]}) {
      assert.equal(second.error.status, status);
      assert.equal(second.error.retryAfter, 1000);
      assert.equal(second.error.body, 'come back later');
    },
  })),
  {
    rule: 'HTML is refused; the response can be inspected', path: '/html', events: [], ids: [''],
    error: ['SSEError', 'content-type', "got 'text/html; charset=utf-8'"],
    check: ({client}) =>
      assert.equal(client.response.headers.get('content-type'), 'text/html; charset=utf-8'),
  },
  {
    rule: 'no content type is refused', path: '/notype', events: [], ids: [''],
    error: ['SSEError', 'content-type', "Expected Content-Type 'text/event-stream'"],
  },
  {
    rule: 'Text/Event-Stream; charset=UTF-8', path: '/charset', events: ['event 1'],
    ids: ['', '1'], waits: [3000],
  },
  {
    rule: 'POST: sent once, whole, and its end is the end', path: '/post',
    options: {json: {words: ['é', 'b']}}, ids: [''],
    events: ['{"index":0,"text":"é"}', '{"index":1,"text":"b"}', '[DONE]'],
    check({log: [request]}) {
      assert.equal(request.method, 'POST');
      assert.equal(request.body, '{"words":["é","b"]}');
      assert.deepEqual(headersOf(request, 'content-type'), ['application/json']);
    },
  },
  {
    rule: 'POST: truncated', path: '/post-truncated', ids: [''],
    options: {json: {words: ['a']}, until: ({data}: SSEEvent) => data === '[DONE]'},
    events: ['{"index":0,"text":"a"}'], error: ['SSEError', 'truncated'],
  },
  {
    rule: 'POST: cut, and not sent again', path: '/post-cut', options: {json: {words: ['a']}},
    ids: [''], events: ['{"index":0,"text":"a"}'],
    error: ['SSEConnectionError', 'connection', 'after 0 retries'],
  },
  {
    rule: 'POST: 303 makes no GET of it', path: '/post-303', options: {json: {}}, ids: [''],
    events: [], error: ['SSEError', 'redirect', '303'],
  },
  {
    rule: 'a reset before the headers', path: '/reset', events: ['event 1'], ids: ['', '', '1'],
    waits: [3000, 3000],
  },
  {
    rule: 'a reset after the headers', path: '/reset?at=headers', events: ['event 1'],
    ids: ['', '', '1'], waits: [3000, 3000],
  },
  {
    rule: 'a FIN between chunks', path: '/chunked-fin', events: ['event 1'], ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'a FIN before Content-Length is reached', path: '/length-short', events: ['event 1'],
    ids: ['', '1'], waits: [3000],
  },
  {
    rule: 'an id that is not ASCII comes back as UTF-8', path: '/ids', events: ['event é€ 1'],
    waits: [100],
    check({log}) {
      assert.equal(log.length, 2);
      assert.equal(log[1].lastEventId.hex, Buffer.from('é€ 1').toString('hex'));
      assert.equal(headersOf(log[1], 'last-event-id').length, 1);
    },
  },
];

const liveTests = () => {
  before(async () => {
    const {startServer} = await import(new URL('../start-server.mjs', import.meta.url).href);
    server = await startServer();
  });
  after(async () => server?.stop());

  for (const {rule, path, options = {}, ...row} of scenarios) {
    both(rule, async (kind) => {
      const {client, run, waits, retries, log: ask} = live(kind, path, options);
      const {events, error} = await consume(kind, client);
      const log = await ask();
      if (row.error) assertError(error, ...row.error);
      else assert.equal(error, undefined);
      assert.deepEqual(dataOf(events), row.events);
      const ids = log.map(({lastEventId}) => lastEventId?.latin1 ?? '');
      if (row.ids) assert.deepEqual(ids, row.ids);
      if (row.waits) assert.deepEqual(waits, row.waits);
      row.check?.({client, events, error, retries, log, kind});
      await allClosed(run);
    });
  }

  both('[DONE] closes a connection that the server holds', async (kind) => {
    const {client, run, log} = live(kind, '/post?hold=1', {json: {words: ['a', 'b']}});
    assert.deepEqual(await jsonOf(kind, client.json()),
      [{index: 0, text: 'a'}, {index: 1, text: 'b'}]);
    await allClosed(run);
    assert.equal((await log()).length, 1);
  });

  const encodings = IS_DENO ? ['gzip', 'br'] : ['gzip', 'deflate', 'br']; // what its fetch reads
  for (const encoding of encodings) {
    both(`${encoding} arrives event by event`, async (kind) => {
      let early = false;
      // On a busy machine 100 ms may pass before the first event is here: three times is enough.
      for (let attempt = 0; attempt < 3 && !early; attempt++) {
        const came: number[] = [];
        const {client} = live(kind, `/${encoding}`);
        const {events, error} = await consume(kind, client, () => came.push(Date.now()));
        assert.equal(error, undefined);
        assert.deepEqual(events.map(({id}) => id), ['1', '2']);
        const sent = events.map(({data}) => Number(data.split(' ')[1]));
        early = came[0]! < sent[1]!;
      }
      assert.ok(early, 'the first event came before the second was sent');
    });
  }

  for (const [what, leave] of [
    ['return()', (_: any, loop: any) => loop.return()],
    ['close()', (client: any) => client.close()],
  ] as const) {
    both(`${what}: the server sees the socket closed`, async (kind) => {
      const {client, run, log} = live(kind, '/stall');
      const loop = loopOf(kind, client);
      assert.equal((await loop.next()).value.data, 'event 1');
      assert.equal(await server.open(run), 1);
      await leave(client, loop);
      await allClosed(run);
      assert.equal((await log())[0].closed.by, 'client');
      assert.equal((await loop.next()).done, true);
    });
  }

  both('break, and a second loop', async (kind) => {
    const {client, run, log} = live(kind, '/numbers?n=5');
    const first = await consume(kind, client, ({id}) => id === '2' ? 'break' : '');
    await allClosed(run);
    const second = await consume(kind, client);
    assert.deepEqual(dataOf([...first.events, ...second.events]), ['1', '2', '3', '4', '5']);
    assert.equal((await log())[1].lastEventId.latin1, '2');
  });

  both('a sleeping consumer: the server cannot write more than the buffers hold', async (kind) => {
    const {client, run, log} = live(kind, '/flood');
    const loop = loopOf(kind, client);
    assert.equal((await loop.next()).value.id, '1');
    let [last, same] = [-1, 0];
    await until('the flood stands still', async () => {
      const {written} = (await log())[0];
      same = written === last ? same + 1 : 0;
      last = written;
      return same >= 5;
    }, 10_000);
    assert.ok(last < 64 * 2 ** 20, `${last} bytes written`);
    assert.equal((await loop.next()).value.id, '2', 'nothing is lost');
    await loop.return();
    await allClosed(run);
  });

  both('retry: 0 makes no storm', async (kind) => {
    const {client, log} = live(kind, '/retry0', {sleep: undefined});
    const {events} = await consume(kind, client, ({id}) => id === '4' ? 'break' : '');
    assert.deepEqual(events.map(({id}) => id), ['1', '2', '3', '4']);
    const times = (await log()).map(({time}) => time);
    assert.equal(times.length, 4);
    assert.ok(times[3] - times[0] >= 280, `4 connections within ${times[3] - times[0]} ms`);
  });

  both('comments are signs of life', async (kind) => {
    const comments: string[] = [];
    const {client, run, retries} = live(kind, '/comments', {
      idleTimeout: 500, // the server sends one each 50 ms
      onComment(text: string) {
        if (comments.push(text) === 14) void client.close();
      },
    });
    const {events, error} = await consume(kind, client);
    assert.deepEqual([events, error, retries], [[], undefined, []]);
    assert.equal(comments[13], 'ping 14');
    await allClosed(run);
  });

  both('a refused connection: counted, and its code kept', async (kind) => {
    // a port that was free a moment ago
    const port = await new Promise<number>((resolve) => {
      const listener = createServer().listen(0, '127.0.0.1', () => {
        const {port: free} = listener.address() as any;
        listener.close(() => resolve(free));
      });
    });
    const waits: number[] = [];
    const client: any = (kind.isBlocking ? connect : asyncConnect)(`http://127.0.0.1:${port}/`, {
      maxRetries: 2, sleep: (ms) => void waits.push(ms), random: () => 0,
    });
    const {error} = await consume(kind, client);
    assertError(error, 'SSEConnectionError', 'connection', `http://127.0.0.1:${port}/`,
      'after 2 retries');
    assert.deepEqual(waits, [3000, 6000]);
    if (IS_DENO) return; // has no codes
    const codes = causes(error.cause).map(({code}) => code);
    assert.ok(codes.some((code) => /^E?Conn(ection)?Refused$/i.test(code)), String(codes));
    if (!IS_BUN) assert.equal(error.cause.name, 'TypeError');
  });

  both('fresh headers for each attempt: 401 and on at the same place', async (kind) => {
    let token = '';
    const {client, retries} = live(kind, '/subscription', {
      retryStatus: [401],
      headers: () => ({Authorization: token}),
      onRetry(retry: any) {
        retries.push(retry.error.status ?? 'cut');
        token = retry.error.status === 401 ? 'Bearer 2' : '';
      },
    });
    assertError((await consume(kind, client)).error, 'SSEHTTPError', 'http', '401');
    token = 'Bearer 1';
    const {events, error} = await consume(kind, client);
    assert.equal(error, undefined);
    assert.deepEqual(events.map(({id}) => id), ['1', '2', '3', '4', '5', '6', '7', '8']);
    assert.deepEqual(retries.slice(0, 2), ['cut', 401]);
  });

  test('connect() and asyncConnect() give the same', {timeout: LIVE_LIMIT}, async () => {
    const path = '/numbers?n=8&cut=event&retry=20&delay=2';
    const blocking = await consume(BLOCKING, live(BLOCKING, path).client);
    const awaiting = await consume(ASYNC, live(ASYNC, path).client);
    assert.equal(awaiting.events.length, 8);
    assert.deepEqual(blocking, awaiting);
  });

  test('for await over connect() does not block', {timeout: LIVE_LIMIT}, async () => {
    const {client} = live(BLOCKING, '/numbers?n=8&delay=15');
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    const {events} = await consume(BOTH, client);
    clearInterval(ticking);
    assert.equal(events.length, 8);
    assert.ok(ticks >= 8, `${ticks} ticks`);
  });

  test('openSync(), then the loop, makes one request', {timeout: LIVE_LIMIT}, async () => {
    const {client, run, log} = live(BLOCKING, '/post', {json: {words: ['a']}});
    assert.equal(client.openSync().status, 200);
    assert.equal((await consume(BLOCKING, client)).events.length, 2);
    assert.equal((await log()).length, 1);
    await allClosed(run);
  });

  // The thread

  /** Runs `check` with the number of threads made so far. */
  async function countingThreads(check: (made: () => number) => Promise<void>) {
    const threads: any = process.getBuiltinModule('node:worker_threads');
    let made = 0;
    class Worker extends threads.Worker {
      constructor(...args: any[]) {
        super(...args);
        made++;
      }
    }
    const known = process.getBuiltinModule;
    process.getBuiltinModule = ((id: string) =>
      /worker_threads$/.test(id) ? {...threads, Worker} : known(id as any)) as any;
    try {
      await check(() => made);
    } finally {
      process.getBuiltinModule = known;
    }
  }

  test('one thread per client, kept over reconnections', {timeout: LIVE_LIMIT}, () =>
    countingThreads(async (made) => {
      const {client, log} = live(BLOCKING, '/numbers?n=9&cut=event');
      assert.equal(made(), 0, 'none before the first request');
      const {events} = await consume(BLOCKING, client);
      assert.equal(events.length, 9);
      assert.ok((await log()).length >= 4);
      assert.equal(made(), 1);
    }));

  test('blockingFetch() is shared between clients, until it is closed', {timeout: LIVE_LIMIT}, () =>
    countingThreads(async (made) => {
      const transport = blockingFetch();
      for (const word of ['a', 'b', 'c']) {
        const {client} = live(BLOCKING, '/post', {json: {words: [word]}, transport});
        assert.deepEqual([...client.json()], [{index: 0, text: word}]);
      }
      assert.equal(made(), 1);
      transport.close();
      transport.close();
      const {client, run} = live(BLOCKING, '/post', {json: {words: ['d']}, transport});
      assert.deepEqual([...client.json()], [{index: 0, text: 'd'}]);
      transport.close();
      await allClosed(run);
    }));

  const form = new FormData();
  form.set('a', 'b');
  for (const [what, options] of [
    ['FormData', {body: form}], ['URLSearchParams', {body: new URLSearchParams('a=b')}],
    ['a stream', {body: new ReadableStream()}], ['a function in init', {init: {dispatcher() {}}}],
  ] as const) {
    test(`${what} cannot be given to a thread: TypeError`, {timeout: LIVE_LIMIT}, async () => {
      const {client, log} = live(BLOCKING, '/post', {method: 'POST', reconnect: false, ...options});
      assertError(thrown(() => [...client]), 'TypeError', undefined, 'thread', 'for await');
      assert.deepEqual(await log(), [], 'nothing was sent');
    });
  }

  test('200 mixed requests: no error, no socket left', {timeout: LIVE_LIMIT}, async () => {
    const transport = blockingFetch();
    const run = newRun();
    const get = (path: string, options: any = {}) => connect(server.url + pathOf(path, run),
      {transport, maxRetries: 0, idleTimeout: 5000, sleep: () => {}, ...options});
    const own: SSEClient[] = [];
    for (let round = 0; round < 40; round++) {
      // closed while the slot is full
      let read = 0;
      for (const {id} of get('/flood')) {
        assert.equal(id, `${++read}`);
        if (read === 1 + round * 3) break;
      }
      // silent, and given up
      const quiet = thrown(() => [...get('/noheaders', {timeout: 3})]);
      assertError(quiet, 'SSEConnectionError', 'connection');
      assertError(quiet.cause, 'SSEError', 'timeout');
      // read to its end
      assert.deepEqual([...get('/post', {json: round}).json()], [{index: 0, text: round}]);
      // an error
      assertError(thrown(() => [...get('/404')]), 'SSEHTTPError', 'http', '404');
      // read after close
      const left = get('/flood');
      const loop = left[Symbol.iterator]();
      loop.next();
      void left.close();
      assert.equal(loop.next().done, true);
      // sometimes a thread of its own
      if (round % 20 === 0) own.push(connect(server.url + pathOf('/stall', run)));
    }
    for (const client of own) {
      const loop = client[Symbol.iterator]();
      assert.equal(loop.next().value.data, 'event 1');
      void client.close();
    }
    transport.close();
    await allClosed(run);
    const {length} = await server.log(run);
    assert.ok(length > 160, `${length} requests`); // some were given up before they were sent
  });

  test('a process that leaves without close() ends promptly', {timeout: LIVE_LIMIT}, async () => {
    const run = newRun();
    const url = server.url + pathOf('/stall', run);
    const started = Date.now();
    const ended = await Promise.all([
      child(`const [event] = [sse.connect('${url}')[Symbol.iterator]().next().value];
        console.log(event.data);`),
      child(`sse.connect('${url}').openSync(); process.exit(3);`),
      child(`for (const event of sse.connect('${url}')) throw new Error('mine');`),
    ].map(({done}) => done));
    assert.deepEqual(ended.map(({code}) => code), [0, 3, 1]);
    assert.equal(ended[0]!.output, 'event 1\n');
    assert.ok(Date.now() - started < 10_000);
    await allClosed(run);
  });

  test('waiting to reconnect keeps the process alive', {timeout: LIVE_LIMIT}, async () => {
    const url = server.url + pathOf('/simple', newRun());
    const {code, output} = await child(`
      for await (const {id} of sse.asyncConnect('${url}', {retryInterval: 150})) console.log(id);
      console.log('over');`).done;
    assert.deepEqual([code, output], [0, '1\n2\n3\nover\n']);
  });

  const tlsServer = `
    import {createServer} from 'node:https';
    let asked = 0;
    const server = createServer({key: process.env.KEY, cert: process.env.CERT}, (_, response) => {
      if (asked++) return response.writeHead(204, {connection: 'close'}).end();
      response.writeHead(200, {'content-type': 'text/event-stream', connection: 'close'});
      response.end('data: safe\\n\\n');
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('close', () => process.exit()).resume();`;

  test('a self-signed certificate: refused, unless verify: false', {
    timeout: LIVE_LIMIT, skip: IS_DENO, // where no client can be told
  }, async () => {
    const host = child(tlsServer, {KEY: TLS_KEY, CERT: TLS_CERTIFICATE});
    try {
      const port = await until('TLS server', async () => host.output().trim(), 10_000);
      const url = `https://127.0.0.1:${port}/`;
      for (const kind of LOOPS) {
        const client: any = (kind.isBlocking ? connect : asyncConnect)(url, {maxRetries: 0});
        const {error} = await consume(kind, client);
        assertError(error, 'SSEConnectionError', 'connection');
        assert.ok(causes(error).some(({code}) => code === 'DEPTH_ZERO_SELF_SIGNED_CERT'));
      }
      const client = connect(url, {verify: false, sleep: () => {}});
      assert.deepEqual([...client].map(({data}) => data), ['safe']);
      // it holds for that client alone
      assertError(thrown(() => [...connect(url, {maxRetries: 0})]),
        'SSEConnectionError', 'connection');
      assert.equal(process.env['NODE_TLS_REJECT_UNAUTHORIZED'], undefined);
    } finally {
      host.process.stdin.end();
      await host.done;
    }
  });

  test('in the end no socket is left', {timeout: LIVE_LIMIT}, () =>
    until('no socket is open', async () => await server.open() === 0, 2000).then(() => {}));
};

// For 127.0.0.1, until 2126, and secret to nobody.
const TLS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCTZsGzNaq1+++/ZQ
zXDvXfvmDy/bGdMyNHSKzQrLQvShRANCAATurXX/7q3EDsyecsVxSTw2y74KxduH
zIxDrvU86xAvtTR6hFTprlBewwuW8dhM2aIbsiW9WmslYf9lh1ZB3z08
-----END PRIVATE KEY-----
`;
const TLS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUKveTROqZHpAWga3GFMv9K1cyEokwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA0Mjg0OVoYDzIxMjYxMDI4
MDQyODQ5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATurXX/7q3EDsyecsVxSTw2y74KxduHzIxDrvU86xAvtTR6hFTprlBe
wwuW8dhM2aIbsiW9WmslYf9lh1ZB3z08o2QwYjAdBgNVHQ4EFgQUoqM/1NCSPX0t
bfWP8C5/FzrCPr0wHwYDVR0jBBgwFoAUoqM/1NCSPX0tbfWP8C5/FzrCPr0wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IHpYbb4S/+SrRDD/bsOKW56wqsJMAnAAGKra3LJMEbjOAiEArHjOic2DKwJHLcse
OI274161rASYtaM/+8sF9ps+k9A=
-----END CERTIFICATE-----
`;

if (!IS_FAST) describe('real sockets', liveTests);
