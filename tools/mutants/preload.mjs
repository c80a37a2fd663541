// Loaded before the tests. Ends them at the first one that fails, since that decides: their
// reporter would tell much later, for tests that wait for nothing leave it no turn to print. And
// says at the end what they cost.

import {writeSync} from 'node:fs';
import {afterEach} from 'node:test';

afterEach(({passed}) => {
  if (!passed) process.exit(1);
});

process.on('exit', () => {
  const {user, system} = process.cpuUsage();
  writeSync(1, `\n# cpu ${Math.ceil((user + system) / 1e6)}\n`); // seconds
});
