// docs/migrating.md: the code before and after, against the same server; and the names of
// its tables, in the declarations of the packages that they come from.

import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {formatEvent} from '../../dist/sse.js';
import {migrations, namesIn} from '../../tools/docs.mjs';
import {linesOf, run} from './copies.mjs';
import {numbered, openStream, serve} from './server.mjs';

const text = (url) => readFileSync(new URL(url, import.meta.url), 'utf8');

// ── The code ─────────────────────────────────────────────────────────────────────────────────────

/** Two types of events, then `bye`; a reset after every third, in the middle of the next. */
function prices(request, response) {
  const first = Number(request.headers['last-event-id'] ?? 0) + 1;
  openStream(response);
  response.write('retry: 50\n\n: prices\n\n');
  for (let k = first; k < first + 3; k++) {
    if (k > 8) return void response.end(formatEvent({id: `${k}`, event: 'bye', data: ''}));
    response.write(formatEvent(k % 2 ? numbered(k) : {id: `${k}`, data: `line\nline ${k}`}));
  }
  response.write('id: 99\ndata: half');
  setTimeout(() => response.socket?.resetAndDestroy(), 20);
}
const PRICES = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((k) =>
  k % 2 ? [`price ${k} {"number":${k}}`] : [`message ${k} line`, `line ${k}`],
);

const CHUNKS = ['Every', ' stream', ' ends:', ' say how. 😀'];
const answer = (end) => (request, response) => {
  let body = '';
  request
    .setEncoding('utf8')
    .on('data', (part) => (body += part))
    .on('end', () => {
      const asked = [request.method, request.headers.authorization, body].join(' ');
      if (asked !== 'POST Bearer demo {"stream":true}') return void response.writeHead(400).end();
      openStream(response);
      for (const part of CHUNKS) response.write(formatEvent({data: JSON.stringify({text: part})}));
      end(response);
    });
};

/** What cannot be cut anywhere by an accident: it is cut everywhere. */
function bytes(_, response) {
  openStream(response);
  const stream =
    '\uFEFF: hello\r\nid: 1\r\ndata: é€😀\r\ndata: two\r\n\r\nevent: empty\r\ndata\r\n\r\n'
    + 'retry: 9\r\nid\r\nevent: tick\r\ndata:  x\r\n\r\nid: 7\r\n\r\ndata: last\r\n\r\ndata: no end';
  let end = Promise.resolve();
  for (const byte of Buffer.from(stream)) {
    end = end.then(() => new Promise((resolve) => response.write(Buffer.from([byte]), resolve)));
  }
  end.then(() => response.end());
}

const preload = (code) => ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
// That package is for browsers: this is what it takes from them.
const AS_BROWSER = preload(
  'globalThis.window = globalThis;'
    + ' globalThis.document = Object.assign(new EventTarget(), {hidden: false})',
);
// eventsource lets a process end that waits for nothing but its reconnection; a page would stay.
const STAYING = preload(
  'const timer = setTimeout(() => {});'
    + ' Object.getPrototypeOf(timer).unref = function () { return this }',
);

