// Clients that lie: the real ones with one fault each, made from what is public alone, so that no
// rename makes them stale. `found`: the invariants that may tell.

/** The module with other clients, which its shorthands make as well. */
function withClients(sse, change) {
  const AsyncSSEClient = change(sse.AsyncSSEClient, 'async');
  const SSEClient = change(sse.SSEClient, 'both');
  return {
    ...sse,
    AsyncSSEClient,
    SSEClient,
    asyncConnect: (url, options) => new AsyncSSEClient(url, options),
    connect: (url, options) => new SSEClient(url, options),
  };
}

/** Clients whose loops give what `step` makes of each result: step({result, again, client, state}). */
const looping = (step, leave) => (sse) =>
  withClients(sse, (Client) => {
    const state = {count: 0};
    return class extends Client {
      [Symbol.asyncIterator]() {
        const loop = super[Symbol.asyncIterator]();
        const again = () => loop.next();
        return {
          next: async () => step({result: await loop.next(), again, client: this, state}),
          return: () => (leave ? leave(loop, this) : loop.return()),
        };
      }
    };
  });

/** Clients whose options are changed first. */
const optional = (change) => (sse) =>
  withClients(
    sse,
    (Client) =>
      class extends Client {
        constructor(url, options) {
          super(url, {...options, ...change(options, () => this)});
        }
      },
  );

/** Clients whose transport is changed: change(transport, url, request, client). */
const transporting = (change) =>
  optional((options, client) => {
    const transport = options.transport ?? ((...args) => globalThis.fetch(...args));
    return {transport: (url, request) => change(transport, url, request, client())};
  });

/** The response once it is there, whichever kind of loop asks. */
function then(answer, change) {
  return typeof answer?.then === 'function' ? Promise.resolve(answer).then(change) : change(answer);
}

const changed = (event, fields) => ({...event, ...fields, json: () => JSON.parse(event.data)});
const every = (state, times) => ++state.count % times === 0;

/** A body that is never let go. */
function held(response) {
  const {body} = response ?? {};
  if (!body?.getReader) return response;
  const reader = body.getReader();
  const kept = {read: () => reader.read(), cancel: async () => {}};
  return {status: response.status, headers: response.headers, body: {getReader: () => kept}};
}

/** A client that is closed, but does one thing more. */
const afterClose = (change) => (sse) =>
  withClients(
    sse,
    (Client) =>
      class extends Client {
        async close() {
          await super.close();
          change(this);
        }
      },
  );

