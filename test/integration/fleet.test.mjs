// examples/fleet: 2,000 subscriptions at nchan, followed by four workers, while workers are killed,
// frozen and replaced, and Redis is killed. At the end the Redis stream of each subscription is
// compared with all that was published: id, type and data of each event, in order.
//
//   node fleet.test.mjs     first: npm ci in examples/fleet

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {Agent, createServer} from 'node:http';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {Fleet, LockLost, PlaceMoved} from '../../examples/fleet/redis.mjs';
import {shareOf} from '../../examples/fleet/share.mjs';
import {figure} from './figures.mjs';
import {publish, startNchan} from './nchan.mjs';
import {startBound} from './nginx.mjs';
import {start, until} from './processes.mjs';
import {startRedis} from './redis.mjs';

const FLEET = fileURLToPath(new URL('../../examples/fleet/fleet.mjs', import.meta.url));
const SUBSCRIPTIONS = 2000;
const WORKERS = 4;
const LOCK = 6; // s
const MOST_MS = 60_000;

let redis;
let fleet;

before(async () => {
  redis = await startRedis({appendonly: 'yes'});
  fleet = await Fleet.open({url: redis.url, name: 'tests'});
});

after(async () => {
  await fleet.close();
  await redis.stop();
});

const environment = (name) => ({...process.env, REDIS_URL: redis.url, FLEET: name});

