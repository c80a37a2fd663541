// Rows for the parser. Each runs over every line end, every way to cut the stream and every form of
// the API, and whole arrays are compared.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {EventParser, EventSource, type SSEEvent} from '../../sse.ts';
import {
  binary,
  bytesOf,
  type Chunk,
  cut,
  type Fields,
  keyOf,
  later,
  type Place,
  plain,
  streamOf,
} from './events.ts';
import {IS_FAST} from './runtime.ts';
import {decodeText, interpret} from './specification.mjs';

/** A stream as text; or as bytes, written as Latin-1, for what no text comes to. */
type Input = string | {readonly bytes: string};

export type ParserRow = readonly [
  rule: string,
  name: string,
  input: Input,
  events: readonly Fields[],
  /** Where the parser ends up, where that is not where the last event left it. */
  end?: Partial<Place>,
];

/** Takes note of one event, and of where the source stands while it is handed out. */
type Take = (event: Fields, at: Place) => void;

export const FORMS: Readonly<Record<string, (chunks: readonly Chunk[], take: Take) => Place>> = {
  'feed()': (chunks, take) => {
    const parser = new EventParser();
    for (const chunk of chunks) {
      for (const event of parser.feed(chunk)) take(event, placeOf(event));
    }
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
function placeOf({id, retry}: Fields): Place {
  return {lastEventId: id, retry};
}

const ENDS = {LF: '\n', CRLF: '\r\n', CR: '\r'};

/** The row with each line end; as it is where it writes its own. */
export function variantsOf(input: Input): [end: string, text: string, isText: boolean][] {
  const text = typeof input === 'string' ? input : input.bytes;
  const isText = typeof input === 'string';
  if (text.includes('\r')) return [['own ends', text, isText]];
  return Object.entries(ENDS).map(([name, end]) => [name, text.replaceAll('\n', end), isText]);
}

/** What a form gives of a row, compared with what it must give. */
interface Witness {
  begin(): Take;
  take: Take;
  /** Compares; words are put together only where they are needed. */
  check(at: Place, ...where: string[]): void;
}

function witnessOf([rule, name, , events, end]: ParserRow): Witness {
  const last = events.at(-1);
  const place = {lastEventId: last?.id ?? '', retry: last?.retry, ...end};
  const expected = keyOf(events, place);
  let got: Fields[] = [];
  let isBehind = true;
  const take: Take = (event, at) => {
    got.push(event);
    isBehind &&= at.lastEventId === event.id && at.retry === event.retry;
  };
  return {
    take,
    begin() {
      got = [];
      isBehind = true;
      return take;
    },
    check(at, ...where) {
      if (isBehind && keyOf(got, at) === expected) return;
      const message = [`${name} (${rule})`, ...where].join(' | ');
      const shown = {lastEventId: at.lastEventId, retry: at.retry};
      assert.deepEqual([got.map(plain), shown], [events, place], message);
      assert.fail(`${message} | lastEventId and retry are ahead of the event handed out`);
    },
  };
}

async function runRow(row: ParserRow): Promise<void> {
  const witness = witnessOf(row);
  const {begin, check} = witness;
  const [, name, input] = row;
  for (const [lineEnd, text, isText] of variantsOf(input)) {
    const bytes = isText ? bytesOf(text) : binary(text);
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
    checkWhole(text, lineEnd, witness);
    await checkLines(text, lineEnd, witness);
    checkMoments(text, `${name} | ${lineEnd}`);
  }
}

function checkWhole(text: string, lineEnd: string, {begin, take, check}: Witness): void {
  const whole: [form: string, source: EventSource & Iterable<SSEEvent>][] = [
    ['new EventSource(text)', new EventSource(text)],
    ['EventSource.from(text)', EventSource.from(text)],
    ['EventSource.from(bytes)', EventSource.from(bytesOf(text))],
  ];
  for (const [form, source] of whole) {
    begin();
    for (const event of source) take(event, source);
    check(source, lineEnd, 'whole', form);
  }
}

/** What follows the last line end is no line yet: it is not handed in as one. */
async function checkLines(text: string, lineEnd: string, witness: Witness): Promise<void> {
  const {begin, take, check} = witness;
  const lines = text.split(/\r\n|\r|\n/).slice(0, -1);
  const ends = text.match(/\r\n|\r|\n/g) ?? [];
  for (const form in LINE_FORMS) {
    check(LINE_FORMS[form]!(lines, ends, begin()), lineEnd, 'lines', form);
  }
  const source = new EventSource(later(lines));
  begin();
  for await (const event of source) take(event, source);
  check(source, lineEnd, 'lines', 'for await … of new EventSource(async iterable)');
}

/** An event is there as soon as the end of its blank line is, and not before. */
function checkMoments(text: string, where: string): void {
  const parser = new EventParser();
  for (let n = 0, count = 0; n < text.length; n++) {
    count += parser.feed(text[n]!).length;
    const due = eventsOf(text.slice(0, n + 1));
    if (count !== due.length) {
      assert.equal(count, due.length, `${where} | events after ${n + 1} units`);
    }
  }
}

/** What the specification's own steps make of a text. */
export function eventsOf(text: string): Fields[] {
  return interpret(decodeText(text)).events;
}

/** A test for each row. */
export function runRows(rows: readonly ParserRow[]): void {
  const names = new Set(rows.map(([, name]) => name));
  assert.equal(names.size, rows.length, 'each row has a name of its own');
  for (const row of rows) test(`${row[1]} (${row[0]})`, () => runRow(row));
}
