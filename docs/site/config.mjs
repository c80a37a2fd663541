// The site's form. Its sidebar is the list of pages of docs/README.md, as build.mjs has put it there.

import {readFileSync} from 'node:fs';
import {slugOf} from '../../tools/pages.mjs';

const list = readFileSync(new URL('../.site/pages.md', import.meta.url), 'utf8');

/** Each heading of that list, with the links below it. */
const sections = list
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [text] = section.split('\n', 1);
    const links = [...section.matchAll(/^- \[([^\]]+)\]\((\/[^)]+)\.md\)/gm)];
    return {text, items: links.map(([, title, link]) => ({text: title, link}))};
  });

// These go into the page as they are written, so they use nothing from outside.

/** `Last-Event-ID` is a word, beside its parts. */
function wordsOf(text) {
  const found = text.toLowerCase().match(/[\p{L}\p{N}_$]+(?:-[\p{L}\p{N}_$]+)*/gu) ?? [];
  return found.flatMap((word) => (word.includes('-') ? [word, ...word.split('-')] : [word]));
}

/** The guides before the reference, that before what is past. */
function boostDocument(id) {
  if (id.includes('changelog')) return 0.2;
  return id.includes('/reference/') ? 0.5 : 1;
}

/** A name with hyphens is meant as it is written. */
function fuzzy(word) {
  return word.includes('-') ? false : 0.2;
}

export default {
  title: 'ssekit',
  description: 'Server-Sent Events in one dependency-free TypeScript file',
  lang: 'en',
  cleanUrls: false,
  head: [['link', {rel: 'icon', href: 'data:,'}]],
  markdown: {
    anchor: {slugify: slugOf}, // links between pages are GitHub's
    theme: {light: 'github-light-high-contrast', dark: 'github-dark-high-contrast'},
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        detailedView: true,
        miniSearch: {
          options: {tokenize: wordsOf},
          searchOptions: {boostDocument, fuzzy, combineWith: 'AND'},
        },
      },
    },
    outline: [2, 3],
    nav: [
      {text: 'Guide', link: '/getting-started'},
      {text: 'Options and API', link: '/options-and-api'},
      {text: 'Reference', link: '/reference/'},
      {text: 'Changelog', link: '/changelog'},
    ],
    sidebar: [
      ...sections,
      {
        text: 'More',
        items: [
          {text: 'Examples', link: '/examples'},
          {text: 'Reference', link: '/reference/'},
          {text: 'Security', link: '/security'},
          {text: 'Changelog', link: '/changelog'},
        ],
      },
    ],
  },
};
