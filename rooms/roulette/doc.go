// Package roulette is European roulette: 37 pockets, 157 betting positions, one wheel
// for everyone in the room.
//
// A round: "round.opened" commits to a seed; the first bet starts the betting clock;
// bets close; after a short gap the wheel is spun from the seed, which is revealed;
// when the ball has come to rest the bets are paid; after a pause the next round opens.
// docs/protocol.md, "Roulette", has the commands, events and settings.
//
// # What always holds
//
//   - A player's stakes in a round are 0 or between round_min and round_max; a
//     position's sum is 0 or between min_bet and its maximum.
//   - Every round that has stakes ends in round.settled, which pays what the pocket and
//     the positions say, or in round.voided, which gives every stake back.
//   - The pocket is a function of the committed seed and the round's number. It is not
//     computed before bets are closed.
//   - Everybody is told of a bet in 64 bytes at most: how much, not where. Where the chips lie
//     are totals, in the view, in betting.closed and in between by game.Totaler; the view of a
//     full table has less than 64 KiB.
//   - A table where nobody bets waits without a clock and writes nothing.
//   - No sum can overflow, nor pass 2^53: settings are capped by moneyMax, a round by
//     playersMax.
//
// # Why
//
// The journal keeps what each player won, position by position, rather than leaving it
// to be computed again: what was paid is a fact, also after the rules change.
//
// A Tick that comes late moves the phases after it by as much: players see every phase
// in its full length, also when a node died in between.
//
// Journals of before have no totals in betting.closed and do not say which bet is a seat's
// first; they are replayed and shown without (testdata/old.journal).
//
// Undo takes back whole bet commands, latest first. What is left was accepted before,
// so it needs no new check of limits.
package roulette
