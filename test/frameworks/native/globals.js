// What React Native and Expo give a program, and the engine alone does not: each from the package
// that they take it from, or from one like it.

import 'fast-text-encoding'; // TextDecoder: Expo
import {AbortController} from 'abort-controller/dist/abort-controller'; // React Native
import {Headers} from 'headers-polyfill'; // React Native: whatwg-fetch
import {URL} from 'whatwg-url-without-unicode'; // Expo

globalThis.AbortController ??= AbortController;
globalThis.Headers ??= Headers;
globalThis.URL ??= URL;
Symbol.asyncIterator ??= Symbol('Symbol.asyncIterator');
// This engine is older than theirs.
for (const {prototype} of [String, Array]) {
  prototype.at ??= function at(n) {
    return this[n < 0 ? this.length + n : n];
  };
}
// Its shell runs timers in their order, but does not wait: here a turn is a millisecond.
const {setTimeout: turn} = globalThis;
const timers = new Map();
let now = 0;
let last = 0;

function tick() {
  now++;
  for (const [id, {at, run}] of [...timers]) if (at <= now && timers.delete(id)) run();
  if (timers.size) turn(tick);
}

globalThis.setTimeout = (run, ms = 0) => {
  if (!timers.size) turn(tick);
  timers.set(++last, {at: now + ms, run});
  return last;
};
globalThis.clearTimeout = (id) => void timers.delete(id);
globalThis.leave = () => timers.clear();
