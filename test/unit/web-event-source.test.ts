// web-event-source.ts, as rows: its interface as Web IDL describes one, what is fired in which state
// over which answers, and what is no event at all. test/browsers/web-event-source.test.mjs compares
// it with the browsers' own.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {EventSource} from '../../web-event-source.ts';
import {
  A,
  ADDRESS,
  ASYNC,
  B,
  boom,
  encoded,
  HELD,
  NOW,
  Script,
  type Step,
  STREAM,
  stream,
  STREAMS,
  to,
} from '../support/clients.ts';
import {IS_PAGE, IS_WORKERD} from '../support/runtime.ts';
import {
  CLOSED,
  CONNECTING,
  END,
  listen,
  OPEN,
  type Source,
  TYPES,
} from '../support/web-event-source.ts';

const MOST_TURNS = 200; // for what waits for nothing

/** A source over scripted answers, the last of them 204, with the waits recorded. */
function scripted(steps: readonly Step[], options: any = {}, url: string = ADDRESS) {
  const script = new Script(ASYNC, steps);
  const {transport, sleep} = script;
  const given = {transport, sleep, random: () => 0, now: () => NOW, ...options};
  return {script, source: new EventSource(url, given)};
}

async function turns(count = 20): Promise<void> {
  for (let left = count; left > 0; left--) await turn();
}

async function closed(source: Source): Promise<void> {
  for (let left = MOST_TURNS; left > 0 && source.readyState !== CLOSED; left--) await turn();
  await turns(2);
  assert.equal(source.readyState, CLOSED);
}

// ── The interface ─────────────────────────────────────────────────────────────────────────────

/** Each own property with its flags, sorted: `name get set enumerable`. */
const propertiesOf = (object: object) =>
  Reflect.ownKeys(object)
    .map((key) => {
      const own: any = Object.getOwnPropertyDescriptor(object, key);
      const flags = ['get', 'set', 'writable', 'enumerable', 'configurable'];
      return [String(key), ...flags.filter((flag) => own[flag])].join(' ');
    })
    .sort();

const CONSTANTS = ['CLOSED enumerable', 'CONNECTING enumerable', 'OPEN enumerable'];
const descriptor = (name: string): any =>
  Object.getOwnPropertyDescriptor(EventSource.prototype, name);
const HANDLERS = ['onerror', 'onmessage', 'onopen'] as const;
const ATTRIBUTES = ['readyState', 'url', 'withCredentials'];

/** A source that is closed, for what needs none that follows. */
function idle(url = ADDRESS, options: any = {}): Source {
  const source = new EventSource(url, options);
  source.close();
  return source;
}

const made = (...args: unknown[]) => Reflect.construct(EventSource, args) as Source;

const THROWS: [rule: string, make: () => unknown, name: string][] = [
  ['without a URL', () => made(), 'TypeError'],
  ['without new', () => (EventSource as any)(ADDRESS), 'TypeError'],
  ['a symbol is no URL', () => made(Symbol('url')), 'TypeError'],
  ['a URL that throws', () => made({toString: () => assert.fail('no')}), 'AssertionError'],
  ['a host that is none', () => made('http://[/'), 'SyntaxError'],
  ['a port that is none', () => made('http://sse.test:99999/'), 'SyntaxError'],
  ['options that are a number', () => made(ADDRESS, 5), 'TypeError'],
  ['options that are a text', () => made(ADDRESS, 'withCredentials'), 'TypeError'],
  ['options that are a boolean', () => made(ADDRESS, true), 'TypeError'],
  ['arguments are converted before the URL is parsed', () => made('http://[/', 5), 'TypeError'],
  ['an option that does not exist', () => made(ADDRESS, {header: {}}), 'TypeError'],
  ['an option that is wrong', () => made(ADDRESS, {retryInterval: -1}), 'RangeError'],
  ['a transport that is none', () => made(ADDRESS, {transport: 'fetch'}), 'TypeError'],
  ['a user in the URL', () => made('http://user@sse.test/'), 'TypeError'],
  ['url cannot be set', () => Object.assign(idle(), {url: ''}), 'TypeError'],
  ['readyState cannot be set', () => Object.assign(idle(), {readyState: 0}), 'TypeError'],
  ['a constant cannot be set', () => Object.assign(idle(), {CLOSED: 3}), 'TypeError'],
  ...(IS_PAGE
    ? []
    : ([
        ['a relative URL has nothing to be relative to', () => made('events'), 'SyntaxError'],
        ['nor has an empty one', () => made(''), 'SyntaxError'],
        ['nor has undefined, as a text', () => made(undefined), 'SyntaxError'],
      ] as [string, () => unknown, string][])),
];

const URLS: [given: unknown, url: string][] = [
  ['HTTP://SSE.test:80/a/../b?c=d e#f', 'http://sse.test/b?c=d%20e#f'],
  ['http://sse.test', 'http://sse.test/'],
  ['http://sse.test/\ud800', 'http://sse.test/%EF%BF%BD'],
  [new URL('http://sse.test/a b'), 'http://sse.test/a%20b'],
  [['http://sse.test/list'], 'http://sse.test/list'],
];

