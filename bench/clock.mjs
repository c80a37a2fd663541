/** µs of the wall clock: the one that all processes of a machine have in common. */
export const clock = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

/** CPU ms of this process, its engine's helpers included: what they collect is not free. */
export function cpuTime() {
  const {user, system} = process.cpuUsage();
  return (user + system) / 1000;
}
