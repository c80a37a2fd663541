// node test/integration/run.mjs [FILE…]: every suite of this folder, one after the other, since most of
// them measure time or memory; then the figures they printed. First: node build.mjs, npm ci here,
// and the Debian packages that install.sh names. Exit 1 if anything failed.

import {spawn} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BUILD = fileURLToPath(new URL('../../.build/', import.meta.url));
const FIGURES = join(BUILD, 'figures.jsonl');

const asked = process.argv.slice(2);
const suites = asked.length
  ? asked
  : readdirSync(HERE).filter((name) => name.endsWith('.test.mjs'));
mkdirSync(BUILD, {recursive: true});
rmSync(FIGURES, {force: true});
writeFileSync(FIGURES, '');
let failures = 0;
for (const suite of suites) {
  const start = performance.now();
  const status = await run(suite);
  if (status !== 0) failures++;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${suite} (${seconds} s)`);
}
console.log();
for (const line of readFileSync(FIGURES, 'utf8').split('\n').filter(Boolean)) {
  const {suite, what, value} = JSON.parse(line);
  console.log(`${suite.padEnd(12)} ${what}: ${value}`);
}
process.exitCode = failures ? 1 : 0;

function run(suite) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', suite], {
      cwd: HERE,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {...process.env, SSEKIT_FIGURES: FIGURES},
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(status ?? signal));
  });
}
