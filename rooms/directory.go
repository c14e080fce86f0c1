package rooms

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
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

// awayFor is how long a room that another node took, or whose rules panicked, is not
// opened here again. Its commands are unavailable.
const awayFor = 3 * time.Second

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
	Leases placement.Leases
	Peers  Peers
}

// Directory runs the rooms that this node owns, and finds those of other nodes.
type Directory struct {
	o     Options
	meter *meters
	began time.Time

	placement *placement.Agent
	index     *placement.Index // the Agent's
	reads     reads

	life  context.Context // of the rooms; ended by Run
	end   context.CancelFunc
	loops sync.WaitGroup

	mu       sync.RWMutex // guards what follows
	rooms    map[Ref]*room
	opening  map[Ref]chan struct{} // being claimed; closed when that is over
	away     map[Ref]time.Time     // stopped here without being closed; until when it is left alone
	told     map[Ref]string        // why a room does not open, as it was logged
	draining bool
}

// NewDirectory returns a Directory that runs no room yet.
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
		rooms: map[Ref]*room{}, opening: map[Ref]chan struct{}{}, away: map[Ref]time.Time{}, told: map[Ref]string{},
	}
	d.placement = placement.NewAgent(placement.Options{
		Leases: o.Leases, Runtime: localRooms{d}, Node: o.Node, Incarnation: o.Incarnation, First: LobbyID, Log: o.Log, Registerer: o.Registerer,
	})
	d.index = d.placement.Index()
	d.life, d.end = context.WithCancel(context.Background())
	if !d.alone() {
		d.serve()
	}
	return d
}

// clock returns nanoseconds since the start, whatever becomes of the time of day. It begins above zero,
// which is what a bucket that was never used has.
func (d *Directory) clock() int64 { return int64(time.Since(d.began)) + 1 }

// TypeVoid is the type of an operator's command that ends the round at hand, of any game:
// {"type":"room.void","reason":"…"}.
const TypeVoid = "room.void"

// Command is what somebody asks of a room.
type Command struct {
	ID      string          // the command id: a UUID
	By      game.Actor      // who asks
	Address string          // where from, for the audit log
	Type    string          // what for
	Body    json.RawMessage // the whole command
}

// Send hands a command to a room and never blocks. reply is called once, with the answer
// (a Refusal is one) or with ErrNotFound, ErrBusy, ErrRateLimited, ErrUnavailable or ErrCommandReused; it
// must not block either. An id that is no UUID is refused, without being remembered.
func (d *Directory) Send(ref Ref, c Command, reply func(Answer, error)) {
	id, err := uuid.Parse(c.ID)
	if err != nil {
		reply(Answer{Refusal: game.Refuse(game.CodeInvalidCommand, "A command id is a UUID.")}, nil)
		return
	}
	c.ID = id.String() // one spelling, so that one command is one command
	d.send(ref, &c, time.Now().Add(answerWithin), reply)
}

// Close asks a room of this node to end its game after the round at hand. Asking again
// changes nothing, so whoever wants the room closed asks until it is.
func (d *Directory) Close(ref Ref, reason string) {
	d.mail(ref, &message{close: &game.Close{Reason: reason}, reply: func(Answer, error) {}})
}

// Info is a room as it is listed.
type Info struct {
	Config
	Status Status
}

// find returns a room of this node; nil: it is not here.
func (d *Directory) find(ref Ref) *room {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rooms[ref]
}

// List returns a tenant's rooms that are not closed, the lobby too, by id.
func (d *Directory) List(id tenant.ID) []Info {
	found := map[string]Info{}
	d.index.Rooms(id, func(c Config, s Status) {
		if s != Closed {
			found[c.Room] = Info{c, s}
		}
	})
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

// Changes returns a number that grows when List may return something else than before.
func (d *Directory) Changes(id tenant.ID) int64 { return d.index.Version(id) }

// kindOf returns the game of a room, wherever it is.
func (d *Directory) kindOf(ctx context.Context, ref Ref) (game.Kind, error) {
	config, ok := Config{}, false
	if r := d.find(ref); r != nil {
		config, ok = r.config, true
	}
	for range 2 {
		if ok {
			break
		}
		config, ok = d.index.Config(ref)
		if !ok && !d.alone() {
			if err := d.placement.LearnConfigs(ctx, ref.Tenant); err != nil {
				return game.Kind{}, err
			}
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
