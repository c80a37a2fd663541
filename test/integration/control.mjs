// A process that is told what to do in lines of JSON: {"n": 1, "call": "open", "with": [8080]} on
// its stdin, {"n": 1, "result": …} or {"n": 1, "error": "…"} on its stdout. What a blocking client
// talks to must live in another process: nothing on its own thread can answer it.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

/** Each line, ended by LF alone; readline may end one at U+2028, which JSON leaves as it is. */
export function onLine(stream, take) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    lines.forEach(take);
  });
}

/** In the child: answer calls until stdin ends, which it also does when the parent is killed. */
export function answer(functions) {
  onLine(process.stdin, async (line) => {
    const {n, call, with: args = []} = JSON.parse(line);
    let reply;
    try {
      reply = {n, result: await functions[call](...args)};
    } catch (error) {
      reply = {n, error: error?.stack ?? String(error)};
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  });
  process.stdin.once('close', () => process.exit());
}

/** In the parent: {call(name, …args), stop(), child}: a file of this folder as a process. */
export function launch(file, args = [], {execArgv = []} = {}) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [...execArgv, path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map();
  let last = 0;
  let ended;
  const exited = new Promise((resolve) => {
    const end = (why) => {
      if (ended) return;
      ended = new Error(`${file} ended: ${why}`);
      for (const {reject} of waiting.values()) reject(ended);
      resolve();
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal ?? `exit ${code}`));
  });
  child.stdin.on('error', () => {}); // the end of the process tells the same
  onLine(child.stdout, (line) => {
    const {n, result, error} = JSON.parse(line);
    const {resolve, reject} = waiting.get(n) ?? {};
    waiting.delete(n);
    if (error !== undefined) reject?.(new Error(`${file}: ${error}`));
    else resolve?.(result);
  });
  return {
    child,
    call: (name, ...rest) =>
      new Promise((resolve, reject) => {
        if (ended) throw ended;
        const n = ++last;
        waiting.set(n, {resolve, reject});
        child.stdin.write(`${JSON.stringify({n, call: name, with: rest})}\n`);
      }),
    stop() {
      child.stdin.end();
      return exited;
    },
  };
}
