// HTTP archives (HAR), as browsers and test programs save them: of the responses in one, the event
// streams. Archives may be of any size; what is no stream is passed over, and a stream is handed on
// while it is read.
//
// Keys may come in any order, and what a text is may be said after it: Chrome writes the base64 of
// a body before it says so, others sort their keys.

import {formatEvent} from '../sse.ts';
import {JSONReader} from './json.ts';
import {chain, withoutBOM} from './lines.ts';
import type {Chunks} from './lines.ts';
import {counted, Failure, inBytes} from './text.ts';

/** An event stream of an archive. */
export interface Stream {
  readonly name: string;
  /** To be read before the next stream is asked for. */
  readonly chunks: Chunks;
}

/** Functions of other modules that streamsOfHAR() needs. */
export interface Around {
  /** Opens a body that is in a file of its own beside the archive. Throws Failure. */
  readonly attached: (file: string) => Chunks;
  /** Tells people, in one line. */
  readonly note: (text: string) => void;
}

/** Bytes of a text that are kept where its type is said after it. */
const MOST_KEPT = 2 ** 25;

/** Bytes of a request, or of the headers of a response. */
const MOST_OF_HEADERS = 2 ** 20;

/** Bytes of a URL or a type that are looked at. */
const MOST_LOOKED_AT = 4096;

/**
 * The event streams of an archive, each when it is met. Throws Failure for what is no archive, or
 * ends too early; what came before that is whole.
 */
export async function* streamsOfHAR(
  name: string,
  chunks: Chunks,
  around: Around,
): AsyncGenerator<Stream> {
  const json = new JSONReader(withoutBOM(chunks), (message) => new Failure(`${name}: ${message}`));
  const count = {entries: -1, streams: 0};
  try {
    for await (const key of json.members()) {
      if (key === 'log') yield* streamsOfLog(name, json, around, count);
      else await json.skip();
    }
    await json.end();
  } finally {
    await json.close();
  }
  if (count.entries < 0) {
    throw new Failure(`${name}: is not an HTTP archive (HAR): it has no array log.entries`);
  }
  if (count.streams) return;
  const responses = counted(count.entries, 'response');
  around.note(`${name}: has no event stream among its ${responses}`);
}

async function* streamsOfLog(
  name: string,
  json: JSONReader,
  around: Around,
  count: {entries: number; streams: number},
): AsyncGenerator<Stream> {
  for await (const key of json.members()) {
    if (key !== 'entries' || (await json.peek()) !== '[') {
      await json.skip();
      continue;
    }
    count.entries = Math.max(count.entries, 0);
    for await (const _ of json.elements()) {
      const entry = new Entry(`${name}, entry ${count.entries++}`, json, around);
      yield* entry.streams();
      if (entry.isStream) count.streams++;
    }
  }
}

/** A request and its response. */
class Entry {
  readonly #name: string;
  readonly #json: JSONReader;
  readonly #around: Around;
  #url = '';
  /** Its content's `mimeType`, and its header. */
  #mimeType = '';
  #contentType = '';
  #encoding: string | undefined;
  #file = '';
  /** A text as it stands there, of which it is not known yet what it is. */
  #kept: Buffer[] = [];
  #keptSize = 0;
  #wasTakenForBase64 = false;
  /** Something of it has been handed on: a body comes once, as text or as messages. */
  #isGiven = false;

  constructor(name: string, json: JSONReader, around: Around) {
    this.#name = name;
    this.#json = json;
    this.#around = around;
  }

  get isStream(): boolean {
    return this.#isGiven || this.#isEventStream === true;
  }

