// Security: what servers that mean no good can take from a client, make it do, or make it say.
// node --expose-gc hostile.test.mjs. The servers are hostile-server.mjs, in a process of its own;
// where memory counts, so is the client (hostile-client.mjs).

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {inspect} from 'node:util';
import {
  asyncConnect,
  AsyncSSEClient,
  connect,
  EventParser,
  formatEvent,
  SSEClient,
  SSEConnectionError,
  SSEError,
  SSEHTTPError,
} from '../../dist/sse.js';
import {launch} from './control.mjs';
import {figure} from './figures.mjs';
import {scratch} from './processes.mjs';

const MiB = 2 ** 20;
const SECRET = 's3cr3t';
const SECRETS = {
  authorization: `Bearer ${SECRET}-token`,
  cookie: `session=${SECRET}-cookie`,
  'x-api-key': `${SECRET}-key`,
  'proxy-authorization': `Basic ${SECRET}-proxy`,
};

const server = launch('hostile-server.mjs');
const folder = scratch('hostile');
const certificate = join(folder, 'cert.pem');
const alarms = []; // what nobody caught, and what Node warns of
let ports;
let plainNames; // of the headers that a request has for which nothing was asked

before(async () => {
  process.on('unhandledRejection', (error) => alarms.push(error));
  process.on('warning', (warning) => alarms.push(warning));
  const key = join(folder, 'key.pem');
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=127.0.0.1',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    {stdio: 'ignore'},
  );
  ports = await server.call('listen', {
    key: readFileSync(key, 'utf8'),
    cert: readFileSync(certificate, 'utf8'),
  });
  const [run, url] = address('calm');
  await LOOPS.async(url, {}, 1);
  plainNames = namesOf((await server.call('log', run))[0]);
  assert.ok(plainNames.includes('accept'), plainNames.join());
});

after(async () => {
  await server.stop();
  assert.deepEqual(alarms, [], 'nothing was left uncaught');
});

let runs = 0;

/** [run, url] of a path of the hostile server, at one of its origins. */
function address(path, origin = `http://127.0.0.1:${ports.a}`) {
  const run = `${++runs}`;
  return [run, `${origin}/${path}${path.includes('?') ? '&' : '?'}run=${run}`];
}

const namesOf = ({headers}) => headers.map(([name]) => name.toLowerCase()).sort();
const headerOf = ({headers}, wanted) =>
  headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);

// A test that fails must end, too: a blocking loop that goes on for ever could not be stopped.
const BOUNDS = {retryInterval: 10, maxRetryInterval: 20, maxRetries: 50};
const MOST_EVENTS = 1000;

/** {events, error, retries, client} of a loop that ends with its `most`-th event at the latest. */
const LOOPS = {
  async async(url, options, most = MOST_EVENTS) {
    const result = {events: [], retries: []};
    try {
      const onRetry = (retry) => result.retries.push(retry);
      result.client = asyncConnect(url, {...BOUNDS, ...options, onRetry});
      for await (const event of result.client) {
        if (result.events.push(event) >= most) break;
      }
    } catch (error) {
      result.error = error;
    }
    return result;
  },
  async blocking(url, options, most = MOST_EVENTS) {
    const result = {events: [], retries: []};
    try {
      const onRetry = (retry) => result.retries.push(retry);
      result.client = connect(url, {...BOUNDS, ...options, onRetry});
      for (const event of result.client) {
        if (result.events.push(event) >= most) break;
      }
    } catch (error) {
      result.error = error;
    }
    return result;
  },
};

/** One test for each loop. */
function both(name, check) {
  for (const loop of Object.keys(LOOPS)) {
    test(`${name} [${loop}]`, {timeout: 60_000}, () => check(LOOPS[loop], loop));
  }
}

/** A client in a process of its own follows that URL, once. */
async function inProcess(request, environment = {}) {
  const old = {...process.env};
  Object.assign(process.env, environment);
  const client = launch('hostile-client.mjs', [], {execArgv: ['--expose-gc']});
  process.env = old;
  const timer = setTimeout(() => client.child.kill('SIGKILL'), 40_000);
  try {
    return await client.call('follow', request);
  } finally {
    clearTimeout(timer);
    await client.stop();
  }
}

function assertError(error, Class, code, ...words) {
  assert.ok(error instanceof Class, inspect(error));
  assert.equal(error.code, code, inspect(error));
  for (const word of words) assert.ok(error.message.includes(word), `'${error.message}': ${word}`);
}

// ── Redirects ────────────────────────────────────────────────────────────────────────────────────

for (const status of [301, 302, 303, 307, 308]) {
  both(`${status} to another origin and back takes nothing of the user's along`, async (follow) => {
    const [a, b] = [ports.a, ports.b].map((port) => `http://127.0.0.1:${port}/to`);
    const [run, url] = address(`to?status=${status}&to=${b}&to=${a}`);
    const headers = {...SECRETS, accept: `text/event-stream, x/${SECRET}`};
    const {events, error, client} = await follow(url, {headers, lastEventId: '41'}, 2);
    assert.deepEqual(
      [error, events.map(({id}) => id), client.lastEventId],
      [undefined, ['3', '6'], '6'],
    );
    const log = await server.call('log', run);
    assert.deepEqual(
      log.map(({port}) => port),
      [ports.a, ports.b, ports.a, ports.a, ports.b, ports.a],
    );
    assert.deepEqual(
      log.map((request) => headerOf(request, 'last-event-id')),
      [['41'], [], [], ['3'], [], []],
    );
    for (const [n, request] of log.entries()) {
      const isOurs = n % 3 === 0;
      const text = JSON.stringify(request.headers);
      assert.equal(text.split(SECRET).length - 1, isOurs ? 5 : 0, `request ${n}: ${text}`);
      if (!isOurs) assert.deepEqual(namesOf(request), plainNames, `request ${n}`);
      if (!isOurs) assert.deepEqual(headerOf(request, 'accept'), ['text/event-stream']);
    }
  });
}

