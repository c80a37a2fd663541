// This release, and what its changelog says of those before it.

import {readFileSync} from 'node:fs';
import {VERSION} from '../sse.ts';
import {hashOf, inLF} from './mark.ts';
import type {CopiedFile} from './mark.ts';
import {Failure, systemReasonOf} from './text.ts';

interface Release {
  readonly version: string;
  /** The changes, without the heading. */
  readonly entries: string;
  /** Of its files, by name. */
  readonly hashes: Readonly<Record<string, string>>;
}

const texts = new Map<string, string>();

/** A file as this version has it: of the package, which dist/cli.js is in. */
export function releasedText(file: CopiedFile | 'CHANGELOG.md'): string {
  const text = texts.get(file) ?? readOwn(file);
  texts.set(file, text);
  return text;
}

function readOwn(name: string): string {
  try {
    return inLF(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
  } catch (error) {
    throw new Failure(`this package of ssekit is incomplete: ${name}: ${systemReasonOf(error)}`);
  }
}

/** As Keep a Changelog has them, or without brackets. */
const HEADING = /^## \[?(\d[^\]\s]*).*\n/gm;
const HASH = /^sha256:([\da-f]+) +(\S+)$/gm;

/** The releases of the changelog, from the last one on. */
function allReleases(): Release[] {
  const changelog = releasedText('CHANGELOG.md');
  const headings = [...changelog.matchAll(HEADING)];
  return headings.map(({0: heading, 1: version = '', index}, at) => {
    const section = changelog.slice(index + heading.length, headings[at + 1]?.index);
    const hashes = [...section.matchAll(HASH)].map(([, hash = '', name = '']) => [name, hash]);
    const entries = section.replace(/^```\w*\n(?:sha256:.*\n)+```$/gm, '').trim();
    return {version, entries, hashes: Object.fromEntries(hashes)};
  });
}

/**
 * The hash of a file of that version, as far as it is known here: of this version out of the
 * package, of one before it out of the changelog.
 */
export function releasedHash(version: string, file: CopiedFile): string | undefined {
  if (version === VERSION) return hashOf(releasedText(file), file);
  return allReleases().find((each) => each.version === version)?.hashes[file];
}

/** Lists the changes after that version, up to this one. */
export function entriesSince(version: string): string {
  return allReleases()
    .filter((each) => compareVersions(each.version, version) > 0)
    .filter((each) => compareVersions(each.version, VERSION) <= 0)
    .map((each) => `## ${each.version}\n\n${each.entries}\n`)
    .join('\n');
}

/** Below 0: the first one is older. By https://semver.org/#spec-item-11 */
export function compareVersions(one: string, other: string): number {
  const [core = [], before = []] = partsOf(one);
  const [otherCore = [], otherBefore = []] = partsOf(other);
  const ranks = compareParts(core, otherCore);
  if (ranks || !before.length || !otherBefore.length) {
    return ranks || otherBefore.length - before.length; // a release is above what led to it
  }
  return compareParts(before, otherBefore);
}

/** The numbers, and the identifiers of a version that leads to them. */
function partsOf(version: string): string[][] {
  const [, core = '', before] = /^([^+-]*)(?:-([^+]*))?/.exec(version) ?? [];
  return [core.split('.'), before?.split('.') ?? []];
}

function compareParts(one: readonly string[], other: readonly string[]): number {
  for (const [at, part] of one.entries()) {
    const opposite = other[at];
    if (opposite === undefined) return 1;
    const [isNumber, isOppositeNumber] = [/^\d+$/.test(part), /^\d+$/.test(opposite)];
    if (isNumber !== isOppositeNumber) return isNumber ? -1 : 1;
    const rank = isNumber ? +part - +opposite : +(part > opposite) - +(part < opposite);
    if (rank) return rank;
  }
  return one.length - other.length;
}
