package placement_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// This is a model of who may write to a room, searched state by state. It is not the code; each
// step stands for code, and who changes one changes the other:
//
//	claims        rooms' openHere, room.reclaim → Journal.Claim on its way
//	carried out   journal.Claim (claimRoom), Append (moveRooms, lockRooms, command_once)
//	decides       room.decide, room.append: something is on its way to the journal
//	hears         room.load, room.commit, room.resolve, ErrFenced in room.process and recover
//	gives up      journalTimeout is over, a connection broke: an append's outcome is not known. What
//	              was asked may still be carried out, at any time, or never
//	begins anew   kill -9 and a restart; also rooms' stopRoom, a hand-over, ErrReplaced: the
//	              room is dropped here, and what is on its way stays on its way
//	renews, stops trusting, its lease runs out: Agent.KeepLease, trust, platform.node
//
// A process that is paused, at any point, is one that takes no step while others do. A clock
// that jumps or stands still is a lease that runs out while its process still trusts in it.
// The index, hand-overs and who is whose orphan say who claims when; here anybody claims at any
// time, whatever the leases say, which is more than any index can bring about. Whether a room
// finds an owner at all is for model_find_test.go.
//
// Not modelled: batches of more than one entry, money, seeds, snapshots, closing, PostgreSQL
// itself (a transaction is one step; the primary key of event, which would refuse a second event
// of one seq as well, is left out), and more of anything than the bounds below.

const (
	processesMax = 3
	epochsMax    = 3
	eventsMax    = 2
	lateMax      = 2 // requests that nobody waits for and that may still be carried out
)

// protocol is what differs from the code, the mutations, and how the world around it is.
type protocol struct {
	noEpoch     bool // Append does not look at the epoch
	noSeq       bool // Append does not look at the seq
	noOnce      bool // Append does not look for the command
	noRaise     bool // Claim leaves the epoch as it is
	noSeen      bool // Claim does not look at the epoch seen
	early       bool // answers and tells before Append returned
	looks       bool // an append of unknown outcome is looked for; the room is not claimed anew
	again       bool // an append of unknown outcome is tried again; the room is not claimed anew
	noTrust     bool // decides whatever its lease says
	onlyOrphans bool // Claim takes nothing from a node whose lease runs
	punctual    bool // clocks are right: a lease never ends before its process stops trusting it
	twice       bool // a request may be carried out twice
	prompt      bool // what nobody waits for is never carried out
	inOrder     bool // an invariant more: no claim wins that was sent before the last one won

	processes int
	commands  uint8 // besides Ticks
}

// event is what is written at one seq.
type event struct{ Epoch, Command uint8 } // command 0: the room's own, a Tick

type verb uint8

const (
	nothing verb = iota
	claims
	appends
)

// call is what a process asks of the journal.
type call struct {
	Verb    verb
	Epoch   uint8 // the owner's; of a claim: the one that it has seen
	Seq     uint8
	Command uint8
	No      bool  // the rules refuse the command: only the answer is kept
	Sent    uint8 // the room's epoch when a claim was sent
}

type outcome uint8

const (
	unheard outcome = iota
	claimed
	written
	conflicts
	fenced
)

// answered is what the journal says to a process; it is on its way.
type answered struct {
	Outcome    outcome
	Epoch, Seq uint8
}

// process is a node's process, or what of it has to do with the room.
type process struct {
	Trusts bool             // believes that its lease runs
	Lease  bool             // its lease runs, by the database's clock
	Owner  bool             // it is whom the room's row names
	Epoch  uint8            // under which it runs the room; 0: it does not
	Seq    uint8            // the last event that it knows to be committed
	Knows  [eventsMax]event // up to Seq
	Unsure bool             // it does not know what became of an append
	Asks   call             // and waits for the answer
	Hears  answered         // that answer, on its way; unheard: Asks is on its way, or lost
}

func (p process) busy() bool { return p.Asks.Verb != nothing }

// refused is the answer of a refused command, where others have their seq.
const refused = 255

// world is a state of everything.
type world struct {
	Epoch, Seq uint8            // the room's row
	Log        [eventsMax]event // its events
	Answers    [2]uint8         // of commands 1 and 2: the seq, or refused
	P          [processesMax]process
	Late       [lateMax]call // sorted
	Twice      bool          // a request was carried out twice
	Wrong      breach
}

// breach is an invariant that a step broke. The others are seen in the state.
type breach uint8

const (
	none breach = iota
	twoAtOneSeq
	notTheOwner
	actedTwice
	toldTooEarly
	oldClaimWon
)

var breaches = [...]string{
	twoAtOneSeq:  "two events are committed at one seq",
	notTheOwner:  "a process commits that is not the room's owner",
	actedTwice:   "a command acts twice",
	toldTooEarly: "somebody is told what is not committed",
	oldClaimWon:  "a claim unseats an owner that was not there yet when it was sent",
}

