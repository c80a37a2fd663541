// Every event into a Redis stream, a batch at a time: node redis-sink.mjs URL [STREAM]. It may be
// killed at any time: started again, it goes on where it was, and nothing is lost.
import {createClient} from 'redis';
import {asyncConnect} from 'ssekit';

const [url, stream = 'events'] = process.argv.slice(2);
const checkpoint = `${stream}:last-event-id`;

const redis = createClient({url: process.env.REDIS_URL});
redis.on('error', (error) => console.error(`Redis: ${error.message}`));
await redis.connect();

const events = asyncConnect(url, {lastEventId: (await redis.get(checkpoint)) ?? ''});
for await (const batch of events.batches()) {
  // One transaction: what has come and the place to go on from are both stored, or neither is. More
  // is read once that is done. Sinks without transactions (Kafka, NATS, HTTP): wait for the
  // acknowledgement, then keep the id as subscription.mjs does. A crash in between repeats a batch,
  // with the same ids, by which the reader can tell.
  const transaction = redis.multi();
  for (const {id, event, data} of batch) transaction.xAdd(stream, '*', {id, event, data});
  await transaction.set(checkpoint, batch.at(-1).id).exec();
}
await redis.close();
