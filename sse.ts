/*! ssekit 0.1.0 | MIT License | npm package "ssekit" */
//
// A Server-Sent Events toolkit in one file, without dependencies. Nine sections; each uses only
// what stands above it, so that it can be read, tested and cut off there.
//
//   1. Errors        catch (error) { if (error instanceof SSEHTTPError) … error.status … }
//   2. Events        event.data, event.json(); formatEvent({data: 'hi', id: '1'})
//   3. Decoding      bytes to text
//   4. Parsing       for (const event of new EventParser().feed(chunk)) …
//   5. EventSource   for (const event of new EventSource(readFileSync('log', 'utf8'))) …
//   6. Reconnection  whether, when and with which headers to connect again
//   7. Transports    asyncConnect(url, {transport: replay(log)})
//   8. Clients       const client = new AsyncSSEClient(url); await client.open()
//   9. Shorthands    for (const event of connect(url)) …
//                    for await (const event of asyncConnect(url)) …
//
// "The specification" is WHATWG HTML, section "Server-sent events":
// https://html.spec.whatwg.org/multipage/server-sent-events.html. All times are milliseconds.
// No ambient type is named: what the file needs of the platform it declares by its shape, so
// that it compiles with or without DOM, Node, Bun or Deno types.

// ── 1. Errors ─────────────────────────────────────────────────────────────────────────────────
// Every error of this file's own, but for wrong arguments (TypeError, RangeError). Messages name
// the URL without its userinfo and never a header's value.

/**
 * What went wrong. Thrown by: `json` events (§2); `limit` the parser (§4); `content-type`, `http`
 * an EventSource over a response (§5) and the clients; `connection`, `redirect`, `truncated` the
 * clients on behalf of §6; `timeout`, `unsupported` transports (§7) and clients (§8). A client
 * connects again after `connection`, `timeout`, `truncated`, and `http` as `retryStatus` says;
 * the others end its loop.
 */
export type SSEErrorCode =
  | 'connection' | 'content-type' | 'http' | 'json' | 'limit' | 'redirect' | 'timeout'
  | 'truncated' | 'unsupported';

