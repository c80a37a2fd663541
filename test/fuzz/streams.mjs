// Random streams: most from the specification's grammar and what nearly fits it, some of random
// bytes. The same seed and number give the same stream, on any number of threads.

import {randomFrom} from '../support/random.mjs';

/** The random numbers of stream `number`. */
export function randomOf(seed, number) {
  return randomFrom(Math.imul(seed ^ Math.imul(number + 1, 0x9e3779b1), 0x85ebca6b) ^ number);
}

const NAMES = ['data', 'data', 'data', 'data', 'event', 'id', 'id', 'retry'];
const NEAR_NAMES = [
  'Data',
  'DATA',
  'dat',
  'da',
  'd',
  'dataa',
  'data-x',
  'data ',
  ' data',
  '\tdata',
  'data\0',
  'da\0ta',
  '\ufeffdata',
  'data\ufeff',
  'dat\u0430',
  'd\u0430ta',
  'Event',
  'even',
  'eve',
  'events',
  'event ',
  ' event',
  '\ufeffevent',
  'ID',
  'Id',
  'i',
  'idx',
  'id ',
  ' id',
  '\ufeffid',
  'Retry',
  'retr',
  'r',
  'retry2',
  'retry ',
  '\ufeffretry',
  'foo',
  '\u2028',
  '\x85data',
  '\v',
  '\0',
  '0',
  ' ',
];
const SEPARATORS = [
  ': ',
  ': ',
  ': ',
  ': ',
  ':',
  ':',
  '',
  ':  ',
  '::',
  ': :',
  ':\t',
  ':\ufeff',
  ':\xa0',
  ' :',
  ' : ',
  ':\0',
];
const PIECES = [
  'a',
  'b',
  'xyz',
  'hello world',
  '{"a": [1, "b:c"]}',
  '[DONE]',
  '0',
  '42',
  ' ',
  '  ',
  ':',
  ': ',
  '\t',
  '\0',
  '\v',
  '\f',
  '\x1c',
  '\x85',
  '\xa0',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ufffd',
  '\uffff',
  'é',
  'ü',
  'ß',
  '€',
  '日本語',
  '\u0301',
  '😀',
  '👩‍👩‍👧',
  '\u{10ffff}',
  '\u{10000}',
  'data',
  'data: a',
  'id: 1',
  'event',
  'retry: 5',
  '\\n',
  'thirteen or more',
  'x'.repeat(70),
];
const HALVES = ['\ud83d', '\ude00', '\ud800', '\udfff', '\ude00\ud83d'];
const IDS = [
  '1',
  '2',
  '17',
  'a',
  'é€😀',
  '1795182046:1,[]-:',
  'xyz'.repeat(9),
  '',
  ' ',
  '\0',
  '1\0',
  '\x002',
  'a\0b',
  '\ufeff',
  '\x7f',
  '0',
  'null',
];
const DIGITS = [
  '0',
  '5',
  '10',
  '3000',
  '0010',
  '00',
  '99999999999',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '18446744073709551616',
  '9'.repeat(30),
  '9'.repeat(400),
  '',
  ' ',
  '-1',
  '+5',
  '1.5',
  '1e3',
  '0x10',
  '5 ',
  ' 5',
  '5ms',
  '1_000',
  '٣',
  '５',
  '5\0',
  '\x005',
  '5\ufeff',
  '𝟓',
  '²',
  'Infinity',
  'NaN',
  '1,000',
  '5\u2028',
];
const ENDS = ['\n', '\r\n', '\r'];
const STRANGE_BYTES = [
  [0x80],
  [0xbf],
  [0xc0],
  [0xc1],
  [0xc2],
  [0xe0],
  [0xe2],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xef],
  [0xef, 0xbb],
  [0xef, 0xbb, 0xbf],
  [0xf0],
  [0xf0, 0x9f],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5],
  [0xfe],
  [0xff],
  [0xff, 0xfe],
  [0xc0, 0xaf],
  [0xe0, 0x80, 0xaf],
  [0xc0, 0x8a],
  [0xc0, 0x8d],
  [0x00],
  [0x0a],
  [0x0d],
  [0x3a],
  [0x20],
  [0xe2, 0x28, 0xa1],
];

/**
 * {text, bytes}: the same stream twice. Text with half a surrogate pair has no bytes; bytes that
 * are no UTF-8 have the text that TextDecoder makes of them.
 */
export function randomStream(random) {
  const kind = random(32);
  if (kind === 0) return ofBytes(randomBytes(random));
  if (kind < 4) return ofBytes(broken(random, Buffer.from(grammatical(random))));
  if (kind === 4) return ofText(grammatical(random, [...PIECES, ...HALVES]));
  if (kind < 8) return ofText(soup(random));
  if (kind === 8 && random.once(6)) return ofText(large(random));
  return ofText(grammatical(random));
}

function ofText(text) {
  return {text, bytes: text.isWellFormed() ? new Uint8Array(Buffer.from(text)) : undefined};
}

function ofBytes(bytes) {
  const utf8 = new TextDecoder('utf-8', {ignoreBOM: true});
  return {text: utf8.decode(bytes, {stream: true}), bytes}; // as decode() in test/support/specification.mjs
}

