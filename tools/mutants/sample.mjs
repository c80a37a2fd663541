// Some of the generated mutants instead of all, and what may be expected of some.

import {createHash} from 'node:crypto';

/** How likely a section fails although the tests are as good as they were: once in 10,000 samples. */
const ERROR = 1e-4;

/**
 * The mutants in an order that the seed decides: whoever stops early has a sample of each section,
 * a small one of a small section, but no smaller than it needs to say something.
 */
export function sampleOf(mutants, seed) {
  const sizes = {};
  for (const {section} of mutants) sizes[section] = (sizes[section] ?? 0) + 1;
  const taken = {};
  return mutants
    .map((mutant, number) => ({mutant, rank: rankOf(`${seed}:${number}`)}))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({mutant}) => {
      const {section} = mutant;
      taken[section] = (taken[section] ?? 0) + 1;
      return {mutant, turn: taken[section] / Math.sqrt(sizes[section])};
    })
    .sort((a, b) => a.turn - b.turn)
    .map(({mutant}) => mutant);
}

function rankOf(text) {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * How many survivors a sample of `count` may have at most where `survived` of all `total` do: more
 * than that come up by chance in one of 10,000 samples (hypergeometric distribution).
 */
export function mostSurvivors({total, survived}, count) {
  const drawn = Math.min(count, total);
  const ways = (n, k) => (k < 0 || k > n ? -Infinity : logOf(n) - logOf(k) - logOf(n - k));
  let tail = 0; // the chance of more than `most`
  let most = Math.min(drawn, survived);
  for (; most > 0; most--) {
    const log = ways(survived, most) + ways(total - survived, drawn - most) - ways(total, drawn);
    tail += Math.exp(log);
    if (tail > ERROR) break;
  }
  return most;
}

/** The logarithm of the factorial. */
function logOf(n) {
  let sum = 0;
  for (let factor = 2; factor <= n; factor++) sum += Math.log(factor);
  return sum;
}
