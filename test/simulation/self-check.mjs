// Proves that the simulation can fail: each client of faulty.mjs, and each mutant of the sections
// Iteration and Clients in tools/mutants/list.mjs that a run can see, must be found.

import {execFile} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

const HERE = fileURLToPath(import.meta.url);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DRAFTS = `${ROOT}.build/simulation`;
const MOST_RUNS = 3000;
const LONG_EVERY = 200; // runs: one of a long life
const LIMIT = 60_000; // ms: a client that takes longer hangs
const LEAST_FOUND = 30;

/** {violation, runs} of the first run that finds something, over the module of that file. */
async function search(build, name) {
  const {replaceGlobals} = await import('./world.mjs');
  replaceGlobals();
  const [{play}, {longPlanOf, planOf}, {FAULTY}] = await Promise.all([
    import('./drive.mjs'),
    import('./plan.mjs'),
    import('./faulty.mjs'),
  ]);
  const real = await import(build);
  const faulty = FAULTY.find((each) => each.name === name);
  const sse = faulty ? faulty.make(real) : real;
  for (let run = 1; run <= MOST_RUNS; run++) {
    const plan = run % LONG_EVERY ? planOf(run) : longPlanOf(run);
    const {violation} = await play(sse, plan);
    if (violation) return {...violation, runs: run};
  }
  return {};
}

/** The same in a process of its own, which may hang. */
async function searchApart(build, name) {
  try {
    const {stdout} = await promisify(execFile)(process.execPath, [HERE, build, name], {
      timeout: LIMIT,
    });
    return JSON.parse(stdout);
  } catch (error) {
    const message = error.killed ? 'it hangs' : `it crashes: ${error.stderr?.slice(0, 300)}`;
    return {invariant: 'progress', message, runs: 0};
  }
}

/** Does that for each item, as many at a time as there are cores. */
async function inParallel(items, work) {
  const left = items.entries();
  const go = async () => {
    for (const [at, item] of left) await work(item, at);
  };
  await Promise.all(Array.from({length: availableParallelism()}, go));
}

/** Whether all are found; prints which by what. */
export async function selfCheck({build}) {
  const {FAULTY} = await import('./faulty.mjs');
  const {INVARIANTS} = await import('./monitor.mjs');
  const byInvariant = Object.fromEntries(Object.keys(INVARIANTS).map((name) => [name, 0]));
  const problems = [];
  let count = 0;
  await inParallel(FAULTY, async ({name, found}) => {
    const {invariant, runs} = await searchApart(build, name);
    console.log(`${(invariant ?? 'not found').padEnd(10)} ${`${runs ?? ''}`.padStart(5)}  ${name}`);
    if (!found.includes(invariant)) problems.push(`${name}: ${invariant ?? 'not found'}`);
    else count++;
    if (invariant) byInvariant[invariant]++;
  });
  const mutants = await searchMutants(byInvariant);
  const {invariant, message} = await searchApart(build, '');
  if (invariant) problems.push(`the real clients: ${invariant}: ${message}`);
  console.log(
    Object.entries(byInvariant)
      .map(([name, found]) => `${name} ${found}`)
      .join(', '),
  );
  if (count < LEAST_FOUND)
    problems.push(`${count} faulty clients are found, fewer than ${LEAST_FOUND}`);
  for (const problem of [...problems, ...mutants.problems]) console.log(`simulation: ${problem}`);
  console.log(
    `simulation: ${count} of ${FAULTY.length} faulty clients and ${mutants.found} of ${mutants.all} mutants found`,
  );
  return problems.length + mutants.problems.length === 0;
}

/** What a run cannot see: options that are refused, types, sockets, what only messages say. */
const UNSEEN = [
  'nothing begins on a connection that is closed',
  'what has arrived before a limit was looked at counts',
  'a failure is thrown into the script once, and not out of the loop',
  '`throw undefined` is an error, not a clean end',
  'json has its content type',
  'cache is only for a fetch that knows it',
  'what is no URL is an error of the constructor',
  'clients that share a signal share its listener',
  // its users check no schemas, its servers send no null and end in no event on purpose
  'a loop that is left waits for no schema',
  'close() ends the wait for a schema',
  'null is a value',
  'an incomplete event is handed out before the end',
  "a client that reconnects takes no incomplete: 'dispatch'",
  // its resume goes on by GET, whatever the response was
  'resume gets the response that opened last',
  'the body of the options is not sent by a request that goes on',
  // too rare: rows of rows.mjs, or of the units, have them
  'what `random` has ended is not carried on',
  'an abort in a callback is seen although',
  'the script is not asked while it is at work',
  'little is kept of the body of an error',
  'nothing is delivered after close() in onComment', // until, asked next, would tell
  'nor what callbacks of the first are waited for',
  // what comes a few turns too early, beside a function that is slow, and pings without events
  'a chunk counts once its sink has settled',
  'pings without end do not keep a stream',
  'an event waits for the observers before it',
  'at the end of a stream its observers are waited for',
];

async function searchMutants(byInvariant) {
  const [{default: rows}, {edited, readSource}, {matchOf}, {transform}] = await Promise.all([
    import('../../tools/mutants/list.mjs'),
    import('../../tools/mutants/source.mjs'),
    import('../../tools/mutants/written.mjs'),
    import('esbuild'),
  ]);
  rmSync(DRAFTS, {recursive: true, force: true});
  mkdirSync(DRAFTS, {recursive: true});
  const source = readSource();
  const problems = [];
  let found = 0;
  const chosen = rows.filter(({section}) => ['Clients', 'Iteration'].includes(section));
  await inParallel(chosen, async (row, at) => {
    const {code} = await transform(edited(source, matchOf(source, row)), {loader: 'ts'});
    const file = `${DRAFTS}/${at}.mjs`;
    writeFileSync(file, code);
    const {invariant, runs} = await searchApart(`file://${file}`, '');
    console.log(
      `${(invariant ?? 'not seen').padEnd(10)} ${`${runs ?? ''}`.padStart(5)}  mutant: ${row.rule}`,
    );
    if (invariant) {
      found++;
      byInvariant[invariant]++;
    } else if (!UNSEEN.some((text) => row.rule.includes(text)))
      problems.push(`not found: ${row.rule}`);
  });
  for (const text of UNSEEN) {
    if (!chosen.some(({rule}) => rule.includes(text))) problems.push(`no mutant is called ${text}`);
  }
  return {problems, found, all: chosen.length};
}

if (process.argv[1] === HERE) {
  const [, , build, name] = process.argv;
  process.stdout.write(JSON.stringify(await search(build, name)), () => process.exit());
}
