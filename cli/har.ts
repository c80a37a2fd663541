// HTTP archives (HAR), as browsers and test programs save them: of the responses in one, the event
// streams. Archives may be of any size; what is no stream is passed over, and a stream is handed on
// while it is read.
//
// Keys may come in any order, and what a text is may be said after it: Chrome writes the base64 of
// a body before it says so, others sort their keys.

import {formatEvent} from '../sse.ts';
import {JSONReader} from './json.ts';
import {withoutBOM} from './lines.ts';
import type {Chunks} from './lines.ts';
import {counted, Failure, inBytes} from './text.ts';

/** An event stream of an archive. */
export interface Stream {
  readonly name: string;
  /** To be read before the next stream is asked for. */
  readonly chunks: Chunks;
}

/** What streamsOfHAR() needs of others. */
export interface Around {
  /** Opens a body that is in a file of its own beside the archive. Throws Failure. */
  readonly attached: (file: string) => Chunks;
  /** Tells people, in one line. */
  readonly note: (text: string) => void;
}

/** Bytes of a text that are kept where its type is said after it. */
const MOST_KEPT = 2 ** 25;

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
  for await (const key of json.members()) {
    if (key === 'log') yield* streamsOfLog(name, json, around, count);
    else await json.skip();
  }
  await json.end();
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
  /** A text of which it is not known yet what it is. */
  #kept: Uint8Array[] = [];
  #keptSize = 0;
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
    else if (this.#keptSize) yield this.#stream(this.#keptChunks());
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

  #stream(chunks: Chunks): Stream {
    this.#isGiven = true;
    return {name: this.#shownName, chunks};
  }

  async #readRequest(): Promise<void> {
    for await (const key of this.#json.members()) {
      if (key === 'url') this.#url = (await this.#json.string(MOST_LOOKED_AT)) ?? '';
      else await this.#json.skip();
    }
  }

  async *#response(): AsyncGenerator<Stream> {
    for await (const key of this.#json.members()) {
      if (key === 'headers') await this.#readHeaders();
      else if (key === 'content') yield* this.#content();
      else await this.#json.skip();
    }
  }

  async #readHeaders(): Promise<void> {
    for await (const _ of this.#json.elements()) {
      let name = '';
      let value = '';
      for await (const key of this.#json.members()) {
        const text = (await this.#json.string(MOST_LOOKED_AT)) ?? '';
        if (key === 'name') name = text;
        else if (key === 'value') value = text;
      }
      if (/^content-type$/i.test(name)) this.#contentType = value;
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
  }

  /**
   * Hands the text on while it is read. Where Chrome has both text and messages, those that come
   * first are taken: a stream cannot wait for what may be better.
   */
  async *#text(): AsyncGenerator<Stream> {
    const isWanted = !this.#isGiven && this.#isEventStream !== false;
    if (!isWanted || (await this.#json.peek()) !== '"') return await this.#json.skip();
    const decoded = decodedText(this.#json.pieces(), this.#encoding);
    if (this.#isEventStream === undefined) return await this.#keep(decoded);
    const first = await decoded.next();
    if (!first.done) yield this.#stream(together(first.value, decoded));
    for await (const _ of decoded); // what nobody has read
  }

  async #keep(decoded: AsyncGenerator<Uint8Array>): Promise<void> {
    for await (const piece of decoded) {
      this.#keptSize += piece.length;
      if (this.#keptSize <= MOST_KEPT) this.#kept.push(piece);
      else this.#kept = [];
    }
  }

  *#keptChunks(): Generator<Uint8Array> {
    if (this.#keptSize > MOST_KEPT) {
      throw new Failure(
        `${this.#shownName}: a body above ${inBytes(MOST_KEPT)} must stand after its type`,
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
    if (first && !first.done) yield this.#stream(together(first.value, all));
    for await (const _ of all); // what nobody has read
  }

  async *#eachMessage(): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const _ of this.#json.elements()) {
      const message = await this.#message();
      const number = at++;
      const bytes = message && bytesOf(message);
      if (bytes) yield bytes;
      else this.#around.note(`${this.#shownName}: message ${number} cannot be an event; left out`);
    }
  }

  async #message(): Promise<Message | undefined> {
    const json = this.#json;
    const isObject = (await json.peek()) === '{';
    const message = {time: NaN, event: '', id: '', data: ''};
    for await (const key of json.members()) {
      if (key === 'time') message.time = await json.number();
      else if (key === 'eventName') message.event = (await json.string(MOST_KEPT)) ?? '';
      else if (key === 'eventId') message.id = (await json.string(MOST_KEPT)) ?? '';
      else if (key === 'data') message.data = (await json.string(MOST_KEPT)) ?? '';
      else await json.skip();
    }
    return isObject ? message : undefined;
  }
}

/** `time`: seconds since 1970. */
interface Message {
  readonly time: number;
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** As a recording has it; undefined: no event can have that type or that ID. */
function bytesOf({time, event, id, data}: Message): Buffer | undefined {
  const date = new Date(1000 * time);
  const stamp = Number.isNaN(date.getTime()) ? '' : `: ssekit ${date.toISOString()}\n`;
  try {
    return Buffer.from(stamp + formatEvent({id, event: event || 'message', data}));
  } catch {
    return undefined;
  }
}

async function* together(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

// ── base64 ──────────────────────────────────────────────────────────────────────────────────────

/** Bytes of a text that is base64 by its looks and may be something else. */
const MOST_UNDECIDED = 65_536;

const BASE64 = /^[\w+/=-]*$/;

/**
 * A text's bytes, out of base64 if it is that. Where `encoding` is still to come, the letters tell:
 * a text of those of base64 alone has no colon and no end of line, and so no event.
 */
async function* decodedText(
  pieces: AsyncGenerator<Buffer>,
  encoding: string | undefined,
): AsyncGenerator<Uint8Array> {
  let isBase64 = encoding === undefined ? undefined : encoding === 'base64';
  let open = '';
  for await (const piece of pieces) {
    if (isBase64 === false) {
      yield piece;
      continue;
    }
    const text = piece.toString('latin1');
    open += text;
    if (isBase64 === undefined) {
      if (!BASE64.test(text)) isBase64 = false;
      else if (open.length > MOST_UNDECIDED) isBase64 = true;
      else continue;
    }
    if (!isBase64) {
      yield Buffer.from(open, 'latin1');
      open = '';
      continue;
    }
    const letters = open.replace(/[^\w+/-]/g, '');
    const whole = letters.length - (letters.length % 4);
    open = letters.slice(whole);
    if (whole) yield Buffer.from(letters.slice(0, whole), 'base64');
  }
  const rest = Buffer.from(open, 'base64');
  if (rest.length) yield rest;
}
