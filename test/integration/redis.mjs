// Redis in a scratch folder, on a port of its own.

import {mkdtempSync} from 'node:fs';
import {join} from 'node:path';
import {serverPort, startBound} from './nginx.mjs';
import {scratch} from './processes.mjs';

let ours;

/** {port, url, pid, kill(), start(), stop()}; `appendonly`: 'yes' for one that remembers when it is killed. */
export async function startRedis({appendonly = 'no'} = {}) {
  ours ??= scratch('redis');
  const port = await serverPort();
  const settings = {
    port,
    appendonly,
    bind: '127.0.0.1',
    save: '',
    dir: mkdtempSync(join(ours, 'redis-')),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  let server;
  const redis = {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server.child.pid;
    },
    async start() {
      server = await startBound('redis-server', args, {port});
    },
    kill: () => server.stop('SIGKILL'),
    stop: () => server.stop(),
  };
  await redis.start();
  return redis;
}
