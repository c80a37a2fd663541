// What the tests of the command line share: the built command as a child process, servers.

import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {createServer} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CLI = join(ROOT, 'dist/cli.js');
const MOST_MS = 30_000;

/** A folder that is gone when this process ends. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'ssekit-cli-'));
  process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

/**
 * Starts `ssekit ARGS`. {child, stdout(), stderr(), ended, until(test)}: what it has printed, its
 * {code, stdout, stderr}, and a promise of a moment at which its output passes a test.
 */
export function start(
  args,
  {input = '', env = {}, command = [process.execPath, CLI], cwd, most = MOST_MS} = {},
) {
  const [program, ...before] = command;
  const child = spawn(program, [...before, ...args], {
    cwd,
    env: {...process.env, NO_COLOR: '', ...env},
    timeout: most,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  let looks = [];
  const look = () => (looks = looks.filter((each) => !each()));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    look();
  });
  child.stdin.on('error', () => {}); // it may end before it has read all
  if (input !== null) child.stdin.end(input);
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({code: code ?? signal, stdout, stderr}));
  });
  const until = (test) =>
    new Promise((resolve, reject) => {
      const passes = () => {
        const isPassed = test(stdout, stderr);
        if (isPassed) resolve();
        return isPassed;
      };
      if (!passes()) looks.push(passes);
      ended.then(() => reject(new Error(`it ended: ${stderr}\n${stdout}`)), reject);
    });
  return {child, stdout: () => stdout, stderr: () => stderr, ended, until};
}

/** Runs `ssekit ARGS` to its end. */
export const ssekit = (args, options) => start(args, options).ended;

/** What stops each server that is up, in this process or in one of its own. */
const servers = new Set();

/** `ssekit replay ARGS`: {url, stop(), stderr()}. */
export async function startReplay(...args) {
  const {child, stdout, stderr, ended, until} = start(['replay', '--port', '0', ...args]);
  const stop = () => {
    servers.delete(stop);
    child.kill();
    return ended;
  };
  servers.add(stop);
  await until((text) => text.endsWith('\n'));
  return {url: stdout().trim(), stderr, stop};
}

/** A server in this process: {url, requests, stop()}; `answer(request, response, body, count)`. */
export async function serve(answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const {method, url, headers} = request;
    requests.push({method, url, headers, body});
    response.on('error', () => {});
    await answer(request, response, body, requests.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    servers.delete(stop);
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  servers.add(stop);
  return {url: `http://127.0.0.1:${server.address().port}/`, requests, stop};
}

/** Ends the servers of tests that failed half-way. */
export const stopAll = () => Promise.all([...servers].map((stop) => stop()));

export const SSE = {'content-type': 'text/event-stream'};
export const numbered = (n) => `id: ${n}\ndata: event ${n}\n\n`;
export const lines = (text) => text.split('\n').slice(0, -1);
export const objects = (text) => lines(text).map((line) => JSON.parse(line));
