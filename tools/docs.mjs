// node tools/docs.mjs: README.md, the other pages at the top and docs/ say what is true: examples are
// the files that the tests run, sessions print what is shown, links lead somewhere, sizes are the
// measured ones, tables are complete.
//   node tools/docs.mjs --write    writes the examples into the pages first

import {existsSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {posix} from 'node:path';
import {fileURLToPath} from 'node:url';
import {codeOf} from './layers.mjs';
import {ROWS} from '../test/runtimes/behaviour.mjs';
import {readPages, slugOf} from './pages.mjs';
import {problemsOf as sessionProblemsOf, run, sessionsOf} from './sessions.mjs';

const ROOT = new URL('../', import.meta.url);

// What the checks must find: with less, a page is lost, or a marker that a check goes by.
const LEAST = {pages: 28, examples: 17, sessions: 3};
// So that it stays a front door: two screens, and links.
const MOST_WORDS = 1200;

/**
 * @param pages text by name, from the root
 * @param facts `read(name)`: the text of a file of the project, or undefined; `sizes`: bytes of
 *   each bundle by name; `declarations`: the text of sse.d.ts; `source`: the text of sse.ts;
 *   `differences`: names of what the tests know to differ between runtimes; `script`: the text of
 *   .ci/run; `least`: how many pages, examples and sessions there are at least; `mostWords`: of
 *   README.md
 */
export function problemsOf(
  pages,
  {read, sizes, declarations, source, differences, script, least, mostWords},
) {
  const inEach = (check, ...facts) =>
    Object.entries(pages).flatMap(([name, page]) =>
      check(page, ...facts).map((problem) => `${name}: ${problem}`),
    );
  // What is named in CHANGELOG.md or CONTRIBUTING.md alone, users are not told.
  const forUsers = Object.keys(pages)
    .filter((name) => name === 'README.md' || name.startsWith('docs/'))
    .map((name) => pages[name])
    .join('\n');
  return [
    ...inEach(examples, read),
    ...links(pages, read),
    ...inEach(claims, sizes),
    ...inEach(counterparts, declarations),
    ...index(pages),
    ...Object.keys(sizes)
      .filter((name) => !forUsers.includes(`<!-- size:${name} -->`))
      .map((name) => `the size '${name}' is not given`),
    ...exportsOf(declarations)
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(forUsers))
      .map((name) => `the export '${name}' is not mentioned`),
    ...options(forUsers, source),
    ...runtimes(pages, differences),
    ...suites(pages, script),
    ...counts(pages, least),
    ...length(pages['README.md'] ?? '', mostWords),
  ];
}

/** The tables of what others call things, by the package in their head: [{from, rows}]. */
export function migrations(page) {
  const tables = page.matchAll(/^\| (.+) \| ssekit \|\n\|---\|---\|\n((?:\|.*\n)+)/gm);
  return [...tables].map(([, from, text]) => ({
    from,
    rows: text
      .split('\n')
      .slice(0, -1)
      .map((row) => row.slice(2, -2).split(' | ')),
  }));
}

/** The names in a cell's code; of a text in quotes, its words. */
export function namesIn(cell) {
  const code = [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text).join(' ');
  return [...new Set(code.match(/(?<![\w$\\])[A-Za-z_$][\w$]*(?:-[a-z]+)*/g) ?? [])];
}

/** The words of JavaScript and the platform, and the variables of short pieces of code. */
const KNOWN = new Set(
  `async await break const false for new null of true undefined using
  Infinity ReadableStream TypeError cause credentials fetch include message
  body chunk client event events lines stream url`.split(/\s+/),
);

/** Names of ssekit that those tables mention, and that it does not have. */
function counterparts(page, declarations) {
  const code = declarations.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*/g, '');
  const members = [...code.matchAll(/^\s+(?:(?:readonly|static|get) )*([\w$]+)\??[(<:]/gm)];
  const texts = [...code.matchAll(/'([^']*)'/g)];
  const known = new Set([
    ...KNOWN,
    ...exportsOf(declarations),
    ...[...members, ...texts].map(([, name]) => name),
  ]);
  return migrations(page).flatMap(({from, rows}) =>
    rows.flatMap(([left, right]) => {
      const same = new Set(namesIn(left)); // handed on as it is, or taken apart
      return namesIn(right)
        .filter((name) => !known.has(name) && !same.has(name))
        .map((name) => `coming from ${from}: ssekit has no '${name}'`);
    }),
  );
}

