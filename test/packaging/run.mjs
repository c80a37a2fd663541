// node test/packaging/run.mjs [PART…]: what people do with the one file and with the package, on
// their side: compile it, run it, bundle it, hand it their fetch, install it, lint it. Prints a
// matrix for each part; exit 1 if a cell is not as it must be. First: npm ci here, in test/ and in
// the root.
//
// A cell returns what the matrix shows. What cannot work is a cell, too: it has to fail as its
// data says (n/a), and so have the faults that are planted to prove that the matrix sees them.

import {existsSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import {bundlers} from './bundlers.mjs';
import {compilers} from './compilers.mjs';
import {linters} from './linters.mjs';
import {packages} from './packages.mjs';
import {runtimes} from './runtimes.mjs';
import {startServer} from './server.mjs';
import {HERE, MODULES, ROOT} from './stranger.mjs';
import {transports} from './transports.mjs';
import {vendoring} from './vendoring.mjs';

const PARTS = {compilers, runtimes, bundlers, transports, packages, linters, vendoring};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`run.mjs: unknown part '${unknown}'; known are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}
for (const folder of [join(ROOT, 'node_modules'), join(HERE, '../node_modules'), MODULES]) {
  if (existsSync(folder)) continue;
  console.error(`run.mjs: ${folder} is missing: npm ci in the folder above it makes it`);
  process.exit(1);
}

const server = await startServer();
let failures = 0;
for (const name of asked.length ? asked : Object.keys(PARTS)) {
  const start = performance.now();
  const {cells, notes = []} = await PARTS[name](server.url);
  await fill(cells);
  console.log(`\n${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  print(cells);
  for (const note of notes) console.log(note);
  for (const {row, column, error} of cells) {
    if (!error) continue;
    failures++;
    console.error(`FAIL ${name}: ${row}, ${column}: ${error.message}`);
  }
}
server.close();
console.log(failures ? `\n${failures} cells failed` : '\nall as it must be');
process.exitCode = failures ? 1 : 0;

/** Runs the cells, as many at a time as there are cores. */
async function fill(cells) {
  const waiting = [...cells];
  await Promise.all(
    Array.from({length: availableParallelism()}, async () => {
      for (let cell; (cell = waiting.shift()); ) {
        try {
          cell.shown = await cell.run();
        } catch (error) {
          cell.error = error;
          cell.shown = 'FAIL';
        }
      }
    }),
  );
}

function print(cells) {
  const columns = [...new Set(cells.map(({column}) => column))];
  const rows = [...new Set(cells.map(({row}) => row))];
  const shown = (row, column) =>
    cells.find((cell) => cell.row === row && cell.column === column)?.shown ?? '';
  const table = [
    ['', ...columns],
    ...rows.map((row) => [row, ...columns.map((column) => shown(row, column))]),
  ];
  const widths = table[0].map((_, at) => Math.max(...table.map((line) => line[at].length)));
  for (const line of table) {
    console.log(
      line
        .map((text, at) => text.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    );
  }
}
