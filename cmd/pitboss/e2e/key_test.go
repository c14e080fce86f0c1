package e2e

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// claimsOf returns the claims of a token of the casino.
func (f *casino) claimsOf(subject string, role auth.Role) jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{"iss": "t", "sub": subject, "aud": auth.Audience(tenant.Slug(f.slug)), "tid": f.slug, "role": string(role), "jti": subject + "-1",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
}

// keys lists the casino's keys by their state.
func (f *casino) keys() (active, retired []tenancy.KeyInfo) {
	f.t.Helper()
	out := f.mustCLI("key", "list", "--tenant", f.slug, "--json")
	var all []tenancy.KeyInfo
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		f.t.Fatalf("%v: %s", err, out)
	}
	for _, k := range all {
		if k.State == "active" {
			active = append(active, k)
		} else {
			retired = append(retired, k)
		}
	}
	return active, retired
}

// letsIn waits until a token is good on both nodes.
func letsIn(t *testing.T, token string, nodes ...*casino) {
	t.Helper()
	for _, x := range nodes {
		eventually(t, "the token is good", func() bool { status, _, _ := x.do("GET", "/v1/session", token, ""); return status == 200 })
	}
}

// shutsOut waits until a token is good nowhere, with a code.
func shutsOut(t *testing.T, token, code string, nodes ...*casino) {
	t.Helper()
	for _, x := range nodes {
		eventually(t, "the token is refused", func() bool { _, got, _ := x.do("GET", "/v1/session", token, ""); return got == code })
	}
}

