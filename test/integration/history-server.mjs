// A server of numbered events that keeps its history: asked with Last-Event-ID it goes on after
// that number, and says 204 when a finished stream has no more. Event n is the same whenever it is
// asked for, so that nothing needs to be stored, and a client can be checked for every byte.
//
//   const history = await startHistory();              in a process of its own
//   await history.open('a', {head: 100});              numbers 1 to 100 are there
//   asyncConnect(`${history.url}/a`) …
//   await history.publish('a', 50);                    150 are there
//   await history.finish('a');                         no more will come: the loop ends by a 204
//   await history.stop();
//
// Options of a stream:
//   head       events that are there at first; null: as many as are read, until finish()
//   burst      [least, most] events written at a time
//   pause      [least, most] ms between two bursts
//   heartbeat  ms without an event after which a comment is sent
//   retry      ms, sent as a `retry:` field at the start of each connection
//   varied     with a seed: each connection has a framing, a line end, comments … of its own
//   bug        {at: n, how}: 'lost', 'twice', 'swapped', 'changed', to see that a checker sees it
//
// What goes wrong on purpose, one for each request as `rules()` lists them; {} is nothing:
//   {status, retryAfter}  that answer, once the stream was open: before, a client may give up
//   {end: k}              a clean end after k events, as proxies report a crash
//   {half: k}             the same in the middle of the event after those k

import {createServer} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {createGzip} from 'node:zlib';
import {randomFrom} from '../support/random.mjs';
import {answer, launch} from './control.mjs';

// ── Events and random numbers, which the checker needs as well ─────────────────────────────────

/** An integer from `least` to `most`, of random numbers 0 ≤ n < 1. */
export function pick(random, [least, most]) {
  return least + Math.floor(random() * (most - least + 1));
}

// Of many sizes in UTF-8, with what only looks like the end of a line, or like a field.
const WORDS = [
  'order',
  'paid',
  '€ 31.50',
  'naïve',
  'soup',
  '🎂',
  'a: b',
  ' two',
  'line\u2028sep',
  'data:',
  'id: 7',
  'ready',
  'ÆØÅ',
  '日本語',
  '\ufeff',
  ':',
  'x'.repeat(40),
  '\t',
  '\u0085',
];

/** Event `n`: {id, event, data}. Its id begins with n; some are not ASCII, some have no data. */
export function eventOf(n) {
  const random = randomFrom(n * 2654435761).share;
  const some = (list) => list[Math.floor(random() * list.length)];
  const id = `${n}${n % 5 ? '' : some(['-é€', ':0,1', '/😀', ' x'])}`;
  const event = n % 4 ? 'message' : some(['order', 'paid', 'größe', 'a b']);
  const words = random() < 0.002 ? pick(random, [500, 1500]) : pick(random, [0, 20]);
  let data = '';
  for (let i = 0; i < words; i++) data += (i ? (random() < 0.05 ? '\n' : ' ') : '') + some(WORDS);
  return {id, event, data};
}

/** The number of an event by its id; NaN for what is no id of ours. */
export function numberOf(id) {
  const n = parseInt(id, 10);
  return n > 0 && eventOf(n).id === id ? n : NaN;
}

function wireOf({id, event, data}, end) {
  let lines = `id: ${id}${end}`;
  if (event !== 'message') lines += `event:${event}${end}`;
  for (const line of data.split('\n')) lines += `data: ${line}${end}`;
  return lines + end;
}

// ── The server ─────────────────────────────────────────────────────────────────────────────────

const PLAIN = {framing: 'chunked', end: '\n', bom: false, comments: false};

class Stream {
  head;
  isOver = false;
  rules = [];
  requests = 0;
  sent = 0;
  open = 0;
  faults = {};
  wrongIds = [];
  resumed = [];
  #options;
  #random;
  #waiting = new Set();

  constructor({head = null, ...options}) {
    this.head = head ?? Infinity;
    this.#options = {burst: [1, 1], pause: [0, 0], ...options};
    this.#random = randomFrom(options.varied ?? 1).share;
  }

