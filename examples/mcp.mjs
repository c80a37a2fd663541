// MCP's streamable HTTP: node mcp.mjs URL [TOOL [ARGUMENTS]] calls a tool; without one it follows
// what the server says unasked. A call is a POST, sent once; if its answer, a stream, breaks, a GET
// asks for the rest of it.
import {asyncConnect, formatEvent} from 'ssekit';

const [url, tool, args = '{}'] = process.argv.slice(2);
const headers = {accept: 'application/json, text/event-stream'};
let calls = 0;

const {serverInfo, protocolVersion} = await call('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: {name: 'demo', version: '1.0'},
});
headers['mcp-protocol-version'] = protocolVersion;
await notify('notifications/initialized');
console.log(`connected to ${serverInfo.name}`);

if (tool) {
  const params = {name: tool, arguments: JSON.parse(args), _meta: {progressToken: 1}};
  const {content} = await call('tools/call', params);
  for (const {type, text} of content) console.log(text ?? type);
} else {
  for await (const {method, params} of asyncConnect(url, {headers}).json()) {
    console.log(method, JSON.stringify(params));
  }
}
await fetch(url, {method: 'DELETE', headers}); // the end of the session

async function call(method, params) {
  const id = ++calls;
  let isResumed = false;
  const stream = asyncConnect(url, {
    headers,
    json: {jsonrpc: '2.0', id, method, params},
    transport: streamOrJSON,
    onOpen(response) {
      const session = response.headers.get('mcp-session-id');
      if (session) headers['mcp-session-id'] = session;
    },
    resume({lastEventId}) {
      isResumed = lastEventId !== '';
      return isResumed ? {} : undefined; // a GET; without an id there is nothing to go on from
    },
    get idleTimeout() {
      // Some servers leave a resumed stream open and silent: after 20 s it is asked for again. The
      // POST's own stream has no id at first, and to give it up is to lose a slow call: 5 minutes.
      return isResumed ? 20_000 : 300_000; // read once for each connection, after `resume`
    },
    until: (event) => event.data !== '' && event.json().id === id,
  });
  for await (const message of stream.json()) {
    // passes over events without data
    if (message.id !== id) console.log(message.method, JSON.stringify(message.params));
    else if (message.error) throw new Error(`${method}: ${message.error.message}`);
    else return message.result;
  }
}

/** Makes a stream of one event of a call's answer that is plain JSON. */
async function streamOrJSON(url, request) {
  const response = await fetch(url, request);
  const headers = new Headers(response.headers);
  const isJSON = headers.get('content-type')?.startsWith('application/json');
  if (request.method === 'GET' || !isJSON) return response;
  headers.set('content-type', 'text/event-stream');
  return {status: response.status, headers, body: formatEvent({data: await response.text()})};
}

async function notify(method) {
  const {status} = await fetch(url, {
    method: 'POST',
    headers: {...headers, 'content-type': 'application/json'},
    body: JSON.stringify({jsonrpc: '2.0', method}),
  });
  if (status !== 202) throw new Error(`${method}: HTTP status ${status}`);
}
