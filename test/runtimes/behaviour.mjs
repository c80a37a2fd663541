// What can be seen of a client over a real network, on any runtime: no import, nothing but fetch,
// timers and the library that is handed in. The other end is test/support/server.mjs.
//
// A row is a name, what is done, and what must come of it: one value, compared whole. Where a
// runtime is known to differ, the row says in which, what comes there instead, and which row of
// docs/runtimes.md tells the user.

const LIMIT = 20_000; // ms, for one row; the slowest takes two seconds
const MUCH = 64 * 2 ** 20; // bytes, more than all buffers between server and client hold
const PAGES = 'chromium firefox';
const WITHOUT_THREADS = 'workerd chromium firefox';
const CANNOT_BLOCK = [
  {
    in: WITHOUT_THREADS,
    see: 'the blocking loop',
    expected: {events: [], end: 'SSEError unsupported'},
  },
];

const simple = {
  events: ['event 1', 'event 2', 'event 3'],
  end: 'end',
  retries: ['clean 3000'],
  ids: ['', '3'],
};
const only = (end, ids = ['']) => ({events: [], end, retries: [], ids});
const never = () => false;
const itself = (value) => value;
const dataOf = ({data}) => data;
/** A Standard Schema: twice a number, after a while. */
const DOUBLE = {'~standard': {validate: async (value) => ({value: await (value * 2)})}};
const isDone = (event) => event.data === '[DONE]';
const words = (...list) => list.map((text, index) => JSON.stringify({index, text}));

