// A worker: follows as many subscriptions as are its share, in one process. Which ones is BullMQ's
// business: it gives a job to one worker at a time, whose lock must be renewed, and takes it from a
// worker that no longer renews it.

import {setTimeout as sleep} from 'node:timers/promises';
import {WaitingError, Worker} from 'bullmq';
import {asyncConnect, httpTransport, SSEError} from 'ssekit';
import {LockLost, PlaceMoved} from './redis.mjs';
import {shareOf} from './share.mjs';

const BEAT_MS = 1000;
const PAUSE_MS = 1000;
const LOCKS_AT_ONCE = 1000;
const FORGOTTEN_MS = 3_600_000;

/** A worker has too many only above its share by so much: else each removal would move some. */
const MARGIN = 1.1;

/** Why a subscription is let go. */
const HANDED_OVER = new Error('handed over to another worker');
const REMOVED = new Error('removed');
const LOCK_LOST = new LockLost('its lock could not be renewed');

/** Refusals to ride through, also the first one: all that a server may say while it is deployed. */
const isPassing = ({status}) => status === 408 || status === 425 || status === 429 || status > 499;

/** Starts a worker, which `stop()` ends. */
export function startWorker(fleet, {name, capacity, lock, log}) {
  const transport = httpTransport(); // one for all: less memory each than `fetch`
  const following = new Map(); // id to `{token, letGo(why), ended}`
  let stored = 0;
  let isStopping = false;

  /** Until the server says that nothing more will come. */
  async function follow(job, sink, signal) {
    const {url, headers = {}} = job.data;
    await sink.store([], 'connecting', signal);
    const events = asyncConnect(url, {
      headers,
      transport,
      signal,
      lastEventId: sink.lastEventId,
      retryStatus: isPassing,
      onOpen: () => sink.store([], '', signal),
      onRetry: ({reason}) => sink.store([], reason, signal),
    });
    for await (const batch of events.batches()) {
      await sink.store(batch, '', signal); // more is read once that is done
      stored += batch.length;
    }
    await sink.store([], '', signal);
  }

  /** Follows the subscription of a job from where it is, for as long as this worker has its lock. */
  async function handle(job, token) {
    // BullMQ gives a job again that it took from this worker, which may not have noticed.
    while (following.has(job.id)) {
      const old = following.get(job.id);
      old.letGo(LOCK_LOST);
      await old.ended;
    }
    if (isStopping) return letGo(job, token);
    const controller = new AbortController();
    const ended = followAndEnd(job, token, controller.signal);
    following.set(job.id, {
      token,
      letGo: (why) => controller.abort(why),
      ended: ended.catch(() => {}),
    });
    return ended.finally(() => following.delete(job.id));
  }

  async function followAndEnd(job, token, signal) {
    let sink;
    try {
      if (await fleet.isLeaving(job.id)) return;
      for (;;) {
        sink = await fleet.sink(job, token, name, log);
        try {
          return await follow(job, sink, signal);
        } catch (error) {
          if (!(error instanceof PlaceMoved)) throw error;
          log(`${job.id}: ${error.message}; goes on from there`);
        }
      }
    } catch (error) {
      const isRefused = error instanceof LockLost;
      await end(job, token, signal, sink, signal.aborted && !isRefused ? signal.reason : error);
    }
  }

  async function end(job, token, signal, sink, error) {
    if (error === REMOVED) return;
    if (error === HANDED_OVER) {
      await sink?.store([], error.message, signal).catch(() => {}); // it is another's already
      return letGo(job, token);
    }
    log(`${job.id}: ${error.message}`);
    // BullMQ has given it to another, or will; it must do nothing more with it here.
    if (error instanceof LockLost) throw new WaitingError();
    if (error instanceof SSEError || error instanceof TypeError) {
      await sink.store([], error.message, signal);
      throw error; // a failed job: it stays so until it is added again
    }
    await sleep(PAUSE_MS); // of Redis: whoever takes it next may have more luck
    return letGo(job, token);
  }

  /** Another worker may take it at once; if that cannot be said, when the lock has ended. */
  async function letGo(job, token) {
    await job.moveToWait(token).catch((error) => log(`${job.id}: ${error.message}`));
    throw new WaitingError();
  }

  const worker = new Worker(fleet.queueName, handle, {
    ...fleet.queueOptions,
    name,
    concurrency: 1, // see beat
    lockDuration: lock,
    skipLockRenewal: true, // see renew
    stalledInterval: lock / 6, // with the lock, how long a dead worker is waited for
    drainDelay: 1, // s
    runRetryDelay: 1000,
    maxStalledCount: Number.MAX_SAFE_INTEGER, // a subscription of months outlives many workers
  });
  worker.on('error', (error) => log(`Redis: ${error.message}`));

  /** Renews the locks of what it follows, and of nothing else, however often BullMQ gave it. */
  async function renew() {
    const held = [...following];
    for (let i = 0; i < held.length; i += LOCKS_AT_ONCE) {
      const some = held.slice(i, i + LOCKS_AT_ONCE);
      const [ids, tokens] = [some.map(([id]) => id), some.map(([, {token}]) => token)];
      for (const id of await worker.extendJobLocks(ids, tokens, lock)) {
        const {token, letGo} = following.get(id) ?? {};
        if (token === tokens[ids.indexOf(id)]) letGo(LOCK_LOST);
      }
    }
  }

  let last = {at: performance.now(), stored};
  const status = () => {
    const now = {at: performance.now(), stored};
    const perSecond = ((now.stored - last.stored) / (now.at - last.at)) * 1000 || 0;
    last = now;
    return {
      following: following.size,
      capacity,
      lock,
      perSecond: Math.round(perSecond),
      mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
  };

  /** Says that it lives, and takes, or hands over, what its share is by now. */
  async function beat() {
    const {workers, total, leaving} = await fleet.beat(name, status());
    if (isStopping) return fleet.forget(name);
    for (const id of leaving) following.get(id)?.letGo(REMOVED);
    const alive = workers.filter(({isAlive}) => isAlive).map(({capacity}) => capacity);
    const share = Math.max(1, shareOf(total, capacity, alive));
    if (share !== worker.concurrency) {
      log(`${share} of ${total} subscriptions are its share, of ${alive.length} workers`);
      const isMore = share > worker.concurrency;
      worker.concurrency = share;
      // A worker with as many jobs as it may have looks for others only when one of them ends.
      if (isMore) {
        await worker.pause(true);
        await worker.resume();
      }
    }
    if (following.size > share * MARGIN + 1) {
      for (const {letGo} of [...following.values()].slice(share)) letGo(HANDED_OVER);
    }
    await fleet.forget(...workers.filter(({silent}) => silent > FORGOTTEN_MS).map((w) => w.name));
  }

  /** Until stop(): again and again, so many ms after the last one. */
  async function always(act, ms) {
    while (!isStopping) {
      await act().catch((error) => log(error.message));
      await sleep(ms, undefined, {ref: false});
    }
  }
  void always(beat, BEAT_MS);
  void always(renew, lock / 3);

  return {
    /** Resolves when all that it followed is handed over. */
    async stop() {
      isStopping = true;
      await fleet.forget(name);
      const closed = worker.close();
      for (const {letGo} of following.values()) letGo(HANDED_OVER);
      await closed;
    },
  };
}
