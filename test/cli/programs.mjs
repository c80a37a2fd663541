// node test/cli/programs.mjs: the command line together with programs that we did not write:
// a terminal, jq, nginx with nchan, an LLM API. First: node build.mjs,
// bash test/cli/install.sh, bash test/integration/install.sh, npm ci in test/ and test/integration.
// Resets sockets: root.

import assert from 'node:assert/strict';
import {mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {EventSource} from '../../dist/sse.js';
import {resetSockets, serverPort, startNginx} from '../integration/nginx.mjs';
import {freePort, start as startProgram} from '../integration/processes.mjs';
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
  stopAll,
} from './run.mjs';

after(stopAll);
const folder = scratch();
symlinkSync(CLI, join(folder, 'ssekit'));
const PATH = `${folder}:${process.env.PATH}`;
const bash = (script, env = {}) =>
  ssekit(['-c', `set -o pipefail\n${script}`], {
    command: ['bash'],
    cwd: folder,
    env: {PATH, ...env},
  });
const quote = (text) => `'${text}'`;

// ── Other runtimes ──────────────────────────────────────────────────────────────────────────────

const RUNTIMES = {
  'Node 26': ['node26/bin/node'],
  Bun: ['bun/bin/bun'],
  Deno: ['deno/deno', 'run', '-A'],
};

for (const [name, [path, ...args]] of Object.entries(RUNTIMES)) {
  const command = [join(ROOT, 'test/node_modules', path), ...args, CLI];
  test(`${name}: one writer for a file, and after a kill -9 the next one`, async () => {
    const cwd = join(folder, name.replace(' ', ''));
    mkdirSync(cwd);
    const server = await serve((_, response) => response.writeHead(200, SSE).write(numbered(1)));
    const files = ['--resume', 'id', '--record', 'log'];
    for (const turn of [1, 2]) {
      const first = start([server.url, ...files, '--data'], {command, cwd});
      await first.until((stdout) => stdout === 'event 1\n');
      for (const [option, file] of [files.slice(0, 2), files.slice(2)]) {
        assert.deepEqual(await ssekit([server.url, option, file], {command, cwd}), {
          code: 1,
          stdout: '',
          stderr: `ssekit: ${file}: another ssekit is writing to it; stop that one first\n`,
        });
      }
      first.child.kill('SIGKILL');
      await first.ended;
      assert.equal(server.requests.length, turn);
    }
    assert.equal(readFileSync(join(cwd, 'id'), 'utf8'), '1');
    await server.stop();
  });

  test(`${name}: an archive, the wrong file, a wrong option`, async () => {
    const content = {mimeType: 'text/event-stream', text: 'data: x\n\n'};
    const archive = JSON.stringify({log: {entries: [{response: {content}}]}});
    for (const [given, input, expected] of [
      [['parse', '--data'], archive, {code: 0, stdout: 'x\n', stderr: ''}],
      [
        ['parse'],
        '{"a":1}\n',
        {
          code: 0,
          stdout: '',
          stderr: 'ssekit: standard input: has no events: it looks like JSON: {"a":1}\n',
        },
      ],
      [
        ['parse', '--evnet', 'x'],
        '',
        {
          code: 2,
          stdout: '',
          stderr: 'ssekit: unknown option --evnet; did you mean --event? (see ssekit --help)\n',
        },
      ],
    ]) {
      assert.deepEqual(await ssekit(given, {command, input}), expected);
    }
  });

  test(`${name}: a large log by several threads, and in parts`, async () => {
    const log = join(folder, 'large.log');
    const event = (n) => `${n % 50_000 ? '' : `id: ${n}\n`}data: {"n":${n},"text":"é"}\n\n`;
    writeFileSync(log, Array.from({length: 400_000}, (_, n) => event(n)).join('')); // 3 units
    const {stdout} = await ssekit(['parse', log]);
    for (const given of [
      ['--jobs', '2'],
      ['--part', '1/2'],
      ['--part', '2/2', '--jobs', '3'],
    ]) {
      const result = await ssekit(['parse', log, ...given], {command});
      assert.deepEqual([result.code, result.stderr], [0, '']);
      const isPart = given[0] === '--part';
      const isFirst = given[1] === '1/2';
      const {length} = result.stdout;
      assert.ok(isPart ? length < 0.6 * stdout.length : length === stdout.length);
      const due = isFirst ? stdout.slice(0, length) : stdout.slice(-length);
      assert.ok(result.stdout === due, given.join(' ')); // too long to be shown
    }
  });

  test(`${name}: a copy, edited, restored`, async () => {
    const cwd = join(folder, `${name.replace(' ', '')}-vendor`);
    mkdirSync(cwd);
    const vendor = async (...args) => {
      const {code, stdout} = await ssekit(['vendor', ...args], {command, cwd});
      return [code, stdout.replaceAll(/\d+\.\d+\.\d+/g, 'VERSION')];
    };
    const line = `import {asyncConnect} from './sse.ts'; // for a file in a\n`;
    assert.deepEqual(await vendor('a'), [0, line]);
    const text = readFileSync(join(cwd, 'a/sse.ts'), 'utf8');
    writeFileSync(join(cwd, 'a/sse.ts'), text.replace('Ten sections', 'All sections'));
    const path = 'a/sse.ts: ssekit VERSION';
    assert.deepEqual(await vendor('--check'), [10, `${path}, edited: line 11\n`]);
    const restored = 'a/sse.ts: restored, VERSION\n';
    assert.deepEqual(await vendor('--update', '--force'), [0, restored]);
    assert.deepEqual(await vendor('--check'), [0, `${path}, as released\n`]);
  });
}

