package operator_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// approval is an approval as it is answered.
type approval struct {
	ID, Kind, Target, State string
	AskedBy                 string `json:"asked_by"`
	People                  []string
	Answer                  *struct{ By, Reason string }
}

// ask asks for a credit that needs a second person, and returns the approval's path.
func ask(c *webtest.Casino, token, player string) string {
	var out struct{ Approval approval }
	c.Post(token, "/v1/players/"+player+"/credit", withID(`"amount":5000,"reason":"a gift"`)).Want(http.StatusAccepted, "").Into(&out)
	return "/v1/approvals/" + out.Approval.ID
}

// answersAreForTheirRoles holds who may read, approve, refuse and withdraw, by every role's token.
func answersAreForTheirRoles(t *testing.T, c *webtest.Casino) {
	operator, service, support := c.Staff()
	oscar, player := c.Token("oscar", auth.Operator), c.Token("rolf", auth.Player)
	path := ask(c, operator, "rolf")
	for _, token := range []string{operator, service, support} {
		c.Get(token, path).Want(http.StatusOK, "")
	}
	c.Get(player, path).Want(http.StatusForbidden, game.CodeForbidden)
	c.Get("", path).Want(http.StatusUnauthorized, "token_missing")
	for _, verb := range []string{"/approve", "/refuse", "/withdraw"} {
		for _, token := range []string{service, support, player, c.Token("olivia", auth.Service)} {
			c.Post(token, path+verb, reason).Want(http.StatusForbidden, game.CodeForbidden)
		}
		c.Post("", path+verb, reason).Want(http.StatusUnauthorized, "token_missing")
	}
	c.Post(operator, path+"/approve", reason).Want(http.StatusForbidden, "second_person_needed")
	c.Post(operator, path+"/refuse", reason).Want(http.StatusForbidden, "second_person_needed")
	c.Post(oscar, path+"/withdraw", reason).Want(http.StatusForbidden, game.CodeForbidden)
	c.Post(oscar, path+"/refuse", reason).Want(http.StatusOK, "")

	c.Post(operator, ask(c, operator, "rolf")+"/withdraw", reason).Want(http.StatusOK, "")
	c.Post(service, ask(c, service, "rolf")+"/withdraw", reason).Want(http.StatusOK, "")
	c.Post(operator, ask(c, service, "rolf")+"/approve", reason).Want(http.StatusOK, "")

	// What a key asks for, who made the key asks for.
	var made struct{ ID, Key string }
	c.Post(operator, "/v1/keys", `{"name":"wallet","scopes":["money:write"],"reason":"a test"}`).Want(http.StatusCreated, "").Into(&made)
	path = ask(c, made.Key, "rolf")
	var out struct{ Approval approval }
	if c.Get(oscar, path).Into(&out); out.Approval.AskedBy != "key:"+made.ID || !slices.Equal(out.Approval.People, []string{"olivia"}) {
		t.Errorf("what a key asked for is %+v", out.Approval)
	}
	c.Post(operator, path+"/approve", reason).Want(http.StatusForbidden, "second_person_needed")
	c.Post(operator, path+"/withdraw", reason).Want(http.StatusForbidden, game.CodeForbidden)
	c.Post(oscar, path+"/approve", reason).Want(http.StatusOK, "")

	reverse := "/v1/credits/" + uuid.NewString() + "/reverse"
	for _, token := range []string{player, support} {
		c.Post(token, reverse, withID(`"reason":"r"`)).Want(http.StatusForbidden, game.CodeForbidden)
	}
	for _, token := range []string{operator, service} {
		c.Post(token, reverse, withID(`"reason":"r"`)).Want(http.StatusNotFound, "credit_not_found")
	}
}

