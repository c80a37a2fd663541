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
// A Server-Sent Events toolkit in one file, without dependencies. Ten sections; each uses only
// what stands above it, so that it can be read, tested and cut off there.
//
//   1. Errors        catch (error) { if (error instanceof SSEHTTPError) … error.status … }
//   2. Events        event.data, event.json(); formatEvent({data: 'hi', id: '1'})
//   3. Decoding      bytes to text
//   4. Parsing       for (const event of new EventParser().feed(chunk)) …
//   5. Iteration     what both kinds of loop are made of
//   6. EventSource   for (const event of new EventSource(readFileSync('log', 'utf8'))) …
//   7. Reconnection  whether, when, where and with which headers to connect again
//   8. Transports    asyncConnect(url, {transport: replay(log)})
//   9. Clients       const client = new AsyncSSEClient(url); await client.open()
//  10. Shorthands    for (const event of connect(url)) …
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
 * and `http` from an EventSource over a response (§6) and from clients, `connection`, `redirect`
 * and `truncated` from clients as §7 decides, `timeout` and `unsupported` from transports (§8)
 * and clients (§9). Clients connect again after `connection`, `timeout`, `truncated`, and after
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

/** Errors of the program's own, on their way through a transport: they end the loop as they are. */
const OWN = /* @__PURE__ */ new WeakMap<object, unknown>();

/** Marks an error as the program's own. What is no object (`throw 'full'`) becomes one for that. */
function own(error: unknown): object {
  const marked = Object(error);
  OWN.set(marked, error);
  return marked;
}

/** Messages down the chain of causes: that is where runtimes keep the reason (ECONNREFUSED). */
function describe(error: unknown): string {
  let text = '';
  try {
    for (let at = error, depth = 4; at instanceof Error && depth--; at = causeOf(at)) {
      if (!text.includes(at.message)) text += (text && ': ') + at.message;
    }
    text ||= String(error);
  } catch {
    // `throw Object.create(null)`: what is no text is no reason to end a loop
    text ||= typeof error;
  }
  return printable(text);
}

/** Where a host has several addresses, the reasons stand side by side: the first one is told. */
function causeOf(error: Error & {readonly errors?: unknown}): unknown {
  return error.cause ?? (Array.isArray(error.errors) ? error.errors[0] : undefined);
}

/** Control and bidirectional characters, which would act on a terminal or reorder a line. */
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text of strangers, for a message. */
function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** UTF-16 code units of a server's text that a message shows: enough to recognise, no dump. */
const MAX_EXCERPT = 100;

function excerpt(text: string): string {
  return printable(text.slice(0, MAX_EXCERPT));
}

function quoted(text: string): string {
  return printable(JSON.stringify(text.slice(0, MAX_EXCERPT)));
}

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

/** The URL less its `user:password@`, as messages show it. */
function withoutUserinfo(url: string): string {
  try {
    // `http:user:pass@host` would be a path if the base had the same scheme
    const whole = new URL(url, 'x:/');
    if (/^https?:$/.test(whole.protocol)) {
      if (!whole.username && !whole.password) return printable(url);
      whole.username = whole.password = '';
      return whole.href;
    }
  } catch {
    // no URL
  }
  const at = url.lastIndexOf('@'); // what is no URL for HTTP may hold a password all the same
  return printable(at < 0 ? url : `…${url.slice(at)}`);
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
        `Data of event ${quoted(this.event)} is not JSON: ${quoted(this.data)}`,
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
  options: {ignoreBOM: boolean; fatal: boolean},
) => {
  decode(bytes?: Uint8Array, options?: {stream: boolean}): string;
};

/** ignoreBOM means "leave it in": that rule is below, once, for text and bytes alike. */
const newDecoder = (fatal = false) => new TextDecoder('utf-8', {ignoreBOM: true, fatal});

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
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

