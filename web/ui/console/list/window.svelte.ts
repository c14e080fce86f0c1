import { elementScroll, observeElementOffset, observeElementRect, type VirtualItem, Virtualizer, type VirtualizerOptions } from '@tanstack/virtual-core'

/** Window says which rows of a long list are in the document: those that are seen, and a few around them. */
export class Window {
  /** The rows, by their numbers, each with where it begins and ends. */
  items = $state.raw<readonly VirtualItem[]>([])
  /** How high all rows are together. */
  height = $state(0)
  #virtual: Virtualizer<HTMLElement, HTMLElement>
  #options: VirtualizerOptions<HTMLElement, HTMLElement>

  /** The rows scroll in an element, have a usual height, and on top of them something that stays, of some height. */
  constructor(scroller: HTMLElement, rowHeight: number, top: number) {
    this.#options = {
      count: 0, overscan: 12, scrollPaddingStart: top, getScrollElement: () => scroller, estimateSize: () => rowHeight,
      scrollToFn: elementScroll, observeElementRect, observeElementOffset, onChange: () => this.#look(),
    }
    this.#virtual = new Virtualizer(this.#options)
  }

  /** Begins to watch; the returned function ends it. */
  watch(): () => void {
    const over = this.#virtual._didMount()
    this.#virtual._willUpdate()
    return over
  }

  set count(count: number) {
    this.#options = { ...this.#options, count }
    this.#virtual.setOptions(this.#options)
    this.#virtual._willUpdate()
    this.#look()
  }

  /** Scrolls as far as is needed to see a row. */
  show(row: number): void {
    this.#virtual.scrollToIndex(row, { align: 'auto' })
  }

  /** Takes note of how high a row is. */
  measure = (el: HTMLElement): void => this.#virtual.measureElement(el)

  #look(): void {
    this.items = this.#virtual.getVirtualItems()
    this.height = this.#virtual.getTotalSize()
  }
}
