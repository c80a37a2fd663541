// The rows of behaviour.mjs in a browser's worker.

import {behaviour} from './behaviour.mjs';

addEventListener('message', async ({data: {library, world}}) => {
  postMessage(await behaviour(await import(library), world));
});
