import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { compress } from './compress.js'

// Three pages, one folder of hashed assets. The same sources give the same bytes, so that CI can
// hold dist against them.
export default defineConfig({
  plugins: [svelte(), compress()],
  base: '/',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['play.html', 'console.html', 'verify.html'] },
  },
  test: { include: ['**/*.test.ts'], exclude: ['node_modules/**', 'e2e/**'] },
})
