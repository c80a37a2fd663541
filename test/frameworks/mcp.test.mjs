// MCP's TypeScript SDK, over a fetch that goes on with streams that break: version 2 with its own
// server, and version 1 with a session, whose calls are cut on the way.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {cpSync} from 'node:fs';
import {createServer} from 'node:http';
import {Readable} from 'node:stream';
import {after, before, describe, test} from 'node:test';
import {Client, StreamableHTTPClientTransport} from '@modelcontextprotocol/client';
import {Client as Client1} from '@modelcontextprotocol/sdk/client/index.js';
import {StreamableHTTPClientTransport as Transport1} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {createMcpHandler, McpServer} from '@modelcontextprotocol/server';
import {fileURLToPath} from 'node:url';
import {z} from 'zod';
import {freePort, start} from '../integration/processes.mjs';

// Beside the packages that it imports, as its readers have it.
const copy = new URL('node_modules/.built/resuming-fetch.mjs', import.meta.url);
cpSync(new URL('../../examples/resuming-fetch.mjs', import.meta.url), copy);
const {resumingFetch} = await import(copy.href);

const info = {name: 'test', version: '1.0.0'};

describe('version 2, protocol 2026-07-28', () => {
  let server;
  let url;
  const types = [];

  before(async () => {
    const handler = createMcpHandler(() => {
      const server = new McpServer({name: 'counter', version: '1.0.0'});
      server.registerTool(
        'count',
        {inputSchema: z.object({to: z.number()})},
        async ({to}, context) => {
          for (let progress = 1; progress <= to; progress++) {
            await context.mcpReq.notify({
              method: 'notifications/progress',
              params: {progressToken: context.mcpReq._meta.progressToken, progress, total: to},
            });
          }
          return {content: [{type: 'text', text: `counted to ${to}`}]};
        },
      );
      return server;
    });
    server = createServer(async (request, response) => {
      const answer = await handler.fetch(
        new Request(`http://127.0.0.1${request.url}`, {
          method: request.method,
          headers: Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
          body: request.method === 'POST' ? Readable.toWeb(request) : undefined,
          duplex: 'half',
        }),
      );
      types.push(answer.headers.get('content-type'));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body) Readable.fromWeb(answer.body).pipe(response);
      else response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test('a call, with its progress', async () => {
    const client = new Client(info, {versionNegotiation: {mode: 'auto'}});
    await client.connect(new StreamableHTTPClientTransport(url, {fetch: resumingFetch}));
    const seen = [];
    const {content} = await client.callTool(
      {name: 'count', arguments: {to: 5}},
      {onprogress: ({progress}) => seen.push(progress)},
    );
    assert.deepEqual(content, [{type: 'text', text: 'counted to 5'}]);
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28');
    assert.ok(types.includes('text/event-stream'));
    await client.close();
  });
});

describe('version 1, protocol 2025-11-25, with a session', () => {
  let server;
  let url;

  before(async () => {
    const port = await freePort();
    const file = fileURLToPath(new URL('../examples/mcp-server.mjs', import.meta.url));
    server = await start(process.execPath, [file, `${port}`], {port});
    url = new URL(`http://127.0.0.1:${port}/mcp`);
  });
  after(() => server.stop());

  const requests = () =>
    server
      .output()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  for (const how of ['reset', 'end']) {
    test(`a call whose stream is cut twice (${how}): each progress once, one POST`, async () => {
      const client = new Client1(info);
      await client.connect(new Transport1(url, {fetch: resumingFetch}));
      const before = requests().length;
      const seen = [];
      const {content} = await client.callTool(
        {name: 'count', arguments: {to: 6, cuts: [2, 4], how}},
        undefined,
        {onprogress: ({progress}) => seen.push(progress)},
      );
      assert.deepEqual(content, [{type: 'text', text: 'counted to 6'}]);
      assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
      const made = requests().slice(before);
      assert.equal(made.filter(({tool}) => tool === 'count').length, 1);
      const resumed = made.filter(({http, lastEventId}) => http === 'GET' && lastEventId);
      assert.ok(resumed.length >= 2, JSON.stringify(made));
      await client.close();
    });
  }
});