func TestARotatedSecretLetsInAndARetiredOneClosesWhatItLetIn(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	old := f.key().ID
	player, operator := f.mint("alice", auth.Player), f.mint("olivia", auth.Operator)
	offer := a.ticket(player)
	sockets := []*rpc{a.dial(soon(t), operator, nil), b.dial(soon(t), operator, nil), b.dial(soon(t), player, nil)}

	var made struct {
		tenancy.KeyInfo
		Secret  string   `json:"secret"`
		Retired []string `json:"retired"`
	}
	out := f.mustCLI("key", "rotate", "--tenant", f.slug, "--reason", "yearly", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Alg != auth.HS256 || made.ID == old || len(made.Retired) != 0 {
		t.Fatalf("%v: %s", err, out)
	}
	secret, err := base64.StdEncoding.DecodeString(made.Secret)
	if err != nil || len(secret) != 32 {
		t.Fatalf("%v: %d bytes", err, len(secret))
	}
	signed := func(subject string, role auth.Role) string {
		return forge(t, jwt.SigningMethodHS256, secret, made.ID, f.claimsOf(subject, role))
	}
	letsIn(t, signed("bob", auth.Player), a, b)
	letsIn(t, player, a, b) // the old one is good until it is retired
	if err := f.store.Tenants.Reload(soon(t)); err != nil {
		t.Fatal(err)
	}
	if f.key().ID != made.ID {
		t.Error("tokens are not signed with the new secret")
	}
	stays := b.dial(soon(t), signed("bob", auth.Player), nil)

	f.mustCLI("key", "retire", "--tenant", f.slug, old, "--reason", "leaked")
	began := time.Now()
	for _, c := range sockets {
		c.gone(t, began, wire.CloseRevoked)
	}
	shutsOut(t, player, "token_kid", a, b)
	shutsOut(t, operator, "token_kid", a, b)
	if status, code := b.upgrade("", offer...); status != 401 || code != "token_revoked" {
		t.Errorf("a ticket of before: %d %s", status, code)
	}
	if err := stays.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Errorf("who came by the new secret: %v", err)
	}
	if err := stays.call(soon(t), wire.MethodSessionRenew, wire.SessionRenew{Token: forge(t, jwt.SigningMethodHS256, secret, old, f.claimsOf("bob", auth.Player))}, nil); err == nil {
		t.Error("renewed by a retired key")
	}

	out = f.mustCLI("key", "rotate", "--tenant", f.slug, "--retire-others", "--reason", "leaked again")
	if !strings.Contains(out, "retired "+made.ID) || strings.Contains(out, made.Secret) {
		t.Errorf("%s", out)
	}
	stays.gone(t, time.Now(), wire.CloseRevoked)
	active, retired := f.keys()
	if len(active) != 1 || len(retired) != 2 || retired[0].RetiredAt.IsZero() {
		t.Errorf("%+v, %+v", active, retired)
	}
	if out := f.mustCLI("key", "list", "--tenant", f.slug); !strings.Contains(out, active[0].ID) || strings.Contains(out, made.Secret) {
		t.Errorf("%s", out)
	}
	if err := f.store.Tenants.Reload(soon(t)); err != nil {
		t.Fatal(err)
	}
	letsIn(t, f.mint("olivia", auth.Operator), a) // when that node knows the new secret too
	_, _, raw := a.do("GET", "/v1/audit", f.mint("olivia", auth.Operator), "")
	for _, want := range []string{`"actor":"` + f.person() + `","action":"key.rotate","target":"` + made.ID + `","reason":"yearly"`, `"action":"key.retire","target":"` + old + `","reason":"leaked"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	if strings.Contains(string(raw), made.Secret) {
		t.Error("the audit log has a secret")
	}
	if out := f.mustCLI("key", "retire", "--tenant", f.slug, active[0].ID, "--reason", "the end"); !strings.Contains(out, "no key left") {
		t.Errorf("%s", out)
	}
	for args, want := range map[string]string{
		"retire nosuch": "no such key", "retire " + old: "no such key", "list --tenant nobody": "no such tenant",
	} {
		words := strings.Fields(args)
		if words[0] == "retire" {
			words = append(words, "--tenant", f.slug, "--reason", "r")
		}
		if out, err := f.cli(append([]string{"key"}, words...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("key %s: %q, %v", args, out, err)
		}
	}
}

func TestAPublicKeyFromAFileLetsInUntilItIsRetired(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := func(kind string, der []byte) string {
		name := filepath.Join(t.TempDir(), "key.pem")
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, c := range []struct {
		method          jwt.SigningMethod
		public, private any
	}{
		{jwt.SigningMethodRS256, &rs.PublicKey, rs}, {jwt.SigningMethodES256, &ec.PublicKey, ec}, {jwt.SigningMethodEdDSA, edPublic, ed},
	} {
		der, err := x509.MarshalPKIXPublicKey(c.public)
		if err != nil {
			t.Fatal(err)
		}
		kid := "ours-" + c.method.Alg()
		out := f.mustCLI("key", "add", "--tenant", f.slug, "--pem", file("PUBLIC KEY", der), "--kid", kid, "--reason", "contract", "--json")
		var made tenancy.KeyInfo
		if err := json.Unmarshal([]byte(out), &made); err != nil || made.ID != kid || made.Alg != c.method.Alg() || made.State != "active" {
			t.Errorf("%v: %s", err, out)
		}
		token := forge(t, c.method, c.private, kid, f.claimsOf("carol", auth.Operator))
		letsIn(t, token, a, b)
		socket, offer := b.dial(soon(t), token, nil), a.ticket(token)
		f.mustCLI("key", "retire", "--tenant", f.slug, kid, "--reason", "contract ended")
		socket.gone(t, time.Now(), wire.CloseRevoked)
		shutsOut(t, token, "token_kid", a, b)
		if status, code := b.upgrade("", offer...); status != 401 || code != "token_revoked" {
			t.Errorf("a ticket of before: %d %s", status, code)
		}
		if out, err := f.cli("key", "add", "--tenant", f.slug, "--pem", file("PUBLIC KEY", der), "--kid", kid, "--reason", "r"); err == nil || !strings.Contains(err.Error(), "choose another") {
			t.Errorf("a retired name again: %q, %v", out, err)
		}
	}
	private, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"private key":    {"--pem", file("PRIVATE KEY", private)},
		"PUBLIC KEY":     {"--pem", file("CERTIFICATE", []byte("x"))},
		"no such file":   {"--pem", filepath.Join(t.TempDir(), "nosuch")},
		"https://casino": {"--jwks", "ftp://casino.example/x"},
		"password":       {"--jwks", "https://a:b@casino.example/x"},
		"fragment":       {"--jwks", "https://casino.example/x#y"},
	} {
		if out, err := f.cli(append([]string{"key", "add", "--tenant", f.slug, "--reason", "r"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %q, %v", args, out, err)
		}
	}
	for range tenancy.KeysMax - 1 {
		f.mustCLI("key", "rotate", "--tenant", f.slug, "--reason", "r")
	}
	if _, err := f.cli("key", "rotate", "--tenant", f.slug, "--reason", "r"); err == nil || !strings.Contains(err.Error(), "16 keys") {
		t.Errorf("one too many: %v", err)
	}
}

// published answers with a JWK Set of P-256 keys, by kid.
func published(keys map[string]*ecdsa.PrivateKey) string {
	var all []string
	for kid, k := range keys {
		number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32))) }
		all = append(all, fmt.Sprintf(`{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":%q,"x":%q,"y":%q}`, kid, number(k.X), number(k.Y)))
	}
	return `{"keys":[` + strings.Join(all, ",") + `]}`
}

func TestKeysThatAURLPublishesLetInUntilTheyOrTheURLAreRetired(t *testing.T) {
	f := newCasino(t)
	var says atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(*says.Load())) }))
	t.Cleanup(server.Close)
	one, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := published(map[string]*ecdsa.PrivateKey{"one": one})
	says.Store(&text)
	f.published = "127.0.0.0/8"
	a, b, _ := f.pair()
	f.mustCLI("key", "add", "--tenant", f.slug, "--jwks", server.URL, "--kid", "their-set", "--reason", "contract")
	first := forge(t, jwt.SigningMethodES256, one, "one", f.claimsOf("carol", auth.Operator))
	letsIn(t, first, a, b)
	if active, _ := f.keys(); len(active) != 2 || active[0].URL != server.URL || active[0].Alg != "JWKS" {
		t.Errorf("%+v", active)
	}

	// The operator rotates: a key that nobody has read yet lets in at once.
	text2 := published(map[string]*ecdsa.PrivateKey{"one": one, "two": two})
	says.Store(&text2)
	second := forge(t, jwt.SigningMethodES256, two, "two", f.claimsOf("dora", auth.Operator))
	for _, x := range []*casino{a, b} {
		if status, code, _ := x.do("GET", "/v1/session", second, ""); status != 200 {
			t.Errorf("of a new key: %d %s", status, code)
		}
	}
	if status, code, _ := a.do("GET", "/v1/session", forge(t, jwt.SigningMethodES256, two, "one", f.claimsOf("dora", auth.Operator)), ""); status != 401 || code != "token_signature" {
		t.Errorf("signed by another: %d %s", status, code)
	}

	c1, c2, offer := b.dial(soon(t), first, nil), a.dial(soon(t), second, nil), a.ticket(first)
	f.mustCLI("key", "retire", "--tenant", f.slug, "one", "--reason", "leaked") // which the set still has
	c1.gone(t, time.Now(), wire.CloseRevoked)
	shutsOut(t, first, "token_kid", a, b)
	if status, code := b.upgrade("", offer...); status != 401 || code != "token_revoked" {
		t.Errorf("a ticket of before: %d %s", status, code)
	}
	if err := c2.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Errorf("who came by the other key: %v", err)
	}
	f.mustCLI("key", "retire", "--tenant", f.slug, "their-set", "--reason", "contract ended")
	c2.gone(t, time.Now(), wire.CloseRevoked)
	shutsOut(t, second, "token_kid", a, b)
	if _, err := f.cli("key", "retire", "--tenant", f.slug, "two", "--reason", "r"); err == nil {
		t.Error("a key of a set that is retired")
	}
}

func TestAURLOfAPrivateAddressLetsNobodyInUnlessItIsAllowed(t *testing.T) {
	f := newCasino(t)
	var asked atomic.Bool
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Store(true)
		_, _ = w.Write([]byte(published(map[string]*ecdsa.PrivateKey{"one": key})))
	}))
	t.Cleanup(server.Close)
	f.mustCLI("key", "add", "--tenant", f.slug, "--jwks", server.URL, "--reason", "contract")
	f.startNode()
	if status, code, _ := f.do("GET", "/v1/session", forge(t, jwt.SigningMethodES256, key, "one", f.claimsOf("carol", auth.Operator)), ""); status != 401 || code != "token_kid" {
		t.Errorf("%d %s", status, code)
	}
	if asked.Load() {
		t.Error("a private address was asked")
	}
	if status, code, _ := f.do("GET", "/v1/session", f.mint("olivia", auth.Operator), ""); status != 200 {
		t.Errorf("who has another key: %d %s", status, code)
	}
}
