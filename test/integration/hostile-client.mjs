// A client in a process of its own, so that its memory is its own: it follows a URL in either loop
// and tells what came of it, through control.mjs.

import {monitorEventLoopDelay} from 'node:perf_hooks';
import {asyncConnect, blockingFetch, connect, record} from '../../dist/sse.js';
import {answer} from './control.mjs';

const STOP = new Error('enough'); // thrown by what the loop calls
const MINUTE = 60_000;
const MOST_CONNECTIONS = 5000;
const MOST_SHOWN = 5;
const MiB = 2 ** 20;

/**
 * Follow `url` until it ends, for `ms` from its opening at most, or, with `isVirtual`, for a minute
 * of waits that are not waited for: connections take no time there, so that they come as often as
 * they ever can. `slow`: ms that the consumer takes for an event. `isTapped`: a blocking loop that
 * no event and no comment gives a chance to stop is stopped where its chunks are seen.
 */
async function follow({loop, url, options = {}, ms = 25_000, isVirtual = false, ...rest}) {
  const {slow = 0, isTapped = false} = rest;
  const isBlocking = loop === 'blocking';
  const seen = {events: 0, comments: 0, opened: 0, clock: 0, retries: []};
  const limit = limitOf(ms, isBlocking ? undefined : () => client.close());
  const all = {
    ...options,
    ...(isVirtual && virtualTime(seen)),
    ...counting(seen, limit.enough, isVirtual ? () => {} : limit.begin),
  };
  const fetcher = isTapped && isBlocking ? blockingFetch() : undefined;
  if (fetcher) all.transport = record(fetcher, limit.enough);
  const delay = monitorEventLoopDelay({resolution: 10});
  let [client, error] = [];
  try {
    client = isBlocking ? connect(url, all) : asyncConnect(url, all);
    if (isBlocking) followBlocking(client, slow, seen, limit.enough);
    else {
      delay.enable();
      limit.begin();
      await followAsync(client, slow, seen);
    }
  } catch (caught) {
    error = caught;
  }
  limit.stop();
  fetcher?.close();
  delay.disable();
  const memory = await memoryOf();
  return {
    ...seen,
    retries: seen.retries.length,
    some: seen.retries.slice(0, MOST_SHOWN),
    isStopped: error === STOP || (limit.took() >= ms && !error), // nothing ended it but we
    error: error === undefined || error === STOP ? undefined : shown(error),
    idLength: (client?.lastEventId ?? '').length,
    seconds: limit.took() / 1000,
    ...memory,
    lag: delay.max / 1e6 || 0,
  };
}

/** `ms` from begin() on, which may be called again; then `close`, and what calls enough() throws. */
function limitOf(ms, close) {
  let begun = performance.now();
  let timer;
  const took = () => performance.now() - begun;
  return {
    took,
    begin() {
      begun = performance.now();
      clearTimeout(timer);
      if (close) timer = setTimeout(close, ms);
    },
    stop: () => clearTimeout(timer),
    enough() {
      if (took() > ms) throw STOP;
    },
  };
}

/** Waits are taken as passed. */
function virtualTime(seen) {
  return {
    now: () => seen.clock,
    sleep(wait) {
      seen.clock += wait;
      if (seen.clock >= MINUTE) throw STOP;
    },
  };
}

/** Counts what the client tells; `begin` is called with the first opening. */
function counting(seen, enough, begin) {
  return {
    onOpen() {
      if (!seen.opened++) begin();
      if (seen.opened > MOST_CONNECTIONS) throw STOP;
      enough();
    },
    onRetry({error, delay, attempt}) {
      seen.retries.push({delay, attempt, isError: error instanceof Error, ...shown(error)});
      enough();
    },
    onComment() {
      seen.comments++;
      enough();
    },
  };
}

function followBlocking(client, slow, seen, enough) {
  for (const _ of client) {
    seen.events++;
    if (slow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slow);
    enough();
  }
}

async function followAsync(client, slow, seen) {
  for await (const _ of client) {
    seen.events++;
    if (slow) await new Promise((resolve) => setTimeout(resolve, slow));
  }
}

/** MiB: the most that the process ever took, and what is left of it after collecting garbage. */
async function memoryOf() {
  const peak = (process.resourceUsage().maxRSS * 1024) / MiB;
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const {heapUsed, external} = process.memoryUsage();
  return {peak, left: (heapUsed + external) / MiB};
}

function shown(error) {
  const {name, code, message, body} = error;
  const causes = [];
  for (let at = error.cause; at instanceof Error && causes.length < 5; at = at.cause) {
    causes.push(`${at.name}: ${at.message} ${at.code ?? ''}`);
  }
  return {
    name,
    code,
    message,
    causes,
    ...(body !== undefined && {
      bodyLength: body.length,
      bodyType: typeof body,
    }),
  };
}

answer({follow});
