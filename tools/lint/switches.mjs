// node tools/lint/switches.mjs: makes .build/lint/sse.ts, on which our own tools run, and the same
// of web-event-source.ts.
//
// The heads of both switch linters and formatters off, for the projects that they are copied into;
// they would switch ours off, too. Theirs are copies without those lines.

import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';

// What stands between the first line, which names the file, and its text.
const HEAD = /^\/\*! .*\n((?:\/\/ .+\n|\/\* eslint[\s\S]*? \*\/\n)+)/;
const SWITCHES = [
  '/* eslint-disable ',
  '// biome-ignore-all lint assist format: ',
  '// deno-lint-ignore-file\n',
  '// deno-fmt-ignore-file\n',
];
/** The files that have such a head. */
export const SWITCHED = ['sse.ts', 'web-event-source.ts'];
const ANY = /(?:eslint|oxlint)-(?:disable|enable)|(?:biome|deno-\w+|prettier|v8|c8)-ignore/;

/** The lines that switch tools off, without the last line end. */
export function switchesOf(source) {
  const lines = HEAD.exec(source)?.[1] ?? '';
  for (const due of SWITCHES) {
    if (!lines.includes(due)) throw new Error(`no '${due.trim()}' at the head`);
  }
  return lines.slice(0, -1);
}

/** The source with each of those lines emptied: what a tool says of line 7 is true of it. */
export function withoutSwitches(source) {
  const switches = switchesOf(source);
  const bare = source.replace(switches, emptied(switches));
  const left = ANY.exec(bare)?.[0];
  if (left) throw new Error(`tools are switched off below its head: '${left}'`);
  return bare;
}

/** What a formatter made of that copy, with the lines of the source in their place again. */
export function withSwitches(copy, source) {
  const switches = switchesOf(source);
  const [name] = source.split('\n', 1);
  const head = `${name}\n${emptied(switches)}\n`;
  if (!copy.startsWith(head)) throw new Error('the copy does not begin as the head of the file');
  return `${name}\n${switches}\n${copy.slice(head.length)}`;
}

function emptied(lines) {
  return lines.replace(/.+/g, '//');
}

/** Makes the copy of a file of SWITCHED; returns its path. */
export function makeCopy(file) {
  const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const copy = path(`.build/lint/${file}`);
  mkdirSync(dirname(copy), {recursive: true});
  writeFileSync(copy, withoutSwitches(readFileSync(path(file), 'utf8')));
  return copy;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of SWITCHED) console.log(makeCopy(file));
}
