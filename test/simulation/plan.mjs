// Plans out of a seed. A plan is plain data:
//
//   seed      what is left to chance within the run
//   loop      'async': AsyncSSEClient; 'blocking': SSEClient, `for … of`; 'mixed': its two loops
//   options   of the client; numbers are ms
//   history   what the server has to tell: see history.mjs
//   answers   what comes of each request, in order: see network.mjs; then all goes well
//   resumes   how `resume` goes on: 'same', as the options say; 'cursor', with the id in the URL
//   repeats   statuses for which retryStatus, as a function, says true
//   calls     what the user does from inside his own functions: {in, nth, do}
//   steps     what he does outside of them, in order: {do, after}

import {randomFrom} from '../support/random.mjs';

const REFUSALS = [400, 401, 403, 404, 408, 410, 425, 429, 500, 501, 502, 503, 504, 505, 511, 205];
const RETRIED = [408, 425, 429, 500, 502, 503, 504, 507, 520, 599];
const CODES = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EPIPE'];
const CALLBACKS = ['onOpen', 'onRetry', 'headers', 'transport', 'until', 'onComment', 'random'];
const MORE_CALLBACKS = ['sleep', 'sink', 'body', 'onIgnored', 'retryStatus', 'resume', 'resume'];
const DEEDS = ['close', 'abort', 'reconnect', 'return', 'next', 'open', 'second', 'busy'];
const ASYNC_CALLBACKS = [
  'onOpen',
  'onRetry',
  'onComment',
  'onIgnored',
  'headers',
  'body',
  'sleep',
  'sink',
  'resume',
];

/** The plan of a seed: the same one in every run and on every machine. */
export function planOf(seed) {
  const random = randomFrom(seed);
  const loop = random.of(['async', 'async', 'async', 'blocking', 'mixed']);
  const kind = random.of(['calm', 'calm', 'stormy', 'stormy', 'fast', 'fast']);
  const options = optionsOf(random, kind, loop);
  const most = kind === 'fast' ? 90 : 14;
  const transport = random.of(['plain', 'plain', 'plain', 'record', 'fetch']);
  const plan = {
    seed,
    loop,
    options,
    hasSignal: random.once(3),
    sleeps: random.once(4),
    maker: random.of(['class', 'shorthand']),
    transport: loop === 'async' ? transport : transport === 'fetch' ? 'plain' : transport,
    history: {
      isExact: !random.once(3),
      end: random.of(['\n', '\n', '\r\n', '\r', 'mixed']),
      retries: random.once(3) ? [random.of([0, 50, 1000, 7000]), random.of([1, 400, 3700])] : [],
    },
    answers: [],
    calls: [],
    steps: [],
  };
  if (random.once(10)) plan.until = 1 + random(20);
  if (random.once(12)) plan.repeats = random.of([[404, 429, 503], RETRIED, REFUSALS]);
  if (options.reconnect !== false && random.once(8)) plan.resumes = random.of(['same', 'cursor']);
  plan.answers = answersOf(random, plan, 2 + random(most), kind);
  plan.calls = kind === 'calm' && random.once(2) ? [] : callsOf(random, plan);
  plan.steps = stepsOf(random, plan);
  return plan;
}

function optionsOf(random, kind, loop) {
  const options = {};
  const maybe = (name, values, outOf = 3) => {
    if (random.once(outOf)) options[name] = random.of(values);
  };
  if (kind === 'fast')
    Object.assign(options, {retryInterval: 0, maxRetryInterval: random.of([0, 50])});
  else {
    maybe('retryInterval', [0, 1, 100, 1500, 10_000]);
    maybe('maxRetryInterval', [0, 200, 5000, 60_000, 1e12]);
  }
  maybe('timeout', [50, 1000, 20_000]);
  maybe('idleTimeout', loop === 'async' ? [100, 5000, 45_000, Infinity] : [100, 5000, 45_000]);
  maybe('eventTimeout', [150, 3000, 40_000], 8);
  maybe('maxRetries', [0, 1, 3, -1], 6);
  maybe('retryStatus', [[], [404, 503]], 12);
  maybe('reconnect', [false], 20);
  return options;
}

