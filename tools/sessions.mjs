// The terminal sessions of the pages, marked <!-- session -->, run as they stand there.
//
//   node tools/sessions.mjs            compares what they print with what the pages say
//   node tools/sessions.mjs --write    writes what they print into the pages
//
// A command that ends with & runs until its session ends. Port 8080 is another one here; times,
// waits and versions are compared as such, not by their value.

import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {readPages} from './pages.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MARKER = /<!-- session -->$/gm;
const SESSION = /(<!-- session -->\n```console\n)([\s\S]*?)(^```$)/gm;
const PORT = '8080';
const MOST_MS = 20_000;

/** [{text, commands}], in the order of the page. */
export const sessionsOf = (page) =>
  [...page.matchAll(SESSION)].map(([, , text]) => ({
    text,
    commands: [...text.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command),
  }));

const masked = (text) =>
  text
    .replace(/in \d+(?:\.\d)? (m?s)/g, 'in N $1')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\b\d+\.\d+\.\d+\b/g, 'VERSION');

/**
 * @param pages text by name
 * @param run `run(commands)` resolves with what each has printed
 */
export async function problemsOf(pages, run) {
  const problems = [];
  let count = 0;
  for (const [name, page] of Object.entries(pages)) {
    const sessions = sessionsOf(page);
    count += sessions.length;
    for (let lost = (page.match(MARKER)?.length ?? 0) - sessions.length; lost > 0; lost--) {
      problems.push(`${name}: no console block follows the marker of a session`);
    }
    for (const {text, commands} of sessions) {
      const printed = await printedBy(commands, run);
      if (masked(text) === masked(printed)) continue;
      problems.push(`${name}: a session is not as shown:\n${printed}`);
    }
  }
  return count ? problems : [...problems, 'no session is shown'];
}

/** The pages that have sessions, with what these print now. */
export async function written(pages, run) {
  const texts = {};
  for (const [name, page] of Object.entries(pages)) {
    const printed = [];
    for (const {commands} of sessionsOf(page)) printed.push(await printedBy(commands, run));
    if (!printed.length) continue;
    texts[name] = page.replace(SESSION, (_, head, __, tail) => head + printed.shift() + tail);
  }
  return texts;
}

async function printedBy(commands, run) {
  const outputs = await run(commands);
  return commands.map((command, at) => `$ ${command}\n${outputs[at]}`).join('');
}

/** Runs them with bash in a folder of their own, which has examples/ in it. */
export async function run(commands) {
  const folder = mkdtempSync(join(tmpdir(), 'ssekit-session-'));
  const background = [];
  try {
    mkdirSync(join(folder, '.bin'));
    symlinkSync(join(ROOT, 'dist/cli.js'), join(folder, '.bin/ssekit'));
    symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
    const port = await freePort();
    const outputs = [];
    for (const command of commands) {
      const [, text, isBackground] = /^(.*?)( &)?$/.exec(command.replaceAll(PORT, port));
      const child = bash(isBackground ? `exec ${text}` : text, folder);
      if (isBackground) background.push(child);
      const output = await (isBackground ? child.firstLine : child.ended);
      outputs.push(output.replaceAll(port, PORT));
    }
    return outputs;
  } finally {
    for (const {kill} of background) kill();
    rmSync(folder, {recursive: true, force: true});
  }
}

function bash(command, cwd) {
  const PATH = join(cwd, '.bin') + delimiter + process.env.PATH;
  const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], {
    cwd,
    env: {...process.env, PATH},
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: MOST_MS,
  });
  let output = '';
  let hasLine;
  const firstLine = new Promise((resolve) => (hasLine = resolve));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    if (output.includes('\n')) hasLine(output);
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
  void ended.then(hasLine, hasLine);
  return {ended, firstLine, kill: () => child.kill()};
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const {port} = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `${port}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) {
    const texts = await written(readPages(), run);
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(ROOT, name), text);
  } else {
    const problems = await problemsOf(readPages(), run);
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length ? 1 : 0;
  }
}
