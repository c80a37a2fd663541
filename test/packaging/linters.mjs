// Copies of both files among the sources of others: their linters and formatters find nothing in
// them, whatever their rules. Each of them is shown two more files, to prove that it looks at all:
// the same one without the lines at its head that switch tools off, and a neighbour with a fault.

import {readFileSync, symlinkSync} from 'node:fs';
import {basename, join, relative, resolve} from 'node:path';
import {withoutSwitches} from '../../tools/lint/switches.mjs';
import {DENO} from './runtimes.mjs';
import {MODULES, project, ROOT, run, same} from './stranger.mjs';

const [SSE, WEB] = ['sse', 'web-event-source'].map((name) => [
  `${name}.ts`,
  `dist/${name}.js`,
  `dist/${name}.d.ts`,
]);
const FILES = [...SSE, ...WEB];
const FOLDERS = ['copied', 'bare', 'neighbour'];
const NEIGHBOUR = 'neighbour/fault.ts';

const ESLINT = {'ESLint 9': 'eslint-9/bin/eslint.js', 'ESLint 10': 'eslint/bin/eslint.js'};
const PLUGINS = {
  comments: '@eslint-community/eslint-plugin-eslint-comments/configs',
  js: '@eslint/js',
  typescript: 'typescript-eslint',
  unicorn: 'eslint-plugin-unicorn',
};

const DEBUGGER = {fault: 'debugger;\n', says: /no-?debugger/i};
const SPACES = {fault: 'export  {}\n', says: /format/};
const UNUSED = {fault: '/* eslint-disable */\nexport {};\n', says: /^Unused eslint-disable/};
const UNLIMITED = {fault: UNUSED.fault, says: /no-unlimited-disable/};
const ABUSIVE = {fault: UNUSED.fault, says: /no-abusive-eslint-disable/};

const PLUGINS_ALONE = `{
  plugins: {
    ...unicorn.configs.recommended.plugins,
    ...comments.recommended.plugins,
    'eslint-comments': Object.values(comments.recommended.plugins)[0],
  },
}`;

