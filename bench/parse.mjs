// Parsing alone: workloads × chunk sizes × contenders. node bench/parse.mjs --help

import {chunkName, CHUNKS, readArguments} from './arguments.mjs';
import {runScript} from './child.mjs';
import {median, quartiles, short} from './figures.mjs';
import {summarize} from './summary.mjs';
import {WORKLOADS} from './workloads.mjs';

// Several processes a cell: one may be faster than the next for all of its life, by where its
// code and its heap came to lie. `slice` and `warm` are ms a contender.
const FULL = {processes: 3, rounds: 5, slice: 15, warm: 100, chunks: CHUNKS};
const QUICK = {
  processes: 1,
  rounds: 3,
  slice: 4,
  warm: 60,
  part: 1 / 4,
  chunks: [64, 16384, 'text', 'lines'],
};
const MOST_MS = 300_000;

export async function parse(options) {
  const {workloads = Object.keys(WORKLOADS), ours, forms, peers, wall, runtime} = options;
  const scale = options.quick ? QUICK : FULL;
  const {processes, rounds, slice, warm, part, chunks} = {
    ...scale,
    ...(options.rounds && {rounds: options.rounds}),
    ...(options.processes && {processes: options.processes}),
    ...(options.chunks && {chunks: options.chunks}),
  };
  const cells = [];
  for (const workload of workloads) {
    for (const chunk of chunks) {
      const runs = [];
      for (let i = 0; i < processes; i++) {
        const {results, isLate} = await runScript(
          runtime,
          'parse-cell.mjs',
          {workload, chunk, rounds, slice, warm, part, ours, forms, peers, wall},
          MOST_MS,
        );
        if (isLate) throw new Error(`${workload}, ${chunkName(chunk)}: more than ${MOST_MS} ms`);
        runs.push(...results);
      }
      const cell = {workload, chunk, ...together(runs)};
      cells.push(cell);
      printCell(cell);
    }
  }
  if (cells.length > 1) printSummary(cells);
  return cells;
}

/** The rounds of all processes as one cell: medians, and ratios within each round. */
function together(runs) {
  const [{events, bytes, contenders}] = runs;
  const wrong = Object.assign({}, ...runs.map(({wrong}) => wrong));
  const slow = Object.assign({}, ...runs.map(({slow}) => slow));
  const timesOf = (wanted) =>
    runs.flatMap(({contenders}) => contenders.find(({name}) => name === wanted)?.times ?? []);
  const base = timesOf('esp4');
  return {
    events,
    bytes,
    wrong,
    slow,
    contenders: contenders.flatMap(({name, label, isOurs}) => {
      if (wrong[name] || slow[name]) return [];
      const times = timesOf(name);
      const ratios = times.map((time, i) => base[i] / time);
      const [ms, ratio, spread] = [median(times), median(ratios), quartiles(ratios)];
      return [{name, label, isOurs, ms, ratio, spread}];
    }),
  };
}

function printCell({workload, chunk, bytes, events, contenders, wrong, slow}) {
  console.log(`\n${WORKLOADS[workload].title}, ${chunkName(chunk)}: ${events} events, ${bytes} B`);
  for (const {name, ms, ratio, spread} of contenders) {
    const rate = `${short(bytes / ms / 1000).padStart(7)} MB/s`;
    const each = `${short((ms * 1e6) / events).padStart(9)} ns/event`;
    console.log(
      `  ${name.padEnd(24)}${rate} ${each} ${short(ratio).padStart(6)}× `
        + `(${spread.map(short).join('–')})`,
    );
  }
  for (const [name, fault] of Object.entries(wrong)) {
    console.log(`  ${name.padEnd(24)}WRONG: ${fault.slice(0, 120)}`);
  }
  for (const name of Object.keys(slow)) console.log(`  ${name.padEnd(24)}too slow`);
}

function printSummary(cells) {
  console.log('\nratio to eventsource-parser 4: geometric means over the workloads');
  for (const {columns, rows} of summarize(cells)) {
    const head = columns.map((name) => name.padStart(8)).join('');
    console.log(`\n  ${''.padEnd(32)}${head}  worst cell`);
    for (const {name, figures, worst} of rows) {
      const cells = figures.map((value) => short(value).padStart(8)).join('');
      console.log(`  ${name.padEnd(32)}${cells}  ${worst}`);
    }
  }
}

if (import.meta.filename === process.argv[1]) await parse(readArguments());
