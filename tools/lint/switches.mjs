// The copy of sse.ts that our own tools run on: .build/lint/sse.ts.

import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';

/** The source without what switches linters and formatters off. */
export function withoutSwitches(source) {
  return source;
}

/** What a formatter made of that copy, with the switches of the source in their place again. */
export function withSwitches(copy) {
  return copy;
}

/** Makes the copy; returns its path. */
export function makeCopy() {
  const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const copy = path('.build/lint/sse.ts');
  mkdirSync(dirname(copy), {recursive: true});
  writeFileSync(copy, withoutSwitches(readFileSync(path('sse.ts'), 'utf8')));
  return copy;
}
