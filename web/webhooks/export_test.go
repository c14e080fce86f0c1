package webhooks

import (
	"net"
	"net/netip"
	"time"
)

// Hasten makes a Deliverer look every few milliseconds, hold leases for a moment, and wait so long between
// attempts.
func (d *Deliverer) Hasten(lease time.Duration, waits ...time.Duration) {
	d.hold, d.poll, d.lease, d.waits = lease/5, 10*time.Millisecond, lease, waits
}

// Timeout sets how long an attempt may take.
func (d *Deliverer) Timeout(t time.Duration) { d.client.timeout = t }

// ResolveBy makes names be resolved by another resolver than the system's.
func (d *Deliverer) ResolveBy(r *net.Resolver, allow ...netip.Prefix) { d.client = newClient(allow, r) }

// Schedule is how long a Deliverer waits after each attempt.
var Schedule = schedule
