// Starts Debian's browsers, headless. First: bash install.sh, and npm ci in this folder.
//
// Both are driven by puppeteer, Firefox over WebDriver BiDi: playwright takes only its own build
// of Firefox.

import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import puppeteer from 'puppeteer-core';

const BROWSERS = {
  chromium: {
    browser: 'chrome',
    executablePath: '/usr/bin/chromium-headless-shell',
    headless: 'shell',
    pipe: true, // it ends with this process, however that ends
    args: [
      '--no-sandbox', // root has none
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  },
  firefox: {browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true},
};

export const browserNames = Object.keys(BROWSERS);

/**
 * A puppeteer Browser with a profile of its own, 'chromium' or 'firefox': `await using`, or
 * `close()` it in any case. `await browser.newPage()` is a tab, `await browser.version()` says
 * what it is. `more` are options of puppeteer's launch().
 */
export async function launch(name, more = {}) {
  const options = BROWSERS[name];
  if (!options) throw new Error(`no browser '${name}': known are ${browserNames.join(' and ')}`);
  if (!existsSync(options.executablePath)) {
    const script = fileURLToPath(new URL('install.sh', import.meta.url));
    throw new Error(`${name} is missing (${options.executablePath}): bash ${script} installs it`);
  }
  return puppeteer.launch({...options, ...more});
}
