// Section 9 of sse.ts: loops that are left, begun again or run twice, json(), and open().

import assert from 'node:assert/strict';
import {describe} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {SSEError, type SSEEvent} from '../../sse.ts';
import {
  A,
  AWAITING,
  B,
  BLOCKING,
  boom,
  consume,
  countedController,
  dataOf,
  each,
  failures,
  HELD,
  jsonOf,
  type Kind,
  KINDS,
  loopOf,
  next,
  opens,
  POST,
  scripted,
  settled,
  stream,
  throws,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';

describe('clients: loops', () => {
  each(KINDS, 'break closes once, and a later loop resumes after it', async (kind) => {
    const {script, client} = scripted(kind, [
      stream(`id: 1\n${A}id: 2\n${B}`),
      stream('id: 2\ndata: b\n\n'),
    ]);
    const first = await consume(kind, client, () => 'break');
    assert.deepEqual(dataOf(first.events), ['a']);
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.equal(script.sent[0]!.signal.aborted, true);
    assert.equal(client.lastEventId, '1', 'that of the last event handed over');
    assert.equal(client.state, 'idle');
    const second = await consume(kind, client);
    assert.deepEqual(dataOf(second.events), ['b']);
    assert.deepEqual(script.lastEventIds, ['', '1', '2']);
    assert.deepEqual(script.waits, [3000], 'a new loop does not wait');
    assert.equal(client.state, 'closed');
  });

  each(KINDS, 'throw in the loop closes once, and is no connection failure', async (kind) => {
    const {script, client, retries} = scripted(kind, [stream(A, B), stream(B)]);
    const {error} = await consume(kind, client, throws);
    assert.equal(error, boom);
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.deepEqual(retries, []);
  });

  each(KINDS, 'return() of the iterator closes once', async (kind) => {
    const {script, client} = scripted(kind, [stream(A, B)]);
    const loop = loopOf(kind, client);
    assert.equal((await loop.next()).value.data, 'a');
    await loop.return();
    await loop.return();
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.equal((await loop.next()).done, true);
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'lastEventId and state follow what is handed over', async (kind) => {
    const {script, client} = scripted(kind, [stream(`retry: 7\nid: 1\n${A}retry: 8\nid: 2\n${B}`)]);
    assert.deepEqual(
      [client.lastEventId, client.retry, client.state, client.response],
      ['', undefined, 'idle', undefined],
    );
    const seen: unknown[] = [];
    await consume(kind, client, () => {
      seen.push([client.lastEventId, client.retry, client.state, client.response.status]);
    });
    assert.deepEqual(seen, [
      ['1', 7, 'open', 200],
      ['2', 8, 'open', 200],
    ]);
    assert.equal(script.sent.length, 2);
  });

  each(KINDS, 'the states in their order', async (kind) => {
    const states: string[] = [];
    const note = () => void states.push(client.state);
    const {client} = scripted(kind, [new Error('cut'), stream(A)], {
      headers: () => (note(), {}),
      onOpen: note,
      sleep: note,
    });
    await consume(kind, client, note);
    assert.deepEqual(states, [
      'connecting',
      'waiting',
      'connecting',
      'open',
      'open',
      'waiting',
      'connecting',
    ]);
  });

  each(KINDS, 'nothing is sent before the first next()', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)]);
    const loop = loopOf(kind, client);
    await turn();
    assert.equal(script.sent.length, 0);
    await loop.next();
    assert.equal(script.sent.length, 1);
    await loop.return();
  });

  each(KINDS, 'nothing is read while nobody asks', async (kind) => {
    const {script, client} = scripted(kind, [stream(A + B, A, A, A, A)]);
    const loop = loopOf(kind, client);
    await loop.next();
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(script.reads, 1);
    await loop.next();
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(script.reads, 1, 'the second event was here already');
    await loop.next();
    assert.equal(script.reads, 2);
    await loop.return();
  });

  each(KINDS, 'two loops at once: TypeError for the second, the first goes on', async (kind) => {
    const {script, client} = scripted(kind, [stream(A, B)]);
    const loop = loopOf(kind, client);
    assert.equal((await loop.next()).value.data, 'a');
    const {error} = await consume(kind, client);
    assertError(error, 'TypeError', undefined, 'loop');
    assert.equal((await loop.next()).value.data, 'b');
    assert.equal(script.sent.length, 1);
    await loop.return();
    assert.equal(script.open, 0);
  });

  each(AWAITING, 'two loops at once, the first still connecting', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)]);
    const loop = loopOf(kind, client);
    const first = next(loop);
    assertError((await consume(kind, client)).error, 'TypeError', undefined);
    assert.equal((await first).value.data, 'a');
    assert.equal(script.sent.length, 1);
    await loop.return();
  });

  each(KINDS, 'a POST is not sent again by a second loop', async (kind) => {
    const {script, client} = scripted(kind, [stream(A, B), stream(A)], POST);
    await consume(kind, client, () => 'break');
    const {error} = await consume(kind, client);
    assertError(error, 'TypeError', undefined, 'reconnect');
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'a POST that has ended is not sent again by a second loop', async (kind) => {
    const {script, client} = scripted(kind, [stream(A), stream(A)], POST);
    await consume(kind, client);
    const {events} = await consume(kind, client);
    assert.deepEqual(events, []);
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'a loop after 204 asks no more', async (kind) => {
    const {script, client} = scripted(kind, []);
    await consume(kind, client);
    const {events, error} = await consume(kind, client);
    assert.deepEqual([events, error], [[], undefined]);
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'a loop that was left while waiting leaves no wait to the next', async (kind) => {
    let sleeps = 0;
    const {script, client} = scripted(kind, [new Error('cut'), stream(A)], {
      sleep: () => {
        if (sleeps++ === 0) throw boom;
      },
    });
    assert.equal((await consume(kind, client)).error, boom);
    assert.deepEqual(dataOf((await consume(kind, client, () => 'break')).events), ['a']);
    assert.equal(sleeps, 1);
    assert.equal(script.sent.length, 2);
  });

  each(KINDS, 'a loop after SSEConnectionError starts afresh', async (kind) => {
    const {script, client} = scripted(kind, [...failures(2), stream(A)], {maxRetries: 1});
    const first = await consume(kind, client);
    assertError(first.error, 'SSEConnectionError', 'connection', 'after 1 ');
    const second = await consume(kind, client, () => 'break');
    assert.deepEqual(dataOf(second.events), ['a']);
    assert.equal(script.sent.length, 3);
  });

  each(
    AWAITING,
    'return() of a loop that never began leaves the running one alone',
    async (kind) => {
      const {script, client} = scripted(kind, [stream(A, B)], POST);
      const loop = loopOf(kind, client);
      await loop.next();
      await loopOf(kind, client).return();
      assert.equal((await loop.next()).value?.data, 'b');
      await loop.return();
      assert.equal(script.sent.length, 1);
    },
  );

  each(AWAITING, 'a loop that is still ending leaves the next one alone', async (kind) => {
    const {script, client} = scripted(kind, [HELD, stream(B)], {reconnect: true});
    const loop = loopOf(kind, client);
    await loop.next();
    const wait = next(loop);
    assert.equal(await settled(wait), 'pending');
    const returned = loop.return();
    const later = loopOf(kind, client);
    assert.equal((await later.next()).value?.data, 'b');
    assert.equal(((await wait) as any).done, true);
    assert.equal((await returned).done, true);
    await later.return();
    assert.deepEqual([script.sent.length, script.open], [2, 0]);
  });

  each(KINDS, 'until that throws: the event was not handed over', async (kind) => {
    const boom = new Error('boom');
    const {client} = scripted(kind, [stream('id: 1\ndata: a\n\n', 'id: 2\ndata: b\n\n')], {
      until: (event: any) => {
        if (event.id === '2') throw boom;
        return false;
      },
    });
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error, client.lastEventId], [['a'], boom, '1']);
  });
});

