import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EventParser, EventSource, Reconnection, SSEConnectionError, SSEError, SSEEvent, SSEHTTPError,
  formatEvent,
} from '../../sse.ts';

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
function e(data: string, { event = 'message', id = '', retry }: Partial<Fields> = {}): Fields {
  return { event, data, id, retry };
}

function plain({ event, data, id, retry }: Fields): Fields {
  return { event, data, id, retry };
}

/** All of a source's events in one line of text: cheaper to compare than objects. */
function keyOf(events: readonly Fields[], { lastEventId, retry }: Place): string {
  const all = events.map((each) => [each.event, each.data, each.id, each.retry ?? 'none']);
  return JSON.stringify([all, lastEventId, retry ?? 'none']);
}

/** Small numbers out of a seed, the same ones in every run (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  return (below) => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % below;
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

async function * later<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield * items;
}

function streamOf<T>(items: Iterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.iterator]();
  return new ReadableStream<T>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function headersOf(list: Readonly<Record<string, string>>) {
  return { get: (name: string) => list[name.toLowerCase()] ?? null };
}

const URL_ = 'https://a.test/stream';
const STREAM = { 'content-type': 'text/event-stream' };

// ── 1. Errors ─────────────────────────────────────────────────────────────────────────────────

test('errors: names, codes, classes, facts', () => {
  const plainError = new SSEError('limit', 'too much', 'why');
  assert.ok(plainError instanceof Error);
  assert.deepEqual(
    [plainError.name, plainError.code, plainError.message, plainError.cause],
    ['SSEError', 'limit', 'too much', 'why'],
  );
  assert.equal('cause' in new SSEError('limit', 'too much'), false, 'no cause, no property');

  const headers = headersOf({ 'retry-after': '7' });
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
  const lost = failure(new Reconnection(URL_, { maxRetries: 0 }), (r) => r.lost(cause));
  assert.ok(lost instanceof SSEConnectionError && lost instanceof SSEError);
  assert.deepEqual(
    [lost.name, lost.code, lost.url, lost.retries, lost.cause],
    ['SSEConnectionError', 'connection', URL_, 0, cause],
  );
  assert.ok(String(lost).startsWith('SSEConnectionError: '), String(lost));
});

function failure(
  reconnection: Reconnection, run: (reconnection: Reconnection) => ReturnType<Reconnection['lost']>,
): unknown {
  reconnection.begin(0);
  const decision = run(reconnection);
  assert.equal(decision.kind, 'fail');
  return decision.kind === 'fail' && decision.error;
}

test('errors: SSE connection to URL failed after N retries: CAUSE', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:9');
  const circle = new Error('in a circle');
  circle.cause = circle;
  const rows: [name: string, cause: unknown, retries: number, words: string[]][] = [
    ['one error', new Error('boom'), 0, ['boom']],
    ['one retry', new Error('boom'), 1, ['boom']],
    ['two retries', new Error('boom'), 2, ['boom']],
    ['the reason is in the cause', new TypeError('fetch failed', { cause: refused }), 0,
      ['fetch failed', 'connect ECONNREFUSED 127.0.0.1:9']],
    ['no message', new TypeError('', { cause: refused }), 0, ['ECONNREFUSED']],
    ['causes in a circle', circle, 0, ['in a circle']],
    ['not an error', 'just text', 0, ['just text']],
    ['null', null, 0, ['null']],
  ];
  for (const row of rows) hasMessage(...row);
});

test('errors: a reason without a message has its name', () => {
  hasMessage('no message', new RangeError(), 0, ['RangeError']);
});

test('errors: the reason may be in the cause of the cause', () => {
  const cause = new Error('a', { cause: new Error('b', { cause: new Error('ECONNRESET') }) });
  hasMessage('three errors', cause, 3, ['a', 'b', 'ECONNRESET']);
});

function hasMessage(name: string, cause: unknown, retries: number, words: string[]): void {
  const reconnection = new Reconnection(URL_, { maxRetries: retries, random: () => 0 });
  for (let n = 0; n < retries; n++) {
    reconnection.begin(n);
    assert.equal(reconnection.lost(cause).kind, 'wait', name);
  }
  const error = failure(reconnection, (r) => r.lost(cause));
  assert.ok(error instanceof SSEConnectionError, name);
  assert.equal(error.retries, retries, name);
  assert.equal(error.cause, cause, name);
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
    ['{"a":[1,"é😀",null]}', { a: [1, 'é😀', null] }],
    ['[\n1,\n2]', [1, 2]],
    ['"text"', 'text'],
    ['0', 0],
    ['null', null],
    [' true ', true],
  ];
  for (const [data, value] of rows) {
    const [event] = new EventParser().feed(formatEvent({ data }));
    assert.ok(event instanceof SSEEvent);
    assert.deepEqual(event.json(), value, data);
  }
});

test('events: json() of what is not JSON', () => {
  for (const data of ['', '{"a":', 'undefined', '[DONE]', `{"secret": ${'x'.repeat(1e5)}`]) {
    const [event] = new EventParser().feed(formatEvent({ data }));
    const error = isSSEError(caught(() => event?.json()), 'json');
    assert.ok(error.cause instanceof SyntaxError, data);
    const head = data.slice(0, 8).replaceAll('"', '');
    assert.ok(error.message.replaceAll(/\\?"/g, '').includes(head), error.message);
    assert.ok(error.message.length < 500, 'the head of the data, no dump');
  }
});

type Written = Parameters<typeof formatEvent>[0];

const FORMATTED: [name: string, fields: Written, events: Fields[], comments?: string[]][] = [
  ['data', { data: 'a' }, [e('a')]],
  ['empty data', { data: '' }, [e('')]],
  ['nothing', {}, []],
  ['lines', { data: 'a\nb' }, [e('a\nb')]],
  ['a line end last', { data: 'a\n' }, [e('a\n')]],
  ['only line ends', { data: '\n\n' }, [e('\n\n')]],
  ['CR is a line end', { data: 'a\rb' }, [e('a\nb')]],
  ['CRLF is one', { data: 'a\r\nb' }, [e('a\nb')]],
  ['LF CR is two', { data: 'a\n\rb' }, [e('a\n\nb')]],
  ['a leading space', { data: ' a' }, [e(' a')]],
  ['leading spaces in each line', { data: ' a\n  b ' }, [e(' a\n  b ')]],
  ['a leading colon', { data: ':a' }, [e(':a')]],
  ['data that looks like fields', { data: 'id: 6\n\nevent: x\nretry: 1' },
    [e('id: 6\n\nevent: x\nretry: 1')]],
  ['BOM, NUL, separators of other kinds', { data: '\ufeff\0\u2028\u2029\x85\v\f' },
    [e('\ufeff\0\u2028\u2029\x85\v\f')]],
  ['type', { event: 'x', data: 'a' }, [e('a', { event: 'x' })]],
  ['type with spaces', { event: ' x ', data: 'a' }, [e('a', { event: ' x ' })]],
  ['type message', { event: 'message', data: 'a' }, [e('a')]],
  ['empty type', { event: '', data: 'a' }, [e('a')]],
  ['NUL in the type', { event: '\0', data: 'a' }, [e('a', { event: '\0' })]],
  ['id', { id: '1', data: 'a' }, [e('a', { id: '1' })]],
  ['id with spaces and a colon', { id: ' :1 ', data: 'a' }, [e('a', { id: ' :1 ' })]],
  ['id with U+2028', { id: '1\u20282', data: 'a' }, [e('a', { id: '1\u20282' })]],
  ['retry', { retry: 5, data: 'a' }, [e('a', { retry: 5 })]],
  ['retry 0', { retry: 0, data: 'a' }, [e('a', { retry: 0 })]],
  ['the largest retry', { retry: 2 ** 53 - 1, data: 'a' }, [e('a', { retry: 2 ** 53 - 1 })]],
  ['all of it', { comment: 'c', event: 'x', id: '1', retry: 5, data: 'a\nb' },
    [e('a\nb', { event: 'x', id: '1', retry: 5 })], ['c']],
  ['comment', { comment: 'hi' }, [], ['hi']],
  ['empty comment', { comment: '' }, [], ['']],
  ['comment that looks like an event', { comment: 'data: a\n\ndata: b\r\rdata: c', data: 'd' },
    [e('d')], ['data: a', '', 'data: b', '', 'data: c']],
  ['undefined is left out', { event: undefined, id: undefined, retry: undefined, data: 'a' },
    [e('a')]],
];

test('formatEvent: reads back as it was meant', () => {
  for (const [name, fields, events, expected = []] of FORMATTED) {
    const comments: string[] = [];
    const wire = formatEvent(fields);
    // An event before and one after: what is written touches neither.
    const got = parse(`data: before\n\n${wire}`, { onComment: (text) => comments.push(text) });
    assert.deepEqual(got, [e('before'), ...events], name);
    assert.deepEqual(comments, expected, name);
    assert.ok(!wire.includes('\r') && /(^|\n)\n$/.test(wire), `${name}: ${JSON.stringify(wire)}`);
    assert.deepEqual(parse(wire + wire), [...events, ...events], `${name}, twice`);
  }
  const cleared = parse(formatEvent({ id: '1', data: 'a' }) + formatEvent({ id: '', data: 'b' }));
  assert.deepEqual(cleared, [e('a', { id: '1' }), e('b')], 'an empty id clears');
});

test('formatEvent: random fields read back, and an SSEEvent is written as it was read', () => {
  const random = randomFrom(1);
  const pieces = [
    'a', 'b ', ' ', '  ', ':', 'data: ', 'id:', '\0', '\t', '\ufeff', 'é', '😀', '\u2028', '\x85',
    '\v', '0', '9', 'message', '\\n',
  ];
  const text = (more: string[]) => {
    const from = [...pieces, ...more];
    return Array.from({ length: random(6) }, () => from[random(from.length)]).join('');
  };
  for (let n = 0; n < 500; n++) {
    const fields = {
      event: text([]), data: text(['\n', '\n\n']), id: text([]).replaceAll('\0', ''),
      retry: random(3) ? random(2 ** 31) : undefined, comment: text(['\n', '\r', '\r\n']),
    };
    const expected = [e(fields.data, { ...fields, event: fields.event || 'message' })];
    const events = new EventParser().feed(formatEvent(fields));
    assert.deepEqual(events.map(plain), expected, JSON.stringify(fields));
    assert.deepEqual(parse(events.map(formatEvent).join('')), expected, JSON.stringify(fields));
  }
});

test('formatEvent: nothing gets out of its field', () => {
  const rows: [fields: Record<string, unknown>, type: unknown, word: string][] = [
    [{ event: 'a\nb' }, TypeError, 'event'],
    [{ event: 'a\rb' }, TypeError, 'event'],
    [{ event: 'a\n' }, TypeError, 'event'],
    [{ event: '\r\n\r\ndata: evil' }, TypeError, 'event'],
    [{ id: '1\ndata: evil' }, TypeError, 'id'],
    [{ id: '1\rdata: evil' }, TypeError, 'id'],
    [{ id: '\r' }, TypeError, 'id'],
    [{ id: '1\0' }, TypeError, 'id'],
    [{ event: 5 }, TypeError, 'event'],
    [{ id: {} }, TypeError, 'id'],
    [{ data: 5 }, TypeError, 'data'],
    [{ data: null }, TypeError, 'data'],
    [{ data: { toString: () => 'a' } }, TypeError, 'data'],
    [{ comment: 5 }, TypeError, 'comment'],
    [{ retry: -1 }, RangeError, 'retry'],
    [{ retry: 1.5 }, RangeError, 'retry'],
    [{ retry: NaN }, RangeError, 'retry'],
    [{ retry: Infinity }, RangeError, 'retry'],
    [{ retry: 2 ** 53 }, RangeError, 'retry'],
    [{ retry: '5\ndata: evil' }, RangeError, 'retry'],
  ];
  for (const [fields, type, word] of rows) {
    const error = caught(() => formatEvent({ data: 'a', ...fields } as Written));
    const name = JSON.stringify(fields);
    // A wrong type of `retry` may be either.
    assert.ok(error instanceof (type as ErrorConstructor)
      || typeof fields.retry === 'string' && error instanceof TypeError, `${name}: ${error}`);
    assert.ok(error instanceof Error && error.message.includes(word), `${name}: ${error}`);
  }
});

// ── 3. Decoding ───────────────────────────────────────────────────────────────────────────────

/** A stream as text; or as bytes, written as Latin-1, for what no text comes to. */
type Input = string | { readonly bytes: string };

