// Our own forms. Imported once for each build and form (ours.mjs?name), so that no engine mixes
// what it learned of one with another.

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
