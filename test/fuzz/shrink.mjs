// A failing case made small, and written as a row for sse.test.ts.

import {decodeChunks, stringOf} from '../support/specification.mjs';
import {difference, expectedOf, isOfLines} from './forms.mjs';

const MOST_MS = 5000;
const MOST_SHOWN = 1000; // of what was wrong with it
const LARGE = 300; // units: from here on, simpler as a whole before it is cut

/** The smallest case found that still fails in the same form, and what is wrong with it. */
export async function shrink(byName, testCase, wrong) {
  const end = performance.now() + MOST_MS;
  let found = {testCase, wrong};
  const smaller = async (change) => {
    if (performance.now() > end) return false;
    const next = {...found.testCase, ...change};
    const stillWrong = await difference(byName, next);
    if (stillWrong) found = {testCase: next, wrong: stillWrong};
    return !!stillWrong;
  };
  await asAWhole();
  for (let isSmaller = true; isSmaller && performance.now() < end; ) {
    isSmaller = false;
    for (const name of Object.keys(found.testCase.options)) {
      const {[name]: _, ...options} = found.testCase.options;
      isSmaller = (await smaller({options})) || isSmaller;
    }
    isSmaller = (await fewerChunks()) || isSmaller;
    isSmaller = (await shorterChunks()) || isSmaller;
  }
  await simplerUnits();
  return found;

  /** A thousand lines are not to be tried one by one: all their values go, all their digits. */
  async function asAWhole() {
    const {chunks} = found.testCase;
    if (chunks.reduce((size, chunk) => size + chunk.length, 0) < LARGE) return;
    for (const what of [/:[^\r\n]*/g, /[0-9]+/g, /^(?!data).*/gm]) {
      const shorter = (text) => text.replace(what, '');
      await smaller({
        chunks: found.testCase.chunks.map((chunk) =>
          typeof chunk === 'string'
            ? shorter(chunk)
            : bytesOf(shorter(Buffer.from(chunk).toString('latin1'))),
        ),
      });
    }
  }

  async function fewerChunks() {
    let isSmaller = false;
    for (let size = found.testCase.chunks.length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at + size <= found.testCase.chunks.length; ) {
        const {chunks} = found.testCase;
        const without = [...chunks.slice(0, at), ...chunks.slice(at + size)];
        if (without.length && (await smaller({chunks: without}))) isSmaller = true;
        else at += size;
      }
    }
    for (let at = 1; at < found.testCase.chunks.length && !isOfLines(found.testCase.form); ) {
      const {chunks} = found.testCase;
      const both = joined(chunks[at - 1], chunks[at]);
      const fewer = both && [...chunks.slice(0, at - 1), both, ...chunks.slice(at + 1)];
      if (fewer && (await smaller({chunks: fewer}))) isSmaller = true;
      else at++;
    }
    return isSmaller;
  }

  async function shorterChunks() {
    let isSmaller = false;
    for (let n = 0; n < found.testCase.chunks.length; n++) {
      for (let size = found.testCase.chunks[n].length; size >= 1; size = Math.floor(size / 2)) {
        for (let at = 0; at + size <= found.testCase.chunks[n].length; ) {
          const chunk = found.testCase.chunks[n];
          const shorter = joined(chunk.slice(0, at), chunk.slice(at + size));
          if (await smaller({chunks: replaced(n, shorter)})) isSmaller = true;
          else at += size;
        }
      }
    }
    return isSmaller;
  }

  /** Letters and figures that may be any become "a": what is left has its meaning. */
  async function simplerUnits() {
    for (let n = 0; n < found.testCase.chunks.length; n++) {
      for (let at = 0; at < found.testCase.chunks[n].length; at++) {
        const chunk = found.testCase.chunks[n];
        const [unit, plain] =
          typeof chunk === 'string'
            ? [chunk[at], 'a']
            : [String.fromCharCode(chunk[at]), Uint8Array.of(0x61)];
        if (unit === 'a' || unit === '\n') continue;
        const simpler = joined(joined(chunk.slice(0, at), plain), chunk.slice(at + 1));
        await smaller({chunks: replaced(n, simpler)});
      }
    }
  }

  function replaced(n, chunk) {
    return found.testCase.chunks.map((old, at) => (at === n ? chunk : old));
  }
}

