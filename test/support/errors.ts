// What tests expect of errors.

import assert from 'node:assert/strict';
import {SSEError} from '../../sse.ts';

/** What `run` throws. */
export function caught(run: () => unknown): any {
  try {
    run();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

/** The same of a promise. */
export async function rejected(run: () => Promise<unknown>): Promise<any> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

export function isSSEError(error: unknown, code: string): SSEError {
  assert.ok(error instanceof SSEError, `an SSEError, got ${String(error)}`);
  assert.equal(error.code, code);
  return error;
}

/** The error has these facts, and its message these words. */
export function assertError(
  error: any,
  name: string,
  code: string | undefined,
  ...words: string[]
) {
  assert.ok(error instanceof Error, `an error, not ${String(error)}`);
  assert.equal(error.name, name, error.message);
  assert.equal((error as any).code, code, error.message);
  for (const word of words) {
    assert.ok(error.message.includes(word), `'${error.message}' says '${word}'`);
  }
}
