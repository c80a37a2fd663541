// examples/inspector.html in the real browsers: node --test test/browsers/inspector.test.mjs
// First: bash install.sh, and npm ci in this folder; node build.mjs.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {EventSource} from '../../dist/sse.js';
import {createInspector} from '../../examples/inspect.mjs';
import {violationsOf} from './axe.mjs';
import {browserNames, launch} from './browsers.mjs';

const MOST_MS = 30_000; // for anything that is waited for
const MOST_GAP = 3000; // ms without the page's turn: mostly a busy machine's
const ROWS = 300; // in the list at most
const FLOOD = 10_000; // events
const LOG_MB = 48;
const BIG_MB = 200;
const FORGED = '2999-01-01T00:00:00.000Z'; // a time that no server may give to a log
const EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>&lt;b>';

// ── The streams, of another origin than the page ────────────────────────────────────────────────

const asked = []; // {path, method, headers, body}
const last = (path) => asked.findLast((each) => each.path === path);

/** What each path sends, and whether it then ends; a function is asked with the request. */
const streams = {
  '/plain':
    ': hello\n\nretry: 4000\nid: 1\ndata: {"a":[1.0,{"b":null}],"a":12345678901234567890}'
    + '\n\nevent: price\nid: 2\ndata: one\ndata: two\n\n'
    + 'event: price\nid: 3\ndata: {"not": json}\n\n',
  '/drop': ({headers}) =>
    headers['last-event-id']
      ? 'id: 8\ndata: again\n\n'
      : {text: 'retry: 300\nid: 7\ndata: first\n\n', ends: true},
  '/post': {text: 'data: {"token":"a"}\n\ndata: [DONE]\n\n', ends: true},
  '/cut-post': {text: 'data: {"token":"a"}\n\n', ends: true},
  '/flood': Array.from(
    {length: FLOOD},
    (_, n) => `event: t${n % 3}\nid: ${n + 1}\ndata: {"n":${n},"text":"${'x'.repeat(n % 50)}"}\n\n`,
  ).join(''),
  '/types': Array.from({length: 60}, (_, n) => `event: type ${n}\ndata: ${n}\n\n`).join(''),
  '/hostile':
    `: ${EVIL}\nevent: ${EVIL}\nid: ${EVIL}\ndata: ${EVIL}\n\n`
    + `event: ${'long'.repeat(1e5)}\nid: 1\n`
    + `data: {"${EVIL.replaceAll('"', '\\"')}":"${'<b>'.repeat(2e4)}"}\n\n`
    + `data: ${'['.repeat(5000)}${']'.repeat(5000)}\n\n`
    + 'event: \u202erever\ndata: \u202e\0\x1b[2Jtxet\n\ndata: {"\u2066":1}\n\n',
  '/mixed': {
    text: 'data: 0\n\n: a\n\ndata: 1\n\n: b\n: c\n\ndata: 2\ndata: 2\n: in\n\ndata: 3\n\n: d\n\n',
    ends: true,
  },
  '/stamped': `: ssekit ${FORGED}\nid: 1\ndata: a\n\n: ssekit\\ x\n: other\ndata: b\n\n`,
  '/refused': {status: 500, text: EVIL, type: 'text/html', ends: true},
};

function answer(request, response, body) {
  const [path] = request.url.split('?');
  if (request.method !== 'OPTIONS') {
    asked.push({path, method: request.method, headers: request.headers, body});
  }
  const cors = {'access-control-allow-origin': '*', 'access-control-allow-headers': '*'};
  if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
  if (path === '/one-line') return flow(response, cors, 'x');
  if (path in endless) return flow(response, cors, endless[path]);
  const stream = streams[path];
  const made = typeof stream === 'function' ? stream(request) : stream;
  const {
    text,
    ends = false,
    status = 200,
    type = 'text/event-stream',
  } = typeof made === 'string' ? {text: made} : made;
  response.writeHead(status, {
    'content-type': type,
    'x-evil': EVIL,
    ...(path !== '/no-cors' && cors),
  });
  if (ends) response.end(text);
  else response.write(text);
}

/** What is sent again and again. */
const endless = {
  '/events': 'event: tick\ndata: {"n":1,"what":"as fast as can be"}\n\n',
  '/tiny': 'data\n\n',
  '/comments': ':\n',
  '/nothing': '\n',
};

/** As fast as the page takes it. */
function flow(response, headers, text) {
  response.writeHead(200, {'content-type': 'text/event-stream', ...headers});
  const chunk = Buffer.from(text.repeat(65_536 / text.length));
  const write = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', write);
  write();
}

let streamServer;
let inspector;
let origin;
let pageURL;
before(async () => {
  streamServer = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    answer(request, response, body);
  }).listen(0, '127.0.0.1');
  inspector = createInspector().listen(0, '127.0.0.1');
  await Promise.all([once(streamServer, 'listening'), once(inspector, 'listening')]);
  origin = `http://127.0.0.1:${streamServer.address().port}`;
  pageURL = `http://127.0.0.1:${inspector.address().port}/`;
});
after(() => {
  for (const server of [streamServer, inspector]) {
    server.close();
    server.closeAllConnections();
  }
});

// ── The page in a browser ───────────────────────────────────────────────────────────────────────

const folders = [];
after(() => {
  for (const folder of folders) rmSync(folder, {recursive: true, force: true});
});

function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'ssekit-inspector-'));
  folders.push(folder);
  return folder;
}

/** A browser that shows pages in that scheme, and downloads to that folder. */
function launchIn(name, scheme, folder) {
  if (name !== 'firefox') {
    return launch(name, {downloadBehavior: {policy: 'allow', downloadPath: folder}});
  }
  return launch(name, {
    extraPrefsFirefox: {
      'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1,
      'browser.download.folderList': 2,
      'browser.download.dir': folder,
      'browser.download.useDownloadDir': true,
    },
  });
}

