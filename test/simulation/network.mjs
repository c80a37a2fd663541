// The simulated network and the server behind it: transports that answer as the plan says, one
// exchange a request. When the plan is at its end, all goes well.

import {abortError, BODIES, PLAIN_BODIES, Source, thenable} from './bodies.mjs';

/** What a plan's answer is where it says nothing else. */
const GOOD = {
  answer: 'stream',
  after: 0,
  body: 'reader',
  events: 3,
  cut: 0,
  sizes: [64],
  gap: 0,
  end: 'clean',
};

const STREAM_HEADERS = new Headers({'content-type': 'text/event-stream'});

const MIN_SILENCE = 60_000; // ms: where no limit of the client's would end one, the network does

/** One request, and what came of it. */
export class Exchange {
  #monitor;
  /** undefined: under way; what the client must make of it once it has been told. */
  outcome;
  response;
  source;
  isStream = false;
  isReleased = false;
  /** What the client has taken of the body: units of text or bytes. */
  received = 0;
  handed = 0;
  expected = [];

  constructor(monitor, world, number, signal) {
    this.#monitor = monitor;
    this.number = number;
    this.signal = signal;
    this.sentAt = world.now;
  }

  took(units) {
    this.received += units;
  }

  /** Its body came to its end, and the client knows. */
  ended(kind) {
    this.isReleased = true;
    if (this.isStream) this.#monitor.outcome(this, {kind: 'loss', isClean: kind === 'clean'});
  }

  timedOut() {
    this.#monitor.gaveUp(this);
    this.isReleased = true;
  }

  /** The client has let its body go. */
  letGo() {
    if (this.isReleased) return;
    this.#monitor.gaveUp(this);
    this.isReleased = true;
  }

  /** The client has aborted the request before there was a response. */
  aborted() {
    if (!this.response) this.#monitor.gaveUp(this);
  }
}

export class Network {
  #world;
  #monitor;
  #answers;
  #good;
  #history;
  #late;
  #idle;
  #at = 0;
  #onRequest;

  constructor({world, monitor, plan, history, late, onRequest}) {
    this.#world = world;
    this.#monitor = monitor;
    this.#answers = plan.answers;
    this.#good = {...GOOD, body: plan.loop === 'async' ? 'reader' : 'iterator'};
    this.#history = history;
    this.#late = late;
    this.#idle = plan.options.idleTimeout ?? 300_000;
    this.#onRequest = onRequest;
  }

  /** How many of the plan's answers have been given. */
  get given() {
    return this.#at;
  }

  /** A transport for `for await`. */
  transport = (url, request) => {
    const [exchange, answer] = this.#begin(url, request);
    if (answer.answer === 'thrown') throw this.#refuse(exchange, answer);
    if (answer.thenable === 'value' && !answer.after && this.#isPlain(answer)) {
      return this.#respond(exchange, answer, url, request);
    }
    const arrives = new Promise((resolve, reject) => {
      const abort = () => {
        exchange.aborted();
        if (answer.heeds !== false) reject(abortError());
      };
      request.signal.addEventListener('abort', abort);
      if (request.signal.aborted) abort();
      if (answer.answer === 'unanswered') return;
      this.#world.later(answer.after ?? 0, () => {
        if (request.signal.aborted && answer.heeds !== false) return;
        if (answer.answer === 'refused') reject(this.#refuse(exchange, answer));
        else resolve(this.#respond(exchange, answer, url, request));
      });
    });
    return thenable(answer.thenable, this.#hopping(arrives, answer.hops ?? 0));
  };

  /** A transport for `for … of`, and for `for await` as well. */
  blockingTransport = (url, request) => {
    const [exchange, answer] = this.#begin(url, request);
    const {timeout = 0} = request;
    const after = answer.answer === 'unanswered' ? Infinity : (answer.after ?? 0);
    if (timeout > 0 && after > timeout) {
      this.#world.skip(timeout);
      exchange.timedOut();
      throw this.#late(timeout);
    }
    this.#world.skip(Math.min(after, MIN_SILENCE));
    if (['refused', 'thrown', 'unanswered'].includes(answer.answer)) {
      throw this.#refuse(exchange, answer);
    }
    return this.#respond(exchange, answer, url, request);
  };

  #begin(url, request) {
    const answer = this.#next();
    const exchange = this.#monitor.request(url, request, answer);
    this.#onRequest(answer);
    return [exchange, answer];
  }

  /** In the end all goes well, and the longer it takes the more is sent: histories have gaps. */
  #next() {
    if (this.#monitor.violation) return {answer: 'status', status: 204};
    const given = this.#at++;
    const beyond = Math.max(0, given - this.#answers.length);
    return {...this.#good, events: this.#good.events + beyond, ...this.#answers[given]};
  }

  #isPlain({answer}) {
    return answer !== 'refused' && answer !== 'unanswered';
  }

  async #hopping(promise, hops) {
    try {
      return await promise;
    } finally {
      for (let hop = 0; hop < hops; hop++) await null;
    }
  }

