import {EventParser} from './sse';

for (const {data} of new EventParser().feed('data: one\n\ndata: two\n\n')) console.log(data);
