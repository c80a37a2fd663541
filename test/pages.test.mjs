// The code of the pages that is no file of examples/: what stands alone is run against the server,
// the rest is compiled, so that no page names what does not exist. First: node build.mjs.

import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {exportsOf} from '../tools/docs.mjs';
import {readPages} from '../tools/pages.mjs';
import {startServer} from './support/start-server.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const MOST_MS = 60_000;
const LEAST = {js: 9, ts: 4}; // blocks that are found; with less, a page is lost, or this pattern

/** What a page's reader has: the variables of short pieces of code. */
const AMBIENT = `
import type {AsyncSSEClient, SSEEvent} from 'ssekit';
declare global {
  const url: string;
  const question: string;
  const request: RequestInit;
  const certificate: string;
  const log: string;
  const client: AsyncSSEClient;
  const socket: import('node:net').Socket;
  const event: SSEEvent;
  const z: typeof import('./schemas.ts');
  function handle(event: SSEEvent): void;
  function count(record: unknown): void;
}
`;
const SCHEMAS = `
import type {SchemaLike} from 'ssekit';
type Of<T> = SchemaLike & {'~standard': {types?: {input: unknown; output: T}}};
export declare function number(): Of<number>;
export declare function string(): Of<string>;
export declare function array<T>(item: Of<T>): Of<T[]>;
export declare function object<T>(shape: {[Key in keyof T]: Of<T[Key]>}): Of<T>;
`;

const BLOCK = /(<!-- examples\/\S+ -->\n+)?^```(js|ts)\n([\s\S]*?)^```$/gm;

/** The blocks of code of a page, but for those that tools/docs.mjs compares. */
const blocksOf = (page) =>
  [...page.matchAll(BLOCK)]
    .filter(([, example]) => !example)
    .map(([, , language, code]) => ({language, code}));

const pages = readPages();
const blocks = Object.entries(pages).flatMap(([name, page]) =>
  blocksOf(page).map((block, at) => ({...block, name: `${name.replace(/\W+/g, '-')}-${at}`})),
);

const declared = readFileSync(join(ROOT, 'dist/sse.d.ts'), 'utf8');
const VALUES = exportsOf(declared);
const TYPES = [...declared.matchAll(/^export (?:interface|(?:declare )?type) (\w+)/gm)]
  .map(([, name]) => name)
  .filter((name, at, all) => !VALUES.includes(name) && all.indexOf(name) === at);

/** The block as a module: with the imports that it leaves out. */
function moduleOf(code) {
  const own = new Set(
    [...code.matchAll(/^(?:import \{(.*)\} from|(?:type|interface|const|let) (\w+))/gm)].flatMap(
      ([, names = '', name]) => [...names.split(/\W+/), name],
    ),
  );
  const used = [...VALUES, ...TYPES.map((name) => `type ${name}`)].filter((each) => {
    const name = each.replace('type ', '');
    return !own.has(name) && new RegExp(`\\b${name}\\b`).test(code);
  });
  const uses = ['readFileSync'].filter((name) => code.includes(name) && !own.has(name));
  return [
    used.length ? `import {${used.join(', ')}} from 'ssekit';` : 'export {};',
    uses.length ? `import {${uses.join(', ')}} from 'node:fs';` : '',
    code,
  ].join('\n');
}

/**
 * What the compiler says of those blocks: nothing, if all is well. What has no type of its own, as
 * a JSON value, is anything in JavaScript.
 */
async function compile(folder, language, all) {
  const isTyped = language === 'ts';
  const files = {
    'ambient.d.ts': AMBIENT,
    'schemas.ts': SCHEMAS,
    'ssekit.d.ts': isTyped ? declared : declared.replace(/\bunknown\b/g, 'any'),
  };
  for (const {name, code} of all) files[`${name}.ts`] = moduleOf(code);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      lib: ['ESNext'],
      types: ['node'],
      module: 'Preserve',
      moduleResolution: 'Bundler',
      rootDir: '../..',
      noEmit: true,
      declaration: false,
      isolatedDeclarations: false,
      allowImportingTsExtensions: true,
      strict: isTyped,
      exactOptionalPropertyTypes: isTyped,
      skipLibCheck: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
      paths: {ssekit: ['./ssekit.d.ts']},
    },
    files: Object.keys(files),
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  try {
    await promisify(execFile)(process.execPath, [TSC, '-p', folder], {cwd: folder});
    return '';
  } catch ({stdout}) {
    return stdout;
  }
}

describe('code of the pages', () => {
  let server;
  let folder;
  before(async () => {
    mkdirSync(join(ROOT, '.build'), {recursive: true});
    folder = mkdtempSync(join(ROOT, '.build/pages-'));
    server = await startServer();
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, {recursive: true, force: true});
  });

  const run = async (code) => {
    const args = ['--input-type=module', '-e', code];
    const options = {cwd: ROOT, timeout: MOST_MS, env: {...process.env, API_KEY: 'k'}};
    const {stdout, stderr} = await promisify(execFile)(process.execPath, args, options);
    return [stdout, stderr];
  };
  const replaced = (code, table) => {
    let text = code;
    for (const [from, to] of Object.entries(table)) {
      assert.ok(text.includes(from), `${from} in ${text}`);
      text = text.replace(from, to);
    }
    return text;
  };
  const codeOf = (name, at) => blocksOf(pages[name])[at].code;

  it('README.md: the first screen runs', async () => {
    const code = replaced(codeOf('README.md', 0), {
      'https://api.example.com': server.url,
      'https://example.com/events': `${server.url}/numbers?n=2&retry=20&run=readme`,
    });
    const [stdout, stderr] = await run(code);
    assert.equal(stdout, 'Every stream ends: say how.1 message 1\n2 message 2\n');
    const retries = stderr
      .replace(/in \d+ ms/g, 'in N ms')
      .split('\n')
      .slice(0, -1);
    assert.deepEqual(
      retries,
      Array(retries.length).fill('the server ended the stream; retrying in N ms'),
    );
    assert.ok(retries.length > 0);
  });

  it('README.md: the log is read', async () => {
    const code = replaced(codeOf('README.md', 1), {'recorded.log': 'examples/recorded.log'});
    assert.deepEqual(await run(code), ['install\ninstall\ntest\ntest\n', '']);
  });

  it('docs/getting-started.md: the first loop runs', async () => {
    const code = replaced(codeOf('docs/getting-started.md', 0), {
      'https://example.com/events': `${server.url}/numbers?n=2&retry=20&run=start`,
    });
    assert.deepEqual(await run(code), ['1 message 1\n2 message 2\n', '']);
  });

  for (const [language, least] of Object.entries(LEAST)) {
    it(`all ${language} compiles`, async () => {
      const all = blocks.filter((block) => block.language === language);
      assert.ok(all.length >= least, `${all.length} blocks`);
      assert.equal(await compile(folder, language, all), '');
    });

    it(`a name that does not exist is found in ${language}`, async () => {
      const code = 'for await (const event of asyncConnect(url, {maxRetry: 3})) event.dta;\n';
      const said = await compile(folder, language, [{name: 'planted', code}]);
      assert.match(said, /'maxRetry' does not exist/);
      assert.match(said, /'dta' does not exist/);
    });
  }
});