function answersOf(random, plan, count, kind) {
  const answers = [];
  while (answers.length < count) {
    answers.push(...answerOf(random, plan, kind));
  }
  if (kind === 'fast') answers.splice(random(4), 0, ...outage(random));
  // a first good one: until the stream has been open, refusals are final
  if (!random.once(5)) answers.unshift(streamOf(random, plan, kind));
  return answers;
}

/** The server is away for long. */
function outage(random) {
  const count = 50 + random(150);
  return Array.from({length: count}, () => ({answer: 'refused', code: random.of(CODES)}));
}

function answerOf(random, plan, kind) {
  const after = random.once(3) ? random.of([1, 20, 400, 40_000]) : 0;
  const how = {
    after,
    ...(random.once(6) && {hops: random(6)}),
    ...(random.once(6) && {thenable: random.of(['plain', 'twice', 'value'])}),
    ...(random.once(6) && {heeds: false}),
    ...(random.once(6) && {headers: random.of(['object', 'none'])}),
  };
  const dice = random(kind === 'calm' ? 60 : 40);
  if (dice < 6) return [{answer: 'refused', code: random.of(CODES), ...how}];
  if (dice < 7) return [{answer: 'thrown', ...(!random.once(4) && {code: random.of(CODES)})}];
  if (dice < 9) return [{answer: 'unanswered', ...how}];
  if (dice < 14) return [refusalOf(random, plan, how, RETRIED)];
  if (dice < 15 && random.once(3)) return [refusalOf(random, plan, how, REFUSALS)];
  if (dice === 15 && random.once(4)) return [{...how, answer: 'status', status: 204}];
  if (dice === 16 && random.once(3))
    return [{...how, answer: 'wrong type', ...textOf(random, plan)}];
  if (dice === 17 && random.once(3)) return [{...how, answer: 'malformed', form: random(5)}];
  if (dice < 21) return redirectsOf(random, plan, how, kind);
  return [{...streamOf(random, plan, kind), ...how}];
}

function refusalOf(random, plan, how, statuses) {
  const retryAfter = random.once(3) && {
    ms: random.of([0, 1000, 5000, 90_000]),
    form: random.of(['seconds', 'date']),
  };
  return {
    ...how,
    answer: 'status',
    status: random.of(statuses),
    ...(retryAfter && {retryAfter}),
    ...textOf(random, plan),
  };
}

function textOf(random, plan) {
  if (random.once(3)) return {};
  const isAsync = plan.loop === 'async';
  return {
    text: 'busy',
    body: bodyOf(random, plan),
    gap: random.of([0, 0, 300]),
    end: random.of(['clean', 'clean', 'reset', ...(isAsync ? ['silence'] : [])]),
    ...(random.once(4) && {cancel: random.of(['rejects', 'never', 'throws', 'slow'])}),
  };
}

function redirectsOf(random, plan, how, kind) {
  if (random.once(12)) return [{...how, answer: 'redirect', status: 302, to: 'nowhere'}];
  const to = random.of(['moved', 'moved', 'elsewhere']);
  const times = random.once(8) ? 5 : 1 + random(2);
  const hop = {...how, after: how.after % 1000, answer: 'redirect', to, ...textOf(random, plan)};
  const status = random.of([307, 308]);
  const last = random.once(3)
    ? {answer: 'refused', code: 'ECONNRESET'}
    : streamOf(random, plan, kind);
  return [...Array.from({length: times}, () => ({...hop, status})), last];
}

function bodyOf(random, {loop}) {
  const plain = ['iterator', 'generatorNow'];
  return random.of(loop === 'async' ? ['reader', 'reader', 'reader', 'node', 'generator'] : plain);
}

