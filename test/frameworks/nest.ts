// NestJS: `@Sse` passes on what it follows. Compiled by esbuild, with decorators as Nest has them.

import 'reflect-metadata';
import {Controller, Headers, type MessageEvent, Module, Sse} from '@nestjs/common';
import {NestFactory} from '@nestjs/core';
import {ExpressAdapter} from '@nestjs/platform-express';
import {defer, finalize, from, map, type Observable} from 'rxjs';
import {asyncConnect} from 'ssekit';

let upstream: string;

@Controller()
class Events {
  @Sse('events')
  events(@Headers('last-event-id') lastEventId = ''): Observable<MessageEvent> {
    return defer(() => {
      const events = asyncConnect(upstream, {lastEventId, reconnect: false});
      return from(events).pipe(
        map(({id, event, data}) => ({id, type: event, data})),
        finalize(() => void events.close()), // when the caller leaves, too
      );
    });
  }
}

@Module({controllers: [Events]})
class App {}

export async function nest(url: string) {
  upstream = url;
  const options = {logger: false, forceCloseConnections: true} as const;
  const app = await NestFactory.create(App, new ExpressAdapter(), options);
  await app.listen(0, '127.0.0.1');
  return {url: `${await app.getUrl()}/events`, stop: () => app.close()};
}
