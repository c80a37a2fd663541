// An LLM stream over POST: node llm-post.mjs URL. Sent once; never again silently, it costs money.
import {asyncConnect, SSEError, SSEHTTPError} from 'ssekit';

const answer = asyncConnect(process.argv[2], {
  headers: {authorization: `Bearer ${process.env.API_KEY ?? 'demo-key'}`},
  json: {model: 'any', stream: true, messages: [{role: 'user', content: 'How does it end?'}]},
  until: (event) => event.data === '[DONE]', // an answer without it was truncated
});

try {
  for await (const chunk of answer.json()) {
    process.stdout.write(chunk.choices[0]?.delta?.content ?? '');
  }
  console.log();
} catch (error) {
  if (error instanceof SSEHTTPError && error.status === 429) {
    console.error(`busy: ask again in ${error.retryAfter ?? 1000} ms`);
  } else if (error instanceof SSEError && ['truncated', 'connection'].includes(error.code)) {
    console.error(`\nthe answer is not whole: ${error.message}`);
  } else throw error;
  process.exitCode = 1;
}
