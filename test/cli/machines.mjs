// node test/cli/machines.mjs: the recipes of docs/large-logs.md, run as they stand there. GNU
// parallel over two SSH servers on 127.0.0.1, with keys and settings of their own; the scripts of
// Slurm and Kubernetes part by part, as those would start them. First: bash test/cli/install.sh,
// node build.mjs, npm ci in test/. As root: a server of SSH takes users no other way.

import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {userInfo} from 'node:os';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {Job} from 'kubernetes-models/batch/v1';
import {parse as parseYAML} from 'yaml';
import {freePort} from '../integration/processes.mjs';
import {CLI, ROOT, scratch, ssekit} from './run.mjs';

const PAGE = readFileSync(join(ROOT, 'docs/large-logs.md'), 'utf8');
const PARTS = 32;

/** The code that the page shows after that marker. */
function recipe(name) {
  const found = new RegExp(
    `^<!-- recipe: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)^\`\`\`$`,
    'm',
  ).exec(PAGE);
  assert.ok(found, `the page has no recipe ${name}`);
  return found[1];
}

const folder = scratch();
const bin = join(folder, 'bin');
mkdirSync(bin);
symlinkSync(CLI, join(bin, 'ssekit'));
symlinkSync(process.execPath, join(bin, 'node'));
const PATH = `${bin}:${process.env.PATH}`;

/** A log in which IDs hold for later events, and what it prints. */
const LOG = join(folder, 'big.log');
writeFileSync(
  LOG,
  Array.from(
    {length: 60_000},
    (_, n) => `${n % 1000 ? '' : `id: ${n}\nretry: ${n}\n`}data: {"n":${n},"text":"é"}\n\n`,
  ).join(''),
);
const WHOLE = (await ssekit(['parse', LOG])).stdout;

const bash = (script, env = {}) =>
  ssekit(['-c', script], {command: ['bash'], cwd: folder, env: {PATH, ...env}, most: 60_000});

// ── SSH ─────────────────────────────────────────────────────────────────────────────────────────

const HOSTS = ['one', 'two'];
const servers = [];
after(() => {
  for (const {kill} of servers) kill();
});

