import {asyncConnect, EventParser, type SSEEvent} from 'ssekit';
import {EventSource} from 'ssekit/min';
import {formatEvent} from 'ssekit/sse.ts';
import {EventSource as WebEventSource} from 'ssekit/web-event-source';

const events: SSEEvent[] = new EventParser().feed(formatEvent({data: 'one'}));
const datas: string[] = [...events, ...new EventSource('data: two\n\n')].map(({data}) => data);
const source: WebEventSource = new WebEventSource('http://localhost/', {headers: {a: 'b'}});
source.onmessage = ({lastEventId}) => void datas.push(lastEventId);
if (datas.join() !== 'one,two' || asyncConnect('http://localhost/').lastEventId) throw datas;
