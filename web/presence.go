package web

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// presenceEvery is how often a node counts, tells the others what changed, and tells its own
	// sockets.
	presenceEvery = time.Second
	// presenceFull is how often a node tells the others everything: what the bus lost is wrong for
	// that long at most.
	presenceFull = 5 * time.Second
	// presenceForget is how long a node that said nothing, and whose lease has run out, is kept.
	presenceForget = 10 * time.Second
	// presenceChunk is how many rooms' counts are in one message between nodes at most.
	presenceChunk = 1000

	// Up to crowdExact players a room's count is told as it changes. Above that nobody sees the
	// difference of one: it is told when it moved by crowdPercent, or after crowdPatience.
	crowdExact    = 20
	crowdPercent  = 5
	crowdPatience = 5 * time.Second
	// crowdRoomsMax is how many rooms' counts a socket is told of a second at most, those that
	// waited longest first: 5 kB a second, however large the casino is.
	crowdRoomsMax = 200
)

const methodPresence = "web.presence"

// crowds counts the players of all nodes. Each node counts its own and tells the others; what is
// told to sockets is added up here. A node's players are gone when its lease is.
type crowds struct {
	self string
	boot string // tells this process from an earlier one of the node's name

	mu     sync.Mutex // guards what follows; held while sockets are told
	here   map[tenant.ID]crowd
	others map[string]*neighbour
	living map[string]bool // nodes whose leases run
	told   map[tenant.ID]*toldCrowd
	fullAt time.Time // when the others were told everything
}

// crowd is how many of a tenant's players are somewhere. Empty rooms are not in it.
type crowd struct {
	Online int            `json:"online"`
	Rooms  map[string]int `json:"rooms,omitempty"`
}

// neighbour is another node, as it said.
type neighbour struct {
	boot    string
	heardAt time.Time
	crowds  map[tenant.ID]crowd
	fullAt  map[tenant.ID]time.Time // when it told everything of a tenant
}

// toldCrowd is what this node's sockets were told.
type toldCrowd struct {
	online toldCount
	rooms  map[string]toldCount
	frame  []byte // all of it, for who comes; nil: not made yet
}

type toldCount struct {
	n  int
	at time.Time
}

// presenceNews is what a node tells the others. From a process that is new to them it begins
// with Full for every tenant; without a Crowd it says only that the process lives.
type presenceNews struct {
	Boot   string      `json:"boot"`
	Crowds []crowdNews `json:"crowds,omitempty"`
}

// crowdNews is all of a tenant's counts on a node, or those that changed.
type crowdNews struct {
	Tenant tenant.ID `json:"tenant"`
	Full   bool      `json:"full,omitempty"`
	crowd
}

func newCrowds(self string) *crowds {
	return &crowds{
		self: self, boot: uuid.NewString(), here: map[tenant.ID]crowd{}, others: map[string]*neighbour{},
		living: map[string]bool{}, told: map[tenant.ID]*toldCrowd{},
	}
}

// count takes what is here now, and who lives, and returns what the others must be told.
func (c *crowds) count(now time.Time, here map[tenant.ID]crowd, living []string) []presenceNews {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.living)
	for _, n := range living {
		c.living[n] = true
	}
	for name, n := range c.others {
		if !c.living[name] && now.Sub(n.heardAt) > presenceForget {
			delete(c.others, name)
			continue
		}
		for id, at := range n.fullAt { // it would have told of this tenant again
			if n.heardAt.Sub(at) > 2*presenceFull {
				delete(n.crowds, id)
				delete(n.fullAt, id)
			}
		}
	}
	full := now.Sub(c.fullAt) >= presenceFull
	if full {
		c.fullAt = now
	}
	out := &presenceWriter{boot: c.boot}
	for id, is := range here {
		if was, ok := c.here[id]; full || !ok || was.Online == 0 && len(was.Rooms) == 0 { // others forgot an empty one
			out.write(crowdNews{Tenant: id, Full: true, crowd: is})
		} else if changed := is.since(was); changed.Online != was.Online || len(changed.Rooms) > 0 {
			out.write(crowdNews{Tenant: id, crowd: changed})
		}
	}
	for id := range c.here {
		if _, still := here[id]; !still {
			out.write(crowdNews{Tenant: id, Full: true})
		}
	}
	c.here = here
	if full && len(out.news) == 0 {
		out.news = append(out.news, presenceNews{Boot: c.boot})
	}
	return out.news
}

