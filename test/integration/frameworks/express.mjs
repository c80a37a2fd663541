// express, and an event stream written by hand: CR alone as the end of line, which few do but all
// may, comments with text, fields that nobody knows.

import express from 'express';
import {burst, FEW, port, report} from './history.mjs';

const app = express();
const write = ({id, event, data}) =>
  `id:${id}\revent: ${event}\rfoo: bar\r`
  + data
    .split('\n')
    .map((line) => `data: ${line}\r`)
    .join('')
  + '\r';

app.get('/events', async (request, response) => {
  const lastEventId = request.get('last-event-id');
  report('open', lastEventId);
  response.on('close', () => report('close'));
  response.type('text/event-stream').write('retry: 20\r: hello\r\r');
  for await (const event of burst(lastEventId)) {
    if (response.destroyed) return;
    response.write(write(event));
  }
});

app.get('/few', (_, response) => {
  response.type('text/event-stream').send(FEW.map(write).join(''));
});

app.post('/answer', express.json(), (request, response) => {
  report('post');
  response.status(201).type('text/event-stream');
  for (const data of request.body.words) response.write(`data: ${data}\r\r`);
  response.end();
});

app.listen(port, '127.0.0.1');
