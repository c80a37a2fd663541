// node tools/mutants/run.mjs [NAME]: do the tests notice when sse.ts is wrong?
//
// Applies each row of list.mjs to sse.ts and runs the tests that need no sockets
// (SSE_TEST=fast). NAME runs only the rows whose name contains it.

import {spawn} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {transform} from 'esbuild';
import mutants from './list.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LEAST_ROWS = 40;
const OUTPUT = {loader: 'ts', format: 'esm', target: 'es2022', logLevel: 'silent'};
const MOST_MS = 20_000; // a run that takes longer hangs, and counts as noticed

// The tests' halves, which run alone: a mutant is most likely noticed by the half of its section.
const HALF = '// ── Helpers for clients';
const CLIENT_SECTIONS = '// ── 7. ';

process.chdir(ROOT);
const source = readFileSync('sse.ts', 'utf8');
const tests = readFileSync('sse.test.ts', 'utf8');
const imports = /^import [^]*? from '[^']*';$/gm; // and IS_FAST: what both halves use
const [core, clients] = tests.split(HALF);
if (!clients) fail([`sse.test.ts has no line '${HALF}'`]);
const shared = [...(core.match(imports) ?? []), core.match(/^const IS_FAST .*/m)?.[0]].join('\n');
const halves = await Promise.all(
  [core, shared + clients.replace(/^.*/, '')].map(async (text) =>
    (await transform(text, OUTPUT)).code.replaceAll('./sse.ts', './sse.js'),
  ),
);
rmSync('.build/mutants', {recursive: true, force: true});

const only = process.argv[2];
const rows = mutants.filter(({name}) => only === undefined || name.includes(only));
const problems = [];
const started = performance.now();
const clean = await run('clean', source, MOST_MS, halves);
const baseline = (performance.now() - started) / halves.length;
if (clean !== 'survived') {
  fail(['the unmutated sse.ts fails: SSE_TEST=fast node .build/sse.test.js']);
}

// Generous on a busy machine, and yet a dozen endless loops do not cost minutes.
const limit = Math.min(MOST_MS, 2000 + 4 * baseline);
if (only === undefined && rows.length < LEAST_ROWS) {
  problems.push(`${rows.length} rows, not ${LEAST_ROWS} or more`);
}
let killed = 0;
let hung = 0;
const queue = [...rows.entries()];
const runners = Math.max(2, Math.min(8, availableParallelism()));
await Promise.all(
  Array.from({length: runners}, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await check(...next);
  }),
);
console.log(`${rows.length} mutants, ${killed} killed, ${hung} of them by the time limit`);
if (problems.length) fail(problems);

async function check(number, {name, find, replace}) {
  const found = source.split(find).length - 1;
  if (found !== 1) return problems.push(`STALE '${name}': found ${found} times, not once: ${find}`);
  let outcome;
  try {
    // A function, because in a string `$&` and the like would mean something.
    const isClients = source.indexOf(find) > source.indexOf(CLIENT_SECTIONS);
    const order = isClients ? [...halves].reverse() : halves;
    outcome = await run(
      number,
      source.replace(find, () => replace),
      limit,
      order,
    );
  } catch (error) {
    return problems.push(`BROKEN '${name}': ${error.message}`);
  }
  if (outcome === 'survived') return problems.push(`SURVIVED '${name}': ${find}`);
  killed++;
  if (outcome !== 'hung') return;
  hung++;
  console.log(`by the time limit: ${name}`);
}

/** @returns 'survived', 'killed' or 'hung'; throws if the mutant does not even compile. */
async function run(id, text, limit, order) {
  const folder = `.build/mutants/${id}`;
  const {code} = await transform(text, OUTPUT);
  mkdirSync(folder, {recursive: true});
  writeFileSync(`${folder}/sse.js`, code);
  for (const [number, half] of order.entries()) {
    const file = `${folder}/${number}.test.js`;
    writeFileSync(file, half);
    const outcome = await runTests(file, limit);
    if (outcome !== 'survived') return outcome;
  }
  return 'survived';
}

function runTests(file, limit) {
  return new Promise((resolve) => {
    const args = ['--test-reporter=tap', '--test-reporter-destination=stdout'];
    const child = spawn(process.execPath, [...args, file], {
      env: {...process.env, SSE_TEST: 'fast'},
      stdio: ['ignore', 'pipe', 'ignore'],
    });
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