const RELATIVE: [given: string, url: string][] = [
  ['', 'http://page.test/folder/page.html?query'],
  ['events', 'http://page.test/folder/events'],
  ['/events', 'http://page.test/events'],
  ['?a', 'http://page.test/folder/page.html?a'],
  ['//sse.test/', 'http://sse.test/'],
];

const CREDENTIALS: [options: unknown, is: boolean, asked: string | undefined][] = [
  [undefined, false, undefined],
  [null, false, undefined],
  [{}, false, undefined],
  [{withCredentials: undefined}, false, undefined],
  [{withCredentials: false}, false, undefined],
  [{withCredentials: true}, true, 'include'],
  [{withCredentials: 1}, true, 'include'],
  [{withCredentials: ''}, false, undefined],
  [{init: {credentials: 'omit'}}, false, 'omit'],
  [{init: {mode: 'cors'}, withCredentials: true}, true, 'include'],
];

function describeInterface(): void {
  test('the class: its name, its length, its constants', () => {
    assert.deepEqual(
      propertiesOf(EventSource).filter((line) => !/^arguments|^caller/.test(line)),
      [...CONSTANTS, 'length configurable', 'name configurable', 'prototype'],
    );
    assert.deepEqual([EventSource.name, EventSource.length], ['EventSource', 1]);
    assert.deepEqual([CONNECTING, OPEN, CLOSED], [0, 1, 2]);
    assert.equal(Object.getPrototypeOf(EventSource), EventTarget);
  });
  test('the prototype: attributes that a listing shows, and no more', () => {
    assert.deepEqual(propertiesOf(EventSource.prototype), [
      ...CONSTANTS,
      'Symbol(Symbol.toStringTag) configurable',
      'close writable enumerable configurable',
      'constructor writable configurable',
      ...HANDLERS.map((name) => `${name} get set enumerable configurable`),
      ...ATTRIBUTES.map((name) => `${name} get enumerable configurable`),
    ]);
    assert.equal(Object.getPrototypeOf(EventSource.prototype), EventTarget.prototype);
    const source = idle();
    assert.deepEqual([source.CONNECTING, source.OPEN, source.CLOSED], [0, 1, 2]);
    assert.equal(EventSource.prototype.close.length, 0);
  });
  test('an instance: an EventTarget without properties of its own', () => {
    const source = idle();
    assert.deepEqual(Object.getOwnPropertyNames(source), []);
    assert.equal(Object.prototype.toString.call(source), '[object EventSource]');
    assert.ok(source instanceof EventTarget);
    const shown = [];
    for (const name in source) if (name in EventSource.prototype) shown.push(name);
    const own = ['CLOSED', 'CONNECTING', 'OPEN', 'close', ...HANDLERS, ...ATTRIBUTES];
    assert.deepEqual(shown.filter((name) => own.includes(name)).sort(), own.sort());
  });
  test('what is no EventSource is refused by each of its members', () => {
    for (const other of [{}, new EventTarget(), EventSource.prototype]) {
      for (const name of [...HANDLERS, ...ATTRIBUTES]) {
        assert.throws(() => descriptor(name).get.call(other), TypeError, name);
      }
      for (const name of HANDLERS) {
        assert.throws(() => descriptor(name).set.call(other, null), TypeError, name);
      }
      assert.throws(() => EventSource.prototype.close.call(other as any), TypeError);
    }
  });
  for (const [rule, make, name] of THROWS) {
    test(`throws ${name}: ${rule}`, () => assert.throws(make, {name}));
  }
  test('that SyntaxError is a DOMException, and repeats no password', () => {
    assert.throws(
      () => new EventSource('http://user:secret@[/'),
      (error: any) =>
        error instanceof DOMException && error.code === 12 && !error.message.includes('secret'),
    );
  });
  for (const [given, url] of URLS) {
    test(`url of ${JSON.stringify(given)}`, () => assert.equal(idle(given as string).url, url));
  }
  for (const [given, url] of RELATIVE) {
    test(`url of '${given}' in a page`, () => {
      if (IS_PAGE) assert.equal(idle(given).url, new URL(given, location.href).href);
      else
        assert.deepEqual(
          inPage(() => idle(given).url),
          [url, url],
        );
    });
  }
  for (const [options, is, asked] of CREDENTIALS) {
    test(`withCredentials of ${JSON.stringify(options)}: ${is}`, async () => {
      const script = new Script(ASYNC, []);
      const {transport} = script;
      const given = options && {transport, ...options};
      const source = new EventSource(ADDRESS, given ?? (options as null | undefined));
      assert.equal(source.withCredentials, is);
      if (!given) return source.close();
      await closed(source);
      assert.deepEqual(
        script.sent.map(({request}) => request.credentials),
        [asked],
      );
      assert.equal(script.sent[0]!.request.mode, (options as any).init?.mode);
    });
  }
}

