// What must hold in every run, whatever happens. The monitor sees the client from both ends: what
// it asks of the network, and what it hands to its user. It takes nothing from the code under test
// but what users can see. The first thing that does not hold ends the run, with its invariant's name.

/** Each invariant, and what it says. */
export const INVARIANTS = {
  events:
    "each connection's events come out as they went in: none lost, twice, changed, out of order",
  once: 'where every event has an ID, each comes once over all connections',
  id: "lastEventId, and the request's header, are those of the last event handed over",
  closed: 'after close(), the last event or a final answer there is no request and no event',
  wait: 'no wait is shorter than the server asked, or longer than the options allow',
  rate: 'at most a dozen connections in a second that nobody asked for',
  state: 'the state changes only as it may, and is what the network sees',
  released: 'every response is let go before the next request, and when the client is done',
  left: 'no timer and no listener is left',
  rejection: 'no rejection is unhandled',
  progress: 'whoever waits gets an answer',
  patience: 'no connection is given up before its time, or kept beyond it',
  verdict: 'what can be made good is tried again, what cannot ends the loop with its error',
  errors: 'only errors that users can know come out',
  secrets: 'no header of the user goes to another origin',
  memory: 'the past is forgotten: errors, attempts, responses',
};

const RATE_WINDOW = 1000; // ms
const RATE_MOST = 12; // connections
const JITTER = 1.25;
const LATENESS = 2; // ms: a timer that is due looks at the network once more before it is believed
const MOST_CONNECTIONS = 2000; // a run has a few dozen
const MOST_LATE = 1; // turns
const MOST_OVERDUE = 40; // turns: after a pause all that is due happens first
const MAX_DELAY = 2 ** 31 - 1; // ms: what timers take
const MIN_BACKOFF = 100; // ms: docs/behaviour.md

const LEGAL = {
  idle: ['connecting', 'open', 'waiting', 'closed'],
  connecting: ['idle', 'open', 'waiting', 'closed'],
  open: ['idle', 'connecting', 'waiting', 'closed'],
  waiting: ['idle', 'connecting', 'open', 'closed'],
  closed: [],
};

const DEFAULTS = {
  retryInterval: 3000,
  maxRetryInterval: 30_000,
  timeout: 30_000,
  idleTimeout: 300_000,
  eventTimeout: Infinity,
  maxRetries: Infinity,
  reconnect: true,
};

export class Monitor {
  /** {invariant, message}: what did not hold. */
  violation;
  exchanges = [];
  /** The stream that events come from. */
  stream;
  failures = 0;
  connections = 0;
  /** Functions of the user's that are waited for. */
  slow = 0;
  faults = {};
  handed = [];
  client;
  #world;
  #options;
  #isExact;
  #hasUntil;
  #isAsync;
  /** The statuses for which retryStatus, as a function, says true. */
  #repeats;
  #makeExchange;
  #state = 'idle';
  #closedAt;
  #closedWithin = false;
  #lastIds;
  #retry;
  #lastExact = 0;
  #hasOpened = false;
  #interfered = false;
  /** False: the user's doings may have counted as a failure, or not. */
  #knowsFailures = true;
  #begins = [];
  #live = new Set();

  constructor(world, plan, makeExchange) {
    this.#world = world;
    this.#options = {...DEFAULTS, ...plan.options};
    this.#isExact = plan.isExact;
    this.#hasUntil = plan.until !== undefined;
    this.#isAsync = plan.isAsync;
    this.#repeats = plan.repeats;
    this.#makeExchange = makeExchange;
    this.#lastIds = [plan.options.lastEventId ?? ''];
  }

  /** What happened, for who reads a failure; undefined: nobody asked. */
  trace;

  note(text) {
    this.trace?.push(`${this.#world.now - this.#world.epoch} ms: ${text()}`);
  }

  fail(invariant, message) {
    this.note(() => `FAILS ${invariant}: ${message}`);
    this.violation ??= {invariant, message};
  }

  get last() {
    return this.exchanges.at(-1);
  }

