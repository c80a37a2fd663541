// Section 9 of sse.ts: close(), return(), abort and reconnect(), at any moment.

import assert from 'node:assert/strict';
import {describe} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {SSEClient} from '../../sse.ts';
import {
  A,
  ADDRESS,
  AWAITING,
  B,
  boom,
  consume,
  countedController,
  dataOf,
  each,
  KINDS,
  loopOf,
  next,
  opens,
  pending,
  POST,
  scripted,
  settled,
  type Step,
  stream,
} from '../support/clients.ts';

describe('clients: close()', () => {
  each(KINDS, 'close() while idle: nothing is sent any more; twice is once', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)]);
    assert.equal(await client.close(), undefined);
    assert.equal(await client.close(), undefined);
    assert.equal(client.state, 'closed');
    assert.deepEqual(await consume(kind, client), {events: [], error: undefined});
    assert.equal(script.sent.length, 0);
  });

  each(KINDS, 'close() between two events of a chunk: nothing after it', async (kind) => {
    const {script, client} = scripted(kind, [stream(A + B, B), stream(B)]);
    const {events, error} = await consume(kind, client, () => void client.close());
    assert.deepEqual([dataOf(events), error], [['a'], undefined]);
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.equal(client.state, 'closed');
  });

  each(KINDS, 'close() in onOpen, onComment and onRetry', async (kind) => {
    for (const name of ['onOpen', 'onComment', 'onRetry']) {
      for (const body of [`: hi\n${A}`, ': hi\n']) {
        const {script, client} = scripted(kind, [stream(body), stream(B)], {
          [name]: () => void client.close(),
        });
        const {events, error} = await consume(kind, client);
        assert.equal(error, undefined, name);
        const before = name === 'onRetry' && body.includes('a') ? ['a'] : [];
        assert.deepEqual(dataOf(events), before, name);
        assert.deepEqual([script.sent.length, script.open, script.waits], [1, 0, []], name);
      }
    }
  });

  each(KINDS, 'close() and abort in sleep and headers(): no request after it', async (kind) => {
    for (const name of ['sleep', 'headers', 'body']) {
      for (const way of ['close', 'abort']) {
        const controller = new AbortController();
        const leave = () => {
          if (way === 'abort') controller.abort(boom);
          else void client.close();
          return name === 'body' ? 'ask' : name === 'headers' ? {} : undefined;
        };
        const {script, client} = scripted(kind, [new Error('cut'), stream(A)], {
          [name]: leave,
          signal: controller.signal,
          ...(name === 'body' ? {method: 'POST'} : {}),
        });
        const {events, error} = await consume(kind, client);
        assert.deepEqual([events, error], [[], way === 'abort' ? boom : undefined], name);
        assert.deepEqual(script.sent.length, name === 'sleep' ? 1 : 0, `${way} in ${name}`);
        assert.equal(script.open, 0);
      }
    }
  });

  each(KINDS, 'closed in the middle of what it calls, it stays closed', async (kind) => {
    for (const where of ['transport', 'sleep', 'body', 'broken body']) {
      let client: any;
      const close = () => void client.close();
      const {script, retries, ...found} = scripted(
        kind,
        [stream(A), stream(B)],
        where === 'sleep' ? {sleep: close} : {},
      );
      client = found.client;
      if (where !== 'sleep') {
        const body = {
          [Symbol.iterator]: () => ({
            next: () => {
              close();
              if (where === 'broken body') throw new Error('reset');
              return {done: true, value: undefined};
            },
          }),
        };
        const answer = () => {
          if (where === 'transport') close();
          return {status: 200, body};
        };
        client = new kind.Client(ADDRESS, {
          transport: answer as any,
          onRetry: (r) => retries.push(r),
        });
      }
      const {events, error} = await consume(kind, client);
      assert.equal(error, undefined, where);
      assert.deepEqual(dataOf(events), where === 'sleep' ? ['a'] : [], where);
      assert.equal(client.state, 'closed', where);
      assert.equal(retries.length, where === 'sleep' ? 1 : 0, where);
      assert.ok(script.sent.length <= 1, where);
      assert.deepEqual(await consume(kind, client), {events: [], error: undefined}, where);
    }
  });

  each(
    KINDS,
    'return() and abort in onComment: nothing more, and no error of ours',
    async (kind) => {
      for (const body of [`: hi\n${A}`, ': hi\n']) {
        let loop: any;
        const controller = new AbortController();
        const {client, script} = scripted(kind, [stream(body)], {
          signal: controller.signal,
          onComment: () => (kind.isBlocking ? controller.abort('enough') : void loop.return()),
        });
        loop = loopOf(kind, client);
        const outcome = await (async () => next(loop))().catch((error) => error);
        assert.ok(kind.isBlocking ? outcome === 'enough' : outcome.done, String(outcome));
        await turn();
        assert.equal(script.open, 0);
        assert.equal(client.lastEventId, '');
      }
    },
  );
});

