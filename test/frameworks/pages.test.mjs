// React, Vue and Svelte in real browsers: each event is shown once, over connections that are cut,
// and the connection ends with the component.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {after, before, describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';
import {compile} from 'svelte/compiler';
import {browserNames, launch} from '../browsers/browsers.mjs';
import {until} from '../integration/processes.mjs';
import {startSource} from './source.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** What each shows once all seven events are there, and the stream is over. */
const PAGES = {
  react: {events: 'closed: 1,2,3,4,5,6,7', query: 'idle: 1,2,3,4,5,6,7'},
  vue: {events: 'closed: 1,2,3,4,5,6,7'},
  svelte: {events: 'closed: 1,2,3,4,5,6,7'},
};

const svelte = {
  name: 'svelte',
  setup({onLoad}) {
    onLoad({filter: /\.svelte$/}, async ({path: filename}) => {
      const {js} = compile(await readFile(filename, 'utf8'), {filename, generate: 'client'});
      return {contents: js.code, loader: 'js'};
    });
  },
};

const {outputFiles} = await build({
  entryPoints: Object.keys(PAGES).map((name) => path(`pages/${name}.mjs`)),
  outdir: '/',
  bundle: true,
  write: false,
  format: 'esm',
  conditions: ['browser', 'production'],
  define: {
    'process.env.NODE_ENV': '"production"',
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  alias: {ssekit: path('../../dist/sse.js')},
  nodePaths: [path('node_modules')],
  plugins: [svelte],
});
const scripts = new Map(outputFiles.map((file) => [file.path, file.text]));

const server = createServer((request, response) => {
  const script = scripts.get(request.url);
  response.writeHead(200, {'content-type': script ? 'text/javascript' : 'text/html'});
  response.end(script ?? '<!doctype html><title>page</title><main></main>');
});

let source;
before(async () => {
  source = await startSource();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  source.close();
  server.closeAllConnections();
  server.close();
});

for (const browserName of browserNames) {
  describe(browserName, () => {
    let browser;
    before(async () => (browser = await launch(browserName)));
    after(() => browser?.close());

    for (const [name, shown] of Object.entries(PAGES)) {
      test(name, async () => {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${server.address().port}/`);
        const mount = (url) =>
          page.evaluate(
            async (script, url) => {
              const {mount} = await import(script);
              window.unmount = mount(document.querySelector('main'), url);
            },
            `/${name}.js`,
            url,
          );
        const textOf = (id) => page.evaluate((id) => document.getElementById(id)?.textContent, id);
        await mount(`${source.url}?total=7&cut=3`);
        for (const [id, text] of Object.entries(shown)) {
          let last;
          const isShown = async () => (last = await textOf(id)) === text;
          await until(isShown, text).catch((error) => assert.equal(last, text, error.message));
        }
        await page.evaluate('unmount()');
        await until(() => source.open.size === 0, 'no connection');

        await mount(source.url);
        await until(async () => (await textOf('events')) === 'open: 1,2,3', 'a live stream');
        assert.ok(source.open.size >= 1);
        await page.evaluate('unmount()');
        await until(() => source.open.size === 0, 'no connection');
        await page.close();
      });
    }
  });
}
