// What the command does to files: nothing that another option, another process or somebody else's
// link has there is overwritten, and what was whole stays whole.

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {after, describe, it} from 'node:test';
import {EventSource} from '../../dist/sse.js';
import {
  CLI,
  lines,
  numbered,
  scratch,
  serve,
  SSE,
  ssekit,
  start,
  startReplay,
  stopAll,
} from './run.mjs';

after(stopAll);
const folder = scratch();
let folders = 0;
function newFolder() {
  const path = join(folder, `${folders++}`);
  mkdirSync(path);
  return path;
}

/** Three events, then 204. */
const three = () =>
  serve((request, response) => {
    if (request.headers['last-event-id'] === '3') return response.writeHead(204).end();
    response.writeHead(200, SSE).end(`retry: 1\n${[1, 2, 3].map(numbered).join('')}`);
  });
/** One event, and then nothing. */
const open = () => serve((_, response) => response.writeHead(200, SSE).write(numbered(1)));
const eventsIn = (file) => [...new EventSource(readFileSync(file, 'utf8'))].map(({id}) => id);
const apart =
  'ssekit: --resume and --record name the same file; give each its own (see ssekit --help)\n';

/** Name, --resume, --record, what is there before, and what is there for both afterwards. */
const SAME = [
  ['one name', 'a', 'a'],
  ['two ways to write it', 'a', './a'],
  ['a file that is there', 'a', 'a', (at) => writeFileSync(at('a'), '')],
  ['a link to the recording', 'link', 'a', (at) => symlinkSync('a', at('link'))],
  ['a link to the ID', 'a', 'link', (at) => symlinkSync('a', at('link'))],
  [
    'a link to a link',
    'one',
    'a',
    (at) => {
      symlinkSync('two', at('one'));
      symlinkSync('a', at('two'));
      writeFileSync(at('a'), '');
    },
  ],
  [
    'a link to a folder',
    'folder/a',
    'link/a',
    (at) => {
      mkdirSync(at('folder'));
      symlinkSync('folder', at('link'));
    },
  ],
  [
    'a hard link',
    'a',
    'b',
    (at) => {
      writeFileSync(at('a'), '');
      linkSync(at('a'), at('b'));
    },
  ],
];

