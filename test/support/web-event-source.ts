// What the tests of web-event-source.ts share.

import {EventSource} from '../../web-event-source.ts';

export type Source = InstanceType<typeof EventSource>;

export const {CONNECTING, OPEN, CLOSED} = EventSource;
export const TYPES = ['open', 'message', 'error'];
export const END = [`error ${CONNECTING}`, `error ${CLOSED}`]; // the stream's end, then 204

/** What a source fires, as `type readyState data`; `then` is called with each line and event. */
export function listen(
  source: Source,
  types = TYPES,
  then: (line: string, event: any) => void = () => {},
): string[] {
  const log: string[] = [];
  for (const type of types) {
    source.addEventListener(type, (event: any) => {
      const line = [type, source.readyState, ...('data' in event ? [event.data] : [])].join(' ');
      log.push(line);
      then(line, event);
    });
  }
  return log;
}
