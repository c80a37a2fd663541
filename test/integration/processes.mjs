// Real servers as child processes: a free port, a start that is waited for, an end that is certain.
// Everything listens on 127.0.0.1; only processes started here are ended, by their id.

import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

/** How long a server may take to start or to end, ms: the slowest seen took 3 s. */
const MOST_MS = 20_000;

/** A TCP port on 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const {port} = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Wait until `test()` gives something truthy, and return that. */
export async function until(test, what, most = MOST_MS) {
  const end = performance.now() + most;
  for (;;) {
    const result = await test();
    if (result) return result;
    if (performance.now() > end) throw new Error(`${what}: not within ${most} ms`);
    await sleep(10);
  }
}

/** Whether something accepts connections on that port of 127.0.0.1. */
export function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/**
 * Start a program and wait until it listens on `port`, if one is given.
 * {child, output(), signal(name), stop(name?)}: what it printed so far, a signal to it, the end.
 */
export async function start(command, args, {port, ...options} = {}) {
  const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe'], ...options});
  let output = '';
  let hasEnded = false;
  child.stdout?.on('data', (data) => (output += data));
  child.stderr?.on('data', (data) => (output += data));
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => (hasEnded = true));
  ended.catch(() => {});
  const stop = async (signal = 'SIGTERM') => {
    if (!hasEnded) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), MOST_MS);
    await ended.catch(() => {});
    clearTimeout(timer);
  };
  running.add(stop);
  ended.catch(() => {}).finally(() => running.delete(stop));
  if (port) {
    try {
      await until(() => {
        if (hasEnded) throw new Error('it ended');
        return listens(port);
      }, `${command} listening on ${port}`);
    } catch (error) {
      await stop('SIGKILL');
      throw new Error(`${command} ${args.join(' ')}: ${error.message}\n${output}`, {cause: error});
    }
  }
  return {child, output: () => output, signal: (name) => child.kill(name), stop};
}

const running = new Set();

/** A folder that is gone when this process ends. */
export function scratch(name) {
  const folder = mkdtempSync(join(tmpdir(), `ssekit-${name}-`));
  process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

// A test that fails half-way leaves no server behind.
process.once('exit', () => {
  for (const stop of running) void stop('SIGKILL');
});
