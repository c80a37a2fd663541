// What all mutants have in common: the text of sse.ts (or of web-event-source.ts, which has no
// sections), its sections, and one edit of it.

import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {transform} from 'esbuild';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const BANNER = /^\/\/ ── \d\. (\w+) /gm;

export const readSource = (file = 'sse.ts') => readFileSync(ROOT + file, 'utf8');

/** [{name, start, end}]: the sections as their banners part them, in offsets into the source. */
export function sectionsOf(source) {
  const banners = [...source.matchAll(BANNER)];
  return banners.map(({1: name, index}, number) => ({
    name,
    start: index,
    end: banners[number + 1]?.index ?? source.length,
  }));
}

/** Throws where a section was renamed or dropped: what is meant for it would silently be gone. */
export function sectionOf(source, wanted) {
  if (wanted === undefined) return {start: 0, end: source.length};
  const sections = sectionsOf(source);
  const found = sections.find(({name}) => name === wanted);
  if (found) return found;
  const names = sections.map(({name}) => name).join(', ');
  throw new Error(`sse.ts has no section '${wanted}'; it has ${names}`);
}

/** The source with that edit made. */
export function edited(source, {start, end, text}) {
  return source.slice(0, start) + text + source.slice(end);
}

export function lineAt(source, offset) {
  return source.slice(0, offset).split('\n').length;
}

/** As build.mjs compiles it for the tests. Throws for what is no TypeScript. */
export async function compiled(source) {
  const options = {loader: 'ts', format: 'esm', target: 'es2022', logLevel: 'silent'};
  return (await transform(source, options)).code.replace(`"./sse.ts"`, `'./sse.js'`);
}
