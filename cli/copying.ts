// Copying the package's files into a project: under which names, with which import, over what.

import {mkdirSync, statSync} from 'node:fs';
import {basename, join} from 'node:path';
import {VERSION} from '../sse.ts';
import {asPattern, copiesBeside, statusOf, textFor, verdictOn} from './copies.ts';
import type {Copy} from './copies.ts';
import {fileFailure, writeFile} from './files.ts';
import {importIn, inLF, isSecond} from './mark.ts';
import type {CopiedFile} from './mark.ts';
import {say} from './output.ts';
import {hasTypeScript, importEndingIn, isCommonJS, usesPrettier} from './project.ts';
import type {ImportEnding} from './project.ts';
import {FAILED, Failure, wrongUsage} from './text.ts';

/** The second file, without its ending. */
export const SECOND = 'web-event-source';

interface Copying {
  /** JavaScript and types instead of TypeScript. */
  readonly isCode: boolean;
  readonly withSecond: boolean;
  /** Undefined: as the project has it. */
  readonly ending: ImportEnding | undefined;
  readonly isForced: boolean;
}

/** A file to be made. */
interface Target {
  readonly path: string;
  readonly file: CopiedFile;
  /** Target of its import, if it has one. */
  readonly specifier: string;
  readonly before: Copy | undefined;
}

/** Returns the lines to import the copies with. Throws Failure before it writes anything. */
export function copyInto(folder: string, copying: Copying): string[] {
  makeFolder(folder);
  const {targets, lines} = copying.isCode ? codeFor(folder, copying) : sourceFor(folder, copying);
  if (!copying.isForced) for (const target of targets) mustBeOurs(target);
  for (const {path, file, specifier, before} of targets) {
    const text = textFor(file, specifier, before);
    if (before?.text === text) {
      say(`${path}: is there already, ssekit ${VERSION}`);
    } else {
      writeFile(path, text);
      say(`${path}: ${before ? 'replaced' : 'written'}, ssekit ${VERSION}`);
    }
  }
  advise(folder, targets, copying);
  const where = folder === '.' ? 'beside it' : `in ${folder}`;
  return lines.map((line) => `${line} // for a file ${where}`);
}

function makeFolder(folder: string): void {
  if (/\.[cm]?[jt]sx?$/.test(folder) && !statSync(folder, {throwIfNoEntry: false})) {
    throw wrongUsage(`${folder} looks like a file; give the folder to copy into`);
  }
  try {
    mkdirSync(folder, {recursive: true});
  } catch (error) {
    throw fileFailure(folder, error);
  }
}

function sourceFor(folder: string, {withSecond, ending}: Copying) {
  const there = copiesBeside(folder);
  const target = targetIn(folder, there);
  const [first, second] = [target('sse.ts', 'sse.ts'), target(`${SECOND}.ts`, `${SECOND}.ts`)];
  const like = ending ?? endingIn(second.before) ?? importEndingIn(folder);
  const specifier = specifierOf(first.path, like);
  const targets = withSecond ? [first, {...second, specifier}] : [first];
  return {targets, lines: targets.map((each) => importLine(each, specifierOf(each.path, like)))};
}

function codeFor(folder: string, {withSecond}: Copying) {
  const target = targetIn(folder, copiesBeside(folder));
  const letter = isCommonJS(folder) ? 'm' : '';
  const pair = (name: 'sse' | typeof SECOND): [Target, Target] => {
    const code = target(`dist/${name}.js`, `${name}.${letter}js`);
    const types = code.path.replace(/\.([cm]?)js$/, '.d.$1ts'); // where TypeScript looks for them
    return [code, target(`dist/${name}.d.ts`, basename(types))];
  };
  const [first, second] = [pair('sse'), pair(SECOND)];
  const specifier = `./${basename(first[0].path)}`;
  const pairs = withSecond ? [first, second] : [first];
  return {
    targets: pairs.flat().map((each) => ({...each, specifier})),
    lines: pairs.map(([code]) => importLine(code, `./${basename(code.path)}`, letter === 'm')),
  };
}

/** Makes targets in a folder: over the copy that is there, under whatever name. */
function targetIn(folder: string, there: readonly Copy[]) {
  return (file: CopiedFile, name: string): Target => {
    const before = there.find((each) => each.file === file);
    return {path: before?.path ?? join(folder, name), file, specifier: '', before};
  };
}

function endingIn(copy: Copy | undefined): ImportEnding | undefined {
  const specifier = copy && importIn(inLF(copy.text));
  if (specifier === undefined) return undefined;
  const [ending = ''] = /\.[jt]s$/.exec(specifier) ?? [];
  return ending === '.ts' || ending === '.js' ? ending : '';
}

/** Specifier by which a TypeScript file is imported from one beside it. */
function specifierOf(path: string, ending: ImportEnding): string {
  const name = basename(path);
  if (ending === '.ts') return `./${name}`;
  const [, stem = name, letter = ''] = /^(.*)\.([cm]?)tsx?$/.exec(name) ?? [];
  return `./${stem}${ending && `.${letter}js`}`;
}

function importLine({file}: Target, specifier: string, isRequired = false): string {
  const name = isSecond(file) ? 'EventSource' : 'asyncConnect';
  return isRequired
    ? `const {${name}} = require('${specifier}');`
    : `import {${name}} from '${specifier}';`;
}

function mustBeOurs({path, before}: Target): void {
  if (before?.isEdited || (before && before.age > 0)) {
    throw new Failure(
      `${path}: ${verdictOn(before)}; nothing was written: --force replaces it`,
      statusOf([before]) || FAILED,
    );
  }
  if (!before && statSync(path, {throwIfNoEntry: false})) {
    throw new Failure(`${path}: exists and is not from ssekit; --force replaces it`);
  }
}

function advise(folder: string, targets: readonly Target[], {isCode}: Copying): void {
  if (!isCode && !hasTypeScript(folder)) {
    say('this project has no TypeScript; --js copies JavaScript and its types');
  }
  if (!usesPrettier(folder)) return;
  for (const {path} of targets)
    say(`for Prettier, add the line ${asPattern(path)} to .prettierignore`);
}
