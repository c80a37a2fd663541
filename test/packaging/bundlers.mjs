// What bundlers make of the file (or of both), and of the package: without a warning, without code that
// nobody named, with the line that says what it is; and it runs.

import {join} from 'node:path';
import {readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import resolvePackages from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';
import typescript from '@rollup/plugin-typescript';
import {build as esbuild} from 'esbuild';
import {rollup} from 'rollup';
import {build as vite, createLogger} from 'vite';
import webpack from 'webpack';
import {EXPECTED} from './server.mjs';
import {MODULES, must, program, project, ROOT, same, SOURCE, webSource} from './stranger.mjs';

// Each makes `out` of `entry`, minified, and returns its warnings.
const BUNDLERS = {
  async esbuild({cwd, entry, out}) {
    const {warnings} = await esbuild({
      absWorkingDir: cwd,
      entryPoints: [entry],
      outfile: `out/${out}`,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
    });
    return warnings.map(({text}) => text);
  },
  async rollup({cwd, entry, out}) {
    const warnings = [];
    const language = entry.endsWith('.ts')
      ? typescript({tsconfig: join(cwd, 'tsconfig.json'), filterRoot: cwd})
      : resolvePackages();
    const bundle = await rollup({
      input: join(cwd, entry),
      plugins: [language, terser({module: true})],
      onwarn: ({message}) => warnings.push(message),
    });
    await bundle.write({file: join(cwd, 'out', out), format: 'es'});
    await bundle.close();
    return warnings;
  },
  webpack: ({cwd, entry, out}) =>
    new Promise((resolve, reject) =>
      webpack(
        {
          context: cwd,
          entry: `./${entry}`,
          mode: 'production',
          target: ['web', 'es2022'],
          experiments: {outputModule: true},
          output: {path: join(cwd, 'out'), filename: out, module: true, library: {type: 'module'}},
          resolve: {extensions: ['.ts', '.js']},
          module: {rules: [{test: /\.ts$/, loader: join(MODULES, 'ts-loader')}]},
        },
        (error, stats) => {
          if (error) return reject(error);
          const {errors, warnings} = stats.toJson({all: false, errors: true, warnings: true});
          resolve([...errors, ...warnings].map(({message}) => message));
        },
      ),
    ),
  async vite({cwd, entry, out}) {
    const warnings = [];
    const warn = (text) => warnings.push(text);
    await vite({
      root: cwd,
      configFile: false,
      logLevel: 'warn',
      customLogger: {...createLogger('silent'), warn, warnOnce: warn, error: warn},
      build: {
        outDir: 'out',
        minify: true,
        target: 'es2022',
        modulePreload: {polyfill: false},
        rolldownOptions: {
          input: join(cwd, entry),
          // Vite drops every licence otherwise.
          output: {entryFileNames: out, format: 'es', comments: {legal: true}},
        },
      },
    });
    return warnings;
  },
};

const NOT_NAMED = /SharedArrayBuffer|worker_threads|Atomics|node:https?|node:zlib/;
const ENTRIES = {
  parser: {prints: 'one\ntwo\n', without: NOT_NAMED},
  async: {prints: `${EXPECTED}\n`, without: NOT_NAMED},
  source: {prints: `${EXPECTED} true\n`, without: NOT_NAMED},
  all: {
    prints: `${EXPECTED} ${EXPECTED} ${
      SOURCE.match(/^export (?:class|function|const) (\w+)/gm).filter(
        (name, at, all) => all.indexOf(name) === at,
      ).length
    }\n`,
  },
};
/** Line 1 of what is bundled. */
const BANNERS = {
  file: SOURCE.split('\n', 1)[0],
  package: readFileSync(join(ROOT, 'dist/sse.js'), 'utf8').split('\n', 1)[0],
};

export function bundlers(url) {
  return {
    cells: Object.entries(BUNDLERS).flatMap(([column, bundle]) => [
      ...Object.entries(ENTRIES).flatMap(([name, entry]) => [
        {row: `${name}, the file`, column, run: () => check(column, bundle, {name, ...entry}, url)},
        {
          row: `${name}, the package`,
          column,
          run: () => check(column, bundle, {name, ...entry, isPackage: true}, url),
        },
      ]),
      {
        row: 'planted: Atomics',
        column,
        async run() {
          const planted = `${SOURCE}\n(globalThis as { a?: unknown }).a = Atomics;\n`;
          try {
            await check(column, bundle, {name: 'parser', ...ENTRIES.parser, source: planted}, url);
          } catch (error) {
            if (error.message === `holds what was not named: 'Atomics'`) return 'seen';
            throw error;
          }
          throw new Error('is not seen');
        },
      },
    ]),
  };
}

async function check(bundler, bundle, {name, prints, without, isPackage, source = SOURCE}, url) {
  const [entry, out] = [isPackage ? `${name}.js` : `${name}.ts`, 'bundle.mjs'];
  const kind = isPackage ? 'package' : source === SOURCE ? 'file' : 'planted';
  const cwd = project(`bundlers/${bundler}/${kind}/${name}`, {
    'sse.ts': source,
    'web-event-source.ts': webSource('./sse'),
    'package.json': {type: 'module'},
    'tsconfig.json': {
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2022', 'DOM'],
        types: [],
        module: 'ESNext',
        moduleResolution: 'Bundler',
        strict: true,
      },
      files: [`${name}.ts`],
    },
    [`${name}.ts`]: program(`${name}.ts`),
  });
  project(`bundlers/${bundler}/${kind}/${name}/node_modules`);
  // Rollup's TypeScript plugin demands it of every project.
  symlinkSync(join(MODULES, 'tslib'), join(cwd, 'node_modules/tslib'), 'junction');
  if (isPackage) {
    symlinkSync(ROOT, join(cwd, 'node_modules/ssekit'), 'junction');
    writeFileSync(join(cwd, entry), overPackage(program(`${name}.ts`)));
  }
  same(await bundle({cwd, entry, out}), [], 'warns');
  const code = readFileSync(join(cwd, 'out', out), 'utf8');
  const found = without?.exec(code);
  if (found) throw new Error(`holds what was not named: '${found[0]}'`);
  // webpack puts such comments into a file beside the bundle.
  const comments = readdirSync(join(cwd, 'out'))
    .filter((file) => file.endsWith('.LICENSE.txt'))
    .map((file) => readFileSync(join(cwd, 'out', file), 'utf8'));
  const banner = isPackage ? BANNERS.package : BANNERS.file;
  if (![code, ...comments].some((text) => text.includes(banner))) {
    throw new Error(`does not hold ${banner}`);
  }
  const {stdout, stderr} = await must(process.execPath, [join('out', out), url], {cwd});
  same([stdout, stderr], [prints, ''], 'what the bundle prints');
  return `${gzipSync(code, {level: 9}).length} B`;
}

/** In JavaScript, as one who installs it without TypeScript. */
function overPackage(code) {
  return code
    .replace(`'./sse'`, `'ssekit'`)
    .replace(`'./web-event-source'`, `'ssekit/web-event-source'`)
    .replace('const seen: string[]', 'const seen')
    .replace(/^declare .*\n/m, '');
}
