// Why an input gave no event, or ended inside one: the wrong file, an error page, a cut-off log.

import type {IgnoredReason} from '../sse.ts';

/** Bytes of an input that are looked at, and UTF-16 code units of it that are shown. */
const MOST_LOOKED_AT = 1024;
const MOST_SHOWN = 100;

/** Watches one input while it is parsed. */
export class Impression {
  events = 0;
  #head = Buffer.alloc(0);
  /** The event that its end cuts. */
  unfinished: string | undefined;

  /** Its first bytes, as many as have come. */
  get head(): Uint8Array {
    return this.#head;
  }

  add(chunk: Uint8Array): void {
    const room = MOST_LOOKED_AT - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
  }

  /** For EventParser's `onIgnored`. */
  readonly ignored = (line: string, reason: IgnoredReason): void => {
    if (reason === 'incomplete' && !line.startsWith(':')) this.unfinished ??= line;
  };

  /** Warning at its end; undefined: none. A part may have no event of its own. */
  remark(isPart = false): string | undefined {
    const {unfinished} = this;
    if (this.events || isPart) {
      if (unfinished === undefined) return undefined;
      return `ends in the middle of an event, which is left out: ${shown(unfinished)}`;
    }
    if (!this.#head.length) return 'is empty';
    const looks = looksOf(this.#head);
    if (looks) return `has no events: it looks like ${looks}`;
    if (unfinished !== undefined) {
      return `has no events: it ends before the blank line after ${shown(unfinished)}`;
    }
    return `has no events: it begins with ${shown(this.#head.toString())}`;
  }
}

/** The first line, or the beginning of it. */
function shown(text: string): string {
  const [line = ''] = text.trimStart().split(/[\r\n]/, 1);
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line;
}

/** Guesses what that beginning is, if it is no event stream. */
function looksOf(head: Buffer): string | undefined {
  if (isUTF16(head)) return 'UTF-16, as PowerShell writes it: convert it to UTF-8';
  const text = head
    .toString()
    .replace(/^\ufeff/, '')
    .trimStart();
  if (/^[{[]/.test(text)) {
    return `${isJSONLines(text) ? 'JSON lines (NDJSON)' : 'JSON'}: ${shown(text)}`;
  }
  if (/^<(?:!doctype|\?xml|html|head|body)\b/i.test(text)) return `a web page: ${shown(text)}`;
  if (head.includes(0)) return 'binary data';
  return undefined;
}

/** With a byte order mark, or every other byte of its first ones a NUL. */
function isUTF16(head: Buffer): boolean {
  if (/^(?:fffe|feff)/.test(head.toString('hex', 0, 2))) return true;
  const start = [...head.subarray(0, 8)];
  const isNUL = (rest: number) => start.every((byte, at) => (at % 2 === rest) === (byte === 0));
  return start.length > 1 && (isNUL(0) || isNUL(1));
}

/** A whole value in the first line, and another one begins in the next. */
function isJSONLines(text: string): boolean {
  const [first = '', second = ''] = text.split(/\r?\n/).filter((line) => line.trim());
  try {
    JSON.parse(first);
  } catch {
    return false;
  }
  return /^\s*[{["\d]/.test(second);
}
