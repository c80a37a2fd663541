// ssekit parse: reads logs.

import {closeSync, fstatSync} from 'node:fs';
import {isatty} from 'node:tty';
import {EVENT_OPTIONS, integerFrom} from './arguments.ts';
import type {Command, Values} from './arguments.ts';
import {mustNotBeRead, openFile, readAt, shownName} from './files.ts';
import {archiveOrCoding, inputsOf} from './input.ts';
import {parseInJobs} from './jobs.ts';
import {Output, say, statusLine, STDOUT} from './output.ts';
import {rangeOfPart} from './part.ts';
import type {Held, Source} from './part.ts';
import {heldAt, namesFor, parseInput, parseRange, parsingOf} from './parsing.ts';
import {isRecording} from './recording.ts';
import {Impression} from './silence.ts';
import {Failure, wrongUsage} from './text.ts';

async function parseFiles(files: readonly string[], values: Values): Promise<void> {
  const output = new Output();
  const parsing = parsingOf(values);
  const note = parsing.isStrict ? fail : say;
  for (const file of files) {
    for await (const input of inputsOf(file, {onRead: progressOf(file), note})) {
      const impression = new Impression();
      try {
        await parseInput(input, parsing, impression, output);
      } finally {
        output.flush();
        statusLine.clear();
      }
      const remark = impression.remark();
      if (remark !== undefined) note(`${input.name}: ${remark}`);
    }
  }
}

function fail(message: string): never {
  throw new Failure(message);
}

/** ms between two drawings of the bar. */
const PROGRESS = 100;

/** Draws a bar where it disturbs no output. */
function progressOf(file: string): (share: number) => void {
  if (!statusLine.isTerminal || isatty(STDOUT) || file === '-') return () => {};
  let last = 0;
  return (share) => {
    const now = performance.now();
    if (now - last < PROGRESS) return;
    last = now;
    const done = Math.floor(40 * share);
    const bar = '#'.repeat(done).padEnd(40);
    statusLine.draw(`[${bar}] ${Math.floor(100 * share)} %  ${shownName(file)}`);
  };
}

// ── Parts and jobs ──────────────────────────────────────────────────────────────────────────────

interface Dividing {
  readonly values: Values;
  /** Undefined: all of it. */
  readonly part: {readonly index: number; readonly count: number} | undefined;
  readonly jobs: number;
  /** State where the part begins, as far as it was given. */
  readonly given: Partial<Held>;
}

/** A file that is read at several places: neither a pipe nor compressed. */
async function parseDivided(file: string, dividing: Dividing): Promise<void> {
  const {values, part, jobs} = dividing;
  const {source, head} = openSource(file, part ? '--part' : '--jobs');
  const range = part ? rangeOfPart(source, part.index, part.count) : {start: 0, end: source.size};
  const impression = new Impression();
  if (!range.start) impression.add(head);
  const isOurs = isRecording(head);
  const held = heldAt(source, range.start, namesFor(values, isOurs), dividing.given);
  const share = progressOf(file);
  const onDone = (at: number) => share((at - range.start) / (range.end - range.start));
  const output = new Output();
  try {
    const parts = {source, values, isOurs, impression};
    if (jobs > 1) await parseInJobs(jobs, {...parts, file, range, held, onDone});
    else await parseRange(range, held, parts, output);
  } finally {
    output.flush();
    statusLine.clear();
  }
  closeSync(source.fd);
  const remark = impression.remark(part !== undefined && part.count > 1);
  if (remark !== undefined) (values.strict ? fail : say)(`${source.name}: ${remark}`);
}

/** The file, and its first bytes. */
function openSource(file: string, option: string): {source: Source; head: Buffer} {
  const name = shownName(file);
  if (file === '-') throw wrongUsage(`${option} reads a file at several places, not ${name}`);
  const fd = openFile(file, 'r');
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Failure(`${name}: is not a file that ${option} can cut`);
  mustNotBeRead(file, fd);
  const head = readAt(fd, name, Buffer.alloc(1024), 0);
  const what = archiveOrCoding(file, head);
  if (what) throw new Failure(`${name}: is ${what}, which ${option} cannot cut; unpack it first`);
  return {source: {fd, name, size: stats.size}, head};
}

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────

function run(values: Values, operands: readonly string[]): Promise<void> {
  const files = operands.length ? operands : ['-'];
  const jobs = integerFrom('jobs', values.jobs, 1, MOST_JOBS) ?? 1;
  const part = partFrom(values.part);
  const given = givenFrom(values);
  if (!part) {
    const [name] = Object.keys(given);
    if (name !== undefined) throw wrongUsage('--last-event-id and --retry need --part');
    return jobs === 1 ? parseFiles(files, values) : inTurn(files, {values, part, jobs, given});
  }
  const [file = '', ...more] = files;
  if (more.length) throw wrongUsage('--part takes one file');
  return parseDivided(file, {values, part, jobs, given});
}

async function inTurn(files: readonly string[], dividing: Dividing): Promise<void> {
  for (const file of files) await parseDivided(file, dividing);
}

const MOST_JOBS = 256;

function partFrom(text: string | undefined): Dividing['part'] {
  if (text === undefined) return undefined;
  const [, index, count] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  const part = {index: Number(index), count: Number(count)};
  if (part.index >= 1 && part.index <= part.count) return part;
  throw wrongUsage(`--part must be I/N, part I of N parts, not '${text}'`);
}

/** An empty one: none was sent before. */
function givenFrom({retry, 'last-event-id': lastEventId}: Values): Partial<Held> {
  return {
    ...(lastEventId !== undefined && {lastEventId}),
    ...(retry !== undefined && {
      retry: retry ? integerFrom('retry', retry, 0, Number.MAX_SAFE_INTEGER) : undefined,
    }),
  };
}

export const parse: Command = {
  usage: 'ssekit parse [FILE…|-]',
  options: [...EVENT_OPTIONS, 'strict', 'part', 'jobs', 'last-event-id', 'retry'],
  takes: [0, Infinity],
  run: async (values, operands) => run(values, operands),
};
