// Days of a Reconnection, written as steps; its answers, and those of servers.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {EventParser, Reconnection, SSEConnectionError, SSEError} from '../../sse.ts';

/** Headers as a response has them. */
export function headersFrom(list: Readonly<Record<string, string>>) {
  return {get: (name: string) => list[name.toLowerCase()] ?? null};
}

export const STREAM_URL = 'https://a.test/stream';
export const STREAM_HEADERS = {'content-type': 'text/event-stream'};

/** The error of a connection that begins and fails for good. */
export function failure(
  reconnection: Reconnection,
  run: (reconnection: Reconnection) => ReturnType<Reconnection['lost']>,
): unknown {
  reconnection.begin(0);
  const decision = run(reconnection);
  assert.equal(decision.kind, 'fail');
  return decision.kind === 'fail' && decision.error;
}

export type ReconnectionSettings = NonNullable<ConstructorParameters<typeof Reconnection>[1]>;
type Decision = ReturnType<Reconnection['lost']>;

/**
 * A day in the life of a Reconnection. Each step is an action and, behind "->", the decision that
 * must come of it. Actions: `open` (a connection begins and is accepted), `begin` (it only
 * begins), both with the time in ms if that matters; `STATUS` (the response's status and
 * content type); `refuse STATUS RETRY-AFTER` (a whole connection that is refused); `send WIRE`
 * (events come, and are handed over), `eof`, `lost` (a network error), `lost CODE` (an SSEError);
 * `redirect STATUS LOCATION`, `url` (what the next request's is).
 */
export class Day {
  readonly reconnection: Reconnection;
  #now = 0;
  #parser = new EventParser();
  constructor(options: ReconnectionSettings, url = STREAM_URL) {
    this.reconnection = new Reconnection(url, {random: () => 0, ...options});
  }

  step(step: string): string {
    const [, action = '', rest = ''] = /^(\S+) ?(.*)$/s.exec(step)!;
    const {reconnection} = this;
    switch (action) {
      case 'begin':
        return this.#begin(rest);
      case 'open':
        this.#begin(rest);
        return show(reconnection.response(200, headersFrom(STREAM_HEADERS)));
      case 'refuse':
        return this.#refuse(Number(rest.slice(0, 3)), rest.slice(4));
      case 'send':
        return this.#send(rest);
      case 'eof':
        return show(reconnection.lost());
      case 'lost':
        return show(
          reconnection.lost(
            rest ? new SSEError(rest as 'limit', 'why') : new TypeError('fetch failed'),
          ),
        );
      case 'redirect': {
        const location = rest.slice(4);
        const headers = headersFrom(location ? {location} : {});
        return show(reconnection.response(Number(rest.slice(0, 3)), headers));
      }
      case 'url':
        return reconnection.request([], []).url;
      default: {
        const headers = rest === 'none' ? headersFrom({}) : headersFrom({'content-type': rest});
        return this.#respond(Number(action), rest === 'any' ? undefined : headers);
      }
    }
  }

  /** What is no stream is read before it is refused; a refusal's text comes in `refuse`. */
  #respond(status: number, headers: ReturnType<typeof headersFrom> | undefined): string {
    const decision = this.reconnection.response(status, headers);
    const isPage = decision.kind === 'read' && headers?.get('content-type') !== 'text/event-stream';
    return show(isPage ? this.reconnection.refused(status, headers, 'page', this.#now) : decision);
  }

  #refuse(status: number, after: string): string {
    const headers = headersFrom(after ? {'retry-after': after} : {});
    this.#begin('');
    const decision = show(this.reconnection.response(status, headers));
    if (decision !== 'read') return decision;
    return show(this.reconnection.refused(status, headers, 'sorry', this.#now));
  }

  #send(text: string): string {
    const {reconnection} = this;
    this.#parser.write(text);
    let isLast = false;
    for (let event; !isLast && (event = this.#parser.next()); ) {
      isLast = reconnection.delivered(event);
    }
    if (!isLast) reconnection.caughtUp(this.#parser);
    return isLast ? 'last' : `id '${reconnection.lastEventId}', retry ${reconnection.retry}`;
  }

  #begin(time: string): string {
    // Unless told, connections begin long after each other.
    this.#now = time === '' ? this.#now + 1e9 : Number(time);
    const {lastEventId, retry} = this.reconnection;
    this.#parser = new EventParser({lastEventId, retry});
    return `attempt ${this.reconnection.begin(this.#now).attempt}`;
  }
}

export function show(decision: Decision): string {
  switch (decision.kind) {
    case 'wait':
      return `wait ${decision.retry.delay} #${decision.retry.attempt}`;
    case 'fail': {
      const {error} = decision;
      if (error instanceof SSEConnectionError) return `fail connection after ${error.retries}`;
      return `fail ${error instanceof SSEError ? error.code : error}`;
    }
    default:
      return decision.kind;
  }
}

export type Days = readonly [
  rule: string,
  name: string,
  options: ReconnectionSettings,
  steps: readonly string[],
];

/** A test for each row. */
export function runDays(days: readonly Days[]): void {
  for (const [rule, name, options, steps] of days) {
    test(`${name} (${rule})`, () => {
      const day = new Day(options);
      const got = steps.map((step) => {
        const [action = '', want] = step.split(' -> ');
        const result = day.step(action);
        return want === undefined ? step : `${action} -> ${result}`;
      });
      assert.deepEqual(got, steps);
    });
  }
}

/** Failures in a row, as steps: each begins and is lost. */
export function failing(...results: string[]): string[] {
  return results.flatMap((result) => ['begin', `lost -> ${result}`]);
}

export const JUST_UNDER_1 = 1 - 2 ** -53;
