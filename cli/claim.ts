// One process for each file that is written: a second one is told, and harms nothing.
//
// A claim is a socket that listens under a name made of the file's identity, since the system
// frees it with the process, however that ends. A lock file would stay after a kill -9, and keep a
// subscription from starting again. Linux and Windows have names apart from files for it; elsewhere
// it is a file in the folder for temporary ones, and is taken over if nobody answers there.

import {createHash} from 'node:crypto';
import {openSync, unlinkSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import type {Server} from 'node:net';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {shownName} from './files.ts';
import type {Place} from './files.ts';
import {Failure} from './text.ts';

/** Keeps alive what must not be collected, by key. */
const claims = new Map<string, Server>();

/** The place is this process's until it ends. Throws Failure if it is another one's. */
export async function claim(file: string, {path, name, identity}: Place): Promise<void> {
  for (const key of identity === undefined ? [name] : [name, identity]) {
    if (await holds(key)) continue;
    throw new Failure(`${shownName(file)}: another ssekit is writing to it; stop that one first`);
  }
  keepOpen(dirname(path));
}

/**
 * Gives a file's identity up, before another file takes its place: the system gives it to the next
 * file that is made, which may be anybody's.
 */
export function releaseIdentity({identity = ''}: Place): void {
  claims.get(identity)?.close();
  claims.delete(identity);
}

/** As long as a folder is open, its identity is no other one's either. */
function keepOpen(folder: string): void {
  try {
    openSync(folder, 'r');
  } catch {
    // Windows opens no folders, and gives no identity away so soon
  }
}

/** False: another process has it. */
async function holds(key: string): Promise<boolean> {
  const name = `ssekit-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
  const answer = await listening(key, socketNamed(name));
  if (answer === 'taken') return false;
  if (answer === 'held' || process.platform === 'win32') return true;
  const file = join(tmpdir(), `${name}.sock`);
  if ((await listening(key, file)) !== 'taken') return true; // or there is no way to claim it here
  if (await isAnswered(file)) return false;
  unlinkSync(file); // its process was killed
  return (await listening(key, file)) !== 'taken';
}

/** A name apart from files, where the platform has such. */
function socketNamed(name: string): string | undefined {
  if (process.platform === 'win32') return `\\\\?\\pipe\\${name}`;
  return process.platform === 'linux' ? `\0${name}` : undefined;
}

function listening(
  key: string,
  path: string | undefined,
): Promise<'held' | 'taken' | 'impossible'> {
  return new Promise((resolve) => {
    if (path === undefined) return resolve('impossible');
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) =>
      resolve(Object(error).code === 'EADDRINUSE' ? 'taken' : 'impossible'),
    );
    server.listen(path, () => {
      claims.set(key, server.unref());
      resolve('held');
    });
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true) ?? socket.destroy());
    socket.once('error', (error) => resolve(Object(error).code !== 'ECONNREFUSED'));
  });
}
