// TanStack Query: `streamedQuery` reads a client; its data are the events so far.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {
  QueryClient,
  QueryObserver,
  experimental_streamedQuery as streamedQuery,
} from '@tanstack/react-query';
import {asyncConnect} from 'ssekit';
import {until} from '../integration/processes.mjs';
import {numbered, startSource} from './source.mjs';

let source;
before(async () => (source = await startSource()));
after(() => source.close());

const numbers = (from, to) => Array.from({length: to - from + 1}, (_, k) => from + k);

const options = (url, more) => ({
  queryKey: [url],
  retry: false,
  queryFn: streamedQuery({streamFn: ({signal}) => asyncConnect(url, {signal}).json(), ...more}),
});

test('the events of a stream that ends, over connections that are cut', async () => {
  const client = new QueryClient();
  const states = [];
  const observer = new QueryObserver(client, options(`${source.url}?total=7&cut=3`));
  const stop = observer.subscribe(({status, fetchStatus, data}) => {
    states.push([status, fetchStatus, data?.length ?? 0]);
  });
  await until(() => states.at(-1)?.[1] === 'idle', 'the end');
  assert.deepEqual(
    observer.getCurrentResult().data,
    numbers(1, 7).map((n) => JSON.parse(numbered(n).data)),
  );
  assert.deepEqual(states.at(-1), ['success', 'idle', 7]);
  assert.ok(
    states.some(
      ([status, fetching, count]) => status === 'success' && fetching === 'fetching' && count < 7,
    ),
  );
  stop();
  client.clear();
});

test('a live stream: what is shown last is all that came, and it ends with its last observer', async () => {
  const client = new QueryClient();
  const observer = new QueryObserver(
    client,
    options(source.url, {
      initialValue: 0,
      reducer: (_, {n}) => n,
    }),
  );
  const stop = observer.subscribe(() => {});
  await until(() => observer.getCurrentResult().data === 3, 'three events');
  assert.equal(source.open.size, 1);
  stop();
  await until(() => source.open.size === 0, 'its end');
  client.clear();
});

test("what ends the loop is the query's error", async () => {
  const client = new QueryClient();
  const refused = {
    ...options('http://127.0.0.1:1/'),
    queryFn: streamedQuery({streamFn: () => asyncConnect('http://127.0.0.1:1/', {maxRetries: 0})}),
  };
  await assert.rejects(client.fetchQuery(refused), {
    name: 'SSEConnectionError',
    code: 'connection',
  });
  client.clear();
});