// since is the crowd with those rooms only that have changed; an emptied one has 0.
func (c crowd) since(was crowd) crowd {
	out := crowd{c.Online, map[string]int{}}
	for room, n := range c.Rooms {
		if was.Rooms[room] != n {
			out.Rooms[room] = n
		}
	}
	for room := range was.Rooms {
		if c.Rooms[room] == 0 {
			out.Rooms[room] = 0
		}
	}
	return out
}

// presenceWriter puts news into messages of presenceChunk rooms.
type presenceWriter struct {
	boot string
	news []presenceNews
	left int
}

func (w *presenceWriter) write(n crowdNews) {
	names := slices.Sorted(maps.Keys(n.Rooms))
	for first := true; first || len(names) > 0; first = false {
		if w.left <= 0 {
			w.news, w.left = append(w.news, presenceNews{Boot: w.boot}), presenceChunk
		}
		part := crowdNews{Tenant: n.Tenant, Full: n.Full && first, crowd: crowd{n.Online, map[string]int{}}}
		some := names[:min(len(names), w.left)]
		for _, room := range some {
			part.Rooms[room] = n.Rooms[room]
		}
		names, w.left = names[len(some):], w.left-len(some)-1
		last := &w.news[len(w.news)-1]
		last.Crowds = append(last.Crowds, part)
	}
}

// hear takes what another node says.
func (c *crowds) hear(now time.Time, from string, news presenceNews) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from == c.self {
		return
	}
	n := c.others[from]
	if n == nil || n.boot != news.Boot {
		n = &neighbour{boot: news.Boot, crowds: map[tenant.ID]crowd{}, fullAt: map[tenant.ID]time.Time{}}
		c.others[from] = n
		c.fullAt = time.Time{} // it knows nothing of this node either
	}
	n.heardAt = now
	for _, at := range news.Crowds {
		if at.Full {
			n.fullAt[at.Tenant] = now
		}
		was, known := n.crowds[at.Tenant]
		switch {
		case at.Full && at.Online == 0 && len(at.Rooms) == 0:
			delete(n.crowds, at.Tenant)
			continue
		case at.Full:
			was.Rooms = map[string]int{}
		case !known:
			continue // the rest comes within presenceFull
		}
		was.Online = at.Online
		for room, count := range at.Rooms {
			if was.Rooms[room] = count; count == 0 {
				delete(was.Rooms, room)
			}
		}
		n.crowds[at.Tenant] = was
	}
}

// sum is how many of a tenant's players there are, on all nodes. c.mu is held.
func (c *crowds) sum(id tenant.ID) crowd {
	all := crowd{c.here[id].Online, maps.Clone(c.here[id].Rooms)}
	if all.Rooms == nil {
		all.Rooms = map[string]int{}
	}
	for name, n := range c.others {
		if !c.living[name] {
			continue
		}
		at := n.crowds[id]
		all.Online += at.Online
		for room, count := range at.Rooms {
			all.Rooms[room] += count
		}
	}
	return all
}

// players is how many are in a room, on all nodes.
func (c *crowds) players(id tenant.ID, room string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.here[id].Rooms[room]
	for name, n := range c.others {
		if c.living[name] {
			count += n.crowds[id].Rooms[room]
		}
	}
	return count
}

// worth reports whether sockets are to be told that a count is n now.
func (t toldCount) worth(n int, now time.Time) bool {
	moved := max(n-t.n, t.n-n)
	switch {
	case moved == 0:
		return false
	case min(n, t.n) <= crowdExact, now.Sub(t.at) >= crowdPatience:
		return true
	}
	return moved*100 >= t.n*crowdPercent
}

