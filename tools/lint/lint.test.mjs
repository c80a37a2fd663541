// A check that cannot fail proves nothing: each is shown planted faults, and what is none.

import assert from 'node:assert/strict';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {after, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {biome, knip, unnamed} from './run.mjs';
import {makeCopy, SWITCHED, withoutSwitches, withSwitches} from './switches.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folders = [];
after(() => {
  for (const folder of folders) rmSync(folder, {recursive: true});
});

/** A folder with those files, and with our rules. */
function project(files) {
  const folder = mkdtempSync(join(tmpdir(), 'ssekit-lint-'));
  folders.push(folder);
  for (const name of ['biome.jsonc', 'tools/lint/long-functions.grit']) {
    cpSync(join(ROOT, name), join(folder, name));
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), {recursive: true});
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** The rules that each of those files breaks. */
async function broken(files) {
  const found = await biome(project(files), 'lint');
  return found.map((problem) => /^(.*?):\d+: .* \((.*)\)$/.exec(problem).slice(1));
}

const lines = (count) => 'a();\n'.repeat(count);

test('format: planted faults', async () => {
  const texts = [
    `const a = {b: 'c'};\n`,
    `const a = {b: "c"};\n`,
    'const a = {b: 1}\n',
    `a(  'b');\n`,
  ];
  const files = Object.fromEntries(texts.map((text, at) => [`${at}.mjs`, text]));
  const found = await biome(project(files), 'format');
  assert.deepEqual(
    found.map((problem) => problem.split(':', 1)[0]),
    ['1.mjs', '2.mjs', '3.mjs'],
  );
});

test('lint: planted faults', async () => {
  const any = 'export const a: any = 1;\n';
  assert.deepEqual(
    await broken({
      'assignment.mjs': 'if ((a = b())) c();\n',
      'cli/text.ts': any,
      'import.mjs': `import {a} from './b.mjs';\n`,
      'parameter.mjs': 'export function f(a) {}\n',
      'radix.mjs': 'a = parseInt(b);\n', // an information, for Biome
      'sse.test.ts': any,
      'sse.ts': `${any}export const b = c!;\n`,
    }),
    [
      ['assignment.mjs', 'lint/suspicious/noAssignInExpressions'],
      ['cli/text.ts', 'lint/suspicious/noExplicitAny'],
      ['import.mjs', 'lint/correctness/noUnusedImports'],
      ['parameter.mjs', 'lint/correctness/noUnusedFunctionParameters'],
      ['radix.mjs', 'lint/correctness/useParseIntRadix'],
      ['sse.ts', 'lint/suspicious/noExplicitAny'],
      ['sse.ts', 'lint/style/noNonNullAssertion'],
    ],
  );
});

test('lint: functions of 40 lines and of 41', async () => {
  const functions = [
    ['export function f() {\n', '}\n'],
    ['export default function () {\n', '}\n'],
    ['export const f = () => {\n', '};\n'],
    ['export const f = async function () {\n', '};\n'],
    ['export class A {\n  f() {\n', '}\n}\n'],
    ['export class A {\n  constructor() {\n', '}\n}\n'],
    ['export const a = {\n  f() {\n', '},\n};\n'],
  ];
  const files = functions.flatMap(([before, behind], at) =>
    [40, 41].map((count) => [`${at}-${count}.mjs`, before + lines(count) + behind]),
  );
  const found = await broken(Object.fromEntries(files));
  assert.deepEqual(
    found.filter(([, rule]) => rule === 'plugin'),
    functions.map((_, at) => [`${at}-41.mjs`, 'plugin']),
  );
});

test('lint: what is no long function', async () => {
  const comments = '\n// a\n/* b\n * c */\n/** d */\n'.repeat(20);
  const scanText = `#scanText() {\n${lines(60)}  }`;
  const files = {
    'comments.mjs': `export function f() {\n${lines(20)}${comments}${lines(20)}}\n`,
    'tests.mjs': `describe('a', () => {\n${lines(60)}  test('b', () => {});\n});\n`,
    'test.mjs': `test('a', () => {\n${lines(60)}});\n`,
    'shared.mjs': `export function f() {\n${lines(60)}  g();\n  function g() {}\n}\n`,
    'loop.mjs': `export class A {\n  ${scanText}\n  b() {\n    this.#scanText();\n  }\n}\n`,
  };
  assert.deepEqual(await broken(files), []);
});

test('lint: a folder without files is a fault', () =>
  assert.rejects(biome(project({'biome.jsonc': '{"files": {"includes": ["!**"]}}'}), 'lint')));

test('unused: planted faults', async () => {
  const manifest = (dependencies) => JSON.stringify({name: 'a', main: 'a.mjs', dependencies});
  const used = {'a.mjs': `import {b} from './b.mjs';\nb();\n`, 'b.mjs': 'export const b = 1;\n'};
  const found = async (files) => (await knip(project({...used, ...files}))).join('\n');
  assert.equal(await found({'package.json': manifest({})}), '');
  assert.match(await found({'package.json': manifest({}), 'c.mjs': 'c();\n'}), /c\.mjs/);
  assert.match(await found({'package.json': manifest({other: '1'})}), /other/);
  const more = {
    'package.json': manifest({}),
    'b.mjs': 'export const b = 1;\nexport const c = 2;\n',
  };
  assert.match(await found(more), /c .*b\.mjs:2/);
});

test('unused: a package that no file names', async () => {
  const found = (name) => unnamed(ROOT, {workspaces: {bench: {ignoreDependencies: [name]}}});
  assert.deepEqual(await found('undici'), []);
  assert.deepEqual(await found('no-such-package'), [
    `bench/package.json: no file names 'no-such-package'`,
  ]);
});

for (const file of SWITCHED) {
  test(`${file}: the copy is made, and comes back`, () => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const copy = readFileSync(makeCopy(file), 'utf8');
    assert.equal(copy, withoutSwitches(source));
    assert.equal(withSwitches(copy, source), source);
  });
}
