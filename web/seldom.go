package web

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// seldomEvery is how often a line of one message is logged, at most.
const seldomEvery = time.Minute

// seldom logs what strangers can cause as often as they like: each message once a minute, with
// how many were left out since.
type seldom struct {
	to *slog.Logger

	mu    sync.Mutex
	lines map[string]*seldomLine // by message; messages are constants
}

type seldomLine struct {
	at      time.Time
	omitted int
}

func newSeldom(to *slog.Logger) *seldom { return &seldom{to: to, lines: map[string]*seldomLine{}} }

func (s *seldom) log(level slog.Level, message string, args ...any) {
	if omitted, due := s.due(message, time.Now()); due {
		s.to.Log(context.Background(), level, message, append(args, "omitted", omitted)...)
	}
}

func (s *seldom) due(message string, now time.Time) (omitted int, due bool) {
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
