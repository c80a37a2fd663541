// node test/runtimes.mjs: the same tests on the other runtimes (first: node build.mjs, and npm ci
// in this folder). Each is run by its own test runner, which all understand node:test.

import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TESTS = './.build/sse.test.js';
const MOST_MS = 300_000;

// `passed` and `failed` find the figures in the runner's closing lines.
const NODE = {
  args: ['--test', '--test-reporter=tap', '--test-reporter-destination=stdout'],
  passed: /^# pass (\d+)/m,
  failed: /^# (?:fail|cancelled) ([1-9]\d*)/m,
};
const RUNTIMES = [
  {name: 'Node 22', path: 'node22/bin/node', ...NODE},
  {name: 'Node 26', path: 'node26/bin/node', ...NODE},
  {
    // Its own limit for a test is 5 s, whatever the test says.
    name: 'Bun', path: 'bun/bin/bun', args: ['test', '--timeout', '60000'],
    passed: /^ *(\d+) pass$/m, failed: /^ *([1-9]\d*) (?:fail|error)/m,
  },
  {
    name: 'Deno', path: 'deno/deno', args: ['test', '--allow-all', '--no-check'],
    passed: /\| (\d+) passed(?: \((\d+) steps\))?/, failed: /\| ([1-9]\d*) failed/,
  },
];

process.chdir(ROOT);
if (!existsSync(TESTS)) fail(`${TESTS} is missing: node build.mjs makes it`);
let failures = 0;
// One after the other: timing matters to some tests, and two runtimes at once would disturb it.
for (const runtime of RUNTIMES) {
  const path = `test/node_modules/${runtime.path}`;
  if (!existsSync(path)) fail(`${runtime.name} is missing: npm ci in test/ installs it`);
  const version = /\d+\.\d+\.\d+/.exec((await run(path, ['--version'])).output)?.[0];
  const start = performance.now();
  const {output, status} = await run(path, [...runtime.args, TESTS]);
  const counts = runtime.passed.exec(output)?.slice(1) ?? [];
  // Deno counts a test inside another as a step.
  const passed = counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
  const good = status === 0 && passed > 0 && !runtime.failed.test(output);
  if (!good) {
    failures++;
    console.log(output);
  }
  console.log(`${good ? 'ok  ' : 'FAIL'} ${runtime.name} ${version}: ${passed} passed`
    + `${good ? '' : `, ${status}`} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}
process.exitCode = failures ? 1 : 0;

function run(path, args) {
  return new Promise((resolve) => {
    const child = spawn(path, args, {
      stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, NO_COLOR: '1'},
    });
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), MOST_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => output += text);
    }
    const end = (status) => {
      clearTimeout(timer);
      resolve({output, status});
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(code === 0 ? 0 : signal ?? `exit ${code}`));
  });
}

function fail(message) {
  console.error(`runtimes: ${message}`);
  process.exit(1);
}