both('another name of the same host is another origin', async (follow) => {
  const [run, url] = address(`to?to=http://localhost:${ports.a}/to`);
  const {events, error} = await follow(url, {headers: SECRETS, lastEventId: '41'}, 1);
  assert.deepEqual([error, events.length], [undefined, 1]);
  const log = await server.call('log', run);
  assert.deepEqual(
    log.map((request) => JSON.stringify(request.headers).includes(SECRET)),
    [true, false],
  );
  assert.deepEqual(namesOf(log[1]), plainNames);
});

both('within the origin everything goes along', async (follow) => {
  const [run, url] = address('to?to=/to');
  await follow(url, {headers: SECRETS, lastEventId: '41'}, 1);
  const log = await server.call('log', run);
  assert.equal(log.length, 2);
  for (const request of log) {
    assert.deepEqual(headerOf(request, 'last-event-id'), ['41']);
    for (const [name, value] of Object.entries(SECRETS)) {
      assert.deepEqual(headerOf(request, name), [value]);
    }
  }
});

both('headers from a function go to another origin as little', async (follow) => {
  const [run, url] = address(`to?to=http://127.0.0.1:${ports.b}/to`);
  let calls = 0;
  const headers = () => ({...SECRETS, 'x-call': `${SECRET}${++calls}`});
  const {events} = await follow(url, {headers}, 2);
  assert.deepEqual([events.length, calls], [2, 2], 'called once for each attempt');
  const log = await server.call('log', run);
  assert.deepEqual(
    log.map((request) => headerOf(request, 'x-call')),
    [[`${SECRET}1`], [], [`${SECRET}2`], []],
  );
  for (const n of [1, 3]) assert.deepEqual(namesOf(log[n]), plainNames);
});

both('user and password in a Location are neither sent nor shown', async (follow) => {
  const [run, url] = address('userinfo');
  const {error, retries} = await follow(url, {});
  assertError(error, SSEError, 'redirect', `http://127.0.0.1:${ports.b}/userinfo`);
  assert.ok(!inspect([error, retries]).includes(SECRET), inspect(error));
  const log = await server.call('log', run);
  assert.equal(log.length, 21);
  for (const request of log.slice(1)) assert.deepEqual(namesOf(request), plainNames);
});

both('20 redirects are followed, 21 are not', async (follow) => {
  const [run, url] = address('chain?n=20');
  assert.deepEqual(
    (await follow(url, {}, 2)).events.map(({data}) => data),
    ['a', 'b'],
  );
  assert.equal((await server.call('log', run)).length, 21);
  const [again, longer] = address('chain?n=21');
  const {events, error, retries} = await follow(longer, {});
  assertError(error, SSEError, 'redirect', 'is the twenty-first in a row', longer);
  assert.equal(error.message.split(' -> ').length, 22, 'the whole chain is shown');
  assert.deepEqual([events, retries], [[], []]);
  assert.equal((await server.call('log', again)).length, 21);
});

for (const path of ['loop', 'ping-pong']) {
  both(`a redirect loop ends, and its chain shows no secret: ${path}`, async (follow) => {
    const [run, url] = address(path);
    const {error, events, retries} = await follow(url, {headers: SECRETS, lastEventId: SECRET});
    assertError(
      error,
      SSEError,
      'redirect',
      'is the twenty-first in a row',
      ` -> http://127.0.0.1:`,
    );
    assert.deepEqual([events, retries], [[], []]);
    assert.ok(!inspect(error).includes(SECRET), inspect(error));
    assert.equal((await server.call('log', run)).length, 21);
  });
}

both('a redirect to what is no place for HTTP is refused, and shows no secret', async (follow) => {
  const places = [
    'file:///etc/passwd?',
    'data:,data:%20a?',
    'javascript:1?',
    'http://?',
    'blob:http://127.0.0.1/1?',
  ];
  const paths = [...places.map((to) => `to?to=${encodeURIComponent(to)}`), 'no-url', 'no-http'];
  for (const path of paths) {
    const [run, url] = address(path);
    const {error, events} = await follow(url, {headers: SECRETS});
    assertError(error, SSEError, 'redirect', url);
    assert.deepEqual(events, [], path);
    assert.ok(!inspect(error).includes(SECRET), inspect(error));
    assert.equal((await server.call('log', run)).length, 1, path);
  }
});

test('https to http is refused, with a certificate that the process trusts', async () => {
  const trust = {NODE_EXTRA_CA_CERTS: certificate};
  for (const loop of Object.keys(LOOPS)) {
    const [run, url] = address(
      `to?to=http://127.0.0.1:${ports.a}/to`,
      `https://127.0.0.1:${ports.tls}`,
    );
    const {error, events, retries} = await inProcess(
      {loop, url, options: {headers: SECRETS}},
      trust,
    );
    assert.deepEqual([error?.name, error?.code, events, retries], ['SSEError', 'redirect', 0, 0]);
    assert.match(error.message, /from https to http/);
    assert.ok(!JSON.stringify(error).includes(SECRET));
    assert.deepEqual(
      (await server.call('log', run)).map(({port}) => port),
      [ports.tls],
      loop,
    );
  }
});

