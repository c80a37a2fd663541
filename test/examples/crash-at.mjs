// node --import ./crash-at.mjs: this process kills itself with SIGKILL before its n-th call to the
// file system (CRASH_AT=n) that stores a checkpoint; CRASH_AT=n+ does half of that call first.

import fs from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';

const at = parseInt(process.env.CRASH_AT, 10);
const isHalf = process.env.CRASH_AT.endsWith('+');
let calls = 0;

for (const name of ['writeFileSync', 'renameSync']) {
  const real = fs[name];
  fs[name] = (file, second, ...rest) => {
    if (++calls === at) {
      if (isHalf && name === 'writeFileSync') real(file, second.slice(0, second.length / 2));
      process.kill(process.pid, 'SIGKILL');
    }
    return real(file, second, ...rest);
  };
}
syncBuiltinESMExports();
