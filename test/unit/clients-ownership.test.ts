// Section 9 of sse.ts: who gets a response owns it at once. Whatever kind of body it has and however
// it goes on, it is closed, once, and the request behind it is aborted. Rows: kinds of body × ways
// out × loops. Then: closing is final, and tells the truth.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate as turn, setTimeout as pause} from 'node:timers/promises';
import {asyncConnect, type AsyncSSEClient, connect, record, type SSEClient} from '../../sse.ts';

const URL_ = 'http://sse.test/events';
const HEADERS = {'content-type': 'text/event-stream'};
const EVENT = 'data: a\n\n';

/** What became of a body: how often it was closed, and whether its request was aborted. */
interface Fate {
  closed: number;
  signal: AbortSignal | undefined;
  /** How often it was asked for more after it had been closed. */
  late?: number;
  /** Lets a response that comes too late come now. */
  arrive?: () => void;
}

type Body = (fate: Fate, chunks: readonly string[]) => unknown;

/** Gives the chunks, then stays silent until it is closed. */
const BODIES: Record<string, Body> = {
  'a ReadableStream': (fate, chunks) =>
    new ReadableStream({
      start: (controller) => chunks.forEach((chunk) => void controller.enqueue(chunk)),
      cancel: () => void fate.closed++,
    }),
  'an async iterator': (fate, chunks) => {
    const rest = [...chunks];
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          rest.length ? Promise.resolve({done: false, value: rest.shift()}) : new Promise(() => {}),
        return: async () => ({done: true, value: void fate.closed++}),
      }),
    };
  },
  // As Node's are: its own iterator is a generator, which return() does not end before it began.
  'a Node stream': (fate, chunks) => {
    let wake = (): void => {};
    let isDestroyed = false;
    const destroy = (): void => {
      if (!isDestroyed) fate.closed++;
      isDestroyed = true;
      wake();
    };
    return {
      destroy,
      async *[Symbol.asyncIterator]() {
        try {
          yield* chunks;
          if (!isDestroyed) await new Promise<void>((resolve) => (wake = resolve));
        } finally {
          destroy();
        }
      },
    };
  },
};

/** The same for an ordinary loop, where what stays silent would stay so for ever. */
const BLOCKING_BODIES: Record<string, Body> = {
  'an iterator': (fate, chunks) => ({
    [Symbol.iterator]: () => {
      const rest = [...chunks];
      return {
        next() {
          if (fate.closed) fate.late = (fate.late ?? 0) + 1;
          return {done: rest.length === 0, value: rest.shift()};
        },
        return: () => ({done: true, value: void fate.closed++}),
      };
    },
  }),
};

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  chunks?: string[];
  response?: (body: unknown, fate: Fate) => unknown;
}

interface Way {
  /** What the transport answers first; then 204. */
  answer?: Answer;
  options?: object;
  /** What is done with the client; by default a loop that is left at its first event. */
  use?: (client: SSEClient, fate: Fate) => unknown;
  /** It throws this. */
  throws?: RegExp;
  /** Only where the loop waits. */
  isAsync?: boolean;
}

const loop = async (client: AsyncSSEClient): Promise<void> => {
  for await (const _ of client);
};
const boom = () => {
  throw new Error('mine');
};
const controllers = new WeakMap<object, AbortController>();

/** A response that comes when the test says so, which no busy machine can hasten. */
const late = (body: unknown, fate: Fate) =>
  new Promise((resolve) => {
    fate.arrive = () => resolve({status: 200, headers: HEADERS, body});
  });

