// Files: which one a name means, reading them, and writing them so that what was whole stays whole.

import {randomBytes} from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import type {BigIntStats, Stats} from 'node:fs';
import {basename, dirname, join, resolve} from 'node:path';
import {STDERR, STDIN, STDOUT, waitedFor, writeAll} from './output.ts';
import {Failure, systemReasonOf, withoutPassword} from './text.ts';

/** As messages name it. */
export function shownName(file: string): string {
  return file === '-' ? 'standard input' : withoutPassword(file);
}

/** Throws Failure, as all below do. */
export function openFile(file: string, flags: string | number): number {
  try {
    return openSync(file, flags);
  } catch (error) {
    throw fileFailure(file, error);
  }
}

export function fileFailure(file: string, error: unknown): Failure {
  return new Failure(`${shownName(file)}: ${systemReasonOf(error)}`);
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────

/** Bytes read at a time: as many as the parser decodes at a time. */
const READ_BYTES = 65_536;

/** Reads to the end. Each chunk is good until the next one is asked for. */
export function* bytesOf(
  fd: number,
  file: string,
  onRead: (total: number) => void = () => {},
): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let total = 0; ; ) {
    let length: number;
    try {
      length = readSync(fd, buffer, 0, READ_BYTES, null);
    } catch (error) {
      if (waitedFor(error)) continue;
      if (Object(error).code === 'EOF') return; // Windows, at the end of a pipe
      throw fileFailure(file, error);
    }
    if (!length) return;
    total += length;
    onRead(total);
    yield buffer.subarray(0, length);
  }
}

/** Bytes of a file from a place on: as many as fit, unless it ends before. */
export function readAt(fd: number, file: string, buffer: Buffer, place: number): Buffer {
  let length = 0;
  try {
    for (let read = -1; read && length < buffer.length; length += read) {
      read = readSync(fd, buffer, length, buffer.length - length, place + length);
    }
  } catch (error) {
    throw fileFailure(file, error);
  }
  return buffer.subarray(0, length);
}

/** The same of a file, or of standard input for `-`. */
export function* bytesIn(file: string): Generator<Buffer> {
  const fd = file === '-' ? STDIN : openFile(file, 'r');
  try {
    yield* bytesOf(fd, file);
  } finally {
    if (fd !== STDIN) closeSync(fd);
  }
}

/** All of it. */
export function contentOf(file: string): Buffer {
  return Buffer.concat(Array.from(bytesIn(file), (chunk) => Buffer.from(chunk)));
}

// ── Names ───────────────────────────────────────────────────────────────────────────────────────

/** Links from one to another that are followed, as in Linux. */
const MOST_LINKS = 40;

/** The path without links, also where there is no file yet, or a link to none. */
function realPathOf(file: string): string {
  let path = resolve(file);
  for (let links = 0; links < MOST_LINKS; links++) {
    try {
      return realpathSync(path);
    } catch (error) {
      if (Object(error).code !== 'ENOENT') throw fileFailure(file, error);
    }
    const folder = realFolderOf(path, file);
    path = join(folder, basename(path));
    const target = linkTargetOf(path);
    if (target === undefined) return path;
    path = resolve(folder, target);
  }
  throw new Failure(`${shownName(file)}: too many levels of symbolic links`);
}

function realFolderOf(path: string, file: string): string {
  try {
    return realpathSync(dirname(path));
  } catch (error) {
    throw fileFailure(file, error);
  }
}

function linkTargetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // nothing is there, or no link
  }
}

/** A place that names stand for. Two places are one if either of their keys is the same. */
export interface Place {
  /** Without links. */
  readonly path: string;
  /** Its folder's identity, and its name there. */
  readonly name: string;
  /** Device and inode; undefined: there is no file yet, or none that keeps what is written. */
  readonly identity: string | undefined;
}

