// Package loadtest holds how "pitboss load" plays a game to the game's own rules: one call of Run in the
// test of a load.Game.
//
// # What always holds
//
// Run opens tables with the settings of load.Game.Table and plays rounds by the rules of the game.Kind until a
// seed has served its last round; then it voids a round and closes the table, so that a seed is told in each of
// the three ways. What players are told of it is read by the load.Game, and is held to what the rules did:
//
//   - the rules accept BetsMax bets of a player, as AppendCommand writes them, and stake what Bet returned;
//   - OwnBet reads a player's own bet, and nothing from another's;
//   - Event reads the round, its commitment and the round that made it, seed and outcome, what was staked, paid and
//     refunded, the same for everybody, and each player's own part for that player only;
//   - after every event, Event and View say that bets are open exactly as long as the rules accept one;
//   - Outcome and Payout agree with what was told and paid, and refuse what does not exist.
package loadtest
