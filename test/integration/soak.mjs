// A subscription of weeks, in two minutes: a thousand faults and 200,000 events for each loop.
//
//   npm run soak                            until both are reached, in both loops
//   npm run soak -- --minutes 60 --seed 7   for so long at least; the faults of that seed
//   … --events N --faults N             other numbers than those
//   … --bug lost|twice|swapped|changed  the server is wrong once: this must fail
//   … --bug leak                        the clients leave things behind: so must this
//
// A server with history sends numbered events, through a proxy that cuts, delays, swallows and
// refuses connections as drawn from the seed, to four async clients in one process and to four
// blocking ones in processes of their own. Every event is compared with what was sent. Exit code 1
// if one is missing, comes twice, late or changed, or if anything is left behind at the end.

import {spawn} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {onLine} from './control.mjs';
import {startFaultProxies} from './fault-proxy.mjs';
import {figure} from './figures.mjs';
import {pick, startHistory} from './history-server.mjs';
import {leaksOf, trend} from './soak-check.mjs';
import {randomFrom} from '../support/random.mjs';

/** Clients in each loop, at the same time: most of theirs goes by waiting. */
const LANES = 4;

/** Events of the first round, before anything is measured. */
const WARM = 2000;

/** Rules that always wait for connections to come. */
const AHEAD = 100;

/** How long it may take on top of what was asked for, ms. */
const MOST_MS = 400_000;

/** Connections beyond the faults asked for, as a share: those that the clients end themselves. */
const MARGIN = 0.15;

/** More than the clients wait for headers, ms. */
const SLOW_MS = 700;

const FINAL = ['rst', 'fin', 'half', 'hole'];
const STATUSES = [408, 425, 429, 500, 502, 503, 504];

const {values} = parseArgs({
  options: Object.fromEntries(
    ['minutes', 'seed', 'events', 'faults', 'bug'].map((name) => [name, {type: 'string'}]),
  ),
});
const number = (name, usual) => {
  const value = values[name] === undefined ? usual : Number(values[name]);
  if (!(value >= 0)) throw new RangeError(`--${name} must be a number, got '${values[name]}'`);
  return value;
};
const seed = number('seed', Math.floor(Math.random() * 2 ** 32));
const wanted = {
  ms: number('minutes', 0) * 60_000,
  events: number('events', 200_000),
  faults: number('faults', 1000),
};
const {bug} = values;
if (bug && !['leak', 'lost', 'twice', 'swapped', 'changed'].includes(bug)) {
  throw new RangeError(`--bug ${bug} is not known`);
}

/** What happens to a connection: a disturbance perhaps, and an end. */
function drawRule(random) {
  const is = (share) => random() < share;
  const some = (list) => list[Math.floor(random() * list.length)];
  const rule = {};
  if (is(0.1)) rule.delay = pick(random, [1, 15]);
  if (is(0.05)) rule.headers = SLOW_MS;
  if (is(0.06)) return {...rule, refuse: some(['rst', 'fin', 'hole'])};
  // From inside the head to many events, as many short ones as long ones.
  const after = Math.floor(2 ** (4 + 13 * random()));
  rule.cut = [is(0.1) ? {ms: pick(random, [1, 300]), how: some(FINAL)} : {after, how: some(FINAL)}];
  if (is(0.1)) rule.cut.unshift({after: after >> 1, how: 'hole', heal: pick(random, [20, 150])});
  if (is(0.12)) rule.chunk = after < 4000 ? pick(random, [1, 3]) : pick(random, [100, 3000]);
  if (is(0.06)) rule.down = pick(random, [10, 250]);
  return rule;
}

/** What the server does to a request. */
function drawAnswer(random) {
  const at = random();
  if (at < 0.08) {
    const status = STATUSES[Math.floor(random() * STATUSES.length)];
    return random() < 0.2 ? {status, retryAfter: Math.round(random())} : {status};
  }
  if (at < 0.16) return {end: pick(random, [0, 300])};
  return at < 0.22 ? {half: pick(random, [0, 300])} : {};
}

const seconds = (ms) => `${(ms / 1000).toFixed(0)} s`;
console.log(`soak: seed ${seed}`);

