// Input: the event streams in a file or in standard input, compressed or in an archive.

import {closeSync, fstatSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {Readable} from 'node:stream';
import * as zlib from 'node:zlib';
import {bytesIn, bytesOf, mustNotBeRead, openFile, shownName} from './files.ts';
import {streamsOfHAR} from './har.ts';
import {chain} from './lines.ts';
import type {Chunks} from './lines.ts';
import {say, STDIN} from './output.ts';
import {Failure, reasonOf} from './text.ts';
import {damagedFrame, Frames} from './zstd.ts';

/** One stream to be parsed. */
export interface Input {
  readonly name: string;
  /** Each chunk is good until the next one is asked for. */
  readonly chunks: Chunks;
  /** Somebody may be writing it: what came is to be out at once. */
  readonly isLive: boolean;
}

interface Reading {
  /** Told how much of a file has been read, from 0 to 1. */
  readonly onRead?: (share: number) => void;
  /** Told what an archive lacks. */
  readonly note?: (text: string) => void;
}

/** The streams in a file, or in standard input for `-`. */
export async function* inputsOf(
  file: string,
  {onRead = () => {}, note = say}: Reading = {},
): AsyncGenerator<Input> {
  const name = shownName(file);
  const fd = file === '-' ? STDIN : openFile(file, 'r');
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) throw new Failure(`${name}: is a directory`);
    mustNotBeRead(file, fd);
    const isLive = !stats.isFile();
    const raw = bytesOf(fd, file, isLive ? undefined : (bytes) => onRead(bytes / stats.size));
    const {isArchive, chunks} = await lookedAt(decompressed(raw, name));
    if (!isArchive && !/\.har(?:\.gz|\.zst)?$/i.test(file)) return yield {name, isLive, chunks};
    const attached = (beside: string) => bytesIn(join(dirname(file), beside));
    for await (const stream of streamsOfHAR(name, chunks, {attached, note})) {
      yield {...stream, isLive: false};
    }
  } finally {
    if (fd !== STDIN) closeSync(fd);
  }
}

// ── Archives ────────────────────────────────────────────────────────────────────────────────────

/** Beginning of a HTTP archive, less its blanks. No line of an event stream begins so. */
const ARCHIVE = '{"log":{';

/** Bytes that are looked at for it. */
const MOST_LOOKED_AT = 1024;

/** Finds how to unpack a file, by its name and its first bytes. */
export function archiveOrCoding(file: string, head: Buffer): string | undefined {
  if (isCompressed(head)) return 'compressed';
  const start = head.toString('utf8').replace(/[\s\ufeff]/g, '');
  return start.startsWith(ARCHIVE) || /\.har$/i.test(file) ? 'an HTTP archive' : undefined;
}

/** Looks at the first bytes, no further than it takes to tell, and gives all of them on. */
async function lookedAt(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{isArchive: boolean; chunks: AsyncGenerator<Uint8Array>}> {
  let head = Buffer.alloc(0);
  let isOver = false;
  const start = () => head.toString('utf8').replace(/[\s\ufeff]/g, '');
  while (!isOver && head.length < MOST_LOOKED_AT && ARCHIVE.startsWith(start())) {
    const next = await chunks.next();
    if (next.done) isOver = true;
    else head = Buffer.concat([head, next.value]);
    if (start().startsWith(ARCHIVE)) break;
  }
  return {
    isArchive: start().startsWith(ARCHIVE),
    chunks: chain<Uint8Array>(head.length ? [head] : [], chunks),
  };
}

// ── Compression ─────────────────────────────────────────────────────────────────────────────────

/** First bytes of compressed files, and the decoders of those. */
const CODINGS = [
  {name: 'gzip', magic: [0x1f, 0x8b], make: zlib.createGunzip},
  {name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], make: zlib.createZstdDecompress},
  // pzstd begins with a frame that is skipped
  {name: 'zstd', magic: [0x50, 0x2a, 0x4d, 0x18], make: zlib.createZstdDecompress},
] as const;

type Coding = (typeof CODINGS)[number];

const MAGIC_BYTES = 4;

function codingOf(head: Uint8Array): Coding | undefined {
  return CODINGS.find(({magic}) => magic.every((byte, at) => head[at] === byte));
}

/** Tells by a file's first bytes whether it is compressed. */
export function isCompressed(head: Uint8Array): boolean {
  return codingOf(head) !== undefined;
}

async function* decompressed(raw: Generator<Buffer>, name: string): AsyncGenerator<Uint8Array> {
  const head = magicOf(raw);
  const coding = codingOf(head);
  if (!coding) {
    yield head;
    return yield* raw;
  }
  if (!coding.make) {
    throw new Failure(
      `${name}: this runtime cannot unpack ${coding.name} (Node can from 22.15 on);`
        + ` run zstd -dc ${name} | ssekit parse`,
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
      `${name}: ${coding.name} data damaged after byte ${total} of what it unpacks to:`
        + ` ${reasonOf(error)}`,
    );
  }
}

/** Enough bytes to know the coding by; a pipe may bring them one by one. */
function magicOf(raw: Generator<Buffer>): Buffer {
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
