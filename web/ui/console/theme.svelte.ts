import { MediaQuery } from 'svelte/reactivity'
import { remember, remembered } from '../shared/storage'

/** What can be chosen: light or dark, or whatever the system has. */
export const themes = ['system', 'light', 'dark'] as const
export type Choice = (typeof themes)[number]

const key = 'pitboss.theme'

class Theme {
  #light = new MediaQuery('prefers-color-scheme: light')
  #choice = $state<Choice>(themes.find((t) => t === remembered(key)) ?? 'system')

  get choice(): Choice {
    return this.#choice
  }

  set choice(to: Choice) {
    this.#choice = to
    remember(key, to)
  }

  /** What the page is shown in. */
  get shown(): 'light' | 'dark' {
    return this.#choice === 'system' ? (this.#light.current ? 'light' : 'dark') : this.#choice
  }
}

export const theme = new Theme()

$effect.root(() => {
  $effect.pre(() => {
    document.documentElement.dataset.theme = theme.shown
  })
})
