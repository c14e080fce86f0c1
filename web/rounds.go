package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/cache"
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
	// roundKept is how long the answer is kept that is one for good, and roundFresh how long one is good that may
	// be another one later.
	roundKept  = time.Hour
	roundFresh = time.Second
)

// kindRound is the kind of a look-up's answer in the cache: a state, and the body of what has one.
const kindRound = "round"

// lookup is the state of a look-up's answer.
type lookup byte

const (
	roundOver   lookup = 'o' // the round is over, and its seed is public: this is the answer for good
	roundOpen   lookup = 'l' // there is more to come
	roundNone   lookup = 'n' // there is no such round
	roundNoRoom lookup = 'r' // there is no such room
	roundLong   lookup = 't' // it has too much to be read, and never gets shorter
)

// entry returns the answer as it is cached.
func (l lookup) entry(body []byte) cache.Entry {
	good := roundFresh
	if l == roundOver || l == roundLong {
		good = roundKept
	}
	return cache.Entry{Data: append([]byte{byte(l)}, body...), Until: time.Now().Add(good)}
}

// rounds bounds what look-ups of rounds, which strangers ask for, take from the database.
type rounds struct {
	slots *api.Slots[tenant.ID]
	bytes *api.Buckets[tenant.ID] // that are read
}

func newRounds() *rounds {
	return &rounds{slots: api.NewSlots[tenant.ID](roundLookupsMax), bytes: api.NewBuckets[tenant.ID](roundsReadPerSecond, roundsReadBurst)}
}

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
	key := ref.Tenant.Key(kindRound, fmt.Sprint(ref.Room, "/", n))
	answer, err := s.cache.Fetch(c.Request().Context(), key, func(ctx context.Context) (cache.Entry, error) { return s.readRound(ctx, ref, n) })
	if err != nil {
		return err
	}
	switch lookup(answer.Data[0]) {
	case roundNone:
		return api.ErrNotFound
	case roundNoRoom:
		return rooms.ErrNotFound
	case roundLong:
		return api.ErrLongRound
	case roundOver:
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return c.JSONBlob(http.StatusOK, answer.Data[1:])
}

// readRound returns the answer that the journal gives. Strangers may ask; they must not keep players' bets
// from the database, so what it takes is bounded before it is read.
func (s *Server) readRound(ctx context.Context, ref rooms.Ref, n int64) (cache.Entry, error) {
	free, ok := s.rounds.slots.Acquire(ref.Tenant)
	if !ok {
		s.limits.Hit(ref.Tenant, api.LimitRoundLookups)
		return cache.Entry{}, api.ErrManyLookups
	}
	defer free()
	now := time.Now()
	if s.rounds.bytes.Spend(ref.Tenant, 0, now) > 0 {
		s.limits.Hit(ref.Tenant, api.LimitRoundsRead)
		return cache.Entry{}, api.ErrManyLookups
	}
	ctx, cancel := context.WithTimeout(ctx, api.Patience)
	defer cancel()
	round, err := s.store.Journal.Round(ctx, ref, n, roundEventsMax, roundBytesMax)
	switch {
	case errors.Is(err, journal.ErrTooLong):
		s.limits.Hit(ref.Tenant, api.LimitRoundBytes)
		s.rounds.bytes.Charge(ref.Tenant, roundBytesMax, now)
		return roundLong.entry(nil), nil
	case errors.Is(err, rooms.ErrNotFound):
		return roundNoRoom.entry(nil), nil
	case err != nil:
		return cache.Entry{}, err
	case len(round.Records) == 0:
		return roundNone.entry(nil), nil
	}
	for i := range round.Records {
		s.rounds.bytes.Charge(ref.Tenant, len(round.Records[i].Data), now)
	}
	if round.Reveal != nil {
		s.rounds.bytes.Charge(ref.Tenant, len(round.Reveal.Data), now)
	}
	body, final, err := s.formRound(ref, n, round)
	switch {
	case err != nil:
		return cache.Entry{}, err
	case final:
		return roundOver.entry(body), nil
	}
	return roundOpen.entry(body), nil
}

// formRound returns the body of an answer, and whether it is the answer for good.
func (s *Server) formRound(ref rooms.Ref, n int64, round journal.Round) (text []byte, final bool, err error) {
	body := struct {
		Room       string           `json:"room"`
		Game       string           `json:"game"`
		Round      int64            `json:"round"`
		Events     []wire.RoomEvent `json:"events"`
		Proof      rooms.ProofState `json:"proof,omitempty"`
		RevealedBy *wire.RoomEvent  `json:"revealed_by,omitempty"`
	}{Room: ref.Room, Game: round.Game, Round: n, Events: make([]wire.RoomEvent, 0, len(round.Records))}
	for _, rec := range round.Records {
		ev, err := s.rooms.Public(round.Game, ref.Room, rec, "")
		if err != nil {
			return nil, false, err
		}
		body.Events = append(body.Events, ev)
	}
	proof, err := s.rooms.Proof(round.Game, round.Records, round.Reveal)
	if err != nil {
		return nil, false, err
	}
	body.Proof = proof.State
	if proof.Later {
		ev, err := s.rooms.Public(round.Game, ref.Room, *round.Reveal, "")
		if err != nil {
			return nil, false, err
		}
		body.RevealedBy = &ev
	}
	text, err = json.Marshal(body)
	return text, proof.Final, err
}
