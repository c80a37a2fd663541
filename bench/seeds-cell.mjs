// Lists of lines to lists of events, as the Python libraries' own benchmark does it.

import {createParser} from 'eventsource-parser';

/** Label, events, data lines of each, characters of each. */
export const SHAPES = {small: [10, 1, 20], medium: [100, 3, 50], large: [1000, 1, 200]};

function linesOf([events, dataLines, length]) {
  return Array.from({length: events}, (_, i) => [
    'event: msg',
    `id: ${i}`,
    ...Array(dataLines).fill(`data: ${'x'.repeat(length)}`),
    '',
  ]).flat();
}

/** Mean µs of a call, as pytest-benchmark reports it, once the engine has settled. */
function mean(call, spend) {
  for (const end = performance.now() + spend / 2; performance.now() < end; ) call();
  const start = performance.now();
  let calls = 0;
  for (; performance.now() - start < spend; calls++) call();
  return ((performance.now() - start) * 1000) / calls;
}

if (import.meta.filename === process.argv[1]) {
  const {ours, spend} = JSON.parse(process.argv[2]);
  const {EventSource} = await import(ours);
  for (const [shape, numbers] of Object.entries(SHAPES)) {
    const lines = linesOf(numbers);
    const parse = {
      ours: () => [...new EventSource(lines)],
      esp4() {
        const events = [];
        const parser = createParser({onEvent: (event) => void events.push(event)});
        for (const line of lines) parser.feed(line + '\n');
        return events;
      },
    };
    const times = Object.entries(parse).map(([name, call]) => {
      const events = call();
      const {data} = events.at(-1);
      if (events.length !== numbers[0] || data.length !== (numbers[2] + 1) * numbers[1] - 1) {
        throw new Error(`${name}, ${shape}: wrong events`);
      }
      return [name, mean(call, spend)];
    });
    console.log(JSON.stringify({shape, ...Object.fromEntries(times)}));
  }
}