test('http to https is another origin', async () => {
  for (const loop of Object.keys(LOOPS)) {
    const [run, url] = address(`to?to=https://127.0.0.1:${ports.tls}/to`);
    const {error, events} = await inProcess(
      {loop, url, options: {headers: SECRETS, lastEventId: '41', reconnect: false}},
      {NODE_EXTRA_CA_CERTS: certificate},
    );
    assert.deepEqual([error, events], [undefined, 1]);
    const log = await server.call('log', run);
    assert.deepEqual(
      log.map(({port}) => port),
      [ports.a, ports.tls],
    );
    assert.deepEqual(namesOf(log[1]), plainNames, loop);
  }
});

test('https to http is refused with verify: false [blocking]', async () => {
  const [run, url] = address(
    `to?to=http://127.0.0.1:${ports.a}/to`,
    `https://127.0.0.1:${ports.tls}`,
  );
  const {error} = await LOOPS.blocking(url, {verify: false, headers: SECRETS});
  assertError(error, SSEError, 'redirect', 'from https to http');
  assert.deepEqual(
    (await server.call('log', run)).map(({port}) => port),
    [ports.tls],
  );
});

both('a certificate that nobody signed is refused', async (follow) => {
  const [run, url] = address('to', `https://127.0.0.1:${ports.tls}`);
  const {error, retries} = await follow(url, {headers: SECRETS, maxRetries: 1, retryInterval: 1});
  assertError(error, SSEConnectionError, 'connection', 'self-signed certificate');
  assert.match(error.message, /`verify: false`/);
  assert.equal(retries.length, 0);
  assert.deepEqual(await server.call('log', run), [], 'no request was sent');
});

// ── Injection ────────────────────────────────────────────────────────────────────────────────────

// An id of the stream, and what may stand on the wire: null: no Last-Event-ID. The low bytes of
// some are CR, LF or NUL: a client that sends one byte for each character injects a header.
const IDS = [
  ...[
    '1',
    'é€😀',
    '\u010a',
    'a\u560d\u560aX-Evil:1',
    '\u0100',
    '\u010d\u010aSet-Cookie: a=b',
    '\u2028x',
    '\x85',
    '\ufeff1',
    'a: b',
    'a\tb',
    '%0d%0aX-Evil: 1',
  ].map((id) => [id, id]),
  ...['\x01', 'a\x1bb', 'a\x7f', '\x0b', '\x0c'].map((id) => [id, null]),
  [' spaces ', 'spaces'],
];

both('an id of the stream is one header or none', async (follow) => {
  for (const [id, wire] of IDS) {
    const [run, url] = address(`id?id=${encodeURIComponent(id)}`);
    const {events, error, client} = await follow(url, {}, 2);
    assert.deepEqual(
      [error, events.map((event) => event.id), client.lastEventId],
      [undefined, [id, id], id],
    );
    const log = await server.call('log', run);
    assert.equal(log.length, 2, id);
    const bytes = wire === null ? [] : [Buffer.from(wire).toString('latin1')];
    assert.deepEqual(headerOf(log[1], 'last-event-id'), bytes, inspect(id));
    assert.deepEqual(
      namesOf(log[1]).filter((name) => name !== 'last-event-id'),
      plainNames,
    );
  }
});

test('the lastEventId option takes one line only', () => {
  const wrong = ['1\nX-Evil: 1', '1\rX-Evil: 1', '1\r\n\r\nGET / HTTP/1.1', '\0', 1, null];
  for (const lastEventId of wrong) {
    for (const Client of [AsyncSSEClient, SSEClient]) {
      assert.throws(() => new Client('http://127.0.0.1/', {lastEventId}), TypeError);
    }
  }
});

both('headers cannot inject others, and what is wrong with them is not shown', async (follow) => {
  const wrong = [
    {'x-a': `${SECRET}\r\nX-Evil: 1`},
    {'x-a': `${SECRET}\nX-Evil: 1`},
    {'x-a': `${SECRET}\rx`},
    {'x-a': `${SECRET}\0x`},
    {'x-a': `${SECRET}\u010aX-Evil: 1`},
    {'x-a': `${SECRET}\x7f`},
    {'x-a': `a\x01${SECRET}`},
    {[`x-${SECRET}\r\nX-Evil`]: '1'},
    {[`x ${SECRET}`]: '1'},
    {[`x:${SECRET}`]: '1'},
    {'': SECRET},
    {[`é${SECRET}`]: '1'},
    [['x-a', `${SECRET}\r\nX: y`]],
    [[SECRET]],
    [['x-a', SECRET, 'more']],
  ];
  for (const headers of wrong) {
    const [run, url] = address('calm');
    for (const given of [headers, () => headers]) {
      const {error, events} = await follow(url, {headers: given});
      assert.ok(error instanceof TypeError && error.message.includes('headers'), inspect(error));
      assert.ok(!inspect(error).includes(SECRET), inspect(error));
      assert.deepEqual(events, []);
    }
    assert.deepEqual(await server.call('log', run), [], 'nothing was sent');
  }
  // What only surrounds a value is no part of it: "normalize" in the Fetch standard.
  const [run, url] = address('calm');
  await follow(url, {headers: {'x-a': ' 1\r\n'}}, 1);
  assert.deepEqual(headerOf((await server.call('log', run))[0], 'x-a'), ['1']);
});

