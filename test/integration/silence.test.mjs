// Silence, which tells nothing: a connection that is dead looks like one with nothing to say. What
// must be noticed is, what heals by itself is left alone, and Node's own limits are what they are.
//
//   node --expose-gc silence.test.mjs

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {asyncConnect} from '../../dist/sse.js';
import {startFaultProxies} from './fault-proxy.mjs';
import {figure} from './figures.mjs';
import {eventOf, startHistory} from './history-server.mjs';
import {dispatcher, limit} from './lifted.mjs';
import {until} from './processes.mjs';
import {follow, LOOPS} from './timed-client.mjs';

/** How much later than due a timer may fire on a machine with other things to do, ms. */
const LATE = 2500;

/** An idleTimeout that a machine with other things to do does not reach by itself, ms. */
const IDLE = 2000;

/** Clocks of two processes, and what a timer may fire early by, ms. */
const EARLY = 50;

let history;
let proxies;

before(async () => {
  [history, proxies] = await Promise.all([startHistory(), startFaultProxies()]);
});
after(() => Promise.all([history?.stop(), proxies?.stop()]));

/** A stream of its own behind a proxy of its own, for each loop; both loops at the same time. */
function bothLoops(name, work) {
  for (const loop of LOOPS) {
    const title = `${name}: ${loop}`;
    const run = (t) =>
      work({
        loop,
        name: name.replaceAll(/\W/g, '-'),
        start(...args) {
          const client = follow(loop, ...args);
          t.after(client.stop);
          return client;
        },
      });
    tests.push({title, run});
  }
}
const tests = [];

async function stage(loop, name, {rules = [], server = history, ...stream}) {
  const path = `${name}-${loop}`;
  await server.open(path, stream);
  const proxy = await proxies.open(server.port);
  await proxy.rules(rules);
  return {
    proxy,
    url: `${proxy.url}/${path}`,
    publish: (count) => server.publish(path, count),
    finish: () => server.finish(path),
    stats: () => server.stats(path),
  };
}

const wanted = (count) =>
  Array.from({length: count}, (_, i) => {
    const {event, data, id} = eventOf(i + 1);
    return [event, data, id];
  });
const codes = ({retries}) => retries.map(({error}) => error.code ?? error.message);
const reason = ({message, cause}) =>
  /ECONNRESET|UND_ERR_SOCKET/.test(cause?.code) ? 'reset' : message;
const SLOWLY = {burst: [1, 1], pause: [20, 20]};

bothLoops('a black hole is noticed after idleTimeout', async ({loop, name, start}) => {
  const {proxy, url, finish} = await stage(loop, name, {
    head: 40,
    ...SLOWLY,
    rules: [{cut: {after: 1500, how: 'hole'}}],
  });
  const client = start(url, {idleTimeout: IDLE});
  await client.count(40);
  assert.deepEqual(codes(client), ['timeout']);
  const [{error, lastEventId, at}] = client.retries;
  assert.equal(error.message, `No byte from ${url} for ${IDLE} ms`);
  const index = client.events.findIndex(([, , id]) => id === lastEventId);
  assert.ok(index > 0 && index < 39, `the hole came after event ${index + 1}`);
  const silent = at - client.times[index];
  assert.ok(silent > IDLE - EARLY && silent < IDLE + LATE, `noticed after ${silent} ms`);
  // The dead socket is gone while the client goes on with the new one.
  await until(async () => (await proxy.counts()).live === 1, 'one connection');
  await finish();
  assert.equal(await client.ended(), undefined);
  assert.deepEqual(client.events, wanted(40));
  assert.deepEqual(codes(client), ['timeout', 'connection']); // a clean end, and then a 204
  assert.equal((await proxy.counts()).faults.hole, 1);
  figure(`${loop}: a black hole with idleTimeout ${IDLE} is noticed after`, `${silent} ms`);
});

for (const idleTimeout of [5000, 0]) {
  const title = `an outage that heals is waited out, idleTimeout ${idleTimeout}`;
  bothLoops(title, async ({loop, name, start}) => {
    const {proxy, url, finish, stats} = await stage(loop, name, {
      head: 40,
      ...SLOWLY,
      rules: [{cut: {after: 1500, how: 'hole', heal: 1500}}],
    });
    const client = start(url, {idleTimeout});
    await client.count(40);
    assert.deepEqual(codes(client), []);
    const gaps = client.times.map((time, i) => i && time - client.times[i - 1]);
    // A busy machine gives the client the event before late, not the one after early.
    assert.ok(Math.max(...gaps) > 750, `gaps of ${Math.max(...gaps)} ms at most`);
    await finish();
    assert.equal(await client.ended(), undefined);
    assert.deepEqual(client.events, wanted(40));
    assert.equal((await proxy.counts()).faults.outage, 1);
    assert.deepEqual((await stats()).resumed, [0, 40]); // nothing was asked for again
  });
}

