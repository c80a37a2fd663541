// A fetch for SDKs that take one: event streams that break are gone on with, by GET and
// Last-Event-ID, as if they had not; all other answers are passed through.
//   new StreamableHTTPClientTransport(url, {fetch: resumingFetch})
import {asyncConnect, formatEvent} from 'ssekit';

export async function resumingFetch(url, init = {}) {
  const {method, headers, body, signal} = init;
  const first = await fetch(url, init);
  const isStream = /^text\/event-stream\s*(;|$)/i.test(first.headers.get('content-type') ?? '');
  if (first.status !== 200 || !isStream) return first;

  const answers = [first];
  const client = asyncConnect(`${url}`, {
    method,
    headers: Object.fromEntries(new Headers(headers)),
    body,
    signal,
    transport: (url, request) => answers.shift() ?? fetch(url, request),
    // What has no ids is over where it breaks: to begin again might do again what was done.
    resume: ({lastEventId}) => (lastEventId ? {} : undefined),
    idleTimeout: Infinity, // the SDK has its own
  });
  const lines = ReadableStream.from(wire(client)).pipeThrough(new TextEncoderStream());
  return new Response(lines, {status: 200, headers: first.headers});
}

async function* wire(client) {
  for await (const event of client) yield formatEvent(event);
}
