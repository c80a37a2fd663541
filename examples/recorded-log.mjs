// Recorded logs, offline: from a string, and as a stream that never holds the whole file.
import {createReadStream, readFileSync} from 'node:fs';
import {EventSource} from 'ssekit';

const file = new URL('recorded.log', import.meta.url);

// A log that fits in memory: an ordinary loop, nothing to await.
for (const event of new EventSource(readFileSync(file, 'utf8'))) {
  console.log(event.id, event.event, JSON.stringify(event.data));
}

// A log of any size: read piece by piece, as fast as the loop takes the events.
const seconds = {};
for await (const event of EventSource.from(createReadStream(file))) {
  if (event.event !== 'step') continue;
  const step = event.json();
  if (step.state === 'passed') seconds[step.name] = step.seconds;
}
console.log(seconds);
