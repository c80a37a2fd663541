// What runs in a React Native app: the vendored file, and a subscription over the fetch it is given.

import './globals';
import {asyncConnect, EventSource} from '../../../sse.ts';
import * as published from 'ssekit';

globalThis.console ??= {log: print, warn: print, error: print};

globalThis.parse = (text) =>
  [...new EventSource(text)].map(({id, event, data}) => ({id, event, data}));

globalThis.published = published.VERSION;

globalThis.follow = async (fetch, last) => {
  const got = [];
  try {
    const options = {transport: fetch, retryInterval: 10, until: ({id}) => id === last};
    for await (const {id, event, data} of asyncConnect('https://example.com/events', options)) {
      got.push({id, event, data});
    }
    return {got};
  } catch (error) {
    return {got, name: error.name, code: error.code, message: error.message, stack: error.stack};
  }
};
