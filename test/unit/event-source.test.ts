// Sections 5 and 6 of sse.ts: EventSource over every kind of source, its loops, json(), and responses.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {EventSource, SSEError, SSEEvent, SSEHTTPError} from '../../sse.ts';
import {caught, isSSEError, rejected} from '../support/errors.ts';
import {
  all,
  bytesOf,
  cut,
  e,
  type Fields,
  generate,
  keyOf,
  later,
  plain,
  streamOf,
  x,
} from '../support/events.ts';
import {headersFrom, STREAM_HEADERS, STREAM_URL} from '../support/reconnection.ts';

const AB = 'id: 1\nretry: 5\ndata: a\n\nid: 2\nretry: 6\ndata: b\n\nid: 3\n\n';
const AB_EVENTS = [e('a', {id: '1', retry: 5}), e('b', {id: '2', retry: 6})];
const AB_LINES = AB.split('\n').slice(0, -1);

type Source = ConstructorParameters<typeof EventSource>[0];
type Stream = Parameters<typeof EventSource.from>[0];

/** Each kind of input; all give the same events. */
const SOURCES: [name: string, isSync: boolean, make: () => Source | Stream, isStream?: boolean][] =
  [
    ['lines: a text', true, () => AB],
    ['lines: a text with CRLF', true, () => AB.replaceAll('\n', '\r\n')],
    ['lines: an array', true, () => AB_LINES],
    [
      'lines: a set',
      true,
      () =>
        new Set(['id: 1', 'retry: 5', 'data: a', '', 'id: 2\nretry: 6\n', 'data: b\n\nid: 3\n\n']),
    ],
    ['lines: a generator', true, () => generate(AB_LINES)],
    ['lines: each with a LF', true, () => AB_LINES.map((line) => line + '\n')],
    ['lines: each with a CRLF', true, () => AB_LINES.map((line) => line + '\r\n')],
    ['lines: each with a CR', true, () => AB_LINES.map((line) => line + '\r')],
    ['lines: some with an end', true, () => AB_LINES.map((line, n) => line + (n % 2 ? '\n' : ''))],
    [
      'lines: an item that has an end may hold several',
      true,
      () => [
        ...['id: 1\nretry: 5\n', 'data: a\r', '', 'id: 2\r\nretry: 6\rdata: b\r\n', '\n'],
        'id: 3\n\n',
      ],
    ],
    ['lines: an async generator', false, () => later(AB_LINES)],
    [
      'lines: a ReadableStream',
      false,
      () => streamOf(AB_LINES) as unknown as AsyncIterable<string>,
    ],
    ['from: a text', true, () => AB, true],
    ['from: bytes', true, () => bytesOf(AB) as Stream, true],
    ['from: an array of text', true, () => cut(AB, 5), true],
    ['from: an array of bytes', true, () => cut(bytesOf(AB), 5), true],
    [
      'from: an array of text and bytes',
      true,
      () => [AB.slice(0, 5), bytesOf(AB.slice(5, 9)), '', AB.slice(9)],
      true,
    ],
    ['from: a generator', true, () => generate(cut(AB, 3)), true],
    ['from: an async generator', false, () => later(cut(bytesOf(AB), 3)), true],
    ['from: a ReadableStream', false, () => streamOf(cut(bytesOf(AB), 3)), true],
    [
      'from: what has a reader and nothing else',
      false,
      () => {
        const reader = streamOf(cut(bytesOf(AB), 3)).getReader();
        return {getReader: () => reader} as Stream;
      },
      true,
    ],
    ['from: a Response', false, () => new Response(AB, {headers: STREAM_HEADERS}) as Stream, true],
    ['from: what is like a response, with a text', false, () => ({body: AB}), true],
    [
      'from: what is like a response, with an iterable',
      false,
      () => ({status: 200, headers: headersFrom(STREAM_HEADERS), body: cut(AB, 3)}),
      true,
    ],
  ];

