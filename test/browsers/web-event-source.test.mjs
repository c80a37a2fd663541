// web-event-source.ts beside the browser's own EventSource, in Chromium and Firefox: over the same
// answers both fire the same events in the same states, and ask for the same.
// First: bash install.sh, and npm ci in this folder; node build.mjs.
//
//   node --test test/browsers/web-event-source.test.mjs

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {after, before, describe, it} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {browserNames, launch} from './browsers.mjs';

const A = 'data: a\n\n';
const B = 'data: b\n\n';
const SOON = 'retry: 10\n\n';
const END = ['error 0', 'error 2']; // the stream's end, then 204
const TYPES = ['open', 'message', 'error', 'own', 'close'];

/** A stream that ends well, or is `cut`, or stays. */
const stream = (body, more = {}) => ({body: SOON + body, ...more});
const refusal = (status) => ({status, type: 'text/plain', body: 'no'});
const to = (path, status = 302) => ({status, headers: {location: path}, body: ''});

const STATUSES = [204, 205, 210, 299, 400, 401, 404, 410, 500, 503];
const REDIRECTS = [301, 302, 303, 307, 308];
const TAKEN = ['text/event-stream;', 'text/event-stream;charset=utf-8', 'TEXT/Event-Stream;x=y'];
const NOT_TAKEN = ['text/plain', 'text/event-streams', 'x text/event-stream', '', null];

// The answers to one source, in their order, then 204; what it fires, as `type readyState data #id`
// and `@other` where that is the origin. `ours`: what ours fires where it differs; `natives`: what a
// browser's own does that is not to the standard, and `asksOtherwise`: where it so asks. `close`:
// the line at which it is closed. `from`: the page asks the other origin.
const ROWS = [
  {
    rule: 'messages, the end, again, 204',
    steps: [stream(A + B), stream(`id: 7\n${A}`), stream(B)],
    log: [
      ...['open 1', 'message 1 a', 'message 1 b', 'error 0', 'open 1', 'message 1 a #7'],
      ...['error 0', 'open 1', 'message 1 b #7', ...END],
    ],
  },
  {rule: 'a stream without events', steps: [stream('')], log: ['open 1', ...END]},
  {
    rule: 'a cut inside an event',
    steps: [stream(`id: 1\n${A}id: 2\ndata: half`, {isCut: true}), stream(B)],
    log: ['open 1', 'message 1 a #1', 'error 0', 'open 1', 'message 1 b #1', ...END],
  },
  {
    rule: 'ids: not ASCII, and empty',
    steps: [stream(`id: é\n${A}`), stream(`id\n${A}`), stream(A)],
    log: [
      ...['open 1', 'message 1 a #é', 'error 0', 'open 1', 'message 1 a', 'error 0'],
      ...['open 1', 'message 1 a', ...END],
    ],
  },
  {
    rule: 'an id without data counts',
    steps: [stream(`id: 9\n\n${A}`)],
    log: ['open 1', 'message 1 a #9', ...END],
    natives: {firefox: ['open 1', 'message 1 a', ...END]},
    asksOtherwise: ['firefox'],
  },
  {
    rule: 'NUL is data, and makes an id none',
    steps: [stream(`data: \0\n\nid: 1\0\n${A}id: 2\n${B}`)],
    log: ['open 1', 'message 1 \0', 'message 1 a', 'message 1 b #2', ...END],
    natives: {firefox: ['open 1', 'message 1 ', 'message 1 b #2', ...END]},
  },
  {
    rule: 'types: own ones, open, error, close',
    steps: [
      stream(`event: own\n${A}event: open\n${A}event: error\n${A}event: close\n${A}event\n${B}`),
    ],
    log: ['open 1', 'own 1 a', 'open 1 a', 'error 1 a', 'close 1 a', 'message 1 b', ...END],
  },
  {
    rule: 'the format',
    steps: [
      stream(
        ':\n:x\ndata\n\ndata\ndata\n\ndata:  2 \n\ndata:\t3\rdata:4\r\n\r\nDATA: 5\n data: 6\n'
          + 'data : 7\n\nevent: own\n\ndata::8: \n\nfoo\ndata: a\x0bb\x85c\u2028d €😀\n\n'
          + 'event: other\nevent: own\ndata: 9\n\ndata: never',
      ),
    ],
    log: [
      ...['open 1', 'message 1 ', 'message 1 \n', 'message 1  2 ', 'message 1 \t3\n4'],
      ...['message 1 :8: ', 'message 1 a\x0bb\x85c\u2028d €😀', 'own 1 9', ...END],
    ],
  },
  {
    rule: 'a byte order mark, and two',
    steps: [{body: `\ufeffretry: 10\n${A}\ufeff${B}`}, {body: `\ufeff\ufeff${A}${B}`}],
    log: ['open 1', 'message 1 a', 'error 0', 'open 1', 'message 1 b', ...END],
  },
  {
    rule: 'retry that is none leaves what was',
    steps: [stream(`retry: 9x\nretry:\nretry\n${A}`), stream(B)],
    log: ['open 1', 'message 1 a', 'error 0', 'open 1', 'message 1 b', ...END],
  },
  ...STATUSES.map((status) => ({
    rule: `${status} at first`,
    steps: [refusal(status)],
    log: ['error 2'],
  })),
  ...[404, 503].map((status) => ({
    rule: `${status} after it was open`,
    steps: [stream(A), refusal(status), stream(B)],
    log: ['open 1', 'message 1 a', ...END],
  })),
  ...TAKEN.map((type) => ({
    rule: `taken: ${type}`,
    steps: [stream(A, {type})],
    log: ['open 1', 'message 1 a', ...END],
  })),
  ...NOT_TAKEN.map((type) => ({
    rule: `not taken: ${type}`,
    steps: [stream(A, {type})],
    log: ['error 2'],
  })),
  ...REDIRECTS.map((status) => ({
    rule: `${status}: each connection begins at the URL`,
    steps: [to('', status), stream(`id: 1\n${A}`), stream(B)],
    log: ['open 1', 'message 1 a #1', 'error 0', 'open 1', 'message 1 b #1', ...END],
  })),
  {
    rule: 'another origin',
    from: 'other',
    steps: [stream(A)],
    log: ['open 1', 'message 1 a @other', ...END],
  },
  {
    rule: 'another origin, with cookies',
    from: 'other',
    withCredentials: true,
    steps: [stream(A)],
    log: ['open 1', 'message 1 a @other', ...END],
  },
  {
    rule: 'a redirect to another origin',
    steps: [to('other'), stream(A)],
    log: ['open 1', 'message 1 a @other', ...END],
    asksOtherwise: ['chromium'], // it reconnects to where the redirect led
  },
  {
    rule: 'another origin that does not allow it',
    from: 'other',
    hasCORS: false,
    steps: [stream(A)],
    log: ['error 2'],
    ours: ['error 0', 'error 0'], // no page is told that it was not the network
    close: 'error 0 error 0',
  },
  {
    rule: 'an id, to another origin that does not allow that header',
    from: 'other',
    headers: 'x-other',
    steps: [stream(`id: 1\n${A}`), stream(B)],
    log: ['open 1', 'message 1 a #1 @other', 'error 0', 'open 1', 'message 1 b #1 @other', ...END],
    ours: ['open 1', 'message 1 a #1 @other', 'error 0', 'error 0'],
    close: 'error 0 error 0',
  },
  ...['open 1', 'message 1 a', 'message 1 b', 'error 0'].map((line, index) => ({
    rule: `close() at ${line}`,
    steps: [stream(A + B), stream(B)],
    log: ['open 1', 'message 1 a', 'message 1 b', 'error 0'].slice(0, index + 1),
    close: line,
  })),
  {
    rule: 'close() while it reads',
    steps: [stream(A, {stays: true})],
    log: ['open 1', 'message 1 a'],
    close: 'message 1 a',
  },
];

