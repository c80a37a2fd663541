import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import {after, before, describe, test} from 'node:test';
import {setImmediate as turn, setTimeout as pause} from 'node:timers/promises';
import {constants, gzipSync} from 'node:zlib';
import {
  asyncConnect,
  AsyncSSEClient,
  blockingFetch,
  connect,
  EventParser,
  EventSource,
  formatEvent,
  httpTransport,
  Reconnection,
  record,
  replay,
  SSEClient,
  SSEConnectionError,
  SSEError,
  SSEEvent,
  SSEHTTPError,
} from './sse.ts';

/** Without real sockets and the slowest products: what the mutation check runs. */
const IS_FAST = process.env['SSE_TEST'] === 'fast';
/** Without real sockets: what runs where there are none (workerd, browsers). */
const IS_PURE = process.env['SSE_TEST'] === 'pure';

// Tests are rows: the rule, its case, the input, what must come of it. One helper runs a row over
// every line end, every way to cut the stream and every form of the API, and compares whole
// arrays. Rules beginning with "#" are anchors of the specification (WHATWG HTML, "Server-sent
// events"), the others are situations of the behaviour table.

type Chunk = string | Uint8Array;

interface Fields {
  readonly event: string;
  readonly data: string;
  readonly id: string;
  readonly retry: number | undefined;
}

/** What there is to know about where a source stands. */
interface Place {
  readonly lastEventId: string;
  readonly retry: number | undefined;
}

/** An expected event. */
function e(data: string, {event = 'message', id = '', retry}: Partial<Fields> = {}): Fields {
  return {event, data, id, retry};
}

function plain({event, data, id, retry}: Fields): Fields {
  return {event, data, id, retry};
}

/** All of a source's events in one line of text: cheaper to compare than objects. */
function keyOf(events: readonly Fields[], {lastEventId, retry}: Place): string {
  const all = events.map((each) => [each.event, each.data, each.id, each.retry ?? 'none']);
  return JSON.stringify([all, lastEventId, retry ?? 'none']);
}

/** Small numbers out of a seed, the same ones in every run (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function parse(text: string, options?: ConstructorParameters<typeof EventParser>[0]): Fields[] {
  return new EventParser(options).feed(text).map(plain);
}

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

async function rejected(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

function isSSEError(error: unknown, code: string): SSEError {
  assert.ok(error instanceof SSEError, `an SSEError, got ${String(error)}`);
  assert.equal(error.code, code);
  return error;
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

function streamOf<T>(items: Iterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.iterator]();
  return new ReadableStream<T>({
    pull(controller) {
      const {done, value} = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function headersFrom(list: Readonly<Record<string, string>>) {
  return {get: (name: string) => list[name.toLowerCase()] ?? null};
}

const URL_ = 'https://a.test/stream';
const STREAM_HEADERS = {'content-type': 'text/event-stream'};

// ── 1. Errors ─────────────────────────────────────────────────────────────────────────────────

test('errors: names, codes, classes, facts', () => {
  const plainError = new SSEError('limit', 'too much', 'why');
  assert.ok(plainError instanceof Error);
  assert.deepEqual(
    [plainError.name, plainError.code, plainError.message, plainError.cause],
    ['SSEError', 'limit', 'too much', 'why'],
  );
  assert.equal('cause' in new SSEError('limit', 'too much'), false, 'no cause, no property');

  const headers = headersFrom({'retry-after': '7'});
  const http = failure(new Reconnection(URL_), (r) => r.refused(418, headers, 'short', 0));
  assert.ok(http instanceof SSEHTTPError && http instanceof SSEError && http instanceof Error);
  assert.deepEqual(
    [http.name, http.code, http.status, http.url, http.body, http.retryAfter],
    ['SSEHTTPError', 'http', 418, URL_, 'short', 7000],
  );
  assert.equal(http.headers.get('retry-after'), '7');
  assert.match(http.message, /418/);
  assert.ok(http.message.includes(URL_), http.message);
  assert.ok(String(http).startsWith('SSEHTTPError: '), String(http));

  const cause = new TypeError('fetch failed');
  const lost = failure(new Reconnection(URL_, {maxRetries: 0}), (r) => r.lost(cause));
  assert.ok(lost instanceof SSEConnectionError && lost instanceof SSEError);
  assert.deepEqual(
    [lost.name, lost.code, lost.url, lost.retries, lost.cause],
    ['SSEConnectionError', 'connection', URL_, 0, cause],
  );
  assert.ok(String(lost).startsWith('SSEConnectionError: '), String(lost));
});

function failure(
  reconnection: Reconnection,
  run: (reconnection: Reconnection) => ReturnType<Reconnection['lost']>,
): unknown {
  reconnection.begin(0);
  const decision = run(reconnection);
  assert.equal(decision.kind, 'fail');
  return decision.kind === 'fail' && decision.error;
}

test('errors: SSE connection to URL failed after N retries: CAUSE', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:9');
  const unreadable = Object.defineProperty(new Error(), 'message', {
    get: () => assert.fail('cannot be read'),
  });
  const circle = new Error('in a circle');
  circle.cause = circle;
  const rows: [name: string, cause: unknown, retries: number, words: string[]][] = [
    ['one error', new Error('boom'), 0, ['boom']],
    ['one retry', new Error('boom'), 1, ['boom']],
    ['two retries', new Error('boom'), 2, ['boom']],
    [
      'the reason is in the cause',
      new TypeError('fetch failed', {cause: refused}),
      0,
      ['fetch failed', 'connect ECONNREFUSED 127.0.0.1:9'],
    ],
    ['no message', new TypeError('', {cause: refused}), 0, ['ECONNREFUSED']],
    ['causes in a circle', circle, 0, ['in a circle']],
    ['not an error', 'just text', 0, ['just text']],
    ['null', null, 0, ['null']],
    ['what is no text', Object.create(null), 1, ['object']],
    ['what throws as text', {toString: () => assert.fail('not asked for')}, 1, ['object']],
    [
      'a message that is no text',
      Object.assign(new Error(), {message: Symbol('s')}),
      1,
      ['object'],
    ],
    ['no text below', new Error('above', {cause: unreadable}), 1, ['above']],
  ];
  for (const row of rows) hasMessage(...row);
});

test('errors: a reason without a message has its name', () => {
  hasMessage('no message', new RangeError(), 0, ['RangeError']);
});

test('errors: the reason may be in the cause of the cause', () => {
  const cause = new Error('a', {cause: new Error('b', {cause: new Error('ECONNRESET')})});
  hasMessage('three errors', cause, 3, ['a', 'b', 'ECONNRESET']);
});

function hasMessage(name: string, cause: unknown, retries: number, words: string[]): void {
  const reconnection = new Reconnection(URL_, {maxRetries: retries, random: () => 0});
  for (let n = 0; n < retries; n++) {
    reconnection.begin(n);
    assert.equal(reconnection.lost(cause).kind, 'wait', name);
  }
  const error = failure(reconnection, (r) => r.lost(cause));
  assert.ok(error instanceof SSEConnectionError, name);
  assert.equal(error.retries, retries, name);
  const wrapped = error.cause as SSEError; // onRetry and headers() get an Error in any case
  assert.ok(wrapped instanceof Error, name);
  assert.equal(cause instanceof Error ? wrapped : wrapped.cause, cause, name);
  const start = `SSE connection to ${URL_} failed after ${retries} retries: `;
  assert.equal(error.message.slice(0, start.length), start, name);
  const rest = error.message.slice(start.length);
  let at = 0;
  for (const word of words) {
    at = rest.indexOf(word, at);
    assert.ok(at >= 0, `${name}: '${word}' in order in '${rest}'`);
    at += word.length;
  }
  assert.ok(rest.length < 200, `${name}: ${rest}`);
}

// ── 2. Events ─────────────────────────────────────────────────────────────────────────────────

test('events: json()', () => {
  const rows: [data: string, value: unknown][] = [
    ['{"a":[1,"é😀",null]}', {a: [1, 'é😀', null]}],
    ['[\n1,\n2]', [1, 2]],
    ['"text"', 'text'],
    ['0', 0],
    ['null', null],
    [' true ', true],
  ];
  for (const [data, value] of rows) {
    const [event] = new EventParser().feed(formatEvent({data}));
    assert.ok(event instanceof SSEEvent);
    assert.deepEqual(event.json(), value, data);
  }
});

test('events: json() of what is not JSON', () => {
  for (const data of ['', '{"a":', 'undefined', '[DONE]', `{"secret": ${'x'.repeat(1e5)}`]) {
    const [event] = new EventParser().feed(formatEvent({data}));
    const error = isSSEError(
      caught(() => event?.json()),
      'json',
    );
    assert.ok(error.cause instanceof SyntaxError, data);
    const head = data.slice(0, 8).replaceAll('"', '');
    assert.ok(error.message.replaceAll(/\\?"/g, '').includes(head), error.message);
    assert.ok(error.message.length < 500, 'the head of the data, no dump');
  }
  const [event] = new EventParser().feed(`event: \x1b[2J${'x'.repeat(1e5)}\ndata: a\n\n`);
  const {message} = isSSEError(
    caught(() => event?.json()),
    'json',
  );
  assert.ok(message.length < 500, 'and the head of the type');
  assert.ok(!message.includes('\x1b'), 'nothing that acts on a terminal');
});

type Written = Parameters<typeof formatEvent>[0];

const FORMATTED: [name: string, fields: Written, events: Fields[], comments?: string[]][] = [
  ['data', {data: 'a'}, [e('a')]],
  ['empty data', {data: ''}, [e('')]],
  ['nothing', {}, []],
  ['lines', {data: 'a\nb'}, [e('a\nb')]],
  ['a line end last', {data: 'a\n'}, [e('a\n')]],
  ['only line ends', {data: '\n\n'}, [e('\n\n')]],
  ['CR is a line end', {data: 'a\rb'}, [e('a\nb')]],
  ['CRLF is one', {data: 'a\r\nb'}, [e('a\nb')]],
  ['LF CR is two', {data: 'a\n\rb'}, [e('a\n\nb')]],
  ['a leading space', {data: ' a'}, [e(' a')]],
  ['leading spaces in each line', {data: ' a\n  b '}, [e(' a\n  b ')]],
  ['a leading colon', {data: ':a'}, [e(':a')]],
  [
    'data that looks like fields',
    {data: 'id: 6\n\nevent: x\nretry: 1'},
    [e('id: 6\n\nevent: x\nretry: 1')],
  ],
  [
    'BOM, NUL, separators of other kinds',
    {data: '\ufeff\0\u2028\u2029\x85\v\f'},
    [e('\ufeff\0\u2028\u2029\x85\v\f')],
  ],
  ['type', {event: 'x', data: 'a'}, [e('a', {event: 'x'})]],
  ['type with spaces', {event: ' x ', data: 'a'}, [e('a', {event: ' x '})]],
  ['type message', {event: 'message', data: 'a'}, [e('a')]],
  ['empty type', {event: '', data: 'a'}, [e('a')]],
  ['NUL in the type', {event: '\0', data: 'a'}, [e('a', {event: '\0'})]],
  ['id', {id: '1', data: 'a'}, [e('a', {id: '1'})]],
  ['id with spaces and a colon', {id: ' :1 ', data: 'a'}, [e('a', {id: ' :1 '})]],
  ['id with U+2028', {id: '1\u20282', data: 'a'}, [e('a', {id: '1\u20282'})]],
  ['retry', {retry: 5, data: 'a'}, [e('a', {retry: 5})]],
  ['retry 0', {retry: 0, data: 'a'}, [e('a', {retry: 0})]],
  ['the largest retry', {retry: 2 ** 53 - 1, data: 'a'}, [e('a', {retry: 2 ** 53 - 1})]],
  [
    'all of it',
    {comment: 'c', event: 'x', id: '1', retry: 5, data: 'a\nb'},
    [e('a\nb', {event: 'x', id: '1', retry: 5})],
    ['c'],
  ],
  ['comment', {comment: 'hi'}, [], ['hi']],
  ['empty comment', {comment: ''}, [], ['']],
  [
    'comment that looks like an event',
    {comment: 'data: a\n\ndata: b\r\rdata: c', data: 'd'},
    [e('d')],
    ['data: a', '', 'data: b', '', 'data: c'],
  ],
  [
    'undefined is left out',
    {event: undefined, id: undefined, retry: undefined, data: 'a'},
    [e('a')],
  ],
];

test('formatEvent: reads back as it was meant', () => {
  for (const [name, fields, events, expected = []] of FORMATTED) {
    const comments: string[] = [];
    const wire = formatEvent(fields);
    // An event before and one after: what is written touches neither.
    const got = parse(`data: before\n\n${wire}`, {onComment: (text) => comments.push(text)});
    assert.deepEqual(got, [e('before'), ...events], name);
    assert.deepEqual(comments, expected, name);
    assert.ok(!wire.includes('\r') && /(^|\n)\n$/.test(wire), `${name}: ${JSON.stringify(wire)}`);
    assert.deepEqual(parse(wire + wire), [...events, ...events], `${name}, twice`);
  }
  const cleared = parse(formatEvent({id: '1', data: 'a'}) + formatEvent({id: '', data: 'b'}));
  assert.deepEqual(cleared, [e('a', {id: '1'}), e('b')], 'an empty id clears');
});

test('formatEvent: random fields read back, and an SSEEvent is written as it was read', () => {
  const random = randomFrom(1);
  const pieces = [
    'a',
    'b ',
    ' ',
    '  ',
    ':',
    'data: ',
    'id:',
    '\0',
    '\t',
    '\ufeff',
    'é',
    '😀',
    '\u2028',
    '\x85',
    '\v',
    '0',
    '9',
    'message',
    '\\n',
  ];
  const text = (more: string[]) => {
    const from = [...pieces, ...more];
    return Array.from({length: random(6)}, () => from[random(from.length)]).join('');
  };
  for (let n = 0; n < 500; n++) {
    const fields = {
      event: text([]),
      data: text(['\n', '\n\n']),
      id: text([]).replaceAll('\0', ''),
      retry: random(3) ? random(2 ** 31) : undefined,
      comment: text(['\n', '\r', '\r\n']),
    };
    const expected = [e(fields.data, {...fields, event: fields.event || 'message'})];
    const events = new EventParser().feed(formatEvent(fields));
    assert.deepEqual(events.map(plain), expected, JSON.stringify(fields));
    assert.deepEqual(parse(events.map(formatEvent).join('')), expected, JSON.stringify(fields));
  }
});

test('formatEvent: nothing gets out of its field', () => {
  const rows: [fields: Record<string, unknown>, type: unknown, word: string][] = [
    [{event: 'a\nb'}, TypeError, 'event'],
    [{event: 'a\rb'}, TypeError, 'event'],
    [{event: 'a\n'}, TypeError, 'event'],
    [{event: '\r\n\r\ndata: evil'}, TypeError, 'event'],
    [{id: '1\ndata: evil'}, TypeError, 'id'],
    [{id: '1\rdata: evil'}, TypeError, 'id'],
    [{id: '\r'}, TypeError, 'id'],
    [{id: '1\0'}, TypeError, 'id'],
    [{event: 5}, TypeError, 'event'],
    [{id: {}}, TypeError, 'id'],
    [{data: 5}, TypeError, 'data'],
    [{data: null}, TypeError, 'data'],
    [{data: {toString: () => 'a'}}, TypeError, 'data'],
    [{comment: 5}, TypeError, 'comment'],
    [{retry: -1}, RangeError, 'retry'],
    [{retry: 1.5}, RangeError, 'retry'],
    [{retry: NaN}, RangeError, 'retry'],
    [{retry: Infinity}, RangeError, 'retry'],
    [{retry: 2 ** 53}, RangeError, 'retry'],
    [{retry: '5\ndata: evil'}, RangeError, 'retry'],
  ];
  for (const [fields, type, word] of rows) {
    const error = caught(() => formatEvent({data: 'a', ...fields} as Written));
    const name = JSON.stringify(fields);
    // A wrong type of `retry` may be either.
    assert.ok(
      error instanceof (type as ErrorConstructor)
        || (typeof fields.retry === 'string' && error instanceof TypeError),
      `${name}: ${error}`,
    );
    assert.ok(error instanceof Error && error.message.includes(word), `${name}: ${error}`);
  }
});

// ── 3. Decoding ───────────────────────────────────────────────────────────────────────────────

/** A stream as text; or as bytes, written as Latin-1, for what no text comes to. */
type Input = string | {readonly bytes: string};

type ParserRow = readonly [
  rule: string,
  name: string,
  input: Input,
  events: readonly Fields[],
  /** Where the parser ends up, where that is not where the last event left it. */
  end?: Partial<Place>,
];

/** Takes note of one event, and of where the source stands while it is handed out. */
type Take = (event: Fields, at: Place) => void;

const FORMS: Readonly<Record<string, (chunks: readonly Chunk[], take: Take) => Place>> = {
  'feed()': (chunks, take) => {
    const parser = new EventParser();
    for (const chunk of chunks) parser.feed(chunk).forEach((event) => take(event, event2(event)));
    return parser;
  },
  'feed() with a function': (chunks, take) => {
    const parser = new EventParser();
    for (const chunk of chunks) parser.feed(chunk, (event) => take(event, parser));
    return parser;
  },
  'write() and next()': (chunks, take) => {
    const parser = new EventParser();
    for (const chunk of chunks) {
      parser.write(chunk);
      for (let event; (event = parser.next()); ) take(event, parser);
    }
    return parser;
  },
  'for … of EventSource.from(array)': (chunks, take) => {
    const source = EventSource.from(chunks);
    for (const event of source) take(event, source);
    return source;
  },
};

const CHEAPEST_ASYNC = 'for await … of EventSource.from(async iterable)';

const ASYNC_FORMS: Readonly<
  Record<string, (chunks: readonly Chunk[], take: Take) => Promise<Place>>
> = {
  'for await … of EventSource.from(array)': async (chunks, take) => {
    const source = EventSource.from(chunks);
    for await (const event of source) take(event, source);
    return source;
  },
  [CHEAPEST_ASYNC]: async (chunks, take) => {
    const source = EventSource.from(later(chunks));
    for await (const event of source) take(event, source);
    return source;
  },
  'for await … of EventSource.from(ReadableStream)': async (chunks, take) => {
    const source = EventSource.from(streamOf(chunks));
    for await (const event of source) take(event, source);
    return source;
  },
};

const LINE_FORMS: Readonly<
  Record<string, (lines: readonly string[], ends: readonly string[], take: Take) => Place>
> = {
  'feedLine()': (lines, _, take) => {
    const parser = new EventParser();
    for (const line of lines) {
      const event = parser.feedLine(line);
      if (event) take(event, parser);
    }
    return parser;
  },
  'new EventSource(lines)': (lines, _, take) => {
    const source = new EventSource(lines);
    for (const event of source) take(event, source);
    return source;
  },
  'new EventSource(lines with their ends)': (lines, ends, take) => {
    const source = new EventSource(lines.map((line, n) => line + ends[n]));
    for (const event of source) take(event, source);
    return source;
  },
};

/** An array of events has been parsed to its end: its events are each their own witness. */
function event2({id, retry}: Fields): Place {
  return {lastEventId: id, retry};
}

const ENDS = {LF: '\n', CRLF: '\r\n', CR: '\r'};

/** The row with each line end; as it is where it writes its own. */
function variantsOf(input: Input): [end: string, text: string, isText: boolean][] {
  const text = typeof input === 'string' ? input : input.bytes;
  const isText = typeof input === 'string';
  if (text.includes('\r')) return [['own ends', text, isText]];
  return Object.entries(ENDS).map(([name, end]) => [name, text.replaceAll('\n', end), isText]);
}

