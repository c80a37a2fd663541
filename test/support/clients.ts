// Clients without a network: a scripted transport, a recorded sleep, a fixed clock and no jitter,
// so that nothing waits for real; and each kind of client in each kind of loop.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {asyncConnect, AsyncSSEClient, connect, SSEClient, type SSEEvent} from '../../sse.ts';
import type {Chunk} from './events.ts';
import {IS_PAGE, IS_WORKERD} from './runtime.ts';

/** The shorthands that can make a client with its default transport. */
export const MAKERS = IS_PAGE || IS_WORKERD ? [asyncConnect] : [asyncConnect, connect];
export const NOW = Date.UTC(2026, 0, 1);
export const ADDRESS = 'http://sse.test/events';
export const STREAM = 'text/event-stream';
export const MOST_REQUESTS = 60; // a client that asks more often storms

type Part = Chunk | Error;

interface Answer {
  status?: number;
  type?: string | null; // null: no Content-Type
  headers?: Record<string, string> | null; // null: a response without `headers`
  body?: readonly Part[] | null;
  then?: 'silence' | Chunk; // after the parts: nothing ever comes, or this for ever
}

/** An Error: the transport fails. 'silence': it never answers. */
export type Step = Answer | Error | 'silence';

export interface Kind {
  name: string;
  isBlocking: boolean;
  Client: typeof AsyncSSEClient;
  answers: 'promise' | 'value';
  bodies: 'async' | 'stream' | 'plain';
}

export const ASYNC: Kind = {
  name: 'AsyncSSEClient, promises',
  isBlocking: false,
  Client: AsyncSSEClient,
  answers: 'promise',
  bodies: 'async',
};
export const STREAMS: Kind = {...ASYNC, name: 'AsyncSSEClient, ReadableStream', bodies: 'stream'};
export const BOTH: Kind = {
  name: 'for await over SSEClient',
  isBlocking: false,
  Client: SSEClient,
  answers: 'value',
  bodies: 'plain',
};
export const BLOCKING: Kind = {...BOTH, name: 'for of over SSEClient', isBlocking: true};
export const AWAITING = [ASYNC, STREAMS, BOTH];
export const KINDS = [...AWAITING, BLOCKING];

interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>; // names in lower case
  body: unknown;
  redirect: string;
  cache: string | undefined;
  signal: AbortSignal;
  request: any; // all of it
}

export class Script {
  readonly sent: Sent[] = [];
  /** What happened, in order: request 1, open 1, event a, close 1, retry 3000, wait 3000 … */
  readonly log: string[] = [];
  readonly waits: number[] = [];
  /** How often a body was asked for its next chunk. */
  reads = 0;
  /** Bodies neither at their end nor closed. */
  open = 0;
  readonly #kind: Kind;
  readonly #steps: Step[];

  constructor(kind: Kind, steps: readonly Step[]) {
    this.#kind = kind;
    this.#steps = [...steps];
  }

  readonly transport = (url: string, request: any): any => {
    const {method, headers, body, redirect, cache, signal} = request;
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    this.sent.push({
      url,
      method,
      headers: Object.fromEntries(lower),
      body,
      redirect,
      cache,
      signal,
      request,
    });
    this.log.push(`request ${this.sent.length}`);
    const step = this.#steps.shift() ?? {status: 204, body: null};
    const {answers} = this.#kind;
    if (step === 'silence') return new Promise(() => {});
    if (step instanceof Error) {
      if (answers === 'promise') return Promise.reject(step);
      throw step;
    }
    const response = this.#response(step);
    return answers === 'promise' ? Promise.resolve(response) : response;
  };

  readonly sleep = (ms: number): void => {
    this.waits.push(ms);
    this.log.push(`wait ${ms}`);
    if (this.waits.length > MOST_REQUESTS) throw new Error('a storm of reconnections');
  };

  get lastEventIds(): string[] {
    return this.sent.map(({headers}) => headers['last-event-id'] ?? '');
  }

