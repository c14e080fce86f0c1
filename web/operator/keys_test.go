package operator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// apiKeys holds that a key is shown once, does what its scopes say under its own name, is replaced, listed and
// revoked, with a line in the audit log each time that has no secret, and that what is refused is refused by its name.
func apiKeys(t *testing.T, c *webtest.Casino) {
	other := c.Another("with-keys")
	operator, _, support := other.Staff()
	type made struct {
		Key string
		tenancy.APIKeyInfo
	}
	var first, second made
	other.Post(operator, "/v1/keys", `{"name":"robot","scopes":["money:write","keys:read","brand:write"],"addresses":["127.0.0.1","::1"],"expires_at":"2099-01-01T00:00:00Z","reason":"for the bank"}`).
		Want(http.StatusCreated, "").Into(&first)
	if first.ID == "" || !strings.HasPrefix(first.Key, "pitboss_"+first.ID+"_") || first.CreatedBy != "operator:olivia" || first.State != tenancy.APIKeyActive {
		t.Errorf("the key is %+v", first)
	}
	other.Post(first.Key, "/v1/players/paula/credit", withID(`"amount":500,"reason":"paid in"`)).Want(http.StatusOK, "")
	other.Do(http.MethodPut, first.Key, "/v1/brand", `{"style":{},"reason":"plain"}`).Want(http.StatusOK, "")
	if a := other.Get(first.Key, "/v1/audit").Want(http.StatusForbidden, game.CodeForbidden); !strings.Contains(string(a.Body), "audit:read") {
		t.Errorf("it is not said which scope is missing: %s", a.Body)
	}
	var session struct{ Player, Name, Role string }
	other.Get(first.Key, "/v1/session").Into(&session)
	if session.Player != first.ID || session.Name != "robot" || session.Role != "key" {
		t.Errorf("the session of a key is %+v", session)
	}
	other.DialRefused(http.StatusUnauthorized, "bearer."+first.Key) // a key opens no socket

	other.Post(operator, "/v1/keys/"+first.ID+"/rotate", `{"overlap_seconds":3600,"reason":"yearly"}`).Want(http.StatusCreated, "").Into(&second)
	other.Get(first.Key, "/v1/keys").Want(http.StatusOK, "")
	other.Post(operator, "/v1/keys/"+first.ID+"/rotate", `{"overlap_seconds":0,"reason":"again"}`).Want(http.StatusConflict, "key_ended")
	other.Post(operator, "/v1/keys/"+first.ID+"/revoke", reason).Want(http.StatusOK, "")
	other.Get(first.Key, "/v1/keys").Want(http.StatusUnauthorized, auth.ErrKeyRevoked.Code)
	var list struct{ Keys []tenancy.APIKeyInfo }
	answer := other.Get(support, "/v1/keys").Want(http.StatusOK, "")
	answer.Into(&list)
	if len(list.Keys) != 2 || list.Keys[0].ID != second.ID || list.Keys[1].State != tenancy.APIKeyRevoked || list.Keys[1].ReplacedBy != second.ID {
		t.Errorf("the keys are %+v", list.Keys)
	}
	c.Post(c.Token("olivia", auth.Operator), "/v1/keys/"+second.ID+"/revoke", reason).Want(http.StatusNotFound, "not_found") // another casino's

	for _, r := range []struct{ path, body, says string }{
		{"/v1/keys", `{"name":"","scopes":["rooms:read"],"reason":"x"}`, "name: want 1 to 40 characters"},
		{"/v1/keys", fmt.Sprintf(`{"name":%q,"scopes":["rooms:read"],"reason":"x"}`, strings.Repeat("x", 41)), "name: want 1 to 40 characters"},
		{"/v1/keys", `{"name":"x","scopes":["rooms:read","socket:open"],"reason":"x"}`, `scopes: a key cannot have \"socket:open\": want some of rooms:read`},
		{"/v1/keys", `{"name":"x","scopes":[],"reason":"x"}`, "scopes: want some of rooms:read"},
		{"/v1/keys", `{"name":"x","scopes":["rooms:read"],"addresses":["10.0.0.1/8"],"reason":"x"}`, "addresses: 10.0.0.1/8 has bits beyond its range"},
		{"/v1/keys", `{"name":"x","scopes":["rooms:read"],"expires_at":"2020-01-01T00:00:00Z","reason":"x"}`, "expires_at: want a time to come"},
		{"/v1/keys", `{"name":"x","scopes":["rooms:read"],"reason":" "}`, "reason: "},
		{"/v1/keys/" + second.ID + "/rotate", `{"overlap_seconds":2592001,"reason":"x"}`, "overlap: want 0 to 30 days"},
		{"/v1/keys/" + second.ID + "/rotate", `{"overlap_seconds":-9223372036854775808,"reason":"x"}`, "overlap: want 0 to 30 days"},
		{"/v1/keys/" + second.ID + "/rotate", `{"overlap_seconds":9223372036854775807,"reason":"x"}`, "overlap: want 0 to 30 days"},
		{"/v1/keys/" + second.ID + "/rotate", `{"reason":"x"}`, "overlap_seconds is missing"},
	} {
		if a := other.Post(operator, r.path, r.body).Want(http.StatusBadRequest, wire.CodeInvalidParams); !strings.Contains(string(a.Body), r.says) {
			t.Errorf("%s %s: %s", r.path, r.body, a.Body)
		}
	}

	log := other.Get(operator, "/v1/audit?limit=500")
	var lines struct {
		Entries []struct{ Actor, Action, Target, Reason, Address string }
	}
	log.Into(&lines)
	var done []string
	for _, e := range lines.Entries {
		if e.Actor == "key:"+first.ID || strings.HasPrefix(e.Action, "api_key.") && e.Actor == "operator:olivia" && e.Address != "" {
			done = append(done, e.Action+" for "+e.Reason)
		}
	}
	if got := strings.Join(done, ", "); got != "api_key.revoke for a test, api_key.rotate for yearly, brand.set for plain, player.credit for paid in, api_key.create for for the bank" {
		t.Errorf("the audit log has %s", got)
	}
	for _, k := range []made{first, second} {
		for _, body := range [][]byte{log.Body, answer.Body} {
			if secret := k.Key[len("pitboss_"+k.ID+"_"):]; strings.Contains(string(body), secret[:20]) {
				t.Errorf("a secret is in %s", body)
			}
		}
	}
}

