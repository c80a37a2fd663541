// Section 9 of sse.ts, as rows: what a client asks for, what it makes of what it gets, and what its
// user sees of that, for each kind of client in each kind of loop.

import assert from 'node:assert/strict';
import {describe} from 'node:test';
import {SSEConnectionError, SSEError, type SSEEvent, SSEHTTPError} from '../../sse.ts';
import {
  A,
  ADDRESS,
  AWAITING,
  B,
  blank,
  BLOCKING,
  boom,
  consume,
  dataOf,
  each,
  encoded,
  failures,
  type Kind,
  KINDS,
  NOW,
  POST,
  type Script,
  scripted,
  type Step,
  STREAM,
  stream,
  throws,
  to,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';
import {bytesOf} from '../support/events.ts';
import {IS_PAGE, IS_WORKERD} from '../support/runtime.ts';

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

/** A test for each kind of client of each row. */
function runRows(rows: readonly Row[]): void {
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
}

const REQUESTS: Row[] = [
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
    rule: 'init goes to the transport',
    options: {init: {credentials: 'include'}},
    steps: [],
    check({
      script: {
        sent: [first],
      },
    }) {
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
];

const RECONNECTION: Row[] = [
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
    steps: [stream(`id: 1\n${A}`, 'id: 2\ndata: lost\n'), stream('data: half', bytesOf('\xe2'))],
    events: ['a'],
    ids: ['', '1', '1'],
    waits: [3000, 6000],
    lastEventId: '1',
  },
  {
    rule: 'a cut event and a cut UTF-8 sequence do not leak into the next connection',
    steps: [stream('event: old\ndata: ', bytesOf('é').slice(0, 1)), stream(bytesOf(A))],
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
    steps: [stream(`\ufeff${A}`), stream(bytesOf(`\ufeff${B}`))],
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
    error: ['SSEConnectionError', 'connection', `SSE connection to ${ADDRESS} failed: `],
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
    error: ['SSEConnectionError', 'connection', 'failed: ', 'reset'],
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
    error: ['SSEConnectionError', 'connection', 'failed: ', 'reset'],
    check: ({error}) => assert.equal(error.retries, 0),
  },
  {
    rule: 'POST: a failed request is not sent again',
    options: POST,
    steps: [new Error('refused'), stream(B)],
    error: ['SSEConnectionError', 'connection', 'failed: ', 'refused'],
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
];

const RESPONSES: Row[] = [
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
    steps: [{status: 500, body: [bytesOf('é').slice(0, 1), bytesOf('é').slice(1), bytesOf('€')]}],
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
      'SSEResponseError',
      'content-type',
      "Expected Content-Type 'text/event-stream', got 'text/html; charset=utf-8'",
      ADDRESS,
    ],
    status: 200,
    log: ['request 1'],
    check({client, error}) {
      assert.equal(client.response.headers.get('x-a'), 'b');
      assert.deepEqual([error.status, error.url, error.body], [200, ADDRESS, A]);
    },
  },
  {
    rule: 'a missing content type is final',
    steps: [{type: null, body: [A]}, stream(B)],
    error: ['SSEResponseError', 'content-type', "Expected Content-Type 'text/event-stream', got "],
  },
  {
    rule: 'a wrong content type is final also after open',
    steps: [stream(A), {type: 'application/json', body: ['{}']}],
    events: ['a'],
    ids: blank(2),
    waits: [3000],
    error: ['SSEResponseError', 'content-type', "'application/json'"],
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
      error: ['SSEResponseError', 'content-type', `'${type}'`],
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
    error: ['SSEResponseError', 'content-type', "'application/json'"],
  },
];

const REDIRECTS: Row[] = [
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
  // Fetch standard, "extract a MIME type"
  ...[
    'text/html, text/event-stream',
    'text/event-stream, nonsense',
    'text/html,*/*;q=1 , TEXT/EVENT-STREAM; charset=utf-8',
    'text/event-stream; x="a, text/html; y"',
    'text/event-stream; x="\\", text/html; y"',
  ].map(
    (type): Row => ({
      rule: `the last valid one of several content types counts: ${type}`,
      options: POST,
      steps: [{type, body: [A]}],
      events: ['a'],
    }),
  ),
  ...['text/event-stream, text/html', 'text/event-stream; x="a", text/html', '*/*', ', ;'].map(
    (type): Row => ({
      rule: `content types that are no event stream: ${type}`,
      options: POST,
      steps: [{type, body: [A]}],
      error: ['SSEResponseError', 'content-type', "'text/event-stream'"],
    }),
  ),
  ...[301, 302].map(
    (status): Row => ({
      rule: `a POST is never made a GET by ${status}`,
      options: POST,
      steps: [to('/moved', status), stream(A)],
      error: ['SSEError', 'redirect', `${status}`],
    }),
  ),
  {
    rule: '303 makes a GET of a POST, without its body and what describes that',
    options: {
      json: {words: ['a']},
      headers: {'Content-Language': 'en', 'X-Key': 'mine'},
      reconnect: true,
    },
    steps: [to('/answer', 303), stream(A)],
    events: ['a'],
    ids: blank(3),
    waits: [3000],
    check: ({script: {sent}}) =>
      assert.deepEqual(
        sent.map(({url, method, body, headers}) => [
          url,
          method,
          body,
          headers['content-type'],
          headers['content-language'],
          headers['x-key'],
        ]),
        [
          [ADDRESS, 'POST', '{"words":["a"]}', 'application/json', 'en', 'mine'],
          ['http://sse.test/answer', 'GET', undefined, undefined, undefined, 'mine'],
          [ADDRESS, 'POST', '{"words":["a"]}', 'application/json', 'en', 'mine'],
        ],
      ),
  },
  {
    rule: '303: the function for the body is not asked for a GET',
    options: {method: 'PUT', body: ({attempt}: {attempt: number}) => `body ${attempt}`},
    steps: [to('/answer', 303), to('/again', 307), stream(A)],
    events: ['a'],
    ids: blank(3),
    check: ({script: {sent}}) =>
      assert.deepEqual(
        sent.map(({method, body}) => [method, body]),
        [
          ['PUT', 'body 0'],
          ['GET', undefined],
          ['GET', undefined],
        ],
      ),
  },
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
];

const FUNCTIONS: Row[] = [
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

describe('clients', () => {
  describe('requests', () => runRows(REQUESTS));
  describe('reconnection', () => runRows(RECONNECTION));
  describe('responses', () => runRows(RESPONSES));
  describe('redirects', () => runRows(REDIRECTS));
  describe("the user's own functions", () => runRows(FUNCTIONS));
});
