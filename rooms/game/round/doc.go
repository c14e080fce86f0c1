// Package round is the kit of round games: games in which everybody in the room bets on the outcome of one
// round, in a betting window, and is then paid. A game gives it a Config and a Game: its positions, its own
// phases between the last bet and the result, and what a stake pays. The kit has the rest: the round's number
// and commitment, seats, stakes and their limits, undo and clear, deadlines, payouts, voids and refunds,
// closing, settings, snapshots and the parts of the view that all of them share.
//
// # A round
//
//	betting   "round.opened" tells the commitment to the seed; the first stake starts the clock ("betting.started");
//	          if it runs out with nothing at stake, the round waits again ("betting.stopped")
//	…         phases of the game's own, from Game.CloseBetting to an event that embeds Settlement
//	settled   paid, or voided ("round.voided"), and the seed told if it serves no further round
//	          ("seed.revealed"); after a pause the next round opens
//	ended     "room.closed"
//
// # What always holds
//
//   - A player's stakes in a round are 0 or between round_min and round_max; a position's sum
//     is 0 or between min_bet and its maximum. A command that names another round than the open
//     one is refused.
//   - Every round with stakes ends in the game's settlement or in round.voided, which gives every
//     stake back.
//   - A round is under the open seed: the one that was committed to and not revealed. If there is none,
//     it commits to a fresh one. Every seed that was committed to is revealed, unless it is lost: with the
//     settlement of the last round that it serves (SeedKeeper), with a void, or before the room closes.
//   - A game is never asked for an outcome without the seed to which the round is committed: if it
//     is lost, the round is voided.
//   - Everybody is told of a bet in game.StakeFormMax bytes at most: how much, not where. Where the
//     stakes lie are totals, in the view and in between by game.Totaler.
//   - A table where nobody bets waits without a clock and writes nothing.
//   - No sum can overflow, nor pass 2^53, as long as no stake pays more than PaysMax times itself:
//     settings are capped by MoneyMax, a round by PlayersMax.
//   - A phase ends no later than it lasts after it began, whatever a clock said meanwhile.
//
// # Why
//
// A Tick that comes late moves the phases after it by as much: players see every phase in its full
// length, also when a node died in between.
//
// Undo takes back whole bet commands, latest first. What is left was accepted before, so it needs no
// new check of limits.
//
// Journals of before have no First in bets; they are replayed and shown without.
package round
