// Child processes: started by one function, each with a time limit, and ended by its own id.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

/** Runs a script of this folder; the JSON of its last line, or an Error. */
export function runScript({command: [program, ...args]}, script, options, limit) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, path, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, limit);
    child.stdout.setEncoding('utf8').on('data', (text) => output += text);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const lines = output.trim().split('\n').filter(Boolean);
      if (isLate) return reject(new Error(`${script}: more than ${limit} ms`));
      if (code !== 0) return reject(new Error(`${script}: ${signal ?? `exit ${code}`}`));
      resolve(JSON.parse(lines.at(-1)));
    });
  });
}
