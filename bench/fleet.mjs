// node bench/fleet.mjs [--write]: examples/fleet on Node 26: how many subscriptions a worker follows,
// with how much memory, how many events a second one Redis takes, and after how long a dead worker's
// subscriptions are followed again. The tables of docs/fleet.md, which --write writes there.
// First: npm ci here and in examples/fleet, node build.mjs, and redis-server of Debian.

import {readFileSync, writeFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {Fleet} from '../examples/fleet/redis.mjs';
import {startBound} from '../test/integration/nginx.mjs';
import {until} from '../test/integration/processes.mjs';
import {startRedis} from '../test/integration/redis.mjs';
import {startServer} from './child.mjs';
import {median} from './figures.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const NODE = path('node_modules/node26/bin/node');
const {values} = parseArgs({options: {write: {type: 'boolean'}}});

const LIMIT = 600_000;
const SECONDS = 10; // that events are counted for
const TICKS = 100; // of CPU time, a second: Linux, everywhere

/** CPU time of a process so far, s. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function megabytesOf(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** A Redis with its log, an empty fleet, and a server of events. */
class Site {
  static async open() {
    const site = new Site();
    site.redis = await startRedis({appendonly: 'yes'});
    site.fleet = await Fleet.open({url: site.redis.url, name: 'bench'});
    site.server = await startServer(LIMIT);
    return site;
  }

  workers = [];

  async close() {
    await this.fleet.close();
    for (const {stop} of this.workers) await stop('SIGKILL');
    await this.redis.stop();
    await this.server.end();
  }

  /** {child, stop(signal)} */
  async startWorker(...options) {
    const args = [path('../examples/fleet/fleet.mjs'), 'worker', ...options];
    const env = {...process.env, REDIS_URL: this.redis.url, FLEET: 'bench'};
    const worker = await startBound(NODE, args, {env});
    this.workers.push(worker);
    return worker;
  }

  /** So many of that path, `s0` and so on; resolves with the seconds until all are followed. */
  async follow(count, at) {
    const url = this.server.origin + at;
    const start = performance.now();
    await this.fleet.add(Array.from({length: count}, (_, k) => ({id: `s${k}`, url, keep: 100})));
    await this.followed(count);
    return (performance.now() - start) / 1000;
  }

  /** Until all are followed; by those workers, if they are named. */
  followed(count, names) {
    const isFollowed = ({state, worker}) =>
      state === 'following' && (!names || names.includes(worker));
    const areFollowed = async () => {
      await sleep(100);
      const rows = await this.fleet.list();
      return rows.length === count && rows.every(isFollowed);
    };
    return until(areFollowed, `${count} followed`, LIMIT);
  }

  /** How many events are stored of the first `count`. */
  async stored(count) {
    const asked = this.fleet.redis.pipeline();
    for (let k = 0; k < count; k++) asked.hget(`{bench}:place:s${k}`, 'events');
    return (await asked.exec()).reduce((sum, [, events]) => sum + Number(events), 0);
  }
}

/** One measurement, at a site of its own. */
async function at(measure) {
  const site = await Site.open();
  try {
    return await measure(site);
  } finally {
    await site.close();
  }
}

const rows = {worker: [], rate: [], dead: []};
const note = (kind, row) => {
  console.log(`${kind}: ${row.join(' | ')}`);
  rows[kind].push(row);
};
const figure = (value, digits = 0) =>
  value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits});

async function manySilent(site, count) {
  const {pid} = (await site.startWorker('--capacity', '20000')).child;
  await sleep(3000);
  const empty = megabytesOf(pid);
  const seconds = await site.follow(count, '/idle');
  await sleep(5000);
  const before = cpuOf(pid);
  await sleep(SECONDS * 1000);
  note('worker', [
    figure(count),
    figure(seconds, 1),
    figure(megabytesOf(pid)),
    figure(((megabytesOf(pid) - empty) * 1024) / count),
    `${figure(((cpuOf(pid) - before) / SECONDS) * 100, 1)} %`,
  ]);
}