// ── Two origins ───────────────────────────────────────────────────────────────────────────────

const MODULES = new Set(['/dist/sse.js', '/dist/web-event-source.js']);
const asked = new Map(); // run → requests
const origins = [];
const servers = [];

async function answer(request, response) {
  const url = new URL(request.url, 'http://server.test');
  if (url.pathname === '/page') return page(response);
  if (MODULES.has(url.pathname)) {
    response.writeHead(200, {'content-type': 'text/javascript'});
    return response.end(readFileSync(new URL(`../..${url.pathname}`, import.meta.url)));
  }
  const row = ROWS[url.searchParams.get('row')];
  if (!row) return response.writeHead(404).end(); // a browser looks for an icon
  const cors = row.hasCORS !== false && {
    'access-control-allow-origin': request.headers.origin ?? '*',
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': row.headers ?? 'last-event-id',
  };
  if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
  const run = url.searchParams.get('run');
  const requests = asked.get(run) ?? [];
  asked.set(run, requests);
  requests.push(headersOf(request));
  const step = row.steps[requests.length - 1] ?? {status: 204, type: null, body: ''};
  await send(response, step, cors, url);
}

function page(response) {
  response.writeHead(200, {'content-type': 'text/html', 'set-cookie': 'who=page'});
  response.end('<!doctype html><title>EventSource</title>');
}

