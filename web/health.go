package web

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// healthz says that the process is up and answers.
func (s *Server) healthz(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readyz says whether new players should be sent here: the database answers, the node holds its
// lease and has opened what it found, what others publish reaches it, and it is not on its way
// out. A node that is not ready serves the players that it has as far as it can.
func (s *Server) readyz(c echo.Context) error {
	if s.isDraining() {
		return c.String(http.StatusServiceUnavailable, "draining\n")
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), time.Second)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		s.log.Warn("not ready", "err", err)
		return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
	}
	if err := s.store.Health(); err != nil {
		return c.String(http.StatusServiceUnavailable, err.Error()+"\n")
	}
	if err := s.rooms.Health(); err != nil {
		return c.String(http.StatusServiceUnavailable, err.Error()+"\n")
	}
	if err := s.hub.Health(); err != nil {
		return c.String(http.StatusServiceUnavailable, "the bus between nodes: "+err.Error()+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// AdminHandler serves metrics, profiles, health and readiness, for a listener that
// players do not reach.
func (s *Server) AdminHandler(metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("GET /healthz", s)
	mux.Handle("GET /readyz", s)
	return mux
}
