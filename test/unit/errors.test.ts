// Section 1 of sse.ts: names, codes and facts of errors, and what their messages say.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  AsyncSSEClient,
  Reconnection,
  SSEConnectionError,
  SSEError,
  SSEEvent,
  SSEHTTPError,
  SSEResponseError,
} from '../../sse.ts';
import {caught} from '../support/errors.ts';
import {failure, headersFrom, STREAM_URL} from '../support/reconnection.ts';

function hasMessage(name: string, cause: unknown, retries: number, words: string[]): void {
  const reconnection = new Reconnection(STREAM_URL, {maxRetries: retries, random: () => 0});
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
  const after = ['', ' after 1 retry', ' after 2 retries', ' after 3 retries'][retries];
  const start = `SSE connection to ${STREAM_URL} failed${after}: `;
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

describe('errors', () => {
  test('names, codes, classes, facts', () => {
    const plainError = new SSEError('limit', 'too much', 'why');
    assert.ok(plainError instanceof Error);
    assert.deepEqual(
      [plainError.name, plainError.code, plainError.message, plainError.cause],
      ['SSEError', 'limit', 'too much', 'why'],
    );
    assert.equal('cause' in new SSEError('limit', 'too much'), false, 'no cause, no property');

    const headers = headersFrom({'retry-after': '7'});
    const http = failure(new Reconnection(STREAM_URL), (r) => r.refused(418, headers, 'short', 0));
    assert.ok(http instanceof SSEHTTPError && http instanceof SSEError && http instanceof Error);
    assert.deepEqual(
      [http.name, http.code, http.status, http.url, http.body, http.retryAfter],
      ['SSEHTTPError', 'http', 418, STREAM_URL, 'short', 7000],
    );
    assert.equal(http.headers.get('retry-after'), '7');
    assert.match(http.message, /418/);
    assert.ok(http.message.includes(STREAM_URL), http.message);
    assert.ok(String(http).startsWith('SSEHTTPError: '), String(http));

    const cause = new TypeError('fetch failed');
    const lost = failure(new Reconnection(STREAM_URL, {maxRetries: 0}), (r) => r.lost(cause));
    assert.ok(lost instanceof SSEConnectionError && lost instanceof SSEError);
    assert.deepEqual(
      [lost.name, lost.code, lost.url, lost.retries, lost.cause],
      ['SSEConnectionError', 'connection', STREAM_URL, 0, cause],
    );
    assert.ok(String(lost).startsWith('SSEConnectionError: '), String(lost));
  });

  test('SSE connection to URL failed after N retries: CAUSE', () => {
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
      [
        'several reasons side by side, as of a host with two addresses: the first',
        new TypeError('fetch failed', {cause: new AggregateError([refused, new Error('::1')], '')}),
        0,
        ['fetch failed', 'ECONNREFUSED'],
      ],
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

  // C0, DEL, C1 (U+009B begins what a terminal obeys) and what turns the direction of a line
  const ACTING = '\x00\x07\x1b[2J\x7f\x9b2J\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069';

  test('text of strangers acts on no terminal, and is still to be recognised', () => {
    const messages = [
      failure(new Reconnection(STREAM_URL, {maxRetries: 0}), (r) => r.lost(new Error(ACTING))),
      failure(new Reconnection(STREAM_URL), (r) =>
        r.refused(200, {get: (name) => (name === 'content-type' ? ACTING : null)}, ACTING, 0),
      ),
      caught(() => new SSEEvent(ACTING, `{${ACTING}`).json()),
      caught(() => new AsyncSSEClient(`ftp://a.test/${ACTING}`)),
    ].map((error) => (error as Error).message);
    for (const message of messages) {
      assert.match(message, /\\u009b2J/);
      assert.match(message, /\\u202e/);
      for (const character of ACTING.replace(/[[2J]/g, '')) {
        assert.ok(!message.includes(character), JSON.stringify(character));
      }
    }
  });

  // what another copy of this file, or one in another realm, has thrown
  const foreign = (fields: object) =>
    Object.assign(
      Object.create(Object.create(Error.prototype, {brand: {value: 'ssekit'}})),
      fields,
    );
  const CLASSES = {SSEError, SSEResponseError, SSEHTTPError, SSEConnectionError};
  const copies: [what: string, fields: object, ...classes: (keyof typeof CLASSES)[]][] = [
    ['timeout', {code: 'timeout'}, 'SSEError'],
    ['http', {code: 'http', status: 503}, 'SSEError', 'SSEResponseError', 'SSEHTTPError'],
    ['content-type', {code: 'content-type', status: 200}, 'SSEError', 'SSEResponseError'],
    ['connection', {code: 'connection', retries: 0}, 'SSEError', 'SSEConnectionError'],
    ['a loss', {code: 'connection'}, 'SSEError'],
    ['no code', {}],
  ];
  for (const [what, fields, ...classes] of copies) {
    test(`of another copy of the file: ${what}`, () => {
      const known = (error: unknown) =>
        Object.entries(CLASSES).flatMap(([name, Class]) => (error instanceof Class ? [name] : []));
      assert.deepEqual(known(foreign(fields)), classes);
      assert.deepEqual(known(Object.assign(new Error(), fields)), [], 'no brand');
      class Mine extends SSEHTTPError {}
      assert.ok(!(foreign(fields) instanceof Mine));
    });
  }
  for (const value of [undefined, null, 5, 'ssekit', {}, {brand: 'ssekit'}, () => {}]) {
    test(`no error of this file: ${String(value)} ${JSON.stringify(value)}`, () => {
      for (const Class of Object.values(CLASSES)) assert.ok(!((value as any) instanceof Class));
    });
  }

  test('a reason without a message has its name', () => {
    hasMessage('no message', new RangeError(), 0, ['RangeError']);
  });

  test('the reason may be in the cause of the cause', () => {
    const cause = new Error('a', {cause: new Error('b', {cause: new Error('ECONNRESET')})});
    hasMessage('three errors', cause, 3, ['a', 'b', 'ECONNRESET']);
  });
});
