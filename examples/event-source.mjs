// The browser's EventSource, with what that cannot do: node event-source.mjs URL
import {EventSource} from 'ssekit/web-event-source';

const source = new EventSource(process.argv[2], {
  headers: async () => ({authorization: `Bearer ${await freshToken()}`}), // before each attempt
  retryStatus: [429, 502, 503, 504], // a deploy ends the browser's own
});

source.onopen = () => console.error('open');
source.onmessage = ({lastEventId, data}) => console.log(lastEventId, data);
source.onerror = ({message}) => {
  const isOver = source.readyState === EventSource.CLOSED;
  console.error(isOver ? `closed: ${message || 'nothing more will come'}` : `again: ${message}`);
};

async function freshToken() {
  return process.env.TOKEN ?? 'demo-token'; // ask your identity provider here
}
