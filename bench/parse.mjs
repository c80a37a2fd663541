// Parsing alone: workloads × chunk sizes × contenders. node bench/parse.mjs --help

import {chunkName, CHUNKS, readArguments} from './arguments.mjs';
import {openBrowser} from './browser.mjs';
import {converse} from './child.mjs';
import {contenders, isBrowser, kindOf} from './contestants.mjs';
import {median, quartiles, short, shuffled} from './figures.mjs';
import {summarize} from './summary.mjs';
import {WORKLOADS} from './workloads.mjs';

// Several processes a cell: one may be faster than the next for all of its life, by where its
// code and its heap came to lie. `slice` and `warm` are ms a contender.
const FULL = {processes: 3, rounds: 5, slice: 50, warm: 100, chunks: CHUNKS};
const QUICK = {
  processes: 1,
  rounds: 3,
  slice: 4,
  warm: 60,
  part: 1 / 4,
  chunks: [64, 16384, 'text', 'lines'],
};
const MOST_MS = 300_000;

/**
 * Each contestant lives in a process of its own, and goes through all sizes of chunks of a
 * workload. They are asked in turns: in each round every one once, in a new order. Ratios are of
 * one round, the figure is their median: what disturbs the machine disturbs a whole round.
 */
export async function parse(options) {
  const scale = {...(options.quick ? QUICK : FULL), ...given(options)};
  const cells = [];
  for (const workload of options.workloads ?? Object.keys(WORKLOADS)) {
    const runs = new Map(scale.chunks.map((chunk) => [chunk, []]));
    for (let i = 0; i < scale.processes; i++) await addRuns(runs, workload, scale, options);
    for (const [chunk, rows] of runs) {
      const cell = {workload, chunk, ...together(rows)};
      cells.push(cell);
      printCell(cell);
    }
  }
  if (cells.length > 1) printSummary(cells);
  return cells;
}

function given({rounds, processes, chunks}) {
  return {...(rounds && {rounds}), ...(processes && {processes}), ...(chunks && {chunks})};
}

/** A process for each contestant, and what they need, chunk by chunk. */
async function addRuns(runs, workload, scale, options) {
  const {rounds, slice, warm, part} = scale;
  const {runtime} = options;
  const host = isBrowser(runtime)
    ? await openBrowser(runtime, Object.values(options.ours))
    : undefined;
  const wall = options.wall || host !== undefined;
  const all = [];
  try {
    for (const contender of contenders(options)) {
      const chunks = scale.chunks.filter((chunk) => kindOf(chunk) === contender.kind);
      if (!chunks.length) continue;
      const task = {contender, workload, chunks, slice, warm, part, wall};
      const child = host ? host.enter(task) : converse(runtime, 'parse-cell.mjs', task, MOST_MS);
      all.push({contender, child, report: await child.ready}); // one after the other
    }
    for (const [chunk, rows] of runs) rows.push(await measured(all, chunk, rounds));
  } finally {
    for (const {child} of all) await child.end();
    await host?.close();
  }
}

/** All that take these chunks, with their times, round by round. */
async function measured(all, chunk, rounds) {
  const there = all.filter(({contender}) => contender.kind === kindOf(chunk));
  const rows = there.map(({contender, child, report: {[chunk]: about}}) => {
    return {...contender, ...about, child, times: []};
  });
  const able = rows.filter(({wrong, isSlow}) => !wrong && !isSlow);
  for (let round = 0; round < rounds; round++) {
    for (const {child, times} of shuffled(able)) times.push((await child.ask({chunk})).ms);
  }
  return rows;
}

/** The rounds of all processes as one cell: medians, and ratios within each round. */
function together(runs) {
  const [rows] = runs;
  const of = (wanted, take) => runs.flatMap((rows) => take(rows.find(({name}) => name === wanted)));
  const base = of('esp4', ({times}) => times);
  const wrong = {};
  const slow = {};
  const contenders = [];
  for (const {name, label, isOurs} of rows) {
    const [fault] = of(name, (row) => row.wrong ?? []);
    const times = of(name, ({times}) => times);
    if (fault) {
      wrong[name] = fault;
      if (isOurs) process.exitCode = 1;
    } else if (times.length < base.length) slow[name] = true;
    else {
      const ratios = times.map((time, i) => base[i] / time);
      const [ms, ratio, spread] = [median(times), median(ratios), quartiles(ratios)];
      contenders.push({name, label, isOurs, ms, ratio, spread});
    }
  }
  const {events, bytes} = rows[0];
  return {events, bytes, wrong, slow, contenders};
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
