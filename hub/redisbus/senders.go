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
	// windowSize is how many numbers up to a sender's highest are remembered, for each partition: in a
	// Cluster messages may be reordered.
	windowSize = 1024
	// sendersMax bounds the processes that are remembered.
	sendersMax = 4096
	// forgetAfter is how long after its last message a process is forgotten: all its messages have
	// expired by then.
	forgetAfter = 2 * skewMax
	// foreignAfter is how long this node receives from a process that the database does not know before
	// it leaves the bus, and foreignUntil is how long that process must be silent before it returns.
	foreignAfter = 5 * time.Second
	foreignUntil = 15 * time.Second
	// refreshInterval is the interval at which the known processes are read from the database, and
	// refreshPause the least time between two reads, when an unknown one is heard. Each unknown process
	// causes one read.
	refreshInterval = 2 * time.Second
	refreshPause    = 50 * time.Millisecond
	// refreshTimeout bounds one read.
	refreshTimeout = 2 * time.Second
)

// senders holds the processes that this node receives from.
type senders struct {
	foreign atomic.Bool   // one of them belongs to another database
	refresh chan struct{} // holds one: a process was heard that is not known

	mu    sync.Mutex // guards what follows
	all   map[[senderSize]byte]*sender
	known map[[senderSize]byte]bool // by the database; nil: all are
}

// sender is one process. Times are those of Bus.began.
type sender struct {
	strangerSince, lastHeard time.Duration // as a stranger, first and last
	last                     time.Duration
	windows                  [partitions]window
}

// window holds the numbers of the messages received from one sender.
type window struct {
	top  uint64
	seen [windowSize / 64]uint64 // bit n%windowSize: n came, for the windowSize numbers up to top
}

// add adds a number and reports whether it is new.
func (w *window) add(n uint64) bool {
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
	s := &senders{refresh: make(chan struct{}, 1), all: map[[senderSize]byte]*sender{}}
	if asks {
		s.known = map[[senderSize]byte]bool{}
	}
	return s
}

// record records a message. again reports whether its number was received before, which some messages
// may be; refused says why the message must be dropped, if it must.
func (s *senders) record(o opened, partition int, now time.Duration) (again bool, refused string) {
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
	if !x.windows[partition].add(o.number) {
		again = true // it may be a replay, and does not show that the sender is alive
	} else {
		x.last = now
	}
	if s.known != nil && !s.known[o.sender] {
		if !again {
			x.lastHeard = now
		}
		if x.strangerSince == 0 {
			x.strangerSince = now
			select {
			case s.refresh <- struct{}{}:
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

// learn sets the known processes, and returns one that is not among them but has been heard for
// foreignAfter, if there is one.
func (s *senders) learn(known [][senderSize]byte, now time.Duration) (foreigner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
	for _, k := range known {
		s.known[k] = true
	}
	for id, x := range s.all {
		switch {
		case s.known[id], x.strangerSince > 0 && now-x.lastHeard > foreignUntil:
			x.strangerSince, x.lastHeard = 0, 0
		case x.strangerSince > 0 && x.lastHeard-x.strangerSince >= foreignAfter:
			foreigner = hex.EncodeToString(id[:])
		}
		if now-x.last > forgetAfter {
			delete(s.all, id)
		}
	}
	s.foreign.Store(foreigner != "")
	return foreigner
}

// watch keeps the known processes up to date until ctx ends.
func (b *Bus) watch(ctx context.Context) {
	if b.processes == nil {
		return
	}
	tick := time.NewTicker(refreshInterval)
	defer tick.Stop()
	failing := false
	for {
		wasForeign := b.senders.foreign.Load()
		queryCtx, cancel := context.WithTimeout(ctx, refreshTimeout)
		known, err := b.processes(queryCtx)
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
			case foreigner != "" && !wasForeign:
				b.log.Error("this node leaves the bus: "+ErrForeign.Error()+"; give each installation a Redis of its own", "process", foreigner)
			case foreigner == "" && wasForeign:
				b.log.Warn("this node is back on the bus: no process of another database is heard any more")
			}
			if foreigner != "" {
				b.announce()
			}
		}
		timer := time.NewTimer(refreshPause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-b.senders.refresh:
		}
	}
}

// announce sends an empty message that only shows that this node is alive. Without it, of two nodes of
// different databases, the one that left the bus first would let the other believe that it is alone.
func (b *Bus) announce() {
	name, partition := b.channel(tenant.NodeTopic(tenant.AllNodes))
	empty := make([]byte, headSize, headSize+macSize)
	_ = b.lanes[partition%len(b.lanes)].push(name, b.seals.seal(name, b.number(partition), empty)) // on an error, it is sent again soon
}

// open verifies a payload received on a channel. It returns its body, and whether its number was
// received before.
func (b *Bus) open(channel string, partition int, payload []byte) (body []byte, again bool, refused string) {
	o, refused := b.seals.open(channel, payload)
	if refused != "" {
		return nil, false, refused
	}
	again, refused = b.senders.record(o, partition, time.Since(b.began))
	return o.body, again, refused
}

// refuse counts a dropped payload, and logs one a minute.
func (b *Bus) refuse(channel, why string) {
	b.meters.refused.WithLabelValues(why).Inc()
	now := int64(time.Since(b.began))
	if last := b.refusedAt.Load(); (last == 0 || now-last > int64(time.Minute)) && b.refusedAt.CompareAndSwap(last, now) {
		level := slog.LevelWarn
		if why == refusedStranger { // a node that has just started, or else ErrForeign will be logged
			level = slog.LevelDebug
		}
		b.log.Log(context.Background(), level, "a message on redis is dropped; others are counted only, for a minute", "why", why, "channel", fmt.Sprintf("%.100q", channel))
	}
}
