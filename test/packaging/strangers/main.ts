// Parses, and follows URL in both loops, and by events: main.ts URL
import {asyncConnect, connect, EventSource, httpTransport} from './sse.ts';
import {EventSource as WebEventSource} from './web-event-source.ts';

declare const process: {readonly argv: readonly string[]};

const url = process.argv[2] ?? '';
console.log('parsed', [...new EventSource('data: a\n\ndata: b\n\n')].length);
for (const [name, transport] of [
  ['async', undefined],
  ['http', httpTransport()],
] as const) {
  const seen = [];
  for await (const {id, data} of asyncConnect(url, {transport})) seen.push(`${id}:${data}`);
  console.log(name, ...seen);
}
const seen = [];
for (const {id, data} of connect(url)) seen.push(`${id}:${data}`);
console.log('blocking', ...seen);
const source = new WebEventSource(url);
const events: string[] = [];
source.onmessage = ({data, lastEventId}) => void events.push(`${lastEventId}:${data}`);
source.onerror = () => source.readyState === source.CLOSED && console.log('web', ...events);
