// `ssekit vendor` in projects of others: copied from an older release, built, edited, brought up to
// the next one, built again. Beside formatters, in Git, in the hook and the CI step of the docs.

import {createServer} from 'node:http';
import {createHash} from 'node:crypto';
import {chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {copyOfProject, edit, git, pack, release} from './releases.mjs';
import {DENO, NODE_20, NODE_26} from './runtimes.mjs';
import {HERE, MODULES, must, project, ROOT, run, same} from './stranger.mjs';

const BUN = join(HERE, '../node_modules/bun/bin/bun');
const NEWS = 'What the next release says is new.';

/** Two releases after what there is: {version, tarball}, the second one a few bytes newer. */
async function makeReleases() {
  const cwd = await copyOfProject('releases');
  const older = {version: await release(cwd, 'minor'), tarball: await pack(cwd)};
  edit(cwd, 'CHANGELOG.md', '\n## [Unreleased]\n', `\n## [Unreleased]\n\n- ${NEWS}\n`);
  for (const file of ['sse.ts', 'web-event-source.ts']) {
    const text = readFileSync(join(cwd, file), 'utf8');
    writeFileSync(join(cwd, file), `${text}// a line that is new\n`);
  }
  return [older, {version: await release(cwd, 'patch'), tarball: await pack(cwd)}];
}

/** {version, command}: the command of a package that was unpacked somewhere else. */
async function unpacked({version, tarball}) {
  const cwd = project(`unpacked-${version}`);
  await must('tar', ['-xzf', tarball, '-C', cwd]);
  return {version, command: join(cwd, 'package/dist/cli.js')};
}

/** A program that uses both copies. */
const programOf = ({isTyped}, imports) => `
${imports}
const seen${isTyped ? ': string[]' : ''} = [];
const transport = () => ({
  status: 200,
  headers: {'content-type': 'text/event-stream'},
  body: 'data: one\\n\\n',
});
const source = new EventSource('http://sse.test/', {transport});
source.onmessage = ({data}) => {
  seen.push(data);
  source.close();
  console.log(VERSION, seen.join());
};
`;

/** The imports that the command printed, of VERSION instead of the client. */
const importsFrom = (printed) =>
  printed
    .split('\n')
    .map((line) => line.replace(/ \/\/ for a file .*/, '').replace('asyncConnect', 'VERSION'))
    .join('\n');

const NEST = {
  module: 'commonjs',
  declaration: true,
  removeComments: false,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2021',
  lib: ['ES2022', 'DOM'],
  types: ['node'],
  sourceMap: true,
  outDir: './dist',
  rootDir: './src',
  skipLibCheck: true,
  strictNullChecks: true,
};

const SERVICE = `
function Injectable(): ClassDecorator { return () => {}; }
@Injectable()
export class Feed {
  constructor(readonly name: string) {}
}
void new Feed('a');
`;

/** Where the copies go, what stands there, how the copies are imported, how it is built and run. */
const PROJECTS = [
  {
    name: 'Vite',
    folder: 'src/lib',
    files: {
      'package.json': {private: true, type: 'module'},
      'tsconfig.json': {files: [], references: [{path: './tsconfig.app.json'}]},
      // as `npm create vite` makes it
      'tsconfig.app.json': `{
        "compilerOptions": {
          "target": "es2023", "lib": ["ES2023", "DOM"], "module": "esnext", "types": [],
          /* Bundler mode */
          "moduleResolution": "bundler", "allowImportingTsExtensions": true,
          "verbatimModuleSyntax": true, "moduleDetection": "force", "noEmit": true,
          /* Linting */
          "strict": true, "noUnusedLocals": true, "noUnusedParameters": true,
          "erasableSyntaxOnly": true,
        },
        "include": ["src"],
      }`,
      '.gitignore': 'dist\nnode_modules\n',
    },
    program: 'src/lib/main.ts',
    isTyped: true,
    imports: ['./sse.ts', './web-event-source.ts'],
    async build(cwd) {
      await must(process.execPath, [tsc('5.9'), '-p', 'tsconfig.app.json'], {cwd});
      const args = ['build', '--ssr', 'src/lib/main.ts', '--logLevel', 'warn', '--minify', 'false'];
      await must(process.execPath, [join(MODULES, 'vite/bin/vite.js'), ...args], {cwd});
      return [process.execPath, ['dist/main.js']];
    },
  },
  {
    name: 'CommonJS, as NestJS',
    folder: 'src/feed',
    files: {
      'package.json': {private: true},
      'tsconfig.json': {compilerOptions: NEST},
      'src/app.service.ts': `import {Feed} from './app.feed';\nexport const feed = new Feed('b');\n`,
      'src/app.feed.ts': SERVICE,
      '.gitignore': '/dist\n',
    },
    program: 'src/feed/main.ts',
    isTyped: true,
    imports: ['./sse', './web-event-source'],
    async build(cwd) {
      await must(process.execPath, [tsc('5.9')], {cwd});
      return [NODE_20, ['dist/feed/main.js']];
    },
  },
  {
    name: 'CommonJS, JavaScript',
    folder: 'lib',
    options: ['--js'],
    files: {'package.json': {private: true}},
    program: 'lib/main.js',
    imports: ['./sse.mjs', './web-event-source.mjs'],
    build: () => [NODE_20, ['lib/main.js']],
  },
  {
    name: 'Deno',
    folder: 'lib',
    files: {'deno.json': {compilerOptions: {strict: true}, lint: {rules: {tags: ['recommended']}}}},
    program: 'lib/main.ts',
    isTyped: true,
    imports: ['./sse.ts', './web-event-source.ts'],
    async build(cwd) {
      await must(DENO, ['check', 'lib/main.ts'], {cwd});
      await must(DENO, ['lint', 'lib/sse.ts', 'lib/web-event-source.ts'], {cwd});
      await must(DENO, ['fmt', '--check', 'lib/sse.ts'], {cwd});
      return [DENO, ['run', 'lib/main.ts']];
    },
  },
  {
    name: 'Bun',
    folder: 'src',
    files: {
      'package.json': {private: true, type: 'module'},
      'bun.lock': '{}',
      // as `bun init` makes it
      'tsconfig.json': `{
        "compilerOptions": {
          // Environment setup & latest features
          "lib": ["ESNext"], "target": "ESNext", "module": "Preserve", "moduleDetection": "force",
          // Bundler mode
          "moduleResolution": "bundler", "allowImportingTsExtensions": true,
          "verbatimModuleSyntax": true, "noEmit": true, "strict": true,
        }
      }`,
      '.gitignore': 'out\n',
    },
    program: 'src/main.ts',
    isTyped: true,
    imports: ['./sse.ts', './web-event-source.ts'],
    async build(cwd) {
      await must(BUN, ['build', 'src/main.ts', '--outdir', 'out', '--target', 'bun'], {cwd});
      return [BUN, ['out/main.js']];
    },
  },
];

const tsc = (version) => join(MODULES, `typescript-${version}/bin/tsc`);

export async function vendoring() {
  const [older, newer] = await makeReleases();
  const releases = {older: await unpacked(older), newer: await unpacked(newer)};
  const cell = (row, test) => ({row, column: '', run: async () => (await test()) ?? 'ok'});
  return {
    cells: [
      ...PROJECTS.map((each) => cell(each.name, () => follow(each, releases))),
      cell('git apply of --diff', () => applied(releases)),
      cell('what Git ignores', () => ignored(releases)),
      cell('Prettier, Biome', () => formatted(releases)),
      cell('0.1.0, which had no hash', () => first(releases)),
      cell('the hook and the step of the docs', () => guards(releases, [older, newer])),
    ],
  };
}

/** Runs `ssekit vendor` of a release: [exit code, stdout, stderr]. */
async function vendor({command}, cwd, ...args) {
  const {status, stdout, stderr} = await run(NODE_26, [command, 'vendor', ...args], {cwd});
  return [status, stdout, stderr];
}

const printed = (...lines) => lines.map((line) => `${line}\n`).join('');
const said = (...lines) => printed(...lines.map((line) => `ssekit: ${line}`));

/** A year in the life of a project: copied, built, grown old, edited, updated, built again. */
async function follow(each, releases) {
  const cwd = await projectOf(each);
  const paths = await copied(each, cwd, releases.older);
  const life = {each, cwd, paths: paths.map((path) => `${each.folder}/${path}`), ...releases};
  await growsOld(life);
  await isEdited(life);
  await isUpdated(life);
}

async function projectOf({name, files}) {
  const cwd = project(`vendoring/${name}`, files);
  mkdirSync(join(cwd, 'node_modules/@types'), {recursive: true});
  for (const [to, from] of [
    ['@types/node', 'types-node20'],
    ['undici-types', 'types-node20/node_modules/undici-types'],
  ]) {
    symlinkSync(join(MODULES, from), join(cwd, 'node_modules', to), 'junction');
  }
  await git(cwd, 'init', '-q');
  return cwd;
}

/** Makes the copies, and a program that imports them as it was told to. Returns their names. */
async function copied(each, cwd, older) {
  const {folder, options = [], program, imports} = each;
  const [status, stdout, stderr] = await vendor(
    older,
    cwd,
    ...[folder, '--with', 'web-event-source', ...options],
  );
  const isCode = options.includes('--js');
  const lines = ['asyncConnect', 'EventSource'].map((what, at) => {
    const how = isCode
      ? `const {${what}} = require('${imports[at]}');`
      : `import {${what}} from '${imports[at]}';`;
    return `${how} // for a file in ${folder}`;
  });
  same([status, stdout], [0, printed(...lines)], stderr);
  writeFileSync(join(cwd, program), programOf(each, importsFrom(stdout)));
  return isCode
    ? ['sse.d.mts', 'sse.mjs', 'web-event-source.d.mts', 'web-event-source.mjs']
    : ['sse.ts', 'web-event-source.ts'];
}

async function builds({build}, cwd, {version}) {
  const [command, args] = await build(cwd);
  const {stdout} = await must(command, args, {cwd});
  same(stdout, `${version} one\n`, 'what it prints');
}

const ADVICE = said('--diff shows what is new, --update takes it');

/** What is said of the copies; of the last one, `last`. */
const verdicts = (paths, verdict, last = verdict) =>
  printed(...paths.map((path) => `${path}: ssekit ${path === paths.at(-1) ? last : verdict}`));

async function growsOld({each, cwd, paths, older, newer}) {
  await builds(each, cwd, older);
  const released = `${older.version}, as released`;
  same(await vendor(older, cwd, '--check'), [0, verdicts(paths, released), ''], 'as copied');
  const old = verdicts(paths, `${released}; older than ${newer.version}`);
  same(await vendor(newer, cwd, '--check'), [11, old, ADVICE], 'a year later');
}

/** Its own version knows where; the next one knows that it was, and refuses the update. */
async function isEdited({each, cwd, paths, older, newer}) {
  const file = join(cwd, paths.at(-1));
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('\n', '\n// mine\n'));
  const released = `${older.version}, as released`;
  const isOlder = `older than ${newer.version}`;
  same(
    await vendor(older, cwd, '--check'),
    [10, verdicts(paths, released, `${older.version}, edited: line 2`), ''],
    'edited',
  );
  const tells = `npx ssekit@${older.version} vendor --check says where`;
  const verdict = `${older.version}, edited (${tells}); ${isOlder}`;
  same(
    await vendor(newer, cwd, '--check'),
    [12, verdicts(paths, `${released}; ${isOlder}`, verdict), ADVICE],
    'older and edited',
  );
  const refusal = said(
    `${paths.at(-1)}: ssekit ${verdict}`,
    'nothing was updated: --force discards the edits, or name the files to update',
  );
  same(await vendor(newer, cwd, '--update'), [12, '', refusal], 'an update of an edited one');
  await builds(each, cwd, older);
  writeFileSync(file, text);
}

