/*! ssekit 0.1.0 | MIT License | npm package "ssekit" */
/* eslint-disable -- checked where it is made: where it is copied to, all tools pass it over */
/* eslint max-lines: [1, 99], max-classes-per-file: 0, unicorn/no-abusive-eslint-disable: 0,
eslint-comments/no-unlimited-disable: 0, @eslint-community/eslint-comments/no-unlimited-disable: 0,
eslint-comments/disable-enable-pair: 0, @eslint-community/eslint-comments/disable-enable-pair: 0
-- max-lines always finds something, so no disable is unused; the others no disable can reach */
// biome-ignore-all lint assist format: as above
// deno-lint-ignore-file
// deno-fmt-ignore-file
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
// Every error of this file's own but TypeError and RangeError, which are for wrong arguments.
// Messages name the URL without its userinfo, and never a header's value.

/**
 * What went wrong. `json` comes from events (§2), `limit` from the parser (§4), `content-type`
 * and `http` from an EventSource over a response (§5) and from clients, `connection`, `redirect`
 * and `truncated` from clients as §6 decides, `timeout` and `unsupported` from transports (§7)
 * and clients (§8). Clients connect again after `connection`, `timeout`, `truncated`, and after
 * `http` as `retryStatus` says; the others end the loop.
 */
export type SSEErrorCode =
  | 'connection'
  | 'content-type'
  | 'http'
  | 'json'
  | 'limit'
  | 'redirect'
  | 'timeout'
  | 'truncated'
  | 'unsupported';

/** What all errors of this file have in common: a code to switch on. */
export class SSEError extends Error {
  override readonly name: string = 'SSEError';
  readonly code: SSEErrorCode;
  constructor(code: SSEErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? cause : {cause});
    this.code = code;
  }
}

/** The part of `Headers` that is needed. */
export interface HeadersLike {
  get(name: string): string | null;
}

const NO_HEADERS: HeadersLike = {get: () => null};

