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
  const following = new Set();
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
  async function handle(job, token, signal) {
    if (isStopping) return letGo(job, token);
    if (await fleet.isLeaving(job.id)) return;
    following.add(job.id);
    let sink;
    try {
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
    } finally {
      following.delete(job.id);
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

  const worker = new Worker(fleet.queueName, (job, token, signal) => handle(job, token, signal), {
    ...fleet.queueOptions,
    name,
    concurrency: 1, // see beat
    lockDuration: lock,
    stalledInterval: lock / 2,
    drainDelay: 1, // s
    runRetryDelay: 1000,
    maxStalledCount: Number.MAX_SAFE_INTEGER, // a subscription of months outlives many workers
  });
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, LOCK_LOST);
  });
  worker.on('error', (error) => {
    if (error.message.startsWith('could not renew lock')) return; // told by its subscription
    log(`Redis: ${error.message}`);
  });

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
      pid: process.pid,
    };
  };

  /** Says that it lives, and takes, or hands over, what its share is by now. */
  async function beat() {
    const {workers, total, leaving} = await fleet.beat(name, status());
    if (isStopping) return fleet.forget(name);
    for (const id of leaving) worker.cancelJob(id, REMOVED);
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
      for (const id of [...following].slice(share)) worker.cancelJob(id, HANDED_OVER);
    }
    await fleet.forget(...workers.filter(({silent}) => silent > FORGOTTEN_MS).map((w) => w.name));
  }

  let timer;
  async function beats() {
    await beat().catch((error) => log(error.message));
    if (!isStopping) timer = setTimeout(beats, BEAT_MS);
  }
  void beats();

  return {
    /** Resolves when all that it followed is handed over. */
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      await fleet.forget(name);
      const closed = worker.close();
      worker.cancelAllJobs(HANDED_OVER);
      await closed;
    },
  };
}
