import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

// Three pages, one folder of hashed assets. The same sources give the same bytes, so that CI can
// hold dist against them.
export default defineConfig({
  plugins: [svelte()],
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
