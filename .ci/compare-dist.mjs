// Compares the pages as they are committed with a fresh build: node compare-dist.mjs COMMITTED FRESH.
// What is compressed is compared by what it holds, since versions of zlib and brotli write other bytes.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

const [committed, fresh] = process.argv.slice(2)
const wrong = []

const files = (dir) =>
  readdirSync(dir, { recursive: true })
    .filter((name) => statSync(join(dir, name)).isFile())
    .sort()

/** Reads a file of a build, decompressed. */
function contents(dir, name) {
  const bytes = readFileSync(join(dir, name))
  try {
    if (name.endsWith('.br')) return brotliDecompressSync(bytes)
    if (name.endsWith('.gz')) return gunzipSync(bytes)
  } catch (err) {
    wrong.push(`${join(dir, name)}: ${err.message}`)
  }
  return bytes
}

const [have, want] = [files(committed), files(fresh)]
for (const name of have.filter((n) => !want.includes(n))) wrong.push(`only in ${committed}: ${name}`)
for (const name of want) {
  if (!have.includes(name)) wrong.push(`not in ${committed}: ${name}`)
  else if (!contents(committed, name).equals(contents(fresh, name))) wrong.push(`differs: ${name}`)
}
if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
