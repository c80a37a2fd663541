#!/usr/bin/env node
// ssekit on the command line: follow, parse, record and replay event streams.
//
// Over the public API of sse.ts; for Node, Bun and Deno. Each section uses only those above it:
//
//   1. Text        what people read: no control characters of strangers, errors in one line
//   2. Output      standard output, and one line on the terminal that is drawn over
//   3. Formats     an event as a line of JSON, as its data, or for people
//   4. Bytes       where lines and blocks end, without decoding them
//   5. Input       files, standard input, gzip, zstd, HAR
//   6. Damage      what --strict calls damaged
//   7. Recordings  an event stream with its times in comments
//   8. Server      serves a recording, and drops connections if asked to
//   9. Commands    follow, record, parse, replay, demo
//  10. Arguments
//
// Writes are synchronous: while nobody takes the output nothing is read, and there is nothing to
// lose when the process ends. There are no signal handlers but that of --stats, so Ctrl-C ends it
// at any time, and what is on disk must be right at any time: a kill -9 is no special case.

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {isUtf8} from 'node:buffer';
import {createServer} from 'node:http';
import type {IncomingMessage, Server, ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {resolve} from 'node:path';
import {Readable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {isatty} from 'node:tty';
import {parseArgs} from 'node:util';
import {isMainThread, parentPort, Worker} from 'node:worker_threads';
import * as zlib from 'node:zlib';
import {
  asyncConnect,
  connect,
  EventParser,
  formatEvent,
  httpTransport,
  record,
  SSEError,
} from './sse.js';
import type {Retry, SSEClientOptions, SSEEvent} from './sse.js';

// ── 1. Text ───────────────────────────────────────────────────────────────────────────────────

/** What acts on a terminal or turns its text around; tab and LF are left to each caller. */
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** What a stranger sent, as it may go to a terminal: also right inside of a JSON string. */
function harmless(text: string): string {
  return text.replace(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function oneLine(text: string): string {
  return harmless(text).replaceAll('\n', ' ').replaceAll('\t', ' ');
}

const FAILED = 1;
const USAGE = 2;
const INTERRUPTED = 130;

/** What ends the program with one line and that exit code. */
class Failure extends Error {
  readonly status: number;
  constructor(message: string, status = FAILED) {
    super(message);
    this.status = status;
  }
}

/** Nobody reads standard output any more (`| head`): that is no error. */
class NobodyReads extends Error {}

/** The message, and the causes that tell more: "terminated (other side closed)". */
function reason(error: unknown): string {
  const messages: string[] = [];
  for (let each = error; each instanceof Error && messages.length < 5; each = each.cause) {
    const message = each.message || String(Object(each).code ?? each.name);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
  }
  const [first = String(error), ...causes] = messages;
  const told = first.replace('`verify: false`', '-k'); // as this command calls it
  return told + (causes.length ? ` (${causes.join('; ')})` : '');
}

/** "no such file or directory" out of "ENOENT: no such file or directory, open 'x'". */
function systemReason(error: unknown): string {
  return reason(error).replace(/^[A-Z]+: (.*?), [a-z]+\b.*$/s, '$1');
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function size(bytes: number): string {
  for (const [unit, name] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (bytes >= unit) return `${(bytes / unit).toFixed(1)} ${name}`;
  }
  return `${bytes} B`;
}

const LF = 10;
const CR = 13;
const COLON = 58;

// ── 2. Output ─────────────────────────────────────────────────────────────────────────────────

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** ms until another look at a descriptor that is not ready, as others may have set it up. */
const NOT_READY = 5;

/** Whether that error only means: later. Waits until then. */
function isLater(error: unknown): boolean {
  if (Object(error).code !== 'EAGAIN') return false;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NOT_READY);
  return true;
}

/** Whether that error means that nobody reads: of a pipe, of a socket. */
function hasLeft(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(Object(error).code);
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (!isLater(error)) throw error;
    }
  }
}

/** Gathered up to this many bytes: each write has a fixed price. */
const GATHERED = 262_144;

/** Standard output. Throws NobodyReads, and Failure where a disk is full. */
class Output {
  #buffer = Buffer.allocUnsafe(GATHERED);
  #size = 0;

  /** That text and a LF. */
  addLine(text: string): void {
    const most = 3 * text.length + 1; // bytes of UTF-8 that a UTF-16 code unit can need
    if (this.#size + most > GATHERED) this.flush();
    if (most > GATHERED) {
      this.#write(Buffer.from(`${text}\n`));
    } else {
      this.#size += this.#buffer.write(text, this.#size);
      this.#buffer[this.#size++] = LF;
    }
  }

  flush(): void {
    const size = this.#size;
    this.#size = 0;
    if (size) this.#write(this.#buffer.subarray(0, size));
  }

  #write(bytes: Uint8Array): void {
    statusLine.clear();
    try {
      writeAll(STDOUT, bytes);
    } catch (error) {
      if (hasLeft(error)) throw new NobodyReads();
      throw new Failure(`standard output: ${systemReason(error)}`);
    }
  }
}

/** The last line of the terminal, which is drawn over: figures, progress. */
const statusLine = {
  isTerminal: isatty(STDERR),
  isShown: false,

  /** Only on a terminal. */
  draw(text: string): void {
    if (!this.isTerminal) return;
    this.isShown = true;
    toStderr(`\r\x1b[K${oneLine(text).slice(0, 79)}`);
  },

  clear(): void {
    if (this.isShown) toStderr('\r\x1b[K');
    this.isShown = false;
  },
};

/** There is no one to tell when that fails. */
function toStderr(text: string): void {
  try {
    writeAll(STDERR, Buffer.from(text));
  } catch {
    // closed
  }
}

/** One line to people. */
function say(text: string): void {
  statusLine.clear();
  toStderr(`ssekit: ${oneLine(text)}\n`);
}

// ── 3. Formats ────────────────────────────────────────────────────────────────────────────────

/** Less its last LF. */
type Format = (event: SSEEvent) => string;

/** One JSON object a line; `retry` only if the stream has sent one. */
const asJSON: Format = ({event, data, id, retry}) =>
  `{"event":${JSON.stringify(event)},"data":${JSON.stringify(data)},"id":${JSON.stringify(id)}`
  + (retry === undefined ? '}' : `,"retry":${retry}}`);

const asData: Format = ({data}) => data;

/** For a terminal: time, type and id in a line, below it the data, JSON indented. */
function forPeople(hasColours: boolean, time: () => string): Format {
  const paint = (code: number, text: string) =>
    hasColours && text ? `\x1b[${code}m${text}\x1b[0m` : text;
  return ({event, data, id}) => {
    const head = [
      paint(2, oneLine(time())),
      paint(1, oneLine(event)),
      paint(33, oneLine(id && `#${id}`)),
    ];
    const body = asTree(data, paint) ?? harmless(data);
    return `${head.filter(Boolean).join('  ')}\n${body.replace(/^/gm, '  ')}`;
  };
}

/** UTF-16 code units of JSON that are indented: more is read by no one. */
const MOST_INDENTED = 1_000_000;

/** Levels that are indented: the text grows with their square. */
const MOST_DEEP = 100;

const JSON_TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

/** An object or array of JSON, indented. By its tokens: numbers stay as they were written. */
function asTree(json: string, paint: (code: number, text: string) => string): string | undefined {
  if (!/^\s*[[{]/.test(json) || json.length > MOST_INDENTED) return undefined;
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  const tokens = json.match(JSON_TOKENS) ?? [];
  let text = '';
  let depth = 0;
  const line = () => `\n${'  '.repeat(Math.min(depth, MOST_DEEP))}`;
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1] ?? '';
    if (/^[[{]$/.test(token)) {
      depth++;
      text += token + (/^[\]}]$/.test(next) ? '' : line());
    } else if (/^[\]}]$/.test(token)) {
      depth--;
      text += (/^[[{]$/.test(tokens[at - 1] ?? '') ? '' : line()) + token;
    } else if (token === ',') text += token + line();
    else if (token === ':') text += ': ';
    else text += paint(next === ':' ? 36 : token.startsWith('"') ? 32 : 35, harmless(token));
  }
  return text;
}

/** What the options and the terminal ask for. */
function formatOf(
  options: {data?: boolean; pretty?: boolean; 'no-pretty'?: boolean},
  time: () => string,
): Format {
  const isTerminal = isatty(STDOUT);
  const {NO_COLOR, TERM} = process.env;
  if (!options.data && (options.pretty ?? (isTerminal && !options['no-pretty']))) {
    return forPeople(isTerminal && !NO_COLOR && TERM !== 'dumb', time);
  }
  const format = options.data ? asData : asJSON;
  return isTerminal ? (event) => harmless(format(event)) : format;
}

/** Whether that event is asked for. */
function filterOf(types: readonly string[] = []): (event: SSEEvent) => boolean {
  return types.length ? ({event}) => types.includes(event) : () => true;
}

// ── 4. Bytes ──────────────────────────────────────────────────────────────────────────────────

/** Pieces of lines: chunk[start, end). `after`: where the next line begins; 0: it goes on. */
type OnPiece = (start: number, end: number, after: number) => void;

/** Cuts bytes at the ends of lines: LF, CRLF or CR, which may themselves be cut. */
class Lines {
  #afterCR = false;

  /** Returns where the chunk begins, past the LF of a CR before it. */
  scan(chunk: Uint8Array, onPiece: OnPiece): number {
    const begin = this.#afterCR && chunk[0] === LF ? 1 : 0;
    if (chunk.length) this.#afterCR = false;
    let lf = -1;
    let cr = -1;
    for (let start = begin; start < chunk.length; ) {
      if (lf < start) lf = found(chunk.indexOf(LF, start));
      if (cr < start) cr = found(chunk.indexOf(CR, start));
      const end = Math.min(lf, cr, chunk.length);
      let after = end + 1;
      if (end === chunk.length) after = 0;
      else if (cr < lf && after === chunk.length) this.#afterCR = true;
      else if (cr < lf && lf === after) after++;
      onPiece(start, end, after);
      start = after || chunk.length;
    }
    return begin;
  }
}

const found = (index: number) => (index < 0 ? Infinity : index);

/** Finds where no event is open: there a stream may be cut, and a comment put in. */
class Seams {
  readonly #lines = new Lines();
  #isLineOpen = false;
  /** The block has a line that is no comment. */
  #isBlockOpen = false;

  /**
   * Calls with each such place in the chunk: all before it are whole blocks and comments. Returns
   * where the chunk begins, past the LF of a CR before it.
   */
  find(chunk: Uint8Array, onSeam: (at: number) => void): number {
    const begin = this.#lines.scan(chunk, (start, end, after) => {
      if (!this.#isLineOpen) {
        this.#isBlockOpen = end > start && (this.#isBlockOpen || chunk[start] !== COLON);
      }
      this.#isLineOpen = !after;
      if (after && !this.#isBlockOpen) onSeam(after);
    });
    if (begin && begin === chunk.length && !this.#isBlockOpen) onSeam(begin);
    return begin;
  }
}

/** Drops a byte order mark at the very start. */
async function* withoutBOM(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const drop = dropBOM();
  for await (const chunk of chunks) yield drop(chunk);
}

const BOM = Buffer.from('\ufeff');

function dropBOM(): (chunk: Uint8Array) => Uint8Array {
  let head: Uint8Array | undefined = new Uint8Array(0);
  return (chunk) => {
    if (!head) return chunk;
    head = Buffer.concat([head, chunk]);
    const start = head.subarray(0, BOM.length);
    if (BOM.subarray(0, start.length).equals(start) && start.length < BOM.length) return NOTHING;
    const rest = BOM.equals(start) ? head.subarray(BOM.length) : head;
    head = undefined;
    return rest;
  };
}

const NOTHING = new Uint8Array(0);

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

// ── 5. Input ──────────────────────────────────────────────────────────────────────────────────

/** Bytes read at a time: as many as the parser decodes at a time. */
const READ_BYTES = 65_536;

/** What is to be parsed as one stream. */
interface Input {
  readonly name: string;
  /** Each chunk is good until the next one is asked for. */
  readonly chunks: Chunks;
  /** Somebody may be writing it: what came is to be out at once. */
  readonly isLive: boolean;
}

/** The streams in a file, or in standard input for `-`. */
async function* inputsOf(
  file: string,
  onRead: (share: number) => void = () => {},
): AsyncGenerator<Input> {
  const name = file === '-' ? 'standard input' : file;
  const fd = file === '-' ? STDIN : opened(file, 'r');
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new Failure(`${name}: is a directory`);
    const isLive = !stat.isFile();
    if (/\.har$/i.test(file)) return yield* streamsOfHAR(name, readFileSync(fd, 'utf8'));
    const raw = bytesOf(fd, name, isLive ? () => {} : (bytes) => onRead(bytes / stat.size));
    yield {name, isLive, chunks: decompressed(raw, name)};
  } finally {
    if (fd !== STDIN) closeSync(fd);
  }
}

function opened(file: string, flags: string): number {
  try {
    return openSync(file, flags);
  } catch (error) {
    throw new Failure(`${file}: ${systemReason(error)}`);
  }
}

function* bytesOf(fd: number, name: string, onRead: (bytes: number) => void): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let total = 0; ; ) {
    let length: number;
    try {
      length = readSync(fd, buffer, 0, READ_BYTES, null);
    } catch (error) {
      if (isLater(error)) continue;
      if (Object(error).code === 'EOF') return; // Windows, at the end of a pipe
      throw new Failure(`${name}: ${systemReason(error)}`);
    }
    if (!length) return;
    total += length;
    onRead(total);
    yield buffer.subarray(0, length);
  }
}

