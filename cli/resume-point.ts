// The last event ID on disk: what --resume keeps.

import {isUtf8} from 'node:buffer';
import {statSync} from 'node:fs';
import {claim, releaseIdentity} from './claim.ts';
import {
  contentOf,
  fileFailure,
  mustNotBeOutput,
  placeOf,
  removeLeftovers,
  replaceContent,
  shownName,
} from './files.ts';
import {Failure} from './text.ts';

export class ResumePoint {
  #id: string;
  readonly #file: string;
  /** Without links, so that a link stays one. */
  readonly #path: string;

  private constructor(file: string, path: string, id: string) {
    this.#file = file;
    this.#path = path;
    this.#id = id;
    this.#write(id); // now, not after the first event, it is to be found out that it fails
  }

  static async open(file: string): Promise<ResumePoint> {
    const place = placeOf(file);
    mustNotBeOutput(file, place.identity);
    await claim(file, place);
    const id = idIn(file, place.path);
    removeLeftovers(place.path);
    releaseIdentity(place); // with the first write it is another file
    return new ResumePoint(file, place.path, id);
  }

  get id(): string {
    return this.#id;
  }

  /** Reports that event as written. The file always has a whole ID: the one before, or this. */
  set(id: string): void {
    if (id === this.#id) return;
    this.#id = id;
    this.#write(id);
  }

  #write(id: string): void {
    try {
      replaceContent(this.#path, id);
    } catch (error) {
      throw fileFailure(this.#file, error);
    }
  }
}

/** Throws Failure for a file that is something else: it would be overwritten. */
function idIn(file: string, path: string): string {
  const stats = statSync(path, {throwIfNoEntry: false});
  if (!stats) return '';
  if (!stats.isFile() && !stats.isDirectory()) throw notAnID(file);
  const content = contentOf(path);
  const id = content.toString().replace(/\r?\n$/, '');
  if (!isUtf8(content) || /[\0\r\n]/.test(id)) throw notAnID(file);
  return id;
}

function notAnID(file: string): Failure {
  return new Failure(
    `${shownName(file)}: holds something other than one event ID and would be overwritten;`
      + ' choose another file for --resume',
  );
}
