// nginx as a proxy between this client and a server in Node: what proxies do to event streams.
// Every test has a client in each loop, each in a process of its own, and compares all the events
// that they got with all that there are.
//
//   node proxy.test.mjs

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {launch} from './control.mjs';
import {figure} from './figures.mjs';
import {assertSame, each, follow, LOOPS, stopFollowers} from './follower.mjs';
import {resetSockets, serverPort, startNginx} from './nginx.mjs';
import {listens, scratch, until} from './processes.mjs';

/** `proxy_read_timeout` and `Retry-After` in s, `worker_shutdown_timeout` in ms. */
const READ_TIMEOUT = 1;
const RETRY_AFTER = 2;
const SHUTDOWN = 300;

const REDIRECTS = [301, 302, 303, 307, 308];

/** A self-signed certificate for 127.0.0.1: {cert, key}, files. */
function certificate() {
  const folder = scratch('tls');
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
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
      cert,
    ],
    {stdio: 'ignore'},
  );
  return {cert, key};
}

/**
 * nginx before `backend`: each path passes on in one manner. What it redirects to are another
 * origin, and one over TLS.
 */
async function startProxy(t, backend, main = '') {
  const ports = Array.from({length: 4}, serverPort);
  const [port, other, secure, closed] = await Promise.all(ports);
  const {cert, key} = certificate();
  const pass = (to = backend) => `proxy_pass http://127.0.0.1:${to}/;`;
  const nginx = await startNginx({
    port,
    main,
    http: `
      proxy_http_version 1.1; # but for /default/
      limit_req_zone $arg_run zone=busy:1m rate=${60 / RETRY_AFTER}r/m;
      ${frontServer({port, other, secure, closed, pass})}
      ${otherServers({other, secure, cert, key, pass})}`,
  });
  t?.after(nginx.stop);
  return {...nginx, secure: `https://127.0.0.1:${secure}`, cert};
}

const NUMBERS = '/numbers$is_args$args';

function frontServer({port, other, secure, closed, pass}) {
  const redirects = REDIRECTS.map(
    (status) => `
    location /${status}/same { return ${status} /direct${NUMBERS}; }
    location /${status}/other { return ${status} http://127.0.0.1:${other}${NUMBERS}; }
    location /${status}/secure { return ${status} https://127.0.0.1:${secure}${NUMBERS}; }`,
  );
  return `
      server {
        listen 127.0.0.1:${port};
        error_page 429 @busy;
        location @busy { add_header Retry-After ${RETRY_AFTER} always; return 429 'busy'; }
        location /default/ { ${pass()} proxy_http_version 1.0; }
        location /buffered/ { ${pass()} }
        location /direct/ { ${pass()} proxy_buffering off; }
        location /gzip/ { ${pass()} proxy_buffering off;
          gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 1;
        }
        location /impatient/ { ${pass()} proxy_buffering off;
          proxy_read_timeout ${READ_TIMEOUT}s;
        }
        location /down/ { ${pass(closed)} }
        location /limited/ { ${pass()} proxy_buffering off;
          limit_req zone=busy; limit_req_status 429;
        }
        location /busy/ { return 429; }
        ${redirects.join('')}
      }`;
}

function otherServers({other, secure, cert, key, pass}) {
  return `
      server {
        listen 127.0.0.1:${other};
        location / { ${pass()} proxy_buffering off; proxy_set_header X-Front other; }
      }
      server {
        listen 127.0.0.1:${secure} ssl http2;
        ssl_certificate ${cert}; ssl_certificate_key ${key};
        location / { ${pass()} proxy_buffering off; proxy_set_header X-Front $server_protocol; }
        location /less { return 302 http://127.0.0.1:${other}${NUMBERS}; }
      }`;
}

async function startBackend(t, port) {
  const started = launch('backend.mjs', [`${port}`]);
  t?.after(started.stop);
  await until(() => listens(port), 'the backend');
  return started;
}

/** The events 1…n. */
const numbers = (n) => Array.from({length: n}, (_, k) => ['message', `${k + 1} é€😀`, `${k + 1}`]);

let runs = 0;

/**
 * A client in each of those loops for that path, each with a run of its own; `query` is for the
 * backend, the stream ends with number n.
 */
function followNumbers(base, path, {n, loops = LOOPS, ...query}, options = {}) {
  return loops.map((loop) => {
    const run = `${path.replaceAll('/', '-')}-${++runs}`;
    const url = `${base}${path}?${new URLSearchParams({run, n, ...query})}`;
    return {run, ...follow(loop, url, {last: numbers(n).at(-1)[1], ...options})};
  });
}

