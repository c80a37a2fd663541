// The whole way over loopback, from a server in another process: CPU seconds of the client for a
// million events. What a drained fetch and a drained node:http take is the price of the network.

import {readArguments} from './arguments.mjs';
import {converse} from './child.mjs';
import {CLIENTS, DRAINS, GIVE_CONTENT} from './clients.mjs';
import {median, short} from './figures.mjs';
import {BLOCK} from './server.mjs';
import {tallyOf} from './sink.mjs';

const FULL = {events: {bulk: 200_000, single: 10_000}, rounds: 7, warm: 2, patience: 5000};
const QUICK = {events: {bulk: 50_000, single: 2000}, rounds: 2, warm: 1, patience: 1500};
const MOST_MS = 60_000;
const NODE = {name: 'node', command: [process.execPath]};

export async function endtoend(options) {
  const {events, rounds, warm, patience} = {
    ...options.quick ? QUICK : FULL,
    ...options.rounds && {rounds: options.rounds},
  };
  const server = converse(NODE, 'server.mjs', {}, MOST_MS);
  const {port} = await server.ready;
  const clients = await startClients(options);
  const rows = clients.map(({name, fault}) => ({name, fault, bulk: [], single: []}));
  for (const mode of ['bulk', 'single']) {
    const url = `http://127.0.0.1:${port}/${mode}?events=${events[mode]}`;
    for (let round = -warm; round < rounds; round++) {
      for (const [i, {name, child}] of clients.entries()) {
        const row = rows[i];
        if (row.fault || row[mode][0]?.isSlow) continue;
        try {
          const result = await child.ask({url, events: events[mode]});
          check(name, result, events[mode]);
          // one figure is enough of who is so slow
          result.isSlow = result.ms > patience;
          if (round >= 0 || result.isSlow) row[mode].push(result);
        } catch (error) {
          if (name.startsWith('ours')) throw error;
          row.fault = error.message;
        }
      }
    }
  }
  await Promise.all(clients.map(({child}) => child.end()));
  await server.end();
  const summary = summarize(rows, events);
  print(summary);
  return summary;
}

/** Each in a process of its own, all through the rounds. */
async function startClients({ours, runtime, peers}) {
  const [build] = Object.values(ours);
  const all = Object.keys(CLIENTS).filter((name) => !peers || peers.length > 2
    || name.startsWith('ours') || DRAINS.includes(name));
  return Promise.all(all.map(async (name) => {
    const child = converse(runtime, 'client-cell.mjs', {client: name, ours: build}, MOST_MS);
    const {fault} = await child.ready;
    return {name, child, fault};
  }));
}

const wanted = new Map();

/** Every event came, and said what it should. */
function check(name, {count, sum}, events) {
  if (DRAINS.includes(name)) return;
  const isContent = GIVE_CONTENT.includes(name);
  const key = `${isContent} ${events}`;
  if (!wanted.has(key)) {
    const given = isContent
      ? BLOCK.events.map(({data}) => ({data: JSON.parse(data).choices[0].delta.content}))
      : BLOCK.events;
    wanted.set(key, tallyOf(Array.from({length: events}, (_, i) => given[i % given.length])));
  }
  const want = wanted.get(key);
  if (count !== want.count || sum !== want.sum) {
    throw new Error(`${name}: ${count} events, checksum ${sum}, instead of ${want.count}, ${want.sum}`);
  }
}

function summarize(rows, events) {
  const cpuOf = (row, mode) => row[mode].map(({cpu}) => cpu / events[mode] * 1e6);
  const [base] = rows;
  return rows.map((row) => ({
    name: row.name,
    fault: row.fault,
    ...Object.fromEntries(['bulk', 'single'].map((mode) => {
      const cpu = cpuOf(row, mode);
      if (row.fault || !cpu.length) return [mode, undefined];
      const drain = cpuOf(base, mode);
      return [mode, {
        cpu: median(cpu),
        ratio: median(cpu.map((value, i) => value / drain[i])),
        rate: median(row[mode].map(({ms}) => events[mode] / ms / 1000)),
      }];
    })),
  }));
}

function print(rows) {
  console.log('\nend to end over loopback: CPU s a million events, × drained fetch, million events/s');
  console.log(`  ${''.padEnd(32)}${'bulk'.padStart(8)}${'×'.padStart(7)}${'M/s'.padStart(7)}`
    + `${'single'.padStart(10)}${'×'.padStart(7)}${'M/s'.padStart(7)}`);
  for (const {name, fault, bulk, single} of rows) {
    const figures = [bulk, single].map((mode, i) => mode
      ? short(mode.cpu).padStart(i ? 10 : 8) + short(mode.ratio).padStart(7)
        + short(mode.rate).padStart(7) : '').join('');
    console.log(`  ${name.padEnd(32)}${fault ? fault.slice(0, 80) : figures}`);
  }
}

if (import.meta.filename === process.argv[1]) await endtoend(readArguments());
