// Parsing alone: workloads × chunk sizes × contenders. node bench/parse.mjs --help

import {chunkName, CHUNKS, readArguments} from './arguments.mjs';
import {runScript} from './child.mjs';
import {geometricMean, median, quartiles, short} from './figures.mjs';
import {WORKLOADS} from './workloads.mjs';

// Several processes a cell: one may be faster than the next for all of its life, by where its
// code and its heap came to lie. `slice` and `warm` are ms a contender.
const FULL = {processes: 3, rounds: 5, slice: 15, warm: 100, chunks: CHUNKS};
const QUICK = {processes: 1, rounds: 3, slice: 4, warm: 25, chunks: [64, 16384, 'text', 'lines']};
const MOST_MS = 300_000;

export async function parse(options) {
  const {workloads = Object.keys(WORKLOADS), ours, forms, peers, runtime} = options;
  const scale = options.quick ? QUICK : FULL;
  const {processes, rounds, slice, warm, chunks} = {
    ...scale,
    ...options.rounds && {rounds: options.rounds},
    ...options.processes && {processes: options.processes},
    ...options.chunks && {chunks: options.chunks},
  };
  const cells = [];
  for (const workload of workloads) {
    for (const chunk of chunks) {
      const runs = [];
      for (let i = 0; i < processes; i++) {
        const {results, isLate} = await runScript(runtime, 'parse-cell.mjs',
          {workload, chunk, rounds, slice, warm, ours, forms, peers}, MOST_MS);
        if (isLate) throw new Error(`${workload}, ${chunkName(chunk)}: more than ${MOST_MS} ms`);
        runs.push(...results);
      }
      const cell = {workload, chunk, ...together(runs)};
      cells.push(cell);
      printCell(cell);
    }
  }
  if (cells.length > 1) printSummary(cells, chunks);
  return cells;
}

/** The rounds of all processes as one cell: medians, and ratios within each round. */
function together(runs) {
  const [{events, bytes, contenders}] = runs;
  const wrong = Object.assign({}, ...runs.map(({wrong}) => wrong));
  const timesOf = (wanted) => runs.flatMap(({contenders}) =>
    contenders.find(({name}) => name === wanted)?.times ?? []);
  const base = timesOf('esp4');
  return {
    events, bytes, wrong,
    contenders: contenders.filter(({name}) => !wrong[name]).map(({times: _, ...contender}) => {
      const times = timesOf(contender.name);
      const ratios = times.map((time, i) => base[i] / time);
      return {...contender, ms: median(times), ratio: median(ratios), spread: quartiles(ratios)};
    }),
  };
}

function printCell({workload, chunk, bytes, events, contenders, wrong}) {
  console.log(`\n${WORKLOADS[workload].title}, ${chunkName(chunk)}: ${events} events, ${bytes} B`);
  for (const {name, form, ms, ratio, spread} of contenders) {
    console.log(`  ${name.padEnd(20)} ${form.split(' ')[0].padEnd(7)}`
      + `${short(bytes / ms / 1000).padStart(7)} MB/s ${short(ms * 1e6 / events).padStart(9)} ns/event`
      + ` ${short(ratio).padStart(6)}× (${spread.map(short).join('–')})`);
  }
  for (const [name, fault] of Object.entries(wrong)) {
    console.log(`  ${name.padEnd(20)} WRONG: ${fault.slice(0, 120)}`);
  }
}

/** One row a contender: geometric means over the workloads by chunk size, and the worst cell. */
export function summarize(cells, chunks) {
  const names = [...new Set(cells.flatMap(({contenders}) => contenders.map(({name}) => name)))];
  const ratioOf = (cell, wanted) => cell.contenders.find(({name}) => name === wanted)?.ratio;
  return names.map((name) => {
    const of = (some) => {
      const ratios = some.map((cell) => ratioOf(cell, name)).filter(Boolean);
      return ratios.length ? geometricMean(ratios) : undefined;
    };
    const bytes = cells.filter(({chunk}) => typeof chunk === 'number');
    const ratios = cells.map((cell) => [ratioOf(cell, name), cell]).filter(([ratio]) => ratio);
    const [ratio, cell] = ratios.sort(([a], [b]) => a - b)[0] ?? [];
    return {
      name,
      by: chunks.map((chunk) => of(cells.filter((cell) => cell.chunk === chunk))),
      all: of(bytes),
      large: of(bytes.filter(({chunk}) => chunk === 0 || chunk >= 1400)),
      worst: cell && `${short(ratio)} ${cell.workload} ${chunkName(cell.chunk)}`,
      wrong: cells.filter(({wrong}) => name in wrong).length,
    };
  });
}

function printSummary(cells, chunks) {
  const columns = [...chunks.map(chunkName), 'bytes', '≥1.4k'];
  console.log('\nratio to eventsource-parser 4, geometric means over the workloads');
  console.log(`  ${''.padEnd(20)}${columns.map((name) => name.padStart(8)).join('')}  worst cell`);
  for (const {name, by, all, large, worst, wrong} of summarize(cells, chunks)) {
    const figures = [...by, all, large].map((value) => short(value).padStart(8)).join('');
    console.log(`  ${name.padEnd(20)}${figures}  ${worst ?? ''}${wrong ? `, ${wrong} wrong` : ''}`);
  }
}

if (import.meta.filename === process.argv[1]) await parse(readArguments());
