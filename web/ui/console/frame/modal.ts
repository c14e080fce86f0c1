import type { Attachment } from 'svelte/attachments'

/** Gives the focus back to where it was, unless it went elsewhere meanwhile. */
function giveBack(el: HTMLElement, to: Element | null): void {
  const now = document.activeElement
  if (!(to instanceof HTMLElement) || (now && now !== document.body && !el.contains(now))) return
  if (to.isConnected) to.focus({ preventScroll: true })
  else document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
}

/** Shows a dialog over all of the page as long as it is there. It takes the focus, to its first field if it has one, and gives it back. */
export const modal: Attachment<HTMLDialogElement> = (el) => {
  const from = document.activeElement
  el.showModal()
  el.querySelector<HTMLElement>('form :is(input, select, textarea)')?.focus()
  return () => giveBack(el, from)
}

/** Takes the focus to something beside the page, such as a drawer, and gives it back when that goes. */
export const aside: Attachment<HTMLElement> = (el) => {
  const from = document.activeElement
  ;(el.querySelector<HTMLElement>('[tabindex="-1"]') ?? el).focus({ preventScroll: true })
  return () => giveBack(el, from)
}
