// The peers' parsers, each in the form that its own documentation or its own client uses. Those
// that take any async iterable get the one that we get; the others a ReadableStream. `ids: false`:
// its events have none.

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
    for (let end; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
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

/** Peers of one input, bytes, which come as a body. */
const overBytes = (title, form, run, more) => ({title, form, run: {bytes: run}, ...more});

/** Name → how to load it. The names are those of `--peer`. */
export const PEERS = {
  floor: () => ({
    title: 'floor',
    form: 'push',
    run: {
      bytes: floor,
      text: ({text}, onEvent) => makeFloor(onEvent)(text),
      lines({lines}, onEvent) {
        const scan = makeFloor(onEvent);
        for (const line of lines) scan(line + '\n');
      },
    },
  }),

  async esp4() {
    const run = createParserForms(await import('eventsource-parser'));
    return {title: 'eventsource-parser 4', form: 'push', run};
  },

  async esp3() {
    const run = createParserForms(await import('eventsource-parser-3'));
    return {title: 'eventsource-parser 3', form: 'push', run};
  },

  async 'esp4-stream'() {
    const {EventSourceParserStream} = await import('eventsource-parser/stream');
    return overBytes('eventsource-parser 4', 'stream', async ({chunks}, onEvent) => {
      const events = streamOf(chunks).pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      for await (const event of events) onEvent(event);
    });
  },

  async anthropic() {
    const {Stream} = await import('@anthropic-ai/sdk/core/streaming');
    return overBytes('@anthropic-ai/sdk', 'async', async ({chunks}, onEvent) => {
      for await (const event of Stream.rawEvents({body: asyncChunks(chunks)})) onEvent(event);
    }, {ids: false});
  },

  async openai() {
    const {_iterSSEMessages} = await import('openai/core/streaming');
    return overBytes('openai', 'async', async ({chunks}, onEvent) => {
      const controller = new AbortController();
      const events = _iterSSEMessages({body: asyncChunks(chunks)}, controller);
      for await (const event of events) onEvent(event);
    }, {ids: false});
  },

  async undici() {
    const {EventSourceStream} = (await import(
      'undici/lib/web/eventsource/eventsource-stream.js')).default;
    return overBytes('undici', 'push', ({chunks}, onEvent) => {
      const push = (event) => onEvent(event.options, event.type);
      const stream = new EventSourceStream({eventSourceSettings: {}, push});
      for (const chunk of chunks) stream.write(chunk);
    });
  },

  async 'fetch-event-source'() {
    const {getLines, getMessages} = await import('@microsoft/fetch-event-source/lib/cjs/parse.js');
    return overBytes('fetch-event-source', 'push', ({chunks}, onEvent) => {
      const nothing = () => {};
      const onChunk = getLines(getMessages(nothing, nothing, (event) => onEvent(event)));
      for (const chunk of chunks) onChunk(chunk);
    });
  },

  async 'fetch-event-stream'() {
    const {events} = await import('fetch-event-stream');
    return overBytes('fetch-event-stream', 'stream', async ({chunks}, onEvent) => {
      for await (const event of events(responseOf(streamOf(chunks)))) onEvent(event);
    });
  },

  async 'parse-sse'() {
    const {parseServerSentEvents} = await import('parse-sse');
    return overBytes('parse-sse', 'stream', async ({chunks}, onEvent) => {
      const events = parseServerSentEvents(responseOf(streamOf(chunks)));
      for await (const event of events) onEvent(event);
    });
  },

  async eventsource() {
    const {EventSource} = await import('eventsource');
    return overBytes('eventsource 5', 'client', ({chunks, types}, onEvent) => {
      const fetch = async () => responseOf(streamOf(chunks));
      const source = new EventSource('http://127.0.0.1/', {fetch});
      for (const type of types) source.addEventListener(type, (event) => onEvent(event));
      return new Promise((resolve) => source.onerror = () => {
        source.close();
        resolve();
      });
    });
  },

  async 'eventsource-client'() {
    const {createEventSource} = await import('eventsource-client');
    return overBytes('eventsource-client', 'client', ({chunks}, onEvent) => {
      const fetch = async () => responseOf(streamOf(chunks));
      return new Promise((resolve) => {
        const onScheduleReconnect = () => {
          source.close();
          resolve();
        };
        const onMessage = (event) => onEvent(event);
        const source = createEventSource({url: 'http://127.0.0.1/', fetch, onMessage,
          onScheduleReconnect});
      });
    });
  },

  // Its parser has no entrance but the client, which is given a stand-in for its connection.
  async launchdarkly() {
    const {EventSource} = await import('launchdarkly-eventsource');
    const {EventEmitter} = await import('node:events');
    const http = (await import('node:http')).default;
    return overBytes('launchdarkly-eventsource', 'client', ({chunks, types}, onEvent) => {
      const {request} = http;
      const response = Object.assign(new EventEmitter(), {statusCode: 200, headers: {}});
      let connected;
      http.request = (url, options, callback) => {
        connected = callback;
        return Object.assign(new EventEmitter(), {end() {}, destroy() {}});
      };
      const source = new EventSource('http://127.0.0.1/', {});
      http.request = request;
      for (const type of types) source.on(type, (event) => onEvent(event));
      connected(response);
      for (const {buffer, byteOffset, length} of chunks) {
        response.emit('data', Buffer.from(buffer, byteOffset, length));
      }
      source.close();
    });
  },
};
