// Package labels logs and measures.
package labels

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

type ID struct{ name string }

func (id ID) String() string { return id.name }

type Slug string

func logged(log *slog.Logger, id ID, slug Slug, typed string) {
	log.Info("a room opened", "tenant", id, "room", typed)
	log.Info("a room opened", "tenant", slug)
	log.With("room", "x", "tenant", id)
	log.Info("a room opened", "tenant", id.String()) // want `a tenant in a log is a tenant.ID or a tenant.Slug`
	log.Info("a room opened", "tenant", typed)       // want `a tenant in a log is a tenant.ID or a tenant.Slug`
	log.With("tenant", "casino")                     // want `a tenant in a log is a tenant.ID or a tenant.Slug`
	_ = slog.String("tenant", typed)                 // want `a tenant in a log is a tenant.ID or a tenant.Slug`
	_ = slog.Any("tenant", typed)                    // want `a tenant in a log is a tenant.ID or a tenant.Slug`
	_ = slog.Any("tenant", id)
	step(typed, "tenant", typed)
}

func step(string, string, string) {}

func counter(name string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name}, labels)
}

var (
	_ = counter("rooms", "game")
	_ = counter("rooms", "tenant")                                                     // want `a metric by tenant has a series for each`
	_ = prometheus.NewCounterVec(prometheus.CounterOpts{}, []string{"game", "tenant"}) // want `a metric by tenant has a series for each`
)