export const ROWS = [
  // ── Opening ──
  {name: 'three events, a reconnection, 204', path: '/simple', expected: simple},
  {
    name: 'headers on the wire, each once',
    async run(t) {
      await t.follow('/simple');
      return (await t.log()).map((request) => [
        request.method,
        ...['accept', 'cache-control'].flatMap((name) => valuesOf(request, name)),
        ...valuesOf(request, 'last-event-id'),
      ]);
    },
    expected: [
      ['GET', 'text/event-stream', 'no-cache'],
      ['GET', 'text/event-stream', 'no-cache', '3'],
    ],
  },
  {
    name: 'open(), then the loop, makes one request',
    async run(t) {
      const opened = [];
      const client = t.client('/post', {
        json: {words: ['a']},
        onOpen: ({status}) => opened.push(status),
      });
      const {status, headers} = await client.open();
      const {state} = client;
      const {events} = await consume(client);
      const requests = (await t.log()).length;
      return {
        status,
        type: headers.get('content-type'),
        state,
        events,
        after: client.state,
        opened,
        requests,
      };
    },
    expected: {
      status: 200,
      type: 'text/event-stream',
      state: 'open',
      events: [...words('a'), '[DONE]'],
      after: 'closed',
      opened: [200],
      requests: 1,
    },
  },
  {
    name: 'EventSource.from(await fetch(url))',
    async run(t) {
      const {events, end} = await consume(t.sse.EventSource.from(await fetch(t.at('/simple'))));
      const refused = await consume(t.sse.EventSource.from(await fetch(t.at('/html'))));
      return {events, end, refused: refused.end};
    },
    expected: {events: simple.events, end: 'end', refused: 'SSEResponseError 200'},
  },
  {
    name: 'a relative URL',
    run: (t) => consume(() => t.client('', {}, `/simple?run=${t.run}`)),
    expected: {events: [], end: 'TypeError'},
    differs: [{in: PAGES, see: 'relative URLs', expected: {events: simple.events, end: 'end'}}],
  },
  {
    name: 'Text/Event-Stream; charset=UTF-8',
    path: '/charset',
    expected: {events: ['event 1'], end: 'end', retries: ['clean 3000'], ids: ['', '1']},
  },
  {name: 'HTML is no stream', path: '/html', expected: only('SSEResponseError 200')},
  {name: 'no content type', path: '/notype', expected: only('SSEResponseError 200')},
  {name: '204 on the first request', path: '/204', expected: only('end')},
  {
    name: '401: its body and headers',
    async run(t) {
      const {error} = await consume(t.client('/401?body=who%20are%20you%3F'));
      return [error.status, error.body, error.headers.get('content-type')];
    },
    expected: [401, 'who are you?', 'text/html'],
  },
  {name: '500 is final, whatever its body says', path: '/500', expected: only('SSEHTTPError 500')},
  {
    name: 'an endless error body',
    run: async (t) => (await consume(t.client('/endless-error'))).error.body.length,
    expected: 65_536,
  },
  {
    name: 'no server there', // the closed port of another origin
    async run(t) {
      const waits = [];
      const {end} = await consume(
        t.client(
          '',
          {
            maxRetries: 2,
            sleep: (ms) => void waits.push(ms),
          },
          t.closed,
        ),
      );
      return {end, waits};
    },
    expected: {end: 'SSEConnectionError after 2', waits: [3000, 6000]},
  },

  // ── Resuming ──
  {
    name: 'lastEventId in the first request',
    path: '/numbers?n=9',
    options: {lastEventId: '7'},
    expected: {events: ['8', '9'], end: 'end', retries: ['clean 3000'], ids: ['7', '9']},
  },
  {
    name: 'an id that is not ASCII comes back as its UTF-8 bytes, once',
    path: '/ids',
    expected: {
      events: ['event é€ 1'],
      end: 'end',
      retries: ['clean 100'],
      ids: ['', 'é€ 1'],
    },
  },
  {
    name: 'a first id that is not ASCII',
    path: '/204',
    options: {lastEventId: 'é€😀'},
    expected: only('end', ['é€😀']),
  },
  {
    name: 'a header of Latin-1 text',
    async run(t) {
      await t.follow('/204', {headers: {'x-cafe': 'café'}});
      return valuesOf((await t.log())[0], 'x-cafe').map(hex);
    },
    expected: ['63 61 66 e9'],
    differs: [{in: 'workerd', see: 'headers that are not ASCII', expected: ['63 61 66 c3 a9']}],
  },
  {
    name: 'headers are made for each attempt: 401, a new token, and on at the same place',
    async run(t) {
      let token = 1;
      const seen = [];
      const client = t.client('/subscription', {
        retryStatus: [401],
        headers: () => ({Authorization: token ? `Bearer ${token}` : ''}),
        onRetry({error}) {
          seen.push(error.status ?? 'lost');
          token = error.status === 401 ? 2 : 0;
        },
      });
      const {events, end} = await consume(client);
      return {prices: events.map((data) => JSON.parse(data).price), end, seen: seen.slice(0, 2)};
    },
    expected: {prices: [101, 102, 103, 104, 105, 106, 107, 108], end: 'end', seen: ['lost', 401]},
  },

  // ── Redirects ──
  ...[301, 302, 303, 307, 308].map((status) => ({
    name: `${status}: followed, and the original URL asked again`,
    async run(t) {
      const {events, end} = await t.follow(`/${status}`, {headers: {'x-key': 'k'}});
      const log = await t.log();
      return {events, end, paths: log.map(pathOf), keys: log.map((r) => valuesOf(r, 'x-key')[0])};
    },
    expected: {
      events: simple.events,
      end: 'end',
      paths: [`/${status}`, '/simple', `/${status}`, '/simple'],
      keys: ['k', 'k', 'k', 'k'],
    },
  })),
  {
    name: 'a redirect to another origin', // which lets a page send both headers
    async run(t) {
      const {events, end} = await t.follow('/cross?cors=x-key,last-event-id', {
        headers: {'x-key': 'k'},
        lastEventId: 'mine',
      });
      const there = (await t.log()).filter((r) => pathOf(r) === '/simple' && r.method === 'GET');
      const [{headers}] = there;
      return {
        events,
        end,
        secrets: headers.filter(([name]) => /^(x-key|last-event-id)$/i.test(name)).length,
      };
    },
    expected: {events: simple.events, end: 'end', secrets: 0},
    differs: [
      {
        in: PAGES,
        see: 'redirects',
        expected: {events: simple.events, end: 'end', secrets: 2},
      },
    ],
  },
  {
    name: 'redirects without end',
    path: '/redirect-loop',
    options: {maxRetries: 0},
    pick: ({events, end, ids}) => ({events, end, requests: ids.length}),
    expected: {events: [], end: 'SSEError redirect', requests: 21},
    differs: [
      {
        in: PAGES,
        see: 'redirects',
        expected: {events: [], end: 'SSEConnectionError after 0', requests: 21},
      },
    ],
  },
  {
    name: '307 takes a POST along',
    path: '/307?to=/post',
    options: {json: {words: ['a']}},
    expected: {events: [...words('a'), '[DONE]'], end: 'end', retries: [], ids: ['', '']},
    differs: [{in: PAGES, see: 'redirects', expected: only('SSEError redirect')}],
  },
  {
    name: '303 makes a GET of a POST',
    path: '/post-303?to=/simple',
    options: {json: {}},
    expected: {...simple, retries: [], ids: ['', '']},
    differs: [{in: PAGES, see: 'redirects', expected: only('SSEError redirect')}],
  },

  // ── Another origin ──
  {
    name: 'a plain request to another origin is sent without asking first',
    async run(t) {
      const {events} = await t.follow('/simple?cors=last-event-id', {}, t.other);
      return [events, (await t.log())[0].method];
    },
    expected: [simple.events, 'GET'],
  },
  {
    name: 'Last-Event-ID to another origin that allows it',
    async run(t) {
      const {end} = await t.follow('/simple?cors=last-event-id', {}, t.other);
      return [end, (await t.log()).map(({method}) => method)];
    },
    expected: ['end', ['GET', 'GET']],
    differs: [{in: PAGES, see: 'other origins', expected: ['end', ['GET', 'OPTIONS', 'GET']]}],
  },
  {
    name: 'Last-Event-ID to another origin that does not allow it',
    origin: 'other',
    path: '/simple?cors=none',
    options: {maxRetries: 1},
    pick: ({events, end}) => ({events, end}),
    expected: {events: simple.events, end: 'end'},
    differs: [
      {
        in: PAGES,
        see: 'other origins',
        expected: {events: simple.events, end: 'SSEConnectionError after 1'},
      },
    ],
  },
  {
    name: 'another origin that lets no page read it',
    origin: 'other',
    path: '/simple',
    options: {maxRetries: 1},
    pick: ({events, end}) => ({events, end}),
    expected: {events: simple.events, end: 'end'},
    differs: [
      {
        in: PAGES,
        see: 'other origins',
        expected: {events: [], end: 'SSEConnectionError after 1'},
      },
    ],
  },

  // ── Losing the connection ──
  ...['event', 'utf8'].map((cut) => ({
    name: `reset inside ${cut === 'utf8' ? 'a UTF-8 sequence' : 'an event'}, twice: nothing lost`,
    path: `/numbers?cut=${cut}`,
    pick: ({events, end}) => [events, end],
    expected: [
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => (cut === 'utf8' ? `${k} é€😀` : `${k}`)),
      'end',
    ],
  })),
  ...[
    ['chunks, and the last one', '/simple', 'clean'],
    ['chunks, and a FIN', '/chunked-fin', 'broken'],
    ['chunks, and a reset', '/numbers?n=2&cut=event&every=1', 'broken'],
    ['a length not reached, and a FIN', '/length-short', 'broken'],
    [
      'neither length nor chunks, and a FIN',
      '/numbers?n=2&cut=event&every=1&framing=close&by=fin',
      'clean',
    ],
    [
      'neither length nor chunks, and a reset',
      '/numbers?n=2&cut=event&every=1&framing=close',
      'broken',
      [{in: 'node bun', see: 'how an end is told', expected: 'clean'}],
    ],
  ].map(([name, path, expected, differs]) => ({
    name: `how an end is told: ${name}`,
    run: async (t) => (await t.follow(path)).retries[0].split(' ')[0],
    expected,
    differs,
  })),
  {
    name: 'what a cut throws is an Error, and the one that onRetry is told',
    async run(t) {
      const names = [];
      await t.follow('/chunked-fin', {
        onRetry: ({error}) => names.push(error instanceof Error, error.name),
      });
      return names.slice(0, 2);
    },
    expected: [true, 'TypeError'],
    differs: [{in: 'workerd', see: 'what a cut throws', expected: [true, 'Error']}],
  },
  {
    name: 'a reset before the headers',
    path: '/reset',
    expected: {
      events: ['event 1'],
      end: 'end',
      retries: ['broken 3000', 'clean 3000'],
      ids: ['', '', '1'],
    },
    differs: [
      {
        in: 'firefox deno-oldest',
        see: 'requests sent again',
        expected: {events: ['event 1'], end: 'end', retries: ['clean 3000'], ids: ['', '', '1']},
      },
    ],
  },
  {
    name: 'a reset after the headers',
    path: '/reset?at=headers',
    expected: {
      events: ['event 1'],
      end: 'end',
      retries: ['broken 3000', 'clean 3000'],
      ids: ['', '', '1'],
    },
  },
  ...[429, 503].map((status) => ({
    name: `${status} with Retry-After, once open, is waited for`,
    path: `/${status}`,
    expected: {
      events: ['event 1', 'event 2'],
      end: 'end',
      retries: ['broken 100', `http ${status} 1000`, 'clean 100'],
      ids: ['', '1', '1', '2'],
    },
  })),
  {
    name: 'each failure in a row doubles the wait',
    path: '/noheaders',
    options: {timeout: 30, maxRetries: 4},
    pick: ({end, retries}) => ({end, retries}),
    expected: {
      end: 'SSEConnectionError after 4',
      retries: ['timeout 3000', 'timeout 6000', 'timeout 12000', 'timeout 24000'],
    },
  },
  {
    name: 'no headers within `timeout`',
    path: '/noheaders?then=204',
    options: {timeout: 200},
    expected: {events: [], end: 'end', retries: ['timeout 3000'], ids: ['', '']},
  },
  {
    name: 'no byte within `idleTimeout`',
    path: '/stall?then=204',
    options: {idleTimeout: 200},
    expected: {events: ['event 1'], end: 'end', retries: ['timeout 3000'], ids: ['', '1']},
  },
  {
    name: 'comments are signs of life',
    async run(t) {
      const comments = [];
      const client = t.client('/comments', {
        idleTimeout: 1000, // the server sends one each 50 ms
        onComment(text) {
          if (comments.push(text) === 25) void client.close();
        },
      });
      const {events, end} = await consume(client);
      return {events, end, last: comments[24], requests: (await t.log()).length};
    },
    expected: {events: [], end: 'end', last: 'ping 25', requests: 1},
  },
  {
    name: 'retry: 0 makes no storm',
    async run(t) {
      const client = t.client('/retry0', {sleep: undefined});
      const {events} = await consume(client, ({id}) => id === '4');
      const times = (await t.log()).map(({time}) => time);
      return [events, times.length, times[3] - times[0] >= 280];
    },
    expected: [['event 1', 'event 2', 'event 3', 'event 4'], 4, true],
  },
  {
    name: 'reconnect() goes on after the last event',
    async run(t) {
      const client = t.client('/stall?then=204');
      const loop = client[Symbol.asyncIterator]();
      const {
        value: {data},
      } = await loop.next();
      client.reconnect();
      const {done} = await loop.next();
      return [data, done, (await t.log()).map(idOf), (await t.log())[0].closed.by];
    },
    expected: ['event 1', true, ['', '1'], 'client'],
  },

  // ── Values ──
  {
    name: 'JSON lines of a Response, cut anywhere',
    run: async (t) => consume(t.sse.jsonLines(await fetch(t.at('/json-lines'))), never, itself),
    expected: {events: [{n: 'é'}, {n: 2}, 3], end: 'end'},
  },
  {
    name: 'a JSON text sequence of a Blob',
    run: (t) => consume(t.sse.jsonLines(new Blob(['\x1e{"a":\n1}\n\x1e2\n'])), never, itself),
    expected: {events: [{a: 1}, 2], end: 'end'},
  },
  {
    name: 'events of a Blob',
    run: (t) => consume(t.sse.EventSource.from(new Blob(['data: é\n\n', 'data: b\n\n']))),
    expected: {events: ['é', 'b'], end: 'end'},
  },
  {
    name: 'events in batches',
    run: (t) => consume(t.client('/simple').batches(), never, (batch) => batch.map(dataOf)),
    pick: ({events, end}) => ({events: events.flat(), end}),
    expected: {events: simple.events, end: 'end'},
  },
  {
    name: 'values that fit a schema which takes its time',
    run: (t) => consume(t.client('/numbers?n=3').json({schema: DOUBLE}), never, itself),
    expected: {events: [2, 4, 6], end: 'end'},
  },

  // ── POST ──
  {
    name: 'POST of JSON: on the wire, and read until [DONE]',
    async run(t) {
      const values = [];
      for await (const value of t.client('/post?hold=1', {json: {words: ['é', 'b']}}).json()) {
        values.push(value.text);
      }
      const log = await t.log();
      const [request] = log;
      return {
        values,
        requests: log.length,
        method: request.method,
        body: request.body,
        type: valuesOf(request, 'content-type'),
      };
    },
    expected: {
      values: ['é', 'b'],
      requests: 1,
      method: 'POST',
      body: '{"words":["é","b"]}',
      type: ['application/json'],
    },
  },
  {
    name: 'POST: its end is the end',
    path: '/post',
    options: {json: {words: ['a']}, until: isDone},
    expected: {events: [...words('a'), '[DONE]'], end: 'end', retries: [], ids: ['']},
  },
  {
    name: 'POST: ends without its `until` event',
    path: '/post-truncated',
    options: {json: {words: ['a']}, until: isDone},
    expected: {events: words('a'), end: 'SSEError truncated', retries: [], ids: ['']},
  },
  {
    name: 'POST: cut, and not sent again',
    path: '/post-cut',
    options: {json: {words: ['a']}},
    expected: {events: words('a'), end: 'SSEConnectionError after 0', retries: [], ids: ['']},
  },
  {
    name: 'POST: cut, and gone on with by GET, as `resume` says',
    async run(t) {
      const resume = async ({attempt}, {status}) => ({
        url: t.at(`/numbers?n=2&attempt=${attempt}&status=${status}`),
      });
      const {events, end} = await consume(t.client('/post-cut', {json: {words: ['a']}, resume}));
      const log = (await t.log()).filter(({method}) => method !== 'OPTIONS');
      const requests = log.map(({method, path, body}) => [
        method,
        path.replace(/&?run=.*/, ''),
        body,
      ]);
      return {events, end, requests};
    },
    expected: {
      events: [...words('a'), '1', '2'],
      end: 'end',
      requests: [
        ['POST', '/post-cut?', '{"words":["a"]}'],
        ['GET', '/numbers?n=2&attempt=1&status=200', ''],
      ],
    },
  },
  {
    name: '`incomplete: dispatch`: the last event without its blank line',
    path: '/incomplete',
    options: {reconnect: false, incomplete: 'dispatch', until: isDone},
    expected: {events: ['é', '[DONE]'], end: 'end', retries: [], ids: ['']},
  },
  {
    name: 'the same without: `until` calls it truncated',
    path: '/incomplete',
    options: {reconnect: false, until: isDone},
    expected: {events: ['é'], end: 'SSEError truncated', retries: [], ids: ['']},
  },
  {
    name: 'POST: reset before the headers, and not sent again',
    path: '/reset',
    options: {json: {}},
    expected: only('SSEConnectionError after 0'),
    differs: [
      {
        in: 'deno-oldest',
        see: 'requests sent again',
        expected: {events: ['event 1'], end: 'end', retries: [], ids: ['', '']},
      },
    ],
  },
  {
    name: 'POST: the same over a connection that was used before',
    run: (t) => postOverUsedConnection(t),
    expected: ['SSEConnectionError after 0', 1],
    differs: [{in: 'deno chromium firefox', see: 'requests sent again', expected: ['end', 2]}],
  },
  {
    name: 'POST of a stream',
    async run(t) {
      const {events, end} = await consume(
        t.client('/post', {
          reconnect: false,
          method: 'POST',
          body: () =>
            new ReadableStream({
              start(controller) {
                controller.enqueue(new TextEncoder().encode('{"words":["a"]}'));
                controller.close();
              },
            }),
        }),
      );
      return {events, end, bodies: (await t.log()).map(({body}) => body)};
    },
    expected: {events: [...words('a'), '[DONE]'], end: 'end', bodies: ['{"words":["a"]}']},
    differs: [
      {
        in: 'chromium',
        see: 'streams as body',
        expected: {events: [], end: 'SSEConnectionError after 0', bodies: []},
      },
      {
        in: 'firefox',
        see: 'streams as body',
        expected: {events: [], end: 'SSEHTTPError 400', bodies: ['[object ReadableStream]']},
      },
    ],
  },

  // ── Bytes ──
  {
    name: 'byte by byte, CRLF, a BOM, UTF-8',
    async run(t) {
      const seen = [];
      for await (const event of t.client('/bytes')) {
        seen.push([event.event, event.data, event.id, event.retry]);
      }
      return seen;
    },
    expected: [
      ['byte', 'é€😀\nline 2', '1', 100],
      ['message', 'end', '2', 100],
    ],
  },
  ...[
    ['gzip'],
    ['br'],
    [
      'deflate',
      [
        {
          in: 'deno workerd',
          see: 'compression',
          expected: {events: [], end: 'SSEConnectionError after 0'},
        },
      ],
    ],
  ].map(([encoding, differs]) => ({
    name: `${encoding}: an event comes while the stream is open`,
    run: (t) =>
      consume(
        t.client(`/${encoding}?hold=1`, {idleTimeout: 2000, maxRetries: 0}),
        () => true,
        ({id}) => id,
      ),
    expected: {events: ['1'], end: 'end'},
    differs,
  })),
  {
    name: 'Content-Encoding: none',
    path: '/encoding-none',
    expected: {events: ['event 1'], end: 'end', retries: ['clean 3000'], ids: ['', '1']},
  },
  {
    name: 'a sleeping consumer: the server cannot send more than the buffers hold',
    async run(t) {
      const loop = t.client('/flood')[Symbol.asyncIterator]();
      const first = (await loop.next()).value.id;
      let [written, same] = [-1, 0];
      await until('the flood stands still, or is too much', async () => {
        const [now] = await t.log();
        same = now.written === written ? same + 1 : 0;
        written = now.written;
        return same >= 10 || written > MUCH;
      });
      const second = (await loop.next()).value.id;
      await loop.return();
      return [first, second, written < MUCH];
    },
    expected: ['1', '2', true],
    differs: [{in: 'firefox', see: 'back-pressure', expected: ['1', '2', false]}],
  },

  // ── Leaving ──
  {
    name: "`break` closes the server's socket; a second loop goes on",
    async run(t) {
      const client = t.client('/numbers?n=5');
      const first = await consume(client, ({id}) => id === '2');
      await t.closedSockets();
      const second = await consume(client);
      return [first, second, (await t.log()).map(idOf)];
    },
    expected: [
      {events: ['1', '2'], end: 'end'},
      {events: ['3', '4', '5'], end: 'end'},
      ['', '2', '5'],
    ],
  },
  {
    name: '`break` out of an open stream: the client closed it',
    async run(t) {
      await consume(t.client('/stall'), () => true);
      await t.closedSockets();
      return (await t.log()).map(({closed}) => closed.by);
    },
    expected: ['client'],
  },
  {
    name: 'an exception in the loop comes out as it is',
    async run(t) {
      const mine = new Error('mine');
      const {error} = await consume(t.client('/stall'), () => {
        throw mine;
      });
      return error === mine;
    },
    expected: true,
  },
  {
    name: 'close() delivers nothing more, and ends a pending next()',
    async run(t) {
      const many = t.client('/simple');
      const events = await consume(many, () => void many.close());
      const quiet = t.client('/stall');
      const loop = quiet[Symbol.asyncIterator]();
      const {
        value: {data},
      } = await loop.next();
      const pending = loop.next();
      await quiet.close();
      await t.closedSockets();
      return [events, data, (await pending).done, quiet.state];
    },
    expected: [{events: ['event 1'], end: 'end'}, 'event 1', true, 'closed'],
  },
  {
    name: 'close() while it waits to reconnect',
    async run(t) {
      const client = t.client('/simple', {
        sleep: undefined,
        onRetry: () => void setTimeout(() => void client.close(), 20),
      });
      return consume(client);
    },
    expected: {events: simple.events, end: 'end'},
  },
  {
    name: 'abort: pending and later next() reject with its reason',
    async run(t) {
      const controller = new AbortController();
      const reason = {why: 'enough'};
      const loop = t.client('/stall', {signal: controller.signal})[Symbol.asyncIterator]();
      const {
        value: {data},
      } = await loop.next();
      const pending = loop.next().catch((error) => error);
      controller.abort(reason);
      const got = await pending;
      await t.closedSockets();
      const again = t.client('/stall', {signal: controller.signal})[Symbol.asyncIterator]();
      const later = await again.next().catch((error) => error);
      return [data, got === reason, later === reason, (await t.log()).length];
    },
    expected: ['event 1', true, true, 1],
  },
  {
    name: 'abort before the headers, by AbortSignal.timeout',
    run: async (t) =>
      (
        await consume(
          t.client('/noheaders', {
            signal: AbortSignal.timeout(100),
          }),
        )
      ).error?.name,
    expected: 'TimeoutError',
  },
  {
    name: 'Symbol.asyncDispose closes',
    async run(t) {
      const client = t.client('/stall');
      await client.open();
      await client[Symbol.asyncDispose]();
      await t.closedSockets();
      return client.state;
    },
    expected: 'closed',
  },

  // ── Many at once ──
  {
    name: 'eight streams of one origin over HTTP/1.1',
    async run(t) {
      const clients = Array.from({length: 8}, () =>
        t.client('/stall', {
          timeout: 400,
          maxRetries: 0,
        }),
      );
      const ends = await Promise.all(
        clients.map((client) =>
          client.open().then(
            () => 'open',
            ({cause}) => cause.code,
          ),
        ),
      );
      await Promise.all(clients.map((client) => client.close()));
      return [ends.filter((end) => end === 'open').length, ends.filter((end) => end === 'timeout')];
    },
    expected: [8, []],
    differs: [{in: PAGES, see: 'connections per origin', expected: [6, ['timeout', 'timeout']]}],
  },

  // ── The blocking loop, and node:http ──
  {
    name: 'the blocking loop',
    run: (t) => block(() => t.blocking('/simple')),
    expected: {events: simple.events, end: 'end'},
    differs: CANNOT_BLOCK,
  },
  {
    name: 'the blocking loop: cut, reset and resumed',
    run: (t) => block(() => t.blocking('/numbers?n=4&cut=event')),
    expected: {events: ['1', '2', '3', '4'], end: 'end'},
    differs: CANNOT_BLOCK,
  },
  {
    name: 'connect() in `for await`',
    run: (t) => consume(() => t.blocking('/simple')),
    expected: {events: simple.events, end: 'end'},
    differs: CANNOT_BLOCK,
  },
  {
    name: 'the blocking loop over recorded logs',
    run: (t) =>
      block(() =>
        t.sse.connect(t.at('/never'), {
          transport: t.sse.replay(['id: 1\ndata: a\n\n', 'data: b\n\n']),
          sleep() {},
        }),
      ),
    expected: {events: ['a', 'b'], end: 'end'},
  },
  {
    name: 'a pause in the blocking loop',
    run: (t) =>
      block(() =>
        t.sse.connect(t.at('/never'), {
          transport: t.sse.replay(['data: a\n\n', 'data: b\n\n']),
          retryInterval: 1,
        }),
      ),
    expected: {events: ['a', 'b'], end: 'end'},
    differs: [
      {
        in: WITHOUT_THREADS,
        see: 'the blocking loop',
        expected: {events: ['a'], end: 'SSEError unsupported'},
      },
    ],
  },
  ...[
    ['/simple', {}, {events: simple.events, end: 'end'}],
    ['/numbers?n=4&cut=event', {}, {events: ['1', '2', '3', '4'], end: 'end'}],
    ['/gzip?hold=1', {until: ({id}) => id === '1'}, {events: ['1'], end: 'end'}],
    ['/post', {json: {words: ['a']}}, {events: [...words('a'), '[DONE]'], end: 'end'}],
    ['/ids', {}, {events: ['event é€ 1'], end: 'end'}],
  ].map(([path, options, {events, end}]) => ({
    name: `httpTransport(): ${path}`,
    run: (t) =>
      consume(
        () => t.client(path, {transport: t.sse.httpTransport(), ...options}),
        undefined,
        ({id, data}) => (path.startsWith('/gzip') ? id : data),
      ),
    expected: {events, end},
    differs: [
      {
        in: WITHOUT_THREADS,
        see: 'httpTransport()',
        expected: {events: [], end: 'SSEError unsupported'},
      },
    ],
  })),
  {
    name: 'httpTransport(): POST over a connection that was used before, and reset',
    async run(t) {
      try {
        return await postOverUsedConnection(t, {transport: t.sse.httpTransport()});
      } catch (error) {
        return outcome(error);
      }
    },
    expected: ['SSEConnectionError after 0', 1],
    differs: [{in: WITHOUT_THREADS, see: 'httpTransport()', expected: 'SSEError unsupported'}],
  },
  {
    name: 'verify: false over fetch',
    run: (t) =>
      consume(t.client('', {verify: false, maxRetries: 0}, t.closed.replace('http:', 'https:'))),
    expected: {events: [], end: 'SSEError unsupported'},
    differs: [
      {
        in: 'bun',
        see: 'verify: false',
        expected: {events: [], end: 'SSEConnectionError after 0'},
      },
    ],
  },
];

