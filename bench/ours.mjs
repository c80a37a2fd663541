// Our own forms. Imported once for each build and form (ours.mjs?name), so that no engine mixes
// what it learned of one with another.

import {asyncChunks, responseOf, streamOf} from './sources.mjs';

/** Form → the inputs it takes and how it parses one. */
export const forms = {
  push: {
    inputs: ['bytes'],
    run({EventParser}, {chunks}, onEvent) {
      const parser = new EventParser();
      for (const chunk of chunks) parser.feed(chunk, onEvent);
    },
  },
  sync: {
    inputs: ['bytes'],
    run({EventSource}, {chunks}, onEvent) {
      for (const event of EventSource.from(chunks)) onEvent(event);
    },
  },
  async: {
    inputs: ['bytes'],
    async run({EventSource}, {chunks}, onEvent) {
      for await (const event of EventSource.from(asyncChunks(chunks))) onEvent(event);
    },
  },
  stream: {
    inputs: ['bytes'],
    async run({EventSource}, {chunks}, onEvent) {
      for await (const event of EventSource.from(responseOf(streamOf(chunks)))) onEvent(event);
    },
  },
  'push text': {
    inputs: ['text'],
    run({EventParser}, {text}, onEvent) {
      new EventParser().feed(text, onEvent);
    },
  },
  'sync text': {
    inputs: ['text'],
    run({EventSource}, {text}, onEvent) {
      for (const event of new EventSource(text)) onEvent(event);
    },
  },
  'push lines': {
    inputs: ['lines'],
    run({EventParser}, {lines}, onEvent) {
      const parser = new EventParser();
      for (const line of lines) {
        const event = parser.feedLine(line);
        if (event) onEvent(event);
      }
    },
  },
  'sync lines': {
    inputs: ['lines'],
    run({EventSource}, {lines}, onEvent) {
      for (const event of new EventSource(lines)) onEvent(event);
    },
  },
};
