// From figures to what docs/performance.md and results/ show: tables in markdown, and charts.

import {chunkName} from './arguments.mjs';
import {short} from './figures.mjs';
import {PEERS} from './peers.mjs';
import {SHAPES, sizeName} from './scaling.mjs';
import {summarize} from './summary.mjs';
import {bars, lines} from './svg.mjs';
import {WORKLOADS} from './workloads.mjs';

const table = (head, rows) =>
  [head, head.map((_, i) => (i ? '--:' : '---')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
const faultRow = (label, fault, width) => [
  label,
  fault.slice(0, 60).replaceAll('|', '/'),
  ...Array(width - 2).fill(''),
];
const name = ({label, isOurs}) => (isOurs ? `**${label}**` : label);
const kindOf = ({isOurs, isDrain, name}) =>
  isOurs ? 'ours' : isDrain || name === 'floor' ? 'bound' : 'peer';

const TITLES = {
  bytes: 'From bytes, by the size of their chunks:',
  text: 'From a text at once:',
  lines: 'From lines, which eventsource-parser is fed one by one:',
};

/** Section to `{text, charts}`, from what the section returned. */
export const REPORTS = {
  parse(cells) {
    const tables = summarize(cells);
    const count = (key) => new Set(cells.map((cell) => cell[key])).size;
    const bytes = tables.find(({kind}) => kind === 'bytes');
    const all = bytes.columns.indexOf('all');
    return {
      text: [
        'Speed relative to eventsource-parser 4 (with a TextDecoder): more is faster. Geometric '
          + `means over ${count('workload')} workloads; CPU time, medians of ratios within a round. `
          + '÷: against the floor, or against the fastest peer that is read by `for await`, in each '
          + 'cell. Cells that a peer gets wrong, or where it is hundreds of times slower, are left out '
          + 'of its means.',
        ...tables.flatMap(summaryTable),
        'By workload, ns an event (million bytes a second):',
        byWorkload(cells),
      ],
      charts: {
        parse: bars({
          title: 'Parsing bytes',
          mark: 1,
          show: (value) => `${short(value)}×`,
          subtitle:
            'speed relative to eventsource-parser 4: geometric mean over workloads and '
            + 'chunk sizes; more is better',
          rows: bytes.rows
            .filter(({isDerived}) => !isDerived)
            .map((row) => ({
              label: row.label,
              value: row.figures[all],
              kind: kindOf(row),
            })),
        }),
      },
    };
  },

  scaling(rows) {
    const chunks = [...new Set(rows.map(({chunk}) => chunk))];
    const chunk = chunks.includes(16384) ? 16384 : chunks[0];
    const sizes = [...new Set(rows.flatMap(({results}) => results.map(({size}) => size)))].sort(
      (a, b) => a - b,
    );
    const of = (shape, chunk) => rows.filter((row) => row.shape === shape && row.chunk === chunk);
    const texts = Object.keys(SHAPES).flatMap((shape) =>
      chunks.map((chunk) =>
        table(
          [`${SHAPES[shape]}, chunks of ${chunkName(chunk)}`, ...sizes.map(sizeName), 'peak MB'],
          of(shape, chunk).map((row) => [
            name({...row, label: scalingLabel(row)}),
            ...scalingCells(row, sizes),
          ]),
        ),
      ),
    );
    const chart = (shape) => scalingChart(shape, chunk, of(shape, chunk));
    return {
      text: [
        'One event of that size: ns of CPU a byte, and the most memory that the process took '
          + 'above what it began with.',
        ...texts,
      ],
      charts: {'scaling-line': chart('line'), 'scaling-lines': chart('lines')},
    };
  },

  endtoend(rows) {
    const good = rows.filter(({fault}) => !fault);
    const head = [
      '',
      'bulk: CPU s',
      '× fetch drained',
      'million/s',
      'one a chunk: CPU s',
      '× fetch drained',
    ];
    return {
      text: [
        'From a server in another process: CPU seconds of the client for a million events, and '
          + 'relative to a drained `fetch`; in bulk, as fast as they are read, and one event a '
          + 'chunk, each on its own.',
        table(
          head,
          rows.map((row) =>
            row.fault
              ? faultRow(row.label, row.fault, head.length)
              : [
                  name(row),
                  ...[
                    row.bulk.cpu,
                    row.bulk.ratio,
                    row.bulk.rate,
                    row.single.cpu,
                    row.single.ratio,
                  ].map(short),
                ],
          ),
        ),
      ],
      charts: {
        endtoend: endtoendChart(good, 'bulk', 'in bulk'),
        'endtoend-single': endtoendChart(good, 'single', 'one a chunk'),
      },
    };
  },

  many(rows) {
    const counts = [...new Set(rows.map(({count}) => count))];
    const most = counts.at(-1);
    return {
      text: counts.flatMap((count) => [
        `${count} subscriptions in one process:`,
        table(
          ['', ...MANY],
          rows
            .filter((row) => row.count === count)
            .map((row) =>
              row.fault
                ? faultRow(row.label, row.fault, MANY.length + 1)
                : [name(row), ...manyCells(row)],
            ),
        ),
      ]),
      charts: {
        many: bars({
          title: `${most} subscriptions`,
          subtitle: 'RSS of each, kB; less is better',
          show: short,
          rows: rows
            .filter(({count, fault}) => count === most && !fault)
            .sort((a, b) => a.rss - b.rss)
            .map((row) => ({label: row.label, value: row.rss / 1000, kind: kindOf(row)})),
        }),
      },
    };
  },

  capacity(rows) {
    const label = ({label, count}) => `${count.toLocaleString('en')} ${label}`;
    return {
      text: [
        'Subscriptions in one process, each with a message at a time, as they come from a server '
          + 'in another process on the same machine. CPU: user and system, of the client.',
        table(
          ['', 'subscriptions', ...MANY],
          rows.map((row) =>
            row.fault
              ? faultRow(row.label, row.fault, MANY.length + 2)
              : [name(row), row.count.toLocaleString('en'), ...manyCells(row)],
          ),
        ),
      ],
      charts: {
        capacity: bars({
          title: 'How many subscriptions one process can follow',
          subtitle: 'ms until one message has reached all of them; less is better',
          show: short,
          room: 150,
          rows: rows
            .filter(({fault}) => !fault)
            .map((row) => ({
              label: label(row),
              value: row.broadcast,
              note: `ms, ${short(row.rss / 1000)} kB each`,
              kind: kindOf(row),
            })),
        }),
      },
    };
  },

  blocking(rows) {
    const head = [
      '',
      'first of a process, ms',
      'later, ms',
      'late, ms',
      '99 %, ms',
      'million/s',
      'CPU s a million',
    ];
    return {
      text: [
        'Until the first event of a client; how late an event is in the body of the loop; and '
          + 'events in bulk.',
        table(
          head,
          rows.map(({label, ...figures}) => [label, ...Object.values(figures).map(short)]),
        ),
      ],
      charts: {},
    };
  },

  seeds(rows) {
    const shapes = {small: '10 × 1 × 20', medium: '100 × 3 × 50', large: '1000 × 1 × 200'};
    return {
      text: [
        'A list of lines to a list of events, mean µs: `[...new EventSource(lines)]`, '
          + 'eventsource-parser 4 fed line by line, and two Python libraries as '
          + '[published](https://github.com/Oaklight/zerodep) for CPython 3.10 on a machine that is '
          + 'not named: an order of magnitude, no race.',
        table(
          [
            'events × data lines × characters',
            '**ssekit**',
            'eventsource-parser 4',
            'zerodep sse',
            'httpx-sse',
          ],
          rows.map((row) => [
            shapes[row.shape],
            ...['ours', 'esp4', 'zerodep', 'httpx-sse'].map((name) => short(row[name])),
          ]),
        ),
      ],
      charts: {},
    };
  },
};

const MANY = [
  'RSS each, B',
  'heap each, B',
  'all connected, ms',
  'all reached, ms',
  'CPU s a million messages',
];
const manyCells = ({rss, heap, connect, broadcast, cpu}) =>
  [rss, heap, connect, broadcast, cpu].map(short);

/** The title and the table of one kind of input. */
function summaryTable({kind, columns, rows}) {
  return [
    TITLES[kind],
    table(
      ['', ...columns, 'worst cell'],
      rows.map(({figures, worst, isDerived, ...row}) => [
        isDerived ? row.name : name(row),
        ...figures.map(short),
        worst,
      ]),
    ),
  ];
}

/** The most interesting contenders at the most usual chunk size. */
function byWorkload(cells) {
  const chunk = cells.some(({chunk}) => chunk === 16384) ? 16384 : cells[0].chunk;
  const shown = cells.filter((cell) => cell.chunk === chunk);
  const names = shown[0].contenders
    .filter(({name, isOurs}) => isOurs || ['floor', 'esp4', 'anthropic'].includes(name))
    .map(({name}) => name);
  const labels = shown[0].contenders.filter(({name}) => names.includes(name)).map(name);
  return table(
    [`chunks of ${chunkName(chunk)}`, ...labels],
    shown.map((cell) => [
      WORKLOADS[cell.workload].title,
      ...names.map((name) => {
        const found = cell.contenders.find((contender) => contender.name === name);
        if (!found) return '–';
        return `${short((found.ms * 1e6) / cell.events)} (${short(cell.bytes / found.ms / 1000)})`;
      }),
    ]),
  );
}

function scalingLabel({name, isOurs}) {
  return isOurs ? name : PEERS[name].label.replace(/,.*/, '');
}

function scalingCells({results, fault}, sizes) {
  const cells = sizes.map((_, i) => (results[i] ? short(results[i].ns) : '–'));
  if (fault) cells[results.length] = fault.slice(0, 40).replaceAll('|', '/');
  return [...cells, fault ? '–' : short(results.at(-1).peak / 1e6)];
}

function scalingChart(shape, chunk, rows) {
  return lines({
    title: `One event in ${SHAPES[shape]}`,
    subtitle: `ns a byte, by the event's size, chunks of ${chunkName(chunk)}; less is better`,
    showX: sizeName,
    showY: short,
    series: rows
      .filter(({results}) => results.length)
      .map((row) => ({
        label: scalingLabel(row),
        points: row.results.map(({size, ns}) => [size, ns]),
      })),
  });
}

function endtoendChart(rows, mode, what) {
  const mark = rows.find(({isDrain}) => isDrain)[mode].cpu;
  return bars({
    title: `End to end over loopback, ${what}`,
    mark,
    most: mark * 8,
    show: short,
    subtitle: 'CPU seconds for a million events; less is better',
    rows: [...rows]
      .sort((a, b) => a[mode].cpu - b[mode].cpu)
      .map((row) => ({label: row.label, value: row[mode].cpu, kind: kindOf(row)})),
  });
}
