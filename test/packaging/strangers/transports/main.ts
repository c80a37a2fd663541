// Follows URL/moved with the transport NAME: main.ts NAME URL
import {asyncConnect, type Transport} from './sse.ts';

const [name, url = ''] = process.argv.slice(2);
const {transport} = (await import(`./${name}.ts`)) as {transport: Transport};
const seen: string[] = [];
for await (const {id, data} of asyncConnect(`${url}moved`, {transport})) {
  seen.push(`${id}:${data}`);
}
console.log(...seen);
