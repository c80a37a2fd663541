// node tools/layers.mjs [FILE]: the house rules of sse.ts that no compiler checks.
//
// Each of its nine sections uses only the sections above it. "Declared" means at column 0, "used"
// means named anywhere outside comments and strings; that is all this file knows of TypeScript.

import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const BANNER = /^\/\/ ── (\d+)\. (\w+)/;
const DECLARATION = new RegExp(
  '^(?:export )?(?:declare )?(?:abstract )?(?:async )?'
    + '(?:class|function\\*?|const|let|var|type|interface) ([\\w$]+)',
);
const SECTIONS = 10;
const PLATFORM = 8; // the one section that may cast: what the platform hands it has no type

// No match may depend on what stands on another line: the file is searched line by line.
const BANNED = [
  [/(?<![.\w$#])any\b(?!\??\s*[:(])/, `the type 'any'`],
  [/\bimport\b/, `'import': the file has no dependencies`],
  [
    /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?(?:enum|namespace|module)\s+[\w$]/,
    `'enum' or 'namespace': not erasable`,
  ],
  [/\bexport\s+default\b/, 'a default export'],
  [/[\w$)\]]!(?!=)/, `a non-null '!'`],
];
const REGEXP = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/;
const STRING = /^(['"])(?:\\[^]|(?!\1)[^\\\n])*\1?/;
const CAST = /(?<![.\w$#])as\b(?!\s+const\b|\??\s*[:(])/;

/** The problems of the source text, as `line: what`; none means that it keeps the rules. */
export function problemsOf(source) {
  const problems = [];
  const lines = source.split('\n');
  const code = codeOf(source).split('\n');
  const report = (index, text) => problems.push(`${index + 1}: ${text}`);

  const sectionOf = []; // by line; 0 = above the first banner
  const declared = new Map(); // name → section
  let section = 0;
  lines.forEach((line, index) => {
    const banner = BANNER.exec(line);
    if (banner) {
      section++;
      if (Number(banner[1]) !== section) {
        report(index, `banner ${banner[1]} where ${section} is due`);
      }
    }
    sectionOf.push(section);
    const name = DECLARATION.exec(code[index])?.[1];
    if (name === undefined) return;
    if (section === 0) report(index, `'${name}' is declared above the first section`);
    if (!declared.has(name)) declared.set(name, section);
  });
  if (section !== SECTIONS) report(lines.length - 1, `${section} sections instead of ${SECTIONS}`);

  code.forEach((line, index) => {
    const here = sectionOf[index];
    for (const {0: name, index: at} of line.matchAll(/[A-Za-z_$][\w$]*/g)) {
      const home = declared.get(name);
      if (home > here && !isMember(line, at, name)) {
        report(index, `section ${here} uses '${name}' of section ${home}`);
      }
    }
    for (const [pattern, what] of BANNED) if (pattern.test(line)) report(index, what);
    if (here !== PLATFORM && CAST.test(line) && !/^(?:export )?\{|^\s*export \{/.test(line)) {
      report(index, `a cast outside section ${PLATFORM}`);
    }
    if ([...lines[index]].length > 100) report(index, `${[...lines[index]].length} columns`);
  });
  return problems;
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
  let out = '';
  const braces = []; // of each open `{`: is it the `${` of a template?
  let at = 0;
  const blankTo = (end) => {
    out += source.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  const textOfTemplate = () => {
    // up to and with the closing ` or the next ${
    let end = at;
    while (end < source.length && source[end] !== '`' && !source.startsWith('${', end)) {
      end += source[end] === '\\' ? 2 : 1;
    }
    if (source.startsWith('${', end)) {
      braces.push(true);
      blankTo(end + 2);
    } else {
      blankTo(end + 1);
    }
  };
  while (at < source.length) {
    const char = source[at];
    if (source.startsWith('//', at)) {
      const end = source.indexOf('\n', at);
      blankTo(end < 0 ? source.length : end);
    } else if (source.startsWith('/*', at)) {
      const end = source.indexOf('*/', at + 2);
      blankTo(end < 0 ? source.length : end + 2);
    } else if (char === '/' && startsRegExp(out)) {
      blankTo(at + (REGEXP.exec(source.slice(at))?.[0].length ?? 1));
    } else if (char === `'` || char === '"') {
      blankTo(at + STRING.exec(source.slice(at))[0].length);
    } else if (char === '`') {
      blankTo(at + 1);
      textOfTemplate();
    } else if (char === '}' && braces.pop()) {
      blankTo(at + 1);
      textOfTemplate();
    } else {
      if (char === '{') braces.push(false);
      out += char;
      at++;
    }
  }
  return out;
}

/** A `/` divides after a value and opens a regular expression elsewhere. */
function startsRegExp(before) {
  const text = before.slice(-200).trimEnd(); // the end is enough, and all of it would be slow
  return (
    !/[\w$)\]}]$/.test(text) || /\b(?:return|typeof|case|of|in|void|yield|await|throw)$/.test(text)
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2] ?? fileURLToPath(new URL('../sse.ts', import.meta.url));
  const source = readFileSync(file, 'utf8');
  const problems = problemsOf(source);
  for (const problem of problems) console.error(`${process.argv[2] ?? 'sse.ts'}:${problem}`);
  const lines = source.split('\n').filter((line) => line.trim());
  const code = codeOf(source)
    .split('\n')
    .filter((line) => line.trim());
  const comments = Math.round(100 * (1 - code.length / lines.length));
  console.log(
    `layers: ${problems.length} problems; ${lines.length} lines, ${comments} % of them comments`,
  );
  process.exitCode = problems.length ? 1 : 0;
}
