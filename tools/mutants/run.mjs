// Do the tests notice when sse.ts is wrong? A mutant that they let pass has "survived".
//
//   node tools/mutants/run.mjs generated [--section NAME] [--survivors] [--write]
//   node tools/mutants/run.mjs generated --sample [--seed TEXT]
//   node tools/mutants/run.mjs written [TEXT]
//
// generated: the mutants that StrykerJS makes of the pure sections. Some survivors are as good as
// sse.ts (a bound that only saves time), so that none is asked for that is not killed already: by
// section there may be as many as scores.json says, which --write brings up to date. What a run
// finds is kept in .build/ until sse.ts or the tests change, so that one that was stopped goes on;
// --survivors runs again only what earlier tests let pass.
//
// --sample: as many as two minutes and a half have room for, and ten of each section. The seed is the commit,
// so that each commit tries others and a run can be repeated. Of a sample there may be as many
// survivors as scores.json and chance explain (sample.mjs has the arithmetic): where there are more,
// the tests have become worse, or what was added to sse.ts is tested less than the rest of its
// section.
//
// written: the rows of list.mjs, what StrykerJS cannot make or does not reach; TEXT runs only the
// rows whose rule contains it. Exit 1 for every survivor, and for a row that no longer fits sse.ts,
// or web-event-source.ts, which has rows of its own.

import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {generatedMutants, SECTIONS} from './generated.mjs';
import rows, {WEB} from './list.mjs';
import {runAll, TESTS, WEB_EVENT_SOURCE} from './runner.mjs';
import {mostSurvivors, sampleOf} from './sample.mjs';
import {edited, ROOT, readSource} from './source.mjs';
import {matchOf} from './written.mjs';

const SAMPLE_MS = 135_000; // the last ones take a while longer: two and a half minutes in all
const LEAST_OF_SECTION = 10;
const SCORES = new URL('scores.json', import.meta.url);
const KNOWN = `${ROOT}.build/mutants/verdicts.json`;
const SAVE_EVERY = 20; // verdicts

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    section: {type: 'string'},
    survivors: {type: 'boolean'},
    write: {type: 'boolean'},
    sample: {type: 'boolean'},
    seed: {type: 'string'},
  },
});
const [what, only] = positionals;
if (what !== 'generated' && what !== 'written') {
  console.error(`mutants: 'generated' or 'written', not '${what}': see the head of run.mjs`);
  process.exit(2);
}
if (!existsSync(TESTS)) {
  console.error('mutants: there are no tests in .build/: node build.mjs makes them');
  process.exit(2);
}
const source = readSource();
const started = performance.now();
const passed = what === 'generated' ? await generated() : await written();
console.log(`mutants: ${((performance.now() - started) / 1000).toFixed(0)} s`);
process.exitCode = passed ? 0 : 1;

// ── Generated ─────────────────────────────────────────────────────────────────────────────────

async function generated() {
  const {section} = values;
  if (section !== undefined && !SECTIONS.includes(section)) {
    throw new Error(`--section is one of ${SECTIONS.join(', ')}`);
  }
  const sections = section === undefined ? SECTIONS : [section];
  const all = (await generatedMutants(source)).filter((each) => sections.includes(each.section));
  const found = values.sample ? await runSample(all) : await runFull(all);
  const scores = scoresOf(found, sections);
  const expected = existsSync(SCORES) ? JSON.parse(readFileSync(SCORES, 'utf8')) : {};
  if (values.write) {
    writeFileSync(SCORES, `${JSON.stringify({...expected, ...scores}, null, 2)}\n`);
    Object.assign(expected, scores);
  }
  const problems = found
    .filter(({verdict}) => verdict === 'broken')
    .map((mutant) => `BROKEN ${shownMutant(mutant)}`);
  for (const name of sections) {
    const score = scores[name];
    score.most = mostSurvivors(expected[name], score.total);
    if (score.survived > score.most) {
      problems.push(
        `${name}: ${score.survived} survivors where ${score.most} are expected at most`,
      );
    }
    if (score.total < LEAST_OF_SECTION)
      problems.push(`${name}: ${score.total} mutants say nothing`);
  }
  for (const line of tableOf(scores)) console.log(line);
  for (const problem of problems) console.error(`mutants: ${problem}`);
  return problems.length === 0;
}

/** All of them, and what is known of them is not found out again. */
async function runFull(all) {
  const verdicts = knownVerdicts();
  const keys = new Map(all.map((mutant) => [mutant, hash(edited(source, mutant))]));
  const left = all.filter((mutant) => verdicts[keys.get(mutant)] === undefined);
  console.log(`mutants: ${all.length}, of which ${all.length - left.length} have been run before`);
  let done = 0;
  const save = () => {
    writeFileSync(KNOWN, JSON.stringify({tests: hash(readFileSync(TESTS)), verdicts}));
    console.log(`mutants: ${done} of ${left.length}`);
  };
  if (left.length) {
    await runAll(source, left, (mutant, verdict) => {
      verdicts[keys.get(mutant)] = verdict;
      if (++done % SAVE_EVERY === 0) save();
    });
    save();
  }
  const found = all.map((mutant) => ({...mutant, verdict: verdicts[keys.get(mutant)]}));
  for (const mutant of found) if (mutant.verdict === 'survived') console.log(shownMutant(mutant));
  return found;
}

