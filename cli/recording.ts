// Recordings. A recording is an event stream like any other. Its times are comments, only where no
// event is open: `: ssekit connection TIME` where a connection begins, `: ssekit TIME` before what
// came then. Only whole blocks are written: what a lost connection left unfinished is no event, and
// must not become one with what comes next.
//
// A server may send such comments, too, and must not forge a time. They are escaped by a backslash
// after the name (`: ssekit\ TIME`, and so is one that has it already), and replay takes it out
// again. Of a file whose first line is none of our times nothing is taken for one.

import {fstatSync, ftruncateSync} from 'node:fs';
import {isatty} from 'node:tty';
import {EventParser} from '../sse.ts';
import {claim} from './claim.ts';
import {bytesOf, fileFailure, mustNotBeOutput, openFile, placeOf, shownName} from './files.ts';
import {isCompressed} from './input.ts';
import {COLON, dropBOM, isEnd, NOTHING, Seams} from './lines.ts';
import {GATHERED, hasLeft, STDOUT, writeAll} from './output.ts';
import {Failure, inBytes, NobodyReads} from './text.ts';

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.source;
const TIME_COMMENT = new RegExp(`^ssekit (connection )?(${TIME})$`);
const TIME_LINE = new RegExp(`^: ssekit (?:connection )?${TIME}[\\r\\n]`);

/** Bytes of a line that holds a time, at most. */
const MOST_TIME_LINE = 64;

/** Tells by a stream's first bytes whether its times are those of a recording. */
export function isRecording(head: Uint8Array): boolean {
  return TIME_LINE.test(Buffer.from(head.subarray(0, MOST_TIME_LINE)).toString('latin1'));
}

/** The time that whole lines of a recording consist of; undefined: they are something else. */
export function timeOfLines(lines: Buffer): ReturnType<typeof timeIn> {
  if (lines.length > MOST_TIME_LINE) return undefined; // and need not become text for that
  return timeIn(lines.toString().replace(/^\n?: |[\r\n]+$/g, ''));
}

/** Reads such a comment of a recording; undefined: it is none, or its time is none. */
export function timeIn(comment: string): {iso: string; ms: number; begins: boolean} | undefined {
  const [, connection, iso = ''] = TIME_COMMENT.exec(comment) ?? [];
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? undefined : {iso, ms, begins: connection !== undefined};
}

const NAME = Buffer.from('ssekit');
const SPACE = 32;
const BACKSLASH = 92;

/** Whole lines as they are recorded. */
function escaped(lines: Buffer): Buffer {
  const ends = [...namesIn(lines)].filter((end) => isOneOf(lines[end], SPACE, BACKSLASH));
  if (!ends.length) return lines;
  const starts = [0, ...ends];
  return Buffer.from(
    starts.map((start, at) => lines.toString('latin1', start, starts[at + 1])).join('\\'),
    'latin1',
  );
}

/** Whole lines of a recording as the server sent them. */
export function unescaped(lines: Buffer): Buffer {
  const ends = [...namesIn(lines)].filter((end) => lines[end] === BACKSLASH);
  if (!ends.length) return lines;
  const starts = [0, ...ends.map((end) => end + 1)];
  return Buffer.concat(starts.map((start, at) => lines.subarray(start, ends[at])));
}

function isOneOf(byte: number | undefined, ...bytes: readonly number[]): boolean {
  return byte !== undefined && bytes.includes(byte);
}

/** Finds where "ssekit" ends at the beginning of a comment, with or without a space before. */
function* namesIn(lines: Buffer): Generator<number> {
  for (let at = lines.indexOf(NAME); at >= 0; at = lines.indexOf(NAME, at + NAME.length)) {
    const start = lines[at - 1] === SPACE ? at - 1 : at;
    if (lines[start - 1] !== COLON) continue;
    if (start === 1 || isEnd(lines[start - 2])) yield at + NAME.length;
  }
}

/** Bytes of one block that are kept until it is whole. */
const MOST_PENDING = 2 ** 28;

/** A file that a stream is recorded to, or added to. */
export class Recording {
  /** ID that another request would resume after. */
  readonly lastEventId: string;
  readonly #name: string;
  readonly #fd: number;
  /** The file's length after the last whole write. */
  #size: number;
  #seams = new Seams();
  #drop = dropBOM();
  /** As one: a server may send a block in millions of pieces. */
  #pending: Uint8Array = NOTHING;
  #pendingSize = 0;
  #time = '';

