// The whole way over loopback, from a server in another process: CPU seconds of the client for a
// million events. What a drained fetch and a drained node:http take is the price of the network.

import {readArguments} from './arguments.mjs';
import {converse, startServer} from './child.mjs';
import {clientsFor} from './clients.mjs';
import {median, short, shuffled} from './figures.mjs';
import {eventsSent} from './server.mjs';
import {tallyOf} from './sink.mjs';

/** `patience`: ms of a run after which one run is enough. */
const FULL = {
  events: {bulk: 200_000, single: 10_000},
  rounds: 7,
  warm: 2,
  patience: 5000,
  limit: 60_000,
};
const QUICK = {
  events: {bulk: 50_000, single: 2000},
  rounds: 2,
  warm: 1,
  patience: 1500,
  limit: 10_000,
};

export async function endtoend(options) {
  const scale = {
    ...(options.quick ? QUICK : FULL),
    ...(options.rounds && {rounds: options.rounds}),
  };
  const server = await startServer(scale.limit);
  const rows = [];
  for (const client of clientsFor(options)) {
    // each in a process of its own, all the time
    const child = converse(options.runtime, 'client-cell.mjs', client, scale.limit);
    const {fault} = await child.ready.catch(({message}) => ({fault: message}));
    rows.push({...client, child, fault, bulk: [], single: []});
  }
  for (const mode of ['bulk', 'single']) await runRounds(rows, server.origin, mode, scale);
  for (const {child} of rows) await child.end();
  await server.end();
  const summary = rows.map((row) => summarize(row, baseOf(rows), scale.events));
  print(summary);
  return summary;
}

async function runRounds(rows, origin, mode, {events: {[mode]: events}, rounds, warm, patience}) {
  for (let round = -warm; round < rounds; round++) {
    for (const row of shuffled(rows)) {
      if (row.fault || row[mode][0]?.ms > patience) continue;
      try {
        const url = `${origin}/${mode}?events=${events}`;
        const result = await row.child.ask({url, events});
        if (!row.isDrain) check(row, result, events);
        if (round >= 0 || result.ms > patience) row[mode].push(result);
      } catch (error) {
        if (row.isOurs) throw error;
        row.fault = error.message;
      }
    }
  }
}

const wanted = new Map();

/** Every event came, and said what it should. */
function check({label, givesContent}, {count, sum}, events) {
  const key = `${givesContent} ${events}`;
  if (!wanted.has(key)) wanted.set(key, tallyOf(eventsSent(events, givesContent)));
  const want = wanted.get(key);
  if (count === want.count && sum === want.sum) return;
  throw new Error(`${label}: ${count} events, checksum ${sum}, not ${want.count}, ${want.sum}`);
}

const baseOf = (rows) => rows.find(({isDrain}) => isDrain);

function summarize({label, isOurs, isDrain, fault, ...figures}, base, events) {
  const row = {label, isOurs, isDrain, fault};
  for (const mode of fault ? [] : ['bulk', 'single']) {
    const cpu = figures[mode].map(({cpu}) => cpu);
    row[mode] = {
      cpu: (median(cpu) / events[mode]) * 1e6,
      ratio: median(cpu.map((value, i) => value / base[mode][i].cpu)),
      rate: median(figures[mode].map(({ms}) => events[mode] / ms / 1000)),
    };
  }
  return row;
}

function print(rows) {
  const cells = (values) => values.map((value, i) => value.padStart([8, 7, 7, 10, 7][i])).join('');
  console.log('\nend to end: CPU s a million events, × fetch drained, million events a second');
  console.log(`  ${''.padEnd(32)}${cells(['bulk', '×', 'M/s', 'single', '×'])}`);
  for (const {label, fault, bulk, single} of rows) {
    console.log(
      `  ${label.padEnd(32)}${
        fault?.slice(0, 80)
        ?? cells([bulk.cpu, bulk.ratio, bulk.rate, single.cpu, single.ratio].map(short))
      }`,
    );
  }
}

if (import.meta.filename === process.argv[1]) await endtoend(readArguments());
