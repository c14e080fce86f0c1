import { m } from '../../shared/messages'
import type { Brand } from '../api'

/** Pitboss's own colours, which a brand has where it says nothing: as shared/tokens.css and pitbossStyle in store/tenancy/brand.go have them. */
export const own = {
  background: '#0b1411', panel: '#13201b', raised: '#1a2b24', line: '#2c443a', text: '#eef3ef', muted: '#a9bbb1', accent: '#e3c06a', accent_text: '#1d1603', felt: '#17664a',
} as const
export type ColorName = keyof typeof own
export const colors = Object.keys(own) as ColorName[]
export const ownRadius = 10
export const radiusMax = 24
export type Style = Brand['style']

/** What the colours are called. */
export const names: Readonly<Record<ColorName, () => string>> = {
  background: () => m.color_background(), panel: () => m.color_panel(), raised: () => m.color_raised(), line: () => m.color_line(), text: () => m.color_text(), muted: () => m.color_muted(), accent: () => m.color_accent(),
  accent_text: () => m.color_accent_text(), felt: () => m.color_felt(),
}
