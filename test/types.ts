// What must compile and, marked @ts-expect-error with the reason, what must not. Nothing of this
// runs: build.mjs --test compiles it with and without the DOM's types.

import {
  asyncConnect,
  AsyncSSEClient,
  blockingFetch,
  connect,
  EventParser,
  EventSource,
  formatEvent,
  jsonLines,
  record,
  replay,
  SSEClient,
  SSEConnectionError,
  SSEError,
  SSEEvent,
  SSEHTTPError,
  SSEResponseError,
  VERSION,
} from '../sse.ts';
import type {
  BlockingTransport,
  BothIterable,
  Chunk,
  Resumption,
  SchemaIssue,
  SchemaLike,
  SSEClientOptions,
  SSEErrorCode,
  SSEEventOf,
  TypedEvent,
  Transport,
  TransportResponse,
} from '../sse.ts';

import {
  EventSource as WebEventSource,
  type EventSourceErrorEvent,
  type EventSourceInit,
} from '../web-event-source.ts';

declare const url: string;
declare const lines: Iterable<string>;
declare const laterLines: AsyncIterable<string>;
declare const chunks: Iterable<Uint8Array>;
declare const laterChunks: AsyncIterable<Uint8Array>;
declare const stream: ReadableStream<Uint8Array>;
declare const response: Response;
declare const event: SSEEvent;

/** Fails to compile unless both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

// Classes, and no types alone: `instanceof` takes them.
void [AsyncSSEClient, SSEEvent];
export const version: string = VERSION;

// ── Events ────────────────────────────────────────────────────────────────────────────────────

export function events(): void {
  same<SSEEvent['event'], string>(true);
  same<SSEEvent['data'], string>(true);
  same<SSEEvent['id'], string>(true);
  same<SSEEvent['retry'], number | undefined>(true);
  const price: number = event.json<{price: number}>().price;
  const text: string = formatEvent({event: 'a', data: 'b', id: 'c', retry: 1, comment: 'd'});
  formatEvent(event);
  formatEvent({});
  formatEvent({data: undefined});
  void [price, text];
  // @ts-expect-error an event is immutable
  event.data = '';
  // @ts-expect-error an event is immutable
  event.id = '';
  // @ts-expect-error what json() returns must be checked or named first
  event.json().price;
  // @ts-expect-error the data of an event is text
  formatEvent({data: 5});
  // @ts-expect-error retry is a number
  formatEvent({retry: '5'});
  // @ts-expect-error the field is called event, as in the specification
  formatEvent({type: 'a'});
}

// ── Errors ────────────────────────────────────────────────────────────────────────────────────

export function errors(error: unknown): string {
  if (error instanceof SSEHTTPError) {
    const status: number = error.status;
    const after: number | undefined = error.retryAfter;
    const type: string | null = error.headers.get('content-type');
    same<typeof error.code, 'http'>(true);
    // @ts-expect-error an HTTP error has no count of retries
    error.retries;
    return `${status} ${after} ${type} ${error.body} ${error.url}`;
  }
  if (error instanceof SSEConnectionError) {
    const retries: number = error.retries;
    return `${retries} ${error.url} ${String(error.cause)}`;
  }
  if (error instanceof SSEResponseError) {
    same<typeof error.code, 'http' | 'content-type'>(true);
    return `${error.status} ${error.headers.get('content-type')} ${error.body}`;
  }
  if (error instanceof SSEError) {
    same<typeof error.code, SSEErrorCode>(true); // also of the branches that have returned
    // @ts-expect-error not every error has a status
    error.status;
    // @ts-expect-error a code is not to be changed
    error.code = 'http';
    const ordinary: Error = error;
    return ordinary.message;
  }
  return '';
}

export async function batches(): Promise<void> {
  for (const batch of connect(url).batches()) same<typeof batch, SSEEvent[]>(true);
  for (const batch of new EventSource(lines).batches()) same<typeof batch, SSEEvent[]>(true);
  for await (const batch of asyncConnect(url).batches()) same<typeof batch, SSEEvent[]>(true);
  for await (const batch of EventSource.from(stream).batches())
    same<typeof batch, SSEEvent[]>(true);
  // @ts-expect-error what has to be waited for
  for (const batch of EventSource.from(stream).batches()) void batch;
}

/** One instanceof, and the code tells the class. */
export function narrowing(error: unknown): string {
  if (!(error instanceof SSEError)) return '';
  switch (error.code) {
    case 'http':
      return `${error.status} ${error.retryAfter} ${error.headers.get('date')} ${error.body}`;
    case 'content-type':
      return `${error.status} ${error.url} ${error.body}`;
    case 'connection': // of a loop that has failed it is an SSEConnectionError, of a loss it is not
      same<typeof error.retries, number | undefined>(true);
      return `${error.url} ${error.message}`;
    case 'json':
      same<typeof error.issues, readonly SchemaIssue[] | undefined>(true);
      return error.message;
    case 'limit':
    case 'timeout':
    case 'truncated':
    case 'redirect':
    case 'unsupported':
      // @ts-expect-error these have no status
      error.status;
      return error.message;
    // @ts-expect-error there is no such code
    case 'network':
  }
  same<typeof error, never>(true);
  return '';
}