both('a URL cannot inject headers', async (follow) => {
  const [run, url] = address('calm');
  await follow(`${url}\r\nX-Evil: 1\r\n\r\nGET /calm?run=${run}`, {}, 1);
  assert.equal((await server.call('log', `${run}X-Evil: 1GET /calm?run=${run}`)).length, 1);
  assert.deepEqual(await server.call('log', run), []);
});

test('a method cannot inject a request', () => {
  for (const method of ['GET / HTTP/1.1\r\nX-Evil: 1', 'GET\n', 'A B', '']) {
    assert.throws(() => asyncConnect('http://127.0.0.1/', {method}), TypeError, method);
    assert.throws(() => connect('http://127.0.0.1/', {method}), TypeError, method);
  }
});

test('formatEvent: whatever an attacker puts into a field stays in it', () => {
  const attacks = ['\n', '\r', '\r\n'].flatMap((end) => [
    `x${end}id: 666`,
    `x${end}${end}data: evil${end}${end}`,
    `${end}event: evil`,
    `x${end}retry: 0`,
    `${end}${end}`,
    `x${end}:`,
    `${end}\ufeffdata: evil${end}${end}`,
  ]);
  for (const attack of attacks) {
    assert.throws(() => formatEvent({event: attack, data: 'a'}), TypeError);
    assert.throws(() => formatEvent({id: attack, data: 'a'}), TypeError);
    for (const fields of [{data: attack}, {comment: attack, data: 'a'}]) {
      const wire = formatEvent({event: 'good', id: '1', ...fields});
      const parsed = new EventParser().feed(wire + formatEvent({data: 'next'}));
      const data = fields.data.replace(/\r\n|\r/g, '\n');
      assert.deepEqual(
        parsed.map(({event, data, id, retry}) => [event, data, id, retry]),
        [
          ['good', data, '1', undefined],
          ['message', 'next', '1', undefined],
        ],
        inspect(attack),
      );
    }
  }
});

const USERINFO = [
  `http://user:${SECRET}@127.0.0.1:1/`,
  `http://${SECRET}@127.0.0.1:1/`,
  `http://:${SECRET}@127.0.0.1:1/`,
  `HTTP://user:${SECRET}@127.0.0.1:1/`,
  `http:///user:${SECRET}@127.0.0.1:1/`,
  `http:\\\\user:${SECRET}@127.0.0.1:1\\`,
  ` http://user:${SECRET}@127.0.0.1:1/`,
  `ht\ntp://user:${SECRET}@127.0.0.1:1/`,
  `http://user:${SECRET}%40@127.0.0.1:1/`,
  `http://a@b:${SECRET}@127.0.0.1:1/`,
  `https://user:${SECRET}@127.0.0.1:1/`,
  `ws://user:${SECRET}@127.0.0.1:1/`,
  `ftp://user:${SECRET}@127.0.0.1:1/`,
  `http://user\n:${SECRET}@127.0.0.1:1/`,
  `//user:${SECRET}@127.0.0.1:1/`,
];
const WITHOUT_SLASHES = [`http:user:${SECRET}@127.0.0.1:1/`, `http:/user:${SECRET}@127.0.0.1:1/`];
const NO_URLS = [
  `user:${SECRET}@127.0.0.1`,
  `http://user:${SECRET}@`,
  `http://user:${SECRET}@[/`,
  `http://user:${SECRET}@127.0.0.1:99999/`,
  'http://[',
  'http://a b/',
  'http://127.0.0.1:99999/',
];

function isRefused(url, options) {
  for (const Client of [AsyncSSEClient, SSEClient]) {
    assert.throws(
      () => new Client(url, options),
      (error) => {
        assert.ok(error instanceof TypeError, inspect(error));
        assert.ok(!inspect(error).includes(SECRET), inspect(error));
        return true;
      },
      inspect(url),
    );
  }
}

const OWN = {transport: () => ({status: 204})};

test('user and password in a URL are refused in any spelling, and not shown', () => {
  for (const url of [...USERINFO, ...WITHOUT_SLASHES]) isRefused(url, {});
  for (const url of USERINFO) isRefused(url, OWN);
  isRefused(new URL(USERINFO[0]), {});
});

test('what is no URL is refused at once, and not shown', () => {
  for (const url of NO_URLS) isRefused(url, {});
});

test("with a transport of one's own also without slashes", () => {
  for (const url of WITHOUT_SLASHES) isRefused(url, OWN);
});

// ── What is said ─────────────────────────────────────────────────────────────────────────────────

/** Path, class, code, how many retries. */
const FAILURES = [
  ['status?status=401', SSEHTTPError, 'http', 0],
  ['status?status=500', SSEHTTPError, 'http', 0],
  ['html', SSEError, 'content-type', 0],
  ['huge-content-type', SSEError, 'content-type', 0],
  ['loop', SSEError, 'redirect', 0],
  ['reset', SSEConnectionError, 'connection', 2],
  ['garbage', SSEConnectionError, 'connection', 2],
  ['empty', SSEConnectionError, 'connection', 2],
  ['bad-chunks', SSEConnectionError, 'connection', 2],
  ['silent', SSEConnectionError, 'connection', 2],
  ['busy', SSEConnectionError, 'connection', 2],
  ['endless-header', SSEConnectionError, 'connection', 2],
  ['endless-continue', SSEConnectionError, 'connection', 2],
  ['big-id?bytes=17000', SSEHTTPError, 'http', 1],
];

