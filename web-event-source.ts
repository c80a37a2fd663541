/*! npm:ssekit@0.2.0/web-event-source.ts | MIT License | sha256:821e72a820941bd6ee89033e79b67bc3 */
/* eslint-disable -- checked where it is made: where it is copied to, all tools pass it over */
/* eslint max-lines: [1, 9], max-classes-per-file: 0, unicorn/no-abusive-eslint-disable: 0,
eslint-comments/no-unlimited-disable: 0, @eslint-community/eslint-comments/no-unlimited-disable: 0,
eslint-comments/disable-enable-pair: 0, @eslint-community/eslint-comments/disable-enable-pair: 0
-- max-lines always finds something, so no disable is unused; the others no disable can reach */
// biome-ignore-all lint assist format: as above
// deno-lint-ignore-file
// deno-fmt-ignore-file
//
// The EventSource of browsers, for every runtime, over AsyncSSEClient: the second file to copy, for
// programs and packages that want that class. It needs sse.ts beside it, and imports nothing else;
// write that one import as your compiler wants it: './sse.ts', './sse.js' or './sse'.
//
//   const source = new EventSource('https://example.com/events', {headers: {authorization}});
//   source.onmessage = ({data, lastEventId}) => …;
//   source.onerror = ({error}) => …; // source.readyState tells whether it connects again
//
// "The standard" is WHATWG HTML, section "Server-sent events":
// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
// What it leaves to the reader of the stream is in sse.ts. As there, no ambient type is named.

import {AsyncSSEClient, type SSEClientOptions, type SSEResponse, type URLInput} from './sse.ts';

/** The platform's own type where there is one, so that its listeners fit. */
type Platform<Name extends string, Otherwise> = typeof globalThis extends {
  readonly [N in Name]: {readonly prototype: infer Own};
}
  ? Own
  : Otherwise;

type PlatformEvent = Platform<'Event', {readonly type: string}>;
type PlatformMessageEvent = Platform<
  'MessageEvent',
  PlatformEvent & {readonly data: string; readonly lastEventId: string; readonly origin: string}
>;
/** Its handlers have it as `this`: so ours goes where that one is asked for. */
type Self = Platform<'EventSource', EventSource>;
type Listener = (event: PlatformEvent) => void;
type PlatformTarget = Platform<
  'EventTarget',
  {
    addEventListener(type: string, listener: Listener | null, options?: object | boolean): void;
    removeEventListener(type: string, listener: Listener | null, options?: object | boolean): void;
    dispatchEvent(event: PlatformEvent): boolean;
  }
>;

/** Class of an event by its type; those of all other types are `MessageEvent`s, too. */
export interface EventSourceEvents {
  readonly open: PlatformEvent;
  readonly message: PlatformMessageEvent;
  readonly error: EventSourceErrorEvent;
}

/** The event of a loss (`readyState` is CONNECTING) and of the end (CLOSED). */
export type EventSourceErrorEvent = PlatformEvent & {
  /** Why; undefined: the stream is over, by 204, `until` or the end of a single connection. */
  readonly error?: unknown;
  /** The message of that error, or `""`. */
  readonly message?: string;
};

interface Listens {
  readonly addEventListener: Listening;
  readonly removeEventListener: Listening;
}

interface Listening {
  <Type extends keyof EventSourceEvents>(
    type: Type,
    listener: (this: Self, event: EventSourceEvents[Type]) => unknown,
    options?: object | boolean,
  ): void;
  (
    type: string,
    listener: (this: Self, event: PlatformMessageEvent) => unknown,
    options?: object | boolean,
  ): void;
}

declare const Event: new (type: string) => PlatformEvent;
declare const MessageEvent: new (
  type: string,
  init: {data: string; origin: string; lastEventId: string},
) => PlatformMessageEvent;
declare const EventTarget: {
  new (): Listens & PlatformTarget;
  readonly prototype: PlatformTarget;
};
declare const DOMException: new (message: string, name: string) => Error;
declare const URL: new (
  url: string,
  base?: string,
) => {readonly href: string; readonly origin: string};

declare const setTimeout: (task: () => void, ms: number) => unknown;
declare const MessageChannel: new () => Channel;

interface Channel {
  readonly port1: {onmessage: () => void};
  readonly port2: {postMessage(message: null): void};
}