async function runSample(all) {
  const seed = values.seed ?? commit();
  console.log(`mutants: a sample, the same again: run.mjs generated --sample --seed ${seed}`);
  const found = [];
  const note = (mutant, verdict) => {
    found.push({...mutant, verdict});
    console.log(`${verdict.padEnd(8)} ${shownMutant(mutant)}`);
  };
  const begun = performance.now();
  const counted = ({verdict}) => verdict !== 'same' && verdict !== 'broken';
  const sections = [...new Set(all.map(({section}) => section))];
  // a slow machine takes longer: too few of a section say nothing
  const isEnough = () =>
    performance.now() - begun > SAMPLE_MS
    && sections.every(
      (name) =>
        found.filter((each) => each.section === name && counted(each)).length >= LEAST_OF_SECTION,
    );
  await runAll(source, sampleOf(all, seed), note, isEnough);
  return found;
}

/** By section: {total, survived, hung}. What compiles to the same code, or not at all, is none. */
function scoresOf(found, sections) {
  const scores = {};
  for (const name of sections) scores[name] = {total: 0, survived: 0, hung: 0};
  for (const {section, verdict} of found) {
    const score = scores[section];
    if (verdict === 'same' || verdict === 'broken') continue;
    score.total++;
    if (verdict === 'survived') score.survived++;
    if (verdict === 'hung') score.hung++;
  }
  return scores;
}

function tableOf(scores) {
  const row = (...cells) => cells.map((cell, at) => `${cell}`.padStart(at ? 10 : 13)).join('');
  const lines = [row('section', 'mutants', 'hung', 'survived', 'at most', 'score')];
  const sum = {total: 0, hung: 0, survived: 0, most: 0};
  const add = (name, {total, hung, survived, most}) => {
    const score = `${((100 * (total - survived)) / total).toFixed(1)} %`;
    lines.push(row(name, total, hung, survived, most, score));
  };
  for (const [name, score] of Object.entries(scores)) {
    add(name, score);
    for (const key of Object.keys(sum)) sum[key] += score[key];
  }
  add('all', {...sum, most: ''});
  return lines;
}

function shownMutant({section, line, kind, was, is}) {
  const short = (code) => code.replace(/\s+/g, ' ').slice(0, 60);
  return `${section} sse.ts:${line} ${kind}: ${short(was)} -> ${short(is)}`;
}

/** By edit: of these tests; with --survivors also what earlier ones noticed. */
function knownVerdicts() {
  mkdirSync(`${ROOT}.build/mutants`, {recursive: true});
  if (!existsSync(KNOWN)) return {};
  const {tests, verdicts} = JSON.parse(readFileSync(KNOWN, 'utf8'));
  if (!values.survivors) return tests === hash(readFileSync(TESTS)) ? verdicts : {};
  return Object.fromEntries(Object.entries(verdicts).filter(([, each]) => each !== 'survived'));
}

function hash(text) {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function commit() {
  return execFileSync('git', ['rev-parse', 'HEAD'], {cwd: ROOT, encoding: 'utf8'}).trim();
}

// ── Written ───────────────────────────────────────────────────────────────────────────────────

async function written() {
  const problems = [];
  const counts = {rows: 0, killed: 0, hung: 0};
  await writtenOf(source, rows, undefined, {problems, counts});
  await writtenOf(readSource('web-event-source.ts'), WEB, WEB_EVENT_SOURCE, {problems, counts});
  if (!counts.rows) problems.push(`no row says '${only}'`);
  for (const problem of problems) console.error(`mutants: ${problem}`);
  const {killed, hung} = counts;
  console.log(`mutants: ${counts.rows} rows, ${killed} killed, ${hung} more by the time limit`);
  return problems.length === 0;
}

/** The rows of one file: adds to the problems and to the counts. */
async function writtenOf(text, all, product, {problems, counts}) {
  const mutants = [];
  for (const row of all.filter(({rule}) => only === undefined || rule.includes(only))) {
    counts.rows++;
    try {
      mutants.push({...row, ...matchOf(text, row)});
    } catch (error) {
      problems.push(error.message);
    }
  }
  if (!mutants.length) return;
  const note = ({section = product?.name, rule}, verdict, reason = '') => {
    if (verdict === 'killed' || verdict === 'hung') counts[verdict]++;
    else problems.push(`${verdict.toUpperCase()} ${section}: ${rule} ${reason}`);
  };
  await runAll(text, mutants, note, undefined, product);
}