describe('before and after', () => {
  for (const {name, what, handle, lines, codes = [0, 0], requests = 1, flags = []} of [
    {
      name: 'eventsource',
      what: 'over resets',
      flags: STAYING,
      lines: PRICES,
      requests: 3,
      handle: prices,
    },
    {
      name: 'fetch-event-source',
      what: 'a whole answer',
      flags: AS_BROWSER,
      lines: CHUNKS,
      handle: answer((response) => response.end(formatEvent({data: '[DONE]'}))),
    },
    {
      name: 'fetch-event-source',
      what: 'one that is cut short',
      flags: AS_BROWSER,
      lines: CHUNKS,
      codes: [1, 1],
      handle: answer((response) => response.end()),
    },
    {
      name: 'fetch-event-source',
      what: 'a lost connection',
      flags: AS_BROWSER,
      lines: CHUNKS,
      codes: [1, 1],
      handle: answer((response) => setTimeout(() => response.socket.resetAndDestroy(), 50)),
    },
    {
      name: 'fetch-event-source',
      what: 'a refusal',
      flags: AS_BROWSER,
      lines: [],
      codes: [1, 1],
      handle: (_, response) => response.writeHead(429).end(),
    },
    {
      name: 'eventsource-parser',
      what: 'byte by byte',
      handle: bytes,
      lines: ['message 1 é€😀', 'two', 'empty 1 ', 'tick   x', 'message 7 last'],
    },
  ]) {
    it(`${name}: ${what}`, async () => {
      const results = [];
      for (const version of ['before', 'after']) {
        const server = await serve(handle);
        const {code, stdout, stderr} = await run(
          `migrations/${name}.${version}.mjs`,
          [server.url],
          {flags: version === 'before' ? flags : []},
        );
        await server.close();
        results.push({code, lines: linesOf(stdout), requests: server.requests.length});
        if (code === 0 && name === 'eventsource') assert.equal(stderr, 'open\n'.repeat(requests));
      }
      assert.deepEqual(
        results,
        codes.map((code) => ({code, lines, requests})),
      );
    });
  }

  it('each pair of files is run', () => {
    const files = readdirSync(new URL('../../examples/migrations/', import.meta.url));
    assert.deepEqual(
      files.sort(),
      ['eventsource-parser', 'eventsource', 'fetch-event-source'].flatMap((name) => [
        `${name}.after.mjs`,
        `${name}.before.mjs`,
      ]),
    );
  });
});

// ── The names ────────────────────────────────────────────────────────────────────────────────────

/** Lines of declarations, less comments. */
const code = (declarations) => declarations.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*/g, '');

/** What a package declares, for its installed version: {version, declarations}. */
function declared(name) {
  const folder = fileURLToPath(new URL(`node_modules/${name}/`, import.meta.url));
  const files = readdirSync(folder, {recursive: true}).filter(
    (file) => file.endsWith('.d.ts') && !file.includes('node_modules'),
  );
  assert(files.length > 0, `${name} has no declarations`);
  const {version} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return {
    version,
    declarations: code(files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')),
  };
}

/** Interfaces of browsers that a package builds on. */
function platform(...names) {
  const root = createRequire(new URL('../../package.json', import.meta.url));
  const compiler = createRequire(root.resolve('typescript/package.json'));
  const {platform: system, arch} = process;
  const file = compiler.resolve(`@typescript/typescript-${system}-${arch}/package.json`);
  const dom = code(readFileSync(join(file, '../lib/lib.dom.d.ts'), 'utf8'));
  return names
    .map((name) => {
      const [found] = new RegExp(`^interface ${name}\\b[^]*?^}`, 'm').exec(dom) ?? [];
      assert(found, `there is no interface ${name}`);
      return found;
    })
    .join('\n');
}

const PACKAGES = {
  'eventsource 5 and browsers': ['eventsource', 'MessageEvent'],
  '@microsoft/fetch-event-source 2': ['@microsoft/fetch-event-source', 'RequestInit'],
  'eventsource-parser 4': ['eventsource-parser'],
  'eventsource-client 1.2': ['eventsource-client'],
};
/** Words of JavaScript in those columns, and arguments. */
const WORDS = new Set(['await', 'chunk', 'false', 'for', 'new', 'true', 'type', 'url']);

/** Names in the left column that the package does not declare. */
function invented(rows, declarations) {
  const words = new Set(declarations.match(/[A-Za-z_$][\w$]*(?:-[a-z]+)*/g));
  return rows
    .flatMap(([left]) => namesIn(left))
    .filter((name) => !WORDS.has(name) && !words.has(name));
}

describe('the tables', () => {
  const tables = new Map(
    migrations(text('../../docs/migrating.md')).map(({from, rows}) => [from, rows]),
  );

  for (const [from, [name, ...interfaces]] of Object.entries(PACKAGES)) {
    it(from, () => {
      const {version, declarations} = declared(name);
      const [, major] = / (\d[\d.]*)(?: |$)/.exec(from);
      assert(`${version}.`.startsWith(`${major}.`), `${name} ${version} is installed`);
      const all = declarations + platform(...interfaces);
      const rows = tables.get(from);
      assert(rows?.length >= 8, `no table for ${from}`);
      assert.deepEqual(invented(rows, all), []);
      // The check can fail.
      assert.deepEqual(invented([...rows, ['`noSuchOption: true`']], all), ['noSuchOption']);
    });
  }
});
