// Thousands of subscriptions in one process, which does as control.mjs is told:
//
//   open(url, count, last)   resolves when all are connected: {ms, mb}; `last` ends each
//   compare(sent)            when all have ended: {equal, retries}; throws if one got anything else

import {setTimeout as sleep} from 'node:timers/promises';
import {asyncConnect} from '../../dist/sse.js';
import {answer} from './control.mjs';
import {assertSame} from './follower.mjs';
import {until} from './processes.mjs';

/** Resident memory in MB, once nothing is left to collect. */
async function residentMB() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await sleep(50);
  }
  return process.memoryUsage.rss() / 2 ** 20;
}

let loops;
let retries = 0;

async function collect(client) {
  const got = [];
  for await (const {event, data, id} of client) got.push([event, data, id]);
  return got;
}

answer({
  async open(url, count, last) {
    const before = await residentMB();
    const start = performance.now();
    let opened = 0;
    const options = {
      retryInterval: 100,
      onOpen: () => opened++,
      onRetry: () => retries++,
      until: ({data}) => data === last,
    };
    loops = Array.from({length: count}, () => collect(asyncConnect(url, options)));
    for (const loop of loops) loop.catch(() => {}); // compare() tells
    await until(() => opened === count, `${count} connections`, 60_000);
    const ms = performance.now() - start;
    return {ms, mb: (await residentMB()) - before};
  },
  async compare(sent) {
    const all = await Promise.all(loops);
    for (const [index, got] of all.entries()) assertSame(got, sent, `subscription ${index}`);
    return {equal: all.length, retries};
  },
});