/** Resolves with what `read` gives once it is true; says what it was if that takes too long. */
async function until(read, isRight = Boolean, what = `${read}`) {
  const end = performance.now() + MOST_MS;
  for (;;) {
    const value = await read();
    if (isRight(value)) return value;
    if (performance.now() > end) {
      throw new Error(`not within ${MOST_MS} ms: ${what}; it is ${JSON.stringify(value)}`);
    }
    await sleep(20);
  }
}

/** What a test does with the page. */
class Inspector {
  constructor(page) {
    this.page = page;
    this.errors = [];
    page.on('pageerror', ({message}) => {
      // Firefox counts what is forbidden among them
      if (!/^(Cross-Origin Request Blocked|Content-Security-Policy): /.test(message)) {
        this.errors.push(message);
      }
    });
  }

  static async open(browser, scheme) {
    const inspector = new Inspector(await browser.newPage());
    const {page} = inspector;
    await page.setViewport({width: 1280, height: 800});
    if (scheme) await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
    await page.goto(pageURL);
    await until(() => page.$eval('#ready', (element) => !element.hidden));
    return inspector;
  }

  async connect(path, fields = {}) {
    await this.page.evaluate(
      (all) => {
        const form = document.querySelector('form');
        for (const [name, value] of Object.entries(all)) form.elements[name].value = value;
        form.requestSubmit();
      },
      {url: origin + path, ...fields},
    );
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.textContent);
  }

  /** [type, id, data] of each row, as shown. */
  rows() {
    return this.page.$$eval('tbody tr', (all) =>
      all.map((row) =>
        [row.children[1], row.children[2], row.querySelector('summary')].map(
          (element) => element.textContent,
        ),
      ),
    );
  }

  /** The rows once there are that many. */
  async rowsWhen(count) {
    await until(
      () => this.page.$$eval('tbody tr', (all) => all.length),
      (n) => n >= count,
      `${count} rows`,
    );
    return this.rows();
  }

  async state(wanted) {
    await until(
      () => this.text('#state'),
      (text) => text.startsWith(wanted),
      `state ${wanted}`,
    );
  }

  click(selector) {
    return this.page.evaluate((at) => document.querySelector(at).click(), selector);
  }

  /** Opens the row of that data; its parts. */
  opened(start) {
    return this.page.evaluate(async (text) => {
      const summary = [...document.querySelectorAll('tbody summary')].find((each) =>
        each.textContent.startsWith(text),
      );
      summary.click();
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return [...summary.parentElement.children].slice(1).map((each) => each.textContent);
    }, start);
  }

  drop(text, name = 'recorded.log') {
    return this.page.evaluate(
      (content, fileName) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([content], fileName));
        for (const type of ['dragover', 'drop']) {
          document
            .querySelector('main')
            .dispatchEvent(new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}));
        }
      },
      text,
      name,
    );
  }

  /** The longest time without the page's turn, ms, while `act` runs. */
  async longestGap(act) {
    await this.page.evaluate(() => {
      let before = performance.now();
      window.longest = 0;
      const turn = () => {
        const now = performance.now();
        window.longest = Math.max(window.longest, now - before);
        before = now;
        window.timer = setTimeout(turn, 10);
      };
      turn();
    });
    await act();
    return this.page.evaluate(() => {
      clearTimeout(window.timer);
      return window.longest;
    });
  }

  async close() {
    assert.deepEqual(this.errors, []);
    await this.page.close();
  }
}

// ── Tests ───────────────────────────────────────────────────────────────────────────────────────

const dataOf = async (inspector) => (await inspector.rows()).map((row) => row[2]);

/** Turns the filter at that place on or off. */
const toggle = (page, index) =>
  page.evaluate((at) => document.querySelectorAll('.chip input')[at].click(), index);

/** Replaces what stands in the filter. */
async function type(page, text) {
  await page.focus('#search');
  await page.$eval('#search', (field) => field.select());
  if (text) await page.keyboard.type(text);
  else await page.keyboard.press('Backspace');
}

/** What the page saves. */
async function savedBy(inspector, folder) {
  await inspector.click('#save');
  const [file] = await until(
    () => readdirSync(folder).filter((each) => /^events-.*\.log$/.test(each)),
    (found) => found.length === 1 && readFileSync(join(folder, found[0])).length > 0,
  );
  const saved = readFileSync(join(folder, file), 'utf8');
  rmSync(join(folder, file));
  return saved;
}

/** Has the command serve that log: how many events a client gets. */
async function startReplay(folder, log) {
  const file = join(folder, 'replayed');
  writeFileSync(file, log);
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const child = spawn(process.execPath, [cli, 'replay', file, '--port', '0', '--speed', '0']);
  const [url] = await once(child.stdout.setEncoding('utf8'), 'data');
  const events = [...new EventSource(await (await fetch(url.trim())).text())].length;
  child.kill();
  rmSync(file);
  return {events};
}

/** Two types and a comment. */
const LOG = 'data: 1\n\nevent: b\ndata: 2\n\n: c\n\nevent: b\ndata: 3\n\n';

/** What has the focus, and whether that is to be seen. */
function focused(page) {
  return page.evaluate(() => {
    const {activeElement: at} = document;
    const {outlineStyle, outlineWidth} = getComputedStyle(at.closest('.chip') ?? at);
    return [
      at.closest('tr')
        ? `row ${at.closest('tr').sectionRowIndex}`
        : at.labels?.[0]?.textContent || at.ariaLabel || at.textContent,
      outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    ];
  });
}

