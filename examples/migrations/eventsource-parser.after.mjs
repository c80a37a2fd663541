import {EventParser} from 'ssekit';

const {body} = await fetch(process.argv[2]);
const parser = new EventParser();
for await (const chunk of body) {
  for (const {event, id, data} of parser.feed(chunk)) console.log(event, id, data);
}
