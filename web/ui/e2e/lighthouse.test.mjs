// What Lighthouse says of the pages that a player sees; make bench-page has its performance.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { House } from './house.mjs'
import { faultsOf, report } from './lighthouse.mjs'

let house

before(async () => {
  house = await House.open()
})
after(() => house?.close())

for (const page of ['/play', '/play/t/roulette-1', '/play/t/baccarat-1', '/play/history']) {
  test(`Lighthouse gives ${page} 100 for accessibility, and its layout does not shift`, async () => {
    const link = new URL(house.links['alice@casino-x'])
    const lhr = await report(`${link.origin}${page}${link.hash}`, ['accessibility', 'performance'])
    assert.equal(lhr.runtimeError, undefined)
    assert.deepEqual([lhr.categories.accessibility.score, faultsOf(lhr, 'accessibility')], [1, []])
    const shift = lhr.audits['cumulative-layout-shift'].numericValue
    assert.ok(shift < 0.1, `the layout shifts by ${shift}`)
  })
}
