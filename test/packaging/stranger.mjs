// A stranger's machine: projects in a temporary folder, and their tools as processes.

import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const HERE = fileURLToPath(new URL('.', import.meta.url));
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const MODULES = join(HERE, 'node_modules');
export const SOURCE = readFileSync(join(ROOT, 'sse.ts'), 'utf8');

/** web-event-source.ts, with its one import written as a compiler wants it. */
export function webSource(from) {
  const parts = readFileSync(join(ROOT, 'web-event-source.ts'), 'utf8').split(` from './sse.ts';`);
  if (parts.length !== 2) throw new Error('web-event-source.ts must import ./sse.ts once');
  return parts.join(` from '${from}';`);
}

const TEMP = mkdtempSync(join(tmpdir(), 'ssekit-packaging-'));
process.once('exit', () => rmSync(TEMP, {recursive: true, force: true}));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const MOST_MS = 120_000;

/** A folder with those files; what is no text is written as JSON. */
export function project(name, files = {}) {
  const folder = join(TEMP, name.replace(/[^\w./]+/g, '-'));
  mkdirSync(folder, {recursive: true});
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), {recursive: true});
    writeFileSync(
      join(folder, path),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }
  return folder;
}

/** The text of a program of strangers/. */
export function program(name) {
  return readFileSync(join(HERE, 'strangers', name), 'utf8');
}

export function run(command, args, {cwd, env} = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {...process.env, NO_COLOR: '1', ...env},
    });
    const result = {status: undefined, stdout: '', stderr: ''};
    const timer = setTimeout(() => child.kill('SIGKILL'), MOST_MS);
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => (result[name] += text));
    }
    const end = (status) => {
      clearTimeout(timer);
      resolve({...result, status});
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(code ?? signal));
  });
}

/** Runs it; throws with all that it said unless it exits with 0. */
export async function must(command, args, options) {
  const {status, stdout, stderr} = await run(command, args, options);
  if (status === 0) return {stdout, stderr};
  throw new Error(`${command.split('/').pop()} ${args.join(' ')}: ${status}\n${stdout}${stderr}`);
}

/** Throws unless both are the same, shown as JSON. */
export function same(got, expected, what) {
  const [is, due] = [JSON.stringify(got), JSON.stringify(expected)];
  if (is !== due) throw new Error(`${what}\n  is  ${is}\n  due ${due}`);
}
