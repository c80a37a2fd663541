import fetch, {type BodyInit} from 'node-fetch';
import type {Transport} from './sse.ts';

// It sends an ArrayBuffer, too, but its types do not say so.
export const transport: Transport = (url, {body, ...request}) =>
  fetch(url, {...request, ...(body !== undefined && {body: body as BodyInit})});
