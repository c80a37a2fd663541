// Node's fetch without its limits of 300 s, and without a dependency: an `init` for asyncConnect.
// fetch takes a dispatcher for each request, which here is the one it would take by itself, asked
// to wait for ever. It is found where undici keeps it: under .2 from Node 26 on, under .1 before.

const NAMES = ['undici.globalDispatcher.2', 'undici.globalDispatcher.1'];

/** Pass as `init: {dispatcher}`. */
export const dispatcher = {
  dispatch: (options, handler) => usual()
    .dispatch({...options, bodyTimeout: 0, headersTimeout: 0}, handler),
};

function usual() {
  return globalThis[Symbol.for(NAMES[0])] ?? globalThis[Symbol.for(NAMES[1])];
}

/** For tests: give all requests of this process those limits; the function returned ends that. */
export function limit(limits) {
  void new Request('http://localhost'); // Node 20 makes its dispatcher with the first of these
  const before = NAMES.map((name) => [Symbol.for(name), globalThis[Symbol.for(name)]])
    .filter(([, own]) => own);
  for (const [symbol, own] of before) {
    globalThis[symbol] = {
      dispatch: (options, handler) => own.dispatch({...limits, ...options}, handler),
    };
  }
  return () => before.forEach(([symbol, own]) => (globalThis[symbol] = own));
}
