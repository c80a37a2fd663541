// Child processes: started here only, each with a time limit, and ended by its own id. They print
// one line of JSON for each result. A conversation takes one line of JSON for each question, too,
// and ends with its input, so that nothing outlives its parent.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

/** No colours and warnings among the results; Bun makes 256 connections unless it is told. */
const ENVIRONMENT = {
  NO_COLOR: '1',
  NODE_NO_WARNINGS: '1',
  BUN_CONFIG_MAX_HTTP_REQUESTS: '20000',
};

/** What a runtime needs on its command line to let a script collect its own garbage. */
const GC = {deno: ['--v8-flags=--expose-gc'], bun: []};

/** Runs a script of this folder to its end: its results, and whether its time ran out first. */
export async function runScript(runtime, script, options, limit) {
  const {child, onResult} = start(runtime, script, options, 'ignore');
  const results = [];
  onResult((result) => results.push(result));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, limit);
  const status = await ended(child);
  clearTimeout(timer);
  if (status !== 0 && !isLate) throw new Error(`${script}: ${status}`);
  return {results, isLate};
}

/** Starts a script that answers questions: `ask` one at a time, then `end`. */
export function converse(runtime, script, options, limit) {
  const {child, onResult} = start(runtime, script, options, 'pipe');
  let waiting;
  onResult((result) => waiting?.resolve(result));
  child.stdin.on('error', () => {}); // told by `ended`
  const end = ended(child).then((status) => {
    waiting?.reject(new Error(`${script}: ${status}`));
  });
  const answer = () =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), limit);
      const settle = (how) => (value) => {
        clearTimeout(timer);
        waiting = undefined;
        how(value);
      };
      waiting = {resolve: settle(resolve), reject: settle(reject)};
    });
  return {
    pid: child.pid,
    /** The first line, which comes unasked. */
    ready: answer(),
    ask(question) {
      const reply = answer();
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return reply;
    },
    end() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      return end.finally(() => clearTimeout(timer));
    },
  };
}

/** The server, which is always Node's: `origin`, and `end` as above. */
export async function startServer(limit) {
  const server = converse({name: 'node', command: [process.execPath]}, 'server.mjs', {}, limit);
  const {port} = await server.ready;
  return {origin: `http://127.0.0.1:${port}`, end: server.end};
}

/** The questions that a script of a conversation gets. */
export async function* questions() {
  const {createInterface} = await import('node:readline');
  for await (const line of createInterface({input: process.stdin})) yield JSON.parse(line);
}

export const answer = (result) => console.log(JSON.stringify(result));

function start({name, command: [program, ...args]}, script, options, input) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const flags = GC[name] ?? ['--expose-gc'];
  const child = spawn(program, [...args, ...flags, path, JSON.stringify(options)], {
    stdio: [input, 'pipe', 'inherit'],
    env: {...process.env, ...ENVIRONMENT},
  });
  return {
    child,
    onResult(take) {
      let rest = '';
      child.stdout.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        for (const line of lines) if (line.startsWith('{')) take(JSON.parse(line));
      });
    },
  };
}

function ended(child) {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? (code === 0 ? 0 : `exit ${code}`)));
  });
}
