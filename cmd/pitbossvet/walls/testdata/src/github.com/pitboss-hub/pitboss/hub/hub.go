// Package hub has a metric by tenant, and its reason is known.
package hub

import "github.com/prometheus/client_golang/prometheus"

var connections = prometheus.NewCounterVec(prometheus.CounterOpts{}, []string{"tenant"})
