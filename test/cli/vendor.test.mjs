// Copies of the file in projects of every kind: how they are imported there, what is said of them,
// how they are brought up to date, and what is never written over. Real compilers and bundlers,
// other releases, Git: test/packaging/vendoring.mjs.

import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {describe, it} from 'node:test';
import {transform} from 'esbuild';
import {ROOT, scratch, ssekit} from './run.mjs';
import {randomFrom} from '../support/random.mjs';

const folder = scratch();
const {version} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const own = (file) => readFileSync(join(ROOT, file), 'utf8');
const [SSE, WEB] = ['sse.ts', 'web-event-source.ts'].map(own);

/** A module of the command. */
const load = async (name) => {
  const {code} = await transform(own(`cli/${name}.ts`), {loader: 'ts', format: 'esm'});
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
};
const {hashOf, markLine} = await load('mark');
const {differencesOf, placesOf, unifiedLines} = await load('difference');

/** The second file with its one import leading elsewhere. */
const withImport = (text, specifier) => {
  const parts = text.split(/(?<= from ')\.\/sse\.[tj]s(?=';\n)/);
  assert.equal(parts.length, 2);
  return parts.join(specifier);
};

let projects = 0;

/** A folder with those files; what is no text is written as JSON. */
function project(files = {}) {
  const cwd = join(folder, `${++projects}`);
  mkdirSync(cwd, {recursive: true});
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), {recursive: true});
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(cwd, name), text);
  }
  return cwd;
}

/** All that is in a folder, by name. */
function textsIn(cwd) {
  return Object.fromEntries(
    readdirSync(cwd, {recursive: true})
      .filter((name) => statSync(join(cwd, name)).isFile())
      .sort()
      .map((name) => [name.replaceAll('\\', '/'), readFileSync(join(cwd, name), 'utf8')]),
  );
}

/** A file with the line 1 of another version, and the hash that it has, or another one. */
function released(other, file = 'sse.ts', edit = (rest) => rest) {
  const [, ...lines] = own(file).split('\n');
  const rest = lines.join('\n');
  const hash = hashOf(`\n${rest}`, file);
  return `${markLine(other, 'MIT', file, hash)}\n${edit(rest)}`;
}

const vendor = (cwd, ...args) => ssekit(['vendor', ...args], {cwd});
const says = (...lines) => lines.map((line) => `ssekit: ${line}\n`).join('');
const prints = (...lines) => lines.map((line) => `${line}\n`).join('');

// ── Imports ─────────────────────────────────────────────────────────────────────────────────────

const compiler = (compilerOptions, more = {}) => ({'tsconfig.json': {compilerOptions, ...more}});
const NODE = {module: 'NodeNext'};
const BUNDLER = {module: 'ESNext', moduleResolution: 'Bundler'};

