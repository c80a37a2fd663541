// One connection for all tabs of a page: await follow('/events', (event) => …, {signal}). One tab holds
// the stream and passes it on; the others wait, and when that tab is closed, or killed, the next one
// goes on at its place. Each tab gets each event once, in order; the server must give all of them ids.
import {asyncConnect, SSEEvent} from 'ssekit';

const REMEMBERED = 500; // events that a tab can give to one that missed them

/**
 * Resolves when the server says that nothing more will come; rejects as the client's loop does, and
 * with the signal's reason. `onLead` is called when this tab takes the stream over. Listeners in one
 * tab may call it as well, each with a signal of its own.
 */
export async function follow(url, onEvent, {signal, onLead = () => {}, ...options} = {}) {
  const name = `events of ${new URL(url, location.href)}`;
  const channel = new BroadcastChannel(name);
  const recent = []; // the newest events, as {number, id, event, data}
  let place; // {number, id} of the newest, once it is known
  let isLeader = false;
  const end = new AbortController();
  signal = signal ? AbortSignal.any([signal, end.signal]) : end.signal;

  /** An event that is next, or was had, or is too early. */
  function take(next) {
    if (next.number !== place.number + 1) return next.number <= place.number;
    place = {number: next.number, id: next.id};
    recent.push(next);
    if (recent.length > REMEMBERED) recent.shift();
    onEvent(new SSEEvent(next.event, next.data, next.id));
    return true;
  }

  /** What the leader says: where it is, and what came last. */
  function catchUp(message) {
    place ??= message.place;
    for (const event of message.recent) take(event);
    if (place.number < message.place.number) {
      throw new Error('events are missing: this tab was suspended, or the stream began anew');
    }
  }

  const ask = () => channel.postMessage({kind: 'hello'});
  const tell = () => channel.postMessage({kind: 'here', place, recent});
  const handlers = {
    hello: () => isLeader && tell(),
    here: (message) => !isLeader && catchUp(message),
    event: ({event}) => {
      if (isLeader) return;
      place ??= {number: event.number - 1, id: ''};
      if (!take(event)) ask();
    },
  };
  channel.onmessage = ({data}) => {
    try {
      handlers[data.kind](data);
    } catch (error) {
      end.abort(error);
    }
  };
  ask();

  /** In the one tab that has the lock. */
  async function lead() {
    isLeader = true;
    // Beyond all numbers of an earlier stream: whoever is somewhere in that one notices.
    place ??= {number: Date.now() * 1000, id: options.lastEventId ?? ''};
    tell(); // what the last one said to some of them only
    onLead();
    const events = asyncConnect(url, {...options, signal, lastEventId: place.id});
    for await (const {event, data, id} of events) {
      const next = {number: place.number + 1, id, event, data};
      channel.postMessage({kind: 'event', event: next}); // the others first: who dies now loses nothing
      take(next);
    }
  }

  try {
    await navigator.locks.request(name, {signal}, lead);
  } finally {
    channel.close();
  }
}
