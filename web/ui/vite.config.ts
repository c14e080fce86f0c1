import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { compress } from './compress.js'

// The pages, in one folder of hashed assets: build.mjs builds one after the other. The same sources give the same bytes, so that CI
// can hold dist against them.
export default defineConfig({
  plugins: [svelte(), compress()],
  base: './', // the server says how deep a page is
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1600, // kB: the viewer of the API's document
  },
  test: { testTimeout: 60_000, setupFiles: ['shared/messages.setup.ts'], include: ['**/*.test.ts'], exclude: ['node_modules/**', 'e2e/**', 'compiled/**'] },
})
