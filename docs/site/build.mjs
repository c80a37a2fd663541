// node docs/site/build.mjs: the website, into docs/.site/.vitepress/dist, out of the pages that
// tools/pages.mjs lists and of the comments in sse.ts and web-event-source.ts.
// First: npm ci in docs/.

import {cpSync, mkdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join, posix} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Application} from 'typedoc';
import {build} from 'vitepress';
import {readPages} from '../../tools/pages.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STAGE = join(ROOT, 'docs/.site');

/** What is a page of the site, by its name in the project. Others, as llms.txt, are files. */
function placeOf(name) {
  if (name === 'README.md') return 'index.md';
  if (name === 'docs/README.md') return 'pages.md';
  if (/^[A-Z]+\.md$/.test(name)) return name.toLowerCase();
  if (name.startsWith('docs/')) return name.slice('docs/'.length);
  if (name.endsWith('/README.md')) return `${dirname(name).replaceAll('/', '-')}.md`;
  return undefined;
}

const isFolder = (name) => statSync(join(ROOT, name)).isDirectory();

/** A file of the project, as the site serves it: text, which no browser runs or saves instead. */
function serve(name) {
  const isImage = /\.(?:png|svg)$/.test(name);
  const served = `files/${name}${isImage ? '' : '.txt'}`;
  const to = join(STAGE, 'public', served);
  mkdirSync(dirname(to), {recursive: true});
  cpSync(join(ROOT, name), to);
  return `/${served}`;
}

/** Where a link of that page leads on the site; undefined: nowhere, as to a folder. */
function target(from, link, pages) {
  if (/^(?:[a-z]+:|#)/.test(link)) return link;
  const [path, anchor] = link.split('#');
  const name = posix.join(posix.dirname(from), path).replace(/\/$/, '');
  const page = name in pages ? name : `${name}/README.md`;
  const place = page in pages ? placeOf(page) : undefined;
  if (place) return `/${place}${anchor === undefined ? '' : `#${anchor}`}`;
  return isFolder(name) ? undefined : serve(name);
}

/** The page with the site's links; blocks and pieces of code are as they are. */
function staged(name, page, pages) {
  const CODE = /(^ *```[\s\S]*?^ *```$|`[^`\n]+`)/m;
  const LINK = /(?<=\])\(([^)\s]+)( "[^"]*")?\)/g;
  const text = page
    .split(CODE)
    .map((part, at) => {
      if (at % 2) return part;
      return part.replace(LINK, (_, link, title = '') => {
        const to = target(name, link, pages);
        return to === undefined ? '(nowhere:)' : `(${to}${title})`;
      });
    })
    .join('');
  return text.replace(/\[((?:[^[\]]|\[[^\]]*\])*)\]\(nowhere:\)/g, '$1'); // the text alone stays
}

async function reference() {
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: ['sse.ts', 'web-event-source.ts'].map((name) => join(ROOT, name)),
    tsconfig: join(ROOT, 'docs/site/tsconfig.json'),
    readme: 'none',
    name: 'Reference',
    disableSources: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    githubPages: false,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    entryFileName: 'index',
    validation: {notExported: false},
    treatWarningsAsErrors: true,
    treatValidationWarningsAsErrors: true,
    out: join(STAGE, 'reference'),
    logLevel: 'Warn',
  });
  const project = await app.convert();
  if (!project) throw new Error('TypeDoc made nothing of the source');
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has complaints');
}

rmSync(STAGE, {recursive: true, force: true});
for (const folder of ['.vitepress', 'public']) mkdirSync(join(STAGE, folder), {recursive: true});
const pages = readPages();
for (const [name, page] of Object.entries(pages)) {
  const place = placeOf(name);
  if (place) writeFileSync(join(STAGE, place), staged(name, page, pages));
}
const forPrograms = staged('llms.txt', pages['llms.txt'], pages).replace(/\.md(?=[#)])/g, '.html');
writeFileSync(join(STAGE, 'public/llms.txt'), forPrograms);
await reference();
mkdirSync(join(STAGE, '.vitepress/theme'));
for (const name of ['config', 'theme/index']) {
  const to = posix.relative(posix.dirname(`.site/.vitepress/${name}`), `site/${name}.mjs`);
  writeFileSync(join(STAGE, `.vitepress/${name}.mjs`), `export {default} from '${to}';\n`);
}
await build(STAGE);
