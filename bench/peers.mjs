// The peers' parsers, each in the form that its own documentation or its own client uses. Those
// that take any async iterable get the one that we get; the others a ReadableStream.

import {asyncChunks, responseOf, streamOf} from './sources.mjs';

/** Decode, find the line ends, cut, make an object: what no parser of bytes gets around. It is
 *  told what a parser must find out: whether the bytes are ASCII, and that no field is odd. */
function floor({chunks, isASCII}, onEvent) {
  const decoder = new TextDecoder('utf-8', {ignoreBOM: true});
  const streaming = {stream: true};
  const scan = makeFloor(onEvent);
  for (const chunk of chunks) {
    scan(isASCII ? decoder.decode(chunk) : decoder.decode(chunk, streaming));
  }
}

function makeFloor(onEvent) {
  let rest = '';
  let data;
  let event = 'message';
  let id = '';
  return (chunk) => {
    const text = rest === '' ? chunk : rest + chunk;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const stop = text.charCodeAt(end - 1) === 13 ? end - 1 : end;
      const first = text.charCodeAt(start);
      if (first === 100) {
        const value = text.slice(start + 6, stop);
        data = data === undefined ? value : data + '\n' + value;
      } else if (first === 101) event = text.slice(start + 7, stop);
      else if (first === 105) id = text.slice(start + 4, stop);
      else if (stop === start && data !== undefined) {
        onEvent({event, data, id});
        data = undefined;
        event = 'message';
      }
      start = end + 1;
    }
    rest = start < text.length ? text.slice(start) : '';
  };
}

/** eventsource-parser over each kind of input; its data is handed on as it is. */
function createParserForms({createParser}) {
  return {
    bytes({chunks}, onEvent) {
      const parser = createParser({onEvent: (event) => onEvent(event)});
      const decoder = new TextDecoder();
      const streaming = {stream: true};
      for (const chunk of chunks) parser.feed(decoder.decode(chunk, streaming));
    },
    text({text}, onEvent) {
      createParser({onEvent: (event) => onEvent(event)}).feed(text);
    },
    lines({lines}, onEvent) {
      const parser = createParser({onEvent: (event) => onEvent(event)});
      for (const line of lines) parser.feed(line + '\n');
    },
  };
}

/** For clients that want one, and are given their response by other means. */
const URL_OF_NONE = 'http://127.0.0.1/';

/** Name, as in `--peer`, to
 *  - `label`;
 *  - `load`, which gives what runs over an input: `{bytes}`, or `{bytes, text, lines}`;
 *  - `loopsOver`: it is read by `for await`, over any async iterable or over a stream only;
 *  - `ids: false`: its events have none;
 *  - `takesText`;
 *  - `needsNode`: no browser has what it imports. */
