// The command line as its users run it: the built command, real servers, whole outputs compared.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import * as zlib from 'node:zlib';
import {asyncConnect, connect, EventSource} from '../../dist/sse.js';
import {startServer} from '../support/start-server.mjs';
import {
  CLI,
  lines,
  numbered,
  objects,
  ROOT,
  scratch,
  serve,
  SSE,
  ssekit,
  start,
  startReplay,
  stopAll,
} from './run.mjs';

const folder = scratch();
let files = 0;
/** A file with that in it. */
function fileOf(content, name = 'log') {
  const path = join(folder, `${files++}.${name}`);
  writeFileSync(path, content);
  return path;
}

const RECORDED = join(ROOT, 'examples/recorded.log');
const eventsOf = (text) => [...new EventSource(text)].map(plain);
const plain = ({event, data, id, retry}) => ({
  event,
  data,
  id,
  ...(retry !== undefined && {retry}),
});
const ok = (stdout, stderr = '') => ({code: 0, stdout, stderr});
const all = (rows, check) => Promise.all(rows.map(check));
const json = (events) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

/** They run side by side, since most of them wait for something. */
const suites = [];
const suite = (name, tests) => suites.push([name, tests]);

let server;
before(async () => (server = await startServer()));
after(() => Promise.all([server?.stop(), stopAll()]));

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────

const U = 'http://127.0.0.1:9/';
const NEITHER = 'is neither a command nor a URL';
const WRONG_ARGUMENTS = [
  [[U, 'x'], 'usage: ssekit URL; 2 arguments were given'],
  [['--once'], 'usage: ssekit URL; no arguments were given'],
  [['arse'], `'arse' ${NEITHER}; did you mean parse?`],
  [['pasre', 'x'], `'pasre' ${NEITHER}; did you mean parse?`],
  [['recrod', U, 'x'], `'recrod' ${NEITHER}; did you mean record?`],
  [['constructor'], `'constructor' ${NEITHER}`],
  [['ftp://x/'], `'ftp://x/' is neither a command nor an http:// or https:// URL`],
  [['record', 'ftp://x/', 'y'], `'ftp://x/' is not an http:// or https:// URL`],
  [['http://'], /^url must be absolute/],
  [['http://u:p@x/'], /^url must hold no userinfo/],
  [[U, '--wat'], 'unknown option --wat'],
  [[U, '--evnet', 'x'], 'unknown option --evnet; did you mean --event?'],
  [[U, '-Q'], 'unknown option -Q'],
  [['parse', '--loop'], 'unknown option --loop, which another command has'],
  [[U, '--until'], '--until needs a value'],
  [[U, '-H'], '-H, --header needs a value'],
  [
    [U, '--until', '--once'],
    '--until is followed by what looks like an option; if it is the value, write --until=…',
  ],
  [[U, '--once=1'], /^Option '--once' does not take an argument/],
  [[U, '--timeout', 'soon'], `--timeout must be a number from 0, not 'soon'`],
  [[U, '--timeout=-1'], `--timeout must be a number from 0, not '-1'`],
  [[U, '--timeout', '-1'], `--timeout must be a number from 0, not '-1'`],
  [[U, '--timeout='], `--timeout must be a number from 0, not ''`],
  [[U, '--max-retries', '1.5'], `--max-retries must be an integer from -1, not '1.5'`],
  [[U, '--max-retries', '-2'], `--max-retries must be an integer from -1, not '-2'`],
  [['--once', 'x.org'], `'x.org' ${NEITHER}; did you mean https://x.org/?`],
  [['localhost'], `'localhost' ${NEITHER}; did you mean https://localhost/?`],
  [['cli'], `'cli' ${NEITHER}, but a file; ssekit parse reads those`],
  [[U, '-H', 'a: b', '-H', 'Authorization Bearer s3cret'], `header 2 is not 'Name: value'`],
  [[U, '-H', 'a b: c'], `header 1 is not 'Name: value'`],
  [[U, '--record', '-'], '--record - would mix the recording with the events; use ssekit record'],
  [[U, '-H', 'a: b\nc: d'], /^headers must be HTTP header names/],
  [[U, '-X', 'GET', '-d', 'x'], /^Give body or json, not both, and neither to a GET/],
  [[U, '-d', 'x', '--json', '{}'], 'give -d or --json, not both'],
  [
    ['replay', RECORDED, '--port', '99999'],
    `--port must be an integer from 0 to 65535, not '99999'`,
  ],
  [['replay', RECORDED, '--drop-every', '0'], `--drop-every must be an integer from 1, not '0'`],
  [['replay'], 'usage: ssekit replay FILE; no arguments were given'],
  [['record', U], 'usage: ssekit record URL FILE; 1 argument was given'],
  [['demo', 'x'], 'usage: ssekit demo; 1 argument was given'],
];

