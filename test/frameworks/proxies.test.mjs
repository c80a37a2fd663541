// Hono, h3, NestJS and a worker at the edge (workerd) pass a stream on; and a client follows them as it follows the source.

import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';
import {asyncConnect} from 'ssekit';
import * as proxies from './proxies.mjs';
import {serveWorkerd} from '../runtimes/hosts.mjs';
import {until} from '../integration/processes.mjs';
import {numbered, startSource} from './source.mjs';

const NEST = new URL('node_modules/.built/nest.mjs', import.meta.url);
await build({
  entryPoints: [new URL('nest.ts', import.meta.url).pathname],
  outfile: NEST.pathname,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  bundle: true,
  tsconfigRaw: {compilerOptions: {experimentalDecorators: true}},
});
const {nest} = await import(NEST.href);

async function workerd(upstream) {
  const path = (name) => fileURLToPath(new URL(name, import.meta.url));
  const {url, child} = await serveWorkerd(path('node_modules/workerd/bin/workerd'), {
    folder: path('node_modules/.built'),
    date: '2026-11-01',
    flags: [],
    modules: {'edge.mjs': path('edge.mjs'), ssekit: path('../../dist/sse.js')},
    network: 'allow = ["private"]',
  });
  return {url: `${url}events?of=${encodeURIComponent(upstream)}`, stop: () => child.kill()};
}

const plain = ({id, event, data}) => ({id, event, data});

for (const [name, start] of Object.entries({...proxies, nest, workerd})) {
  describe(name, () => {
    let source;
    let proxy;

    before(async () => {
      source = await startSource();
    });
    after(async () => {
      await proxy?.stop();
      source.close();
    });

    test('each event once, over connections that are cut', async () => {
      proxy = await start(`${source.url}?total=7&cut=3`);
      const got = [];
      const options = {retryInterval: 10, until: ({id}) => id === '7'};
      for await (const event of asyncConnect(proxy.url, options)) got.push(plain(event));
      assert.deepEqual(got, [1, 2, 3, 4, 5, 6, 7].map(numbered));
      await until(() => source.open.size === 0, 'no connection');
      await proxy.stop();
    });

    test('the caller leaves: so does the proxy', async () => {
      proxy = await start(source.url);
      const callers = [1, 2].map(() => asyncConnect(proxy.url));
      for (const caller of callers) {
        let count = 0;
        for await (const _ of caller) if (++count === 3) break;
      }
      await until(() => source.requests.length >= 2 && source.open.size === 0, 'no connection');
      const waiting = asyncConnect(proxy.url);
      await waiting.open();
      await until(() => source.open.size === 1, 'a connection');
      await waiting.close();
      await until(() => source.open.size === 0, 'no connection');
      await proxy.stop();
    });
  });
}