const children = new Set();
const history = await startHistory();
const proxies = startFaultProxies();
let isGood = false;
try {
  const loops = await Promise.all(['async', 'blocking'].map(run));
  isGood = loops.every(({problems}) => problems.length === 0);
  for (const loop of loops) report(loop);
} catch (error) {
  console.error(`soak: ${error.stack}`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([history.stop(), proxies.stop()]);
}
if (!isGood) console.error(`soak: FAILED; again with: npm run soak -- --seed ${seed}`);
process.exitCode = isGood ? 0 : 1;

/** One of the two loops, to the end. */
async function run(loop, index) {
  const lanes = await Promise.all(
    Array.from({length: LANES}, (_, i) =>
      openLane(`${loop}-${i}`, seed + 1000 * (index * LANES + i + 1)),
    ),
  );
  const groups = loop === 'async' ? [lanes] : lanes.map((lane) => [lane]);
  const results = groups.map((group, i) =>
    follow({
      loop,
      seed: seed + 500 + i,
      leak: bug === 'leak',
      urls: group.map(({url, name}) => `${url}/${name}`),
      warm: group.map(({url, name}) => `${url}/${name}-warm`),
    }),
  );
  const start = performance.now();
  const all = Promise.all(results.map(({result}) => result));
  await disturb(lanes, start, all);
  const lasts = await Promise.all(lanes.map(finish));
  const timer = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL');
  }, 60_000);
  const reports = await all;
  const checked = await Promise.all(
    results.map(({check}, i) => {
      const last = groups[i].map((lane) => lasts[lanes.indexOf(lane)]);
      return check({last, warmLast: last.map(() => WARM)});
    }),
  );
  clearTimeout(timer);
  const totals = await totalsOf(lanes);
  return {
    loop,
    totals,
    reports,
    problems: await problemsOf(reports, checked.flat(), lanes, totals),
    ms: performance.now() - start,
    checked: checked.flat(),
    attempts: sum(reports.map(({attempts}) => attempts)),
  };
}

/** Faults for those lanes until there were as many as are wanted, or until their clients end. */
async function disturb(lanes, start, clients) {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  clients.then(over, over);
  while (!isOver) {
    await Promise.all(lanes.map(refill));
    await sleep(200);
    const totals = await totalsOf(lanes);
    const ms = performance.now() - start;
    // Two faults may meet in one connection: so many connections must have had an end, too.
    const faults = Math.min(totals.faults, totals.connections - MARGIN * wanted.faults);
    if (totals.events >= wanted.events && faults >= wanted.faults && ms >= wanted.ms) return;
    if (ms > wanted.ms + MOST_MS) throw new Error(`not done: ${JSON.stringify(totals)}`);
  }
}

async function openLane(name, laneSeed) {
  const stream = {
    burst: [1, 80],
    pause: [0, 8],
    retry: 20,
    varied: laneSeed,
    bug: name === 'async-1' && bug && bug !== 'leak' ? {at: 5000, how: bug} : undefined,
  };
  await history.open(name, stream);
  await history.open(`${name}-warm`, {...stream, bug: undefined, head: WARM});
  await history.finish(`${name}-warm`);
  const proxy = await proxies.open(history.port);
  const lane = {
    name,
    proxy,
    url: proxy.url,
    random: randomFrom(laneSeed).share,
    answers: randomFrom(laneSeed + 1).share,
  };
  await refill(lane);
  return lane;
}

/** Rules for the connections and requests to come. */
async function refill({name, proxy, random, answers}) {
  const list = (left, draw) => Array.from({length: Math.max(0, AHEAD - left)}, draw);
  const [{left}, stats] = await Promise.all([proxy.counts(), history.stats(name)]);
  await Promise.all([
    proxy.more(list(left, () => drawRule(random))),
    history.rules(
      name,
      list(stats.left, () => drawAnswer(answers)),
    ),
  ]);
}

/** No more faults, no more events: the number of the last one. */
async function finish({name, proxy}) {
  await proxy.rules([], {drop: null});
  return history.finish(name);
}

async function totalsOf(lanes) {
  const counts = await Promise.all(
    lanes.flatMap(({name, proxy}) => [proxy.counts(), history.stats(name)]),
  );
  const byKind = {};
  for (const {faults} of counts) {
    for (const [kind, count] of Object.entries(faults)) byKind[kind] = (byKind[kind] ?? 0) + count;
  }
  // What no client needs to notice counts for nothing.
  const isHarmless = (kind) => ['delay', 'chunk', 'outage'].includes(kind);
  const sorted = Object.entries(byKind).sort(([a], [b]) => (a < b ? -1 : 1));
  const kinds = Object.fromEntries(sorted.filter(([kind]) => !isHarmless(kind)));
  return {
    events: sum(counts.map(({sent = 0}) => sent)),
    faults: sum(Object.values(kinds)),
    kinds,
    harmless: Object.fromEntries(sorted.filter(([kind]) => isHarmless(kind))),
    connections: sum(counts.map(({connections = 0}) => connections)),
    wrongIds: counts.flatMap(({wrongIds = []}) => wrongIds),
  };
}

