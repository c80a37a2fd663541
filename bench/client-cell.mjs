// One contender over a network in a process of its own, which answers one question after the
// other: {"url": …, "events": N} follows that stream, and tells what it cost.

import {answer, questions} from './child.mjs';
import {cpuTime} from './clock.mjs';
import {loadClient} from './clients.mjs';
import {makeSink} from './sink.mjs';

async function main(client) {
  const follow = await loadClient(client);
  if (typeof follow === 'string') return answer({fault: follow});
  answer({ready: true});
  const {tally, onEvent, reset} = makeSink();
  for await (const {url, events} of questions()) {
    reset();
    const start = performance.now();
    const before = cpuTime();
    await follow(url, onEvent, events);
    const cpu = (cpuTime() - before) / 1000;
    answer({...tally, ms: performance.now() - start, cpu});
  }
}

await main(JSON.parse(process.argv[2]));
process.exit();