/** What `make` gives where there is a location, and where a document has another base than that. */
function inPage<T>(make: () => T): T[] {
  const page = 'http://page.test/folder/page.html?query';
  const globals: Record<string, object>[] = [
    {location: {href: page}},
    {location: {href: 'http://other.test/'}, document: {baseURI: page}},
  ];
  return globals.map((each) => {
    const old = Object.keys(each).map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    try {
      for (const [name, value] of Object.entries(each)) {
        Object.defineProperty(globalThis, name, {value, configurable: true});
      }
      return make();
    } finally {
      Object.keys(each).forEach((name, index) => {
        if (old[index]) Object.defineProperty(globalThis, name, old[index]);
        else Reflect.deleteProperty(globalThis, name);
      });
    }
  });
}

// ── Listeners ─────────────────────────────────────────────────────────────────────────────────

/**
 * `act` is called with the source and a maker of listeners that note their name. workerd calls
 * handlers by itself, before all listeners.
 */
const LISTENERS: [
  rule: string,
  act: (source: Source, note: Note) => void,
  calls: string[],
  inWorkerd?: string[],
][] = [
  [
    'a handler has its place among the listeners',
    (source, note) => {
      source.addEventListener('message', note('before'));
      source.onmessage = note('handler');
      source.addEventListener('message', note('after'));
    },
    ['before', 'handler', 'after'],
    ['handler', 'before', 'after'],
  ],
  [
    'another handler takes the place of the first one',
    (source, note) => {
      source.onmessage = note('first');
      source.addEventListener('message', note('listener'));
      source.onmessage = note('second');
    },
    ['second', 'listener'],
  ],
  [
    'with null the place is gone',
    (source, note) => {
      source.onmessage = note('first');
      source.addEventListener('message', note('listener'));
      source.onmessage = null;
      source.onmessage = note('second');
    },
    ['listener', 'second'],
    ['second', 'listener'],
  ],
  ['null before anything was set', (source) => void (source.onmessage = null), []],
  [
    'what is no object takes the handler away',
    (source, note) => {
      source.onmessage = note('handler');
      (source as any).onmessage = 'text';
    },
    [],
  ],
  [
    'an object that cannot be called holds the place, and is not called',
    (source, note) => {
      (source as any).onmessage = {handleEvent: note('object')};
      source.addEventListener('message', note('listener'));
      source.onmessage = note('handler');
    },
    ['handler', 'listener'],
  ],
  [
    'only such an object: nothing is called',
    (source, note) => void ((source as any).onmessage = {handleEvent: note('object')}),
    [],
  ],
  [
    'one function as handler and as listener is called as both',
    (source, note) => {
      const both = note('both');
      source.onmessage = both;
      source.addEventListener('message', both);
    },
    ['both', 'both'],
  ],
  [
    'removeEventListener does not reach a handler',
    (source, note) => {
      const handler = note('handler');
      source.onmessage = handler;
      source.removeEventListener('message', handler);
    },
    ['handler'],
  ],
  [
    'a listener that was removed, one twice, one once, an object',
    (source, note) => {
      const [gone, twice] = [note('gone'), note('twice')];
      source.addEventListener('message', gone);
      source.removeEventListener('message', gone);
      source.addEventListener('message', twice);
      source.addEventListener('message', twice);
      source.addEventListener('message', note('once'), {once: true});
      source.addEventListener('message', {handleEvent: note('object')});
    },
    ['twice', 'once', 'object'],
  ],
  [
    'a handler of another type is not called',
    (source, note) => void (source.onopen = note('open')),
    [],
  ],
  [
    'a handler set by a listener of the same event waits for the next one',
    (source, note) => {
      source.addEventListener('message', () => void (source.onmessage = note('handler')), {
        once: true,
      });
    },
    [],
  ],
];

type Note = (name: string) => (event: unknown) => void;

function describeListeners(): void {
  test('handlers are null, and hold what is an object', () => {
    const source: any = idle();
    const values = [() => {}, {}, [], 5, 'text', undefined, null, Symbol('x'), class {}];
    for (const name of HANDLERS) {
      assert.equal(source[name], null);
      for (const value of values) {
        source[name] = value;
        assert.equal(source[name], Object(value) === value ? value : null);
      }
    }
    source.onopen = source.onmessage = null;
    assert.deepEqual([source.onopen, source.onmessage, source.onerror], [null, null, values[8]]);
  });
  for (const [rule, act, calls, inWorkerd = calls] of LISTENERS) {
    test(rule, () => {
      const source = idle();
      const log: string[] = [];
      act(source, (name) => () => void log.push(name));
      source.dispatchEvent(new MessageEvent('message', {data: 'by hand'}));
      assert.deepEqual(log, IS_WORKERD ? inWorkerd : calls);
    });
  }
  test('a handler gets the event, and the source as this', () => {
    const source = idle();
    const seen: unknown[] = [];
    const note = function (this: unknown, event: unknown) {
      seen.push(this, event);
    };
    const events = [new Event('open'), new MessageEvent('message'), new Event('error')];
    Object.assign(source, {onopen: note, onmessage: note, onerror: note});
    for (const event of events) source.dispatchEvent(event);
    assert.deepEqual(
      seen.map((each, index) => each === (index % 2 ? events[(index - 1) / 2] : source)),
      Array(3).fill([!IS_WORKERD, true]).flat(),
    );
  });
  test('a subclass with methods of the same names does not stand in the way', async () => {
    class Own extends EventSource {
      override close = () => assert.fail('not called from inside');
      dispatch = () => assert.fail('nor this');
    }
    Object.defineProperty(Own.prototype, 'dispatchEvent', {value: () => assert.fail('nor this')});
    const {transport} = new Script(ASYNC, [stream(A)]);
    const source = new Own(ADDRESS, {transport, sleep: () => {}});
    const log: string[] = [];
    source.onmessage = ({data}) => void log.push(data);
    await closed(source);
    assert.deepEqual(log, ['a']);
  });
}

