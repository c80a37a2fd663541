import {createParser} from 'eventsource-parser';

const {body} = await fetch(process.argv[2]);
let lastId = '';
const parser = createParser({
  onId: (id) => (lastId = id),
  onEvent: ({event = 'message', data}) => console.log(event, lastId, data),
});
const decoder = new TextDecoder();
for await (const chunk of body) parser.feed(decoder.decode(chunk, {stream: true}));
