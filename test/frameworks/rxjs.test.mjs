// RxJS: `from(client)`, which Angular uses, too.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {defer, filter, finalize, from, map, take, toArray, lastValueFrom, share} from 'rxjs';
import {asyncConnect} from 'ssekit';
import {until} from '../integration/processes.mjs';
import {numbered, startSource} from './source.mjs';

let source;
before(async () => (source = await startSource()));
after(() => source.close());

/** A connection for each subscriber, from when it subscribes until it leaves, at once. */
const events = (url, options) =>
  defer(() => {
    const client = asyncConnect(url, options);
    return from(client).pipe(finalize(() => client.close()));
  });

const plain = ({id, event, data}) => ({id, event, data});

test('all events, over connections that are cut', async () => {
  const url = `${source.url}?total=7&cut=3`;
  const got = await lastValueFrom(events(url).pipe(map(plain), toArray()));
  assert.deepEqual(got, [1, 2, 3, 4, 5, 6, 7].map(numbered));
});

test('operators end it: take(2), and an unsubscription while nothing comes', async () => {
  const got = await lastValueFrom(
    events(source.url).pipe(
      filter(({event}) => event === 'message'),
      map(({id}) => id),
      take(2),
      toArray(),
    ),
  );
  assert.deepEqual(got, ['1', '3']);
  await until(() => source.open.size === 0, 'its end');
  const seen = [];
  const subscription = events(source.url).subscribe(({id}) => seen.push(id));
  await until(() => seen.length === 3, 'three events');
  assert.equal(source.open.size, 1);
  subscription.unsubscribe();
  await until(() => source.open.size === 0, 'its end');
});

test('share(): one connection for many subscribers', async () => {
  const before = source.requests.length;
  const shared = events(source.url).pipe(share());
  const seen = [[], []];
  const subscriptions = seen.map((list) => shared.subscribe(({id}) => list.push(id)));
  await until(() => seen.every(({length}) => length === 3), 'three events each');
  assert.equal(source.requests.length - before, 1);
  for (const each of subscriptions) each.unsubscribe();
  await until(() => source.open.size === 0, 'its end');
});

test('what ends the loop is the error of the observable', async () => {
  const refused = events('http://127.0.0.1:1/', {maxRetries: 0});
  await assert.rejects(lastValueFrom(refused), {name: 'SSEConnectionError', code: 'connection'});
});
