// Section 4 of sse.ts: noise, lines, comments, callbacks, maxEventSize, and chunks of every size.
// The rows of parsing are in sse.test.ts.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EventParser, EventSource, formatEvent, SSEEvent} from '../../sse.ts';
import {caught, isSSEError} from '../support/errors.ts';
import {
  bytesOf,
  type Chunk,
  cut,
  e,
  type Fields,
  keyOf,
  parse,
  plain,
  x,
} from '../support/events.ts';
import {eventsOf, FORMS, variantsOf} from '../support/parser.ts';
import {randomFrom} from '../support/random.mjs';

describe('parsing', () => {
  test('a retry of hundreds of digits stays a number', () => {
    const parser = new EventParser();
    const [event] = parser.feed(`retry: ${'9'.repeat(400)}\ndata: a\n\n`);
    assert.ok(typeof event?.retry === 'number' && event.retry >= 2 ** 53 - 1);
    assert.deepEqual(parse(formatEvent(event)), [plain(event)], 'and can be written again');
    assert.equal(parser.retry, event.retry);
  });

  test("noise, against the specification's algorithm", () => {
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
      const expected = eventsOf(text);
      count += expected.length;
      const input = random(2) ? text : bytesOf(text);
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

  test('events of thousands of lines, lines of thousands of pieces', () => {
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

  test('a stream that goes on where another ended', () => {
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

  test('an event ended by CR is there at once, and a LF that comes later is its own', () => {
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

  test('feedLine() takes one line', () => {
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

  test('comments go to onComment, less the colon and one space', () => {
    const text = ':a\n: b\n:  c\n:\n: \n::d\ndata: x\n:e: f\n\n:g\nh: :i\n: é\n';
    const expected = ['a', 'b', ' c', '', '', ':d', 'e: f', 'g', 'é'];
    for (const [end, input] of variantsOf(text)) {
      for (const chunks of [[input], cut(input, 1), cut(bytesOf(input), 1)]) {
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

  test('comments come in the order of the stream', () => {
    const got: string[] = [];
    const source = new EventSource(': 1\ndata: 2\n\n: 3\ndata: 4\n\n', {
      onComment: (text) => got.push(text),
    });
    for (const event of source) got.push(event.data);
    assert.deepEqual(got, ['1', '2', '3', '4']);
  });

  test('onComment that throws loses no event', () => {
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

  test('a function that throws at an event loses none of the others', () => {
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
});

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
    'type, id and data above together',
    `data: a\n\nevent:${x(10)}\nid:${x(10)}\ndata:${x(20)}\n\n`,
    [e('a')],
    true,
  ],
  [
    'type, id and data below together',
    `event:${x(10)}\nid:${x(10)}\ndata:${x(15)}\n\n`,
    [e(x(15), {event: x(10), id: x(10)})],
    false,
  ],
  [
    'a type and an id that are replaced do not count',
    `event:${x(20)}\nid:${x(15)}\nevent\nid\ndata:${x(30)}\n\n`,
    [e(x(30))],
    false,
  ],
  [
    'an id that persists does not count for later events',
    `id:${x(30)}\ndata: a\n\ndata:${x(30)}\n\n`,
    [e('a', {id: x(30)}), e(x(30), {id: x(30)})],
    false,
  ],
  [
    'a type and an id of a block without data do not count for the next one',
    `event:${x(15)}\nid:${x(15)}\n\ndata:${x(30)}\n\n`,
    [e(x(30), {id: x(15)})],
    false,
  ],
  [
    'many ids and types',
    `${'id: 1\nevent: x\n'.repeat(30)}data: a\n\n`,
    [e('a', {event: 'x', id: '1'})],
    false,
  ],
  ['many unknown fields', `${'foo: bar\n'.repeat(30)}data: a\n\n`, [e('a')], false],
  ['blank lines', `${'\n'.repeat(100)}data: a\n\n`, [e('a')], false],
];

describe('maxEventSize', () => {
  test('one verdict, however the stream is cut, after the events before', () => {
    for (const [name, input, events, isOver] of LIMITS) {
      for (const [end, text] of variantsOf(input)) {
        for (const chunks of [
          [text],
          ...[1, 2, 7, 30].map((size) => cut(text, size)),
          cut(bytesOf(text), 1),
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

  test('near the limit, too, the verdict does not depend on the cuts', () => {
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

  test('what is kept of an endless stream is bounded', () => {
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

  test('the array form returns whole events first and throws at the next call', () => {
    const parser = new EventParser({maxEventSize: 20});
    assert.deepEqual(parser.feed(`data: a\n\ndata: b\n\n${x(100)}`).map(plain), [e('a'), e('b')]);
    assert.throws(() => parser.feed('data: c\n\n'), {code: 'limit', name: 'SSEError'});
    assert.throws(() => parser.feed('\n\ndata: d\n\n'), {code: 'limit'});
    assert.throws(() => new EventParser({maxEventSize: 20}).feed(x(100)), {code: 'limit'});
  });

  test('the message says how much, which limit and what to do', () => {
    const {message} = isSSEError(
      caught(() => new EventParser({maxEventSize: 2000}).feed(x(3000))),
      'limit',
    );
    assert.match(message, /2[,_ ]?000/);
    assert.match(message, /maxEventSize/);
    assert.ok(message.length < 300, 'no dump');
  });

  test('64 Mi unless told, Infinity is none, what is no size is refused', () => {
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

  test('exactly that much is taken, one unit more is not', () => {
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
});

describe('chunks', () => {
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
      const bytes = bytesOf(ended);
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
    const bytes = bytesOf(text);
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
    assert.deepEqual(parser.feed(bytesOf('data: \u65e5').subarray(0, 8)), []);
    assert.deepEqual(parser.feed('x\n\n').map(plain), [e('\ufffdx')]);
    assert.deepEqual(parser.feed(bytesOf('data: é').subarray(0, 7)), []);
    assert.deepEqual(parser.feed(''), [], 'no text is no end');
    assert.deepEqual(parser.feed(bytesOf('é\n\n').subarray(1)).map(plain), [e('é')]);
    assert.deepEqual(parser.feed(bytesOf('dat')), []);
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
    const bytes = bytesOf(many.map((data) => formatEvent({data})).join(''));
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
});