describe('files', {concurrency: 3}, () => {
  for (const [name, resume, record, prepare = () => {}] of SAME) {
    it(`--resume and --record are told apart: ${name}`, async () => {
      const cwd = newFolder();
      prepare((path) => join(cwd, path));
      const before = readdirSync(cwd);
      const server = await three();
      const args = [server.url, '--resume', resume, '--record', record];
      assert.deepEqual(await ssekit(args, {cwd}), {code: 2, stdout: '', stderr: apart});
      assert.deepEqual(readdirSync(cwd), before);
      assert.equal(server.requests.length, 0);
      await server.stop();
    });
  }

  it('any other two names are two files', async () => {
    for (const record of ['a.new', 'a.lock', 'A-', '.a']) {
      const cwd = newFolder();
      const server = await three();
      const args = [server.url, '--resume', 'a', '--record', record, '--data'];
      const {code, stdout} = await ssekit(args, {cwd});
      assert.deepEqual([code, stdout], [0, 'event 1\nevent 2\nevent 3\n'], record);
      assert.deepEqual(eventsIn(join(cwd, record)), ['1', '2', '3']);
      assert.equal(readFileSync(join(cwd, 'a'), 'utf8'), '3');
      assert.deepEqual(readdirSync(cwd).sort(), ['a', record].sort());
      await server.stop();
    }
  });

  it('where the shell sends the output is not written to', async () => {
    const cwd = newFolder();
    const server = await three();
    const command = `${process.execPath} ${CLI}`;
    const [out, error] = ['standard output', 'standard error'];
    for (const [script, file, name] of [
      [`${command} ${server.url} --record f > f`, 'f', out],
      [`${command} ${server.url} --resume f > f`, 'f', out],
      [`${command} ${server.url} --record f 2> f`, 'f', error],
      [`${command} record ${server.url} f 2> f`, 'f', error],
      [`echo 'data: x\n' > f; ${command} parse f >> f`, 'f', out],
      [`echo 'data: x\n' > f; ${command} parse - < f >> f`, 'standard input', out],
    ]) {
      const {code, stderr} = await ssekit(['-c', script], {command: ['sh'], cwd});
      const said = name === error ? readFileSync(join(cwd, 'f'), 'utf8') : stderr;
      const message = `ssekit: ${file}: ${name} goes to the same file; choose another one\n`;
      assert.deepEqual([code, said], [1, message], script);
    }
    assert.equal(server.requests.length, 0);
    await server.stop();
  });

  it('a second process is told, whatever it calls the file; the first one goes on', async () => {
    const cwd = newFolder();
    symlinkSync('id', join(cwd, 'link'));
    const server = await open();
    const first = start([server.url, '--resume', 'id', '--record', 'log'], {cwd});
    await first.until((stdout) => stdout);
    linkSync(join(cwd, 'log'), join(cwd, 'hard'));
    const before = readFileSync(join(cwd, 'log'), 'utf8');
    for (const [option, file] of [
      ['--resume', 'id'],
      ['--resume', 'link'],
      ['--record', 'log'],
      ['--record', 'hard'],
      ['--record', './id'],
    ]) {
      assert.deepEqual(await ssekit([server.url, option, file], {cwd}), {
        code: 1,
        stdout: '',
        stderr: `ssekit: ${file}: another ssekit is writing to it; stop that one first\n`,
      });
    }
    assert.equal(server.requests.length, 1);
    assert.equal(readFileSync(join(cwd, 'log'), 'utf8'), before);
    assert.equal(readFileSync(join(cwd, 'id'), 'utf8'), '1');
    first.child.kill('SIGKILL');
    await first.ended;
    // nothing is left of a process that was killed
    const next = start([server.url, '--resume', 'id', '--record', 'log'], {cwd});
    await next.until((stdout) => stdout);
    assert.equal(server.requests[1].headers['last-event-id'], '1');
    next.child.kill();
    await next.ended;
    await server.stop();
  });

  it('a file that takes an inode over is no file of another process', async () => {
    const cwd = newFolder();
    const silent = await serve((_, response) => response.writeHead(200, SSE).flushHeaders());
    const server = await open();
    writeFileSync(join(cwd, 'id'), '');
    const {ino} = statSync(join(cwd, 'id'));
    const first = start([silent.url, '--resume', 'id'], {cwd});
    await first.until((_, stderr) => stderr.includes('connected')); // it has replaced the file
    assert.notEqual(statSync(join(cwd, 'id')).ino, ino);
    // most file systems give the number to the next file
    const names = Array.from({length: 20}, (_, n) => `${n}`);
    for (const name of names) writeFileSync(join(cwd, name), '');
    const heir = names.find((name) => statSync(join(cwd, name)).ino === ino) ?? '0';
    const next = start([server.url, '--record', heir], {cwd});
    await next.until((stdout) => stdout);
    for (const {child, ended} of [next, first]) {
      child.kill();
      await ended;
    }
    await Promise.all([silent.stop(), server.stop()]);
  });

  it('mode and links are kept, and a link to nothing is followed', async () => {
    const cwd = newFolder();
    const at = (name) => join(cwd, name);
    writeFileSync(at('id'), '');
    chmodSync(at('id'), 0o600);
    symlinkSync('new', at('link'));
    const server = await three();
    for (const name of ['id', 'link']) {
      assert.equal((await ssekit([server.url, '--resume', name], {cwd})).code, 0);
    }
    assert.equal(statSync(at('id')).mode & 0o7777, 0o600);
    assert.equal(lstatSync(at('link')).isSymbolicLink(), true);
    assert.deepEqual([readFileSync(at('id'), 'utf8'), readFileSync(at('new'), 'utf8')], ['3', '3']);
    await server.stop();
  });

  it('nothing is written through a link that was planted', async () => {
    const cwd = newFolder();
    const at = (name) => join(cwd, name);
    writeFileSync(at('precious'), 'precious');
    for (const planted of ['id.new', 'id.tmp', 'id~', 'id.lock'])
      symlinkSync('precious', at(planted));
    const server = await three();
    assert.equal((await ssekit([server.url, '--resume', 'id'], {cwd})).code, 0);
    assert.equal(readFileSync(at('precious'), 'utf8'), 'precious');
    assert.equal(readFileSync(at('id'), 'utf8'), '3');
    await server.stop();
  });

  it('what a kill -9 has left is cleared away, and nothing else', async () => {
    const cwd = newFolder();
    const others = [
      'id.0123456789ab',
      'id.0123456789ab.new.txt',
      'other.0123456789ab.new',
      'id.new',
    ];
    for (const name of ['id.0123456789ab.new', ...others]) writeFileSync(join(cwd, name), '7');
    const server = await three();
    assert.equal((await ssekit([server.url, '--resume', 'id'], {cwd})).code, 0);
    assert.deepEqual(readdirSync(cwd).sort(), ['id', ...others].sort());
    await server.stop();
  });

  it('a full disk keeps the ID that was there', async () => {
    const cwd = newFolder();
    writeFileSync(join(cwd, 'id'), '2');
    const server = await serve((_, response) =>
      response.writeHead(200, SSE).write(`id: ${'x'.repeat(9000)}\ndata: x\n\n`),
    );
    const script = 'ulimit -f 8; exec "$@"'; // blocks of 1,024 bytes
    const {code, stdout, stderr} = await ssekit(
      ['-c', script, 'sh', process.execPath, CLI, server.url, '--resume', 'id', '--data'],
      {command: ['bash'], cwd},
    );
    assert.deepEqual(
      [code, stdout, lines(stderr).at(-1)],
      [1, 'x\n', 'ssekit: id: file too large'],
    );
    assert.equal(readFileSync(join(cwd, 'id'), 'utf8'), '2');
    assert.deepEqual(readdirSync(cwd), ['id']);
    await server.stop();
  });

  it('a full disk takes nothing from a file that is added to', async () => {
    const cwd = newFolder();
    const server = await serve((_, response) =>
      response.writeHead(200, SSE).end(Array.from({length: 2000}, (_, n) => numbered(n)).join('')),
    );
    writeFileSync(join(cwd, 'log'), 'kept\n');
    const script = `ulimit -f 8; ${process.execPath} ${CLI} record ${server.url} - --once >> log`;
    const {code} = await ssekit(['-c', script], {command: ['bash'], cwd});
    assert.equal(code, 1);
    assert.match(readFileSync(join(cwd, 'log'), 'utf8'), /^kept\n: ssekit connection /);
    await server.stop();
  });

  it('what is no file for an ID is left alone', async () => {
    const cwd = newFolder();
    const server = await three();
    assert.deepEqual(await ssekit([server.url, '--resume', '/dev/null'], {cwd}), {
      code: 1,
      stdout: '',
      stderr:
        'ssekit: /dev/null: holds something other than one event ID and would be overwritten;'
        + ' choose another file for --resume\n',
    });
    symlinkSync('loop', join(cwd, 'loop'));
    for (const option of ['--resume', '--record']) {
      const {code, stderr} = await ssekit([server.url, option, 'loop'], {cwd});
      assert.deepEqual([code, lines(stderr).length], [1, 1]);
      assert.match(stderr, /^ssekit: loop: too many /);
    }
    assert.equal(existsSync(join(cwd, 'a')), false);
    await server.stop();
  });
});

