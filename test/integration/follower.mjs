// A client in a process of its own, in either loop, and all that it tells: follow() starts one.
// Nothing blocks the test that way, and both loops are seen in the same manner.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {writeSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {isDeepStrictEqual} from 'node:util';
import {asyncConnect, connect} from '../../dist/sse.js';
import {until} from './processes.mjs';

export const LOOPS = ['async', 'blocking'];

/** Waits that suit a test. */
const FAST = {retryInterval: 50, maxRetryInterval: 400};

const running = new Set();

/**
 * Follow `url` with the client's options, as far as JSON has them, and
 *
 *   last   the data of the event that ends it (the option `until`)
 *   take   leave the loop after so many events
 *   env    of the process; transport: 'http2' instead of fetch
 *
 * Gives {events, opens, retries, comments} as they come, events as [type, data, id]; count(n),
 * opened(n) and retried(n), which wait for so many, or for the end; ended(): {lastEventId, error?};
 * wait(test, what): for anything else; stop().
 */
export function follow(loop, url, {env, ...options} = {}) {
  const child = startChild({loop, url, ...FAST, ...options}, env);
  const seen = {loop, events: [], opens: [], retries: [], comments: []};
  let outcome;
  createInterface({input: child.stdout}).on('line', (line) => {
    const {kind, value} = JSON.parse(line);
    if (kind === 'outcome') outcome = value;
    else seen[kind].push(value);
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (outcome) resolve(outcome);
      else reject(new Error(`the ${loop} client for ${url} ended with ${signal ?? code}`));
    });
  });
  const stop = () => {
    child.kill('SIGKILL');
    return ended.catch(() => {});
  };
  running.add(stop);
  ended.catch(() => {}).finally(() => running.delete(stop));
  const wait = async (test, what) => {
    try {
      return await until(test, `${what} in the ${loop} loop over ${url}`);
    } catch (error) {
      throw new Error(`${error.message}, ${shown(seen)} ${JSON.stringify(outcome ?? '')}`);
    }
  };
  return {
    ...seen,
    ended: async () => {
      await wait(() => outcome, 'the end');
      return ended;
    },
    count: (n) => wait(() => outcome?.error || seen.events.length >= n, `${n} events`),
    opened: (n) => wait(() => outcome || seen.opens.length >= n, `connection ${n}`),
    retried: (n) => wait(() => outcome || seen.retries.length >= n, `${n} retries`),
    wait,
    stop,
  };
}

/** This file as a program, which ends with this process. */
function startChild(task, env) {
  const program = [process.execPath, fileURLToPath(import.meta.url), JSON.stringify(task)];
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {...process.env, ...env},
  });
}

/** Ends those that a failed test left. */
export async function stopFollowers() {
  await Promise.all([...running].map((stop) => stop()));
}

/** Wait for that of each: each(followers, 'count', 3). */
export const each = (followers, what, ...args) =>
  Promise.all(followers.map((follower) => follower[what](...args)));

/** The same in both loops at the same time. */
export const followBoth = (url, options) => LOOPS.map((loop) => follow(loop, url, options));

function shown({events, opens, retries}) {
  return `after ${events.length} events, ${opens.length} connections, ${JSON.stringify(retries)}`;
}

/** deepEqual over whole arrays of events, with a message that says what is wrong in one line. */
export function assertSame(got, sent, who) {
  if (isDeepStrictEqual(got, sent)) return;
  const keys = got.map((event) => JSON.stringify(event));
  const wanted = sent.map((event) => JSON.stringify(event));
  const lost = wanted.filter((key) => !keys.includes(key));
  const twice = keys.filter((key, index) => keys.indexOf(key) < index);
  const alien = keys.filter((key) => !wanted.includes(key));
  const first = keys.findIndex((key, index) => key !== wanted[index]);
  const some = (list) => `${list.length} (${list.slice(0, 3).join(' ')})`;
  throw new assert.AssertionError({
    message:
      `${who} got ${got.length} of ${sent.length} events, lost ${some(lost)}, twice`
      + ` ${some(twice)}, never sent ${some(alien)}; the first difference at ${first}`,
  });
}

// ── The process ──────────────────────────────────────────────────────────────────────────────────

const clock = new Int32Array(new SharedArrayBuffer(4));

/** At once, also from a thread that will be blocked the next moment; waits for a full pipe. */
function tell(kind, value) {
  let bytes = Buffer.from(`${JSON.stringify({kind, value})}\n`);
  while (bytes.length) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(clock, 0, 0, 1);
    }
  }
}

const facts = (error) => ({
  name: error.name,
  code: error.code,
  status: error.status,
  message: error.message,
  retryAfter: error.retryAfter,
  body: error.body,
  retries: error.retries,
  cause: error.cause && facts(error.cause),
});

async function run({loop, url, last, take = Infinity, transport, ...options}) {
  const isBlocking = loop === 'blocking';
  const client = (isBlocking ? connect : asyncConnect)(url, {
    ...options,
    ...(transport && {transport: (await import('./http2.mjs')).http2Transport()}),
    ...(last !== undefined && {until: ({data}) => data === last}),
    onOpen: ({status, headers}) =>
      tell('opens', {
        status,
        encoding: headers.get('content-encoding'),
        at: Date.now(),
      }),
    onRetry: ({attempt, delay, error, lastEventId}) =>
      tell('retries', {
        attempt,
        delay,
        lastEventId,
        at: Date.now(),
        error: facts(error),
      }),
    onComment: (text) => tell('comments', text),
  });
  let count = 0;
  const isLast = ({event, data, id}) => {
    tell('events', [event, data, id]);
    return ++count >= take;
  };
  let error;
  try {
    if (isBlocking) {
      for (const event of client) if (isLast(event)) break;
    } else {
      for await (const event of client) if (isLast(event)) break;
    }
  } catch (thrown) {
    error = facts(thrown);
  }
  tell('outcome', {lastEventId: client.lastEventId, state: client.state, error});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(JSON.parse(process.argv[2]));
