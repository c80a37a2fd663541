// What someone writes for the browser's EventSource. It compiles where no platform is known.
import {replay} from './sse.js';
import {EventSource} from './web-event-source.js';
import type {EventSourceErrorEvent, EventSourceInit} from './web-event-source.js';

declare const console: {log(text: string): void};

const log = 'event: price\nid: 1\ndata: one\n\ndata: two\n\n';
const options: EventSourceInit = {transport: replay(log), reconnect: false, withCredentials: true};
const source: EventSource = new EventSource('http://localhost/', options);
const seen: string[] = [];
source.onopen = ({type}) => void seen.push(type);
source.addEventListener('price', ({data, lastEventId, origin}) => {
  seen.push(`${lastEventId} ${data} ${origin}`);
});
source.onmessage = function ({data}) {
  seen.push(`${this.readyState} ${data}`);
};
source.onerror = (event: EventSourceErrorEvent) => {
  const isClosed: boolean = source.readyState === EventSource.CLOSED;
  console.log([...seen, event.error ?? 'no error', isClosed].join());
};