/** Of a file that need not be there yet. */
export function placeOf(file: string): Place {
  const path = realPathOf(file);
  const {dev, ino} = statSync(dirname(path), {bigint: true});
  const here = statSync(path, {bigint: true, throwIfNoEntry: false});
  return {path, name: `${dev}:${ino}/${basename(path)}`, identity: here && identityOf(here)};
}

export function areSame(one: Place, other: Place): boolean {
  if (one.name === other.name) return true;
  return one.identity !== undefined && one.identity === other.identity;
}

/** Undefined: what is written there is not kept (a terminal, /dev/null). */
function identityOf(stats: BigIntStats): string | undefined {
  return stats.isFile() || stats.isFIFO() ? `${stats.dev}:${stats.ino}` : undefined;
}

function identityOfOpen(fd: number): string | undefined {
  try {
    return identityOf(fstatSync(fd, {bigint: true}));
  } catch {
    return undefined; // it is closed
  }
}

/** Throws Failure if the shell has sent standard output or standard error to that file. */
export function mustNotBeOutput(file: string, identity: string | undefined): void {
  for (const [fd, name] of [
    [STDOUT, 'standard output'],
    [STDERR, 'standard error'],
  ] as const) {
    if (identity === undefined || identityOfOpen(fd) !== identity) continue;
    throw new Failure(`${shownName(file)}: ${name} goes to the same file; choose another one`);
  }
}

/** The same for a file that is read: what is printed would be read again, without end. */
export function mustNotBeRead(file: string, fd: number): void {
  if (fstatSync(fd).isFile()) mustNotBeOutput(file, identityOfOpen(fd));
}

// ── Writing ─────────────────────────────────────────────────────────────────────────────────────

const PERMISSIONS = 0o7777;

/**
 * Replaces a file's content at once: whoever reads it, also after a crash or on a full disk, finds
 * the old content or the new one. The new file has a name that nobody can foresee, and is made by
 * this call or not at all, so nothing is written through a link that was planted there.
 */
export function replaceContent(path: string, content: string): void {
  const before = statSync(path, {throwIfNoEntry: false});
  const made = `${path}.${randomBytes(6).toString('hex')}.new`;
  const fd = openSync(made, 'wx', before ? 0o600 : 0o666);
  try {
    try {
      if (before) keepAttributes(fd, before);
      writeAll(fd, Buffer.from(content));
    } finally {
      closeSync(fd);
    }
    renameSync(made, path);
  } catch (error) {
    removeIfPossible(made);
    throw error;
  }
}

/** The same for a name that may be a link. Throws Failure. */
export function writeFile(file: string, content: string): void {
  try {
    replaceContent(placeOf(file).path, content);
  } catch (error) {
    throw error instanceof Failure ? error : fileFailure(file, error);
  }
}

/** Ignores a failure: what stays does no harm, and is tried again at the next opening. */
function removeIfPossible(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // another user's, or gone
  }
}

/** Gives the new file the owner and the mode of the one before it. */
function keepAttributes(fd: number, {uid, gid, mode}: Stats): void {
  const made = fstatSync(fd);
  if (made.uid !== uid || made.gid !== gid) {
    try {
      fchownSync(fd, uid, gid);
    } catch {
      // only root may give files away; who may write here may have replaced it before
    }
  }
  // Not where it would say the same: some file systems have one mode for all, and refuse.
  if ((fstatSync(fd).mode ^ mode) & PERMISSIONS) fchmodSync(fd, mode & PERMISSIONS);
}

/** Removes what a kill -9 has left of replaceContent(). Call it only where nobody else writes. */
export function removeLeftovers(path: string): void {
  const start = `${basename(path)}.`;
  for (const name of namesIn(dirname(path))) {
    if (!name.startsWith(start) || !/^[\da-f]{12}\.new$/.test(name.slice(start.length))) continue;
    removeIfPossible(join(dirname(path), name));
  }
}

/** None if that folder may not be read, or is not there. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // one may write to a folder that one may not read
  }
}
