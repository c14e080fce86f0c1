package auth

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// TicketTTL is how long a ticket can be used.
	TicketTTL = 60 * time.Second
	// TicketsMax is how many unused tickets one node keeps.
	TicketsMax = 100_000
	// TicketsPerSubjectMax is how many of them are one subject's: the oldest makes room.
	TicketsPerSubjectMax = 8
	// TicketsPerTenantMax is how many of them are one tenant's.
	TicketsPerTenantMax = TicketsMax / 4
)

// Tickets are one-time stand-ins for tokens, for clients that can neither set a header
// nor offer a subprotocol with a token in it. They live in this node's memory: they
// are to be used where they were issued.
type Tickets struct {
	mu      sync.Mutex
	waiting map[string]ticket   // guarded by mu
	order   []string            // by age, oldest first; guarded by mu
	mine    map[holder][]string // by age, oldest first; guarded by mu
	shares  map[tenant.ID]int   // how many wait; guarded by mu
}

type holder struct {
	tenant  tenant.ID
	subject string
}

type ticket struct {
	who   Principal
	until time.Time
}

// NewTickets makes an empty set.
func NewTickets() *Tickets {
	return &Tickets{waiting: map[string]ticket{}, mine: map[holder][]string{}, shares: map[tenant.ID]int{}}
}

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
		t.drop(t.order[0])
		t.order = t.order[1:]
	}
	h := holder{who.Tenant, who.Subject}
	if mine := t.mine[h]; len(mine) >= TicketsPerSubjectMax {
		t.drop(mine[0])
	}
	// What was used or dropped stays in order until its time; that too is bounded.
	if len(t.waiting) >= TicketsMax || len(t.order) >= 4*TicketsMax || t.shares[who.Tenant] >= TicketsPerTenantMax {
		return "", ErrTickets
	}
	t.waiting[name] = ticket{who, now.Add(TicketTTL)}
	t.order = append(t.order, name)
	t.mine[h] = append(t.mine[h], name)
	t.shares[who.Tenant]++
	return name, nil
}

// drop forgets a ticket, if it is still there; t.mu is held.
func (t *Tickets) drop(name string) {
	found, ok := t.waiting[name]
	if !ok {
		return
	}
	delete(t.waiting, name)
	h := holder{found.who.Tenant, found.who.Subject}
	if left := slices.DeleteFunc(t.mine[h], func(n string) bool { return n == name }); len(left) > 0 {
		t.mine[h] = left
	} else {
		delete(t.mine, h)
	}
	if t.shares[h.tenant]--; t.shares[h.tenant] == 0 {
		delete(t.shares, h.tenant)
	}
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
	t.drop(name)
	now := time.Now()
	if !now.Before(found.until) || !now.Before(found.who.ExpiresAt) {
		return Principal{}, ErrTicket
	}
	return found.who, nil
}