/** What compressed files begin with, and what makes text of them. */
const CODINGS = [
  {name: 'gzip', magic: [0x1f, 0x8b], make: zlib.createGunzip},
  {name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], make: zlib.createZstdDecompress},
  // pzstd begins with a frame that is skipped
  {name: 'zstd', magic: [0x50, 0x2a, 0x4d, 0x18], make: zlib.createZstdDecompress},
] as const;

type Coding = (typeof CODINGS)[number];

const MAGIC_BYTES = 4;

async function* decompressed(raw: Generator<Buffer>, name: string): AsyncGenerator<Uint8Array> {
  const head = headOf(raw);
  const coding = CODINGS.find(({magic}) => magic.every((byte, at) => head[at] === byte));
  if (!coding) {
    yield head;
    return yield* raw;
  }
  if (!coding.make) {
    throw new Failure(
      `${name}: this runtime has no ${coding.name} (Node has from 22.15 on):`
        + ` use zstd -dc ${name} | ssekit parse`,
    );
  }
  let total = 0;
  try {
    for await (const chunk of unpacked(head, raw, coding)) {
      total += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!/^Z_|ZSTD/.test(String(Object(error).code))) throw error;
    throw new Failure(
      `${name}: damaged ${coding.name} data after byte ${total} of its text: ${reason(error)}`,
    );
  }
}