suite('arguments', () => {
  it('--help fits on a screen', async () => {
    for (const args of [['--help'], ['parse', '-h']]) {
      const {code, stdout, stderr} = await ssekit(args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^Usage: ssekit URL /);
      assert.deepEqual(await ssekit([]), {code: 2, stdout: '', stderr: stdout});
      assert.ok(lines(stdout).length <= 24, stdout);
      for (const line of lines(stdout)) assert.ok(line.length < 80, line);
    }
  });

  it('wrong ones: one line, exit 2', async () => {
    const see = ' (see ssekit --help)';
    await all(WRONG_ARGUMENTS, async ([args, message]) => {
      const {code, stdout, stderr} = await ssekit(args, {cwd: ROOT});
      assert.deepEqual([code, stdout, lines(stderr).length], [2, '', 1], stderr);
      const said = stderr.slice('ssekit: '.length, -1).replace(see, '');
      if (typeof message === 'string') assert.equal(said, message);
      else assert.match(said, message);
    });
  });

  it('files that are none: one line, exit 1', async () => {
    const compressed = fileOf(zlib.gzipSync('data: x\n\n'), 'gz');
    await all(
      [
        [['parse', 'no-such.log'], 'no-such.log: no such file or directory'],
        [['parse', folder], `${folder}: is a directory`],
        [['replay', 'no-such.log'], 'no-such.log: no such file or directory'],
        [['replay', fileOf(': nothing\n\n')], /: has no events: it begins with : nothing$/],
        [['record', server.url, folder], /: illegal operation on a directory$/],
        [['record', server.url, join(folder, 'no', 'such')], /: no such file or directory$/],
        [
          ['record', server.url, fileOf('data: half', 'txt')],
          /: ends in the middle of an event and was not recorded by ssekit, so nothing is added/,
        ],
        [
          ['record', server.url, compressed],
          /: is compressed, so nothing is added to it; choose another file$/,
        ],
        [[server.url, '--resume', folder], /: illegal operation on a directory$/],
        [[server.url, '--resume', join(folder, 'no', 'such')], /: no such file or directory$/],
        [[server.url, '-d', '@no-such'], 'no-such: no such file or directory'],
        [
          [server.url, '--resume', fileOf('two\nlines\n')],
          /: holds something other than one event ID and would be overwritten; choose /,
        ],
        [
          [server.url, '--resume', fileOf(Buffer.of(0xff, 0xfe, 7))],
          /: holds something other than one event ID /,
        ],
        ...['{"entries":null}', '{"entries":{}}', 'null'].map((log) => [
          ['parse', fileOf(`{"log":${log}}`, 'har')],
          /: is not an HTTP archive \(HAR\): /,
        ]),
        [
          ['parse', fileOf('{}', 'har')],
          /: is not an HTTP archive \(HAR\): it has no array log\.entries$/,
        ],
      ],
      async ([args, message]) => {
        const {code, stdout, stderr} = await ssekit(args);
        assert.deepEqual([code, stdout, lines(stderr).length], [1, '', 1], stderr);
        const said = stderr.slice('ssekit: '.length, -1);
        if (typeof message === 'string') assert.equal(said, message);
        else assert.match(said, message);
      },
    );
  });

  it('as npm installs it: executable, found through a link', async () => {
    const link = join(folder, 'ssekit');
    symlinkSync(CLI, link);
    assert.equal(statSync(CLI).mode & 0o111, 0o111);
    assert.deepEqual(
      await ssekit(['parse'], {command: [link], input: 'data: x\n\n'}),
      ok('{"event":"message","data":"x","id":""}\n'),
    );
  });
});

// ── parse ───────────────────────────────────────────────────────────────────────────────────────

