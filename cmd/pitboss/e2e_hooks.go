//go:build e2e

package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
)

// The tests of cmd/pitboss/e2e build the program with the tag e2e. It is the program that is shipped,
// and this besides: it kills itself at a step of a round, and runs the proxy of "pitboss cluster" alone.

const (
	envKillPoint = "PITBOSS_TEST_KILL"  // "append.before bet.placed 3": at the third such moment
	envProxy     = "PITBOSS_TEST_PROXY" // where it listens, and the nodes, with spaces between
)

func init() {
	if addresses := strings.Fields(os.Getenv(envProxy)); len(addresses) > 0 {
		os.Exit(serveProxy(addresses[0], addresses[1:]))
	}
	if point := os.Getenv(envKillPoint); point != "" {
		s := newSaboteur(point)
		os.Exit(start(os.Args[1:], seams{
			journal:   func(j rooms.Journal) rooms.Journal { return killingJournal{j, s} },
			publisher: func(p rooms.Publisher) rooms.Publisher { return killingPublisher{p, s} },
		}))
	}
}

// serveProxy runs a proxy before the nodes until the process is killed, and returns its exit code.
func serveProxy(address string, nodes []string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	l, err := listen(address)
	if err != nil {
		log.Error("no proxy", "error", err)
		return 1
	}
	p := newProxy(log, nodes...)
	go p.Run(context.Background())
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	log.Error("the proxy ended", "error", server.Serve(l))
	return 1
}

// saboteur kills the process that it is in at one moment.
type saboteur struct {
	step, event []byte
	left        atomic.Int64
}

func newSaboteur(point string) *saboteur {
	var step, event string
	var n int64
	if _, err := fmt.Sscan(point, &step, &event, &n); err != nil {
		return &saboteur{}
	}
	s := &saboteur{step: []byte(step), event: []byte(event)}
	s.left.Store(n)
	return s
}

func (s *saboteur) at(step string, has func(event []byte) bool) {
	if string(s.step) == step && has(s.event) && s.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type killingJournal struct {
	rooms.Journal
	*saboteur
}

// Append implements rooms.Journal.
func (k killingJournal) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	has := func(event []byte) bool {
		for _, e := range b.Entries {
			for _, r := range e.Records {
				if r.Type == string(event) {
					return true
				}
			}
		}
		return false
	}
	k.at("append.before", has)
	answers, err := k.Journal.Append(ctx, ref, b)
	if err == nil {
		k.at("append.after", has)
	}
	return answers, err
}

type killingPublisher struct {
	rooms.Publisher
	*saboteur
}

// Publish implements rooms.Publisher.
func (k killingPublisher) Publish(ctx context.Context, m hub.Message) error {
	has := func(event []byte) bool { return bytes.Contains(m.Frame, append([]byte(`"type":"`), event...)) }
	k.at("publish.before", has)
	err := k.Publisher.Publish(ctx, m)
	k.at("publish.after", has)
	return err
}
