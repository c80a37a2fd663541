// `ssekit parse` of a part of a file, and by several threads: the same bytes as in one go. The rules
// of cutting, and random files: test/fuzz/parts.mjs.

import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, it} from 'node:test';
import {gzipSync} from 'node:zlib';
import {scratch, ssekit, start} from './run.mjs';
import {randomFrom} from '../support/random.mjs';

const cwd = scratch();
const parse = (...args) => ssekit(['parse', ...args], {cwd});

/** Text of a file, and into how many parts it is cut; each also with CRLF and with CR. */
const FILES = {
  'ids that persist': [`id: 1\nretry: 5\ndata: a\n\n${'data: b\n\n'.repeat(9)}id\ndata: c\n\n`, 5],
  'an id without an event': ['id: 1\n\ndata: a\n\nid: 2\n\n\ndata: b\n\n', 4],
  'an id that is none': ['id: 1\n\nid: 2\0\nretry: x\nretry: 7\n\ndata: a\n\ndata: b\n\n', 4],
  'a byte order mark at the start': ['\ufeffid: 1\ndata: a\n\ndata: b\n\n', 3],
  'and one within': ['data: a\n\n\ufeffdata: b\n\ndata: c\n\n', 3],
  'comments alone': [': a\n\n: b\n\n:\n\n', 3],
  'blank lines alone': ['\n'.repeat(9), 4],
  'a block that is longer than a part': [`data: a\n\n${'data: b\n'.repeat(50)}\ndata: c\n\n`, 5],
  'an unfinished last block': [`${'data: a\n\n'.repeat(4)}id: 9\ndata: b\n`, 3],
  'no block at all': ['data: a\ndata: b\n', 3],
  'more parts than bytes': ['data\n\n', 5],
  'characters of several bytes': ['data: 🎂ä€\n\n'.repeat(6), 4],
  nothing: ['', 2],
};

describe('parse --part', {concurrency: 3}, () => {
  for (const [name, [text, count]] of Object.entries(FILES)) {
    it(name, async () => {
      for (const [at, end] of ['\n', '\r\n', '\r'].entries()) {
        const file = `${name.replaceAll(' ', '-')}-${at}`;
        writeFileSync(join(cwd, file), text.replaceAll('\n', end));
        const whole = await parse(file);
        const parts = await Promise.all(
          Array.from({length: count}, (_, part) => parse(file, '--part', `${part + 1}/${count}`)),
        );
        assert.equal(parts.map(({stdout}) => stdout).join(''), whole.stdout);
        assert.deepEqual(
          parts.map(({code}) => code),
          Array(count).fill(0),
        );
        const jobs = await parse(file, '--jobs', '2');
        assert.deepEqual(jobs, whole);
        const remarks = parts.map(({stderr}) => stderr);
        const due = /middle of an event|before the blank line/.test(whole.stderr);
        assert.equal(remarks.filter(Boolean).length, due ? 1 : 0, remarks.join(''));
      }
    });
  }

  it('what holds at its beginning, as it was said', async () => {
    writeFileSync(join(cwd, 'given'), 'id: 1\nretry: 5\ndata: a\n\ndata: b\n\n');
    const line = (id, retry) => `{"event":"message","data":"b","id":"${id}"${retry}}\n`;
    for (const [options, id, retry] of [
      [[], '1', ',"retry":5'],
      [['--last-event-id', '7'], '7', ',"retry":5'],
      [['--last-event-id', ''], '', ',"retry":5'],
      [['--retry', '9'], '1', ',"retry":9'],
      [['--retry='], '1', ''],
      [['--retry', '9', '--last-event-id', 'x"y'], 'x\\"y', ',"retry":9'],
    ]) {
      const {stdout} = await parse('given', '--part', '2/2', ...options);
      assert.equal(stdout, line(id, retry), options.join(' '));
    }
  });

  it('damage is where it is in the file; what is sound before it is printed', async () => {
    const text = `${'data: a\r\n\r\n'.repeat(6)}data: b\r\nwrong\r\n\r\ndata: c\r\n\r\n`;
    writeFileSync(join(cwd, 'damaged'), text);
    const whole = await parse('damaged', '--strict', '--data');
    const at = text.indexOf('wrong');
    assert.equal(
      whole.stderr,
      `ssekit: damaged: byte ${at}, line 14: neither a field nor a comment: "wrong"\n`,
    );
    const parts = await Promise.all(
      [1, 2, 3].map((n) => parse('damaged', '--strict', '--data', '--part', `${n}/3`)),
    );
    assert.deepEqual(
      parts.map(({code, stderr}) => [code, stderr]),
      [
        [0, ''],
        [0, ''],
        [1, whole.stderr],
      ],
    );
    assert.equal(parts.map(({stdout}) => stdout).join(''), whole.stdout);
  });

  it('the times of a recording', async () => {
    const time = (n) => `: ssekit ${n === 1 ? 'connection ' : ''}2026-01-0${n}T00:00:00.000Z\n`;
    const text = `${time(1)}data: a\n\ndata: b\n\n${time(2)}data: c\n\ndata: d\n\n`;
    for (const [name, content] of [
      ['recorded', text],
      ['not-recorded', `data: x\n\n${text}`],
    ]) {
      writeFileSync(join(cwd, name), content);
      const whole = await parse(name, '--pretty');
      const parts = await Promise.all(
        [1, 2, 3, 4].map((n) => parse(name, '--pretty', '--part', `${n}/4`)),
      );
      assert.equal(parts.map(({stdout}) => stdout).join(''), whole.stdout);
      assert.equal(/2026/.test(whole.stdout), name === 'recorded');
    }
  });
});

