// The files as they are, without a compiler: import './sse.ts' and './web-event-source.ts'.

import {join} from 'node:path';
import {EXPECTED} from './server.mjs';
import {HERE, MODULES, must, program, project, run, same, SOURCE, webSource} from './stranger.mjs';

const TESTS = join(HERE, '../node_modules'); // the runtimes that test/package.json names
export const NODE_20 = join(MODULES, 'node20/bin/node');
export const NODE_26 = join(TESTS, 'node26/bin/node');
export const DENO = join(TESTS, 'deno/deno');

const ENUM = {planted: 'export enum Planted {}', says: /ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX/};
const TYPE = {planted: `export const planted: number = '';`, says: /TS2322/};
const RUNTIMES = [
  {name: 'Node 22.18', path: join(MODULES, 'node22/bin/node'), ...ENUM},
  {name: 'Node 22', path: join(TESTS, 'node22/bin/node'), ...ENUM},
  {name: 'Node 24', path: join(MODULES, 'node24/bin/node'), ...ENUM},
  {name: 'Node 26', path: NODE_26, ...ENUM},
  {name: 'Bun', path: join(TESTS, 'bun/bin/bun'), args: ['run']}, // compiles anything
  {name: 'Deno', path: DENO, args: ['run', '--allow-net']},
  {name: 'Deno, checked', path: DENO, args: ['run', '--quiet', '--check', '--allow-net'], ...TYPE},
];
const PRINTS = `parsed 2\nasync ${EXPECTED}\nhttp ${EXPECTED}\nblocking ${EXPECTED}\nweb ${EXPECTED}\n`;

export function runtimes(url) {
  return {
    cells: RUNTIMES.flatMap(({name, path, args = [], planted, says}) => {
      const start = (row, source) => [
        path,
        [...args, 'main.ts', url],
        {
          cwd: project(`runtimes/${row}/${name}`, {
            'sse.ts': source,
            'web-event-source.ts': webSource('./sse.ts'),
            'main.ts': program('main.ts'),
            'package.json': {type: 'module'},
          }),
        },
      ];
      const runs = {
        row: 'parses, follows',
        column: name,
        async run() {
          const {stdout, stderr} = await must(...start('runs', SOURCE));
          same([stdout, stderr], [PRINTS, ''], 'what it prints and warns of');
          return 'ok';
        },
      };
      const fails = {
        row: 'planted: a fault',
        column: name,
        async run() {
          const {status, stderr} = await run(...start('planted', `${SOURCE}\n${planted}\n`));
          if (status === 0 || !says.test(stderr))
            throw new Error(`is not seen: ${status} ${stderr}`);
          return 'seen';
        },
      };
      return says ? [runs, fails] : [runs];
    }),
  };
}
