// The fetch of others as a transport: it type-checks as it is, and it works.

import {readdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {COMPILERS} from './compilers.mjs';
import {NODE_26} from './runtimes.mjs';
import {EXPECTED} from './server.mjs';
import {HERE, MODULES, must, program, project, same, SOURCE} from './stranger.mjs';

export function transports(url) {
  const files = readdirSync(join(HERE, 'strangers/transports'));
  const cwd = projectOf(files);
  const names = files.filter((file) => file !== 'main.ts').map((file) => file.replace('.ts', ''));
  return {
    cells: [
      ...names.map((name) => ({
        row: `${name}, on Node 26`,
        column: '',
        async run() {
          const {stdout, stderr} = await must(NODE_26, ['main.ts', name, url], {cwd});
          same([stdout, stderr], [`${EXPECTED}\n`, ''], 'what it prints');
          return 'ok';
        },
      })),
      ...COMPILERS.map(({name, folder}) => ({
        row: `types of all, TypeScript ${name}`,
        column: '',
        async run() {
          await must(process.execPath, [join(MODULES, folder, 'bin/tsc'), '-p', '.'], {cwd});
          return 'ok';
        },
      })),
    ],
  };
}

/** The folder of a project with those files, and with the packages of this folder. */
function projectOf(files) {
  const cwd = project('transports', {
    'sse.ts': SOURCE,
    ...Object.fromEntries(files.map((file) => [file, program(`transports/${file}`)])),
    'package.json': {type: 'module'},
    'tsconfig.json': {
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2022'],
        types: ['types-node26'],
        typeRoots: ['node_modules'],
        module: 'ESNext',
        moduleResolution: 'Bundler',
        strict: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        noEmit: true,
      },
      files,
    },
  });
  symlinkSync(MODULES, join(cwd, 'node_modules'), 'junction');
  return cwd;
}
