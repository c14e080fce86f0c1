package web_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/answers"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// balance returns what a player has.
func balance(c *webtest.Casino, token, player string) int64 {
	var list struct {
		Players []struct {
			Player  string
			Balance int64
		}
	}
	c.Get(token, "/v1/players").Into(&list)
	for _, p := range list.Players {
		if p.Player == player {
			return p.Balance
		}
	}
	return 0
}

func TestARequestUnderAKeyIsDoneOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, service, _ := c.Staff()
	const path, body = "/v1/players/ida/credit", `{"amount":500,"reason":"a test"}`
	send := func(token, key, body string) webtest.Answer {
		return c.Do(http.MethodPost, token, path, body, "Idempotency-Key", key)
	}
	key := uuid.NewString()
	var mu sync.Mutex
	codes := map[string]int{}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			a := send(operator, key, body)
			mu.Lock()
			defer mu.Unlock()
			codes[fmt.Sprint(a.Status, a.Code)]++
			if a.Code == "idempotency_key_in_use" && a.Header.Get("Retry-After") == "" {
				t.Error("who has to wait is not told how long")
			}
		})
	}
	all.Wait()
	if codes["200"] == 0 || codes["200"]+codes["409idempotency_key_in_use"] != 200 {
		t.Errorf("the answers are %v", codes)
	}
	first := send(operator, key, body).Want(http.StatusOK, "")
	if again := send(operator, `"`+key+`"`, body).Want(http.StatusOK, ""); string(again.Body) != string(first.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("it is answered %s, and again %s %v", first.Body, again.Body, again.Header)
	}
	if got := balance(c, operator, "ida"); got != 500 {
		t.Errorf("ida has %d", got)
	}
	send(operator, key, strings.Replace(body, "500", "501", 1)).Want(http.StatusUnprocessableEntity, "idempotency_key_reused")
	c.Do(http.MethodPost, operator, "/v1/players/ivan/credit", body, "Idempotency-Key", key).Want(http.StatusUnprocessableEntity, "idempotency_key_reused")
	send(service, key, body).Want(http.StatusOK, "") // another one's key
	if got := balance(c, operator, "ida"); got != 1000 {
		t.Errorf("ida has %d", got)
	}
	for _, bad := range []string{`""`, strings.Repeat("k", 256), "kéy"} {
		send(operator, bad, body).Want(http.StatusBadRequest, "invalid_params")
	}
}

func TestARefusalIsKeptUnderItsKeyAndWhatWasNotDoneIsNot(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, _, support := c.Staff()
	key, take := uuid.NewString(), `{"amount":-500,"reason":"a test"}`
	send := func(token string) webtest.Answer {
		return c.Do(http.MethodPost, token, "/v1/players/ines/credit", take, "Idempotency-Key", key)
	}
	send(support).Want(http.StatusForbidden, "forbidden") // it takes no key
	first := send(operator).Want(http.StatusConflict, "insufficient_funds")
	c.Player("ines", 10_000)
	again := send(operator).Want(http.StatusConflict, "insufficient_funds")
	if string(first.Body) != string(again.Body) {
		t.Errorf("it is answered %s, and again %s", first.Body, again.Body)
	}
	if got := balance(c, operator, "ines"); got != 10_000 {
		t.Errorf("ines has %d", got)
	}
}