// ── States ────────────────────────────────────────────────────────────────────────────────────

interface Row {
  rule: string;
  steps: Step[];
  url?: string;
  options?: any;
  types?: string[];
  log: string[];
  errors?: string[]; // what the error events say; '' = over
  ids?: string[]; // the Last-Event-ID of each request; default: one without
  waits?: number[];
}

const refusal = (status: number, words = 'no') => ({status, type: 'text/plain', body: [words]});
const REFUSED = [205, 210, 299, 300, 304, 400, 401, 404, 410, 429, 500, 501, 503];
const REDIRECTS = [301, 302, 303, 307, 308];
const TAKEN = [
  STREAM,
  'TEXT/Event-Stream',
  `${STREAM};charset=utf-8`,
  `${STREAM}; charset=windows-1252`,
  `${STREAM};`,
];
const NOT_TAKEN = ['text/plain', 'text/html', `${STREAM}s`, `x ${STREAM}`, 'text', null];

const STATES: Row[] = [
  {
    rule: 'open, messages, the end, open again, 204',
    steps: [stream(A, B), stream('id: 7\n', A)],
    log: ['open 1', 'message 1 a', 'message 1 b', 'error 0', 'open 1', 'message 1 a', ...END],
    errors: ['the server ended the stream', 'the server ended the stream', ''],
    ids: ['', '', '7'],
    waits: [3000, 3000],
  },
  {rule: '204 at first: closed, and never open', steps: [], log: ['error 2'], errors: ['']},
  {
    rule: 'a network that fails is tried again',
    steps: [new TypeError('down'), new TypeError('down again'), stream(A)],
    log: ['error 0', 'error 0', 'open 1', 'message 1 a', ...END],
    errors: ['down', 'down again', 'the server ended the stream', ''],
    ids: ['', '', '', ''],
    waits: [3000, 6000, 3000],
  },
  {
    rule: 'a connection that breaks: what came before is fired, half an event is not',
    steps: [stream(A, 'id: 1\ndata: half\n', new TypeError('cut'))],
    log: ['open 1', 'message 1 a', ...END],
    errors: ['cut', ''],
    ids: ['', ''],
    waits: [3000],
  },
  {
    rule: 'retry: says how long it waits; not digits, or none, says nothing',
    steps: [stream('retry: 7\n\n'), stream('retry: 8x\n\nretry\n\n'), stream('retry: 1000\n', A)],
    log: ['open 1', 'error 0', 'open 1', 'error 0', 'open 1', 'message 1 a', ...END],
    ids: ['', '', '', ''],
    waits: [100, 200, 1000], // at least 100 between two that fail fast, then doubled
  },
  {
    rule: 'an id lasts over connections, and an empty one takes it away',
    steps: [stream('id: é\n', A), stream(A), stream('id\n', A), stream(A)],
    log: Array(4).fill(['open 1', 'message 1 a', 'error 0']).flat().concat(['error 2']),
    ids: ['', encoded('é'), encoded('é'), '', ''],
    waits: [3000, 3000, 3000, 3000],
  },
  {
    rule: 'the stream may name its types, open and error among them',
    steps: [stream('event: open\n', A, 'event: error\n', B, 'event: own\ndata\n\n')],
    types: [...TYPES, 'own'],
    log: ['open 1', 'open 1 a', 'error 1 b', 'own 1 ', ...END],
    errors: ['undefined', 'the server ended the stream', ''],
    ids: ['', ''],
    waits: [3000],
  },
  ...REFUSED.map(
    (status): Row => ({
      rule: `${status}: closed`,
      steps: [refusal(status), stream(A)],
      log: ['error 2'],
      errors: [`${ADDRESS} answered ${status}: no`],
    }),
  ),
  {
    rule: '503 after it was open: closed, too',
    steps: [stream(A), refusal(503, 'busy'), stream(B)],
    log: ['open 1', 'message 1 a', ...END],
    errors: ['the server ended the stream', `${ADDRESS} answered 503: busy`],
    ids: ['', ''],
    waits: [3000],
  },
  {
    rule: 'unless retryStatus says that it may pass',
    options: {retryStatus: [503]},
    steps: [stream(A), refusal(503, 'busy'), stream(B)],
    log: ['open 1', 'message 1 a', 'error 0', 'error 0', 'open 1', 'message 1 b', ...END],
    ids: ['', '', '', ''],
    waits: [3000, 6000, 3000],
  },
  {
    rule: 'an option that is undefined has its default',
    options: {retryStatus: undefined, onOpen: undefined, onRetry: undefined, signal: undefined},
    steps: [stream(A), refusal(503)],
    log: ['open 1', 'message 1 a', ...END],
    ids: ['', ''],
    waits: [3000],
  },
  ...TAKEN.map(
    (type): Row => ({
      rule: `opens: ${type}`,
      steps: [{type, body: [A]}],
      log: ['open 1', 'message 1 a', ...END],
      ids: ['', ''],
      waits: [3000],
    }),
  ),
  ...NOT_TAKEN.map(
    (type): Row => ({
      rule: `closed: ${type === null ? 'no content type' : type}`,
      steps: [{type, body: [A]}, stream(B)],
      log: ['error 2'],
    }),
  ),
  ...REDIRECTS.map(
    (status): Row => ({
      rule: `${status} is followed, and each connection begins at the URL`,
      steps: [to('/else', status), stream('id: 1\n', A), to('/other', status)],
      log: ['open 1', 'message 1 a', ...END],
      ids: ['', '', '1', '1'],
      waits: [3000],
    }),
  ),
  {
    rule: 'a redirect that leads nowhere: closed',
    steps: [to('http://[/')],
    log: ['error 2'],
  },
  {
    rule: 'a scheme that nobody follows: closed, and no exception',
    url: 'mailto:somebody@sse.test',
    options: {transport: undefined},
    steps: [],
    log: ['error 2'],
    errors: ['Only http: and https: are followed: mailto:somebody@sse.test'],
    ids: [],
  },
  {
    rule: 'unless a transport does',
    url: 'unix:/socket',
    steps: [stream(A)],
    log: ['open 1', 'message 1 a', ...END],
    ids: ['', ''],
    waits: [3000],
  },
  {
    rule: 'until: the last event, and closed',
    options: {until: ({data}: any) => data === 'b'},
    steps: [stream(A, B, A)],
    log: ['open 1', 'message 1 a', 'message 1 b', 'error 2'],
    errors: [''],
  },
  {
    rule: 'a POST is sent once: its end is the end',
    options: {json: {ask: 1}},
    steps: [{...stream(A), status: 201}],
    log: ['open 1', 'message 1 a', 'error 2'],
    errors: [''],
  },
  {
    rule: 'a POST that breaks: closed, and why',
    options: {json: {ask: 1}},
    steps: [stream(A, new TypeError('cut'))],
    log: ['open 1', 'message 1 a', 'error 2'],
    errors: [`SSE connection to ${ADDRESS} failed: cut`],
  },
  {
    rule: 'maxRetries sets a limit',
    options: {maxRetries: 1},
    steps: [new TypeError('down'), new TypeError('down again')],
    log: ['error 0', 'error 2'],
    errors: ['down', `SSE connection to ${ADDRESS} failed after 1 retry: down again`],
    ids: ['', ''],
    waits: [3000],
  },
  {
    rule: 'what a headers function throws ends it',
    options: {
      headers() {
        throw boom;
      },
    },
    steps: [stream(A)],
    log: ['error 2'],
    errors: [boom.message],
    ids: [],
  },
  {
    rule: 'so does what onOpen throws, after the open event',
    options: {
      onOpen() {
        throw boom;
      },
    },
    steps: [stream(A)],
    log: ['open 1', 'error 2'],
    errors: [boom.message],
  },
  {
    rule: 'what is thrown may be no error',
    options: {
      headers() {
        throw 'full';
      },
    },
    steps: [],
    log: ['error 2'],
    errors: [''],
    ids: [],
  },
];