/** Enough bytes to know the coding by; a pipe may bring them one by one. */
function headOf(raw: Generator<Buffer>): Buffer {
  let head = Buffer.alloc(0);
  while (head.length < MAGIC_BYTES) {
    const next = raw.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

/** A stream's output; its input is copied, since it reads ahead. */
async function* unpacked(
  head: Buffer,
  raw: Generator<Buffer>,
  {name, make}: Coding,
): AsyncGenerator<Buffer> {
  const frames = name === 'zstd' ? new Frames() : undefined;
  const cut = (chunk: Buffer) => frames?.cut(chunk) ?? [chunk];
  const pieces = function* () {
    yield* cut(head);
    for (const chunk of raw) yield* cut(Buffer.from(chunk));
  };
  const stream = make();
  yield* Readable.from(pieces())
    .on('error', (error) => stream.destroy(error))
    .pipe(stream);
  if (frames?.isOpen) throw damagedFrame('unexpected end of file');
}

/**
 * Where the frames of zstd data end (RFC 8878, section 3.1). Given more than one at a time, Node
 * before 26 and Deno unpack the first and drop the others; some take one that is cut for whole.
 */
class Frames {
  isOpen = false;
  #item = Buffer.alloc(0);
  readonly #layout = frameLayout();
  #step = this.#layout.next().value;

  *cut(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      const end = Math.min(chunk.length, at + this.#step.size - this.#item.length);
      this.isOpen = true;
      if (this.#step.kind === 'read') {
        this.#item = Buffer.concat([this.#item, chunk.subarray(at, end)]);
        if (this.#item.length === this.#step.size) this.#next();
      } else {
        this.#step = {...this.#step, size: this.#step.size - (end - at)};
      }
      at = end;
      while (!this.#step.size) this.#next();
      if (this.isOpen) continue;
      yield chunk.subarray(start, at);
      start = at;
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  #next(): void {
    this.#step = this.#layout.next(this.#item).value;
    this.#item = Buffer.alloc(0);
    if (this.#step.kind === 'end') this.isOpen = false;
  }
}

interface Step {
  readonly kind: 'read' | 'skip' | 'end';
  readonly size: number;
}

function* frameLayout(): Generator<Step, never, Buffer> {
  const read = (size: number): Step => ({kind: 'read', size});
  const skip = (size: number): Step => ({kind: 'skip', size});
  for (;;) {
    const magic = (yield read(4)).readUInt32LE();
    if (magic >>> 4 === 0x184d2a5) {
      // skippable
      yield skip((yield read(4)).readUInt32LE());
    } else if (magic === 0xfd2fb528) {
      const flags = (yield read(1)).readUInt8();
      const isSingle = (flags >> 5) & 1;
      const sizeBytes = flags >> 6 ? 1 << (flags >> 6) : isSingle;
      yield skip(1 - isSingle + ((1 << (flags & 3)) >> 1) + sizeBytes);
      for (let isLast = 0; !isLast; ) {
        const block = (yield read(3)).readUIntLE(0, 3);
        isLast = block & 1;
        yield skip(((block >> 1) & 3) === 1 ? 1 : block >> 3);
      }
      if (flags & 4) yield skip(4);
    } else throw damagedFrame('no frame begins here');
    yield {kind: 'end', size: 0};
  }
}

function damagedFrame(message: string): Error {
  return Object.assign(new Error(message), {code: 'Z_DATA_ERROR'});
}

/** As much of an entry of a HTTP archive as is needed. */
interface Entry {
  readonly request?: {readonly url?: string};
  readonly response?: {
    readonly content?: {
      readonly mimeType?: string;
      readonly text?: string;
      readonly encoding?: string;
    };
  };
}

/** The event streams among the responses that a browser has saved. */
function* streamsOfHAR(name: string, json: string): Generator<Input> {
  let entries: readonly (Entry | null)[];
  try {
    entries = JSON.parse(json.replace(/^\ufeff/, '')).log.entries;
    if (!Array.isArray(entries)) throw new TypeError();
  } catch {
    throw new Failure(`${name}: no HTTP archive: JSON with log.entries is expected`);
  }
  for (const [at, each] of entries.entries()) {
    const {mimeType = '', text, encoding} = each?.response?.content ?? {};
    if (!/^\s*text\/event-stream\s*(;|$)/i.test(mimeType)) continue;
    const entry = `${name}, entry ${at} (${each?.request?.url ?? 'no URL'})`;
    if (typeof text !== 'string') say(`${entry}: its body was not saved`);
    const bytes = Buffer.from(`${text ?? ''}`, encoding === 'base64' ? 'base64' : 'utf8');
    yield {name: entry, isLive: false, chunks: [bytes]};
  }
}

// ── 6. Damage ─────────────────────────────────────────────────────────────────────────────────
// A parser takes anything (the specification says so). Damaged is what it would have to drop or
// to replace: bytes that are no UTF-8, a line that is neither a field nor a comment, a `retry`
// that is no number, an `id` with NUL, and an end inside a line or a block.

class Damage extends Error {
  /** Where the damaged line, or the unfinished block, begins. */
  readonly offset: number;
  constructor(offset: number, line: number, what: string) {
    super(`byte ${offset}, line ${line}: ${what}`);
    this.offset = offset;
  }
}

/** Looks at bytes before they are parsed. Throws Damage. */
class Inspector {
  readonly #lines = new Lines();
  /** The beginning of a line that goes on. */
  #head: Uint8Array[] = [];
  #total = 0;
  #line = 1;
  #lineStart = 0;
  /** Where the block that is open began, and in which line. */
  #block: {readonly offset: number; readonly line: number} | undefined;

  write(chunk: Uint8Array): void {
    const offset = this.#total;
    this.#total += chunk.length;
    const isSound = isUtf8(chunk); // mostly, and then no line needs to be looked at for it
    this.#lines.scan(chunk, (start, end, after) => {
      const piece = chunk.subarray(start, end);
      if (!this.#head.length) this.#lineStart = offset + start;
      if (!after) return void this.#head.push(Buffer.from(piece));
      if (this.#head.length) this.#check(Buffer.concat([...this.#head, piece]), false);
      else this.#check(piece, isSound);
      this.#head = [];
      this.#line++;
    });
  }

  end(): void {
    if (this.#head.length) this.#check(Buffer.concat(this.#head), false);
    const {offset, line} = this.#block ?? {offset: this.#lineStart, line: this.#line};
    if (this.#head.length || this.#block) {
      throw new Damage(offset, line, 'the input ends inside this event');
    }
  }

  #check(received: Uint8Array, isSound: boolean): void {
    const hasBOM = this.#line === 1 && BOM.equals(received.subarray(0, BOM.length));
    const line = hasBOM ? received.subarray(BOM.length) : received;
    const damage = !isSound && !isUtf8(line) ? 'invalid UTF-8' : damageOf(line);
    if (damage) throw new Damage(this.#lineStart, this.#line, damage);
    if (!line.length) this.#block = undefined;
    else if (line[0] !== COLON) {
      this.#block ??= {offset: this.#lineStart, line: this.#line};
    }
  }
}

const DATA = [...Buffer.from('data')];

/** What is wrong with a line; undefined: nothing. */
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
  if (name === 'retry' && !/^ ?[0-9]+$/.test(value)) return 'a retry that is no number';
  return name === 'id' && value.includes('\0') ? 'an id with NUL' : undefined;
}

// ── 7. Recordings ─────────────────────────────────────────────────────────────────────────────
// A recording is an event stream like any other. Its times are comments, only where no event is
// open: `: ssekit connection TIME` where a connection begins, `: ssekit TIME` before what came
// then. Only whole blocks are written: what a lost connection left unfinished is no event, and
// must not become one with what comes next.

const STAMP = /^ssekit (connection )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** Bytes of one block that are kept until it is whole. */
const MOST_PENDING = 2 ** 28;

/** A file that a stream is recorded to, or added to. */
class Recording {
  /** Where the next request resumes. */
  readonly lastEventId: string;
  readonly #file: string;
  readonly #fd: number;
  /** The file's length after the last whole write. */
  #size: number;
  #seams = new Seams();
  #drop = dropBOM();
  /** As one: a server may send a block in millions of pieces. */
  #pending: Uint8Array = NOTHING;
  #pendingSize = 0;
  #stamp = '';

  private constructor(file: string, fd: number, size: number, lastEventId: string) {
    this.#file = file;
    this.#fd = fd;
    this.#size = size;
    this.lastEventId = lastEventId;
  }

  /** `-` is standard output. */
  static async open(file: string): Promise<Recording> {
    if (file === '-') {
      if (isatty(STDOUT)) throw new Failure('standard output is a terminal: record to a file');
      return new Recording('standard output', STDOUT, 0, '');
    }
    const fd = opened(file, 'a+');
    if (!fstatSync(fd).isFile()) return new Recording(file, fd, 0, '');
    const {size, lastEventId, isOurs} = await readRecording(fd, file);
    const isWhole = size === fstatSync(fd).size;
    if (!isWhole && !isOurs) {
      throw new Failure(
        `${file}: is no recording of ssekit, and ends inside an event: record to another file`,
      );
    }
    if (!isWhole) ftruncateSync(fd, size); // a write that was cut short: it is asked for again
    return new Recording(file, fd, size, lastEventId);
  }

  /** A connection has opened. */
  begin(): void {
    this.#seams = new Seams();
    this.#drop = dropBOM();
    this.#forget();
    this.#stamp = new Date().toISOString();
    this.#write([Buffer.from(`: ssekit connection ${this.#stamp}\n`)]);
  }

  write(received: Uint8Array): void {
    const chunk = this.#drop(received);
    let whole = 0;
    const begin = this.#seams.find(chunk, (at) => (whole = at));
    const isBetween = !this.#pendingSize;
    if (whole) {
      const stamp = new Date().toISOString();
      const head = begin && isBetween ? chunk.subarray(0, begin) : NOTHING;
      const isNew = stamp !== this.#stamp && whole > head.length;
      if (isNew) this.#stamp = stamp;
      const time = Buffer.from(isNew ? `: ssekit ${stamp}\n` : '');
      const pending = this.#pending.subarray(0, this.#pendingSize);
      this.#write([head, time, pending, chunk.subarray(head.length, whole)]);
      this.#forget();
    }
    if (whole === chunk.length) return;
    const needed = this.#pendingSize + chunk.length - whole;
    if (needed > MOST_PENDING) {
      throw new Failure(`${this.#file}: a block above ${size(MOST_PENDING)} is not recorded`);
    }
    if (needed > this.#pending.length) {
      const larger = Buffer.allocUnsafe(2 * needed);
      larger.set(this.#pending.subarray(0, this.#pendingSize));
      this.#pending = larger;
    }
    this.#pending.set(chunk.subarray(whole), this.#pendingSize);
    this.#pendingSize = needed;
  }

  #forget(): void {
    if (this.#pending.length > GATHERED) this.#pending = NOTHING;
    this.#pendingSize = 0;
  }

  #write(parts: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(parts);
    try {
      writeAll(this.#fd, bytes);
      this.#size += bytes.length;
    } catch (error) {
      if (this.#fd === STDOUT && hasLeft(error)) throw new NobodyReads();
      this.#undo();
      throw new Failure(`${this.#file}: ${systemReason(error)}`);
    }
  }

  /** A full disk may have taken a part. */
  #undo(): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      // no regular file
    }
  }
}

/** How far a recording is whole, and its last event ID. */
async function readRecording(
  fd: number,
  name: string,
): Promise<{size: number; lastEventId: string; isOurs: boolean}> {
  const parser = new EventParser();
  const seams = new Seams();
  let size = 0;
  let total = 0;
  let isOurs = false;
  for (const chunk of bytesOf(fd, name, () => {})) {
    if (!total) {
      isOurs = /^: ssekit connection /.test(chunk.toString('latin1', 0, 30));
      if (CODINGS.some(({magic}) => magic.every((byte, at) => chunk[at] === byte))) {
        throw new Failure(`${name}: is compressed: record to another file`);
      }
    }
    seams.find(chunk, (at) => (size = total + at));
    parser.feed(chunk, () => {});
    total += chunk.length;
  }
  return {size, lastEventId: parser.lastEventId, isOurs};
}

/** The last event ID on disk. */
class ResumePoint {
  id = '';
  readonly #file: string;
  constructor(file: string) {
    this.#file = file;
    try {
      const bytes = readFileSync(file);
      this.id = bytes.toString().replace(/\r?\n$/, '');
      if (!isUtf8(bytes) || /[\0\r\n]/.test(this.id)) {
        // it would be overwritten
        throw new Failure(`${file}: is no event ID, which is one line: resume from another file`);
      }
      this.#file = realpathSync(file); // a link stays one
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (Object(error).code !== 'ENOENT') throw new Failure(`${file}: ${systemReason(error)}`);
    }
    this.#write(this.id); // now, not after the first event, it is to be found out that it fails
  }

  /** That event is out. */
  set(id: string): void {
    if (id === this.id) return;
    this.id = id;
    this.#write(id);
  }

  /** There is always a whole id in the file. */
  #write(id: string): void {
    try {
      writeFileSync(`${this.#file}.new`, id);
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      throw new Failure(`${this.#file}: ${systemReason(error)}`);
    }
  }
}

// ── 8. Server ─────────────────────────────────────────────────────────────────────────────────

/** A piece of a recording that is sent in one go: a block, or a comment. */
interface Block {
  readonly bytes: Uint8Array;
  /** ms to wait before it. */
  readonly gap: number;
  /** The last event ID once it was sent. */
  readonly id: string;
  readonly isEvent: boolean;
}

/** What a recording consists of, less its times; what is unfinished at its end is left out. */
async function blocksOf(file: string): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const {chunks} of inputsOf(file)) {
    let isStamp = false;
    let time: number | undefined;
    let gap = 0;
    const parser = new EventParser({
      onComment(text) {
        const [, isConnection, stamp] = STAMP.exec(text) ?? [];
        const now = Date.parse(stamp ?? '');
        if (Number.isNaN(now)) return;
        isStamp = true;
        if (!isConnection && time !== undefined) gap += Math.max(0, now - time);
        time = now;
      },
    });
    const add = (bytes: Uint8Array) => {
      isStamp = false;
      const isEvent = parser.feed(bytes).length > 0;
      if (isStamp && !isEvent) return;
      blocks.push({bytes, gap, id: parser.lastEventId, isEvent});
      gap = 0;
    };
    const seams = new Seams();
    let pending: Uint8Array[] = [];
    for await (const chunk of withoutBOM(chunks)) {
      let start = 0;
      seams.find(chunk, (at) => {
        add(Buffer.concat([...pending, chunk.subarray(start, at)]));
        pending = [];
        start = at;
      });
      if (start < chunk.length) pending.push(Buffer.from(chunk.subarray(start)));
    }
  }
  return blocks;
}

/** How a connection goes wrong. */
type Fault =
  | {readonly kind: 'status'; readonly status: number; readonly retryAfter: number}
  /** After that many events: `cut` inside of the next one, `reset`, or a clean `end`. */
  | {readonly kind: 'cut' | 'reset' | 'end'; readonly after: number};

interface Service {
  readonly blocks: readonly Block[];
  /** 2: in half the time; 0: at once. */
  readonly speed: number;
  readonly loops: boolean;
  /** For the n-th connection to a path, from 0. */
  readonly faultOf: (connection: number) => Fault | undefined;
  readonly log: (text: string) => void;
}

/** ms that bytes get to arrive before a connection is dropped: a reset overtakes them. */
const BEFORE_DROP = 20;

/** The longest delay that a timer takes, ms. */
const MAX_DELAY = 2 ** 31 - 1;

function serverOf(service: Service): Server {
  const connections = new Map<string, number>();
  return createServer({noDelay: true}, (request, response) => {
    const {method, url = '/'} = request;
    request.resume();
    response.on('error', () => {}); // the client has gone
    allow(request, response);
    if (method === 'OPTIONS') return void response.writeHead(204).end();
    const last = Buffer.from(String(request.headers['last-event-id'] ?? ''), 'latin1').toString();
    const start = startAfter(last, service);
    const where = start ? `after ${last}` : 'from the start';
    if (start === undefined) {
      service.log(`${method} ${url}: nothing after ${last} (204)`);
      return void response.writeHead(204).end();
    }
    const connection = connections.get(url) ?? 0;
    connections.set(url, connection + 1);
    const fault = service.faultOf(connection);
    service.log(`${method} ${url}: ${where}`);
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, {'retry-after': `${fault.retryAfter}`});
      return void response.end('busy');
    }
    response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-store'});
    response.flushHeaders();
    if (method === 'HEAD') return void response.end();
    void sendBlocks(response, start, service, fault);
  });
}

/** Any page may read it, and ask with the headers that it wants: CORS. */
function allow({headers}: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', headers.origin ?? '*');
  if (headers.origin) response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('vary', 'origin');
  const method = headers['access-control-request-method'];
  if (method) response.setHeader('access-control-allow-methods', method);
  const wanted = headers['access-control-request-headers'];
  if (wanted) response.setHeader('access-control-allow-headers', wanted);
  if (method) response.setHeader('access-control-max-age', '600');
}

/** The block that a client goes on with; undefined: it has all events. Unknown ids: the first. */
function startAfter(last: string, {blocks, loops}: Service): number | undefined {
  const start = last ? blocks.findIndex(({id}) => id === last) + 1 : 0;
  if (start && loops) return start % blocks.length;
  return blocks.some(({isEvent}, at) => isEvent && at >= start) ? start : undefined;
}

/** From that block on, and again from the first one if the recording loops. */
function* blocksFrom(start: number, {blocks, loops}: Service): Generator<Block> {
  yield* blocks.slice(start);
  while (loops) yield* blocks;
}

async function sendBlocks(
  response: ServerResponse,
  start: number,
  service: Service,
  fault?: Fault,
): Promise<void> {
  const {speed, log} = service;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let events = 0;
  const drops = fault && fault.kind !== 'status' ? fault : undefined;
  try {
    for (const {bytes, gap, isEvent} of blocksFrom(start, service)) {
      if (gap && speed) await pause(gap / speed, gone.signal);
      if (drops && isEvent && events >= drops.after) {
        log(`dropped after ${events} events (${drops.kind})`);
        return await dropConnection(response, bytes, drops.kind, gone.signal);
      }
      if (isEvent) events++;
      if (!response.write(bytes)) await drained(response);
      if (gone.signal.aborted) return;
    }
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

/** Throws when the client has gone. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, MAX_DELAY), undefined, {signal});
}

/** Also when it is closed before; a stream that often waits keeps no listener of either. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

async function dropConnection(
  response: ServerResponse,
  next: Uint8Array,
  kind: 'cut' | 'reset' | 'end',
  signal: AbortSignal,
): Promise<void> {
  if (kind === 'end') return void response.end();
  if (kind === 'cut') response.write(next.subarray(0, next.length >> 1));
  await pause(BEFORE_DROP, signal);
  if (kind === 'reset') response.socket?.resetAndDestroy();
  else response.socket?.destroy();
}

/** Resolves with the server's URL. */
function listening(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        Object(error).code === 'EADDRINUSE'
          ? new Failure(`port ${port} is taken: --port 0 finds a free one`)
          : error,
      ),
    );
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    });
  });
}

