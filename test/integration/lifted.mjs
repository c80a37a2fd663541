// Node's fetch without its limits of 300 s, and without a dependency: an `init` for asyncConnect.
// fetch takes a dispatcher for each request, which here is the one it would take by itself, asked
// to wait for ever. undici keeps it on globalThis: since version 8 (Node 26) under a new name, as
// it takes other handlers there. The wrong one of the two may be there, too, if some module has
// imported undici from npm, and answers "invalid onRequestStart method".

const name = (version) => Symbol.for(`undici.globalDispatcher.${version}`);
const OWN = name(parseInt(process.versions.undici, 10) < 8 ? 1 : 2);

/** Pass as `init: {dispatcher}`. */
export const dispatcher = {
  dispatch: (options, handler) =>
    globalThis[OWN].dispatch({...options, bodyTimeout: 0, headersTimeout: 0}, handler),
};

/** For tests: give all requests of this process those limits; the function returned ends that. */
export function limit(limits) {
  void new Request('http://localhost'); // Node 20 makes its dispatcher with the first of these
  const own = globalThis[OWN];
  globalThis[OWN] = {
    dispatch: (options, handler) => own.dispatch({...limits, ...options}, handler),
  };
  return () => (globalThis[OWN] = own);
}