/** The other way round, where the bytes are UTF-8; else the text as it is. */
function fromByteString(text: string): string {
  try {
    const bytes = Uint8Array.from(text, (unit) => unit.charCodeAt(0));
    return /[^\0-\xff]/.test(text) ? text : newDecoder(true).decode(bytes);
  } catch {
    return text;
  }
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

  drain(): string {
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
   * UTF-16 code units buffered for one event: data, type, an id that it sets, and the line at hand
   * with its field name; above it the parser throws SSEError `limit`. 1 to Infinity; default
   * 67,108,864 (64 Mi: ten times the largest event that the authors have met, a tenth of what V8
   * takes for a string).
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
  /** How long a line may be: #maxEventSize, less what is buffered of the block. */
  #room: number;
  /** Of the id that this block sets; one that persists belongs to no event more than to others. */
  #idSize = 0;
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
      text = this.#unfinishedLine.drain() + text;
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
            const type = text.slice(afterColon(text, start + 5), end);
            room += this.#eventTypeBuffer.length - type.length;
            this.#eventTypeBuffer = type;
          } else if (isId(text, start, end)) {
            room += this.#id(text.slice(afterColon(text, start + 2), end));
          } else if (text.charCodeAt(start) !== COLON) this.#field(text, start, end);
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
      this.#idSize = 0;
      if (data === undefined) {
        room = this.#maxEventSize;
        continue;
      }
      if (this.#longData.length) data = this.#longData.drain() + data;
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
    this.#unfinishedLine.drain();
    this.#longData.drain();
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

  /** Sets the last event ID buffer. Returns how much more room there is than before. */
  #id(value: string): number {
    if (value.includes('\0')) return 0;
    const gained = this.#idSize - value.length;
    this.#idSize = value.length;
    this.#lastEventIdBuffer = detached(value);
    return gained;
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

// ── 5. Iteration ──────────────────────────────────────────────────────────────────────────────
// What both kinds of loop are made of. A script says once, for both, what is to be done: it yields
// one operation after another. A runner does them: one waits, the other blocks and makes no
// promise. Limits and interruptions are theirs. Nothing here knows of HTTP.

declare const setTimeout: (run: () => void, ms: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;

/** The longest delay that timers take, ms (2³¹−1); a longer one fires at once (Node, browsers). */
const MAX_DELAY = 2 ** 31 - 1;

/** How long the end of a loop waits for its source to let go, ms: sockets take a few. */
const CLOSE_LIMIT = 1000;

type MaybePromise<T> = T | PromiseLike<T>;

function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** What a script wants to be done before it goes on. */
interface Operation<Result = unknown> {
  /** As the TypeError for a promise in a blocking loop calls it. */
  readonly name: string;
  /** Begins it. In a blocking loop, where no timer can fire, it keeps to the limit by itself. */
  readonly work: (limit: number) => MaybePromise<Result>;
  /** The longest wait, ms; 0 and Infinity: no limit. */
  readonly limit: number;
  /**
   * What a wait that was too long says of itself. Where there is this, that and every failure is a
   * loss, which another attempt may make good; without it, the operation just ends.
   */
  readonly late?: string | undefined;
  /** What may end the wait, by calling `interrupt`. */
  readonly owner?: Interruptible | undefined;
  /** What came of it; undefined where it ended without. */
  result: Result | undefined;
}

interface Interruptible {
  /** Then there is nothing to wait for, and no work begins. */
  readonly isClosed: boolean;
  /** Ends the wait that is on; undefined: none is. */
  interrupt: (() => void) | undefined;
}

/** Yields operations; resumed when one is done, its failure is thrown where it was yielded. */
type Script = Generator<Operation, void, void>;

function operation<R>(
  name: string,
  work: (limit: number) => MaybePromise<R>,
  owner?: Interruptible,
  limit = 0,
  late?: string,
): Operation<R> {
  return {name, work, limit, late, owner, result: undefined};
}

/** Undefined: the script is over. */
function askedIn(step: IteratorResult<Operation, void>): Operation | undefined {
  return step.done === true ? undefined : step.value;
}

/** What a loop hands out. */
interface Supply<T> {
  /** The next of what is at hand; undefined: nothing is left. */
  take(): T | undefined;
  /** How to get more. */
  readonly script: Script;
  /** What the script has asked for, to be done when nothing is at hand any more. */
  asked: Operation | undefined;
  /** May be called more than once. */
  close(): MaybePromise<unknown>;
}

/** Waits for the work, the limit or an interruption, whichever comes first. */
function performed(asked: Operation, owner: Interruptible): Promise<void> {
  const {limit, late} = asked;
  return new Promise((resolve, reject) => {
    let timer: unknown;
    const interrupt = (): void => {
      if (isFirst()) resolve();
    };
    const isFirst = (): boolean => {
      clearTimeout(timer);
      if (owner.interrupt !== interrupt) return false;
      owner.interrupt = undefined;
      return true;
    };
    const succeed = (result: unknown): void => {
      if (!isFirst()) return;
      asked.result = result;
      resolve();
    };
    const lose = (error: unknown): void => {
      if (isFirst()) reject(error);
    };
    owner.interrupt = interrupt;
    if (limit > 0 && limit < Infinity) {
      const expire = () => (late ? lose(tooLate(late, limit)) : interrupt());
      // A process that was busy, or stopped, has not looked at its sockets yet: it gets one turn.
      const due = () => (timer = setTimeout(expire, 0));
      timer = setTimeout(due, Math.min(limit, MAX_DELAY));
    }
    try {
      const result = asked.work(limit);
      if (isPromise(result)) result.then(succeed, lose);
      else succeed(result);
    } catch (error) {
      lose(error);
    }
  });
}

function tooLate(what: string, limit: number): SSEError {
  return new SSEError('timeout', `${what} for ${limit} ms`);
}

function atOnce<T>(value: MaybePromise<T>, name: string): T {
  if (!isPromise(value)) return value;
  quiet(value);
  throw new TypeError(
    `\`${name}\` returned a promise, which a blocking loop cannot wait for: use \`for await\``,
  );
}

/** The runner that blocks. */
class BlockingLoop<T> implements IterableIterator<T> {
  readonly #supply: Supply<T>;
  #isOver = false;
  /** How many operations have begun: an observer that calls next() goes on with the script. */
  #turns = 0;
  /** The operation at work whose result the script cannot do without. */
  #working: string | undefined;

  constructor(supply: Supply<T>) {
    this.#supply = supply;
  }

  next(): IteratorResult<T, undefined> {
    try {
      const value = this.#isOver ? undefined : this.#run();
      return value === undefined ? this.return() : {done: false, value};
    } catch (error) {
      try {
        this.return();
      } catch {
        // the first error is the one to tell
      }
      throw error;
    }
  }

  #run(): T | undefined {
    const supply = this.#supply;
    const {script} = supply;
    for (;;) {
      const value = supply.take();
      if (value !== undefined) return value;
      must(!this.#working, `next() must not be called from within \`${this.#working}\``);
      const asked = supply.asked ?? askedIn(script.next());
      if (!asked) return undefined;
      supply.asked = asked.result = undefined;
      const turn = ++this.#turns;
      let result: unknown;
      try {
        if (!asked.owner?.isClosed) result = this.#work(asked);
      } catch (error) {
        if (turn !== this.#turns) throw error;
        supply.asked = askedIn(script.throw(error));
        continue;
      }
      if (turn !== this.#turns) continue;
      asked.result = atOnce(result, asked.name);
      supply.asked = askedIn(script.next());
    }
  }

  #work({name, work, limit}: Operation): unknown {
    this.#working = /^on/.test(name) ? undefined : name;
    try {
      return work(limit);
    } finally {
      this.#working = undefined;
    }
  }

  return(): IteratorResult<T, undefined> {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    if (isFirst) this.#supply.close();
    return {done: true, value: undefined};
  }

  [Symbol.iterator](): this {
    return this;
  }
}

/**
 * The runner that waits. No async generator: what is at hand costs half of its price, and
 * `return()` closes at once.
 */
class AsyncLoop<T> implements AsyncIterableIterator<T> {
  readonly #supply: Supply<T>;
  #isOver = false;
  /** Calls of next() that have no answer yet: a later one has to wait for them. */
  #waiting = 0;
  #last: Promise<IteratorResult<T, undefined>> | undefined;

  constructor(supply: Supply<T>) {
    this.#supply = supply;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#waiting && !this.#isOver) {
      try {
        const value = this.#supply.take();
        if (value !== undefined) return Promise.resolve({done: false, value});
      } catch (error) {
        return this.return().then(() => Promise.reject(error));
      }
    }
    if (this.#waiting && !this.#last) {
      return Promise.reject(new TypeError('next() must not be called from within itself'));
    }
    const last = this.#waiting++ ? this.#last : undefined;
    this.#last = undefined; // until it has begun: what it calls at once cannot wait for it
    const run = () => this.#run();
    this.#last = last ? last.then(run, run) : run();
    return this.#last;
  }

  async #run(): Promise<IteratorResult<T, undefined>> {
    const supply = this.#supply;
    const {script} = supply;
    try {
      while (!this.#isOver) {
        const value = supply.take();
        if (value !== undefined) return {done: false, value};
        const asked = supply.asked ?? askedIn(script.next());
        if (!asked) break;
        supply.asked = asked.result = undefined;
        try {
          if (!asked.owner) asked.result = await asked.work(0);
          else if (!asked.owner.isClosed) await performed(asked, asked.owner);
        } catch (error) {
          supply.asked = askedIn(script.throw(error));
          continue;
        }
        supply.asked = askedIn(script.next());
      }
    } catch (error) {
      if (!this.#isOver) {
        await this.return();
        throw error;
      } // else nobody waits for that source any more
    } finally {
      this.#waiting--;
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#isOver = true;
    await released(() => this.#supply.close());
    return {done: true, value: undefined};
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A promise whose failure has nobody to tell it to. */
function quiet<T>(value: MaybePromise<T>): MaybePromise<T> {
  if (isPromise(value)) Promise.resolve(value).catch(() => {});
  return value;
}

/** Closes, and resolves after a bounded wait: some sources never say that they have let go. */
async function released(close: () => unknown): Promise<void> {
  let timer: unknown;
  try {
    const closing = close();
    if (!isPromise(closing)) return;
    const limit = new Promise<void>((end) => (timer = setTimeout(end, CLOSE_LIMIT)));
    await Promise.race([closing, limit]);
  } catch {
    // closed already, or broken
  } finally {
    clearTimeout(timer);
  }
}

// ── 6. EventSource ────────────────────────────────────────────────────────────────────────────
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
  /** `limit`, ms, is for the blocking fetch's own, which have nobody else to keep to it. */
  next(limit?: number): Result;
  return?(): unknown;
  /** A stream's `return()` settles also while a read is pending; a generator's waits for it. */
  readonly isStream?: boolean;
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
    return new BlockingLoop(this.#supply(blockingChunksOf));
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    return new AsyncLoop(this.#supply(chunksOf));
  }

  json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T> {
    return {
      [Symbol.iterator]: () => new BlockingLoop(asJSON<T>(this.#supply(blockingChunksOf), options)),
      [Symbol.asyncIterator]: () => new AsyncLoop(asJSON<T>(this.#supply(chunksOf), options)),
    };
  }

  #supply(open: (body: Body) => Chunks): Supply<SSEEvent> {
    const reading: Reading = {chunks: undefined, parser: undefined};
    return {
      take: () => reading.parser?.next(),
      script: this.#script(reading, open),
      asked: undefined,
      close: () => {
        const {chunks} = reading;
        reading.chunks = reading.parser = undefined;
        return chunks?.return?.();
      },
    };
  }

  *#script(reading: Reading, open: (body: Body) => Chunks): Script {
    const parser = (reading.parser = this.#parser = new EventParser(this.#options));
    const chunks = (reading.chunks = open(bodyOf(this.#source)));
    const read = operation('source', () => chunks.next());
    for (;;) {
      yield read;
      const part = read.result;
      if (!part || part.done || !reading.chunks) return;
      if (this.#areLines) parser.writeLine(part.value);
      else parser.write(part.value);
    }
  }
};

/** What one loop over an EventSource has: undefined before it begins and after it has ended. */
interface Reading {
  chunks: Chunks | undefined;
  parser: EventParser | undefined;
}

/** The JSON values of those events, up to `done`. Those with blank data are pings (MCP, tRPC). */
function asJSON<T>(
  {take, script, close}: Supply<SSEEvent>,
  {done = '[DONE]'}: JSONOptions = {},
): Supply<T> {
  let isDone = false;
  const values: Supply<T> = {
    take() {
      for (let event: SSEEvent | undefined; !isDone && (event = take()); ) {
        const data = event.data.trim();
        isDone = data === done;
        if (!isDone && data) return event.json<T>();
      }
      if (isDone) values.asked = void script.return();
      return undefined;
    },
    script,
    asked: undefined,
    close,
  };
  return values;
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
  const url = withoutUserinfo(source.url ?? '') || 'the response';
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
  const type = headers ? (headers.get('content-type') ?? '') : EVENT_STREAM;
  if (essenceOf(type) === EVENT_STREAM) return undefined;
  return new SSEError(
    'content-type',
    `Expected Content-Type '${EVENT_STREAM}', got '${excerpt(type)}' from ${url}`,
  );
}

const EVENT_STREAM = 'text/event-stream';

/** A MIME type, less its parameters (MIME Sniffing standard, "parse a MIME type"). */
const MIME_TYPE = /^[\t ]*([!#-'*+.^`|~\w-]+\/[!#-'*+.^`|~\w-]+)[\t ]*(?:;|$)/;

/** Fetch standard, "extract a MIME type": of several values the last valid one counts. */
function essenceOf(contentType: string): string | undefined {
  return contentType
    .replace(/"(?:\\.|[^"\\])*"?/g, '') // commas in quotes end no value
    .split(',')
    .map((value) => MIME_TYPE.exec(value)?.[1]?.toLowerCase())
    .filter((type) => type && type !== '*/*')
    .pop();
}

/** A body's chunks. Streams through their reader: WebKit has no other way, Deno's other leaks. */
function chunksOf(body: Body): Chunks {
  if (typeof body === 'object' && body !== null) {
    if ('getReader' in body) {
      const reader = body.getReader();
      return {isStream: true, next: () => reader.read(), return: () => reader.cancel()};
    }
    if (Symbol.asyncIterator in body) return asyncChunksOf(body);
  }
  return blockingChunksOf(body);
}

/** A Node stream's own iterator closes it only once it has begun; destroy() does so always. */
function asyncChunksOf(body: AsyncIterable<Chunk> & {destroy?: () => unknown}): Chunks {
  const chunks = body[Symbol.asyncIterator]();
  must(chunks, NO_ITERATOR);
  return {
    isStream: 'destroy' in body,
    next: () => chunks.next(),
    return() {
      body.destroy?.();
      return chunks.return?.();
    },
  };
}

const NO_ITERATOR = 'body must have an iterator'; // else it would storm

function blockingChunksOf(body: Body): Chunks<ReadResult> {
  const chunks = typeof body === 'string' || areBytes(body) ? [body] : (body ?? []);
  must(Symbol.iterator in chunks, 'That source cannot be read without waiting: use `for await`');
  const iterator: Chunks<ReadResult> = chunks[Symbol.iterator]();
  must(iterator, NO_ITERATOR);
  return iterator;
}

/** Closes the response that nobody reads, if it is one. The result resolves when that is done. */
function discard(response: unknown): MaybePromise<unknown> {
  try {
    const {body}: {readonly body?: Body} = Object(response);
    return letGo(chunksOf(body));
  } catch {
    return undefined; // there is nothing to close, or it is in somebody else's hands
  }
}

function letGo(chunks: Chunks): MaybePromise<unknown> {
  try {
    return quiet(chunks.return?.());
  } catch {
    return undefined; // closed, then
  }
}

// ── 7. Reconnection ───────────────────────────────────────────────────────────────────────────
// Pure. All that decides is here: whether to connect again, when, and with which headers. It does
// not know sync from async and never waits; the time is an argument.

declare const Headers: new (
  headers: HeadersInput,
) => HeadersLike &
  Iterable<[string, string]> & {
    append(name: string, value: string): void;
    set(name: string, value: string): void;
    delete(name: string): void;
  };

/** At least this between two connections, ms, once they fail fast: ten a second hurt no server. */
const MIN_INTERVAL = 100;

/** Waits are stretched by up to this share: a server's clients must not return all at once. */
const JITTER = 0.25;

/** As many as fetch follows (Fetch standard, HTTP-redirect fetch). */
const MAX_REDIRECTS = 20;

/** What options are where they are left out; times in ms. */
const DEFAULTS = {
  retryInterval: 3000, // as in Firefox
  maxRetryInterval: 30_000,
  retryStatus: [408, 425, 429, 500, 502, 503, 504],
  timeout: 30_000,
  idleTimeout: 300_000, // outages that heal by themselves are shorter
};

/** UTF-16 code units that a message shows of each URL of a chain of redirects: 16 kB fit in one. */
const MAX_URL_SHOWN = 2000;

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
  readonly #method: string;
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
  /** A 303 has made a GET of the request. */
  #isGETNow = false;

  constructor(url: string, options: ReconnectionOptions = {}) {
    const {method = 'GET', lastEventId = '', maxRetries = Infinity, retryStatus = []} = options;
    this.#options = options;
    this.#method = method.toUpperCase();
    this.reconnects = options.reconnect ?? isSafe(this.#method);
    must(typeof this.reconnects === 'boolean', 'reconnect must be a boolean');
    milliseconds('retryInterval', options);
    milliseconds('maxRetryInterval', options);
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
    this.#crossedOrigins = this.#isGETNow = false;
    return this.attempt;
  }

  /** What the attempt at hand starts from. */
  get attempt(): Attempt {
    return {attempt: this.#failures, lastEventId: this.lastEventId, error: this.#error};
  }

  /** HTTP method of the next request, in capitals. A GET has no body. */
  get method(): string {
    return this.#isGETNow ? 'GET' : this.#method;
  }

  /**
   * URL and headers of the next request, their names in lower case. The user's `own` win over the
   * `defaults`, but for a Last-Event-ID once the stream has set one; another origin gets none of
   * them, and what a 303 has made a GET says nothing of a body.
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
    for (const [name] of this.#isGETNow ? [...headers] : []) {
      if (name.startsWith('content-')) headers.delete(name); // they describe the body
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
    if (this.method === 'GET' ? status !== 200 : status < 200 || status > 299 || status === 205) {
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
    const {retryStatus = DEFAULTS.retryStatus} = this.#options;
    this.#error = error; // a later loop's headers() may want to know
    const passes = this.#opened && this.reconnects && retryStatus.includes(status);
    return passes ? this.lost(error) : fail(error);
  }

  /** The connection ended: by an error, or cleanly. */
  lost(error?: unknown): Decision {
    const {until} = this.#options;
    if (OWN.has(Object(error))) return fail(OWN.get(Object(error)));
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

  /** Whether `until` tells that the stream ends with that event. */
  isLast(event: SSEEvent): boolean {
    return this.#options.until?.(event) === true;
  }

  /** The event is about to be handed over. True: it was the last. */
  delivered(event: SSEEvent, isLast: boolean = this.isLast(event)): boolean {
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
    const {random = Math.random} = this.#options;
    const base = this.retry ?? milliseconds('retryInterval', this.#options);
    const backoff = Math.max(base, MIN_INTERVAL) * 2 ** (this.#failures - 1);
    const most = milliseconds('maxRetryInterval', this.#options);
    const wait = Math.max(base, Math.min(backoff, most), retryAfter);
    const spread = Math.ceil(wait * (1 + JITTER * random())) || 0;
    return Math.min(Math.max(wait, spread, this.#hurried ? MIN_INTERVAL : 0), MAX_DELAY);
  }

  #redirect(status: number, location: string): Decision {
    const from = new URL(this.#target, 'http://localhost');
    let why = 'leads to no URL';
    try {
      const to = new URL(fromByteString(location), from.href);
      to.username = to.password = '';
      this.#target = to.href;
      this.#redirects.push(to.href.slice(0, MAX_URL_SHOWN));
      if (to.origin !== from.origin) this.#crossedOrigins = true;
      why =
        !/^https?:$/.test(to.protocol) || from.protocol > to.protocol // from https: to http:
          ? 'leads to no place for HTTP, or to a less safe one'
          : this.#redirects.length > MAX_REDIRECTS
            ? 'follows twenty others'
            : !status
              ? 'is hidden here: use the final URL'
              : status < 303 && !isSafe(this.method)
                ? 'would make a GET of this request: use the final URL'
                : '';
      if (status === 303 && !isSafe(this.method)) this.#isGETNow = true;
    } catch {
      // no URL
    }
    if (!why) return {kind: 'send'};
    const chain = [this.url, ...this.#redirects].join(' -> ');
    return fail(new SSEError('redirect', `Redirect ${status} ${why} (${chain})`));
  }
}

/** Methods that may be sent again, and turned into one another. */
function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
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

/** A time option: a number of milliseconds from 0. */
function milliseconds<
  Name extends 'retryInterval' | 'maxRetryInterval' | 'timeout' | 'idleTimeout',
>(name: Name, options: {readonly [N in Name]?: number | undefined}): number {
  const {[name]: value = DEFAULTS[name]} = options;
  must(
    typeof value === 'number' && value >= 0,
    `${name} must be a number of milliseconds from 0, got ${String(value)}`,
    RangeError,
  );
  return value;
}

// ── 8. Transports ─────────────────────────────────────────────────────────────────────────────
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
    readonly env: {readonly NODE_OPTIONS?: string};
    readonly execArgv?: readonly string[];
    getBuiltinModule?<Id extends keyof Modules>(id: Id): Modules[Id];
  };
  readonly navigator?: {readonly userAgent?: string};
  readonly location?: {readonly href: string};
  readonly Bun?: object;
  readonly Deno?: object;
  readonly Request?: {readonly prototype: object};
  readonly Symbol: Readonly<Record<string, symbol | undefined>>;
}

interface Thread {
  on(name: 'error', listener: () => void): unknown;
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

const platform = globalThis as unknown as Platform;

function isWorkerd(): boolean {
  return platform.navigator?.userAgent === 'Cloudflare-Workers';
}

/**
 * Whether requests go out as they are written, as on servers; a page's browser has its own say. A
 * `document` proves no page: jsdom and others have one in Node.
 */
function isServer(): boolean {
  return isWorkerd() || !!platform.process?.versions?.node;
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
  moduleOf('node:http');
  const send: Transport = (url, {verify = true, method, headers, body, signal}) => {
    if (body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body)) {
      throw own(new TypeError('httpTransport() sends text or bytes as body'));
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
          resolve(received(response));
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

/** A module of Node, which Bun and Deno have, too. */
function moduleOf<Id extends keyof Modules>(id: Id): Modules[Id] {
  // workerd's shows no rawHeaders, and its destroy() leaves the socket open
  const module = isWorkerd() ? undefined : platform.process?.getBuiltinModule?.(id);
  if (module) return module;
  throw new SSEError('unsupported', `This runtime has no ${id}: leave out the transport`);
}

function received(response: NodeResponse): TransportResponse {
  const coding = receivedHeaders(response).get('content-encoding');
  const reader = new NodeReader(decoded(response, coding, moduleOf('node:zlib')), response);
  return {
    status: response.statusCode,
    // made anew whenever they are asked for, which is rare: they would take 1 kB all the time
    get headers() {
      return receivedHeaders(response);
    },
    body: {getReader: () => reader},
  };
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
    throw new SSEError('unsupported', `Content-Encoding ${quoted(coding ?? '')} is not known here`);
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
class NodeReader {
  readonly #stream: NodeStream;
  readonly #response: NodeStream;
  readonly #pieces: Uint8Array[] = [];
  #size = 0; // of all pieces
  #failure: unknown;
  #isOver = false;
  #isClosed = false;
  /** What the pending read() or cancel() does when something has happened. */
  #look: (() => void) | undefined;

  constructor(stream: NodeStream, response: NodeStream) {
    this.#stream = stream;
    this.#response = response;
    this.#on(stream, 'data', (bytes: Uint8Array) => {
      this.#pieces.push(bytes);
      this.#size += bytes.length;
      if (this.#size > WINDOW) stream.pause();
    });
    this.#on(stream, 'end', () => (this.#isOver = true));
    this.#on(stream, 'error', (error) => {
      this.#failure ??= error;
      this.#isOver = true;
    });
    if (stream !== response) {
      this.#on(response, 'error', (error) => {
        this.#failure ??= error;
        stream.end(response.read() ?? undefined); // what came is decoded first
      });
    }
    this.#on(response, 'close', () => (this.#isClosed = true));
  }

  read(): Promise<ReadResult> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const value = this.#pieces.shift();
        if (value) {
          if (!(this.#size -= value.length)) this.#stream.resume();
          resolve({value});
        } else if (!this.#isOver) return;
        else if (this.#failure) reject(this.#failure);
        else resolve({done: true});
        this.#look = undefined;
      };
      this.#look();
    });
  }

  cancel(): Promise<void> {
    return new Promise((resolve) => {
      this.#isOver = true;
      this.#look?.();
      this.#look = () => void (this.#isClosed && resolve());
      this.#look();
      this.#stream.destroy();
      this.#response.destroy();
    });
  }

  #on<Argument>(from: NodeStream, name: string, note: (argument: Argument) => void): void {
    from.on(name, (argument: Argument) => {
      note(argument);
      this.#look?.();
    });
  }
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
    // pooled connections belong to one kind of trust
    if (channel?.verify !== verify || !channel.isAlive) close();
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

// The memory that caller and thread share: seven numbers and one slot of bytes. A request's number
// is never used twice, so that what an older one left in the slot is told from the new one's.
const KIND = 0; // what is in the slot: EMPTY, HEAD, CHUNK, END or FAILURE
const SIZE = 1; // bytes in the slot
const WANTED = 2; // the request that the caller waits for
const OWNER = 3; // the request that the slot's content belongs to
const REST = 4; // bytes of this message still to come: it did not fit
const ALIVE = 5; // 1: the thread runs
const BEATS = 6; // how often it has said so when it was asked
const STATE_BYTES = 28;
const SLOT_BYTES = 65_536;
const EMPTY = 0;
const HEAD = 1;
const CHUNK = 2;
const END = 3;
const FAILURE = 4;

/** A thread that has not begun to run by then will not, ms: the slowest seen took 0.2 s. */
const THREAD_START = 10_000;

/** How long close() waits for the thread to drop its socket, ms: it usually takes a few. */
const THREAD_END = 100;

/** The thread is asked after that much silence, ms, whether it lives: nothing else would tell. */
const PROBE_INTERVAL = 1000;

/** A limit that is over is no sign until the thread had that long to look at its socket, ms. */
const THREAD_TURN = 20;

/** Flags of `node` that decide about requests. All others, preloads too, stay out of the thread. */
const REQUEST_FLAGS = [
  '--dns-result-order',
  '--insecure-http-parser',
  '--max-http-header-size',
  '--network-family-autoselection',
  '--no-network-family-autoselection',
  '--tls-max-v1',
  '--tls-min-v1',
  '--use-env-proxy',
  '--use-system-ca',
];

function requestFlags(words: readonly string[]): string[] {
  // a value may be a word of its own
  const flags = words
    .join('\n')
    .replace(/\n(?!-)/g, '=')
    .split('\n');
  return flags.filter((flag) => REQUEST_FLAGS.some((known) => flag.startsWith(known)));
}

// The thread's code is text, since bundlers rewrite functions so that they only run at home. It
// gets getBuiltinModule for the same reason: Deno runs it as an ES module. `put` waits until the
// slot is free, which is the whole back-pressure, and gives up when another request is wanted.
// `patient` lifts the 300 s of Node's fetch: it is the dispatcher that fetch would take by itself,
// under the name that undici has for it, asked to wait. The caller watches the time. A message is
// [request, url, init]; without URL it ends what is on, with request 0 the thread; [] is a probe.
const threadCode = () => `${threadMessages()}${threadRequests()}`;

const threadMessages = () => `
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
    for (let full; Atomics.load(state, ${WANTED}) === id && (full = Atomics.load(state, ${KIND}));)
      Atomics.wait(state, ${KIND}, full);
    if (Atomics.load(state, ${WANTED}) !== id) return false;
    const part = bytes.subarray(at, at + slot.length);
    slot.set(part);
    at += part.length;
    state[${SIZE}] = part.length;
    state[${OWNER}] = id;
    state[${REST}] = bytes.length - at;
    Atomics.store(state, ${KIND}, kind);
    Atomics.notify(state, ${KIND});
  } while (at < bytes.length);
  return true;
};
const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const plain = (error, depth = 0) => error instanceof Object && depth < 5 ? {
  name: error.name, message: String(error.message), code: error.code,
  cause: plain(error.cause ?? error.errors?.[0], depth + 1),
} : error == null ? undefined : { message: String(error) };
const fail = (error) => put(current, ${FAILURE}, json(plain(error)));
const ends = () => {
  Atomics.store(state, ${ALIVE}, 0);
  for (const at of [${ALIVE}, ${KIND}]) Atomics.notify(state, at);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.on('exit', ends);
Atomics.store(state, ${ALIVE}, 1);
Atomics.notify(state, ${ALIVE});
`;

const threadRequests = () => `parentPort.on('message', async ([id, url, init]) => {
  if (id === undefined) return Atomics.add(state, ${BEATS}, 1);
  reader?.cancel().catch(() => {});
  reader = undefined;
  controller?.abort();
  if (!id) ends();
  if (!url) return;
  current = id;
  const { signal } = controller = new AbortController();
  try {
    const { status, headers, body } = await fetch(url, { ...patient, ...init, signal });
    if (id !== current) return;
    put(id, ${HEAD}, json({ status, headers: [...headers] }));
    const chunks = reader = body?.getReader();
    for (let part; chunks && !(part = await chunks.read()).done;)
      if (!put(id, ${CHUNK}, part.value)) return;
    put(id, ${END}, new Uint8Array());
  } catch (error) {
    if (id === current) fail(error);
  }
});
`;

/** An error as the thread sends it: structured clones lose `code`. */
interface PlainError {
  readonly name?: string;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: PlainError;
}

/** A body of the thread's: each next() may have a limit of its own, ms. */
interface ThreadBody extends Iterable<Uint8Array> {
  next(limit?: number): IteratorResult<Uint8Array>;
  return(): IteratorResult<Uint8Array>;
}

/** The caller's end of a thread that fetches. */
class Channel {
  readonly verify: boolean;
  readonly #thread: Thread;
  readonly #state = new Int32Array(new SharedArrayBuffer(STATE_BYTES));
  readonly #slot = new Uint8Array(new SharedArrayBuffer(SLOT_BYTES));
  #request = 0;

  constructor(threads: ThreadModule, verify: boolean) {
    const insecure = !verify && !platform.Bun;
    if (insecure && platform.Deno) {
      throw new SSEError('unsupported', 'verify: false is more than Deno can do for one client');
    }
    this.verify = verify;
    try {
      this.#thread = startThread(threads, [this.#state, this.#slot, insecure]);
      this.#thread.unref();
      this.#thread.on('error', () => {}); // told where it is waited for; else it ends the process
      const started = Atomics.wait(this.#state, ALIVE, 0, THREAD_START);
      must(started !== 'timed-out', 'it does not run');
    } catch (cause) {
      // Node's permission model, for one
      throw new SSEError('unsupported', 'The thread that fetches did not start', cause);
    }
  }

  /** False where it has ended by itself: out of memory, or by somebody's process.exit(). */
  get isAlive(): boolean {
    return Atomics.load(this.#state, ALIVE) === 1;
  }

  open(url: string, request: Omit<TransportRequest, 'signal' | 'verify'>): BlockingResponse {
    const {timeout = 0, idleTimeout = 0, ...init} = request;
    const id = ++this.#request;
    this.#want(id);
    this.#send(id, url, init);
    const [, head] = this.#receive(id, timeout, `No response from ${url}`);
    const {status, headers} = parsed(head);
    let isOver = false;
    const body: ThreadBody = {
      [Symbol.iterator]: () => body,
      next: (limit = idleTimeout) => {
        if (isOver) return {done: true, value: undefined};
        const [kind, value] = this.#receive(id, limit, `No byte from ${url}`);
        isOver = kind === END;
        return isOver ? {done: true, value: undefined} : {value};
      },
      return: () => {
        isOver = true;
        if (id === this.#request) this.#stop();
        return {done: true, value: undefined};
      },
    };
    return {status, headers: new Headers(headers), body};
  }

  #send(id: number, url: string, init: object & {readonly body?: RequestBody}): void {
    const tls = this.verify ? {} : {tls: {rejectUnauthorized: false}}; // Bun's way
    try {
      const {body = ''} = init; // of others, a FormData say, clones are empty objects
      must(typeof body === 'string' || ArrayBuffer.isView(body), 'body is not text or bytes');
      this.#thread.postMessage([id, url, {...init, ...tls}]);
    } catch (cause) {
      // or a DataCloneError
      throw own(
        new TypeError(
          'The blocking loop fetches in a thread, and this body or `init` cannot be sent there: use'
            + ' `for await`, or pass a transport',
          {cause},
        ),
      );
    }
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
  #receive(id: number, limit: number, late: string): [kind: number, bytes: Uint8Array] {
    let whole: Uint8Array = new Uint8Array(0);
    while (id === this.#request) {
      const kind = Atomics.load(this.#state, KIND);
      if (kind === EMPTY) {
        // Look again after every wait: a late notify of an earlier message ends it, too.
        if (this.#wait(limit > 0 ? limit : Infinity)) continue;
        this.#stop();
        throw tooLate(late, limit);
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

  /**
   * Waits until something may be in the slot. False: not within that limit, ms, in which a process
   * that was stopped does not grow older. A thread that has ended is a lost connection.
   */
  #wait(limit: number): boolean {
    const answered = Atomics.load(this.#state, BEATS);
    for (let asked = 0, left = limit; left > 0; asked++, left -= PROBE_INTERVAL) {
      const isSilent = asked - (Atomics.load(this.#state, BEATS) - answered) > 1;
      if (isSilent || !this.isAlive) {
        Atomics.store(this.#state, ALIVE, 0);
        throw new SSEError('connection', 'The thread that fetches has ended');
      }
      if (this.#isFilled(Math.min(left, PROBE_INTERVAL))) return true;
      this.#thread.postMessage([]);
    }
    return this.#isFilled(THREAD_TURN);
  }

  #isFilled(within: number): boolean {
    return Atomics.wait(this.#state, KIND, EMPTY, within) !== 'timed-out';
  }
}

/** Its environment is a copy; without preloads, which may know no threads, or fail there. */
function startThread({Worker}: ThreadModule, workerData: readonly unknown[]): Thread {
  const {env, execArgv = []} = platform.process ?? {};
  const options = {
    eval: true,
    workerData,
    ...(!platform.Bun
      && !platform.Deno && {
        env: {...env, NODE_OPTIONS: requestFlags((env?.NODE_OPTIONS ?? '').split(/\s+/)).join(' ')},
      }),
  };
  try {
    return new Worker(threadCode(), {...options, execArgv: requestFlags(execArgv)});
  } catch {
    return new Worker(threadCode(), {...options, execArgv: []}); // not all versions know them all
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
    const sent = [parser.lastEventId, toByteString(parser.lastEventId)];
    if (sent.some((each) => each.trim() === id.trim())) return blankLine.lastIndex; // HTTP trims
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
  const tap = (response: TransportResponse): TransportResponse => {
    if (!(response?.status >= 200 && response.status < 300)) return response;
    const connection = connections++;
    return tapped(response, (chunk) => {
      try {
        sink(chunk, connection);
      } catch (error) {
        throw own(error);
      }
    });
  };
  const recorder: Transport = (url, request) => {
    const response = transport(url, request);
    return isPromise(response) ? Promise.resolve(response).then(tap) : tap(response);
  };
  return Object.assign(recorder, {verifies: transport.verifies === true});
}

/** The response with a body for both loops that shows each chunk before it hands it on. */
function tapped(
  {status, headers, body}: TransportResponse,
  show: (chunk: Chunk) => void,
): TransportResponse {
  const seen = (part: ReadResult): IteratorResult<Chunk, undefined> => {
    if (part.done) return {done: true, value: undefined};
    show(part.value);
    return {value: part.value};
  };
  const getReader = () => {
    const chunks = chunksOf(body);
    return {
      read: async () => seen(await chunks.next()),
      async cancel() {
        const closing = letGo(chunks);
        if (chunks.isStream) await closing; // a generator's return() waits for its pending next()
      },
    };
  };
  const iterate = (): Iterator<Chunk> => {
    const chunks = blockingChunksOf(body);
    return {
      next: (limit?: number) => seen(chunks.next(limit)),
      return() {
        chunks.return?.();
        return {done: true, value: undefined};
      },
    };
  };
  return {status, headers, body: {getReader, [Symbol.iterator]: iterate}};
}

// ── 9. Clients ────────────────────────────────────────────────────────────────────────────────
// Thin: one script, which carries out what section 7 decides, and one connection at a time. They
// read only when an event is asked for and none is at hand, and let go of everything on every way
// out.

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

/** UTF-16 code units kept of a refusal's text: enough for any message, no flood. */
const MAX_ERROR_BODY = 65_536;

/** How long the text of a refusal is waited for, ms, from its headers on: it is there, mostly. */
const REFUSAL_LIMIT = 1000;

const FUNCTIONS = ['until', 'random', 'now', 'sleep', 'onOpen', 'onRetry', 'onComment'] as const;

/** What differs between the two kinds of loop, beside the waiting. */
interface Way {
  readonly transport: Transport;
  readonly chunksOf: (body: Body) => Chunks;
  /** Default: the limit of the wait. */
  readonly sleep?: ((ms: number) => unknown) | undefined;
  /** Ends what lives longer than a connection. */
  close?(): void;
}

/** What is done over one connection, up to the decision what comes after it. */
type Course = Generator<Operation, Decision, void>;

/**
 * One attempt, from the wait before it to the end of its stream, with all that belongs to it. It
 * owns a response from the moment the transport hands it over, of whatever kind its body is.
 */
class Connection implements Interruptible {
  readonly way: Way;
  /** ms to wait before it begins. */
  readonly delay: number;
  phase: 'waiting' | 'connecting' | 'open' | 'closed';
  /** Stays after close(), for what has come and is not handed out yet. */
  parser: PullParser | undefined;
  response: TransportResponse | undefined;
  interrupt: (() => void) | undefined;
  readonly #controller = new AbortController();
  readonly #unlisten: () => void;
  #chunks: Chunks | undefined;
  #closing: MaybePromise<unknown>;

  /** `onAbort` is called when the signal aborts, as long as the connection is not closed. */
  constructor(way: Way, delay: number, signal: SignalLike | undefined, onAbort: () => void) {
    this.way = way;
    this.delay = delay;
    this.phase = delay ? 'waiting' : 'connecting';
    this.#unlisten = listen(signal, onAbort);
  }

  get signal(): PlatformSignal {
    return this.#controller.signal;
  }

  get isClosed(): boolean {
    return this.phase === 'closed';
  }

  /** Sends a request. The response is the connection's before anything else can happen. */
  send(url: string, request: TransportRequest): MaybePromise<void> {
    const response = this.way.transport(url, request);
    if (!isPromise(response)) return this.#own(response);
    return Promise.resolve(response).then((each) => this.#own(each)); // some settle twice
  }

  #own(response: TransportResponse): void {
    if (this.isClosed) discard(response);
    else this.response = response;
  }

  /** Reads the next chunk of the response's body. */
  reading(limit: number, late?: string): Operation<ReadResult> {
    const chunks = (this.#chunks ??= this.way.chunksOf(this.response?.body));
    return operation('body', (left) => chunks.next(left), this, limit, late);
  }

  /** The response is a stream: what is not readable in this way throws now. */
  open(parser: PullParser): void {
    this.#chunks = this.way.chunksOf(this.response?.body);
    this.parser = parser;
    this.phase = 'open';
  }

  /** Lets the response go, read or unread, as before the next one. */
  release(): MaybePromise<unknown> {
    const {response} = this;
    const chunks = this.#chunks;
    this.response = this.#chunks = undefined;
    return chunks ? letGo(chunks) : discard(response);
  }

  /** Ends it, at once, and any wait for it. Its result resolves when the socket is let go. */
  close(): MaybePromise<unknown> {
    if (this.isClosed) return this.#closing;
    this.phase = 'closed';
    const isStuck = this.interrupt && !this.#chunks?.isStream; // then return() waits for next()
    const closing = this.release();
    if (!isStuck) this.#closing = closing;
    this.#controller.abort();
    this.#unlisten();
    this.interrupt?.();
    return this.#closing;
  }
}

/** The listeners of a signal behind one of its own: Node warns where many clients share one. */
const SHARED = /* @__PURE__ */ new WeakMap<
  SignalLike,
  {readonly listeners: Set<() => void>; readonly callAll: () => void}
>();

/** Calls `onAbort` when the signal aborts, until the function that this returns is called. */
function listen(signal: SignalLike | undefined, onAbort: () => void): () => void {
  if (!signal) return () => {};
  let shared = SHARED.get(signal);
  if (!shared) {
    const all = new Set<() => void>();
    shared = {listeners: all, callAll: () => all.forEach((each) => void each())};
    SHARED.set(signal, shared);
    signal.addEventListener('abort', shared.callAll);
  }
  const {listeners, callAll} = shared;
  listeners.add(onAbort);
  return () => {
    if (!listeners.delete(onAbort) || listeners.size) return;
    SHARED.delete(signal);
    signal.removeEventListener('abort', callAll);
  };
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
  readonly #json: string | undefined;
  readonly #reconnection: Reconnection;
  readonly #way: Way;
  /** The attempt at hand, or the last one. */
  #connection: Connection | undefined;
  /** The loop, or open(), that is on. */
  #loop: symbol | undefined;
  /** Closed for good. */
  #isClosed = false;
  #response: SSEResponse | undefined;

  constructor(url: URLInput, options: SSEClientOptions = {}) {
    checkOptions(options);
    const {transport = platformFetch, sleep, json} = options;
    const given = typeof url === 'string' ? url : url?.href;
    must(typeof given === 'string', 'url must be a string or a URL');
    // what other transports make of it is their own business
    const target = transport === platformFetch ? absolute(given) : given;
    const shown = excerpt(withoutUserinfo(given));
    must(target !== undefined, `url must be absolute, http: or https:, got '${shown}'`);
    this.#options = options;
    this.#way = {transport, chunksOf, sleep};
    this.#json = JSON.stringify(json);
    must(json === undefined || this.#json, 'json must be a value that JSON has');
    this.#reconnection = new Reconnection(target, {...options, method: methodOf(options)});
    must(
      !this.#reconnection.reconnects || !isStream(options.body),
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
    if (this.#isClosed || this.#options.signal?.aborted) return 'closed';
    const phase = this.#connection?.phase ?? 'closed';
    if (!this.#loop && phase !== 'open') return 'idle';
    return phase === 'closed' ? 'connecting' : phase; // one is over, the next is about to begin
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
    const {value} = await new AsyncLoop(this.#opening(this.#way)).next();
    return value ?? this.#unopened();
  }

  /**
   * Drop the connection and connect again at once (the network changed, the tab is visible again).
   * Events already received are handed out first. TypeError for a client that does not reconnect.
   */
  reconnect(): void {
    must(this.#reconnection.reconnects, ONE_CONNECTION);
    void this.#connection?.close();
  }

  /**
   * End it, at once and for good: a pending `next()` ends, nothing is delivered any more. Resolves
   * when the socket is let go, or after a second.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#loop = undefined;
    return released(() => this.#release());
  }

  /** The events' data as JSON values, as in EventSource; at `done` the connection is closed. */
  json<T = unknown>(options?: JSONOptions): AsyncIterable<T> {
    const begin = () => new AsyncLoop(asJSON<T>(this.#supply(this.#way), options));
    return {[Symbol.asyncIterator]: begin};
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    return new AsyncLoop(this.#supply(this.#way));
  }

  /** For SSEClient, whose loops go another way. Nothing that a subclass can replace. */
  protected static supplies(client: AsyncSSEClient, way: Way): Supplies {
    return {
      loop: () => client.#supply(way),
      opening: () => client.#opening(way),
      unopened: () => client.#unopened(),
    };
  }

  #supply(way: Way, loop: symbol = Symbol()): Supply<SSEEvent> {
    return {
      take: () => (this.#loop === loop ? this.#take() : undefined),
      script: this.#script(way, loop),
      asked: undefined,
      close: () => this.#leave(loop),
    };
  }

  /** Follows the script of a loop up to the moment when the stream is open. */
  #opening(way: Way): Supply<SSEResponse> {
    const loop = Symbol();
    return {
      ...this.#supply(way, loop),
      take: () => {
        if (this.state !== 'open') return undefined;
        if (this.#loop === loop) this.#loop = undefined; // open, and free for a loop
        return this.#response;
      },
    };
  }

  /** What opening gives where there is no stream in the end. */
  #unopened(): SSEResponse {
    if (this.#response?.status === 204) return this.#response;
    throw new SSEError('connection', `The client for ${this.url} was closed`);
  }

  /** The next of the events that are here. */
  #take(): SSEEvent | undefined {
    const connection = this.#connection;
    const parser = connection?.parser;
    if (!connection || !parser) return undefined;
    const event = parser.next();
    // Whoever leaves the loop, closes the client or aborts it in a callback lets the parser go.
    if (connection.parser !== parser) return undefined;
    if (!event) {
      this.#reconnection.caughtUp(parser);
      return undefined;
    }
    const isLast = this.#reconnection.isLast(event);
    if (connection.parser !== parser) return undefined;
    this.#reconnection.delivered(event, isLast);
    if (isLast) {
      this.#isClosed = true;
      void this.#release();
    }
    return event;
  }

  #enter(way: Way, loop: symbol): void {
    const connection = this.#connection;
    const isOthers = connection?.phase === 'open' && connection.way !== way;
    must(
      !this.#loop && !isOthers,
      'This client is in a loop already, or openSync() began one for `for … of`,'
        + ' open() one for `for await`: leave that one first',
    );
    this.#loop = loop;
  }

  /** Whether that loop has something to do. Throws the signal's reason. */
  #isLive(loop: symbol): boolean {
    if (this.#loop !== loop || this.#isClosed) return false;
    const {signal} = this.#options;
    if (signal?.aborted) throw signal.reason;
    return true;
  }

  /** Resolves when the socket is let go. A loop that is over already leaves the next one alone. */
  #leave(loop: symbol): MaybePromise<unknown> {
    if (this.#loop !== loop) return undefined;
    this.#loop = undefined;
    return this.#release();
  }

  /** Lets everything go: the connection, what has come over it, what outlives connections. */
  #release(): MaybePromise<unknown> {
    const connection = this.#connection;
    if (!connection) return undefined;
    connection.parser = undefined;
    const closing = connection.close();
    connection.way.close?.();
    return closing;
  }

  #begin(way: Way, delay: number): Connection {
    const {signal} = this.#options;
    return (this.#connection = new Connection(way, delay, signal, () => void this.#release()));
  }

  // The script: what a client does from one connection to the next, whichever way it is followed.
  // Its closures live as long as the errors that they throw: none of them may hold another error.

  *#script(way: Way, loop: symbol): Script {
    this.#enter(way, loop);
    while (this.#isLive(loop)) {
      const held = this.#connection;
      const connection = held && !held.isClosed ? held : this.#begin(way, 0);
      const decision = yield* this.#live(connection);
      if (decision) yield* this.#carryOut(connection, decision);
    }
  }

  /**
   * Follows the course of a connection for as long as that is not closed, which anybody may do
   * during any wait; then there is nothing to decide. A loss is an end of the course.
   */
  *#live(connection: Connection): Generator<Operation, Decision | undefined, void> {
    const course = this.#course(connection);
    let step = course.next();
    while (step.done !== true) {
      const asked = step.value;
      let failure: {readonly error: unknown} | undefined;
      try {
        yield asked;
      } catch (error) {
        failure = {error};
      }
      if (failure && !asked.late) step = course.throw(failure.error);
      else if (connection.isClosed) return undefined;
      else if (failure) return this.#reconnection.lost(failure.error ?? null);
      else step = course.next();
    }
    return connection.isClosed ? undefined : step.value;
  }

  /** From the wait before an attempt to the end of its stream, or to why there is none. */
  *#course(connection: Connection): Course {
    if (connection.phase !== 'open') {
      const decision = yield* this.#connect(connection);
      if (decision.kind !== 'open') return decision;
    }
    const idleTimeout = milliseconds('idleTimeout', this.#options);
    const read = connection.reading(idleTimeout, `No byte from ${this.url}`);
    for (;;) {
      yield read;
      const part = read.result;
      must(part, 'body must have an iterator that returns objects');
      if (part.done) return this.#reconnection.lost();
      connection.parser?.write(part.value);
    }
  }

  *#connect(connection: Connection): Course {
    if (connection.delay) yield this.#pause(connection);
    connection.phase = 'connecting';
    this.#reconnection.begin(this.#now);
    const headers = this.#askHeaders(connection);
    yield headers;
    for (;;) {
      const body = this.#askBody(connection); // a redirect's, too
      yield body;
      const [url, request] = this.#request(connection, headers.result, body.result);
      const send = () => connection.send(url, request);
      const timeout = milliseconds('timeout', this.#options);
      yield operation('transport', send, connection, timeout, `No response from ${this.url}`);
      const decision = yield* this.#receive(connection);
      if (decision.kind !== 'send') return decision;
      void connection.release();
    }
  }

  /** Without `sleep`, the limit is what ends it. */
  #pause(connection: Connection): Operation {
    const {way, delay} = connection;
    const wait = () => (way.sleep ? way.sleep(delay) : new Promise(() => {}));
    return operation('sleep', wait, connection, way.sleep ? 0 : delay);
  }

  #askHeaders(connection: Connection): Operation<HeadersInput | undefined> {
    const {headers} = this.#options;
    const ask = () =>
      typeof headers === 'function' ? headers(this.#reconnection.attempt) : headers;
    return operation('headers', ask, connection);
  }

  #askBody(connection: Connection): Operation<RequestBody | undefined> {
    const {body} = this.#options;
    const ask = () => {
      if (this.#reconnection.method === 'GET') return undefined;
      return typeof body === 'function' ? body(this.#reconnection.attempt) : (this.#json ?? body);
    };
    return operation('body', ask, connection);
  }

  #request(
    connection: Connection,
    own: HeadersInput | undefined,
    body: RequestBody | undefined,
  ): [string, TransportRequest] {
    const {init, verify = true} = this.#options;
    const isHere = isServer();
    const {method} = this.#reconnection;
    const {url, headers} = this.#reconnection.request(
      {
        // Browsers add it for `no-store` by themselves; set by hand it costs a CORS preflight.
        ...(isHere && {'cache-control': 'no-cache'}),
        ...(this.#json !== undefined && {'content-type': 'application/json'}),
      },
      validHeaders(own),
      platformEncoded,
    );
    const request: TransportRequest = {
      ...init,
      method,
      headers,
      // workerd with a compatibility date before 2024-11-11 has none, and would throw at it
      ...('cache' in (platform.Request?.prototype ?? {}) && {cache: 'no-store' as const}),
      // Browsers show no redirect: they follow those of a GET, and the others must not become one
      redirect: isHere || method !== 'GET' ? 'manual' : 'follow',
      signal: connection.signal,
      ...(body !== undefined && {body}),
      ...(isStream(body) && {duplex: 'half'}),
      ...(!verify && {verify}),
    };
    return [url, request];
  }

  *#receive(connection: Connection): Course {
    const {response} = connection;
    must(typeof response?.status === 'number', 'transport must return a response with a status');
    const seen = (this.#response = withHeaders(response));
    const {status} = seen;
    const headers = response.headers && seen.headers;
    const decision = this.#reconnection.response(status, headers);
    if (decision.kind === 'read') {
      const text = yield* this.#refusal(connection);
      return this.#reconnection.refused(status, headers, text, this.#now);
    }
    if (decision.kind === 'open') {
      yield operation('onOpen', () => this.#open(connection, seen), connection);
    }
    return decision;
  }

  #open(connection: Connection, response: SSEResponse): unknown {
    const {lastEventId, retry} = this.#reconnection;
    connection.open(new PullParser({...this.#options, lastEventId, retry}));
    return this.#options.onOpen?.(response);
  }

  /** The text of a refusal, as far as it comes in time. */
  *#refusal(connection: Connection): Generator<Operation, string, void> {
    const decoder = new StreamDecoder();
    const limit = Math.min(this.#options.timeout || REFUSAL_LIMIT, REFUSAL_LIMIT);
    const end = this.#now + limit;
    let text = '';
    try {
      for (let left = limit; left > 0 && text.length < MAX_ERROR_BODY; left = end - this.#now) {
        const read = connection.reading(left);
        yield read;
        const part = read.result;
        if (!part || part.done) break;
        text = (text + decoder.decode(part.value)).slice(0, MAX_ERROR_BODY);
      }
    } catch {
      // what came must do
    }
    return text;
  }

  *#carryOut(connection: Connection, decision: Decision): Script {
    void connection.close();
    if (decision.kind === 'fail') throw decision.error;
    if (decision.kind !== 'wait') {
      this.#isClosed = true;
      return;
    }
    const {retry} = decision;
    const {onRetry} = this.#options;
    const next = this.#begin(connection.way, retry.delay);
    if (onRetry) yield operation('onRetry', () => onRetry(retry), next);
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** What a loop, or opening a stream for one, is made of. */
interface Supplies {
  loop(): Supply<SSEEvent>;
  opening(): Supply<SSEResponse>;
  unopened(): SSEResponse;
}

/** Throws TypeError or RangeError for an option that cannot be meant: now, not in the loop. */
function checkOptions(options: SSEClientOptions): void {
  must(options && typeof options === 'object', 'options must be an object');
  const {headers, init, signal, transport = platformFetch, verify = true} = options;
  must(typeof transport === 'function', 'transport must be a function');
  must(typeof verify === 'boolean', 'verify must be a boolean');
  must(
    verify || transport === platformFetch || transport.verifies,
    'verify: false is more than that transport says it can do',
  );
  checkBody(options);
  for (const name of FUNCTIONS) {
    must(['undefined', 'function'].includes(typeof options[name]), `${name} must be a function`);
  }
  must(init === undefined || typeof init === 'object', 'init must be an object');
  must(!signal || typeof signal.addEventListener === 'function', 'signal must be an AbortSignal');
  milliseconds('timeout', options);
  milliseconds('idleTimeout', options);
  new PullParser(options);
  if (typeof headers !== 'function') validHeaders(headers);
}

function checkBody(options: SSEClientOptions): void {
  const {body} = options;
  const method = methodOf(options);
  const given = bodiesIn(options);
  must(typeof method === 'string' && /^[\w-]+$/.test(method), 'method must be an HTTP method');
  must(
    !body
      || /^(string|function)$/.test(typeof body)
      || (typeof body === 'object' && Object.getPrototypeOf(body) !== Object.prototype),
    'body must be what fetch takes; for a value use json',
  );
  must(given < 2 && !(given && /^get$/i.test(method)), 'Give body or json, and neither to a GET');
}

/** How many bodies are given: 0 to 2. */
function bodiesIn({body, json}: SSEClientOptions): number {
  return [body ?? undefined, json].filter((each) => each !== undefined).length;
}

function methodOf(options: SSEClientOptions): string {
  return options.method ?? (bodiesIn(options) ? 'POST' : 'GET');
}

function absolute(url: string): string | undefined {
  try {
    const {href} = new URL(url, platform.location?.href);
    return /^https?:/.test(href) ? href : undefined;
  } catch {
    return undefined;
  }
}

export interface SSEClient extends Disposes {}

/**
 * Follows a URL in both loops: `for (const event of client)` blocks the thread, `for await` does
 * not. Throws what AsyncSSEClient does; its blocking loop also SSEError `unsupported` where a
 * thread cannot wait, and TypeError for promises.
 */
export class SSEClient extends AsyncSSEClient {
  readonly #supplies: Supplies;

  constructor(url: URLInput, options: BlockingClientOptions = {}) {
    super(url, options);
    const timeout = milliseconds('timeout', options);
    const idleTimeout = milliseconds('idleTimeout', options);
    let thread: BlockingFetch | undefined; // kept over reconnections, since threads end slowly
    this.#supplies = AsyncSSEClient.supplies(this, {
      transport(url, request) {
        const send = options.transport ?? (thread ??= blockingFetch());
        return send(url, {...request, timeout, idleTimeout}); // no timer can fire: it has to look
      },
      chunksOf: blockingChunksOf,
      sleep: options.sleep ?? blockingSleep,
      close() {
        thread?.close();
        thread = undefined;
      },
    });
    onDispose(this, 'dispose', () => void this.close());
  }

  /** `open()` for the blocking loop. */
  openSync(): SSEResponse {
    const {value} = new BlockingLoop(this.#supplies.opening()).next();
    return value ?? this.#supplies.unopened();
  }

  override json<T = unknown>(options?: JSONOptions): Iterable<T> & AsyncIterable<T> {
    return {
      ...super.json<T>(options),
      [Symbol.iterator]: () => new BlockingLoop(asJSON<T>(this.#supplies.loop(), options)),
    };
  }

  [Symbol.iterator](): IterableIterator<SSEEvent> {
    return new BlockingLoop(this.#supplies.loop());
  }
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

// ── 10. Shorthands ────────────────────────────────────────────────────────────────────────────

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