function describeStates(): void {
  for (const {rule, steps, url, options, types, log, ...row} of STATES) {
    test(rule, async () => {
      const {script, source} = scripted(steps, options, url);
      assert.equal(source.readyState, CONNECTING);
      const errors: string[] = [];
      const lines = listen(source, types, (_, {type, message}) => {
        if (type === 'error') errors.push(String(message));
      });
      await closed(source);
      assert.deepEqual(lines, log);
      assert.deepEqual(script.lastEventIds, row.ids ?? ['']);
      assert.deepEqual(script.waits, row.waits ?? []);
      if (row.errors) assert.deepEqual(errors, row.errors);
      assert.equal(script.open, 0, 'every body is at its end or closed');
    });
  }
  test('nothing is fired before the caller had its turn, though the transport answers at once', async () => {
    const body = [A];
    const transport = () => ({status: 200, headers: {'content-type': STREAM}, body});
    const source = new EventSource(ADDRESS, {transport, sleep: () => new Promise(() => {})});
    const log = listen(source);
    assert.deepEqual(log, []);
    await turns();
    assert.deepEqual(log, ['open 1', 'message 1 a', 'error 0']);
    source.close();
  });
  test('the request: what the standard says, and the headers of the caller', async () => {
    const {script, source} = scripted([stream('id: 1\n', A)], {
      headers: ({lastEventId}: any) => ({authorization: `Bearer ${lastEventId || 'first'}`}),
    });
    await closed(source);
    const lines = script.sent.map(({method, cache, headers}) => {
      const {'cache-control': cacheControl = 'no-cache', ...others} = headers;
      return {method, cache, cacheControl, ...others};
    });
    const same = {method: 'GET', cache: 'no-store', cacheControl: 'no-cache', accept: STREAM};
    assert.deepEqual(lines, [
      {...same, authorization: 'Bearer first'},
      {...same, authorization: 'Bearer 1', 'last-event-id': '1'},
    ]);
  });
  test('the body of a POST', async () => {
    const {script, source} = scripted([stream(A)], {json: {ask: 1}});
    await closed(source);
    const {method, body, headers} = script.sent[0]!;
    assert.deepEqual(
      [method, body, headers['content-type']],
      ['POST', '{"ask":1}', 'application/json'],
    );
  });
  test('onOpen and onRetry are called, after their events', async () => {
    const log: string[] = [];
    const {source} = scripted([stream(A)], {
      onOpen: ({status}: any) => void log.push(`onOpen ${status}`),
      onRetry: ({delay, reason}: any) => void log.push(`onRetry ${delay} ${reason}`),
    });
    source.onopen = source.onerror = ({type}) => void log.push(type);
    source.onmessage = ({type}) => void log.push(type);
    await closed(source);
    const retry = 'onRetry 3000 the server ended the stream';
    assert.deepEqual(log, ['open', 'onOpen 200', 'message', 'error', retry, 'error']);
  });
  test('each is a task: what a listener waits for comes before the next one', async () => {
    const {source} = scripted([stream(A + B)]);
    const log: string[] = [];
    const note = async ({type, data = type}: any) => {
      log.push(data);
      for (let ticks = 0; ticks < 50; ticks++) await null;
      log.push(`${data} later`);
    };
    source.onopen = source.onmessage = source.onerror = note;
    await closed(source);
    const names = ['open', 'a', 'b', 'error', 'error'];
    assert.deepEqual(
      log,
      names.flatMap((name) => [name, `${name} later`]),
    );
  });
  test('what they return is waited for', async () => {
    let go = () => {};
    const {source} = scripted([stream(A)], {
      onOpen: () => new Promise<void>((resolve) => (go = resolve)),
    });
    const log = listen(source);
    await turns();
    assert.deepEqual(log, ['open 1']);
    go();
    await closed(source);
    assert.deepEqual(log, ['open 1', 'message 1 a', ...END]);
  });
}

