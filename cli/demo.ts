// ssekit demo: a day on which a server keeps its history and its promises, but not its connections.

import {parentPort, Worker} from 'node:worker_threads';
import {asyncConnect, connect, formatEvent} from '../sse.ts';
import type {Retry, SSEEvent} from '../sse.ts';
import type {Command} from './arguments.ts';
import type {Block} from './blocks.ts';
import {retryLine} from './follow.ts';
import {Output} from './output.ts';
import {listening, serverOf} from './server.ts';
import type {Fault} from './server.ts';
import {Failure, inOneLine} from './text.ts';

const ORDERS = [
  ['order', 'nine coffees, one tea'],
  ['paid', '€ 31.50'],
  ['order', 'a birthday cake 🎂'],
  ['note', 'no nuts, please\ncandles: 7'],
  ['paid', '€ 24.00'],
  ['ready', 'nine coffees, one tea'],
  ['order', 'soup of the day'],
  ['paid', '€ 6.20'],
  ['ready', 'soup of the day'],
  ['ready', 'a birthday cake 🎂'],
  ['order', 'the usual'],
  ['closed', 'see you tomorrow'],
].map(([event, data], at) => ({id: `${at + 1}`, event, data}));

/** Fate of the first, second, … connection; later ones are served in full. */
const BAD_DAY: readonly Fault[] = [
  {kind: 'cut', after: 4},
  {kind: 'status', status: 503, retryAfter: 1},
  {kind: 'reset', after: 3},
  {kind: 'end', after: 2}, // a clean end, although there is more: proxies do that
];

/** In a thread of its own: the blocking loop stops the main one. Posts the server's URL. */
export async function serveBadDay(): Promise<void> {
  const blocks = ORDERS.map(
    (order, at): Block => ({
      bytes: Buffer.from(formatEvent({...order, ...(!at && {retry: 300})})),
      gap: 60,
      id: order.id,
      isEvent: true,
    }),
  );
  const server = serverOf({
    blocks,
    speed: 1,
    loops: false,
    faultOf: (connection) => BAD_DAY[connection],
    isPublic: false,
    log: () => {},
  });
  parentPort?.postMessage(await listening(server, 0));
}

async function run(): Promise<void> {
  const output = new Output();
  const print = (text: string) => {
    output.addLine(text);
    output.flush();
  };
  const thread = new Worker(new URL(import.meta.url));
  try {
    const url = await new Promise<string>((resolve, reject) => {
      thread.once('message', resolve).once('error', reject);
    });
    // Short limits: if the server is gone for good, this is to fail within seconds.
    const options = {
      onRetry: (retry: Retry) => print(`        ~  ${inOneLine(retryLine(retry))}`),
      maxRetries: 5,
      maxRetryInterval: 2000,
      timeout: 5000,
      idleTimeout: 5000,
    };
    const received: SSEEvent[] = [];
    const take = (event: SSEEvent) => {
      const {id, event: type, data} = event;
      print(`  ${id.padStart(7)}  ${type.padEnd(8)}  ${inOneLine(data.replaceAll('\n', ' ⏎ '))}`);
      // a client that gets everything twice, for ever, ends too
      return received.push(event) < 2 * ORDERS.length;
    };

    print(`The async loop:     for await (const event of asyncConnect('${url}async'))`);
    for await (const event of asyncConnect(`${url}async`, options)) if (!take(event)) break;
    print(verdictOn(received.splice(0)));

    print(`The blocking loop:  for (const event of connect('${url}blocking'))`);
    for (const event of connect(`${url}blocking`, options)) if (!take(event)) break;
    print(verdictOn(received.splice(0)));
  } finally {
    await thread.terminate();
  }
}

/** Compares what came with what was sent; an event that came damaged is lost. */
function verdictOn(received: readonly SSEEvent[]): string {
  const text = ({id, event, data}: Pick<SSEEvent, 'id' | 'event' | 'data'>) =>
    JSON.stringify([id, event, data]);
  const came = received.map(text);
  const sent = ORDERS.map(({id, event = '', data = ''}) => text({id, event, data}));
  const lost = sent.filter((each) => !came.includes(each)).length;
  const twice = came.filter((each, at) => came.indexOf(each) < at).length;
  const verdict = `${received.length} events, ${lost} lost, ${twice} twice\n`;
  if (came.join() === sent.join()) return verdict; // order, and none that never was
  throw new Failure(
    `${verdict.trim()}: these are not the events that the server sent, in that order`,
  );
}

export const demo: Command = {usage: 'ssekit demo', options: [], takes: [0, 0], run};
