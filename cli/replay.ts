// ssekit replay: serves a recording, for development.

import {integerFrom, numberFrom} from './arguments.ts';
import type {Command} from './arguments.ts';
import {blocksOf} from './blocks.ts';
import type {Block} from './blocks.ts';
import {shownName} from './files.ts';
import {say, STDOUT, writeAll} from './output.ts';
import {listening, serverOf} from './server.ts';
import {counted, inSeconds} from './text.ts';

interface Replaying {
  readonly file: string;
  readonly port: number;
  readonly speed: number;
  readonly loops: boolean;
  readonly isPublic: boolean;
  /** Events after which a connection is dropped; undefined: none is. */
  readonly dropEvery: number | undefined;
}

/** Serves until it is interrupted. */
async function serveRecording({file, port, dropEvery, ...service}: Replaying): Promise<void> {
  const blocks = await blocksOf(file);
  const server = serverOf({
    ...service,
    blocks,
    log: say,
    faultOf: () => (dropEvery === undefined ? undefined : {kind: 'cut', after: dropEvery}),
  });
  const url = await listening(server, port);
  const events = blocks.filter(({isEvent}) => isEvent).length;
  const unnumbered = unnumberedIn(blocks);
  if (unnumbered) {
    const [have, own, them] = unnumbered === 1 ? ['has', 'its', 'it'] : ['have', 'their', 'them'];
    say(
      `${unnumbered} of ${counted(events, 'event')} ${have} no ID of ${own} own; clients that`
        + ` reconnect will get ${them} again`,
    );
  }
  const took = blocks.reduce((sum, {gap}) => sum + gap, 0);
  const length = took ? ` over ${inSeconds(took)}` : '';
  say(`serving ${counted(events, 'event')}${length} from ${shownName(file)}; Ctrl-C stops it`);
  writeAll(STDOUT, Buffer.from(`${url}\n`));
  await new Promise((_, reject) => server.once('error', reject));
}

/** Events after which the last event ID is none, or one that was there before. */
function unnumberedIn(blocks: readonly Block[]): number {
  const known = new Set(['']);
  return blocks.filter(({id, isEvent}) => {
    const isNew = !known.has(id);
    known.add(id);
    return isEvent && !isNew;
  }).length;
}

export const replay: Command = {
  usage: 'ssekit replay FILE',
  options: ['port', 'speed', 'loop', 'drop-every', 'cors'],
  takes: [1, 1],
  run: (values, [file = '']) =>
    serveRecording({
      file,
      port: integerFrom('port', values.port, 0, 65_535) ?? 8080,
      speed: numberFrom('speed', values.speed) ?? 1,
      loops: values.loop === true,
      isPublic: values.cors === true,
      dropEvery: integerFrom('drop-every', values['drop-every'], 1),
    }),
};
