// The blocking loop, or the async one to compare with, in a process of its own.

import {clock, cpuTime} from './clock.mjs';
import {median, quantile} from './figures.mjs';

/** Follows until `onEvent` returns true; `options` are the client's. */
const LOOPS = {
  blocking:
    ({connect}) =>
    (url, onEvent, options) => {
      for (const event of connect(url, options)) if (onEvent(event)) break;
    },
  async:
    ({asyncConnect}) =>
    async (url, onEvent, options) => {
      for await (const event of asyncConnect(url, options)) if (onEvent(event)) break;
    },
};

async function main({loop, build, origin, starts, ticks, events}) {
  const sse = await import(build);
  const follow = LOOPS[loop](sse);
  const first = [];
  for (let i = 0; i < starts; i++) {
    const start = performance.now();
    await follow(`${origin}/idle`, () => first.push(performance.now() - start));
  }

  const late = [];
  let count = 0;
  await follow(`${origin}/ticks?count=${ticks}&ms=4`, ({data}) => {
    if (count) late.push((clock() - Number(data)) / 1000); // the first says hello
    return ++count > ticks;
  });

  // a client that runs for long has a warm thread; what a new one costs has its own figures
  const options = loop === 'blocking' ? {transport: sse.blockingFetch()} : {};
  const rates = [];
  const cpus = [];
  for (let i = 0; i < 6; i++) {
    let left = events;
    let start;
    let before;
    const onEvent = () => {
      start ??= performance.now();
      before ??= cpuTime();
      return --left === 0;
    };
    await follow(`${origin}/bulk?events=${events}`, onEvent, options);
    if (i < 2) continue; // to get warm
    rates.push(events / (performance.now() - start) / 1000);
    cpus.push(((cpuTime() - before) * 1000) / events);
  }
  return {
    start: first[0],
    again: median(first.slice(1)),
    late: median(late),
    latest: quantile(late, 0.99),
    rate: median(rates),
    cpu: median(cpus),
  };
}

console.log(JSON.stringify(await main(JSON.parse(process.argv[2]))));
process.exit();
