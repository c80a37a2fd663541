// All benchmarks, or some: node bench/run.mjs --help. Prints, and writes bench/results/.

import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {cpus, totalmem} from 'node:os';
import {fileURLToPath} from 'node:url';
import {readArguments} from './arguments.mjs';
import {blocking} from './blocking.mjs';
import {browserVersion} from './browser.mjs';
import {endtoend} from './endtoend.mjs';
import {becomesQuiet} from './load.mjs';
import {capacity, many} from './many.mjs';
import {parse} from './parse.mjs';
import {REPORTS} from './report.mjs';
import {scaling} from './scaling.mjs';
import {seeds} from './seeds.mjs';

const SECTIONS = {
  parse: ['Parsing', parse],
  scaling: ['Scaling', scaling],
  endtoend: ['End to end', endtoend],
  many: ['Many subscriptions', many],
  capacity: ['Capacity of one process', capacity],
  blocking: ['The blocking loop', blocking],
  seeds: ['Against its seeds', seeds],
};

const options = readArguments();
const {runtime, only = Object.keys(SECTIONS)} = options;
const isDefault = runtime.name === 'node26';
const begun = performance.now();
const minutes = (since) => `${((performance.now() - since) / 60_000).toFixed(1)} min`;

for (const name of only) {
  const [title, run] = SECTIONS[name];
  const start = performance.now();
  console.log(`\n── ${title} ${'─'.repeat(80 - title.length)}`);
  const isQuiet = await becomesQuiet();
  const figures = await run(options);
  console.log(`\n  ${minutes(start)}`);
  if (options.write && isQuiet) await write(name, title, REPORTS[name](figures));
}
console.log(`\nall: ${minutes(begun)}`);

/** One page and its charts; another runtime's in a folder of its own. */
async function write(name, title, {text, charts}) {
  const folder = fileURLToPath(
    new URL(isDefault ? './results' : `./results/${runtime.name}`, import.meta.url),
  );
  mkdirSync(folder, {recursive: true});
  const images = Object.keys(charts).map((chart) => `![${title}](${chart}.svg)`);
  const page = [`# ${title}`, await conditions(name), ...images, ...text].join('\n\n');
  writeFileSync(`${folder}/${name}.md`, `${page}\n`);
  for (const [chart, svg] of Object.entries(charts)) writeFileSync(`${folder}/${chart}.svg`, svg);
}

/** Machine, versions and command: a figure without them is none. */
async function conditions(name) {
  const version = await versionOf(runtime);
  const {dependencies} = JSON.parse(readFileSync(new URL('package.json', import.meta.url)));
  const peers = Object.entries(dependencies)
    .filter(([peer]) => !/^(node\d+|bun|deno)$/.test(peer))
    .map(([peer, wanted]) => `${peer.replace(/-3$/, '')} ${wanted.replace(/.*@/, '')}`)
    .join(', ');
  const cores = cpus();
  const flags = [
    `--only ${name}`,
    options.quick && '--quick',
    options.rounds && `--rounds ${options.rounds}`,
    options.processes && `--processes ${options.processes}`,
    !isDefault && `--runtime ${runtime.name}`,
  ]
    .filter(Boolean)
    .join(' ');
  return (
    `${version}, ${cores.length} × ${cores[0].model.trim()}, `
    + `${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}; `
    + `${new Date().toISOString().slice(0, 10)}; \`npm run bench -- ${flags}\`.\nPeers: ${peers}.`
  );
}

/** As in "Node 26.10.0". */
async function versionOf({name, command}) {
  const kind = name[0].toUpperCase() + name.slice(1).replace(/\d+$/, '');
  const text = command
    ? execFileSync(command[0], ['--version'], {encoding: 'utf8'})
    : await browserVersion(name);
  return `${kind} ${/\d+[\d.]+/.exec(text)[0]}`;
}