  /** The user has done something since the last request began: anything may come next. */
  get interfered() {
    return this.#interfered;
  }

  set interfered(value) {
    this.#interfered = value;
    if (value) this.#knowsFailures = false;
  }

  get isClosed() {
    return this.#closedAt !== undefined;
  }

  /** Lets go of what is over, so that only the client under test may hold it. */
  forget() {
    this.exchanges = this.exchanges.slice(-1);
    for (const each of this.#live) if (isGone(each)) this.#live.delete(each);
  }

  // ── What the client asks of the network ─────────────────────────────────────────────────────

  request(url, request, answer) {
    const before = this.last;
    if (this.connections > MOST_CONNECTIONS) throw new Error('a storm of connections');
    const exchange = this.#makeExchange(this, this.connections++, request.signal);
    this.faults[nameOf(answer)] = (this.faults[nameOf(answer)] ?? 0) + 1;
    this.note(() => `request ${exchange.number} ${url} ${idIn(request)} -> ${nameOf(answer)}`);
    if (this.isClosed) this.fail('closed', `request ${exchange.number} after close()`);
    for (const each of this.#live) {
      if (isGone(each)) this.#live.delete(each);
      else this.fail('released', `response ${each.number} is open when the next request is sent`);
    }
    this.#live.add(exchange);
    const target = before?.outcome?.kind === 'redirect' ? before.outcome.location : undefined;
    const isTarget = target !== undefined && url === new URL(target, before.url).href;
    if (target !== undefined && (isTarget || !this.interfered)) {
      if (!isTarget) this.fail('verdict', `redirected to ${target}, but asked ${url}`);
    } else {
      this.#beginsAfter(before);
      this.#checkId(request);
    }
    if (!url.startsWith('http://sse.test/')) this.#checkSecrets(request);
    exchange.url = url;
    exchange.failures = this.failures;
    this.exchanges.push(exchange);
    if (this.exchanges.length > 8) this.exchanges.shift();
    this.interfered = false;
    return exchange;
  }

  /** A new attempt begins. */
  #beginsAfter(before) {
    const {now} = this.#world;
    if (!this.interfered && before) {
      this.#checkHandedOut();
      if (!before.outcome) this.gaveUp(before);
      const {kind} = before.outcome ?? {};
      if (kind === 'fatal' || kind === 'stop') {
        this.fail(
          'verdict',
          `a request follows an answer that is final (${nameOf(before.outcome)})`,
        );
      }
      if (!this.#options.reconnect && !before.outcome?.mayRepeat) {
        this.fail('verdict', 'reconnects with reconnect: false');
      }
      this.#checkWait(before, now);
    }
    this.#checkRate(now);
  }