async function isUpdated({each, cwd, paths, older, newer}) {
  const news = ['', `## ${newer.version}`, '', `- ${NEWS}`, ''];
  const updated = paths.map((path) => `${path}: ${older.version} → ${newer.version}`);
  same(await vendor(newer, cwd, '--update'), [0, printed(...updated, ...news), ''], 'updated');
  await builds(each, cwd, newer);
  const released = verdicts(paths, `${newer.version}, as released`);
  same(await vendor(newer, cwd, '--check'), [0, released, ''], 'new');
  const ahead = `${newer.version}, as its first line says; newer than ${older.version}`;
  same(await vendor(older, cwd, '--check'), [0, verdicts(paths, ahead), ''], 'to the older one');
}

async function applied({older, newer}) {
  const cwd = project('vendoring/diff', {'tsconfig.json': {compilerOptions: {module: 'NodeNext'}}});
  await vendor(older, cwd, 'lib', '--with', 'web-event-source');
  const crlf = readFileSync(join(cwd, 'lib/sse.ts'), 'utf8').replaceAll('\n', '\r\n');
  writeFileSync(join(cwd, 'lib/crlf.ts'), crlf);
  edit(cwd, 'lib/sse.ts', 'Ten sections', 'All sections');
  const [status, diff] = await vendor(newer, cwd, '--diff');
  same(status, 12, 'the exit code');
  writeFileSync(join(cwd, 'a.diff'), diff);
  await must('git', ['apply', '-p0', 'a.diff'], {cwd});
  const [, checked] = await vendor(newer, cwd, '--check');
  same(checked.match(/as released/g)?.length, 3, checked);
}