/** All of them got the numbers 1…n, once and in order, and then ended. */
async function assertNumbers(followers, n, opens) {
  for (const follower of followers) {
    const {error} = await follower.ended();
    assertSame(follower.events, numbers(n), `the ${follower.loop} loop`);
    assert.equal(error, undefined);
    if (opens) assert.equal(follower.opens.length, opens, `connections, ${follower.loop} loop`);
  }
}

/** What each of them ended with. */
const failures = (followers) =>
  Promise.all(followers.map(async (follower) => (await follower.ended()).error));

let port;
let backend;
let nginx;

before(async () => {
  port = await serverPort();
  backend = await startBackend(undefined, port);
  nginx = await startProxy(undefined, port);
});

after(async () => {
  await stopFollowers();
  await nginx.stop();
  await backend.stop();
});

test('buffering, its ways out, gzip: at once or at the end, and nothing lost', async () => {
  const n = 6;
  const follow = (path, query) =>
    followNumbers(nginx.url, `${path}/numbers`, {n, plan: 'hold:3', ...query});
  const kept = follow('/default');
  const prompt = {
    'proxy_buffering off': follow('/direct'),
    'X-Accel-Buffering: no': follow('/default', {accel: 1}),
    'gzip on, proxy_buffering off': follow('/gzip'),
    'proxy_http_version 1.1': follow('/buffered'),
  };
  await each(Object.values(prompt).flat(), 'count', 3); // the server waits
  for (const {run} of kept) {
    await until(async () => (await backend.call('sent', run)) === 3, 'three events at nginx');
  }
  await sleep(300); // what does not come takes time
  assert.deepEqual(
    kept.map(({events}) => events),
    [[], []],
    'nginx keeps them',
  );
  const all = [kept, ...Object.values(prompt)].flat();
  for (const {run} of all) await backend.call('release', run);
  await assertNumbers(all, n, 1);
  const encodings = ({opens}) => opens[0].encoding;
  assert.deepEqual(prompt['gzip on, proxy_buffering off'].map(encodings), ['gzip', 'gzip']);
  assert.deepEqual(prompt['proxy_buffering off'].map(encodings), [null, null]);
  figure('nginx as proxy, with its defaults', 'it keeps all events until the stream ends');
  figure('nginx as proxy, events at once with', `one of: ${Object.keys(prompt).join('; ')}`);
});

test('502 and 504: final at first; once open, an attempt that failed', async () => {
  const n = 9;
  const from = (path, plan) => followNumbers(nginx.url, `${path}/numbers`, {n, plan});
  const [down, silent] = [from('/down'), from('/impatient', 'silent')];
  const passing = from('/impatient', 'cut:3,silent');
  for (const [followers, status] of [
    [down, 502],
    [silent, 504],
  ]) {
    for (const error of await failures(followers)) {
      assert.equal(error.name, 'SSEHTTPError');
      assert.equal(error.status, status);
      assert.match(error.body, new RegExp(`^<html>[^]*<title>${status} `));
    }
    assert.deepEqual(
      followers.map(({retries}) => retries.length),
      [0, 0],
    );
  }
  await assertNumbers(passing, n, 2);
  for (const {retries} of passing) {
    assert.deepEqual(
      retries.map(({error}) => error.status),
      [undefined, 504],
    );
    assert.deepEqual(
      retries.map(({lastEventId}) => lastEventId),
      ['3', '3'],
    );
  }
});

test('the server behind the proxy is killed and comes back: 502 in between, nothing lost', async (t) => {
  const port = await serverPort();
  const [first, proxy] = [await startBackend(t, port), await startProxy(t, port)];
  const [n, pace] = [120, 5];
  const followers = ['/default', '/buffered', '/direct', '/gzip'].flatMap((path) =>
    followNumbers(proxy.url, `${path}/numbers`, {n, pace, plan: 'hold:60'}),
  );
  for (const {run} of followers) {
    await until(async () => (await first.call('sent', run)) >= 20, 'twenty events');
  }
  first.child.kill('SIGKILL');
  const is502 = ({error}) => error.status === 502;
  await Promise.all(followers.map(({retries, wait}) => wait(() => retries.some(is502), '502')));
  const second = await startBackend(t, port);
  for (const {run} of followers) await second.call('release', run);
  await assertNumbers(followers, n);
  const ends = followers.map(
    ({run, retries: [{error}]}) =>
      `${run.split('-')[1]}: ${error.code === 'truncated' ? 'a clean end' : error.message}`,
  );
  figure('nginx as proxy, a crash behind it looks like', [...new Set(ends)].join(', '));
});

