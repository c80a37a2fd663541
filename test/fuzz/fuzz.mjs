// node test/fuzz/fuzz.mjs [--seed N] [--cases N] [--jobs N] [--only STREAM] [--self-check]
//
// The parser in dist/sse.js against the specification's own steps, ../support/specification.mjs:
// random streams, cut and fed in every way. A case is one stream, cut in one way and fed in one
// form; compared are its events, its comments, in which order they came, and where the source stands at
// each of them and at the end. For some, also that each event is out as soon as its last byte is
// in. And events written by formatEvent, which must read back.
//
// --only repeats one stream of a seed. --self-check proves that the fuzzer can fail: each mutant of
// the parser in ../../tools/mutants/list.mjs must be found (npm ci in that folder first). Exit 1
// for a difference, or a mutant not found.

import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {difference, expectedOf, formsByName, formsOf} from './forms.mjs';
import {report, shrink} from './shrink.mjs';
import {decodeText, interpret, linesOf, stringOf} from '../support/specification.mjs';
import {
  cutAt,
  everyCut,
  ones,
  randomCut,
  randomFields,
  randomOf,
  randomOptions,
  randomStream,
} from './streams.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(import.meta.url);

const CASES = 5_000_000; // 40 s on two idle cores
const REPORT_EVERY = 500; // streams
const SILENCE = 60_000; // ms: a parser that takes longer over 500 streams hangs
const TINY = 8; // units: up to here every way to cut it is tried
const SHORT = 24; // units: up to here every way to cut it in two
const MOST_WATCHED = 200; // units: the steps are taken anew for every prefix

// ── One stream in all its ways ────────────────────────────────────────────────────────────────

/** All the cases of one stream: calls run(testCase, expected) for each, which may be async. */
async function casesOf(seed, number, byKind, run) {
  const random = randomOf(seed, number);
  const {text, bytes} = randomStream(random);
  const options = randomOptions(random);
  const base = expectedOf({form: 'feed(chunk)', chunks: [bytes ?? text], options});
  const hasClients = options.retry === undefined; // it is no option of theirs
  const names = (kind) =>
    Object.keys(byKind[kind]).filter((name) => hasClients || !/connect/i.test(name));
  const go = (form, chunks, expected = base, more) =>
    run({form, chunks, options, ...more}, expected);
  const sync = names('sync');
  let turn = number;
  const next = () => sync[turn++ % sync.length];

  for (const whole of bytes ? [text, bytes] : [text]) {
    await casesOfWhole({whole, sync, names, go});
    await casesOfCuts({whole, random, next, go});
    if (hasClients) await go(random.of(names('client')), randomCut(random, whole));
    if (base.comments.length && !base.isTooLarge) {
      const chunks = randomCut(random, whole);
      for (const form of names('throwing')) await go(form, chunks);
    }
    await casesOfEnds({chunks: randomCut(random, whole), options, names, go});
    if (random.once(4)) {
      for (const form of names('async')) await go(form, randomCut(random, whole));
    }
    if (random.once(4) && whole.length < MOST_WATCHED && options.maxEventSize === undefined) {
      const cut = () => randomCut(random, whole);
      await casesWatched({whole, forms: [...sync, random.of(names('async'))], cut, go, base});
    }
  }
  for (const form of names('wholeText')) {
    if (!/^https?:/.test(text)) await go(form, [text]);
  }
  if (bytes && random.once(2)) {
    // text among bytes: it ends a sequence that was cut
    const chunks = randomCut(random, bytes).map((chunk) =>
      random.once(2) ? chunk : new TextDecoder('utf-8', {ignoreBOM: true}).decode(chunk),
    );
    const form = next();
    await go(form, chunks, expectedOf({form, chunks, options}));
  }
  await casesOfLines({random, text, options, names, go, number});
}

/** The text's lines, less the BOM that each form drops by itself: given back to it. */
async function casesOfLines({random, text, options, names, go, number}) {
  const {lines} = linesOf(decodeText(text));
  if (lines.length === 0 || lines.length > 200) return;
  const given = lines.map(stringOf);
  if (text.startsWith('\ufeff')) given[0] = `\ufeff${given[0]}`;
  const expected = expectedOf({form: 'lines', chunks: given, options});
  const ofLines = names('lines');
  const form = ofLines[number % ofLines.length];
  await go(form, given, expected);
  await go(form, given, expected, {isWatched: options.maxEventSize === undefined});
  if (random.once(8)) for (const each of names('asyncLines')) await go(each, given, expected);
}

/** At once, and unit by unit. */
async function casesOfWhole({whole, sync, names, go}) {
  for (const form of sync) {
    await go(form, [whole]);
    if (whole.length < 500) await go(form, ones(whole));
  }
  for (const form of names('whole')) {
    if (typeof whole !== 'string' || !/^https?:/.test(whole)) await go(form, [whole]);
  }
}