export function options(): SSEClientOptions {
  const base: SSEClientOptions = {
    retryStatus: (error, {opened, attempt}) => error.status === 429 && !opened && attempt < 3,
    eventTimeout: 60_000,
    onIgnored(line, reason) {
      same<typeof reason, 'unknown-field' | 'invalid-retry' | 'id-with-null' | 'incomplete'>(true);
      return line.length;
    },
    onComment: async (text) => text.length,
    onRetry: async ({reason, delay}) => `${reason.length} ${delay}`,
    until: ({data}) => /DONE/.exec(data),
  };
  // @ts-expect-error retryStatus is asked where no promise can be waited for
  const later: SSEClientOptions = {retryStatus: async () => true};
  return {...base, ...later};
}

// ── Typed and validated events ────────────────────────────────────────────────────────────────

interface Order {
  order: number;
}
interface Payment {
  paid: string;
}
interface Orders {
  order: Order;
  paid: Payment;
  message: string;
}
declare const orderSchema: SchemaLike<Order>;

/** A comparison with the type narrows the data. */
function narrowed(event: SSEEventOf<Orders>): void {
  same<typeof event.event, 'order' | 'paid' | 'message'>(true);
  const any = event.json();
  same<typeof any, Order | Payment | string>(true);
  if (event.event === 'order') {
    const order = event.json();
    same<typeof order, Order>(true);
    same<typeof event, TypedEvent<'order', Order>>(true);
  }
  switch (event.event) {
    case 'paid': {
      const {paid} = event.json();
      same<typeof paid, string>(true);
      break;
    }
    // @ts-expect-error there is no such type
    case 'refund':
  }
  const untyped: SSEEvent = event;
  const other = event.json<{a: 1}>();
  same<typeof other, {a: 1}>(true);
  void untyped;
  // @ts-expect-error the data of any of them has no such member
  event.json().order;
}

export async function typed(): Promise<void> {
  for (const each of connect<Orders>(url)) narrowed(each);
  for await (const each of connect<Orders>(url)) narrowed(each);
  for await (const each of asyncConnect<Orders>(url)) narrowed(each);
  for (const each of new EventSource<Orders>(lines)) narrowed(each);
  for await (const each of new EventSource<Orders>(laterLines)) narrowed(each);
  for (const each of EventSource.from<Orders>(chunks)) narrowed(each);
  for await (const each of EventSource.from<Orders>(response)) narrowed(each);
  for (const batch of connect<Orders>(url).batches()) batch.forEach(narrowed);
  for await (const batch of asyncConnect<Orders>(url).batches()) batch.forEach(narrowed);
  for (const batch of EventSource.from<Orders>(chunks).batches()) batch.forEach(narrowed);
  for (const value of new SSEClient<SSEEventOf<Orders>>(url).json()) {
    same<typeof value, Order | Payment | string>(true);
  }
  for await (const value of EventSource.from<Orders>(stream).json()) {
    same<typeof value, Order | Payment | string>(true);
  }
  const asUntyped: AsyncSSEClient = asyncConnect<Orders>(url);
  // no type argument: as without it
  for await (const each of asyncConnect(url)) same<typeof each, SSEEvent>(true);
  for await (const value of asyncConnect(url).json()) same<typeof value, unknown>(true);
  const inferred: Order = event.json();
  void [asUntyped, inferred];
  // @ts-expect-error what has to be waited for
  for (const each of asyncConnect<Orders>(url)) void each;
}