async function ignored({newer}) {
  const cwd = project('vendoring/ignored', {'.gitignore': 'out\n'});
  await git(cwd, 'init', '-q');
  await vendor(newer, cwd, 'out');
  const none = said('no copy of a file of ssekit in this folder; left out: 1 that Git ignores');
  same(await vendor(newer, cwd, '--check'), [2, '', none], 'ignored');
  const line = printed(`out/sse.ts: ssekit ${newer.version}, as released`);
  same(await vendor(newer, cwd, '--check', 'out'), [0, line, ''], 'named');
  await git(cwd, 'add', '-f', 'out/sse.ts');
  same(await vendor(newer, cwd, '--check'), [0, line, ''], 'tracked');
}

/** Prettier changes the copy, and is told of in words that help; Biome passes it over. */
async function formatted({newer}) {
  const cwd = project('vendoring/formatted', {
    'package.json': {type: 'module', devDependencies: {prettier: '3'}},
    'tsconfig.json': {compilerOptions: {module: 'NodeNext'}},
    '.prettierrc': '{"printWidth": 60}',
  });
  const [, , notes] = await vendor(newer, cwd, 'src');
  const advice = 'for Prettier, add the line src/sse.ts to .prettierignore';
  same(notes, said(`src/sse.ts: written, ssekit ${newer.version}`, advice), 'the advice');
  await must(join(MODULES, '.bin/biome'), ['check', '--write', '--unsafe', 'src'], {cwd});
  const clean = [0, printed(`src/sse.ts: ssekit ${newer.version}, as released`), ''];
  same(await vendor(newer, cwd, '--check'), clean, 'after Biome');
  const prettier = () =>
    must(process.execPath, [join(MODULES, 'prettier/bin/prettier.cjs'), '--write', 'src'], {cwd});
  await prettier();
  const way =
    '; a formatter did it: to keep one away, add src/sse.ts to .prettierignore, '
    + `or "!src/sse.ts" to Biome's files.includes\n`;
  const [status, line] = await vendor(newer, cwd, '--check');
  same([status, line.slice(line.indexOf(';'))], [10, way], 'after Prettier');
  writeFileSync(join(cwd, '.prettierignore'), 'src/sse.ts\n');
  const restored = printed(`src/sse.ts: restored, ${newer.version}`);
  same(await vendor(newer, cwd, '--update', '--force'), [0, restored, ''], 'restored');
  await prettier();
  same(await vendor(newer, cwd, '--check'), clean, 'where Prettier passes it over');
}