async function casesOfCuts({whole, random, next, go}) {
  const isShort = whole.length <= SHORT || (whole.length < 200 && random.once(16));
  for (let n = isShort ? whole.length : 4; n > 0; n--) {
    await go(next(), cutAt(whole, [isShort ? n : random(whole.length + 1)]));
  }
  if (whole.length <= TINY) for (const chunks of everyCut(whole)) await go(next(), chunks);
  for (let n = 0; n < 3; n++) await go(next(), randomCut(random, whole));
}

/** The stream ends cleanly where it does: what it has left unfinished is an event. */
async function casesOfEnds({chunks, options, names, go}) {
  const expected = expectedOf({form: 'dispatch', chunks, options});
  for (const form of names('ending')) await go(form, chunks, expected);
}

/** Each event is there as soon as it can be. */
async function casesWatched({whole, forms, cut, go, base}) {
  for (const form of forms) await go(form, cut(), base, {isWatched: true});
  await go(forms[0], ones(whole), base, {isWatched: true});
}

/** Fields written by formatEvent: refused just where a line cannot carry them, else read back. */
function writtenCase(seed, number, formatEvent) {
  const random = randomOf(~seed, number);
  let wire = '';
  let [id, retry] = ['', undefined];
  const events = [];
  const comments = [];
  for (let n = 1 + random(3); n--; ) {
    const fields = randomFields(random);
    const isWrong = /[\r\n]/.test(fields.event ?? '') || /[\r\n\0]/.test(fields.id ?? '');
    let text;
    try {
      text = formatEvent(fields);
    } catch (error) {
      if (isWrong && error instanceof TypeError) continue;
      return {wrong: `${error} for ${JSON.stringify(fields)}`};
    }
    if (isWrong) return {wrong: `written: ${JSON.stringify(fields)}`};
    wire += text;
    id = fields.id ?? id;
    retry = fields.retry ?? retry;
    if (fields.comment !== undefined) comments.push(...fields.comment.split(/\r\n|\r|\n/));
    if (fields.data === undefined) continue;
    const data = fields.data.replace(/\r\n|\r/g, '\n');
    events.push({event: fields.event || 'message', data, id, retry});
  }
  const was = JSON.stringify({events, comments, lastEventId: id, retry});
  const is = JSON.stringify(readBack(wire));
  if (was === is) return {wire};
  const wrote = JSON.stringify(wire);
  return {wire, wrong: `formatEvent wrote ${wrote}, which reads as ${is}, not as ${was}`};
}

function readBack(wire) {
  const {events, comments, lastEventId, retry} = interpret(decodeText(wire));
  return {events, comments: comments.map(({text}) => text), lastEventId, retry};
}

// ── A thread ──────────────────────────────────────────────────────────────────────────────────

async function work({build, seed, first, step, cases, only}) {
  const sse = await import(build);
  const byKind = formsOf(sse);
  const byName = formsByName(byKind);
  const counts = {};
  let done = 0;
  let events = 0;
  let streams = 0;
  const failed = (text) => parentPort.postMessage({kind: 'failed', text, done});
  const run = (testCase, expected) => {
    done++;
    counts[testCase.form] = (counts[testCase.form] ?? 0) + 1;
    events += expected.events.length;
    const found = (wrong) => {
      if (wrong) throw Object.assign(new Error(wrong), {testCase});
    };
    const wrong = difference(byName, testCase, expected);
    return wrong?.then ? wrong.then(found) : found(wrong);
  };
  for (let number = only ?? first; done < cases; number += step) {
    try {
      const {wire, wrong} = writtenCase(seed, number, sse.formatEvent);
      counts.formatEvent = (counts.formatEvent ?? 0) + 1;
      done++;
      if (wrong) return failed(`${wrong}\nstream ${number}`);
      const form = 'feed(chunk)';
      const testCase = {form, chunks: randomCut(randomOf(seed, number), wire), options: {}};
      await run(testCase, expectedOf(testCase));
      await casesOf(seed, number, byKind, run);
    } catch (error) {
      if (!error.testCase) throw error;
      const small = await shrink(byName, error.testCase, error.message);
      return failed(report(small, `seed ${seed}, stream ${number}`));
    }
    streams++;
    if (streams % REPORT_EVERY === 0) parentPort.postMessage({kind: 'alive', number});
    if (only !== undefined) break;
  }
  parentPort.postMessage({kind: 'passed', done, events, streams, counts});
}

/** Resolves with what the thread found: {kind: 'passed' | 'failed' | 'hung', …}. */
function thread(data, silence = SILENCE) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(HERE, {workerData: data});
    let number = data.first;
    let timer;
    const end = (result) => {
      clearTimeout(timer);
      void worker.terminate();
      resolve(result);
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(
        () => end({kind: 'hung', text: `hangs soon after stream ${number}`}),
        silence,
      );
    };
    wait();
    worker.on('message', (message) => {
      if (message.kind !== 'alive') return end(message);
      number = message.number;
      wait();
    });
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('a thread ended early')));
  });
}

