// A TCP proxy that misbehaves as it is told: what cables, load balancers and crashing servers do.
//
//   const proxies = startFaultProxies();             in a process of its own, for both loops
//   const proxy = await proxies.open(port);
//   await proxy.rules([{cut: {after: 500, how: 'rst'}}, {headers: 900}]);
//   asyncConnect(`${proxy.url}/events`) …            the first connection is reset, the second slow
//   await proxies.stop();
//
// A rule says what happens to one connection; {} is none. The first connection gets the first
// rule, and so on; when all are used up, connections get `otherwise`.
//
//   delay    ms before each piece that goes to the client
//   headers  ms before the first byte that goes to the client: slow headers
//   chunk    bytes written at a time, each in a turn of its own: 1 cuts every character
//   pace     ms between those writes
//   refuse   'rst', 'fin' or 'hole': at once, nothing reaches the server
//   cut      {how, after: bytes to the client, its head included, or ms: since the connection
//            began}; or several, in order
//              how 'rst'   reset
//                  'fin'   both directions closed
//                  'half'  only ours: the client's bytes still go to the server
//                  'hole'  nothing goes anywhere, in silence; `heal`: ms until everything held
//                          back goes on as if nothing had been: counted as an 'outage'
//   down     ms that nobody listens from the cut on
//
// Rules belong to connections, and clients keep connections alive: `rules()` therefore resets the
// live ones, or their next requests would go by the old rules.