function streamOf(random, plan, kind) {
  const isRare = plan.loop === 'async' && random.once(40);
  return {
    answer: 'stream',
    body: isRare ? random.of(['web', 'iterator']) : bodyOf(random, plan),
    events: random.once(6) ? 0 : 1 + random(5),
    cut: random.once(2) ? 0 : random(30),
    sizes: random.of([[1000], [1000], [17], [1], [random(40), random(9), 30]]),
    gap: random.of(kind === 'fast' ? [0] : [0, 0, 30, 2000, 30_000]),
    end: random.of(['clean', 'clean', 'reset', 'reset', 'silence']),
    isText: random.once(4),
    ...(random.once(6) && {cancel: random.of(['rejects', 'never', 'throws', 'slow'])}),
    ...(random.once(8) && {reads: random.of(['plain', 'twice'])}),
  };
}

function callsOf(random, plan) {
  const count = random.once(2) ? 0 : 1 + random(4);
  const calls = [];
  for (let left = count; left; left--) {
    const isThere = {sink: plan.transport === 'record', resume: !!plan.resumes};
    const where = random.of(
      random.once(4) ? MORE_CALLBACKS.filter((name) => isThere[name] !== false) : CALLBACKS,
    );
    const isAsync = plan.loop === 'async' && ASYNC_CALLBACKS.includes(where);
    const deeds = isAsync ? [...DEEDS, 'slow', 'reject', 'throw'] : [...DEEDS, 'throw'];
    const deed = random.of(where === 'transport' ? DEEDS : deeds);
    calls.push({in: where, nth: 1 + random(6), do: deed, ms: random.of([5, 700, 60_000])});
  }
  return calls;
}

function stepsOf(random, plan) {
  const steps = [];
  const count = 2 + random(8);
  while (steps.length < count) {
    const after = random.once(4) ? {after: random.of([1, 100, 3000, 200_000])} : {};
    const dice = random(30);
    if (dice < 14) steps.push({do: 'next', times: 1 + random(5), ...after});
    else if (dice < 16) steps.push({do: 'nexts', times: 2 + random(3), ...after});
    else if (dice < 18) steps.push({do: 'poke'}, {do: 'wait', ms: random.of([0, 1, 50, 5000])});
    else if (dice < 21) steps.push({do: 'break', ...after});
    else if (dice < 23) steps.push({do: 'reconnect', ...after});
    else if (dice < 25) steps.push({do: 'open', ...after});
    else if (dice < 26) steps.push({do: 'second', ...after});
    else if (dice < 27) steps.push({do: 'busy', ms: random.of([10, 3000, 400_000]), ...after});
    else if (dice < 28) steps.push({do: plan.loop === 'mixed' ? 'turn' : 'break', ...after});
    else if (random.once(2))
      steps.push({do: 'poke'}, {do: random.of(['close', 'abort']), ...after});
  }
  return steps;
}

/** A client that lives long: what is over must be forgotten. */
export function longPlanOf(seed) {
  const random = randomFrom(seed);
  const loop = random.of(['async', 'blocking']);
  const plan = {
    ...planOf(seed),
    loop,
    options: {retryInterval: 100, idleTimeout: 1000, timeout: 1000},
    hasSignal: random.once(2),
    transport: random.of(['plain', 'record']),
    remembers: true,
    calls: [],
  };
  delete plan.until;
  plan.history = {isExact: true, end: '\n', retries: []};
  plan.answers = [streamOf(random, plan, 'fast')];
  const causes = ['refused', 'status', 'redirect', 'stream', 'unanswered'];
  while (plan.answers.length < 60) {
    const answer = random.of(causes);
    if (answer === 'status')
      plan.answers.push({answer, status: 503, text: 'busy', body: bodyOf(random, plan)});
    else if (answer === 'redirect') plan.answers.push({answer, status: 307, to: 'moved'});
    else if (answer !== 'stream') plan.answers.push({answer});
    plan.answers.push({
      ...streamOf(random, plan, 'fast'),
      events: 2,
      cut: random(5),
      cancel: undefined,
    });
  }
  plan.steps = [{do: 'next', times: 40}, {do: 'forget'}, {do: 'next', times: 20}, {do: 'forget'}];
  return plan;
}
