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
	// MailboxMax is how many commands wait for one room at most; more are refused with ErrBusy.
	MailboxMax = 1024
	// BatchMax is how many commands one append takes at most.
	BatchMax = 256
	// SnapshotEvery is the number of events between two snapshots of the game's state, so that replay stays
	// short.
	SnapshotEvery = 256
	// RecentMax is how many events a room keeps in memory for clients that resume, and up to twice as many
	// before it trims them. It is more than SnapshotEvery, since a room is rebuilt from them too.
	RecentMax = 1024
	// ResumeMax is how many events a node that missed some is sent at once.
	ResumeMax = 2000
	// ResumeBytesMax is how much a client may have missed and still be sent the events when it resumes, as
	// they are stored and with eventBytes for each: a second of an ordinary link, and half of what its
	// queue holds. One that missed more gets the view.
	ResumeBytesMax = 128 << 10
	// RoomsMax is how many rooms of a tenant are open at once.
	RoomsMax = 5000
)

// reopenDelay is how long a room that another node claimed, or whose rules panicked, is not opened here again.
// Its commands are unavailable meanwhile.
const reopenDelay = 3 * time.Second

// Publisher publishes messages to sockets. *hub.Hub is one.
type Publisher interface {
	Publish(ctx context.Context, m hub.Message) error
}

// Options configure a Directory. All are required but those after Log.
type Options struct {
	Journal   Journal
	Publisher Publisher
	Kinds     map[string]game.Kind      // by name
	Seeds     func() (game.Seed, error) // returns a new seed, without blocking; after an error no round begins until it succeeds
	Listening func(tenant.Topic) bool   // reports whether anybody would receive a beat
	Currency  func(tenant.ID) string    // for balances that are pushed
	Node      string
	Log       *slog.Logger

	// Now returns the time of day, which games' deadlines go by. Nil: time.Now.
	Now func() time.Time
	// Incarnation distinguishes this process from all others, also of its node's name: a UUID. Empty: a
	// random one.
	Incarnation string
	// Balance looks up a player's money, to push it when an append turns out to have been written after
	// all. Nil: such a balance is not pushed.
	Balance func(context.Context, tenant.ID, game.PlayerID) (PlayerBalance, error)
	// WentBack is called after the database has gone back and this node's rooms were stopped. What sockets
	// were sent of epochs before FirstEpoch of the generation may no longer be true. It must not block.
	WentBack func(generation int64)
	// Committed is told of each batch that is in the journal, or may be, before the commands in it are answered. It must not
	// block. Nil: nobody is.
	Committed func(Ref, Batch)
	// Registerer registers the metrics. Nil: they are not exported.
	Registerer prometheus.Registerer
	// Hits counts the limits that tenants meet. Nil: nothing does.
	Hits *tenant.Hits

	// Rests reports whether a room is to rest, as those of a casino in maintenance are: it stops at the end of its round,
	// and is not opened again until Rests reports false. The Config is the zero one while it is not known. Nil: none is. It
	// must not block.
	Rests func(Ref, Config) bool

	// Full reports whether a tenant has used its storage up, so that no more stakes are taken, and returns how much that is, in
	// bytes. Nil: none has. It must not block.
	Full func(tenant.ID) (bytes int64, full bool)

	// Limits bound what rooms publish and what players send to them.
	Limits Limits

	// Leases and Peers are for nodes that share the rooms. Nil: this is the only node there can be, and it
	// owns every room that it is told to Open.
	Leases placement.Leases
	Peers  Peers
}

// Directory runs the rooms that this node owns, and finds those of other nodes.
type Directory struct {
	o     Options
	meter *meters
	began time.Time
	// inForce holds what InForce returns for the games.
	inForce func(Config) (map[string]json.RawMessage, error)

	placement *placement.Agent
	index     *placement.Index // the Agent's
	reads     reads

	life  context.Context // the context of the rooms; cancelled by Run
	end   context.CancelFunc
	loops sync.WaitGroup

	mu        sync.RWMutex // guards what follows
	rooms     map[Ref]*room
	opening   map[Ref]chan struct{} // being claimed; closed when that is over
	notBefore map[Ref]time.Time     // rooms stopped here without being closed, and until when they are not opened again
	logged    map[Ref]string        // why a room does not open, as it was logged last
	draining  bool
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
		o: o, meter: newMeters(o.Registerer), began: time.Now(), inForce: InForce(o.Kinds),
		rooms: map[Ref]*room{}, opening: map[Ref]chan struct{}{}, notBefore: map[Ref]time.Time{}, logged: map[Ref]string{},
	}
	d.placement = placement.NewAgent(placement.Options{
		Leases: o.Leases, Runtime: localRooms{d}, Node: o.Node, Incarnation: o.Incarnation, Rests: o.Rests, First: LobbyID, Log: o.Log, Registerer: o.Registerer,
	})
	d.index = d.placement.Index()
	d.life, d.end = context.WithCancel(context.Background())
	if !d.alone() {
		d.serve()
	}
	return d
}

// clock returns nanoseconds since the start, whatever the time of day is set to. It begins above zero, the
// value of a bucket that was never used.
func (d *Directory) clock() int64 { return int64(time.Since(d.began)) + 1 }

// TypeVoid is the type of the operator's command, in any game, that ends the current round:
// {"type":"room.void","reason":"…"}.
const TypeVoid = "room.void"

// Command is a command for a room.
type Command struct {
	ID         string          // the command id: a UUID
	By         game.Actor      // who sent it
	Address    string          // the sender's Origin, for the audit log, flat as nodes of earlier versions read it
	Credential string          `json:",omitempty"`
	Request    string          `json:",omitempty"`
	Type       string          // its type
	Body       json.RawMessage // the whole command
}

// Send sends a command to a room and never blocks. It calls reply once, with the answer (a Refusal is one)
// or with ErrNotFound, ErrBusy, ErrRateLimited, ErrUnavailable or ErrCommandReused; reply must not block
// either. An id that is not a UUID is refused, and the refusal is not kept.
func (d *Directory) Send(ref Ref, c Command, reply func(Answer, error)) {
	id, err := uuid.Parse(c.ID)
	if err != nil {
		reply(Answer{Refusal: game.Refuse(game.CodeInvalidCommand, "A command id is a UUID.")}, nil)
		return
	}
	c.ID = id.String() // one spelling of each id
	d.send(ref, &c, time.Now().Add(answerTimeout), reply)
}

// Close asks a room of this node to end its game after the current round. Asking again changes nothing, so
// whoever wants the room closed asks until it is.
func (d *Directory) Close(ref Ref, reason string) {
	d.enqueue(ref, &message{close: &game.Close{Reason: reason}, reply: func(Answer, error) {}})
}

// Info is a room as it is listed.
type Info struct {
	Config
	Status Status
}

// find returns a room of this node, nil if it is not here.
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

// Here returns how many of a tenant's rooms this node runs, the lobby aside.
func (d *Directory) Here(id tenant.ID) (n int) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for ref := range d.rooms {
		if ref.Tenant == id && ref.Room != LobbyID {
			n++
		}
	}
	return n
}

// Changes returns a number that grows when the result of List may have changed.
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
