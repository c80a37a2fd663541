// The specification's own algorithm, step by step and without any haste: WHATWG HTML, "Server-sent
// events", https://html.spec.whatwg.org/multipage/server-sent-events.html. It knows nothing of
// sse.ts; what sse.ts does beyond the specification is marked "ours". It takes a whole stream:
// what a parser must have given after some chunks is what the steps give for those chunks alone.

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const NULL = 0x00;
const BOM = 0xfeff;

/**
 * "Streams must be decoded using the UTF-8 decode algorithm", which "strips one leading UTF-8 Byte
 * Order Mark (BOM), if any": bytes to code points. `stream`: a sequence that the end of the bytes
 * cuts off is no U+FFFD. It would be in a line that has no end, and so never count; but ours is
 * that lines without end count for `maxEventSize`, and that nobody tells a parser of the end.
 */
function decode(bytes) {
  return codePointsOf(new TextDecoder('utf-8').decode(bytes, {stream: true}));
}

/** A stream that is text already: `stream = [ bom ] *event` of the grammar. */
export function decodeText(text) {
  const codePoints = codePointsOf(text);
  return codePoints[0] === BOM ? codePoints.slice(1) : codePoints;
}

/**
 * Ours: chunks of bytes among chunks of text. Bytes in a row are one UTF-8 stream, which a text
 * ends, unless it is empty; the BOM is that of the whole.
 */
export function decodeChunks(chunks) {
  if (!chunks.some((chunk) => typeof chunk === 'string')) return decode(Buffer.concat(chunks));
  let text = '';
  let row = [];
  const utf8 = (stream) =>
    new TextDecoder('utf-8', {ignoreBOM: true}).decode(Buffer.concat(row), {stream});
  for (const chunk of chunks) {
    if (chunk === '') continue;
    if (typeof chunk === 'string') {
      text += utf8(false) + chunk;
      row = [];
    } else row.push(chunk);
  }
  return decodeText(text + utf8(true));
}

/**
 * "Parsing an event stream" and "interpreting an event stream".
 *
 * {events, comments, lastEventId, retry, isTooLarge}: events {event, data, id, retry}; comments
 * {text, after}, `after` being how many events came before; where the stream ends up.
 *
 * Ours: a retry and comments are shown; `lastEventId` and `retry` may be given to begin with; no
 * event may take more than `maxEventSize` code units.
 */
