// What every server of this folder sends, each in its framework's own way: 60 numbered events. A
// connection gets at most 20 of them after its Last-Event-ID, and then nothing more: it stays open,
// in silence or with pings. So a client that does not connect again where it left off gets stuck.
// history.py is the same for Python.

import {setTimeout as sleep} from 'node:timers/promises';

export const TOTAL = 60;
export const BURST = 20;
const PACE = 2; // ms between events: so that a reset meets some on their way

const TEXTS = [
  'plain',
  'line\nline',
  ' two  spaces ',
  'é€😀',
  '{"json":true}',
  'data: no field',
  ': no comment',
  '\u2028\u0085no end of line',
  'id: 0',
  '"',
];

/** Event number k: {id, event, data}. */
export function numbered(k) {
  const long = k % 20 === 7 ? 'é'.repeat(40_000) : ''; // more than a chunk
  return {
    id: `${k}`,
    event: k % 3 ? 'message' : 'tick',
    data: `${k} ${TEXTS[k % TEXTS.length]}${long}`,
  };
}

/** What one connection gets. */
export async function* burst(lastEventId) {
  const first = Number(lastEventId || 0) + 1;
  for (let k = first; k <= TOTAL && k < first + BURST; k++) {
    yield numbered(k);
    await sleep(PACE);
  }
}

/** The first events, for streams that end by themselves. */
export const FEW = [1, 2, 3, 4, 5, 6, 7].map(numbered);

/** Tell the test: ['open', lastEventId], ['close'], … */
export function report(what, lastEventId) {
  console.log(JSON.stringify(what === 'close' ? [what] : [what, lastEventId || '']));
}

export const port = Number(process.argv[2]);
