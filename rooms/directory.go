package rooms

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

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
	// ResumeMax is how many events a client that comes back is sent at most; one that missed
	// more gets the view.
	ResumeMax = 2000
	// ResumeBytesMax is how much of them, for the same reason.
	ResumeBytesMax = 512 << 10
	// RoomsMax is how many rooms of a tenant are open at once.
	RoomsMax = 5000
	// nameRunesMax and settingsBytesMax bound what a room is opened with.
	nameRunesMax     = 80
	settingsBytesMax = 8 << 10
)

const (
	// awayFor is how long a room that another node took, or whose rules panicked, is not
	// opened here again. Its commands are unavailable.
	awayFor = 3 * time.Second
	// closedLinger is how long a closed room still answers, so that a client that lost the
	// last answer or event finds it.
	closedLinger = 2 * time.Minute
)

// Publisher tells sockets what happened. *hub.Hub is one.
type Publisher interface {
	Publish(ctx context.Context, m hub.Message) error
}

// Options are what a Directory works with. All are required but the last two.
type Options struct {
	Journal   Journal
	Publisher Publisher
	Kinds     map[string]game.Kind      // by name
	Seeds     func() (game.Seed, error) // a new seed, without waiting; an error: no new rounds until it is gone
	Listening func(tenant.Topic) bool   // whether anybody would hear a beat
	Currency  func(tenant.ID) string    // for balances that are pushed
	Node      string
	Log       *slog.Logger

	// Balance looks a player's money up, to push it when an append turns out to have been
	// written after all. Nil: such a balance is not pushed.
	Balance func(context.Context, tenant.ID, game.PlayerID) (PlayerBalance, error)
	// Registerer shows the metrics. Nil: they are counted and shown nowhere.
	Registerer prometheus.Registerer
}

// Directory knows the rooms that this node owns.
type Directory struct {
	o     Options
	meter *meters

	life  context.Context // of the rooms; ended by Run
	end   context.CancelFunc
	loops sync.WaitGroup

	mu       sync.RWMutex // guards what follows
	rooms    map[Ref]*room
	opening  map[Ref]chan struct{} // being claimed; closed when that is over
	away     map[Ref]time.Time     // stopped here without being closed; until when it is left alone
	draining bool
}

// NewDirectory makes an empty directory.
func NewDirectory(o Options) *Directory {
	d := &Directory{
		o: o, meter: newMeters(o.Registerer),
		rooms: map[Ref]*room{}, opening: map[Ref]chan struct{}{}, away: map[Ref]time.Time{},
	}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// Run returns when ctx has ended and every room has stopped.
func (d *Directory) Run(ctx context.Context) error {
	<-ctx.Done()
	d.mu.Lock()
	d.draining = true
	d.mu.Unlock()
	d.end()
	d.loops.Wait()
	return nil
}

// Drain ends politely: no more commands are taken, those in the mailboxes are appended
// and answered, and every room stops. It returns ctx's error if that takes too long.
func (d *Directory) Drain(ctx context.Context) error {
	d.mu.Lock()
	d.draining = true
	for _, r := range d.rooms {
		close(r.stop)
	}
	clear(d.rooms)
	d.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the rooms, which Run ends at the latest
		d.loops.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("rooms: drain: %w", ctx.Err())
	}
}

// Info is a room as it is listed.
type Info struct {
	Config
	Status Status
}

// CheckConfig says what is wrong with a room that is to be opened, and puts defaults in
// (an empty name is the id; settings that were left out are written down, so that a later
// version with other defaults does not change an open table). It returns ErrRoomID or ErrGame.
func CheckConfig(kinds map[string]game.Kind, c *Config) error {
	if !idForm.MatchString(c.Room) {
		return fmt.Errorf("%w: %q", ErrRoomID, c.Room)
	}
	kind, ok := kinds[c.Game]
	if !ok || c.Game == LobbyID {
		return fmt.Errorf("%w: %q", ErrGame, c.Game)
	}
	if c.Name = strings.TrimSpace(c.Name); c.Name == "" {
		c.Name = c.Room
	}
	if utf8.RuneCountInString(c.Name) > nameRunesMax || !Printable(c.Name) {
		return fmt.Errorf("%w: a room's name has at most %d characters, all printable", ErrGame, nameRunesMax)
	}
	if len(c.Settings) == 0 {
		c.Settings = json.RawMessage(`{}`)
	}
	if len(c.Settings) > settingsBytesMax {
		return fmt.Errorf("%w: settings have at most %d bytes", ErrGame, settingsBytesMax)
	}
	rules, err := kind.New(c.Settings)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrGame, c.Game, err)
	}
	if full, ok := rules.(game.Configured); ok {
		if c.Settings, err = json.Marshal(full.Settings()); err != nil {
			return fmt.Errorf("%w: settings: %w", ErrGame, err)
		}
	}
	return nil
}

