// ssekit URL: follows a stream, and what ssekit record has of it.

import {asyncConnect, httpTransport, record} from '../sse.ts';
import type {Retry, SSEClientOptions, SSEEvent} from '../sse.ts';
import {EVENT_OPTIONS, mustBeURL, REQUEST_OPTIONS, requestFrom} from './arguments.ts';
import type {Command} from './arguments.ts';
import {areSame, placeOf} from './files.ts';
import {filterOf, formatOf} from './formats.ts';
import type {Format} from './formats.ts';
import {Output, say} from './output.ts';
import {Recording} from './recording.ts';
import {ResumePoint} from './resume-point.ts';
import {Stats} from './stats.ts';
import {Failure, inSeconds, reasonOf, WRONG_USAGE, wrongUsage} from './text.ts';

interface Following {
  readonly url: string;
  readonly options: SSEClientOptions;
  /** Undefined: nothing goes to standard output. */
  readonly format?: Format;
  readonly isWanted?: (event: SSEEvent) => boolean;
  readonly resumeFile?: string | undefined;
  readonly recordFile?: string | undefined;
  readonly showsStats: boolean | undefined;
}

/** Follows until the stream's end, or that of the first of its files. */
export async function followStream(following: Following): Promise<void> {
  const {url, options, format, isWanted, resumeFile, recordFile} = following;
  mustBeRequest(url, options); // before a file is touched
  mustBeApart(resumeFile, recordFile);
  const recording = recordFile === undefined ? undefined : await Recording.open(recordFile);
  mustBeApart(resumeFile, recordFile); // in a folder that takes capitals for small letters
  const point = resumeFile === undefined ? undefined : await ResumePoint.open(resumeFile);
  const stats = new Stats();
  const client = asyncConnect(url, {
    ...options,
    lastEventId: point?.id || recording?.lastEventId || options.lastEventId,
    transport: record(httpTransport(), (chunk) => {
      if (client.state !== 'open') return; // the body of a refusal
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      stats.received(bytes.length);
      recording?.write(bytes);
    }),
    onOpen() {
      say(`connected to ${url}`);
      recording?.begin();
    },
    onRetry(retry) {
      stats.reconnections++;
      say(retryLine(retry));
    },
  });
  const output = new Output();
  const end = following.showsStats ? stats.begin() : () => {};
  try {
    for await (const event of client) {
      stats.events++;
      if (format && isWanted?.(event)) output.addLine(format(event));
      output.flush(); // at once, and before more is asked for: no timeout runs while this waits
      point?.set(event.id);
    }
  } finally {
    end();
  }
}

/** With the default transport: that knows what a URL is. */
function mustBeRequest(url: string, options: SSEClientOptions): void {
  try {
    asyncConnect(url, options);
  } catch (error) {
    throw new Failure(reasonOf(error), WRONG_USAGE);
  }
}

/** The ID would replace the recording. */
function mustBeApart(resumeFile: string | undefined, recordFile: string | undefined): void {
  if (resumeFile === undefined || recordFile === undefined || recordFile === '-') return;
  if (!areSame(placeOf(resumeFile), placeOf(recordFile))) return;
  throw wrongUsage('--resume and --record name the same file; give each its own');
}

/** "connection lost: …; retrying in 1.2 s, resuming after event 4" */
export function retryLine({reason, attempt, delay, lastEventId}: Retry): string {
  const loss = reason.replace(/^(?:terminated|aborted)(?=$|:)/, 'connection lost'); // fetch's words
  const when = delay ? `in ${inSeconds(delay)}` : 'at once';
  const again = attempt > 1 ? ` (attempt ${attempt})` : '';
  const where = lastEventId ? `resuming after event ${lastEventId}` : 'from the start';
  return `${loss}; retrying ${when}${again}, ${where}`;
}

/** ISO 8601 to the millisecond, in local time, less the date. */
function clock(): string {
  const now = new Date();
  const part = (value: number, digits = 2) => `${value}`.padStart(digits, '0');
  return (
    `${part(now.getHours())}:${part(now.getMinutes())}:${part(now.getSeconds())}`
    + `.${part(now.getMilliseconds(), 3)}`
  );
}

export const follow: Command = {
  usage: 'ssekit URL',
  options: [...EVENT_OPTIONS, ...REQUEST_OPTIONS, 'resume', 'record'],
  takes: [1, 1],
  run: async (values, [url = '']) => {
    if (values.record === '-') {
      throw wrongUsage('--record - would mix the recording with the events; use ssekit record');
    }
    await followStream({
      url: mustBeURL(url),
      options: requestFrom(values),
      format: formatOf(values, clock),
      isWanted: filterOf(values.event),
      resumeFile: values.resume,
      recordFile: values.record,
      showsStats: values.stats,
    });
  },
};
