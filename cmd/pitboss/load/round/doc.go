// Package round is how "pitboss load" plays the games that are made of rooms/game/round: New adds to a Game
// what all of them share, which is how a bet is written, what the kit's events and view mean, and the
// kit's settings. A game's folder has the rest: where players bet, its own settings, how its outcome is
// read, and what the rules pay.
//
// # What always holds
//
//   - It reads what comes over the wire, and shares no code with rooms/game/round.
//   - It knows no game.
//   - Writing a bet and reading a bet.placed allocate nothing.
package round
