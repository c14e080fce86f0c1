import { every } from '../../console/page'
import { inWords } from '../../console/words'
import { calls, type Tenant } from '../api'
import type { Desk } from '../desk.svelte'

/** One is a casino as it is now, as long as it is shown. */
export class One {
  casino = $state.raw<Tenant>()
  error = $state('')

  constructor(
    private readonly desk: Desk,
    private readonly slug: string,
  ) {
    $effect(() => every(3000, this.look))
  }

  look = async (): Promise<void> => {
    try {
      this.casino = await this.desk.do(calls.tenant(this.slug))
      this.error = ''
    } catch (err) {
      this.error = inWords(err)
    }
  }
}
