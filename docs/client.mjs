#!/usr/bin/env node
// A whole player in plain Node: signs in, sits down at a roulette table, bets, sees the result.
// It uses none of Pitboss's code, only a WebSocket and a JSON-RPC library from npm.
//
//   cd docs && npm ci
//   node client.mjs --url http://casino-x.localhost:8080 --room roulette-1 \
//     --token "$(pitboss token --tenant casino-x --subject alice --role player)"
//
// It exits with 0 when the bet is settled, won or lost; with 1 and a sentence when something failed.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } from 'json-rpc-2.0'
import WebSocket from 'ws'

const usage = 'usage: node client.mjs --url http://CASINO:PORT --token JWT --room ROOM [--position straight:17] [--amount 100] [--timeout SECONDS]'

// Not answers to a command: nothing is known to be decided, so the same command_id is sent again.
const again = new Set(['busy', 'rate_limited', 'unavailable'])

async function play({ url, token, room, position, amount }) {
  const { rpc, socket, pushes } = connect(url, token)
  const welcome = await pushes.next('session.welcome')
  const money = (units) => `${(units / 10 ** welcome.exponent).toFixed(welcome.exponent)} ${welcome.currency}`
  console.log(`${welcome.name || welcome.player} is at ${welcome.tenant}`)

  // Who sends nothing for three beats is taken for gone.
  setInterval(() => rpc.request('ping', {}).catch(() => {}), welcome.heartbeat_ms).unref()

  const joined = await rpc.request('room.join', { room })
  let { phase, round, settings } = joined.view
  if (settings && amount < settings.min_bet) {
    throw new Error(`the least bet at ${room} is ${money(settings.min_bet)}`)
  }
  console.log(`joined ${room}: round ${round} is ${phase}`)

  const events = pushes.of(room, joined.seq)
  let bet
  while (!bet) {
    while (phase !== 'betting') {
      const { type, data } = await events.next()
      if (type === 'round.opened') [phase, round] = ['betting', data.round]
      if (type === 'room.resync') ({ phase, round } = data)
      if (type === 'room.closed' || phase === 'ended') throw new Error(`${room} closed`)
    }
    try {
      // The bet is for this round. One that comes too late is refused, and not taken for the next.
      bet = await command(rpc, room, { type: 'bet', round, bets: [{ position, amount }] })
    } catch (err) {
      if (err.data?.code !== 'betting_closed') throw err
      console.log('too late for this round, waiting for the next')
      phase = 'closed'
    }
  }
  console.log(`bet ${money(amount)} on ${position}; balance ${money(bet.balance)}`)

  for (;;) {
    const { type, data } = await events.next()
    if (type === 'room.resync' && data.round > round) {
      const { balance } = await rpc.request('wallet.balance', {})
      console.log(`round ${round} was settled while the line was slow; balance ${money(balance)}`)
      break
    } else if (data.round !== round) {
      continue
    } else if (type === 'wheel.spun') {
      console.log(`round ${round}: ${data.pocket} ${data.colour} (seed ${data.seed}, committed as ${data.commitment})`)
    } else if (type === 'round.voided') {
      throw new Error(`round ${round} was voided (${data.reason}); ${money(data.mine?.refund ?? 0)} came back`)
    } else if (type === 'round.settled' || (type === 'room.resync' && ['settled', 'ended'].includes(data.phase))) {
      const { balance } = await rpc.request('wallet.balance', {})
      const { staked, payout = 0 } = data.mine // an event and a view have it alike
      console.log(`staked ${money(staked)}, ${payout > 0 ? `won ${money(payout)}` : 'lost'}; balance ${money(balance)}`)
      break
    }
  }
  await rpc.request('room.leave', { room })
  socket.close(1000)
  await once(socket, 'close')
}

// command sends one command until it is answered. The server knows it by its id, so sending it
// twice does not bet twice.
async function command(rpc, room, what) {
  const params = { room, command_id: randomUUID(), command: what }
  for (let wait = 200; ; wait = Math.min(wait * 2, 5000)) {
    try {
      return await rpc.request('room.command', params)
    } catch (err) {
      if (!again.has(err.data?.code)) throw err
      await delay(wait * (0.5 + Math.random() / 2))
    }
  }
}

