// node test/runtimes.mjs [--self-check] [--only NAME]
//
// The tests on every runtime, which npm ci in test/ and in test/browsers/, and
// test/browsers/install.sh have installed (first: node build.mjs). Four suites:
//
//   unit       sse.test.ts and test/unit/, by the runtime's own test runner
//   pure       the same less its real sockets, where there is no Node
//   behaviour  the rows of runtimes/behaviour.mjs over a real network
//   worker     the same in a browser's worker, over dist/sse.min.js
//
// Prints how many tests passed where; a runtime that is missing is an error. --self-check proves
// that each of them can fail: with one rule of the library broken, all must. --only: the runtimes
// whose name has that in it.

import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {build} from 'esbuild';
import {ROWS} from './runtimes/behaviour.mjs';
import {run, startBrowser, startProcess, startWorkerd} from './runtimes/hosts.mjs';
import {startServer} from './support/start-server.mjs';

// `passed` and `failed` find the figures in the closing lines of a runtime's test runner.
const NODE = {
  args: ['--test', '--test-reporter=tap', '--test-reporter-destination=stdout'],
  passed: /^# pass (\d+)/m,
  failed: /^# (?:fail|cancelled) ([1-9]\d*)/m,
};
const BUN = {
  // Its own limit for a test is 5 s, whatever the test says.
  args: ['test', '--timeout', '60000'],
  passed: /^ *(\d+) pass$/m,
  failed: /^ *([1-9]\d*) (?:fail|error)/m,
};
const DENO = {
  args: ['test', '--allow-all', '--no-check'],
  passed: /\| (\d+) passed(?: \((\d+) steps\))?/, // a test inside another is a step
  failed: /\| ([1-9]\d*) failed/,
  groups: / \.\.\.$/gm, // and what holds others is a test
};
const DENO_RUN = ['run', '--allow-all', '--no-check'];
// The oldest of each that the README names, and the newest.
const RUNTIMES = [
  ...[20, 22, 24, 26].map((version) => ({
    name: 'Node',
    id: 'node',
    start: startProcess,
    path: `node${version}/bin/node`,
    unit: NODE,
  })),
  {name: 'Bun', id: 'bun', start: startProcess, path: 'bun-oldest/bin/bun'},
  {name: 'Bun', id: 'bun', start: startProcess, path: 'bun/bin/bun', unit: BUN},
  {
    name: 'Deno',
    id: 'deno-oldest',
    start: startProcess,
    path: 'deno-oldest/deno',
    args: DENO_RUN,
  },
  {name: 'Deno', id: 'deno', start: startProcess, path: 'deno/deno', args: DENO_RUN, unit: DENO},
  {
    name: 'workerd, nodejs_compat off,',
    id: 'workerd',
    start: startWorkerd,
    path: 'workerd/bin/workerd',
    args: ['2026-11-01', 'no_nodejs_compat', 'no_nodejs_compat_v2'],
  },
  {
    name: 'workerd',
    id: 'workerd',
    start: startWorkerd,
    path: 'workerd/bin/workerd',
    args: ['2026-11-01'],
  },
  {
    name: 'workerd, dated 2024-11-01,',
    id: 'workerd',
    start: startWorkerd,
    path: 'workerd/bin/workerd',
    args: ['2024-11-01'],
    leaveOut: ['pure'], // which needs MessageChannel
  },
  {name: 'Chromium', id: 'chromium', start: startBrowser, args: ['chromium']},
  {name: 'Firefox', id: 'firefox', start: startBrowser, args: ['firefox']},
];
const SUITES = ['unit', 'pure', 'behaviour', 'worker'];
const ROW_THAT_BREAKS = 'three events, a reconnection, 204';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const {
  values: {only = '', 'self-check': isSelfCheck},
} = parseArgs({
  options: {only: {type: 'string'}, 'self-check': {type: 'boolean', default: false}},
});
const runtimes = RUNTIMES.filter(({name}) => name.includes(only));
if (!runtimes.length) fail(`no runtime's name has '${only}' in it`);
const files = await makeFiles();
const table = [];
let failures = 0;
// One after the other: timing matters to some tests, and two runtimes at once would disturb it.
for (const runtime of runtimes) await tryOut(runtime);
show(table);
process.exitCode = failures ? 1 : 0;

async function tryOut(runtime) {
  const {name, id, start, path, args = [], unit, leaveOut = []} = runtime;
  const command = path ? [`test/node_modules/${path}`, ...args] : args;
  if (path && !existsSync(command[0])) fail(`${name} is missing: npm ci in test/ installs it`);
  const server = await startServer();
  const host = await start(command, files, server.url);
  const row = {runtime: `${name} ${host.version}`};
  table.push(row);
  try {
    for (const suite of SUITES.filter((each) => !leaveOut.includes(each))) {
      const begun = performance.now();
      const world = {
        runtime: id,
        url: server.url,
        other: server.other,
        closed: await closedURL(),
        prefix: suite,
        names: isSelfCheck ? [ROW_THAT_BREAKS] : undefined,
      };
      let result;
      if (suite === 'unit') result = unit && (await runUnit(command[0], unit));
      else if (host[suite]) result = await inHost(host, suite, world);
      if (!result) continue;
      const good = isSelfCheck ? result.failed > 0 : result.passed > 0 && !result.failed;
      if (!good) failures++;
      if (!good && !isSelfCheck) console.log(result.output);
      row[suite] = isSelfCheck ? (good ? 'fails' : 'PASSES') : result.passed;
      console.log(
        `${good ? 'ok  ' : 'FAIL'} ${row.runtime}, ${suite}: ${result.passed} passed, `
          + `${result.failed} failed (${((performance.now() - begun) / 1000).toFixed(1)} s)`,
      );
    }
  } finally {
    await host.stop();
    await server.stop();
  }
}

