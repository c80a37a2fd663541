// Where every contender's events go: counted, and their data looked into, which also makes an
// engine put together a text that a parser left in parts.

export function makeSink() {
  const tally = {count: 0, sum: 0};
  let kept;
  const onEvent = (event, type) => {
    const {data} = event;
    tally.count++;
    tally.sum = (Math.imul(tally.sum, 31) + data.length + data.charCodeAt(data.length - 1)) | 0;
    if (kept) kept.push([event, type]);
  };
  return {
    tally,
    onEvent,
    /** From here on also keep the events: to be compared in full, outside any measurement. */
    keep: () => (kept = []),
    /** What was kept, in the form of the workloads: peers have three names for the type. */
    take() {
      const events = kept.map(([event, type = event.event ?? event.type]) => ({
        event: type || 'message',
        data: event.data,
        id: String(event.id ?? event.lastEventId ?? ''),
      }));
      kept = undefined;
      return events;
    },
    reset() {
      tally.count = tally.sum = 0;
    },
  };
}

/** What the tally must be after these events. */
export function tallyOf(events) {
  const {tally, onEvent} = makeSink();
  for (const event of events) onEvent(event);
  return {...tally};
}
