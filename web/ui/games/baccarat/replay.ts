import { PitbossError } from '../../client/src/index.js'
import type { Burned, Card, Result, Side } from './types'

/** A hand that was played, as the casino has it stored. */
export interface Played {
  round: number
  burned?: Burned
  /** Its cards, in the order in which they were dealt. */
  cards: { to: Side; card: Card }[]
  result?: Result
  staked: number
  paid: number
  /** Why it was voided, if it was. */
  voided?: string
  /** Whether its seed is public: it can be verified if it is ready. */
  proof: 'ready' | 'pending' | 'lost'
}

interface Stored {
  type: string
  data: Record<string, any>
}

/** Reads a hand from what GET /v1/rooms/{room}/rounds/{round} answers. */
export function readPlayed({ round, events, proof }: { round: number; events: Stored[]; proof?: string }): Played {
  const find = (type: string): Stored['data'] | undefined => events.find((e) => e.type === type)?.data
  const burned = find('card.burned')
  const settled = find('round.settled')
  const voided = find('round.voided')
  return {
    round,
    ...(burned ? { burned: { card: burned.card as Card, count: burned.count as number } } : {}),
    cards: events.filter((e) => e.type === 'card.dealt').map(({ data }) => ({ to: data.to as Side, card: data.card as Card })),
    ...(settled ? { result: resultOf(round, settled) } : {}),
    staked: Number(settled?.staked ?? 0), paid: Number(settled?.paid ?? 0),
    ...(voided ? { voided: String(voided.reason) } : {}),
    proof: proof === 'ready' || proof === 'lost' ? proof : 'pending',
  }
}

function resultOf(round: number, { winner, player_points, banker_points, player_pair, banker_pair }: Stored['data']): Result {
  return {
    round, winner: winner as Result['winner'], player: player_points as number, banker: banker_points as number,
    ...(player_pair ? { player_pair: true } : {}), ...(banker_pair ? { banker_pair: true } : {}),
  }
}

/** Fetches a hand. Throws the casino's error if it does not give it, which inWords says. */
export async function fetchPlayed(room: string, round: number): Promise<Played> {
  let res: Response
  try {
    res = await fetch(`v1/rooms/${encodeURIComponent(room)}/rounds/${round}`)
  } catch {
    throw new PitbossError('unavailable', 'The casino does not answer.')
  }
  const answer = (await res.json().catch(() => undefined)) as (Parameters<typeof readPlayed>[0] & { error?: { code: string; message: string } }) | undefined
  if (!res.ok || !answer) throw new PitbossError(answer?.error?.code ?? 'unavailable', answer?.error?.message ?? 'The casino does not answer.')
  return readPlayed(answer)
}
