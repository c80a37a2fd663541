// An LLM's answer over POST: node llm-post.mjs URL. It costs money, so it is never asked for twice in
// silence: only a 429 is tried again, after `Retry-After`, three times at most.
import {asyncConnect, SSEError} from 'ssekit';

const answer = asyncConnect(process.argv[2], {
  headers: {authorization: `Bearer ${process.env.API_KEY ?? 'demo-key'}`},
  json: {model: 'any', stream: true, messages: [{role: 'user', content: 'How does it end?'}]},
  until: (event) => event.data === '[DONE]', // an answer without it was truncated
  retryStatus: ({status}, {attempt}) => status === 429 && attempt < 3,
  onRetry: ({reason, delay}) => console.error(`${reason}; again in ${delay} ms`),
});

try {
  for await (const chunk of answer.json()) {
    process.stdout.write(chunk.choices[0]?.delta?.content ?? '');
  }
  console.log();
} catch (error) {
  if (!(error instanceof SSEError)) throw error;
  const isCut = error.code === 'truncated' || error.code === 'connection';
  console.error(isCut ? `\nthe answer is not whole: ${error.message}` : error.message);
  process.exitCode = 1;
}