/** What stands in the project, and how its files import each other. */
const STYLES = [
  ['nothing at all', {}, '.ts'],
  ['a package without a compiler', {'package.json': {type: 'module'}}, '.ts'],
  ['NodeNext', compiler(NODE), '.js'],
  ['Node16', compiler({module: 'node16'}), '.js'],
  ['node20', compiler({module: 'Node20'}), '.js'],
  ['NodeNext by moduleResolution', compiler({...BUNDLER, moduleResolution: 'nodenext'}), '.js'],
  ['Bundler', compiler(BUNDLER), ''],
  ['CommonJS', compiler({module: 'commonjs', target: 'ES2021'}), ''],
  ['CommonJS, node10', compiler({module: 'commonjs', moduleResolution: 'node10'}), ''],
  ['no options', compiler({}), ''],
  ['allowImportingTsExtensions', compiler({...BUNDLER, allowImportingTsExtensions: true}), '.ts'],
  ['rewriting', compiler({...NODE, rewriteRelativeImportExtensions: true}), '.ts'],
  [
    'comments, commas and a byte order mark',
    {
      'tsconfig.json':
        '\ufeff// a "comment"\n{ /* "module": "CommonJS", */ "compilerOptions": {"a": "//, }", "module": "NodeNext", }, }\n',
    },
    '.js',
  ],
  [
    'extends',
    {...compiler({strict: true}, {extends: './base'}), 'base.json': {compilerOptions: NODE}},
    '.js',
  ],
  [
    'extends, the last one and its own above the first',
    {
      'tsconfig.json': {extends: ['./a.json', './b.json'], compilerOptions: {module: 'ESNext'}},
      'a.json': {compilerOptions: {moduleResolution: 'bundler', ...NODE}},
      'b.json': {compilerOptions: {moduleResolution: 'nodenext'}},
    },
    '.js',
  ],
  [
    'extends a package',
    {
      'tsconfig.json': {extends: '@tsconfig/node'},
      'node_modules/@tsconfig/node/tsconfig.json': {compilerOptions: NODE},
    },
    '.js',
  ],
  ['extends what is not installed', {'tsconfig.json': {extends: '@tsconfig/none'}}, ''],
  ['extends itself', {'tsconfig.json': {extends: './tsconfig', compilerOptions: NODE}}, '.js'],
  [
    'references, as Vite has them',
    {
      'tsconfig.json': {files: [], references: [{path: './tsconfig.app.json'}, {path: './x'}]},
      'tsconfig.app.json': {compilerOptions: {...BUNDLER, allowImportingTsExtensions: true}},
    },
    '.ts',
  ],
  [
    'a reference to a folder',
    {
      'tsconfig.json': {files: [], references: [{path: './app'}]},
      'app/tsconfig.json': {compilerOptions: NODE},
    },
    '.js',
  ],
  ['a tsconfig that is not JSON', {'tsconfig.json': '{'}, ''],
  ['Deno', {'deno.json': {}, ...compiler(NODE)}, '.ts'],
  ['the nearer one', {...compiler(NODE), 'src/tsconfig.json': {compilerOptions: BUNDLER}}, ''],
  [
    'neighbours',
    {...compiler(BUNDLER), 'src/a.ts': `import {b} from './b.js';`, 'src/b.ts': ''},
    '.js',
  ],
  [
    'neighbours above',
    {...compiler(BUNDLER), 'a.ts': `export * from './src/b.ts'`, 'src/b.ts': ''},
    '.ts',
  ],
  [
    'more neighbours one way than the other',
    {
      ...compiler(NODE),
      'src/a.tsx': `import b from "./b"\nimport c from './c'\nimport d from './b.ts'`,
      'src/b.ts': '',
      'src/c/index.ts': '',
    },
    '',
  ],
  [
    'neighbours that import what is not TypeScript',
    {
      ...compiler(BUNDLER),
      'src/a.ts': `import b from './b.js'; import c from './c.js'; import d from 'd.js'`,
      'src/b.js': '',
      'src/b.ts': '',
    },
    '',
  ],
];