const (
	twoOwners   = "two processes may commit"
	ownerBehind = "the owner waits for nothing and does not know the last event"
)

// wrong says which invariant does not hold.
func (w world) wrong() string {
	if w.Wrong != none {
		return breaches[w.Wrong]
	}
	for i := 1; i < int(w.Seq); i++ {
		if w.Log[i].Epoch < w.Log[i-1].Epoch {
			return "epochs go back along seq"
		}
	}
	owners := 0
	for _, p := range w.P {
		if p.Epoch == 0 {
			continue
		}
		if p.Seq > w.Seq || p.Knows != first(w.Log, p.Seq) {
			return "a process believes committed what is not"
		}
		if p.Epoch != w.Epoch {
			continue
		}
		if owners++; owners > 1 {
			return twoOwners
		}
		if p.Seq != w.Seq && !p.busy() && !p.Unsure {
			return ownerBehind
		}
	}
	return ""
}

func first(log [eventsMax]event, n uint8) (out [eventsMax]event) {
	copy(out[:n], log[:n])
	return out
}

// String is w as a trace ends with it.
func (w world) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the room is at epoch %d, seq %d, with events %v", w.Epoch, w.Seq, w.Log[:w.Seq])
	for i, p := range w.P {
		if p.Epoch > 0 {
			fmt.Fprintf(&b, "; process %d runs it at epoch %d, seq %d", i, p.Epoch, p.Seq)
		}
	}
	return b.String()
}

// String is for traces.
func (e event) String() string { return fmt.Sprintf("{epoch %d, command %d}", e.Epoch, e.Command) }

// key forgets which process is which.
func (c protocol) key(w world) world {
	slices.SortFunc(w.P[:c.processes], func(a, b process) int { return cmp.Compare(a.order(), b.order()) })
	return w
}

// order is another for each other process: fields are less than 8 and commands, epochs and seqs
// less than 4.
func (p process) order() uint64 {
	n := uint64(bit(p.Trusts)<<3 | bit(p.Lease)<<2 | bit(p.Owner)<<1 | bit(p.Unsure))
	n = n<<4 | uint64(p.Epoch<<2|p.Seq)
	for _, e := range p.Knows {
		n = n<<4 | uint64(e.Epoch<<2|e.Command)
	}
	return (n<<16|p.Asks.order())<<8 | uint64(p.Hears.Outcome)<<4 | uint64(p.Hears.Epoch<<2|p.Hears.Seq)
}

func (r call) order() uint64 {
	return uint64(r.Verb)<<10 | uint64(r.Epoch)<<8 | uint64(r.Seq)<<6 | uint64(r.Command)<<4 | uint64(bit(r.No))<<3 | uint64(r.Sent)
}

func bit(yes bool) uint8 {
	if yes {
		return 1
	}
	return 0
}

// next is every step.
func (c protocol) next(w world, to func(step, world)) {
	emit := func(by step, n world) { c.letGo(&n); to(by, n) }
	for i := range c.processes {
		c.nextOf(w, i, emit)
	}
	for i, r := range w.Late {
		if r.Verb != nothing && (i == 0 || r != w.Late[i-1]) {
			n := w
			n.Late[i] = call{}
			n.sort()
			c.carryOut(&n, r, -1)
			emit(step{what: "a late " + names[r.Verb] + " of epoch %d is carried out", args: [3]uint8{r.Epoch}}, n)
		}
	}
}

// letGo forgets late calls that are refused whenever they come, to have room for others.
func (c protocol) letGo(w *world) {
	for i, r := range w.Late {
		if r.Epoch < w.Epoch && (r.Verb == claims && !c.noSeen || r.Verb == appends && !c.noEpoch) {
			w.Late[i] = call{}
		}
	}
	w.sort()
}

var names = [...]string{claims: "claim", appends: "append"}

func (w *world) sort() {
	slices.SortFunc(w.Late[:], func(a, b call) int { return cmp.Compare(a.order(), b.order()) })
}

