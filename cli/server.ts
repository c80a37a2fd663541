// A server of recordings, which drops connections if asked to.

import {createServer} from 'node:http';
import type {IncomingMessage, Server, ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Block} from './blocks.ts';
import {counted, Failure} from './text.ts';

/** A fault of a connection. */
export type Fault =
  | {readonly kind: 'status'; readonly status: number; readonly retryAfter: number}
  /** After that many events: `cut` inside of the next one, `reset`, or a clean `end`. */
  | {readonly kind: 'cut' | 'reset' | 'end'; readonly after: number};

/** An occurrence on a connection. */
const WORDS = {cut: 'cut', reset: 'reset', end: 'ended'} as const;

interface Service {
  readonly blocks: readonly Block[];
  /** 2: in half the time; 0: at once. */
  readonly speed: number;
  readonly loops: boolean;
  /** Any page may read it, by any name of this host. */
  readonly isPublic: boolean;
  /** For the n-th connection to a path, from 0. */
  readonly faultOf: (connection: number) => Fault | undefined;
  readonly log: (text: string) => void;
}

/** ms that bytes get to arrive before a connection is dropped: a reset overtakes them. */
const BEFORE_DROP = 20;

/** The longest delay that a timer takes, ms. */
const MAX_DELAY = 2 ** 31 - 1;

const STREAM = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff', // or another page could run it as a script
};

export function serverOf(service: Service): Server {
  const connections = new Map<string, number>();
  return createServer({noDelay: true}, (request, response) => {
    request.resume();
    response.on('error', () => {}); // the client has gone
    if (service.isPublic) allowAnyPage(request, response);
    else if (!isForThisHost(request)) return refuse(response);
    const {method, url = '/'} = request;
    if (method === 'OPTIONS') return void response.writeHead(204).end();
    const start = startOf(request, service);
    if (start === undefined) return void response.writeHead(204).end();
    const connection = connections.get(url) ?? 0;
    connections.set(url, connection + 1);
    const fault = service.faultOf(connection);
    if (fault?.kind === 'status') {
      response.writeHead(fault.status, {'retry-after': `${fault.retryAfter}`});
      return void response.end('busy');
    }
    response.writeHead(200, STREAM).flushHeaders();
    if (method === 'HEAD') return void response.end();
    void sendBlocks(response, start, service, fault);
  });
}

/** CORS: with the credentials, the method and the headers that it wants. */
function allowAnyPage({headers}: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', headers.origin ?? '*');
  if (headers.origin) response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('vary', 'origin');
  const method = headers['access-control-request-method'];
  if (method) response.setHeader('access-control-allow-methods', method);
  const wanted = headers['access-control-request-headers'];
  if (wanted) response.setHeader('access-control-allow-headers', wanted);
  if (method) response.setHeader('access-control-max-age', '600');
}

/**
 * A page may have a name of its own resolve to 127.0.0.1 ("DNS rebinding"), and is then of the same
 * origin as this server: it is known by that name in the Host header.
 */
function isForThisHost({headers: {host = ''}}: IncomingMessage): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[\w-]+\.)*localhost)(?::\d+)?$/i.test(host);
}

function refuse(response: ServerResponse): void {
  response.writeHead(403, {'content-type': 'text/plain'});
  response.end('Served to 127.0.0.1 and localhost only; ssekit replay --cors serves it to all.\n');
}

/** The block that a request begins with; undefined: there is none for it. */
function startOf({method, url, headers}: IncomingMessage, service: Service): number | undefined {
  const last = Buffer.from(String(headers['last-event-id'] ?? ''), 'latin1').toString();
  const start = startAfter(last, service);
  if (start === undefined) service.log(`${method} ${url}: 204, nothing after event ${last}`);
  else if (start) service.log(`${method} ${url}: resuming after event ${last}`);
  else service.log(`${method} ${url}: from the start`);
  return start;
}

/** The block that a client goes on with; undefined: it has all events. Unknown ids: the first. */
function startAfter(last: string, {blocks, loops}: Service): number | undefined {
  const start = last ? blocks.findIndex(({id}) => id === last) + 1 : 0;
  if (start && loops) return start % blocks.length;
  return blocks.some(({isEvent}, at) => isEvent && at >= start) ? start : undefined;
}

/** From that block on, and again from the first one if the recording loops. */
function* blocksFrom(start: number, {blocks, loops}: Service): Generator<Block> {
  yield* blocks.slice(start);
  while (loops) yield* blocks;
}

async function sendBlocks(
  response: ServerResponse,
  start: number,
  service: Service,
  fault?: Fault,
): Promise<void> {
  const {speed, log} = service;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let events = 0;
  const drops = fault && fault.kind !== 'status' ? fault : undefined;
  try {
    for (const {bytes, gap, isEvent} of blocksFrom(start, service)) {
      if (gap && speed) await pause(gap / speed, gone.signal);
      if (drops && isEvent && events >= drops.after) {
        log(`connection ${WORDS[drops.kind]} after ${counted(events, 'event')}`);
        return await dropConnection(response, bytes, drops.kind, gone.signal);
      }
      if (isEvent) events++;
      if (!response.write(bytes)) await drained(response);
      if (gone.signal.aborted) return;
    }
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

/** Throws when the client has gone. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, MAX_DELAY), undefined, {signal});
}

/** Also when it is closed before; a stream that often waits keeps no listener of either. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

async function dropConnection(
  response: ServerResponse,
  next: Uint8Array,
  kind: 'cut' | 'reset' | 'end',
  signal: AbortSignal,
): Promise<void> {
  if (kind === 'end') return void response.end();
  if (kind === 'cut') response.write(next.subarray(0, next.length >> 1));
  await pause(BEFORE_DROP, signal);
  if (kind === 'reset') response.socket?.resetAndDestroy();
  else response.socket?.destroy();
}

/** Resolves with the server's URL. */
export function listening(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        Object(error).code === 'EADDRINUSE'
          ? new Failure(`port ${port} is in use; choose another one, or let --port 0 find one`)
          : error,
      ),
    );
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    });
  });
}
