// What knip cannot see when it looks for unused files, exports and packages: files that run as
// processes, that others compile or that a page loads, and packages that are programs. run.mjs
// looks for the names of those packages as text.

export default {
  // Of Debian: the install.sh beside the files that run them.
  ignoreBinaries: ['openssl', 'setpriv', 'ss', 'ssh-keygen', 'Xvfb'],
  workspaces: {
    '.': {
      entry: [
        'cli/{main,mark}.ts',
        'examples/*.mjs',
        'examples/migrations/*.mjs',
        'tools/{layers,docs,sessions,reporter}.mjs',
        'tools/*.test.mjs',
      ],
      project: ['*.{ts,mjs}', 'cli/*.ts', 'examples/{*,migrations/*}.mjs', 'tools/*.mjs'],
      // The examples' packages are in test/examples, so that the library has none.
      ignoreDependencies: [
        '@microsoft/fetch-event-source',
        'eventsource',
        'eventsource-parser',
        'react',
        'redis',
      ],
    },
    bench: {
      entry: ['*-cell.mjs', '{fleet,logs}.mjs'],
      ignoreDependencies: ['bun', 'deno', 'node20', 'node24', 'node26'],
    },
    docs: {
      entry: ['site/{build,config}.mjs', 'site/theme/index.mjs'],
      ignoreDependencies: ['typedoc-plugin-markdown'],
    },
    'examples/fleet': {},
    test: {
      entry: [
        'types.ts',
        'runtimes.mjs',
        'cli/{machines,memory,programs}.mjs',
        'fuzz/parts.mjs',
        'runtimes/{process,web-worker,worker,node-globals,node-modules}.mjs',
        'runtimes/{failures,record-failures}.mjs',
      ],
      ignoreDependencies: [
        'assert',
        'buffer',
        'bun',
        'bun-oldest',
        'deno',
        'deno-oldest',
        'node20',
        'node22',
        'node24',
        'node26',
        'workerd',
      ],
      // In a page, and among the modules that workerd is given.
      ignoreUnresolved: ['/test/runtimes/behaviour.mjs', '/failures.mjs', './sse.js', './pure.js'],
    },
    'test/browsers': {},
    'test/examples': {
      entry: ['schemas.ts'],
      ignoreDependencies: [
        '@copilotkit/aimock',
        '@microsoft/fetch-event-source',
        'eventsource',
        'eventsource-client',
        'eventsource-parser',
      ],
    },
    'test/frameworks': {
      entry: [
        '{edge,proxies,run}.mjs',
        'nest.ts',
        'native/*.{js,mjs}',
        'pages/*.mjs',
        'runners/*.mjs',
      ],
      ignoreDependencies: [
        '@react-native/babel-preset',
        'hermes-compiler',
        'hermes-engine-cli',
        '@jest/globals',
        'jest',
        'jest-environment-jsdom',
        'jsdom',
        'node26',
        'workerd',
      ],
    },
    'test/integration': {
      entry: [
        '{backend,herd-server,hostile-client,hostile-server}.mjs',
        '{llm-gateway,silence-long,subscriptions}.mjs',
        'frameworks/*.mjs',
      ],
      ignoreDependencies: ['@copilotkit/aimock'],
    },
    'test/packaging': {
      entry: ['run.mjs', 'strangers/**/*.ts'],
      ignoreDependencies: [
        '@arethetypeswrong/cli',
        '@biomejs/biome',
        '@eslint-community/eslint-plugin-eslint-comments',
        '@eslint/js',
        '@types/deno',
        'bun-types',
        'eslint',
        'eslint-9',
        'eslint-plugin-unicorn',
        'node20',
        'node22',
        'node24',
        'oxlint',
        'prettier',
        'publint',
        'ts-loader',
        'tslib',
        'types-node20',
        'types-node26',
        'typescript-5.0',
        'typescript-5.4',
        'typescript-5.9',
        'typescript-7.0',
        'typescript-eslint',
      ],
      // The library as a stranger has it: beside the program.
      ignoreUnresolved: ['sse', 'web-event-source'].flatMap((name) =>
        ['', '.js', '.ts'].map((ending) => `./${name}${ending}`),
      ),
    },
    'tools/mutants': {},
    'tools/lint': {
      ignoreDependencies: ['@biomejs/biome'],
    },
  },
};
