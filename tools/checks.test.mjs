// A check that cannot fail proves nothing: each is shown one planted fault and must report it.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {problemsOf as docs, withExamples} from './docs.mjs';
import {codeOf, problemsOf as layers, problemsOfModules} from './layers.mjs';
import {SWITCHED, switchesOf, withoutSwitches, withSwitches} from './lint/switches.mjs';
import {problemsOf as sessions, written} from './sessions.mjs';

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
    '/** Whole lines; what is left comes later. */',
    '// What it is.',
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
    ['/** What it is. */', 'a doc comment begins with a verb or a noun'],
    ['/** The next one. */', 'a doc comment begins with a verb or a noun'],
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

test('layers: a file over another one, without sections', () => {
  const rules = {sections: 0, over: './sse.ts'};
  const good = `// a\nimport {a} from './sse.ts';\nconst b = a as const;\n`;
  assert.deepEqual(layers(good, rules), []);
  const cast = `${good}const c = b as string;\n`;
  assert.deepEqual(layers(cast, rules), ['4: a cast']);
  const another = `the one import is that of './sse.ts'`;
  assert.deepEqual(layers(`${good}import {c} from './c.ts';\n`, rules), [`4: ${another}`]);
  assert.deepEqual(layers(`${good}const c = await import('./sse.ts');\n`, rules), [
    `4: ${another}`,
  ]);
  assert.deepEqual(layers(`${good}import {c} from './sse.ts';\n`, rules), [`4: ${another}`]);
  assert.deepEqual(layers(good.replace('sse', 'other'), rules), [
    `2: ${another}`,
    `4: there is no import of './sse.ts'`,
  ]);
  assert.deepEqual(layers('const b = 1;\n', rules), [`2: there is no import of './sse.ts'`]);
  assert.deepEqual(layers(`${good}// ── 1. Name ──\n`, rules), ['5: 1 sections instead of 0']);
});

