// Section 2 of sse.ts: an event's json(), and events written by formatEvent().

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EventParser, formatEvent, SSEEvent} from '../../sse.ts';
import {caught, isSSEError} from '../support/errors.ts';
import {e, type Fields, parse, plain} from '../support/events.ts';
import {randomFrom} from '../support/random.mjs';

describe('events', () => {
  test('json()', () => {
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

  test('json() of what is not JSON', () => {
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

describe('formatEvent', () => {
  test('reads back as it was meant', () => {
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

  test('random fields read back, and an SSEEvent is written as it was read', () => {
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

  test('nothing gets out of its field', () => {
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
});
