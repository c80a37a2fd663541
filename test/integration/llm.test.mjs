// LLM APIs over POST, as @copilotkit/aimock serves them in a process of its own: whole answers,
// truncated ones, cut connections, silence, refusals. Each call costs money, so each is counted
// where the server keeps its journal: never two requests for one call.

import assert from 'node:assert/strict';
import {after, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {asyncConnect, connect, SSEConnectionError, SSEError, SSEHTTPError} from '../../dist/sse.js';
import {figure} from './figures.mjs';
import {freePort, start, until} from './processes.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const CLI = path('node_modules/@copilotkit/aimock/dist/cli.js');

const port = await freePort();
const mock = await start(
  process.execPath,
  [CLI, '-p', port, '-f', path('llm.json'), '--log-level', 'warn', '--journal-max', '0'],
  {port},
);
const direct = `http://127.0.0.1:${port}`;
const gatewayPort = await freePort();
const gateway = await start(process.execPath, [path('llm-gateway.mjs'), gatewayPort, direct], {
  port: gatewayPort,
});
const throughGateway = `http://127.0.0.1:${gatewayPort}`;
after(async () => {
  await gateway.stop();
  await mock.stop();
});

const ANSWER = 'Grüße, 世界! 😀\n\ndata: [DONE]\r\nevent: "fake"\u2028id: 7\u0085 the end.';
const messages = (content) => [{role: 'user', content}];
const APIS = {
  'OpenAI chat': {
    path: '/v1/chat/completions',
    headers: {authorization: 'Bearer sk-test'},
    json: (prompt) => ({model: 'any', stream: true, messages: messages(prompt)}),
    until: (event) => event.data === '[DONE]',
    text: (event) => (event.data === '[DONE]' ? '' : (event.json().choices[0].delta.content ?? '')),
  },
  'OpenAI responses': {
    path: '/v1/responses',
    headers: {authorization: 'Bearer sk-test'},
    json: (prompt) => ({model: 'any', stream: true, input: prompt}),
    until: (event) => event.event === 'response.completed',
    text: (event) => (event.event === 'response.output_text.delta' ? event.json().delta : ''),
  },
  Anthropic: {
    path: '/v1/messages',
    headers: {'x-api-key': 'test', 'anthropic-version': '2023-06-01'},
    json: (prompt) => ({model: 'any', max_tokens: 99, stream: true, messages: messages(prompt)}),
    until: (event) => event.event === 'message_stop',
    text: (event) => event.json().delta?.text ?? '',
  },
  // No sentinel and no event type: the last chunk is the one that says why it is the last.
  Gemini: {
    path: '/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse',
    headers: {'x-goog-api-key': 'test'},
    json: (prompt) => ({contents: [{role: 'user', parts: [{text: prompt}]}]}),
    until: (event) => event.json().candidates?.[0]?.finishReason !== undefined,
    text: (event) => event.json().candidates[0].content.parts[0].text,
  },
  Cohere: {
    path: '/v2/chat',
    headers: {authorization: 'Bearer test'},
    json: (prompt) => ({model: 'any', stream: true, messages: messages(prompt)}),
    until: (event) => event.event === 'message-end',
    text: (event) => event.json().delta?.message?.content?.text ?? '',
  },
};

const LOOPS = {
  async 'for await'(url, options, onEvent) {
    for await (const event of asyncConnect(url, options)) if (onEvent(event) === false) break;
  },
  for(url, options, onEvent) {
    for (const event of connect(url, options)) if (onEvent(event) === false) break;
  },
};

let calls = 0; // made by ssekit
let again = 0; // requests that a caller asked ssekit to send again

/**
 * One call: {events, error, id}. `fault`: what the gateway does after so many events, once they have
 * been read. `expected`: how many requests the server must count.
 */
async function call(api, loop, prompt, {fault, expected = 1, onEvent = () => {}, ...rest} = {}) {
  const id = `call-${++calls}`;
  const [kind, count] = fault?.split(' ') ?? [];
  const events = [];
  const retries = [];
  let error;
  try {
    await LOOPS[loop](
      (fault ? throughGateway : direct) + api.path,
      {
        json: api.json(prompt),
        until: api.until,
        retryInterval: 10,
        onRetry(retry) {
          retries.push(retry);
          if (retries.length >= expected) throw new Error('A second request for one call', retry);
        },
        ...rest,
        headers: {
          ...api.headers,
          'x-test-id': id,
          ...(fault && {'x-fault': fault}),
          ...rest.headers,
        },
      },
      (event) => {
        events.push(plain(event));
        if (kind !== 'hang' && events.length === Number(count)) gateway.signal('SIGUSR2');
        return onEvent(event, events.length);
      },
    );
  } catch (caught) {
    error = caught;
  }
  assert.equal(await requests(id), expected, `requests for one call (${error})`);
  again += expected - 1;
  assert.equal(retries.length, expected - 1);
  return {events, error, id};
}

/** How many requests the server has counted, of one call or of all. */
async function requests(id) {
  const query = id ? `testId=${id}` : 'method=POST&limit=0';
  const answer = await fetch(`${direct}/__aimock/journal?${query}`);
  const entries = await answer.json();
  const total = Number(answer.headers.get('x-total-count'));
  if (id) assert.equal(entries.length, total);
  return total;
}

let asked = 0; // requests of plain fetch
async function ask(api, prompt, json = api.json(prompt)) {
  asked++;
  const response = await fetch(direct + api.path, {
    method: 'POST',
    headers: {...api.headers, 'content-type': 'application/json'},
    body: JSON.stringify(json),
  });
  return {response, text: await response.text()};
}

/** The events of an answer by plain fetch and a literal reading of what aimock writes. */
async function reference(api, prompt) {
  const {text} = await ask(api, prompt);
  const blocks = text.split('\n\n');
  assert.equal(blocks.pop(), '');
  return blocks.map((block) => {
    const [, event = 'message', data] = /^(?:event: ([^\n]*)\n)?data: ([^\n]*)$/.exec(block);
    return plain({event, data, id: '', retry: undefined});
  });
}

/** aimock makes a new id for each message of the responses API. */
function plain({event, data, id, retry}) {
  return {event, data: data.replaceAll(/"msg-[\w-]{16}"/g, '"msg"'), id, retry};
}

const clean = {error: undefined};
const figures = {whole: 0, truncated: 0, cut: 0, silent: 0, refused: 0};

for (const [name, api] of Object.entries(APIS)) {
  const whole = await reference(api, 'the whole answer');
  const long = await reference(api, 'a long answer');

  for (const loop of Object.keys(LOOPS)) {
    test(`${name}, ${loop}: the whole answer`, async () => {
      let text = '';
      const {events, error} = await call(api, loop, 'the whole answer', {
        onEvent(event) {
          text += api.text(event);
        },
      });
      assert.deepEqual({events, error, text}, {events: whole, ...clean, text: ANSWER});
      figures.whole++;
    });

    test(`${name}, ${loop}: through a gateway that passes it on`, async () => {
      const {events, error} = await call(api, loop, 'a long answer', {fault: 'none'});
      assert.deepEqual({events, error}, {events: long, ...clean});
      figures.whole++;
    });

    for (const count of [1, long.length - 1]) {
      test(`${name}, ${loop}: truncated after ${count} events is an error`, async () => {
        const {events, error} = await call(api, loop, 'a long answer', {fault: `end ${count}`});
        assert.deepEqual(events, long.slice(0, count));
        assert(error instanceof SSEError && error.code === 'truncated', String(error));
        figures.truncated++;
      });
    }

    test(`${name}, ${loop}: truncated, and nobody said how it ends: a quiet end`, async () => {
      const {events, error} = await call(api, loop, 'a long answer', {
        fault: 'end 3',
        until: undefined,
      });
      assert.deepEqual({events, error}, {events: long.slice(0, 3), ...clean});
    });

    for (const [kind, count] of [
      ['fin', 2],
      ['reset', 4],
    ]) {
      test(`${name}, ${loop}: cut inside an event (${kind})`, async () => {
        const {events, error} = await call(api, loop, 'a long answer', {fault: `${kind} ${count}`});
        assert.deepEqual(events, long.slice(0, count));
        isLost(error);
        figures.cut++;
      });
    }

    test(`${name}, ${loop}: cut by the server itself`, async () => {
      const {events, error} = await call(api, loop, 'an answer cut by the server');
      // What had come, but was not read yet, may be lost with the connection.
      assert(events.length > 0 && events.length <= 6, `${events.length} events`);
      assert.deepEqual(events, long.slice(0, events.length));
      isLost(error);
      figures.cut++;
    });

    test(`${name}, ${loop}: silence inside an event`, async () => {
      const {events, error} = await call(api, loop, 'a long answer', {
        fault: 'hang 2',
        idleTimeout: 300,
      });
      assert.deepEqual(events, long.slice(0, 2));
      isLost(error);
      assert(error.cause instanceof SSEError && error.cause.code === 'timeout', error.message);
      figures.silent++;
    });

    test(`${name}, ${loop}: no answer at all`, async () => {
      const {events, error} = await call(api, loop, 'the whole answer', {
        headers: {'x-aimock-chaos-disconnect': '1'},
      });
      assert.deepEqual(events, []);
      isLost(error);
      figures.cut++;
    });

    test(`${name}, ${loop}: refusals`, async () => {
      for (const [prompt, status, retryAfter] of [
        ['too much', 429, 7000],
        ['no key', 401, undefined],
        ['overloaded', 529, undefined],
        ['a question that nobody expects', 404, undefined],
      ]) {
        const {response, text} = await ask(api, prompt);
        const {events, error} = await call(api, loop, prompt);
        assert.deepEqual(events, []);
        assert(error instanceof SSEHTTPError, String(error));
        assert.deepEqual(
          [error.status, error.body, error.retryAfter, error.url],
          [status, text, retryAfter, direct + api.path],
        );
        assert.equal(response.status, status);
        assert.equal(error.headers.get('retry-after'), response.headers.get('retry-after'));
        if (status === 429) assert.match(error.body, /Zu viele Anfragen: später/);
        for (const secret of Object.values(api.headers)) assert(!error.message.includes(secret));
        figures.refused++;
      }
    });

    test(`${name}, ${loop}: 200 with something else than a stream`, async () => {
      const {events, error} = await call(api, loop, 'the whole answer', {
        headers: {'x-aimock-chaos-malformed': '1'},
      });
      assert.deepEqual(events, []);
      assert(error instanceof SSEError && error.code === 'content-type', String(error));
      figures.refused++;
    });

    test(`${name}, ${loop}: leaving in the middle closes the connection`, async () => {
      const {events, error, id} = await call(api, loop, 'a long answer', {
        fault: 'hang 3',
        onEvent: (_, count) => count < 3,
      });
      assert.deepEqual({events, error}, {events: long.slice(0, 3), ...clean});
      await until(() => gateway.output().split('\n').includes(`left ${id}`), 'the gateway is left');
    });

    // What all of the above would do if a POST were repeated: the count does see it.
    test(`${name}, ${loop}: sent again only if told so`, async () => {
      const {events, error} = await call(api, loop, 'a long answer', {
        fault: 'reset 2 once',
        reconnect: true,
        expected: 2,
      });
      assert.deepEqual({events, error}, {events: [...long.slice(0, 2), ...long], ...clean});
    });
  }
}

/** A broken connection of a POST: told, and not made again. */
function isLost(error) {
  assert(error instanceof SSEConnectionError, String(error));
  assert.equal(error.code, 'connection');
  assert.equal(error.retries, 0);
  assert(error.cause instanceof Error);
}

test('json() ends at [DONE]; what was truncated before it is an error there, too', async () => {
  const api = APIS['OpenAI chat'];
  for (const [fault, code] of [
    ['none', undefined],
    ['end 4', 'truncated'],
  ]) {
    for (const open of [asyncConnect, connect]) {
      const id = `call-${++calls}`;
      const client = open(throughGateway + api.path, {
        json: api.json('a long answer'),
        until: api.until,
        headers: {...api.headers, 'x-test-id': id, 'x-fault': fault},
      });
      const texts = [];
      const take = ({choices}) => {
        texts.push(choices[0].delta.content ?? '');
        if (texts.length === 4 && code) gateway.signal('SIGUSR2');
      };
      const read = async () => {
        if (open === connect) for (const chunk of client.json()) take(chunk);
        else for await (const chunk of client.json()) take(chunk);
      };
      if (code) await assert.rejects(read, {name: 'SSEError', code});
      else await read();
      const all = 'One word after the other, and nobody knows whether the last one will come.';
      assert.equal(texts.join(''), code ? all.slice(0, 12) : all);
      assert.equal(await requests(id), 1);
    }
  }
});

test('who forgets `stream: true` gets JSON, and is told so', async () => {
  const api = APIS['OpenAI chat'];
  const id = `call-${++calls}`;
  const client = asyncConnect(direct + api.path, {
    json: {...api.json('the whole answer'), stream: false},
    headers: {...api.headers, 'x-test-id': id},
  });
  await assert.rejects(client.open(), {name: 'SSEResponseError', code: 'content-type'});
  assert.equal(client.response.headers.get('content-type'), 'application/json');
  assert.equal(await requests(id), 1);
});

test('the server counted as many requests as calls were made', async () => {
  const counted = (await requests()) - asked;
  assert.equal(counted, calls + again);
  const {whole, truncated, cut, silent, refused} = figures;
  figure(
    'LLM calls',
    `${Object.keys(APIS).length} APIs, both loops: ${calls} calls, ${counted}`
      + ` requests at the server, ${again} of them second ones that \`reconnect: true\` asked for`,
  );
  figure(
    'LLM answers',
    `${whole} whole; ${truncated} truncated, ${cut} cut, ${silent} silent and`
      + ` ${refused} refused ones, each told as the error it is`,
  );
});