suite('parse', () => {
  const text = readFileSync(RECORDED, 'utf8');
  const events = eventsOf(text);
  const cutOff = (name) =>
    `ssekit: ${name}: ends in the middle of an event, which is left out: event: log\n`;

  it('a line of JSON for each event, as the library reads them', async () => {
    assert.equal(events.length, 12);
    assert.deepEqual(await ssekit(['parse', RECORDED]), ok(json(events), cutOff(RECORDED)));
    assert.deepEqual(
      await ssekit(['parse'], {input: text}),
      ok(json(events), cutOff('standard input')),
    );
    assert.deepEqual(await ssekit(['parse', '--strict', RECORDED]), {
      code: 1,
      stdout: json(events),
      stderr: `ssekit: ${RECORDED}: byte 1062, line 64: the input ends before this event does\n`,
    });
    assert.deepEqual(
      await ssekit(['parse', '-', RECORDED], {input: 'data: x\n\n'}),
      ok(json([{event: 'message', data: 'x', id: ''}, ...events]), cutOff(RECORDED)),
    );
  });

  it('--data and --event', async () => {
    const steps = events.filter(({event}) => event === 'step' || event === 'bye');
    assert.deepEqual(
      await ssekit(['parse', RECORDED, '--data', '--event', 'step', '--event', 'bye']),
      ok(steps.map(({data}) => `${data}\n`).join(''), cutOff(RECORDED)),
    );
  });

  it('--pretty: JSON indented by its tokens, numbers as they were written', async () => {
    const log =
      ': ssekit 2026-11-21T12:00:00.000Z\nid: 7\nevent: step\n'
      + 'data: {"a":[1e400,12345678901234567890,"x\\"y"],"b":{},"c":[]}\n\ndata: no\ndata: {json\n\n';
    assert.deepEqual(
      await ssekit(['parse', '--pretty'], {input: log}),
      ok(
        [
          '2026-11-21T12:00:00.000Z  step  #7',
          '  {',
          '    "a": [',
          '      1e400,',
          '      12345678901234567890,',
          '      "x\\"y"',
          '    ],',
          '    "b": {},',
          '    "c": []',
          '  }',
          '2026-11-21T12:00:00.000Z  message  #7',
          '  no',
          '  {json',
          '',
        ].join('\n'),
      ),
    );
  });

  it('compressed: told by the first bytes, several members', async () => {
    const half = text.indexOf('id: 7421-6');
    const members = [text.slice(0, half), text.slice(half)].map((part) => zlib.gzipSync(part));
    for (const path of [fileOf(zlib.gzipSync(text), 'gz'), fileOf(Buffer.concat(members), 'x')]) {
      assert.deepEqual(await ssekit(['parse', path]), ok(json(events), cutOff(path)));
    }
    assert.deepEqual(
      await ssekit(['parse'], {input: zlib.gzipSync(text)}),
      ok(json(events), cutOff('standard input')),
    );
    const bytes = zlib.gzipSync('data: a\n\n');
    const {child, ended} = start(['parse'], {input: null});
    for (let at = 0; at < 4; at++) {
      child.stdin.write(bytes.subarray(at, at + 1));
      await sleep(20); // more of them in one read would only make this easier
    }
    child.stdin.end(bytes.subarray(4));
    assert.deepEqual(await ended, ok('{"event":"message","data":"a","id":""}\n'));
    const ZSTD = 'KLUv/QRYUQAAZGF0YTogengKClQJTgM='; // of 'data: zx\n\n'
    const zst = await ssekit(['parse', fileOf(Buffer.from(ZSTD, 'base64'), 'zst')]);
    if (zlib.createZstdDecompress) {
      assert.deepEqual(zst, ok('{"event":"message","data":"zx","id":""}\n'));
      const frame = Buffer.from(ZSTD, 'base64');
      const skipped = Buffer.from('502a4d1802000000ffff', 'hex'); // as pzstd writes them
      const line = '{"event":"message","data":"zx","id":""}\n';
      const whole = Buffer.concat([skipped, frame, frame, skipped, frame]);
      assert.deepEqual(await ssekit(['parse', fileOf(whole, 'zst')]), ok(line.repeat(3)));
      for (const [bytes, message] of [
        [frame.subarray(0, -1), 'unexpected end of file'],
        [whole.subarray(0, -5), 'unexpected end of file'],
        [Buffer.concat([frame, Buffer.from('garbage')]), 'no frame begins here'],
      ]) {
        const {code, stderr} = await ssekit(['parse', fileOf(bytes, 'zst')]);
        assert.deepEqual(
          [code, stderr.includes(`of what it unpacks to: ${message}`)],
          [1, true],
          stderr,
        );
      }
    } else {
      assert.deepEqual([zst.code, zst.stdout], [1, '']);
      assert.match(
        zst.stderr,
        /this runtime cannot unpack zstd .*; run zstd -dc .* \| ssekit parse\n$/,
      );
    }
  });

  it('damaged gzip: what came is out, then exit 1', async () => {
    const long = Array.from({length: 20_000}, (_, n) => numbered((n * 7919) % 104_729)).join('');
    const whole = zlib.gzipSync(long);
    const cut = await ssekit(['parse', '--data', fileOf(whole.subarray(0, -100), 'gz')]);
    assert.equal(cut.code, 1);
    assert.match(
      cut.stderr,
      /: gzip data damaged after byte \d+ of what it unpacks to: unexpected end of/,
    );
    const [, byte] = /byte (\d+)/.exec(cut.stderr);
    assert.deepEqual(
      lines(cut.stdout),
      eventsOf(long.slice(0, byte)).map(({data}) => data),
    );
    assert.ok(byte > long.length - 2000, byte);
    const flipped = Buffer.from(whole);
    flipped[flipped.length - 6] ^= 1; // the checksum
    const {code, stderr} = await ssekit(['parse', fileOf(flipped, 'gz')]);
    assert.deepEqual([code, /incorrect data check/.test(stderr)], [1, true]);
  });

  it('--strict counts the bytes of a byte order mark', async () => {
    for (const [input, said] of [
      ['\ufeffdata: a\n\nwrong\n\n', 'byte 12, line 3: neither a field nor a comment: "wrong"'],
      ['\ufeffwrong\n\n', 'byte 0, line 1: neither a field nor a comment: "wrong"'],
    ]) {
      const {code, stderr} = await ssekit(['parse', '--strict'], {input});
      assert.deepEqual([code, stderr], [1, `ssekit: standard input: ${said}\n`]);
    }
    assert.deepEqual(await ssekit(['parse', '--strict'], {input: '\ufeff: a\n\ufeff\n\n'}), {
      code: 1,
      stdout: '',
      stderr: `ssekit: standard input: byte 7, line 2: neither a field nor a comment: "\\ufeff"\n`,
    });
  });

  it('--pretty: JSON of any depth', async () => {
    // far deeper than a stack of calls goes; what is printed grows with the depth's square
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const {code, stdout, stderr} = await ssekit(['parse', '--pretty'], {
      input: `data: ${deep}\n\ndata: after\n\n`,
    });
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout.replace(/^message$/gm, '').replace(/\s/g, ''), `${deep}after`);
  });

  it('HAR: the entries with an event stream, each for itself, base64 too', async () => {
    const entry = (mimeType, content, url = 'http://x/') => ({
      request: {url},
      response: {content: {mimeType, ...content}},
    });
    const har = {
      log: {
        entries: [
          entry('text/html', {text: 'data: no\n\n'}),
          entry('text/event-stream; charset=utf-8', {text: '\ufeffid: 1\ndata: é\n\ndata: cut'}),
          entry('Text/Event-Stream', {
            text: Buffer.from('data: 😀\n\n').toString('base64'),
            encoding: 'base64',
          }),
          entry('text/event-stream', {}, 'http://x/none'),
          {},
        ],
      },
    };
    const path = fileOf(`\ufeff${JSON.stringify(har)}`, 'HAR');
    assert.deepEqual(
      await ssekit(['parse', path]),
      ok(
        json([
          {event: 'message', data: 'é', id: '1'},
          {event: 'message', data: '😀', id: ''},
        ]),
        `ssekit: ${path}, entry 1 (http://x/): ends in the middle of an event, which is left out:`
          + ` data: cut\nssekit: ${path}, entry 3 (http://x/none): its body was not saved\n`,
      ),
    );
  });

  it('a line is out as soon as it can be', async () => {
    const {child, ended, until} = start(['parse', '--data'], {input: null});
    for (const word of ['one', 'two']) {
      child.stdin.write(`data: ${word}\n\ndata: ne`);
      await until((stdout) => stdout.endsWith(`${word}\n`));
      child.stdin.write('ver\n');
      child.stdin.write('event: x\n\n');
      await until((stdout) => stdout.endsWith('never\n'));
    }
    child.stdin.end();
    assert.deepEqual(await ended, ok('one\nnever\ntwo\nnever\n'));
  });

  it('200 MB in constant memory', async () => {
    const path = fileOf('', 'big');
    const block = Array.from({length: 10_000}, (_, n) => numbered(n) + `: ${'x'.repeat(180)}\n`);
    for (let n = 0; n < 100; n++) appendFileSync(path, block.join(''));
    assert.ok(statSync(path).size > 2e8);
    const report = join(ROOT, 'test/cli/memory.mjs');
    const {code, stdout, stderr} = await ssekit(['parse', path, '--event', 'none'], {
      command: [process.execPath, '--import', report, CLI],
    });
    assert.deepEqual([code, stdout], [0, '']);
    const [, peak] = /^peak (\d+) MB$/m.exec(stderr);
    assert.ok(peak < 150, `${peak} MB`);
  });

  it('a reader that leaves, a full disk', async () => {
    const many = fileOf(numbered(1).repeat(50_000));
    const run = (script) => ssekit([script], {command: ['bash', '-o', 'pipefail', '-c']});
    const parse = `${process.execPath} ${CLI} parse ${many}`;
    assert.deepEqual(
      await run(`${parse} | head -n 1`),
      ok('{"event":"message","data":"event 1","id":"1"}\n'),
    );
    assert.deepEqual(await run(`${parse} > /dev/full`), {
      code: 1,
      stdout: '',
      stderr: 'ssekit: standard output: no space left on device\n',
    });
  });

  it('an event above the limit', async () => {
    const path = fileOf(zlib.gzipSync(`data: a\n\ndata: ${'x'.repeat(65 * 2 ** 20)}`), 'gz');
    const {code, stdout, stderr} = await ssekit(['parse', '--data', path]);
    assert.deepEqual([code, stdout], [1, 'a\n']);
    assert.match(stderr, /: An event of \d+ code units or more: maxEventSize is 67108864\n$/);
  });
});

