package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// MemoryBytes is how much memory a node has for values.
const MemoryBytes = 32 << 20

// sharedLeast is the least time for which a value is good that is worth a round trip to the shared layer.
const sharedLeast = time.Minute

// Place is where a value is kept: under a key, in an epoch of its tenant and a history of the database. A value
// is found at its own place and no other.
type Place struct {
	Key     tenant.Key
	Epoch   int64
	History string
}

// String returns a text that no other place has.
func (p Place) String() string { return fmt.Sprintf("%d/%s/%s", p.Epoch, p.History, p.Key) }

// Entry is a value, and how long it is good. Its Data must not be changed.
type Entry struct {
	Data  []byte
	Until time.Time // the zero time: it is not kept at all
}

// Layer keeps values. A value that is not there, is not good any more or cannot be had now, for whatever reason,
// is a miss. It may be used by many goroutines.
type Layer interface {
	// Get returns the value of a place, and reports whether it is there.
	Get(ctx context.Context, at Place) (Entry, bool)
	// Put keeps a value at a place, in the stead of the one before, or does not.
	Put(ctx context.Context, at Place, e Entry)
}

// Options configures a Cache.
type Options struct {
	// Bytes is how much memory the values may have on this node.
	Bytes int
	// Shared keeps values for all nodes. Nil: each node has its own only.
	Shared Layer
	// Epoch returns the epoch of a tenant, which never returns to an earlier value within a history, and reports
	// whether there is such a tenant. It must not block.
	Epoch func(tenant.ID) (int64, bool)
	// History names the history of the database. It must not block.
	History func() string
	// Registerer registers the metrics. Nil registers none.
	Registerer prometheus.Registerer
}

// Cache keeps values of tenants in memory, and in the layer that the nodes share. It may be used by many
// goroutines.
type Cache struct {
	memory  *Memory
	shared  Layer
	epoch   func(tenant.ID) (int64, bool)
	history func() string
	loading singleflight.Group
	meters  *meters
}

// New returns an empty Cache.
func New(o Options) *Cache {
	c := &Cache{memory: NewMemory(o.Bytes), shared: o.Shared, epoch: o.Epoch, history: o.History}
	c.meters = newMeters(c.memory, o.Registerer)
	return c
}

// found is an entry, and where it was.
type found struct {
	entry Entry
	where string
}

// Fetch returns the value of a key: one that is kept, or what load returns, which is kept for as long as it says.
// One load of a key runs at a time on a node, and all who ask meanwhile get its result. A caller whose ctx ends
// gets ctx's error, and the load goes on for the others: it has no deadline but its own. An error of load is
// returned to all, and not kept.
//
// What is kept while, or after, load runs is kept in the epoch and the history of before it: a flush, or a
// database that goes back, also forgets what is being loaded.
func (c *Cache) Fetch(ctx context.Context, key tenant.Key, load func(context.Context) (Entry, error)) (Entry, error) {
	epoch, ok := c.epoch(key.Tenant())
	if !ok {
		return c.load(ctx, key, load)
	}
	at := Place{key, epoch, c.history()}
	if e, ok := c.memory.Get(ctx, at); ok {
		c.meters.count(key, foundMemory)
		return e, nil
	}
	led := false
	flight := c.loading.DoChan(at.String(), func() (any, error) {
		led = true
		return c.find(context.WithoutCancel(ctx), at, load)
	})
	select {
	case <-ctx.Done():
		return Entry{}, ctx.Err()
	case r := <-flight:
		if r.Err != nil {
			c.meters.count(key, failed)
			return Entry{}, r.Err
		}
		f := r.Val.(found)
		if !led {
			f.where = joined
		}
		c.meters.count(key, f.where)
		return f.entry, nil
	}
}

// find returns the value of a place that is not in memory.
func (c *Cache) find(ctx context.Context, at Place, load func(context.Context) (Entry, error)) (found, error) {
	if e, ok := c.memory.Get(ctx, at); ok { // another flight has just ended
		return found{e, foundMemory}, nil
	}
	if c.shared != nil {
		if e, ok := c.shared.Get(ctx, at); ok {
			c.memory.Put(ctx, at, e)
			return found{e, foundShared}, nil
		}
	}
	e, err := c.load(ctx, at.Key, load)
	if err != nil {
		return found{}, err
	}
	if good := time.Until(e.Until); good > 0 {
		c.memory.Put(ctx, at, e)
		if c.shared != nil && good >= sharedLeast {
			c.shared.Put(ctx, at, e)
		}
	}
	return found{e, loaded}, nil
}

// load returns what load returns. A panic of it, which would end the process since it is nobody's goroutine, is
// an error.
func (c *Cache) load(ctx context.Context, key tenant.Key, load func(context.Context) (Entry, error)) (e Entry, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: loading %s: panic: %v\n%s", key, p, debug.Stack())
		}
	}()
	return load(ctx)
}
