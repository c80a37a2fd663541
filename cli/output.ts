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

const LF = 10;

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

/** Standard output. Throws NobodyReads, and Failure where a disk is full. */
export class Output {
  #buffer = Buffer.allocUnsafe(GATHERED);
  #size = 0;

  /** That text and a LF. */
  addLine(text: string): void {
    const most = 3 * text.length + 1; // bytes of UTF-8 that a UTF-16 code unit can need
    if (this.#size + most > GATHERED) this.flush();
    if (most > GATHERED) {
      this.#write(Buffer.from(`${text}\n`));
    } else {
      this.#size += this.#buffer.write(text, this.#size);
      this.#buffer[this.#size++] = LF;
    }
  }

  flush(): void {
    const size = this.#size;
    this.#size = 0;
    if (size) this.#write(this.#buffer.subarray(0, size));
  }

  #write(bytes: Uint8Array): void {
    statusLine.clear();
    try {
      writeAll(STDOUT, bytes);
    } catch (error) {
      if (hasLeft(error)) throw new NobodyReads();
      throw new Failure(`standard output: ${systemReasonOf(error)}`);
    }
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