func TestAKeyIsUsedUpByWhatWasAskedForAndByNothingElse(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	const path, body = "/v1/players/isla/credit", `{"amount":500,"reason":"a test"}`
	send := func(path, body string, header ...string) webtest.Answer {
		return c.Do(http.MethodPost, operator, path, body, append(header, "Idempotency-Key", "payout-17")...)
	}
	// A program that is mended sends the same payout under the same key.
	send(path, `{"amount":500}`).Want(http.StatusBadRequest, "invalid_params")
	send(path, body+strings.Repeat(" ", 100<<10)).Want(http.StatusRequestEntityTooLarge, "invalid_params")
	send(path, body, "Content-Type", "text/plain").Want(http.StatusUnsupportedMediaType, "unsupported_media_type")
	var dry struct {
		Before   int64 `json:"balance_before"`
		Postings []any `json:"postings"`
	}
	for range 2 {
		if send(path+"?dry_run=1", body).Want(http.StatusOK, "").Into(&dry); dry.Before != 0 || len(dry.Postings) != 1 {
			t.Errorf("a dry run before it: %+v", dry)
		}
	}
	send(path, body).Want(http.StatusOK, "")
	if send(path+"?dry_run=1", body).Want(http.StatusOK, "").Into(&dry); dry.Before != 500 || len(dry.Postings) != 0 {
		t.Errorf("a dry run of what was done: %+v", dry)
	}
	if c.Post(operator, path+"?dry_run=1", body).Want(http.StatusOK, "").Into(&dry); dry.Before != 500 || len(dry.Postings) != 1 {
		t.Errorf("a dry run of something new, under no key: %+v", dry)
	}
	send(path, body).Want(http.StatusOK, "")
	if got := balance(c, operator, "isla"); got != 500 {
		t.Errorf("isla has %d", got)
	}
	c.Do(http.MethodPost, operator, "/v1/keys", `{"name":"robot","scopes":["rooms:read"],"reason":"a test"}`, "Idempotency-Key", "").Want(http.StatusBadRequest, "invalid_params")
}

func TestAKeyWhoseNodeDiedIsWorkedOnAgainAndMovesMoneyOnce(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	key, body := uuid.NewString(), `{"amount":500,"reason":"a test"}`
	send := func() webtest.Answer {
		return c.Do(http.MethodPost, operator, "/v1/players/iris/credit", body, "Idempotency-Key", key)
	}
	send().Want(http.StatusOK, "")
	// The money moved, and then the node died: as if its answer had never been kept.
	set := func(age string) {
		if n := storetest.Count(t, c.Admin, `with u as (update `+c.Tenant.ID.Schema()+`.answer
			set status = null, sealed = null, at = clock_timestamp() - $1::text::interval returning 1) select count(*) from u`, age); n != 1 {
			t.Errorf("%d answers are kept", n)
		}
	}
	set("30 seconds")
	send().Want(http.StatusConflict, "idempotency_key_in_use")
	set("61 seconds")
	send().Want(http.StatusOK, "")
	if got := balance(c, operator, "iris"); got != 500 {
		t.Errorf("iris has %d", got)
	}
	storetest.Count(t, c.Admin, `with u as (update `+c.Tenant.ID.Schema()+`.answer set at = at - interval '24 hours 1 minute' returning 1) select count(*) from u`)
	if err := c.Store.Answers.Sweep(t.Context(), c.Tenant.ID); err != nil {
		t.Fatal(err)
	}
	if n := storetest.Count(t, c.Admin, `select count(*) from `+c.Tenant.ID.Schema()+`.answer`); n != 0 {
		t.Errorf("%d answers are kept after their time", n)
	}
}