describe('ssekit vendor: the import', {concurrency: 3}, () => {
  for (const [name, files, ending] of STYLES) {
    it(name, async () => {
      const cwd = project(files);
      const {code, stdout, stderr} = await vendor(cwd, 'src', '--with', 'web-event-source');
      assert.deepEqual(
        [stdout, code],
        [
          prints(
            `import {asyncConnect} from './sse${ending}'; // for a file in src`,
            `import {EventSource} from './web-event-source${ending}'; // for a file in src`,
          ),
          0,
        ],
        stderr,
      );
      const web = withImport(WEB, `./sse${ending}`);
      const made = textsIn(join(cwd, 'src'));
      assert.deepEqual([made['sse.ts'], made['web-event-source.ts']], [SSE, web]);
      assert.equal((await vendor(cwd, '--check', 'src')).code, 0);
    });
  }

  it('as --import-ext says', async () => {
    for (const [option, ending] of [
      ['.ts', '.ts'],
      ['.js', '.js'],
      ['none', ''],
    ]) {
      const cwd = project(compiler(NODE));
      const {stdout} = await vendor(cwd, '--with=web-event-source', '--import-ext', option);
      const line = `import {EventSource} from './web-event-source${ending}'; // for a file beside it`;
      assert.equal(stdout.split('\n')[1], line);
      assert.match(
        textsIn(cwd)['web-event-source.ts'],
        new RegExp(`from './sse\\${ending || "'"}`),
      );
    }
  });

  it('as the copy has it that is there', async () => {
    const cwd = project({...compiler(NODE), 'web-event-source.ts': WEB, 'sse.ts': SSE});
    await vendor(cwd, '--with', 'web-event-source');
    assert.equal(textsIn(cwd)['web-event-source.ts'], WEB);
  });

  it('to a first file, and of a second one, with other names', async () => {
    const files = {...compiler(NODE), 'lib/events.ts': SSE, 'lib/source.mts': WEB};
    const cwd = project(files);
    const {stdout} = await vendor(cwd, 'lib', '--with', 'web-event-source', '--import-ext', '.js');
    const web = withImport(WEB, './events.js');
    assert.deepEqual(textsIn(join(cwd, 'lib')), {'events.ts': SSE, 'source.mts': web});
    assert.equal(
      stdout,
      prints(
        `import {asyncConnect} from './events.js'; // for a file in lib`,
        `import {EventSource} from './source.mjs'; // for a file in lib`,
      ),
    );
    assert.equal((await vendor(cwd, '--check')).code, 0);
  });

  for (const [name, manifest, letter] of [
    ['no package', undefined, ''],
    ['ES modules', {type: 'module'}, ''],
    ['CommonJS', {type: 'commonjs'}, 'm'],
    ['CommonJS by default', {}, 'm'],
  ]) {
    it(`JavaScript and types: ${name}`, async () => {
      const cwd = project(manifest && {'package.json': manifest});
      const {stdout} = await vendor(cwd, 'lib', '--js', '--with', 'web-event-source');
      const lines = letter
        ? [
            `const {asyncConnect} = require('./sse.mjs'); // for a file in lib`,
            `const {EventSource} = require('./web-event-source.mjs'); // for a file in lib`,
          ]
        : [
            `import {asyncConnect} from './sse.js'; // for a file in lib`,
            `import {EventSource} from './web-event-source.js'; // for a file in lib`,
          ];
      assert.equal(stdout, prints(...lines));
      const imports = (text) => withImport(text, `./sse.${letter}js`);
      assert.deepEqual(textsIn(join(cwd, 'lib')), {
        [`sse.d.${letter}ts`]: own('dist/sse.d.ts'),
        [`sse.${letter}js`]: own('dist/sse.js'),
        [`web-event-source.d.${letter}ts`]: imports(own('dist/web-event-source.d.ts')),
        [`web-event-source.${letter}js`]: imports(own('dist/web-event-source.js')),
      });
      const checked = await vendor(cwd, '--check');
      assert.deepEqual([checked.code, checked.stdout.match(/as released/g).length], [0, 4]);
    });
  }

  it('what else one has to know', async () => {
    const hint = 'this project has no TypeScript; --js copies JavaScript and its types';
    const prettier = 'for Prettier, add the line a/sse.ts to .prettierignore';
    const wrote = `${join('a', 'sse.ts')}: written, ssekit ${version}`;
    for (const [files, ...lines] of [
      [{}, wrote],
      [{'package.json': {}}, wrote, hint],
      [{'package.json': {}, 'index.ts': ''}, wrote],
      [{'package.json': {}, 'bun.lock': ''}, wrote],
      [{'package.json': {devDependencies: {prettier: '3'}}, ...compiler({})}, wrote, prettier],
      [{'package.json': {prettier: {}}, ...compiler({})}, wrote, prettier],
    ]) {
      assert.equal((await vendor(project(files), './a')).stderr, says(...lines));
    }
  });
});

// ── Checks ──────────────────────────────────────────────────────────────────────────────────────

const HERE = `ssekit ${version}`;
const AT = 40;
const edited = (at, edit) => (text) => {
  const lines = text.split('\n');
  lines.splice(at - 1, 1, ...edit(lines[at - 1]));
  return lines.join('\n');
};
const changed = edited(AT, (line) => [`${line} // mine`]);