  #refuse(exchange, {answer, code = answer === 'thrown' ? '' : 'ECONNREFUSED'}) {
    exchange.isReleased = true;
    if (!code) {
      this.#monitor.outcome(exchange, {kind: 'fault'});
      return new TypeError('options.agent is not a constructor');
    }
    this.#monitor.outcome(exchange, {kind: 'loss'});
    const cause = Object.assign(new Error(`connect ${code}`), {code});
    return new TypeError('fetch failed', {cause});
  }

  #respond(exchange, answer, url, request) {
    const response = this.#responseTo(exchange, answer, url, request);
    exchange.response = response ?? {};
    if (exchange.outcome?.kind !== 'malformed') this.#monitor.answered(exchange, answer);
    return response;
  }

  #responseTo(exchange, answer, url, request) {
    const {answer: kind, status = 200} = answer;
    if (kind === 'malformed') {
      exchange.isReleased = true;
      const withoutBody = {status: 200, headers: STREAM_HEADERS};
      const response = [undefined, null, {}, 'response', withoutBody][answer.form % 5];
      const code = response === withoutBody ? 'unsupported' : undefined;
      this.#monitor.outcome(exchange, {kind: 'fatal', code});
      return response;
    }
    if (kind === 'stream') return this.#stream(exchange, answer, url, request);
    const text = answer.text ?? '';
    const headers = {'content-type': 'text/plain'};
    if (answer.retryAfter !== undefined) headers['retry-after'] = this.#retryAfter(answer);
    if (kind === 'redirect') headers.location = this.#location(answer, url, request);
    if (kind === 'wrong type') headers['content-type'] = 'text/html';
    const body =
      text || answer.end === 'silence' ? this.#body(exchange, answer, request, [text]) : null;
    exchange.isReleased = body === null;
    this.#monitor.outcome(exchange, this.#outcomeOf(answer, headers));
    return {status, headers: headersOf(answer, headers), body};
  }

  #outcomeOf({answer, status, retryAfter, to}, headers) {
    if (answer === 'redirect') {
      return to === 'nowhere'
        ? {kind: 'fatal', code: 'redirect'}
        : {kind: 'redirect', location: headers.location};
    }
    if (answer === 'wrong type') return {kind: 'fatal', code: 'content-type'};
    if (status === 204) return {kind: 'stop'};
    const {ms = 0, form} = retryAfter ?? {};
    return {kind: 'refusal', status, retryAfter: ms, isDate: form === 'date'};
  }

  #retryAfter({retryAfter: {ms, form}}) {
    if (form !== 'date') return `${Math.ceil(ms / 1000)}`;
    return new Date(this.#world.now + ms + 999).toUTCString();
  }

  /** Another origin gets no Last-Event-ID: the server's own redirect says where to go on. */
  #location({to}, url, request) {
    if (to === 'nowhere') return 'ftp://sse.test/';
    const id = this.#monitor.idOf(url, request);
    const query = id ? `?after=${encodeURIComponent(id)}` : '';
    return to === 'elsewhere' ? `http://other.test/events${query}` : `/moved${query}`;
  }

  /** The stream as the history goes on after the Last-Event-ID. */
  #stream(exchange, answer, url, request) {
    const id = this.#monitor.idOf(url, request);
    const place = this.#history.placeOf(id) ?? 0;
    const entries = [];
    for (let each = 1; each <= answer.events; each++)
      entries.push(this.#history.entry(place + each));
    const isText = answer.isText === true;
    const chunks = piecesOf(entries, answer, isText);
    exchange.isStream = true;
    this.#monitor.streams(exchange, entries, isText ? 'units' : 'bytes', id);
    const body = this.#body(exchange, answer, request, chunks);
    return {status: 200, headers: headersOf(answer, {'content-type': 'text/event-stream'}), body};
  }

  #body(exchange, answer, request, chunks) {
    const {now} = this.#world;
    let time = now;
    const pieces = chunks.map((value) => {
      const piece = {value, units: value.length, time};
      time += answer.gap;
      return piece;
    });
    const limit = answer.body in PLAIN_BODIES ? request.idleTimeout : this.#idle;
    const isEndless = answer.end === 'silence' && !(limit > 0 && limit < Infinity);
    const kind = isEndless ? 'reset' : answer.end;
    time += isEndless ? MIN_SILENCE : 0;
    const source = new Source(this.#world, exchange, pieces, {kind, time});
    exchange.source = source;
    exchange.headersAt = now;
    if (answer.heeds !== false) {
      request.signal?.addEventListener('abort', () => source.letGo(abortError()));
    }
    const make = BODIES[answer.body] ?? PLAIN_BODIES[answer.body];
    return make({source, world: this.#world, plan: answer, late: this.#late, limit});
  }
}

/** The text of the entries, less `cut` units at its end, in chunks of those sizes. */
function piecesOf(entries, {cut, sizes}, isText) {
  const whole = isText
    ? entries.map(({text}) => text).join('')
    : Buffer.concat(entries.map(({bytes}) => bytes));
  const end = Math.max(0, whole.length - cut);
  const pieces = [];
  for (let at = 0, turn = 0; at < end; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length]);
    pieces.push(whole.slice(at, Math.min(end, at + size)));
    at += size;
  }
  return pieces;
}

function headersOf({headers}, fields) {
  if (headers === 'none' && fields['content-type'] === 'text/event-stream') return undefined;
  if (headers === 'object') return fields;
  return fields['content-type'] === 'text/event-stream' ? STREAM_HEADERS : new Headers(fields);
}
