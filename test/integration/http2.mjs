// A transport over HTTP/2, which Node's fetch does not speak by itself: what the option is for.

import {connect} from 'node:http2';

/** One connection for each request; the body is Node's stream, which can be iterated over. */
export function http2Transport() {
  return (url, {method, headers, body, signal}) =>
    new Promise((resolve, reject) => {
      const {origin, pathname, search} = new URL(url);
      const session = connect(origin).once('error', reject);
      const stream = session.request(
        {...headers, ':method': method, ':path': pathname + search},
        {signal},
      );
      stream.once('error', reject);
      stream.once('close', () => session.close());
      stream.once('response', ({':status': status, ...fields}) => {
        // Entries: Node's object has a symbol among its keys, which no Headers takes.
        resolve({status, headers: new Headers(Object.entries(fields)), body: stream});
      });
      stream.end(body);
    });
}
