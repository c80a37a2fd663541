import axios from 'axios';
import type {Transport} from './sse.ts';

export const transport: Transport = async (url, {body, redirect, ...request}) => {
  const {status, headers, data} = await axios({
    ...request,
    url,
    data: body,
    adapter: 'fetch',
    fetchOptions: {redirect},
    responseType: 'stream',
    validateStatus: null,
  });
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    `${value}`,
  ]);
  return {status, headers: new Headers(pairs), body: data};
};
