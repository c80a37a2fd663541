// graphql-sse, each operation on a connection of its own: `content-encoding: none`, a first block
// `:`, `event: complete` with empty data at the end. It knows no ids, and cannot resume.

import {createServer} from 'node:http';
import {buildSchema} from 'graphql';
import {createHandler} from 'graphql-sse/lib/use/http';
import {burst, FEW, port, report} from './history.mjs';

const schema = buildSchema(`
  type Event { id: String, event: String, data: String }
  type Query { few: [Event] }
  type Subscription { few: Event, events(after: String): Event, answer(words: [String]): String }
`);

Object.assign(schema.getSubscriptionType().getFields().few, {
  async *subscribe() {
    for (const few of FEW) yield {few};
  },
});
Object.assign(schema.getSubscriptionType().getFields().events, {
  async *subscribe(_root, {after}) {
    for await (const events of burst(after)) yield {events};
    await new Promise(() => {});
  },
});
Object.assign(schema.getSubscriptionType().getFields().answer, {
  async *subscribe(_root, {words}) {
    report('post');
    for (const answer of words) yield {answer};
  },
});

const handler = createHandler({schema});
createServer((request, response) => {
  if (request.url.includes('events')) {
    report('open', request.headers['last-event-id']);
    response.on('close', () => report('close'));
  }
  handler(request, response).catch((error) => response.destroy(error));
}).listen(port, '127.0.0.1');
