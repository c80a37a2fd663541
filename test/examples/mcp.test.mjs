// mcp.mjs against a server by the official SDK, whose streams break.

import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {freePort, start, until} from '../integration/processes.mjs';
import {begin, copies, linesOf, run} from './copies.mjs';
import {openStream, serve} from './server.mjs';

const IDLE = 200; // ms, in place of the 20 s that the example waits for a resumed stream

const PATH = fileURLToPath(new URL('mcp-server.mjs', import.meta.url));
const progress = (total) =>
  Array.from(
    {length: total},
    (_, k) => `notifications/progress {"progressToken":1,"progress":${k + 1},"total":${total}}`,
  );

for (const [kind, env] of [
  ['streams', {}],
  ['plain JSON', {JSON: '1'}],
]) {
  describe(`a server that answers with ${kind}`, () => {
    let server;
    let url;
    before(async () => {
      const port = await freePort();
      server = await start(process.execPath, [PATH, port], {port, env: {...process.env, ...env}});
      url = `http://127.0.0.1:${port}/mcp`;
    });
    after(() => server?.stop());

    /** Calls a tool: {code, lines, stderr, requests}. */
    async function call(tool, args) {
      const before = requests().length;
      const {code, stdout, stderr} = await run('mcp.mjs', [url, tool, JSON.stringify(args)]);
      return {code, lines: linesOf(stdout), stderr, requests: requests().slice(before)};
    }
    const requests = () => linesOf(server.output()).map((line) => JSON.parse(line));
    const posted = ({http, method, tool}) => http === 'POST' && (tool ?? method);

    it('a session, a call, its result', async () => {
      const {code, lines, stderr, requests} = await call('count', {to: 3});
      assert.deepEqual([code, stderr], [0, '']);
      // In plain JSON there is no room for what comes before the result.
      assert.deepEqual(lines, [
        'connected to counter',
        ...(kind === 'streams' ? progress(3) : []),
        'counted to 3',
      ]);
      assert.deepEqual(
        requests.map(({http, ...rest}) => [
          posted({http, ...rest}) || http,
          rest.session,
          rest.version,
        ]),
        [
          ['initialize', false, undefined],
          ['notifications/initialized', true, '2025-11-25'],
          ['count', true, '2025-11-25'],
          ['DELETE', true, '2025-11-25'],
        ],
      );
    });

    it('an error', async () => {
      const {code, lines} = await call('fail', {});
      assert.deepEqual([code, lines], [0, ['connected to counter', 'no luck']]);
      const unknown = await run('mcp.mjs', [url, 'no-such-tool']);
      assert.match(unknown.stdout + unknown.stderr, /no-such-tool/);
    });

    if (kind !== 'streams') return;
    for (const how of ['reset', 'end']) {
      it(`a stream that breaks twice (${how}): posted once, resumed by GET`, async () => {
        const {code, lines, stderr, requests} = await call('count', {to: 9, cuts: [3, 7], how});
        assert.deepEqual([code, stderr], [0, '']);
        assert.deepEqual(lines, ['connected to counter', ...progress(9), 'counted to 9']);
        assert.equal(requests.filter((each) => posted(each) === 'count').length, 1);
        const resumed = requests.filter(({http}) => http === 'GET');
        assert.deepEqual(
          resumed.map(({lastEventId, session}) => [Number(lastEventId) > 0, session]),
          [
            [true, true],
            [true, true],
          ],
        );
      });
    }

    it('what the server says unasked, over a reset, until Ctrl-C', async () => {
      const before = requests().length;
      const {child, ended} = begin('mcp.mjs', [url]);
      let output = '';
      child.stdout.on('data', (text) => (output += text));
      await until(() => linesOf(output).length >= 7 || child.exitCode !== null, 'the messages');
      child.kill('SIGINT');
      const {code, stdout, stderr} = await ended;
      assert.deepEqual([code, stderr], ['SIGINT', '']);
      assert.deepEqual(linesOf(stdout), [
        'connected to counter',
        ...[1, 2, 3, 4, 5, 6].map(
          (data) => `notifications/message {"level":"info","data":${data}}`,
        ),
      ]);
      const asked = requests()
        .slice(before)
        .filter(({http}) => http === 'GET');
      assert.deepEqual(
        asked.map(({lastEventId}) => Boolean(lastEventId)),
        [false, true],
      );
    });
  });
}

