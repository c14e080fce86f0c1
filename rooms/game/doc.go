// Package game is the contract between a game's rules and the room that runs them.
// It imports only the standard library and hub/wire/strict, a leaf.
//
// # What always holds
//
//   - Rules compute and do nothing else: no clock, no random source, no goroutine, no
//     I/O. Time, chance and the players' wishes arrive inside commands, so the same
//     commands always give the same events.
//   - State changes in Apply only, whether an event was just decided or is replayed
//     from the journal after a crash.
//   - Money is read off events (Postings), so what the journal says happened and what
//     the ledger says was paid cannot disagree.
//   - What players and operators send is read by Decode: exact names, each once, and no
//     others; what was kept by DecodeKnown. Texts in commands are strict.Line or strict.Text
//     where people wrote them.
//   - An unrevealed seed is never part of a game's state, of an event or of a view:
//     the room keeps it and lends it to the rules for the length of one Tick.
//
// # Adding a game
//
// CONTRIBUTING.md has the recipe: one folder of rules with a Kind and gametest.Run in its test, one of the
// browser, one of the load client, a page in docs/games,
// and one line in cmd/pitboss/games/games.go. A game of rounds on which
// everybody bets is made of the kit in rooms/game/round.
//
// What a game, a command or an event may say besides, it says by the interfaces in optional.go.
package game
