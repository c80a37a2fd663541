// A reporter for node --test that is quiet while all is well: each failure with its place and
// reason, then the runner's own sums. What the tests themselves print is shown only with a failure.

import {relative} from 'node:path';
import {fileURLToPath} from 'node:url';
import {inspect} from 'node:util';

/** Sums that are shown only where there is something to count. */
const RARE = /^(?:suites|cancelled|skipped|todo) /;

export default async function* report(events) {
  const printed = new Map(); // by file, until it is known whether that file's tests pass
  let failures = 0;
  for await (const {type, data} of events) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      printed.set(data.file, (printed.get(data.file) ?? '') + data.message);
    } else if (type === 'test:fail' && !isOnlySum(data)) {
      failures++;
      yield `✖ ${placeOf(data)}${data.name}\n${indented(reasonOf(data.details.error))}\n`;
    } else if (type === 'test:diagnostic' && data.nesting === 0) {
      if (failures) {
        for (const text of printed.values()) yield text;
        printed.clear();
      }
      if (!RARE.test(data.message) || !data.message.endsWith(' 0')) yield `ℹ ${data.message}\n`;
    }
  }
}

/** A suite that fails since one of its tests does, which has been told already. */
const isOnlySum = ({details}) => details.error?.failureType === 'subtestsFailed';

function placeOf({file, line, column}) {
  if (!file) return '';
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  return `${relative('', path)}:${line}:${column} `;
}

/** What the test threw; the runner wraps it. */
function reasonOf(error) {
  const {cause = error} = error;
  return typeof cause === 'string' ? cause : inspect(cause);
}

const indented = (text) => text.replace(/^(?=.)/gm, '  ');
