package tenancy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestADomainIsTheNameOfAHostOrIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"casino.example": "casino.example", "Casino-X.LOCALHOST": "casino-x.localhost", "casino.example.": "casino.example",
		"BÜCHER.example": "xn--bcher-kva.example", "xn--bcher-kva.example": "xn--bcher-kva.example", "localhost": "localhost",
		"1.casino.example": "1.casino.example", strings.Repeat("a", 63) + ".example": strings.Repeat("a", 63) + ".example",
	} {
		if got, err := tenancy.ParseDomain(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if got, err := tenancy.NormalizeHost(text); err != nil || got != want {
			t.Errorf("%q is looked up as %q, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"": "empty", ".": "empty", "https://casino.example": "URL: give the host alone, as casino.example", "http://": "URL", "https://x:8080/y": "as x",
		"casino.example:8080": "port", "casino.example/play": "path", "casino.example?x": "path", "casino.example#x": "path", "olivia@casino.example": "path", `a\b`: "path",
		"*.casino.example": "pitboss domain add", "*": "*. before a name", "my_casino.example": "underscore", "my casino.example": "space", "casino.example\n": "space",
		"127.0.0.1": "address", "[::1]": "address", "::1": "address", "10.1": "number", "0x7f.1": "number", "casino.0x7f": "number", "2130706433": "number",
		"casino..example": "nothing between", ".casino.example": "nothing between", "casino.example..": "nothing between",
		"-casino.example": "hyphen", "casino-.example": "hyphen", "ca$ino.example": "letters", "a\x00b.example": "letters", "\xff.example": "letters",
		strings.Repeat("a", 64) + ".example": "63", strings.Repeat("abcdefg.", 40) + "example": "253",
	} {
		got, err := tenancy.ParseDomain(text)
		if !errors.Is(err, tenancy.ErrDomain) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40q: %q, %v; want %q", text, got, err, why)
		}
	}
}

func TestAWildcardIsOfANameThatHasOneOwner(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	for text, why := range map[string]string{
		"*": "wildcard is *. before a name", "*.": "empty", "*.*.casino.example": "*. before a name", "a*.casino.example": "*. before a name", "play.*.example": "*. before a name",
		"*.com": "not one owner's", "*.co.uk": "not one owner's", "*.github.io": "not one owner's", "*.localhost": "not one owner's", "*.COM.": "not one owner's",
		"*.10.0.0.1": "address", "*..example": "nothing between", "*.casino.example:80": "port",
		"*." + strings.Repeat("abcdefg.", 31) + "abcd": "short enough",
	} {
		if _, err := admin.AddDomain(t.Context(), "casino-x", text, "a test"); !errors.Is(err, tenancy.ErrDomain) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40q: %v; want %q", text, err, why)
		}
	}
	got, err := admin.AddDomain(t.Context(), "casino-x", "*.BÜCHER.example.", "a test")
	if err != nil || !slices.Equal(got.Domains, []string{"x.localhost", "*.xn--bcher-kva.example"}) {
		t.Errorf("%v, %v", got.Domains, err)
	}
	if _, err := admin.SetPrimaryDomain(t.Context(), "casino-x", "*.bücher.example", "a test"); !errors.Is(err, tenancy.ErrDomain) || !strings.Contains(err.Error(), "an exact one") {
		t.Errorf("a wildcard as the primary domain: %v", err)
	}
	if _, err := admin.Pool().Exec(t.Context(), `update platform.domain set is_primary = not is_primary`); storetest.State(err) != "23514" {
		t.Errorf("a wildcard as the primary domain, by SQL: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-y", "*.casino-y.example")); !errors.Is(err, tenancy.ErrDomain) {
		t.Errorf("a casino of a wildcard alone: %v", err)
	}
}

func TestAFrameAncestorIsAnOrigin(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	for i, c := range []struct {
		origin string
		ok     bool
	}{
		{"https://portal.example", true}, {"https://*.portal.example", true}, {"http://localhost:5173", true},
		{"portal.example", false}, {"https://", false}, {"https://*", false}, {"https://a.*.example", false}, {"https://portal.example/", false},
		{"https://portal.example:0", false}, {"https://portal.example:65536", false}, {"https://-", false}, {"https://PORTAL.example", false},
		{"https://portal.example; script-src *", false}, {"'self'", false}, {"*", false},
	} {
		n := storetest.Casino("casino-"+string(rune('a'+i)), "x"+string(rune('a'+i))+".localhost")
		n.FrameAncestors = []string{c.origin}
		if _, err := admin.CreateTenant(t.Context(), n); (err == nil) != c.ok || err != nil && !errors.Is(err, tenancy.ErrTenant) {
			t.Errorf("%q: %v", c.origin, err)
		}
	}
}