export const FAULTY = [
  {
    name: 'drops one event in 300',
    found: ['events', 'id'], // the id, where that event was the last to come
    make: looping(({result, again, state}) =>
      !result.done && every(state, 300) ? again() : result,
    ),
  },
  {
    name: 'gives one event in 100 twice',
    found: ['events', 'once'],
    make: looping(({result, state}) => {
      const {last} = state;
      if (result.done) return result;
      state.last = result;
      return last && every(state, 100) ? last : result;
    }),
  },
  {
    name: 'changes a character now and then',
    found: ['events'],
    make: looping(({result, state}) =>
      !result.done && every(state, 50)
        ? {done: false, value: changed(result.value, {data: `${result.value.data}?`})}
        : result,
    ),
  },
  {
    name: 'calls every event a message',
    found: ['events'],
    make: looping(({result}) =>
      result.done ? result : {done: false, value: changed(result.value, {event: 'message'})},
    ),
  },
  {
    name: 'gives an event without its id',
    found: ['events'],
    make: looping(({result}) =>
      result.done ? result : {done: false, value: changed(result.value, {id: ''})},
    ),
  },
  {
    name: 'shows another lastEventId',
    found: ['id'],
    make: (sse) =>
      withClients(
        sse,
        (Client) =>
          class extends Client {
            get lastEventId() {
              return `${super.lastEventId}0`;
            }
          },
      ),
  },
  {
    name: 'forgets the ID in one request of five',
    found: ['id', 'once'],
    make: (sse) => {
      let count = 0;
      return transporting((transport, url, request) => {
        if (++count % 5) return transport(url, request);
        const {'last-event-id': _, ...headers} = request.headers;
        return transport(url, {...request, headers});
      })(sse);
    },
  },
  {
    name: 'holds the body of every response',
    found: ['released', 'state', 'verdict'],
    make: transporting((transport, url, request) => then(transport(url, request), held)),
  },
  {
    name: 'holds the body of a refusal',
    found: ['released', 'state'],
    make: transporting((transport, url, request) =>
      then(transport(url, request), (response) =>
        response?.status >= 400 ? held(response) : response,
      ),
    ),
  },
  {
    name: 'holds the body of a redirect',
    found: ['released'],
    make: transporting((transport, url, request) =>
      then(transport(url, request), (response) =>
        [307, 308].includes(response?.status) ? held(response) : response,
      ),
    ),
  },
  {
    name: 'waits nine tenths of the time',
    found: ['wait'],
    make: optional(({sleep}) => sleep && {sleep: (ms) => sleep(ms * 0.9)}),
  },
  {
    name: 'does not wait at all',
    found: ['wait', 'rate', 'verdict', 'progress'],
    make: optional(() => ({sleep: () => {}})),
  },
  {
    name: 'storms where the server asks for no wait',
    found: ['rate'],
    make: optional(
      ({sleep, retryInterval, maxRetryInterval}, client) =>
        sleep
        && retryInterval === 0
        && maxRetryInterval === 0 && {
          sleep: (ms) => (client().retry || ms > 126 ? sleep(ms) : undefined),
        },
    ),
  },
  {
    name: 'never heard of Retry-After',
    found: ['wait'],
    make: transporting((transport, url, request) =>
      then(transport(url, request), (response) => {
        if (!(response?.status >= 400)) return response;
        const {headers} = response;
        const get = (name) =>
          name === 'retry-after' ? null : (headers.get?.(name) ?? headers[name] ?? null);
        return {status: response.status, body: response.body, headers: {get}};
      }),
    ),
  },
  {
    name: 'waits for the interval of its options, whatever the server says',
    found: ['wait'],
    make: optional(
      ({sleep, retryInterval = 3000}) => sleep && {sleep: () => sleep(Math.min(retryInterval, 40))},
    ),
  },
  {
    name: 'gives up at the first loss',
    found: ['verdict'],
    make: optional(() => ({maxRetries: 0})),
  },
  {
    name: 'reconnects where one connection is all',
    found: ['verdict'],
    make: optional(() => ({reconnect: true})),
  },
  {
    name: 'never stops retrying',
    found: ['verdict'],
    make: optional(() => ({maxRetries: Infinity})),
  },
  {
    name: 'retries every status',
    found: ['verdict'],
    make: optional(() => ({retryStatus: Array.from({length: 300}, (_, at) => 300 + at)})),
  },
  {
    name: 'retries no status',
    found: ['verdict'],
    make: optional(() => ({retryStatus: []})),
  },
  {
    name: 'takes a 204 for a refusal',
    found: ['verdict', 'events', 'progress'],
    make: transporting((transport, url, request) =>
      then(transport(url, request), (response) =>
        response?.status === 204 ? {...response, status: 503, headers: new Headers()} : response,
      ),
    ),
  },
  {
    name: 'gives a healthy connection up at a tenth of the limit',
    found: ['patience'],
    make: optional(({idleTimeout = 300_000}) => ({idleTimeout: idleTimeout / 10})),
  },
  {
    name: 'never gives a silent connection up',
    found: ['patience', 'progress'],
    make: optional(() => ({idleTimeout: Infinity})),
  },
  {
    name: 'never gives a stream up that brings no event',
    found: ['patience'],
    make: optional(() => ({eventTimeout: Infinity})),
  },
  {
    name: 'gives a healthy stream up after a tenth of eventTimeout',
    found: ['patience'],
    make: optional(({eventTimeout = Infinity}) => ({eventTimeout: eventTimeout / 10})),
  },
  {
    name: 'asks no function that retryStatus is',
    found: ['verdict'],
    make: optional(({retryStatus}) =>
      typeof retryStatus === 'function' ? {retryStatus: undefined} : {},
    ),
  },
  {
    name: 'takes a thrown fault of the program for a loss',
    found: ['verdict'],
    make: transporting((transport, url, request) => {
      try {
        return transport(url, request);
      } catch (error) {
        throw error.code ? error : Object.assign(error, {code: 'ECONNRESET'});
      }
    }),
  },
  {
    name: 'never gives a request up',
    found: ['patience', 'progress'],
    make: optional(() => ({timeout: Infinity})),
  },
  {
    name: 'leaves a timer on',
    found: ['left'],
    make: afterClose(() => setTimeout(() => {}, 1e6)),
  },
  {
    name: 'leaves a listener on the signal',
    found: ['left'],
    make: optional(({signal}) => {
      signal?.addEventListener('abort', () => {});
      return {};
    }),
  },
  {
    name: 'leaves a rejection alone',
    found: ['rejection'],
    make: afterClose(() => void Promise.reject(new Error('nobody hears this'))),
  },
  {
    name: 'asks once more after close()',
    found: ['closed'],
    make: (sse) => {
      let again;
      const faulty = transporting((transport, url, request) => {
        again = () => transport(url, request);
        return transport(url, request);
      })(sse);
      return afterClose(() => void Promise.resolve(again?.()).catch(() => {}))(faulty);
    },
  },
  {
    name: 'gives an event after close()',
    found: ['closed', 'events'],
    make: looping(({result, client, state}) => {
      if (!result.done) state.last = result;
      return result.done && client.state === 'closed' && state.last ? state.last : result;
    }),
  },
  {
    name: 'says open while it waits',
    found: ['state'],
    make: (sse) =>
      withClients(
        sse,
        (Client) =>
          class extends Client {
            get state() {
              return super.state === 'waiting' ? 'open' : super.state;
            }
          },
      ),
  },
  {
    name: 'comes back from closed',
    found: ['state'],
    make: (sse) =>
      withClients(
        sse,
        (Client) =>
          class extends Client {
            get state() {
              return super.state === 'closed' ? 'idle' : super.state;
            }
          },
      ),
  },
  {
    name: 'throws a mistake of its own',
    found: ['errors', 'verdict'],
    make: looping(({result, state}) => (every(state, 20) ? state.nothing.value : result)),
  },
  {
    name: 'never answers once it is closed',
    found: ['progress'],
    make: looping(({result, client}) =>
      result.done && client.state === 'closed' ? new Promise(() => {}) : result,
    ),
  },
  {
    name: 'sends the token to other origins',
    found: ['secrets'],
    make: (sse) => {
      let secret;
      return transporting((transport, url, request) => {
        secret ??= request.headers['x-token'];
        return transport(url, {...request, headers: {...request.headers, 'x-token': secret}});
      })(sse);
    },
  },
  {
    name: 'tells onRetry a wrong attempt',
    found: ['verdict'],
    make: optional(({onRetry}) => ({
      onRetry: (retry) => onRetry?.({...retry, attempt: retry.attempt + 1}),
    })),
  },
  {
    name: 'remembers every error',
    found: ['memory'],
    make: (sse) => {
      const past = [];
      return optional(({onRetry}) => ({
        onRetry: (retry) => {
          past.push(retry);
          return onRetry?.(retry);
        },
      }))(sse);
    },
  },
  {
    name: 'ends a loop that was not left by a break',
    found: ['progress', 'verdict', 'events'],
    make: looping(({result, state}) =>
      every(state, 40) ? {done: true, value: undefined} : result,
    ),
  },
];
