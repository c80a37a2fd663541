// One run: a plan, played against the real client in a world of its own. A plan is data, so that it
// can be printed, made smaller and kept: see plan.mjs for what may stand in it.

import {History} from './history.mjs';
import {Monitor} from './monitor.mjs';
import {Exchange, Network} from './network.mjs';
import {collectGarbage, enter, eachTurn, settled, Signal, World} from './world.mjs';

const MOST_TURNS = 4000;
const CLOSE_LIMIT = 1000; // ms that the end of a loop waits for a body: docs/behaviour.md
const RECENT = 2; // connections whose error and response may still be known
const MOST_HELD = 3; // connections, or
const SHARE_HELD = 0.1; // of them all: a leak is one a connection, or one a fault
const LAST_EVENTS = 4; // what each run ends with, where the client is not closed
const ADDRESS = 'http://sse.test/events';

/** What an engine says of a mistake in the code under test. */
const ENGINE = /undefined|null|is not a function|is not iterable|Cannot|private/;

let current;
process.on('unhandledRejection', (error) => {
  if (!current) throw error;
  current.monitor.fail('rejection', `${error?.stack ?? error}`);
});

/** Plays the plan with the classes of `sse`; gives {violation, connections, events, faults}. */
export async function play(sse, plan, trace) {
  const run = new Run(sse, plan);
  run.monitor.trace = trace;
  await within(run, () => run.play());
  const {violation, connections, handed, faults} = run.monitor;
  return {violation, connections, events: handed.length, faults, client: run.client};
}

/** Does something in the world of that run. */
export async function within(run, action) {
  current = run;
  enter(run.world);
  try {
    return await action();
  } finally {
    enter(undefined);
    current = undefined;
  }
}

export class Run {
  world;
  monitor;
  client;
  /** What a blocked thread does instead of letting the clock go on. */
  onSleep;
  #sse;
  #plan;
  #network;
  #signal = new Signal();
  /** Errors that the user's own functions threw, or may throw. */
  #own = new Set();
  #counts = {};
  #depth = 0;
  /** The loop at hand: {iterator, isOver, way}. */
  #loop;
  #isJSON = false;
  #way;
  #pending = 0;
  #calls = 0;
  /** Calls of open() that have no answer yet: beside them a loop is refused. */
  #opening = 0;
  #waitingSince;
  /** WeakRefs, where the plan wants the memory looked at. */
  #past = [];
  /** Nothing happens in the world: the memory is looked at. */
  #isPaused = false;

