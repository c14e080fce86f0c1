package redisbus

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// ErrForeign means that a process of another database speaks on this Redis under this installation's
// key, and that this node has left the bus.
var ErrForeign = errors.New("redisbus: a process of another database, maybe a copy of this one's files, uses the same Redis and master key")

const (
	// windowSize is how many numbers below a sender's highest are remembered, for each partition: in a
	// Cluster messages overtake each other.
	windowSize = 1024
	// sendersMax is how many processes are remembered.
	sendersMax = 4096
	// forgetAfter is how long after its last message a process is forgotten: all that it sent is too
	// old by then.
	forgetAfter = 2 * skewMost
	// foreignAfter is for how long a process is heard that the database does not know before this node
	// leaves the bus, and foreignUntil for how long it must be silent before the node comes back.
	foreignAfter = 5 * time.Second
	foreignUntil = 15 * time.Second
	// askEvery is how often the database is asked which processes there are, and askPause how often at
	// most, when one is heard that was not among them. Each is a reason to ask once.
	askEvery = 2 * time.Second
	askPause = 50 * time.Millisecond
	// askWithin bounds one question.
	askWithin = 2 * time.Second
)

// senders are the processes that are heard.
type senders struct {
	foreign atomic.Bool   // one of them is a foreigner
	ask     chan struct{} // holds one: somebody is heard who is not known

	mu    sync.Mutex // guards what follows
	all   map[[senderSize]byte]*sender
	known map[[senderSize]byte]bool // by the database; nil: all are
}

// sender is one process. Times are those of Bus.began.
type sender struct {
	since, heard time.Duration // as a stranger, first and last
	last         time.Duration
	windows      [partitions]window
}

// window are the numbers of one sender's messages that came.
type window struct {
	top  uint64
	seen [windowSize / 64]uint64 // bit n%windowSize: n came, for the windowSize numbers up to top
}

// take reports whether a number is new.
func (w *window) take(n uint64) bool {
	switch {
	case n > w.top:
		if n-w.top >= windowSize {
			w.seen = [windowSize / 64]uint64{}
		} else {
			for i := w.top + 1; i <= n; i++ {
				w.seen[i%windowSize/64] &^= 1 << (i % 64)
			}
		}
		w.top = n
	case w.top-n >= windowSize:
		return false
	}
	word, bit := &w.seen[n%windowSize/64], uint64(1)<<(n%64)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

func newSenders(asks bool) *senders {
	s := &senders{ask: make(chan struct{}, 1), all: map[[senderSize]byte]*sender{}}
	if asks {
		s.known = map[[senderSize]byte]bool{}
	}
	return s
}

// hear notes a message, and returns why it is to be dropped, if it is: again says that its number came
// before, which only some messages must not.
func (s *senders) hear(o opened, partition int, now time.Duration) (again bool, refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.all[o.sender]
	if x == nil {
		if len(s.all) >= sendersMax {
			return false, refusedStranger
		}
		x = &sender{}
		s.all[o.sender] = x
	}
	if !x.windows[partition].take(o.number) {
		again = true // and no sign of life
	} else {
		x.last = now
	}
	if s.known != nil && !s.known[o.sender] {
		if !again {
			x.heard = now
		}
		if x.since == 0 {
			x.since = now
			select {
			case s.ask <- struct{}{}:
			default:
			}
		}
		return again, refusedStranger
	}
	if s.foreign.Load() {
		return again, refusedForeign
	}
	return again, ""
}

// learn takes up which processes there are, and returns one that is not among them and is heard all
// the same.
func (s *senders) learn(known [][senderSize]byte, now time.Duration) (foreigner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
	for _, k := range known {
		s.known[k] = true
	}
	for id, x := range s.all {
		switch {
		case s.known[id], x.since > 0 && now-x.heard > foreignUntil:
			x.since, x.heard = 0, 0
		case x.since > 0 && x.heard-x.since >= foreignAfter:
			foreigner = hex.EncodeToString(id[:])
		}
		if now-x.last > forgetAfter {
			delete(s.all, id)
		}
	}
	s.foreign.Store(foreigner != "")
	return foreigner
}

// watch asks the database which processes there are until ctx ends.
func (b *Bus) watch(ctx context.Context) {
	if b.processes == nil {
		return
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	failing := false
	for {
		was := b.senders.foreign.Load()
		asking, cancel := context.WithTimeout(ctx, askWithin)
		known, err := b.processes(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			b.log.Warn("redis: which processes there are", "known", !failing, "error", err)
		}
		if err == nil {
			foreigner := b.senders.learn(known, time.Since(b.began))
			switch {
			case foreigner != "" && !was:
				b.log.Error("this node leaves the bus: "+ErrForeign.Error()+"; give each installation a Redis of its own", "process", foreigner)
			case foreigner == "" && was:
				b.log.Warn("this node is back on the bus: no process of another database is heard any more")
			}
			if foreigner != "" {
				b.appear()
			}
		}
		late := time.NewTimer(askPause)
		select {
		case <-ctx.Done():
		case <-late.C:
		}
		late.Stop()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-b.senders.ask:
		}
	}
}

// appear lets others hear that this node is there, and nothing else: of two that are strangers to each
// other, the one that left the bus first would have the other believe that it is alone.
func (b *Bus) appear() {
	name, partition := b.channel(tenant.NodeTopic(tenant.AllNodes))
	empty := make([]byte, headSize, headSize+macSize)
	_ = b.lanes[partition%len(b.lanes)].push(name, b.seals.seal(name, b.number(partition), empty)) // again soon
}

// open verifies a payload that came by a channel. It returns its body, and whether its number came
// before.
func (b *Bus) open(channel string, partition int, payload []byte) (body []byte, again bool, refused string) {
	o, refused := b.seals.open(channel, payload)
	if refused != "" {
		return nil, false, refused
	}
	again, refused = b.senders.hear(o, partition, time.Since(b.began))
	return o.body, again, refused
}

// refuse counts what is dropped, and says so once a minute.
func (b *Bus) refuse(channel, why string) {
	b.meters.refused.WithLabelValues(why).Inc()
	now := int64(time.Since(b.began))
	if last := b.refusedAt.Load(); (last == 0 || now-last > int64(time.Minute)) && b.refusedAt.CompareAndSwap(last, now) {
		level := slog.LevelWarn
		if why == refusedStranger { // a node that has just started, or soon more than a line
			level = slog.LevelDebug
		}
		b.log.Log(context.Background(), level, "a message on redis is dropped; others are counted only, for a minute", "why", why, "channel", fmt.Sprintf("%.100q", channel))
	}
}
