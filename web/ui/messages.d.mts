export const locales: string[]
export const folders: Record<string, string>
export function read(of: string, locale: string): Record<string, string>
export function shapeOf(message: string): { params: string[]; forms: string[] }
export function pseudo(message: string): string