/** File name, its text, the exit code, and what is said after the name; none: it is no copy. */
const CHECKS = [
  ['as it was', 'sse.ts', SSE, 0, `${HERE}, as released`],
  ['renamed', 'lib/events.mts', SSE, 0, `${HERE}, as released`],
  ['CRLF', 'sse.ts', SSE.replaceAll('\n', '\r\n'), 0, `${HERE}, as released`],
  ['CR', 'sse.ts', SSE.replaceAll('\n', '\r'), 0, `${HERE}, as released`],
  ['a byte order mark', 'sse.ts', `\ufeff${SSE}`, 0, `${HERE}, as released`],
  ['no line end at the end', 'sse.ts', SSE.trimEnd(), 0, `${HERE}, as released`],
  ['three of them', 'sse.ts', `${SSE}\n\n`, 0, `${HERE}, as released`],
  ['three, CRLF', 'sse.ts', `${SSE}\n\n`.replaceAll('\n', '\r\n'), 0, `${HERE}, as released`],
  ['the second file', 'b.ts', withImport(WEB, '../a/s'), 0, `${HERE}, as released`],
  ['code', 'a.js', own('dist/sse.js'), 0, `${HERE}, as released`],
  ['types', 'a.d.ts', own('dist/sse.d.ts'), 0, `${HERE}, as released`],
  ['a line', 'sse.ts', changed(SSE), 10, `${HERE}, edited: line ${AT}`],
  [
    'a line, CRLF',
    'sse.ts',
    changed(SSE).replaceAll('\n', '\r\n'),
    10,
    `${HERE}, edited: line ${AT}`,
  ],
  [
    'more lines',
    'sse.ts',
    edited(AT, (a) => ['a', a, 'b'])(SSE),
    10,
    `${HERE}, edited: line ${AT}, line ${AT + 2}`,
  ],
  [
    'lines',
    'sse.ts',
    edited(AT, () => ['a', 'b'])(SSE),
    10,
    `${HERE}, edited: lines ${AT}-${AT + 1}`,
  ],
  [
    'a line gone',
    'sse.ts',
    edited(AT, () => [])(SSE),
    10,
    `${HERE}, edited: 1 line gone after line ${AT - 1}`,
  ],
  ['cut off', 'sse.ts', SSE.slice(0, SSE.indexOf('\n', 3000)), 10, undefined],
  ['empty lines within', 'sse.ts', SSE.replace('\n\n', '\n\n\n'), 10, undefined],
  ['spaces at the end of a line', 'sse.ts', edited(AT, (a) => [`${a} `])(SSE), 10, undefined],
  ['the version', 'sse.ts', SSE.replace(`VERSION = '`, `VERSION = 'x`), 10, undefined],
  [
    'an import elsewhere',
    'sse.ts',
    edited(AT, (a) => [`import './x.ts';`, a])(SSE),
    10,
    `${HERE}, edited: line ${AT}`,
  ],
  ['a package', 'b.ts', withImport(WEB, 'ssekit'), 10, undefined],
  ['a licence above', 'sse.ts', `// (c) me\n\n${SSE}`, 10, `${HERE}, edited: lines 1-2`],
  [
    'a licence above, and a byte order mark',
    'sse.ts',
    `\ufeff// (c) me\n${SSE}`,
    10,
    `${HERE}, edited: line 1`,
  ],
  [
    'another licence',
    'sse.ts',
    SSE.replace('| MIT License |', '| BSD |'),
    0,
    `${HERE}, as released`,
  ],
  ['older', 'sse.ts', released('0.0.9'), 11, `ssekit 0.0.9, as released; older than ${version}`],
  [
    'older, of any kind',
    'sse.d.ts',
    released('0.0.9-rc.1', 'dist/sse.d.ts'),
    11,
    `ssekit 0.0.9-rc.1, as released; older than ${version}`,
  ],
  [
    'older and edited',
    'sse.ts',
    released('0.0.9', 'sse.ts', changed),
    12,
    `ssekit 0.0.9, edited; older than ${version}`,
  ],
  [
    'newer',
    'sse.ts',
    released('99.0.0'),
    0,
    `ssekit 99.0.0, as its first line says; newer than ${version}`,
  ],
  [
    'newer and edited',
    'sse.ts',
    released('99.0.0', 'sse.ts', changed),
    10,
    `ssekit 99.0.0, edited; newer than ${version}`,
  ],
  [
    'newer by one digit more',
    'sse.ts',
    released(version.replace(/\.(\d+)\./, '.1$1.')),
    0,
    undefined,
  ],
  ['what a compiler made of it', 'sse.js', SSE, 2],
  ['its code within a bundle', 'bundle.js', `// sse.js\n${own('dist/sse.js')}`, 2],
  ['minified', 'sse.min.js', own('dist/sse.min.js'), 2],
  ['its name in another file', 'a.ts', `const a = '${SSE.split('\n', 1)[0]}'`, 2],
  ['text', 'sse.txt', SSE, 2],
  ['no line 1', 'sse.ts', SSE.slice(SSE.indexOf('\n') + 1), 2],
  ['a file that the package has not', 'x.ts', SSE.replace('/sse.ts |', '/x.ts |'), 2],
  ['somewhere in packages of others', 'node_modules/ssekit/sse.ts', SSE, 2],
];