/** What a command prints, and how it ends: {code, output}. */
async function run(args, {name = 'tests', input = ''} = {}) {
  const command = await start(process.execPath, [FLEET, ...args], {
    env: environment(name),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  command.child.stdin.end(input);
  if (command.child.exitCode === null) {
    await new Promise((resolve) => command.child.once('close', resolve));
  }
  return {code: command.child.exitCode, output: command.output()};
}

/** A worker of that name. Its end is waited for by stop(). */
async function startWorker(name, fleetName) {
  const args = [FLEET, 'worker', '--name', name, '--lock', `${LOCK}`];
  const worker = await startBound(process.execPath, args, {env: environment(fleetName)});
  return {name, ...worker};
}

test('the share of a worker', () => {
  for (const [total, capacities, shares] of [
    [0, [10], [0]],
    [7, [10], [7]],
    [17, [10], [10]],
    [2000, [1000, 1000, 1000, 1000], [500, 500, 500, 500]],
    [10, [100, 100, 100], [4, 4, 4]],
    [100, [10, 1000, 1000], [10, 45, 45]],
    [100, [1000, 10, 20, 1000], [35, 10, 20, 35]],
    [100, [10, 20, 30], [10, 20, 30]],
    [1, [5, 5], [1, 1]],
  ]) {
    const got = capacities.map((mine) => shareOf(total, mine, capacities));
    assert.deepEqual(got, shares, `${total} among ${capacities}`);
    // Nobody is left over as long as there is room.
    const all = got.reduce((sum, share) => sum + share, 0);
    const room = capacities.reduce((sum, capacity) => sum + capacity, 0);
    assert.ok(all >= Math.min(total, room));
  }
});

describe('what a worker stores', () => {
  const events = (from, to) =>
    Array.from({length: to - from + 1}, (_, k) => ({
      id: `${from + k}`,
      event: 'message',
      data: `data ${from + k}`,
    }));
  const logged = [];
  const key = (kind, id) => `{tests}:${kind}:${id}`;
  const lockOf = (id) => key('subscriptions', `${id}:lock`);
  const lock = (id, token) => fleet.redis.set(lockOf(id), token);
  const sink = (id, token = 'mine', data = {}) =>
    fleet.sink({id, data}, token, 'w', (text) => logged.push(text));
  const storedOf = async (id) => {
    const entries = await fleet.redis.xrange(key('events', id), '-', '+');
    return entries.map(([, [, id, , event, , data]]) => ({id, event, data}));
  };
  const placeOf = async (id) => {
    const {at: _, ...place} = await fleet.redis.hgetall(key('place', id));
    return place;
  };
  const isBehind = async (id) => (await fleet.redis.zscore(key('behind'), id)) !== null;

  /** What happens to a worker that has stored 1 and 2, and stores 3 to 5: what is there then. */
  const ROWS = {
    'the lock is its own': {stored: 5},
    'the lock is gone': {act: (id) => fleet.redis.del(lockOf(id)), error: LockLost, stored: 2},
    "the lock is another's": {act: (id) => lock(id, 'other'), error: LockLost, stored: 2},
    'another had the lock, and stored, and it is its own again': {
      async act(id) {
        await lock(id, 'other');
        await (await sink(id, 'other')).store(events(3, 3));
        await lock(id, 'mine');
      },
      error: PlaceMoved,
      stored: 3,
    },
    'Redis has gone back by one event': {
      async act(id, atOne) {
        await fleet.redis.restore(key('events', id), 0, atOne.events, 'REPLACE');
        await fleet.redis.restore(key('place', id), 0, atOne.place, 'REPLACE');
      },
      error: PlaceMoved,
      stored: 1,
    },
    'Redis has lost all of it': {
      act: (id) => fleet.redis.del(key('events', id), key('place', id)),
      error: PlaceMoved,
      stored: 0,
    },
    'the same was stored, and the answer was lost': {
      async act(id) {
        await (await sink(id)).store(events(3, 5));
      },
      stored: 5,
    },
  };
  for (const [k, [what, {act, error, stored}]] of Object.entries(ROWS).entries()) {
    test(what, async () => {
      const id = `row-${k}`;
      await lock(id, 'mine');
      const mine = await sink(id);
      await mine.store(events(1, 1));
      const atOne = {
        events: await fleet.redis.dumpBuffer(key('events', id)),
        place: await fleet.redis.dumpBuffer(key('place', id)),
      };
      await mine.store(events(2, 2));
      await act?.(id, atOne);
      const storing = mine.store(events(3, 5));
      if (error) await assert.rejects(storing, error);
      else await storing;
      assert.deepEqual(await storedOf(id), events(1, stored));
      const {lastEventId = '', events: count = '0'} = await placeOf(id);
      assert.deepEqual([lastEventId, count], [`${stored || ''}`, `${stored}`]);
    });
  }

  test('it is out of touch from the first time that it says so, until it has an event', async () => {
    const id = 'behind';
    await lock(id, 'mine');
    const mine = await sink(id);
    assert.equal(await isBehind(id), false);
    await mine.store([], 'connecting');
    const since = await fleet.redis.zscore(key('behind'), id);
    await until(async () => (await fleet.redis.time())[0] * 1000 > Number(since) + 1, 'time');
    await mine.store([], 'connect ECONNREFUSED');
    assert.equal(await fleet.redis.zscore(key('behind'), id), since);
    assert.deepEqual(await placeOf(id), {worker: 'w', why: 'connect ECONNREFUSED'});
    await mine.store(events(1, 1));
    assert.equal(await isBehind(id), false);
    assert.deepEqual(await placeOf(id), {worker: 'w', why: '', events: '1', lastEventId: '1'});
    await lock(id, 'other');
    await assert.rejects(mine.store([], 'late'), LockLost);
    assert.equal(await isBehind(id), false);
  });

  test('data of every kind, 1,024 events at a time, and about as many as are to be kept', async () => {
    const id = 'kinds';
    await lock(id, 'mine');
    const odd = ['', '\0', 'a\nb\r\n', '€ 😀 \u2028', ':', '-', 'x'.repeat(3_000_000)].map(
      (data, k) => ({
        id: `${k} é,[]-:`,
        event: 'größe',
        data,
      }),
    );
    const many = events(1, 1024);
    const mine = await sink(id);
    await mine.store(odd);
    await mine.store(many);
    assert.deepEqual(await storedOf(id), [...odd, ...many]);
    const keeping = await sink(id, 'mine', {keep: 100});
    await keeping.store(events(1025, 2048));
    const kept = await storedOf(id);
    assert.ok(kept.length >= 100 && kept.length < 300, `${kept.length} are kept`);
    assert.deepEqual(kept, events(2049 - kept.length, 2048));
    assert.equal((await placeOf(id)).events, `${odd.length + 2048}`);
  });

  test('Redis is full: waits until there is room', async () => {
    const id = 'full';
    await lock(id, 'mine');
    const mine = await sink(id);
    await fleet.redis.config('SET', 'maxmemory', '1');
    const storing = mine.store(events(1, 3));
    try {
      await until(() => logged.some((text) => /^full: cannot be stored.*OOM/.test(text)), 'OOM');
      assert.deepEqual(await storedOf(id), []);
    } finally {
      await fleet.redis.config('SET', 'maxmemory', '0');
    }
    await storing;
    assert.deepEqual(await storedOf(id), events(1, 3));
  });
});

test('a worker that is given again what it still follows lets go of the old connection', async (t) => {
  const name = 'again';
  const open = {'/a': new Set(), '/b': new Set()};
  const source = createServer((request, response) => {
    const its = open[request.url];
    response.writeHead(200, {'content-type': 'text/event-stream'}).flushHeaders();
    its.add(response);
    response.once('close', () => its.delete(response));
  }).listen(0, '127.0.0.1');
  await once(source, 'listening');
  const own = await Fleet.open({url: redis.url, name});
  const worker = await startWorker('only', name);
  t.after(async () => {
    await worker.stop('SIGKILL');
    await own.close();
    source.closeAllConnections();
    source.close();
  });
  const counts = () => Object.values(open).map(({size}) => size);
  const areFollowed = async () =>
    counts().join() === '1,1' && (await own.list()).every(({state}) => state === 'following');
  const url = `http://127.0.0.1:${source.address().port}`;
  await own.add([
    {id: 'a', url: `${url}/a`},
    {id: 'b', url: `${url}/b`},
  ]);
  await until(areFollowed, 'both followed');
  const [old] = open['/a'];

  // As when it was suspended: the jobs were taken from it, nobody else took them, and an event of
  // one tells it so; the other one is silent.
  const queue = `{${name}}:subscriptions`;
  const taken = own.redis.multi();
  for (const id of ['b', 'a']) {
    taken.del(`${queue}:${id}:lock`).lrem(`${queue}:active`, 1, id).rpush(`${queue}:wait`, id);
  }
  await taken.zadd(`${queue}:marker`, 0, '0').exec();
  for (const response of open['/b']) response.write('id: 1\ndata: 1\n\n');
  await until(() => old.destroyed, 'the end of the old connection');
  await until(areFollowed, 'both followed again, once');
  for (const id of ['a', 'b']) {
    let [before, after] = [Infinity, 0];
    const isRenewed = async () => {
      [before, after] = [after || Infinity, await own.redis.pttl(`${queue}:${id}:lock`)];
      return after > before;
    };
    await until(isRenewed, `the lock of ${id} renewed`);
  }
  worker.signal('SIGTERM');
  await until(() => worker.child.exitCode !== null, 'its end');
  assert.equal(worker.child.exitCode, 0, worker.output());
  await until(() => counts().join() === '0,0', 'no connection');
});

/** A fleet of its own over nchan, with all that was published to each channel. */
class Site {
  workers = [];
  sent = new Map();
  #agent = new Agent({keepAlive: true, maxSockets: 8});
  #isOver = false;
  #publishing;

  static async begin(t, name, count) {
    const site = new Site();
    site.nchan = await startNchan(t);
    site.fleet = await Fleet.open({url: redis.url, name});
    site.name = name;
    site.ids = Array.from({length: count}, (_, k) => `s${k}`);
    t.after(async () => {
      site.#isOver = true;
      site.#agent.destroy();
      for (const worker of site.workers) {
        worker.signal('SIGCONT');
        await worker.stop('SIGKILL');
      }
      await site.fleet.close();
    });
    return site;
  }

  async add(ids = this.ids) {
    const input = ids.map((id) => `${id} ${this.nchan.channel(id)}\n`).join('');
    return run(['add', '-'], {name: this.name, input});
  }

  async startWorker() {
    const worker = await startWorker(`worker-${this.workers.length + 1}`, this.name);
    this.workers.push(worker);
    return worker;
  }

  async publish(id) {
    const sent = this.sent.get(id) ?? [];
    this.sent.set(id, sent);
    sent.push(await publish(this.nchan, id, `${id} ${sent.length + 1}`, this.#agent));
  }

  /** To each channel in turn, without end. */
  publishAlways() {
    const lane = async (ids) => {
      for (let k = 0; !this.#isOver; k = (k + 1) % ids.length) {
        await this.publish(ids[k]);
        await sleep(4); // the machine is the workers'
      }
    };
    const LANES = 8;
    const lanes = Array.from({length: LANES}, (_, n) =>
      lane(this.ids.filter((_, k) => k % LANES === n)),
    );
    this.#publishing = Promise.all(lanes);
    this.#publishing.catch(() => {}); // told by `stored`
  }

  /** ms until all are followed by those workers alone, and in touch. */
  async followedBy(workers) {
    const names = new Set(workers.map(({name}) => name));
    const start = performance.now();
    const isFollowed = ({state, worker}) => state === 'following' && names.has(worker);
    let rows;
    try {
      await until(
        async () => {
          await sleep(100);
          rows = await this.fleet.list();
          return rows.length === this.ids.length && rows.every(isFollowed);
        },
        `all followed by ${[...names]}`,
        MOST_MS,
      );
    } catch (error) {
      const others = rows.filter((row) => !isFollowed(row));
      throw new Error(`${error.message}: ${others.length} of ${rows.length} are not, as
        ${JSON.stringify(others.slice(0, 3))}\n${workers.map((w) => w.output()).join('\n')}`);
    }
    return performance.now() - start;
  }

  /** Resolves when the server has one connection of each subscription, and no other. */
  async connectedOnce() {
    const count = async () => {
      const status = await (await fetch(`${this.nchan.url}/status`)).text();
      return Number(/^subscribers: (\d+)$/m.exec(status)[1]);
    };
    await until(async () => (await count()) === this.ids.length, 'one connection of each');
  }

  /** Ends publishing, and gives what was stored of each subscription, once it is all there. */
  async stored() {
    this.#isOver = true;
    await this.#publishing;
    const key = (kind, id) => `{${this.name}}:${kind}:${id}`;
    const counts = () =>
      Promise.all(this.ids.map((id) => this.fleet.redis.xlen(key('events', id))));
    const isThere = (count, k) => count >= (this.sent.get(this.ids[k])?.length ?? 0);
    await until(async () => (await counts()).every(isThere), 'all that was published', MOST_MS);
    const all = new Map();
    for (const id of this.ids) {
      const entries = await this.fleet.redis.xrange(key('events', id), '-', '+');
      all.set(
        id,
        entries.map(([, [, id, , event, , data]]) => [event, data, id]),
      );
    }
    return all;
  }
}

test(`${SUBSCRIPTIONS} subscriptions, ${WORKERS} workers, and everything that can end`, async (t) => {
  const site = await Site.begin(t, 'kills', SUBSCRIPTIONS);
  assert.deepEqual(await site.add(), {code: 0, output: `${SUBSCRIPTIONS} added\n`});
  for (let k = 0; k < WORKERS; k++) await site.startWorker();
  const first = await site.followedBy(site.workers);
  figure('fleet, begins', `${SUBSCRIPTIONS} followed by ${WORKERS} workers in ${seconds(first)}`);
  const loads = new Map(site.workers.map(({name}) => [name, 0]));
  for (const {worker} of await site.fleet.list()) loads.set(worker, loads.get(worker) + 1);
  const most = (SUBSCRIPTIONS / WORKERS) * 1.1 + 1;
  for (const [name, load] of loads) assert.ok(load > 0 && load <= most, `${name} follows ${load}`);
  site.publishAlways();
  const alive = new Set(site.workers);

  // Two at once, without a word: their locks end, and the two others follow all.
  for (const worker of site.workers.slice(0, 2)) {
    void worker.stop('SIGKILL');
    alive.delete(worker);
  }
  const killed = await site.followedBy([...alive]);
  figure('fleet, two of four killed (kill -9)', `all followed again after ${seconds(killed)}`);
  alive.add(await site.startWorker()).add(await site.startWorker());

  // One is frozen for longer than its lock lasts: it wakes up with events that are no longer its own.
  const [frozen, ...others] = alive;
  const held = await until(async () => {
    const rows = await site.fleet.list();
    const its = rows.filter(({worker}) => worker === frozen.name).length;
    return its > SUBSCRIPTIONS / WORKERS / 2 && its <= most && its;
  }, 'an even share');
  frozen.signal('SIGSTOP');
  const thawed = await site.followedBy(others);
  frozen.signal('SIGCONT');
  const refusals = () => frozen.output().match(/ s\d+: the lock is gone, or another/g)?.length;
  await until(refusals, 'a refusal');
  await site.followedBy([...alive]);
  await site.connectedOnce();
  figure(
    `fleet, one frozen for longer than its lock (${LOCK} s)`,
    `its ${held} followed again after ${seconds(thawed)}; what it would have stored when it woke up`
      + ` was refused: ${refusals()} times`,
  );

  // Redis, which remembers by its log alone: for less time than a lock lasts, and for more.
  for (const away of [1, LOCK + 1]) {
    await redis.kill();
    await sleep(away * 1000); // with events under way
    await redis.start();
    const restarted = await site.followedBy([...alive]);
    figure(
      `fleet, Redis killed (kill -9), back after ${away} s`,
      `all followed after another ${seconds(restarted)}`,
    );
  }

  // A deploy: one after the other is told to end, and replaced.
  const times = [];
  for (const worker of [...alive]) {
    worker.signal('SIGTERM');
    await until(() => worker.child.exitCode !== null, 'its end');
    assert.equal(worker.child.exitCode, 0, worker.output());
    alive.delete(worker);
    times.push(await site.followedBy([...alive]));
    alive.add(await site.startWorker());
  }
  figure(
    'fleet, each worker replaced (SIGTERM)',
    `all followed again after ${seconds(Math.min(...times))} to ${seconds(Math.max(...times))}`,
  );

  await site.connectedOnce();
  const stored = await site.stored();
  for (const id of site.ids) assert.deepEqual(stored.get(id), site.sent.get(id), id);
  const list = await site.fleet.list();
  assert.deepEqual(
    list.map(({id, events, lastEventId}) => [id, events, lastEventId]),
    [...site.ids].sort().map((id) => [id, site.sent.get(id).length, site.sent.get(id).at(-1)[2]]),
  );
  const total = [...site.sent.values()].reduce((sum, {length}) => sum + length, 0);
  figure(
    'fleet, all of that',
    `${total} events of ${SUBSCRIPTIONS} subscriptions: lost 0, twice 0, out of order 0`,
  );
});

describe('the commands', () => {
  const name = 'commands';
  const HEAD = 'ID STATE LAG EVENTS LAST ID WORKER URL WHY'.replaceAll(' ', '\\s+');
  let source;
  let url;
  let worker;
  let own;

  /** /events gives numbers, and keeps the connection; /three only three; /private asks for a token. */
  async function serve(request, response) {
    const {pathname} = new URL(request.url, 'http://localhost');
    const from = Number(request.headers['last-event-id'] ?? 0);
    if (pathname === '/private' && request.headers.authorization !== 'Bearer abc') {
      return response.writeHead(401).end('who are you?');
    }
    if (pathname === '/three' && from === 3) return response.writeHead(204).end();
    response.writeHead(200, {'content-type': 'text/event-stream'});
    for (let id = from + 1; id <= from + 3; id++) response.write(`id: ${id}\ndata: ${id}\n\n`);
    if (pathname === '/three') response.end('retry: 10\n\n');
  }

  before(async () => {
    source = createServer(serve).listen(0, '127.0.0.1');
    await once(source, 'listening');
    url = `http://127.0.0.1:${source.address().port}`;
    own = await Fleet.open({url: redis.url, name});
    worker = await startWorker('only', name);
  });
  after(async () => {
    await worker.stop('SIGKILL');
    await own.close();
    source.closeAllConnections();
    source.close();
  });

  const rowOf = async (id) => (await own.list()).find((row) => row.id === id);
  const stateOf = async (id, state) => {
    await until(async () => (await rowOf(id))?.state === state, `${id}: ${state}`);
    return rowOf(id);
  };
  const entries = async (id) => own.redis.xlen(`{${name}}:events:${id}`);

  test('add, list, watch, remove', async () => {
    const input = `b ${url}/events?b\n\n  c   ${url}/three \r\n`;
    assert.deepEqual(await run(['add', 'a', `${url}/events`], {name}), {
      code: 0,
      output: '1 added\n',
    });
    assert.deepEqual(await run(['add', '-'], {name, input}), {code: 0, output: '2 added\n'});
    const again = await run(['add', 'a', `${url}/events`], {name});
    assert.deepEqual(again, {code: 0, output: '0 added, 1 there already\n'});
    await until(async () => (await entries('a')) === 3, 'three events');
    const {at, ...row} = await stateOf('a', 'following');
    assert.ok(Math.abs(Date.now() - at) < 60_000);
    const place = {events: 3, lastEventId: '3', worker: 'only', why: ''};
    assert.deepEqual(row, {id: 'a', state: 'following', behind: 0, url: `${url}/events`, ...place});
    assert.equal((await stateOf('c', 'over')).events, 3);

    const {code, output} = await run(['list'], {name});
    assert.equal(code, 0);
    const lines = [
      HEAD,
      `a\\s+following\\s+0\\s+3\\s+3\\s+only\\s+${url}/events`,
      `b\\s+following\\s+0\\s+3\\s+3\\s+only\\s+${url}/events\\?b`,
      `c\\s+over\\s+0\\s+3\\s+3\\s+${url}/three`,
    ];
    assert.match(output, new RegExp(`^${lines.join('\n')}\n$`));
    const json = (await run(['list', '--json'], {name})).output.trim().split('\n');
    assert.deepEqual(
      json.map((line) => JSON.parse(line)),
      JSON.parse(JSON.stringify(await own.list())),
    );
    const table =
      /^2 followed, 0 waiting, 0 failed, 1 over; 0 out of touch\n\nWORKER .*\nonly +2 +1000 +\d+ +\d+ +[\d.]+( s)?\n$/;
    // What a worker says of itself is a second old.
    await until(async () => table.test((await run(['watch', '--once'], {name})).output), 'a table');

    assert.deepEqual(await run(['remove', 'a', 'x', 'c'], {name}), {
      code: 1,
      output: 'a removed\nx: there is no such subscription\nc removed\n',
    });
    assert.deepEqual(
      (await own.list()).map(({id}) => id),
      ['b'],
    );
    // Its events and its place are there: it goes on.
    assert.equal((await run(['add', 'a', `${url}/events`], {name})).output, '1 added\n');
    await until(async () => (await entries('a')) === 6, 'three more');
    assert.equal((await run(['remove', 'a', '--purge'], {name})).output, 'a removed\n');
    assert.equal(await own.redis.exists(`{${name}}:events:a`, `{${name}}:place:a`), 0);
    assert.equal((await run(['add', 'a', `${url}/events`], {name})).output, '1 added\n');
    await until(async () => (await entries('a')) === 3, 'three from the beginning');
  });

  test('a refusal is told, and tried again when it is added again', async () => {
    await run(['add', 'p', `${url}/private`], {name});
    const {why, behind} = await stateOf('p', 'failed');
    assert.match(why, /401.*who are you\?/s);
    assert.ok(behind >= 0);
    assert.equal((await run(['add', 'p', `${url}/private`], {name})).output, '0 added, 1 again\n');
    await stateOf('p', 'failed');
    await run(['remove', 'p'], {name});
    await run(['add', 'p', `${url}/private`, '--header', 'Authorization: Bearer abc'], {name});
    assert.equal((await stateOf('p', 'following')).why, '');
    assert.equal(await entries('p'), 3);
  });

  for (const [args, message, input] of [
    [['add'], 'add takes ID and URL, or -'],
    [['add', 'a', 'b', 'c'], 'add takes ID and URL, or -'],
    [
      ['add', '12', 'http://a/'],
      '"12" cannot be an id: 1 to 200 letters, digits, - _ ., and not digits alone',
    ],
    [
      ['add', 'a:b', 'http://a/'],
      '"a:b" cannot be an id: 1 to 200 letters, digits, - _ ., and not digits alone',
    ],
    [['add', 'a', 'ftp://a/'], 'a: "ftp://a/" is no http: or https: URL'],
    [['add', 'a', 'localhost'], 'a: "localhost" is no http: or https: URL'],
    [
      ['add', 'a', 'http://u:p@a/'],
      "a: user and password in a URL: give them as --header 'Authorization: …'",
    ],
    [['add', 'b', 'http://other/'], 'b follows SOURCE/events?b: remove it first'],
    [['add', 'b', 'SOURCE/events?b', '--keep', '5'], 'b has other options: remove it first'],
    [['add', 'n', 'http://a/', '--header', 'é: 1'], '--header "é: 1": Name: value'],
    [['add', 'n', 'http://a/', '--keep', '0'], '--keep 0: a whole number, 1 or more'],
    [['add', '-'], 'line 2: ID and URL', 'n http://a/\nm\n'],
    [['add', '-'], 'n is there twice, with two URLs', 'n http://a/\nn http://b/\n'],
    [['remove'], 'remove takes one ID or more'],
    [['list', 'a'], 'list takes no arguments'],
    [['list', '--purge'], 'list has no option --purge: fleet --help'],
    [['worker', '--lock', '1'], '--lock 1: a whole number, 2 or more'],
    [['worker', '--capacity', 'many'], '--capacity many: a whole number, 1 or more'],
    [['wach'], 'there is no command "wach": fleet --help'],
    [
      ['list', '--redis', 'redis://127.0.0.1:1'],
      'no Redis at redis://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      ['list', '--redis', 'redis://me:secret@127.0.0.1:1/0'],
      'no Redis at redis://127.0.0.1:1/0: connect ECONNREFUSED 127.0.0.1:1',
    ],
    [['list', '--fleet', 'a b'], 'fleet "a b": letters, digits, - _ . only'],
  ]) {
    test(`fleet ${args.join(' ')}`, async () => {
      const [text, ...given] = [message, ...args].map((part) => part.replace('SOURCE', url));
      assert.deepEqual(await run(given, {name, input}), {code: 2, output: `fleet: ${text}\n`});
      assert.equal(await rowOf('n'), undefined);
    });
  }

  test('help, and an option that nobody has', async () => {
    const {code, output} = await run(['--help'], {name});
    assert.equal(code, 0);
    assert.match(output, /^fleet: many subscriptions/);
    assert.deepEqual(await run([], {name}), {code, output});
    const wrong = await run(['list', '--jsn'], {name});
    assert.equal(wrong.code, 2);
    assert.match(wrong.output, /^fleet: .*--jsn/);
  });
});

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