describe('clients: while a next() is pending', () => {
  for (const what of ['connecting', 'reading', 'waiting']) {
    each(AWAITING, `close() while ${what} ends the pending next()`, async (kind) => {
      const {script, client, wait, loop} = await pending(kind, what);
      const closed = client.close();
      assert.equal(client.state, 'closed');
      assert.deepEqual(await settled(wait), {done: true, value: undefined});
      assert.equal(await settled(closed), undefined);
      assert.equal(await settled(client.close()), undefined);
      assert.equal((await loop.next()).done, true);
      assert.equal(script.sent.length, 1);
      assert.equal(script.open, 0);
      assert.equal(script.sent[0]!.signal.aborted, true);
    });

    each(AWAITING, `return() while next() is ${what} ends both`, async (kind) => {
      const {script, client, wait, loop} = await pending(kind, what);
      const returned = loop.return();
      assert.equal(((await settled(wait)) as any).done, true);
      assert.equal((await settled<any>(returned)).done, true);
      assert.equal(script.sent.length, 1);
      assert.equal(script.open, 0);
      assert.equal(client.state, 'idle');
    });

    each(AWAITING, `abort while ${what}: next() rejects with the reason itself`, async (kind) => {
      const {controller, signal, counts} = countedController();
      const {script, client, wait} = await pending(kind, what, {signal});
      assert.equal(counts.listeners, 1);
      const reason = {why: what};
      controller.abort(reason);
      assert.equal(((await settled(wait)) as any).error, reason);
      assert.equal(script.open, 0);
      assert.equal(script.sent[0]!.signal.aborted, true);
      assert.equal((await consume(kind, client)).error, reason, 'and so does a later loop');
      assert.equal(script.sent.length, 1);
      assert.equal(counts.listeners, 0);
    });

    each(AWAITING, `reconnect() while ${what} connects again at once`, async (kind) => {
      const {script, client, wait, loop, retries} = await pending(kind, what);
      const retried = retries.length;
      client.reconnect();
      const {value} = (await settled(wait)) as any;
      assert.equal(value?.data, 'b');
      assert.equal(script.sent.length, 2);
      assert.equal(script.sent[0]!.signal.aborted, true);
      assert.equal(retries.length, retried, 'it is no failure');
      await loop.return();
      assert.equal(script.open, 0);
    });
  }

  // Whatever the moment: after n turns of the microtask queue, for every n that there is one for.
  for (const [what, end] of Object.entries({
    'close()': ({client}: any): void => void client.close(),
    'return()': ({loop}: any): void => void loop.return(),
    abort: ({controller}: any) => controller.abort('enough'),
  })) {
    each(AWAITING, `${what} in any microtask`, async (kind) => {
      for (let moment = 0; moment < 60; moment++) {
        const controller = new AbortController();
        const {script, client, retries} = scripted(kind, [stream(A), stream(B)], {
          signal: controller.signal,
          headers: async () => ({}),
        });
        const loop = loopOf(kind, client);
        const running = (async () => {
          while (!(await loop.next()).done);
        })().catch((error) => error);
        for (let n = 0; n < moment; n++) await undefined;
        const [requests, waits] = [script.sent.length, retries.length];
        end({client, loop, controller});
        const state = client.state;
        const outcome = await settled(running);
        if (what === 'abort' && script.sent.length < 3) {
          assert.ok(outcome === 'enough' || outcome === undefined, `${moment}: ${outcome}`);
        }
        assert.equal(script.open, 0, `${moment}: left open`);
        assert.equal(script.sent.length, requests, `${moment}: a request after it`);
        assert.equal(retries.length, waits, `${moment}: a reconnection after it`);
        if (what === 'close()') assert.deepEqual([state, client.state], ['closed', 'closed']);
      }
    });
  }
});

