// node silence-long.mjs [SECONDS]: Node's fetch gives up after 300 s without a byte. It counts in
// ticks of half a second, and on a busy machine each comes late: the 300 took up to 313 s. This
// waits for 340 s if nothing else is said, for what becomes of a stream that is silent for longer,
// and of headers that take longer, as Node is and with its limits lifted. Exit 1 if not as said.

import assert from 'node:assert/strict';
import {asyncConnect, httpTransport} from '../../dist/sse.js';
import {startFaultProxies} from './fault-proxy.mjs';
import {figure} from './figures.mjs';
import {eventOf, startHistory} from './history-server.mjs';
import {dispatcher} from './lifted.mjs';
import {follow, LOOPS} from './timed-client.mjs';

const LIMIT_S = 300;
const silentMs = 1000 * Number(process.argv[2] ?? 340);
const mostMs = silentMs + 60_000;
const endless = {idleTimeout: 0, timeout: 0, retryInterval: 100};

const history = await startHistory();
const proxies = startFaultProxies();

/** What a client received, and {cause, seconds} of each reconnection. */
const runs = {
  async 'a silent body'(name, start) {
    await history.open(name, {head: 1});
    const seen = start(`${history.url}/${name}`);
    const timer = setTimeout(async () => {
      await history.publish(name);
      await history.finish(name);
    }, silentMs);
    return seen.finally(() => clearTimeout(timer));
  },
  async 'silent headers'(name, start) {
    await history.open(name, {head: 2});
    await history.finish(name);
    const proxy = await proxies.open(history.port);
    await proxy.rules([{headers: silentMs}]);
    return start(`${proxy.url}/${name}`);
  },
};

const clients = {
  ...Object.fromEntries(
    LOOPS.map((loop) => [
      loop,
      async (url) => {
        const started = Date.now();
        const client = follow(loop, url, endless);
        try {
          await client.count(2, mostMs);
          assert.equal(await client.ended(), undefined);
        } finally {
          await client.stop();
        }
        return {
          ids: client.events.map(([, , id]) => id),
          retries: client.retries.map(({error, at}) => retry(error, at - started)),
        };
      },
    ]),
  ),
  lifted: (url) => inHere(url, {init: {dispatcher}}),
  httpTransport: (url) => inHere(url, {transport: httpTransport()}),
};

async function inHere(url, options) {
  const started = Date.now();
  const seen = {ids: [], retries: []};
  const client = asyncConnect(url, {
    ...endless,
    ...options,
    onRetry: ({error}) => seen.retries.push(retry(error, Date.now() - started)),
  });
  const timer = setTimeout(() => void client.close(), mostMs);
  for await (const {id} of client) seen.ids.push(id);
  clearTimeout(timer);
  return seen;
}

function retry({code, cause}, ms) {
  return {cause: cause?.code ?? code, seconds: Math.round(ms / 1000)};
}

try {
  const isLong = silentMs > 1000 * LIMIT_S;
  const runAll = Object.keys(runs).flatMap((what, i) =>
    Object.keys(clients).map(async (who) => {
      const {ids, retries} = await runs[what](`${i}-${who}`, clients[who]);
      figure(
        `Node ${process.versions.node}, ${who}, ${silentMs / 1000} s: ${what}`,
        retries.map(({cause, seconds}) => `${cause} after ${seconds} s`).join(', '),
      );
      assert.deepEqual(ids, [eventOf(1).id, eventOf(2).id], `${who}, ${what}`);
      const code = i ? 'UND_ERR_HEADERS_TIMEOUT' : 'UND_ERR_BODY_TIMEOUT';
      const causes = retries.map(({cause}) => cause);
      // The last is the clean end, before the 204.
      assert.deepEqual(causes, [...(isLong && who === 'async' ? [code] : []), 'connection'], who);
      if (causes.length === 2) {
        assert.ok(retries[0].seconds >= LIMIT_S - 1, `after ${retries[0].seconds} s`);
      }
    }),
  );
  for (const {reason} of await Promise.allSettled(runAll)) {
    if (!reason) continue;
    console.error(reason);
    process.exitCode = 1;
  }
} finally {
  await Promise.all([history.stop(), proxies.stop()]);
}
