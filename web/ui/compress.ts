import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const text = /\.(css|html|js|json|svg|txt)$/

/**
 * Writes "<file>.br" and "<file>.gz" beside every text of the build that is smaller so. web/assets.go
 * serves them by a request's Accept-Encoding; the file itself stays, for clients that want it as it is.
 */
export function compress(): Plugin {
  return {
    name: 'pitboss-compress',
    apply: 'build',
    enforce: 'post',
    writeBundle(options, bundle) {
      for (const name of Object.keys(bundle).filter((n) => text.test(n))) {
        const path = join(options.dir!, name)
        const plain = readFileSync(path)
        const forms = {
          br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
          gz: gzipSync(plain, { level: constants.Z_BEST_COMPRESSION }),
        }
        for (const [ending, form] of Object.entries(forms)) {
          if (form.length < plain.length) writeFileSync(`${path}.${ending}`, form)
        }
      }
    },
  }
}