// ── 9. Commands ───────────────────────────────────────────────────────────────────────────────

/** What --stats shows. */
class Stats {
  events = 0;
  bytes = 0;
  reconnections = 0;
  readonly #begun = performance.now();
  #last = this.#begun;
  #heard = this.#begun;
  #seen = 0;
  #rate = 0;

  /** Draws each second, and for the last time when it ends, also by Ctrl-C. */
  begin(): () => void {
    const timer = setInterval(() => statusLine.draw(this.#text()), 1000);
    timer.unref();
    const end = () => {
      clearInterval(timer);
      say(`${this.#sum()} in ${seconds(performance.now() - this.#begun)}`);
    };
    process.once('SIGINT', () => {
      end();
      process.exit(INTERRUPTED);
    });
    return end;
  }

  received(bytes: number): void {
    this.bytes += bytes;
    this.#heard = performance.now();
  }

  #sum(): string {
    return `${this.events} events, ${size(this.bytes)}, ${this.reconnections} reconnections`;
  }

  #text(): string {
    const now = performance.now();
    if (now - this.#last > 500) {
      this.#rate = (1000 * (this.events - this.#seen)) / (now - this.#last);
      this.#last = now;
      this.#seen = this.events;
    }
    return `${this.#sum()}, ${this.#rate.toFixed(1)}/s, silent for ${seconds(now - this.#heard)}`;
  }
}