/** Two chunks of one kind as one; undefined: they are text and bytes. */
function joined(head, tail) {
  if (typeof head !== typeof tail) return undefined;
  return typeof head === 'string' ? head + tail : new Uint8Array(Buffer.concat([head, tail]));
}

function bytesOf(latin1) {
  return new Uint8Array(Buffer.from(latin1, 'latin1'));
}

/** The row, and beside it what a row cannot say: form, chunks, options. */
export function report({testCase, wrong}, origin) {
  const {form, chunks, options, isWatched} = testCase;
  const expected = expectedOf(testCase);
  const isText = chunks.every((chunk) => typeof chunk === 'string');
  const isBytes = chunks.every((chunk) => typeof chunk !== 'string');
  const whole = isOfLines(form)
    ? chunks.map((line) => `${line}\n`).join('')
    : isText
      ? chunks.join('')
      : isBytes
        ? Buffer.concat(chunks).toString('latin1')
        : stringOf(decodeChunks(chunks));
  const last = expected.events.at(-1);
  const end = [
    ...(expected.lastEventId !== (last?.id ?? '')
      ? [`lastEventId: ${quoted(expected.lastEventId)}`]
      : []),
    ...(expected.retry !== last?.retry ? [`retry: ${expected.retry}`] : []),
  ];
  const input = isText || !isBytes ? quoted(whole) : `{ bytes: ${quoted(whole)} }`;
  const events = expected.events.map(eventOf).join(', ');
  const place = end.length ? `, { ${end.join(', ')} }` : '';
  const row = `['fuzz', ${quoted(origin)}, ${input},\n    [${events}]${place}],`;
  return [
    `  ${row}`,
    `wrong: ${wrong.length > MOST_SHOWN ? `${wrong.slice(0, MOST_SHOWN)}…` : wrong}`,
    `form: ${form}${isWatched ? ', each chunk compared' : ''}`,
    `chunks: ${chunks
      .map((chunk) =>
        typeof chunk === 'string'
          ? quoted(chunk)
          : `bytes ${quoted(Buffer.from(chunk).toString('latin1'))}`,
      )
      .join(' | ')}`,
    ...(Object.keys(options).length ? [`options: ${JSON.stringify(options)}`] : []),
    ...(expected.isTooLarge ? ['then: SSEError limit'] : []),
    ...(expected.comments.length
      ? [`comments: ${expected.comments.map(({text}) => quoted(text)).join(', ')}`]
      : []),
  ].join('\n');
}

function eventOf({event, data, id, retry}) {
  const fields = [
    ...(event !== 'message' ? [`event: ${quoted(event)}`] : []),
    ...(id !== '' ? [`id: ${quoted(id)}`] : []),
    ...(retry !== undefined ? [`retry: ${retry}`] : []),
  ];
  return `e(${quoted(data)}${fields.length ? `, { ${fields.join(', ')} }` : ''})`;
}

const ESCAPES = {'\n': '\\n', '\r': '\\r', '\t': '\\t', "'": "\\'", '\\': '\\\\'};

/** A text as the tests write one; what is repeated often is written once. */
function quoted(text) {
  const parts = text.split(/((?:([\s\S]{1,12}?)\2{19,}))/);
  const all = [];
  for (let n = 0; n < parts.length; n += 3) {
    const [plain, run, unit] = parts.slice(n);
    if (plain || parts.length === 1) all.push(literal(plain));
    if (run) all.push(`${literal(unit)}.repeat(${run.length / unit.length})`);
  }
  return all.join(' + ');
}

function literal(text) {
  return `'${text.replace(/[\n\r\t'\\]|[^ -~]/gu, (character) => {
    if (ESCAPES[character]) return ESCAPES[character];
    const hex = character.codePointAt(0).toString(16);
    return hex.length < 3
      ? `\\x${hex.padStart(2, '0')}`
      : hex.length < 5
        ? `\\u${hex.padStart(4, '0')}`
        : `\\u{${hex}}`;
  })}'`;
}
