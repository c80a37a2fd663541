// nginx with nchan: a message broker with real history, in C.

import {request} from 'node:http';
import {serverPort, startNginx} from './nginx.mjs';

export const PING_SECONDS = 1;

/** nginx with nchan; `storage`: directives for where messages are kept, else in nginx's memory. */
export async function startNchan(t, {upstream = '', storage = ''} = {}) {
  const port = await serverPort();
  const subscriber = `
    nchan_subscriber eventsource; nchan_channel_id $1; ${storage}
    nchan_subscriber_first_message oldest;`;
  const nginx = await startNginx({
    port,
    modules: ['ngx_nchan_module.so'],
    http: `
      ${upstream}
      server {
        listen 127.0.0.1:${port} backlog=4096;
        location ~ ^/publish/(\\w+)$ {
          nchan_publisher http; nchan_channel_id $1; ${storage}
          nchan_message_buffer_length 10000; nchan_message_timeout 1h;
        }
        location ~ ^/events/(\\w+)$ { ${subscriber} }
        location = /status { nchan_stub_status; }
        location ~ ^/pinged/(\\w+)$ { ${subscriber}
          nchan_eventsource_ping_interval ${PING_SECONDS};
          nchan_eventsource_ping_event ping; nchan_eventsource_ping_comment "";
        }
      }`,
  });
  t?.after(nginx.stop);
  return {...nginx, channel: (name) => `${nginx.url}/events/${name}`};
}

/** Publish, on a connection of its own unless there is an agent; gives the event as it must come. */
export function publish({url}, channel, data, agent = false) {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/publish/${channel}`, {
      method: 'POST',
      agent,
      timeout: 10_000,
      headers: {accept: 'text/json'},
    });
    asked.once('timeout', () => asked.destroy(new Error(`publishing ${data} takes too long`)));
    asked.once('error', reject);
    asked.once('response', async (response) => {
      let text = '';
      for await (const part of response.setEncoding('utf8')) text += part;
      if (response.statusCode > 299) reject(new Error(`${response.statusCode}: ${text}`));
      else resolve(['message', data, JSON.parse(text).last_message_id]);
    });
    asked.end(data);
  });
}
