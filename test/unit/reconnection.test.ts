// Section 7 of sse.ts: facts of decisions and errors, what a request carries, and wrong options.
// The decisions themselves are rows in sse.test.ts.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {
  EventParser,
  Reconnection,
  SSEConnectionError,
  SSEError,
  type SSEEvent,
  SSEHTTPError,
} from '../../sse.ts';
import {caught, isSSEError} from '../support/errors.ts';
import {bytesOf} from '../support/events.ts';
import {
  Day,
  failure,
  headersFrom,
  JUST_UNDER_1,
  type ReconnectionSettings,
  show,
  STREAM_HEADERS,
  STREAM_URL,
} from '../support/reconnection.ts';

describe('reconnection', () => {
  test('jitter stays between 1 and 1.25', () => {
    for (const random of [0, 0.1, 0.5, 0.999, JUST_UNDER_1]) {
      const day = new Day({random: () => random});
      day.step('begin');
      const [, delay] = day.step('lost').split(' ').map(Number);
      assert.ok(Math.abs(Number(delay) - 3000 * (1 + random / 4)) <= 1, `${random}: ${delay}`);
      assert.ok(Number(delay) >= 3000 && Number(delay) <= 3750, `${random}: ${delay}`);
    }
    const delays = new Set(
      Array.from({length: 20}, () => {
        const reconnection = new Reconnection(STREAM_URL);
        reconnection.begin(0);
        return show(reconnection.lost());
      }),
    );
    assert.ok(delays.size > 1, 'random unless told');
  });

  test('http to https, and http to http, are followed', () => {
    for (const to of ['https://a.test/b', 'http://a.test/b', 'http://b.test/b']) {
      const day = new Day({}, 'http://a.test/');
      day.step('begin');
      assert.equal(day.step(`redirect 302 ${to}`), 'send');
      assert.equal(day.step('url'), to);
    }
  });

  test('the facts of a decision', () => {
    const reconnection = new Reconnection(STREAM_URL, {random: () => 0, lastEventId: '7'});
    assert.deepEqual(
      [reconnection.lastEventId, reconnection.retry, reconnection.reconnects],
      ['7', undefined, true],
    );
    const first = reconnection.begin(0);
    assert.deepEqual({...first}, {attempt: 0, lastEventId: '7', error: undefined});
    const cause = new TypeError('fetch failed');
    assert.deepEqual(reconnection.lost(cause), {
      kind: 'wait',
      retry: {attempt: 1, delay: 3000, error: cause, reason: 'fetch failed', lastEventId: '7'},
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

    assert.equal(new Reconnection(STREAM_URL, {method: 'POST'}).reconnects, false);
    assert.equal(new Reconnection(STREAM_URL, {method: 'POST', reconnect: true}).reconnects, true);
    assert.equal(new Reconnection(STREAM_URL, {reconnect: false}).reconnects, false);
    assert.equal(new Reconnection(STREAM_URL, {method: 'head'}).reconnects, true);
  });

  test('lastEventId is that of the last event handed over', () => {
    const reconnection = new Reconnection(STREAM_URL);
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

  test('`until` ends with its event, which counts', () => {
    const seen: SSEEvent[] = [];
    const reconnection = new Reconnection(STREAM_URL, {
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

  test('one connection is not made twice', () => {
    for (const options of [{method: 'POST'}, {reconnect: false}]) {
      const reconnection = new Reconnection(STREAM_URL, options);
      reconnection.begin(0);
      assert.equal(reconnection.lost().kind, 'stop');
      assert.throws(() => reconnection.begin(1e6), TypeError, JSON.stringify(options));
    }
  });

  test('facts of its errors', () => {
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
      // decimal seconds, rounded up; Date.parse() would take these for days, too
      ['32.5', 32_500],
      ['0.0001', 1],
      [' 7 ', 7000],
      ['-5', undefined],
      ['5s', undefined],
      ['.5', undefined],
      ['2026-11-21', undefined],
      ['Sat, 21 Nov 2026 12:01:30', undefined],
      ['Sat, 21 Nov 2026 12:01:30 +0200', undefined],
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
      r.refused(200, headersFrom({'content-type': 'text/html; charset=utf-8'}), '', 0),
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

  test('a server does not decide how long a message is', () => {
    const long = 'x'.repeat(1e5);
    const type = failure(new Reconnection(STREAM_URL), (r) =>
      r.refused(200, headersFrom({'content-type': `text/${long}`}), long, 0),
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

  test('truncated and lost streams name their URL and cause', () => {
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
      ended.message.startsWith('SSE connection to https://a.test/x failed: '),
      ended.message,
    );
    assert.ok(ended.cause instanceof SSEError && ended.message.endsWith(ended.cause.message));
    const status = new Reconnection(STREAM_URL, {maxRetries: 0, random: () => 0});
    status.begin(0);
    status.response(200, headersFrom(STREAM_HEADERS));
    const decision = status.refused(503, undefined, 'sorry', 0);
    assert.ok(decision.kind === 'fail' && decision.error instanceof SSEConnectionError);
    assert.ok(decision.error.cause instanceof SSEHTTPError && decision.error.cause.status === 503);
    assert.match(decision.error.message, /503/);
  });
});

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

describe('reconnection: requests', () => {
  test('request headers', () => {
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
      const reconnection = new Reconnection(STREAM_URL);
      reconnection.begin(0);
      assert.deepEqual(headersSent(reconnection, own, defaults), headers, name);
      assert.equal(reconnection.request(defaults, own).url, STREAM_URL, name);
    }
  });

  test('Last-Event-ID (#the-last-event-id-header)', () => {
    const utf8 = (text: string) => String.fromCharCode(...bytesOf(text));
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
      const first = new Reconnection(STREAM_URL, {lastEventId: id});
      first.begin(0);
      assert.deepEqual(headersSent(first), expected, `${name}, as an option`);
      const later = new Reconnection(STREAM_URL, {lastEventId: 'old'});
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

  test("the user's own Last-Event-ID, until the stream sets one", () => {
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

  test('what goes along with a redirect', () => {
    const own: Pairs = [
      ['Authorization', 'Bearer x'],
      ['X-Api-Key', 'k'],
      ['Last-Event-ID', 'mine'],
      ['Accept', 'a/b'],
      ['Cookie', 'c'],
    ];
    const rows: [name: string, url: string, locations: string[], isDropped: boolean][] = [
      ['nothing yet', STREAM_URL, [], false],
      ['the same origin', STREAM_URL, ['/b'], false],
      ['the same origin, in full, its port too', STREAM_URL, ['https://A.test:443/b'], false],
      ['another host', STREAM_URL, ['https://b.test/'], true],
      ['a subdomain', STREAM_URL, ['https://x.a.test/'], true],
      ['another port', STREAM_URL, ['https://a.test:444/'], true],
      ['without a scheme', STREAM_URL, ['//b.test/'], true],
      ['another scheme', 'http://a.test/', ['https://a.test/'], true],
      ['there and on', STREAM_URL, ['https://b.test/', '/x'], true],
      ['there and back: stays dropped', STREAM_URL, ['https://b.test/', STREAM_URL], true],
      ['late', STREAM_URL, ['/b', '/c', 'https://b.test/'], true],
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

  test('the userinfo of a redirect is not sent', () => {
    const day = new Day({});
    day.step('begin');
    assert.equal(day.step('redirect 302 https://user:pass@a.test/b'), 'send');
    assert.equal(day.step('url'), 'https://a.test/b');
    assert.equal(headersSent(day.reconnection).authorization, undefined);
  });

  test('a URL with userinfo is refused, and not shown', () => {
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
});

describe('reconnection: options', () => {
  test('wrong options name themselves', () => {
    const rows: [option: string, values: unknown[]][] = [
      ['retryInterval', [NaN, -1, '3', {}]],
      ['maxRetryInterval', [NaN, -1, -Infinity, '3']],
      ['maxRetries', [NaN, -2, 1.5, '3', -Infinity]],
      ['retryStatus', [503, '503', ['503'], [NaN], [1.5], {}]],
      ['lastEventId', [5, {}, 'a\nb', 'a\rb', 'a\0']],
    ];
    for (const [option, values] of rows) {
      for (const value of values) {
        const error = caught(() => new Reconnection(STREAM_URL, {[option]: value}));
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
    for (const options of right)
      assert.ok(new Reconnection(STREAM_URL, options), JSON.stringify(options));
  });
});
