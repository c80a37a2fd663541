#!/usr/bin/env node
// Thousands of subscriptions over many worker processes: see README.md.

import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {hostname} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {Fleet, Mistake} from './redis.mjs';
import {startWorker} from './worker.mjs';

const HELP = `fleet: many subscriptions over many workers, each event once in a Redis stream

  fleet add ID URL [--header 'Name: value']… [--keep N]
  fleet add -               lines of ID and URL from standard input
  fleet remove ID… [--purge]
  fleet list [--json]
  fleet worker [--name NAME] [--capacity N] [--lock SECONDS]
  fleet watch [--once]

  --header    sent with each request of the subscription; kept in Redis
  --keep      about how many events to keep of it (all of them)
  --purge     its events and its place, too: it cannot go on from there
  --name      of the worker (the host's and a number)
  --capacity  how many subscriptions the worker can follow (1000)
  --lock      after how long without a sign of life others follow them (30)

  of all of them:
  --redis     redis://127.0.0.1:6379, or REDIS_URL
  --fleet     name of the fleet (fleet), or FLEET: the start of all its keys
`;

const OPTIONS = {
  header: {type: 'string', multiple: true},
  keep: {type: 'string'},
  purge: {type: 'boolean'},
  json: {type: 'boolean'},
  name: {type: 'string'},
  capacity: {type: 'string'},
  lock: {type: 'string'},
  once: {type: 'boolean'},
  redis: {type: 'string'},
  fleet: {type: 'string'},
  help: {type: 'boolean'},
};
const OF_ALL = ['redis', 'fleet', 'help'];

/** Each command: the options it takes, and what it does. */
const COMMANDS = {
  add: {takes: ['header', 'keep'], run: add},
  remove: {takes: ['purge'], run: remove},
  list: {takes: ['json'], run: list},
  worker: {takes: ['name', 'capacity', 'lock'], run: work},
  watch: {takes: ['once'], run: watch},
};

async function add(fleet, args, {header = [], keep}) {
  const headers = Object.fromEntries(header.map(headerOf));
  const rest = {headers, keep: numberOf('keep', keep, 1)};
  const [id, url] = args;
  let subscriptions = [{id, url, ...rest}];
  if (id === '-' && args.length === 1) {
    subscriptions = (await linesOf(process.stdin)).map((line) => ({...line, ...rest}));
  } else if (args.length !== 2) throw new Mistake('add takes ID and URL, or -');
  const {added, again, there} = await fleet.add(subscriptions);
  console.log(
    `${added} added${again ? `, ${again} again` : ''}${there ? `, ${there} there already` : ''}`,
  );
}

function headerOf(text) {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*?)\s*$/.exec(text) ?? [];
  if (!name) throw new Mistake(`--header "${text}": Name: value`);
  return [name, value];
}

async function linesOf(input) {
  let text = '';
  for await (const part of input.setEncoding('utf8')) text += part;
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([id, url, ...rest], i) => {
    if (!id) return [];
    if (!url || rest.length) throw new Mistake(`line ${i + 1}: ID and URL`);
    return [{id, url}];
  });
}

async function remove(fleet, ids, {purge}) {
  if (!ids.length) throw new Mistake('remove takes one ID or more');
  const existed = await Promise.all(ids.map((id) => fleet.remove(id, {purge})));
  for (const [k, id] of ids.entries()) {
    console.log(existed[k] ? `${id} removed` : `${id}: there is no such subscription`);
  }
  if (existed.includes(false)) process.exitCode = 1;
}

async function list(fleet, args, {json}) {
  if (args.length) throw new Mistake('list takes no arguments');
  const rows = await fleet.list();
  if (json) for (const row of rows) console.log(JSON.stringify(row));
  else {
    const head = ['ID', 'STATE', 'LAG', 'EVENTS', 'LAST ID', 'WORKER', 'URL', 'WHY'];
    print(
      head,
      rows.map(({id, state, behind, events, lastEventId, worker, url, why}) => [
        id,
        state,
        duration(behind),
        events,
        lastEventId,
        worker,
        url,
        why,
      ]),
    );
  }
}

