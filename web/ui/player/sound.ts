import { preferences } from './preferences.svelte'
import type { Sound } from './tones'

/** Plays a sound, if the player wants any. */
export function play(sound: Sound): void {
  if (preferences.sound) void import('./tones').then(({ ring }) => ring(sound))
}
