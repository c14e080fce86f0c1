/** The sounds of a table, as notes: a frequency in Hz, when it begins and how long it lasts, in seconds. */
const sounds = {
  chip: [[1400, 0, 0.04]],
  warning: [[660, 0, 0.09], [660, 0.16, 0.09]],
  win: [[523, 0, 0.12], [659, 0.11, 0.12], [784, 0.22, 0.2]],
} as const satisfies Record<string, readonly (readonly [hz: number, from: number, lasts: number])[]>

export type Sound = keyof typeof sounds

let audio: AudioContext | undefined

/** Plays a sound. */
export function ring(sound: Sound): void {
  audio ??= new AudioContext()
  const begin = audio.currentTime
  for (const [hz, from, lasts] of sounds[sound]) {
    const tone = new OscillatorNode(audio, { frequency: hz, type: 'triangle' })
    const volume = new GainNode(audio, { gain: 0.12 })
    volume.gain.setTargetAtTime(0, begin + from + lasts * 0.6, lasts / 4)
    tone.connect(volume).connect(audio.destination)
    tone.start(begin + from)
    tone.stop(begin + from + lasts * 2)
  }
}