suite('parse --strict', () => {
  const long = numbered(1).repeat(5000); // more than one chunk
  const rows = [
    ['clean', 'retry: 1\n: é\r\n\r\nid\rdata\revent\r\r', [''], undefined],
    ['nothing', '', [], 'is empty'],
    ['a BOM', '\ufeffdata: x\n\n', ['x'], undefined],
    ['comments at the end', 'data: x\n\n: end\n', ['x'], undefined],
    [
      'invalid UTF-8',
      ['data: a\n\ndata: ', [0xff], '\n\ndata: b\n\n'],
      ['a'],
      'byte 9, line 3: invalid UTF-8',
    ],
    ['cut UTF-8', ['data: ', [0xe2, 0x82], '\n\n'], [], 'byte 0, line 1: invalid UTF-8'],
    [
      'a field that is none',
      'data: a\n\nDATA: b\n\n',
      ['a'],
      'byte 9, line 3: neither a field nor a comment: "DATA"',
    ],
    [
      'binary',
      'data: a\n\n\x1b[2J\n\n',
      ['a'],
      'byte 9, line 3: neither a field nor a comment: "\\u001b[2J"',
    ],
    [
      'a second BOM',
      'data: a\n\n\ufeffdata: b\n\n',
      ['a'],
      'byte 9, line 3: neither a field nor a comment: "\\ufeffdata"',
    ],
    ['retry', 'retry: 1s\n\n', [], 'byte 0, line 1: its retry is not a number'],
    ['id', 'id: a\0\n\n', [], 'byte 0, line 1: its id has a NUL in it'],
    [
      'the end inside a block',
      'data: a\n\nid: 2\ndata: b\n',
      ['a'],
      'byte 9, line 3: the input ends before this event does',
    ],
    [
      'the end inside a line',
      'data: a\n\ndata: b',
      ['a'],
      'byte 9, line 3: the input ends before this event does',
    ],
    [
      'the end inside a comment',
      'data: a\n\n: b',
      ['a'],
      'byte 9, line 3: the input ends before this event does',
    ],
    ['CRLF', 'data: a\r\n\r\nx\r\n', ['a'], 'byte 11, line 3: neither a field nor a comment: "x"'],
    [
      'after a chunk',
      `${long}x: y\n\n`,
      Array(5000).fill('event 1'),
      `byte ${long.length}, line 15001: neither a field nor a comment: "x"`,
    ],
    [
      'CRLF cut by the end of a chunk',
      `data: ${'x'.repeat(65_529)}\r\n\r\nx\r\n`,
      ['x'.repeat(65_529)],
      'byte 65539, line 3: neither a field nor a comment: "x"',
    ],
    [
      'a line after such a CRLF',
      `: ${'x'.repeat(65_533)}\r\nx\r\n`,
      [],
      'byte 65537, line 2: neither a field nor a comment: "x"',
    ],
  ];
  for (const [name, parts, events, damage] of rows) {
    it(name, async () => {
      const input = Buffer.concat([parts].flat().map((part) => Buffer.from(part)));
      const path = fileOf(
        Array.isArray(parts) ? Buffer.concat(parts.map((part) => Buffer.from(part))) : input,
      );
      assert.deepEqual(await ssekit(['parse', '--strict', '--data', path]), {
        code: damage ? 1 : 0,
        stdout: events.map((data) => `${data}\n`).join(''),
        stderr: damage ? `ssekit: ${path}: ${damage}\n` : '',
      });
    });
  }
  it('without it, nothing is damaged', async () => {
    const input = 'x\n\nretry: 1s\ndata: a\n\ndata: b';
    assert.deepEqual(
      await ssekit(['parse', '--data'], {input}),
      ok(
        'a\n',
        'ssekit: standard input: ends in the middle of an event, which is left out: data: b\n',
      ),
    );
  });
});

// ── Following ───────────────────────────────────────────────────────────────────────────────────

const masked = (text) => text.replace(/in \d+\.\d s/g, 'in N s').replaceAll(server.url, 'URL');

const end = (text) => new RegExp(`${text}\n$`);
const word = (text, index) => `${JSON.stringify({index, text})}\n`;

/** Path, arguments, exit code, standard output, what standard error shows. */
const ENDINGS = [
  ['/500', [], 1, '', end('^ssekit: http://.*/500 answered 500')],
  ['/html', [], 1, '', end(`'text/html.*`)],
  ['/simple?run=once', ['--once', '--data'], 0, 'event 1\nevent 2\nevent 3\n', end('connected .*')],
  [
    '/simple?run=retries',
    ['--max-retries', '0', '--event', 'x'],
    1,
    '',
    end('failed: the server ended the stream'),
  ],
  ['/stall?run=until', ['--until', 'event 1', '--data'], 0, 'event 1\n', end('connected .*')],
  [
    '/noheaders?run=t',
    ['--timeout', '0.1', '--max-retries', '0'],
    1,
    '',
    end('No response from .* for 100 ms'),
  ],
  [
    '/stall?run=idle&then=204',
    ['--idle-timeout', '0.3', '--data'],
    0,
    'event 1\n',
    /No byte from .* for 300 ms; retrying in \d\.\d s, resuming after event 1/,
  ],
  [
    '/post?run=until',
    ['--json', '{"words":["a","b"]}', '--until', '[DONE]', '--data'],
    0,
    `${word('a', 0)}${word('b', 1)}[DONE]\n`,
    end('connected .*'),
  ],
  [
    '/post-truncated?run=until',
    ['--json', '{"words":["a"]}', '--until', '[DONE]', '--data'],
    1,
    word('a', 0),
    end('ended the stream before its `until` event'),
  ],
  ['/post-cut?run=cut', ['--json', '{"words":["a"]}', '--data'], 1, word('a', 0), /failed/],
];

