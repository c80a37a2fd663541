// The command line of all benchmarks: one place, so that every script understands the same.

import {existsSync} from 'node:fs';
import {resolve} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {isBrowser} from './contestants.mjs';
import {MOST_LOAD} from './load.mjs';
import {forms} from './ours.mjs';
import {PEERS} from './peers.mjs';
import {WORKLOADS} from './workloads.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));

export const CHUNKS = [1, 64, 1400, 16384, 65536, 0, 'text', 'lines'];

const SECTIONS = ['parse', 'scaling', 'endtoend', 'many', 'capacity', 'blocking', 'seeds'];
const FORMS = [...new Set(Object.keys(forms).map((form) => form.split(' ')[0]))];

/** Those that npm has for bench/, and the browsers of test/browsers/. */
const RUNTIMES = {
  node26: ['node26/bin/node'],
  node24: ['node24/bin/node'],
  node20: ['node20/bin/node'],
  bun: ['bun/bin/bun'],
  deno: ['deno/deno', 'run', '--allow-all', '--no-check'],
  chromium: undefined,
  firefox: undefined,
};

const HELP = `node bench/run.mjs [options]
  --quick              fewer cells, rounds and sizes: under two minutes for all
  --only NAME,…        ${SECTIONS.join(', ')}
  --workload NAME,…    ${Object.keys(WORKLOADS).join(', ')}
  --chunk SIZE,…       ${CHUNKS.map(chunkName).join(', ')}
  --form NAME,…        ${FORMS.join(', ')}: ours only
  --peer NAME,…        ${Object.keys(PEERS).join(', ')}; none: only the two to compare with
  --ours NAME=PATH     a build to measure, instead of dist/sse.js; several: side by side
  --rounds N           measurements of each in a process
  --processes N        processes for each
  --wall               parse, scaling: the clock's time, instead of CPU time
  --runtime NAME       ${Object.keys(RUNTIMES).join(', ')}; browsers: parse only
  --no-write           print only; so do the options that leave out or change, and a load of
                       ${MOST_LOAD} or more`;

const OPTIONS = {
  quick: {type: 'boolean', default: false},
  only: {type: 'string'},
  workload: {type: 'string'},
  chunk: {type: 'string'},
  form: {type: 'string'},
  peer: {type: 'string'},
  ours: {type: 'string', multiple: true},
  wall: {type: 'boolean', default: false},
  rounds: {type: 'string'},
  processes: {type: 'string'},
  runtime: {type: 'string', default: 'node26'},
  'no-write': {type: 'boolean', default: false},
  help: {type: 'boolean', default: false},
};

/** What the user asked for, builds as URLs. A wrong argument: one line, and code 2. */
export function readArguments(argv = process.argv.slice(2)) {
  let values;
  try {
    ({values} = parseArgs({args: argv, options: OPTIONS}));
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const chunks = values.chunk?.split(',').map((chunk) => {
      const found = CHUNKS.find((known) => chunkName(known) === chunk || `${known}` === chunk);
      if (found !== undefined) return found;
      if (/^[1-9]\d*$/.test(chunk)) return Number(chunk);
      throw new Error(`unknown chunk '${chunk}'`);
    });
    const peers = values.peer === 'none' ? [] : list(values.peer, Object.keys(PEERS));
    const which = runtime(values.runtime);
    const only = list(values.only, SECTIONS);
    const isOnlyParsing = only?.join() === 'parse';
    if (isBrowser(which) && !isOnlyParsing) throw new Error(`${which.name} runs --only parse`);
    return {
      quick: values.quick,
      wall: values.wall,
      // a part of a benchmark is no result
      write:
        !values['no-write']
        && !['workload', 'chunk', 'form', 'peer', 'ours', 'wall'].some((name) => values[name]),
      only,
      workloads: list(values.workload, Object.keys(WORKLOADS)),
      chunks,
      forms: list(values.form, FORMS),
      peers: peers && [...new Set(['floor', 'esp4', ...peers])],
      ours: builds(values.ours),
      rounds: count('rounds', values.rounds),
      processes: count('processes', values.processes),
      runtime: which,
    };
  } catch (error) {
    console.error(`bench: ${error.message}; --help lists what there is`);
    process.exit(2);
  }
}

export function chunkName(chunk) {
  return {1400: '1.4k', 16384: '16k', 65536: '64k', 0: 'whole'}[chunk] ?? `${chunk}`;
}

function list(value, known) {
  const names = value?.split(',');
  const wrong = names?.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`unknown name '${wrong}'`);
  return names;
}

function count(name, value) {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new Error(`--${name} must be a number from 1`);
  return Number(value);
}

function builds(values = [`ssekit=${HERE}../dist/sse.js`]) {
  return Object.fromEntries(
    values.map((value, i) => {
      const [, name = i ? `ours${i + 1}` : 'ours', path] = /^(?:([\w.-]+)=)?(.+)$/.exec(value);
      if (!existsSync(path)) throw new Error(`there is no ${path}: node build.mjs makes dist/`);
      return [name, `${pathToFileURL(resolve(path))}`];
    }),
  );
}

/** `{name, command}`, or a browser's `{name}`. */
function runtime(name) {
  if (!(name in RUNTIMES)) throw new Error(`unknown runtime '${name}'`);
  if (!RUNTIMES[name]) return {name};
  const [program, ...args] = RUNTIMES[name];
  const command = `${HERE}node_modules/${program}`;
  if (!existsSync(command)) throw new Error(`${name} is missing: npm ci in bench/`);
  return {name, command: [command, ...args]};
}