export async function validated(): Promise<void> {
  const order = event.json(orderSchema);
  same<typeof order, Order>(true);
  for (const value of connect(url).json({schema: orderSchema})) same<typeof value, Order>(true);
  for await (const value of asyncConnect(url).json({schema: orderSchema, done: null})) {
    same<typeof value, Order>(true);
  }
  for (const value of EventSource.from(chunks).json({schema: orderSchema})) {
    same<typeof value, Order>(true);
  }
  for await (const value of EventSource.from(stream).json({schema: orderSchema})) {
    same<typeof value, Order>(true);
  }
  // @ts-expect-error no schema
  event.json({parse: JSON.parse});
  // @ts-expect-error no schema
  asyncConnect(url).json({schema: JSON.parse});
}

export async function linesOfJSON(blob: Blob): Promise<void> {
  for (const value of jsonLines('1\n')) same<typeof value, unknown>(true);
  for (const value of jsonLines<Order>(chunks)) same<typeof value, Order>(true);
  for await (const value of jsonLines(response, {schema: orderSchema, maxEventSize: 5})) {
    same<typeof value, Order>(true);
  }
  for await (const value of jsonLines<Order>(blob)) same<typeof value, Order>(true);
  for await (const {data} of EventSource.from(blob)) void data.length;
  const both: BothIterable<unknown> = jsonLines([new Uint8Array()]);
  void both;
  // @ts-expect-error what has to be waited for
  for (const value of jsonLines(response)) void value;
  // @ts-expect-error what has to be waited for
  for (const {data} of EventSource.from(blob)) void data;
  // @ts-expect-error unknown option
  jsonLines('', {done: null});
}

export function resuming(): void {
  const again: Resumption = {url: new URL(url), headers: {a: 'b'}, json: {a: 1}, method: 'PUT'};
  asyncConnect(url, {resume: ({lastEventId}) => ({url: `?after=${lastEventId}`})});
  asyncConnect(url, {
    resume: async ({attempt}, {status}) => (attempt < status ? again : undefined),
  });
  asyncConnect(url, {
    resume: (_, {headers}) => {
      const location = headers.get('location');
      return location ? {url: location} : undefined;
    },
  });
  connect(url, {resume: () => again, incomplete: 'discard'});
  // @ts-expect-error the blocking loop cannot wait
  connect(url, {resume: async () => again});
  // @ts-expect-error a url, not a text
  asyncConnect(url, {resume: () => '/runs/7'});
  // @ts-expect-error one of two words
  asyncConnect(url, {incomplete: 'keep'});
}

// ── Parsing ───────────────────────────────────────────────────────────────────────────────────

export function parsing(): void {
  const parser = new EventParser({lastEventId: '1', maxEventSize: 10, onComment: (text) => text});
  same<ReturnType<typeof parser.feedLine>, SSEEvent | undefined>(true);
  const list: SSEEvent[] = parser.feed(new Uint8Array());
  parser.feed('data: a\n\n', ({data}) => void data.length);
  const retry: number | undefined = parser.retry;
  void [list, retry, parser.lastEventId.length];
  // @ts-expect-error with a callback there is no list
  parser.feed('', () => {}).length;
  // @ts-expect-error a chunk is text or bytes
  parser.feed(5);
  // @ts-expect-error a chunk is text or bytes, not a list of numbers
  parser.feed([1, 2]);
  // @ts-expect-error a line is text
  parser.feedLine(new Uint8Array());
  // @ts-expect-error the parser's state is its own
  parser.lastEventId = '';
  // @ts-expect-error unknown option
  new EventParser({lastEventID: '1'});
  // @ts-expect-error an onComment takes text
  new EventParser({onComment: (count: number) => count});
}

// ── EventSource ───────────────────────────────────────────────────────────────────────────────