bothLoops('a server that stands still causes no reconnect', async ({loop, name, start}) => {
  const server = await startHistory();
  try {
    const {url, publish, finish, stats} = await stage(loop, name, {server, head: 5, ...SLOWLY});
    const client = start(url, {idleTimeout: 5000});
    await client.count(5);
    server.child.kill('SIGSTOP');
    const frozen = Date.now();
    const published = publish(35); // as far as it can now
    await sleep(1500);
    server.child.kill('SIGCONT');
    await published;
    await client.count(40);
    assert.deepEqual(codes(client), []);
    assert.ok(client.times[5] > frozen + 1500 - EARLY, 'the server did not stand still');
    await finish();
    assert.equal(await client.ended(), undefined);
    assert.deepEqual(client.events, wanted(40));
    assert.deepEqual((await stats()).resumed, [0, 40]);
  } finally {
    await server.stop();
  }
});

bothLoops('slow headers are a timeout, at first and later', async ({loop, name, start}) => {
  const slow = {headers: 30_000};
  const {proxy, url, finish} = await stage(loop, name, {
    head: 30,
    ...SLOWLY,
    rules: [slow, {cut: {after: 1500, how: 'rst'}}, slow, slow],
  });
  const client = start(url, {timeout: 1500});
  await client.count(30);
  await finish();
  assert.equal(await client.ended(), undefined);
  assert.deepEqual(client.events, wanted(30));
  const late = `No response from ${url} for 1500 ms`;
  assert.deepEqual(
    client.retries.map(({attempt, error}) => [attempt, reason(error)]),
    [
      [1, late],
      [1, 'reset'],
      [2, late],
      [3, late],
      [1, 'the server ended the stream'],
    ],
  );
  assert.equal((await proxy.counts()).faults.headers, 3);
});

bothLoops('heartbeats keep a silent stream open', async ({loop, name, start}) => {
  const {url, publish, finish, stats} = await stage(loop, name, {head: 2, heartbeat: 200});
  const client = start(url, {idleTimeout: 2000});
  await client.count(2);
  await sleep(5000);
  assert.deepEqual(codes(client), []);
  assert.ok(client.comments.length > 10, `${client.comments.length} heartbeats`);
  await publish(2);
  await client.count(4);
  await finish();
  assert.equal(await client.ended(), undefined);
  assert.deepEqual(client.events, wanted(4));
  assert.deepEqual((await stats()).resumed, [0, 4]);
});

bothLoops('without heartbeats it is made anew, and loses nothing', async ({loop, name, start}) => {
  const {url, publish, finish} = await stage(loop, name, {head: 2});
  const client = start(url, {idleTimeout: 700});
  await client.count(2);
  await until(() => client.retries.length >= 3, 'three reconnections');
  assert.deepEqual(codes(client).slice(0, 3), ['timeout', 'timeout', 'timeout']);
  await publish(2);
  await client.count(4);
  await finish();
  assert.equal(await client.ended(), undefined);
  assert.deepEqual(client.events, wanted(4));
});

bothLoops('an event that comes byte by byte is no silence', async ({loop, name, start}) => {
  const {proxy, url, finish, stats} = await stage(loop, name, {
    head: 4,
    rules: [{chunk: 1, pace: 10}],
  });
  await finish();
  const client = start(url, {idleTimeout: 2000});
  assert.equal(await client.ended(), undefined);
  assert.deepEqual(client.events, wanted(4));
  assert.ok(client.times.at(-1) - client.opens[0] > 2000, 'all of it came within idleTimeout');
  assert.deepEqual((await stats()).resumed, [0, 4]);
  assert.equal((await proxy.counts()).faults.chunk, 1);
});

// What Node's fetch does after 300 s, here after one: silence-long.mjs waits for the real thing.
for (const {what, init, isLifted} of [
  {what: `Node's own limits end a silent stream, whatever idleTimeout says`, isLifted: false},
  {what: `Node's own limits are lifted by a dispatcher`, init: {dispatcher}, isLifted: true},
]) {
  test(what, async () => {
    const {url, publish, finish, stats} = await stage('async', what.replaceAll(/\W/g, '-'), {
      head: 2,
    });
    const end = limit({bodyTimeout: 1000, headersTimeout: 1000});
    const seen = {events: [], causes: []};
    const client = asyncConnect(url, {
      init,
      idleTimeout: 0,
      timeout: 0,
      retryInterval: 50,
      onRetry: ({error}) => seen.causes.push(error.cause?.code ?? error.code),
    });
    const timer = setTimeout(() => void publish(2).then(finish), 5000);
    try {
      for await (const {event, data, id} of client) seen.events.push([event, data, id]);
    } finally {
      end();
      clearTimeout(timer);
    }
    assert.deepEqual(seen.events, wanted(4));
    assert.equal(seen.causes.pop(), 'connection'); // the clean end, before the 204
    const {resumed} = await stats();
    if (isLifted) {
      assert.deepEqual(seen.causes, []);
      assert.deepEqual(resumed, [0, 4]);
    } else {
      assert.ok(seen.causes.length >= 2, `${seen.causes.length} reconnections`);
      assert.deepEqual([...new Set(seen.causes)], ['UND_ERR_BODY_TIMEOUT']);
      assert.deepEqual(new Set(resumed), new Set([0, 2, 4]));
    }
  });
}

// They wait for most of their time: those of both loops do so side by side.
test('both loops', {concurrency: 4}, async (t) => {
  await Promise.all(tests.map(({title, run}) => t.test(title, run)));
});
