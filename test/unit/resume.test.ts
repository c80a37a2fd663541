// `resume`: how a stream that has been open goes on. Section 7 of sse.ts decides, section 9 asks.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {Reconnection, type SSEEvent} from '../../sse.ts';
import {
  A,
  ADDRESS,
  ASYNC,
  AWAITING,
  B,
  BLOCKING,
  boom,
  consume,
  dataOf,
  each,
  HELD,
  KINDS,
  opens,
  POST,
  scripted,
  type Step,
  stream,
  to,
} from '../support/clients.ts';
import {assertError} from '../support/errors.ts';

const CUT = new TypeError('fetch failed');
const ONE = `id: 1\n${A}`;
const DONE = 'data: [DONE]\n\n';
const until = ({data}: SSEEvent) => data === '[DONE]';
const GONE: Step = {status: 404, type: null, body: ['no such run']};
const busy = (headers = {}): Step => ({status: 503, type: null, headers, body: ['busy']});

interface Row {
  what: string;
  steps: Step[];
  options?: object;
  resume?: (attempt: any, response: any) => unknown;
  /** Of each request: method, URL, Last-Event-ID, body. */
  sent: string[];
  data: string[];
  error?: [name: string, code: string, ...words: string[]];
}

const rows: Row[] = [
  {
    what: 'a POST starts it, a GET goes on; what is left out is as in the options, less the body',
    steps: [stream(ONE, CUT), stream(B, DONE)],
    options: {json: {ask: 1}, until},
    sent: [`POST ${ADDRESS}  {"ask":1}`, `GET ${ADDRESS} 1 `],
    data: ['a', 'b', '[DONE]'],
  },
  {
    what: 'a cursor in the URL',
    steps: [stream(ONE, CUT), stream(`id: 2\n${B}`, CUT), stream(DONE)],
    options: {until},
    resume: ({lastEventId}) => ({url: `?after=${lastEventId}`}),
    sent: [`GET ${ADDRESS}  `, `GET ${ADDRESS}?after=1 1 `, `GET ${ADDRESS}?after=2 2 `],
    data: ['a', 'b', '[DONE]'],
  },
  {
    what: 'the answer says where: Location, as a URL',
    steps: [{...stream(ONE, CUT), headers: {Location: '/runs/7'}}, stream(DONE)],
    options: {...POST, until},
    resume: (_, {headers}) => ({url: new URL(headers.get('location'), ADDRESS)}),
    sent: [`POST ${ADDRESS}  ask`, 'GET http://sse.test/runs/7 1 '],
    data: ['a', '[DONE]'],
  },
  {
    what: 'another POST, since resume says so: with body',
    steps: [stream(ONE, CUT), stream(DONE)],
    options: {...POST, until},
    resume: ({attempt}) => ({body: `again ${attempt}`}),
    sent: [`POST ${ADDRESS}  ask`, `POST ${ADDRESS} 1 again 1`],
    data: ['a', '[DONE]'],
  },
  {
    what: 'with json, and by another method',
    steps: [stream(ONE, CUT), stream(DONE)],
    options: {...POST, until},
    resume: ({lastEventId}) => ({method: 'put', json: {lastEventId}}),
    sent: [`POST ${ADDRESS}  ask`, `PUT ${ADDRESS} 1 {"lastEventId":"1"}`],
    data: ['a', '[DONE]'],
  },
  {
    what: 'undefined: it cannot be gone on with',
    steps: [stream(ONE, CUT), stream(DONE)],
    options: {...POST, until},
    resume: () => undefined,
    sent: [`POST ${ADDRESS}  ask`],
    data: ['a'],
    error: ['SSEConnectionError', 'connection', 'fetch failed', 'resume', ADDRESS],
  },
  {
    what: 'undefined at the second loss: one retry has been made, and brought nothing',
    steps: [stream(ONE, CUT), CUT, stream(DONE)],
    options: {...POST, until},
    resume: ({attempt}) => (attempt < 2 ? {} : undefined),
    sent: [`POST ${ADDRESS}  ask`, `GET ${ADDRESS} 1 `],
    data: ['a'],
    error: ['SSEConnectionError', 'connection', 'after 1 retry', 'fetch failed'],
  },
  {
    what: 'a POST that fails before its stream is open is not sent again',
    steps: [CUT, stream(DONE)],
    options: {...POST, until},
    sent: [`POST ${ADDRESS}  ask`],
    data: [],
    error: ['SSEConnectionError', 'connection', 'fetch failed'],
  },
  {
    what: 'nor one that is refused before',
    steps: [busy(), stream(DONE)],
    options: {...POST, until},
    sent: [`POST ${ADDRESS}  ask`],
    data: [],
    error: ['SSEHTTPError', 'http', '503', 'busy'],
  },
  {
    what: 'a GET is sent again before, as without resume, which is not asked',
    steps: [CUT, stream(ONE, DONE)],
    options: {until},
    resume: () => assert.fail('asked'),
    sent: [`GET ${ADDRESS}  `, `GET ${ADDRESS}  `],
    data: ['a', '[DONE]'],
  },
  {
    what: 'a refusal that may pass, while it goes on',
    steps: [stream(ONE, CUT), busy({'Retry-After': '2'}), stream(DONE)],
    options: {...POST, until},
    sent: [`POST ${ADDRESS}  ask`, `GET ${ADDRESS} 1 `, `GET ${ADDRESS} 1 `],
    data: ['a', '[DONE]'],
  },
  {
    what: 'one that may not: the URL that resume gave is named',
    steps: [stream(ONE, CUT), GONE],
    options: {...POST, until},
    resume: () => ({url: '/runs/7'}),
    sent: [`POST ${ADDRESS}  ask`, 'GET http://sse.test/runs/7 1 '],
    data: ['a'],
    error: ['SSEHTTPError', 'http', '404', 'http://sse.test/runs/7', 'no such run'],
  },
  {
    what: '204: the end',
    steps: [stream(ONE, CUT), {status: 204, body: null}],
    options: {...POST, until},
    sent: [`POST ${ADDRESS}  ask`, `GET ${ADDRESS} 1 `],
    data: ['a'],
  },
  {
    what: 'a clean end of a POST without until is the end',
    steps: [stream(ONE), stream(B)],
    options: POST,
    sent: [`POST ${ADDRESS}  ask`],
    data: ['a'],
  },
  {
    what: 'and of the GET that went on with it',
    steps: [stream(ONE, CUT), stream(B)],
    options: POST,
    sent: [`POST ${ADDRESS}  ask`, `GET ${ADDRESS} 1 `],
    data: ['a', 'b'],
  },
  {
    what: 'a clean end with until is a loss',
    steps: [stream(ONE), stream(DONE)],
    options: {...POST, until},
    sent: [`POST ${ADDRESS}  ask`, `GET ${ADDRESS} 1 `],
    data: ['a', '[DONE]'],
  },
  {
    what: 'until ends it on the first connection: nothing is asked',
    steps: [stream(ONE, DONE), stream(B)],
    options: {...POST, until},
    resume: () => assert.fail('asked'),
    sent: [`POST ${ADDRESS}  ask`],
    data: ['a', '[DONE]'],
  },
  {
    what: 'a clean end of a GET is a loss, as without resume',
    steps: [stream(ONE), stream(DONE)],
    options: {until},
    resume: () => ({url: '/more'}),
    sent: [`GET ${ADDRESS}  `, 'GET http://sse.test/more 1 '],
    data: ['a', '[DONE]'],
  },
  {
    what: 'maxRetries counts these, too',
    steps: [stream(ONE, CUT), CUT, CUT, CUT],
    options: {...POST, until, maxRetries: 2},
    sent: [`POST ${ADDRESS}  ask`, `GET ${ADDRESS} 1 `, `GET ${ADDRESS} 1 `],
    data: ['a'],
    error: ['SSEConnectionError', 'connection', 'after 2 retries', 'fetch failed'],
  },
  {
    what: 'what it gave holds for one attempt',
    steps: [stream(ONE, CUT), stream(`id: 2\n${B}`, CUT), stream(DONE)],
    options: {...POST, until},
    resume: ({lastEventId}) => (lastEventId === '1' ? {url: '/runs/7', method: 'QUERY'} : {}),
    sent: [`POST ${ADDRESS}  ask`, 'QUERY http://sse.test/runs/7 1 ', `GET ${ADDRESS} 2 `],
    data: ['a', 'b', '[DONE]'],
  },
  {
    what: 'a redirect of it is followed, by the same method and with the same body',
    steps: [stream(ONE, CUT), to('/b', 307), stream(DONE)],
    options: {...POST, until},
    resume: () => ({url: '/a', body: 'go on'}),
    sent: [
      `POST ${ADDRESS}  ask`,
      'POST http://sse.test/a 1 go on',
      'POST http://sse.test/b 1 go on',
    ],
    data: ['a', '[DONE]'],
  },
  {
    what: 'a 303 makes a GET of it',
    steps: [stream(ONE, CUT), to('/b', 303), stream(DONE)],
    options: {...POST, until},
    resume: () => ({url: '/a', body: 'go on'}),
    sent: [`POST ${ADDRESS}  ask`, 'POST http://sse.test/a 1 go on', 'GET http://sse.test/b 1 '],
    data: ['a', '[DONE]'],
  },
];

