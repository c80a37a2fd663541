// Standard output, standard error, and one line on the terminal that is drawn over.
//
// Writes are synchronous: while nobody takes the output nothing is read, and there is nothing to
// lose when the process ends. There are no signal handlers but that of --stats, so Ctrl-C ends it
// at any time, and what is on disk must be right at any time: a kill -9 is no special case.

import {writeSync} from 'node:fs';
import {isatty} from 'node:tty';
import {Failure, inOneLine, NobodyReads, systemReasonOf} from './text.ts';

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/** ms until another look at a descriptor that is not ready, as others may have set it up. */
const NOT_READY = 5;

/** Tells whether that error only means "later", and waits until then. */
export function waitedFor(error: unknown): boolean {
  if (Object(error).code !== 'EAGAIN') return false;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NOT_READY);
  return true;
}

/** Tells whether that error means that nobody reads: of a pipe, of a socket. */
export function hasLeft(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(Object(error).code);
}

export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (!waitedFor(error)) throw error;
    }
  }
}

/** Gathered up to this many bytes: each write has a fixed price. */
export const GATHERED = 262_144;

/** UTF-16 code units that are gathered, and bytes of UTF-8 that each can need. */
const GATHERED_UNITS = 65_536;
export const UNIT_BYTES = 3;

/** Lines for standard output, or for what takes them instead. */
export class Output {
  readonly #take: (text: string) => void;
  /** Lines that are not written yet: to join them is cheaper than to encode each by itself. */
  #text = '';

  constructor(take: (text: string) => void = textToStdout()) {
    this.#take = take;
  }

  /** Writes the text and a LF. */
  addLine(text: string): void {
    this.#text += text;
    this.#text += '\n';
    if (this.#text.length > GATHERED_UNITS) this.flush();
  }

  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text) this.#take(text);
  }
}

/** Encodes into one buffer, where the text is no longer than usual. */
function textToStdout(): (text: string) => void {
  const buffer = Buffer.allocUnsafe(GATHERED);
  return (text) => {
    const fits = UNIT_BYTES * text.length <= GATHERED;
    toStdout(fits ? buffer.subarray(0, buffer.write(text)) : Buffer.from(text));
  };
}

/** Throws NobodyReads, and Failure where a disk is full. */
export function toStdout(bytes: Uint8Array): void {
  statusLine.clear();
  try {
    writeAll(STDOUT, bytes);
  } catch (error) {
    if (hasLeft(error)) throw new NobodyReads();
    throw new Failure(`standard output: ${systemReasonOf(error)}`);
  }
}

/** The last line of the terminal, which is drawn over: figures, progress. */
export const statusLine = {
  isTerminal: isatty(STDERR),
  isShown: false,

  /** Only on a terminal. */
  draw(text: string): void {
    if (!this.isTerminal) return;
    this.isShown = true;
    toStderr(`\r\x1b[K${inOneLine(text).slice(0, 79)}`);
  },

  clear(): void {
    if (this.isShown) toStderr('\r\x1b[K');
    this.isShown = false;
  },
};

/** There is no one to tell when that fails. */
export function toStderr(text: string): void {
  try {
    writeAll(STDERR, Buffer.from(text));
  } catch {
    // closed
  }
}

/** One line to people. */
export function say(text: string): void {
  statusLine.clear();
  toStderr(`ssekit: ${inOneLine(text)}\n`);
}
