// One event of 1 KB to 64 MB: the time a byte takes must not grow with it.

import {chunkName, readArguments} from './arguments.mjs';
import {runScript} from './child.mjs';
import {contenders} from './contestants.mjs';
import {short} from './figures.mjs';

const KB = 1 << 10;
const FULL = {
  sizes: [1, 16, 256, 4 * KB, 64 * KB].map((size) => size * KB),
  chunks: [64, 1400, 16384, 65536],
  slice: 100,
  limit: 12_000,
};
const QUICK = {sizes: [KB, 64 * KB, 4 * KB * KB], chunks: [16384], slice: 30, limit: 3000};
export const SHAPES = {line: 'one line', lines: 'lines of 61 bytes'};
/** The clients hold what we measure elsewhere: eventsource-parser. */
const RIVALS = [
  'esp4',
  'esp3',
  'anthropic',
  'openai',
  'undici',
  'fetch-event-source',
  'fetch-event-stream',
  'parse-sse',
  'launchdarkly',
];

export async function scaling(options) {
  const {ours, runtime, forms = ['push', 'async'], peers = RIVALS} = options;
  const scale = options.quick ? QUICK : FULL;
  const {sizes, slice, limit} = scale;
  const chunks = options.chunks?.filter((chunk) => chunk > 0) ?? scale.chunks;
  const all = contenders({ours, forms, peers}).filter(({kind}) => kind === 'bytes');
  const rows = [];
  for (const shape of Object.keys(SHAPES)) {
    for (const chunk of chunks) {
      console.log(`\none event in ${SHAPES[shape]}, chunks of ${chunkName(chunk)}: ns a byte`);
      console.log(
        `  ${''.padEnd(20)}${sizes.map((size) => sizeName(size).padStart(9)).join('')}`
          + '   peak MB',
      );
      for (const contender of all) {
        const {name, isOurs} = contender;
        const {results, isLate} = await runScript(
          runtime,
          'scaling-cell.mjs',
          {contender, shape, chunk, sizes, slice, wall: options.wall},
          limit,
        );
        const fault = isLate ? 'too slow' : results.find(({fault}) => fault)?.fault;
        const row = {name, isOurs, shape, chunk, fault, results: results.filter(({ns}) => ns)};
        rows.push(row);
        printRow(row, sizes);
      }
    }
  }
  return rows;
}

export function sizeName(size) {
  return size < KB * KB ? `${size / KB} kB` : `${size / KB / KB} MB`;
}

function printRow({name, fault, results}, sizes) {
  const figures = sizes.map((size) => short(results.find((result) => result.size === size)?.ns));
  const peak = results.length === sizes.length ? short(results.at(-1).peak / 1e6) : '';
  console.log(
    `  ${name.padEnd(20)}${figures.map((text) => text.padStart(9)).join('')}`
      + `${peak.padStart(10)}${fault ? `  ${fault.slice(0, 60)}` : ''}`,
  );
}

if (import.meta.filename === process.argv[1]) await scaling(readArguments());
