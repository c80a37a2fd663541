// Arguments: what the options are, and what their values mean. All throw Failure (exit 2).

import {parseArgs} from 'node:util';
import {existsSync} from 'node:fs';
import type {SSEClientOptions, SSEEvent} from '../sse.ts';
import {contentOf} from './files.ts';
import {reasonOf, withoutPassword, wrongUsage} from './text.ts';

// ── Options ─────────────────────────────────────────────────────────────────────────────────────

const FLAG = {type: 'boolean'} as const;
const TEXT = {type: 'string'} as const;
const TEXTS = {type: 'string', multiple: true} as const;

const OPTIONS = {
  help: {...FLAG, short: 'h'},
  version: {...FLAG, short: 'V'},
  data: FLAG,
  pretty: FLAG,
  'no-pretty': FLAG,
  event: TEXTS,
  request: {...TEXT, short: 'X'},
  header: {...TEXTS, short: 'H'},
  body: {...TEXT, short: 'd'},
  json: TEXT,
  insecure: {...FLAG, short: 'k'},
  once: FLAG,
  until: TEXT,
  'last-event-id': TEXT,
  'max-retries': TEXT,
  timeout: TEXT,
  'idle-timeout': TEXT,
  stats: FLAG,
  resume: TEXT,
  record: TEXT,
  strict: FLAG,
  part: TEXT,
  jobs: TEXT,
  retry: TEXT,
  port: TEXT,
  speed: TEXT,
  loop: FLAG,
  cors: FLAG,
  'drop-every': TEXT,
  js: FLAG,
  with: TEXT,
  'import-ext': TEXT,
  check: FLAG,
  diff: FLAG,
  update: FLAG,
  force: FLAG,
} as const;

export type OptionName = keyof typeof OPTIONS;
export type Values = ReturnType<typeof parseArgs<{options: typeof OPTIONS}>>['values'];

/** Options of more than one command. */
export const EVENT_OPTIONS = ['data', 'pretty', 'no-pretty', 'event'] as const;
export const REQUEST_OPTIONS = [
  'request',
  'header',
  'body',
  'json',
  'insecure',
  'once',
  'until',
  'last-event-id',
  'max-retries',
  'timeout',
  'idle-timeout',
  'stats',
] as const;

/** A command, as main.ts runs it. */
export interface Command {
  /** Its arguments as --help has them. */
  readonly usage: string;
  /** Text of --help; undefined: it is in that of the whole command. */
  readonly help?: string;
  readonly options: readonly OptionName[];
  /** Number of arguments. */
  readonly takes: readonly [least: number, most: number];
  readonly run: (values: Values, operands: readonly string[]) => Promise<void>;
}

/** The options, those of that command, and the other arguments. */
export function readArguments(
  args: readonly string[],
  names: readonly OptionName[],
): {values: Values; operands: string[]} {
  const options = Object.fromEntries(names.map((name) => [name, OPTIONS[name]]));
  try {
    const {values, positionals} = parseArgs({
      args: withNegativeNumbers(args),
      options,
      allowPositionals: true,
    });
    return {values, operands: positionals};
  } catch (error) {
    throw wrongUsage(optionProblem(reasonOf(error), names));
  }
}