export const PEERS = {
  floor: {
    label: 'floor: decode, cut, make objects',
    takesText: true,
    load: () => ({
      bytes: floor,
      text: ({text}, onEvent) => makeFloor(onEvent)(text),
      lines({lines}, onEvent) {
        const scan = makeFloor(onEvent);
        for (const line of lines) scan(line + '\n');
      },
    }),
  },

  esp4: {
    label: 'eventsource-parser 4, push',
    takesText: true,
    load: async () => createParserForms(await import('eventsource-parser')),
  },

  esp3: {
    label: 'eventsource-parser 3, push',
    takesText: true,
    load: async () => createParserForms(await import('eventsource-parser-3')),
  },

  'esp4-stream': {
    label: 'eventsource-parser 4, stream',
    loopsOver: 'stream',
    async load() {
      const {EventSourceParserStream} = await import('eventsource-parser/stream');
      return {
        async bytes({chunks}, onEvent) {
          const events = streamOf(chunks)
            .pipeThrough(new TextDecoderStream())
            .pipeThrough(new EventSourceParserStream());
          for await (const event of events) onEvent(event);
        },
      };
    },
  },

  anthropic: {
    label: '@anthropic-ai/sdk, for await',
    loopsOver: 'chunks',
    ids: false,
    async load() {
      const {Stream} = await import('@anthropic-ai/sdk/core/streaming');
      return {
        async bytes({chunks}, onEvent) {
          for await (const event of Stream.rawEvents({body: asyncChunks(chunks)})) onEvent(event);
        },
      };
    },
  },

  openai: {
    label: 'openai, for await',
    loopsOver: 'chunks',
    ids: false,
    async load() {
      const {_iterSSEMessages} = await import('openai/core/streaming');
      return {
        async bytes({chunks}, onEvent) {
          const controller = new AbortController();
          const events = _iterSSEMessages({body: asyncChunks(chunks)}, controller);
          for await (const event of events) onEvent(event);
        },
      };
    },
  },

  undici: {
    needsNode: true,
    label: 'undici, push',
    async load() {
      const {EventSourceStream} = (await import('undici/lib/web/eventsource/eventsource-stream.js'))
        .default;
      return {
        bytes({chunks}, onEvent) {
          const push = (event) => onEvent(event.options, event.type);
          const stream = new EventSourceStream({eventSourceSettings: {}, push});
          for (const chunk of chunks) stream.write(chunk);
        },
      };
    },
  },

  'fetch-event-source': {
    label: 'fetch-event-source, push',
    async load() {
      const {getLines, getMessages} = await import(
        '@microsoft/fetch-event-source/lib/cjs/parse.js'
      );
      return {
        bytes({chunks}, onEvent) {
          const nothing = () => {};
          const onChunk = getLines(getMessages(nothing, nothing, (event) => onEvent(event)));
          for (const chunk of chunks) onChunk(chunk);
        },
      };
    },
  },

  'fetch-event-stream': {
    label: 'fetch-event-stream, for await',
    loopsOver: 'stream',
    async load() {
      const {events} = await import('fetch-event-stream');
      return {
        async bytes({chunks}, onEvent) {
          for await (const event of events(responseOf(streamOf(chunks)))) onEvent(event);
        },
      };
    },
  },

  'parse-sse': {
    label: 'parse-sse, for await',
    loopsOver: 'stream',
    async load() {
      const {parseServerSentEvents} = await import('parse-sse');
      return {
        async bytes({chunks}, onEvent) {
          const events = parseServerSentEvents(responseOf(streamOf(chunks)));
          for await (const event of events) onEvent(event);
        },
      };
    },
  },

  eventsource: {
    label: 'eventsource 5, listeners',
    async load() {
      const {EventSource} = await import('eventsource');
      return {
        bytes({chunks, types}, onEvent) {
          const fetch = async () => responseOf(streamOf(chunks));
          const source = new EventSource(URL_OF_NONE, {fetch});
          for (const type of types) source.addEventListener(type, (event) => onEvent(event));
          return new Promise(
            (resolve) =>
              (source.onerror = () => {
                source.close();
                resolve();
              }),
          );
        },
      };
    },
  },

  'eventsource-client': {
    label: 'eventsource-client, callback',
    async load() {
      const {createEventSource} = await import('eventsource-client');
      return {
        bytes({chunks}, onEvent) {
          const fetch = async () => responseOf(streamOf(chunks));
          const onMessage = (event) => onEvent(event);
          return new Promise((resolve) => {
            const onScheduleReconnect = () => {
              source.close();
              resolve();
            };
            const source = createEventSource({
              url: URL_OF_NONE,
              fetch,
              onMessage,
              onScheduleReconnect,
            });
          });
        },
      };
    },
  },

  'eventsource-client-loop': {
    label: 'eventsource-client, for await',
    loopsOver: 'stream',
    async load() {
      const {createEventSource} = await import('eventsource-client');
      return {
        async bytes({chunks, count}, onEvent) {
          const fetch = async () => responseOf(streamOf(chunks));
          const source = createEventSource({url: URL_OF_NONE, fetch});
          let left = count; // its loop does not end with the stream
          for await (const event of source) {
            onEvent(event);
            if (--left === 0) break;
          }
          source.close();
        },
      };
    },
  },

  // Its parser has no entrance but the client, which is given a stand-in for its connection.
  launchdarkly: {
    needsNode: true,
    label: 'launchdarkly-eventsource',
    async load() {
      const {EventSource} = await import('launchdarkly-eventsource');
      const {EventEmitter} = await import('node:events');
      const http = (await import('node:http')).default;
      return {
        bytes({chunks, types}, onEvent) {
          const {request} = http;
          const response = Object.assign(new EventEmitter(), {statusCode: 200, headers: {}});
          let connected;
          http.request = (_url, _options, callback) => {
            connected = callback;
            return Object.assign(new EventEmitter(), {end() {}, destroy() {}});
          };
          const source = new EventSource(URL_OF_NONE, {});
          http.request = request;
          for (const type of types) source.on(type, (event) => onEvent(event));
          connected(response);
          for (const {buffer, byteOffset, length} of chunks) {
            response.emit('data', Buffer.from(buffer, byteOffset, length));
          }
          source.close();
        },
      };
    },
  },
};
