// A check that cannot fail proves nothing: each is shown one planted fault and must report it.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {problemsOf as docs} from './docs.mjs';
import {codeOf, problemsOf as layers} from './layers.mjs';
import {problemsOf as sessions} from './sessions.mjs';

const RULES = {sections: 9, casts: 7, imports: false};

/** Nine sections that keep every rule, with `planted` in section 2. */
const sections = (planted) =>
  [1, 2, 3, 4, 5, 6, 7, 8, 9]
    .map(
      (number) =>
        `// ── ${number}. Name ──\nexport const value${number} = 1\n${number === 2 ? planted : ''}\n`,
    )
    .join('');
const AT = 6; // the line of `planted`

test('layers: clean code', () => {
  for (const line of [
    'const a = value1 + value2',
    `const a = 'value9' // value9`,
    'const a = `value9 \\` ${value1} value9`',
    'const a = 4 / value1 / 2, b = /[/"]value9/.exec(text)',
    '/* value9 */ const a = (value1 as const)',
    'const a = b.value9 + b.#value9',
    'interface A { value9?: string; value8: string }',
    '  value9(a: string): void {',
    'const a = AbortSignal.any([b]) !== !c',
  ])
    assert.deepEqual(layers(sections(line), RULES), [], line);
});

test('layers: planted faults', () => {
  for (const [line, problem] of [
    ['const a = value3', `section 2 uses 'value3' of section 3`],
    ['const a: typeof value9 = 1', `section 2 uses 'value9' of section 9`],
    ['const a = {...value9}', `section 2 uses 'value9' of section 9`],
    ['const a = `${value9}`', `section 2 uses 'value9' of section 9`],
    ['const a = b / value9 / 2', `section 2 uses 'value9' of section 9`],
    ['const a: any = 1', `the type 'any'`],
    ['const a: Array<any> = []', `the type 'any'`],
    [`import {a} from 'b'`, `'import': the file has no dependencies`],
    [`const a = await import('b')`, `'import': the file has no dependencies`],
    ['const a = b as string', 'a cast outside section 7'],
    ['const a = b as (string)', 'a cast outside section 7'],
    ['const a = b!.c', `a non-null '!'`],
    ['const enum A {}', `'enum' or 'namespace': not erasable`],
    ['declare namespace A {}', `'enum' or 'namespace': not erasable`],
    ['export default 1', 'a default export'],
    [`// ${'x'.repeat(98)}`, '101 columns'],
  ])
    assert.deepEqual(layers(sections(line), RULES), [`${AT}: ${problem}`], line);
  const clean = sections('');
  assert.deepEqual(layers(clean.replace('// ── 9. Name ──', ''), RULES), [
    '28: 8 sections instead of 9',
  ]);
  assert.deepEqual(layers(clean.replace('7. Name', '8. Name'), RULES), [
    '19: banner 8 where 7 is due',
  ]);
  assert.deepEqual(layers(`const a = 1\n${clean}`, RULES), [
    `1: 'a' is declared above the first section`,
  ]);
});

test('layers: the rules of a file are data', () => {
  const imports = {...RULES, imports: true};
  const first = `import {a} from 'b'\n`;
  assert.deepEqual(layers(first + sections('const c = import.meta.url'), imports), []);
  assert.deepEqual(layers(sections(`import {a} from 'b'`), imports), [
    `${AT}: 'import' below the first banner`,
  ]);
  assert.deepEqual(layers(first + sections(''), RULES), [
    `1: 'import': the file has no dependencies`,
  ]);
  assert.deepEqual(layers(sections('const a = b as string'), {...RULES, casts: 2}), []);
  const eleven = `${sections('')}// ── 10. Name ──\nconst a = value9\n// ── 11. Name ──\n`;
  assert.deepEqual(layers(eleven, {...RULES, sections: 11}), []);
  assert.deepEqual(
    layers(eleven.replace('a = value9', 'a = b') + 'const b = 1', {...RULES, sections: 11}),
    [`29: section 10 uses 'b' of section 11`],
  );
});

test('layers: blanking keeps lines and columns', () => {
  const source = 'a = `x${`y${z}`}` /* \n */ + "q\\"//" // end';
  const code = codeOf(source);
  assert.deepEqual(
    code.split('\n').map((line) => line.length),
    source.split('\n').map((line) => line.length),
  );
  assert.equal(code.replace(/\s/g, ''), 'a=z+');
  assert.equal(code.indexOf('z'), source.indexOf('z'));
});

