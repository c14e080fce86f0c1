package cache

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/hub/redisbus/redisurl"
)

const (
	// surveyMax bounds how many keys, and how many channels, a Survey has.
	surveyMax = 10_000
	// surveyPage bounds the keys that a server looks at in one step.
	surveyPage = 1000
	// surveyPatience bounds one command.
	surveyPatience = 5 * time.Second
)

// Survey counts what a Redis has of one database, of this cache and of hub/redisbus.
type Survey struct {
	Now            time.Time // its clock; that of one server of a Cluster
	Keys, Channels []string
	More           bool // there are more than these
}

// RealmText returns the part of the names in Redis that says which database they are of.
func RealmText(realm []byte) string { return hex.EncodeToString(realm[:min(len(realm), realmSize)]) }

// Look looks at a Redis, some thousand names at most, and changes nothing.
func Look(ctx context.Context, url string, realm []byte) (Survey, error) {
	o, err := redisurl.Parse(url)
	if err != nil {
		return Survey{}, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolSize = surveyPatience, surveyPatience, surveyPatience, 1
	client := redis.NewUniversalClient(o)
	defer func() { _ = client.Close() }()
	var s Survey
	look := func(ctx context.Context, c *redis.Client) error { return s.add(ctx, c, RealmText(realm)) }
	switch c := client.(type) {
	case *redis.ClusterClient:
		var one sync.Mutex // ForEachMaster asks all at once
		err = c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error {
			one.Lock()
			defer one.Unlock()
			return look(ctx, m)
		})
	case *redis.Client:
		err = look(ctx, c)
	}
	if err == nil {
		s.Now, err = client.Time(ctx).Result()
	}
	if err != nil {
		return s, fmt.Errorf("cache: look at Redis: %w", err)
	}
	return s, nil
}

// add adds what one server has.
func (s *Survey) add(ctx context.Context, c *redis.Client, realm string) error {
	for cursor := uint64(0); ; {
		keys, next, err := c.Scan(ctx, cursor, "pitboss:"+realm+"*", surveyPage).Result()
		if err != nil {
			return err
		}
		s.Keys = append(s.Keys, keys...)
		if cursor = next; cursor == 0 {
			break
		}
		if len(s.Keys) >= surveyMax {
			s.More = true
			break
		}
	}
	// Sharded channels are those of nodes; plain ones of that form would be somebody else's doing.
	for _, list := range []func(context.Context, string) *redis.StringSliceCmd{c.PubSubShardChannels, c.PubSubChannels} {
		channels, err := list(ctx, "pb:{*}"+realm+":*").Result()
		if err != nil {
			return err
		}
		if len(channels) > surveyMax {
			channels, s.More = channels[:surveyMax], true
		}
		s.Channels = append(s.Channels, channels...)
	}
	return nil
}