// tell calls f with what changed for each tenant that has sockets here.
func (c *crowds) tell(now time.Time, f func(tenant.ID, wire.LobbyPresence)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.told {
		if _, still := c.here[id]; !still {
			delete(c.told, id)
		}
	}
	for id := range c.here {
		t := c.told[id]
		if t == nil {
			t = &toldCrowd{rooms: map[string]toldCount{}}
			c.told[id] = t
		}
		if news, ok := t.update(now, c.sum(id)); ok {
			f(id, news)
		}
	}
}

// update is what of is sockets are to be told, if anything.
func (t *toldCrowd) update(now time.Time, is crowd) (news wire.LobbyPresence, ok bool) {
	var changed []string
	for room, n := range is.Rooms {
		if t.rooms[room].worth(n, now) {
			changed = append(changed, room)
		}
	}
	for room := range t.rooms {
		if is.Rooms[room] == 0 {
			changed = append(changed, room)
		}
	}
	online := t.online.worth(is.Online, now)
	if !online && len(changed) == 0 {
		return news, false
	}
	t.frame = nil
	if online {
		t.online = toldCount{is.Online, now}
	}
	slices.SortFunc(changed, func(a, b string) int {
		return cmp.Or(t.rooms[a].at.Compare(t.rooms[b].at), cmp.Compare(a, b))
	})
	news = wire.LobbyPresence{Online: t.online.n, Rooms: map[string]int{}}
	for _, room := range changed[:min(len(changed), crowdRoomsMax)] {
		news.Rooms[room] = is.Rooms[room]
		if is.Rooms[room] == 0 {
			delete(t.rooms, room)
			continue
		}
		t.rooms[room] = toldCount{is.Rooms[room], now}
	}
	return news, true
}

// welcome calls f with a frame of all that this node's sockets were told.
func (c *crowds) welcome(now time.Time, id tenant.ID, f func(frame []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.told[id]
	if t == nil {
		is := c.sum(id)
		t = &toldCrowd{online: toldCount{is.Online, now}, rooms: map[string]toldCount{}}
		for room, n := range is.Rooms {
			t.rooms[room] = toldCount{n, now}
		}
		c.told[id] = t
	}
	if t.frame == nil {
		all := wire.LobbyPresence{Full: true, Online: t.online.n, Rooms: map[string]int{}}
		for room, told := range t.rooms {
			all.Rooms[room] = told.n
		}
		t.frame = wire.Push(wire.PushLobbyPresence, all)
	}
	f(t.frame)
}

// watchPresence is one look of each presenceEvery.
func (s *Server) watchPresence(now time.Time) {
	here := map[tenant.ID]crowd{}
	for topic, players := range s.hub.Listeners() {
		if topic.Kind() != "room" {
			continue
		}
		id := topic.Tenant()
		at, ok := here[id]
		if !ok {
			at = crowd{s.hub.Online(id), map[string]int{}}
			here[id] = at
		}
		if players > 0 && topic.Key() != rooms.LobbyID {
			at.Rooms[topic.Key()] = players
		}
	}
	for _, news := range s.crowds.count(now, here, s.rooms.Nodes()) {
		body, err := json.Marshal(news)
		if err == nil {
			err = s.hub.Tell(methodPresence, body)
		}
		if err != nil {
			s.log.Debug("other nodes do not hear who is here", "error", err) // the bus's health says it aloud
		}
	}
	s.crowds.tell(now, func(id tenant.ID, news wire.LobbyPresence) {
		lobby := rooms.Ref{Tenant: id, Room: rooms.LobbyID}
		s.hub.PublishHere(hub.Message{Topic: lobby.Topic(), Class: hub.ClassChat, Frame: wire.Push(wire.PushLobbyPresence, news)})
	})
}

func (s *Server) hearPresence(from string, body []byte, _ func([]byte)) {
	var news presenceNews
	if err := strict.DecodeKnown(body, &news); err != nil {
		s.log.Warn("another node's presence can not be read", "from", from, "error", err)
		return
	}
	s.crowds.hear(time.Now(), from, news)
}
