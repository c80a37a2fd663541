// The stream inspector's server (examples/inspect.mjs) and what holds for its page without a
// browser; the page in browsers is test/browsers/inspector.test.mjs.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {connect} from 'node:net';
import {after, before, describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {asyncConnect, SSEHTTPError} from '../dist/sse.js';
import {createInspector} from '../examples/inspect.mjs';

const ROOT = new URL('../', import.meta.url);
const PAGE = readFileSync(new URL('examples/inspector.html', ROOT), 'utf8');
const MOST_MS = 10_000;

let server;
let origin;
before(async () => {
  server = createInspector().listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
});

/** A request as it is written, which fetch would tidy up: the status of its answer. */
async function statusOf(line) {
  const socket = connect(server.address().port, '127.0.0.1');
  socket.write(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const part of socket.setEncoding('utf8')) text += part;
  return +text.split(' ')[1];
}

/** Runs inspect.mjs; `onOutput(stdout, child)` watches it. */
async function run(args, onOutput = () => {}) {
  const program = fileURLToPath(new URL('examples/inspect.mjs', ROOT));
  const child = spawn(process.execPath, [program, ...args], {
    timeout: MOST_MS,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    onOutput(stdout, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code, signal] = await once(child, 'close');
  return {code: code ?? signal, stdout, stderr};
}

const ended = (text, child) => /Ctrl-C ends it/.test(text) && child.kill('SIGINT');

/** The status of an answer that was refused, or how a stream was lost. */
function kindOf(error) {
  if (error instanceof SSEHTTPError) return error.status;
  return /ended the stream/.test(error.message) ? 'end' : 'cut';
}

describe('inspect.mjs', {timeout: 60_000}, () => {
  it('serves the page and what it imports, and nothing else', async () => {
    for (const [line, status] of [
      ['GET /', 302],
      ['GET /examples/inspector.html', 200],
      ['GET /examples/inspector.html?demo', 200],
      ['HEAD /dist/sse.js', 200],
      ['GET /dist/sse.min.js', 404],
      ['GET /package.json', 404],
      ['GET /examples/../package.json', 404],
      ['GET /dist/../package.json', 404],
      ['GET /../../../../etc/passwd', 404],
      ['GET /%2e%2e/package.json', 404],
      ['GET /dist/%2e%2e%2fpackage.json', 404],
      ['GET /dist\\..\\package.json', 404],
      ['GET //', 404],
      ['GET http://x/dist/sse.js', 404],
      ['GET /dist/sse.js%00', 404],
      ['POST /', 405],
      ['PUT /dist/sse.js', 405],
      ['GET /demo/tokens', 405],
      ['GET /demo/events?every=0', 400],
      ['GET /demo/events?every=x', 400],
    ]) {
      assert.equal(await statusOf(line), status, line);
    }
    const page = await fetch(`${origin}/`);
    assert.equal(page.url, `${origin}/examples/inspector.html?demo`);
    assert.equal(await page.text(), PAGE);
    const script = await fetch(`${origin}/dist/sse.js`);
    assert.match(script.headers.get('content-type'), /^text\/javascript/);
    assert.equal(await script.text(), readFileSync(new URL('dist/sse.js', ROOT), 'utf8'));
  });

  it('listens on 127.0.0.1 only', () => {
    assert.equal(server.address().address, '127.0.0.1');
  });

  it('/demo/events loses its connections, and no event', async () => {
    const retries = [];
    const comments = [];
    const events = asyncConnect(`${origin}/demo/events?every=1`, {
      onRetry: ({error, lastEventId}) => retries.push([kindOf(error), lastEventId]),
      onComment: (text) => comments.push(text),
      sleep() {},
    });
    const ids = [];
    const types = new Set();
    let retry;
    for await (const event of events) {
      ids.push(+event.id);
      types.add(event.event);
      retry = event.retry;
      if (event.event !== 'message') event.json();
      if (ids.length === 80) break;
    }
    assert.deepEqual(
      ids,
      Array.from({length: 80}, (_, index) => index + 1),
    );
    assert.deepEqual([...types].sort(), ['message', 'order', 'paid', 'ready']);
    assert.equal(retry, 1500);
    assert.deepEqual(comments.slice(0, 2), ['connected; from the start', 'still here']);
    assert.deepEqual(retries, [
      ['end', '12'],
      ['cut', '24'],
      ['cut', '36'],
      [503, '36'],
      ['end', '48'],
      ['cut', '60'],
      ['cut', '72'],
      [503, '72'],
    ]);
  });

  it('/demo/tokens answers a POST, token by token', async () => {
    const answer = asyncConnect(`${origin}/demo/tokens`, {
      json: {prompt: 'Why?'},
      until: ({data}) => data === '[DONE]',
    });
    let text = '';
    for await (const {
      choices: [{delta}],
    } of answer.json())
      text += delta.content;
    assert.match(text, /^You asked: “Why\?” Like every stream/);
  });

  for (const [name, body] of [
    ['no JSON', 'x'],
    ['too much', JSON.stringify('x'.repeat(70_000))],
  ]) {
    it(`/demo/tokens refuses ${name}`, async () => {
      const response = await fetch(`${origin}/demo/tokens`, {method: 'POST', body});
      assert.deepEqual(
        [response.status, await response.text()],
        [400, 'Send JSON of at most 64 kB: {"prompt": "…"}\n'],
      );
    });
  }

  it('prints where it is, and Ctrl-C ends it, also with a stream open', async () => {
    let reader;
    const {code, stdout, stderr} = await run(['--port', '0'], async (text, child) => {
      if (!/Ctrl-C ends it/.test(text) || reader) return;
      const [url] = /http:\S+\/demo\/events/.exec(text);
      reader = (await fetch(url)).body.getReader();
      await reader.read();
      child.kill('SIGINT');
    });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^The inspector is at http:\/\/127\.0\.0\.1:\d+\/\n/);
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
  });

  it('a taken port is one line and exit 1, if it was asked for', async () => {
    const {port} = server.address();
    assert.deepEqual(await run(['--port', `${port}`]), {
      code: 1,
      stdout: '',
      stderr:
        `inspect: listen EADDRINUSE: address already in use 127.0.0.1:`
        + `${port}; choose another with --port N, or any with --port 0\n`,
    });
  });

  it('the usual port taken: any that is free', async () => {
    const other = createServer().listen(8421, '127.0.0.1');
    await Promise.race([once(other, 'listening'), once(other, 'error').catch(() => {})]);
    const {code, stdout} = await run([], ended);
    other.close();
    assert.equal(code, 0);
    const [, port] = /127\.0\.0\.1:(\d+)\//.exec(stdout);
    assert.notEqual(port, '8421');
  });

  it('a wrong argument is one line and exit 2', async () => {
    const range = '--port takes one number, from 0 to 65535';
    await Promise.all(
      [
        [['--prot'], "unknown argument '--prot'; --help lists what there is"],
        [['--port'], range],
        [['--port', 'x'], range],
        [['--port=70000'], range],
        [['--port', '1', '2'], range],
      ].map(async ([args, message]) => {
        assert.deepEqual(await run(args), {code: 2, stdout: '', stderr: `inspect: ${message}\n`});
      }),
    );
  });

  it('--help', async () => {
    const {code, stdout, stderr} = await run(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Usage: npm run inspect /);
  });
});

describe('inspector.html', () => {
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(PAGE);

  for (const [name, element] of [
    ['script', '<script type="module">'],
    ['style', '<style>'],
  ]) {
    it(`its policy allows the ${name} that it has`, () => {
      const text = PAGE.split(element)[1].split(`</${name}>`)[0];
      const hash = `sha256-${createHash('sha256').update(text).digest('base64')}`;
      assert.ok(
        policy
          .split('; ')
          .find((each) => each.startsWith(name))
          .includes(`'${hash}'`),
        `the page's ${name} has changed: its hash in the policy has to be '${hash}'`,
      );
    });
  }

  it('loads nothing from elsewhere, and makes no HTML of text', () => {
    assert.deepEqual(PAGE.match(/(?:src|href|url|import)\s*[=(]\s*['"]?(?:https?:)?\/\//g), null);
    assert.deepEqual(PAGE.match(/[a-z]+HTML\b|document\.write|\beval\b|DOMParser/g), null);
    assert.deepEqual(PAGE.match(/\bfrom '[^']+'/g), ["from '../dist/sse.js'"]);
  });
});
