import {asyncConnect} from 'ssekit';

const answer = asyncConnect(process.argv[2], {
  headers: {authorization: 'Bearer demo'},
  json: {stream: true}, // a POST: sent once
  until: (event) => event.data === '[DONE]',
});
for await (const {text} of answer.json()) console.log(text);
