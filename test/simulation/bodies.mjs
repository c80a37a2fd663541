// Bodies of every kind that a transport may hand over, made of one source: pieces that arrive at
// their times, and an end. Whoever lets a body go, in the way that its kind has, lets its exchange go.

/** How a request or a read tells that it was aborted, as fetch does. */
export function abortError() {
  return Object.assign(new Error('This operation was aborted'), {name: 'AbortError', code: 20});
}

export function resetError() {
  const cause = Object.assign(new Error('read ECONNRESET'), {code: 'ECONNRESET'});
  return new TypeError('terminated', {cause});
}

/** A promise, or what passes for one. */
export function thenable(kind, promise) {
  // biome-ignore lint/suspicious/noThenProperty: a look-alike of a promise is meant
  if (kind === 'plain') return {then: (ok, bad) => void promise.then(ok, bad)};
  if (kind === 'twice') {
    // settles again, and otherwise
    const again = (settle, bad) => (value) => {
      settle(value);
      bad(new Error('settled twice'));
      settle(undefined);
    };
    // biome-ignore lint/suspicious/noThenProperty: a look-alike of a promise is meant
    return {then: (ok, bad) => void promise.then(again(ok, bad), bad)};
  }
  return promise;
}

/** The pieces of one body as they arrive; `exchange` is told what the client takes of them. */
export class Source {
  #world;
  #exchange;
  #pieces;
  #end;
  #at = 0;
  /** Settles the pending read. */
  #pending;
  #failure;
  #isOver = false;

  /** `pieces`: {value, units, time}; `end`: {kind: 'clean' | 'reset' | 'silence', time}. */
  constructor(world, exchange, pieces, end) {
    this.#world = world;
    this.#exchange = exchange;
    this.#pieces = pieces;
    this.#end = end;
  }

  /** When there was a sign of life last, up to that time. */
  lastSign(since, until) {
    let last = since;
    for (const {time, kind} of [...this.#pieces, this.#end]) {
      if (kind !== 'silence' && time <= until) last = Math.max(last, time);
    }
    return last;
  }

  /** The next piece, or the end, when it is there. */
  read() {
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#pending = undefined;
        if (this.#failure) return reject(this.#failure);
        if (this.#isOver) return resolve({done: true, value: undefined});
        const item = this.#pieces[this.#at] ?? this.#end;
        if (item.kind === undefined) return resolve({done: false, value: this.#take(item)});
        this.#isOver = true;
        this.#exchange.ended(item.kind);
        if (item.kind === 'reset') reject((this.#failure = resetError()));
        else resolve({done: true, value: undefined});
      };
      const time = this.#isOver ? 0 : this.#nextTime();
      this.#pending = settle;
      if (time <= this.#world.now) settle();
      else if (time < Infinity) {
        this.#world.later(time - this.#world.now, () => this.#pending === settle && settle());
      }
    });
  }

  /** The same where nothing can be waited for: the clock goes on, up to `limit` ms. */
  readNow(limit, late) {
    const time = this.#isOver ? 0 : this.#nextTime();
    const wait = Math.max(0, time - this.#world.now);
    if (limit > 0 && wait > limit) {
      this.#world.skip(limit);
      this.#exchange.timedOut();
      throw late(limit);
    }
    this.#world.skip(wait);
    if (this.#isOver) return {done: true, value: undefined};
    const item = this.#pieces[this.#at] ?? this.#end;
    if (item.kind === undefined) return {done: false, value: this.#take(item)};
    this.#isOver = true;
    this.#exchange.ended(item.kind);
    if (item.kind === 'reset') throw resetError();
    return {done: true, value: undefined};
  }

  /** Nobody reads it any more; a pending read ends, or fails. */
  letGo(failure) {
    this.#exchange.letGo();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#pending?.();
  }

  #nextTime() {
    const item = this.#pieces[this.#at] ?? this.#end;
    return item.kind === 'silence' ? Infinity : item.time;
  }

  #take(piece) {
    this.#at++;
    this.#exchange.took(piece.units);
    return piece.value;
  }
}

/** What cancel() or return() gives, by how the plan wants it. */
function closing(world, how) {
  if (how === 'throws') throw new Error('cancel() failed');
  if (how === 'rejects') return Promise.reject(new Error('cancel() failed'));
  if (how === 'never') return new Promise(() => {});
  if (how === 'slow') return world.sleep(300);
  return Promise.resolve();
}

/** Kinds of bodies for `for await`. */
export const BODIES = {
  reader: ({source, world, plan}) => ({
    getReader: () => ({
      read: () => thenable(plan.reads, source.read()),
      cancel() {
        source.letGo();
        return closing(world, plan.cancel);
      },
    }),
  }),
  web: ({source}) =>
    new ReadableStream(
      {
        async pull(controller) {
          const {done, value} = await source.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => source.letGo(),
      },
      {highWaterMark: 0},
    ),
  node: ({source}) => ({
    // as far as the clients know one
    destroy: () => source.letGo(new Error('Premature close')),
    [Symbol.asyncIterator]: () => ({next: () => source.read(), return: async () => ({done: true})}),
  }),
  generator: ({source}) => {
    const chunks = (async function* () {
      for (let part = await source.read(); !part.done; part = await source.read()) yield part.value;
    })();
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => chunks.next(),
        return() {
          source.letGo(); // its own return() waits for a read that may never end
          return chunks.return();
        },
      }),
    };
  },
};

/** Kinds of bodies for both loops: nothing is waited for. */
export const PLAIN_BODIES = {
  iterator: ({source, late}) => ({
    [Symbol.iterator]: () => ({
      next: (limit) => source.readNow(limit, late),
      return: () => {
        source.letGo();
        return {done: true, value: undefined};
      },
    }),
  }),
  generatorNow: ({source, late, limit}) => {
    const chunks = (function* () {
      for (let part = source.readNow(limit, late); !part.done; part = source.readNow(limit, late)) {
        yield part.value;
      }
    })();
    return {
      [Symbol.iterator]: () => ({
        next: () => chunks.next(),
        return() {
          source.letGo();
          return chunks.return();
        },
      }),
    };
  },
};
