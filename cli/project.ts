// The project that a file is copied into: how its modules are named in imports, whether JavaScript
// is in ES modules there, what formats it. Nothing of it is run.

import {existsSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, isAbsolute, join, resolve} from 'node:path';
import {namesIn} from './files.ts';

/** Ending of the name of a TypeScript file where it is imported. */
export type ImportEnding = '.ts' | '.js' | '';

/** The folder and those above it, from the inside out. */
function* foldersFrom(folder: string): Generator<string> {
  for (let here = resolve(folder), last = ''; here !== last; here = dirname(here)) {
    yield here;
    last = here;
  }
}

/** The value in a file of JSON, with comments and trailing commas; undefined: there is none. */
function jsonIn(path: string): unknown {
  try {
    const text = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
    const bare = text.replace(/"(?:\\.|[^"\\])*"|\/\/.*|\/\*[\s\S]*?\*\//g, ownString);
    return JSON.parse(bare.replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, ownString));
  } catch {
    return undefined; // whose business it is will say so
  }
}

function ownString(found: string): string {
  return found.startsWith('"') ? found : '';
}

function memberOf(value: unknown, name: string): unknown {
  return Object(value)[name];
}

// ── TypeScript ──────────────────────────────────────────────────────────────────────────────────

/** Finds how the folder imports TypeScript files: as most do, else as its compiler wants. */
export function importEndingIn(folder: string): ImportEnding {
  for (const here of foldersFrom(folder)) {
    const habit = habitIn(here);
    if (habit !== undefined) return habit;
    if (existsSync(join(here, 'deno.json')) || existsSync(join(here, 'deno.jsonc'))) return '.ts';
    const config = join(here, 'tsconfig.json');
    if (existsSync(config)) return endingFor(settingsOf(config));
    if (existsSync(join(here, '.git'))) break;
  }
  return '.ts'; // Node, Bun and Deno run it as it is
}

const RUNS_TYPESCRIPT = /^(?:(?:tsconfig.*|deno)\.jsonc?|bunfig\.toml|bun\.lockb?)$/;

/** Tells whether something there compiles or runs TypeScript. */
export function hasTypeScript(folder: string): boolean {
  for (const here of foldersFrom(folder)) {
    const names = namesIn(here);
    if (names.some((name) => RUNS_TYPESCRIPT.test(name))) return true;
    if (names.includes('package.json')) return names.some((name) => /\.[cm]?tsx?$/.test(name));
  }
  return true; // nothing tells
}

/** The compiler's options that decide how a file is named in an import. */
interface Settings {
  readonly module?: unknown;
  readonly moduleResolution?: unknown;
  readonly allowImportingTsExtensions?: unknown;
  readonly rewriteRelativeImportExtensions?: unknown;
}

function endingFor({module, moduleResolution, ...settings}: Settings): ImportEnding {
  if (settings.allowImportingTsExtensions || settings.rewriteRelativeImportExtensions) return '.ts';
  const kind = String(moduleResolution ?? module ?? '').toLowerCase();
  return /^node(?:next|\d\d)$/.test(kind) && kind !== 'node10' ? '.js' : '';
}

/** The compiler's options of a tsconfig.json, with what it extends. */
function settingsOf(path: string, seen = new Set<string>()): Settings {
  if (seen.has(path)) return {};
  seen.add(path);
  const config = jsonIn(path);
  const bases = [memberOf(config, 'extends') ?? []].flat();
  const inherited = bases.map((base) => settingsOf(pathOfBase(String(base), path), new Set(seen)));
  const own = memberOf(config, 'compilerOptions');
  const settings: Settings = Object.assign({}, ...inherited, own);
  if (own || bases.length) return settings;
  // one that only names the configurations of its parts, as Vite makes it
  const parts = [memberOf(config, 'references') ?? []].flat();
  const [part] = parts.map((each) => memberOf(each, 'path')).filter((each) => each !== undefined);
  return part === undefined ? settings : settingsOf(pathOfPart(String(part), path), seen);
}

function pathOfBase(base: string, from: string): string {
  if (isAbsolute(base) || /^\.\.?(?:\/|$)/.test(base)) {
    const path = resolve(dirname(from), base);
    return path.endsWith('.json') ? path : `${path}.json`;
  }
  const {resolve: find} = createRequire(from);
  for (const name of [base, `${base}.json`, `${base}/tsconfig.json`]) {
    try {
      const path = find(name);
      if (path.endsWith('.json')) return path;
    } catch {
      // the next one
    }
  }
  return ''; // not installed
}

function pathOfPart(part: string, from: string): string {
  const path = resolve(dirname(from), part);
  return path.endsWith('.json') ? path : join(path, 'tsconfig.json');
}

/** Files of a folder that are looked at for a habit, and how much of each. */
const MOST_FILES = 50;
const MOST_CHARACTERS = 20_000;

/** Finds how the TypeScript files there import each other: as most of the imports do. */
function habitIn(folder: string): ImportEnding | undefined {
  const counts = new Map<ImportEnding, number>();
  const names = namesIn(folder).filter((name) => /(?<!\.d)\.[cm]?tsx?$/.test(name));
  for (const name of names.slice(0, MOST_FILES)) {
    const text = textOf(join(folder, name)).slice(0, MOST_CHARACTERS);
    if (text.startsWith('/*! ')) continue; // somebody else's, such as ours
    for (const [, path = ''] of text.matchAll(/\bfrom\s*['"](\.\.?\/[^'"\n]+)['"]/g)) {
      const ending = endingOf(join(folder, path));
      if (ending !== undefined) counts.set(ending, (counts.get(ending) ?? 0) + 1);
    }
  }
  const [most] = [...counts].sort(([, one], [, other]) => other - one);
  return most?.[0];
}

/** Of an import that leads to a TypeScript file; undefined: to something else. */
function endingOf(path: string): ImportEnding | undefined {
  if (/\.[cm]?tsx?$/.test(path)) return existsSync(path) ? '.ts' : undefined;
  const [, stem = path, kind] = /^(.*)\.([cm]?)jsx?$/.exec(path) ?? [];
  const isThere = [`${stem}.${kind ?? ''}ts`, `${stem}.tsx`].some((each) => existsSync(each));
  if (kind !== undefined) return isThere && !existsSync(path) ? '.js' : undefined;
  return isThere || existsSync(join(path, 'index.ts')) ? '' : undefined;
}

// ── Packages ────────────────────────────────────────────────────────────────────────────────────

/** The package.json that holds for a folder. */
function packageOf(folder: string): unknown {
  for (const here of foldersFrom(folder)) {
    const path = join(here, 'package.json');
    if (existsSync(path)) return jsonIn(path) ?? {};
  }
  return undefined;
}

/** Tells whether a file `*.js` of that folder is CommonJS to Node. */
export function isCommonJS(folder: string): boolean {
  const manifest = packageOf(folder);
  return manifest !== undefined && memberOf(manifest, 'type') !== 'module';
}

/** Tells whether Prettier formats what is in that folder. */
export function usesPrettier(folder: string): boolean {
  const manifest = packageOf(folder);
  const {dependencies, devDependencies, prettier} = Object(manifest);
  return prettier !== undefined || 'prettier' in {...dependencies, ...devDependencies};
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
