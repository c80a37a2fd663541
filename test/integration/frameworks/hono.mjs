// hono: the id after the data, `retry:` in every event.

import {serve} from '@hono/node-server';
import {Hono} from 'hono';
import {streamSSE} from 'hono/streaming';
import {burst, FEW, port, report} from './history.mjs';

const app = new Hono();

app.get('/events', (c) =>
  streamSSE(c, async (stream) => {
    const lastEventId = c.req.header('last-event-id');
    const left = new Promise((resolve) => stream.onAbort(resolve));
    report('open', lastEventId);
    stream.onAbort(() => report('close'));
    for await (const event of burst(lastEventId)) {
      if (stream.aborted) return;
      await stream.writeSSE({...event, retry: 20});
    }
    await left;
  }),
);

app.get('/few', (c) =>
  streamSSE(c, async (stream) => {
    for (const event of FEW) await stream.writeSSE({...event, retry: 20});
  }),
);

app.post('/answer', async (c) => {
  report('post');
  const {words} = await c.req.json();
  c.status(201);
  return streamSSE(c, async (stream) => {
    for (const data of words) await stream.writeSSE({data});
  });
});

serve({fetch: app.fetch, port, hostname: '127.0.0.1'});