// apiKeyLimits holds that each limit of API keys is an error and a metric.
func apiKeyLimits(t *testing.T, c *webtest.Casino) {
	other := c.Another("full-of-keys")
	operator, _, _ := other.Staff()
	hits := func(limit string) (n float64) {
		families, err := c.Metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "pitboss_web_limit_hits_total" && m.GetLabel()[0].GetValue() == limit {
					n += m.GetCounter().GetValue()
				}
			}
		}
		return n
	}
	create := func(name string, addresses int) webtest.Answer {
		return other.Post(operator, "/v1/keys", fmt.Sprintf(`{"name":%q,"scopes":["rooms:read"],"addresses":["192.0.2.1"%s],"reason":"x"}`, name, strings.Repeat(`,"192.0.2.1"`, addresses-1)))
	}
	long, many, all, overlaps := hits("api_key_name"), hits("api_key_addresses"), hits("api_keys"), hits("api_key_overlap")
	create(strings.Repeat("ä", tenancy.APIKeyNameMax), tenancy.APIKeyAddressesMax).Want(http.StatusCreated, "")
	create("", 1).Want(http.StatusBadRequest, wire.CodeInvalidParams) // which is no limit
	create(strings.Repeat("ä", tenancy.APIKeyNameMax+1), 1).Want(http.StatusBadRequest, wire.CodeInvalidParams)
	create("x", tenancy.APIKeyAddressesMax+1).Want(http.StatusBadRequest, wire.CodeInvalidParams)
	id, _ := other.Key(tenancy.NewAPIKey{Name: "x", Scopes: []string{"rooms:read"}})
	rotate := func(seconds int) webtest.Answer {
		return other.Post(operator, "/v1/keys/"+id+"/rotate", fmt.Sprintf(`{"overlap_seconds":%d,"reason":"x"}`, seconds))
	}
	rotate(30*24*3600+1).Want(http.StatusBadRequest, wire.CodeInvalidParams)
	_, err := storetest.Owner(t, c.Admin).Exec(t.Context(), `insert into platform.api_key (id, tenant, name, hash, scopes, created_by, people)
		select 'x' || lpad(n::text, 9, '0'), $1, 'x', sha256('x'), '{rooms:read}', 'x', '{x}' from generate_series(1, $2::int) n`, other.Tenant.ID.String(), tenancy.APIKeysMax-2)
	if err != nil {
		t.Fatal(err)
	}
	create("one too many", 1).Want(http.StatusConflict, game.CodeLimitReached)
	rotate(0).Want(http.StatusConflict, game.CodeLimitReached)
	other.Post(operator, "/v1/keys/"+id+"/revoke", reason).Want(http.StatusOK, "")
	for limit, got := range map[string]float64{"api_key_name": hits("api_key_name") - long, "api_key_addresses": hits("api_key_addresses") - many, "api_key_overlap": hits("api_key_overlap") - overlaps} {
		if got < 1 || limit == "api_key_addresses" && got != 1 {
			t.Errorf("%s was counted %v times", limit, got)
		}
	}
	if got := hits("api_keys") - all; got != 2 {
		t.Errorf("api_keys was counted %v times", got)
	}
}
