import * as sse from './sse';

declare const process: {readonly argv: readonly string[]};

const url = process.argv[2] ?? '';
const seen = [];
for (const {id, data} of sse.connect(url)) seen.push(`${id}:${data}`);
const transport = sse.httpTransport();
for await (const {id, data} of sse.asyncConnect(url, {transport})) seen.push(`${id}:${data}`);
console.log(...seen, Object.keys(sse).length);
