package briefs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// Every is how often a node has to call Share and Changes, and so how often a socket is sent briefs at
	// most.
	Every = time.Second
	// fullEvery is how often a node sends the others all of its briefs.
	fullEvery = 5 * time.Second
	// forgetAfter is how long a brief is kept that its table's owner does not send any more.
	forgetAfter = 3 * fullEvery
	// pushBytes bounds the briefs that a socket is sent in a second, by a quarter of an ordinary link of
	// 1 Mbit/s. A socket in the lobby is sent no table's events.
	pushBytes = 32 << 10
	// allBytes bounds the briefs that a socket is sent when it comes, by half a second of such a link.
	allBytes = 64 << 10
)

// method is the method of the messages in which nodes exchange their briefs.
const method = "web.briefs"

// Bus carries messages from one node to all others. *hub.Hub is one.
type Bus interface {
	Tell(method string, body []byte) error
	Answer(method string, f hub.Answerer)
}

// Keeper keeps the briefs of all nodes' tables.
type Keeper struct {
	node string
	bus  Bus
	log  *slog.Logger

	mu     sync.Mutex // guards what follows
	kept   map[tenant.ID]*tables
	sent   map[rooms.Ref]json.RawMessage // of this node's tables, to the others
	fullAt time.Time                     // when the others were last sent everything
}

// tables are the tables of a tenant.
type tables struct {
	rooms map[string]*table
	all   []byte // the frame for a socket that comes; nil: not encoded yet
}

// table is what is known of a table. One without Data has no brief any more, which sockets are to be sent.
type table struct {
	rooms.Brief
	changedAt time.Time
	heardAt   time.Time // when its owner last sent it
	waiting   bool      // sockets are to be sent it
}

// New returns the Keeper of a node, which subscribes to the messages of the others.
func New(node string, bus Bus, log *slog.Logger) *Keeper {
	k := newKeeper(node)
	k.bus, k.log = bus, log
	bus.Answer(method, func(from string, body []byte, _ func([]byte)) {
		if from == node {
			return
		}
		var m message
		err := strict.DecodeKnown(body, &m)
		if err == nil {
			err = k.hear(time.Now(), m)
		}
		if err != nil {
			log.Warn("another node's briefs cannot be read", "from", from, "error", err)
		}
	})
	return k
}

func newKeeper(node string) *Keeper {
	return &Keeper{node: node, kept: map[tenant.ID]*tables{}, sent: map[rooms.Ref]json.RawMessage{}}
}

// Share records the briefs of this node's own tables, and sends the other nodes those that changed.
func (k *Keeper) Share(now time.Time, own map[rooms.Ref]rooms.Brief) {
	for _, m := range k.share(now, own) {
		body, err := json.Marshal(m)
		if err == nil {
			err = k.bus.Tell(method, body)
		}
		if err != nil {
			k.log.Debug("other nodes do not hear of this node's tables", "error", err) // the bus's health check reports it
		}
	}
}

// share does what Share does, but returns the messages to the other nodes.
func (k *Keeper) share(now time.Time, own map[rooms.Ref]rooms.Brief) []message {
	k.mu.Lock()
	defer k.mu.Unlock()
	full := now.Sub(k.fullAt) >= fullEvery
	if full {
		k.fullAt = now
	}
	var out writer
	for ref, b := range own {
		k.keep(now, ref, b)
		if full || !bytes.Equal(k.sent[ref], b.Data) {
			k.sent[ref] = b.Data
			out.write(ref, b)
		}
	}
	for ref := range k.sent {
		if _, still := own[ref]; !still {
			delete(k.sent, ref)
		}
	}
	k.forget(now)
	return out.messages
}

// hear records another node's message.
func (k *Keeper) hear(now time.Time, m message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range m.Briefs {
		ref, err := b.check()
		if err != nil {
			return err
		}
		k.keep(now, ref, b.Brief)
	}
	return nil
}

// keep records a brief, unless a later one is known. k.mu is held.
func (k *Keeper) keep(now time.Time, ref rooms.Ref, b rooms.Brief) {
	of := k.kept[ref.Tenant]
	if of == nil {
		of = &tables{rooms: map[string]*table{}}
		k.kept[ref.Tenant] = of
	}
	t := of.rooms[ref.Room]
	if t == nil {
		if len(of.rooms) >= rooms.RoomsMax {
			return
		}
		t = &table{}
		of.rooms[ref.Room] = t
	}
	if cmp.Or(cmp.Compare(b.Epoch, t.Epoch), cmp.Compare(b.Seq, t.Seq)) < 0 {
		return
	}
	if t.heardAt = now; !bytes.Equal(b.Data, t.Data) {
		t.changedAt, t.waiting, of.all = now, true, nil
	}
	t.Brief = b
}

// forget forgets the briefs that no owner sends any more. k.mu is held.
func (k *Keeper) forget(now time.Time) {
	for id, of := range k.kept {
		for room, t := range of.rooms {
			switch {
			case now.Sub(t.heardAt) <= forgetAfter:
			case t.Data != nil:
				t.Data, t.changedAt, t.waiting, of.all = nil, now, true, nil
			case !t.waiting:
				delete(of.rooms, room)
			}
		}
		if len(of.rooms) == 0 {
			delete(k.kept, id)
		}
	}
}

// Changes calls f with what the sockets on this node are to be sent, for each tenant that has sockets and
// changes. f must not block.
func (k *Keeper) Changes(hasSockets func(tenant.ID) bool, f func(tenant.ID, wire.LobbyBriefs)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, of := range k.kept {
		changed := of.changed()
		if !hasSockets(id) { // one that comes is sent all
			for _, room := range changed {
				of.rooms[room].waiting = false
			}
			continue
		}
		if push := of.take(changed, pushBytes); len(push.Rooms) > 0 {
			f(id, push)
		}
	}
}

// All returns the frame for the sockets of a tenant that have been sent nothing yet. Of briefs that are too
// many for it, those are left out that changed last, since they will soon change again.
func (k *Keeper) All(id tenant.ID) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.kept[id]
	if of == nil {
		return wire.Push(wire.PushLobbyBriefs, wire.LobbyBriefs{Rooms: map[string]json.RawMessage{}, Full: true})
	}
	if of.all == nil {
		push := of.fit(of.sorted(func(t *table) bool { return t.Data != nil }), allBytes)
		push.Full = true
		of.all = wire.Push(wire.PushLobbyBriefs, push)
	}
	return of.all
}

// changed returns the rooms that sockets are to be sent, those that have waited longest first.
func (of *tables) changed() []string { return of.sorted(func(t *table) bool { return t.waiting }) }

// sorted returns the rooms of some tables, those that changed first, first.
func (of *tables) sorted(which func(*table) bool) []string {
	var list []string
	for room, t := range of.rooms {
		if which(t) {
			list = append(list, room)
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(of.rooms[a].changedAt.Compare(of.rooms[b].changedAt), cmp.Compare(a, b))
	})
	return list
}

// fit returns the briefs of as many of the rooms as there is space for.
func (of *tables) fit(list []string, space int) wire.LobbyBriefs {
	push := wire.LobbyBriefs{Rooms: map[string]json.RawMessage{}}
	for _, room := range list {
		data := of.rooms[room].Data
		if space -= len(room) + len(data) + len(`"":,`); space < 0 {
			break
		}
		push.Rooms[room] = data
	}
	return push
}

// take does what fit does, and records the briefs as sent.
func (of *tables) take(list []string, space int) wire.LobbyBriefs {
	push := of.fit(list, space)
	for room := range push.Rooms {
		of.rooms[room].waiting = false
	}
	return push
}
