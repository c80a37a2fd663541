// kill -9, again and again, of examples that remember where they were: each is started anew until
// the stream is over, and what all of its lives together handled is compared with what was sent.

import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {createClient} from 'redis';
import {scratch, until} from '../integration/processes.mjs';
import {startRedis} from '../integration/redis.mjs';
import {begin, linesOf, run} from './copies.mjs';
import {numbered, numbers, serve} from './server.mjs';

const folder = scratch('crash');
const CRASH = new URL('crash-at.mjs', import.meta.url).href;
const MOST_LIVES = 200;
const range = (first, last) => Array.from({length: last - first + 1}, (_, k) => first + k);

/**
 * Lives of a process until one ends by itself: `live(n)` resolves with how the n-th ended, code or
 * signal. Returns how many were killed.
 */
async function liveUntilTheEnd(live) {
  for (let n = 1; n <= MOST_LIVES; n++) {
    const end = await live(n);
    if (end === 0) return n - 1;
    assert.equal(end, 'SIGKILL', `life ${n}`);
  }
  assert.fail(`not at its end after ${MOST_LIVES} lives`);
}

describe('subscription.mjs', () => {
  /** The numbers that one life printed, which must follow each other. */
  function handled(stdout) {
    const ids = linesOf(stdout).map((line) =>
      Number(/^(\d+) price \{ number: \1 \}$/.exec(line)[1]),
    );
    if (ids.length) assert.deepEqual(ids, range(ids[0], ids.at(-1)));
    return ids;
  }

  const stored = (file) => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);

  // Every moment between two calls to the file system, and half-written files.
  for (const half of ['', '+']) {
    it(`killed before each step of storing an id${half && ', half-way through it'}`, async () => {
      const total = 3;
      const server = await serve(numbers(total, 2));
      const steps = 2 * total;
      for (const at of range(1, steps + 1)) {
        const file = join(folder, `step-${at}${half}.txt`);
        const first = await run('subscription.mjs', [server.url, file], {
          flags: ['--import', CRASH],
          env: {CRASH_AT: at + half},
        });
        assert.equal(first.code, at > steps ? 0 : 'SIGKILL', first.stderr);
        const id = stored(file);
        // Printed first, stored then: at most one event is ahead of its id.
        const before = handled(first.stdout);
        assert.deepEqual(before, range(1, Math.ceil(Math.min(at, steps) / 2)));
        assert.equal(id, at > steps ? total : Math.ceil(at / 2) - 1);
        const second = await run('subscription.mjs', [server.url, file]);
        assert.deepEqual([second.code, handled(second.stdout)], [0, range(id + 1, total)]);
        assert.equal(stored(file), total);
      }
      await server.close();
    });
  }

  it('killed from outside at any moment', async (t) => {
    const total = 1500;
    const server = await serve(numbers(total, 150));
    const file = join(folder, 'outside.txt');
    let reached = 0;
    let repeated = 0;
    const killed = await liveUntilTheEnd(async (n) => {
      const {child, ended} = begin('subscription.mjs', [server.url, file]);
      // After so many bytes of output: somewhere within the handling of some event.
      let seen = 0;
      child.stdout.on('data', (text) => {
        seen += text.length;
        if (seen > 1000 + 37 * n) child.kill('SIGKILL');
      });
      const from = stored(file);
      const {code, stdout} = await ended;
      const ids = handled(stdout);
      if (ids.length) {
        assert.equal(ids[0], from + 1); // goes on after the id that was stored
        assert(ids[0] === reached + 1 || ids[0] === reached, `${ids[0]} after ${reached}`);
        if (ids[0] === reached) repeated++;
        reached = ids.at(-1);
      }
      return code;
    });
    assert.equal(reached, total);
    assert.equal(stored(file), total);
    assert(killed >= 10, `${killed} kills`);
    t.diagnostic(`${killed} kills among ${total} events: 0 lost, ${repeated} twice`);
    await server.close();
  });
});

describe('redis-sink.mjs', () => {
  let server;
  let redis;

  before(async () => {
    server = await startRedis({appendonly: 'yes'});
    redis = await createClient({url: server.url})
      .on('error', () => {})
      .connect();
  });
  after(async () => {
    redis?.destroy();
    await server?.stop();
  });

  const sink = (url, stream) =>
    begin('redis-sink.mjs', [url, stream], {env: {REDIS_URL: server.url}});
  const entries = async (stream) =>
    (await redis.xRange(stream, '-', '+')).map(({message}) => ({...message}));
  const all = (total) => range(1, total).map(numbered);

  it('killed at any moment', async (t) => {
    const total = 2500;
    const source = await serve(numbers(total, 300));
    const killed = await liveUntilTheEnd(async (n) => {
      const {child, ended} = sink(source.url, 'prices');
      const stop = new AbortController();
      void ended.finally(() => stop.abort());
      // A batch may go far beyond it.
      const goal = (await redis.xLen('prices')) + 30 + 5 * n;
      while (!stop.signal.aborted) {
        if ((await redis.xLen('prices')) >= goal) child.kill('SIGKILL');
      }
      return (await ended).code;
    });
    assert.deepEqual(await entries('prices'), all(total));
    assert.equal(await redis.get('prices:last-event-id'), `${total}`);
    assert(killed >= 10, `${killed} kills`);
    t.diagnostic(`${killed} kills among ${total} events: 0 lost, 0 twice`);
    await source.close();
  });

  it('Redis itself killed', async (t) => {
    const total = 1500;
    const source = await serve(numbers(total));
    let kills = 0;
    for (let lives = 0; lives < MOST_LIVES; lives++) {
      const {child, ended} = sink(source.url, 'orders');
      let isOver = false;
      void ended.finally(() => (isOver = true));
      const goal = (await redis.xLen('orders')) + 250;
      while (!isOver && (await redis.xLen('orders')) < goal);
      if (!isOver) {
        kills++;
        await server.kill();
        await server.start();
        // It refuses commands while it reads its log, and this client may not have missed it yet.
        await until(
          () =>
            redis.ping().then(
              () => true,
              () => false,
            ),
          'Redis answers',
        );
        // The sink ends if its transaction was on its way, else it waits for Redis, and goes on.
        while (!isOver && (await redis.xLen('orders')) <= goal);
      }
      child.kill('SIGKILL');
      if ((await ended).code === 0) break;
    }
    assert.deepEqual(await entries('orders'), all(total));
    assert(kills >= 3, `${kills} kills`);
    t.diagnostic(`${kills} kills of Redis among ${total} events: 0 lost, 0 twice`);
    await source.close();
  });
});
