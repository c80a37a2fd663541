// A part of a file that is parsed by itself: where it begins and ends, and what holds there.
//
// Each part ends where a block ends, at the first such place at or after its share of the bytes.
// That can be told from the bytes around it alone, so that all parts agree, in whatever process and
// on whatever machine they are cut. What holds at such a place are the last event ID and the
// reconnection time of the blocks before it; they are looked for from there on backwards.

import {EventParser} from '../sse.ts';
import {readAt} from './files.ts';
import {BOM, CR, isEnd, LF} from './lines.ts';
import {timeIn} from './recording.ts';

/** An open file that does not change. */
export interface Source {
  readonly fd: number;
  /** As messages name it. */
  readonly name: string;
  readonly size: number;
  /** The bytes of it that are in memory. */
  readonly loaded?: {readonly start: number; readonly bytes: Buffer} | undefined;
}

/** Bytes from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Bytes from a place on: as many as the buffer has room for, unless the file ends before. */
function bytesAt({fd, name, loaded}: Source, buffer: Buffer, place: number): Buffer {
  const {start, bytes} = loaded ?? {start: 0, bytes: buffer.subarray(0, 0)};
  const at = place - start;
  const isLoaded = at >= 0 && at + buffer.length <= bytes.length;
  return isLoaded ? bytes.subarray(at, at + buffer.length) : readAt(fd, name, buffer, place);
}

/** The source with that range in memory, which is `memory` if there is room. */
export function withLoaded(source: Source, {start, end}: Range, memory: Buffer): Source {
  if (end - start > memory.length) return source;
  const bytes = readAt(source.fd, source.name, memory.subarray(0, end - start), start);
  return {...source, loaded: {start, bytes}};
}

/** Finds the part I of N, from 1 on. */
export function rangeOfPart(source: Source, index: number, count: number): Range {
  const cut = (at: number) => {
    const share = (BigInt(source.size) * BigInt(at)) / BigInt(count); // which may exceed 2^53
    return blockEndFrom(source, Number(share));
  };
  return {start: cut(index - 1), end: cut(index)};
}

/** Bytes read at a time. */
const WINDOW = 65_536;

/** Bytes before a line's end that it takes to tell whether the line is blank. */
const BEFORE = 3;

/** The first end of a block at or after a byte; the file's size if there is none. */
export function blockEndFrom(source: Source, at: number): number {
  if (at <= 0) return 0;
  const buffer = Buffer.allocUnsafe(WINDOW);
  for (let from = at - 1; from < source.size - 1; ) {
    const base = from - BEFORE <= BOM.length ? 0 : from - BEFORE;
    const bytes = bytesAt(source, buffer, base);
    const next = base + bytes.length - 1; // the last byte may be CR, and LF follow
    if (next <= from) break; // the file was cut off meanwhile
    const end = blankLineEnd(bytes, from - base, base);
    if (end !== undefined) return base + end;
    from = next;
  }
  return source.size;
}

/** Finds the end of the first blank line that ends at that byte or later, before the last. */
function blankLineEnd(bytes: Buffer, from: number, base: number): number | undefined {
  const most = bytes.length - 1;
  const next = (byte: number, at: number) => {
    const found = bytes.indexOf(byte, at);
    return found < 0 ? Infinity : found;
  };
  let [lf, cr] = [next(LF, from), next(CR, from)];
  for (let at = Math.min(lf, cr); at < most; at = Math.min(lf, cr)) {
    if (at === lf) lf = next(LF, at + 1);
    else cr = next(CR, at + 1);
    if (bytes[at] === CR && bytes[at + 1] === LF) continue; // the line ends with that LF
    const start = bytes[at] === LF && bytes[at - 1] === CR ? at - 1 : at;
    if (isLineStart(bytes, start, base)) return at + 1;
  }
  return undefined;
}

/** Tells whether a line begins there: behind a line end, or at the beginning of the file. */
function isLineStart(bytes: Buffer, at: number, base: number): boolean {
  if (base + at === 0) return true;
  if (base === 0 && at === BOM.length && bytes.subarray(0, at).equals(BOM)) return true;
  return isEnd(bytes[at - 1]);
}

// ── What holds there ────────────────────────────────────────────────────────────────────────────

/** State that the blocks before some place have set. */
export interface Held {
  readonly lastEventId: string;
  readonly retry: number | undefined;
  /** Of a recording. */
  readonly time: string;
}

