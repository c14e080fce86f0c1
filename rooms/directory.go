package rooms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Limits of a room.
const (
	// MailboxMax is how many commands wait for one room at most; more are refused as busy.
	MailboxMax = 1024
	// BatchMax is how many commands one append takes at most.
	BatchMax = 256
	// SnapshotEvery is after how many events the game's state is kept, so that replay stays
	// short.
	SnapshotEvery = 256
	// RecentMax is how many events a room keeps in memory for clients that come back, and up
	// to twice as many before it tidies up. It is more than SnapshotEvery, since a room is
	// rebuilt from them too.
	RecentMax = 1024
	// ResumeMax is how many events a node that missed some is sent at once.
	ResumeMax = 2000
	// ResumeBytesMax is what a client may have missed that is sent the events when it comes back,
	// as they are stored and with eventBytes for each: a second of an ordinary link, and half of
	// what its queue holds. One that missed more gets the view.
	ResumeBytesMax = 128 << 10
	// RoomsMax is how many rooms of a tenant are open at once.
	RoomsMax = 5000
)

const (
	// awayFor is how long a room that another node took, or whose rules panicked, is not
	// opened here again. Its commands are unavailable.
	awayFor = 3 * time.Second
	// boundaryWithin is how long a room that is to leave may take to the end of its round, at
	// most; then it leaves in the middle of it, which loses nothing either.
	boundaryWithin = 8 * time.Second
	// closedLinger is how long a closed room still answers, so that a client that lost the
	// last answer or event finds it.
	closedLinger = 2 * time.Minute
)

var (
	errStarting = errors.New("rooms: this node's rooms are not open yet")
	errLapsed   = errors.New("rooms: this node's lease has run out")
)

// Publisher tells sockets what happened. *hub.Hub is one.
type Publisher interface {
	Publish(ctx context.Context, m hub.Message) error
}

// Options are what a Directory works with. All are required but those after Log.
type Options struct {
	Journal   Journal
	Publisher Publisher
	Kinds     map[string]game.Kind      // by name
	Seeds     func() (game.Seed, error) // a new seed, without waiting; an error: no new rounds until it is gone
	Listening func(tenant.Topic) bool   // whether anybody would hear a beat
	Currency  func(tenant.ID) string    // for balances that are pushed
	Node      string
	Log       *slog.Logger

	// Now is the time of day, by which games go. Nil: time.Now.
	Now func() time.Time
	// Incarnation tells this process from all others, also of its node's name: a UUID. Empty: a random
	// one.
	Incarnation string
	// Balance looks a player's money up, to push it when an append turns out to have been
	// written after all. Nil: such a balance is not pushed.
	Balance func(context.Context, tenant.ID, game.PlayerID) (PlayerBalance, error)
	// WentBack is called after the database has gone back and this node's rooms were let go. What
	// sockets were told of epochs before FirstEpoch of the generation may not be true any more. It
	// must not block.
	WentBack func(generation int64)
	// Registerer shows the metrics. Nil: they are counted and shown nowhere.
	Registerer prometheus.Registerer

	// Limits bound what rooms publish and what players ask of them.
	Limits Limits

	// Leases and Peers are for nodes that share the rooms. Nil: this is the only node there
	// can be, and it owns what it is told to Open.
	Leases Leases
	Peers  Peers
}

// Directory runs the rooms that this node owns, and finds those of other nodes.
type Directory struct {
	o     Options
	meter *meters
	began time.Time

	lease   Lease // but for its flags
	trust   trust
	floor   *floor
	looking sync.Mutex    // one look at a time
	blind   bool          // the last look failed; guarded by looking
	ready   chan struct{} // closed when the rooms of the start are open
	hasten  chan struct{} // holds one: the lease is to be renewed at once
	reads   reads

	replaced atomic.Bool // another process has this node's name, and answers for it

	life  context.Context // of the rooms; ended by Run
	end   context.CancelFunc
	loops sync.WaitGroup

	mu           sync.RWMutex // guards what follows
	rooms        map[Ref]*room
	opening      map[Ref]chan struct{} // being claimed; closed when that is over
	away         map[Ref]time.Time     // stopped here without being closed; until when it is left alone
	tended       map[Ref]bool          // to be opened, since a look at the floor
	told         map[Ref]string        // why a room does not open, as it was logged
	patientUntil time.Time             // other nodes' orphans are left alone
	draining     bool
}

// NewDirectory makes an empty directory.
func NewDirectory(o Options) *Directory {
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Incarnation == "" {
		o.Incarnation = uuid.NewString()
	}
	d := &Directory{
		o: o, meter: newMeters(o.Registerer), began: time.Now(),
		lease: Lease{Node: o.Node, Incarnation: o.Incarnation}, trust: trust{moved: make(chan struct{})}, floor: newFloor(),
		ready: make(chan struct{}), hasten: make(chan struct{}, 1),
		rooms: map[Ref]*room{}, opening: map[Ref]chan struct{}{}, away: map[Ref]time.Time{}, tended: map[Ref]bool{}, told: map[Ref]string{},
	}
	d.life, d.end = context.WithCancel(context.Background())
	if !d.alone() {
		d.serve()
	}
	return d
}