async function send(response, step, cors, url) {
  const {status = 200, type = 'text/event-stream', headers = {}, body, isCut, stays} = step;
  const location = headers.location === 'other' ? `${origins[1]}${url.pathname}` : url.pathname;
  response.writeHead(status, {
    ...(type !== null && {'content-type': type}),
    ...(headers.location !== undefined && {location: `${location}${url.search}`}),
    ...cors,
    'cache-control': 'max-age=60', // nothing of it is taken out of a cache
  });
  if (!isCut && !stays) return response.end(status === 204 || status === 205 ? '' : body);
  response.write(body);
  await sleep(50); // what was written arrives first
  if (isCut) response.socket.resetAndDestroy();
}

/** What both ask for. Of a cookie that a page may not send there is nothing to see. */
function headersOf({method, headers}) {
  const {host, accept, 'last-event-id': id, 'cache-control': cache, cookie} = headers;
  return {method, host, accept, id, cache, cookie};
}

before(async () => {
  for (const _ of [1, 2]) {
    const server = createServer(answer).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    origins.push(`http://127.0.0.1:${server.address().port}`);
  }
});
after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

// ── In a page ─────────────────────────────────────────────────────────────────────────────────

const MOST_MS = 20_000; // for one source
const QUIET_MS = 300; // after a close(): nothing may come

/** Runs in the page: what a source fires, up to its end. */
async function follow({whose, url, types, close, withCredentials, most, quiet}) {
  const {EventSource: Ours} = await import('/dist/web-event-source.js');
  const Class = whose === 'ours' ? Ours : EventSource;
  const source = new Class(url, {withCredentials});
  const log = [];
  await new Promise((resolve) => {
    const late = setTimeout(() => {
      log.push(`not within ${most} ms`);
      resolve();
    }, most);
    const end = () => {
      clearTimeout(late);
      setTimeout(resolve, quiet);
    };
    const note = (event) => {
      const {type, data, lastEventId, origin} = event;
      const isOther = data !== undefined && origin !== location.origin;
      const line = [
        ...[type, source.readyState, ...(data === undefined ? [] : [data])],
        ...(lastEventId ? [`#${lastEventId}`] : []),
        ...(isOther ? ['@other'] : []),
      ].join(' ');
      log.push(line);
      if (close && log.join(' ').endsWith(close)) {
        source.close();
        log.push(...(source.readyState === 2 ? [] : ['not closed']));
      }
      if (source.readyState === 2) end();
    };
    for (const type of types) source.addEventListener(type, note);
  });
  source.close();
  return log;
}

/** Runs in the page: an interface as a program can see it. */
async function describeInterface(whose) {
  const {EventSource: Ours} = await import('/dist/web-event-source.js');
  const Class = whose === 'ours' ? Ours : EventSource;
  function properties(object) {
    return Reflect.ownKeys(object)
      .map((key) => {
        const own = Object.getOwnPropertyDescriptor(object, key);
        const flags = ['get', 'set', 'writable', 'enumerable', 'configurable'];
        const {get, value} = own;
        const name = get?.name ?? value?.name ?? String(value);
        return [String(key), name, ...flags.filter((flag) => own[flag])].join(' ');
      })
      .sort();
  }
  function attempt(make) {
    try {
      const made = make();
      if (made instanceof EventTarget) made.close();
      return made instanceof EventTarget ? `${made.url} ${made.withCredentials}` : String(made);
    } catch (error) {
      return `${error.name} ${error.code} ${error instanceof DOMException}`;
    }
  }
  const source = new Class('/none');
  source.close();
  const values = [{}, 5, 'text', undefined, null, () => {}, [], false];
  const {prototype} = Class;
  const urls = [
    '',
    'a b',
    '?c',
    '#d',
    'http://[',
    'http://127.0.0.1:1/',
    'HTTP://A.test:80/../%20',
  ];
  const options = [undefined, null, {}, 5, 'x', true, {withCredentials: 1}, {withCredentials: ''}];
  return {
    properties: [Class, prototype, source].map(properties),
    chain: [Object.getPrototypeOf(Class) === EventTarget, prototype instanceof EventTarget],
    text: [String(source), Class.name, Class.length, `${Class.CLOSED}${source.OPEN}`],
    handlers: values.map((value) => {
      source.onmessage = value;
      return source.onmessage === value ? 'kept' : String(source.onmessage);
    }),
    urls: urls.map((url) => attempt(() => new Class(url))),
    options: options.map((each) => attempt(() => new Class('/none', each))),
    wrong: [
      () => new Class(),
      () => new Class(Symbol()),
      () => Class('/none'),
      () => new Class('http://[', 5),
      ...['url', 'readyState', 'withCredentials', 'onopen', 'onmessage', 'onerror'].map(
        (name) => () => Object.getOwnPropertyDescriptor(prototype, name).get.call({}),
      ),
      () => prototype.close.call(new EventTarget()),
      () => prototype.readyState,
    ].map(attempt),
  };
}

