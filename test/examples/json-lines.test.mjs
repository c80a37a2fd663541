// JSON lines as servers send them: Ollama's NDJSON, OpenAPI 3.2's JSON Lines and JSON text
// sequences, over sockets and cut anywhere; and ollama.mjs.

import assert from 'node:assert/strict';
import {after, before, describe, it} from 'node:test';
import {httpTransport, jsonLines} from '../../dist/sse.js';
import {freePort, until} from '../integration/processes.mjs';
import {begin, run} from './copies.mjs';
import {serve} from './server.mjs';

const ANSWER = 'Grüße, 世界! 😀\n\n{"done":true}\n\x1e "The end."';
const AT = '2026-11-27T12:00:00.000000001Z';

/** As Ollama documents it for POST /api/chat: tokens, then a last line with figures. */
const CHAT = [
  ...ANSWER.match(/.{1,3}/gsu).map((content) => ({
    model: 'llama3.2',
    created_at: AT,
    message: {role: 'assistant', content},
    done: false,
  })),
  {
    model: 'llama3.2',
    created_at: AT,
    message: {role: 'assistant', content: ''},
    done_reason: 'stop',
    done: true,
    total_duration: 4_883_583_458,
    eval_count: 282,
  },
];
const LOG = [{n: 1, text: '😀'}, null, [1, {two: ['é']}], 'a line\nand one more', 5, true, {n: 2}];

const lines = (values) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
const sequence = (values) =>
  values.map((value) => `\x1e${JSON.stringify(value, null, 2)}\n`).join('');

/** Path to what is sent there, and the values in it. */
const streams = {
  '/api/chat': ['application/x-ndjson', lines(CHAT), CHAT],
  '/jsonl': ['application/jsonl', lines(LOG), LOG],
  '/jsonl-crlf': ['application/jsonl; charset=utf-8', lines(LOG).replaceAll('\n', '\r\n'), LOG],
  '/jsonl-no-last-end': ['application/jsonl', lines(LOG).trimEnd(), LOG],
  '/json-seq': ['application/json-seq', sequence(LOG), LOG],
};

/** Ways to cut bytes. */
const cuts = {
  whole: (bytes) => [bytes],
  'byte by byte': (bytes) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
  'by 7 bytes': (bytes) => pieces(bytes, 7),
  'by 61 bytes': (bytes) => pieces(bytes, 61),
  'before each end of line': (bytes) =>
    Buffer.from(bytes)
      .toString('latin1')
      .split(/(?=\r?\n)/)
      .map((text) => Buffer.from(text, 'latin1')),
};

function pieces(bytes, size) {
  const count = Math.ceil(bytes.length / size);
  return Array.from({length: count}, (_, k) => bytes.subarray(k * size, (k + 1) * size));
}

/** Sends each chunk once the one before is on its way: one packet each. */
async function send(response, chunks) {
  for (const chunk of chunks) await new Promise((resolve) => response.write(chunk, resolve));
}

const requests = {
  fetch: (url) => fetch(url, {method: 'POST', body: '{}'}),
  'httpTransport()': (url) =>
    httpTransport()(url, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: '{}',
      redirect: 'manual',
      signal: new AbortController().signal,
    }),
};

describe('jsonLines', () => {
  let server;
  before(async () => {
    server = await serve(async (request, response) => {
      const {pathname, searchParams} = new URL(request.url, 'http://localhost');
      const [type, text] = streams[pathname];
      request.resume();
      response.socket.setNoDelay();
      response.writeHead(200, {'content-type': type});
      await send(response, cuts[searchParams.get('cut')](Buffer.from(text)));
      response.end();
    });
  });
  after(() => server?.close());

  for (const [name, send] of Object.entries(requests)) {
    for (const [path, [type, , values]] of Object.entries(streams)) {
      it(`${name}: ${path}, ${type}, however it is cut`, async () => {
        for (const cut of Object.keys(cuts)) {
          const response = await send(
            `${server.url.slice(0, -1)}${path}?cut=${encodeURIComponent(cut)}`,
          );
          const got = [];
          for await (const value of jsonLines(response)) got.push(value);
          assert.deepEqual(got, values, cut);
        }
      });
    }
  }
});

it('a value is there before the next one is sent', async () => {
  let more;
  const server = await serve((_, response) => {
    response.writeHead(200, {'content-type': 'application/jsonl'});
    response.write('{"n":1}\n{"n"');
    more = () => response.end(':2}\n');
  });
  for (const request of Object.values(requests)) {
    const loop = jsonLines(await request(server.url))[Symbol.asyncIterator]();
    assert.deepEqual(await loop.next(), {done: false, value: {n: 1}});
    more();
    assert.deepEqual(await loop.next(), {done: false, value: {n: 2}});
    assert.equal((await loop.next()).done, true);
  }
  await server.close();
});

it('a loop that is left lets go of the response', async () => {
  let closed = 0;
  const server = await serve((_, response) => {
    response.writeHead(200, {'content-type': 'application/jsonl'});
    response.write('1\n2\n');
    response.on('close', () => closed++);
  });
  for (const [index, [name, request]] of Object.entries(requests).entries()) {
    for await (const value of jsonLines(await request(server.url))) if (value === 1) break;
    await until(() => closed === index + 1, `${name}: the end of its response`);
  }
  await server.close();
});

