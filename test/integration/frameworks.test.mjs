// Event streams as the frameworks that people use write them: each server in frameworks/ is a real
// process with the real package. Their live sockets are reset from outside, by the kernel, on the
// order of `ss -K`; nothing may be lost or come twice, and whoever leaves must be seen to leave.

import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {Hono} from 'hono';
import {streamSSE} from 'hono/streaming';
import {asyncConnect, connect, SSEConnectionError} from '../../dist/sse.js';
import {figure} from './figures.mjs';
import {FEW, numbered, TOTAL} from './frameworks/history.mjs';
import {freePort, start, until} from './processes.mjs';

const json = JSON.stringify;
const same = (data) => data;
const node = (name) => [process.execPath, `${name}.mjs`];
const python = (name) => ['/usr/bin/python3', `${name}.py`];

// data: what the framework makes of a text. type: of an event type. retry: in force after each
// event of /few. wire: what is particular about it, as its bytes show. few: its events, if they are
// not just the numbered ones. isOwn: events that the framework adds when it likes.
const SERVERS = {
  'better-sse': {
    command: node('better-sse'),
    data: json,
    retry: 20,
    wire: [/retry:20\n\nevent:message\nid:1\ndata:"1 /],
  },
  hono: {
    command: node('hono'),
    data: same,
    retry: 20,
    posts: true,
    wire: [/^event: message\ndata: 1 line\ndata: line\nid: 1\nretry: 20\n\n/],
  },
  fastify: {
    command: node('fastify'),
    data: json,
    posts: true,
    wire: [/^id: 1\nevent: message\ndata: "1 line\\nline"\n\n/],
  },
  express: {
    command: node('express'),
    data: same,
    posts: true,
    wire: [/^id:1\revent: message\rfoo: bar\rdata: 1 line\rdata: line\r\r/],
  },
  h3: {
    command: node('h3'),
    data: same,
    posts: true,
    wire: [/^id: 1\nevent: message\ndata: 1 line\ndata: line\n\n/],
  },
  tRPC: {
    command: node('trpc'),
    data: json,
    type: () => 'message',
    posts: true,
    wire: [
      /^event: connected\ndata: \{\}\n\n\ndata: "1 line\\nline"\nid: 1\n\n\n/,
      /\ndata: "no id"\nid: \n\n\nevent: restore-id\ndata: \nid: 7\n\n\n/,
      /\nevent: return\ndata: \n\n\n$/,
    ],
    few: (events) => [
      {event: 'connected', data: '{}', id: '', retry: undefined},
      ...events,
      {event: 'message', data: '"no id"', id: '', retry: undefined},
      {event: 'restore-id', data: '', id: '7', retry: undefined},
      {event: 'return', data: '', id: '7', retry: undefined},
    ],
    answer: (events) => [
      {event: 'connected', data: '{}', id: '', retry: undefined},
      ...events.map((event) => ({...event, data: json(event.data)})),
      {event: 'return', data: '', id: '', retry: undefined},
    ],
    isOwn: ({event}) => event === 'ping' || event === 'connected',
  },
  'graphql-sse': {
    command: node('graphql-sse'),
    posts: true,
    path: `/graphql?query=${encodeURIComponent('subscription { few { id event data } }')}`,
    headers: {'content-encoding': 'none', 'content-type': 'text/event-stream; charset=utf-8'},
    wire: [/^:\n\nevent: next\ndata: \{/, /\n\nevent: complete\ndata:\n\n$/],
    few: () => [
      ...FEW.map((few) => ({event: 'next', data: json({data: {few}}), id: '', retry: undefined})),
      {event: 'complete', data: '', id: '', retry: undefined},
    ],
    question: {
      query: 'subscription ($words: [String]) { answer(words: $words) }',
      variables: {words: ['one', 'two', 'drei é']},
    },
    answer: (events) => [
      ...events.map(({data, ...rest}) => ({
        ...rest,
        event: 'next',
        data: json({data: {answer: data}}),
      })),
      {event: 'complete', data: '', id: '', retry: undefined},
    ],
    resumes: false,
  },
  'http.server': {
    command: python('http_server'),
    data: same,
    posts: true,
    wire: [/^id: 1\r\nevent: message\r\ndata: 1 line\r\ndata: line\r\n\r\n/],
  },
  starlette: {
    command: python('starlette_server'),
    data: same,
    posts: true,
    headers: {'content-type': 'text/event-stream; charset=utf-8'},
    wire: [/^id: 1\nevent: message\ndata: 1 line\ndata: line\n\n/],
  },
};

const MCP_VERSION = '2025-11-25';

const rpc = (id, method, params) => ({jsonrpc: '2.0', id, method, params});

const LONG_CALL = rpc(2, 'tools/call', {
  name: 'trigger-long-running-operation',
  arguments: {duration: 0.6, steps: 6},
  _meta: {progressToken: 'progress'},
});

const progressOf = (step) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: {progressToken: 'progress', progress: step, total: 6},
});