// ── Jobs ────────────────────────────────────────────────────────────────────────────────────────

/** MB of text in blocks of every kind; ids and reconnection times come now and then, and hold. */
function longText(megabytes) {
  const pieces = [];
  const random = randomFrom(1);
  for (let size = 0, n = 0; size < megabytes * 1e6; n++) {
    const end = ['\n', '\r\n', '\r'][(n >> 12) % 3];
    const lines = [`data: {"n":${n},"text":"${'wörd '.repeat(random(20))}"}`];
    if (!random(30_000)) lines.push(`id: ${n}`);
    if (!random(60_000)) lines.push(`retry: ${n}`);
    if (!random(9)) lines.unshift('event: step');
    if (!random(9)) lines.unshift(': a comment');
    if (!random(200_000)) lines.push(`data: ${'x'.repeat(1e6)}`);
    pieces.push(`${lines.join(end)}${end}${end}`);
    size += pieces.at(-1).length;
  }
  return pieces.join('');
}

const hash = (text) => createHash('sha256').update(text).digest('hex');

describe('parse --jobs', {concurrency: 1}, () => {
  const text = longText(14);
  writeFileSync(join(cwd, 'long'), text);

  it('the same as one, in every format, and in parts', async () => {
    for (const options of [[], ['--data'], ['--event', 'step'], ['--strict']]) {
      const one = await parse('long', ...options);
      for (const jobs of ['2', '3']) {
        const several = await parse('long', ...options, '--jobs', jobs);
        assert.deepEqual(
          [hash(several.stdout), several.stderr, several.code],
          [hash(one.stdout), one.stderr, one.code],
        );
      }
      const parts = [];
      for (const part of ['1/2', '2/2']) {
        parts.push(await parse('long', ...options, '--part', part, '--jobs', '2'));
      }
      assert.equal(hash(parts.map(({stdout}) => stdout).join('')), hash(one.stdout));
    }
  });

  it('several files, one after the other', async () => {
    writeFileSync(join(cwd, 'short'), 'data: s\n\n');
    const one = await parse('long', 'short', '--data');
    const two = await parse('long', 'short', '--data', '--jobs', '2');
    assert.deepEqual([hash(two.stdout), two.code], [hash(one.stdout), 0]);
  });

  it('the first error ends it, with what came before', async () => {
    for (const at of [1e6, 6e6, 13e6]) {
      const seam = text.indexOf('\n\n', at) + 2;
      const broken = `${text.slice(0, seam)}data: x\nwrong\n\n${text.slice(seam)}data: y\nworse\n\n`;
      writeFileSync(join(cwd, 'broken'), broken);
      const one = await parse('broken', '--strict');
      const several = await parse('broken', '--strict', '--jobs', '3');
      assert.equal(one.code, 1);
      assert.deepEqual([several.code, several.stderr], [1, one.stderr]);
      assert.equal(hash(several.stdout), hash(one.stdout));
    }
  });

  it('an event above the limit', async () => {
    const large = `${text.slice(0, text.indexOf('\n\n', 9e6) + 2)}data: ${'x'.repeat(68e6)}\n\n`;
    writeFileSync(join(cwd, 'large'), large);
    const one = await parse('large', '--data');
    const several = await parse('large', '--data', '--jobs', '2');
    assert.match(one.stderr, /maxEventSize/);
    assert.deepEqual([several.code, several.stderr], [1, one.stderr]);
    assert.equal(hash(several.stdout), hash(one.stdout));
  });

  it('a reader that leaves, and one that is slow', async () => {
    const {child, ended} = start(['parse', 'long', '--jobs', '3'], {cwd});
    child.stdout.once('data', () => child.stdout.destroy());
    const {code, stderr} = await ended;
    assert.deepEqual([code, stderr], [0, '']);
    const slow = start(['parse', 'long', '--data', '--jobs', '3'], {cwd});
    slow.child.stdout.pause();
    await new Promise((resolve) => setTimeout(resolve, 500)); // longer than all of it takes
    slow.child.stdout.resume();
    const one = await parse('long', '--data');
    assert.equal(hash((await slow.ended).stdout), hash(one.stdout));
  });

  it('Ctrl-C, and a kill -9, end all of it', async () => {
    for (const signal of ['SIGINT', 'SIGKILL']) {
      const {child, until, ended} = start(['parse', 'long', '--jobs', '3'], {cwd});
      await until((stdout) => stdout.length > 1e5);
      child.kill(signal);
      assert.equal((await ended).code, signal);
    }
  });

  it('what takes much more room than the file', async () => {
    // an ID of 20 kB holds for 20,000 events: 400 MB out of 180 kB, three times over
    const id = 'i'.repeat(20_000);
    writeFileSync(join(cwd, 'grows'), `id: ${id}\n\n${'data\n\n'.repeat(2_000_000)}`);
    const {child, ended} = start(['parse', 'grows', '--jobs', '3'], {cwd});
    let size = 0;
    child.stdout.removeAllListeners('data');
    child.stdout.on('data', (chunk) => {
      size += chunk.length;
      if (size > 4e8) child.stdout.destroy();
    });
    let peak = 0;
    const look = setInterval(() => (peak = Math.max(peak, residentOf(child.pid))), 20);
    const {code} = await ended;
    clearInterval(look);
    assert.equal(code, 0);
    assert.ok(size > 4e8);
    if (process.platform === 'linux') assert.ok(peak > 1e7 && peak < 3e8, `${peak} B`);
  });
});