interface Following {
  readonly url: string;
  readonly options: SSEClientOptions;
  /** Undefined: nothing goes to standard output. */
  readonly format: Format | undefined;
  readonly isWanted: (event: SSEEvent) => boolean;
  readonly resumeFile: string | undefined;
  readonly recordFile: string | undefined;
  readonly showsStats: boolean | undefined;
}

async function follow(following: Following): Promise<void> {
  const {url, options, format, isWanted, resumeFile, recordFile} = following;
  const stats = new Stats();
  let recording: Recording | undefined;
  const transport = record(httpTransport(), (chunk) => {
    if (client.state !== 'open') return; // the body of a refusal
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    stats.received(bytes.length);
    recording?.write(bytes);
  });
  const onOpen = () => {
    say(`connected to ${url}`);
    recording?.begin();
  };
  const onRetry = (retry: Retry) => {
    stats.reconnections++;
    say(lossOf(retry));
  };
  check(url, options); // before a file is touched
  const point = resumeFile === undefined ? undefined : new ResumePoint(resumeFile);
  recording = recordFile === undefined ? undefined : await Recording.open(recordFile);
  const lastEventId = point?.id || recording?.lastEventId || options.lastEventId;
  const client = asyncConnect(url, {...options, lastEventId, transport, onOpen, onRetry});

  const output = new Output();
  const end = following.showsStats ? stats.begin() : () => {};
  try {
    for await (const event of client) {
      stats.events++;
      if (format && isWanted(event)) output.addLine(format(event));
      output.flush(); // at once, and before more is asked for: no timeout runs while this waits
      point?.set(event.id);
    }
  } finally {
    end();
  }
}