describe('ssekit vendor --check', {concurrency: 3}, () => {
  for (const [name, file, text, status, said] of CHECKS) {
    it(name, async () => {
      const cwd = project({[file]: text});
      const {code, stdout, stderr} = await vendor(cwd, '--check');
      const path = join(file);
      assert.equal(code, status, stderr);
      if (status === 2) {
        const none = says('no copy of a file of ssekit in this folder');
        assert.deepEqual([stdout, stderr], ['', none]);
      } else if (said) assert.equal(stdout, prints(`${path}: ${said}`));
      else assert.ok(stdout.startsWith(`${path}: ssekit `));
      assert.equal(stderr !== '', status === 2 || status > 10);
      assert.equal(readFileSync(join(cwd, file), 'utf8'), text); // nothing was written
      if (file.startsWith('node_modules')) return;
      // a path to it is as good as its folder
      const named = await vendor(cwd, '--check', file);
      assert.deepEqual([named.code, named.stdout.replaceAll(file, path)], [status, stdout]);
    });
  }

  it('reformatted', async () => {
    const text = SSE.replaceAll(/'(\w+)'/g, '"$1"').replaceAll(/^( +)/gm, '$1$1');
    const {code, stdout} = await vendor(project({'src/sse.ts': text}), '--check');
    const way =
      ' more places; a formatter did it: to keep one away, add src/sse.ts to .prettierignore, '
      + `or "!src/sse.ts" to Biome's files.includes\n`;
    assert.ok(stdout.startsWith(`${join('src/sse.ts')}: ${HERE}, edited: line `), stdout);
    assert.deepEqual([code, stdout.slice(-way.length)], [10, way]);
  });

  it('several: the code says it of all', async () => {
    const texts = {
      ok: SSE,
      edited: changed(SSE),
      old: released('0.0.9'),
      both: released('0.0.9', 'sse.ts', changed),
    };
    for (const [names, status] of [
      [['ok', 'ok'], 0],
      [['ok', 'edited'], 10],
      [['old', 'ok'], 11],
      [['old', 'edited'], 12],
      [['both', 'ok'], 12],
    ]) {
      const files = names.map((name, at) => [`${at}/sse.ts`, texts[name]]);
      const cwd = project(Object.fromEntries(files));
      for (const args of [[], ['0', '1/sse.ts']]) {
        const {code, stdout} = await vendor(cwd, '--check', ...args);
        assert.deepEqual([code, stdout.split('\n').length - 1], [status, 2], stdout);
      }
    }
  });

  it('what is named and is none, or is not there', async () => {
    const cwd = project({'sse.ts': SSE, 'a.ts': '', 'b.txt': '', 'c/d.ts': ''});
    for (const [paths, code, ...lines] of [
      [
        ['sse.ts', 'a.ts'],
        2,
        'a.ts: is not a copy of a file of ssekit',
        'name copies, or folders with copies',
      ],
      [
        ['b.txt'],
        2,
        'b.txt: is not a copy of a file of ssekit',
        'name copies, or folders with copies',
      ],
      [['sse.ts', 'none.ts'], 1, 'none.ts: no such file or directory'],
      [['c'], 2, 'no copy of a file of ssekit in c'],
      [['c', 'sse.ts'], 0],
    ]) {
      const {stderr, ...result} = await vendor(cwd, '--check', ...paths);
      assert.deepEqual([result.code, stderr], [code, says(...lines)]);
    }
  });

  it('names with what acts on a terminal', async () => {
    const {stdout} = await vendor(project({'\x1b[31m.ts': SSE}), '--check');
    assert.equal(stdout, prints(`\\u001b[31m.ts: ${HERE}, as released`));
  });
});

// ── Updates ─────────────────────────────────────────────────────────────────────────────────────