// `fault` and what is said of it: the neighbour's. `clean`: files in which a tool finds nothing
// without the head either; it could call what switches it off unused. `remains`: what no line in
// a file keeps away.
const ROWS = [
  ...['ESLint 9', 'ESLint 10'].flatMap((name) => [
    {
      // With all plugins that the head names: it must not live on rules that ESLint does not know.
      name: `${name}, no rules`,
      ...eslint(PLUGINS_ALONE, {version: name}),
      ...UNUSED,
      clean: FILES,
    },
    {
      name: `${name}, recommended`,
      ...eslint('js.configs.recommended', {version: name}),
      ...DEBUGGER,
    },
    {
      name: `${name}, max-classes-per-file`,
      ...eslint(`{rules: {'max-classes-per-file': 'error'}}`, {version: name}),
      fault: 'class A {}\nexport class B extends A {}\n',
      says: /max-classes-per-file/,
      clean: WEB,
    },
    {
      name: `${name}, reportUnusedInlineConfigs`,
      ...eslint(`{linterOptions: {reportUnusedInlineConfigs: 'error'}}`, {version: name}),
      fault: '/* eslint no-eval: 0 */\nexport {};\n',
      says: /^Unused inline config/,
      clean: FILES,
    },
  ]),
  ...['recommended', 'strict', 'strictTypeChecked'].map((set) => ({
    name: `typescript-eslint, ${set}`,
    ...eslint(`js.configs.recommended, typescript.configs.${set}`, {
      hasTypes: set === 'strictTypeChecked',
    }),
    ...DEBUGGER,
  })),
  {
    name: 'unicorn, recommended',
    ...eslint('unicorn.configs.recommended'),
    ...ABUSIVE,
    clean: ['dist/sse.d.ts', 'dist/web-event-source.d.ts'],
  },
  // Under the name that it has today, and under the older one that many keep.
  ...['@eslint-community/eslint-comments', 'eslint-comments'].map((name) => ({
    name: `${name}, recommended`,
    ...eslint(`{
      plugins: {'${name}': Object.values(comments.recommended.plugins)[0]},
      rules: Object.fromEntries(
        Object.entries(comments.recommended.rules).map(([rule, value]) =>
          ['${name}' + rule.slice(rule.lastIndexOf('/')), value],
        ),
      ),
    }`),
    ...UNLIMITED,
    clean: FILES,
  })),
  {name: 'Biome, recommended', ...biome({}), ...DEBUGGER},
  {
    name: 'Biome, all rules',
    ...biome({linter: {rules: {preset: 'all'}}, assist: {actions: {preset: 'all'}}}),
    ...DEBUGGER,
  },
  {
    name: 'Biome, one rule',
    ...biome({
      linter: {rules: {preset: 'none', suspicious: {noDoubleEquals: 'error'}}},
      formatter: {enabled: false},
    }),
    fault: '// biome-ignore lint/suspicious/noDoubleEquals: there is none\nexport {};\n',
    says: /^suppressions\/unused/,
    clean: [...SSE, 'web-event-source.ts'], // it would sort what the others import
  },
  {name: 'oxlint', ...oxlint(), ...DEBUGGER},
  {
    name: 'oxlint, all rules',
    ...oxlint('-D', 'all'),
    ...DEBUGGER,
    remains: [ABUSIVE.says],
  },
  {
    name: 'oxlint, no rules',
    ...oxlint('-A', 'all'),
    ...UNUSED,
    clean: FILES,
    remains: [UNUSED.says],
  },
  {name: 'deno lint', find: denoLint, ...DEBUGGER, clean: ['dist/sse.d.ts', ...WEB]},
  {name: 'deno fmt --check', find: denoFormat, ...SPACES},
  {name: 'Prettier, .prettierignore', find: prettier, ...SPACES},
];

export function linters() {
  // Where the tools of all these projects are found.
  symlinkSync(MODULES, join(project('linters'), 'node_modules'), 'junction');
  return {
    // By file, so that the tools of two rows run at a time: each looks at all the files at once.
    cells: FILES.flatMap((file) =>
      ROWS.map((row) => ({row: row.name, column: file, run: () => check(row, file)})),
    ),
    notes: [
      'findings in the copy, in brackets: in the same file without its head',
      '¹ of the head itself, which no line in a file keeps oxlint from',
    ],
  };
}

async function check(row, file) {
  const {says, clean = [], remains = []} = row;
  row.findings ??= findingsOf(row);
  const rulesOf = await row.findings;
  const neighbour = rulesOf.get(NEIGHBOUR);
  const copied = rulesOf.get(pathOf('copied', file));
  const bare = rulesOf.get(pathOf('bare', file));
  if (!neighbour.some((rule) => says.test(rule))) {
    throw new Error(`the neighbour's fault is not seen: ${neighbour}`);
  }
  if ((bare.length === 0) !== clean.includes(file)) throw new Error(`'clean' is wrong: ${bare}`);
  const unexpected = copied.filter((rule) => !remains.some((known) => known.test(rule)));
  same(unexpected, [], 'is found in the copy');
  same(copied.length, remains.length, 'what remains, by number');
  return `${copied.length}${copied.length ? '¹' : ''} (${bare.length})`;
}

/** A folder for each, because compilers take no sse.js or sse.d.ts that is beside a sse.ts. */
function pathOf(folder, file) {
  return `${folder}/${file.replace(/\W/g, '-')}/${basename(file)}`;
}