export async function sources(): Promise<void> {
  for (const {data} of new EventSource('data: a\n\n')) data.length;
  for (const {data} of new EventSource(['data: a', ''])) data.length;
  for (const {data} of new EventSource(lines, {maxEventSize: 5})) data.length;
  for (const {data} of EventSource.from('data: a\n\n')) data.length;
  for (const {data} of EventSource.from(new Uint8Array())) data.length;
  for (const {data} of EventSource.from(chunks)) data.length;
  for (const {data} of EventSource.from(['data: a', new Uint8Array()])) data.length;
  const list: SSEEvent[] = [...new EventSource(lines)];

  for await (const {data} of new EventSource('data: a\n\n')) data.length;
  for await (const {data} of new EventSource(lines)) data.length;
  for await (const {data} of new EventSource(laterLines)) data.length;
  for await (const {data} of EventSource.from(chunks)) data.length;
  for await (const {data} of EventSource.from(laterChunks)) data.length;
  for await (const {data} of EventSource.from(stream)) data.length;
  for await (const {data} of EventSource.from(response)) data.length;
  for await (const {data} of EventSource.from(await fetch(url))) data.length;

  for (const value of new EventSource(lines).json<{a: 1}>()) same<typeof value, {a: 1}>(true);
  for await (const value of EventSource.from(response).json<{a: 1}>({done: null})) {
    same<typeof value, {a: 1}>(true);
  }
  const {lastEventId, retry} = EventSource.from(stream);
  void [list, lastEventId.length, retry];

  // @ts-expect-error lines that come later need `for await`
  for (const {data} of new EventSource(laterLines)) void data;
  // @ts-expect-error chunks that come later need `for await`
  for (const {data} of EventSource.from(laterChunks)) void data;
  // @ts-expect-error a ReadableStream needs `for await`
  for (const {data} of EventSource.from(stream)) void data;
  // @ts-expect-error a Response needs `for await`
  for (const {data} of EventSource.from(response)) void data;
  // @ts-expect-error JSON values of a Response need `for await`
  for (const value of EventSource.from(response).json()) void value;
  // @ts-expect-error a source that needs `for await` cannot be spread
  [...EventSource.from(stream)];
  // @ts-expect-error lines are text: bytes go to EventSource.from()
  new EventSource(chunks);
  // @ts-expect-error a Response goes to EventSource.from()
  new EventSource(response);
  // @ts-expect-error a promise of a Response must be awaited
  EventSource.from(fetch(url));
  // @ts-expect-error bytes are not a list of numbers
  EventSource.from([1, 2]);
  // @ts-expect-error a URL is followed by asyncConnect() or connect()
  EventSource.from(new URL(url));
  // @ts-expect-error an option of clients
  new EventSource(lines, {maxRetries: 5});
  // @ts-expect-error read only
  EventSource.from(stream).lastEventId = '';
}

// ── Clients ───────────────────────────────────────────────────────────────────────────────────

declare const until: (event: SSEEvent) => boolean;

/** Every option there is; a member that is undefined is as good as none. */
export const all: SSEClientOptions = {
  method: 'POST',
  body: 'text',
  headers: {'X-A': 'b'},
  lastEventId: '1',
  retryInterval: 1,
  maxRetryInterval: 2,
  maxRetries: Infinity,
  retryStatus: [500],
  reconnect: true,
  timeout: 0,
  idleTimeout: Infinity,
  until,
  maxEventSize: 5,
  signal: new AbortController().signal,
  transport: fetch,
  verify: false,
  init: {credentials: 'include'},
  onOpen: ({status, headers}) => void (status + (headers.get('a') ?? '').length),
  onRetry: ({attempt, delay, error, lastEventId}) =>
    void [attempt + delay, error, lastEventId.length],
  onComment: (text) => void text.length,
  sleep: async (ms) => void (ms + 1),
  random: () => 0,
};
export const none: SSEClientOptions = {
  method: undefined,
  body: undefined,
  json: undefined,
  headers: undefined,
  signal: undefined,
  transport: undefined,
  until: undefined,
  onRetry: undefined,
  maxRetries: undefined,
};

export async function loops(): Promise<void> {
  for (const {data} of connect(url)) data.length;
  for await (const {data} of connect(url)) data.length;
  for await (const {data} of asyncConnect(url)) data.length;
  for await (const {data} of asyncConnect(new URL(url), all)) data.length;
  for (const {data} of new SSEClient(url, {json: {q: 1}})) data.length;
}

export function transports(): void {
  // what has the shape of fetch fits as it is
  asyncConnect(url, {transport: fetch});
  asyncConnect(url, {transport: (address, init) => fetch(address, init)});
  asyncConnect(url, {transport: async () => new Response('')});
  asyncConnect(url, {transport: () => new Response('')});
  asyncConnect('/events', {transport: () => ({status: 200, body: ['data: a\n\n']})});
  asyncConnect(url, {transport: () => ({status: 200, body: laterChunks})});
  asyncConnect(url, {transport: blockingFetch()});
  connect(url, {transport: () => ({status: 200, headers: {'content-type': 'a'}, body: 'data: a'})});
  connect(url, {transport: () => ({status: 204})});
  connect(url, {transport: blockingFetch()});
  blockingFetch().close();
}

