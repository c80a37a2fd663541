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
async function follow({
  loop,
  url,
  options = {},
  ms = 25_000,
  isVirtual = false,
  slow = 0,
  isTapped = false,
}) {
  let begun = performance.now();
  let clock = 0;
  let [events, comments, opened] = [0, 0, 0];
  const retries = [];
  const enough = () => {
    if (performance.now() - begun > ms) throw STOP;
  };
  const all = {
    ...options,
    ...(isVirtual && {
      now: () => clock,
      sleep(wait) {
        clock += wait;
        if (clock >= MINUTE) throw STOP;
      },
    }),
    onOpen() {
      if (!opened++ && !isVirtual) begin();
      if (opened > MOST_CONNECTIONS) throw STOP;
      enough();
    },
    onRetry({error, delay, attempt}) {
      retries.push({delay, attempt, isError: error instanceof Error, ...shown(error)});
      enough();
    },
    onComment() {
      comments++;
      enough();
    },
  };
  const delay = monitorEventLoopDelay({resolution: 10});
  let client;
  let timer;
  const begin = () => {
    begun = performance.now();
    if (loop === 'blocking') return;
    clearTimeout(timer);
    timer = setTimeout(() => client.close(), ms);
  };
  let error;
  const fetcher = isTapped && loop === 'blocking' ? blockingFetch() : undefined;
  if (fetcher) all.transport = record(fetcher, enough);
  try {
    if (loop === 'blocking') {
      client = connect(url, all);
      for (const _ of client) {
        events++;
        if (slow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slow);
        enough();
      }
    } else {
      delay.enable();
      client = asyncConnect(url, all);
      begin();
      for await (const _ of client) {
        events++;
        if (slow) await new Promise((resolve) => setTimeout(resolve, slow));
      }
    }
  } catch (caught) {
    error = caught;
  }
  clearTimeout(timer);
  fetcher?.close();
  delay.disable();
  const peak = (process.resourceUsage().maxRSS * 1024) / MiB;
  const lastEventId = client?.lastEventId ?? '';
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const {heapUsed, external} = process.memoryUsage();
  const isOver = performance.now() - begun >= ms; // nothing ended it but we
  return {
    events,
    comments,
    opened,
    clock,
    retries: retries.length,
    some: retries.slice(0, MOST_SHOWN),
    isStopped: error === STOP || (isOver && !error),
    error: error === undefined || error === STOP ? undefined : shown(error),
    idLength: lastEventId.length,
    seconds: (performance.now() - begun) / 1000,
    peak,
    left: (heapUsed + external) / MiB,
    lag: delay.max / 1e6 || 0,
  };
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