const platform: {
  readonly Object: unknown; // which it has for certain, as compilers want it
  readonly document?: {readonly baseURI: string};
  readonly location?: {readonly href: string};
  readonly setImmediate?: (task: () => void) => unknown;
} = globalThis;

/** Options of `EventSource`: the standard's one, and those of the client. */
export interface EventSourceInit extends SSEClientOptions {
  /** true: cookies go along to other origins, too. Default false. */
  readonly withCredentials?: boolean | undefined;
}

/** Value of an event handler attribute. */
type Handler<Its> = ((this: Self, event: Its) => unknown) | null;

/** The same for any event. A method's parameter may be narrower than what it is called with. */
type AnyHandler = {call(event: PlatformEvent): unknown}['call'];

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

export interface EventSource {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
}

/**
 * The standard's `EventSource`. Throws TypeError for arguments that are none, and SyntaxError
 * (a DOMException) for a URL that cannot be parsed; wrong options throw as AsyncSSEClient says.
 */
export class EventSource extends EventTarget {
  static readonly CONNECTING: 0 = CONNECTING;
  static readonly OPEN: 1 = OPEN;
  static readonly CLOSED: 2 = CLOSED;

  static {
    const {prototype} = EventSource;
    // Web IDL: what an interface has is seen in a listing
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name !== 'constructor') Object.defineProperty(prototype, name, {enumerable: true});
    }
    for (const [name, value] of Object.entries({CONNECTING, OPEN, CLOSED})) {
      const constant = {value, enumerable: true, writable: false, configurable: false};
      Object.defineProperty(EventSource, name, constant);
      Object.defineProperty(prototype, name, constant);
    }
    const name = {value: 'EventSource', configurable: true};
    Object.defineProperty(prototype, Symbol.toStringTag, name);
    Object.defineProperty(EventSource, 'name', name); // bundlers rename classes
  }

  readonly #url: string;
  readonly #withCredentials: boolean;
  readonly #signal: SSEClientOptions['signal'];
  /** undefined: of such a URL there is nothing to follow. */
  readonly #client: AsyncSSEClient | undefined;
  readonly #handlers = new Map<string, {value: AnyHandler; readonly listener: Listener}>();
  #state: 0 | 1 | 2 = CONNECTING;
  /** Of the last request, redirects followed. */
  #origin: string;

  constructor(url: URLInput, options: EventSourceInit | null = {}) {
    super();
    if (!arguments.length) throw new TypeError('EventSource needs a URL');
    const text = `${url}`; // as Web IDL has it: arguments are converted first, in their order
    if (!isObject(options ?? {})) throw new TypeError('options must be an object');
    const {withCredentials = false, ...given} = options ?? {};
    const {transport, init, signal, retryStatus = []} = given;
    const {href, origin} = absolute(text);
    this.#url = href;
    this.#origin = origin;
    this.#withCredentials = !!withCredentials;
    this.#signal = signal;
    if (transport || /^https?:/.test(href)) {
      this.#client = new AsyncSSEClient(href, {
        ...given,
        retryStatus, // the standard: an answer that is no stream is the end
        // same-origin is fetch's own default, and workerd's refuses to be told
        ...(withCredentials && {init: {credentials: 'include', ...init}}),
        ...(typeof transport === 'function' && {transport: this.#noting(transport)}),
        onOpen: async (response) => {
          await this.#announce(response);
          return given.onOpen?.(response);
        },
        onRetry: async (retry) => {
          await this.#tell(CONNECTING, errorEvent(retry.error));
          return given.onRetry?.(retry);
        },
      });
    }
    void this.#follow();
  }

  get url(): string {
    return this.#url;
  }

  get withCredentials(): boolean {
    return this.#withCredentials;
  }

  /** CONNECTING, also while it waits to connect again; OPEN; CLOSED, for good. */
  get readyState(): 0 | 1 | 2 {
    return this.#signal?.aborted ? CLOSED : this.#state;
  }

  get onopen(): Handler<PlatformEvent> {
    return this.#handler('open');
  }

  set onopen(value: Handler<PlatformEvent>) {
    this.#handle('open', value);
  }

  get onmessage(): Handler<PlatformMessageEvent> {
    return this.#handler('message');
  }

  set onmessage(value: Handler<PlatformMessageEvent>) {
    this.#handle('message', value);
  }

  get onerror(): Handler<EventSourceErrorEvent> {
    return this.#handler('error');
  }

  set onerror(value: Handler<EventSourceErrorEvent>) {
    this.#handle('error', value);
  }

  /** Ends it, at once and for good: no event follows. */
  close(): void {
    this.#state = CLOSED;
    void this.#client?.close();
  }

  async #follow(): Promise<void> {
    let failure: unknown;
    try {
      await null; // some transports answer at once: not before there are listeners
      if (!this.#client) throw new TypeError(`Only http: and https: are followed: ${this.#url}`);
      for await (const {event, data, id} of this.#client) {
        const init = {data, origin: this.#origin, lastEventId: id};
        await this.#tell(OPEN, new MessageEvent(event, init));
      }
    } catch (error) {
      failure = error;
    }
    await this.#tell(CLOSED, errorEvent(failure));
  }

  /** Notes the origin, for a transport that does not tell where its answer comes from. */
  #noting(transport: NonNullable<SSEClientOptions['transport']>): typeof transport {
    const noting: typeof transport = (url, request) => {
      this.#origin = new URL(url).origin;
      return transport(url, request);
    };
    const {verifies} = transport;
    return verifies === undefined ? noting : Object.assign(noting, {verifies});
  }

  #announce({url}: SSEResponse & {readonly url?: string}): Promise<void> {
    if (url) this.#origin = new URL(url, this.#url).origin;
    return this.#tell(OPEN, new Event('open'));
  }

  /** The state that an event tells of begins with it. Once closed there is nothing to tell. */
  async #tell(state: 0 | 1 | 2, event: PlatformEvent): Promise<void> {
    if (this.readyState === CLOSED) return;
    this.#state = state;
    // not `super`, which TypeScript does not compile in here for targets before ES2022, nor `this`,
    // which a subclass may have changed; what a listener throws is reported there
    EventTarget.prototype.dispatchEvent.call(this, event);
    await turn();
  }

  #handler(type: string): AnyHandler | null {
    return this.#handlers.get(type)?.value ?? null;
  }

  /** HTML, "event handlers": its place among the listeners is that of the first one set. */
  #handle(type: string, value: AnyHandler | null): void {
    const held = this.#handlers.get(type);
    if (!value || !isObject(value)) {
      this.#handlers.delete(type);
      if (held) EventTarget.prototype.removeEventListener.call(this, type, held.listener);
    } else if (held) held.value = value;
    else {
      const made = {
        value,
        listener: (event: PlatformEvent): void => {
          if (typeof made.value === 'function') made.value.call(this, event);
        },
      };
      this.#handlers.set(type, made);
      if (!callsHandlers()) {
        EventTarget.prototype.addEventListener.call(this, type, made.listener);
      }
    }
  }
}

