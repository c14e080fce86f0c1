package e2e

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
)

func TestACreditOfTheCommandLineAboveTheLimitNeedsASecondPersonToo(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	if out := f.mustCLI("tenant", "set", f.slug, "--credit-approval-above", "100000", "--reason", "contract 17"); !strings.Contains(out, "credits above 1000.00 EUR") {
		t.Errorf("it shows %s", out)
	}
	if _, err := f.cli("tenant", "set", f.slug, "--credit-approval-above", "-1", "--reason", "r"); err == nil || !strings.Contains(err.Error(), "never") {
		t.Errorf("below zero: %v", err)
	}
	id := uuid.NewString()
	fund := []string{"tenant", "fund", "--tenant", f.slug, "--player", "zoe", "--amount", "1000.01", "--command-id", id}
	if out := f.mustCLI(append(fund, "--dry-run")...); !strings.Contains(out, "would have 1000.01 EUR") || !strings.Contains(out, "another person") || !strings.Contains(out, "new player") {
		t.Errorf("the dry run says %s", out)
	}
	if _, err := f.cli(append(fund, "--existing")...); err == nil || !strings.Contains(err.Error(), "there is no player") {
		t.Errorf("a player who must exist: %v", err)
	}
	if _, err := f.cli(fund...); err == nil || !strings.Contains(err.Error(), id) {
		t.Errorf("it says %v", err)
	}
	operator := f.mint("olivia", auth.Operator)
	if status, code, raw := f.do("POST", "/v1/approvals/"+id+"/approve", operator, `{"reason":"agreed"}`); status != 200 {
		t.Errorf("%d %s %s", status, code, raw)
	}
	if _, _, raw := f.do("GET", "/v1/players/zoe/transactions", operator, ""); !strings.Contains(string(raw), `"balance":100001`) {
		t.Errorf("the history is %s", raw)
	}
	if out := f.mustCLI("tenant", "set", f.slug, "--credit-approval-above", "never", "--reason", "r"); !strings.Contains(out, "approval    never") {
		t.Errorf("it shows %s", out)
	}
	if out := f.mustCLI("tenant", "fund", "--tenant", f.slug, "--player", "zoe", "--amount", "5000"); !strings.Contains(out, "zoe has 6000.01 EUR") {
		t.Errorf("it says %s", out)
	}
}
