// Thousands of idle subscriptions in one process: what each of them keeps, and how fast they are
// made and reached. Each contender has a server of its own, too: ports are in use for a while.

import {readArguments} from './arguments.mjs';
import {runScript, startServer} from './child.mjs';
import {clientsFor} from './clients.mjs';
import {median, short} from './figures.mjs';

const FULL = {counts: [1000, 5000], processes: 3, limit: 60_000};
const QUICK = {counts: [1000], processes: 1, limit: 15_000};
const KEYS = ['rss', 'heap', 'connect', 'broadcast'];

export async function many(options) {
  const {counts, processes, limit} = {
    ...(options.quick ? QUICK : FULL),
    ...(options.processes && {processes: options.processes}),
  };
  const clients = clientsFor(options).filter(({givesContent}) => !givesContent);
  const rows = [];
  for (const count of counts) {
    console.log(
      `\n${count} idle subscriptions: bytes of RSS and heap each, ms to connect, `
        + 'ms until a message has reached all',
    );
    for (const client of clients) {
      const runs = [];
      while (runs.length < processes && !runs[0]?.fault) {
        runs.push(await measure(options.runtime, client, count, limit));
      }
      const row = {label: client.label, isOurs: client.isOurs, isDrain: client.isDrain, count};
      if (runs[0].fault) row.fault = runs[0].fault;
      else for (const key of KEYS) row[key] = median(runs.map((run) => run[key]));
      rows.push(row);
      print(row);
    }
  }
  return rows;
}

async function measure(runtime, client, count, limit) {
  const {origin, end} = await startServer(limit);
  const {
    results: [result],
    isLate,
  } = await runScript(runtime, 'many-cell.mjs', {client, origin, count}, limit);
  await end();
  return isLate ? {fault: `more than ${limit} ms`} : result;
}

function print({label, fault, ...row}) {
  const figures = KEYS.map((key) => short(row[key]).padStart(9)).join('');
  console.log(`  ${label.padEnd(32)}${fault?.slice(0, 80) ?? figures}`);
}

if (import.meta.filename === process.argv[1]) await many(readArguments());
