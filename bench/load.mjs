// Whether the machine is quiet: what others do beside a benchmark is in its figures.

import {loadavg} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {short} from './figures.mjs';

/** Load of the last minute, processes that want a core, below which results are written. */
export const MOST_LOAD = 1.5;

const PATIENCE = 120_000; // ms: the load of the section before has gone by then
const PAUSE = 2000;

const load = () => loadavg()[0];

/** Waits for a quiet machine, for a while; says how it is. */
export async function becomesQuiet() {
  for (const end = performance.now() + PATIENCE; load() >= MOST_LOAD; ) {
    if (performance.now() > end) break;
    await sleep(PAUSE);
  }
  const isQuiet = load() < MOST_LOAD;
  console.log(`  load ${short(load())}${isQuiet ? '' : ': too much for a result'}`);
  return isQuiet;
}
