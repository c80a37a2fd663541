// The platform's own types go in as they are.
import {asyncConnect, EventSource} from './sse.js';
import type {AsyncSSEClient, Transport} from './sse.js';

export const transport: Transport = fetch;

export function follow(controller: AbortController): AsyncSSEClient[] {
  const {signal} = controller;
  return [
    asyncConnect(new URL('http://localhost/'), {transport: fetch, signal}),
    asyncConnect('http://localhost/', {headers: new Headers({a: 'b'}), signal}),
    asyncConnect('http://localhost/', {method: 'POST', body: new FormData()}),
    asyncConnect('http://localhost/', {method: 'POST', body: new Uint8Array(1)}),
    asyncConnect('http://localhost/', {transport: (url, init) => fetch(url, init)}),
  ];
}

export async function read(response: Response): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of EventSource.from(response)) seen.push(event.data);
  if (response.body) for await (const {id} of EventSource.from(response.body)) seen.push(id);
  return seen;
}
