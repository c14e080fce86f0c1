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
