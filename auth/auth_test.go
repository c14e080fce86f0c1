package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

var (
	secretX = auth.Key{ID: "x1", Alg: auth.HS256, Secret: bytes.Repeat([]byte{1}, 32)}
	secretY = auth.Key{ID: "y1", Alg: auth.HS256, Secret: bytes.Repeat([]byte{2}, 32)}
)

type bundle struct {
	x, y     tenant.ID
	verifier *auth.Verifier
}

func setup(t *testing.T, extra ...auth.Key) bundle {
	t.Helper()
	x := tenant.New()
	y := tenant.New()
	keys := auth.StaticKeys{x: append([]auth.Key{secretX}, extra...), y: {secretY}}
	return bundle{x, y, auth.NewVerifier(keys, nil)}
}

// good returns claims that casino-x accepts; tests break one of them at a time.
func good() jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{
		"iss": "pitboss", "sub": "alice", "aud": "pitboss/casino-x", "tid": "casino-x", "role": "player",
		"name": "Alice", "jti": "1", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

func sign(t *testing.T, method jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMintedTokenIsBelievedByItsTenantOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token, err := auth.Mint(secretX, auth.Principal{Slug: "casino-x", Subject: "alice", Role: auth.Player, ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.verifier.Verify(b.x, "casino-x", token)
	if err != nil || p.Subject != "alice" || p.Tenant != b.x || p.Name != "alice" || p.TokenID == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := b.verifier.Verify(b.y, "casino-y", token); !errors.Is(err, auth.ErrKid) {
		t.Fatalf("casino-y: %v", err)
	}
}

func TestEachBrokenTokenIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	with := func(name string, value any) jwt.MapClaims {
		c := good()
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
		return c
	}
	hs := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, "x1", secretX.Secret, c) }
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	valid := hs(good())
	for name, c := range map[string]struct {
		token string
		want  *auth.Error
	}{
		"empty":                {"", auth.ErrMissing},
		"not a token":          {"abc", auth.ErrMalformed},
		"huge":                 {string(bytes.Repeat([]byte("a"), auth.TokenBytesMax+1)), auth.ErrMalformed},
		"cut signature":        {valid[:len(valid)-4], auth.ErrSignature},
		"alg none":             {sign(t, jwt.SigningMethodNone, "x1", jwt.UnsafeAllowNoneSignatureType, good()), auth.ErrAlg},
		"another alg":          {sign(t, jwt.SigningMethodHS512, "x1", secretX.Secret, good()), auth.ErrAlg},
		"unknown alg":          {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"XX1","kid":"x1"}`)) + ".e30.AA", auth.ErrAlg},
		"unknown kid":          {sign(t, jwt.SigningMethodHS256, "zz", secretX.Secret, good()), auth.ErrKid},
		"another's kid":        {sign(t, jwt.SigningMethodHS256, "y1", secretY.Secret, good()), auth.ErrKid},
		"another's key":        {sign(t, jwt.SigningMethodHS256, "x1", secretY.Secret, good()), auth.ErrSignature},
		"expired":              {hs(with("exp", past)), auth.ErrExpired},
		"no expiry":            {hs(with("exp", nil)), auth.ErrMalformed},
		"not yet":              {hs(with("nbf", future)), auth.ErrNotYet},
		"issued in future":     {hs(with("iat", future)), auth.ErrNotYet},
		"another audience":     {hs(with("aud", "pitboss/casino-y")), auth.ErrAudience},
		"no audience":          {hs(with("aud", nil)), auth.ErrMalformed},
		"another tenant":       {hs(with("tid", "casino-y")), auth.ErrTenant},
		"no tenant":            {hs(with("tid", nil)), auth.ErrTenant},
		"unknown role":         {hs(with("role", "root")), auth.ErrRole},
		"no issuer":            {hs(with("iss", nil)), auth.ErrIssuer},
		"no subject":           {hs(with("sub", nil)), auth.ErrMalformed},
		"subject with spaces":  {hs(with("sub", "a b")), auth.ErrMalformed},
		"no time of issue":     {hs(with("iat", nil)), auth.ErrLife},
		"good for ever":        {hs(with("exp", time.Now().Add(auth.TokenLifeMax+time.Minute).Unix())), auth.ErrLife},
		"subject with newline": {hs(with("sub", "a\nb")), auth.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.verifier.Verify(b.x, "casino-x", c.token)
			var got *auth.Error
			if !errors.As(err, &got) || got != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := b.verifier.Verify(b.x, "casino-x", valid); err != nil {
		t.Fatalf("the unbroken one: %v", err)
	}
}

func TestAsymmetricKeysVerify(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		alg             string
		method          jwt.SigningMethod
		public, private any
	}{
		{auth.ES256, jwt.SigningMethodES256, &ec.PublicKey, ec},
		{auth.RS256, jwt.SigningMethodRS256, &rs.PublicKey, rs},
		{auth.EdDSA, jwt.SigningMethodEdDSA, edPublic, ed},
	} {
		t.Run(c.alg, func(t *testing.T) {
			t.Parallel()
			der, err := x509.MarshalPKIXPublicKey(c.public)
			if err != nil {
				t.Fatal(err)
			}
			public, err := auth.ParsePublicPEM(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
			if err != nil {
				t.Fatal(err)
			}
			b := setup(t, auth.Key{ID: "k", Alg: c.alg, Public: public})
			if _, err := b.verifier.Verify(b.x, "casino-x", sign(t, c.method, "k", c.private, good())); err != nil {
				t.Fatal(err)
			}
			// The public key's bytes as an HMAC secret: the classic confusion.
			if _, err := b.verifier.Verify(b.x, "casino-x", sign(t, jwt.SigningMethodHS256, "k", der, good())); !errors.Is(err, auth.ErrAlg) {
				t.Fatalf("confused: %v", err)
			}
		})
	}
}

func TestAKeyIsPublicAndStrongOrIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, public := range map[string]any{"2048": &weak.PublicKey, "P-256": &wide.PublicKey, "verifies none": []byte("secret")} {
		if alg, err := auth.AlgOf(public); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, %v; want %q", alg, err, want)
		}
	}
	block := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("x")}))
	}
	for want, text := range map[string]string{
		"want a PEM block": "hello", "private key": block("PRIVATE KEY"), "pubout": block("EC PRIVATE KEY"), "not CERTIFICATE": block("CERTIFICATE"),
		"not RSA PUBLIC KEY": block("RSA PUBLIC KEY"), "read public key": block("PUBLIC KEY"),
	} {
		if _, err := auth.ParsePublicPEM(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestMintRefusesNonsense(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		key auth.Key
		p   auth.Principal
	}{
		"public key": {auth.Key{Alg: auth.ES256}, auth.Principal{Subject: "a", Role: auth.Player, ExpiresAt: soon}},
		"role":       {secretX, auth.Principal{Subject: "a", Role: "boss", ExpiresAt: soon}},
		"subject":    {secretX, auth.Principal{Subject: "a b", Role: auth.Player, ExpiresAt: soon}},
		"for ever":   {secretX, auth.Principal{Subject: "a", Role: auth.Player, ExpiresAt: time.Now().Add(auth.TokenLifeMax + time.Minute)}},
		"expired":    {secretX, auth.Principal{Subject: "a", Role: auth.Player, ExpiresAt: time.Now()}},
	} {
		if _, err := auth.Mint(c.key, c.p); err == nil {
			t.Errorf("%s: minted", name)
		}
	}
}
