/** The layering table of docs/design.md, as rules: a folder imports what is named beside it and nothing else. */
const MAY_IMPORT = {
  lib: [],
  crypto: ['lib'],
  store: ['crypto', 'lib'],
  cryptree: ['store', 'crypto', 'lib'],
  account: ['cryptree', 'store', 'crypto', 'lib'],
  sharing: ['account', 'cryptree', 'store', 'crypto', 'lib'],
  vfs: ['cryptree', 'store', 'crypto', 'lib'],
  net: ['store', 'crypto', 'lib'],
  fuse: ['vfs', 'lib'],
  server: ['net', 'store', 'crypto', 'lib'],
  app: ['account', 'sharing', 'vfs', 'net', 'cryptree', 'store', 'crypto', 'lib'],
  cli: ['app', 'fuse', 'server', 'lib'],
  web: ['app', 'lib'],
}
const PORTABLE = '^src/(lib|crypto|store|cryptree|account|sharing|vfs|net|app|web)/'

const layers = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  name: `layer-${folder}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
}))

module.exports = {
  forbidden: [
    ...layers,
    { name: 'no-tests-in-src', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'portable-core',
      comment: 'these run in a browser: node: modules and native packages only in *.node.ts',
      severity: 'error',
      from: { path: PORTABLE, pathNot: '\\.node\\.ts$' },
      to: { path: '^(node:|lmdb|sodium-native|koffi|fuse-native)|node_modules/(lmdb|sodium-native|koffi|fuse-native)/|\\.node\\.ts$', pathNot: '^$' },
    },
    { name: 'portable-core-builtins', severity: 'error', from: { path: PORTABLE, pathNot: '\\.node\\.ts$' }, to: { dependencyTypes: ['core'] } },
    {
      name: 'server-cannot-decrypt',
      severity: 'error',
      from: { path: '^src/server/' },
      to: { path: '^src/(cryptree|account|sharing|vfs)/', reachable: true },
    },
  ],
  options: { tsConfig: { fileName: 'tsconfig.json' }, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
}