describe('ssekit vendor --update', {concurrency: 3}, () => {
  it('takes name, import, line ends and byte order mark along', async () => {
    const old = (file, edit) => edit(released('0.0.9', file));
    const crlf = (text) => text.replaceAll('\n', '\r\n');
    const imports = (text) => withImport(text, '../lib/events.js');
    const cwd = project({
      'lib/events.ts': old('sse.ts', crlf),
      'lib/b.js': old('dist/sse.js', (text) => `\ufeff${text}`),
      'src/web.ts': old('web-event-source.ts', imports),
      'src/new.ts': SSE,
    });
    const {code, stdout, stderr} = await vendor(cwd, '--update');
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(textsIn(cwd), {
      'lib/b.js': `\ufeff${own('dist/sse.js')}`,
      'lib/events.ts': crlf(SSE),
      'src/new.ts': SSE,
      'src/web.ts': imports(WEB),
    });
    const updated = ['lib/b.js', 'lib/events.ts', 'src/web.ts'].map(
      (name) => `${join(name)}: 0.0.9 → ${version}`,
    );
    assert.ok(stdout.startsWith(prints(...updated, '', `## ${version}`, '')), stdout);
    assert.ok(!/^sha256:|^## \[?Unreleased/m.test(stdout));
    assert.deepEqual(await vendor(cwd, '--update'), {code: 0, stdout: '', stderr: ''});
  });

  it('nothing, if one was edited; with --force everything', async () => {
    const cwd = project({
      'a.ts': released('0.0.9'),
      'b.ts': released('0.0.9', 'sse.ts', changed),
      'c.ts': changed(SSE),
      'd.ts': released('99.0.0', 'sse.ts', changed),
    });
    const before = textsIn(cwd);
    const refused = await vendor(cwd, '--update');
    assert.deepEqual(refused, {
      code: 12,
      stdout: '',
      stderr: says(
        `b.ts: ssekit 0.0.9, edited; older than ${version}`,
        `c.ts: ${HERE}, edited: line ${AT}`,
        'nothing was updated: --force discards the edits, or name the files to update',
      ),
    });
    assert.deepEqual(textsIn(cwd), before);
    assert.equal((await vendor(cwd, '--update', 'a.ts')).code, 0);
    assert.deepEqual(textsIn(cwd), {...before, 'a.ts': SSE});
    const {code, stdout, stderr} = await vendor(cwd, '--update', '--force');
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(prints(`b.ts: 0.0.9 → ${version}`, `c.ts: restored, ${version}`)));
    assert.equal(
      stderr,
      says(`d.ts: ssekit 99.0.0, edited; newer than ${version}; it was left as it is`),
    );
    assert.deepEqual(textsIn(cwd), {...before, 'a.ts': SSE, 'b.ts': SSE, 'c.ts': SSE});
  });
});

// ── Over other files ────────────────────────────────────────────────────────────────────────────

