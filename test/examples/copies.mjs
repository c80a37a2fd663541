// The examples as their readers use them: copied beside the packages that they import, and run as
// processes of their own. `ssekit` is this checkout (first: node build.mjs, and npm ci here).

import {spawn} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {basename, join} from 'node:path';
import {after} from 'node:test';
import {fileURLToPath} from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MOST_MS = 60_000; // none takes a quarter of that

/** A folder with a copy of each example, gone when this process ends. */
export const copies = mkdtempSync(fileURLToPath(new URL('node_modules/.copies-', import.meta.url)));
process.once('exit', () => rmSync(copies, {recursive: true, force: true}));
cpSync(join(ROOT, 'examples'), copies, {
  recursive: true,
  filter: (path) => basename(path) !== 'node_modules', // the fleet's
});
mkdirSync(join(copies, 'node_modules'));
symlinkSync(ROOT, join(copies, 'node_modules/ssekit'), 'junction');

/** Runs an example: {child, ended}, where `ended` resolves with {code, stdout, stderr}. */
export function begin(name, args = [], {env = {}, flags = []} = {}) {
  const child = spawn(process.execPath, [...flags, join(copies, name), ...args], {
    cwd: copies,
    env: {...process.env, ...env},
    timeout: MOST_MS,
    killSignal: 'SIGKILL',
  });
  child.stdin.end();
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({code: code ?? signal, stdout, stderr});
    });
  });
  running.add(child);
  return {child, ended};
}

export const run = (...args) => begin(...args).ended;

// A test that fails half-way leaves no process behind.
const running = new Set();
after(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** The lines of a text that ends with one. */
export const linesOf = (text) => text.split('\n').slice(0, -1);
