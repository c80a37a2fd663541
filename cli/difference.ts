// What differs between two texts, by lines: the "patience" way, which puts side by side the lines
// that each text has once, and looks again between them.

/** Lines from…to, without the last, of one text, where another has those of `other`. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly otherFrom: number;
  readonly otherTo: number;
}

/** In their order; lines are numbered from 0. */
export function differencesOf(lines: readonly string[], others: readonly string[]): Change[] {
  const changes: Change[] = [];
  const waiting = [{from: 0, to: lines.length, otherFrom: 0, otherTo: others.length}];
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    const rest = withoutSameEnds(part, lines, others);
    const {from, to, otherFrom, otherTo} = rest;
    if (from === to && otherFrom === otherTo) continue;
    const pairs = pairsIn(rest, lines, others);
    if (!pairs.length) {
      changes.push(rest);
      continue;
    }
    let [start, otherStart] = [from, otherFrom];
    for (const [at, other] of [...pairs, [to, otherTo] as const]) {
      waiting.push({from: start, to: at, otherFrom: otherStart, otherTo: other});
      [start, otherStart] = [at + 1, other + 1];
    }
  }
  return changes.sort((one, other) => one.from - other.from || one.otherFrom - other.otherFrom);
}

function withoutSameEnds(
  {from, to, otherFrom, otherTo}: Change,
  lines: readonly string[],
  others: readonly string[],
): Change {
  while (from < to && otherFrom < otherTo && lines[from] === others[otherFrom]) {
    from++;
    otherFrom++;
  }
  while (from < to && otherFrom < otherTo && lines[to - 1] === others[otherTo - 1]) {
    to--;
    otherTo--;
  }
  return {from, to, otherFrom, otherTo};
}

type Pair = readonly [at: number, other: number];

/** The longest row of lines that each part has once, in the order of both. */
function pairsIn(part: Change, lines: readonly string[], others: readonly string[]): Pair[] {
  const own = once(lines, part.from, part.to);
  const other = once(others, part.otherFrom, part.otherTo);
  const common = [...own].flatMap(([line, at]): Pair[] => {
    const opposite = other.get(line);
    return at === undefined || opposite === undefined ? [] : [[at, opposite]];
  });
  return longestRising(common);
}

/** Lines by their number; undefined for one that is there twice. */
function once(lines: readonly string[], from: number, to: number): Map<string, number | undefined> {
  const numbers = new Map<string, number | undefined>();
  for (let at = from; at < to; at++) {
    const line = lines[at] ?? '';
    numbers.set(line, numbers.has(line) ? undefined : at);
  }
  return numbers;
}

/** Out of pairs that rise by the first number, the longest row that rises by the second, too. */
function longestRising(pairs: readonly Pair[]): Pair[] {
  interface Card {
    readonly pair: Pair;
    readonly before: Card | undefined;
  }
  const tops: Card[] = []; // the lowest end of a row of each length
  for (const pair of pairs) {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tops[middle]?.pair[1] ?? 0) < pair[1]) low = middle + 1;
      else high = middle;
    }
    tops[low] = {pair, before: tops[low - 1]};
  }
  const row: Pair[] = [];
  for (let card = tops.at(-1); card; card = card.before) row.push(card.pair);
  return row.reverse();
}

/** Lines around each change that are shown. */
const CONTEXT = 3;

/** The "hunks" of a unified diff, which `patch` and Git take. */
export function* unifiedLines(
  lines: readonly string[],
  others: readonly string[],
): Generator<string> {
  const changes = differencesOf(lines, others);
  for (let first = 0, last = 0; first < changes.length; first = last) {
    last = first + 1;
    while (gapBefore(changes, last) <= 2 * CONTEXT) last++;
    yield* hunk(changes.slice(first, last), lines, others);
  }
}

/** Lines that are the same before that change. */
function gapBefore(changes: readonly Change[], at: number): number {
  return (changes[at]?.from ?? Infinity) - (changes[at - 1]?.to ?? 0);
}

function* hunk(
  changes: readonly Change[],
  lines: readonly string[],
  others: readonly string[],
): Generator<string> {
  const [first, last] = [changes[0], changes.at(-1)];
  if (!first || !last) return;
  const above = Math.min(CONTEXT, first.from);
  const below = Math.min(CONTEXT, lines.length - last.to);
  const [from, to] = [first.from - above, last.to + below];
  const [otherFrom, otherTo] = [first.otherFrom - above, last.otherTo + below];
  yield `@@ -${rangeOf(from, to)} +${rangeOf(otherFrom, otherTo)} @@`;
  let at = from;
  for (const change of changes) {
    for (const line of lines.slice(at, change.from)) yield ` ${line}`;
    for (const line of lines.slice(change.from, change.to)) yield `-${line}`;
    for (const line of others.slice(change.otherFrom, change.otherTo)) yield `+${line}`;
    at = change.to;
  }
  for (const line of lines.slice(at, to)) yield ` ${line}`;
}

/** Of no lines: the number of the one before them. */
function rangeOf(from: number, to: number): string {
  const count = to - from;
  return `${count ? from + 1 : from}${count === 1 ? '' : `,${count}`}`;
}

/** Ranges that are told. */
const MOST_RANGES = 8;

/** "line 3, lines 7-9, 2 lines gone after line 20", in numbers of the first text. */
export function placesOf(changes: readonly Change[]): string {
  const places = changes.slice(0, MOST_RANGES).map(({from, to, otherFrom, otherTo}) => {
    if (to - from > 1) return `lines ${from + 1}-${to}`;
    if (to - from === 1) return `line ${to}`;
    const gone = otherTo - otherFrom;
    return `${gone} line${gone === 1 ? '' : 's'} gone after line ${from}`;
  });
  const more = changes.length - places.length;
  return places.join(', ') + (more ? ` and ${more} more place${more === 1 ? '' : 's'}` : '');
}