// nextOf is every step of one process.
func (c protocol) nextOf(w world, i int, emit func(step, world)) {
	p := w.P[i]
	say := func(what string, args ...uint8) step {
		s := step{what: "process %d " + what}
		s.args[0] = uint8(i)
		copy(s.args[1:], args)
		return s
	}
	// with emits w with another p.
	with := func(by step, change func(p *process)) {
		n := w
		change(&n.P[i])
		emit(by, n)
	}

	switch {
	case p.busy() && p.Hears.Outcome == unheard:
		n := w
		c.carryOut(&n, p.Asks, i)
		emit(say("has its "+names[p.Asks.Verb]+" carried out"), n)
		if n.late(p.Asks) && c.twice && !w.Twice {
			n.Twice = true
			emit(say("has its "+names[p.Asks.Verb]+" carried out, and it is sent again by what is between"), n)
		}
	case p.busy():
		n := w
		what := n.hear(i)
		emit(say(what), n)
	case p.Unsure && c.looks:
		with(say("looks what the journal has, and goes on"), func(p *process) {
			p.Seq, p.Knows, p.Unsure = w.Seq, first(w.Log, w.Seq), false
		})
	case p.Unsure && c.again:
		with(say("goes on as if its append were lost"), func(p *process) { p.Unsure = false })
	case p.Epoch == 0 || p.Unsure:
		if w.Epoch < epochsMax && (!c.onlyOrphans || p.Trusts) {
			seen := w.Epoch
			if p.Unsure {
				seen = p.Epoch
			}
			with(say("claims the room, which it has seen at epoch %d", seen), func(p *process) {
				p.Asks = call{Verb: claims, Epoch: seen}
				if c.inOrder {
					p.Asks.Sent = w.Epoch
				}
			})
		}
	case p.Trusts || c.noTrust:
		c.decide(w, i, say, emit)
	}
	if p.busy() {
		n := w
		c.giveUp(&n, i)
		emit(say("gives up waiting"), n)
	}
	if p.Epoch != 0 || p.busy() {
		n := w
		c.giveUp(&n, i)
		q := &n.P[i]
		*q = process{Lease: q.Lease, Owner: q.Owner}
		emit(say("begins anew, without the room"), n)
	}

	if c.noTrust && !c.onlyOrphans {
		return // leases are nobody's business
	}
	if !p.Trusts || !p.Lease {
		with(say("renews its lease"), func(p *process) { p.Trusts, p.Lease = true, true })
	}
	if p.Trusts {
		with(say("stops trusting its lease"), func(p *process) { p.Trusts = false })
	}
	if p.Lease && (!p.Trusts || !c.punctual) {
		with(say("has its lease run out"), func(p *process) { p.Lease = false })
	}
}

// held reports whether another process than i is the owner and lives.
func (w world) held(i int) bool {
	for j, p := range w.P {
		if j != i && p.Owner && p.Lease {
			return true
		}
	}
	return false
}

// giveUp stops waiting. What is on its way stays there, while there is room for it.
func (c protocol) giveUp(w *world, i int) {
	p := &w.P[i]
	if p.Asks.Verb == appends {
		p.Unsure = true
	}
	if p.Hears.Outcome == unheard && !c.prompt {
		w.late(p.Asks)
	}
	p.Asks, p.Hears = call{}, answered{}
}

// hear is what a process makes of an answer.
func (w *world) hear(i int) (what string) {
	p := &w.P[i]
	r, says := p.Asks, p.Hears
	p.Asks, p.Hears = call{}, answered{}
	switch says.Outcome {
	case claimed:
		p.Epoch, p.Seq, p.Knows, p.Unsure = says.Epoch, says.Seq, first(w.Log, says.Seq), false
		return "hears that the room is its own"
	case written:
		w.tell(r)
		if !r.No {
			p.Knows[p.Seq] = event{r.Epoch, r.Command}
			p.Seq++
		}
		return "hears that it is written; it answers and tells"
	case conflicts:
		return "hears that the command was answered before; it answers that"
	}
	p.Epoch, p.Seq, p.Knows, p.Unsure = 0, 0, [eventsMax]event{}, false
	return "hears that it is fenced off; it drops the room"
}

// late keeps a request that may yet be carried out, if there is room for it.
func (w *world) late(r call) bool {
	if r.Verb == nothing || w.Late[0].Verb != nothing {
		return false
	}
	w.Late[0] = r
	w.sort()
	return true
}

// decide lets a process decide a Tick, or a command that somebody sent it, perhaps again.
func (c protocol) decide(w world, i int, say func(string, ...uint8) step, emit func(step, world)) {
	p := w.P[i]
	for command := range c.commands + 1 {
		for _, no := range []bool{false, true} {
			if no && command == 0 || !no && p.Seq == eventsMax {
				continue
			}
			n := w
			r := call{Verb: appends, Epoch: p.Epoch, Seq: p.Seq, Command: command, No: no}
			n.P[i].Asks = r
			by := say("decides command %d after seq %d, and appends", command, p.Seq)
			if no {
				by = say("refuses command %d after seq %d, and appends", command, p.Seq)
			}
			if c.early {
				n.tell(r)
				by.what += "; it answers at once"
			}
			emit(by, n)
		}
	}
}

// tell notes whether what is told of r is committed.
func (w *world) tell(r call) {
	if r.No && w.Answers[r.Command-1] != refused ||
		!r.No && (w.Seq <= r.Seq || w.Log[r.Seq] != event{r.Epoch, r.Command}) {
		w.Wrong = toldTooEarly
	}
}

