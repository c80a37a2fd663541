// Starts server.mjs and waits until it listens.

import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

// Always Node, whichever runtime is under test: not every runtime can reset a socket on purpose.
const node = process.versions.bun || process.versions.deno ? 'node' : process.execPath;

/**
 * {url, other, log(run), open(run?), stop()}: two origins, the requests of a run, how many sockets
 * are open (of a run), the end.
 */
export async function startServer() {
  const child = spawn(node, [fileURLToPath(new URL('server.mjs', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const line = await new Promise((resolve, reject) => {
    createInterface({input: child.stdout}).once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`test/support/server.mjs ended early, with ${code}`)),
    );
  });
  const {port, other} = JSON.parse(line);
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path) => (await fetch(url + path)).json();
  return {
    url,
    other: `http://127.0.0.1:${other}`,
    log: (run) => ask(`/log?run=${encodeURIComponent(run)}`),
    open: (run) => ask(run === undefined ? '/open' : `/open?run=${encodeURIComponent(run)}`),
    stop() {
      child.stdin.end(); // the server ends when its stdin does, also when this process is killed
      return exited;
    },
  };
}
