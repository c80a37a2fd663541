// What sse.test.ts and the files of test/unit/ import from Node, where there is no Node: in workerd
// and in browsers. The bundle that runtimes.mjs makes has this file in the place of the node:
// modules, and node-globals.mjs in the place of `process` and `Buffer`, in the tests only: sse.ts
// sees the runtime as it is.

import assert from 'assert';

export default assert.strict; // node:assert/strict

const tests = [];
const groups = [];

/** node:test, as far as it is used. */
export function describe(name, run) {
  groups.push(name);
  run();
  groups.pop();
}
export function test(name, ...rest) {
  const run = rest.pop();
  tests.push({name: [...groups, name].join(' > '), run});
}

/** Runs all tests, one after the other: a list of {name, ok, got}. */
export async function runTests() {
  const results = [];
  for (const {name, run} of tests) {
    try {
      await run();
      results.push({name, ok: true});
    } catch (error) {
      results.push({name, ok: false, got: String(error?.stack ?? error)});
    }
  }
  return results;
}

// node:timers/promises. The tests put others in the place of the global timers. Browsers make a
// timer in a timer wait for 4 ms; workerd takes a message for no reason to go on.
const timer = globalThis.setTimeout.bind(globalThis);
export const setTimeout = (ms) =>
  new Promise((resolve) => {
    timer(resolve, ms);
  });
const {port1, port2} = new MessageChannel();
const turns = [];
port1.onmessage = () => turns.shift()();
export const setImmediate = globalThis.document
  ? () =>
      new Promise((resolve) => {
        turns.push(resolve);
        port2.postMessage(0);
      })
  : () => setTimeout(0);

// Only the tests with real sockets use these, and they are not run here.
const absent = () => {
  throw new Error('there is no Node here');
};
export const [after, before, createServer, gzipSync, once, spawn] = Array(6).fill(absent);
export const constants = {};
