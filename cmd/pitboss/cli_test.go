package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestNonsenseOnTheCommandLineIsRefusedInASentence(t *testing.T) {
	f := newCasino(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"a tenant has, or had, this slug", []string{"tenant", "create", "--slug", "casino-x", "--name", "a", "--domain", "a.localhost"}},
		{"belongs to a tenant already", []string{"tenant", "create", "--slug", "other", "--name", "a", "--domain", "casino-x.localhost"}},
		{"a slug is", []string{"tenant", "create", "--slug", "Casino X", "--name", "a", "--domain", "a.localhost"}},
		{"there is no tenant", []string{"tenant", "fund", "--tenant", "nobody", "--player", "a", "--amount", "1"}},
		{"not an amount", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "a", "--amount", "1.005"}},
		{"a player's id", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "a b", "--amount", "1"}},
		{"insufficient funds", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "a", "--amount", "-1"}},
		{"there is no player", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "nobody", "--amount", "1", "--existing"}},
		{"a room's id", []string{"room", "open", "Table 1", "--tenant", "casino-x"}},
		{"no such game", []string{"room", "open", "a", "--tenant", "casino-x", "--game", "chess"}},
		{"min_bet", []string{"room", "open", "a", "--tenant", "casino-x", "--settings", `{"min_bet": -1}`}},
		{"a room of this id", []string{"room", "open", "roulette-1", "--tenant", "casino-x"}},
		{"no such room", []string{"room", "close", "nowhere", "--tenant", "casino-x", "--reason", "a"}},
		{"the lobby stays open", []string{"room", "close", "lobby", "--tenant", "casino-x", "--reason", "a"}},
		{"expired", []string{"token", "--tenant", "casino-x", "--subject", "a", "--ttl", "-1h"}},
	} {
		out, err := f.cli(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("pitboss %s: %v, %q; want %q", strings.Join(c.args, " "), err, out, c.want)
		}
	}
}

func TestAMistypedCommandIsToldShortlyAndNotWhereItsOutputGoes(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"missing flags: --reason": {"key", "api", "create", "--tenant", "casino-x", "--name", "a", "--scope", "audit:read"},
		"unknown flag --jsno":     {"webhook", "list", "--tenant", "casino-x", "--jsno"},
		"must be 1 to 500":        {"webhook", "deliveries", "01a21f4e-d943-7259-ac60-e42fc21d4de6", "--tenant", "casino-x", "--limit", "0"},
	} {
		var out, said bytes.Buffer
		err := run(soon(t), args, streams{&out, &said}, seams{})
		if err == nil || out.Len() != 0 || !strings.Contains(said.String(), want) || !strings.Contains(said.String(), "--help") || strings.Count(said.String(), "\n") > 6 {
			t.Errorf("%v: %v, to the output %q, said %q", args, err, out.String(), said.String())
		}
	}
}