  /** `makeNetwork`: another network than that of the plan's answers. */
  constructor(sse, plan, makeNetwork = (parts) => new Network(parts)) {
    this.#sse = sse;
    this.#plan = plan;
    this.#way = plan.loop === 'blocking' ? 'blocking' : 'async';
    this.world = new World(plan.seed);
    const history = History.of(plan.seed, plan.history);
    this.monitor = new Monitor(
      this.world,
      {
        options: plan.options,
        isExact: plan.history.isExact,
        until: plan.until ?? plan.calls.find((call) => call.in === 'until'),
        isAsync: plan.loop === 'async',
        repeats: plan.calls.some((call) => call.in === 'retryStatus')
          ? (plan.repeats ?? [])
          : plan.repeats,
      },
      (monitor, number, signal) => new Exchange(monitor, this.world, number, signal),
    );
    this.#network = makeNetwork({
      world: this.world,
      monitor: this.monitor,
      plan,
      history,
      late: (limit) => new sse.SSEError('timeout', `nothing for ${limit} ms`),
      onRequest: () => this.#called('transport'),
    });
  }

  async play() {
    const {world, monitor} = this;
    this.begin();
    let isDone = false;
    const consuming = this.#consume().then(
      () => (isDone = true),
      (error) => monitor.fail('errors', `the run itself failed: ${error.stack}`),
    );
    let turns = 0;
    await eachTurn(() => {
      this.observe();
      if (isDone || monitor.violation) return true;
      if (this.#isPaused) return false;
      if (++turns > MOST_TURNS) monitor.fail('progress', `${turns} turns are not enough`);
      else if (!world.step()) monitor.fail('progress', 'everybody waits, and nothing is to come');
      return false;
    });
    if (monitor.violation) return;
    await consuming;
    await settled();
    await this.aftermath();
  }

  begin() {
    this.client = this.monitor.client = this.#makeClient();
  }

  observe() {
    this.monitor.observe(this.#isOver() ? undefined : this.#waitingSince);
  }

  /** How many calls have no answer yet. */
  get pending() {
    return this.#pending;
  }

  get isLoopBegun() {
    return this.#loop?.hasBegun === true && !this.#loop.isOver;
  }

  /** A step of the user's, without a wait for what comes of it. */
  does(what, isWithin = false) {
    this.#depth += isWithin ? 1 : 0;
    try {
      if (what !== 'next') return void this.#act(what);
      if (!this.#loop || this.#loop.isOver) this.#begin();
      void this.#take(this.#loop);
    } finally {
      this.#depth -= isWithin ? 1 : 0;
    }
  }

  /** What is left when the client is closed, and what comes after that. */
  async aftermath() {
    const {world, monitor} = this;
    monitor.end();
    if (this.#signal.listeners.size) monitor.fail('left', 'a listener is on the signal at the end');
    if (this.#pending) monitor.fail('progress', `${this.#pending} calls of next() have no answer`);
    for (let turns = 0; turns < 50 && world.step(); turns++) {
      await settled();
      monitor.observe();
    }
    monitor.end();
  }

  // ── The client ──────────────────────────────────────────────────────────────────────────────

  #makeClient() {
    const {plan, sse} = {plan: this.#plan, sse: this.#sse};
    const {loop, hasSignal, maker = 'class'} = plan;
    const isBoth = loop !== 'async';
    const options = {
      ...plan.options,
      ...this.#functions(isBoth),
      ...(hasSignal && {signal: this.#signal}),
    };
    const transport = isBoth ? this.#network.blockingTransport : this.#network.transport;
    if (plan.transport === 'fetch' && !isBoth) globalThis.fetch = transport;
    else if (plan.transport === 'record') options.transport = this.#recorder(transport);
    else options.transport = transport;
    if (maker === 'class')
      return new (isBoth ? sse.SSEClient : sse.AsyncSSEClient)(ADDRESS, options);
    return (isBoth ? sse.connect : sse.asyncConnect)(ADDRESS, options);
  }

  #recorder(transport) {
    return this.#sse.record(transport, () => this.#called('sink'));
  }

  #functions(isBoth) {
    const plan = this.#plan;
    const called = new Set(plan.calls.map((call) => call.in));
    const token = {'x-token': 'secret'};
    const hasUntil = plan.until !== undefined || called.has('until');
    return {
      ...this.#observers(),
      headers: called.has('headers') ? () => this.#called('headers') ?? token : token,
      ...(called.has('body') && {
        method: 'POST',
        reconnect: plan.options.reconnect ?? true,
        body: () => this.#called('body') ?? 'question',
      }),
      ...Object.fromEntries(
        ['onComment', 'onIgnored']
          .filter((name) => called.has(name))
          .map((name) => [name, () => this.#called(name)]),
      ),
      ...((plan.repeats || called.has('retryStatus')) && {
        retryStatus: ({status}) => this.#mayRepeat(status),
      }),
      ...(plan.resumes && {resume: ({lastEventId}) => this.#resume(lastEventId)}),
      ...(called.has('random') && {random: () => this.#random()}),
      ...((plan.sleeps || called.has('sleep')) && {sleep: (ms) => this.#sleep(ms, isBoth)}),
      ...(hasUntil && {until: (event) => this.#until(event)}),
    };
  }

  #observers() {
    const {monitor} = this;
    return {
      onOpen: (response) => {
        monitor.opens(response);
        this.#remember('response', response);
        this.#remember('body', response.body);
        return this.#called('onOpen');
      },
      onRetry: (retry) => {
        monitor.retries(retry);
        this.#remember('attempt', retry);
        this.#remember('error', retry.error);
        return this.#called('onRetry');
      },
    };
  }

  #mayRepeat(status) {
    this.#called('retryStatus');
    return (this.#plan.repeats ?? []).includes(status);
  }

  #resume(lastEventId) {
    const first = this.#called('resume');
    const isCursor = this.#plan.resumes === 'cursor';
    const answer = isCursor ? {url: `?after=${encodeURIComponent(lastEventId)}`} : {};
    return first ? first.then(() => answer) : answer;
  }

  async #slow(ms) {
    this.monitor.slow++;
    await this.world.sleep(ms);
    this.monitor.slow--;
  }

  #random() {
    this.#called('random');
    return 0.5;
  }

  #sleep(ms, isBoth) {
    const {world} = this;
    const first = this.#called('sleep');
    if (first) return first.then(() => world.sleep(ms));
    if (!isBoth) return world.sleep(ms);
    return this.onSleep ? this.onSleep(ms) : world.skip(ms);
  }

  #until({data}) {
    const loop = this.#loop;
    this.#called('until');
    if (loop?.isOver) return true; // left from within: what is not handed over is not the last
    const {until} = this.#plan;
    if (until === undefined || Number.parseInt(data, 10) < until) return false;
    this.monitor.isAtLast = true;
    return true;
  }

  // ── The user's own functions, and what he does from inside them ─────────────────────────────

  #called(name) {
    const count = (this.#counts[name] = (this.#counts[name] ?? 0) + 1);
    const call = this.#plan.calls.find((each) => each.in === name && each.nth === count);
    if (!call) return undefined;
    this.#depth++;
    try {
      return this.#act(call.do, call.ms);
    } finally {
      this.#depth--;
    }
  }

  #act(what, ms = 0) {
    this.monitor.note(() => `the user: ${what}${this.#depth ? ' (within)' : ''}`);
    const {client, monitor, world} = this;
    switch (what) {
      case 'close':
        monitor.closes(this.#isOnly());
        return void this.#expectSettled(client.close());
      case 'abort':
        if (this.#plan.hasSignal) {
          monitor.closes(this.#isOnly());
          this.#signal.abort(this.#ownError('aborted'));
        }
        return undefined;
      case 'reconnect':
        return void this.#reconnect();
      case 'return':
        return void this.#leave();
      case 'next':
        // beside an open(), whose request the next one is cannot be told any more; else it is refused
        if (this.#opening > 0 || !this.#loop?.hasBegun) monitor.interfered = true;
        if (this.#loop && !this.#loop.isOver) void this.#take(this.#loop);
        return undefined;
      case 'open':
        return void this.#open();
      case 'second':
        return void this.#second();
      case 'busy':
        return world.skip(ms);
      case 'slow':
        return this.#way === 'async' ? this.#slow(ms) : undefined;
      case 'throw':
        monitor.interfered = true;
        throw this.#ownError('thrown');
      case 'reject':
        if (this.#way !== 'async') return undefined;
        monitor.interfered = true;
        return Promise.reject(this.#ownError('rejected'));
      default:
        throw new Error(`no such action: ${what}`);
    }
  }

  /** From inside the only call that waits: whatever that gives, it cannot have been before. */
  #isOnly() {
    return this.#depth > 0 && this.#pending === 1;
  }

  #ownError(text) {
    return this.isOwn(new Error(text));
  }

  /** Notes that the error is one of the user's, who may get it back. */
  isOwn(error) {
    this.monitor.interfered = true;
    this.#own.add(error);
    return error;
  }

  #reconnect() {
    this.monitor.interfered = true;
    try {
      this.client.reconnect();
      this.monitor.reconnects();
    } catch (error) {
      if (this.#plan.options.reconnect !== false || !(error instanceof TypeError)) {
        this.monitor.fail('errors', `reconnect() throws ${error}`);
      }
    }
  }

  async #open() {
    const {monitor, client} = this;
    const loop = this.#loop;
    if (loop?.hasBegun && client.state === 'idle') loop.isOver = true; // its answer is on the way
    const isOwn = !loop?.hasBegun || loop.isOver;
    if (isOwn) monitor.interfered = true; // of the last loop's end nothing is known any more
    this.#pending++;
    this.#opening++;
    try {
      const response = this.#way === 'blocking' ? client.openSync() : await client.open();
      if (response?.status !== 200 && response?.status !== 204) {
        monitor.fail('verdict', `open() resolves with status ${response?.status}`);
      }
      if (response.status === 204) monitor.closes();
    } catch (error) {
      this.#checkError(error, true);
    } finally {
      if (isOwn) monitor.interfered = true; // what comes next is the user's doing
      this.#pending--;
      this.#opening--;
    }
  }

  /** A second loop beside the first is refused, and harms nobody. */
  #second() {
    const loop = this.#loop;
    if (!loop || loop.isOver || !loop.hasBegun || this.monitor.isClosed) return;
    const {monitor, client} = this;
    // a loop that is about to end, by the network or by an error of the user's, may have made room
    if (this.#own.size) return;
    const isLive = monitor.last && !monitor.last.outcome;
    if (!isLive && client.state !== 'waiting') return;
    const refused = (error) => {
      if (!(error instanceof TypeError) && !this.#isOver()) {
        monitor.fail('errors', `a second loop is refused by ${error}`);
      }
    };
    const given = ({value}) => {
      if (value !== undefined) monitor.fail('events', 'a second loop gets an event');
    };
    if (this.#way === 'async') {
      this.#pending++;
      const answer = client[Symbol.asyncIterator]().next().then(given, refused);
      void answer.finally(() => this.#pending--);
      return;
    }
    try {
      given(client[Symbol.iterator]().next());
    } catch (error) {
      refused(error);
    }
  }

  #isOver() {
    return this.monitor.isClosed || !this.#loop || this.#loop.isOver;
  }

  #expectSettled(promise) {
    this.#pending++;
    const done = () => void this.#pending--;
    return promise.then(done, (error) => {
      done();
      this.monitor.fail('errors', `close() rejects: ${error}`);
    });
  }

  // ── The loop ────────────────────────────────────────────────────────────────────────────────

  #begin() {
    const {client} = this;
    const source = this.#isJSON ? client.json() : client;
    const key = this.#way === 'async' ? Symbol.asyncIterator : Symbol.iterator;
    this.#loop = {iterator: source[key](), isOver: false, hasBegun: false, isJSON: this.#isJSON};
    return this.#loop;
  }

  /** Asks for the next event. The promise resolves when there is an answer, whichever. */
  #take(loop) {
    const {monitor} = this;
    this.monitor.note(() => 'next()');
    loop.hasBegun = true;
    const calls = ++this.#calls;
    const isFirst = this.#pending++ === 0 && this.#depth === 0;
    this.#waitingSince ??= this.world.now;
    const answered = () => {
      if (--this.#pending === 0) this.#waitingSince = undefined;
      else if (this.#waitingSince !== undefined) this.#waitingSince = this.world.now;
    };
    const given = (result) => {
      answered();
      this.#given(loop, result, isFirst && calls === this.#calls);
    };
    const isBeside = this.#opening > 0;
    const failed = (error) => {
      answered();
      if (isBeside && error instanceof TypeError && !this.#isFinal()) loop.isOver = true;
      else this.#failed(loop, error);
    };
    try {
      const result = loop.iterator.next();
      if (this.#way === 'async') return result.then(given, failed);
      given(result);
    } catch (error) {
      if (this.#way === 'async') monitor.fail('errors', `next() throws: ${error.stack}`);
      failed(error);
    }
    return undefined;
  }

  #given(loop, {done, value}, isAlone) {
    const {monitor} = this;
    if (!done) {
      const mustBeOpen = monitor.isFinalFor(loop);
      monitor.delivered(loop.isJSON ? {value} : value, {isAlone, mustBeOpen});
      if (monitor.isAtLast) monitor.closes();
      return;
    }
    if (value !== undefined) monitor.fail('events', 'a value comes with done: true');
    if (!loop.isOver) monitor.loopEnded();
    loop.isOver = true;
  }

  #failed(loop, error) {
    if (error instanceof TypeError && /within/.test(error.message)) return; // next() from inside
    this.#checkError(error, this.#plan.options.reconnect === false);
    if (!loop.isOver && !this.#own.has(error)) this.monitor.loopEnded(error);
    if (this.#own.has(error)) this.monitor.interfered = true;
    loop.isOver = true;
  }

  /** Errors that users can know: their own, the toolkit's, and TypeErrors for wrong calls. */
  #checkError(error, mayBeTypeError) {
    if (this.#own.has(error) || error instanceof this.#sse.SSEError) return;
    const isTypeError = error instanceof TypeError && mayBeTypeError;
    if ((!isTypeError && !this.#isFinal()) || ENGINE.test(error?.message)) {
      this.monitor.fail('errors', `${error?.stack ?? error}`);
    }
  }

  /** The last answer ended it all: a malformed one does so by a TypeError. */
  #isFinal() {
    return this.monitor.last?.outcome?.kind === 'fatal';
  }

  #leave() {
    const loop = this.#loop;
    if (!loop) return undefined;
    this.monitor.interfered = true;
    loop.isOver = true;
    loop.leftAt ??= this.world.turn;
    loop.leftWithin = this.#isOnly();
    const answer = loop.iterator.return();
    return typeof answer.then === 'function' ? this.#expectSettled(answer) : undefined;
  }

  // ── The user ────────────────────────────────────────────────────────────────────────────────

  async #consume() {
    for (const step of this.#plan.steps) {
      if (step.after) await this.#wait(step.after);
      await this.#perform(step);
      if (this.monitor.violation) return;
    }
    const {options} = this.#plan;
    const isOnce = options.reconnect === false && this.monitor.connections > 0;
    this.#isJSON = false;
    for (let left = LAST_EVENTS; left && !this.monitor.isClosed && !isOnce; left--) {
      await this.#next();
      if (this.monitor.violation) return;
    }
    this.monitor.closes();
    await this.#expectSettled(this.client.close());
    // a loop that was left may wait so long for its body
    if (this.#plan.answers.some(({cancel}) => cancel)) await this.world.sleep(CLOSE_LIMIT + 1);
  }

  /** Errors, attempts and responses of connections that are over must be unreachable. */
  async #checkForgotten() {
    const {monitor} = this;
    monitor.forget();
    this.#isPaused = true;
    for (let turns = 0; turns < 3; turns++) await settled();
    collectGarbage();
    this.#isPaused = false;
    const kept = this.#past.filter(
      ({ref, connection}) => connection < monitor.connections - RECENT && ref.deref(),
    );
    const kinds = [...new Set(kept.map(({kind}) => kind))];
    // compiled code and stacks hold one for a while, now and then
    const most = Math.max(MOST_HELD, SHARE_HELD * monitor.connections);
    if (new Set(kept.map(({connection}) => connection)).size > most) {
      monitor.fail('memory', `${kept.length} of ${this.#past.length} kept: ${kinds.join(', ')}`);
    }
  }

  #remember(kind, thing) {
    if (!this.#plan.remembers || typeof thing !== 'object' || !thing) return;
    this.#past.push({kind, ref: new WeakRef(thing), connection: this.monitor.connections});
  }

  async #wait(ms) {
    if (this.#way === 'async') await this.world.sleep(ms);
    else this.world.skip(ms);
  }

  async #next() {
    if (!this.#loop || this.#loop.isOver) this.#begin();
    const answer = this.#take(this.#loop);
    if (this.#way === 'async') await answer;
  }

  async #perform({do: what, times = 1, ms}) {
    this.monitor.note(() => `step ${what}`);
    if (this.monitor.isClosed && !['close', 'next', 'open'].includes(what)) return;
    switch (what) {
      case 'next':
        for (let left = times; left; left--) await this.#next();
        return;
      case 'nexts':
        if (!this.#loop || this.#loop.isOver) this.#begin();
        await Promise.all(Array.from({length: times}, () => this.#take(this.#loop)));
        return;
      case 'poke':
        if (!this.#loop || this.#loop.isOver) this.#begin();
        void this.#take(this.#loop);
        return;
      case 'break':
        await this.#leave();
        return;
      case 'json':
      case 'turn':
        if (this.#pending) return;
        await this.#leave();
        if (this.client.state === 'open') return; // open() has begun it, for its own kind of loop
        if (what === 'json') this.#isJSON = !this.#isJSON;
        else this.#way = this.#way === 'async' ? 'blocking' : 'async';
        return;
      case 'open':
        if (this.#way === 'async') await this.#open();
        else void this.#open();
        return;
      case 'wait':
        await this.#wait(ms);
        return;
      case 'forget':
        await this.#checkForgotten();
        return;
      default:
        this.#act(what, ms);
    }
  }
}
