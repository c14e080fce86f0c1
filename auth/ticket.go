package auth

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// TicketTTL is how long a ticket can be used.
	TicketTTL = 60 * time.Second
	// TicketsMax is how many unused tickets one node keeps.
	TicketsMax = 100_000
)

// Tickets are one-time stand-ins for tokens, for clients that can neither set a header
// nor offer a subprotocol with a token in it. They live in this node's memory: they
// are to be used where they were issued.
type Tickets struct {
	mu      sync.Mutex
	waiting map[string]ticket // guarded by mu
	order   []string          // by age, oldest first; guarded by mu
}

type ticket struct {
	who   Principal
	until time.Time
}

// NewTickets makes an empty set.
func NewTickets() *Tickets { return &Tickets{waiting: map[string]ticket{}} }

// Issue makes a ticket for who. It returns ErrTickets if too many are waiting.
func (t *Tickets) Issue(who Principal) (string, error) {
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	name := base64.RawURLEncoding.EncodeToString(b[:])
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.order) > 0 {
		oldest, ok := t.waiting[t.order[0]]
		if ok && now.Before(oldest.until) {
			break
		}
		delete(t.waiting, t.order[0])
		t.order = t.order[1:]
	}
	if len(t.waiting) >= TicketsMax {
		return "", ErrTickets
	}
	t.waiting[name] = ticket{who, now.Add(TicketTTL)}
	t.order = append(t.order, name)
	return name, nil
}

// Redeem uses a ticket up, at its tenant only; elsewhere it stays unused. It returns
// ErrTicket.
func (t *Tickets) Redeem(id tenant.ID, name string) (Principal, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.waiting[name]
	if !ok || found.who.Tenant != id {
		return Principal{}, ErrTicket
	}
	delete(t.waiting, name)
	now := time.Now()
	if !now.Before(found.until) || !now.Before(found.who.ExpiresAt) {
		return Principal{}, ErrTicket
	}
	return found.who, nil
}
