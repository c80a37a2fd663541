// `process` and `Buffer` as sse.test.ts uses them, where there is no Node: see node-modules.mjs.

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
