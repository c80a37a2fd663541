// Many cells of the parse benchmark in a few figures.

import {chunkName} from './arguments.mjs';
import {kindOf} from './contestants.mjs';
import {geometricMean, short} from './figures.mjs';
import {PEERS} from './peers.mjs';

/**
 * Tables of `{columns, rows}`: one for bytes, with a column for each chunk size, for all cells and
 * for those of chunks from 1.4 kB; one for text and one for lines. A row is a contender, or one of
 * ours against the best peer that is read as it is, or against the floor.
 */
export function summarize(cells) {
  return ['bytes', 'text', 'lines'].flatMap((kind) => {
    const some = cells.filter((cell) => kindOf(cell.chunk) === kind);
    return some.length ? [{kind, ...tableOf(some)}] : [];
  });
}

function tableOf(cells) {
  const chunks = [...new Set(cells.map(({chunk}) => chunk))];
  const groups = chunks.map((chunk) => [
    chunkName(chunk),
    cells.filter((cell) => cell.chunk === chunk),
  ]);
  if (chunks.length > 1) {
    groups.push(['all', cells]);
    groups.push(['≥ 1.4k', cells.filter(({chunk}) => chunk === 0 || chunk >= 1400)]);
  }
  const contenders = new Map(
    cells.flatMap(({contenders}) =>
      contenders.map(({name, label, isOurs}) => [name, {name, label, isOurs}]),
    ),
  );
  const row = (about, figureOf) => ({
    ...about,
    figures: groups.map(([, group]) => mean(group.map(figureOf))),
    worst: worst(cells, figureOf) + unmeasured(cells, about.name),
  });
  const rows = [...contenders.values()].map((about) =>
    row(about, (cell) => ratio(cell, about.name)),
  );
  const sortBy = ({figures}) => figures[chunks.length > 1 ? chunks.length : 0] ?? 0;
  const ours = [...contenders.values()].filter(({isOurs}) => isOurs);
  return {
    columns: groups.map(([name]) => name),
    rows: rows
      .sort((a, b) => sortBy(b) - sortBy(a))
      .concat(
        ours.map(({name}) => {
          const [rival, against] = rivalOf(name);
          const about = {name: `${name} ÷ ${rival}`, isDerived: true};
          return row(about, (cell) => ratio(cell, name) / against(cell) || undefined);
        }),
      )
      .filter(({worst}) => worst),
  };
}

/** What one of our forms is measured by, beside eventsource-parser: its name, and its ratio. */
function rivalOf(name) {
  if (/ async$/.test(name)) return ['fastest loop', (cell) => fastest(cell, ['chunks', 'stream'])];
  if (/ stream$/.test(name)) return ['fastest loop', (cell) => fastest(cell, ['stream'])];
  return ['floor', (cell) => ratio(cell, 'floor')];
}

const ratio = (cell, wanted) => cell.contenders.find(({name}) => name === wanted)?.ratio;

/** Of the peers that are read by `for await` over such a source, the fastest in that cell. */
const fastest = ({contenders}, sources) =>
  Math.max(
    ...contenders
      .filter(({name}) => sources.includes(PEERS[name]?.loopsOver))
      .map(({ratio}) => ratio),
  );

function mean(values) {
  const known = values.filter(Boolean);
  return known.length ? geometricMean(known) : undefined;
}

/** How many cells are not in the figures, and why. */
function unmeasured(cells, wanted) {
  const [wrong, slow] = ['wrong', 'slow'].map(
    (why) => cells.filter(({[why]: names}) => wanted in names).length,
  );
  return (wrong ? `; ${wrong} wrong` : '') + (slow ? `; ${slow} too slow` : '');
}

function worst(cells, figureOf) {
  const [value, cell] =
    cells
      .map((cell) => [figureOf(cell), cell])
      .filter(([value]) => value)
      .sort(([a], [b]) => a - b)[0] ?? [];
  return cell ? `${short(value)} ${cell.workload} ${chunkName(cell.chunk)}` : '';
}