const EXAMPLE = /<!-- (examples\/\S+) -->\n+(?:```\w*\n([\s\S]*?)\n?```$)?/gm;

/** The page with the examples as their files are. */
export function withExamples(page, read) {
  return page.replace(EXAMPLE, (block, name, shown) => {
    const file = shown === undefined ? undefined : read(name)?.trimEnd();
    if (file === undefined) return block;
    return block.replace(/(```\w*\n)[\s\S]*```$/, (_, head) => `${head}${file}\n\`\`\``);
  });
}

function examples(page, read) {
  const problems = [];
  for (const [, name, shown] of page.matchAll(EXAMPLE)) {
    const file = read(name);
    if (file === undefined) problems.push(`there is no ${name}`);
    else if (shown === undefined) problems.push(`no code block follows the marker of ${name}`);
    else if (shown.trimEnd() !== file.trimEnd()) problems.push(`${name} is not shown as it is`);
  }
  return problems;
}

const withoutBlocks = (page) => page.replace(/^ *(```+)[\s\S]*?^ *\1$/gm, '');

/** The links of a page that stay in the project: {text, file, anchor}. */
function linksOf(name, page) {
  const prose = withoutBlocks(page).replace(/`[^`\n]+`/g, '');
  const found = prose.matchAll(
    /(?:\]\(|^\[[^\]]+\]: +|\b(?:href|src)=")(?![a-z]+:)([^)#\s"]*)(?:#([^)\s"]*))?/gm,
  );
  return [...found].map(([, path, anchor]) => ({
    text: anchor === undefined ? path : `${path}#${anchor}`,
    file: path || anchor === undefined ? posix.join(posix.dirname(name), path) : name,
    anchor,
  }));
}

/** What GitHub calls the headings of a page. */
function anchorsOf(page) {
  const anchors = new Set();
  for (const [, title] of withoutBlocks(page).matchAll(/^#{1,6} +(.+)$/gm)) {
    const anchor = slugOf(title);
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n++) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}

function links(pages, read) {
  const problems = [];
  for (const [name, page] of Object.entries(pages)) {
    for (const {text, file, anchor} of linksOf(name, page)) {
      const target = file.startsWith('../') ? undefined : (pages[file] ?? read(file));
      if (target === undefined) problems.push(`${name}: the link to ${text} leads nowhere`);
      else if (anchor !== undefined && !(file.endsWith('.md') && anchorsOf(target).has(anchor))) {
        problems.push(`${name}: the link to ${text} leads to no heading`);
      }
    }
  }
  return problems;
}

/** Every page of docs/ is found from the list of them, and that from README.md. */
function index(pages) {
  const list = 'docs/README.md';
  const linked = (from) => new Set(linksOf(from, pages[from] ?? '').map(({file}) => file));
  const inList = linked(list);
  return [
    ...Object.keys(pages)
      .filter((name) => name.startsWith('docs/') && name !== list && !inList.has(name))
      .map((name) => `${list}: no link leads to ${name}`),
    ...(list in pages && !linked('README.md').has(list)
      ? [`README.md: no link leads to ${list}`]
      : []),
  ];
}

function claims(page, sizes) {
  const problems = [];
  for (const [, figure, name] of page.matchAll(/(\S+ \S+)?<!-- size:(\w+) -->/g)) {
    const real = name in sizes ? `${(sizes[name] / 1000).toFixed(1)} kB` : 'unknown';
    // Two words before the marker, less what Markdown may put around them.
    if (figure?.replace(/^[^\d]+/, '') !== real) {
      problems.push(`the size '${name}' is ${real}, not ${figure}`);
    }
  }
  return problems;
}

/** The names of the values that those declarations export. */
export function exportsOf(declarations) {
  const names = [
    ...declarations.matchAll(
      /^export (?:declare )?(?:abstract )?(?:class|function|const|let) ([\w$]+)/gm,
    ),
  ];
  return [...new Set(names.map(([, name]) => name))];
}

/** Each option begins a row, or is named at its beginning, in a table of options. */
function options(text, source) {
  const tables = text.matchAll(/^\| option \|.*\n((?:\|.*\n)+)/gm);
  const rows = [...tables].flatMap(([, table]) => table.match(/^\| [^|]*/gm)).join('\n');
  const keys = keysOf('SSEClientOptions', codeOf(source));
  if (keys.length === 0) return ['sse.ts has no interface SSEClientOptions'];
  return keys
    .filter((key) => !rows.includes(`\`${key}\``))
    .map((key) => `the option '${key}' is in no table`);
}

/** The table of that page and the rows of the tests tell of the same differences. */
function runtimes(pages, differences) {
  const page = 'docs/runtimes.md';
  const told = [...(pages[page] ?? '').matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, name]) => name);
  return [
    ...differences
      .filter((name) => !told.includes(name))
      .map((name) => `${page}: it does not tell of '${name}'`),
    ...told
      .filter((name) => !differences.includes(name))
      .map((name) => `${page}: no row of test/runtimes/behaviour.mjs differs by '${name}'`),
  ];
}