/** The first release had a line 1 without a hash; CHANGELOG.md has it. */
async function first({newer}) {
  const line = '/*! ssekit 0.1.0 | MIT License | npm package "ssekit" */';
  const cwd = project('vendoring/first', {'sse.ts': `${line}\nexport {};\n`});
  const older = `older than ${newer.version}`;
  same(
    (await vendor(newer, cwd, '--check')).slice(0, 2),
    [12, printed(`sse.ts: ssekit 0.1.0, edited; ${older}`)],
    'edited',
  );
  // another changelog, where the hash of this text is that of the release
  const hash = createHash('sha256').update('export {};\n').digest('hex').slice(0, 32);
  const other = project('vendoring/first-package');
  await must('cp', ['-r', join(newer.command, '../..'), other]);
  const changelog = readFileSync(join(other, 'package/CHANGELOG.md'), 'utf8');
  const [, listed] = /^## \[0\.1\.0\].*\n[\s\S]*?^sha256:(\w+) sse\.ts$/m.exec(changelog);
  edit(other, 'package/CHANGELOG.md', listed, hash);
  const [status, stdout] = await vendor(
    {command: join(other, 'package/dist/cli.js')},
    cwd,
    '--check',
  );
  same(
    [status, stdout],
    [11, printed(`sse.ts: ssekit 0.1.0, as released; ${older}`)],
    'as released',
  );
}

