// Schemas of zod, valibot and arktype: what each makes of events and of JSON lines, what is said of
// what does not fit, and, in schemas.ts, what TypeScript knows of it.

import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {type} from 'arktype';
import * as v from 'valibot';
import {z} from 'zod';
import {
  asyncConnect,
  connect,
  EventSource,
  jsonLines,
  replay,
  SSEError,
  SSEEvent,
} from '../../dist/sse.js';

const PROJECT = fileURLToPath(new URL('tsconfig.json', import.meta.url));

/** {order: {id, total}}, whose total is a number in text and becomes one; the rest is left out. */
const orders = {
  zod: z.object({order: z.object({id: z.int(), total: z.string().transform(Number)})}),
  valibot: v.object({
    order: v.object({
      id: v.pipe(v.number(), v.integer()),
      total: v.pipe(v.string(), v.transform(Number)),
    }),
  }),
  arktype: type({
    '+': 'delete',
    order: {'+': 'delete', id: 'number.integer', total: ['string', '=>', Number]},
  }),
};
const known = new Set([1, 2, 3]);
const isKnown = async ({order}) => known.has(order.id);

/** The same, and the order must be known, as is asked elsewhere. arktype has nothing that waits. */
const asynchronous = {
  zod: orders.zod.refine(isKnown, {message: 'unknown order', path: ['order', 'id']}),
  valibot: v.pipeAsync(
    v.objectAsync({order: orders.valibot.entries.order}),
    v.forwardAsync(v.checkAsync(isKnown, 'unknown order'), ['order', 'id']),
  ),
};

const GOOD = [1, 2, 3].map((id) => ({order: {id, total: `${id}.5`, more: true}, at: 'noon'}));
const OUTPUT = [1, 2, 3].map((id) => ({order: {id, total: id + 0.5}}));
const BAD = {order: {id: 'x', total: '1'}};
const UNKNOWN = {order: {id: 4, total: '4'}};

const eventsOf = (values) => values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('');
const linesOf = (values) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
async function* later(text) {
  for (const part of text.match(/.{1,7}/gs)) yield part;
}
/** From values on the wire, and a schema, to what is iterated over; `blocks`: by `for`, too. */
const ways = [
  {
    way: 'event.json(schema)',
    read: (values, schema) => eachOf(new EventSource(eventsOf(values)), schema),
    blocks: true,
    waits: false,
  },
  {
    way: 'source.json({schema})',
    read: (values, schema) => EventSource.from(later(eventsOf(values))).json({schema}),
  },
  {
    way: 'source.json({schema}) of a text',
    read: (values, schema) => new EventSource(eventsOf(values)).json({schema}),
    blocks: true,
  },
  {
    way: 'client.json({schema})',
    read: (values, schema) => asyncConnect(ADDRESS, recorded(values)).json({schema}),
  },
  {
    way: 'client.json({schema}) of connect()',
    read: (values, schema) => connect(ADDRESS, recorded(values)).json({schema}),
    blocks: true,
  },
  {
    way: 'jsonLines(source, {schema})',
    read: (values, schema) => jsonLines(later(linesOf(values)), {schema}),
  },
  {
    way: 'jsonLines(text, {schema})',
    read: (values, schema) => jsonLines(linesOf(values), {schema}),
    blocks: true,
  },
  {
    way: 'jsonLines(response, {schema})',
    read: (values, schema) => jsonLines(new Response(linesOf(values)), {schema}),
  },
];

const ADDRESS = 'http://sse.test/';
const recorded = (values) => ({transport: replay(eventsOf(values)), reconnect: false});

function* eachOf(events, schema) {
  for (const event of events) yield event.json(schema);
}

/** The values, and the error that ended the loop. */
async function ended(iterable, isBlocking) {
  const values = [];
  try {
    if (isBlocking) for (const value of iterable) values.push(value);
    else for await (const value of iterable) values.push(value);
    return {values};
  } catch (error) {
    return {values, error};
  }
}

/** SSEError `json` that names the place, with the library's own issues, and without the value. */
function assertMisfit(error, where, ...words) {
  assert.ok(error instanceof SSEError, `${error}`);
  assert.equal(error.code, 'json');
  assert.ok(
    error.message.startsWith(`${where} does not fit its schema: order.id: `),
    error.message,
  );
  for (const word of words) assert.ok(error.message.includes(word), error.message);
  assert.equal(error.issues.length, 1);
  const [{message, path}] = error.issues;
  assert.ok(error.message.includes(message), error.message);
  const keys = Array.from(path, (part) => part.key ?? part); // valibot's are objects
  assert.deepEqual(keys, ['order', 'id']);
}

for (const {way, read, blocks, waits = true} of ways) {
  describe(way, () => {
    const where = (n) => (way.startsWith('jsonLines') ? `Line ${n}` : 'Data of event "message"');
    for (const isBlocking of blocks ? [true, false] : [false]) {
      const loop = isBlocking ? 'for' : 'for await';
      for (const [library, schema] of Object.entries(orders)) {
        it(`${library}, ${loop}: what it makes of each`, async () => {
          assert.deepEqual(await ended(read(GOOD, schema), isBlocking), {values: OUTPUT});
        });

        it(`${library}, ${loop}: what does not fit`, async () => {
          const {values, error} = await ended(read([...GOOD, BAD, ...GOOD], schema), isBlocking);
          assert.deepEqual(values, OUTPUT);
          assertMisfit(error, where(4), 'number', '{\\"order\\":{\\"id\\":\\"x\\"');
        });
      }
    }

    for (const [library, schema] of Object.entries(asynchronous)) {
      if (waits) {
        it(`${library}, asynchronous, for await`, async () => {
          assert.deepEqual(await ended(read(GOOD, schema)), {values: OUTPUT});
          const {values, error} = await ended(read([...GOOD, UNKNOWN, ...GOOD], schema));
          assert.deepEqual(values, OUTPUT);
          assertMisfit(error, where(4), 'unknown order');
        });
      }
      if (blocks) {
        it(`${library}, asynchronous, for: a TypeError`, async () => {
          const {values, error} = await ended(read(GOOD, schema), true);
          assert.deepEqual(values, []);
          assert.ok(error instanceof TypeError, `${error}`);
          assert.match(error.message, /^`schema` returned a promise/);
        });
      }
    }
  });
}

describe('every issue is at hand, and the first is told', () => {
  const worse = new SSEEvent('order', '{"order":{"id":1.5,"total":2}}', '1');
  for (const [library, schema] of Object.entries(orders)) {
    it(library, async () => {
      const {error} = await ended(eachOf([worse], schema), true);
      assert.equal(error.code, 'json');
      assert.match(error.message, /^Data of event "order" does not fit its schema: order\.id: /);
      assert.match(error.message, /\(and 1 more\)/);
      assert.equal(error.issues.length, 2);
    });
  }
});

it('what TypeScript knows of the outputs', async () => {
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
  const args = [join(dirname(tsc), 'bin/tsc'), '-p', PROJECT];
  const {stdout} = await promisify(execFile)(process.execPath, args).catch((error) => error);
  assert.equal(stdout, '');
});
