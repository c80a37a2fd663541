// npm start            a server on a bad day, followed without losing an event, in both loops
// npm start -- URL     follows a stream
// npm start -- FILE    prints the events of a recorded log

import {spawn} from 'node:child_process';
import {createReadStream, fstatSync, openSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {asyncConnect, connect, EventSource} from 'ssekit';

const USAGE = `Usage: npm start            a server that drops connections, a client that loses nothing
       npm start -- URL     follow an event stream (http:// or https://) until Ctrl-C
       npm start -- FILE    print the events of a recorded log
       npm start -- --help  this text`;

// ── Printing ────────────────────────────────────────────────────────────────────────────────────

// One line each, no control characters: what a stranger's server sends must not steer a terminal.
const oneLine = (text) =>
  text.replaceAll('\n', ' ⏎ ').replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

function printEvent({id, event, data}) {
  console.log(`  ${oneLine(id).padStart(7)}  ${oneLine(event).padEnd(8)}  ${oneLine(data)}`);
}

function printRetry({attempt, delay, error, lastEventId}) {
  const where = lastEventId ? `after ${lastEventId}` : 'from the start';
  const what = `attempt ${attempt} in ${Math.round(delay)} ms, to go on ${where}`;
  console.log(`        ~  ${oneLine(reason(error))}; ${oneLine(what)}`);
}

/** The message, and the causes that tell more: "terminated (other side closed)". */
function reason(error) {
  const messages = [];
  for (let each = error; each && messages.length < 5; each = each.cause) {
    const message = each.message || each.code || String(each);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
  }
  const [first, ...causes] = messages;
  return causes.length > 0 ? `${first} (${causes.join('; ')})` : first;
}

function fail(status, message) {
  process.exitCode = status;
  console.error(`ssekit: ${oneLine(message)}`);
}

// `| head` has seen enough: no error. The server ends with this process.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// ── A bad day ───────────────────────────────────────────────────────────────────────────────────

async function badDay() {
  // A process of its own: the blocking loop stops this one's event loop, so nothing else runs here.
  const program = fileURLToPath(new URL('bad-day.mjs', import.meta.url));
  const server = spawn(process.execPath, [program], {stdio: ['pipe', 'pipe', 'inherit']});
  try {
    const line = await new Promise((resolve, reject) => {
      createInterface({input: server.stdout}).once('line', resolve);
      server.once('error', reject);
      server.once('exit', () => reject(new Error('the server did not start')));
    });
    const {url} = JSON.parse(line);
    const history = await (await fetch(`${url}/history`)).json();
    const limit = 2 * history.length; // a client that gets everything twice, for ever, ends too
    // Short limits: if the server is gone for good, this is to fail within seconds.
    const options = {
      onRetry: printRetry, maxRetries: 5, maxRetryInterval: 2000, timeout: 5000, idleTimeout: 5000,
    };

    console.log(`The async loop:     for await (const event of asyncConnect('${url}/async'))`);
    const received = [];
    for await (const event of asyncConnect(`${url}/async`, options)) {
      printEvent(event);
      received.push(event);
      if (received.length > limit) break;
    }
    report(history, received);

    console.log(`The blocking loop:  for (const event of connect('${url}/blocking'))`);
    const blocking = [];
    for (const event of connect(`${url}/blocking`, options)) {
      printEvent(event);
      blocking.push(event);
      if (blocking.length > limit) break;
    }
    report(history, blocking);
  } finally {
    server.stdin.end(); // the server ends when its stdin does
  }
}

/** Compares what came with what the server says it sent. An event that came damaged is lost. */
function report(history, received) {
  const text = ({id, event, data}) => JSON.stringify([id, event, data]);
  const came = received.map(text);
  const sent = history.map(text);
  const lost = sent.filter((each) => !came.includes(each)).length;
  const ids = received.map(({id}) => id);
  const twice = ids.filter((id, index) => ids.indexOf(id) < index).length;
  console.log(`${received.length} events, ${lost} lost, ${twice} twice\n`);
  // Also catches what the two numbers do not: a wrong order, or an event that never was.
  if (JSON.stringify(came) !== JSON.stringify(sent)) {
    fail(1, 'this is not what the server sent, in the order it sent it');
  }
}

// ── Any stream, any log ─────────────────────────────────────────────────────────────────────────

async function follow(url) {
  let events;
  try {
    const onOpen = () => console.log(`        ~  connected to ${oneLine(url)}`);
    events = asyncConnect(url, {onOpen, onRetry: printRetry});
  } catch (error) {
    return fail(2, reason(error)); // a URL that parses, and still cannot be asked
  }
  process.once('SIGINT', () => void events.close()); // the loop then ends like any other
  await printAll(events);
}

async function recorded(path) {
  let fd;
  try {
    fd = openSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') return fail(2, error.message);
    return fail(2, `no such file: ${path} (a URL starts with http:// or https://)`);
  }
  if (fstatSync(fd).isDirectory()) return fail(2, `${path} is a directory, not a recorded log`);
  await printAll(EventSource.from(createReadStream(path, {fd})));
}

async function printAll(events) {
  let count = 0;
  try {
    for await (const event of events) {
      printEvent(event);
      count++;
    }
    console.log(count === 1 ? '1 event' : `${count} events`);
  } catch (error) {
    fail(1, reason(error));
  }
}

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────

async function main(args) {
  const [what] = args;
  if (args.length === 0) return badDay();
  if (what === '--help' || what === '-h') return console.log(USAGE);
  if (what.startsWith('-')) return fail(2, `unknown option ${what}; --help lists what there is`);
  if (args.length > 1) return fail(2, `one URL or FILE at a time, not ${args.length}`);
  if (/^https?:/i.test(what)) {
    const valid = /^https?:\/\/[^/]/i.test(what) && URL.canParse(what);
    return valid ? follow(what) : fail(2, `malformed URL ${what}`);
  }
  if (what.includes('://')) return fail(2, `not an http:// or https:// URL: ${what}`);
  return recorded(what);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  fail(1, reason(error));
}
