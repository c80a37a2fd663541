// Damage, as --strict reports it. A parser takes anything (the specification says so); damaged is
// what it would have to drop or to replace: bytes that are no UTF-8, a line that is neither a field
// nor a comment, a `retry` that is no number, an `id` with NUL, and an end inside a line or a
// block.

import {isUtf8} from 'node:buffer';
import {BOM, COLON, Lines} from './lines.ts';

export class Damage extends Error {
  /** Beginning of the damaged line, or of the unfinished block. */
  readonly offset: number;
  constructor(offset: number, line: number, what: string) {
    super(`byte ${offset}, line ${line}: ${what}`);
    this.offset = offset;
  }
}

/** Looks at bytes before they are parsed. Throws Damage. */
export class DamageDetector {
  readonly #lines = new Lines();
  /** The beginning of a line that goes on. */
  #head: Uint8Array[] = [];
  #total: number;
  #line = 1;
  readonly #linesBefore: () => number;
  #lineStart: number;
  /** Beginning of the open block, and its line. */
  #block: {readonly offset: number; readonly line: number} | undefined;

  /** `offset`: where the input begins in its file; `linesBefore`: how many lines end there. */
  constructor(offset = 0, linesBefore = () => 0) {
    this.#total = offset;
    this.#lineStart = offset;
    this.#linesBefore = linesBefore;
  }

  write(chunk: Uint8Array): void {
    const offset = this.#total;
    this.#total += chunk.length;
    const isSound = isUtf8(chunk); // mostly, and then no line needs to be looked at for it
    this.#lines.scan(chunk, (start, end, after) => {
      const piece = chunk.subarray(start, end);
      if (!this.#head.length) this.#lineStart = offset + start;
      if (!after) return void this.#head.push(Buffer.from(piece));
      if (this.#head.length) this.#checkLine(Buffer.concat([...this.#head, piece]), false);
      else this.#checkLine(piece, isSound);
      this.#head = [];
      this.#line++;
    });
  }

  end(): void {
    if (this.#head.length) this.#checkLine(Buffer.concat(this.#head), false);
    const {offset, line} = this.#block ?? {offset: this.#lineStart, line: this.#line};
    if (this.#head.length || this.#block) {
      this.#fail(offset, line, 'the input ends before this event does');
    }
  }

  #fail(offset: number, line: number, what: string): never {
    throw new Damage(offset, this.#linesBefore() + line, what);
  }

  #checkLine(received: Uint8Array, isSound: boolean): void {
    const hasBOM = this.#lineStart === 0 && BOM.equals(received.subarray(0, BOM.length));
    const line = hasBOM ? received.subarray(BOM.length) : received;
    const damage = !isSound && !isUtf8(line) ? 'invalid UTF-8' : damageOf(line);
    if (damage) this.#fail(this.#lineStart, this.#line, damage);
    if (!line.length) this.#block = undefined;
    else if (line[0] !== COLON) {
      this.#block ??= {offset: this.#lineStart, line: this.#line};
    }
  }
}

const DATA = [...Buffer.from('data')];

/** Explains what is wrong with a line; undefined: nothing. */
function damageOf(line: Uint8Array): string | undefined {
  if (!line.length || line[0] === COLON) return undefined;
  if (line[4] === COLON && DATA.every((byte, at) => line[at] === byte)) return undefined;
  const colon = line.indexOf(COLON);
  const text = Buffer.from(line.buffer, line.byteOffset, line.length);
  const name = text.toString('utf8', 0, colon < 0 ? Math.min(line.length, 100) : colon);
  const value =
    name === 'retry' || name === 'id'
      ? text.toString('utf8', colon < 0 ? line.length : colon + 1)
      : '';
  if (!['data', 'event', 'id', 'retry'].includes(name)) {
    return `neither a field nor a comment: ${JSON.stringify(name.slice(0, 40))}`;
  }
  if (name === 'retry' && !/^ ?[0-9]+$/.test(value)) return 'its retry is not a number';
  return name === 'id' && value.includes('\0') ? 'its id has a NUL in it' : undefined;
}
