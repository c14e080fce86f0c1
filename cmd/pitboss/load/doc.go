// Package load is the work of "pitboss load": it opens tables of games, seats players, bets on
// a schedule, measures, and then checks every promise that it was given. docs/load.md says what
// the printed lines mean.
//
// # What always holds
//
//   - The schedule is open: when a bet is due does not depend on any answer, and its
//     latency counts from when it was due. There is no coordinated omission.
//   - It knows a casino as its players and operators do: by its URL and tokens. It never
//     looks into the database, and shares no code with the server but the messages'
//     names, the tokens, and the rules of the game that it holds the server to.
//   - It knows no game. A Game says how players bet, what the events mean and what the rules
//     pay; each has a folder below this one. The books that are kept of it are the same for all.
//   - Every socket counts every event of its table; the first missing or doubled one is a
//     violation. So is a bet that was not settled exactly once at the right payout, an
//     outcome that does not follow from the committed seed, and a balance that differs.
//
// # Why
//
// The client shares the machine with the server it measures, so what it does for each
// event is little: one goroutine a socket, many frames a read, and a scanner for the few
// members that count. encoding/json reads only what comes once a round.
package load
