// A chat with an Ollama server, which streams JSON lines: node ollama.mjs URL MODEL "question"
import {jsonLines} from 'ssekit';

const [url, model, content] = process.argv.slice(2);
try {
  const response = await fetch(new URL('/api/chat', url), {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({model, messages: [{role: 'user', content}]}),
  });
  if (!response.ok) throw new Error(`HTTP status ${response.status}: ${await response.text()}`);
  let isWhole = false;
  for await (const {message, done, error} of jsonLines(response)) {
    if (error) throw new Error(error); // after the 200: the model crashed, say
    process.stdout.write(message?.content ?? '');
    isWhole = done;
  }
  if (!isWhole) throw new Error('the answer is not whole');
  console.log();
} catch (error) {
  const {message, cause} = error; // cut within a line: an SSEError that says so
  console.error(`\n${cause ? `${message}: ${cause.message}` : message}`);
  process.exitCode = 1;
}
