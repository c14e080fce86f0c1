package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAKeyOfThePlatformOpensThePlatformsAPIAndNothingOfACasino(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	f.startNode("--platform-host", "platform.example.com")
	at := *f
	at.host = "platform.example.com"
	var made struct{ Key, ID string }
	out := f.mustCLI("key", "api", "create", "--platform", "--name", "billing", "--scope", "all-read", "--address", "127.0.0.1", "--reason", "a test", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ask := func(path, key string) (int, string) {
		t.Helper()
		status, _, body := at.do("GET", path, key, "")
		return status, string(body)
	}
	eventually(t, "the node knows the key", func() bool { status, _ := ask("/v1/tenants", made.Key); return status == http.StatusOK })
	if _, body := ask("/v1/tenants", made.Key); !strings.Contains(body, `"slug":"`+f.slug+`"`) {
		t.Errorf("the casinos are %s", body)
	}
	if status, body := ask("/v1/audit", made.Key); status != http.StatusOK || !strings.Contains(body, `"target":"`+made.ID+`"`) {
		t.Errorf("the audit log: %d %s", status, body)
	}
	for path, want := range map[string]int{"/v1/tenants": http.StatusUnauthorized, "/v1/audit": http.StatusUnauthorized, "/v1/openapi.json": http.StatusOK, "/metrics": http.StatusNotFound, "/healthz": http.StatusOK} {
		if status, body := ask(path, ""); status != want {
			t.Errorf("%s without a key: %d %s", path, status, body)
		}
	}
	if status, code, _ := f.do("GET", "/v1/rooms", made.Key, ""); status != http.StatusUnauthorized || code != "key_unknown" {
		t.Errorf("a casino's rooms: %d %s", status, code)
	}
	if status, code, _ := f.do("GET", "/v1/tenants", made.Key, ""); status != http.StatusNotFound || code != "not_found" {
		t.Errorf("the casinos, at a casino: %d %s", status, code)
	}
}

func TestAnAPIKeyOfTheCommandLineIsGoodFromItsAddressesUntilItIsRevokedAndInNoLineOfTheLog(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	log := f.startNode("--access-log", "--log-format", "json", "--log-level", "debug", "--trusted-proxy", "127.0.0.1/32").log
	var made struct{ Key, ID string }
	out := f.mustCLI("key", "api", "create", "--tenant", f.slug, "--name", "robot", "--scope", "rooms:write", "--scope", "audit:read", "--address", "203.0.113.0/24", "--reason", "a test", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	behind := func(address, method, path, body string) (int, string) {
		t.Helper()
		status, code, _ := f.do(method, path, made.Key, body, "X-Forwarded-For", address)
		return status, code
	}
	eventually(t, "the node knows the key", func() bool {
		status, _ := behind("203.0.113.5", "GET", "/v1/session", "")
		return status == http.StatusOK
	})
	if status, _ := behind("203.0.113.5", "POST", "/v1/rooms/"+f.room+"/close", `{"reason":"a test"}`); status != http.StatusAccepted {
		t.Errorf("a room is closed by the key: %d", status)
	}
	for _, c := range []struct {
		address, path, code string
		status              int
	}{
		{"203.0.113.5", "/v1/players", "forbidden", http.StatusForbidden},
		{"198.51.100.7", "/v1/session", "key_address", http.StatusForbidden},
	} {
		if status, code := behind(c.address, "GET", c.path, ""); status != c.status || code != c.code {
			t.Errorf("%s from %s: %d %s", c.path, c.address, status, code)
		}
	}
	if status, code := f.upgrade(made.Key); status != http.StatusUnauthorized || code != "token_malformed" {
		t.Errorf("a socket by a key: %d %s", status, code)
	}
	if status, code, _ := f.do("GET", "/v1/session", made.Key[:len(made.Key)-2], ""); status != http.StatusUnauthorized || code != "key_malformed" {
		t.Errorf("a key that was cut: %d %s", status, code)
	}
	_, _, audit := f.do("GET", "/v1/audit", made.Key, "", "X-Forwarded-For", "203.0.113.5")
	if !strings.Contains(string(audit), `"actor":"key:`+made.ID+`","action":"room.close"`) || !strings.Contains(string(audit), `"address":"203.0.113.5"`) {
		t.Errorf("the audit log has %s", audit)
	}

	f.mustCLI("key", "api", "revoke", made.ID, "--tenant", f.slug, "--reason", "a test")
	revoked := time.Now()
	eventually(t, "the node refuses the key", func() bool { _, code := behind("203.0.113.5", "GET", "/v1/session", ""); return code == "key_revoked" })
	if took := time.Since(revoked); took > time.Second {
		t.Errorf("the key was refused after %s", took)
	}
	secret := made.Key[len("pitboss_"+made.ID+"_"):][:20]
	for name, text := range map[string]string{"log": log.String(), "audit log": string(audit)} {
		if strings.Contains(text, secret) {
			t.Errorf("the key is in the %s", name)
		}
	}
	if !strings.Contains(log.String(), `"route":"/v1/session"`) {
		t.Error("requests are not logged")
	}
}