export function requests(): void {
  asyncConnect(url, {headers: new Headers()});
  asyncConnect(url, {headers: [['a', 'b']]});
  asyncConnect(url, {headers: new Map([['a', 'b']])});
  asyncConnect(url, {headers: ({attempt}) => ({'X-A': `${attempt}`})});
  asyncConnect(url, {headers: async ({lastEventId, error}) => [[lastEventId, String(error)]]});
  connect(url, {headers: ({attempt}) => ({'X-A': `${attempt}`})});
  asyncConnect(url, {method: 'POST', body: async () => 'text'});
  connect(url, {method: 'POST', body: () => 'text'});
  asyncConnect(url, {signal: AbortSignal.timeout(5)});
}

export async function clients(): Promise<void> {
  const client = connect(url);
  const asAsync: AsyncSSEClient = client;
  same<typeof client.state, 'idle' | 'connecting' | 'open' | 'waiting' | 'closed'>(true);
  const opened: TransportResponse = await asAsync.open();
  const status: number = client.openSync().status;
  const type: string | null | undefined = client.response?.headers.get('content-type');
  const closed: Promise<void> = client.close();
  client.reconnect();
  for (const value of client.json<{a: 1}>()) same<typeof value, {a: 1}>(true);
  for await (const value of client.json<{a: 1}>({done: 'END'})) same<typeof value, {a: 1}>(true);
  for await (const value of asAsync.json<{a: 1}>()) same<typeof value, {a: 1}>(true);
  void [opened, status, type, closed, client.url.length, client.lastEventId.length, client.retry];
}

export function mistakes(): void {
  const client = connect(url);

  // @ts-expect-error asyncConnect() needs `for await`
  for (const {data} of asyncConnect(url)) void data;
  // @ts-expect-error asyncConnect() cannot be spread
  [...asyncConnect(url)];
  // @ts-expect-error JSON values of asyncConnect() need `for await`
  for (const value of asyncConnect(url).json()) void value;
  // @ts-expect-error fetch returns a promise, for which the blocking loop cannot wait
  connect(url, {transport: fetch});
  // @ts-expect-error an async transport returns a promise
  connect(url, {transport: async () => ({status: 200})});
  // @ts-expect-error a body that comes later cannot be read by a blocking loop
  connect(url, {transport: () => ({status: 200, body: laterChunks})});
  // @ts-expect-error a ReadableStream cannot be read by a blocking loop
  connect(url, {transport: () => ({status: 200, body: stream})});
  // @ts-expect-error a Response's body is a ReadableStream
  connect(url, {transport: () => new Response('')});
  // @ts-expect-error the blocking loop cannot wait for headers
  connect(url, {headers: async () => ({'X-A': 'b'})});
  // @ts-expect-error the blocking loop cannot wait for a body
  connect(url, {method: 'POST', body: async () => 'text'});
  // @ts-expect-error a client is no promise: nothing to await before the loop
  asyncConnect(url).then;
  // @ts-expect-error openSync() is the blocking client's
  asyncConnect(url).openSync();
  // @ts-expect-error read only
  client.lastEventId = '';
  // @ts-expect-error read only
  client.state = 'closed';
  // @ts-expect-error a URL is needed
  connect();
  // @ts-expect-error a URL is text or a URL
  connect(5);

  // @ts-expect-error a number of retries, not a text
  asyncConnect(url, {maxRetries: '5'});
  // @ts-expect-error a number of milliseconds, not a text
  asyncConnect(url, {timeout: '5s'});
  // @ts-expect-error unknown option (maxRetries)
  asyncConnect(url, {retries: 5});
  // @ts-expect-error unknown option (lastEventId)
  asyncConnect(url, {lastEventID: '5'});
  // @ts-expect-error unknown option (idleTimeout), blocking
  connect(url, {idletimeout: 5});
  // @ts-expect-error a list of statuses
  asyncConnect(url, {retryStatus: 503});
  // @ts-expect-error until tells by a boolean
  asyncConnect(url, {until: '[DONE]'});
  // @ts-expect-error until is asked at once: a promise would always be true
  asyncConnect(url, {until: async () => false});
  // @ts-expect-error a header's value is text
  asyncConnect(url, {headers: {'X-A': 5}});
  // @ts-expect-error a transport is a function; leave the option out for the default
  asyncConnect(url, {transport: null});
  // @ts-expect-error a transport's response has a status
  asyncConnect(url, {transport: () => ({body: 'data: a'})});
  // @ts-expect-error a signal, not its controller
  asyncConnect(url, {signal: new AbortController()});
  // @ts-expect-error reconnect is on or off
  asyncConnect(url, {reconnect: 5});
}