/**
 * Runs the rows one after the other: a list of {name, ok, got, expected, ms}.
 *
 * @param sse the library: the module's namespace
 * @param world `runtime`: node, bun, deno, deno-oldest, workerd, chromium or firefox; `url` and
 *   `other`: the origins of test/support/server.mjs; `closed`: a URL where no server is; `prefix`
 *   of the names that its runs have on the server; `names`: of the rows to run, instead of all
 */
export async function behaviour(sse, world) {
  const {runtime, prefix, names} = world;
  const results = [];
  const unhandled = new Map();
  globalThis.addEventListener?.('unhandledrejection', (event) => {
    event.preventDefault();
    unhandled.set(event.promise, String(event.reason));
  });
  globalThis.addEventListener?.('rejectionhandled', ({promise}) => unhandled.delete(promise));
  for (const [index, row] of ROWS.entries()) {
    if (names && !names.includes(row.name)) continue;
    const {expected} =
      row.differs?.find(({in: list}) =>
        list.split(' ').some((each) => runtime === each || runtime === `${each}-oldest`),
      ) ?? row;
    const start = performance.now();
    let got;
    try {
      got = await limited(run(row, toolsFor(sse, world, `${prefix}-${index}`)));
    } catch (error) {
      got = `threw ${error?.stack ?? error}`;
    }
    if (unhandled.size) got = {got, unhandled: [...unhandled.values()]};
    unhandled.clear();
    const ok = JSON.stringify(got) === JSON.stringify(expected);
    const ms = Math.round(performance.now() - start);
    results.push({name: row.name, ok, got, expected, ms});
  }
  return results;
}