describe('resume', () => {
  for (const {what, steps, options, resume = () => ({}), sent, data, error} of rows) {
    each(KINDS, what, async (kind) => {
      const {client, script} = scripted(kind, steps, {...options, resume});
      const {events, error: failure} = await consume(kind, client);
      const requests = script.sent.map(
        ({method, url, headers, body}) =>
          `${method} ${url} ${headers['last-event-id'] ?? ''} ${body ?? ''}`,
      );
      assert.deepEqual([requests, dataOf(events), script.open], [sent, data, 0]);
      if (error) assertError(failure, ...error);
      else assert.equal(failure, undefined);
    });
  }

  each(KINDS, 'what it is asked with, and when', async (kind) => {
    const steps = [
      {...stream(ONE, CUT), headers: {'X-Run': '7'}},
      busy(),
      {...stream(B, CUT), headers: {'X-Run': '8'}},
      stream(DONE),
    ];
    const asked: unknown[] = [];
    const {client, script} = scripted(kind, steps, {
      ...POST,
      until,
      resume({attempt, lastEventId, error}: any, {status, headers}: any) {
        asked.push([attempt, lastEventId, error.message, status, headers.get('x-run')]);
        script.log.push('resume');
        return {};
      },
      headers: () => (script.log.push('headers'), {}),
    });
    await consume(kind, client);
    assert.deepEqual(asked, [
      [1, '1', 'fetch failed', 200, '7'],
      [2, '1', `${ADDRESS} answered 503: busy`, 200, '7'],
      [1, '1', 'fetch failed', 200, '8'],
    ]);
    const order = ['resume', 'retry 3000', 'wait 3000', 'headers', 'request 2'];
    assert.deepEqual(script.log.filter((entry) => !/^(open|close)/.test(entry)).slice(0, 7), [
      'headers',
      'request 1',
      ...order,
    ]);
  });

  each(KINDS, 'undefined: onRetry is told of no attempt that will not be', async (kind) => {
    const options = {...POST, resume: () => undefined};
    const {client, retries, script} = scripted(kind, [stream(A, CUT)], options);
    const {error} = await consume(kind, client);
    assert.deepEqual([retries, script.waits, error.cause, error.retries], [[], [], CUT, 0]);
  });

  const HEADERS = {'X-Key': 'k', 'Content-Type': 'text/plain', 'Content-Language': 'en'};
  const requests: [what: string, given: object, kept: object][] = [
    ['what is left out', {}, {'x-key': 'k'}],
    ['its own win', {headers: {'x-key': 'l', 'X-B': 'b'}}, {'x-key': 'l', 'x-b': 'b'}],
    ['json', {json: 5}, {'x-key': 'k', 'content-type': 'application/json'}],
    [
      'json of another type',
      {json: 5, headers: {'Content-Type': 'application/a+json'}},
      {'x-key': 'k', 'content-type': 'application/a+json'},
    ],
    [
      'a body and its type',
      {body: 'b', headers: {'content-type': 'a/b'}},
      {'x-key': 'k', 'content-type': 'a/b'},
    ],
    ['the same origin by a whole URL', {url: 'http://sse.test/b'}, {'x-key': 'k'}],
    ['another origin', {url: 'http://other.test/b'}, {}],
    ['a port is another origin', {url: 'http://sse.test:8080/'}, {}],
    [
      'another origin gets what it returns',
      {url: 'https://other.test/b', headers: {'X-B': 'b'}},
      {'x-b': 'b'},
    ],
    [
      'a Last-Event-ID of its own',
      {headers: {'Last-Event-ID': '9'}},
      {'x-key': 'k', 'last-event-id': '9'},
    ],
  ];
  for (const [what, given, kept] of requests) {
    each(KINDS, `headers: ${what}`, async (kind) => {
      const options = {...POST, until, headers: HEADERS, resume: () => given};
      const {client, script} = scripted(kind, [stream(ONE, CUT), stream(DONE)], options);
      const {error} = await consume(kind, client);
      const {accept, 'cache-control': _, ...rest} = script.sent[1]!.headers;
      const expected = {'last-event-id': '1', ...kept};
      assert.deepEqual([error, accept, rest], [undefined, 'text/event-stream', expected]);
    });
  }

  each(KINDS, 'a redirect to another origin gets none of its headers', async (kind) => {
    const resume = () => ({url: 'http://other.test/', headers: {'X-B': 'b'}});
    const steps = [stream(ONE, CUT), to('http://third.test/', 307), stream(DONE)];
    const {client, script} = scripted(kind, steps, {...POST, until, resume});
    await consume(kind, client);
    const secrets = script.sent.map(({headers}) => [headers['x-b'], headers['last-event-id']]);
    assert.deepEqual(secrets, [
      [undefined, undefined],
      ['b', '1'],
      [undefined, undefined],
    ]);
  });

  each(KINDS, 'a later loop goes on with it', async (kind) => {
    const resume = ({error}: any) => ({url: `/${error}`});
    const {client, script} = scripted(kind, [stream(ONE, B), stream(DONE)], {...POST, resume});
    await consume(kind, client, () => 'break');
    const {events} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['[DONE]']);
    assert.deepEqual(script.sent[1]!.url, 'http://sse.test/undefined');
  });

  each(KINDS, 'a later loop that it does not go on with', async (kind) => {
    const options = {...POST, resume: () => undefined};
    const {client, script} = scripted(kind, [stream(ONE, B)], options);
    await consume(kind, client, () => 'break');
    const {error} = await consume(kind, client);
    assertError(error, 'SSEConnectionError', 'connection', 'left its connection', 'resume');
    assert.equal(script.sent.length, 1);
  });

  each(KINDS, 'reconnect(): once the stream has been open', async (kind) => {
    const resume = () => ({url: '/more'});
    const {client, script} = scripted(kind, [HELD, stream(DONE)], {...POST, resume});
    assert.throws(() => client.reconnect(), /one connection/);
    await opens(kind, client);
    client.reconnect();
    const {events} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['[DONE]']);
    assert.deepEqual(
      script.sent.map(({url}) => url),
      [ADDRESS, 'http://sse.test/more'],
    );
  });

  each(AWAITING, 'a promise is waited for', async (kind) => {
    const resume = async () => ({url: await Promise.resolve('/more')});
    const steps = [stream(ONE, CUT), stream(DONE)];
    const {client, script} = scripted(kind, steps, {...POST, until, resume});
    assert.deepEqual(dataOf((await consume(kind, client)).events), ['a', '[DONE]']);
    assert.equal(script.sent[1]!.url, 'http://sse.test/more');
  });

  each([BLOCKING], 'a promise is a TypeError', async (kind) => {
    const {client} = scripted(kind, [stream(ONE, CUT)], {...POST, resume: async () => ({})});
    const {events, error} = await consume(kind, client);
    assert.deepEqual(dataOf(events), ['a']);
    assert.match(`${error}`, /^TypeError: `resume` returned a promise/);
  });

  each(AWAITING, 'close() while it is asked: nothing more is sent', async (kind) => {
    const {client, script} = scripted(kind, [stream(ONE, CUT), stream(DONE)], {
      ...POST,
      resume: () => new Promise(() => void client.close()),
    });
    assert.deepEqual(dataOf((await consume(kind, client)).events), ['a']);
    assert.deepEqual([script.sent.length, client.state], [1, 'closed']);
  });

  each(KINDS, 'what it throws ends the loop', async (kind) => {
    const resume = () => {
      throw boom;
    };
    const {client, script} = scripted(kind, [stream(ONE, CUT)], {...POST, resume});
    const {events, error} = await consume(kind, client);
    assert.deepEqual([dataOf(events), error, script.open], [['a'], boom, 0]);
  });

  const wrong: [given: unknown, ...words: string[]][] = [
    [null, 'an object'],
    ['/runs/7', 'an object'],
    [{uri: '/runs/7'}, '"uri"', "'url'"],
    [{methods: 'GET'}, '"methods"', "'method'"],
    [{url: 5}, 'url must be a string or a URL'],
    [{url: null}, 'url must be a string or a URL'],
    [{url: 'http://'}, 'URL'],
    [{url: 'file:///etc/passwd'}, 'http'],
    [{url: 'http://me:pw@sse.test/'}, 'userinfo'],
    [{method: 'GET A'}, 'method'],
    [{method: 'GET', body: 'b'}, 'neither to a GET'],
    [{body: 'b', json: 1}, 'body or json'],
    [{body: {a: 1}}, 'json'],
    [{body: () => 'b'}, 'function'],
    [{headers: {'X-A': undefined}}, '"X-A"', 'undefined'],
    [{headers: {'X-A': 'a\nb'}}, 'headers'],
  ];
  for (const [given, ...words] of wrong) {
    each([ASYNC, BLOCKING], `what is no answer: ${JSON.stringify(given)}`, async (kind) => {
      const steps = [stream(ONE, CUT), stream(DONE)];
      const {client, script} = scripted(kind, steps, {...POST, resume: () => given});
      const {events, error} = await consume(kind, client);
      assert.deepEqual([dataOf(events), script.sent.length], [['a'], 1]);
      assert.ok(error instanceof TypeError, `${error}`);
      for (const word of ['`resume`', ...words])
        assert.ok(error.message.includes(word), `${error}`);
      assert.ok(!error.message.includes('pw'), error.message);
    });
  }

  const options: [given: object, rule: RegExp][] = [
    [{resume: {}}, /TypeError: resume must be a function/],
    [{resume: () => ({}), reconnect: false}, /TypeError: resume .*reconnect: false/],
    [{resume: () => ({}), ...POST, incomplete: 'dispatch'}, /TypeError: incomplete: 'dispatch'/],
  ];
  for (const [given, rule] of options) {
    test(`options: ${Object.keys(given).join(', ')}`, () => {
      for (const kind of [ASYNC, BLOCKING]) assert.throws(() => scripted(kind, [], given), rule);
    });
  }

  test('Reconnection by itself: what it decides', () => {
    const reconnection = new Reconnection(ADDRESS, {method: 'POST', resume: () => ({})});
    const request = () => reconnection.request({}, [['x-a', 'b']]).url;
    reconnection.begin(0);
    assert.deepEqual([reconnection.mayReconnect, reconnection.isResumed], [false, false]);
    reconnection.response(200, undefined);
    assert.equal(reconnection.mayReconnect, true);
    assert.equal(reconnection.lost(CUT).kind, 'wait');
    assert.equal(reconnection.resumeAs({url: '/a', body: 'b'}), undefined);
    reconnection.begin(5000);
    const {method, isResumed, resumedBody} = reconnection;
    assert.deepEqual(
      [method, isResumed, resumedBody, request()],
      ['POST', true, 'b', 'http://sse.test/a'],
    );
    const decision: any = reconnection.resumeAs(undefined);
    assert.equal(decision.kind, 'fail');
    assertError(decision.error, 'SSEConnectionError', 'connection', 'fetch failed');
  });

  each(AWAITING, 'an URL without a host, for a transport of its own', async (kind) => {
    const steps = [stream(ONE, CUT), stream(B, CUT), stream(DONE)];
    const {client, script} = scripted(
      kind,
      steps,
      {...POST, until, resume: ({attempt}: any) => (attempt ? {} : undefined)},
      '/events',
    );
    await consume(kind, client);
    assert.deepEqual(
      script.sent.map(({url}) => url),
      ['/events', '/events', '/events'],
    );
  });
});
