// Every form in which sse.ts takes a stream, and the comparison of what it gives with what the
// specification's steps give. A case is {form, chunks, options, isWatched?}.

import {decodeChunks, decodeText, interpret} from '../support/specification.mjs';

/** What must come of a case. */
export function expectedOf({form, chunks, options}) {
  // where an incomplete event is dispatched, the end is a blank line
  const all = form.includes('dispatch') ? [...chunks, '\n\n'] : chunks;
  return interpret(
    isOfLines(form) ? decodeText(all.map((line) => `${line}\n`).join('')) : decodeChunks(all),
    options,
  );
}

export function isOfLines(form) {
  return form.includes('line');
}

/** Compares events and comments as they come; `wrong` says what was the first that differed. */
class Witness {
  wrong = undefined;
  events = 0;
  comments = 0;
  /** Whether onComment throws, and how often that has not come back out yet. */
  throws = false;
  owed = 0;

  constructor(expected) {
    this.expected = expected;
    this.comment = (text) => {
      const due = this.expected.comments[this.comments++];
      if (due?.text !== text || (this.inOrder && due.after !== this.events)) {
        this.wrong ??= `comment ${this.comments} is ${JSON.stringify(text)}`;
      }
      if (!this.throws) return;
      this.owed++;
      throw COMMENT;
    };
    this.take = (event) => this.event(event, this.place);
  }

  /** `place`: where the source stands while that event is handed out; undefined: it cannot say. */
  event(event, place) {
    const due = this.expected.events[this.events++];
    if (
      due?.data !== event.data
      || due.event !== event.event
      || due.id !== event.id
      || due.retry !== event.retry
    ) {
      this.wrong ??= `event ${this.events} is ${JSON.stringify(event)}`;
    } else if (place && (place.lastEventId !== event.id || place.retry !== event.retry)) {
      this.wrong ??=
        `lastEventId and retry are not those of event ${this.events}: `
        + JSON.stringify([place.lastEventId, place.retry]);
    }
  }

  /** The end, or what must have been given so far (`due`). */
  check({lastEventId, retry}, due = this.expected, when = 'at the end') {
    if (this.events !== due.events.length) {
      this.wrong ??= `${this.events} events, not ${due.events.length}, ${when}`;
    } else if (this.comments !== due.comments.length) {
      this.wrong ??= `${this.comments} comments, not ${due.comments.length}, ${when}`;
    } else if (lastEventId !== due.lastEventId || retry !== due.retry) {
      this.wrong ??= `lastEventId and retry are ${JSON.stringify([lastEventId, retry])} ${when}`;
    }
  }
}

const COMMENT = new Error('a comment');
const MAX_ROUNDS = 1000;

