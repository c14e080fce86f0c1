// Builds the pages into dist, or into the folder that is named: node build.mjs [folder] [--pseudo]. Each page is built by itself, so that it has
// of the libraries what it needs and no more; what can be compressed is kept compressed only, as brotli and gzip, as the server sends it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'
import { compileMessages } from './messages.mjs'

const ui = fileURLToPath(new URL('.', import.meta.url))
const pages = ['play.html', 'console.html', 'verify.html']
/** What is as small as it gets. */
const dense = /\.(woff2|png|webp|jpg)$/

/** Builds the pages into a folder, which is emptied first. */
export async function buildPages(outDir, { inPseudo = false } = {}) {
  compileMessages({ inPseudo })
  rmSync(outDir, { recursive: true, force: true })
  for (const page of pages) {
    await build({ root: ui, logLevel: 'warn', build: { outDir, emptyOutDir: false, rollupOptions: { input: join(ui, page) } } })
  }
  for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (!entry.isFile() || dense.test(file)) continue
    const whole = readFileSync(file)
    const size = { [constants.BROTLI_PARAM_SIZE_HINT]: whole.length, [constants.BROTLI_PARAM_QUALITY]: 11 }
    writeFileSync(`${file}.br`, brotliCompressSync(whole, { params: size }))
    writeFileSync(`${file}.gz`, gzipSync(whole, { level: 9 }))
    rmSync(file)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2)
  await buildPages(resolve(args.find((a) => !a.startsWith('-')) ?? join(ui, 'dist')), { inPseudo: args.includes('--pseudo') })
}
