#!/usr/bin/env node
// ssekit on the command line: follow, parse, record and replay event streams.
//
// Over the public API of sse.ts; for Node, Bun and Deno. Each module uses only those above it:
//
//   text, output      what people read, and where it goes
//   formats           an event as a line of JSON, as its data, or for people
//   lines             where lines and blocks end, without decoding them
//   files, claim      which file a name means, writing it safely, one process for each
//   zstd, har, input  files, standard input, compression, archives
//   damage, silence   what --strict calls damaged; why there was no event
//   recording, resume-point, blocks, server
//   mark, releases    line 1 of what people copy; this release, and those before it
//   difference        what differs between two texts, by lines
//   project, copies, copying   where a file is copied to, what copies are there, one more
//   arguments         the options, and what their values mean
//   part, parsing, jobs   a part of a file, parsing one, several threads for that
//   stats, follow, record, parse, replay, demo, vendor
//   main              this one: which command it is, and the exit code

import {isMainThread, workerData} from 'node:worker_threads';
import {VERSION} from '../sse.ts';
import {mustBeURL, readArguments} from './arguments.ts';
import type {Command} from './arguments.ts';
import {demo, serveBadDay} from './demo.ts';
import {follow} from './follow.ts';
import {work} from './jobs.ts';
import {say, STDOUT, toStderr, writeAll} from './output.ts';
import {parse} from './parse.ts';
import {record} from './record.ts';
import {replay} from './replay.ts';
import {Ended, FAILED, Failure, NobodyReads, reasonOf, WRONG_USAGE, wrongUsage} from './text.ts';
import {vendor} from './vendor.ts';

const HELP = `Usage: ssekit URL [options]              follow an event stream
       ssekit parse [FILE…|-] [options]  read logs, also .gz, .zst and .har
       ssekit record URL FILE [options]  write a stream as it comes, with times
       ssekit replay FILE [options]      serve a recording on 127.0.0.1
       ssekit vendor [DIR] [options]     copy sse.ts (see vendor --help)
       ssekit demo                       lose connections, but no event
Events (URL, parse): one JSON object a line, or
  --data        their data only          --pretty, --no-pretty  for people;
  --event NAME  only these; repeatable                 default on a terminal
Requests (URL, record):
  -X METHOD   -H 'NAME: VALUE'   -d TEXT|@FILE|-   --json TEXT|@FILE|-
  -k            accept any certificate   --once           do not reconnect
  --until TEXT  stop at that data        --max-retries N  attempts in a row
                or event type            --timeout S      seconds to headers
  --last-event-id ID  resume after it    --idle-timeout S seconds of silence
  --resume FILE keep the last event ID   --record FILE    record as well (URL)
                there, and use it (URL)  --stats          figures on stderr
parse:
  --strict      exit 1 if it is damaged  --jobs N, --part I/N  for large files
replay:
  --port N      8080; 0: any free one    --speed X        1; 0: at once
  --drop-every N  drop connections       --loop           again and again
                  after N events         --cors           let web pages read it
Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted  (-V: version)
`;

const COMMANDS: Readonly<Record<string, Command>> = {parse, record, replay, vendor, demo};

/** Resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [first = ''] = args;
  const named = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  const command = named ?? follow;
  const {values, operands} = readArguments(named ? args.slice(1) : args, [
    ...command.options,
    'help',
    'version',
  ]);
  if (!args.length) {
    toStderr(HELP);
    return WRONG_USAGE;
  }
  if (values.help) print(command.help ?? HELP);
  else if (values.version) print(`ssekit ${VERSION}\n`);
  else {
    mustBeMeant(command, operands);
    await command.run(values, operands);
  }
  return 0;
}

function print(text: string): void {
  writeAll(STDOUT, Buffer.from(text));
}

/** Throws Failure for a word that is no command, and for arguments that are too few or too many. */
function mustBeMeant(command: Command, operands: readonly string[]): void {
  const [least, most] = command.takes;
  const [url] = operands;
  if (command === follow && url !== undefined) mustBeURL(url, Object.keys(COMMANDS));
  if (operands.length >= least && operands.length <= most) return;
  const count = operands.length || 'no';
  const were = operands.length === 1 ? 'argument was' : 'arguments were';
  throw wrongUsage(`usage: ${command.usage}; ${count} ${were} given`);
}

function codeOf(error: unknown): number {
  if (error instanceof NobodyReads) return 0;
  if (error instanceof Ended) return error.status;
  say(reasonOf(error));
  return error instanceof Failure ? error.status : FAILED;
}

if (isMainThread) {
  main(process.argv.slice(2))
    .catch(codeOf)
    .then((code) => process.exit(code));
} else if (workerData) work(workerData);
else void serveBadDay(); // Node 20 must not end a thread in an await of a module
