package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

const (
	// TicketTTL bounds how long a ticket is valid.
	TicketTTL = 60 * time.Second
	// ticketBytesMax bounds a ticket before it is opened.
	ticketBytesMax  = 2 * TokenBytesMax
	ticketNonceSize = 16
	ticketPurpose   = "ticket"
)

// Sealer encrypts tickets so that only the nodes can read them. What was sealed for one tenant
// and purpose cannot be opened for another.
type Sealer interface {
	Seal(id tenant.ID, purpose string, plain []byte) ([]byte, error)
	Open(id tenant.ID, purpose string, sealed []byte) ([]byte, error)
}

// Uses remembers which tickets were used, for all nodes.
type Uses interface {
	// Use reports whether this is the first use, on any node, of a ticket that is valid until
	// the given time. It decides by its own clock whether the ticket is still valid.
	Use(ctx context.Context, nonce []byte, until time.Time) (first bool, err error)
}

// Tickets issues and redeems tickets: one-time substitutes for tokens, for clients that can neither
// set a header nor offer a subprotocol with a token in it. A ticket is sealed and self-contained, so
// any node can redeem a ticket that another issued.
type Tickets struct {
	sealer   Sealer
	uses     Uses
	verifier *Verifier
}

// NewTickets returns Tickets for the bearers of tokens that verifier accepts.
func NewTickets(sealer Sealer, uses Uses, verifier *Verifier) *Tickets {
	return &Tickets{sealer, uses, verifier}
}

// ticket is the sealed content of a ticket.
type ticket struct {
	Nonce []byte
	Until time.Time
	Who   Principal
}

// Issue returns a new ticket for who.
func (t *Tickets) Issue(who Principal) (string, time.Time, error) {
	k := ticket{make([]byte, ticketNonceSize), time.Now().Add(TicketTTL).UTC(), who}
	if who.ExpiresAt.Before(k.Until) {
		k.Until = who.ExpiresAt.UTC()
	}
	if _, err := rand.Read(k.Nonce); err != nil {
		return "", time.Time{}, err
	}
	plain, err := json.Marshal(k)
	if err != nil {
		return "", time.Time{}, err
	}
	sealed, err := t.sealer.Seal(who.Tenant, ticketPurpose, plain)
	if err != nil {
		return "", time.Time{}, err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), k.Until, nil
}

// Open returns whose a ticket is, and what uses it: until use returns nil, nobody has shown that the ticket is good, and it stays
// unused. Open returns ErrTicket or ErrRevoked, also for a ticket of another tenant or one that is too old by this node's clock,
// which may differ by Leeway from that of the node that issued it; use returns ErrTicket, or another error if
// it is not known whether the ticket was used.
func (t *Tickets) Open(id tenant.ID, text string) (who Principal, use func(context.Context) error, err error) {
	if len(text) > ticketBytesMax {
		return Principal{}, nil, ErrTicket
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Principal{}, nil, ErrTicket
	}
	var k ticket
	plain, err := t.sealer.Open(id, ticketPurpose, sealed)
	if err != nil || strict.DecodeKnown(plain, &k) != nil || k.Who.Tenant != id || time.Now().After(k.Until.Add(Leeway)) {
		return Principal{}, nil, ErrTicket
	}
	if t.verifier.Revoked(k.Who) {
		return Principal{}, nil, ErrRevoked
	}
	return k.Who, func(ctx context.Context) error {
		first, err := t.uses.Use(ctx, k.Nonce, k.Until)
		if err == nil && !first {
			return ErrTicket
		}
		return err
	}, nil
}
