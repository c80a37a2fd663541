// tRPC's httpSubscription: two blank lines between events, the id after the data, `event: ping` and
// `return` with empty data. It takes Last-Event-ID as the input's lastEventId. A value without an
// id clears the id, and `event: restore-id` then sets it again.

import {once} from 'node:events';
import {initTRPC, tracked} from '@trpc/server';
import {createHTTPServer} from '@trpc/server/adapters/standalone';
import {burst, FEW, port, report} from './history.mjs';

const t = initTRPC.create({sse: {ping: {enabled: true, intervalMs: 10}}});
const input = t.procedure.input((value) => value ?? {});

const router = t.router({
  events: input.subscription(async function* ({input: {lastEventId}, signal}) {
    report('open', lastEventId);
    try {
      for await (const {id, data} of burst(lastEventId)) yield tracked(id, data);
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      report('close');
    }
  }),
  few: t.procedure.subscription(async function* () {
    for (const {id, data} of FEW) yield tracked(id, data);
    yield 'no id';
  }),
  answer: input.subscription(async function* ({input: {words}}) {
    report('post');
    yield* words;
  }),
});

createHTTPServer({router, allowMethodOverride: true}).listen(port, '127.0.0.1');
