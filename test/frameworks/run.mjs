// node test/frameworks/run.mjs [FILE…]: the suites of this folder, on Node 26, which some of those
// packages want. First: node build.mjs, npm ci here and in test/examples and test/browsers, and its
// install.sh. Exit 1 if anything failed.

import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const {status} = spawnSync(
  path('node_modules/node26/bin/node'),
  ['--test', '--test-reporter=spec', ...process.argv.slice(2)],
  {cwd: path('.'), stdio: 'inherit'},
);
process.exitCode = status ?? 1;