suite('following', () => {
  it('lines of JSON, connections on stderr, until the server says 204', async () => {
    const {code, stdout, stderr} = await ssekit([`${server.url}/numbers?n=7&retry=20&cut=event`]);
    assert.equal(code, 0);
    assert.deepEqual(
      objects(stdout),
      [1, 2, 3, 4, 5, 6, 7].map((n) => ({event: 'message', data: `${n}`, id: `${n}`, retry: 20})),
    );
    const told = lines(masked(stderr)).map((line) => line.replace(/^(ssekit: ).*; r/, '$1…; r'));
    const connected = 'ssekit: connected to URL/numbers?n=7&retry=20&cut=event';
    const lost = (after) => `ssekit: …; retrying in N s, resuming after event ${after}`;
    assert.deepEqual(told, [connected, lost(3), connected, lost(6), connected, lost(7)]);
  });

  it('each event is out at once', async () => {
    let response;
    const held = await serve((_, answer) => {
      response = answer.writeHead(200, SSE);
      response.flushHeaders();
    });
    const {child, until, ended} = start([held.url, '--data']);
    await until((_, stderr) => stderr.includes('connected'));
    for (const n of [1, 2, 3]) {
      response.write(`data: ${n}\n\ndata:`);
      await until((stdout) => stdout.endsWith(`${n}\n`));
      response.write(' x\n\n');
      await until((stdout) => stdout.endsWith('x\n'));
    }
    child.kill('SIGINT');
    assert.deepEqual(await ended, {
      code: 'SIGINT',
      stdout: '1\nx\n2\nx\n3\nx\n',
      stderr: `ssekit: connected to ${held.url}\n`,
    });
    await held.stop();
  });

  it('Ctrl-C is 130 to a shell, with --stats too', async () => {
    const script = (flag) => [
      '-c',
      `(while ! grep -q connected "$1"; do sleep 0.05; done
      kill -INT $(cat "$2")) & echo $$ > "$2"; exec ${process.execPath} ${CLI} "$3" ${flag} 2> "$1"`,
    ];
    for (const flag of ['', '--stats']) {
      const [said, pid] = [fileOf(''), fileOf('')];
      const {code, stdout} = await ssekit(
        [...script(flag), 'sh', said, pid, `${server.url}/stall?run=int${flag}`],
        {command: ['sh']},
      );
      assert.deepEqual([flag, code], [flag, flag ? 130 : 'SIGINT']);
      assert.equal(stdout, '{"event":"message","data":"event 1","id":"1"}\n');
      if (flag) assert.match(readFileSync(said, 'utf8'), /1 event, 21 B, 0 reconnections in \d/);
    }
  });

  it('what is sent', async () => {
    const data = fileOf('from\na file');
    const type = 'content-type';
    await all(
      [
        [[], {method: 'GET', accept: 'text/event-stream', 'last-event-id': undefined}],
        [['-X', 'DELETE'], {method: 'DELETE'}],
        [
          ['-H', 'X-A: 1', '-H', 'X-A: 2', '-H', 'x-b:é', '-H', 'X-C;', '-H', 'accept: a: b'],
          {'x-a': '1, 2', 'x-b': 'Ã©', 'x-c': '', accept: 'a: b'},
        ],
        [['-d', 'a=b'], {method: 'POST', body: 'a=b', [type]: 'application/x-www-form-urlencoded'}],
        [
          ['-d', `@${data}`, '-H', 'content-type: text/plain'],
          {body: 'from\na file', [type]: 'text/plain'},
        ],
        [['-d', '-'], {method: 'POST', body: 'é of stdin'}],
        [['--json', '{"a": 1}'], {method: 'POST', body: '{"a": 1}', [type]: 'application/json'}],
        [['--json', '@-', '-X', 'PUT'], {method: 'PUT', body: 'é of stdin'}],
        [['--last-event-id', 'é7'], {'last-event-id': 'Ã©7'}],
      ],
      async ([args, expected]) => {
        const asked = await serve((_, response) => response.writeHead(204).end());
        assert.deepEqual(await ssekit([asked.url, ...args], {input: 'é of stdin'}), ok(''));
        assert.equal(asked.requests.length, 1);
        const [{headers, method, body}] = asked.requests;
        const got = {...headers, method, body};
        assert.deepEqual(
          Object.fromEntries(Object.keys(expected).map((name) => [name, got[name]])),
          expected,
        );
        await asked.stop();
      },
    );
  });

  it('how it ends', async () => {
    const closed = await serve(() => {});
    await closed.stop();
    await all(
      [...ENDINGS, [closed.url, ['--max-retries', '0'], 1, '', /ECONNREFUSED/]],
      async ([path, args, code, stdout, stderr]) => {
        const url = path.startsWith('/') ? server.url + path : path;
        const {stderr: said, ...rest} = await ssekit([url, ...args]);
        assert.deepEqual(rest, {code, stdout}, `${path} ${said}`);
        assert.match(said, stderr);
      },
    );
  });

  it('a type can be what it ends with', async () => {
    const typed = await serve((_, response) =>
      response.writeHead(200, SSE).write('data: a\n\nevent: stop\ndata: b\n\ndata: c\n\n'),
    );
    const {code, stdout} = await ssekit([typed.url, '--until', 'stop', '--data']);
    assert.deepEqual([code, stdout], [0, 'a\nb\n']);
    await typed.stop();
  });

  it('--stats: the sum at the end', async () => {
    const {stderr} = await ssekit([
      `${server.url}/numbers?n=7&retry=20&cut=event&run=stats`,
      '--stats',
    ]);
    assert.match(lines(stderr).at(-1), /^ssekit: 7 events, \d+ B, 3 reconnections in \d+\.\d s$/);
  });

  it('slow output: nothing more is read, and no time limit runs', async () => {
    let written = 0;
    const line = `data: ${'x'.repeat(10_000)}\n\n`;
    const endless = await serve(async (_, response) => {
      response.writeHead(200, SSE);
      while (!response.destroyed && written < 2e8) {
        written += line.length;
        if (!response.write(line)) {
          await new Promise((resolve) => {
            const done = () => resolve(response.off('drain', done).off('close', done));
            response.on('drain', done).on('close', done);
          });
        }
      }
    });
    const {child, until, ended} = start([endless.url, '--data', '--idle-timeout', '0.5'], {
      command: [process.execPath, '--import', join(ROOT, 'test/cli/memory.mjs'), CLI],
    });
    await until((stdout) => stdout.length > 1e6);
    child.stdout.pause();
    let before = -1;
    while (before !== written) {
      before = written;
      await sleep(700); // longer than --idle-timeout
    }
    child.stdout.resume();
    const stopped = written;
    assert.ok(stopped < 5e7, `${stopped} bytes were written meanwhile`);
    await until((stdout) => stdout.length > stopped + 1e6);
    child.stdout.destroy(); // nobody reads any more
    const {code, stderr} = await ended;
    assert.deepEqual([code, endless.requests.length], [0, 1], stderr);
    const [, peak] = /^peak (\d+) MB$/m.exec(stderr);
    assert.ok(peak < 150, `${peak} MB`);
    await endless.stop();
  });

  it('--resume: killed (-9) again and again, nothing is lost', async () => {
    const TOTAL = 3000;
    const numbers = await serve(async (request, response) => {
      let n = Number(request.headers['last-event-id'] ?? 0) + 1;
      if (n > TOTAL) return response.writeHead(204).end();
      response.writeHead(200, SSE);
      for (; n <= TOTAL && !response.destroyed; n++) {
        if (!response.write(numbered(n))) await sleep(1);
        if (n % 20 === 0) await sleep(1);
      }
      response.end();
    });
    const point = join(folder, 'point');
    let kills = 0;
    const got = [];
    for (let isOver = false; !isOver; ) {
      const {child, ended, until} = start([numbers.url, '--resume', point, '--data']);
      const many = 100 + 37 * kills; // the moment varies
      await until((stdout) => stdout.length > 11 * many).then(
        () => child.kill('SIGKILL'),
        () => {},
      );
      const {code, stdout} = await ended;
      kills += code === 'SIGKILL' ? 1 : 0;
      isOver = code === 0;
      assert.ok(isOver || code === 'SIGKILL', code);
      assert.match(stdout, /^(event \d+\n)*$/); // no half line
      got.push(...lines(stdout).map((line) => Number(line.slice(6))));
    }
    assert.ok(kills >= 5, `${kills} kills`);
    assert.deepEqual(
      [...new Set(got)],
      Array.from({length: TOTAL}, (_, at) => at + 1),
    );
    assert.ok(got.length <= TOTAL + kills, `${got.length - TOTAL} came twice, ${kills} kills`);
    assert.equal(readFileSync(point, 'utf8'), `${TOTAL}`);
    assert.equal(existsSync(`${point}.new`), false);
    await numbers.stop();
  });

  it('--resume and --last-event-id: the file wins once it has an id', async () => {
    for (const [kept, expected] of [
      ['', 'given'],
      ['kept\n', 'kept'],
    ]) {
      const point = fileOf(kept, 'point');
      const asked = await serve((_, response) => response.writeHead(204).end());
      assert.deepEqual(
        await ssekit([asked.url, '--resume', point, '--last-event-id', 'given']),
        ok(''),
      );
      assert.equal(asked.requests[0].headers['last-event-id'], expected);
      await asked.stop();
    }
  });

  it('--resume keeps a link, and what is no id is left alone', async () => {
    const point = fileOf('0', 'point');
    const link = join(folder, 'link');
    symlinkSync(point, link);
    const served = await serve((_, response) => response.writeHead(200, SSE).end(numbered(7)));
    assert.equal((await ssekit([served.url, '--once', '--resume', link])).code, 0);
    assert.deepEqual([lstatSync(link).isSymbolicLink(), readFileSync(point, 'utf8')], [true, '7']);
    for (const content of [Buffer.of(0xff, 7), Buffer.from('a\nb\n')]) {
      const other = fileOf(content);
      assert.equal((await ssekit([served.url, '--once', '--resume', other])).code, 1);
      assert.deepEqual(readFileSync(other), content);
    }
    await served.stop();
  });
});

