// node llm-gateway.mjs PORT UPSTREAM: the gateway between an LLM's API and its caller, and what
// gateways do to a stream. It forwards each request once, as it is. With `x-fault: KIND N` it
// passes N whole events on, then half of the next one (but for `end`), and waits. At SIGUSR2,
// which comes when the caller has read that far, it carries the fault out:
//
//   end    the clean end of the response, as proxies report a crashed server
//   fin    the connection is closed inside the response
//   reset  the connection is reset
//   hang   nothing, for 10 s, and then as `fin`: who does not notice must not wait for ever
//
// `x-fault: KIND N once` spares the later requests of the same `x-test-id`. It prints the id of
// each caller that left before its answer was whole.

import {createServer, request} from 'node:http';

const [port, upstream] = process.argv.slice(2);
const waiting = new Set();
const spared = new Set();

process.on('SIGUSR2', () => {
  for (const act of waiting) act();
  waiting.clear();
});

createServer(async (asked, answer) => {
  const id = asked.headers['x-test-id'];
  const [kind, count, once] = (asked.headers['x-fault'] ?? 'none').split(' ');
  const isFaulty = count !== undefined && !(once && spared.has(id));
  spared.add(id);
  answer
    .on('error', () => {})
    .on('close', () => {
      if (!answer.writableFinished && !answer.isCut) console.log(`left ${id}`);
    });

  const forwarded = request(new URL(asked.url, upstream), {
    method: asked.method,
    headers: asked.headers,
    agent: false,
  });
  forwarded.on('error', () => answer.destroy());
  answer.on('close', () => forwarded.destroy());
  asked.pipe(forwarded);
  forwarded.on('response', async (response) => {
    response.on('error', () => answer.destroy());
    answer.writeHead(response.statusCode, response.headers);
    if (!isFaulty) return response.pipe(answer);
    response.setEncoding('utf8');
    let text = '';
    for await (const part of response) text += part;
    const events = text.split(/(?<=\n\n)/);
    const whole = events.slice(0, Number(count)).join('');
    const half = kind === 'end' ? '' : events[count].slice(0, events[count].length / 2);
    answer.write(whole + half);
    if (kind === 'hang') return void setTimeout(() => answer.destroy(), 10_000).unref();
    const act = () => {
      answer.isCut = true;
      if (kind === 'end') answer.end();
      else if (kind === 'fin') answer.socket.end();
      else if (kind === 'reset') answer.socket.resetAndDestroy();
    };
    waiting.add(act);
    answer.on('close', () => waiting.delete(act));
  });
}).listen(Number(port), '127.0.0.1');
