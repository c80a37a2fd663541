// @modelcontextprotocol/server-everything as it is, but for loopback alone: by itself it listens on
// all of the machine's addresses.

import {Server} from 'node:net';

const {listen} = Server.prototype;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, {port, host: '127.0.0.1'}, ...rest);
};
process.env.PORT = process.argv[2];
process.argv[2] = 'streamableHttp';
await import('@modelcontextprotocol/server-everything/dist/index.js');
