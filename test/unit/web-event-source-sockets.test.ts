// web-event-source.ts over real sockets: with fetch and with httpTransport(), and in a process of its
// own, which what a listener throws would end.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {after, before, describe, test} from 'node:test';
import {setTimeout as pause} from 'node:timers/promises';
import {httpTransport} from '../../sse.ts';
import {EventSource} from '../../web-event-source.ts';
import {IS_BUN, IS_DENO, IS_FAST, IS_PURE} from '../support/runtime.ts';
import {CLOSED, END, listen, TYPES} from '../support/web-event-source.ts';

const LIVE_LIMIT = 30_000; // ms, for one test

/** Runs `code` in a process of its own, where `EventSource` and `replay` are there. */
async function inProcess(code: string): Promise<string> {
  const {href} = new URL('../../web-event-source.ts', import.meta.url);
  const sse = new URL('../../sse.ts', import.meta.url).href;
  const args = IS_DENO ? ['eval'] : IS_BUN ? ['-e'] : ['--input-type=module', '-e'];
  const head = `import {EventSource} from '${href}'; import {replay} from '${sse}';\n`;
  const child = spawn(process.execPath, [...args, head + code], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
  await new Promise((resolve) => child.once('close', resolve));
  return output;
}

function describeLive(): void {
  let server: any;
  let runs = 0;
  before(async () => {
    const {startServer} = await import('../support/start-server.mjs');
    server = await startServer();
  });
  after(() => server.stop());

  /** A source of a scenario, until it is closed. */
  async function live(path: string, options: any = {}) {
    const run = `web-${process.pid}-${++runs}`;
    const url = `${server.url}${path}${path.includes('?') ? '&' : '?'}run=${run}`;
    const source = new EventSource(url, {random: () => 0, sleep: () => {}, ...options});
    const origins = new Set<string>();
    const log = listen(source, TYPES, (_, {origin}) => origin && origins.add(origin));
    while (source.readyState !== CLOSED) await pause(10);
    return {log, origins: [...origins], requests: await server.log(run), run};
  }
  const nine = Array.from({length: 9}, (_, index) => `message 1 ${index + 1}`);

  for (const [name, transport] of [['fetch'], ['httpTransport', httpTransport()]] as const) {
    test(`three events, then 204 [${name}]`, {timeout: LIVE_LIMIT}, async () => {
      const {log, origins, requests} = await live('/simple', {transport});
      const three = [1, 2, 3].map((number) => `message 1 event ${number}`);
      assert.deepEqual(log, ['open 1', ...three, ...END]);
      assert.deepEqual(origins, [server.url]);
      assert.deepEqual(
        requests.map(({lastEventId}: any) => lastEventId?.latin1),
        [undefined, '3'],
      );
    });
    test(`cut inside events, nothing is lost [${name}]`, {timeout: LIVE_LIMIT}, async () => {
      const {log} = await live('/numbers?cut=event&by=rst', {transport});
      assert.deepEqual(
        log.filter((line) => line.startsWith('message')),
        nine,
      );
      assert.deepEqual(log.at(-1), `error ${CLOSED}`);
    });
    test(`the origin of where a redirect leads [${name}]`, {timeout: LIVE_LIMIT}, async () => {
      const {log, origins} = await live('/cross?to=/simple', {transport});
      assert.deepEqual([log[0], log.at(-1)], ['open 1', `error ${CLOSED}`]);
      assert.deepEqual(origins, [server.other]);
    });
  }
  test('close() closes the socket', {timeout: LIVE_LIMIT}, async () => {
    const {run} = await live('/numbers?n=1000000&delay=1', {
      onOpen() {},
      until: ({data}: any) => data === '3',
    });
    const source = new EventSource(`${server.url}/numbers?n=1000000&delay=1&run=${run}-2`);
    await new Promise((resolve) => (source.onmessage = resolve));
    assert.equal(await server.open(`${run}-2`), 1);
    source.close();
    while (await server.open(`${run}-2`)) await pause(10);
  });
  test('what a listener throws is reported, and ends nothing', {timeout: LIVE_LIMIT}, async () => {
    const output = await inProcess(`
      const report = (error) => console.log('reported', error.message);
      if (globalThis.Deno) {
        addEventListener('error', (event) => {
          event.preventDefault();
          report(event.error);
        });
      } else process.on('uncaughtException', report);
      const transport = replay('data: 1\\n\\ndata: 2\\n\\n');
      const source = new EventSource('http://sse.test/', {transport, sleep: () => {}});
      source.onopen = () => { throw new Error('open') };
      source.onmessage = ({data}) => { throw new Error(data) };
      source.onerror = () => { throw new Error('error ' + source.readyState) };
    `);
    const lines = ['open', '1', '2', 'error 0', 'error 2'].map((text) => `reported ${text}\n`);
    assert.equal(output, lines.join(''));
  });
}

if (!IS_FAST && !IS_PURE) describe('web-event-source over sockets', describeLive);