export function interpret(
  codePoints,
  {lastEventId = '', retry = undefined, maxEventSize = Infinity} = {},
) {
  // "When a stream is parsed, a data buffer, an event type buffer, and a last event ID buffer must
  // be associated with it. They must be initialized to the empty string." Ours: the last one not.
  let dataBuffer = [];
  let eventTypeBuffer = [];
  let lastEventIdBuffer = codePointsOf(lastEventId);
  let reconnectionTime = retry;
  let lastEventIdString = lastEventIdBuffer;
  let idOfBlock = []; // ours: what this block has put into the last event ID buffer
  const events = [];
  const comments = [];
  const result = (isTooLarge) => ({
    events,
    comments,
    lastEventId: stringOf(lastEventIdString),
    retry: reconnectionTime,
    isTooLarge,
  });

  // "Lines must be processed, in the order they are received, as follows:"
  const {lines, rest} = linesOf(codePoints);
  for (const line of lines) {
    if (line.length > 0 && isTooLarge(line)) return result(true);
    if (line.length === 0) {
      // "If the line is empty (a blank line): Dispatch the event, as defined below."
      dispatchTheEvent();
    } else if (line[0] === COLON) {
      // "If the line starts with a U+003A COLON character (:): Ignore the line."
      comments.push({text: stringOf(withoutSpace(line.slice(1))), after: events.length});
    } else if (line.includes(COLON)) {
      // "Collect the characters on the line before the first U+003A COLON character (:), and let
      // field be that string. Collect the characters on the line after the first … and let value
      // be that string. If value starts with a U+0020 SPACE character, remove it from value."
      const colon = line.indexOf(COLON);
      processTheField(stringOf(line.slice(0, colon)), withoutSpace(line.slice(colon + 1)));
    } else {
      // "Otherwise, the string is not empty but does not contain a U+003A COLON character (:):
      // Process the field …, using the whole line as the field name, and the empty string as the
      // field value."
      processTheField(stringOf(line), []);
    }
  }
  // "Once the end of the file is reached, any pending data must be discarded."
  return result(isTooLarge(rest));

  function processTheField(name, value) {
    if (name === 'event') {
      // "Set the event type buffer to the field value."
      eventTypeBuffer = value;
    } else if (name === 'data') {
      // "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF)
      // character to the data buffer."
      for (const codePoint of value) dataBuffer.push(codePoint);
      dataBuffer.push(LF);
    } else if (name === 'id') {
      // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the
      // field value. Otherwise, ignore the field."
      if (!value.includes(NULL)) {
        lastEventIdBuffer = value;
        idOfBlock = value;
      }
    } else if (name === 'retry') {
      // "If the field value consists of only ASCII digits, then interpret the field value as an
      // integer in base ten, and set the event stream's reconnection time to that integer.
      // Otherwise, ignore the field." No digits are no integer. Ours: at most 2^53-1.
      if (value.length > 0 && value.every((digit) => digit >= 0x30 && digit <= 0x39)) {
        const integer = BigInt(stringOf(value));
        const most = BigInt(Number.MAX_SAFE_INTEGER);
        reconnectionTime = Number(integer < most ? integer : most);
      }
    } // "Otherwise: The field is ignored."
  }

  function dispatchTheEvent() {
    // "1. Set the last event ID string of the event source to the value of the last event ID
    // buffer. The buffer does not get reset"
    lastEventIdString = lastEventIdBuffer;
    idOfBlock = [];
    // "2. If the data buffer is an empty string, set the data buffer and the event type buffer to
    // the empty string and return."
    if (dataBuffer.length === 0) {
      eventTypeBuffer = [];
      return;
    }
    // "3. If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the
    // last character from the data buffer."
    if (dataBuffer.at(-1) === LF) dataBuffer.pop();
    // "4. Let event be … 5. Initialize event's type attribute to "message", its data attribute to
    // data, …, and its lastEventId attribute to the last event ID string of the event source."
    const event = {
      event: 'message',
      data: stringOf(dataBuffer),
      id: stringOf(lastEventIdString),
      retry: reconnectionTime,
    };
    // "6. If the event type buffer has a value other than the empty string, change the type of the
    // newly created event to equal the value of the event type buffer."
    if (eventTypeBuffer.length > 0) event.event = stringOf(eventTypeBuffer);
    // "7. Set the data buffer and the event type buffer to the empty string."
    dataBuffer = [];
    eventTypeBuffer = [];
    // "8. Queue a task which, if the readyState attribute is set to a value other than CLOSED,
    // dispatches the newly created event"
    events.push(event);
  }

  // Ours: a line counts whole, and with it all that its block has buffered before it.
  function isTooLarge(line) {
    if (maxEventSize === Infinity) return false;
    const buffered = [line, dataBuffer.slice(0, -1), eventTypeBuffer, idOfBlock];
    const size = buffered.reduce((sum, text) => sum + stringOf(text).length, 0);
    return size > maxEventSize;
  }
}

/**
 * "The stream must then be parsed by reading everything line by line, with a U+000D CARRIAGE RETURN
 * U+000A LINE FEED (CRLF) character pair, a single U+000A LINE FEED (LF) character not preceded by
 * a U+000D CARRIAGE RETURN (CR) character, and a single U+000D CARRIAGE RETURN (CR) character not
 * followed by a U+000A LINE FEED (LF) character being the ways in which a line can end."
 */
export function linesOf(codePoints) {
  const lines = [];
  const ends = [];
  let line = [];
  for (let at = 0; at < codePoints.length; at++) {
    const codePoint = codePoints[at];
    if (codePoint !== CR && codePoint !== LF) {
      line.push(codePoint);
      continue;
    }
    const isPair = codePoint === CR && codePoints[at + 1] === LF;
    if (isPair) at++;
    lines.push(line);
    ends.push(isPair ? '\r\n' : String.fromCodePoint(codePoint));
    line = [];
  }
  return {lines, ends, rest: line};
}

function withoutSpace(value) {
  return value[0] === SPACE ? value.slice(1) : value;
}

/** Half a surrogate pair stays what it is: text that no bytes come to may hold one. */
function codePointsOf(text) {
  return Array.from(text, (character) => character.codePointAt(0));
}

export function stringOf(codePoints) {
  let text = '';
  for (const codePoint of codePoints) text += String.fromCodePoint(codePoint);
  return text;
}
