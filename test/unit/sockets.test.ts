// Both loops over real sockets, with their default transports and httpTransport(). The server is a
// process of its own, since a blocking client stops the thread that it is in.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import {after, before, describe, test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import {constants, gzipSync} from 'node:zlib';
import {
  asyncConnect,
  blockingFetch,
  connect,
  httpTransport,
  type SSEClient,
  type SSEEvent,
} from '../../sse.ts';
import {
  ASYNC,
  BLOCKING,
  BOTH,
  consume,
  dataOf,
  jsonOf,
  type Kind,
  loopOf,
} from '../support/clients.ts';
import {assertError, caught} from '../support/errors.ts';
import {all} from '../support/events.ts';
import {IS_BUN, IS_DENO, IS_FAST, IS_PURE} from '../support/runtime.ts';

let server: any;
let runs = 0;
const LIVE_LIMIT = 30_000; // ms, for one test; the slowest takes two seconds
const LOOPS: (Kind & {transport?: () => unknown})[] = [
  {...ASYNC, name: 'asyncConnect'},
  {...BLOCKING, name: 'connect'},
  {...ASYNC, name: 'asyncConnect over httpTransport', transport: httpTransport},
];

/** A run of its own on the server. */
const newRun = () => `clients-${process.pid}-${++runs}`;

const pathOf = (path: string, run: string) => `${path}${path.includes('?') ? '&' : '?'}run=${run}`;

/** A client of a scenario. Its waits are recorded, not waited for. */
function live(kind: (typeof LOOPS)[number], path: string, options: any = {}) {
  const run = newRun();
  const waits: number[] = [];
  const retries: any[] = [];
  const client: any = (kind.isBlocking ? connect : asyncConnect)(server.url + pathOf(path, run), {
    sleep: (ms: number) => void waits.push(ms),
    random: () => 0,
    onRetry: (retry: any) => void retries.push(retry),
    transport: kind.transport?.(),
    ...options,
  });
  return {client, run, waits, retries, log: (): Promise<any[]> => server.log(run)};
}

/** Polls until `ask` gives a true value, at most `limit` ms. */
async function until<T>(what: string, ask: () => Promise<T>, limit = 1000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const value = await ask();
    if (value) return value;
    assert.ok(Date.now() < end, `${what} within ${limit} ms`);
    await pause(10);
  }
}

const allClosed = (run: string) =>
  until('the server sees the socket closed', async () => (await server.open(run)) === 0);

function both(rule: string, check: (kind: (typeof LOOPS)[number]) => Promise<void>) {
  for (const kind of LOOPS) {
    test(`${rule} [${kind.name}]`, {timeout: LIVE_LIMIT}, () => check(kind));
  }
}