  /** What is known of the stream at hand, for the next one. */
  #forget(id) {
    const {stream, client} = this;
    this.#lastIds = [id];
    if (!stream) return;
    const allowed = [stream.retryOfLast, ...stream.entries.map(({retry}) => retry)];
    if (!allowed.includes(client.retry)) {
      this.fail('wait', `retry is ${client.retry}, expected one of ${allowed}`);
    }
    this.#retry = client.retry;
    this.stream = undefined;
  }

  #checkWait(before, now) {
    const {outcome} = before;
    if (!outcome) return;
    const asked = Math.max(this.#retry ?? this.#options.retryInterval, outcome.retryAfter ?? 0);
    const waited = now - outcome.at;
    if (waited < Math.min(asked, MAX_DELAY)) {
      this.fail('wait', `asked to wait ${asked} ms, the next request came after ${waited} ms`);
    }
  }

  #checkRate(now) {
    if (this.interfered) this.#begins.length = 0;
    this.#begins.push(now);
    if (this.#begins.length <= RATE_MOST) return;
    if (now - this.#begins.shift() < RATE_WINDOW) {
      this.fail('rate', `${RATE_MOST} connections within ${RATE_WINDOW} ms`);
    }
  }

  #checkId(request) {
    const sent = idIn(request);
    const allowed = this.idsNow();
    if (!allowed.includes(sent)) {
      this.fail('id', `Last-Event-ID ${JSON.stringify(sent)}, expected ${JSON.stringify(allowed)}`);
    }
    const {lastEventId} = this.client;
    if (lastEventId !== sent) {
      this.fail('id', `client.lastEventId is ${JSON.stringify(lastEventId)}, sent: ${sent}`);
    }
    this.#forget(sent);
  }

  #checkSecrets({headers}) {
    for (const name of ['x-token', 'last-event-id']) {
      if (headers[name] !== undefined) this.fail('secrets', `${name} went to another origin`);
    }
  }

  /** The ID that a request stands for: a redirect elsewhere carries it in the URL. */
  idOf(url, request) {
    const after = url.includes('?') ? new URL(url).searchParams.get('after') : undefined;
    return after ?? idIn(request);
  }

  /** What the last event ID may be at this point. */
  idsNow() {
    const {stream} = this;
    if (!stream) return this.#lastIds;
    return this.interfered ? idsAfterLast(stream) : [stream.caughtUp().id];
  }

  // ── What comes of a request ─────────────────────────────────────────────────────────────────

  outcome(exchange, outcome) {
    this.note(() => `outcome of ${exchange.number}: ${nameOf(outcome)}`);
    exchange.outcome ??= {...outcome, at: this.#world.now};
    const {kind, status} = exchange.outcome;
    if (kind === 'refusal') {
      const passes = this.#passes(status);
      exchange.outcome.kind = passes ? 'loss' : 'fatal';
      exchange.outcome.code = passes ? undefined : 'http';
      exchange.outcome.mayRepeat = passes;
    }
    if (kind === 'fault') {
      // a blocking transport has no other way to tell of a loss
      const isFinal = this.#isAsync && !this.#hasOpened;
      exchange.outcome.kind = isFinal ? 'fatal' : 'loss';
      exchange.outcome.code = isFinal ? 'connection' : undefined;
    }
    if (exchange.outcome.code === 'unsupported') this.#hasOpened = true; // by what the server said
    if (exchange.outcome.kind === 'loss' && exchange.outcome.isClean) this.#cleanEnd(exchange);
  }

  #passes(status) {
    const {retryStatus, reconnect} = this.#options;
    if (this.#repeats) return this.#repeats.includes(status);
    const isPassing = retryStatus
      ? retryStatus.includes(status)
      : [408, 425, 429].includes(status) || (status >= 500 && ![501, 505, 511].includes(status));
    return this.#hasOpened && reconnect && isPassing;
  }

  #cleanEnd({outcome}) {
    if (this.#options.reconnect) return;
    outcome.kind = this.#hasUntil ? 'fatal' : 'stop';
    outcome.code = 'truncated';
  }

  /** The response is on its way to the client: one that comes too late must be let go soon. */
  answered(exchange) {
    if (this.isClosed || exchange.signal.aborted) exchange.lateAt = this.#world.turn;
  }

  streams(exchange, entries, unit, id) {
    exchange.entries = expectationsOf(entries, unit, id, this.#retry);
    exchange.expected = exchange.entries.filter(({event}) => event);
    exchange.idOfLast = id;
    exchange.retryOfLast = this.#retry;
    const retry = this.#retry;
    exchange.caughtUp = () => caughtUp(exchange, id, retry);
  }

  /** The stream has been accepted: events come from it. */
  opens(response) {
    const exchange = this.last;
    if (!exchange?.isStream) return this.fail('verdict', 'onOpen without a stream');
    if (response.status !== 200) this.fail('verdict', `onOpen with status ${response.status}`);
    this.#hasOpened = true;
    this.stream = exchange;
  }

  /** The client has let go of an exchange that had not ended by itself. */
  gaveUp(exchange) {
    this.note(() => `let go ${exchange.number}`);
    if (exchange.outcome || this.interfered || this.isClosed) return;
    const {now} = this.#world;
    const {limit, since} = this.#patienceWith(exchange);
    exchange.outcome = {kind: 'loss', at: now};
    if (this.isAtLast || exchange.lateAt !== undefined) return;
    const waited = now - Math.max(exchange.headersAt ?? now, exchange.handedAt ?? 0);
    if (waited >= this.#options.eventTimeout) return;
    if (now - since < limit || !limit) {
      this.fail('patience', `given up after ${now - since} ms, the limit is ${limit} ms`);
    }
  }

  // ── What the client hands to its user ───────────────────────────────────────────────────────

  delivered(event, {isAlone, mustBeOpen}) {
    this.note(() => `event ${show(event)}`);
    const {stream} = this;
    if (!stream) return this.fail('events', 'an event before any stream was open');
    if (mustBeOpen) this.fail('closed', `event ${event.data} after close()`);
    const wanted = stream.expected[stream.handed++];
    if (!wanted || wanted.done > stream.received) {
      return this.fail('events', `event ${show(event)} has not been sent`);
    }
    const isJSON = 'value' in event;
    const got = isJSON ? [event.value] : [event.event, event.data, event.id, event.retry];
    const want = isJSON
      ? [JSON.parse(wanted.event.data)]
      : [wanted.event.event, wanted.event.data, wanted.id, wanted.retry];
    if (got.some((each, at) => each !== want[at])) {
      return this.fail('events', `got ${JSON.stringify(got)}, sent was ${JSON.stringify(want)}`);
    }
    stream.handedAt = this.#world.now;
    stream.idOfLast = wanted.id;
    stream.retryOfLast = this.#retry = wanted.retry;
    this.failures = 0;
    this.#knowsFailures = true;
    this.handed.push(wanted.number);
    if (this.#isExact && wanted.number !== ++this.#lastExact) {
      this.fail('once', `event ${wanted.number} where ${this.#lastExact} was due`);
    }
    if (isAlone && this.client.lastEventId !== wanted.id) {
      this.fail('id', `lastEventId is ${this.client.lastEventId} after event ${show(event)}`);
    }
  }

  /** Before the client goes on by itself, all that has come must have been handed out. */
  #checkHandedOut() {
    const {stream} = this;
    if (!stream || this.interfered) return;
    const {at, retry} = stream.caughtUp();
    if (at !== stream.handed) {
      this.fail('events', `${at - stream.handed} events of connection ${stream.number} are lost`);
    }
    this.#retry = retry;
  }

  /** onRetry was called. */
  retries({attempt, delay, error, lastEventId}) {
    this.note(() => `onRetry ${attempt}, ${delay} ms: ${error?.message}`);
    if (this.isClosed) this.fail('closed', 'onRetry after close()');
    if (!(error instanceof Error)) this.fail('errors', `onRetry got ${String(error)} as error`);
    const {last} = this;
    const due = this.#knowsFailures ? this.failures + 1 : attempt;
    this.failures = attempt;
    this.#knowsFailures = true;
    if (this.interfered || !last) return;
    this.#checkHandedOut();
    if (last.outcome?.kind !== 'loss') {
      this.fail('verdict', `onRetry after ${nameOf(last.outcome)}: ${error.message}`);
    }
    const {maxRetries} = this.#options;
    if (maxRetries >= 0 && attempt > maxRetries) {
      this.fail('verdict', `retry ${attempt} where ${maxRetries} are allowed`);
    }
    if (attempt !== due) this.fail('verdict', `onRetry says attempt ${attempt}, it is ${due}`);
    const [id] = this.idsNow();
    if (lastEventId !== id) this.fail('id', `onRetry says ID ${lastEventId}, it is ${id}`);
    this.#checkDelay(delay, last.outcome ?? {});
  }

  #checkDelay(delay, {retryAfter = 0, isDate}) {
    const {maxRetryInterval} = this.#options;
    const base = this.#retry ?? this.#options.retryInterval;
    // a date may have come nearer while the text of the refusal was read; its unit is a second
    const least = Math.min(Math.max(base, isDate ? 0 : retryAfter), MAX_DELAY);
    const most = Math.max(base, retryAfter + 1000, maxRetryInterval, MIN_BACKOFF) * JITTER;
    if (delay < least || delay > Math.min(Math.ceil(most), MAX_DELAY)) {
      this.fail('wait', `a delay of ${delay} ms where ${least} to ${most} are right`);
    }
  }

  /** The loop is over by itself: `error` undefined = it just ended. */
  loopEnded(error) {
    this.note(() => `the loop ends: ${show(error)}`);
    if (this.interfered || this.isClosed) return;
    const isSecond = !this.#options.reconnect && error instanceof TypeError;
    if (isSecond) return; // one connection was all there was to be
    const {outcome} = this.last ?? {};
    if (this.#hasUntil && this.isAtLast && error === undefined) return;
    this.#checkHandedOut();
    if (error === undefined) {
      if (outcome?.kind !== 'stop') this.fail('verdict', `the loop ends after ${nameOf(outcome)}`);
      this.#closedAt ??= this.#world.turn;
      return;
    }
    if (outcome?.kind === 'fatal') {
      if (error?.code !== outcome.code) {
        this.fail('verdict', `expected an error '${outcome.code}', got ${show(error)}`);
      }
    } else if (outcome?.kind !== 'loss') {
      this.fail('verdict', `the loop throws after ${nameOf(outcome)}: ${show(error)}`);
    } else this.#checkEnough(error);
    this.failures = 0;
    this.interfered = true; // a later loop starts afresh
  }

  #checkEnough(error) {
    const {reconnect, maxRetries} = this.#options;
    const most = maxRetries < 0 ? Infinity : maxRetries;
    if (reconnect && this.#knowsFailures && this.failures + 1 <= most) {
      this.fail('verdict', `gives up after ${this.failures} of ${most} retries: ${show(error)}`);
    }
    if (error?.name !== 'SSEConnectionError') this.fail('errors', `a bare ${show(error)}`);
  }

  /** `until` has been true: the event is the last. */
  isAtLast = false;

  // ── What can be seen at any time ────────────────────────────────────────────────────────────

  /** The user closes the client; `isWithin`: from inside one of its callbacks. */
  closes(isWithin = false) {
    this.interfered = true;
    if (this.isClosed) return;
    this.#closedAt = this.#world.turn;
    this.#closedWithin = isWithin;
  }

  /** reconnect() was called: whatever was on is let go of at once. */
  reconnects() {
    for (const each of this.#live) {
      if (!isGone(each)) this.fail('released', `response ${each.number} is open after reconnect()`);
    }
  }

  /** No event may come any more: the client is closed, or that loop has been left. */
  isFinalFor({leftAt, leftWithin}) {
    const {turn} = this.#world;
    const isAfter = (at, isWithin) => at !== undefined && (turn > at || isWithin === true);
    return isAfter(this.#closedAt, this.#closedWithin) || isAfter(leftAt, leftWithin);
  }

  /** Looks at the client between two turns; `waitingSince`: somebody waits in a loop since then. */
  observe(waitingSince) {
    const {state} = this.client;
    const before = this.#state;
    this.#state = state;
    if (state !== before && !LEGAL[before].includes(state)) {
      this.fail('state', `from ${before} to ${state}`);
    }
    if (this.isClosed && state !== 'closed') this.fail('state', `${state} after close()`);
    const isLeaving = this.interfered || this.last?.outcome;
    if (waitingSince !== undefined && state === 'idle' && !isLeaving)
      this.fail('state', 'idle in a loop');
    const open = [...this.#live].filter((each) => !isGone(each));
    // an observer may still be told of what the end has left unfinished
    if (state === 'open' && !open.includes(this.stream) && !this.slow) {
      this.fail('state', 'open without a stream');
    }
    if (state === 'waiting' || state === 'idle' || state === 'closed') {
      for (const each of open)
        this.fail('released', `${state}, but response ${each.number} is open`);
    }
    this.#checkLate();
    if (waitingSince !== undefined) this.#checkKept(waitingSince);
  }

  #checkLate() {
    for (const each of this.#live) {
      if (
        each.lateAt !== undefined
        && !each.isReleased
        && this.#world.turn > each.lateAt + MOST_LATE
      ) {
        this.fail('released', `response ${each.number} came late and is not let go`);
      }
    }
  }

  /** Nothing may be left when the client has been closed. */
  end() {
    for (const each of this.#live) {
      if (!isGone(each) || (each.response && !each.isReleased)) {
        this.fail('released', `response ${each.number} is open at the end`);
      }
    }
    if (this.#world.timers) this.fail('left', `${this.#world.timers} timers are on at the end`);
  }

  /** Whoever waits for a connection without a sign of life must not wait beyond the limit. */
  #checkKept(waitingSince) {
    const {last} = this;
    if (!last || last.outcome || isGone(last)) return;
    const {now} = this.#world;
    const {limit, since} = this.#patienceWith(last);
    const waited = now - Math.max(since, waitingSince);
    const eventAt = Math.max(last.headersAt ?? now, last.handedAt ?? 0);
    const hasNoEvent =
      now - Math.max(eventAt, waitingSince) > this.#options.eventTimeout + LATENESS;
    const isOverdue = hasNoEvent || (waited > limit + LATENESS && limit > 0);
    last.turnsOverdue = isOverdue ? (last.turnsOverdue ?? 0) + 1 : 0;
    if (last.turnsOverdue > MOST_OVERDUE) {
      const what = hasNoEvent ? 'an event' : 'a sign of life';
      this.fail('patience', `kept for ${waited} ms without ${what}, the limit is ${limit}`);
    }
  }

  #patienceWith({headersAt, source, sentAt}) {
    const {idleTimeout, timeout} = this.#options;
    if (headersAt === undefined) return {limit: timeout, since: sentAt};
    // what comes in the very moment of giving up is seen or not
    return {limit: idleTimeout, since: source.lastSign(headersAt, this.#world.now - LATENESS)};
  }
}

function isGone(exchange) {
  return exchange.isReleased || (exchange.signal.aborted && !exchange.response);
}

/** The Last-Event-ID of a request, as the server reads it; "" = none. */
function idIn({headers}) {
  const sent = headers['last-event-id'] ?? '';
  return /[^\0-\x7f]/.test(sent) ? Buffer.from(sent, 'latin1').toString() : sent;
}

/** The entries as one connection shows them: where each is done, which ID and time hold there. */
function expectationsOf(entries, unit, id, retry) {
  let at = 0;
  let time = retry;
  let last = id;
  return entries.map((entry) => {
    const {number, event, done, retryDone} = entry;
    if (entry.setsRetry) time = entry.retry;
    if (entry.setsId) last = entry.id;
    const start = at;
    at += unit === 'bytes' ? entry.bytes.length : entry.text.length;
    return {
      number,
      event,
      id: last,
      retry: time,
      done: start + done[unit],
      retryDone: entry.setsRetry ? start + retryDone : Infinity,
    };
  });
}

/** What holds when all that has come is handed out: number of events, ID, reconnection time. */
function caughtUp({entries, received}, id, retry) {
  let at = 0;
  for (const entry of entries) {
    if (entry.retryDone <= received) retry = entry.retry;
    if (entry.done > received) break;
    if (entry.event) at++;
    ({id} = entry);
  }
  return {at, id, retry};
}

/** That of the last event, and those that came after it without an event. */
function idsAfterLast({entries, received, handed, idOfLast}) {
  const ids = [idOfLast];
  let events = 0;
  for (const {event, done, id} of entries) {
    if (event) events++;
    if (done > received || events > handed) break;
    if (events === handed) ids.push(id);
  }
  return ids;
}

function nameOf(thing) {
  if (!thing) return 'nothing';
  if (thing.kind) return `${thing.kind}${thing.code ? ` (${thing.code})` : ''}`;
  const {answer, status, end} = thing;
  if (answer === 'status') return `status ${status}`;
  return answer === 'stream' ? `stream, ${end}` : answer;
}

function show(thing) {
  if (thing instanceof Error) return `${thing.name} ${thing.code ?? ''}: ${thing.message}`;
  return thing && typeof thing === 'object' ? JSON.stringify(thing) : String(thing);
}
