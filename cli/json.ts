// JSON of any size, read as it arrives: what nobody asks for is passed over, a string may be had
// piece by piece, and no depth of a stranger's nesting is a depth of calls here.

import {COLON, NOTHING} from './lines.ts';
import type {Chunks} from './lines.ts';

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const OPENING = [...Buffer.from('[{')];
const CLOSING = [...Buffer.from(']}')];
const SEPARATORS = [COMMA, COLON];
const BLANKS = [...Buffer.from(' \t\r\n')];
const REPLACEMENT = Buffer.from('\ufffd');

const LETTER_U = 117;

/** Bytes of which numbers and names such as `null` consist: not 0. */
const WORD = new Uint8Array(256);
for (const byte of Buffer.from(
  '0123456789+-.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
)) {
  WORD[byte] = 1;
}

/** The byte that an escape of one letter means, by that letter's; 0: none. */
const MEANINGS = new Uint8Array(256);
for (const [letter, meaning] of Object.entries({
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
})) {
  MEANINGS[letter.charCodeAt(0)] = meaning.charCodeAt(0);
}

/** UTF-16 code units of a key that are kept: no key that anybody asks for is as long. */
const MOST_KEY = 100;

/** Bytes that are decoded at once: a buffer for each chunk's rest would cost more than its text. */
const MOST_OF_A_PIECE = 16_384;

/** The bytes of a value: where it goes on in this chunk, and what came of it before. */
interface Capture {
  start: number;
  before: Buffer[];
  size: number;
  readonly most: number;
}

/** Each method reads what comes next, and whoever is given a key or an element reads its value. */
export class JSONReader {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #failure: (message: string) => Error;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** Bytes before this chunk. */
  #before = 0;
  /** Place of the nearest of each in this chunk: its length if there is none, -1 if unknown. */
  #quote = -1;
  #backslash = -1;
  #capture: Capture | undefined;
  /** In a string that is passed over, the next byte is one of an escape. */
  #isEscaped = false;