async function run(row, t) {
  const {path, options, origin, pick = (all) => all} = row;
  const got = pick(row.run ? await row.run(t) : await t.follow(path, options, t[origin]));
  await t.closedSockets();
  return got;
}

function toolsFor(sse, {url, other, closed}, run) {
  const ask = async (path) => (await fetch(`${url}${path}?run=${run}`)).json();
  const at = (path, origin = url) => `${origin}${path}${path.includes('?') ? '&' : '?'}run=${run}`;
  // Waits are recorded, not waited for.
  const usual = {sleep() {}, random: () => 0};
  const client = (path, options, whole = at(path)) =>
    sse.asyncConnect(whole, {...usual, ...options});
  const log = () => ask('/log');
  return {
    sse,
    run,
    url,
    other,
    closed,
    at,
    client,
    log,
    blocking: (path, options) => sse.connect(at(path), {...usual, ...options}),
    closedSockets: () =>
      until('the server sees its sockets closed', async () => (await ask('/open')) === 0),
    /** Reads a scenario to its end: the events' data, how it ended, why it reconnected, the ids. */
    async follow(path, options, origin) {
      const retries = [];
      const onRetry = ({error, delay}) => void retries.push(`${lossOf(error, sse)} ${delay}`);
      const {events, end} = await consume(client('', {onRetry, ...options}, at(path, origin)));
      const ids = (await log()).filter(({method}) => method !== 'OPTIONS').map(idOf);
      return {events, end, retries, ids};
    },
  };
}