/** A server of SSH: {port, log()}. */
async function startServer(name) {
  const port = await freePort();
  const key = join(folder, `${name}.key`);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const settings = join(folder, `${name}.sshd`);
  writeFileSync(
    settings,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${key}
AuthorizedKeysFile ${join(folder, 'user.key.pub')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv PATH=${bin}-${name}:${PATH}
`,
  );
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      log += text;
      if (log.includes('Server listening')) resolve();
    });
    child.once('error', reject).once('exit', () => reject(new Error(`sshd has ended: ${log}`)));
  });
  const server = {name, port, log: () => log, kill: () => child.kill()};
  servers.push(server);
  return server;
}

/** Two servers, and a `ssh` that finds them by their names. */
async function startServers() {
  mkdirSync('/run/sshd', {recursive: true, mode: 0o755});
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'user.key')]);
  for (const name of HOSTS) await startServer(name);
  const hosts = servers.map(
    ({name, port}) => `Host ${name}
  HostName 127.0.0.1
  Port ${port}
  HostKeyAlias ${name}
  User ${userInfo().username}
  IdentityFile ${join(folder, 'user.key')}
  IdentitiesOnly yes
  UserKnownHostsFile ${join(folder, 'known')}
  StrictHostKeyChecking yes
`,
  );
  writeFileSync(join(folder, 'ssh.config'), hosts.join(''));
  const known = HOSTS.map(
    (name) => `${name} ${readFileSync(join(folder, `${name}.key.pub`), 'utf8')}`,
  );
  writeFileSync(join(folder, 'known'), known.join(''));
  writeFileSync(
    join(bin, 'ssh'),
    `#!/bin/sh\nexec /usr/bin/ssh -F ${join(folder, 'ssh.config')} "$@"\n`,
  );
  chmodSync(join(bin, 'ssh'), 0o755);
}

/** The command that a host has, which may be another one for a while. */
function setCommand(host, script) {
  const path = join(`${bin}-${host}`, 'ssekit');
  mkdirSync(`${bin}-${host}`, {recursive: true});
  rmSync(path, {force: true});
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

const overSSH = () =>
  bash(
    recipe('ssh').replace('parallel ', 'parallel --will-cite ').replaceAll('/logs/big.log', LOG),
    {
      PARALLEL_SSH: join(bin, 'ssh'),
      HOME: folder,
    },
  );

test('GNU parallel over SSH: two machines, the bytes of one process', async () => {
  await startServers();
  const real = `#!/bin/sh\necho "$@" >> ${folder}/$(basename "$(dirname "$0")").runs\nexec ${process.execPath} ${CLI} "$@"\n`;
  for (const host of HOSTS) setCommand(host, real);
  const {code, stderr} = await overSSH();
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(readFileSync(join(folder, 'events.jsonl'), 'utf8'), WHOLE);
  const runs = HOSTS.map(
    (host) => readFileSync(join(folder, `bin-${host}.runs`), 'utf8').split('\n').length - 1,
  );
  assert.equal(runs[0] + runs[1], 16);
  assert.ok(runs[0] && runs[1], `parts of each: ${runs}`);
  for (const {log} of servers) assert.match(log(), /Accepted publickey/);
});

test('a part that is killed half-way and run again', async () => {
  // the first time that a host has part 5 or 11, it prints some of it and is killed
  for (const host of HOSTS) {
    setCommand(
      host,
      `#!/bin/bash
for part in 5 11; do
  if [ "$4" = "$part/16" ] && mkdir ${folder}/killed-$part 2> /dev/null; then
    ${process.execPath} ${CLI} "$@" | head -c 20000
    kill -9 $$
  fi
done
exec ${process.execPath} ${CLI} "$@"
`,
    );
  }
  const {code, stderr} = await overSSH();
  assert.equal(code, 0, stderr);
  assert.equal(readFileSync(join(folder, 'events.jsonl'), 'utf8'), WHOLE);
  for (const part of [5, 11]) rmSync(join(folder, `killed-${part}`), {recursive: true}); // they were
});

test('GNU parallel on this machine', async () => {
  const here = recipe('ssh').replace('--sshlogin one,two ', '--will-cite ');
  const {code, stderr} = await bash(here.replaceAll('/logs/big.log', LOG));
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(readFileSync(join(folder, 'events.jsonl'), 'utf8'), WHOLE);
});

// ── Slurm and Kubernetes ────────────────────────────────────────────────────────────────────────

/** Runs a script once for each index, four at a time, and puts together what it has made. */
async function runIndexed(script, name, indices) {
  const logs = join(folder, name);
  mkdirSync(logs);
  symlinkSync(LOG, join(logs, 'big.log'));
  const waiting = [...indices];
  await Promise.all(
    Array.from({length: 4}, async () => {
      for (let index; (index = waiting.shift()) !== undefined; ) {
        const variable = {slurm: 'SLURM_ARRAY_TASK_ID', kubernetes: 'JOB_COMPLETION_INDEX'}[name];
        const result = await bash(script.replaceAll('/logs', logs), {[variable]: `${index}`});
        assert.deepEqual(result, {code: 0, stdout: '', stderr: ''});
      }
    }),
  );
  const {stdout} = await bash(`cat ${logs}/part-{1..${PARTS}}.jsonl`);
  return stdout;
}

test('a Slurm array', async () => {
  const script = recipe('slurm');
  const [, first, last] = /^#SBATCH --array=(\d+)-(\d+)$/m.exec(script);
  assert.deepEqual([first, last, /^PARTS=(\d+)$/m.exec(script)[1]], ['1', `${PARTS}`, `${PARTS}`]);
  assert.ok(PAGE.includes(`cat /logs/part-{1..${PARTS}}.jsonl`));
  const indices = Array.from({length: PARTS}, (_, at) => at + 1);
  assert.equal(await runIndexed(script, 'slurm', indices), WHOLE);
});

test('a Kubernetes indexed Job', async () => {
  const job = new Job(parseYAML(recipe('kubernetes')));
  job.validate();
  assert.throws(() => new Job({...job.toJSON(), spec: {...job.spec, completions: 'x'}}).validate());
  const {completions, completionMode, template} = job.spec;
  assert.deepEqual([completions, completionMode], [PARTS, 'Indexed']);
  const [{command}] = template.spec.containers;
  assert.deepEqual(command.slice(0, 2), ['bash', '-c']);
  const script = command[2].replace(/npx --yes ssekit@[\d.]+/, 'ssekit');
  assert.notEqual(script, command[2]);
  assert.equal(await runIndexed(script, 'kubernetes', Array(PARTS).keys()), WHOLE);
});
