// Many idle subscriptions of one contender in a process of its own.

import {get} from 'node:http';
import {loadClient} from './clients.mjs';
import {median} from './figures.mjs';

/** As many connections are being made at a time: more would measure the kernel's queue. */
const AT_ONCE = 128;

/** So many messages go to all, one after the other. */
const MESSAGES = 15;

const gc = globalThis.gc ?? (() => globalThis.Bun.gc(true));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** After the garbage is gone; what is freed is not given back at once. */
async function memory() {
  for (let i = 0; i < 4; i++) {
    await wait(100);
    gc();
  }
  const {rss, heapUsed} = process.memoryUsage();
  return {rss, heap: heapUsed};
}

/** ms until a message has reached all, and CPU s for a million; `expect` takes what is to be called. */
async function messages(count, origin, expect) {
  const times = [];
  const before = process.cpuUsage();
  for (let i = 0; i < MESSAGES; i++) {
    const start = performance.now();
    const reached = new Promise(expect);
    get(`${origin}/broadcast`, (response) => response.resume());
    await reached;
    times.push(performance.now() - start);
  }
  const {user, system} = process.cpuUsage(before); // µs
  return {broadcast: median(times), cpu: (user + system) / (MESSAGES * count)};
}

async function main({client, origin, count}) {
  const follow = await loadClient(client);
  if (typeof follow === 'string') return {fault: follow};
  for (let i = 0; i < 50; i++) await follow(`${origin}/bulk?events=2`, () => {}, 2);
  const before = await memory();
  const start = performance.now();
  let news = 0;
  let allNews;
  const subscribe = () =>
    new Promise((resolve, reject) => {
      let events = 0;
      follow(
        `${origin}/idle`,
        () => {
          if (++events === 1) return resolve();
          if (++news === count) allNews?.();
        },
        Infinity,
      ).catch(reject); // it never ends
    });
  let left = count;
  const connect = async () => {
    while (left-- > 0) await subscribe();
  };
  await Promise.all(Array.from({length: AT_ONCE}, connect));
  const connected = performance.now() - start;
  const after = await memory();
  const {broadcast, cpu} = await messages(count, origin, (reached) => {
    news = 0;
    allNews = reached;
  });
  return {
    connect: connected,
    broadcast,
    cpu,
    rss: (after.rss - before.rss) / count,
    heap: (after.heap - before.heap) / count,
  };
}

const result = await main(JSON.parse(process.argv[2])).catch((error) => ({fault: error.message}));
console.log(JSON.stringify(result));
process.exit();
