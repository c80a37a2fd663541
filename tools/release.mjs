// What a release writes, and what must still be true where it is packed. For build.mjs.
//
// `npm version` has it stamp: the version of package.json goes into sse.ts, web-event-source.ts,
// jsr.json and the commands that pages show, the hash of each file that people copy into its
// first line, and all hashes into CHANGELOG.md, whose section "Unreleased" gets the version and date.
// `npm pack` fails unless all is as it was stamped. Between two releases the sources keep the
// hashes of the last one, so that a copy of a file at work is told to be an edited one.

import {readFileSync, writeFileSync} from 'node:fs';
import {transform} from 'esbuild';

const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const write = (file, text) => writeFileSync(new URL(`../${file}`, import.meta.url), text);

const {name, version, license} = JSON.parse(read('package.json'));

// The command goes by the same rules: which files have a mark in line 1, and what it is.
const {code} = await transform(read('cli/mark.ts'), {loader: 'ts', format: 'esm'});
const {COPIED, hashOf, markIn, markLine} = await import(
  `data:text/javascript,${encodeURIComponent(code)}`
);

const SOURCES = COPIED.filter((file) => !file.startsWith('dist/'));
const CONSTANT = /(?<=^export const VERSION = ').*(?=';$)/m;
/** Pages with commands that name this version. */
const PAGES = ['docs/vendoring.md', 'docs/large-logs.md'];
const NEW = '## [Unreleased]\n';

/** What follows the heading of this version in CHANGELOG.md; undefined: there is none. */
function ownEntries() {
  return read('CHANGELOG.md').split(`\n## [${version}] - `)[1]?.split('\n## ', 1)[0];
}

/** Writes what repeats package.json, and the hashes of the sources. */
export function stamp() {
  if (ownEntries() !== undefined)
    throw new Error(`CHANGELOG.md has a section of ${version} already`);
  if (!read('CHANGELOG.md').includes(`\n${NEW}`))
    throw new Error(`CHANGELOG.md has no '${NEW.trim()}'`);
  for (const file of SOURCES) {
    const text = read(file).replace(CONSTANT, version);
    const line = markLine(version, license, file, hashOf(text, file));
    write(file, text.replace(/^.*/, line));
  }
  write('jsr.json', jsrText());
  for (const page of PAGES) write(page, pageText(page));
}

/** A page with this version in what its readers copy. */
function pageText(page) {
  return read(page).replace(new RegExp(`\\b${name}@\\d[\\w.+-]*`, 'g'), `${name}@${version}`);
}

function jsrText() {
  const jsr = {
    name: `@${name}/sse`,
    version,
    license,
    exports: {'.': './sse.ts', './web-event-source': './web-event-source.ts'},
    publish: {include: [...SOURCES, 'README.md', 'docs/*.md', 'LICENSE', 'CHANGELOG.md']},
  };
  return `${JSON.stringify(jsr, null, 2)}\n`;
}

/** Throws for what repeats package.json and does not say the same. */
export function mustBeStamped() {
  for (const file of SOURCES) {
    const text = read(file);
    const mark = markIn(text);
    const constants = [mark?.version, CONSTANT.exec(text)?.[0] ?? version];
    if (mark?.file === file && constants.every((each) => each === version)) continue;
    throw new Error(`${file} is not as package.json has it: only \`npm version\` changes both`);
  }
  if (read('jsr.json') === jsrText()) return;
  throw new Error('jsr.json is not as package.json has it: only `npm version` changes both');
}

/** The list of hashes in CHANGELOG.md, of the files as they are. */
function hashList() {
  const lines = COPIED.map((file) => `sha256:${hashOf(read(file), file)} ${file}\n`);
  return `\`\`\`text\n${lines.join('')}\`\`\`\n`;
}

/** Names the section of what is new in CHANGELOG.md, and lists the hashes at its end. */
export function listHashes() {
  const [before, ...after] = read('CHANGELOG.md').split(/^(?=## )/m);
  const at = after.findIndex((section) => section.startsWith(NEW));
  const entries = after[at].slice(NEW.length).trim();
  const today = new Date().toISOString().slice(0, 10);
  after[at] = `${NEW}\n## [${version}] - ${today}\n\n${entries}\n\n${hashList()}\n`;
  write('CHANGELOG.md', `${[before, ...after].join('').trimEnd()}\n`);
}

/** Throws unless the files that people copy are those that were stamped. */
export function mustBeReleased() {
  const advice = '`npm version` makes a release';
  for (const file of COPIED) {
    const text = read(file);
    if (markIn(text)?.hash === hashOf(text, file)) continue;
    throw new Error(`${file} has changed since ${version} was stamped: ${advice}`);
  }
  if (!ownEntries()?.includes(hashList())) {
    throw new Error(`CHANGELOG.md does not list the hashes of ${version}: ${advice}`);
  }
  const stale = PAGES.find((page) => read(page) !== pageText(page));
  if (stale) throw new Error(`${stale} names another version: ${advice}`);
}

/** Gives each compiled file that people copy a first line of its own. */
export function markBuilt() {
  for (const file of COPIED.filter((name) => name.startsWith('dist/'))) {
    const text = read(file);
    const line = markLine(version, license, file, hashOf(text, file));
    write(file, text.replace(/^.*/, line));
  }
}