// ── The run ───────────────────────────────────────────────────────────────────────────────────

async function fuzz({seed, cases, jobs, only, build}) {
  const start = performance.now();
  const again = (more) => `node test/fuzz/fuzz.mjs --seed ${seed}${more}`;
  console.log(`fuzz: seed ${seed}, ${jobs} threads; the same again: ${again(` --jobs ${jobs}`)}`);
  const threads = Array.from({length: only === undefined ? jobs : 1}, (_, first) => first);
  const results = await Promise.all(
    threads.map((first) =>
      thread({build, seed, first, step: jobs, cases: Math.ceil(cases / jobs), only}),
    ),
  );
  const wrong = results.filter(({kind}) => kind !== 'passed');
  for (const {kind, text} of wrong) console.log(`\n${kind}:\n${text}`);
  if (wrong.length) return false;
  const sum = (name) => results.reduce((total, result) => total + result[name], 0);
  const counts = {};
  for (const result of results) {
    for (const [form, count] of Object.entries(result.counts)) {
      counts[form] = (counts[form] ?? 0) + count;
    }
  }
  for (const form of Object.keys(counts)) console.log(`  ${spaced(counts[form], 11)}  ${form}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `fuzz: ${spaced(sum('done'))} cases (one stream, cut in one way, fed in one form) of `
      + `${spaced(sum('streams'))} streams, ${spaced(sum('events'))} events: 0 differences in `
      + `${seconds} s`,
  );
  return true;
}

function spaced(number, width = 0) {
  return number.toLocaleString('en').padStart(width);
}

const SECTIONS = ['Events', 'Decoding', 'Parsing'];
const MUTANT_CASES = 400_000;
const MUTANT_SILENCE = 10_000; // ms
const MUTANTS_AT_LEAST = 45;
const SELF_CHECK_SEED = 1;

/** Every mutant of those sections must be found; each runs as a build of its own. */
async function selfCheck(jobs) {
  const {default: mutants} = await import('../../tools/mutants/list.mjs');
  const {compiled, edited, readSource} = await import('../../tools/mutants/source.mjs');
  const {matchOf} = await import('../../tools/mutants/written.mjs');
  const source = readSource();
  const rows = mutants.filter(
    ({section, unfuzzed}) => SECTIONS.includes(section) && unfuzzed === undefined,
  );
  const folder = emptyFolder(`${ROOT}.build/fuzz`);
  const queue = [...rows.entries()];
  const survivors = [];
  let [most, slowest] = [0, ''];
  await Promise.all(
    Array.from({length: jobs}, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [number, row] = next;
        const file = `${folder}/${number}.mjs`;
        writeFileSync(file, await compiled(edited(source, matchOf(source, row))));
        const build = pathToFileURL(file).href;
        const task = {build, seed: SELF_CHECK_SEED, first: 0, step: 1, cases: MUTANT_CASES};
        const result = await thread(task, MUTANT_SILENCE);
        if (process.env.FUZZ_VERBOSE) {
          console.log(`\n${row.rule}: ${result.kind} after ${result.done}\n${result.text}`);
        }
        if (result.kind === 'passed') survivors.push(row.rule);
        if (result.done > most) [most, slowest] = [result.done, row.rule];
      }
    }),
  );
  for (const rule of survivors) console.log(`self-check: NOT FOUND: ${rule}`);
  console.log(
    `self-check: ${rows.length - survivors.length} of ${rows.length} mutants found; `
      + `the last one after ${spaced(most)} cases (${slowest})`,
  );
  if (rows.length < MUTANTS_AT_LEAST) console.log('self-check: too few mutants');
  return survivors.length === 0 && rows.length >= MUTANTS_AT_LEAST;
}

function emptyFolder(path) {
  rmSync(path, {recursive: true, force: true});
  mkdirSync(path, {recursive: true});
  return path;
}

function numberOf(text, otherwise) {
  const number = Number(text ?? otherwise);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`not a number: ${text}`);
}

if (isMainThread) {
  const {values} = parseArgs({
    options: {
      seed: {type: 'string'},
      cases: {type: 'string'},
      jobs: {type: 'string'},
      only: {type: 'string'},
      build: {type: 'string'},
      'self-check': {type: 'boolean'},
    },
  });
  const jobs = Math.max(1, numberOf(values.jobs, 2));
  const passed = values['self-check']
    ? await selfCheck(jobs)
    : await fuzz({
        jobs,
        seed: numberOf(values.seed, Date.now() % 2 ** 31),
        cases: numberOf(values.cases, CASES),
        only: values.only === undefined ? undefined : numberOf(values.only),
        build: pathToFileURL(values.build ?? `${ROOT}dist/sse.js`).href,
      });
  process.exitCode = passed ? 0 : 1;
} else await work(workerData);
