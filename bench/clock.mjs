/** µs of the wall clock: the one that all processes of a machine have in common. */
export const clock = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
