// Byte chunks as a stream gives them, at the least cost there is: what a source costs is billed to
// every contender.

/** An async iterable; by hand, since a generator would cost more than some contenders do. */
export function asyncChunks(chunks) {
  let at = 0;
  return {
    next: () =>
      Promise.resolve(
        at < chunks.length ? {value: chunks[at++], done: false} : {value: undefined, done: true},
      ),
    return: () => Promise.resolve({value: undefined, done: true}),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A ReadableStream, for those that take nothing else. */
export function streamOf(chunks) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < chunks.length) controller.enqueue(chunks[at++]);
      else controller.close();
    },
  });
}

/** As much of a response as any contender looks at. */
export function responseOf(body) {
  const headers = new Headers({'content-type': 'text/event-stream'});
  return {ok: true, status: 200, url: 'http://127.0.0.1/', redirected: false, headers, body};
}