for (const [what, answer] of [
  ['before its answer', (_, response) => response.socket.resetAndDestroy()],
  [
    'before the first id',
    (_, response) => {
      openStream(response);
      response.write('data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n');
      setTimeout(() => response.socket.resetAndDestroy(), 50);
    },
  ],
]) {
  it(`a call whose connection is lost ${what} is an error, not a second call`, async () => {
    const server = await serve(answer);
    const {code, stderr} = await run('mcp.mjs', [server.url, 'count']);
    assert.equal(code, 1);
    assert.match(stderr, /fetch failed|terminated/);
    assert.equal(server.requests.length, 1);
    await server.close();
  });
}

describe('silence', () => {
  // A copy of the example that loses its patience sooner.
  before(() => {
    const code = readFileSync(join(copies, 'mcp.mjs'), 'utf8');
    const sooner = code.replace('isResumed ? 20_000 :', `isResumed ? ${IDLE} :`);
    assert.notEqual(sooner, code, 'mcp.mjs says no more how long it waits');
    writeFileSync(join(copies, 'mcp-impatient.mjs'), sooner);
  });

  const event = (message, id = '') =>
    `${id && `id: ${id}\n`}data: ${JSON.stringify({jsonrpc: '2.0', ...message})}\n\n`;
  const step = {method: 'notifications/progress', params: {progress: 1}};
  const done = (id) => ({id, result: {content: [{type: 'text', text: 'done'}]}});

  /** A server whose answers to a call, the POST's and then each GET's, are `answers`. */
  async function calling(answers) {
    const asked = [];
    let callId;
    const server = await serve(async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      const {method = request.method, id} = text ? JSON.parse(text) : {};
      asked.push([method, request.headers['last-event-id']]);
      if (method === 'initialize') {
        const serverInfo = {name: 'scripted', version: '1'};
        const result = {protocolVersion: '2025-11-25', capabilities: {}, serverInfo};
        response.setHeader('content-type', 'application/json');
        response.setHeader('mcp-session-id', 's');
        return void response.end(JSON.stringify({jsonrpc: '2.0', id, result}));
      }
      if (method.startsWith('notifications/')) return void response.writeHead(202).end();
      if (method === 'DELETE') return void response.end();
      callId ??= id;
      openStream(response);
      answers.shift()?.(response, callId);
    });
    return {...server, asked};
  }

  for (const [what, answers, gets, lines] of [
    [
      'a resumed stream that stays open and silent is asked for again',
      [
        (response) => {
          response.write(`retry: 10\n${event(step, '1')}`);
          setTimeout(() => response.socket.resetAndDestroy(), 50);
        },
        () => {},
        (response, id) => response.end(event(done(id), '2')),
      ],
      ['1', '1'],
      ['notifications/progress {"progress":1}', 'done'],
    ],
    [
      'a call that says nothing for longer is not lost',
      [(response, id) => setTimeout(() => response.end(event(done(id))), 5 * IDLE)],
      [],
      ['done'],
    ],
  ]) {
    it(what, async () => {
      const server = await calling([...answers]);
      const {code, stdout, stderr} = await run('mcp-impatient.mjs', [server.url, 'wait']);
      assert.deepEqual([code, stderr], [0, '']);
      assert.deepEqual(linesOf(stdout), ['connected to scripted', ...lines]);
      assert.deepEqual(server.asked, [
        ['initialize', undefined],
        ['notifications/initialized', undefined],
        ['tools/call', undefined],
        ...gets.map((lastEventId) => ['GET', lastEventId]),
        ['DELETE', undefined],
      ]);
      await server.close();
    });
  }
});
