// Vercel's `ai`: its stream of UI messages, read by this client, and gone on with after a cut; the
// message is the one that `ai` itself makes of the whole stream.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer} from 'node:http';
import {after, before, test} from 'node:test';
import {
  createUIMessageStream,
  createUIMessageStreamResponse,
  DefaultChatTransport,
  readUIMessageStream,
  UI_MESSAGE_STREAM_HEADERS,
} from 'ai';
import {asyncConnect, EventSource, formatEvent} from 'ssekit';

const ASKED = {
  id: 'chat-1',
  messages: [{id: 'm1', role: 'user', parts: [{type: 'text', text: 'Hi'}]}],
};

/** What an answer is: a text in parts, a tool's result, data of one's own. */
const answer = () =>
  createUIMessageStream({
    execute({writer}) {
      writer.write({type: 'start', messageId: 'answer'});
      writer.write({type: 'text-start', id: 't'});
      for (const delta of ['Hello', ' ', 'wörld', '\n\n', 'data: x']) {
        writer.write({type: 'text-delta', id: 't', delta});
      }
      writer.write({type: 'text-end', id: 't'});
      writer.write({type: 'data-weather', id: 'w', data: {city: 'Bern', celsius: 21}});
      writer.write({type: 'finish'});
    },
  });

/** The data of its events, as `ai` writes them. */
async function written() {
  const data = [];
  const {body} = createUIMessageStreamResponse({stream: answer()});
  for await (const event of EventSource.from(body)) data.push(event.data);
  return data;
}

let server;
let url;
const requests = [];

before(async () => {
  const data = await written();
  // An answer is kept, and has ids: each connection gives three events and is reset, until the last.
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const isCut = request.url.startsWith('/cut');
    const from = Number(request.headers['last-event-id'] ?? 0);
    response.writeHead(200, UI_MESSAGE_STREAM_HEADERS);
    const to = isCut ? from + 3 : data.length;
    for (const [k, text] of data.entries()) {
      if (k >= from && k < to) response.write(formatEvent({id: `${k + 1}`, data: text}));
    }
    if (to >= data.length) return response.end();
    response.write(': cut\n', () => setTimeout(() => response.socket?.resetAndDestroy(), 20));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function messageOf(stream) {
  let last;
  for await (const message of readUIMessageStream({stream})) last = message;
  return last;
}

test('read, and gone on with by GET: POST once, no part lost or twice', async () => {
  const transport = new DefaultChatTransport({api: `${url}/whole`});
  const whole = await messageOf(
    await transport.sendMessages({
      trigger: 'submit-message',
      chatId: ASKED.id,
      messages: ASKED.messages,
    }),
  );
  assert.equal(whole.parts.find(({type}) => type === 'text').text, 'Hello wörld\n\ndata: x');
  requests.length = 0;
  const events = asyncConnect(`${url}/cut`, {
    json: ASKED,
    retryInterval: 10,
    resume: () => ({url: `${url}/cut/${ASKED.id}/stream`}), // a GET, with Last-Event-ID
  });
  assert.deepEqual(await messageOf(ReadableStream.from(events.json())), whole);
  assert.equal(requests[0], 'POST /cut');
  assert.ok(requests.length > 2);
  assert.deepEqual(new Set(requests.slice(1)), new Set([`GET /cut/${ASKED.id}/stream`]));
});