const LOOPS = {
  async 'for await'(url, options, onEvent) {
    for await (const event of asyncConnect(url, options)) if (onEvent(event) === false) break;
  },
  for(url, options, onEvent) {
    for (const event of connect(url, options)) if (onEvent(event) === false) break;
  },
};

/** A server of frameworks/: {url, port, reports(what, since), mark(), stop()}. */
async function launch([command, file]) {
  const port = await freePort();
  const cwd = fileURLToPath(new URL('frameworks/', import.meta.url));
  const env = {...process.env, PYTHONDONTWRITEBYTECODE: '1'};
  const server = await start(command, [file, port], {port, cwd, env});
  const lines = () =>
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('['))
      .map((line) => JSON.parse(line));
  return {
    ...server,
    url: `http://127.0.0.1:${port}`,
    port,
    mark: () => lines().length,
    reports: (what, since) =>
      lines()
        .slice(since)
        .filter(([name]) => name === what),
  };
}

const names = Object.keys(SERVERS);
const running = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await launch(SERVERS[name].command)])),
);
const mcp = await launch(node('mcp'));
after(() => Promise.all([...Object.values(running), mcp].map((server) => server.stop())));

/** Reset the server's live connections. It needs root, and a kernel with INET_DIAG_DESTROY. */
function reset(port) {
  const {stdout, stderr} = spawnSync('ss', [
    '-H',
    '-n',
    '-K',
    '-t',
    'state',
    'established',
    'sport',
    '=',
    `:${port}`,
  ]);
  assert(String(stdout).includes(`:${port}`), `ss -K has reset nothing: ${stderr}`);
  figures.resets++;
}

const figures = {events: 0, resets: 0, lost: 0, twice: 0};

/** All that comes, up to the end or to where `onEvent` returns false. */
async function read(loop, url, options, onEvent = () => {}) {
  const events = [];
  await LOOPS[loop](url, options, (event) => {
    events.push({...event});
    return onEvent(event, events.length);
  });
  figures.events += events.length;
  return events;
}

for (const name of names) {
  const spec = SERVERS[name];
  const server = running[name];
  const {data = same, type = same, retry} = spec;
  const written = (event) => ({...event, event: type(event.event), data: data(event.data), retry});
  const isOwn = spec.isOwn ?? (() => false);
  const few = FEW.map(written);

  test(`${name}: the bytes are as particular as is said here`, async () => {
    const response = await fetch(server.url + (spec.path ?? '/few'), {
      headers: {accept: 'text/event-stream'},
    });
    const text = await response.text();
    for (const pattern of spec.wire) assert.match(text, pattern);
    for (const [header, value] of Object.entries(spec.headers ?? {})) {
      assert.equal(response.headers.get(header), value);
    }
  });

  for (const loop of Object.keys(LOOPS)) {
    test(`${name}, ${loop}: each event whole, then the end`, async () => {
      const events = await read(loop, server.url + (spec.path ?? '/few'), {reconnect: false});
      assert.deepEqual(
        events.filter(({event}) => event !== 'ping'),
        spec.few?.(few) ?? few,
      );
    });

    if (spec.posts)
      test(`${name}, ${loop}: POST, once`, async () => {
        const since = server.mark();
        const words = ['one', 'two', 'drei é'];
        const answer = words.map((word) => ({
          event: 'message',
          data: word,
          id: '',
          retry: undefined,
        }));
        const events = await read(loop, `${server.url}/answer`, {json: spec.question ?? {words}});
        assert.deepEqual(
          events.filter(({event}) => event !== 'ping'),
          spec.answer?.(answer) ?? answer,
        );
        await until(() => server.reports('post', since).length, 'the report');
        assert.deepEqual(server.reports('post', since), [['post', '']]);
      });

    if (spec.resumes !== false)
      test(`${name}, ${loop}: resets, resumed, left`, async () => {
        const since = server.mark();
        const retries = [];
        let onConnection;
        const ownIds = [];
        const events = await read(
          loop,
          `${server.url}/events`,
          {
            retryInterval: 20,
            idleTimeout: 8000, // in case that a reset is not noticed
            onOpen: () => (onConnection = 0),
            onRetry(retry) {
              retries.push(retry);
              assert.notEqual(retry.error.code, 'timeout');
              assert(retries.length <= TOTAL / 12, 'It makes no progress');
            },
          },
          (event) => {
            if (event.event === 'connected') ownIds.push(event.id);
            if (isOwn(event)) return true;
            // No connection gets more than 20 events: after this one it has to be made anew.
            if (++onConnection === 12 && event.id !== `${TOTAL}`) reset(server.port);
            return event.id !== `${TOTAL}`;
          },
        );
        const all = Array.from({length: TOTAL}, (_, index) => numbered(index + 1));
        const got = events.filter((event) => !isOwn(event));
        count(got.map(({id}) => id));
        assert.deepEqual(
          got.map(({event, data, id}) => ({event, data, id})),
          all.map((event) => ({...event, event: type(event.event), data: data(event.data)})),
        );
        assert(retries.length >= TOTAL / 20 - 1, `${retries.length} reconnections`);
        const resumed = ['', ...retries.map(({lastEventId}) => lastEventId)];
        await sawAll(server, since, resumed);
        if (spec.isOwn) assert.deepEqual(ownIds, resumed);
      });
  }
}