/** An iterator that keeps count of what is asked of it. */
function counted(items: readonly string[], failAt = Infinity) {
  const calls = {next: 0, return: 0};
  const boom = new Error('the source broke');
  const result = (): IteratorResult<string> => {
    if (calls.next === failAt) throw boom;
    const value = items[calls.next++];
    return value === undefined ? {done: true, value} : {done: false, value};
  };
  const close = (): IteratorResult<string> => {
    calls.return++;
    return {done: true, value: undefined};
  };
  return {
    calls,
    boom,
    sync: {[Symbol.iterator]: () => ({next: result, return: close})},
    async: {
      [Symbol.asyncIterator]: () => ({
        next: async () => result(),
        return: async () => close(),
      }),
    },
    stream: {
      getReader: () => ({
        read: async () => result(),
        cancel: async () => void close(),
        releaseLock() {},
      }),
    },
  };
}

const TEN = Array.from({length: 10}, (_, n) => `data: ${n}\n\n`);
const MANY_IN_ONE = ['data: 0\n\ndata: 1\n\ndata: 2\n\n', ...TEN];

async function isPrompt(form: 'events' | 'json'): Promise<void> {
  const soon = <T>(promise: PromiseLike<T> | undefined, what: string) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} waits for ever`)), 200);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };
  for (const sent of [0, 1]) {
    let cancelled = 0;
    const stream = new ReadableStream<string>({
      start(controller) {
        if (sent) controller.enqueue('data: 1\n\n');
      },
      cancel() {
        cancelled++;
      },
    });
    const source = EventSource.from(stream);
    const iterator = (form === 'json' ? source.json() : source)[Symbol.asyncIterator]();
    const first = sent ? await iterator.next() : undefined;
    assert.ok(!first?.done, form);
    const pending = iterator.next();
    await turn();
    assert.equal((await soon(iterator.return?.(), 'return()'))?.done, true, form);
    assert.deepEqual(await soon(pending, 'next()'), {done: true, value: undefined}, form);
    assert.equal((await soon(iterator.next(), 'a later next()'))?.done, true, form);
    assert.equal(cancelled, 1, form);
  }
}

describe('EventSource', () => {
  for (const [name, isSync, make, isStream] of SOURCES) {
    const open = () =>
      (isStream
        ? EventSource.from(make() as Stream)
        : new EventSource(make() as Source)) as EventSource & Iterable<SSEEvent>;
    test(`EventSource of ${name}`, async () => {
      const source = open();
      assert.equal(source.lastEventId, '');
      assert.equal(source.retry, undefined);
      const got: Fields[] = [];
      for await (const event of source) {
        assert.ok(event instanceof SSEEvent);
        assert.deepEqual([source.lastEventId, source.retry], [event.id, event.retry]);
        got.push(plain(event));
      }
      assert.deepEqual(got, AB_EVENTS);
      assert.deepEqual([source.lastEventId, source.retry], ['3', 6], 'also after the loop');

      // Left after the first event: what is known is what was handed out.
      const left = open();
      for await (const _ of left) break;
      assert.deepEqual([left.lastEventId, left.retry], ['1', 5]);
      if (!isSync) return;

      const sync = open();
      assert.deepEqual([...sync].map(plain), AB_EVENTS);
      assert.deepEqual([sync.lastEventId, sync.retry], ['3', 6]);
      const leftSync = open();
      for (const _ of leftSync) break;
      assert.deepEqual([leftSync.lastEventId, leftSync.retry], ['1', 5]);
    });
  }

  test('the five-line example', () => {
    const events = [...new EventSource(['data: hello', '', 'data: world', ''])];
    assert.deepEqual(events.map(plain), [e('hello'), e('world')]);
  });

  test('text that begins like a URL, or holds nothing', () => {
    for (const text of ['', '\n', 'https://a.test/ is a line\n\n', 'data:https://a.test/\n']) {
      assert.deepEqual([...new EventSource(text)], [], text);
    }
  });

  test('what is no source is refused at once', () => {
    const rows: [name: string, value: unknown, hint?: RegExp][] = [
      ['a URL', 'https://a.test/stream', /connect/i],
      ['a URL with http', 'http://a.test/stream?x=1#y', /connect/i],
      ['a URL in capitals', 'HTTPS://A.TEST', /connect/i],
      ['a URL object', new URL(STREAM_URL)],
      ['a number', 5],
      ['null', null],
      ['undefined', undefined],
      ['true', true],
      ['an object', {}],
      ['a function', () => 'data: a\n\n'],
      ['a promise', Promise.resolve('data: a\n\n')],
    ];
    for (const [name, value, hint = /./] of rows) {
      for (const make of [
        () => new EventSource(value as never),
        () => EventSource.from(value as never),
      ]) {
        const error = caught(make);
        assert.ok(error instanceof TypeError, `${name}: ${error}`);
        assert.match(error.message, hint, name);
        assert.match(error.message, /EventSource|text|lines|stream/, name);
      }
    }
  });

  test('bytes, and other things, as lines', async () => {
    const rows: [name: string, value: unknown][] = [
      ['bytes', bytesOf(AB)],
      ['an array of bytes', [bytesOf(AB)]],
      ['an array of numbers', [1, 2]],
      ['an array with null', ['data: a', null]],
      ['an array of arrays', [['data: a']]],
    ];
    for (const [name, value] of rows) {
      const sync = caught(() => [...new EventSource(value as string[])]);
      const async = await rejected(async () => all(new EventSource(value as string[])));
      for (const error of [sync, async]) {
        assert.ok(error instanceof TypeError, `${name}: ${error}`);
        assert.match(error.message, /EventSource\.from|string/, name);
      }
    }
    const stream = new EventSource(later([bytesOf(AB)]) as unknown as AsyncIterable<string>);
    assert.match(String(await rejected(() => all(stream))), /^TypeError/);
  });

  test('an ordinary loop over what must be waited for', () => {
    const rows: [name: string, source: unknown][] = [
      ['lines', new EventSource(later(AB_LINES))],
      ['an async iterable', EventSource.from(later([AB]))],
      ['a ReadableStream', EventSource.from(streamOf([AB]))],
      ['a Response', EventSource.from(new Response(AB, {headers: STREAM_HEADERS}) as Stream)],
    ];
    for (const [name, source] of rows) {
      const {json} = source as {json(): Iterable<unknown>};
      for (const loop of [
        () => [...(source as Iterable<SSEEvent>)],
        () => [...json.call(source)],
      ]) {
        const error = caught(loop);
        assert.ok(error instanceof TypeError, `${name}: ${error}`);
        assert.match(error.message, /for await/, name);
      }
    }
  });

  test('next() before the last one has answered: each gets its event', async () => {
    const chunks = ['data: 1\n\nda', 'ta: 2\n\n', ':\n', 'data: 3\n\ndata: 4\n\n'];
    for (const source of [later(chunks), streamOf(chunks), chunks]) {
      const iterator = EventSource.from(source)[Symbol.asyncIterator]();
      const results = await Promise.all(Array.from({length: 6}, () => iterator.next()));
      assert.deepEqual(
        results.map(({done, value}) => (done ? 'done' : value.data)),
        ['1', '2', '3', '4', 'done', 'done'],
      );
      assert.equal((await iterator.next()).done, true);
    }
    const failing = EventSource.from(later(['data: 1\n\n' + x(50)]), {maxEventSize: 20});
    const iterator = failing[Symbol.asyncIterator]();
    const results = await Promise.allSettled(Array.from({length: 3}, () => iterator.next()));
    assert.deepEqual(
      results.map((result) =>
        result.status === 'rejected'
          ? result.reason.code
          : result.value.done
            ? 'done'
            : result.value.value.data,
      ),
      ['1', 'limit', 'done'],
    );
  });

  test('a source is closed once, also by an iterator that is asked again', async () => {
    const row = counted(['data: a\n\n', 'data: b\n\n']);
    const iterator = EventSource.from(row.sync)[Symbol.iterator]();
    assert.equal(iterator.next().done, false);
    for (let times = 0; times < 3; times++) assert.equal(iterator.return?.().done, true);
    assert.equal(iterator.next().done, true);
    assert.equal(row.calls.return, 1);
    const later = counted(['data: a\n\n', 'data: b\n\n']);
    const slow = EventSource.from(later.async)[Symbol.asyncIterator]();
    assert.equal((await slow.next()).done, false);
    for (let times = 0; times < 3; times++) assert.equal((await slow.return?.())?.done, true);
    assert.equal((await slow.next()).done, true);
    assert.equal(later.calls.return, 1);
  });

  test('a loop that is left closes its source, once, reads nothing ahead', async () => {
    const boom = new Error("the user's own");
    for (const [items, reads] of [
      [TEN, 2],
      [MANY_IN_ONE, 1],
    ] as const) {
      for (const lines of [false, true]) {
        for (const leave of ['break', 'throw', 'done', 'bad JSON'] as const) {
          const where = `${leave}, ${lines ? 'lines' : 'chunks'}, ${reads} reads`;
          /** Two events, then out. */
          const step = (count: number) => {
            if (count === 2 && leave === 'throw') throw boom;
            return count === 2 && leave === 'break';
          };
          const what = leave === 'done' ? {done: '1'} : undefined;
          const texts =
            leave === 'bad JSON' ? items.map((item) => item.replace(': 1', ': {')) : items;
          const isJSON = leave === 'done' || leave === 'bad JSON';
          const expected = {next: reads, return: 1};

          const sync = counted(texts);
          const source = lines ? new EventSource(sync.sync) : EventSource.from(sync.sync);
          let count = 0;
          const run = () => {
            for (const _ of isJSON ? source.json(what) : source) if (step(++count)) break;
          };
          if (leave === 'throw') assert.equal(caught(run), boom, where);
          else if (leave === 'bad JSON') isSSEError(caught(run), 'json');
          else run();
          assert.equal(count, isJSON ? 1 : 2, where);
          assert.deepEqual(sync.calls, expected, `sync, ${where}`);

          for (const kind of ['async', 'stream', 'sync'] as const) {
            if (lines && kind === 'stream') continue;
            const counts = counted(texts);
            const input = counts[kind] as AsyncIterable<string>;
            const source = lines ? new EventSource(input) : EventSource.from(input);
            let count = 0;
            const run = async () => {
              for await (const _ of isJSON ? source.json(what) : source) if (step(++count)) break;
            };
            if (leave === 'throw') assert.equal(await rejected(run), boom, where);
            else if (leave === 'bad JSON') isSSEError(await rejected(run), 'json');
            else await run();
            assert.equal(count, isJSON ? 1 : 2, where);
            assert.deepEqual(counts.calls, expected, `${kind}, ${where}`);
          }
        }
      }
    }
  });

  test("the parser's errors close the source too", async () => {
    const options = {maxEventSize: 20};
    const big = ['data: 0\n\n', x(100), 'data: 1\n\n'];
    const sync = counted(big);
    isSSEError(
      caught(() => [...EventSource.from(sync.sync, options)]),
      'limit',
    );
    assert.deepEqual(sync.calls, {next: 2, return: 1});
    for (const kind of ['async', 'stream'] as const) {
      const counts = counted(big);
      const source = EventSource.from(counts[kind] as AsyncIterable<string>, options);
      const got: string[] = [];
      isSSEError(
        await rejected(async () => {
          for await (const event of source) got.push(event.data);
        }),
        'limit',
      );
      assert.deepEqual(got, ['0'], 'what came before is handed out');
      assert.deepEqual(counts.calls, {next: 2, return: 1}, kind);
    }
  });

  test('generators run their finally, however the loop ends', async () => {
    let closed = 0;
    function* sync() {
      try {
        yield* TEN;
      } finally {
        closed++;
      }
    }
    async function* async() {
      try {
        yield* TEN;
      } finally {
        await null;
        closed++;
      }
    }
    for (const isLeft of [false, true]) {
      for (const make of [() => new EventSource(sync()), () => EventSource.from(sync())]) {
        closed = 0;
        for (const _ of make()) if (isLeft) break;
        assert.equal(closed, 1);
      }
      for (const make of [
        () => new EventSource(async()),
        () => EventSource.from(async()),
        () => new EventSource(sync()),
        () => EventSource.from(sync()),
      ]) {
        closed = 0;
        for await (const _ of make()) if (isLeft) break;
        assert.equal(closed, 1, 'closed by the time the loop is over');
      }
    }
  });

  test('what the source throws comes out as it is, after the events', async () => {
    const sync = counted(TEN, 2);
    const got: string[] = [];
    assert.equal(
      caught(() => {
        for (const event of EventSource.from(sync.sync)) got.push(event.data);
      }),
      sync.boom,
    );
    for (const kind of ['async', 'stream'] as const) {
      const counts = counted(TEN, 2);
      assert.equal(
        await rejected(async () => {
          const source = EventSource.from(counts[kind] as AsyncIterable<string>);
          for await (const event of source) got.push(event.data);
        }),
        counts.boom,
      );
    }
    assert.deepEqual(got, ['0', '1', '0', '1', '0', '1']);
  });

  test('nothing is read before the first next(), nor while nobody asks', async () => {
    const sync = counted(TEN);
    const iterator = EventSource.from(sync.sync)[Symbol.iterator]();
    assert.equal(sync.calls.next, 0);
    iterator.next();
    assert.equal(sync.calls.next, 1);
    for (const kind of ['async', 'stream'] as const) {
      const counts = counted(TEN);
      const source = EventSource.from(counts[kind] as AsyncIterable<string>);
      const iterator = source[Symbol.asyncIterator]();
      await null;
      assert.equal(counts.calls.next, 0, kind);
      await iterator.next();
      await turn();
      assert.equal(counts.calls.next, 1, kind);
      await iterator.return!();
      assert.equal(counts.calls.return, 1, kind);
      assert.deepEqual(await iterator.next(), {done: true, value: undefined}, kind);
      assert.equal(counts.calls.next, 1, kind);
    }
  });

  test('each loop begins anew', async () => {
    for (const source of [new EventSource(AB_LINES), new EventSource(AB), EventSource.from([AB])]) {
      for (const _ of source) break;
      assert.equal(source.lastEventId, '1');
      assert.deepEqual([...source].map(plain), AB_EVENTS);
      assert.deepEqual([...source].map(plain), AB_EVENTS);
      assert.deepEqual((await all(source)).map(plain), AB_EVENTS);
    }
    // An id of the first loop is not the second's, nor is a block that the first left unfinished.
    const source = new EventSource(['data: a', '', 'id: 1', '', 'data: b']);
    assert.deepEqual([...source].map(plain), [e('a')]);
    assert.deepEqual([...source].map(plain), [e('a')]);
    const once = new EventSource(generate(AB_LINES));
    assert.equal([...once].length, 2);
    assert.equal([...once].length, 0, 'a generator gives what it has once');
  });

  test('options reach the parser', async () => {
    const comments: string[] = [];
    const options = {lastEventId: '7', onComment: (text: string) => comments.push(text)};
    for (const source of [
      new EventSource(': c\ndata: a\n\n', options),
      EventSource.from([': c\nda', 'ta: a\n\n'], options),
    ]) {
      assert.equal(source.lastEventId, '7');
      assert.deepEqual([...source].map(plain), [e('a', {id: '7'})]);
      assert.deepEqual((await all(source)).map(plain), [e('a', {id: '7'})]);
    }
    assert.deepEqual(comments, ['c', 'c', 'c', 'c']);
  });

  test('json()', async () => {
    const rows: [
      name: string,
      data: string[],
      options: {done: string | null} | undefined,
      values: unknown[],
      isBad?: boolean,
    ][] = [
      ['to the end', ['1', '{"a":2}', '"x"'], undefined, [1, {a: 2}, 'x']],
      ['[DONE] ends it', ['1', '[DONE]', '3'], undefined, [1]],
      ['[DONE] at once', ['[DONE]'], undefined, []],
      ['no event', [], undefined, []],
      ['another sentinel', ['1', '[END]', '3'], {done: '[END]'}, [1]],
      ['another sentinel: [DONE] is none', ['1', '[DONE]'], {done: '[END]'}, [1], true],
      ['a sentinel that is JSON', ['1', 'null', '3'], {done: 'null'}, [1]],
      ['an empty sentinel', ['1', '', '3'], {done: ''}, [1]],
      ['null: no sentinel', ['1', '[2]'], {done: null}, [1, [2]]],
      ['null: [DONE] is bad JSON', ['1', '[DONE]', '3'], {done: null}, [1], true],
      ['a sentinel may have blanks around it', ['1', ' [DONE] ', '3'], undefined, [1]],
      ['a sentinel is the whole data', ['1', '[DONE] 2'], undefined, [1], true],
      ['bad JSON behind good', ['1', '{', '3'], undefined, [1], true],
      ['empty data is a ping', ['', '1', '', '3', ''], undefined, [1, 3]],
      ['blank data is a ping', ['1', '  ', '2'], undefined, [1, 2]],
    ];
    for (const [name, data, options, values, isBad = false] of rows) {
      const texts = data.map((each) => `data: ${each}\n\n`);
      const sync: unknown[] = [];
      const run = () => {
        for (const value of EventSource.from(texts).json(options)) sync.push(value);
      };
      if (isBad) isSSEError(caught(run), 'json');
      else run();
      assert.deepEqual(sync, values, name);
      const sources = [
        EventSource.from(texts),
        EventSource.from(later(texts)),
        EventSource.from(streamOf(texts)),
      ];
      for (const source of sources) {
        const async: unknown[] = [];
        const run = async () => {
          for await (const value of source.json(options)) async.push(value);
        };
        if (isBad) isSSEError(await rejected(run), 'json');
        else await run();
        assert.deepEqual(async, values, name);
      }
    }
  });

  test('a 204 ends quietly', async () => {
    assert.deepEqual(await all(EventSource.from(new Response(null, {status: 204}) as Stream)), []);
  });

  test('responses', async () => {
    const html = {'content-type': 'text/html'};
    const rows: [name: string, response: object, result: 'events' | 'none' | RegExp][] = [
      ['200', {status: 200, headers: headersFrom(STREAM_HEADERS)}, 'events'],
      ['any 2xx', {status: 201, headers: headersFrom(STREAM_HEADERS)}, 'events'],
      ['no status', {headers: headersFrom(STREAM_HEADERS)}, 'events'],
      ['no headers', {status: 200}, 'events'],
      [
        'a charset',
        {headers: headersFrom({'content-type': 'text/event-stream; charset=UTF-8'})},
        'events',
      ],
      [
        'capitals and spaces',
        {headers: headersFrom({'content-type': ' Text/Event-Stream ;x=y'})},
        'events',
      ],
      ['null body', {status: 200, headers: headersFrom(STREAM_HEADERS), body: null}, 'none'],
      [
        '500',
        {status: 500, url: STREAM_URL, headers: headersFrom(STREAM_HEADERS)},
        /^http .*a\.test.*500/,
      ],
      ['404 without headers', {status: 404, url: STREAM_URL}, /^http .*404/],
      ['301', {status: 301, url: STREAM_URL, headers: headersFrom(STREAM_HEADERS)}, /^http .*301/],
      [
        'a page',
        {status: 200, url: STREAM_URL, headers: headersFrom(html)},
        /^content-type Expected Content-Type 'text\/event-stream', got 'text\/html'.*a\.test/,
      ],
      ['a page that failed', {status: 500, url: STREAM_URL, headers: headersFrom(html)}, /^http /],
      [
        'a longer type',
        {headers: headersFrom({'content-type': 'text/event-streams'})},
        /^content-type .*got 'text\/event-streams'/,
      ],
      [
        'a type elsewhere',
        {headers: headersFrom({'content-type': 'x; text/event-stream'})},
        /^content-type /,
      ],
      [
        'no type',
        {headers: headersFrom({})},
        /^content-type Expected Content-Type 'text\/event-stream', got /,
      ],
    ];
    for (const [name, fields, result] of rows) {
      for (const make of [() => AB, () => streamOf(cut(bytesOf(AB), 7)), () => later([AB])]) {
        const source = EventSource.from({body: make(), ...fields} as Stream);
        let got: unknown;
        try {
          const events = await all(source);
          got =
            events.length === 0
              ? 'none'
              : keyOf(events, source) === keyOf(AB_EVENTS, {lastEventId: '3', retry: 6})
                && 'events';
        } catch (error) {
          assert.ok(error instanceof SSEError, `${name}: ${error}`);
          got = `${error.code} ${error.message}`;
        }
        if (result instanceof RegExp) assert.match(String(got), result, name);
        else assert.equal(got, result, name);
      }
    }
    const response = new Response('sorry', {status: 500, headers: {'x-a': 'b'}});
    const error = await rejected(() => all(EventSource.from(response as Stream)));
    assert.ok(error instanceof SSEHTTPError);
    assert.deepEqual([error.status, error.headers.get('x-a')], [500, 'b']);
  });

  test('what a source throws for being closed while it is read is told to nobody', async () => {
    let fail = (_: Error): void => {};
    const source = EventSource.from({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<string>>((_, reject) => (fail = reject)),
        async return() {
          fail(new Error('closed'));
          return {done: true as const, value: undefined};
        },
      }),
    });
    const iterator = source[Symbol.asyncIterator]();
    const pending = iterator.next();
    await turn();
    assert.deepEqual(await iterator.return?.(), {done: true, value: undefined});
    assert.deepEqual(await pending, {done: true, value: undefined});
  });

  for (const form of ['events', 'json'] as const) {
    test(`return() is prompt while a next() waits for a stream: ${form}`, () => isPrompt(form));
  }
});
