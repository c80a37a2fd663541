// A subscription for weeks: node subscription.mjs URL [FILE]
// FILE remembers the last event handled, so that a restart goes on where this one stopped.
import {existsSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {asyncConnect} from 'ssekit';

const [url, file = 'last-event-id.txt'] = process.argv.slice(2);

const events = asyncConnect(url, {
  lastEventId: existsSync(file) ? readFileSync(file, 'utf8') : '',
  headers: async () => ({authorization: `Bearer ${await freshToken()}`}), // before each attempt
  onRetry: ({error, delay}) => console.warn(`${error.message}; again in ${Math.round(delay)} ms`),
});

// Ends when the server says 204: nothing more will come. It survives everything else.
for await (const event of events) {
  console.log(event.id, event.event, event.json()); // handle first,
  // then remember: a crash in between repeats one event, it never loses one or leaves half an id
  writeFileSync(`${file}.new`, event.id, {flush: true}); // on the disk before it has its name
  renameSync(`${file}.new`, file);
}

async function freshToken() {
  return process.env.TOKEN ?? 'demo-token'; // ask your identity provider here
}