function residentOf(pid) {
  try {
    return 1024 * /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
  } catch {
    return 0; // it has ended
  }
}

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────

describe('parse: parts and jobs of what has none', () => {
  writeFileSync(join(cwd, 'packed.gz'), gzipSync('data: a\n\n'));
  writeFileSync(join(cwd, 'a.har'), '{"log":{"entries":[]}}');
  writeFileSync(join(cwd, 'archive'), '\ufeff { "log": {"entries":[]}}');
  writeFileSync(join(cwd, 'a.log'), 'data: a\n\n');
  mkdirSync(join(cwd, 'folder'));
  const see = ' (see ssekit --help)';
  const form = '--part must be I/N, part I of N parts, not';
  const ROWS = [
    [['a.log', '--part', '0/3'], 2, `${form} '0/3'${see}`],
    [['a.log', '--part', '4/3'], 2, `${form} '4/3'${see}`],
    [['a.log', '--part', '1'], 2, `${form} '1'${see}`],
    [['a.log', '--part', '1/2/3'], 2, `${form} '1/2/3'${see}`],
    [['a.log', '--part', '-1/3'], 2, `${form} '-1/3'${see}`],
    [['a.log', 'a.log', '--part', '1/2'], 2, `--part takes one file${see}`],
    [['--part', '1/2'], 2, `--part reads a file at several places, not standard input${see}`],
    [['-', '--jobs', '2'], 2, `--jobs reads a file at several places, not standard input${see}`],
    [['a.log', '--jobs', '0'], 2, `--jobs must be an integer from 1 to 256, not '0'${see}`],
    [['a.log', '--jobs', 'x'], 2, `--jobs must be an integer from 1 to 256, not 'x'${see}`],
    [['a.log', '--retry', '5'], 2, `--last-event-id and --retry need --part${see}`],
    [
      ['a.log', '--part', '1/2', '--retry', 'x'],
      2,
      `--retry must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}, not 'x'${see}`,
    ],
    [
      ['packed.gz', '--part', '1/2'],
      1,
      'packed.gz: is compressed, which --part cannot cut; unpack it first',
    ],
    [
      ['packed.gz', '--jobs', '2'],
      1,
      'packed.gz: is compressed, which --jobs cannot cut; unpack it first',
    ],
    [
      ['a.har', '--part', '1/2'],
      1,
      'a.har: is an HTTP archive, which --part cannot cut; unpack it first',
    ],
    [
      ['archive', '--jobs', '2'],
      1,
      'archive: is an HTTP archive, which --jobs cannot cut; unpack it first',
    ],
    [['folder', '--part', '1/2'], 1, 'folder: is not a file that --part can cut'],
    [['none', '--part', '1/2'], 1, 'none: no such file or directory'],
  ];
  for (const [args, status, said] of ROWS) {
    it(args.join(' '), async () => {
      assert.deepEqual(await parse(...args), {
        code: status,
        stdout: '',
        stderr: `ssekit: ${said}\n`,
      });
    });
  }
});
