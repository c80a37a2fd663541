// A benchmark that measures wrong work measures nothing: what is parsed, what each contender makes
// of it, and what the server sends. node --test bench/, after npm ci here and a build.

import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {CHUNKS, readArguments} from './arguments.mjs';
import {startServer} from './child.mjs';
import {clientsFor, loadClient} from './clients.mjs';
import {geometricMean, median, quantile, short} from './figures.mjs';
import {contenders, enter, faultOf, inputOf, load} from './contestants.mjs';
import {PEERS} from './peers.mjs';
import {bigEvent} from './scaling-cell.mjs';
import {eventsSent} from './server.mjs';
import {makeSink, tallyOf} from './sink.mjs';
import {bars, lines} from './svg.mjs';
import {cut, workload, WORKLOADS} from './workloads.mjs';
import {decodeText, interpret} from '../test/support/specification.mjs';

const OURS = new URL('../dist/sse.js', import.meta.url).href;
const PATH = fileURLToPath(OURS);
const decode = (chunks) => new TextDecoder().decode(Buffer.concat(chunks));

/** The events of a whole stream as the specification's own steps give them. */
function parse(text) {
  return interpret(decodeText(text)).events.map(({event, data, id}) => ({event, data, id}));
}

/** FNV-1a over all fields of all events: what is known here of each workload. */
function checksum(events) {
  let hash = 0x811c9dc5;
  for (const {event, data, id} of events) {
    const text = `${event}\0${data}\0${id}\n`;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

test('there is a build: node build.mjs', () => assert.ok(existsSync(PATH)));

/** Bytes, events and checksum of each workload at 64 kB: figures of one year are the next's. */
const EXPECTED = {
  openai: [65564, 228, '6d459679'],
  anthropic: [65634, 529, '9cc1624d'],
  tiny: [65538, 7282, '12c14cfb'],
  json: [66108, 50, '6fb9dd9d'],
  lines: [66197, 83, '04486b45'],
  crlf: [65620, 647, '8f7d88e8'],
  cjk: [65636, 628, '60f86ad6'],
  comments: [65555, 925, '97bcf9c1'],
};

test('the workloads are what they were', () => {
  const got = Object.fromEntries(
    Object.keys(WORKLOADS).map((name) => {
      const {bytes, events} = workload(name, 65536);
      return [name, [bytes.length, events.length, checksum(events)]];
    }),
  );
  assert.deepEqual(got, EXPECTED);
});

for (const name of Object.keys(WORKLOADS)) {
  test(`${name}: the specification's steps read what was meant`, () => {
    const {text, bytes, events, isASCII} = workload(name, 65536);
    assert.deepEqual(parse(text), events);
    assert.equal(isASCII, /^[\0-\x7f]*$/.test(text));
    for (const size of [1, 64, 1400, 0]) {
      const chunks = cut(bytes, size);
      assert.equal(decode(chunks), text);
      assert.ok(chunks.every(({length}, i) => length === size || i === chunks.length - 1));
    }
  });
}

test("the specification's steps, where the workloads do not go", () => {
  for (const [text, events] of [
    ['data: a\rdata\r\r', [['message', 'a\n', '']]],
    ['\ufeffid: 1\nevent: e\n\ndata:b\n\n', [['message', 'b', '1']]],
    ['data:  c:d\nid: x\0\nnone: 1\n\ndata: cut\n', [['message', ' c:d', '']]],
    ['data:\n\n', [['message', '', '']]],
  ]) {
    assert.deepEqual(
      parse(text),
      events.map(([event, data, id]) => ({event, data, id})),
      text,
    );
  }
});

/** Cells in which a peer is wrong: known, shown as such, and never timed. */
const KNOWN_FAULTS = [
  'fetch-event-source: comments', // gives an empty event for a comment on its own
  'parse-sse: crlf', // takes a CRLF cut in two for two ends of line
];

test('every contender gives every event of every workload, or is known not to', async () => {
  const faults = [];
  for (const each of contenders({ours: {ours: OURS}})) {
    const contender = await load(each);
    const wrongIn = new Set();
    for (const name of Object.keys(WORKLOADS)) {
      for (const chunk of CHUNKS) {
        const input = inputOf(name, chunk, 6000);
        if (input.kind === each.kind && (await faultOf(contender, input))) wrongIn.add(name);
      }
    }
    for (const name of wrongIn) faults.push(`${each.name}: ${name}`);
  }
  assert.deepEqual(faults, KNOWN_FAULTS);
});

test('a contender that is wrong is found out', async () => {
  const input = inputOf('json', 64, 6000);
  const [esp4] = contenders({ours: {}, peers: ['esp4']});
  const {run, sink} = await load(esp4);
  const planted = (change) =>
    faultOf({sink, run: (input, onEvent) => run(input, change(onEvent))}, input);
  assert.equal(await planted((onEvent) => onEvent), undefined);
  assert.match(await planted(() => () => {}), /0 events/);
  assert.match(
    await planted(
      (onEvent) =>
        ({data, id}) =>
          onEvent({data: data + ' ', id}),
    ),
    /0 is/,
  );
  assert.match(
    await planted(
      (onEvent) =>
        ({data}) =>
          onEvent({data, id: ''}),
    ),
    /0 is/,
  );
  assert.match(
    await planted(
      (onEvent) =>
        ({data, id}) =>
          onEvent({data, id, event: 'x'}),
    ),
    /0 is/,
  );
  assert.match(await planted(() => () => JSON.parse('')), /throws/);
});

test('a contestant goes through all sizes, and a peer that is wrong through none', async () => {
  const task = {workload: 'comments', chunks: [64, 0], slice: 1, warm: 1, part: 1 / 64};
  const [ours] = contenders({ours: {ours: OURS}, forms: ['push'], peers: []});
  const [wrong] = contenders({ours: {}, peers: ['fetch-event-source']});
  const {report, measure} = await enter({...task, contender: ours});
  assert.deepEqual(Object.keys(report), ['0', '64']);
  assert.ok((await measure(64)) > 0 && (await measure(0)) > 0);
  const {report: peer} = await enter({...task, contender: wrong});
  assert.match(peer[64].wrong, /events/);
});

test('the sink tells events apart', () => {
  const sums = ['a', 'b', 'ab', 'abc'].map((data) => tallyOf([{data}]).sum);
  assert.equal(new Set(sums).size, 4);
  const [one, two] = [
    [{data: 'a'}, {data: 'b'}],
    [{data: 'b'}, {data: 'a'}],
  ].map(tallyOf);
  assert.equal(one.count, 2);
  assert.notEqual(one.sum, two.sum);
  const {tally, onEvent, keep, take, reset} = makeSink();
  keep();
  onEvent({data: 'x', type: 't', lastEventId: 7});
  onEvent({data: 'y'}, 'u');
  assert.deepEqual(take(), [
    {event: 't', data: 'x', id: '7'},
    {event: 'u', data: 'y', id: ''},
  ]);
  reset();
  assert.deepEqual(tally, {count: 0, sum: 0});
});

test('one big event, of any size, however cut', () => {
  for (const shape of ['line', 'lines']) {
    for (const size of [1024, 5000, 65536]) {
      for (const chunk of [64, 1400, 16384]) {
        const {chunks, bytes, length} = bigEvent(shape, size, chunk);
        const [event, ...more] = parse(decode(chunks));
        assert.deepEqual(more, []);
        assert.equal(event.data.length, length);
        assert.match(event.data, /^[x\n]+$/);
        assert.equal(Buffer.concat(chunks).length, bytes);
        assert.ok(bytes <= size && bytes > size - 62, `${bytes} of ${size}`);
      }
    }
  }
});

test('figures', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([1, 2, 3, 4, 5], 0.25), 2);
  assert.ok(Math.abs(geometricMean([2, 0.5, 4]) - 4 ** (1 / 3)) < 1e-12);
  assert.deepEqual([0.987654, 12.345, 1234.5, undefined].map(short), [
    '0.99',
    '12.3',
    '1,235',
    '–',
  ]);
});