both("no error, no onRetry and no client shows a header's value", async (follow) => {
  for (const [path, Class, code, count] of FAILURES) {
    const [run, url] = address(
      path,
      `http://127.0.0.1:${path.startsWith('big-id') ? ports.strict : ports.a}`,
    );
    const said = [];
    const {error, retries, client} = await follow(url, {
      headers: (attempt) => {
        said.push(attempt);
        return SECRETS;
      },
      timeout: path === 'silent' ? 200 : 20_000,
      maxRetries: 2,
      sleep() {},
    });
    assertError(error, Class, code);
    assert.equal(retries.length, count, path);
    for (const retry of retries) assert.ok(retry.error instanceof Error, path);
    const log = path.startsWith('big-id') ? [] : await server.call('log', run);
    for (const request of log) {
      assert.deepEqual(headerOf(request, 'x-api-key'), [SECRETS['x-api-key']]);
    }
    const json = JSON.stringify([error, retries, client]);
    hidesSecret([error, retries, client, said, String(client), json], path);
  }
});

function hidesSecret(values, what) {
  const text = inspect(values, {depth: 12, maxStringLength: Infinity, showHidden: true});
  assert.ok(!text.includes(SECRET), `${what}: ${text.slice(0, 2000)}`);
}

both('the body of a refusal is text, 64 Ki code units of it', async (follow) => {
  for (const [path, body] of [
    ['endless-error', '<p>no\n'.repeat(11_000).slice(0, 65_536)],
    ['gzip-error', 'x'.repeat(65_536)],
    ['binary-error', '\0\x01\x02\x1b[2J\ufffd\ufffd\ufffd('],
  ]) {
    const {error, retries} = await follow(address(path)[1], {});
    assertError(error, SSEHTTPError, 'http', '500');
    assert.equal(error.body.length, body.length, path);
    assert.ok(error.body === body, path);
    assert.ok(error.message.length < 200, 'and the message does not show it');
    assert.deepEqual(retries, []);
  }
});

test('no message is as long as a server likes', async () => {
  for (const path of ['long-loop', 'huge-content-type']) {
    const {error} = await LOOPS.async(address(path)[1], {});
    assert.ok(error instanceof SSEError && error.message.length < 64 * 1024, path);
    assert.ok(path === 'long-loop' || error.message.length < 1000, `${error.message.length}`);
  }
  const [event] = new EventParser().feed(`event: \x1b[2J${'x'.repeat(1e6)}\ndata: a\n\n`);
  assert.throws(
    () => event.json(),
    ({message}) => message.length < 1000 && !/\x1b/.test(message),
  );
});

// ── Transports of others ─────────────────────────────────────────────────────────────────────────

const STREAM = {'content-type': 'text/event-stream'};
const iterator = (next, rest) => ({[Symbol.iterator]: () => ({next, ...rest})});
const asyncIterator = (next, rest) => ({[Symbol.asyncIterator]: () => ({next, ...rest})});
const reader = (read, cancel = () => {}) => ({getReader: () => ({read, cancel})});

// What a transport or a body throws is a loss, whatever it is; only what ends a loop ends it.
const THROWN = {
  undefined: undefined,
  null: null,
  'a text': 'why',
  'an empty text': '',
  0: 0,
  NaN: NaN,
  false: false,
  'a bigint': 5n,
  'a symbol': Symbol('why'),
  'an object': {a: 1},
  'a function': () => {},
  'a frozen error': Object.freeze(new Error('why')),
  'an error without message': new Error(),
  'an error whose message is a number': Object.assign(new Error('a'), {message: 5}),
  'an error with an object as cause': new Error('a', {cause: {a: 1}}),
  'an AbortError': new DOMException('aborted', 'AbortError'),
  'a promise': Promise.resolve(1),
  'an error of ours that passes': new SSEError('timeout', 'mine'),
  'an HTTP error': new SSEHTTPError(500, 'there', new Headers(), ''),
  'an aggregate': new AggregateError([new Error('a')], 'many'),
};

const UNREADABLE = {
  'an object without prototype': Object.create(null),
  'an object that throws as text': {toString: () => assert.fail('as text')},
  'an error that throws as text': Object.defineProperty(new Error(), 'message', {
    get: () => assert.fail('as text'),
  }),
  'an error whose message is a symbol': Object.assign(new Error(), {message: Symbol('why')}),
};

