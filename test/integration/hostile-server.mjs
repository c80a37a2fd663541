// Servers that mean no good, in a process of their own: two origins over HTTP, one over TLS. Every
// path is one way to be hostile; what is asked is logged by ?run=…, and told through control.mjs.

import {createServer} from 'node:http';
import {createServer as createTLSServer} from 'node:https';
import {setImmediate as turn, setTimeout as sleep} from 'node:timers/promises';
import {gzipSync} from 'node:zlib';
import {answer} from './control.mjs';

const SSE = {'content-type': 'text/event-stream'};
const PIECE = 65_536; // bytes written at a time
const MEMBER = 4 * 2 ** 20; // bytes of a gzip member before it is packed: a thousandth after
const MOST_HEADERS = 64 * 2 ** 20; // bytes: what a client sends is to be seen, whatever it is

const logs = new Map(); // run -> requests, oldest first
const ports = {};

const repeated = (text) => Buffer.from(text.repeat(Math.ceil(PIECE / text.length)));

class Exchange {
  constructor(request, response) {
    Object.assign(this, {request, response, socket: request.socket});
    this.url = new URL(request.url, 'http://127.0.0.1');
    this.query = this.url.searchParams;
    const run = this.query.get('run') ?? '';
    const log = logs.get(run) ?? [];
    logs.set(run, log);
    const pairs = [];
    for (let n = 0; n < request.rawHeaders.length; n += 2) {
      pairs.push(request.rawHeaders.slice(n, n + 2)); // latin1: one character is one byte
    }
    log.push({
      path: this.url.pathname,
      url: request.url,
      port: this.socket.localPort,
      method: request.method,
      at: Date.now(),
      headers: pairs,
    });
    this.count = log.length;
  }

  get gone() {
    return this.socket.destroyed;
  }

  head(status = 200, headers = SSE) {
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
  }

  /** On the wire as it is; resolves when the socket takes more, or is gone. */
  raw(bytes) {
    return this.#write(this.socket, bytes);
  }

  /** As body. */
  send(bytes) {
    return this.#write(this.response, bytes);
  }

  async #write(to, bytes) {
    if (this.gone || to.write(bytes)) return;
    await new Promise((resolve) => {
      const done = () => {
        to.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      to.on('drain', done);
      this.socket.on('close', done);
    });
  }

  /** The same bytes for ever, as fast as they are taken. */
  async flood(bytes, write = (part) => this.send(part)) {
    for (let n = 0; !this.gone; n++) {
      await write(bytes);
      if (n % 64 === 0) await turn(); // others want to be served, too
    }
  }

  /** The same bytes for ever, one at a time. */
  async drip(text, ms, write = (part) => this.send(part)) {
    for (let n = 0; !this.gone; n++) {
      await write(text[n % text.length]);
      await sleep(ms);
    }
  }

  end(text = '') {
    this.response.end(text);
  }
}

const members = new Map();

/** A body of endless gzip members, each of which unpacks to a thousand times its size. */
async function bomb(x, text, status = 200) {
  const member = members.get(text) ?? gzipSync(Buffer.alloc(MEMBER, text));
  members.set(text, member);
  x.head(status, {...SSE, 'content-encoding': 'gzip'});
  await x.flood(member);
}

