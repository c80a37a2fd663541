// use-events.mjs in real React, in happy-dom, against a real server.

import assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, it} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Window} from 'happy-dom';
import {until} from '../integration/processes.mjs';
import {formatEvent} from '../../dist/sse.js';
import {copies} from './copies.mjs';
import {numbered, openStream, serve} from './server.mjs';

const window = new Window();
Object.assign(globalThis, {window, document: window.document});
globalThis.navigator ??= window.navigator; // newer Nodes have one
const {createElement, StrictMode} = await import('react');
const {createRoot} = await import('react-dom/client');

// The hook's React tells which states were set: React itself says nothing about an unmounted one.
const updates = [];
globalThis.stateUpdates = updates;
mkdirSync(join(copies, 'node_modules/react'));
writeFileSync(
  join(copies, 'node_modules/react/index.mjs'),
  `
  import React from '${import.meta.resolve('react')}';
  export const {useEffect, useRef} = React;
  export function useState(initial) {
    const [value, set] = React.useState(initial);
    return [value, (next) => {
      globalThis.stateUpdates.push(next);
      set(next);
    }];
  }
`,
);
writeFileSync(join(copies, 'node_modules/react/package.json'), '{"exports": "./index.mjs"}');
const {useEvents} = await import(join(copies, 'use-events.mjs'));

/**
 * A server that keeps its streams open: `streams` are those whose sockets are open, `send(k)` is
 * event k to all. (An idle socket more is fetch's own: its pool makes one when a stream is cut.)
 */
async function startServer(answer = () => false) {
  const streams = new Set();
  const server = await serve((request, response) => {
    if (answer(request, response)) return;
    openStream(response);
    response.write('retry: 10\n\n');
    streams.add(response);
    response.socket.on('close', () => streams.delete(response));
  });
  const send = (k) => {
    for (const stream of streams) stream.write(formatEvent(numbered(k)));
  };
  return Object.assign(server, {streams, send});
}

/** What the hook says, as text. `got` are the events, for the newest render's function. */
function Prices({url, label, got, onEvent, onComment}) {
  const {state, error} = useEvents(
    url,
    (event) => {
      got.push(`${label} ${event.id}`);
      onEvent(event);
    },
    {onComment},
  );
  return `${label}: ${state}${error ? ` ${error.name}` : ''}`;
}

/** Makes `view`, which shows what the hook says: {got, render(props), shown(), unmount()}. */
function mount({strict = false, onEvent = () => {}, onComment} = {}) {
  const got = [];
  const container = window.document.createElement('div');
  const root = createRoot(container);
  const render = (props) => {
    const prices = createElement(Prices, {...props, got, onEvent, onComment});
    root.render(strict ? createElement(StrictMode, null, prices) : prices);
  };
  view = {got, render, shown: () => container.textContent, unmount: () => root.unmount()};
}

let server;
let view; // the one that is mounted
afterEach(async () => {
  view?.unmount();
  await server?.close();
});
const shows = (text) => until(() => view.shown() === text, `'${text}' is shown`, 5000);

for (const strict of [false, true]) {
  it(`one connection${strict ? ', though StrictMode mounts twice' : ''}`, async () => {
    server = await startServer();
    mount({strict});
    view.render({url: server.url, label: 'a'});
    await shows('a: open');
    server.send(1);
    await until(() => view.got.length === 1, 'event 1');
    view.render({url: server.url, label: 'b'}); // another function, the same connection
    await shows('b: open');
    server.send(2);
    await until(() => view.got.length === 2, 'event 2');
    assert.deepEqual(view.got, ['a 1', 'b 2']);
    assert.deepEqual([server.requests.length, server.streams.size], [1, 1]);

    const before = updates.length;
    assert(before > 0);
    view.unmount();
    await until(() => server.streams.size === 0, 'the socket is closed');
    await sleep(50); // what should not come has had its chance
    assert.deepEqual([updates.length, view.got.length, server.requests.length], [before, 2, 1]);
  });
}

it('a lost connection: waiting, then open, nothing lost', async () => {
  server = await startServer();
  mount();
  view.render({url: server.url, label: 'a'});
  await shows('a: open');
  server.send(1);
  await until(() => view.got.length === 1, 'event 1');
  const from = updates.length;
  for (const stream of server.streams) stream.socket.resetAndDestroy();
  await until(() => server.streams.size === 1 && server.requests.length === 2, 'a new connection');
  await shows('a: open');
  server.send(2);
  await until(() => view.got.length === 2, 'event 2');
  assert.equal(server.requests[1].headers['last-event-id'], '1');
  const states = updates.slice(from);
  assert.deepEqual(
    states.map(({state}) => state),
    ['waiting', 'open'],
  );
  assert(states[0].error instanceof Error);
});

it('another URL is another connection', async () => {
  server = await startServer();
  mount();
  view.render({url: `${server.url}a`, label: 'a'});
  await shows('a: open');
  view.render({url: `${server.url}b`, label: 'b'});
  await until(() => server.requests.length === 2 && server.streams.size === 1, 'one of the two');
  server.send(1);
  await until(() => view.got.length === 1, 'event 1');
  assert.deepEqual(
    server.requests.map(({url}) => url),
    ['/a', '/b'],
  );
});

it('unmounted by an event: the ones that came with it are not delivered', async () => {
  server = await startServer();
  mount({onEvent: ({id}) => id === '2' && view.unmount()});
  view.render({url: server.url, label: 'a'});
  await shows('a: open');
  const burst = [1, 2, 3, 4].map(numbered).map(formatEvent).join('');
  for (const stream of server.streams) stream.write(burst);
  await until(() => server.streams.size === 0, 'the socket is closed');
  assert.deepEqual(view.got, ['a 1', 'a 2']);
});

it('unmounted when an event is on its way from the client to the hook', async () => {
  server = await startServer();
  mount({onComment: () => queueMicrotask(() => view.unmount())});
  view.render({url: server.url, label: 'a'});
  await shows('a: open');
  for (const stream of server.streams) stream.write(`: comment\n${formatEvent(numbered(1))}`);
  await until(() => server.streams.size === 0, 'the socket is closed');
  assert.deepEqual(view.got, []);
});

it('unmounted while it waits to reconnect', async () => {
  server = await startServer();
  mount();
  view.render({url: server.url, label: 'a'});
  await shows('a: open');
  for (const stream of server.streams) stream.write('retry: 300\n\n');
  for (const stream of server.streams) stream.end(); // the socket stays, in fetch's pool
  await shows('a: waiting SSEError');
  view.unmount();
  const before = updates.length;
  await sleep(600); // longer than the wait
  assert.deepEqual([server.requests.length, updates.length], [1, before]);
});

for (const [status, text] of [
  [204, 'closed'],
  [500, 'closed SSEHTTPError'],
]) {
  it(`${status} is the end`, async () => {
    server = await startServer((_, response) => response.writeHead(status).end());
    mount();
    view.render({url: server.url, label: 'a'});
    await shows(`a: ${text}`);
    assert.equal(server.requests.length, 1);
  });
}
