// JSON of any size, read as it arrives: what nobody asks for is passed over, a string may be had
// piece by piece, and no depth of a stranger's nesting is a depth of calls here.

import {NOTHING} from './lines.ts';
import type {Chunks} from './lines.ts';

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPENING = [...Buffer.from('[{')];
const CLOSING = [...Buffer.from(']}')];
const SEPARATORS = [COMMA, COLON];
const BLANKS = [...Buffer.from(' \t\r\n')];
const REPLACEMENT = Buffer.from('\ufffd');

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** UTF-16 code units of a key that are kept: no key that anybody asks for is as long. */
const MOST_KEY = 100;

/** Each method reads what comes next, and whoever is given a key or an element reads its value. */
export class JSONReader {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #failure: (message: string) => Error;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** Bytes before this chunk. */
  #before = 0;
  /** Where the next of each is in this chunk: its length if there is none, -1 if it is unknown. */
  #quote = -1;
  #backslash = -1;

  /** `failure` makes the error for what is no JSON, or ends too early: the message says where. */
  constructor(chunks: Chunks, failure: (message: string) => Error) {
    this.#failure = failure;
    this.#chunks =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** The first byte of what comes next, as a character; undefined: the end. */
  async peek(): Promise<string | undefined> {
    for (;;) {
      while (this.#at < this.#chunk.length && BLANKS.includes(this.#byte())) this.#at++;
      if (this.#at < this.#chunk.length) return String.fromCharCode(this.#byte());
      if (!(await this.#fill())) return undefined;
    }
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
    const kept: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of this.pieces()) {
      if (size < most) kept.push(bytes.subarray(0, most - size));
      size += bytes.length;
    }
    return Buffer.concat(kept).toString();
  }

  /** A number; NaN: something else came. */
  async number(): Promise<number> {
    const first = (await this.peek()) ?? '';
    if (!/[-\d]/.test(first)) {
      await this.skip();
      return NaN;
    }
    return Number(await this.#word());
  }

  /** The text of a string, as UTF-8, piece by piece. Each is its reader's. */
  async *pieces(): AsyncGenerator<Buffer> {
    await this.#expect(QUOTE);
    const text = new EscapedText();
    for (;;) {
      const made = Buffer.allocUnsafe(this.#chunk.length - this.#at + EscapedText.MOST_HELD);
      let size = 0;
      while (this.#at < this.#chunk.length) {
        if (text.isInEscape) {
          size += this.#escape(text, made, size);
          continue;
        }
        const end = this.#nextSpecial();
        if (end > this.#at) size += text.plain(this.#chunk.subarray(this.#at, end), made, size);
        this.#at = end;
        if (end === this.#chunk.length) break;
        this.#at++;
        if (this.#chunk[end] === BACKSLASH) {
          text.begin();
          continue;
        }
        size += text.end(made, size);
        if (size) yield made.subarray(0, size);
        return;
      }
      if (size) yield made.subarray(0, size);
      await this.#mustFill();
    }
  }

  /** Whatever it is. */
  async skip(): Promise<void> {
    let depth = 0;
    do {
      const code = (await this.peek())?.charCodeAt(0) ?? NaN;
      if (code === QUOTE) await this.#skipString();
      else if (OPENING.includes(code)) depth += this.#take();
      else if (depth && CLOSING.includes(code)) depth -= this.#take();
      else if (depth && SEPARATORS.includes(code)) this.#take();
      else if (!(await this.#word())) throw await this.#wrongOrEnded();
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

  async #fill(): Promise<boolean> {
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

  /** Where a string ends or an escape begins, at or after #at. */
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

  async #skipString(): Promise<void> {
    this.#at++;
    for (let isEscaped = false; ; ) {
      if (this.#at >= this.#chunk.length) await this.#mustFill();
      if (isEscaped) {
        isEscaped = false;
        this.#at++;
        continue;
      }
      const end = this.#nextSpecial();
      this.#at = Math.min(end + 1, this.#chunk.length);
      if (end === this.#chunk.length) continue;
      if (this.#chunk[end] === QUOTE) return;
      isEscaped = true;
    }
  }

  /** A number or a name such as `null`, of which the beginning is kept. */
  async #word(): Promise<string> {
    let word = '';
    for (;;) {
      while (this.#at < this.#chunk.length) {
        const character = String.fromCharCode(this.#byte());
        if (!/[\w+.-]/.test(character)) return word;
        if (word.length < MOST_KEY) word += character;
        this.#at++;
      }
      if (!(await this.#fill())) return word;
    }
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
  /** What came of an escape, from its backslash on. */
  #open = '';
  /** The first half of a pair. */
  #high = '';

  get isInEscape(): boolean {
    return this.#open !== '';
  }

  begin(): void {
    this.#open = '\\';
  }

  plain(bytes: Uint8Array, made: Buffer, at: number): number {
    const before = this.end(made, at);
    made.set(bytes, at + before);
    return before + bytes.length;
  }

  /** The string ends, or goes on with something else: half a pair is no character. */
  end(made: Buffer, at: number): number {
    if (!this.#high) return 0;
    this.#high = '';
    return REPLACEMENT.copy(made, at);
  }

  /** Takes one byte of an escape; the bytes that it made. Undefined: it is none. */
  escape(byte: number, made: Buffer, at: number): number | undefined {
    const character = String.fromCharCode(byte);
    this.#open += character;
    if (!this.#open.startsWith('\\u')) {
      const meant = ESCAPES[character];
      return meant === undefined ? undefined : this.#write(meant, made, at);
    }
    if (this.#open.length === 2) return 0;
    if (!/[\da-f]/i.test(character)) return undefined;
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
