// What the simulated server has to tell: entries without end, the same ones for the same seed. Each
// is the text of one block of the stream and what the specification makes of it, put together side
// by side, so that no parser is needed to know what must come out.

import {randomFrom} from '../support/random.mjs';

const HISTORIES = 16;
const MOST_KNOWN = 500;
const known = new Map();

const ENDS = ['\n', '\r\n', '\r'];
const TYPES = ['message', 'tick', 'ü'];
const WIDE = ['é', '→', '😀'];

/**
 * Every entry of an `exact` history is an event with an ID of its own, so that whoever resumes gets
 * each of them once. In a loose one IDs persist, are cleared, or come without an event.
 */
export class History {
  #seed;
  #isExact;
  #end;
  #retries;
  #entries = [];
  /** Where the entry with an ID stands. */
  #places = new Map([['', 0]]);

  /** One of a few hundred, which are kept: they take as long to make as to play. */
  static of(seed, kind) {
    const key = `${seed % HISTORIES} ${JSON.stringify(kind)}`;
    let history = known.get(key);
    if (!history) {
      if (known.size > MOST_KNOWN) known.clear();
      history = new History(seed % HISTORIES, kind);
      known.set(key, history);
    }
    return history;
  }

  /** `retries`: reconnection times that the server sends now and then, ms. */
  constructor(seed, {isExact, end, retries}) {
    this.#seed = seed;
    this.#isExact = isExact;
    this.#end = end;
    this.#retries = retries;
  }

  /** The entry of that number, from 1. */
  entry(number) {
    while (this.#entries.length < number) {
      const entry = this.#make(this.#entries.length + 1);
      this.#entries.push(entry);
      if (entry.setsId && entry.id) this.#places.set(entry.id, entry.number);
    }
    return this.#entries[number - 1];
  }

  /** The number of the last entry that whoever has that ID has seen; undefined: none has it. */
  placeOf(id) {
    return this.#places.get(id);
  }

  #make(number) {
    const random = randomFrom(Math.imul(this.#seed, 31) + number);
    const before = this.#entries.at(-1) ?? {id: '', retry: undefined};
    const {id, setsId} = this.#idOf(number, random, before);
    const isEvent = this.#isExact || !random.once(5);
    const retry = this.#retries.length && random.once(4) ? random.of(this.#retries) : undefined;
    const type = random.of(TYPES);
    const wide = random.once(4) ? random.of(WIDE) : '';
    const lines = [`${number}`, ...(random.once(5) ? [`more ${wide}`, ''] : [])];
    const fields = [
      ...(random.once(6) ? [`: ${wide}comment`, 'unknown: field', 'data2'] : []),
      ...(type === 'message' ? [] : [`event: ${type}`]),
      ...(isEvent ? lines.map((line) => `data:${random.once(2) ? ' ' : ''}${line}`) : []),
      ...(setsId ? [id ? `id: ${id}` : random.of(['id', 'id:'])] : []),
    ];
    return {
      number,
      ...this.#textOf(random, retry, fields),
      id,
      setsId,
      retry: retry ?? before.retry,
      setsRetry: retry !== undefined,
      event: isEvent ? {event: type, data: lines.join('\n')} : undefined,
    };
  }

  #idOf(number, random, before) {
    const mark = random.once(8) ? 'ü' : '';
    const own = {id: `${mark}${number}`, setsId: true};
    if (this.#isExact) return own;
    return random.of([own, own, {id: before.id, setsId: false}, {id: '', setsId: true}]);
  }

  /** `done`, `retryDone`: after how much of the text the block, or its retry line, counts. */
  #textOf(random, retry, fields) {
    const end = () => (this.#end === 'mixed' ? random.of(ENDS) : this.#end);
    const first = retry === undefined ? '' : `retry: ${retry}${end()}`;
    const lines = first + fields.map((field) => field + end()).join('');
    // after a CR, a blank line that begins with LF would be the rest of a CRLF
    const blank = lines.endsWith('\r') ? '\r' : end();
    const text = lines + blank;
    return {
      text,
      bytes: Buffer.from(text),
      done: {units: lines.length + 1, bytes: Buffer.byteLength(lines) + 1},
      retryDone: `retry: ${retry}`.length + 1,
    };
  }
}
