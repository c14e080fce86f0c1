package jwks

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// RefreshEvery is the interval at which a set is fetched again.
	RefreshEvery = 5 * time.Minute
	// missEvery is the least time between two fetches of a set for unknown keys.
	missEvery = 10 * time.Second
	// followEvery is the interval at which the sources are read from the directory.
	followEvery = 250 * time.Millisecond
)

// Source is a URL at which a tenant publishes keys.
type Source struct {
	Tenant tenant.ID
	ID     string // by which it can be retired
	URL    string
}

// Directory returns the stored keys, and the URLs at which tenants publish others. It answers from memory.
type Directory interface {
	auth.KeySource
	// KeySets returns the sources of one tenant.
	KeySets(tenant.ID) []Source
	// AllKeySets returns the sources of all tenants.
	AllKeySets() []Source
	// RetiredKey reports whether a key of this ID was retired.
	RetiredKey(id tenant.ID, kid string) bool
}

// Options configures Keys.
type Options struct {
	// Allow lists ranges of private addresses from which sets may be fetched, with or without TLS.
	Allow []netip.Prefix
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Registerer registers the metrics.
	Registerer prometheus.Registerer
}

// Keys holds the Directory's keys and those of the sets. Run keeps them up to date.
type Keys struct {
	directory Directory
	client    *http.Client
	log       *slog.Logger
	meter     meters
	every     time.Duration // RefreshEvery

	following chan struct{} // closed when Run has begun to fetch the directory's sources
	once      sync.Once

	mu       sync.RWMutex // guards what follows
	sets     map[Source]*set
	onChange []func([]tenant.ID)
}

var _ auth.Finder = (*Keys)(nil)

// New returns the keys of a directory.
func New(d Directory, o Options) *Keys {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	m := newMeters(o.Registerer)
	return &Keys{directory: d, client: newClient(o.Allow, m.hits), log: o.Log, meter: m, every: RefreshEvery, following: make(chan struct{}), sets: map[Source]*set{}}
}

// Keys implements auth.KeySource: the stored keys come first.
func (k *Keys) Keys(id tenant.ID) []auth.Key {
	keys := k.directory.Keys(id)
	for _, s := range k.setsOf(id) {
		for _, key := range s.keys() {
			known := slices.ContainsFunc(keys, func(other auth.Key) bool { return other.ID == key.ID })
			if !known && !k.directory.RetiredKey(id, key.ID) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// Find implements auth.Finder. It fetches a tenant's sets again for an unknown key, and waits for that
// up to findTimeout.
func (k *Keys) Find(id tenant.ID, kid string) {
	if !auth.ValidTokenID(kid) || k.directory.RetiredKey(id, kid) {
		return
	}
	if len(k.directory.KeySets(id)) == 0 {
		return
	}
	wait := time.NewTimer(findTimeout)
	defer wait.Stop()
	select {
	case <-k.following: // the node has just started
	case <-wait.C:
	}
	for _, s := range k.setsOf(id) {
		s.find(kid)
	}
}

func (k *Keys) setsOf(id tenant.ID) []*set {
	sources := k.directory.KeySets(id)
	if len(sources) == 0 {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	var out []*set
	for _, src := range sources {
		if s := k.sets[src]; s != nil {
			out = append(out, s)
		}
	}
	return out
}

// OnChange makes Run call f with the tenants whose keys changed. f must not block.
func (k *Keys) OnChange(f func([]tenant.ID)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.onChange = append(k.onChange, f)
}

func (k *Keys) changed(id tenant.ID) {
	k.mu.RLock()
	listeners := slices.Clone(k.onChange)
	k.mu.RUnlock()
	for _, f := range listeners {
		f([]tenant.ID{id})
	}
}

// Run keeps the sets of the directory's sources up to date until ctx ends, then returns nil.
func (k *Keys) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		k.follow(ctx)
		k.once.Do(func() { close(k.following) })
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// follow starts to fetch new sets, and stops fetching removed ones.
func (k *Keys) follow(ctx context.Context) {
	wanted := map[Source]bool{}
	for _, src := range k.directory.AllKeySets() {
		wanted[src] = true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for src, s := range k.sets {
		if !wanted[src] {
			s.end()
			delete(k.sets, src)
		}
	}
	for src := range maps.Keys(wanted) {
		if k.sets[src] == nil {
			k.sets[src] = k.begin(ctx, src)
		}
	}
}
