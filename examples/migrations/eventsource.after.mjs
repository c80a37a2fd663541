import {asyncConnect} from 'ssekit';

const events = asyncConnect(process.argv[2], {onOpen: () => console.error('open')});
for await (const event of events) {
  if (event.event === 'bye') break; // closes the connection
  console.log(event.event, event.id, event.data);
}