// ── record ──────────────────────────────────────────────────────────────────────────────────────

const STAMP = /^: ssekit (connection )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n/gm;

suite('record', () => {
  it('the stream as it came, less what is unfinished; no event is altered', async () => {
    const whole = 'retry: 20\n\nid: 1\ndata: a\ndata: é\n\n: ping\n\nevent: x\ndata: \ndata: b\n\n';
    await all(
      [
        ['LF', (text) => text],
        ['CRLF', (text) => text.replaceAll('\n', '\r\n')],
        ['CR', (text) => text.replaceAll('\n', '\r')],
      ],
      async ([name, change]) => {
        const bytes = Buffer.from(`\ufeff${change(whole)}`);
        const cuts = [1, 2, 3, 4, 5, 9, 13, 14, 15, 16, 23, 24, 30, 37, 47, 48, 49, 50];
        const pieces = await serve(async (_, response, __, count) => {
          const cut = cuts[count - 1];
          if (!cut) return response.writeHead(204).end();
          response.writeHead(200, SSE);
          const half = change('id: 9\ndata: half\n');
          for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut), half]) {
            response.write(piece);
            await sleep(20); // they are to be read one by one
          }
          response.end();
        });
        const path = join(folder, `${name}.rec`);
        const {code, stdout, stderr} = await ssekit(['record', pieces.url, path]);
        assert.deepEqual([code, stdout], [0, ''], stderr);
        const recorded = readFileSync(path, 'utf8');
        assert.equal(recorded.replace(STAMP, ''), change(whole).repeat(cuts.length), name);
        assert.equal(recorded.match(/^: ssekit connection /gm).length, cuts.length);
        assert.deepEqual(eventsOf(recorded), eventsOf(change(whole).repeat(cuts.length)));
        await pieces.stop();
      },
    );
  });

  it('reconnections and restarts are added, from the last id on; killed (-9) meanwhile', async () => {
    const TOTAL = 400;
    const numbers = await serve(async (request, response) => {
      let n = Number(request.headers['last-event-id'] ?? 0) + 1;
      if (n > TOTAL) return response.writeHead(204).end();
      response.writeHead(200, SSE);
      response.write('retry: 20\n');
      for (const end = n + 50; n < end && n <= TOTAL; n++) {
        const text = numbered(n);
        response.write(text.slice(0, n % 13));
        await sleep(1);
        response.write(text.slice(n % 13));
      }
      response.write(numbered(n).slice(0, n % 13)); // cut inside an event
      await sleep(20);
      response.socket.destroy();
    });
    const path = join(folder, 'kill.rec');
    let kills = 0;
    for (let isOver = false; !isOver; ) {
      const {child, ended, until} = start(['record', numbers.url, path]);
      const before = existsSync(path) ? statSync(path).size : 0;
      await until((_, stderr) => /retrying/.test(stderr)).then(
        () => child.kill('SIGKILL'),
        () => {},
      );
      const {code, stderr} = await ended;
      isOver = code === 0;
      kills += code === 'SIGKILL' ? 1 : 0;
      assert.ok(isOver || (code === 'SIGKILL' && statSync(path).size > before), stderr);
      appendFileSync(path, isOver ? '' : `id: ${TOTAL}\ndata: a write that was cut sho`);
    }
    assert.ok(kills >= 3, `${kills}`);
    assert.deepEqual(
      eventsOf(readFileSync(path, 'utf8')).map(({data}) => data),
      Array.from({length: TOTAL}, (_, at) => `event ${at + 1}`),
    );
    await numbers.stop();
  });

  it('a log of curl is gone on with, the body of a refusal is not recorded', async () => {
    const path = fileOf('id: 5\ndata: x\n\n');
    const refusing = await serve((_, response, __, count) => {
      if (count === 1) return response.writeHead(200, SSE).end('retry: 20\nid: 6\ndata: y\n\n');
      response.writeHead(202).end('data: no\n\n');
    });
    const {code} = await ssekit(['record', refusing.url, path]);
    assert.equal(code, 1);
    assert.equal(refusing.requests[0].headers['last-event-id'], '5');
    assert.equal(
      readFileSync(path, 'utf8').replace(STAMP, ''),
      'id: 5\ndata: x\n\nretry: 20\nid: 6\ndata: y\n\n',
    );
    await refusing.stop();
  });

  it('a full disk: one line, exit 1, and nothing half written', async () => {
    const url = `${server.url}/numbers?n=9000&run=full`;
    assert.deepEqual(await ssekit(['record', url, '/dev/full']), {
      code: 1,
      stdout: '',
      stderr: `ssekit: connected to ${url}\nssekit: /dev/full: no space left on device\n`,
    });
    const path = join(folder, 'full.rec');
    const limited = ['-c', 'ulimit -f 8; exec "$@"', 'sh', process.execPath, CLI];
    const {code, stderr} = await ssekit([...limited, 'record', url, path], {command: ['bash']});
    assert.equal(code, 1);
    assert.match(stderr, /full\.rec: file too large\n$/);
    const recorded = readFileSync(path, 'utf8');
    assert.ok(recorded.length <= 8192, `${recorded.length}`);
    assert.deepEqual(await ssekit(['parse', '--strict', path]), ok(json(eventsOf(recorded))));
  });

  it('to standard output, which somebody leaves', async () => {
    const url = `${server.url}/numbers?n=90000&run=left`;
    const script = `${process.execPath} ${CLI} record '${url}' - | head -n 4`;
    const {code, stdout} = await ssekit([script], {command: ['bash', '-o', 'pipefail', '-c']});
    assert.deepEqual([code, stdout.replace(STAMP, '')], [0, 'id: 1\ndata: 1\n']);
  });

  it('--record beside the lines, replayed in both loops', async () => {
    const path = join(folder, 'beside.rec');
    const url = `${server.url}/numbers?n=9&retry=20&cut=utf8&run=beside`;
    const {code, stdout} = await ssekit([url, '--record', path]);
    assert.equal(code, 0);
    const events = objects(stdout);
    assert.equal(events.length, 9);
    assert.match(events[8].data, /^9 é€😀$/);
    const replayed = await startReplay(path, '--speed', '0', '--drop-every', '2');
    const options = {retryInterval: 20};
    const received = [];
    for await (const event of asyncConnect(`${replayed.url}async`, options)) received.push(event);
    assert.deepEqual(received.map(plain), events);
    assert.deepEqual([...connect(`${replayed.url}blocking`, options)].map(plain), events);
    const {stderr} = await replayed.stop();
    assert.equal(stderr.match(/connection cut after 2 events/g).length, 8, stderr);
  });
});

