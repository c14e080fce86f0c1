package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// keys is an APIKeySource.
type keys map[string]auth.StoredAPIKey

func (k keys) APIKey(id string) (auth.StoredAPIKey, bool) {
	found, ok := k[id]
	return found, ok
}

func newKeyText(t *testing.T) auth.APIKeyText {
	t.Helper()
	text, err := auth.NewAPIKeyText()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAnAPIKeyThatIsMistypedOrCutIsRefusedWithoutALookUp(t *testing.T) {
	t.Parallel()
	text := newKeyText(t).Reveal()
	if k, err := auth.ParseAPIKey(text); err != nil || k.Reveal() != text {
		t.Fatalf("%s: %v", text, err)
	}
	wrong := []string{"pitboss_", text + "0", " " + text, strings.ToUpper(text), strings.Replace(text, "pitboss_", "pitboss-", 1), text[:20] + "\n" + text[21:]}
	for i := range text {
		wrong = append(wrong, text[:i], text[:i]+text[i+1:])
		for _, c := range "0123456789abcdefghjkmnpqrstvwxyz_lO" {
			if byte(c) != text[i] {
				wrong = append(wrong, text[:i]+string(c)+text[i+1:])
			}
		}
		if i > 0 && text[i] != text[i-1] {
			wrong = append(wrong, text[:i-1]+string(text[i])+string(text[i-1])+text[i+1:])
		}
	}
	for _, w := range wrong {
		if _, err := auth.ParseAPIKey(w); !errors.Is(err, auth.ErrKeyMalformed) {
			t.Errorf("%q is taken for a key: %v", w, err)
		}
	}
}

func TestNoFormatShowsTheSecretOfAnAPIKey(t *testing.T) {
	t.Parallel()
	k := newKeyText(t)
	secret := k.Reveal()[len("pitboss_0123456789_"):]
	var out bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		log.Info("a key", "key", k, "pointer", &k, "in", struct{ Key auth.APIKeyText }{k})
	}
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "d", "t", "U"} {
		_, _ = fmt.Fprintf(&out, "%"+verb+" %"+verb+" %"+verb+"\n", k, &k, []auth.APIKeyText{k})
	}
	raw, err := json.Marshal(map[string]any{"key": k})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(raw)
	hash := k.Hash()
	for _, never := range []string{secret[:20], fmt.Sprintf("%x", hash), fmt.Sprint(hash[:8])} {
		if strings.Contains(out.String(), never) {
			t.Errorf("%q is in\n%s", never, out.String())
		}
	}
	if n := strings.Count(out.String(), "pitboss_"+k.ID()+"_…"); n < 20 {
		t.Errorf("the key is shown %d times in\n%s", n, out.String())
	}
}

func TestAnAPIKeyIsForItsTenantItsTimeAndItsAddressesAlone(t *testing.T) {
	t.Parallel()
	here := tenant.New()
	there := tenant.New()
	text, now := newKeyText(t), time.Now()
	forged := "pitboss_" + text.ID() + newKeyText(t).Reveal()[len("pitboss_0123456789"):] // another's secret and checksum
	stored := auth.StoredAPIKey{ID: text.ID(), Tenant: here, Name: "bookkeeping", Hash: text.Hash(), Scopes: []auth.Scope{auth.MoneyRead, auth.AuditRead}}
	with := func(change func(*auth.StoredAPIKey)) keys {
		k := stored
		change(&k)
		return keys{k.ID: k}
	}
	as := func(*auth.StoredAPIKey) {}
	ranges := func(texts ...string) func(*auth.StoredAPIKey) {
		return func(k *auth.StoredAPIKey) {
			for _, r := range texts {
				k.Addresses = append(k.Addresses, netip.MustParsePrefix(r))
			}
		}
	}
	ends := func(at time.Time) func(*auth.StoredAPIKey) { return func(k *auth.StoredAPIKey) { k.EndsAt = at } }
	for name, c := range map[string]struct {
		keys keys
		at   tenant.ID
		text string
		from string
		want error
	}{
		"good":                             {with(as), here, text.Reveal(), "192.0.2.1", nil},
		"no address at all":                {with(as), here, text.Reveal(), "", nil},
		"malformed":                        {with(as), here, text.Reveal()[:40], "192.0.2.1", auth.ErrKeyMalformed},
		"another's checksum":               {with(as), here, forged, "192.0.2.1", auth.ErrKeyMalformed},
		"unknown":                          {keys{}, here, text.Reveal(), "192.0.2.1", auth.ErrKeyUnknown},
		"another secret":                   {with(func(k *auth.StoredAPIKey) { k.Hash[31] ^= 1 }), here, text.Reveal(), "192.0.2.1", auth.ErrKeyUnknown},
		"another tenant":                   {with(as), there, text.Reveal(), "192.0.2.1", auth.ErrKeyUnknown},
		"a tenant's for the platform":      {with(as), tenant.ID{}, text.Reveal(), "192.0.2.1", auth.ErrKeyUnknown},
		"the platform's for a tenant":      {with(func(k *auth.StoredAPIKey) { k.Tenant = tenant.ID{} }), here, text.Reveal(), "192.0.2.1", auth.ErrKeyUnknown},
		"the platform's":                   {with(func(k *auth.StoredAPIKey) { k.Tenant = tenant.ID{} }), tenant.ID{}, text.Reveal(), "192.0.2.1", nil},
		"revoked":                          {with(func(k *auth.StoredAPIKey) { k.Revoked, k.EndsAt = true, now.Add(-time.Second) }), here, text.Reveal(), "192.0.2.1", auth.ErrKeyRevoked},
		"about to end":                     {with(ends(now.Add(1))), here, text.Reveal(), "192.0.2.1", nil},
		"ended":                            {with(ends(now)), here, text.Reveal(), "192.0.2.1", auth.ErrKeyExpired},
		"in its range":                     {with(ranges("198.51.100.0/24", "192.0.2.0/30")), here, text.Reveal(), "192.0.2.3", nil},
		"in its range, as IPv6 writes it":  {with(ranges("192.0.2.0/30")), here, text.Reveal(), "::ffff:192.0.2.3", nil},
		"in its range, with a zone":        {with(ranges("fe80::/64")), here, text.Reveal(), "fe80::1%eth0", nil},
		"beyond its range":                 {with(ranges("192.0.2.0/30")), here, text.Reveal(), "192.0.2.4", auth.ErrKeyAddress},
		"from no address, with a range":    {with(ranges("0.0.0.0/0", "::/0")), here, text.Reveal(), "", auth.ErrKeyAddress},
		"revoked, and beyond its range":    {with(func(k *auth.StoredAPIKey) { k.Revoked = true; ranges("192.0.2.0/30")(k) }), here, text.Reveal(), "192.0.2.4", auth.ErrKeyRevoked},
		"another tenant's, and it expired": {with(ends(now)), there, text.Reveal(), "192.0.2.1", auth.ErrKeyUnknown},
	} {
		from, _ := netip.ParseAddr(c.from)
		p, err := auth.VerifyAPIKey(c.keys, c.at, "here", c.text, from, now)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		want := auth.Principal{Tenant: c.at, Slug: "here", Subject: text.ID(), Role: auth.APIKey, Name: "bookkeeping", Scopes: "money:read audit:read", ExpiresAt: p.ExpiresAt}
		if err == nil && p != want {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
