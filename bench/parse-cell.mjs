// One cell of the parse benchmark in a process of its own, so that no cell runs on what the engine
// learned in another: node parse-cell.mjs '{"workload": "openai", "chunk": 16384, …}'. Prints a
// line of JSON.
//
// Contenders are checked first: each must give the workload's events, all fields of all of them.
// Then rounds; each round runs every contender once, in a new order, for `slice` ms or once if
// that takes longer, and counts and checks what comes. Ratios are of one round, the figure is
// their median: what disturbs the machine disturbs all contenders of a round alike. Time is the
// process's CPU time, unless `wall`: on a machine with five other processes it moved by 2 %, the
// clock's by 200 %.

import {cpuTime} from './clock.mjs';
import {shuffled} from './figures.mjs';
import {forms as OURS} from './ours.mjs';
import {PEERS} from './peers.mjs';
import {tallyOf} from './sink.mjs';
import {cut, workload} from './workloads.mjs';

/** Bytes of a workload: enough events for any chunk size, few enough for 1-byte chunks. */
const sizeFor = (chunk) => (chunk === 1 ? 32 << 10 : chunk === 64 ? 128 << 10 : 1 << 20);

/** A contender that takes longer than this for one run has failed, ms. */
const MOST_MS = 20_000;

/** CPU ms of a run, above which a peer is not measured: some hundred times the usual. */
const SLOW_MS = 800;

/** What the contenders are given of a workload; `kind` tells which of it. */
export function inputOf(name, chunk, size = sizeFor(chunk)) {
  const kind = chunk === 'text' || chunk === 'lines' ? chunk : 'bytes';
  const {events, text, bytes, isASCII} = workload(name, size);
  return {
    kind,
    events,
    size: bytes.length,
    count: events.length,
    isASCII,
    types: [...new Set(events.map(({event}) => event))],
    text,
    lines: kind === 'lines' ? text.split(/\r\n|\n/).slice(0, -1) : [],
    chunks: kind === 'bytes' ? cut(bytes, chunk) : [],
  };
}

/** `{name, label, isOurs, run, ids, sink}` of all that take this kind of input. */
export async function contendersFor(kind, {ours, forms, peers = Object.keys(PEERS)}) {
  const found = [];
  for (const [build, path] of Object.entries(ours)) {
    for (const [form, {label, input}] of Object.entries(OURS)) {
      if (input !== kind || (forms && !forms.includes(form.split(' ')[0]))) continue;
      const name = `${build} ${form}`;
      const sse = await import(`${path}?${encodeURIComponent(name)}`);
      const {run} = (await import(`./ours.mjs?${encodeURIComponent(name)}`)).forms[form];
      const bound = (input, onEvent) => run(sse, input, onEvent);
      found.push({name, label: `${build}, ${label}`, run: bound, isOurs: true});
    }
  }
  for (const name of peers) {
    const {label, load, takesText, ids} = PEERS[name];
    if (kind !== 'bytes' && !takesText) continue;
    found.push({name, label, run: (await load())[kind], isOurs: false, ids});
  }
  for (const contender of found) {
    const id = encodeURIComponent(contender.name);
    contender.sink = (await import(`./sink.mjs?${id}`)).makeSink();
  }
  return found;
}

/** What is wrong with this contender's events; undefined if nothing. */
export async function faultOf({run, sink, ids = true}, input) {
  sink.reset();
  sink.keep();
  let timer;
  try {
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`more than ${MOST_MS} ms`)), MOST_MS);
    });
    await Promise.race([run(input, sink.onEvent), limit]);
  } catch (error) {
    return `throws: ${error.message}`;
  } finally {
    clearTimeout(timer);
  }
  const got = sink.take();
  const want = input.events;
  if (got.length !== want.length) return `${got.length} events instead of ${want.length}`;
  const isSame = (event, i) =>
    event.data === want[i].data
    && event.event === want[i].event
    && (!ids || event.id === want[i].id);
  const at = got.findIndex((event, i) => !isSame(event, i));
  if (at < 0) return undefined;
  return `event ${at} is ${JSON.stringify(got[at])} instead of ${JSON.stringify(want[at])}`;
}

/** Not to be measured: a second run, once the engine knows the code, takes more than `most` ms. */
async function isSlow({run, sink}, input, most) {
  for (let i = 0; ; i++) {
    const start = cpuTime();
    await run(input, sink.onEvent);
    const took = cpuTime() - start;
    if (took < most || i) return took > most;
  }
}

async function time(contender, input, runs, want, now) {
  const {
    run,
    sink: {tally, onEvent, reset},
  } = contender;
  const start = now();
  for (let i = 0; i < runs; i++) {
    reset();
    const promise = run(input, onEvent);
    if (promise) await promise;
    if (tally.count !== want.count || tally.sum !== want.sum) {
      throw new Error(`${contender.name} gave other events than when it was checked`);
    }
  }
  return (now() - start) / runs;
}

async function measure(options) {
  const {workload: name, chunk, rounds, slice, warm, wall, part = 1} = options;
  const now = wall ? () => performance.now() : cpuTime;
  const input = inputOf(name, chunk, sizeFor(chunk) * part);
  const want = tallyOf(input.events);
  const contenders = [];
  const wrong = {};
  const slow = {};
  const probe = inputOf(name, chunk, input.size / 16);
  for (const contender of await contendersFor(input.kind, options)) {
    const isPeer = !contender.isOurs && !['floor', 'esp4'].includes(contender.name);
    if (isPeer && (await isSlow(contender, probe, SLOW_MS / 16))) {
      slow[contender.name] = true;
      continue;
    }
    const fault = await faultOf(contender, input);
    if (fault && !isPeer) throw new Error(`${contender.name}, ${name}, ${chunk}: ${fault}`);
    if (fault) wrong[contender.name] = fault;
    else if (isPeer && (await isSlow(contender, input, SLOW_MS))) slow[contender.name] = true;
    else contenders.push(contender);
  }
  for (const contender of contenders) {
    let took = 0;
    for (let spent = 0; spent < warm; spent += took) {
      took = Math.max(0.01, await time(contender, input, 1, want, now));
    }
    contender.runs = Math.max(1, Math.round(slice / took));
    contender.times = [];
  }
  for (let round = 0; round < rounds; round++) {
    for (const contender of shuffled(contenders)) {
      contender.times.push(await time(contender, input, contender.runs, want, now));
    }
  }
  return {
    events: input.count,
    bytes: input.size,
    wrong,
    slow,
    contenders: contenders.map(({name, label, isOurs, times}) => ({name, label, isOurs, times})),
  };
}

if (import.meta.filename === process.argv[1] && process.argv[2]) {
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]))));
  process.exit(); // peers leave timers behind, to connect again
}