// ── A terminal ──────────────────────────────────────────────────────────────────────────────────

/** What the command writes to a terminal (of script(1)): standard output and error together. */
async function onTerminal(command, env) {
  const inner = command.replaceAll(`'`, `'\\''`);
  const {code, stdout} = await bash(`script -qec '${inner}' /dev/null`, {
    TERM: 'xterm',
    NO_COLOR: undefined,
    ...env,
  });
  return {code, text: stdout.replaceAll('\r\n', '\n')};
}

// What acts on a terminal: colours set by others, titles, cursor moves, C1, text turned around.
const HOSTILE = '\x1b[2J\x1b]0;owned\x07 \x9b31m \u202etxt \x7f\b\u2028';
const NEUTRAL = '\\u001b[2J\\u001b]0;owned\\u0007 \\u009b31m \\u202etxt \\u007f\\u0008\\u2028';

test('a terminal: for people, in colours', async () => {
  writeFileSync(join(folder, 'colour.log'), 'id: 7\nevent: step\ndata: {"a":[1,"x"]}\n\n');
  assert.deepEqual(await onTerminal('ssekit parse colour.log'), {
    code: 0,
    text: [
      '\x1b[1mstep\x1b[0m  \x1b[33m#7\x1b[0m',
      '  {',
      '    \x1b[36m"a"\x1b[0m: [',
      '      \x1b[35m1\x1b[0m,',
      '      \x1b[32m"x"\x1b[0m',
      '    ]',
      '  }',
      '',
    ].join('\n'),
  });
  const plain = 'step  #7\n  {\n    "a": [\n      1,\n      "x"\n    ]\n  }\n';
  for (const env of [{NO_COLOR: '1'}, {TERM: 'dumb'}]) {
    assert.deepEqual(await onTerminal('ssekit parse colour.log', env), {code: 0, text: plain});
  }
  assert.equal(
    (await onTerminal('ssekit parse --no-pretty colour.log')).text,
    '{"event":"step","data":"{\\"a\\":[1,\\"x\\"]}","id":"7"}\n',
  );
});

