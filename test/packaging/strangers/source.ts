import {SSEHTTPError} from './sse';
import {EventSource} from './web-event-source';

declare const process: {readonly argv: readonly string[]};

const url = process.argv[2] ?? '';
const seen: string[] = [];
const source = new EventSource(`${url}moved`, {headers: {'x-a': 'b'}});
source.onmessage = ({data, lastEventId}) => seen.push(`${lastEventId}:${data}`);
source.onerror = () => {
  if (source.readyState !== source.CLOSED) return;
  // One copy of the first file: its errors are its own.
  const refused = new EventSource(`${url}refused`);
  refused.onerror = ({error}) => console.log(...seen, Object(error).constructor === SSEHTTPError);
};