// connect opens the socket and puts JSON-RPC on it.
function connect(url, token) {
  const target = new URL('/ws', url)
  target.protocol = target.protocol.replace('http', 'ws')
  const socket = new WebSocket(target, ['pitboss.v1'], {
    headers: { Authorization: `Bearer ${token}` },
    handshakeTimeout: 10_000,
    // Browsers know that *.localhost is this machine; resolvers often do not.
    ...(target.hostname.endsWith('.localhost') && { lookup: thisMachine }),
  })
  const pushes = new Pushes()
  const rpc = new JSONRPCServerAndClient(
    new JSONRPCServer({ errorListener: () => {} }), // the server sends notifications, never requests
    new JSONRPCClient(async (request) => socket.send(JSON.stringify(request))),
  )
  for (const method of ['session.welcome', 'session.closing', 'room.event', 'room.resync']) {
    rpc.addMethod(method, (params) => pushes.add(method, params))
  }
  for (const method of ['session.heartbeat', 'room.beat', 'room.totals', 'wallet.balance', 'lobby.rooms', 'lobby.presence', 'chat.message', 'promotion.published', 'promotion.withdrawn']) {
    rpc.addMethod(method, () => {}) // not what this player is here for
  }
  socket.on('message', (text) => rpc.receiveAndSend(JSON.parse(text)))
  socket.on('error', (err) => fail(`cannot talk to ${target.host}: ${err.message || err.code}`))
  socket.on('close', (code, reason) => {
    const why = new Error(`the server closed the socket: ${code} ${reason}`)
    pushes.end(why)
    rpc.rejectAllPendingRequests(why.message)
  })
  socket.on('unexpected-response', (_, response) => {
    let body = ''
    response.on('data', (part) => (body += part))
    response.on('end', () => fail(`refused with ${response.statusCode}: ${body.trim()}`))
  })
  return { rpc, socket, pushes }
}

function thisMachine(_host, options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

// Pushes is what the server sent without being asked, in order, until somebody takes it.
class Pushes {
  #queue = []
  #wake = () => {}
  #ended

  add(method, params) {
    this.#queue.push({ method, params })
    this.#wake()
  }

  end(why) {
    this.#ended = why
    this.#wake()
  }

  async take(wanted) {
    for (;;) {
      const at = this.#queue.findIndex(wanted)
      if (at >= 0) return this.#queue.splice(at, 1)[0]
      if (this.#ended) throw this.#ended
      await new Promise((resolve) => (this.#wake = resolve))
    }
  }

  async next(method) {
    return (await this.take((push) => push.method === method)).params
  }

  // of is a room's events after seq, none missing and none twice. A slow socket is given a view
  // instead, which replaces all that was known: it comes as a room.resync with the view as its data.
  of(room, seq) {
    return {
      next: async () => {
        for (;;) {
          const { method, params } = await this.take((push) => push.method.startsWith('room.') && push.params.room === room)
          if (method === 'room.resync') {
            seq = params.seq
            return { type: method, data: params.view }
          }
          if (params.seq > seq + 1) throw new Error('an event was missed; a longer-lived client would join again with resume')
          if (params.seq <= seq) continue // seen before
          seq = params.seq
          return params
        }
      },
    }
  }
}

function readOptions() {
  let values
  try {
    ({ values } = parseArgs({
      options: {
        url: { type: 'string' },
        token: { type: 'string' },
        room: { type: 'string' },
        position: { type: 'string', default: 'straight:17' },
        amount: { type: 'string', default: '100' },
        timeout: { type: 'string', default: '120' },
      },
    }))
  } catch (err) {
    throw new Error(`${err.message}\n${usage}`)
  }
  const { url, token, room, position } = values
  if (!url || !token || !room) throw new Error(`--url, --token and --room are needed\n${usage}`)
  if (!URL.canParse(url) || !/^(http|ws)s?:$/.test(new URL(url).protocol)) throw new Error(`--url is not an http or ws address: ${url}`)
  const amount = Number(values.amount)
  if (!Number.isSafeInteger(amount) || amount <= 0) throw new Error('--amount is a whole number of minor units, as 100 for 1.00')
  const timeout = Number(values.timeout)
  if (!(timeout > 0)) throw new Error('--timeout is a number of seconds')
  return { url, token, room, position, amount, timeout }
}

function fail(message) {
  console.error(`client: ${message}`)
  process.exit(1)
}

try {
  const options = readOptions()
  // A node that does not settle in time is an error too.
  setTimeout(() => fail(`no result within ${options.timeout} s`), options.timeout * 1000).unref()
  await play(options)
  process.exit(0)
} catch (err) {
  fail(err.data?.code ? `${err.message} (${err.data.code})` : err.message)
}
