package web

import (
	"strings"
	"testing"
)

func TestTheCodingThatIsMostWelcomeIsChosenAndOfEqualsTheSmallest(t *testing.T) {
	br, gz := form{coding: "br"}, form{coding: "gzip"}
	both := &file{plain: form{coding: identity}, compressed: []form{br, gz}}
	none := &file{plain: form{coding: identity}}
	for accept, want := range map[string]string{
		"":                               identity,
		"gzip, deflate, br, zstd":        "br",
		"br;q=1.0, gzip;q=0.8, *;q=0.1":  "br",
		"br;q=0.5, gzip;q=0.8":           "gzip",
		"gzip":                           "gzip",
		"GZIP ; Q=0.2":                   "gzip",
		"br;q=0, gzip;q=0":               identity,
		"br;q=0.001":                     "br",
		"*":                              "br",
		"*;q=0":                          identity, // there is nothing better
		"br;q=0, *":                      "gzip",
		"identity, br;q=0.5":             identity,
		"identity;q=0.5, gzip;q=0.5":     "gzip",
		"identity;q=0, gzip;q=0.1":       "gzip",
		"deflate":                        identity,
		"br;q=2, gzip;q=-1":              identity,
		"br;q=NaN":                       identity,
		"br;level=9":                     identity,
		",, ;q=1, br":                    "br",
		"gzip\n br":                      "br", // two fields
		strings.Repeat("x;q=0.1,", 2000): identity,
	} {
		values := strings.Split(accept, "\n")
		if got := both.choose(values); got.coding != want {
			t.Errorf("Accept-Encoding: %.60s: %s, want %s", accept, got.coding, want)
		}
		if got := none.choose(values); got.coding != identity {
			t.Errorf("Accept-Encoding: %.60s: %s of a file that is not compressed", accept, got.coding)
		}
	}
}
