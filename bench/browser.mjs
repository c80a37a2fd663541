// The parse benchmark in a browser: each contestant has a page of its own. Browsers tell no
// process's CPU time, and blur their clock (Firefox to 1 ms), so slices are long and the clock is
// the wall's. First: bash test/browsers/install.sh, and npm ci in test/browsers/.

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const SLICE = 100; // ms of a measurement

/** What the browser's page has: `enterPage(task)`, then `measureIn(chunk)`. */
const ENTRY = `
  import {enter} from './contestants.mjs';
  let entered;
  globalThis.enterPage = async (task) => (entered = await enter(task)).report;
  globalThis.measureIn = async (chunk) => ({ms: await entered.measure(chunk)});
`;

/**
 * A browser that takes contestants with these builds: `enter(task)` is as `converse` of child.mjs;
 * then `close()`.
 */
export async function openBrowser({name}, builds) {
  const {launch} = await import('../test/browsers/browsers.mjs');
  const server = await servePage(await bundle(), builds);
  const browser = await launch(name);
  const {port} = server.address();
  return {
    enter(task) {
      const page = open(browser, port);
      return {
        ready: page.then((page) =>
          page.evaluate((task) => globalThis.enterPage(task), inPage(task)),
        ),
        ask: async ({chunk}) =>
          (await page).evaluate((chunk) => globalThis.measureIn(chunk), chunk),
        end: async () => (await page).close(),
      };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function browserVersion(name) {
  const {launch} = await import('../test/browsers/browsers.mjs');
  const browser = await launch(name);
  const version = await browser.version();
  await browser.close();
  return version;
}

/** A build is served by its name; URLs of files are for processes. */
function inPage({contender, ...task}) {
  const path = contender.path && `/build?${encodeURIComponent(contender.path)}`;
  return {...task, slice: SLICE, contender: {...contender, path}};
}

async function open(browser, port) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction(() => 'enterPage' in globalThis);
  return page;
}

async function bundle() {
  const {outputFiles} = await build({
    stdin: {contents: ENTRY, resolveDir: fileURLToPath(new URL('.', import.meta.url))},
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    packages: 'bundle',
    external: ['node:*', 'undici', 'undici/*', 'launchdarkly-eventsource'],
    write: false,
  });
  return outputFiles[0].text;
}

async function servePage(script, builds) {
  const server = createServer(async ({url}, response) => {
    const [path, query = ''] = url.split('?');
    const build = builds.find((each) => each === decodeURIComponent(query));
    response.setHeader('content-type', path === '/' ? 'text/html' : 'text/javascript');
    if (path === '/') response.end('<!doctype html><script type=module src=/bench.js></script>');
    else response.end(build ? await readFile(new URL(build)) : script);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
