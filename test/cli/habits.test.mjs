// What people do without thinking: a URL without its scheme, the wrong file, a password in an
// argument; and what they are told.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {join} from 'node:path';
import {after, describe, it} from 'node:test';
import {gzipSync} from 'node:zlib';
import {CLI, ROOT, scratch, serve, SSE, ssekit, startReplay, stopAll} from './run.mjs';

after(stopAll);
const folder = scratch();
const {version} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** What it is taken for; it is not there, and is told so by its whole URL. */
const URLS = [
  [':9', 'http://localhost:9/'],
  [':9/x?y', 'http://localhost:9/x?y'],
  ['localhost:9', 'http://localhost:9/'],
  ['localhost:9/x', 'http://localhost:9/x'],
  ['LOCALHOST:9', 'http://LOCALHOST:9/'],
  ['app.localhost:9', 'http://app.localhost:9/'],
  ['127.0.0.1:9/x', 'http://127.0.0.1:9/x'],
  ['127.1.2.3:9', 'http://127.1.2.3:9/'],
  ['[::1]:9/x', 'http://[::1]:9/x'],
  ['a.invalid/events', 'https://a.invalid/events'],
  ['a.invalid:8443', 'https://a.invalid:8443/'],
  ['a.invalid?x', 'https://a.invalid?x'],
  ['host:9', 'https://host:9/'],
  ['192.0.2.1:9/x', 'https://192.0.2.1:9/x'],
  ['HTTP://localhost:9/', 'HTTP://localhost:9/'],
];

const NO_URLS = [
  ['localhost', '; did you mean https://localhost/?'],
  ['a.invalid', '; did you mean https://a.invalid/?'],
  ['a/b.log', ''],
  ['./a.b', ''],
  ['../a.b/c', ''],
  ['/a.b/c', ''],
  ['a b.c/d', ''],
  [':', ''],
  [':x', ''],
  ['-', ''],
  ['', ''],
  ['logs.d/today', ', but a file; ssekit parse reads those'],
];

describe('habits', {concurrency: 3}, () => {
  it('a URL without a scheme, where it can be nothing else', async () => {
    const cwd = join(folder, 'urls');
    mkdirSync(join(cwd, 'logs.d'), {recursive: true});
    writeFileSync(join(cwd, 'logs.d/today'), '');
    for (const [text, url] of URLS) {
      // a wrong request is told before anything is asked for, with the URL that was made
      const {code, stderr} = await ssekit([text, '--timeout', '0.001', '--max-retries', '0'], {
        cwd,
      });
      assert.deepEqual([text, code], [text, 1], stderr);
      assert.ok(stderr.includes(url), `${text}: ${stderr}`);
    }
    for (const [text, hint] of NO_URLS) {
      const said = `ssekit: '${text}' is neither a command nor a URL${hint} (see ssekit --help)\n`;
      const args = text === '-' ? ['--', '-'] : [text];
      assert.deepEqual(await ssekit(args, {cwd}), {code: 2, stdout: '', stderr: said});
    }
  });

  it('--version and -V', async () => {
    for (const args of [['--version'], ['-V'], ['parse', '-V']]) {
      assert.deepEqual(await ssekit(args), {code: 0, stdout: `ssekit ${version}\n`, stderr: ''});
    }
  });

  it('a User-Agent, unless there is another', async () => {
    const server = await serve((_, response) => response.writeHead(204).end());
    await ssekit([server.url]);
    await ssekit([server.url, '-H', 'user-AGENT: mine/1']);
    assert.deepEqual(
      server.requests.map(({headers}) => headers['user-agent']),
      [`ssekit/${version}`, 'mine/1'],
    );
    await server.stop();
  });

  it('--max-retries -1', async () => {
    let count = 0;
    const server = await serve((_, response) => {
      if (++count === 4) return response.writeHead(204).end();
      if (count > 1) return response.writeHead(503).end();
      response.writeHead(200, SSE).end('retry: 1\ndata: x\n\n');
    });
    const {code, stderr} = await ssekit([server.url, '--max-retries', '-1']);
    assert.deepEqual([code, count], [0, 4], stderr);
    await server.stop();
  });

  it('-d - from a pipe that is not ready yet and does not block', async () => {
    const server = await serve((_, response) => response.writeHead(204).end());
    const script = `
import os, subprocess, sys, fcntl
r, w = os.pipe()
fcntl.fcntl(r, fcntl.F_SETFL, fcntl.fcntl(r, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[1:], stdin=r)
sys.stdin.readline()
os.write(w, b'late')
os.close(w)
sys.exit(child.wait())`;
    const child = spawn('python3', ['-c', script, process.execPath, CLI, server.url, '-d', '-']);
    setTimeout(() => child.stdin.end('go\n'), 300); // earlier would only make it easier
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual([code, server.requests.map(({body}) => body)], [0, ['late']]);
    await server.stop();
  });
});

