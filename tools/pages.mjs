// The pages of the project, for those who check them, write into them or pack them.

import {readdirSync, readFileSync} from 'node:fs';

const ROOT = new URL('../', import.meta.url);
const TOP = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'SKILL.md', 'llms.txt'];

/** Their texts, by their names from the root: those at the top, then all of docs/. */
export function readPages() {
  const docs = readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort();
  return Object.fromEntries(
    [...TOP, ...docs].map((name) => [name, readFileSync(new URL(name, ROOT), 'utf8')]),
  );
}