  #response({status = 200, type = STREAM, headers = {}, body = [], then}: Answer): object {
    const list = {...(type === null ? {} : {'Content-Type': type}), ...headers};
    return {
      status,
      ...(headers === null
        ? {}
        : {headers: this.#kind.answers === 'promise' ? new Headers(list) : list}),
      body: body && this.#body(this.sent.length, body, then),
    };
  }

  #body(number: number, parts: readonly Part[], then: 'silence' | Chunk | undefined): unknown {
    let state: 'open' | 'over' | 'closed' = 'open';
    let index = 0;
    this.open++;
    const end = (how: 'over' | 'closed') => {
      if (state === 'open') this.open--;
      state = how;
    };
    const next = (): any => {
      this.reads++;
      if (state !== 'open') return {done: true, value: undefined};
      const part = index < parts.length ? parts[index++] : then;
      if (part === 'silence') return new Promise(() => {});
      if (part === undefined || part instanceof Error) end('over');
      if (part instanceof Error) throw part;
      return {done: part === undefined, value: part};
    };
    const close = () => {
      if (state === 'over') return; // let go anyway
      this.log.push(`close ${number}${state === 'closed' ? ' AGAIN' : ''}`);
      end('closed');
    };
    return bodyOf(this.#kind.bodies, next, close);
  }
}

function bodyOf(bodies: Kind['bodies'], next: () => any, close: () => void): unknown {
  if (bodies === 'stream') {
    return new ReadableStream(
      {
        async pull(controller) {
          const part = await next();
          if (part.done) controller.close();
          else controller.enqueue(part.value);
        },
        cancel: close,
      },
      {highWaterMark: 0},
    );
  }
  const done = {done: true, value: undefined};
  if (bodies === 'async') {
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => next(),
        return: async () => (close(), done),
      }),
    };
  }
  return {[Symbol.iterator]: () => ({next, return: () => (close(), done)})};
}

export const stream = (...body: Part[]): Answer => ({body});

/** A client over a script. */
export function scripted(kind: Kind, steps: readonly Step[], options: any = {}, url = ADDRESS) {
  const script = new Script(kind, steps);
  const retries: any[] = [];
  const client: any = new kind.Client(url, {
    transport: script.transport,
    sleep: script.sleep,
    random: () => 0,
    now: () => NOW,
    onRetry(retry: any) {
      retries.push(retry);
      script.log.push(`retry ${retry.delay}`);
    },
    onOpen: () => script.log.push(`open ${script.sent.length}`),
    ...options,
  });
  return {script, client, retries};
}

/** All events of a loop and the error that ended it. `each` may say 'break'. */
export async function consume(
  kind: Kind,
  client: any,
  each: (event: SSEEvent) => unknown = () => {},
): Promise<{events: SSEEvent[]; error: any}> {
  const events: SSEEvent[] = [];
  let error: unknown;
  try {
    if (kind.isBlocking) {
      for (const event of client) {
        events.push(event);
        if (each(event) === 'break') break;
      }
    } else {
      for await (const event of client) {
        events.push(event);
        if (each(event) === 'break') break;
      }
    }
  } catch (caught) {
    error = caught;
  }
  return {events, error};
}

export const dataOf = (events: readonly SSEEvent[]) => events.map(({data}) => data);

/** Timers that keep the process alive. */
const timers = () =>
  (process.getActiveResourcesInfo?.() ?? []).filter((name) => name === 'Timeout').length;

/** One test for each kind, which also proves that no timer and no rejection is left. */
export function each(kinds: readonly Kind[], rule: string, check: (kind: Kind) => Promise<void>) {
  for (const kind of kinds) {
    test(`${rule} [${kind.name}]`, async () => {
      const before = timers();
      await check(kind);
      await turn();
      assert.equal(timers(), before, 'timers left behind');
      assert.deepEqual(unhandled.splice(0), [], 'rejections left behind');
    });
  }
}

