// An event as a line of JSON, as its data, or for people.

import {isatty} from 'node:tty';
import type {SSEEvent} from '../sse.ts';
import {STDOUT} from './output.ts';
import {inOneLine, withoutControls} from './text.ts';

/** Less its last LF. */
export type Format = (event: SSEEvent) => string;

/** One JSON object a line; `retry` only if the stream has sent one. */
export const asJSON: Format = jsonFormat();

/** Keeps the parts that are as they were in the event before, instead of making them again. */
function jsonFormat(): Format {
  let type: string | undefined;
  let start = '';
  let lastEventId: string | undefined;
  let reconnection: number | undefined;
  let end = '';
  return ({event, data, id, retry}) => {
    if (event !== type) {
      type = event;
      start = `{"event":${JSON.stringify(event)},"data":`;
    }
    if (id !== lastEventId || retry !== reconnection) {
      lastEventId = id;
      reconnection = retry;
      end = `,"id":${JSON.stringify(id)}${retry === undefined ? '}' : `,"retry":${retry}}`}`;
    }
    return start + JSON.stringify(data) + end;
  };
}

export const asData: Format = ({data}) => data;

/** For a terminal: time, type and id in a line, below it the data, JSON indented. */
function forPeople(hasColours: boolean, time: () => string): Format {
  const paint = (code: number, text: string) =>
    hasColours && text ? `\x1b[${code}m${text}\x1b[0m` : text;
  return ({event, data, id}) => {
    const head = [
      paint(2, inOneLine(time())),
      paint(1, inOneLine(event)),
      paint(33, inOneLine(id && `#${id}`)),
    ];
    const body = asTree(data, paint) ?? withoutControls(data);
    return `${head.filter(Boolean).join('  ')}\n${body.replace(/^/gm, '  ')}`;
  };
}

/** UTF-16 code units of JSON that are indented: more is read by no one. */
const MOST_INDENTED = 1_000_000;

/** Levels that are indented: the text grows with their square. */
const MOST_DEEP = 100;

const JSON_TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;

/** An object or array of JSON, indented. By its tokens: numbers stay as they were written. */
function asTree(json: string, paint: (code: number, text: string) => string): string | undefined {
  if (!/^\s*[[{]/.test(json) || json.length > MOST_INDENTED) return undefined;
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  const tokens = json.match(JSON_TOKENS) ?? [];
  let text = '';
  let depth = 0;
  const line = () => `\n${'  '.repeat(Math.min(depth, MOST_DEEP))}`;
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1] ?? '';
    if (/^[[{]$/.test(token)) {
      depth++;
      text += token + (/^[\]}]$/.test(next) ? '' : line());
    } else if (/^[\]}]$/.test(token)) {
      depth--;
      text += (/^[[{]$/.test(tokens[at - 1] ?? '') ? '' : line()) + token;
    } else if (token === ',') text += token + line();
    else if (token === ':') text += ': ';
    else text += paint(next === ':' ? 36 : token.startsWith('"') ? 32 : 35, withoutControls(token));
  }
  return text;
}

/** Picks the format that the options and the terminal ask for. */
export function formatOf(
  options: {data?: boolean; pretty?: boolean; 'no-pretty'?: boolean},
  time: () => string,
): Format {
  const isTerminal = isatty(STDOUT);
  const {NO_COLOR, TERM} = process.env;
  if (!options.data && (options.pretty ?? (isTerminal && !options['no-pretty']))) {
    return forPeople(isTerminal && !NO_COLOR && TERM !== 'dumb', time);
  }
  const format = options.data ? asData : asJSON;
  return isTerminal ? (event) => withoutControls(format(event)) : format;
}

/** Tells of an event whether it is asked for. */
export function filterOf(types: readonly string[] = []): (event: SSEEvent) => boolean {
  return types.length ? ({event}) => types.includes(event) : () => true;
}
