// The blocking loop against the async one: how long until the first event of a client, the first
// of a process and later ones; how late an event is in the loop's body; how many a second.

import {readArguments} from './arguments.mjs';
import {converse, runScript} from './child.mjs';
import {median, short} from './figures.mjs';

const FULL = {starts: 11, ticks: 500, events: 200_000, processes: 5};
const QUICK = {starts: 5, ticks: 100, events: 50_000, processes: 1};
const MOST_MS = 60_000;
const NODE = {name: 'node', command: [process.execPath]};

export async function blocking(options) {
  const {ours, runtime} = options;
  const {processes, ...scale} = {
    ...options.quick ? QUICK : FULL,
    ...options.processes && {processes: options.processes},
  };
  const [build] = Object.values(ours);
  const server = converse(NODE, 'server.mjs', {}, MOST_MS);
  const {port} = await server.ready;
  const origin = `http://127.0.0.1:${port}`;
  const runs = {async: [], blocking: []};
  for (let i = 0; i < processes; i++) {
    for (const loop of Object.keys(runs)) {
      const {results, isLate} = await runScript(
        runtime, 'blocking-cell.mjs', {...scale, loop, ours: build, origin}, MOST_MS);
      if (isLate) throw new Error(`the ${loop} loop: more than ${MOST_MS} ms`);
      runs[loop].push(results[0]);
    }
  }
  await server.end();
  const rows = Object.entries(runs).map(([loop, results]) => ({
    loop,
    ...Object.fromEntries(Object.keys(results[0]).map((key) =>
      [key, median(results.map((result) => result[key]))])),
  }));
  print(rows);
  return rows;
}

function print(rows) {
  console.log('\nthe two loops: ms to the first event (of a process, later), ms late (median, '
    + '99 %), million events/s, CPU s a million');
  for (const {loop, start, again, late, latest, rate, cpu} of rows) {
    const figures = [start, again, late, latest, rate, cpu];
    console.log(`  ${loop.padEnd(10)}${figures.map((value) => short(value).padStart(9)).join('')}`);
  }
}

if (import.meta.filename === process.argv[1]) await blocking(readArguments());