async function work(fleet, args, {name, capacity, lock}) {
  if (args.length) throw new Mistake('worker takes no arguments');
  const worker = startWorker(fleet, {
    name: name ?? `${hostname()}-${randomBytes(3).toString('hex')}`,
    capacity: numberOf('capacity', capacity, 1) ?? 1000,
    lock: (numberOf('lock', lock, 2) ?? 30) * 1000,
    log,
  });
  const signal = await Promise.race(['SIGTERM', 'SIGINT'].map((name) => once(process, name)));
  process.once('SIGINT', () => process.exit(130)); // not wait any longer
  log(`${signal[0]}: handing over`);
  await worker.stop();
  log('handed over');
}

async function watch(fleet, args, {once: isOnce}) {
  if (args.length) throw new Mistake('watch takes no arguments');
  for (;;) {
    const {workers, counts, behind, longest} = await fleet.summary(10);
    if (process.stdout.isTTY && !isOnce) process.stdout.write('\x1b[H\x1b[J'); // to the top
    const {active, wait, failed, completed} = counts;
    console.log(
      `${active} followed, ${wait} waiting, ${failed} failed, ${completed} over;`
        + ` ${behind} out of touch\n`,
    );
    print(
      ['WORKER', 'FOLLOWS', 'CAPACITY', 'EVENTS/S', 'MB', 'LAST SEEN'],
      workers.map((each) => [
        each.name,
        each.following,
        each.capacity,
        each.perSecond,
        each.mb,
        each.isAlive ? duration(each.silent) : `${duration(each.silent)}: gone`,
      ]),
    );
    if (longest.length) {
      console.log();
      print(
        ['OUT OF TOUCH', 'LAG', 'WHY'],
        longest.map(({id, behind, why}) => [id, duration(behind), why]),
      );
    }
    if (isOnce) return;
    await sleep(1000);
  }
}

let said;

/** To the standard error, once as long as nothing else is to be said. */
function log(text) {
  if (text === said) return;
  said = text;
  console.error(`${new Date().toISOString()} ${text}`);
}

function numberOf(name, text, least) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Mistake(`--${name} ${text}: a whole number, ${least} or more`);
}

/** Of ms, in a few characters. */
function duration(ms) {
  if (ms < 10_000) return ms ? `${(ms / 1000).toFixed(1)} s` : '0';
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const [size, unit] = units.find(([size]) => ms >= 2 * size);
  return `${Math.floor(ms / size)} ${unit}`;
}

/** A table; what a server or a user wrote can neither move the cursor nor begin a line. */
function print(head, rows) {
  const clean = (cell) => `${cell}`.replace(/\p{Cc}+/gu, ' ');
  const table = [head, ...rows.map((row) => row.map(clean))];
  const widths = head.map((_, k) => Math.max(...table.map((row) => row[k].length)));
  for (const row of table) {
    console.log(
      row
        .map((cell, k) => cell.padEnd(widths[k]))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** What the command line asks for. */
function asked() {
  let parsed;
  try {
    parsed = parseArgs({options: OPTIONS, allowPositionals: true});
  } catch (error) {
    throw new Mistake(error.message);
  }
  const {
    values,
    positionals: [name, ...args],
  } = parsed;
  if (values.help || name === undefined) return undefined;
  const command = COMMANDS[name];
  if (!command) throw new Mistake(`there is no command "${name}": fleet --help`);
  for (const option of Object.keys(values)) {
    if ([...OF_ALL, ...command.takes].includes(option)) continue;
    throw new Mistake(`${name} has no option --${option}: fleet --help`);
  }
  return {run: command.run, args, values};
}

async function main() {
  const command = asked();
  if (!command) return void process.stdout.write(HELP);
  const {redis, fleet} = command.values;
  const at = await Fleet.open({
    url: redis ?? process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
    name: fleet ?? process.env.FLEET ?? 'fleet',
  });
  at.redis.on('error', ({message}) => log(`Redis: ${message}`));
  at.redis.on('ready', () => log('Redis answers again'));
  try {
    await command.run(at, command.args, command.values);
  } finally {
    await at.close();
  }
}

await main().catch((error) => {
  console.error(error instanceof Mistake ? `fleet: ${error.message}` : error);
  process.exitCode = error instanceof Mistake ? 2 : 1;
});
