// How ssekit behaves, as rows: a rule, its case, what comes in, what must come of it. Rules that
// begin with "#" are anchors of the specification (WHATWG HTML, "Server-sent events"); others are
// situations of the tables of docs/behaviour.md.
//
// This file is the door to all tests. The tables in it are those that everything else follows from:
//
//   decoding, parsing   what a stream means, byte by byte
//   reconnection        what follows on a response, a failure and an end, as days in the life of a
//                       Reconnection: actions, and behind "->" the decision that each must lead to
//
// The rest is in test/unit/, by section of sse.ts; a file's first lines say what it has. Rows of
// whole clients are in clients.test.ts, those of web-event-source.ts in the file of that name;
// everything over a network is in those that end in sockets.test.ts. What they share is in
// test/support/: runners of rows, scripted transports, the specification's own steps.
//
//   node build.mjs                       bundles them for a Node that runs no TypeScript
//   node --test .build/sse.test.js       all of them; SSE_TEST=pure without real sockets,
//                                        SSE_TEST=fast without the slowest products, too
//   node --test .build/rows.test.js      the tables of this file
//   node --test .build/parsing.test.js   test/unit/parsing.test.ts, and so on

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {nothingIsLeftBehind} from './test/support/clients.ts';
import {e} from './test/support/events.ts';
import {eventsOf, type ParserRow, runRows} from './test/support/parser.ts';
import {
  type Days,
  failing,
  JUST_UNDER_1,
  runDays,
  STREAM_URL,
} from './test/support/reconnection.ts';

// The rest of the tests.
import './test/unit/errors.test.ts';
import './test/unit/events.test.ts';
import './test/unit/decoding.test.ts';
import './test/unit/parsing.test.ts';
import './test/unit/incomplete.test.ts';
import './test/unit/event-source.test.ts';
import './test/unit/json.test.ts';
import './test/unit/batches.test.ts';
import './test/unit/reconnection.test.ts';
import './test/unit/resume.test.ts';
import './test/unit/failures.test.ts';
import './test/unit/transports.test.ts';
import './test/unit/clients.test.ts';
import './test/unit/clients-loops.test.ts';
import './test/unit/clients-ownership.test.ts';
import './test/unit/clients-close.test.ts';
import './test/unit/clients-transports.test.ts';
import './test/unit/clients-timeouts.test.ts';
import './test/unit/clients-options.test.ts';
import './test/unit/mistakes.test.ts';
import './test/unit/web-event-source.test.ts';
import './test/unit/sockets.test.ts';
import './test/unit/web-event-source-sockets.test.ts';

// ── Decoding ──────────────────────────────────────────────────────────────────────────────────

const GRAMMAR = '#parsing-an-event-stream';
const INVALID = 'invalid UTF-8';
const BOM = '\xef\xbb\xbf';

const DECODING: readonly ParserRow[] = [
  [GRAMMAR, 'a BOM at the start is dropped', '\ufeffdata: a\n\n', [e('a')]],
  [GRAMMAR, 'of two BOMs one is dropped', '\ufeff\ufeffdata: a\n\ndata: b\n\n', [e('b')]],
  [GRAMMAR, 'a BOM before a comment', '\ufeff: c\ndata: a\n\n', [e('a')]],
  [GRAMMAR, 'a BOM before a blank line', '\ufeff\ndata: a\n\n', [e('a')]],
  [GRAMMAR, 'nothing but a BOM', '\ufeff', []],
  [
    GRAMMAR,
    'a BOM in the second line belongs to its field name',
    '\n\ufeffdata: a\n\ndata: b\n\n',
    [e('b')],
  ],
  [GRAMMAR, 'a BOM at the start of data is data', 'data: \ufeffa\n\n', [e('\ufeffa')]],
  [
    GRAMMAR,
    'a BOM before each event: the first one only',
    '\ufeffdata: a\n\n\ufeffdata: b\n\ndata: c\ufeff\n\n',
    [e('a'), e('c\ufeff')],
  ],
  [GRAMMAR, 'a BOM that is cut off', {bytes: '\xef\xbb'}, []],
  [
    GRAMMAR,
    'what begins like a BOM and is none',
    {bytes: '\xef\xbbdata: a\n\ndata: b\n\n'},
    [e('b')],
  ],
  [GRAMMAR, 'a BOM in bytes', {bytes: `${BOM}data: a\n\n`}, [e('a')]],
  [
    GRAMMAR,
    'two BOMs in bytes',
    {bytes: `${BOM}${BOM}data: a\n\ndata: ${BOM}b\n\n`},
    [e('\ufeffb')],
  ],
  [
    GRAMMAR,
    'UTF-8 of two, three and four bytes',
    'event: é\nid: €\ndata: 😀é€\n\n',
    [e('😀é€', {event: 'é', id: '€'})],
  ],
  [INVALID, 'a byte that is never valid', {bytes: 'data: a\xffb\n\n'}, [e('a\ufffdb')]],
  [INVALID, 'a continuation byte alone', {bytes: 'data: a\x80b\n\n'}, [e('a\ufffdb')]],
  [INVALID, 'a sequence cut off by ASCII', {bytes: 'data: \xe2\x82a\n\n'}, [e('\ufffda')]],
  [INVALID, 'a sequence cut off by the line end', {bytes: 'data: \xf0\x9f\x98\n\n'}, [e('\ufffd')]],
  [INVALID, 'an overlong form', {bytes: 'data: \xc0\xaf\n\n'}, [e('\ufffd\ufffd')]],
  [INVALID, 'a surrogate', {bytes: 'data: \xed\xa0\x80\n\n'}, [e('\ufffd\ufffd\ufffd')]],
  [INVALID, 'a field name with an invalid byte', {bytes: '\xffdata: a\n\ndata: b\n\n'}, [e('b')]],
  [
    INVALID,
    'an id with an invalid byte',
    {bytes: 'id: \xff\ndata: a\n\n'},
    [e('a', {id: '\ufffd'})],
  ],
  [INVALID, 'the stream ends inside a sequence', {bytes: 'data: a\n\ndata: \xf0\x9f'}, [e('a')]],
];

