// Package baccarat is punto banco: eight decks, five betting positions, one shoe for everyone in the room.
// It is a round game, made of the kit in rooms/game/round; a round is a hand, and a seed serves a shoe.
//
// Once bets are closed the hand is dealt, a card at a time; then the bets are paid. With the shoe's last
// hand the kit reveals the seed. docs/games/baccarat.md has the settings, positions, rules, events and the
// fairness rule.
//
// # What always holds
//
//   - The order of a shoe is a function of the committed seed and the number of the shoe's first round. No
//     card is computed before bets on it are closed.
//   - The state has only what everybody has seen. The order of the cards that are not out is computed from
//     the seed whenever a card is dealt, and forgotten.
//   - Every hand that is settled pays what its cards and the positions say.
//   - No bet on banker can be placed that is not a multiple of banker_step; of one that was, the
//     commission is rounded up and half a payout down.
//   - A shoe never runs out of cards: after the cut card come at most 11 cards, and 14 at least are there.
//   - The view of a full table has less than 64 KiB.
//
// # Why
//
// To shuffle a shoe anew for every card takes some 15 µs, and so neither a snapshot nor anything else of the
// table can tell the cards to come.
package baccarat