/** The forms over that build of sse.ts: each takes (chunks, options, witness, watch?). */
export function formsOf(sse) {
  const {EventParser, EventSource, SSEError, asyncConnect, connect} = sse;

  function isLimit(error) {
    return error instanceof SSEError && error.code === 'limit';
  }

  /** A push form over a new parser; `push` hands a chunk over. */
  function pushing(push, {inOrder = true, throws = false, owes = false} = {}) {
    return (chunks, options, witness, watch) => {
      const parser = new EventParser({...options, onComment: witness.comment});
      witness.place = parser;
      witness.inOrder = inOrder;
      witness.throws = throws;
      let isOver = false; // by the limit
      const tried = (chunk) => {
        try {
          push(parser, chunk, witness);
          return true;
        } catch (error) {
          isOver = isLimit(error);
          if (error === COMMENT) witness.owed--;
          else if (!isOver) throw error;
          return false;
        }
      };
      let n = 0;
      for (const chunk of chunks) {
        const nothing = chunk.slice(0, 0); // of the same kind: text would end a cut UTF-8 sequence
        let rounds = 0;
        for (let next = chunk; !tried(next) && !isOver; next = nothing) {
          if (rounds++ > MAX_ROUNDS) throw new Error('the same error for ever');
        }
        if (isOver) break;
        if (watch) witness.check(parser, watch(++n), `after chunk ${n}`);
      }
      // What feed() owes: it gives events first, and what stopped it with the next call.
      const seen = () => witness.events + witness.comments;
      for (let before = -1, rounds = 0; owes && !isOver && before !== seen(); ) {
        before = seen();
        if (!tried(chunks.at(-1).slice(0, 0)) && !isOver) before = -1;
        if (rounds++ > MAX_ROUNDS) throw new Error('the same error for ever');
      }
      if (witness.owed !== 0) witness.wrong ??= `${witness.owed} errors of onComment are lost`;
      // After the limit nothing comes any more.
      if (isOver && tried('data')) witness.wrong ??= 'it goes on after the limit';
      if (isOver !== witness.expected.isTooLarge) witness.wrong ??= `limit: ${isOver}`;
      witness.check(parser);
    };
  }

  const feed = (parser, chunk, witness) => {
    const {take, place} = witness;
    witness.place = undefined; // it is at the end of the chunk already
    for (const event of parser.feed(chunk)) take(event);
    witness.place = place;
  };
  const feedTo = (parser, chunk, {take}) => parser.feed(chunk, take);
  const pull = (parser, chunk, {take}) => {
    parser.write(chunk);
    for (let event; (event = parser.next()); ) take(event);
  };

  /** Chunks that compare, whenever the next one is asked for, what came with what was due. */
  function* watched(chunks, witness, watch) {
    for (let n = 0; n < chunks.length; n++) {
      yield chunks[n];
      if (watch) witness.check(witness.place, watch(n + 1), `after chunk ${n + 1}`);
    }
  }
  async function* later(chunks) {
    yield* chunks;
  }
  function streamOf(chunks) {
    return new ReadableStream(
      {
        pull(controller) {
          const {done, value} = chunks.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      },
      {highWaterMark: 0},
    );
  }

  /** A form with a loop over what `open` makes of the chunks. */
  function looping(open) {
    return (chunks, options, witness, watch) => {
      witness.inOrder = true;
      const source = (witness.place = open(
        () => watched(chunks, witness, watch),
        {...options, onComment: witness.comment},
        chunks,
      ));
      let isOver = false;
      try {
        for (const event of source) witness.take(event);
      } catch (error) {
        if (!(isOver = isLimit(error))) throw error;
      }
      if (isOver !== witness.expected.isTooLarge) witness.wrong ??= `limit: ${isOver}`;
      witness.check(isOver ? placeOf(witness, source) : source);
    };
  }
  function loopingAsync(open) {
    return async (chunks, options, witness, watch) => {
      witness.inOrder = true;
      const source = (witness.place = open(
        () => watched(chunks, witness, watch),
        {...options, onComment: witness.comment},
        chunks,
      ));
      let isOver = false;
      try {
        for await (const event of source) witness.take(event);
      } catch (error) {
        if (!(isOver = isLimit(error))) throw error;
      }
      if (isOver !== witness.expected.isTooLarge) witness.wrong ??= `limit: ${isOver}`;
      witness.check(isOver ? placeOf(witness, source) : source);
    };
  }
  /** A client that failed stands where its last event left it, or any id or retry after that. */
  function placeOf({expected}, source) {
    return 'state' in source ? expected : source;
  }

  /** A client over a transport that has those chunks; its retry is not an option of clients. */
  const overClient =
    (connectTo) =>
    (open, {retry, ...options}) =>
      connectTo('test:', {
        ...options,
        reconnect: false,
        transport: () => ({status: 200, body: open()}),
      });
  const iterable = (open) => ({[Symbol.iterator]: open});

  /** The parser in pull form, which learns of the end. */
  function pulledToTheEnd(open, options) {
    const parser = new EventParser(options);
    return {
      get lastEventId() {
        return parser.lastEventId;
      },
      get retry() {
        return parser.retry;
      },
      *[Symbol.iterator]() {
        let event;
        for (const chunk of open()) {
          parser.write(chunk);
          while ((event = parser.next())) yield event;
        }
        parser.end();
        while ((event = parser.next())) yield event;
      },
    };
  }
  const dispatching = (form) => (open, options) => form(open, {...options, incomplete: 'dispatch'});

  return {
    sync: {
      'feed(chunk)': pushing(feed, {inOrder: false, owes: true}),
      'feed(chunk, onEvent)': pushing(feedTo),
      'write(chunk), next()': pushing(pull),
      'EventSource.from(iterable)': looping((open, options) =>
        EventSource.from(iterable(open), options),
      ),
    },
    throwing: {
      'feed(chunk), comments throw': pushing(feed, {inOrder: false, throws: true, owes: true}),
      'feed(chunk, onEvent), comments throw': pushing(feedTo, {throws: true}),
      'write(chunk), next(), comments throw': pushing(pull, {throws: true}),
    },
    whole: {
      'EventSource.from(whole)': looping((_, options, [whole]) => EventSource.from(whole, options)),
    },
    wholeText: {
      'new EventSource(text)': looping((_, options, [text]) => new EventSource(text, options)),
    },
    lines: {
      'feedLine(line)': pushing((parser, line, witness) => {
        const event = parser.feedLine(line);
        if (event) witness.take(event);
      }),
      'writeLine(line), next()': pushing((parser, line, {take}) => {
        parser.writeLine(line);
        for (let event; (event = parser.next()); ) take(event);
      }),
      'feed(line with CR), feedLine(line) in turn': pushing((parser, line, witness) => {
        const isFed = (witness.turn = !witness.turn);
        const event = isFed ? parser.feed(`${line}\r`)[0] : parser.feedLine(line);
        if (event) witness.take(event);
      }),
      'new EventSource(lines)': looping(
        (open, options) => new EventSource(iterable(open), options),
      ),
      'new EventSource(lines with LF)': looping(
        (_, options, lines) =>
          new EventSource(
            lines.map((line) => `${line}\n`),
            options,
          ),
      ),
      'new EventSource(lines with CR)': looping(
        (_, options, lines) =>
          new EventSource(
            lines.map((line) => `${line}\r`),
            options,
          ),
      ),
      'new EventSource(lines with CRLF)': looping(
        (_, options, lines) =>
          new EventSource(
            lines.map((line) => `${line}\r\n`),
            options,
          ),
      ),
    },
    ending: {
      'write(chunk), next(), end(), dispatch': looping(dispatching(pulledToTheEnd)),
      'EventSource.from(iterable), dispatch': looping(
        dispatching((open, options) => EventSource.from(iterable(open), options)),
      ),
      'for … of connect(), dispatch': looping(dispatching(overClient(connect))),
    },
    client: {
      'for … of connect()': looping(overClient(connect)),
    },
    async: {
      'for await … of EventSource.from(iterable)': loopingAsync((open, options) =>
        EventSource.from(iterable(open), options),
      ),
      'for await … of EventSource.from(async iterable)': loopingAsync((open, options) =>
        EventSource.from(later(open()), options),
      ),
      'for await … of EventSource.from(ReadableStream)': loopingAsync((open, options) =>
        EventSource.from(streamOf(open()), options),
      ),
      'for await … of asyncConnect()': loopingAsync(overClient(asyncConnect)),
    },
    asyncLines: {
      'for await … of new EventSource(async lines)': loopingAsync(
        (open, options) => new EventSource(later(open()), options),
      ),
    },
  };
}

/** Forms by their names, whatever kind they are. */
export function formsByName(forms) {
  return Object.assign({}, ...Object.values(forms));
}

/**
 * Run a case: undefined, or what is wrong with it. Where its form is asynchronous, a promise of
 * that. `expected` saves the work where many cases share it.
 */
export function difference(byName, testCase, expected = expectedOf(testCase)) {
  const {form, chunks, options, isWatched} = testCase;
  const witness = new Witness(expected);
  const watch = isWatched
    ? (n) => expectedOf({form, chunks: chunks.slice(0, n), options})
    : undefined;
  const thrown = (error) => `thrown: ${error?.stack ?? error}`.split('\n', 3).join('\n');
  try {
    const result = byName[form](chunks, options, witness, watch);
    return result?.then
      ? result.then(
          () => witness.wrong,
          (error) => witness.wrong ?? thrown(error),
        )
      : witness.wrong;
  } catch (error) {
    return witness.wrong ?? thrown(error);
  }
}