/** Events of fields, comments and blank lines. */
function grammatical(random, pieces = PIECES) {
  const ends = random.once(3) ? ENDS : [random.of(ENDS)];
  const end = () => random.of(ends);
  let text = random.once(8) ? random.of(['\ufeff', '\ufeff', '\ufeff\ufeff', '\ufeff\n']) : '';
  const blocks = random.once(4) ? 1 : 1 + random(5);
  for (let n = 0; n < blocks; n++) {
    const lines = random.once(12) ? 0 : 1 + random(4);
    for (let m = 0; m < lines; m++) text += randomLine(random, pieces) + end();
    if (!random.once(10)) text += end();
    if (random.once(10)) text += end();
  }
  return random.once(6) ? text.slice(0, random(text.length + 1)) : text;
}

function randomLine(random, pieces) {
  const value = () => random.times(3, () => random.of(pieces)).join('');
  if (random.once(8)) return ':' + value();
  if (random.once(12)) return value();
  const name = random.of(random.once(8) ? NEAR_NAMES : NAMES);
  const separator = random.of(SEPARATORS);
  if (name === 'id' && !random.once(4)) return name + separator + random.of(IDS);
  if (name === 'retry' && !random.once(6)) return name + separator + random.of(DIGITS);
  return name + separator + value();
}

const SOUP = [
  ...new Set([
    ...NAMES,
    ...SEPARATORS,
    ...ENDS,
    'a',
    '5',
    '\0',
    '\ufeff',
    '\n\n',
    '\r\r',
    '\r\n\r\n',
    '\n\r',
    'data: b\n\n',
    'é',
    '😀',
    '\u2028',
  ]),
];

/** Tokens in any order, most of them very few: every way to cut such a stream is tried. */
function soup(random) {
  const most = random.once(2) ? 5 : 20;
  return random.times(most, () => random.of(SOUP)).join('');
}

/** What only shows where parts are many: long lines, events of more than a thousand lines. */
function large(random) {
  const end = random.of(ENDS);
  const size = 1020 + random(10) + random(3) * 1024;
  const event = random.once(2)
    ? `data: ${'0123456789'.repeat(size / 10)}${size}${end}data: b${end}${end}`
    : Array.from({length: size}, (_, n) => `data${n % 7 ? `: ${n}` : ''}${end}`).join('') + end;
  return event + grammatical(random);
}

function randomBytes(random) {
  const all = random.once(2);
  const few = Buffer.from('data: \n\r\n:id\0é');
  return Uint8Array.from(random.times(60, () => (all ? random(256) : random.of(few))));
}

/** Bytes put in, left out and put in other bytes' place; perhaps cut off. */
function broken(random, bytes) {
  let list = [...bytes];
  for (let n = 1 + random(4); n--; ) {
    list.splice(random(list.length + 1), random(3), ...random.of(STRANGE_BYTES));
  }
  if (random.once(3)) list = list.slice(0, random(list.length + 1));
  return Uint8Array.from(list);
}

/** What formatEvent may be given, and what it must refuse. */
export function randomFields(random) {
  const ends = random.once(6) ? [...ENDS, '\n\r', '\r\r'] : [];
  const text = (more) => random.times(4, () => random.of([...PIECES, ...HALVES, ...more])).join('');
  const maybe = (make) => (random.once(3) ? undefined : make());
  return {
    event: maybe(() => text(ends)),
    data: random.once(8) ? undefined : text(ENDS),
    id: maybe(() => (random.once(4) ? random.of(IDS) : text(ends).replaceAll('\0', ''))),
    retry: maybe(() => (random.once(2) ? random(10) : random(2 ** 31) * 2 ** random(22))),
    comment: random.once(3) ? text(ENDS) : undefined,
  };
}

/** Options for the parser: most streams have none. */
export function randomOptions(random) {
  return {
    ...(random.once(8) && {lastEventId: random.of(['7', 'é', 'begun with this'])}),
    ...(random.once(8) && {retry: random.of([0, 7, 3000])}),
    ...(random.once(8) && {maxEventSize: 1 + random(random.once(2) ? 12 : 60)}),
  };
}

/** Pieces of a text or of bytes, cut at those places; empty ones where a place comes twice. */
export function cutAt(stream, places) {
  const pieces = [];
  let from = 0;
  for (const to of [...places, stream.length]) {
    pieces.push(stream.slice(from, to));
    from = to;
  }
  return pieces;
}

export function randomCut(random, stream) {
  const most = 1 + random(random.once(3) ? 12 : 4);
  const places = random.times(most, () => random(stream.length + 1));
  return cutAt(
    stream,
    places.sort((a, b) => a - b),
  );
}

export function ones(stream) {
  return cutAt(
    stream,
    Array.from({length: Math.max(0, stream.length - 1)}, (_, n) => n + 1),
  );
}

/** Every way to cut it: 2^(length-1). */
export function* everyCut(stream) {
  const gaps = Math.max(0, stream.length - 1);
  for (let bits = 0; bits < 2 ** gaps; bits++) {
    const places = [];
    for (let gap = 0; gap < gaps; gap++) if (bits & (1 << gap)) places.push(gap + 1);
    yield cutAt(stream, places);
  }
}