/** Resolves to 'pending' if the promise does not settle within a few turns. */
export async function settled<T>(promise: Promise<T>): Promise<T | 'pending'> {
  const later = async () => {
    for (let turns = 0; turns < 20; turns++) await turn();
    return 'pending' as const;
  };
  return Promise.race([promise, later()]);
}

/** An AbortController whose signal counts its listeners. */
export function countedController() {
  const controller = new AbortController();
  const {signal} = controller;
  const counts = {listeners: 0};
  const {addEventListener, removeEventListener} = signal;
  const known = new Set<unknown>();
  signal.addEventListener = function (this: AbortSignal, ...args: any) {
    known.add(args[1]);
    counts.listeners = known.size;
    return addEventListener.apply(signal, args);
  } as any;
  signal.removeEventListener = function (this: AbortSignal, ...args: any) {
    known.delete(args[1]);
    counts.listeners = known.size;
    return removeEventListener.apply(signal, args);
  } as any;
  return {controller, signal, counts};
}

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => void unhandled.push(reason);
process.on('unhandledRejection', onUnhandled);

/** No promise was rejected that nobody waits for. From now on the runtime minds that by itself. */
export async function nothingIsLeftBehind() {
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.deepEqual(unhandled, []);
  process.off('unhandledRejection', onUnhandled);
}

export const QUIET = {sleep: () => {}, random: () => 0, now: () => NOW};

/** A client over a transport of sse.ts, in either loop. */
export function over(kind: Kind, transport: any, options: any = {}) {
  return new kind.Client(ADDRESS, {...QUIET, transport, ...options}) as any;
}

/** A Last-Event-ID as fetch gets it, and back. */
export const encoded = (id: string) => (IS_WORKERD ? id : Buffer.from(id).toString('latin1'));
export const failures = (count: number): Step[] =>
  Array.from({length: count}, (_, index) => new TypeError(`cut ${index + 1}`));
export const blank = (count: number): string[] => Array.from({length: count}, () => '');
export const boom = new RangeError('the user’s own');
export const throws = () => {
  throw boom;
};
export const to = (location: string, status = 302): Answer => ({
  status,
  type: null,
  headers: {Location: location},
  body: ['moved'],
});
export const A = 'data: a\n\n';
export const B = 'data: b\n\n';
export const POST = {method: 'POST', body: 'ask'};

export const HELD: Answer = {body: [A], then: 'silence'};
export const next = (iterator: any): Promise<any> => iterator.next();
export const loopOf = (kind: Kind, client: any): any =>
  client[kind.isBlocking ? Symbol.iterator : Symbol.asyncIterator]();

export const jsonOf = async (kind: Kind, values: any) => {
  const found: unknown[] = [];
  if (kind.isBlocking) for (const value of values) found.push(value);
  else for await (const value of values) found.push(value);
  return found;
};

export const opens = (kind: Kind, client: any): Promise<any> =>
  kind.isBlocking ? (async () => client.openSync())() : client.open();

/** A client whose next() is pending, in the way that `what` says. */
export async function pending(kind: Kind, what: string, options: any = {}) {
  const steps: Step[] =
    what === 'connecting' ? ['silence'] : what === 'waiting' ? [stream(A)] : [HELD];
  const more: Step[] = [stream(`id: 9\n${B}`)];
  const found = scripted(kind, [...steps, ...more], {
    ...(what === 'waiting' ? {sleep: () => new Promise(() => {})} : {}),
    ...options,
  });
  const loop = loopOf(kind, found.client);
  if (what !== 'connecting') assert.equal((await loop.next()).value.data, 'a');
  const wait = next(loop).then(
    (result) => result,
    (error) => ({error}),
  );
  assert.equal(await settled(wait), 'pending');
  assert.equal(found.client.state, what === 'reading' ? 'open' : what);
  return {...found, loop, wait};
}