async function isLoss(name, thrown) {
  const fail = () => {
    throw thrown;
  };
  const body = (of) => () => ({status: 200, headers: STREAM, body: of});
  const blocking = {thrown: fail, 'next()': body(iterator(fail))};
  const all = {
    async: {
      ...blocking,
      rejected: () => Promise.reject(thrown),
      'async next()': body(asyncIterator(() => Promise.reject(thrown))),
      'read()': body(reader(() => Promise.reject(thrown))),
      'read(), and cancel()': body(reader(fail, fail)),
      'then()': () => ({then: fail}),
    },
    blocking,
  };
  for (const [loop, transports] of Object.entries(all)) {
    for (const [where, transport] of Object.entries(transports)) {
      const {error, retries, events} = await LOOPS[loop]('test:', {
        transport,
        sleep() {},
        maxRetries: 2,
      });
      const what = `${name}, ${where}, ${loop}`;
      assert.ok(error instanceof SSEConnectionError, `${what}: ${error?.constructor.name}`);
      // what an async loop's transport throws at once, without a code, is a fault of the program
      const isFault = loop === 'async' && where === 'thrown';
      const isFinal = isFault && thrown instanceof Error && !('code' in thrown);
      const times = isFinal ? 0 : 2;
      assert.deepEqual([error.retries, events, retries.length], [times, [], times], what);
      const reasons = [...retries.map((retry) => retry.error), error.cause];
      for (const reason of reasons) {
        if (thrown instanceof Error) assert.equal(reason, thrown, what);
        else assertError(reason, SSEError, 'connection');
        if (reason !== thrown) assert.notEqual(reason.message, 'the server ended the stream', what);
      }
    }
  }
}

test('what transports and bodies throw is a loss', async () => {
  for (const [name, thrown] of Object.entries(THROWN)) await isLoss(name, thrown);
});

test('also what cannot be read', async () => {
  for (const [name, thrown] of Object.entries(UNREADABLE)) await isLoss(name, thrown);
});

test('a body whose iterator is none does not storm', async () => {
  for (const [loop, body] of [
    ['async', {[Symbol.asyncIterator]() {}}],
    ['async', {[Symbol.iterator]() {}}],
    ['blocking', {[Symbol.iterator]() {}}],
  ]) {
    let requests = 0;
    const transport = () => ({status: ++requests > 100 ? 204 : 200, body});
    const {error} = await LOOPS[loop]('test:', {transport, sleep() {}});
    assert.ok(error instanceof TypeError, inspect(error));
    assert.equal(requests, 1);
  }
});

test('an error of ours that is final ends the loop as it is', async () => {
  for (const code of ['limit', 'json', 'content-type', 'redirect', 'unsupported']) {
    const thrown = new SSEError(code, 'mine');
    for (const follow of Object.values(LOOPS)) {
      const {error, retries} = await follow('test:', {
        transport() {
          throw thrown;
        },
      });
      assert.deepEqual([error, retries], [thrown, []]);
    }
  }
});

test('what is no response ends the loop, with a TypeError that says so', async () => {
  const rows = {
    nothing: () => undefined,
    null: () => null,
    'a number': () => 5,
    'a text': () => 'x',
    'no status': () => ({body: 'data: a\n\n'}),
    'a status as text': () => ({status: '200'}),
    'a body that is a function': () => ({status: 200, body() {}}),
    'a body that is an object': () => ({status: 200, body: {}}),
    'a body that is a number': () => ({status: 200, body: 5}),
    'chunks of numbers': () => ({status: 200, body: [1]}),
    'chunks of null': () => ({status: 200, body: [null]}),
    'next() without a value': () => ({status: 200, body: iterator(() => ({}))}),
    'next() without a result': () => ({status: 200, body: iterator(() => undefined)}),
    'headers that are none': () => ({status: 200, headers: {'a b': 'c'}, body: ''}),
  };
  for (const [name, transport] of Object.entries(rows)) {
    for (const follow of Object.values(LOOPS)) {
      const {error, events, retries} = await follow('test:', {
        transport,
        sleep() {},
        maxRetries: 2,
      });
      assert.ok(error instanceof TypeError, `${name}: ${inspect(error)}`);
      assert.deepEqual([events, retries], [[], []], name);
    }
  }
  for (const status of [0, 99, 199, 200.5, 600, -1, NaN, Infinity]) {
    for (const follow of Object.values(LOOPS)) {
      const transport = () => ({status, body: 'data: a\n\n'});
      const {error, events} = await follow('test:', {transport});
      assert.ok(error instanceof SSEError && error.message.includes(`${status}`), inspect(error));
      assert.deepEqual(events, []);
    }
  }
});

const oneEvent = () => ({status: 200, headers: STREAM, body: 'data: a\n\n'});

/** What a response's `then` does, and how many events come of it. */
const SETTLING = {
  twice: [
    (take, refuse) => {
      take(oneEvent());
      take(oneEvent());
      refuse(new Error('late'));
    },
    1,
  ],
  'refused first': [
    (take, refuse) => {
      refuse(new Error('early'));
      take(oneEvent());
    },
    0,
  ],
  never: [() => {}, 0],
};

test('transports that settle twice, late or never', async () => {
  for (const [name, [then, count]] of Object.entries(SETTLING)) {
    const {events, error, retries} = await LOOPS.async(
      'test:',
      {
        transport: () => ({then}),
        sleep() {},
        timeout: 50,
        maxRetries: 1,
        reconnect: true,
      },
      1,
    );
    assert.equal(events.length, count, name);
    if (count) assert.deepEqual([error, retries], [undefined, []], name);
    else assertError(error, SSEConnectionError, 'connection', name === 'never' ? '50 ms' : 'early');
  }
});

test('close() while nothing ever settles, not even the cancelling', async () => {
  const client = asyncConnect('test:', {
    transport: () => ({status: 200, headers: STREAM, body: reader(() => new Promise(() => {}))}),
  });
  const pending = client[Symbol.asyncIterator]().next();
  await new Promise((resolve) => setImmediate(resolve));
  await client.close();
  assert.deepEqual(await pending, {done: true, value: undefined});
});