describe('clients: reconnect()', () => {
  each(KINDS, 'reconnect() between events: those at hand are still handed out', async (kind) => {
    const {script, client, retries} = scripted(kind, [
      stream(`id: 1\n${A}id: 2\n${B}`, 'data: lost\n\n'),
      stream('data: c\n\n', 'data: d\n\n'),
    ]);
    const {events} = await consume(kind, client, ({data}) => {
      if (data === 'a') client.reconnect();
      return data === 'c' ? 'break' : '';
    });
    assert.deepEqual(dataOf(events), ['a', 'b', 'c']);
    assert.deepEqual(script.lastEventIds, ['', '2']);
    assert.deepEqual([script.waits, retries], [[], []]);
    assert.equal(script.open, 0);
  });

  each(KINDS, 'reconnect() in onRetry, onOpen and onComment: at once', async (kind) => {
    for (const name of ['onOpen', 'onComment', 'onRetry']) {
      let calls = 0;
      const again = () => void (calls++ || client.reconnect());
      const {script, client} = scripted(kind, [stream(':\n', new Error('cut')), stream(B, A)], {
        [name]: again,
      });
      const {events, error} = await consume(kind, client, () => 'break');
      assert.equal(error, undefined, name);
      assert.deepEqual(dataOf(events), ['b'], name);
      assert.deepEqual([script.sent.length, script.open, script.waits], [2, 0, []], name);
    }
  });

  each(KINDS, 'reconnect() while idle or closed does nothing', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)]);
    client.reconnect();
    assert.equal(client.state, 'idle');
    await consume(kind, client, () => 'break');
    assert.equal(script.sent.length, 1);
    await client.close();
    client.reconnect();
    assert.equal(client.state, 'closed');
    assert.deepEqual((await consume(kind, client)).events, []);
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'reconnect() after open(): the loop connects anew', async (kind) => {
    const {script, client} = scripted(kind, [stream(A), stream(B)]);
    await opens(kind, client);
    client.reconnect();
    const {events} = await consume(kind, client, () => 'break');
    assert.deepEqual(dataOf(events), ['b']);
    assert.equal(script.open, 0);
  });

  each(KINDS, 'reconnect() of a client that does not: TypeError', async (kind) => {
    const {script, client} = scripted(kind, [stream(A, B)], POST);
    const {events, error} = await consume(kind, client, () => {
      assert.throws(() => client.reconnect(), TypeError);
    });
    assert.deepEqual([dataOf(events), error], [['a', 'b'], undefined]);
    assert.equal(script.sent.length, 1);
  });
});

describe('clients: signal', () => {
  each(KINDS, 'a signal aborted before: its reason, and nothing is sent', async (kind) => {
    const {controller, signal, counts} = countedController();
    controller.abort('enough');
    const {script, client} = scripted(kind, [stream(A)], {signal});
    assert.equal((await consume(kind, client)).error, 'enough');
    assert.equal(await opens(kind, client).catch((caught) => caught), 'enough');
    assert.equal(script.sent.length, 0);
    assert.equal(counts.listeners, 0);
  });

  each(KINDS, 'abort between two events of a chunk: its reason, nothing after it', async (kind) => {
    const {controller, signal, counts} = countedController();
    const {script, client} = scripted(kind, [stream(A + B), stream(B)], {signal});
    const {events, error} = await consume(kind, client, () => controller.abort(boom));
    assert.deepEqual(dataOf(events), ['a']);
    assert.equal(error, boom);
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.equal(counts.listeners, 0);
  });

  each(KINDS, 'the signal’s listener is removed on every way out', async (kind) => {
    const {signal, counts} = countedController();
    const run = async (steps: Step[], say?: string, options: any = {}) => {
      const {client} = scripted(kind, steps, {signal, ...options});
      await consume(kind, client, () => say);
      assert.equal(counts.listeners, 0);
    };
    await run([stream(A)]);
    await run([stream(A, B)], 'break');
    await run([{status: 500}]);
    await run([stream(A)], '', POST);
    await run([stream(A)], '', {until: () => true});
    const {client} = scripted(kind, [stream(A)], {signal});
    await opens(kind, client);
    await client.close();
    assert.equal(counts.listeners, 0);
  });

  each(
    KINDS,
    '20 clients share a signal: one listener, gone with the last of them',
    async (kind) => {
      const {signal, counts} = countedController();
      const clients = Array.from(
        {length: 20},
        () => scripted(kind, [stream(A), stream(A, B)], {signal}).client,
      );
      assert.equal(counts.listeners, 0);
      for (const client of clients) {
        const loop = loopOf(kind, client);
        for (let events = 0; events < 2; events++) await loop.next(); // the second after a reconnection
      }
      for (const client of clients) {
        assert.equal(counts.listeners, 1);
        await client.close();
      }
      assert.equal(counts.listeners, 0);
    },
  );
});

describe('clients: disposal', () => {
  each(KINDS, 'Symbol.dispose and Symbol.asyncDispose close', async (kind) => {
    const asyncDispose = (Symbol as any).asyncDispose ?? Symbol.for('Symbol.asyncDispose');
    const dispose = (Symbol as any).dispose ?? Symbol.for('Symbol.dispose');
    const ways = kind.Client === SSEClient ? [dispose, asyncDispose] : [asyncDispose];
    for (const way of ways) {
      const {script, client} = scripted(kind, [stream(A, B)]);
      const loop = loopOf(kind, client);
      await loop.next();
      const result = client[way]();
      if (way === dispose) assert.equal(result, undefined);
      await result;
      assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
      assert.equal(client.state, 'closed');
      assert.equal((await loop.next()).done, true);
    }
  });
});
