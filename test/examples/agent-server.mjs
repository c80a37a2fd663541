// node agent-server.mjs PORT FOLDER: a server of agents' runs, which kill -9 does not end: each
// event is on the disk before it is sent, and a run that is not over goes on with the next server.
//
//   POST /runs     {"question"} starts one, which says the question word by word, and fails if that
//                  ends in "fail". The answer is its stream; where it is found again says Location,
//                  with WHERE=event its first event, with WHERE=nowhere nothing
//   GET /runs/N    the same stream, from the event after Last-Event-ID
//
// Each request is a line of FOLDER/requests. It kills itself with SIGKILL before it sends event N
// (CRASH_AT=N), or half-way through that (CRASH_AT=N+). With HOLD_AT=N no run gets beyond event N.

import {EventEmitter, once} from 'node:events';
import {appendFileSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {formatEvent} from '../../dist/sse.js';

const [port, folder] = process.argv.slice(2);
const {CRASH_AT = '', HOLD_AT = Infinity, WHERE = 'header'} = process.env;
const PACE = 10; // ms between two events of a run

const text = (word) => ({event: 'text', data: JSON.stringify(word)});

/** What happens in a run, from its first event to its last. */
function eventsOf(question) {
  const [first, ...words] = question.match(/\s*\S+/g);
  const end = question.endsWith('fail')
    ? {event: 'failed', data: '{"message":"no luck"}'}
    : {event: 'done', data: '{}'};
  return [text(first), {event: 'tool', data: '{"name":"echo"}'}, ...words.map(text), end];
}

const die = () => process.kill(process.pid, 'SIGKILL');

class Run {
  #file;
  #news = new EventEmitter();
  #events;
  #total;

  /** Goes on with what the file tells: the question, then its events so far, a line each. */
  constructor(file) {
    this.#file = file;
    const [question, ...events] = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    this.#events = events;
    const all = eventsOf(question);
    this.#total = all.length;
    void this.#work(all.slice(events.length, HOLD_AT));
  }

  async #work(events) {
    for (const event of events) {
      await sleep(PACE);
      appendFileSync(this.#file, `${JSON.stringify(event)}\n`);
      this.#events.push(event);
      this.#news.emit('event');
    }
  }

  /** The events from the one after number `last`, as they come. */
  async *after(last) {
    for (let n = last; n < this.#total; n++) {
      if (n === this.#events.length) await once(this.#news, 'event');
      yield {id: `${n + 1}`, ...this.#events[n]};
    }
  }
}

const runs = new Map(); // by path
const fileOf = (path) => join(folder, path.replaceAll('/', '-'));
for (const name of readdirSync(folder)) {
  if (name.startsWith('-runs-')) runs.set(name.replaceAll('-', '/'), new Run(join(folder, name)));
}

createServer(serve).listen(port, '127.0.0.1');

async function serve(request, response) {
  let body = '';
  for await (const part of request.setEncoding('utf8')) body += part;
  const {method, url, headers} = request;
  const last = headers['last-event-id'];
  appendFileSync(join(folder, 'requests'), `${JSON.stringify([method, url, last ?? ''])}\n`);
  if (method === 'POST' && url === '/runs') return void begin(JSON.parse(body), response);
  const run = runs.get(url);
  if (method !== 'GET' || !run) return void response.writeHead(404).end('no such run');
  response.writeHead(200, {'content-type': 'text/event-stream'});
  await send(run.after(Number(last ?? 0)), response);
}

async function begin({question}, response) {
  const path = `/runs/${runs.size + 1}`;
  writeFileSync(fileOf(path), `${JSON.stringify(question)}\n`);
  const run = new Run(fileOf(path));
  runs.set(path, run);
  response.writeHead(201, {
    'content-type': 'text/event-stream',
    ...(WHERE === 'header' && {location: path}),
  });
  const where = formatEvent({event: 'run', data: JSON.stringify({url: path})});
  if (WHERE === 'event') response.write(where);
  await send(run.after(0), response);
}

async function send(events, response) {
  response.write('retry: 50\n\n');
  for await (const event of events) {
    const text = formatEvent(event);
    if (CRASH_AT === event.id) die();
    const isHalf = CRASH_AT === `${event.id}+`;
    const part = isHalf ? text.slice(0, text.length / 2) : text;
    await new Promise((resolve) => response.write(part, resolve)); // it is on its way then
    if (isHalf) die();
  }
  response.end();
}
