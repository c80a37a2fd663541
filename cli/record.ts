// ssekit record URL FILE: writes a stream as it comes, with its times.

import {mustBeURL, REQUEST_OPTIONS, requestFrom} from './arguments.ts';
import type {Command} from './arguments.ts';
import {followStream} from './follow.ts';

export const record: Command = {
  usage: 'ssekit record URL FILE',
  options: REQUEST_OPTIONS,
  takes: [2, 2],
  run: (values, [url = '', file]) =>
    followStream({
      url: mustBeURL(url),
      options: requestFrom(values),
      recordFile: file,
      showsStats: values.stats,
    }),
};
