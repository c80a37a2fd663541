// nginx with nchan: a message broker with real history, in C, that knows nothing of this client.
// Every test has a client in each loop on the same channel, each in a process of its own, and
// compares all that they got with all that was published: type, data and id of each event.
//
//   node nchan.test.mjs

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {connect as dial, createServer} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {launch} from './control.mjs';
import {figure} from './figures.mjs';
import {assertSame, each, follow, followBoth, stopFollowers} from './follower.mjs';
import {PING_SECONDS, publish, startNchan} from './nchan.mjs';
import {resetSockets} from './nginx.mjs';
import {until} from './processes.mjs';
import {startRedis} from './redis.mjs';

/** How many subscriptions one process has at the same time. */
const SUBSCRIPTIONS = 2000;

/** What ends every stream here: all that came before is compared. */
const END = 'the end';

/** Publish the numbers from…to, one after the other. */
async function publishNumbers(nginx, channel, from, to) {
  const sent = [];
  for (let k = from; k <= to; k++) sent.push(await publish(nginx, channel, `${k}`));
  return sent;
}

/** All of them got all that was sent, once and in order, and then ended. */
async function assertAll(followers, sent) {
  for (const follower of followers) {
    const {error} = await follower.ended();
    assertSame(follower.events, sent, `the ${follower.loop} loop`);
    assert.equal(error, undefined);
  }
}

/**
 * nchan counts its messages in each second of the clock. Once its history is lost it begins anew
 * at :0, and what it publishes in that same second seems older to it than what was read before:
 * it does not send that, to any client.
 */
async function nextSecond() {
  await sleep(1020 - (Date.now() % 1000));
}

const opens = (follower) => follower.opens.length;
const countsOf = (followers) => `${followers.map(opens).join(' and ')} connections`;

let nginx;

before(async () => {
  nginx = await startNchan();
});

after(async () => {
  await stopFollowers();
  await nginx.stop();
});

test('what was published while the client was away comes when it is back', async () => {
  const texts = ['1', 'two\nlines', '{"price": "€ 3 😀"}', '', ' a space', 'a: colon', ': not one'];
  const sent = [];
  for (const text of texts) sent.push(await publish(nginx, 'away', text));
  for (const [, , id] of sent) assert.match(id, /^\d+:\d+$/);
  const took = 3;
  const first = followBoth(nginx.channel('away'), {take: took});
  for (const follower of first) {
    const {lastEventId} = await follower.ended();
    assert.deepEqual(follower.events, sent.slice(0, took));
    assert.equal(lastEventId, sent[took - 1][2]);
  }
  sent.push(...(await publishNumbers(nginx, 'away', 1, 50)), await publish(nginx, 'away', END));
  const options = {lastEventId: sent[took - 1][2], last: END};
  const second = followBoth(nginx.channel('away'), options);
  await assertAll(second, sent.slice(took));
  assert.deepEqual(second.map(opens), [1, 1]);
});

test('`event: ping` without data: a sign of life, no event, no type for the next one', async () => {
  const url = `${nginx.url}/pinged/pinged`;
  const options = {last: END, idleTimeout: PING_SECONDS * 2500};
  const pinged = followBoth(url, options);
  const silent = followBoth(nginx.channel('pinged'), options);
  const sent = [await publish(nginx, 'pinged', '1')];
  // What is on the wire: read it without a parser.
  const wire = await fetch(url, {headers: {accept: 'text/event-stream'}});
  const isLongEnough = (text) => text.split('\nevent: ping\n\n').length > 4;
  let text = '';
  for await (const bytes of wire.body) {
    text += Buffer.from(bytes);
    if (isLongEnough(text)) break;
  }
  assert.match(text, /\n\nevent: ping\n\nevent: ping\n\n/);
  await each(pinged, 'count', 1);
  sent.push(await publish(nginx, 'pinged', '2'), await publish(nginx, 'pinged', END));
  await assertAll([...pinged, ...silent], sent);
  assert.deepEqual(pinged.map(opens), [1, 1], 'kept open by pings');
  for (const {retries} of silent) assert.equal(retries[0]?.error.code, 'timeout');
});