// ── replay ──────────────────────────────────────────────────────────────────────────────────────

suite('replay', () => {
  const at = (ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
  const TIMED = [
    `: ssekit connection ${at(0)}`,
    `: ssekit ${at(200)}`,
    'id: 1',
    'data: a',
    '',
    `: ssekit ${at(500)}`,
    'id: 2',
    'data: b',
    '',
    'id: 3',
    'data: c',
    '',
    ': ping',
    '',
    `: ssekit connection ${at(3_600_000)}`,
    `: ssekit ${at(3_600_100)}`,
    'id: é4',
    'data: d',
    '',
    ': the end',
    '',
    'id: 5',
    'data: half',
  ].join('\n');
  /** What that request got. */
  const ask = async (url, init) => {
    const response = await fetch(url, init);
    return [response.status, await response.text()];
  };

  it('the blocks and comments, less the times and what is unfinished', async () => {
    const {url, stop} = await startReplay(fileOf(TIMED), '--speed', '0');
    const rest = (from) =>
      TIMED.replace(STAMP, '')
        .slice(0, -'id: 5\ndata: half'.length)
        .replace(new RegExp(`^[^]*?(?=id: ${from})`), '');
    assert.deepEqual(await ask(url), [200, rest('1')]);
    assert.deepEqual(await ask(url, {method: 'POST', body: '{}'}), [200, rest('1')]);
    assert.deepEqual(await ask(url, {method: 'HEAD'}), [200, '']);
    for (const [id, answer] of [
      ['1', [200, rest('2')]],
      ['2', [200, rest('3')]],
      ['unknown', [200, rest('1')]],
      ['Ã©4', [204, '']],
    ]) {
      assert.deepEqual(await ask(url, {headers: {'last-event-id': id}}), answer, id);
    }
    await stop();
  });

  it('its own timing, faster with --speed; connections lost in between cost no time', async () => {
    for (const speed of [1, 2]) {
      const {url, stop} = await startReplay(fileOf(TIMED), '--speed', `${speed}`);
      const start = performance.now();
      const came = [];
      for await (const {data} of asyncConnect(url, {reconnect: false})) {
        came.push([data, speed * (performance.now() - start)]);
      }
      assert.deepEqual(
        came.map(([data]) => data),
        ['a', 'b', 'c', 'd'],
      );
      // timers are up to 1 ms early; there is no upper limit but that it takes no hour
      const least = [198, 496, 496, 594];
      for (const [at, [, ms]] of came.entries())
        assert.ok(ms > least[at] && ms < 60_000, `${came}`);
      await stop();
    }
  });

  it('CORS, with a preflight', async () => {
    const {url, stop} = await startReplay(fileOf(TIMED), '--speed', '0', '--cors');
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://page.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,last-event-id',
      },
    });
    const get = (response, ...names) =>
      names.map((name) => response.headers.get(`access-control-${name}`));
    assert.deepEqual(
      [preflight.status, ...get(preflight, 'allow-origin', 'allow-methods', 'allow-headers')],
      [204, 'http://page.example', 'POST', 'content-type,last-event-id'],
    );
    const response = await fetch(url, {headers: {origin: 'http://page.example'}});
    await response.text();
    assert.deepEqual(get(response, 'allow-origin', 'allow-credentials'), [
      'http://page.example',
      'true',
    ]);
    await stop();
  });

  it('--loop, also after the last event', async () => {
    const {url, stop} = await startReplay(fileOf(TIMED), '--speed', '0', '--loop');
    const first = async (lastEventId) => {
      const got = [];
      for await (const {data} of asyncConnect(url, {lastEventId})) {
        if (got.push(data) === 9) return got.join('');
      }
    };
    assert.deepEqual(
      [await first(''), await first('2'), await first('é4')],
      ['abcdabcda', 'cdabcdabc', 'abcdabcda'],
    );
    await stop();
  });

  it('compressed, and events without ids of their own: people are told', async () => {
    const {url, stop} = await startReplay(fileOf(zlib.gzipSync('data: a\n\nid: 1\ndata: b\n\n')));
    assert.deepEqual(await ask(url), [200, 'data: a\n\nid: 1\ndata: b\n\n']);
    assert.match(
      (await stop()).stderr,
      /^ssekit: 1 of 2 events has no ID of its own; clients that reconnect will get it again\n/,
    );
  });

  it('ids that come twice are told; times of others, and times that are none, lose nothing', async () => {
    const blocks = [
      ': ssekit 2026-99-99T99:99:99.999Z\n',
      'id: 1\ndata: a\n\n',
      'id: 2\ndata: b\n: ssekit 2026-01-01T00:00:00.000Z\ndata: c\n\n',
      'id: 1\ndata: d\n\n',
    ].join('');
    const {url, stop} = await startReplay(fileOf(blocks));
    assert.deepEqual(await ask(url), [200, blocks]);
    assert.match(
      (await stop()).stderr,
      /^ssekit: 1 of 3 events has no ID of its own; .*\nssekit: serving 3 events from /,
    );
  });

  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const {port} = other.address();
    assert.deepEqual(await ssekit(['replay', RECORDED, '--port', `${port}`]), {
      code: 1,
      stdout: '',
      stderr: `ssekit: port ${port} is in use; choose another one, or let --port 0 find one\n`,
    });
    other.close();
  });
});

