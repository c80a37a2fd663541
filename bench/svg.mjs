// Two kinds of chart, as SVG text: bars, and lines over two logarithmic axes. Dark and light are
// both in the file, each with a ground of its own: whoever shows it chooses.

const STYLE = `
  text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .ground { fill: #ffffff } .title { font-size: 14px; font-weight: 600 } .end { text-anchor: end }
  .middle { text-anchor: middle } .soft { fill: #59636e } .grid { stroke: #d1d9e0 }
  .ours { fill: #0969da } .peer { fill: #a8b1bb } .bound { fill: #d9dee3 }
  .line { fill: none; stroke-width: 2 } .base { stroke: #59636e; stroke-dasharray: 3 3 }
  .s0 { stroke: #0969da } .s1 { stroke: #54aeff } .s2 { stroke: #bc4c00 } .s3 { stroke: #1a7f37 }
  .s4 { stroke: #8250df } .s5 { stroke: #bf3989 } .s6 { stroke: #9a6700 } .s7 { stroke: #6e7781 }
  .s8 { stroke: #cf222e } .s9 { stroke: #1b7c83 } .s10 { stroke: #e16f24 } .s11 { stroke: #5a32a3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .ground { fill: #0d1117 } .soft { fill: #9198a1 }
    .grid { stroke: #3d444d } .ours { fill: #4493f8 } .peer { fill: #656c76 }
    .bound { fill: #373e47 } .base { stroke: #9198a1 }
    .s0 { stroke: #4493f8 } .s1 { stroke: #9ecbff } .s2 { stroke: #f0883e } .s3 { stroke: #3fb950 }
    .s4 { stroke: #ab7df8 } .s5 { stroke: #db61a2 } .s6 { stroke: #d29922 } .s8 { stroke: #f85149 }
    .s9 { stroke: #39c5cf } .s11 { stroke: #cabffd }
  }`;

const WIDTH = 720;
const escaped = (text) => String(text).replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);

const text = (x, y, content, kind = '') =>
  `<text x="${round(x)}" y="${round(y)}" class="${kind}">${escaped(content)}</text>`;
const stroke = (x1, y1, x2, y2, kind) =>
  `<line x1="${round(x1)}" y1="${round(y1)}" `
  + `x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`;
const round = (value) => Math.round(value * 10) / 10;

function page(height, title, subtitle, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" `
      + `aria-label="${escaped(`${title}: ${subtitle}`).replaceAll('"', '&#34;')}">`,
    `<style>${STYLE}\n</style>`,
    `<rect width="${WIDTH}" height="${height}" rx="6" class="ground"/>`,
    text(16, 26, title, 'title'),
    text(16, 44, subtitle, 'soft'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * A bar for each of `{label, value, note, kind}`; kind: ours, peer or bound, for what is no
 * contender. `mark`: a value to draw a line at. What is beyond `most` is cut, and says its value.
 * `room`: for what stands beside the longest bar.
 */
export function bars({title, subtitle, rows, show, mark, most = Infinity, room = 90}) {
  const left = 230;
  const right = WIDTH - room;
  const largest = Math.max(...rows.map(({value}) => Math.min(value, most)));
  const at = (value) => left + (Math.min(value, most) / largest) * (right - left);
  const parts = rows.flatMap(({label, value, note = '', kind}, i) => {
    const y = 60 + i * 24;
    return [
      text(left - 8, y + 14, label, 'end'),
      `<rect x="${left}" y="${y}" width="${round(Math.max(1, at(value) - left))}" height="18" `
        + `class="${kind}"/>`,
      text(at(value) + 6, y + 14, `${show(value)}${note && ` ${note}`}`, 'soft'),
    ];
  });
  const height = 60 + rows.length * 24 + 12;
  const line = mark === undefined ? [] : [stroke(at(mark), 54, at(mark), height - 10, 'base')];
  return page(height, title, subtitle, [...line, ...parts]);
}

/** A line for each of `{label, points: [[x, y], …]}`; both axes logarithmic. */
export function lines({title, subtitle, series, showX, showY}) {
  const [left, right, top, bottom] = [56, WIDTH - 214, 64, 344];
  const points = series.flatMap(({points}) => points);
  const scale = (values, from, to) => {
    const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
    return (value) => from + ((Math.log(value) - low) / (high - low || 1)) * (to - from);
  };
  const ticks = decades(points.map(([, y]) => y));
  const x = scale(
    points.map(([x]) => x),
    left,
    right,
  );
  const y = scale([...ticks, ...points.map(([, y]) => y)], bottom, top);
  const parts = [
    ...ticks.flatMap((tick) => [
      stroke(left, y(tick), right, y(tick), 'grid'),
      text(left - 6, y(tick) + 4, showY(tick), 'end'),
    ]),
    ...[...new Set(points.map(([x]) => x))].map((tick) =>
      text(x(tick), 364, showX(tick), 'middle'),
    ),
    ...series.flatMap(({points}, i) => {
      const path = points.map(([px, py]) => `${round(x(px))},${round(y(py))}`).join(' ');
      return [`<polyline points="${path}" class="line s${i % 12}"/>`];
    }),
    ...series.flatMap(({label}, i) => [
      stroke(right + 16, top + 8 + i * 20, right + 36, top + 8 + i * 20, `line s${i % 12}`),
      text(right + 42, top + 12 + i * 20, label),
    ]),
  ];
  return page(376, title, subtitle, parts);
}

/** 1, 10, 100, … around all values. */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)));
  const to = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({length: to - from + 1}, (_, i) => 10 ** (from + i));
}
