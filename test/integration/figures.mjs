// Figures that the suite measures: printed where they are measured, kept for the table at the end.

import {appendFileSync} from 'node:fs';
import {basename} from 'node:path';

/** Print a figure, and keep it for run.mjs: figure('2,000 subscriptions', 'every message to each'). */
export function figure(what, value) {
  console.log(`figure: ${what}: ${value}`);
  const file = process.env.SSEKIT_FIGURES;
  if (!file) return;
  const suite = basename(process.argv[1] ?? '', '.mjs').replace('.test', '');
  appendFileSync(file, `${JSON.stringify({suite, what, value: String(value)})}\n`);
}
