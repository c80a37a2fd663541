// A React hook: const {state, error} = useEvents('/events', (event) => …);
// One connection for as long as the component is mounted, also in StrictMode.
import {useEffect, useRef, useState} from 'react';
import {asyncConnect} from 'ssekit';

/**
 * `state` is 'connecting', 'open', 'waiting' (to reconnect, after `error`) or 'closed' (for good;
 * with `error` if it failed). Another URL is another connection, made with the options as they are
 * then.
 */
export function useEvents(url, onEvent, options) {
  const [status, setStatus] = useState({state: 'connecting'});
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent; // a new function with each render is no new connection
  });

  useEffect(() => {
    let isMounted = true;
    const show = (status) => isMounted && setStatus(status);
    const client = asyncConnect(url, {
      ...options,
      onOpen: () => show({state: 'open'}),
      onRetry: ({error}) => show({state: 'waiting', error}),
    });

    async function follow() {
      show({state: 'connecting'});
      try {
        for await (const event of client) if (isMounted) latest.current(event);
        show({state: 'closed'});
      } catch (error) {
        show({state: 'closed', error});
      }
    }
    void follow();

    return () => {
      isMounted = false;
      void client.close(); // the socket, too
    };
  }, [url]);

  return status;
}
