// Every order in which few things can happen: all sequences of up to so many steps, each from the
// beginning, with all invariants looked at after each step and when the client has been closed.
// A step that cannot happen at its place (headers without a request) is no sequence of its own.

import {abortError, resetError} from './bodies.mjs';
import {Run, within} from './drive.mjs';
import {settled} from './world.mjs';

/** What the user can do, and what the world can do. */
const USER = ['next', 'return', 'close', 'abort', 'reconnect', 'open'];
const WORLD = ['headers', 'chunk', 'end', 'error', 'timer'];

const MOST_PENDING = 3; // calls that wait at once
const MOST_WAITING = 2; // chunks that nobody has read
const EVENTS = 2; // of a chunk: one is left when one is handed out
const LAST_STEPS = 20; // timers that may have to fire until all calls have their answers

const PLAN = {
  seed: 1,
  options: {retryInterval: 1000, idleTimeout: 5000, timeout: 2000},
  hasSignal: true,
  history: {isExact: true, end: '\n', retries: []},
  answers: [],
  calls: [],
  steps: [],
};

/**
 * Runs the sequences whose first step is one of `firsts`; calls `found(steps, violation)` for each
 * that fails. Gives how many there were.
 */
export async function exhaust(sse, {loop, depth, firsts, found}) {
  const play = loop === 'async' ? playAsync : playBlocking;
  let count = 0;
  const go = async (steps) => {
    const {violation, next} = await play(sse, steps);
    count++;
    if (violation) return void found(steps, violation);
    if (steps.length < depth) for (const step of next) await go([...steps, step]);
  };
  for (const first of firsts) await go([first]);
  return count;
}

/** The steps that a client can begin with. */
export const FIRSTS = USER;

async function playAsync(sse, steps) {
  let wire;
  const run = new Run(sse, {...PLAN, loop: 'async'}, (parts) => (wire = new Wire(parts)));
  return within(run, async () => {
    run.begin();
    for (const step of steps) {
      run.world.turn++;
      if (step === 'timer') run.world.stepTimer();
      else if (WORLD.includes(step)) wire.does(step);
      else run.does(step);
      await settled();
      run.observe();
    }
    const next = [...USER.filter((step) => canDo(run, step)), ...WORLD.filter(wire.can, wire)];
    if (run.world.timers) next.push('timer');
    await finish(run);
    return {violation: run.monitor.violation, next};
  });
}

/** Once closed, a call of each kind must still be answered, but nothing else can happen. */
function canDo(run, step) {
  const {monitor, pending} = run;
  if (step === 'next' || step === 'open') return pending < MOST_PENDING;
  if (step === 'return') return run.isLoopBegun;
  return !monitor.isClosed;
}

async function finish(run) {
  const {world} = run;
  run.does('close');
  await settled();
  for (let left = LAST_STEPS; left && run.pending && world.stepTimer(); left--) await settled();
  run.observe();
  await run.aftermath();
}

/** The network, by hand: one request at a time has headers, chunks and an end when it is told. */
class Wire {
  #parts;
  #exchange;
  #request;
  /** {resolve, reject} of the request that has no headers yet. */
  #asked;
  /** What waits to be read, and whoever waits for it. */
  #queue = [];
  #reader;
  #isOpen = false;
  #place = 0;

  constructor(parts) {
    this.#parts = parts;
  }