// ── Times that a server sends ───────────────────────────────────────────────────────────────────

const OURS = /^: ssekit (?:connection )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n/gm;
const FORGED = '2999-01-01T00:00:00.000Z';

/** What a server sends, and how it is recorded, less the times. */
const MARKERS = [
  [`: ssekit ${FORGED}\n`, `: ssekit\\ ${FORGED}\n`],
  [`: ssekit connection ${FORGED}\n`, `: ssekit\\ connection ${FORGED}\n`],
  [`:ssekit ${FORGED}\n`, `:ssekit\\ ${FORGED}\n`],
  [`: ssekit\\ ${FORGED}\n`, `: ssekit\\\\ ${FORGED}\n`],
  [': ssekit\\\\ x\n', ': ssekit\\\\\\ x\n'],
  [`data: a\n: ssekit ${FORGED}\n\n`, `data: a\n: ssekit\\ ${FORGED}\n\n`],
  ...[
    ': ssekit\n',
    ': ssekits x\n',
    ':  ssekit x\n',
    ':\tssekit x\n',
    ': not ssekit x\n',
    'data: : ssekit x\n\n',
    `data: : ssekit ${FORGED}\n\n`,
    'ssekit x\n\n',
  ].map((text) => [text, text]),
];

describe('times in a recording', {concurrency: 3}, () => {
  for (const [name, end] of Object.entries({LF: '\n', CR: '\r', CRLF: '\r\n'})) {
    it(`no server forges one, and what it sent is served again: ${name}`, async () => {
      const endings = (text) => text.replaceAll('\n', end);
      const sent = endings(`${MARKERS.map(([text]) => text).join('')}id: 9\ndata: end\n\n`);
      const kept = endings(`${MARKERS.map(([, text]) => text).join('')}id: 9\ndata: end\n\n`);
      const half = sent.indexOf('ssekit', 200) + 3;
      const server = await serve(async (_, response) => {
        response.writeHead(200, SSE).write(sent.slice(0, half));
        setTimeout(() => response.end(sent.slice(half)), 20);
      });
      const file = join(newFolder(), 'log');
      assert.equal((await ssekit(['record', server.url, file, '--once'])).code, 0);
      const recorded = readFileSync(file, 'utf8');
      assert.equal(recorded.replace(OURS, ''), kept);
      const {url, stop} = await startReplay(file);
      assert.equal(await (await fetch(url)).text(), sent);
      assert.match(
        (await stop()).stderr,
        /^ssekit: .*\nssekit: serving \d events(?: over 0\.\d s)? from/,
      );
      await server.stop();
    });
  }

  it('in a log that is no recording, there are none', async () => {
    const file = join(newFolder(), 'log');
    const log = `data: a\n\n: ssekit 2000-01-01T00:00:00.000Z\n\n: ssekit ${FORGED}\nid: 1\ndata: b\n\n`;
    writeFileSync(file, log);
    const {url, stop} = await startReplay(file);
    assert.equal(await (await fetch(url)).text(), log);
    assert.match((await stop()).stderr, /serving 2 events from/);
    const {stdout} = await ssekit(['parse', '--pretty', file]);
    assert.equal(stdout, 'message\n  a\nmessage  #1\n  b\n');
  });
});
