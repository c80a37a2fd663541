// The slow reference, written from the specification's words and for nothing but being right: all
// of the text at once, one regular expression for the lines, one step of the standard at a time.

/** The events of a whole stream as `{event, data, id}`. */
export function parse(text) {
  const events = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  lines.pop(); // after the last end of line: nothing, or a line that was never finished
  let data = '';
  let type = '';
  let lastEventId = '';
  for (const line of lines) {
    if (line === '') {
      if (data !== '') {
        events.push({event: type || 'message', data: data.replace(/\n$/, ''), id: lastEventId});
      }
      data = type = '';
      continue;
    }
    const [, name, value = ''] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line);
    if (name === 'data') data += `${value}\n`;
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) lastEventId = value;
  }
  return events;
}

/** FNV-1a over all fields of all events: what the fixtures' test knows of each workload. */
export function checksum(events) {
  let hash = 0x811c9dc5;
  for (const {event, data, id} of events) {
    const text = `${event}\0${data}\0${id}\n`;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
