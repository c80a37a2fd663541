// sse.ts and web-event-source.ts, and programs that use them, compiled by the settings of others.

import {cpSync, existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {MODULES, must, program, project, ROOT, run, same, SOURCE, webSource} from './stranger.mjs';

export const COMPILERS = [
  {name: '5.0', folder: 'typescript-5.0'},
  {name: '5.4', folder: 'typescript-5.4'},
  {name: '5.9', folder: 'typescript-5.9'},
  {name: '6.0', folder: 'typescript'}, // under its own name for the plugins of bundlers
  {name: '7.0', folder: 'typescript-7.0'},
];

// `packages`: installed name → folder in node_modules. `since`: the first of COMPILERS that takes
// these types with skipLibCheck off; the others cannot, whatever is compiled with them.
const TYPES = {
  'ES2022 alone': {lib: ['ES2022']},
  DOM: {lib: ['ES2022', 'DOM'], platform: true},
  WebWorker: {lib: ['ES2022', 'WebWorker'], platform: true},
  '@types/node 20': {
    lib: ['ES2022'],
    platform: true,
    types: ['node'],
    packages: {
      '@types/node': 'types-node20',
      'undici-types': 'types-node20/node_modules/undici-types',
    },
  },
  '@types/node 26': {
    lib: ['ES2022'],
    platform: true,
    types: ['node'],
    since: '5.9',
    packages: {
      '@types/node': 'types-node26',
      'undici-types': 'types-node26/node_modules/undici-types',
    },
  },
  'bun-types 1.4': {
    lib: ['ESNext'],
    platform: true,
    types: ['bun-types'],
    since: '5.9',
    packages: {
      'bun-types': 'bun-types',
      '@types/node': 'types-node26',
      'undici-types': 'types-node26/node_modules/undici-types',
    },
  },
  '@types/deno 2.7': {
    lib: ['ESNext', 'DOM'],
    platform: true,
    types: ['deno'],
    since: '5.9',
    packages: {'@types/deno': '@types/deno'},
  },
};

const BUNDLER = {module: 'ESNext', moduleResolution: 'Bundler', noEmit: true};
const STRICTEST = {
  ...BUNDLER,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  verbatimModuleSyntax: true,
  isolatedModules: true,
};
const LOOSEST = {...BUNDLER, strict: false};
const EMIT = {strict: true, outDir: 'out', declaration: true};

// `flagSince`: the TypeScript that knows the row's flag first; older ones must say that they do
// not. `runs`: what was written runs, in an ES module or in CommonJS. `planted`: a fault, and what
// the compiler must say of it.
const ROWS = [
  ...Object.keys(TYPES).map((types) => ({name: `strictest, ${types}`, types, options: STRICTEST})),
  ...['ES2022 alone', 'DOM'].map((types) => ({
    name: `not strict, ${types}`,
    types,
    options: LOOSEST,
  })),
  {name: 'strictNullChecks only', options: {...LOOSEST, strictNullChecks: true}},
  {name: 'noImplicitAny only', options: {...LOOSEST, noImplicitAny: true}},
  {
    name: 'isolatedDeclarations',
    flagSince: '5.5',
    options: {...STRICTEST, declaration: true, isolatedDeclarations: true},
  },
  {
    name: 'noUncheckedSideEffectImports',
    flagSince: '5.6',
    options: {...STRICTEST, noUncheckedSideEffectImports: true},
  },
  {
    name: 'erasableSyntaxOnly',
    flagSince: '5.8',
    options: {...STRICTEST, erasableSyntaxOnly: true},
  },
  {
    name: 'test/types.ts: also what must not compile',
    types: 'DOM',
    options: {...STRICTEST, noUnusedLocals: false, noUnusedParameters: false},
    sources: typeTests,
  },
  {name: 'module CommonJS', options: {...EMIT, module: 'CommonJS'}, runs: 'commonjs'},
  {name: 'module ESNext', options: {...EMIT, ...BUNDLER, noEmit: false}, runs: 'module'},
  {name: 'module NodeNext', options: {...EMIT, module: 'NodeNext'}, runs: 'module'},
  {name: 'module NodeNext, CommonJS', options: {...EMIT, module: 'NodeNext'}, runs: 'commonjs'},
  {name: 'target ES2018', options: {...EMIT, target: 'ES2018', module: 'NodeNext'}, runs: 'module'},
  {
    name: 'planted: an ambient type',
    options: STRICTEST,
    planted: 'export type Planted = ReadableStream;',
    says: /TS2(?:304|552): .*'ReadableStream'/,
  },
  {
    name: 'planted: an enum',
    options: {...STRICTEST, erasableSyntaxOnly: true},
    flagSince: '5.8',
    planted: 'export enum Planted {}',
    says: /TS1294:/,
  },
  {
    name: 'planted: an inferred export',
    flagSince: '5.5',
    options: {...STRICTEST, declaration: true, isolatedDeclarations: true},
    planted: 'export const planted = [new Set()];',
    says: /TS90\d\d:/,
  },
];

const PRINTS = {
  'program.js': '',
  'web.js': 'open,1 one http://localhost,1 two,no error,true\n',
};

export function compilers() {
  return {
    cells: ROWS.flatMap((row) =>
      COMPILERS.map((compiler) => ({
        row: row.name,
        column: compiler.name,
        run: () => compile(row, compiler),
      })),
    ),
    notes: ['¹ with skipLibCheck: this TypeScript does not take these types themselves'],
  };
}

/**
 * Less its last section: `using` came with 5.2, and npm test compiles that. TypeScript 5.0 takes
 * no pairs as headers without a word on their type.
 */
function typeTests(compiler) {
  const whole = readFileSync(join(ROOT, 'test/types.ts'), 'utf8');
  const text = compiler === '5.0' ? whole.replace(/^.*headers: .*\[\[.*\n/gm, '') : whole;
  const [tests, disposal] = text.split(/^\/\/ ── Disposal ─+$/m);
  if (!disposal) throw new Error('test/types.ts: where is its section Disposal?');
  return {'types.ts': tests.replace(/'\.\.\/(sse|web-event-source)\.ts'/g, "'./$1'")};
}

const typesOf = ({types = 'ES2022 alone'}) => TYPES[types];

/** The project of a row, for that TypeScript; `knows`: it takes the row's types themselves. */
function projectOf(row, compiler, knows) {
  const {types: title = 'ES2022 alone', options, runs, planted = ''} = row;
  const {lib, types = [], platform} = typesOf(row);
  const programs = ['program.ts', 'web.ts', ...(platform ? ['platform.ts'] : [])];
  const sources =
    row.sources?.(compiler) ?? Object.fromEntries(programs.map((file) => [file, program(file)]));
  return project(`${title}/${row.name}/${compiler}`, {
    'sse.ts': `${SOURCE}\n${planted}\n`,
    'web-event-source.ts': webSource('./sse.js'),
    'empty.ts': 'export {};\n',
    ...sources,
    'package.json': {type: runs ?? 'module'},
    'tsconfig.json': {
      compilerOptions: {target: 'ES2022', lib, types, skipLibCheck: !knows, ...options},
      files: Object.keys(sources),
    },
    'types.json': {
      compilerOptions: {lib, types, skipLibCheck: false, ...BUNDLER},
      files: ['empty.ts'],
    },
  });
}

async function compile(row, {name, folder}) {
  const {flagSince = '0', runs, planted, says} = row;
  const {packages = {}, since = '0'} = typesOf(row);
  const knows = isSince(name, since);
  const cwd = projectOf(row, name, knows);
  install(packages, cwd);
  const tsc = (...args) =>
    run(process.execPath, [join(MODULES, folder, 'bin/tsc'), ...args], {cwd});

  const {status, stdout, stderr} = await tsc('-p', '.', '--pretty', 'false');
  const said = stdout + stderr;
  if (!isSince(name, flagSince)) {
    if (!/TS5023: Unknown compiler option/.test(said)) {
      throw new Error(`the flag is not new to it: ${said}`);
    }
    return `n/a: flag since ${flagSince}`;
  }
  if (planted) {
    if (status === 0 || !says.test(said)) throw new Error(`the fault is not seen: ${said}`);
    return 'seen';
  }
  if (status !== 0) throw new Error(`exit ${status}\n${said}`);
  if (runs) {
    for (const [file, prints] of Object.entries(PRINTS)) {
      const {stdout, stderr} = await must(process.execPath, [`out/${file}`], {cwd});
      same(stdout + stderr, prints, `what ${file} prints`);
    }
  }
  if (knows) return 'ok';
  if ((await tsc('-p', 'types.json')).status === 0) throw new Error(`'since' is older than that`);
  return 'ok¹';
}

/** Copied, not linked: a link would find the namesakes of its packages where it really is. */
function install(packages, cwd) {
  for (const [name, folder] of Object.entries(packages)) {
    const to = join(cwd, '../../node_modules', name);
    if (existsSync(to)) continue;
    const from = join(MODULES, folder);
    cpSync(from, to, {recursive: true, filter: (path) => path !== join(from, 'node_modules')});
  }
}

function isSince(version, first) {
  return version.localeCompare(first, 'en', {numeric: true}) >= 0;
}
