package web

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/singleflight"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// roundLookupsMax is how many rounds of a tenant are read at once.
	roundLookupsMax = 2
	// roundEventsMax and roundBytesMax are how long a round may be that is read.
	roundEventsMax = 20_000
	roundBytesMax  = 4 << 20
	// roundsReadPerSecond and roundsReadBurst are how many bytes of a tenant's rounds are read.
	roundsReadPerSecond = 2 << 20
	roundsReadBurst     = 16 << 20
	// roundsKeptBytes is how much is remembered of rounds that were read.
	roundsKeptBytes = 32 << 20
	// roundKeptBytes is what a round costs besides its answer.
	roundKeptBytes = 512
	// roundFresh is how long an answer is good that may be another one later.
	roundFresh = time.Second
)

// rounds holds the answers to look-ups of rounds, which strangers ask for: of a round that is over
// for as long as there is room, of another one for roundFresh.
type rounds struct {
	reading singleflight.Group
	slots   *api.Slots[tenant.ID]
	bytes   *api.Buckets[tenant.ID] // that are read

	mu    sync.Mutex // guards what follows
	kept  map[roundKey]*list.Element
	order list.List // of *lookup, the latest asked for first
	size  int
}

type roundKey struct {
	ref   rooms.Ref
	round int64
}

// lookup is the answer to a round's look-up.
type lookup struct {
	key    roundKey
	body   []byte
	err    error
	over   bool // the round is over, and its seed is public: this is the answer for good
	readAt time.Time
}

func newRounds() *rounds {
	return &rounds{
		slots: api.NewSlots[tenant.ID](roundLookupsMax), bytes: api.NewBuckets[tenant.ID](roundsReadPerSecond, roundsReadBurst),
		kept: map[roundKey]*list.Element{},
	}
}

// find returns the answer that is remembered and still good, or nil.
func (r *rounds) find(key roundKey, now time.Time) *lookup {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.kept[key]
	if e == nil {
		return nil
	}
	l := e.Value.(*lookup)
	if !l.over && now.Sub(l.readAt) >= roundFresh {
		return nil
	}
	r.order.MoveToFront(e)
	return l
}

// keep remembers an answer, in the place of those that nobody asked for for the longest time.
func (r *rounds) keep(l *lookup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.kept[l.key]; e != nil {
		r.forget(e)
	}
	r.kept[l.key] = r.order.PushFront(l)
	for r.size += l.size(); r.size > roundsKeptBytes; {
		r.forget(r.order.Back())
	}
}

// forget forgets an answer. It needs mu.
func (r *rounds) forget(e *list.Element) {
	l := r.order.Remove(e).(*lookup)
	delete(r.kept, l.key)
	r.size -= l.size()
}

// GoBack forgets what was read of rounds, since the database has gone back: it may have others under
// the same numbers.
func (s *Server) GoBack() {
	r := s.rounds
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.order.Len() > 0 {
		r.forget(r.order.Back())
	}
}

// size returns what it costs to remember the answer.
func (l *lookup) size() int { return len(l.body) + roundKeptBytes }

// round answers with a round as everyone may see it, for /verify. It needs no token, since a proof
// that only its player can see proves little.
func (s *Server) round(c echo.Context) error {
	ref, err := rooms.NewRef(api.TenantOf(c).ID, api.Param(c, "room"))
	if err != nil {
		return rooms.ErrNotFound
	}
	n, err := strconv.ParseInt(api.Param(c, "round"), 10, 64)
	if err != nil || n < 1 {
		return api.ErrNotFound
	}
	key := roundKey{ref, n}
	l := s.rounds.find(key, time.Now())
	if l == nil {
		// Whoever asks while it is read gets the same answer.
		read, err, _ := s.rounds.reading.Do(fmt.Sprint(ref, "/", n), func() (any, error) { return s.readRound(key) })
		if err != nil {
			return err
		}
		l = read.(*lookup)
	}
	if l.err != nil {
		return l.err
	}
	if l.over {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return c.JSONBlob(http.StatusOK, l.body)
}

// readRound returns the answer that the journal gives. Strangers may ask; they must not keep players' bets
// from the database, so what it takes is bounded before it is read.
func (s *Server) readRound(key roundKey) (*lookup, error) {
	id := key.ref.Tenant
	free, ok := s.rounds.slots.Acquire(id)
	if !ok {
		s.limits.Hit(api.LimitRoundLookups)
		return nil, api.ErrManyLookups
	}
	defer free()
	now := time.Now()
	if s.rounds.bytes.Spend(id, 0, now) > 0 {
		s.limits.Hit(api.LimitRoundsRead)
		return nil, api.ErrManyLookups
	}
	ctx, cancel := context.WithTimeout(context.Background(), api.Patience)
	defer cancel()
	l := &lookup{key: key, readAt: now}
	round, err := s.store.Journal.Round(ctx, key.ref, key.round, roundEventsMax, roundBytesMax)
	switch {
	case errors.Is(err, journal.ErrTooLong):
		s.limits.Hit(api.LimitRoundBytes)
		l.err, l.over = api.ErrLongRound, true // it never gets shorter
		s.rounds.bytes.Charge(id, roundBytesMax, now)
	case errors.Is(err, rooms.ErrNotFound):
		l.err = err
	case err != nil:
		return nil, err
	case len(round.Records) == 0:
		l.err = api.ErrNotFound
	default:
		for i := range round.Records {
			s.rounds.bytes.Charge(id, len(round.Records[i].Data), now)
		}
		if round.Reveal != nil {
			s.rounds.bytes.Charge(id, len(round.Reveal.Data), now)
		}
		if err := s.formRound(l, round); err != nil {
			return nil, err
		}
	}
	s.rounds.keep(l)
	return l, nil
}

// formRound sets the body of an answer.
func (s *Server) formRound(l *lookup, round journal.Round) error {
	body := struct {
		Room       string           `json:"room"`
		Game       string           `json:"game"`
		Round      int64            `json:"round"`
		Events     []wire.RoomEvent `json:"events"`
		Proof      rooms.ProofState `json:"proof,omitempty"`
		RevealedBy *wire.RoomEvent  `json:"revealed_by,omitempty"`
	}{Room: l.key.ref.Room, Game: round.Game, Round: l.key.round, Events: make([]wire.RoomEvent, 0, len(round.Records))}
	for _, rec := range round.Records {
		ev, err := s.rooms.Public(round.Game, l.key.ref.Room, rec, "")
		if err != nil {
			return err
		}
		body.Events = append(body.Events, ev)
	}
	proof, err := s.rooms.Proof(round.Game, round.Records, round.Reveal)
	if err != nil {
		return err
	}
	body.Proof, l.over = proof.State, proof.Final
	if proof.Later {
		ev, err := s.rooms.Public(round.Game, l.key.ref.Room, *round.Reveal, "")
		if err != nil {
			return err
		}
		body.RevealedBy = &ev
	}
	l.body, err = json.Marshal(body)
	return err
}
