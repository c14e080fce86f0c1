import type { Attachment } from 'svelte/attachments'

/** Takes the focus when one comes to a view, so that Tab goes on from here. */
export const arrive: Attachment<HTMLElement> = (el) => el.focus({ preventScroll: true })

/** Takes the focus if what had it is not there any more, once what comes with it is there. */
export const fallen: Attachment<HTMLElement> = (el) => {
  queueMicrotask(() => {
    if (document.activeElement === document.body) arrive(el)
  })
}