/** Presses those keys: what has the focus after each. */
async function walk(page, ...keys) {
  const seen = [];
  for (const key of keys) {
    await page.keyboard.press(key);
    const [what, isVisible] = await focused(page);
    assert.ok(isVisible, `no focus to be seen at ${what}`);
    seen.push(what);
  }
  return seen;
}

/** What Tab goes through from the URL on. */
const TAB_ORDER = [
  'Connect',
  'Stop',
  'Dropped connections',
  'Tokens, by POST',
  'Headers, body and more',
  'Pause',
  'Reconnect',
  'Expand all',
  'Clear',
  'Save log',
  'Open log…',
  'Filter by text',
  'comments 1',
  'message 1',
  'price 2',
];

for (const name of browserNames) {
  describe(`inspector.html in ${name}`, {timeout: 180_000}, () => {
    const folder = newFolder();
    let browser;
    before(async () => {
      browser = await launchIn(name, 'light', folder);
    });
    after(() => browser?.close());

    const test = (title, run) =>
      it(title, async (context) => {
        const inspector = await Inspector.open(browser);
        await run(inspector, inspector.page, context);
        await inspector.close();
      });

    test('shows events as they arrive', async (inspector) => {
      await inspector.connect('/plain');
      const [open, ...rows] = await inspector.rowsWhen(5);
      assert.equal(open[0], 'open');
      assert.match(open[2], /^HTTP 200 after \d+ ms$/);
      assert.deepEqual(rows, [
        ['comment', '', 'hello'],
        ['message', '1', '{"a":[1.0,{"b":null}],"a":12345678901234567890}'],
        ['price', '2', 'one ⏎ two'],
        ['price', '3', '{"not": json}'],
      ]);
      assert.deepEqual(
        await Promise.all(
          ['#events', '#retry', '#last-id', '#bytes'].map((id) => inspector.text(id)),
        ),
        ['3', '4.00 s', '3', `${streams['/plain'].length} B`],
      );
      const [json, about] = await inspector.opened('{"a"');
      assert.equal(
        json,
        [
          '{',
          '  "a": [',
          '    1.0,',
          '    {',
          '      "b": null',
          '    }',
          '  ],',
          '  "a": 12345678901234567890',
          '}',
        ].join('\n'),
      );
      assert.match(about, /^JSON · 47 characters · ID 1 · received \d\d:\d\d:\d\d\.\d{3} UTC$/);
      assert.deepEqual((await inspector.opened('one'))[0], 'one\ntwo');
      assert.deepEqual((await inspector.opened('{"not'))[0], '{"not": json}');
      await inspector.state('open');
      await inspector.click('#stop');
      await inspector.state('ended');
    });

    test('says when an event came after the last', async (inspector) => {
      await inspector.connect('/plain');
      await inspector.rowsWhen(5);
      const since = await inspector.page.$$eval('td.since', (all) =>
        all.map((cell) => cell.textContent),
      );
      assert.deepEqual(
        since.map((text) => text.replace(/\d+/, 'N')),
        ['', '', '', '+N ms', '+N ms'],
      );
    });

    test('a reconnection: reason, delay and Last-Event-ID', async (inspector) => {
      await inspector.connect('/drop');
      const rows = await inspector.rowsWhen(5);
      assert.deepEqual(
        rows.map(([type, id]) => [type, id]),
        [
          ['open', ''],
          ['message', '7'],
          ['reconnecting', '7'],
          ['open', ''],
          ['message', '8'],
        ],
      );
      assert.match(rows[2][2], /^the server ended the stream; attempt 1 in 3\d\d ms$/);
      assert.equal(last('/drop').headers['last-event-id'], '7');
      await until(
        () => inspector.text('#last-id'),
        (id) => id === '8',
      );
      assert.equal(await inspector.text('#reconnections'), '1');
      assert.equal(await inspector.text('#retry'), '300 ms');
      await inspector.click('#reconnect');
      const again = await inspector.rowsWhen(8);
      assert.deepEqual(again.slice(5), [
        ['reconnecting', '8', 'asked for here; at once'],
        again[6],
        ['message', '8', 'again'],
      ]);
      assert.equal(last('/drop').headers['last-event-id'], '8');
      assert.equal(await inspector.text('#reconnections'), '2');
    });

    test('POST with headers and a body, to its last event', async (inspector) => {
      await inspector.connect('/post', {
        method: 'POST',
        body: '{"stream": true}',
        until: '[DONE]',
        lastEventId: '41',
        headers: 'Authorization: Bearer a:b\n\n X-Own : 1 ',
      });
      const rows = await inspector.rowsWhen(4);
      assert.deepEqual(rows.slice(1), [
        ['message', '41', '{"token":"a"}'],
        ['message', '41', '[DONE]'],
        ['end', '', 'the stream is whole: its last event came'],
      ]);
      const {method, headers, body} = last('/post');
      assert.deepEqual(
        [
          method,
          body,
          headers.authorization,
          headers['x-own'],
          headers['content-type'],
          headers['last-event-id'],
          headers.accept,
        ],
        [
          'POST',
          '{"stream": true}',
          'Bearer a:b',
          '1',
          'application/json',
          '41',
          'text/event-stream',
        ],
      );
    });

    test('POST that is cut before its last event', async (inspector) => {
      await inspector.connect('/cut-post', {method: 'POST', body: 'x', until: '[DONE]'});
      await inspector.state('failed');
      const cut = await inspector.rowsWhen(3);
      assert.match(cut[2].join(' '), /^failed .*ended the stream before its `until` event$/);
      assert.match(last('/cut-post').headers['content-type'], /^text\/plain/);
    });

    test('what is wrong in the form is said there', async (inspector) => {
      const before = asked.length;
      for (const [fields, message] of [
        [{url: ''}, /^Enter the URL/],
        [{url: 'ftp://x/'}, /^Enter the URL/],
        [{url: 'http://'}, /^Enter the URL/],
        [{url: 'http://u:p@127.0.0.1/'}, /^url must hold no userinfo: use a header$/],
        [{headers: 'X: 1\nnonsense'}, /^Headers, line 2: write it as “Name: value”$/],
        [{headers: 'X Y: 1'}, /^headers must be HTTP header names/],
        [{headers: '', body: 'x'}, /^A GET has no body/],
      ]) {
        await inspector.connect('/plain', fields);
        assert.match(await inspector.text('#problem'), message);
      }
      assert.equal(asked.length, before);
      await inspector.connect('/plain', {body: ''});
      await inspector.rowsWhen(5);
      assert.equal(await inspector.text('#problem'), '');
    });

    test('errors, with what the server said and the browser does not', async (inspector) => {
      await inspector.connect('/refused');
      await inspector.state('failed');
      const rows = await inspector.rowsWhen(1);
      assert.deepEqual(rows, [['failed', '', `${origin}/refused answered 500`]]);
      const open = () =>
        inspector.page.$$eval('details[open] pre', (all) => all.map((pre) => pre.textContent));
      assert.equal((await open())[1], EVIL);
      streams['/no-cors'] = 'data: 1\n\n';
      await inspector.connect('/no-cors');
      await inspector.state('waiting');
      await inspector.rowsWhen(1);
      const [, hint] = await open();
      assert.match(hint, new RegExp(`Access-Control-Allow-Origin: ${pageURL.slice(0, -1)}\n`));
    });

    test('filter', async (inspector, page) => {
      await inspector.drop(LOG);
      await inspector.state('ended');
      const all = ['recorded.log, 50 B', '1', '2', 'c', '3', '3 events'];
      await inspector.rowsWhen(6);
      assert.deepEqual(await dataOf(inspector), all);
      const chips = () => page.$$eval('.chip', (found) => found.map((chip) => chip.textContent));
      await until(chips, (found) => `${found}` === 'message 1,b 2,comments 1');
      await toggle(page, 1);
      assert.deepEqual(await dataOf(inspector), [all[0], '2', '3', all[5]]);
      await toggle(page, 2);
      assert.deepEqual(await dataOf(inspector), [all[0], '2', 'c', '3', all[5]]);
      await toggle(page, 1);
      await toggle(page, 2);
      assert.deepEqual(await dataOf(inspector), all);
    });

    test('pause, expand, clear', async (inspector, page) => {
      await inspector.drop(LOG);
      await inspector.rowsWhen(6);
      await inspector.click('#pause');
      await inspector.drop('data: 4\n\ndata: 5\n\n');
      await until(
        () => inspector.text('#missed'),
        (text) => text === '4 new',
      );
      assert.deepEqual(await dataOf(inspector), []);
      assert.equal(await inspector.text('#pause'), 'Resume');
      await toggle(page, 0);
      await toggle(page, 0);
      assert.deepEqual(await dataOf(inspector), []);
      await inspector.click('#pause');
      assert.deepEqual(await dataOf(inspector), ['recorded.log, 18 B', '4', '5', '2 events']);
      const open = () => page.$$eval('details[open]', ({length}) => length);
      for (const [count, pressed] of [
        [4, 'true'],
        [0, 'false'],
      ]) {
        await inspector.click('#expand');
        assert.deepEqual(
          [await open(), await page.$eval('#expand', ({ariaPressed}) => ariaPressed)],
          [count, pressed],
        );
      }
      await inspector.click('#clear');
      assert.deepEqual(await dataOf(inspector), []);
      assert.equal(await page.$$eval('.chip', (found) => found.length), 0);
    });

    test('more types than can be shown', async (inspector, page) => {
      await inspector.connect('/types');
      await inspector.rowsWhen(61);
      await until(
        () => page.$$eval('.chip', (all) => all.length),
        (n) => n === 21,
      );
      await until(
        () => page.$eval('.chip:last-of-type', (chip) => chip.textContent),
        (text) => text === 'all other types 40',
      );
      await page.evaluate(() => document.querySelector('.chip:last-of-type input').click());
      const rows = await inspector.rows();
      assert.deepEqual(
        rows.slice(1).map(([type]) => type),
        Array.from({length: 40}, (_, n) => `type ${n + 20}`),
      );
    });

    test('what is saved parses back to the same events', async (inspector, page) => {
      const log =
        ': c\n\nretry: 5\nid: 1\nevent: a\ndata: 1\ndata:  2\ndata\n\n'
        + 'data: ü🎂\n\nid\ndata\n\nid: 2\n\nevent:  b\ndata: :x\n\nretry: 7\ndata: last\n\n';
      const parsed = [...new EventSource(log)].map((event) => ({...event}));
      assert.equal(parsed.length, 5);
      await inspector.drop(log);
      await inspector.state('ended');
      const saved = await savedBy(inspector, folder);
      assert.deepEqual(
        [...new EventSource(saved)].map((event) => ({...event})),
        parsed,
      );
      assert.match(saved, /^: \[file\] recorded\.log, \d+ B\n\n: c\n\n/);
      const input = await page.$('#file');
      writeFileSync(join(folder, 'chosen.log'), saved);
      await input.uploadFile(join(folder, 'chosen.log'));
      await until(
        () => inspector.rows(),
        (rows) => rows.at(-1)?.[2] === '5 events',
      );
      rmSync(join(folder, 'chosen.log'));
    });

    test('a saved stream has its times, and no server forges one', async (inspector, page) => {
      await inspector.connect('/stamped');
      await inspector.rowsWhen(6);
      const saved = await savedBy(inspector, folder);
      const marks = saved.match(/^: ssekit (connection )?\d.*$/gm);
      assert.match(marks[0], /^: ssekit connection 20\d\d-/);
      assert.ok(saved.startsWith(marks[0]));
      assert.ok(
        marks.every((mark) => !mark.includes(FORGED)),
        saved,
      );
      assert.match(saved, /^: ssekit\\ 2999-01-01T00:00:00\.000Z$/m);
      assert.match(saved, /^: ssekit\\\\ x$/m);
      // as another program reads it
      const replayed = await startReplay(folder, saved);
      assert.equal(replayed.events, 2);
      // and as this page does: the same log, and so the same file
      await inspector.drop(saved);
      const rows = await inspector.rowsWhen(9);
      assert.deepEqual(rows.slice(3, -1), [
        ['comment', '', `ssekit ${FORGED}`],
        ['message', '1', 'a'],
        ['comment', '', 'ssekit\\ x'],
        ['comment', '', 'other'],
        ['message', '1', 'b'],
      ]);
      assert.match((await inspector.opened('b'))[1], /· recorded \d\d:\d\d:\d\d\.\d{3} UTC$/);
      const again = await savedBy(inspector, folder);
      assert.deepEqual(
        again.match(/^: ssekit connection .*$/gm),
        saved.match(/^: ssekit connection .*$/gm),
      );
      assert.deepEqual([...new Set(again.match(/^: ssekit \d.*$/gm))].slice(-1), marks.slice(-1));
      await page.bringToFront();
    });

    test('the times of a recording', async (inspector, page) => {
      const at = (seconds) => new Date(Date.UTC(2026, 0, 1, 12, 0, seconds)).toISOString();
      await inspector.drop(
        `: ssekit connection ${at(0)}\n: ssekit ${at(1)}\ndata: a\n\n: ssekit ${at(3)}\ndata: b\n\n`
          + `: ssekit connection ${at(60)}\ndata: c\n\n`,
      );
      await inspector.rowsWhen(7);
      const since = await page.$$eval('tbody tr', (all) =>
        all.map((row) => [row.children[1].textContent, row.children[0].textContent]),
      );
      assert.deepEqual(since, [
        ['file', ''],
        ['open', ''],
        ['message', ''],
        ['message', '+2.00 s'],
        ['open', '+57.0 s'],
        ['message', '+57.0 s'],
        ['end', ''],
      ]);
    });

    test('comments and events of one chunk, in their order', async (inspector) => {
      await inspector.connect('/mixed', {method: 'POST'});
      const rows = await inspector.rowsWhen(11);
      assert.deepEqual(
        rows.slice(1, -1).map(([type, , data]) => [type, data]),
        [
          ['message', '0'],
          ['comment', 'a'],
          ['message', '1'],
          ['comment', 'b'],
          ['comment', 'c'],
          ['comment', 'in'],
          ['message', '2 ⏎ 2'],
          ['message', '3'],
          ['comment', 'd'],
        ],
      );
    });

    test('a filter by text, plain and as a regular expression', async (inspector, page) => {
      const log = ['alpha', 'Beta', 'a.b', 'axb', 'gamma'].map(
        (data, n) => `event: ${n % 2 ? 'odd' : 'even'}\nid: ${n}7\ndata: ${data}\n\n`,
      );
      await inspector.drop(`: Alpha too\n\n${log.join('')}`);
      await inspector.state('ended');
      const shown = async () => (await inspector.rows()).slice(1, -1).map(([, , data]) => data);
      const all = ['Alpha too', 'alpha', 'Beta', 'a.b', 'axb', 'gamma'];
      const filtered = async (text, expected, said) => {
        await type(page, text);
        await until(
          async () => [await inspector.text('#matches'), ...(await shown())].join(),
          (found) => found === [said, ...expected].join(),
          text,
        );
      };
      await filtered('ALPHA', ['Alpha too', 'alpha'], '2 of 6');
      await filtered('a.b', ['a.b'], '1 of 6');
      await filtered('/a.b/', ['a.b', 'axb'], '2 of 6');
      await filtered('/^beta$/i', ['Beta'], '1 of 6');
      await filtered('37', ['axb'], '1 of 6'); // an ID
      await filtered('even', ['alpha', 'a.b', 'gamma'], '3 of 6'); // a type
      await toggle(page, 2);
      assert.deepEqual(await shown(), []); // both filters count
      await toggle(page, 2);
      await filtered('nothing', [], '0 of 6');
      await filtered('', all, '');
      await filtered('a.b', ['a.b'], '1 of 6');
      await type(page, '/(/');
      await until(() => page.$eval('#search', ({ariaInvalid}) => ariaInvalid === 'true'));
      assert.deepEqual(await shown(), ['a.b']); // what was there stays
      assert.match(await inspector.text('#matches'), /group|parenthetical/);
      await page.keyboard.press('Escape');
      await until(
        () => shown(),
        (rows) => rows.length === all.length,
      );
      assert.deepEqual(await shown(), all);
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press('/');
      assert.deepEqual(await focused(page), ['Filter by text', true]);
      assert.equal(await page.$eval('#search', ({value}) => value), '');
    });

    test('a filter holds for what comes after it, and is fluid over all that is kept', async (inspector, page, context) => {
      await type(page, 't1');
      await inspector.connect('/flood');
      await until(
        () => inspector.text('#matches'),
        (text) => text === '3,333 of 10,000',
      );
      const rows = await inspector.rows();
      assert.deepEqual([...new Set(rows.map(([kind]) => kind))], ['t1']);
      const gap = await inspector.longestGap(async () => {
        for (const [text, said] of [
          ['"n":12', /^\d+ of 10,000$/],
          ['/x{40}/', /^\d,\d{3} of 10,000$/],
          ['', /^$/],
        ]) {
          await type(page, text);
          await until(
            () => inspector.text('#matches'),
            (found) => said.test(found),
          );
        }
      });
      context.diagnostic(`longest gap ${Math.round(gap)} ms`);
      assert.ok(gap < MOST_GAP, `${gap} ms without a turn`);
    });

    test('a URL without a scheme, and what is none', async (inspector, page) => {
      const {port} = new URL(origin);
      const enter = (url) => inspector.connect('', {url});
      const field = () => page.$eval('#url', ({value}) => value);
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `:${port}`]) {
        await enter(`${host}/plain`);
        await inspector.rowsWhen(5);
        assert.equal(await field(), `http://${host.replace(/^:/, 'localhost:')}/plain`);
      }
      for (const [text, url] of [
        ['a.invalid/x?y', 'https://a.invalid/x?y'],
        ['a.invalid:8443', 'https://a.invalid:8443/'],
        [' app.localhost:9 ', 'http://app.localhost:9/'],
        ['[::1]:9/x', 'http://[::1]:9/x'],
      ]) {
        await enter(text);
        assert.equal(await field(), url);
        await inspector.click('#stop');
      }
      await enter('/demo/events?every=1');
      await inspector.rowsWhen(3);
      assert.equal(await field(), '/demo/events?every=1');
      for (const text of [
        'events',
        'localhost',
        'a.invalid',
        'ftp://x/',
        'a b.c/d',
        ':',
        'http://',
      ]) {
        await enter(text);
        assert.match(await inspector.text('#problem'), /^Enter the URL of a stream/, text);
      }
    });

    test('nothing of a stream is left in the next one', async (inspector, page) => {
      const curve = () => page.$eval('.figures path', (path) => path.getAttribute('d'));
      await inspector.connect('/drop');
      await until(curve);
      await inspector.connect('/refused');
      await inspector.state('failed');
      const figures = ['#events', '#event-rate', '#reconnections', '#retry', '#last-id'];
      assert.deepEqual(await Promise.all(figures.map((id) => inspector.text(id))), [
        ...['0', '0', '0', '–', '–'],
      ]);
      assert.match(await curve(), /^(M59 20L59 19\.00L59 20Z)?$/);
      assert.equal(await page.$eval('#demos', ({hidden}) => hidden), false);
    });

    test(`a log of ${BIG_MB} MB: a bar, and Stop stops; then all of it`, async (inspector, page, context) => {
      const drop = () =>
        page.evaluate((megabytes) => {
          const block = Array.from(
            {length: 10_000},
            (_, n) => `id: ${n}\nevent: tick\ndata: {"n":${n},"text":"${'x'.repeat(60)}"}\n\n`,
          ).join('');
          const blocks = Array(Math.ceil((megabytes * 1e6) / block.length)).fill(block);
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(blocks, 'big.log'));
          const drop = new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true});
          document.querySelector('main').dispatchEvent(drop);
        }, BIG_MB);
      await drop();
      await until(() => page.$eval('progress', ({value}) => value > 0.01 && value < 1));
      assert.match(await inspector.text('#read'), /^[\d.]+ MB of 20\d MB, [\d.]+ MB\/s$/);
      await inspector.click('#stop');
      await inspector.state('ended');
      await until(
        () => inspector.rows(),
        (rows) => /^stopped here, after [\d.]+ MB of 20\d MB$/.test(rows.at(-1)[2]),
      );
      assert.equal(await page.$eval('#progress', ({hidden}) => hidden), true);
      const start = performance.now();
      const gap = await inspector.longestGap(async () => {
        await drop();
        await inspector.state('reading');
        await inspector.state('ended');
      });
      const seconds = (performance.now() - start) / 1000;
      context.diagnostic(`${seconds.toFixed(1)} s, longest gap ${Math.round(gap)} ms`);
      assert.ok(gap < MOST_GAP, `${gap} ms without a turn`);
      await until(
        () => inspector.rows(),
        (rows) => /^1,\d{3},\d{3} events in \d/.test(rows.at(-1)[2]),
      );
    });

    test('a file that is no log', async (inspector) => {
      await inspector.drop('<!doctype html>\n<p>Hello\n\n');
      await inspector.state('ended');
      assert.match((await inspector.rowsWhen(2))[1][2], /^no event: is it a recorded stream/);
    });

    test('text of a stream is never markup', async (inspector, page) => {
      await inspector.connect('/hostile');
      await inspector.rowsWhen(7);
      await inspector.click('#expand');
      const rows = await inspector.rows();
      assert.deepEqual(rows[1].slice(0, 3), ['comment', '', EVIL]);
      assert.deepEqual(rows[2], [EVIL, EVIL, EVIL]);
      assert.equal(rows[3][0], `${'long'.repeat(25)}…`);
      assert.deepEqual(
        rows.slice(5).map(([type, , data]) => [type, data]),
        [
          ['\\u202erever', '\\u202e\\u0000\\u001b[2Jtxet'],
          ['message', '{"\\u2066":1}'],
        ],
      );
      const shown = await page.$$eval('tbody pre', (all) => all.map((pre) => pre.textContent));
      assert.ok(shown.includes(EVIL));
      assert.ok(shown.every((text) => text.length <= 20_001));
      await inspector.drop('data: 1\n\n', `${EVIL}.log`);
      await inspector.state('ended');
      await page.evaluate(() => {
        // would run, if the policy did not hold
        try {
          const script = document.createElement('script');
          script.textContent = 'window.pwned = 2';
          document.body.append(script);
          script.remove();
        } catch {
          // the policy refuses the text already
        }
      });
      const found = await page.evaluate(() => [
        window.pwned ?? 'untouched',
        document.querySelectorAll('img, main script, b b').length,
      ]);
      assert.deepEqual(found, ['untouched', 0]);
    });

    test(`${FLOOD} events: none is lost, the list is bounded, the page has its turn`, async (inspector, page, context) => {
      const gap = await inspector.longestGap(async () => {
        await inspector.connect('/flood');
        await until(
          () => inspector.text('#events'),
          (text) => text === '10,000',
        );
      });
      context.diagnostic(`longest gap ${Math.round(gap)} ms`);
      assert.ok(gap < MOST_GAP, `${gap} ms without a turn`);
      await until(
        () => inspector.rows(),
        (rows) => rows.at(-1)?.[1] === '10000',
      );
      const rows = await inspector.rows();
      assert.equal(rows.length, ROWS);
      assert.deepEqual(
        rows.map(([, id]) => +id),
        rows.map((_, index) => FLOOD - ROWS + 1 + index),
      );
      await until(
        () => inspector.text('#kept'),
        (text) =>
          text.includes('10,000 of at most 10,000 rows')
          && text.includes('1 older ones were dropped'),
      );
      await page.evaluate(() => document.querySelector('.chip input').click());
      const filtered = await inspector.rows();
      assert.deepEqual([filtered.length, ...new Set(filtered.map(([type]) => type))], [ROWS, 't0']);
    });

    for (const path of Object.keys(endless)) {
      test(`${path} without end: the page has its turn, and Stop stops`, async (inspector, page, context) => {
        const bytes = () => inspector.text('#bytes');
        const gap = await inspector.longestGap(async () => {
          await inspector.connect(path);
          await until(bytes, (text) => parseFloat(text) > 4 && text.endsWith(' MB'));
          assert.ok((await page.$$eval('tbody tr', (all) => all.length)) <= ROWS);
          await page.click('#stop');
          await inspector.state('ended');
        });
        context.diagnostic(`longest gap ${Math.round(gap)} ms`);
        assert.ok(gap < MOST_GAP, `${gap} ms without a turn`);
        const before = await bytes();
        await sleep(300); // longer than it takes to show more
        assert.equal(await bytes(), before);
      });
    }

    test('a line without end is an error', async (inspector) => {
      await inspector.connect('/one-line');
      await inspector.state('failed');
      const rows = await inspector.rowsWhen(2);
      assert.match(
        rows[1][2],
        /^An event of 1[67]\d{6} code units or more: maxEventSize is 16777216$/,
      );
    });

    test(`a log of ${LOG_MB} MB: the page has its turn, and memory stays`, async (inspector, page, context) => {
      const events = await page.evaluate((megabytes) => {
        const event = `event: step\ndata: {"n":1,"text":"${'x'.repeat(160)}"}\n\n`;
        const part = new Blob([event.repeat(5000)]);
        const parts = Math.ceil((megabytes * 1e6) / part.size);
        window.big = new File(Array(parts).fill(part), 'big.log');
        return 5000 * parts;
      }, LOG_MB);
      const gap = await inspector.longestGap(async () => {
        await page.evaluate(() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(window.big);
          document.body.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true}));
        });
        await inspector.state('ended');
      });
      assert.equal(await inspector.text('#events'), events.toLocaleString('en'));
      context.diagnostic(`longest gap ${Math.round(gap)} ms`);
      assert.ok(gap < MOST_GAP, `${gap} ms without a turn`);
      assert.equal((await inspector.rowsWhen(ROWS)).length, ROWS);
      if (name === 'chromium') {
        // Firefox does not tell
        const {JSHeapUsedSize: size} = await page.metrics();
        assert.ok(size < 40e6, `${size} bytes of heap`);
      }
    });

    test('by keyboard alone', async (inspector, page) => {
      assert.deepEqual(await walk(page, 'Tab', 'Tab'), ['Method', 'URL of the stream']);
      await page.keyboard.type(`${origin}/plain`);
      await page.keyboard.press('Enter');
      await inspector.rowsWhen(5);
      assert.deepEqual(await walk(page, ...Array(TAB_ORDER.length).fill('Tab')), TAB_ORDER);
      assert.deepEqual(
        await walk(
          page,
          'Tab',
          'ArrowUp',
          'ArrowUp',
          'ArrowUp',
          'ArrowDown',
          'Home',
          'End',
          'ArrowUp',
          'ArrowUp',
        ),
        ['Events', 'row 4', 'row 3', 'row 2', 'row 3', 'row 0', 'row 4', 'row 3', 'row 2'],
      );
      await page.keyboard.press('Enter');
      const open = () =>
        page.$$eval('details[open] pre', (all) => all.map((pre) => pre.textContent));
      assert.match((await until(open, (all) => all.length === 1))[0], /^{\n {2}"a": \[\n/);
      await page.keyboard.press('Enter');
      await until(open, (all) => all.length === 0);
      await page.keyboard.down('Shift');
      await walk(page, ...Array(2).fill('Tab')); // from the row to the list, to the last filter
      await page.keyboard.up('Shift');
      await page.keyboard.press(' ');
      assert.deepEqual(
        (
          await until(
            () => inspector.rows(),
            (all) => all.length === 3,
          )
        ).map(([type]) => type),
        ['open', 'price', 'price'],
      );
    });

    test('says what happened, and does not chatter', async (inspector, page) => {
      await page.evaluate(() => {
        window.said = [];
        new MutationObserver(() =>
          window.said.push(document.getElementById('status').textContent),
        ).observe(document.getElementById('status'), {childList: true});
      });
      await inspector.connect('/flood');
      await until(
        () => inspector.text('#events'),
        (text) => text === '10,000',
      );
      const said = await until(
        () => page.evaluate(() => window.said),
        (all) => all.length,
      );
      assert.equal(said.length, 1, `${said}`);
      assert.match(said[0], /^open: HTTP 200 after/);
      await page.evaluate(async () => {
        for (let n = 0; n < 11; n++) {
          document.getElementById('pause').click();
          await new Promise((done) => setTimeout(done, 20));
        }
        await new Promise((done) => setTimeout(done, 50));
      });
      assert.equal((await page.evaluate(() => window.said)).length, 1);
      const later = await until(() => page.evaluate(() => window.said[1]));
      assert.match(later, /^The list stands still/);
      const live = await page.$$eval(
        '[aria-live], [role=status], [role=alert], [role=log]',
        (all) => all.map((each) => each.id),
      );
      assert.deepEqual(live.sort(), ['problem', 'status']);
    });

    test('follows the newest, but while a row is read', async (inspector, page) => {
      const place = () =>
        page.$eval('.scroll', ({scrollTop, clientHeight, scrollHeight}) => ({
          top: scrollTop,
          rest: scrollHeight - clientHeight - scrollTop,
        }));
      await inspector.drop('data: 1\n\n'.repeat(99));
      await inspector.rowsWhen(101);
      assert.ok((await place()).rest < 2);
      assert.ok(await page.$eval('#latest', ({hidden}) => hidden));
      await inspector.click('#demo-events'); // hidden by now, and still of use
      await inspector.rowsWhen(3);
      await page.click('tbody tr:nth-child(3) summary');
      await page.setViewport({width: 1280, height: 400});
      await until(() => page.$eval('#latest', ({hidden}) => !hidden));
      const {top} = await place();
      await inspector.rowsWhen(6);
      assert.equal((await place()).top, top);
      await page.click('#latest');
      await until(place, ({rest}) => rest < 2);
      const {length} = await inspector.rows();
      await inspector.rowsWhen(length + 2);
      assert.ok((await place()).rest < 2);
    });

    test('its own demos', async (inspector) => {
      await inspector.click('#demo-tokens');
      await until(
        () => inspector.rows(),
        (rows) => rows.at(-2)?.[2] === '[DONE]',
      );
      await inspector.state('ended');
      await inspector.page.goto(pageURL);
      await inspector.page.bringToFront();
      await inspector.click('#demo-events');
      const rows = await inspector.rowsWhen(3);
      assert.deepEqual(
        rows.slice(1).map(([type, id]) => [type, id]),
        [
          ['comment', ''],
          ['paid', '1'],
        ],
      );
    });
  });
}

