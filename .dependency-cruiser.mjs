/** Who may import whom (docs/architecture.md). Each rule is proven once by a planted violation in scripts/rules.test.ts. */
const tests = '\\.(test|child)\\.tsx?$'
const native = 'node_modules/(better-sqlite3|node-llama-cpp|systeminformation)/'
const electron = '(^|node_modules/)electron(/|$)'
const sockets = '^(node:)?(net|http|https|http2|dgram|tls|dns)(/|$)'

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    forbid(
      'domain-is-pure',
      'The arithmetic takes facts and returns values; it imports nothing outside itself.',
      { path: '^src/shared/domain/', pathNot: tests },
      { pathNot: '^src/shared/domain/' },
    ),
    forbid(
      'shared-runs-anywhere',
      'Shared code runs in the page, in main, in workers and on the command line.',
      { path: '^src/shared/', pathNot: tests },
      { path: `^(node:|src/(main|engine|cli|preload|renderer)/)|${electron}|${native}|node_modules/react(-dom)?/` },
    ),
    forbid(
      'shared-has-no-core',
      'Shared code runs where Node is not.',
      { path: '^src/shared/', pathNot: tests },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'engine-has-no-electron',
      'The worker is plain Node: no electron, no SQLite, no network, nothing of main.',
      { path: '^src/engine/', pathNot: tests },
      { path: `${electron}|node_modules/better-sqlite3/|^src/(main|cli|preload|renderer)/|${sockets}` },
    ),
    forbid(
      'services-have-no-electron',
      'The same services run in plain Node for the command line and tests.',
      { path: '^src/(cli/|main/(core\\.ts|services/|db/|platform/|ipc/handlers/))' },
      { path: electron },
    ),
    forbid(
      'main-speaks-protocol',
      'Main knows the worker by its protocol only.',
      { path: '^src/(main|cli)/', pathNot: tests },
      { path: '^src/engine/', pathNot: '^src/engine/(client|forkNode)\\.ts$' },
    ),
    forbid(
      'one-owner-llama',
      'Only the worker loads llama.cpp; a benchmark may, to compare.',
      { path: '^(src|e2e|scripts)/', pathNot: '^src/engine/' },
      { path: 'node_modules/(node-llama-cpp|@node-llama-cpp)/' },
    ),
    forbid(
      'one-owner-sqlite',
      'SQL lives in src/main/db.',
      { path: '^src/', pathNot: '^src/main/db/' },
      { path: 'node_modules/better-sqlite3/' },
    ),
    forbid(
      'one-owner-network',
      'All sockets are opened in one place, which the offline switch closes.',
      { path: '^src/', pathNot: `^src/main/platform/(network|downloadWorker)[^/]*\\.ts$|${tests}` },
      { path: `${sockets}|node_modules/undici/` },
    ),
    forbid(
      'renderer-is-a-web-page',
      'The page has no electron, no Node, nothing of main, no zod.',
      { path: '^src/renderer/', pathNot: tests },
      { path: `${electron}|${native}|^src/(main|engine|cli)/|^node:|node_modules/zod/` },
    ),
    forbid(
      'renderer-has-no-core',
      'The page runs where Node is not.',
      { path: '^src/renderer/', pathNot: tests },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'renderer-takes-types-only',
      'Contract and preload are types for the page, so that zod stays on the privileged side.',
      { path: '^src/renderer/', pathNot: tests },
      { path: '^src/(shared/(ipc|engine)|preload)/', dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'features-are-islands',
      'A feature is used through its index.ts.',
      { path: '^src/renderer/features/([^/]+)/' },
      { path: '^src/renderer/features/', pathNot: '^src/renderer/features/($1/|[^/]+/index\\.tsx?$)' },
    ),
    forbid(
      'features-are-islands-from-outside',
      'A feature is used through its index.ts.',
      { path: '^src/renderer/(app|lib|ui|[^/]+\\.tsx?$)' },
      { path: '^src/renderer/features/', pathNot: '^src/renderer/features/[^/]+/index\\.tsx?$' },
    ),
    forbid(
      'no-circular',
      'A circle has no order of loading and no layer.',
      { path: '^src/' },
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
    cache: { folder: 'node_modules/.cache/dependency-cruiser', strategy: 'content' },
  },
}
