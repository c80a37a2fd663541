// One contender over a network in a process of its own, which answers one question after the
// other: {"url": …, "events": N} follows that stream, and tells what it cost.

import {pathToFileURL} from 'node:url';
import {answer, questions} from './child.mjs';
import {CLIENTS} from './clients.mjs';
import {makeSink} from './sink.mjs';

async function main({client, ours}) {
  let follow;
  try {
    follow = await CLIENTS[client](await import(pathToFileURL(ours)));
  } catch (error) {
    return answer({fault: `does not load: ${error.message}`});
  }
  if (!follow) return answer({fault: 'not in this build'});
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
