// Package rooms runs games. A room is one goroutine that owns one game; a Directory
// runs the rooms that this node owns, and finds those of other nodes.
//
// # The life of a room on its node
//
//	           Open: Journal.Claim raises the epoch, load replays
//	                               │
//	                               ▼
//	┌──────────────────────────── live ◄───────────────────────────┐
//	│ mailbox, Tick or Close → decide (in memory, not published)   │
//	│                            │                                 │
//	│                     Journal.Append                           │
//	│          ┌─────────────────┼──────────────┬──────────┐       │
//	│         nil            *Conflict,     ErrFenced    other     │
//	│          │            ErrNotWritten       │          │       │
//	│          ▼                 ▼              │          ▼       │
//	│    commit: answer,   resolve, abandon:    │      recover:    │
//	│    then publish      rebuild, answer      │      Claim again,│
//	│          │           those, or all        │      publish what│
//	│          └─────────────► back ◄───────────┼──────was missed──┘
//	└───────────────────────────────────────────┤
//	                                            ▼
//	     gone: fenced, drained, out of order (its rules panicked), or closed for a while
//
// A request of a socket or another node goes through directory.go (Send, Close, List; questions.go and
// resume.go have the requests that change nothing), routing.go (which node has the room), mailbox.go and
// loop.go (one turn: decide, append, answer, publish). room.go has the goroutine, recover.go the recovery from
// an append of unknown outcome, publish.go, totals.go and brief.go what sockets are sent, limits.go how much of it,
// clock.go the time of day. open.go opens a room on this node and hands it over; run.go runs the Directory.
//
// # The life of a room among nodes
//
//	                   ┌───────────────────────── opened by somebody, not claimed yet
//	                   ▼
//	  ┌──────────► nobody's ◄───────────── its node's lease ran out, or was released
//	  │                │                                                ▲
//	  │                │ placement.Rank picks one of the nodes that     │
//	  │                │ live, which calls Journal.Claim                │
//	  │                ▼                                                │
//	  │    owned by n at epoch e ───────────────────────────────────────┤
//	  │                │                                                │
//	  │                │ n drains, or has more than its share:          │
//	  │                │ at the end of the round, or when time is up    │
//	  │                ▼                                                │
//	  └───── handed over to m by n ───────── m died ────────────────────┘
//	(m is gone)        │
//	                   │ m calls Claim
//	                   ▼
//	     owned by m at epoch e+1;  n's next Append, if there is one, is ErrFenced
//
// Which node owns which room is for package placement: leases, the index of assignments, which node claims an
// orphan, balance, and what happens when the database goes back. It drives this node's rooms through local.go.
//
// # What always holds
//
//   - Published ⇒ committed. Answers and frames leave the room only after Append
//     returned nil, or after a Claim has read the events back from the journal.
//   - One writer. A Claim raises the epoch of the room's row in its tenant's schema; an Append
//     names the epoch and the seq it builds on, and the journal refuses every other, in the same
//     transaction. No clock, no lease and no message is trusted for this.
//   - Where this node's lease may have run out (placement.Agent.Trusted), its rooms pause; they are not
//     dropped. The epoch decides whether an append that it had begun is written.
//   - A room runs only when the index says that this node owns it. A request that follows an old assignment
//     gets errNotHere or ErrFenced, and the room is looked up again.
//   - When the database has gone back, a node gives up all its rooms and claims them anew. The answers
//     of one that does not know of it yet are not used.
//   - An open room has an owner, or is claimed within placement.LeaseTTL and a refresh of the index
//     after its node's end.
//   - A command acts once. Its id, a digest of it and its answer are in the transaction of its
//     events; the same id finds the first answer, for good if it was accepted, for RefusalLife at
//     least if it was refused, also while a closed room lingers, and with another body
//     ErrCommandReused. ErrBusy, ErrRateLimited and ErrUnavailable are no answers: nothing was
//     decided, or the outcome is unknown, and the id may be sent again.
//   - A command that the game cannot decode is refused at once and leaves no row: the same bytes would be
//     refused at any time, in any state.
//   - A phase lasts as long as it should, whatever the time of day is set to. Games give deadlines as
//     times of day, since they outlive a process and clients show them; the room compares its clock with
//     one that nobody sets, and what a step of 250 ms or more did to a deadline is undone by an event of
//     the game (game.Shift), also if a deadline is further away than the phase lasts (game.Timed). Everything
//     but the deadlines of games goes by the other clock.
//   - No input restarts a room. If the journal cannot store a batch, the command that is to
//     blame is found by bisection and refused, and the others are decided without it.
//   - What commands make a room publish in a second is bounded by what an ordinary link takes
//     (Limits), for everybody and for each player's own forms. What the room does by itself
//     counts and is never held back, and no seq is left out.
//   - The owner of a room counts what each player asks of it, exactly: using another socket or
//     node gains nothing, another owner begins anew. A player with a full quota is forgotten.
//   - The cost of a question is bounded before it is answered: a gap that is too long is answered
//     with the view; what is read and encoded for one viewer is kept for all who ask soon after.
//   - Seq has no gaps over owners and restarts; every event has a public form, so that
//     everybody can count. While a room is open here, every event is published once, in
//     order; after it was opened anew, sockets resume.
//   - A question is answered from committed state. What could not be appended is rolled back by
//     rebuilding from a snapshot and the events since, as a restart would.
//   - Every message that is enqueued is answered, once.
//   - Rules that panic stop their own room and nothing else.
//   - A seed that was committed to before the database went back decides nothing any more: the history
//     that was lost may have revealed it. The room voids the round at hand before it decides anything else.
//   - The open seed is in the room, lent to the rules for one Tick, and in the journal,
//     sealed; a game can commit only to the seed that it was just lent, reveal only the one
//     that it committed to, and commit to no other before it has. Without randomness no
//     round begins.
//   - A room without a deadline sleeps, except for a beat now and then.
//
// # Why
//
// One append for all waiting commands (group commit) instead of one per command: while a
// commit is under way the next batch gathers by itself, so a busy table needs no more
// transactions than the disk can do. Rejected: applying after the commit instead of
// before it (a second command could then not build on the first), and undoing events by
// inverse events (every game would need them; a rebuild needs none, and starts from a
// snapshot that is never far away).
//
// Refusals by the rules are kept, because a client that lost the answer must not get another one
// soon after; for a day, because a player without money can cause any number of them. What was never
// decided (busy, rate limits) is not kept.
//
// Frames are encoded when an event is decided, before the state goes on, and held back until
// the commit: the time from there to the sockets is short, and no event shares memory with a state
// that has changed since. What is resumed or rebuilt is read back from the stored bytes.
//
// After an append of which certainly nothing was written, the room rolls back to what it has in
// memory: a claim would only be another transaction for a database that has no room for one.
//
// After an append of unknown outcome the room claims itself anew instead of reading: only a
// raised epoch makes sure that the lost append does not arrive later. It then publishes the
// events that were written after all; a resync would make every client ask for the view at
// the moment when the database has the most to do.
//
// A question (Join, StaffView) runs in the room's goroutine between two batches, so that
// its answer has a position in the order of events and needs no lock; the journal is read, and
// events are encoded in the viewer's form, in the asker's own time.
//
// Beyond its limit of bytes a room refuses commands, because nothing else can be reduced: events may not be left
// out, and the slowest of those who watch must not be the one who pays for the player who sends
// most. Others' bets are published as sums, and where all chips lie as totals that replace each other
// (game.Totaler), so that the bound is some 350 bets a second and not a dozen. Rejected: a frame
// for many events (each socket would wait for the slowest batch), and fewer bytes for those who
// watch over a slow link (nobody knows who does until it is too late).
//
// Rooms do not write down when they want to be woken. All open rooms run somewhere, an idle one
// costs 17 KiB and no timer, and so the query that finds orphans finds every due round too, with
// no index to keep right on the hottest path. That is one query a node and refresh of the index over all
// tenants, for the rows that changed.
//
// A node reaches a room by calling the node that the index names, repeatedly for answerTimeout if that one
// does not have the room or does not answer: a command acts once however often it is sent, so it does not
// matter whether the first call arrived.
//
// A room that another node claimed is not claimed back for a while, so that two nodes do not claim
// it from each other all day. A request to close is not stored by the room: whoever wants it closed
// repeats the request until it is.
package rooms