test('arguments', () => {
  const {chunks, peers, ours} = readArguments([
    '--chunk',
    '64,16k,whole,text,100',
    '--peer',
    'openai',
    '--ours',
    `new=${PATH}`,
  ]);
  assert.deepEqual(chunks, [64, 16384, 0, 'text', 100]);
  assert.deepEqual(peers, ['floor', 'esp4', 'openai']);
  assert.deepEqual(ours, {new: OURS});
  assert.equal(readArguments([]).peers, undefined);
  assert.deepEqual(Object.keys(readArguments([]).ours), ['ssekit']);
  assert.equal(readArguments([]).runtime.name, 'node26');
  assert.deepEqual(Object.keys(PEERS).slice(0, 2), ['floor', 'esp4']);
});

let server;
before(async () => (server = await startServer(30_000)));
after(() => server.end());

for (const client of clientsFor({ours: {ssekit: OURS}})) {
  const {name, label, isDrain, givesContent} = client;
  test(`over a network: ${label}`, async (t) => {
    if (name === 'undici' && parseInt(process.versions.node, 10) < 22)
      return t.skip('needs Node 22');
    const follow = await loadClient(client);
    if (follow === 'not in this build') return t.skip(follow);
    assert.equal(typeof follow, 'function', follow);
    const chunks = [];
    for (const path of ['bulk', 'single']) {
      const {tally, onEvent} = makeSink();
      await follow(`${server.origin}/${path}?events=2000`, onEvent, 2000);
      if (isDrain) chunks.push(tally.count);
      else assert.deepEqual(tally, tallyOf(eventsSent(2000, givesContent)));
    }
    if (isDrain) assert.ok(chunks[0] > 5 && chunks[1] > chunks[0], `${chunks}`);
  });
}

test('charts hold their figures, whatever the names', () => {
  const chart = bars({
    title: 'T & <t>',
    subtitle: 's',
    show: short,
    mark: 1,
    most: 8,
    rows: [
      {label: 'a<b', value: 1, kind: 'ours'},
      {label: 'c', value: 80, kind: 'peer', note: '(n)'},
    ],
  });
  for (const part of ['T &#38; &#60;t&#62;', 'a&#60;b', '>1.00<', '>80.0 (n)<']) {
    assert.ok(chart.includes(part), part);
  }
  const plot = lines({
    title: 't',
    subtitle: 's',
    showX: String,
    showY: String,
    series: [
      {
        label: 'l',
        points: [
          [1, 0.5],
          [1000, 20],
        ],
      },
    ],
  });
  assert.match(plot, /<polyline points="56,[\d.]+ 506,[\d.]+"/);
  assert.doesNotMatch(chart + plot, /NaN|undefined|Infinity/);
});
