package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// readyFor is how long the outcome of a look at the database serves all who ask.
	readyFor = 250 * time.Millisecond
	// readyWithin is how long the database may take.
	readyWithin = time.Second
	// profileMax is how long a profile or a trace may be.
	profileMax = 5 * time.Minute
	// metricsMax is how many read the metrics at once.
	metricsMax = 4
)

// readiness holds the latest look at what a node needs to be ready.
type readiness struct {
	mu     sync.Mutex // held while somebody looks
	at     time.Time
	reason string // why it is not ready
}

// healthz answers that the process is up and answers.
func (s *Server) healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readyz answers whether new players should be sent here: the database answers, the node holds its
// lease and has opened what it found, what others publish reaches it and it has heard how many players they have, there are
// descriptors for new connections, and it is not on its way out. A node that is not ready serves the players that
// it has as far as it can.
func (s *Server) readyz(c echo.Context) error {
	var reason string
	switch {
	case s.isDraining():
		reason = "draining"
	case s.starving.now():
		reason = "there is no descriptor left for a connection"
	default:
		reason = s.look(time.Now())
	}
	if reason != "" {
		return c.String(http.StatusServiceUnavailable, reason+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// look returns why the node is not ready, or "". Whoever asks while another looks waits for what
// that one sees.
func (s *Server) look(asked time.Time) (reason string) {
	r := &s.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	if asked.Sub(r.at) < readyFor {
		return r.reason
	}
	r.reason = s.unready()
	r.at = time.Now()
	return r.reason
}

// unready returns why the node is not ready, or "".
func (s *Server) unready() (reason string) {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin) // not one asker's: all get it
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		s.seldom.Log(slog.LevelWarn, "not ready", "error", err)
		return "the database does not answer"
	}
	if err := s.store.Health(); err != nil {
		return err.Error()
	}
	if err := s.tenants.Health(); err != nil {
		return err.Error()
	}
	if err := s.rooms.Health(); err != nil {
		return err.Error()
	}
	if err := s.hub.Health(); err != nil {
		return "the bus between nodes: " + err.Error()
	}
	if err := s.sessions.Health(); err != nil {
		return err.Error()
	}
	return ""
}

// AdminHandler serves metrics, health, readiness and, if that is wanted, profiles.
func (s *Server) AdminHandler(metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: metricsMax}))
	if s.edge.Profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	mux.Handle("GET /healthz", s)
	mux.Handle("GET /readyz", s)
	return s.inTime(mux)
}

// inTime bounds the time that an answer may take: a profile as long as it was asked for, within bounds. The
// server has no WriteTimeout, for which pprof would refuse a profile.
func (s *Server) inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var long time.Duration
		if strings.HasPrefix(r.URL.Path, "/debug/pprof/") {
			seconds, err := strconv.ParseFloat(cmp.Or(r.URL.Query().Get("seconds"), "30"), 64) // pprof's own default
			if err != nil || !(seconds >= 0 && seconds <= profileMax.Seconds()) {
				http.Error(w, fmt.Sprintf("seconds: want 0 to %.0f", profileMax.Seconds()), http.StatusBadRequest)
				return
			}
			long = time.Duration(seconds * float64(time.Second))
		}
		until, control := time.Now().Add(long+s.edge.Answer), http.NewResponseController(w)
		_ = control.SetWriteDeadline(until) // it fails only without a connection
		if r.ContentLength == 0 {
			_ = control.SetReadDeadline(until) // at its end net/http ends the handler
		}
		next.ServeHTTP(w, r)
	})
}
