import { placed } from '../words'

/** Form is what a form that is sent knows: whether it is on its way, and what is wrong with which of its fields. */
export class Form {
  busy = $state(false)
  /** What is wrong, by field; under "" what is of no field. */
  errors = $state.raw<Readonly<Record<string, string>>>({})
  readonly #fields: Readonly<Record<string, readonly string[]>>

  /** The fields of a form, each with the codes of the errors that are about it. */
  constructor(fields: Readonly<Record<string, readonly string[]>>) {
    this.#fields = fields
  }

  /** Says what is wrong with a field. */
  refuse(field: string, text: string): void {
    this.errors = { [field]: text }
  }

  /** Says nothing more of a field, since it is being changed. */
  changed(field: string): void {
    if (this.errors[field]) this.errors = { ...this.errors, [field]: '' }
  }

  /** Says that an error came. */
  fail(err: unknown): void {
    this.refuse(...placed(err, this.#fields))
  }

  /** Does what the form is for; returns undefined if it failed, or is being done already. */
  async run<T>(send: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined
    this.busy = true
    this.errors = {}
    try {
      return await send()
    } catch (err) {
      this.fail(err)
      return undefined
    } finally {
      this.busy = false
    }
  }
}
