import { type Component, mount } from 'svelte'
import { loadMessages } from './messages'

/** Shows a page, once its words are there. */
export async function start(page: Component): Promise<void> {
  const target = document.getElementById('app')!
  try {
    await loadMessages('pages')
  } catch {
    target.textContent = 'This page could not be loaded: the connection was lost, or there is a newer version. Load it again.' // its words are what is missing
    return
  }
  mount(page, { target })
}