test('429 with Retry-After: final at first, waited for once open', async () => {
  const n = 9;
  const refused = followNumbers(nginx.url, '/busy/numbers', {n});
  const limited = followNumbers(nginx.url, '/limited/numbers', {n, plan: 'cut:3'});
  for (const error of await failures(refused)) {
    assert.equal(error.status, 429);
    assert.equal(error.body, 'busy');
    assert.equal(error.retryAfter, RETRY_AFTER * 1000);
  }
  await assertNumbers(limited, n, 2);
  for (const {run, retries, opens} of limited) {
    assert.deepEqual(
      retries.map(({error}) => error.status),
      [undefined, 429],
    );
    const [, {at, delay}] = retries;
    assert.ok(delay >= RETRY_AFTER * 1000, `a wait of ${delay} ms`);
    const waited = opens[1].at - at;
    assert.ok(waited >= RETRY_AFTER * 1000 - 5, `waited ${waited} ms`);
    assert.equal((await backend.call('requests', run)).length, 2, 'the limit let two through');
  }
});

const SECRETS = {
  authorization: 'Bearer secret',
  cookie: 'session=secret',
  'x-api-key': 'secret',
  'proxy-authorization': 'Basic secret',
};

/** Cut after three events, it begins again at its own URL, and goes on. */
function wentOnWithAll(requests) {
  assert.deepEqual(
    requests.map(({headers}) => headers['last-event-id']),
    ['3', '6'],
  );
  for (const {headers} of requests) {
    for (const [name, value] of Object.entries(SECRETS)) assert.equal(headers[name], value);
  }
}

function wentOnWithout(requests, front) {
  assert.equal(requests.length, 1);
  const [{headers}] = requests;
  assert.ok(!JSON.stringify(headers).includes('secret'), JSON.stringify(headers));
  for (const name of ['last-event-id', ...Object.keys(SECRETS)]) assert.ok(!(name in headers));
  assert.equal(headers['x-front'], front);
  assert.equal(headers.accept, 'text/event-stream');
}

test('redirects: same origin with all headers, another origin without any', async () => {
  const n = 9;
  const options = {headers: SECRETS, lastEventId: '3', env: {NODE_EXTRA_CA_CERTS: nginx.cert}};
  const cases = REDIRECTS.flatMap((status) =>
    ['same', 'other', 'secure'].map((where) => {
      const query = {n, plan: where === 'same' ? 'cut:3' : '', loops: ['async']};
      return {where, followers: followNumbers(nginx.url, `/${status}/${where}`, query, options)};
    }),
  );
  for (const where of ['same', 'other', 'secure']) {
    const query = {n, plan: where === 'same' ? 'cut:3' : '', loops: ['blocking']};
    const followers = followNumbers(nginx.url, `/307/${where}`, query, options);
    cases.push({where, followers});
  }
  assert.equal(cases.length, REDIRECTS.length * 3 + 3);
  for (const {
    where,
    followers: [{run, ended, events, opens}],
  } of cases) {
    const {error} = await ended();
    assert.equal(error, undefined);
    const requests = await backend.call('requests', run);
    assert.deepEqual(
      opens.map(({status}) => status),
      requests.map(() => 200),
    );
    if (where === 'same') {
      assertSame(events, numbers(n).slice(3), run);
      wentOnWithAll(requests);
    } else {
      assertSame(events, numbers(n), run); // from the start: no id went along
      wentOnWithout(requests, where === 'other' ? 'other' : 'HTTP/1.1');
    }
  }
  figure(
    'nginx, redirects',
    `${cases.length} of ${REDIRECTS.join(', ')}: to another origin 0 of`
      + ` ${Object.keys(SECRETS).length} secrets and no Last-Event-ID went along`,
  );
});

test('a POST stays one over 307 and 308, becomes a GET by 303, and is not followed by the others', async () => {
  const n = 3;
  const json = {question: 'é€😀'};
  const post = (status) =>
    followNumbers(nginx.url, `/${status}/other`, {n}, {json, headers: SECRETS});
  const all = REDIRECTS.map((status) => ({status, followers: post(status)}));
  for (const {status, followers} of all) {
    const errors = await failures(followers);
    for (const [index, {run, events}] of followers.entries()) {
      const requests = await backend.call('requests', run);
      if (status < 303) {
        assert.equal(errors[index].code, 'redirect');
        assert.deepEqual(requests, []);
        continue;
      }
      assert.equal(errors[index], undefined);
      assertSame(events, numbers(n), run);
      assert.deepEqual(
        requests.map(({method, body}) => [method, body && JSON.parse(body)]),
        [status === 303 ? ['GET', ''] : ['POST', json]],
      );
      assert.ok(!JSON.stringify(requests).includes('secret'));
    }
  }
});