  private constructor(name: string, fd: number, size: number, lastEventId: string) {
    this.#name = name;
    this.#fd = fd;
    this.#size = size;
    this.lastEventId = lastEventId;
  }

  /** `-` is standard output. */
  static async open(file: string): Promise<Recording> {
    if (file === '-') {
      if (isatty(STDOUT)) {
        throw new Failure('a recording is not for a terminal; give a file, or redirect the output');
      }
      return new Recording('standard output', STDOUT, fstatSync(STDOUT).size, '');
    }
    const fd = openFile(file, 'a+');
    const name = shownName(file);
    if (!fstatSync(fd).isFile()) return new Recording(name, fd, 0, '');
    const place = placeOf(file);
    mustNotBeOutput(file, place.identity);
    await claim(file, place);
    const {size, lastEventId, isOurs} = readRecording(fd, file);
    const isWhole = size === fstatSync(fd).size;
    if (!isWhole && !isOurs) {
      throw new Failure(
        `${name}: ends in the middle of an event and was not recorded by ssekit, so nothing is`
          + ' added to it; choose another file',
      );
    }
    if (!isWhole) ftruncateSync(fd, size); // a write that was cut short: it is asked for again
    return new Recording(name, fd, size, lastEventId);
  }

  /** A connection has opened. */
  begin(): void {
    this.#seams = new Seams();
    this.#drop = dropBOM();
    this.#forget();
    this.#time = new Date().toISOString();
    this.#write([Buffer.from(`: ssekit connection ${this.#time}\n`)]);
  }

  write(received: Uint8Array): void {
    const chunk = this.#drop(received);
    let lastSeam = 0;
    const begin = this.#seams.find(chunk, (at) => (lastSeam = at));
    if (lastSeam) this.#writeWhole(chunk.subarray(0, lastSeam), this.#pendingSize ? 0 : begin);
    this.#keep(chunk.subarray(lastSeam));
  }

  /** Whole blocks and comments; the first bytes may be the LF of a CR that is written already. */
  #writeWhole(chunk: Uint8Array, begin: number): void {
    const now = new Date().toISOString();
    const isNew = now !== this.#time && chunk.length > begin;
    if (isNew) this.#time = now;
    const time = Buffer.from(isNew ? `: ssekit ${now}\n` : '');
    const pending = this.#pending.subarray(0, this.#pendingSize);
    const lines = Buffer.concat([pending, chunk.subarray(begin)]);
    this.#write([chunk.subarray(0, begin), time, escaped(lines)]);
    this.#forget();
  }

  /** The text that is not whole yet. */
  #keep(rest: Uint8Array): void {
    if (!rest.length) return;
    const needed = this.#pendingSize + rest.length;
    if (needed > MOST_PENDING) {
      throw new Failure(`${this.#name}: an event above ${inBytes(MOST_PENDING)} is not recorded`);
    }
    if (needed > this.#pending.length) {
      const larger = Buffer.allocUnsafe(2 * needed);
      larger.set(this.#pending.subarray(0, this.#pendingSize));
      this.#pending = larger;
    }
    this.#pending.set(rest, this.#pendingSize);
    this.#pendingSize = needed;
  }

  #forget(): void {
    if (this.#pending.length > GATHERED) this.#pending = NOTHING;
    this.#pendingSize = 0;
  }

  #write(parts: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(parts);
    try {
      writeAll(this.#fd, bytes);
      this.#size += bytes.length;
    } catch (error) {
      if (this.#fd === STDOUT && hasLeft(error)) throw new NobodyReads();
      this.#undo();
      throw fileFailure(this.#name, error);
    }
  }

  /** A full disk may have taken a part. */
  #undo(): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      // no regular file
    }
  }
}

/** Finds how far a recording is whole, and its last event ID. */
function readRecording(
  fd: number,
  file: string,
): {size: number; lastEventId: string; isOurs: boolean} {
  const parser = new EventParser();
  const seams = new Seams();
  let size = 0;
  let total = 0;
  let isOurs = false;
  for (const chunk of bytesOf(fd, file)) {
    if (!total) {
      isOurs = isRecording(chunk);
      if (isCompressed(chunk)) {
        throw new Failure(
          `${shownName(file)}: is compressed, so nothing is added to it; choose another file`,
        );
      }
    }
    seams.find(chunk, (at) => (size = total + at));
    parser.feed(chunk, () => {});
    total += chunk.length;
  }
  return {size, lastEventId: parser.lastEventId, isOurs};
}