  /** `failure` makes the error for what is no JSON, or ends too early: the message says where. */
  constructor(chunks: Chunks, failure: (message: string) => Error) {
    this.#failure = failure;
    this.#chunks =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** The first byte of what comes next, as a character; undefined: the end. */
  async peek(): Promise<string | undefined> {
    const code = this.#next() ?? (await this.#nextFilled());
    return code === undefined ? undefined : String.fromCharCode(code);
  }

  /** The keys of an object; of anything else none. */
  async *members(): AsyncGenerator<string> {
    if ((await this.peek()) !== '{') return await this.skip();
    this.#at++;
    if ((await this.peek()) === '}') return void this.#at++;
    for (;;) {
      const key = await this.string(MOST_KEY);
      if (key === undefined) throw this.#wrong();
      await this.#expect(COLON);
      yield key;
      if (!(await this.#goesOn('}'))) return;
    }
  }

  /** Yields before each element of an array; for anything else it does not. */
  async *elements(): AsyncGenerator<void> {
    if ((await this.peek()) !== '[') return await this.skip();
    this.#at++;
    if ((await this.peek()) === ']') return void this.#at++;
    do yield;
    while (await this.#goesOn(']'));
  }

  /** A string, of which that many bytes are kept; undefined: something else came. */
  async string(most: number): Promise<string | undefined> {
    if ((await this.peek()) !== '"') {
      await this.skip();
      return undefined;
    }
    const plain = this.#plainString(most);
    if (plain !== undefined) return plain;
    const kept: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of this.pieces()) {
      if (size < most) kept.push(bytes.subarray(0, most - size));
      size += bytes.length;
    }
    return Buffer.concat(kept).toString();
  }

  /** As nearly all are: without an escape, and in one chunk. */
  #plainString(most: number): string | undefined {
    const start = this.#at++;
    const end = this.#nextSpecial();
    if (this.#chunk[end] !== QUOTE) {
      this.#at = start;
      return undefined;
    }
    const {buffer, byteOffset} = this.#chunk;
    const bytes = Buffer.from(buffer, byteOffset + start + 1, Math.min(end - start - 1, most));
    this.#at = end + 1;
    return bytes.toString();
  }

  /** A whole value of at most that many bytes, as JSON.parse gives it; undefined: it has more. */
  async value(most: number): Promise<unknown> {
    await this.peek();
    const capture = {start: this.#at, before: [], size: 0, most};
    this.#capture = capture;
    await this.skip();
    this.#capture = undefined;
    this.#keep(capture, this.#at);
    if (capture.size > most) return undefined;
    try {
      return JSON.parse(Buffer.concat(capture.before).toString());
    } catch {
      throw this.#wrong();
    }
  }

  /** This chunk, up to there, is a part of the value that is captured. */
  #keep(capture: Capture, end: number): void {
    const part = this.#chunk.subarray(capture.start, end);
    capture.start = 0;
    capture.size += part.length;
    if (capture.size <= capture.most) capture.before.push(Buffer.from(part));
    else capture.before = [];
  }

  /** The text of a string, as UTF-8, piece by piece. Each is its reader's. */
  async *pieces(): AsyncGenerator<Buffer> {
    await this.#expect(QUOTE);
    const text = new EscapedText();
    for (let isOver = false; !isOver; ) {
      if (this.#at >= this.#chunk.length) await this.#mustFill();
      const most = Math.min(this.#chunk.length - this.#at, MOST_OF_A_PIECE);
      const made = Buffer.allocUnsafe(most + EscapedText.MOST_HELD);
      let size = 0;
      const end = this.#at + most;
      while (this.#at < end && !isOver) {
        if (text.isInEscape) size += this.#escape(text, made, size);
        else {
          const special = Math.min(this.#nextSpecial(), end);
          size += text.plain(this.#chunk, this.#at, special, made, size);
          this.#at = special;
          if (special === end) break;
          this.#at++;
          isOver = this.#chunk[special] === QUOTE;
          if (!isOver) text.begin();
        }
      }
      if (isOver) size += text.end(made, size);
      if (size) yield made.subarray(0, size);
    }
  }

  /** Whatever it is. */
  async skip(): Promise<void> {
    let depth = 0;
    do {
      const code = this.#next() ?? (await this.#nextFilled()) ?? NaN;
      if (code === QUOTE) {
        this.#at++;
        while (!this.#skipString()) await this.#mustFill();
      } else if (OPENING.includes(code)) depth += this.#take();
      else if (depth && CLOSING.includes(code)) depth -= this.#take();
      else if (depth && SEPARATORS.includes(code)) this.#take();
      else if (!this.#skipWord()) throw await this.#wrongOrEnded();
      else while (this.#at >= this.#chunk.length && (await this.#fill())) this.#skipWord();
    } while (depth);
  }

  /** Nothing but blanks may come. */
  async end(): Promise<void> {
    if ((await this.peek()) !== undefined) throw this.#wrong();
  }

  /** Goes on behind a byte: 1. */
  #take(): 1 {
    this.#at++;
    return 1;
  }

  #byte(): number {
    return this.#chunk[this.#at] ?? 0;
  }

  /** Finds the nearest byte that is no blank; undefined: this chunk has none. */
  #next(): number | undefined {
    while (this.#at < this.#chunk.length) {
      const code = this.#byte();
      if (!BLANKS.includes(code)) return code;
      this.#at++;
    }
    return undefined;
  }

  /** The same of the chunks after it; undefined: the end. */
  async #nextFilled(): Promise<number | undefined> {
    while (await this.#fill()) {
      const code = this.#next();
      if (code !== undefined) return code;
    }
    return undefined;
  }

  /** Tells the source that no more is asked for. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(): Promise<boolean> {
    if (this.#capture) this.#keep(this.#capture, this.#chunk.length);
    this.#before += this.#chunk.length;
    this.#at = 0;
    this.#quote = -1;
    this.#backslash = -1;
    do {
      const next = await this.#chunks.next();
      this.#chunk = next.done ? NOTHING : next.value;
      if (next.done) return false;
    } while (!this.#chunk.length);
    return true;
  }

  async #mustFill(): Promise<void> {
    if (!(await this.#fill())) throw this.#ended();
  }

  /** Finds where a string ends or an escape begins, at or after #at. */
  #nextSpecial(): number {
    if (this.#quote < this.#at) this.#quote = this.#find(QUOTE);
    if (this.#backslash < this.#at) this.#backslash = this.#find(BACKSLASH);
    return Math.min(this.#quote, this.#backslash);
  }

  #find(byte: number): number {
    const at = this.#chunk.indexOf(byte, this.#at);
    return at < 0 ? this.#chunk.length : at;
  }

  /** One more byte of an escape; what it made. */
  #escape(text: EscapedText, made: Buffer, size: number): number {
    const written = text.escape(this.#byte(), made, size);
    if (written === undefined) throw this.#wrong();
    this.#at++;
    return written;
  }

  /** The rest of a string, within this chunk. False: it goes on in the next one. */
  #skipString(): boolean {
    while (this.#at < this.#chunk.length) {
      if (this.#isEscaped) {
        this.#isEscaped = false;
        this.#at++;
        continue;
      }
      const special = this.#nextSpecial();
      this.#at = Math.min(special + 1, this.#chunk.length);
      if (this.#chunk[special] === QUOTE) return true;
      this.#isEscaped = this.#chunk[special] === BACKSLASH;
    }
    return false;
  }

  /** A number or a name such as `null`, within this chunk. False: there is none. */
  #skipWord(): boolean {
    const start = this.#at;
    while (WORD[this.#byte()] && this.#at < this.#chunk.length) this.#at++;
    return this.#at > start;
  }

  async #expect(byte: number): Promise<void> {
    if ((await this.peek()) !== String.fromCharCode(byte)) throw await this.#wrongOrEnded();
    this.#at++;
  }

  /** After a value: true for a comma, false for that end. */
  async #goesOn(end: string): Promise<boolean> {
    const next = await this.peek();
    if (next !== ',' && next !== end) throw await this.#wrongOrEnded();
    this.#at++;
    return next === ',';
  }

  async #wrongOrEnded(): Promise<Error> {
    return (await this.peek()) === undefined ? this.#ended() : this.#wrong();
  }

  #wrong(): Error {
    return this.#failure(`not valid JSON at byte ${this.#before + this.#at}`);
  }

  #ended(): Error {
    return this.#failure(`the JSON is cut off after ${this.#before + this.#chunk.length} bytes`);
  }
}

/** A string's escapes, cut anywhere. Two for the halves of a surrogate pair are one character. */
class EscapedText {
  /** Bytes that may be written beyond those of a chunk. */
  static readonly MOST_HELD = 16;
  /** Characters of an escape so far, from its backslash on. */
  #open = '';
  /** The first half of a pair. */
  #high = '';

  get isInEscape(): boolean {
    return this.#open !== '';
  }

  begin(): void {
    this.#open = '\\';
  }

  /** Text as it is, from a chunk. */
  plain(chunk: Uint8Array, start: number, end: number, made: Buffer, at: number): number {
    if (start === end) return 0;
    const before = this.end(made, at);
    made.set(chunk.subarray(start, end), at + before);
    return before + end - start;
  }

  /** The string ends, or goes on with something else: half a pair is no character. */
  end(made: Buffer, at: number): number {
    if (!this.#high) return 0;
    this.#high = '';
    return REPLACEMENT.copy(made, at);
  }

  /** Takes one byte of an escape; the bytes that it made. Undefined: it is none. */
  escape(byte: number, made: Buffer, at: number): number | undefined {
    if (this.#open.length > 1) return this.#hexadecimal(byte, made, at);
    if (byte === LETTER_U) {
      this.#open = '\\u';
      return 0;
    }
    const meant = MEANINGS[byte];
    if (!meant) return undefined;
    this.#open = '';
    const before = this.end(made, at);
    made[at + before] = meant;
    return before + 1;
  }

  #hexadecimal(byte: number, made: Buffer, at: number): number | undefined {
    const digit = String.fromCharCode(byte);
    if (!/[\da-f]/i.test(digit)) return undefined;
    this.#open += digit;
    if (this.#open.length < 6) return 0;
    return this.#write(String.fromCharCode(parseInt(this.#open.slice(2), 16)), made, at);
  }

  #write(unit: string, made: Buffer, at: number): number {
    this.#open = '';
    const high = this.#high;
    const isLow = /^[\udc00-\udfff]$/.test(unit);
    if (high && isLow) {
      this.#high = '';
      return made.write(high + unit, at);
    }
    const before = this.end(made, at);
    if (/^[\ud800-\udbff]$/.test(unit)) {
      this.#high = unit;
      return before;
    }
    return before + made.write(isLow ? '\ufffd' : unit, at + before);
  }
}