/** With the default transport: that knows what a URL is. */
function check(url: string, options: SSEClientOptions): void {
  try {
    asyncConnect(url, options);
  } catch (error) {
    throw new Failure(reason(error), USAGE);
  }
}

function lossOf({reason, attempt, delay, lastEventId}: Retry): string {
  const where = lastEventId ? `after ${lastEventId}` : 'from the start';
  return `${reason}; attempt ${attempt} in ${Math.round(delay)} ms, to go on ${where}`;
}

interface Parsing {
  readonly files: readonly string[];
  readonly formatWith: (time: () => string) => Format;
  readonly isWanted: (event: SSEEvent) => boolean;
  readonly isStrict: boolean;
}

async function parse({files, formatWith, isWanted, isStrict}: Parsing): Promise<void> {
  const output = new Output();
  for (const file of files) {
    const onRead = progressOf(file);
    for await (const input of inputsOf(file, onRead)) {
      let stamp = '';
      const format = formatWith(() => stamp);
      const parser = new EventParser({
        // what nobody looks at costs time
        ...(format !== asJSON
          && format !== asData && {
            onComment(text: string) {
              stamp = STAMP.exec(text)?.[2] ?? stamp;
            },
          }),
      });
      const take = (event: SSEEvent) => {
        if (isWanted(event)) output.addLine(format(event));
      };
      try {
        await parseInput(
          input,
          (chunk) => {
            parser.feed(chunk, take);
            if (input.isLive) output.flush();
          },
          isStrict ? new Inspector() : undefined,
        );
      } finally {
        output.flush();
        statusLine.clear();
      }
    }
  }
}

async function parseInput(
  {name, chunks}: Input,
  feed: (chunk: Uint8Array) => void,
  inspector: Inspector | undefined,
): Promise<void> {
  let total = 0;
  let chunk: Uint8Array = NOTHING;
  try {
    for await (chunk of chunks) {
      inspector?.write(chunk);
      feed(chunk);
      total += chunk.length;
    }
    inspector?.end();
  } catch (error) {
    if (error instanceof SSEError) throw new Failure(`${name}: ${error.message}`);
    if (!(error instanceof Damage)) throw error;
    if (error.offset > total) feed(chunk.subarray(0, error.offset - total)); // what is sound
    throw new Failure(`${name}: ${error.message}`);
  }
}

/** ms between two drawings of the bar. */
const PROGRESS = 100;

/** Draws a bar where it disturbs no output. */
function progressOf(file: string): (share: number) => void {
  if (!statusLine.isTerminal || isatty(STDOUT) || file === '-') return () => {};
  let last = 0;
  return (share) => {
    const now = performance.now();
    if (now - last < PROGRESS) return;
    last = now;
    const done = Math.floor(40 * share);
    statusLine.draw(`[${'#'.repeat(done).padEnd(40)}] ${Math.floor(100 * share)} %  ${file}`);
  };
}

interface Replaying {
  readonly file: string;
  readonly port: number;
  readonly speed: number;
  readonly loops: boolean;
  /** Events after which a connection is dropped; undefined: none is. */
  readonly dropEvery: number | undefined;
}

/** Serves until it is interrupted. */
async function replay({file, port, speed, loops, dropEvery}: Replaying): Promise<void> {
  const blocks = await blocksOf(file);
  const events = blocks.filter(({isEvent}) => isEvent).length;
  if (!events) throw new Failure(`${file}: holds no event`);
  const server = serverOf({
    blocks,
    speed,
    loops,
    log: say,
    faultOf: () => (dropEvery === undefined ? undefined : {kind: 'cut', after: dropEvery}),
  });
  const url = await listening(server, port);
  const known = new Set(['']);
  const unnumbered = blocks.filter(({id, isEvent}) => {
    const isNew = !known.has(id);
    known.add(id);
    return isEvent && !isNew;
  }).length;
  if (unnumbered) {
    say(
      `${unnumbered} of ${events} events have no id of their own: clients that reconnect get`
        + ' them again',
    );
  }
  const took = blocks.reduce((sum, {gap}) => sum + gap, 0);
  say(`${events} events of ${seconds(took)} from ${file}; Ctrl-C ends it`);
  writeAll(STDOUT, Buffer.from(`${url}\n`));
  await new Promise((_, reject) => server.once('error', reject));
}

