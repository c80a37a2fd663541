// Where lines and blocks end in bytes, without decoding them.

export const LF = 10;
export const CR = 13;
export const COLON = 58;

/** Tells of a byte whether it ends a line. */
export function isEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

/** Pieces of lines: chunk[start, end). `after`: where the next line begins; 0: it goes on. */
type OnPiece = (start: number, end: number, after: number) => void;

/** Cuts bytes at the ends of lines: LF, CRLF or CR, which may themselves be cut. */
export class Lines {
  #afterCR = false;

  /** Returns where the chunk begins, past the LF of a CR before it. */
  scan(chunk: Uint8Array, onPiece: OnPiece): number {
    const begin = this.#afterCR && chunk[0] === LF ? 1 : 0;
    if (chunk.length) this.#afterCR = false;
    let lf = -1;
    let cr = -1;
    for (let start = begin; start < chunk.length; ) {
      if (lf < start) lf = orInfinity(chunk.indexOf(LF, start));
      if (cr < start) cr = orInfinity(chunk.indexOf(CR, start));
      const end = Math.min(lf, cr, chunk.length);
      let after = end + 1;
      if (end === chunk.length) after = 0;
      else if (cr < lf && after === chunk.length) this.#afterCR = true;
      else if (cr < lf && lf === after) after++;
      onPiece(start, end, after);
      start = after || chunk.length;
    }
    return begin;
  }
}

const orInfinity = (index: number) => (index < 0 ? Infinity : index);

/** Finds where no event is open: there a stream may be cut, and a comment put in. */
export class Seams {
  readonly #lines = new Lines();
  #isLineOpen = false;
  /** The block has a line that is no comment. */
  #isBlockOpen = false;

  /**
   * Calls with each such place in the chunk: all before it are whole blocks and comments. Returns
   * where the chunk begins, past the LF of a CR before it.
   */
  find(chunk: Uint8Array, onSeam: (at: number) => void): number {
    const begin = this.#lines.scan(chunk, (start, end, after) => {
      if (!this.#isLineOpen) {
        this.#isBlockOpen = end > start && (this.#isBlockOpen || chunk[start] !== COLON);
      }
      this.#isLineOpen = !after;
      if (after && !this.#isBlockOpen) onSeam(after);
    });
    if (begin && begin === chunk.length && !this.#isBlockOpen) onSeam(begin);
    return begin;
  }
}

/** Drops a byte order mark at the very start. */
export async function* withoutBOM(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const drop = dropBOM();
  for await (const chunk of chunks) yield drop(chunk);
}

export const BOM = Buffer.from('\ufeff');

export function dropBOM(): (chunk: Uint8Array) => Uint8Array {
  let head: Uint8Array | undefined = new Uint8Array(0);
  return (chunk) => {
    if (!head) return chunk;
    head = Buffer.concat([head, chunk]);
    const start = head.subarray(0, BOM.length);
    if (BOM.subarray(0, start.length).equals(start) && start.length < BOM.length) return NOTHING;
    const rest = BOM.equals(start) ? head.subarray(BOM.length) : head;
    head = undefined;
    return rest;
  };
}

export const NOTHING = new Uint8Array(0);

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Puts back what has been read of a source already, before the rest of it. */
export async function* chain<Bytes>(
  first: readonly Bytes[],
  rest: AsyncGenerator<Bytes>,
): AsyncGenerator<Bytes> {
  yield* first;
  yield* rest;
}
