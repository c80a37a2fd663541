// Sections 8 and 9 of sse.ts: what is refused at construction, and what is not; the shorthands.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {asyncConnect, AsyncSSEClient, connect, EventSource, SSEClient} from '../../sse.ts';
import {ADDRESS, ASYNC, consume, MAKERS} from '../support/clients.ts';
import {assertError, caught} from '../support/errors.ts';
import {IS_PAGE, IS_WORKERD} from '../support/runtime.ts';

const always = () => ({status: 204});
const wrong: [
  what: string,
  url: any,
  options: any,
  kind: 'TypeError' | 'RangeError' | 'either',
  ...words: string[],
][] = [
  ['an ftp URL', 'ftp://sse.test/', {}, 'TypeError', 'url', 'ftp://sse.test/'],
  ['userinfo', 'http://user:secret@sse.test/', {}, 'TypeError', 'url'],
  ['undefined as URL', undefined, {}, 'TypeError'],
  ['transport: null', ADDRESS, {transport: null}, 'TypeError', 'transport'],
  ['a transport that is no function', ADDRESS, {transport: {}}, 'TypeError', 'transport'],
  [
    'verify: false with a transport',
    ADDRESS,
    {transport: always, verify: false},
    'TypeError',
    'verify',
  ],
  ...['retryInterval', 'maxRetryInterval', 'timeout', 'idleTimeout'].flatMap((name) =>
    [NaN, -1, '5', {}].map((value): any => [
      `${name}: ${JSON.stringify(value)}`,
      ADDRESS,
      {[name]: value},
      'either',
      name,
    ]),
  ),
  ...[-2, 1.5, NaN, '3', -Infinity].map((value): any => [
    `maxRetries: ${value}`,
    ADDRESS,
    {maxRetries: value},
    'either',
    'maxRetries',
  ]),
  ...[0, -1, NaN, '10'].map((value): any => [
    `maxEventSize: ${value}`,
    ADDRESS,
    {maxEventSize: value},
    'either',
    'maxEventSize',
  ]),
  ...[503, 'all', ['503'], [NaN]].map((value): any => [
    `retryStatus: ${JSON.stringify(value)}`,
    ADDRESS,
    {retryStatus: value},
    'either',
    'retryStatus',
  ]),
  ...[5, 'a\nb', 'a\0b'].map((value): any => [
    `lastEventId: ${JSON.stringify(value)}`,
    ADDRESS,
    {lastEventId: value},
    'TypeError',
    'lastEventId',
  ]),
  ['a header name with a space', ADDRESS, {headers: {'a b': 'c'}}, 'TypeError', 'headers'],
  ['a header with a line end', ADDRESS, {headers: {'X-A': 'b\r\nc: d'}}, 'TypeError', 'headers'],
  ['body and json', ADDRESS, {body: 'a', json: 1}, 'TypeError', 'body', 'json'],
  [
    'a stream as body, with reconnect',
    ADDRESS,
    {method: 'POST', reconnect: true, body: new ReadableStream()},
    'TypeError',
    'body',
  ],
  [
    'a generator as body, with reconnect',
    ADDRESS,
    {method: 'POST', reconnect: true, body: (function* () {})()},
    'TypeError',
    'body',
  ],
  ...['until', 'onOpen', 'onRetry', 'onComment', 'sleep', 'random'].map((name): any => [
    `${name}: 5`,
    ADDRESS,
    {[name]: 5},
    'TypeError',
    name,
  ]),
  ['a signal that is none', ADDRESS, {signal: {}}, 'TypeError', 'signal'],
  ['init: 5', ADDRESS, {init: 5}, 'TypeError', 'init'],
];

if (!IS_PAGE) {
  wrong.push(
    ['a relative URL', '/events', {}, 'TypeError', 'url', '/events'],
    ['no URL', '', {}, 'TypeError', 'url'],
  );
}
if (!IS_WORKERD) {
  wrong.push(
    ['an empty header name', ADDRESS, {headers: {'': 'c'}}, 'TypeError', 'headers'],
    ['a header that is not Latin-1', ADDRESS, {headers: {'X-A': '€'}}, 'TypeError', 'headers'],
  );
}