func TestASecretThatIsShownOnceIsNotShownAgainAndNotInTheDatabase(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	type answer struct {
		ID, Key, Secret, Detail string
	}
	var secrets []string
	send := func(path, body string) (first answer) {
		t.Helper()
		key := uuid.NewString()
		do := func() (a webtest.Answer, out answer) {
			a = c.Do(http.MethodPost, operator, path, body, "Idempotency-Key", key)
			a.Into(&out)
			return a, out
		}
		shown, first := do()
		kept, again := do()
		secret := first.Key + first.Secret
		secrets = append(secrets, secret[len(secret)-30:])
		if again.ID != first.ID || again.Key+again.Secret != "" || !strings.Contains(again.Detail, "is not kept") || kept.Status != shown.Status || kept.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s is answered %d %s, and again %d %s", path, shown.Status, shown.Body, kept.Status, kept.Body)
		}
		return first
	}
	made := send("/v1/keys", `{"name":"robot","scopes":["rooms:read"],"reason":"a test"}`)
	next := send("/v1/keys/"+made.ID+"/rotate", `{"overlap_seconds":0,"reason":"a test"}`)
	hook := send("/v1/webhooks", endpoint)
	send("/v1/webhooks/"+hook.ID+"/rotate", because)
	// Who lost the first answer goes on with the key that the second one names.
	c.Post(operator, "/v1/keys/"+next.ID+"/rotate", `{"overlap_seconds":0,"reason":"it was lost"}`).Want(http.StatusCreated, "")

	owner, schema := storetest.Owner(t, c.Admin), c.Tenant.ID.Schema()
	read := func(sql string) string {
		t.Helper()
		var out string
		if err := owner.QueryRow(t.Context(), sql).Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	text := ""
	for _, table := range strings.Fields(read(`select string_agg(format('%I.%I', schemaname, tablename), ' ') from pg_tables where schemaname in ('platform', '` + schema + `')`)) {
		text += read(`select coalesce(string_agg(r::text, ' '), '') from ` + table + ` r`)
	}
	kept := strings.Fields(read(`select string_agg(encode(sealed, 'hex'), ' ') from ` + schema + `.answer`))
	if len(kept) != 4 {
		t.Fatalf("%d answers are kept", len(kept))
	}
	for _, k := range kept {
		var a answers.Answer
		sealed, err := hex.DecodeString(k)
		var plain []byte
		if err == nil {
			plain, err = c.Store.Box.Open(c.Tenant.ID, "answer", sealed)
		}
		if err == nil {
			err = json.Unmarshal(plain, &a)
		}
		if err != nil || !strings.Contains(string(a.Body), `"id":`) {
			t.Fatalf("%q, %v", a.Body, err)
		}
		text += string(a.Body)
	}
	for _, s := range secrets {
		if strings.Contains(text, s) || strings.Contains(text, hex.EncodeToString([]byte(s))) {
			t.Errorf("the secret that ends with %s is in the database", s)
		}
	}
}

func TestAnAnswerIsNotReadableInTheDatabase(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	const name = "the robot of olivia"
	c.Do(http.MethodPost, operator, "/v1/keys", `{"name":"`+name+`","scopes":["rooms:read"],"reason":"a test"}`, "Idempotency-Key", "one").Want(http.StatusCreated, "")
	table := ` from ` + c.Tenant.ID.Schema() + `.answer`
	if n := storetest.Count(t, c.Admin, `select count(*)`+table); n != 1 {
		t.Errorf("%d answers are kept", n)
	}
	if n := storetest.Count(t, c.Admin, `select count(*)`+table+` where position($1::bytea in sealed) > 0`, []byte(name)); n != 0 {
		t.Error("the answer can be read in the database")
	}
}

// TestNoPlayerFillsTheDatabaseWithAnswers has one ask for what players may: nothing of it changes anything, and a ticket that is
// answered with again has been used.
func TestNoPlayerFillsTheDatabaseWithAnswers(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	player := c.Token("ida", auth.Player)
	var tickets [2]struct{ Ticket string }
	for i := range tickets {
		c.Do(http.MethodPost, player, "/v1/tickets", "", "Idempotency-Key", "one").Want(http.StatusCreated, "").Into(&tickets[i])
	}
	if tickets[0] == tickets[1] {
		t.Error("a ticket for one socket is given twice")
	}
	for name, r := range c.Server.Needs() {
		if method, path, _ := strings.Cut(name, " "); method != http.MethodGet && r != web.Public {
			c.Do(method, player, path, "{}", "Idempotency-Key", name)
		}
	}
	if n := storetest.Count(t, c.Admin, `select count(*) from `+c.Tenant.ID.Schema()+`.answer`); n != 0 {
		t.Errorf("%d answers are kept for a player", n)
	}
}
