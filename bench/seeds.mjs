// The benchmark of zerodep's `sse`, a Python library of the same kind: its shapes, its way of
// measuring, and the means that it publishes for itself and for httpx-sse.

import {readArguments} from './arguments.mjs';
import {runScript} from './child.mjs';
import {short} from './figures.mjs';

/**
 * µs, from the project's documentation (github.com/Oaklight/zerodep, SSE Client Benchmark): the
 * fastest of the three tables that it has published; CPython 3.10.20, x86_64 Linux, a machine
 * that it does not name. Another language on another machine: an order of magnitude, no race.
 */
const PUBLISHED = {
  small: {zerodep: 14.9, 'httpx-sse': 13.2},
  medium: {zerodep: 200.9, 'httpx-sse': 186.9},
  large: {zerodep: 1526.4, 'httpx-sse': 1379.9},
};

export async function seeds({ours, runtime, quick}) {
  const {results} = await runScript(
    runtime,
    'seeds-cell.mjs',
    {ours: Object.values(ours)[0], spend: quick ? 150 : 1500},
    60_000,
  );
  const rows = results.map((result) => ({...result, ...PUBLISHED[result.shape]}));
  console.log('\nlines to events, mean µs: here, and as published for Python');
  console.log(`  ${''.padEnd(8)}     ours     esp4  zerodep  httpx-sse`);
  for (const {shape, ...row} of rows) {
    const figures = ['ours', 'esp4', 'zerodep', 'httpx-sse'].map((name) => short(row[name]));
    console.log(`  ${shape.padEnd(8)}${figures.map((text) => text.padStart(9)).join('')}`);
  }
  return rows;
}

if (import.meta.filename === process.argv[1]) await seeds(readArguments());
