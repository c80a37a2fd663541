// Runs the tests that need no sockets (SSE_TEST=fast) over builds of sse.ts that are wrong; for
// web-event-source.ts its own tests alone, over the right sse.ts.

import {spawn} from 'node:child_process';
import {copyFileSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {compiled, edited, ROOT} from './source.mjs';

const BUILD = `${ROOT}.build/`;
export const TESTS = `${BUILD}sse.test.js`; // they import ./sse.js, which is beside them
const PRELOAD = fileURLToPath(new URL('preload.mjs', import.meta.url));

const LEAST_JOBS = 2;
const MOST_JOBS = 8;

// A run hangs when it takes longer than the right sse.ts does, by so much. An endless loop takes
// the processor's time, which does not depend on what else the machine has to do; what waits for
// ever takes none, and for that the clock is left.
const MOST_CPU = 2.5; // times
const MOST_TIME = 8; // times
const NO_LIMITS = {cpu: 600, time: 600_000}; // s, ms

/** What is mutated, and the files of the build that are beside it. */
const SSE = {name: 'sse', tests: 'sse.test.js', beside: ['web-event-source.js']};
export const WEB_EVENT_SOURCE = {
  name: 'web-event-source',
  tests: 'web-event-source.test.js',
  beside: ['sse.js'],
};

/**
 * Calls note(mutant, verdict, reason) for each edit of the source, as its verdict is known; begins
 * none once `isEnough()`. Verdicts: 'killed', 'hung' (killed by a limit), 'survived', 'same' (it
 * compiles to what sse.ts compiles to), 'broken' (it does not compile). Throws where the tests
 * fail over the right sse.ts.
 */
export async function runAll(source, mutants, note, isEnough = () => false, product = SSE) {
  const right = await compiled(source);
  const jobs = Math.max(LEAST_JOBS, Math.min(MOST_JOBS, availableParallelism()));
  const folders = Array.from(
    {length: jobs},
    (_, job) => `${ROOT}.build/mutants/${process.pid}.${job}`,
  );
  for (const folder of folders) {
    mkdirSync(folder, {recursive: true});
    for (const file of [product.tests, ...product.beside]) {
      copyFileSync(BUILD + file, `${folder}/${file}`);
    }
  }
  try {
    const limits = await limitsOf(folders, right, product);
    const queue = [...mutants];
    const work = async (folder) => {
      while (queue.length && !isEnough()) {
        const mutant = queue.shift();
        note(mutant, ...(await verdictOf(edited(source, mutant), right, folder, limits, product)));
      }
    };
    await Promise.all(folders.map(work));
  } finally {
    for (const folder of folders) rmSync(folder, {recursive: true});
  }
}

/** All jobs at once, as they will run: so that the limits fit a machine that is busy with them. */
async function limitsOf(folders, right, product) {
  const started = performance.now();
  const runs = await Promise.all(
    folders.map((folder) => runTests(folder, right, NO_LIMITS, product)),
  );
  const time = performance.now() - started;
  if (runs.some(({verdict}) => verdict !== 'survived')) {
    throw new Error(
      `the right ${product.name}.ts fails: SSE_TEST=fast node .build/${product.tests}`,
    );
  }
  const cpu = Math.max(...runs.map((run) => run.cpu));
  return {cpu: Math.ceil(MOST_CPU * cpu), time: MOST_TIME * time};
}

/** A test that has failed, in TAP, and how much of its line may have come before. */
const FAILED = /^ *not ok \d/m;
const MOST_INDENT = 40;

async function verdictOf(text, right, folder, limits, product) {
  let code;
  try {
    code = await compiled(text);
  } catch (error) {
    return ['broken', error.message];
  }
  if (code === right) return ['same'];
  return [(await runTests(folder, code, limits, product)).verdict];
}

/** Resolves with {verdict: 'survived' | 'killed' | 'hung', cpu}: the processor's time, s. */
function runTests(folder, code, limits, {name, tests}) {
  writeFileSync(`${folder}/${name}.js`, code);
  return new Promise((resolve, reject) => {
    const args = ['--import', PRELOAD, '--test-reporter=tap', '--test-reporter-destination=stdout'];
    const limited = ['-c', `ulimit -t ${limits.cpu}; exec "$0" "$@"`, process.execPath];
    const child = spawn('sh', [...limited, ...args, `${folder}/${tests}`], {
      env: {...process.env, SSE_TEST: 'fast'},
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), limits.time);
    let output = '';
    let hasFailed = false;
    child.stdout.setEncoding('utf8').on('data', (part) => {
      output += part;
      if (hasFailed || !FAILED.test(output.slice(-part.length - MOST_INDENT))) return;
      hasFailed = true;
      child.kill('SIGKILL'); // the other tests could say no more
    });
    child.on('error', reject);
    // Not before it is gone: the next one writes into the same folder.
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const figure = (name) => Number(new RegExp(`^# ${name} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
      const hasPassed = status === 0 && figure('pass') > 0;
      const isHung = signal && !hasFailed;
      const verdict = isHung ? 'hung' : hasPassed && !hasFailed ? 'survived' : 'killed';
      resolve({verdict, cpu: figure('cpu')});
    });
  });
}
