// The package: what npm packs, installs and releases, and what JSR would publish.

import {createHash} from 'node:crypto';
import {cpSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {readPages} from '../../tools/pages.mjs';
import {COMPILERS} from './compilers.mjs';
import {copyOfProject, edit, git, pack, release} from './releases.mjs';
import {DENO, NODE_20, NODE_26} from './runtimes.mjs';
import {MODULES, must, program, project, ROOT, run, same, SOURCE} from './stranger.mjs';

// README.md leads to the pages of docs/: they are there for who reads it in a package, too, as they
// are for that version. What CONTRIBUTING.md is about is not.
const READ = [
  'CHANGELOG.md',
  'LICENSE',
  ...Object.keys(readPages()).filter((name) => /^(?:README|docs\/.+)\.md$/.test(name)),
  'sse.ts',
  'web-event-source.ts',
];
const PACKED = [
  ...READ,
  'dist/cli.js',
  'dist/sse.d.ts',
  'dist/sse.js',
  'dist/sse.min.js',
  'dist/web-event-source.d.ts',
  'dist/web-event-source.js',
  'package.json',
].sort();
const COPIED = [
  'sse.ts',
  'web-event-source.ts',
  'dist/sse.js',
  'dist/sse.d.ts',
  'dist/web-event-source.js',
  'dist/web-event-source.d.ts',
];
const PUBLISHED = [...READ, 'jsr.json'].sort();
const SETTINGS = {
  target: 'ES2022',
  lib: ['ES2022'],
  types: [],
  strict: true,
  noEmit: true,
  skipLibCheck: false,
};

export async function packages(url) {
  const cwd = project('packages');
  const tarball = await packAtWork(cwd);
  const installed = await install('installed', tarball);
  const cell = (row, run, column = '') => ({row, column, run: async () => (await run()) ?? 'ok'});
  return {
    cells: [
      cell('npm pack: the files', () => files(ROOT)),
      cell('planted: one more file', () => fails(packOneMore, /build\.mjs/)),
      cell('publint --strict', () => publint(join(installed, 'node_modules/ssekit'))),
      cell('attw, esm-only', () => attw(tarball, cwd)),
      cell('import, Node 20.19 and 26', () => load(installed, 'index.mjs', url)),
      cell('require, Node 20.19 and 26', () => load(installed, 'index.cjs', url)),
      cell('the command, Node 20.19 and 26', () => command(installed, url)),
      ...COMPILERS.map((compiler) =>
        cell(`types, TypeScript ${compiler.name}`, () => types(installed, compiler)),
      ),
      cell('deno publish --dry-run', () => publish(project('jsr'))),
      cell('planted: a slow type', () => fails(publishSlowType, /missing-explicit-return-type/)),
      cell('npm version patch', version),
    ],
  };
}

const bin = (path) => join(MODULES, path);

async function packOneMore() {
  const copy = await copyOfProject('planted-file');
  edit(copy, 'package.json', '"sse.ts",', '"sse.ts", "build.mjs",');
  await files(copy);
}

async function publint(folder) {
  const {stdout} = await must(process.execPath, [
    bin('publint/src/cli.js'),
    'run',
    '--strict',
    '--pack',
    'false',
    folder,
  ]);
  if (!stdout.includes('All good!')) throw new Error(stdout);
}

async function attw(tarball, cwd) {
  const program = bin('@arethetypeswrong/cli/dist/index.js');
  await must(process.execPath, [program, tarball, '--profile', 'esm-only'], {cwd});
}

async function command(installed, url) {
  for (const node of [NODE_20, NODE_26]) {
    const args = ['node_modules/.bin/ssekit', url, '--data', '--once'];
    const {stdout, stderr} = await must(node, args, {cwd: installed});
    same([stdout, stderr], ['one\ntwo\n', `ssekit: connected to ${url}\n`], node);
  }
}

/** The package's types as a TypeScript sees them from ES modules and from CommonJS. */
async function types(installed, {name, folder}) {
  const tsc = (kind, options) => {
    const cwd = join(installed, kind);
    writeFileSync(
      join(cwd, `${name}.json`),
      JSON.stringify({compilerOptions: {...SETTINGS, ...options}, files: ['index.ts']}),
    );
    return run(process.execPath, [bin(`${folder}/bin/tsc`), '-p', `${name}.json`], {cwd});
  };
  const bundler = {module: 'ESNext', moduleResolution: 'Bundler'};
  const takesRequire = parseFloat(name) >= 5.9;
  const results = [
    await tsc('esm', {module: 'NodeNext', allowImportingTsExtensions: true}),
    await tsc('esm', {...bundler, allowImportingTsExtensions: true}),
    await tsc('cjs', bundler),
    await tsc('cjs', {module: 'NodeNext'}),
  ];
  const says = results.map(({status, stdout}) => (status ? stdout : 'ok'));
  const known = takesRequire ? 'ok' : 'an ES module cannot be required';
  if (/TS1479/.test(says[3])) says[3] = 'an ES module cannot be required';
  same(says, ['ok', 'ok', 'ok', known], 'NodeNext, Bundler; CommonJS Bundler, NodeNext');
  return takesRequire ? 'ok' : 'ok; CommonJS: Bundler only';
}

function publishSlowType() {
  const planted = 'export function planted() { return [EventParser]; }';
  return publish(project('planted-jsr'), `${SOURCE}\n${planted}\n`);
}

/** As it is, released or not. */
async function packAtWork(to) {
  const {stdout} = await must(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', to],
    {cwd: ROOT},
  );
  const [{filename}] = JSON.parse(stdout);
  return join(to, filename);
}

async function files(cwd) {
  const {stdout} = await must('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {cwd});
  same(
    JSON.parse(stdout)[0]
      .files.map(({path}) => path)
      .sort(),
    PACKED,
    'what is packed',
  );
}

async function install(name, tarball) {
  const esm = program('package.ts');
  const cjs = esm
    .replace(/^import.*min';\n|^import.*sse\.ts';\n/gm, '')
    .replace('EventParser,', 'EventParser, EventSource, formatEvent,');
  const cwd = project(name, {
    'package.json': {name: 'stranger', private: true},
    'esm/package.json': {type: 'module'},
    'cjs/package.json': {type: 'commonjs'},
    'esm/index.ts': esm,
    'cjs/index.ts': cjs,
    'index.mjs': `
      import * as sse from 'ssekit';
      import * as min from 'ssekit/min';
      import * as web from 'ssekit/web-event-source';
      ${USE}`,
    'index.cjs': `
      const sse = require('ssekit');
      const min = require('ssekit/min');
      const web = require('ssekit/web-event-source');
      ${USE}`,
  });
  await must('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], {cwd});
  return cwd;
}

const USE = `
const follow = async ({asyncConnect, connect}) => {
  const seen = [];
  for (const {data} of connect(process.argv[2])) seen.push(data);
  for await (const {data} of asyncConnect(process.argv[2])) seen.push(data);
  return seen;
};
const listen = ({EventSource}) => new Promise((resolve) => {
  const seen = [];
  const source = new EventSource(process.argv[2]);
  source.onmessage = ({data}) => seen.push(data);
  source.onerror = () => source.readyState === source.CLOSED && resolve(seen);
});
const refused = ({EventSource}) => new Promise((resolve) => {
  const source = new EventSource(process.argv[2] + 'refused');
  source.onerror = ({error}) => resolve(error.constructor === sse.SSEHTTPError);
});
(async () => {
  console.log(...await follow(sse), ...await follow(min), ...await listen(web));
  if (!await refused(web)) throw new Error('web-event-source holds a copy of its own');
})();
`;

async function load(cwd, file, url) {
  for (const node of [NODE_20, NODE_26]) {
    const {stdout, stderr} = await must(node, [file, url], {cwd});
    same([stdout, stderr], [`${Array(5).fill('one two').join(' ')}\n`, ''], node);
  }
}

async function publish(cwd, source = SOURCE) {
  for (const file of PUBLISHED) cpSync(join(ROOT, file), join(cwd, file));
  writeFileSync(join(cwd, 'sse.ts'), source);
  const {stdout, stderr} = await must(DENO, ['publish', '--dry-run', '--allow-dirty'], {cwd});
  const folder = `${pathToFileURL(cwd)}/`;
  const urls = [...`${stdout}${stderr}`.matchAll(/^ +(file:\S+)/gm)];
  const names = urls.map(([, url]) => url.replace(folder, ''));
  same(names.sort(), PUBLISHED, 'what is published');
}

async function version() {
  const cwd = await copyOfProject('release');
  const read = (file) => readFileSync(join(cwd, file), 'utf8');
  const before = JSON.parse(read('package.json')).version;
  const next = await release(cwd, 'patch');
  const lock = JSON.parse(read('package-lock.json'));
  const inLine1 = (file) => read(file).split('\n', 1)[0].split(/[@/]/)[2];
  const versions = [
    JSON.parse(read('package.json')).version,
    lock.version,
    lock.packages[''].version,
    ...COPIED.map(inLine1),
    JSON.parse(read('jsr.json')).version,
    /^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$/m.exec(read('CHANGELOG.md'))[1],
    /\bnpx --yes ssekit@(\S+)/.exec(read('docs/vendoring.md'))[1],
  ];
  same([...new Set(versions)], [next], 'the versions');
  if (before === next) throw new Error(`npm version changes nothing: ${next}`);
  const changed = (await git(cwd, 'diff', '--name-only', 'HEAD')).stdout.trim().split('\n');
  const stamped = ['sse.ts', 'web-event-source.ts'];
  const pages = ['CHANGELOG.md', 'docs/large-logs.md', 'docs/vendoring.md'];
  const due = [...pages, 'jsr.json', 'package-lock.json', 'package.json', ...stamped];
  same(changed.sort(), due.sort(), 'what it changes');

  const listed = hashesOf(read);
  await pack(cwd); // as it was stamped

  for (const [file, says] of [
    ...[...stamped, 'jsr.json'].map((name) => [name, 'is not as package.json has it']),
    ['CHANGELOG.md', 'does not list the hashes'],
    ['docs/vendoring.md', 'names another version'],
  ]) {
    await drifts(cwd, file, [next, before], says);
  }
  for (const file of stamped) {
    await drifts(cwd, file, ['\n\n', '\n \n'], `${file} has changed since ${next} was stamped`);
  }
  await drifts(cwd, 'CHANGELOG.md', [listed[0], 'f'.repeat(32)], 'does not list');
  await fails(() => must(process.execPath, ['build.mjs', '--stamp'], {cwd}), 'has a section of');
}

/** Line 1 and the changelog say what anybody can find out without our code. */
function hashesOf(read) {
  const [, , section] = read('CHANGELOG.md').split('\n## '); // the first one is what is new
  const listed = [...section.matchAll(/^sha256:(\w+) (.+)$/gm)];
  const hashes = COPIED.map((file) => {
    const rest = read(file).slice(read(file).indexOf('\n') + 1);
    return createHash('sha256').update(rest).digest('hex').slice(0, 32);
  });
  const due = COPIED.map((file, at) => [hashes[at], file]);
  same(
    listed.map(([, hash, file]) => [hash, file]),
    due,
    'the hashes of the changelog',
  );
  const inLine1 = COPIED.map((file) => / sha256:(\w+) /.exec(read(file))[1]);
  same(inLine1, hashes, 'the hashes of line 1');
  return hashes;
}

/** Nobody can pack it as long as one file is edited like this. */
async function drifts(cwd, file, [from, to], says) {
  const path = join(cwd, file);
  const text = readFileSync(path, 'utf8');
  edit(cwd, file, from, to);
  await fails(() => pack(cwd), says);
  writeFileSync(path, text);
}

async function fails(run, says) {
  try {
    await run();
  } catch (error) {
    if (error.message.search(says) >= 0) return 'seen';
    throw error;
  }
  throw new Error('the fault is not seen');
}
