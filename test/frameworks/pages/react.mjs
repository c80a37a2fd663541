// React: the hook of examples/use-events.mjs, and TanStack Query's streamedQuery.

import {
  QueryClient,
  QueryClientProvider,
  experimental_streamedQuery as streamedQuery,
  useQuery,
} from '@tanstack/react-query';
import {createElement, StrictMode, useState} from 'react';
import {createRoot} from 'react-dom/client';
import {asyncConnect} from 'ssekit';
import {useEvents} from '../../../examples/use-events.mjs';

function Hook({url}) {
  const [ids, setIds] = useState([]);
  const {state} = useEvents(url, ({id}) => setIds((old) => [...old, id]));
  return createElement('p', {id: 'events'}, `${state}: ${ids.join()}`);
}

function Query({url}) {
  const {data = [], fetchStatus} = useQuery({
    queryKey: [url],
    queryFn: streamedQuery({streamFn: ({signal}) => asyncConnect(url, {signal})}),
  });
  return createElement('p', {id: 'query'}, `${fetchStatus}: ${data.map(({id}) => id).join()}`);
}

export function mount(element, url) {
  const root = createRoot(element);
  const children = [Hook, Query].map((of) => createElement(of, {key: of.name, url}));
  const client = new QueryClient();
  root.render(
    createElement(StrictMode, null, createElement(QueryClientProvider, {client}, children)),
  );
  return () => root.unmount();
}