// ── The hook and the step of CI, as the docs show them ──────────────────────────────────────────

const PAGE = readFileSync(join(ROOT, 'docs/vendoring.md'), 'utf8');

/** The code that a page shows after a marker, for that version. */
function shown(marker, version) {
  const [, code] =
    new RegExp(`^<!-- ${marker} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE) ?? [];
  if (!code?.includes('npx --yes ssekit@')) throw new Error(`the docs show no ${marker}`);
  return code.replace(/ssekit@\d[\w.-]*/g, `ssekit@${version}`);
}

async function guards({older}, releases) {
  const registry = await startRegistry(releases);
  try {
    await guard(registry, older, releases);
  } finally {
    registry.stop();
  }
}

async function guard(registry, older, [{version: before}, {version: now}]) {
  const cwd = project('vendoring/guards', {'package.json': {private: true, type: 'module'}});
  const env = {npm_config_registry: registry.url, npm_config_cache: join(cwd, '../npm-cache')};
  const commit = (message) =>
    run('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qam', message], {
      cwd,
      env,
    });
  const [, step] = /^ +run: (.*)$/m.exec(shown('ci', now));
  const ci = () =>
    run('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step], {cwd, env});
  await git(cwd, 'init', '-q');
  await vendor(older, cwd, 'src');
  await git(cwd, 'add', '.');
  const hook = join(cwd, '.git/hooks/pre-commit');
  writeFileSync(hook, shown('hook', now));
  chmodSync(hook, 0o755);

  const old = await commit('an older copy');
  same([old.status, /older than/.test(old.stdout + old.stderr)], [0, true], 'the hook, older');
  same((await ci()).status, 11, 'the step, older');
  edit(cwd, 'src/sse.ts', 'Ten sections', 'All sections');
  const both = await commit('an edited copy');
  same([both.status, /older than/.test(both.stdout + both.stderr)], [1, true], 'the hook, edited');
  same((await ci()).status, 12, 'the step, older and edited');
  await git(cwd, 'checkout', '-q', '.');
  await must('npx', ['--yes', `ssekit@${now}`, 'vendor', '--update'], {cwd, env});
  same((await commit('the new one')).status, 0, 'the hook, as released');
  same((await ci()).status, 0, 'the step, as released');
  edit(cwd, 'src/sse.ts', 'Ten sections', 'All sections');
  const edited = await commit('edited again');
  same([edited.status, (await ci()).status], [1, 10], 'edited');
  const log = (await git(cwd, 'log', '--format=%s')).stdout;
  same(log, 'the new one\nan older copy\n', 'what was committed');
  same(registry.asked().includes(before), false, 'what was asked for');
}

/** A registry of npm with those releases alone. */
async function startRegistry(releases) {
  const asked = [];
  const tarballs = Object.fromEntries(
    releases.map(({version, tarball}) => [version, readFileSync(tarball)]),
  );
  const server = createServer(({url}, response) => {
    const {origin} = new URL(`http://${server.address().address}:${server.address().port}`);
    const [, version] = /^\/ssekit\/-\/ssekit-(.+)\.tgz$/.exec(url) ?? [];
    if (version in tarballs) {
      asked.push(version);
      return response.end(tarballs[version]);
    }
    if (url !== '/ssekit') return response.writeHead(404).end('{}');
    const versions = Object.entries(tarballs).map(([each, bytes]) => {
      const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
      const dist = {tarball: `${origin}/ssekit/-/ssekit-${each}.tgz`, integrity};
      return [each, {name: 'ssekit', version: each, bin: {ssekit: 'dist/cli.js'}, dist}];
    });
    const latest = releases.at(-1).version;
    const document = {
      name: 'ssekit',
      'dist-tags': {latest},
      versions: Object.fromEntries(versions),
    };
    response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(document));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  return {url, asked: () => asked, stop: () => server.close()};
}
