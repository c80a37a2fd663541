import {asyncConnect, EventParser, type SSEEvent} from 'ssekit';
import {EventSource} from 'ssekit/min';
import {formatEvent} from 'ssekit/sse.ts';

const events: SSEEvent[] = new EventParser().feed(formatEvent({data: 'one'}));
const datas: string[] = [...events, ...new EventSource('data: two\n\n')].map(({data}) => data);
if (datas.join() !== 'one,two' || asyncConnect('http://localhost/').lastEventId) throw datas;
