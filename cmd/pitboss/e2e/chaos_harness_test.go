package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
)

// failOver starts the database as a replica that has got everything and takes over: with the same data,
// in another timeline.
func (d *postgres) failOver() error {
	data := filepath.Join(d.options.Dir, "postgres", "data")
	info, err := os.Stat(data)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	signal := filepath.Join(data, "recovery.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return err
	}
	if err := os.Chown(signal, int(owner.Uid), int(owner.Gid)); err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = conf.WriteString("restore_command = 'false'\n"); err != nil { // nothing is archived
		return err
	}
	if err := conf.Close(); err != nil {
		return err
	}
	return d.start()
}

// forge acts as an attacker with access to Redis but without the key, until ctx ends: it replays the
// nodes' messages at once and later, altered, and on other channels. It returns how many it sent.
func (p *nodeCluster) forge(ctx context.Context, rnd *rand.Rand) (n int) {
	messages, say := localredis.Overhear(ctx, p.redis.server.Addr, "pb:*")
	var past []localredis.Message
	for m := range messages {
		past = append(past, m)
		if len(past) > 1000 {
			past = past[500:]
		}
		if rnd.IntN(20) > 0 {
			continue
		}
		x := past[rnd.IntN(len(past))]
		switch rnd.IntN(3) {
		case 0: // again
		case 1:
			x.Channel = past[rnd.IntN(len(past))].Channel
		default:
			b := []byte(x.Payload)
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
			x.Payload = string(b)
		}
		if say(x) == nil { // or Redis is away
			n++
		}
	}
	return n
}

// besideOnRedis runs another installation's node and players on the cluster's Redis. The function that it
// returns ends them and holds them to what they were told.
func (p *nodeCluster) besideOnRedis(seed uint64) (end func()) {
	p.t.Helper()
	f := newCasino(p.t)
	x := f.startOn("node-1", "redis://"+p.redis.server.Addr) // as one of the cluster's is called
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("the other installation's last words:\n%s", x.log.last(8<<10))
		}
	})
	eventually(p.t, "the other installation is ready", x.ready)
	life, stop := context.WithCancel(context.Background())
	var playing sync.WaitGroup
	var players []*crashPlayer
	for i := range 5 {
		c := newCrashPlayer(x.casino, fmt.Sprintf("stranger-%d", i), rand.New(rand.NewPCG(seed, uint64(i)+50_000)))
		c.calm, c.most, c.stays = true, 10*time.Second, true
		players = append(players, c)
		playing.Go(func() { c.play(life) })
	}
	return func() {
		p.t.Helper()
		eventuallyWithin(p.t, time.Minute, "the other installation is ready again", x.ready)
		for _, c := range players {
			c.finish()
		}
		eventuallyWithin(p.t, time.Minute, "every command of the strangers is answered", func() bool {
			return !slices.ContainsFunc(players, func(c *crashPlayer) bool { return !c.finished() })
		})
		x.close()
		records := x.journal()
		top := records[len(records)-1].Seq
		for _, c := range players {
			eventually(p.t, "a stranger has seen everything", func() bool { return c.seenSeq() >= top })
		}
		stop()
		playing.Wait()
		x.compare(players)
	}
}