// ── Events ────────────────────────────────────────────────────────────────────────────────────

interface Members {
  rule: string;
  steps: Step[];
  url?: string;
  origins: string[];
}

const ORIGINS: Members[] = [
  {rule: 'of the URL', steps: [stream(A)], origins: ['http://sse.test']},
  {
    rule: 'with a port that is none of the scheme',
    url: 'https://sse.test:444/a?b#c',
    steps: [stream(A)],
    origins: ['https://sse.test:444'],
  },
  {
    rule: 'of where the redirects led, for each connection',
    steps: [to('http://one.test/'), to('http://two.test/x'), stream(A), stream(B)],
    origins: ['http://two.test', 'http://sse.test'],
  },
  {
    rule: 'of where the answer says it is from',
    steps: [stream(A)],
    origins: ['http://answer.test'],
  },
];

function describeEvents(): void {
  for (const {rule, steps, url, origins} of ORIGINS) {
    test(`origin: ${rule}`, async () => {
      const script = new Script(ASYNC, steps);
      const transport = async (to: string, request: any) => {
        const answer = await script.transport(to, request);
        return origins[0] === 'http://answer.test'
          ? {...answer, url: 'http://answer.test/x'}
          : answer;
      };
      const {source} = scripted([], {transport}, url);
      const seen: string[] = [];
      source.onmessage = ({origin}) => void seen.push(origin);
      await closed(source);
      assert.deepEqual(seen, origins);
      assert.equal(source.url, url ?? ADDRESS);
    });
  }
  test('a transport that says it verifies is still one that does', () => {
    const transport = () => ({status: 204, body: null});
    const options = {transport, verify: false};
    assert.throws(() => new EventSource(ADDRESS, options), {name: 'TypeError'});
    const verifies = Object.assign(transport, {verifies: true});
    idle(ADDRESS, {...options, transport: verifies});
  });
  test('a message: its members', async () => {
    const {source} = scripted([stream('id: 7\nevent: own\ndata: a\ndata: b\n\n')]);
    const events: any[] = [];
    source.addEventListener('own', (event) => void events.push(event));
    await closed(source);
    const [event] = events;
    assert.equal(events.length, 1);
    assert.ok(event instanceof MessageEvent);
    const {type, data, origin, lastEventId, bubbles, cancelable, target} = event;
    assert.deepEqual(
      {type, data, origin, lastEventId, bubbles, cancelable},
      {
        type: 'own',
        data: 'a\nb',
        origin: 'http://sse.test',
        lastEventId: '7',
        bubbles: false,
        cancelable: false,
      },
    );
    assert.equal(target, source);
  });
  test('open and error are plain events; error says why', async () => {
    const cut = new TypeError('cut');
    const {source} = scripted([stream(A, cut)]);
    const events: any[] = [];
    for (const type of ['open', 'error']) {
      source.addEventListener(type, (event) => void events.push(event));
    }
    await closed(source);
    const members = events.map(({type, bubbles, cancelable, error, message}) => ({
      type,
      bubbles,
      cancelable,
      error,
      message,
    }));
    const plain = {bubbles: false, cancelable: false};
    assert.deepEqual(members, [
      {type: 'open', ...plain, error: undefined, message: undefined},
      {type: 'error', ...plain, error: cut, message: 'cut'},
      {type: 'error', ...plain, error: undefined, message: ''},
    ]);
    for (const event of events) assert.equal(Object.getPrototypeOf(event), Event.prototype);
  });
}

