// node bundle.mjs FILE: the program as Metro bundles it for React Native, with
// '@react-native/babel-preset'.

import {resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import Metro from 'metro';

const path = (name) => resolve(import.meta.dirname, name);
const config = await Metro.loadConfig(
  {cwd: path('..')},
  {
    projectRoot: path('..'),
    watchFolders: [path('../../..')],
    maxWorkers: 1,
    cacheStores: [],
    reporter: {update() {}},
    resolver: {useWatchman: false, nodeModulesPaths: [path('../node_modules')]},
    transformer: {
      babelTransformerPath: fileURLToPath(
        import.meta.resolve('@react-native/metro-babel-transformer'),
      ),
    },
    serializer: {getPolyfills: () => [], getModulesRunBeforeMainModule: () => []},
  },
);
const options = {entry: path('program.js'), out: process.argv[2], dev: false, platform: 'ios'};
await Metro.runBuild(config, {...options, minify: false});
process.exit();
