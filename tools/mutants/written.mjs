// Finds in sse.ts, or in web-event-source.ts, what a row of list.mjs means: by structure (ast-grep), not by text, so that
// neither another name of something private nor another layout makes a row stale.
//
// A row: {section, rule, pattern, rewrite, inside?, after?, names?}. `pattern` is TypeScript in
// which $A stands for any one node and $$$A for any number of them; `rewrite` takes its place.
// Where a pattern is no code by itself (a method, a member of a literal), it is {context,
// selector}. Where one is not enough to find the place, `inside` is the pattern of something
// around it, `after` that of the statement before it. `names` is the pattern of another place, for
// a name that `rewrite` needs and the place does not have.
// https://ast-grep.github.io/guide/pattern-syntax.html

import {Lang, parse} from '@ast-grep/napi';
import {lineAt, sectionOf} from './source.mjs';

const VARIABLE = /(\$\$\$|\$)([A-Z_]+)/g;

const trees = new Map(); // source → its tree, without comments

/** {start, end, text, line}: the edit. Throws STALE if the row does not fit exactly once. */
export function matchOf(source, row) {
  const {pattern, inside, after, names, rewrite} = row;
  const node = onlyOne(source, row, {
    pattern,
    ...(inside && {inside: {pattern: inside, stopBy: 'end'}}),
    ...(after && {follows: {pattern: after}}),
  });
  const other = names && onlyOne(source, row, {pattern: names});
  const {start, end} = node.range();
  const text = rewrite.replace(VARIABLE, (variable, kind, name) => {
    const nodes = [node, other].flatMap((each) =>
      kind === '$' ? (each?.getMatch(name) ?? []) : (each?.getMultipleMatches(name) ?? []),
    );
    if (kind === '$' && !nodes.length) throw new Error(`'${row.rule}' knows no ${variable}`);
    const last = kind === '$' ? nodes[0] : nodes.at(-1);
    return nodes.length ? source.slice(nodes[0].range().start.index, last.range().end.index) : '';
  });
  return {start: start.index, end: end.index, text, line: lineAt(source, start.index)};
}

function onlyOne(source, {section, rule}, wanted) {
  const where = section ?? 'web-event-source.ts';
  const {start, end} = sectionOf(source, section);
  const found = treeOf(source)
    .findAll({rule: wanted})
    .filter((node) => node.range().start.index >= start && node.range().end.index <= end);
  if (found.length === 1) return found[0];
  const lines = found.map((node) => lineAt(source, node.range().start.index)).join(', ');
  throw new Error(
    `STALE ${where}: ${rule}\n`
      + `  what must fit once fits ${lines ? `lines ${lines}` : 'nothing'}: `
      + `${JSON.stringify(wanted)}\n`
      + '  If the rule moved, or is written in another way: write its row in list.mjs anew.'
      + ' If the file has it no more: drop the row.',
  );
}

/** Comments would be nodes between those of a pattern. */
function treeOf(source) {
  if (!trees.has(source)) trees.set(source, parse(Lang.TypeScript, withoutComments(source)).root());
  return trees.get(source);
}

/** Blanks instead: every offset stays what it is. */
export function withoutComments(source) {
  let text = source;
  for (const node of parse(Lang.TypeScript, source)
    .root()
    .findAll({rule: {kind: 'comment'}})) {
    const {start, end} = node.range();
    const blank = node.text().replace(/[^\n]/g, ' ');
    text = text.slice(0, start.index) + blank + text.slice(end.index);
  }
  return text;
}
