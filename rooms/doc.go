// Package rooms runs games. A room is one goroutine that owns one game; a Directory
// runs the rooms that this node owns, and finds those of other nodes.
//
// # The life of a room on its node
//
//	           Open: Journal.Claim raises the epoch, load replays
//	                               │
//	                               ▼
//	┌──────────────────────────── live ◄───────────────────────────┐
//	│ mailbox, Tick or Close → decide (in memory, nothing is told) │
//	│                            │                                 │
//	│                     Journal.Append                           │
//	│          ┌─────────────────┼──────────────┬──────────┐       │
//	│         nil            *Conflict,     ErrFenced    other     │
//	│          │            ErrNotWritten       │          │       │
//	│          ▼                 ▼              │          ▼       │
//	│    commit: answer,   concede, forget:     │      recover:    │
//	│    then tell         rebuild, answer      │      Claim again,│
//	│          │           those, or all        │      tell what   │
//	│          └─────────────► back ◄───────────┼──────was missed──┘
//	└───────────────────────────────────────────┤
//	                                            ▼
//	     gone: fenced, drained, out of order (its rules panicked), or closed for a while
//
// What a socket or another node asks goes through directory.go (Send, Close, List; questions.go and
// resume.go have what is asked of a room), routing.go (which node has the room), mailbox.go and loop.go (one
// turn: decide, append, answer, tell). room.go is the goroutine, recover.go the way back from an append of
// unknown outcome, tell.go and totals.go what sockets hear, limits.go how much of it, clock.go the time of
// day. open.go brings a room to this node and sends it away; run.go is the Directory's own life.
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
// Which node owns which room is for package placement: leases, the index of assignments, whom an orphan is
// for, balance, and what happens when the database goes back. It drives this node's rooms through local.go.
//
// # What always holds
//
//   - Published ⇒ committed. Answers and frames leave the room only after Append
//     returned nil, or after a Claim has read the events back from the journal.
//   - One writer. A Claim raises the epoch of the room's row in its tenant's schema; an Append
//     names the epoch and the seq it builds on, and the journal refuses every other, in the same
//     transaction. No clock, no lease and no message is trusted for this.
//   - Where this node's lease may have run out (placement.Agent.Trusted), its rooms pause, they are not
//     dropped. What it had begun to append is decided by the epoch.
//   - A room runs only when the index says that it is this node's. Whoever goes by an old assignment is told
//     errAway or ErrFenced, and looks again.
//   - When the database has gone back, a node gives up all its rooms and claims them anew. One that does
//     not know of it yet is not asked.
//   - A room that is open is somebody's, or is claimed within placement.LeaseTTL and a refresh of the index
//     after its node's end.
//   - A command acts once. Its id, a digest of it and its answer are in the transaction of its
//     events; the same id finds the first answer, for good if it was accepted, for RefusalLife at
//     least if it was refused, also while a closed room lingers, and with another body
//     ErrCommandReused. ErrBusy, ErrRateLimited and ErrUnavailable are no answers: nothing was
//     decided, or it is not known, and the id may come again.
//   - What the game can not even read is refused at once and leaves no row: the same bytes would be
//     refused at any time, in any state.
//   - A phase lasts as long as it should, whatever becomes of the time of day. Games give deadlines as
//     times of day, since they outlive a process and clients show them; the room compares its clock with
//     one that nobody sets, and what a step of 250 ms or more did to a deadline is undone by an event of
//     the game (game.Shift), also if a deadline is further away than the phase lasts (game.Timed). All
//     that is no deadline of a game goes by the other clock.
//   - No input restarts a room. Of a batch that the journal can not keep, the command that is to
//     blame is found by halves and refused, and the others are decided without it.
//   - What commands make a room publish in a second is bounded by what an ordinary link takes
//     (Limits), for everybody and for each player's own forms. What the room does by itself
//     counts and is never held back, and no seq is left out.
//   - The owner of a room counts what each player asks of it, exactly: another socket or node
//     changes nothing, another owner begins anew. Whoever has all of it again is forgotten.
//   - What a question costs is bounded before it is begun: a gap that is too long is answered
//     with the view; what is read and formed for one is there for all who ask soon after.
//   - Seq has no gaps over owners and restarts; every event has a public form, so that
//     everybody can count. While a room is open here, sockets are told every event once, in
//     order; after it was opened anew they resume.
//   - A question is answered from committed state. What could not be appended is undone by
//     rebuilding from a snapshot and the events since, as a restart would.
//   - Everything that is mailed is answered, once.
//   - Rules that panic stop their own room and nothing else.
//   - The open seed is in the room, lent to the rules for one Tick, and in the journal,
//     sealed; a game can commit only to the seed that it was just lent, reveal only the one
//     that it committed to, and commit to no other before it has. Without randomness no
//     round begins.
//   - A room that waits for nothing sleeps, but for a beat now and then.
//
// # Why
//
// One append for all that waits (group commit) instead of one per command: while a
// commit is under way the next batch gathers by itself, so a busy table needs no more
// transactions than the disk can do. Refused: applying after the commit instead of
// before it (a second command could then not build on the first), and undoing events by
// inverse events (every game would need them; a rebuild needs none, and starts from a
// snapshot that is never far away).
//
// Refusals by the rules are kept, because a client that lost the answer must not get another one
// soon after; for a day, because who has no money can make any number of them. What was never
// decided (busy, rate limits) is not kept.
//
// Frames are encoded when an event is decided, before the state goes on, and held back: the
// time between the commit and the sockets is short, and no event shares memory with a state
// that has changed since. What is resumed or rebuilt is read back from the stored bytes.
//
// After an append of which nothing was written, for sure, the room goes back to what it has in
// memory: a claim would only be another transaction for a database that has no room for one.
//
// After an append of unknown outcome the room claims itself anew instead of looking: only a
// raised epoch makes sure that the lost append does not arrive later. It then tells the
// events that were written after all; a resync would make every client ask for the view at
// the moment when the database has the most to do.
//
// A question (Join, StaffView) runs in the room's goroutine between two batches, so that
// its answer has a place in the order of events and needs no lock; the journal is read, and
// events are put into the viewer's form, in the asker's own time.
//
// Beyond its bytes a room refuses commands, because nothing else can give: events may not be left
// out, and the slowest of those who watch must not be the one who pays for the player who sends
// most. Others' bets are told as sums, and where all chips lie as totals that replace each other
// (game.Totaler), so that the bound is some 350 bets a second and not a dozen. Refused: a frame
// for many events (each socket would wait for the slowest batch), and fewer bytes for those who
// watch over a slow link (nobody knows who does until it is too late).
//
// Rooms do not write down when they want to be woken. All open rooms run somewhere, an idle one
// costs 17 KiB and no timer, and so the query that finds orphans finds every due round too, with
// no index to keep right on the hottest path. That is one query a node and refresh of the index over all
// tenants, for the rows that changed.
//
// A node finds a room by asking the node that the index names, and again after again, for
// answerWithin, if that one does not have it or does not answer: a command acts once whoever is
// asked how often, so nobody has to know whether the first question arrived.
//
// A room that another node took is left alone for a while, so that two nodes that both want
// it do not take it from each other all day. To be asked to close is not kept by the room
// but by whoever asks: they ask until it is closed.
package rooms
