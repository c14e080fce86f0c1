package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// redeem opens a ticket and uses it.
func redeem(t *testing.T, tickets *auth.Tickets, id tenant.ID, text string) (auth.Principal, error) {
	who, use, err := tickets.Open(id, text)
	if err == nil {
		err = use(t.Context())
	}
	if err != nil {
		return auth.Principal{}, err
	}
	return who, nil
}

// uses is Uses in memory.
type uses struct {
	mu   sync.Mutex
	seen map[string]bool
	err  error
}

func (u *uses) Use(_ context.Context, nonce []byte, until time.Time) (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen[string(nonce)] || !time.Now().Before(until) {
		return false, u.err
	}
	u.seen[string(nonce)] = true
	return true, u.err
}

type desk struct {
	bundle
	box  *seal.Box
	uses *uses
	who  auth.Principal
}

func openDesk(t *testing.T) desk {
	t.Helper()
	box, err := seal.NewBox(bytes.Repeat([]byte{7}, seal.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t)
	return desk{b, box, &uses{seen: map[string]bool{}}, auth.Principal{
		Tenant: b.x, Slug: "casino-x", Subject: "alice", Role: auth.Player, Name: "Alice", TokenID: "1", Key: "x1",
		IssuedAt: time.Now().Add(-time.Minute).UTC().Truncate(time.Second), ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
	}}
}

// node returns one node's Tickets, with the revocations r.
func (d desk) node(r auth.Revocations) *auth.Tickets {
	return auth.NewTickets(d.box, d.uses, auth.NewVerifier(auth.StaticKeys{d.x: {secretX}}, r))
}

func TestATicketWhoseKeyWasRetiredSinceIsRefused(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	ticket, _, err := d.node(nil).Issue(d.who)
	if err != nil {
		t.Fatal(err)
	}
	other := secretX
	other.ID = "x2"
	for name, keys := range map[string][]auth.Key{"no key": nil, "another key": {other}, "another key of its id": {{ID: "x1", Version: "2", Alg: auth.HS256, Secret: secretX.Secret}}} {
		node := auth.NewTickets(d.box, d.uses, auth.NewVerifier(auth.StaticKeys{d.x: keys}, nil))
		if _, err := redeem(t, node, d.x, ticket); !errors.Is(err, auth.ErrRevoked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := redeem(t, d.node(nil), d.x, ticket); err != nil {
		t.Errorf("where the key is good: %v", err)
	}
}

func TestATicketIsGoodOnceOnWhateverNodeAndAtItsTenant(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	here, there := d.node(nil), d.node(nil)
	text, until, err := here.Issue(d.who)
	if err != nil || time.Until(until) > auth.TicketTTL {
		t.Fatal(until, err)
	}
	if _, err := redeem(t, there, d.y, text); !errors.Is(err, auth.ErrTicket) {
		t.Fatalf("at another tenant: %v", err)
	}
	var all sync.WaitGroup
	won := make(chan auth.Principal, 50)
	for i := range 50 {
		all.Go(func() {
			p, err := redeem(t, []*auth.Tickets{here, there}[i%2], d.x, text)
			switch {
			case err == nil:
				won <- p
			case !errors.Is(err, auth.ErrTicket):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("redeemed %d times", len(won))
	}
	if p := <-won; p != d.who {
		t.Errorf("%+v, want %+v", p, d.who)
	}
}

func TestATicketSaysNothingAndCanNotBeMade(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	text, _, err := d.node(nil).Issue(d.who)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || bytes.Contains(sealed, []byte("alice")) {
		t.Fatalf("%q, %v", sealed, err)
	}
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		if _, err := redeem(t, d.node(nil), d.x, base64.RawURLEncoding.EncodeToString(forged)); !errors.Is(err, auth.ErrTicket) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	other, err := d.box.Seal(d.x, "signing key 1", []byte(`{"Until":"2100-01-01T00:00:00Z"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, nonsense := range []string{"", "abc", "ä", string(bytes.Repeat([]byte("a"), 1<<20)), base64.RawURLEncoding.EncodeToString(other)} {
		if _, err := redeem(t, d.node(nil), d.x, nonsense); !errors.Is(err, auth.ErrTicket) {
			t.Errorf("%.20q: %v", nonsense, err)
		}
	}
	if len(d.uses.seen) != 0 {
		t.Error("what is no ticket was written down")
	}
}

func TestATicketRunsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t)
		for token, good := range map[time.Duration]time.Duration{time.Hour: auth.TicketTTL, time.Second: time.Second} {
			d.who.ExpiresAt = time.Now().Add(token)
			text, until, err := d.node(nil).Issue(d.who)
			if err != nil || time.Until(until) != good {
				t.Fatal(until, err)
			}
			<-time.After(good)
			if _, err := redeem(t, d.node(nil), d.x, text); !errors.Is(err, auth.ErrTicket) {
				t.Errorf("after %v: %v", good, err)
			}
			if _, _, err := d.node(nil).Open(d.x, text); err != nil {
				t.Errorf("after %v, by a clock that may be ahead: %v", good, err)
			}
			<-time.After(auth.Leeway + 1)
			if _, _, err := d.node(nil).Open(d.x, text); !errors.Is(err, auth.ErrTicket) { // before any place is taken for it
				t.Errorf("%v later it can be opened: %v", auth.Leeway, err)
			}
		}
	})
}

func TestATicketOfARevokedTokenIsRefused(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	text, _, err := d.node(nil).Issue(d.who)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := redeem(t, d.node(revoked("1")), d.x, text); !errors.Is(err, auth.ErrRevoked) {
		t.Error(err)
	}
}

func TestATicketIsNotBelievedIfItIsNotKnownWhetherItWasUsed(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	text, _, err := d.node(nil).Issue(d.who)
	if err != nil {
		t.Fatal(err)
	}
	d.uses.err = errors.New("no database")
	if who, err := redeem(t, d.node(nil), d.x, text); !errors.Is(err, d.uses.err) || who != (auth.Principal{}) {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestATicketThatWasOnlyOpenedStaysUnused(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	text, _, err := d.node(nil).Issue(d.who)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if who, _, err := d.node(nil).Open(d.x, text); err != nil || who.Subject != d.who.Subject {
			t.Errorf("%+v, %v", who, err)
		}
	}
	if _, err := redeem(t, d.node(nil), d.x, text); err != nil {
		t.Error(err)
	}
}
