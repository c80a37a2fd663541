// A client may reconnect for months: what a reconnection leaves behind must not add up. Over scripted
// transports, in both loops. `node test/memory.test.mjs` also prints the figures; the variable SSE
// names another build to measure (first: node build.mjs).

import assert from 'node:assert/strict';
import {resolve} from 'node:path';
import {describe, it} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

const BUILD = process.env.SSE ?? fileURLToPath(new URL('../dist/sse.js', import.meta.url));
const {asyncConnect, connect} = await import(pathToFileURL(resolve(BUILD)).href);

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc');
const isDirect = process.argv[1] === fileURLToPath(import.meta.url);
const say = (...words) => isDirect && !process.env.NODE_TEST_CONTEXT && console.log(...words);

const LOOPS = {async: asyncConnect, blocking: connect};
const ADDRESS = 'http://sse.test/events';
const DATA = 'data: 1\n\n';
const stream = (body = DATA) => ({
  status: 200,
  headers: {'content-type': 'text/event-stream'},
  body,
});

/** A clock by which every connection has lasted, so that no guard against storms waits. */
function patientClock() {
  let time = 0;
  return () => (time += 1e6);
}

/** Follows a client to its end. */
async function follow(loop, client) {
  if (loop === 'async') for await (const _ of client);
  else for (const _ of client);
}

describe('heap', () => {
  const [FROM, TO] = [20_000, 100_000]; // before that, code is still compiled and optimized
  // Bytes for each reconnection. V8 compiles, and lets go of code, when it likes: of a client that
  // keeps nothing -14 to +3 was measured. An object that is kept costs 16 and more, and the chain of
  // generators that the blocking loop once was, 900.
  const MOST = 8;

  for (const loop of Object.keys(LOOPS)) {
    it(`${loop}: ${TO.toLocaleString('en')} reconnections leave nothing behind`, async () => {
      const heap = {};
      let count = 0;
      const client = LOOPS[loop](ADDRESS, {
        transport: () => stream(),
        sleep() {},
        now: patientClock(),
        onRetry() {
          if (++count === FROM || count === TO) heap[count] = heapUsed();
          if (count === TO) void client.close();
        },
      });
      await follow(loop, client);
      const each = (heap[TO] - heap[FROM]) / (TO - FROM);
      say(`heap ${loop.padEnd(8)} ${kB(heap[FROM])} to ${kB(heap[TO])}: ${each.toFixed(2)} B each`);
      assert.ok(each < MOST, `${each.toFixed(2)} bytes for each reconnection`);
    });
  }

  const kB = (bytes) => `${(bytes / 1024).toFixed(0)} kB`;

  function heapUsed() {
    for (let times = 0; times < 10; times++) collect(); // code grows old by it, and is let go of
    return process.memoryUsage().heapUsed;
  }
});

// Causes of reconnections: `loops`, what `answer` gives the client for its n-th request, and
// `options`, or a function that makes them and is given `watch`. `each` is called for each event.
const broken = (cause) => new TypeError('fetch failed', {cause});
const CAUSES = {
  'a clean end': {answer: () => stream()},
  'a clean end without an event': {answer: () => stream(': hi\n\n')},
  'a transport that throws': {
    answer() {
      throw broken(Object.assign(new Error('offline'), {code: 'ENETUNREACH'}));
    },
  },
  'a transport that rejects, with a chain of causes': {
    loops: ['async'],
    answer: async () => {
      throw broken(broken(new Error('ECONNREFUSED')));
    },
  },
  'a refusal after an open stream': {
    answer: (n) => (n % 2 ? stream() : {...stream('busy'), status: 503}),
  },
  'a refusal whose text is a stream': {
    loops: ['async'],
    answer: (n) => (n % 2 ? stream() : {...stream(new Blob(['busy']).stream()), status: 503}),
  },
  'a body that throws': {
    answer: () =>
      stream(
        (function* () {
          yield DATA;
          throw broken(new Error('ECONNRESET'));
        })(),
      ),
  },
  'a stream that errors': {
    loops: ['async'],
    answer: () =>
      stream(
        new ReadableStream({pull: (controller) => controller.error(broken(new Error('cut')))}),
      ),
  },
  'headers that never come': {
    loops: ['async'],
    answer: () => new Promise(() => {}),
    options: {timeout: 1},
  },
  silence: {
    loops: ['async'],
    answer: () => stream(new ReadableStream()),
    options: {idleTimeout: 1},
  },
  'a redirect, then a clean end': {
    answer: (n) => (n % 2 ? {status: 307, headers: {location: '/there'}, body: 'moved'} : stream()),
  },
  'reconnect()': {answer: () => stream(DATA + DATA), each: (client) => client.reconnect()},
  'a function for headers': {
    answer: () => stream(),
    options: (watch) => ({
      headers(attempt) {
        watch('attempt', attempt);
        return {};
      },
    }),
  },
};

describe('objects', () => {
  const REQUESTS = 300;
  const MOST = 15; // of one sort: those of the last connections may well be there still

  for (const [cause, {loops = Object.keys(LOOPS), answer, options = {}, each}] of Object.entries(
    CAUSES,
  )) {
    for (const loop of loops) {
      it(`${cause} (${loop}): nothing of a connection outlives the next ones`, async () => {
        const {watch, counts} = watcher();
        let requests = 0;
        const client = LOOPS[loop](ADDRESS, {
          transport(_, request) {
            watch('request', request);
            watch('signal', request.signal);
            // After all the others one that stays open, so that the client is seen in use.
            const response = ++requests > REQUESTS ? stream([DATA, DATA]) : answer(requests);
            watch('response', response);
            return response;
          },
          sleep() {},
          now: patientClock(),
          onOpen: (response) => watch('open response', response),
          onRetry(retry) {
            watch('retry', retry);
            for (let {error} = retry; error; error = error.cause) watch('error', error);
          },
          ...(typeof options === 'function' ? options(watch) : options),
        });
        const events = client[loop === 'async' ? Symbol.asyncIterator : Symbol.iterator]();
        do {
          const {done} = await events.next();
          assert.ok(!done, 'the loop goes on');
          each?.(client);
        } while (requests <= REQUESTS);
        const found = await counts();
        say(`${loop.padEnd(8)} ${cause}: ${Object.entries(found).map(shown).join(', ')}`);
        await events.return();
        for (const [sort, {alive, made}] of Object.entries(found)) {
          assert.ok(alive <= MOST, `${sort}: ${alive} of ${made} are alive`);
        }
        assert.ok(found.request.made > REQUESTS);
      });
    }
  }

  const shown = ([sort, {alive, made}]) => `${sort} ${alive}/${made}`;

  /** Counts the objects, by sort, that it was shown and that are still there. */
  function watcher() {
    const refs = {};
    return {
      watch: (sort, object) => void (refs[sort] ??= []).push(new WeakRef(object)),
      async counts() {
        for (let times = 0; times < 3; times++) {
          await pause(2); // within one job a WeakRef holds what it refers to
          collect();
        }
        const counted = Object.entries(refs).map(([sort, list]) => [
          sort,
          {alive: list.filter((ref) => ref.deref()).length, made: list.length},
        ]);
        return Object.fromEntries(counted);
      },
    };
  }
});
