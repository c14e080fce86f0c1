package redisbus

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/hub/redisbus/redisurl"
)

// ErrURL means that a string is not the URL of a Redis.
var ErrURL = redisurl.ErrURL

const (
	// redisTimeout bounds connecting, subscribing, and publishing what is pending at the end.
	redisTimeout = time.Second
	// pipelineTimeout bounds one pipeline; then its messages count as lost. A server, or a machine,
	// that stalls for less loses nothing.
	pipelineTimeout = silentAfter
)

// connect returns a client for a URL, without dialling.
func connect(text string) (client redis.UniversalClient, sharded bool, err error) {
	o, err := redisurl.Parse(text)
	if err != nil {
		return nil, false, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolSize = redisTimeout, pipelineTimeout, pipelineTimeout, partitions+2
	if !o.IsClusterMode {
		return redis.NewUniversalClient(o), false, nil
	}
	cluster := o.Cluster()
	cluster.ClusterSlots = newTopology(cluster).slots
	return redis.NewClusterClient(cluster), true, nil
}