test('a terminal: no stranger steers it', async () => {
  const log = `id: ${HOSTILE}\nevent: ${HOSTILE}\ndata: ${HOSTILE}\ndata: ["${HOSTILE}"]\n\n`;
  writeFileSync(join(folder, 'hostile.log'), log);
  const id = `#${NEUTRAL}`;
  assert.equal(
    (await onTerminal('ssekit parse hostile.log', {NO_COLOR: '1'})).text,
    `${NEUTRAL}  ${id}\n  ${NEUTRAL}\n  ["${NEUTRAL}"]\n`,
  );
  assert.equal(
    (await onTerminal('ssekit parse --data hostile.log')).text,
    `${NEUTRAL}\n["${NEUTRAL}"]\n`,
  );
  const {text} = await onTerminal('ssekit parse --no-pretty hostile.log');
  assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
  assert.deepEqual(JSON.parse(text), {
    event: HOSTILE,
    data: `${HOSTILE}\n["${HOSTILE}"]`,
    id: HOSTILE,
  });
  const refusing = await serve((_, response) => response.writeHead(500).end(HOSTILE));
  const {code, text: said} = await onTerminal(`ssekit ${refusing.url}`);
  assert.deepEqual(
    [code, said.endsWith(`answered 500: ${NEUTRAL.replace(/\\u2028$/, '')}\n`)],
    [1, true],
    said,
  );
});

