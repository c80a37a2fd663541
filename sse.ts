/*! npm:ssekit@0.2.0/sse.ts | MIT License | sha256:c5591f118804b9b0379f0ed58aa49729 */
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

/** The version of this file, as line 1 and package.json have it. */
export const VERSION = '0.2.0';

/**
 * Kinds of failure. `json` comes from events (§2), `limit` from the parser (§4), `content-type`
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

/** Marks errors of this file, also those of another copy of it or of another realm. */
const BRAND = 'ssekit';

/** `instanceof` for a class of this file: by its own chain, or by the brand and a field. */
function isOurs(Class: object, value: unknown, own: object, field: string): boolean {
  if (Function.prototype[Symbol.hasInstance].call(Class, value)) return true;
  // a subclass of the user's has nothing but its chain
  const error = Object(value);
  return Class === own && error.brand === BRAND && error[field] !== undefined;
}

/** Base of all errors of this file: it has a code to switch on. */
export const SSEError: SSEErrorConstructor = class<Code extends SSEErrorCode> extends Error {
  override readonly name: string = 'SSEError';
  readonly code: Code;
  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? cause : {cause});
    this.code = code;
  }

  get brand(): string {
    return BRAND;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOurs(this, value, SSEError, 'code');
  }
};

/**
 * Any error of this file: after `error instanceof SSEError`, a switch over `error.code` tells
 * which of its classes it is.
 */
export type SSEError =
  | SSEHTTPError
  | SSEResponseError
  | SSEConnectionError
  | SSEJSONError
  | SSEPlainError<Exclude<SSEErrorCode, 'http' | 'content-type' | 'json'>>;

/** An error that has no more to say than its code, message and cause. */
export interface SSEPlainError<Code extends SSEErrorCode = SSEErrorCode> extends Error {
  readonly code: Code;
  readonly url?: undefined;
  readonly retries?: undefined;
}

/** One thing in a value that its schema does not allow. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | {readonly key: PropertyKey})[] | undefined;
}

/** Text that is not JSON, or a value that does not fit its schema. */
export interface SSEJSONError extends SSEPlainError<'json'> {
  /** Findings of the schema; undefined: the text is not JSON, and `cause` says why. */
  readonly issues?: readonly SchemaIssue[] | undefined;
}

interface SSEErrorConstructor {
  new <Code extends SSEErrorCode>(
    code: Code,
    message: string,
    cause?: unknown,
  ): Error & {readonly code: Code};
  readonly prototype: SSEError;
  [Symbol.hasInstance](value: unknown): boolean;
}

/** The part of `Headers` that is needed. */
export interface HeadersLike {
  get(name: string): string | null;
}

/** Headers in any of the forms that `fetch` takes. */
export type HeadersInput =
  | HeadersLike
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

const NO_HEADERS: HeadersLike = {get: () => null};

declare const Headers: new (
  headers: HeadersInput,
) => HeadersLike &
  Iterable<[string, string]> & {
    append(name: string, value: string): void;
    set(name: string, value: string): void;
    delete(name: string): void;
  };

/** Facts about a response, for an error. */
interface ResponseFacts {
  readonly status: number;
  readonly url: string;
  readonly headers: HeadersLike;
  readonly body: string;
  readonly retryAfter?: number | undefined;
}

/** The response is not an event stream: its status (SSEHTTPError) or content type is wrong. */
export class SSEResponseError extends SSEError<'http' | 'content-type'> {
  override readonly name: string = 'SSEResponseError';
  /** The HTTP status, 100 to 599. */
  readonly status: number;
  /** URL it came from, redirects followed, without userinfo. */
  readonly url: string;
  readonly headers: HeadersLike;
  /** The response's body as text, cut at 65,536 UTF-16 code units; `""` from an EventSource. */
  readonly body: string;
  /** Wait that the server asked for (`Retry-After`), milliseconds; undefined = it did not. */
  readonly retryAfter: number | undefined;
  constructor(
    code: 'http' | 'content-type',
    message: string,
    {status, url, headers, body, retryAfter}: ResponseFacts,
  ) {
    super(code, message + words(body));
    this.status = status;
    this.url = url;
    this.headers = headers;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOurs(this, value, SSEResponseError, 'status');
  }
}

export interface SSEHTTPError {
  readonly code: 'http';
}

/** The server answered with a status that does not open a stream. */
export class SSEHTTPError extends SSEResponseError {
  override readonly name = 'SSEHTTPError';
  constructor(
    status: number,
    url: string,
    headers: HeadersLike,
    body: string,
    retryAfter?: number,
  ) {
    const facts = {status, url, headers, body, retryAfter};
    super('http', `${url} answered ${status}`, facts);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOurs(this, value, SSEHTTPError, 'status') && Object(value).code === 'http';
  }
}

/** The connection was lost and is not made again; `cause` is what ended the last one. */
export class SSEConnectionError extends SSEError<'connection'> {
  override readonly name = 'SSEConnectionError';
  /** The URL of the client, without userinfo. */
  readonly url: string;
  /** Reconnections really made since the last event, ≥ 0. */
  readonly retries: number;
  /** `advice`: what to do about it, where waiting does not help. */
  constructor(url: string, retries: number, cause: unknown, advice = '') {
    const after = retries ? ` after ${retries} ${retries > 1 ? 'retries' : 'retry'}` : '';
    const message = `SSE connection to ${url} failed${after}: ${describe(cause)}`;
    super('connection', advice ? `${message} (${advice})` : message, cause);
    this.url = url;
    this.retries = retries;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOurs(this, value, SSEConnectionError, 'retries');
  }
}

/** Marks an error as the program's own; other copies of this file know the mark, too. */
const OWN = /* @__PURE__ */ Symbol.for('ssekit.own');

/**
 * Marks an error as the program's own, on its way through a transport: it ends the loop as it is.
 * A primitive (`throw 'full'`) is wrapped in an object for that, a frozen object inherited from.
 */
function own(error: unknown): object {
  const object = Object(error);
  const marked = Object.isExtensible(object) ? object : Object.create(object);
  return Object.defineProperty(marked, OWN, {value: error, configurable: true});
}

/** A user's function must not fail unseen: what it throws ends the loop. */
function asOwn<R>(call: () => R): R {
  try {
    return call();
  } catch (error) {
    throw own(error);
  }
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

/** Takes the first of several reasons, as there are when a host has several addresses. */
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

/** Quotes the server's refusal for the end of a message. A web page is not quoted. */
function words(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line && !line.startsWith('<') ? `: ${excerpt(line)}` : '';
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

/**
 * Options read by name, so that inherited ones, getters and proxies count; what is undefined has
 * its default. TypeError for one that is none: it would do nothing.
 */
function settings<T extends object>(
  given: {readonly [N in keyof T]?: T[N] | undefined},
  defaults: T,
): T {
  must(given && typeof given === 'object', 'options must be an object');
  const known = Object.keys(defaults);
  for (const name of Object.keys(given)) must(known.includes(name), unknownOption(name, known));
  const read = {...defaults}; // all of one shape, which engines keep small
  for (const name in defaults) {
    const value = given[name];
    if (value !== undefined) Object.assign(read, {[name]: value});
  }
  return read;
}

function unknownOption(name: string, known: readonly string[]): string {
  const shares = known.map((each) => likeness(name.toLowerCase(), each.toLowerCase()));
  const most = Math.max(...shares);
  const hint =
    most >= 0.5
      ? `did you mean '${known[shares.indexOf(most)]}'?`
      : `there are ${known.join(', ')}`;
  return `Unknown option ${quoted(name)}: ${hint}`;
}

/** The share of two names that is the same from both ends, 0 to 1. */
function likeness(one: string, other: string): number {
  const {length} = one.length > other.length ? one : other;
  let same = 0;
  while (same < length && one[same] === other[same]) same++;
  for (let end = 1; same < length && one.at(-end) === other.at(-end); end++) same++;
  return same / length;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

type MaybePromise<T> = T | PromiseLike<T>;

function isPromise<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return isObject(value) && 'then' in value;
}

/** A promise whose failure has nobody to tell it to. */
function quiet<T>(value: MaybePromise<T>): MaybePromise<T> {
  if (isPromise(value)) Promise.resolve(value).catch(() => {});
  return value;
}

/** For what is called where nothing waits. */
function atOnce<T>(
  value: MaybePromise<T>,
  name: string,
  advice = 'only `for await` over a client waits for one',
): T {
  if (!isPromise(value)) return value;
  quiet(value);
  throw new TypeError(`\`${name}\` returned a promise: ${advice}`);
}

const AT_ONCE = 'its answer is needed at once';
const AWAITED = 'only `for await` over json({schema}) or jsonLines() waits for one';

// ── 2. Events ─────────────────────────────────────────────────────────────────────────────────

/** The type of an event whose stream names none (specification: dispatch the event, step 5). */
const DEFAULT_TYPE = 'message';

export interface SSEEvent {
  /** The event type; `"message"` unless the stream named one. */
  readonly event: string;
  /** The data lines, joined with `"\n"`. */
  readonly data: string;
  /** The last event ID string as of this event: it persists until changed; `""` = none. */
  readonly id: string;
  /** The reconnection time in force, milliseconds; it persists too; undefined = never sent. */
  readonly retry: number | undefined;
}

/** One event, as the stream sent it. Immutable. */
export class SSEEvent {
  constructor(event: string = DEFAULT_TYPE, data = '', id = '', retry?: number) {
    // Declared above: a field in the class would be defined first, then set, and not every compiler
    // takes `declare`.
    const fields: {-readonly [Name in keyof SSEEvent]: SSEEvent[Name]} = this;
    fields.event = event;
    fields.data = data;
    fields.id = id;
    fields.retry = retry;
  }

  /**
   * `JSON.parse(data)`, or what the schema makes of that. Throws SSEError `json`, with the
   * SyntaxError as its `cause` or the schema's `issues`; TypeError for a schema that is none, or
   * an asynchronous one, which only `for await` over `json({schema})` waits for.
   */
  json<Schema extends SchemaLike>(schema: Schema): OutputOf<Schema>;
  json<T = unknown>(): T;
  json<T>(schema?: SchemaLike<T>): T {
    const text = textOf(this);
    const value = parseJSON<T>(text);
    if (schema === undefined) return value;
    return fitting(atOnce(validate(value, schema), 'schema', AWAITED), text);
  }
}

function textOf({event, data}: SSEEvent): JSONText {
  return {text: data, where: () => `Data of event ${quoted(event)}`};
}

/** An event whose type tells what its data is. */
export interface TypedEvent<Type extends string, Data> extends SSEEvent {
  readonly event: Type;
  json(): Data;
  json<T>(): T;
  json<Schema extends SchemaLike>(schema: Schema): OutputOf<Schema>;
}

/**
 * The events of a stream, by an interface whose members are event types and what their JSON is:
 * `interface Orders {order: Order; paid: Payment}`. A comparison with `event.event` narrows it.
 */
export type SSEEventOf<Events> = unknown extends Events
  ? SSEEvent
  : {[Type in keyof Events & string]: TypedEvent<Type, Events[Type]>}[keyof Events & string];

type DataOf<Event> = Event extends TypedEvent<string, infer Data> ? Data : unknown;

/**
 * A schema of zod, valibot, arktype or another library, as far as it is needed: Standard Schema v1
 * (standardschema.dev).
 */
export interface SchemaLike<Output = unknown> {
  readonly '~standard': {
    readonly validate: (value: unknown) => MaybePromise<SchemaResult<Output>>;
    readonly types?: {readonly output: Output} | undefined;
  };
}

type SchemaResult<Output> =
  | {readonly value: Output; readonly issues?: undefined}
  | {readonly issues: readonly SchemaIssue[]};

/** Result of a schema for a value. */
export type OutputOf<Schema extends SchemaLike> = NonNullable<
  Schema['~standard']['types']
>['output'];

/** A text that should be JSON, and how a message calls it. */
interface JSONText {
  readonly text: string;
  readonly where: () => string;
}

function parseJSON<T>({text, where}: JSONText): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SSEError('json', `${where()} is not JSON: ${quoted(text)}`, cause);
  }
}

function validate<T>(value: unknown, schema: SchemaLike<T>): MaybePromise<SchemaResult<T>> {
  mustBeSchema(schema);
  return schema['~standard'].validate(value);
}

function mustBeSchema(schema: unknown): void {
  const {validate: check} = Object(Object(schema)['~standard']);
  const isOne = schema === undefined || typeof check === 'function';
  must(isOne, 'schema must be a Standard Schema (zod, valibot, arktype)');
}

/** The value that the schema gives, or SSEError `json` with its issues. */
function fitting<T>(result: SchemaResult<T>, {text, where}: JSONText): T {
  const {issues = []} = result;
  if ('value' in result && !result.issues) return result.value;
  const [first, ...others] = issues.map(({message, path = []}) => {
    const keys = path.map((part) => String(isObject(part) ? part.key : part)).join('.');
    return printable(keys && `${keys}: `) + printable(message);
  });
  const more = others.length ? ` (and ${others.length} more)` : '';
  const message = `${where()} does not fit its schema: ${first}${more}: ${quoted(text)}`;
  throw Object.assign(new SSEError('json', message), {issues});
}

/** Argument of `formatEvent`. An `SSEEvent` fits. */
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

/** Chunks below this many bytes are gathered up to a line end: each decoding has a fixed price. */
const SMALL = 16;
const GATHERED = 256;

const LF = 10;
const CR = 13;

const NO_BYTES: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** Gathering needs it for a moment: thousands of silent parsers keep none each. */
let spare: Uint8Array | undefined;

/** Chunks to text: UTF-8 cut anywhere, invalid bytes as U+FFFD, less one leading BOM. */
class StreamDecoder {
  #streaming: InstanceType<typeof TextDecoder> | undefined;
  /**
   * 0: no sequence is open, and ASCII is likely. A decoder that need not remember makes text of it
   * several times faster (Node 20: V8 does it alone), and text of one byte a character.
   */
  #wide = 0;
  #atStart = true;
  #gathered = NO_BYTES;
  #size = 0;

  /** Text that comes next is taken as it is. */
  get isPlain(): boolean {
    return !this.#atStart && !this.#wide && !this.#size;
  }

