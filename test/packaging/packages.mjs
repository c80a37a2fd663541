// The package: what npm packs, installs and releases, and what JSR would publish.

import {cpSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {readPages} from '../../tools/pages.mjs';
import {COMPILERS} from './compilers.mjs';
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
  const tarball = await pack(cwd);
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
  const copy = copyOfProject('planted-file');
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

async function pack(to) {
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

/** A repository of the project's own files, where a release may be tried. */
function copyOfProject(name) {
  const cwd = project(name);
  const needed = ['build.mjs', 'tools/lint/switches.mjs', 'package-lock.json', 'tsconfig.json'];
  for (const file of [...PACKED, 'jsr.json', ...needed]) {
    cpSync(join(ROOT, file), join(cwd, file), {recursive: true});
  }
  symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'), 'junction');
  return cwd;
}

async function version() {
  const cwd = copyOfProject('release');
  const git = (...args) =>
    must('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {cwd});
  await git('init', '-q');
  await git('add', '--', ...PUBLISHED, 'package.json', 'package-lock.json', 'build.mjs');
  await git('commit', '-qm', 'before');
  const {stdout} = await must('npm', ['version', 'patch', '--no-git-tag-version'], {cwd});
  const next = stdout.trim().split('\n').pop().replace(/^v/, '');
  const read = (file) => readFileSync(join(cwd, file), 'utf8');
  const lock = JSON.parse(read('package-lock.json'));
  const versions = [
    JSON.parse(read('package.json')).version,
    lock.version,
    lock.packages[''].version,
    /ssekit (\S+) /.exec(read('sse.ts').split('\n', 1)[0])[1],
    /ssekit (\S+) /.exec(read('web-event-source.ts').split('\n', 1)[0])[1],
    JSON.parse(read('jsr.json')).version,
  ];
  same(versions, Array(6).fill(next), 'the versions');
  const {version: before} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  if (before === next) throw new Error(`npm version changes nothing: ${next}`);
  const changed = (await git('diff', '--name-only', 'HEAD')).stdout.trim().split('\n');
  const stamped = ['sse.ts', 'web-event-source.ts'];
  const due = ['jsr.json', 'package-lock.json', 'package.json', ...stamped];
  same(changed, due, 'what it changes');

  for (const file of [...stamped, 'jsr.json']) {
    // drifted, the build must say so
    edit(cwd, file, next, before);
    const says = `${file} is not as package.json has it`;
    await fails(() => must(process.execPath, ['build.mjs'], {cwd}), says);
    edit(cwd, file, before, next);
  }
}

function edit(cwd, file, from, to) {
  const text = readFileSync(join(cwd, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} holds no ${from}`);
  writeFileSync(join(cwd, file), text.replace(from, to));
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
