import {fetchEventSource} from '@microsoft/fetch-event-source';

let isWhole = false;
await fetchEventSource(process.argv[2], {
  method: 'POST',
  headers: {'content-type': 'application/json', authorization: 'Bearer demo'},
  body: JSON.stringify({stream: true}),
  openWhenHidden: true,
  async onopen(response) {
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  },
  onmessage({data}) {
    if (data === '[DONE]') isWhole = true;
    else console.log(JSON.parse(data).text);
  },
  onerror(error) {
    throw error; // else the POST is sent again
  },
});
if (!isWhole) throw new Error('the answer is cut short');
