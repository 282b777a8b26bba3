import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const shared = { '@shared': here('src/shared') }

/** Targets name what the oldest runtime in use has: the test runtime is Electron 33 (facts in docs/adr). */
export default defineConfig({
  main: {
    resolve: { alias: shared },
    build: {
      target: 'node20',
      externalizeDeps: true,
      rollupOptions: {
        input: {
          index: here('src/main/index.ts'),
          cli: here('src/cli/index.ts'),
          engine: here('src/engine/entry.ts'),
          downloadWorker: here('src/main/platform/downloadWorker.ts'),
        },
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    resolve: { alias: shared },
    build: {
      target: 'node20',
      rollupOptions: { input: here('src/preload/index.ts'), output: { format: 'cjs', entryFileNames: 'index.cjs' } },
    },
  },
  renderer: {
    root: here('src/renderer'),
    resolve: {
      alias: {
        ...shared,
        // These two packages pick a DOM build that writes innerHTML, which `trusted-types 'none'` forbids; their plain builds do not.
        'hast-util-from-html-isomorphic': here('node_modules/hast-util-from-html-isomorphic/index.js'),
        'decode-named-character-reference': here('node_modules/decode-named-character-reference/index.js'),
      },
    },
    plugins: [react()],
    build: {
      target: 'chrome130',
      minify: true,
      // data: URLs for fonts are not in the content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: { input: here('src/renderer/index.html') },
    },
  },
})
