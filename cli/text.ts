// Text for people: one line for each thing, in which nothing acts on a terminal and no password
// stands, whoever wrote it: a server, the name of a file, an argument.

/** Matches what acts on a terminal or turns its text around; tab and LF are each caller's. */
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Makes a stranger's text fit for a terminal: also right inside of a JSON string. */
export function withoutControls(text: string): string {
  return text.replace(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function inOneLine(text: string): string {
  return withoutControls(text).replaceAll('\n', ' ').replaceAll('\t', ' ');
}

/**
 * An argument, or the name of a file, as a message may repeat it. It may be a URL with a password,
 * also one that lacks its scheme or stands where a file is expected: what comes before its last @
 * is left out.
 */
export function withoutPassword(argument: string): string {
  const at = argument.lastIndexOf('@');
  if (at < 0) return argument;
  const [start = ''] = /^(?:[a-z][a-z\d+.-]*:)?\/\//i.exec(argument) ?? [];
  const isURL = start || argument.slice(0, at).includes(':');
  return isURL ? `${start}…${argument.slice(at)}` : argument;
}

/** The exit codes, as docs/command-line.md has them. */
export const FAILED = 1;
export const WRONG_USAGE = 2;
export const INTERRUPTED = 130;

/** Ends the command with one line on standard error and that exit code. */
export class Failure extends Error {
  readonly status: number;
  constructor(message: string, status = FAILED) {
    super(message);
    this.status = status;
  }
}

/** Ends the command with that exit code, where all has been said. */
export class Ended extends Error {
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}

/** Ends the command as wrong usage does. */
export function wrongUsage(message: string): Failure {
  return new Failure(`${message} (see ssekit --help)`, WRONG_USAGE);
}

/** Nobody reads standard output any more (`| head`): that is no error. */
export class NobodyReads extends Error {}

/** Causes of an error that are looked at. */
const MOST_CAUSES = 5;

/** The message, and the causes that tell more: "terminated (other side closed)". */
export function reasonOf(error: unknown): string {
  const messages: string[] = [];
  for (let each = error; each instanceof Error && messages.length < MOST_CAUSES; ) {
    const message = each.message || String(Object(each).code ?? each.name);
    if (!messages.some((known) => known.includes(message))) messages.push(message);
    each = each.cause;
  }
  const [first = String(error), ...causes] = messages;
  const asOption = first.replace('`verify: false`', '-k'); // as the command calls it
  return asOption + (causes.length ? ` (${causes.join('; ')})` : '');
}

/** "no such file or directory" out of "ENOENT: no such file or directory, open 'x'". */
export function systemReasonOf(error: unknown): string {
  return reasonOf(error).replace(/^[A-Z]+: (.*?), [a-z]+\b.*$/s, '$1');
}

/** "1.2 s" */
export function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** "1.2 MB" */
export function inBytes(bytes: number): string {
  for (const [unit, name] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (bytes >= unit) return `${(bytes / unit).toFixed(1)} ${name}`;
  }
  return `${bytes} B`;
}

/** "1 event", "2 events" */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