describe('decoding: rows', () => runRows(DECODING));

// ── Parsing ───────────────────────────────────────────────────────────────────────────────────

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
    LINES,
    'the first example of the specification',
    'data: YHOO\ndata: +2\ndata: 10\n\n',
    [e('YHOO\n+2\n10')],
  ],
  [
    LINES,
    'the second example of the specification',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n',
    [e('first event', {id: '1'}), e('second event')],
  ],
  [
    LINES,
    'the third example of the specification',
    'data\n\ndata\ndata\n\ndata:',
    [e(''), e('\n')],
  ],
  [
    LINES,
    'the fourth example of the specification',
    'data:test\n\ndata: test\n\n',
    [e('test'), e('test')],
  ],
];

describe('parsing: rows', () => {
  runRows(PARSING);

  test("the rows hold for the specification's algorithm as well", () => {
    for (const [, name, input, events] of PARSING) {
      if (typeof input === 'string') assert.deepEqual(eventsOf(input), events, name);
    }
  });
});

// ── Reconnection ──────────────────────────────────────────────────────────────────────────────

const BACKOFF = 'wait before reconnecting';
const STORM = 'no storm';
const RETRIES = 'more than maxRetries in a row';
const STATUS = 'other status';
const ENDING = 'clean end';
const METHOD = 'POST and other methods';
const UNTIL = 'until';

const doubling = failing(
  'wait 3000 #1',
  'wait 6000 #2',
  'wait 12000 #3',
  'wait 24000 #4',
  'wait 30000 #5',
  'wait 30000 #6',
);

const DAYS: readonly Days[] = [
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
      `url -> ${STREAM_URL}`,
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
  ...[301, 302].map(
    (status): Days => [
      'redirects',
      `POST and ${status}: no silent GET`,
      {method: 'POST'},
      ['begin', `redirect ${status} /b -> fail redirect`],
    ],
  ),
  ...[301, 302, 303].map(
    (status): Days => [
      'redirects',
      `POST and 303, then ${status}: a GET, as RFC 9110 says, and its 200 opens the stream`,
      {method: 'POST'},
      [
        'begin',
        'redirect 303 /b -> send',
        `redirect ${status} /c -> send`,
        'url -> https://a.test/c',
        '200 text/event-stream -> open',
      ],
    ],
  ),
  [
    'redirects',
    'POST and 303: 201 is no stream of a GET',
    {method: 'POST'},
    ['begin', 'redirect 303 /b -> send', '201 text/event-stream -> read'],
  ],
  [
    'redirects',
    'POST and 303: the next attempt is a POST again',
    {method: 'POST', reconnect: true},
    [
      'begin',
      'redirect 303 /b -> send',
      '200 text/event-stream -> open',
      'lost -> wait 3000 #1',
      'begin',
      'redirect 302 /b -> fail redirect',
    ],
  ],
  [
    'redirects',
    'a Location of raw UTF-8, as HTTP hands it over: one code unit a byte',
    {},
    ['begin', 'redirect 302 /caf\xc3\xa9 -> send', 'url -> https://a.test/caf%C3%A9'],
  ],
  [
    'redirects',
    'a Location of Latin-1, which is no UTF-8, stays what it is',
    {},
    ['begin', 'redirect 302 /caf\xe9 -> send', 'url -> https://a.test/caf%C3%A9'],
  ],
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
];

describe('reconnection: rows', () => runDays(DAYS));

test('in the end nothing is left behind: no rejection, no timer', nothingIsLeftBehind);