function lossOf(error, {SSEError}) {
  if (!(error instanceof SSEError)) return error instanceof Error ? 'broken' : 'no Error';
  if (error.code === 'http') return `http ${error.status}`;
  return error.code === 'connection' ? 'clean' : error.code;
}

/**
 * {events, end} of a loop over the source, or over what `source()` makes, that ends when `leave`
 * says so; `error` is not compared.
 */
async function consume(source, leave = never, see = dataOf) {
  const events = [];
  try {
    if (typeof source === 'function') source = source();
    for await (const event of source) {
      events.push(see(event));
      if (leave(event)) break;
    }
  } catch (error) {
    return ended(events, error);
  }
  return {events, end: 'end'};
}

/** The same of a blocking loop over what `make` makes. */
function block(make) {
  const events = [];
  try {
    for (const {data} of make()) events.push(data);
  } catch (error) {
    return ended(events, error);
  }
  return {events, end: 'end'};
}

const ended = (events, error) =>
  Object.defineProperty({events, end: outcome(error)}, 'error', {value: error, enumerable: false});

/** An error in a few words: its name, and its code or what there is to know of it. */
function outcome(error) {
  const {name, code, status, retries} = error;
  return [name, retries === undefined ? (status ?? code) : `after ${retries}`].join(' ').trim();
}

/** How a POST ended whose connection was reset before the headers, and how often it was sent. */
async function postOverUsedConnection(t, options) {
  await consume(t.client('/204?keep=1', options));
  const {end} = await consume(t.client('/reset', {json: {}, ...options}));
  return [end, (await t.log()).filter(({method}) => method === 'POST').length];
}

const pathOf = ({path}) => path.split('?')[0];
const valuesOf = ({headers}, name) =>
  headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);

/** The Last-Event-ID of a request, whose bytes must be UTF-8. */
function idOf({lastEventId}) {
  const bytes = Uint8Array.from(lastEventId?.latin1 ?? '', (char) => char.charCodeAt(0));
  return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
}

const hex = (latin1) =>
  Array.from(latin1, (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until `ask` gives a true value. */
async function until(what, ask, limit = 5000) {
  const end = Date.now() + limit;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await pause(10);
  }
}

function limited(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${LIMIT} ms`)), LIMIT);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