for (const name of browserNames) {
  for (const scheme of ['light', 'dark']) {
    describe(`accessibility in ${name}, ${scheme}`, {timeout: 60_000}, () => {
      let browser;
      before(async () => {
        browser = await launchIn(name, scheme, newFolder());
      });
      after(() => browser?.close());

      /** What axe finds, at a width. */
      async function violations(page, width) {
        await page.setViewport({width, height: 800});
        return violationsOf(page);
      }

      it('axe finds nothing', async () => {
        const inspector = await Inspector.open(browser, name === 'chromium' ? scheme : undefined);
        const {page} = inspector;
        const isDark = await page.evaluate(
          () => matchMedia('(prefers-color-scheme: dark)').matches,
        );
        assert.equal(isDark, scheme === 'dark');
        for (const width of [1280, 375]) {
          assert.deepEqual(await violations(page, width), [], `empty, ${width} px`);
        }
        await inspector.connect('/drop', {url: ''});
        await page.click('details.more summary');
        assert.deepEqual(await violations(page, 1280), [], 'form');
        await inspector.connect('/drop');
        await inspector.rowsWhen(5);
        await inspector.connect('/plain');
        await inspector.rowsWhen(5);
        await inspector.click('#expand');
        await page.evaluate(() => document.querySelector('.chip input').click());
        await page.evaluate(() => document.querySelectorAll('.chip input')[1].click());
        for (const width of [1280, 375]) {
          assert.deepEqual(await violations(page, width), [], `open, ${width} px`);
        }
        for (const text of ['nothing', '/(/']) {
          await type(page, text);
          await until(() => inspector.text('#matches'));
          for (const width of [1280, 375]) {
            assert.deepEqual(await violations(page, width), [], `filter ${text}, ${width} px`);
          }
        }
        await page.evaluate(() => {
          document.querySelector('#progress').hidden = false; // it may be gone by then
          document.querySelector('#read').textContent = '1 MB of 2 MB';
        });
        assert.deepEqual(await violations(page, 375), [], 'progress');
        await inspector.connect('/refused');
        await inspector.state('failed');
        assert.deepEqual(await violations(page, 1280), [], 'failed');
        await inspector.connect('/no-such', {url: `${pageURL}none`});
        await inspector.state('failed');
        await inspector.close();
      });

      it('axe would find something', async () => {
        const inspector = await Inspector.open(browser);
        await inspector.page.evaluate(() => {
          document.querySelector('[for=url]').remove();
          document
            .querySelector('#kept')
            .style.setProperty('color', 'color-mix(in srgb, var(--page), var(--text) 20%)');
        });
        const found = await violations(inspector.page, 1280);
        assert.deepEqual(found.map(([id]) => id).sort(), ['color-contrast', 'label-title-only']);
        await inspector.close();
      });
    });
  }
}
