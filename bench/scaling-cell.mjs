// One contender, one shape, one chunk size, in a process of its own: from small to large, a line
// of JSON for each size as it is done, since the parent ends a process that takes too long.
//
// The chunks are the same few views over and over, so that what the process takes beside what it
// began with is the contender's own.

import {cpuTime} from './clock.mjs';
import {load} from './contestants.mjs';
import {median} from './figures.mjs';

const LINE = 61; // no divisor of any chunk size: lines are cut anywhere

/** One event of `size` bytes, in one line or in lines of LINE bytes, cut into chunks. */
export function bigEvent(shape, size, chunk) {
  const isLine = shape === 'line';
  const period = isLine ? 1 : LINE;
  const pattern = new Uint8Array(chunk + period + LINE);
  const line = `data: ${'x'.repeat(LINE - 7)}\n`;
  for (let i = 0; i < pattern.length; i++) {
    pattern[i] = isLine ? 120 : line.charCodeAt(i % LINE);
  }
  const head = isLine ? 'data: ' : '';
  const body = isLine ? size - 8 : size - 1 - ((size - 1) % LINE);
  const chunks = head ? [new TextEncoder().encode(head)] : [];
  const views = new Map();
  const viewAt = (phase, length) => {
    const key = phase * (chunk + 1) + length;
    if (!views.has(key)) views.set(key, pattern.subarray(phase, phase + length));
    return views.get(key);
  };
  for (let at = 0; at < body; at += chunk) {
    chunks.push(viewAt(at % period, Math.min(chunk, body - at)));
  }
  chunks.push(new TextEncoder().encode(isLine ? '\n\n' : '\n'));
  const length = isLine ? body : (body / LINE) * (LINE - 6) - 1;
  const bytes = chunks.reduce((sum, {length}) => sum + length, 0);
  return {chunks, bytes, length, count: 1, isASCII: true, types: ['message']};
}

/** A run that takes longer is not done twice, ms. */
const PATIENCE = 2000;

async function measure({contender, shape, chunk, sizes, slice, wall}) {
  const now = wall ? () => performance.now() : cpuTime;
  const {run} = await load(contender);
  const base = memory();
  for (const size of sizes) {
    const input = bigEvent(shape, size, chunk);
    /** The mean ms of some runs. */
    const time = async (runs) => {
      let got = 0;
      const start = now();
      for (let i = 0; i < runs; i++) {
        await run(
          input,
          ({data}) => (got += data.length + (data.charCodeAt(data.length - 1) - 120)),
        );
      }
      const took = Math.max(0.001, now() - start) / runs;
      if (got === input.length * runs) return took;
      throw new Error(got ? `${got} characters, not ${input.length * runs}` : 'no event');
    };
    const begun = performance.now();
    let took;
    do took = await time(1);
    while (performance.now() - begun < slice); // to get warm
    const times = [took];
    const runs = Math.ceil(slice / 5 / took);
    if (took < PATIENCE) for (let i = 0; i < 5; i++) times[i] = await time(runs);
    const peak = memory() - base;
    console.log(JSON.stringify({size, ns: (median(times) * 1e6) / input.bytes, peak}));
  }
}

/** The most memory that the process has ever had, bytes. */
function memory() {
  return process.resourceUsage().maxRSS * 1024;
}

if (import.meta.filename === process.argv[1] && process.argv[2]) {
  await measure(JSON.parse(process.argv[2])).catch((error) => {
    console.log(JSON.stringify({fault: error.message}));
  });
  process.exit();
}
