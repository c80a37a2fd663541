// What the soak judges by; pure, so that soak.test.mjs can show that it finds what is wrong.

import {eventOf} from './history-server.mjs';

/** Follows the numbers of one stream: what is missing, came twice, late, or is not the same. */
export class Checker {
  #next = 1;
  #missing = new Set();
  #counts = {events: 0, twice: 0, outOfOrder: 0, wrong: 0};
  #first;

  received(event) {
    const {id, event: type, data} = event;
    this.#counts.events++;
    const n = parseInt(id, 10);
    const sent = n > 0 ? eventOf(n) : {};
    if (id !== sent.id || type !== sent.event || data !== sent.data) {
      this.#counts.wrong++;
      this.#note(`not what was sent: ${shown({id, event: type, data})}, but ${shown(sent)}`);
      if (!(n > 0)) return;
    }
    if (n === this.#next) {
      this.#next++;
    } else if (n > this.#next) {
      this.#note(`event ${n} came where ${this.#next} was due`);
      while (this.#next < n) this.#missing.add(this.#next++);
      this.#next++;
    } else if (this.#missing.delete(n)) {
      this.#counts.outOfOrder++; // not lost: late
      this.#note(`event ${n} came after ${this.#next - 1}`);
    } else {
      this.#counts.twice++;
      this.#note(`event ${n} came again after ${this.#next - 1}`);
    }
  }

  /** {events, lost, twice, outOfOrder, wrong, first}, given the number of the last event. */
  result(last) {
    const end = Math.max(0, last - this.#next + 1);
    if (end) this.#note(`the loop ended with ${this.#next - 1}, the stream with ${last}`);
    return {...this.#counts, lost: this.#missing.size + end, first: this.#first};
  }

  #note(what) {
    this.#first ??= what;
  }
}

function shown(fields) {
  return JSON.stringify(fields).slice(0, 200);
}

/** What must be the same after as before, to the last one. */
export const EXACT = ['sockets', 'files', 'threads', 'timers', 'listeners'];

/**
 * MB that heap and buffers may grow by: what is compiled late takes 1.5 MB in the first thousands
 * of connections. A hundred bytes kept of each event would be 20 MB, three kB of each fault 3 MB.
 */
const HEAP_MB = 3;

/** MB of resident memory, where the allocator's and the other threads' leftovers are, too. */
const RSS_MB = 48;

/** Timers that a client may have at a time: its own, the runtime's, and one for a slow consumer. */
const TIMERS = 3;

/**
 * What is wrong with the resources of one process: `before` and `after` a run while idle, and
 * `samples` taken while its `clients` ran, the later of which must not be larger than the earlier.
 */
export function leaksOf({before, after, samples, clients}) {
  const problems = EXACT.filter((what) => after[what] !== before[what]).map(
    (what) => `${after[what]} ${what} after, ${before[what]} before`,
  );
  if (after.heap > before.heap + HEAP_MB) {
    problems.push(`heap of ${after.heap} MB after, ${before.heap} MB before`);
  }
  const {first, last} = trend(samples);
  for (const [what, most] of [
    ['heap', HEAP_MB],
    ['rss', RSS_MB],
    ['threads', 0],
    ['files', 4],
  ]) {
    if (last[what] > first[what] + most) {
      problems.push(`${what} grew from ${first[what]} to ${last[what]} while it ran`);
    }
  }
  if (last.timers > TIMERS * clients) {
    problems.push(`${last.timers} timers while it ran, for ${clients} clients`);
  }
  return problems;
}

/** The medians of the first and of the last third of the samples: of what a weeks' run grows by. */
export function trend(samples) {
  const third = Math.max(1, Math.floor(samples.length / 3));
  return {first: medians(samples.slice(0, third)), last: medians(samples.slice(-third))};
}

function medians(samples) {
  const names = Object.keys(samples[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = samples.map((sample) => sample[name]).sort((a, b) => a - b);
      return [name, values[values.length >> 1]];
    }),
  );
}
