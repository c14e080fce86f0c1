package redisbus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrURL means that a string is not the URL of a Redis.
var ErrURL = errors.New("redisbus: want redis://host:6379/0, rediss://…, redis-sentinel://host:26379,host:26379/mymaster or redis-cluster://host:6379,host:6379")

const (
	// redisTimeout bounds connecting, subscribing, and publishing what is pending at the end.
	redisTimeout = time.Second
	// pipelineTimeout bounds one pipeline; then its messages count as lost. A server, or a machine,
	// that stalls for less loses nothing.
	pipelineTimeout = silentAfter
)

// connect returns a client for a URL, without dialling.
func connect(text string) (client redis.UniversalClient, sharded bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, false, ErrURL // the URL may have a password in it
	}
	o := redis.UniversalOptions{
		Addrs: strings.Split(u.Host, ","), Username: u.User.Username(), Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, MaxRedirects: -1, DialTimeout: redisTimeout, ReadTimeout: pipelineTimeout, WriteTimeout: pipelineTimeout, ContextTimeoutEnabled: true,
		PoolSize: partitions + 2, ClientName: "pitboss",
	}
	o.Password, _ = u.User.Password()
	path := strings.Trim(u.Path, "/")
	db := u.Query().Get("db")
	switch u.Scheme {
	case "redis", "rediss":
		if db == "" {
			db = path
		}
		if u.Scheme == "rediss" {
			o.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		}
		if len(o.Addrs) != 1 {
			return nil, false, ErrURL
		}
		if u.Port() == "" {
			o.Addrs[0] += ":6379"
		}
	case "redis-sentinel":
		if o.MasterName = path; path == "" {
			return nil, false, fmt.Errorf("%w: the path is the master's name", ErrURL)
		}
	case "redis-cluster":
		if path != "" || db != "" {
			return nil, false, fmt.Errorf("%w: a Cluster has no databases", ErrURL)
		}
		cluster := o.Cluster()
		cluster.ClusterSlots = newTopology(cluster).slots
		return redis.NewClusterClient(cluster), true, nil
	default:
		return nil, false, ErrURL
	}
	if db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
			return nil, false, fmt.Errorf("%w: the database is a number", ErrURL)
		}
	}
	if o.MasterName != "" {
		return redis.NewFailoverClient(o.Failover()), false, nil
	}
	return redis.NewClient(o.Simple()), false, nil
}
