// What axe says of a page, by WCAG 2.2 AA and its own best practice.

import assert from 'node:assert/strict';
import axe from 'axe-core';

/** [[rule, [element and what is wrong with it]]]; the rules that tell something were applied. */
export async function violationsOf(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  assert.ok(result.passes.length > 20, `only ${result.passes.length} rules applied`);
  assert.ok(result.passes.some(({id}) => id === 'color-contrast'));
  return result.violations.map(({id, nodes}) => [
    id,
    nodes.map(({html, failureSummary}) => `${html.slice(0, 200)} ${failureSummary}`),
  ]);
}