// carryOut is one transaction. from waits for the answer; -1: nobody.
func (c protocol) carryOut(w *world, r call, from int) {
	var says answered
	if r.Verb == claims {
		says = c.claim(w, r, from)
	} else {
		says = c.append(w, r)
	}
	if from >= 0 {
		w.P[from].Hears = says
	}
}

func (c protocol) claim(w *world, r call, from int) answered {
	if r.Epoch != w.Epoch && !c.noSeen {
		return answered{Outcome: fenced}
	}
	if w.Epoch == epochsMax && !c.noRaise {
		return answered{Outcome: fenced} // the bound, not the code
	}
	if c.onlyOrphans && w.held(from) {
		return answered{Outcome: fenced}
	}
	if c.inOrder && r.Sent != w.Epoch {
		w.Wrong = oldClaimWon
	}
	if !c.noRaise || w.Epoch == 0 {
		w.Epoch++
	}
	for j := range w.P {
		w.P[j].Owner = j == from
	}
	return answered{claimed, w.Epoch, w.Seq}
}

func (c protocol) append(w *world, r call) answered {
	if r.Epoch != w.Epoch && !c.noEpoch || r.Seq != w.Seq && !c.noSeq {
		return answered{Outcome: fenced}
	}
	if r.Command > 0 && w.Answers[r.Command-1] != 0 {
		if !c.noOnce {
			return answered{Outcome: conflicts}
		}
		w.Wrong = actedTwice
	}
	if r.Epoch != w.Epoch {
		w.Wrong = notTheOwner
	}
	seq := r.Seq + 1
	if r.No {
		seq = r.Seq
	} else {
		if w.Seq > r.Seq {
			w.Wrong = twoAtOneSeq
		}
		w.Seq, w.Log[r.Seq] = seq, event{r.Epoch, r.Command}
	}
	if r.Command > 0 {
		w.Answers[r.Command-1] = seq
		if r.No {
			w.Answers[r.Command-1] = refused
		}
	}
	return answered{written, r.Epoch, seq}
}

func (c protocol) search(t *testing.T) *found[world] {
	t.Helper()
	f := search(t, model[world]{key: c.key, next: c.next, wrong: world.wrong}, false)
	t.Logf("%d states", len(f.states))
	return f
}

func TestNoInterleavingLetsTwoNodesCommitToOneRoom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]protocol{
		"as built":                       {processes: 2, inOrder: true},
		"without leases":                 {processes: 3, noTrust: true, commands: 1},
		"without leases, two commands":   {processes: 2, noTrust: true, commands: 2},
		"without leases, calls doubled":  {processes: 2, noTrust: true, twice: true},
		"without leases, any epoch seen": {processes: 2, noTrust: true, noSeen: true},
		// Whoever claims anew after each lost append would do without the seq, if nothing were
		// ever carried out twice. It is a second lock.
		"without the seq": {processes: 2, noSeq: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.search(t)
			if f.broken != "" {
				t.Fatalf("%s:%s", f.broken, f.trace(f.last()))
			}
			if !slices.ContainsFunc(f.states, func(w world) bool { return w.Seq > 1 && w.Log[0].Epoch < w.Log[1].Epoch }) {
				t.Error("no room has events of two owners: the bounds are too narrow to say anything")
			}
		})
	}
}

func TestEachRuleOfOwnershipIsNeeded(t *testing.T) {
	t.Parallel()
	leaseOnly := protocol{noEpoch: true, noSeq: true, onlyOrphans: true, prompt: true}
	punctual := leaseOnly
	punctual.punctual = true
	for name, x := range map[string]struct {
		protocol
		want string
	}{
		"append without the epoch":           {protocol{noEpoch: true}, breaches[notTheOwner]},
		"leases and no fence":                {leaseOnly, breaches[notTheOwner]},
		"leases, no fence, clocks are right": {punctual, breaches[notTheOwner]},
		"append without the seq":             {protocol{noSeq: true, twice: true}, breaches[twoAtOneSeq]},
		"append without the command":         {protocol{noOnce: true, commands: 1}, breaches[actedTwice]},
		"claim without a new epoch":          {protocol{noRaise: true}, twoOwners},
		// This one is safe (see above): what it would cost is rooms that nodes take from each other.
		"claim without the epoch seen":                 {protocol{noSeen: true, inOrder: true}, breaches[oldClaimWon]},
		"an answer before the append returned":         {protocol{early: true}, breaches[toldTooEarly]},
		"a lost append is looked for and not claimed":  {protocol{looks: true}, ownerBehind},
		"a lost append is tried again without a claim": {protocol{again: true}, ownerBehind},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x.processes = 2
			f := x.search(t)
			if f.broken != x.want {
				t.Fatalf("found %q, want %q", f.broken, x.want)
			}
			t.Logf("%s:%s", f.broken, f.trace(f.last()))
		})
	}
}
