// A file parsed by several threads: its bytes are dealt out in units, in order, and what each unit
// prints is written in that order.
//
// A unit is two steps. First its thread looks for what the unit sets (the last event ID, …), which
// takes a fraction of the time of parsing, and is enough for the unit after it; then it parses,
// with what the units before it have set. Threads, not processes: they take less memory, and end
// with the process, whatever ends that.

import {parentPort, Worker} from 'node:worker_threads';
import type {Values} from './arguments.ts';
import {openFile, shownName} from './files.ts';
import {Output, toStdout, UNIT_BYTES} from './output.ts';
import {blockEndFrom, foundIn, withLoaded} from './part.ts';
import type {Found, Held, Range, Source} from './part.ts';
import {namesFor, parseRange} from './parsing.ts';
import type {Parts} from './parsing.ts';
import {Impression} from './silence.ts';
import {Failure, reasonOf} from './text.ts';

/** Bytes of a unit, at least; it goes on to the end of its last block. */
const UNIT = 2_097_152;

/** Bytes that a thread can have printed and nobody has written; then it waits. */
const RING = 4_194_304;

/** Bytes that a thread has printed before it says so: each message has a price. */
const SAID = 524_288;

/** MB in which a thread makes its strings: with fewer it is slower, with more it takes them. */
const YOUNG = 16;

/** Orders to a thread, when it starts. */
export interface Task {
  readonly file: string;
  readonly size: number;
  readonly values: Values;
  readonly isOurs: boolean;
  readonly ring: Ring;
}

/** Output of a thread, shared: it is encoded where the main thread writes it from. */
interface Ring {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** One number: how many of them wait to be written. */
  readonly waiting: Int32Array;
}

type Order = {readonly range: Range} | {readonly held: Held};

type Answer =
  | {readonly found: Found}
  | {readonly length: number} // of what it has printed since
  | Result;

interface Result {
  readonly events: number;
  readonly unfinished: string | undefined;
  readonly error: string | undefined;
}

interface Printer {
  readonly print: (text: string) => void;
  /** Tells the main thread of all that is printed. */
  readonly say: () => void;
}

interface Unit {
  readonly range: Range;
  readonly hand: Hand;
  /** Bytes that it has printed and that are not written yet. */
  waiting: number;
  /** Undefined: it is not at its end. */
  result: Result | undefined;
}

interface Job extends Parts {
  readonly file: string;
  readonly range: Range;
  /** State at its beginning. */
  readonly held: Held;
  /** Told up to which byte all is written. */
  readonly onDone: (at: number) => void;
}

// ── The main thread ─────────────────────────────────────────────────────────────────────────────

/** Throws Failure for the first unit that fails, when all before it is written. */
export async function parseInJobs(count: number, job: Job): Promise<void> {
  const crew = new Crew(job);
  try {
    await Promise.all(Array.from({length: count}, () => crew.work()));
  } finally {
    await crew.dismiss();
  }
}

class Crew {
  readonly #job: Job;
  readonly #hands: Hand[] = [];
  /** Those that are not written yet. */
  readonly #units: Unit[] = [];
  #start: number;
  /** State where the next unit begins. */
  #held: Promise<Held>;

  constructor(job: Job) {
    this.#job = job;
    this.#start = job.range.start;
    this.#held = Promise.resolve(job.held);
  }

  /** One thread, from unit to unit. */
  async work(): Promise<void> {
    let range = this.#next();
    if (!range) return; // there are more jobs than units
    const hand = new Hand(this.#job);
    this.#hands.push(hand);
    for (; range; range = this.#next()) {
      const unit: Unit = {range, hand, waiting: 0, result: undefined};
      this.#units.push(unit);
      const before = this.#held;
      const found = hand.look(range);
      this.#held = Promise.all([before, found]).then(([held, set]) => after(held, set));
      this.#held.catch(() => {}); // who waits for it is told
      await found;
      await hand.parse(await before, unit, () => this.#write());
    }
  }

  /** Reports that another unit is there. */
  #next(): Range | undefined {
    const {source, range} = this.#job;
    const start = this.#start;
    if (start >= range.end) return undefined;
    this.#start = Math.min(range.end, blockEndFrom(source, start + UNIT));
    return {start, end: this.#start};
  }

  /** Writes all that is next. */
  #write(): void {
    for (let [unit] = this.#units; unit; [unit] = this.#units) {
      unit.hand.write(unit.waiting);
      unit.waiting = 0;
      if (!unit.result) return;
      const {events, unfinished, error} = unit.result;
      const {impression, onDone} = this.#job;
      impression.events += events;
      if (unfinished !== undefined) impression.ignored(unfinished, 'incomplete');
      if (error !== undefined) throw new Failure(error);
      onDone(unit.range.end);
      this.#units.shift();
    }
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#hands.map((hand) => hand.dismiss()));
  }
}

function after(held: Held, set: Found): Held {
  return {
    lastEventId: set.lastEventId ?? held.lastEventId,
    retry: set.retry ?? held.retry,
    time: set.time ?? held.time,
  };
}

/** A thread, as the main one has it. */
class Hand {
  readonly #ring: Ring = {
    bytes: new Uint8Array(new SharedArrayBuffer(RING)),
    waiting: new Int32Array(new SharedArrayBuffer(4)),
  };
  /** Offset in the ring of the bytes that come next. */
  #at = 0;
  readonly #worker: Worker;