test('a terminal: a bar while a file is parsed, figures while a stream is followed', async () => {
  writeFileSync(join(folder, 'bar.log'), numbered(1).repeat(1_000_000));
  const {code, text} = await onTerminal('ssekit parse bar.log > bar.out');
  assert.equal(code, 0);
  const [, ...drawn] = text.split('\r\x1b[K');
  assert.match(drawn[0], /^\[#* *\] +\d+ % {2}bar\.log$/);
  assert.equal(drawn.at(-1), ''); // it is gone in the end
  const slow = await serve(async (_, response, __, count) => {
    if (count > 1) return response.writeHead(204).end();
    response.writeHead(200, SSE);
    response.write('retry: 10\n');
    for (let n = 1; n < 25; n++) {
      response.write(numbered(n));
      await sleep(100);
    }
    response.end();
  });
  const followed = await onTerminal(`ssekit ${slow.url} --stats --data`);
  assert.equal(followed.code, 0);
  assert.match(
    followed.text,
    /\r\x1b\[K\d+ events, \d+ B, 0 reconnections, \d+\.\d events\/s, last byte 0\.\d s ago\r\x1b\[K/,
  );
  assert.match(followed.text, /ssekit: 24 events, \d+ B, 1 reconnection in 2\.\d s\n$/);
  assert.deepEqual(
    lines(followed.text.replace(/\r\x1b\[K[^\r\n]*(?=\r)|\r\x1b\[K/g, '')).filter((line) =>
      line.startsWith('event'),
    ),
    Array.from({length: 24}, (_, at) => `event ${at + 1}`),
  );
});

// ── Programs beside it ──────────────────────────────────────────────────────────────────────────

test('jq reads the lines, zstd is unpacked or says how', async () => {
  const log = join(ROOT, 'examples/recorded.log');
  const stdout = [...new EventSource(readFileSync(log, 'utf8'))]
    .map(({data}) => `${data}\n`)
    .join('');
  const cutOff = (name) =>
    `ssekit: ${name}: ends in the middle of an event, which is left out: event: log\n`;
  assert.deepEqual(await bash(`ssekit parse ${quote(log)} | jq -r .data`), {
    code: 0,
    stdout,
    stderr: cutOff(log),
  });
  assert.deepEqual(await bash(`zstd -qc ${quote(log)} | zstd -dqc | ssekit parse --data`), {
    code: 0,
    stdout,
    stderr: cutOff('standard input'),
  });
});

// ── Real servers ────────────────────────────────────────────────────────────────────────────────

/** On a connection of its own. */
const post = (url, body) =>
  new Promise((resolve, reject) => {
    request(url, {method: 'POST', agent: false}, (response) =>
      response.resume().once('end', resolve),
    )
      .once('error', reject)
      .end(body);
  });

const NCHAN_KILLS = 6;

/** An nginx with one channel of nchan, which keeps its messages. */
function startNchan(port) {
  return startNginx({
    port,
    modules: ['ngx_nchan_module.so'],
    http: `
    server {
      listen 127.0.0.1:${port};
      location = /publish { nchan_publisher http; nchan_channel_id a;
        nchan_message_buffer_length 10000; nchan_message_timeout 1h; }
      location = /events { nchan_subscriber eventsource; nchan_channel_id a;
        nchan_subscriber_first_message oldest; }
    }`,
  });
}

/** Publishes 0, 1, … and, once it may, the end after a hundred of them. */
async function publishNumbers(sent, publish, mayEnd) {
  while (sent.at(-1) !== 'the end') {
    sent.push(sent.length % 100 || !mayEnd() ? `${sent.length}` : 'the end');
    await publish(sent.at(-1));
    await sleep(2);
  }
}

/** Does one thing after the other. */
function makeQueue() {
  let last = Promise.resolve();
  return (work) => {
    last = last.then(work);
    return last;
  };
}

test('nchan: sockets reset, the command killed (-9): nothing lost, the recording whole', async (t) => {
  const port = await serverPort();
  const nginx = await startNchan(port);
  t.after(nginx.stop);
  let [resets, kills, isOver] = [0, 0, false];
  const sent = [];
  const inTurn = makeQueue(); // a reset must not hit a message that is being published
  const publish = (text) => inTurn(() => post(`${nginx.url}/publish`, text));
  const publishing = publishNumbers(sent, publish, () => kills === NCHAN_KILLS);
  const record = join(folder, 'nchan.rec');
  const files = ['--resume', join(folder, 'nchan.id'), '--record', record];
  const got = [];
  while (!isOver) {
    const {child, ended, until} = start([`${nginx.url}/events`, ...files, '--until', 'the end']);
    await until((stdout) => stdout);
    if (kills < NCHAN_KILLS) {
      await sleep(100); // events are coming
      if (kills % 2) {
        resets += await inTurn(() => resetSockets(port));
        await until((_, stderr) => /retrying/.test(stderr));
      }
      child.kill('SIGKILL');
    }
    const {code, stdout} = await ended;
    assert.ok(code === 0 || code === 'SIGKILL', code);
    if (code) kills++;
    else isOver = true;
    got.push(...objects(stdout));
  }
  await publishing;
  assert.deepEqual([...new Set(got.map(({data}) => data))], sent);
  assert.ok(got.length <= sent.length + kills && kills === NCHAN_KILLS && resets >= 3, `${resets}`);
  const recorded = [...new EventSource(readFileSync(record, 'utf8'))].map(({data}) => data);
  assert.deepEqual([...new Set(recorded)], sent);
  console.log(
    `nchan: ${sent.length} events, ${resets} resets, ${kills} kills,`
      + ` ${got.length - sent.length} twice`,
  );
});

test('an LLM API: --json, --until', async (t) => {
  const port = await freePort();
  const program = join(ROOT, 'test/integration/node_modules/@copilotkit/aimock/dist/cli.js');
  const mock = await startProgram(
    process.execPath,
    [program, '-p', port, '-f', join(ROOT, 'test/integration/llm.json'), '--log-level', 'warn'],
    {port},
  );
  t.after(() => mock.stop());
  const body = JSON.stringify({
    model: 'any',
    stream: true,
    messages: [{role: 'user', content: 'the whole answer'}],
  });
  const url = `http://127.0.0.1:${port}/v1/chat/completions`;
  const asked = `ssekit ${url} -H 'Authorization: Bearer sk-test' --json '${body}'`;
  assert.deepEqual(
    await bash(
      `${asked} --data --until '[DONE]' 2> llm.err | grep -v DONE
    | jq -j '.choices[0].delta.content // ""'`.replace('\n', ' '),
    ),
    {
      code: 0,
      stderr: '',
      stdout: 'Grüße, 世界! 😀\n\ndata: [DONE]\r\nevent: "fake"\u2028id: 7\u0085 the end.',
    },
  );
  // recorded and replayed, it costs nothing
  await bash(`${asked} --until '[DONE]' --record llm.rec > first.out`);
  const replayed = start(['replay', join(folder, 'llm.rec'), '--port', '0', '--speed', '0']);
  await replayed.until((stdout) => stdout.endsWith('\n'));
  const again = asked.replace(url, replayed.stdout().trim());
  assert.equal(
    (await bash(`${again} --until '[DONE]' > second.out; cmp first.out second.out`)).code,
    0,
  );
  replayed.child.kill();
  await replayed.ended;
});