/** What all errors of this file have in common: a code to switch on. */
export class SSEError extends Error {
  override readonly name: string = 'SSEError';
  readonly code: SSEErrorCode;
  constructor(code: SSEErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The part of `Headers` that is needed. */
export interface HeadersLike {
  get(name: string): string | null;
}

/** The server answered with a status that opens no stream. */
export class SSEHTTPError extends SSEError {
  override readonly name = 'SSEHTTPError';
  /** The HTTP status, 100 to 599. */
  readonly status: number;
  /** Where it came from, redirects followed, without userinfo. */
  readonly url: string;
  readonly headers: HeadersLike;
  /** The response's body as text, cut at 65,536 UTF-16 code units. */
  readonly body: string;
  /** How long the server asked to wait (`Retry-After`), milliseconds; undefined = it did not. */
  readonly retryAfter: number | undefined;
  constructor(
    status: number, url: string, headers: HeadersLike, body: string, retryAfter?: number,
  ) {
    super('http', `HTTP status ${status} from ${url}: not an event stream (see error.body)`);
    this.status = status;
    this.url = url;
    this.headers = headers;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** The connection was lost and will not be made again; `cause` is what ended the last one. */
export class SSEConnectionError extends SSEError {
  override readonly name = 'SSEConnectionError';
  /** The URL of the client, without userinfo. */
  readonly url: string;
  /** Reconnections really made since the last event, ≥ 0. */
  readonly retries: number;
  constructor(url: string, retries: number, cause: unknown) {
    const after = `after ${retries} retr${retries === 1 ? 'y' : 'ies'}`;
    super('connection', `SSE connection to ${url} failed ${after}: ${describe(cause)}`, cause);
    this.url = url;
    this.retries = retries;
  }
}

/** An exception of the user's own on its way through a transport: it ends the loop unwrapped. */
class UserError {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

/** Messages down the chain of causes: runtimes hide the reason ("ECONNREFUSED …") in there. */
function describe(error: unknown): string {
  let text = '';
  for (let depth = 0; error instanceof Error && depth < 4; depth++) {
    const { message, cause } = error;
    const words = message || error.name;
    if (!text.includes(words)) text += (text && ': ') + words;
    error = cause;
  }
  return text || String(error);
}

// ── 2. Events ─────────────────────────────────────────────────────────────────────────────────

/** The type of an event whose stream names none (specification: dispatch the event, step 5). */
const DEFAULT_TYPE = 'message';

/** UTF-16 code units of data that an error message shows: enough to recognise, no dump. */
const SHOWN_DATA = 100;

/** One event, as the stream sent it. Immutable. */
export class SSEEvent {
  /** The event type; `"message"` unless the stream named one. */
  readonly event: string;
  /** The data lines, joined with `"\n"`. */
  readonly data: string;
  /** The last event ID string as of this event: it persists until changed; `""` = none. */
  readonly id: string;
  /** The reconnection time in force, milliseconds; it persists too; undefined = never sent. */
  readonly retry: number | undefined;

  constructor(event: string = DEFAULT_TYPE, data = '', id = '', retry?: number) {
    this.event = event;
    this.data = data;
    this.id = id;
    this.retry = retry;
  }

  /** `JSON.parse(data)`. Throws SSEError `json` with the SyntaxError as its cause. */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.data);
    } catch (cause) {
      const { data, event, id } = this;
      const head = JSON.stringify(data.slice(0, SHOWN_DATA));
      const where = `event '${event}'${id && ` with id '${id}'`}`;
      throw new SSEError('json', `The data of ${where} is not JSON: ${head}`, cause);
    }
  }
}

/** What `formatEvent` writes. An `SSEEvent` fits. */
export interface EventFields {
  /** Event type; one line. `"message"` and `""` are the default and are not written. */
  readonly event?: string | undefined;
  /** Any text. CR, LF and CRLF each begin a new line, and are read back as LF. */
  readonly data?: string | undefined;
  /** Last event ID; one line, no NUL. `""` clears it. */
  readonly id?: string | undefined;
  /** Reconnection time, milliseconds: an integer from 0 to 2⁵³−1. */
  readonly retry?: number | undefined;
  /** Text for whoever reads the wire, and a sign of life. */
  readonly comment?: string | undefined;
}

/**
 * The wire form of an event, its blank line included; parsing it gives the same fields back.
 * Throws TypeError for what one line cannot carry (an attacker's CR or LF in `event` or `id`
 * would begin fields of his own), RangeError for a wrong `retry`.
 */
export function formatEvent({ event, data, id, retry, comment }: EventFields): string {
  const write = (name: string, value: string | undefined, single?: RegExp): string => {
    if (value === undefined) return '';
    if (typeof value !== 'string') throw new TypeError(`${name || 'comment'} must be a string`);
    if (single?.test(value)) {
      throw new TypeError(`${name} must be one line without NUL, got ${JSON.stringify(value)}`);
    }
    return value.split(/\r\n|\r|\n/).map((line) => `${name}: ${line}\n`).join('');
  };
  if (retry !== undefined && !(Number.isSafeInteger(retry) && retry >= 0)) {
    throw new RangeError(`retry must be an integer from 0 to 2^53-1, got ${retry}`);
  }
  return write('', comment)
    + write('event', event === DEFAULT_TYPE ? undefined : event || undefined, /[\r\n]/)
    + write('id', id, /[\r\n\0]/)
    + write('retry', retry?.toString())
    + write('data', data) + '\n';
}

// ── 3. Decoding ───────────────────────────────────────────────────────────────────────────────
// Pure: no clock, timer, random number or network.

/** A piece of a stream, cut anywhere: text, or bytes of UTF-8. */
export type Chunk = string | Uint8Array;

declare const TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => {
  decode(bytes?: Uint8Array, options?: { stream: boolean }): string;
};

/** Chunks to text: UTF-8 cut anywhere, invalid bytes as U+FFFD, less one leading BOM. */
class StreamDecoder {
  #utf8: InstanceType<typeof TextDecoder> | undefined;
  #atStart = true;

  decode(chunk: Chunk): string {
    let text = '';
    if (typeof chunk === 'string') {
      if (this.#utf8) text = this.#utf8.decode(); // the end of a sequence that bytes left open
      this.#utf8 = undefined;
      text += chunk;
    } else if (ArrayBuffer.isView(chunk)) { // unlike instanceof, true for another realm's bytes
      // ignoreBOM means "leave it in": that rule is below, once, for text and bytes alike
      this.#utf8 ??= new TextDecoder('utf-8', { ignoreBOM: true });
      text = this.#utf8.decode(chunk, { stream: true });
    } else {
      throw new TypeError(`A chunk must be a string or a Uint8Array, got ${kindOf(chunk)}`);
    }
    if (!this.#atStart || text === '') return text;
    this.#atStart = false;
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text; // parse an event stream, BOM
  }
}

/** A word for what a caller handed in by mistake. */
function kindOf(value: unknown): string {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === 'Object' || name === 'Number' ? typeof value : name;
}

/**
 * A header's value as a ByteString: the UTF-8 bytes of `text`, one code unit each, which is what
 * `fetch` writes on the wire as they are (specification: "encoded as UTF-8").
 */
function toByteString(text: string): string {
  return percentDecoded(encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')));
}

/** Percent-encoded bytes as a ByteString. */
function percentDecoded(text: string): string {
  const code = (_: string, hex: string) => String.fromCharCode(parseInt(hex, 16));
  return text.replace(/%([\da-f]{2})/gi, code);
}

// ── 4. Parsing ────────────────────────────────────────────────────────────────────────────────
// Pure. A parser lives as long as its connection, and has no reset(): what outlives the
// connection (`lastEventId`, `retry`) is handed to the next parser by name.

/** Options of the parser, and of everything that parses. */
export interface ParseOptions {
  /** The last event ID string to begin with. Default `""`. */
  readonly lastEventId?: string | undefined;
  /** The reconnection time to begin with, milliseconds. Default undefined. */
  readonly retry?: number | undefined;
  /**
   * UTF-16 code units buffered for one event, its unfinished line included; above it the parser
   * throws SSEError `limit`. 1 to Infinity; default 67,108,864 (64 Mi: ten times the largest
   * event that the authors have met, a tenth of what V8 takes for a string).
   */
  readonly maxEventSize?: number | undefined;
  /** Gets the text of each comment line, less the colon and one space. */
  readonly onComment?: ((text: string) => void) | undefined;
}

const MAX_EVENT_SIZE = 64 * 2 ** 20;

/** Pieces of an unfinished line that are joined at a time: keeps a byte-wise stream's memory low. */
const JOIN = 1024;

/** Specification: "if the field value consists of only ASCII digits"; all browsers want one. */
const ASCII_DIGITS = /^[0-9]+$/;

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/**
 * The parser, in push form (`feed`) and pull form (`write`, `next`). It works on offsets into
 * the text it was given, and parses no further than the event asked for: `lastEventId` and
 * `retry` are always those of the last event handed out.
 */
export class EventParser {
  readonly #decoder = new StreamDecoder();
  readonly #maxEventSize: number;
  readonly #onComment: ((text: string) => void) | undefined;

  // The text at hand. #lf and #cr: the next of each at or after #position; its length: none left.
  #text = '';
  #position = 0;
  #lf = 0;
  #cr = 0;
  /** The last text ended with a CR: a LF that comes next belongs to it. */
  #skipLF = false;
  // An unfinished line: what was joined of it, pieces not yet joined, code units in both.
  #joined = '';
  #pieces: string[] = [];
  #unfinished = 0;

  /** The data buffer; undefined = no data line yet, which is not the same as an empty one. */
  #dataBuffer: string | undefined;
  // Of an event of very many lines: the lines so far, and what was joined of them already.
  #dataLines = 0;
  #dataJoined = '';
  #eventTypeBuffer = '';
  #lastEventIdBuffer: string;
  #lastEventId: string;
  #retry: number | undefined;
  /** What a feed() that had whole events to return owes its caller. */
  #owed: { error: unknown } | undefined;
  /** The limit was hit: what comes after cannot be told from the rest of that event. */
  #failure: SSEError | undefined;

  /** Throws RangeError for a wrong `maxEventSize`. */
  constructor(options: ParseOptions = {}) {
    const { maxEventSize = MAX_EVENT_SIZE, lastEventId = '' } = options;
    if (!(maxEventSize >= 1)) {
      throw new RangeError(`maxEventSize must be a number from 1 to Infinity, got ${maxEventSize}`);
    }
    this.#maxEventSize = maxEventSize;
    this.#onComment = options.onComment;
    this.#lastEventIdBuffer = this.#lastEventId = lastEventId;
    this.#retry = options.retry;
  }

  /** The last event ID string: what to send as `Last-Event-ID`; `""` = none. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** The last valid `retry:`, milliseconds (0 to 2⁵³−1); undefined = none was sent. */
  get retry(): number | undefined {
    return this.#retry;
  }

  /**
   * Take the next chunk of the stream, cut anywhere, and return the events it completes; or, with
   * a second argument, call it with each. Throws SSEError `limit`, TypeError for a chunk that is
   * neither text nor bytes; an error is thrown by the *next* call where this one has whole events
   * to return.
   */
  feed(chunk: Chunk): SSEEvent[];
  feed(chunk: Chunk, onEvent: (event: SSEEvent) => void): void;
  feed(chunk: Chunk, onEvent?: (event: SSEEvent) => void): SSEEvent[] | void {
    if (this.#owed) {
      const { error } = this.#owed;
      this.#owed = undefined;
      throw error;
    }
    this.write(chunk);
    let event: SSEEvent | undefined;
    if (onEvent) {
      while ((event = this.next())) onEvent(event);
      return;
    }
    const events: SSEEvent[] = [];
    try {
      while ((event = this.next())) events.push(event);
    } catch (error) {
      if (events.length === 0) throw error;
      this.#owed = { error };
    }
    return events;
  }

  /** Take one line; an end of line at its end is tolerated, one inside is a TypeError. */
  feedLine(line: string): SSEEvent | undefined {
    if (/\r(?!\n?$)|\n(?!$)/.test(asLine(line))) {
      throw new TypeError('feedLine() takes one line at a time: feed() takes any text');
    }
    this.writeLine(line);
    return this.next();
  }

  /** Pull form: take the next chunk; then call `next()` until it returns undefined. */
  write(chunk: Chunk): void {
    if (this.#failure) throw this.#failure;
    const text = this.#decoder.decode(chunk);
    if (text === '') return;
    // Text is left only where a callback threw: it goes first.
    this.#text = this.#position < this.#text.length ? this.#text.slice(this.#position) + text : text;
    this.#position = this.#skipLF && this.#text.charCodeAt(0) === LF ? 1 : 0;
    this.#skipLF = false;
    this.#lf = this.#cr = -1;
  }

  /** Pull form: take one line, or several; the last one is finished with or without its end. */
  writeLine(line: string): void {
    this.#skipLF = false; // a line is whole: a LF in the next one is an end of its own
    this.write(/[\r\n]$/.test(line) ? line : line + '\n');
  }

  /** Pull form: the next event, or undefined when all that was written is used up. */
  next(): SSEEvent | undefined {
    if (this.#failure) throw this.#failure;
    const text = this.#text;
    while (this.#position < text.length) {
      const start = this.#position;
      const end = this.#endOfLine();
      if (end === text.length) {
        this.#keep(start === 0 ? text : text.slice(start));
        break;
      }
      // specification, "parsing an event stream": CRLF, LF and CR each end one line
      const crlf = text.charCodeAt(end) === CR && text.charCodeAt(end + 1) === LF;
      this.#skipLF = text.charCodeAt(end) === CR && end + 1 === text.length;
      this.#position = end + (crlf ? 2 : 1);
      const event = this.#unfinished === 0
        ? this.#line(text, start, end)
        : this.#finishedLine(text.slice(start, end));
      if (event) return event;
    }
    this.#text = '';
    this.#position = 0;
    return undefined;
  }

  /** Where the line at #position ends; the text's length if it does not. Linear over a text. */
  #endOfLine(): number {
    const none = this.#text.length;
    if (this.#lf < this.#position) {
      const at = this.#text.indexOf('\n', this.#position);
      this.#lf = at < 0 ? none : at;
    }
    if (this.#cr < this.#position) {
      const at = this.#text.indexOf('\r', this.#position);
      this.#cr = at < 0 ? none : at;
    }
    return Math.min(this.#lf, this.#cr);
  }

  /** An unfinished line over many chunks: a list, joined in blocks, so that time stays linear. */
  #keep(piece: string): void {
    this.#unfinished += piece.length;
    this.#limit(this.#unfinished);
    this.#pieces.push(piece);
    if (this.#pieces.length === JOIN) this.#join();
  }

  #join(): void {
    this.#joined += this.#pieces.join('');
    this.#pieces = [];
  }

  #finishedLine(rest: string): SSEEvent | undefined {
    this.#pieces.push(rest);
    this.#join();
    const line = this.#joined;
    this.#joined = '';
    this.#unfinished = 0;
    return this.#line(line, 0, line.length);
  }

  /** Lines count with their field names, so that the verdict is the same however they are cut. */
  #limit(line: number): void {
    const size = line + this.#dataJoined.length + (this.#dataBuffer?.length ?? 0);
    if (size <= this.#maxEventSize) return;
    this.#text = this.#joined = this.#dataJoined = '';
    this.#pieces = [];
    this.#dataBuffer = undefined;
    this.#failure = new SSEError('limit', `An event of ${size} or more UTF-16 code units came in,`
      + ` the limit is ${this.#maxEventSize}: raise maxEventSize if the server means it`);
    throw this.#failure;
  }

  /** One whole line, text[start, end). The event, if it ends one. */
  #line(text: string, start: number, end: number): SSEEvent | undefined {
    if (start === end) return this.#dispatch();
    this.#limit(end - start);
    let value: number;
    if (text.charCodeAt(start) === COLON) {
      this.#onComment?.(text.slice(afterColon(text, start), end));
    } else if ((value = valueOf('data', text, start, end)) >= 0) {
      this.#data(text.slice(value, end));
    } else if ((value = valueOf('event', text, start, end)) >= 0) {
      this.#eventTypeBuffer = text.slice(value, end);
    } else if ((value = valueOf('id', text, start, end)) >= 0) {
      const id = text.slice(value, end);
      if (!id.includes('\0')) this.#lastEventIdBuffer = detached(id);
    } else if ((value = valueOf('retry', text, start, end)) >= 0) {
      const retry = text.slice(value, end);
      // beyond 2⁵³ a number has no decimal form of its own; what waits clamps it anyway
      if (ASCII_DIGITS.test(retry)) this.#retry = Math.min(+retry, Number.MAX_SAFE_INTEGER);
    } // "otherwise, the field is ignored"
    return undefined;
  }

  #data(line: string): void {
    const data = this.#dataBuffer;
    this.#dataBuffer = data === undefined ? line : data + '\n' + line;
    if (++this.#dataLines % JOIN) return;
    // Strings that were put together cost 32 bytes a part until something looks into them.
    this.#dataBuffer.charCodeAt(0);
    this.#dataJoined += this.#dataBuffer;
    this.#dataBuffer = '';
  }

  /** A blank line ("dispatch the event"): the id counts from here on, also without data. */
  #dispatch(): SSEEvent | undefined {
    const data = this.#dataBuffer;
    const type = this.#eventTypeBuffer;
    this.#lastEventId = this.#lastEventIdBuffer;
    this.#dataBuffer = undefined;
    this.#eventTypeBuffer = '';
    if (data === undefined) return undefined;
    const whole = this.#dataJoined + data;
    this.#dataJoined = '';
    this.#dataLines = 0;
    return new SSEEvent(type || DEFAULT_TYPE, whole, this.#lastEventId, this.#retry);
  }
}

function asLine(line: unknown): string {
  if (typeof line === 'string') return line;
  throw new TypeError(`A line must be a string, got ${kindOf(line)}: EventSource.from() takes`
    + ' chunks of text or bytes');
}

/** Specification, "process the field": where the value of field `name` begins; -1: not that field. */
function valueOf(name: string, text: string, start: number, end: number): number {
  const colon = start + name.length;
  if (colon > end || !text.startsWith(name, start)) return -1;
  if (colon === end) return end; // "the empty string as the field value"
  return text.charCodeAt(colon) === COLON ? afterColon(text, colon) : -1;
}

/** "If value starts with a U+0020 SPACE character, remove it": one, and no other. */
function afterColon(text: string, colon: number): number {
  return text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
}

/** A copy that does not keep the chunk it was cut from alive (V8's slices of 13 and more do). */
function detached(text: string): string {
  return text.length < 13 ? text : (' ' + text).slice(1);
}

// ── 5. EventSource ────────────────────────────────────────────────────────────────────────────
// What each kind of input means. `new EventSource(lines)`: a string is a whole text, an iterable's
// items are lines. `EventSource.from(stream)`: an iterable's items are chunks, cut anywhere.

/** A `ReadableStream`, as far as it is needed: not every runtime's can be iterated over. */
export interface ReadableStreamLike {
  getReader(): { read(): PromiseLike<ReadResult>; cancel(): PromiseLike<unknown> };
}

type ReadResult =
  | { readonly done?: false | undefined; readonly value: Chunk }
  | { readonly done: true; readonly value?: unknown };

/** What a stream's chunks come from. */
export type BlockingBody = string | Uint8Array | Iterable<Chunk> | null | undefined;
export type Body = BlockingBody | AsyncIterable<Chunk> | ReadableStreamLike;

/** A `Response`, as far as it is needed. */
export interface ResponseLike {
  readonly body: Body;
  readonly status?: number | undefined;
  readonly url?: string | undefined;
  readonly headers?: HeadersLike | undefined;
}

interface BlockingChunks {
  next(): ReadResult;
  return?(): unknown;
}

interface Chunks {
  next(): ReadResult | PromiseLike<ReadResult>;
  return?(): unknown;
}

/** The events of a text, of lines or of a stream, for `for await … of`. */
export interface EventSource extends AsyncIterable<SSEEvent> {
  /** Of the last event handed out: what to resume with, also after the loop. */
  readonly lastEventId: string;
  readonly retry: number | undefined;
  /**
   * The JSON values of the events, up to one whose data is `done` (default `"[DONE]"`; null: none
   * is). Throws SSEError `json`.
   */
  json<T = unknown>(options?: JSONOptions): AsyncIterable<T>;
}

/** The events of a synchronous source, for `for … of` as well. */
export interface SyncEventSource extends EventSource, Iterable<SSEEvent> {
  json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T>;
}

/** Options of `json()`. */
export interface JSONOptions {
  /** The data that ends the iteration and is no value. Default `"[DONE]"`; null: none. */
  readonly done?: string | null | undefined;
}

type Lines = string | Iterable<string> | AsyncIterable<string>;

interface EventSourceConstructor {
  new (lines: string | Iterable<string>, options?: ParseOptions): SyncEventSource;
  new (lines: Lines, options?: ParseOptions): EventSource;
  from(stream: string | Uint8Array | Iterable<Chunk>, options?: ParseOptions): SyncEventSource;
  from(
    stream: AsyncIterable<Chunk> | Iterable<Chunk> | ReadableStreamLike | ResponseLike,
    options?: ParseOptions,
  ): EventSource;
}

/**
 * Parses what is at hand; it connects to nothing. Each loop over it begins anew with what the
 * source gives then. Throws TypeError for what is no source (a URL, say); its loops throw
 * SSEError `limit`, and over a response SSEHTTPError and SSEError `content-type`.
 */
export const EventSource: EventSourceConstructor = class EventSource {
  readonly #source: Body | ResponseLike;
  readonly #options: ParseOptions;
  readonly #areLines: boolean;
  #parser: EventParser;

  constructor(source: Body | ResponseLike, options: ParseOptions = {}, areChunks = false) {
    if (typeof source === 'string' ? /^https?:\/\/\S*$/i.test(source) : !isSource(source)) {
      const kind = typeof source === 'string' ? 'a URL' : kindOf(source);
      throw new TypeError(`EventSource parses a text, lines or a stream, got ${kind}: to follow a`
        + ' URL use asyncConnect(url) or connect(url)');
    }
    this.#source = source;
    this.#options = options;
    this.#areLines = !areChunks && typeof source !== 'string';
    this.#parser = new EventParser(options);
  }

  static from(stream: Body | ResponseLike, options?: ParseOptions): EventSource {
    return new EventSource(stream, options, true);
  }

  get lastEventId(): string {
    return this.#parser.lastEventId;
  }

  get retry(): number | undefined {
    return this.#parser.retry;
  }

  * [Symbol.iterator](): IterableIterator<SSEEvent> {
    const parser = this.#parser = new EventParser(this.#options);
    const chunks = blockingChunksOf(bodyOf(this.#source));
    try {
      for (let part = chunks.next(); !part.done; part = chunks.next()) {
        this.#write(parser, part.value);
        for (let event; (event = parser.next());) yield event;
      }
    } finally {
      chunks.return?.();
    }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    let chunks: Chunks | undefined;
    const close = () => {
      const open = chunks;
      chunks = undefined;
      return quietly(() => open?.return?.());
    };
    const open = () => (chunks = chunksOf(bodyOf(this.#source)));
    return interruptible(this.#events(open, close), close);
  }

  async * #events(open: () => Chunks, close: () => Promise<void>): AsyncGenerator<SSEEvent> {
    const parser = this.#parser = new EventParser(this.#options);
    const chunks = open();
    try {
      for (let part = await chunks.next(); !part.done; part = await chunks.next()) {
        this.#write(parser, part.value);
        for (let event; (event = parser.next());) yield event;
      }
    } finally {
      await close();
    }
  }

  #write(parser: EventParser, part: Chunk): void {
    if (this.#areLines) parser.writeLine(asLine(part));
    else parser.write(part);
  }

  json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T> {
    return {
      [Symbol.iterator]: () => jsonValues<T>(this, options),
      [Symbol.asyncIterator]: () => asyncJSONValues<T>(this, options),
    };
  }
};

function * jsonValues<T>(
  events: Iterable<SSEEvent>, { done = '[DONE]' }: JSONOptions = {},
): Generator<T, void, undefined> {
  for (const event of events) {
    if (event.data === done) return;
    yield event.json<T>();
  }
}

function asyncJSONValues<T>(
  events: AsyncIterable<SSEEvent>, { done = '[DONE]' }: JSONOptions = {},
): AsyncIterableIterator<T> {
  const iterator = events[Symbol.asyncIterator]();
  async function * values(): AsyncGenerator<T, void, undefined> {
    for await (const event of { [Symbol.asyncIterator]: () => iterator }) {
      if (event.data === done) return;
      yield event.json<T>();
    }
  }
  return interruptible(values(), () => iterator.return?.());
}

/** An async generator queues `return()` behind a pending `next()`: `stop` ends that wait first. */
function interruptible<T>(
  generator: AsyncGenerator<T, void, undefined>, stop: () => unknown,
): AsyncIterableIterator<T> {
  return {
    next: () => generator.next(),
    async return() {
      const stopped = stop();
      const result = await generator.return();
      await stopped;
      return result;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** For closing what may be closed already, or broken: there is no one to tell. */
async function quietly(close: () => unknown): Promise<void> {
  try {
    await close();
  } catch {
    // closed
  }
}

function isIterable(value: unknown): value is Iterable<Chunk> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isSource(value: unknown): boolean {
  return isIterable(value) || typeof value === 'object' && value !== null
    && (Symbol.asyncIterator in value || 'getReader' in value || 'body' in value);
}

/** The body of a response, once it is clear that it is a stream of events. */
function bodyOf(source: Body | ResponseLike): Body {
  if (!isResponse(source)) return source;
  const { status = 200, url = 'the response', headers } = source;
  if (status < 200 || status > 299) {
    throw new SSEHTTPError(status, url, headers ?? { get: () => null }, '');
  }
  const error = headers && contentTypeError(headers, url);
  if (error) throw error;
  return source.body;
}

function isResponse(source: Body | ResponseLike): source is ResponseLike {
  return typeof source === 'object' && source !== null && 'body' in source;
}

/** Specification: "if … Content-Type is not text/event-stream, then fail the connection". */
function contentTypeError(headers: HeadersLike, url: string): SSEError | undefined {
  const type = headers.get('content-type');
  if (type?.replace(/;.*/s, '').trim().toLowerCase() === 'text/event-stream') return undefined;
  return new SSEError('content-type', "Expected Content-Type 'text/event-stream', got "
    + (type === null ? 'none' : `'${type}'`) + ` from ${url}`);
}

/** A body's chunks. Streams through their reader: WebKit has no other way, Deno's other leaks. */
function chunksOf(body: Body): Chunks {
  if (typeof body === 'object' && body !== null) {
    if ('getReader' in body) {
      const reader = body.getReader();
      return { next: () => reader.read(), return: () => reader.cancel() };
    }
    if (Symbol.asyncIterator in body) return body[Symbol.asyncIterator]();
  }
  return blockingChunksOf(body);
}

function blockingChunksOf(body: Body): BlockingChunks {
  if (body === null || body === undefined) return [][Symbol.iterator]();
  if (typeof body === 'string' || ArrayBuffer.isView(body)) return [body][Symbol.iterator]();
  if (isIterable(body)) return body[Symbol.iterator]();
  throw new TypeError(`${kindOf(body)} cannot be read without waiting: use \`for await … of\``);
}

// ── 6. Reconnection ───────────────────────────────────────────────────────────────────────────
// Pure. All that decides is here: whether to connect again, when, and with which headers. It does
// not know sync from async and never waits; the time is an argument.

declare const URL: new (url: string, base?: string) => {
  href: string; origin: string; protocol: string; username: string; password: string;
};
declare const btoa: (bytes: string) => string;

/** The longest delay that timers take, ms (2³¹−1); a longer one fires at once (Node, browsers). */
const MAX_DELAY = 2 ** 31 - 1;

/** At least this between two connections, ms, once they fail fast: ten a second hurt no server. */
const MIN_INTERVAL = 100;

/** Waits are stretched by up to this share, so that a server's clients do not return all at once. */
const JITTER = 0.25;

/** As many as fetch follows (Fetch standard, HTTP-redirect fetch). */
const MAX_REDIRECTS = 20;

const REDIRECTS = [301, 302, 303, 307, 308];

/** Errors that the next connection may not meet; any other SSEError is final. */
const PASSING: readonly SSEErrorCode[] = ['connection', 'http', 'timeout', 'truncated'];

/** Headers in any of the forms that `fetch` takes. */
export type HeadersInput =
  | HeadersLike
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string | undefined>>;

/** Options of `Reconnection`, which are options of the clients. */
export interface ReconnectionOptions {
  /** HTTP method. Default `GET`; `POST` with `json` or `body`. */
  readonly method?: string | undefined;
  /** Resume point of the first request. Default `""`. */
  readonly lastEventId?: string | undefined;
  /** Reconnection time until the server sends `retry:`, ms ≥ 0. Default 3000, as in Firefox. */
  readonly retryInterval?: number | undefined;
  /** Cap of the backoff, ms ≥ 0; never shortens what the server asked for. Default 30,000. */
  readonly maxRetryInterval?: number | undefined;
  /**
   * Reconnections in a row that bring no event, after which SSEConnectionError is thrown: an
   * integer ≥ 0; Infinity, the default, or -1: no limit.
   */
  readonly maxRetries?: number | undefined;
  /**
   * HTTP statuses that count as a failed attempt once the stream has been open; any other is
   * final. Default `[408, 425, 429, 500, 502, 503, 504]`.
   */
  readonly retryStatus?: readonly number[] | undefined;
  /** false: one connection, its end is the end. Default: true for GET and HEAD. */
  readonly reconnect?: boolean | undefined;
  /**
   * Tells the event that ends the stream: it is delivered, and the client stops. A stream that
   * ends without it was truncated: SSEError `truncated`, or a reconnection.
   */
  readonly until?: ((event: SSEEvent) => boolean) | undefined;
  /** Random numbers, 0 ≤ n < 1, for the jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** What a new attempt starts from; also the argument of `headers` and `body` functions. */
export interface Attempt {
  /** 0 for the first request, else the reconnections in a row since the last event. */
  readonly attempt: number;
  readonly lastEventId: string;
  /** What ended the last connection; undefined before the first. */
  readonly error: unknown;
}

/** A reconnection to be made, as `onRetry` gets it. */
export interface Retry extends Attempt {
  /** How long the client will wait, ms. */
  readonly delay: number;
}

/** What is to be done next. */
export type Decision =
  | { readonly kind: 'open' } // parse the body
  | { readonly kind: 'send' } // a redirect: send the next request(), now
  | { readonly kind: 'read' } // read the body's text and come back with refused()
  | { readonly kind: 'wait'; readonly retry: Retry } // begin() again after that delay
  | { readonly kind: 'stop' } // end quietly
  | { readonly kind: 'fail'; readonly error: unknown };

const STOP: Decision = { kind: 'stop' };

/** Decides. Throws RangeError and TypeError for wrong options, naming option and range. */
export class Reconnection {
  /** The client's URL, for messages: without userinfo. */
  readonly url: string;
  readonly #method: string;
  readonly #retryInterval: number;
  readonly #maxRetryInterval: number;
  readonly #maxRetries: number;
  readonly #retryStatus: readonly number[];
  readonly #reconnect: boolean;
  readonly #until: ((event: SSEEvent) => boolean) | undefined;
  readonly #random: () => number;
  readonly #authorization: string | undefined;

  #lastEventId: string;
  #retry: number | undefined;
  /** Connections in a row that brought no event. */
  #failures = 0;
  #opened = false;
  #error: unknown;
  #begun = -Infinity;
  #hurried = false;
  #attempts = 0;
  /** Where the next request goes: the URL, or where its redirects led. */
  #target: string;
  #redirects: string[] = [];
  #crossedOrigins = false;

  constructor(url: string, options: ReconnectionOptions = {}) {
    const { method = 'GET', lastEventId = '', maxRetries = Infinity, reconnect } = options;
    const retryStatus = options.retryStatus ?? [408, 425, 429, 500, 502, 503, 504];
    this.#method = method.toUpperCase();
    const repeatable = this.#method === 'GET' || this.#method === 'HEAD';
    this.#retryInterval = milliseconds('retryInterval', options.retryInterval ?? 3000);
    this.#maxRetryInterval = milliseconds('maxRetryInterval', options.maxRetryInterval ?? 30_000);
    if (!(maxRetries === Infinity || Number.isInteger(maxRetries) && maxRetries >= -1)) {
      throw new RangeError(`maxRetries must be an integer from -1, or Infinity, got ${maxRetries}`);
    }
    if (!Array.isArray(retryStatus) || !retryStatus.every(Number.isInteger)) {
      throw new TypeError('retryStatus must be an array of HTTP statuses');
    }
    if (typeof lastEventId !== 'string' || /[\r\n\0]/.test(lastEventId)) {
      throw new TypeError('lastEventId must be a string of one line without NUL');
    }
    this.#maxRetries = maxRetries === -1 ? Infinity : maxRetries;
    this.#retryStatus = retryStatus;
    this.#reconnect = reconnect ?? repeatable;
    this.#until = options.until;
    this.#random = options.random ?? Math.random;
    this.#lastEventId = lastEventId;
    this.url = url;
    try {
      const parsed = new URL(url);
      if (parsed.username || parsed.password) { // fetch refuses them; every client before sent them
        const pair = percentDecoded(`${parsed.username}:${parsed.password}`);
        this.#authorization = 'Basic ' + btoa(pair);
        parsed.username = parsed.password = '';
        this.url = parsed.href;
      }
    } catch {
      // a relative URL: the transport's business
    }
    this.#target = this.url;
  }

  /** The last event ID string: of the last event handed to the consumer. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** The server's reconnection time, ms; undefined = it sent none. */
  get retry(): number | undefined {
    return this.#retry;
  }

  /** Whether a lost connection is made again. */
  get reconnects(): boolean {
    return this.#reconnect;
  }

  /** A new attempt begins at time `now`, ms. TypeError where that would send a request again. */
  begin(now: number): Attempt {
    if (this.#attempts++ > 0 && !this.#reconnect) {
      throw new TypeError(`This client has made its one connection to ${this.url}`
        + ' (reconnect: false, the default for POST): make a new client to send a new request');
    }
    this.#hurried = now - this.#begun < MIN_INTERVAL;
    this.#begun = now;
    this.#target = this.url;
    this.#redirects = [];
    this.#crossedOrigins = false;
    return { attempt: this.#failures, lastEventId: this.#lastEventId, error: this.#error };
  }

  /**
   * URL and headers of the next request. The user's headers win over the defaults, but for a
   * Last-Event-ID once the stream has set one; another origin gets none of them.
   */
  request(
    defaults: readonly Header[], own: readonly Header[],
    encode: (text: string) => string = toByteString,
  ): { url: string; headers: Record<string, string> } {
    const headers = new Map<string, Header>();
    const set = (header: Header) => headers.set(header[0].toLowerCase(), header);
    set(['Accept', 'text/event-stream']);
    defaults.forEach(set);
    if (!this.#crossedOrigins) {
      if (this.#authorization) set(['Authorization', this.#authorization]);
      own.forEach(set);
      const id = this.#lastEventId;
      if (id) {
        headers.delete('last-event-id');
        // what no header can carry is left out: HTTP's field values have no control characters
        if (!/[^\t\P{Cc}]/u.test(id)) set(['Last-Event-ID', isASCII(id) ? id : encode(id)]);
      }
    }
    return { url: this.#target, headers: Object.fromEntries(headers.values()) };
  }

  /** The response came: open it, follow it, read why not, or stop. */
  response(status: number, headers: HeadersLike | undefined): Decision {
    if (status === 0 || REDIRECTS.includes(status)) {
      const location = headers?.get('location');
      if (location || status === 0) return this.#redirect(status, location ?? '');
    }
    if (status === 204) return STOP; // "HTTP 204 No Content … tell the client to stop"
    const isOpen = this.#method === 'GET'
      ? status === 200
      : status >= 200 && status < 300 && status !== 205;
    if (!isOpen) return { kind: 'read' };
    const error = headers && contentTypeError(headers, this.#shown());
    if (error) return { kind: 'fail', error };
    this.#opened = true;
    return { kind: 'open' };
  }

  /** The response opened no stream; `body` is its text. */
  refused(
    status: number, headers: HeadersLike | undefined, body: string, now: number,
  ): Decision {
    const after = headers?.get('retry-after') ?? '';
    const date = ASCII_DIGITS.test(after) ? now + 1000 * +after : Date.parse(after);
    const retryAfter = Number.isNaN(date) ? undefined : Math.max(0, date - now);
    const error = new SSEHTTPError(
      status, this.#shown(), headers ?? { get: () => null }, body, retryAfter,
    );
    const passing = this.#opened && this.#reconnect && this.#retryStatus.includes(status);
    return passing ? this.lost(error) : { kind: 'fail', error };
  }

  /** The connection ended: by an error, or cleanly. */
  lost(error?: unknown): Decision {
    if (error instanceof UserError) return { kind: 'fail', error: error.error };
    if (error instanceof SSEError && !PASSING.includes(error.code)) return { kind: 'fail', error };
    const cut = this.#until !== undefined;
    if (error === undefined) {
      if (!this.#reconnect && !cut) return STOP;
      error = cut
        ? new SSEError('truncated', `The stream from ${this.url} ended without its last event`)
        : new SSEError('connection', 'the server ended the stream');
      if (!this.#reconnect) return { kind: 'fail', error };
    }
    const count = this.#failures + 1;
    if (!this.#reconnect || count > this.#maxRetries) {
      this.#failures = 0; // a later loop starts afresh
      return { kind: 'fail', error: new SSEConnectionError(this.url, count - 1, error) };
    }
    this.#failures = count;
    this.#error = error;
    const delay = this.#delay(error instanceof SSEHTTPError ? error.retryAfter ?? 0 : 0);
    return { kind: 'wait', retry: { attempt: count, delay, error, lastEventId: this.#lastEventId } };
  }

  /** The event is about to be handed over. True: it was the last. */
  delivered(event: SSEEvent): boolean {
    this.#failures = 0;
    this.#lastEventId = event.id;
    this.#retry = event.retry;
    return this.#until?.(event) === true;
  }

  /** All that was parsed has been handed over; an `id:` or `retry:` may have come without event. */
  caughtUp(parser: EventParser): void {
    this.#lastEventId = parser.lastEventId;
    this.#retry = parser.retry;
  }

  #delay(retryAfter: number): number {
    const base = this.#retry ?? this.#retryInterval;
    const backoff = Math.max(base, MIN_INTERVAL) * 2 ** (this.#failures - 1);
    const wait = Math.max(base, Math.min(backoff, this.#maxRetryInterval), retryAfter);
    const spread = Math.ceil(wait * (1 + JITTER * this.#random()));
    return Math.min(Math.max(spread, this.#hurried ? MIN_INTERVAL : 0), MAX_DELAY);
  }

  #redirect(status: number, location: string): Decision {
    const fail = (why: string): Decision => {
      const chain = [this.url, ...this.#redirects].join(' -> ');
      return { kind: 'fail', error: new SSEError('redirect', `${why} (${chain})`) };
    };
    if (status === 0 || status <= 303 && this.#method !== 'GET' && this.#method !== 'HEAD') {
      return fail(`A ${this.#method} was redirected${status ? ` with ${status}` : ''} and is not`
        + ' sent again as another request: use the final URL');
    }
    try {
      const from = new URL(this.#target, 'http://localhost');
      const to = new URL(location, from.href);
      to.username = to.password = '';
      this.#redirects.push(to.href);
      if (this.#redirects.length > MAX_REDIRECTS) return fail('More than 20 redirects');
      if (!isHTTP(to) || from.protocol === 'https:' && to.protocol === 'http:') {
        return fail('A redirect to where it is not followed: less safe, or not HTTP');
      }
      if (to.origin !== from.origin) this.#crossedOrigins = true;
      this.#target = to.href;
      return { kind: 'send' };
    } catch {
      return fail('A redirect to no valid URL');
    }
  }

  #shown(): string {
    return this.#target;
  }
}

/** A header's name and value. */
export type Header = readonly [name: string, value: string];

/** Any form of headers as a list. TypeError for what HTTP cannot carry; it names no value. */
function headerList(headers: HeadersInput = []): Header[] {
  const entries: Iterable<readonly [string, unknown]> = isPairs(headers)
    ? headers
    : Object.entries(headers);
  const list: Header[] = [];
  for (const [name, value] of entries) {
    if (value === undefined) continue;
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) {
      throw new TypeError(`headers: ${JSON.stringify(name)} is not a header name`);
    }
    if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new TypeError(`headers: the value of ${name} must be a string of Latin-1 characters`
        + ' in one line');
    }
    list.push([name, value]);
  }
  return list;
}

function isPairs(headers: HeadersInput): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}

function isASCII(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

function isHTTP(url: { protocol: string }): boolean {
  return url.protocol === 'https:' || url.protocol === 'http:';
}

/** A time option: 0 to Infinity. */
function milliseconds(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new RangeError(`${name} must be a number of milliseconds from 0, got ${String(value)}`);
}

// ── 7. Transports ─────────────────────────────────────────────────────────────────────────────
// The only section that touches the platform. A transport is a callable shaped like `fetch`; a
// blocking one returns its response at once, and a body that an ordinary loop can read.

/** The platform's own AbortSignal type where there is one, so that its `fetch` is a Transport. */
type PlatformSignal =
  typeof globalThis extends { AbortSignal: { prototype: infer Signal } } ? Signal : SignalLike;

/** The platform's own type of a request's body where there is one. */
type PlatformBody =
  typeof globalThis extends { Request: new (input: never, init?: infer Init) => unknown }
    ? NonNullable<Init> extends { body?: infer B } ? NonNullable<B> : never
    : never;

/** A request's body: text, bytes, or what the platform's `fetch` takes (FormData, Blob, …). */
export type RequestBody = string | PlatformBody;

/** An `AbortSignal`, as far as it is needed. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What a transport gets beside the URL: an init for `fetch`, and what `init` adds to it. */
export interface TransportRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: RequestBody;
  readonly signal: PlatformSignal;
  /** `manual`: the client follows by itself, so that no secret goes to another origin. */
  readonly redirect: 'follow' | 'manual';
  readonly cache?: 'no-store';
  /** false: accept any TLS certificate; a transport that cannot must throw. */
  readonly verify?: boolean;
  /** In the blocking loop, where no timer can fire: ms until the headers, ms between chunks. */
  readonly timeout?: number;
  readonly idleTimeout?: number;
}

/** What a transport returns: a `Response`, or as little of one as this. */
export interface TransportResponse {
  readonly status: number;
  /** Absent: the content type is not checked. */
  readonly headers?: HeadersLike | Readonly<Record<string, string>> | undefined;
  readonly body?: Body;
}

export interface BlockingResponse extends TransportResponse {
  readonly body?: BlockingBody;
}

export type Transport =
  (url: string, request: TransportRequest) => TransportResponse | PromiseLike<TransportResponse>;

export type BlockingTransport = (url: string, request: TransportRequest) => BlockingResponse;

/** The blocking fetch: with a thread that lives until `close()`. */
export interface BlockingFetch extends BlockingTransport {
  close(): void;
}

/** What differs between runtimes, as far as it is needed. */
interface Platform {
  readonly fetch?: (url: string, init: object) => Promise<TransportResponse>;
  readonly Headers?: new (init: object) => HeadersLike;
  readonly Request?: { readonly prototype: object };
  readonly process?: {
    readonly versions?: { readonly node?: string };
    readonly env: object;
    getBuiltinModule?(id: 'node:worker_threads'): ThreadModule;
  };
  readonly navigator?: { readonly userAgent?: string };
  readonly location?: { readonly href: string };
  readonly document?: object;
  readonly Bun?: object;
  readonly Deno?: object;
}

interface Thread {
  postMessage(message: unknown): void;
  terminate(): unknown;
  unref(): void;
}

interface ThreadModule {
  readonly Worker: new (code: string, options: object) => Thread;
}

declare const AbortController: new () => { readonly signal: PlatformSignal; abort(): void };
declare const setTimeout: (run: () => void, ms: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;

const platform = globalThis as unknown as Platform;

/** How requests are sent here. */
function platformRequest(method: string): {
  headers: Header[]; redirect: 'follow' | 'manual'; cache?: 'no-store';
} {
  const { document, process, navigator, Request } = platform;
  const isServer = !document
    && (process?.versions?.node !== undefined || navigator?.userAgent === 'Cloudflare-Workers');
  return {
    // Browsers add this header for `no-store` by themselves; set by hand it costs a CORS preflight.
    headers: isServer ? [['Cache-Control', 'no-cache']] : [],
    // Browsers show no redirect to the page: GETs they follow; others must not become GETs.
    redirect: isServer || method !== 'GET' ? 'manual' : 'follow',
    // an older workerd throws where `cache` is not implemented
    ...(!Request || 'cache' in Request.prototype ? { cache: 'no-store' } as const : {}),
  };
}

/** A header's value as this runtime's fetch wants it: workerd encodes text as UTF-8 by itself. */
function platformEncoded(text: string): string {
  try {
    new (platform.Headers ?? Object)({ a: '\u20ac' });
    return platform.Headers ? text : toByteString(text);
  } catch {
    return toByteString(text);
  }
}

/** The default transport of `for await`: the platform's fetch. */
const platformFetch = (url: string, { verify, ...init }: TransportRequest) => {
  const { fetch, Bun } = platform; // called as a member, Chromium's is an "Illegal invocation"
  if (!fetch) throw new SSEError('unsupported', 'This runtime has no fetch: pass a transport');
  if (verify !== false) return fetch(url, init);
  if (Bun) return fetch(url, { ...init, tls: { rejectUnauthorized: false } });
  throw new SSEError('unsupported', "verify: false is more than this runtime's fetch can do: pass"
    + ' a transport that can, or (Node) a dispatcher in `init`');
};

/**
 * The default transport of `for … of`: fetch in a thread, its bytes over shared memory. Each
 * client has one of its own; share one where many short calls are made, and close it. Works in
 * Node ≥ 20.16 or 22.3, Bun ≥ 1.3, Deno ≥ 2.1; elsewhere SSEError `unsupported`. Its requests
 * throw SSEError `timeout`, TypeError for what no thread can be given (streams, functions).
 */
export function blockingFetch(): BlockingFetch {
  const threads = canBlock();
  let channel: Channel | undefined;
  const close = () => {
    channel?.close();
    channel = undefined;
  };
  const open: BlockingTransport = (url, { signal: _, verify = true, ...request }) => {
    if (channel?.verify !== verify) close(); // pooled connections belong to one kind of trust
    channel ??= new Channel(threads, verify);
    return channel.open(url, request);
  };
  return Object.assign(open, { close });
}

/** The module that makes threads, where a thread can wait for another. Found out by trying. */
function canBlock(): ThreadModule {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    const threads = platform.process?.getBuiltinModule?.('node:worker_threads');
    if (threads) return threads;
    throw new TypeError('no process.getBuiltinModule');
  } catch (cause) {
    throw new SSEError('unsupported', 'A blocking loop stops its whole thread. That works in Node'
      + ' (20.16, 22.3 or newer), Deno (2.1) and Bun (1.3), not in a browser or an edge runtime:'
      + ' use `for await (const event of asyncConnect(url))` there, or pass a transport', cause);
  }
}

/** Wait without a turn of the event loop. */
function blockingSleep(ms: number): void {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  } catch (cause) {
    throw new SSEError('unsupported', `This thread cannot pause for ${ms} ms: pass \`sleep\`, or`
      + ' `maxRetries: 0`, or use `for await`', cause);
  }
}

// The memory that caller and thread share: six numbers and one slot of bytes. A request's number
// is never used twice, so that what an older one left in the slot is told from the new one's.
const KIND = 0; // what is in the slot: EMPTY, the head (1), CHUNK, END or FAILURE
const SIZE = 1; // bytes in the slot
const WANTED = 2; // the request that the caller waits for
const OWNER = 3; // the request that the slot's content belongs to
const REST = 4; // bytes of this message still to come: it did not fit
const ALIVE = 5; // 1: the thread runs
const SLOT_BYTES = 65_536;
const EMPTY = 0;
const CHUNK = 2;
const END = 3;
const FAILURE = 4;

/** A thread that has not begun to run by then will not, ms: the slowest seen took 0.2 s. */
const THREAD_START = 30_000;

/** How long close() waits for the thread to drop its socket, ms: it usually takes a few. */
const THREAD_END = 100;

// The thread's code is text, since bundlers rewrite functions so that they only run at home. It
// gets getBuiltinModule for the same reason: Deno runs it as an ES module. `put` waits until the
// slot is free, which is the whole back-pressure, and gives up when another request is wanted.
const THREAD_CODE = `
const { parentPort, workerData: [state, slot, insecure] } =
  process.getBuiltinModule('node:worker_threads');
if (insecure) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
let current = 0, controller, reader;
const put = (id, kind, bytes) => {
  let at = 0;
  do {
    for (let full; Atomics.load(state, 2) === id && (full = Atomics.load(state, 0));)
      Atomics.wait(state, 0, full);
    if (Atomics.load(state, 2) !== id) return false;
    const part = bytes.subarray(at, at + slot.length);
    slot.set(part);
    at += part.length;
    state[1] = part.length;
    state[3] = id;
    state[4] = bytes.length - at;
    Atomics.store(state, 0, kind);
    Atomics.notify(state, 0);
  } while (at < bytes.length);
  return true;
};
const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const plain = (error, depth = 0) => error instanceof Object && depth < 5 ? {
  name: error.name, message: String(error.message), code: error.code,
  cause: plain(error.cause ?? error.errors?.[0], depth + 1),
} : error == null ? undefined : { message: String(error) };
const fail = (error) => put(current, 4, json(plain(error)));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
parentPort.on('message', async ([id, url, init]) => {
  reader?.cancel().catch(() => {});
  reader = undefined;
  controller?.abort();
  if (!id) Atomics.store(state, 5, 0), Atomics.notify(state, 5);
  if (!url) return;
  current = id;
  const { signal } = controller = new AbortController();
  try {
    const { status, headers, body } = await fetch(url, { ...init, signal });
    if (id !== current) return;
    put(id, 1, json({ status, headers: [...headers] }));
    const chunks = reader = body?.getReader();
    for (let part; chunks && !(part = await chunks.read()).done;)
      if (!put(id, 2, part.value)) return;
    put(id, 3, new Uint8Array());
  } catch (error) {
    if (id === current) fail(error);
  }
});
Atomics.store(state, 5, 1);
Atomics.notify(state, 5);
`;

/** An error as the thread sends it: structured clones lose `code`. */
interface PlainError {
  readonly name?: string;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: PlainError;
}

/** The caller's end of a thread that fetches. */
class Channel {
  readonly verify: boolean;
  readonly #thread: Thread;
  readonly #state = new Int32Array(new SharedArrayBuffer(24));
  readonly #slot = new Uint8Array(new SharedArrayBuffer(SLOT_BYTES));
  #request = 0;

  constructor({ Worker }: ThreadModule, verify: boolean) {
    const insecure = !verify && !platform.Bun;
    if (insecure && platform.Deno) {
      throw new SSEError('unsupported', 'verify: false is more than Deno can do for one client');
    }
    const env = insecure ? { env: { ...platform.process?.env } } : {}; // a copy, for it alone
    this.verify = verify;
    this.#thread = new Worker(THREAD_CODE, {
      eval: true, execArgv: [], workerData: [this.#state, this.#slot, insecure], ...env,
    });
    this.#thread.unref();
    if (Atomics.wait(this.#state, ALIVE, 0, THREAD_START) === 'timed-out') {
      throw new SSEError('unsupported', 'The thread that fetches did not start');
    }
  }

  open(url: string, request: Omit<TransportRequest, 'signal' | 'verify'>): BlockingResponse {
    const { timeout = 0, idleTimeout = 0, ...init } = request;
    const id = ++this.#request;
    this.#want(id);
    try {
      const tls = this.verify ? {} : { tls: { rejectUnauthorized: false } }; // Bun's way
      this.#thread.postMessage([id, url, { ...init, ...tls }]);
    } catch (cause) { // DataCloneError
      const error = new TypeError('The blocking loop fetches in a thread, and cannot send this body'
        + ' or `init` there: use `for await`, or pass a transport', { cause });
      throw new UserError(error);
    }
    const [, head] = this.#take(id, timeout, `no response from ${url}`);
    const { status, headers } = JSON.parse(new TextDecoder('utf-8', NO_BOM).decode(head));
    const body: IterableIterator<Chunk> = {
      [Symbol.iterator]: () => body,
      next: () => {
        const [kind, value] = this.#take(id, idleTimeout, `no byte from ${url}`);
        return kind === END ? { done: true, value: undefined } : { done: false, value };
      },
      return: () => {
        if (id === this.#request) this.#stop();
        return { done: true, value: undefined };
      },
    };
    return { status, headers: withHeaders({ status, headers: Object.fromEntries(headers) }).headers, body };
  }

  /** End the thread and its socket, also while it waits for room in the slot. */
  close(): void {
    this.#request++;
    this.#want(0);
    this.#thread.postMessage([0]);
    Atomics.wait(this.#state, ALIVE, 1, THREAD_END); // a terminated Bun < 1.4 keeps its sockets
    this.#thread.terminate();
  }

  #stop(): void {
    const id = ++this.#request;
    this.#want(id);
    this.#thread.postMessage([id]);
  }

  #want(id: number): void {
    Atomics.store(this.#state, WANTED, id);
    this.#free();
  }

  #free(): void {
    Atomics.store(this.#state, KIND, EMPTY);
    Atomics.notify(this.#state, KIND);
  }

  /** The next message of request `id`: its kind and its bytes. */
  #take(id: number, timeout: number, late: string): [kind: number, bytes: Uint8Array] {
    const limit = timeout > 0 ? timeout : Infinity;
    let whole: Uint8Array = new Uint8Array(0);
    while (id === this.#request) {
      const kind = Atomics.load(this.#state, KIND);
      if (kind === EMPTY) {
        // Look again after every wait: a late notify of an earlier message wakes it, too.
        if (Atomics.wait(this.#state, KIND, EMPTY, limit) !== 'timed-out') continue;
        this.#stop();
        throw new SSEError('timeout', `${late} for ${timeout} ms`);
      }
      const isOurs = this.#state[OWNER] === id;
      const part = this.#slot.slice(0, this.#state[SIZE]);
      const rest = this.#state[REST];
      this.#free();
      if (!isOurs) continue;
      if (kind === CHUNK) return [kind, part];
      whole = joined(whole, part);
      if (rest) continue;
      if (kind === FAILURE) throw revived(JSON.parse(new TextDecoder('utf-8', NO_BOM).decode(whole)));
      return [kind, whole];
    }
    return [END, whole];
  }
}

const NO_BOM = { ignoreBOM: true };

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}

function revived({ name, message, code, cause }: PlainError): Error {
  const error = new Error(message, cause && { cause: revived(cause) });
  if (name) error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

/**
 * A transport out of recorded text, for both loops: each connection gets the next log, then 204.
 * A request with Last-Event-ID gets what comes after that event, where the log has it.
 */
export function replay(logs: Chunk | readonly Chunk[]): BlockingTransport {
  const rest = Array.isArray(logs) ? [...logs] : [logs];
  return (_, { headers }) => {
    const log = rest.shift();
    if (log === undefined) return { status: 204 };
    const text = new StreamDecoder().decode(log);
    return {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: text.slice(resumeAt(text, headers['Last-Event-ID'])),
    };
  };
}

/** Where the log goes on after the event with that ID; 0: it has no such event. */
function resumeAt(text: string, id: string | undefined): number {
  if (!id) return 0;
  const parser = new EventParser();
  const blankLine = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/g;
  for (let start = 0; blankLine.test(text); start = blankLine.lastIndex) {
    parser.write(text.slice(start, blankLine.lastIndex));
    while (parser.next());
    const { lastEventId } = parser;
    if (lastEventId === id || toByteString(lastEventId) === id) return blankLine.lastIndex;
  }
  return 0;
}

/**
 * A transport that hands every chunk of an event stream to `sink` as it comes, with the number of
 * its connection (from 0: a log each). What the sink throws ends the loop.
 */
export function record(
  transport: BlockingTransport, sink: (chunk: Chunk, connection: number) => void,
): BlockingTransport;
export function record(
  transport: Transport, sink: (chunk: Chunk, connection: number) => void,
): Transport;
export function record(
  transport: Transport, sink: (chunk: Chunk, connection: number) => void,
): Transport {
  let connections = 0;
  const tapped = (response: TransportResponse): TransportResponse => {
    const { status, headers, body } = response;
    if (status !== 200 || body === null || body === undefined) return response;
    const connection = connections++;
    const seen = (part: ReadResult): ReadResult => {
      try {
        if (!part.done) sink(part.value, connection);
      } catch (error) {
        throw new UserError(error);
      }
      return part;
    };
    return { status, headers, body: tap(body, seen) };
  };
  return (url, request) => {
    const response = transport(url, request);
    return 'then' in response ? response.then(tapped) : tapped(response);
  };
}

function tap(body: Body, seen: (part: ReadResult) => ReadResult): Body {
  if (typeof body === 'object' && body !== null
    && ('getReader' in body || Symbol.asyncIterator in body)) {
    const chunks = chunksOf(body);
    return {
      getReader: () => ({
        read: async () => seen(await chunks.next()),
        cancel: async () => chunks.return?.(),
      }),
    };
  }
  const chunks = blockingChunksOf(body);
  return {
    * [Symbol.iterator]() {
      try {
        for (let part = seen(chunks.next()); !part.done; part = seen(chunks.next())) {
          yield part.value;
        }
      } finally {
        chunks.return?.();
      }
    },
  };
}

// ── 8. Clients ────────────────────────────────────────────────────────────────────────────────
// Thin: two loops that differ only in `await`. They carry out what section 6 decides, read only
// when an event is asked for and none is at hand, and close on every way out.

/** `idle` before and between loops; `waiting` to reconnect; `closed` for good. */
export type ClientState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

/** A response as the clients show it: its headers can always be asked. */
export interface SSEResponse extends TransportResponse {
  readonly headers: HeadersLike;
}

/** Options of the clients. */
export interface SSEClientOptions extends ReconnectionOptions {
  /** The request's body. A stream can be sent once: not with `reconnect`. A function is called
   *  for each attempt. */
  readonly body?: RequestBody | ((attempt: Attempt) => MaybePromise<RequestBody>) | undefined;
  /** A value to send as JSON: sets body, `Content-Type: application/json` and method `POST`. */
  readonly json?: unknown;
  /** Request headers, or a function called before each attempt (to refresh a token, say). */
  readonly headers?: HeadersInput | ((attempt: Attempt) => MaybePromise<HeadersInput>) | undefined;
  /** Until the response headers, ms; 0 or Infinity = no limit. Default 30,000. */
  readonly timeout?: number | undefined;
  /**
   * Silence, comments included, after which the connection is given up and made anew, ms; 0 or
   * Infinity = no limit. Default 300,000: outages that heal by themselves are shorter.
   */
  readonly idleTimeout?: number | undefined;
  /** As for the parser: UTF-16 code units, default 67,108,864. */
  readonly maxEventSize?: number | undefined;
  /** Aborted: the pending `next()` and later ones reject with its reason. */
  readonly signal?: SignalLike | undefined;
  /** A callable shaped like `fetch`. Default: fetch; in the blocking loop fetch in a thread. */
  readonly transport?: Transport | undefined;
  /** false: accept any TLS certificate, or throw where that cannot be done. Default true. */
  readonly verify?: boolean | undefined;
  /** Further members of the request: credentials, mode, dispatcher, … */
  readonly init?: object | undefined;
  /** Observers. What they throw ends the loop. */
  readonly onOpen?: ((response: SSEResponse) => void) | undefined;
  readonly onRetry?: ((retry: Retry) => void) | undefined;
  readonly onComment?: ((text: string) => void) | undefined;
  /** Waits that many ms before a reconnection. Default: a timer; blocking: a blocked thread. */
  readonly sleep?: ((ms: number) => unknown) | undefined;
  /** The time, ms since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Options where nothing may be a promise. */
export interface BlockingClientOptions extends SSEClientOptions {
  readonly body?: RequestBody | ((attempt: Attempt) => RequestBody) | undefined;
  readonly headers?: HeadersInput | ((attempt: Attempt) => HeadersInput) | undefined;
  readonly transport?: BlockingTransport | undefined;
}

type MaybePromise<T> = T | PromiseLike<T>;

/** UTF-16 code units kept of an error's body: enough for any message, no flood. */
const MAX_ERROR_BODY = 65_536;

/** What a pending wait is rejected with when close(), reconnect() or a signal ends it. */
const INTERRUPTED = /* @__PURE__ */ Symbol('interrupted');

/** What an attempt sends, over all its redirects. */
interface Prepared {
  readonly headers: readonly Header[];
  readonly body: RequestBody | undefined;
}

/** The state of a client, and the steps that its two loops share. */
class Session {
  readonly reconnection: Reconnection;
  readonly transport: Transport;
  readonly timeout: number;
  readonly idleTimeout: number;
  readonly now: () => number;
  state: ClientState = 'idle';
  response: SSEResponse | undefined;
  /** The open connection's, until it is released. */
  chunks: Chunks | undefined;
  /** ms to wait before the next attempt. */
  delay = 0;
  opening: Promise<SSEResponse> | undefined;
  readonly #options: SSEClientOptions;
  readonly #method: string;
  readonly #headers: Header[] | undefined;
  readonly #json: string | undefined;
  #controller: InstanceType<typeof AbortController> | undefined;
  #parser: EventParser | undefined;
  #interrupt: (() => void) | undefined;
  #looping = false;
  #unlisten: (() => void) | undefined;

  constructor(given: string | { readonly href: string }, options: SSEClientOptions) {
    const { body, headers, init, json, signal, transport, verify } = options;
    const method = options.method ?? (body === undefined && json === undefined ? 'GET' : 'POST');
    this.#method = method.toUpperCase();
    let url = typeof given === 'string' ? given : given.href;
    if (transport === undefined) url = absolute(url);
    else if (typeof transport !== 'function') throw new TypeError('transport must be a function');
    else if (verify === false) {
      throw new TypeError('verify: false cannot be handed to a transport of your own: set it there');
    }
    if (body !== undefined && json !== undefined) throw new TypeError('Give body or json, not both');
    if (this.#method === 'GET' && (body ?? json) !== undefined) {
      throw new TypeError('A GET has no body: leave out `method`, or name another');
    }
    for (const name of ['until', 'random', 'onOpen', 'onRetry', 'onComment', 'sleep', 'now'] as const) {
      if (options[name] !== undefined && typeof options[name] !== 'function') {
        throw new TypeError(`${name} must be a function`);
      }
    }
    if (init !== undefined && typeof init !== 'object') throw new TypeError('init must be an object');
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
      throw new TypeError('signal must be an AbortSignal');
    }
    this.#options = options;
    this.transport = transport ?? platformFetch;
    this.timeout = milliseconds('timeout', options.timeout ?? 30_000);
    this.idleTimeout = milliseconds('idleTimeout', options.idleTimeout ?? 300_000);
    this.now = options.now ?? Date.now;
    this.reconnection = new Reconnection(url, { ...options, method: this.#method });
    new EventParser(options); // its options are checked now, not in the loop
    this.#json = json === undefined ? undefined : JSON.stringify(json);
    if (typeof headers !== 'function') this.#headers = headerList(headers);
    if (this.reconnection.reconnects && isStream(body)) {
      throw new TypeError('A stream as body can be sent once only: give a function that returns'
        + ' one for each attempt, or reconnect: false');
    }
  }

  /** Whether there is something to do. Throws the signal's reason. */
  isLive(): boolean {
    if (this.state === 'closed') return false;
    if (this.#options.signal?.aborted) throw this.#options.signal.reason;
    return true;
  }

  /** A loop begins. */
  enter(): void {
    if (this.#looping && this.state !== 'closed') {
      throw new TypeError('This client is in another loop: break out of it, or make a new client');
    }
    this.#looping = true;
    const { signal } = this.#options;
    if (!signal || this.#unlisten) return;
    const abort = () => {
      void this.release();
      this.#interrupt?.();
    };
    signal.addEventListener('abort', abort);
    this.#unlisten = () => signal.removeEventListener('abort', abort);
  }

  /** A loop ends, `keep`ing the connection or not. Resolves when the socket is let go. */
  leave(keep = false): Promise<void> {
    this.#looping = false;
    if (keep) return Promise.resolve();
    this.#unlisten?.();
    this.#unlisten = undefined;
    if (this.state !== 'closed') this.state = 'idle';
    this.delay = 0;
    this.#parser = undefined;
    return this.release();
  }

  close(): Promise<void> {
    this.state = 'closed';
    const released = this.leave();
    this.#interrupt?.();
    return released;
  }

  /** The loop is left while it waits. */
  stop(): Promise<void> {
    const released = this.release();
    this.#interrupt?.();
    return released;
  }

  /** What open() gives. */
  opened(isOpen: boolean): SSEResponse {
    if (this.response && (isOpen || this.response.status === 204)) return this.response;
    throw new SSEError('connection', `The client for ${this.reconnection.url} was closed`);
  }

  reconnect(): void {
    if (!this.reconnection.reconnects) {
      throw new TypeError('This client makes one connection only (reconnect: false)');
    }
    if (this.state === 'closed' || this.state === 'idle') return;
    this.state = this.#looping ? 'connecting' : 'idle';
    this.delay = 0;
    void this.release(); // what was received is still handed out
    this.#interrupt?.();
  }

  /** Let the connection go. A read that is pending may never end: then it is not waited for. */
  release(): Promise<void> {
    const { chunks } = this;
    const controller = this.#controller;
    this.chunks = this.#controller = undefined;
    const isPending = this.#interrupt !== undefined;
    const returned = quietly(() => chunks?.return?.());
    controller?.abort();
    return isPending ? Promise.resolve() : returned;
  }

  /**
   * Wait for `work`: at most `ms`, then it is SSEError `timeout` saying `what` did not come, and
   * no longer than until an interruption. `late` gets a result that comes after all.
   */
  wait<T>(work: MaybePromise<T>, ms = 0, what = '', late?: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let isWaiting = true;
      const settle = (end: () => void) => {
        if (!isWaiting) return;
        isWaiting = false;
        clearTimeout(timer);
        this.#interrupt = undefined;
        end();
      };
      const expire = () => settle(() => reject(new SSEError(
        'timeout', `${what} from ${this.reconnection.url} for ${ms} ms`,
      )));
      const isLimited = ms > 0 && ms < Infinity;
      const timer = isLimited ? setTimeout(expire, Math.min(ms, MAX_DELAY)) : undefined;
      this.#interrupt = () => settle(() => reject(INTERRUPTED));
      Promise.resolve(work).then(
        (value) => isWaiting ? settle(() => resolve(value)) : late?.(value),
        (error) => settle(() => reject(error)),
      );
    });
  }

  /** Wait before the next attempt. */
  async pause(): Promise<void> {
    const { sleep } = this.#options;
    let timer: unknown;
    const slept = sleep
      ? sleep(this.delay)
      : new Promise<void>((resolve) => (timer = setTimeout(resolve, this.delay)));
    try {
      await this.wait(slept);
    } finally {
      clearTimeout(timer);
    }
  }

  pauseBlocking(): void {
    const { sleep = blockingSleep } = this.#options;
    notAPromise(sleep(this.delay), 'sleep');
  }

  /** An attempt begins: what the user's functions are told. */
  begin(): Attempt {
    this.state = 'connecting';
    this.delay = 0;
    this.#parser = undefined;
    this.#controller = new AbortController();
    return this.reconnection.begin(this.now());
  }

  headers(attempt: Attempt): MaybePromise<HeadersInput> | undefined {
    const { headers } = this.#options;
    return typeof headers === 'function' ? headers(attempt) : this.#headers;
  }

  body(attempt: Attempt): MaybePromise<RequestBody> | undefined {
    const { body } = this.#options;
    return this.#json ?? (typeof body === 'function' ? body(attempt) : body);
  }

  request({ headers, body }: Prepared): [url: string, request: TransportRequest] {
    const { headers: defaults, ...modes } = platformRequest(this.#method);
    if (this.#json !== undefined) defaults.push(['Content-Type', 'application/json']);
    const to = this.reconnection.request(defaults, headers, platformEncoded);
    const { signal } = this.#controller ??= new AbortController();
    const { init, verify = true } = this.#options;
    return [to.url, {
      ...init, ...modes, method: this.#method, headers: to.headers, signal,
      ...(body === undefined ? {} : { body }),
      ...(isStream(body) ? { duplex: 'half' } : {}),
      ...(verify ? {} : { verify }),
    }];
  }

  /** A response came. `open` makes its body's chunks. */
  receive(response: TransportResponse, open: (body: Body) => Chunks): Decision {
    if (typeof response?.status !== 'number') {
      throw new TypeError(`The transport returned ${kindOf(response)}, not a response with a status`);
    }
    const shown = this.response = withHeaders(response);
    const { headers } = response;
    const decision = this.reconnection.response(response.status, headers && shown.headers);
    this.chunks = open(response.body);
    if (decision.kind === 'open') {
      const { maxEventSize, onComment, onOpen } = this.#options;
      const { lastEventId, retry } = this.reconnection;
      this.#parser = new EventParser({ lastEventId, retry, maxEventSize, onComment });
      this.state = 'open';
      onOpen?.(shown);
    } else if (decision.kind === 'send') {
      const { chunks } = this;
      this.chunks = undefined;
      void quietly(() => chunks?.return?.());
    } else if (decision.kind !== 'read') this.carryOut(decision);
    return decision;
  }

  refused(body: string): void {
    const { headers, status } = this.response ?? { status: 0 };
    this.carryOut(this.reconnection.refused(status, headers, body, this.now()));
  }

  /** The connection ended; whoever interrupted it has seen to the rest. */
  lost(error?: unknown): void {
    if (error !== INTERRUPTED) this.carryOut(this.reconnection.lost(error));
  }

  carryOut(decision: Decision): void {
    void this.release();
    if (decision.kind === 'fail') throw decision.error;
    if (decision.kind === 'wait') {
      this.state = 'waiting';
      this.delay = decision.retry.delay;
      this.#options.onRetry?.(decision.retry);
    } else this.state = 'closed';
  }

  read(part: ReadResult): void {
    if (part.done) this.lost();
    else this.#parser?.write(part.value);
  }

  /** The next of the events that are here. */
  parse(): SSEEvent | undefined {
    const event = this.#parser?.next();
    if (event) {
      if (this.reconnection.delivered(event)) void this.close();
    } else if (this.#parser) this.reconnection.caughtUp(this.#parser);
    return event;
  }
}

/** Sessions by client: a subclass cannot reach its parent's #private fields. */
const sessions = new WeakMap<AsyncSSEClient, Session>();

function sessionOf(client: AsyncSSEClient): Session {
  const session = sessions.get(client);
  if (!session) throw new TypeError('Not an SSE client');
  return session;
}

/** Connects, waits, connects again, until a stream is open (true) or the client is done (false). */
async function connected(session: Session): Promise<boolean> {
  while (session.isLive()) {
    if (session.state === 'open') return true;
    try {
      if (session.delay > 0) await session.pause();
      if (session.isLive()) await attempt(session);
    } catch (error) {
      if (error !== INTERRUPTED) throw error;
    }
  }
  return false;
}

async function attempt(session: Session): Promise<void> {
  const context = session.begin();
  const headers = headerList(await session.wait(session.headers(context)));
  const body = await session.wait(session.body(context));
  for (let decision: Decision = { kind: 'send' }; decision.kind === 'send';) {
    let response;
    try {
      const work = session.transport(...session.request({ headers, body }));
      response = await session.wait(work, session.timeout, 'No response', discard);
    } catch (error) {
      return session.lost(error);
    }
    decision = session.receive(response, chunksOf);
    if (decision.kind === 'read') session.refused(await errorBody(session));
  }
}

/** The next event, or undefined at the end of the connection. Reads only when none is at hand. */
async function nextEvent(session: Session): Promise<SSEEvent | undefined> {
  while (session.isLive()) {
    const event = session.parse();
    if (event) return event;
    if (!session.chunks) return undefined;
    let part;
    try {
      part = await session.wait(session.chunks.next(), session.idleTimeout, 'No byte');
    } catch (error) {
      session.lost(error);
      return undefined;
    }
    session.read(part);
  }
  return undefined;
}

/** What the server says for itself, as far as it says it in time. */
async function errorBody(session: Session): Promise<string> {
  const text = new ErrorBody(session);
  try {
    while (session.chunks && text.isWanted) {
      text.add(await session.wait(session.chunks.next(), text.timeLeft, 'No byte'));
    }
  } catch (error) {
    if (error === INTERRUPTED) throw error;
  }
  return text.text;
}

class ErrorBody {
  text = '';
  isWanted = true;
  readonly #decoder = new StreamDecoder();
  readonly #now: () => number;
  readonly #end: number;

  /** In all it may take as long as the headers. */
  constructor({ now, timeout }: Session) {
    this.#now = now;
    this.#end = now() + (timeout || Infinity);
  }

  get timeLeft(): number {
    return this.#end - this.#now();
  }

  add(part: ReadResult): void {
    if (!part.done) this.text += this.#decoder.decode(part.value);
    this.text = this.text.slice(0, MAX_ERROR_BODY);
    this.isWanted = !part.done && this.text.length < MAX_ERROR_BODY && this.timeLeft > 0;
  }
}

async function * follow(session: Session): AsyncGenerator<SSEEvent, void, undefined> {
  await session.opening;
  session.enter();
  try {
    while (await connected(session)) {
      for (let event; (event = await nextEvent(session));) yield event;
    }
  } finally {
    await session.leave();
  }
}

/** A response that came when nobody waited for it any more. */
function discard(response: TransportResponse): void {
  void quietly(() => chunksOf(response.body).return?.());
}

// The same loop without `await`. Nothing can interrupt it but what its own thread does between
// two events; a transport watches the time by itself.

function connectedBlocking(session: Session, transport: BlockingTransport): boolean {
  while (session.isLive()) {
    if (session.state === 'open') return true;
    if (session.delay > 0) session.pauseBlocking();
    if (session.isLive()) attemptBlocking(session, transport);
  }
  return false;
}

function attemptBlocking(session: Session, transport: BlockingTransport): void {
  const context = session.begin();
  const headers = headerList(notAPromise(session.headers(context), 'headers'));
  const body = notAPromise(session.body(context), 'body');
  for (let decision: Decision = { kind: 'send' }; decision.kind === 'send';) {
    let response;
    try {
      const [url, request] = session.request({ headers, body });
      const { timeout, idleTimeout } = session;
      response = transport(url, { ...request, timeout, idleTimeout });
    } catch (error) {
      return session.lost(error);
    }
    decision = session.receive(notAPromise(response, 'transport'), blockingChunksOf);
    if (decision.kind === 'read') session.refused(errorBodyBlocking(session));
  }
}

function nextEventBlocking(session: Session): SSEEvent | undefined {
  while (session.isLive()) {
    const event = session.parse();
    if (event) return event;
    if (!session.chunks) return undefined;
    let part;
    try {
      part = session.chunks.next();
    } catch (error) {
      session.lost(error);
      return undefined;
    }
    session.read(notAPromise(part, 'body'));
  }
  return undefined;
}

function errorBodyBlocking(session: Session): string {
  const text = new ErrorBody(session);
  try {
    while (session.chunks && text.isWanted) {
      text.add(notAPromise(session.chunks.next(), 'body'));
    }
  } catch {
    // what came must do
  }
  return text.text;
}

function notAPromise<T>(value: MaybePromise<T>, name: string): T {
  if (!isPromise(value)) return value;
  void quietly(() => value);
  throw new TypeError(`The blocking loop cannot wait for the promise that \`${name}\` returned: use`
    + ' `for await`, or give one that returns its result');
}

function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** A body that can be sent once only. */
function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null
    && ('getReader' in body || Symbol.asyncIterator in body || 'next' in body);
}

/** A response whose headers can be asked: as it is, or a copy of what is known of it. */
function withHeaders(response: TransportResponse): SSEResponse {
  const { status, headers = {}, body } = response;
  if (isShown(response)) return response;
  const list = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { status, headers: { get: (name) => list.get(name.toLowerCase()) ?? null }, body };
}

function isShown(response: TransportResponse): response is SSEResponse {
  const { headers } = response;
  return headers !== undefined && typeof headers.get === 'function';
}

/** The URL for fetch: absolute; in a page, relative to it. */
function absolute(url: string): string {
  try {
    const parsed = new URL(url, platform.location?.href);
    if (isHTTP(parsed)) return parsed.href;
  } catch {
    // below
  }
  throw new TypeError(`url must be an absolute http: or https: URL, got '${
    String(url).replace(/\/\/[^/]*@/, '//')}'`);
}

/** What `using` and `await using` call; esbuild's fallback where the runtime has no such symbol. */
function onDispose(client: object, name: 'dispose' | 'asyncDispose', close: () => unknown): void {
  const known: { readonly [name: string]: unknown } = Object.getOwnPropertyDescriptors(Symbol);
  const key = name in known ? Reflect.get(Symbol, name) : Symbol.for(`Symbol.${name}`);
  Object.defineProperty(client, key, { value: close });
}

type SymbolOf<Name extends string> =
  SymbolConstructor extends { readonly [N in Name]: infer S extends symbol } ? S : never;

/** `await using events = asyncConnect(url)`, where the compiler's libraries know of it. */
type AsyncDisposes = { [S in SymbolOf<'asyncDispose'>]: () => Promise<void> };
type Disposes = { [S in SymbolOf<'dispose'>]: () => void };

export interface AsyncSSEClient extends AsyncDisposes {}

/**
 * Follows a URL: `for await (const event of client)`. Nothing is sent before the first `next()`
 * or `open()`. A loop that is left by `break` closes the connection; a later one resumes after
 * the last event handed over. A loop throws SSEHTTPError, SSEConnectionError, SSEError of any
 * other code, the signal's reason, and what the user's own functions throw; TypeError while
 * another loop runs. The constructor throws TypeError and RangeError for wrong options.
 */
export class AsyncSSEClient implements AsyncIterable<SSEEvent> {
  constructor(url: string | { readonly href: string }, options: SSEClientOptions = {}) {
    sessions.set(this, new Session(url, options));
    onDispose(this, 'asyncDispose', () => this.close());
  }

  /** The URL, without userinfo. */
  get url(): string {
    return sessionOf(this).reconnection.url;
  }

  /** The last event ID string, of the last event handed over; `""` = none. */
  get lastEventId(): string {
    return sessionOf(this).reconnection.lastEventId;
  }

  /** The server's reconnection time, ms; undefined = it sent none. */
  get retry(): number | undefined {
    return sessionOf(this).reconnection.retry;
  }

  get state(): ClientState {
    return sessionOf(this).state;
  }

  /** The last response, also one that was refused; undefined before the first. */
  get response(): SSEResponse | undefined {
    return sessionOf(this).response;
  }

  /**
   * Connect and check now, as the loop would, and iterate later. Resolves with the response that
   * opened the stream, or with the 204 that ended it; throws what the loop would.
   */
  open(): Promise<SSEResponse> {
    const session = sessionOf(this);
    return session.opening ??= opened(session).finally(() => (session.opening = undefined));
  }

  /**
   * Drop the connection and connect again at once (the network changed, the tab is visible again).
   * Events already received are handed out first. TypeError for a client that does not reconnect.
   */
  reconnect(): void {
    sessionOf(this).reconnect();
  }

  /**
   * End it, at once and for good: a pending `next()` ends, nothing is delivered any more. Resolves
   * when the socket is let go.
   */
  close(): Promise<void> {
    return sessionOf(this).close();
  }

  /** The events' data as JSON values, up to `[DONE]`; there the client closes the connection. */
  json<T = unknown>(options?: JSONOptions): AsyncIterable<T> {
    return { [Symbol.asyncIterator]: () => asyncJSONValues<T>(this, options) };
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    const session = sessionOf(this);
    return interruptible(follow(session), () => session.stop());
  }
}

async function opened(session: Session): Promise<SSEResponse> {
  if (session.state === 'open' && session.response) return session.response;
  session.enter();
  let isOpen = false;
  try {
    isOpen = await connected(session);
  } finally {
    await session.leave(isOpen);
  }
  return session.opened(isOpen);
}

export interface SSEClient extends Disposes {}

/**
 * Follows a URL in both loops: `for (const event of client)` blocks the thread, `for await` does
 * not. Throws what AsyncSSEClient does; its blocking loop also SSEError `unsupported` where a
 * thread cannot wait, and TypeError for promises.
 */
export class SSEClient extends AsyncSSEClient {
  readonly #transport: BlockingTransport | undefined;
  #fetch: BlockingFetch | undefined;

  constructor(url: string | { readonly href: string }, options: BlockingClientOptions = {}) {
    super(url, options);
    this.#transport = options.transport;
    onDispose(this, 'dispose', () => void this.close());
  }

  /** `open()` for the blocking loop. */
  openSync(): SSEResponse {
    const session = sessionOf(this);
    if (session.state === 'open' && session.response) return session.response;
    session.enter();
    let isOpen = false;
    try {
      isOpen = connectedBlocking(session, this.#blocking());
    } finally {
      void session.leave(isOpen);
      if (!isOpen) this.#release();
    }
    return session.opened(isOpen);
  }

  override close(): Promise<void> {
    const closed = super.close();
    this.#release();
    return closed;
  }

  override json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T> {
    return {
      [Symbol.iterator]: () => jsonValues<T>(this, options),
      [Symbol.asyncIterator]: () => asyncJSONValues<T>(this, options),
    };
  }

  * [Symbol.iterator](): IterableIterator<SSEEvent> {
    const session = sessionOf(this);
    session.enter();
    try {
      while (connectedBlocking(session, this.#blocking())) {
        for (let event; (event = nextEventBlocking(session));) yield event;
      }
    } finally {
      void session.leave();
      this.#release();
    }
  }

  /** The thread of the default transport is kept over reconnections: see BlockingFetch. */
  #blocking(): BlockingTransport {
    return this.#transport ?? (this.#fetch ??= blockingFetch());
  }

  #release(): void {
    this.#fetch?.close();
    this.#fetch = undefined;
  }
}

// ── 9. Shorthands ─────────────────────────────────────────────────────────────────────────────

/**
 * `for (const event of connect(url))`: the blocking loop. Throws SSEError `unsupported` at once
 * where no thread can be blocked, unless there is a transport; else as SSEClient does.
 */
export function connect(
  url: string | { readonly href: string }, options?: BlockingClientOptions,
): SSEClient {
  if (!options?.transport) canBlock();
  return new SSEClient(url, options);
}

/** `for await (const event of asyncConnect(url))`. Throws as AsyncSSEClient does. */
export function asyncConnect(
  url: string | { readonly href: string }, options?: SSEClientOptions,
): AsyncSSEClient {
  return new AsyncSSEClient(url, options);
}