// ── The wrong file ──────────────────────────────────────────────────────────────────────────────

const ERROR = '{"error":{"message":"quota exceeded"}}';
const utf16 = (text, isBig) => {
  const bytes = Buffer.from(text, 'utf16le');
  return isBig ? bytes.swap16() : bytes;
};
const UTF16 = 'has no events: it looks like UTF-16, as PowerShell writes it: convert it to UTF-8';

/** Input, events, and the line that people are told; undefined: none. */
const INPUTS = [
  ['data: x\n\n', ['x']],
  ['data: x\n\n: ping\n', ['x']],
  ['data: x\n\n: pi', ['x']],
  ['data: x\r\r', ['x']],
  ['data: x\n\n{"a":1}\n\n', ['x']],
  ['', [], 'is empty'],
  ['data: [DONE]\n', [], 'has no events: it ends before the blank line after data: [DONE]'],
  ['data: [DONE]', [], 'has no events: it ends before the blank line after data: [DONE]'],
  ['data: a\n\ndata: b\n', ['a'], 'ends in the middle of an event, which is left out: data: b'],
  ['data: a\n\nda', ['a'], 'ends in the middle of an event, which is left out: da'],
  ['data: a\n\nevent: b\n', ['a'], 'ends in the middle of an event, which is left out: event: b'],
  [`${ERROR}\n`, [], `has no events: it looks like JSON: ${ERROR}`],
  [ERROR, [], `has no events: it looks like JSON: ${ERROR}`],
  [`\ufeff\n ${ERROR}`, [], `has no events: it looks like JSON: ${ERROR}`],
  ['{\n  "a": 1\n}\n', [], 'has no events: it looks like JSON: {'],
  ['[1,\n2]\n\n', [], 'has no events: it looks like JSON: [1,'],
  [
    '{"response":"a","done":false}\n{"done":true}\n',
    [],
    'has no events: it looks like JSON lines (NDJSON): {"response":"a","done":false}',
  ],
  [
    '<!doctype html>\n<title>502</title>\n\n',
    [],
    'has no events: it looks like a web page: <!doctype html>',
  ],
  ['<?xml version="1.0"?>\n', [], 'has no events: it looks like a web page: <?xml version="1.0"?>'],
  [utf16('\ufeffdata: x\n\n'), [], UTF16],
  [utf16('\ufeffdata: x\n\n', true), [], UTF16],
  [utf16('data: x\n\n'), [], UTF16],
  [
    Buffer.from([0x50, 0x4b, 3, 4, 20, 0, 8, 8, 8, 0]),
    [],
    'has no events: it looks like binary data',
  ],
  ['# ssekit\n\ntext\n', [], 'has no events: it begins with # ssekit'],
  [': ping\n\n: ping\n\n', [], 'has no events: it begins with : ping'],
  ['retry: 10\n\n', [], 'has no events: it begins with retry: 10'],
  [`x${'y'.repeat(200)}\n\n`, [], `has no events: it begins with x${'y'.repeat(99)}…`],
  ['\x1b[2J\u202e\n\n', [], 'has no events: it begins with \\u001b[2J\\u202e'],
];

describe('input without events is not passed over in silence', {concurrency: 3}, () => {
  for (const [input, events, remark] of INPUTS) {
    it(JSON.stringify(`${input}`).slice(0, 60), async () => {
      const stdout = events.map((data) => `${data}\n`).join('');
      const told = (name) => (remark ? `ssekit: ${name}: ${remark}\n` : '');
      const plain = await ssekit(['parse', '--data'], {input});
      assert.deepEqual(plain, {code: 0, stdout, stderr: told('standard input')});
      const file = join(folder, `${Math.random()}.gz`);
      writeFileSync(file, gzipSync(input));
      assert.deepEqual(await ssekit(['parse', '--data', file]), {
        code: 0,
        stdout,
        stderr: told(file),
      });
      if (remark) {
        const strict = await ssekit(['parse', '--strict', '--data'], {input});
        assert.deepEqual([strict.code, strict.stdout], [1, stdout]);
        assert.equal(strict.stderr.split('\n').length, 2);
      }
    });
  }
});

// ── Secrets ─────────────────────────────────────────────────────────────────────────────────────

