package e2e

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDevServesProfilesIfItIsAskedTo reads the heap's as "make bench" does, which measures a room's memory
// by it.
func TestDevServesProfilesIfItIsAskedTo(t *testing.T) {
	for value, want := range map[string]int{"false": http.StatusNotFound, "true": http.StatusOK} {
		t.Run(value, func(t *testing.T) {
			t.Setenv("PITBOSS_PPROF", value)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			admin, out := freePort(t), &said{}
			dev := startProgram(t, nil, out, "dev", "--listen", freePort(t), "--admin-listen", admin, "--dir", openDir(t))
			eventually(t, "the links are printed", func() bool { return strings.Contains(out.String(), "#token=") })

			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/debug/pprof/heap?gc=1&debug=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != want || strings.Contains(string(body), "# HeapInuse = ") != (want == http.StatusOK) {
				t.Errorf("%v, status %d, not %d: %.100s", err, resp.StatusCode, want, body)
			}

			dev.end()
		})
	}
}
