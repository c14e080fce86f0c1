package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
)

func TestALineOfTheLogHasAKeyOnceAndRequestsAreLoggedIfThatIsWanted(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	log := f.startNode("--access-log", "--log-format", "json", "--log-level", "debug").log
	c := f.dial(soon(t), f.token("alice"), nil)
	if _, err := f.join(c, nil); err != nil {
		t.Fatal(err)
	}
	f.stake(c)
	if status, _, _ := f.do("GET", "/v1/rooms?name=secret", f.mint("olivia", auth.Operator), ""); status != http.StatusOK {
		t.Fatal(status)
	}
	eventually(t, "the request is logged", func() bool { return strings.Contains(log.String(), `"route":"/v1/rooms"`) })
	asked := false
	for line := range strings.Lines(log.String()) {
		d := json.NewDecoder(strings.NewReader(line))
		seen := map[string]bool{}
		if _, err := d.Token(); err != nil {
			continue
		}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				break
			}
			name := key.(string)
			if seen[name] {
				t.Errorf("%s is twice in %s", name, line)
			}
			seen[name] = true
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				break
			}
		}
		asked = asked || strings.Contains(line, `"level":"INFO","msg":"request"`) && strings.Contains(line, `"route":"/v1/rooms"`) && strings.Contains(line, `"tenant":"casino-x"`)
		if strings.Contains(line, "secret=1") {
			t.Errorf("the query is logged: %s", line)
		}
	}
	if !asked {
		t.Errorf("the request is not logged: %s", log.last(4<<10))
	}
}

func TestADatabaseThatIsAwayIsSaidAndNotByEveryProbe(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t)
	f := newCasinoIn(t, cluster.AppURL(), cluster.AdminURL())
	log := f.startNode().log
	eventually(t, "it is ready", func() bool { status, _, _ := f.do("GET", "/readyz", "", ""); return status == http.StatusOK })
	before := strings.Count(log.String(), "\n")
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "readiness is red", func() bool {
		status, _, _ := f.do("GET", "/readyz", "", "")
		return status == http.StatusServiceUnavailable
	})
	<-time.After(5 * time.Second) // of probes, four times a second each
	if lines := strings.Count(log.String(), "\n") - before; lines < 1 || lines > 12 {
		t.Errorf("%d lines in 5 s:\n%s", lines, log.last(4<<10))
	}
}
