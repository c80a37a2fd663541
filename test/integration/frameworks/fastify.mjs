// fastify with @fastify/sse: its own replay, heartbeats with text, data as JSON, POST by `manual`.

import sse from '@fastify/sse';
import fastify from 'fastify';
import {burst, FEW, port, report} from './history.mjs';

const app = fastify();
await app.register(sse, {heartbeatInterval: 10});

app.get('/events', {sse: 'only'}, async (_, {sse}) => {
  sse.keepAlive();
  report('open', sse.lastEventId);
  sse.onClose(() => report('close'));
  let after = '';
  await sse.replay((lastEventId) => (after = lastEventId));
  for await (const event of burst(after)) {
    if (!sse.isConnected) return;
    await sse.send({...event, retry: 20});
  }
});

app.get('/few', {sse: 'only'}, (_, reply) =>
  reply.sse.send(
    (async function* () {
      yield* FEW;
    })(),
  ),
);

app.post('/answer', {sse: 'manual'}, async (request, reply) => {
  report('post');
  reply.code(201);
  for (const data of request.body.words) await reply.sse.send(data);
});

await app.listen({port, host: '127.0.0.1'});