const FILES = {'examples/a.mjs': 'a()\n', 'examples/b.mjs': 'b()\n', 'examples/c.mjs': 'c()\n'};
const FACTS = {
  read: (name) => FILES[name],
  sizes: {parser: 1649, all: 5960},
  declarations:
    'export declare class EventParser {\n  /** lost(): */\n  readonly retry?: number;\n'
    + `  feed(chunk: string): 'done';\n}\nexport declare function connect(): void;\n`,
  source:
    'interface Base {\n  body?: {\n    deep: 1;\n  };\n}\n'
    + 'export interface SSEClientOptions extends Base {\n  /** method */\n'
    + '  readonly verify?: boolean;\n}\n',
  differences: ['redirects'],
};
const README = `EventParser is 1.6 kB<!-- size:parser -->, **6.0 kB<!-- size:all -->** with connect.
[a](examples/a.mjs) [web](https://example.org/) [here](#there)
${Object.keys(FILES)
  .map((name) => `<!-- ${name} -->\n\`\`\`js\n${FILES[name]}\`\`\`\n`)
  .join('')}
| option | default |
| \`body\`, \`verify\` | – |

| some-package 1 | ssekit |
|---|---|
| \`parse({mode})\` | \`connect()\`, \`feed(chunk)\`, \`'done'\`, \`{mode, retry: 30_000}\`, prose |

## Runtimes
| **redirects** | browsers |
`;

test('docs: clean text', () => assert.deepEqual(docs(README, FACTS), []));

test('docs: planted faults', () => {
  for (const [find, replace, problem] of [
    ['b()', 'B()', 'examples/b.mjs is not shown as it is'],
    ['```js\nb()', 'text\n```js\nb()', 'no code block follows the marker of examples/b.mjs'],
    ['<!-- examples/b.mjs -->', '', '2 examples are shown, not 3 or more'],
    ['<!-- examples/b.mjs -->', '<!-- examples/x.mjs -->', 'there is no examples/x.mjs'],
    ['(examples/a.mjs)', '(lost.md)', 'the link to lost.md leads nowhere'],
    ['1.6 kB', '1.7 kB', `the size 'parser' is 1.6 kB, not 1.7 kB`],
    ['6.0 kB<!-- size:all -->', '6.0 kB', `the size 'all' is not given`],
    ['EventParser', 'The parser', `the export 'EventParser' is not mentioned`],
    ['`verify`', 'verify', `the option 'verify' is in no table`],
    ['`body`', 'body', `the option 'body' is in no table`],
    ['| **redirects** | browsers |', '', `section 'Runtimes' does not tell of 'redirects'`],
    ['browsers |', 'browsers |\n| **x** |', `no row of test/runtimes/behaviour.mjs differs by 'x'`],
    ['feed(chunk)', 'push(chunk)', `coming from some-package 1: ssekit has no 'push'`],
    ['feed(chunk)', 'lost(chunk)', `coming from some-package 1: ssekit has no 'lost'`],
    ['{mode, retry', '{mod, retry', `coming from some-package 1: ssekit has no 'mod'`],
  ]) {
    const readme = README.replace(find, replace);
    assert.notEqual(readme, README);
    assert.deepEqual(docs(readme, FACTS), [problem]);
  }
});

test('sessions: what a page shows, and planted faults', async () => {
  const page =
    '<!-- session -->\n```console\n$ one\nin 7 ms at 2026-11-21T13:06:22.123Z\n' + '$ two &\n```\n';
  const run = async (commands) => {
    assert.deepEqual(commands, ['one', 'two &']);
    return ['in 9 ms at 2027-01-01T00:00:00.000Z\n', ''];
  };
  assert.deepEqual(await sessions(page, run), []);
  assert.equal((await sessions(page, async () => ['in 9 s at TIME\n', ''])).length, 1);
  assert.equal((await sessions(page.replace('at 2', 'on 2'), run)).length, 1);
  assert.equal((await sessions(page.replace('$ two', 'more\n$ two'), run)).length, 1);
  assert.deepEqual(await sessions('', run), ['no session is shown']);
});
