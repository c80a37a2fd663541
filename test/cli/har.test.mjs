// HTTP archives: rows of them in every cutting, archives at random beside JSON.parse, and the
// built command over large ones.

import assert from 'node:assert/strict';
import {closeSync, mkdirSync, openSync, writeFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {before, describe, it} from 'node:test';
import {pathToFileURL} from 'node:url';
import {gzipSync} from 'node:zlib';
import {build} from 'esbuild';
import {EventSource} from '../../dist/sse.js';
import {CLI, objects, ROOT, scratch, ssekit} from './run.mjs';

const folder = scratch();

/** The module by itself: the command shows neither cuts nor what is handed on when. */
let streamsOfHAR;
before(async () => {
  const sse = pathToFileURL(join(ROOT, 'dist/sse.js')).href;
  const library = {
    name: 'library',
    setup: ({onResolve}) => {
      onResolve({filter: /\/sse\.ts$/}, () => ({path: sse, external: true}));
    },
  };
  const {
    outputFiles: [{text}],
  } = await build({
    entryPoints: [join(ROOT, 'cli/har.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [library],
    write: false,
  });
  ({streamsOfHAR} = await import(`data:text/javascript,${encodeURIComponent(text)}`));
});

/** Events as [id, type, data], what people are told, and the failure. */
async function read(chunks, files = {}) {
  const events = [];
  const notes = [];
  let failure;
  const attached = (file) => {
    if (!(file in files)) throw new Error(`${file}: is not there`);
    return [Buffer.from(files[file])];
  };
  try {
    const around = {attached, note: (text) => notes.push(text)};
    for await (const stream of streamsOfHAR('a.har', chunks, around)) {
      for await (const {id, event, data} of EventSource.from(stream.chunks)) {
        events.push([id, event, data]);
      }
    }
  } catch (error) {
    failure = error.message;
  }
  return {events, notes, failure};
}

/** Each chunk is overwritten when the next one is asked for, as by a reader with one buffer. */
function* cutting(bytes, sizes) {
  const buffer = Buffer.alloc(bytes.length);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.min(bytes.length - at, sizes[turn % sizes.length]);
    bytes.copy(buffer, 0, at, at + size);
    yield buffer.subarray(0, size);
    buffer.fill(0x2a);
    at += size;
  }
}

const SSE = 'text/event-stream';
const base64 = (text) => Buffer.from(text).toString('base64');
const entry = (content, more = {}) => ({
  request: {url: 'http://x/'},
  response: {headers: [], content},
  ...more,
});
const archive = (...entries) => ({log: {version: '1.2', entries}});
const LONG = 'é€😀\\"/\b\f\n\r\t\u0007\u2028'.repeat(3);
const DATA = `id: 1\ndata: ${LONG.replace(/[\r\n]/g, '')}\n\n`;
const READ = [['1', 'message', LONG.replace(/[\r\n]/g, '')]];
const NONE = (count) => `a.har: has no event stream among its ${count}`;
const message = (id, data, more = {}) => ({
  time: 1.7e9,
  eventName: 'message',
  eventId: id,
  data,
  ...more,
});

/** Name, archive (an object or JSON), events, notes, the failure, files beside it. */
const ROWS = [
  ['text', archive(entry({mimeType: SSE, text: DATA})), READ],
  ['parameters, capitals', archive(entry({mimeType: ' Text/Event-Stream ;x=y', text: DATA})), READ],
  [
    'another type',
    archive(entry({mimeType: 'text/event-streams', text: DATA})),
    [],
    [NONE('1 response')],
  ],
  ['no entry', archive(), [], [NONE('0 responses')]],
  [
    'base64, said before',
    archive(entry({mimeType: SSE, encoding: 'base64', text: base64(DATA)})),
    READ,
  ],
  [
    'base64, said after',
    archive(entry({mimeType: SSE, text: base64(DATA), encoding: 'base64'})),
    READ,
  ],
  [
    'base64 in lines',
    archive(
      entry({mimeType: SSE, encoding: 'base64', text: base64(DATA).replace(/.{20}/g, '$&\r\n')}),
    ),
    READ,
  ],
  [
    'base64 in lines, said after',
    archive(
      entry({mimeType: SSE, text: base64(DATA).replace(/.{20}/g, '$&\r\n'), encoding: 'base64'}),
    ),
    READ,
  ],
  [
    'letters that are no base64',
    archive(entry({mimeType: SSE, text: 'data\n\n'})),
    [['', 'message', '']],
  ],
  [
    'a message without an ID, and one without data',
    archive({
      ...entry({mimeType: SSE}),
      _eventSourceMessages: [
        message('1', 'a'),
        {eventName: 'x', data: 'b'},
        {eventName: 'y', eventId: '3'},
      ],
    }),
    [
      ['1', 'message', 'a'],
      ['1', 'x', 'b'],
    ],
    ['a.har, entry 0 (http://x/): message 2 cannot be an event; left out'],
  ],
  [
    'text that begins like base64',
    archive(entry({mimeType: SSE, text: `data\n\n${DATA}`})),
    [['', 'message', ''], ...READ],
  ],
  [
    'type in the headers',
    archive({
      response: {
        headers: [{name: 'Content-Type', value: SSE}],
        content: {mimeType: 'x-unknown', text: DATA},
      },
    }),
    READ,
  ],
  [
    'type in the headers, after the text',
    archive({response: {content: {text: DATA}, headers: [{value: SSE, name: 'content-type'}]}}),
    READ,
  ],
  ['type after the text', archive(entry({text: DATA, mimeType: SSE})), READ],
  [
    'another type after the text',
    archive(entry({text: DATA, mimeType: 'text/plain'})),
    [],
    [NONE('1 response')],
  ],
  [
    'not saved',
    archive(entry({mimeType: SSE})),
    [],
    ['a.har, entry 0 (http://x/): its body was not saved'],
  ],
  [
    'empty',
    archive(entry({mimeType: SSE, text: ''})),
    [],
    ['a.har, entry 0 (http://x/): its body was not saved'],
  ],
  [
    'a text that is none',
    archive(entry({mimeType: SSE, text: {a: [1]}})),
    [],
    ['a.har, entry 0 (http://x/): its body was not saved'],
  ],
  [
    'messages of Chrome',
    archive({
      _eventSourceMessages: [
        message('1', 'a\nb'),
        message('2', '{}', {eventName: 'x'}),
        message('2', ''),
      ],
      ...entry({mimeType: SSE, text: ''}),
    }),
    [
      ['1', 'message', 'a\nb'],
      ['2', 'x', '{}'],
      ['2', 'message', ''],
    ],
  ],
  [
    'messages after an empty text',
    archive({...entry({mimeType: SSE}), _eventSourceMessages: [message('7', 'x')]}),
    [['7', 'message', 'x']],
  ],
  [
    'messages and text: what comes first',
    archive(
      {_eventSourceMessages: [message('7', 'x')], ...entry({mimeType: SSE, text: DATA})},
      {...entry({mimeType: SSE, text: DATA}), _eventSourceMessages: [message('7', 'x')]},
    ),
    [['7', 'message', 'x'], ...READ],
  ],
  [
    'messages that are none',
    archive({
      ...entry({mimeType: SSE}),
      _eventSourceMessages: [
        message('1', 'a', {eventName: 'x\ny'}),
        message('\0', 'b'),
        null,
        message('4', 'd'),
      ],
    }),
    [['4', 'message', 'd']],
    [0, 1, 2].map((n) => `a.har, entry 0 (http://x/): message ${n} cannot be an event; left out`),
  ],
  [
    'a file beside it',
    archive(entry({mimeType: SSE, _file: 'b/c.dat'})),
    READ,
    [],
    undefined,
    {'b/c.dat': DATA},
  ],
  ...['/etc/passwd', '../x', 'a/../../x', 'C:\\x', '..\\x', 'a\0'].map((file) => [
    `a file elsewhere: ${file}`,
    archive(entry({mimeType: SSE, _file: file})),
    [],
    [],
    `a.har, entry 0 (http://x/): the body's file is not beside the archive: ${file}`,
  ]),
  [
    'what is around',
    `\ufeff \n{"a":[{},[[]],1e400,null],"log":{"b":"\\u0022","entries":[null,1,"x",[],{"response":null},${JSON.stringify(entry({mimeType: SSE, text: DATA}))}]},"__proto__":{}} \n`,
    READ,
  ],
  [
    'half pairs',
    `{"log":{"entries":[{"response":{"content":{"mimeType":"${SSE}","text":"data: \\ud83dx\\ude00\\ud83d\\ud83d\\ude00\\n\\n"}}}]}}`,
    [['', 'message', '\ufffdx\ufffd\ufffd😀']],
  ],
  ['no archive', '{}', [], [], 'a.har: is not an HTTP archive (HAR): it has no array log.entries'],
  [
    'entries that are none',
    '{"log":{"entries":{}}}',
    [],
    [],
    'a.har: is not an HTTP archive (HAR): it has no array log.entries',
  ],
  ['an array', '[]', [], [], 'a.har: is not an HTTP archive (HAR): it has no array log.entries'],
  ['no JSON', 'data: x\n\n', [], [], 'a.har: not valid JSON at byte 4'],
  ['more than JSON', '{"log":{"entries":[]}} x', [], [], 'a.har: not valid JSON at byte 23'],
  ['a wrong escape', '{"a":1,"\\x":1}', [], [], 'a.har: not valid JSON at byte 9'],
  ['nothing', '', [], [], 'a.har: the JSON is cut off after 0 bytes'],
  ['no comma', '{"log":{"entries":[{} {}]}}', [], [], 'a.har: not valid JSON at byte 22'],
];

describe('archives', () => {
  for (const [name, given, events, notes = [], failure, files] of ROWS) {
    it(name, async () => {
      const bytes = Buffer.from(typeof given === 'string' ? given : JSON.stringify(given));
      const sizes = [[bytes.length || 1], [1], [2, 3, 1], [7], [64, 1]];
      for (let at = 1; at < Math.min(bytes.length, 400); at++) sizes.push([at, bytes.length]);
      for (const size of sizes) {
        assert.deepEqual(
          await read(cutting(bytes, size), files),
          {events, notes, failure},
          `${size}`,
        );
      }
    });
  }

  it('cut off anywhere: what came before is out', async () => {
    const bytes = Buffer.from(JSON.stringify(archive(entry({mimeType: SSE, text: DATA}))));
    for (let length = 0; length < bytes.length; length++) {
      const {events, failure} = await read([bytes.subarray(0, length)]);
      assert.equal(failure, `a.har: the JSON is cut off after ${length} bytes`);
      assert.deepEqual(events, READ.slice(0, events.length));
    }
  });

  it('a long text of base64 alone is taken for it, and people are told if it is not said', async () => {
    const long = 'id: 1\ndata: x\n\n'.repeat(10_000);
    for (const [encoding, notes] of [
      ['base64', []],
      [undefined, ['a.har, entry 0 (http://x/): its body looks like base64, and was read as that']],
    ]) {
      const json = JSON.stringify(archive(entry({mimeType: SSE, text: base64(long), encoding})));
      const {events, ...rest} = await read(cutting(Buffer.from(json), [10_000, 7]));
      assert.deepEqual([events.length, rest], [10_000, {notes, failure: undefined}]);
    }
  });

  it('the source is closed when nobody asks for more', async () => {
    let isClosed = false;
    const json = Buffer.from(JSON.stringify(archive(entry({mimeType: SSE, text: DATA.repeat(9)}))));
    const source = (function* () {
      try {
        yield* cutting(json, [100]);
      } finally {
        isClosed = true;
      }
    })();
    for await (const _ of streamsOfHAR('a.har', source, {attached: () => [], note: () => {}}))
      break;
    assert.equal(isClosed, true);
  });

  it('a million levels, and long keys and numbers', async () => {
    const deep = `${'['.repeat(1e6)}${']'.repeat(1e6)}`;
    const json =
      `{"${'k'.repeat(1e6)}":${deep},"n":${'1'.repeat(1e6)},"log":{"entries":[`
      + `${JSON.stringify(entry({mimeType: SSE, text: DATA}))}]}}`;
    assert.deepEqual(await read([Buffer.from(json)]), {
      events: READ,
      notes: [],
      failure: undefined,
    });
  });
});

// ── At random ───────────────────────────────────────────────────────────────────────────────────

/** mulberry32: the same numbers each time, from 0 to 1. */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Archives with keys in any order and escapes of any kind, and the events in them. */
class RandomArchive {
  events = [];
  #random;

  constructor(seed) {
    this.#random = randomOf(seed);
    const entries = this.#many([0, 1, 3], () => this.#entry());
    const log = this.#shuffled({version: '1.2', pages: [{id: this.#text()}], entries});
    this.json = this.#escaped(JSON.stringify({log}, undefined, this.#pick(0, 1, '\t')));
  }

  chance(share) {
    return this.#random() < share;
  }

  upTo(most) {
    return 1 + Math.floor(this.#random() * most);
  }

  #pick(...items) {
    return items[Math.floor(this.#random() * items.length)];
  }

  #many(counts, make) {
    return Array.from({length: this.#pick(...counts)}, (_, at) => make(at));
  }

  #shuffled(object) {
    const pairs = Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map((pair) => ({pair, place: this.#random()}))
      .sort((one, other) => one.place - other.place);
    return Object.fromEntries(pairs.map(({pair}) => pair));
  }

  #text() {
    const long = 'x'.repeat(40);
    const word = () => this.#pick('a', 'é', '"', '\\', '😀', '\u2028', '{', ':', '\t', long);
    return this.#many([0, 1, 5], word).join('');
  }

  #entry() {
    const isStream = this.chance(0.6);
    const type = isStream ? SSE : this.#pick('text/html', 'application/json');
    const isInHeader = this.chance(0.4);
    const typed = isInHeader ? [this.#shuffled({name: 'content-type', value: type})] : [];
    return this.#shuffled({
      request: {url: `http://x/${this.#text()}`, postData: {text: this.#text()}},
      response: this.#shuffled({
        status: 200,
        headers: [{name: 'x', value: this.#text()}, ...typed],
        content: this.#content(isStream, isInHeader ? this.#pick('', 'x-unknown') : type),
        cookies: [[[this.#text()]]],
      }),
      time: this.#random(),
    });
  }

  #content(isStream, mimeType) {
    const body = this.#many([0, 1, 4], (n) => `id: ${n}\ndata: ${this.#text()}\n\n`).join('');
    for (const {id, event, data} of isStream ? new EventSource(body) : []) {
      this.events.push([id, event, data]);
    }
    const encoding = this.chance(0.4) ? 'base64' : undefined;
    return this.#shuffled({mimeType, encoding, text: encoding ? base64(body) : body, size: 7});
  }

  #escaped(json) {
    return json.replace(/[^\x20-\x7e\n\t]/g, (unit) => {
      if (!/[\ud800-\udfff]/.test(unit) && this.chance(0.5)) return unit;
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
  }
}

describe('archives at random', () => {
  it('give what JSON.parse gives', async () => {
    let total = 0;
    for (let seed = 1; seed <= 1500; seed++) {
      const archive = new RandomArchive(seed);
      const {json, events} = archive;
      JSON.parse(json); // it is JSON
      const sizes = Array.from({length: 5}, () => archive.upTo(60));
      const {events: got, failure} = await read(cutting(Buffer.from(json), sizes));
      assert.deepEqual([failure, got], [undefined, events], `seed ${seed}`);
      total += got.length;
    }
    assert.ok(total > 1000, `${total}`);
  });
});

// ── The command ─────────────────────────────────────────────────────────────────────────────────

describe('the command and archives', {concurrency: 2}, () => {
  const small = JSON.stringify(archive(entry({mimeType: SSE, text: DATA})));
  const line = {event: 'message', data: READ[0][2], id: '1'};

  it('by name, by its looks, compressed, on standard input, with a file beside it', async () => {
    const sub = join(folder, 'sub');
    mkdirSync(sub);
    writeFileSync(join(sub, 'body.dat'), DATA);
    const file = (name, content) => {
      writeFileSync(join(sub, name), content);
      return join(sub, name);
    };
    const attached = JSON.stringify(archive(entry({mimeType: SSE, _file: 'body.dat'})));
    for (const [args, input] of [
      [[file('a.har', small)]],
      [[file('a.HAR.gz', gzipSync(small))]],
      [[file('a.txt', small)]],
      [[file('b.har', attached)]],
      [['-'], small],
      [['-'], `\n ${JSON.stringify(JSON.parse(small), undefined, 2)}`],
      [['-'], gzipSync(small)],
    ]) {
      const {code, stdout, stderr} = await ssekit(['parse', ...args], {input});
      assert.deepEqual([code, objects(stdout), stderr], [0, [line], ''], `${args}`);
    }
  });

  it('an archive without a stream, and a text that is no archive: one line', async () => {
    const none = join(folder, 'none.har');
    writeFileSync(none, JSON.stringify(archive(entry({mimeType: 'text/html', text: 'x'}))));
    assert.deepEqual(await ssekit(['parse', none]), {
      code: 0,
      stdout: '',
      stderr: `ssekit: ${none}: has no event stream among its 1 response\n`,
    });
    const strict = await ssekit(['parse', '--strict', none]);
    assert.equal(strict.code, 1);
    writeFileSync(none, '{"logs":{}}');
    assert.equal((await ssekit(['parse', none])).code, 1);
  });

  it('times of messages are shown, and replayed', async () => {
    const file = join(folder, 'times.har');
    const messages = [message('1', 'a'), message('2', 'b', {time: 1.7e9 + 3600})];
    writeFileSync(file, JSON.stringify(archive({_eventSourceMessages: messages})));
    const {stdout} = await ssekit(['parse', '--pretty', file]);
    assert.equal(
      stdout,
      '2023-11-14T22:13:20.000Z  message  #1\n  a\n2023-11-14T23:13:20.000Z  message  #2\n  b\n',
    );
  });

  it('300 MB, most of it pictures, in little memory', async () => {
    const file = join(folder, 'big.har');
    const fd = openSync(file, 'w');
    const picture = JSON.stringify(
      entry({mimeType: 'image/png', text: 'iVBO'.repeat(5e6), encoding: 'base64'}),
    );
    const [start, end] = JSON.stringify(entry({mimeType: SSE, text: '*'})).split('*');
    const block = JSON.stringify('id: 1\ndata: 0123456789\n\n'.repeat(4000)).slice(1, -1);
    writeSync(fd, '{"log":{"entries":[');
    for (let n = 0; n < 10; n++) {
      writeSync(fd, `${picture},${start}`);
      for (let m = 0; m < 90; m++) writeSync(fd, block);
      writeSync(fd, `${end},`);
    }
    writeSync(fd, '{}]}}');
    closeSync(fd);
    const report = join(ROOT, 'test/cli/memory.mjs');
    const {code, stdout, stderr} = await ssekit(['parse', file, '--event', 'none'], {
      command: [process.execPath, '--import', report, CLI],
    });
    assert.deepEqual([code, stdout], [0, '']);
    const [, peak] = /^peak (\d+) MB$/m.exec(stderr);
    assert.ok(peak < 150, `${peak} MB`);
  });
});