/** What a stream fires, as [type, data, lastEventId]; a text is its bytes, one code unit each. */
const FORMAT: [
  rule: string,
  text: string,
  ...events: [type: string, data: string, id?: string][],
][] = [
  ['a byte order mark at the start is none of it', '\xef\xbb\xbfdata: 1\n\n', ['message', '1']],
  [
    'two of them: the second is a part of the name',
    '\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n',
    ['message', '2'],
  ],
  [
    'one in the middle, too',
    'data: 1\n\n\xef\xbb\xbfdata: 2\n\ndata: 3\n\n',
    ['message', '1'],
    ['message', '3'],
  ],
  [
    'comments are no events',
    ':\n: data: 0\n\ndata: 1\n:\ndata: 2\n: \0\n\n:\n\n',
    ['message', '1\n2'],
  ],
  ['no blank line at the end: no event', 'data: 1\n\ndata: 2\n', ['message', '1']],
  ['nor with half a line', 'data: 1\n\nid: 3\ndata: 2', ['message', '1']],
  [
    'data alone is empty data',
    'data\n\ndata:\n\ndata: \n\n',
    ['message', ''],
    ['message', ''],
    ['message', ''],
  ],
  ['twice: a line end', 'data\ndata\n\ndata:a\ndata\n\n', ['message', '\n'], ['message', 'a\n']],
  [
    'without data: no event, and its type is forgotten',
    'event: own\n\ndata: 1\n\n',
    ['message', '1'],
  ],
  ['an empty type is message', 'event: own\nevent:\ndata: 1\n\n', ['message', '1']],
  ['the last type counts', 'event: other\nevent: own\ndata: 1\n\n', ['own', '1']],
  [
    'names are lower case, and whole',
    'DATA: 1\n data: 2\ndata : 3\ndatas: 4\n\ndata: 5\n\n',
    ['message', '5'],
  ],
  [
    'one space after the colon is left out',
    'data:  1\n\ndata:\t2\n\n',
    ['message', ' 1'],
    ['message', '\t2'],
  ],
  ['more colons are data', 'data::1: \n\n', ['message', ':1: ']],
  ['an id lasts', 'id: a\ndata: 1\n\ndata: 2\n\n', ['message', '1', 'a'], ['message', '2', 'a']],
  ['also one without data', 'id: a\n\ndata: 1\n\n', ['message', '1', 'a']],
  [
    'an empty one takes it away',
    'id: a\ndata: 1\n\nid\ndata: 2\n\n',
    ['message', '1', 'a'],
    ['message', '2'],
  ],
  [
    'with NUL it is none',
    'id: a\ndata: 1\n\nid: b\0c\ndata: 2\n\n',
    ['message', '1', 'a'],
    ['message', '2', 'a'],
  ],
  ['NUL is data', 'data: \0\n\n\0data: 2\n\n', ['message', '\0']],
  [
    'CR, LF and CRLF end lines',
    'data: 1\r\ndata: 2\rdata: 3\n\rdata: 4\r\n\r\n',
    ['message', '1\n2\n3'],
    ['message', '4'],
  ],
  [
    'other spaces end none',
    'data: a\x0b\x0cb\xc2\x85c\xe2\x80\xa8d\n\n',
    ['message', 'a\x0b\x0cb\x85c\u2028d'],
  ],
  ['UTF-8', 'data: ok \xe2\x82\xac \xf0\x9f\x98\x80\n\n', ['message', 'ok € 😀']],
  ['bytes that are none', 'data: \xff\xe2\x82\n\n', ['message', '\ufffd\ufffd']],
  ['unknown fields are none', 'data: 1\nfoo: 2\nfoo\n=\n\n', ['message', '1']],
  ['retry makes no event', 'retry: 3\n\nretry\n\nretry: x\n\ndata: 1\n\n', ['message', '1']],
];