/** The table of suites in CONTRIBUTING.md and the script that runs them name the same ones. */
function suites(pages, script) {
  const page = 'CONTRIBUTING.md';
  const [, rows = ''] =
    /^\| command \|.*\n\|[-:|]+\|\n((?:\|.*\n)+)/m.exec(pages[page] ?? '') ?? [];
  const told = [...rows.matchAll(/^\| `(.+?)` \|/gm)].map(([, command]) => command);
  const ran = script
    .split('\n')
    .map((line) => line.replace(/ &(?: #.*)?$/, '')) // one that runs beside the others
    .filter((line) => /^(?:node |npm (?:test|start|run )|\(cd .* node --test\)$)/.test(line));
  return [
    ...ran
      .filter((command) => !told.includes(command))
      .map((command) => `${page}: no row for '${command}' of .ci/run`),
    ...told
      .filter((command) => !ran.includes(command))
      .map((command) => `${page}: .ci/run does not run '${command}'`),
  ];
}

function counts(pages, least) {
  const texts = Object.values(pages);
  const found = {
    pages: texts.length,
    examples: texts.flatMap((page) => [...page.matchAll(EXAMPLE)]).length,
    sessions: texts.flatMap(sessionsOf).length,
  };
  return Object.keys(least)
    .filter((kind) => !(found[kind] >= least[kind]))
    .map((kind) => `${found[kind]} ${kind} are found, not ${least[kind]} or more`);
}

/** As `wc -w` counts. */
function length(page, most) {
  const words = page.split(/\s+/).filter(Boolean).length;
  return words > most ? [`README.md: ${words} words, not ${most} at most`] : [];
}

/** The members of an interface and of those that it extends. */
function keysOf(name, code) {
  const head = new RegExp(`\\binterface ${name}(?:<[^{]*>)?(?:\\s+extends ([^{]+?))?\\s*\\{`).exec(
    code,
  );
  if (!head) return [];
  const keys = [];
  let depth = 1;
  for (const line of code.slice(head.index + head[0].length).split('\n')) {
    const key = depth === 1 && /^\s*(?:readonly )?([\w$]+)\??\s*[:(<]/.exec(line);
    if (key) keys.push(key[1]);
    for (const brace of line.match(/[{}]/g) ?? []) depth += brace === '{' ? 1 : -1;
    if (depth <= 0) break;
  }
  for (const parent of head[1]?.match(/[\w$]+/g) ?? []) keys.push(...keysOf(parent, code));
  return [...new Set(keys)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (name) => {
    const file = new URL(name, ROOT);
    if (!existsSync(file)) return undefined;
    return statSync(file).isDirectory() ? '' : readFileSync(file, 'utf8');
  };
  const need = (name) => {
    const text = read(name);
    if (text !== undefined) return text;
    const made = /^(?:\.build|dist)\//.test(name);
    console.error(`docs: ${name} is missing${made ? ': node build.mjs makes it' : ''}`);
    process.exit(1);
  };
  const pages = readPages();
  if (process.argv.includes('--write')) {
    for (const [name, page] of Object.entries(pages)) {
      pages[name] = withExamples(page, read);
      if (pages[name] !== page) writeFileSync(new URL(name, ROOT), pages[name]);
    }
  }
  const problems = problemsOf(pages, {
    read,
    sizes: JSON.parse(need('.build/sizes.json')),
    declarations: need('dist/sse.d.ts'),
    source: need('sse.ts'),
    differences: [...new Set(ROWS.flatMap(({differs = []}) => differs.map(({see}) => see)))],
    script: need('.ci/run'),
    least: LEAST,
    mostWords: MOST_WORDS,
  });
  need('dist/cli.js');
  problems.push(...(await sessionProblemsOf(pages, run)));
  for (const problem of problems) console.error(problem);
  console.log(`docs: ${Object.keys(pages).length} pages, ${problems.length} problems`);
  process.exitCode = problems.length ? 1 : 0;
}
