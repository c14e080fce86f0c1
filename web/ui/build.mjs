// Builds the pages into dist, or into the folder that is named: node build.mjs [folder] [--pseudo]. Each page is built by itself, so that it has
// of the libraries what it needs and no more.
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { compileMessages } from './messages.mjs'

const ui = fileURLToPath(new URL('.', import.meta.url))
const pages = ['play.html', 'console.html', 'platform.html', 'verify.html', 'api.html']
/** Builds the pages into a folder, which is emptied first. */
export async function buildPages(outDir, { inPseudo = false } = {}) {
  compileMessages({ inPseudo })
  rmSync(outDir, { recursive: true, force: true })
  for (const page of pages) {
    await build({ root: ui, logLevel: 'warn', build: { outDir, emptyOutDir: false, rollupOptions: { input: join(ui, page) } } })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2)
  await buildPages(resolve(args.find((a) => !a.startsWith('-')) ?? join(ui, 'dist')), { inPseudo: args.includes('--pseudo') })
}