  async *streams(): AsyncGenerator<Stream> {
    const json = this.#json;
    for await (const key of json.members()) {
      if (key === 'request') await this.#readRequest();
      else if (key === 'response') yield* this.#response();
      else if (key === '_eventSourceMessages') yield* this.#messages();
      else await json.skip();
    }
    if (this.#isGiven || !this.#isEventStream) return;
    if (this.#file) yield this.#stream(this.#attached());
    else if (this.#keptSize) yield this.#stream(decoded(this.#keptPieces(), this.#isBase64));
    else this.#around.note(`${this.#shownName}: its body was not saved`);
  }

  get #shownName(): string {
    return this.#url ? `${this.#name} (${this.#url})` : this.#name;
  }

  /** Undefined: nothing has said it yet. */
  get #isEventStream(): boolean | undefined {
    const known = [this.#mimeType, this.#contentType].find((type) => /^[^/]+\/[^/]/.test(type));
    return known === undefined ? undefined : /^\s*text\/event-stream\s*(?:;|$)/i.test(known);
  }

  get #isBase64(): boolean {
    return this.#encoding === 'base64';
  }

  #stream(chunks: Chunks): Stream {
    this.#isGiven = true;
    return {name: this.#shownName, chunks};
  }

  async #readRequest(): Promise<void> {
    const {url} = Object(await this.#json.value(MOST_OF_HEADERS));
    if (typeof url === 'string') this.#url = url.slice(0, MOST_LOOKED_AT);
  }

  async *#response(): AsyncGenerator<Stream> {
    for await (const key of this.#json.members()) {
      if (key === 'headers') await this.#readHeaders();
      else if (key === 'content') yield* this.#content();
      else await this.#json.skip();
    }
  }

  async #readHeaders(): Promise<void> {
    const headers = await this.#json.value(MOST_OF_HEADERS);
    for (const header of Array.isArray(headers) ? headers : []) {
      const {name, value} = Object(header);
      if (/^content-type$/i.test(`${name}`)) this.#contentType = `${value}`;
    }
  }

  async *#content(): AsyncGenerator<Stream> {
    const json = this.#json;
    for await (const key of json.members()) {
      if (key === 'mimeType') this.#mimeType = (await json.string(MOST_LOOKED_AT)) ?? '';
      else if (key === 'encoding') this.#encoding = await json.string(MOST_LOOKED_AT);
      else if (key === '_file') this.#file = (await json.string(MOST_LOOKED_AT)) ?? '';
      else if (key === 'text') yield* this.#text();
      else await json.skip();
    }
    if (!this.#wasTakenForBase64 || this.#isBase64) return;
    this.#around.note(`${this.#shownName}: its body looks like base64, and was read as that`);
  }

  /**
   * Hands the text on while it is read. Where Chrome has both text and messages, those that come
   * first are taken: a stream cannot wait for what may be better.
   */
  async *#text(): AsyncGenerator<Stream> {
    const isWanted = !this.#isGiven && this.#isEventStream !== false;
    if (!isWanted || (await this.#json.peek()) !== '"') return await this.#json.skip();
    const pieces = this.#json.pieces();
    const isSaid = this.#encoding !== undefined;
    const head = isSaid ? {pieces: [], isBase64: this.#isBase64} : await headOf(pieces);
    const all = chain(head.pieces, pieces);
    const isKnown = this.#isEventStream !== undefined && head.isBase64 !== undefined;
    if (!isKnown) return await this.#keep(all);
    const bytes = decoded(all, head.isBase64 === true);
    const first = await bytes.next();
    if (!first.done) yield this.#stream(chain([first.value], bytes));
    for await (const _ of all); // what nobody has read
    this.#wasTakenForBase64 = !isSaid && head.isBase64 === true;
  }

  async #keep(pieces: AsyncGenerator<Buffer>): Promise<void> {
    for await (const piece of pieces) {
      this.#keptSize += piece.length;
      if (this.#keptSize <= MOST_KEPT) this.#kept.push(piece);
      else this.#kept = [];
    }
  }

  async *#keptPieces(): AsyncGenerator<Buffer> {
    if (this.#keptSize > MOST_KEPT) {
      throw new Failure(
        `${this.#shownName}: a body above ${inBytes(MOST_KEPT)} must come after its content type`,
      );
    }
    yield* this.#kept;
  }

  /** Only a file beside the archive, whoever wrote it. */
  async *#attached(): AsyncGenerator<Uint8Array> {
    const file = this.#file;
    if (/^[/\\]|^[a-z]:|\0|(?:^|[/\\])\.\.(?:[/\\]|$)/i.test(file)) {
      throw new Failure(`${this.#shownName}: the body's file is not beside the archive: ${file}`);
    }
    yield* this.#around.attached(file);
  }

  /** The events that Chrome has kept of an EventSource, with their times. */
  async *#messages(): AsyncGenerator<Stream> {
    const all = this.#eachMessage();
    const first = this.#isGiven ? undefined : await all.next();
    if (first && !first.done) yield this.#stream(chain([first.value], all));
    for await (const _ of all); // what nobody has read
  }

  /** Many at a time: each piece that is handed on has its price. */
  async *#eachMessage(): AsyncGenerator<Uint8Array> {
    let at = 0;
    let text = '';
    for await (const _ of this.#json.elements()) {
      const event = textOf(await this.#json.value(MOST_KEPT));
      if (event === undefined) {
        this.#around.note(`${this.#shownName}: message ${at} cannot be an event; left out`);
      } else text += event;
      at++;
      if (text.length < MOST_TOGETHER) continue;
      yield Buffer.from(text);
      text = '';
    }
    if (text) yield Buffer.from(text);
  }
}