test('a frozen server that thaws: all comes late, nobody connects again', async () => {
  const [patient, hasty] = [{}, {idleTimeout: 500, timeout: 500}].map((options) =>
    followBoth(nginx.channel('frozen'), {last: END, ...options}),
  );
  const followers = [...patient, ...hasty];
  const sent = await publishNumbers(nginx, 'frozen', 1, 20);
  await each(followers, 'count', sent.length);
  nginx.freeze();
  const late = publishNumbers(nginx, 'frozen', 21, 40);
  // Those who wait only 500 ms have given up by then, and find nobody who answers.
  await each(hasty, 'retried', 2).finally(nginx.thaw);
  sent.push(...(await late), await publish(nginx, 'frozen', END));
  await assertAll(followers, sent);
  assert.deepEqual(patient.map(opens), [1, 1]);
  assert.deepEqual(
    patient.map(({retries}) => retries),
    [[], []],
  );
  for (const {retries} of hasty) {
    assert.deepEqual(
      retries.slice(0, 2).map(({error}) => error.code),
      ['timeout', 'timeout'],
    );
  }
});

test('live sockets reset with ss -K, in the middle of everything', async () => {
  const followers = followBoth(nginx.channel('resets'), {last: END});
  const sent = [];
  let resets = 0;
  for (let round = 1; round <= 20; round++) {
    // Each of them is connected before its connection is lost: else twenty resets could be one.
    await each(followers, 'opened', round);
    sent.push(...(await publishNumbers(nginx, 'resets', sent.length + 1, sent.length + 25)));
    const count = resetSockets(nginx.port);
    assert.ok(count >= 1, `${count} sockets reset`);
    resets += count;
  }
  sent.push(await publish(nginx, 'resets', END));
  await assertAll(followers, sent);
  for (const {retries} of followers) assert.ok(retries.length >= 20, `${retries.length} retries`);
  figure(
    'nchan, live sockets reset',
    `${resets} resets among ${sent.length} messages, lost 0,`
      + ' twice 0, out of order 0, in both loops',
  );
});

// In nginx's own memory the history belongs to a worker: it is gone with it. What was read by then
// was read, what is published later comes, and nothing hangs.
for (const [what, act] of Object.entries({
  'reload (SIGHUP)': async (server) => server.gone(await server.reload()),
  'a worker killed (SIGKILL)': (server) => server.killWorker(),
  restart: async (server) => {
    await server.stop();
    await server.start();
  },
})) {
  test(`${what}: the client goes on, with what the server still knows`, async (t) => {
    const server = await startNchan(t);
    const followers = followBoth(server.channel('short'), {last: END});
    const left = follow('async', server.channel('short'), {take: 10});
    const sent = await publishNumbers(server, 'short', 1, 10);
    await each(followers, 'count', 10);
    const {lastEventId} = await left.ended();
    assert.equal(lastEventId, sent[9][2]);
    // One client is away: what comes now, the server forgets before it is back.
    sent.push(...(await publishNumbers(server, 'short', 11, 20)));
    await each(followers, 'count', 20);
    await act(server);
    await nextSecond();
    sent.push(...(await publishNumbers(server, 'short', 21, 30)));
    sent.push(await publish(server, 'short', END));
    await assertAll(followers, sent);
    for (const {retries} of followers) assert.ok(retries.length >= 1);
    const back = followBoth(server.channel('short'), {last: END, lastEventId});
    await assertAll(back, sent.slice(20));
    figure(
      `nchan in memory, ${what}`,
      'the client goes on; what was published before, and it had'
        + ' not read, is gone with the worker',
    );
  });
}

