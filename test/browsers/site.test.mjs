// The website as it is built, in the real browsers: no dead link, a search that finds, nothing for
// axe to say, nothing wider than a phone, nothing from elsewhere. Its screenshots are in .build/site/.
// First: bash install.sh, npm ci in this folder and in docs/; npm run docs.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {extname, join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {violationsOf} from './axe.mjs';
import {browserNames, launch} from './browsers.mjs';

const MOST_MS = 20_000;
const LEAST_PAGES = 60; // guides and reference
const SITE = fileURLToPath(new URL('../../docs/.site/.vitepress/dist/', import.meta.url));
const SHOTS = fileURLToPath(new URL('../../.build/site/', import.meta.url));
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};
/** What axe looks at, one of each kind; in the second browser the first two. */
const LOOKED_AT = ['index', 'options-and-api', 'troubleshooting', 'llm', 'reference/sse/index'];

const pages = existsSync(SITE)
  ? readdirSync(SITE, {recursive: true})
      .filter((name) => name.endsWith('.html') && name !== '404.html')
      .map((name) => `/${name.replaceAll('\\', '/')}`)
  : [];

function serve() {
  return createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://site.test').pathname);
    const file = join(SITE, path.endsWith('/') ? `${path}index.html` : path);
    if (!file.startsWith(SITE) || !existsSync(file)) return response.writeHead(404).end('none');
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    return response.end(readFileSync(file));
  });
}

/** In a page: what the links of these pages lead to that is not there, as `page: link`. */
async function deadLinks(paths) {
  const documents = new Map();
  const load = async (path) => {
    if (!documents.has(path)) {
      const response = await fetch(path);
      const isPage = response.ok && response.headers.get('content-type') === 'text/html';
      const text = await response.text();
      const document = new DOMParser().parseFromString(isPage ? text : '', 'text/html');
      documents.set(path, {isThere: response.ok, isPage, document});
    }
    return documents.get(path);
  };
  const dead = [];
  let seen = 0;
  for (const path of paths) {
    const {document} = await load(path);
    for (const element of document.querySelectorAll('[href], [src]')) {
      const link = element.getAttribute('href') ?? element.getAttribute('src');
      const url = new URL(link, new URL(path, location.origin));
      if (url.origin !== location.origin) continue;
      seen++;
      const there = await load(url.pathname.replace(/\/$/, '/index.html'));
      const id = decodeURIComponent(url.hash.slice(1));
      const isFound = there.isThere && (!id || !there.isPage || there.document.getElementById(id));
      if (!isFound) dead.push(`${path}: ${link}`);
    }
  }
  return {dead, seen};
}

for (const name of browserNames) {
  describe(`the site in ${name}`, () => {
    let server;
    let origin;
    let browser;
    before(async () => {
      assert.ok(pages.length >= LEAST_PAGES, `${pages.length} pages: npm run docs makes them`);
      mkdirSync(SHOTS, {recursive: true});
      server = serve().listen(0, '127.0.0.1');
      await once(server, 'listening');
      origin = `http://127.0.0.1:${server.address().port}`;
      browser = await launch(name);
    });
    after(async () => {
      await browser?.close();
      server?.closeAllConnections();
      server?.close();
    });

    async function open(path, {width = 1280, scheme = 'light'} = {}) {
      const page = await browser.newPage();
      page.setDefaultTimeout(MOST_MS);
      await page.setViewport({width, height: 800});
      await page.evaluateOnNewDocument((appearance) => {
        localStorage.setItem('vitepress-theme-appearance', appearance);
      }, scheme);
      const problems = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(origin) && !url.startsWith('data:')) problems.push(`elsewhere: ${url}`);
      });
      await page.goto(`${origin}${path}`, {waitUntil: 'networkidle0'});
      return {page, problems};
    }

    it('no link is dead', async (t) => {
      const {page, problems} = await open('/');
      const {dead, seen} = await page.evaluate(deadLinks, pages);
      assert.deepEqual(dead, []);
      assert.ok(seen > 3000, `${seen} links`);
      await page.evaluate(() => {
        const get = globalThis.fetch;
        globalThis.fetch = async (path) =>
          path === '/planted.html'
            ? new Response('<a href="/lost.html">a</a><a href="/llm.html#lost">b</a>', {
                headers: {'content-type': 'text/html'},
              })
            : get(path);
      });
      const {dead: found} = await page.evaluate(deadLinks, ['/planted.html']);
      assert.deepEqual(found, ['/planted.html: /lost.html', '/planted.html: /llm.html#lost']);
      assert.deepEqual(problems, []);
      t.diagnostic(`${pages.length} pages, ${seen} links`);
      await page.close();
    });

    it('the search finds Last-Event-ID', async () => {
      const {page, problems} = await open('/');
      await page.click('.DocSearch-Button');
      await page.waitForSelector('.search-input');
      await page.type('.search-input', 'Last-Event-ID');
      await page.waitForFunction(() =>
        [...document.querySelectorAll('.results .result')].some((result) =>
          /Last-Event-ID/.test(result.textContent),
        ),
      );
      await page.screenshot({path: join(SHOTS, `${name}-search.png`)});
      await page.keyboard.press('Enter');
      await page.waitForFunction(
        () =>
          location.pathname !== '/'
          && /Last-Event-ID/.test(document.querySelector('main').textContent),
      );
      assert.deepEqual(problems, []);
      await page.close();
    });

    for (const scheme of ['light', 'dark']) {
      it(`axe finds nothing, on a desk and on a phone, ${scheme}`, async () => {
        for (const path of name === 'chromium' ? LOOKED_AT : LOOKED_AT.slice(0, 2)) {
          for (const width of [1280, 375]) {
            const {page, problems} = await open(`/${path}.html`, {width, scheme});
            assert.equal(
              await page.evaluate(() => document.documentElement.classList.contains('dark')),
              scheme === 'dark',
            );
            await page.screenshot({
              path: join(SHOTS, `${name}-${scheme}-${width}-${path.replaceAll('/', '-')}.png`),
            });
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - innerWidth,
            );
            assert.ok(overflow <= 0, `${path} is ${overflow} px wider than ${width}`);
            assert.deepEqual(await violationsOf(page), [], `${path}, ${width} px`);
            assert.deepEqual(problems, []);
            await page.close();
          }
        }
      });
    }
  });
}