func approvalsInPages(t *testing.T, c *webtest.Casino) {
	pia, oscar := c.Token("pia", auth.Operator), c.Token("oscar", auth.Operator)
	var paths []string
	for range 3 {
		paths = append(paths, ask(c, pia, "paul"))
	}
	for range 2 { // the same answer again changes nothing
		c.Post(oscar, paths[1]+"/refuse", reason).Want(http.StatusOK, "")
	}
	c.Post(c.Token("otto", auth.Operator), paths[1]+"/refuse", reason).Want(http.StatusConflict, "already_answered")
	c.Post(oscar, paths[1]+"/approve", reason).Want(http.StatusConflict, "already_answered")
	c.Post(pia, paths[1]+"/withdraw", reason).Want(http.StatusConflict, "already_answered")
	c.Post(oscar, "/v1/approvals/"+uuid.NewString()+"/approve", reason).Want(http.StatusNotFound, "approval_not_found")

	type page struct {
		Approvals []approval
		Next      string
	}
	var mine []string
	for where, want := range map[string][]string{
		"state=open": {paths[2], paths[0]}, "state=refused": {paths[1]}, "target=paul": {paths[2], paths[1], paths[0]}, "state.in=open,refused&sort=n": paths,
		"asked_by=operator:pia&target.prefix=pau": {paths[2], paths[1], paths[0]},
	} {
		mine = nil
		for cursor, query := "", "/v1/approvals?limit=1&"+where; ; {
			var p page
			c.Get(pia, query+cursor).Want(http.StatusOK, "").Into(&p)
			for _, x := range p.Approvals {
				if x.AskedBy == "operator:pia" { // others use the casino too
					mine = append(mine, "/v1/approvals/"+x.ID)
				}
			}
			if p.Next == "" {
				break
			}
			cursor = "&cursor=" + p.Next
		}
		if !slices.Equal(mine, want) {
			t.Errorf("%s: %v, want %v", where, mine, want)
		}
	}
}

func approvalsOfOthers(t *testing.T, c *webtest.Casino) {
	path := ask(c, c.Token("nora", auth.Operator), "nils")
	other := c.Another("lucky-star").In(t)
	oscar := other.Token("oscar", auth.Operator)
	other.Get(oscar, path).Want(http.StatusNotFound, "approval_not_found")
	other.Post(oscar, path+"/approve", reason).Want(http.StatusNotFound, "approval_not_found")

	// A casino that is suspended answers nobody; what was asked for waits, and its time runs.
	storetest.NeedApproval(t, c.Store, c.Admin, other.Tenant.ID, 1000)
	path = ask(other, other.Token("nora", auth.Operator), "nils")
	if err := c.Admin.Suspend(t.Context(), other.Tenant.Slug, "test"); err != nil {
		t.Fatal(err)
	}
	if err := c.Store.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.Post(oscar, path+"/approve", reason).Want(http.StatusForbidden, "tenant_suspended")
	if err := c.Admin.Resume(t.Context(), other.Tenant.Slug); err != nil {
		t.Fatal(err)
	}
	if err := c.Store.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.Post(oscar, path+"/approve", reason).Want(http.StatusOK, "")
	storetest.Sound(t, c.Store, other.Tenant.ID)
}

func reversalsNeedApproval(t *testing.T, c *webtest.Casino) {
	rita, oscar := c.Token("rita", auth.Operator), c.Token("oscar", auth.Operator)
	gift := ask(c, rita, "rosa")
	c.Post(oscar, gift+"/approve", reason).Want(http.StatusOK, "")
	reverse := "/v1/credits/" + gift[len("/v1/approvals/"):] + "/reverse"
	var first, second struct{ Approval approval }
	c.Post(rita, reverse, withID(`"reason":"the wrong player"`)).Want(http.StatusAccepted, "").Into(&first)
	c.Post(rita, reverse, withID(`"reason":"the wrong player"`)).Want(http.StatusAccepted, "").Into(&second)
	c.Post(oscar, "/v1/approvals/"+first.Approval.ID+"/approve", reason).Want(http.StatusOK, "")
	c.Post(oscar, "/v1/approvals/"+second.Approval.ID+"/approve", reason).Want(http.StatusConflict, "already_reversed")
	var history wire.HistoryTransactions
	c.Get(oscar, "/v1/players/rosa/transactions").Into(&history)
	if h := history.Transactions; len(h) != 2 || h[0].Amount != -5000 || h[0].Balance != 0 || h[0].Reverses != h[1].CommandID || h[0].CommandID != first.Approval.ID {
		t.Errorf("the history is %+v", h)
	}
}

