// Two copies of the file in one program, as a vendored one beside a package's: errors and
// transports of one are known to the other.

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, it} from 'node:test';
import * as one from '../dist/sse.js';

const other = await import('../dist/sse.js?copy');
const ADDRESS = 'http://sse.test/';
const DATA = 'data: a\n\n';

const failure = async (client) => {
  try {
    for await (const _ of client);
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
};

describe('two copies of the file', () => {
  it('are two', () => assert.notEqual(one.SSEError, other.SSEError));

  const CAUSES = {
    SSEHTTPError: {transport: () => ({status: 404, body: 'gone'})},
    SSEResponseError: {transport: () => ({status: 200, headers: {}, body: ''})},
    SSEConnectionError: {
      transport() {
        throw Object.assign(new Error('cut'), {code: 'ECONNRESET'});
      },
      maxRetries: 0,
    },
    SSEError: {transport: () => ({status: 200})},
  };
  for (const [name, options] of Object.entries(CAUSES)) {
    it(`an error of either is the other's: ${name}`, async () => {
      for (const [copy, judge] of [
        [one, other],
        [other, one],
      ]) {
        const error = await failure(copy.asyncConnect(ADDRESS, options));
        assert.equal(error.name, name);
        assert.ok(error instanceof judge[name] && error instanceof judge.SSEError);
        const others = Object.keys(CAUSES).filter((each) => error instanceof judge[each]);
        assert.deepEqual(
          others,
          Object.keys(CAUSES).filter((each) => error instanceof copy[each]),
        );
      }
    });
  }

  it("an error of the user's own goes through the other's record()", async () => {
    const full = Object.freeze(new Error('the disk is full'));
    const transport = other.record(
      () => ({status: 200, body: DATA}),
      () => {
        throw full;
      },
    );
    for (const make of [one.asyncConnect, one.connect]) {
      assert.equal(await failure(make(ADDRESS, {transport})), full);
    }
    assert.throws(
      () => [...one.connect(ADDRESS, {transport})],
      (error) => error === full,
    );
  });

  it("a final error of the other's transport is final", async () => {
    let requests = 0;
    const transport = () => {
      requests++;
      throw new other.SSEError('unsupported', 'not here');
    };
    const error = await failure(one.asyncConnect(ADDRESS, {transport}));
    assert.deepEqual([error.code, requests], ['unsupported', 1]);
  });
});

it('VERSION is that of package.json', () => {
  const {version} = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));
  assert.equal(one.VERSION, version);
});