describe('clients: wrong options', () => {
  test('a userinfo is refused and not shown, however it is written', () => {
    const urls = [
      'http:\\\\u:secret@h/',
      'http:\\\\u:secret@h:99999',
      // a path of the page's own origin; Chromium takes a space
      ...(IS_PAGE ? [] : ['http:/u:secret@h/', 'http://a b/']),
      'u:secret@h:80/path',
      '//u:secret@h/',
      'http://u:secret@',
      'http://u:secret@h:99999/',
      'http://u:secret@[/',
      'http://[',
    ];
    for (const url of urls) {
      const error = caught(() => asyncConnect(url));
      assert.equal(error.name, 'TypeError', url);
      assert.doesNotMatch(error.message, /secret/, url);
    }
    const response = {status: 500, url: 'http://u:secret@h/', body: null};
    const error = caught(() => [...(EventSource.from(response) as any)]);
    assert.doesNotMatch(error.message + error.url, /secret/);
  });

  test('options that are no object', () => {
    for (const options of [null, fetch, 'POST', 5]) {
      for (const make of MAKERS) {
        assertError(
          caught(() => make(ADDRESS, options as any)),
          'TypeError',
          undefined,
          'options',
        );
      }
    }
  });

  test('what fetch would send as [object Object] is refused', () => {
    assertError(
      caught(() => asyncConnect(ADDRESS, {body: 5 as any})),
      'TypeError',
      undefined,
      'body',
    );
    assertError(
      caught(() => asyncConnect(ADDRESS, {body: {a: 1} as any})),
      'TypeError',
      undefined,
      'body',
      'json',
    );
    assertError(
      caught(() => asyncConnect(ADDRESS, {reconnect: 'no' as any})),
      'TypeError',
      undefined,
      'reconnect',
    );
    assert.equal(asyncConnect(ADDRESS, {body: null as any}).state, 'idle');
  });

  for (const [what, url, options, kind, ...words] of wrong) {
    test(`wrong at construction: ${what}`, () => {
      for (const make of MAKERS) {
        const error = caught(() => make(url, options));
        if (kind === 'either') assert.ok(error instanceof RangeError || error instanceof TypeError);
        else assert.equal(error.name, kind, error.message);
        for (const word of words) {
          assert.ok(error.message.includes(word), `'${error.message}' says '${word}'`);
        }
      }
    });
  }

  test('options are not changed, and may be frozen', async () => {
    const headers = Object.freeze({'X-A': 'b'});
    const retryStatus = Object.freeze([500]);
    const options = Object.freeze({
      headers,
      retryStatus,
      transport: always,
      init: Object.freeze({}),
    });
    assert.deepEqual([...connect(ADDRESS, options as any)], []);
    assert.deepEqual(await consume(ASYNC, asyncConnect(ADDRESS, options as any)), {
      events: [],
      error: undefined,
    });
  });

  test('errors of construction show no secret', () => {
    const header = caught(() => asyncConnect(ADDRESS, {headers: {'X-A': 'sec\nret'}}));
    assert.doesNotMatch(header.message, /sec/);
    for (const options of [{}, {transport: always}]) {
      for (const scheme of ['http', 'ftp']) {
        const url = caught(() => asyncConnect(`${scheme}://user:secret@sse.test/`, options));
        assert.equal(url.name, 'TypeError');
        assert.doesNotMatch(url.message, /secret/);
      }
    }
  });
});

describe('clients: right options', () => {
  test('right at construction', () => {
    const options = [
      undefined,
      {},
      {transport: undefined},
      {maxRetries: Infinity},
      {maxRetries: -1},
      {timeout: 0},
      {idleTimeout: Infinity},
      {retryInterval: 0},
      {maxEventSize: Infinity},
      {retryStatus: []},
      {headers: {'X-A': 'é'}},
      {headers: undefined},
      {json: null},
      {verify: true},
      {method: 'POST', body: new ReadableStream()},
      {signal: undefined},
      {init: {}},
      {method: 'POST', reconnect: true, body: () => new ReadableStream()},
    ];
    for (const each of options) {
      for (const make of MAKERS) {
        assert.equal(make('http://127.0.0.1:9/', each as any).state, 'idle');
        assert.equal(make(new URL('http://127.0.0.1:9/'), each as any).url, 'http://127.0.0.1:9/');
      }
    }
  });
});

describe('shorthands', () => {
  test('connect and asyncConnect return clients, not promises', () => {
    const events = connect(ADDRESS, {transport: always});
    assert.ok(events instanceof SSEClient && events instanceof AsyncSSEClient);
    assert.deepEqual([...events], []);
    const later = asyncConnect(ADDRESS, {transport: always});
    assert.ok(later instanceof AsyncSSEClient && !(later instanceof SSEClient));
    assert.ok(!('then' in later) && !(Symbol.iterator in later));
  });
});
