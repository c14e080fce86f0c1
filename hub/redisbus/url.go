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

// ErrURL means that a text does not say where Redis is.
var ErrURL = errors.New("redisbus: want redis://host:6379/0, rediss://…, redis-sentinel://host:26379,host:26379/mymaster or redis-cluster://host:6379,host:6379")

const (
	// within limits how long a caller waits for Redis: to connect, to subscribe, and at the end.
	within = time.Second
	// exchangeWithin limits how long one pipeline may take before its messages count as lost. A server,
	// or a machine, that stands still for less loses nothing.
	exchangeWithin = silentAfter
)

// connect makes a client for a URL; nothing is dialled yet.
func connect(text string) (client redis.UniversalClient, sharded bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, false, ErrURL // the URL may have a password in it
	}
	o := redis.UniversalOptions{
		Addrs: strings.Split(u.Host, ","), Username: u.User.Username(), Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, MaxRedirects: -1, DialTimeout: within, ReadTimeout: exchangeWithin, WriteTimeout: exchangeWithin, ContextTimeoutEnabled: true,
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