func approvedCreditsAreTold(t *testing.T, c *webtest.Casino) {
	vera, oscar := c.Token("vera", auth.Operator), c.Token("oscar", auth.Operator)
	viktor := c.Dial("viktor", c.Token("viktor", auth.Player))
	c.Post(vera, "/v1/players/viktor/credit", withID(`"amount":800,"reason":"r"`)).Want(http.StatusOK, "")
	body := withID(`"amount":300,"reason":"r"`)
	var asked struct{ Approval approval }
	for range 2 {
		before := asked.Approval.ID
		c.Post(vera, "/v1/players/viktor/credit", body).Want(http.StatusAccepted, "").Into(&asked)
		if before != "" && before != asked.Approval.ID || asked.Approval.State != "open" || asked.Approval.Kind != "credit" || asked.Approval.Target != "viktor" {
			t.Errorf("it is %+v, and was %s", asked.Approval, before)
		}
	}
	c.Post(vera, "/v1/players/hugo/credit", body).Want(http.StatusConflict, wire.CodeCommandReused)
	c.Post(oscar, "/v1/approvals/"+asked.Approval.ID+"/approve", reason).Want(http.StatusOK, "").Into(&asked)
	if asked.Approval.State != "approved" || asked.Approval.Answer == nil || asked.Approval.Answer.By != "operator:oscar" {
		t.Errorf("it is %+v", asked.Approval)
	}
	viktor.Await(wire.PushWalletBalance, `"balance":1100`)
	var log struct {
		Entries []struct {
			Actor, Action, Target string
			After                 map[string]any
		}
	}
	c.Get(oscar, "/v1/audit?limit=500").Into(&log)
	i := slices.IndexFunc(log.Entries, func(e struct {
		Actor, Action, Target string
		After                 map[string]any
	}) bool {
		return e.Action == "player.credit" && e.Target == "viktor" && e.After["approved_by"] == "operator:oscar"
	})
	if i < 0 || log.Entries[i].Actor != "operator:vera" {
		t.Errorf("the audit log has %+v", log.Entries)
	}
}

func creditsRunDry(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	type answer struct {
		DryRun        bool  `json:"dry_run"`
		Before        int64 `json:"balance_before"`
		After         int64 `json:"balance_after"`
		Balance       int64
		Created       bool
		NeedsApproval bool `json:"needs_approval"`
		Postings      []struct {
			Debit, Credit, Kind string
			Amount              int64
		}
	}
	body := withID(`"amount":700,"reason":"r"`)
	var dry, real answer
	c.Post(operator, "/v1/players/dora/credit?dry_run=1", body).Want(http.StatusOK, "").Into(&dry)
	if !dry.DryRun || dry.Before != 0 || dry.After != 700 || !dry.Created || dry.NeedsApproval || fmt.Sprint(dry.Postings) != "[{house dora credit 700}]" {
		t.Errorf("the dry run says %+v", dry)
	}
	c.Post(operator, "/v1/players/dora/credit?create=0", body).Want(http.StatusNotFound, "player_not_found")
	c.Post(operator, "/v1/players/dora/credit?create=0&dry_run=1", body).Want(http.StatusNotFound, "player_not_found")
	c.Post(operator, "/v1/players/dora/credit", body).Want(http.StatusOK, "").Into(&real)
	if real.Balance != 700 || !real.Created || real.DryRun {
		t.Errorf("the real run says %+v", real)
	}
	c.Post(operator, "/v1/players/dora/credit?create=0", withID(`"amount":-100,"reason":"r"`)).Want(http.StatusOK, "").Into(&real)
	if real.Balance != 600 || real.Created {
		t.Errorf("the next one says %+v", real)
	}
	c.Post(operator, "/v1/players/dora/credit?dry_run=1", withID(`"amount":-601,"reason":"r"`)).Want(http.StatusConflict, game.CodeInsufficientFunds)
}

func creditsAreReversed(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	id := uuid.NewString()
	c.Post(operator, "/v1/players/rene/credit", `{"amount":700,"reason":"r","command_id":"`+id+`"}`).Want(http.StatusOK, "")
	reverse := "/v1/credits/" + id + "/reverse"
	c.Post(operator, reverse+"?dry_run=1", withID(`"reason":"r"`)).Want(http.StatusOK, "")
	body := withID(`"reason":"the wrong player"`)
	for range 2 {
		var out struct{ Balance int64 }
		if c.Post(operator, reverse, body).Want(http.StatusOK, "").Into(&out); out.Balance != 0 {
			t.Errorf("the balance is %d", out.Balance)
		}
	}
	c.Post(operator, reverse, withID(`"reason":"again"`)).Want(http.StatusConflict, "already_reversed")
	var history wire.HistoryTransactions
	c.Get(operator, "/v1/players/rene/transactions").Into(&history)
	if h := history.Transactions; len(h) != 2 || h[0].Reverses != id || h[1].CommandID != id {
		t.Fatalf("the history is %+v", h)
	}
	var ledger struct {
		Postings []struct {
			CommandID string `json:"command_id"`
			Reverses  string
		}
	}
	c.Get(operator, "/v1/ledger/postings?player=rene").Into(&ledger)
	if p := ledger.Postings; len(p) != 2 || p[0].Reverses != id || p[1].CommandID != id || p[1].Reverses != "" {
		t.Errorf("the ledger has %+v", p)
	}
	c.Post(operator, "/v1/credits/"+history.Transactions[0].CommandID+"/reverse", withID(`"reason":"back"`)).Want(http.StatusConflict, "not_reversible")
}
