package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// box returns a Box under a master key that is one byte, repeated.
func box(fill byte) *seal.Box {
	b, err := seal.NewBox(bytes.Repeat([]byte{fill}, seal.MasterKeySize))
	if err != nil {
		panic(err)
	}
	return b
}

func casino(t *testing.T) tenant.ID {
	t.Helper()
	id, err := tenant.Parse("t_casino_x_abcdef")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAFingerprintIsOfOneKeyTenantPurposeAndText(t *testing.T) {
	t.Parallel()
	id := casino(t)
	first := box(1).Fingerprint(id, "name", "alice")
	if again := box(1).Fingerprint(id, "name", "alice"); !bytes.Equal(first, again) {
		t.Errorf("it is %x, and then %x", first, again)
	}
	for name, other := range map[string][]byte{
		"another key":      box(2).Fingerprint(id, "name", "alice"),
		"another tenant":   box(1).Fingerprint(tenant.ID{}, "name", "alice"),
		"another purpose":  box(1).Fingerprint(id, "names", "alice"),
		"another text":     box(1).Fingerprint(id, "name", "bob"),
		"text and purpose": box(1).Fingerprint(id, "name\x00a", "lice"),
	} {
		if bytes.Equal(first, other) {
			t.Errorf("it is the same for %s", name)
		}
	}
}

func TestBoxOpensOnlyWhatItSealedForTheSame(t *testing.T) {
	t.Parallel()
	id := casino(t)
	secret := []byte("a secret")
	sealed, err := box(1).Seal(id, "seed", secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := box(1).Open(id, "seed", sealed); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("got %q, %v", got, err)
	}
	if bytes.Contains(sealed, secret) {
		t.Error("the secret is readable")
	}
	if _, err := box(2).Open(id, "seed", sealed); !errors.Is(err, seal.ErrMasterKey) {
		t.Errorf("another key: %v", err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another tenant":  func() ([]byte, error) { return box(1).Open(tenant.ID{}, "seed", sealed) },
		"another purpose": func() ([]byte, error) { return box(1).Open(id, "key", sealed) },
		"a flipped bit": func() ([]byte, error) {
			b := bytes.Clone(sealed)
			b[len(b)-1] ^= 1
			return box(1).Open(id, "seed", b)
		},
		"cut off":         func() ([]byte, error) { return box(1).Open(id, "seed", sealed[:9]) },
		"another version": func() ([]byte, error) { return box(1).Open(id, "seed", append([]byte{9}, sealed[1:]...)) },
	} {
		if _, err := open(); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := seal.NewBox([]byte("short")); !errors.Is(err, seal.ErrMasterKey) {
		t.Errorf("a short key: %v", err)
	}
}
