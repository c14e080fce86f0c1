import { type Component, mount } from 'svelte'
import { loadMessages } from './messages'

/** Shows a page, once its words are there: those of all pages, and more that it has. */
export async function start(page: Component, more?: Promise<void>): Promise<void> {
  const target = document.getElementById('app')!
  try {
    await Promise.all([loadMessages('pages'), more])
  } catch {
    target.textContent = 'This page could not be loaded: the connection was lost, or there is a newer version. Load it again.' // its words are what is missing
    return
  }
  mount(page, { target })
}