/** A port that leads to the first of those servers that is there. */
async function startSwitch(...targets) {
  const sockets = new Set();
  const server = createServer((client) => {
    sockets.add(client);
    client.once('close', () => sockets.delete(client)).on('error', () => {});
    const link = ([target, ...others]) => {
      if (!target) return client.resetAndDestroy();
      const upstream = dial(target.port, '127.0.0.1');
      const next = () => link(others);
      upstream.once('error', next).once('connect', () => {
        upstream.off('error', next).on('error', () => {}); // 'close' follows
        upstream.once('close', () => client.destroy());
        client.once('close', () => upstream.destroy());
        client.pipe(upstream).pipe(client);
      });
    };
    link(targets);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    channel: (name) => `http://127.0.0.1:${server.address().port}/events/${name}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A Redis, as two nodes of nchan use it. */
async function startStorage(t) {
  const redis = await startRedis();
  t.after(redis.stop);
  return {
    upstream: `upstream redis { nchan_redis_server ${redis.url}/; }`,
    storage: 'nchan_redis_pass redis;',
  };
}

/** Until Redis is, nchan says 503 to everyone; each worker has its own connection. */
const isReady = (node, worker = 1) =>
  until(() => node.output().split('upstream redis: ready').length > worker, 'Redis');

test('two nodes over Redis: kill -9 of one, the client goes on at the other', async (t) => {
  const storage = await startStorage(t);
  const [a, b] = [await startNchan(t, storage), await startNchan(t, storage)];
  await Promise.all([isReady(a), isReady(b)]);
  const balancer = await startSwitch(a, b);
  t.after(balancer.close);
  const url = balancer.channel('shared');
  const followers = followBoth(url, {last: END});
  const away = follow('async', url, {take: 30});
  const sent = [];
  /** 200 messages, in turn at those nodes; `act` happens between two of them. */
  const publishAt = async (some, act = () => {}) => {
    for (let k = 1; k <= 200; k++) {
      sent.push(await publish(some[k % some.length], 'shared', `${sent.length + 1}`));
      if (k === 100) await act();
    }
  };
  await each(followers, 'opened', 1); // at A: the first that is there
  await publishAt([a, b]);
  const {lastEventId} = await away.ended();

  await publishAt([b], () => a.kill());
  await each(followers, 'opened', 2);
  await publishAt([b]);
  await a.start();
  await isReady(a);
  await publishAt([a, b]);
  await publishAt([a], () => b.kill());
  await each(followers, 'opened', 3);
  await publishAt([a], async () => {
    await a.gone(await a.reload());
    await isReady(a, 2);
  });
  await each(followers, 'opened', 4);

  sent.push(await publish(a, 'shared', END));
  assert.equal(sent.length, 1201);
  await assertAll(followers, sent);
  await assertAll(followBoth(url, {last: END, lastEventId}), sent.slice(30));
  figure(
    'nchan with Redis, two nodes',
    `each killed once (kill -9), one reloaded, ${sent.length}`
      + ` messages, ${countsOf(followers)}: lost 0, twice 0, out of order 0, in both loops`,
  );
});

test(`${SUBSCRIPTIONS} subscriptions in one process: every message to each`, async (t) => {
  const server = await startNchan(t);
  const process = launch('subscriptions.mjs', [], {execArgv: ['--expose-gc']});
  t.after(process.stop);
  const {ms, mb} = await process.call('open', server.channel('many'), SUBSCRIPTIONS, END);
  const sent = await publishNumbers(server, 'many', 1, 12);
  const reset = resetSockets(server.port); // all at once, with messages under way
  sent.push(...(await publishNumbers(server, 'many', 13, 24)), await publish(server, 'many', END));
  const {equal, retries} = await process.call('compare', sent);
  assert.equal(equal, SUBSCRIPTIONS);
  assert.ok(reset >= SUBSCRIPTIONS, `${reset} sockets reset`);
  // a socket of who publishes may be among those that were reset
  assert.ok(retries >= SUBSCRIPTIONS, `${retries} retries after ${reset} resets`);
  figure(
    `nchan, ${SUBSCRIPTIONS} subscriptions in one process`,
    `connected in ${Math.round(ms)} ms, ${Math.round(mb)} MB RSS`
      + ` (${Math.round((mb / SUBSCRIPTIONS) * 1024)} kB each), ${sent.length} messages to each,`
      + ` ${reset} sockets reset at once in between: lost 0, twice 0, out of order 0`,
  );
});
