package main

import (
	"io"
	"net/netip"
	"strings"
	"testing"
)

func TestATrustedProxyIsARangeAndNotEverybody(t *testing.T) {
	for ranges, want := range map[string]string{
		"0.0.0.0/0": "everybody", "::/0": "everybody", "10.0.0.0/8,0.0.0.0/0": "everybody", "::ffff:10.0.0.0/104": "as IPv4", "10.0.0.1": "no '/'", "proxy": "no '/'", "10.0.0.0/33": "prefix length",
	} {
		var log strings.Builder
		err := run(soon(t), []string{"serve", "--trusted-proxy", ranges, "--database-url", "postgres://nobody@127.0.0.1:1/x", "--listen", freePort(t)}, streams{io.Discard, &log}, seams{})
		if err == nil || !strings.Contains(err.Error()+log.String(), want) {
			t.Errorf("%s: %v %s", ranges, err, log.String())
		}
	}
	if err := (edge{TrustedProxy: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("fd00::/64")}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestFlagsOfRoutingThatCannotBeMeantAreRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--forwarded-host", "x-forwarded-host"}, "needs --trusted-proxy"},
		{[]string{"--forwarded-host", "Host", "--trusted-proxy", "10.0.0.1/32"}, "--forwarded-host must be one of"},
		{[]string{"--subfolder-host", "https://x"}, "give the host alone"},
		{[]string{"--subfolder-host", "x:8080"}, "it has a port"},
		{[]string{"--subfolder-host", "play_x"}, "underscore"},
		{[]string{"--unknown-host", "casino-x"}, "want refuse, page or tenant:<slug>"},
		{[]string{"--unknown-host", "tenant:Casino X"}, "slug"},
	} {
		var log strings.Builder
		err := run(soon(t), append([]string{"serve", "--database-url", "postgres://nobody@127.0.0.1:1/x", "--listen", freePort(t)}, c.flags...), streams{io.Discard, &log}, seams{})
		if err == nil || !strings.Contains(err.Error()+log.String(), c.want) {
			t.Errorf("%v: %v %s", c.flags, err, log.String())
		}
	}
	for text, want := range map[string]string{"Play.LOCALHOST.": "play.localhost", "10.0.0.7": "10.0.0.7", "[::1]": "::1", "::ffff:10.0.0.7": "10.0.0.7", "": ""} {
		if got := (routing{SubfolderHost: text}).options().SubfolderHost; got != want {
			t.Errorf("%q is compared as %q, want %q", text, got, want)
		}
	}
}
