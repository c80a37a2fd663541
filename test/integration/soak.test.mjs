// The soak finds what it is there to find: its checks, with every wrong there is, and a short soak
// with a server, and one with clients, that are wrong on purpose. The soak itself: npm run soak.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {eventOf, numberOf} from './history-server.mjs';
import {start} from './processes.mjs';
import {Checker, leaksOf, trend} from './soak-check.mjs';

const numbers = (from, to) => Array.from({length: to - from + 1}, (_, i) => from + i);

/** What the checker says about those events of a stream that ends with event 9. */
function check(list) {
  const checker = new Checker();
  for (const item of list) checker.received(typeof item === 'number' ? eventOf(item) : item);
  return checker.result(9);
}

const GOOD = {events: 9, twice: 0, outOfOrder: 0, wrong: 0, lost: 0, first: undefined};
const changed = {...eventOf(5), data: 'other'};
const nameless = {...eventOf(5), id: ''};

for (const [what, list, wrong] of [
  ['all of them', numbers(1, 9), {}],
  [
    'one lost',
    [1, 2, 4, 5, 6, 7, 8, 9],
    {events: 8, lost: 1, first: 'event 4 came where 3 was due'},
  ],
  ['the first lost', numbers(2, 9), {events: 8, lost: 1, first: 'event 2 came where 1 was due'}],
  [
    'the last two lost',
    numbers(1, 7),
    {events: 7, lost: 2, first: 'the loop ended with 7, the stream with 9'},
  ],
  ['none at all', [], {events: 0, lost: 9, first: 'the loop ended with 0, the stream with 9'}],
  [
    'one twice in a row',
    [1, 2, 2, 3, 4, 5, 6, 7, 8, 9],
    {events: 10, twice: 1, first: 'event 2 came again after 2'},
  ],
  [
    'three twice',
    [1, 2, 3, 4, 2, 3, 4, 5, 6, 7, 8, 9],
    {events: 12, twice: 3, first: 'event 2 came again after 4'},
  ],
  [
    'two swapped',
    [1, 2, 4, 3, 5, 6, 7, 8, 9],
    {outOfOrder: 1, first: 'event 4 came where 3 was due'},
  ],
  ['other data', [1, 2, 3, 4, changed, 6, 7, 8, 9], {wrong: 1}],
  ['another type', [1, 2, 3, 4, {...eventOf(5), event: 'x'}, 6, 7, 8, 9], {wrong: 1}],
  ['no id', [1, 2, 3, 4, nameless, 6, 7, 8, 9], {wrong: 1, lost: 1}],
]) {
  test(`checker: ${what}`, () => {
    const {first, ...counts} = check(list);
    const {first: said, ...wanted} = {...GOOD, ...wrong};
    assert.deepEqual(counts, wanted);
    if (wanted.wrong) assert.match(first, /^not what was sent: /);
    else assert.equal(first, said);
  });
}

test('events differ, and their ids tell them apart', () => {
  const ids = numbers(1, 5000).map((n) => eventOf(n).id);
  assert.equal(new Set(ids).size, 5000);
  assert.deepEqual(ids.map(numberOf), numbers(1, 5000));
  assert.ok(Number.isNaN(numberOf('5')), 'the id of event 5 is more than its number');
  assert.ok(new Set(numbers(1, 5000).map((n) => eventOf(n).data)).size > 4000);
});

const idle = {
  sockets: 2,
  files: 19,
  threads: 11,
  timers: 0,
  listeners: 7,
  heap: 11.2,
  rss: 75,
};
const during = (growth) =>
  numbers(0, 29).map((i) => ({
    heap: 12 + (i % 3) / 2 + (growth * i) / 29,
    rss: 90,
    threads: 11,
    files: 23,
    timers: 5,
  }));
const clean = {before: idle, after: {...idle, heap: 12.1}, samples: during(0), clients: 4};

for (const [what, report, problems] of [
  ['nothing left', clean, []],
  ...['sockets', 'files', 'threads', 'timers', 'listeners'].map((name) => [
    `one of the ${name} left`,
    {...clean, after: {...idle, [name]: idle[name] + 1}},
    [`${idle[name] + 1} ${name} after, ${idle[name]} before`],
  ]),
  ['heap after', {...clean, after: {...idle, heap: 15}}, ['heap of 15 MB after, 11.2 MB before']],
  ['heap meanwhile', {...clean, samples: during(6)}, [/^heap grew from .* to .* while it ran$/]],
  [
    'timers meanwhile',
    {...clean, samples: during(0).map((s) => ({...s, timers: 40}))},
    ['40 timers while it ran, for 4 clients'],
  ],
  [
    'a thread more and more',
    {...clean, samples: during(0).map((sample, i) => ({...sample, threads: 11 + (i >> 3)}))},
    ['threads grew from 11 to 14 while it ran'],
  ],
]) {
  test(`leaks: ${what}`, () => {
    const found = leaksOf(report);
    assert.equal(found.length, problems.length, found.join('; '));
    for (const [i, problem] of problems.entries()) {
      assert.ok(
        typeof problem === 'string' ? found[i] === problem : problem.test(found[i]),
        found[i],
      );
    }
  });
}

test('the trend is that of medians', () => {
  const samples = [1, 1, 90, 5, 5, 5, 2, 2, 0].map((heap) => ({heap}));
  assert.deepEqual(trend(samples), {first: {heap: 1}, last: {heap: 2}});
});

/** A short soak, with that bug: {status, output}. */
async function soak(...args) {
  const {child, output} = await start(
    process.execPath,
    [
      fileURLToPath(new URL('soak.mjs', import.meta.url)),
      '--seed',
      '42',
      '--faults',
      '20',
      ...args,
    ],
    {env: {...process.env, SSEKIT_FIGURES: ''}},
  );
  const status = await new Promise((resolve) => child.once('close', resolve));
  return {status, output: output()};
}

async function findsAnEventThatComesTwice() {
  const {status, output} = await soak('--events', '30000', '--bug', 'twice');
  assert.match(output, /seed 42: 0 lost, 1 twice, .*; the first: event 5000 came again/, output);
  assert.match(output, /FAILED; again with: npm run soak -- --seed 42$/m);
  assert.match(output, /blocking: lost, twice, out of order, changed: 0, 0, 0, 0$/m);
  assert.equal(status, 1);
}

async function findsWhatIsLeftBehind() {
  const {status, output} = await soak('--events', '10000', '--bug', 'leak');
  for (const loop of ['async', 'blocking']) {
    for (const what of ['sockets', 'files', 'threads', 'timers', 'listeners']) {
      assert.match(output, new RegExp(`soak: ${loop}, .*\\d ${what} after`), output);
    }
  }
  assert.match(output, /async, seed 42: heap of/);
  assert.equal(status, 1);
}

test('soak', {concurrency: 2}, (t) =>
  Promise.all([
    t.test('an event that comes twice is found, and the seed printed', findsAnEventThatComesTwice),
    t.test('what is left behind is found', findsWhatIsLeftBehind),
  ]),
);