describe('ssekit vendor: over what is there', {concurrency: 3}, () => {
  /** What is there, the exit code, what is said; with --force it is always replaced. */
  const ROWS = [
    ['the same', SSE, 0, `is there already, ${HERE}`],
    ['the same, CRLF', SSE.replaceAll('\n', '\r\n'), 0, `is there already, ${HERE}`],
    ['an older one', released('0.0.9'), 0, `replaced, ${HERE}`],
    [
      'an edited one',
      changed(SSE),
      10,
      `${HERE}, edited: line ${AT}; nothing was written: --force replaces it`,
    ],
    [
      'an older edited one',
      released('0.0.9', 'sse.ts', changed),
      12,
      `ssekit 0.0.9, edited; older than ${version}; nothing was written: --force replaces it`,
    ],
    [
      'a newer one',
      released('99.0.0'),
      1,
      `ssekit 99.0.0, as its first line says; newer than ${version}; nothing was written: --force replaces it`,
    ],
    ['a file of theirs', '// mine\n', 1, 'exists and is not from ssekit; --force replaces it'],
    ['an empty file', '', 1, 'exists and is not from ssekit; --force replaces it'],
  ];
  for (const [name, text, status, said] of ROWS) {
    it(name, async () => {
      const cwd = project({
        'sse.ts': text,
        'web-event-source.ts': released('0.0.9', 'web-event-source.ts'),
      });
      const before = textsIn(cwd);
      const {code, stderr} = await vendor(cwd, '--with', 'web-event-source');
      const isDone = status === 0;
      assert.equal(code, status, stderr);
      const web = `web-event-source.ts: replaced, ${HERE}`;
      assert.equal(stderr, says(`sse.ts: ${said}`, ...(isDone ? [web] : [])));
      if (!isDone) assert.deepEqual(textsIn(cwd), before); // both or none
      const forced = await vendor(cwd, '--with', 'web-event-source', '--force');
      assert.equal(forced.code, 0);
      const isCRLF = text.includes('\r');
      const due = isCRLF ? SSE.replaceAll('\n', '\r\n') : SSE;
      assert.deepEqual(textsIn(cwd), {'sse.ts': due, 'web-event-source.ts': WEB});
    });
  }

  it('links: the file that one leads to is replaced, one that leads nowhere is no copy', async () => {
    const cwd = project({'a/sse.ts': released('0.0.9'), 'b/x': ''});
    symlinkSync('../a/sse.ts', join(cwd, 'b/sse.ts'));
    symlinkSync('nowhere.ts', join(cwd, 'b/link.ts'));
    symlinkSync('.', join(cwd, 'b/round'));
    assert.equal((await vendor(cwd, '--check', 'b/sse.ts')).code, 11);
    assert.equal((await vendor(cwd, 'b')).code, 0);
    assert.equal(readFileSync(join(cwd, 'a/sse.ts'), 'utf8'), SSE);
    assert.ok(lstatSync(join(cwd, 'b/sse.ts')).isSymbolicLink());
    const line = prints(`${join('a/sse.ts')}: ${HERE}, as released`);
    assert.deepEqual(await vendor(cwd, '--check'), {code: 0, stdout: line, stderr: ''});
  });

  it('a folder where the file should be, a file where the folder should', async () => {
    const cwd = project({'sse.ts/x': '', file: ''});
    for (const args of [['.'], ['.', '--force'], ['file'], ['file/x']]) {
      const {code, stderr} = await vendor(cwd, ...args);
      assert.equal(code, 1);
      assert.match(stderr, /^ssekit: [^\n]+\n$/);
    }
    assert.deepEqual(textsIn(cwd), {file: '', [join('sse.ts', 'x')]: ''});
  });
});

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────

describe('ssekit vendor: arguments', () => {
  const cwd = project();
  it('--help fits on a screen', async () => {
    const {code, stdout, stderr} = await vendor(cwd, '--help');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: ssekit vendor /);
    for (const line of stdout.split('\n')) assert.ok(line.length < 80, line);
    for (const name of ['js', 'with', 'import-ext', 'force', 'check', 'diff', 'update']) {
      assert.ok(stdout.includes(`--${name} `), name);
    }
  });

  const ROWS = [
    [['a', 'b'], 'give one folder to copy into'],
    [['src/sse.ts'], 'src/sse.ts looks like a file; give the folder to copy into'],
    [['--check', '--diff'], 'give --check or --diff, not both'],
    [['--update', '--check'], 'give --check or --update, not both'],
    [['--check', '--js'], '--js is for copying, not for --check'],
    [['--update', '--import-ext', '.js'], '--import-ext is for copying, not for --update'],
    [['--diff', '--with', 'web-event-source'], '--with is for copying, not for --diff'],
    [['--check', '--force'], '--force is not for --check'],
    [['--with', 'sse'], `--with can be web-event-source only, not 'sse'`],
    [['--import-ext', '.mjs'], `--import-ext must be .ts, .js or none, not '.mjs'`],
    [['--js', '--import-ext', '.js'], '--import-ext is not for --js'],
    [['--chek'], 'unknown option --chek; did you mean --check?'],
  ];
  for (const [args, said] of ROWS) {
    it(args.join(' '), async () => {
      const stderr = says(`${said} (see ssekit --help)`);
      assert.deepEqual(await vendor(cwd, ...args), {code: 2, stdout: '', stderr});
      assert.ok(!existsSync(join(cwd, 'sse.ts')));
    });
  }
});

// ── Differences ─────────────────────────────────────────────────────────────────────────────────

/** Applies a unified diff, and checks each line of it. */
function patched(lines, diff) {
  const result = [];
  let at = 0;
  for (const line of diff) {
    const [, from, count = '1', , otherCount = '1'] =
      /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@$/.exec(line) ?? [];
    if (from !== undefined) {
      const start = count === '0' ? +from : from - 1;
      while (at < start) result.push(lines[at++]);
      assert.ok(+count || +otherCount);
    } else if (line.startsWith('+')) {
      result.push(line.slice(1));
    } else {
      assert.equal(line.slice(1), lines[at++]);
      if (line.startsWith(' ')) result.push(line.slice(1));
    }
  }
  return [...result, ...lines.slice(at)];
}

