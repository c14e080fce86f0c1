// Package rooms runs games. A room is one goroutine that owns one game; a Directory
// knows the rooms that this node owns.
//
// # The life of a room
//
//	            Open: Journal.Claim raises the epoch, load replays
//	                               │
//	                               ▼
//	┌──────────────────────────── run ◄───────────────────────────┐
//	│ mailbox, Tick or Close → decide (in memory, nothing is told) │
//	│                            │                                 │
//	│                       Journal.Append                         │
//	│          ┌─────────────────┼──────────────┬──────────┐       │
//	│        nil            *Conflict       ErrFenced    other     │
//	│          ▼                 ▼              │          ▼       │
//	│    commit: answer,   concede: rebuild,    │      recover:    │
//	│    then tell         answer those, decide │      Claim again,│
//	│          │           the rest anew        │      tell what   │
//	│          └───────────► back ◄─┘           │      was missed ─┘
//	└───────────────────────────────────────────┼──────────────────
//	                                            ▼
//	                              gone: also after Drain, after the event
//	                              room.closed, and after a panic of the rules
//
// # What always holds
//
//   - Published ⇒ committed. Answers and frames leave the room only after Append
//     returned nil, or after a Claim has read the events back from the journal.
//   - One writer. Append names the owner's epoch and the seq it builds on; the journal
//     refuses every other. No clock is trusted for this.
//   - A command acts once. Its id and its answer are in the transaction of its events; the
//     same id finds the first answer, refusals included. ErrBusy and ErrUnavailable are no
//     answers: nothing was decided, or it is not known, and the id may come again.
//   - Seq has no gaps over owners and restarts; every event has a public form, so that
//     everybody can count.
//   - The state in memory is the committed state whenever a question is answered: what
//     could not be appended is undone by rebuilding from the last snapshot and the events
//     since.
//   - Rules that panic stop their own room and nothing else.
//   - The open seed is in the room, lent to the rules for one Tick, and in the journal,
//     sealed; a game can commit only to the seed that it was just lent, and reveal only
//     the one that it committed to.
//
// # Why
//
// One append for all that waits (group commit) instead of one per command: while a
// commit is under way the next batch gathers by itself, so a busy table needs no more
// transactions than the disk can do. Refused: applying after the commit instead of
// before it (a second command could then not build on the first), and undoing events by
// inverse events (every game would need them; a rebuild needs none and is rare).
//
// Refusals by the rules are kept like acceptances, because a client that lost the answer
// must not get another one later. What was never decided (busy, rate limits) is not kept.
//
// A question (Join, StaffView) runs in the room's goroutine between two batches, so that
// its answer has a place in the order of events and needs no lock.
package rooms
