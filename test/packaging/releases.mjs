// Releases of the project, made in a copy of it: by `npm version` and `npm pack`.

import {cpSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {must, project, ROOT} from './stranger.mjs';

const LEFT = new Set(['node_modules', '.git', '.build', '.site', 'results']);

/** A repository with all files of the project. */
export async function copyOfProject(name) {
  const cwd = project(name);
  cpSync(ROOT, cwd, {recursive: true, filter: (path) => !LEFT.has(basename(path))});
  symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'), 'junction');
  await git(cwd, 'init', '-q');
  await git(cwd, 'add', '.');
  await git(cwd, 'commit', '-qm', 'before');
  return cwd;
}

export function git(cwd, ...args) {
  return must('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {cwd});
}

/** Returns the version that it has now; `kind`: 'patch', 'minor', … */
export async function release(cwd, kind) {
  const {stdout} = await must('npm', ['version', kind, '--no-git-tag-version'], {cwd});
  return stdout.trim().split('\n').pop().replace(/^v/, '');
}

/** Returns the path of the tarball. */
export async function pack(cwd) {
  const {stdout} = await must('npm', ['pack', '--loglevel', 'error'], {cwd});
  return join(cwd, stdout.trim().split('\n').pop());
}

export function edit(cwd, file, from, to) {
  const text = readFileSync(join(cwd, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} holds no ${from}`);
  writeFileSync(
    join(cwd, file),
    text.replace(from, () => to),
  );
}