function bytesOf(text: string, isText: boolean): Uint8Array {
  return isText
    ? new TextEncoder().encode(text)
    : Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

/** Pieces of `size` units, with empty ones between. */
function cut<T extends Chunk>(chunk: T, size: number): T[] {
  const empty = chunk.slice(0, 0) as T;
  const pieces = [empty];
  for (let at = 0; at < chunk.length; at += size) {
    pieces.push(chunk.slice(at, at + size) as T, empty);
  }
  return pieces;
}

async function runRow([rule, name, input, events, end]: ParserRow): Promise<void> {
  const last = events.at(-1);
  const place = {lastEventId: last?.id ?? '', retry: last?.retry, ...end};
  const expected = keyOf(events, place);

  let got: Fields[] = [];
  let isBehind = true;
  const take: Take = (event, at) => {
    got.push(event);
    isBehind &&= at.lastEventId === event.id && at.retry === event.retry;
  };
  const begin = () => {
    got = [];
    isBehind = true;
    return take;
  };
  /** Compares; words are put together only where they are needed. */
  const check = (at: Place, ...where: string[]) => {
    if (isBehind && keyOf(got, at) === expected) return;
    const message = [`${name} (${rule})`, ...where].join(' | ');
    const shown = {lastEventId: at.lastEventId, retry: at.retry};
    assert.deepEqual([got.map(plain), shown], [events, place], message);
    assert.fail(`${message} | lastEventId and retry are ahead of the event handed out`);
  };

  for (const [lineEnd, text, isText] of variantsOf(input)) {
    const bytes = bytesOf(text, isText);
    const splits: [split: string, chunks: Chunk[]][] = [
      ['bytes, whole', [bytes]],
      ['bytes, one by one', cut(bytes, 1)],
    ];
    if (isText) {
      splits.push(['whole', [text]]);
      for (const size of [1, 2, 7]) splits.push([`${size} units`, cut(text, size)]);
    }
    // The mutation check runs these rows a hundred times: it has other tests of the async forms,
    // and every cut in one, byte by byte.
    for (const [split, chunks] of IS_FAST ? [] : splits) {
      for (const form in ASYNC_FORMS) {
        // Promises cost most of this file's time: many small chunks with one line end only.
        if (form !== CHEAPEST_ASYNC && chunks.length > 9 && lineEnd !== 'CRLF') continue;
        check(await ASYNC_FORMS[form]!(chunks, begin()), lineEnd, split, form);
      }
    }
    for (let at = 1; at < bytes.length && !IS_FAST; at++) {
      splits.push([`bytes, cut at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]]);
    }
    for (const [split, chunks] of splits) {
      for (const form in FORMS) check(FORMS[form]!(chunks, begin()), lineEnd, split, form);
    }
    if (!isText) continue;
    const whole: [form: string, source: EventSource & Iterable<SSEEvent>][] = [
      ['new EventSource(text)', new EventSource(text)],
      ['EventSource.from(text)', EventSource.from(text)],
      ['EventSource.from(bytes)', EventSource.from(bytes)],
    ];
    for (const [form, source] of whole) {
      begin();
      for (const event of source) take(event, source);
      check(source, lineEnd, 'whole', form);
    }
    // What follows the last line end is no line yet: it is not handed in as one.
    const lines = text.split(/\r\n|\r|\n/).slice(0, -1);
    const ends = text.match(/\r\n|\r|\n/g) ?? [];
    for (const form in LINE_FORMS) {
      check(LINE_FORMS[form]!(lines, ends, begin()), lineEnd, 'lines', form);
    }
    const source = new EventSource(later(lines));
    begin();
    for await (const event of source) take(event, source);
    check(source, lineEnd, 'lines', 'for await … of new EventSource(async iterable)');

    // An event is there as soon as the end of its blank line is, and not before.
    const parser = new EventParser();
    for (let n = 0, count = 0; n < text.length; n++) {
      count += parser.feed(text[n]!).length;
      const due = naive(text.slice(0, n + 1));
      if (count !== due.length) {
        assert.equal(count, due.length, `${name} | ${lineEnd} | events after ${n + 1} units`);
      }
    }
  }
}

/** The specification's algorithm with nothing but its steps: what the rows and noise must give. */
function naive(text: string): Fields[] {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .slice(0, -1);
  const events: Fields[] = [];
  let [data, type, idBuffer, id] = ['', '', '', ''];
  let retry: number | undefined;
  for (const line of lines) {
    if (line === '') {
      id = idBuffer;
      if (data !== '') {
        events.push({event: type || 'message', data: data.slice(0, -1), id, retry});
      }
      data = type = '';
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === 'data') data += value + '\n';
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) idBuffer = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retry = Number(value);
  }
  return events;
}

function runRows(rows: readonly ParserRow[]): void {
  const names = new Set(rows.map(([, name]) => name));
  assert.equal(names.size, rows.length, 'each row has a name of its own');
  for (const row of rows) test(`${row[1]} (${row[0]})`, () => runRow(row));
}

const BOM = '\xef\xbb\xbf';

runRows([
  ['#parsing-an-event-stream', 'a BOM at the start is dropped', '\ufeffdata: a\n\n', [e('a')]],
  [
    '#parsing-an-event-stream',
    'of two BOMs one is dropped',
    '\ufeff\ufeffdata: a\n\ndata: b\n\n',
    [e('b')],
  ],
  ['#parsing-an-event-stream', 'a BOM before a comment', '\ufeff: c\ndata: a\n\n', [e('a')]],
  ['#parsing-an-event-stream', 'a BOM before a blank line', '\ufeff\ndata: a\n\n', [e('a')]],
  ['#parsing-an-event-stream', 'nothing but a BOM', '\ufeff', []],
  [
    '#parsing-an-event-stream',
    'a BOM in the second line belongs to its field name',
    '\n\ufeffdata: a\n\ndata: b\n\n',
    [e('b')],
  ],
  [
    '#parsing-an-event-stream',
    'a BOM at the start of data is data',
    'data: \ufeffa\n\n',
    [e('\ufeffa')],
  ],
  [
    '#parsing-an-event-stream',
    'a BOM before each event: the first one only',
    '\ufeffdata: a\n\n\ufeffdata: b\n\ndata: c\ufeff\n\n',
    [e('a'), e('c\ufeff')],
  ],
  ['#parsing-an-event-stream', 'a BOM that is cut off', {bytes: '\xef\xbb'}, []],
  [
    '#parsing-an-event-stream',
    'what begins like a BOM and is none',
    {bytes: '\xef\xbbdata: a\n\ndata: b\n\n'},
    [e('b')],
  ],
  ['#parsing-an-event-stream', 'a BOM in bytes', {bytes: `${BOM}data: a\n\n`}, [e('a')]],
  [
    '#parsing-an-event-stream',
    'two BOMs in bytes',
    {bytes: `${BOM}${BOM}data: a\n\ndata: ${BOM}b\n\n`},
    [e('\ufeffb')],
  ],
  [
    '#parsing-an-event-stream',
    'UTF-8 of two, three and four bytes',
    'event: é\nid: €\ndata: 😀é€\n\n',
    [e('😀é€', {event: 'é', id: '€'})],
  ],
  ['invalid UTF-8', 'a byte that is never valid', {bytes: 'data: a\xffb\n\n'}, [e('a\ufffdb')]],
  ['invalid UTF-8', 'a continuation byte alone', {bytes: 'data: a\x80b\n\n'}, [e('a\ufffdb')]],
  ['invalid UTF-8', 'a sequence cut off by ASCII', {bytes: 'data: \xe2\x82a\n\n'}, [e('\ufffda')]],
  [
    'invalid UTF-8',
    'a sequence cut off by the line end',
    {bytes: 'data: \xf0\x9f\x98\n\n'},
    [e('\ufffd')],
  ],
  ['invalid UTF-8', 'an overlong form', {bytes: 'data: \xc0\xaf\n\n'}, [e('\ufffd\ufffd')]],
  ['invalid UTF-8', 'a surrogate', {bytes: 'data: \xed\xa0\x80\n\n'}, [e('\ufffd\ufffd\ufffd')]],
  [
    'invalid UTF-8',
    'a field name with an invalid byte',
    {bytes: '\xffdata: a\n\ndata: b\n\n'},
    [e('b')],
  ],
  [
    'invalid UTF-8',
    'an id with an invalid byte',
    {bytes: 'id: \xff\ndata: a\n\n'},
    [e('a', {id: '\ufffd'})],
  ],
  [
    'invalid UTF-8',
    'the stream ends inside a sequence',
    {bytes: 'data: a\n\ndata: \xf0\x9f'},
    [e('a')],
  ],
]);

test('decoding: a chunk that is neither text nor bytes', () => {
  for (const chunk of [5, null, undefined, {}, [100]]) {
    const parser = new EventParser();
    assert.throws(() => parser.feed(chunk as never), TypeError, String(chunk));
    assert.throws(() => [...EventSource.from([chunk as never])], TypeError, String(chunk));
  }
});

test('decoding: text after bytes that are cut off', () => {
  const chunks = [
    bytesOf('data: \xe2\x82', false),
    'a\n\n',
    bytesOf('data: \xe2', false),
    bytesOf('\x82\xac\n\n', false),
    'data: b\n\n',
  ];
  for (const form in FORMS) {
    const got: string[] = [];
    FORMS[form]!(chunks, (event) => got.push(event.data));
    assert.deepEqual(got, ['\ufffda', '€', 'b'], form);
  }
});

test('decoding: bytes of other kinds of view', () => {
  const bytes = new TextEncoder().encode('data: é\n\n');
  for (const view of [
    Buffer.from(bytes),
    bytes.subarray(0),
    bytes.slice().buffer as unknown as Uint8Array,
  ]) {
    assert.deepEqual([...EventSource.from(view)].map(plain), [e('é')]);
    assert.deepEqual(new EventParser().feed(view).map(plain), [e('é')]);
  }
  const wide = new Uint8Array(20);
  wide.set(bytes, 5);
  const part = wide.subarray(5, 5 + bytes.length);
  assert.deepEqual([...EventSource.from(part)].map(plain), [e('é')], 'a view into a longer buffer');
});

// ── 4. Parsing ────────────────────────────────────────────────────────────────────────────────

const GRAMMAR = '#parsing-an-event-stream';
const LINES = '#event-stream-interpretation';
const FIELD = '#processField';
const DISPATCH = '#dispatchMessage';
const LAST_ID = '#concept-event-stream-last-event-id';
const RETRY = '#concept-event-stream-reconnection-time';

const PARSING: readonly ParserRow[] = [
  // Ends of lines
  [GRAMMAR, 'nothing', '', []],
  [GRAMMAR, 'one event', 'data: a\n\n', [e('a')]],
  [GRAMMAR, 'two events', 'data: a\n\ndata: b\n\n', [e('a'), e('b')]],
  [
    GRAMMAR,
    'many short events',
    'data:1\n\ndata:2\n\ndata:3\n\ndata:4\n\n',
    [e('1'), e('2'), e('3'), e('4')],
  ],
  [
    GRAMMAR,
    'an LF, a CRLF and a CR in one stream',
    'data: a\rdata: b\r\ndata: c\n\r\r\ndata: d\n\n',
    [e('a\nb\nc'), e('d')],
  ],
  [GRAMMAR, 'CR CRLF: two ends', 'data: a\r\r\ndata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'CRLF CR: two ends', 'data: a\r\n\rdata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'LF CR: two ends', 'data: a\n\rdata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'CRLF LF: two ends', 'data: a\r\n\ndata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'CRLF is one end: no blank line', 'data: a\r\ndata: b\r\n\r\n', [e('a\nb')]],
  [GRAMMAR, 'the CR that ends an event ends the stream', 'data: a\r\r', [e('a')]],
  [
    GRAMMAR,
    'the CR that ends an event, then data that begins with no LF',
    'data: a\r\rdata: b\r\r',
    [e('a'), e('b')],
  ],
  [GRAMMAR, 'blank lines at the start', '\n\n\ndata: a\n\n', [e('a')]],
  [GRAMMAR, 'blank lines between events', 'data: a\n\n\n\n\ndata: b\n\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'nothing but blank lines', '\n\n\n', []],
  [
    'U+2028, U+2029, U+0085, VT, FF',
    'other separators are data',
    'data: a\u2028b\u2029c\x85d\ve\ff\x1cg\n\n',
    [e('a\u2028b\u2029c\x85d\ve\ff\x1cg')],
  ],
  [
    'U+2028, U+2029, U+0085, VT, FF',
    'other separators end no event',
    'data: a\n\u2028\ndata: b\n\x85\n\n',
    [e('a\nb')],
  ],

  // Comments and field names
  [LINES, 'a comment', ': hello\ndata: a\n\n', [e('a')]],
  [LINES, 'a comment without a space, and an empty one', ':hello\n:\ndata: a\n\n', [e('a')]],
  [LINES, 'a comment inside an event', 'data: a\n: c\ndata: b\n\n', [e('a\nb')]],
  [LINES, 'a comment that looks like a field', ':data: x\ndata: a\n\n', [e('a')]],
  [LINES, 'nothing but comments', ': a\n\n:\n\n', []],
  [LINES, 'a colon in the value', 'data: a:b: c\n\n', [e('a:b: c')]],
  [LINES, 'a value that begins with a colon', 'data::a\n\n', [e(':a')]],
  [LINES, 'a value that begins with space and colon', 'data: :a\n\n', [e(':a')]],
  [LINES, 'no space', 'data:a\n\n', [e('a')]],
  [LINES, 'two spaces: one stays', 'data:  a\n\n', [e(' a')]],
  [LINES, 'a tab is no space', 'data:\ta\n\n', [e('\ta')]],
  [LINES, 'a no-break space is no space', 'data:\xa0a\n\n', [e('\xa0a')]],
  [LINES, 'a space at the end stays', 'data: a \n\n', [e('a ')]],
  [LINES, 'one space is no value', 'data: \n\n', [e('')]],
  [LINES, 'two spaces are one', 'data:  \n\n', [e(' ')]],
  [
    LINES,
    'one space in each field',
    'event:  x\nid:  1\ndata: a\n\n',
    [e('a', {event: ' x', id: ' 1'})],
  ],
  [LINES, 'data without a colon', 'data\n\n', [e('')]],
  [LINES, 'data with nothing behind the colon', 'data:\n\n', [e('')]],
  [LINES, 'two lines of data without a colon', 'data\ndata\n\n', [e('\n')]],
  [LINES, 'event without a colon', 'event: x\nevent\ndata: a\n\n', [e('a')]],
  [
    LINES,
    'id without a colon clears',
    'id: 1\ndata: a\n\nid\ndata: b\n\n',
    [e('a', {id: '1'}), e('b')],
  ],
  [
    LINES,
    'retry without a colon is not valid',
    'retry: 5\nretry\ndata: a\n\n',
    [e('a', {retry: 5})],
  ],
  [
    FIELD,
    'field names are case-sensitive',
    'Data: x\nDATA: x\ndata: a\nEvent: x\nID: 1\nRETRY: 5\n\n',
    [e('a')],
  ],
  [FIELD, 'unknown fields', 'foo: 1\nbar\ndata: a\n: c\nbaz:\n\n', [e('a')]],
  [FIELD, 'unknown fields alone', 'foo: 1\n\n', []],
  [
    FIELD,
    'a known name with more behind it',
    'database: x\ndata-x: x\nevents: x\nidx: 1\nretry2: 5\ndataa\nids\ndata: a\n\n',
    [e('a')],
  ],
  [FIELD, 'a known name cut short', 'dat: x\nda\nevent\ni: 1\nretr: 5\ndata: a\n\n', [e('a')]],
  [
    FIELD,
    'a space before the colon belongs to the name',
    'data : x\nid : 1\ndata: a\n\n',
    [e('a')],
  ],
  [FIELD, 'a space before the name belongs to it', ' data: x\n id: 1\n\ndata: a\n\n', [e('a')]],
  [FIELD, 'a tab before the name belongs to it', '\tdata: x\ndata: a\n\n', [e('a')]],
  [FIELD, 'a space alone is no blank line', 'data: a\n \ndata: b\n\n', [e('a\nb')]],
  [FIELD, 'NUL in the field name', 'da\0ta: x\ndata\0: x\ndata: a\n\n', [e('a')]],
  [FIELD, 'the field name is the whole line', 'event\nid\nretry\ndata', [], {}],

  // Data
  [FIELD, 'data lines are joined with LF', 'data: a\ndata: b\ndata: c\n\n', [e('a\nb\nc')]],
  [FIELD, 'empty data lines count', 'data: a\ndata:\ndata: b\n\n', [e('a\n\nb')]],
  [FIELD, 'an empty first data line counts', 'data:\ndata: a\n\n', [e('\na')]],
  [FIELD, 'an empty last data line counts', 'data: a\ndata\n\n', [e('a\n')]],
  [FIELD, 'three empty data lines', 'data:\ndata\ndata: \n\n', [e('\n\n')]],
  [
    FIELD,
    'data lines around other fields',
    'data: a\nevent: x\ndata: b\nid: 1\nfoo\ndata: c\n\n',
    [e('a\nb\nc', {event: 'x', id: '1'})],
  ],
  [FIELD, 'NUL in data', 'data: a\0b\n\n', [e('a\0b')]],
  [FIELD, 'JSON data', 'data: {"a": [1, "b:c"]}\n\n', [e('{"a": [1, "b:c"]}')]],
  [FIELD, 'a long line', `data: ${'0123456789'.repeat(12)}\n\n`, [e('0123456789'.repeat(12))]],

  // Type
  [FIELD, 'a type', 'event: x\ndata: a\n\n', [e('a', {event: 'x'})]],
  [FIELD, 'a type after the data', 'data: a\nevent: x\n\n', [e('a', {event: 'x'})]],
  [FIELD, 'the last type wins', 'event: x\nevent: y\ndata: a\n\n', [e('a', {event: 'y'})]],
  [
    FIELD,
    'a type with a colon and spaces',
    'event:  x: y \ndata: a\n\n',
    [e('a', {event: ' x: y '})],
  ],
  [FIELD, 'NUL in a type', 'event: x\0\ndata: a\n\n', [e('a', {event: 'x\0'})]],
  [DISPATCH, 'an empty type is message', 'event:\ndata: a\n\n', [e('a')]],
  [DISPATCH, 'an empty type clears', 'event: x\nevent:\ndata: a\n\n', [e('a')]],
  [
    DISPATCH,
    'a type is for one event',
    'event: x\ndata: a\n\ndata: b\n\n',
    [e('a', {event: 'x'}), e('b')],
  ],
  [DISPATCH, 'a block without data resets the type', 'event: x\n\ndata: a\n\n', [e('a')]],
  [
    DISPATCH,
    'a ping without data is no event',
    'event: ping\n\nevent: ping\ndata\n\n',
    [e('', {event: 'ping'})],
  ],

  // Id
  [LAST_ID, 'an id', 'id: 1\ndata: a\n\n', [e('a', {id: '1'})]],
  [LAST_ID, 'an id after the data', 'data: a\nid: 1\n\n', [e('a', {id: '1'})]],
  [
    LAST_ID,
    'an id without a space, twice as long',
    'id:1795182046:1,[]-:\ndata: a\n\n',
    [e('a', {id: '1795182046:1,[]-:'})],
  ],
  [
    LAST_ID,
    'an id persists',
    'id: 1\ndata: a\n\ndata: b\n\nevent: x\ndata: c\n\n',
    [e('a', {id: '1'}), e('b', {id: '1'}), e('c', {id: '1', event: 'x'})],
  ],
  [LAST_ID, 'the last id of a block wins', 'id: 1\ndata: a\nid: 2\n\n', [e('a', {id: '2'})]],
  [
    LAST_ID,
    'ids of events in a row',
    'id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n',
    [e('a', {id: '1'}), e('b', {id: '2'}), e('c', {id: '3'})],
  ],
  [
    LAST_ID,
    'an empty id clears',
    'id: 1\ndata: a\n\nid:\ndata: b\n\n',
    [e('a', {id: '1'}), e('b')],
  ],
  [
    LAST_ID,
    'an id without data counts at the blank line',
    'data: a\n\nid: 1\n\n',
    [e('a')],
    {lastEventId: '1'},
  ],
  [LAST_ID, "an id without data is the next event's", 'id: 1\n\ndata: a\n\n', [e('a', {id: '1'})]],
  [
    LAST_ID,
    'an empty id without data clears',
    'id: 1\ndata: a\n\nid\n\n',
    [e('a', {id: '1'})],
    {lastEventId: ''},
  ],
  [
    'stream ends inside a block',
    'the id of an unfinished block does not count',
    'id: 1\ndata: a\n\nid: 2\ndata: b\n',
    [e('a', {id: '1'})],
  ],
  ['stream ends inside a block', 'an id and no blank line', 'id: 1\n', []],
  ['stream ends inside a block', 'an id and no line end', 'data: a\n\nid: 1', [e('a')]],
  ['stream ends inside a block', 'data without a blank line', 'data: a\n\ndata: b\n', [e('a')]],
  ['stream ends inside a block', 'data without a line end', 'data: a\n\ndata: b', [e('a')]],
  [
    FIELD,
    'an id with NUL is ignored',
    'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: \0\ndata: c\n\n',
    [e('a', {id: '1'}), e('b', {id: '1'}), e('c', {id: '1'})],
  ],
  [
    FIELD,
    'an id with NUL leaves the one before it in the block',
    'id: 2\nid: \x003\ndata: a\n\n',
    [e('a', {id: '2'})],
  ],
  [FIELD, 'an id that is not ASCII', 'id: é€😀\ndata: a\n\n', [e('a', {id: 'é€😀'})]],
  [FIELD, 'a long id', `id: ${'xyz'.repeat(9)}\ndata: a\n\n`, [e('a', {id: 'xyz'.repeat(9)})]],

  // Retry
  [RETRY, 'a retry', 'retry: 5\ndata: a\n\n', [e('a', {retry: 5})]],
  [RETRY, 'a retry after the data', 'data: a\nretry: 5\n\n', [e('a', {retry: 5})]],
  [
    RETRY,
    'a retry persists',
    'retry: 5\ndata: a\n\ndata: b\n\nretry: 6\ndata: c\n\n',
    [e('a', {retry: 5}), e('b', {retry: 5}), e('c', {retry: 6})],
  ],
  [
    RETRY,
    'a retry counts at once, before any blank line',
    'data: a\n\nretry: 5\n',
    [e('a')],
    {retry: 5},
  ],
  [
    RETRY,
    'a retry counts though its block has no data',
    'retry: 5\n\ndata: a\n\n',
    [e('a', {retry: 5})],
  ],
  [RETRY, 'a retry needs its line end', 'retry: 5\nretry: 67', [], {retry: 5}],
  [RETRY, 'the last retry wins', 'retry: 5\nretry: 6\ndata: a\n\n', [e('a', {retry: 6})]],
  [RETRY, 'a retry of 0', 'retry: 0\ndata: a\n\n', [e('a', {retry: 0})]],
  [RETRY, 'leading zeros are decimal', 'retry: 0010\ndata: a\n\n', [e('a', {retry: 10})]],
  [
    RETRY,
    'a retry longer than any timer',
    'retry: 99999999999\ndata: a\n\n',
    [e('a', {retry: 99999999999})],
  ],
  ...[
    '',
    ' ',
    '-1',
    '+5',
    '1.5',
    '1e3',
    '0x10',
    ' 5',
    '5 ',
    '5ms',
    'abc',
    '٣',
    '５',
    '5\0',
    '1_000',
    'Infinity',
    'NaN',
  ].map(
    (value): ParserRow => [
      RETRY,
      `not a valid retry: ${JSON.stringify(value)}`,
      `retry: 7\nretry: ${value}\ndata: a\n\n`,
      [e('a', {retry: 7})],
    ],
  ),

  // What servers send
  ['LLM stream', 'sentinel', 'data: {"x":1}\n\ndata: [DONE]\n\n', [e('{"x":1}'), e('[DONE]')]],
  [
    'heartbeats',
    'comments between events keep id and retry',
    'retry: 5\nid: 1\ndata: a\n\n:\n\n: ping\n\ndata: b\n\n',
    [e('a', {id: '1', retry: 5}), e('b', {id: '1', retry: 5})],
  ],
  [
    '#event-stream-interpretation',
    'the first example of the specification',
    'data: YHOO\ndata: +2\ndata: 10\n\n',
    [e('YHOO\n+2\n10')],
  ],
  [
    '#event-stream-interpretation',
    'the second example of the specification',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n',
    [e('first event', {id: '1'}), e('second event')],
  ],
  [
    '#event-stream-interpretation',
    'the third example of the specification',
    'data\n\ndata\ndata\n\ndata:',
    [e(''), e('\n')],
  ],
  [
    '#event-stream-interpretation',
    'the fourth example of the specification',
    'data:test\n\ndata: test\n\n',
    [e('test'), e('test')],
  ],
];

runRows(PARSING);

test("parsing: the rows hold for the specification's algorithm as well", () => {
  for (const [, name, input, events] of PARSING) {
    if (typeof input === 'string') assert.deepEqual(naive(input), events, name);
  }
});

test('parsing: a retry of hundreds of digits stays a number', () => {
  const parser = new EventParser();
  const [event] = parser.feed(`retry: ${'9'.repeat(400)}\ndata: a\n\n`);
  assert.ok(typeof event?.retry === 'number' && event.retry >= 2 ** 53 - 1);
  assert.deepEqual(parse(formatEvent(event)), [plain(event)], 'and can be written again');
  assert.equal(parser.retry, event.retry);
});

test("parsing: noise, against the specification's algorithm", () => {
  const random = randomFrom(7);
  const pieces = [
    'data',
    'data:',
    'data: ',
    'event: ',
    'event',
    'id: ',
    'id',
    'retry: ',
    ':',
    ' ',
    'a',
    'b',
    '1',
    '23',
    '\0',
    '\ufeff',
    'é',
    '😀',
    '\u2028',
    '\n',
    '\n',
    '\n\n',
    '\n\n',
    '\r',
    '\r\r',
    '\r\n',
    '\r\n',
    '\r\n\r\n',
    '\n\r',
    '\x85',
    'dat',
    'x: y',
    '\ndata: ',
    '\rdata:',
    '\r\ndata\n\n',
  ];
  let count = 0;
  for (let n = 0; n < 1000; n++) {
    const parts = Array.from({length: 3 + random(30)}, () => pieces[random(pieces.length)]);
    const text = parts.join('');
    const expected = naive(text);
    count += expected.length;
    const input = random(2) ? text : new TextEncoder().encode(text);
    const chunks: Chunk[] = [];
    for (let at = 0; at < input.length; ) {
      const size = random(9);
      chunks.push(input.slice(at, (at += size)));
    }
    for (const form in FORMS) {
      const got: Fields[] = [];
      FORMS[form]!(chunks, (event) => got.push(plain(event)));
      const place = {lastEventId: '', retry: 0};
      if (keyOf(got, place) !== keyOf(expected, place)) {
        assert.deepEqual(got, expected, JSON.stringify([form, chunks.map(String)]));
      }
    }
  }
  assert.ok(count > 500, `events in the noise: ${count}`);
});

test('parsing: events of thousands of lines, lines of thousands of pieces', () => {
  for (const count of [1023, 1024, 1025, 2500]) {
    const lines = Array.from({length: count}, (_, n) => (n % 7 ? `line ${n}` : ''));
    const text = lines.map((line) => `data: ${line}\n`).join('') + '\n';
    const expected = [e(lines.join('\n')), e(lines.join('\n')), e('b')];
    const twice = text + text + 'data: b\n\n';
    for (const size of [9, 1000, twice.length]) {
      const parser = new EventParser();
      const got = cut(twice, size)
        .flatMap((chunk) => parser.feed(chunk))
        .map(plain);
      assert.ok(
        keyOf(got, parser) === keyOf(expected, {lastEventId: '', retry: undefined}),
        `${count} lines, ${size} units at a time`,
      );
    }
    const long = 'data: ' + 'x'.repeat(count) + '\ndata: y\n\ndata: z\n\n';
    const parser = new EventParser();
    const got = cut(long, 1)
      .flatMap((chunk) => parser.feed(chunk))
      .map(plain);
    assert.deepEqual(got, [e('x'.repeat(count) + '\ny'), e('z')], `${count} pieces`);
  }
});

test('parsing: a stream that goes on where another ended', () => {
  const options = {lastEventId: '7'};
  const rows: [name: string, text: string, events: Fields[], lastEventId: string][] = [
    ['events carry the id they began with', 'data: a\n\n', [e('a', {id: '7'})], '7'],
    [
      'a new id replaces it',
      'data: a\n\nid: 8\ndata: b\n\n',
      [e('a', {id: '7'}), e('b', {id: '8'})],
      '8',
    ],
    ['an empty id clears it', 'id\ndata: a\n\n', [e('a')], ''],
    ['a blank line does not', '\n\n', [], '7'],
  ];
  for (const [name, text, events, lastEventId] of rows) {
    const parser = new EventParser(options);
    assert.equal(parser.lastEventId, '7', name);
    assert.deepEqual(parser.feed(text).map(plain), events, name);
    assert.equal(parser.lastEventId, lastEventId, name);
    const source = new EventSource(text, options);
    assert.equal(source.lastEventId, '7', name);
    assert.deepEqual([...source].map(plain), events, name);
    assert.equal(source.lastEventId, lastEventId, name);
  }
});

test('parsing: an event ended by CR is there at once, and a LF that comes later is its own', () => {
  const chunks: [chunk: string, data: string[]][] = [
    ['data: a\r', []],
    ['\r', ['a']],
    ['\ndata: b\r\n\r', ['b']],
    ['\n', []],
    ['', []],
    ['data: c\r\r', ['c']],
    ['', []],
    ['\n\n', []],
    ['data: d\r', []],
    ['', []],
    ['\n', []],
    ['\r', ['d']],
    ['data: e\r', []],
    ['data: f\r\r', ['e\nf']],
  ];
  const parser = new EventParser();
  for (const [chunk, data] of chunks) {
    const got = parser.feed(chunk).map((event) => event.data);
    assert.deepEqual(got, data, JSON.stringify(chunk));
  }
});

test('parsing: feedLine() takes one line', () => {
  const parser = new EventParser();
  assert.equal(parser.feedLine('id: 1'), undefined);
  assert.equal(parser.feedLine('data: a'), undefined);
  assert.equal(parser.lastEventId, '', 'no blank line yet');
  const event = parser.feedLine('');
  assert.ok(event instanceof SSEEvent);
  assert.deepEqual(plain(event), e('a', {id: '1'}));
  assert.equal(parser.feedLine(''), undefined);
  for (const line of ['a\nb', 'a\rb', 'data: a\n\ndata: b\n\n', '\n\n', '\r\r', '\n\r']) {
    assert.throws(() => new EventParser().feedLine(line), TypeError, JSON.stringify(line));
  }
  for (const line of [5, null, undefined, new Uint8Array(1)]) {
    assert.throws(() => new EventParser().feedLine(line as never), TypeError, String(line));
  }
});

test('parsing: comments go to onComment, less the colon and one space', () => {
  const text = ':a\n: b\n:  c\n:\n: \n::d\ndata: x\n:e: f\n\n:g\nh: :i\n: é\n';
  const expected = ['a', 'b', ' c', '', '', ':d', 'e: f', 'g', 'é'];
  for (const [end, input] of variantsOf(text)) {
    for (const chunks of [[input], cut(input, 1), cut(bytesOf(input, true), 1)]) {
      for (const form of ['feed', 'source']) {
        const comments: string[] = [];
        const options = {onComment: (comment: string) => comments.push(comment)};
        if (form === 'source') assert.equal([...EventSource.from(chunks, options)].length, 1);
        else {
          const parser = new EventParser(options);
          assert.equal(chunks.flatMap((chunk) => parser.feed(chunk)).length, 1);
        }
        assert.deepEqual(comments, expected, `${end}, ${chunks.length} chunks, ${form}`);
      }
    }
  }
});

test('parsing: comments come in the order of the stream', () => {
  const got: string[] = [];
  const source = new EventSource(': 1\ndata: 2\n\n: 3\ndata: 4\n\n', {
    onComment: (text) => got.push(text),
  });
  for (const event of source) got.push(event.data);
  assert.deepEqual(got, ['1', '2', '3', '4']);
});

test('parsing: onComment that throws loses no event', () => {
  const text = ': 1\ndata: a\n\n: 2\ndata: b\n: 3\ndata: c\n\ndata: d\n\n: 4\n';
  const expected = ['a', 'b\nc', 'd'];
  const forms: Record<
    string,
    (p: EventParser, chunk: string, take: (e: SSEEvent) => void) => void
  > = {
    array: (parser, chunk, take) => parser.feed(chunk).forEach(take),
    function: (parser, chunk, take) => parser.feed(chunk, take),
    pull: (parser, chunk, take) => {
      parser.write(chunk);
      for (let event; (event = parser.next()); ) take(event);
    },
  };
  for (const size of [text.length, 1, 2, 7, 20]) {
    for (const form in forms) {
      const errors: unknown[] = [];
      const thrown: Error[] = [];
      const parser = new EventParser({
        onComment: (comment) => {
          thrown.push(new Error(comment));
          throw thrown.at(-1);
        },
      });
      const got: string[] = [];
      const chunks = Array.from({length: Math.ceil(text.length / size)}, (_, n) =>
        text.slice(n * size, n * size + size),
      );
      // Nothing more comes, but what is left must still get out.
      for (const chunk of [...chunks, ...Array<string>(9).fill('')]) {
        try {
          forms[form]!(parser, chunk, (event) => got.push(event.data));
        } catch (error) {
          errors.push(error);
        }
      }
      assert.deepEqual(got, expected, `${form}, ${size} units at a time`);
      const messages = thrown.map((error) => error.message);
      assert.deepEqual(messages, ['1', '2', '3', '4'], `${form}, ${size}`);
      assert.ok(
        errors.length === 4 && errors.every((error, n) => error === thrown[n]),
        `${form}, ${size}: each error once, in order`,
      );
    }
  }
  const got: string[] = [];
  const boom = new Error('boom');
  const source = new EventSource('data: a\n\n: c\ndata: b\n\n', {
    onComment: () => {
      throw boom;
    },
  });
  assert.equal(
    caught(() => {
      for (const event of source) got.push(event.data);
    }),
    boom,
  );
  assert.deepEqual(got, ['a'], 'what came before is handed out');
});

test('parsing: a function that throws at an event loses none of the others', () => {
  const parser = new EventParser();
  const boom = new Error('boom');
  const got: string[] = [];
  const take = (event: SSEEvent) => {
    got.push(event.data);
    if (event.data === 'a') throw boom;
  };
  assert.equal(
    caught(() => parser.feed('data: a\n\ndata: b\n\ndata: c', take)),
    boom,
  );
  parser.feed('\n\n', take);
  assert.deepEqual(got, ['a', 'b', 'c']);
});

// maxEventSize

type Verdict = {events: Fields[]; isOver: boolean};

const LIMIT_FORMS: Record<string, (chunks: Chunk[], maxEventSize: number) => Verdict> = {
  'feed()': (chunks, maxEventSize) => {
    const parser = new EventParser({maxEventSize});
    const events: Fields[] = [];
    try {
      // The error of a call that had events to return comes with the call after it.
      for (const chunk of [...chunks, '']) events.push(...parser.feed(chunk).map(plain));
    } catch (error) {
      isSSEError(error, 'limit');
      assert.throws(() => parser.feed(''), {code: 'limit'});
      assert.throws(() => parser.feed('\n\ndata: z\n\n'), {code: 'limit'});
      assert.throws(() => parser.feedLine(''), {code: 'limit'});
      return {events, isOver: true};
    }
    return {events, isOver: false};
  },
  'feed() with a function': (chunks, maxEventSize) => {
    const parser = new EventParser({maxEventSize});
    const events: Fields[] = [];
    const take = (event: SSEEvent) => events.push(plain(event));
    try {
      for (const chunk of chunks) parser.feed(chunk, take);
    } catch (error) {
      isSSEError(error, 'limit');
      const count = events.length;
      assert.throws(() => parser.feed('\n\ndata: z\n\n', take), {code: 'limit'});
      assert.equal(events.length, count);
      return {events, isOver: true};
    }
    return {events, isOver: false};
  },
  'write() and next()': (chunks, maxEventSize) => {
    const parser = new EventParser({maxEventSize});
    const events: Fields[] = [];
    try {
      for (const chunk of chunks) {
        parser.write(chunk);
        for (let event; (event = parser.next()); ) events.push(plain(event));
      }
    } catch (error) {
      isSSEError(error, 'limit');
      const again = () => {
        parser.write('\n\ndata: z\n\n');
        parser.next();
      };
      assert.throws(again, {code: 'limit'});
      assert.throws(again, {code: 'limit'});
      return {events, isOver: true};
    }
    return {events, isOver: false};
  },
  EventSource: (chunks, maxEventSize) => {
    const events: Fields[] = [];
    try {
      for (const event of EventSource.from(chunks, {maxEventSize})) events.push(plain(event));
    } catch (error) {
      isSSEError(error, 'limit');
      return {events, isOver: true};
    }
    return {events, isOver: false};
  },
};

const LIMIT = 40;
const x = (count: number) => 'x'.repeat(count);

/** Cases well within and well above a limit of 40 units; what lies between is tried below. */
const LIMITS: [name: string, input: string, events: Fields[], isOver: boolean][] = [
  ['data below', `data:${x(30)}\n\ndata: b\n\n`, [e(x(30)), e('b')], false],
  ['each of many events below', `data:${x(30)}\n\n`.repeat(9), Array(9).fill(e(x(30))), false],
  ['data above', `data: a\n\ndata:${x(41)}\n\ndata: b\n\n`, [e('a')], true],
  ['data above, no end of line', `data: a\n\ndata:${x(41)}`, [e('a')], true],
  ['data far above', `data: a\n\ndata:${x(400)}\n\n`, [e('a')], true],
  ['data lines above together', `data: a\n\n${`data:${x(9)}\n`.repeat(5)}\n`, [e('a')], true],
  [
    'data lines below together',
    `${`data:${x(5)}\n`.repeat(4)}\ndata: b\n\n`,
    [e([x(5), x(5), x(5), x(5)].join('\n')), e('b')],
    false,
  ],
  ['empty data lines above together', `data: a\n\n${'data\n'.repeat(60)}\n`, [e('a')], true],
  ['a type above', `data: a\n\nevent:${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['an id above', `data: a\n\nid:${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['a comment above', `data: a\n\n:${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['an unknown field above', `data: a\n\n${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['an unfinished line on top of data', `data: a\n\ndata:${x(25)}\n${x(25)}`, [e('a')], true],
  ['many comments', `${`:${x(9)}\n`.repeat(30)}data: a\n\n`, [e('a')], false],
  ['many comments behind data', `data: a\n${`:${x(9)}\n`.repeat(30)}\n`, [e('a')], false],
  [
    'many ids and types',
    `${'id: 1\nevent: x\n'.repeat(30)}data: a\n\n`,
    [e('a', {event: 'x', id: '1'})],
    false,
  ],
  ['many unknown fields', `${'foo: bar\n'.repeat(30)}data: a\n\n`, [e('a')], false],
  ['blank lines', `${'\n'.repeat(100)}data: a\n\n`, [e('a')], false],
];

test('maxEventSize: one verdict, however the stream is cut, after the events before', () => {
  for (const [name, input, events, isOver] of LIMITS) {
    for (const [end, text] of variantsOf(input)) {
      for (const chunks of [
        [text],
        ...[1, 2, 7, 30].map((size) => cut(text, size)),
        cut(bytesOf(text, true), 1),
      ]) {
        for (const form in LIMIT_FORMS) {
          const got = LIMIT_FORMS[form]!(chunks, LIMIT);
          const where = `${name} | ${end} | ${chunks.length} chunks | ${form}`;
          assert.deepEqual(got, {events, isOver}, where);
        }
      }
    }
  }
});

test('maxEventSize: near the limit, too, the verdict does not depend on the cuts', () => {
  const shapes = [
    (n: number) => `data: ${x(n)}\n\n`,
    (n: number) => `data: ${x(n)}`,
    (n: number) => `data: abc\ndata: ${x(n)}\n\n`,
    (n: number) => `data: ${x(n)}\n: abc\nid: 1\nevent: x\nfoo\n\n`,
    (n: number) => `: ${x(n)}\n`,
    (n: number) => `data\n`.repeat(n) + '\n',
    (n: number) => `\ufeffdata: ${x(n)}\n\n`,
  ];
  for (const [shape, textOf] of shapes.entries()) {
    let wasOver = false;
    for (let n = LIMIT / 4; n <= 1.2 * LIMIT; n++) {
      for (const [end, text] of variantsOf(textOf(n))) {
        const verdicts = [[text], cut(text, 1), cut(text, 7)].flatMap((chunks) =>
          Object.values(LIMIT_FORMS).map((form) => form(chunks, LIMIT).isOver),
        );
        const [first = false] = verdicts;
        assert.ok(
          verdicts.every((isOver) => isOver === first),
          `shape ${shape}, ${n}, ${end}`,
        );
        assert.ok(first || !wasOver, `shape ${shape}, ${n}, ${end}: more is not less`);
        if (end === 'CR') wasOver = first;
      }
    }
    assert.ok(wasOver, `shape ${shape}: ${1.2 * LIMIT} are too many`);
  }
});

test('maxEventSize: what is kept of an endless stream is bounded', () => {
  const limit = 1000;
  const accepted = (chunk: string, most: number) => {
    const parser = new EventParser({maxEventSize: limit});
    let units = 0;
    try {
      for (; units < most; units += chunk.length) parser.feed(chunk);
    } catch (error) {
      isSSEError(error, 'limit');
    }
    return units;
  };
  const rows: [name: string, chunk: string, from: number, to: number][] = [
    ['a line without end, unit by unit', 'x', limit - 10, limit],
    ['a line without end', x(100), limit - 100, limit],
    ['a comment without end', ':' + x(99), limit - 100, limit],
    ['data lines without end', `data:${x(95)}\n`, limit - 200, limit * 1.1],
    ['empty data lines without end', 'data\n', limit, 5 * limit + 10],
    ['the line in one chunk', x(10 * limit), 0, 0],
    ['the data lines in one chunk', `data:${x(95)}\n`.repeat(100), 0, 0],
    ['comments for ever', `:${x(99)}\n`, 100 * limit, 101 * limit],
    ['ids for ever', `id:${x(97)}\n`, 100 * limit, 101 * limit],
    ['types for ever', `event:${x(90)}\n`, 100 * limit, 101 * limit],
    ['events for ever', `data:${x(90)}\n\n`, 100 * limit, 101 * limit],
  ];
  for (const [name, chunk, from, to] of rows) {
    const units = accepted(chunk, 100 * limit);
    assert.ok(units >= from && units <= to, `${name}: ${units} units`);
  }
});

test('maxEventSize: the array form returns whole events first and throws at the next call', () => {
  const parser = new EventParser({maxEventSize: 20});
  assert.deepEqual(parser.feed(`data: a\n\ndata: b\n\n${x(100)}`).map(plain), [e('a'), e('b')]);
  assert.throws(() => parser.feed('data: c\n\n'), {code: 'limit', name: 'SSEError'});
  assert.throws(() => parser.feed('\n\ndata: d\n\n'), {code: 'limit'});
  assert.throws(() => new EventParser({maxEventSize: 20}).feed(x(100)), {code: 'limit'});
});

test('maxEventSize: the message says how much, which limit and what to do', () => {
  const {message} = isSSEError(
    caught(() => new EventParser({maxEventSize: 2000}).feed(x(3000))),
    'limit',
  );
  assert.match(message, /2[,_ ]?000/);
  assert.match(message, /maxEventSize/);
  assert.ok(message.length < 300, 'no dump');
});

test('maxEventSize: 64 Mi unless told, Infinity is none, what is no size is refused', () => {
  const chunk = x(2 ** 20);
  const parser = new EventParser();
  for (let n = 0; n < 64; n++) parser.write(chunk), parser.next();
  assert.throws(
    () => {
      parser.write('x');
      parser.next();
    },
    {code: 'limit'},
  );
  const endless = new EventParser({maxEventSize: Infinity});
  for (let n = 0; n < 70; n++) endless.write(chunk), endless.next();
  for (const maxEventSize of [0, -1, NaN, '5x']) {
    const options = {maxEventSize: maxEventSize as number};
    for (const make of [() => new EventParser(options), () => new EventSource('', options)]) {
      const error = caught(make);
      assert.ok(error instanceof RangeError || error instanceof TypeError, String(maxEventSize));
      assert.match(error.message, /maxEventSize/);
    }
  }
});

test('maxEventSize: exactly that much is taken, one unit more is not', () => {
  const rows: [text: string, size: number][] = [
    ['data: x\n\n', 7],
    ['data: x\r\n\r\n', 7],
    [':123456789\ndata: x\n\n', 10],
    ['data: 12345\ndata: x\n\n', 12],
    ['data: 1\ndata: 2\ndata: x\n\n', 10],
  ];
  for (const [text, size] of rows) {
    for (const cuts of [1, 3, text.length]) {
      const read = (maxEventSize: number) => {
        const parser = new EventParser({maxEventSize});
        return cut(text, cuts).flatMap((chunk) => parser.feed(chunk)).length;
      };
      assert.equal(read(size), 1, `${JSON.stringify(text)} in ${cuts}`);
      isSSEError(
        caught(() => read(size - 1)),
        'limit',
      );
    }
  }
});

test('large chunks: windows, texts that are not ASCII, much data, in order and whole', () => {
  const long = (unit: string, count: number) => unit.repeat(count);
  const events = [
    ...Array.from({length: 700}, (_, n) => e(`${n} ${x(n % 211)}`, {id: `${n}`})),
    e(long('wide: \u65e5\u672c\u8a9e \u{1f382} ', 3000), {id: 'w'}),
    ...Array.from({length: 300}, (_, n) => e(`\u00e9${x(n % 97)}\u{1f382}`, {id: `m${n}`})),
    e(long('line\n', 9000) + 'end', {id: 'l'}), // more than is left to the engine in parts
    e(long('a longer line of data\n', 2000), {id: 'm'}),
    e(long('\n', 35_000), {id: 'n'}),
    ...Array.from({length: 200}, (_, n) => e(x(n), {id: `a${n}`})),
  ];
  const text = events.map(({data, id}) => formatEvent({data, id})).join('');
  for (const [end, ended] of [
    ['LF', text],
    ['CRLF', text.replaceAll('\n', '\r\n')],
    ['CR', text.replaceAll('\n', '\r')],
  ] as const) {
    const bytes = bytesOfText(ended);
    for (const size of end === 'LF' ? [16, 1400, 65_537, Infinity] : [1400, Infinity]) {
      for (const whole of size < 2000 ? [bytes] : [ended, bytes]) {
        const parser = new EventParser();
        const got = cut<Chunk>(whole, Math.min(size, whole.length)).flatMap((chunk) =>
          parser.feed(chunk),
        );
        assert.deepEqual(got.map(plain), events, `${end}, ${typeof whole} in ${size}`);
      }
    }
    assert.deepEqual([...new EventSource(ended)].map(plain), events, end);
    assert.deepEqual([...new EventSource(ended.split(/\r\n|\r|\n/))].map(plain), events, end);
  }
});

test('small chunks and large ones in turn stay in order', () => {
  const text = 'data: one\n\n' + `data: ${x(500)}\n\n` + 'data: \u65e5\u672c\n\n';
  const bytes = bytesOfText(text);
  for (let at = 1; at < 15; at++) {
    for (const [head, ...sizes] of [
      [at, 1, 300, 1, 1, 100],
      [at, 100, 2, 200, 3, 3],
    ]) {
      const parser = new EventParser();
      const got: Fields[] = [];
      let from = 0;
      for (const size of [head ?? 0, ...sizes, bytes.length]) {
        got.push(...parser.feed(bytes.subarray(from, (from += size))).map(plain));
      }
      assert.deepEqual(got, [e('one'), e(x(500)), e('\u65e5\u672c')], `${at}`);
    }
  }
});

test('bytes and text in turn: what bytes left open is finished first', () => {
  const parser = new EventParser();
  assert.deepEqual(parser.feed(bytesOfText('data: \u65e5').subarray(0, 8)), []);
  assert.deepEqual(parser.feed('x\n\n').map(plain), [e('\ufffdx')]);
  assert.deepEqual(parser.feed(bytesOfText('data: é').subarray(0, 7)), []);
  assert.deepEqual(parser.feed(''), [], 'no text is no end');
  assert.deepEqual(parser.feed(bytesOfText('é\n\n').subarray(1)).map(plain), [e('é')]);
  assert.deepEqual(parser.feed(bytesOfText('dat')), []);
  assert.deepEqual(parser.feed('a: y\n\n').map(plain), [e('y')]);
});

test('callbacks that feed, or throw in the middle of a large chunk: nothing is lost or twice', () => {
  const texts = ['data: 1\n\ndata: 2\n\nda', 'ta: 3\n\ndata: 4\n\n'];
  const parser = new EventParser();
  const got: string[] = [];
  parser.feed(texts[0] ?? '', ({data}) => {
    got.push(data);
    if (data === '1') parser.feed(texts[1] ?? '', (event) => void got.push(event.data));
  });
  assert.deepEqual(got, ['1', '2', '3', '4']);

  const many = Array.from({length: 30_000}, (_, n) => `${n}`);
  const bytes = bytesOfText(many.map((data) => formatEvent({data})).join(''));
  const seen: string[] = [];
  const careful = new EventParser();
  const take = ({data}: SSEEvent) => {
    seen.push(data);
    if (data.endsWith('999')) throw new Error(data);
  };
  let failures = 0;
  for (let chunk: Chunk | undefined = bytes; chunk !== undefined; ) {
    try {
      careful.feed(chunk, take);
      chunk = undefined;
    } catch {
      failures++;
      chunk = failures % 2 ? new Uint8Array(0) : '';
    }
  }
  assert.equal(failures, 30);
  assert.deepEqual(seen, many);

  const commented = new EventParser({
    onComment: (text) => {
      if (text === 'feed') got.push(...commented.feed('data: 7\n\n').map(({data}) => data));
    },
  });
  got.length = 0;
  commented.feed('data: 5\n:feed\ndata: 6\n\n', ({data}) => void got.push(data));
  assert.deepEqual(got, ['5\n6', '7']);
});

test('lines: an item with several ends at its end has blank lines', () => {
  for (const ends of ['\n\n', '\r\n\r\n', '\r\r', '\r\r\n', '\n\r', '\r\n\n']) {
    const source = new EventSource([`data: x${ends}`, 'data: y', '']);
    assert.deepEqual([...source].map(plain), [e('x'), e('y')], JSON.stringify(ends));
  }
  const parser = new EventParser();
  assert.deepEqual(parser.feed('data: x\r'), []);
  assert.equal(parser.feedLine('')?.data, 'x', 'a line after a text that ended with CR');
  assert.deepEqual(parser.feed('data: y\nda'), []);
  assert.equal(parser.feedLine('ta: z\r'), undefined, 'a line that a text began');
  assert.deepEqual(parser.feed('\n').map(plain), [e('y\nz')], 'a blank line, no part of the CR');
  parser.write('data: w\r');
  parser.writeLine('');
  parser.writeLine('data: v');
  parser.writeLine('');
  assert.deepEqual(
    [parser.next()?.data, parser.next()?.data, parser.next()],
    ['w', 'v', undefined],
    'written before anything was asked for',
  );
});

// ── 5. EventSource ────────────────────────────────────────────────────────────────────────────

const AB = 'id: 1\nretry: 5\ndata: a\n\nid: 2\nretry: 6\ndata: b\n\nid: 3\n\n';
const AB_EVENTS = [e('a', {id: '1', retry: 5}), e('b', {id: '2', retry: 6})];
const AB_LINES = AB.split('\n').slice(0, -1);

function* generate<T>(items: Iterable<T>): Generator<T> {
  yield* items;
}

type Source = ConstructorParameters<typeof EventSource>[0];
type Stream = Parameters<typeof EventSource.from>[0];

const bytesOfText = (text: string) => new TextEncoder().encode(text);

/** Each kind of input; all give the same events. */
const SOURCES: [name: string, isSync: boolean, make: () => Source | Stream, isStream?: boolean][] =
  [
    ['lines: a text', true, () => AB],
    ['lines: a text with CRLF', true, () => AB.replaceAll('\n', '\r\n')],
    ['lines: an array', true, () => AB_LINES],
    [
      'lines: a set',
      true,
      () =>
        new Set(['id: 1', 'retry: 5', 'data: a', '', 'id: 2\nretry: 6', 'data: b\n\nid: 3\n\n']),
    ],
    ['lines: a generator', true, () => generate(AB_LINES)],
    ['lines: each with a LF', true, () => AB_LINES.map((line) => line + '\n')],
    ['lines: each with a CRLF', true, () => AB_LINES.map((line) => line + '\r\n')],
    ['lines: each with a CR', true, () => AB_LINES.map((line) => line + '\r')],
    ['lines: some with an end', true, () => AB_LINES.map((line, n) => line + (n % 2 ? '\n' : ''))],
    [
      'lines: a line with an inner end counts as two',
      true,
      () => ['id: 1\nretry: 5', 'data: a\r', '', 'id: 2\r\nretry: 6\rdata: b', '\n', 'id: 3\n\n'],
    ],
    ['lines: an async generator', false, () => later(AB_LINES)],
    [
      'lines: a ReadableStream',
      false,
      () => streamOf(AB_LINES) as unknown as AsyncIterable<string>,
    ],
    ['from: a text', true, () => AB, true],
    ['from: bytes', true, () => bytesOfText(AB) as Stream, true],
    ['from: an array of text', true, () => cut(AB, 5), true],
    ['from: an array of bytes', true, () => cut(bytesOfText(AB), 5), true],
    [
      'from: an array of text and bytes',
      true,
      () => [AB.slice(0, 5), bytesOfText(AB.slice(5, 9)), '', AB.slice(9)],
      true,
    ],
    ['from: a generator', true, () => generate(cut(AB, 3)), true],
    ['from: an async generator', false, () => later(cut(bytesOfText(AB), 3)), true],
    ['from: a ReadableStream', false, () => streamOf(cut(bytesOfText(AB), 3)), true],
    [
      'from: what has a reader and nothing else',
      false,
      () => {
        const reader = streamOf(cut(bytesOfText(AB), 3)).getReader();
        return {getReader: () => reader} as Stream;
      },
      true,
    ],
    ['from: a Response', false, () => new Response(AB, {headers: STREAM_HEADERS}) as Stream, true],
    ['from: what is like a response, with a text', false, () => ({body: AB}), true],
    [
      'from: what is like a response, with an iterable',
      false,
      () => ({status: 200, headers: headersFrom(STREAM_HEADERS), body: cut(AB, 3)}),
      true,
    ],
  ];

for (const [name, isSync, make, isStream] of SOURCES) {
  const open = () =>
    (isStream
      ? EventSource.from(make() as Stream)
      : new EventSource(make() as Source)) as EventSource & Iterable<SSEEvent>;
  test(`EventSource of ${name}`, async () => {
    const source = open();
    assert.equal(source.lastEventId, '');
    assert.equal(source.retry, undefined);
    const got: Fields[] = [];
    for await (const event of source) {
      assert.ok(event instanceof SSEEvent);
      assert.deepEqual([source.lastEventId, source.retry], [event.id, event.retry]);
      got.push(plain(event));
    }
    assert.deepEqual(got, AB_EVENTS);
    assert.deepEqual([source.lastEventId, source.retry], ['3', 6], 'also after the loop');

    // Left after the first event: what is known is what was handed out.
    const left = open();
    for await (const _ of left) break;
    assert.deepEqual([left.lastEventId, left.retry], ['1', 5]);
    if (!isSync) return;

    const sync = open();
    assert.deepEqual([...sync].map(plain), AB_EVENTS);
    assert.deepEqual([sync.lastEventId, sync.retry], ['3', 6]);
    const leftSync = open();
    for (const _ of leftSync) break;
    assert.deepEqual([leftSync.lastEventId, leftSync.retry], ['1', 5]);
  });
}

test('EventSource: the five-line example', () => {
  const events = [...new EventSource(['data: hello', '', 'data: world', ''])];
  assert.deepEqual(events.map(plain), [e('hello'), e('world')]);
});

test('EventSource: text that begins like a URL, or holds nothing', () => {
  for (const text of ['', '\n', 'https://a.test/ is a line\n\n', 'data:https://a.test/\n']) {
    assert.deepEqual([...new EventSource(text)], [], text);
  }
});

test('EventSource: what is no source is refused at once', () => {
  const rows: [name: string, value: unknown, hint?: RegExp][] = [
    ['a URL', 'https://a.test/stream', /connect/i],
    ['a URL with http', 'http://a.test/stream?x=1#y', /connect/i],
    ['a URL in capitals', 'HTTPS://A.TEST', /connect/i],
    ['a URL object', new URL(URL_)],
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
    ['true', true],
    ['an object', {}],
    ['a function', () => 'data: a\n\n'],
    ['a promise', Promise.resolve('data: a\n\n')],
  ];
  for (const [name, value, hint = /./] of rows) {
    for (const make of [
      () => new EventSource(value as never),
      () => EventSource.from(value as never),
    ]) {
      const error = caught(make);
      assert.ok(error instanceof TypeError, `${name}: ${error}`);
      assert.match(error.message, hint, name);
      assert.match(error.message, /EventSource|text|lines|stream/, name);
    }
  }
});

test('EventSource: bytes, and other things, as lines', async () => {
  const rows: [name: string, value: unknown][] = [
    ['bytes', bytesOfText(AB)],
    ['an array of bytes', [bytesOfText(AB)]],
    ['an array of numbers', [1, 2]],
    ['an array with null', ['data: a', null]],
    ['an array of arrays', [['data: a']]],
  ];
  for (const [name, value] of rows) {
    const sync = caught(() => [...new EventSource(value as string[])]);
    const async = await rejected(async () => all(new EventSource(value as string[])));
    for (const error of [sync, async]) {
      assert.ok(error instanceof TypeError, `${name}: ${error}`);
      assert.match(error.message, /EventSource\.from|string/, name);
    }
  }
  const stream = new EventSource(later([bytesOfText(AB)]) as unknown as AsyncIterable<string>);
  assert.match(String(await rejected(() => all(stream))), /^TypeError/);
});

test('EventSource: an ordinary loop over what must be waited for', () => {
  const rows: [name: string, source: unknown][] = [
    ['lines', new EventSource(later(AB_LINES))],
    ['an async iterable', EventSource.from(later([AB]))],
    ['a ReadableStream', EventSource.from(streamOf([AB]))],
    ['a Response', EventSource.from(new Response(AB, {headers: STREAM_HEADERS}) as Stream)],
  ];
  for (const [name, source] of rows) {
    const {json} = source as {json(): Iterable<unknown>};
    for (const loop of [() => [...(source as Iterable<SSEEvent>)], () => [...json.call(source)]]) {
      const error = caught(loop);
      assert.ok(error instanceof TypeError, `${name}: ${error}`);
      assert.match(error.message, /for await/, name);
    }
  }
});

test('EventSource: next() before the last one has answered: each gets its event', async () => {
  const chunks = ['data: 1\n\nda', 'ta: 2\n\n', ':\n', 'data: 3\n\ndata: 4\n\n'];
  for (const source of [later(chunks), streamOf(chunks), chunks]) {
    const iterator = EventSource.from(source)[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({length: 6}, () => iterator.next()));
    assert.deepEqual(
      results.map(({done, value}) => (done ? 'done' : value.data)),
      ['1', '2', '3', '4', 'done', 'done'],
    );
    assert.equal((await iterator.next()).done, true);
  }
  const failing = EventSource.from(later(['data: 1\n\n' + x(50)]), {maxEventSize: 20});
  const iterator = failing[Symbol.asyncIterator]();
  const results = await Promise.allSettled(Array.from({length: 3}, () => iterator.next()));
  assert.deepEqual(
    results.map((result) =>
      result.status === 'rejected'
        ? result.reason.code
        : result.value.done
          ? 'done'
          : result.value.value.data,
    ),
    ['1', 'limit', 'done'],
  );
});

test('EventSource: a source is closed once, also by an iterator that is asked again', async () => {
  const row = counted(['data: a\n\n', 'data: b\n\n']);
  const iterator = EventSource.from(row.sync)[Symbol.iterator]();
  assert.equal(iterator.next().done, false);
  for (let times = 0; times < 3; times++) assert.equal(iterator.return?.().done, true);
  assert.equal(iterator.next().done, true);
  assert.equal(row.calls.return, 1);
  const later = counted(['data: a\n\n', 'data: b\n\n']);
  const slow = EventSource.from(later.async)[Symbol.asyncIterator]();
  assert.equal((await slow.next()).done, false);
  for (let times = 0; times < 3; times++) assert.equal((await slow.return?.())?.done, true);
  assert.equal((await slow.next()).done, true);
  assert.equal(later.calls.return, 1);
});

/** An iterator that keeps count of what is asked of it. */
function counted(items: readonly string[], failAt = Infinity) {
  const calls = {next: 0, return: 0};
  const boom = new Error('the source broke');
  const result = (): IteratorResult<string> => {
    if (calls.next === failAt) throw boom;
    const value = items[calls.next++];
    return value === undefined ? {done: true, value} : {done: false, value};
  };
  const close = (): IteratorResult<string> => {
    calls.return++;
    return {done: true, value: undefined};
  };
  return {
    calls,
    boom,
    sync: {[Symbol.iterator]: () => ({next: result, return: close})},
    async: {
      [Symbol.asyncIterator]: () => ({
        next: async () => result(),
        return: async () => close(),
      }),
    },
    stream: {
      getReader: () => ({
        read: async () => result(),
        cancel: async () => void close(),
        releaseLock() {},
      }),
    },
  };
}

const TEN = Array.from({length: 10}, (_, n) => `data: ${n}\n\n`);
const MANY_IN_ONE = ['data: 0\n\ndata: 1\n\ndata: 2\n\n', ...TEN];

test('EventSource: a loop that is left closes its source, once, reads nothing ahead', async () => {
  const boom = new Error("the user's own");
  for (const [items, reads] of [
    [TEN, 2],
    [MANY_IN_ONE, 1],
  ] as const) {
    for (const lines of [false, true]) {
      for (const leave of ['break', 'throw', 'done', 'bad JSON'] as const) {
        const where = `${leave}, ${lines ? 'lines' : 'chunks'}, ${reads} reads`;
        /** Two events, then out. */
        const step = (count: number) => {
          if (count === 2 && leave === 'throw') throw boom;
          return count === 2 && leave === 'break';
        };
        const what = leave === 'done' ? {done: '1'} : undefined;
        const texts =
          leave === 'bad JSON' ? items.map((item) => item.replace(': 1', ': {')) : items;
        const isJSON = leave === 'done' || leave === 'bad JSON';
        const expected = {next: reads, return: 1};

        const sync = counted(texts);
        const source = lines ? new EventSource(sync.sync) : EventSource.from(sync.sync);
        let count = 0;
        const run = () => {
          for (const _ of isJSON ? source.json(what) : source) if (step(++count)) break;
        };
        if (leave === 'throw') assert.equal(caught(run), boom, where);
        else if (leave === 'bad JSON') isSSEError(caught(run), 'json');
        else run();
        assert.equal(count, isJSON ? 1 : 2, where);
        assert.deepEqual(sync.calls, expected, `sync, ${where}`);

        for (const kind of ['async', 'stream', 'sync'] as const) {
          if (lines && kind === 'stream') continue;
          const counts = counted(texts);
          const input = counts[kind] as AsyncIterable<string>;
          const source = lines ? new EventSource(input) : EventSource.from(input);
          let count = 0;
          const run = async () => {
            for await (const _ of isJSON ? source.json(what) : source) if (step(++count)) break;
          };
          if (leave === 'throw') assert.equal(await rejected(run), boom, where);
          else if (leave === 'bad JSON') isSSEError(await rejected(run), 'json');
          else await run();
          assert.equal(count, isJSON ? 1 : 2, where);
          assert.deepEqual(counts.calls, expected, `${kind}, ${where}`);
        }
      }
    }
  }
});

test("EventSource: the parser's errors close the source too", async () => {
  const options = {maxEventSize: 20};
  const big = ['data: 0\n\n', x(100), 'data: 1\n\n'];
  const sync = counted(big);
  isSSEError(
    caught(() => [...EventSource.from(sync.sync, options)]),
    'limit',
  );
  assert.deepEqual(sync.calls, {next: 2, return: 1});
  for (const kind of ['async', 'stream'] as const) {
    const counts = counted(big);
    const source = EventSource.from(counts[kind] as AsyncIterable<string>, options);
    const got: string[] = [];
    isSSEError(
      await rejected(async () => {
        for await (const event of source) got.push(event.data);
      }),
      'limit',
    );
    assert.deepEqual(got, ['0'], 'what came before is handed out');
    assert.deepEqual(counts.calls, {next: 2, return: 1}, kind);
  }
});

test('EventSource: generators run their finally, however the loop ends', async () => {
  let closed = 0;
  function* sync() {
    try {
      yield* TEN;
    } finally {
      closed++;
    }
  }
  async function* async() {
    try {
      yield* TEN;
    } finally {
      await null;
      closed++;
    }
  }
  for (const isLeft of [false, true]) {
    for (const make of [() => new EventSource(sync()), () => EventSource.from(sync())]) {
      closed = 0;
      for (const _ of make()) if (isLeft) break;
      assert.equal(closed, 1);
    }
    for (const make of [
      () => new EventSource(async()),
      () => EventSource.from(async()),
      () => new EventSource(sync()),
      () => EventSource.from(sync()),
    ]) {
      closed = 0;
      for await (const _ of make()) if (isLeft) break;
      assert.equal(closed, 1, 'closed by the time the loop is over');
    }
  }
});

test('EventSource: what the source throws comes out as it is, after the events', async () => {
  const sync = counted(TEN, 2);
  const got: string[] = [];
  assert.equal(
    caught(() => {
      for (const event of EventSource.from(sync.sync)) got.push(event.data);
    }),
    sync.boom,
  );
  for (const kind of ['async', 'stream'] as const) {
    const counts = counted(TEN, 2);
    assert.equal(
      await rejected(async () => {
        const source = EventSource.from(counts[kind] as AsyncIterable<string>);
        for await (const event of source) got.push(event.data);
      }),
      counts.boom,
    );
  }
  assert.deepEqual(got, ['0', '1', '0', '1', '0', '1']);
});

test('EventSource: nothing is read before the first next(), nor while nobody asks', async () => {
  const sync = counted(TEN);
  const iterator = EventSource.from(sync.sync)[Symbol.iterator]();
  assert.equal(sync.calls.next, 0);
  iterator.next();
  assert.equal(sync.calls.next, 1);
  for (const kind of ['async', 'stream'] as const) {
    const counts = counted(TEN);
    const source = EventSource.from(counts[kind] as AsyncIterable<string>);
    const iterator = source[Symbol.asyncIterator]();
    await null;
    assert.equal(counts.calls.next, 0, kind);
    await iterator.next();
    await turn();
    assert.equal(counts.calls.next, 1, kind);
    await iterator.return!();
    assert.equal(counts.calls.return, 1, kind);
    assert.deepEqual(await iterator.next(), {done: true, value: undefined}, kind);
    assert.equal(counts.calls.next, 1, kind);
  }
});

test('EventSource: each loop begins anew', async () => {
  for (const source of [new EventSource(AB_LINES), new EventSource(AB), EventSource.from([AB])]) {
    for (const _ of source) break;
    assert.equal(source.lastEventId, '1');
    assert.deepEqual([...source].map(plain), AB_EVENTS);
    assert.deepEqual([...source].map(plain), AB_EVENTS);
    assert.deepEqual((await all(source)).map(plain), AB_EVENTS);
  }
  // An id of the first loop is not the second's, nor is a block that the first left unfinished.
  const source = new EventSource(['data: a', '', 'id: 1', '', 'data: b']);
  assert.deepEqual([...source].map(plain), [e('a')]);
  assert.deepEqual([...source].map(plain), [e('a')]);
  const once = new EventSource(generate(AB_LINES));
  assert.equal([...once].length, 2);
  assert.equal([...once].length, 0, 'a generator gives what it has once');
});

test('EventSource: options reach the parser', async () => {
  const comments: string[] = [];
  const options = {lastEventId: '7', onComment: (text: string) => comments.push(text)};
  for (const source of [
    new EventSource(': c\ndata: a\n\n', options),
    EventSource.from([': c\nda', 'ta: a\n\n'], options),
  ]) {
    assert.equal(source.lastEventId, '7');
    assert.deepEqual([...source].map(plain), [e('a', {id: '7'})]);
    assert.deepEqual((await all(source)).map(plain), [e('a', {id: '7'})]);
  }
  assert.deepEqual(comments, ['c', 'c', 'c', 'c']);
});

test('EventSource: json()', async () => {
  const rows: [
    name: string,
    data: string[],
    options: {done: string | null} | undefined,
    values: unknown[],
    isBad?: boolean,
  ][] = [
    ['to the end', ['1', '{"a":2}', '"x"'], undefined, [1, {a: 2}, 'x']],
    ['[DONE] ends it', ['1', '[DONE]', '3'], undefined, [1]],
    ['[DONE] at once', ['[DONE]'], undefined, []],
    ['no event', [], undefined, []],
    ['another sentinel', ['1', '[END]', '3'], {done: '[END]'}, [1]],
    ['another sentinel: [DONE] is none', ['1', '[DONE]'], {done: '[END]'}, [1], true],
    ['a sentinel that is JSON', ['1', 'null', '3'], {done: 'null'}, [1]],
    ['an empty sentinel', ['1', '', '3'], {done: ''}, [1]],
    ['null: no sentinel', ['1', '[2]'], {done: null}, [1, [2]]],
    ['null: [DONE] is bad JSON', ['1', '[DONE]', '3'], {done: null}, [1], true],
    ['a sentinel is the whole data', ['1', ' [DONE]'], undefined, [1], true],
    ['bad JSON behind good', ['1', '{', '3'], undefined, [1], true],
    ['empty data is a ping', ['', '1', '', '3', ''], undefined, [1, 3]],
    ['a space is bad JSON', ['1', '  '], undefined, [1], true],
  ];
  for (const [name, data, options, values, isBad = false] of rows) {
    const texts = data.map((each) => `data: ${each}\n\n`);
    const sync: unknown[] = [];
    const run = () => {
      for (const value of EventSource.from(texts).json(options)) sync.push(value);
    };
    if (isBad) isSSEError(caught(run), 'json');
    else run();
    assert.deepEqual(sync, values, name);
    const sources = [
      EventSource.from(texts),
      EventSource.from(later(texts)),
      EventSource.from(streamOf(texts)),
    ];
    for (const source of sources) {
      const async: unknown[] = [];
      const run = async () => {
        for await (const value of source.json(options)) async.push(value);
      };
      if (isBad) isSSEError(await rejected(run), 'json');
      else await run();
      assert.deepEqual(async, values, name);
    }
  }
});

test('EventSource: a 204 ends quietly', async () => {
  assert.deepEqual(await all(EventSource.from(new Response(null, {status: 204}) as Stream)), []);
});

test('EventSource: responses', async () => {
  const html = {'content-type': 'text/html'};
  const rows: [name: string, response: object, result: 'events' | 'none' | RegExp][] = [
    ['200', {status: 200, headers: headersFrom(STREAM_HEADERS)}, 'events'],
    ['any 2xx', {status: 201, headers: headersFrom(STREAM_HEADERS)}, 'events'],
    ['no status', {headers: headersFrom(STREAM_HEADERS)}, 'events'],
    ['no headers', {status: 200}, 'events'],
    [
      'a charset',
      {headers: headersFrom({'content-type': 'text/event-stream; charset=UTF-8'})},
      'events',
    ],
    [
      'capitals and spaces',
      {headers: headersFrom({'content-type': ' Text/Event-Stream ;x=y'})},
      'events',
    ],
    ['null body', {status: 200, headers: headersFrom(STREAM_HEADERS), body: null}, 'none'],
    ['500', {status: 500, url: URL_, headers: headersFrom(STREAM_HEADERS)}, /^http .*500.*a\.test/],
    ['404 without headers', {status: 404, url: URL_}, /^http .*404/],
    ['301', {status: 301, url: URL_, headers: headersFrom(STREAM_HEADERS)}, /^http .*301/],
    [
      'a page',
      {status: 200, url: URL_, headers: headersFrom(html)},
      /^content-type Expected Content-Type 'text\/event-stream', got 'text\/html'.*a\.test/,
    ],
    ['a page that failed', {status: 500, url: URL_, headers: headersFrom(html)}, /^http /],
    [
      'a longer type',
      {headers: headersFrom({'content-type': 'text/event-streams'})},
      /^content-type .*got 'text\/event-streams'/,
    ],
    [
      'a type elsewhere',
      {headers: headersFrom({'content-type': 'x; text/event-stream'})},
      /^content-type /,
    ],
    [
      'no type',
      {headers: headersFrom({})},
      /^content-type Expected Content-Type 'text\/event-stream', got /,
    ],
  ];
  for (const [name, fields, result] of rows) {
    for (const make of [() => AB, () => streamOf(cut(bytesOfText(AB), 7)), () => later([AB])]) {
      const source = EventSource.from({body: make(), ...fields} as Stream);
      let got: unknown;
      try {
        const events = await all(source);
        got =
          events.length === 0
            ? 'none'
            : keyOf(events, source) === keyOf(AB_EVENTS, {lastEventId: '3', retry: 6}) && 'events';
      } catch (error) {
        assert.ok(error instanceof SSEError, `${name}: ${error}`);
        got = `${error.code} ${error.message}`;
      }
      if (result instanceof RegExp) assert.match(String(got), result, name);
      else assert.equal(got, result, name);
    }
  }
  const response = new Response('sorry', {status: 500, headers: {'x-a': 'b'}});
  const error = await rejected(() => all(EventSource.from(response as Stream)));
  assert.ok(error instanceof SSEHTTPError);
  assert.deepEqual([error.status, error.headers.get('x-a')], [500, 'b']);
});

for (const form of ['events', 'json'] as const) {
  test(`EventSource: return() is prompt while a next() waits for a stream: ${form}`, () =>
    isPrompt(form));
}

async function isPrompt(form: 'events' | 'json'): Promise<void> {
  const soon = <T>(promise: PromiseLike<T> | undefined, what: string) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} waits for ever`)), 200);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };
  for (const sent of [0, 1]) {
    let cancelled = 0;
    const stream = new ReadableStream<string>({
      start(controller) {
        if (sent) controller.enqueue('data: 1\n\n');
      },
      cancel() {
        cancelled++;
      },
    });
    const source = EventSource.from(stream);
    const iterator = (form === 'json' ? source.json() : source)[Symbol.asyncIterator]();
    const first = sent ? await iterator.next() : undefined;
    assert.ok(!first?.done, form);
    const pending = iterator.next();
    await turn();
    assert.equal((await soon(iterator.return?.(), 'return()'))?.done, true, form);
    assert.deepEqual(await soon(pending, 'next()'), {done: true, value: undefined}, form);
    assert.equal((await soon(iterator.next(), 'a later next()'))?.done, true, form);
    assert.equal(cancelled, 1, form);
  }
}

// ── 6. Reconnection ───────────────────────────────────────────────────────────────────────────

type ReconnectionSettings = NonNullable<ConstructorParameters<typeof Reconnection>[1]>;
type Decision = ReturnType<Reconnection['lost']>;

/**
 * A day in the life of a Reconnection. Each step is an action and, behind "->", the decision that
 * must come of it. Actions: `open` (a connection begins and is accepted), `begin` (it only
 * begins), both with the time in ms if that matters; `STATUS` (the response's status and
 * content type); `refuse STATUS RETRY-AFTER` (a whole connection that is refused); `send WIRE`
 * (events come, and are handed over), `eof`, `lost` (a network error), `lost CODE` (an SSEError);
 * `redirect STATUS LOCATION`, `url` (what the next request's is).
 */
class Day {
  readonly reconnection: Reconnection;
  #now = 0;
  #parser = new EventParser();
  constructor(options: ReconnectionSettings, url = URL_) {
    this.reconnection = new Reconnection(url, {random: () => 0, ...options});
  }

  step(step: string): string {
    const [, action = '', rest = ''] = /^(\S+) ?(.*)$/s.exec(step)!;
    const {reconnection} = this;
    switch (action) {
      case 'begin':
        return this.#begin(rest);
      case 'open':
        this.#begin(rest);
        return show(reconnection.response(200, headersFrom(STREAM_HEADERS)));
      case 'refuse': {
        const [status, after] = [Number(rest.slice(0, 3)), rest.slice(4)];
        const headers = headersFrom(after ? {'retry-after': after} : {});
        this.#begin('');
        const decision = show(reconnection.response(status, headers));
        if (decision !== 'read') return decision;
        return show(reconnection.refused(status, headers, 'sorry', this.#now));
      }
      case 'send': {
        this.#parser.write(rest);
        let isLast = false;
        for (let event; !isLast && (event = this.#parser.next()); ) {
          isLast = reconnection.delivered(event);
        }
        if (!isLast) reconnection.caughtUp(this.#parser);
        return isLast ? 'last' : `id '${reconnection.lastEventId}', retry ${reconnection.retry}`;
      }
      case 'eof':
        return show(reconnection.lost());
      case 'lost':
        return show(
          reconnection.lost(
            rest ? new SSEError(rest as 'limit', 'why') : new TypeError('fetch failed'),
          ),
        );
      case 'redirect': {
        const location = rest.slice(4);
        const headers = headersFrom(location ? {location} : {});
        return show(reconnection.response(Number(rest.slice(0, 3)), headers));
      }
      case 'url':
        return reconnection.request([], []).url;
      default: {
        const headers = rest === 'none' ? headersFrom({}) : headersFrom({'content-type': rest});
        return show(reconnection.response(Number(action), rest === 'any' ? undefined : headers));
      }
    }
  }

  #begin(time: string): string {
    // Unless told, connections begin long after each other.
    this.#now = time === '' ? this.#now + 1e9 : Number(time);
    const {lastEventId, retry} = this.reconnection;
    this.#parser = new EventParser({lastEventId, retry});
    return `attempt ${this.reconnection.begin(this.#now).attempt}`;
  }
}

function show(decision: Decision): string {
  switch (decision.kind) {
    case 'wait':
      return `wait ${decision.retry.delay} #${decision.retry.attempt}`;
    case 'fail': {
      const {error} = decision;
      if (error instanceof SSEConnectionError) return `fail connection after ${error.retries}`;
      return `fail ${error instanceof SSEError ? error.code : error}`;
    }
    default:
      return decision.kind;
  }
}

type Days = readonly [
  rule: string,
  name: string,
  options: ReconnectionSettings,
  steps: readonly string[],
];

function runDays(days: readonly Days[]): void {
  for (const [rule, name, options, steps] of days) {
    test(`${name} (${rule})`, () => {
      const day = new Day(options);
      const got = steps.map((step) => {
        const [action = '', want] = step.split(' -> ');
        const result = day.step(action);
        return want === undefined ? step : `${action} -> ${result}`;
      });
      assert.deepEqual(got, steps);
    });
  }
}

/** Failures in a row, as steps: each begins and is lost. */
function failing(...results: string[]): string[] {
  return results.flatMap((result) => ['begin', `lost -> ${result}`]);
}

const BACKOFF = 'wait before reconnecting';
const STORM = 'no storm';
const RETRIES = 'more than maxRetries in a row';
const STATUS = 'other status';
const ENDING = 'clean end';
const METHOD = 'POST and other methods';
const UNTIL = 'until';
const JUST_UNDER_1 = 1 - 2 ** -53;

const doubling = failing(
  'wait 3000 #1',
  'wait 6000 #2',
  'wait 12000 #3',
  'wait 24000 #4',
  'wait 30000 #5',
  'wait 30000 #6',
);

runDays([
  // The wait
  [BACKOFF, '3 s, doubled up to 30 s', {}, doubling],
  [
    BACKOFF,
    'a clean end waits as a broken one does',
    {},
    [
      'open -> open',
      'eof -> wait 3000 #1',
      'open',
      'eof -> wait 6000 #2',
      'open',
      'lost -> wait 12000 #3',
    ],
  ],
  [
    BACKOFF,
    'an event resets it',
    {},
    [
      ...doubling.slice(0, 6),
      'open',
      'send data: a\n\n',
      'eof -> wait 3000 #1',
      'open',
      'eof -> wait 6000 #2',
    ],
  ],
  [
    BACKOFF,
    'a mere 200 does not',
    {},
    [
      'open',
      'lost -> wait 3000 #1',
      'open',
      'lost -> wait 6000 #2',
      'open',
      'eof -> wait 12000 #3',
    ],
  ],
  [
    BACKOFF,
    'comments, ids and retries without an event do not',
    {},
    [
      'open',
      'lost -> wait 3000 #1',
      'open',
      'send : c\nid: 1\n\nevent: x\n\n',
      'lost -> wait 6000 #2',
    ],
  ],
  [
    BACKOFF,
    'retryInterval',
    {retryInterval: 200},
    failing('wait 200 #1', 'wait 400 #2', 'wait 800 #3'),
  ],
  [
    BACKOFF,
    'maxRetryInterval',
    {retryInterval: 200, maxRetryInterval: 500},
    failing('wait 200 #1', 'wait 400 #2', 'wait 500 #3', 'wait 500 #4'),
  ],
  [
    BACKOFF,
    'a cap below retryInterval: never less than that',
    {retryInterval: 200, maxRetryInterval: 100},
    failing('wait 200 #1', 'wait 200 #2'),
  ],
  [
    BACKOFF,
    'the cap never shortens what the server asked for',
    {maxRetryInterval: 100},
    ['open', 'send retry: 7000\ndata: a\n\n', 'eof -> wait 7000 #1', ...failing('wait 7000 #2')],
  ],
  [
    BACKOFF,
    "the server's retry comes before retryInterval",
    {retryInterval: 500},
    [
      'open',
      "send retry: 40\ndata: a\n\n -> id '', retry 40",
      'eof -> wait 100 #1',
      ...failing('wait 200 #2', 'wait 400 #3'),
    ],
  ],
  [
    BACKOFF,
    'a retry alone counts at once',
    {},
    ['open', "send retry: 400\n -> id '', retry 400", 'lost -> wait 400 #1'],
  ],
  [
    BACKOFF,
    "the server's retry outlives its connection",
    {},
    [
      'open',
      'send retry: 400\ndata: a\n\n',
      'eof -> wait 400 #1',
      'open',
      'send data: b\n\n',
      'eof -> wait 400 #1',
    ],
  ],
  [
    BACKOFF,
    'less than 100 ms is doubled from 100 ms',
    {retryInterval: 10},
    failing('wait 100 #1', 'wait 200 #2', 'wait 400 #3'),
  ],
  [
    BACKOFF,
    'jitter stretches by up to a quarter',
    {random: () => 0.8},
    failing('wait 3600 #1', 'wait 7200 #2', 'wait 14400 #3', 'wait 28800 #4', 'wait 36000 #5'),
  ],
  [BACKOFF, 'jitter never shortens', {random: () => 0}, failing('wait 3000 #1', 'wait 6000 #2')],
  [
    BACKOFF,
    'jitter over Retry-After',
    {random: () => 0.8},
    ['open', 'lost -> wait 3600 #1', 'refuse 503 100 -> wait 120000 #2'],
  ],
  [
    BACKOFF,
    'retryInterval 0',
    {retryInterval: 0},
    failing('wait 100 #1', 'wait 200 #2', 'wait 400 #3'),
  ],
  [
    'retry',
    'longer than a timer takes: 2^31-1',
    {},
    [
      'open',
      "send retry: 99999999999\ndata: a\n\n -> id '', retry 99999999999",
      'eof -> wait 2147483647 #1',
    ],
  ],
  [
    'retry',
    '2^31-1 with jitter: still 2^31-1',
    {random: () => JUST_UNDER_1},
    ['open', 'send retry: 2147483647\n', 'eof -> wait 2147483647 #1'],
  ],
  [
    'retry',
    'an interval without a cap, after a thousand failures',
    {maxRetryInterval: Infinity},
    Array.from({length: 1100}, (_, n) => [
      'begin',
      n < 1099 ? 'lost' : 'lost -> wait 2147483647 #1100',
    ]).flat(),
  ],
  ['retry', 'Infinity', {retryInterval: Infinity}, failing('wait 2147483647 #1')],

  // No storm
  [
    STORM,
    'retry: 0, an event, and the end, for ever',
    {},
    Array.from({length: 5}, (_, n) => [
      `open ${n * 100}`,
      'send retry: 0\ndata: a\n\n',
      'eof -> wait 100 #1',
    ]).flat(),
  ],
  [
    STORM,
    'no wait at all, as long as connections last',
    {retryInterval: 0, maxRetryInterval: 0},
    ['open 0', 'eof -> wait 0 #1', 'open 100', 'eof -> wait 0 #2', 'open 200', 'eof -> wait 0 #3'],
  ],
  [
    STORM,
    'no wait at all, connections in a hurry',
    {retryInterval: 0, maxRetryInterval: 0},
    [
      'open 0',
      'eof -> wait 0 #1',
      'open 99',
      'eof -> wait 100 #2',
      'open 200',
      'eof -> wait 100 #3',
      'open 300',
      'eof -> wait 100 #4',
      'open 500',
      'eof -> wait 0 #5',
      'open 500',
      'eof -> wait 100 #6',
    ],
  ],
  [
    STORM,
    'a small cap, in a hurry',
    {retryInterval: 0, maxRetryInterval: 7},
    [
      'open 0',
      'lost -> wait 7 #1',
      'open 8',
      'lost -> wait 100 #2',
      'open 120',
      'lost -> wait 100 #3',
      'open 320',
      'lost -> wait 7 #4',
    ],
  ],
  [
    STORM,
    'with events, in a hurry',
    {retryInterval: 5, maxRetryInterval: 5},
    [
      'open 0',
      'send data: a\n\n',
      'eof -> wait 5 #1',
      'open 6',
      'send data: a\n\n',
      'eof -> wait 100 #1',
    ],
  ],
  [
    STORM,
    'in a hurry, what is longer anyway stays',
    {},
    ['open 0', 'eof -> wait 3000 #1', 'open 1', 'eof -> wait 6000 #2'],
  ],

  // maxRetries
  [
    RETRIES,
    'no limit unless told',
    {},
    Array.from({length: 500}, (_, n) => [
      'begin',
      n < 499 ? 'lost' : 'lost -> wait 30000 #500',
    ]).flat(),
  ],
  [
    RETRIES,
    '-1: no limit',
    {maxRetries: -1},
    Array.from({length: 50}, (_, n) => [
      'begin',
      n < 49 ? 'lost' : 'lost -> wait 30000 #50',
    ]).flat(),
  ],
  [RETRIES, 'Infinity: no limit', {maxRetries: Infinity}, failing('wait 3000 #1', 'wait 6000 #2')],
  [RETRIES, '0: never, after an error', {maxRetries: 0}, failing('fail connection after 0')],
  [
    RETRIES,
    '0: never, after a clean end',
    {maxRetries: 0},
    ['open', 'send data: a\n\n', 'eof -> fail connection after 0'],
  ],
  [RETRIES, '1', {maxRetries: 1}, failing('wait 3000 #1', 'fail connection after 1')],
  [
    RETRIES,
    '2, with every kind of failure',
    {maxRetries: 2},
    [
      'open',
      'eof -> wait 3000 #1',
      'refuse 503 -> wait 6000 #2',
      'begin',
      'lost timeout -> fail connection after 2',
    ],
  ],
  [
    RETRIES,
    'a status can be the last straw',
    {maxRetries: 1},
    ['open', 'eof -> wait 3000 #1', 'refuse 503 -> fail connection after 1'],
  ],
  [
    RETRIES,
    'an event resets the count',
    {maxRetries: 1},
    [
      'open',
      'eof -> wait 3000 #1',
      'open',
      'send data: a\n\n',
      'eof -> wait 3000 #1',
      'open',
      'eof -> fail connection after 1',
    ],
  ],
  [
    RETRIES,
    'a mere 200 does not',
    {maxRetries: 2},
    [
      'open',
      'eof -> wait 3000 #1',
      'open',
      'eof -> wait 6000 #2',
      'open',
      'eof -> fail connection after 2',
    ],
  ],
  [
    RETRIES,
    'an id without an event does not',
    {maxRetries: 1},
    [
      'open',
      'eof -> wait 3000 #1',
      'open',
      "send id: 1\n\n -> id '1', retry undefined",
      'eof -> fail connection after 1',
    ],
  ],
  [
    RETRIES,
    'attempts are counted from 0',
    {},
    [
      'begin -> attempt 0',
      'lost',
      'begin -> attempt 1',
      'lost',
      'begin -> attempt 2',
      '200 text/event-stream',
      'send data: a\n\n',
      'eof',
      'begin -> attempt 1',
    ],
  ],

  // Statuses
  [STATUS, 'the first answer is final, whatever it is', {}, ['refuse 503 -> fail http']],
  [
    STATUS,
    'final though errors came before it',
    {},
    ['begin', 'lost -> wait 3000 #1', 'refuse 503 -> fail http'],
  ],
  ...[408, 425, 429, 500, 502, 503, 504].map(
    (status): Days => [
      STATUS,
      `${status} once the stream was open`,
      {},
      ['open', 'eof -> wait 3000 #1', `refuse ${status} -> wait 6000 #2`],
    ],
  ),
  ...[400, 401, 403, 404, 409, 410, 501, 505, 203, 205, 206, 304].map(
    (status): Days => [
      STATUS,
      `${status} is final, also later`,
      {},
      ['open', 'send data: a\n\n', 'eof', `refuse ${status} -> fail http`],
    ],
  ),
  [
    STATUS,
    'in a row they count as failures',
    {},
    [
      'open',
      'eof -> wait 3000 #1',
      'refuse 503 -> wait 6000 #2',
      'refuse 502 -> wait 12000 #3',
      'open',
      'send data: a\n\n',
      'eof -> wait 3000 #1',
    ],
  ],
  [
    STATUS,
    'retryStatus replaces the list',
    {retryStatus: [404]},
    ['open', 'eof', 'refuse 404 -> wait 6000 #2', 'refuse 503 -> fail http'],
  ],
  [
    STATUS,
    'retryStatus counts once the stream was open, too',
    {retryStatus: [404]},
    ['refuse 404 -> fail http'],
  ],
  [
    STATUS,
    'retryStatus []: every one is final',
    {retryStatus: []},
    ['open', 'eof -> wait 3000 #1', 'refuse 503 -> fail http'],
  ],
  [
    STATUS,
    'a page with status 200 opened nothing',
    {},
    ['begin', '200 text/html -> fail content-type', 'refuse 503 -> fail http'],
  ],
  ['Retry-After', 'in seconds', {}, ['open', 'eof', 'refuse 503 120 -> wait 120000 #2']],
  ['Retry-After', 'shorter than the backoff', {}, ['open', 'eof', 'refuse 503 1 -> wait 6000 #2']],
  [
    'Retry-After',
    'beyond the cap',
    {maxRetryInterval: 1},
    ['open', 'eof', 'refuse 429 60 -> wait 60000 #2'],
  ],
  ['Retry-After', '0', {}, ['open', 'eof', 'refuse 503 0 -> wait 6000 #2']],
  [
    'Retry-After',
    'longer than a timer takes',
    {},
    ['open', 'eof', 'refuse 503 99999999999999999999 -> wait 2147483647 #2'],
  ],
  [
    'Retry-After',
    'a date that is past',
    {},
    ['open', 'eof', 'refuse 503 Thu, 01 Jan 1970 00:00:01 GMT -> wait 6000 #2'],
  ],
  [
    'Retry-After',
    'neither seconds nor a date',
    {},
    ['open', 'eof', 'refuse 503 soon -> wait 6000 #2', 'refuse 503 -> wait 12000 #3'],
  ],
  [
    'Retry-After',
    'is for one wait',
    {},
    ['open', 'eof', 'refuse 503 120 -> wait 120000 #2', ...failing('wait 12000 #3')],
  ],
  ['Retry-After', 'of a final status', {}, ['open', 'eof', 'refuse 404 120 -> fail http']],

  // What a response means
  ['204', 'ends it, quietly, at first', {}, ['begin', '204 none -> stop']],
  [
    '204',
    'ends it, quietly, later',
    {},
    ['open', 'send data: a\n\n', 'eof -> wait 3000 #1', 'begin', '204 none -> stop'],
  ],
  ['204', 'ends a POST', {method: 'POST'}, ['begin', '204 none -> stop']],
  ['#sse-processing-model', 'GET: 200 opens', {}, ['begin', '200 text/event-stream -> open']],
  [
    '#sse-processing-model',
    'GET: any other does not',
    {},
    [
      'begin',
      ...[201, 202, 203, 205, 206, 299, 304, 199, 400, 500].map(
        (status) => `${status} text/event-stream -> read`,
      ),
    ],
  ],
  ...['POST', 'PUT', 'PATCH', 'QUERY', 'post', 'HEAD'].map(
    (method): Days => [
      'methods other than GET',
      `${method}: 2xx opens, but for 204 and 205`,
      {method},
      [
        'begin',
        ...[200, 201, 202, 203, 206, 299].map((s) => `${s} text/event-stream -> open`),
        '204 text/event-stream -> stop',
        '205 text/event-stream -> read',
        '300 text/event-stream -> read',
        '199 text/event-stream -> read',
      ],
    ],
  ),
  [
    'methods other than GET',
    'get is GET',
    {method: 'get'},
    [
      'begin',
      '201 text/event-stream -> read',
      '200 text/event-stream -> open',
      'lost -> wait 3000 #1',
    ],
  ],
  ...[
    'text/event-stream',
    'text/event-stream;charset=utf-8',
    'text/event-stream; charset=latin1',
    'TEXT/Event-Stream',
    'text/event-stream ;x',
    ' text/event-stream',
  ].map((type): Days => ['content type', `'${type}' is one`, {}, ['begin', `200 ${type} -> open`]]),
  ...[
    'text/html',
    'application/json',
    'text/event-streamx',
    'xtext/event-stream',
    'text/event',
    'text/plain; text/event-stream',
    'text/event-stream, text/html',
    ';text/event-stream',
    'none',
  ].map(
    (type): Days => [
      'content type',
      `'${type}' is not one`,
      {},
      ['begin', `200 ${type} -> fail content-type`],
    ],
  ),
  ['content type', 'a transport that shows no headers', {}, ['begin', '200 any -> open']],
  ['content type', 'of a POST', {method: 'POST'}, ['begin', '201 text/html -> fail content-type']],
  [
    'content type',
    'is final, also later',
    {},
    ['open', 'eof', 'begin', '200 text/html -> fail content-type'],
  ],

  // The end
  [
    ENDING,
    'reconnect: false, a clean end is the end',
    {reconnect: false},
    ['open', 'send data: a\n\n', 'eof -> stop'],
  ],
  [
    ENDING,
    'reconnect: false, a broken one is an error',
    {reconnect: false},
    ['open', 'lost -> fail connection after 0'],
  ],
  [
    ENDING,
    'reconnect: false, maxRetries or not',
    {reconnect: false, maxRetries: 5},
    ['open', 'lost timeout -> fail connection after 0'],
  ],
  [METHOD, 'POST: a clean end is the end', {method: 'POST'}, ['open', 'eof -> stop']],
  [
    METHOD,
    'POST: a broken one is an error',
    {method: 'POST'},
    ['open', 'send data: a\n\n', 'lost -> fail connection after 0'],
  ],
  [
    METHOD,
    'POST: an error before the response',
    {method: 'POST'},
    ['begin', 'lost -> fail connection after 0'],
  ],
  [METHOD, 'POST: statuses are final', {method: 'POST'}, ['refuse 503 -> fail http']],
  [METHOD, 'post is POST', {method: 'post'}, ['open', 'eof -> stop']],
  [METHOD, 'PUT: one connection', {method: 'PUT'}, ['open', 'lost -> fail connection after 0']],
  [METHOD, 'HEAD reconnects', {method: 'HEAD'}, ['begin', 'lost -> wait 3000 #1']],
  [
    METHOD,
    'POST with reconnect: true',
    {method: 'POST', reconnect: true},
    ['open', 'eof -> wait 3000 #1', 'begin', 'lost -> wait 6000 #2', 'refuse 503 -> wait 12000 #3'],
  ],
  [
    UNTIL,
    'the last event',
    {until: (event) => event.data === '[DONE]'},
    ['open', "send data: a\n\n -> id '', retry undefined", 'send data: [DONE]\n\n -> last'],
  ],
  [
    UNTIL,
    'the end without it, reconnecting',
    {until: () => false},
    ['open', 'send data: a\n\n', 'eof -> wait 3000 #1', 'open', 'eof -> wait 6000 #2'],
  ],
  [
    UNTIL,
    'the end without it, one connection',
    {until: () => false, reconnect: false},
    ['open', 'send data: a\n\n', 'eof -> fail truncated'],
  ],
  [
    UNTIL,
    'the end of a POST without it',
    {until: () => false, method: 'POST'},
    ['open', 'eof -> fail truncated'],
  ],
  [
    UNTIL,
    'a cut without it is a cut',
    {until: () => false, method: 'POST'},
    ['open', 'lost -> fail connection after 0'],
  ],
  [
    UNTIL,
    'the end without it, once too often',
    {until: () => false, maxRetries: 0},
    ['open', 'eof -> fail connection after 0'],
  ],

  // Errors
  ...['limit', 'json', 'content-type', 'redirect'].map(
    (code): Days => ['errors', `${code} is final`, {}, ['open', `lost ${code} -> fail ${code}`]],
  ),
  ...['limit', 'json', 'content-type', 'redirect'].map(
    (code): Days => [
      'errors',
      `${code} is final, and stays itself, for a POST`,
      {method: 'POST'},
      ['open', `lost ${code} -> fail ${code}`],
    ],
  ),
  ...['timeout', 'connection', 'truncated'].map(
    (code): Days => ['errors', `${code} passes`, {}, ['open', `lost ${code} -> wait 3000 #1`]],
  ),

  // Redirects
  [
    'redirects',
    'to another path',
    {},
    ['begin', 'redirect 302 /b?c -> send', 'url -> https://a.test/b?c'],
  ],
  [
    'redirects',
    'relative to the last one',
    {},
    ['begin', 'redirect 302 /b/c -> send', 'redirect 307 d -> send', 'url -> https://a.test/b/d'],
  ],
  [
    'redirects',
    'to another origin',
    {},
    [
      'begin',
      'redirect 308 https://b.test/x -> send',
      'url -> https://b.test/x',
      'redirect 308 /y -> send',
      'url -> https://b.test/y',
    ],
  ],
  [
    'redirects',
    'the next attempt goes to the original URL',
    {},
    [
      'begin',
      'redirect 301 https://b.test/x -> send',
      '200 text/event-stream -> open',
      'lost -> wait 3000 #1',
      'begin',
      `url -> ${URL_}`,
    ],
  ],
  ...[301, 302, 303, 307, 308].map(
    (status): Days => [
      'redirects',
      `GET and ${status}`,
      {},
      ['begin', `redirect ${status} /b -> send`, '200 text/event-stream -> open'],
    ],
  ),
  ...[301, 302, 303].map(
    (status): Days => [
      'redirects',
      `POST and ${status}: no silent GET`,
      {method: 'POST'},
      ['begin', `redirect ${status} /b -> fail redirect`],
    ],
  ),
  ...[307, 308].map(
    (status): Days => [
      'redirects',
      `POST and ${status}: stays a POST`,
      {method: 'POST'},
      [
        'begin',
        `redirect ${status} /b -> send`,
        'url -> https://a.test/b',
        '201 text/event-stream -> open',
      ],
    ],
  ),
  [
    'redirects',
    'PUT and 301',
    {method: 'PUT', reconnect: true},
    ['begin', 'redirect 301 /b -> fail redirect'],
  ],
  ['redirects', 'HEAD and 302', {method: 'HEAD'}, ['begin', 'redirect 302 /b -> send']],
  ...[300, 304, 305, 306].map(
    (status): Days => [
      'redirects',
      `${status} is none`,
      {},
      ['begin', `redirect ${status} /b -> read`],
    ],
  ),
  [
    'redirects',
    'a Location on 200 or 503 is none',
    {},
    ['begin', 'redirect 503 /b -> read', 'refuse 503 -> fail http'],
  ],
  [
    'redirects',
    'without Location it is a refusal',
    {},
    ['begin', 'redirect 301 -> read', 'refuse 301 -> fail http'],
  ],
  [
    'redirects',
    'without Location it is a refusal, for a POST',
    {method: 'POST'},
    ['begin', 'redirect 301 -> read'],
  ],
  [
    'redirects',
    '20 are followed, 21 are not',
    {},
    [
      'begin',
      ...Array<string>(20).fill('redirect 302 /b -> send'),
      'redirect 302 /b -> fail redirect',
    ],
  ],
  [
    'redirects',
    'counted anew for each attempt',
    {},
    [
      'begin',
      ...Array<string>(20).fill('redirect 302 /b -> send'),
      'lost',
      'begin',
      ...Array<string>(20).fill('redirect 302 /b -> send'),
      'redirect 302 /b -> fail redirect',
    ],
  ],
  ['redirects', 'to no URL', {}, ['begin', 'redirect 302 http://[ -> fail redirect']],
  [
    'redirects',
    'to a port that is none',
    {},
    ['begin', 'redirect 302 https://a.test:99999/ -> fail redirect'],
  ],
  ...[
    'ftp://a.test/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/event-stream,x',
    'http://a.test/',
    'http://b.test/',
  ].map(
    (to): Days => [
      'redirects',
      `not from https to ${to}`,
      {},
      ['begin', `redirect 302 ${to} -> fail redirect`],
    ],
  ),
  [
    'redirects',
    'status 0: what a browser shows of one',
    {method: 'POST'},
    ['begin', 'redirect 000 -> fail redirect'],
  ],
]);

test('reconnection: jitter stays between 1 and 1.25', () => {
  for (const random of [0, 0.1, 0.5, 0.999, JUST_UNDER_1]) {
    const day = new Day({random: () => random});
    day.step('begin');
    const [, delay] = day.step('lost').split(' ').map(Number);
    assert.ok(Math.abs(Number(delay) - 3000 * (1 + random / 4)) <= 1, `${random}: ${delay}`);
    assert.ok(Number(delay) >= 3000 && Number(delay) <= 3750, `${random}: ${delay}`);
  }
  const delays = new Set(
    Array.from({length: 20}, () => {
      const reconnection = new Reconnection(URL_);
      reconnection.begin(0);
      return show(reconnection.lost());
    }),
  );
  assert.ok(delays.size > 1, 'random unless told');
});

test('reconnection: http to https, and http to http, are followed', () => {
  for (const to of ['https://a.test/b', 'http://a.test/b', 'http://b.test/b']) {
    const day = new Day({}, 'http://a.test/');
    day.step('begin');
    assert.equal(day.step(`redirect 302 ${to}`), 'send');
    assert.equal(day.step('url'), to);
  }
});

test('reconnection: the facts of a decision', () => {
  const reconnection = new Reconnection(URL_, {random: () => 0, lastEventId: '7'});
  assert.deepEqual(
    [reconnection.lastEventId, reconnection.retry, reconnection.reconnects],
    ['7', undefined, true],
  );
  const first = reconnection.begin(0);
  assert.deepEqual({...first}, {attempt: 0, lastEventId: '7', error: undefined});
  const cause = new TypeError('fetch failed');
  assert.deepEqual(reconnection.lost(cause), {
    kind: 'wait',
    retry: {attempt: 1, delay: 3000, error: cause, lastEventId: '7'},
  });
  assert.deepEqual({...reconnection.begin(1e6)}, {attempt: 1, lastEventId: '7', error: cause});
  reconnection.response(200, headersFrom(STREAM_HEADERS));
  const [event] = new EventParser().feed('id: 8\nretry: 40\ndata: a\n\n');
  assert.ok(event);
  assert.equal(reconnection.delivered(event), false);
  assert.deepEqual([reconnection.lastEventId, reconnection.retry], ['8', 40]);
  const decision = reconnection.lost();
  assert.ok(decision.kind === 'wait');
  assert.equal(decision.retry.lastEventId, '8');
  assert.ok(decision.retry.error instanceof SSEError, 'a clean end is an error, too');
  assert.equal(decision.retry.error.code, 'connection');

  assert.equal(new Reconnection(URL_, {method: 'POST'}).reconnects, false);
  assert.equal(new Reconnection(URL_, {method: 'POST', reconnect: true}).reconnects, true);
  assert.equal(new Reconnection(URL_, {reconnect: false}).reconnects, false);
  assert.equal(new Reconnection(URL_, {method: 'head'}).reconnects, true);
});

test('reconnection: lastEventId is that of the last event handed over', () => {
  const reconnection = new Reconnection(URL_);
  reconnection.begin(0);
  const parser = new EventParser();
  parser.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\nid: 4\ndata: c\n');
  const ids: string[] = [];
  for (let event; (event = parser.next()); ) {
    reconnection.delivered(event);
    ids.push(reconnection.lastEventId);
  }
  assert.deepEqual(ids, ['1', '2']);
  reconnection.caughtUp(parser);
  assert.equal(reconnection.lastEventId, '3', 'an id without an event, once all are handed over');
  const [cleared] = new EventParser({lastEventId: '3'}).feed('id\ndata: d\n\n');
  assert.ok(cleared);
  reconnection.delivered(cleared);
  assert.equal(reconnection.lastEventId, '', 'an empty id clears');
});

test('reconnection: `until` ends with its event, which counts', () => {
  const seen: SSEEvent[] = [];
  const reconnection = new Reconnection(URL_, {
    until: (event) => {
      seen.push(event);
      return event.event === 'complete';
    },
  });
  reconnection.begin(0);
  const events = new EventParser().feed('id: 1\ndata: a\n\nid: 2\nevent: complete\ndata\n\n');
  assert.deepEqual(
    events.map((event) => reconnection.delivered(event)),
    [false, true],
  );
  assert.deepEqual(seen, events);
  assert.equal(reconnection.lastEventId, '2');
});

test('reconnection: one connection is not made twice', () => {
  for (const options of [{method: 'POST'}, {reconnect: false}]) {
    const reconnection = new Reconnection(URL_, options);
    reconnection.begin(0);
    assert.equal(reconnection.lost().kind, 'stop');
    assert.throws(() => reconnection.begin(1e6), TypeError, JSON.stringify(options));
  }
});

test('reconnection: facts of its errors', () => {
  const refused = (status: number, headers: Record<string, string>, now = 0) => {
    const error = failure(new Reconnection('https://a.test/x?y'), (r) => {
      r.response(status, headersFrom(headers));
      return r.refused(status, headersFrom(headers), 'sorry', now);
    });
    assert.ok(error instanceof SSEHTTPError);
    return error;
  };
  const date = Date.UTC(2026, 10, 21, 12);
  const after: [header: string, retryAfter: number | undefined][] = [
    ['0', 0],
    ['120', 120_000],
    ['soon', undefined],
    ['', undefined],
    ['Sat, 21 Nov 2026 12:01:30 GMT', 90_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ];
  for (const [header, retryAfter] of after) {
    const error = refused(503, {'retry-after': header}, date);
    assert.equal(error.retryAfter, retryAfter, header);
  }
  const error = refused(401, {'www-authenticate': 'Bearer'});
  assert.equal(error.retryAfter, undefined);
  assert.deepEqual(
    [error.status, error.url, error.body, error.headers.get('www-authenticate')],
    [401, 'https://a.test/x?y', 'sorry', 'Bearer'],
  );

  // Where the response came from, redirects followed.
  const day = new Day({});
  day.step('begin');
  day.step('redirect 302 https://b.test/z');
  const decision = day.reconnection.refused(404, undefined, '', 0);
  assert.ok(decision.kind === 'fail' && decision.error instanceof SSEHTTPError);
  assert.equal(decision.error.url, 'https://b.test/z');
  assert.equal(decision.error.headers.get('x'), null, 'a transport that shows no headers');

  const type = failure(new Reconnection('https://a.test/x'), (r) =>
    r.response(200, headersFrom({'content-type': 'text/html; charset=utf-8'})),
  );
  assert.match(
    isSSEError(type, 'content-type').message,
    /^Expected Content-Type 'text\/event-stream', got 'text\/html; charset=utf-8'.*a\.test\/x/s,
  );

  const redirected = failure(new Reconnection('https://a.test/x', {method: 'POST'}), (r) =>
    r.response(302, headersFrom({location: 'https://me:secret@b.test/'})),
  );
  const {message} = isSSEError(redirected, 'redirect');
  assert.match(message, /302/);
  assert.match(message, /a\.test/);
  assert.ok(!message.includes('secret'), message);
});

test('reconnection: a server does not decide how long a message is', () => {
  const long = 'x'.repeat(1e5);
  const type = failure(new Reconnection(URL_), (r) =>
    r.response(200, headersFrom({'content-type': `text/${long}`})),
  );
  assert.ok(isSSEError(type, 'content-type').message.length < 500);
  const day = new Day({});
  day.step('begin');
  for (let n = 0; n < 20; n++) assert.equal(day.step(`redirect 302 /${long}`), 'send');
  const last = day.reconnection.response(302, headersFrom({location: `/${long}`}));
  assert.ok(last.kind === 'fail' && last.error instanceof SSEError);
  const chain = last.error.message.split(' -> ');
  assert.deepEqual(
    chain
      .slice(0, -1)
      .map((url) => url.length)
      .slice(1),
    Array(20).fill(2000),
  );
  assert.equal(chain.length, 22, 'and each one is named');
});

test('reconnection: truncated and lost streams name their URL and cause', () => {
  const truncated = failure(
    new Reconnection('https://a.test/x', {
      method: 'POST',
      until: () => false,
    }),
    (r) => r.lost(),
  );
  assert.match(isSSEError(truncated, 'truncated').message, /https:\/\/a\.test\/x/);
  const ended = failure(new Reconnection('https://a.test/x', {maxRetries: 0}), (r) => r.lost());
  assert.ok(ended instanceof SSEConnectionError);
  assert.equal(ended.url, 'https://a.test/x');
  assert.ok(
    ended.message.startsWith('SSE connection to https://a.test/x failed after 0 retries: '),
    ended.message,
  );
  assert.ok(ended.cause instanceof SSEError && ended.message.endsWith(ended.cause.message));
  const status = new Reconnection(URL_, {maxRetries: 0, random: () => 0});
  status.begin(0);
  status.response(200, headersFrom(STREAM_HEADERS));
  const decision = status.refused(503, undefined, 'sorry', 0);
  assert.ok(decision.kind === 'fail' && decision.error instanceof SSEConnectionError);
  assert.ok(decision.error.cause instanceof SSEHTTPError && decision.error.cause.status === 503);
  assert.match(decision.error.message, /503/);
});

// Requests

type Pairs = [name: string, value: string][];

/** The headers, names in lower case; each may be there once only. */
function headersSent(
  reconnection: Reconnection,
  own: Pairs = [],
  defaults: Pairs = [],
  encode?: (text: string) => string,
): Record<string, string> {
  const {headers} = reconnection.request(defaults, own, encode);
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  assert.equal(new Set(entries.map(([name]) => name)).size, entries.length, 'each header once');
  return Object.fromEntries(entries);
}

const ACCEPT = {accept: 'text/event-stream'};
const CACHE: Pairs = [['Cache-Control', 'no-cache']];

test('reconnection: request headers', () => {
  const rows: [name: string, own: Pairs, defaults: Pairs, headers: Record<string, string>][] = [
    ['no more than needed', [], [], ACCEPT],
    ['defaults', [], CACHE, {...ACCEPT, 'cache-control': 'no-cache'}],
    ["the user's", [['X-A', 'b']], CACHE, {...ACCEPT, 'cache-control': 'no-cache', 'x-a': 'b'}],
    [
      "the user's win",
      [
        ['Accept', 'a/b'],
        ['Cache-Control', 'c'],
      ],
      CACHE,
      {accept: 'a/b', 'cache-control': 'c'},
    ],
    [
      'whatever their case',
      [
        ['aCCEPT', 'a/b'],
        ['CACHE-control', 'c'],
      ],
      CACHE,
      {accept: 'a/b', 'cache-control': 'c'},
    ],
    [
      "the last of the user's own",
      [
        ['x-a', 'b'],
        ['X-A', 'c'],
      ],
      [],
      {...ACCEPT, 'x-a': 'c'},
    ],
    ['an empty one', [['x-a', '']], [], {...ACCEPT, 'x-a': ''}],
  ];
  for (const [name, own, defaults, headers] of rows) {
    const reconnection = new Reconnection(URL_);
    reconnection.begin(0);
    assert.deepEqual(headersSent(reconnection, own, defaults), headers, name);
    assert.equal(reconnection.request(defaults, own).url, URL_, name);
  }
});

test('reconnection: Last-Event-ID (#the-last-event-id-header)', () => {
  const utf8 = (text: string) => String.fromCharCode(...bytesOfText(text));
  const rows: [name: string, id: string, sent: string | undefined][] = [
    ['none', '', undefined],
    ['ASCII', '1795182046:1,[]-: ~!', '1795182046:1,[]-: ~!'],
    ['zero', '0', '0'],
    ['what looks percent-encoded', '%C3%A9%', '%C3%A9%'],
    ['two bytes', 'é', '\xc3\xa9'],
    ['two, three and four bytes', 'é€😀', utf8('é€😀')],
    ['mixed', 'a%41é b', 'a%41\xc3\xa9 b'],
    ['half a surrogate pair', 'a\ud83d', utf8('a\ufffd')],
    ['a tab', 'a\tb', 'a\tb'],
    ['a control character', 'a\x01b', undefined],
    ['a control character and more', 'é\x1f', undefined],
    ['DEL', 'a\x7f', undefined],
    ['a vertical tab', 'a\vb', undefined],
    ['escape', '\x1b[2J', undefined],
  ];
  for (const [name, id, sent] of rows) {
    const expected = sent === undefined ? ACCEPT : {...ACCEPT, 'last-event-id': sent};
    const first = new Reconnection(URL_, {lastEventId: id});
    first.begin(0);
    assert.deepEqual(headersSent(first), expected, `${name}, as an option`);
    const later = new Reconnection(URL_, {lastEventId: 'old'});
    later.begin(0);
    const [event] = new EventParser().feed(`id: ${id}\ndata: a\n\n`);
    assert.ok(event);
    later.delivered(event);
    assert.equal(later.lastEventId, id);
    assert.deepEqual(headersSent(later), expected, `${name}, of the stream`);
    const encode = (text: string) => `<${text.length}>`;
    const encoded = headersSent(first, [], [], encode)['last-event-id'];
    assert.equal(
      encoded,
      sent === undefined || sent === id ? sent : encode(id),
      `${name}: a runtime's own encoding, where there is something to encode`,
    );
  }
});

test("reconnection: the user's own Last-Event-ID, until the stream sets one", () => {
  for (const name of ['Last-Event-ID', 'last-event-id', 'LAST-EVENT-ID']) {
    const day = new Day({});
    day.step('begin');
    const sent = () => headersSent(day.reconnection, [[name, 'mine']])['last-event-id'];
    assert.equal(sent(), 'mine', name);
    day.step('200 text/event-stream');
    day.step('send data: a\n\n');
    day.step('lost');
    day.step('begin');
    assert.equal(sent(), 'mine', `${name}: the stream set none`);
    day.step('200 text/event-stream');
    day.step('send id: 5\ndata: a\n\n');
    day.step('lost');
    day.step('begin');
    assert.equal(sent(), '5', name);
  }
});

test('reconnection: what goes along with a redirect', () => {
  const own: Pairs = [
    ['Authorization', 'Bearer x'],
    ['X-Api-Key', 'k'],
    ['Last-Event-ID', 'mine'],
    ['Accept', 'a/b'],
    ['Cookie', 'c'],
  ];
  const rows: [name: string, url: string, locations: string[], isDropped: boolean][] = [
    ['nothing yet', URL_, [], false],
    ['the same origin', URL_, ['/b'], false],
    ['the same origin, in full, its port too', URL_, ['https://A.test:443/b'], false],
    ['another host', URL_, ['https://b.test/'], true],
    ['a subdomain', URL_, ['https://x.a.test/'], true],
    ['another port', URL_, ['https://a.test:444/'], true],
    ['without a scheme', URL_, ['//b.test/'], true],
    ['another scheme', 'http://a.test/', ['https://a.test/'], true],
    ['there and on', URL_, ['https://b.test/', '/x'], true],
    ['there and back: stays dropped', URL_, ['https://b.test/', URL_], true],
    ['late', URL_, ['/b', '/c', 'https://b.test/'], true],
  ];
  for (const [name, url, locations, isDropped] of rows) {
    const reconnection = new Reconnection(url, {lastEventId: '7'});
    for (const attempt of [0, 1]) {
      reconnection.begin(attempt);
      for (const location of locations) {
        const decision = reconnection.response(302, headersFrom({location}));
        assert.equal(decision.kind, 'send', name);
      }
      const where = `${name}, attempt ${attempt}`;
      assert.deepEqual(
        headersSent(reconnection, own, CACHE),
        isDropped
          ? {...ACCEPT, 'cache-control': 'no-cache'}
          : {
              accept: 'a/b',
              'cache-control': 'no-cache',
              authorization: 'Bearer x',
              'x-api-key': 'k',
              cookie: 'c',
              'last-event-id': '7',
            },
        where,
      );
      assert.deepEqual(
        headersSent(reconnection),
        isDropped ? ACCEPT : {...ACCEPT, 'last-event-id': '7'},
        where,
      );
      reconnection.lost();
    }
    reconnection.begin(9);
    assert.equal(headersSent(reconnection, own)['x-api-key'], 'k', `${name}, the next attempt`);
  }
});

test('reconnection: the userinfo of a redirect is not sent', () => {
  const day = new Day({});
  day.step('begin');
  assert.equal(day.step('redirect 302 https://user:pass@a.test/b'), 'send');
  assert.equal(day.step('url'), 'https://a.test/b');
  assert.equal(headersSent(day.reconnection).authorization, undefined);
});

test('reconnection: a URL with userinfo is refused, and not shown', () => {
  const refused = [
    'https://user:secret@a.test/',
    'https://secret@a.test/x',
    '//user:secret@a.test/',
    'http:user:secret@a.test/',
    'http:/user:secret@a.test/',
    'http:\\\\user:secret@a.test/',
    'https:user:secret@a.test/',
    'https:/user:secret@a.test/',
  ];
  for (const url of refused) {
    assert.throws(
      () => new Reconnection(url),
      (error: Error) => {
        assert.equal(error.name, 'TypeError', url);
        assert.match(error.message, /url.*userinfo/, url);
        assert.doesNotMatch(error.message, /secret/, url);
        return true;
      },
    );
  }
  for (const url of [
    'https://a.test/x@y',
    'https://a.test/?to=//me@b',
    '/x//me@b',
    'https://a.test/#//me@b',
  ]) {
    assert.equal(new Reconnection(url).url, url);
  }
});

test('reconnection: wrong options name themselves', () => {
  const rows: [option: string, values: unknown[]][] = [
    ['retryInterval', [NaN, -1, '3', {}]],
    ['maxRetryInterval', [NaN, -1, -Infinity, '3']],
    ['maxRetries', [NaN, -2, 1.5, '3', -Infinity]],
    ['retryStatus', [503, '503', ['503'], [NaN], [1.5], {}]],
    ['lastEventId', [5, {}, 'a\nb', 'a\rb', 'a\0']],
  ];
  for (const [option, values] of rows) {
    for (const value of values) {
      const error = caught(() => new Reconnection(URL_, {[option]: value}));
      assert.ok(error instanceof RangeError || error instanceof TypeError, `${option} ${value}`);
      assert.ok(error.message.includes(option), `${option} ${value}: ${error.message}`);
      const isRange = /Interval|maxRetries/.test(option) && typeof value === 'number';
      if (isRange) assert.ok(error instanceof RangeError, `${option} ${value}`);
    }
  }
  const right: ReconnectionSettings[] = [
    {},
    {retryInterval: 0},
    {maxRetryInterval: Infinity},
    {maxRetries: -1},
    {maxRetries: 0},
    {maxRetries: Infinity},
    {retryStatus: []},
    {lastEventId: 'é 😀'},
    {retryInterval: 0.5},
    {
      retryInterval: undefined,
      maxRetries: undefined,
      lastEventId: undefined,
      method: undefined,
      retryStatus: undefined,
      reconnect: undefined,
      until: undefined,
      random: undefined,
    },
  ];
  for (const options of right) assert.ok(new Reconnection(URL_, options), JSON.stringify(options));
});

// ── Helpers for clients ───────────────────────────────────────────────────────────────────────
// A scripted transport, a recorded sleep, a fixed clock and no jitter: nothing waits for real.

const IS_BUN = 'bun' in process.versions;
const IS_DENO = 'deno' in process.versions;
/** In a page relative URLs are right, and the browser follows redirects. */
const IS_PAGE = 'location' in globalThis && !IS_DENO;
/** workerd encodes headers as UTF-8 by itself, and takes some that others refuse. */
const IS_WORKERD = globalThis.navigator?.userAgent === 'Cloudflare-Workers';
/** The shorthands that can make a client with its default transport. */
const MAKERS = IS_PAGE || IS_WORKERD ? [asyncConnect] : [asyncConnect, connect];
const NOW = Date.UTC(2026, 0, 1);
const ADDRESS = 'http://sse.test/events';
const STREAM = 'text/event-stream';
const MOST_REQUESTS = 60; // a client that asks more often storms

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
  name: 'AsyncSSEClient, promises',
  isBlocking: false,
  Client: AsyncSSEClient,
  answers: 'promise',
  bodies: 'async',
};
const STREAMS: Kind = {...ASYNC, name: 'AsyncSSEClient, ReadableStream', bodies: 'stream'};
const BOTH: Kind = {
  name: 'for await over SSEClient',
  isBlocking: false,
  Client: SSEClient,
  answers: 'value',
  bodies: 'plain',
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
      url,
      method,
      headers: Object.fromEntries(lower),
      body,
      redirect,
      cache,
      signal,
      request,
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
      ...(headers === null
        ? {}
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
      return new ReadableStream(
        {
          async pull(controller) {
            const part = await next();
            if (part.done) controller.close();
            else controller.enqueue(part.value);
          },
          cancel: close,
        },
        {highWaterMark: 0},
      );
    }
    const done = {done: true, value: undefined};
    if (bodies === 'async') {
      return {
        [Symbol.asyncIterator]: () => ({
          next: async () => next(),
          return: async () => (close(), done),
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
  kind: Kind,
  client: any,
  each: (event: SSEEvent) => unknown = () => {},
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
const timers = () =>
  (process.getActiveResourcesInfo?.() ?? []).filter((name) => name === 'Timeout').length;

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
  ['text', LOG],
  ['bytes', new TextEncoder().encode(LOG)],
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
  const logs = ['data: a\n\n', new TextEncoder().encode('data: b\n\n'), '', 'data: c\n\n'];
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

each([ASYNC, BLOCKING], 'replay: a cut log, then the whole: every event once', async (kind) => {
  const {events} = await consume(kind, over(kind, replay([LOG.slice(0, 40), LOG])));
  assert.deepEqual(dataOf(events), ['a', 'b', 'c']);
});

each(KINDS, 'record: every chunk as it came, with the number of its connection', async (kind) => {
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

each(KINDS, 'record: break closes what is recorded', async (kind) => {
  const script = new Script(kind, [stream('data: a\n\n', 'data: b\n\n')]);
  const client = over(
    kind,
    record(script.transport, () => {}),
  );
  await consume(kind, client, () => 'break');
  assert.deepEqual(script.log, ['request 1', 'close 1']);
});

each(KINDS, 'record: responses that are no stream are handed on unread', async (kind) => {
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

each(KINDS, 'record: a sink that throws ends the loop with its error', async (kind) => {
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
    without(
      holder,
      name,
      () => {
        errors = [
          thrown(() => connect('http://127.0.0.1:9/')),
          thrown(() => blockingFetch()('http://127.0.0.1:9/', {} as any)),
          thrown(() => new SSEClient('http://127.0.0.1:9/').openSync()),
          thrown(() => [...new SSEClient('http://127.0.0.1:9/')]),
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
      error = thrown(() => [...connect(ADDRESS, options)]);
    },
    noWait,
  );
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
    script: Script;
    client: any;
    retries: any[];
    events: SSEEvent[];
    error: any;
    kind: Kind;
  }): void;
}

const bytes = (text: string) => new TextEncoder().encode(text);
/** A Last-Event-ID as fetch gets it, and back. */
const encoded = (id: string) => (IS_WORKERD ? id : Buffer.from(id).toString('latin1'));
const failures = (count: number): Step[] =>
  Array.from({length: count}, (_, index) => new TypeError(`cut ${index + 1}`));
const blank = (count: number): string[] => Array.from({length: count}, () => '');
const boom = new RangeError('the user’s own');
const throws = () => {
  throw boom;
};
const to = (location: string, status = 302): Answer => ({
  status,
  type: null,
  headers: {Location: location},
  body: ['moved'],
});
const A = 'data: a\n\n';
const B = 'data: b\n\n';
const POST = {method: 'POST', body: 'ask'};

const rows: Row[] = [
  // Requests
  {
    rule: 'the first request: Accept, no-store, no Last-Event-ID, GET, no body',
    steps: [],
    check({
      script: {
        sent: [first],
      },
    }) {
      const {'cache-control': cacheControl = 'no-cache', ...headers} = first!.headers;
      assert.deepEqual(headers, {accept: STREAM});
      assert.equal(cacheControl, 'no-cache');
      assert.equal(first!.cache, 'no-store');
      assert.equal(first!.method, 'GET');
      assert.equal(first!.body, undefined);
      assert.equal(first!.url, ADDRESS);
      assert.equal(first!.redirect, IS_PAGE ? 'follow' : 'manual', 'the client follows by itself');
      assert.ok(first!.signal instanceof AbortSignal);
    },
  },
  {
    rule: 'user headers win, whatever their case, and are merged',
    options: {
      headers: {ACCEPT: 'text/event-stream, */*', 'cache-control': 'max-age=0', 'X-A': 'b'},
    },
    steps: [],
    check({
      script: {
        sent: [first],
      },
    }) {
      assert.deepEqual(first!.headers, {
        accept: 'text/event-stream, */*',
        'cache-control': 'max-age=0',
        'x-a': 'b',
      });
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
    options: {
      headers: [
        ['X-A', 'b'],
        ['X-B', 'c'],
      ],
    },
    steps: [],
    check({
      script: {
        sent: [first],
      },
    }) {
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
    events: ['a'],
    ids: ['', '', '', '7'],
    waits: [3000, 6000, 3000],
    log: [
      "headers 0 '' undefined",
      'request 1',
      'retry 3000',
      'wait 3000',
      "headers 1 '' one",
      'request 2',
      'retry 6000',
      'wait 6000',
      "headers 2 '' two",
      'request 3',
      'open 3',
      'event a',
      'retry 3000',
      'wait 3000',
      "headers 1 '7' three",
      'request 4',
    ],
    check({script: {sent}}) {
      assert.deepEqual(
        sent.map(({headers}) => headers['x-attempt']),
        ['0', '1', '2', '1'],
      );
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
    options: {headers: throws},
    steps: [stream(A)],
    ids: [],
    error: boom,
  },
  {
    rule: 'headers() that rejects ends the loop',
    kinds: AWAITING,
    options: {headers: async () => throws()},
    steps: [stream(A)],
    ids: [],
    error: boom,
  },
  {
    rule: 'headers() that returns a malformed header ends the loop, and shows no value',
    options: {headers: () => ({'X-A': 'sec\nret'})},
    steps: [stream(A)],
    ids: [],
    error: ['TypeError', undefined, 'headers'],
    check: ({error}) => assert.doesNotMatch(error.message, /sec/),
  },
  {
    rule: 'a promise from headers() in the blocking loop says what to do',
    kinds: [BLOCKING],
    options: {headers: async () => ({})},
    steps: [stream(A)],
    ids: [],
    error: ['TypeError', undefined, 'headers', 'for await'],
  },
  {
    rule: 'lastEventId is the first request’s resume point, and that of events without id',
    options: {lastEventId: '41'},
    steps: [stream(A)],
    events: ['a'],
    ids: ['41', '41'],
    waits: [3000],
    lastEventId: '41',
    check: ({events}) => assert.equal(events[0]!.id, '41'),
  },
  {
    rule: 'a Last-Event-ID that is not ASCII goes out as its UTF-8 bytes',
    options: {lastEventId: 'é€😀'},
    steps: [],
    ids: [encoded('é€😀')],
  },
  {
    rule: 'a Last-Event-ID with a lone surrogate goes out with U+FFFD, and does not throw',
    steps: [stream(`id: a\ud800\n${A}`)],
    events: ['a'],
    waits: [3000],
    ids: ['', encoded(IS_WORKERD ? 'a\ufffd\ufffd\ufffd' : 'a\ufffd')],
  },
  {
    rule: 'a Last-Event-ID with control characters is left out',
    steps: [stream(`id: 1\u0001\n${A}`), stream(`id: 2\u007f\n${B}`)],
    events: ['a', 'b'],
    ids: ['', '', ''],
    waits: [3000, 3000],
    lastEventId: '2\u007f',
  },
  {
    rule: 'a Last-Event-ID of the user’s own holds until the stream sends one',
    options: {headers: {'last-event-id': 'mine'}},
    steps: [stream(`id: 1\n${A}`)],
    events: ['a'],
    ids: ['mine', '1'],
    waits: [3000],
  },
  {
    rule: 'json: body, Content-Type and POST',
    options: {json: {q: 'é'}},
    steps: [stream(A)],
    events: ['a'],
    check({
      script: {
        sent: [first],
      },
    }) {
      assert.equal(first!.method, 'POST');
      assert.equal(first!.body, '{"q":"é"}');
      assert.equal(first!.headers['content-type'], 'application/json');
    },
  },
  {
    rule: 'json: method and Content-Type given win',
    options: {json: [1], method: 'put', headers: {'content-type': 'application/vnd.a+json'}},
    steps: [stream(A)],
    events: ['a'],
    check({
      script: {
        sent: [first],
      },
    }) {
      assert.equal(first!.method, 'PUT');
      assert.equal(first!.headers['content-type'], 'application/vnd.a+json');
    },
  },
  {
    rule: 'body makes it a POST, without a Content-Type of its own',
    options: {body: 'ask'},
    steps: [stream(A)],
    events: ['a'],
    check({
      script: {
        sent: [first],
      },
    }) {
      assert.equal(first!.method, 'POST');
      assert.equal(first!.body, 'ask');
      assert.ok(!('content-type' in first!.headers));
    },
  },
  {
    rule: 'body(): called for each attempt',
    options: {
      method: 'POST',
      reconnect: true,
      body: ({attempt, lastEventId}: any) => `${attempt} ${lastEventId}`,
    },
    steps: [stream(`id: 5\n${A}`, new Error('cut')), new Error('cut')],
    events: ['a'],
    ids: ['', '5', '5'],
    waits: [3000, 6000],
    check: ({script: {sent}}) =>
      assert.deepEqual(
        sent.map(({body}) => body),
        ['0 ', '1 5', '2 5'],
      ),
  },
  {
    rule: 'body() that throws ends the loop',
    options: {method: 'POST', body: throws},
    steps: [stream(A)],
    ids: [],
    error: boom,
  },
  {
    rule: 'init goes to the transport, and does not override what the client sets',
    options: {init: {credentials: 'include', method: 'DELETE'}},
    steps: [],
    check({
      script: {
        sent: [first],
      },
    }) {
      assert.equal(first!.method, 'GET');
      assert.equal(first!.request.credentials, 'include');
    },
  },
  {
    rule: 'a relative URL is the transport’s business',
    url: '/events?a=b',
    steps: [stream(A)],
    events: ['a'],
    ids: ['', ''],
    waits: [3000],
    check({script: {sent}, client}) {
      assert.equal(sent[0]!.url, '/events?a=b');
      assert.equal(client.url, '/events?a=b');
    },
  },

  // Reconnection
  {
    rule: 'a clean end of a GET: close, wait, connect again with the last id',
    steps: [stream(`id: 1\n${A}`), stream(B)],
    events: ['a', 'b'],
    ids: ['', '1', '1'],
    waits: [3000, 3000],
    lastEventId: '1',
    retry: undefined,
    status: 204,
    log: [
      'request 1',
      'open 1',
      'event a',
      'retry 3000',
      'wait 3000',
      'request 2',
      'open 2',
      'event b',
      'retry 3000',
      'wait 3000',
      'request 3',
    ],
    check({events, retries}) {
      assert.deepEqual(
        events.map(({id}) => id),
        ['1', '1'],
        'the id holds over connections',
      );
      const [{attempt, delay, lastEventId, error}] = retries;
      assert.deepEqual({attempt, delay, lastEventId}, {attempt: 1, delay: 3000, lastEventId: '1'});
      assertError(error, 'SSEError', 'connection');
    },
  },
  {
    rule: 'a HEAD reconnects',
    options: {method: 'HEAD'},
    steps: [{body: null}],
    ids: ['', ''],
    waits: [3000],
  },
  {
    rule: 'a failed request is made again',
    steps: [new TypeError('fetch failed'), stream(A)],
    events: ['a'],
    ids: blank(3),
    waits: [3000, 3000],
    check: ({retries}) => assert.equal(retries[0].error.message, 'fetch failed'),
  },
  {
    rule: 'a stream that breaks is made again; what came before is delivered',
    steps: [stream(A + B, new Error('reset')), stream('data: c\n\n')],
    events: ['a', 'b', 'c'],
    ids: blank(3),
    waits: [3000, 3000],
    check: ({retries}) => assert.equal(retries[0].error.message, 'reset'),
  },
  {
    rule: 'an event that is cut is dropped, its id not committed',
    steps: [stream(`id: 1\n${A}`, 'id: 2\ndata: lost\n'), stream('data: half', bytes('\xe2'))],
    events: ['a'],
    ids: ['', '1', '1'],
    waits: [3000, 6000],
    lastEventId: '1',
  },
  {
    rule: 'a cut event and a cut UTF-8 sequence do not leak into the next connection',
    steps: [stream('event: old\ndata: ', bytes('é').slice(0, 1)), stream(bytes(A))],
    events: ['a'],
    ids: blank(3),
    waits: [3000, 3000],
    check: ({events}) => assert.equal(events[0]!.event, 'message'),
  },
  {
    rule: 'a CR at the end of a connection swallows no LF of the next',
    steps: [stream('data: a\r\r'), stream('\ndata: b\n\n')],
    events: ['a', 'b'],
    ids: blank(3),
    waits: [3000, 3000],
  },
  {
    rule: 'the BOM of every connection is dropped',
    steps: [stream(`\ufeff${A}`), stream(bytes(`\ufeff${B}`))],
    events: ['a', 'b'],
    ids: blank(3),
    waits: [3000, 3000],
  },
  {
    rule: 'a block with only an id at the end of a connection counts',
    steps: [stream(`id: 1\n${A}id: 2\n\n`)],
    events: ['a'],
    ids: ['', '2'],
    waits: [3000],
    lastEventId: '2',
  },
  {
    rule: 'a block with only an id, before the connection breaks, counts',
    steps: [stream('id: 2\n\n', new Error('reset')), stream(A)],
    events: ['a'],
    ids: ['', '2', '2'],
    waits: [3000, 3000],
    check: ({events}) => assert.equal(events[0]!.id, '2'),
  },
  {
    rule: 'an empty id clears',
    steps: [stream(`id: 1\n${A}`), stream(`id\n${B}`)],
    events: ['a', 'b'],
    ids: ['', '1', ''],
    waits: [3000, 3000],
    lastEventId: '',
  },
  {
    rule: 'retry counts at once, without a blank line',
    steps: [stream(`${A}retry: 5000\n`)],
    events: ['a'],
    ids: blank(2),
    waits: [5000],
    retry: 5000,
  },
  {
    rule: 'retry holds over connections',
    steps: [stream(`retry: 5000\n${A}`), stream(B)],
    events: ['a', 'b'],
    ids: blank(3),
    waits: [5000, 5000],
    retry: 5000,
    check: ({events}) =>
      assert.deepEqual(
        events.map(({retry}) => retry),
        [5000, 5000],
      ),
  },
  {
    rule: 'retry from the server wins over retryInterval, also when it is shorter',
    options: {retryInterval: 9000},
    steps: [new Error('cut'), stream(`retry: 200\n${A}`)],
    events: ['a'],
    ids: blank(3),
    waits: [9000, 200],
  },
  {
    rule: 'a retry too long for a timer waits the longest that one takes',
    steps: [stream('retry: 99999999999\n')],
    ids: blank(2),
    waits: [2 ** 31 - 1],
    retry: 99999999999,
  },
  {
    rule: 'a longer wait than a timer takes is clamped after the jitter, too',
    options: {random: () => 0.99, retryInterval: Infinity},
    steps: failures(1),
    ids: blank(2),
    waits: [2 ** 31 - 1],
  },
  {
    rule: 'the backoff doubles up to 30 s',
    steps: failures(7),
    ids: blank(8),
    waits: [3000, 6000, 12000, 24000, 30000, 30000, 30000],
    check: ({retries}) =>
      assert.deepEqual(
        retries.map(({attempt}) => attempt),
        [1, 2, 3, 4, 5, 6, 7],
      ),
  },
  {
    rule: 'clean ends without an event back off as well: a mere 200 resets nothing',
    steps: [stream(), stream(': hi\n\n'), stream()],
    ids: blank(4),
    waits: [3000, 6000, 12000],
  },
  {
    rule: 'an event resets the backoff',
    steps: [...failures(2), stream(A), ...failures(1)],
    events: ['a'],
    ids: blank(5),
    waits: [3000, 6000, 3000, 6000],
  },
  {
    rule: 'maxRetryInterval caps the backoff',
    options: {maxRetryInterval: 5000},
    steps: failures(3),
    ids: blank(4),
    waits: [3000, 5000, 5000],
  },
  {
    rule: 'maxRetryInterval never shortens what the server asked for',
    options: {maxRetryInterval: 5000},
    steps: [stream('retry: 60000\n'), new Error('cut')],
    ids: blank(3),
    waits: [60000, 60000],
  },
  {
    rule: 'maxRetryInterval never shortens retryInterval',
    options: {maxRetryInterval: 10, retryInterval: 700},
    steps: failures(2),
    ids: blank(3),
    waits: [700, 700],
  },
  {
    rule: 'the backoff grows from at least 100 ms',
    options: {retryInterval: 1},
    steps: failures(4),
    ids: blank(5),
    waits: [100, 200, 400, 800],
  },
  {
    rule: 'retry: 0 makes no storm',
    steps: [stream(`retry: 0\n${A}`), stream(A), stream(A)],
    events: ['a', 'a', 'a'],
    ids: blank(4),
    waits: [100, 100, 100],
  },
  {
    rule: 'without any interval, 100 ms once two connections in a row began within that time',
    options: {retryInterval: 0, maxRetryInterval: 0},
    steps: [stream(A), stream(A), stream(A)],
    events: ['a', 'a', 'a'],
    ids: blank(4),
    waits: [100, 100],
    check: ({retries}) =>
      assert.deepEqual(
        retries.map(({delay}) => delay),
        [0, 100, 100],
      ),
  },
  {
    rule: 'jitter adds up to a quarter',
    options: {random: () => 0.5},
    steps: failures(2),
    ids: blank(3),
    waits: [3375, 6750],
  },
  {
    rule: 'jitter comes on top of the cap',
    options: {random: () => 0.999999, maxRetryInterval: 4000},
    steps: failures(2),
    ids: blank(3),
    waits: [3750, 5000],
  },
  {
    rule: 'maxRetries: 0 is never, and says so also after a clean end',
    options: {maxRetries: 0},
    steps: [stream(A)],
    events: ['a'],
    error: [
      'SSEConnectionError',
      'connection',
      `SSE connection to ${ADDRESS} failed after 0 retries: `,
    ],
    check({error}) {
      assert.ok(error instanceof SSEConnectionError && error instanceof SSEError);
      assert.equal(error.retries, 0);
      assert.equal(error.url, ADDRESS);
      assertError(error.cause, 'SSEError', 'connection');
    },
  },
  {
    rule: 'maxRetries counts reconnections really made',
    options: {maxRetries: 2},
    steps: failures(4),
    ids: blank(3),
    waits: [3000, 6000],
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
    events: ['a'],
    ids: blank(3),
    waits: [3000, 3000],
    error: ['SSEConnectionError', 'connection', 'after 1 ', 'two'],
    check: ({error}) => assert.equal(error.retries, 1),
  },
  {
    rule: 'maxRetries: -1 is no limit',
    options: {maxRetries: -1},
    steps: failures(40),
    ids: blank(41),
    waits: [3000, 6000, 12000, 24000, ...Array<number>(36).fill(30000)],
  },
  {
    rule: 'no limit is the default',
    options: {retryInterval: 30000},
    steps: failures(40),
    ids: blank(41),
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
    options: {reconnect: false},
    steps: [stream(A), stream(B)],
    events: ['a'],
    status: 200,
  },
  {
    rule: 'reconnect: false: a broken stream is an error with 0 retries',
    options: {reconnect: false},
    steps: [stream(A, new Error('reset')), stream(B)],
    events: ['a'],
    error: ['SSEConnectionError', 'connection', 'after 0 retries', 'reset'],
    check: ({error}) => assert.equal(error.retries, 0),
  },
  {
    rule: 'POST: the end is the end',
    options: POST,
    steps: [stream(A), stream(B)],
    events: ['a'],
  },
  {
    rule: 'POST: a broken stream is an error with 0 retries, never sent again',
    options: POST,
    steps: [stream(A, new Error('reset')), stream(B)],
    events: ['a'],
    error: ['SSEConnectionError', 'connection', 'after 0 retries', 'reset'],
    check: ({error}) => assert.equal(error.retries, 0),
  },
  {
    rule: 'POST: a failed request is not sent again',
    options: POST,
    steps: [new Error('refused'), stream(B)],
    error: ['SSEConnectionError', 'connection', 'after 0 retries', 'refused'],
  },
  {
    rule: 'other methods are no GET either',
    options: {method: 'QUERY'},
    steps: [stream(A), stream(B)],
    events: ['a'],
  },
  {
    rule: 'POST with reconnect: true is sent again, whole',
    options: {...POST, reconnect: true},
    steps: [stream(`id: 1\n${A}`)],
    events: ['a'],
    ids: ['', '1'],
    waits: [3000],
    check({script: {sent}}) {
      assert.deepEqual(
        sent.map(({method, body}) => [method, body]),
        [
          ['POST', 'ask'],
          ['POST', 'ask'],
        ],
      );
    },
  },
  {
    rule: 'until: its event is delivered and ends it',
    options: {until: ({data}: SSEEvent) => data === 'b'},
    steps: [stream(A, B, 'data: c\n\n'), stream(A)],
    events: ['a', 'b'],
    log: ['request 1', 'open 1', 'event a', 'close 1', 'event b'],
  },
  {
    rule: 'until: nothing after it, also of the same chunk',
    options: {until: ({data}: SSEEvent) => data === 'a'},
    steps: [stream(A + B)],
    events: ['a'],
  },
  {
    rule: 'until: a POST that ends without it was truncated',
    options: {...POST, until: () => false},
    steps: [stream(A)],
    events: ['a'],
    error: ['SSEError', 'truncated', ADDRESS],
  },
  {
    rule: 'until: a GET that ends without it is made again',
    options: {until: ({data}: SSEEvent) => data === 'b'},
    steps: [stream(A), stream(B)],
    events: ['a', 'b'],
    ids: blank(2),
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'truncated'),
  },
  {
    rule: 'until: a POST that breaks is a connection error',
    options: {...POST, until: () => false},
    steps: [stream(A, new Error('reset'))],
    events: ['a'],
    error: ['SSEConnectionError', 'connection', 'reset'],
  },
  {
    rule: 'an event over maxEventSize is final; what came before is delivered',
    options: {maxEventSize: 20},
    steps: [stream(A + `data: ${'x'.repeat(30)}`), stream(B)],
    events: ['a'],
    error: ['SSEError', 'limit', '20'],
  },

  // Responses
  {rule: '204 ends quietly, on the first request', steps: [{status: 204, body: null}], status: 204},
  {
    rule: '204 ends quietly, later, and whatever its body',
    steps: [stream(A), {status: 204, type: null, body: ['x']}, stream(B)],
    events: ['a'],
    ids: blank(2),
    waits: [3000],
    status: 204,
  },
  {
    rule: 'an HTTP error on the first request is final, also one of retryStatus',
    steps: [{status: 503, type: 'text/plain', headers: {'Retry-After': '7'}, body: ['bu', 'sy']}],
    error: ['SSEHTTPError', 'http', '503', ADDRESS],
    status: 503,
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
    steps: [new Error('cut'), {status: 503}, stream(A)],
    ids: blank(2),
    waits: [3000],
    error: ['SSEHTTPError', 'http', '503'],
  },
  ...[408, 425, 429, 500, 502, 503, 504].map(
    (status): Row => ({
      rule: `${status} once open counts as a failed attempt`,
      steps: [stream(`id: 1\n${A}`), {status, type: 'text/html', body: ['<p>']}, stream(B)],
      events: ['a', 'b'],
      ids: ['', '1', '1', '1'],
      waits: [3000, 6000, 3000],
      check: ({retries}) => assert.equal(retries[1].error.status, status),
    }),
  ),
  ...[400, 401, 404, 410, 501].map(
    (status): Row => ({
      rule: `${status} once open is final`,
      steps: [stream(A), {status}, stream(B)],
      events: ['a'],
      ids: blank(2),
      waits: [3000],
      error: ['SSEHTTPError', 'http', `${status}`],
    }),
  ),
  {
    rule: 'an open stream without any event counts as open',
    steps: [stream(), {status: 502}],
    ids: blank(3),
    waits: [3000, 6000],
  },
  {
    rule: 'retryStatus: [] makes every status final',
    options: {retryStatus: []},
    steps: [stream(A), {status: 503}],
    events: ['a'],
    ids: blank(2),
    waits: [3000],
    error: ['SSEHTTPError', 'http', '503'],
  },
  {
    rule: 'retryStatus replaces the default',
    options: {retryStatus: [404]},
    steps: [stream(A), {status: 404}, {status: 503}],
    events: ['a'],
    ids: blank(3),
    waits: [3000, 6000],
    error: ['SSEHTTPError', 'http', '503'],
  },
  {
    rule: 'HTTP errors count for maxRetries',
    options: {maxRetries: 1},
    steps: [stream(A), {status: 503}, {status: 503}],
    events: ['a'],
    ids: blank(2),
    waits: [3000],
    error: ['SSEConnectionError', 'connection', 'after 1 ', '503'],
    check: ({error}) => assert.equal(error.cause.status, 503),
  },
  {
    rule: 'an HTTP error with reconnect: false is itself',
    options: {reconnect: false},
    steps: [{status: 503}],
    error: ['SSEHTTPError', 'http', '503'],
  },
  ...(
    [
      ['7', 7000, 7000],
      ['120', 120_000, 120_000],
      ['1', 1000, 6000],
      [new Date(NOW + 90_000).toUTCString(), 90_000, 90_000],
      [new Date(NOW - 90_000).toUTCString(), 0, 6000],
      ['soon', undefined, 6000],
      ['-5', undefined, 6000],
    ] as const
  ).map(
    ([value, retryAfter, wait]): Row => ({
      rule: `Retry-After: ${value}`,
      steps: [stream(A), {status: 429, headers: {'Retry-After': value}}],
      events: ['a'],
      ids: blank(3),
      waits: [3000, wait],
      check: ({retries}) => value === '-5' || assert.equal(retries[1].error.retryAfter, retryAfter),
    }),
  ),
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
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.equal(error.body, 'é€'),
  },
  {
    rule: 'of the body of an error that breaks, there is what came',
    steps: [{status: 500, body: ['half', new Error('reset')]}],
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.equal(error.body, 'half'),
  },
  {
    rule: 'an error without a body',
    steps: [{status: 404, type: null, body: null}],
    error: ['SSEHTTPError', 'http', '404'],
    check: ({error}) => assert.equal(error.body, ''),
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
    error: [
      'SSEError',
      'content-type',
      "Expected Content-Type 'text/event-stream', got 'text/html; charset=utf-8'",
      ADDRESS,
    ],
    status: 200,
    log: ['request 1', 'close 1'],
    check: ({client}) => assert.equal(client.response.headers.get('x-a'), 'b'),
  },
  {
    rule: 'a missing content type is final',
    steps: [{type: null, body: [A]}, stream(B)],
    error: ['SSEError', 'content-type', "Expected Content-Type 'text/event-stream', got "],
  },
  {
    rule: 'a wrong content type is final also after open',
    steps: [stream(A), {type: 'application/json', body: ['{}']}],
    events: ['a'],
    ids: blank(2),
    waits: [3000],
    error: ['SSEError', 'content-type', "'application/json'"],
  },
  ...['Text/Event-Stream', 'text/event-stream;charset=UTF-8', 'text/event-stream ; a="b;c"'].map(
    (type): Row => ({
      rule: `Content-Type: ${type}`,
      options: {reconnect: false},
      steps: [{type, body: [A]}],
      events: ['a'],
    }),
  ),
  ...['text/event-streams', 'x-text/event-stream', 'text/plain;text/event-stream'].map(
    (type): Row => ({
      rule: `Content-Type: ${type}`,
      options: {reconnect: false},
      steps: [{type, body: [A]}],
      error: ['SSEError', 'content-type', `'${type}'`],
    }),
  ),
  {
    rule: 'without headers the content type is not checked',
    options: {reconnect: false},
    steps: [{headers: null, body: [A]}],
    events: ['a'],
  },
  {
    rule: 'a body that is null is a clean end',
    steps: [{body: null}],
    ids: blank(2),
    waits: [3000],
  },
  ...[201, 202, 206].map(
    (status): Row => ({
      rule: `GET: ${status} does not open`,
      steps: [{status, body: [A]}],
      error: ['SSEHTTPError', 'http', `${status}`],
    }),
  ),
  ...[200, 201, 202].map(
    (status): Row => ({
      rule: `POST: ${status} opens`,
      options: POST,
      steps: [{status, body: [A]}],
      events: ['a'],
    }),
  ),
  {rule: 'POST: 204 ends quietly', options: POST, steps: [{status: 204, body: null}]},
  {
    rule: 'POST: 205 does not open',
    options: POST,
    steps: [{status: 205, body: null}],
    error: ['SSEHTTPError', 'http', '205'],
  },
  {
    rule: 'POST: the content type is checked, too',
    options: POST,
    steps: [{status: 201, type: 'application/json', body: ['{}']}],
    error: ['SSEError', 'content-type', "'application/json'"],
  },

  // Redirects
  ...[301, 302, 303, 307, 308].map(
    (status): Row => ({
      rule: `a GET follows ${status}, and reconnects to the original URL`,
      options: {headers: {'X-Key': 'secret'}, lastEventId: '1'},
      steps: [to('/moved?a=b', status), stream(A), to('/again', status), stream(B)],
      events: ['a', 'b'],
      ids: ['1', '1', '1', '1', '1'],
      waits: [3000, 3000],
      check({script: {sent, open}}) {
        const moved = ['http://sse.test/moved?a=b', 'http://sse.test/again'];
        assert.deepEqual(
          sent.map(({url}) => url),
          [ADDRESS, moved[0], ADDRESS, moved[1], ADDRESS],
        );
        assert.deepEqual(
          sent.map(({headers}) => headers['x-key']),
          Array(5).fill('secret'),
        );
        assert.equal(open, 0);
      },
    }),
  ),
  {
    rule: 'a redirect to another origin takes no header and no id along, also on its way back',
    options: {
      headers: {Authorization: 'Bearer t', Cookie: 'c=d', 'X-Key': 'k', Accept: STREAM},
      lastEventId: '1',
    },
    steps: [to('http://other.test/x'), to('http://sse.test/y'), stream(`id: 2\n${A}`)],
    events: ['a'],
    ids: ['1', '', '', '2'],
    waits: [3000],
    check({script: {sent}}) {
      assert.deepEqual(
        sent.map(({url}) => url),
        [ADDRESS, 'http://other.test/x', 'http://sse.test/y', ADDRESS],
      );
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
    events: ['a', 'a'],
    ids: blank(5),
    waits: [3000, 3000],
    check: ({script: {sent}}) =>
      assert.deepEqual(
        sent.map(({headers}) => headers['x-key']),
        ['k', undefined, 'k', undefined, 'k'],
      ),
  },
  {
    rule: 'userinfo in a Location is dropped',
    steps: [to('http://u:p@sse.test/y')],
    ids: blank(2),
    check({script: {sent}}) {
      assert.equal(sent[1]!.url, 'http://sse.test/y');
    },
  },
  {
    rule: 'a Location is relative to where it came from',
    steps: [to('/a/b'), to('c')],
    ids: blank(3),
    check: ({script: {sent}}) => assert.equal(sent[2]!.url, 'http://sse.test/a/c'),
  },
  {
    rule: '20 redirects are followed',
    steps: [...Array.from({length: 20}, () => to('/on')), stream(A)],
    events: ['a'],
    options: {maxRetries: 0},
    ids: blank(21),
    error: ['SSEConnectionError', 'connection'],
  },
  {
    rule: '21 are too many',
    steps: Array.from({length: 30}, (_, index) => to(`/${index}`)),
    ids: blank(21),
    error: ['SSEError', 'redirect', ADDRESS],
  },
  {
    rule: 'the redirects of two attempts do not add up',
    steps: [
      ...Array.from({length: 15}, () => to('/on')),
      new Error('cut'),
      ...Array.from({length: 15}, () => to('/on')),
      stream(A),
    ],
    events: ['a'],
    ids: blank(33),
    waits: [3000, 3000],
  },
  {
    rule: 'a redirect to another scheme is refused',
    steps: [to('ftp://sse.test/')],
    error: ['SSEError', 'redirect', ADDRESS],
  },
  {
    rule: 'a redirect to no URL is refused',
    steps: [to('http://')],
    error: ['SSEError', 'redirect', ADDRESS],
  },
  {
    rule: 'a redirect without Location is an HTTP error',
    steps: [{status: 302, type: null}],
    error: ['SSEHTTPError', 'http', '302'],
  },
  {
    rule: '304 is no redirect',
    steps: [to('/x', 304)],
    error: ['SSEHTTPError', 'http', '304'],
  },
  {
    rule: 'the URL of an HTTP error is where it came from',
    steps: [to('/moved'), {status: 404}],
    ids: blank(2),
    error: ['SSEHTTPError', 'http', '404', 'http://sse.test/moved'],
    check: ({error}) => assert.equal(error.url, 'http://sse.test/moved'),
  },
  ...[301, 302, 303].map(
    (status): Row => ({
      rule: `a POST is never made a GET by ${status}`,
      options: POST,
      steps: [to('/moved', status), stream(A)],
      error: ['SSEError', 'redirect', `${status}`],
    }),
  ),
  ...[307, 308].map(
    (status): Row => ({
      rule: `a POST follows ${status} as it is`,
      options: {...POST, reconnect: true},
      steps: [to('/moved', status), stream(A)],
      events: ['a'],
      ids: blank(3),
      waits: [3000],
      check: ({script: {sent}}) =>
        assert.deepEqual(
          sent.map(({url, method, body}) => [url, method, body]),
          [
            [ADDRESS, 'POST', 'ask'],
            ['http://sse.test/moved', 'POST', 'ask'],
            [ADDRESS, 'POST', 'ask'],
          ],
        ),
    }),
  ),
  {
    rule: 'a redirect of a request that failed is not remembered',
    steps: [to('/moved'), new Error('cut'), stream(A)],
    events: ['a'],
    ids: blank(4),
    waits: [3000, 3000],
    check: ({script: {sent}}) => assert.equal(sent[2]!.url, ADDRESS),
  },

  // The user's own functions
  {
    rule: 'onComment: the text of each, in order',
    options: (log) => ({
      reconnect: false,
      onComment: (text: string) => log.push(`comment ${text}`),
    }),
    steps: [stream(': one\n:two\n', A, ':\n')],
    events: ['a'],
    log: ['request 1', 'open 1', 'comment one', 'comment two', 'event a', 'comment '],
  },
  {
    rule: 'onOpen: each stream that opened, before its events; not what was refused',
    options: (log) => ({
      onOpen: ({status, headers}: any) => log.push(`opened ${status} ${headers.get('x-a')}`),
    }),
    steps: [{headers: {'X-A': 'b'}, body: [A]}, {status: 503}, {headers: {'x-a': 'c'}, body: []}],
    events: ['a'],
    ids: blank(4),
    waits: [3000, 6000, 12000],
    log: [
      'request 1',
      'opened 200 b',
      'event a',
      'retry 3000',
      'wait 3000',
      'request 2',
      'retry 6000',
      'wait 6000',
      'request 3',
      'opened 200 c',
      'retry 12000',
      'wait 12000',
      'request 4',
    ],
  },
  {
    rule: 'onOpen that throws ends the loop, and closes',
    options: {onOpen: throws},
    steps: [stream(A), stream(B)],
    error: boom,
    log: ['request 1', 'close 1'],
  },
  {
    rule: 'onRetry that throws ends the loop',
    options: {onRetry: throws},
    steps: [stream(A), stream(B)],
    events: ['a'],
    error: boom,
  },
  {
    rule: 'onComment that throws ends the loop, and closes',
    options: {onComment: throws},
    steps: [stream(A, ':\n', B), stream(B)],
    events: ['a'],
    error: boom,
    log: ['request 1', 'open 1', 'event a', 'close 1'],
  },
  {
    rule: 'until that throws ends the loop, and closes',
    options: {until: throws},
    steps: [stream(A, B), stream(B)],
    error: boom,
    log: ['request 1', 'open 1', 'close 1'],
  },
  {
    rule: 'sleep that throws ends the loop',
    options: {sleep: throws},
    steps: [new Error('cut'), stream(B)],
    error: boom,
  },
  {
    rule: 'a sleep that returns a promise in the blocking loop says what to do',
    kinds: [BLOCKING],
    options: {sleep: async () => {}},
    steps: [new Error('cut'), stream(A)],
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
    const {events, error} = await consume(kind, client, ({data}) =>
      script.log.push(`event ${data}`),
    );
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
    stream(`id: 1\n${A}id: 2\n${B}`),
    stream('id: 2\ndata: b\n\n'),
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
  assert.deepEqual(
    [client.lastEventId, client.retry, client.state, client.response],
    ['', undefined, 'idle', undefined],
  );
  const seen: unknown[] = [];
  await consume(kind, client, () => {
    seen.push([client.lastEventId, client.retry, client.state, client.response.status]);
  });
  assert.deepEqual(seen, [
    ['1', 7, 'open', 200],
    ['2', 8, 'open', 200],
  ]);
  assert.equal(script.sent.length, 2);
});

each(KINDS, 'the states in their order', async (kind) => {
  const states: string[] = [];
  const note = () => void states.push(client.state);
  const {client} = scripted(kind, [new Error('cut'), stream(A)], {
    headers: () => (note(), {}),
    onOpen: note,
    sleep: note,
  });
  await consume(kind, client, note);
  assert.deepEqual(states, [
    'connecting',
    'waiting',
    'connecting',
    'open',
    'open',
    'waiting',
    'connecting',
  ]);
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
  const {script, client} = scripted(
    kind,
    [stream('data: {"a":1}\n\n', 'data: [2]\n\ndata: [DONE]\n\ndata: 3\n\n', A)],
    POST,
  );
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
  assert.ok((await opens(kind, client).catch((caught) => caught)) instanceof SSEError);
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
  assert.ok((await settled(opening)) instanceof SSEError);
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
      const {script, client} = scripted(kind, [stream(body), stream(B)], {
        [name]: () => void client.close(),
      });
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
      const {script, client} = scripted(kind, [new Error('cut'), stream(A)], {
        [name]: leave,
        signal: controller.signal,
        ...(name === 'body' ? {method: 'POST'} : {}),
      });
      const {events, error} = await consume(kind, client);
      assert.deepEqual([events, error], [[], way === 'abort' ? boom : undefined], name);
      assert.deepEqual(script.sent.length, name === 'sleep' ? 1 : 0, `${way} in ${name}`);
      assert.equal(script.open, 0);
    }
  }
});

/** A client whose next() is pending, in the way that `what` says. */
async function pending(kind: Kind, what: string, options: any = {}) {
  const steps: Step[] =
    what === 'connecting' ? ['silence'] : what === 'waiting' ? [stream(A)] : [HELD];
  const more: Step[] = [stream(`id: 9\n${B}`)];
  const found = scripted(kind, [...steps, ...more], {
    ...(what === 'waiting' ? {sleep: () => new Promise(() => {})} : {}),
    ...options,
  });
  const loop = loopOf(kind, found.client);
  if (what !== 'connecting') assert.equal((await loop.next()).value.data, 'a');
  const wait = next(loop).then(
    (result) => result,
    (error) => ({error}),
  );
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
    assert.equal(((await settled(wait)) as any).done, true);
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
    assert.equal(((await settled(wait)) as any).error, reason);
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
    const {value} = (await settled(wait)) as any;
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
    stream(`id: 1\n${A}id: 2\n${B}`, 'data: lost\n\n'),
    stream('data: c\n\n', 'data: d\n\n'),
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
    const {script, client} = scripted(kind, [stream(':\n', new Error('cut')), stream(B, A)], {
      [name]: again,
    });
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

each(AWAITING, 'a loop that is still ending leaves the next one alone', async (kind) => {
  const {script, client} = scripted(kind, [HELD, stream(B)], {reconnect: true});
  const loop = loopOf(kind, client);
  await loop.next();
  const wait = next(loop);
  assert.equal(await settled(wait), 'pending');
  const returned = loop.return();
  const later = loopOf(kind, client);
  assert.equal((await later.next()).value?.data, 'b');
  assert.equal(((await wait) as any).done, true);
  assert.equal((await returned).done, true);
  await later.return();
  assert.deepEqual([script.sent.length, script.open], [2, 0]);
});

// Whatever the moment: after n turns of the microtask queue, for every n that there is one for.
for (const [what, end] of Object.entries({
  'close()': ({client}: any): void => void client.close(),
  'return()': ({loop}: any): void => void loop.return(),
  abort: ({controller}: any) => controller.abort('enough'),
})) {
  each(AWAITING, `${what} in any microtask`, async (kind) => {
    for (let moment = 0; moment < 60; moment++) {
      const controller = new AbortController();
      const {script, client, retries} = scripted(kind, [stream(A), stream(B)], {
        signal: controller.signal,
        headers: async () => ({}),
      });
      const loop = loopOf(kind, client);
      const running = (async () => {
        while (!(await loop.next()).done);
      })().catch((error) => error);
      for (let n = 0; n < moment; n++) await undefined;
      const [requests, waits] = [script.sent.length, retries.length];
      end({client, loop, controller});
      const state = client.state;
      const outcome = await settled(running);
      if (what === 'abort' && script.sent.length < 3) {
        assert.ok(outcome === 'enough' || outcome === undefined, `${moment}: ${outcome}`);
      }
      assert.equal(script.open, 0, `${moment}: left open`);
      assert.equal(script.sent.length, requests, `${moment}: a request after it`);
      assert.equal(retries.length, waits, `${moment}: a reconnection after it`);
      if (what === 'close()') assert.deepEqual([state, client.state], ['closed', 'closed']);
    }
  });
}

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

each(KINDS, 'closed in the middle of what it calls, it stays closed', async (kind) => {
  for (const where of ['transport', 'sleep', 'body', 'broken body']) {
    let client: any;
    const close = () => void client.close();
    const {script, retries, ...found} = scripted(
      kind,
      [stream(A), stream(B)],
      where === 'sleep' ? {sleep: close} : {},
    );
    client = found.client;
    if (where !== 'sleep') {
      const body = {
        [Symbol.iterator]: () => ({
          next: () => {
            close();
            if (where === 'broken body') throw new Error('reset');
            return {done: true, value: undefined};
          },
        }),
      };
      const answer = () => {
        if (where === 'transport') close();
        return {status: 200, body};
      };
      client = new kind.Client(ADDRESS, {
        transport: answer as any,
        onRetry: (r) => retries.push(r),
      });
    }
    const {events, error} = await consume(kind, client);
    assert.equal(error, undefined, where);
    assert.deepEqual(dataOf(events), where === 'sleep' ? ['a'] : [], where);
    assert.equal(client.state, 'closed', where);
    assert.equal(retries.length, where === 'sleep' ? 1 : 0, where);
    assert.ok(script.sent.length <= 1, where);
    assert.deepEqual(await consume(kind, client), {events: [], error: undefined}, where);
  }
});

each(KINDS, 'return() and abort in onComment: nothing more, and no error of ours', async (kind) => {
  for (const body of [`: hi\n${A}`, ': hi\n']) {
    let loop: any;
    const controller = new AbortController();
    const {client, script} = scripted(kind, [stream(body)], {
      signal: controller.signal,
      onComment: () => (kind.isBlocking ? controller.abort('enough') : void loop.return()),
    });
    loop = loopOf(kind, client);
    const outcome = await (async () => next(loop))().catch((error) => error);
    assert.ok(kind.isBlocking ? outcome === 'enough' : outcome.done, String(outcome));
    await turn();
    assert.equal(script.open, 0);
    assert.equal(client.lastEventId, '');
  }
});

each(KINDS, 'until that throws: the event was not handed over', async (kind) => {
  const boom = new Error('boom');
  const {client} = scripted(kind, [stream('id: 1\ndata: a\n\n', 'id: 2\ndata: b\n\n')], {
    until: (event: any) => {
      if (event.id === '2') throw boom;
      return false;
    },
  });
  const {events, error} = await consume(kind, client);
  assert.deepEqual([dataOf(events), error, client.lastEventId], [['a'], boom, '1']);
});

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

each(KINDS, 'json() and open() in any order', async (kind) => {
  if (kind.isBlocking) return;
  const {script, client} = scripted(kind, [stream('data: 1\n\n', 'data: [DONE]\n\n')]);
  const values = client.json();
  await client.open();
  const got = [];
  for await (const value of values) got.push(value);
  assert.deepEqual([got, script.sent.length], [[1], 1]);
});

each(AWAITING, 'open(), reconnect(), open(): the new response', async (kind) => {
  const {script, client} = scripted(kind, [HELD, stream(B)]);
  const first = await client.open();
  client.reconnect();
  const second = await client.open();
  assert.notEqual(first, second);
  const loop = loopOf(kind, client);
  assert.equal((await loop.next()).value.data, 'b');
  await loop.return();
  assert.deepEqual([script.sent.length, script.open], [2, 0]);
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

each(KINDS, 'a response whose headers are a record, also one with a symbol in it', async (kind) => {
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
});

test('httpTransport() without node:http, or with a body that it cannot send', async () => {
  without(process, 'getBuiltinModule', () => {
    assertError(
      thrown(() => httpTransport()),
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
      thrown(() => httpTransport()),
      'SSEError',
      'unsupported',
      'leave out the transport',
    );
  }));

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

test('a userinfo is refused and not shown, however it is written', () => {
  const urls = [
    'http:\\\\u:secret@h/',
    'http:\\\\u:secret@h:99999',
    // a path of the page's own origin; Chromium takes a space
    ...(IS_PAGE ? [] : ['http:/u:secret@h/', 'http://a b/']),
    'u:secret@h:80/path',
    '//u:secret@h/',
    'http://u:secret@',
    'http://u:secret@h:99999/',
    'http://u:secret@[/',
    'http://[',
  ];
  for (const url of urls) {
    const error = thrown(() => asyncConnect(url));
    assert.equal(error.name, 'TypeError', url);
    assert.doesNotMatch(error.message, /secret/, url);
  }
  const response = {status: 500, url: 'http://u:secret@h/', body: null};
  const error = thrown(() => [...(EventSource.from(response) as any)]);
  assert.doesNotMatch(error.message + error.url, /secret/);
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

test('options that are no object', () => {
  for (const options of [null, fetch, 'POST', 5]) {
    for (const make of MAKERS) {
      assertError(
        thrown(() => make(ADDRESS, options as any)),
        'TypeError',
        undefined,
        'options',
      );
    }
  }
});

test('what fetch would send as [object Object] is refused', () => {
  assertError(
    thrown(() => asyncConnect(ADDRESS, {body: 5 as any})),
    'TypeError',
    undefined,
    'body',
  );
  assertError(
    thrown(() => asyncConnect(ADDRESS, {body: {a: 1} as any})),
    'TypeError',
    undefined,
    'body',
    'json',
  );
  assertError(
    thrown(() => asyncConnect(ADDRESS, {reconnect: 'no' as any})),
    'TypeError',
    undefined,
    'reconnect',
  );
  assert.equal(asyncConnect(ADDRESS, {body: null as any}).state, 'idle');
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

each([ASYNC], 'a transport that fails after close() makes no unhandled rejection', async (kind) => {
  let fail = (): void => {};
  const client: any = new kind.Client(ADDRESS, {
    transport: () => new Promise((_, reject) => (fail = () => reject(boom))) as any,
  });
  const wait = next(loopOf(kind, client));
  await turn();
  await client.close();
  fail();
  assert.equal(((await settled(wait)) as any).done, true);
});

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

for (const [what, body] of [
  ['text', A + B],
  ['bytes', bytes(A + B)],
  ['a list', [A, bytes(B)]],
  ['a generator', null],
  ['nothing', undefined],
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
  assertError(
    (await consume(kind, client)).error,
    'SSEConnectionError',
    'connection',
    'after 0 retries',
    '5 ms',
  );
  assert.equal(script.sent.length, 1);
});

each(AWAITING, 'the body of an error is waited for no longer than timeout', async (kind) => {
  const {script, client} = scripted(kind, [{status: 500, body: ['half'], then: 'silence'}], {
    timeout: 5,
  });
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
  assert.deepEqual(seen, [
    [30_000, 300_000],
    [5, 6],
  ]);
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
const wrong: [
  what: string,
  url: any,
  options: any,
  kind: 'TypeError' | 'RangeError' | 'either',
  ...words: string[],
][] = [
  ['an ftp URL', 'ftp://sse.test/', {}, 'TypeError', 'url', 'ftp://sse.test/'],
  ['userinfo', 'http://user:secret@sse.test/', {}, 'TypeError', 'url'],
  ['undefined as URL', undefined, {}, 'TypeError'],
  ['transport: null', ADDRESS, {transport: null}, 'TypeError', 'transport'],
  ['a transport that is no function', ADDRESS, {transport: {}}, 'TypeError', 'transport'],
  [
    'verify: false with a transport',
    ADDRESS,
    {transport: always, verify: false},
    'TypeError',
    'verify',
  ],
  ...['retryInterval', 'maxRetryInterval', 'timeout', 'idleTimeout'].flatMap((name) =>
    [NaN, -1, '5', {}].map((value): any => [
      `${name}: ${JSON.stringify(value)}`,
      ADDRESS,
      {[name]: value},
      'either',
      name,
    ]),
  ),
  ...[-2, 1.5, NaN, '3', -Infinity].map((value): any => [
    `maxRetries: ${value}`,
    ADDRESS,
    {maxRetries: value},
    'either',
    'maxRetries',
  ]),
  ...[0, -1, NaN, '10'].map((value): any => [
    `maxEventSize: ${value}`,
    ADDRESS,
    {maxEventSize: value},
    'either',
    'maxEventSize',
  ]),
  ...[503, 'all', ['503'], [NaN]].map((value): any => [
    `retryStatus: ${JSON.stringify(value)}`,
    ADDRESS,
    {retryStatus: value},
    'either',
    'retryStatus',
  ]),
  ...[5, 'a\nb', 'a\0b'].map((value): any => [
    `lastEventId: ${JSON.stringify(value)}`,
    ADDRESS,
    {lastEventId: value},
    'TypeError',
    'lastEventId',
  ]),
  ['a header name with a space', ADDRESS, {headers: {'a b': 'c'}}, 'TypeError', 'headers'],
  ['a header with a line end', ADDRESS, {headers: {'X-A': 'b\r\nc: d'}}, 'TypeError', 'headers'],
  ['body and json', ADDRESS, {body: 'a', json: 1}, 'TypeError', 'body', 'json'],
  [
    'a stream as body, with reconnect',
    ADDRESS,
    {method: 'POST', reconnect: true, body: new ReadableStream()},
    'TypeError',
    'body',
  ],
  [
    'a generator as body, with reconnect',
    ADDRESS,
    {method: 'POST', reconnect: true, body: (function* () {})()},
    'TypeError',
    'body',
  ],
  ...['until', 'onOpen', 'onRetry', 'onComment', 'sleep', 'random'].map((name): any => [
    `${name}: 5`,
    ADDRESS,
    {[name]: 5},
    'TypeError',
    name,
  ]),
  ['a signal that is none', ADDRESS, {signal: {}}, 'TypeError', 'signal'],
  ['init: 5', ADDRESS, {init: 5}, 'TypeError', 'init'],
];

if (!IS_PAGE) {
  wrong.push(
    ['a relative URL', '/events', {}, 'TypeError', 'url', '/events'],
    ['no URL', '', {}, 'TypeError', 'url'],
  );
}
if (!IS_WORKERD) {
  wrong.push(
    ['an empty header name', ADDRESS, {headers: {'': 'c'}}, 'TypeError', 'headers'],
    ['a header that is not Latin-1', ADDRESS, {headers: {'X-A': '€'}}, 'TypeError', 'headers'],
  );
}

for (const [what, url, options, kind, ...words] of wrong) {
  test(`wrong at construction: ${what}`, () => {
    for (const make of MAKERS) {
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
  assert.deepEqual(await consume(ASYNC, asyncConnect(ADDRESS, options as any)), {
    events: [],
    error: undefined,
  });
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
    undefined,
    {},
    {transport: undefined},
    {maxRetries: Infinity},
    {maxRetries: -1},
    {timeout: 0},
    {idleTimeout: Infinity},
    {retryInterval: 0},
    {maxEventSize: Infinity},
    {retryStatus: []},
    {headers: {'X-A': 'é'}},
    {headers: undefined},
    {json: null},
    {verify: true},
    {method: 'POST', body: new ReadableStream()},
    {signal: undefined},
    {init: {}},
    {method: 'POST', reconnect: true, body: () => new ReadableStream()},
  ];
  for (const each of options) {
    for (const make of MAKERS) {
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
// test/support/server.mjs is a process of its own: a blocking client stops the thread that it is in. Both
// loops have their default transports here.

let server: any;
let runs = 0;
const LIVE_LIMIT = 30_000; // ms, for one test; the slowest takes two seconds
const LOOPS: (Kind & {transport?: () => unknown})[] = [
  {...ASYNC, name: 'asyncConnect'},
  {...BLOCKING, name: 'connect'},
  {...ASYNC, name: 'asyncConnect over httpTransport', transport: httpTransport},
];

/** A run of its own on the server. */
const newRun = () => `clients-${process.pid}-${++runs}`;

const pathOf = (path: string, run: string) => `${path}${path.includes('?') ? '&' : '?'}run=${run}`;

/** A client of a scenario. Its waits are recorded, not waited for. */
function live(kind: (typeof LOOPS)[number], path: string, options: any = {}) {
  const run = newRun();
  const waits: number[] = [];
  const retries: any[] = [];
  const client: any = (kind.isBlocking ? connect : asyncConnect)(server.url + pathOf(path, run), {
    sleep: (ms: number) => void waits.push(ms),
    random: () => 0,
    onRetry: (retry: any) => void retries.push(retry),
    transport: kind.transport?.(),
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
  until('the server sees the socket closed', async () => (await server.open(run)) === 0);

function both(rule: string, check: (kind: (typeof LOOPS)[number]) => Promise<void>) {
  for (const kind of LOOPS) {
    test(`${rule} [${kind.name}]`, {timeout: LIVE_LIMIT}, () => check(kind));
  }
}

/** Runs `code` in a Node (or Bun, or Deno) of its own; `sse` is this project. */
function child(code: string, env: Record<string, string> = {}) {
  const file = new URL('./sse.ts', import.meta.url).href;
  const args = IS_DENO ? ['eval'] : IS_BUN ? ['-e'] : ['--input-type=module', '-e'];
  const process_ = spawn(process.execPath, [...args, `import * as sse from '${file}';\n${code}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {...process.env, ...env},
  });
  let output = '';
  let errors = '';
  process_.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  process_.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const done = new Promise<{code: number | null; output: string; errors: string}>((resolve) =>
    process_.once('close', (code) => resolve({code, output, errors})),
  );
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
    client: any;
    events: SSEEvent[];
    error: any;
    retries: any[];
    log: any[];
    kind: Kind;
  }): void;
}

const nine = Array.from({length: 9}, (_, index) => `${index + 1}`);
const wide = nine.map((number) => `${number} é€😀`);
const headersOf = (request: any, name: string): string[] =>
  request.headers
    .filter(([key]: string[]) => key!.toLowerCase() === name)
    .map(([, value]: string[]) => value);
const pathsOf = (log: any[]) => log.map(({path}) => path.split('?')[0]);
const causes = (error: any): any[] => (error ? [error, ...causes(error.cause)] : []);
const cutsOf = (...names: string[]) =>
  names.flatMap((cut) =>
    ['rst', 'fin'].map(
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
      }),
    ),
  );

const scenarios: Scenario[] = [
  {
    rule: 'three events, then 204; exactly these headers on the wire',
    path: '/simple',
    events: ['event 1', 'event 2', 'event 3'],
    ids: ['', '3'],
    waits: [3000],
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
  ...['rst', 'fin'].map(
    (by): Scenario => ({
      rule: `cut inside an event by ${by}, framed by the end of the connection only`,
      path: `/numbers?cut=event&framing=close&by=${by}`,
      events: nine,
    }),
  ),
  {
    rule: 'byte by byte, CRLF, BOM',
    path: '/bytes',
    events: ['é€😀\nline 2', 'end'],
    ids: ['', '2'],
    waits: [100],
    check({events: [first]}) {
      assert.deepEqual([first!.event, first!.id, first!.retry], ['byte', '1', 100]);
    },
  },
  {
    rule: 'a stall ends by idleTimeout',
    path: '/stall?then=204',
    options: {idleTimeout: 200},
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'timeout', '200 ms'),
  },
  {
    rule: 'no headers end by timeout',
    path: '/noheaders?then=204',
    options: {timeout: 200},
    events: [],
    ids: ['', ''],
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'timeout', '200 ms'),
  },
  {rule: '204 on the first request', path: '/204', events: [], ids: ['']},
  ...[301, 307].map(
    (status): Scenario => ({
      rule: `${status} is followed, and the original URL asked again`,
      path: `/${status}`,
      options: {headers: {'X-Key': 'k'}},
      events: ['event 1', 'event 2', 'event 3'],
      ids: ['', '', '3', '3'],
      waits: [3000],
      check({log}) {
        assert.deepEqual(pathsOf(log), [`/${status}`, '/simple', `/${status}`, '/simple']);
        for (const request of log) assert.deepEqual(headersOf(request, 'x-key'), ['k']);
      },
    }),
  ),
  {
    rule: 'nothing secret goes to another origin',
    path: '/cross',
    events: ['event 1', 'event 2', 'event 3'],
    waits: [3000],
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
    rule: 'a redirect loop ends after 20',
    path: '/redirect-loop',
    events: [],
    error: ['SSEError', 'redirect', '/redirect-loop'],
    check: ({log}) => assert.equal(log.length, 21),
  },
  {
    rule: '401 with its body',
    path: '/401?body=who%20are%20you%3F',
    events: [],
    ids: [''],
    error: ['SSEHTTPError', 'http', '401'],
    check({error, client}) {
      assert.equal(error.body, 'who are you?');
      assert.equal(error.headers.get('content-type'), 'text/html');
      assert.equal(client.response.status, 401);
    },
  },
  {
    rule: '500 is no event stream, whatever its body looks like',
    path: '/500',
    events: [],
    ids: [''],
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.match(error.body, /Oops/),
  },
  {
    rule: 'an endless error body is cut at 64 KiB',
    path: '/endless-error',
    events: [],
    ids: [''],
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.equal(error.body.length, 65_536),
  },
  ...[429, 503].map(
    (status): Scenario => ({
      rule: `${status} with Retry-After, once open, is waited for`,
      path: `/${status}`,
      events: ['event 1', 'event 2'],
      ids: ['', '1', '1', '2'],
      waits: [100, 1000, 100],
      check({retries: [, second]}) {
        assert.equal(second.error.status, status);
        assert.equal(second.error.retryAfter, 1000);
        assert.equal(second.error.body, 'come back later');
      },
    }),
  ),
  {
    rule: 'HTML is refused; the response can be inspected',
    path: '/html',
    events: [],
    ids: [''],
    error: ['SSEError', 'content-type', "got 'text/html; charset=utf-8'"],
    check: ({client}) =>
      assert.equal(client.response.headers.get('content-type'), 'text/html; charset=utf-8'),
  },
  {
    rule: 'no content type is refused',
    path: '/notype',
    events: [],
    ids: [''],
    error: ['SSEError', 'content-type', "Expected Content-Type 'text/event-stream'"],
  },
  {
    rule: 'Text/Event-Stream; charset=UTF-8',
    path: '/charset',
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'POST: sent once, whole, and its end is the end',
    path: '/post',
    options: {json: {words: ['é', 'b']}},
    ids: [''],
    events: ['{"index":0,"text":"é"}', '{"index":1,"text":"b"}', '[DONE]'],
    check({log: [request]}) {
      assert.equal(request.method, 'POST');
      assert.equal(request.body, '{"words":["é","b"]}');
      assert.deepEqual(headersOf(request, 'content-type'), ['application/json']);
    },
  },
  {
    rule: 'POST: truncated',
    path: '/post-truncated',
    ids: [''],
    options: {json: {words: ['a']}, until: ({data}: SSEEvent) => data === '[DONE]'},
    events: ['{"index":0,"text":"a"}'],
    error: ['SSEError', 'truncated'],
  },
  {
    rule: 'POST: cut, and not sent again',
    path: '/post-cut',
    options: {json: {words: ['a']}},
    ids: [''],
    events: ['{"index":0,"text":"a"}'],
    error: ['SSEConnectionError', 'connection', 'after 0 retries'],
  },
  {
    rule: 'POST: 303 makes no GET of it',
    path: '/post-303',
    options: {json: {}},
    ids: [''],
    events: [],
    error: ['SSEError', 'redirect', '303'],
  },
  {
    rule: 'a reset before the headers',
    path: '/reset',
    events: ['event 1'],
    ids: ['', '', '1'],
    waits: [3000, 3000],
  },
  {
    rule: 'a reset after the headers',
    path: '/reset?at=headers',
    events: ['event 1'],
    ids: ['', '', '1'],
    waits: [3000, 3000],
  },
  {
    rule: 'a FIN between chunks',
    path: '/chunked-fin',
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'a FIN before Content-Length is reached',
    path: '/length-short',
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'an id that is not ASCII comes back as UTF-8',
    path: '/ids',
    events: ['event é€ 1'],
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
    const {startServer} = await import(
      new URL('./test/support/start-server.mjs', import.meta.url).href
    );
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
    assert.deepEqual(await jsonOf(kind, client.json()), [
      {index: 0, text: 'a'},
      {index: 1, text: 'b'},
    ]);
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
        assert.deepEqual(
          events.map(({id}) => id),
          ['1', '2'],
        );
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
    const first = await consume(kind, client, ({id}) => (id === '2' ? 'break' : ''));
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
    await until(
      'the flood stands still',
      async () => {
        const {written} = (await log())[0];
        same = written === last ? same + 1 : 0;
        last = written;
        return same >= 5;
      },
      10_000,
    );
    assert.ok(last < 64 * 2 ** 20, `${last} bytes written`);
    // nothing is lost, and it flows again
    for (let id = 2, size = 0; size < last + 2 ** 20; id++) {
      const {value} = await loop.next();
      assert.equal(value.id, `${id}`);
      size += value.data.length;
    }
    await loop.return();
    await allClosed(run);
  });

  both('retry: 0 makes no storm', async (kind) => {
    const {client, log} = live(kind, '/retry0', {sleep: undefined});
    const {events} = await consume(kind, client, ({id}) => (id === '4' ? 'break' : ''));
    assert.deepEqual(
      events.map(({id}) => id),
      ['1', '2', '3', '4'],
    );
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
      maxRetries: 2,
      sleep: (ms) => void waits.push(ms),
      random: () => 0,
    });
    const {error} = await consume(kind, client);
    assertError(
      error,
      'SSEConnectionError',
      'connection',
      `http://127.0.0.1:${port}/`,
      'after 2 retries',
    );
    assert.deepEqual(waits, [3000, 6000]);
    if (IS_DENO) return; // has no codes
    const codes = causes(error.cause).map(({code}) => code);
    assert.ok(
      codes.some((code) => /^E?Conn(ection)?Refused$/i.test(code)),
      String(codes),
    );
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
    assert.deepEqual(
      events.map(({id}) => id),
      ['1', '2', '3', '4', '5', '6', '7', '8'],
    );
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
    }),
  );

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
    }),
  );

  const form = new FormData();
  form.set('a', 'b');
  for (const [what, options] of [
    ['FormData', {body: form}],
    ['URLSearchParams', {body: new URLSearchParams('a=b')}],
    ['a stream', {body: new ReadableStream()}],
    ['a function in init', {init: {dispatcher() {}}}],
  ] as const) {
    test(`${what} cannot be given to a thread: TypeError`, {timeout: LIVE_LIMIT}, async () => {
      const {client, log} = live(BLOCKING, '/post', {method: 'POST', reconnect: false, ...options});
      assertError(
        thrown(() => [...client]),
        'TypeError',
        undefined,
        'thread',
        'for await',
      );
      assert.deepEqual(await log(), [], 'nothing was sent');
    });
  }

  test('200 mixed requests: no error, no socket left', {timeout: LIVE_LIMIT}, async () => {
    const transport = blockingFetch();
    const run = newRun();
    const get = (path: string, options: any = {}) =>
      connect(server.url + pathOf(path, run), {
        transport,
        maxRetries: 0,
        idleTimeout: 5000,
        sleep: () => {},
        ...options,
      });
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
      assertError(
        thrown(() => [...get('/404')]),
        'SSEHTTPError',
        'http',
        '404',
      );
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
    const ended = await Promise.all(
      [
        child(`const [event] = [sse.connect('${url}')[Symbol.iterator]().next().value];
        console.log(event.data);`),
        child(`sse.connect('${url}').openSync(); process.exit(3);`),
        child(`for (const event of sse.connect('${url}')) throw new Error('mine');`),
      ].map(({done}) => done),
    );
    assert.deepEqual(
      ended.map(({code}) => code),
      [0, 3, 1],
    );
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
      if (asked++ % 2) return response.writeHead(204, {connection: 'close'}).end();
      response.writeHead(200, {'content-type': 'text/event-stream', connection: 'close'});
      response.end('data: safe\\n\\n');
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('close', () => process.exit()).resume();`;

  /** A server that gives each connection that answer; what the connections sent, in latin1. */
  async function answering(answer: (socket: Socket) => void) {
    const received: string[] = [];
    const sockets = new Set<Socket>();
    const host = createServer((socket) => {
      const index = received.push('') - 1;
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.setEncoding('latin1').on('data', (data) => (received[index] += data));
      socket.once('data', () => answer(socket));
    }).listen(0, '127.0.0.1');
    await once(host, 'listening');
    const {port} = host.address() as AddressInfo;
    const stop = () => {
      for (const socket of sockets) socket.destroy();
      host.close();
    };
    return {url: `http://127.0.0.1:${port}/`, received, stop};
  }

  const HEAD_ = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';

  test('httpTransport() on the wire: lengths of bodies, bytes of headers', {
    timeout: LIVE_LIMIT,
  }, async () => {
    const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';
    const body = `data: x\n\n`;
    const {url, received, stop} = await answering(
      (socket) =>
        void socket.end(
          `${HEAD_}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
        ),
    );
    const rows: [options: any, head: RegExp, body: string][] = [
      [{method: 'DELETE', body: smuggled}, /content-length: 35\r\n/i, smuggled],
      [{method: 'OPTIONS', json: {a: 1}}, /content-length: 7\r\n/i, '{"a":1}'],
      [{body: 'é', headers: {'Content-Length': '1'}}, /content-length: 2\r\n/i, '\xc3\xa9'],
      [{body: 'x', lastEventId: '€1'}, /last-event-id: \xe2\x82\xac1\r\n/i, 'x'],
      [{body: 'x', headers: {'x-a': 'caf\xe9'}}, /x-a: caf\xe9\r\n/i, 'x'],
      [{body: new Uint16Array([0x6261, 0x6463])}, /content-length: 4\r\n/i, 'abcd'],
    ];
    try {
      for (const [options, head, sent] of rows) {
        received.length = 0;
        const client = asyncConnect(url, {...options, transport: httpTransport()});
        assert.deepEqual(
          (await all(client)).map(({data}) => data),
          ['x'],
        );
        assert.equal(received.length, 1);
        const [start, ...rest] = received[0]!.split('\r\n\r\n');
        assert.match(`${start}\r\n`, head);
        assert.equal(rest.join('\r\n\r\n'), sent);
      }
    } finally {
      stop();
    }
  });

  test('httpTransport(): answers that are none, codings not known, compression cut short', {
    timeout: LIVE_LIMIT,
  }, async () => {
    const events = Array.from({length: 50}, (_, n) => `data: ${n} ${'x'.repeat(n)}\n\n`).join('');
    const zipped = gzipSync(events, {finishFlush: constants.Z_SYNC_FLUSH});
    const chunked = `${HEAD_}transfer-encoding: chunked\r\n`;
    const chunk = Buffer.concat([
      Buffer.from(`${zipped.length.toString(16)}\r\n`),
      zipped,
      Buffer.from('\r\n'),
    ]);
    const rows: [answer: string | Buffer, count: number, code: string, ...words: string[]][] = [
      [
        'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
        0,
        'connection',
        'No response',
      ],
      [`${HEAD_}content-encoding: zstd\r\n\r\ndata: x\n\n`, 0, 'unsupported', 'zstd'],
      [`${HEAD_}content-encoding: gzip, br\r\n\r\ndata: x\n\n`, 0, 'unsupported', 'gzip, br'],
      [
        Buffer.concat([Buffer.from(`${chunked}content-encoding: gzip\r\n\r\n`), chunk]),
        50,
        'connection',
      ],
    ];
    for (const [answer, count, code, ...words] of rows) {
      const {url, stop} = await answering((socket) => void socket.end(answer));
      try {
        const client = asyncConnect(url, {
          reconnect: false,
          timeout: 0,
          transport: httpTransport(),
        });
        const {events: got, error} = await consume(ASYNC, client);
        assert.equal(got.length, count, String(error));
        assertError(
          error,
          code === 'connection' ? 'SSEConnectionError' : 'SSEError',
          code,
          ...words,
        );
      } finally {
        stop();
      }
    }
    const {url, stop} = await answering(
      (socket) => void socket.end(`${HEAD_}content-encoding: none\r\n\r\ndata: x\n\n`),
    );
    const client = asyncConnect(url, {reconnect: false, transport: httpTransport()});
    assert.deepEqual(
      (await all(client)).map(({data}) => data),
      ['x'],
    );
    stop();
  });

  test('httpTransport(): a signal ends the request, and is let go with it', {
    timeout: LIVE_LIMIT,
  }, async () => {
    const {url, stop} = await answering(
      (socket) => void socket.end(`${HEAD_}content-length: 9\r\n\r\ndata: x\n\n`),
    );
    try {
      const listening = new Set();
      const signal = {
        aborted: false,
        reason: undefined,
        addEventListener: (_: string, listener: () => void) => void listening.add(listener),
        removeEventListener: (_: string, listener: () => void) => void listening.delete(listener),
      };
      const send = httpTransport();
      const request = {method: 'GET', headers: {}, redirect: 'manual'} as const;
      const sent = send(url, {...request, signal: signal as any});
      assert.equal(listening.size, 1);
      const reader = ((await sent).body as any).getReader();
      while (!(await reader.read()).done);
      await until('the request is over', async () => !listening.size, 10_000);

      const reason = new Error('enough');
      for (const isLate of [false, true]) {
        const controller = new AbortController();
        if (!isLate) controller.abort(reason);
        const sent = send(url, {...request, signal: controller.signal});
        controller.abort(reason);
        await assert.rejects(async () => await sent, reason);
      }
    } finally {
      stop();
    }
  });

  test('a self-signed certificate: refused, unless verify: false', {
    timeout: LIVE_LIMIT,
    skip: IS_DENO, // where no client can be told
  }, async () => {
    const host = child(tlsServer, {KEY: TLS_KEY, CERT: TLS_CERTIFICATE});
    try {
      const port = await until('TLS server', async () => host.output().trim(), 10_000);
      const url = `https://127.0.0.1:${port}/`;
      for (const kind of LOOPS) {
        const client: any = (kind.isBlocking ? connect : asyncConnect)(url, {
          maxRetries: 0,
          transport: kind.transport?.() as any,
        });
        const {error} = await consume(kind, client);
        assertError(error, 'SSEConnectionError', 'connection');
        assert.ok(causes(error).some(({code}) => code === 'DEPTH_ZERO_SELF_SIGNED_CERT'));
      }
      const client = connect(url, {verify: false, sleep: () => {}});
      assert.deepEqual(
        [...client].map(({data}) => data),
        ['safe'],
      );
      if (!IS_BUN) {
        // whose node:https trusts no less than its fetch: see the runtimes table
        const careless = asyncConnect(url, {
          verify: false,
          sleep: () => {},
          transport: httpTransport(),
        });
        assert.deepEqual(
          (await all(careless)).map(({data}) => data),
          ['safe'],
        );
      }
      // it holds for that client alone
      assertError(
        thrown(() => [...connect(url, {maxRetries: 0})]),
        'SSEConnectionError',
        'connection',
      );
      assert.equal(process.env['NODE_TLS_REJECT_UNAUTHORIZED'], undefined);
    } finally {
      host.process.stdin.end();
      await host.done;
    }
  });

  test('in the end no socket is left', {timeout: LIVE_LIMIT}, () =>
    until('no socket is open', async () => (await server.open()) === 0, 2000).then(() => {}),
  );
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

if (!IS_FAST && !IS_PURE) describe('real sockets', liveTests);
