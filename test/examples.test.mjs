// The examples as their users run them: child processes against test/support/server.mjs, their whole output
// compared. They import `ssekit`, which is dist/ (node build.mjs makes it).

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {startServer} from './support/start-server.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MOST_MS = 18_000;

let server;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ssekit-examples-'));
  server = await startServer();
});
after(async () => {
  await server?.stop();
  rmSync(folder, {recursive: true, force: true});
});

/** Runs node; resolves with {code, stdout, stderr}. `onOutput(stdout, child)` watches it. */
function node(args, {env = {}, onOutput = () => {}} = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: {...process.env, ...env},
      timeout: MOST_MS,
      killSignal: 'SIGKILL',
    });
    child.stdin.end();
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      onOutput(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({code: code ?? signal, stdout, stderr}));
  });
}

const lines = (text) => text.split('\n').slice(0, -1);
// Delays are random within bounds, ports are the system's choice.
const masked = (text) => text.replace(/in \d+ ms/g, 'in N ms').replaceAll(server.url, 'URL');

const LOG = [
  ['7421-1', 'queued', '{"build":7421,"branch":"main","position":2}'],
  ['7421-2', 'started', '{"build":7421,"runner":"linux-4"}'],
  ['7421-3', 'step', '{"name":"install","state":"running"}'],
  ['7421-4', 'log', 'added 3 packages in 2s\nfound 0 vulnerabilities'],
  ['7421-5', 'step', '{"name":"install","state":"passed","seconds":2.1}'],
  ['7421-6', 'step', '{"name":"test","state":"running"}'],
  ['7421-7', 'log', '✔ parser (312 cases)\n✔ clients (88 cases)\n\n400 passed, 0 failed'],
  ['7421-8', 'step', '{"name":"test","state":"passed","seconds":14.8}'],
  ['7421-9', 'message', 'no type was named: this is a "message"'],
  ['7421-10', 'artifact', '{"path":"dist/sse.min.js","bytes":15873}'],
  ['7421-11', 'finished', '{"build":7421,"state":"passed","seconds":19.4}'],
  ['', 'bye', ''],
];

describe('examples', {concurrency: true}, () => {
  it('prices.mjs, prices.test.mjs', async () => {
    const args = ['--test', '--test-reporter=tap', 'examples/prices.test.mjs'];
    const {code, stdout} = await node(args, {env: {NODE_TEST_CONTEXT: undefined}});
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^# pass 2$/m);
    assert.match(stdout, /^# fail 0$/m);
  });

  it('recorded-log.mjs', async () => {
    const events = LOG.map(([id, event, data]) => `${id} ${event} ${JSON.stringify(data)}\n`);
    assert.deepEqual(await node(['examples/recorded-log.mjs']), {
      code: 0,
      stdout: `${events.join('')}{ install: 2.1, test: 14.8 }\n`,
      stderr: '',
    });
  });

  const prices = (...ids) =>
    ids.map((id) => `${id} price { symbol: 'ACME', price: ${100 + id} }\n`).join('');
  const follow = (run, file) =>
    node(['examples/subscription.mjs', `${server.url}/subscription?run=${run}`, file], {
      env: {TOKEN: 'secret'},
    });

  it('subscription.mjs: rides through two resets and a clean end', async () => {
    const file = join(folder, 'new.txt');
    const {stderr, ...rest} = await follow('new', file);
    assert.deepEqual(rest, {code: 0, stdout: prices(1, 2, 3, 4, 5, 6, 7, 8)});
    assert.deepEqual(
      lines(masked(stderr)).map((line) => line.replace(/^.*; /, '')),
      Array(3).fill('again in N ms'),
      stderr,
    );
    assert.equal(readFileSync(file, 'utf8'), '8');
    const requests = await server.log('new');
    const ids = requests.map(({lastEventId}) => lastEventId?.latin1);
    assert.deepEqual(ids, [undefined, '3', '6', '8']);
    for (const {headers} of requests) {
      assert.equal(new Headers(headers).get('authorization'), 'Bearer secret');
    }
  });

  it('subscription.mjs: a restart goes on where the last one stopped', async () => {
    const file = join(folder, 'restart.txt');
    writeFileSync(file, '6');
    assert.equal((await follow('restart', file)).stdout, prices(7, 8));
    assert.equal(readFileSync(file, 'utf8'), '8');
    assert.equal((await follow('restart', file)).stdout, '');
  });

  it('event-source.mjs: rides through a 503, and says what happens', async () => {
    const {code, stdout, stderr} = await node(
      ['examples/event-source.mjs', `${server.url}/503?run=event-source`],
      {env: {TOKEN: 'secret'}},
    );
    assert.deepEqual([code, stdout], [0, '1 event 1\n2 event 2\n']);
    const said = lines(stderr).map((line) => /^again|^open|^closed: .*/.exec(line)?.[0]);
    const all = ['open', 'again', 'again', 'open', 'again', 'closed: nothing more will come'];
    assert.deepEqual(said, all, stderr);
    assert.match(stderr, /again: .* answered 503: come back later\n/);
    for (const {headers} of await server.log('event-source')) {
      assert.equal(new Headers(headers).get('authorization'), 'Bearer secret');
    }
  });

  for (const [fail, code, stdout, stderr] of [
    ['', 0, 'Every stream ends: say how.\n', /^$/],
    ['402', 1, '', /^http.* answered 402: .*No money.*\n$/],
    ['truncated', 1, 'Every stream ends:', /^\nthe answer is not whole: .+\n$/],
    ['cut', 1, 'Every stream ends:', /^\nthe answer is not whole: .*failed/],
  ]) {
    it(`llm-post.mjs: ${fail || 'whole'}, asked once`, async () => {
      const run = `llm${fail}`;
      const url = `${server.url}/v1/chat/completions?fail=${fail}&run=${run}`;
      const result = await node(['examples/llm-post.mjs', url], {env: {API_KEY: 'k'}});
      assert.match(result.stderr, stderr);
      assert.deepEqual([result.code, result.stdout], [code, stdout]);
      const requests = await server.log(run);
      assert.equal(requests.length, 1);
      const [{method, headers, body}] = requests;
      assert.deepEqual(
        [method, new Headers(headers).get('authorization'), JSON.parse(body).stream],
        ['POST', 'Bearer k', true],
      );
    });
  }
});
