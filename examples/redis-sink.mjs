// Every event into a Redis stream: node redis-sink.mjs URL [STREAM]. It may be killed at any time:
// started again, it goes on where it was, and nothing is lost.
import {createClient} from 'redis';
import {asyncConnect} from 'ssekit';

const [url, stream = 'events'] = process.argv.slice(2);
const checkpoint = `${stream}:last-event-id`;

const redis = createClient({url: process.env.REDIS_URL});
redis.on('error', (error) => console.error(`Redis: ${error.message}`));
await redis.connect();

const events = asyncConnect(url, {lastEventId: (await redis.get(checkpoint)) ?? ''});
for await (const {id, event, data} of events) {
  // One transaction: the event and the place to go on from are both stored, or neither is. The next
  // event is read after this one is stored. Sinks without transactions (Kafka, NATS, HTTP): wait
  // for the acknowledgement, then keep the id as subscription.mjs does. A crash in between repeats
  // one event, with the same id, by which the reader can tell.
  await redis.multi().xAdd(stream, '*', {id, event, data}).set(checkpoint, id).exec();
}
await redis.close();
