// The tests, for whichever runner: `fake` is its `jest` or `vi`.
import {replay} from 'ssekit';
import {lastPrice} from './prices.mjs';

const log =
  'id: 1\nevent: price\ndata: {"price": 1}\n\nid: 2\nevent: price\ndata: {"price": 2}\n\n';

export function define({expect, test, fake}) {
  test('a recorded log', async () => {
    const prices = lastPrice('https://example.com/prices', {
      transport: replay(log),
      reconnect: false,
    });
    expect(await prices).toBe(2);
  });

  test('fake timers: a reconnection after the wait that it asks for', async () => {
    fake.useFakeTimers();
    const onRetry = fake.fn();
    const transport = replay([log, {status: 204}]);
    const prices = lastPrice('https://example.com/prices', {transport, onRetry, random: () => 0.5});
    await fake.advanceTimersByTimeAsync(1);
    expect(onRetry).toHaveBeenCalledTimes(1);
    expect(onRetry.mock.calls[0][0]).toMatchObject({attempt: 1, lastEventId: '2'});
    await fake.advanceTimersByTimeAsync(onRetry.mock.calls[0][0].delay + 1);
    expect(await prices).toBe(2);
    fake.useRealTimers();
  });
}
