// `incomplete`: what becomes of an event whose blank line is missing at a clean end (sections 4, 6
// and 9 of sse.ts). `dispatch` is what the specification's steps make of the stream with a blank
// line after it; every row is cut everywhere, as text and as bytes, with every end of line.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EventParser, EventSource, type SSEEvent} from '../../sse.ts';
import {
  A,
  ASYNC,
  BLOCKING,
  consume,
  dataOf,
  each,
  KINDS,
  POST,
  scripted,
  stream,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';
import {all, binary, bytesOf, type Chunk, e, type Fields, later, plain} from '../support/events.ts';
import {decodeText, interpret} from '../support/specification.mjs';

const DISPATCH = {incomplete: 'dispatch'} as const;
const ENDS = ['\n', '\r\n', '\r'];

const rows: [what: string, text: string, last: Fields[]][] = [
  ['no blank line', 'data: a\n', [e('a')]],
  ['no end of line', 'data: a', [e('a')]],
  ['of two lines', 'data: a\ndata: b', [e('a\nb')]],
  ['a type and an id', 'event: t\nid: 5\ndata: a', [e('a', {event: 't', id: '5'})]],
  ['a field name alone', 'data', [e('')]],
  ['an id alone is no event', 'id: 5', []],
  ['a type alone is no event', 'event: t', []],
  ['a comment', 'data: a\n: b', [e('a')]],
  ['a field name that is not whole', 'data: a\ndat', [e('a')]],
  ['nothing', '', []],
  ['what is beyond ASCII', 'data: é😀', [e('é😀')]],
];

/** All ways to cut it in two, and in pieces of one. */
function cutsOf<T extends Chunk>(chunk: T): T[][] {
  return [
    Array.from({length: chunk.length}, (_, at) => chunk.slice(at, at + 1) as T),
    ...Array.from({length: chunk.length + 1}, (_, at) => [
      chunk.slice(0, at) as T,
      chunk.slice(at) as T,
    ]),
  ];
}

function parsed(chunks: readonly Chunk[], options: object): Fields[] {
  const parser = new EventParser(options);
  const events: Fields[] = [];
  const take = () => {
    for (let event; (event = parser.next()); ) events.push(plain(event));
  };
  for (const chunk of chunks) {
    parser.write(chunk);
    take();
  }
  parser.end();
  take();
  return events;
}

describe('incomplete', () => {
  for (const [what, text, last] of rows) {
    for (const before of ['', '\ufeff', 'data: z\n\n']) {
      const whole = before.length > 1 ? [e('z')] : [];
      test(`dispatch: ${what}, after ${JSON.stringify(before)}`, async () => {
        for (const end of ENDS) {
          const input = (before + text).replaceAll('\n', end);
          const expected = [...whole, ...last];
          assert.deepEqual(interpret(decodeText(`${input}\n\n`)).events.map(plain), expected);
          for (const chunks of [...cutsOf(input), ...cutsOf(bytesOf(input))]) {
            const shown = JSON.stringify(chunks.map(String));
            const cut: Iterable<Chunk> = chunks;
            assert.deepEqual(parsed(chunks, DISPATCH), expected, shown);
            assert.deepEqual([...EventSource.from(cut, DISPATCH)].map(plain), expected, shown);
            const loop = await all(EventSource.from(later(cut), DISPATCH));
            assert.deepEqual(loop.map(plain), expected, shown);
            assert.deepEqual([...EventSource.from(cut)].map(plain), whole, `${shown} discarded`);
          }
          const lines = input.split(end);
          assert.deepEqual([...new EventSource(lines, DISPATCH)].map(plain), expected);
          assert.deepEqual([...new EventSource(input, DISPATCH)].map(plain), expected);
        }
      });
    }
  }

  test('a character that is not whole is U+FFFD, as "UTF-8 decode" says', () => {
    for (const cut of ['data: \xc3', 'data: \xf0\x9f\x98']) {
      for (const chunks of cutsOf(binary(cut))) {
        assert.deepEqual(
          parsed(chunks, DISPATCH),
          [e('\ufffd')],
          JSON.stringify(chunks.map(String)),
        );
      }
    }
  });

  test('onIgnored: nothing is incomplete then', () => {
    const told: string[][] = [];
    const onIgnored = (line: string, reason: string) => void told.push([line, reason]);
    const events = [...new EventSource('data: a\nfoo', {...DISPATCH, onIgnored})];
    assert.deepEqual([dataOf(events), told], [['a'], [['foo', 'unknown-field']]]);
    told.length = 0;
    assert.deepEqual([...new EventSource('data: a\nfoo', {onIgnored})], []);
    assert.deepEqual(told, [
      ['data: a', 'incomplete'],
      ['foo', 'incomplete'],
    ]);
  });

  test('lastEventId: of the event that the end has completed', () => {
    const source = new EventSource('id: 5\ndata: a', DISPATCH);
    assert.deepEqual([[...source].length, source.lastEventId], [1, '5']);
  });

  test('an error of the source is no clean end', async () => {
    const chunks = function* () {
      yield 'data: a\n\ndata: b';
      throw new Error('cut');
    };
    const events: SSEEvent[] = [];
    const loop = () => {
      for (const event of EventSource.from(chunks(), DISPATCH)) events.push(event);
    };
    assert.throws(loop, /cut/);
    assert.deepEqual(dataOf(events), ['a']);
  });

  test('discarded: a cut character counts for no limit', async () => {
    for (const chunks of cutsOf(binary('a\xc3'))) {
      const told: string[] = [];
      const onIgnored = (line: string) => void told.push(line);
      const source = EventSource.from(chunks, {maxEventSize: 1, onIgnored});
      assert.deepEqual([[...source], told], [[], ['a']]);
    }
  });

  test('json() and batches() have it, too', async () => {
    const cut = ['data: 1\n\n', 'data: 2'];
    assert.deepEqual([...EventSource.from(cut, DISPATCH).json()], [1, 2]);
    assert.deepEqual([...EventSource.from(cut, DISPATCH).batches()].map(dataOf), [['1'], ['2']]);
    assert.deepEqual(await all(EventSource.from(later(cut), DISPATCH).json()), [1, 2]);
    const batches = await all(EventSource.from(later(cut), DISPATCH).batches());
    assert.deepEqual(batches.map(dataOf), [['1'], ['2']]);
  });

  test('the limit counts', () => {
    const loop = () => [...new EventSource('data: abc', {...DISPATCH, maxEventSize: 8})];
    assert.throws(loop, /maxEventSize is 8/);
  });

  const until = ({data}: SSEEvent) => data === '[DONE]';
  each(KINDS, 'a client: until sees the last event', async (kind) => {
    for (const chunks of cutsOf(`${A}data: [DONE]`)) {
      const options = {...POST, ...DISPATCH, until};
      const {client, script} = scripted(kind, [stream(...chunks)], options);
      const {events, error} = await consume(kind, client);
      assert.deepEqual([dataOf(events), error, script.open], [['a', '[DONE]'], undefined, 0]);
      assert.equal(client.state, 'closed');
    }
  });

  each(KINDS, 'a client: discarded, until calls it truncated', async (kind) => {
    const {client} = scripted(kind, [stream(A, 'data: [DONE]')], {...POST, until});
    const {events, error} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a']);
    assertError(error, 'SSEError', 'truncated', 'blank line', '[DONE]');
  });

  each(KINDS, 'a client: without until; and the loop may be left at it', async (kind) => {
    for (const leave of [undefined, 'break']) {
      const {client, script} = scripted(kind, [stream('data: a')], {...POST, ...DISPATCH});
      const {events, error} = await consume(kind, client, () => leave);
      assert.deepEqual([dataOf(events), error, script.open], [['a'], undefined, 0]);
    }
  });

  each(KINDS, 'a client: not where the connection is cut', async (kind) => {
    const cut = new TypeError('terminated');
    const {client} = scripted(kind, [stream(A, 'data: b', cut)], {...POST, ...DISPATCH});
    const {events, error} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a']);
    assertError(error, 'SSEConnectionError', 'connection', 'terminated');
  });

  each(KINDS, 'a client: the events before it come first, json() ends at done', async (kind) => {
    const options = {...POST, ...DISPATCH};
    const {client} = scripted(kind, [stream('data: 1\n\ndata: [DONE]')], options);
    const values: unknown[] = [];
    if (kind.isBlocking) for (const value of client.json()) values.push(value);
    else for await (const value of client.json()) values.push(value);
    assert.deepEqual([values, client.state], [[1], 'idle']);
  });

  const wrong: [options: object, rule: RegExp][] = [
    [{incomplete: 'keep'}, /TypeError: incomplete must be 'discard' or 'dispatch'/],
    [{incomplete: true}, /TypeError: incomplete must be/],
    [{incomplete: null}, /TypeError: incomplete must be/],
  ];
  for (const [options, rule] of wrong) {
    test(`what it cannot be: ${JSON.stringify(options)}`, () => {
      for (const kind of [ASYNC, BLOCKING]) assert.throws(() => scripted(kind, [], options), rule);
      assert.throws(() => new EventParser(options), rule);
      assert.throws(() => EventSource.from('', options), rule);
    });
  }

  test('a client that reconnects takes no dispatch', () => {
    const rule = /TypeError: incomplete: 'dispatch' is for reconnect: false/;
    for (const kind of [ASYNC, BLOCKING]) {
      assert.throws(() => scripted(kind, [], DISPATCH), rule);
      assert.throws(() => scripted(kind, [], {...DISPATCH, ...POST, reconnect: true}), rule);
      scripted(kind, [], {...DISPATCH, reconnect: false});
      scripted(kind, [], {incomplete: 'discard'});
    }
  });
});
