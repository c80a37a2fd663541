// node test/mutants.mjs [NAME]: do the tests notice when sse.ts is wrong?
//
// Applies each row of mutant-list.mjs to sse.ts and runs the tests that need no sockets
// (SSE_TEST=fast). NAME runs only the rows whose name contains it.

import {spawn} from 'node:child_process';
import {copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {transform} from 'esbuild';
import mutants from './mutant-list.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LEAST_ROWS = 40;
const MOST_MS = 20_000; // a run that takes longer hangs, and counts as noticed

process.chdir(ROOT);
const source = readFileSync('sse.ts', 'utf8');
rmSync('.build/mutants', {recursive: true, force: true});

const only = process.argv[2];
const rows = mutants.filter(({name}) => only === undefined || name.includes(only));
const problems = [];
const started = performance.now();
const clean = await run('clean', source, MOST_MS);
const baseline = performance.now() - started;
if (clean !== 'survived') {
  fail(['the unmutated sse.ts fails: SSE_TEST=fast node .build/sse.test.js']);
}

// Generous on a busy machine, and yet a dozen endless loops do not cost minutes.
const limit = Math.min(MOST_MS, 3000 + 4 * baseline);
if (only === undefined && rows.length < LEAST_ROWS) {
  problems.push(`${rows.length} rows, not ${LEAST_ROWS} or more`);
}
let killed = 0;
let hung = 0;
const queue = [...rows.entries()];
const runners = Math.max(2, Math.min(8, availableParallelism()));
await Promise.all(Array.from({length: runners}, async () => {
  for (let next = queue.shift(); next; next = queue.shift()) await check(...next);
}));
console.log(`${rows.length} mutants, ${killed} killed, ${hung} of them by the time limit`);
if (problems.length) fail(problems);

async function check(number, {name, find, replace}) {
  const found = source.split(find).length - 1;
  if (found !== 1) return problems.push(`STALE '${name}': found ${found} times, not once: ${find}`);
  let outcome;
  try {
    // A function, because in a string `$&` and the like would mean something.
    outcome = await run(number, source.replace(find, () => replace), limit);
  } catch (error) {
    return problems.push(`BROKEN '${name}': ${error.message}`);
  }
  if (outcome === 'survived') return problems.push(`SURVIVED '${name}': ${find}`);
  killed++;
  if (outcome === 'hung') hung++;
}

/** @returns 'survived', 'killed' or 'hung'; throws if the mutant does not even compile. */
async function run(id, text, limit) {
  const folder = `.build/mutants/${id}`;
  const {code} = await transform(text,
    {loader: 'ts', format: 'esm', target: 'es2022', logLevel: 'silent'});
  mkdirSync(folder, {recursive: true});
  writeFileSync(`${folder}/sse.js`, code);
  copyFileSync('.build/sse.test.js', `${folder}/sse.test.js`);
  return new Promise((resolve) => {
    const args = ['--test-reporter=tap', '--test-reporter-destination=stdout'];
    const child = spawn(process.execPath, [...args, `${folder}/sse.test.js`],
      {env: {...process.env, SSE_TEST: 'fast'}, stdio: ['ignore', 'pipe', 'ignore']});
    const end = (outcome) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(outcome);
    };
    const timer = setTimeout(end, limit, 'hung');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (part) => {
      output += part;
      // The first failure decides; the rest of the run would only cost time.
      if (/^ *not ok/m.test(output)) end('killed');
    });
    child.on('close', (status) => {
      const passed = Number(/^# pass (\d+)/m.exec(output)?.[1] ?? 0);
      end(status === 0 && passed > 0 ? 'survived' : 'killed');
    });
  });
}

function fail(lines) {
  for (const line of lines) console.error(`mutants: ${line}`);
  process.exit(1);
}
