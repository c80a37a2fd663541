// Sections 6 and 9 of sse.ts: events in arrays.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EventSource, type SSEEvent} from '../../sse.ts';
import {
  A,
  AWAITING,
  B,
  boom,
  dataOf,
  each,
  type Kind,
  KINDS,
  scripted,
  stream,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';
import {bytesOf, later} from '../support/events.ts';

const MOST = 1024;
const C = 'data: c\n\n';

/** The data of each batch, and the error that ended the loop. */
async function batchesOf(source: any, isBlocking: boolean) {
  const batches: string[][] = [];
  const take = (batch: SSEEvent[]) => void batches.push(dataOf(batch));
  try {
    if (isBlocking) for (const batch of source.batches()) take(batch);
    else for await (const batch of source.batches()) take(batch);
  } catch (error) {
    return {batches, error};
  }
  return {batches, error: undefined};
}

describe('batches of an EventSource', () => {
  const rows: [what: string, chunks: string[], ...batches: string[][]][] = [
    ['what a chunk completes', [A + B, C], ['a', 'b'], ['c']],
    ['a chunk that completes nothing', ['data: ', 'a\n', '\n', B], ['a'], ['b']],
    ['no events', [': hi\n\n', '']],
    ['nothing', []],
    ['what is not whole at the end', [A, 'data: b'], ['a']],
  ];
  for (const [what, chunks, ...expected] of rows) {
    test(what, async () => {
      for (const cut of [chunks, chunks.map(bytesOf)] as (string | Uint8Array)[][]) {
        const sync: any = EventSource.from(cut);
        assert.deepEqual(await batchesOf(sync, true), {batches: expected, error: undefined});
        for (const source of [sync, EventSource.from(later(cut))]) {
          assert.deepEqual(await batchesOf(source, false), {batches: expected, error: undefined});
        }
      }
    });
  }

  test(`${MOST} at most, and nothing is parsed beyond them`, () => {
    const events = Array.from({length: 2 * MOST + 1}, (_, at) => `id: ${at}\n${A}`);
    const source = new EventSource(events.join(''));
    const sizes: number[] = [];
    for (const batch of source.batches()) {
      sizes.push(batch.length);
      assert.equal(source.lastEventId, batch.at(-1)!.id);
    }
    assert.deepEqual(sizes, [MOST, MOST, 1]);
  });

  test('those before an error come first, and the source is closed', async () => {
    let closed = 0;
    const chunks = {
      *[Symbol.iterator]() {
        try {
          yield `${A}${B}data: ${'x'.repeat(100)}\n`;
        } finally {
          closed++;
        }
      },
    };
    for (const isBlocking of [true, false]) {
      const source = EventSource.from(chunks, {maxEventSize: 50});
      const {batches, error} = await batchesOf(source, isBlocking);
      assert.deepEqual(batches, [['a', 'b']]);
      assertError(error, 'SSEError', 'limit', '50');
    }
    assert.equal(closed, 2);
  });
});

describe('batches of a client', () => {
  const run = (kind: Kind, steps: any, options: any = {}) => {
    const found = scripted(kind, steps, options);
    return {...found, loop: () => batchesOf(found.client, kind.isBlocking)};
  };

  each(KINDS, 'over reconnections', async (kind) => {
    const {client, loop, script} = run(kind, [stream(`id: 1\n${A}${B}`, C), stream(A)]);
    const {batches, error} = await loop();
    assert.deepEqual([batches, error], [[['a', 'b'], ['c'], ['a']], undefined]);
    assert.deepEqual(script.lastEventIds, ['', '1', '1']);
    assert.equal(client.state, 'closed');
  });

  each(KINDS, 'until ends them, with its event', async (kind) => {
    const until = ({data}: SSEEvent) => data === 'b';
    const {loop, script, client} = run(kind, [stream(A + B + C)], {until});
    assert.deepEqual(await loop(), {batches: [['a', 'b']], error: undefined});
    assert.deepEqual([script.open, client.state], [0, 'closed']);
  });

  each(KINDS, 'those before an error come first', async (kind) => {
    const {loop} = run(kind, [stream(A, new TypeError('cut'))], {reconnect: false});
    const {batches, error} = await loop();
    assert.deepEqual(batches, [['a']]);
    assertError(error, 'SSEConnectionError', 'connection', 'cut');
  });

  each(KINDS, 'an until that throws: the events before it come first', async (kind) => {
    const until = ({data}: SSEEvent) => {
      if (data === 'b') throw boom;
    };
    const {loop, script} = run(kind, [stream(A + B + C)], {until});
    const {batches, error} = await loop();
    assert.deepEqual([batches, error, script.open], [[['a']], boom, 0]);
  });

  each(AWAITING, 'an observer that is waited for ends a batch', async (kind) => {
    const onComment = async () => Promise.resolve();
    const {loop} = run(kind, [stream(`${A}: hi\n${B}${C}`), {status: 204}], {onComment});
    assert.deepEqual((await loop()).batches, [['a'], ['b', 'c']]);
  });
});
