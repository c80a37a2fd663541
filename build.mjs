// node build.mjs [--test] [--quiet] [--stamp | --release]
//
// Makes dist/ (sse.js, sse.d.ts, sse.min.js, web-event-source.js and .d.ts, cli.js) and .build/
// (what the tests run). --test then runs what a change must pass first: types, sizes, layers, docs,
// bundles and the tests that need Node alone; it stops at the first failure.
//
// --stamp and --release are for `npm version` and `npm pack`: see tools/release.mjs.

import {spawn} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {availableParallelism} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {build, transform} from 'esbuild';
import {switchesOf} from './tools/lint/switches.mjs';
import {listHashes, markBuilt, mustBeReleased, mustBeStamped, stamp} from './tools/release.mjs';

const ROOT = dirname(fileURLToPath(import.meta.url));
const {resolve: find} = createRequire(import.meta.url);
const TSC = join(dirname(find('typescript/package.json')), 'bin/tsc');

// What is copied, or installed: the second one is over the first.
const PRODUCTS = ['sse.ts', 'web-event-source.ts'];

// What they are compiled to wherever esbuild compiles them.
const OUTPUT = {format: 'esm', target: 'es2022', logLevel: 'silent'};

// Bytes, minified and gzipped, of what a bundler makes of each import: a little above what it is,
// so that growth is a decision. Nearly a fifth of the async client's is the checks of arguments
// and what errors say.
const BUNDLES = {
  parser: {code: `export {EventParser} from './sse.ts'`, limit: 4520},
  async: {code: `export {asyncConnect} from './sse.ts'`, limit: 14_910},
  all: {code: `export * from './sse.ts'`, limit: 21_220},
  // by itself: whoever has it has the async client, too
  web: {code: `export * from './web-event-source.ts'`, external: ['./sse.ts'], limit: 1610},
};

const LIBRARIES = [
  ['ES2022', '--types', ''],
  ['ES2022,DOM,DOM.Iterable', '--types', ''],
  ['ES2022,WebWorker', '--types', ''],
  ['ES2022', '--types', 'node'],
  ['ES2022,DOM,DOM.Iterable', '--types', 'node'],
];

// Flags of projects that are not strict, where other types are inferred.
const LOOSE = ['--strict', 'false', '--exactOptionalPropertyTypes', 'false'];

const known = ['--test', '--quiet', '--stamp', '--release'];
const unknown = process.argv.slice(2).find((arg) => !known.includes(arg));
if (unknown !== undefined) {
  console.error(`build.mjs: unknown argument '${unknown}'; known are ${known.join(', ')}`);
  process.exit(2);
}
const quiet = process.argv.includes('--quiet');
const say = (line) => quiet || console.log(line);

process.chdir(ROOT);
try {
  if (process.argv.includes('--stamp')) stamp();
  await makeProducts();
  if (process.argv.includes('--stamp')) listHashes();
  else if (process.argv.includes('--release')) mustBeReleased();
  else {
    const made = await makeTests();
    if (process.argv.includes('--test')) await test(made);
  }
} catch (error) {
  console.error(`build.mjs: ${error.message}`);
  process.exit(1);
}

async function makeProducts() {
  const missing = PRODUCTS.find((file) => !existsSync(file));
  if (missing) throw new Error(`there is no ${missing} to build`);
  mustBeStamped();

  // tsc for the readable file: it keeps the comments where they were, esbuild drops most.
  await tsc('-p', 'tsconfig.json');
  for (const file of PRODUCTS) declare(file);
  markBuilt();
  const min = await transform(readFileSync('sse.ts', 'utf8'), {
    ...OUTPUT,
    loader: 'ts',
    minify: true,
  });
  writeFileSync('dist/sse.min.js', min.code);
  await bundleCommand();
}

/** What the tests run, and the sizes that they look at. */
async function makeTests() {
  mkdirSync('.build', {recursive: true});
  await compileTests();

  const bundles = {};
  const sizes = {};
  for (const [name, {code, external = [], limit}] of Object.entries(BUNDLES)) {
    const {
      outputFiles: [file],
    } = await build({
      stdin: {contents: code, resolveDir: ROOT},
      ...OUTPUT,
      external,
      bundle: true,
      minify: true,
      write: false,
    });
    bundles[name] = file.text;
    sizes[name] = gzipSync(file.contents, {level: 9}).length;
    say(`size ${name.padEnd(6)} ${sizes[name]} of ${limit} B minified + gzip`);
  }
  writeFileSync('.build/sizes.json', `${JSON.stringify(sizes)}\n`);
  return {bundles, sizes};
}