  /** Up to `held` bytes that end no line may be kept until more comes. */
  decode(chunk: Chunk, held = 0): string {
    if (chunk === '') return '';
    let text: string;
    if (typeof chunk === 'string') {
      if (this.isPlain) return chunk;
      text = this.#gatheredText();
      if (this.#wide) text += this.#streaming?.decode() ?? ''; // the end of what bytes left open
      this.#wide = 0;
      text += chunk;
    } else {
      const bytes = bytesOf(chunk);
      if (bytes.length < SMALL && !this.#gather(bytes, held)) return '';
      text = this.#gatheredText();
      if (bytes.length >= SMALL) text += this.#textOf(bytes);
    }
    if (!this.#atStart || !text) return text;
    this.#atStart = false;
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text; // "parse an event stream"
  }

  /** Text that is kept; a sequence may still be open. */
  flush(): string {
    return this.decode(NO_BYTES);
  }

  /** The same at the end, where a sequence that is still open is U+FFFD. */
  end(): string {
    const text = this.flush();
    const open = this.#wide ? this.#streaming?.decode() : '';
    this.#wide = 0;
    return text + (open ?? '');
  }

  /** Put a small chunk to those before it. True: it is time to decode them. */
  #gather(bytes: Uint8Array, held: number): boolean {
    if (!this.#size) {
      this.#gathered = spare ?? new Uint8Array(GATHERED);
      spare = undefined;
    }
    const gathered = this.#gathered;
    const {length} = bytes;
    let size = this.#size;
    let hasEnd = false;
    for (let at = 0; at < length; at++) {
      const byte = (gathered[size++] = bytes[at] ?? 0);
      if (byte === LF || byte === CR) hasEnd = true;
    }
    this.#size = size;
    return hasEnd || size > GATHERED - SMALL || size >= held;
  }

  #gatheredText(): string {
    if (!this.#size) return '';
    const text = this.#textOf(this.#gathered.subarray(0, this.#size));
    spare = this.#gathered;
    this.#gathered = NO_BYTES;
    this.#size = 0;
    return text;
  }

  #textOf(bytes: Uint8Array): string {
    const {length} = bytes;
    const endsOpen = (bytes[length - 1] ?? 0) > 0x7f;
    let text: string;
    if (this.#wide || endsOpen) {
      text = (this.#streaming ??= newDecoder()).decode(bytes, {stream: true});
      this.#wide = endsOpen || text.length < length ? WIDE : this.#wide - 1;
    } else {
      text = (oneShot ??= newDecoder()).decode(bytes);
      if (text.length < length) this.#wide = WIDE;
    }
    return text;
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
  readonly onComment?: ((text: string) => unknown) | undefined;
  /** Gets each line that means nothing, and why. */
  readonly onIgnored?: ((line: string, reason: IgnoredReason) => unknown) | undefined;
  /**
   * Fate of an event whose blank line is missing where the stream ends cleanly. `discard`, the
   * default, drops it as the specification says; `dispatch` delivers it. A client that reconnects
   * takes no `dispatch`: the next connection brings the event again, whole.
   */
  readonly incomplete?: 'discard' | 'dispatch' | undefined;
}

/**
 * Why a line means nothing: its field is none of the specification's; a `retry` is not made of
 * digits; an `id` holds NUL; the stream ended before the blank line that would have made an event
 * of it (not of a bare EventParser, which sees no end).
 */
export type IgnoredReason = 'unknown-field' | 'invalid-retry' | 'id-with-null' | 'incomplete';

const MAX_EVENT_SIZE = 64 * 2 ** 20;

const PARSE_DEFAULTS: ParseOptions = {
  lastEventId: '',
  retry: undefined,
  maxEventSize: MAX_EVENT_SIZE,
  onComment: undefined,
  onIgnored: undefined,
  incomplete: 'discard',
};

/** Specification: "if the field value consists of only ASCII digits"; all browsers want one. */
const ASCII_DIGITS = /^[0-9]+$/;
const RETRY = /^retry(:|$) ?(.*)$/s;

const SPACE = 32;
const COLON = 58;

/** Bytes decoded at a time: what is decoded, scanned and sliced stays in the processor's cache. */
const WINDOW = 65_536;

/**
 * The parser in pull form. It parses no further than the event asked for: `lastEventId` and `retry`
 * are always those of the last event handed out.
 */
class PullParser {
  readonly #decoder = new StreamDecoder();
  readonly #onComment: ParseOptions['onComment'];
  readonly #onIgnored: ParseOptions['onIgnored'];
  readonly #maxEventSize: number;
  readonly #dispatchesIncomplete: boolean;

  // What was written and is not parsed yet: the text at hand, text after it, bytes after that.
  #text = '';
  #position = 0;
  #rest = '';
  #bytes = NO_BYTES;
  /** Nearest one of each in #text, at or after #position; its length: none is left. */
  #lf = 0;
  #cr = 0;
  /** The last text ended with a CR: a LF that comes next belongs to it. */
  #skipLF = false;
  readonly #unfinishedLine = new Rope();

  // The block at hand. Its data; undefined: it has none.
  #data: string | undefined;
  /** Data lines before #data, if there are many. */
  readonly #longData = new Rope();
  #type = DEFAULT_TYPE;
  /** Its id; it counts from the next blank line on. */
  #newId: string | undefined;
  #lastEventId: string;
  /** An id is a part of #text, and would keep it alive. */
  #isCut = false;
  #retry: number | undefined;

  /** Nothing is left of what was written, and no line is open: the next is taken as it is. */
  #isAtLine = false;
  /** The event that a line by itself has completed: it comes first. */
  #ready: SSEEvent | undefined;
  /** Error that ended it: after the limit, more cannot be told from the rest of that event. */
  #failure: unknown;

  /** Throws RangeError for a wrong `maxEventSize`, TypeError for an unknown option. */
  constructor(options: ParseOptions = {}) {
    const {
      lastEventId = '',
      retry,
      maxEventSize: max = 0,
      onComment,
      onIgnored,
      incomplete = 'discard',
    } = settings(options, PARSE_DEFAULTS);
    must(/^(?:discard|dispatch)$/.test(incomplete), "incomplete must be 'discard' or 'dispatch'");
    this.#dispatchesIncomplete = incomplete === 'dispatch';
    this.#onComment = onComment;
    this.#onIgnored = onIgnored;
    this.#maxEventSize = max;
    mustBeSize(max);
    this.#lastEventId = lastEventId;
    this.#retry = retry;
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
    this.#isAtLine = false;
    if (this.#bytes.length) this.#rest += this.#decode(this.#bytes); // written twice
    const isText = typeof chunk === 'string';
    this.#bytes = isText ? NO_BYTES : bytesOf(chunk);
    if (isText) this.#rest += this.#decode(chunk);
  }

  /**
   * Take one line, with or without its end; one that has an end may hold several. Then call
   * `next()` until it returns undefined.
   */
  writeLine(line: Chunk): void {
    this.#ready = this.addLine(line);
  }

  /** `writeLine()` and the first `next()` in one. */
  addLine(line: Chunk): SSEEvent | undefined {
    must(typeof line === 'string', 'A line must be a string: chunks are for EventSource.from()');
    if (this.#isPlain(line)) return this.#line(line);
    this.write(line.replace(/\r?\n$|\r$/, '') + '\r\n'); // after a CR, LF alone would be its end
    return this.next();
  }

  #isPlain(line: string): boolean {
    if (!this.#isAtLine || this.#ready) return false;
    return !line || !isEnd(line.charCodeAt(line.length - 1));
  }

  /** Returns one event, or undefined when all that was written is used up. */
  next(): SSEEvent | undefined {
    if (this.#text && !this.#ready) {
      const event = this.#scanText();
      if (event) return event;
    } else if (this.#isAtLine && !this.#ready) return undefined;
    return this.scan();
  }

  #decode(chunk: Chunk): string {
    return this.#decoder.decode(chunk, this.#room);
  }

  /** Code units that the event at hand may still have. */
  get #room(): number {
    return this.#maxEventSize - this.#size - this.#unfinishedLine.length;
  }

  /** Code units of the block at hand, its unfinished line not counted. */
  get #size(): number {
    const type = this.#type === DEFAULT_TYPE ? 0 : this.#type.length;
    return (this.#data?.length ?? 0) + this.#longData.length + type + (this.#newId?.length ?? 0);
  }

  /** Goes on to another piece of text, from the beginning of a line. False: there is none. */
  #refill(): boolean {
    if (this.#failure) throw this.#failure;
    let text = this.#rest;
    this.#rest = '';
    while (!text) {
      const bytes = this.#bytes;
      if (!bytes.length) return false;
      const isLong = bytes.length > WINDOW;
      this.#bytes = isLong ? bytes.subarray(WINDOW) : NO_BYTES;
      text = this.#decode(isLong ? bytes.subarray(0, WINDOW) : bytes);
    }
    const room = Math.max(1, this.#room);
    if (text.length > room) {
      // so that nothing in it is too long: the hot loop measures nothing
      this.#rest = text.slice(room);
      text = text.slice(0, room);
    }
    this.#text = text;
    this.#position = this.#skipLF && text.charCodeAt(0) === LF ? 1 : 0;
    this.#skipLF = false;
    this.#lf = indexIn(text, '\n', this.#position);
    this.#cr = indexIn(text, '\r', this.#position);
    if (this.#unfinishedLine.length) this.#finishLine(text, Math.min(this.#lf, this.#cr));
    return true;
  }

  /** The line that earlier chunks began, apart from the rest of this one: no copy of all of it. */
  #finishLine(text: string, end: number): void {
    const {length} = text;
    if (end === length) return;
    const line = this.#unfinishedLine.drain() + text.slice(this.#position, end);
    const start = (this.#position = this.#after(text, end));
    if (start === length) this.#text = '';
    this.#ready = this.#line(line);
  }

  /** Returns one event; with `onEvent`, hands over all of them. */
  protected scan(onEvent?: (event: SSEEvent) => void): SSEEvent | undefined {
    while (this.#ready || this.#text || this.#refill()) {
      const event = this.#ready ?? this.#scanText(onEvent);
      this.#ready = undefined;
      if (event && !onEvent) return event;
      if (event) onEvent?.(event);
    }
    this.#isAtLine = !this.#skipLF && !this.#unfinishedLine.length && this.#decoder.isPlain;
    return undefined;
  }

  /**
   * Returns one event of the text at hand; with `onEvent`, hands over all of them, unless it feeds
   * this parser: then the rest comes later. The hot loop: a round is a line, or an event of one
   * line. Rare steps are in other methods, so that engines put the frequent parts together (bench/
   * has the figures).
   */
  #scanText(onEvent?: (event: SSEEvent) => void): SSEEvent | undefined {
    const text = this.#text;
    const {length} = text;
    let start = this.#position;
    let lf = this.#lf;
    let cr = this.#cr;
    let data = this.#data;
    let type = this.#type;
    this.#data = undefined; // while it is here
    if (type !== DEFAULT_TYPE) this.#type = DEFAULT_TYPE;
    while (start < length) {
      // "parsing an event stream": CRLF, LF and CR each end one line
      if (lf < start) lf = indexIn(text, '\n', start);
      let end = lf;
      let after = lf + 1;
      if (cr <= lf) {
        if (cr < start) cr = indexIn(text, '\r', start);
        if (cr < lf) {
          end = cr;
          after = this.#after(text, cr);
        } else if (lf === length) break;
      }
      let value: string;
      if (isData(text, start, end)) {
        value = text.slice(afterColon(text, start + 4, end), end);
        if (data !== undefined || after === length || !isEnd(text.charCodeAt(after))) {
          data = data === undefined ? value : this.#added(data, value);
          start = after;
          continue;
        }
        after = this.#after(text, after); // the usual event: one line of data, and the blank one
      } else if (start === end) {
        if (data === undefined) {
          type = DEFAULT_TYPE;
          this.#commit();
          start = after;
          continue;
        }
        value = this.#whole(data);
        data = undefined;
      } else {
        let tell: (() => void) | undefined;
        if (isEvent(text, start, end)) type = typeIn(text, start, end);
        else if (this.#onComment || text.charCodeAt(start) !== COLON) {
          tell = this.#other(text, start, end);
        }
        start = after;
        if (!tell) continue;
        this.#save(start, lf, cr);
        this.#data = data;
        this.#type = type;
        tell();
        return undefined; // it may have fed this parser
      }
      start = after;
      this.#save(start, lf, cr);
      const event = this.#event(type, value);
      if (!onEvent) return event;
      type = DEFAULT_TYPE;
      onEvent(event);
      if (this.#position !== start || this.#text !== text) return undefined; // it has fed this one
    }
    this.#text = '';
    this.#data = data;
    this.#type = type;
    if (this.#isCut) this.#detach();
    if (start < length) this.#keep(text.slice(start));
    return undefined;
  }

  #save(position: number, lf: number, cr: number): void {
    this.#position = position;
    this.#lf = lf;
    this.#cr = cr;
  }

  /** One line by itself: the rules of the hot loop once more, without its shortcuts. */
  #line(line: string): SSEEvent | undefined {
    const end = line.length;
    // empty first: engines that once looked past a text's end are slower ever after
    if (!end) return this.#blank();
    this.#measure(end);
    if (isData(line, 0, end)) {
      const value = line.slice(afterColon(line, 4, end), end);
      const data = this.#data;
      this.#data = data === undefined ? value : this.#added(data, value);
    } else if (isEvent(line, 0, end)) this.#type = typeIn(line, 0, end);
    else this.#other(line, 0, end)?.();
    return undefined;
  }

  #blank(): SSEEvent | undefined {
    const data = this.#data;
    const type = this.#type;
    this.#data = undefined;
    this.#type = DEFAULT_TYPE;
    if (data !== undefined) return this.#event(type, this.#whole(data));
    this.#commit();
    return undefined;
  }

  /** Finds the beginning of the line after the end of line that begins there. */
  #after(text: string, end: number): number {
    const after = end + 1;
    if (text.charCodeAt(end) === LF) return after;
    if (after < text.length) return text.charCodeAt(after) === LF ? after + 1 : after;
    this.#skipLF = true;
    return after;
  }

  /** The id counts from a blank line on, also without data. */
  #commit(): void {
    if (this.#newId === undefined) return;
    this.#lastEventId = this.#newId;
    this.#newId = undefined;
  }

  /** "Dispatch the event". */
  #event(type: string, data: string): SSEEvent {
    this.#commit();
    return new SSEEvent(type, data, this.#lastEventId, this.#retry);
  }

  /** All data of the block, of which this is the end. */
  #whole(data: string): string {
    return this.#longData.length ? this.#longData.drain() + data : data;
  }

  /** The data with one more line. */
  #added(data: string, line: string): string {
    data += '\n' + line;
    if (data.length <= JOIN) return data;
    this.#longData.add(data);
    return '';
  }

  /** The text is used up; this is left of it, the beginning of a line. */
  #keep(part: string): void {
    this.#unfinishedLine.add(part);
    this.#measure(this.#unfinishedLine.length);
  }