// ── Limits ───────────────────────────────────────────────────────────────────────────────────────
// Each row runs in both loops, each in a process of its own. A minute of reconnections is counted
// with the waits taken as passed at once: that is the most that a minute can have. A server that
// never lets go is given some real time.

const ENDLESS = {ms: 600, isTapped: true};
const MINUTE = {isVirtual: true, ms: 30_000};
const EVENT = 320; // MiB above a calm stream: an event of 64 Mi code units, buffered and joined
const FLAT = 128; // MiB: what the garbage collector leaves lying about under a flood

// name, path, how, what ends it (code, and status), connections a minute, MiB at most
const HOSTILE = [
  ['one endless line', 'endless-line', {}, 'limit', 1, EVENT],
  ['endless data lines', 'endless-data-lines', {}, 'limit', 1, EVENT],
  [
    'endless empty data lines',
    'endless-short-data-lines',
    {options: {maxEventSize: 8 * MiB}},
    'limit',
    1,
    EVENT,
  ],
  ['endless event: and id: of 1 MiB each', 'endless-type-and-id-lines', ENDLESS, '', 1, EVENT],
  ['endless comments', 'endless-comments', ENDLESS, '', 1, FLAT],
  ['endless blank lines', 'endless-blank-lines', ENDLESS, '', 1, FLAT],
  ['endless ids without data', 'endless-ids', ENDLESS, '', 1, FLAT],
  ['endless events, a slow consumer', 'endless-events', {...ENDLESS, slow: 50}, '', 1, FLAT],
  ['endless events, a fast consumer', 'endless-events', ENDLESS, '', 1, FLAT],
  ['a comment now and then, for ever', 'slow-body', ENDLESS, '', 1, FLAT],
  ['gzip bomb of zeros', 'gzip-zeros', {}, 'limit', 1, EVENT],
  ['gzip bomb of blank lines', 'gzip-blank-lines', ENDLESS, '', 1, FLAT],
  ['gzip bomb of comments', 'gzip-comments', ENDLESS, '', 1, FLAT],
  ['500 with a gzip bomb', 'gzip-error', {}, 'http 500', 1, FLAT],
  ['500 with an endless body', 'endless-error', {}, 'http 500', 1, FLAT],
  [
    '500 with a body of a word now and then',
    'slow-error',
    {options: {timeout: 1000}},
    'http 500',
    1,
    FLAT,
  ],
  ['503 with an endless body, again and again', 'endless-busy', MINUTE, '', [4, 6], FLAT],
  ['503, Retry-After: 0, again and again', 'busy', MINUTE, '', [4, 6], FLAT],
  ['503, Retry-After: 99999999999', 'busy?after=99999999999', MINUTE, '', 2, FLAT],
  ['200, and the end, again and again', 'empty', MINUTE, '', [4, 6], FLAT],
  [
    '200, retry: 0, and the end, again and again',
    'retry-without-events?retry=0',
    MINUTE,
    '',
    [8, 11],
    FLAT,
  ],
  ['one event, and the end, again and again', 'one', MINUTE, '', [15, 20], FLAT],
  ['one event, retry: 0, and the end', 'retry?retry=0', MINUTE, '', [480, 600], FLAT],
  [
    'the same, and maxRetryInterval: 0',
    'retry?retry=0',
    {...MINUTE, options: {maxRetryInterval: 0}},
    '',
    [480, 602],
    FLAT,
  ],
  ['one event, retry: 1e9, and the end', 'retry?retry=1e9', MINUTE, '', [15, 20], FLAT],
  ['one event, retry: 1000000000, and the end', 'retry?retry=1000000000', MINUTE, '', 1, FLAT],
  ['one event, retry: 99999999999, and the end', 'retry?retry=99999999999', MINUTE, '', 1, FLAT],
  ['a reset at once', 'reset', MINUTE, '', [4, 6], FLAT],
  ['another protocol', 'garbage', MINUTE, '', [4, 6], FLAT],
  ['chunks that are none', 'bad-chunks', MINUTE, '', [4, 6], FLAT],
  [
    'an id of 10 MB, and the end',
    'big-id?bytes=10000000',
    {...MINUTE, isStrict: true},
    ['http 431', ''],
    [2, 12],
    EVENT,
  ], // or a reset, which overtakes the 431
  [
    'an id of 17 kB, and the end',
    'big-id?bytes=17000',
    {...MINUTE, isStrict: true},
    'http 431',
    2,
    FLAT,
  ],
  ['an endless redirect loop', 'loop', {}, 'redirect', 21, FLAT],
  ['a redirect loop, URLs of 15 kB', 'long-loop', {}, 'redirect', 21, FLAT],
  [
    'endless 103 Early Hints',
    'endless-hints',
    {...MINUTE, options: {timeout: 150}},
    '',
    [4, 6],
    FLAT,
  ],
  ['endless 100 Continue', 'endless-continue', MINUTE, '', [4, 6], FLAT],
  [
    'headers, a byte now and then',
    'slow-headers',
    {...MINUTE, options: {timeout: 150}},
    '',
    [4, 6],
    FLAT,
  ],
  ['one endless header', 'endless-header', MINUTE, '', [4, 6], FLAT],
  ['endless headers', 'endless-headers', MINUTE, '', [4, 6], FLAT],
  ['silence instead of headers', 'silent', {...MINUTE, options: {timeout: 150}}, '', [4, 6], FLAT],
];

