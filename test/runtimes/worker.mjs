// The suites in workerd: each request runs the one that it names. hosts.mjs writes the
// configuration, which gives the modules these names.

import {behaviour} from './behaviour.mjs';
import * as sse from './sse.js';

export default {
  async fetch(request) {
    const {suite, world} = await request.json();
    if (suite === 'behaviour') return Response.json(await behaviour(sse, world));
    const {runTests} = await import('./pure.js');
    return Response.json(await runTests());
  },
};
