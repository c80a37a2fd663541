// React Native: bundled by Metro with React Native's own preset, compiled by the compiler of today's
// Hermes, and run by the newest Hermes that npm has a program of.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {before, test} from 'node:test';
import {fileURLToPath} from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const BUILT = path('node_modules/.built');
const HERMES = path('node_modules/hermes-engine-cli/linux64-bin/hermes');
const COMPILER = path('node_modules/hermes-compiler/hermesc/linux64-bin/hermesc');
const bundle = `${BUILT}/native.js`;

before(() => {
  mkdirSync(BUILT, {recursive: true});
  for (const program of [HERMES, COMPILER]) chmodSync(program, 0o755);
  execFileSync(process.execPath, [path('native/bundle.mjs'), bundle], {stdio: 'inherit'});
});

test("Hermes' compiler takes it", () => {
  execFileSync(COMPILER, ['-O', '-w', '-emit-binary', '-out', `${BUILT}/native.hbc`, bundle]);
  assert.ok(statSync(`${BUILT}/native.hbc`).size > 50_000);
});

test('Hermes runs it: a text, a streaming fetch, one that cannot stream', () => {
  const script = `${BUILT}/native-run.js`;
  const globals = 'var self = globalThis, window = globalThis;\n';
  writeFileSync(script, globals + readFileSync(bundle) + readFileSync(path('native/drive.js')));
  const output = execFileSync(HERMES, ['-w', script], {encoding: 'utf8', timeout: 20_000});
  const [parsed, followed, asked, refused] = JSON.parse(output.trim().split('\n').at(-1));
  assert.deepEqual(parsed, [
    {id: '1', event: 'message', data: 'a\n€'},
    {id: '1', event: 'e', data: ''},
  ]);
  const pair = (n) => [
    {id: `${n}`, event: 'message', data: 'one'},
    {id: `${n + 1}`, event: 'price', data: 'two'},
  ];
  assert.deepEqual(followed, {got: [1, 3, 5].flatMap(pair)});
  assert.deepEqual(asked, [0, 2, 4]);
  const {code, message} = refused;
  assert.equal(code, 'unsupported');
  assert.match(message, /this `fetch` cannot stream.*React Native: `fetch` of expo\/fetch/);
});