  /** An id of a text that is used up: what is kept must not keep that. */
  #detach(): void {
    this.#isCut = false;
    this.#lastEventId = detached(this.#lastEventId);
    this.#newId &&= detached(this.#newId);
  }

  /** Lines count with their field names, so that the verdict is the same however they are cut. */
  #measure(line: number): void {
    const size = line + this.#size;
    if (size <= this.#maxEventSize) return;
    this.#text = this.#rest = '';
    this.#bytes = NO_BYTES;
    this.#isAtLine = false;
    this.#data = undefined;
    this.#unfinishedLine.drain();
    this.#longData.drain();
    throw (this.#failure = tooLarge('An event', size, this.#maxEventSize));
  }

  /** A line that is none of the frequent ones, text[start, end): who is to be told of it. */
  #other(text: string, start: number, end: number): (() => void) | undefined {
    const onComment = this.#onComment;
    if (text.charCodeAt(start) === COLON) {
      if (!onComment) return undefined;
      const comment = text.slice(afterColon(text, start, end), end);
      return () => void atOnce(onComment(comment), 'onComment');
    }
    const reason = this.#field(text, start, end);
    if (!reason || !this.#onIgnored) return undefined;
    const line = text.slice(start, end);
    return () => this.#ignored(line, reason);
  }

  #field(text: string, start: number, end: number): IgnoredReason | undefined {
    if (isId(text, start, end)) {
      const id = text.slice(afterColon(text, start + 2, end), end);
      if (id.includes('\0')) return 'id-with-null';
      this.#newId = id;
      this.#isCut = true;
      return undefined;
    }
    const [, colon, digits = ''] = RETRY.exec(text.slice(start, end)) ?? [];
    if (colon === undefined) return 'unknown-field';
    if (!ASCII_DIGITS.test(digits)) return 'invalid-retry';
    // beyond 2⁵³ a number has no decimal form of its own; what waits clamps it anyway
    this.#retry = Math.min(+digits, Number.MAX_SAFE_INTEGER);
    return undefined;
  }

  #ignored(line: string, reason: IgnoredReason): void {
    atOnce(this.#onIgnored?.(line, reason), 'onIgnored');
  }

  /**
   * The stream has ended cleanly: what it has left unfinished is an event, which next() gives, or
   * none, of which `onIgnored` is told.
   */
  end(): void {
    if (!this.#onIgnored && !this.#dispatchesIncomplete) return;
    const decoder = this.#decoder;
    this.#rest += this.#decode(this.#bytes);
    // what is not dispatched has no end, and so no larger size for it
    this.#rest += this.#dispatchesIncomplete ? decoder.end() : decoder.flush();
    this.#bytes = NO_BYTES;
    this.scan();
    if (this.#dispatchesIncomplete) {
      if (this.#unfinishedLine.length) this.#line(this.#unfinishedLine.drain());
      this.#ready = this.#blank();
    } else this.#tellUnfinished();
  }

  #tellUnfinished(): void {
    const data = this.#data === undefined ? undefined : this.#whole(this.#data);
    const lines = [
      ...(this.#type === DEFAULT_TYPE ? [] : [`event: ${this.#type}`]),
      ...(this.#newId === undefined ? [] : [`id: ${this.#newId}`]),
      ...(data === undefined ? [] : data.split('\n').map((line) => `data: ${line}`)),
      ...(this.#unfinishedLine.length ? [this.#unfinishedLine.drain()] : []),
    ];
    for (const line of lines) this.#ignored(line, 'incomplete');
  }
}

/** The parser: what PullParser has, and `feed`, which pushes. */
export class EventParser extends PullParser {
  /** Error that a feed() with whole events to return still owes its caller. */
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
    return this.addLine(line);
  }
}

function mustBeSize(max: number): void {
  must(
    typeof max === 'number' && max >= 1,
    `maxEventSize must be a number from 1, got ${max}`,
    RangeError,
  );
}

function tooLarge(what: string, size: number, max: number): Error {
  return new SSEError('limit', `${what} of ${size} code units or more: maxEventSize is ${max}`);
}

function isOneLine(text: string): boolean {
  const end = Math.min(indexIn(text, '\n', 0), indexIn(text, '\r', 0));
  return end >= text.length - 1 || text.slice(end) === '\r\n';
}

/** Finds the nearest such character; the text's length if there is none. */
function indexIn(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from);
  return at < 0 ? text.length : at;
}

// The frequent names. V8 compares up to three characters itself, and calls a function for more.

function isData(text: string, start: number, end: number): boolean {
  return (
    text.charCodeAt(start) === 0x64
    && text.startsWith('ata', start + 1)
    && (end === start + 4 || text.charCodeAt(start + 4) === COLON)
  );
}

function isEvent(text: string, start: number, end: number): boolean {
  return (
    text.charCodeAt(start) === 0x65
    && text.startsWith('ven', start + 1)
    && text.charCodeAt(start + 4) === 0x74
    && (end === start + 5 || text.charCodeAt(start + 5) === COLON)
  );
}

/** The type that this line gives. */
function typeIn(text: string, start: number, end: number): string {
  return text.slice(afterColon(text, start + 5, end), end) || DEFAULT_TYPE;
}

function isId(text: string, start: number, end: number): boolean {
  return (
    text.startsWith('id', start) && (end === start + 2 || text.charCodeAt(start + 2) === COLON)
  );
}

function isEnd(code: number): boolean {
  return code === LF || code === CR;
}

/** "If value starts with a U+0020 SPACE character, remove it": one, and no other. */
function afterColon(text: string, colon: number, end: number): number {
  return colon + 1 < end && text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
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

/** Longest wait of a loop's end for its source to let go, ms: sockets take a few. */
const CLOSE_LIMIT = 1000;

/** A step that a script wants to be done before it goes on. */
interface Operation<Result = unknown> {
  /** As the TypeError for a promise in a blocking loop calls it. */
  readonly name: string;
  /** Begins it. In a blocking loop, where no timer can fire, it keeps to the limit by itself. */
  readonly work: (limit: number) => MaybePromise<Result>;
  /** The longest wait, ms; 0 and Infinity: no limit. */
  readonly limit: number;
  /**
   * Message of a wait that was too long. Where there is one, that and every failure is a loss that
   * another attempt may make good; without it, the operation just ends.
   */
  readonly late?: string | undefined;
  /** Party that may end the wait, by interrupting it. */
  readonly owner?: Interruptible | undefined;
  /** Its outcome; undefined where it ended without. */
  result: Result | undefined;
}

interface Interruptible {
  /** Then there is nothing to wait for, and no work begins. */
  readonly isClosed: boolean;
  /** The wait that is on, which may be interrupted. */
  wait: Wait | undefined;
}

function newOwner(): Interruptible {
  return {isClosed: false, wait: undefined};
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

/** Source of the things that a loop hands out. */
interface Supply<T> {
  /** Returns one, as far as nothing is to be waited for; undefined: nothing is left. */
  take(mayRead?: boolean): T | undefined;
  /** Script that gets more. */
  readonly script: Script;
  /** Operation that the script has asked for, to be done when nothing is at hand any more. */
  asked: Operation | undefined;
  /** Promise to be waited for before another take(), if there is one. */
  readonly owed?: () => Operation | undefined;
  /** For what the loop waits for beside the script. */
  readonly owner: Interruptible;
  /** Somebody has ended it from outside: nothing is to be handed out any more. */
  readonly isLost?: () => boolean;
  /** May be called more than once. */
  close(): MaybePromise<unknown>;
}

/** Waits for the work, the limit or an interruption, whichever comes first. */
function performed(asked: Operation, owner: Interruptible): Promise<void> {
  return new Promise((resolve, reject) => new Wait(asked, owner, resolve, reject).begin());
}

/** A wait that is on. No closures: thousands of idle clients have one each. */
class Wait {
  readonly #asked: Operation;
  readonly #owner: Interruptible;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #timer: unknown;

  constructor(
    asked: Operation,
    owner: Interruptible,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#asked = asked;
    this.#owner = owner;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const {limit, work} = this.#asked;
    this.#owner.wait = this;
    // A process that was busy, or stopped, has not looked at its sockets yet: it gets one turn.
    if (limit > 0 && limit < Infinity) this.#in(Math.min(limit, MAX_DELAY), () => this.#due());
    try {
      const result = work(limit);
      if (!isPromise(result)) this.#succeed(result);
      else {
        result.then(
          (value) => this.#succeed(value),
          (error: unknown) => this.#lose(error),
        );
      }
    } catch (error) {
      this.#lose(error);
    }
  }

  interrupt(): void {
    if (this.#isFirst()) this.#resolve();
  }

  #in(ms: number, run: () => void): void {
    this.#timer = setTimeout(run, ms);
  }

  #due(): void {
    this.#in(0, () => this.#expire());
  }

  #expire(): void {
    const {late} = this.#asked;
    if (late) this.#lose(new SSEError('timeout', late));
    else this.interrupt();
  }

  #isFirst(): boolean {
    clearTimeout(this.#timer);
    if (this.#owner.wait !== this) return false;
    this.#owner.wait = undefined;
    return true;
  }

  #succeed(result: unknown): void {
    if (!this.#isFirst()) return;
    this.#asked.result = result;
    this.#resolve();
  }

  #lose(error: unknown): void {
    if (this.#isFirst()) this.#reject(error);
  }
}

/** A call of next() that cannot be answered now, and harms no loop. */
class Reentry extends TypeError {}

function within(what = 'itself'): string {
  const shown = what === 'itself' ? what : `\`${what}\``;
  return `next() must not be called from within ${shown}`;
}

/** The runner that blocks. */
class BlockingLoop<T> implements IterableIterator<T> {
  readonly #supply: Supply<T>;
  #isOver = false;
  /** Number of operations begun: an observer that calls next() goes on with the script. */
  #turns = 0;
  /** Name, for messages, of the work whose result the script cannot do without. */
  #working: string | undefined;

  constructor(supply: Supply<T>) {
    this.#supply = supply;
  }

  next(): IteratorResult<T, undefined> {
    try {
      let value = this.#isOver ? undefined : this.#taken();
      if (value === undefined && !this.#isOver) value = this.#run(); // null is a value of JSON's
      if (value !== undefined) return {done: false, value};
    } catch (error) {
      try {
        if (!(error instanceof Reentry)) this.return();
      } catch {
        // the first error is the one to tell
      }
      throw error;
    }
    return this.return();
  }

  #taken(): T | undefined {
    if (this.#working) throw new Reentry(within(this.#working));
    this.#working = 'itself';
    try {
      return this.#supply.take();
    } finally {
      this.#working = undefined;
    }
  }

  /** Nothing is at hand: gets more. */
  #run(): T | undefined {
    const supply = this.#supply;
    for (;;) {
      const asked = supply.asked ?? this.#resumed();
      if (!asked) return undefined;
      supply.asked = asked.result = undefined;
      const turn = ++this.#turns;
      let result: unknown;
      let failure: {readonly error: unknown} | undefined;
      try {
        if (!asked.owner?.isClosed) result = this.#work(asked);
      } catch (error) {
        if (turn !== this.#turns) throw error;
        failure = {error};
      }
      if (turn === this.#turns) {
        if (!failure) asked.result = atOnce(result, asked.name);
        supply.asked = this.#resumed(failure);
      }
      const value = this.#taken();
      if (value !== undefined) return value;
    }
  }

  /** The script decides by itself, too, and asks functions of the user's (`random`) for that. */
  #resumed(failure?: {readonly error: unknown}): Operation | undefined {
    const {script} = this.#supply;
    this.#working = 'itself';
    try {
      return askedIn(failure ? script.throw(failure.error) : script.next());
    } finally {
      this.#working = undefined;
    }
  }

  #work({name, work, limit}: Operation): unknown {
    this.#working = name.startsWith('on') ? undefined : name;
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
  #last: Promise<unknown> | undefined = Promise.resolve();

  constructor(supply: Supply<T>) {
    this.#supply = supply;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#waiting && !this.#isOver) {
      this.#waiting++; // what calls next() from within has its turn after this
      try {
        const value = this.#supply.take();
        if (value !== undefined) return Promise.resolve({done: false, value});
      } catch (error) {
        return this.return().then(() => Promise.reject(error));
      } finally {
        this.#waiting--;
      }
    }
    if (this.#waiting && !this.#last) {
      return Promise.reject(new TypeError(within()));
    }
    const last = this.#waiting++ ? this.#last : undefined;
    this.#last = undefined; // until it has begun: what it calls at once cannot wait for it
    const run = () => this.#run();
    const answer = last ? this.#inTurn(last.then(run, run)) : run();
    this.#last = answer;
    return answer;
  }

  /** Answers come in the order of their calls: one that had to wait takes a few microtasks more. */
  #inTurn(answer: Promise<IteratorResult<T, undefined>>): typeof answer {
    const isHere = (): void => void this.#waiting--;
    this.#waiting++;
    void answer.then(isHere, isHere);
    return answer;
  }

  async #run(): Promise<IteratorResult<T, undefined>> {
    const supply = this.#supply;
    const {script} = supply;
    try {
      while (!this.#isOver) {
        const value = supply.take();
        if (value !== undefined) return {done: false, value};
        const owed = supply.owed?.();
        if (owed?.owner) {
          await performed(owed, owed.owner);
          continue;
        }
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
    this.#supply.owner.wait?.interrupt();
    await released(() => this.#supply.close());
    return {done: true, value: undefined};
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
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

/** A read; `seen`: it counts once that has settled (the sink of `record`). */
type Part = ReadResult & {readonly seen?: MaybePromise<unknown>};

/** Origin of a stream's chunks. */
export type BlockingBody = Chunk | Iterable<Chunk> | null | undefined;
export type Body = BlockingBody | AsyncIterable<Chunk> | ReadableStreamLike;

/** A `Blob`, a file of Bun's, and what else gives its stream when it is asked. */
export interface BlobLike {
  stream(): ReadableStreamLike;
}

type Source = Body | ResponseLike | BlobLike;

/** A `Response`, as far as it is needed. */
export interface ResponseLike {
  readonly body: Body;
  readonly status?: number | undefined;
  /** As Node and undici call it. */
  readonly statusCode?: number | undefined;
  readonly url?: string | undefined;
  /** Absent: the content type is not checked. */
  readonly headers?: HeadersLike | PlainHeaders | undefined;
}

/** Headers as a plain object, as Node has them. */
export type PlainHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A response as the clients show it: its headers can always be asked. */
export interface SSEResponse {
  readonly status: number;
  readonly headers: HeadersLike;
  readonly body?: Body;
}

/** A body being read. */
interface Chunks<Result = Part | PromiseLike<Part>> {
  /** `limit`, ms, is for the blocking fetch's own, which have nobody else to keep to it. */
  next(limit?: number, late?: string): Result;
  return?(): unknown;
  /** A stream's `return()` settles also while a read is pending; a generator's waits for it. */
  readonly isStream?: boolean;
}

/** The events of a text, of lines or of a stream, for `for await … of`. */
export interface EventSource<Event extends SSEEvent = SSEEvent> extends AsyncIterable<Event> {
  /** Of the last event handed out: what to resume with, also after the loop. */
  readonly lastEventId: string;
  readonly retry: number | undefined;
  /**
   * The JSON values of the events, up to one whose data is `done` (default `"[DONE]"`; null: none
   * is); events with empty data are passed over. With `schema`, what that makes of each; an
   * asynchronous one is waited for. Throws SSEError `json`, in the blocking loop TypeError for a
   * promise.
   */
  json<Schema extends SchemaLike>(
    options: ValidatedJSONOptions<Schema>,
  ): AsyncIterable<OutputOf<Schema>>;
  json<T = DataOf<Event>>(options?: JSONOptions): AsyncIterable<T>;
  /**
   * The events in arrays of what is at hand at a time, 1 to 1,024 of them: one promise for many.
   * Those before an error come first. `lastEventId` is that of the last one.
   */
  batches(): AsyncIterable<Event[]>;
}

/** The events of a synchronous source, for `for … of` as well. */
export interface SyncEventSource<Event extends SSEEvent = SSEEvent>
  extends EventSource<Event>,
    Iterable<Event> {
  json<Schema extends SchemaLike>(
    options: ValidatedJSONOptions<Schema>,
  ): BothIterable<OutputOf<Schema>>;
  json<T = DataOf<Event>>(options?: JSONOptions): BothIterable<T>;
  batches(): BothIterable<Event[]>;
}

/** For both kinds of loop. */
export type BothIterable<T> = Iterable<T> & AsyncIterable<T>;

/** Options of `json()`. */
export interface JSONOptions {
  /** The data that ends the iteration and is no value. Default `"[DONE]"`; null: none. */
  readonly done?: string | null | undefined;
  /** Schema that each value must fit. An output of undefined is passed over. Default: none. */
  readonly schema?: undefined;
}

export interface ValidatedJSONOptions<Schema extends SchemaLike>
  extends Omit<JSONOptions, 'schema'> {
  readonly schema: Schema;
}

/** Either of them. */
interface AnyJSONOptions<T = unknown> {
  readonly done?: string | null | undefined;
  readonly schema?: SchemaLike<T> | undefined;
}

const JSON_DEFAULTS: AnyJSONOptions<never> = {done: '[DONE]', schema: undefined};

type Lines = string | Iterable<string> | AsyncIterable<string>;

interface EventSourceConstructor {
  new <Events = unknown>(
    lines: string | Iterable<string>,
    options?: ParseOptions,
  ): SyncEventSource<SSEEventOf<Events>>;
  new <Events = unknown>(lines: Lines, options?: ParseOptions): EventSource<SSEEventOf<Events>>;
  from<Events = unknown>(
    stream: Chunk | Iterable<Chunk>,
    options?: ParseOptions,
  ): SyncEventSource<SSEEventOf<Events>>;
  from<Events = unknown>(
    stream: AsyncIterable<Chunk> | Iterable<Chunk> | ReadableStreamLike | ResponseLike | BlobLike,
    options?: ParseOptions,
  ): EventSource<SSEEventOf<Events>>;
}

/**
 * Parses what is at hand; it connects to nothing. Each loop over it begins anew with what the
 * source gives then. Throws TypeError for what is no source (a URL, say); its loops throw
 * SSEError `limit`, and over a response SSEHTTPError and SSEError `content-type`.
 */
export const EventSource: EventSourceConstructor = class EventSource<
  Event extends SSEEvent = SSEEvent,
> {
  readonly #source: Source;
  readonly #options: ParseOptions;
  readonly #areLines: boolean;
  #parser: EventParser;

  constructor(source: Source, options: ParseOptions = {}, areChunks = false) {
    mustBeSource(source, 'EventSource', 'asyncConnect(url)');
    this.#source = source;
    this.#options = options;
    this.#areLines = !areChunks && typeof source !== 'string';
    this.#parser = new EventParser(options);
  }

  static from<Event extends SSEEvent>(stream: Source, options?: ParseOptions): EventSource<Event> {
    return new EventSource(stream, options, true);
  }

  get lastEventId(): string {
    return this.#parser.lastEventId;
  }

  get retry(): number | undefined {
    return this.#parser.retry;
  }

  [Symbol.iterator](): IterableIterator<Event>;
  [Symbol.iterator](): IterableIterator<SSEEvent> {
    return new BlockingLoop(this.#supply(false));
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Event>;
  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    return new AsyncLoop(this.#supply(true));
  }

  json<Schema extends SchemaLike>(
    options: ValidatedJSONOptions<Schema>,
  ): BothIterable<OutputOf<Schema>>;
  json<T = DataOf<Event>>(options?: JSONOptions): BothIterable<T>;
  json<T>(options?: AnyJSONOptions<T>): BothIterable<T> {
    return bothLoops((waits) => this.#supply(waits), jsonFrom(options));
  }

  batches(): BothIterable<Event[]>;
  batches(): BothIterable<SSEEvent[]> {
    return bothLoops((waits) => this.#supply(waits), inBatches);
  }

  #supply(waits: boolean): Reading<SSEEvent> {
    return new Reading(this.#areLines, () => {
      this.#parser = new EventParser(this.#options);
      return {parser: this.#parser, chunks: chunksFor(waits, bodyOf(this.#source))};
    });
  }
};

/** Makes what a loop hands out from something else; `waits`: for a loop that can wait. */
type Make<R, T> = (records: Supply<R>, waits: boolean) => Supply<T>;

function bothLoops<R, T>(read: (waits: boolean) => Supply<R>, make: Make<R, T>): BothIterable<T> {
  return {
    [Symbol.iterator]: () => new BlockingLoop(make(read(false), false)),
    [Symbol.asyncIterator]: () => new AsyncLoop(make(read(true), true)),
  };
}

function chunksFor(waits: boolean, body: Body): Chunks {
  return waits ? chunksOf(body) : blockingChunksOf(body);
}

function mustBeSource(source: unknown, who: string, connects: string): void {
  must(
    typeof source === 'string' ? !/^https?:\/\/\S*$/i.test(source) : isSource(source),
    `${who} parses a text,`
      + ` lines or a stream; await a promise first, give a URL to ${connects}`,
  );
}

/** Chunks to records, in pull form. */
interface Parser<T> {
  write(chunk: Chunk): void;
  addLine?(line: Chunk): T | undefined;
  next(): T | undefined;
  /** Nothing more comes; next() may have one more record for that. */
  end(): void;
}

/** Source and parser of a loop. */
interface Opened<T> {
  readonly parser: Parser<T>;
  readonly chunks: Chunks;
}

/** State of one loop over a source. Where nothing is waited for, take() needs no script. */
class Reading<T> implements Supply<T> {
  readonly script: Script = this.#wait();
  asked: Operation | undefined;
  readonly owner: Interruptible = newOwner();
  readonly #areLines: boolean;
  readonly #open: () => Opened<T>;
  #opened: Opened<T> | undefined;
  #isOver = false;
  /** Promise that is waited for, and its outcome. */
  #coming: PromiseLike<ReadResult> | undefined;
  #part: ReadResult | undefined;

  constructor(areLines: boolean, open: () => Opened<T>) {
    this.#areLines = areLines;
    this.#open = open;
  }

  take(mayRead = true): T | undefined {
    if (this.#isOver) return undefined;
    const {parser, chunks} = (this.#opened ??= this.#open());
    for (;;) {
      const item = parser.next();
      if (item || !mayRead || this.#coming || this.#isOver) return item;
      const part = this.#part ?? chunks.next();
      this.#part = undefined;
      if (!('done' in part) && isPromise(part)) {
        this.#coming = part;
        return undefined;
      }
      if (this.#isOver) return undefined; // reading it has ended the loop
      if (part.done) {
        this.#isOver = true;
        parser.end();
        return this.#opened && parser.next();
      }
      if (!this.#areLines || !parser.addLine) parser.write(part.value);
      else {
        const completed = parser.addLine(part.value);
        if (completed) return completed;
      }
    }
  }

  *#wait(): Script {
    const read = operation('source', () => this.#coming);
    for (;;) {
      yield read;
      this.#part = read.result;
      this.#coming = undefined;
      if (!this.#part) return;
    }
  }

  close(): unknown {
    const {chunks} = this.#opened ?? {};
    this.#isOver = true;
    this.#opened = undefined;
    return chunks?.return?.();
  }
}

/**
 * The JSON values of events, up to `done`. Those with blank data are pings (MCP, tRPC). Throws
 * TypeError for options that cannot be meant.
 */
function jsonFrom<T>(options: AnyJSONOptions<T> = {}): Make<SSEEvent, T> {
  const {done, schema} = settings<AnyJSONOptions<T>>(options, JSON_DEFAULTS);
  mustBeSchema(schema);
  return (events, waits) => {
    let isDone = false;
    const texts: Supply<JSONText> = {
      ...passedOn(events),
      take() {
        for (let event: SSEEvent | undefined; !isDone && (event = events.take()); ) {
          const data = event.data.trim();
          isDone = data === done?.trim();
          if (!isDone && data) return textOf(event);
        }
        if (isDone) values.asked = void events.script.return();
        return undefined;
      },
    };
    const values = asValues(texts, waits, schema);
    return values;
  };
}

/** The values of those texts, or what the schema makes of them. */
function asValues<T>(texts: Supply<JSONText>, waits: boolean, schema?: SchemaLike<T>): Supply<T> {
  let checking: Operation<() => T> | undefined;
  const take = (): T | undefined => {
    if (checking) {
      const fitted = checking.result;
      const isLost = texts.isLost?.();
      if (!fitted && !isLost) return undefined;
      checking = undefined;
      const value = isLost ? undefined : fitted?.();
      if (isLost || value !== undefined) return value;
    }
    for (let text: JSONText | undefined; (text = texts.take()); ) {
      const value = parseJSON<T>(text);
      if (!schema) return value;
      const result = validate(value, schema);
      if (waits && isPromise(result)) {
        const its = text;
        const fitted = quiet(Promise.resolve(result).then((each) => () => fitting(each, its)));
        checking = operation('schema', () => fitted, texts.owner);
        return undefined;
      }
      const output = fitting(atOnce(result, 'schema', AWAITED), text);
      if (output !== undefined) return output;
    }
    return undefined;
  };
  return {...passedOn(texts), take, owed: () => checking ?? texts.owed?.()};
}

/** Options of `jsonLines()`. */
export interface JSONLinesOptions {
  /** UTF-16 code units of one value; above it SSEError `limit`. 1 to Infinity; default 64 Mi. */
  readonly maxEventSize?: number | undefined;
  /** Schema that each value must fit. An output of undefined is passed over. Default: none. */
  readonly schema?: undefined;
}

export interface ValidatedJSONLinesOptions<Schema extends SchemaLike>
  extends Omit<JSONLinesOptions, 'schema'> {
  readonly schema: Schema;
}

/** Either of them. */
interface AnyJSONLinesOptions<T> {
  readonly maxEventSize?: number | undefined;
  readonly schema?: SchemaLike<T> | undefined;
}

const JSON_LINES_DEFAULTS: AnyJSONLinesOptions<never> = {
  maxEventSize: MAX_EVENT_SIZE,
  schema: undefined,
};

type SyncSource = Chunk | Iterable<Chunk>;

/**
 * The values of JSON Lines (NDJSON), or of a JSON text sequence (RFC 7464), where each begins with
 * a U+001E and may span lines, over what `EventSource.from` takes; which of the two it is, its
 * first character tells. Of a response the status is checked, and not the type, for which servers
 * have a dozen names. Blank lines are passed over. Throws TypeError for what is no source; its
 * loops throw SSEError `json` that names the line, `limit`, and over a response SSEHTTPError.
 */
export function jsonLines<Schema extends SchemaLike>(
  source: SyncSource,
  options: ValidatedJSONLinesOptions<Schema>,
): BothIterable<OutputOf<Schema>>;
export function jsonLines<Schema extends SchemaLike>(
  source: Source,
  options: ValidatedJSONLinesOptions<Schema>,
): AsyncIterable<OutputOf<Schema>>;
export function jsonLines<T = unknown>(
  source: SyncSource,
  options?: JSONLinesOptions,
): BothIterable<T>;
export function jsonLines<T = unknown>(
  source: Source,
  options?: JSONLinesOptions,
): AsyncIterable<T>;
export function jsonLines<T>(
  source: Source,
  options: AnyJSONLinesOptions<T> = {},
): BothIterable<T> {
  mustBeSource(source, 'jsonLines()', 'fetch(url)');
  const {schema, maxEventSize: max = 0} = settings<AnyJSONLinesOptions<T>>(
    options,
    JSON_LINES_DEFAULTS,
  );
  mustBeSize(max);
  mustBeSchema(schema);
  const read = (waits: boolean) => {
    const open = () => ({
      parser: new LineParser(max),
      chunks: chunksFor(waits, bodyOf(source, false)),
    });
    return new Reading(false, open);
  };
  return bothLoops(read, (texts, waits) => asValues(texts, waits, schema));
}

/** RFC 7464: it begins each text of a sequence. */
const RECORD_SEPARATOR = '\x1e';

/** Of these a cut leaves what is valid, too: RFC 7464 has white space after each. */
const CUTTABLE = /^\s*(?:-?\d\S*|true|false|null)$/;

/** Chunks to the texts of JSON Lines or of a JSON text sequence. Each is taken once all is read. */
class LineParser implements Parser<JSONText> {
  readonly #decoder = new StreamDecoder();
  readonly #max: number;
  readonly #unfinished = new Rope();
  #bytes = NO_BYTES;
  #text = '';
  #position = 0;
  /** It stands between two texts; undefined: nothing but white space has come. */
  #separator: string | undefined;
  /** Separators so far. */
  #count = 0;
  #isOver = false;

  constructor(maxEventSize: number) {
    this.#max = maxEventSize;
  }

  write(chunk: Chunk): void {
    const isText = typeof chunk === 'string';
    this.#bytes = isText ? NO_BYTES : bytesOf(chunk);
    this.#begin(isText ? this.#decoder.decode(chunk) : '');
  }

  end(): void {
    this.#begin(this.#decoder.end());
    this.#isOver = true;
  }

  next(): JSONText | undefined {
    while (this.#position < this.#text.length || this.#refill()) {
      const end = indexIn(this.#text, this.#separator ?? '\n', this.#position);
      this.#unfinished.add(this.#text.slice(this.#position, end));
      this.#position = end + 1;
      const size = this.#unfinished.length;
      if (size > this.#max) throw tooLarge(this.#name, size, this.#max);
      const text = end < this.#text.length ? this.#taken() : undefined;
      if (text) return text;
    }
    return this.#isOver ? this.#taken() : undefined;
  }

  #begin(text: string): void {
    this.#text = text;
    this.#position = 0;
    if (this.#separator) return;
    const [first] = /\S/.exec(text) ?? [];
    if (first === RECORD_SEPARATOR) this.#count = 0;
    if (first) this.#separator = first === RECORD_SEPARATOR ? first : '\n';
  }

  #refill(): boolean {
    const bytes = this.#bytes;
    this.#bytes = bytes.subarray(WINDOW);
    this.#begin(this.#decoder.decode(bytes.subarray(0, WINDOW)));
    return bytes.length > 0;
  }

  /** The text that a separator, or the end, has completed; undefined: it is blank. */
  #taken(): JSONText | undefined {
    const name = this.#name;
    const text = this.#unfinished.drain();
    this.#count++;
    if (!text.trim()) return undefined;
    if (this.#separator === RECORD_SEPARATOR && CUTTABLE.test(text)) {
      throw new SSEError('json', `${name} has no white space after it: it may be cut`);
    }
    return {text, where: () => name};
  }

  get #name(): string {
    if (this.#separator === RECORD_SEPARATOR) return `Record ${this.#count}`;
    return `Line ${this.#count + 1}${this.#isOver ? ', which has no end of line,' : ''}`;
  }
}

/** The events of a batch at most: a whole text is not parsed before its first ones are there. */
const MOST_IN_BATCH = 1024;

function inBatches(events: Supply<SSEEvent>): Supply<SSEEvent[]> {
  let failure: {readonly error: unknown} | undefined;
  return {
    ...passedOn(events),
    take() {
      if (failure) throw failure.error;
      const batch: SSEEvent[] = [];
      try {
        while (batch.length < MOST_IN_BATCH) {
          // a source may block: what is at hand does not wait for it
          const event = events.take(!batch.length);
          if (!event) break;
          batch.push(event);
        }
      } catch (error) {
        if (!batch.length) throw error;
        failure = {error};
      }
      return batch.length ? batch : undefined;
    },
  };
}

/** All of a supply but what it hands out. */
function passedOn(records: Supply<unknown>): Omit<Supply<never>, 'take'> {
  const {script, owner} = records;
  return {
    script,
    owner,
    asked: undefined,
    owed: () => records.owed?.(),
    isLost: () => !!records.isLost?.(),
    close: () => records.close(),
  };
}

function isSource(value: unknown): boolean {
  return (
    isObject(value)
    && (Symbol.iterator in value
      || Symbol.asyncIterator in value
      || 'getReader' in value
      || areBytes(value)
      || isResponse(value)
      || isBlob(value))
  );
}

function isBlob(value: unknown): value is BlobLike {
  const isStreamed = isObject(value) && Symbol.asyncIterator in value;
  return !isStreamed && typeof Object(value).stream === 'function';
}

/** A `Response`, or what undici's `request` and Node's servers and clients have for one. */
function isResponse(value: unknown): value is ResponseLike {
  const {statusCode} = Object(value);
  const isNodes = typeof statusCode === 'number';
  return isNodes || (isObject(value) && 'body' in value && !(Symbol.asyncIterator in value));
}

function isAsyncIterable(value: object): value is AsyncIterable<Chunk> {
  return Symbol.asyncIterator in value;
}

/** The body of whatever came as a response. Undefined: it has none that can be read. */
function bodyIn(response: {readonly body?: Body}): Body {
  if ('body' in response) return response.body;
  return isAsyncIterable(response) ? response : undefined;
}

/** A response whose headers can be asked: as it is, or what is known of it. */
function asResponse(response: Partial<ResponseLike>): SSEResponse {
  if (isComplete(response)) return response;
  const {status, statusCode = 200, headers = {}} = response;
  return {
    status: status ?? statusCode,
    headers: hasGet(headers) ? headers : headersOf(headers),
    body: bodyIn(response),
  };
}

function isComplete(response: Partial<ResponseLike>): response is SSEResponse {
  return typeof response.status === 'number' && hasGet(response.headers);
}

function hasGet(headers: object | undefined): headers is HeadersLike {
  return !!headers && 'get' in headers && typeof headers.get === 'function';
}

/** node:http2's have a symbol among their keys, and `:status`, which Headers refuses. */
function headersOf(plain: PlainHeaders): HeadersLike {
  const headers = new Headers([]);
  for (const [name, value] of Object.entries(plain)) {
    if (value !== undefined && !name.startsWith(':')) headers.set(name, String(value));
  }
  return headers;
}

/** Returns the chunks of a source; of a response, once it is clear that it is a stream. */
function bodyOf(source: Source, areEvents = true): Body {
  if (isBlob(source)) return source.stream();
  if (!isResponse(source)) return source;
  const {status, headers, body} = asResponse(source);
  const url = withoutUserinfo(source.url ?? '') || 'the response';
  if (status < 200 || status > 299) throw new SSEHTTPError(status, url, headers, '');
  if (status === 204) return null;
  if (areEvents && source.headers && !isEventStream(headers)) {
    throw contentTypeError(status, headers, url, '');
  }
  return streamed(body, url);
}

/** "If … `Content-Type` … is not `text/event-stream`, then fail the connection". */
function isEventStream(headers: HeadersLike): boolean {
  return essenceOf(headers.get('content-type') ?? '') === EVENT_STREAM;
}

function contentTypeError(
  status: number,
  headers: HeadersLike,
  url: string,
  body: string,
): SSEResponseError {
  const type = headers.get('content-type');
  const got = type === null ? 'none' : `'${excerpt(type)}'`;
  const hint = /ndjson|jsonl|json-seq/i.test(got) ? ' (jsonLines() reads that)' : '';
  const message = `Expected Content-Type '${EVENT_STREAM}', got ${got} from ${url}${hint}`;
  return new SSEResponseError('content-type', message, {status, url, headers, body});
}

/** A body of null is empty; one that is not there belongs to a `fetch` that cannot stream. */
function streamed(body: Body, url: string): Body {
  if (body !== undefined) return body;
  throw new SSEError(
    'unsupported',
    `The response from ${url} has no body to read: this \`fetch\` cannot stream. Pass one that can`
      + ' as `transport` (React Native: `fetch` of expo/fetch)',
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
  if (isObject(body)) {
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
    return letGo(chunksOf(bodyIn(Object(response))));
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

/** At least this between two connections, ms, once they fail fast: ten a second hurt no server. */
const MIN_INTERVAL = 100;

/** Waits are stretched by up to this share: a server's clients must not return all at once. */
const JITTER = 0.25;

/** As many as fetch follows (Fetch standard, HTTP-redirect fetch). */
const MAX_REDIRECTS = 20;

/** Statuses of the server's own that no later attempt changes: "not implemented" and the like. */
const LASTING_STATUS = [501, 505, 511];

/** Tells statuses that may pass, once a stream has been open: gateways have their own. */
function isPassing(status: number): boolean {
  return (
    [408, 425, 429].includes(status)
    || (status >= 500 && status < 600 && !LASTING_STATUS.includes(status))
  );
}

/** UTF-16 code units that a message shows of each URL of a chain of redirects: 16 kB fit in one. */
const MAX_URL_SHOWN = 2000;

/** Matches what no header's value can carry (RFC 9110, field-content). */
const CONTROLS = /[\0-\x08\n-\x1f\x7f]/;

/** Errors that the next connection may not meet; any other SSEError is final. */
const PASSING: readonly SSEErrorCode[] = ['connection', 'http', 'timeout', 'truncated'];

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
   * final. Default: 408, 425, 429 and every 5xx but 501, 505 and 511. A function is asked at every
   * refusal, the first one and a POST's included: true sends the request again, after Retry-After.
   */
  readonly retryStatus?: readonly number[] | RetryStatus | undefined;
  /** false: one connection; when it ends, the loop ends. Default: true for GET and HEAD. */
  readonly reconnect?: boolean | undefined;
  /**
   * Tells how to go on with a stream that has been open: asked before each new connection for it;
   * `response` is the last one that opened. Undefined: it cannot be gone on with, and the loss is
   * final (SSEConnectionError). With it clients of every method reconnect after a loss, and their
   * first request is not repeated; where the method is not GET or HEAD, a clean end without
   * `until` is the end.
   */
  readonly resume?: Resume | undefined;
  /**
   * Tells the event that ends the stream: it is delivered, and the client stops. A stream that
   * ends without it was truncated: SSEError `truncated`, or a reconnection.
   */
  readonly until?: ((event: SSEEvent) => Answer) | undefined;
  /** Random numbers, 0 ≤ n < 1, for the jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Decides how to go on; undefined: not at all. */
export type Resume<Result = MaybePromise<Resumption | undefined>> = (
  attempt: Attempt,
  response: SSEResponse,
) => Result;

/** A value that is true or false as in `if`, and no promise. */
type Answer = boolean | string | number | readonly unknown[] | null | undefined;

/** Decides about sending the request again after that answer. */
export type RetryStatus = (
  error: SSEHTTPError,
  /** `opened`: the stream has been open; `attempt`: the reconnections in a row so far. */
  state: {readonly opened: boolean; readonly attempt: number},
) => boolean;

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

/** A URL: a string, or a `URL`. */
export type URLInput = string | {readonly href: string};

/**
 * Way in which a stream goes on, as `resume` returns it. Left out, `url` and `headers` are those of
 * the options, and there is no body; headers of the options that describe a body are left out, too.
 */
export interface Resumption {
  /** Absolute, or relative to the client's. To another origin none of the options' headers go. */
  readonly url?: URLInput | undefined;
  /** Default `GET`; `POST` with `json` or `body`. */
  readonly method?: string | undefined;
  /** These win over those of the options. */
  readonly headers?: HeadersInput | undefined;
  readonly body?: RequestBody | undefined;
  /** A value to send as JSON. */
  readonly json?: unknown;
}

const RESUMPTION_DEFAULTS: Resumption = {
  url: undefined,
  method: undefined,
  headers: undefined,
  body: undefined,
  json: undefined,
};

/** The request of an attempt that goes on with a stream. */
interface ResumedRequest {
  readonly url: string;
  readonly isElsewhere: boolean;
  readonly method: string;
  readonly headers: InstanceType<typeof Headers>;
  readonly body: RequestBody | undefined;
}

/** Defaults of these options; times in ms. */
const RECONNECTION_DEFAULTS: ReconnectionOptions = {
  method: undefined,
  lastEventId: '',
  retryInterval: 3000, // as in Firefox
  maxRetryInterval: 30_000,
  maxRetries: Infinity,
  retryStatus: undefined,
  reconnect: undefined,
  resume: undefined,
  until: undefined,
  random: Math.random,
};

/** Facts that a new attempt starts from; the argument of `headers` and `body` functions. */
export interface Attempt {
  /** 0 for the first request, else the reconnections in a row since the last event. */
  readonly attempt: number;
  readonly lastEventId: string;
  /** Error that ended the last connection; undefined before the first. */
  readonly error: Error | undefined;
}

/** A reconnection to be made, as `onRetry` gets it. */
export interface Retry extends Attempt {
  readonly error: Error;
  /** The messages down the chain of the error's causes, in one line. */
  readonly reason: string;
  /** Wait before the attempt, ms. */
  readonly delay: number;
}

interface Waiting {
  readonly kind: 'wait';
  readonly retry: Retry;
  readonly warning?: string;
}

/** Verdict on what to do now. */
export type Decision =
  | {readonly kind: 'open'} // parse the body
  | {readonly kind: 'send'} // a redirect: send the next request(), now
  | {readonly kind: 'read'} // read the body's text and come back with refused()
  // begin() again after that delay; where nobody listens, `warning` is for the console
  | Waiting
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
  /** True: a lost connection is made again. */
  readonly reconnects: boolean;
  /** The last event ID string: of the last event handed to the consumer. */
  lastEventId: string;
  /** The server's reconnection time, ms; undefined = it sent none. */
  retry: number | undefined;

  readonly #options: ReconnectionOptions;
  readonly #method: string;
  readonly #maxRetries: number;
  /** `retryStatus` has allowed it: a request that is not to be repeated may be sent once more. */
  #mayRepeat = false;
  /** Answer of `resume` for the attempt at hand. */
  #resumed: ResumedRequest | undefined;
  /** Reconnections in a row that brought no event. */
  #failures = 0;
  #opened = false;
  #hasWarned = false;
  #error: Error | undefined;
  #attempts = 0;
  #begun = -Infinity;
  #hurried = false;
  /** URL of the coming request: the client's, or where its redirects led. */
  #target: string;
  #redirects: string[] = [];
  #crossedOrigins = false;
  /** A 303 has made a GET of the request. */
  #isGETNow = false;

  constructor(url: string, options: ReconnectionOptions = {}) {
    const given = (this.#options = settings(options, RECONNECTION_DEFAULTS));
    const {method = 'GET', lastEventId = '', maxRetries = Infinity, retryStatus = []} = given;
    const {retryInterval, maxRetryInterval} = given;
    this.#method = method.toUpperCase();
    this.reconnects = given.reconnect ?? isSafe(this.#method);
    must(typeof this.reconnects === 'boolean', 'reconnect must be a boolean');
    must(!given.resume || given.reconnect !== false, 'resume is of no use with reconnect: false');
    mustBeTimes({retryInterval, maxRetryInterval});
    must(
      maxRetries === Infinity || (Number.isInteger(maxRetries) && maxRetries >= -1),
      `maxRetries must be an integer from -1 or Infinity, got ${maxRetries}`,
      RangeError,
    );
    this.#maxRetries = maxRetries < 0 ? Infinity : maxRetries;
    must(
      typeof retryStatus === 'function'
        || (Array.isArray(retryStatus) && retryStatus.every(Number.isInteger)),
      'retryStatus must be an array of HTTP statuses, or a function',
    );
    must(!hasUserinfo(url), NO_USERINFO);
    must(
      typeof lastEventId === 'string' && !/[\r\n\0]/.test(lastEventId),
      'lastEventId must be one line without NUL',
    );
    this.lastEventId = lastEventId;
    this.url = this.#target = url;
  }

  /** A new attempt begins at time `now`, ms. TypeError where that would send a request again. */
  begin(now: number): Attempt {
    must(!this.#attempts++ || this.mayReconnect, ONE_CONNECTION);
    this.#mayRepeat = false;
    // twice that, once it waits for it: else every second connection would come at once
    this.#hurried = now - this.#begun < (this.#hurried ? 2 : 1) * MIN_INTERVAL;
    this.#begun = now;
    this.#target = this.#resumed?.url ?? this.url;
    this.#redirects = [];
    this.#crossedOrigins = this.#isGETNow = false;
    return this.attempt;
  }

  /** Facts that the attempt at hand starts from. */
  get attempt(): Attempt {
    return {attempt: this.#failures, lastEventId: this.lastEventId, error: this.#error};
  }

  /** True if another connection may be made now. */
  get mayReconnect(): boolean {
    return this.reconnects || this.#mayRepeat || (this.#opened && !!this.#options.resume);
  }

  /**
   * The attempt that is about to begin goes on as `resume` says. A decision: the stream cannot be
   * gone on with. Throws TypeError for what is no answer.
   */
  resumeAs(answer: Resumption | undefined): Decision | undefined {
    if (answer !== undefined) {
      try {
        this.#resumed = resumedRequest(this.url, answer);
        return undefined;
      } catch (cause) {
        throw new TypeError(
          `\`resume\` returned something that is not a request: ${describe(cause)}`,
          {cause},
        );
      }
    }
    const failures = this.#failures;
    this.#failures = 0;
    const cause = failures
      ? this.#error
      : new SSEError('connection', 'the loop left its connection');
    const retries = Math.max(failures - 1, 0);
    return fail(new SSEConnectionError(this.url, retries, cause, '`resume` chose not to continue'));
  }

  /** HTTP method of the next request, in capitals. A GET has no body. */
  get method(): string {
    return this.#isGETNow ? 'GET' : (this.#resumed?.method ?? this.#method);
  }

  /** True if the coming request goes on with a stream: its body is not the options'. */
  get isResumed(): boolean {
    return this.#resumed !== undefined;
  }

  /** The body of a request that goes on with a stream. */
  get resumedBody(): RequestBody | undefined {
    return this.#resumed?.body;
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
      const resumed = this.#resumed;
      for (const [name, value] of own) {
        const isLeftOut = resumed && (resumed.isElsewhere || isOfBody(name));
        if (!isLeftOut) headers.set(name, value);
      }
      const id = this.lastEventId;
      if (id) headers.delete('last-event-id');
      if (id && !CONTROLS.test(id)) {
        headers.set('last-event-id', /^[\t-~]*$/.test(id) ? id : encode(id));
      }
      if (resumed) for (const [name, value] of resumed.headers) headers.set(name, value);
    }
    for (const [name] of this.#isGETNow ? [...headers] : []) {
      if (isOfBody(name)) headers.delete(name);
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
    if (this.#isRefusal(status) || (headers && !isEventStream(headers))) return {kind: 'read'};
    this.#opened = true;
    return {kind: 'open'};
  }

  #isRefusal(status: number): boolean {
    if (this.method === 'GET') return status !== 200;
    return status < 200 || status > 299 || status === 205;
  }

  /** The response opened no stream; `body` is its text. */
  refused(status: number, given: HeadersLike | undefined, body: string, now: number): Decision {
    const headers = given ?? NO_HEADERS;
    const url = this.#target;
    if (!this.#isRefusal(status)) return fail(contentTypeError(status, headers, url, body));
    const after = waitAsked(headers.get('retry-after'), now);
    const error = new SSEHTTPError(status, url, headers, body, after);
    this.#error = error; // a later loop's headers() may want to know
    if (!this.#passes(error)) return fail(error);
    this.#mayRepeat = true;
    return this.lost(error);
  }

  #passes(error: SSEHTTPError): boolean {
    const {retryStatus} = this.#options;
    const state = {opened: this.#opened, attempt: this.#failures};
    if (typeof retryStatus === 'function') {
      return !!atOnce<unknown>(retryStatus(error, state), 'retryStatus', AT_ONCE);
    }
    const {status} = error;
    return (
      this.#opened
      && this.mayReconnect
      && (retryStatus ? retryStatus.includes(status) : isPassing(status))
    );
  }

  /** The connection ended: by an error, or cleanly. */
  lost(error?: unknown, facts: LossFacts = {}): Decision {
    const object = Object(error);
    if (OWN in object) return fail(object[OWN]);
    if (error instanceof SSEError && !PASSING.includes(error.code)) return fail(error);
    const {until} = this.#options;
    const mayGoOn = this.mayReconnect;
    if (error === undefined && !this.reconnects && !until) return STOP;
    const reason = this.#reasonOf(error, facts);
    if (error === undefined && !mayGoOn) return fail(reason);
    const attempt = this.#failures + 1;
    const advice = futility(reason, {...facts, opened: this.#opened});
    if (!mayGoOn || advice || attempt > this.#maxRetries) {
      this.#failures = 0; // a later loop starts afresh
      return fail(new SSEConnectionError(this.url, attempt - 1, reason, advice));
    }
    this.#failures = attempt;
    this.#error = reason;
    const delay = this.#delay(reason instanceof SSEHTTPError ? (reason.retryAfter ?? 0) : 0);
    const told = describe(reason);
    const {lastEventId} = this;
    const warning = this.#isWorthAWarning(reason)
      ? `${this.url} cannot be reached: ${told}. Trying again`
        + `${this.#maxRetries === Infinity ? '' : `, ${this.#maxRetries} times at most`}:`
        + ' `onRetry` is told of every attempt, `maxRetries` limits them'
      : undefined;
    const retry = {attempt, delay, error: reason, reason: told, lastEventId};
    return {kind: 'wait', retry, ...(warning && {warning})};
  }

  #reasonOf(error: unknown, {ignored, unfinished}: LossFacts): Error {
    if (error instanceof Error) return error;
    if (error !== undefined) return new SSEError('connection', describe(error), error);
    const more = unfinished
      ? `; its last event has no blank line after it${words(unfinished)}`
      : ignored
        ? `; it sent something that is not an event${words(ignored)}`
        : '';
    return this.#options.until
      ? new SSEError('truncated', `${this.url} ended the stream before its \`until\` event${more}`)
      : new SSEError('connection', `the server ended the stream${more}`);
  }

  /** Once, and never of a stream that has been open: at once where the name is not known. */
  #isWorthAWarning(reason: Error): boolean {
    if (this.#opened || this.#hasWarned) return false;
    this.#hasWarned = this.#failures > 2 || chainOf(reason).some(isUnknownName);
    return this.#hasWarned;
  }

  /** Asks `until` if the stream ends with that event. */
  isLast(event: SSEEvent): boolean {
    return !!atOnce<unknown>(this.#options.until?.(event), 'until', AT_ONCE);
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
    const {random = Math.random, retryInterval = 0, maxRetryInterval = 0} = this.#options;
    const base = this.retry ?? retryInterval;
    const backoff = Math.max(base, MIN_INTERVAL) * 2 ** (this.#failures - 1);
    const wait = Math.max(base, Math.min(backoff, maxRetryInterval), retryAfter);
    const spread = Math.ceil(wait * (1 + JITTER * random())) || 0;
    return Math.min(Math.max(wait, spread, this.#hurried ? MIN_INTERVAL : 0), MAX_DELAY);
  }

  #redirect(status: number, location: string): Decision {
    const from = new URL(this.#target, 'http://localhost');
    let why = 'leads nowhere';
    try {
      const to = new URL(fromByteString(location), from.href);
      to.username = to.password = '';
      this.#target = to.href;
      this.#redirects.push(to.href.slice(0, MAX_URL_SHOWN));
      if (to.origin !== from.origin) this.#crossedOrigins = true;
      why =
        !/^https?:$/.test(to.protocol) || from.protocol > to.protocol // from https: to http:
          ? 'leads from https to http, or to another scheme'
          : this.#redirects.length > MAX_REDIRECTS
            ? 'is the twenty-first in a row'
            : !status
              ? 'is hidden from this page: use the final URL'
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

/** A header that describes the body (RFC 9110, representation metadata). */
function isOfBody(name: string): boolean {
  return name.startsWith('content-');
}

/** Methods that may be sent again, and turned into one another. */
function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Headers as `Headers`. TypeError for what HTTP cannot carry; unlike fetch's it shows no value. */
function validHeaders(headers: HeadersInput = {}): InstanceType<typeof Headers> {
  for (const [name, value] of pairsIn(headers)) {
    must(value !== undefined, `headers: the value of ${quoted(String(name))} is undefined`);
  }
  try {
    const valid = new Headers(headers);
    for (const [, value] of valid) must(!CONTROLS.test(value), '');
    return valid;
  } catch {
    throw new TypeError('headers must be HTTP header names with one line of Latin-1 text each');
  }
}

/** Lists a plain object, or pairs: Headers would send "undefined" as a value. */
function pairsIn(headers: HeadersInput): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(headers)) return headers.filter(({length}) => length === 2);
  return hasGet(headers) || Symbol.iterator in headers ? [] : Object.entries(headers);
}

/** Options of clients, and of what `resume` returns. */
interface RequestParts {
  readonly method?: string | undefined;
  readonly body?: unknown;
  readonly json?: unknown;
}

function checkBody(options: RequestParts): void {
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
  must(
    given < 2 && !(given && /^get$/i.test(method)),
    'Give body or json, not both, and neither to a GET',
  );
}

/** Counts the bodies that are given: 0 to 2. */
function bodiesIn({body, json}: RequestParts): number {
  return [body ?? undefined, json].filter((each) => each !== undefined).length;
}

function methodOf(options: RequestParts): string {
  return options.method ?? (bodiesIn(options) ? 'POST' : 'GET');
}

/** The request that `answer` asks for; `url` is the client's. Throws TypeError for a wrong one. */
function resumedRequest(url: string, answer: Resumption): ResumedRequest {
  must(isObject(answer), 'it must be an object with url, method, headers, body or json');
  const {url: given = url, headers, body, json, method} = settings(answer, RESUMPTION_DEFAULTS);
  const parts = {method, body, json};
  checkBody(parts);
  must(typeof body !== 'function', 'body must be the body itself, not a function');
  const own = validHeaders(headers);
  if (json !== undefined && !own.get('content-type')) own.set('content-type', 'application/json');
  const from = new URL(url, 'http://localhost');
  const to = new URL(hrefOf(given), from.href);
  must([from.protocol, 'http:', 'https:'].includes(to.protocol), 'url must be http: or https:');
  must(!hasUserinfo(to.href), NO_USERINFO);
  return {
    url: given === url ? url : to.href,
    isElsewhere: to.origin !== from.origin,
    method: methodOf(parts).toUpperCase(),
    headers: own,
    body: json === undefined ? body : JSON.stringify(json),
  };
}

function hrefOf(url: URLInput): string {
  const href = typeof url === 'string' ? url : url?.href;
  must(typeof href === 'string', 'url must be a string or a URL');
  return href;
}

const NO_USERINFO = 'url must hold no userinfo: use a header';

function hasUserinfo(url: string): boolean {
  try {
    // `http:user:pass@host` would be a path if the base had the same scheme
    const {password, username} = new URL(url, 'x:/');
    return password + username !== '';
  } catch {
    return false; // for others to find out
  }
}

/** Options that are times: numbers of milliseconds from 0. */
function mustBeTimes(times: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(times)) {
    must(
      typeof value === 'number' && value >= 0,
      `${name} must be a number of milliseconds from 0, got ${String(value)}`,
      RangeError,
    );
  }
}

/** Retry-After, ms: seconds, also decimal ones, or an HTTP date. Undefined: it is neither. */
function waitAsked(retryAfter: string | null, now: number): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(+text * 1000);
  const date = /GMT$/.test(text) ? Date.parse(text) : Number.NaN; // else "32.5" is a day in 2032
  return date >= 0 ? Math.max(0, date - now) : undefined;
}

/** Facts about a connection that has ended, beside its error. */
interface LossFacts {
  /** Unknown field that came after its last event. */
  readonly ignored?: string;
  /** Text of an event whose blank line is missing. */
  readonly unfinished?: string;
  /** The transport threw where it should have returned a promise. */
  readonly threw?: boolean;
}

/** Fields of a failure in one runtime or another. */
interface Failure {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** The errors down the chain of causes, as far as they can be read. */
function chainOf(error: unknown): readonly Failure[] {
  const chain: Failure[] = [];
  try {
    for (let at = error; at instanceof Error && chain.length < 5; at = causeOf(at)) {
      const {code = ''}: {readonly code?: unknown} = Object(at);
      chain.push({name: `${at.name}`, code: `${code}`, message: `${at.message}`});
    }
  } catch {
    // what cannot be read tells nothing
  }
  return chain;
}

function isUnknownName({code, message}: Failure): boolean {
  return code === 'ENOTFOUND' || /\bdns error(?!.*temporary)/i.test(message);
}

/** Deno's name, and Node's code, of what a program may not do. */
const NOT_PERMITTED = /^(?:NotCapable|PermissionDenied|ERR_ACCESS_DENIED)$/;

/** Codes of what is wrong with the request itself, in Node and undici, Bun and Deno. */
const INVALID = /^ERR_(?:INVALID_(?!STATE)|HTTP_INVALID_|UNESCAPED_CHARACTERS|SOCKET_BAD_PORT)/;
const INVALID_FOR_UNDICI = /^UND_ERR_(?:INVALID_ARG|NOT_SUPPORTED)$/;
const BLOCKED_PORT = /^bad port$|\bport \d+ (?:is|are) blocked/i;

/** OpenSSL's codes of certificates that are not accepted, and what Node and rustls say of them. */
const CERTIFICATE = /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)/;
const CERTIFICATE_TOO = /^ERR_TLS_CERT_|HOSTNAME_MISMATCH|invalid peer certificate/;
const PROXY_ASKS = /\(407\)|[: ]407 |proxy authentication required/i;

/** Matches how browsers word a wrong call, and what runtimes speak of then. */
const CALL = /^(?:Failed to (?:execute|construct)|(?:Window|WorkerGlobalScope)\.fetch:)/;
const REQUEST = /^Request |^Type error$|accepted type|method|header|\bURL\b|ByteString|locked/i;
const NETWORK = /fetch|network|load failed|terminated|error (?:sending|reading)|redirect/i;

/**
 * Why no later attempt can pass ("unless the user agent knows that to be futile"), and what to do;
 * undefined: one may. What a network can cause never says so; much that can change after a stream
 * has been open is worth waiting for, a certificate that is about to be renewed, say.
 */
function futility(
  error: Error,
  {opened, threw = false}: LossFacts & {readonly opened: boolean},
): string | undefined {
  const chain = chainOf(error);
  const says = (pattern: RegExp, ...members: (keyof Failure)[]) =>
    chain.some((each) => members.some((member) => pattern.test(each[member])));
  const isProxy = says(PROXY_ASKS, 'message');
  if (says(/^ReferenceError$/, 'name'))
    return 'this is a bug in the program: waiting will not help';
  if (says(NOT_PERMITTED, 'name', 'code')) return 'give the program this permission';
  if (
    !isProxy
    && (says(INVALID, 'code') || says(INVALID_FOR_UNDICI, 'code') || says(BLOCKED_PORT, 'message'))
  ) {
    return 'the request itself is wrong: sending it again will not help';
  }
  if (opened) return undefined;
  if (says(CERTIFICATE, 'code') || says(CERTIFICATE_TOO, 'code', 'message')) {
    return '`verify: false` accepts any certificate';
  }
  if (isProxy) return 'the proxy asks for a name and a password';
  if (says(/^(?:Syntax|Range)Error$/, 'name') || isOfTheProgram(chain, threw)) {
    return 'the program or its request is wrong, not the network';
  }
  return undefined;
}

/** A TypeError is how `fetch` reports the network, but also how it refuses what it is given. */
function isOfTheProgram(chain: readonly Failure[], threw: boolean): boolean {
  if (chain.some(({code}) => code)) return false;
  if (threw) return true;
  const [{name, message} = NO_FAILURE, cause = NO_FAILURE] = chain;
  const isOfTheCall = CALL.test(message) || (REQUEST.test(message) && !NETWORK.test(message));
  const isOfTheCause = cause.name === 'TypeError' && !NETWORK.test(cause.message);
  return name === 'TypeError' && (isOfTheCall || isOfTheCause);
}

const NO_FAILURE: Failure = {name: '', code: '', message: ''};

// ── 8. Transports ─────────────────────────────────────────────────────────────────────────────
// The only section that touches the platform. A transport is a callable shaped like `fetch`; a
// blocking one returns its response at once, and a body that an ordinary loop can read.

/** The platform's own AbortSignal type where there is one, so that its `fetch` is a Transport. */
type PlatformSignal = typeof globalThis extends {AbortSignal: {prototype: infer Signal}}
  ? Signal
  : SignalLike;

/** An `AbortSignal`, as far as it is needed. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Second argument of a transport: an init for `fetch`, and what `init` adds to it. */
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
  readonly timeout?: number | undefined;
  readonly idleTimeout?: number | undefined;
}

/** Return value of a transport: a `Response`, or as little of one as this. */
export interface TransportResponse {
  readonly status: number;
  /** Absent: the content type is not checked. */
  readonly headers?: HeadersLike | PlainHeaders | undefined;
  /** Undefined: this transport cannot stream, which is an error; null is an empty body. */
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

/** The global objects that not all runtimes have, as far as they are needed. */
interface Platform {
  readonly fetch?: (url: string, init: object) => Promise<TransportResponse>;
  readonly process?: {
    readonly versions?: {readonly node?: string};
    readonly env: {readonly NODE_OPTIONS?: string};
    readonly execArgv?: readonly string[];
    getBuiltinModule?<Id extends keyof Modules>(id: Id): Modules[Id];
  };
  readonly console?: {warn(text: string): void};
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
 * True if requests go out as they are written, as on servers; browsers have their own say. A
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
export function httpTransport(options: HttpTransportOptions = {}): Transport {
  const {agent} = settings<HttpTransportOptions>(options, {agent: undefined});
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
          'user-agent': `ssekit/${VERSION}`, // Wikimedia and GitHub answer 403 to none
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
    throw new SSEError(
      'unsupported',
      `Content-Encoding ${quoted(coding ?? '')} cannot be decoded here`,
    );
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
  /** Callback of the pending read() or cancel(), for when something has happened. */
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

// The memory that caller and thread share: three numbers, and a ring of places, each of four
// numbers and a slot of bytes. With one place, each waits for the other at every message; with
// four, the thread reads on meanwhile (bench/ has the figures). A request's number is never used
// twice, so that what an older one left in the ring is told from the new one's.
const WANTED = 0; // the request that the caller waits for
const ALIVE = 1; // 1: the thread runs
const BEATS = 2; // how often it has said so when it was asked
const RING = 3; // where the places' numbers begin. The first of each is what its slot has:
const EMPTY = 0;
const HEAD = 1;
const CHUNK = 2;
const END = 3;
const FAILURE = 4;
const SIZE = 1; // bytes in the slot
const OWNER = 2; // the request that the slot's content belongs to
const REST = 3; // bytes of this message still to come: it did not fit
const NUMBERS = 4;
const PLACES = 4;
const SLOT_BYTES = 65_536;

/** A thread that has not begun to run by then will not, ms: the slowest seen took 0.2 s. */
const THREAD_START = 10_000;

/** Longest wait of close() for the thread to drop its socket, ms: it usually takes a few. */
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
// next place is free, which is the whole back-pressure, and gives up when another request is
// wanted.
// `patient` lifts the 300 s of Node's fetch: it is the dispatcher that fetch would take by itself,
// under the name that undici has for it, asked to wait. The caller watches the time. A message is
// [request, url, init]; without URL it ends what is on, with request 0 the thread; [] is a probe.
const threadCode = () => `${threadState()}${threadPut()}${threadMessages()}${threadRequests()}`;

const threadState = () => `
const { parentPort, workerData: [state, slots, insecure] } =
  process.getBuiltinModule('node:worker_threads');
if (insecure) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
let current = 0, turn = 0, controller, reader;
const { undici } = process.versions;
const patient = undici && { dispatcher: { dispatch: (options, handler) =>
  globalThis[Symbol.for('undici.globalDispatcher.' + (parseInt(undici) < 8 ? 1 : 2))]
    .dispatch({ ...options, bodyTimeout: 0, headersTimeout: 0 }, handler) } };
`;

const threadPut = () => `const put = (id, kind, bytes) => {
  let at = 0;
  do {
    const place = turn % ${PLACES}, its = ${RING} + place * ${NUMBERS};
    for (let full; Atomics.load(state, ${WANTED}) === id && (full = Atomics.load(state, its));)
      Atomics.wait(state, its, full);
    if (Atomics.load(state, ${WANTED}) !== id) return false;
    const part = bytes.subarray(at, at + ${SLOT_BYTES});
    slots.set(part, place * ${SLOT_BYTES});
    at += part.length;
    state[its + ${SIZE}] = part.length;
    state[its + ${OWNER}] = id;
    state[its + ${REST}] = bytes.length - at;
    turn++;
    Atomics.store(state, its, kind);
    Atomics.notify(state, its);
  } while (at < bytes.length);
  return true;
};
`;

const threadMessages =
  () => `const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const plain = (error, depth = 0) => error instanceof Object && depth < 5 ? {
  name: error.name, message: String(error.message), code: error.code,
  cause: plain(error.cause ?? error.errors?.[0], depth + 1),
} : error == null ? undefined : { message: String(error) };
const fail = (error) => put(current, ${FAILURE}, json(plain(error)));
const ends = () => {
  Atomics.store(state, ${ALIVE}, 0);
  for (const at of state.keys()) Atomics.notify(state, at);
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
  next(limit?: number, late?: string): IteratorResult<Uint8Array>;
  return(): IteratorResult<Uint8Array>;
}

/** The caller's end of a thread that fetches. */
class Channel {
  readonly verify: boolean;
  readonly #thread: Thread;
  readonly #state = new Int32Array(new SharedArrayBuffer(4 * (RING + PLACES * NUMBERS)));
  readonly #slots = new Uint8Array(new SharedArrayBuffer(PLACES * SLOT_BYTES));
  /** Messages taken out of the ring. */
  #turn = 0;
  #request = 0;

  constructor(threads: ThreadModule, verify: boolean) {
    const insecure = !verify && !platform.Bun;
    if (insecure && platform.Deno) {
      throw new SSEError(
        'unsupported',
        'Deno cannot accept any certificate for one client alone (verify: false)',
      );
    }
    this.verify = verify;
    try {
      this.#thread = startThread(threads, [this.#state, this.#slots, insecure]);
      this.#thread.unref();
      this.#thread.on('error', () => {}); // told where it is waited for; else it ends the process
      const started = Atomics.wait(this.#state, ALIVE, 0, THREAD_START);
      must(started !== 'timed-out', 'it does not start');
    } catch (cause) {
      // Node's permission model, for one
      throw new SSEError('unsupported', 'The fetching thread did not start', cause);
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
    const [, head] = this.#receive(id, timeout, `No response from ${url} for ${timeout} ms`);
    const {status, headers} = parsed(head);
    let isOver = false;
    const body: ThreadBody = {
      [Symbol.iterator]: () => body,
      next: (limit = idleTimeout, late = `No byte from ${url} for ${limit} ms`) => {
        if (isOver) return {done: true, value: undefined};
        const [kind, value] = this.#receive(id, limit, late);
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

  /** End the thread and its socket, also while it waits for a place. */
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

  /** The thread looks at this also while it waits for a place; what is in the ring is skipped. */
  #want(id: number): void {
    Atomics.store(this.#state, WANTED, id);
    for (const at of this.#state.keys()) Atomics.notify(this.#state, at);
  }

  /** Index of the numbers of the place whose turn it is. */
  get #its(): number {
    return RING + (this.#turn % PLACES) * NUMBERS;
  }

  /** Reads one message of request `id`: its kind and its bytes. */
  #receive(id: number, limit: number, late: string): [kind: number, bytes: Uint8Array] {
    let whole: Uint8Array = new Uint8Array(0);
    while (id === this.#request) {
      const its = this.#its;
      const kind = Atomics.load(this.#state, its);
      if (kind === EMPTY) {
        // Look again after every wait: a late notify of an earlier message ends it, too.
        if (this.#wait(limit > 0 ? limit : Infinity)) continue;
        this.#stop();
        throw new SSEError('timeout', late);
      }
      const isOurs = this.#state[its + OWNER] === id;
      const start = (this.#turn++ % PLACES) * SLOT_BYTES;
      const part = this.#slots.slice(start, start + (this.#state[its + SIZE] ?? 0));
      const rest = this.#state[its + REST];
      Atomics.store(this.#state, its, EMPTY);
      Atomics.notify(this.#state, its);
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
   * Waits until something may be in its place. False: not within that limit, ms, in which a process
   * that was stopped does not grow older. A thread that has ended is a lost connection.
   */
  #wait(limit: number): boolean {
    const answered = Atomics.load(this.#state, BEATS);
    for (let asked = 0, left = limit; left > 0; asked++, left -= PROBE_INTERVAL) {
      const isSilent = asked - (Atomics.load(this.#state, BEATS) - answered) > 1;
      if (isSilent || !this.isAlive) {
        Atomics.store(this.#state, ALIVE, 0);
        throw new SSEError('connection', 'The fetching thread has ended');
      }
      if (this.#isFilled(Math.min(left, PROBE_INTERVAL))) return true;
      this.#thread.postMessage([]);
    }
    return this.#isFilled(THREAD_TURN);
  }

  #isFilled(within: number): boolean {
    return Atomics.wait(this.#state, this.#its, EMPTY, within) !== 'timed-out';
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

/** A response that `replay` gives as it is: a refusal, a redirect, a stream of another type. */
export interface ReplayResponse {
  /** 200 to 599. Default 200. */
  readonly status?: number | undefined;
  /** Default: `Content-Type: text/event-stream`. */
  readonly headers?: HeadersInput | undefined;
  /** A log, or the text of a refusal. Default: empty. */
  readonly body?: Log | undefined;
}

type Log = Chunk | readonly Chunk[];

/**
 * A transport out of recorded logs, for both loops: each connection gets the next one, then 204.
 * A log is a text, bytes, or an array of chunks; `{status, headers, body}` is a response with a
 * log, or none. A request with Last-Event-ID gets what comes after that event, where the log has
 * it. TypeError for what is no log.
 */
export function replay(logs: Chunk | ReadonlyArray<Log | ReplayResponse>): BlockingTransport {
  const rest = (Array.isArray(logs) ? logs : [logs]).map(replayed);
  return (_, {headers: asked}) => {
    const {status, headers, chunks, text} = rest.shift() ?? NO_MORE;
    const start = resumeAt(text, asked['last-event-id']);
    return {status, headers, body: start ? text.slice(start) : chunks};
  };
}

interface Replayed {
  readonly status: number;
  readonly headers: HeadersLike;
  readonly chunks: readonly Chunk[];
  readonly text: string;
}

const NO_MORE: Replayed = {status: 204, headers: NO_HEADERS, chunks: [], text: ''};

function replayed(given: Log | ReplayResponse): Replayed {
  const response = isLog(given) ? {body: given} : settings(given, REPLAY_DEFAULTS);
  const {status = 200, headers = {'content-type': EVENT_STREAM}, body = ''} = response;
  must(
    Number.isInteger(status) && status > 199 && status < 600,
    `replay: status must be an integer from 200 to 599, got ${status}`,
    RangeError,
  );
  const chunks = Array.isArray(body) ? body : [body];
  const decoder = new StreamDecoder();
  const text = chunks.map((chunk) => decoder.decode(chunk)).join('');
  return {status, headers: validHeaders(headers), chunks, text};
}

function isLog(value: Log | ReplayResponse): value is Log {
  if (typeof value === 'string' || areBytes(value) || Array.isArray(value)) return true;
  must(
    isObject(value) && ('status' in value || 'body' in value),
    'replay takes text, bytes, arrays of those, and {status, headers, body}',
  );
  return false;
}

const REPLAY_DEFAULTS: ReplayResponse = {status: 200, headers: undefined, body: ''};

/** Finds where the log goes on after the event with that ID; 0: it has no such event. */
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

type Sink = (chunk: Chunk, connection: number) => unknown;

/**
 * A transport that hands every chunk of an event stream to `sink` as it comes, with the number of
 * its connection (from 0: a log each). What the sink throws, or rejects with, ends the loop; in
 * `for await` a chunk is parsed once its promise has resolved.
 */
export function record(transport: BlockingTransport, sink: Sink): BlockingTransport;
export function record(transport: Transport, sink: Sink): Transport;
export function record(transport: Transport, sink: Sink): Transport {
  must(typeof sink === 'function', 'record(transport, sink) needs a function as sink');
  let connections = 0;
  const tap = (response: TransportResponse): TransportResponse => {
    if (!(response?.status >= 200 && response.status < 300)) return response;
    const connection = connections++;
    return tapped(response, (chunk) => sink(chunk, connection));
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
  show: (chunk: Chunk) => unknown,
): TransportResponse {
  if (body === undefined) return {status, headers};
  const getReader = () => {
    const chunks = chunksOf(body);
    return {
      async read(): Promise<Part> {
        const part: Part = await chunks.next();
        if (part.done) return part;
        const seen = asOwn(() => show(part.value));
        return isPromise(seen) ? {...part, seen: quiet(Promise.all([part.seen, seen]))} : part;
      },
      async cancel() {
        const closing = letGo(chunks);
        if (chunks.isStream) await closing; // a generator's return() waits for its pending next()
      },
    };
  };
  const iterate = (): Iterator<Chunk> => {
    const chunks = blockingChunksOf(body);
    return {
      next(limit?: number, late?: string): IteratorResult<Chunk, undefined> {
        const {done, value} = chunks.next(limit, late);
        if (done || value === undefined) return {done: true, value: undefined};
        void asOwn(() => atOnce(show(value), 'sink'));
        return {value};
      },
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
  /**
   * The same for events alone, counted while one is waited for, from the opening on; comments and
   * pings do not count. Default: no limit.
   */
  readonly eventTimeout?: number | undefined;
  /** As for the parser: UTF-16 code units, default 67,108,864. */
  readonly maxEventSize?: number | undefined;
  /** As for the parser, for clients of one connection. Default `discard`. */
  readonly incomplete?: 'discard' | 'dispatch' | undefined;
  /** Aborted: the pending `next()` and later ones reject with its reason. */
  readonly signal?: SignalLike | undefined;
  /** A callable shaped like `fetch`. Default: fetch; in the blocking loop fetch in a thread. */
  readonly transport?: Transport | undefined;
  /** false: accept any TLS certificate, or throw where that cannot be done. Default true. */
  readonly verify?: boolean | undefined;
  /** Further members of the request: credentials, mode, dispatcher, … */
  readonly init?: object | undefined;
  /**
   * Observers. What they throw ends the loop; in `for await` their promises are waited for, and in
   * the blocking loop they are a TypeError.
   */
  readonly onOpen?: ((response: SSEResponse) => unknown) | undefined;
  readonly onRetry?: ((retry: Retry) => unknown) | undefined;
  readonly onComment?: ((text: string) => unknown) | undefined;
  readonly onIgnored?: ((line: string, reason: IgnoredReason) => unknown) | undefined;
  /** Waits that many ms before a reconnection. Default: a timer; blocking: a blocked thread. */
  readonly sleep?: ((ms: number) => unknown) | undefined;
  /** The time, ms since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Options where nothing may be a promise. */
export interface BlockingClientOptions extends SSEClientOptions {
  readonly body?: RequestBody | ((attempt: Attempt) => RequestBody) | undefined;
  readonly headers?: HeadersInput | ((attempt: Attempt) => HeadersInput) | undefined;
  readonly resume?: Resume<Resumption | undefined> | undefined;
  readonly transport?: BlockingTransport | undefined;
}

/** UTF-16 code units kept of a refusal's text: enough for any message, no flood. */
const MAX_ERROR_BODY = 65_536;

/** Longest wait for the text of a refusal, ms, from its headers on: mostly it is there. */
const REFUSAL_LIMIT = 1000;

/** ms: outages that heal by themselves are shorter. */
const IDLE_TIMEOUT = 300_000;

/** Defaults of the clients' own options; times in ms. */
const CLIENT_DEFAULTS: Omit<SSEClientOptions, keyof ReconnectionOptions> = {
  body: undefined,
  json: undefined,
  headers: undefined,
  timeout: 30_000,
  idleTimeout: IDLE_TIMEOUT,
  eventTimeout: Infinity,
  maxEventSize: undefined,
  incomplete: undefined,
  signal: undefined,
  transport: undefined,
  verify: true,
  init: undefined,
  onOpen: undefined,
  onRetry: undefined,
  onComment: undefined,
  onIgnored: undefined,
  sleep: undefined,
  now: Date.now,
};

/** All of them, made when they are needed: bundlers drop no constant that spreads another. */
let allDefaults: SSEClientOptions | undefined;

const FUNCTIONS = [
  'until',
  'resume',
  'random',
  'now',
  'sleep',
  'onOpen',
  'onRetry',
  'onComment',
  'onIgnored',
] as const;

/** Members that `init` must leave to options of that name, or to the client. */
const NOT_IN_INIT = ['method', 'headers', 'body', 'signal', 'redirect', 'cache', 'verify'];

/** Differences between the two kinds of loop, beside the waiting. */
interface Way {
  /** True: it can wait for a promise. */
  readonly waits: boolean;
  /** True: its transport throws what others report by a promise. */
  readonly throws: boolean;
  readonly transport: Transport;
  readonly chunksOf: (body: Body) => Chunks;
  /** Default: the limit of the wait. */
  readonly sleep?: ((ms: number) => unknown) | undefined;
  /** Ends what lives longer than a connection. */
  close?(): void;
}

/** All that is done over one connection, up to the decision on what comes after it. */
type Course = Generator<Operation, Decision, void>;

/**
 * One attempt, from the wait before it to the end of its stream, with all that belongs to it. It
 * owns a response from the moment the transport hands it over, of whatever kind its body is.
 */
class Connection implements Interruptible {
  readonly way: Way;
  /** Reconnection to announce and wait for before it begins; undefined: no longer any. */
  pause: Waiting | undefined;
  phase: 'waiting' | 'connecting' | 'open' | 'closed';
  /** Stays after close(), for what has come and is not handed out yet. */
  parser: PullParser | undefined;
  response: TransportResponse | undefined;
  wait: Wait | undefined;
  /** Promises of observers that the parser has called: the event that follows waits for them. */
  observers: PromiseLike<unknown>[] = [];
  /** Event that waits for those. */
  held: SSEEvent | undefined;
  /** ms of waiting for the next event. */
  waited = 0;
  /** The beginning of what came since the last event and is none. */
  ignored = '';
  unfinished = '';
  /** The transport has thrown where it should have returned a promise. */
  threw = false;
  readonly #controller = new AbortController();
  readonly #unlisten: () => void;
  #chunks: Chunks | undefined;
  #closing: MaybePromise<unknown>;

  /** `onAbort` is called when the signal aborts, as long as the connection is not closed. */
  constructor(
    way: Way,
    pause: Waiting | undefined,
    signal: SignalLike | undefined,
    onAbort: () => void,
  ) {
    this.way = way;
    this.pause = pause;
    this.phase = pause?.retry.delay ? 'waiting' : 'connecting';
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
    this.threw = !this.way.throws;
    const response = this.way.transport(url, request);
    this.threw = false;
    if (!isPromise(response)) return this.#own(response);
    return Promise.resolve(response).then((each) => this.#own(each)); // some settle twice
  }

  #own(response: TransportResponse): void {
    if (this.isClosed) discard(response);
    else this.response = response;
  }

  /** Reads the next chunk of the response's body. */
  reading(limit: number, late?: string): Operation<Part> {
    const chunks = (this.#chunks ??= this.way.chunksOf(bodyIn(Object(this.response))));
    return operation('body', (left) => chunks.next(left, late), this, limit, late);
  }

  /** The response is a stream: what is not readable in this way throws now. */
  open(parser: PullParser, url: string): void {
    this.#chunks = this.way.chunksOf(streamed(bodyIn(Object(this.response)), url));
    this.parser = parser;
    this.phase = 'open';
  }

  /** Keeps the promise of an observer that the parser has called, to be waited for. */
  observed(result: unknown): unknown {
    if (!this.way.waits || !isPromise(result)) return result;
    this.observers.push(result);
    return void quiet(result);
  }

  /** Waits for those observers, where there are some. */
  observing(): Operation | undefined {
    const {observers} = this;
    this.observers = [];
    return observers.length
      ? operation('onComment', () => Promise.all(observers), this)
      : undefined;
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
    const isStuck = this.wait && !this.#chunks?.isStream; // then return() waits for next()
    const closing = this.release();
    if (!isStuck) this.#closing = closing;
    this.#controller.abort();
    this.#unlisten();
    this.wait?.interrupt();
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
export interface AsyncSSEClient<Event extends SSEEvent = SSEEvent>
  extends AsyncDisposes,
    AsyncIterable<Event> {}

/**
 * Follows a URL: `for await (const event of client)`. Nothing is sent before the first `next()`
 * or `open()`. A loop that is left by `break` closes the connection; a later one resumes after
 * the last event handed over. A loop throws SSEHTTPError, SSEConnectionError, SSEError of any
 * other code, the signal's reason, and what the user's own functions throw; TypeError while
 * another loop runs. The constructor throws TypeError and RangeError for wrong options.
 */
export class AsyncSSEClient<Event extends SSEEvent = SSEEvent> {
  readonly #options: SSEClientOptions;
  readonly #given: SSEClientOptions;
  readonly #json: string | undefined;
  readonly #reconnection: Reconnection;
  #way: Way;
  /** The attempt at hand, or the last one. */
  #connection: Connection | undefined;
  /** The loop, or open(), that is on. */
  #loop: Interruptible | undefined;
  /** Closed for good. */
  #isClosed = false;
  #response: SSEResponse | undefined;
  /** The last one that opened a stream, for `resume`. */
  #opened: SSEResponse | undefined;

  constructor(url: URLInput, given: SSEClientOptions = {}) {
    allDefaults ??= {...RECONNECTION_DEFAULTS, ...CLIENT_DEFAULTS};
    const options = settings(given, allDefaults);
    checkOptions(options);
    const {transport = platformFetch, sleep, json} = options;
    const href = hrefOf(url);
    // what other transports make of it is their own business
    const target = transport === platformFetch ? absolute(href) : href;
    const shown = excerpt(withoutUserinfo(href));
    must(target !== undefined, `url must be absolute, http: or https:, got '${shown}'`);
    this.#given = given;
    this.#options = options;
    this.#way = {waits: true, throws: false, transport, chunksOf, sleep};
    this.#json = JSON.stringify(json);
    must(json === undefined || this.#json, 'json must be a value that JSON can express');
    this.#reconnection = new Reconnection(target, reconnectionOptions(options));
    must(
      !(this.#reconnection.reconnects || typeof options.retryStatus === 'function')
        || !isStream(options.body),
      'A stream as body can be sent only'
        + ' once: give a function that returns one, or reconnect: false',
    );
    must(
      options.incomplete !== 'dispatch' || !(this.#reconnection.reconnects || options.resume),
      "incomplete: 'dispatch' is for reconnect: false, the default for POST:"
        + ' the next connection brings a cut event again, whole',
    );
    const {prototype} = AsyncSSEClient;
    onDispose(prototype, 'asyncDispose', function (this: AsyncSSEClient) {
      return this.close();
    });
    hide(prototype, Symbol.for('nodejs.util.inspect.custom'), function (this: AsyncSSEClient) {
      const {url, state, lastEventId} = this;
      return `${this.constructor.name} ${JSON.stringify({url, state, lastEventId})}`;
    });
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
    must(this.#reconnection.mayReconnect, ONE_CONNECTION);
    void this.#connection?.close();
  }

  /**
   * End it, at once and for good: a pending `next()` ends, nothing is delivered any more. Resolves
   * when the socket is let go, or after a second.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    const loop = this.#loop;
    this.#loop = undefined;
    return released(() => this.#release(loop));
  }

  /** The events' data as JSON values, as in EventSource; at `done` the connection is closed. */
  json<Schema extends SchemaLike>(
    options: ValidatedJSONOptions<Schema>,
  ): AsyncIterable<OutputOf<Schema>>;
  json<T = DataOf<Event>>(options?: JSONOptions): AsyncIterable<T>;
  json<T>(options?: AnyJSONOptions<T>): AsyncIterable<T> {
    const make = jsonFrom(options);
    const begin = () => new AsyncLoop(make(this.#supply(this.#way), true));
    return {[Symbol.asyncIterator]: begin};
  }

  /** The events in arrays, as in EventSource. */
  batches(): AsyncIterable<Event[]>;
  batches(): AsyncIterable<SSEEvent[]> {
    return {[Symbol.asyncIterator]: () => new AsyncLoop(inBatches(this.#supply(this.#way)))};
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Event>;
  [Symbol.asyncIterator](): AsyncIterableIterator<SSEEvent> {
    return new AsyncLoop(this.#supply(this.#way));
  }

  /** For SSEClient, whose loops go another way. Nothing that a subclass can replace. */
  protected static supplies(
    client: AsyncSSEClient,
    wayOf: (options: SSEClientOptions) => Way,
  ): Supplies {
    const way = wayOf(client.#options);
    client.#way = {...client.#way, throws: true}; // its transport is a blocking one in both loops
    return {
      loop: (waits) => client.#supply(waits ? client.#way : way),
      opening: () => client.#opening(way),
      unopened: () => client.#unopened(),
    };
  }

  #supply(way: Way, loop = newOwner()): Supply<SSEEvent> {
    return {
      take: () => (this.#loop === loop ? this.#take() : undefined),
      script: this.#script(way, loop),
      asked: undefined,
      owner: loop,
      owed: () => (this.#loop === loop ? this.#connection?.observing() : undefined),
      isLost: () => this.#loop !== loop || this.#options.signal?.aborted === true,
      close: () => this.#leave(loop),
    };
  }

  /** Follows the script of a loop up to the moment when the stream is open. */
  #opening(way: Way): Supply<SSEResponse> {
    const loop = newOwner();
    return {
      ...this.#supply(way, loop),
      take: () => {
        if (this.state !== 'open') return undefined;
        if (this.#loop === loop) this.#loop = undefined; // open, and free for a loop
        return this.#response;
      },
    };
  }

  /** Returns the 204, or throws, where opening led to no stream. */
  #unopened(): SSEResponse {
    if (this.#response?.status === 204) return this.#response;
    throw new SSEError('connection', `The client for ${this.url} was closed`);
  }

  /** Takes one of the events that are here. */
  #take(): SSEEvent | undefined {
    const connection = this.#connection;
    const parser = connection?.parser;
    if (!connection || !parser || connection.observers.length) return undefined;
    const event = connection.held ?? parser.next();
    connection.held = undefined;
    if (this.#hasLost(connection, parser)) return undefined;
    if (connection.observers.length) {
      connection.held = event;
      return undefined;
    }
    if (!event) {
      this.#reconnection.caughtUp(parser);
      return undefined;
    }
    const isLast = this.#reconnection.isLast(event);
    if (this.#hasLost(connection, parser)) return undefined;
    this.#reconnection.delivered(event, isLast);
    connection.waited = 0;
    connection.ignored = '';
    if (isLast) {
      this.#isClosed = true;
      void this.#release();
    }
    return event;
  }

  /** In a callback somebody has left the loop, closed the client or aborted it. */
  #hasLost(connection: Connection, parser: PullParser): boolean {
    return connection.parser !== parser || this.#options.signal?.aborted === true;
  }

  #enter(way: Way, loop: Interruptible): void {
    const connection = this.#connection;
    const isOthers = connection?.phase === 'open' && connection.way !== way;
    must(
      !this.#loop && !isOthers,
      'This client is in a loop already, or openSync() began one for `for … of`,'
        + ' open() one for `for await`: leave that one first',
    );
    this.#loop = loop;
  }

  /** True if that loop has something to do. Throws the signal's reason. */
  #isLive(loop: Interruptible): boolean {
    if (this.#loop !== loop || this.#isClosed) return false;
    const {signal} = this.#options;
    if (signal?.aborted) throw signal.reason;
    return true;
  }

  /** Resolves when the socket is let go. A loop that is over already leaves the next one alone. */
  #leave(loop: Interruptible): MaybePromise<unknown> {
    if (this.#loop !== loop) return undefined;
    this.#loop = undefined;
    return this.#release();
  }

  /** Lets everything go: the connection, what has come over it, what outlives connections. */
  #release(loop = this.#loop): MaybePromise<unknown> {
    loop?.wait?.interrupt();
    const connection = this.#connection;
    if (!connection) return undefined;
    connection.parser = undefined;
    const closing = connection.close();
    connection.way.close?.();
    return closing;
  }

  #begin(way: Way, pause?: Waiting): Connection {
    const {signal} = this.#options;
    return (this.#connection = new Connection(way, pause, signal, () => void this.#release()));
  }

  // The script: what a client does from one connection to the next, whichever way it is followed.
  // Its closures live as long as the errors that they throw: none of them may hold another error.

  *#script(way: Way, loop: Interruptible): Script {
    this.#enter(way, loop);
    while (this.#isLive(loop)) {
      const held = this.#connection;
      const connection = held && !held.isClosed ? held : this.#begin(way);
      const decision = yield* this.#live(connection);
      if (decision) this.#carryOut(connection, decision);
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
      else if (failure) {
        const {threw} = connection;
        step = {done: true, value: this.#reconnection.lost(failure.error ?? null, {threw})};
      } else step = course.next();
    }
    return connection.isClosed ? undefined : step.value; // `random` may have closed it, too
  }

  /** From the wait before an attempt to the end of its stream, or to why there is none. */
  *#course(connection: Connection): Course {
    if (connection.phase !== 'open') {
      const decision = yield* this.#connect(connection);
      if (decision.kind !== 'open') return decision;
    }
    const {idleTimeout, eventTimeout} = this.#limits();
    const isTimed = eventTimeout < Infinity;
    const late = `No event from ${this.url} for ${eventTimeout} ms`;
    const idle = connection.reading(idleTimeout, `No byte from ${this.url} for ${idleTimeout} ms`);
    let read = idle;
    let isDue = false;
    for (;;) {
      let begun = 0;
      if (isTimed) {
        // whoever takes an event has not waited for the next one yet
        yield operation('body', () => {});
        const left = eventTimeout - connection.waited;
        if (isDue && left <= 0) return this.#reconnection.lost(new SSEError('timeout', late));
        isDue = left <= 0;
        // a process that was stopped gets one more look at its socket
        const isNext = left < (idleTimeout || Infinity);
        read = isNext ? connection.reading(Math.max(left, 1), late) : idle;
        begun = this.#now;
      }
      yield read;
      const part = read.result;
      must(part, 'body must have an iterator that returns objects');
      if (part.done) return yield* this.#end(connection);
      // beyond every limit: the server is not to blame for how long that takes
      if (part.seen) yield operation('sink', () => part.seen, connection);
      connection.parser?.write(part.value);
      if (isTimed) connection.waited += Math.max(this.#now - begun, 0);
    }
  }

  /** Asked for each connection: a getter may tell now. */
  #limits(): {idleTimeout: number; eventTimeout: number} {
    const {idleTimeout = IDLE_TIMEOUT, eventTimeout = Infinity} = this.#given;
    mustBeTimes({idleTimeout, eventTimeout});
    return {idleTimeout, eventTimeout};
  }

  *#end(connection: Connection): Course {
    connection.parser?.end();
    const observing = connection.observing();
    if (observing) yield observing;
    yield operation('body', () => {}); // an incomplete event is handed out before it
    const {ignored, unfinished} = connection;
    return this.#reconnection.lost(undefined, {ignored, unfinished});
  }

  *#connect(connection: Connection): Course {
    const final = yield* this.#askResume(connection);
    if (final) return final;
    const {pause} = connection;
    connection.pause = undefined; // or each connection would hold the error of the one before
    if (pause) yield* this.#pause(connection, pause);
    connection.phase = 'connecting';
    this.#reconnection.begin(this.#now);
    const headers = this.#askHeaders(connection);
    yield headers;
    for (;;) {
      const body = this.#askBody(connection); // a redirect's, too
      yield body;
      const [url, request] = this.#request(connection, headers.result, body.result);
      const send = () => connection.send(url, request);
      const {timeout = 0} = this.#options;
      const late = `No response from ${this.url} for ${timeout} ms`;
      yield operation('transport', send, connection, timeout, late);
      const decision = yield* this.#receive(connection);
      if (decision.kind !== 'send') return decision;
      void connection.release();
    }
  }

  /** Asks `resume` how an opened stream goes on. A decision: it does not. */
  *#askResume(connection: Connection): Generator<Operation, Decision | undefined, void> {
    const {resume} = this.#options;
    const response = this.#opened;
    if (!resume || !response) return undefined;
    const ask = () => resume(this.#reconnection.attempt, response);
    const asked = operation('resume', ask, connection);
    yield asked;
    return this.#reconnection.resumeAs(asked.result);
  }

  /** Without `sleep`, the limit is what ends it. */
  *#pause(connection: Connection, {retry, warning}: Waiting): Script {
    const {onRetry} = this.#options;
    const {sleep} = connection.way;
    const {delay} = retry;
    if (onRetry) yield operation('onRetry', () => onRetry(retry), connection);
    else if (warning) platform.console?.warn(warning);
    const wait = () => (sleep ? sleep(delay) : new Promise(() => {}));
    if (delay) yield operation('sleep', wait, connection, sleep ? 0 : delay);
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
      const {method, isResumed, resumedBody} = this.#reconnection;
      if (method === 'GET') return undefined;
      if (isResumed) return resumedBody;
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
    const {method, isResumed} = this.#reconnection;
    const isJSON = this.#json !== undefined && !isResumed;
    const {url, headers} = this.#reconnection.request(
      {
        // Browsers add it for `no-store` by themselves; set by hand it costs a CORS preflight.
        ...(isHere && {'cache-control': 'no-cache'}),
        ...(isJSON && {'content-type': 'application/json'}),
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
    const {status: given, statusCode = given}: Partial<ResponseLike> = Object(response);
    must(
      response && typeof statusCode === 'number',
      'transport must return a response with a status',
    );
    const seen = (this.#response = asResponse(response));
    const {status} = seen;
    const headers = response.headers && seen.headers;
    const decision = this.#reconnection.response(status, headers);
    if (decision.kind === 'read') {
      const text = yield* this.#refusal(connection);
      return this.#reconnection.refused(status, headers, text, this.#now);
    }
    if (decision.kind === 'open') {
      if (this.#options.resume) this.#opened = seen;
      yield operation('onOpen', () => this.#open(connection, seen), connection);
    }
    return decision;
  }

  #open(connection: Connection, response: SSEResponse): unknown {
    const {lastEventId, retry} = this.#reconnection;
    const {maxEventSize, incomplete, onComment, onIgnored} = this.#options;
    const parser = new PullParser({
      lastEventId,
      retry,
      maxEventSize,
      incomplete,
      onComment: onComment && ((text) => connection.observed(onComment(text))),
      onIgnored(line, reason) {
        if (reason === 'incomplete') connection.unfinished = added(connection.unfinished, line);
        else if (reason === 'unknown-field') connection.ignored = added(connection.ignored, line);
        return connection.observed(onIgnored?.(line, reason));
      },
    });
    connection.open(parser, this.url);
    return this.#options.onOpen?.(response);
  }

  /** The text of a refusal, as far as it comes in time. */
  *#refusal(connection: Connection): Generator<Operation, string, void> {
    const decoder = new StreamDecoder();
    const {timeout} = this.#options;
    const limit = Math.min(timeout || REFUSAL_LIMIT, REFUSAL_LIMIT);
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

  #carryOut(connection: Connection, decision: Decision): void {
    void connection.close();
    if (decision.kind === 'fail') throw decision.error;
    if (decision.kind === 'wait') this.#begin(connection.way, decision);
    else this.#isClosed = true;
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** Parts that a loop, or opening a stream for one, is made of. */
interface Supplies {
  loop(waits: boolean): Supply<SSEEvent>;
  opening(): Supply<SSEResponse>;
  unopened(): SSEResponse;
}

/** Throws TypeError or RangeError for an option that cannot be meant: now, not in the loop. */
function checkOptions(options: SSEClientOptions): void {
  const {headers, init, signal, transport = platformFetch, verify = true} = options;
  must(typeof transport === 'function', 'transport must be a function');
  must(typeof verify === 'boolean', 'verify must be a boolean');
  must(
    verify || transport === platformFetch || transport.verifies,
    'that transport does not say that it can accept any certificate (verify: false)',
  );
  checkBody(options);
  for (const name of FUNCTIONS) {
    must(['undefined', 'function'].includes(typeof options[name]), `${name} must be a function`);
  }
  must(init === undefined || isObject(init), 'init must be an object');
  for (const name of NOT_IN_INIT) {
    must(!(name in (init ?? {})), `init must leave \`${name}\` to the client and its options`);
  }
  must(!signal || typeof signal.addEventListener === 'function', 'signal must be an AbortSignal');
  const {timeout, idleTimeout, eventTimeout, maxEventSize, incomplete} = options;
  mustBeTimes({timeout, idleTimeout, eventTimeout});
  new PullParser({maxEventSize, incomplete});
  if (typeof headers !== 'function') validHeaders(headers);
}

function reconnectionOptions(options: SSEClientOptions): ReconnectionOptions {
  const its = Object.entries(options).filter(([name]) => name in RECONNECTION_DEFAULTS);
  return {...Object.fromEntries(its), method: methodOf(options)};
}

function absolute(url: string): string | undefined {
  try {
    const {href} = new URL(url, platform.location?.href);
    return /^https?:/.test(href) ? href : undefined;
  } catch {
    return undefined;
  }
}

export interface SSEClient<Event extends SSEEvent = SSEEvent> extends Disposes, Iterable<Event> {}

/**
 * Follows a URL in both loops: `for (const event of client)` blocks the thread, `for await` does
 * not. Throws what AsyncSSEClient does; its blocking loop also SSEError `unsupported` where a
 * thread cannot wait, and TypeError for promises.
 */
export class SSEClient<Event extends SSEEvent = SSEEvent> extends AsyncSSEClient<Event> {
  readonly #supplies: Supplies;

  constructor(url: URLInput, options: BlockingClientOptions = {}) {
    super(url, options);
    let thread: BlockingFetch | undefined; // kept over reconnections, since threads end slowly
    this.#supplies = AsyncSSEClient.supplies(
      this,
      ({transport, sleep = blockingSleep, timeout, idleTimeout}) => ({
        waits: false,
        throws: true,
        transport(url, request) {
          const send: Transport = transport ?? (thread ??= blockingFetch());
          return send(url, {...request, timeout, idleTimeout}); // no timer can fire: it has to look
        },
        chunksOf: blockingChunksOf,
        sleep,
        close() {
          thread?.close();
          thread = undefined;
        },
      }),
    );
    onDispose(SSEClient.prototype, 'dispose', function (this: SSEClient) {
      void this.close();
    });
  }

  /** `open()` for the blocking loop. */
  openSync(): SSEResponse {
    const {value} = new BlockingLoop(this.#supplies.opening()).next();
    return value ?? this.#supplies.unopened();
  }

  override json<Schema extends SchemaLike>(
    options: ValidatedJSONOptions<Schema>,
  ): BothIterable<OutputOf<Schema>>;
  override json<T = DataOf<Event>>(options?: JSONOptions): BothIterable<T>;
  override json<T>(options?: AnyJSONOptions<T>): BothIterable<T> {
    return bothLoops(this.#supplies.loop, jsonFrom(options));
  }

  override batches(): BothIterable<Event[]>;
  override batches(): BothIterable<SSEEvent[]> {
    return bothLoops(this.#supplies.loop, inBatches);
  }

  [Symbol.iterator](): IterableIterator<Event>;
  [Symbol.iterator](): IterableIterator<SSEEvent> {
    return new BlockingLoop(this.#supplies.loop(false));
  }
}

/** A body that can be sent once only. */
function isStream(body: unknown): boolean {
  return isObject(body) && ('getReader' in body || Symbol.asyncIterator in body || 'next' in body);
}

/** Method that `using` and `await using` call; its key is esbuild's in older runtimes. */
function onDispose(prototype: object, name: 'dispose' | 'asyncDispose', value: unknown): void {
  hide(prototype, platform.Symbol[name] ?? Symbol.for(`Symbol.${name}`), value);
}

/** A method that no listing shows. By the first instance: bundlers drop no class that has more. */
function hide(prototype: object, key: symbol, value: unknown): void {
  if (Object.hasOwn(prototype, key)) return;
  Object.defineProperty(prototype, key, {value, configurable: true, writable: true});
}

/** Text of which a message shows the beginning. */
function added(text: string, line: string): string {
  return text.length > MAX_EXCERPT ? text : `${text} ${line.slice(0, MAX_EXCERPT)}`;
}

// ── 10. Shorthands ────────────────────────────────────────────────────────────────────────────

/**
 * `for (const event of connect(url))`: the blocking loop. Throws SSEError `unsupported` at once
 * where no thread can be blocked, unless there is a transport; else as SSEClient does.
 */
export function connect<Events = unknown>(
  url: URLInput,
  options?: BlockingClientOptions,
): SSEClient<SSEEventOf<Events>> {
  if (!options?.transport) canBlock();
  return new SSEClient(url, options);
}

/** `for await (const event of asyncConnect(url))`. Throws as AsyncSSEClient does. */
export function asyncConnect<Events = unknown>(
  url: URLInput,
  options?: SSEClientOptions,
): AsyncSSEClient<SSEEventOf<Events>> {
  return new AsyncSSEClient(url, options);
}