/** What next() gives when it is called, once, from within that function of the options. */
function calledFrom(kind: Kind, name: string) {
  let loop: any;
  let answer: unknown;
  const result = name === 'until' ? false : {};
  const call = () => {
    if (answer !== undefined) return result;
    try {
      answer = loop.next();
    } catch (error) {
      answer = error;
    }
    return result;
  };
  const events = ['id: 1\n:c\ndata: a\n\n', 'data: b\n\ndata: c\n\n'];
  const {script, client} = scripted(kind, [stream(...events), stream(B)], {[name]: call});
  loop = loopOf(kind, client);
  return {loop, script, client, answer: () => answer};
}

describe('clients: next() from within a callback: nothing is lost, nothing comes twice', () => {
  for (const name of ['onOpen', 'onComment', 'onRetry']) {
    each(KINDS, name, async (kind) => {
      const {loop, answer} = calledFrom(kind, name);
      const got: string[] = [];
      for (let n = 0; n < 6; n++) {
        const {done, value} = await loop.next();
        if (!done) got.push(value.data);
        if (done) break;
      }
      const early = (await (answer() as any))?.value?.data;
      if (early !== undefined) got.push(early);
      assert.deepEqual(got.sort(), ['a', 'b', 'b', 'c']);
    });
  }

  // Its result is what the loop waits for: there is no going on without it.
  each(KINDS, 'headers, of the first request', async (kind) => {
    const {loop, answer} = calledFrom(kind, 'headers');
    const first = await loop.next();
    const refused: any = await settledError(answer());
    assert.equal(refused.name, 'TypeError');
    assert.match(refused.message, /next\(\) must not be called from within/);
    assert.equal(first.value?.data, 'a', 'the call that is on goes on');
  });

  each(
    KINDS,
    '`until`: the event that it judges comes first, and the ID never goes back',
    async (kind) => {
      const {loop, client, answer} = calledFrom(kind, 'until');
      const first = await loop.next();
      assert.deepEqual([first.value.data, client.lastEventId], ['a', '1']);
      const early: any = await settledError(answer());
      if (kind.isBlocking)
        assert.match(early.message, /^next\(\) must not be called from within itself$/);
      else assert.equal(early.value.data, 'b');
      assert.equal((await loop.next()).value.data, kind.isBlocking ? 'b' : 'c');
    },
  );

  each([BLOCKING], '`random`: refused in words of ours, and the loop goes on', async (kind) => {
    const {loop, answer} = calledFrom(kind, 'random');
    const got = [loop.next(), loop.next(), loop.next(), loop.next()];
    assert.deepEqual(
      got.map(({value}) => value?.data),
      ['a', 'b', 'c', 'b'],
    );
    const refused: any = answer();
    assert.equal(refused.message, 'next() must not be called from within itself');
  });

  each(AWAITING, 'answers come in the order of the calls, whenever these come', async (kind) => {
    for (let microtasks = 0; microtasks < 9; microtasks++) {
      const order: string[] = [];
      const note = (call: string) => (result: any) => order.push(call + result.value?.data);
      const onRetry = () => void (order.length || loop.next().then(note('early ')));
      const steps = [stream(':c\n'), stream(`${A}${B}data: c\n\n`)];
      const loop = loopOf(kind, scripted(kind, steps, {onRetry}).client);
      await loop.next().then(note('first '));
      for (let left = microtasks; left; left--) await null;
      await loop.next().then(note('second '));
      assert.deepEqual(order, ['first a', 'early b', 'second c'], `${microtasks} microtasks`);
    }
  });

  each(KINDS, 'close() from within `random`: there is no retry', async (kind) => {
    const random = () => {
      void client.close();
      return 0;
    };
    const {signal, counts} = countedController();
    const steps = [stream(A, boom), stream(B)];
    const {script, client, retries} = scripted(kind, steps, {random, signal});
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error, retries], [['a'], undefined, []]);
    assert.deepEqual([script.waits, counts.listeners], [[], 0]);
  });

  each(KINDS, 'a second loop gets nothing of what is at hand', async (kind) => {
    const {client} = scripted(kind, [stream(A + B)]);
    const loop = loopOf(kind, client);
    await loop.next();
    const refused: any = await settledError((async () => loopOf(kind, client).next())());
    assert.equal(refused.name, 'TypeError');
    assert.equal((await loop.next()).value.data, 'b');
  });

  each(AWAITING, 'a second loop within a callback: the first waits for onComment', async (kind) => {
    let done = (): void => {};
    let refused: any;
    const {client} = scripted(kind, [stream(`: slow\nunknown: 1\n${A}`)], {
      onComment: () => new Promise<void>((resolve) => (done = resolve)),
      onIgnored: () => (refused = settledError(loopOf(kind, client).next())),
    });
    const got: string[] = [];
    const first = next(loopOf(kind, client)).then(({value}) => void got.push(value.data));
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal((await refused).name, 'TypeError');
    assert.deepEqual(got, []);
    done();
    await first;
    assert.deepEqual(got, ['a']);
  });

  each(KINDS, 'abort after reconnect(): nothing of the old connection is left', async (kind) => {
    const controller = new AbortController();
    const {client} = scripted(kind, [stream(A + B)], {signal: controller.signal});
    const loop = loopOf(kind, client);
    assert.equal((await loop.next()).value.data, 'a');
    client.reconnect();
    controller.abort(boom);
    assert.equal(await settledError((async () => loop.next())()), boom);
  });

  each(KINDS, 'and none that is judged when the abort comes', async (kind) => {
    const controller = new AbortController();
    const until = ({data}: SSEEvent) => void (data === 'b' && controller.abort(boom));
    const {client} = scripted(kind, [stream(A + B)], {signal: controller.signal, until});
    const loop = loopOf(kind, client);
    assert.equal((await loop.next()).value.data, 'a');
    client.reconnect();
    assert.equal(await settledError((async () => loop.next())()), boom);
  });
});

