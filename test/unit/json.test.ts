// Sections 2, 6 and 9 of sse.ts: JSON that must fit a schema, and jsonLines(). Schemas of real
// libraries are tried in test/examples/; those here have the shape alone.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EventSource, jsonLines, SSEError, SSEEvent} from '../../sse.ts';
import {
  ASYNC,
  AWAITING,
  BLOCKING,
  boom,
  each,
  jsonOf,
  KINDS,
  loopOf,
  next,
  POST,
  scripted,
  settled,
  stream,
} from '../support/clients.ts';
import {assertError, caught, rejected} from '../support/errors.ts';
import {all, binary, bytesOf, type Chunk, later, streamOf} from '../support/events.ts';

type Path = readonly (PropertyKey | {readonly key: PropertyKey})[];

/** Standard Schema v1: the double of a number, or issues. */
const schemaOf = (validate: (value: any) => any): any => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(this: unknown, value: unknown) {
      assert.ok(Object(this).vendor === 'test', 'called as a method');
      return validate(value);
    },
  },
});
const check = (value: any) =>
  typeof value === 'number'
    ? {value: value * 2}
    : {
        value, // as some libraries have it beside
        issues: [
          {message: 'no number', path: ['a', {key: 0}] as Path},
          {message: 'no\u202e good'},
          {message: 'c'},
        ],
      };
const DOUBLE = schemaOf(check);
const LATER = schemaOf(async (value) => {
  await Promise.resolve();
  return check(value);
});
const NONE = schemaOf((value) => ({value: value > 1 ? value : undefined}));

const noSchemas: any[] = [null, 5, 'string', {}, {'~standard': {}}, () => true];