function describeFormat(): void {
  const types = [...TYPES, 'own', 'other'];
  for (const [rule, text, ...events] of FORMAT) {
    for (const size of [text.length, 1]) {
      test(`${rule}, ${size === 1 ? 'byte by byte' : 'at once'}`, async () => {
        const bytes = Uint8Array.from(text, (unit) => unit.charCodeAt(0));
        const parts = [];
        for (let at = 0; at < bytes.length; at += size) parts.push(bytes.slice(at, at + size));
        const {source} = scripted([stream(...parts)]);
        const seen: unknown[] = [];
        listen(source, types, (_, {type, data, lastEventId}) => {
          if (data !== undefined) seen.push([type, data, lastEventId]);
        });
        await closed(source);
        assert.deepEqual(
          seen,
          events.map(([type, data, id = '']) => [type, data, id]),
        );
      });
    }
  }
}

// ── Closing ───────────────────────────────────────────────────────────────────────────────────

/** What is fired if `close()` is called at the line of that name. */
const CLOSES: [at: string, log: string[], requests: number][] = [
  ['open 1', ['open 1'], 1],
  ['message 1 a', ['open 1', 'message 1 a'], 1],
  ['message 1 b', ['open 1', 'message 1 a', 'message 1 b'], 1],
  ['error 0', ['open 1', 'message 1 a', 'message 1 b', 'error 0'], 1],
  ['error 2', ['open 1', 'message 1 a', 'message 1 b', 'error 0', 'error 2'], 2],
];

/** The ways to end it, and whether a wait that is pending tells the transport. */
const WAYS: [name: string, end: (source: Source, controller: AbortController) => void][] = [
  ['close()', (source) => source.close()],
  ['its signal', (_, controller) => controller.abort(new Error('enough'))],
];

function describeClosing(): void {
  for (const [way, end] of WAYS) {
    for (const [at, log, requests] of CLOSES) {
      test(`${way} at '${at}': at once, and nothing more`, async () => {
        const controller = new AbortController();
        const {signal} = controller;
        const {script, source} = scripted([stream(A + B)], {signal});
        const states: number[] = [];
        const lines = listen(source, TYPES, (line) => {
          if (line !== at) return;
          end(source, controller);
          states.push(source.readyState);
        });
        await turns(40);
        assert.deepEqual(lines, log);
        assert.deepEqual(states, [CLOSED]);
        assert.equal(script.sent.length, requests);
        assert.equal(script.open, 0);
      });
    }
    const PENDING: [what: string, steps: Step[], log: string[], options?: object][] = [
      ['connecting', ['silence'], []],
      ['reading', [HELD], ['open 1', 'message 1 a']],
      [
        'waiting',
        [stream(A)],
        ['open 1', 'message 1 a', 'error 0'],
        {sleep: () => new Promise(() => {})},
      ],
    ];
    for (const [what, steps, log, options] of PENDING) {
      test(`${way} while ${what}: the request is aborted, nothing is fired`, async () => {
        const controller = new AbortController();
        const {script, source} = scripted(steps, {...options, signal: controller.signal});
        const lines = listen(source);
        await turns();
        assert.notEqual(source.readyState, CLOSED);
        end(source, controller);
        assert.equal(source.readyState, CLOSED);
        await turns();
        assert.deepEqual(lines, log);
        assert.deepEqual(
          script.sent.map(({signal}) => signal.aborted),
          [true],
        );
        assert.equal(script.open, 0);
      });
    }
    test(`${way} at once: nothing is asked`, async () => {
      const controller = new AbortController();
      const {script, source} = scripted([stream(A)], {signal: controller.signal});
      const lines = listen(source);
      end(source, controller);
      await turns();
      assert.deepEqual([source.readyState, lines, script.sent.length], [CLOSED, [], 0]);
    });
  }
  test('close() gives undefined, and may be called again', async () => {
    const {source} = scripted([HELD]);
    await turns();
    assert.deepEqual([source.close(), source.close()], [undefined, undefined]);
    assert.equal(source.readyState, CLOSED);
  });
  test('other listeners of the event in which it is closed are called', async () => {
    const {source} = scripted([stream(A + B)]);
    const log: string[] = [];
    source.addEventListener('message', () => source.close());
    source.addEventListener('message', ({data}) => void log.push(data));
    await turns(40);
    assert.deepEqual(log, ['a']);
  });
  test('close() between two events of a chunk, from elsewhere', async () => {
    const {source} = scripted([stream(A + B)]);
    const log = listen(source, TYPES, (line) => {
      if (line === 'message 1 a') void Promise.resolve().then(() => source.close());
    });
    await turns(40);
    assert.deepEqual(log, ['open 1', 'message 1 a']);
  });
  test('a ReadableStream is cancelled', async () => {
    const script = new Script(STREAMS, [HELD]);
    const source = new EventSource(ADDRESS, {transport: script.transport});
    await turns();
    source.close();
    await turns();
    assert.deepEqual(script.log, ['request 1', 'close 1']);
  });
}

describe('web-event-source', () => {
  describe('the interface', describeInterface);
  describe('listeners', describeListeners);
  describe('states', describeStates);
  describe('events', describeEvents);
  describe('the format', describeFormat);
  describe('closing', describeClosing);
});
