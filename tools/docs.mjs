// node tools/docs.mjs: README.md says what is true: its examples are the files that the tests
// run, its sessions print what it shows, its links lead somewhere, its sizes are the measured ones,
// its tables are complete.

import {existsSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {codeOf} from './layers.mjs';
import {ROWS} from '../test/runtimes/behaviour.mjs';
import {problemsOf as sessionProblemsOf, run} from './sessions.mjs';

const ROOT = new URL('../', import.meta.url);

/**
 * @param readme the text of README.md
 * @param facts `read(name)`: the text of a file of the project, or undefined; `sizes`: bytes of
 *   each bundle by name; `declarations`: the text of sse.d.ts; `source`: the text of sse.ts;
 *   `differences`: names of what the tests know to differ between runtimes
 */
export function problemsOf(readme, {read, sizes, declarations, source, differences}) {
  return [
    ...examples(readme, read),
    ...links(readme, read),
    ...claims(readme, sizes),
    ...exportsOf(declarations)
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(readme))
      .map((name) => `the export '${name}' is not mentioned`),
    ...options(readme, source),
    ...runtimes(readme, differences),
    ...counterparts(readme, declarations),
  ];
}

/** The tables of what others call things, by the package in their head: [{from, rows}]. */
export function migrations(readme) {
  const tables = readme.matchAll(/^\| (.+) \| ssekit \|\n\|---\|---\|\n((?:\|.*\n)+)/gm);
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
function counterparts(readme, declarations) {
  const code = declarations.replace(/\/\*[^]*?\*\//g, '').replace(/\/\/.*/g, '');
  const members = [...code.matchAll(/^\s+(?:(?:readonly|static|get) )*([\w$]+)\??[(<:]/gm)];
  const texts = [...code.matchAll(/'([^']*)'/g)];
  const known = new Set([
    ...KNOWN,
    ...exportsOf(declarations),
    ...[...members, ...texts].map(([, name]) => name),
  ]);
  return migrations(readme).flatMap(({from, rows}) =>
    rows.flatMap(([left, right]) => {
      const same = new Set(namesIn(left)); // handed on as it is, or taken apart
      return namesIn(right)
        .filter((name) => !known.has(name) && !same.has(name))
        .map((name) => `coming from ${from}: ssekit has no '${name}'`);
    }),
  );
}

function examples(readme, read) {
  const problems = [];
  const markers = [...readme.matchAll(/<!-- (examples\/\S+) -->\n+(?:```\w*\n([^]*?)\n```$)?/gm)];
  for (const [, name, shown] of markers) {
    const file = read(name);
    if (file === undefined) problems.push(`there is no ${name}`);
    else if (shown === undefined) problems.push(`no code block follows the marker of ${name}`);
    else if (shown.trimEnd() !== file.trimEnd()) problems.push(`${name} is not shown as it is`);
  }
  if (markers.length < 3) problems.push(`${markers.length} examples are shown, not 3 or more`);
  return problems;
}

function links(readme, read) {
  const prose = readme.replace(/^```[^]*?^```$/gm, '');
  return [...prose.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)]
    .filter(([, target]) => read(target) === undefined)
    .map(([, target]) => `the link to ${target} leads nowhere`);
}

function claims(readme, sizes) {
  const problems = [];
  const claimed = new Set();
  for (const [, figure, name] of readme.matchAll(/(\S+ \S+)?<!-- size:(\w+) -->/g)) {
    const real = name in sizes ? `${(sizes[name] / 1000).toFixed(1)} kB` : 'unknown';
    // Two words before the marker, less what Markdown may put around them.
    if (figure?.replace(/^[^\d]+/, '') !== real) {
      problems.push(`the size '${name}' is ${real}, not ${figure}`);
    }
    claimed.add(name);
  }
  for (const name of Object.keys(sizes)) {
    if (!claimed.has(name)) problems.push(`the size '${name}' is not given`);
  }
  return problems;
}

function exportsOf(declarations) {
  const names = [
    ...declarations.matchAll(
      /^export (?:declare )?(?:abstract )?(?:class|function|const|let) ([\w$]+)/gm,
    ),
  ];
  return [...new Set(names.map(([, name]) => name))];
}

function options(readme, source) {
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n');
  const keys = keysOf('SSEClientOptions', codeOf(source));
  if (keys.length === 0) return ['sse.ts has no interface SSEClientOptions'];
  return keys
    .filter((key) => !rows.includes(`\`${key}\``))
    .map((key) => `the option '${key}' is in no table`);
}

/** The table of section 'Runtimes' and the rows of the tests tell of the same differences. */
function runtimes(readme, differences) {
  const [, section = ''] = /^## Runtimes$([^]*?)(?=^## |$(?![^]))/m.exec(readme) ?? [];
  const told = [...section.matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, name]) => name);
  return [
    ...differences
      .filter((name) => !told.includes(name))
      .map((name) => `section 'Runtimes' does not tell of '${name}'`),
    ...told
      .filter((name) => !differences.includes(name))
      .map((name) => `no row of test/runtimes/behaviour.mjs differs by '${name}'`),
  ];
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
    return name.endsWith('/') ? '' : readFileSync(file, 'utf8');
  };
  const need = (name) => {
    const text = read(name);
    if (text !== undefined) return text;
    const made = /^(?:\.build|dist)\//.test(name);
    console.error(`docs: ${name} is missing${made ? ': node build.mjs makes it' : ''}`);
    process.exit(1);
  };
  const problems = problemsOf(need('README.md'), {
    read,
    sizes: JSON.parse(need('.build/sizes.json')),
    declarations: need('dist/sse.d.ts'),
    source: need('sse.ts'),
    differences: [...new Set(ROWS.flatMap(({differs = []}) => differs.map(({see}) => see)))],
  });
  need('dist/cli.js');
  problems.push(...(await sessionProblemsOf(need('README.md'), run)));
  for (const problem of problems) console.error(`README.md: ${problem}`);
  console.log(`docs: ${problems.length} problems`);
  process.exitCode = problems.length ? 1 : 0;
}