/** A process that follows streams: its result, and then what it received. */
function follow(task) {
  const child = spawn(
    process.execPath,
    [
      '--expose-gc',
      fileURLToPath(new URL('soak-client.mjs', import.meta.url)),
      JSON.stringify(task),
    ],
    {stdio: ['pipe', 'pipe', 'inherit']},
  );
  children.add(child);
  child.stdin.on('error', () => {});
  const heard = {};
  const waiting = {};
  const hear = (name) =>
    (heard[name] ??= new Promise((resolve, reject) => {
      waiting[name] = {resolve, reject};
    }));
  hear('result');
  hear('checked').catch(() => {});
  onLine(child.stdout, (line) => {
    for (const [name, value] of Object.entries(JSON.parse(line))) waiting[name]?.resolve(value);
  });
  child.once('exit', (code, signal) => {
    children.delete(child);
    const error = new Error(`a ${task.loop} client ended: ${signal ?? `exit ${code}`}`);
    for (const {reject} of Object.values(waiting)) reject(error);
  });
  return {
    result: heard.result,
    check(lasts) {
      child.stdin.write(`${JSON.stringify(lasts)}\n`);
      return heard.checked;
    },
  };
}

async function problemsOf(reports, checked, lanes, totals) {
  const problems = [];
  for (const {lost, twice, outOfOrder, wrong, first} of checked) {
    if (lost || twice || outOfOrder || wrong) {
      problems.push(
        `${lost} lost, ${twice} twice, ${outOfOrder} out of order, ${wrong} wrong;`
          + ` the first: ${first}`,
      );
    }
  }
  for (const report of reports) {
    problems.push(...leaksOf(report), ...report.warnings);
  }
  for (const id of totals.wrongIds) problems.push(`the server never sent the id '${id}'`);
  const attempts = sum(reports.map((report) => report.attempts));
  if (totals.connections > attempts) {
    problems.push(`${totals.connections} connections for ${attempts} attempts`);
  }
  // The clients have ended: the proxy has nobody to serve any more.
  let live = Infinity;
  for (let i = 0; i < 100 && live; i++) {
    live = sum((await Promise.all(lanes.map(({proxy}) => proxy.counts()))).map((c) => c.live));
    if (live) await sleep(100);
  }
  if (live) problems.push(`${live} connections at the proxy outlived their clients`);
  return problems;
}

function report({loop, ms, totals, reports, problems, checked, attempts}) {
  const total = (name) => sum(checked.map((result) => result[name]));
  console.log(`\n${loop} loop, ${LANES} clients, ${seconds(ms)}`);
  figure(`${loop}: events`, total('events'));
  figure(
    `${loop}: lost, twice, out of order, changed`,
    ['lost', 'twice', 'outOfOrder', 'wrong'].map(total).join(', '),
  );
  figure(`${loop}: faults`, `${totals.faults}: ${pairs(totals.kinds)}`);
  figure(`${loop}: and, of no consequence`, pairs(totals.harmless));
  figure(`${loop}: attempts, connections`, `${attempts}, ${totals.connections}`);
  const reasons = {};
  for (const {reasons: some} of reports) {
    for (const [name, count] of Object.entries(some)) reasons[name] = (reasons[name] ?? 0) + count;
  }
  figure(`${loop}: reconnections`, `${sum(Object.values(reasons))}: ${pairs(reasons)}`);
  for (const {before, after, samples} of reports) {
    const {first, last} = trend(samples);
    const names = Object.keys(before);
    figure(
      `${loop}: before and after`,
      names.map((name) => `${name} ${before[name]} ${after[name]}`).join(', '),
    );
    figure(
      `${loop}: first and last third of ${samples.length} samples`,
      Object.keys(first)
        .map((name) => `${name} ${first[name]} ${last[name]}`)
        .join(', '),
    );
  }
  for (const problem of problems) console.error(`soak: ${loop}, seed ${seed}: ${problem}`);
}

function pairs(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function sum(numbers) {
  return numbers.reduce((total, value) => total + value, 0);
}