/** The rules that are broken in each file of a project that has all of them. */
async function findingsOf({name, files, find, fault}) {
  const sources = {[NEIGHBOUR]: fault};
  for (const file of FILES) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    sources[pathOf('copied', file)] = source;
    sources[pathOf('bare', file)] = withoutSwitches(source);
  }
  const cwd = project(`linters/${name}`, {
    'package.json': {type: 'module'},
    'tsconfig.json': {
      compilerOptions: {strict: true, target: 'ES2022', types: [], allowJs: true, noEmit: true},
      include: FOLDERS,
    },
    '.prettierignore': FILES.map((file) => `${pathOf('copied', file)}\n`).join(''),
    ...files,
    ...sources,
  });
  const rulesOf = new Map(Object.keys(sources).map((path) => [path, []]));
  for (const {path, rule} of await find(cwd)) {
    const rules = rulesOf.get(relative(cwd, resolve(cwd, path.replace('file://', ''))));
    if (!rules) throw new Error(`a finding elsewhere: ${path}: ${rule}`);
    rules.push(rule);
  }
  return rulesOf;
}

/** With the flat config that holds those entries; what disables nothing is an error. */
function eslint(entries, {version = 'ESLint 10', hasTypes = false} = {}) {
  const used = Object.keys(PLUGINS).filter((name) => entries.includes(`${name}.`));
  const names = new Set(['typescript', ...used]);
  const parserOptions = hasTypes
    ? '{projectService: true, tsconfigRootDir: import.meta.dirname}'
    : '{}';
  const config = `
    ${[...names].map((name) => `import ${name} from '${PLUGINS[name]}';`).join('\n')}
    export default [
      {files: ['**/*.ts'], languageOptions: {parser: typescript.parser}},
      {files: ['**/*.{js,ts}'], languageOptions: {parserOptions: ${parserOptions}}},
      {linterOptions: {reportUnusedDisableDirectives: 'error'}},
      ${entries}
    ].flat();
  `;
  return {
    files: {'eslint.config.mjs': config},
    async find(cwd) {
      const results = await json(node(ESLINT[version], '-f', 'json', ...FOLDERS), cwd);
      return results.flatMap(({filePath, messages}) =>
        messages.map(({ruleId, message}) => ({path: filePath, rule: ruleId ?? message})),
      );
    },
  };
}

function biome(config) {
  return {
    files: {'biome.json': config},
    async find(cwd) {
      const args = ['check', '--reporter=json', '--max-diagnostics=none', ...FOLDERS];
      const {diagnostics} = await json(node('@biomejs/biome/bin/biome', ...args), cwd);
      return diagnostics.map(({location, category}) => ({path: location.path, rule: category}));
    },
  };
}

function oxlint(...rules) {
  return {
    async find(cwd) {
      const args = ['-f', 'json', '--report-unused-disable-directives', ...rules, ...FOLDERS];
      const {diagnostics} = await json(node('oxlint/bin/oxlint', ...args), cwd);
      return diagnostics.map(({filename, code, message}) => ({
        path: filename,
        rule: code ?? message,
      }));
    },
  };
}

async function denoLint(cwd) {
  const {diagnostics} = await json([DENO, 'lint', '--json', ...FOLDERS], cwd);
  return diagnostics.map(({filename, code}) => ({path: filename, rule: code}));
}

async function denoFormat(cwd) {
  const {stderr} = await run(DENO, ['fmt', '--check', ...FOLDERS], {cwd});
  return [...stderr.matchAll(/^from (.+):$/gm)].map(([, path]) => ({path, rule: 'format'}));
}

async function prettier(cwd) {
  const [command, ...args] = node('prettier/bin/prettier.cjs', '--list-different', ...FOLDERS);
  const {stdout} = await run(command, args, {cwd});
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((path) => ({path, rule: 'format'}));
}

function node(path, ...args) {
  return [process.execPath, join(MODULES, path), ...args];
}

/** What it prints: findings make it exit with 1, so that the status says nothing. */
async function json([command, ...args], cwd) {
  const {stdout, stderr} = await run(command, args, {cwd});
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`${args.join(' ')}: no JSON\n${stdout}${stderr}`);
  }
}
