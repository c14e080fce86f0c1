package approvals_test

import (
	"errors"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// makeKey makes an API key in an actor's name, and returns the actor that it is.
func (c casino) makeKey(actor string) string {
	c.t.Helper()
	n := tenancy.NewAPIKey{Name: "wallet", Scopes: []string{"money:write"}}
	k, _, err := c.APIKeys.Create(c.t.Context(), c.id, n, tenancy.APIKeyChange{Reason: "a test", Actor: actor})
	if err != nil {
		c.t.Fatal(err)
	}
	return "key:" + k.ID
}

// rotate rotates an API key in an actor's name, and returns the actor that the new one is.
func (c casino) rotate(key, actor string) string {
	c.t.Helper()
	k, _, err := c.APIKeys.Rotate(c.t.Context(), c.id, key[len("key:"):], 0, tenancy.APIKeyChange{Reason: "a test", Actor: actor})
	if err != nil {
		c.t.Fatal(err)
	}
	return "key:" + k.ID
}

// commandLine makes an API key by the command line of the platform's operator.
func (c casino) commandLine(user string) string {
	c.t.Helper()
	c.admin.Actor = "cli:" + user
	slug, _ := c.Tenants.ByID(c.id)
	k, _, err := c.admin.CreateAPIKey(c.t.Context(), slug.Slug, tenancy.NewAPIKey{Name: "wallet", Scopes: []string{"money:write"}}, "a test")
	if err != nil {
		c.t.Fatal(err)
	}
	return "key:" + k.ID
}

// Whoever made a key, or made or rotated one before it, knows or could have known its secret.
func TestThePeopleBehindWhoAsksAreNotTheSecondPerson(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	if err := c.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	ofOlivia := c.makeKey("operator:olivia")
	for name, asks := range map[string]struct {
		actor  string
		behind []string // of olivia, oscar, otto and ada
	}{
		"a person":                                 {"operator:olivia", []string{"olivia"}},
		"a person in another role":                 {"service:olivia", []string{"olivia"}},
		"a person's key":                           {ofOlivia, []string{"olivia"}},
		"a key made by that key":                   {c.makeKey(ofOlivia), []string{"olivia"}},
		"a key made by a key made by that key":     {c.makeKey(c.makeKey(ofOlivia)), []string{"olivia"}},
		"a key that its maker rotated":             {c.rotate(c.makeKey("operator:olivia"), "operator:olivia"), []string{"olivia"}},
		"a key that another rotated":               {c.rotate(c.makeKey("operator:olivia"), "operator:oscar"), []string{"olivia", "oscar"}},
		"a key that two others rotated":            {c.rotate(c.rotate(c.makeKey("operator:olivia"), "operator:oscar"), "operator:otto"), []string{"olivia", "oscar", "otto"}},
		"a key that another's key rotated":         {c.rotate(c.makeKey("operator:oscar"), ofOlivia), []string{"olivia", "oscar"}},
		"a key of the command line":                {c.commandLine("root"), nil},
		"a key of the command line of a casino's":  {c.commandLine("ada"), []string{"ada"}},
		"a key of the command line, rotated since": {c.rotate(c.commandLine("root"), "operator:otto"), []string{"otto"}},
		"the command line":                         {"cli:ada", []string{"ada"}},
		"a part of the platform that is nobody's":  {"dev", nil},
	} {
		for _, second := range []string{"olivia", "oscar", "otto", "ada"} {
			for _, to := range []approvals.State{approvals.Refused, approvals.Approved} {
				big := credit(5000)
				big.Actor = asks.actor
				var want error
				for _, b := range asks.behind {
					if b == second {
						want = approvals.ErrSecondPerson
					}
				}
				if _, err := c.answer(c.ask(big), to, auth.Operator, second); !errors.Is(err, want) {
					t.Errorf("asked by %s, %s by %s: %v, want %v", name, to, second, err, want)
				}
				if _, err := c.answer(c.ask(big), approvals.Withdrawn, auth.Operator, second); want != nil && asks.actor != "operator:"+second && !errors.Is(err, approvals.ErrNotAllowed) {
					t.Errorf("asked by %s, withdrawn by %s: %v", name, second, err)
				}
			}
		}
	}
	// No key agrees to anything: not to what its maker asked for, and not to what another key of its maker's did.
	for _, asker := range []string{"operator:olivia", c.makeKey("operator:olivia"), "operator:oscar"} {
		big := credit(5000)
		big.Actor = asker
		if _, err := c.answer(c.ask(big), approvals.Approved, auth.APIKey, ofOlivia[len("key:"):]); !errors.Is(err, approvals.ErrNotAllowed) {
			t.Errorf("asked by %s, approved by olivia's key: %v", asker, err)
		}
	}
}

func TestWhatBecomesOfAKeyChangesNothingOfWhatItAskedFor(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	key := c.makeKey("operator:olivia")
	big := credit(5000)
	big.Actor = key
	id := c.ask(big)
	c.rotate(key, "operator:oscar")
	c.owner(`delete from platform.api_key`)
	small := credit(1)
	small.Actor = key
	if _, err := c.Ledger.Give(t.Context(), c.id, small); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a key that is not there gives: %v", err)
	}
	if _, err := c.answer(id, approvals.Approved, auth.Operator, "olivia"); !errors.Is(err, approvals.ErrSecondPerson) {
		t.Errorf("by who made the key: %v", err)
	}
	// oscar knows the secret of another key.
	if _, err := c.answer(id, approvals.Approved, auth.Operator, "oscar"); err != nil {
		t.Errorf("by who rotated it since: %v", err)
	}
	c.has(5000)
}

// TestWhoIsCalledLikeTheirRoleIsNamedWithIt has people and backends whose subject is the name of their role.
func TestWhoIsCalledLikeTheirRoleIsNamedWithIt(t *testing.T) {
	t.Parallel()
	c := newCasino(t)
	for actor, second := range map[string]string{"service:service": "operator", "operator:operator": "olivia", "dev": "operator"} {
		big := credit(5000)
		big.Actor = actor
		id := c.ask(big)
		if page, _ := c.list(list.Asked{Where: map[string][]string{"asked_by": {actor}}, Limit: 10}); len(page) != 1 || page[0].AskedBy.Actor() != actor {
			t.Errorf("asked by %s: %+v", actor, page)
		}
		if _, err := c.answer(id, approvals.Approved, auth.Operator, second); err != nil {
			t.Fatal(err)
		}
		lines, err := storetest.LastLines(t.Context(), c.Store, c.id, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"operator:" + second, actor, actor} { // who approves, whose credit it is, who asked
			if lines[i].Actor != want {
				t.Errorf("asked by %s: the line %s is by %s, want %s", actor, lines[i].Action, lines[i].Actor, want)
			}
		}
	}
}
