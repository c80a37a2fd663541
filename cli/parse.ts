// ssekit parse: reads logs.

import {isatty} from 'node:tty';
import {EventParser, SSEError} from '../sse.ts';
import type {SSEEvent} from '../sse.ts';
import {EVENT_OPTIONS} from './arguments.ts';
import type {Command} from './arguments.ts';
import {Damage, DamageDetector} from './damage.ts';
import {shownName} from './files.ts';
import {asData, asJSON, filterOf, formatOf} from './formats.ts';
import type {Format} from './formats.ts';
import {inputsOf} from './input.ts';
import type {Input} from './input.ts';
import {NOTHING} from './lines.ts';
import {Output, say, statusLine, STDOUT} from './output.ts';
import {isRecording, timeIn} from './recording.ts';
import {Impression} from './silence.ts';
import {Failure} from './text.ts';

interface Parsing {
  readonly files: readonly string[];
  readonly formatWith: (time: () => string) => Format;
  readonly isWanted: (event: SSEEvent) => boolean;
  readonly isStrict: boolean;
}

async function parseFiles(parsing: Parsing): Promise<void> {
  const output = new Output();
  const note = parsing.isStrict ? fail : say;
  for (const file of parsing.files) {
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

async function parseInput(
  input: Input,
  {formatWith, isWanted, isStrict}: Parsing,
  impression: Impression,
  output: Output,
): Promise<void> {
  let time = '';
  let isOurs: boolean | undefined;
  const format = formatWith(() => time);
  const onComment = (text: string) => {
    isOurs ??= isRecording(impression.head); // which has all of the first line by now
    if (isOurs) time = timeIn(text)?.iso ?? time;
  };
  const parser = new EventParser({
    onIgnored: impression.ignored,
    // what nobody looks at costs time
    ...(format !== asJSON && format !== asData && {onComment}),
  });
  const onEvent = (event: SSEEvent) => {
    impression.events++;
    if (isWanted(event)) output.addLine(format(event));
  };
  const feed = (chunk: Uint8Array) => {
    impression.add(chunk);
    parser.feed(chunk, onEvent);
    if (input.isLive) output.flush();
  };
  await feedInput(input, feed, isStrict ? new DamageDetector() : undefined);
  parser.end();
}

async function feedInput(
  {name, chunks}: Input,
  feed: (chunk: Uint8Array) => void,
  detector: DamageDetector | undefined,
): Promise<void> {
  let total = 0;
  let chunk: Uint8Array = NOTHING;
  try {
    for await (chunk of chunks) {
      detector?.write(chunk);
      feed(chunk);
      total += chunk.length;
    }
    detector?.end();
  } catch (error) {
    if (error instanceof SSEError) throw new Failure(`${name}: ${error.message}`);
    if (!(error instanceof Damage)) throw error;
    if (error.offset > total) feed(chunk.subarray(0, error.offset - total)); // what is sound
    throw new Failure(`${name}: ${error.message}`);
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

export const parse: Command = {
  usage: 'ssekit parse [FILE…|-]',
  options: [...EVENT_OPTIONS, 'strict'],
  takes: [0, Infinity],
  run: (values, files) =>
    parseFiles({
      files: files.length ? files : ['-'],
      formatWith: (time) => formatOf(values, time),
      isWanted: filterOf(values.event),
      isStrict: values.strict === true,
    }),
};