/** For pages and their workers, which have a location: timers in timers wait for 4 ms there. */
let channel: Channel | undefined;
const waiting: (() => void)[] = [];

/**
 * A task of its own, as the standard has it for each event: what the listeners of one wait for, and
 * is there, comes before the next one.
 */
function turn(): Promise<void> {
  const {location, setImmediate} = platform;
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else if (!location || typeof MessageChannel !== 'function')
      setTimeout(resolve, 0); // jsdom
    else {
      if (!channel) {
        channel = new MessageChannel();
        channel.port1.onmessage = () => waiting.shift()?.();
      }
      waiting.push(resolve);
      channel.port2.postMessage(null);
    }
  });
}

let calls: boolean | undefined;

/** workerd calls by itself what an `on…` of an EventTarget holds, before all listeners. */
function callsHandlers(): boolean {
  if (calls !== undefined) return calls;
  calls = false;
  const target = Object.assign(new EventTarget(), {onopen: () => (calls = true)});
  target.dispatchEvent(new Event('open'));
  return calls;
}

function isObject(value: unknown): boolean {
  return Object(value) === value;
}

/** In a page, or a worker, a URL may be relative. */
function absolute(url: string): InstanceType<typeof URL> {
  try {
    return new URL(url, platform.document?.baseURI ?? platform.location?.href);
  } catch {
    throw new DOMException('url is not a URL, or is relative outside of a page', 'SyntaxError');
  }
}

function errorEvent(error: unknown): EventSourceErrorEvent {
  return Object.assign(new Event('error'), {error, message: `${Object(error).message ?? ''}`});
}
