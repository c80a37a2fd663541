// Section 9 of sse.ts: timeout and idleTimeout, with real limits, but tiny ones.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import {AsyncSSEClient, SSEClient} from '../../sse.ts';
import {
  A,
  ADDRESS,
  ASYNC,
  AWAITING,
  B,
  consume,
  dataOf,
  each,
  HELD,
  loopOf,
  pending,
  POST,
  scripted,
  stream,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';
import {IS_BUN, IS_DENO, IS_PAGE, IS_WORKERD} from '../support/runtime.ts';

/** Node's turns have an order: timers, then what has arrived, then setImmediate(). */
const HAS_PHASES = !IS_BUN && !IS_DENO && !IS_PAGE && !IS_WORKERD;

/** How long a client waits at most for a body to say that it is closed, ms. */
const CLOSE_LIMIT = 1000;

/** What setTimeout is asked for while `run` runs, closing aside. */
async function timersSet(run: () => Promise<unknown>): Promise<number[]> {
  const {setTimeout} = globalThis;
  const asked: number[] = [];
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    if (ms !== CLOSE_LIMIT) asked.push(ms);
    return setTimeout(callback, ms);
  }) as any;
  try {
    await run();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return asked;
}

describe('clients: time limits', () => {
  each(AWAITING, 'timeout: no headers in time is a lost connection', async (kind) => {
    const {script, client, retries} = scripted(kind, ['silence', stream(A)], {timeout: 5});
    const {events} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a']);
    assertError(retries[0].error, 'SSEError', 'timeout', ADDRESS, '5 ms');
    assert.deepEqual(script.waits, [3000, 3000]);
    assert.equal(script.sent[0]!.signal.aborted, true);
  });

  each(AWAITING, 'idleTimeout: silence is a lost connection', async (kind) => {
    const {script, client, retries} = scripted(kind, [HELD, stream(B)], {idleTimeout: 5});
    const {events} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a', 'b']);
    assertError(retries[0].error, 'SSEError', 'timeout', ADDRESS, '5 ms');
    assert.deepEqual(script.log.slice(0, 4), ['request 1', 'open 1', 'close 1', 'retry 3000']);
  });

  if (HAS_PHASES) {
    // What has arrived while the process was busy is read before the timer that is due is believed.
    test('a process that was busy for longer than idleTimeout', async () => {
      let asked = 0;
      const retries: unknown[] = [];
      const next = () => {
        asked++;
        if (asked > 2) return Promise.resolve({done: true});
        setImmediate(() => {
          const until = performance.now() + 30;
          while (performance.now() < until);
        });
        // after the timers that are due by then
        const chunk = {done: false, value: A};
        return new Promise((resolve) => setTimeout(() => setImmediate(resolve, chunk), 1));
      };
      const client = new AsyncSSEClient(ADDRESS, {
        idleTimeout: 10,
        reconnect: false,
        onRetry: (retry) => retries.push(retry),
        transport: (): any => ({
          status: 200,
          headers: {'content-type': 'text/event-stream'},
          body: {[Symbol.asyncIterator]: () => ({next})},
        }),
      });
      const {events, error} = await consume(ASYNC, client);
      assert.deepEqual([dataOf(events), error, retries], [['a', 'a'], undefined, []]);
    });
  }

  each(AWAITING, 'idleTimeout does not run while the consumer is busy', async (kind) => {
    const {client, retries} = scripted(kind, [stream(A, B)], {idleTimeout: 10, reconnect: false});
    const loop = loopOf(kind, client);
    await loop.next();
    await pause(25);
    assert.equal((await loop.next()).value.data, 'b');
    await loop.return();
    assert.deepEqual(retries, []);
  });

  each(AWAITING, 'timeout of a POST is an error with 0 retries', async (kind) => {
    const {script, client} = scripted(kind, ['silence', stream(A)], {...POST, timeout: 5});
    assertError(
      (await consume(kind, client)).error,
      'SSEConnectionError',
      'connection',
      'after 0 retries',
      '5 ms',
    );
    assert.equal(script.sent.length, 1);
  });

  each(AWAITING, 'the body of an error is waited for no longer than timeout', async (kind) => {
    const {script, client} = scripted(kind, [{status: 500, body: ['half'], then: 'silence'}], {
      timeout: 5,
    });
    const {error} = await consume(kind, client);
    assertError(error, 'SSEHTTPError', 'http', '500');
    assert.equal(error.body, 'half');
    assert.equal(script.open, 0);
  });

  each(AWAITING, 'defaults: 30 s for headers, 300 s of silence, a timer to wait', async (kind) => {
    const asked = await timersSet(async () => {
      const {client, wait} = await pending(kind, 'reading');
      await client.close();
      await wait;
      const other = await pending(kind, 'waiting', {sleep: undefined});
      await other.client.close();
      await other.wait;
    });
    assert.deepEqual(asked.slice(0, 3), [30_000, 300_000, 300_000]);
    assert.equal(asked.at(-1), 3000);
  });

  for (const none of [0, Infinity]) {
    each(AWAITING, `timeout and idleTimeout: ${none} is none`, async (kind) => {
      const asked = await timersSet(async () => {
        for (const what of ['connecting', 'reading']) {
          const {client, wait} = await pending(kind, what, {timeout: none, idleTimeout: none});
          await client.close();
          await wait;
        }
      });
      assert.deepEqual(asked, []);
    });
  }

  each(AWAITING, 'a limit too long for a timer is as long as one can be', async (kind) => {
    const long = {timeout: 1e12, idleTimeout: 1e12};
    const asked = await timersSet(async () => {
      const {client, wait} = await pending(kind, 'reading', long);
      await client.close();
      await wait;
    });
    assert.deepEqual([...new Set(asked)], [2 ** 31 - 1]);
  });

  test('in the blocking loop the transport is told the limits', () => {
    const seen: unknown[] = [];
    const transport = (_: string, {timeout, idleTimeout}: any) => {
      seen.push([timeout, idleTimeout]);
      return {status: 204};
    };
    const run = (options: any) => [...new SSEClient(ADDRESS, {transport, ...options})];
    run({});
    run({timeout: 5, idleTimeout: 6});
    assert.deepEqual(seen, [
      [30_000, 300_000],
      [5, 6],
    ]);
  });
});
