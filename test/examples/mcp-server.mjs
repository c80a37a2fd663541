// node mcp-server.mjs PORT: an MCP server by the official SDK, that keeps its events, so that
// streams can be resumed, and breaks them. Its tool `count` reports each number; at each of `cuts` it does
// `how` ('reset' the connection, or 'end' the response, which is how a server makes a client poll)
// and waits until the client is back. Who listens is told six things, with a reset after the third.
// With JSON=1 it answers calls with plain JSON instead of streams. It prints each request.

import {randomUUID} from 'node:crypto';
import {EventEmitter, once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {createMcpExpressApp} from '@modelcontextprotocol/sdk/server/express.js';
import {StreamableHTTPServerTransport} from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {isInitializeRequest} from '@modelcontextprotocol/sdk/types.js';
import {z} from 'zod';

/** The SDK's own store for examples sorts events of one millisecond at random. */
class EventStore {
  #events = [];

  async storeEvent(stream, message) {
    this.#events.push({stream, message});
    return `${this.#events.length}`;
  }

  async replayEventsAfter(id, {send}) {
    const stream = this.#events[id - 1]?.stream ?? '';
    for (const [index, event] of this.#events.entries()) {
      if (index >= id && event.stream === stream) await send(`${index + 1}`, event.message);
    }
    return stream;
  }
}

const sessions = new Map();
const responses = new Set(); // that are not over
const resumptions = new EventEmitter();

async function cutAll() {
  await sleep(20); // a reset can overtake what was written right before it
  for (const {socket} of responses) socket?.resetAndDestroy();
}

function newServer() {
  const server = new McpServer({name: 'counter', version: '1.0.0'}, {capabilities: {logging: {}}});
  server.registerTool(
    'count',
    {
      description: 'Counts, and breaks its stream on the way',
      inputSchema: {
        to: z.number(),
        cuts: z.array(z.number()).optional(),
        how: z.string().optional(),
      },
    },
    async ({to, cuts = [], how}, {_meta, sendNotification, closeSSEStream}) => {
      const {progressToken} = _meta;
      for (let progress = 1; progress <= to; progress++) {
        await sendNotification({
          method: 'notifications/progress',
          params: {progressToken, progress, total: to},
        });
        if (!cuts.includes(progress)) continue;
        const back = once(resumptions, 'resumed');
        if (how === 'end') closeSSEStream();
        else await cutAll();
        await back;
      }
      return {content: [{type: 'text', text: `counted to ${to}`}]};
    },
  );
  server.registerTool('fail', {description: 'Fails'}, async () => {
    throw new Error('no luck');
  });
  return server;
}

async function announce(server) {
  for (let data = 1; data <= 6; data++) {
    await server.sendLoggingMessage({level: 'info', data});
    if (data === 3) await cutAll();
  }
}

const app = createMcpExpressApp();
app.all('/mcp', async (request, response) => {
  const session = request.headers['mcp-session-id'];
  const {method = '', params} = request.body ?? {};
  console.log(
    JSON.stringify({
      http: request.method,
      method,
      tool: params?.name,
      session: Boolean(session),
      version: request.headers['mcp-protocol-version'],
      lastEventId: request.headers['last-event-id'],
    }),
  );
  responses.add(response);
  response.on('close', () => responses.delete(response));
  if (!sessions.has(session) && isInitializeRequest(request.body)) return begin(request, response);
  const {server, transport} = sessions.get(session) ?? {};
  if (!transport) return void response.status(404).json({error: 'no such session'});
  void transport.handleRequest(request, response, request.body); // resolves when the stream is over
  if (request.method !== 'GET') return;
  while (!response.headersSent) await sleep(1);
  if (request.headers['last-event-id']) resumptions.emit('resumed');
  else await announce(server);
});
app.listen(Number(process.argv[2]), '127.0.0.1');

async function begin(request, response) {
  const server = newServer();
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new EventStore(),
    retryInterval: 50,
    enableJsonResponse: process.env.JSON === '1',
    onsessioninitialized: (id) => void sessions.set(id, {server, transport}),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}
