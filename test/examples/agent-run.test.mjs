// agent-run.mjs against a server that is killed while it answers, and started again.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {freePort, scratch, start, until} from '../integration/processes.mjs';
import {begin, linesOf} from './copies.mjs';

const PATH = fileURLToPath(new URL('agent-server.mjs', import.meta.url));
const QUESTION = 'Grüße, 世界! 😀\n\ndata: [DONE]\nevent: done\n\nHow does a run end, at last?';
// Its events: the first word, a tool, the other words, `done`.
const EVENTS = QUESTION.match(/\S+/g).length + 2;
const folder = scratch('agent');
const servers = [];
after(() => Promise.all(servers.map((server) => server.stop('SIGKILL'))));

/** A server that can be killed and started again: {url, restart(env), requests(), …of start()}. */
async function agent(env) {
  const port = await freePort();
  const its = join(folder, `${servers.length}`);
  mkdirSync(its);
  const up = (env) =>
    start(process.execPath, [PATH, port, its], {port, env: {...process.env, ...env}});
  let server = await up(env);
  const file = join(its, 'requests');
  const served = {
    url: `http://127.0.0.1:${port}/runs`,
    /** Resolves when it has killed itself. */
    died: async () => {
      if (server.child.exitCode === null && !server.child.signalCode)
        await once(server.child, 'exit');
      assert.equal(server.child.signalCode, 'SIGKILL');
    },
    stop: (signal) => server.stop(signal),
    restart: async (env) => void (server = await up(env)),
    /** Method, path and Last-Event-ID of each. */
    requests: () =>
      existsSync(file) ? linesOf(readFileSync(file, 'utf8')).map((line) => JSON.parse(line)) : [],
  };
  servers.push(served);
  return served;
}

/** What the example says of what it lost, and of the tool, which is told once. */
function assertTold(stderr) {
  assert.match(stderr, /^(?:\n[^\n]+; again in \d+ ms\n|\ncalls echo\n)+$/);
  assert.equal(stderr.split('calls echo').length, 2, stderr);
}

describe('killed by itself', () => {
  for (const where of ['header', 'event']) {
    for (const [what, at, last] of [
      ['before its first event', '1', ''],
      ['half-way through it', '1+', ''],
      ['in the middle', '5', '4'],
      ['half-way through an event', '5+', '4'],
      ['before the last one', `${EVENTS}`, `${EVENTS - 1}`],
      ['half-way through that', `${EVENTS}+`, `${EVENTS - 1}`],
    ]) {
      it(`${what}; the run is found by ${where}`, async () => {
        const server = await agent({CRASH_AT: at, WHERE: where});
        const {ended} = begin('agent-run.mjs', [server.url, QUESTION]);
        await server.died();
        await server.restart();
        const {code, stdout, stderr} = await ended;
        assert.deepEqual([code, stdout], [0, `${QUESTION}\n`], stderr);
        assertTold(stderr);
        assert.deepEqual(server.requests(), [
          ['POST', '/runs', ''],
          ['GET', '/runs/1', last],
        ]);
      });
    }
  }

  it('again and again: what goes on says no more where it is found', async () => {
    const server = await agent({CRASH_AT: '3+'});
    const {ended} = begin('agent-run.mjs', [server.url, QUESTION]);
    for (const next of ['6', '7+', `${EVENTS}+`, '']) {
      await server.died();
      await server.restart({CRASH_AT: next});
    }
    const {code, stdout, stderr} = await ended;
    assert.deepEqual([code, stdout], [0, `${QUESTION}\n`], stderr);
    assertTold(stderr);
    assert.deepEqual(server.requests(), [
      ['POST', '/runs', ''],
      ...['2', '5', '6', `${EVENTS - 1}`].map((last) => ['GET', '/runs/1', last]),
    ]);
  });
});

it('killed from outside, twice', async () => {
  const server = await agent({HOLD_AT: 6});
  const {child, ended} = begin('agent-run.mjs', [server.url, QUESTION]);
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  for (const [part, next] of [
    ['Grüße, 世界!', {HOLD_AT: 12}],
    ['done\n\nHow', {}],
  ]) {
    await until(() => output.includes(part) || child.exitCode !== null, part);
    await server.stop('SIGKILL');
    await server.restart(next);
  }
  const {code, stdout, stderr} = await ended;
  assert.deepEqual([code, stdout], [0, `${QUESTION}\n`], stderr);
  assertTold(stderr);
  const [post, first, second, ...more] = server.requests();
  assert.deepEqual(post, ['POST', '/runs', '']);
  assert.deepEqual(
    [...first.slice(0, 2), ...second.slice(0, 2)],
    ['GET', '/runs/1', 'GET', '/runs/1'],
  );
  // What had been printed, with the tool, and what else could have come.
  assert.ok(first[2] >= 3 && first[2] <= 6, first[2]);
  assert.ok(second[2] >= 9 && second[2] <= 12, second[2]);
  assert.deepEqual(more, []);
});

describe('what cannot be gone on with', () => {
  for (const [what, env, stdout] of [
    ['its place is not known', {CRASH_AT: '5', WHERE: 'nowhere'}, 'Grüße, 世界! 😀'],
    ['nor yet', {CRASH_AT: '1', WHERE: 'nowhere'}, ''],
  ]) {
    it(`${what}: an error, not a second run`, async () => {
      const server = await agent(env);
      const {ended} = begin('agent-run.mjs', [server.url, QUESTION]);
      await server.died();
      await server.restart();
      const {code, stderr, ...rest} = await ended;
      assert.deepEqual([code, rest], [1, {stdout}]);
      assert.match(stderr, /SSEConnectionError: .*(?:terminated|failed).*/);
      assert.deepEqual(server.requests(), [['POST', '/runs', '']]);
    });
  }

  it('nobody answers: nothing is asked twice', async () => {
    const port = await freePort();
    const {code, stdout, stderr} = await begin('agent-run.mjs', [
      `http://127.0.0.1:${port}/runs`,
      'x',
    ]).ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /ECONNREFUSED/);
    assert.doesNotMatch(stderr, /again in/);
  });

  it('a run that fails is an error', async () => {
    const server = await agent();
    const {code, stdout, stderr} = await begin('agent-run.mjs', [server.url, 'Please fail']).ended;
    assert.deepEqual([code, stdout], [1, 'Please fail']);
    assert.match(stderr, /Error: no luck/);
    assert.deepEqual(server.requests(), [['POST', '/runs', '']]);
  });
});
