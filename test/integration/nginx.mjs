// nginx with a configuration of ours, in a scratch folder, on ports of ours.
//
//   const nginx = await startNginx({port, http: `server { listen 127.0.0.1:${port}; … }`});
//   const old = await nginx.reload();      SIGHUP; the workers that it replaced
//   await nginx.kill();                    kill -9, master and workers
//   await nginx.start();                   again, on the same port
//
// Ends with this process, also when that is killed: the kernel tells the master (pdeathsig).

import {execFileSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {listens, scratch, start, until} from './processes.mjs';

/** Where Debian keeps them, and where other builds do. */
const MODULES = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules'];

/**
 * Ports below those that the kernel gives away: while a server is down nobody else gets its port,
 * and no client that tries to connect is given the very same one, and meets itself.
 */
const PORTS = {from: 20_000, to: 32_000};

/** A port that stays this server's while it is down. */
export async function serverPort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error(`no free port from ${PORTS.from} to ${PORTS.to}`);
}

/** A program that is told to end when this process does, however that happens. */
export function startBound(command, args, options) {
  return start('setpriv', ['--pdeathsig', 'TERM', command, ...args], options);
}

let ours;
/** What ends those that run. */
const running = new Set();

// Before the hook of processes.mjs: workers outlive a master that was killed.
process.prependOnceListener('exit', () => {
  for (const end of running) end();
});

/** nginx on `port`, with `http` inside its http block; `modules`: files to load. */
export async function startNginx({port, ...blocks}) {
  const {folder, file} = configure(blocks);
  let master;
  const workers = () => workersOf(master);
  const end = () => signalAll(master, 'SIGKILL');
  const nginx = {
    folder,
    port,
    url: `http://127.0.0.1:${port}`,
    workers,
    output: () => master.output(),
    async start() {
      master = await startBound('nginx', ['-e', 'stderr', '-c', file], {port});
      await until(() => workers().length, 'a worker of nginx');
      running.add(end);
    },
    /** Its workers are replaced: resolves with the old ones when the new ones run. */
    reload: () => replaced(workers, () => master.signal('SIGHUP')),
    /** Resolves when those workers are gone. */
    gone: (pids) => until(() => !workers().some((pid) => pids.includes(pid)), 'the old workers'),
    freeze: () => signalAll(master, 'SIGSTOP'),
    thaw: () => signalAll(master, 'SIGCONT'),
    /** Orderly, but without waiting for clients. */
    async stop() {
      running.delete(end);
      await master.stop();
    },
    async kill() {
      running.delete(end);
      end();
      await master.stop();
      await until(async () => !(await listens(port)), `nobody listening on ${port}`);
    },
    /** SIGKILL to the worker; resolves when the master has started another. */
    killWorker: () =>
      replaced(workers, (old) => {
        for (const pid of old) process.kill(pid, 'SIGKILL');
      }),
  };
  await nginx.start();
  return nginx;
}

/** What `act` does to those workers makes nginx start others: the old ones, once there are others. */
async function replaced(workers, act) {
  const old = workers();
  act(old);
  await until(() => workers().some((pid) => !old.includes(pid)), 'a new worker of nginx');
  return old;
}

/** A folder of its own, and the configuration in it. */
function configure({http, modules = [], main = ''}) {
  ours ??= scratch('nginx');
  const folder = mkdtempSync(join(ours, 'nginx-'));
  const file = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    file,
    `
    ${modules.map((name) => `load_module ${moduleFile(name)};`).join('\n')}
    daemon off;
    ${process.getuid() === 0 ? 'user root;' : ''} # the scratch folder is closed to others
    worker_processes 1;
    worker_rlimit_nofile 20000;
    pid ${folder}/nginx.pid;
    error_log stderr notice;
    ${main}
    events { worker_connections 10000; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      ${http}
    }
  `,
  );
  return {folder, file};
}

function workersOf({child: {pid}}) {
  const text = readIfThere(`/proc/${pid}/task/${pid}/children`);
  return text.split(' ').map(Number).filter(Boolean);
}

/** To the master first: it replaces workers. */
function signalAll(master, name) {
  const {child} = master;
  if (child.exitCode !== null || child.signalCode !== null) return; // another's id
  for (const pid of [child.pid, ...workersOf(master)]) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // gone by itself
    }
  }
}

function moduleFile(name) {
  const found = MODULES.map((folder) => join(folder, name)).find(existsSync);
  if (!found) throw new Error(`${name} is in none of ${MODULES.join(', ')}: see install.sh`);
  return found;
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Reset the live connections of a server on this machine, as a firewall or a router does that has
 * forgotten them. Gives how many there were. Needs root, and a kernel with INET_DIAG_DESTROY.
 */
export function resetSockets(port) {
  const args = ['-K', '-H', '-t', '-n', 'state', 'established', 'sport', '=', `:${port}`];
  const listed = execFileSync('ss', args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  const count = listed.split('\n').filter(Boolean).length; // ss lists only those it could close
  if (count) return count;
  throw new Error(`ss -K closed no connection of port ${port}: is there none, or can it not?`);
}
