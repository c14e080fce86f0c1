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

// keysMax bounds the keys in a set.
const keysMax = 64

// Why a fetched set is not accepted as it is.
var (
	errNoKeys   = errors.New("jwks: it has no public key for RS256, ES256 or EdDSA, with a kid")
	errManyKeys = fmt.Errorf("jwks: it has more than %d keys", keysMax)
)

// set holds one source's keys. It is the storage of the library's client, and accepts only whole sets.
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
	reading chan struct{} // closed when the fetch under way has ended; nil: none is
}

// begin fetches a source, now and every RefreshEvery, until ctx ends or the set's end is called.
func (k *Keys) begin(ctx context.Context, src Source) *set {
	ctx, end := context.WithCancel(ctx)
	s := &set{MemoryJWKSet: jwkset.NewMemoryStorage(), source: src, of: k, end: end, misses: rate.NewLimiter(rate.Every(missEvery), 1), reading: make(chan struct{})}
	context.AfterFunc(ctx, func() { s.setFailing(false) })
	go func() {
		storage, err := jwkset.NewStorageFromHTTP(src.URL, jwkset.HTTPClientStorageOptions{
			Client: k.client, Ctx: ctx, HTTPTimeout: fetchTimeout, RefreshInterval: k.every, Storage: s,
			NoErrorReturnFirstHTTPReq: true, RefreshErrorHandler: s.noteFailure,
		})
		var client jwkset.Storage
		if err == nil {
			client, err = jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
				HTTPURLs:         map[string]jwkset.Storage{src.URL: storage},
				RateLimitWaitMax: findTimeout, RefreshUnknownKID: rate.NewLimiter(rate.Inf, 1), // misses limits it
			})
		}
		if err != nil {
			s.noteFailure(ctx, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.client = client
		close(s.reading)
		s.reading = nil
	}()
	return s
}

// keys returns the current keys of the set.
func (s *set) keys() []auth.Key {
	if now := s.now.Load(); now != nil {
		return *now
	}
	return nil
}

// find fetches the set again, unless that happened just now, and waits for it. Concurrent calls share
// one fetch.
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
			_, _ = client.KeyRead(context.Background(), kid) // bounded by findTimeout; errors go to noteFailure
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

// KeyReplaceAll implements jwkset.Storage. It replaces all keys by those of a fetched set.
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
	if s.setFailing(false) {
		s.of.log.InfoContext(ctx, "a casino's published keys can be read again", "tenant", s.source.Tenant, "key", s.source.ID)
	}
	if !same(before, keys) {
		s.of.log.InfoContext(ctx, "a casino's published keys are new", "tenant", s.source.Tenant, "key", s.source.ID, "keys", len(keys))
		s.of.changed(s.source.Tenant)
	}
	return nil
}

// noteFailure counts a failed fetch, and logs the first of several.
func (s *set) noteFailure(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.of.meter.errors.Inc()
	if !s.setFailing(true) {
		s.of.log.LogAttrs(ctx, slog.LevelError, "a casino's published keys cannot be read; those that were read last stay",
			slog.Any("tenant", s.source.Tenant), slog.String("key", s.source.ID), slog.String("url", s.source.URL), slog.Any("error", err))
	}
}

// setFailing records whether the last fetch failed, and reports whether the one before did.
func (s *set) setFailing(now bool) (before bool) {
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

// same reports whether two sets have the same keys, in any order.
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