describe('no password is shown', {concurrency: 3}, () => {
  const SECRET = 'hunter2';
  for (const args of [
    [`ftp://user:${SECRET}@host/`],
    [`user:${SECRET}@host/events`],
    [`user:${SECRET}/${SECRET}@host/events`],
    [`https://user:${SECRET}@host/`],
    [`https://user:${SECRET}@${SECRET}@host/`],
    [`http://user:${SECRET}/@host/`],
    [`http://${SECRET}@host/`],
    [`//user:${SECRET}@host/`],
    [`user:${SECRET}@host`],
    ['record', `ftp://user:${SECRET}@host/`, 'file'],
    ['record', 'file', `https://user:${SECRET}@host/`],
    ['parse', `https://user:${SECRET}@host/log`],
    ['replay', `https://user:${SECRET}@host/log`],
    ['http://127.0.0.1:9/', '--resume', `ftp://user:${SECRET}@host/log`],
    ['http://127.0.0.1:9/', '--record', `ftp://user:${SECRET}@host/log`],
    ['http://127.0.0.1:9/', '-d', `@ftp://user:${SECRET}@host/log`],
    ['http://127.0.0.1:9/', '-u', `user:${SECRET}`],
    ['http://127.0.0.1:9/', '-H', `Authorization Basic ${SECRET}`],
    ['http://127.0.0.1:9/', '-H', `Authorization: Basic\u0001${SECRET}`],
    ['http://127.0.0.1:9/', '-H', `Authorization\u00e9: ${SECRET}`],
    ['http://127.0.0.1:9/', '-X', 'GET', '-d', SECRET],
    ['http://127.0.0.1:9/', '--json', SECRET, '-d', SECRET],
  ]) {
    it(args.join(' '), async () => {
      const {code, stdout, stderr} = await ssekit(args, {cwd: folder});
      assert.ok(code === 1 || code === 2, `${code}`);
      assert.deepEqual([stdout, stderr.split('\n').length], ['', 2], stderr);
      assert.ok(!stderr.includes(SECRET), stderr);
    });
  }
});

describe('no name steers a terminal', {concurrency: 3}, () => {
  const HOSTILE = '\x1b[2J\x9b31m\u202e\nname\u2028';
  const SHOWN = '\\u001b[2J\\u009b31m\\u202e name\\u2028';
  for (const args of [
    ['parse', HOSTILE],
    ['replay', HOSTILE],
    ['record', 'http://127.0.0.1:9/', `no/${HOSTILE}`],
    ['http://127.0.0.1:9/', '--resume', `no/${HOSTILE}`],
    ['http://127.0.0.1:9/', '-d', `@${HOSTILE}`],
    ['http://127.0.0.1:9/', `--${HOSTILE}`],
    ['http://127.0.0.1:9/', '--timeout', HOSTILE],
    [HOSTILE],
  ]) {
    it(JSON.stringify(args), async () => {
      const {stdout, stderr} = await ssekit(args, {cwd: folder});
      assert.equal(stdout, '');
      assert.ok(stderr.includes(SHOWN), stderr);
      assert.doesNotMatch(stderr, /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]|\n[\s\S]/);
    });
  }
});

// ── Who may read a recording ────────────────────────────────────────────────────────────────────

/** Status and CORS headers of a GET with those headers. */
function ask(url, headers) {
  return new Promise((resolve, reject) => {
    request(url, {headers, setHost: false}, (response) => {
      const cors = Object.keys(response.headers).filter((name) => /^access-control/.test(name));
      response.resume().once('end', () => resolve([response.statusCode, cors]));
    })
      .once('error', reject)
      .end();
  });
}

describe('replay serves this host alone', {concurrency: 3}, () => {
  const log = join(folder, 'log');
  writeFileSync(log, 'id: 1\ndata: a\n\n');
  const CORS = ['access-control-allow-origin', 'access-control-allow-credentials'];
  const origin = 'http://page.example';

  it('by its own names, and to no page of another origin', async () => {
    const {url, stop} = await startReplay(log);
    const {host, port} = new URL(url);
    for (const name of [
      host,
      `localhost:${port}`,
      `LOCALHOST:${port}`,
      `[::1]:${port}`,
      'a.localhost',
    ]) {
      assert.deepEqual(await ask(url, {host: name, origin}), [200, []], name);
    }
    for (const name of [
      'page.example',
      `page.example:${port}`,
      '127.0.0.1.page.example',
      'localhost.page.example',
      '10.0.0.1',
      '',
    ]) {
      assert.deepEqual(await ask(url, {host: name}), [403, []], name);
    }
    await stop();
  });

  it('--cors: by any name, to any page', async () => {
    const {url, stop} = await startReplay(log, '--cors');
    assert.deepEqual(await ask(url, {host: 'page.example', origin}), [200, CORS]);
    assert.deepEqual(await ask(url, {host: 'page.example'}), [200, CORS.slice(0, 1)]);
    await stop();
  });
});
