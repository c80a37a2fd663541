// The blocking loop against the async one: how long until the first event of a client, the first
// of a process and later ones; how late an event is in the loop's body; how many a second.

import {readArguments} from './arguments.mjs';
import {runScript, startServer} from './child.mjs';
import {median, short} from './figures.mjs';

const FULL = {starts: 11, ticks: 500, events: 200_000, processes: 5};
const QUICK = {starts: 5, ticks: 100, events: 50_000, processes: 1};
const MOST_MS = 60_000;
const KEYS = ['start', 'again', 'late', 'latest', 'rate', 'cpu'];

export async function blocking(options) {
  const {ours, runtime} = options;
  const {processes, ...scale} = {
    ...(options.quick ? QUICK : FULL),
    ...(options.processes && {processes: options.processes}),
  };
  const {origin, end} = await startServer(MOST_MS);
  const rows = Object.entries(ours).flatMap(([name, build]) =>
    ['async', 'blocking'].map((loop) => ({label: `${name}, ${loop}`, build, loop, runs: []})),
  );
  for (let i = 0; i < processes; i++) {
    for (const {label, runs, ...which} of rows) {
      const {results, isLate} = await runScript(
        runtime,
        'blocking-cell.mjs',
        {...scale, ...which, origin},
        MOST_MS,
      );
      if (isLate) throw new Error(`${label}: more than ${MOST_MS} ms`);
      runs.push(...results);
    }
  }
  await end();
  const summary = rows.map(({label, runs}) => ({
    label,
    ...Object.fromEntries(KEYS.map((key) => [key, median(runs.map((run) => run[key]))])),
  }));
  print(summary);
  return summary;
}

function print(rows) {
  console.log(
    '\nthe two loops: ms to the first event (of a process, later), ms late (median, '
      + '99 %), million events/s, CPU s a million',
  );
  for (const {label, ...row} of rows) {
    const figures = KEYS.map((key) => short(row[key]).padStart(9)).join('');
    console.log(`  ${label.padEnd(20)}${figures}`);
  }
}

if (import.meta.filename === process.argv[1]) await blocking(readArguments());
