// Section 7 of sse.ts: which failures no later attempt can pass, over what every runtime has been
// seen to report (test/runtimes/record-failures.mjs writes that down).

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {Reconnection, SSEConnectionError} from '../../sse.ts';
import recorded from '../runtimes/failures.json' with {type: 'json'};
import {STREAM_URL} from '../support/reconnection.ts';

type Chain = readonly (readonly [name: string, code: string, message: string])[];
const ROWS = recorded as unknown as readonly (readonly [string, readonly string[], Chain])[];

const errorOf = (chain: Chain) =>
  chain.reduceRight<Error | undefined>((cause, [name, code, message]) => {
    const error = Object.assign(new Error(message, cause && {cause}), code && {code});
    error.name = name; // as of another realm, or of the thread: no TypeError of this one
    return error;
  }, undefined);

/** `first`: final until a stream has been open, lost after. */
function decisionOn(chain: Chain): 'always' | 'first' | 'lost' {
  const [before, after] = [false, true].map((isOpened) => {
    const reconnection = new Reconnection(STREAM_URL, {random: () => 0});
    reconnection.begin(0);
    if (isOpened) {
      reconnection.response(200, undefined);
      reconnection.lost();
      reconnection.begin(1e6);
    }
    const decision = reconnection.lost(errorOf(chain));
    if (decision.kind !== 'fail') return 'lost';
    assert.ok(decision.error instanceof SSEConnectionError);
    assert.match(decision.error.message, /\([^()]+\)$/, 'the message says what to do');
    return 'final';
  });
  assert.ok(before === 'final' || after === 'lost', 'what is final is so from the beginning');
  return after === 'final' ? 'always' : before === 'final' ? 'first' : 'lost';
}

// What is final, and where: `always`, or `first`, until a stream has been open. Every other situation
// is a loss, and so is the same one where a runtime does not tell it from the network's doing.
const FINAL: readonly (readonly [decisions: string, situations: readonly string[]])[] = [
  [
    'first Bun Deno Node',
    [
      'node-proxy-407-https',
      'node-tls-expired',
      'node-tls-not-yet-valid',
      'node-tls-self-signed',
      'node-tls-self-signed-expired',
      'node-tls-self-signed-wrong-name',
      'node-tls-unknown-issuer',
      'node-tls-unknown-issuer-in-chain',
      'node-tls-unknown-root',
      'node-tls-wrong-name',
      'proxy-407-https',
      'tls-expired',
      'tls-not-yet-valid',
      'tls-self-signed',
      'tls-self-signed-expired',
      'tls-self-signed-wrong-name',
      'tls-unknown-issuer',
      'tls-unknown-issuer-in-chain',
      'tls-unknown-root',
      'tls-wrong-name',
    ],
  ],
  [
    'always Bun Deno Node workerd',
    [
      'node-header-name-invalid',
      'node-header-value-invalid',
      'node-header-value-undefined',
      'node-host-invalid',
      'node-http-with-https-agent',
      'node-https-with-http-agent',
      'node-lookup-invalid',
      'node-method-invalid',
      'node-path-unescaped',
      'node-protocol',
    ],
  ],
  [
    'always Node',
    [
      'header-connection-bogus',
      'header-connection-upgrade',
      'header-content-length-invalid',
      'header-expect',
      'header-keep-alive',
      'header-transfer-encoding',
      'header-upgrade',
      'node-permission-refused-name',
    ],
  ],
  [
    'always Deno Node',
    [
      'node-permission-refused',
      'node-permission-refused-tls',
      'permission-refused',
      'permission-refused-name',
      'permission-refused-tls',
      'port-blocked',
      'port-blocked-9',
    ],
  ],
  ['always Bun; first Deno', ['url-blob-unknown', 'url-ftp', 'url-gopher', 'url-unknown-scheme']],
  [
    'first Bun Chromium Deno Firefox Node WebKitGTK workerd',
    ['header-name-invalid', 'header-undefined', 'header-value-invalid'],
  ],
  [
    'always Deno; first Chromium Firefox Node WebKitGTK',
    ['cache-bogus', 'credentials-bogus', 'mode-bogus'],
  ],
  ['first Chromium Deno Firefox Node WebKitGTK workerd', ['method-connect', 'method-invalid']],
  ['first Node', ['dispatcher-empty', 'proxy-407']],
  ['always Bun Deno Node', ['node-port-invalid']],
  ['always Bun Node; first Chromium Deno Firefox WebKitGTK workerd', ['url-invalid']],
  ['always Bun Node; first Deno workerd', ['url-relative']],
  ['always Bun; first Chromium Deno Firefox Node', ['signal-bogus']],
  ['always Bun; first Chromium Deno Firefox Node WebKitGTK workerd', ['get-with-body']],
  ['first Bun Chromium Deno Firefox Node WebKitGTK', ['header-value-not-latin']],
  ['first Chromium', ['stream-without-duplex']],
  ['first Chromium Deno Firefox', ['cache-only-if-cached']],
  ['first Chromium Deno Firefox Node', ['mode-navigate']],
  ['first Chromium Firefox Node WebKitGTK', ['url-credentials']],
  ['first Deno', ['node-certificate-invalid']],
];

/** Errors that no transport hands on: the client's own doing, or told elsewhere. */
const ELSEWHERE = /^(?:abort|body-|redirect-|response-read)/;

type Decisions = ReadonlyMap<string, string>;

const expected: Decisions = new Map(
  FINAL.flatMap(([decisions, situations]) => situations.map((name) => [name, decisions] as const)),
);

/** `always Bun; first Deno Node`: each runtime by its name, whatever its version. */
function decided(): Decisions {
  const found = new Map<string, Map<string, Set<string>>>();
  for (const [situation, runtimes, chain] of ROWS) {
    if (ELSEWHERE.test(situation)) continue;
    const decision = decisionOn(chain);
    const decisions = found.get(situation) ?? new Map<string, Set<string>>();
    found.set(situation, decisions);
    const names = decisions.get(decision) ?? new Set();
    decisions.set(decision, names);
    for (const runtime of runtimes) names.add(/^\w+/.exec(runtime)![0]);
  }
  return new Map(
    [...found].map(([situation, decisions]) => [
      situation,
      ['always', 'first', 'lost']
        .filter((decision) => decisions.has(decision))
        .map((decision) => `${decision} ${[...decisions.get(decision)!].sort().join(' ')}`)
        .join('; '),
    ]),
  );
}

describe('failures as the runtimes report them', () => {
  test('which of them are final', (t) => {
    const found = decided();
    for (const row of found) t?.diagnostic?.(row.join(': '));
    const final = [...found].map(([situation, decisions]) => [
      situation,
      decisions.replace(/(?:; |^)lost.*/, ''),
    ]);
    assert.deepEqual(final.filter(([, decisions]) => decisions).sort(), [...expected].sort());
    assert.ok(found.size > 120, 'so many situations are recorded');
  });

  // a transport of one's own may wrap what it got; the names are the browsers', and undici's
  const network = [
    'Failed to fetch',
    'NetworkError when attempting to fetch resource.',
    'Load failed',
    'network error',
    'fetch failed',
    'terminated',
  ];
  for (const message of network) {
    test(`the network's, bare and wrapped: ${message}`, () => {
      const bare = ['TypeError', '', message] as const;
      assert.equal(decisionOn([bare]), 'lost');
      for (const name of ['TypeError', 'Error']) {
        assert.equal(decisionOn([[name, '', 'cannot follow the orders'], bare]), 'lost');
      }
    });
  }
});