/** The server answered with a status that opens no stream. */
export class SSEHTTPError extends SSEError {
  override readonly name = 'SSEHTTPError';
  /** The HTTP status, 100 to 599. */
  readonly status: number;
  /** Where it came from, redirects followed, without userinfo. */
  readonly url: string;
  readonly headers: HeadersLike;
  /** The response's body as text, cut at 65,536 UTF-16 code units; `""` from an EventSource. */
  readonly body: string;
  /** How long the server asked to wait (`Retry-After`), milliseconds; undefined = it did not. */
  readonly retryAfter: number | undefined;
  constructor(
    status: number,
    url: string,
    headers: HeadersLike,
    body: string,
    retryAfter?: number,
  ) {
    super('http', `HTTP status ${status} from ${url} opens no stream`);
    this.status = status;
    this.url = url;
    this.headers = headers;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** The connection was lost and is not made again; `cause` is what ended the last one. */
export class SSEConnectionError extends SSEError {
  override readonly name = 'SSEConnectionError';
  /** The URL of the client, without userinfo. */
  readonly url: string;
  /** Reconnections really made since the last event, ≥ 0. */
  readonly retries: number;
  constructor(url: string, retries: number, cause: unknown) {
    super(
      'connection',
      `SSE connection to ${url} failed after ${retries} retries: ${describe(cause)}`,
      cause,
    );
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

/** Messages down the chain of causes: that is where runtimes keep the reason (ECONNREFUSED). */
function describe(error: unknown): string {
  let text = '';
  try {
    for (let at = error, depth = 4; at instanceof Error && depth--; at = at.cause) {
      if (!text.includes(at.message)) text += (text && ': ') + at.message;
    }
    return text || String(error);
  } catch {
    // `throw Object.create(null)`: what is no text is no reason to end a loop
    return text || typeof error;
  }
}

/** UTF-16 code units of a server's text that a message shows: enough to recognise, no dump. */
const SHOWN = 100;

/** The same, less what would act on a terminal. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN));
}

/** For arguments: what must be so, or TypeError or RangeError says it. */
function must(
  ok: unknown,
  message: string,
  Kind: new (message: string) => Error = TypeError,
): asserts ok {
  if (!ok) throw new Kind(message);
}

// ── 2. Events ─────────────────────────────────────────────────────────────────────────────────

/** The type of an event whose stream names none (specification: dispatch the event, step 5). */
const DEFAULT_TYPE = 'message';

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
      throw new SSEError(
        'json',
        `Data of event ${shown(this.event)} is not JSON: ${shown(this.data)}`,
        cause,
      );
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
export function formatEvent({event, data, id, retry, comment}: EventFields): string {
  const write = (name: string, value: string | undefined, single?: RegExp): string => {
    if (value === undefined) return '';
    must(typeof value === 'string', `${name || 'comment'} must be a string`);
    must(!single?.test(value), `${name} must be one line without NUL: ${JSON.stringify(value)}`);
    return value
      .split(/\r\n|\r|\n/)
      .map((line) => `${name}: ${line}\n`)
      .join('');
  };
  must(
    retry === undefined || (Number.isSafeInteger(retry) && retry >= 0),
    `retry must be an integer from 0 to 2^53-1, got ${retry}`,
    RangeError,
  );
  return (
    write('', comment)
    + write('event', event === DEFAULT_TYPE ? undefined : event || undefined, /[\r\n]/)
    + write('id', id, /[\r\n\0]/)
    + write('retry', retry?.toString())
    + write('data', data)
    + '\n'
  );
}

// ── 3. Decoding ───────────────────────────────────────────────────────────────────────────────
// Pure: no clock, timer, random number or network.

/** A piece of a stream, cut anywhere: text, or bytes of UTF-8. */
export type Chunk = string | Uint8Array;

declare const TextEncoder: new () => {encode(text: string): Uint8Array};
declare const TextDecoder: new (
  label: string,
  options: {ignoreBOM: boolean},
) => {
  decode(bytes?: Uint8Array, options?: {stream: boolean}): string;
};

/** ignoreBOM means "leave it in": that rule is below, once, for text and bytes alike. */
const newDecoder = () => new TextDecoder('utf-8', {ignoreBOM: true});

/** For all: it remembers nothing. */
let oneShot: InstanceType<typeof TextDecoder> | undefined;

/** Chunks that go to the streaming decoder after one that was not ASCII: text stays what it is. */
const WIDE = 4;

/** Chunks to text: UTF-8 cut anywhere, invalid bytes as U+FFFD, less one leading BOM. */
class StreamDecoder {
  #streaming: InstanceType<typeof TextDecoder> | undefined;
  /**
   * 0: no sequence is open, and ASCII is likely. A decoder that need not remember makes text of it
   * several times faster (Node 20: V8 does it alone), and text of one byte a character.
   */
  #wide = 0;
  #atStart = true;

  decode(chunk: Chunk): string {
    if (chunk === '') return '';
    let text = '';
    if (typeof chunk === 'string') {
      if (this.#wide) text = this.#streaming?.decode() ?? ''; // the end of what bytes left open
      this.#wide = 0;
      text += chunk;
    } else {
      const bytes = bytesOf(chunk);
      const {length} = bytes;
      if (!length) return '';
      const endsOpen = (bytes[length - 1] ?? 0) > 0x7f;
      if (this.#wide || endsOpen) {
        text = (this.#streaming ??= newDecoder()).decode(bytes, {stream: true});
        this.#wide = endsOpen || text.length < length ? WIDE : this.#wide - 1;
      } else {
        text = (oneShot ??= newDecoder()).decode(bytes);
        if (text.length < length) this.#wide = WIDE;
      }
    }
    if (!this.#atStart || !text) return text;
    this.#atStart = false;
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text; // "parse an event stream"
  }
}

/** Another realm's bytes, too, and an ArrayBuffer, which Node 20's file streams give. */
function areBytes(value: unknown): value is Uint8Array {
  return (
    ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]'
  );
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  must(areBytes(chunk), `A chunk must be text or bytes, got ${typeof chunk}`);
  return ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : new Uint8Array(chunk);
}

/**
 * A header's value as a ByteString: the UTF-8 bytes of `text`, one code unit each, which is what
 * `fetch` writes on the wire as they are (specification: "encoded as UTF-8").
 */
function toByteString(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /%(..)/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Code units that are left to the engine in parts, up to 40 bytes each. */
const JOIN = 32_768;

/** Text from any number of parts, in linear time and without a record of each part. */
class Rope {
  #head = '';
  #tail = '';

  get length(): number {
    return this.#head.length + this.#tail.length;
  }

  add(part: string): void {
    this.#tail += part;
    if (this.#tail.length < JOIN) return;
    this.#tail.charCodeAt(0); // engines put the parts together when they look into a text
    this.#head += this.#tail;
    this.#tail = '';
  }

  take(): string {
    const text = this.#head + this.#tail;
    this.#head = this.#tail = '';
    return text;
  }
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

const NO_BYTES: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** Specification: "if the field value consists of only ASCII digits"; all browsers want one. */
const ASCII_DIGITS = /^[0-9]+$/;

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;

/** Bytes decoded at a time: what is decoded, scanned and sliced stays in the processor's cache. */
const WINDOW = 65_536;

/** Chunks below this many bytes are gathered up to a line end: each decoding has a fixed price. */
const SMALL = 16;
const GATHERED = 256;

/** Gathering needs it for a moment: thousands of silent parsers keep none each. */
let spare: Uint8Array | undefined;

/**
 * The parser in pull form. It works on offsets into the text it was given, and parses no further
 * than the event asked for: `lastEventId` and `retry` are always those of the last event handed
 * out.
 */
class PullParser {
  readonly #decoder = new StreamDecoder();
  readonly #onComment: ParseOptions['onComment'];
  readonly #maxEventSize: number;

  // What was written and is no text yet: bytes, and text that follows #text.
  #bytes = NO_BYTES;
  #gathered = NO_BYTES;
  #gatheredSize = 0;
  #rest = '';

  // The text at hand. #lf and #cr: the next of each at or after #position; its length: none left.
  #text = '';
  #position = 0;
  #lf = 0;
  #cr = 0;
  /** The end of #text is the end of a line, although it has none: lines come so. */
  #isLine = false;
  /** The last text ended with a CR: a LF that comes next belongs to it. */
  #skipLF = false;
  readonly #unfinishedLine = new Rope();

  /** The data lines; undefined: none, which is not the same as an empty one. */
  #dataBuffer: string | undefined;
  /** What came before #dataBuffer, if that is much. */
  readonly #longData = new Rope();
  #eventTypeBuffer = '';
  #lastEventIdBuffer: string;
  #lastEventId: string;
  #retry: number | undefined;
  /** How long a line may be: #maxEventSize, less the data. */
  #room: number;
  /** What ended it: after the limit, what comes cannot be told from the rest of that event. */
  #failure: unknown;

  /** Throws RangeError for a wrong `maxEventSize`. */
  constructor(options: ParseOptions = {}) {
    this.#onComment = options.onComment;
    const max = (this.#room = this.#maxEventSize = options.maxEventSize ?? MAX_EVENT_SIZE);
    must(
      typeof max === 'number' && max >= 1,
      `maxEventSize must be a number from 1, got ${max}`,
      RangeError,
    );
    this.#lastEventIdBuffer = this.#lastEventId = options.lastEventId ?? '';
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

  /** Take the next chunk, cut anywhere; then call `next()` until it returns undefined. */
  write(chunk: Chunk): void {
    if (this.#failure) throw this.#failure;
    if (typeof chunk === 'string') {
      if (this.#bytes.length || this.#gatheredSize) this.#flush();
      this.#rest += this.#decoder.decode(chunk);
      return;
    }
    const bytes = bytesOf(chunk);
    const isSmall = bytes.length < SMALL;
    if (this.#bytes.length || (this.#gatheredSize && !isSmall)) this.#flush();
    if (!isSmall) this.#bytes = bytes;
    else if (this.#gather(bytes)) this.#flush();
  }

  /**
   * Take one line, or several; the last one is finished with or without its end. Then call
   * `next()` until it returns undefined.
   */
  writeLine(line: Chunk): void {
    must(typeof line === 'string', 'A line must be a string: chunks are for EventSource.from()');
    if (this.#failure) throw this.#failure;
    let end = line.length;
    if (line.charCodeAt(end - 1) === LF) end--;
    if (line.charCodeAt(end - 1) === CR && line.charCodeAt(end) !== CR) end--;
    if (this.#bytes.length || this.#gatheredSize) this.#flush();
    if (this.#text || this.#rest || this.#unfinishedLine.length) {
      this.#rest += line.slice(0, end) + '\r\n'; // after a CR, LF alone would be its end
      return;
    }
    this.#begin(this.#decoder.decode(line.slice(0, end) || '\n'));
    this.#isLine = end > 0;
    this.#skipLF = false;
  }

  #begin(text: string): void {
    this.#lf = indexIn(text, '\n', 0);
    this.#cr = indexIn(text, '\r', 0);
    const {length} = this.#unfinishedLine;
    if (length && Math.min(this.#lf, this.#cr) < text.length) {
      text = this.#unfinishedLine.take() + text;
      this.#lf += length;
      this.#cr += length;
    }
    this.#text = text;
  }

  /** Text is left only where a callback threw, or somebody writes twice: it goes first. */
  #flush(): void {
    const bytes = this.#gathered.subarray(0, this.#gatheredSize);
    if (this.#gatheredSize) spare = this.#gathered;
    this.#gathered = NO_BYTES;
    this.#gatheredSize = 0;
    this.#rest += this.#decoder.decode(bytes) + this.#decoder.decode(this.#bytes);
    this.#bytes = NO_BYTES;
  }

  /** Put a small chunk to those before it. True: it is time to decode them. */
  #gather(bytes: Uint8Array): boolean {
    if (!this.#gathered.length) {
      this.#gathered = spare ?? new Uint8Array(GATHERED);
      spare = undefined;
    }
    const gathered = this.#gathered;
    const {length} = bytes;
    let size = this.#gatheredSize;
    let hasEnd = false;
    for (let at = 0; at < length; at++) {
      const byte = (gathered[size++] = bytes[at] ?? 0);
      if (byte === LF || byte === CR) hasEnd = true;
    }
    this.#gatheredSize = size;
    // one unit more may come of bytes that the decoder still has
    return hasEnd || size > GATHERED - SMALL || size + this.#unfinishedLine.length >= this.#room;
  }

  /** The next event, or undefined when all that was written is used up. */
  next(): SSEEvent | undefined {
    return this.scan();
  }

  /** The next piece of text, from the beginning of a line. False: there is none. */
  #refill(): boolean {
    let text = this.#rest;
    this.#rest = '';
    while (!text) {
      const bytes = this.#bytes;
      if (!bytes.length) return false;
      const isLong = bytes.length > WINDOW;
      this.#bytes = isLong ? bytes.subarray(WINDOW) : NO_BYTES;
      text = this.#decoder.decode(isLong ? bytes.subarray(0, WINDOW) : bytes);
    }
    this.#begin(text);
    this.#position = this.#skipLF && text.charCodeAt(0) === LF ? 1 : 0;
    this.#skipLF = false;
    return true;
  }

  /** The next event; with `onEvent`, all of them. */
  protected scan(onEvent?: (event: SSEEvent) => void): SSEEvent | undefined {
    if (this.#failure) throw this.#failure;
    do {
      const event = this.#scanText(onEvent);
      if (event) return event;
    } while (this.#refill());
    return undefined;
  }

  /**
   * The next event of the text at hand; with `onEvent`, all of them. The hot loop: a round is a
   * line. What is rare is in other methods, so that engines put the frequent parts together (bench/
   * has the figures).
   */
  #scanText(onEvent?: (event: SSEEvent) => void): SSEEvent | undefined {
    const text = this.#text;
    const {length} = text;
    let start = this.#position;
    let lf = this.#lf;
    let cr = this.#cr;
    let data = this.#dataBuffer;
    let room = this.#room;
    this.#dataBuffer = undefined;
    this.#room = this.#maxEventSize;
    while (start < length || this.#isLine) {
      // "parsing an event stream": CRLF, LF and CR each end one line
      if (lf < start && (lf = text.indexOf('\n', start)) < 0) lf = length;
      if (cr < start) this.#cr = cr = indexIn(text, '\r', start);
      let end = lf;
      let after = lf + 1;
      if (cr < lf) {
        end = cr;
        after = cr + 1;
        this.#skipLF = after === length;
        if (after === lf) after++;
        else this.#lf = lf; // far away, maybe: not to be looked for again
      } else if (lf === length) {
        if (!this.#isLine) break;
        after = length;
        this.#isLine = this.#skipLF = false;
      }
      if (end - start > room) this.#exceed(end - start, room);

      if (start < end) {
        // "data", a character at a time: six times as fast as a slice, and engines inline only so
        // much that is in functions
        if (
          text.charCodeAt(start) !== 0x64
          || text.charCodeAt(start + 1) !== 0x61
          || text.charCodeAt(start + 2) !== 0x74
          || text.charCodeAt(start + 3) !== 0x61
          || (text.charCodeAt(start + 4) !== COLON && end !== start + 4)
        ) {
          if (isEvent(text, start, end)) {
            this.#eventTypeBuffer = text.slice(afterColon(text, start + 5), end);
          } else if (isId(text, start, end)) this.#id(text.slice(afterColon(text, start + 2), end));
          else if (text.charCodeAt(start) !== COLON) this.#field(text, start, end);
          else if (this.#onComment) {
            const comment = text.slice(afterColon(text, start), end);
            if (!this.#comment(comment, after, data, room)) return this.scan(onEvent);
          }
          start = after;
          continue;
        }
        const value = text.slice(text.charCodeAt(start + 5) === SPACE ? start + 6 : start + 5, end);
        start = after;
        room -= value.length;
        if (data === undefined) data = value;
        else {
          data += '\n' + value;
          room--;
          if (data.length > JOIN) {
            this.#longData.add(data);
            data = '';
          }
        }
        // Mostly a blank line comes next.
        const next = after < length ? text.charCodeAt(after) : 0;
        if (next === LF) start++;
        else if (next === CR && text.charCodeAt(after + 1) === LF) start += 2;
        else continue;
      } else start = after;
      // "dispatch the event": the id counts from here on, also without data
      this.#lastEventId = this.#lastEventIdBuffer;
      const type = this.#eventTypeBuffer;
      this.#eventTypeBuffer = '';
      if (data === undefined) continue;
      if (this.#longData.length) data = this.#longData.take() + data;
      const event = new SSEEvent(type || DEFAULT_TYPE, data, this.#lastEventId, this.#retry);
      data = undefined;
      room = this.#maxEventSize;
      this.#position = start;
      if (!onEvent) return event;
      onEvent(event);
      if (this.#position !== start) return this.scan(onEvent); // it has fed this parser
    }
    this.#dataBuffer = data;
    this.#room = room;
    this.#keep(start);
    return undefined;
  }

  /** The text is used up; what is left of it is part of a line. */
  #keep(start: number): void {
    const text = this.#text;
    this.#text = '';
    this.#position = 0;
    if (start < text.length) this.#unfinishedLine.add(start ? text.slice(start) : text);
    const {length} = this.#unfinishedLine;
    if (length > this.#room) this.#exceed(length, this.#room);
  }

  /** Lines count with their field names, so that the verdict is the same however they are cut. */
  #exceed(line: number, room: number): void {
    const max = this.#maxEventSize;
    const size = line + max - room;
    this.#text = this.#rest = '';
    this.#position = 0;
    this.#bytes = NO_BYTES;
    this.#unfinishedLine.take();
    this.#longData.take();
    this.#dataBuffer = undefined;
    throw (this.#failure = new SSEError(
      'limit',
      `An event of ${size} code units or more: maxEventSize is ${max}`,
    ));
  }

  /** Give that comment away. False: that fed this parser. */
  #comment(text: string, position: number, data: string | undefined, room: number): boolean {
    this.#position = position;
    this.#dataBuffer = data;
    this.#room = room;
    this.#onComment?.(text);
    if (this.#position !== position) return false;
    this.#dataBuffer = undefined;
    this.#room = this.#maxEventSize;
    return true;
  }

  #id(value: string): void {
    if (!value.includes('\0')) this.#lastEventIdBuffer = detached(value);
  }

  /** A line that is none of the frequent ones: text[start, end). */
  #field(text: string, start: number, end: number): void {
    const line = text.slice(start, end);
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(afterColon(line, colon));
    if (name === 'retry' && ASCII_DIGITS.test(value)) {
      // beyond 2⁵³ a number has no decimal form of its own; what waits clamps it anyway
      this.#retry = Math.min(+value, Number.MAX_SAFE_INTEGER);
    } // "otherwise, the field is ignored"
  }
}

/** The parser: what PullParser has, and `feed`, which pushes. */
export class EventParser extends PullParser {
  /** What a feed() that had whole events to return owes its caller. */
  #owed: {readonly error: unknown} | undefined;

  /**
   * Take the next chunk of the stream, cut anywhere, and return the events it completes; or, with
   * a second argument, call it with each. Throws SSEError `limit`, TypeError for a chunk that is
   * neither text nor bytes, and what `onComment` throws; where this call has whole events to
   * return, it returns them, and the next call throws.
   */
  feed(chunk: Chunk): SSEEvent[];
  feed(chunk: Chunk, onEvent: (event: SSEEvent) => void): void;
  feed(chunk: Chunk, onEvent?: (event: SSEEvent) => void): SSEEvent[] | void {
    this.write(chunk);
    const owed = this.#owed;
    this.#owed = undefined;
    if (owed) throw owed.error;
    const events: SSEEvent[] = [];
    try {
      this.scan(onEvent ?? ((event) => void events.push(event)));
    } catch (error) {
      if (!events.length) throw error;
      this.#owed = {error};
    }
    return onEvent ? undefined : events;
  }

  /** Take one line; an end of line at its end is tolerated, one inside is a TypeError. */
  feedLine(line: string): SSEEvent | undefined {
    must(
      typeof line === 'string' && isOneLine(line),
      'feedLine() takes one line; feed() takes any text',
    );
    this.writeLine(line);
    return this.next();
  }
}

function isOneLine(text: string): boolean {
  const end = Math.min(indexIn(text, '\n', 0), indexIn(text, '\r', 0));
  return end >= text.length - 1 || text.slice(end) === '\r\n';
}

/** Where that character is next; the text's length if it is not there. */
function indexIn(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from);
  return at < 0 ? text.length : at;
}

function isEvent(text: string, start: number, end: number): boolean {
  return (
    text.charCodeAt(start) === 0x65
    && text.charCodeAt(start + 1) === 0x76
    && text.charCodeAt(start + 2) === 0x65
    && text.charCodeAt(start + 3) === 0x6e
    && text.charCodeAt(start + 4) === 0x74
    && (text.charCodeAt(start + 5) === COLON || end === start + 5)
  );
}

function isId(text: string, start: number, end: number): boolean {
  return (
    text.charCodeAt(start) === 0x69
    && text.charCodeAt(start + 1) === 0x64
    && (text.charCodeAt(start + 2) === COLON || end === start + 2)
  );
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
  getReader(): {read(): PromiseLike<ReadResult>; cancel(): PromiseLike<unknown>};
}

type ReadResult =
  | {readonly done?: false; readonly value: Chunk}
  | {readonly done: true; readonly value?: Chunk | undefined};

/** What a stream's chunks come from. */
export type BlockingBody = Chunk | Iterable<Chunk> | null | undefined;
export type Body = BlockingBody | AsyncIterable<Chunk> | ReadableStreamLike;

/** A `Response`, as far as it is needed. */
export interface ResponseLike {
  readonly body: Body;
  readonly status?: number | undefined;
  readonly url?: string | undefined;
  readonly headers?: HeadersLike | undefined;
}

/** A body being read. */
interface Chunks<Result = ReadResult | PromiseLike<ReadResult>> {
  next(): Result;
  return?(): unknown;
  /** A stream's `return()` settles also while a read is pending; a generator's waits for it. */
  readonly isStream?: true;
}

/** The events of a text, of lines or of a stream, for `for await … of`. */
export interface EventSource extends AsyncIterable<SSEEvent> {
  /** Of the last event handed out: what to resume with, also after the loop. */
  readonly lastEventId: string;
  readonly retry: number | undefined;
  /**
   * The JSON values of the events, up to one whose data is `done` (default `"[DONE]"`; null: none
   * is); events with empty data are passed over. Throws SSEError `json`.
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
  from(stream: Chunk | Iterable<Chunk>, options?: ParseOptions): SyncEventSource;
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
    const isText = typeof source === 'string';
    must(
      isText ? !/^https?:\/\/\S*$/i.test(source) : isSource(source),
      'EventSource parses a text,'
        + ' lines or a stream; a promise is to be awaited first, a URL is for asyncConnect(url)',
    );
    this.#source = source;
    this.#options = options;
    this.#areLines = !areChunks && !isText;
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

  [Symbol.iterator](): IterableIterator<SSEEvent> {
    return loop(this.#steps());
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    return asyncLoop(this.#asyncSteps());
  }

  json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T> {
    return {
      [Symbol.iterator]: () => loop(asJSON<T, Now>(this.#steps(), options)),
      [Symbol.asyncIterator]: () => asyncLoop(asJSON(this.#asyncSteps(), options)),
    };
  }

  #steps(): Steps<SSEEvent, Now> {
    let parser: EventParser | undefined;
    let chunks: Chunks<ReadResult> | undefined;
    return {
      take: () => parser?.next(),
      more: () => {
        parser ??= this.#parser = new EventParser(this.#options);
        chunks ??= blockingChunksOf(bodyOf(this.#source));
        return this.#write(parser, chunks.next());
      },
      close: () => void chunks?.return?.(),
    };
  }

  #asyncSteps(): Steps<SSEEvent> {
    let parser: EventParser | undefined;
    let chunks: Chunks | undefined;
    const receive = (part: ReadResult) => !!parser && this.#write(parser, part);
    return {
      take: () => parser?.next(),
      more: () => {
        parser ??= this.#parser = new EventParser(this.#options);
        const part = (chunks ??= chunksOf(bodyOf(this.#source))).next();
        return isPromise(part) ? part.then(receive) : receive(part);
      },
      close: () => {
        const opened = chunks;
        chunks = undefined;
        return quietly(() => opened?.return?.());
      },
    };
  }

  #write(parser: EventParser, part: ReadResult): boolean {
    if (part.done) return false;
    if (this.#areLines) parser.writeLine(part.value);
    else parser.write(part.value);
    return true;
  }
};

type MaybePromise<T> = T | PromiseLike<T>;

function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** What a step gives in an ordinary loop, which waits for no promise. */
type Now = boolean | void;

/** What a loop does. */
interface Steps<T, More = unknown> {
  /** The next of what is here; undefined: nothing is left. */
  take(): T | undefined;
  /** Get more. False: there is none; anything else: look again. */
  more(): More;
  /** May be called more than once. */
  close(): unknown;
}

function loop<T>({take, more, close}: Steps<T, Now>): IterableIterator<T> {
  let isOver = false;
  const end = (): IteratorResult<T> => {
    if (!isOver) close();
    isOver = true;
    return {done: true, value: undefined};
  };
  return {
    next() {
      try {
        while (!isOver) {
          const value = take();
          if (value !== undefined) return {done: false, value};
          if (more() === false) break;
        }
      } catch (error) {
        end();
        throw error;
      }
      return end();
    },
    return: end,
    [Symbol.iterator]() {
      return this;
    },
  };
}

/** Not an async generator: what is here is given at half the price; `return()` closes at once. */
function asyncLoop<T>({take, more, close}: Steps<T>): AsyncIterableIterator<T> {
  let isOver = false;
  let calls = 0; // of next() that have no answer yet: a later one has to wait for them
  let last: Promise<IteratorResult<T>> | undefined;
  const end = async (): Promise<IteratorResult<T>> => {
    isOver = true;
    await close();
    return {done: true, value: undefined};
  };
  const advance = async (): Promise<IteratorResult<T>> => {
    try {
      while (!isOver) {
        const value = take();
        if (value !== undefined) return {done: false, value};
        if ((await more()) === false) break;
      }
    } catch (error) {
      await end();
      throw error;
    } finally {
      calls--;
    }
    return end();
  };
  return {
    next() {
      if (!calls && !isOver)
        try {
          const value = take();
          if (value !== undefined) return Promise.resolve({done: false, value});
        } catch (error) {
          return end().then(() => Promise.reject(error));
        }
      last = calls++ && last ? last.then(advance, advance) : advance();
      return last;
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The JSON values of those events, up to `done`. Those without data are pings (MCP, tRPC). */
function asJSON<T, More>(
  {take, more, close}: Steps<SSEEvent, More>,
  {done = '[DONE]'}: JSONOptions = {},
): Steps<T, More | false> {
  let isDone = false;
  return {
    take() {
      for (let event: SSEEvent | undefined; !isDone && (event = take()); ) {
        isDone = event.data === done;
        if (!isDone && event.data) return event.json<T>();
      }
      return undefined;
    },
    more: () => !isDone && more(),
    close,
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

function isSource(value: unknown): boolean {
  return (
    typeof value === 'object'
    && value !== null
    && (Symbol.iterator in value
      || Symbol.asyncIterator in value
      || 'getReader' in value
      || areBytes(value)
      || isResponse(value))
  );
}

function isResponse(value: unknown): value is ResponseLike {
  return (
    typeof value === 'object'
    && value !== null
    && 'body' in value
    && !(Symbol.asyncIterator in value)
  );
}

/** The body of a response, once it is clear that it is a stream of events. */
function bodyOf(source: Body | ResponseLike): Body {
  if (!isResponse(source)) return source;
  const {status = 200, headers, body} = source;
  const url = source.url?.replace(/\/\/[^/?#]*@/, '//') || 'the response';
  if (status < 200 || status > 299) {
    throw new SSEHTTPError(status, url, headers ?? NO_HEADERS, '');
  }
  if (status === 204) return null;
  const error = contentTypeError(headers, url);
  if (error) throw error;
  return body;
}

/** "If … `Content-Type` … is not `text/event-stream`, then fail the connection". */
function contentTypeError(headers: HeadersLike | undefined, url: string): SSEError | undefined {
  const type = headers ? (headers.get('content-type') ?? '') : 'text/event-stream';
  if (type.split(';', 1).join().trim().toLowerCase() === 'text/event-stream') return undefined;
  return new SSEError(
    'content-type',
    `Expected Content-Type 'text/event-stream', got '${type.slice(0, SHOWN)}' from ${url}`,
  );
}

/** A body's chunks. Streams through their reader: WebKit has no other way, Deno's other leaks. */
function chunksOf(body: Body): Chunks {
  if (typeof body === 'object' && body !== null) {
    if ('getReader' in body) {
      const reader = body.getReader();
      return {isStream: true, next: () => reader.read(), return: () => reader.cancel()};
    }
    if (Symbol.asyncIterator in body) return body[Symbol.asyncIterator]();
  }
  return blockingChunksOf(body);
}

function blockingChunksOf(body: Body): Chunks<ReadResult> {
  const chunks = typeof body === 'string' || areBytes(body) ? [body] : (body ?? []);
  must(Symbol.iterator in chunks, 'That source cannot be read without waiting: use `for await`');
  return chunks[Symbol.iterator]();
}

// ── 6. Reconnection ───────────────────────────────────────────────────────────────────────────
// Pure. All that decides is here: whether to connect again, when, and with which headers. It does
// not know sync from async and never waits; the time is an argument.

declare const URL: new (
  url: string,
  base?: string,
) => {
  href: string;
  origin: string;
  protocol: string;
  username: string;
  password: string;
};
declare const Headers: new (
  headers: HeadersInput,
) => HeadersLike &
  Iterable<[string, string]> & {
    append(name: string, value: string): void;
    set(name: string, value: string): void;
    delete(name: string): void;
  };

/** The longest delay that timers take, ms (2³¹−1); a longer one fires at once (Node, browsers). */
const MAX_DELAY = 2 ** 31 - 1;

/** At least this between two connections, ms, once they fail fast: ten a second hurt no server. */
const MIN_INTERVAL = 100;

/** Waits are stretched by up to this share: a server's clients must not return all at once. */
const JITTER = 0.25;

/** As many as fetch follows (Fetch standard, HTTP-redirect fetch). */
const MAX_REDIRECTS = 20;

/** UTF-16 code units of a URL that the message shows of a chain of redirects: 16 kB fit in one. */
const MAX_SHOWN_URL = 2000;

/** What no header's value can carry (RFC 9110, field-content): it is left out, or refused. */
const CONTROLS = /[\0-\x08\n-\x1f\x7f]/;

/** Errors that the next connection may not meet; any other SSEError is final. */
const PASSING: readonly SSEErrorCode[] = ['connection', 'http', 'timeout', 'truncated'];

/** Headers in any of the forms that `fetch` takes. */
export type HeadersInput =
  | HeadersLike
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

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
  /** What ended the last connection, always an Error; undefined before the first. */
  readonly error: Error | undefined;
}

/** A reconnection to be made, as `onRetry` gets it. */
export interface Retry extends Attempt {
  readonly error: Error;
  /** How long the client will wait, ms. */
  readonly delay: number;
}

/** What is to be done next. */
export type Decision =
  | {readonly kind: 'open'} // parse the body
  | {readonly kind: 'send'} // a redirect: send the next request(), now
  | {readonly kind: 'read'} // read the body's text and come back with refused()
  | {readonly kind: 'wait'; readonly retry: Retry} // begin() again after that delay
  | {readonly kind: 'stop'} // end quietly
  | {readonly kind: 'fail'; readonly error: unknown};

const ONE_CONNECTION =
  'With reconnect: false, the default for POST, a client makes one connection:'
  + ' make a new client';

const STOP: Decision = {kind: 'stop'};
const fail = (error: unknown): Decision => ({kind: 'fail', error});

/** Decides. Throws RangeError and TypeError for wrong options, naming option and range. */
export class Reconnection {
  /** The client's URL. */
  readonly url: string;
  /** Whether a lost connection is made again. */
  readonly reconnects: boolean;
  /** The last event ID string: of the last event handed to the consumer. */
  lastEventId: string;
  /** The server's reconnection time, ms; undefined = it sent none. */
  retry: number | undefined;

  readonly #options: ReconnectionOptions;
  /** GET and HEAD, which may be sent again and turned into one another. */
  readonly #isSafe: boolean;
  readonly #isGET: boolean;
  readonly #maxRetries: number;
  /** Reconnections in a row that brought no event. */
  #failures = 0;
  #opened = false;
  #error: Error | undefined;
  #attempts = 0;
  #begun = -Infinity;
  #hurried = false;
  /** Where the next request goes: the URL, or where its redirects led. */
  #target: string;
  #redirects: string[] = [];
  #crossedOrigins = false;

  constructor(url: string, options: ReconnectionOptions = {}) {
    const {method = 'GET', lastEventId = '', maxRetries = Infinity, retryStatus = []} = options;
    this.#options = options;
    this.#isGET = /^get$/i.test(method);
    this.#isSafe = this.#isGET || /^head$/i.test(method);
    this.reconnects = options.reconnect ?? this.#isSafe;
    must(typeof this.reconnects === 'boolean', 'reconnect must be a boolean');
    milliseconds('retryInterval', options.retryInterval);
    milliseconds('maxRetryInterval', options.maxRetryInterval);
    must(
      maxRetries === Infinity || (Number.isInteger(maxRetries) && maxRetries >= -1),
      `maxRetries must be an integer from -1 or Infinity, got ${maxRetries}`,
      RangeError,
    );
    this.#maxRetries = maxRetries < 0 ? Infinity : maxRetries;
    must(
      Array.isArray(retryStatus) && retryStatus.every(Number.isInteger),
      'retryStatus must be an array of HTTP statuses',
    );
    must(!hasUserinfo(url), 'url must hold no userinfo: use a header');
    must(
      typeof lastEventId === 'string' && !/[\r\n\0]/.test(lastEventId),
      'lastEventId must be one line without NUL',
    );
    this.lastEventId = lastEventId;
    this.url = this.#target = url;
  }

  /** A new attempt begins at time `now`, ms. TypeError where that would send a request again. */
  begin(now: number): Attempt {
    must(!this.#attempts++ || this.reconnects, ONE_CONNECTION);
    // twice that, once it waits for it: else every second connection would come at once
    this.#hurried = now - this.#begun < (this.#hurried ? 2 : 1) * MIN_INTERVAL;
    this.#begun = now;
    this.#target = this.url;
    this.#redirects = [];
    this.#crossedOrigins = false;
    return {attempt: this.#failures, lastEventId: this.lastEventId, error: this.#error};
  }

  /**
   * URL and headers of the next request, their names in lower case. The user's `own` win over the
   * `defaults`, but for a Last-Event-ID once the stream has set one; another origin gets none.
   */
  request(
    defaults: HeadersInput,
    own: Iterable<readonly [name: string, value: string]>,
    encode: (text: string) => string = toByteString,
  ): {url: string; headers: Record<string, string>} {
    const headers = new Headers(defaults);
    headers.set('accept', 'text/event-stream');
    if (!this.#crossedOrigins) {
      for (const [name, value] of own) headers.set(name, value);
      const id = this.lastEventId;
      if (id) headers.delete('last-event-id');
      if (id && !CONTROLS.test(id)) {
        headers.set('last-event-id', /^[\t-~]*$/.test(id) ? id : encode(id));
      }
    }
    return {url: this.#target, headers: Object.fromEntries(headers)};
  }

  /** The response came: open it, follow it, read why not, or stop. */
  response(status: number, headers: HeadersLike | undefined): Decision {
    const location = headers?.get('location');
    if (status === 0 || (location && [301, 302, 303, 307, 308].includes(status))) {
      return this.#redirect(status, location ?? '');
    }
    if (status === 204) return STOP; // "HTTP 204 No Content … tell the client to stop"
    if (this.#isGET ? status !== 200 : status < 200 || status > 299 || status === 205) {
      return {kind: 'read'};
    }
    const error = contentTypeError(headers, this.#target);
    if (error) return fail(error);
    this.#opened = true;
    return {kind: 'open'};
  }

  /** The response opened no stream; `body` is its text. */
  refused(status: number, headers: HeadersLike | undefined, body: string, now: number): Decision {
    const after = headers?.get('retry-after') ?? '';
    const wait = ASCII_DIGITS.test(after) ? +after * 1000 : Math.max(0, Date.parse(after) - now);
    const error = new SSEHTTPError(
      status,
      this.#target,
      headers ?? NO_HEADERS,
      body,
      wait >= 0 ? wait : undefined,
    );
    const {retryStatus = [408, 425, 429, 500, 502, 503, 504]} = this.#options;
    this.#error = error; // a later loop's headers() may want to know
    const passes = this.#opened && this.reconnects && retryStatus.includes(status);
    return passes ? this.lost(error) : fail(error);
  }

  /** The connection ended: by an error, or cleanly. */
  lost(error?: unknown): Decision {
    const {until} = this.#options;
    if (error instanceof UserError) return fail(error.error);
    if (error instanceof SSEError && !PASSING.includes(error.code)) return fail(error);
    if (error === undefined && !until && !this.reconnects) return STOP;
    const reason =
      error instanceof Error
        ? error
        : error !== undefined
          ? new SSEError('connection', describe(error), error)
          : until
            ? new SSEError('truncated', `${this.url} ended the stream before its last event`)
            : new SSEError('connection', 'the server ended the stream');
    if (error === undefined && !this.reconnects) return fail(reason);
    const attempt = this.#failures + 1;
    if (!this.reconnects || attempt > this.#maxRetries) {
      this.#failures = 0; // a later loop starts afresh
      return fail(new SSEConnectionError(this.url, attempt - 1, reason));
    }
    this.#failures = attempt;
    this.#error = reason;
    const delay = this.#delay(reason instanceof SSEHTTPError ? (reason.retryAfter ?? 0) : 0);
    return {
      kind: 'wait',
      retry: {attempt, delay, error: reason, lastEventId: this.lastEventId},
    };
  }

  /** The event is about to be handed over. True: it was the last. */
  delivered(event: SSEEvent): boolean {
    const isLast = this.#options.until?.(event) === true;
    this.#failures = 0;
    this.caughtUp({lastEventId: event.id, retry: event.retry});
    return isLast;
  }

  /** All that was parsed has been handed over; an `id:` or `retry:` may have come without event. */
  caughtUp({lastEventId, retry}: Pick<EventParser, 'lastEventId' | 'retry'>): void {
    this.lastEventId = lastEventId;
    this.retry = retry;
  }

  #delay(retryAfter: number): number {
    const {retryInterval = 3000, maxRetryInterval = 30_000, random = Math.random} = this.#options;
    const base = this.retry ?? retryInterval;
    const backoff = Math.max(base, MIN_INTERVAL) * 2 ** (this.#failures - 1);
    const wait = Math.max(base, Math.min(backoff, maxRetryInterval), retryAfter);
    const spread = Math.ceil(wait * (1 + JITTER * random())) || 0;
    return Math.min(Math.max(wait, spread, this.#hurried ? MIN_INTERVAL : 0), MAX_DELAY);
  }

  #redirect(status: number, location: string): Decision {
    const from = new URL(this.#target, 'http://localhost');
    let why = 'leads to no URL';
    try {
      const to = new URL(location, from.href);
      to.username = to.password = '';
      this.#target = to.href;
      this.#redirects.push(to.href.slice(0, MAX_SHOWN_URL));
      if (to.origin !== from.origin) this.#crossedOrigins = true;
      why =
        !/^https?:$/.test(to.protocol) || from.protocol > to.protocol // from https: to http:
          ? 'leads to no place for HTTP, or to a less safe one'
          : this.#redirects.length > MAX_REDIRECTS
            ? 'follows twenty others'
            : !status
              ? 'is hidden here: use the final URL'
              : status < 307 && !this.#isSafe
                ? 'would make a GET of this request: use the final URL'
                : '';
    } catch {
      // no URL
    }
    if (!why) return {kind: 'send'};
    const chain = [this.url, ...this.#redirects].join(' -> ');
    return fail(new SSEError('redirect', `Redirect ${status} ${why} (${chain})`));
  }
}

/** Headers as `Headers`. TypeError for what HTTP cannot carry; unlike fetch's it shows no value. */
function validHeaders(headers: HeadersInput = {}): InstanceType<typeof Headers> {
  try {
    const valid = new Headers(headers);
    for (const [, value] of valid) must(!CONTROLS.test(value), '');
    return valid;
  } catch {
    throw new TypeError('headers must be HTTP header names with one line of Latin-1 text each');
  }
}

function hasUserinfo(url: string): boolean {
  try {
    // `http:user:pass@host` would be a path if the base had the same scheme
    const {password, username} = new URL(url, 'x:/');
    return password + username !== '';
  } catch {
    return false; // for others to find out
  }
}

/** A time option: a number from 0. */
function milliseconds(name: string, value = 0): number {
  must(
    typeof value === 'number' && value >= 0,
    `${name} must be a number of milliseconds from 0, got ${String(value)}`,
    RangeError,
  );
  return value;
}

// ── 7. Transports ─────────────────────────────────────────────────────────────────────────────
// The only section that touches the platform. A transport is a callable shaped like `fetch`; a
// blocking one returns its response at once, and a body that an ordinary loop can read.

/** The platform's own AbortSignal type where there is one, so that its `fetch` is a Transport. */
type PlatformSignal = typeof globalThis extends {AbortSignal: {prototype: infer Signal}}
  ? Signal
  : SignalLike;

/** The platform's own type of a request's body where there is one. */
type PlatformBody = typeof globalThis extends {
  Request: new (input: never, init?: infer Init) => unknown;
}
  ? NonNullable<Init> extends {body?: infer B}
    ? NonNullable<B>
    : never
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
  /** false: accept any TLS certificate. Only transports that say `verifies` get it. */
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

export interface Transport {
  (url: string, request: TransportRequest): TransportResponse | PromiseLike<TransportResponse>;
  /** true: it does as `verify` says. Without it, `verify: false` is a TypeError. */
  readonly verifies?: boolean;
}

export interface BlockingTransport {
  (url: string, request: TransportRequest): BlockingResponse;
  readonly verifies?: boolean;
}

/** The blocking fetch: with a thread that lives until `close()`. */
export interface BlockingFetch extends BlockingTransport {
  close(): void;
}

/** What differs between runtimes, as far as it is needed. */
interface Platform {
  readonly fetch?: (url: string, init: object) => Promise<TransportResponse>;
  readonly process?: {
    readonly versions?: {readonly node?: string};
    readonly env: object;
    getBuiltinModule?<Id extends keyof Modules>(id: Id): Modules[Id];
  };
  readonly navigator?: {readonly userAgent?: string};
  readonly location?: {readonly href: string};
  readonly document?: object;
  readonly Bun?: object;
  readonly Deno?: object;
  readonly Request?: {readonly prototype: object};
  readonly Symbol: Readonly<Record<string, symbol | undefined>>;
}

interface Thread {
  postMessage(message: unknown): void;
  terminate(): unknown;
  unref(): void;
}

interface ThreadModule {
  readonly Worker: new (code: string, options: object) => Thread;
}

/** A Node stream of bytes. */
interface NodeStream {
  on(name: string, listener: (argument: never) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  read(): Uint8Array | null;
  destroy(error?: unknown): unknown;
  end(bytes?: Uint8Array): unknown;
  pipe(to: NodeStream): unknown;
}

interface NodeResponse extends NodeStream {
  readonly statusCode: number;
  readonly rawHeaders: readonly string[];
}

interface HttpModule {
  request(
    url: string,
    options: object,
    onResponse: (response: NodeResponse) => void,
  ): {
    on(name: 'error' | 'close', listener: (error: unknown) => void): unknown;
    end(body?: Uint8Array): unknown;
    destroy(error?: unknown): unknown;
  };
}

interface Modules {
  readonly 'node:worker_threads': ThreadModule;
  readonly 'node:http': HttpModule;
  readonly 'node:https': HttpModule;
  readonly 'node:zlib': Readonly<
    Record<
      'createGunzip' | 'createInflate' | 'createBrotliDecompress',
      (options: object) => NodeStream
    >
  >;
}

declare const AbortController: new () => {readonly signal: PlatformSignal; abort(): void};
declare const setTimeout: (run: () => void, ms: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;

const platform = globalThis as unknown as Platform;

function isWorkerd(): boolean {
  return platform.navigator?.userAgent === 'Cloudflare-Workers';
}

/** Whether requests go out as they are written, as on servers; a page's browser has its own say. */
function isServer(): boolean {
  return !platform.document && (isWorkerd() || !!platform.process?.versions?.node);
}

/** A header's value as this runtime's fetch wants it: workerd encodes text as UTF-8 by itself. */
function platformEncoded(text: string): string {
  try {
    new Headers({a: '\u20ac'});
    return text;
  } catch {
    return toByteString(text);
  }
}

/** The default transport of `for await`: the platform's fetch. */
const platformFetch: Transport = (url, {verify, ...init}) => {
  const {fetch, Bun} = platform; // called as a member, Chromium's is an "Illegal invocation"
  if (fetch && verify !== false) return fetch(url, init);
  if (fetch && Bun) return fetch(url, {...init, tls: {rejectUnauthorized: false}});
  throw new SSEError(
    'unsupported',
    `This runtime has no fetch${fetch ? ' for verify: false' : ''}: pass a transport that can`,
  );
};

/** Options of `httpTransport()`. */
export interface HttpTransportOptions {
  /** An `Agent` of `node:http` or `node:https`, as the URL wants. Default: the modules' own. */
  readonly agent?: object | undefined;
}

/**
 * A transport of `for await` over `node:http` and `node:https`, for Node, Bun and Deno: there it
 * takes less time and memory than fetch, ends no stream for being silent, knows `verify: false` in
 * Node, and takes an agent. Decodes gzip, deflate and br. A body must be text or bytes. Throws
 * SSEError `unsupported` where those modules are not to be had.
 */
export function httpTransport({agent}: HttpTransportOptions = {}): Transport {
  const moduleOf = <Id extends keyof Modules>(id: Id): Modules[Id] => {
    // workerd's shows no rawHeaders, and its destroy() leaves the socket open
    const module = isWorkerd() ? undefined : platform.process?.getBuiltinModule?.(id);
    if (module) return module;
    throw new SSEError('unsupported', `This runtime has no ${id}: leave out the transport`);
  };
  moduleOf('node:http');
  const send: Transport = (url, {verify = true, method, headers, body, signal}) => {
    if (body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body)) {
      throw new UserError(new TypeError('httpTransport() sends text or bytes as body'));
    }
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body && bytesOf(body);
    return new Promise((resolve, reject) => {
      const {request} = moduleOf(url.startsWith('https:') ? 'node:https' : 'node:http');
      const options = {
        method,
        agent,
        rejectUnauthorized: verify,
        headers: {
          'accept-encoding': 'gzip, br', // some servers' deflate is not what it should be
          ...headers,
          // node:http gives a DELETE none, and its body would be taken for the next request
          ...(bytes && {'content-length': `${bytes.length}`}),
        },
      };
      const sent = request(url, options, (response) => {
        try {
          const coding = receivedHeaders(response).get('content-encoding');
          const body = readable(decoded(response, coding, moduleOf('node:zlib')), response);
          const status = response.statusCode;
          // made anew whenever they are asked for, which is rare: they would take 1 kB all the time
          resolve({
            status,
            get headers() {
              return receivedHeaders(response);
            },
            body,
          });
        } catch (error) {
          response.destroy();
          reject(error);
        }
      });
      const abort = (): void => void sent.destroy(signal?.reason);
      sent.on('error', reject);
      sent.on('close', () => {
        signal?.removeEventListener('abort', abort);
        // 101: there is neither 'response' nor 'error'
        reject(new SSEError('connection', `No response from ${url}`));
      });
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      sent.end(bytes);
    });
  };
  return Object.assign(send, {verifies: true});
}

function receivedHeaders({rawHeaders}: NodeResponse): InstanceType<typeof Headers> {
  const headers = new Headers([]);
  for (let at = 1; at < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at - 1] ?? '', rawHeaders[at] ?? '');
  }
  return headers;
}

/**
 * The stream less its compression, each piece as it comes. A coding that is none (some servers say
 * `none`) changes nothing; one that is not known here is SSEError `unsupported`.
 */
function decoded(
  stream: NodeStream,
  coding: string | null,
  zlib: Modules['node:zlib'],
): NodeStream {
  const name = /^(?:x-)?(gzip|deflate|br)$/i.exec(coding ?? '')?.[1]?.toLowerCase();
  if (!name) {
    if (!/gzip|deflate|\bbr\b|zstd|compress/i.test(coding ?? '')) return stream;
    throw new SSEError('unsupported', `Content-Encoding ${shown(coding ?? '')} is not known here`);
  }
  const make =
    name === 'br' ? 'createBrotliDecompress' : name === 'gzip' ? 'createGunzip' : 'createInflate';
  const flush = name === 'br' ? 1 : 2; // BROTLI_OPERATION_FLUSH, Z_SYNC_FLUSH: nothing is held back
  const decoder = zlib[make]({flush, finishFlush: flush});
  stream.pipe(decoder);
  return decoder;
}

/**
 * The response's stream as the clients read it: with little of it taken while nobody asks. Its
 * pieces stay apart: its own read() copies them together, which took a tenth of the whole time.
 */
function readable(stream: NodeStream, response: NodeStream): ReadableStreamLike {
  const pieces: Uint8Array[] = [];
  let size = 0; // of all pieces
  let failure: unknown;
  let isOver = false;
  let isClosed = false;
  let look: (() => void) | undefined; // what the pending read() does when something has happened
  const on = <Argument>(from: NodeStream, name: string, note: (argument: Argument) => void) =>
    from.on(name, (argument: Argument) => {
      note(argument);
      look?.();
    });
  on(stream, 'data', (bytes: Uint8Array) => {
    pieces.push(bytes);
    size += bytes.length;
    if (size > WINDOW) stream.pause();
  });
  on(stream, 'end', () => (isOver = true));
  on(stream, 'error', (error) => {
    failure ??= error;
    isOver = true;
  });
  if (stream !== response)
    on(response, 'error', (error) => {
      // what came is decoded first
      failure ??= error;
      stream.end(response.read() ?? undefined);
    });
  on(response, 'close', () => (isClosed = true));
  return {
    getReader: () => ({
      read: () =>
        new Promise((resolve, reject) => {
          look = () => {
            const value = pieces.shift();
            if (value) {
              if (!(size -= value.length)) stream.resume();
              resolve({value});
            } else if (!isOver) return;
            else if (failure) reject(failure);
            else resolve({done: true});
            look = undefined;
          };
          look();
        }),
      cancel: () =>
        new Promise<void>((resolve) => {
          isOver = true;
          look?.();
          look = () => void (isClosed && resolve());
          look();
          stream.destroy();
          response.destroy();
        }),
    }),
  };
}

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
  const open: BlockingTransport = (url, {signal: _, verify = true, ...request}) => {
    if (channel?.verify !== verify) close(); // pooled connections belong to one kind of trust
    channel ??= new Channel(threads, verify);
    return channel.open(url, request);
  };
  return Object.assign(open, {close, verifies: true});
}

/** The module that makes threads, where a thread can wait for another. Found out by trying. */
function canBlock(): ThreadModule {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    const threads = platform.process?.getBuiltinModule?.('node:worker_threads');
    must(threads, 'no process.getBuiltinModule');
    return threads;
  } catch (cause) {
    throw new SSEError(
      'unsupported',
      'A blocking loop needs Node (20.16, 22.3 or newer), Deno'
        + ' (2.1) or Bun (1.3), no browser and no edge runtime:'
        + ' use `for await (const event of asyncConnect(url))` there, or pass a transport',
      cause,
    );
  }
}

/** Wait without a turn of the event loop. */
function blockingSleep(ms: number): void {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  } catch (cause) {
    throw new SSEError(
      'unsupported',
      `This thread cannot pause for ${ms} ms: pass \`sleep\`, or use \`for await\``,
      cause,
    );
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
// `patient` lifts the 300 s of Node's fetch: it is the dispatcher that fetch would take by itself,
// under the name that undici has for it, asked to wait. The caller watches the time.
const THREAD_CODE = `
const { parentPort, workerData: [state, slot, insecure] } =
  process.getBuiltinModule('node:worker_threads');
if (insecure) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
let current = 0, controller, reader;
const { undici } = process.versions;
const patient = undici && { dispatcher: { dispatch: (options, handler) =>
  globalThis[Symbol.for('undici.globalDispatcher.' + (parseInt(undici) < 8 ? 1 : 2))]
    .dispatch({ ...options, bodyTimeout: 0, headersTimeout: 0 }, handler) } };
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
    const { status, headers, body } = await fetch(url, { ...patient, ...init, signal });
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

  constructor({Worker}: ThreadModule, verify: boolean) {
    const insecure = !verify && !platform.Bun;
    if (insecure && platform.Deno) {
      throw new SSEError('unsupported', 'verify: false is more than Deno can do for one client');
    }
    const env = insecure ? {env: {...platform.process?.env}} : {}; // a copy, for it alone
    this.verify = verify;
    const workerData = [this.#state, this.#slot, insecure];
    try {
      this.#thread = new Worker(THREAD_CODE, {eval: true, execArgv: [], workerData, ...env});
      this.#thread.unref();
      const started = Atomics.wait(this.#state, ALIVE, 0, THREAD_START);
      must(started !== 'timed-out', 'it does not run');
    } catch (cause) {
      // Node's permission model, for one
      throw new SSEError('unsupported', 'The thread that fetches did not start', cause);
    }
  }

  open(url: string, request: Omit<TransportRequest, 'signal' | 'verify'>): BlockingResponse {
    const {timeout = 0, idleTimeout = 0, ...init} = request;
    const id = ++this.#request;
    const tls = this.verify ? {} : {tls: {rejectUnauthorized: false}}; // Bun's way
    this.#want(id);
    try {
      const {body = ''} = init; // of others, a FormData say, clones are empty objects
      must(typeof body === 'string' || ArrayBuffer.isView(body), 'body is not text or bytes');
      this.#thread.postMessage([id, url, {...init, ...tls}]);
    } catch (cause) {
      // or a DataCloneError
      throw new UserError(
        new TypeError(
          'The blocking loop fetches in a thread, and this body or'
            + ' `init` cannot be sent there: use `for await`, or pass a transport',
          {cause},
        ),
      );
    }
    const {status, headers} = parsed(this.#take(id, timeout, `No response from ${url}`)[1]);
    let isOver = false;
    const body: IterableIterator<Chunk> = {
      [Symbol.iterator]: () => body,
      next: () => {
        if (isOver) return {done: true, value: undefined};
        const [kind, value] = this.#take(id, idleTimeout, `No byte from ${url}`);
        isOver = kind === END;
        return isOver ? {done: true, value} : {value};
      },
      return: () => {
        isOver = true;
        if (id === this.#request) this.#stop();
        return {done: true, value: undefined};
      },
    };
    return {status, headers: new Headers(headers), body};
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
      if (kind === FAILURE) throw revived(parsed(whole));
      return [kind, whole];
    }
    throw new SSEError('connection', 'Another request took this thread, or it was closed');
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}

function parsed(json: Uint8Array): ReturnType<typeof JSON.parse> {
  return JSON.parse(new StreamDecoder().decode(json));
}

function revived({name, message, code, cause}: PlainError): Error {
  const error = new Error(message, cause && {cause: revived(cause)});
  if (name) error.name = name;
  return code === undefined ? error : Object.assign(error, {code});
}

/**
 * A transport out of recorded logs, for both loops: each connection gets the next one, then 204.
 * A log is a text, bytes, or an array of chunks. A request with Last-Event-ID gets what comes
 * after that event, where the log has it. TypeError for what is no log.
 */
export function replay(logs: Chunk | ReadonlyArray<Chunk | readonly Chunk[]>): BlockingTransport {
  const rest = (Array.isArray(logs) ? logs : [logs]).map((log: Chunk | readonly Chunk[]) => {
    const decoder = new StreamDecoder();
    const chunks = Array.isArray(log) ? log : [log];
    return {chunks, text: chunks.map((chunk) => decoder.decode(chunk)).join('')};
  });
  return (_, {headers}) => {
    const log = rest.shift();
    if (log === undefined) return {status: 204};
    const start = resumeAt(log.text, headers['last-event-id']);
    return {
      status: 200,
      headers: {'content-type': 'text/event-stream'},
      body: start ? log.text.slice(start) : log.chunks,
    };
  };
}

/** Where the log goes on after the event with that ID; 0: it has no such event. */
function resumeAt(text: string, id: string | undefined): number {
  const parser = new PullParser();
  const blankLine = /(?:\r\n|\n|\r(?!\n)){2}/g;
  for (let start = 0; id && blankLine.test(text); start = blankLine.lastIndex) {
    parser.write(text.slice(start, blankLine.lastIndex));
    while (parser.next());
    if ([parser.lastEventId, toByteString(parser.lastEventId)].includes(id)) {
      return blankLine.lastIndex;
    }
  }
  return 0;
}

type Sink = (chunk: Chunk, connection: number) => void;

/**
 * A transport that hands every chunk of an event stream to `sink` as it comes, with the number of
 * its connection (from 0: a log each). What the sink throws ends the loop.
 */
export function record(transport: BlockingTransport, sink: Sink): BlockingTransport;
export function record(transport: Transport, sink: Sink): Transport;
export function record(transport: Transport, sink: Sink): Transport {
  must(typeof sink === 'function', 'record(transport, sink) needs a function as sink');
  let connections = 0;
  const tapped = (response: TransportResponse): TransportResponse => {
    if (!(response?.status >= 200 && response.status < 300)) return response;
    const {status, headers, body} = response;
    const connection = connections++;
    const see = (part: ReadResult): IteratorResult<Chunk, undefined> => {
      if (part.done) return {done: true, value: undefined};
      const {value} = part;
      try {
        sink(value, connection);
      } catch (error) {
        throw new UserError(error);
      }
      return {value};
    };
    return {
      status,
      headers,
      body: {
        getReader: () => {
          const chunks = chunksOf(body);
          return {
            read: async () => see(await chunks.next()),
            cancel: async () => {
              // a generator's return() waits for its pending next()
              const returned = quietly(() => chunks.return?.());
              if (chunks.isStream) await returned;
            },
          };
        },
        [Symbol.iterator]: (): Iterator<Chunk> => {
          const chunks = blockingChunksOf(body);
          return {
            next: () => see(chunks.next()),
            return: () => {
              chunks.return?.();
              return {done: true, value: undefined};
            },
          };
        },
      },
    };
  };
  const recorder: Transport = (url, request) => {
    const response = transport(url, request);
    return isPromise(response) ? response.then(tapped) : tapped(response);
  };
  return Object.assign(recorder, {verifies: transport.verifies === true});
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

/** A URL: a string, or a `URL`. */
export type URLInput = string | {readonly href: string};

/** Options of the clients. */
export interface SSEClientOptions extends ReconnectionOptions {
  /**
   * The request's body, or a function called for each request. A stream can be sent once only:
   * not with `reconnect`, unless from a function.
   */
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

/** UTF-16 code units kept of an error's body: enough for any message, no flood. */
const MAX_ERROR_BODY = 65_536;

const FUNCTIONS = ['until', 'random', 'now', 'sleep', 'onOpen', 'onRetry', 'onComment'] as const;

/** A wait that close(), reconnect() or a signal can end. */
interface Wait {
  readonly interrupt: (value: undefined) => void;
  timer: unknown;
}

type SymbolOf<Name extends string> = SymbolConstructor extends {
  readonly [N in Name]: infer S extends symbol;
}
  ? S
  : never;

type AsyncDisposes = {[S in SymbolOf<'asyncDispose'>]: () => Promise<void>};
type Disposes = {[S in SymbolOf<'dispose'>]: () => void};

/** `await using events = asyncConnect(url)`, where the compiler's libraries know of it. */
export interface AsyncSSEClient extends AsyncDisposes {}

/**
 * Follows a URL: `for await (const event of client)`. Nothing is sent before the first `next()`
 * or `open()`. A loop that is left by `break` closes the connection; a later one resumes after
 * the last event handed over. A loop throws SSEHTTPError, SSEConnectionError, SSEError of any
 * other code, the signal's reason, and what the user's own functions throw; TypeError while
 * another loop runs. The constructor throws TypeError and RangeError for wrong options.
 */
export class AsyncSSEClient implements AsyncIterable<SSEEvent> {
  readonly #options: SSEClientOptions;
  protected readonly timeout: number;
  protected readonly idleTimeout: number;
  /** ms to wait before the next attempt. */
  protected delay = 0;
  readonly #transport: Transport;
  readonly #method: string;
  readonly #json: string | undefined;
  readonly #reconnection: Reconnection;
  #state: ClientState = 'idle';
  #response: SSEResponse | undefined;
  #controller: InstanceType<typeof AbortController> | undefined;
  #chunks: Chunks | undefined;
  #parser: PullParser | undefined;
  /** The wait that is on. */
  #pending: Wait | undefined;
  /** The loop that is on. */
  #loop: symbol | undefined;
  #unlisten: (() => void) | undefined;
  /** The loop that open() began, until somebody takes it up. */
  #parked: Steps<SSEEvent> | undefined;

  constructor(url: URLInput, options: SSEClientOptions = {}) {
    must(options && typeof options === 'object', 'options must be an object');
    const {body, headers, init, json, signal, transport = platformFetch, verify = true} = options;
    const given = +(body !== undefined && body !== null) + +(json !== undefined);
    const {method = given ? 'POST' : 'GET'} = options;
    let target = typeof url === 'string' ? url : url?.href;
    must(typeof target === 'string', 'url must be a string or a URL');
    must(typeof transport === 'function', 'transport must be a function');
    let isURL = transport !== platformFetch; // else what that makes of it is its own business
    try {
      if (!isURL) target = new URL(target, platform.location?.href).href;
      isURL ||= /^https?:/.test(target);
    } catch {
      // no URL
    }
    must(typeof verify === 'boolean', 'verify must be a boolean');
    must(
      verify || transport === platformFetch || transport.verifies,
      'verify: false is more than that transport says it can do',
    );
    must(typeof method === 'string' && /^[\w-]+$/.test(method), 'method must be an HTTP method');
    must(
      !body
        || /^(string|function)$/.test(typeof body)
        || (typeof body === 'object' && Object.getPrototypeOf(body) !== Object.prototype),
      'body must be what fetch takes; for a value use json',
    );
    must(given < 2 && !(given && /^get$/i.test(method)), 'Give body or json, and neither to a GET');
    for (const name of FUNCTIONS) {
      must(['undefined', 'function'].includes(typeof options[name]), `${name} must be a function`);
    }
    must(init === undefined || typeof init === 'object', 'init must be an object');
    must(!signal || typeof signal.addEventListener === 'function', 'signal must be an AbortSignal');
    this.#options = options;
    this.timeout = milliseconds('timeout', options.timeout ?? 30_000);
    this.idleTimeout = milliseconds('idleTimeout', options.idleTimeout ?? 300_000);
    this.#transport = transport;
    this.#method = method.toUpperCase();
    this.#json = JSON.stringify(json);
    must(json === undefined || this.#json, 'json must be a value that JSON has');
    this.#reconnection = new Reconnection(target, {...options, method});
    must(isURL, `url must be absolute, http: or https:, got '${target.replace(/.*@/s, '…@')}'`);
    new PullParser(options); // its options and the headers are checked now, not in the loop
    if (typeof headers !== 'function') validHeaders(headers);
    must(
      !this.#reconnection.reconnects || !isStream(body),
      'A stream as body can be sent only'
        + ' once: give a function that returns one, or reconnect: false',
    );
    onDispose(this, 'asyncDispose', () => this.close());
  }

  /** The URL followed. */
  get url(): string {
    return this.#reconnection.url;
  }

  /** The last event ID string, of the last event handed over; `""` = none. */
  get lastEventId(): string {
    return this.#reconnection.lastEventId;
  }

  /** The server's reconnection time, ms; undefined = it sent none. */
  get retry(): number | undefined {
    return this.#reconnection.retry;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The last response, also one that was refused; undefined before the first. */
  get response(): SSEResponse | undefined {
    return this.#response;
  }

  /**
   * Connect and check now, as the loop would, and iterate later. Resolves with the response that
   * opened the stream, or with the 204 that ended it; throws what the loop would.
   */
  async open(): Promise<SSEResponse> {
    if (!this.isOpen) {
      const steps = this.#take();
      try {
        while (!this.isOpen && (await steps.more()) !== false);
      } finally {
        if (this.isOpen) this.#parked = steps;
        else await steps.close();
      }
    }
    return this.opened;
  }

  /**
   * Drop the connection and connect again at once (the network changed, the tab is visible again).
   * Events already received are handed out first. TypeError for a client that does not reconnect.
   */
  reconnect(): void {
    must(this.#reconnection.reconnects, ONE_CONNECTION);
    if (!this.#loop) return;
    this.#state = 'connecting';
    this.delay = 0;
    void this.#drop();
  }

  /**
   * End it, at once and for good: a pending `next()` ends, nothing is delivered any more. Resolves
   * when the socket is let go.
   */
  close(): Promise<void> {
    this.#state = 'closed';
    return this.leave(this.#loop);
  }

  /** The events' data as JSON values, as in EventSource; at `done` the connection is closed. */
  json<T = unknown>(options?: JSONOptions): AsyncIterable<T> {
    return {[Symbol.asyncIterator]: () => asyncLoop(asJSON(this.#take(), options))};
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    return asyncLoop(this.#take());
  }

  /** A loop: open()'s, or a new one. */
  #take(): Steps<SSEEvent> {
    const parked = this.#parked;
    this.#parked = undefined;
    if (parked) return parked;
    const pull = () => this.pull();
    const read = (part: ReadResult) => this.read(part);
    return this.steps((loop) => {
      if (!this.isLive(loop)) return false;
      if (this.isOpen) return this.#wait(pull, read, this.idleTimeout, 'No byte');
      return this.#attempt(loop);
    });
  }

  async #attempt(loop: symbol): Promise<void> {
    if (this.delay) await this.#pause();
    if (!this.isLive(loop)) return;
    const attempt = this.begin();
    const own = await this.#wait(() => this.headersFor(attempt), itself);
    const receive = (response: TransportResponse) => this.receive(response, chunksOf);
    let next: Decision['kind'] | undefined;
    do {
      if (!this.isSending) return;
      const body = await this.#wait(() => this.bodyFor(attempt), itself); // a redirect's, too
      if (!this.isSending) return;
      const [url, request] = this.request(own, body);
      const send = () => this.#transport(url, request);
      next = await this.#wait(send, receive, this.timeout, 'No response');
    } while (next === 'send');
    if (next !== 'read') return;
    const refusal = this.refusal();
    const add = (part: ReadResult) => refusal.add(part);
    try {
      while (await this.#wait(() => this.pull(), add, this.timeout));
    } catch {
      // what came must do
    }
    if (this.isSending && this.isLive(loop)) this.refused(refusal.text);
  }

  /**
   * Wait for `work`, at most `ms`, and no longer than until an interruption; then take its result
   * at once, before anything else can happen. With `what`, its errors are losses. Undefined after
   * an interruption or a loss.
   */
  #wait<T, R>(
    work: () => MaybePromise<T>,
    take: (result: T) => R,
    ms = 0,
    what = '',
  ): Promise<R | undefined> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {interrupt: resolve, timer: undefined};
      const lose = (error: unknown) => {
        if (this.#ends(wait))
          try {
            if (!what) throw error;
            resolve(this.lost(error));
          } catch (final) {
            reject(final);
          }
      };
      if (ms > 0 && ms < Infinity) {
        wait.timer = setTimeout(
          () => lose(new SSEError('timeout', `${what} from ${this.url} for ${ms} ms`)),
          Math.min(ms, MAX_DELAY),
        );
      }
      this.#pending = wait;
      new Promise<T>((start) => start(work())).then((result) => {
        if (!this.#ends(wait)) return discard(result); // nobody waits for that response any more
        try {
          resolve(take(result));
        } catch (error) {
          reject(error);
        }
      }, lose);
    });
  }

  /** That wait is over. False: it was before. */
  #ends(wait: Wait): boolean {
    clearTimeout(wait.timer);
    const isOn = this.#pending === wait;
    if (isOn) this.#pending = undefined;
    return isOn;
  }

  async #pause(): Promise<void> {
    const {sleep} = this;
    let timer: unknown;
    const wake = (resolve: () => void) => (timer = setTimeout(resolve, this.delay));
    try {
      await this.#wait(() => (sleep ? sleep(this.delay) : new Promise<void>(wake)), itself);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Let the connection go, and end any wait. */
  #drop(): Promise<void> {
    const pending = this.#pending;
    const isStuck = pending && !this.#chunks?.isStream;
    const released = this.#release();
    if (pending && this.#ends(pending)) pending.interrupt(undefined);
    return isStuck ? Promise.resolve() : released;
  }

  #release(): Promise<void> {
    const chunks = this.#chunks;
    const controller = this.#controller;
    this.#chunks = this.#controller = undefined;
    const released = quietly(() => chunks?.return?.());
    controller?.abort();
    return released;
  }

  // The steps that both loops take.

  /** A loop of which `more` is one step. */
  protected steps<More>(more: (loop: symbol) => More): Steps<SSEEvent, More> {
    const loop = Symbol();
    let hasBegun = false;
    return {
      take: () => (hasBegun && this.isLive(loop) ? this.parse() : undefined),
      more: () => {
        if (!hasBegun) this.enter(loop);
        hasBegun = true;
        return more(loop);
      },
      close: () => this.leave(loop),
    };
  }

  /** Whether that loop has something to do. Throws the signal's reason. */
  protected isLive(loop: symbol): boolean {
    const {signal} = this.#options;
    const isLive = this.#loop === loop && this.#state !== 'closed';
    if (isLive && signal?.aborted) throw signal.reason;
    return isLive;
  }

  protected get sleep(): SSEClientOptions['sleep'] {
    return this.#options.sleep;
  }

  protected get isOpen(): boolean {
    return this.#chunks !== undefined;
  }

  /** Whether the attempt that has begun goes on: nothing has dropped it. */
  protected get isSending(): boolean {
    return this.#controller !== undefined;
  }

  /** What open() gives. */
  protected get opened(): SSEResponse {
    const response = this.#response;
    if (response && (this.isOpen || response.status === 204)) return response;
    throw new SSEError('connection', `The client for ${this.url} was closed`);
  }

  protected enter(loop: symbol): void {
    must(
      !this.#loop,
      'This client is in a loop already, or openSync() began one for `for … of`,'
        + ' open() one for `for await`: leave that one first',
    );
    this.#loop = loop;
    const {signal} = this.#options;
    const abort = (): void => void this.#drop();
    signal?.addEventListener('abort', abort);
    this.#unlisten = () => signal?.removeEventListener('abort', abort);
  }

  /** Resolves when the socket is let go. A loop that is over already leaves the next one alone. */
  protected leave(loop: symbol | undefined): Promise<void> {
    if (this.#loop !== loop) return Promise.resolve();
    this.#loop = undefined;
    this.#unlisten?.();
    this.#parser = undefined;
    this.delay = 0;
    if (this.#state !== 'closed') this.#state = 'idle';
    return this.#drop();
  }

  /** An attempt begins: what the user's functions are told. */
  protected begin(): Attempt {
    this.#state = 'connecting';
    this.delay = 0;
    this.#parser = undefined;
    this.#controller = new AbortController();
    return this.#reconnection.begin(this.#now);
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** The option, or what its function returns for this attempt. */
  protected headersFor(attempt: Attempt): MaybePromise<HeadersInput> | undefined {
    const {headers} = this.#options;
    return typeof headers === 'function' ? headers(attempt) : headers;
  }

  protected bodyFor(attempt: Attempt): MaybePromise<RequestBody> | undefined {
    const {body} = this.#options;
    return typeof body === 'function' ? body(attempt) : body;
  }

  protected request(own?: HeadersInput, body?: RequestBody): [string, TransportRequest] {
    const {init, verify = true} = this.#options;
    const isHere = isServer();
    const {url, headers} = this.#reconnection.request(
      {
        // Browsers add it for `no-store` by themselves; set by hand it costs a CORS preflight.
        ...(isHere && {'cache-control': 'no-cache'}),
        ...(this.#json !== undefined && {'content-type': 'application/json'}),
      },
      validHeaders(own),
      platformEncoded,
    );
    body = this.#json ?? body;
    return [
      url,
      {
        ...init,
        method: this.#method,
        headers,
        // workerd with a compatibility date before 2024-11-11 has none, and would throw at it
        ...('cache' in (platform.Request?.prototype ?? {}) && {cache: 'no-store' as const}),
        // Browsers show no redirect: they follow those of a GET, and the others must not become one
        redirect: isHere || this.#method !== 'GET' ? 'manual' : 'follow',
        signal: (this.#controller ??= new AbortController()).signal,
        ...(body !== undefined && {body}),
        ...(isStream(body) && {duplex: 'half'}),
        ...(!verify && {verify}),
      },
    ];
  }

  /** A response came: what to do next. `open` makes chunks of its body. */
  protected receive(response: TransportResponse, open: (body: Body) => Chunks): Decision['kind'] {
    if (!this.#controller) {
      // dropped by the transport's own doing
      discard(response);
      return 'stop';
    }
    must(typeof response?.status === 'number', 'transport must return a response with a status');
    const {headers, body, status} = response;
    const shown = (this.#response = withHeaders(response));
    const decision = this.#reconnection.response(status, headers && shown.headers);
    let chunks: Chunks;
    try {
      chunks = this.#chunks = open(body);
      must(chunks, 'body must have an iterator'); // else it would storm
    } catch (error) {
      // a stream, in the blocking loop: its server must not wait for a reader
      discard(response);
      throw error;
    }
    if (decision.kind === 'open') {
      const {lastEventId, retry} = this.#reconnection;
      this.#parser = new PullParser({...this.#options, lastEventId, retry});
      this.#state = 'open';
      this.#options.onOpen?.(shown);
    } else if (decision.kind === 'send') {
      this.#chunks = undefined;
      void quietly(() => chunks.return?.());
    } else if (decision.kind !== 'read') this.#carryOut(decision);
    return decision.kind;
  }

  /** The text of a refusal, as far as it comes in time: as long as the headers may take. */
  protected refusal(): {text: string; add(part: ReadResult): boolean} {
    const decoder = new StreamDecoder();
    const end = this.#now + (this.timeout || Infinity);
    const isLate = () => this.#now >= end;
    return {
      text: '',
      add(part) {
        if (part.done) return false;
        this.text = (this.text + decoder.decode(part.value)).slice(0, MAX_ERROR_BODY);
        return this.text.length < MAX_ERROR_BODY && !isLate();
      },
    };
  }

  protected refused(body: string): void {
    const {headers, status = 0} = this.#response ?? {};
    this.#carryOut(this.#reconnection.refused(status, headers, body, this.#now));
  }

  /** What a transport or a body threw: the connection is lost. */
  protected lost(error: unknown): undefined {
    if (this.#controller) this.#carryOut(this.#reconnection.lost(error ?? null));
    return undefined; // TypeScript 5.0 asks for it
  }

  protected pull(): MaybePromise<ReadResult> {
    return this.#chunks ? this.#chunks.next() : {done: true};
  }

  protected read(part: ReadResult): void {
    if (!this.#controller) return;
    if (part.done) this.#carryOut(this.#reconnection.lost());
    else this.#parser?.write(part.value);
  }

  /** The next of the events that are here. */
  protected parse(): SSEEvent | undefined {
    const parser = this.#parser;
    const event = parser?.next();
    // onComment may have left the loop, or aborted it
    if (!parser || this.#parser !== parser || this.#options.signal?.aborted) return undefined;
    if (!event) this.#reconnection.caughtUp(parser);
    else if (this.#reconnection.delivered(event)) void this.close();
    return event;
  }

  #carryOut(decision: Decision): void {
    void this.#release();
    if (decision.kind === 'fail') throw decision.error;
    if (decision.kind === 'wait') {
      this.#state = 'waiting';
      this.delay = decision.retry.delay;
      this.#options.onRetry?.(decision.retry);
    } else this.#state = 'closed';
  }
}

export interface SSEClient extends Disposes {}

/**
 * Follows a URL in both loops: `for (const event of client)` blocks the thread, `for await` does
 * not. Throws what AsyncSSEClient does; its blocking loop also SSEError `unsupported` where a
 * thread cannot wait, and TypeError for promises.
 */
export class SSEClient extends AsyncSSEClient {
  readonly #transport: BlockingTransport | undefined;
  /** The thread of the default transport: kept over reconnections, since threads end slowly. */
  #fetch: BlockingFetch | undefined;
  /** The loop that openSync() began, until somebody takes it up. */
  #parked: Steps<SSEEvent, Now> | undefined;

  constructor(url: URLInput, options: BlockingClientOptions = {}) {
    super(url, options);
    this.#transport = options.transport;
    onDispose(this, 'dispose', () => void this.close());
  }

  /** `open()` for the blocking loop. */
  openSync(): SSEResponse {
    if (!this.isOpen) {
      const steps = this.#take();
      try {
        while (!this.isOpen && steps.more() !== false);
      } finally {
        if (this.isOpen) this.#parked = steps;
        else steps.close();
      }
    }
    return this.opened;
  }

  override json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T> {
    return {
      ...super.json<T>(options),
      [Symbol.iterator]: () => loop(asJSON<T, Now>(this.#take(), options)),
    };
  }

  [Symbol.iterator](): IterableIterator<SSEEvent> {
    return loop(this.#take());
  }

  // The loop of AsyncSSEClient without `await`. Nothing can interrupt it but what its own thread
  // does between two events; a transport watches the time by itself.

  #take(): Steps<SSEEvent, Now> {
    const parked = this.#parked;
    this.#parked = undefined;
    const pull = () => this.pull();
    const read = (part: ReadResult) => this.read(part);
    return (
      parked
      ?? this.steps((loop) => {
        if (!this.isLive(loop)) return false;
        if (this.isOpen) return this.#network(pull, read, 'body');
        return this.#attempt(loop);
      })
    );
  }

  #attempt(loop: symbol): void {
    const {sleep = blockingSleep, timeout, idleTimeout} = this;
    if (this.delay) atOnce(sleep(this.delay), 'sleep');
    if (!this.isLive(loop)) return;
    const transport = this.#transport ?? (this.#fetch ??= blockingFetch());
    const attempt = this.begin();
    const own = atOnce(this.headersFor(attempt), 'headers');
    const receive = (response: TransportResponse) => this.receive(response, blockingChunksOf);
    let next: Decision['kind'] | undefined;
    do {
      if (!this.isSending) return;
      const body = atOnce(this.bodyFor(attempt), 'body');
      if (!this.isSending) return;
      const [url, request] = this.request(own, body);
      const send = () => transport(url, {...request, timeout, idleTimeout});
      next = this.#network(send, receive, 'transport');
    } while (next === 'send');
    if (next !== 'read') return;
    const refusal = this.refusal();
    try {
      while (refusal.add(atOnce(this.pull(), 'body')));
    } catch {
      // what came must do
    }
    this.refused(refusal.text);
  }

  /** What is thrown there is a loss, and then the result undefined. */
  #network<T, R>(work: () => MaybePromise<T>, take: (result: T) => R, name: string): R | undefined {
    let result: MaybePromise<T>;
    try {
      result = work();
    } catch (error) {
      return this.lost(error);
    }
    return take(atOnce(result, name));
  }

  /** Also where the loop ends: with its thread. */
  protected override leave(loop: symbol | undefined): Promise<void> {
    const left = super.leave(loop);
    if (!this.isOpen) {
      // else that is the next loop's
      this.#fetch?.close();
      this.#fetch = undefined;
    }
    return left;
  }
}

function atOnce<T>(value: MaybePromise<T>, name: string): T {
  if (!isPromise(value)) return value;
  void quietly(async () => discard(await value));
  throw new TypeError(
    `\`${name}\` returned a promise, which a blocking loop cannot wait for: use` + ' `for await`',
  );
}

function itself<T>(value: T): T {
  return value;
}

/** Close the response that nobody waits for, if it is one. */
function discard(response: unknown): void {
  void quietly(() => {
    const {body}: {readonly body?: Body} = Object(response);
    return chunksOf(body).return?.();
  });
}

/** A body that can be sent once only. */
function isStream(body: unknown): boolean {
  return (
    typeof body === 'object'
    && body !== null
    && ('getReader' in body || Symbol.asyncIterator in body || 'next' in body)
  );
}

/** A response whose headers can be asked: as it is, or what is known of it. */
function withHeaders(response: TransportResponse): SSEResponse {
  const {status, headers = {}, body} = response;
  // Entries: node:http2's headers have a symbol among their keys, which Headers refuses.
  return hasHeaders(response)
    ? response
    : {status, headers: new Headers(Object.entries(headers)), body};
}

function hasHeaders(response: TransportResponse): response is SSEResponse {
  return typeof response.headers?.get === 'function';
}

/** What `using` and `await using` call; its key is esbuild's where the runtime has none. */
function onDispose(client: object, name: 'dispose' | 'asyncDispose', close: () => unknown): void {
  const key = platform.Symbol[name] ?? Symbol.for(`Symbol.${name}`);
  Object.defineProperty(client, key, {value: close});
}

// ── 9. Shorthands ─────────────────────────────────────────────────────────────────────────────

/**
 * `for (const event of connect(url))`: the blocking loop. Throws SSEError `unsupported` at once
 * where no thread can be blocked, unless there is a transport; else as SSEClient does.
 */
export function connect(url: URLInput, options?: BlockingClientOptions): SSEClient {
  if (!options?.transport) canBlock();
  return new SSEClient(url, options);
}

/** `for await (const event of asyncConnect(url))`. Throws as AsyncSSEClient does. */
export function asyncConnect(url: URLInput, options?: SSEClientOptions): AsyncSSEClient {
  return new AsyncSSEClient(url, options);
}
