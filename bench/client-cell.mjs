// One contender over a network in a process of its own, which answers one question after the
// other: {"url": …, "events": N} follows that stream, and tells what it cost.

import {answer, questions} from './child.mjs';
import {cpuTime} from './clock.mjs';
import {loadClient} from './clients.mjs';
import {makeSink} from './sink.mjs';

const PATIENCE = 2000; // ms of a run, above which none is made twice

async function main(client) {
  const follow = await loadClient(client);
  if (typeof follow === 'string') return answer({fault: follow});
  answer({ready: true});
  const {tally, onEvent, reset} = makeSink();
  let isSlow = false;
  for await (const {url, events} of questions()) {
    // engines give their heap back while others have their turn: a first run is not counted
    if (!isSlow) await follow(url, onEvent, events);
    reset();
    const start = performance.now();
    const before = cpuTime();
    await follow(url, onEvent, events);
    const cpu = (cpuTime() - before) / 1000;
    const ms = performance.now() - start;
    isSlow ||= ms > PATIENCE;
    answer({...tally, ms, cpu});
  }
}

await main(JSON.parse(process.argv[2]));
process.exit();