/** Runs `code` in a Node (or Bun, or Deno) of its own; `sse` is this project. */
function child(code: string, env: Record<string, string> = {}) {
  const file = new URL('../../sse.ts', import.meta.url).href;
  const args = IS_DENO ? ['eval'] : IS_BUN ? ['-e'] : ['--input-type=module', '-e'];
  const process_ = spawn(process.execPath, [...args, `import * as sse from '${file}';\n${code}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {...process.env, ...env},
  });
  let output = '';
  let errors = '';
  process_.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  process_.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const done = new Promise<{code: number | null; output: string; errors: string}>((resolve) =>
    process_.once('close', (code) => resolve({code, output, errors})),
  );
  return {process: process_, done, output: () => output};
}

interface Scenario {
  rule: string;
  path: string;
  options?: any;
  events: string[];
  ids?: string[]; // the Last-Event-ID of each request; '' = none
  waits?: number[];
  error?: [name: string, code: string | undefined, ...words: string[]];
  check?(found: {
    client: any;
    events: SSEEvent[];
    error: any;
    retries: any[];
    log: any[];
    kind: Kind;
  }): void;
}

const nine = Array.from({length: 9}, (_, index) => `${index + 1}`);
const wide = nine.map((number) => `${number} é€😀`);
const headersOf = (request: any, name: string): string[] =>
  request.headers
    .filter(([key]: string[]) => key!.toLowerCase() === name)
    .map(([, value]: string[]) => value);
const pathsOf = (log: any[]) => log.map(({path}) => path.split('?')[0]);
const causes = (error: any): any[] => (error ? [error, ...causes(error.cause)] : []);
const cutsOf = (...names: string[]) =>
  names.flatMap((cut) =>
    ['rst', 'fin'].map(
      (by): Scenario => ({
        rule: `cut inside ${cut === 'utf8' ? 'a UTF-8 sequence' : 'an event'} by ${by}: nothing lost`,
        path: `/numbers?cut=${cut}&by=${by}`,
        events: cut === 'utf8' ? wide : nine,
        check({retries}) {
          for (const {lastEventId, attempt} of retries) {
            assert.equal(attempt, 1);
            assert.match(lastEventId, /^[0-9]$/);
          }
        },
      }),
    ),
  );

const scenarios: Scenario[] = [
  {
    rule: 'three events, then 204; exactly these headers on the wire',
    path: '/simple',
    events: ['event 1', 'event 2', 'event 3'],
    ids: ['', '3'],
    waits: [3000],
    check({log}) {
      for (const request of log) {
        assert.equal(request.method, 'GET');
        assert.deepEqual(headersOf(request, 'accept'), ['text/event-stream']);
        assert.deepEqual(headersOf(request, 'cache-control'), ['no-cache']);
      }
      assert.deepEqual(headersOf(log[1], 'last-event-id'), ['3']);
    },
  },
  ...cutsOf('event', 'utf8'),
  ...['rst', 'fin'].map(
    (by): Scenario => ({
      rule: `cut inside an event by ${by}, framed by the end of the connection only`,
      path: `/numbers?cut=event&framing=close&by=${by}`,
      events: nine,
    }),
  ),
  {
    rule: 'byte by byte, CRLF, BOM',
    path: '/bytes',
    events: ['é€😀\nline 2', 'end'],
    ids: ['', '2'],
    waits: [100],
    check({events: [first]}) {
      assert.deepEqual([first!.event, first!.id, first!.retry], ['byte', '1', 100]);
    },
  },
  {
    rule: 'a stall ends by idleTimeout',
    path: '/stall?then=204',
    options: {idleTimeout: 200},
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'timeout', '200 ms'),
  },
  {
    rule: 'no headers end by timeout',
    path: '/noheaders?then=204',
    options: {timeout: 200},
    events: [],
    ids: ['', ''],
    waits: [3000],
    check: ({retries}) => assertError(retries[0].error, 'SSEError', 'timeout', '200 ms'),
  },
  {rule: '204 on the first request', path: '/204', events: [], ids: ['']},
  ...[301, 307].map(
    (status): Scenario => ({
      rule: `${status} is followed, and the original URL asked again`,
      path: `/${status}`,
      options: {headers: {'X-Key': 'k'}},
      events: ['event 1', 'event 2', 'event 3'],
      ids: ['', '', '3', '3'],
      waits: [3000],
      check({log}) {
        assert.deepEqual(pathsOf(log), [`/${status}`, '/simple', `/${status}`, '/simple']);
        for (const request of log) assert.deepEqual(headersOf(request, 'x-key'), ['k']);
      },
    }),
  ),
  {
    rule: 'nothing secret goes to another origin',
    path: '/cross',
    events: ['event 1', 'event 2', 'event 3'],
    waits: [3000],
    options: {
      lastEventId: 'mine',
      headers: {Authorization: 'Bearer t', Cookie: 'c=d', 'X-Key': 'k'},
    },
    check({log}) {
      assert.equal(log.length, 4);
      const [here, there] = log;
      assert.notEqual(here.port, there.port);
      for (const name of ['authorization', 'cookie', 'x-key', 'last-event-id']) {
        assert.equal(headersOf(here, name).length, 1, name);
        for (const other of [log[1], log[3]]) assert.deepEqual(headersOf(other, name), [], name);
      }
      assert.deepEqual(headersOf(there, 'accept'), ['text/event-stream']);
      assert.equal(log[2].lastEventId.latin1, '3', 'the origin gets the id again');
    },
  },
  {
    rule: 'a redirect loop ends after 20',
    path: '/redirect-loop',
    events: [],
    error: ['SSEError', 'redirect', '/redirect-loop'],
    check: ({log}) => assert.equal(log.length, 21),
  },
  {
    rule: '401 with its body',
    path: '/401?body=who%20are%20you%3F',
    events: [],
    ids: [''],
    error: ['SSEHTTPError', 'http', '401'],
    check({error, client}) {
      assert.equal(error.body, 'who are you?');
      assert.equal(error.headers.get('content-type'), 'text/html');
      assert.equal(client.response.status, 401);
    },
  },
  {
    rule: '500 is no event stream, whatever its body looks like',
    path: '/500',
    events: [],
    ids: [''],
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.match(error.body, /Oops/),
  },
  {
    rule: 'an endless error body is cut at 64 KiB',
    path: '/endless-error',
    events: [],
    ids: [''],
    error: ['SSEHTTPError', 'http', '500'],
    check: ({error}) => assert.equal(error.body.length, 65_536),
  },
  ...[429, 503].map(
    (status): Scenario => ({
      rule: `${status} with Retry-After, once open, is waited for`,
      path: `/${status}`,
      events: ['event 1', 'event 2'],
      ids: ['', '1', '1', '2'],
      waits: [100, 1000, 100],
      check({retries: [, second]}) {
        assert.equal(second.error.status, status);
        assert.equal(second.error.retryAfter, 1000);
        assert.equal(second.error.body, 'come back later');
      },
    }),
  ),
  {
    rule: 'HTML is refused; the response can be inspected',
    path: '/html',
    events: [],
    ids: [''],
    error: ['SSEResponseError', 'content-type', "got 'text/html; charset=utf-8'"],
    check: ({client}) =>
      assert.equal(client.response.headers.get('content-type'), 'text/html; charset=utf-8'),
  },
  {
    rule: 'no content type is refused',
    path: '/notype',
    events: [],
    ids: [''],
    error: ['SSEResponseError', 'content-type', "Expected Content-Type 'text/event-stream'"],
  },
  {
    rule: 'Text/Event-Stream; charset=UTF-8',
    path: '/charset',
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'POST: sent once, whole, and its end is the end',
    path: '/post',
    options: {json: {words: ['é', 'b']}},
    ids: [''],
    events: ['{"index":0,"text":"é"}', '{"index":1,"text":"b"}', '[DONE]'],
    check({log: [request]}) {
      assert.equal(request.method, 'POST');
      assert.equal(request.body, '{"words":["é","b"]}');
      assert.deepEqual(headersOf(request, 'content-type'), ['application/json']);
    },
  },
  {
    rule: 'POST: truncated',
    path: '/post-truncated',
    ids: [''],
    options: {json: {words: ['a']}, until: ({data}: SSEEvent) => data === '[DONE]'},
    events: ['{"index":0,"text":"a"}'],
    error: ['SSEError', 'truncated'],
  },
  {
    rule: 'POST: cut, and not sent again',
    path: '/post-cut',
    options: {json: {words: ['a']}},
    ids: [''],
    events: ['{"index":0,"text":"a"}'],
    error: ['SSEConnectionError', 'connection', 'failed: '],
  },
  {
    rule: 'POST: 303 makes a GET of it',
    path: '/post-303?to=/simple',
    options: {json: {}},
    ids: ['', ''],
    events: ['event 1', 'event 2', 'event 3'],
    check({log}) {
      assert.deepEqual(
        log.map(({method, body}) => [method, body]),
        [
          ['POST', '{}'],
          ['GET', ''],
        ],
      );
    },
  },
  {
    rule: 'a reset before the headers',
    path: '/reset',
    events: ['event 1'],
    ids: ['', '', '1'],
    waits: [3000, 3000],
  },
  {
    rule: 'a reset after the headers',
    path: '/reset?at=headers',
    events: ['event 1'],
    ids: ['', '', '1'],
    waits: [3000, 3000],
  },
  {
    rule: 'a FIN between chunks',
    path: '/chunked-fin',
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'a FIN before Content-Length is reached',
    path: '/length-short',
    events: ['event 1'],
    ids: ['', '1'],
    waits: [3000],
  },
  {
    rule: 'an id that is not ASCII comes back as UTF-8',
    path: '/ids',
    events: ['event é€ 1'],
    waits: [100],
    check({log}) {
      assert.equal(log.length, 2);
      assert.equal(log[1].lastEventId.hex, Buffer.from('é€ 1').toString('hex'));
      assert.equal(headersOf(log[1], 'last-event-id').length, 1);
    },
  },
];

/** Runs `check` with the number of threads made so far, and with a list of them. */
async function countingThreads(check: (made: () => number, list: any[]) => Promise<void>) {
  const threads: any = process.getBuiltinModule('node:worker_threads');
  const list: any[] = [];
  class Worker extends threads.Worker {
    constructor(...args: any[]) {
      super(...args);
      list.push(this);
    }
  }
  const known = process.getBuiltinModule;
  process.getBuiltinModule = ((id: string) =>
    /worker_threads$/.test(id) ? {...threads, Worker} : known(id as any)) as any;
  try {
    await check(() => list.length, list);
  } finally {
    process.getBuiltinModule = known;
  }
}

/** A server that gives each connection that answer; what the connections sent, in latin1. */
async function answering(answer: (socket: Socket) => void) {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const host = createServer((socket) => {
    const index = received.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (data) => (received[index] += data));
    socket.once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const {port} = host.address() as AddressInfo;
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    host.close();
  };
  return {url: `http://127.0.0.1:${port}/`, received, stop};
}

const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';

// For 127.0.0.1, until 2126, and secret to nobody.
const TLS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCTZsGzNaq1+++/ZQ
zXDvXfvmDy/bGdMyNHSKzQrLQvShRANCAATurXX/7q3EDsyecsVxSTw2y74KxduH
zIxDrvU86xAvtTR6hFTprlBewwuW8dhM2aIbsiW9WmslYf9lh1ZB3z08
-----END PRIVATE KEY-----
`;
const TLS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUKveTROqZHpAWga3GFMv9K1cyEokwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA0Mjg0OVoYDzIxMjYxMDI4
MDQyODQ5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATurXX/7q3EDsyecsVxSTw2y74KxduHzIxDrvU86xAvtTR6hFTprlBe
wwuW8dhM2aIbsiW9WmslYf9lh1ZB3z08o2QwYjAdBgNVHQ4EFgQUoqM/1NCSPX0t
bfWP8C5/FzrCPr0wHwYDVR0jBBgwFoAUoqM/1NCSPX0tbfWP8C5/FzrCPr0wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IHpYbb4S/+SrRDD/bsOKW56wqsJMAnAAGKra3LJMEbjOAiEArHjOic2DKwJHLcse
OI274161rASYtaM/+8sF9ps+k9A=
-----END CERTIFICATE-----
`;

const TLS_SERVER = `
    import {createServer} from 'node:https';
    let asked = 0;
    const server = createServer({key: process.env.KEY, cert: process.env.CERT}, (_, response) => {
      if (asked++ % 2) return response.writeHead(204, {connection: 'close'}).end();
      response.writeHead(200, {'content-type': 'text/event-stream', connection: 'close'});
      response.end('data: safe\\n\\n');
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('close', () => process.exit()).resume();`;

function tests() {
  before(async () => {
    const {startServer} = await import('../support/start-server.mjs');
    server = await startServer();
  });
  after(async () => server?.stop());

  describe('scenarios', () => {
    for (const {rule, path, options = {}, ...row} of scenarios) {
      both(rule, async (kind) => {
        const {client, run, waits, retries, log: ask} = live(kind, path, options);
        const {events, error} = await consume(kind, client);
        const log = await ask();
        if (row.error) assertError(error, ...row.error);
        else assert.equal(error, undefined);
        assert.deepEqual(dataOf(events), row.events);
        const ids = log.map(({lastEventId}) => lastEventId?.latin1 ?? '');
        if (row.ids) assert.deepEqual(ids, row.ids);
        if (row.waits) assert.deepEqual(waits, row.waits);
        row.check?.({client, events, error, retries, log, kind});
        await allClosed(run);
      });
    }
  });

  describe('loops', () => {
    both('[DONE] closes a connection that the server holds', async (kind) => {
      const {client, run, log} = live(kind, '/post?hold=1', {json: {words: ['a', 'b']}});
      assert.deepEqual(await jsonOf(kind, client.json()), [
        {index: 0, text: 'a'},
        {index: 1, text: 'b'},
      ]);
      await allClosed(run);
      assert.equal((await log()).length, 1);
    });

    const encodings = IS_DENO ? ['gzip', 'br'] : ['gzip', 'deflate', 'br']; // what its fetch reads
    for (const encoding of encodings) {
      both(`${encoding} arrives event by event`, async (kind) => {
        let early = false;
        // On a busy machine 100 ms may pass before the first event is here: three times is enough.
        for (let attempt = 0; attempt < 3 && !early; attempt++) {
          const came: number[] = [];
          const {client} = live(kind, `/${encoding}`);
          const {events, error} = await consume(kind, client, () => came.push(Date.now()));
          assert.equal(error, undefined);
          assert.deepEqual(
            events.map(({id}) => id),
            ['1', '2'],
          );
          const sent = events.map(({data}) => Number(data.split(' ')[1]));
          early = came[0]! < sent[1]!;
        }
        assert.ok(early, 'the first event came before the second was sent');
      });
    }

    for (const [what, leave] of [
      ['return()', (_: any, loop: any) => loop.return()],
      ['close()', (client: any) => client.close()],
    ] as const) {
      both(`${what}: the server sees the socket closed`, async (kind) => {
        const {client, run, log} = live(kind, '/stall');
        const loop = loopOf(kind, client);
        assert.equal((await loop.next()).value.data, 'event 1');
        assert.equal(await server.open(run), 1);
        await leave(client, loop);
        await allClosed(run);
        assert.equal((await log())[0].closed.by, 'client');
        assert.equal((await loop.next()).done, true);
      });
    }

    both('break, and a second loop', async (kind) => {
      const {client, run, log} = live(kind, '/numbers?n=5');
      const first = await consume(kind, client, ({id}) => (id === '2' ? 'break' : ''));
      await allClosed(run);
      const second = await consume(kind, client);
      assert.deepEqual(dataOf([...first.events, ...second.events]), ['1', '2', '3', '4', '5']);
      assert.equal((await log())[1].lastEventId.latin1, '2');
    });

    both(
      'a sleeping consumer: the server cannot write more than the buffers hold',
      async (kind) => {
        const {client, run, log} = live(kind, '/flood');
        const loop = loopOf(kind, client);
        assert.equal((await loop.next()).value.id, '1');
        let [last, same] = [-1, 0];
        await until(
          'the flood stands still',
          async () => {
            const {written} = (await log())[0];
            same = written === last ? same + 1 : 0;
            last = written;
            return same >= 5;
          },
          10_000,
        );
        assert.ok(last < 64 * 2 ** 20, `${last} bytes written`);
        // nothing is lost, and it flows again
        for (let id = 2, size = 0; size < last + 2 ** 20; id++) {
          const {value} = await loop.next();
          assert.equal(value.id, `${id}`);
          size += value.data.length;
        }
        await loop.return();
        await allClosed(run);
      },
    );

    both('retry: 0 makes no storm', async (kind) => {
      const {client, log} = live(kind, '/retry0', {sleep: undefined});
      const {events} = await consume(kind, client, ({id}) => (id === '4' ? 'break' : ''));
      assert.deepEqual(
        events.map(({id}) => id),
        ['1', '2', '3', '4'],
      );
      const times = (await log()).map(({time}) => time);
      assert.equal(times.length, 4);
      assert.ok(times[3] - times[0] >= 280, `4 connections within ${times[3] - times[0]} ms`);
    });

    both('comments are signs of life', async (kind) => {
      const comments: string[] = [];
      const {client, run, retries} = live(kind, '/comments', {
        idleTimeout: 500, // the server sends one each 50 ms
        onComment(text: string) {
          if (comments.push(text) === 14) void client.close();
        },
      });
      const {events, error} = await consume(kind, client);
      assert.deepEqual([events, error, retries], [[], undefined, []]);
      assert.equal(comments[13], 'ping 14');
      await allClosed(run);
    });

    both('a refused connection: counted, and its code kept', async (kind) => {
      // a port that was free a moment ago
      const port = await new Promise<number>((resolve) => {
        const listener = createServer().listen(0, '127.0.0.1', () => {
          const {port: free} = listener.address() as any;
          listener.close(() => resolve(free));
        });
      });
      const waits: number[] = [];
      const client: any = (kind.isBlocking ? connect : asyncConnect)(`http://127.0.0.1:${port}/`, {
        maxRetries: 2,
        sleep: (ms) => void waits.push(ms),
        random: () => 0,
      });
      const {error} = await consume(kind, client);
      assertError(
        error,
        'SSEConnectionError',
        'connection',
        `http://127.0.0.1:${port}/`,
        'after 2 retries',
      );
      assert.deepEqual(waits, [3000, 6000]);
      if (IS_DENO) return; // has no codes
      const codes = causes(error.cause).map(({code}) => code);
      assert.ok(
        codes.some((code) => /^E?Conn(ection)?Refused$/i.test(code)),
        String(codes),
      );
      if (!IS_BUN) assert.equal(error.cause.name, 'TypeError');
    });

    both('fresh headers for each attempt: 401 and on at the same place', async (kind) => {
      let token = '';
      const {client, retries} = live(kind, '/subscription', {
        retryStatus: [401],
        headers: () => ({Authorization: token}),
        onRetry(retry: any) {
          retries.push(retry.error.status ?? 'cut');
          token = retry.error.status === 401 ? 'Bearer 2' : '';
        },
      });
      assertError((await consume(kind, client)).error, 'SSEHTTPError', 'http', '401');
      token = 'Bearer 1';
      const {events, error} = await consume(kind, client);
      assert.equal(error, undefined);
      assert.deepEqual(
        events.map(({id}) => id),
        ['1', '2', '3', '4', '5', '6', '7', '8'],
      );
      assert.deepEqual(retries.slice(0, 2), ['cut', 401]);
    });

    test('connect() and asyncConnect() give the same', {timeout: LIVE_LIMIT}, async () => {
      const path = '/numbers?n=8&cut=event&retry=20&delay=2';
      const blocking = await consume(BLOCKING, live(BLOCKING, path).client);
      const awaiting = await consume(ASYNC, live(ASYNC, path).client);
      assert.equal(awaiting.events.length, 8);
      assert.deepEqual(blocking, awaiting);
    });

    test('for await over connect() does not block', {timeout: LIVE_LIMIT}, async () => {
      const {client} = live(BLOCKING, '/numbers?n=8&delay=15');
      let ticks = 0;
      const ticking = setInterval(() => ticks++, 1);
      const {events} = await consume(BOTH, client);
      clearInterval(ticking);
      assert.equal(events.length, 8);
      assert.ok(ticks >= 8, `${ticks} ticks`);
    });

    test('openSync(), then the loop, makes one request', {timeout: LIVE_LIMIT}, async () => {
      const {client, run, log} = live(BLOCKING, '/post', {json: {words: ['a']}});
      assert.equal(client.openSync().status, 200);
      assert.equal((await consume(BLOCKING, client)).events.length, 2);
      assert.equal((await log()).length, 1);
      await allClosed(run);
    });
  });

  describe('the blocking thread', () => {
    test('one thread per client, kept over reconnections', {timeout: LIVE_LIMIT}, () =>
      countingThreads(async (made) => {
        const {client, log} = live(BLOCKING, '/numbers?n=9&cut=event');
        assert.equal(made(), 0, 'none before the first request');
        const {events} = await consume(BLOCKING, client);
        assert.equal(events.length, 9);
        assert.ok((await log()).length >= 4);
        assert.equal(made(), 1);
      }),
    );

    test(
      'a thread that somebody terminates is noticed, and replaced',
      {
        timeout: LIVE_LIMIT,
        skip: IS_BUN || IS_DENO, // tried in Node alone: when a thread ends is each runtime's own
      },
      () =>
        countingThreads(async (made, list) => {
          const {client, run, retries, log} = live(BLOCKING, '/stall', {
            idleTimeout: 10_000,
          });
          const started = Date.now();
          const {events, error} = await consume(BLOCKING, client, () => {
            if (made() === 3) return 'break';
            return void list.at(-1).terminate();
          });
          assert.equal(error, undefined);
          assert.deepEqual([made(), events.length], [3, 3]);
          assert.ok(Date.now() - started < 10_000, 'long before the silence would have told');
          assert.deepEqual(
            retries.map((retry) => retry.error.code),
            ['connection', 'connection'],
          );
          assert.equal((await log()).length, 3);
          await allClosed(run);
        }),
    );

    test(
      'an error event of the thread ends neither the loop nor the process',
      {
        timeout: LIVE_LIMIT,
      },
      () =>
        countingThreads(async (made, list) => {
          const {client} = live(BLOCKING, '/numbers?n=9&delay=2');
          const {events, error} = await consume(BLOCKING, client, () => {
            list[0].emit('error', new Error('out of memory')); // throws where nobody listens
          });
          assert.deepEqual([events.length, error, made()], [9, undefined, 1]);
        }),
    );

    test(
      'blockingFetch() is shared between clients, until it is closed',
      {timeout: LIVE_LIMIT},
      () =>
        countingThreads(async (made) => {
          const transport = blockingFetch();
          for (const word of ['a', 'b', 'c']) {
            const {client} = live(BLOCKING, '/post', {json: {words: [word]}, transport});
            assert.deepEqual([...client.json()], [{index: 0, text: word}]);
          }
          assert.equal(made(), 1);
          transport.close();
          transport.close();
          const {client, run} = live(BLOCKING, '/post', {json: {words: ['d']}, transport});
          assert.deepEqual([...client.json()], [{index: 0, text: 'd'}]);
          transport.close();
          await allClosed(run);
        }),
    );

    const form = new FormData();
    form.set('a', 'b');
    for (const [what, options] of [
      ['FormData', {body: form}],
      ['URLSearchParams', {body: new URLSearchParams('a=b')}],
      ['a stream', {body: new ReadableStream()}],
      ['a function in init', {init: {dispatcher() {}}}],
    ] as const) {
      test(`${what} cannot be given to a thread: TypeError`, {timeout: LIVE_LIMIT}, async () => {
        const {client, log} = live(BLOCKING, '/post', {
          method: 'POST',
          reconnect: false,
          ...options,
        });
        assertError(
          caught(() => [...client]),
          'TypeError',
          undefined,
          'thread',
          'for await',
        );
        assert.deepEqual(await log(), [], 'nothing was sent');
      });
    }

    test('200 mixed requests: no error, no socket left', {timeout: LIVE_LIMIT}, async () => {
      const transport = blockingFetch();
      const run = newRun();
      const get = (path: string, options: any = {}) =>
        connect(server.url + pathOf(path, run), {
          transport,
          maxRetries: 0,
          idleTimeout: 5000,
          sleep: () => {},
          ...options,
        });
      const own: SSEClient[] = [];
      for (let round = 0; round < 40; round++) {
        // closed while the slot is full
        let read = 0;
        for (const {id} of get('/flood')) {
          assert.equal(id, `${++read}`);
          if (read === 1 + round * 3) break;
        }
        // silent, and given up
        const quiet = caught(() => [...get('/noheaders', {timeout: 3})]);
        assertError(quiet, 'SSEConnectionError', 'connection');
        assertError(quiet.cause, 'SSEError', 'timeout');
        // read to its end
        assert.deepEqual([...get('/post', {json: round}).json()], [{index: 0, text: round}]);
        // an error
        assertError(
          caught(() => [...get('/404')]),
          'SSEHTTPError',
          'http',
          '404',
        );
        // read after close
        const left = get('/flood');
        const loop = left[Symbol.iterator]();
        loop.next();
        void left.close();
        assert.equal(loop.next().done, true);
        // sometimes a thread of its own
        if (round % 20 === 0) own.push(connect(server.url + pathOf('/stall', run)));
      }
      for (const client of own) {
        const loop = client[Symbol.iterator]();
        assert.equal(loop.next().value.data, 'event 1');
        void client.close();
      }
      transport.close();
      await allClosed(run);
      const {length} = await server.log(run);
      assert.ok(length > 160, `${length} requests`); // some were given up before they were sent
    });

    test('a process that leaves without close() ends promptly', {timeout: LIVE_LIMIT}, async () => {
      const run = newRun();
      const url = server.url + pathOf('/stall', run);
      const started = Date.now();
      const ended = await Promise.all(
        [
          child(`const [event] = [sse.connect('${url}')[Symbol.iterator]().next().value];
        console.log(event.data);`),
          child(`sse.connect('${url}').openSync(); process.exit(3);`),
          child(`for (const event of sse.connect('${url}')) throw new Error('mine');`),
        ].map(({done}) => done),
      );
      assert.deepEqual(
        ended.map(({code}) => code),
        [0, 3, 1],
      );
      assert.equal(ended[0]!.output, 'event 1\n');
      assert.ok(Date.now() - started < 10_000);
      await allClosed(run);
    });

    test('waiting to reconnect keeps the process alive', {timeout: LIVE_LIMIT}, async () => {
      const url = server.url + pathOf('/simple', newRun());
      const {code, output} = await child(`
      for await (const {id} of sse.asyncConnect('${url}', {retryInterval: 150})) console.log(id);
      console.log('over');`).done;
      assert.deepEqual([code, output], [0, '1\n2\n3\nover\n']);
    });
  });

  describe('httpTransport()', () => {
    test('httpTransport() on the wire: lengths of bodies, bytes of headers', {
      timeout: LIVE_LIMIT,
    }, async () => {
      const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';
      const body = `data: x\n\n`;
      const {url, received, stop} = await answering(
        (socket) =>
          void socket.end(
            `${STREAM_HEAD}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
          ),
      );
      const rows: [options: any, head: RegExp, body: string][] = [
        [{method: 'DELETE', body: smuggled}, /content-length: 35\r\n/i, smuggled],
        [{method: 'OPTIONS', json: {a: 1}}, /content-length: 7\r\n/i, '{"a":1}'],
        [{body: 'é', headers: {'Content-Length': '1'}}, /content-length: 2\r\n/i, '\xc3\xa9'],
        [{body: 'x', lastEventId: '€1'}, /last-event-id: \xe2\x82\xac1\r\n/i, 'x'],
        [{body: 'x', headers: {'x-a': 'caf\xe9'}}, /x-a: caf\xe9\r\n/i, 'x'],
        [{body: 'x'}, /user-agent: ssekit\/\d+\.\d+\.\d+\r\n/i, 'x'],
        [{body: 'x', headers: {'User-Agent': 'mine'}}, /user-agent: mine\r\n/i, 'x'],
        [{body: new Uint16Array([0x6261, 0x6463])}, /content-length: 4\r\n/i, 'abcd'],
      ];
      try {
        for (const [options, head, sent] of rows) {
          received.length = 0;
          const client = asyncConnect(url, {...options, transport: httpTransport()});
          assert.deepEqual(
            (await all(client)).map(({data}) => data),
            ['x'],
          );
          assert.equal(received.length, 1);
          const [start, ...rest] = received[0]!.split('\r\n\r\n');
          assert.match(`${start}\r\n`, head);
          assert.equal(rest.join('\r\n\r\n'), sent);
        }
      } finally {
        stop();
      }
    });

    test('httpTransport(): answers that are none, codings not known, compression cut short', {
      timeout: LIVE_LIMIT,
    }, async () => {
      const events = Array.from({length: 50}, (_, n) => `data: ${n} ${'x'.repeat(n)}\n\n`).join('');
      const zipped = gzipSync(events, {finishFlush: constants.Z_SYNC_FLUSH});
      const chunked = `${STREAM_HEAD}transfer-encoding: chunked\r\n`;
      const chunk = Buffer.concat([
        Buffer.from(`${zipped.length.toString(16)}\r\n`),
        zipped,
        Buffer.from('\r\n'),
      ]);
      const rows: [answer: string | Buffer, count: number, code: string, ...words: string[]][] = [
        [
          'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
          0,
          'connection',
          'No response',
        ],
        [`${STREAM_HEAD}content-encoding: zstd\r\n\r\ndata: x\n\n`, 0, 'unsupported', 'zstd'],
        [
          `${STREAM_HEAD}content-encoding: gzip, br\r\n\r\ndata: x\n\n`,
          0,
          'unsupported',
          'gzip, br',
        ],
        [
          Buffer.concat([Buffer.from(`${chunked}content-encoding: gzip\r\n\r\n`), chunk]),
          50,
          'connection',
        ],
      ];
      for (const [answer, count, code, ...words] of rows) {
        const {url, stop} = await answering((socket) => void socket.end(answer));
        try {
          const client = asyncConnect(url, {
            reconnect: false,
            timeout: 0,
            transport: httpTransport(),
          });
          const {events: got, error} = await consume(ASYNC, client);
          assert.equal(got.length, count, String(error));
          assertError(
            error,
            code === 'connection' ? 'SSEConnectionError' : 'SSEError',
            code,
            ...words,
          );
        } finally {
          stop();
        }
      }
      const {url, stop} = await answering(
        (socket) => void socket.end(`${STREAM_HEAD}content-encoding: none\r\n\r\ndata: x\n\n`),
      );
      const client = asyncConnect(url, {reconnect: false, transport: httpTransport()});
      assert.deepEqual(
        (await all(client)).map(({data}) => data),
        ['x'],
      );
      stop();
    });

    test('httpTransport(): a signal ends the request, and is let go with it', {
      timeout: LIVE_LIMIT,
    }, async () => {
      const {url, stop} = await answering(
        (socket) => void socket.end(`${STREAM_HEAD}content-length: 9\r\n\r\ndata: x\n\n`),
      );
      try {
        const listening = new Set();
        const signal = {
          aborted: false,
          reason: undefined,
          addEventListener: (_: string, listener: () => void) => void listening.add(listener),
          removeEventListener: (_: string, listener: () => void) => void listening.delete(listener),
        };
        const send = httpTransport();
        const request = {method: 'GET', headers: {}, redirect: 'manual'} as const;
        const sent = send(url, {...request, signal: signal as any});
        assert.equal(listening.size, 1);
        const reader = ((await sent).body as any).getReader();
        while (!(await reader.read()).done);
        await until('the request is over', async () => !listening.size, 10_000);

        const reason = new Error('enough');
        for (const isLate of [false, true]) {
          const controller = new AbortController();
          if (!isLate) controller.abort(reason);
          const sent = send(url, {...request, signal: controller.signal});
          controller.abort(reason);
          await assert.rejects(async () => await sent, reason);
        }
      } finally {
        stop();
      }
    });
  });

  test('a self-signed certificate: refused, unless verify: false', {
    timeout: LIVE_LIMIT,
    skip: IS_DENO, // where no client can be told
  }, async () => {
    const host = child(TLS_SERVER, {KEY: TLS_KEY, CERT: TLS_CERTIFICATE});
    try {
      const port = await until('TLS server', async () => host.output().trim(), 10_000);
      const url = `https://127.0.0.1:${port}/`;
      for (const kind of LOOPS) {
        const client: any = (kind.isBlocking ? connect : asyncConnect)(url, {
          maxRetries: 0,
          transport: kind.transport?.() as any,
        });
        const {error} = await consume(kind, client);
        assertError(error, 'SSEConnectionError', 'connection');
        assert.ok(causes(error).some(({code}) => code === 'DEPTH_ZERO_SELF_SIGNED_CERT'));
      }
      const client = connect(url, {verify: false, sleep: () => {}});
      assert.deepEqual(
        [...client].map(({data}) => data),
        ['safe'],
      );
      if (!IS_BUN) {
        // whose node:https trusts no less than its fetch: see the runtimes table
        const careless = asyncConnect(url, {
          verify: false,
          sleep: () => {},
          transport: httpTransport(),
        });
        assert.deepEqual(
          (await all(careless)).map(({data}) => data),
          ['safe'],
        );
      }
      // it holds for that client alone
      assertError(
        caught(() => [...connect(url, {maxRetries: 0})]),
        'SSEConnectionError',
        'connection',
      );
      assert.equal(process.env['NODE_TLS_REJECT_UNAUTHORIZED'], undefined);
    } finally {
      host.process.stdin.end();
      await host.done;
    }
  });

  test('in the end no socket is left', {timeout: LIVE_LIMIT}, () =>
    until('no socket is open', async () => (await server.open()) === 0, 2000).then(() => {}),
  );
}

if (!IS_FAST && !IS_PURE) describe('real sockets', tests);
