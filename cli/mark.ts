// Line 1 of each file that people copy: which file of which version it is, and what the rest of it
// must be. build.mjs writes it, by what stands here.

import {createHash} from 'node:crypto';

const NAME = 'ssekit';

/** The files of the package that people copy, by their names there. */
export const COPIED = [
  'sse.ts',
  'web-event-source.ts',
  'dist/sse.js',
  'dist/sse.d.ts',
  'dist/web-event-source.js',
  'dist/web-event-source.d.ts',
] as const;

export type CopiedFile = (typeof COPIED)[number];

/** A copy's statement about itself. */
export interface Mark {
  readonly version: string;
  /** Undefined, as the hash is: version 0.1.0 did not say. */
  readonly file: CopiedFile | undefined;
  /** `hashOf` of the file as it was released. */
  readonly hash: string | undefined;
  /** The characters above its line: of something that stands above all, such as a licence. */
  readonly at: number;
}

/** Digits of the hash: 128 bits, so that the line has less than 100 columns. */
const DIGITS = 32;

const LINE = new RegExp(
  `^/\\*! npm:${NAME}@(\\d\\S*?)/(\\S+) \\| [^|\\n]+ \\| sha256:([\\da-f]{${DIGITS}}) \\*/$`,
  'm',
);
/** Of version 0.1.0. */
const FIRST_LINE = new RegExp(
  `^/\\*! ${NAME} (\\d\\S*) \\| [^|\\n]+ \\| npm package "${NAME}" \\*/$`,
  'm',
);

export function markLine(version: string, license: string, file: string, hash: string): string {
  return `/*! npm:${NAME}@${version}/${file} | ${license} License | sha256:${hash} */`;
}

/** The mark in the head of a file; undefined: there is none. */
export function markIn(head: string): Mark | undefined {
  const text = inLF(head);
  const found = LINE.exec(text);
  if (found) {
    const [, version = '', name, hash] = found;
    const file = COPIED.find((each) => each === name);
    return file && {version, file, hash, at: found.index};
  }
  const first = FIRST_LINE.exec(text);
  const [, version] = first ?? [];
  return first && version !== undefined
    ? {version, file: undefined, hash: undefined, at: first.index}
    : undefined;
}

/** The text without a byte order mark, with LF at the end of each line. */
export function inLF(text: string): string {
  return text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
}

/** The line end that a text has, by its first one. */
export function endOf(text: string): string {
  return /\r\n?|\n/.exec(text)?.[0] ?? '\n';
}

/** The same with one LF at its end: formatters add and remove some. */
export function withOneEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\n') end--;
  return `${text.slice(0, end)}\n`;
}

/** The one import of web-event-source, which leads to the first file. */
const IMPORT = /^(import\b[^'"\n]* from ')(\.\.?\/[^'"\n]*)(?=';$)/m;

/** Target of the import in that text (LF); undefined: it has none, as the first file has not. */
export function importIn(text: string): string | undefined {
  return IMPORT.exec(text)?.[2];
}

/** The text with that import leading elsewhere. */
export function withImport(text: string, specifier: string | undefined): string {
  return specifier === undefined ? text : text.replace(IMPORT, (_, start) => start + specifier);
}

export function isSecond(file: CopiedFile): boolean {
  return file.includes('web-event-source');
}

/**
 * SHA-256 of what stands beside line 1, by its first digits, in lower case. Line ends and those at
 * the end of the file do not count, nor does where the import of the second file leads.
 */
export function hashOf(text: string, file: CopiedFile): string {
  const lines = withOneEnd(inLF(text));
  const at = markIn(lines)?.at ?? 0;
  const rest = lines.slice(0, at) + lines.slice(lines.indexOf('\n', at) + 1);
  const own = file.startsWith('dist/') ? './sse.js' : './sse.ts';
  const content = isSecond(file) ? withImport(rest, own) : rest;
  return createHash('sha256').update(content).digest('hex').slice(0, DIGITS);
}
