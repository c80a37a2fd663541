// The simulated world's time. Its clock stands still while code runs, and jumps to the next thing
// that happens: a timer of the code under test, or something on the network. The globals that tell
// the time are replaced once a process and lead to the world of the run at hand.

import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import {randomFrom} from '../support/random.mjs';

const {setTimeout: realSetTimeout, clearTimeout: realClearTimeout, setImmediate} = globalThis;
const {now: realNow} = Date;
const {wait: realWait} = Atomics;

/** 2026-01-01, ms since 1970: a date of Retry-After has to be one. */
const EPOCH = 1_767_225_600_000;

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc');

/** The longest delay of a timer, ms; a longer one fires after 1 ms, as in Node and browsers. */
const MAX_DELAY = 2 ** 31 - 1;

/** What is to happen, by time; what happens at the same time in any order. */
class Agenda {
  #heap = [];

  get next() {
    while (this.#heap.length && this.#heap[0].isCancelled) this.#pop();
    return this.#heap[0];
  }

  add(item) {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    for (let up = (at - 1) >> 1; at && isBefore(item, heap[up]); up = (at - 1) >> 1) {
      heap[at] = heap[up];
      at = up;
    }
    heap[at] = item;
  }

  take() {
    return this.next && this.#pop();
  }

  #pop() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (!heap.length) return first;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && isBefore(heap[down + 1], heap[down])) down++;
      if (!isBefore(heap[down], last)) break;
      heap[at] = heap[down];
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one, other) {
  return one.time - other.time < 0 || (one.time === other.time && one.tie < other.tie);
}

export class World {
  now = EPOCH;
  epoch = EPOCH;
  /** How many things have happened: what came in the same turn had no time between. */
  turn = 0;
  /** Timers of the code under test that are on. */
  timers = 0;
  #timers = new Agenda();
  #network = new Agenda();
  #order = 0;

  constructor(seed) {
    this.random = randomFrom(seed);
  }

  setTimeout(run, delay = 0) {
    const ms = delay >= 1 && delay <= MAX_DELAY ? Math.trunc(delay) : 1;
    const timer = {time: this.now + ms, tie: this.#order++, run, isCancelled: false};
    this.timers++;
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer) {
    if (!timer || timer.isCancelled) return;
    timer.isCancelled = true;
    timer.run = undefined; // what it would have done is not kept until its time
    this.timers--;
  }

  /** Something of the network, or of the consumer, after that many ms. */
  later(ms, run) {
    const item = {time: this.now + ms, tie: this.random.share(), run, isCancelled: false};
    this.#network.add(item);
    return item;
  }

  sleep(ms) {
    return new Promise((resolve) => this.later(ms, resolve));
  }

  /** The process is busy, or stopped: time goes by, and nothing happens. */
  skip(ms) {
    this.now += ms;
  }

  /** The next thing happens. False: there is none, ever. */
  step() {
    const item = this.#choose();
    if (!item) return false;
    this.now = Math.max(this.now, item.time);
    this.turn++;
    item.run();
    return true;
  }

  /** The timer that is due first fires, however long that takes. False: none is on. */
  stepTimer() {
    const timer = this.#timers.next;
    if (!timer) return false;
    this.now = Math.max(this.now, timer.time);
    this.turn++;
    this.#fire();
    return true;
  }

  #choose() {
    const timer = this.#timers.next;
    const event = this.#network.next;
    if (timer && event && timer.time <= this.now && event.time <= this.now) {
      // after a pause both are due: Node looks at the timers first, others may not
      return this.random.once(4) ? this.#network.take() : this.#timerOf();
    }
    if (!event || (timer && isBefore(timer, event))) return timer && this.#timerOf();
    return this.#network.take();
  }

  #timerOf() {
    const timer = this.#timers.next;
    return {time: timer.time, run: () => this.#fire()};
  }

  #fire() {
    const timer = this.#timers.take();
    timer.isCancelled = true;
    this.timers--;
    timer.run();
  }
}

/** The world that the globals lead to; undefined: the real one. */
let world;

export function enter(next) {
  world = next;
}

/** Lets everything run that waits for nothing but its turn. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls `turn` again and again, each time when all microtasks are done, until it returns true. */
export function eachTurn(turn) {
  return new Promise((resolve, reject) => {
    const go = () => {
      try {
        if (turn()) resolve();
        else setImmediate(go);
      } catch (error) {
        reject(error);
      }
    };
    setImmediate(go);
  });
}

/** An AbortSignal as far as the clients and transports use one; the platform's takes ten times as long. */
export class Signal {
  aborted = false;
  reason = undefined;
  listeners = new Set();
  addEventListener(_, listener) {
    this.listeners.add(listener);
  }
  removeEventListener(_, listener) {
    this.listeners.delete(listener);
  }
  abort(reason) {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of [...this.listeners]) listener();
  }
}

/** The signal of a request. */
class Controller {
  signal = new Signal();
  abort() {
    this.signal.abort(ABORTED);
  }
}

const ABORTED = Object.assign(new Error('This operation was aborted'), {name: 'AbortError'});

/** Replaces the globals of this process, or thread, for good. */
export function replaceGlobals() {
  Error.stackTraceLimit = 0; // a tenth of the whole time
  globalThis.AbortController = Controller;
  globalThis.setTimeout = (run, ms, ...more) =>
    world ? world.setTimeout(() => run(...more), ms) : realSetTimeout(run, ms, ...more);
  globalThis.clearTimeout = (timer) =>
    world && timer?.tie !== undefined ? world.clearTimeout(timer) : realClearTimeout(timer);
  Date.now = () => (world ? world.now : realNow());
  Math.random = () => (world ? world.random.share() : 0.5);
  Atomics.wait = (array, at, value, ms) => {
    if (!world) return realWait(array, at, value, ms);
    world.skip(ms);
    return 'timed-out';
  };
}