describe('what is cut', () => {
  for (const [what, sent, end, values, message] of [
    [
      'ends within a line',
      '1\n{"n":',
      'end',
      [1],
      /^Line 2, which has no end of line, is not JSON/,
    ],
    ['is reset within a line', '1\n{"n":', 'reset', [1], /terminated|aborted/],
    ['is reset after a line', '1\n2\n', 'reset', [1, 2], /terminated|aborted/],
    ['is a sequence, reset within a text', '\x1e1\n\x1e[2', 'reset', [1], /terminated|aborted/],
    ['is a sequence, and ends so', '\x1e1\n\x1e[2', 'end', [1], /^Record 2 is not JSON/],
  ]) {
    it(what, async () => {
      const server = await serve(async (_, response) => {
        response.writeHead(200, {'content-type': 'application/jsonl'});
        await send(response, [sent]);
        if (end === 'end') response.end();
        else setTimeout(() => response.socket.resetAndDestroy(), 50); // else it overtakes them
      });
      for (const [name, request] of Object.entries(requests)) {
        const got = [];
        const read = async () => {
          for await (const value of jsonLines(await request(server.url))) got.push(value);
        };
        await assert.rejects(read, {message});
        assert.deepEqual(got, values, name);
      }
      await server.close();
    });
  }
});

describe('ollama.mjs', () => {
  const QUESTION = 'How does it end?';

  /** Runs it against a server that answers so: {code, stdout, stderr, asked}. */
  async function chat(answer) {
    const asked = [];
    const server = await serve(async (request, response) => {
      let body = '';
      for await (const part of request.setEncoding('utf8')) body += part;
      asked.push([request.method, request.url, JSON.parse(body)]);
      await answer(response);
    });
    const result = await run('ollama.mjs', [server.url, 'llama3.2', QUESTION]);
    await server.close();
    const messages = [{role: 'user', content: QUESTION}];
    assert.deepEqual(asked, [['POST', '/api/chat', {model: 'llama3.2', messages}]]);
    return result;
  }

  const open = (response) => response.writeHead(200, {'content-type': 'application/x-ndjson'});
  const half = lines(CHAT.slice(0, 4));
  const HALF = CHAT.slice(0, 4)
    .map(({message}) => message.content)
    .join('');
  const reset = (response) => setTimeout(() => response.socket.resetAndDestroy(), 50);

  for (const [cut, chunksOf] of Object.entries(cuts)) {
    it(`whole, cut ${cut}`, async () => {
      const result = await chat(async (response) => {
        open(response);
        await send(response, chunksOf(Buffer.from(lines(CHAT))));
        response.end();
      });
      assert.deepEqual(result, {code: 0, stdout: `${ANSWER}\n`, stderr: ''});
    });
  }

  it('prints what has come', async () => {
    const server = await serve((_, response) => open(response).write(half));
    const {child, ended} = begin('ollama.mjs', [server.url, 'llama3.2', QUESTION]);
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    await until(() => output === HALF || child.exitCode !== null, 'the first words');
    await server.close();
    assert.deepEqual([(await ended).code, output], [1, HALF]);
  });

  for (const [what, text, end, stdout, stderr] of [
    [
      'an error in the stream',
      `${half}{"error":"the model runner has stopped"}\n`,
      (response) => response.end(),
      HALF,
      /^\nthe model runner has stopped\n$/,
    ],
    [
      'an end within a line',
      `${half}{"model":"llama3.2","mess`,
      (response) => response.end(),
      HALF,
      /^\nLine 5, which has no end of line, is not JSON: .*mess.*\n$/,
    ],
    [
      'an end after a line',
      half,
      (response) => response.end(),
      HALF,
      /^\nthe answer is not whole\n$/,
    ],
    ['a reset within a line', `${half}{"mod`, reset, HALF, /^\n.*(?:terminated|aborted).*\n$/],
    ['a reset after a line', half, reset, HALF, /^\n.*(?:terminated|aborted).*\n$/],
    ['nothing', '', (response) => response.end(), '', /^\nthe answer is not whole\n$/],
  ]) {
    it(what, async () => {
      const result = await chat(async (response) => {
        open(response);
        await send(response, [text].filter(Boolean));
        end(response);
      });
      assert.match(result.stderr, stderr);
      assert.deepEqual([result.code, result.stdout], [1, stdout]);
    });
  }

  it('nobody there', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const {code, stderr} = await run('ollama.mjs', [url, 'llama3.2', QUESTION]);
    assert.equal(code, 1);
    assert.match(stderr, /^\nfetch failed: .*ECONNREFUSED.*\n$/);
  });

  it('a refusal', async () => {
    const {code, stdout, stderr} = await chat((response) => {
      response.writeHead(404, {'content-type': 'application/json'});
      response.end('{"error":"model \'llama3.2\' not found"}');
    });
    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(stderr, '\nHTTP status 404: {"error":"model \'llama3.2\' not found"}\n');
  });
});
