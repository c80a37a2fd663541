// The rows of behaviour.mjs in this process (Node, Bun, Deno): process.mjs LIBRARY WORLD, where
// LIBRARY is a file's URL and WORLD is JSON. Prints the results as JSON.

import {behaviour} from './behaviour.mjs';

const [library, world] = process.argv.slice(2);
console.log(JSON.stringify(await behaviour(await import(library), JSON.parse(world))));
