// Proxies: each framework passes on a stream that it follows, from the place that its caller asks
// for, and lets go of it when its caller leaves. Each is {start(url), stop()}.

import {once} from 'node:events';
import {serve} from '@hono/node-server';
import {H3, createEventStream, serve as serveH3} from 'h3';
import {Hono} from 'hono';
import {streamSSE} from 'hono/streaming';
import {asyncConnect} from 'ssekit';

/** Follows on behalf of a caller that has the events up to an id. */
const follow = (url, lastEventId, signal) =>
  asyncConnect(url, {lastEventId: lastEventId ?? '', signal, reconnect: false});

export async function hono(upstream) {
  const app = new Hono();
  app.get('/events', (context) =>
    streamSSE(context, async (stream) => {
      const events = follow(upstream, context.req.header('last-event-id'));
      stream.onAbort(() => events.close());
      for await (const {id, event, data} of events) await stream.writeSSE({id, event, data});
    }),
  );
  const server = serve({fetch: app.fetch, port: 0, hostname: '127.0.0.1'});
  await once(server, 'listening');
  return started(server);
}

export async function h3(upstream) {
  const app = new H3();
  app.get('/events', (event) => {
    const stream = createEventStream(event);
    const events = follow(upstream, event.req.headers.get('last-event-id'));
    stream.onClosed(() => events.close());
    const pass = async () => {
      for await (const {id, event, data} of events) await stream.push({id, event, data});
      await stream.close();
    };
    void pass().catch(() => stream.close());
    return stream.send();
  });
  const server = serveH3(app, {port: 0, hostname: '127.0.0.1', silent: true});
  await server.ready();
  return started(server.node.server);
}

const started = (server) => ({
  url: `http://127.0.0.1:${server.address().port}/events`,
  stop() {
    server.closeAllConnections();
    server.close();
  },
});
