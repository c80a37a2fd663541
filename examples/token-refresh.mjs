// Short-lived tokens: node token-refresh.mjs URL TOKEN_URL. A 401 in mid-stream fetches a new token
// and goes on after the last event; a new token that is refused as well ends it.
import {asyncConnect, SSEHTTPError} from 'ssekit';

const [url, tokenURL] = process.argv.slice(2);
let token = await newToken();
let isNew = false;

const events = asyncConnect(url, {
  retryStatus: [401, 408, 425, 429, 500, 502, 503, 504], // the usual ones and 401
  async headers({error}) {
    // called before each attempt, with what ended the last one
    const isRefused = error instanceof SSEHTTPError && error.status === 401;
    if (isRefused && isNew) throw error;
    if (isRefused) token = await newToken();
    isNew = isRefused;
    return {authorization: `Bearer ${token}`};
  },
});

for await (const event of events) console.log(event.id, event.data);

async function newToken() {
  const response = await fetch(tokenURL, {method: 'POST'});
  if (!response.ok) throw new Error(`no token: HTTP status ${response.status}`);
  return (await response.json()).access_token;
}