async function settledError(answer: unknown): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    return error;
  }
}

describe('clients: json()', () => {
  each(KINDS, 'values up to [DONE], which closes the connection', async (kind) => {
    const {script, client} = scripted(
      kind,
      [stream('data: {"a":1}\n\n', 'data: [2]\n\ndata: [DONE]\n\ndata: 3\n\n', A)],
      POST,
    );
    assert.deepEqual(await jsonOf(kind, client.json()), [{a: 1}, [2]]);
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  });

  each(KINDS, 'done of the user’s own; null: none', async (kind) => {
    const steps = [stream('data: "END"\n\ndata: ["DONE"]\n\n')];
    const first = scripted(kind, steps, POST).client;
    assert.deepEqual(await jsonOf(kind, first.json({done: '["DONE"]'})), ['END']);
    const second = scripted(kind, steps, POST).client;
    assert.deepEqual(await jsonOf(kind, second.json({done: null})), ['END', ['DONE']]);
  });

  each(KINDS, 'what is no JSON is SSEError json, and closes', async (kind) => {
    const {script, client} = scripted(kind, [stream('data: {"a":\n\n', B), stream(B)]);
    const error: any = await jsonOf(kind, client.json()).catch((caught) => caught);
    assertError(error, 'SSEError', 'json', '{');
    assert.equal(error.cause.name, 'SyntaxError');
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  });
});

