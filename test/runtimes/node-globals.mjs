// `process` and `Buffer` as the tests use them, where there is no Node: see node-modules.mjs.

export {Buffer} from 'buffer';

export const process = {
  env: {SSE_TEST: 'pure'},
  versions: {},
  on: (_, listener) =>
    globalThis.addEventListener('unhandledrejection', (event) => {
      event.preventDefault();
      listener(event.reason);
    }),
  off() {},
};