/** Each connection began where the client says it did; the server knows that all are closed. */
async function sawAll(server, since, resumed) {
  await until(() => server.reports('open', since).length >= resumed.length, 'the reports');
  assert.deepEqual(
    server.reports('open', since),
    resumed.map((id) => ['open', id]),
  );
  await until(
    () => server.reports('close', since).length === resumed.length,
    `${resumed.length} connections closed`,
  );
}

function count(ids) {
  const seen = new Set(ids);
  for (let id = 1; id <= TOTAL; id++) if (!seen.has(`${id}`)) figures.lost++;
  figures.twice += ids.length - seen.size;
}

for (const loop of Object.keys(LOOPS)) {
  const server = running['graphql-sse'];
  const question = {query: 'subscription { events { id event data } }'};
  const next = (k) => ({
    event: 'next',
    data: json({data: {events: numbered(k)}}),
    id: '',
    retry: undefined,
  });

  test(`graphql-sse, ${loop}: without ids a reset subscription is told, not repeated`, async () => {
    const since = server.mark();
    const events = [];
    await assert.rejects(
      async () =>
        LOOPS[loop](
          `${server.url}/events`,
          {
            json: question,
            until: ({event}) => event === 'complete',
          },
          (event) => {
            events.push({...event});
            if (events.length === 12) reset(server.port);
          },
        ),
      (error) => {
        assert(error instanceof SSEConnectionError);
        assert.equal(error.retries, 0);
        return true;
      },
    );
    assert(events.length >= 12 && events.length <= 20);
    assert.deepEqual(
      events,
      events.map((_, index) => next(index + 1)),
    );
    await until(() => server.reports('close', since).length === 1, 'the server is left');
    assert.deepEqual(server.reports('open', since), [['open', '']]);
  });

  test(`graphql-sse, ${loop}: as a GET it begins anew`, async () => {
    const since = server.mark();
    let resets = 0;
    const query = encodeURIComponent(question.query);
    const events = await read(
      loop,
      `${server.url}/events?query=${query}`,
      {
        retryInterval: 20,
        onRetry: () => resets++,
      },
      (event, count) => {
        if (count === 12) reset(server.port);
        return !(resets && event.data === next(15).data);
      },
    );
    const again = events.findLastIndex(({data}) => data === next(1).data);
    assert(again >= 12 && again <= 20);
    assert.deepEqual(events, [
      ...events.slice(0, again).map((_, index) => next(index + 1)),
      ...Array.from({length: 15}, (_, index) => next(index + 1)),
    ]);
    assert.equal(resets, 1);
    await until(() => server.reports('close', since).length === 2, 'the server is left');
    assert.deepEqual(server.reports('open', since), [
      ['open', ''],
      ['open', ''],
    ]);
  });

  // MCP (streamable HTTP): each request is a POST whose answer is a stream; if that breaks, a GET
  // with Last-Event-ID goes on. Its first event has an id and empty data: what to resume from.
  test(`MCP, ${loop}: a POST cut in the middle goes on by GET`, async () => {
    const received = () => mcp.output().match(/(?<=Received MCP )\w+/g) ?? [];
    const before = received().length;
    const url = `${mcp.url}/mcp`;
    const headers = await initialize(loop, url);

    const messages = [];
    let lastEventId;
    const take = (event) => {
      lastEventId = event.id;
      if (event.data) messages.push(event.json());
      return messages.at(-1)?.id !== 2;
    };
    await assert.rejects(
      async () =>
        LOOPS[loop](url, {headers, json: LONG_CALL}, (event) => {
          take(event);
          if (messages.length === 2) reset(mcp.port);
        }),
      SSEConnectionError,
    );
    assert(messages.length >= 2 && messages.length < 7);

    // This server replays what the id has missed, but sends nothing later to that connection (its
    // store takes the event's id for the stream's): the client notices the silence.
    let gets = 0;
    const onOpen = () => gets++;
    const waits = {retryInterval: 20, idleTimeout: 250};
    await LOOPS[loop](url, {headers, lastEventId, ...waits, onOpen}, take);
    const answer = messages.pop();
    assert.deepEqual(messages, [1, 2, 3, 4, 5, 6].map(progressOf));
    assert.match(answer.result.content[0].text, /Duration: 0.6 seconds, Steps: 6/);
    // initialize, initialized, one call: none was repeated.
    await until(() => received().length >= before + 3 + gets, 'its output');
    assert.deepEqual(received().slice(before), [
      'POST',
      'POST',
      'POST',
      ...Array(gets).fill('GET'),
    ]);
    figures.events += messages.length + 1;
  });
}

