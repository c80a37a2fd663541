// Where the suites run: each host is started, says which version it is, and gives the results of
// a suite, {name, ok, got, expected} each.

import {spawn} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {relative} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

const MOST_MS = 120_000; // for one suite

/** Node, Bun or Deno: `command` and its arguments. */
export async function startProcess([command, ...args]) {
  const {output} = await run(command, ['--version']);
  return {
    version: /\d+\.\d+\.\d+/.exec(output)?.[0],
    async behaviour({library}, world) {
      const script = fileURLToPath(new URL('process.mjs', import.meta.url));
      const {href} = pathToFileURL(library);
      const {output, status} = await run(command, [...args, script, href, JSON.stringify(world)]);
      if (status) throw new Error(`${status}\n${output}`);
      return JSON.parse(output);
    },
    stop() {},
  };
}

/** workerd as of a compatibility date, with these flags. */
export async function startWorkerd([command, date, ...flags], {library, pure}) {
  const {version, url, child} = await serveWorkerd(command, {
    folder: '.build/runtimes',
    date,
    flags,
    modules: {
      'worker.mjs': 'test/runtimes/worker.mjs',
      'behaviour.mjs': 'test/runtimes/behaviour.mjs',
      'sse.js': library,
      'pure.js': pure,
    },
    network: 'allow = ["private"]',
  });
  const ask = async (suite, world) => {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify({suite, world}),
      signal: AbortSignal.timeout(MOST_MS),
    });
    if (!response.ok) throw new Error(`workerd: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    version,
    behaviour: (_, world) => ask('behaviour', world),
    pure: () => ask('pure'),
    stop: () => child.kill(),
  };
}

/**
 * Starts workerd over `modules`, name to path, the first of which is its worker; `network` is what
 * that may reach. Its version, URL and process, which the caller ends.
 */
export async function serveWorkerd(command, {output: stdio = 'inherit', ...config}) {
  const {output} = await run(command, ['--version']);
  const child = spawn(command, ['serve', '--control-fd=3', writeWorkerd(config)], {
    stdio: ['ignore', stdio, stdio, 'pipe'],
  });
  const url = `http://127.0.0.1:${await portOfWorkerd(child)}/`;
  return {version: output.trim().split(' ').at(-1), url, child};
}

/** Its configuration, and where that is written. */
function writeWorkerd({folder, date, flags, modules, network}) {
  const file = `${folder}/workerd.capnp`;
  const list = Object.entries(modules).map(
    ([name, path]) => `(name = "${name}", esModule = embed "${relative(folder, path)}")`,
  );
  mkdirSync(folder, {recursive: true});
  writeFileSync(
    file,
    `
    using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "worker", worker = (
          modules = [${list.join(', ')}],
          compatibilityDate = "${date}",
          compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(', ')}],
          globalOutbound = "network",
        )),
        (name = "network", network = (${network})),
      ],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
    );`,
  );
  return file;
}

/** It tells that on its descriptor 3. */
function portOfWorkerd(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdio[3].setEncoding('utf8').on('data', (piece) => {
      text += piece;
      const found = /"port": *(\d+)/.exec(text);
      if (found) resolve(found[1]);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`workerd ended: ${signal ?? code}`)));
  });
}

/** A browser; its pages are those of test/support/server.mjs at `url`. */
export async function startBrowser([name], _, url) {
  const {launch} = await import('../browsers/browsers.mjs');
  const browser = await launch(name);
  const inPage = async (work, argument) => {
    const page = await browser.newPage();
    await page.goto(`${url}/page`);
    const results = await page.evaluate(work, argument);
    await page.close();
    return results;
  };
  return {
    version: /[\d.]+/.exec(await browser.version())[0],
    behaviour: ({library}, world) =>
      inPage(
        async ({library, world}) => {
          const {behaviour} = await import('/test/runtimes/behaviour.mjs');
          return behaviour(await import(library), world);
        },
        {library: `/${library}`, world},
      ),
    pure: ({pure}) => inPage(async (path) => (await import(path)).runTests(), `/${pure}`),
    worker: ({minified}, world) =>
      inPage(
        (message) =>
          new Promise((resolve, reject) => {
            const worker = new Worker('/test/runtimes/web-worker.mjs', {type: 'module'});
            worker.onmessage = ({data}) => resolve(data);
            worker.onerror = ({message}) => reject(new Error(`the worker failed: ${message}`));
            worker.postMessage(message);
          }),
        {library: `/${minified}`, world},
      ),
    stop: () => browser.close(),
  };
}

/** What a program prints, and how it ended: 0, or why not. */
export function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {...process.env, NO_COLOR: '1', ...env},
    });
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), MOST_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    }
    const end = (status) => {
      clearTimeout(timer);
      resolve({output, status});
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(code === 0 ? 0 : (signal ?? `exit ${code}`)));
  });
}
