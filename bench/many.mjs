// Thousands of subscriptions in one process: what each of them keeps, how fast they are made and
// reached, and what their messages cost. Each contender has a server of its own, too: ports are in use for a while.

import {runScript, startServer} from './child.mjs';
import {clientsFor} from './clients.mjs';
import {median, short} from './figures.mjs';

const KEYS = ['rss', 'heap', 'connect', 'broadcast', 'cpu'];

/** All contenders. */
export function many(options) {
  const counts = options.quick ? [1000] : [1000, 5000];
  const clients = clientsFor(options).filter(({givesContent}) => !givesContent);
  return table(options, counts, clients);
}

/** How many one process can follow: as many as fit into 20,000 open files, over either transport. */
export function capacity(options) {
  const counts = options.quick ? [1000] : [1000, 10_000, 15_000];
  const ways = ['over fetch', 'over node:http'];
  const clients = clientsFor({...options, peers: []}).filter(
    ({name, isOurs, isDrain}) => (isOurs && ways.includes(name)) || isDrain,
  );
  return table(options, counts, clients);
}

async function table(options, counts, clients) {
  const processes = options.processes ?? (options.quick ? 1 : 3);
  const limit = options.quick ? 15_000 : 120_000;
  const rows = [];
  for (const count of counts) {
    console.log(
      `\n${count} subscriptions: bytes of RSS and heap each, ms to connect, ms until a message`
        + ' has reached all, CPU s for a million of those',
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