// A day on which a server keeps its history and its promises, but not its connections.

const ORDERS = [
  ['order', 'nine coffees, one tea'],
  ['paid', '€ 31.50'],
  ['order', 'a birthday cake 🎂'],
  ['note', 'no nuts, please\ncandles: 7'],
  ['paid', '€ 24.00'],
  ['ready', 'nine coffees, one tea'],
  ['order', 'soup of the day'],
  ['paid', '€ 6.20'],
  ['ready', 'soup of the day'],
  ['ready', 'a birthday cake 🎂'],
  ['order', 'the usual'],
  ['closed', 'see you tomorrow'],
].map(([event, data], at) => ({id: `${at + 1}`, event, data}));

/** What happens to the first, second, … connection; later ones are served in full. */
const BAD_DAY: readonly Fault[] = [
  {kind: 'cut', after: 4},
  {kind: 'status', status: 503, retryAfter: 1},
  {kind: 'reset', after: 3},
  {kind: 'end', after: 2}, // a clean end, although there is more: proxies do that
];

/** In a thread of its own: the blocking loop stops the main one. Posts the server's URL. */
async function serveBadDay(): Promise<void> {
  const blocks = ORDERS.map(
    (order, at): Block => ({
      bytes: Buffer.from(formatEvent({...order, ...(!at && {retry: 300})})),
      gap: 60,
      id: order.id,
      isEvent: true,
    }),
  );
  const server = serverOf({
    blocks,
    speed: 1,
    loops: false,
    faultOf: (connection) => BAD_DAY[connection],
    log: () => {},
  });
  parentPort?.postMessage(await listening(server, 0));
}

async function demo(): Promise<void> {
  const output = new Output();
  const print = (text: string) => {
    output.addLine(text);
    output.flush();
  };
  const thread = new Worker(new URL(import.meta.url));
  try {
    const url = await new Promise<string>((resolve, reject) => {
      thread.once('message', resolve).once('error', reject);
    });
    // Short limits: if the server is gone for good, this is to fail within seconds.
    const options = {
      onRetry: (retry: Retry) => print(`        ~  ${oneLine(lossOf(retry))}`),
      maxRetries: 5,
      maxRetryInterval: 2000,
      timeout: 5000,
      idleTimeout: 5000,
    };
    const received: SSEEvent[] = [];
    const take = (event: SSEEvent) => {
      const {id, event: type, data} = event;
      print(`  ${id.padStart(7)}  ${type.padEnd(8)}  ${oneLine(data.replaceAll('\n', ' ⏎ '))}`);
      // a client that gets everything twice, for ever, ends too
      return received.push(event) < 2 * ORDERS.length;
    };

    print(`The async loop:     for await (const event of asyncConnect('${url}async'))`);
    for await (const event of asyncConnect(`${url}async`, options)) if (!take(event)) break;
    print(verdictOn(received.splice(0)));

    print(`The blocking loop:  for (const event of connect('${url}blocking'))`);
    for (const event of connect(`${url}blocking`, options)) if (!take(event)) break;
    print(verdictOn(received.splice(0)));
  } finally {
    await thread.terminate();
  }
}

/** Compares what came with what was sent; an event that came damaged is lost. */
function verdictOn(received: readonly SSEEvent[]): string {
  const text = ({id, event, data}: Pick<SSEEvent, 'id' | 'event' | 'data'>) =>
    JSON.stringify([id, event, data]);
  const came = received.map(text);
  const sent = ORDERS.map(({id, event = '', data = ''}) => text({id, event, data}));
  const lost = sent.filter((each) => !came.includes(each)).length;
  const twice = came.filter((each, at) => came.indexOf(each) < at).length;
  const verdict = `${received.length} events, ${lost} lost, ${twice} twice\n`;
  if (came.join() === sent.join()) return verdict; // order, and none that never was
  throw new Failure(`${verdict.trim()}: this is not what the server sent, in that order`);
}

// ── 10. Arguments ─────────────────────────────────────────────────────────────────────────────

const HELP = `Usage: ssekit URL [options]              follow an event stream
       ssekit parse [FILE…|-] [options]  read logs, also .gz, .zst and .har
       ssekit record URL FILE [options]  write a stream as it comes, with times
       ssekit replay FILE [options]      serve a recording on 127.0.0.1
       ssekit demo                       lose connections, but no event
Events (URL, parse): one JSON object a line, or
  --data        their data only          --pretty, --no-pretty  for people;
  --event NAME  only these; repeatable                 default on a terminal
Requests (URL, record):
  -X METHOD   -H 'NAME: VALUE'   -d TEXT|@FILE|-   --json TEXT|@FILE|-
  -k            accept any certificate   --once           its end is the end
  --until TEXT  ends with that data      --max-retries N  without an event
                or event type            --timeout S      seconds to headers
  --last-event-id ID  go on after it     --idle-timeout S seconds of silence
  --resume FILE keep the last event ID   --record FILE    record as well (URL)
                and go on there (URL)    --stats          figures on stderr
parse:
  --strict      exit 1 at the first damage, and say at which byte
replay:
  --port N      8080; 0: a free one      --speed X        1; 0: at once
  --drop-every N  drop connections       --loop           again and again
                  after N events
Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted
`;

const FLAG = {type: 'boolean'} as const;
const TEXT = {type: 'string'} as const;
const TEXTS = {type: 'string', multiple: true} as const;

const OPTIONS = {
  help: {...FLAG, short: 'h'},
  data: FLAG,
  pretty: FLAG,
  'no-pretty': FLAG,
  event: TEXTS,
  request: {...TEXT, short: 'X'},
  header: {...TEXTS, short: 'H'},
  body: {...TEXT, short: 'd'},
  json: TEXT,
  insecure: {...FLAG, short: 'k'},
  once: FLAG,
  until: TEXT,
  'last-event-id': TEXT,
  'max-retries': TEXT,
  timeout: TEXT,
  'idle-timeout': TEXT,
  stats: FLAG,
  resume: TEXT,
  record: TEXT,
  strict: FLAG,
  port: TEXT,
  speed: TEXT,
  loop: FLAG,
  'drop-every': TEXT,
} as const;

type Name = keyof typeof OPTIONS;
type Values = ReturnType<typeof parseArgs<{options: typeof OPTIONS}>>['values'];

const EVENTS = ['data', 'pretty', 'no-pretty', 'event'] as const;
const REQUEST = [
  'request',
  'header',
  'body',
  'json',
  'insecure',
  'once',
  'until',
  'last-event-id',
  'max-retries',
  'timeout',
  'idle-timeout',
  'stats',
] as const;