test('proxy_read_timeout ends a silent stream, comments keep one open', async () => {
  const n = 9;
  const from = (plan) => followNumbers(nginx.url, '/impatient/numbers', {n, plan});
  const [quiet, pinged] = [from('quiet:3,quiet:3'), from('ping:3')];
  const most = 3 * READ_TIMEOUT;
  await Promise.all(
    pinged.map(({comments, wait}) =>
      wait(() => comments.length >= most / 0.3, `${most} s of comments`),
    ),
  );
  for (const {run} of pinged) await backend.call('release', run);
  await assertNumbers(pinged, n, 1);
  await assertNumbers(quiet, n, 3);
  for (const {retries} of quiet) {
    assert.deepEqual(
      retries.map(({lastEventId}) => lastEventId),
      ['3', '6'],
    );
  }
});

test('reload and restart of the proxy in the middle of a stream', async (t) => {
  const [patient, hasty] = [
    await startProxy(t, port),
    await startProxy(t, port, `worker_shutdown_timeout ${SHUTDOWN}ms;`),
  ];
  const [n, pace] = [400, 3];
  const plan = 'hold:100,hold:100,hold:100';
  const follow = ({url}) => followNumbers(url, '/direct/numbers', {n, pace, plan});
  const [spared, cut] = [follow(patient), follow(hasty)];
  await each([...spared, ...cut], 'count', 50);
  await patient.reload(); // the old worker serves its streams to their ends
  await hasty.gone(await hasty.reload());
  await each(cut, 'count', 150);
  await hasty.gone(await hasty.reload());
  await each(cut, 'count', 250);
  await hasty.kill();
  await each(cut, 'retried', 3);
  await hasty.start();
  await each(spared, 'count', 100);
  for (const {run} of spared) await backend.call('release', run);
  await assertNumbers(spared, n, 1);
  await assertNumbers(cut, n, 4);
  figure(
    'nginx as proxy, reloaded twice and killed (kill -9) in the middle of a stream',
    `${n} events, 4 connections: lost 0, twice 0, out of order 0, in both loops`,
  );
});

test('live sockets on both sides of the proxy reset with ss -K', async (t) => {
  const port = await serverPort();
  const server = await startBackend(t, port);
  const proxy = await startProxy(t, port);
  const n = 400;
  const plan = Array.from({length: 20}, () => 'hold:20').join();
  const query = {n, pace: 2, plan};
  const followers = ['/direct', '/gzip', '/buffered'].flatMap((path) =>
    followNumbers(proxy.url, `${path}/numbers`, query),
  );
  let resets = 0;
  for (let round = 0; round < 19; round++) {
    await each(followers, 'opened', round + 1);
    await each(followers, 'count', round * 20 + 5);
    const count = resetSockets(round % 2 ? port : proxy.port);
    assert.ok(count >= followers.length, `${count} sockets reset`);
    resets += count;
  }
  for (const {run} of followers) await server.call('release', run);
  await assertNumbers(followers, n);
  figure(
    'nginx as proxy, live sockets reset on either side',
    `${resets} resets among`
      + ` ${n * followers.length} events: lost 0, twice 0, out of order 0, in both loops`,
  );
});

test('TLS with a certificate of our own: trusted, not trusted, and trusted blindly', async () => {
  const n = 9;
  const env = {NODE_EXTRA_CA_CERTS: nginx.cert};
  const from = (options, loops) =>
    followNumbers(nginx.secure, '/numbers', {n, loops, plan: 'cut:3'}, options);
  const trusted = from({env});
  const over2 = from({env, transport: 'http2'}, ['async']);
  const blind = from({verify: false}, ['blocking']);
  const unable = from({verify: false}, ['async']);
  const suspicious = from({maxRetries: 1});
  for (const error of await failures(suspicious)) {
    assert.equal(error.name, 'SSEConnectionError');
    assert.equal(error.retries, 0);
    assert.match(error.message, /`verify: false`/);
    assert.match(JSON.stringify(error), /DEPTH_ZERO_SELF_SIGNED_CERT/);
  }
  assert.deepEqual(
    (await failures(unable)).map(({code}) => code),
    ['unsupported'],
  );
  await assertNumbers([...trusted, ...over2, ...blind], n, 2);
  const protocol = async ({run}) =>
    (await backend.call('requests', run)).map(({headers}) => headers['x-front']);
  for (const follower of [...trusted, ...blind]) {
    assert.deepEqual(await protocol(follower), ['HTTP/1.1', 'HTTP/1.1']);
  }
  assert.deepEqual(await protocol(over2[0]), ['HTTP/2.0', 'HTTP/2.0']);
  for (const {run} of [...suspicious, ...unable]) {
    assert.deepEqual(await backend.call('requests', run), [], 'nothing was sent');
  }
  // From https: to http: nobody follows.
  const less = followNumbers(nginx.secure, '/less', {n}, {env, headers: SECRETS});
  assert.deepEqual(
    (await failures(less)).map(({code}) => code),
    ['redirect', 'redirect'],
  );
  for (const {run} of less) assert.deepEqual(await backend.call('requests', run), []);
});