const scenarios = {
  async calm(x) {
    if (x.count > 1) return x.response.writeHead(204).end();
    x.head();
    x.end('id: 1\ndata: a\n\nid: 2\ndata: b\n\n');
  },

  // Streams without an end
  async 'endless-line'(x) {
    x.head();
    await x.send('data: ');
    await x.flood(repeated('x'));
  },
  async 'endless-data-lines'(x) {
    x.head();
    await x.flood(repeated('data: 0123456789\n'));
  },
  async 'endless-short-data-lines'(x) {
    x.head();
    await x.flood(repeated('data\n'));
  },
  async 'endless-type-and-id-lines'(x) {
    x.head();
    await x.flood(Buffer.from(`event: ${'x'.repeat(2 ** 20)}\nid: ${'y'.repeat(2 ** 20)}\n`));
  },
  async 'endless-comments'(x) {
    x.head();
    await x.flood(repeated(': ping\n'));
  },
  async 'endless-blank-lines'(x) {
    x.head();
    await x.flood(repeated('\n'));
  },
  async 'endless-ids'(x) {
    x.head();
    await x.flood(repeated('id: 1\n\n'));
  },
  async 'endless-events'(x) {
    x.head();
    await x.flood(repeated(`data: ${'x'.repeat(1000)}\n\n`));
  },
  async 'slow-body'(x) {
    x.head();
    await x.drip(': life\n', 50);
  },

  // Bombs
  'gzip-zeros': (x) => bomb(x, '\0'),
  'gzip-blank-lines': (x) => bomb(x, '\n'),
  'gzip-comments': (x) => bomb(x, ':\n'),
  'gzip-error': (x) => bomb(x, 'x', 500),

  // Connections without an end
  async empty(x) {
    x.head();
    x.end();
  },
  async retry(x) {
    // ?retry=
    x.head();
    x.end(`retry: ${x.query.get('retry')}\nid: ${x.count}\ndata: a\n\n`);
  },
  async 'retry-without-events'(x) {
    x.head();
    x.end(`retry: ${x.query.get('retry')}\n\n`);
  },
  async one(x) {
    x.head();
    x.end('id: 1\ndata: a\n\n');
  },
  async 'one-then-reset'(x) {
    x.head();
    await x.send('retry: 0\nid: 1\ndata: a\n\n');
    await sleep(20); // a reset overtakes what is not yet read
    x.socket.resetAndDestroy();
  },
  async reset(x) {
    x.socket.resetAndDestroy();
  },
  async garbage(x) {
    await x.raw('SSH-2.0-OpenSSH_9.2p1\r\n');
    x.socket.end();
  },
  async 'bad-chunks'(x) {
    await x.raw(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
        + 'Transfer-Encoding: chunked\r\n\r\n5\r\nretry\r\nZZZ\r\nnothing\r\n',
    );
  },
  async busy(x) {
    // open once, then 503 for ever, with ?after= as Retry-After
    if (x.count === 1) return scenarios.one(x);
    x.head(503, {'retry-after': x.query.get('after') ?? '0'});
    x.end('busy');
  },
  async id(x) {
    // ?id=
    x.head();
    x.end(`retry: 10\nid: ${x.query.get('id')}\ndata: a\n\n`);
  },
  async 'big-id'(x) {
    // ?bytes=
    x.head();
    await x.send(`retry: 10\nid: ${'i'.repeat(Number(x.query.get('bytes')))}\ndata: a\n\n`);
    x.end();
  },

  // Redirects
  async loop(x) {
    x.head(302, {location: `/loop?run=${x.query.get('run')}`});
    x.end();
  },
  async 'ping-pong'(x) {
    // to the other origin, and back
    const to = x.socket.localPort === ports.a ? ports.b : ports.a;
    x.head(307, {location: `http://127.0.0.1:${to}/ping-pong?run=${x.query.get('run')}`});
    x.end();
  },
  async userinfo(x) {
    // in the Location, and then for ever
    const run = x.query.get('run');
    const to = `http://user:s3cr3t@127.0.0.1:${ports.b}/userinfo?run=${run}`;
    x.head(302, {location: to});
    x.end();
  },
  async 'no-url'(x) {
    x.head(302, {location: 'http://user:s3cr3t@['});
    x.end();
  },
  async 'no-http'(x) {
    x.head(302, {location: 'ftp://user:s3cr3t@127.0.0.1/'});
    x.end();
  },
  async 'long-loop'(x) {
    x.head(302, {location: `/long-loop?run=${x.query.get('run')}&n=${'x'.repeat(15_000)}`});
    x.end();
  },
  // ?n=20: so many redirects, then a stream
  async chain(x) {
    const left = Number(x.query.get('n'));
    if (!left) return scenarios.calm(Object.assign(x, {count: x.count > 21 ? 2 : 1}));
    x.head(302, {location: `/chain?run=${x.query.get('run')}&n=${left - 1}`});
    x.end();
  },
  // ?to=…&to=…: the first time to the first, and so on, taking the rest along; then events
  async to(x) {
    const [next, ...rest] = x.query.getAll('to');
    if (next === undefined) {
      x.head();
      return x.end(`retry: 10\nid: ${x.count}\ndata: a\n\n`);
    }
    const to = next.includes('?')
      ? next
      : `${next}?run=${x.query.get('run')}${rest.map((each) => `&to=${each}`).join('')}`;
    x.head(Number(x.query.get('status') ?? 302), {location: to});
    x.end();
  },

  // Headers
  async 'endless-hints'(x) {
    await x.flood(repeated('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'), (part) =>
      x.raw(part),
    );
  },
  async 'endless-continue'(x) {
    await x.flood(repeated('HTTP/1.1 100 Continue\r\n\r\n'), (part) => x.raw(part));
  },
  async 'slow-headers'(x) {
    await x.raw('HTTP/1.1 200 OK\r\nX: ');
    await x.drip('x', 20, (part) => x.raw(part));
  },
  async 'endless-header'(x) {
    await x.raw('HTTP/1.1 200 OK\r\nX: ');
    await x.flood(repeated('x'), (part) => x.raw(part));
  },
  async 'endless-headers'(x) {
    await x.raw('HTTP/1.1 200 OK\r\n');
    await x.flood(repeated('X-A: b\r\n'), (part) => x.raw(part));
  },
  async silent() {},
  async 'huge-content-type'(x) {
    x.head(200, {'content-type': `text/${'x'.repeat(15_000)}`});
    x.end();
  },

  // Refusals
  async 'endless-error'(x) {
    x.head(500, {'content-type': 'text/html'});
    await x.flood(repeated('<p>no\n'));
  },
  async 'slow-error'(x) {
    x.head(500, {'content-type': 'text/html'});
    await x.drip('no ', 20);
  },
  async 'endless-busy'(x) {
    // open once, then endless 503
    if (x.count === 1) return scenarios.one(x);
    x.head(503, {'retry-after': '0'});
    await x.flood(repeated('busy '));
  },
  async 'binary-error'(x) {
    x.head(500, {'content-type': 'application/octet-stream'});
    x.end(Buffer.from([0, 1, 2, 0x1b, 0x5b, 0x32, 0x4a, 0xff, 0xfe, 0xc3, 0x28]));
  },
  async status(x) {
    // ?status=401
    x.head(Number(x.query.get('status')), {'set-cookie': 'theirs=1'});
    x.end('no');
  },
  async html(x) {
    x.head(200, {'content-type': 'text/html'});
    x.end('<p>no');
  },
};

async function handle(request, response) {
  request.resume();
  request.on('error', () => {});
  response.on('error', () => {}); // a client that left
  request.socket.on('error', () => {});
  request.socket.setMaxListeners(0);
  const x = new Exchange(request, response);
  const scenario = scenarios[x.url.pathname.slice(1)];
  if (scenario) await scenario(x);
  else response.writeHead(404).end('no such scenario');
}

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

answer({
  /** {a, b, strict, tls}: ports. */
  async listen(tls) {
    const options = {noDelay: true, requestTimeout: 0, maxHeaderSize: MOST_HEADERS};
    ports.a = await listen(createServer(options, handle));
    ports.b = await listen(createServer(options, handle));
    ports.strict = await listen(createServer({noDelay: true}, handle)); // 16 KiB of headers
    ports.tls = await listen(createTLSServer({...options, ...tls}, handle));
    return ports;
  },
  log: (run) => logs.get(run) ?? [],
  /** How many, without what they said: a header may be 10 MB. */
  count: (run) => logs.get(run)?.length ?? 0,
  forget: (run) => void logs.delete(run),
});
