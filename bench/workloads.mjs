// What is parsed: eight streams as they are met in the wild, made anew from a seed, so that every
// run and every machine parses the same bytes. Each generator gives pairs of wire text and the
// event that it is, or undefined where it is none.

/**
 * Numbers below 2²⁴, the same ones each time: the upper bits of a linear congruence, whose lower
 * ones repeat too soon (Numerical Recipes). Not the generator of the tests: the figures in results/
 * were taken over the bytes that come of this one, and other bytes would make them incomparable.
 */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 8;
  };
}

const WORDS = (
  'the of and to in is that for it as was with be by on not he his but at are this '
  + 'have from or had an they which one you were all her she there would their we him been has '
  + 'when who will no more if out so up said what its about than into them can only other time '
  + 'new some could these two may first then do any like my now over such our man me even most '
  + 'made after also did many before must through years where much your way well down should '
  + 'because each just those people how too little state good very make world still'
).split(' ');
const CJK = [
  '你好，世界',
  '今日は良い天気ですね',
  '한국어 문장입니다',
  '數據流',
  '事件',
  'ありがとう 🎉',
  '👩‍👩‍👧‍👦 一家人',
  '🚀🚀',
  '東京タワー',
  '服务器发送事件',
];

function words(next, count) {
  let text = '';
  for (let i = 0; i < count; i++) text += (i ? ' ' : '') + WORDS[next() % WORDS.length];
  return text;
}

const event = (data, type = 'message', id = '') => ({event: type, data, id});

/** A token of an LLM in OpenAI's form: one long line, only the content differs. */
const openaiChunk = (content) =>
  JSON.stringify({
    id: 'chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG',
    object: 'chat.completion.chunk',
    created: 1741570283,
    model: 'gpt-4o-2024-08-06',
    service_tier: 'default',
    system_fingerprint: 'fp_fc9f1d7035',
    choices: [{index: 0, delta: {content}, logprobs: null, finish_reason: null}],
  });

const record = (next, at) =>
  JSON.stringify({
    sequence: at,
    at: '2026-11-21T07:54:52.123Z',
    account: next().toString(36),
    amount: (next() % 100_000) / 100,
    tags: words(next, 5).split(' '),
    text: words(next, 180 + (next() % 160)),
  });

export const WORKLOADS = {
  openai: {
    title: 'OpenAI chunks',
    *make(next) {
      for (;;) {
        const data = openaiChunk(` ${words(next, 1)}`);
        yield [`data: ${data}\n\n`, event(data)];
      }
    },
  },
  anthropic: {
    title: 'Anthropic event + data',
    *make(next) {
      for (;;) {
        const delta = {type: 'text_delta', text: ` ${words(next, 1 + (next() % 3))}`};
        const data = JSON.stringify({type: 'content_block_delta', index: 0, delta});
        const type = 'content_block_delta';
        yield [`event: ${type}\ndata: ${data}\n\n`, event(data, type)];
      }
    },
  },
  tiny: {
    title: 'tiny `data: x`',
    *make() {
      for (;;) yield ['data: x\n\n', event('x')];
    },
  },
  json: {
    title: 'JSON of 1–2 kB with ids',
    *make(next) {
      for (let at = 1; ; at++) {
        const data = record(next, at);
        yield [`id: ${at}\ndata: ${data}\n\n`, event(data, 'message', `${at}`)];
      }
    },
  },
  lines: {
    title: '20 data lines',
    *make(next) {
      for (;;) {
        const lines = Array.from({length: 20}, () => words(next, 4 + (next() % 8)));
        yield [lines.map((line) => `data: ${line}\n`).join('') + '\n', event(lines.join('\n'))];
      }
    },
  },
  crlf: {
    title: 'CRLF',
    *make(next) {
      for (let at = 1; ; at++) {
        const data = words(next, 10 + (next() % 10));
        const id = `0-${at}`;
        yield [`event: update\r\nid: ${id}\r\ndata: ${data}\r\n\r\n`, event(data, 'update', id)];
      }
    },
  },
  cjk: {
    title: 'CJK and emoji',
    *make(next) {
      for (;;) {
        const content = CJK[next() % CJK.length] + CJK[next() % CJK.length];
        const data = JSON.stringify({model: 'm', choices: [{index: 0, delta: {content}}]});
        yield [`data: ${data}\n\n`, event(data)];
      }
    },
  },
  comments: {
    title: 'comments mixed in',
    *make(next) {
      for (;;) {
        if (next() % 4 === 0) yield [': keep-alive\n\n', undefined];
        const data = words(next, 8 + (next() % 8));
        const comment = next() % 2 ? `: trace ${next()}\n` : '';
        yield [`${comment}data: ${data}\n\n`, event(data)];
      }
    },
  },
};

/** A workload of `size` bytes or a little more, which ends with a whole event. */
export function workload(name, size) {
  const encoder = new TextEncoder();
  const wires = [];
  const events = [];
  let length = 0;
  for (const [wire, event] of WORKLOADS[name].make(numbers(20_26))) {
    if (length >= size && event) break;
    wires.push(wire);
    length += encoder.encode(wire).length;
    if (event) events.push(event);
  }
  const text = wires.join('');
  const bytes = encoder.encode(text);
  return {name, events, text, bytes, isASCII: text.length === bytes.length};
}

/** Bytes cut into chunks of `size`: views, as network buffers are; 0 = whole. */
export function cut(bytes, size) {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size || bytes.length) {
    chunks.push(bytes.subarray(at, at + (size || bytes.length)));
  }
  return chunks;
}