/** One file, beside the library that it uses. */
async function bundleCommand() {
  const library = {
    name: 'library',
    setup({onResolve}) {
      onResolve({filter: /\/sse\.ts$/}, () => ({path: './sse.js', external: true}));
    },
  };
  await build({
    entryPoints: ['cli/main.ts'],
    outfile: 'dist/cli.js',
    ...OUTPUT,
    bundle: true,
    platform: 'node',
    plugins: [library],
  });
  chmodSync('dist/cli.js', 0o755);
}

/**
 * Mends what tsc leaves out of the declarations: of the lines that keep other linters off there is
 * none, and an import of './sse.ts' is not rewritten as it is in the code.
 */
function declare(file) {
  const path = `dist/${file.replace('.ts', '.d.ts')}`;
  const [name, ...declarations] = readFileSync(path, 'utf8').split('\n');
  const switched = [name, switchesOf(readFileSync(file, 'utf8')), ...declarations].join('\n');
  writeFileSync(path, switched.replace(`from './sse.ts'`, `from './sse.js'`));
}

/** Files of test/unit/, without their `.test.ts`. */
function unitTests() {
  const ending = '.test.ts';
  return readdirSync('test/unit')
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

/**
 * Node 20 runs no TypeScript: the tests run as they are bundled here, beside .build/sse.js and
 * .build/web-event-source.js.
 * .build/sse.test.js holds them all, for other runtimes. The same in parts, to run side by side:
 * .build/rows.test.js, which is sse.test.ts without what it imports, and a file for each of
 * test/unit/.
 */
async function compileTests() {
  for (const file of PRODUCTS) {
    const {code} = await transform(readFileSync(file, 'utf8'), {...OUTPUT, loader: 'ts'});
    writeFileSync(`.build/${file.replace('.ts', '.js')}`, besideTests(code));
  }
  const door = readFileSync('sse.test.ts', 'utf8');
  const imports = /^import '\.\/test\/unit\/(.*)\.test\.ts';\n/gm;
  const imported = [...door.matchAll(imports)].map(([, name]) => name);
  const units = unitTests();
  const forgotten = units.find((name) => !imported.includes(name));
  if (forgotten) throw new Error(`sse.test.ts does not import test/unit/${forgotten}.test.ts`);
  const rows = {contents: door.replace(imports, ''), loader: 'ts', resolveDir: ROOT};
  await Promise.all([
    bundleTests('sse', {entryPoints: ['sse.test.ts']}),
    bundleTests('rows', {stdin: rows}),
    ...units.map((name) => bundleTests(name, {entryPoints: [`test/unit/${name}.test.ts`]})),
  ]);
}

async function bundleTests(name, entry) {
  const outfile = `.build/${name}.test.js`;
  const {
    outputFiles: [{text}],
  } = await build({
    ...entry,
    ...OUTPUT,
    outfile,
    bundle: true,
    platform: 'node',
    external: ['./sse.ts', './web-event-source.ts', './test/support/start-server.mjs'],
    ignoreAnnotations: true, // "sideEffects": false is not true of tests
    write: false,
  });
  // The library is files of its own, for mutants and for processes of their own.
  writeFileSync(outfile, besideTests(text));
}

/** Code that imports the library from where the tests are. */
function besideTests(code) {
  return code.replace(/(["'])(?:\.\.?\/)+(sse|web-event-source)\.ts\1/g, "'./$2.js'");
}

async function test({bundles, sizes}) {
  await step('types', checkTypes);
  await step('sizes', () => checkSizes(sizes));
  await step('layers', () => node('tools/layers.mjs'));
  await step('docs', () => node('tools/docs.mjs'));
  await step('bundles and package', () => checkBundles(bundles));
  await step('tests: rows and units', runUnits);
  await step('tests: sockets, command line, examples, tools', runProcesses);
}

/** All at once: each compilation takes half a second, and most of it on one core. */
function checkTypes() {
  const sse = ['-p', 'tsconfig.json', '--noEmit'];
  const dom = 'ES2022,DOM,DOM.Iterable';
  return Promise.all([
    ...LIBRARIES.map(([lib, ...types]) => tsc(...sse, '--lib', lib, ...types)),
    ...[[], ['--noImplicitAny'], ['--strictNullChecks']].map((flags) =>
      tsc(...sse, ...LOOSE, ...flags),
    ),
    ...[dom, 'ES2022'].map((lib) =>
      tsc('-p', 'test/tsconfig.json', '--lib', lib, '--types', 'node'),
    ),
    tsc('-p', 'tsconfig.cli.json'),
    tsc('-p', 'test/tsconfig.tests.json'),
  ]);
}

function checkSizes(sizes) {
  for (const [name, {limit}] of Object.entries(BUNDLES)) {
    if (sizes[name] > limit) {
      throw new Error(`bundle '${name}' is ${sizes[name] - limit} B over its budget of ${limit} B`);
    }
  }
}

async function step(name, run) {
  const start = performance.now();
  const took = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    await run();
  } catch (error) {
    throw new Error(`FAILED ${name} (${took()})\n${error.message}`);
  }
  say(`ok   ${name} (${took()})`);
}

async function checkBundles(bundles) {
  for (const name of ['parser', 'async']) {
    const found = /SharedArrayBuffer|worker_threads|Atomics/.exec(bundles[name]);
    if (found) throw new Error(`bundle '${name}' holds blocking code: '${found[0]}'`);
  }
  // Proves that the search above can find something.
  if (!bundles.all.includes('Atomics')) throw new Error(`bundle 'all' holds no blocking code`);

  const check = (load, name = 'EventParser') => `
    const state = () => [...Reflect.ownKeys(globalThis), ...process.getActiveResourcesInfo()]
    const before = state()
    const sse = ${load}
    // The loader may still be closing the file it read.
    const added = state().filter((item) => !before.includes(item) && item !== 'CloseReq')
    if (added.length) throw new Error('importing leaves behind: ' + added.map(String))
    if (typeof sse.${name} !== 'function') throw new Error('${name} is missing')
    if ('default' in sse) throw new Error('there is a default export')`;
  await node('--input-type=module', '-e', check(`await import('ssekit')`));
  await node('--input-type=module', '-e', check(`await import('ssekit/min')`));
  await node('--input-type=commonjs', '-e', check(`require('ssekit')`));
  const web = 'ssekit/web-event-source';
  await node('--input-type=module', '-e', check(`await import('${web}')`, 'EventSource'));
  await node('--input-type=commonjs', '-e', check(`require('${web}')`, 'EventSource'));
}

/** What waits for nothing: the rows, and test/unit/ but for those over sockets, on all cores. */
function runUnits() {
  const units = unitTests().filter((name) => !name.endsWith('sockets'));
  // Left to itself Node keeps one core free.
  return runTests(
    ['rows', ...units].map((name) => `.build/${name}.test.js`),
    `--test-concurrency=${availableParallelism()}`,
  );
}

/** What has processes and sockets, and limits of time that a busy machine might break. */
function runProcesses() {
  const others = ['test', 'test/cli', 'tools'].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.test.mjs'))
      .map((name) => `${folder}/${name}`),
  );
  const sockets = unitTests().filter((name) => name.endsWith('sockets'));
  return runTests([...sockets.map((name) => `.build/${name}.test.js`), ...others]);
}

function runTests(files, ...options) {
  return node('--test', '--test-reporter=./tools/reporter.mjs', ...options, ...files);
}

function tsc(...args) {
  return node(TSC, '--pretty', 'false', ...args);
}

/** Runs node; what it prints is shown at once, or with --quiet only if it fails. */
function node(...args) {
  return new Promise((resolve, reject) => {
    const shown = quiet ? 'pipe' : 'inherit';
    const child = spawn(process.execPath, args, {stdio: ['ignore', shown, shown]});
    let output = '';
    child.stdout?.on('data', (text) => (output += text));
    child.stderr?.on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const what = args
        .filter((arg) => !arg.includes('\n'))
        .join(' ')
        .replace(ROOT, '.');
      reject(new Error(`${output}node ${what}: ${signal ?? `exit ${code}`}`));
    });
  });
}
