// Random days, one after the other: runs of clients, sources of EventSource, a long life now and
// then, and what they leave in memory.

import {play} from './drive.mjs';
import {longPlanOf, planOf} from './plan.mjs';
import {shrink} from './shrink.mjs';
import {playSource} from './sources.mjs';
import {collectGarbage} from './world.mjs';

const realNow = performance.now.bind(performance);
const BATCH = 1000; // runs between two looks at the memory
const SOURCES = 200; // of EventSource, a batch
const WARM = 3; // batches until the heap is what it stays
const GROWTH = 6e6; // bytes of heap that may be gained after that
const MOST_TOLD = 3; // failures; the others are counted

/** Plays the share of one of `count` processes, for that long; 0 seconds: one run. */
export async function playDays(sse, {place, count, seed, seconds}) {
  const days = new Days(sse);
  const end = realNow() + seconds * 1000;
  let at = seed + place;
  if (!seconds) await days.play(planOf(at));
  while (realNow() < end) {
    for (let left = BATCH; left && realNow() < end; left--, at += count)
      await days.play(planOf(at));
    for (let each = 0; each < SOURCES; each++) await days.playSource(at * SOURCES + each);
    await days.play(longPlanOf(at));
    days.weigh();
  }
  return days.figures();
}

class Days {
  #sse;
  #counts = {runs: 0, connections: 0, events: 0, sources: 0, failed: 0};
  #faults = {};
  #failures = [];
  #batches = 0;
  #heap = 0;
  #growth = 0;

  constructor(sse) {
    this.#sse = sse;
  }

  async play(plan) {
    const {violation, connections, events, faults} = await play(this.#sse, plan);
    const counts = this.#counts;
    counts.runs++;
    counts.connections += connections;
    counts.events += events;
    for (const [name, times] of Object.entries(faults)) {
      this.#faults[name] = (this.#faults[name] ?? 0) + times;
    }
    if (violation) await this.#fail(() => this.#told(plan, violation));
  }

  async playSource(seed) {
    this.#counts.sources++;
    const violation = await playSource(this.#sse, seed);
    if (violation) {
      await this.#fail(() => `source ${seed}: ${violation.invariant}: ${violation.message}`);
    }
  }

  /** The heap must be flat. */
  weigh() {
    collectGarbage();
    const {heapUsed} = process.memoryUsage();
    if (this.#batches++ <= WARM) this.#heap = heapUsed;
    this.#growth = heapUsed - this.#heap;
  }

  async figures() {
    const growth = Math.round(this.#growth / 1000);
    if (this.#growth > GROWTH) await this.#fail(() => `memory: the heap has grown by ${growth} kB`);
    return {...this.#counts, growth, faults: this.#faults, failures: this.#failures};
  }

  async #fail(tell) {
    this.#counts.failed++;
    if (this.#failures.length < MOST_TOLD) this.#failures.push(await tell());
  }

  /** The failure as small as it gets, as a row and with what happened. */
  async #told(plan, {invariant, message}) {
    const sse = this.#sse;
    const fails = async (each) => (await play(sse, each)).violation?.invariant === invariant;
    const small = await shrink(plan, fails);
    const trace = [];
    const {violation} = await play(sse, small, trace);
    const again = violation ? '' : ' (not when it is repeated)';
    return [
      `seed ${plan.seed}: ${invariant}: ${(violation ?? {message}).message}${again}`,
      ...trace.map((line) => `    ${line}`),
      `  {rule: '${invariant}', plan: ${JSON.stringify(small)}},`,
    ].join('\n');
  }
}
