// An agent's run: node agent-run.mjs URL "question". A POST starts it, once, and the answer streams
// what it says; its Location is where the run is found again. However often connection or server
// are lost, a GET there goes on after the last event: nothing is started, or printed, twice.
import {asyncConnect} from 'ssekit';

const [url, question] = process.argv.slice(2);
let run; // its URL

const events = asyncConnect(url, {
  json: {question},
  onOpen({headers}) {
    run ??= headers.get('location'); // of the first answer; those that go on may have none
  },
  resume: () => (run ? {url: run} : undefined), // a GET with Last-Event-ID; undefined: give up
  onRetry: ({reason, delay}) => console.error(`\n${reason}; again in ${Math.round(delay)} ms`),
  until: ({event}) => event === 'done' || event === 'failed', // no end of a connection is the run's
});

for await (const event of events) {
  switch (event.event) {
    case 'run': // for servers without Location, the first event may say it
      run ??= event.json().url;
      break;
    case 'text':
      process.stdout.write(event.json());
      break;
    case 'tool':
      console.error(`\ncalls ${event.json().name}`);
      break;
    case 'failed':
      throw new Error(event.json().message);
  }
}
console.log();
