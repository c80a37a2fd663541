// Our own forms, each of which has a process of its own.

import {asyncChunks, responseOf, streamOf} from './sources.mjs';

/** Form, as in `--form`, to how it parses which input. */
export const forms = {
  push: {
    label: 'feed()',
    input: 'bytes',
    run({EventParser}, {chunks}, onEvent) {
      const parser = new EventParser();
      for (const chunk of chunks) parser.feed(chunk, onEvent);
    },
  },
  array: {
    label: 'feed(), an array a chunk',
    input: 'bytes',
    run({EventParser}, {chunks}, onEvent) {
      const parser = new EventParser();
      for (const chunk of chunks) for (const event of parser.feed(chunk)) onEvent(event);
    },
  },
  sync: {
    label: 'for … of',
    input: 'bytes',
    run({EventSource}, {chunks}, onEvent) {
      for (const event of EventSource.from(chunks)) onEvent(event);
    },
  },
  async: {
    label: 'for await',
    input: 'bytes',
    async run({EventSource}, {chunks}, onEvent) {
      for await (const event of EventSource.from(asyncChunks(chunks))) onEvent(event);
    },
  },
  batches: {
    label: 'for await, batches()',
    input: 'bytes',
    async run({EventSource}, {chunks}, onEvent) {
      for await (const batch of EventSource.from(asyncChunks(chunks)).batches()) {
        for (const event of batch) onEvent(event);
      }
    },
  },
  stream: {
    label: 'for await over a response',
    input: 'bytes',
    async run({EventSource}, {chunks}, onEvent) {
      for await (const event of EventSource.from(responseOf(streamOf(chunks)))) onEvent(event);
    },
  },
  'push text': {
    label: 'feed()',
    input: 'text',
    run({EventParser}, {text}, onEvent) {
      new EventParser().feed(text, onEvent);
    },
  },
  'sync text': {
    label: 'for … of',
    input: 'text',
    run({EventSource}, {text}, onEvent) {
      for (const event of new EventSource(text)) onEvent(event);
    },
  },
  'push lines': {
    label: 'feedLine()',
    input: 'lines',
    run({EventParser}, {lines}, onEvent) {
      const parser = new EventParser();
      for (const line of lines) {
        const event = parser.feedLine(line);
        if (event) onEvent(event);
      }
    },
  },
  'sync lines': {
    label: 'for … of',
    input: 'lines',
    run({EventSource}, {lines}, onEvent) {
      for (const event of new EventSource(lines)) onEvent(event);
    },
  },
};