/** Begins a session of MCP: the headers of its requests. */
async function initialize(loop, url) {
  const headers = {accept: 'application/json, text/event-stream'};
  const initialized = await read(loop, url, {
    headers: {...headers},
    json: rpc(1, 'initialize', {
      protocolVersion: MCP_VERSION,
      capabilities: {},
      clientInfo: {name: 'test', version: '1'},
    }),
    onOpen(response) {
      headers['mcp-session-id'] = response.headers.get('mcp-session-id');
      headers['mcp-protocol-version'] = MCP_VERSION;
    },
  });
  assert.deepEqual(
    initialized.map(({event}) => event),
    ['message', 'message'],
  );
  assert.equal(initialized[0].data, '');
  assert.match(initialized[0].id, /^[\w-]{36}$/);
  const {id, result} = JSON.parse(initialized[1].data);
  assert.deepEqual([id, result.protocolVersion], [1, MCP_VERSION]);
  await fetch(url, {
    method: 'POST',
    headers: {...headers, 'content-type': 'application/json'},
    body: json({jsonrpc: '2.0', method: 'notifications/initialized'}),
  }).then((response) => response.arrayBuffer());
  return headers;
}

/** Streams that end after three events each, for whom has the key; `log`: where each began. */
function honoApp(log) {
  const app = new Hono();
  app.get('/events', (c) => {
    const {authorization} = c.req.header();
    if (authorization !== 'Bearer key') return c.text('who are you?', 401);
    return streamSSE(c, async (stream) => {
      const first = Number(c.req.header('last-event-id') ?? 0) + 1;
      log.push(first);
      stream.onAbort(() => log.push('left'));
      for (let k = first; !stream.aborted && k <= 9; k++) {
        await stream.writeSSE({...numbered(k), retry: 20});
        if (k % 3 === 0 && k < 9) return; // the stream ends; the client comes back
        await sleep(1);
      }
      if (first > 6) await new Promise((resolve) => stream.onAbort(resolve));
    });
  });
  app.get('/gone', (c) => c.body(null, 204));
  app.post('/answer', async (c) => {
    const {words} = await c.req.json();
    return streamSSE(c, async (stream) => {
      for (const data of words) await stream.writeSSE({data});
    });
  });
  return app;
}

test('hono: app.request is a transport, no network', async () => {
  const log = [];
  const transport = honoApp(log).request;
  const options = {transport, headers: {authorization: 'Bearer key'}};

  const events = [];
  for await (const event of asyncConnect('http://localhost/events', options)) {
    events.push({...event});
    if (event.id === '9') break;
  }
  assert.deepEqual(
    events,
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => ({...numbered(k), retry: 20})),
  );
  await until(() => log.includes('left'), 'hono is left');
  assert.deepEqual(log, [1, 4, 7, 'left']);

  const words = ['one', 'two'];
  const answer = [];
  for await (const {data} of asyncConnect('http://localhost/answer', {transport, json: {words}})) {
    answer.push(data);
  }
  assert.deepEqual(answer, words);
  await assert.rejects(asyncConnect('http://localhost/events', {transport}).open(), {
    name: 'SSEHTTPError',
    status: 401,
    body: 'who are you?',
  });
  for await (const _ of asyncConnect('http://localhost/gone', {transport})) assert.fail();
  log.length = 0;
  assert.throws(() => [...connect('http://localhost/events', options)], {
    name: 'TypeError',
    message: /use `for await`/,
  });
  await until(() => log.includes('left'), 'hono is left');
});

test('figures', () => {
  const {events, resets, lost, twice} = figures;
  assert.deepEqual([lost, twice], [0, 0]);
  figure(
    'frameworks',
    `${names.length + 1} servers (${names.join(', ')}, MCP), both loops:`
      + ` ${events} events, ${resets} live connections reset by ss -K, ${lost} lost, ${twice} twice`,
  );
});