/** `--max-retries -1` means `--max-retries=-1`: no option is a digit. */
function withNegativeNumbers(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? '';
    if (/^-\.?\d/.test(arg) && /^--[a-z-]+$/.test(before)) joined.push(`${joined.pop()}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** Explains what is wrong with the options, out of what parseArgs says of it. */
function optionProblem(reason: string, names: readonly OptionName[]): string {
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(reason) ?? [];
  if (unknown !== undefined) return `unknown option ${unknown}${elsewhere(unknown, names)}`;
  const [, lacking] = /^Option '(-.*?)(?: <value>)?' argument missing/.exec(reason) ?? [];
  if (lacking !== undefined) return `${lacking} needs a value`;
  const [, doubtful] = /^Option '(-.*?)' argument is ambiguous/.exec(reason) ?? [];
  if (doubtful === undefined) return reason.split(/\. |\n/, 1).join();
  const separator = doubtful.startsWith('--') ? '=' : '';
  const way = `${doubtful.split(', ').at(-1)}${separator}…`;
  return `${doubtful} is followed by what looks like an option; if it is the value, write ${way}`;
}

function elsewhere(unknown: string, names: readonly OptionName[]): string {
  const name = unknown.replace(/^-+/, '');
  if (Object.hasOwn(OPTIONS, name)) return ', which another command has';
  const similar = unknown.startsWith('--') ? nearestOf(name, names) : undefined;
  return similar === undefined ? '' : `; did you mean --${similar}?`;
}

/** Letters of a word to each that a typing error adds, leaves out, changes, or swaps. */
const LETTERS_TO_AN_ERROR = 3;
const MOST_CHANGES = 2;

/** The name that a misspelt word means. */
function nearestOf(word: string, names: readonly string[]): string | undefined {
  const [nearest] = names
    .map((name) => ({name, changes: changesBetween(word, name)}))
    .filter(({changes}) => changes <= Math.min(MOST_CHANGES, word.length / LETTERS_TO_AN_ERROR))
    .sort((one, other) => one.changes - other.changes);
  return nearest?.name;
}

/** "Optimal string alignment": edits from one word to another, neighbours swapped included. */
function changesBetween(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > MOST_CHANGES) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({length: other.length + 1}, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const next = [row];
    for (let at = 1; at <= other.length; at++) {
      const isSame = one[row - 1] === other[at - 1];
      const isSwapped = one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      next[at] = Math.min(
        (last[at] ?? 0) + 1,
        (next[at - 1] ?? 0) + 1,
        (last[at - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[at - 2] ?? 0) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, next];
  }
  return last[other.length] ?? Infinity;
}

// ── Numbers ─────────────────────────────────────────────────────────────────────────────────────

export function numberFrom(name: OptionName, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(text)) return +text;
  throw wrongUsage(`--${name} must be a number from 0, not '${text}'`);
}

export function integerFrom(
  name: OptionName,
  text: string | undefined,
  least = 0,
  most = Infinity,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^-?\d+$/.test(text) ? +text : NaN;
  if (value >= least && value <= most) return value;
  throw wrongUsage(
    `--${name} must be an integer from ${least}${most < Infinity ? ` to ${most}` : ''},`
      + ` not '${text}'`,
  );
}

function millisecondsFrom(name: OptionName, text: string | undefined): number | undefined {
  const value = numberFrom(name, text);
  return value === undefined ? undefined : 1000 * value;
}

// ── URLs ────────────────────────────────────────────────────────────────────────────────────────

const HOST = /^(?:[\w-]+\.)*[\w-]+$|^\[[\da-f:.]+\]$/i;
const LOOPBACK = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * The URL that an argument is, or can only be: without a scheme it has a port, or a path after a
 * name with a dot or `localhost`, and no file is called so. `http` for this host, else `https`.
 * Undefined: it is none.
 */
function urlFrom(text: string): string | undefined {
  if (/^https?:\/\//i.test(text)) return text;
  const [, host = '', port = '', path = ''] = /^([^/?#]*?)(:\d+)?([/?#].*)?$/s.exec(text) ?? [];
  if (!(host ? HOST.test(host) : port) || existsSync(text)) return undefined;
  if (!port && !(path && /\.|^localhost$/i.test(host))) return undefined;
  const name = host || 'localhost';
  return `${LOOPBACK.test(name) ? 'http' : 'https'}://${name}${port}${path || '/'}`;
}

/** Throws for what is no URL, and says what it could be. */
export function mustBeURL(text: string, commands: readonly string[] = []): string {
  const url = urlFrom(text);
  if (url !== undefined) return url;
  const what = `'${withoutPassword(text)}' is ${commands.length ? 'neither a command nor' : 'not'}`;
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\//i.exec(text) ?? [];
  if (scheme) throw wrongUsage(`${what} an http:// or https:// URL`);
  const command = nearestOf(text, commands);
  if (command) throw wrongUsage(`${what} a URL; did you mean ${command}?`);
  if (commands.length && existsSync(text)) {
    throw wrongUsage(`${what} a URL, but a file; ssekit parse reads those`);
  }
  const isName = HOST.test(text) && /\.|^localhost$/i.test(text);
  throw wrongUsage(`${what} a URL${isName ? `; did you mean https://${text}/?` : ''}`);
}

// ── Requests ────────────────────────────────────────────────────────────────────────────────────

/** Curl's form: `Name: value`, or `Name;` for one without a value. As UTF-8 bytes, as curl does. */
function headersFrom(lines: readonly string[] = []): [name: string, value: string][] {
  return lines.map((line, at) => {
    const [, name, value = ''] = /^([^:;\s]+)(?::\s*(.+?)\s*|;)$/s.exec(line) ?? [];
    if (name === undefined) {
      // which may be a password
      throw wrongUsage(`header ${at + 1} is not 'Name: value'`);
    }
    return [name, Buffer.from(value).toString('latin1')];
  });
}

/** `@FILE`, `-` for standard input, else the text itself. */
function bodyFrom(text: string): string | Buffer {
  if (text !== '-' && !text.startsWith('@')) return text;
  return contentOf(text === '-' ? text : text.slice(1));
}

/** Everything but the URL. */
export function requestFrom(values: Values): SSEClientOptions {
  const {body, json, until} = values;
  const headers = headersFrom(values.header);
  if (body !== undefined && json !== undefined) throw wrongUsage('give -d or --json, not both');
  const sent = json ?? body;
  if (sent !== undefined && !headers.some(([name]) => /^content-type$/i.test(name))) {
    const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
    headers.push(['content-type', type]);
  }
  const given = (options: object) =>
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    headers,
    verify: !values.insecure,
    ...(sent !== undefined && {body: bodyFrom(sent)}),
    ...(values.once && {reconnect: false}),
    ...(until !== undefined && {
      until: ({data, event}: SSEEvent) => data === until || event === until,
    }),
    ...given({
      method: values.request,
      lastEventId: values['last-event-id'],
      maxRetries: integerFrom('max-retries', values['max-retries'], -1),
      timeout: millisecondsFrom('timeout', values.timeout),
      idleTimeout: millisecondsFrom('idle-timeout', values['idle-timeout']),
    }),
  };
}