const calm = {}; // loop -> MiB of a client of a calm stream

const TABLE = 'hostile servers: what ends them, connections a minute, memory';

test(TABLE, {concurrency: 2}, async (t) => {
  for (const loop of Object.keys(LOOPS)) {
    const {peak} = await inProcess({loop, url: address('calm')[1], options: {retryInterval: 1}});
    calm[loop] = peak;
  }
  const rows = HOSTILE.map(([name]) => [name]);
  await Promise.all(
    HOSTILE.map((row, n) =>
      t.test(row[0], {timeout: 60_000}, async () => {
        const [async, blocking] = await Promise.all(
          Object.keys(LOOPS).map((loop) => hostile(loop, row)),
        );
        for (const what of ['end', 'connections', 'memory']) {
          rows[n].push([...new Set([async[what], blocking[what]])].join(' / '));
        }
      }),
    ),
  );
  const table = [
    ['hostile server', 'what ends it', 'connections a minute', 'memory, MiB'],
    ['---', '---', '---', '---'],
    ...rows,
  ];
  console.log(table.map((row) => `| ${row.join(' | ')} |`).join('\n'));
  for (const [name, end, connections, memory] of rows) {
    figure(`hostile: ${name}`, `${end}; ${connections} connections a minute; ${memory} MiB`);
  }
});

async function hostile(loop, [, path, {isStrict, ...how}, end, connections, most]) {
  const [, url] = address(path, `http://127.0.0.1:${isStrict ? ports.strict : ports.a}`);
  const run = new URL(url).searchParams.get('run');
  const result = await inProcess({loop, url, ...how});
  const {error, isStopped, opened, retries, some, peak, left} = result;
  const what = `${path}, ${loop}: ${inspect(result, {depth: 5, maxStringLength: 200})}`;

  const ended = error
    ? `${error.code}${/ answered( \d+)/.exec(error.message)?.[1] ?? ''}`
    : isStopped
      ? ''
      : 'quietly';
  assert.ok([end].flat().includes(ended), `'${ended}': ${what}`);
  // Those count that were tried: a server does not see all that it refuses, or that time out.
  const seen = await server.call('count', run);
  const requests =
    error?.code === 'redirect' ? seen : isStopped && how.isVirtual ? retries : retries + 1;
  assert.ok(seen <= requests || isStrict, `${seen} of ${requests} requests: ${what}`);
  const [least, greatest] = [connections].flat();
  assert.ok(requests >= least && requests <= (greatest ?? least), `${requests} requests: ${what}`);
  for (const {isError, message, delay} of some) {
    assert.ok(isError && message && delay < 2 ** 31, what); // a longer timer would fire at once
  }

  const memory = Math.max(0, Math.round(peak - calm[loop]));
  assert.ok(memory <= most, `${memory} MiB: ${what}`);
  assert.ok(left < 64, `${left} MiB left: ${what}`);
  if (error?.bodyLength) assert.ok(error.bodyType === 'string' && error.bodyLength <= 65_536, what);
  if (how.isVirtual || error) assert.ok(opened <= requests, what);
  else assert.deepEqual([opened, retries], [1, 0], what);
  if (how.slow) assert.ok(result.events > 0 && result.events <= how.ms / how.slow + 1, what);
  return {
    end: error
      ? error.code === 'http'
        ? `SSEHTTPError ${ended.slice(5)}`
        : `SSEError ${ended}`
      : how.isVirtual
        ? `nothing; it waits ${waitOf(result)}`
        : 'nothing; it is read as it comes',
    connections: requests,
    memory,
  };
}

/** How the waits were that were seen. */
function waitOf({some}) {
  const delays = some.map(({delay}) => delay);
  const days = Math.max(...delays) / 86_400_000;
  if (days > 1) return `${days.toFixed(0)} days`;
  if (some.some(({attempt}) => attempt > 1)) return 'twice as long each time';
  return Math.min(...delays) < 1000 ? '0.1 s each time' : '3 s each time';
}

both('retry: 0 in real time: ten connections a second, and no more', async (follow, loop) => {
  const [run, url] = address('retry?retry=0');
  const begun = performance.now();
  const end = new Error('enough');
  const {error, events} = await follow(url, {
    onOpen() {
      if (performance.now() - begun > 1500) throw end;
    },
  });
  const seconds = (performance.now() - begun) / 1000;
  assert.equal(error, end);
  const requests = (await server.call('log', run)).length;
  assert.ok(requests <= seconds * 10 + 2, `${requests} in ${seconds} s`);
  assert.ok(events.length >= 5, `${events.length} events`); // the machine may be busy
  figure(`retry: 0 for ${seconds.toFixed(1)} s, ${loop} loop`, `${requests} connections`);
});

test('an endless line in pieces of one character is bounded, too', () => {
  const most = 4 * MiB;
  const parser = new EventParser({maxEventSize: most});
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  let highest = 0;
  let error;
  parser.feed('data: ');
  try {
    for (let n = 0; n < 2 * most; n++) {
      parser.feed('x');
      if (n % MiB === 0) {
        globalThis.gc?.();
        highest = Math.max(highest, process.memoryUsage().heapUsed - before);
      }
    }
  } catch (caught) {
    error = caught;
  }
  assertError(error, SSEError, 'limit', `maxEventSize is ${most}`);
  assert.ok(highest < 16 * MiB, `${highest / MiB} MiB`);
});