const WAYS: Record<string, Way> = {
  break: {},
  until: {options: {until: () => true}, use: loop},
  'what the loop throws': {
    use: async (client) => {
      for await (const _ of client) boom();
    },
    throws: /mine/,
  },
  'onOpen throws': {options: {onOpen: boom}, use: loop, throws: /mine/},
  'onOpen throws in open()': {
    options: {onOpen: boom},
    use: (client) => client.open(),
    throws: /mine/,
  },
  'open(), then a loop that is left': {
    use: async (client) => {
      await client.open();
      for await (const _ of client) break;
    },
  },
  'open(), then an iterator that never began': {
    use: async (client) => {
      await client.open();
      client[Symbol.asyncIterator]();
      await client.close();
    },
  },
  'open(), then reconnect()': {
    use: async (client) => {
      await client.open();
      client.reconnect();
      await loop(client);
    },
  },
  'reconnect() in the loop': {
    use: async (client) => {
      for await (const _ of client) client.reconnect();
    },
  },
  'close() in the loop': {
    use: async (client) => {
      for await (const _ of client) await client.close();
    },
  },
  'close() while it reads': {
    answer: {chunks: []},
    isAsync: true,
    use: async (client) => {
      const ended = loop(client);
      await turn();
      await client.close();
      await ended;
    },
  },
  'return() while it reads': {
    answer: {chunks: []},
    isAsync: true,
    use: async (client) => {
      const iterator = client[Symbol.asyncIterator]();
      const next = iterator.next();
      await turn();
      await iterator.return?.();
      assert.deepEqual(await next, {done: true, value: undefined});
    },
  },
  'abort in the loop': {
    use: async (client) => {
      for await (const _ of client) controllers.get(client)?.abort(new Error('mine'));
    },
    throws: /mine/,
  },
  'abort after open()': {
    use: async (client) => {
      await client.open();
      controllers.get(client)?.abort(new Error('mine'));
      assert.equal(client.state, 'closed');
    },
  },
  silence: {
    answer: {chunks: []},
    options: {idleTimeout: 5},
    isAsync: true,
    use: loop,
  },
  'an event above the limit': {
    options: {maxEventSize: 3},
    use: loop,
    throws: /maxEventSize/,
  },
  'a chunk that is none': {
    answer: {chunks: [7 as unknown as string]},
    use: loop,
    throws: /A chunk must be text or bytes/,
  },
  'a redirect': {answer: {status: 307, headers: {location: '/b'}}, use: loop},
  'a redirect that is not followed': {
    answer: {status: 302, headers: {location: 'ftp://x/'}},
    use: loop,
    throws: /Redirect 302/,
  },
  'another content type': {
    answer: {headers: {'content-type': 'text/html'}},
    options: {timeout: 20}, // as below
    use: loop,
    throws: /Content-Type/,
  },
  'a refusal': {
    answer: {status: 404, chunks: ['no']},
    options: {timeout: 20}, // for its text
    use: loop,
    throws: /404/,
  },
  '204 with a body': {answer: {status: 204}, use: loop},
  'a response without status': {
    answer: {response: (body) => ({body})},
    use: loop,
    throws: /must return a response with a status/,
  },
  'a response that comes after close()': {
    isAsync: true,
    answer: {response: late},
    use: async (client, fate) => {
      const ended = loop(client);
      await turn();
      await client.close();
      await ended;
      fate.arrive?.();
      await turn();
    },
  },
  'a response that comes after the limit': {
    isAsync: true,
    answer: {response: late},
    options: {timeout: 5},
    use: async (client, fate) => {
      await loop(client); // up to the 204 of the next request
      fate.arrive?.();
      await turn();
    },
  },
};

/** A transport that gives the answer, with that kind of body, and then says 204. */
function transportOf(answer: Answer, make: Body, fate: Fate) {
  let count = 0;
  return (_: string, {signal}: {signal: unknown}): any => {
    if (count++) return {status: 204};
    fate.signal = signal as AbortSignal;
    const {status = 200, headers = {}, chunks = [EVENT]} = answer;
    const body = make(fate, chunks);
    return answer.response?.(body, fate) ?? {status, headers: {...HEADERS, ...headers}, body};
  };
}

