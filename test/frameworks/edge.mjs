// A route at the edge: follows a stream for its caller, and passes on what it makes of each event.
// Comments, too: workerd tells of a caller that has left when something is written, not before.

import {asyncConnect, formatEvent} from 'ssekit';

export default {
  fetch(request, _env, context) {
    const {readable, writable} = new TransformStream();
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    const write = (fields) => writer.write(encoder.encode(formatEvent(fields)));

    async function pass() {
      const events = asyncConnect(new URL(request.url).searchParams.get('of'), {
        lastEventId: request.headers.get('last-event-id') ?? '',
        reconnect: false, // that is the caller's business
        onComment: (comment) => write({comment}),
      });
      for await (const {id, event, data} of events) await write({id, event, data});
      await writer.close();
    }

    context.waitUntil(pass().catch((error) => writer.abort(error)));
    return new Response(readable, {headers: {'content-type': 'text/event-stream'}});
  },
};
