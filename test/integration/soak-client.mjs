// One process of the soak: node --expose-gc soak-client.mjs '{"loop": "async", …}'. It follows its
// streams in one of the two loops, checks each event, and weighs itself before, meanwhile and
// after. Prints {"result": …} when it has, and {"checked": …} when told how many there were:
//
//   urls, warm  what to follow, and short streams to follow before that
//   leak        keep something of each kind, to see that it is noticed

import {getEventListeners} from 'node:events';
import {readdirSync, readlinkSync, writeSync} from 'node:fs';
import {connect as dial} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import {asyncConnect, connect} from '../../dist/sse.js';
import {onLine} from './control.mjs';
import {pick} from './history-server.mjs';
import {Checker, EXACT} from './soak-check.mjs';
import {randomFrom} from '../support/random.mjs';

/** A sample each so many ms, at first: collecting the garbage before it takes up to 10 ms. */
const SAMPLE_MS = 1000;

/** When there are so many, every second is dropped, and they are taken half as often. */
const MOST_SAMPLES = 600;

/** Until idle sockets and ended threads are gone, ms: fetch keeps sockets for 4 s. */
const QUIET_MS = 15_000;
const STABLE_MS = 500;

/** One event in so many: the loop is left and begun anew; reconnect(); the consumer is slow. */
const WHIMS = {leave: 4000, reconnect: 5000, linger: 2500};

/** Shorter than in life, or noticing a thousand black holes would take days. */
const TIMES = {retryInterval: 20, maxRetryInterval: 60, timeout: 400, idleTimeout: 400};

const aborter = new AbortController();
const samples = [];
let sampleMs = SAMPLE_MS;
let lastSample = 0;
const reasons = {};
let attempts = 0;

/** Open files by kind, threads, timers, listeners; memory in MB, garbage collected. */
function resources() {
  const links = readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the folder's own descriptor
      }
    })
    .filter(Boolean);
  globalThis.gc();
  const {heapUsed, external, rss} = process.memoryUsage();
  const mb = (bytes) => Math.round(bytes / 10_000) / 100;
  const counts = process.eventNames().map((name) => process.listenerCount(name));
  return {
    sockets: links.filter((link) => link.startsWith('socket:')).length,
    files: links.length,
    threads: readdirSync('/proc/self/task').length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    listeners:
      counts.reduce((sum, count) => sum + count, 0)
      + getEventListeners(aborter.signal, 'abort').length,
    heap: mb(heapUsed + external),
    rss: mb(rss),
  };
}

/** The resources once what is about to go is gone, and nothing changes any more. */
async function settled(wanted) {
  const end = performance.now() + QUIET_MS;
  const isMore = (now, than) => EXACT.some((what) => now[what] > than[what]);
  let now = resources();
  let since = performance.now();
  for (; performance.now() < end; await sleep(50)) {
    const next = resources();
    if (EXACT.some((what) => next[what] !== now[what])) since = performance.now();
    now = next;
    if (!isMore(now, wanted) && performance.now() - since > STABLE_MS) break;
  }
  return now;
}

function sample() {
  const now = performance.now();
  if (now - lastSample < sampleMs) return;
  lastSample = now;
  if (samples.length === MOST_SAMPLES) {
    samples.splice(0, MOST_SAMPLES, ...samples.filter((_, i) => i % 2));
    sampleMs *= 2;
  }
  const {heap, rss, threads, files, timers} = resources();
  samples.push({heap, rss, threads, files, timers});
}

function optionsOf() {
  return {
    ...TIMES,
    signal: aborter.signal,
    headers: () => {
      attempts++;
      return {'x-token': `${attempts}`};
    },
    onRetry: ({error}) => {
      const {code = 'network', status = ''} = error;
      const reason = error.name === 'TypeError' ? 'network' : `${code} ${status}`.trim();
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    },
  };
}

const kept = []; // where a leak is wanted

function whimOf(random, isHoarding) {
  return (event, checker) => {
    checker.received(event);
    if (isHoarding) kept.push(structuredClone(event.data), new Array(50).fill(event));
    sample();
    const at = random();
    let share = 0;
    return Object.keys(WHIMS).find((whim) => {
      share += 1 / WHIMS[whim];
      return at < share;
    });
  };
}

/** One client to the end of its stream, with loops that are left and begun anew. */
async function followAsync(url, random, isHoarding) {
  const checker = new Checker();
  const client = asyncConnect(url, optionsOf());
  const take = whimOf(random, isHoarding);
  do {
    for await (const event of client) {
      const whim = take(event, checker);
      if (whim === 'leave') break;
      if (whim === 'reconnect') client.reconnect();
      if (whim === 'linger') await sleep(pick(random, [1, 600]));
    }
  } while (client.state !== 'closed');
  return checker;
}

async function followBlocking(url, random, isHoarding) {
  const checker = new Checker();
  const client = connect(url, optionsOf());
  const take = whimOf(random, isHoarding);
  const idle = new Int32Array(new SharedArrayBuffer(4));
  do {
    for (const event of client) {
      const whim = take(event, checker);
      if (whim === 'leave') break;
      if (whim === 'linger') Atomics.wait(idle, 0, 0, pick(random, [1, 600]));
    }
    await sleep(1); // a thread that has ended is let go when the event loop turns
  } while (client.state !== 'closed');
  return checker;
}

function say(message) {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

const {loop, urls, warm, seed, leak} = JSON.parse(process.argv[2]);
const follow = loop === 'async' ? followAsync : followBlocking;
const followAll = (list, isHoarding) =>
  Promise.all(list.map((url, i) => follow(url, randomFrom(seed + i).share, isHoarding)));

const warnings = [];
process.on('warning', ({message}) => warnings.push(message));
const {sockets} = resources();
// The first round makes all that is made once: code, pools, the runtime's own threads.
const first = await followAll(warm);
const before = await settled({sockets});
samples.length = 0;
const checkers = await followAll(urls, leak);
if (leak) await leakAll();
const after = await settled(before);
say({result: {before, after, samples, reasons, attempts, warnings, clients: urls.length}});

// The numbers of the last events are known only now.
onLine(process.stdin, (line) => {
  const {last, warmLast} = JSON.parse(line);
  const results = ([list, lasts]) => list.map((checker, i) => checker.result(lasts[i]));
  say({
    checked: [
      [first, warmLast],
      [checkers, last],
    ].flatMap(results),
  });
  process.exit();
});

/** One of each kind. */
async function leakAll() {
  aborter.signal.addEventListener('abort', () => {});
  setInterval(() => {}, 1e6);
  dial(new URL(warm[0]).port, '127.0.0.1');
  new Worker('setInterval(() => {}, 1e6)', {eval: true});
  await sleep(1000);
}
