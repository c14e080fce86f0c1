/** Returns the slug that a name suggests: "The Third House" is at "the-third-house". */
export const slugOf = (name: string): string =>
  name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '').slice(0, 32).replace(/-+$/, '')

/** Returns the domain that a slug suggests: beside that of the platform, "casino.example" beside "platform.example". */
export const domainOf = (slug: string, host: string): string => (slug ? `${slug}.${host.split('.').slice(1).join('.') || host}` : '')

/** Fills in what follows from what was entered, until that was entered itself. */
export function follower(host: string): (values: Record<string, string>, changed: string) => void {
  const own = new Set<string>()
  return (values, changed) => {
    own.add(changed)
    if (!own.has('slug')) values.slug = slugOf(values.name ?? '')
    if (!own.has('domains')) values.domains = domainOf(values.slug ?? '', host)
  }
}
