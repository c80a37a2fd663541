// The contenders over a network, each as its own documentation uses it. `load` gives
// `follow(url, onEvent, total)`, which subscribes; its promise is kept once it has given `total`
// events and closed; that of a drain once the body ends.

/** Follows by a loop over an async iterable, made anew for each subscription. */
const loop = (open) => async (url, onEvent, total) => {
  let count = 0;
  for await (const event of open(url)) {
    onEvent(event);
    if (++count === total) break;
  }
};

/** Follows by callbacks: `open` gets the callback and returns what closes. */
const callbacks = (open) => (url, onEvent, total) =>
  new Promise((resolve, reject) => {
    let count = 0;
    const close = open(
      url,
      (event) => {
        onEvent(event);
        if (++count !== total) return;
        resolve();
        queueMicrotask(() => close());
      },
      reject,
    );
  });

/** What a drain says of each chunk. */
const CHUNK = {data: 'chunk'};

/** What is left of an LLM's chunk, for those that parse JSON. */
const contentOf = (chunk) => ({data: chunk.choices[0].delta.content});

/** Our own; `load` gets a build, and gives undefined where that build has no such thing. */
const OURS = {
  'over fetch': {
    load: ({asyncConnect}) => loop((url) => asyncConnect(url)),
  },
  'over fetch, batches()': {
    load:
      ({asyncConnect}) =>
      async (url, onEvent, total) => {
        let count = 0;
        for await (const batch of asyncConnect(url).batches()) {
          for (const event of batch) onEvent(event);
          count += batch.length;
          if (count === total) break;
        }
      },
  },
  'over node:http': {
    load: ({asyncConnect, httpTransport}) =>
      httpTransport && loop((url) => asyncConnect(url, {transport: httpTransport()})),
  },
  'over fetch, json()': {
    givesContent: true,
    load: ({asyncConnect}) =>
      loop(async function* (url) {
        for await (const chunk of asyncConnect(url).json()) yield contentOf(chunk);
      }),
  },
};

/** Name, as in `--peer`, to what it is: a drain, or a client. */
const PEERS = {
  'fetch drained': {
    isDrain: true,
    load: () => async (url, onEvent) => {
      const reader = (await fetch(url)).body.getReader();
      while (!(await reader.read()).done) onEvent(CHUNK);
    },
  },

  'node:http drained': {
    isDrain: true,
    async load() {
      const {get} = await import('node:http');
      return (url, onEvent) =>
        new Promise((resolve, reject) => {
          const onResponse = (response) =>
            response
              .on('data', () => onEvent(CHUNK))
              .on('end', resolve)
              .on('error', reject);
          get(url, onResponse).on('error', reject);
        });
    },
  },

  esp4: {
    label: 'eventsource-parser 4 over fetch',
    async load() {
      const {createParser} = await import('eventsource-parser');
      return callbacks((url, onEvent, onError) => {
        const controller = new AbortController();
        const decoder = new TextDecoder();
        const parser = createParser({onEvent});
        const read = async () => {
          const {body} = await fetch(url, {signal: controller.signal});
          const reader = body.getReader();
          for (;;) {
            const {done, value} = await reader.read();
            if (done) return;
            parser.feed(decoder.decode(value, {stream: true}));
          }
        };
        read().catch(onError);
        return () => controller.abort();
      });
    },
  },

  eventsource: {
    label: 'eventsource 5',
    async load() {
      const {EventSource} = await import('eventsource');
      return callbacks((url, onEvent) => {
        const source = new EventSource(url);
        source.onmessage = onEvent;
        return () => source.close();
      });
    },
  },

  'eventsource-client': {
    label: 'eventsource-client, callback',
    async load() {
      const {createEventSource} = await import('eventsource-client');
      return callbacks((url, onMessage) => {
        const source = createEventSource({url, onMessage});
        return () => source.close();
      });
    },
  },

  'eventsource-client-loop': {
    label: 'eventsource-client, for await',
    async load() {
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
  },

  'fetch-event-source': {
    label: 'fetch-event-source',
    async load() {
      const {fetchEventSource} = await import('@microsoft/fetch-event-source');
      // It is made for browsers; this is what it asks of them.
      globalThis.document ??= {addEventListener() {}, removeEventListener() {}};
      globalThis.window ??= globalThis;
      const onerror = (error) => {
        throw error;
      };
      return callbacks((url, onmessage, onError) => {
        const controller = new AbortController();
        const {signal} = controller;
        fetchEventSource(url, {signal, onmessage, openWhenHidden: true, onerror}).catch(onError);
        return () => controller.abort();
      });
    },
  },

  launchdarkly: {
    label: 'launchdarkly-eventsource',
    async load() {
      const {EventSource} = await import('launchdarkly-eventsource');
      return callbacks((url, onEvent) => {
        const source = new EventSource(url);
        source.onmessage = onEvent;
        source.onerror = () => {}; // the end, and it would connect again
        return () => source.close();
      });
    },
  },

  undici: {
    label: 'undici',
    async load() {
      const {EventSource} = await import('undici');
      return callbacks((url, onEvent) => {
        const source = new EventSource(url);
        source.onmessage = onEvent;
        return () => source.close();
      });
    },
  },

  openai: {
    label: 'openai, JSON parsed',
    givesContent: true,
    async load() {
      const {default: OpenAI} = await import('openai');
      return loop(async function* (url) {
        const {origin, pathname, searchParams} = new URL(url);
        const client = new OpenAI({
          baseURL: `${origin}${pathname}`,
          apiKey: 'none',
          maxRetries: 0,
          dangerouslyAllowBrowser: true, // where the stand-ins above make it look like one
        });
        const headers = {events: searchParams.get('events')};
        const request = {model: 'any', stream: true, messages: [{role: 'user', content: 'go'}]};
        for await (const chunk of await client.chat.completions.create(request, {headers})) {
          yield contentOf(chunk);
        }
      });
    },
  },
};

/** `{name, label, isOurs, build, isDrain, givesContent}` of builds, drains and peers. */
export function clientsFor({ours, peers}) {
  const isWanted = ([name, {isDrain}]) => !peers || isDrain || peers.includes(name);
  return [
    ...Object.entries(ours).flatMap(([name, build]) =>
      Object.entries(OURS).map(([way, client]) => ({
        name: way,
        label: `${name} ${way}`,
        ...client,
        build,
        isOurs: true,
      })),
    ),
    ...Object.entries(PEERS)
      .filter(isWanted)
      .map(([name, client]) => ({name, label: name, ...client})),
  ];
}

/** Loads one of them: its `follow`, or why there is none, as text. */
export async function loadClient({name, build}) {
  try {
    const client = OURS[name] ?? PEERS[name];
    const sse = build && (await import(build));
    return (await client.load(sse)) ?? 'not in this build';
  } catch (error) {
    return `does not load: ${error.message}`;
  }
}