  constructor({file, source, values, isOurs}: Job) {
    const task: Task = {file, size: source.size, values, isOurs, ring: this.#ring};
    this.#worker = new Worker(new URL(import.meta.url), {
      workerData: task,
      resourceLimits: {maxYoungGenerationSizeMb: YOUNG},
    });
  }

  /** State that the unit sets. */
  async look(range: Range): Promise<Found> {
    let found: Found = {lastEventId: undefined, retry: undefined, time: undefined};
    await this.#ask({range}, (answer) => {
      if ('found' in answer) ({found} = answer);
      return 'found' in answer;
    });
    return found;
  }

  /** Resolves when the unit has all that it prints; `onPiece` is called for each piece. */
  parse(held: Held, unit: Unit, onPiece: () => void): Promise<void> {
    return this.#ask({held}, (answer) => {
      if ('length' in answer) unit.waiting += answer.length;
      if ('events' in answer) unit.result = answer;
      onPiece();
      return 'events' in answer;
    });
  }

  /** Writes that many bytes to standard output; the thread may print as many more. */
  write(length: number): void {
    const {bytes, waiting} = this.#ring;
    for (let left = length; left > 0; ) {
      const piece = bytes.subarray(this.#at, this.#at + left); // up to the end of the ring
      toStdout(piece);
      left -= piece.length;
      this.#at = (this.#at + piece.length) % RING;
      Atomics.sub(waiting, 0, piece.length);
      Atomics.notify(waiting, 0);
    }
  }

  async dismiss(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Resolves with the answer of which `isLast` is true. */
  #ask(order: Order, isLast: (answer: Answer) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = (answer: Answer) => {
        try {
          if (!isLast(answer)) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        this.#worker.off('message', take).off('error', reject);
      };
      this.#worker.on('message', take).on('error', reject);
      this.#worker.postMessage(order);
    });
  }
}

// ── A thread ────────────────────────────────────────────────────────────────────────────────────

/** Carries out orders until the thread is ended. */
export function work(task: Task): void {
  const {file, size, values, isOurs, ring} = task;
  const whole = {fd: openFile(file, 'r'), name: shownName(file), size};
  const memory = Buffer.allocUnsafe(2 * UNIT); // more is read twice, as it is looked for and parsed
  let source: Source = whole;
  const printer = printerTo(ring);
  let range: Range = {start: 0, end: 0};
  parentPort?.on('message', (order: Order) => {
    if ('range' in order) {
      ({range} = order);
      source = withLoaded(whole, range, memory);
      answer({found: foundIn(source, range, namesFor(values, isOurs))});
    } else {
      const parts = {source, values, isOurs, impression: new Impression()};
      void parseUnit(range, order.held, parts, printer).then(answer);
    }
  });
}

function answer(given: Answer): void {
  parentPort?.postMessage(given);
}

async function parseUnit(
  range: Range,
  held: Held,
  parts: Parts,
  {print, say}: Printer,
): Promise<Result> {
  const output = new Output(print);
  let error: string | undefined;
  try {
    await parseRange(range, held, parts, output);
  } catch (reason) {
    error = reasonOf(reason);
  }
  output.flush();
  say();
  const {events, unfinished} = parts.impression;
  return {events, unfinished, error};
}

/** Takes text into the ring, as there is room; says so now and then, and whenever it waits. */
function printerTo({bytes, waiting}: Ring): Printer {
  const ring = Buffer.from(bytes.buffer);
  let at = 0;
  let unsaid = 0;
  const say = () => {
    if (unsaid) answer({length: unsaid});
    unsaid = 0;
  };
  /** Bytes from `at` on that may be written; 1 or more. */
  const room = (): number => {
    for (;;) {
      const taken = Atomics.load(waiting, 0);
      if (taken < RING) return Math.min(RING - taken, RING - at);
      say();
      Atomics.wait(waiting, 0, taken);
    }
  };
  const printed = (length: number) => {
    at = (at + length) % RING;
    Atomics.add(waiting, 0, length);
    unsaid += length;
    if (unsaid >= SAID) say();
  };
  const print = (text: string) => {
    if (UNIT_BYTES * text.length <= room()) return printed(ring.write(text, at));
    const encoded = Buffer.from(text);
    for (let from = 0; from < encoded.length; ) {
      const length = encoded.copy(ring, at, from, from + room());
      from += length;
      printed(length);
    }
  };
  return {print, say};
}
