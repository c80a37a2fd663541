// Where the frames of zstd data end (RFC 8878, section 3.1).

/**
 * Cuts zstd data where its frames end. Given more than one at a time, Node before 26 and Deno
 * unpack the first and drop the others; some take one that is cut for whole.
 */
export class Frames {
  isOpen = false;
  #item = Buffer.alloc(0);
  readonly #layout = frameLayout();
  #part = this.#layout.next().value;

  *cut(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      const end = Math.min(chunk.length, at + this.#part.size - this.#item.length);
      this.isOpen = true;
      if (this.#part.kind === 'read') {
        this.#item = Buffer.concat([this.#item, chunk.subarray(at, end)]);
        if (this.#item.length === this.#part.size) this.#begin();
      } else {
        this.#part = {...this.#part, size: this.#part.size - (end - at)};
      }
      at = end;
      while (!this.#part.size) this.#begin();
      if (this.isOpen) continue;
      yield chunk.subarray(start, at);
      start = at;
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  #begin(): void {
    this.#part = this.#layout.next(this.#item).value;
    this.#item = Buffer.alloc(0);
    if (this.#part.kind === 'end') this.isOpen = false;
  }
}

interface Part {
  readonly kind: 'read' | 'skip' | 'end';
  readonly size: number;
}

function* frameLayout(): Generator<Part, never, Buffer> {
  const read = (size: number): Part => ({kind: 'read', size});
  const skip = (size: number): Part => ({kind: 'skip', size});
  for (;;) {
    const magic = (yield read(4)).readUInt32LE();
    if (magic >>> 4 === 0x184d2a5) {
      // skippable
      yield skip((yield read(4)).readUInt32LE());
    } else if (magic === 0xfd2fb528) {
      const flags = (yield read(1)).readUInt8();
      const isSingle = (flags >> 5) & 1;
      const sizeBytes = flags >> 6 ? 1 << (flags >> 6) : isSingle;
      yield skip(1 - isSingle + ((1 << (flags & 3)) >> 1) + sizeBytes);
      for (let isLast = 0; !isLast; ) {
        const block = (yield read(3)).readUIntLE(0, 3);
        isLast = block & 1;
        yield skip(((block >> 1) & 3) === 1 ? 1 : block >> 3);
      }
      if (flags & 4) yield skip(4);
    } else throw damagedFrame('no frame begins here');
    yield {kind: 'end', size: 0};
  }
}

export function damagedFrame(message: string): Error {
  return Object.assign(new Error(message), {code: 'Z_DATA_ERROR'});
}
