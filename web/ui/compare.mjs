// Says where two folders of built pages differ, by what is in their files and not by how it is compressed: node compare.mjs <one> <other>.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

const open = { '.br': brotliDecompressSync, '.gz': gunzipSync }

/** Reads the files below a folder, decompressed, by their names. */
function read(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath, f.name))
  return new Map(files.map((f) => [relative(folder, f), (open[f.slice(-3)] ?? ((b) => b))(readFileSync(f))]))
}

const [one, other] = process.argv.slice(2)
const [a, b] = [read(one), read(other)]
const wrong = [...new Set([...a.keys(), ...b.keys()])].sort().filter((name) => !a.has(name) || !b.has(name) || !a.get(name).equals(b.get(name)))
for (const name of wrong) console.log(`${name}: ${!a.has(name) ? `only in ${other}` : !b.has(name) ? `only in ${one}` : 'not the same'}`)
process.exit(wrong.length > 0 ? 1 : 0)
