// One input, parsed and printed: a whole one, or a part of a file.

import {EventParser, SSEError} from '../sse.ts';
import type {SSEEvent} from '../sse.ts';
import type {Values} from './arguments.ts';
import {Damage, DamageDetector} from './damage.ts';
import {asData, asJSON, filterOf, formatOf} from './formats.ts';
import type {Format} from './formats.ts';
import type {Input} from './input.ts';
import {NOTHING} from './lines.ts';
import type {Output} from './output.ts';
import {bytesBetween, foundIn, linesBefore} from './part.ts';
import type {Held, Range, Source} from './part.ts';
import {isRecording, timeIn} from './recording.ts';
import type {Impression} from './silence.ts';
import {Failure} from './text.ts';

export interface Parsing {
  readonly formatWith: (time: () => string) => Format;
  readonly isWanted: (event: SSEEvent) => boolean;
  readonly isStrict: boolean;
}

export function parsingOf(values: Values): Parsing {
  return {
    formatWith: (time) => formatOf(values, time),
    isWanted: filterOf(values.event),
    isStrict: values.strict === true,
  };
}

/** Place where an input begins in its file, and the state there. */
export interface Beginning {
  readonly offset: number;
  readonly held: Held;
  /** The file is a recording; undefined: the input tells. */
  readonly isOurs: boolean | undefined;
  readonly linesBefore: () => number;
}

const START: Beginning = {
  offset: 0,
  held: {lastEventId: '', retry: undefined, time: ''},
  isOurs: undefined,
  linesBefore: () => 0,
};

/** Throws Failure for what is damaged; what is sound before it has been printed. */
export async function parseInput(
  input: Input,
  {formatWith, isWanted, isStrict}: Parsing,
  impression: Impression,
  output: Output,
  {offset, held, linesBefore, ...beginning}: Beginning = START,
): Promise<void> {
  let {time} = held;
  let {isOurs} = beginning;
  const format = formatWith(() => time);
  const onComment = (text: string) => {
    isOurs ??= isRecording(impression.head); // which has all of the first line by now
    if (isOurs) time = timeIn(text)?.iso ?? time;
  };
  const parser = new EventParser({
    lastEventId: held.lastEventId,
    retry: held.retry,
    onIgnored: impression.ignored,
    // what nobody looks at costs time
    ...(format !== asJSON && format !== asData && {onComment}),
  });
  if (offset) parser.feed('\n'); // what begins like a byte order mark here is none
  const onEvent = (event: SSEEvent) => {
    impression.events++;
    if (isWanted(event)) output.addLine(format(event));
  };
  const feed = (chunk: Uint8Array) => {
    impression.add(chunk);
    parser.feed(chunk, onEvent);
    if (input.isLive) output.flush();
  };
  const detector = isStrict ? new DamageDetector(offset, linesBefore) : undefined;
  await feedInput(input, offset, feed, detector);
  parser.end();
}

async function feedInput(
  {name, chunks}: Input,
  offset: number,
  feed: (chunk: Uint8Array) => void,
  detector: DamageDetector | undefined,
): Promise<void> {
  let total = offset;
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

// ── Parts ───────────────────────────────────────────────────────────────────────────────────────

/** Facts that all parts of a file have in common. */
export interface Parts {
  readonly source: Source;
  readonly values: Values;
  /** The file is a recording. */
  readonly isOurs: boolean;
  readonly impression: Impression;
}

/** State set by the blocks before a part, as far as the output shows it. */
export function namesFor(values: Values, isOurs: boolean): (keyof Held)[] {
  if (values.data) return [];
  return isOurs ? ['lastEventId', 'retry', 'time'] : ['lastEventId', 'retry'];
}

/** State at the end of a block, unless it was given. */
export function heldAt(
  source: Source,
  at: number,
  names: readonly (keyof Held)[],
  given: Partial<Held> = {},
): Held {
  const wanted = names.filter((name) => !(name in given));
  const {lastEventId = '', retry, time = ''} = foundIn(source, {start: 0, end: at}, wanted);
  return {lastEventId, retry, time, ...given};
}

/** Parses what begins and ends where a block does. Throws Failure, as parseInput() does. */
export function parseRange(
  range: Range,
  held: Held,
  {source, values, isOurs, impression}: Parts,
  output: Output,
): Promise<void> {
  const input = {name: source.name, isLive: false, chunks: bytesBetween(source, range)};
  return parseInput(input, parsingOf(values), impression, output, {
    offset: range.start,
    held,
    isOurs,
    linesBefore: () => linesBefore(source, range.start),
  });
}
