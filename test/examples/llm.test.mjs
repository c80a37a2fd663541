// LLMs' APIs over POST: what aimock serves, and what it does not: pings, and errors after the 200.

import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {freePort, start} from '../integration/processes.mjs';
import {formatEvent} from '../../dist/sse.js';
import {copies, run} from './copies.mjs';
import {openStream, serve} from './server.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const CLI = path('node_modules/@copilotkit/aimock/dist/cli.js');
const ANSWER = 'Grüße, 世界! 😀\n\ndata: [DONE]\nevent: message_stop\n\nThe end.';

let api;
let mock;
before(async () => {
  const port = await freePort();
  mock = await start(
    process.execPath,
    [CLI, '-p', port, '-f', path('llm.json'), '--log-level', 'warn', '--journal-max', '0'],
    {port},
  );
  api = `http://127.0.0.1:${port}`;
});
after(() => mock?.stop());

/** The requests that the mock has counted so far. */
async function counted() {
  const answer = await fetch(`${api}/__aimock/journal?method=POST&limit=0`);
  return Number(answer.headers.get('x-total-count'));
}

it('llm-post.mjs', async () => {
  const before = await counted();
  assert.deepEqual(await run('llm-post.mjs', [`${api}/v1/chat/completions`]), {
    code: 0,
    stdout: `${ANSWER}\n`,
    stderr: '',
  });
  assert.equal(await counted(), before + 1);
});

describe('llm-post.mjs that is refused', () => {
  const WORD = formatEvent({data: '{"choices":[{"delta":{"content":"Yes."}}]}'});
  const rows = [
    ['429: asked again, after Retry-After', [429], 0, 'Yes.\n', /^http.*429: slow down; again in/],
    ['another status: not', [503], 1, '', /^http.*503: slow down\n$/],
  ];
  for (const [what, refusals, code, stdout, stderr] of rows) {
    it(what, async () => {
      const left = [...refusals];
      const server = await serve((_, response) => {
        const status = left.shift();
        if (status) response.writeHead(status, {'retry-after': '1'}).end('slow down');
        else {
          openStream(response);
          response.end(`${WORD}data: [DONE]\n\n`);
        }
      });
      const {stderr: said, ...result} = await run('llm-post.mjs', [server.url]);
      assert.deepEqual(result, {code, stdout});
      assert.match(said, stderr);
      assert.equal(server.requests.length, refusals.length + (code ? 0 : 1));
      await server.close();
    });
  }
});

describe('llm-post.mjs and an answer whose last blank line is missing', () => {
  // As some gateways end it; to a copy of the example such an end will do.
  const DISPATCHING = 'llm-post-dispatching.mjs';
  before(() => {
    const code = readFileSync(join(copies, 'llm-post.mjs'), 'utf8');
    const given = code.replace('  until: ', "  incomplete: 'dispatch',\n  until: ");
    assert.notEqual(given, code);
    writeFileSync(join(copies, DISPATCHING), given);
  });

  const WORD = formatEvent({data: '{"choices":[{"delta":{"content":"Yes."}}]}'});
  const rows = [
    ['llm-post.mjs', 'data: [DONE]\n', 1, 'Yes.', /^\nthe answer is not whole: .*\[DONE\].*\n$/],
    [DISPATCHING, 'data: [DONE]\n', 0, 'Yes.\n', /^$/],
    [DISPATCHING, 'data: [DONE]', 0, 'Yes.\n', /^$/],
    [DISPATCHING, WORD.trimEnd(), 1, 'Yes.Yes.', /^\nthe answer is not whole: .*\n$/],
    [DISPATCHING, 'data: {"choices":[{"del', 1, 'Yes.', /not JSON: .*choices.*\n$/],
  ];
  for (const [name, end, code, stdout, stderr] of rows) {
    it(`${name}: ${JSON.stringify(end)}`, async () => {
      const server = await serve((_, response) => {
        openStream(response);
        response.end(WORD + end);
      });
      const {stderr: said, ...result} = await run(name, [server.url]);
      assert.deepEqual(result, {code, stdout}, said);
      assert.match(said, stderr);
      await server.close();
    });
  }
});

describe('anthropic.mjs', () => {
  for (const [prompt, code, stdout, stderr] of [
    ['How does it end?', 0, `${ANSWER}\n[end_turn]\n`, /^$/],
    [
      'Is it cold in Oslo?',
      0,
      'Let me see.\n[tool_use]\n' + `call weather { city: 'Oslo', unit: '°C' }\ncall time {}\n`,
      /^$/,
    ],
    ['Too much', 1, '', /^http.* answered 429: \{.*"Slow down".*\}\n$/],
    ['Cut it short', 1, /^One w(?:ord(?: aft(?:er t(?:he o)?)?)?)?$/, /failed/],
  ]) {
    it(prompt, async () => {
      const before = await counted();
      const result = await run('anthropic.mjs', [`${api}/v1/messages`, prompt]);
      assert.match(result.stderr, stderr);
      if (stdout instanceof RegExp) assert.match(result.stdout, stdout);
      else assert.equal(result.stdout, stdout);
      assert.equal(result.code, code);
      assert.equal(await counted(), before + 1);
    });
  }

  // As documented for streams of the Messages API.
  const event = (type, fields) =>
    formatEvent({event: type, data: JSON.stringify({type, ...fields})});
  const START =
    event('message_start', {message: {id: 'msg_1', content: [], usage: {}}})
    + event('ping')
    + event('content_block_start', {index: 0, content_block: {type: 'text', text: ''}})
    + event('content_block_delta', {index: 0, delta: {type: 'text_delta', text: 'Well'}});
  const END =
    event('content_block_stop', {index: 0})
    + event('message_delta', {delta: {stop_reason: 'end_turn'}, usage: {output_tokens: 1}})
    + event('message_stop');
  for (const [what, stream, expected] of [
    [
      'pings and unknown types',
      START + event('ping') + event('content_block_new', {x: 1}) + END,
      {code: 0, stdout: 'Well\n[end_turn]\n', stderr: ''},
    ],
    [
      'an error event',
      START + event('error', {error: {type: 'overloaded_error', message: 'Busy'}}),
      {code: 1, stdout: 'Well', stderr: 'overloaded_error: Busy\n'},
    ],
    [
      'the end before message_stop',
      START,
      {code: 1, stdout: 'Well', stderr: /truncated|without|ended/},
    ],
  ]) {
    it(what, async () => {
      const server = await serve((_, response) => {
        openStream(response);
        response.end(stream);
      });
      const {stderr, ...result} = await run('anthropic.mjs', [server.url]);
      const {stderr: said, ...rest} = expected;
      assert.deepEqual(result, rest);
      if (said instanceof RegExp) assert.match(stderr, said);
      else assert.equal(stderr, said);
      assert.equal(server.requests.length, 1);
      await server.close();
    });
  }
});
