// examples/shared.mjs in five tabs of the real browsers: the one that holds the stream is closed,
// killed, sent elsewhere, while events come; each listener has each event once, in order.
// First: bash install.sh, and npm ci in this folder; node build.mjs.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readdirSync, readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {until as untilWithin} from '../integration/processes.mjs';
import {browserNames, launch} from './browsers.mjs';

const MOST_MS = 30_000;
const TABS = 5;
const EVERY_MS = 4;

const file = (name) => readFileSync(new URL(`../../${name}`, import.meta.url));
const FILES = {
  '/': [
    'text/html',
    `<!doctype html><title>tab</title>
    <script type="importmap">{"imports": {"ssekit": "/sse.js"}}</script>
    <script type="module">
      import {follow} from './shared.mjs';
      window.got = [[], []]; // by two listeners
      window.leads = false;
      const stop = (window.stop = new AbortController());
      const listen = (list) =>
        follow('/events', (event) => list.push([event.id, event.event, event.data]), {
          signal: stop.signal,
          onLead: () => (window.leads = true),
        });
      Promise.all(got.map(listen)).then(
        () => (window.end = 'over'),
        (error) => (window.end = String(error)),
      );
      window.ready = true;
    </script>`,
  ],
  '/shared.mjs': ['text/javascript', file('examples/shared.mjs')],
  '/sse.js': ['text/javascript', file('dist/sse.js')],
};

const until = (ask, what) => untilWithin(ask, what, MOST_MS);
const eventOf = (n) => [`${n}`, n % 3 ? 'message' : 'price', `data ${n}\nof ${n}`];

/** A stream of numbered events that keeps its history: `head` are there. */
class Source {
  head = 0;
  isOver = false;
  resumed = [];
  open = new Set();

  async start() {
    this.server = createServer((request, response) => this.#answer(request, response));
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
    this.timer = setInterval(() => this.#publish(), EVERY_MS);
  }

  #publish() {
    if (this.isOver) return;
    this.head++;
    for (const response of this.open) this.#send(response, this.head);
  }

  #send(response, n) {
    const [id, event, data] = eventOf(n);
    const lines = data.split('\n').map((line) => `data: ${line}\n`);
    response.write(`id: ${id}\nevent: ${event}\n${lines.join('')}\n`);
  }

  #answer(request, response) {
    const {pathname} = new URL(request.url, this.url);
    if (pathname !== '/events') {
      const [type, body] = FILES[pathname] ?? [];
      response.writeHead(type ? 200 : 404, {'content-type': type ?? 'text/plain'}).end(body);
      return;
    }
    const from = request.headers['last-event-id'];
    this.resumed.push(from);
    if (this.isOver && Number(from) === this.head) return response.writeHead(204).end();
    response.writeHead(200, {'content-type': 'text/event-stream'});
    response.write('retry: 20\n\n');
    for (let n = Number(from ?? this.head) + 1; n <= this.head; n++) this.#send(response, n);
    if (this.isOver) return response.end();
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
  }

  /** No more events; who has all of them is told so. */
  finish() {
    this.isOver = true;
    for (const response of this.open) response.end();
  }

  goOn() {
    this.isOver = false;
  }

  async stop() {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** CPU time of a process of that browser so far, by its id; those of its pages. */
function contentProcesses(browser) {
  const root = browser.process().pid;
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      parents.set(Number(pid), Number(parent));
    } catch {} // it has ended meanwhile
  }
  const isOurs = (pid) => pid === root || (parents.has(pid) && isOurs(parents.get(pid)));
  const isOfPages = (pid) =>
    /--type=renderer|\btab$/.test(
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    );
  return [...parents.keys()].filter((pid) => pid !== root && isOurs(pid) && isOfPages(pid));
}

const cpuOf = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

/** The process of that page: the one that works when the page does. */
async function processOf(browser, page) {
  const before = new Map(contentProcesses(browser).map((pid) => [pid, cpuOf(pid)]));
  await page.evaluate(() => {
    for (const end = performance.now() + 700; performance.now() < end; );
  });
  const busy = [...before].map(([pid, cpu]) => [cpuOf(pid) - cpu, pid]).sort((a, b) => b[0] - a[0]);
  assert.ok(busy[0][0] > 40, `no process of the page among ${JSON.stringify(busy)}`);
  return busy[0][1];
}