/** As many events as can be. */
async function rate(site, kind, workers, count, path) {
  const pids = [site.redis.pid];
  while (pids.length <= workers) pids.push((await site.startWorker()).child.pid);
  await sleep(3000);
  await site.follow(count, path);
  await sleep(4000); // shares are even by now
  await site.followed(count);
  const stop = new AbortController();
  const messages = path === '/idle' ? broadcast(site, count, stop.signal) : undefined;
  const before = pids.map(cpuOf);
  const [start, first] = [performance.now(), await site.stored(count)];
  await sleep(SECONDS * 1000);
  const [seconds, events] = [
    (performance.now() - start) / 1000,
    (await site.stored(count)) - first,
  ];
  const [redis, ...others] = pids.map((pid, k) => cpuOf(pid) - before[k]);
  const million = (cpu) => figure((cpu / events) * 1e6, 1);
  note('rate', [
    kind,
    `${workers}`,
    figure(count),
    figure(events / seconds),
    million(redis),
    million(others.reduce((sum, cpu) => sum + cpu)),
  ]);
  stop.abort();
  await messages;
}

/** A message to all, and the next one as soon as all but one of them are stored. */
async function broadcast(site, count, signal) {
  let sent = await site.stored(count);
  while (!signal.aborted) {
    await (await fetch(`${site.server.origin}/broadcast`)).text();
    sent += count;
    while (!signal.aborted && sent - (await site.stored(count)) > count) await sleep(20);
  }
}

/** Two workers, 1,000 each; one dies: the seconds until the other one follows all. */
async function death(site, lock) {
  const options = ['--lock', `${lock}`, '--capacity', '2000'];
  const first = await site.startWorker('--name', 'a', ...options);
  await site.startWorker('--name', 'b', ...options);
  await sleep(3000);
  await site.follow(2000, '/idle');
  await sleep((2 + Math.random() * lock) * 1000); // at any point between two renewals
  await first.stop('SIGKILL');
  const start = performance.now();
  await site.followed(2000, ['b']);
  return (performance.now() - start) / 1000;
}

for (const count of [1000, 5000, 10_000]) await at((site) => manySilent(site, count));
for (const [kind, count, path] of [
  ['in bulk (64 kB chunks)', 16, '/bulk?events=1000000000'],
  ['one a message', 1000, '/idle'],
]) {
  for (const workers of [1, 2]) await at((site) => rate(site, kind, workers, count, path));
}
for (const lock of [6, 30]) {
  const times = [];
  while (times.length < 3) times.push(await at((site) => death(site, lock)));
  const of = [Math.min(...times), median(times), Math.max(...times)];
  note('dead', [`${lock} s`, ...of.map((seconds) => `${figure(seconds, 1)} s`)]);
}

const table = (head, body) =>
  [head, head.map((_, i) => (i ? '--:' : '---')), ...body]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
const text = [
  `Node 26.10.0, Redis 7.0 with its append-only file, ${cpus().length} cores for all of it, the server of the events included; subscriptions that are silent:`,
  table(
    ['subscriptions of one worker', 'followed after, s', 'MB', 'kB each', 'of a core, idle'],
    rows.worker,
  ),
  'Events through one Redis, stored and fenced; CPU seconds are those that a million events cost:',
  table(
    ['events', 'workers', 'subscriptions', 'events/s', 'Redis: CPU s', 'workers: CPU s'],
    rows.rate,
  ),
  'A worker with 1,000 subscriptions is killed (`kill -9`), until another one follows all of them; three times:',
  table(['`--lock`', 'least', 'median', 'most'], rows.dead),
].join('\n\n');
console.log(`\n${text}`);
if (values.write) {
  const page = path('../docs/fleet.md');
  const [begun, ended] = ['<!-- figures -->', '<!-- /figures -->'];
  const old = readFileSync(page, 'utf8');
  const [before, rest] = old.split(begun);
  writeFileSync(page, `${before}${begun}\n\n${text}\n\n${ended}${rest.split(ended)[1]}`);
}
