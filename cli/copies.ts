// Copies of the package's files: where they are, which version each is, whether it was edited.

import {spawnSync} from 'node:child_process';
import {closeSync, readdirSync, readFileSync, readSync, statSync} from 'node:fs';
import type {Dirent} from 'node:fs';
import {join, relative} from 'node:path';
import {VERSION} from '../sse.ts';
import {differencesOf, placesOf} from './difference.ts';
import {fileFailure, openFile} from './files.ts';
import {endOf, hashOf, importIn, inLF, markIn, withImport, withOneEnd} from './mark.ts';
import type {CopiedFile} from './mark.ts';
import {compareVersions, releasedHash, releasedText} from './releases.ts';

export interface Copy {
  /** As it was given, or found from what was given. */
  readonly path: string;
  readonly text: string;
  readonly file: CopiedFile;
  readonly version: string;
  readonly isEdited: boolean;
  /** Below 0: older than this package; above: newer. */
  readonly age: number;
}

// ── One file ────────────────────────────────────────────────────────────────────────────────────

type Kind = 'source' | 'code' | 'types';

/** Reads the file of that name; undefined: nothing of ours is in it. */
function kindOf(name: string): Kind | undefined {
  const [ending, types, letter] = /(\.d)?\.[cm]?([jt])sx?$/.exec(name) ?? [];
  if (ending === undefined) return undefined;
  if (letter === 'j') return 'code';
  return types ? 'types' : 'source';
}

/** Version 0.1.0 did not say which of its files a copy is of; it had one of each kind. */
const FIRST_FILES = {source: 'sse.ts', code: 'dist/sse.js', types: 'dist/sse.d.ts'} as const;

/** Bytes at the beginning of a file in which its mark is looked for. */
const HEAD = 2048;

/** The copy that a file is; undefined: it is none. Throws Failure if it cannot be read. */
function copyAt(path: string): Copy | undefined {
  const kind = kindOf(path);
  if (!kind) return undefined;
  const mark = markIn(headOf(path));
  const file = mark && (mark.file ?? FIRST_FILES[kind]);
  // What a compiler makes of a copy has the copy's mark, and a bundle has it somewhere.
  if (!file || kindOf(file) !== kind || (kind === 'code' && mark.at > 0)) return undefined;
  const text = readFileSync(path, 'utf8');
  return {
    path,
    text,
    file,
    version: mark.version,
    isEdited: hashOf(text, file) !== (releasedHash(mark.version, file) ?? mark.hash),
    age: compareVersions(mark.version, VERSION),
  };
}

function headOf(path: string): string {
  const fd = openFile(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, HEAD, 0));
  } catch (error) {
    throw fileFailure(path, error);
  } finally {
    closeSync(fd);
  }
}

/** Lines of the copy, and those of this version with the copy's own import. */
export function linesOf({text, file}: Copy): {lines: string[]; released: string[]} {
  const own = withOneEnd(inLF(text));
  const released = withImport(releasedText(file), importIn(own));
  const toLines = (whole: string) => whole.split('\n').slice(0, -1);
  return {lines: toLines(own), released: toLines(released)};
}

/** This version of a file, with the import, and the line ends and byte order mark of that copy. */
export function textFor(file: CopiedFile, specifier: string | undefined, like?: Copy): string {
  const text = withImport(releasedText(file), specifier);
  if (!like) return text;
  return (like.text.startsWith('\ufeff') ? '\ufeff' : '') + text.replaceAll('\n', endOf(like.text));
}

