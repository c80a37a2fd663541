// EventSource over sources of every kind, cut anywhere, failing, left early: what comes out is what
// went in, a source is let go, and its own error is not masked.

import {randomFrom} from '../support/random.mjs';
import {History} from './history.mjs';
import {enter, settled, World} from './world.mjs';

const FORMS = ['text', 'chunks', 'generator', 'asyncGenerator', 'reader', 'response', 'lines'];

/** Plays one source of that seed, in both loops where they apply. Gives what did not hold. */
export async function playSource(sse, seed) {
  const random = randomFrom(seed);
  const history = new History(seed, {
    isExact: true,
    end: random.of(['\n', '\r\n', '\r']),
    retries: [],
  });
  const entries = Array.from({length: random(9)}, (_, at) => history.entry(at + 1));
  const cut = random.once(2) ? 0 : random(20);
  const text = entries
    .map((entry) => entry.text)
    .join('')
    .slice(0, cut ? -cut : undefined);
  const plan = {
    form: random.of(FORMS),
    size: 1 + random(40),
    fails: random.once(4),
    leavesAfter: random.once(4) ? random(4) : Infinity,
    text,
    expected: expectedOf(entries, text.length),
  };
  enter(new World(seed));
  try {
    for (const isAsync of ['text', 'chunks', 'generator', 'lines'].includes(plan.form)
      ? [true, false]
      : [true]) {
      const violation = await playOnce(sse, plan, isAsync);
      if (violation) return violation;
    }
  } finally {
    enter(undefined);
  }
  return undefined;
}

function expectedOf(entries, length) {
  const expected = [];
  let at = 0;
  for (const {text, done, event, id} of entries) {
    if (at + done.units > length) break;
    at += text.length;
    expected.push({...event, id});
  }
  return expected;
}

async function playOnce(sse, plan, isAsync) {
  const {leavesAfter, expected, fails, form} = plan;
  const state = {failure: new Error('the source failed'), isReleased: false, isOver: false};
  const source = makeSource(sse, plan, state);
  const got = [];
  let thrown;
  const take = ({event, data, id}) => got.push({event, data, id}) > leavesAfter;
  try {
    if (isAsync) {
      for await (const event of source) if (take(event)) break;
    } else for (const event of source) if (take(event)) break;
  } catch (error) {
    thrown = error;
  }
  await settled();
  const wanted = expected.slice(0, leavesAfter + 1);
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    return {
      invariant: 'events',
      message: `${form}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`,
    };
  }
  const isLeft = expected.length > leavesAfter;
  const canFail = fails && !['text', 'chunks'].includes(form) && !isLeft;
  if (canFail ? thrown !== state.failure : thrown) {
    return {invariant: 'errors', message: `${form}: thrown was ${thrown}`};
  }
  if (state.isBegun && !state.isOver && !state.isReleased) {
    return {invariant: 'released', message: `${form}: the source is not let go`};
  }
  if (got.length && source.lastEventId !== got.at(-1).id) {
    return {invariant: 'id', message: `${form}: lastEventId is ${source.lastEventId}`};
  }
  return undefined;
}

function makeSource(sse, plan, state) {
  const {form, text} = plan;
  if (form === 'text') return sse.EventSource.from(text);
  if (form === 'lines') return new sse.EventSource(generatorOf(linesOf(text), plan, state));
  const pieces = [];
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += plan.size)
    pieces.push(bytes.subarray(at, at + plan.size));
  if (form === 'chunks') return sse.EventSource.from(pieces);
  if (form === 'generator') return sse.EventSource.from(generatorOf(pieces, plan, state));
  if (form === 'asyncGenerator') return sse.EventSource.from(asyncGeneratorOf(pieces, plan, state));
  const body = {getReader: () => readerOf(pieces, plan, state)};
  return sse.EventSource.from(form === 'reader' ? body : {status: 200, body});
}

/** Whole lines; what has no end is one as well. */
function linesOf(text) {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function* generatorOf(pieces, {fails}, state) {
  state.isBegun = true;
  try {
    yield* pieces;
    if (fails) throw state.failure;
    state.isOver = true;
  } finally {
    state.isReleased = true;
  }
}

async function* asyncGeneratorOf(pieces, plan, state) {
  yield* generatorOf(pieces, plan, state);
}

function readerOf(pieces, {fails}, state) {
  const left = [...pieces];
  state.isBegun = true;
  return {
    async read() {
      const value = left.shift();
      if (value !== undefined) return {done: false, value};
      state.isOver = true;
      if (fails) throw state.failure;
      return {done: true, value: undefined};
    },
    async cancel() {
      state.isReleased = true;
    },
  };
}