describe('differences', () => {
  const lines = (text) => text.split('');
  it('rows', () => {
    for (const [one, other, diff, places] of [
      ['', '', '', ''],
      ['abc', 'abc', '', ''],
      ['abc', 'abxc', '@@ -1,3 +1,4 @@| a| b|+x| c', '1 line gone after line 2'],
      ['abxc', 'abc', '@@ -1,4 +1,3 @@| a| b|-x| c', 'line 3'],
      ['', 'ab', '@@ -0,0 +1,2 @@|+a|+b', '2 lines gone after line 0'],
      ['ab', '', '@@ -1,2 +0,0 @@|-a|-b', 'lines 1-2'],
      ['a', 'b', '@@ -1 +1 @@|-a|+b', 'line 1'],
      ['abcdefghij', 'xbcdefghiy', undefined, 'line 1, line 10'],
      ['abcdef', 'defabc', '@@ -1,6 +1,6 @@|-a|-b|-c| d| e| f|+a|+b|+c', undefined],
      ['a'.repeat(20), `${'ab'.repeat(10)}`, undefined, undefined],
      [
        'a1b2c3d4e5f6g7h8i',
        'aXbXcXdXeXfXgXhXiX',
        undefined,
        'line 2, line 4, line 6, line 8, line 10, line 12, line 14, line 16 and 1 more place',
      ],
    ]) {
      const [from, to] = [lines(one), lines(other)];
      const made = [...unifiedLines(from, to)];
      assert.deepEqual(patched(from, made), to);
      if (diff !== undefined) assert.equal(made.join('|'), diff);
      if (places !== undefined) assert.equal(placesOf(differencesOf(from, to)), places);
    }
  });

  it('of 5,000 random texts, each applied gives the other', () => {
    const random = randomFrom(7);
    for (let round = 0; round < 5000; round++) {
      const letters = 2 + random(30);
      const text = () => Array.from({length: random(40)}, () => `${random(letters)}`);
      const one = text();
      const other = random(2)
        ? text()
        : one.flatMap((line) => (random(6) ? [line] : text().slice(0, 2)));
      assert.deepEqual(patched(one, unifiedLines(one, other)), other);
    }
  });

  it('of 100,000 lines that are all alike, and of as many that all differ, in a moment', () => {
    const many = (from) => Array.from({length: 100_000}, (_, at) => `${from + at}`);
    const alike = Array(100_000).fill('}');
    for (const [one, other] of [
      [many(0), many(1e6)],
      [alike, [...alike, '}']],
      [many(0), many(0).reverse()],
      [alike, many(0)],
    ]) {
      assert.deepEqual(patched(one, unifiedLines(one, other)).length, other.length);
    }
  });

  it('ssekit vendor --diff', async () => {
    const text = changed(SSE);
    const cwd = project({
      'a.ts': text,
      'b.ts': SSE,
      'c.ts': text.replaceAll('\n', '\r\n'),
      'd.ts': withImport(released('0.0.9', 'web-event-source.ts'), './c'),
    });
    const {code, stdout, stderr} = await vendor(cwd, '--diff');
    assert.deepEqual([code, stderr], [12, '']);
    const hunks = [...unifiedLines(text.split('\n'), SSE.split('\n'))];
    assert.equal(hunks.length, 9);
    const head = (name, was) => [`--- ${name}\tssekit ${was}`, `+++ ${name}\t${HERE}`];
    const [mark] = WEB.split('\n');
    assert.deepEqual(stdout.split('\n').slice(0, -1), [
      ...head('a.ts', `${version}, edited`),
      ...hunks,
      ...head('c.ts', `${version}, edited`),
      ...hunks.map((line) => (line.startsWith('@@') ? line : `${line}\r`)),
      ...head('d.ts', '0.0.9'),
      '@@ -1,4 +1,4 @@',
      `-${released('0.0.9', 'web-event-source.ts').split('\n', 1)}`,
      `+${mark}`,
      ...WEB.split('\n')
        .slice(1, 4)
        .map((line) => ` ${line}`),
    ]);
    assert.deepEqual(await vendor(cwd, '--diff', 'b.ts'), {code: 0, stdout: '', stderr: ''});
  });
});