/** Undefined: nothing in that range has set it. */
export type Found = {readonly [Name in keyof Held]: Held[Name] | undefined};

function parsed(line: Buffer): EventParser | undefined {
  let isIgnored = false;
  const parser = new EventParser({onIgnored: () => (isIgnored = true)});
  parser.feed(line);
  parser.feed('\n\n');
  return isIgnored ? undefined : parser;
}

function timeOf(line: Buffer): string | undefined {
  return timeIn(line.toString().replace(/^: ?/, ''))?.iso;
}

/** A kind of line to look for: its beginning, and its meaning; undefined: it has none. */
const FIELDS = {
  lastEventId: {prefix: 'id', read: (line: Buffer) => parsed(line)?.lastEventId},
  retry: {prefix: 'retry', read: (line: Buffer) => parsed(line)?.retry},
  time: {prefix: ':', read: timeOf},
} as const;

/** Bytes looked through at a time, and of the longest prefix and what is before it. */
const LOOK_BACK = 262_144;
const AROUND = 8;

/** The last values that the whole blocks of a range set; of those names alone. */
export function foundIn(source: Source, range: Range, names: readonly (keyof Held)[]): Found {
  const found = {lastEventId: undefined, retry: undefined, time: undefined};
  const buffer = Buffer.allocUnsafe(LOOK_BACK + AROUND);
  let missing = names;
  for (let to = range.end; to > range.start && missing.length; ) {
    const from = Math.max(range.start, to - LOOK_BACK);
    const base = from <= BOM.length ? 0 : from - 1; // to see what is before the first line
    const most = Math.min(range.end - base, to - base + AROUND - BOM.length);
    const bytes = bytesAt(source, buffer.subarray(0, most), base);
    const isThere = (at: number) => base + at >= from && base + at < to; // or it was seen before
    missing = missing.filter((name) => {
      const {prefix, read} = FIELDS[name];
      for (const at of linesBack(bytes, Buffer.from(prefix), base).filter(isThere)) {
        const value = read(lineAt(source, base + at, range.end));
        if (value === undefined) continue;
        Object.assign(found, {[name]: value});
        return false;
      }
      return true;
    });
    to = from;
  }
  return found;
}

/** Yields the places of lines that begin so, from the last one on. */
function linesBack(bytes: Buffer, prefix: Buffer, base: number): number[] {
  const found = base === 0 ? startsOfFile(bytes, prefix) : [];
  for (const end of [LF, CR]) {
    const start = Buffer.from([end, ...prefix]);
    for (let at = bytes.indexOf(start); at >= 0; at = bytes.indexOf(start, at + 1)) {
      found.push(at + 1);
    }
  }
  return found.sort((one, other) => other - one);
}

/** Finds the first line, with or without a byte order mark, if it begins so. */
function startsOfFile(bytes: Buffer, prefix: Buffer): number[] {
  return [0, BOM.length].filter(
    (at) => isLineStart(bytes, at, 0) && bytes.indexOf(prefix, at) === at,
  );
}

/** A line without its end. */
function lineAt(source: Source, at: number, end: number): Buffer {
  const pieces: Buffer[] = [];
  for (let from = at; from < end; ) {
    const buffer = Buffer.allocUnsafe(Math.min(pieces.length ? WINDOW : 256, end - from));
    const bytes = bytesAt(source, buffer, from);
    const length = bytes.findIndex(isEnd);
    pieces.push(length < 0 ? bytes : bytes.subarray(0, length));
    if (length >= 0 || !bytes.length) break;
    from += bytes.length;
  }
  return Buffer.concat(pieces);
}

/** Reads a range. Each chunk is good until another one is asked for. */
export function* bytesBetween(source: Source, {start, end}: Range): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(WINDOW);
  for (let at = start; at < end; ) {
    const bytes = bytesAt(source, buffer.subarray(0, end - at), at);
    if (!bytes.length) return;
    at += bytes.length;
    yield bytes;
  }
}

/** Lines that end before a byte. */
export function linesBefore(source: Source, at: number): number {
  let count = 0;
  let last = 0;
  const buffer = Buffer.allocUnsafe(WINDOW);
  for (let from = 0; from < at; ) {
    const bytes = bytesAt(source, buffer.subarray(0, at - from), from);
    if (!bytes.length) break;
    for (const byte of bytes) {
      if (byte === CR || (byte === LF && last !== CR)) count++;
      last = byte;
    }
    from += bytes.length;
  }
  return count;
}