// Printable reports whether a text can be stored and shown: UTF-8 without control
// characters but new lines and tabs.
func Printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	}) < 0
}

// Check is CheckConfig with this directory's games.
func (d *Directory) Check(c *Config) error { return CheckConfig(d.o.Kinds, c) }

// Open makes this node the room's owner and runs it, if it does not already. A closed room
// stays closed, without an error. It returns ErrNotFound, ErrGame, or ErrUnavailable while
// draining and for a room that stopped a moment ago, because another node took it or its
// rules panicked.
func (d *Directory) Open(ctx context.Context, ref Ref) error {
	for {
		d.mu.Lock()
		if d.rooms[ref] != nil {
			d.mu.Unlock()
			return nil
		}
		if d.draining || time.Now().Before(d.away[ref]) {
			d.mu.Unlock()
			return fmt.Errorf("open %s: %w", ref, ErrUnavailable)
		}
		other := d.opening[ref]
		if other == nil {
			break
		}
		d.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return fmt.Errorf("open %s: %w", ref, ctx.Err())
		}
	}
	mine := make(chan struct{})
	d.opening[ref] = mine
	d.mu.Unlock()

	r, err := d.claim(ctx, ref)

	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.opening, ref)
	close(mine)
	if err != nil {
		return fmt.Errorf("open %s: %w", ref, err)
	}
	delete(d.away, ref)
	if r == nil {
		return nil
	}
	if d.draining {
		return fmt.Errorf("open %s: %w", ref, ErrUnavailable)
	}
	d.rooms[ref] = r
	d.meter.rooms.WithLabelValues(string(r.status)).Inc()
	d.loops.Go(func() {
		r.run(d.life)
		d.forget(r)
	})
	return nil
}

// claim makes the room ready to run; nil if it is closed.
func (d *Directory) claim(ctx context.Context, ref Ref) (*room, error) {
	ctx, cancel := context.WithTimeout(ctx, journalWithin)
	defer cancel()
	saved, err := d.o.Journal.Claim(ctx, ref, d.o.Node)
	if err != nil {
		return nil, err
	}
	if saved.Status == Closed {
		return nil, nil //nolint:nilnil // there is nothing to run
	}
	kind, ok := d.o.Kinds[saved.Game]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrGame, saved.Game)
	}
	r := newRoom(d, ref, saved.Config, kind)
	if err := tried(func() error { return r.load(saved) }); err != nil {
		return nil, err
	}
	r.published = r.seq
	return r, nil
}

func (d *Directory) forget(r *room) {
	d.meter.rooms.WithLabelValues(string(r.status)).Dec()
	d.mu.Lock()
	if d.rooms[r.ref] == r {
		delete(d.rooms, r.ref)
	}
	if r.away {
		d.away[r.ref] = time.Now().Add(awayFor)
	}
	d.mu.Unlock()
	r.empty()
}

func (d *Directory) find(ref Ref) *room {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.rooms[ref]
}

// List returns a tenant's rooms that run here and are not closed, the lobby too, by id.
func (d *Directory) List(id tenant.ID) []Info {
	d.mu.RLock()
	var out []Info
	for ref, r := range d.rooms {
		if status := r.listed.Load().(Status); ref.Tenant == id && status != Closed {
			out = append(out, Info{r.config, status})
		}
	}
	d.mu.RUnlock()
	slices.SortFunc(out, func(a, b Info) int { return cmp.Compare(a.Room, b.Room) })
	return out
}
