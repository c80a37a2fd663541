import {Hono} from 'hono';
import {streamSSE} from 'hono/streaming';
import type {Transport} from './sse.ts';

const app = new Hono();
app.get('/moved', (context) => context.redirect('/', 307));
app.get('/', (context) => {
  if (context.req.header('last-event-id') === '2') return context.body(null, 204);
  return streamSSE(context, async (stream) => {
    await stream.writeSSE({id: '1', data: 'one', retry: 1});
    await stream.writeSSE({id: '2', data: 'two'});
  });
});

export const transport: Transport = app.request;
