// node bench/logs.mjs [--rounds N] [--megabytes N] [--write]: `ssekit parse` of large logs beside
// what people use instead, on Node 26. Whole processes, in turns; the table of docs/large-logs.md,
// which --write writes there. First: npm ci here and in test/, node build.mjs, and
// bash test/cli/install.sh as root.
//
// CPU is that of all processes, memory that of the largest one (threads are of their process).

import {execFileSync, spawnSync} from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {cpus, tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {median} from './figures.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = join(ROOT, 'test/node_modules/node26/bin/node');
const {values} = parseArgs({
  options: {
    rounds: {type: 'string', default: '3'},
    megabytes: {type: 'string', default: '1000'},
    write: {type: 'boolean'},
  },
});

const folder = mkdtempSync(join(tmpdir(), 'ssekit-logs-'));
process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
mkdirSync(join(folder, 'bin'));
symlinkSync(NODE, join(folder, 'bin/node'));
writeFileSync(join(folder, 'bin/ssekit'), `#!/bin/sh\nexec node ${ROOT}dist/cli.js "$@"\n`);
chmodSync(join(folder, 'bin/ssekit'), 0o755);

/** Events of each kind of log, by their number. */
const LOGS = {
  'LLM chunks': (n) =>
    `data: {"id":"chatcmpl-9xyz","object":"chat.completion.chunk","created":1700000000,`
    + `"model":"m","choices":[{"index":0,"delta":{"content":" word${n % 977}"},"finish_reason":null}]}\n\n`,
  'events with IDs': (n) =>
    `id: ${n}\nevent: step\ndata: {"build":7421,"step":${n},"text":"installed","seconds":2.1}\n\n`,
};

/** Commands that print each event, and those that print its data alone; FILE is the log. */
const COMMANDS = [
  ['JSON lines', 'ssekit parse FILE'],
  ['JSON lines', 'ssekit parse FILE --jobs 2'],
  [
    'JSON lines',
    'parallel --will-cite --keep-order -j 2 ssekit parse FILE --part {}/16 ::: {1..16}',
  ],
  ['data', 'ssekit parse FILE --data'],
  ['data', 'ssekit parse FILE --data --jobs 2'],
  [
    'data',
    'parallel --will-cite --pipepart --block 64M --recend "\\n\\n" --keep-order -j 2 -a FILE ssekit parse --data',
  ],
  ['data', "grep '^data: ' FILE | sed 's/^data: //'"],
  ['a field of the data', "grep '^data: ' FILE | sed 's/^data: //' | jq -c .OF"],
];

function makeLog(kind) {
  const path = join(folder, 'big.log');
  const fd = openSync(path, 'w');
  for (let n = 0, size = 0; size < values.megabytes * 1e6; ) {
    let text = '';
    for (const end = n + 5000; n < end; n++) text += LOGS[kind](n);
    size += writeSync(fd, text);
  }
  closeSync(fd);
  return path;
}

/** {seconds, cpu, megabytes} of a command of bash. */
function measure(command) {
  const figures = join(folder, 'figures');
  const env = {
    ...process.env,
    PATH: `${folder}/bin:${process.env.PATH}`,
    HOME: folder,
    LC_ALL: 'C',
  };
  const args = ['-o', figures, '-f', '%e %U %S %M', 'bash', '-c', `${command} > /dev/null`];
  const {status, stderr} = spawnSync('/usr/bin/time', args, {env, encoding: 'utf8'});
  if (status !== 0) throw new Error(`${command}: ${status} ${stderr}`);
  const [seconds, user, system, kilobytes] = readFileSync(figures, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  return {seconds, cpu: user + system, megabytes: kilobytes / 1000};
}

const table = ['| log | prints | command | s | CPU s | MB |', '|---|---|---|--:|--:|--:|'];
for (const kind of Object.keys(LOGS)) {
  const path = makeLog(kind);
  const commands = COMMANDS.map(([what, text]) => [
    what,
    text.replace('OF', kind === 'LLM chunks' ? 'created' : 'step'),
  ]);
  const runs = commands.map(() => []);
  for (let round = 0; round < values.rounds; round++) {
    for (const [at, [, text]] of commands.entries())
      runs[at].push(measure(text.replace('FILE', path)));
  }
  for (const [at, [what, text]] of commands.entries()) {
    const of = (name) => median(runs[at].map((run) => run[name]));
    const shown = text
      .replace('--will-cite ', '')
      .replaceAll('|', '\\|')
      .replace('FILE', 'big.log');
    table.push(
      `| ${kind} | ${what} | \`${shown}\` | ${of('seconds').toFixed(1)} | ${of('cpu').toFixed(1)} | ${of('megabytes').toFixed(0)} |`,
    );
  }
}
const node = execFileSync(NODE, ['--version'], {encoding: 'utf8'}).trim();
const about = `${values.megabytes} MB each; Node ${node.slice(1)}, ${cpus().length} cores; medians of ${values.rounds} runs, in turns.`;
console.log(`${about}\n\n${table.join('\n')}`);
if (values.write) {
  const page = join(ROOT, 'docs/large-logs.md');
  const text = readFileSync(page, 'utf8');
  const block = /(<!-- figures -->\n)[\s\S]*?(\n<!-- end of figures -->)/;
  if (!block.test(text)) throw new Error('the page has no place for figures');
  writeFileSync(
    page,
    text.replace(block, (_, start, end) => `${start}\n${about}\n\n${table.join('\n')}\n${end}`),
  );
}