/** UTF-16 code units of messages that are handed on together. */
const MOST_TOGETHER = 16_384;

/**
 * A message of Chrome's as a recording has it; `time` is in seconds since 1970. Undefined: it is
 * none, or no event can have that type or that ID.
 */
function textOf(message: unknown): string | undefined {
  const {time, eventName, eventId: id, data} = Object(message);
  if (typeof data !== 'string') return undefined;
  const date = new Date(1000 * time);
  const stamp = Number.isNaN(date.getTime()) ? '' : `: ssekit ${date.toISOString()}\n`;
  try {
    return stamp + formatEvent({id, event: eventName || 'message', data});
  } catch {
    return undefined;
  }
}

// ── base64 ──────────────────────────────────────────────────────────────────────────────────────

/** Bytes of a text that are kept until it is told whether they are base64. */
const MOST_UNDECIDED = 65_536;

const BASE64 = /^[\w+/=\r\n-]*$/;

interface Head {
  readonly pieces: Buffer[];
  /** Undefined: it is all of the text, and could be. */
  readonly isBase64: boolean | undefined;
}

/**
 * Reads as much of a text as tells whether it is base64: nearly all event streams show it by their
 * first colon. What has the letters of base64 alone, and more of them than are kept, is taken for
 * it.
 */
async function headOf(text: AsyncGenerator<Buffer>): Promise<Head> {
  const pieces: Buffer[] = [];
  for (let size = 0; size <= MOST_UNDECIDED; ) {
    const next = await text.next();
    if (next.done) return {pieces, isBase64: undefined};
    pieces.push(next.value);
    if (!BASE64.test(next.value.toString('latin1'))) return {pieces, isBase64: false};
    size += next.value.length;
  }
  return {pieces, isBase64: true};
}

/** A text's bytes. */
async function* decoded(
  text: AsyncGenerator<Buffer>,
  isBase64: boolean,
): AsyncGenerator<Uint8Array> {
  if (!isBase64) return yield* text;
  let open = '';
  for await (const piece of text) {
    const letters = open + piece.toString('latin1').replace(/[^\w+/-]/g, '');
    const whole = letters.length - (letters.length % 4);
    open = letters.slice(whole);
    if (whole) yield Buffer.from(letters.slice(0, whole), 'base64');
  }
  const rest = Buffer.from(open, 'base64');
  if (rest.length) yield rest;
}
