/**
 * How many of `total` subscriptions a worker should follow that can follow `mine`, when all of those
 * that live can follow `capacities` (`mine` among them): as many as each other one, but what the
 * small ones cannot take goes to the large ones.
 */
export function shareOf(total, mine, capacities) {
  let left = total;
  const sorted = [...capacities].sort((a, b) => a - b);
  for (const [i, capacity] of sorted.entries()) {
    const each = Math.ceil(left / (sorted.length - i));
    if (capacity >= each) return Math.min(mine, each);
    left -= capacity;
  }
  return mine;
}