  wake() {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async serve(request, response) {
    this.requests++;
    const header = request.headers['last-event-id'];
    const id = header && Buffer.from(header, 'latin1').toString();
    const from = id ? numberOf(id) : 0;
    const seen = Math.max(this.sent, this.head === Infinity ? 0 : this.head);
    if (!(from <= seen)) {
      // nobody can have seen that: the client made it up
      this.wrongIds.push(id);
      response.writeHead(400);
      response.end();
      return;
    }
    this.resumed.push(from);
    if (this.resumed.length > 1000) this.resumed.shift();
    const rule = this.rules.shift() ?? {};
    if (rule.status && id) this.#refuse(response, rule);
    else if (this.isOver && from >= this.head) response.writeHead(204).end();
    else await this.#stream(response, from, rule);
  }

  #refuse(response, {status, retryAfter}) {
    this.#count(`status ${status}`);
    const after = retryAfter === undefined ? {} : {'retry-after': retryAfter};
    response.writeHead(status, {...after, 'content-type': 'text/plain'});
    response.end('not now');
  }

  /** The events after `from`, until the rule ends them. */
  async #stream(response, from, rule) {
    this.open++;
    response.once('close', () => {
      this.open--;
      this.wake();
    });
    const style = this.#options.varied === undefined ? PLAIN : this.#style();
    const write = writer(response, style);
    const {retry} = this.#options;
    await write(
      (style.bom ? '\ufeff' : '') + (retry === undefined ? '' : `retry: ${retry}${style.end}`),
    );
    const last = from + (rule.end ?? rule.half ?? Infinity);
    let n = from;
    while (!response.destroyed) {
      if (n >= last) {
        await this.#break(n, rule, style, write);
        break;
      }
      if (n >= this.head) {
        if (this.isOver) break;
        await this.#more(n, response, () => write(`:${style.end}`));
      } else n = await this.#burst(n, last, style, write);
    }
    await write(undefined);
  }

  /** The end by a rule: between events, or inside of the next one. */
  async #break(n, rule, style, write) {
    const kind = style.framing === 'length' ? 'early end' : 'clean end';
    this.#count(rule.half === undefined ? kind : `${kind} inside`);
    const text = wireOf(eventOf(n + 1), style.end);
    if (rule.half !== undefined) await write(text.slice(0, text.length / 2));
  }

  /** Some events at once, and a pause: the number of the last one. */
  async #burst(from, last, style, write) {
    const {burst, pause} = this.#options;
    const to = Math.min(from + pick(this.#random, burst), last, this.head);
    let text = '';
    if (style.comments && this.#random() < 0.2) text += `: ${'zz '.repeat(5)}${style.end}`;
    for (let n = from + 1; n <= to; n++) text += this.#wire(n, style.end);
    this.sent = Math.max(this.sent, to);
    await write(text);
    const ms = pick(this.#random, pause);
    if (ms) await sleep(ms);
    return to;
  }

  #count(fault) {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  /** The wire form of event n, or what a bug makes of it. */
  #wire(n, end) {
    const {at, how} = this.#options.bug ?? {};
    const text = wireOf(eventOf(n), end);
    if (how === 'swapped' && n - at === 0) return wireOf(eventOf(n + 1), end);
    if (how === 'swapped' && n - at === 1) return wireOf(eventOf(n - 1), end);
    if (n !== at) return text;
    if (how === 'lost') return '';
    if (how === 'twice') return text + text;
    return wireOf({...eventOf(n), data: 'something else'}, end);
  }

  /** Until there is more, with heartbeats. */
  async #more(n, response, beat) {
    const {heartbeat} = this.#options;
    const timer = heartbeat && setInterval(beat, heartbeat);
    while (n >= this.head && !this.isOver && !response.destroyed) {
      await new Promise((resolve) => this.#waiting.add(resolve));
    }
    clearInterval(timer);
  }

  #style() {
    const some = (list) => list[Math.floor(this.#random() * list.length)];
    return {
      framing: some(['chunked', 'chunked', 'close', 'length', 'gzip']),
      end: some(['\n', '\n', '\r\n', '\r']),
      bom: this.#random() < 0.3,
      comments: this.#random() < 0.5,
    };
  }
}

/** Writes text with the framing asked for, and waits while the client does not read. */
function writer(response, {framing}) {
  const headers = {'content-type': 'text/event-stream', 'cache-control': 'no-store'};
  // What a crash looks like depends on it: a close-delimited body that is cut ends cleanly.
  if (framing === 'close') {
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
  }
  if (framing === 'length') headers['content-length'] = 1e12; // never reached
  if (framing === 'gzip') headers['content-encoding'] = 'gzip';
  response.writeHead(200, headers);
  response.flushHeaders();
  let out = response;
  if (framing === 'gzip') {
    out = createGzip();
    out.on('error', () => {}).pipe(response);
    response.once('close', () => out.destroy());
  }
  return async (text) => {
    if (text === undefined) {
      // Fewer bytes than announced: that can only be told by closing.
      if (framing === 'length') response.socket?.destroySoon();
      else if (!out.destroyed) out.end();
      return;
    }
    if (!text || out.destroyed || response.destroyed) return;
    const isFull = !out.write(text);
    if (out !== response) out.flush();
    if (isFull) {
      await new Promise((resolve) => {
        const done = () => {
          out.off('drain', done).off('close', done);
          response.off('close', done);
          resolve();
        };
        out.on('drain', done).on('close', done);
        response.on('close', done);
      });
    }
  };
}

/** The streams of one server, by the name that is their path. */
class HistoryServer {
  #streams = new Map();
  #sockets = new Set();
  #server = createServer({noDelay: true, requestTimeout: 0}, (request, response) => {
    const stream = this.#streams.get(request.url.slice(1));
    if (stream) return void stream.serve(request, response);
    response.writeHead(404);
    response.end();
  });

  async listen(port = 0) {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this.#server.address().port;
  }

  open(name, options = {}) {
    this.#streams.set(name, new Stream(options));
  }

  publish(name, count = 1) {
    const stream = this.#streams.get(name);
    stream.head += count;
    stream.wake();
    return stream.head;
  }

  /** No more will come than is there; without a head: than was sent. The number of the last. */
  finish(name) {
    const stream = this.#streams.get(name);
    if (stream.head === Infinity) stream.head = stream.sent;
    stream.isOver = true;
    stream.wake();
    return stream.head;
  }

  /** What goes wrong with the requests to come, after what waits already. */
  rules(name, list) {
    this.#streams.get(name).rules.push(...list);
  }

  /**
   * {requests, sent, open, left, faults, wrongIds, resumed}: open responses, rules that wait,
   * the events after which requests asked to go on (the last 1,000 of them).
   */
  stats(name) {
    const {requests, sent, open, rules, faults, wrongIds, resumed} = this.#streams.get(name);
    return {requests, sent, open, left: rules.length, faults, wrongIds, resumed};
  }

  sockets() {
    return this.#sockets.size;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** In a process of its own, so that it also serves a blocking loop: what HistoryServer has. */
export async function startHistory() {
  const {call, child, stop} = launch('history-server.mjs');
  const port = await call('listen');
  const use =
    (name) =>
    (...args) =>
      call(name, ...args);
  return {
    child,
    port,
    url: `http://127.0.0.1:${port}`,
    open: use('open'),
    publish: use('publish'),
    finish: use('finish'),
    rules: use('rules'),
    stats: use('stats'),
    sockets: use('sockets'),
    stop,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = new HistoryServer();
  const names = ['listen', 'open', 'publish', 'finish', 'rules', 'stats', 'sockets'];
  answer(Object.fromEntries(names.map((name) => [name, (...args) => server[name](...args)])));
}
