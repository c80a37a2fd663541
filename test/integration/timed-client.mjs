// A client in a process of its own, in either loop, that tells when it saw what, by its own clock.
// Where the time between two things is the question, no other process can tell it.

import {spawn} from 'node:child_process';
import {writeSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {asyncConnect, connect} from '../../dist/sse.js';
import {onLine} from './control.mjs';
import {until} from './processes.mjs';

export const LOOPS = ['async', 'blocking'];

/** Waits that suit a test. */
const FAST = {retryInterval: 50, maxRetryInterval: 400};

/**
 * Follow `url`: {events, times, opens, retries, comments} as they come, events as [type, data, id]
 * with the time of each in `times`; `count(n)` waits for n events, `ended()` for the end of the
 * loop and gives what it threw, if anything; stop(). Times are ms since 1970.
 */
export function follow(loop, url, options = {}) {
  const child = startChild({loop, url, ...FAST, ...options});
  const seen = {events: [], times: [], opens: [], retries: [], comments: []};
  let outcome;
  onLine(child.stdout, (line) => {
    const {kind, value} = JSON.parse(line);
    if (kind === 'outcome') outcome = value;
    else seen[kind].push(value);
  });
  const closed = new Promise((resolve) => {
    child.once('error', resolve).once('close', resolve);
  });
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  const wait = (test, what, most) =>
    until(
      () => {
        const result = test();
        if (!result && isClosed) throw new Error(`it ended: ${JSON.stringify(outcome)}`);
        return result;
      },
      `${what} in the ${loop} loop`,
      most,
    ).catch((error) => {
      throw new Error(
        `${error.message}, after ${seen.events.length} events and retries`
          + ` ${JSON.stringify(seen.retries)}`,
      );
    });
  return {
    ...seen,
    count: (n, most) => wait(() => seen.events.length >= n, `${n} events`, most),
    ended: async (most) => (await wait(() => outcome, 'the end', most)).error,
    stop: () => {
      child.kill('SIGKILL');
      return closed;
    },
  };
}

/**
 * This file as a program, which ends with this process, also when that is killed: a blocked thread
 * notices nothing.
 */
function startChild(task) {
  const program = [process.execPath, fileURLToPath(import.meta.url), JSON.stringify(task)];
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** At once, also from a thread that will be blocked the next moment. */
function tell(kind, value) {
  writeSync(1, `${JSON.stringify({kind, value})}\n`);
}

const facts = ({code, message, cause}) => ({code, message, cause: cause && facts(cause)});

async function run({loop, url, ...options}) {
  const client = (loop === 'blocking' ? connect : asyncConnect)(url, {
    ...options,
    onOpen: () => tell('opens', Date.now()),
    onRetry: ({attempt, error, lastEventId}) =>
      tell('retries', {attempt, lastEventId, at: Date.now(), error: facts(error)}),
    onComment: (text) => tell('comments', text),
  });
  const take = ({event, data, id}) => {
    tell('times', Date.now());
    tell('events', [event, data, id]);
  };
  let error;
  try {
    if (loop === 'blocking') for (const event of client) take(event);
    else for await (const event of client) take(event);
  } catch (thrown) {
    error = facts(thrown);
  }
  tell('outcome', {error});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(JSON.parse(process.argv[2]));
