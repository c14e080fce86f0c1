// Package redisurl reads the URL of a Redis: one server, Sentinel, or Cluster. It is one rule for all that
// connect to it.
package redisurl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrURL means that a string is not the URL of a Redis.
var ErrURL = errors.New("redis: want redis://host:6379/0, rediss://…, redis-sentinel://host:26379,host:26379/mymaster or redis-cluster://host:6379,host:6379")

// Parse returns the options of a client for a URL: where the servers are, what they are, and the login. How long
// the client waits, and how many connections it has, is the caller's to add. It returns ErrURL, which never tells
// the password.
func Parse(text string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, ErrURL // the URL may have a password in it
	}
	o := &redis.UniversalOptions{
		Addrs: strings.Split(u.Host, ","), Username: u.User.Username(), Protocol: 2, DisableIdentity: true, ClientName: "pitboss",
		MaxRetries: -1, MaxRedirects: -1, ContextTimeoutEnabled: true,
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
			return nil, ErrURL
		}
		if u.Port() == "" {
			o.Addrs[0] += ":6379"
		}
	case "redis-sentinel":
		if o.MasterName = path; path == "" {
			return nil, fmt.Errorf("%w: the path is the master's name", ErrURL)
		}
	case "redis-cluster":
		if path != "" || db != "" {
			return nil, fmt.Errorf("%w: a Cluster has no databases", ErrURL)
		}
		o.IsClusterMode = true
	default:
		return nil, ErrURL
	}
	if db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
			return nil, fmt.Errorf("%w: the database is a number", ErrURL)
		}
	}
	return o, nil
}
