// A real WebSocket server that loses connections, messages and patience at random.
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { type WebSocket as ServerSocket, WebSocket, WebSocketServer } from 'ws'
import { Pitboss, type RoomEvent, type SocketConstructor } from '../src/index.js'
import { randomFrom, seed, welcome } from './wire.js'

interface Request {
  id: number
  method: string
  params: { command_id: string; command: { n: number }; resume?: { epoch: number; seq: number } }
}

/** One room that writes down every command it decides, once for each id, on a line that fails. */
class Casino {
  journal: RoomEvent[] = []
  answers = new Map<string, object>()
  times = { lost: 0, skipped: 0, twice: 0, busy: 0, resumed: 0, views: 0, resynced: 0, totals: 0 }
  calm = false
  #server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'pitboss.v1' })
  #beat = setInterval(() => this.#all('room.beat', { room: 'r', epoch: 1, seq: this.journal.length }), 50)

  constructor(private readonly random: () => number) {
    this.#server.on('connection', (s) => {
      this.#tell(s, 'session.welcome', { ...welcome, time: new Date().toISOString() })
      s.on('message', (data) => this.#asked(s, JSON.parse(String(data)) as Request))
    })
  }

  async url(): Promise<string> {
    if (!this.#server.address()) await new Promise((resolve) => this.#server.once('listening', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    clearInterval(this.#beat)
    for (const s of this.#server.clients) s.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #luck(p: number): boolean {
    return !this.calm && this.random() < p
  }

  #asked(s: ServerSocket, m: Request): void {
    if (this.#luck(0.02)) return this.#lose(s) // before anything was decided
    const reply = (body: object): void => {
      if (this.#luck(0.04)) return this.#lose(s) // decided, and nobody was told
      s.send(JSON.stringify({ jsonrpc: '2.0', id: m.id, ...body }))
    }
    const busy = (code: string): void => reply({ error: { code: -32000, message: code, data: { code } } })
    switch (m.method) {
      case 'ping':
        return reply({ result: { time: new Date().toISOString() } })
      case 'room.join': {
        const seq = this.journal.length
        const from = m.params.resume?.seq
        let result: object
        if (from !== undefined && !this.#luck(0.3)) {
          this.times.resumed++
          result = { epoch: 1, seq, events: this.journal.slice(from), totals: { seq } }
        } else {
          this.times.views++
          result = { epoch: 1, seq, view: this.#view() }
        }
        if (!this.#luck(0.2)) return reply({ result })
        setTimeout(() => { // the socket was slow: its place in the room is told anew before the answer
          this.#resync(s)
          reply({ result })
        }, 3)
        return
      }
      case 'room.command': {
        const { command_id: id, command } = m.params
        if (!this.answers.has(id)) {
          if (this.#luck(0.05)) {
            this.times.busy++
            return busy('busy')
          }
          const seq = this.journal.length + 1
          this.journal.push({ room: 'r', epoch: 1, seq, at: '', type: 'said', data: { n: command.n } })
          this.answers.set(id, { accepted: true, epoch: 1, seq, balance: seq })
          this.#publish(seq)
        }
        return reply({ result: this.answers.get(id) })
      }
    }
  }

  #view(): number[] {
    return this.journal.map((e) => (e.data as { n: number }).n)
  }

  #resync(s: ServerSocket): void {
    this.times.resynced++
    this.#tell(s, 'room.resync', { room: 'r', epoch: 1, seq: this.journal.length, view: this.#view() })
  }

  #totals(seq: number): void {
    this.times.totals++
    this.#all('room.totals', { room: 'r', epoch: 1, seq, data: { seq } })
  }

  #publish(seq: number): void {
    if (this.#luck(0.05)) this.#totals(seq) // they may overtake
    if (this.#luck(0.03)) {
      for (const s of this.#server.clients) this.#resync(s)
      return
    }
    if (this.#luck(0.1)) this.times.skipped++
    else this.#all('room.event', this.journal[seq - 1]!)
    if (this.#luck(0.1)) {
      this.times.twice++
      this.#all('room.event', this.journal[Math.floor(this.random() * seq)]!)
    }
    if (this.#luck(0.1)) this.#totals(Math.max(1, seq - Math.floor(this.random() * 3)))
  }

  #lose(s: ServerSocket): void {
    this.times.lost++
    if (this.random() < 0.5) s.terminate()
    else s.close(this.random() < 0.5 ? 4000 : 1013)
  }

  #all(method: string, params: object): void {
    for (const s of this.#server.clients) this.#tell(s, method, params)
  }

  #tell(s: ServerSocket, method: string, params: object): void {
    if (s.readyState === s.OPEN) s.send(JSON.stringify({ jsonrpc: '2.0', method, params }))
  }
}

afterEach(() => vi.restoreAllMocks())

test(`in bad weather every command counts once, and everything is heard in order (SEED=${seed})`, { timeout: 60_000 }, async () => {
  console.log(`SEED=${seed}`)
  const random = randomFrom(seed)
  vi.spyOn(Math, 'random').mockImplementation(() => random() / 100) // waits are short, their bounds are shown elsewhere
  const casino = new Casino(random)
  const line = new Pitboss({ url: await casino.url(), token: 'T', WebSocket: WebSocket as unknown as SocketConstructor }).connect()
  let heard: number[] = []
  const seqs: number[] = []
  let totalsAt = 0
  const old: string[] = []
  const room = line.join<number[], RoomEvent, object, { seq: number }>('r', {
    view: (v, place) => {
      heard = [...v]
      totalsAt = place.seq
      seqs.push(place.seq)
    },
    event: (e) => {
      heard.push((e.data as { n: number }).n)
      seqs.push(e.seq)
    },
    totals: (t, seq) => {
      if (t.seq !== seq || seq < totalsAt || seq > heard.length) old.push(`${t.seq} as of ${seq} after ${totalsAt}, at ${heard.length}`)
      totalsAt = seq
    },
  })
  try {
    const all = Array.from({ length: 300 }, (_, n) => n)
    const answers: number[] = []
    for (let i = 0; i < all.length; i += 5) {
      await Promise.all(all.slice(i, i + 5).map(async (n) => {
        answers[n] = (await room.command({ n })).seq
      }))
    }
    casino.calm = true
    const written = casino.journal.map((e) => (e.data as { n: number }).n)
    expect([...written].sort((a, b) => a - b)).toEqual(all)
    expect(answers).toEqual(all.map((n) => written.indexOf(n) + 1))
    await vi.waitFor(() => expect(heard).toEqual(written), { timeout: 10_000 })
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
    expect(old).toEqual([])
    for (const [what, times] of Object.entries(casino.times)) expect([what, times > 0]).toEqual([what, true])
  } finally {
    line.close()
    await casino.close()
  }
})