/** Matches what formatters change: white space, quotes, commas, brackets, a leading `|`. */
const FORMAT = /[\s'"`;,()\\]+/g;
const FIRST_OF_UNION = /(?<=[:=<])\|/g;

/** Says in words where a copy of this version was edited. */
function editsOf(copy: Copy): string {
  const {lines, released} = linesOf(copy);
  const edits = `edited: ${placesOf(differencesOf(lines, released))}`;
  const bare = (text: readonly string[]) =>
    text.join('').replace(FORMAT, '').replace(FIRST_OF_UNION, '');
  if (bare(lines) !== bare(released)) return edits;
  return `${edits}; a formatter did it: ${waysToLeaveAlone(copy.path)}`;
}

/** A path as files of patterns have it. */
export function asPattern(path: string): string {
  return path.replaceAll('\\', '/').replace(/^\.\//, '');
}

function waysToLeaveAlone(path: string): string {
  const file = asPattern(path);
  const ways = `add ${file} to .prettierignore, or "!${file}" to Biome's files.includes`;
  return `to keep one away, ${ways}`;
}

// ── Many files ──────────────────────────────────────────────────────────────────────────────────

export interface Found {
  readonly copies: readonly Copy[];
  /** Files that were named and are no copies. */
  readonly others: readonly string[];
  /** Copies that were left out, as Git ignores them: a build has made them. */
  readonly ignored: number;
}

/** All copies below those paths, in their order. Throws Failure for what cannot be read. */
export function copiesIn(paths: readonly string[]): Found {
  const copies: Copy[] = [];
  const others: string[] = [];
  let ignored = 0;
  for (const path of paths) {
    if (isFolder(path)) {
      const found = [...copiesBelow(path)];
      const left = ignoredByGit(path, found);
      copies.push(...found.filter((copy) => !left.has(copy)));
      ignored += left.size;
    } else {
      const copy = copyAt(path);
      if (copy) copies.push(copy);
      else others.push(path);
    }
  }
  return {copies, others, ignored};
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** Folders of other people's code, and of old states of this one. */
const PASSED_OVER = new Set(['node_modules', '.git', '.hg', '.svn', '.jj']);

/** Links are not followed: they may lead round in a circle, or out of the project. */
function* copiesBelow(folder: string): Generator<Copy> {
  for (const entry of entriesOf(folder)) {
    const path = folder === '.' ? entry.name : join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!PASSED_OVER.has(entry.name)) yield* copiesBelow(path);
    } else if (entry.isFile()) {
      const copy = copyAt(path);
      if (copy) yield copy;
    }
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    const entries = readdirSync(folder, {withFileTypes: true});
    return entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    throw fileFailure(folder, error);
  }
}

/** The copies in that folder itself. */
export function copiesBeside(folder: string): Copy[] {
  return entriesOf(folder)
    .map(({name}) => join(folder, name))
    .filter((path) => statSync(path, {throwIfNoEntry: false})?.isFile())
    .flatMap((path) => copyAt(path) ?? []);
}

/** Those that Git ignores, unless it ignores the whole folder; without Git, none. */
function ignoredByGit(folder: string, copies: readonly Copy[]): Set<Copy> {
  if (!copies.length) return new Set();
  const names = copies.map(({path}) => relative(folder, path));
  // A hook's environment is about one repository and its top; this folder's is the one that counts.
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const {stdout} = spawnSync(
    'git',
    ['-c', 'core.fsmonitor=false', 'check-ignore', '-z', '--stdin'],
    {cwd: folder, env: Object.fromEntries(env), input: ['.', ...names].join('\0')},
  );
  const ignored = new Set(stdout?.toString().split('\0'));
  if (ignored.has('.')) return new Set();
  return new Set(copies.filter((_, at) => ignored.has(names[at] ?? '')));
}

// ── What to say ─────────────────────────────────────────────────────────────────────────────────

/** Exit codes of `ssekit vendor --check`, as docs/vendoring.md has them. */
const EDITED = 10;
const OLDER = 11;
const EDITED_AND_OLDER = 12;

/** The exit code that says the most of all of them together. */
export function statusOf(copies: readonly Copy[]): number {
  const isEdited = copies.some((copy) => copy.isEdited);
  const isOlder = copies.some(({age}) => age < 0);
  if (isEdited && isOlder) return EDITED_AND_OLDER;
  if (isEdited) return EDITED;
  return isOlder ? OLDER : 0;
}

/** The first version with this command. */
const FIRST_TO_CHECK = '0.2.0';

/** One line, without the path. */
export function verdictOn(copy: Copy): string {
  const {version, age, isEdited} = copy;
  const start = `ssekit ${version}`;
  if (age === 0) return `${start}, ${isEdited ? editsOf(copy) : 'as released'}`;
  if (age > 0) {
    return `${start}, ${isEdited ? 'edited' : 'as its first line says'}; newer than ${VERSION}`;
  }
  if (!isEdited) return `${start}, as released; older than ${VERSION}`;
  const canTell = compareVersions(version, FIRST_TO_CHECK) >= 0;
  const way = canTell ? ` (npx ssekit@${version} vendor --check says where)` : '';
  return `${start}, edited${way}; older than ${VERSION}`;
}
