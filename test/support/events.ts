// Events as the tests write and compare them, and the streams that they come from.

import {EventParser} from '../../sse.ts';

export type Chunk = string | Uint8Array;

export interface Fields {
  readonly event: string;
  readonly data: string;
  readonly id: string;
  readonly retry: number | undefined;
}

/** What there is to know about where a source stands. */
export interface Place {
  readonly lastEventId: string;
  readonly retry: number | undefined;
}

/** An expected event. */
export function e(data: string, {event = 'message', id = '', retry}: Partial<Fields> = {}): Fields {
  return {event, data, id, retry};
}

export function plain({event, data, id, retry}: Fields): Fields {
  return {event, data, id, retry};
}

/** All of a source's events in one line of text: cheaper to compare than objects. */
export function keyOf(events: readonly Fields[], {lastEventId, retry}: Place): string {
  const all = events.map((each) => [each.event, each.data, each.id, each.retry ?? 'none']);
  return JSON.stringify([all, lastEventId, retry ?? 'none']);
}

export function parse(
  text: string,
  options?: ConstructorParameters<typeof EventParser>[0],
): Fields[] {
  return new EventParser(options).feed(text).map(plain);
}

/** Text as the bytes of its UTF-8. */
export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Bytes that are written as text: each unit is one, for what no text comes to. */
export const binary = (text: string) => Uint8Array.from(text, (unit) => unit.charCodeAt(0));

/** Pieces of `size` units, with empty ones between. */
export function cut<T extends Chunk>(chunk: T, size: number): T[] {
  const empty = chunk.slice(0, 0) as T;
  const pieces = [empty];
  for (let at = 0; at < chunk.length; at += size) {
    pieces.push(chunk.slice(at, at + size) as T, empty);
  }
  return pieces;
}

/** A text of that many units. */
export const x = (count: number) => 'x'.repeat(count);

/** Everything that a source gives. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

export function streamOf<T>(items: Iterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.iterator]();
  return new ReadableStream<T>({
    pull(controller) {
      const {done, value} = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

export function* generate<T>(items: Iterable<T>): Generator<T> {
  yield* items;
}