/** Runs in the page: the order of handlers and listeners. */
async function order(whose) {
  const {EventSource: Ours} = await import('/dist/web-event-source.js');
  const source = new (whose === 'ours' ? Ours : EventSource)('/none');
  source.close();
  const log = [];
  const note = (name) => (event) => log.push(`${name} ${event.type}`);
  const fire = () => source.dispatchEvent(new MessageEvent('message'));
  source.addEventListener('message', note('before'));
  source.onmessage = note('first');
  source.addEventListener('message', note('after'));
  fire();
  source.onmessage = note('second');
  fire();
  source.onmessage = {handleEvent: note('object')};
  fire();
  source.onmessage = note('third');
  fire();
  source.onmessage = null;
  source.onmessage = note('fourth');
  fire();
  const self = function (event) {
    log.push(`${this === source} ${event.currentTarget === source}`);
    return false;
  };
  source.onerror = self;
  source.dispatchEvent(new Event('error'));
  source.removeEventListener('error', self);
  source.dispatchEvent(new Event('error'));
  return log;
}

/** Runs in the page: what comes first, the next event or what the last one's listener waits for. */
async function promises({whose, url}) {
  const {EventSource: Ours} = await import('/dist/web-event-source.js');
  const source = new (whose === 'ours' ? Ours : EventSource)(url);
  const log = [];
  source.onopen = source.onmessage = async ({type, data = type}) => {
    log.push(data);
    for (let turns = 0; turns < 10; turns++) await null;
    log.push(`${data} later`);
  };
  await new Promise((resolve) => {
    source.onerror = resolve;
  });
  source.close();
  return log;
}

const FAILING = ['ftp://127.0.0.1/', 'mailto:somebody@127.0.0.1'];

for (const name of browserNames) {
  describe(name, () => {
    let browser;
    let tab;
    before(async () => {
      browser = await launch(name);
      tab = await browser.newPage();
      await tab.goto(`${origins[0]}/page`);
    });
    after(() => browser?.close());

    const both = async (work) => ({
      native: await tab.evaluate(work, 'native'),
      ours: await tab.evaluate(work, 'ours'),
    });

    it('the interface', async () => {
      const {native, ours} = await both(describeInterface);
      assert.equal(native.properties[1].length, 12);
      assert.deepEqual(ours, native);
    });
    it('handlers among listeners', async () => {
      const {native, ours} = await both(order);
      assert.equal(native.length, 16);
      assert.deepEqual(ours, native);
    });
    for (const url of FAILING) {
      it(`a URL that nobody follows: ${url}`, async () => {
        const asks = {url, types: TYPES, most: MOST_MS, quiet: QUIET_MS};
        for (const whose of ['native', 'ours']) {
          assert.deepEqual(await tab.evaluate(follow, {...asks, whose}), ['error 2'], whose);
        }
      });
    }
    it('promises of a listener settle before the next event of the chunk', async () => {
      const row = ROWS.findIndex(({rule}) => rule === 'messages, the end, again, 204');
      const asks = (whose) => {
        const url = `/stream?row=${row}&run=${name}-promises-${whose}`;
        return tab.evaluate(promises, {whose, url});
      };
      const all = ['open', 'open later', 'a', 'a later', 'b', 'b later'];
      assert.deepEqual(await asks('native'), all);
      assert.deepEqual(await asks('ours'), all);
    });
    for (const [index, row] of ROWS.entries()) {
      const {rule, log, ours = log, close, withCredentials = false, from} = row;
      const native = row.natives?.[name] ?? log;
      it(rule, async () => {
        const runs = ['native', 'ours'].map((whose) => ({whose, run: `${name}-${index}-${whose}`}));
        const logs = await Promise.all(
          runs.map(({whose, run}) => {
            const origin = from === 'other' ? origins[1] : '';
            const url = `${origin}/stream?row=${index}&run=${run}`;
            const limits = {most: MOST_MS, quiet: QUIET_MS};
            return tab.evaluate(follow, {
              ...{whose, url, types: TYPES, withCredentials, ...limits},
              close: whose === 'native' && ours !== log ? undefined : close,
            });
          }),
        );
        assert.deepEqual(logs, [native, ours], 'the own one, and ours');
        const [theirs, own] = runs.map(({run}) => asked.get(run));
        if (row.asksOtherwise?.includes(name)) assert.notDeepEqual(own, theirs);
        else if (ours === log) assert.deepEqual(own, theirs, 'what they asked');
      });
    }
  });
}
