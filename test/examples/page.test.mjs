// page.mjs: with stand-ins for the page in Node, and in real browsers.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, it, mock} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {browserNames, launch} from '../browsers/browsers.mjs';
import {until} from '../integration/processes.mjs';
import {formatEvent} from '../../dist/sse.js';
import {copies} from './copies.mjs';
import {numbered, openStream, serve} from './server.mjs';

const {follow} = await import(join(copies, 'page.mjs'));

const HTML = `<!doctype html><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"ssekit": "/sse.js"}}</script>
<script type="module">
  import {follow} from '/page.mjs';
  window.ids = [];
  follow('/events', ({id}) => ids.push(id));
</script>`;
const FILES = {
  '/': ['text/html', HTML],
  '/page.mjs': ['text/javascript', readFileSync(join(copies, 'page.mjs'))],
  '/sse.js': ['text/javascript', readFileSync(new URL('../../dist/sse.js', import.meta.url))],
};

/**
 * A server of the page and of events that asks for an hour between connections. `streams` are the
 * open ones, `asked` the ids that each request went on from, `send(k)` is event k to all.
 */
async function startServer() {
  const streams = new Set();
  const asked = [];
  const server = await serve((request, response) => {
    const [type, body] = FILES[request.url] ?? [];
    if (body) return void response.writeHead(200, {'content-type': type}).end(body);
    asked.push(request.headers['last-event-id'] ?? '');
    openStream(response);
    response.write('retry: 3600000\n\n');
    streams.add(response);
    response.socket.on('close', () => streams.delete(response));
  });
  return Object.assign(server, {
    streams,
    asked,
    send: (k) => {
      for (const stream of streams) stream.write(formatEvent(numbered(k)));
    },
    cut: () => {
      for (const {socket} of streams) socket.resetAndDestroy();
    },
  });
}

let server;
let controller; // of the page that follows it
afterEach(async () => {
  controller?.abort();
  await server?.close();
  mock.restoreAll();
});

/** Counts those that it has, in `listeners`. */
function countListeners(target, listeners) {
  const {addEventListener, removeEventListener} = target;
  target.addEventListener = (...args) => {
    listeners.count++;
    addEventListener.apply(target, args);
  };
  target.removeEventListener = (...args) => {
    listeners.count--;
    removeEventListener.apply(target, args);
  };
}

describe('in Node', () => {
  /** Follows the server in a page that is shown, up to event 1. */
  async function start() {
    server = await startServer();
    const listeners = {count: 0};
    const page = Object.assign(new EventTarget(), {hidden: false});
    const network = new EventTarget();
    for (const each of [page, network]) countListeners(each, listeners);
    const got = [];
    controller = new AbortController();
    const {signal} = controller;
    let losses = 0;
    const ended = follow(`${server.url}events`, ({id}) => got.push(id), {
      page,
      network,
      signal,
      onRetry: () => losses++,
    });
    ended.catch(() => {});
    await receives(got, 1);
    const show = (isShown) => {
      page.hidden = !isShown;
      page.dispatchEvent(new Event('visibilitychange'));
    };
    /** The end of the connection, noticed: with an hour to wait. */
    const lose = async () => {
      server.cut();
      await until(() => losses === 1 && server.streams.size === 0, 'the loss is noticed');
      assert.equal(server.asked.length, 1);
    };
    return {
      got,
      ended,
      listeners,
      lose,
      show,
      online: () => network.dispatchEvent(new Event('online')),
    };
  }

  /** Event k comes, over the one connection that is open. */
  async function receives(got, k) {
    await until(() => server.streams.size === 1, 'one connection');
    server.send(k);
    await until(() => got.length === k, `event ${k}`);
  }

  it('online, while it waits: connects at once', async () => {
    const {got, lose, online} = await start();
    await lose();
    online();
    await receives(got, 2);
    assert.deepEqual(server.asked, ['', '1']);
  });

  it('online, over a connection that looks alive: a new one, the old one is closed', async () => {
    const {got, online} = await start();
    online();
    await until(() => server.asked.length === 2, 'a new connection');
    await receives(got, 2);
    assert.deepEqual(server.asked, ['', '1']);
  });

  it('shown again, while it waits: connects at once; hidden: does not', async () => {
    const {got, lose, show} = await start();
    await lose();
    show(false);
    await sleep(50); // what should not come has had its chance
    assert.deepEqual(server.asked, ['']);
    show(true);
    await receives(got, 2);
    assert.deepEqual(server.asked, ['', '1']);
  });

  it('shown again: a live connection is left alone, unless the tab may have slept', async () => {
    const {got, show} = await start();
    show(false);
    show(true);
    await receives(got, 2);
    assert.deepEqual(server.asked, ['']);
    show(false);
    const {now} = Date;
    mock.method(Date, 'now', () => now() + 61_000);
    show(true);
    await until(() => server.asked.length === 2, 'a new connection');
    await receives(got, 3);
    assert.deepEqual(server.asked, ['', '2']);
  });

  it('ended by its signal: the socket is closed, no listener stays', async () => {
    const {ended, listeners, online} = await start();
    assert.equal(listeners.count, 2);
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(ended, reason);
    await until(() => server.streams.size === 0, 'the socket is closed');
    assert.equal(listeners.count, 0);
    online();
    assert.deepEqual(server.asked, ['']);
  });
});

for (const name of browserNames) {
  it(`in ${name}`, {timeout: 60_000}, async () => {
    server = await startServer();
    const browser = await launch(name);
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      const got = () => page.evaluate(() => window.ids);
      const receives = async (k) => {
        await until(() => server.streams.size === 1, 'one connection');
        server.send(k);
        await until(async () => (await got()).length === k, `event ${k}`);
      };
      await receives(1);

      // A page cannot hide itself: its `hidden` is set by hand.
      const show = (isShown) =>
        page.evaluate((isShown) => {
          Object.defineProperty(document, 'hidden', {value: !isShown, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }, isShown);
      server.cut();
      await until(async () => {
        // until it has noticed the cut; a live connection is left alone
        await show(false);
        await show(true);
        return server.asked.length === 2;
      }, 'a new connection');
      await receives(2);

      // Chromium goes offline and back, Firefox is told that it did.
      if (name === 'chromium') {
        await page.setOfflineMode(true);
        await page.setOfflineMode(false);
      } else await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await until(() => server.asked.length === 3, 'a new connection');
      await receives(3);
      assert.deepEqual(server.asked, ['', '1', '2']);
      assert.deepEqual(await got(), ['1', '2', '3']);
    } finally {
      await browser.close();
    }
  });
}
