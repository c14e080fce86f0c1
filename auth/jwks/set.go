package jwks

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"golang.org/x/time/rate"

	"github.com/pitboss-hub/pitboss/auth"
)

// keysMax bounds how many keys a set has.
const keysMax = 64

// Why a set is not taken as it was read.
var (
	errNoKeys   = errors.New("jwks: it has no public key for RS256, ES256 or EdDSA, with a kid")
	errManyKeys = fmt.Errorf("jwks: it has more than %d keys", keysMax)
)

// set is one source's keys. As the storage of the library's client it takes a whole set at a time.
type set struct {
	*jwkset.MemoryJWKSet
	source  Source
	of      *Keys
	now     atomic.Pointer[[]auth.Key]
	end     context.CancelFunc
	misses  *rate.Limiter
	failing atomic.Bool

	mu      sync.Mutex // guards what follows
	client  jwkset.Storage
	reading chan struct{} // closed when the reading under way has ended; nil: none is
}

// begin reads a source, now and every RefreshEvery, until ctx ends or the set's end is called.
func (k *Keys) begin(ctx context.Context, src Source) *set {
	ctx, end := context.WithCancel(ctx)
	s := &set{MemoryJWKSet: jwkset.NewMemoryStorage(), source: src, of: k, end: end, misses: rate.NewLimiter(rate.Every(missEvery), 1), reading: make(chan struct{})}
	context.AfterFunc(ctx, func() { s.fails(false) })
	go func() {
		storage, err := jwkset.NewStorageFromHTTP(src.URL, jwkset.HTTPClientStorageOptions{
			Client: k.client, Ctx: ctx, HTTPTimeout: fetchTimeout, RefreshInterval: k.every, Storage: s,
			NoErrorReturnFirstHTTPReq: true, RefreshErrorHandler: s.failed,
		})
		var client jwkset.Storage
		if err == nil {
			client, err = jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
				HTTPURLs:         map[string]jwkset.Storage{src.URL: storage},
				RateLimitWaitMax: findTimeout, RefreshUnknownKID: rate.NewLimiter(rate.Inf, 1), // misses limits it
			})
		}
		if err != nil {
			s.failed(ctx, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.client = client
		close(s.reading)
		s.reading = nil
	}()
	return s
}

// keys are those of the set now.
func (s *set) keys() []auth.Key {
	if now := s.now.Load(); now != nil {
		return *now
	}
	return nil
}

// find reads the set again, unless it did so just now, and waits until it is read. All who look for a
// key at once wait for one reading.
func (s *set) find(kid string) {
	s.mu.Lock()
	reading := s.reading
	if reading == nil {
		if s.client == nil || !s.misses.Allow() {
			s.mu.Unlock()
			s.of.meter.hit(limitMisses)
			return
		}
		reading = make(chan struct{})
		s.reading = reading
		go func(client jwkset.Storage) {
			_, _ = client.KeyRead(context.Background(), kid) // bounded by findTimeout; what went wrong is told to failed
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reading = nil
			close(reading)
		}(s.client)
	}
	s.mu.Unlock()
	wait := time.NewTimer(findTimeout)
	defer wait.Stop()
	select {
	case <-reading:
	case <-wait.C:
	}
}

// KeyReplaceAll implements jwkset.Storage: it takes a set that was read whole.
func (s *set) KeyReplaceAll(ctx context.Context, given []jwkset.JWK) error {
	keys, err := usable(given)
	if errors.Is(err, errManyKeys) {
		s.of.meter.hit(limitKeys)
	}
	if err != nil {
		return err
	}
	if err := s.MemoryJWKSet.KeyReplaceAll(ctx, given); err != nil {
		return err
	}
	before := s.keys()
	s.now.Store(&keys)
	if s.fails(false) {
		s.of.log.InfoContext(ctx, "a casino's published keys can be read again", "tenant", s.source.Tenant, "key", s.source.ID)
	}
	if !same(before, keys) {
		s.of.log.InfoContext(ctx, "a casino's published keys are new", "tenant", s.source.Tenant, "key", s.source.ID, "keys", len(keys))
		s.of.changed(s.source.Tenant)
	}
	return nil
}

// failed is told why a set could not be read, and says so when it begins to fail.
func (s *set) failed(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.of.meter.errors.Inc()
	if !s.fails(true) {
		s.of.log.LogAttrs(ctx, slog.LevelError, "a casino's published keys cannot be read; those that were read last stay",
			slog.Any("tenant", s.source.Tenant), slog.String("key", s.source.ID), slog.String("url", s.source.URL), slog.Any("error", err))
	}
}

// fails notes whether the last reading failed, and reports whether the one before did.
func (s *set) fails(now bool) (before bool) {
	before = s.failing.Swap(now)
	switch {
	case now && !before:
		s.of.meter.failing.Inc()
	case before && !now:
		s.of.meter.failing.Dec()
	}
	return before
}

// usable returns those of a set's keys that can verify tokens.
func usable(given []jwkset.JWK) ([]auth.Key, error) {
	if len(given) > keysMax {
		return nil, errManyKeys
	}
	var keys []auth.Key
	for _, jwk := range given {
		m := jwk.Marshal()
		alg, err := auth.AlgOf(jwk.Key())
		if err != nil || !auth.ValidTokenID(m.KID) || m.ALG != "" && m.ALG.String() != alg || m.USE != "" && m.USE != jwkset.UseSig {
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(jwk.Key())
		if err != nil {
			continue
		}
		sum := sha256.Sum256(der)
		keys = append(keys, auth.Key{ID: m.KID, Version: hex.EncodeToString(sum[:8]), Alg: alg, Public: jwk.Key()})
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

// same reports whether two sets have the same keys, in whatever order.
func same(a, b []auth.Key) bool {
	marks := map[string]bool{}
	for _, k := range a {
		marks[k.Mark()] = true
	}
	for _, k := range b {
		if !marks[k.Mark()] {
			return false
		}
		delete(marks, k.Mark())
	}
	return len(marks) == 0
}
