import {asyncConnect} from './sse';

declare const process: {readonly argv: readonly string[]};

const seen = [];
for await (const {id, data} of asyncConnect(process.argv[2] ?? '')) seen.push(`${id}:${data}`);
console.log(...seen);
