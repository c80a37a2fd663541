// What someone writes beside the file they copied. It compiles where no platform is known.
import {
  asyncConnect,
  connect,
  EventParser,
  EventSource,
  formatEvent,
  record,
  replay,
  SSEError,
  SSEHTTPError,
} from './sse.js';
import type {
  BlockingTransport,
  Chunk,
  SSEClientOptions,
  SSEEvent,
  Transport,
  TransportResponse,
} from './sse.js';

/** Compiles only if both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

interface Delta {
  readonly text: string;
}

const log = formatEvent({id: '1', data: '{"text":"one"}'}) + formatEvent({data: '[DONE]'});
const own: Transport = (url, request): TransportResponse => {
  same<typeof url, string>(true);
  same<typeof request.method, string>(true);
  return {status: 200, headers: {'content-type': 'text/event-stream'}, body: log};
};

export async function follow(transport: Transport): Promise<string> {
  const options: SSEClientOptions = {
    transport,
    reconnect: false,
    headers: async ({attempt}) => ({'x-attempt': `${attempt}`}),
    onRetry: ({delay}) => same<typeof delay, number>(true),
  };
  let seen = '';
  for await (const event of asyncConnect('http://localhost/', options)) {
    same<typeof event, SSEEvent>(true);
    seen += event.data;
  }
  for await (const delta of asyncConnect('http://localhost/', options).json<Delta>()) {
    same<typeof delta, Delta>(true);
    seen += delta.text;
  }
  return seen;
}

export function block(transport: BlockingTransport): string {
  let seen = '';
  try {
    for (const event of connect('http://localhost/', {transport, reconnect: false})) {
      same<typeof event, SSEEvent>(true);
      seen += event.data;
    }
    const client = connect('http://localhost/', {transport, reconnect: false});
    for (const delta of client.json<Delta>()) {
      same<typeof delta, Delta>(true);
      seen += delta.text;
    }
  } catch (error) {
    if (error instanceof SSEHTTPError) return `${error.status} ${error.headers.get('server')}`;
    if (error instanceof SSEError) return error.code;
    throw error;
  }
  return seen;
}

export function parse(chunks: Iterable<Chunk>): SSEEvent[] {
  const parser = new EventParser({maxEventSize: 1000, onComment: (text) => void text.length});
  const events: SSEEvent[] = [];
  for (const chunk of chunks) events.push(...parser.feed(chunk));
  return events;
}

const parts: Chunk[] = [];
const transport = record(replay(log), (chunk) => parts.push(chunk));
same<typeof transport, BlockingTransport>(true);
const whole = '{"text":"one"}[DONE]';
const blocked = block(transport);
const parsed = [parse([log]), [...new EventSource(log)]];
for (const events of parsed) {
  if (events.map(({data}) => data).join('') !== whole) throw new Error('not what was parsed');
}
if (blocked !== whole) throw new Error(`the blocking loop got ${blocked}`);
void follow(own).then((seen) => {
  if (seen !== `${whole}one`) throw new Error(`the async loop got ${seen}`);
});