describe('schemas', () => {
  test('event.json(schema)', () => {
    assert.equal(new SSEEvent('a', '2').json(DOUBLE), 4);
    const error = caught(() => new SSEEvent('a', '"x"').json(DOUBLE));
    assertError(error, 'SSEError', 'json');
    assert.equal(
      error.message,
      'Data of event "a" does not fit its schema: a.0: no number (and 2 more): "\\"x\\""',
    );
    assert.deepEqual(error.issues, check('x').issues);
    assert.equal(error.cause, undefined);
  });

  test('event.json(schema): what is no JSON has no issues', () => {
    const error = caught(() => new SSEEvent('a', '{').json(DOUBLE));
    assertError(error, 'SSEError', 'json', 'is not JSON', '"{"');
    assert.ok(error.cause instanceof SyntaxError);
    assert.equal(error.issues, undefined);
  });

  test('a message of the schema acts on no terminal', () => {
    const schema = schemaOf(() => ({issues: [{message: '\x1b[2J\u202e', path: ['\x07']}]}));
    const {message} = caught(() => new SSEEvent('a', '1').json(schema));
    assert.match(message, /: \\u0007: \\u001b\[2J\\u202e: "1"$/);
  });

  test('event.json(schema): an asynchronous one is a TypeError', () => {
    const error = caught(() => new SSEEvent('a', '1').json(LATER));
    assert.match(`${error}`, /^TypeError: `schema` returned a promise: only `for await` over json/);
  });

  for (const schema of noSchemas) {
    test(`what is no schema: ${typeof schema} ${JSON.stringify(schema)}`, () => {
      const rule = /^TypeError: schema must be a Standard Schema/;
      const given: any = {schema};
      const {client} = scripted(ASYNC, []);
      for (const run of [
        () => EventSource.from('').json(given),
        () => client.json(given),
        () => jsonLines('', given),
        () => new SSEEvent('a', '1').json(schema),
      ]) {
        assert.match(`${caught(run)}`, rule);
      }
    });
  }

  const DATA = ['data: 1\n\n', ': ping\n\ndata\n\n', 'data: 2\n\ndata: 3\n\ndata: [DONE]\n\n', '!'];

  test('source.json({schema})', async () => {
    for (const [schema, expected] of [
      [DOUBLE, [2, 4, 6]],
      [NONE, [2, 3]],
    ] as const) {
      const sync = EventSource.from(DATA).json({schema});
      assert.deepEqual([...sync], expected);
      assert.deepEqual(await all(sync), expected);
      assert.deepEqual(await all(EventSource.from(later(DATA)).json({schema})), expected);
    }
    assert.deepEqual(await all(EventSource.from(DATA).json({schema: LATER})), [2, 4, 6]);
    assert.deepEqual(await all(EventSource.from(later(DATA)).json({schema: LATER})), [2, 4, 6]);
  });

  test('source.json({schema}): what does not fit ends the loop, after what does', async () => {
    const data = 'data: 1\n\ndata: "x"\n\ndata: 2\n\n';
    for (const schema of [DOUBLE, LATER]) {
      const values: unknown[] = [];
      const error = await rejected(async () => {
        for await (const value of EventSource.from(later([data])).json({schema})) {
          values.push(value);
        }
      });
      assertError(error, 'SSEError', 'json', 'a.0: no number');
      assert.deepEqual([values, error.issues.length], [[2], 3]);
    }
  });

  test('an asynchronous schema in the blocking loop is a TypeError', () => {
    const {message} = caught(() => [...EventSource.from(DATA).json({schema: LATER})]);
    assert.match(message, /^`schema` returned a promise/);
  });

  test('a value that has a `then` is a value', async () => {
    const schema = schemaOf((value) => ({value}));
    const data = 'data: {"then": 1}\n\n';
    assert.deepEqual(await all(EventSource.from(data).json({schema})), [{then: 1}]);
    assert.deepEqual(await all(EventSource.from(data).json()), [{then: 1}]);
  });

  test('what the schema throws, or rejects with, ends the loop as it is', async () => {
    const throwing = schemaOf(() => {
      throw boom;
    });
    const rejecting = schemaOf(() => Promise.reject(boom));
    for (const schema of [throwing, rejecting]) {
      const loop = () => all(EventSource.from(later(DATA)).json({schema}));
      assert.equal(await rejected(loop), boom);
    }
    assert.equal(
      caught(() => [...EventSource.from(DATA).json({schema: throwing})]),
      boom,
    );
  });

  each(KINDS, 'null is a value', async (kind) => {
    const data = 'data: null\n\ndata: 1\n\ndata: null\n\n';
    const {client} = scripted(kind, [stream(data)]);
    assert.deepEqual(await jsonOf(kind, client.json()), [null, 1, null]);
    assert.deepEqual(await jsonOf(kind, EventSource.from(data).json()), [null, 1, null]);
  });

  each(KINDS, 'client.json({schema})', async (kind) => {
    const {client, script} = scripted(kind, [stream(...DATA)]);
    assert.deepEqual(await jsonOf(kind, client.json({schema: DOUBLE})), [2, 4, 6]);
    assert.deepEqual([script.open, client.state], [0, 'idle']);
  });

  each(
    AWAITING,
    'client.json({schema}), asynchronous: in order, over reconnections',
    async (kind) => {
      const steps = [stream('data: 1\n\ndata: 2\n\n', 'data: 3\n\n'), stream('data: 4\n\n')];
      const {client} = scripted(kind, steps);
      const values = client.json({schema: LATER});
      const loop = values[Symbol.asyncIterator]();
      const found = await Promise.all(Array.from({length: 5}, () => loop.next()));
      assert.deepEqual(
        found.map(({value}) => value),
        [2, 4, 6, 8, undefined],
      );
    },
  );

  each(AWAITING, 'until: the last value is checked and handed out', async (kind) => {
    const options = {...POST, until: ({data}: SSEEvent) => data === '2'};
    const {client} = scripted(kind, [stream('data: 1\n\ndata: 2\n\ndata: 3\n\n')], options);
    assert.deepEqual(await jsonOf(kind, client.json({schema: LATER})), [2, 4]);
  });

  for (const end of ['close', 'return', 'abort', 'reconnect'] as const) {
    each(AWAITING, `${end} while a schema is waited for`, async (kind) => {
      const controller = new AbortController();
      let finish = (_: unknown) => {};
      const schema = schemaOf(() => new Promise((resolve) => (finish = resolve)));
      const steps = [stream('data: 1\n\n', 'data: 2\n\n'), stream('data: 3\n\n')];
      const {client, script} = scripted(kind, steps, {signal: controller.signal});
      const loop = client.json({schema})[Symbol.asyncIterator]();
      const wait = loop.next().catch((error: unknown) => ({error}));
      assert.equal(await settled(wait), 'pending');
      if (end === 'close') void client.close();
      if (end === 'return') void loop.return();
      if (end === 'abort') controller.abort(boom);
      if (end === 'reconnect') {
        client.reconnect(); // what has come is handed out all the same
        finish({value: 9});
        assert.deepEqual(await wait, {done: false, value: 9});
        await loop.return();
        return;
      }
      const expected = end === 'abort' ? {error: boom} : {done: true, value: undefined};
      assert.deepEqual(await settled(wait), expected);
      finish({value: 9});
      assert.deepEqual(script.open, 0);
    });
  }

  test('a schema that never settles: the loop over a source can be left', async () => {
    const schema = schemaOf(() => new Promise(() => {}));
    const loop: any = EventSource.from(later(DATA)).json({schema})[Symbol.asyncIterator]();
    const wait = loop.next();
    assert.equal(await settled(wait), 'pending');
    await loop.return();
    assert.deepEqual(await settled(wait), {done: true, value: undefined});
  });
});

// ── jsonLines ─────────────────────────────────────────────────────────────────────────────────

const RS = '\x1e';
const rows: [what: string, text: string, ...values: unknown[]][] = [
  ['JSON Lines', '{"a":1}\n[2]\n"é"\nnull\n', {a: 1}, [2], 'é', null],
  ['no end of line after the last', '1\n2', 1, 2],
  ['blank lines', '\n1\n\n \t\n2\n\n', 1, 2],
  ['white space around a value', ' 1 \n\t{"a" : 2}\n', 1, {a: 2}],
  ['a byte order mark', '\ufeff1\n', 1],
  ['U+2028 ends no line', '"a\u2028b"\n', 'a\u2028b'],
  ['an escaped LF ends no line', '"a\\nb"\n', 'a\nb'],
  ['nothing', ''],
  ['blank lines alone', '\n\n'],
  ['a text sequence', `${RS}{"a":1}\n${RS}2\n`, {a: 1}, 2],
  ['a text sequence over lines', `${RS}{\n"a":\n1\n}\n${RS}[\n]\n`, {a: 1}, []],
  ['a text sequence without the last LF', `${RS}1\n${RS}{}`, 1, {}],
  ['empty texts of a sequence', `${RS}${RS}1\n${RS}\n${RS}`, 1],
  ['a blank line before a sequence', `\n${RS}1\n`, 1],
];

function cutsOf(text: string): Chunk[][] {
  const bytes = bytesOf(text);
  const halves = <T extends Chunk>(whole: T) =>
    Array.from({length: whole.length + 1}, (_, at) => [whole.slice(0, at), whole.slice(at)]);
  return [
    [text],
    [bytes],
    [...text],
    Array.from(bytes, (byte) => Uint8Array.of(byte)),
    ...halves(text),
    ...halves(bytes),
  ];
}

/** The values, and the error that ended the loop. */
async function ended(source: any, options?: any) {
  const values: unknown[] = [];
  let error: any;
  try {
    for await (const value of jsonLines(source, options)) values.push(value);
  } catch (caught) {
    error = caught;
  }
  return {values, error};
}

describe('jsonLines', () => {
  for (const [what, text, ...values] of rows) {
    test(what, async () => {
      for (const end of ['\n', '\r\n']) {
        const input = text.replaceAll('\n', end);
        for (const chunks of cutsOf(input)) {
          const shown = JSON.stringify(chunks.map(String));
          assert.deepEqual([...jsonLines(chunks)], values, shown);
          assert.deepEqual(await all(jsonLines(later(chunks))), values, shown);
        }
        assert.deepEqual([...jsonLines(input)], values);
        assert.deepEqual([...jsonLines(bytesOf(input))], values);
        assert.deepEqual(await all(jsonLines(streamOf([bytesOf(input)]))), values);
        assert.deepEqual(await all(jsonLines(new Blob([input]))), values);
        assert.deepEqual(await all(jsonLines(new Response(input))), values);
      }
    });
  }

  const wrong: [what: string, text: string, count: number, ...words: string[]][] = [
    ['a bad line', '1\n\n2\n{"a":\n3\n', 2, 'Line 4 is not JSON', '"{\\"a\\":"'],
    ['the last one, cut', '1\n{"a', 1, 'Line 2, which has no end of line, is not JSON'],
    ['a page', '<!doctype html>\n', 0, 'Line 1 is not JSON', '<!doctype html>'],
    ['JSON over lines', '{\n"a": 1\n}\n', 0, 'Line 1 is not JSON', '"{"'],
    ['CR alone ends no line', '1\r2\r', 0, 'Line 1'],
    ['two values in a line', '1 2\n', 0, 'Line 1 is not JSON'],
    ['a text of a sequence', `${RS}1\n${RS}{"a":\n${RS}3\n`, 1, 'Record 2 is not JSON'],
    ['after blank lines', `\n\n${RS}x\n`, 0, 'Record 1 is not JSON'],
    ['a number that may be cut', `${RS}1\n${RS}12${RS}3\n`, 1, 'Record 2', 'may be cut'],
    ['at the end', `${RS}1\n${RS}tru`, 1, 'Record 2 is not JSON'],
    ['at the end, what is JSON', `${RS}1\n${RS}true`, 1, 'Record 2', 'may be cut'],
  ];
  for (const [what, text, count, ...words] of wrong) {
    test(`an error names it: ${what}`, async () => {
      for (const chunks of cutsOf(text)) {
        const {values, error} = await ended(later(chunks));
        assert.equal(values.length, count, 'those before it are handed out');
        assertError(error, 'SSEError', 'json', ...words);
        const again = caught(() => [...jsonLines(chunks)]);
        assert.equal(again.message, error.message);
      }
    });
  }

  test('maxEventSize: of one value, however it is cut', async () => {
    for (const [text, name] of [
      ['1\n"12345"\n"123456"\n', 'Line 3'],
      [`${RS}1\n${RS}"1234"\n${RS}"123456"\n`, 'Record 3'],
    ] as const) {
      for (const chunks of cutsOf(text)) {
        const {values, error} = await ended(later(chunks), {maxEventSize: 7});
        assert.equal(values.length, 2);
        assertError(error, 'SSEError', 'limit', name, 'maxEventSize is 7');
      }
    }
  });

  test('a line that never ends is given up in time, in linear time', () => {
    let chunks = 0;
    function* endless() {
      for (; chunks < 1000; chunks++) yield 'x'.repeat(1000);
    }
    const error = caught(() => [...jsonLines(endless(), {maxEventSize: 50_000})]);
    assertError(error, 'SSEError', 'limit', 'Line 1');
    assert.equal(chunks, 50);
  });

  test('many lines of one piece of bytes, beyond what is decoded at a time', () => {
    const values = Array.from({length: 20_000}, (_, n) => ({n, text: 'é'.repeat(n % 50)}));
    const bytes = bytesOf(values.map((value) => JSON.stringify(value)).join('\n'));
    assert.ok(bytes.length > 1_000_000);
    assert.deepEqual([...jsonLines(bytes)], values);
  });

  test('what is cut within a character', async () => {
    const {values, error} = await ended([binary('"\xc3\xa9"\n"\xc3')]);
    assert.deepEqual(values, ['é']);
    assertError(error, 'SSEError', 'json', 'Line 2, which has no end of line');
  });

  test('schema', async () => {
    assert.deepEqual([...jsonLines('1\n2\n', {schema: DOUBLE})], [2, 4]);
    assert.deepEqual(await all(jsonLines('1\n2\n', {schema: LATER})), [2, 4]);
    const error = caught(() => [...jsonLines('1\n"x"\n', {schema: DOUBLE})]);
    assertError(error, 'SSEError', 'json', 'Line 2 does not fit its schema: a.0: no number');
    assert.equal(error.issues.length, 3);
    assert.throws(() => [...jsonLines('1\n', {schema: LATER})], /returned a promise/);
  });

  test('a response: its status is checked, and 204 is empty', async () => {
    const refused = await ended(new Response('busy', {status: 503}));
    assertError(refused.error, 'SSEHTTPError', 'http', '503');
    assert.deepEqual(await all(jsonLines(new Response(null, {status: 204}))), []);
    for (const type of ['application/x-ndjson', 'application/jsonl', 'application/json-seq']) {
      const headers = {'content-type': type};
      assert.deepEqual(await all(jsonLines(new Response('1\n', {headers}))), [1]);
    }
  });

  test('what gets it instead of an event stream names it', async () => {
    const headers = {'content-type': 'application/x-ndjson'};
    const source = EventSource.from(new Response('1\n', {headers}));
    assertError(
      await rejected(() => all(source)),
      'SSEResponseError',
      'content-type',
      'jsonLines()',
    );
    const {client} = scripted(ASYNC, [{type: 'application/jsonl', body: ['1\n']}]);
    assertError(
      await rejected(() => all(client)),
      'SSEResponseError',
      'content-type',
      'jsonLines()',
    );
  });

  test('each loop begins anew; one that is left lets go of its source', async () => {
    let closed = 0;
    const source = {
      *[Symbol.iterator]() {
        try {
          yield '1\n2\n';
        } finally {
          closed++;
        }
      },
    };
    const values = jsonLines(source);
    for (const value of values) if (value === 1) break;
    assert.equal(closed, 1);
    for await (const value of values) if (value === 1) break;
    assert.equal(closed, 2);
    assert.deepEqual([...values], [1, 2]);
  });

  const mistakes: [given: unknown[], ...words: string[]][] = [
    [[5], 'jsonLines() parses'],
    [['https://a.test/x'], 'give a URL to fetch(url)'],
    [[Promise.resolve()], 'await a promise first'],
    [['', {maxSize: 5}], '"maxSize"', "'maxEventSize'"],
    [['', {maxEventSize: 0}], 'maxEventSize must be'],
  ];
  for (const [given, ...words] of mistakes) {
    test(`a mistake: ${words[0]}`, () => {
      const error = caught(() => (jsonLines as any)(...given));
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      for (const word of words) assert.ok(error.message.includes(word), error.message);
    });
  }
});

describe('EventSource.from(blob)', () => {
  const text = 'data: a\n\nid: 5\ndata: é\n\n';
  test('a Blob, more than once', async () => {
    const source = EventSource.from(new Blob([text]));
    for (let times = 0; times < 2; times++) {
      const events = await all(source);
      assert.deepEqual(
        events.map(({data}) => data),
        ['a', 'é'],
      );
    }
    assert.equal(source.lastEventId, '5');
  });

  test('the stream of a Blob that is left is cancelled', async () => {
    let cancelled = 0;
    const blob = {
      stream: () =>
        new ReadableStream({
          pull: (controller) => controller.enqueue(bytesOf(text)),
          cancel: () => void cancelled++,
        }),
    };
    for await (const {data} of EventSource.from(blob)) if (data === 'a') break;
    assert.equal(cancelled, 1);
  });

  test('what can be iterated over is, whatever else it has', async () => {
    const source = {stream: () => assert.fail(), [Symbol.asyncIterator]: () => later([text])};
    assert.equal((await all(EventSource.from(source))).length, 2);
  });

  test('the blocking loop cannot wait for one', () => {
    const source: any = EventSource.from(new Blob([text]));
    assert.throws(() => [...source], /use `for await`/);
  });
});

/** Loops of clients end as they do without a schema. */
describe('schemas: the blocking client', () => {
  each([BLOCKING], 'what does not fit closes the connection', async (kind) => {
    const {client, script} = scripted(kind, [stream('data: 1\n\ndata: "x"\n\n')]);
    const loop = client.json({schema: DOUBLE})[Symbol.iterator]();
    assert.deepEqual(loop.next(), {done: false, value: 2});
    const error = caught(() => loop.next());
    assert.ok(error instanceof SSEError && error.code === 'json');
    assert.equal(script.open, 0);
    assert.equal((await next(loopOf(kind, client))).done, true);
  });
});