async function outcome(use: () => unknown): Promise<unknown> {
  try {
    await use();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function runWay(way: Way, make: Body, isRecorded: boolean): Promise<void> {
  const fate: Fate = {closed: 0, signal: undefined};
  const controller = new AbortController();
  const transport = transportOf(way.answer ?? {}, make, fate);
  const client = connect(URL_, {
    sleep: () => {},
    signal: controller.signal,
    ...way.options,
    transport: isRecorded ? record(transport, () => {}) : transport,
  });
  controllers.set(client, controller);
  const use =
    way.use
    ?? (async () => {
      for await (const _ of client) break;
    });
  const error = await outcome(() => use(client, fate));
  if (way.throws) assert.match(String(error), way.throws);
  else assert.equal(error, undefined);
  await turn();
  assert.equal(fate.closed, 1, 'closed once');
  const isMoved = way.answer?.status === 307; // the request that follows has the same signal
  if (!isMoved) assert.equal(fate.signal?.aborted, true, 'its request is aborted');
}

describe('clients: every way out closes the response, whatever its body', () => {
  for (const [kind, make] of Object.entries(BODIES)) {
    for (const [name, way] of Object.entries(WAYS)) {
      test(`${name}: ${kind}`, () => runWay(way, make, false));
      // what is no stream of events is handed on as it is
      test(`${name}: ${kind}, recorded`, () => runWay(way, make, true));
    }
  }
});

/** The ordinary loop, where everything that does not wait can happen as well. */
const BLOCKING_WAYS: Record<string, Omit<Way, 'use'> & {use?: (client: SSEClient) => void}> = {
  break: {},
  until: {options: {until: () => true}, use: (client) => void [...client]},
  'what the loop throws': {
    use(client) {
      for (const _ of client) boom();
    },
    throws: /mine/,
  },
  'onOpen throws': {
    options: {onOpen: boom},
    use: (client) => void [...client],
    throws: /mine/,
  },
  'onOpen throws in openSync()': {
    options: {onOpen: boom},
    use: (client) => void client.openSync(),
    throws: /mine/,
  },
  'close() after openSync()': {
    use(client) {
      client.openSync();
      void client.close();
    },
  },
  'close() in the loop': {
    use(client) {
      for (const _ of client) void client.close();
    },
  },
  'reconnect() in the loop': {
    use(client) {
      for (const _ of client) client.reconnect();
    },
  },
  'a redirect that is not followed': {
    answer: {status: 302, headers: {location: 'ftp://x/'}},
    use: (client) => void [...client],
    throws: /Redirect 302/,
  },
  'another content type': {
    answer: {headers: {'content-type': 'text/html'}},
    use: (client) => void [...client],
    throws: /Content-Type/,
  },
  '204 with a body': {answer: {status: 204}, use: (client) => void [...client]},
  'a response without status': {
    answer: {response: (body) => ({body})},
    use: (client) => void [...client],
    throws: /must return a response with a status/,
  },
};

describe('clients: every way out of the ordinary loop closes the response', () => {
  for (const [name, {use, answer = {}, options, throws}] of Object.entries(BLOCKING_WAYS)) {
    test(name, async () => {
      const fate: Fate = {closed: 0, signal: undefined};
      const transport = transportOf(answer, BLOCKING_BODIES['an iterator']!, fate);
      const client = connect(URL_, {sleep: () => {}, ...options, transport});
      const error = await outcome(() => {
        if (use) return use(client);
        for (const _ of client) break;
        return undefined;
      });
      if (throws) assert.match(String(error), throws);
      else assert.equal(error, undefined);
      assert.deepEqual([fate.closed, fate.late], [1, undefined], 'closed once, and then let be');
      assert.equal(fate.signal?.aborted, true, 'its request is aborted');
    });
  }

  for (const [kind, make] of Object.entries(BODIES)) {
    test(`${kind}, which it cannot read, is closed: TypeError`, async () => {
      const fate: Fate = {closed: 0, signal: undefined};
      const client = connect(URL_, {transport: transportOf({}, make, fate)});
      assert.throws(() => [...client], {name: 'TypeError', message: /for await/});
      await turn();
      assert.equal(fate.closed, 1);
      assert.equal(client.state, 'idle');
    });
  }

  test('a promise from a transport: TypeError, and what it resolves with is closed', async () => {
    const fate: Fate = {closed: 0, signal: undefined};
    const answer = transportOf({}, BODIES['a ReadableStream']!, fate);
    const transport: any = async (url: string, request: any) => answer(url, request);
    const client = connect(URL_, {transport});
    assert.throws(() => [...client], {name: 'TypeError', message: /transport.*for await/});
    await turn();
    assert.deepEqual([fate.closed, fate.signal?.aborted], [1, true]);
  });
});

describe('clients: transports that settle as no promise does', () => {
  const response = () => ({status: 200, headers: HEADERS, body: EVENT});
  const rows: [
    name: string,
    then: (take: (response: unknown) => void, refuse: (error: Error) => void) => void,
    events: number,
  ][] = [
    ['twice', (take) => [1, 2].forEach(() => void take(response())), 1],
    ['first well, then badly', (take, refuse) => [take(response()), refuse(new Error('late'))], 1],
    ['first badly, then well', (take, refuse) => [refuse(new Error('early')), take(response())], 0],
  ];
  for (const [name, then, count] of rows) {
    for (const isRecorded of [false, true]) {
      test(`${name}${isRecorded ? ', recorded' : ''}`, async () => {
        const transport: any = () => ({then});
        const client = asyncConnect(URL_, {
          reconnect: false,
          transport: isRecorded ? record(transport, () => {}) : transport,
        });
        const events: unknown[] = [];
        const error = await outcome(async () => {
          for await (const event of client) events.push(event);
        });
        assert.deepEqual([events.length, error === undefined], [count, count === 1]);
      });
    }
    test(`${name}: a TypeError of the ordinary loop`, () => {
      const client = connect(URL_, {transport: (() => ({then})) as any});
      assert.throws(() => [...client], {name: 'TypeError', message: /transport.*for await/});
    });
  }
});

describe('clients: closing is final, and tells the truth', () => {
  test('close() in until: its event is not delivered, and not the place to go on from', async () => {
    const events: unknown[] = [];
    const client: AsyncSSEClient = asyncConnect(URL_, {
      until() {
        void client.close();
        return false;
      },
      transport: () => ({status: 200, headers: HEADERS, body: 'id: 1\ndata: a\n\n'}),
    });
    for await (const event of client) events.push(event);
    assert.deepEqual([events, client.lastEventId, client.state], [[], '', 'closed']);
  });

  for (const name of ['onOpen', 'onRetry', 'onComment'] as const) {
    test(`close() in ${name}: nothing comes after it`, async () => {
      const events: unknown[] = [];
      let requests = 0;
      const client: AsyncSSEClient = asyncConnect(URL_, {
        [name]: () => void client.close(),
        sleep: () => {},
        transport: () => {
          requests++;
          return {status: 200, headers: HEADERS, body: name === 'onRetry' ? ':\n' : `:c\n${EVENT}`};
        },
      });
      for await (const event of client) events.push(event);
      assert.deepEqual([events, requests, client.state], [[], 1, 'closed']);
    });
  }

  test('close() in onComment: no function is asked about what came with the comment', async () => {
    let asked = 0;
    const client: AsyncSSEClient = asyncConnect(URL_, {
      onComment: () => void client.close(),
      until: () => Boolean(++asked),
      transport: () => ({status: 200, headers: HEADERS, body: `:c\nid: 5\n\n${EVENT}`}),
    });
    for await (const _ of client);
    assert.deepEqual([asked, client.lastEventId], [0, '']);
  });

  /** A client of an open stream, and whether its body has been closed as that says. */
  async function slowToClose(closing: () => Promise<unknown>) {
    let isGone = false;
    const cancel = () => closing().then(() => void (isGone = true));
    const client = asyncConnect(URL_, {
      transport: () => ({
        status: 200,
        headers: HEADERS,
        body: new ReadableStream<string>({cancel}),
      }),
    });
    await client.open();
    return {client, isGone: () => isGone};
  }

  test('a second close() waits as long as the first', async () => {
    const {client, isGone} = await slowToClose(() => pause(20));
    void client.close();
    await client.close();
    assert.equal(isGone(), true);
  });

  test('what never says that it is closed is not waited for for ever', async () => {
    const {client} = await slowToClose(() => new Promise(() => {}));
    const start = performance.now();
    await client.close();
    assert.ok(performance.now() - start < 5000);
  });

  test('a loop that is refused leaves the first one alone', async () => {
    const fate: Fate = {closed: 0, signal: undefined};
    const transport = transportOf({}, BODIES['a ReadableStream']!, fate);
    const client = connect(URL_, {transport, sleep: () => {}});
    const first = client[Symbol.asyncIterator]();
    assert.equal((await first.next()).value?.data, 'a');
    for (const refused of [
      () => client[Symbol.asyncIterator]().next(),
      async () => [...client],
      async () => client.json()[Symbol.iterator]().next(),
    ]) {
      await assert.rejects(refused, {name: 'TypeError', message: /in a loop already/});
      assert.deepEqual([client.state, fate.closed], ['open', 0]);
    }
    await first.return?.();
    assert.equal(fate.closed, 1);
  });

  test("a source's own error is not masked by that of closing it", () => {
    const source = {
      [Symbol.iterator]: () => ({
        next: (): never => {
          throw new Error('the source');
        },
        return: (): never => {
          throw new Error('its end');
        },
      }),
    };
    const client = connect(URL_, {
      reconnect: false,
      transport: () => ({status: 200, headers: HEADERS, body: source}),
    });
    assert.throws(() => [...client], /the source/);
  });
});
