import {EventSource} from 'eventsource'; // or the browser's own

const source = new EventSource(process.argv[2]);
source.onopen = () => console.error('open');
for (const type of ['message', 'price']) {
  source.addEventListener(type, (event) => {
    console.log(event.type, event.lastEventId, event.data);
  });
}
source.addEventListener('bye', () => source.close());