type Row = readonly [
  rule: string, name: string, input: Input, events: readonly Fields[],
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
      for (let event; (event = parser.next());) take(event, parser);
    }
    return parser;
  },
  'for … of EventSource.from(array)': (chunks, take) => {
    const source = EventSource.from(chunks);
    for (const event of source) take(event, source);
    return source;
  },
};

const ASYNC = 'for await … of EventSource.from(async iterable)';

const ASYNC_FORMS: Readonly<
  Record<string, (chunks: readonly Chunk[], take: Take) => Promise<Place>>
> = {
  'for await … of EventSource.from(array)': async (chunks, take) => {
    const source = EventSource.from(chunks);
    for await (const event of source) take(event, source);
    return source;
  },
  [ASYNC]: async (chunks, take) => {
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
function event2({ id, retry }: Fields): Place {
  return { lastEventId: id, retry };
}

const ENDS = { LF: '\n', CRLF: '\r\n', CR: '\r' };

/** The row with each line end; as it is where it writes its own. */
function variantsOf(input: Input): [end: string, text: string, isText: boolean][] {
  const text = typeof input === 'string' ? input : input.bytes;
  const isText = typeof input === 'string';
  if (text.includes('\r')) return [['own ends', text, isText]];
  return Object.entries(ENDS).map(([name, end]) => [name, text.replaceAll('\n', end), isText]);
}

function bytesOf(text: string, isText: boolean): Uint8Array {
  return isText ? new TextEncoder().encode(text)
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

async function runRow([rule, name, input, events, end]: Row): Promise<void> {
  const last = events.at(-1);
  const place = { lastEventId: last?.id ?? '', retry: last?.retry, ...end };
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
    const shown = { lastEventId: at.lastEventId, retry: at.retry };
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
    for (const [split, chunks] of splits) {
      for (const form in ASYNC_FORMS) {
        // Promises cost most of this file's time: many small chunks with one line end only.
        if (form !== ASYNC && chunks.length > 9 && lineEnd !== 'CRLF') continue;
        check(await ASYNC_FORMS[form]!(chunks, begin()), lineEnd, split, form);
      }
    }
    for (let at = 1; at < bytes.length; at++) {
      splits.push([`bytes, cut at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]]);
    }
    for (const [split, chunks] of splits) {
      for (const form in FORMS) check(FORMS[form]!(chunks, begin()), lineEnd, split, form);
    }
    if (!isText) continue;
    const whole: [form: string, source: EventSource & Iterable<SSEEvent>][]
      = [['new EventSource(text)', new EventSource(text)],
        ['EventSource.from(text)', EventSource.from(text)],
        ['EventSource.from(bytes)', EventSource.from(bytes)]];
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
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/).slice(0, -1);
  const events: Fields[] = [];
  let [data, type, idBuffer, id] = ['', '', '', ''];
  let retry: number | undefined;
  for (const line of lines) {
    if (line === '') {
      id = idBuffer;
      if (data !== '') {
        events.push({ event: type || 'message', data: data.slice(0, -1), id, retry });
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

function runRows(rows: readonly Row[]): void {
  const names = new Set(rows.map(([, name]) => name));
  assert.equal(names.size, rows.length, 'each row has a name of its own');
  for (const row of rows) test(`${row[1]} (${row[0]})`, () => runRow(row));
}

const BOM = '\xef\xbb\xbf';

runRows([
  ['#parsing-an-event-stream', 'a BOM at the start is dropped', '\ufeffdata: a\n\n', [e('a')]],
  ['#parsing-an-event-stream', 'of two BOMs one is dropped', '\ufeff\ufeffdata: a\n\ndata: b\n\n',
    [e('b')]],
  ['#parsing-an-event-stream', 'a BOM before a comment', '\ufeff: c\ndata: a\n\n', [e('a')]],
  ['#parsing-an-event-stream', 'a BOM before a blank line', '\ufeff\ndata: a\n\n', [e('a')]],
  ['#parsing-an-event-stream', 'nothing but a BOM', '\ufeff', []],
  ['#parsing-an-event-stream', 'a BOM in the second line belongs to its field name',
    '\n\ufeffdata: a\n\ndata: b\n\n', [e('b')]],
  ['#parsing-an-event-stream', 'a BOM at the start of data is data', 'data: \ufeffa\n\n',
    [e('\ufeffa')]],
  ['#parsing-an-event-stream', 'a BOM before each event: the first one only',
    '\ufeffdata: a\n\n\ufeffdata: b\n\ndata: c\ufeff\n\n', [e('a'), e('c\ufeff')]],
  ['#parsing-an-event-stream', 'a BOM that is cut off', { bytes: '\xef\xbb' }, []],
  ['#parsing-an-event-stream', 'what begins like a BOM and is none',
    { bytes: '\xef\xbbdata: a\n\ndata: b\n\n' }, [e('b')]],
  ['#parsing-an-event-stream', 'a BOM in bytes', { bytes: `${BOM}data: a\n\n` }, [e('a')]],
  ['#parsing-an-event-stream', 'two BOMs in bytes',
    { bytes: `${BOM}${BOM}data: a\n\ndata: ${BOM}b\n\n` }, [e('\ufeffb')]],
  ['#parsing-an-event-stream', 'UTF-8 of two, three and four bytes',
    'event: é\nid: €\ndata: 😀é€\n\n', [e('😀é€', { event: 'é', id: '€' })]],
  ['invalid UTF-8', 'a byte that is never valid', { bytes: 'data: a\xffb\n\n' }, [e('a\ufffdb')]],
  ['invalid UTF-8', 'a continuation byte alone', { bytes: 'data: a\x80b\n\n' }, [e('a\ufffdb')]],
  ['invalid UTF-8', 'a sequence cut off by ASCII', { bytes: 'data: \xe2\x82a\n\n' },
    [e('\ufffda')]],
  ['invalid UTF-8', 'a sequence cut off by the line end', { bytes: 'data: \xf0\x9f\x98\n\n' },
    [e('\ufffd')]],
  ['invalid UTF-8', 'an overlong form', { bytes: 'data: \xc0\xaf\n\n' }, [e('\ufffd\ufffd')]],
  ['invalid UTF-8', 'a surrogate', { bytes: 'data: \xed\xa0\x80\n\n' },
    [e('\ufffd\ufffd\ufffd')]],
  ['invalid UTF-8', 'a field name with an invalid byte', { bytes: '\xffdata: a\n\ndata: b\n\n' },
    [e('b')]],
  ['invalid UTF-8', 'an id with an invalid byte', { bytes: 'id: \xff\ndata: a\n\n' },
    [e('a', { id: '\ufffd' })]],
  ['invalid UTF-8', 'the stream ends inside a sequence', { bytes: 'data: a\n\ndata: \xf0\x9f' },
    [e('a')]],
]);

test('decoding: a chunk that is neither text nor bytes', () => {
  for (const chunk of [5, null, undefined, {}, [100], new ArrayBuffer(2)]) {
    const parser = new EventParser();
    assert.throws(() => parser.feed(chunk as never), TypeError, String(chunk));
    assert.throws(() => [...EventSource.from([chunk as never])], TypeError, String(chunk));
  }
});

test('decoding: text after bytes that are cut off', () => {
  const chunks = [bytesOf('data: \xe2\x82', false), 'a\n\n', bytesOf('data: \xe2', false),
    bytesOf('\x82\xac\n\n', false), 'data: b\n\n'];
  for (const form in FORMS) {
    const got: string[] = [];
    FORMS[form]!(chunks, (event) => got.push(event.data));
    assert.deepEqual(got, ['\ufffda', '€', 'b'], form);
  }
});

test('decoding: bytes of other kinds of view', () => {
  const bytes = new TextEncoder().encode('data: é\n\n');
  for (const view of [Buffer.from(bytes), bytes.subarray(0)]) {
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

const PARSING: readonly Row[] = [
  // Ends of lines
  [GRAMMAR, 'nothing', '', []],
  [GRAMMAR, 'one event', 'data: a\n\n', [e('a')]],
  [GRAMMAR, 'two events', 'data: a\n\ndata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'many short events', 'data:1\n\ndata:2\n\ndata:3\n\ndata:4\n\n',
    [e('1'), e('2'), e('3'), e('4')]],
  [GRAMMAR, 'an LF, a CRLF and a CR in one stream',
    'data: a\rdata: b\r\ndata: c\n\r\r\ndata: d\n\n', [e('a\nb\nc'), e('d')]],
  [GRAMMAR, 'CR CRLF: two ends', 'data: a\r\r\ndata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'CRLF CR: two ends', 'data: a\r\n\rdata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'LF CR: two ends', 'data: a\n\rdata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'CRLF LF: two ends', 'data: a\r\n\ndata: b\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'CRLF is one end: no blank line', 'data: a\r\ndata: b\r\n\r\n', [e('a\nb')]],
  [GRAMMAR, 'the CR that ends an event ends the stream', 'data: a\r\r', [e('a')]],
  [GRAMMAR, 'the CR that ends an event, then data that begins with no LF',
    'data: a\r\rdata: b\r\r', [e('a'), e('b')]],
  [GRAMMAR, 'blank lines at the start', '\n\n\ndata: a\n\n', [e('a')]],
  [GRAMMAR, 'blank lines between events', 'data: a\n\n\n\n\ndata: b\n\n\n', [e('a'), e('b')]],
  [GRAMMAR, 'nothing but blank lines', '\n\n\n', []],
  ['U+2028, U+2029, U+0085, VT, FF', 'other separators are data',
    'data: a\u2028b\u2029c\x85d\ve\ff\x1cg\n\n', [e('a\u2028b\u2029c\x85d\ve\ff\x1cg')]],
  ['U+2028, U+2029, U+0085, VT, FF', 'other separators end no event',
    'data: a\n\u2028\ndata: b\n\x85\n\n', [e('a\nb')]],

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
  [LINES, 'one space in each field', 'event:  x\nid:  1\ndata: a\n\n',
    [e('a', { event: ' x', id: ' 1' })]],
  [LINES, 'data without a colon', 'data\n\n', [e('')]],
  [LINES, 'data with nothing behind the colon', 'data:\n\n', [e('')]],
  [LINES, 'two lines of data without a colon', 'data\ndata\n\n', [e('\n')]],
  [LINES, 'event without a colon', 'event: x\nevent\ndata: a\n\n', [e('a')]],
  [LINES, 'id without a colon clears', 'id: 1\ndata: a\n\nid\ndata: b\n\n',
    [e('a', { id: '1' }), e('b')]],
  [LINES, 'retry without a colon is not valid', 'retry: 5\nretry\ndata: a\n\n',
    [e('a', { retry: 5 })]],
  [FIELD, 'field names are case-sensitive',
    'Data: x\nDATA: x\ndata: a\nEvent: x\nID: 1\nRETRY: 5\n\n', [e('a')]],
  [FIELD, 'unknown fields', 'foo: 1\nbar\ndata: a\n: c\nbaz:\n\n', [e('a')]],
  [FIELD, 'unknown fields alone', 'foo: 1\n\n', []],
  [FIELD, 'a known name with more behind it',
    'database: x\ndata-x: x\nevents: x\nidx: 1\nretry2: 5\ndataa\nids\ndata: a\n\n', [e('a')]],
  [FIELD, 'a known name cut short', 'dat: x\nda\nevent\ni: 1\nretr: 5\ndata: a\n\n', [e('a')]],
  [FIELD, 'a space before the colon belongs to the name', 'data : x\nid : 1\ndata: a\n\n',
    [e('a')]],
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
  [FIELD, 'data lines around other fields', 'data: a\nevent: x\ndata: b\nid: 1\nfoo\ndata: c\n\n',
    [e('a\nb\nc', { event: 'x', id: '1' })]],
  [FIELD, 'NUL in data', 'data: a\0b\n\n', [e('a\0b')]],
  [FIELD, 'JSON data', 'data: {"a": [1, "b:c"]}\n\n', [e('{"a": [1, "b:c"]}')]],
  [FIELD, 'a long line', `data: ${'0123456789'.repeat(12)}\n\n`, [e('0123456789'.repeat(12))]],

  // Type
  [FIELD, 'a type', 'event: x\ndata: a\n\n', [e('a', { event: 'x' })]],
  [FIELD, 'a type after the data', 'data: a\nevent: x\n\n', [e('a', { event: 'x' })]],
  [FIELD, 'the last type wins', 'event: x\nevent: y\ndata: a\n\n', [e('a', { event: 'y' })]],
  [FIELD, 'a type with a colon and spaces', 'event:  x: y \ndata: a\n\n',
    [e('a', { event: ' x: y ' })]],
  [FIELD, 'NUL in a type', 'event: x\0\ndata: a\n\n', [e('a', { event: 'x\0' })]],
  [DISPATCH, 'an empty type is message', 'event:\ndata: a\n\n', [e('a')]],
  [DISPATCH, 'an empty type clears', 'event: x\nevent:\ndata: a\n\n', [e('a')]],
  [DISPATCH, 'a type is for one event', 'event: x\ndata: a\n\ndata: b\n\n',
    [e('a', { event: 'x' }), e('b')]],
  [DISPATCH, 'a block without data resets the type', 'event: x\n\ndata: a\n\n', [e('a')]],
  [DISPATCH, 'a ping without data is no event', 'event: ping\n\nevent: ping\ndata\n\n',
    [e('', { event: 'ping' })]],

  // Id
  [LAST_ID, 'an id', 'id: 1\ndata: a\n\n', [e('a', { id: '1' })]],
  [LAST_ID, 'an id after the data', 'data: a\nid: 1\n\n', [e('a', { id: '1' })]],
  [LAST_ID, 'an id without a space, twice as long', 'id:1795182046:1,[]-:\ndata: a\n\n',
    [e('a', { id: '1795182046:1,[]-:' })]],
  [LAST_ID, 'an id persists', 'id: 1\ndata: a\n\ndata: b\n\nevent: x\ndata: c\n\n',
    [e('a', { id: '1' }), e('b', { id: '1' }), e('c', { id: '1', event: 'x' })]],
  [LAST_ID, 'the last id of a block wins', 'id: 1\ndata: a\nid: 2\n\n', [e('a', { id: '2' })]],
  [LAST_ID, 'ids of events in a row', 'id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n',
    [e('a', { id: '1' }), e('b', { id: '2' }), e('c', { id: '3' })]],
  [LAST_ID, 'an empty id clears', 'id: 1\ndata: a\n\nid:\ndata: b\n\n',
    [e('a', { id: '1' }), e('b')]],
  [LAST_ID, 'an id without data counts at the blank line', 'data: a\n\nid: 1\n\n', [e('a')],
    { lastEventId: '1' }],
  [LAST_ID, 'an id without data is the next event\'s', 'id: 1\n\ndata: a\n\n',
    [e('a', { id: '1' })]],
  [LAST_ID, 'an empty id without data clears', 'id: 1\ndata: a\n\nid\n\n', [e('a', { id: '1' })],
    { lastEventId: '' }],
  ['stream ends inside a block', 'the id of an unfinished block does not count',
    'id: 1\ndata: a\n\nid: 2\ndata: b\n', [e('a', { id: '1' })]],
  ['stream ends inside a block', 'an id and no blank line', 'id: 1\n', []],
  ['stream ends inside a block', 'an id and no line end', 'data: a\n\nid: 1', [e('a')]],
  ['stream ends inside a block', 'data without a blank line', 'data: a\n\ndata: b\n', [e('a')]],
  ['stream ends inside a block', 'data without a line end', 'data: a\n\ndata: b', [e('a')]],
  [FIELD, 'an id with NUL is ignored', 'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: \0\ndata: c\n\n',
    [e('a', { id: '1' }), e('b', { id: '1' }), e('c', { id: '1' })]],
  [FIELD, 'an id with NUL leaves the one before it in the block', 'id: 2\nid: \x003\ndata: a\n\n',
    [e('a', { id: '2' })]],
  [FIELD, 'an id that is not ASCII', 'id: é€😀\ndata: a\n\n', [e('a', { id: 'é€😀' })]],
  [FIELD, 'a long id', `id: ${'xyz'.repeat(9)}\ndata: a\n\n`, [e('a', { id: 'xyz'.repeat(9) })]],

  // Retry
  [RETRY, 'a retry', 'retry: 5\ndata: a\n\n', [e('a', { retry: 5 })]],
  [RETRY, 'a retry after the data', 'data: a\nretry: 5\n\n', [e('a', { retry: 5 })]],
  [RETRY, 'a retry persists', 'retry: 5\ndata: a\n\ndata: b\n\nretry: 6\ndata: c\n\n',
    [e('a', { retry: 5 }), e('b', { retry: 5 }), e('c', { retry: 6 })]],
  [RETRY, 'a retry counts at once, before any blank line', 'data: a\n\nretry: 5\n', [e('a')],
    { retry: 5 }],
  [RETRY, 'a retry counts though its block has no data', 'retry: 5\n\ndata: a\n\n',
    [e('a', { retry: 5 })]],
  [RETRY, 'a retry needs its line end', 'retry: 5\nretry: 67', [], { retry: 5 }],
  [RETRY, 'the last retry wins', 'retry: 5\nretry: 6\ndata: a\n\n', [e('a', { retry: 6 })]],
  [RETRY, 'a retry of 0', 'retry: 0\ndata: a\n\n', [e('a', { retry: 0 })]],
  [RETRY, 'leading zeros are decimal', 'retry: 0010\ndata: a\n\n', [e('a', { retry: 10 })]],
  [RETRY, 'a retry longer than any timer', 'retry: 99999999999\ndata: a\n\n',
    [e('a', { retry: 99999999999 })]],
  ...[
    '', ' ', '-1', '+5', '1.5', '1e3', '0x10', ' 5', '5 ', '5ms', 'abc', '٣', '５', '5\0', '1_000',
    'Infinity', 'NaN',
  ].map((value): Row => [RETRY, `not a valid retry: ${JSON.stringify(value)}`,
    `retry: 7\nretry: ${value}\ndata: a\n\n`, [e('a', { retry: 7 })]]),

  // What servers send
  ['LLM stream', 'sentinel', 'data: {"x":1}\n\ndata: [DONE]\n\n', [e('{"x":1}'), e('[DONE]')]],
  ['heartbeats', 'comments between events keep id and retry',
    'retry: 5\nid: 1\ndata: a\n\n:\n\n: ping\n\ndata: b\n\n',
    [e('a', { id: '1', retry: 5 }), e('b', { id: '1', retry: 5 })]],
  ['#event-stream-interpretation', 'the first example of the specification',
    'data: YHOO\ndata: +2\ndata: 10\n\n', [e('YHOO\n+2\n10')]],
  ['#event-stream-interpretation', 'the second example of the specification',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n',
    [e('first event', { id: '1' }), e('second event')]],
  ['#event-stream-interpretation', 'the third example of the specification',
    'data\n\ndata\ndata\n\ndata:', [e(''), e('\n')]],
  ['#event-stream-interpretation', 'the fourth example of the specification',
    'data:test\n\ndata: test\n\n', [e('test'), e('test')]],
];

runRows(PARSING);

test('parsing: the rows hold for the specification\'s algorithm as well', () => {
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

test('parsing: noise, against the specification\'s algorithm', () => {
  const random = randomFrom(7);
  const pieces = [
    'data', 'data:', 'data: ', 'event: ', 'event', 'id: ', 'id', 'retry: ', ':', ' ', 'a', 'b', '1',
    '23', '\0', '\ufeff', 'é', '😀', '\u2028', '\n', '\n', '\n\n', '\n\n', '\r', '\r\r', '\r\n',
    '\r\n', '\r\n\r\n', '\n\r', '\x85', 'dat', 'x: y', '\ndata: ', '\rdata:', '\r\ndata\n\n',
  ];
  let count = 0;
  for (let n = 0; n < 1000; n++) {
    const parts = Array.from({ length: 3 + random(30) }, () => pieces[random(pieces.length)]);
    const text = parts.join('');
    const expected = naive(text);
    count += expected.length;
    const input = random(2) ? text : new TextEncoder().encode(text);
    const chunks: Chunk[] = [];
    for (let at = 0; at < input.length;) {
      const size = random(9);
      chunks.push(input.slice(at, at += size));
    }
    for (const form in FORMS) {
      const got: Fields[] = [];
      FORMS[form]!(chunks, (event) => got.push(plain(event)));
      const place = { lastEventId: '', retry: 0 };
      if (keyOf(got, place) !== keyOf(expected, place)) {
        assert.deepEqual(got, expected, JSON.stringify([form, chunks.map(String)]));
      }
    }
  }
  assert.ok(count > 500, `events in the noise: ${count}`);
});

test('parsing: events of thousands of lines, lines of thousands of pieces', () => {
  for (const count of [1023, 1024, 1025, 2500]) {
    const lines = Array.from({ length: count }, (_, n) => n % 7 ? `line ${n}` : '');
    const text = lines.map((line) => `data: ${line}\n`).join('') + '\n';
    const expected = [e(lines.join('\n')), e(lines.join('\n')), e('b')];
    const twice = text + text + 'data: b\n\n';
    for (const size of [9, 1000, twice.length]) {
      const parser = new EventParser();
      const got = cut(twice, size).flatMap((chunk) => parser.feed(chunk)).map(plain);
      assert.ok(keyOf(got, parser) === keyOf(expected, { lastEventId: '', retry: undefined }),
        `${count} lines, ${size} units at a time`);
    }
    const long = 'data: ' + 'x'.repeat(count) + '\ndata: y\n\ndata: z\n\n';
    const parser = new EventParser();
    const got = cut(long, 1).flatMap((chunk) => parser.feed(chunk)).map(plain);
    assert.deepEqual(got, [e('x'.repeat(count) + '\ny'), e('z')], `${count} pieces`);
  }
});

test('parsing: a stream that goes on where another ended', () => {
  const options = { lastEventId: '7' };
  const rows: [name: string, text: string, events: Fields[], lastEventId: string][] = [
    ['events carry the id they began with', 'data: a\n\n', [e('a', { id: '7' })], '7'],
    ['a new id replaces it', 'data: a\n\nid: 8\ndata: b\n\n',
      [e('a', { id: '7' }), e('b', { id: '8' })], '8'],
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
    ['data: a\r', []], ['\r', ['a']], ['\ndata: b\r\n\r', ['b']], ['\n', []], ['', []],
    ['data: c\r\r', ['c']], ['', []], ['\n\n', []], ['data: d\r', []], ['', []], ['\n', []],
    ['\r', ['d']], ['data: e\r', []], ['data: f\r\r', ['e\nf']],
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
  assert.deepEqual(plain(event), e('a', { id: '1' }));
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
        const options = { onComment: (comment: string) => comments.push(comment) };
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
  const forms: Record<string, (p: EventParser, chunk: string, take: (e: SSEEvent) => void) => void>
    = {
      'array': (parser, chunk, take) => parser.feed(chunk).forEach(take),
      'function': (parser, chunk, take) => parser.feed(chunk, take),
      'pull': (parser, chunk, take) => {
        parser.write(chunk);
        for (let event; (event = parser.next());) take(event);
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
      const chunks = Array.from({ length: Math.ceil(text.length / size) },
        (_, n) => text.slice(n * size, n * size + size));
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
      assert.ok(errors.length === 4 && errors.every((error, n) => error === thrown[n]),
        `${form}, ${size}: each error once, in order`);
    }
  }
  const got: string[] = [];
  const boom = new Error('boom');
  const source = new EventSource('data: a\n\n: c\ndata: b\n\n', {
    onComment: () => {
      throw boom;
    },
  });
  assert.equal(caught(() => {
    for (const event of source) got.push(event.data);
  }), boom);
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
  assert.equal(caught(() => parser.feed('data: a\n\ndata: b\n\ndata: c', take)), boom);
  parser.feed('\n\n', take);
  assert.deepEqual(got, ['a', 'b', 'c']);
});

// maxEventSize

type Verdict = { events: Fields[]; isOver: boolean };

const LIMIT_FORMS: Record<string, (chunks: Chunk[], maxEventSize: number) => Verdict> = {
  'feed()': (chunks, maxEventSize) => {
    const parser = new EventParser({ maxEventSize });
    const events: Fields[] = [];
    try {
      // The error of a call that had events to return comes with the call after it.
      for (const chunk of [...chunks, '']) events.push(...parser.feed(chunk).map(plain));
    } catch (error) {
      isSSEError(error, 'limit');
      assert.throws(() => parser.feed(''), { code: 'limit' });
      assert.throws(() => parser.feed('\n\ndata: z\n\n'), { code: 'limit' });
      assert.throws(() => parser.feedLine(''), { code: 'limit' });
      return { events, isOver: true };
    }
    return { events, isOver: false };
  },
  'feed() with a function': (chunks, maxEventSize) => {
    const parser = new EventParser({ maxEventSize });
    const events: Fields[] = [];
    const take = (event: SSEEvent) => events.push(plain(event));
    try {
      for (const chunk of chunks) parser.feed(chunk, take);
    } catch (error) {
      isSSEError(error, 'limit');
      const count = events.length;
      assert.throws(() => parser.feed('\n\ndata: z\n\n', take), { code: 'limit' });
      assert.equal(events.length, count);
      return { events, isOver: true };
    }
    return { events, isOver: false };
  },
  'write() and next()': (chunks, maxEventSize) => {
    const parser = new EventParser({ maxEventSize });
    const events: Fields[] = [];
    try {
      for (const chunk of chunks) {
        parser.write(chunk);
        for (let event; (event = parser.next());) events.push(plain(event));
      }
    } catch (error) {
      isSSEError(error, 'limit');
      const again = () => {
        parser.write('\n\ndata: z\n\n');
        parser.next();
      };
      assert.throws(again, { code: 'limit' });
      assert.throws(again, { code: 'limit' });
      return { events, isOver: true };
    }
    return { events, isOver: false };
  },
  'EventSource': (chunks, maxEventSize) => {
    const events: Fields[] = [];
    try {
      for (const event of EventSource.from(chunks, { maxEventSize })) events.push(plain(event));
    } catch (error) {
      isSSEError(error, 'limit');
      return { events, isOver: true };
    }
    return { events, isOver: false };
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
  ['data lines below together', `${`data:${x(5)}\n`.repeat(4)}\ndata: b\n\n`,
    [e([x(5), x(5), x(5), x(5)].join('\n')), e('b')], false],
  ['empty data lines above together', `data: a\n\n${'data\n'.repeat(60)}\n`, [e('a')], true],
  ['a type above', `data: a\n\nevent:${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['an id above', `data: a\n\nid:${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['a comment above', `data: a\n\n:${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['an unknown field above', `data: a\n\n${x(41)}\ndata: b\n\n`, [e('a')], true],
  ['an unfinished line on top of data', `data: a\n\ndata:${x(25)}\n${x(25)}`, [e('a')], true],
  ['many comments', `${`:${x(9)}\n`.repeat(30)}data: a\n\n`, [e('a')], false],
  ['many comments behind data', `data: a\n${`:${x(9)}\n`.repeat(30)}\n`, [e('a')], false],
  ['many ids and types', `${'id: 1\nevent: x\n'.repeat(30)}data: a\n\n`,
    [e('a', { event: 'x', id: '1' })], false],
  ['many unknown fields', `${'foo: bar\n'.repeat(30)}data: a\n\n`, [e('a')], false],
  ['blank lines', `${'\n'.repeat(100)}data: a\n\n`, [e('a')], false],
];

test('maxEventSize: one verdict, however the stream is cut, after the events before', () => {
  for (const [name, input, events, isOver] of LIMITS) {
    for (const [end, text] of variantsOf(input)) {
      for (const chunks of [[text], ...[1, 2, 7, 30].map((size) => cut(text, size)),
        cut(bytesOf(text, true), 1)]) {
        for (const form in LIMIT_FORMS) {
          const got = LIMIT_FORMS[form]!(chunks, LIMIT);
          const where = `${name} | ${end} | ${chunks.length} chunks | ${form}`;
          assert.deepEqual(got, { events, isOver }, where);
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
          Object.values(LIMIT_FORMS).map((form) => form(chunks, LIMIT).isOver));
        const [first = false] = verdicts;
        assert.ok(verdicts.every((isOver) => isOver === first), `shape ${shape}, ${n}, ${end}`);
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
    const parser = new EventParser({ maxEventSize: limit });
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
  const parser = new EventParser({ maxEventSize: 20 });
  assert.deepEqual(parser.feed(`data: a\n\ndata: b\n\n${x(100)}`).map(plain), [e('a'), e('b')]);
  assert.throws(() => parser.feed('data: c\n\n'), { code: 'limit', name: 'SSEError' });
  assert.throws(() => parser.feed('\n\ndata: d\n\n'), { code: 'limit' });
  assert.throws(() => new EventParser({ maxEventSize: 20 }).feed(x(100)), { code: 'limit' });
});

test('maxEventSize: the message says how much, which limit and what to do', () => {
  const { message } = isSSEError(
    caught(() => new EventParser({ maxEventSize: 2000 }).feed(x(3000))), 'limit');
  assert.match(message, /2[,_ ]?000/);
  assert.match(message, /maxEventSize/);
  assert.ok(message.length < 300, 'no dump');
});

test('maxEventSize: 64 Mi unless told, Infinity is none, what is no size is refused', () => {
  const chunk = x(2 ** 20);
  const parser = new EventParser();
  for (let n = 0; n < 64; n++) parser.write(chunk), parser.next();
  assert.throws(() => {
    parser.write('x');
    parser.next();
  }, { code: 'limit' });
  const endless = new EventParser({ maxEventSize: Infinity });
  for (let n = 0; n < 70; n++) endless.write(chunk), endless.next();
  for (const maxEventSize of [0, -1, NaN, '5x']) {
    const options = { maxEventSize: maxEventSize as number };
    for (const make of [() => new EventParser(options), () => new EventSource('', options)]) {
      const error = caught(make);
      assert.ok(error instanceof RangeError || error instanceof TypeError, String(maxEventSize));
      assert.match(error.message, /maxEventSize/);
    }
  }
});

// ── 5. EventSource ────────────────────────────────────────────────────────────────────────────

const AB = 'id: 1\nretry: 5\ndata: a\n\nid: 2\nretry: 6\ndata: b\n\nid: 3\n\n';
const AB_EVENTS = [e('a', { id: '1', retry: 5 }), e('b', { id: '2', retry: 6 })];
const AB_LINES = AB.split('\n').slice(0, -1);

function * generate<T>(items: Iterable<T>): Generator<T> {
  yield * items;
}

type Source = ConstructorParameters<typeof EventSource>[0];
type Stream = Parameters<typeof EventSource.from>[0];

const bytesOfText = (text: string) => new TextEncoder().encode(text);

/** Each kind of input; all give the same events. */
const SOURCES: [
  name: string, isSync: boolean, make: () => Source | Stream, isStream?: boolean,
][] = [
  ['lines: a text', true, () => AB],
  ['lines: a text with CRLF', true, () => AB.replaceAll('\n', '\r\n')],
  ['lines: an array', true, () => AB_LINES],
  ['lines: a set', true, () => new Set(['id: 1', 'retry: 5', 'data: a', '', 'id: 2\nretry: 6',
    'data: b\n\nid: 3\n\n'])],
  ['lines: a generator', true, () => generate(AB_LINES)],
  ['lines: each with a LF', true, () => AB_LINES.map((line) => line + '\n')],
  ['lines: each with a CRLF', true, () => AB_LINES.map((line) => line + '\r\n')],
  ['lines: each with a CR', true, () => AB_LINES.map((line) => line + '\r')],
  ['lines: some with an end', true, () => AB_LINES.map((line, n) => line + (n % 2 ? '\n' : ''))],
  ['lines: a line with an inner end counts as two', true,
    () => ['id: 1\nretry: 5', 'data: a\r', '', 'id: 2\r\nretry: 6\rdata: b', '\n', 'id: 3\n\n']],
  ['lines: an async generator', false, () => later(AB_LINES)],
  ['lines: a ReadableStream', false, () => streamOf(AB_LINES) as unknown as AsyncIterable<string>],
  ['from: a text', true, () => AB, true],
  ['from: bytes', true, () => bytesOfText(AB) as Stream, true],
  ['from: an array of text', true, () => cut(AB, 5), true],
  ['from: an array of bytes', true, () => cut(bytesOfText(AB), 5), true],
  ['from: an array of text and bytes', true,
    () => [AB.slice(0, 5), bytesOfText(AB.slice(5, 9)), '', AB.slice(9)], true],
  ['from: a generator', true, () => generate(cut(AB, 3)), true],
  ['from: an async generator', false, () => later(cut(bytesOfText(AB), 3)), true],
  ['from: a ReadableStream', false, () => streamOf(cut(bytesOfText(AB), 3)), true],
  ['from: what has a reader and nothing else', false, () => {
    const reader = streamOf(cut(bytesOfText(AB), 3)).getReader();
    return { getReader: () => reader } as Stream;
  }, true],
  ['from: a Response', false, () => new Response(AB, { headers: STREAM }) as Stream, true],
  ['from: what is like a response, with a text', false, () => ({ body: AB }), true],
  ['from: what is like a response, with an iterable', false,
    () => ({ status: 200, headers: headersOf(STREAM), body: cut(AB, 3) }), true],
];

for (const [name, isSync, make, isStream] of SOURCES) {
  const open = () => (isStream ? EventSource.from(make() as Stream)
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
    for (const make of [() => new EventSource(value as never),
      () => EventSource.from(value as never)]) {
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
    ['a Response', EventSource.from(new Response(AB, { headers: STREAM }) as Stream)],
  ];
  for (const [name, source] of rows) {
    const { json } = source as { json(): Iterable<unknown> };
    for (const loop of [() => [...source as Iterable<SSEEvent>], () => [...json.call(source)]]) {
      const error = caught(loop);
      assert.ok(error instanceof TypeError, `${name}: ${error}`);
      assert.match(error.message, /for await/, name);
    }
  }
});

/** An iterator that keeps count of what is asked of it. */
function counted(items: readonly string[], failAt = Infinity) {
  const calls = { next: 0, return: 0 };
  const boom = new Error('the source broke');
  const result = (): IteratorResult<string> => {
    if (calls.next === failAt) throw boom;
    const value = items[calls.next++];
    return value === undefined ? { done: true, value } : { done: false, value };
  };
  const close = (): IteratorResult<string> => {
    calls.return++;
    return { done: true, value: undefined };
  };
  return {
    calls,
    boom,
    sync: { [Symbol.iterator]: () => ({ next: result, return: close }) },
    async: { [Symbol.asyncIterator]: () => ({
      next: async () => result(), return: async () => close(),
    }) },
    stream: { getReader: () => ({
      read: async () => result(),
      cancel: async () => void close(),
      releaseLock() {},
    }) },
  };
}

const TEN = Array.from({ length: 10 }, (_, n) => `data: ${n}\n\n`);
const MANY_IN_ONE = ['data: 0\n\ndata: 1\n\ndata: 2\n\n', ...TEN];

test('EventSource: a loop that is left closes its source, once, reads nothing ahead', async () => {
  const boom = new Error('the user\'s own');
  for (const [items, reads] of [[TEN, 2], [MANY_IN_ONE, 1]] as const) {
    for (const lines of [false, true]) {
      for (const leave of ['break', 'throw', 'done', 'bad JSON'] as const) {
        const where = `${leave}, ${lines ? 'lines' : 'chunks'}, ${reads} reads`;
        /** Two events, then out. */
        const step = (count: number) => {
          if (count === 2 && leave === 'throw') throw boom;
          return count === 2 && leave === 'break';
        };
        const what = leave === 'done' ? { done: '1' } : undefined;
        const texts = leave === 'bad JSON'
          ? items.map((item) => item.replace(': 1', ': {')) : items;
        const isJSON = leave === 'done' || leave === 'bad JSON';
        const expected = { next: reads, return: 1 };

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

test('EventSource: the parser\'s errors close the source too', async () => {
  const options = { maxEventSize: 20 };
  const big = ['data: 0\n\n', x(100), 'data: 1\n\n'];
  const sync = counted(big);
  isSSEError(caught(() => [...EventSource.from(sync.sync, options)]), 'limit');
  assert.deepEqual(sync.calls, { next: 2, return: 1 });
  for (const kind of ['async', 'stream'] as const) {
    const counts = counted(big);
    const source = EventSource.from(counts[kind] as AsyncIterable<string>, options);
    const got: string[] = [];
    isSSEError(await rejected(async () => {
      for await (const event of source) got.push(event.data);
    }), 'limit');
    assert.deepEqual(got, ['0'], 'what came before is handed out');
    assert.deepEqual(counts.calls, { next: 2, return: 1 }, kind);
  }
});

test('EventSource: generators run their finally, however the loop ends', async () => {
  let closed = 0;
  function * sync() {
    try {
      yield * TEN;
    } finally {
      closed++;
    }
  }
  async function * async() {
    try {
      yield * TEN;
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
    for (const make of [() => new EventSource(async()), () => EventSource.from(async()),
      () => new EventSource(sync()), () => EventSource.from(sync())]) {
      closed = 0;
      for await (const _ of make()) if (isLeft) break;
      assert.equal(closed, 1, 'closed by the time the loop is over');
    }
  }
});

test('EventSource: what the source throws comes out as it is, after the events', async () => {
  const sync = counted(TEN, 2);
  const got: string[] = [];
  assert.equal(caught(() => {
    for (const event of EventSource.from(sync.sync)) got.push(event.data);
  }), sync.boom);
  for (const kind of ['async', 'stream'] as const) {
    const counts = counted(TEN, 2);
    assert.equal(await rejected(async () => {
      const source = EventSource.from(counts[kind] as AsyncIterable<string>);
      for await (const event of source) got.push(event.data);
    }), counts.boom);
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
    await new Promise(setImmediate);
    assert.equal(counts.calls.next, 1, kind);
    await iterator.return!();
    assert.equal(counts.calls.return, 1, kind);
    assert.deepEqual(await iterator.next(), { done: true, value: undefined }, kind);
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
  const options = { lastEventId: '7', onComment: (text: string) => comments.push(text) };
  for (const source of [new EventSource(': c\ndata: a\n\n', options),
    EventSource.from([': c\nda', 'ta: a\n\n'], options)]) {
    assert.equal(source.lastEventId, '7');
    assert.deepEqual([...source].map(plain), [e('a', { id: '7' })]);
    assert.deepEqual((await all(source)).map(plain), [e('a', { id: '7' })]);
  }
  assert.deepEqual(comments, ['c', 'c', 'c', 'c']);
});

test('EventSource: json()', async () => {
  const rows: [name: string, data: string[], options: { done: string | null } | undefined,
    values: unknown[], isBad?: boolean][] = [
    ['to the end', ['1', '{"a":2}', '"x"'], undefined, [1, { a: 2 }, 'x']],
    ['[DONE] ends it', ['1', '[DONE]', '3'], undefined, [1]],
    ['[DONE] at once', ['[DONE]'], undefined, []],
    ['no event', [], undefined, []],
    ['another sentinel', ['1', '[END]', '3'], { done: '[END]' }, [1]],
    ['another sentinel: [DONE] is none', ['1', '[DONE]'], { done: '[END]' }, [1], true],
    ['a sentinel that is JSON', ['1', 'null', '3'], { done: 'null' }, [1]],
    ['an empty sentinel', ['1', '', '3'], { done: '' }, [1]],
    ['null: no sentinel', ['1', '[2]'], { done: null }, [1, [2]]],
    ['null: [DONE] is bad JSON', ['1', '[DONE]', '3'], { done: null }, [1], true],
    ['a sentinel is the whole data', ['1', ' [DONE]'], undefined, [1], true],
    ['bad JSON behind good', ['1', '{', '3'], undefined, [1], true],
    ['empty data is bad JSON', [''], undefined, [], true],
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
    const sources = [EventSource.from(texts), EventSource.from(later(texts)),
      EventSource.from(streamOf(texts))];
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
  assert.deepEqual(await all(EventSource.from(new Response(null, { status: 204 }) as Stream)), []);
});

test('EventSource: responses', async () => {
  const html = { 'content-type': 'text/html' };
  const rows: [name: string, response: object, result: 'events' | 'none' | RegExp][] = [
    ['200', { status: 200, headers: headersOf(STREAM) }, 'events'],
    ['any 2xx', { status: 201, headers: headersOf(STREAM) }, 'events'],
    ['no status', { headers: headersOf(STREAM) }, 'events'],
    ['no headers', { status: 200 }, 'events'],
    ['a charset',
      { headers: headersOf({ 'content-type': 'text/event-stream; charset=UTF-8' }) }, 'events'],
    ['capitals and spaces',
      { headers: headersOf({ 'content-type': ' Text/Event-Stream ;x=y' }) }, 'events'],
    ['null body', { status: 200, headers: headersOf(STREAM), body: null }, 'none'],
    ['500', { status: 500, url: URL_, headers: headersOf(STREAM) }, /^http .*500.*a\.test/],
    ['404 without headers', { status: 404, url: URL_ }, /^http .*404/],
    ['301', { status: 301, url: URL_, headers: headersOf(STREAM) }, /^http .*301/],
    ['a page', { status: 200, url: URL_, headers: headersOf(html) },
      /^content-type Expected Content-Type 'text\/event-stream', got 'text\/html'.*a\.test/],
    ['a page that failed', { status: 500, url: URL_, headers: headersOf(html) }, /^http /],
    ['a longer type', { headers: headersOf({ 'content-type': 'text/event-streams' }) },
      /^content-type .*got 'text\/event-streams'/],
    ['a type elsewhere', { headers: headersOf({ 'content-type': 'x; text/event-stream' }) },
      /^content-type /],
    ['no type', { headers: headersOf({}) },
      /^content-type Expected Content-Type 'text\/event-stream', got /],
  ];
  for (const [name, fields, result] of rows) {
    for (const make of [() => AB, () => streamOf(cut(bytesOfText(AB), 7)), () => later([AB])]) {
      const source = EventSource.from({ body: make(), ...fields } as Stream);
      let got: unknown;
      try {
        const events = await all(source);
        got = events.length === 0 ? 'none' : keyOf(events, source) === keyOf(AB_EVENTS,
          { lastEventId: '3', retry: 6 }) && 'events';
      } catch (error) {
        assert.ok(error instanceof SSEError, `${name}: ${error}`);
        got = `${error.code} ${error.message}`;
      }
      if (result instanceof RegExp) assert.match(String(got), result, name);
      else assert.equal(got, result, name);
    }
  }
  const response = new Response('sorry', { status: 500, headers: { 'x-a': 'b' } });
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
    await new Promise(setImmediate);
    assert.equal((await soon(iterator.return?.(), 'return()'))?.done, true, form);
    assert.deepEqual(await soon(pending, 'next()'), { done: true, value: undefined }, form);
    assert.equal((await soon(iterator.next(), 'a later next()'))?.done, true, form);
    assert.equal(cancelled, 1, form);
  }
}

// ── 6. Reconnection ───────────────────────────────────────────────────────────────────────────

type Options = NonNullable<ConstructorParameters<typeof Reconnection>[1]>;
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
  constructor(options: Options, url = URL_) {
    this.reconnection = new Reconnection(url, { random: () => 0, ...options });
  }

  step(step: string): string {
    const [, action = '', rest = ''] = /^(\S+) ?(.*)$/s.exec(step)!;
    const { reconnection } = this;
    switch (action) {
      case 'begin': return this.#begin(rest);
      case 'open':
        this.#begin(rest);
        return show(reconnection.response(200, headersOf(STREAM)));
      case 'refuse': {
        const [status, after] = [Number(rest.slice(0, 3)), rest.slice(4)];
        const headers = headersOf(after ? { 'retry-after': after } : {});
        this.#begin('');
        const decision = show(reconnection.response(status, headers));
        if (decision !== 'read') return decision;
        return show(reconnection.refused(status, headers, 'sorry', this.#now));
      }
      case 'send': {
        this.#parser.write(rest);
        let isLast = false;
        for (let event; !isLast && (event = this.#parser.next());) {
          isLast = reconnection.delivered(event);
        }
        if (!isLast) reconnection.caughtUp(this.#parser);
        return isLast ? 'last' : `id '${reconnection.lastEventId}', retry ${reconnection.retry}`;
      }
      case 'eof': return show(reconnection.lost());
      case 'lost': return show(reconnection.lost(rest ? new SSEError(rest as 'limit', 'why')
        : new TypeError('fetch failed')));
      case 'redirect': {
        const location = rest.slice(4);
        const headers = headersOf(location ? { location } : {});
        return show(reconnection.response(Number(rest.slice(0, 3)), headers));
      }
      case 'url': return reconnection.request([], []).url;
      default: {
        const headers = rest === 'none' ? headersOf({}) : headersOf({ 'content-type': rest });
        return show(reconnection.response(Number(action), rest === 'any' ? undefined : headers));
      }
    }
  }

  #begin(time: string): string {
    // Unless told, connections begin long after each other.
    this.#now = time === '' ? this.#now + 1e9 : Number(time);
    const { lastEventId, retry } = this.reconnection;
    this.#parser = new EventParser({ lastEventId, retry });
    return `attempt ${this.reconnection.begin(this.#now).attempt}`;
  }
}

function show(decision: Decision): string {
  switch (decision.kind) {
    case 'wait': return `wait ${decision.retry.delay} #${decision.retry.attempt}`;
    case 'fail': {
      const { error } = decision;
      if (error instanceof SSEConnectionError) return `fail connection after ${error.retries}`;
      return `fail ${error instanceof SSEError ? error.code : error}`;
    }
    default: return decision.kind;
  }
}

type Days = readonly [rule: string, name: string, options: Options, steps: readonly string[]];

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

const doubling = failing('wait 3000 #1', 'wait 6000 #2', 'wait 12000 #3', 'wait 24000 #4',
  'wait 30000 #5', 'wait 30000 #6');

runDays([
  // The wait
  [BACKOFF, '3 s, doubled up to 30 s', {}, doubling],
  [BACKOFF, 'a clean end waits as a broken one does', {},
    ['open -> open', 'eof -> wait 3000 #1', 'open', 'eof -> wait 6000 #2', 'open',
      'lost -> wait 12000 #3']],
  [BACKOFF, 'an event resets it', {},
    [...doubling.slice(0, 6), 'open', 'send data: a\n\n', 'eof -> wait 3000 #1',
      'open', 'eof -> wait 6000 #2']],
  [BACKOFF, 'a mere 200 does not', {},
    ['open', 'lost -> wait 3000 #1', 'open', 'lost -> wait 6000 #2', 'open',
      'eof -> wait 12000 #3']],
  [BACKOFF, 'comments, ids and retries without an event do not', {},
    ['open', 'lost -> wait 3000 #1', 'open', 'send : c\nid: 1\n\nevent: x\n\n',
      'lost -> wait 6000 #2']],
  [BACKOFF, 'retryInterval', { retryInterval: 200 },
    failing('wait 200 #1', 'wait 400 #2', 'wait 800 #3')],
  [BACKOFF, 'maxRetryInterval', { retryInterval: 200, maxRetryInterval: 500 },
    failing('wait 200 #1', 'wait 400 #2', 'wait 500 #3', 'wait 500 #4')],
  [BACKOFF, 'a cap below retryInterval: never less than that',
    { retryInterval: 200, maxRetryInterval: 100 }, failing('wait 200 #1', 'wait 200 #2')],
  [BACKOFF, 'the cap never shortens what the server asked for', { maxRetryInterval: 100 },
    ['open', 'send retry: 7000\ndata: a\n\n', 'eof -> wait 7000 #1', ...failing('wait 7000 #2')]],
  [BACKOFF, 'the server\'s retry comes before retryInterval', { retryInterval: 500 },
    ['open', 'send retry: 40\ndata: a\n\n -> id \'\', retry 40', 'eof -> wait 100 #1',
      ...failing('wait 200 #2', 'wait 400 #3')]],
  [BACKOFF, 'a retry alone counts at once', {},
    ['open', 'send retry: 400\n -> id \'\', retry 400', 'lost -> wait 400 #1']],
  [BACKOFF, 'the server\'s retry outlives its connection', {},
    ['open', 'send retry: 400\ndata: a\n\n', 'eof -> wait 400 #1', 'open', 'send data: b\n\n',
      'eof -> wait 400 #1']],
  [BACKOFF, 'less than 100 ms is doubled from 100 ms', { retryInterval: 10 },
    failing('wait 100 #1', 'wait 200 #2', 'wait 400 #3')],
  [BACKOFF, 'jitter stretches by up to a quarter', { random: () => 0.8 },
    failing('wait 3600 #1', 'wait 7200 #2', 'wait 14400 #3', 'wait 28800 #4', 'wait 36000 #5')],
  [BACKOFF, 'jitter never shortens', { random: () => 0 }, failing('wait 3000 #1', 'wait 6000 #2')],
  [BACKOFF, 'jitter over Retry-After', { random: () => 0.8 },
    ['open', 'lost -> wait 3600 #1', 'refuse 503 100 -> wait 120000 #2']],
  [BACKOFF, 'retryInterval 0', { retryInterval: 0 },
    failing('wait 100 #1', 'wait 200 #2', 'wait 400 #3')],
  ['retry', 'longer than a timer takes: 2^31-1', {},
    ['open', 'send retry: 99999999999\ndata: a\n\n -> id \'\', retry 99999999999',
      'eof -> wait 2147483647 #1']],
  ['retry', '2^31-1 with jitter: still 2^31-1', { random: () => JUST_UNDER_1 },
    ['open', 'send retry: 2147483647\n', 'eof -> wait 2147483647 #1']],
  ['retry', 'an interval without a cap, after a thousand failures',
    { maxRetryInterval: Infinity },
    Array.from({ length: 1100 }, (_, n) => ['begin', n < 1099 ? 'lost'
      : 'lost -> wait 2147483647 #1100']).flat()],
  ['retry', 'Infinity', { retryInterval: Infinity }, failing('wait 2147483647 #1')],

  // No storm
  [STORM, 'retry: 0, an event, and the end, for ever', {},
    Array.from({ length: 5 }, (_, n) => [`open ${n * 100}`, 'send retry: 0\ndata: a\n\n',
      'eof -> wait 100 #1']).flat()],
  [STORM, 'no wait at all, as long as connections last', { retryInterval: 0, maxRetryInterval: 0 },
    ['open 0', 'eof -> wait 0 #1', 'open 100', 'eof -> wait 0 #2', 'open 200', 'eof -> wait 0 #3']],
  [STORM, 'no wait at all, connections in a hurry', { retryInterval: 0, maxRetryInterval: 0 },
    ['open 0', 'eof -> wait 0 #1', 'open 99', 'eof -> wait 100 #2', 'open 200', 'eof -> wait 0 #3',
      'open 200', 'eof -> wait 100 #4']],
  [STORM, 'a small cap, in a hurry', { retryInterval: 0, maxRetryInterval: 7 },
    ['open 0', 'lost -> wait 7 #1', 'open 8', 'lost -> wait 100 #2', 'open 120',
      'lost -> wait 7 #3']],
  [STORM, 'with events, in a hurry', { retryInterval: 5, maxRetryInterval: 5 },
    ['open 0', 'send data: a\n\n', 'eof -> wait 5 #1', 'open 6', 'send data: a\n\n',
      'eof -> wait 100 #1']],
  [STORM, 'in a hurry, what is longer anyway stays', {},
    ['open 0', 'eof -> wait 3000 #1', 'open 1', 'eof -> wait 6000 #2']],

  // maxRetries
  [RETRIES, 'no limit unless told', {},
    Array.from({ length: 500 }, (_, n) => ['begin', n < 499 ? 'lost' : 'lost -> wait 30000 #500'])
      .flat()],
  [RETRIES, '-1: no limit', { maxRetries: -1 },
    Array.from({ length: 50 }, (_, n) => ['begin', n < 49 ? 'lost' : 'lost -> wait 30000 #50'])
      .flat()],
  [RETRIES, 'Infinity: no limit', { maxRetries: Infinity },
    failing('wait 3000 #1', 'wait 6000 #2')],
  [RETRIES, '0: never, after an error', { maxRetries: 0 }, failing('fail connection after 0')],
  [RETRIES, '0: never, after a clean end', { maxRetries: 0 },
    ['open', 'send data: a\n\n', 'eof -> fail connection after 0']],
  [RETRIES, '1', { maxRetries: 1 }, failing('wait 3000 #1', 'fail connection after 1')],
  [RETRIES, '2, with every kind of failure', { maxRetries: 2 },
    ['open', 'eof -> wait 3000 #1', 'refuse 503 -> wait 6000 #2',
      'begin', 'lost timeout -> fail connection after 2']],
  [RETRIES, 'a status can be the last straw', { maxRetries: 1 },
    ['open', 'eof -> wait 3000 #1', 'refuse 503 -> fail connection after 1']],
  [RETRIES, 'an event resets the count', { maxRetries: 1 },
    ['open', 'eof -> wait 3000 #1', 'open', 'send data: a\n\n', 'eof -> wait 3000 #1',
      'open', 'eof -> fail connection after 1']],
  [RETRIES, 'a mere 200 does not', { maxRetries: 2 },
    ['open', 'eof -> wait 3000 #1', 'open', 'eof -> wait 6000 #2', 'open',
      'eof -> fail connection after 2']],
  [RETRIES, 'an id without an event does not', { maxRetries: 1 },
    ['open', 'eof -> wait 3000 #1', 'open', 'send id: 1\n\n -> id \'1\', retry undefined',
      'eof -> fail connection after 1']],
  [RETRIES, 'attempts are counted from 0', {},
    ['begin -> attempt 0', 'lost', 'begin -> attempt 1', 'lost', 'begin -> attempt 2',
      '200 text/event-stream', 'send data: a\n\n', 'eof', 'begin -> attempt 1']],

  // Statuses
  [STATUS, 'the first answer is final, whatever it is', {}, ['refuse 503 -> fail http']],
  [STATUS, 'final though errors came before it', {},
    ['begin', 'lost -> wait 3000 #1', 'refuse 503 -> fail http']],
  ...[408, 425, 429, 500, 502, 503, 504].map((status): Days => [STATUS,
    `${status} once the stream was open`, {},
    ['open', 'eof -> wait 3000 #1', `refuse ${status} -> wait 6000 #2`]]),
  ...[400, 401, 403, 404, 409, 410, 501, 505, 203, 205, 206, 304].map((status): Days => [STATUS,
    `${status} is final, also later`, {},
    ['open', 'send data: a\n\n', 'eof', `refuse ${status} -> fail http`]]),
  [STATUS, 'in a row they count as failures', {},
    ['open', 'eof -> wait 3000 #1', 'refuse 503 -> wait 6000 #2', 'refuse 502 -> wait 12000 #3',
      'open', 'send data: a\n\n', 'eof -> wait 3000 #1']],
  [STATUS, 'retryStatus replaces the list', { retryStatus: [404] },
    ['open', 'eof', 'refuse 404 -> wait 6000 #2', 'refuse 503 -> fail http']],
  [STATUS, 'retryStatus counts once the stream was open, too', { retryStatus: [404] },
    ['refuse 404 -> fail http']],
  [STATUS, 'retryStatus []: every one is final', { retryStatus: [] },
    ['open', 'eof -> wait 3000 #1', 'refuse 503 -> fail http']],
  [STATUS, 'a page with status 200 opened nothing', {},
    ['begin', '200 text/html -> fail content-type', 'refuse 503 -> fail http']],
  ['Retry-After', 'in seconds', {}, ['open', 'eof', 'refuse 503 120 -> wait 120000 #2']],
  ['Retry-After', 'shorter than the backoff', {}, ['open', 'eof', 'refuse 503 1 -> wait 6000 #2']],
  ['Retry-After', 'beyond the cap', { maxRetryInterval: 1 },
    ['open', 'eof', 'refuse 429 60 -> wait 60000 #2']],
  ['Retry-After', '0', {}, ['open', 'eof', 'refuse 503 0 -> wait 6000 #2']],
  ['Retry-After', 'longer than a timer takes', {},
    ['open', 'eof', 'refuse 503 99999999999999999999 -> wait 2147483647 #2']],
  ['Retry-After', 'a date that is past', {},
    ['open', 'eof', 'refuse 503 Thu, 01 Jan 1970 00:00:01 GMT -> wait 6000 #2']],
  ['Retry-After', 'neither seconds nor a date', {},
    ['open', 'eof', 'refuse 503 soon -> wait 6000 #2', 'refuse 503 -> wait 12000 #3']],
  ['Retry-After', 'is for one wait', {},
    ['open', 'eof', 'refuse 503 120 -> wait 120000 #2', ...failing('wait 12000 #3')]],
  ['Retry-After', 'of a final status', {}, ['open', 'eof', 'refuse 404 120 -> fail http']],

  // What a response means
  ['204', 'ends it, quietly, at first', {}, ['begin', '204 none -> stop']],
  ['204', 'ends it, quietly, later', {},
    ['open', 'send data: a\n\n', 'eof -> wait 3000 #1', 'begin', '204 none -> stop']],
  ['204', 'ends a POST', { method: 'POST' }, ['begin', '204 none -> stop']],
  ['#sse-processing-model', 'GET: 200 opens', {}, ['begin', '200 text/event-stream -> open']],
  ['#sse-processing-model', 'GET: any other does not', {},
    ['begin', ...[201, 202, 203, 205, 206, 299, 304, 199, 400, 500]
      .map((status) => `${status} text/event-stream -> read`)]],
  ...['POST', 'PUT', 'PATCH', 'QUERY', 'post', 'HEAD'].map((method): Days => [
    'methods other than GET', `${method}: 2xx opens, but for 204 and 205`, { method },
    ['begin', ...[200, 201, 202, 203, 206, 299].map((s) => `${s} text/event-stream -> open`),
      '204 text/event-stream -> stop', '205 text/event-stream -> read',
      '300 text/event-stream -> read', '199 text/event-stream -> read']]),
  ['methods other than GET', 'get is GET', { method: 'get' },
    ['begin', '201 text/event-stream -> read', '200 text/event-stream -> open',
      'lost -> wait 3000 #1']],
  ...['text/event-stream', 'text/event-stream;charset=utf-8', 'text/event-stream; charset=latin1',
    'TEXT/Event-Stream', 'text/event-stream ;x', ' text/event-stream'].map((type): Days => [
    'content type', `'${type}' is one`, {}, ['begin', `200 ${type} -> open`]]),
  ...['text/html', 'application/json', 'text/event-streamx', 'xtext/event-stream', 'text/event',
    'text/plain; text/event-stream', 'text/event-stream, text/html', ';text/event-stream', 'none']
    .map((type): Days => ['content type', `'${type}' is not one`, {},
      ['begin', `200 ${type} -> fail content-type`]]),
  ['content type', 'a transport that shows no headers', {}, ['begin', '200 any -> open']],
  ['content type', 'of a POST', { method: 'POST' },
    ['begin', '201 text/html -> fail content-type']],
  ['content type', 'is final, also later', {},
    ['open', 'eof', 'begin', '200 text/html -> fail content-type']],

  // The end
  [ENDING, 'reconnect: false, a clean end is the end', { reconnect: false },
    ['open', 'send data: a\n\n', 'eof -> stop']],
  [ENDING, 'reconnect: false, a broken one is an error', { reconnect: false },
    ['open', 'lost -> fail connection after 0']],
  [ENDING, 'reconnect: false, maxRetries or not', { reconnect: false, maxRetries: 5 },
    ['open', 'lost timeout -> fail connection after 0']],
  [METHOD, 'POST: a clean end is the end', { method: 'POST' }, ['open', 'eof -> stop']],
  [METHOD, 'POST: a broken one is an error', { method: 'POST' },
    ['open', 'send data: a\n\n', 'lost -> fail connection after 0']],
  [METHOD, 'POST: an error before the response', { method: 'POST' },
    ['begin', 'lost -> fail connection after 0']],
  [METHOD, 'POST: statuses are final', { method: 'POST' }, ['refuse 503 -> fail http']],
  [METHOD, 'post is POST', { method: 'post' }, ['open', 'eof -> stop']],
  [METHOD, 'PUT: one connection', { method: 'PUT' }, ['open', 'lost -> fail connection after 0']],
  [METHOD, 'HEAD reconnects', { method: 'HEAD' }, ['begin', 'lost -> wait 3000 #1']],
  [METHOD, 'POST with reconnect: true', { method: 'POST', reconnect: true },
    ['open', 'eof -> wait 3000 #1', 'begin', 'lost -> wait 6000 #2',
      'refuse 503 -> wait 12000 #3']],
  [UNTIL, 'the last event', { until: (event) => event.data === '[DONE]' },
    ['open', 'send data: a\n\n -> id \'\', retry undefined', 'send data: [DONE]\n\n -> last']],
  [UNTIL, 'the end without it, reconnecting', { until: () => false },
    ['open', 'send data: a\n\n', 'eof -> wait 3000 #1', 'open', 'eof -> wait 6000 #2']],
  [UNTIL, 'the end without it, one connection', { until: () => false, reconnect: false },
    ['open', 'send data: a\n\n', 'eof -> fail truncated']],
  [UNTIL, 'the end of a POST without it', { until: () => false, method: 'POST' },
    ['open', 'eof -> fail truncated']],
  [UNTIL, 'a cut without it is a cut', { until: () => false, method: 'POST' },
    ['open', 'lost -> fail connection after 0']],
  [UNTIL, 'the end without it, once too often', { until: () => false, maxRetries: 0 },
    ['open', 'eof -> fail connection after 0']],

  // Errors
  ...['limit', 'json', 'content-type', 'redirect'].map((code): Days => ['errors',
    `${code} is final`, {}, ['open', `lost ${code} -> fail ${code}`]]),
  ...['limit', 'json', 'content-type', 'redirect'].map((code): Days => ['errors',
    `${code} is final, and stays itself, for a POST`, { method: 'POST' },
    ['open', `lost ${code} -> fail ${code}`]]),
  ...['timeout', 'connection', 'truncated'].map((code): Days => ['errors',
    `${code} passes`, {}, ['open', `lost ${code} -> wait 3000 #1`]]),

  // Redirects
  ['redirects', 'to another path', {},
    ['begin', 'redirect 302 /b?c -> send', 'url -> https://a.test/b?c']],
  ['redirects', 'relative to the last one', {},
    ['begin', 'redirect 302 /b/c -> send', 'redirect 307 d -> send', 'url -> https://a.test/b/d']],
  ['redirects', 'to another origin', {},
    ['begin', 'redirect 308 https://b.test/x -> send', 'url -> https://b.test/x',
      'redirect 308 /y -> send', 'url -> https://b.test/y']],
  ['redirects', 'the next attempt goes to the original URL', {},
    ['begin', 'redirect 301 https://b.test/x -> send', '200 text/event-stream -> open',
      'lost -> wait 3000 #1', 'begin', `url -> ${URL_}`]],
  ...[301, 302, 303, 307, 308].map((status): Days => ['redirects', `GET and ${status}`, {},
    ['begin', `redirect ${status} /b -> send`, '200 text/event-stream -> open']]),
  ...[301, 302, 303].map((status): Days => ['redirects', `POST and ${status}: no silent GET`,
    { method: 'POST' }, ['begin', `redirect ${status} /b -> fail redirect`]]),
  ...[307, 308].map((status): Days => ['redirects', `POST and ${status}: stays a POST`,
    { method: 'POST' }, ['begin', `redirect ${status} /b -> send`, 'url -> https://a.test/b',
      '201 text/event-stream -> open']]),
  ['redirects', 'PUT and 301', { method: 'PUT', reconnect: true },
    ['begin', 'redirect 301 /b -> fail redirect']],
  ['redirects', 'HEAD and 302', { method: 'HEAD' }, ['begin', 'redirect 302 /b -> send']],
  ...[300, 304, 305, 306].map((status): Days => ['redirects', `${status} is none`, {},
    ['begin', `redirect ${status} /b -> read`]]),
  ['redirects', 'a Location on 200 or 503 is none', {},
    ['begin', 'redirect 503 /b -> read', 'refuse 503 -> fail http']],
  ['redirects', 'without Location it is a refusal', {},
    ['begin', 'redirect 301 -> read', 'refuse 301 -> fail http']],
  ['redirects', 'without Location it is a refusal, for a POST', { method: 'POST' },
    ['begin', 'redirect 301 -> read']],
  ['redirects', '20 are followed, 21 are not', {},
    ['begin', ...Array<string>(20).fill('redirect 302 /b -> send'),
      'redirect 302 /b -> fail redirect']],
  ['redirects', 'counted anew for each attempt', {},
    ['begin', ...Array<string>(20).fill('redirect 302 /b -> send'), 'lost',
      'begin', ...Array<string>(20).fill('redirect 302 /b -> send'),
      'redirect 302 /b -> fail redirect']],
  ['redirects', 'to no URL', {}, ['begin', 'redirect 302 http://[ -> fail redirect']],
  ['redirects', 'to a port that is none', {},
    ['begin', 'redirect 302 https://a.test:99999/ -> fail redirect']],
  ...['ftp://a.test/', 'file:///etc/passwd', 'javascript:alert(1)', 'data:text/event-stream,x',
    'http://a.test/', 'http://b.test/'].map((to): Days => ['redirects', `not from https to ${to}`,
    {}, ['begin', `redirect 302 ${to} -> fail redirect`]]),
  ['redirects', 'status 0: what a browser shows of one', { method: 'POST' },
    ['begin', 'redirect 000 -> fail redirect']],
]);

test('reconnection: jitter stays between 1 and 1.25', () => {
  for (const random of [0, 0.1, 0.5, 0.999, JUST_UNDER_1]) {
    const day = new Day({ random: () => random });
    day.step('begin');
    const [, delay] = day.step('lost').split(' ').map(Number);
    assert.ok(Math.abs(Number(delay) - 3000 * (1 + random / 4)) <= 1, `${random}: ${delay}`);
    assert.ok(Number(delay) >= 3000 && Number(delay) <= 3750, `${random}: ${delay}`);
  }
  const delays = new Set(Array.from({ length: 20 }, () => {
    const reconnection = new Reconnection(URL_);
    reconnection.begin(0);
    return show(reconnection.lost());
  }));
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
  const reconnection = new Reconnection(URL_, { random: () => 0, lastEventId: '7' });
  assert.deepEqual([reconnection.lastEventId, reconnection.retry, reconnection.reconnects],
    ['7', undefined, true]);
  const first = reconnection.begin(0);
  assert.deepEqual({ ...first }, { attempt: 0, lastEventId: '7', error: undefined });
  const cause = new TypeError('fetch failed');
  assert.deepEqual(reconnection.lost(cause), {
    kind: 'wait', retry: { attempt: 1, delay: 3000, error: cause, lastEventId: '7' },
  });
  assert.deepEqual({ ...reconnection.begin(1e6) }, { attempt: 1, lastEventId: '7', error: cause });
  reconnection.response(200, headersOf(STREAM));
  const [event] = new EventParser().feed('id: 8\nretry: 40\ndata: a\n\n');
  assert.ok(event);
  assert.equal(reconnection.delivered(event), false);
  assert.deepEqual([reconnection.lastEventId, reconnection.retry], ['8', 40]);
  const decision = reconnection.lost();
  assert.ok(decision.kind === 'wait');
  assert.equal(decision.retry.lastEventId, '8');
  assert.ok(decision.retry.error instanceof SSEError, 'a clean end is an error, too');
  assert.equal(decision.retry.error.code, 'connection');

  assert.equal(new Reconnection(URL_, { method: 'POST' }).reconnects, false);
  assert.equal(new Reconnection(URL_, { method: 'POST', reconnect: true }).reconnects, true);
  assert.equal(new Reconnection(URL_, { reconnect: false }).reconnects, false);
  assert.equal(new Reconnection(URL_, { method: 'head' }).reconnects, true);
});

test('reconnection: lastEventId is that of the last event handed over', () => {
  const reconnection = new Reconnection(URL_);
  reconnection.begin(0);
  const parser = new EventParser();
  parser.write('id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\nid: 4\ndata: c\n');
  const ids: string[] = [];
  for (let event; (event = parser.next());) {
    reconnection.delivered(event);
    ids.push(reconnection.lastEventId);
  }
  assert.deepEqual(ids, ['1', '2']);
  reconnection.caughtUp(parser);
  assert.equal(reconnection.lastEventId, '3', 'an id without an event, once all are handed over');
  const [cleared] = new EventParser({ lastEventId: '3' }).feed('id\ndata: d\n\n');
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
  assert.deepEqual(events.map((event) => reconnection.delivered(event)), [false, true]);
  assert.deepEqual(seen, events);
  assert.equal(reconnection.lastEventId, '2');
});

test('reconnection: one connection is not made twice', () => {
  for (const options of [{ method: 'POST' }, { reconnect: false }]) {
    const reconnection = new Reconnection(URL_, options);
    reconnection.begin(0);
    assert.equal(reconnection.lost().kind, 'stop');
    assert.throws(() => reconnection.begin(1e6), TypeError, JSON.stringify(options));
  }
});

test('reconnection: facts of its errors', () => {
  const refused = (status: number, headers: Record<string, string>, now = 0) => {
    const error = failure(new Reconnection('https://a.test/x?y'), (r) => {
      r.response(status, headersOf(headers));
      return r.refused(status, headersOf(headers), 'sorry', now);
    });
    assert.ok(error instanceof SSEHTTPError);
    return error;
  };
  const date = Date.UTC(2026, 10, 21, 12);
  const after: [header: string, retryAfter: number | undefined][] = [
    ['0', 0], ['120', 120_000], ['soon', undefined], ['', undefined],
    ['Sat, 21 Nov 2026 12:01:30 GMT', 90_000], ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ];
  for (const [header, retryAfter] of after) {
    const error = refused(503, { 'retry-after': header }, date);
    assert.equal(error.retryAfter, retryAfter, header);
  }
  const error = refused(401, { 'www-authenticate': 'Bearer' });
  assert.equal(error.retryAfter, undefined);
  assert.deepEqual([error.status, error.url, error.body, error.headers.get('www-authenticate')],
    [401, 'https://a.test/x?y', 'sorry', 'Bearer']);

  // Where the response came from, redirects followed.
  const day = new Day({});
  day.step('begin');
  day.step('redirect 302 https://b.test/z');
  const decision = day.reconnection.refused(404, undefined, '', 0);
  assert.ok(decision.kind === 'fail' && decision.error instanceof SSEHTTPError);
  assert.equal(decision.error.url, 'https://b.test/z');
  assert.equal(decision.error.headers.get('x'), null, 'a transport that shows no headers');

  const type = failure(new Reconnection('https://a.test/x'), (r) =>
    r.response(200, headersOf({ 'content-type': 'text/html; charset=utf-8' })));
  assert.match(isSSEError(type, 'content-type').message,
    /^Expected Content-Type 'text\/event-stream', got 'text\/html; charset=utf-8'.*a\.test\/x/s);

  const redirected = failure(new Reconnection('https://a.test/x', { method: 'POST' }),
    (r) => r.response(302, headersOf({ location: 'https://me:secret@b.test/' })));
  const { message } = isSSEError(redirected, 'redirect');
  assert.match(message, /302/);
  assert.match(message, /a\.test/);
  assert.ok(!message.includes('secret'), message);
});

test('reconnection: truncated and lost streams name their URL and cause', () => {
  const truncated = failure(new Reconnection('https://a.test/x', {
    method: 'POST', until: () => false,
  }), (r) => r.lost());
  assert.match(isSSEError(truncated, 'truncated').message, /https:\/\/a\.test\/x/);
  const ended = failure(new Reconnection('https://a.test/x', { maxRetries: 0 }),
    (r) => r.lost());
  assert.ok(ended instanceof SSEConnectionError);
  assert.equal(ended.url, 'https://a.test/x');
  assert.ok(ended.message.startsWith(
    'SSE connection to https://a.test/x failed after 0 retries: '), ended.message);
  assert.ok(ended.cause instanceof SSEError && ended.message.endsWith(ended.cause.message));
  const status = new Reconnection(URL_, { maxRetries: 0, random: () => 0 });
  status.begin(0);
  status.response(200, headersOf(STREAM));
  const decision = status.refused(503, undefined, 'sorry', 0);
  assert.ok(decision.kind === 'fail' && decision.error instanceof SSEConnectionError);
  assert.ok(decision.error.cause instanceof SSEHTTPError && decision.error.cause.status === 503);
  assert.match(decision.error.message, /503/);
});

// Requests

type Pairs = [name: string, value: string][];

/** The headers, names in lower case; each may be there once only. */
function headersSent(reconnection: Reconnection, own: Pairs = [], defaults: Pairs = [],
  encode?: (text: string) => string): Record<string, string> {
  const { headers } = reconnection.request(defaults, own, encode);
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  assert.equal(new Set(entries.map(([name]) => name)).size, entries.length, 'each header once');
  return Object.fromEntries(entries);
}

const ACCEPT = { accept: 'text/event-stream' };
const CACHE: Pairs = [['Cache-Control', 'no-cache']];

test('reconnection: request headers', () => {
  const rows: [name: string, own: Pairs, defaults: Pairs, headers: Record<string, string>][] = [
    ['no more than needed', [], [], ACCEPT],
    ['defaults', [], CACHE, { ...ACCEPT, 'cache-control': 'no-cache' }],
    ['the user\'s', [['X-A', 'b']], CACHE, { ...ACCEPT, 'cache-control': 'no-cache', 'x-a': 'b' }],
    ['the user\'s win', [['Accept', 'a/b'], ['Cache-Control', 'c']], CACHE,
      { 'accept': 'a/b', 'cache-control': 'c' }],
    ['whatever their case', [['aCCEPT', 'a/b'], ['CACHE-control', 'c']], CACHE,
      { 'accept': 'a/b', 'cache-control': 'c' }],
    ['the last of the user\'s own', [['x-a', 'b'], ['X-A', 'c']], [], { ...ACCEPT, 'x-a': 'c' }],
    ['an empty one', [['x-a', '']], [], { ...ACCEPT, 'x-a': '' }],
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
    const expected = sent === undefined ? ACCEPT : { ...ACCEPT, 'last-event-id': sent };
    const first = new Reconnection(URL_, { lastEventId: id });
    first.begin(0);
    assert.deepEqual(headersSent(first), expected, `${name}, as an option`);
    const later = new Reconnection(URL_, { lastEventId: 'old' });
    later.begin(0);
    const [event] = new EventParser().feed(`id: ${id}\ndata: a\n\n`);
    assert.ok(event);
    later.delivered(event);
    assert.equal(later.lastEventId, id);
    assert.deepEqual(headersSent(later), expected, `${name}, of the stream`);
    const encode = (text: string) => `<${text.length}>`;
    const encoded = headersSent(first, [], [], encode)['last-event-id'];
    assert.equal(encoded, sent === undefined || sent === id ? sent : encode(id),
      `${name}: a runtime's own encoding, where there is something to encode`);
  }
});

test('reconnection: the user\'s own Last-Event-ID, until the stream sets one', () => {
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
  const own: Pairs = [['Authorization', 'Bearer x'], ['X-Api-Key', 'k'], ['Last-Event-ID', 'mine'],
    ['Accept', 'a/b'], ['Cookie', 'c']];
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
    const reconnection = new Reconnection(url, { lastEventId: '7' });
    for (const attempt of [0, 1]) {
      reconnection.begin(attempt);
      for (const location of locations) {
        const decision = reconnection.response(302, headersOf({ location }));
        assert.equal(decision.kind, 'send', name);
      }
      const where = `${name}, attempt ${attempt}`;
      assert.deepEqual(headersSent(reconnection, own, CACHE), isDropped
        ? { ...ACCEPT, 'cache-control': 'no-cache' }
        : { 'accept': 'a/b', 'cache-control': 'no-cache', 'authorization': 'Bearer x',
          'x-api-key': 'k', 'cookie': 'c', 'last-event-id': '7' }, where);
      assert.deepEqual(headersSent(reconnection), isDropped ? ACCEPT
        : { ...ACCEPT, 'last-event-id': '7' }, where);
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
  const refused = ['https://user:secret@a.test/', 'https://secret@a.test/x', '//user:secret@a.test/'];
  for (const url of refused) {
    assert.throws(() => new Reconnection(url), (error: Error) => {
      assert.equal(error.name, 'TypeError', url);
      assert.match(error.message, /url.*userinfo/, url);
      assert.doesNotMatch(error.message, /secret/, url);
      return true;
    });
  }
  for (const url of ['https://a.test/x@y', 'https://a.test/?to=//me@b', '/x//me@b', 'https://a.test/#//me@b']) {
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
      const error = caught(() => new Reconnection(URL_, { [option]: value }));
      assert.ok(error instanceof RangeError || error instanceof TypeError, `${option} ${value}`);
      assert.ok(error.message.includes(option), `${option} ${value}: ${error.message}`);
      const isRange = /Interval|maxRetries/.test(option) && typeof value === 'number';
      if (isRange) assert.ok(error instanceof RangeError, `${option} ${value}`);
    }
  }
  const right: Options[] = [{}, { retryInterval: 0 }, { maxRetryInterval: Infinity },
    { maxRetries: -1 }, { maxRetries: 0 }, { maxRetries: Infinity }, { retryStatus: [] },
    { lastEventId: 'é 😀' }, { retryInterval: 0.5 },
    { retryInterval: undefined, maxRetries: undefined, lastEventId: undefined, method: undefined,
      retryStatus: undefined, reconnect: undefined, until: undefined, random: undefined }];
  for (const options of right) assert.ok(new Reconnection(URL_, options), JSON.stringify(options));
});
