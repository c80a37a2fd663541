// node tools/lint/run.mjs [--write]: the format of every file, Biome's rules, what is unused, and
// the layers. Prints a line for each, and what was found; exit 1 if anything was.
//
// --write formats the files first. sse.ts and web-event-source.ts are seen as the copies that
// switches.mjs makes of them.

import {execFile, execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import knipConfig from './knip.config.mjs';
import {makeCopy, SWITCHED, withSwitches} from './switches.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = fileURLToPath(new URL('node_modules/', import.meta.url));
const BIOME = join(MODULES, '@biomejs/biome/bin/biome');
const KNIP = join(MODULES, 'knip/bin/knip.js');
const KNIP_CONFIG = 'tools/lint/knip.config.mjs';
const COPIES = '.build/lint/';

/** Name to what finds the problems of a folder: one line each. */
const CHECKS = {
  format: (root) => biome(root, 'format'),
  lint: (root) => biome(root, 'lint'),
  unused: async (root) => [
    ...(await knip(root, '--config', KNIP_CONFIG)),
    ...(await unnamed(root, knipConfig)),
  ],
  layers: async (root) => {
    const {status, stdout, stderr} = await run(root, 'tools/layers.mjs');
    return status ? linesOf(stderr || stdout) : [];
  },
};

/** What Biome finds: also what it calls a warning or an information. */
export async function biome(root, command) {
  const flags = ['--reporter=json', '--max-diagnostics=none', '--colors=off'];
  const {stdout, stderr} = await run(root, BIOME, command, ...flags, '.');
  if (!stdout.startsWith('{')) throw new Error(`biome ${command}: ${stdout}${stderr}`);
  const {diagnostics, summary} = JSON.parse(stdout);
  if (!(summary.changed + summary.unchanged)) throw new Error(`biome ${command} saw no file`);
  const found = diagnostics.map(({category, location: {path, start}, message}) => {
    const file = path.replace(COPIES, '');
    return `${file}${start ? `:${start.line}` : ''}: ${message} (${category})`;
  });
  return [...new Set(found)].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}));
}

/** What knip finds: also a line of its configuration that is of no use any more. */
export async function knip(root, ...args) {
  const flags = ['--no-progress', '--treat-config-hints-as-errors'];
  const {status, stdout, stderr} = await run(root, KNIP, ...flags, ...args);
  return status ? linesOf(stdout + stderr) : [];
}

/** The packages that knip is not asked about, and that no file of their folder names. */
export async function unnamed(root, {workspaces}) {
  const files = execFileSync('git', ['ls-files'], {cwd: root, encoding: 'utf8'});
  const texts = linesOf(files)
    .filter((file) => /\.(?:mjs|ts)$/.test(file) && file !== KNIP_CONFIG)
    .filter((file) => existsSync(join(root, file)))
    .map((file) => ({file, text: readFileSync(join(root, file), 'utf8')}));
  return Object.entries(workspaces).flatMap(([folder, {ignoreDependencies = []}]) => {
    // What the examples import is installed beside their tests.
    const near = texts.filter(
      ({file}) => folder === '.' || file.startsWith(`${folder}/`) || file.startsWith('examples/'),
    );
    return ignoreDependencies
      .filter((name) => !near.some(({text}) => named(name).test(text)))
      .map((name) => `${folder}/package.json: no file names '${name}'`);
  });
}

/** As a package's name stands in a string: alone, or before a path. */
function named(name) {
  return new RegExp(`['"/]${name.replace(/[.]/g, '\\.')}['"/ ]`);
}

/** Runs a program of Node to its end. */
function run(cwd, ...args) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, {cwd, maxBuffer: 2 ** 26}, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({status: error?.code ?? 0, stdout, stderr});
    });
  });
}

function linesOf(text) {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean);
}

async function write() {
  const {status, stderr} = await run(ROOT, BIOME, 'format', '--write', '.');
  if (status) throw new Error(stderr);
  for (const file of SWITCHED) {
    const copy = readFileSync(COPIES + file, 'utf8');
    writeFileSync(file, withSwitches(copy, readFileSync(file, 'utf8')));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(ROOT);
  SWITCHED.forEach(makeCopy);
  if (process.argv.includes('--write')) await write();
  for (const [name, find] of Object.entries(CHECKS)) {
    const start = performance.now();
    const problems = await find(ROOT);
    const took = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${problems.length ? 'FAIL' : 'ok  '} ${name} (${took} s)`);
    for (const problem of problems) console.log(`  ${problem}`);
    if (problems.length) process.exitCode = 1;
  }
}
