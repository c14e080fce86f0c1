package tenant_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

func TestNewNeverRepeatsAndNeedsNoQuoting(t *testing.T) {
	t.Parallel()
	plain := regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	seen := map[string]bool{}
	for range 2000 {
		id := tenant.New()
		if seen[id.Schema()] {
			t.Fatalf("%s was made twice", id)
		}
		seen[id.Schema()] = true
		if !plain.MatchString(id.Schema()) || !plain.MatchString(id.Role()) || len(id.Role()) > 63 {
			t.Fatalf("%s needs quoting or is too long", id)
		}
	}
}

func TestLongestSlugStaysUnderPostgresLimit(t *testing.T) {
	t.Parallel()
	id := tenant.New()
	if len(id.Schema()) > 63 {
		t.Fatalf("%d bytes", len(id.Schema()))
	}
	back, err := tenant.Parse(id.String())
	if err != nil || back != id {
		t.Fatalf("Parse(%s) = %v, %v", id, back, err)
	}
}

func TestSlugRefusesWhatIsNotOne(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "A1", "1a", "-a", "a-", "a--b", "a_b", "a.b", `a"b`, "ä1", strings.Repeat("a", 33), "a b"} {
		if got, err := tenant.ParseSlug(s); err == nil {
			t.Errorf("ParseSlug(%q) = %q", s, got)
		}
	}
}

func TestZeroIDHasNoNames(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Fatal("the zero ID gave a schema")
		}
	}()
	_ = tenant.ID{}.Schema()
}

// FuzzTopic shows that two topics share a name only if they are the same, whatever a
// key contains.
func FuzzTopic(f *testing.F) {
	f.Add("room", "a", "player", "a")
	f.Add("room", "a:b", "room", "a")
	f.Add("player", "x:room:y", "player", "x")
	a, _ := tenant.Parse("t_casino_x_abcdef")
	b, _ := tenant.Parse("t_casino_y_abcdef")
	f.Fuzz(func(t *testing.T, kind1, key1, kind2, key2 string) {
		if strings.Contains(kind1+kind2, ":") || kind1 == "" || key1 == "" {
			return // kinds are constants of this program
		}
		t1, t2 := a.Topic(kind1, key1), a.Topic(kind2, key2)
		if (t1 == t2) != (t1.String() == t2.String()) {
			t.Fatalf("%q %q", t1, t2)
		}
		if b.Topic(kind1, key1).String() == t1.String() {
			t.Fatal("two tenants share a topic")
		}
		back, err := tenant.ParseTopic(t1.String())
		if err != nil || back != t1 {
			t.Fatalf("ParseTopic(%q) = %v, %v", t1.String(), back, err)
		}
	})
}
