// All that is in Redis: BullMQ's queue, in which each subscription is a job, and beside it
//
//   {NAME}:events:ID  a stream of the events of a subscription: id, event, data
//   {NAME}:place:ID   lastEventId, how many events were stored, when, by which worker, and why it is
//                     out of touch
//   {NAME}:behind     the subscriptions that are out of touch, by the time since when
//   {NAME}:leaving    those to be removed
//   {NAME}:workers    the workers, with what they said of themselves last

import {readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {isDeepStrictEqual} from 'node:util';
import {Queue} from 'bullmq';
import Redis from 'ioredis';

const QUEUE = 'subscriptions';
const AT_ONCE = 1000; // subscriptions asked for, or added, in one go

const lua = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Says what is wrong with what the user gave. */
export class Mistake extends Error {}

/** The worker may write no more: its lock is gone, or is another's. */
export class LockLost extends Error {}

/** Redis has other events of a subscription than its worker knows of. */
export class PlaceMoved extends Error {}

export class Fleet {
  #prefix;
  #queue;

  constructor(redis, name) {
    this.redis = redis;
    this.#prefix = `{${name}}`; // all keys in one slot of a cluster
    this.#queue = new Queue(QUEUE, this.queueOptions);
    this.#queue.on('error', () => {}); // of the connection, which says so itself
  }

  /** The fleet of that name. Mistake: nothing answers there. */
  static async open({url, name}) {
    if (!/^[\w.-]+$/.test(name)) throw new Mistake(`fleet "${name}": letters, digits, - _ . only`);
    const redis = new Redis(url, {
      lazyConnect: true,
      // Commands wait while Redis is away, and are sent again if their answer was lost.
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1000),
      scripts: {
        storeEvents: {numberOfKeys: 4, lua: lua('store.lua')},
        beat: {numberOfKeys: 1, lua: lua('beat.lua')},
      },
    });
    let reason;
    redis.on('error', (error) => (reason = error.message));
    try {
      await redis.connect();
    } catch (error) {
      redis.disconnect();
      const place = url.replace(/\/\/[^/]*@/, '//'); // without a password
      throw new Mistake(`no Redis at ${place}: ${reason ?? error.message}`);
    }
    return new Fleet(redis, name);
  }

  queueName = QUEUE;

  /** For a worker of that queue, too. */
  get queueOptions() {
    return {connection: this.redis, prefix: this.#prefix};
  }

  #key = (...parts) => [this.#prefix, ...parts].join(':');

  // ── What the commands do ────────────────────────────────────────────────────────────────────────

  /**
   * Adds subscriptions, `{id, url, headers?, keep?}`, all or none. One that is there stays as it is;
   * one that has ended or failed is followed again, from its place. Gives how many of each:
   * `{added, again, there}`. Mistake: one cannot be, or is there and another.
   */
  async add(subscriptions) {
    const wanted = new Map();
    for (const {id, ...data} of subscriptions) {
      checkSubscription(id, data.url);
      if (wanted.has(id) && wanted.get(id).url !== data.url) {
        throw new Mistake(`${id} is there twice, with two URLs`);
      }
      wanted.set(id, data);
    }
    const ids = [...wanted.keys()];
    const known = (await inGroups(ids, (some) => this.#jobs(some))).filter(Boolean);
    for (const {id, data} of known) {
      if (isDeepStrictEqual(data, JSON.parse(JSON.stringify(wanted.get(id))))) continue;
      const what = data.url === wanted.get(id).url ? 'has other options' : `follows ${data.url}`;
      throw new Mistake(`${id} ${what}: remove it first`);
    }
    const {now} = await this.workers();
    const there = new Set(known.map(({id}) => id));
    const fresh = ids.filter((id) => !there.has(id));
    await inGroups(ids, async (some) => void (await this.redis.srem(this.#key('leaving'), some)));
    await inGroups(fresh, async (some) => {
      await this.redis.zadd(this.#key('behind'), 'NX', ...some.flatMap((id) => [now, id]));
      return this.#queue.addBulk(
        some.map((id) => ({name: 'follow', data: wanted.get(id), opts: {jobId: id}})),
      );
    });
    let again = 0;
    for (const job of known) {
      const state = await job.getState();
      if (state !== 'failed' && state !== 'completed') continue;
      await this.redis.zadd(this.#key('behind'), 'NX', now, job.id);
      await job.retry(state);
      again++;
    }
    return {added: fresh.length, again, there: known.length - again};
  }

  /**
   * Resolves when nobody follows it any more. Its events and its place stay, so that it goes on from
   * there when it is added again; `purge`: they go, too. False: there is no such subscription.
   */
  async remove(id, {purge = false} = {}) {
    const [leaving, behind] = [this.#key('leaving'), this.#key('behind')];
    const exists = (await this.#jobs([id]))[0] !== undefined;
    await this.redis.sadd(leaving, id);
    // Its worker lets go within a second; a dead one's lock ends by itself.
    while (!(await this.#queue.remove(id))) await sleep(50);
    const end = this.redis.multi().srem(leaving, id).zrem(behind, id);
    if (purge) end.del(this.#key('place', id), this.#key('events', id));
    await end.exec();
    return exists;
  }

  /** Each subscription, with its state. */
  async list() {
    const {now, workers} = await this.workers();
    const known = new Map(workers.map((worker) => [worker.name, worker]));
    const rows = new Map(); // a job may go from one state to the next while they are asked for
    for (const [kind, state] of Object.entries(STATES)) {
      for (let i = 0; ; i += AT_ONCE) {
        const jobs = await this.#queue.getJobs([kind], i, i + AT_ONCE - 1, true);
        const asked = this.redis.pipeline();
        for (const {id} of jobs) {
          asked.hgetall(this.#key('place', id)).zscore(this.#key('behind'), id);
        }
        const answers = (await asked.exec()).map(([, answer]) => answer);
        for (const [k, job] of jobs.entries()) {
          const [place, since] = answers.slice(2 * k, 2 * k + 2);
          rows.set(job.id, describe(job, state, place, since, now, known.get(place.worker)));
        }
        if (jobs.length < AT_ONCE) break;
      }
    }
    return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** `{now, workers}`: each worker, with what it said last, and whether it lives. */
  async workers(name, status) {
    const args = name === undefined ? [] : [name, JSON.stringify(status)];
    const [now, said] = await this.redis.beat(this.#key('workers'), ...args);
    const workers = [];
    for (let i = 0; i < said.length; i += 2) {
      const [, at, json] = /^(\d+) (.*)/.exec(said[i + 1]);
      const worker = {name: said[i], silent: now - at, ...JSON.parse(json)};
      workers.push({...worker, isAlive: worker.silent < worker.lock});
    }
    return {now: Number(now), workers: workers.sort((a, b) => (a.name < b.name ? -1 : 1))};
  }

  /** How many there are of each state, how many are out of touch, and those that are so longest. */
  async summary(most) {
    const {now, workers} = await this.workers();
    const counts = await this.#queue.getJobCounts(...Object.keys(STATES));
    const behind = this.#key('behind');
    const first = await this.redis.zrange(behind, 0, most - 1, 'WITHSCORES');
    const longest = [];
    for (let i = 0; i < first.length; i += 2) {
      const why = await this.redis.hget(this.#key('place', first[i]), 'why');
      longest.push({id: first[i], behind: now - first[i + 1], why: why ?? ''});
    }
    return {workers, counts, behind: await this.redis.zcard(behind), longest};
  }

  async close() {
    await this.#queue.close();
    await this.redis.quit();
  }

  /** Those of the queue; undefined for one that is not there. */
  async #jobs(ids) {
    return Promise.all(ids.map((id) => this.#queue.getJob(id)));
  }

  // ── What a worker does ──────────────────────────────────────────────────────────────────────────

  /** Says how the worker does; gives all of them, how many subscriptions there are, and who leaves. */
  async beat(name, status) {
    const [{workers}, counts, leaving] = await Promise.all([
      this.workers(name, status),
      this.#queue.getJobCounts('wait', 'active'),
      this.redis.smembers(this.#key('leaving')),
    ]);
    return {workers, total: counts.wait + counts.active, leaving};
  }

  /** The worker is gone; so are those that have been silent for that long, ms. */
  async forget(...names) {
    if (names.length) await this.redis.hdel(this.#key('workers'), ...names);
  }

  isLeaving = async (id) => (await this.redis.sismember(this.#key('leaving'), id)) === 1;

  /** Where the subscription of a job is to go on, and what stores its events, as `Sink` says. */
  async sink({id, data: {keep = 0}}, token, worker, log) {
    const place = this.#key('place', id);
    const [lastEventId, events] = await this.redis.hmget(place, 'lastEventId', 'events');
    const keys = [`${this.#key(QUEUE, id)}:lock`, place, this.#key('events', id)];
    const store = (known, why, list) =>
      this.redis.storeEvents(
        ...[...keys, this.#key('behind')],
        ...[token, known, id, worker, why, keep],
        ...list.flatMap(({id, event, data}) => [id, event, data]),
      );
    return new Sink(lastEventId ?? '', Number(events ?? 0), store, (text) => log(`${id}: ${text}`));
  }
}

/** The states of such a job, in their order, and what they are for a subscription. */
const STATES = {
  wait: 'waiting',
  active: 'following',
  failed: 'failed',
  completed: 'over',
};

/** What `act` gives for so many at a time. */
async function inGroups(list, act) {
  const all = [];
  for (let i = 0; i < list.length; i += AT_ONCE) {
    all.push(...((await act(list.slice(i, i + AT_ONCE))) ?? []));
  }
  return all;
}

/** `since`: when it said that it is out of touch; `worker`: who followed it last, if that is known. */
function describe(job, kind, place, since, now, worker) {
  const {lastEventId = '', events = 0, at, why = ''} = place;
  let state = kind;
  if (kind === 'following' && !worker?.isAlive) state = 'orphaned';
  else if (kind === 'following' && since) state = 'connecting';
  const isFollowed = state === 'following' || state === 'connecting';
  let behind = since ? now - since : 0;
  // Its worker could no longer say so.
  if (!since && (state === 'waiting' || state === 'orphaned'))
    behind = worker?.silent ?? now - (at ?? now);
  return {
    id: job.id,
    state,
    behind,
    events: Number(events),
    lastEventId,
    at: at ? Number(at) : undefined,
    worker: isFollowed ? worker.name : '',
    why: job.failedReason ?? why,
    url: job.data.url,
  };
}

function checkSubscription(id, url) {
  if (!/^[\w.-]{1,200}$/.test(id) || /^\d+$/.test(id)) {
    throw new Mistake(
      `"${id}" cannot be an id: 1 to 200 letters, digits, - _ ., and not digits alone`,
    );
  }
  const {protocol, username, password} = parsed(url);
  if (!/^https?:$/.test(protocol)) throw new Mistake(`${id}: "${url}" is no http: or https: URL`);
  if (username || password) {
    throw new Mistake(
      `${id}: user and password in a URL: give them as --header 'Authorization: …'`,
    );
  }
}

function parsed(url) {
  try {
    return new URL(url);
  } catch {
    return {};
  }
}

const RETRY_MS = 1000;

/** Stores the events of one subscription, for as long as its worker has the lock. */
class Sink {
  #known;
  #store;
  #log;

  constructor(lastEventId, known, store, log) {
    this.lastEventId = lastEventId;
    this.#known = known;
    this.#store = store;
    this.#log = log;
  }

  /**
   * Resolves when the events, and the place of the last of them, are in Redis; `why`: the
   * subscription is out of touch. While Redis refuses to write (it is full, or a replica by now),
   * waits. LockLost, PlaceMoved: nothing was stored.
   */
  async store(events, why = '', signal = undefined) {
    for (;;) {
      const stored = await this.#store(this.#known, why, events).catch((error) => {
        if (error.name !== 'ReplyError') throw error;
        return error;
      });
      if (stored === -1) throw new LockLost('the lock is gone, or another worker has it');
      if (stored === -2) throw new PlaceMoved('Redis has another place than the one stored last');
      if (!(stored instanceof Error)) {
        this.#known = stored;
        return;
      }
      this.#log(`cannot be stored, will be tried again: ${stored.message}`);
      await sleep(RETRY_MS, undefined, {signal});
    }
  }
}
