// Who takes part in the parse benchmark, what they are given, and whether what they make of it is
// right. A contestant is checked first: it must give the workload's events, all fields of all of
// them. This runs in browsers, too.

import {cpuTime} from './clock.mjs';
import {forms as OURS} from './ours.mjs';
import {PEERS} from './peers.mjs';
import {makeSink, tallyOf} from './sink.mjs';
import {cut, workload} from './workloads.mjs';

/** Bytes of a workload: enough events for any chunk size, few enough for 1-byte chunks. */
const sizeFor = (chunk) => (chunk === 1 ? 32 << 10 : chunk === 64 ? 128 << 10 : 1 << 20);

/** A contender that takes longer than this for one run has failed, ms. */
const MOST_MS = 20_000;

/** CPU ms of a run, above which a peer is not measured: some hundred times the usual. */
const SLOW_MS = 800;

/** What a chunk size says of the input: text, lines or bytes. */
export const kindOf = (chunk) => (typeof chunk === 'number' ? 'bytes' : chunk);

/** What the contenders are given of a workload; `kind` tells which of it. */
export function inputOf(name, chunk, size = sizeFor(chunk)) {
  const kind = kindOf(chunk);
  const {events, text, bytes, isASCII} = workload(name, size);
  return {
    name,
    chunk,
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

/** `{name, label, isOurs, kind, …}` of all that take part: what `load` needs, as plain data. */
export function contenders({ours, forms, peers = Object.keys(PEERS), runtime}) {
  const found = [];
  for (const [build, path] of Object.entries(ours)) {
    for (const [form, {label, input}] of Object.entries(OURS)) {
      if (forms && !forms.includes(form.split(' ')[0])) continue;
      const about = {label: `${build}, ${label}`, isOurs: true, kind: input};
      found.push({name: `${build} ${form}`, ...about, path, form});
    }
  }
  for (const name of peers) {
    const {label, takesText, ids, needsNode} = PEERS[name];
    if (needsNode && isBrowser(runtime)) continue;
    for (const kind of takesText ? ['bytes', 'text', 'lines'] : ['bytes']) {
      found.push({name, label, isOurs: false, kind, ids});
    }
  }
  return found;
}

/** A runtime without a command is a browser: see arguments.mjs. */
export const isBrowser = (runtime) => runtime !== undefined && !runtime.command;

/** The same with `run(input, onEvent)` and a `sink` for its events. */
export async function load(contender) {
  const {name, kind, isOurs, path, form} = contender;
  const sink = makeSink();
  if (!isOurs) return {...contender, sink, run: (await PEERS[name].load())[kind]};
  const sse = await import(path);
  return {...contender, sink, run: (input, onEvent) => OURS[form].run(sse, input, onEvent)};
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
async function isSlow({run, sink}, input, most, now) {
  for (let i = 0; ; i++) {
    const start = now();
    await run(input, sink.onEvent);
    const took = now() - start;
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

/**
 * One contestant over one workload, for as long as its process lives: it goes through all sizes of
 * chunks, as real programs do, and not the one that it was tuned for. Time is the process's CPU
 * time, unless `wall`: on a machine with five other processes it moved by 2 %, the clock's by 200 %.
 */
export async function enter({contender, workload, chunks, slice, warm, part = 1, wall}) {
  const now = wall ? () => performance.now() : cpuTime;
  const loaded = await load(contender);
  const entries = new Map();
  const report = {};
  for (const chunk of chunks) {
    const input = inputOf(workload, chunk, sizeFor(chunk) * part);
    const {size: bytes, count: events} = input;
    const refusal = await refusalOf(loaded, input, now);
    report[chunk] = {bytes, events, ...refusal};
    if (!refusal) entries.set(chunk, {input, want: tallyOf(input.events)});
  }
  const runs = new Map();
  for (const [chunk, {input, want}] of entries) {
    let took = 0;
    for (let spent = 0; spent < warm; spent += took) {
      took = Math.max(0.01, await time(loaded, input, 1, want, now));
    }
    runs.set(chunk, Math.max(1, Math.round(slice / took)));
  }
  return {
    report,
    /** ms of one run over these chunks. */
    async measure(chunk) {
      const {input, want} = entries.get(chunk);
      const count = runs.get(chunk);
      // engines give their heap back while others have their turn: a first part is not counted
      await time(loaded, input, Math.ceil(count / 2), want, now);
      return time(loaded, input, count, want, now);
    },
  };
}

/** Why it is not measured: `{wrong}`, `{isSlow}`; undefined: it is. */
async function refusalOf(contender, input, now) {
  const {name, isOurs} = contender;
  const isBase = ['floor', 'esp4'].includes(name);
  const isPeer = !isOurs && !isBase;
  if (isPeer) {
    const probe = inputOf(input.name, input.chunk, input.size / 16);
    if (await isSlow(contender, probe, SLOW_MS / 16, now)) return {isSlow: true};
  }
  const wrong = await faultOf(contender, input);
  if (wrong && isBase) throw new Error(`${name}, ${input.name}, ${input.chunk}: ${wrong}`);
  if (wrong) return {wrong};
  return isPeer && (await isSlow(contender, input, SLOW_MS, now)) ? {isSlow: true} : undefined;
}