async function runUnit(command, {args, passed, failed, groups}) {
  const {output, status} = await run(
    command,
    [...args, `./${files.tests}`],
    isSelfCheck ? {SSE_TEST: 'fast'} : {},
  );
  const sum = (found) => (found?.slice(1) ?? []).reduce((all, each) => all + Number(each ?? 0), 0);
  return {
    passed: sum(passed.exec(output)) - (groups ? output.match(groups).length : 0),
    failed: sum(failed.exec(output)) || (status ? 1 : 0),
    output: `${output}\n${status}`,
  };
}

async function inHost(host, suite, world) {
  try {
    const results = await host[suite](files, world);
    const bad = results.filter(({ok}) => !ok);
    const output = bad.map(
      ({name, got, expected}) =>
        `${name}\n  got      ${JSON.stringify(got)}\n  expected ${JSON.stringify(expected)}`,
    );
    const due = suite === 'pure' ? 1 : (world.names ?? ROWS).length;
    if (results.length < due) output.push(`${results.length} rows of ${due} were run`);
    return {
      passed: results.length - bad.length,
      failed: output.length,
      output: output.join('\n'),
    };
  } catch (error) {
    return {passed: 0, failed: isSelfCheck ? 0 : 1, output: error.stack};
  }
}

/** The library and its tests as the suites take them; with --self-check, without Last-Event-ID. */
async function makeFiles() {
  const built = ['sse.js', 'sse.test.js', 'web-event-source.js'].map((name) => `.build/${name}`);
  for (const file of ['dist/sse.js', 'dist/sse.min.js', ...built]) {
    if (!existsSync(file)) fail(`${file} is missing: node build.mjs makes it`);
  }
  const made = {
    library: 'dist/sse.js',
    minified: 'dist/sse.min.js',
    tests: '.build/sse.test.js',
    pure: '.build/runtimes/pure.js',
  };
  if (isSelfCheck) Object.assign(made, makeBroken('.build/runtimes/broken'));
  await bundlePure(made);
  return made;
}

/** The same files, of a library that forgets where to resume. */
function makeBroken(folder) {
  mkdirSync(folder, {recursive: true});
  const breakFile = (from, to) => {
    const parts = readFileSync(from, 'utf8').split(/\.set(?=\(['"]last-event-id['"])/);
    if (parts.length !== 2) fail(`--self-check does not find the rule that it breaks in ${from}`);
    writeFileSync(`${folder}/${to}`, parts.join('.get'));
    return `${folder}/${to}`;
  };
  breakFile('.build/sse.js', 'sse.js');
  const tests = `${folder}/sse.test.js`;
  writeFileSync(tests, readFileSync('.build/sse.test.js'));
  const over = 'web-event-source.js'; // it imports the library that is beside it
  writeFileSync(`${folder}/${over}`, readFileSync(`.build/${over}`));
  return {
    library: breakFile('dist/sse.js', 'library.js'),
    minified: breakFile('dist/sse.min.js', 'minified.js'),
    tests,
    pure: `${folder}/pure.js`,
  };
}

/** The tests in one file, with stand-ins for the modules of Node. */
async function bundlePure({tests, pure}) {
  const modules = [
    'assert/strict',
    'child_process',
    'events',
    'net',
    'test',
    'timers/promises',
    'zlib',
  ];
  const stand = fileURLToPath(new URL('runtimes/node-modules.mjs', import.meta.url));
  await build({
    stdin: {
      contents: `import './${tests}'; export {runTests} from '${stand}'`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    outfile: pure,
    logLevel: 'warning',
    alias: Object.fromEntries(modules.map((name) => [`node:${name}`, stand])),
    inject: ['test/runtimes/node-globals.mjs'],
    external: ['*/start-server.mjs'], // which nobody asks for without sockets
    define: {global: 'globalThis'},
    ignoreAnnotations: true, // "sideEffects": false is not true of tests
  });
}

/** A URL of a port that was free a moment ago. */
function closedURL() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const {port} = server.address();
      server.close(() => resolve(`http://127.0.0.1:${port}/`));
    });
  });
}

function show(rows) {
  const columns = ['runtime', ...SUITES];
  const all = [Object.fromEntries(columns.map((name) => [name, name])), ...rows];
  const widths = columns.map((name) =>
    Math.max(...all.map((row) => String(row[name] ?? '–').length)),
  );
  for (const row of all) {
    console.log(
      columns
        .map((name, index) => {
          const text = String(row[name] ?? '–');
          return index ? text.padStart(widths[index]) : text.padEnd(widths[index]);
        })
        .join('  '),
    );
  }
}

function fail(message) {
  console.error(`runtimes: ${message}`);
  process.exit(1);
}
