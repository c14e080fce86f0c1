package main

import (
	"strings"
	"testing"
)

// TestTheCommandLineMakesNoCasinoAtAHostThatNodesServeOtherwise has the environment of the nodes.
func TestTheCommandLineMakesNoCasinoAtAHostThatNodesServeOtherwise(t *testing.T) {
	f := newCasino(t)
	t.Setenv("PITBOSS_PLATFORM_HOST", "Platform.example")
	t.Setenv("PITBOSS_SUBFOLDER_HOST", "folders.example")
	for _, args := range []string{
		"domain add --tenant " + string(f.tenant.Slug) + " platform.EXAMPLE. --reason x",
		"domain add --tenant " + string(f.tenant.Slug) + " folders.example --reason x",
		"tenant create --slug casino-p --name P --domain p.localhost --domain platform.example",
	} {
		if out, err := f.cli(strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), "--platform-host") {
			t.Errorf("pitboss %s: %v\n%s", args, err, out)
		}
	}
	if out, err := f.cli("domain", "add", "--tenant", string(f.tenant.Slug), "other.example", "--reason", "x"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
