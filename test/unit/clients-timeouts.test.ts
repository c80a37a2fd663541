// Section 9 of sse.ts: timeout and idleTimeout, with real limits, but tiny ones.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import {AsyncSSEClient, record, SSEClient} from '../../sse.ts';
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
  KINDS,
  loopOf,
  pending,
  POST,
  Script,
  scripted,
  stream,
  STREAMS,
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

  for (const idleTimeout of [0, 10, 8]) {
    const rule = `eventTimeout: pings do not count, an event does; idleTimeout ${idleTimeout}`;
    each([ASYNC, STREAMS], rule, async (kind) => {
      let time = 0;
      const parts = [A, ': ping\n', ': ping\n', B, ': ping\n'];
      const {client, retries} = scripted(kind, [{body: parts, then: 'silence'}], {
        eventTimeout: 10,
        idleTimeout,
        now: () => (time += 3), // asked before and after each chunk
        timeout: 0,
      });
      const limits = await timersSet(async () => {
        assert.deepEqual(dataOf((await consume(kind, client)).events), ['a', 'b']);
      });
      const most = idleTimeout || 10;
      assert.deepEqual(
        limits.filter((limit) => limit),
        [most, most, 7, 4, most, 7],
      );
      assertError(retries[0].error, 'SSEError', 'timeout', 'No event', ADDRESS, '10 ms');
    });
  }

  each(AWAITING, 'no limit counts what a sink of record() takes', async (kind) => {
    const {transport} = new Script(kind, [{body: [A, B]}]);
    const options = {idleTimeout: 2, eventTimeout: 4, reconnect: false};
    const recording = record(transport, () => pause(20));
    const client = new kind.Client(ADDRESS, {...options, transport: recording});
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error], [['a', 'b'], undefined]);
  });

  each(AWAITING, 'eventTimeout: pings without end', async (kind) => {
    let time = 0;
    const options = {eventTimeout: 10, now: () => (time += 3), timeout: 0};
    const endless = {body: [A], then: ': ping\n'};
    const {script, client, retries} = scripted(kind, [endless], options);
    assert.deepEqual(dataOf((await consume(kind, client)).events), ['a']);
    assertError(retries[0].error, 'SSEError', 'timeout', 'No event', ADDRESS, '10 ms');
    assert.ok(script.reads < 10);
  });

  each(AWAITING, 'idleTimeout: a getter is asked for each connection', async (kind) => {
    const script = new Script(kind, [stream(A), HELD]);
    const {transport, sleep} = script;
    const options = {
      transport,
      sleep,
      maxRetries: 1,
      get idleTimeout() {
        return script.sent.length < 2 ? 60_000 : 5;
      },
    };
    const limits = await timersSet(async () => {
      const {events} = await consume(kind, new kind.Client(ADDRESS, options));
      assert.deepEqual(dataOf(events), ['a', 'a']);
    });
    assert.deepEqual(
      limits.filter((limit) => limit && limit !== 30_000),
      [60_000, 60_000, 5, 5],
    );
  });

  each(KINDS, 'idleTimeout: a getter whose value is none', async (kind) => {
    const script = new Script(kind, [stream(A)]);
    const {transport} = script;
    const options = {
      transport,
      get idleTimeout() {
        return script.sent.length ? -1 : 5;
      },
    };
    const {error} = await consume(kind, new kind.Client(ADDRESS, options));
    assertError(error, 'RangeError', undefined, 'idleTimeout', '-1');
    assert.equal(script.open, 0);
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
      'failed: ',
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
