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
//   - no seed that was not revealed is in a view, an event or a snapshot, in any
//     spelling; a revealed seed is the committed one; no player's id is in another's
//     view or form of an event;
//   - a Refusal has a code and a message, and comes without events;
//   - after "room.closed" the game waits for nothing, refuses everything, and no stake
//     is left without a result or a refund.
//
// # Why
//
// Transcripts (testdata/*.txt, written by -update) show what a game does, for people to
// read in a review. The fuzz test finds what nobody thought of; it prints its seed, and
// -seed plays it again.
package gametest
