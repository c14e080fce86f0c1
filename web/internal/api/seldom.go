package api

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// seldomEvery is how often a line of one message is logged, at most.
const seldomEvery = time.Minute

// Seldom logs what strangers can cause as often as they like: each message once a minute, with
// how many were left out since.
type Seldom struct {
	to *slog.Logger

	mu    sync.Mutex
	lines map[string]*seldomLine // by message; messages are constants
}

type seldomLine struct {
	at      time.Time
	omitted int
}

// NewSeldom returns a Seldom that logs to a logger.
func NewSeldom(to *slog.Logger) *Seldom { return &Seldom{to: to, lines: map[string]*seldomLine{}} }

// Log logs a message, or leaves it out and counts that.
func (s *Seldom) Log(level slog.Level, message string, args ...any) {
	if omitted, due := s.due(message, time.Now()); due {
		s.to.Log(context.Background(), level, message, append(args, "omitted", omitted)...)
	}
}

// due reports whether a message is due, and how often it was left out before.
func (s *Seldom) due(message string, now time.Time) (omitted int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[message]
	if l == nil {
		l = &seldomLine{at: now.Add(-seldomEvery)}
		s.lines[message] = l
	}
	if now.Sub(l.at) < seldomEvery {
		l.omitted++
		return 0, false
	}
	omitted, l.at, l.omitted = l.omitted, now, 0
	return omitted, true
}