import {createServer, connect} from 'node:net';
import {setImmediate as turn, setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {answer, launch} from './control.mjs';

/** What is written reaches the client before a reset only if it is on its way by then, ms. */
const SETTLE = 5;

/** Connections remembered in the log. */
const MOST_LOGGED = 10_000;

/**
 * Ports below those that the kernel gives away: while a listener is down nobody else gets its
 * port, and no client that tries to connect is given the very same one, and meets itself.
 */
const PORTS = {from: 20_000, to: 32_000};

const HOWS = ['rst', 'fin', 'half', 'hole'];
const REFUSALS = ['rst', 'fin', 'hole'];

/** One listener before one server. */
class FaultProxy {
  #target;
  #listener;
  #port = 0;
  #queue = [];
  #otherwise = {};
  #live = new Set();
  #connections = 0;
  #faults = {};
  #log = [];
  #timer;

  constructor(target) {
    this.#target = typeof target === 'number' ? {port: target, host: '127.0.0.1'} : target;
  }

  get port() {
    return this.#port;
  }

  /** Listen; again on the same port after `down()`. */
  async up() {
    clearTimeout(this.#timer);
    if (this.#listener) return;
    const listener = createServer({allowHalfOpen: true, noDelay: true}, (socket) => {
      const rule = this.#queue.shift() ?? this.#otherwise;
      const entry = {connection: this.#connections++, rule, at: Date.now(), sent: 0, end: ''};
      this.#log.push(entry);
      if (this.#log.length > MOST_LOGGED) this.#log.shift();
      const connection = new Connection(socket, this.#target, rule, entry, (fault) => {
        this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
        if (fault === 'down') void this.down(rule.down);
      });
      this.#live.add(connection);
      void connection.closed.then(() => this.#live.delete(connection));
    });
    this.#listener = listener;
    for (let attempt = 0; ; attempt++) {
      const port = this.#port || PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
      const error = await new Promise((resolve) => {
        listener.once('error', resolve).listen(port, '127.0.0.1', () => resolve(undefined));
      });
      if (!error) {
        this.#port = port;
        return;
      }
      if (error.code !== 'EADDRINUSE' || attempt > 100) throw error;
      await sleep(10);
    }
  }

  /** Nobody listens, for `ms` or until `up()`; live connections stay. */
  async down(ms) {
    clearTimeout(this.#timer);
    if (ms !== undefined) this.#timer = setTimeout(() => void this.up(), ms);
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.close();
  }

  /** One rule for each connection to come; `drop`: what happens to the live ones, null: nothing. */
  async rules(list, {otherwise = {}, drop = 'rst'} = {}) {
    [...list, otherwise].forEach(check);
    this.#queue = [...list];
    this.#otherwise = otherwise;
    if (drop) await this.cut(drop);
  }

  /** More rules, after those that wait. */
  more(list) {
    list.forEach(check);
    this.#queue.push(...list);
  }

  /** Cut the live connections. Resolves when that is done; gives how many there were. */
  async cut(how = 'rst') {
    check({cut: {after: 0, how}});
    const live = [...this.#live];
    await Promise.all(live.map((connection) => connection.cut(how)));
    return live.length;
  }

  /** Connections in a black hole go on. */
  heal() {
    for (const connection of this.#live) connection.heal();
  }

  /** Connections so far, live ones, rules that wait, and the faults that came true by kind. */
  counts() {
    return {
      connections: this.#connections,
      live: this.#live.size,
      left: this.#queue.length,
      faults: {...this.#faults},
    };
  }

  /** {connection, rule, at, sent, end} of each: bytes to the client, and who ended it how. */
  log() {
    return this.#log;
  }

  async close() {
    await this.down();
    for (const connection of this.#live) connection.destroy();
  }
}

class Connection {
  closed;
  #client;
  #server;
  #rule;
  #entry;
  #tell;
  /** '' while bytes go through, else how it was cut. */
  #state = '';
  #held = [];
  #healed;
  #timers = [];
  /** Cuts to come. */
  #cuts;

  constructor(client, target, rule, entry, tell) {
    this.#client = client;
    this.#rule = rule;
    this.#entry = entry;
    this.#tell = tell;
    this.#cuts = cutsOf(rule);
    this.closed = new Promise((resolve) => client.once('close', resolve)).then(() => {
      entry.end ||= 'client';
      for (const timer of this.#timers) clearTimeout(timer);
      this.#healed?.();
      this.#server?.destroy();
    });
    client.on('error', () => {}); // 'close' follows
    if (rule.refuse) {
      client.resume().on('end', () => client.destroy());
      void this.cut(rule.refuse, {prefix: 'refuse-'});
      return;
    }
    const server = connect({...target, allowHalfOpen: true, noDelay: true});
    this.#server = server;
    server.on('error', () => {});
    client.on('data', (data) => {
      if (this.#state === 'hole') this.#held.push(data);
      else if (!server.write(data)) {
        client.pause();
        server.once('drain', () => client.resume());
      }
    });
    client.on('end', () => (this.#state === 'hole' ? this.destroy() : server.end()));
    for (const {ms, how, heal} of this.#cuts) {
      if (ms !== undefined) this.#later(ms, () => this.cut(how, {heal}));
    }
    this.#cuts = this.#cuts.filter(({after}) => after !== undefined);
    void this.#pump();
  }

  /** Do that to it now. */
  async cut(how, {prefix = '', heal} = {}) {
    if (this.#state || this.#client.destroyed) return;
    if (this.#client.readableEnded) {
      // it has left already: no fault for it
      this.destroy();
      return;
    }
    this.#state = how;
    this.#entry.end = prefix + how;
    this.#tell(how === 'hole' && heal !== undefined ? 'outage' : prefix + how);
    if (this.#rule.down !== undefined) this.#tell('down');
    const client = this.#client;
    if (how === 'hole') {
      if (heal !== undefined) this.#later(heal, () => this.heal());
      return;
    }
    if (how === 'half') {
      client.end();
      return;
    }
    if (how === 'rst') {
      await sleep(SETTLE);
      client.resetAndDestroy();
    } else client.destroySoon();
    this.#server?.destroy();
    await this.closed;
  }

  heal() {
    if (this.#state !== 'hole') return;
    this.#state = '';
    this.#entry.end = '';
    for (const data of this.#held.splice(0)) this.#server.write(data);
    this.#healed?.();
  }

  destroy() {
    this.#client.destroy();
    this.#server?.destroy();
  }

  #later(ms, run) {
    this.#timers.push(setTimeout(run, ms));
  }

  /** The server's bytes to the client, as the rule says. */
  async #pump() {
    const {delay, headers} = this.#rule;
    const entry = this.#entry;
    let isFirst = true;
    try {
      this.#cutIfDue();
      for await (const data of this.#server) {
        if (isFirst && headers) {
          this.#tell('headers');
          await sleep(headers);
        }
        if (delay) {
          if (isFirst) this.#tell('delay');
          await sleep(delay);
        }
        if (isFirst && this.#rule.chunk) this.#tell('chunk');
        isFirst = false;
        let rest = data;
        while (rest.length) {
          const {after = Infinity} = this.#cuts[0] ?? {};
          const head = rest.subarray(0, after - entry.sent);
          rest = rest.subarray(head.length);
          if (!(await this.#send(head))) break;
          this.#cutIfDue();
        }
      }
      await this.#isOpen();
      if (!this.#state) {
        entry.end ||= 'server';
        this.#client.end();
      }
    } catch {
      await this.#isOpen();
      if (this.#state || this.#client.destroyed) return;
      entry.end ||= 'server';
      await sleep(SETTLE);
      this.#client.resetAndDestroy(); // what happened to the server's end happens to the client's
    }
  }

  #cutIfDue() {
    const [next] = this.#cuts;
    if (!(next?.after <= this.#entry.sent)) return;
    this.#cuts.shift();
    void this.cut(next.how, next);
  }

  /** Whether all of it went out. */
  async #send(data) {
    const {chunk = data.length, pace} = this.#rule;
    for (let at = 0; at < data.length; at += chunk) {
      if (!(await this.#isOpen())) return false;
      const piece = data.subarray(at, at + chunk);
      this.#entry.sent += piece.length;
      if (!this.#client.write(piece)) await this.#drained();
      if (pace) await sleep(pace);
      else if (chunk < data.length) await turn();
    }
    return true;
  }

  /** Whether bytes may go to the client; waits while a black hole may heal. */
  async #isOpen() {
    while (this.#state === 'hole' && !this.#client.destroyed) {
      await new Promise((resolve) => (this.#healed = resolve));
    }
    return !this.#state && !this.#client.destroyed;
  }

  #drained() {
    return new Promise((resolve) => {
      const done = () => {
        this.#client.off('drain', done).off('close', done);
        resolve();
      };
      this.#client.on('drain', done).on('close', done);
    });
  }
}

function cutsOf({cut = []}) {
  return [cut].flat();
}

/** A wrong rule would be a fault that never comes, and a test that cannot fail. */
function check(rule) {
  const {delay, headers, chunk, pace, refuse, cut, down, ...rest} = rule;
  const numbers = Object.entries({delay, headers, chunk, pace, down});
  const bad = Object.keys(rest);
  let last = 0;
  for (const {after, ms, how, heal, ...others} of cutsOf(rule)) {
    bad.push(...Object.keys(others));
    numbers.push(['after', after], ['ms', ms], ['heal', heal]);
    if (!HOWS.includes(how) || (after ?? ms) === undefined || after < last) bad.push('cut');
    last = after ?? last;
  }
  for (const [name, value] of numbers) if (value !== undefined && !(value >= 0)) bad.push(name);
  if (refuse !== undefined && !REFUSALS.includes(refuse)) bad.push('refuse');
  if (chunk === 0) bad.push('chunk');
  if (bad.length) throw new TypeError(`rule ${JSON.stringify(rule)}: wrong ${bad.join(', ')}`);
}

/** A process for any number of proxies: {open(target), stop()}. */
export function startFaultProxies() {
  const {call, child, stop} = launch('fault-proxy.mjs');
  const open = async (target) => {
    const {n, port} = await call('open', target);
    const use =
      (name) =>
      (...args) =>
        call('use', n, name, ...args);
    return {
      port,
      url: `http://127.0.0.1:${port}`,
      up: use('up'),
      down: use('down'),
      rules: use('rules'),
      more: use('more'),
      cut: use('cut'),
      heal: use('heal'),
      counts: use('counts'),
      log: use('log'),
      close: use('close'),
    };
  };
  return {child, open, stop};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const proxies = [];
  answer({
    async open(target) {
      const proxy = new FaultProxy(target);
      await proxy.up();
      return {n: proxies.push(proxy) - 1, port: proxy.port};
    },
    use: (n, name, ...args) => proxies[n][name](...args),
  });
}