function wrong(message: string): Failure {
  return new Failure(`${message} (ssekit --help shows what there is)`, USAGE);
}

/** The options, those of that command, and the rest. Throws Failure. */
function readOptions(args: string[], names: readonly Name[]): {values: Values; rest: string[]} {
  const options = Object.fromEntries(names.map((name) => [name, OPTIONS[name]]));
  try {
    const {values, positionals} = parseArgs({args, options, allowPositionals: true});
    return {values, rest: positionals};
  } catch (error) {
    throw wrong(
      reason(error)
        .split(/\. |\n/, 1)
        .join(),
    );
  }
}

function toNumber(name: Name, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(text)) return +text;
  throw wrong(`--${name} must be a number from 0, not '${text}'`);
}

function toInteger(
  name: Name,
  text: string | undefined,
  least = 0,
  most = Infinity,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^-?\d+$/.test(text) ? +text : NaN;
  if (value >= least && value <= most) return value;
  throw wrong(
    `--${name} must be an integer from ${least}${most < Infinity ? ` to ${most}` : ''},`
      + ` not '${text}'`,
  );
}

function toMilliseconds(name: Name, text: string | undefined): number | undefined {
  const value = toNumber(name, text);
  return value === undefined ? undefined : 1000 * value;
}

/** Curl's form: `Name: value`, or `Name;` for one without a value. As UTF-8 bytes, as curl does. */
function headersOf(lines: readonly string[] = []): [name: string, value: string][] {
  return lines.map((line, at) => {
    const [, name, value = ''] = /^([^:;\s]+)(?::\s*(.+?)\s*|;)$/s.exec(line) ?? [];
    if (name === undefined) {
      // which may be a password
      throw wrong(`header ${at + 1} is not 'Name: value'`);
    }
    return [name, Buffer.from(value).toString('latin1')];
  });
}

/** `@FILE`, `-` for standard input, else the text itself. */
function bodyOf(text: string): string | Buffer {
  if (text !== '-' && !text.startsWith('@')) return text;
  const file = text === '-' || text === '@-' ? STDIN : text.slice(1);
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Failure(`${file === STDIN ? 'standard input' : file}: ${systemReason(error)}`);
  }
}

function requestOf(values: Values): SSEClientOptions {
  const {body, json, until} = values;
  const headers = headersOf(values.header);
  if (body !== undefined && json !== undefined) throw wrong('give -d or --json, not both');
  const sent = json ?? body;
  if (sent !== undefined && !headers.some(([name]) => /^content-type$/i.test(name))) {
    headers.push([
      'content-type',
      json === undefined ? 'application/x-www-form-urlencoded' : 'application/json',
    ]);
  }
  const given = (options: object) =>
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    headers,
    verify: !values.insecure,
    ...(sent !== undefined && {body: bodyOf(sent)}),
    ...(values.once && {reconnect: false}),
    ...(until !== undefined && {
      until: ({data, event}: SSEEvent) => data === until || event === until,
    }),
    ...given({
      method: values.request,
      lastEventId: values['last-event-id'],
      maxRetries: toInteger('max-retries', values['max-retries'], -1),
      timeout: toMilliseconds('timeout', values.timeout),
      idleTimeout: toMilliseconds('idle-timeout', values['idle-timeout']),
    }),
  };
}

/** ISO 8601 to the millisecond, in local time, less the date. */
function clock(): string {
  const now = new Date();
  const part = (value: number, digits = 2) => `${value}`.padStart(digits, '0');
  return (
    `${part(now.getHours())}:${part(now.getMinutes())}:${part(now.getSeconds())}`
    + `.${part(now.getMilliseconds(), 3)}`
  );
}

interface Command {
  /** Its options. */
  readonly names: readonly Name[];
  /** How many arguments. */
  readonly takes: readonly [least: number, most: number];
  readonly run: (values: Values, rest: readonly string[]) => Promise<void>;
}

/** The command without a name. */
const FOLLOW: Command = {
  names: [...EVENTS, ...REQUEST, 'resume', 'record'],
  takes: [1, 1],
  run: async (values, [url = '']) => {
    const {resume: resumeFile, record: recordFile} = values;
    if (
      resumeFile !== undefined
      && recordFile !== undefined
      && resolve(resumeFile) === resolve(recordFile)
    ) {
      // the id would replace the recording
      throw wrong('--resume and --record need a file each');
    }
    await follow({
      url,
      options: requestOf(values),
      format: formatOf(values, clock),
      isWanted: filterOf(values.event),
      resumeFile,
      recordFile,
      showsStats: values.stats,
    });
  },
};

const COMMANDS: Readonly<Record<string, Command>> = {
  parse: {
    names: [...EVENTS, 'strict'],
    takes: [0, Infinity],
    run: (values, files) =>
      parse({
        files: files.length ? files : ['-'],
        formatWith: (time) => formatOf(values, time),
        isWanted: filterOf(values.event),
        isStrict: values.strict === true,
      }),
  },
  record: {
    names: REQUEST,
    takes: [2, 2],
    run: (values, [url = '', file]) =>
      follow({
        url,
        options: requestOf(values),
        format: undefined,
        isWanted: () => false,
        resumeFile: undefined,
        recordFile: file,
        showsStats: values.stats,
      }),
  },
  replay: {
    names: ['port', 'speed', 'loop', 'drop-every'],
    takes: [1, 1],
    run: (values, [file = '']) =>
      replay({
        file,
        port: toInteger('port', values.port, 0, 65_535) ?? 8080,
        speed: toNumber('speed', values.speed) ?? 1,
        loops: values.loop === true,
        dropEvery: toInteger('drop-every', values['drop-every'], 1),
      }),
  },
  demo: {names: [], takes: [0, 0], run: demo},
};

async function main(args: string[]): Promise<void> {
  const [first = ''] = args;
  const named = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  const command = named ?? FOLLOW;
  const {values, rest} = readOptions(named ? args.slice(1) : args, [...command.names, 'help']);
  if (values.help) return writeAll(STDOUT, Buffer.from(HELP));
  const [least, most] = command.takes;
  if (rest.length < least || rest.length > most) {
    throw wrong(
      `${named ? `ssekit ${first}` : 'ssekit'} takes`
        + ` ${least} argument${least === 1 ? '' : 's'}, not ${rest.length}`,
    );
  }
  if (!named && !/^https?:\/\//i.test(rest[0] ?? '')) {
    throw wrong(`'${rest[0]}' is no command, and no URL: that begins with http:// or https://`);
  }
  await command.run(values, rest);
}

/** The exit code. */
function ended(error: unknown): number {
  if (error instanceof NobodyReads) return 0;
  say(reason(error));
  return error instanceof Failure ? error.status : FAILED;
}

if (isMainThread) {
  main(process.argv.slice(2))
    .then(() => 0, ended)
    .then((code) => process.exit(code));
} else await serveBadDay();
