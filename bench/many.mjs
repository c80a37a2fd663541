// Thousands of idle subscriptions in one process: what each of them keeps, and how fast they are
// made and reached. Each contender has a server of its own, too: ports are in use for a while.

import {readArguments} from './arguments.mjs';
import {converse, runScript} from './child.mjs';
import {CLIENTS, DRAINS, GIVE_CONTENT} from './clients.mjs';
import {median, short} from './figures.mjs';

const FULL = {counts: [1000, 5000], processes: 3};
const QUICK = {counts: [1000], processes: 1};
const MOST_MS = 60_000;
const NODE = {name: 'node', command: [process.execPath]};

export async function many(options) {
  const {ours, runtime, peers} = options;
  const {counts, processes} = {
    ...options.quick ? QUICK : FULL,
    ...options.processes && {processes: options.processes},
  };
  const [build] = Object.values(ours);
  const names = Object.keys(CLIENTS).filter((name) => !GIVE_CONTENT.includes(name)
    && (!peers || peers.length > 2 || name.startsWith('ours') || DRAINS.includes(name)));
  const rows = [];
  for (const count of counts) {
    console.log(`\n${count} idle subscriptions: bytes of RSS and heap each, ms to connect, `
      + 'ms until a message has reached all');
    for (const name of names) {
      const runs = [];
      for (let i = 0; i < processes; i++) {
        runs.push(await measure(runtime, {client: name, ours: build, count}));
        if (runs[0].fault) break;
      }
      const figure = (key) => median(runs.map((run) => run[key]));
      const row = runs[0].fault ? {name, count, fault: runs[0].fault} : {
        name, count, rss: figure('rss'), heap: figure('heap'),
        connect: figure('connect'), broadcast: figure('broadcast'),
      };
      rows.push(row);
      print(row);
    }
  }
  return rows;
}

async function measure(runtime, options) {
  const server = converse(NODE, 'server.mjs', {}, MOST_MS);
  const {port} = await server.ready;
  const origin = `http://127.0.0.1:${port}`;
  const {results, isLate} = await runScript(
    runtime, 'many-cell.mjs', {...options, origin}, MOST_MS);
  await server.end();
  return isLate ? {fault: `more than ${MOST_MS} ms`} : results[0];
}

function print({name, rss, heap, connect, broadcast, fault}) {
  const figures = fault ? fault.slice(0, 80)
    : [rss, heap, connect, broadcast].map((value) => short(value).padStart(9)).join('');
  console.log(`  ${name.padEnd(32)}${figures}`);
}

if (import.meta.filename === process.argv[1]) await many(readArguments());
