// Anthropic's typed events: node anthropic.mjs URL. The answer is whole once message_stop has come.
import {asyncConnect, SSEHTTPError} from 'ssekit';

const answer = asyncConnect(process.argv[2], {
  headers: {'x-api-key': process.env.API_KEY ?? 'demo-key', 'anthropic-version': '2023-06-01'},
  json: {
    model: 'any',
    max_tokens: 1024,
    stream: true,
    messages: [{role: 'user', content: process.argv[3] ?? 'How does it end?'}],
  },
  until: (event) => event.event === 'message_stop', // else SSEError `truncated`
});

const inputs = new Map(); // of tools, by content block: JSON that comes in pieces
try {
  for await (const event of answer) {
    switch (event.event) {
      case 'content_block_start': {
        const {index, content_block: block} = event.json();
        if (block.type === 'tool_use') inputs.set(index, {name: block.name, json: ''});
        break;
      }
      case 'content_block_delta': {
        const {index, delta} = event.json();
        if (delta.type === 'text_delta') process.stdout.write(delta.text);
        if (delta.type === 'input_json_delta') inputs.get(index).json += delta.partial_json;
        break;
      }
      case 'message_delta':
        console.log(`\n[${event.json().delta.stop_reason}]`);
        break;
      case 'error': {
        // after the 200: overloaded_error, say
        const {error} = event.json();
        throw new Error(`${error.type}: ${error.message}`);
      }
      // message_start, content_block_stop and ping say nothing to us; new types may come.
    }
  }
  for (const {name, json} of inputs.values()) console.log('call', name, JSON.parse(json || '{}'));
} catch (error) {
  console.error(error instanceof SSEHTTPError ? `${error.message}: ${error.body}` : error.message);
  process.exitCode = 1;
}
