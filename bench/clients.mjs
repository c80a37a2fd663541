// The contenders over a network, each as its own documentation uses it. `follow(url, onEvent,
// total)` subscribes; its promise is kept once it has given `total` events and closed; that of a
// drain once the body ends.

/** Follows by a loop over an async iterable, made anew for each subscription. */
const loop = (open) => async (url, onEvent, total) => {
  let count = 0;
  for await (const event of open(url)) {
    onEvent(event);
    if (++count === total) break;
  }
};

/** Follows by callbacks: `open` gets the callback and returns what closes. */
const callbacks = (open) => (url, onEvent, total) => new Promise((resolve, reject) => {
  let count = 0;
  const close = open(url, (event) => {
    onEvent(event);
    if (++count !== total) return;
    resolve();
    queueMicrotask(() => close());
  }, reject);
});

/** What a drain says of each chunk. */
const CHUNK = {data: 'chunk'};

/** Name → how to load it; the options are the build of ours. */
export const CLIENTS = {
  'fetch, drained': () => async (url, onEvent) => {
    const reader = (await fetch(url)).body.getReader();
    while (!(await reader.read()).done) onEvent(CHUNK);
  },

  async 'node:http, drained'() {
    const {get} = await import('node:http');
    return (url, onEvent) => new Promise((resolve, reject) => {
      const onResponse = (response) => response.on('data', () => onEvent(CHUNK))
        .on('end', resolve).on('error', reject);
      get(url, onResponse).on('error', reject);
    });
  },

  'ours, fetch': ({asyncConnect}) => loop((url) => asyncConnect(url)),

  /** Undefined where the build has no such transport. */
  'ours, node:http': ({asyncConnect, httpTransport}) => httpTransport
    && loop((url) => asyncConnect(url, {transport: httpTransport()})),

  /** Parses each event's JSON, as the openai SDK does. */
  'ours, json()': ({asyncConnect}) => loop(async function * (url) {
    for await (const chunk of asyncConnect(url).json()) yield contentOf(chunk);
  }),

  async 'eventsource-parser 4 over fetch'() {
    const {createParser} = await import('eventsource-parser');
    return callbacks((url, onEvent, onError) => {
      const controller = new AbortController();
      const decoder = new TextDecoder();
      const parser = createParser({onEvent});
      const read = async () => {
        const {body} = await fetch(url, {signal: controller.signal});
        const reader = body.getReader();
        for (let part; !(part = await reader.read()).done;) {
          parser.feed(decoder.decode(part.value, {stream: true}));
        }
      };
      read().catch(onError);
      return () => controller.abort();
    });
  },

  async 'eventsource 5'() {
    const {EventSource} = await import('eventsource');
    return callbacks((url, onEvent) => {
      const source = new EventSource(url);
      source.onmessage = onEvent;
      return () => source.close();
    });
  },

  async 'eventsource-client'() {
    const {createEventSource} = await import('eventsource-client');
    return callbacks((url, onMessage) => {
      const source = createEventSource({url, onMessage});
      return () => source.close();
    });
  },

  async 'eventsource-client, for await'() {
    const {createEventSource} = await import('eventsource-client');
    return async (url, onEvent, total) => {
      const source = createEventSource({url});
      try {
        await loop(() => source)(url, onEvent, total);
      } finally {
        source.close();
      }
    };
  },

  async 'fetch-event-source'() {
    const {fetchEventSource} = await import('@microsoft/fetch-event-source');
    // It is made for browsers; this is what it asks of them.
    globalThis.document ??= {addEventListener() {}, removeEventListener() {}};
    globalThis.window ??= globalThis;
    return callbacks((url, onmessage, onError) => {
      const controller = new AbortController();
      const {signal} = controller;
      const options = {signal, onmessage, openWhenHidden: true, onerror(error) {
        throw error;
      }};
      fetchEventSource(url, options).catch(onError);
      return () => controller.abort();
    });
  },

  async 'launchdarkly-eventsource'() {
    const {EventSource} = await import('launchdarkly-eventsource');
    return callbacks((url, onEvent) => {
      const source = new EventSource(url);
      source.onmessage = onEvent;
      source.onerror = () => {}; // the end, and it would connect again
      return () => source.close();
    });
  },

  async undici() {
    const {EventSource} = await import('undici');
    return callbacks((url, onEvent) => {
      const source = new EventSource(url);
      source.onmessage = onEvent;
      return () => source.close();
    });
  },

  async openai() {
    const {default: OpenAI} = await import('openai');
    return loop(async function * (url) {
      const {origin, pathname, searchParams} = new URL(url);
      const client = new OpenAI({baseURL: `${origin}${pathname}`, apiKey: 'none', maxRetries: 0});
      const headers = {events: searchParams.get('events')};
      const request = {model: 'any', stream: true, messages: [{role: 'user', content: 'go'}]};
      for await (const chunk of await client.chat.completions.create(request, {headers})) {
        yield contentOf(chunk);
      }
    });
  },
};

/** Those that give no text but what its JSON says; others are checked by the events' data. */
export const GIVE_CONTENT = ['ours, json()', 'openai'];
export const DRAINS = ['fetch, drained', 'node:http, drained'];

const contentOf = (chunk) => ({data: chunk.choices[0].delta.content});
