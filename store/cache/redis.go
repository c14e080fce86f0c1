package cache

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/pitboss-hub/pitboss/hub/redisbus/redisurl"
)

const (
	// SharedBytesMax is how long a value may be that is kept in Redis. A longer one is not put there, nor read.
	SharedBytesMax = 256 << 10
	// redisPatience bounds one command to Redis, with connecting.
	redisPatience = 100 * time.Millisecond
	// failuresMax is how many commands fail, one after the other, before Redis is left alone for redisPause. Then
	// one command tries it again.
	failuresMax = 3
	redisPause  = time.Second
	// redisConns is how many connections a node has for the cache.
	redisConns = 16
	// realmSize is the number of a realm's bytes in the names of values.
	realmSize = 8
)

// What became of a command, in pitboss_cache_redis_total.
const (
	redisHit     = "hit"
	redisMiss    = "miss"
	redisRefused = "refused" // a value was there, and is not believed
	redisPut     = "put"
	redisTooLong = "too_long" // a value is longer than SharedBytesMax
	redisFailed  = "failed"   // Redis did not answer in time, or with an error
	redisPaused  = "paused"   // it was not asked, since it failed
)

// errGone means that a caller did not wait for the answer, which says nothing of Redis.
var errGone = errors.New("cache: the caller has gone")

// RedisOptions configures a Redis.
type RedisOptions struct {
	// URL is that of hub/redisbus.
	URL string
	// Key is the secret of 32 bytes under which values are sealed.
	Key []byte
	// Realm identifies the database: values of another one are not found.
	Realm []byte
	// Release names this program's version: what is in a value may change with it, so each has its own.
	Release string
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Registerer registers the metrics. Nil registers none.
	Registerer prometheus.Registerer
}

// Redis is a Layer in Redis, for all nodes of a database. What fails is a miss, within redisPatience.
type Redis struct {
	client  redis.UniversalClient
	breaker *gobreaker.TwoStepCircuitBreaker[any]
	seals   *seals
	prefix  string
	results *prometheus.CounterVec
}

var _ Layer = (*Redis)(nil)

// OpenRedis returns a Redis, which need not be up yet. It returns redisurl.ErrURL or ErrKey.
func OpenRedis(o RedisOptions) (*Redis, error) {
	seals, err := newSeals(o.Key, o.Realm, o.Release)
	if err != nil {
		return nil, err
	}
	u, err := redisurl.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	u.DialTimeout, u.ReadTimeout, u.WriteTimeout, u.PoolTimeout = redisPatience, redisPatience, redisPatience, redisPatience
	u.PoolSize, u.MaxRedirects = redisConns, 2
	r := &Redis{
		client: redis.NewUniversalClient(u), seals: seals,
		prefix: "pitboss:" + hex.EncodeToString(o.Realm[:min(len(o.Realm), realmSize)]),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_cache_redis_total",
			Help: "Commands of the cache to Redis, by result: hit, miss, refused (a value that is not believed), put, too_long, failed, paused (not asked, since it failed)."}, []string{"result"}),
	}
	r.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Timeout:     redisPause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresMax },
		IsExcluded:  func(err error) bool { return errors.Is(err, errGone) },
		OnStateChange: func(_ string, before, now gobreaker.State) {
			switch {
			case before == gobreaker.StateClosed: // not each time that it is tried again
				o.Log.Warn("the cache goes without Redis, which does not answer")
			case now == gobreaker.StateClosed:
				o.Log.Info("the cache has Redis again")
			}
		},
	})
	// Prometheus sees no increase in a counter that appears with its first values.
	for _, result := range []string{redisHit, redisMiss, redisRefused, redisPut, redisTooLong, redisFailed, redisPaused} {
		r.results.WithLabelValues(result)
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(r.results)
	}
	return r, nil
}

// Close closes the connections.
func (r *Redis) Close() error { return r.client.Close() }

// Get implements Layer.
func (r *Redis) Get(ctx context.Context, at Place) (Entry, bool) {
	var sealed string
	if !r.ask(ctx, func(ctx context.Context) (err error) {
		// What is there may be anything, of any length.
		sealed, err = r.client.GetRange(ctx, r.name(at), 0, SharedBytesMax+sealedBytes).Result()
		return err
	}) {
		return Entry{}, false
	}
	if sealed == "" {
		r.count(redisMiss)
		return Entry{}, false
	}
	e, err := r.seals.open(at, []byte(sealed))
	if err != nil {
		r.count(redisRefused)
		return Entry{}, false
	}
	r.count(redisHit)
	return e, true
}

// Put implements Layer. What is longer than SharedBytesMax is not kept.
func (r *Redis) Put(ctx context.Context, at Place, e Entry) {
	good := time.Until(e.Until)
	if good < time.Millisecond {
		return
	}
	if len(e.Data) > SharedBytesMax {
		r.count(redisTooLong)
		return
	}
	sealed := r.seals.seal(at, e)
	if r.ask(ctx, func(ctx context.Context) error { return r.client.Set(ctx, r.name(at), sealed, good).Err() }) {
		r.count(redisPut)
	}
}

// ask asks Redis, unless it failed a moment ago, and reports whether it answered.
func (r *Redis) ask(ctx context.Context, command func(context.Context) error) bool {
	done, err := r.breaker.Allow()
	if err != nil {
		r.count(redisPaused)
		return false
	}
	limited, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	err = command(limited)
	switch {
	case err == nil:
		done(nil)
		return true
	case strings.HasPrefix(err.Error(), "WRONGTYPE"): // somebody has put something else there
		done(nil)
		r.count(redisRefused)
		return false
	case ctx.Err() != nil:
		done(errGone)
		return false
	}
	done(err)
	r.count(redisFailed)
	return false
}

func (r *Redis) count(result string) { r.results.WithLabelValues(result).Inc() }

// name returns the name of a place's value in Redis.
func (r *Redis) name(at Place) string { return at.Key.Redis(r.prefix, at.Epoch, r.seals.digest(at)) }
