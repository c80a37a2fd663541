// node tools/layers.mjs: the house rules of sse.ts, web-event-source.ts and cli/ that no compiler
// checks.
//
// A file consists of numbered sections, and each uses only the sections above it; a folder of
// modules, each of which imports only those that stand before it in a list. "Declared" means
// at column 0, "used" means named anywhere outside comments and strings, by whatever it is that has
// that name; that is all this file knows of TypeScript.

import {readdirSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/**
 * Each file with its number of sections; `casts` is the one section that may cast, since what the
 * platform hands it has no type of its own; `imports` tells whether imports may stand above the
 * first section. A file without sections has no cast, and `over` is all that it imports, in one
 * statement: whoever copies it may have to write that anew.
 */
const FILES = {
  'sse.ts': {sections: 10, casts: 8, imports: false},
  'web-event-source.ts': {sections: 0, over: './sse.ts'},
};

/** The modules of cli/, each above those that may import it; `casts`: the one that may cast. */
const COMMAND = {
  folder: 'cli/',
  modules: [
    ...['text', 'output', 'formats', 'lines', 'files', 'claim', 'zstd', 'json', 'har', 'input'],
    ...['damage', 'silence', 'recording', 'resume-point', 'blocks', 'server', 'arguments'],
    ...['mark', 'releases', 'difference', 'project', 'copies', 'copying'],
    ...[
      'stats',
      'follow',
      'record',
      'part',
      'parsing',
      'jobs',
      'parse',
      'replay',
      'demo',
      'vendor',
      'main',
    ],
  ],
  casts: 'server',
};

const BANNER = /^\/\/ ── (\d+)\. (\w+)/;
const DECLARATION = new RegExp(
  '^(?:export )?(?:declare )?(?:abstract )?(?:async )?'
    + '(?:class|function\\*?|const|let|var|type|interface) ([\\w$]+)',
);

// No match may depend on what stands on another line: the file is searched line by line.
const BANNED = [
  [/(?<![.\w$#])any\b(?!\??\s*[:(])/, `the type 'any'`],
  [
    /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace|module)\s+[\w$]/,
    `'enum' or 'namespace': not erasable`,
  ],
  [/\bexport\s+default\b/, 'a default export'],
  [/[\w$)\]]!(?!=)/, `a non-null '!'`],
];
const REGEXP = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/;
const STRING = /^(['"])(?:\\[\s\S]|(?!\1)[^\\\n])*\1?/;
const CAST = /(?<![.\w$#])as\b(?!\s+const\b|\??\s*:|\??\()/;

/** First words of a question, which leave it to the reader to find the sentence's verb. */
const QUESTION = /^(?:What|Whether|Where|When|Which|Who|How|That|The next)\b/;

/** The text of the doc comment that begins in that line; none: it is empty. */
function docAt(lines, index) {
  const [, text] = /^\s*\/\*\*\s*(.*)/.exec(lines[index]) ?? [];
  return text === '' ? (lines[index + 1] ?? '').replace(/^\s*\* ?/, '') : (text ?? '');
}

/** The problems of the source text, as `line: what`; none means that it keeps the file's rules. */
export function problemsOf(source, rules) {
  const lines = source.split('\n');
  const code = codeOf(source).split('\n');
  const {sectionOf, declared, problems} = sectionsOf(lines, code, rules);
  let isOver = false; // the file that it is over has been imported
  code.forEach((line, index) => {
    const here = sectionOf[index];
    const columns = [...lines[index]].length;
    const imports = rules.over ? isImport(line, here, NONE) : isImport(line, here, rules);
    const isDue = imports && !isOver && lines[index].endsWith(` from '${rules.over}';`);
    if (isDue) isOver = true;
    for (const problem of [
      ...usesFromBelow(line, here, declared),
      ...BANNED.filter(([pattern]) => pattern.test(line)).map(([, what]) => what),
      imports && !isDue && forbiddenImport(rules),
      isCast(line) && !mayCast(here, rules) && forbiddenCast(rules),
      columns > 100 && `${columns} columns`,
      QUESTION.test(docAt(lines, index)) && 'a doc comment begins with a verb or a noun',
    ]) {
      if (problem) problems.push(`${index + 1}: ${problem}`);
    }
  });
  if (rules.over && !isOver)
    problems.push(`${lines.length}: there is no import of '${rules.over}'`);
  return problems;
}

/**
 * The problems of a folder of modules, as `name.ts:line: what`. `sources`: name to source text, of
 * all that is there.
 */
export function problemsOfModules(sources, {modules, casts}) {
  const missing = modules.filter((name) => !(name in sources));
  const unknown = Object.keys(sources).filter((name) => !modules.includes(name));
  return [
    ...missing.map((name) => `${name}.ts: is in the list of modules, and not in the folder`),
    ...unknown.map((name) => `${name}.ts: is not in the list of modules`),
    ...modules.flatMap((name, at) => {
      const source = sources[name] ?? '';
      const rules = {sections: 0, imports: true, mayCast: name === casts};
      return [...problemsOf(source, rules), ...importsFromBelow(source, modules.slice(0, at))].map(
        (problem) => `${name}.ts:${problem}`,
      );
    }),
  ];
}

const IMPORTED = /(?:\bfrom|\bimport\(?)\s*'(\.[^']*)'/g;

/** Imports of a module that is not one of those above; the library is above them all. */
function importsFromBelow(source, above) {
  const allowed = ['../sse.ts', ...above.map((name) => `./${name}.ts`)];
  return source
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(IMPORTED)]
        .filter(([, from]) => !allowed.includes(from))
        .map(([, from]) => `${index + 1}: imports '${from}', which is not above it`),
    );
}

/** The section of each line (0: above the first banner), and of each name that is declared. */
function sectionsOf(lines, code, {sections}) {
  const problems = [];
  const sectionOf = [];
  const declared = new Map();
  let section = 0;
  lines.forEach((line, index) => {
    const banner = BANNER.exec(line);
    if (banner) {
      section++;
      if (Number(banner[1]) !== section) {
        problems.push(`${index + 1}: banner ${banner[1]} where ${section} is due`);
      }
    }
    sectionOf.push(section);
    const name = DECLARATION.exec(code[index])?.[1];
    if (name === undefined) return;
    if (section === 0 && sections > 0) {
      problems.push(`${index + 1}: '${name}' is declared above the first section`);
    }
    if (!declared.has(name)) declared.set(name, section);
  });
  if (section !== sections) {
    problems.push(`${lines.length}: ${section} sections instead of ${sections}`);
  }
  return {sectionOf, declared, problems};
}

function usesFromBelow(line, here, declared) {
  return [...line.matchAll(/[A-Za-z_$][\w$]*/g)]
    .filter(({0: name, index}) => declared.get(name) > here && !isMember(line, index, name))
    .map(([name]) => `section ${here} uses '${name}' of section ${declared.get(name)}`);
}

const DEPENDENCY = `'import': the file has no dependencies`;
const MISPLACED = `'import' below the first banner`;

function isImport(line, here, {imports, sections}) {
  if (imports && !sections) return false; // a module's are looked at by themselves
  if (!imports) return /\bimport\b/.test(line);
  return here > 0 && /\bimport\b(?!\.meta\b)/.test(line);
}

const NONE = {imports: false};

function forbiddenImport({over, imports}) {
  if (over) return `the one import is that of '${over}'`;
  return imports ? MISPLACED : DEPENDENCY;
}

/** Above the first section are imports, and no code. */
function mayCast(here, {sections, casts, mayCast: isAllowed = false}) {
  return isAllowed || (sections > 0 && (here === 0 || here === casts));
}

function forbiddenCast({sections, casts}) {
  return sections > 0 ? `a cast outside section ${casts}` : 'a cast';
}

function isCast(line) {
  return CAST.test(line) && !/^(?:export )?\{|^\s*export \{|^import \*/.test(line);
}

/** `.name`, `#name`, and `name:` or `name(…): …` where a member or a parameter is declared. */
function isMember(line, at, name) {
  const before = line.slice(0, at).trimEnd();
  const after = line.slice(at + name.length);
  if (/(?<!\.\.)\.$|#$/.test(before)) return true;
  if (/^\??:/.test(after)) return /(?:^|[{,;(]|\breadonly)$/.test(before);
  return /^\??(?:<[^>]*>)?\(.*\): /.test(after) && /^\s*(?:static|async|readonly)?$/.test(before);
}

/** The source with comments and the contents of strings blanked; lines and columns stay. */
export function codeOf(source) {
  let code = '';
  const braces = []; // of each open `{`: is it the `${` of a template?
  for (let at = 0; at < source.length; at = code.length) {
    const end = endOfText(source, at, code, braces);
    code += end > at ? source.slice(at, end).replace(/[^\n]/g, ' ') : source[at];
  }
  return code;
}

/** Where the comment, string or regular expression ends that begins here; `at` if none does. */
function endOfText(source, at, before, braces) {
  const char = source[at];
  if (source.startsWith('//', at)) return endOfSearch(source, '\n', at);
  if (source.startsWith('/*', at)) return endOfSearch(source, '*/', at + 2, 2);
  if (char === '/' && startsRegExp(before)) {
    return at + (REGEXP.exec(source.slice(at))?.[0].length ?? 1);
  }
  if (char === `'` || char === '"') return at + STRING.exec(source.slice(at))[0].length;
  if (char === '`') return endOfTemplate(source, at + 1, braces);
  if (char === '}' && braces.pop()) return endOfTemplate(source, at + 1, braces);
  if (char === '{') braces.push(false);
  return at;
}

function endOfSearch(source, text, from, past = 0) {
  const found = source.indexOf(text, from);
  return found < 0 ? source.length : found + past;
}

/** Where a template's text ends, past the closing ` or the next ${. */
function endOfTemplate(source, start, braces) {
  let end = start;
  while (end < source.length && source[end] !== '`' && !source.startsWith('${', end)) {
    end += source[end] === '\\' ? 2 : 1;
  }
  if (!source.startsWith('${', end)) return Math.min(end + 1, source.length);
  braces.push(true);
  return end + 2;
}

/** A `/` divides after a value and opens a regular expression elsewhere. */
function startsRegExp(before) {
  const text = before.slice(-200).trimEnd(); // the end is enough, and all of it would be slow
  return (
    !/[\w$)\]}]$/.test(text) || /\b(?:return|typeof|case|of|in|void|yield|await|throw)$/.test(text)
  );
}

/** Prints them, and how much of the source is comments. */
function report(name, source, problems, place) {
  for (const problem of problems) console.error(`${place}${problem}`);
  const filled = (text) => text.split('\n').filter((line) => line.trim()).length;
  const comments = Math.round(100 * (1 - filled(codeOf(source)) / filled(source)));
  console.log(
    `layers of ${name}: ${problems.length} problems;`
      + ` ${filled(source)} lines, ${comments} % of them comments`,
  );
  if (problems.length) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL('../', import.meta.url);
  for (const [file, rules] of Object.entries(FILES)) {
    const source = readFileSync(new URL(file, root), 'utf8');
    report(file, source, problemsOf(source, rules), `${file}:`);
  }
  const {folder} = COMMAND;
  const sources = Object.fromEntries(
    readdirSync(new URL(folder, root)).map((name) => [
      name.replace(/\.ts$/, ''),
      readFileSync(new URL(folder + name, root), 'utf8'),
    ]),
  );
  const all = Object.values(sources).join('');
  report(folder, all, problemsOfModules(sources, COMMAND), folder);
}
