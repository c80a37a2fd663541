// ssekit vendor [DIR]: copies the file into a project, and says later which version a copy is,
// whether it was edited, and what is new.

import {isatty} from 'node:tty';
import {VERSION} from '../sse.ts';
import type {Command, Values} from './arguments.ts';
import {copiesIn, linesOf, statusOf, textFor, verdictOn} from './copies.ts';
import type {Copy} from './copies.ts';
import {copyInto, SECOND} from './copying.ts';
import {unifiedLines} from './difference.ts';
import {writeFile} from './files.ts';
import {endOf, importIn} from './mark.ts';
import {Output, say, STDOUT} from './output.ts';
import type {ImportEnding} from './project.ts';
import {compareVersions, entriesSince} from './releases.ts';
import {Ended, Failure, inOneLine, withoutControls, WRONG_USAGE, wrongUsage} from './text.ts';

const MODES = [
  {name: 'check', act: check},
  {name: 'diff', act: diff},
  {name: 'update', act: update},
] as const;

/** Options of copying, which mean nothing to the modes. */
const OF_COPYING = ['js', 'with', 'import-ext'] as const;

async function run(values: Values, operands: readonly string[]): Promise<void> {
  const [mode, another] = MODES.filter(({name}) => values[name]);
  if (!mode) return copy(values, operands);
  if (another) throw wrongUsage(`give --${mode.name} or --${another.name}, not both`);
  const strange = OF_COPYING.find((name) => values[name] !== undefined);
  if (strange !== undefined)
    throw wrongUsage(`--${strange} is for copying, not for --${mode.name}`);
  if (values.force && mode.name !== 'update') {
    throw wrongUsage(`--force is not for --${mode.name}`);
  }
  const status = mode.act(copiesFor(operands), values.force === true);
  if (status) throw new Ended(status);
}

/** Of this folder if none is named. Throws Failure where there are none. */
function copiesFor(paths: readonly string[]): Copy[] {
  const places = paths.length ? paths : ['.'];
  const {copies, others, ignored} = copiesIn(places);
  for (const path of others) say(`${path}: is not a copy of a file of ssekit`);
  if (copies.length && !others.length) return [...copies];
  if (others.length) throw new Failure('name copies, or folders with copies', WRONG_USAGE);
  const left = ignored ? `; left out: ${ignored} that Git ignores` : '';
  const where = places.map((place) => (place === '.' ? 'this folder' : place)).join(', ');
  throw new Failure(`no copy of a file of ssekit in ${where}${left}`, WRONG_USAGE);
}

function check(copies: readonly Copy[]): number {
  const output = new Output();
  for (const each of copies) output.addLine(inOneLine(`${each.path}: ${verdictOn(each)}`));
  output.flush();
  if (copies.some(({age}) => age < 0)) say('--diff shows what is new, --update takes it');
  return statusOf(copies);
}

// ── Difference ──────────────────────────────────────────────────────────────────────────────────

/** Shows what an update would change, as `patch -p0` and `git apply -p0` take it. */
function diff(copies: readonly Copy[]): number {
  const output = new Output();
  const shown = isatty(STDOUT) ? withoutControls : (text: string) => text;
  for (const each of copies) {
    const {lines, released} = linesOf(each);
    const [...changed] = unifiedLines(lines, released);
    if (!changed.length) continue;
    const path = inOneLine(each.path);
    output.addLine(`--- ${path}\tssekit ${each.version}${each.isEdited ? ', edited' : ''}`);
    output.addLine(`+++ ${path}\tssekit ${VERSION}`);
    const end = endOf(each.text) === '\r\n' ? '\r' : '';
    for (const line of changed) output.addLine(shown(line) + (line.startsWith('@@') ? '' : end));
  }
  output.flush();
  return statusOf(copies);
}

// ── Update ──────────────────────────────────────────────────────────────────────────────────────

function update(copies: readonly Copy[], isForced: boolean): number {
  const edited = copies.filter(({isEdited, age}) => isEdited && age <= 0);
  if (edited.length && !isForced) {
    for (const each of edited) say(`${each.path}: ${verdictOn(each)}`);
    const way = 'nothing was updated: --force discards the edits, or name the files to update';
    throw new Failure(way, statusOf(edited));
  }
  const output = new Output();
  for (const each of copies) {
    const {path, version, age} = each;
    if (age > 0) say(`${path}: ${verdictOn(each)}; it was left as it is`);
    if (age > 0 || (age === 0 && !each.isEdited)) continue;
    writeFile(path, textFor(each.file, importIn(each.text), each));
    output.addLine(inOneLine(`${path}: ${age < 0 ? `${version} → ` : 'restored, '}${VERSION}`));
  }
  const [oldest] = copies
    .filter(({age}) => age < 0)
    .map(({version}) => version)
    .sort(compareVersions);
  if (oldest !== undefined) output.addLine(`\n${withoutControls(entriesSince(oldest))}`);
  output.flush();
  return 0;
}

// ── Copying ─────────────────────────────────────────────────────────────────────────────────────

function copy(values: Values, [folder = '.', ...more]: readonly string[]): void {
  if (more.length) throw wrongUsage('give one folder to copy into');
  if (values.with !== undefined && values.with !== SECOND) {
    throw wrongUsage(`--with can be ${SECOND} only, not '${values.with}'`);
  }
  const ending = endingFrom(values['import-ext']);
  if (values.js && ending !== undefined) throw wrongUsage('--import-ext is not for --js');
  const output = new Output();
  const lines = copyInto(folder, {
    isCode: values.js === true,
    withSecond: values.with !== undefined,
    ending,
    isForced: values.force === true,
  });
  for (const line of lines) output.addLine(inOneLine(line));
  output.flush();
}

function endingFrom(text: string | undefined): ImportEnding | undefined {
  if (text === undefined) return undefined;
  if (text === 'none') return '';
  if (text === '.ts' || text === '.js') return text;
  throw wrongUsage(`--import-ext must be .ts, .js or none, not '${text}'`);
}

const HELP = `Usage: ssekit vendor [DIR] [options]      copy sse.ts into a folder
       ssekit vendor --check [PATH…]      is each copy as it was released?
       ssekit vendor --diff [PATH…]       what an update would change
       ssekit vendor --update [PATH…]     bring all copies to this version
Copying:
  --js                       JavaScript and its types instead of TypeScript
  --with web-event-source    the second file as well
  --import-ext .ts|.js|none  in its import of the first, if not as the project
  --force                    over edited copies, which --update takes too, and
                             over other files
Exit codes of --check and --diff: 0 as released, 10 edited, 11 older than this
version, 12 edited and older, 2 no copy found
`;

export const vendor: Command = {
  usage: 'ssekit vendor [DIR]',
  help: HELP,
  options: ['js', 'with', 'import-ext', 'check', 'diff', 'update', 'force'],
  takes: [0, Infinity],
  run,
};
