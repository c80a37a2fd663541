// The tests' random numbers: the same ones for the same seed, in every run and on every machine.

/**
 * Random numbers out of a seed (mulberry32): `random(below)` is an integer 0 ≤ n < below.
 *
 * @param {number} seed
 */
export function randomFrom(seed) {
  let state = seed | 0;
  const bits = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const random = (/** @type {number} */ below) => bits() % below;
  /** A number 0 ≤ n < 1, as of Math.random(). */
  random.share = () => bits() / 2 ** 32;
  /** @type {<T>(list: readonly T[]) => T} */
  random.of = (list) => list[random(list.length)];
  /** True once out of that many times. */
  random.once = (/** @type {number} */ outOf) => random(outOf) === 0;
  /** @type {<T>(most: number, make: () => T) => T[]} */
  random.times = (most, make) => Array.from({length: random(most + 1)}, make);
  return random;
}
