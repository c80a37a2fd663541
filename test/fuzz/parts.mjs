// node test/fuzz/parts.mjs [--seed N] [--files N] [--only FILE] [--self-check]
//
// `ssekit parse --part I/N` without processes: random files, each cut into 1 to more parts than it
// has bytes. What the parts print is, put together, what the whole file prints: byte for byte, in
// every format, and so is the first error of --strict. Files are read through windows of a few
// bytes, so that every rule meets every edge of one.
//
// --self-check proves that it can fail: each of MUTANTS must be found. Exit 1 for a difference, or a
// mutant not found.

import {closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {build} from 'esbuild';
import {randomOf, randomStream} from './streams.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILES = 10_000;
const FILES_OF_A_MUTANT = 1000; // the last one found takes a quarter of that
const REPORT_EVERY = 1000;

const ENTRY = `
export {Output} from './cli/output.ts';
export {foundIn, rangeOfPart} from './cli/part.ts';
export {heldAt, namesFor, parseRange} from './cli/parsing.ts';
export {isRecording} from './cli/recording.ts';
export {Impression} from './cli/silence.ts';
`;

/** A rule that is broken: in a module of cli/, what it says, and what it says then. */
const MUTANTS = [
  ['a CR before a LF ends no line', 'part', 'bytes[at] === CR && bytes[at + 1] === LF', 'false'],
  ['CRLF is one line end', 'part', 'bytes[at] === LF && bytes[at - 1] === CR', 'false'],
  ['only a blank line ends a block', 'part', 'if (isLineStart(bytes, start, base))', 'if (start)'],
  ['CR ends a line', 'part', 'next(CR, from)]', 'Infinity]'],
  ['the file begins a line', 'part', 'if (base + at === 0) return true;', ''],
  [
    'so does what follows its byte order mark',
    'part',
    'bytes.subarray(0, at).equals(BOM)',
    'false',
  ],
  [
    'the edge of a window may be within CRLF',
    'part',
    'bytes.length - 1; // the',
    'bytes.length; // the',
  ],
  ['and no line may be ended there', 'part', 'most = bytes.length - 1', 'most = bytes.length'],
  ['three bytes before it are looked at', 'part', 'BEFORE = 3', 'BEFORE = 1'],
  ['the first end at or after the share', 'part', 'from = at - 1;', 'from = at;'],
  ['the last one holds', 'part', '(one, other) => other - one', '(one, other) => one - other'],
  ['lines after CR are looked at', 'part', 'of [LF, CR]', 'of [LF]'],
  ['lines after LF are looked at', 'part', 'of [LF, CR]', 'of [CR]'],
  ['the first line, too', 'part', 'base === 0 ? startsOfFile(bytes, prefix) : []', '[]'],
  ['an ID with NUL sets none', 'part', 'isIgnored ? undefined : parser', 'parser'],
  ['a prefix may be cut by a window', 'part', 'to - base + AROUND - BOM.length', 'to - base'],
  ['what is before a window is seen', 'part', '? 0 : from - 1;', '? 0 : from;'],
  ['a line is read to its end', 'part', 'length >= 0 || !bytes.length', 'true'],
  ['the ID holds', 'parsing', "'time'] : ['lastEventId', 'retry']", "'time'] : ['retry']"],
  [
    'the reconnection time holds',
    'parsing',
    "'time'] : ['lastEventId', 'retry']",
    "'time'] : ['lastEventId']",
  ],
  ['the time of a recording holds', 'parsing', "'retry', 'time']", "'retry']"],
  ['no byte order mark within', 'parsing', "if (offset) parser.feed('\\n');", ''],
  ['positions are those of the file', 'damage', 'this.#total = offset;', 'this.#total = 0;'],
  ['lines are counted from its beginning', 'parsing', 'linesBefore(source, range.start)', '0'],
  ['CRLF is counted once', 'part', 'byte === LF && last !== CR', 'byte === LF'],
];

/**
 * Bytes of a window, in which ends of blocks are looked for, and of one that is looked back
 * through; the first are those of the command.
 */
const WINDOWS = [
  [65_536, 262_144],
  [11, 5],
  [9, 1],
  [64, 23],
];

const folder = mkdtempSync(join(tmpdir(), 'ssekit-parts-'));
process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
let builds = 0;

/** The modules with that edit, once for each of WINDOWS. */
function load(...edits) {
  return Promise.all(
    WINDOWS.map(([window, back]) =>
      bundled([
        ['part', 'WINDOW = 65_536', `WINDOW = ${window}`],
        ['part', 'LOOK_BACK = 262_144', `LOOK_BACK = ${back}`],
        ...edits,
      ]),
    ),
  );
}

async function bundled(edits) {
  const waiting = new Set(edits);
  const edited = {
    name: 'edited',
    setup({onLoad}) {
      onLoad({filter: /[\\/]cli[\\/]\w+\.ts$/}, ({path}) => {
        let contents = readFileSync(path, 'utf8');
        for (const edit of edits) {
          const [name, from, to] = edit;
          if (basename(path) !== `${name}.ts` || contents.split(from).length !== 2) continue;
          contents = contents.replace(from, () => to);
          waiting.delete(edit);
        }
        return {contents, loader: 'ts'};
      });
    },
  };
  const file = join(folder, `${++builds}.mjs`);
  await build({
    stdin: {contents: ENTRY, resolveDir: ROOT, loader: 'ts'},
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    plugins: [edited],
  });
  const [lost] = waiting;
  if (lost) throw new Error(`cli/${lost[0]}.ts does not say '${lost[1]}' once`);
  return import(pathToFileURL(file).href);
}

/** Bytes of a file that is cut between each two of them, too. */
const MOST_IN_BYTES = 400;

// ── One file ────────────────────────────────────────────────────────────────────────────────────

const VALUES = [{}, {}, {data: true}, {pretty: true}, {event: ['message', 'b']}, {strict: true}];

const BOM = Buffer.from('\ufeff').toString('latin1');
const LONG = 700;
const TIME = (random) => new Date(1.7e12 + random(1e9)).toISOString();

/** The bytes of a file: a stream, in a third of them with the times of a recording. */
function randomFile(random) {
  const pieces = Array.from({length: 1 + random(4)}, () => {
    const {text, bytes} = randomStream(random);
    return Buffer.from(bytes ?? text);
  });
  const isRecording = random.once(3);
  const end = random.of(['\n', '\r\n', '\r']);
  const comment = () => `: ssekit ${random.once(3) ? 'connection ' : ''}${TIME(random)}${end}`;
  const long = `id: ${'i'.repeat(random(LONG))}${end}`;
  const between = () =>
    isRecording ? comment() : random.of(['', '', end, `:${end}`, `id: ${random(9)}${end}`, long]);
  const start = Buffer.from(random.once(6) ? '\ufeff' : '');
  return Buffer.concat([start, ...pieces.flatMap((piece) => [Buffer.from(between()), piece])]);
}

/** What a range prints: {text, error}. */
async function printedBy(modules, source, range, values) {
  const {Output, heldAt, namesFor, parseRange, isRecording, Impression} = modules;
  const pieces = [];
  const output = new Output((text) => pieces.push(Buffer.from(text)));
  const impression = new Impression();
  const isOurs = isRecording(source.bytes.subarray(0, 1024));
  const parts = {source, values, isOurs, impression};
  let error;
  try {
    const held = heldAt(source, range.start, namesFor(values, isOurs));
    await parseRange(range, held, parts, output);
  } catch (reason) {
    error = reason.message;
  }
  output.flush();
  return {text: Buffer.concat(pieces).toString('latin1'), error};
}

/** What is wrong with the parts of that file; undefined: nothing. */
async function wrongWith(builds, seed, number) {
  const random = randomOf(seed, number);
  const bytes = randomFile(random);
  const values = random.of(VALUES);
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  const source = {fd: openSync(path, 'r'), name: 'file', size: bytes.length, bytes};
  try {
    const whole = await printedBy(builds[0], source, {start: 0, end: bytes.length}, values);
    const counts = [1, 2, 3, 1 + random(20)];
    if (bytes.length < MOST_IN_BYTES && random.once(4)) counts.push(bytes.length + 2);
    // of a file that was cut off meanwhile: the search ends
    const size = 2 * source.size - 2;
    const {end} = random.of(builds).rangeOfPart({...source, size}, 1, 2);
    if (end < source.size - 1) return {file: number, bytes: bytes.toString('latin1'), size, end};
    for (const count of counts) {
      const modules = random.of(builds);
      const parts = await partsOf(modules, source, count, values);
      if (parts.text === whole.text && parts.error === whole.error) continue;
      return {file: number, values, count, bytes: bytes.toString('latin1'), whole, parts};
    }
  } finally {
    closeSync(source.fd);
  }
  return undefined;
}

/** Where blocks end, by the words of the specification: behind each blank line; and the start. */
function blockEndsOf(bytes) {
  const ends = [0];
  let at = 0;
  for (const [line, text] of bytes.toString('latin1').matchAll(/([^\r\n]*)(?:\r\n|\r|\n)/g)) {
    const isBlank = !text || (at === 0 && text === BOM);
    at += line.length;
    if (isBlank) ends.push(at);
  }
  return ends;
}

/** What all parts print, up to the first error. */
async function partsOf(modules, source, count, values) {
  let text = '';
  let last = 0;
  const {size, bytes} = source;
  const ends = blockEndsOf(bytes);
  for (let index = 1; index <= count; index++) {
    const range = modules.rangeOfPart(source, index, count);
    const share = Math.floor((size * index) / count);
    const due = ends.find((end) => end >= share) ?? size;
    if (range.end !== due) return {text, error: `part ${index} ends at ${range.end}, not ${due}`};
    if (range.start !== last)
      return {text, error: `part ${index} begins at ${range.start}, not ${last}`};
    last = range.end;
    const part = await printedBy(modules, source, range, values);
    text += part.text;
    if (part.error !== undefined) return {text, error: part.error};
  }
  return {text, error: last === source.size ? undefined : `the last part ends at ${last}`};
}

// ── Runs ────────────────────────────────────────────────────────────────────────────────────────

const {values: given} = parseArgs({
  options: {
    seed: {type: 'string', default: `${Date.now() % 1e6}`},
    files: {type: 'string', default: `${FILES}`},
    only: {type: 'string'},
    'self-check': {type: 'boolean'},
  },
});
process.exitCode = (given['self-check'] ? await selfCheck() : await fuzz(+given.seed)) ? 0 : 1;

async function fuzz(seed) {
  const builds = await load();
  const numbers = given.only === undefined ? [...Array(+given.files).keys()] : [+given.only];
  for (const number of numbers) {
    const wrong = await wrongWith(builds, seed, number);
    if (wrong) {
      console.log(`seed ${seed}:`, wrong);
      return false;
    }
    if ((number + 1) % REPORT_EVERY === 0) console.log(`${number + 1} files`);
  }
  console.log(`parts: ${numbers.length} files of seed ${seed}: the parts are the whole`);
  return true;
}

async function selfCheck() {
  const survivors = [];
  let most = 0;
  for (const [rule, ...edit] of MUTANTS) {
    const builds = await load(edit);
    let number = 0;
    while (number < FILES_OF_A_MUTANT && !(await wrongWith(builds, 1, number))) number++;
    if (number === FILES_OF_A_MUTANT) survivors.push(rule);
    if (process.env.FUZZ_VERBOSE) console.log(`${number}: ${rule}`);
    most = Math.max(most, number + 1);
  }
  for (const rule of survivors) console.log(`self-check: NOT FOUND: ${rule}`);
  const found = MUTANTS.length - survivors.length;
  console.log(`self-check: ${found} of ${MUTANTS.length} mutants found within ${most} files`);
  return !survivors.length;
}
