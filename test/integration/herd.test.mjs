// A server restarts: how its clients come back. 5,000 of them on a virtual clock, as the pure
// Reconnection decides, beside clients that wait for a fixed time; and 1,000 real ones.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {asyncConnect, Reconnection} from '../../dist/sse.js';
import {randomFrom} from '../support/random.mjs';
import {launch} from './control.mjs';
import {figure} from './figures.mjs';
import {freePort, until} from './processes.mjs';

const CLIENTS = 5000;
const LOSS = 100; // ms that the kernel takes to end that many connections
const STEP = 100; // ms of the finest count
const STREAM = {get: (name) => (name === 'content-type' ? 'text/event-stream' : null)};

/** When a client that loses its connection at `lost` tries again, ms; the last time succeeds. */
function ours(lost, up, retry, random) {
  const reconnection = new Reconnection('http://127.0.0.1/', {random});
  const {url} = reconnection.request({}, []);
  assert.equal(url, 'http://127.0.0.1/');
  reconnection.begin(lost - 60_000);
  assert.equal(reconnection.response(200, STREAM).kind, 'open');
  reconnection.delivered({event: 'message', data: '', id: '1', retry});
  const attempts = [];
  for (let now = lost; !(attempts.at(-1) >= up); ) {
    const decision = reconnection.lost(new Error('the server is away'));
    assert.equal(decision.kind, 'wait');
    now += decision.retry.delay;
    attempts.push(now);
    reconnection.begin(now);
  }
  return attempts;
}

/** The same of a client that waits for the same time before each, as most others do. */
function fixed(lost, up, retry = 3000) {
  const attempts = [];
  for (let now = lost; !(attempts.at(-1) >= up); ) {
    now += retry;
    attempts.push(now);
  }
  return attempts;
}

/** The herd after a restart that takes `up` ms: attempts a second, peak, spread, and the rest. */
function herd(wait, up, retry) {
  const random = randomFrom(1).share;
  const all = [];
  const back = [];
  for (let n = 0; n < CLIENTS; n++) {
    const attempts = wait((n * LOSS) / CLIENTS, up, retry, random);
    all.push(...attempts);
    back.push(attempts.at(-1));
  }
  back.sort((a, b) => a - b);
  return {
    attempts: all.length,
    seconds: counts(all, 1000),
    peak: Math.max(...counts(all, STEP)),
    first: back[0],
    last: back.at(-1),
  };
}

function counts(times, step) {
  const last = times.reduce((highest, time) => Math.max(highest, time), 0);
  const list = Array(Math.floor(last / step) + 1).fill(0);
  for (const time of times) list[Math.floor(time / step)]++;
  return list;
}

const number = (value) => Math.round(value).toLocaleString('en');
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

const HEAD = [
  'the server is',
  'waits',
  `most in ${STEP} ms`,
  'most in a second',
  'attempts',
  'back from … to …',
];

/** ms, ms, our peak as a share of theirs at most. */
const OUTAGES = [
  [2000, undefined, 1 / 5],
  [2000, 1000, 1 / 2],
  [2000, 10_000, 1 / 20],
  [30_000, undefined, 1 / 5],
  [30_000, 1000, 1 / 2],
];

test('5,000 clients, one restart, on a virtual clock', () => {
  const rows = [];
  const picture = [];
  for (const [outage, retry, most] of OUTAGES) {
    const [we, they] = [herd(ours, outage, retry), herd(fixed, outage, retry)];
    const what = `away for ${outage / 1000} s, ${retry ? `retry: ${retry}` : 'no retry: sent'}`;
    assert.equal(they.peak, CLIENTS, what); // they come as they were lost: all at once
    assert.ok(we.peak <= CLIENTS * most, `${what}: ${we.peak}`);
    const share = outage > 10_000 ? 1 / 2 : 1; // of the attempts: longer and longer waits
    assert.ok(we.attempts <= they.attempts * share, `${what}: ${we.attempts} attempts`);
    assert.ok(we.first >= Math.max(outage, retry ?? 3000), 'none before the server wants it');
    assert.ok(we.last <= outage * 2 + 1.25 * (retry ?? 3000), `${what}: ${we.last}`);
    rows.push(rowOf(what, 'ours', we), rowOf(what, 'fixed', they));
    figure(
      `herd: ${number(CLIENTS)} clients, ${what}`,
      `at most ${number(we.peak)} connections in ${STEP} ms instead of ${number(they.peak)}, `
        + `${number(we.attempts)} attempts instead of ${number(they.attempts)}; `
        + `all back after ${seconds(we.last)} instead of ${seconds(they.last)}`,
    );
    if (outage === 30_000 && !retry) picture.push(...drawn(we.seconds, they.seconds));
  }
  const table = [HEAD, HEAD.map(() => '---'), ...rows];
  console.log(table.map((row) => `| ${row.join(' | ')} |`).join('\n'));
  console.log(`\nconnections a second, the server away for 30 s:\n${picture.join('\n')}`);
});

