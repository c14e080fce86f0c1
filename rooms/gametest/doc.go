// Package gametest puts a game through what every game must stand: one call of Run in
// its test gives it transcripts, replay, conservation, secrecy and fuzz tests.
//
// # What always holds
//
// Run plays a game at a Table, which after every command checks that
//
//   - Decide left the state as it was, and decides the same when asked again;
//   - every event survives JSON: read back, it has the same JSON, postings and forms;
//   - two more tables go along, one that only ever applies events as read back, one
//     that is made anew from a snapshot after every command: state, views, Wake and
//     decisions of all three are the same;
//   - every posting is above zero; refunds never pass stakes, in any round, of any
//     player; only who has money in a round is paid from it; a round's result
//     (Spec.Result) adds up to its postings, and nothing moves after it;
//   - what everybody is told of a stake that a player's command moved is short
//     (game.StakeFormMax), and totals (game.Totaler) are part of the state;
//   - so is a brief (game.Briefer), an object of at most game.BriefMax bytes;
//   - no seed that was not revealed is in a view, an event or a snapshot, in any
//     spelling; a revealed seed is the committed one; a round is under the open seed, or
//     the fresh one if none is open; a closed room has revealed it, unless it was lost; no
//     player's id is in another's view or form of an event;
//   - a command that names another round than the one at hand is refused;
//   - after a Void of a round with stakes every stake is refunded;
//   - every time that leaves the server is in UTC with milliseconds;
//   - a Refusal has a code and a message, and comes without events;
//   - after "room.closed" the game waits for nothing, refuses everything, and no stake
//     is left without a result or a refund.
//
// Before that it holds the game to Kind.Settings: the defaults are played, and what is outside any bound is
// refused by name.
//
// # Transcripts
//
// A transcript, testdata/*.txt, is a list of commands and what came of each, for people to read in a
// review; transcript.go has its grammar. "go test . -update" writes what came of the commands, and the
// whole first transcript of a game that has none.
//
// # Why
//
// The fuzz test finds what nobody thought of; it prints its seed, and
// -seed plays it again.
package gametest
