// The pages of the project, for those who check them, write into them or pack them.

import {readdirSync, readFileSync} from 'node:fs';

const ROOT = new URL('../', import.meta.url);
const TOP = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'SKILL.md', 'llms.txt'],
  ...['examples/README.md', 'examples/fleet/README.md'],
];

/** Their texts, by their names from the root: those at the top and of examples/, then all of docs/. */
export function readPages() {
  const docs = readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort();
  return Object.fromEntries(
    [...TOP, ...docs].map((name) => [name, readFileSync(new URL(name, ROOT), 'utf8')]),
  );
}

/** What GitHub calls a heading, the first of its text. */
export function slugOf(title) {
  return title
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
