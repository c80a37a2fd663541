// Faults that the simulation has found in sse.ts, each as the smallest plan that showed it. A plan
// is read as plan.mjs says; run.mjs prints one for each failure, to be pasted here.

const HISTORY = {isExact: true, end: '\n', retries: []};
const plan = (more) => ({
  seed: 1,
  options: {},
  history: HISTORY,
  answers: [],
  calls: [],
  steps: [],
  ...more,
});
const TWO = {answer: 'stream', events: 2, sizes: [1000]};

export const ROWS = [
  {
    rule: 'a client that is closed from within `random` reconnects no more',
    plan: plan({
      seed: 284,
      loop: 'async',
      calls: [{in: 'random', nth: 3, do: 'close'}],
      steps: [{do: 'wait'}],
    }),
  },
  {
    rule: 'next() from within `random` is a TypeError of ours, not the engine’s',
    plan: plan({loop: 'blocking', calls: [{in: 'random', nth: 1, do: 'next'}]}),
  },
  ...['transport', 'body', 'headers', 'sleep'].map((name) => ({
    rule: `next() from within \`${name}\` is refused, and the call that is on goes on`,
    plan: plan({loop: 'blocking', calls: [{in: name, nth: 1, do: 'next'}]}),
  })),
  ...['async', 'blocking'].map((loop) => ({
    rule: `next() from within \`until\` overtakes no event, and moves no ID back (${loop})`,
    plan: plan({
      seed: 1080,
      loop,
      answers: [{answer: 'stream', sizes: [1000], ...(loop === 'blocking' && {body: 'iterator'})}],
      calls: [{in: 'until', nth: 2, do: 'next'}],
    }),
  })),
  {
    rule: 'next() from within onComment that reconnects: what came then is not lost, nor the ID',
    plan: plan({
      seed: 3617,
      loop: 'mixed',
      history: {isExact: false, end: '\r\n', retries: []},
      answers: [
        {answer: 'stream', body: 'iterator', events: 1},
        {answer: 'stream', body: 'generatorNow', events: 1},
      ],
      calls: [{in: 'onComment', nth: 3, do: 'next'}],
    }),
  },
  {
    rule: 'answers of next() come in the order of the calls, also of one from within onRetry',
    plan: plan({
      seed: 1143,
      loop: 'async',
      calls: [{in: 'onRetry', nth: 1, do: 'next'}],
      steps: [{do: 'next'}],
    }),
  },
  {
    rule: 'and of one from within onComment',
    plan: plan({
      seed: 161,
      loop: 'async',
      history: {isExact: false, end: '\r\n', retries: []},
      answers: [
        {answer: 'stream', body: 'node', events: 1, cut: 7},
        {answer: 'stream', body: 'node', events: 1, cut: 9},
      ],
      calls: [{in: 'onComment', nth: 4, do: 'next'}],
      steps: [{do: 'next'}],
    }),
  },
  {
    rule: 'aborted after reconnect(): what is left of the old connection is not handed out',
    plan: plan({
      loop: 'async',
      hasSignal: true,
      answers: [TWO],
      steps: [{do: 'next'}, {do: 'reconnect'}, {do: 'abort'}, {do: 'next', after: 1}],
    }),
  },
  {
    rule: 'aborted from within `until` after reconnect(): neither is the event that it judges',
    plan: plan({
      loop: 'async',
      hasSignal: true,
      answers: [TWO],
      calls: [{in: 'until', nth: 2, do: 'abort'}],
      steps: [{do: 'next'}, {do: 'reconnect'}, {do: 'next'}],
    }),
  },
  {
    rule: 'a next() whose answer is malformed, begun while open() waited: a later loop begins anew',
    plan: plan({
      seed: 716482232,
      loop: 'mixed',
      answers: [
        ...Array.from({length: 4}, () => ({answer: 'refused'})),
        {answer: 'stream', body: 'iterator', events: 1},
        {answer: 'malformed'},
      ],
      calls: [
        {in: 'onRetry', nth: 4, do: 'next'},
        {in: 'body', nth: 4, do: 'open'},
      ],
    }),
  },
  {
    rule: 'a sink that is slow costs no connection',
    plan: plan({
      loop: 'async',
      transport: 'record',
      options: {idleTimeout: 100},
      answers: [{answer: 'stream', body: 'node', events: 3, gap: 1}],
      calls: [{in: 'sink', nth: 2, do: 'slow', ms: 60_000}],
      steps: [{do: 'next', times: 2}],
    }),
  },
  {
    rule: 'a second loop is refused at once, and the first waits for its slow onComment',
    plan: plan({
      seed: 110933532,
      loop: 'async',
      sleeps: false,
      maker: 'shorthand',
      transport: 'plain',
      calls: [
        {in: 'onIgnored', nth: 1, do: 'second', ms: 700},
        {in: 'onComment', nth: 1, do: 'slow', ms: 60_000},
      ],
      steps: [{do: 'next', times: 5}],
    }),
  },
  {
    rule: 'a next() from within `random` is refused, and the blocking loop goes on',
    plan: plan({
      loop: 'blocking',
      answers: [
        {answer: 'refused'},
        {answer: 'stream', body: 'iterator', events: 1},
        {answer: 'refused'},
        {answer: 'stream', body: 'iterator', events: 1},
      ],
      calls: [
        {in: 'random', nth: 1, do: 'next'},
        {in: 'random', nth: 2, do: 'next'},
      ],
      steps: [{do: 'next'}, {do: 'next'}],
    }),
  },
];
