// npm run simulation [-- --seconds S] [--seed N] [--exhaustive] [--depth N] [--self-check]
//
// The clients in dist/sse.js (or in the file that the variable SSE names) in a simulated world:
// random days from a seed, or --exhaustive, every order of few things. --seed begins with that
// seed; each run has the next one, so that a failure is repeated by its own seed with --seconds 0.
// A failure is made smaller and printed as a row for rows.mjs. The last line has the figures; exit
// 1 where something did not hold. --self-check plays faulty clients, each of which must be found.

import {availableParallelism} from 'node:os';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {spawn} from 'node:child_process';
import {writeSync} from 'node:fs';
import {playDays} from './days.mjs';
import {exhaust, FIRSTS} from './exhaustive.mjs';
import {replaceGlobals} from './world.mjs';

const realNow = performance.now.bind(performance);
const HERE = fileURLToPath(import.meta.url);
const DEPTH = 6;
const SECONDS = 120;
const PATIENCE = 60; // s beyond that: a loop without an end, or a failure that is hard to make smaller
const MOST_FAILURES = 3;

// Processes without a channel to this one: whatever has to be polled costs a third of the speed.
if (process.env.SIMULATION_TASK === undefined) await main();
else await work(JSON.parse(process.env.SIMULATION_TASK));

// ── The main thread ───────────────────────────────────────────────────────────────────────────

async function main() {
  const {values} = parseArgs({
    options: {
      seed: {type: 'string'},
      seconds: {type: 'string'},
      depth: {type: 'string'},
      exhaustive: {type: 'boolean'},
      'self-check': {type: 'boolean'},
    },
  });
  const seed = values.seed ?? process.env.SIMULATION_SEED;
  const build = process.env.SSE ?? fileURLToPath(new URL('../../dist/sse.js', import.meta.url));
  const task = {
    build: pathToFileURL(build).href,
    seed: seed === undefined ? Date.now() % 1e9 : wholeOf('seed', seed),
    seconds: wholeOf('seconds', values.seconds ?? `${SECONDS}`),
    depth: wholeOf('depth', values.depth ?? `${DEPTH}`),
    mode: values.exhaustive ? 'exhaustive' : 'random',
  };
  if (values['self-check']) {
    const {selfCheck} = await import('./self-check.mjs');
    process.exit((await selfCheck(task)) ? 0 : 1);
  }
  if (task.mode === 'random') console.log(`simulation: the same days again: --seed ${task.seed}`);
  const started = realNow();
  const results = await inWorkers(task);
  const seconds = (realNow() - started) / 1000;
  process.exitCode = (task.mode === 'random' ? sumUp : sumUpOrders)(results, seconds) ? 0 : 1;
}

function wholeOf(name, text) {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`simulation: --${name} must be a whole number from 0, got '${text}'`);
  process.exit(2);
}

function inWorkers(task) {
  const count = task.seconds === 0 ? 1 : availableParallelism();
  return Promise.all(
    Array.from({length: count}, (_, place) => {
      const env = {...process.env, SIMULATION_TASK: JSON.stringify({...task, place, count})};
      return resultOf(
        spawn(process.execPath, ['--max-semi-space-size=32', HERE], {
          env,
          stdio: ['ignore', 'pipe', 'inherit'],
          timeout: (task.seconds + PATIENCE) * 1000,
          killSignal: 'SIGKILL',
        }),
      );
    }),
  );
}

async function resultOf(child) {
  let text = '';
  for await (const part of child.stdout.setEncoding('utf8')) text += part;
  if (!text.endsWith('\n')) throw new Error('a process of the simulation hung, or crashed');
  return JSON.parse(text);
}

function sumUp(results, seconds) {
  const sum = (name) => results.reduce((all, each) => all + each[name], 0);
  const faults = {};
  for (const each of results) {
    for (const [name, count] of Object.entries(each.faults))
      faults[name] = (faults[name] ?? 0) + count;
  }
  const lines = Object.entries(faults).sort(([, one], [, other]) => other - one);
  for (const [name, count] of lines) console.log(`${`${count}`.padStart(9)}  ${name}`);
  const failures = results.flatMap((each) => each.failures);
  for (const failure of failures) console.log(failure);
  console.log(
    `simulation: ${sum('connections')} connections, ${sum('runs')} runs, ${sum('events')} events,`
      + ` ${sum('sources')} sources, heap ${results.map(({growth}) => `${growth >= 0 ? '+' : ''}${growth} kB`).join(' ')},`
      + ` ${seconds.toFixed(0)} s, ${sum('failed')} failures`,
  );
  return sum('failed') === 0 && sum('runs') > 0;
}

function sumUpOrders(results, seconds) {
  const failures = results.flatMap((each) => each.failures);
  for (const failure of failures.slice(0, MOST_FAILURES)) console.log(failure);
  const sum = (loop) => results.reduce((all, each) => all + each.counts[loop], 0);
  console.log(
    `simulation: ${sum('async')} orders in \`for await\`, ${sum('blocking')} in \`for … of\`,`
      + ` ${seconds.toFixed(0)} s, ${failures.length} failures`,
  );
  return failures.length === 0 && sum('async') > 0 && sum('blocking') > 0;
}

// ── A worker ──────────────────────────────────────────────────────────────────────────────────

async function work(task) {
  replaceGlobals();
  const sse = await import(task.build);
  const result = await (task.mode === 'random' ? playDays : orders)(sse, task);
  writeSync(1, `${JSON.stringify(result)}\n`);
}

async function orders(sse, {place, count, depth}) {
  const counts = {};
  const failures = [];
  const firsts = FIRSTS.filter((_, at) => at % count === place);
  for (const loop of ['async', 'blocking']) {
    counts[loop] = await exhaust(sse, {
      loop,
      depth,
      firsts,
      found: (steps, {invariant, message}) =>
        failures.push(`${loop}: ${steps.join(', ')}\n  ${invariant}: ${message}`),
    });
  }
  return {counts, failures};
}