const ask = (page, question) => page.evaluate(question).catch(() => undefined);

for (const name of browserNames) {
  describe(name, () => {
    let browser;
    let source;

    before(async () => {
      source = new Source();
      await source.start();
      browser = await launch(name);
    });
    after(async () => {
      await browser?.close();
      await source.stop();
    });

    async function openTab() {
      const page = await browser.newPage();
      page.on('error', () => {}); // it is killed here
      await page.goto(source.url);
      await until(() => ask(page, 'window.ready'), 'a page');
      return page;
    }

    const leaderOf = (pages) =>
      until(async () => {
        const lead = await Promise.all(pages.map((page) => ask(page, 'window.leads')));
        return pages[lead.indexOf(true)];
      }, 'a tab that leads');

    /** Until each of them has had so many more events. */
    async function moreOf(pages, count) {
      const lengths = () =>
        Promise.all(pages.map((page) => ask(page, 'Math.min(...got.map((list) => list.length))')));
      const before = await lengths();
      await until(
        async () => (await lengths()).every((length, k) => length >= (before[k] ?? 0) + count),
        `${count} events more for each`,
      );
    }

    const WAYS = {
      closed: (page) => page.close(),
      'killed (kill -9)': async (page) => process.kill(await processOf(browser, page), 'SIGKILL'),
      'sent elsewhere': (page) => page.goto('about:blank'),
      aborted: (page) => page.evaluate('stop.abort()'),
    };

    test(`${TABS} tabs, whose leader is ${Object.keys(WAYS).join(', ')}`, async (t) => {
      let pages = [];
      while (pages.length < TABS) pages.push(await openTab());
      await moreOf(pages, 50);
      for (const [way, act] of Object.entries(WAYS)) {
        const leader = await leaderOf(pages);
        await act(leader);
        // Who lived in the same process is gone, too.
        const alive = await Promise.all(
          pages.map((page) => page !== leader && Promise.race([ask(page, 'ready'), sleep(2000)])),
        );
        pages = pages.filter((_, k) => alive[k]);
        assert.ok(pages.length >= 1, `after it was ${way}`);
        while (pages.length < TABS) pages.push(await openTab());
        await leaderOf(pages);
        await moreOf(pages, 50);
        assert.equal(source.open.size, 1, 'one connection');
      }
      source.finish();
      await until(
        async () =>
          (await Promise.all(pages.map((page) => ask(page, 'window.end')))).every(Boolean),
        'the end of each',
      );
      let total = 0;
      for (const page of pages) {
        assert.equal(await ask(page, 'window.end'), 'over');
        for (const got of await ask(page, 'got')) {
          const first = Number(got[0][0]);
          const length = source.head - first + 1;
          assert.deepEqual(
            got,
            Array.from({length}, (_, k) => eventOf(first + k)),
          );
          total += got.length;
        }
      }
      const takeovers = source.resumed.filter((from) => from !== undefined).length;
      assert.ok(takeovers >= Object.keys(WAYS).length);
      t.diagnostic(
        `${source.head} events, ${takeovers} times gone on with; ${total} by 2 listeners in each of ${pages.length} tabs: lost 0, twice 0`,
      );
      await Promise.all(pages.map((page) => page.close()));
    });

    test('a tab that events were kept from says so', async () => {
      source.goOn();
      const pages = [await openTab(), await openTab()];
      await moreOf(pages, 5);
      const leader = await leaderOf(pages);
      await leader.evaluate(() => {
        const channel = new BroadcastChannel(`events of ${new URL('/events', location.href)}`);
        channel.postMessage({kind: 'here', place: {number: 2e15, id: '7'}, recent: []});
        channel.close();
      });
      const [other] = pages.filter((page) => page !== leader);
      const error = await until(() => ask(other, 'window.end'), 'an end');
      assert.match(error, /^Error: events are missing: this tab was suspended/);
      assert.equal(source.open.size, 1, 'the stream itself goes on');
    });
  });
}
