// One contender over a network in a process of its own, which answers one question after the
// other: {"url": …, "events": N} follows that stream, and tells what it cost.

import {answer, questions} from './child.mjs';
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
    const before = process.cpuUsage();
    await follow(url, onEvent, events);
    const {user, system} = process.cpuUsage(before);
    answer({...tally, ms: performance.now() - start, cpu: (user + system) / 1e6});
  }
}

await main(JSON.parse(process.argv[2]));
process.exit();