  transport = (url, request) => {
    const {monitor} = this.#parts;
    const exchange = monitor.request(url, request, {answer: 'stream', end: 'by hand'});
    this.#exchange = exchange;
    this.#request = request;
    return new Promise((resolve, reject) => {
      const asked = {resolve, reject};
      this.#asked = asked;
      const abort = () => {
        if (this.#asked === asked) this.#asked = undefined;
        exchange.aborted();
        reject(abortError());
      };
      request.signal.addEventListener('abort', abort);
      if (request.signal.aborted) abort();
    });
  };

  can(step) {
    if (step === 'headers') return this.#asked !== undefined;
    if (step === 'error' && this.#asked) return true;
    if (step === 'timer' || !this.#isOpen) return false;
    return step !== 'chunk' || this.#queue.length < MOST_WAITING;
  }

  does(step) {
    if (step === 'headers') return this.#answer();
    if (step === 'error' && this.#asked) {
      const {reject} = this.#asked;
      this.#asked = undefined;
      this.#exchange.isReleased = true;
      this.#parts.monitor.outcome(this.#exchange, {kind: 'loss'});
      return reject(resetError());
    }
    if (step === 'chunk') this.#queue.push(this.#entries());
    else {
      this.#isOpen = false;
      this.#queue.push(step);
    }
    this.#reader?.();
  }

  #answer() {
    const {monitor, world} = this.#parts;
    const exchange = this.#exchange;
    const {resolve} = this.#asked;
    this.#asked = undefined;
    this.#isOpen = true;
    this.#queue = [];
    exchange.response = {status: 200, headers: HEADERS, body: this.#body(exchange)};
    exchange.isStream = true;
    exchange.headersAt = world.now;
    exchange.source = {lastSign: (since) => Math.max(since, exchange.lastAt ?? 0)};
    const id = monitor.idOf('http://sse.test/', this.#request);
    this.#place = this.#parts.history.placeOf(id) ?? 0;
    const rest = Array.from({length: 12}, (_, at) =>
      this.#parts.history.entry(this.#place + at + 1),
    );
    monitor.streams(exchange, rest, 'bytes', id);
    resolve(exchange.response);
  }

  #entries() {
    this.#exchange.lastAt = this.#parts.world.now;
    const chunk = [];
    for (let left = EVENTS; left; left--)
      chunk.push(this.#parts.history.entry(++this.#place).bytes);
    return Buffer.concat(chunk);
  }

  #body(exchange) {
    let isGone = false;
    const read = () =>
      new Promise((resolve, reject) => {
        const settle = () => {
          const item = isGone ? 'gone' : this.#queue.shift();
          if (item === undefined) return;
          this.#reader = undefined;
          if (typeof item !== 'string') {
            exchange.took(item.length);
            return resolve({done: false, value: item});
          }
          if (item !== 'gone') exchange.ended(item === 'error' ? 'reset' : 'clean');
          if (item === 'error') reject(resetError());
          else resolve({done: true, value: undefined});
        };
        this.#reader = settle;
        settle();
      });
    const cancel = async () => {
      isGone = true;
      if (this.#exchange === exchange) this.#isOpen = false;
      exchange.letGo();
      this.#reader?.();
    };
    return {getReader: () => ({read, cancel})};
  }
}

const HEADERS = new Headers({'content-type': 'text/event-stream'});

// ── The blocking loop ─────────────────────────────────────────────────────────────────────────
// Here the world acts only when it is asked: the next step of the sequence is the answer, after
// whatever the user does from within the function that asks.

/** What ends a sequence inside a call: the client takes it for what it is, a function's own error. */
const END = new Error('the sequence ends here');

async function playBlocking(sse, steps) {
  const left = [...steps];
  let wire;
  const plan = {...PLAN, loop: 'blocking', sleeps: true};
  const run = new Run(sse, plan, (parts) => (wire = new BlockingWire(parts, left)));
  return within(run, async () => {
    wire.run = run;
    run.begin();
    run.onSleep = (ms) => wire.sleeps(ms);
    while (left.length && !wire.isImpossible) {
      run.world.turn++;
      const step = left.shift();
      if (WORLD.includes(step)) return {next: []};
      run.does(step);
      run.observe();
    }
    if (wire.isImpossible) return {next: []};
    const next = [...USER.filter((step) => canDo(run, step)), ...(wire.asked ?? [])];
    await finish(run);
    return {violation: run.monitor.violation, next};
  });
}

class BlockingWire {
  run;
  /** What the world could have done where the sequence ended. */
  asked;
  isImpossible = false;
  #parts;
  #steps;

  constructor(parts, steps) {
    this.#parts = parts;
    this.#steps = steps;
  }

  blockingTransport = (url, request) => {
    const {monitor, history, world, late} = this.#parts;
    const exchange = monitor.request(url, request, {answer: 'stream', end: 'by hand'});
    const step = this.#ask(['headers', 'error', 'timer']);
    if (step === 'timer') {
      world.skip(request.timeout);
      exchange.timedOut();
      throw late(request.timeout);
    }
    if (step !== 'headers') {
      exchange.isReleased = true;
      monitor.outcome(exchange, {kind: 'loss'});
      throw step === 'error' ? resetError() : END;
    }
    exchange.isStream = true;
    exchange.headersAt = world.now;
    exchange.source = {lastSign: (since) => Math.max(since, exchange.lastAt ?? 0)};
    const id = monitor.idOf(url, request);
    const place = history.placeOf(id) ?? 0;
    const entries = Array.from({length: 12}, (_, at) => history.entry(place + at + 1));
    monitor.streams(exchange, entries, 'bytes', id);
    exchange.response = {
      status: 200,
      headers: HEADERS,
      body: this.#body(exchange, entries, request),
    };
    monitor.answered(exchange);
    return exchange.response;
  };

  sleeps(ms) {
    const step = this.#ask(['timer']);
    if (step !== 'timer') throw this.run.isOwn(END);
    this.#parts.world.skip(ms);
  }

  #body(exchange, entries, {idleTimeout}) {
    const {world, late} = this.#parts;
    let at = 0;
    const next = () => {
      const step = this.#ask(['chunk', 'end', 'error', 'timer']);
      if (step === 'chunk') {
        exchange.lastAt = world.now;
        const value = Buffer.concat(entries.slice(at, (at += EVENTS)).map(({bytes}) => bytes));
        exchange.took(value.length);
        return {done: false, value};
      }
      if (step === 'timer') {
        world.skip(idleTimeout);
        exchange.timedOut();
        throw late(idleTimeout);
      }
      exchange.ended(step === 'end' ? 'clean' : 'reset');
      if (step === 'end') return {done: true, value: undefined};
      throw step === 'error' ? resetError() : END;
    };
    const close = () => {
      exchange.letGo();
      return {done: true, value: undefined};
    };
    return {[Symbol.iterator]: () => ({next, return: close})};
  }

  /** The next step of the world's, after what the user does from within; undefined: none is left. */
  #ask(possible) {
    for (;;) {
      const step = this.#steps.shift();
      if (step === undefined) this.asked ??= possible;
      if (step === undefined || possible.includes(step)) return step;
      if (WORLD.includes(step)) {
        this.isImpossible = true;
        this.#steps.length = 0;
        return undefined;
      }
      this.run.does(step, true);
    }
  }
}
