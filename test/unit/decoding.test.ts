// Section 3 of sse.ts: chunks of other kinds. The rows of decoding are in sse.test.ts.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EventParser, EventSource} from '../../sse.ts';
import {binary, bytesOf, e, plain} from '../support/events.ts';
import {FORMS} from '../support/parser.ts';

describe('decoding', () => {
  test('a chunk that is neither text nor bytes', () => {
    for (const chunk of [5, null, undefined, {}, [100]]) {
      const parser = new EventParser();
      assert.throws(() => parser.feed(chunk as never), TypeError, String(chunk));
      assert.throws(() => [...EventSource.from([chunk as never])], TypeError, String(chunk));
    }
  });

  test('text after bytes that are cut off', () => {
    const chunks = [
      binary('data: \xe2\x82'),
      'a\n\n',
      binary('data: \xe2'),
      binary('\x82\xac\n\n'),
      'data: b\n\n',
    ];
    for (const form in FORMS) {
      const got: string[] = [];
      FORMS[form]!(chunks, (event) => got.push(event.data));
      assert.deepEqual(got, ['\ufffda', '€', 'b'], form);
    }
  });

  test('bytes of other kinds of view', () => {
    const bytes = bytesOf('data: é\n\n');
    for (const view of [
      Buffer.from(bytes),
      bytes.subarray(0),
      bytes.slice().buffer as unknown as Uint8Array,
    ]) {
      assert.deepEqual([...EventSource.from(view)].map(plain), [e('é')]);
      assert.deepEqual(new EventParser().feed(view).map(plain), [e('é')]);
    }
    const wide = new Uint8Array(20);
    wide.set(bytes, 5);
    const part = wide.subarray(5, 5 + bytes.length);
    assert.deepEqual(
      [...EventSource.from(part)].map(plain),
      [e('é')],
      'a view into a longer buffer',
    );
  });
});
