// Written for an engine without async functions: the bundle stands before it.

const lines = [];
const say = (value) => lines.push(value);
const bytesOf = (text) => Uint8Array.from([].map.call(text, (char) => char.charCodeAt(0)));
const answer = (more) =>
  Promise.resolve({
    status: 200,
    headers: new Headers({'content-type': 'text/event-stream'}),
    ...more,
  });

// Expo's: a body with a reader. Each connection has two events, cut inside of the second.
const asked = [];
const streaming = (_url, {headers}) => {
  const from = Number(new Headers(headers).get('Last-Event-ID'));
  asked.push(from);
  const chunks = [
    `id: ${from + 1}\ndata: one\n\nid: ${from + 2}\nevent: price\nda`,
    'ta: two\n\n',
  ].map(bytesOf);
  const read = () =>
    Promise.resolve(chunks.length ? {done: false, value: chunks.shift()} : {done: true});
  const cancel = () => Promise.resolve();
  return answer({body: {getReader: () => ({read, cancel, releaseLock() {}})}});
};

// React Native's own: a text, when all of it is there.
const whole = () => answer({text: () => Promise.resolve('data: 1\n\n')});

say(parse('id: 1\ndata: a\r\ndata: €\n\n: x\n\nevent: e\ndata\n\n'));
follow(streaming, '6')
  .then((result) => {
    say(result);
    say(asked);
    return follow(whole);
  })
  .then((result) => {
    say(result);
    print(JSON.stringify(lines));
    leave();
  });
