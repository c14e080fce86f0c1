// Package roulette is European roulette: 37 pockets, 157 betting positions, one wheel for everyone in the
// room. It is a round game, made of the kit in rooms/game/round.
//
// Once bets are closed the wheel is spun from the seed, which is revealed; when the ball has come to rest
// the bets are paid. docs/games/roulette.md has the settings, positions, events and the fairness rule.
//
// # What always holds
//
//   - The pocket is a function of the committed seed and the round's number. It is not computed before
//     bets are closed.
//   - Every round that is settled pays what the pocket and the positions say.
//   - The view of a full table has less than 64 KiB.
//
// # Why
//
// Journals of before have no totals in betting.closed and do not say which bet is a seat's first; they are
// replayed and shown without (testdata/old.journal).
package roulette
