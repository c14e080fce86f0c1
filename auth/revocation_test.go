package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pitboss-hub/pitboss/auth"
)

// revoked is Revocations of one token's id.
type revoked string

func (r revoked) Revoked(p auth.Principal) bool { return p.TokenID == string(r) }

func TestATokenThatWasTakenBackIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := auth.NewVerifier(auth.StaticKeys{b.x: {secretX}}, revoked("1"))
	token := sign(t, jwt.SigningMethodHS256, "x1", secretX.Secret, good())
	if _, err := v.Verify(b.x, "casino-x", token); !errors.Is(err, auth.ErrRevoked) {
		t.Errorf("taken back: %v", err)
	}
	other := good()
	other["jti"] = "2"
	p, err := v.Verify(b.x, "casino-x", sign(t, jwt.SigningMethodHS256, "x1", secretX.Secret, other))
	if err != nil || time.Since(p.IssuedAt) > time.Minute || v.Revoked(p) {
		t.Errorf("another: %+v, %v", p, err)
	}
	if p.TokenID = "1"; !v.Revoked(p) {
		t.Error("what was believed before is not asked for again")
	}
}

func TestClocksMayDifferByTheLeewayWhenAPlayerIsKicked(t *testing.T) {
	t.Parallel()
	then := time.Now()
	for issued, want := range map[time.Duration]bool{-time.Hour: true, 0: true, auth.Leeway: true, auth.Leeway + 1: false, time.Hour: false} {
		if got := auth.IssuedBefore(then.Add(issued), then); got != want {
			t.Errorf("issued %v after: %t", issued, got)
		}
	}
}

func TestATokenOfStaffHasAnIDByWhichItCanBeTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for role, want := range map[auth.Role]error{auth.Player: nil, auth.Operator: auth.ErrNoID, auth.Support: auth.ErrNoID, auth.Service: auth.ErrNoID} {
		for _, missing := range []bool{true, false} {
			claims := good()
			claims["role"], claims["jti"] = string(role), ""
			if missing {
				delete(claims, "jti")
			}
			if _, err := b.verifier.Verify(b.x, "casino-x", sign(t, jwt.SigningMethodHS256, "x1", secretX.Secret, claims)); !errors.Is(err, want) {
				t.Errorf("%s: %v", role, err)
			}
		}
	}
}