test('layers: a folder of modules', () => {
  const rules = {modules: ['first', 'second', 'third'], casts: 'third'};
  const good = {
    first: `import * as zlib from 'node:zlib';\nimport {connect} from '../sse.ts';\n`,
    second: `import {a} from './first.ts';\nimport type {B} from './first.ts';\n`,
    third: `import {\n  a,\n} from './second.ts';\nconst b = c as string;\n`,
  };
  assert.deepEqual(problemsOfModules(good, rules), []);
  for (const [name, source, problem] of [
    ['first', `import {c} from './second.ts';`, `imports './second.ts', which is not above it`],
    ['first', `import {c} from './first.ts';`, `imports './first.ts', which is not above it`],
    ['second', `export {c} from './third.ts';`, `imports './third.ts', which is not above it`],
    [
      'second',
      `const c = await import('./third.ts');`,
      `imports './third.ts', which is not above it`,
    ],
    [
      'second',
      `import {c} from '../dist/sse.js';`,
      `imports '../dist/sse.js', which is not above it`,
    ],
    ['second', 'const a = b as string;', 'a cast'],
    ['third', 'const a: any = 1;', `the type 'any'`],
    ['third', `// ${'x'.repeat(98)}`, '101 columns'],
  ]) {
    const planted = {...good, [name]: source};
    assert.deepEqual(problemsOfModules(planted, rules), [`${name}.ts:1: ${problem}`], source);
  }
  const {third, ...others} = good;
  assert.deepEqual(problemsOfModules({...others, fourth: third}, rules), [
    'third.ts: is in the list of modules, and not in the folder',
    'fourth.ts: is not in the list of modules',
  ]);
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

for (const file of SWITCHED) {
  test(`switches: ${file} without the lines that switch tools off, and with them again`, () => {
    const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
    const bare = withoutSwitches(source);
    const linesOf = (text) => text.split('\n');
    const count = linesOf(switchesOf(source)).length;
    assert.deepEqual(linesOf(bare), [
      linesOf(source)[0],
      ...Array(count).fill('//'),
      ...linesOf(source).slice(1 + count),
    ]);
    assert.doesNotMatch(bare, /eslint|-ignore/);
    assert.equal(withSwitches(bare, source), source);
    assert.equal(withSwitches(`${bare}// $&\n`, source), `${source}// $&\n`);
  });
}

test('switches: planted faults', () => {
  const source = readFileSync(new URL('../sse.ts', import.meta.url), 'utf8');
  const head = `${switchesOf(source)}\n`;
  for (const [find, replace, problem] of [
    [head, '', /no '\/\* eslint-disable' at the head/],
    ['// deno-lint-ignore-file\n', '', /no '\/\/ deno-lint-ignore-file' at the head/],
    [head, `//\n${head}`, /no '\/\* eslint-disable' at the head/],
    [head, `${head}export let a;\n// biome-ignore lint: b\n`, /below its head: 'biome-ignore'/],
    [head, `${head}//\n/* eslint-disable-next-line */\n`, /below its head: 'eslint-disable'/],
  ]) {
    assert(source.includes(find));
    assert.throws(() => withoutSwitches(source.replace(find, () => replace)), problem);
  }
  assert.throws(() => withSwitches(source, source), /does not begin as the head/);
});

const FILES = {
  'examples/': '',
  'examples/a.mjs': 'a()\n',
  'examples/b.mjs': 'b()\n',
  'examples/c.mjs': 'c()\n',
  'results/table.md': '# A table\n',
};
const FACTS = {
  read: (name) => FILES[name],
  sizes: {parser: 1649, all: 5960},
  declarations:
    'export declare class EventParser {\n  /** lost(): */\n  readonly retry?: number;\n'
    + `  feed(chunk: string): 'done';\n}\nexport declare function connect(): void;\n`
    + 'export declare const record: 1;\n',
  source:
    'interface Base {\n  body?: {\n    deep: 1;\n  };\n}\n'
    + 'export interface SSEClientOptions extends Base {\n  /** method */\n'
    + '  readonly verify?: boolean;\n}\n',
  differences: ['redirects'],
  script:
    '# node old.mjs\nnpm ci\nnpm test\nbash install.sh\nnode test/long.mjs & # beside\nwait\n'
    + '(cd a && npm ci)\n(cd a && npm ci && node --test)\n',
  least: {pages: 6, examples: 3, sessions: 1},
  mostWords: 25,
};
const shown = (name) => `<!-- ${name} -->\n\`\`\`js\n${FILES[name]}\`\`\`\n`;
/** Pages that keep every rule. */
const PAGES = {
  'README.md': `EventParser is 1.6 kB<!-- size:parser -->.
[a](examples/a.mjs) [web](https://example.org/) [here](#an-example) [all](docs/api.md#all-of-it-1)
[runtimes](docs/runtimes.md) [pages](docs/README.md)

## An \`example\`
${shown('examples/a.mjs')}`,
  'CONTRIBUTING.md': `| file | what |
|---|---|
| \`sse.ts\` | all |

| command | what it shows |
|---|---|
| \`npm test\` | a |
| \`node test/long.mjs\` | b |
| \`(cd a && npm ci && node --test)\` | c |
`,
  'docs/README.md':
    '[API](api.md) [runtimes](runtimes.md) [from](from.md) [up](../CONTRIBUTING.md)\n',
  'docs/api.md': `# All of it
**6.0 kB<!-- size:all -->** with connect, record. \`[no](link.md)\` [files](../examples/) <a href="#tags-a--b">
[up](../README.md#an-example) [table](../results/table.md#a-table) [b][b] ![c](../examples/c.mjs "c")

[b]: ../examples/b.mjs
${shown('examples/b.mjs')}${shown('examples/c.mjs')}
  \`\`\`sh
  # No heading
  f[0](x)
  \`\`\`

## All of it
### [Tags](#all-of-it): a & b

| option | default |
| \`body\`, \`verify\` | – |

<!-- session -->
\`\`\`console
$ true
\`\`\`
`,
  'docs/from.md': `| some-package 1 | ssekit |
|---|---|
| \`parse({mode})\`, \`verify\` | \`connect()\`, \`feed(chunk)\`, \`'done'\`, \`{mode, retry: 30_000}\`, prose |
`,
  'docs/runtimes.md': '| **redirects** | browsers |\n',
};

test('docs: clean text', () => assert.deepEqual(docs(PAGES, FACTS), []));

test('docs: examples are written into the pages', () => {
  const page = PAGES['docs/api.md'];
  const read = (name) => FILES[name];
  assert.equal(withExamples(page, read), page);
  assert.equal(withExamples(page.replace('b()', 'old()').replace('c()\n', ''), read), page);
});

test('docs: planted faults', () => {
  for (const [name, find, replace, problem] of [
    ['README.md', 'a()', 'A()', 'README.md: examples/a.mjs is not shown as it is'],
    ['docs/api.md', 'b()', 'B()', 'docs/api.md: examples/b.mjs is not shown as it is'],
    [
      'docs/api.md',
      '```js\nb()',
      'text\n```js\nb()',
      'docs/api.md: no code block follows the marker of examples/b.mjs',
    ],
    [
      'docs/api.md',
      '<!-- examples/b.mjs -->',
      '<!-- examples/x.mjs -->',
      'docs/api.md: there is no examples/x.mjs',
    ],
    ['docs/api.md', '<!-- examples/b.mjs -->', '', '2 examples are found, not 3 or more'],
    ['docs/api.md', '<!-- session -->', '', '0 sessions are found, not 1 or more'],
    ['README.md', '(examples/a.mjs)', '(lost.md)', 'README.md: the link to lost.md leads nowhere'],
    [
      'docs/api.md',
      '(../examples/)',
      '(examples/)',
      'docs/api.md: the link to examples/ leads nowhere',
    ],
    [
      'docs/api.md',
      '(../examples/c.mjs',
      '(../../docs/api.md',
      'docs/api.md: the link to ../../docs/api.md leads nowhere',
    ],
    [
      'docs/api.md',
      ': ../examples/b.mjs',
      ': b.mjs',
      'docs/api.md: the link to b.mjs leads nowhere',
    ],
    ['CONTRIBUTING.md', 'all', '[all]()', 'CONTRIBUTING.md: the link to  leads nowhere'],
    ['README.md', '(#an-', '(#the-', 'README.md: the link to #the-example leads to no heading'],
    [
      'README.md',
      'it-1)',
      'it-2)',
      'README.md: the link to docs/api.md#all-of-it-2 leads to no heading',
    ],
    [
      'docs/api.md',
      'README.md#an-example',
      'README.md#example',
      'docs/api.md: the link to ../README.md#example leads to no heading',
    ],
    [
      'docs/api.md',
      '#a-table',
      '#table',
      'docs/api.md: the link to ../results/table.md#table leads to no heading',
    ],
    [
      'docs/api.md',
      '"#tags-a--b"',
      '"#no-heading"',
      'docs/api.md: the link to #no-heading leads to no heading',
    ],
    [
      'docs/api.md',
      '(../examples/)',
      '(../examples/a.mjs#all-of-it)',
      'docs/api.md: the link to ../examples/a.mjs#all-of-it leads to no heading',
    ],
    ['README.md', '[pages](docs/README.md)', '', 'README.md: no link leads to docs/README.md'],
    [
      'README.md',
      'EventParser is',
      'EventParser is a b c d e',
      'README.md: 26 words, not 25 at most',
    ],
    ['docs/README.md', '[from](from.md)', '', 'docs/README.md: no link leads to docs/from.md'],
    ['README.md', '1.6 kB', '1.7 kB', `README.md: the size 'parser' is 1.6 kB, not 1.7 kB`],
    ['docs/api.md', '6.0 kB', '6.1 kB', `docs/api.md: the size 'all' is 6.0 kB, not **6.1 kB`],
    [
      'CONTRIBUTING.md',
      'all',
      '9.9 kB<!-- size:none -->',
      `CONTRIBUTING.md: the size 'none' is unknown, not 9.9 kB`,
    ],
    ['docs/api.md', '6.0 kB<!-- size:all -->', '6.0 kB', `the size 'all' is not given`],
    ['README.md', 'EventParser', 'The parser', `the export 'EventParser' is not mentioned`],
    ['docs/api.md', 'record', 'replay', `the export 'record' is not mentioned`],
    ['docs/api.md', '`verify`', 'verify', `the option 'verify' is in no table`],
    ['docs/api.md', ', `verify` |', ' | `verify` |', `the option 'verify' is in no table`],
    ['docs/api.md', '`body`', 'body', `the option 'body' is in no table`],
    [
      'docs/runtimes.md',
      '| **redirects** | browsers |',
      '',
      `docs/runtimes.md: it does not tell of 'redirects'`,
    ],
    [
      'docs/runtimes.md',
      'browsers |',
      'browsers |\n| **x** |',
      `docs/runtimes.md: no row of test/runtimes/behaviour.mjs differs by 'x'`,
    ],
    ...['push', 'lost'].map((name) => [
      'docs/from.md',
      'feed(chunk)',
      `${name}(chunk)`,
      `docs/from.md: coming from some-package 1: ssekit has no '${name}'`,
    ]),
    [
      'docs/from.md',
      '{mode, retry',
      '{mod, retry',
      `docs/from.md: coming from some-package 1: ssekit has no 'mod'`,
    ],
    [
      'CONTRIBUTING.md',
      '| `node test/long.mjs` | b |\n',
      '',
      `CONTRIBUTING.md: no row for 'node test/long.mjs' of .ci/run`,
    ],
    [
      'CONTRIBUTING.md',
      '| `npm test` | a |\n',
      '| `npm test` | a |\n| `node old.mjs` | a |\n',
      `CONTRIBUTING.md: .ci/run does not run 'node old.mjs'`,
    ],
  ]) {
    const page = PAGES[name].replace(find, replace);
    assert.notEqual(page, PAGES[name], find);
    assert.deepEqual(docs({...PAGES, [name]: page}, FACTS), [problem]);
  }
});

test('docs: what is named on pages that are not for users is not told', () => {
  const page = PAGES['README.md'].replace('EventParser', 'The parser');
  const changes = 'EventParser is new; it is 1.6 kB<!-- size:parser -->.\n';
  assert.deepEqual(docs({...PAGES, 'README.md': page, 'CHANGELOG.md': changes}, FACTS), [
    `the export 'EventParser' is not mentioned`,
  ]);
});

test('docs: an empty folder, and no pages at all', () => {
  const top = Object.entries(PAGES).filter(([name]) => !name.startsWith('docs/'));
  const problems = docs(Object.fromEntries(top), FACTS);
  for (const problem of [
    '2 pages are found, not 6 or more',
    '1 examples are found, not 3 or more',
    '0 sessions are found, not 1 or more',
    'README.md: the link to docs/runtimes.md leads nowhere',
    `docs/runtimes.md: it does not tell of 'redirects'`,
    `the option 'verify' is in no table`,
  ])
    assert(problems.includes(problem), problem);
  assert(docs({}, FACTS).includes('0 pages are found, not 6 or more'));
});

test('sessions: what a page shows, and planted faults', async () => {
  const page =
    '<!-- session -->\n```console\n$ one\nin 7 ms at 2026-11-21T13:06:22.123Z\n' + '$ two &\n```\n';
  const pages = (text) => ({'README.md': 'no session', 'docs/a.md': text, 'docs/b.md': page});
  const now = 'in 9 ms at 2027-01-01T00:00:00.000Z\n';
  const run = async (commands) => {
    assert.deepEqual(commands, ['one', 'two &']);
    return [now, ''];
  };
  assert.deepEqual(await sessions(pages(page), run), []);
  const faults = await sessions(pages(page), async () => ['in 9 s at TIME\n', '']);
  assert.deepEqual(
    faults.map((fault) => fault.split('\n', 1)[0]),
    ['docs/a.md: a session is not as shown:', 'docs/b.md: a session is not as shown:'],
  );
  for (const [find, replace] of [
    ['at 2', 'on 2'],
    ['$ two', 'more\n$ two'],
  ])
    assert.deepEqual(await sessions(pages(page.replace(find, replace)), run), [
      `docs/a.md: a session is not as shown:\n$ one\n${now}$ two &\n`,
    ]);
  assert.deepEqual(await sessions(pages(page.replace('console', 'text')), run), [
    'docs/a.md: no console block follows the marker of a session',
  ]);
  assert.deepEqual(await sessions({'README.md': ''}, run), ['no session is shown']);
  assert.deepEqual(await sessions({}, run), ['no session is shown']);
});

test('sessions: what is printed goes into its own page', async () => {
  const page = (command, output) =>
    `# A\n<!-- session -->\n\`\`\`console\n$ ${command}\n${output}\`\`\`\nb\n`;
  const pages = {
    'README.md': 'no session',
    'docs/a.md': page('one', 'old\n') + page('two', ''),
    'docs/b.md': page('three', 'old\n'),
  };
  const run = async ([command]) => [`$& of ${command}\n`];
  assert.deepEqual(await written(pages, run), {
    'docs/a.md': page('one', '$& of one\n') + page('two', '$& of two\n'),
    'docs/b.md': page('three', '$& of three\n'),
  });
});