/** A row of the table. */
function rowOf(what, name, {peak, seconds: list, attempts, first, last}) {
  return [
    what,
    name,
    number(peak),
    number(Math.max(...list)),
    number(attempts),
    `${seconds(first)} to ${seconds(last)}`,
  ];
}

/** A bar for each second: ours, then fixed. */
function drawn(we, they) {
  const bar = (count = 0) => '#'.repeat(Math.ceil(count / 250)).padEnd(20);
  const count = (value = 0) => number(value).padStart(6);
  return Array.from(
    {length: Math.max(we.length, they.length)},
    (_, second) =>
      `${String(second).padStart(3)} s  ours ${count(we[second])} ${bar(we[second])}  `
      + `fixed ${count(they[second])} ${bar(they[second])}`.trimEnd(),
  ).filter((_, second) => we[second] || they[second]);
}

const MANY = 1000;

test('1,000 real clients, one restart: all are back, and miss nothing', {timeout: 60_000}, real);

async function real() {
  const port = await freePort();
  const first = launch('herd-server.mjs');
  await first.call('listen', port, 0);
  const got = Array.from({length: MANY}, () => []);
  const retries = [];
  const clients = got.map((events) =>
    follow(`http://127.0.0.1:${port}/`, events, ({delay}) => retries.push(delay)),
  );
  const everyone = (count, what) => until(() => got.every(({length}) => length >= count), what);
  let second;
  try {
    await until(async () => (await first.call('open')) === MANY, 'all are connected');
    for (let n = 1; n <= 3; n++) assert.equal(await first.call('publish'), n);
    await everyone(3, 'the first three events');

    const killed = Date.now();
    first.child.kill('SIGKILL');
    await first.stop();
    second = launch('herd-server.mjs');
    await second.call('listen', port, 6); // three more, which nobody has seen
    const back = Date.now();
    await until(async () => (await second.call('open')) === MANY, 'all are back');
    await everyone(6, 'what they missed');
    for (let n = 7; n <= 8; n++) assert.equal(await second.call('publish'), n);
    await everyone(8, 'the last two events');

    const expected = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `${n} event ${n}`);
    for (const [n, events] of got.entries()) assert.deepEqual(events, expected, `client ${n}`);
    checkArrivals(
      (await second.call('arrivals')).map((time) => time - killed),
      retries,
      back - killed,
    );
  } finally {
    await Promise.all(clients.map(({client}) => client.close()));
    await Promise.all(clients.map(({loop}) => loop));
    await Promise.all([first.stop(), second?.stop()]);
  }
}

/** A client, and its loop, which adds to `events`. */
function follow(url, events, onRetry) {
  const client = asyncConnect(url, {onRetry});
  const loop = (async () => {
    for await (const {id, data} of client) events.push(`${id} ${data}`);
  })();
  return {client, loop};
}

/** They came after the wait that they are to keep, and not all at once. Times are ms of the loss. */
function checkArrivals(arrivals, retries, outage) {
  // On a busy machine some may need a second attempt.
  assert.ok(arrivals.length >= MANY && arrivals.length <= retries.length, `${retries.length}`);
  const early = Math.min(...arrivals);
  assert.ok(early >= 3000, `the first one after ${early} ms`);
  const distinct = new Set(retries.map(Math.round)).size;
  assert.ok(distinct > MANY / 4, `${distinct} different waits`);
  figure(
    `herd: ${number(MANY)} real clients, the server back after ${seconds(outage)}`,
    `at most ${number(Math.max(...counts(arrivals, 1000)))} connections a second, `
      + `${number(Math.max(...counts(arrivals, STEP)))} in ${STEP} ms; `
      + `back from ${seconds(early)} to ${seconds(Math.max(...arrivals))}; `
      + 'every event to each, once',
  );
}