// clock counts nanoseconds, whatever becomes of the time of day. It begins above zero, which is what a
// bucket that was never used has.
func (d *Directory) clock() int64 { return int64(time.Since(d.began)) + 1 }

// Ready is closed when this node has looked at the floor and opened what it found to be its
// own.
func (d *Directory) Ready() <-chan struct{} { return d.ready }

// Health is nil while this node may decide: it is Ready, and its lease has not run out.
func (d *Directory) Health() error {
	select {
	case <-d.ready:
	default:
		return errStarting
	}
	if !d.trusted() {
		return errLapsed
	}
	return nil
}

// Run keeps this node's lease and opens the rooms that fall to it, and returns when ctx has
// ended and every room has stopped, or with ErrReplaced.
func (d *Directory) Run(ctx context.Context) error {
	running, stop := errgroup.WithContext(ctx)
	if !d.alone() {
		running.Go(func() error { return d.keepLease(stop) })
		running.Go(func() error { d.watchFloor(stop); return nil })
	}
	<-stop.Done()
	d.mu.Lock()
	d.draining = true
	d.mu.Unlock()
	d.end()
	d.loops.Wait()
	err := running.Wait()
	if !d.alone() {
		releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaseTTL) // after that it has run out
		defer cancel()
		if err := d.o.Leases.Release(releasing, d.lease); err != nil {
			d.o.Log.Warn("other nodes must wait for this one's lease to run out", "error", err)
		}
	}
	return err
}

func (d *Directory) isDraining() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.draining
}

// Drain ends politely: no more rooms come here; those that are here go to other nodes, each
// at the end of its round or when half of ctx's time is over. Where there is no other node,
// rooms stop when what is in their mailboxes is appended and answered. Meanwhile, and
// afterwards, commands and questions find the rooms where they are. It returns ctx's error if
// that takes too long.
func (d *Directory) Drain(ctx context.Context) error {
	d.mu.Lock()
	d.draining = true
	here := slices.Collect(maps.Values(d.rooms))
	d.mu.Unlock()
	select {
	case d.hasten <- struct{}{}:
	default:
	}
	others := slices.DeleteFunc(d.floor.takers(), func(n string) bool { return n == d.o.Node })
	for _, r := range here {
		if len(others) == 0 {
			d.dismiss(r)
			continue
		}
		r.leave(rank(r.ref, others))
	}
	done := make(chan struct{})
	go func() { // ends with the rooms, which Run ends at the latest
		d.loops.Wait()
		close(done)
	}()
	patience := boundaryWithin
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/2)
	}
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-enough.C:
			for _, r := range here {
				d.dismiss(r)
			}
		case <-ctx.Done():
			return fmt.Errorf("rooms: drain: %w", ctx.Err())
		}
	}
}

// dismiss lets a room go now.
func (d *Directory) dismiss(r *room) {
	r.halt()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rooms[r.ref] == r {
		delete(d.rooms, r.ref)
	}
}

// Info is a room as it is listed.
type Info struct {
	Config
	Status Status
}

func (d *Directory) find(ref Ref) *room {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rooms[ref]
}

// List returns a tenant's rooms that are not closed, the lobby too, by id.
func (d *Directory) List(id tenant.ID) []Info {
	found := map[string]Info{}
	d.floor.mu.RLock()
	for ref, p := range d.floor.places {
		if ref.Tenant == id && p.config != nil && p.Status != Closed {
			found[ref.Room] = Info{*p.config, p.Status}
		}
	}
	d.floor.mu.RUnlock()
	d.mu.RLock()
	for ref, r := range d.rooms {
		if ref.Tenant != id {
			continue
		}
		delete(found, ref.Room)
		if status := r.listed.Load().(Status); status != Closed {
			found[ref.Room] = Info{r.config, status}
		}
	}
	d.mu.RUnlock()
	return slices.SortedFunc(maps.Values(found), func(a, b Info) int { return cmp.Compare(a.Room, b.Room) })
}

// Changes is a number that grows when List may answer otherwise than before.
func (d *Directory) Changes(id tenant.ID) int64 {
	d.floor.mu.RLock()
	defer d.floor.mu.RUnlock()
	return d.floor.changes[id]
}

// kindOf is the game of a room, wherever it is.
func (d *Directory) kindOf(ctx context.Context, ref Ref) (game.Kind, error) {
	config, ok := Config{}, false
	if r := d.find(ref); r != nil {
		config, ok = r.config, true
	}
	for range 2 {
		if ok {
			break
		}
		d.floor.mu.RLock()
		if p := d.floor.places[ref]; p != nil && p.config != nil {
			config, ok = *p.config, true
		}
		d.floor.mu.RUnlock()
		if !ok && !d.alone() {
			configs, err := d.o.Leases.Configs(ctx, ref.Tenant)
			if err != nil {
				return game.Kind{}, err
			}
			d.floor.configure(ref.Tenant, configs...)
		}
	}
	kind, known := d.o.Kinds[config.Game]
	switch {
	case !ok:
		return kind, fmt.Errorf("%w: %s", ErrNotFound, ref)
	case !known:
		return kind, fmt.Errorf("%w: %q", ErrGame, config.Game)
	}
	return kind, nil
}
