// jest and vitest, each in its own process, with Node's and with jsdom's globals (for jest:
// 'jest-environment-jsdom'): a log is replayed, and a reconnection waits for fake timers.

import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const JEST = ['--experimental-vm-modules', path('node_modules/jest/bin/jest.js'), '--no-cache'];
const VITEST = [path('node_modules/vitest/vitest.mjs'), 'run'];

for (const [name, args, passed] of [
  ['jest, node', [...JEST, '--env=node'], /Tests: +2 passed, 2 total/],
  ['jest, jsdom', [...JEST, '--env=jsdom'], /Tests: +2 passed, 2 total/],
  ['vitest, node', VITEST, /Tests +2 passed \(2\)/],
  ['vitest, jsdom', [...VITEST, '--environment', 'jsdom'], /Tests +2 passed \(2\)/],
]) {
  test(name, () => {
    const {status, stdout, stderr} = spawnSync(process.execPath, args, {
      cwd: path('runners'),
      encoding: 'utf8',
      env: {...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined},
      timeout: 60_000,
    });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout + stderr, passed);
  });
}
