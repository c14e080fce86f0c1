/** Writes a value of a round as it is there; a dash is for one that is missing. */
export const raw = (value: unknown): string => (value === undefined || Number.isNaN(value) ? '–' : String(value))
