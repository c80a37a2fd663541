// In a web page: connect again at once, instead of after the wait, when the network or the tab is
// back. await follow('/events', (event) => …, {signal})
import {asyncConnect} from 'ssekit';

const ASLEEP = 60_000; // ms: hidden for longer, a tab may have slept and its connection be dead

export async function follow(url, onEvent, {page = document, network = window, ...options} = {}) {
  const events = asyncConnect(url, options);
  let hiddenSince = page.hidden ? Date.now() : Infinity;

  // The old connection went through the old network: it may hang, and nobody would say so.
  const onOnline = () => events.reconnect();
  const onVisibility = () => {
    const hasSlept = Date.now() - hiddenSince > ASLEEP;
    hiddenSince = page.hidden ? Date.now() : Infinity;
    // A live connection is left alone. Timers are late in a hidden tab: a wait is not.
    if (!page.hidden && (events.state === 'waiting' || hasSlept)) events.reconnect();
  };

  network.addEventListener('online', onOnline);
  page.addEventListener('visibilitychange', onVisibility);
  try {
    for await (const event of events) onEvent(event);
  } finally {
    network.removeEventListener('online', onOnline);
    page.removeEventListener('visibilitychange', onVisibility);
  }
}
