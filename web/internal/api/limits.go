package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// Limits of web, as the metric names them. Those of sockets and rooms are hub's and rooms'.
const (
	LimitConnections        = "connections"
	LimitAddressConnections = "address_connections"
	LimitDescriptors        = "descriptors"
	LimitAddressRequests    = "address_requests"
	LimitPersonRequests     = "person_requests"
	LimitTenantRequests     = "tenant_requests"
	LimitRoundLookups       = "round_lookups"
	LimitRoundBytes         = "round_bytes"
	LimitRoundsRead         = "rounds_read_bytes"
	LimitHistoryReads       = "history_reads"
	LimitHistoryPage        = "history_page"
	LimitTrialBalances      = "trial_balances"
	LimitStreams            = "streams"
	LimitSearches           = "searches"
	LimitRoomsPerSocket     = "rooms_per_socket"
	LimitChatRate           = "chat_rate"
	LimitChatLength         = "chat_length"
	LimitBody               = "body_bytes"
	LimitNodeQuestions      = "node_questions"
	LimitRevocations        = "revocations"
	LimitWebhooks           = "webhooks"
	LimitWebhookURL         = "webhook_url_bytes"
	LimitApprovals          = "approvals_open"
	LimitAPIKeys            = "api_keys"
	LimitAPIKeyName         = "api_key_name"
	LimitAPIKeyAddresses    = "api_key_addresses"
	LimitAPIKeyOverlap      = "api_key_overlap"
)

// Limits counts how often each limit was reached.
type Limits struct {
	hits *prometheus.CounterVec
	of   *tenant.Hits
}

// NewLimits returns Limits whose metric is registered at r, and which count for each tenant too; of may be nil.
func NewLimits(r prometheus.Registerer, of *tenant.Hits) *Limits {
	l := &Limits{of: of, hits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pitboss_web_limit_hits_total", Help: "Requests that met a limit of the API or of a session."}, []string{"limit"})}
	r.MustRegister(l.hits)
	return l
}

// Hit counts a limit that a tenant reached, or the zero one: whoever it was.
func (l *Limits) Hit(id tenant.ID, limit string) {
	l.hits.WithLabelValues(limit).Inc()
	l.of.Add(id, limit)
}