// ── demo ────────────────────────────────────────────────────────────────────────────────────────

suite('demo', () => {
  it('demo: the main job, in both loops', async () => {
    const {code, stdout, stderr} = await ssekit(['demo'], {most: 60_000});
    assert.deepEqual([code, stderr], [0, ''], stdout);
    const parts = stdout.split('\n\n').slice(0, -1);
    assert.equal(parts.length, 2);
    for (const [index, call] of ['asyncConnect', 'connect'].entries()) {
      const [head, ...rest] = parts[index].split('\n');
      assert.match(head, new RegExp(`of ${call}\\('http:`));
      assert.equal(rest.pop(), '12 events, 0 lost, 0 twice');
      const lost = rest.filter((line) => line.startsWith('        ~  '));
      assert.equal(rest.length - lost.length, 12);
      assert.equal(lost.length, 5, stdout); // cut, 503, reset, two clean ends
      assert.match(
        lost[1],
        / answered 503: busy; retrying in 1\.\d s \(attempt 2\), resuming after event 4$/,
      );
      assert.match(
        lost[4],
        /the server ended the stream; retrying in \d\.\d s, resuming after event 12$/,
      );
    }
  });
});

describe('the command line', {concurrency: 3}, () => {
  for (const [name, tests] of suites.reverse()) describe(name, {concurrency: 3}, tests);
});
