// A recording, cut into what is sent in one go.

import {EventParser} from '../sse.ts';
import {inputsOf} from './input.ts';
import type {Input} from './input.ts';
import {NOTHING, Seams, withoutBOM} from './lines.ts';
import {isRecording, timeOfLines, unescaped} from './recording.ts';
import {Impression} from './silence.ts';
import {Failure} from './text.ts';

/** A block, or a comment. */
export interface Block {
  readonly bytes: Uint8Array;
  /** ms to wait before it. */
  readonly gap: number;
  /** The last event ID once it was sent. */
  readonly id: string;
  readonly isEvent: boolean;
}

/**
 * Yields the parts of a recording, less its times; an unfinished one at its end is left out. Throws
 * Failure for a file without events.
 */
export async function blocksOf(file: string): Promise<Block[]> {
  const blocks: Block[] = [];
  let remark = '';
  for await (const input of inputsOf(file)) {
    const impression = new Impression();
    for await (const block of blocksIn(input, impression)) {
      if (block.isEvent) impression.events++;
      blocks.push(block);
    }
    remark ||= `${input.name}: ${impression.remark() ?? ''}`;
  }
  if (blocks.some(({isEvent}) => isEvent)) return blocks;
  throw new Failure(remark || `${file}: has no events`);
}

async function* blocksIn({chunks}: Input, impression: Impression): AsyncGenerator<Block> {
  const parser = new EventParser();
  let isOurs: boolean | undefined;
  let time: number | undefined;
  let gap = 0;
  for await (const piece of piecesOf(chunks, impression)) {
    isOurs ??= isRecording(piece); // the first one: a line of its time is a piece by itself
    const now = isOurs ? timeOfLines(piece) : undefined;
    if (now) {
      if (!now.begins && time !== undefined) gap += Math.max(0, now.ms - time);
      time = now.ms;
      continue;
    }
    const bytes = isOurs ? unescaped(piece) : piece;
    const isEvent = parser.feed(bytes).length > 0;
    yield {bytes, gap, id: parser.lastEventId, isEvent};
    gap = 0;
  }
}

/** Each ends where no event is open. */
async function* piecesOf(chunks: Input['chunks'], impression: Impression): AsyncGenerator<Buffer> {
  const seams = new Seams();
  let pending: Uint8Array[] = [];
  for await (const chunk of withoutBOM(chunks)) {
    impression.add(chunk);
    const ends: number[] = [];
    seams.find(chunk, (at) => ends.push(at));
    let start = 0;
    for (const end of ends) {
      yield Buffer.concat([...pending, chunk.subarray(start, end)]);
      pending = [NOTHING];
      start = end;
    }
    if (start < chunk.length) pending.push(Buffer.from(chunk.subarray(start)));
  }
}
