// Lighthouse, in a Chromium of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import lighthouse from 'lighthouse'
import { chromium } from 'playwright-core'
import { flags, freePort } from './house.mjs'

/** Returns Lighthouse's report of a page as a phone shows it, in some of its categories. */
export async function report(url, categories) {
  const port = await freePort()
  const profile = mkdtempSync(join(tmpdir(), 'pitboss-lighthouse-'))
  const browser = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...flags, `--remote-debugging-port=${port}`] })
  try {
    const { lhr } = await lighthouse(url, { port, onlyCategories: categories, formFactor: 'mobile', logLevel: 'error' })
    return lhr
  } finally {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

/** Returns what a report finds wrong in a category, as far as that counts for its score. */
export const faultsOf = (lhr, category) =>
  lhr.categories[category].auditRefs.filter((r) => r.weight > 0).map((r) => lhr.audits[r.id]).filter((a) => a.score !== null && a.score < 1 && a.scoreDisplayMode !== 'informative').map((a) => `${a.id}: ${a.displayValue ?? a.title}`)
