// Tests without a server and without waiting: node --test prices.test.mjs
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {replay, SSEHTTPError} from 'ssekit';
import {latestPrices} from './prices.mjs';

const price = (id, symbol, value) =>
  `id: ${id}\nevent: price\ndata: ${JSON.stringify({symbol, price: value})}\n\n`;

test('the latest price wins, over a lost connection', async () => {
  const waits = [];
  const prices = await latestPrices('test:prices', {
    // Each connection gets the next log; 204 follows the last one.
    transport: replay([price(1, 'ACME', 100) + price(2, 'INIT', 7), price(3, 'ACME', 101)]),
    sleep: (ms) => void waits.push(ms),
    random: () => 0, // no jitter
  });
  assert.deepEqual(
    [...prices],
    [
      ['ACME', 101],
      ['INIT', 7],
    ],
  );
  assert.deepEqual(waits, [3000, 3000]);
});

test('a refusal is thrown', async () => {
  const transport = replay([{status: 403, body: 'not yours'}]);
  await assert.rejects(latestPrices('test:prices', {transport}), (error) => {
    assert.ok(error instanceof SSEHTTPError);
    assert.deepEqual([error.status, error.body], [403, 'not yours']);
    return true;
  });
});