describe('clients: open()', () => {
  each(KINDS, 'connects and checks now; the loop makes no second request', async (kind) => {
    const {script, client} = scripted(kind, [{headers: {'X-A': 'b'}, body: [A, B]}], POST);
    const response = await opens(kind, client);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-a'), 'b');
    assert.equal(client.state, 'open');
    assert.equal(script.reads, 0, 'nothing is read yet');
    assert.equal((await opens(kind, client)).status, 200);
    const {events, error} = await consume(kind, client);
    assert.equal(error, undefined);
    assert.deepEqual(dataOf(events), ['a', 'b']);
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'retries as the loop would', async (kind) => {
    const {script, client} = scripted(kind, [new Error('cut'), stream(A)]);
    assert.equal((await opens(kind, client)).status, 200);
    assert.deepEqual(script.waits, [3000]);
    await client.close();
    assert.equal(script.open, 0);
  });

  each(KINDS, 'an HTTP error is thrown', async (kind) => {
    const {script, client} = scripted(kind, [{status: 401, type: null, body: ['who?']}]);
    const error: any = await opens(kind, client).catch((caught) => caught);
    assertError(error, 'SSEHTTPError', 'http', '401');
    assert.equal(error.body, 'who?');
    assert.equal(client.response.status, 401);
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, '204 is no error, and the loop after it is empty', async (kind) => {
    const {script, client} = scripted(kind, []);
    assert.equal((await opens(kind, client)).status, 204);
    assert.equal(client.state, 'closed');
    assert.deepEqual(await consume(kind, client), {events: [], error: undefined});
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'open() on a closed client is an error, and sends nothing', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)]);
    await client.close();
    assert.ok((await opens(kind, client).catch((caught) => caught)) instanceof SSEError);
    assert.equal(script.sent.length, 0);
  });

  each(KINDS, 'open() while a loop runs gives the response at hand', async (kind) => {
    const {script, client} = scripted(kind, [stream(A, B)], POST);
    const loop = loopOf(kind, client);
    await loop.next();
    assert.equal((await opens(kind, client)).status, 200);
    assert.equal((await loop.next()).value.data, 'b', 'the loop goes on');
    assert.equal(script.sent.length, 1);
    await loop.return();
  });

  each(AWAITING, 'open() not awaited, then a loop: one request', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)], POST);
    const opening = client.open();
    const {events, error} = await consume(kind, client);
    assert.equal((await opening).status, 200);
    assert.equal(script.sent.length, 1);
    if (error) assertError(error, 'TypeError', undefined, 'loop');
    else assert.deepEqual(dataOf(events), ['a']);
    await client.close();
  });

  each(AWAITING, 'close() ends an open() that is pending', async (kind) => {
    const {script, client} = scripted(kind, ['silence']);
    const opening = client.open().catch((caught: unknown) => caught);
    await turn();
    await client.close();
    assert.ok((await settled(opening)) instanceof SSEError);
    assert.equal(script.sent[0]!.signal.aborted, true);
  });

  each(KINDS, 'open() and close(): the body is closed unread', async (kind) => {
    const {script, client} = scripted(kind, [stream(A)]);
    await opens(kind, client);
    await client.close();
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
    assert.equal(script.reads, 0);
    assert.deepEqual(await consume(kind, client), {events: [], error: undefined});
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'open(), then json(): one request', async (kind) => {
    const {script, client} = scripted(kind, [stream('data: 1\n\ndata: [DONE]\n\n', A)], POST);
    await opens(kind, client);
    assert.deepEqual(await jsonOf(kind, client.json()), [1]);
    assert.deepEqual(script.log, ['request 1', 'open 1', 'close 1']);
  });

  each(KINDS, 'open(), a loop that is left, and a second loop', async (kind) => {
    const {script, client} = scripted(kind, [stream(`id: 1\n${A}`, B), stream(B, A)]);
    await opens(kind, client);
    assert.deepEqual(dataOf((await consume(kind, client, () => 'break')).events), ['a']);
    assert.deepEqual(dataOf((await consume(kind, client, () => 'break')).events), ['b']);
    assert.deepEqual(script.lastEventIds, ['', '1']);
    assert.equal(script.open, 0);
  });

  each(AWAITING, 'abort ends an open() that is pending, with its reason', async (kind) => {
    const {controller, signal, counts} = countedController();
    const {script, client} = scripted(kind, ['silence'], {signal});
    const opening = client.open().catch((caught: unknown) => caught);
    await turn();
    controller.abort(boom);
    assert.equal(await settled(opening), boom);
    assert.equal(script.sent[0]!.signal.aborted, true);
    assert.equal(counts.listeners, 0);
  });

  each(KINDS, 'abort between open() and the loop closes; the loop rejects', async (kind) => {
    const {controller, signal, counts} = countedController();
    const {script, client} = scripted(kind, [stream(A)], {signal});
    await opens(kind, client);
    controller.abort(boom);
    assert.equal(script.open, 0);
    const {events, error} = await consume(kind, client);
    assert.deepEqual([events, error], [[], boom]);
    assert.equal(counts.listeners, 0);
  });

  each(KINDS, 'json() and open() in any order', async (kind) => {
    if (kind.isBlocking) return;
    const {script, client} = scripted(kind, [stream('data: 1\n\n', 'data: [DONE]\n\n')]);
    const values = client.json();
    await client.open();
    const got = [];
    for await (const value of values) got.push(value);
    assert.deepEqual([got, script.sent.length], [[1], 1]);
  });

  each(AWAITING, 'open(), reconnect(), open(): the new response', async (kind) => {
    const {script, client} = scripted(kind, [HELD, stream(B)]);
    const first = await client.open();
    client.reconnect();
    const second = await client.open();
    assert.notEqual(first, second);
    const loop = loopOf(kind, client);
    assert.equal((await loop.next()).value.data, 'b');
    await loop.return();
    assert.deepEqual([script.sent.length, script.open], [2, 0]);
  });
});