// ── Replay and record ─────────────────────────────────────────────────────────────────────────

export function recorded(sink: (chunk: Chunk, connection: number) => void): void {
  const fromText: BlockingTransport = replay('data: a\n\n');
  const fromBytes: BlockingTransport = replay(new Uint8Array());
  const fromList: BlockingTransport = replay(['data: a\n\n', new Uint8Array()]);
  replay([{status: 503, headers: {'Retry-After': '2'}, body: 'busy'}, {body: ['data: a\n\n']}]);
  // @ts-expect-error a status is a number
  replay([{status: '503'}]);
  connect(url, {transport: fromText});
  asyncConnect(url, {transport: fromBytes});
  const blocking: BlockingTransport = record(fromList, sink);
  const later: Transport = record(fetch, sink);
  connect(url, {transport: record(blockingFetch(), sink)});
  asyncConnect(url, {transport: record(fetch, (chunk) => void chunk.length)});
  asyncConnect(url, {transport: later});
  asyncConnect(url, {transport: blocking});

  // @ts-expect-error what records fetch returns a promise as fetch does
  connect(url, {transport: record(fetch, sink)});
  // @ts-expect-error a log is text or bytes
  replay(5);
  // @ts-expect-error a log that comes later must be read first
  replay(laterChunks);
  // @ts-expect-error a sink takes text as well as bytes
  record(fetch, (chunk: Uint8Array) => chunk.length);
}

// ── web-event-source.ts ───────────────────────────────────────────────────────────────────────

/** The platform's own class, where its types have one: ours goes wherever that is asked for. */
type Platform = typeof globalThis extends {EventSource: infer Own} ? Own : typeof WebEventSource;
export const platform: Platform = WebEventSource;

export function webEventSource(options: EventSourceInit): void {
  const source: WebEventSource = new WebEventSource(new URL(url), {
    withCredentials: true,
    headers: async ({attempt}) => ({'x-attempt': `${attempt}`}),
    json: {},
    onRetry: ({delay}) => void delay.toFixed(),
  });
  for (const each of [undefined, null, {}, options]) new WebEventSource(url, each);
  same<typeof source.readyState, 0 | 1 | 2>(true);
  same<[typeof WebEventSource.CLOSED, typeof source.OPEN], [2, 1]>(true);
  same<ReturnType<typeof source.close>, void>(true);
  source.onopen = source.onmessage = source.onerror = null;
  source.onopen = (event) => void event.type.length;
  source.onmessage = ({data, lastEventId, origin}) =>
    void [data, lastEventId.length, origin.length];
  source.onerror = function (event) {
    const state: number = this.readyState;
    same<typeof event, EventSourceErrorEvent>(true);
    const {error, message}: {error?: unknown; message?: string} = event;
    void [error, message, state];
  };
  source.addEventListener(
    'error',
    ({error}) => void (error instanceof SSEHTTPError && error.status),
  );
  source.addEventListener('price', ({data}) => void data, {once: true});
  source.addEventListener('price', (event: MessageEvent) => void event.data, true);
  source.addEventListener('open', {handleEvent: (event: Event) => void event.type});
  source.removeEventListener('message', (event) => void event.lastEventId.length);
  source.dispatchEvent(new Event('open'));
  const target: EventTarget = source;
  void target;

  // @ts-expect-error a URL is needed
  new WebEventSource();
  // @ts-expect-error an option that does not exist
  new WebEventSource(url, {withCredential: true});
  // @ts-expect-error read only
  source.readyState = 2;
  // @ts-expect-error a constant
  WebEventSource.OPEN = 2;
  // @ts-expect-error a handler is a function or null
  source.onmessage = 5;
  // @ts-expect-error an open event has no data
  source.onopen = ({data}) => void data;
  // @ts-expect-error nor has it for a listener
  source.addEventListener('open', ({data}) => void data);
}

// ── Disposal ──────────────────────────────────────────────────────────────────────────────────
// @types/node declares Symbol.dispose and Symbol.asyncDispose.

export async function disposal(): Promise<void> {
  using blocking = connect(url);
  await using awaiting = asyncConnect(url);
  await using both = connect(url);
  void [blocking, awaiting, both];
  // @ts-expect-error an async client is closed by `await using`
  using wrong = asyncConnect(url);
  void wrong;
}
