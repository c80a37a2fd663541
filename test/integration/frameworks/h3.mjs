// h3: `retry:` before the data, comments as pings.

import {createEventStream, H3, readBody, serve} from 'h3';
import {burst, FEW, port, report} from './history.mjs';

const app = new H3();

app.get('/events', (event) => {
  const stream = createEventStream(event);
  const lastEventId = event.req.headers.get('last-event-id');
  report('open', lastEventId);
  const ping = setInterval(() => stream.pushComment('ping'), 10);
  let isClosed = false;
  stream.onClosed(() => {
    isClosed = true;
    clearInterval(ping);
    report('close');
  });
  void (async () => {
    for await (const each of burst(lastEventId)) {
      if (isClosed) return;
      await stream.push({...each, retry: 20});
    }
  })();
  return stream.send();
});

app.get('/few', (event) => {
  const stream = createEventStream(event);
  void stream.push(FEW).then(() => stream.close());
  return stream.send();
});

app.post('/answer', async (event) => {
  report('post');
  const {words} = await readBody(event);
  const stream = createEventStream(event);
  void stream.push(words).then(() => stream.close());
  return stream.send();
});

serve(app, {port, hostname: '127.0.0.1', silent: true});
