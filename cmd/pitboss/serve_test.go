package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web"
)

func TestASecretIsReadFromAFileOrTheReasonIsSaid(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, name := range secrets {
		t.Setenv(name, "")
		t.Setenv(name+"_FILE", file("  s3cret of "+name+"\n"))
	}
	if err := secretsFromFiles(); err != nil {
		t.Fatal(err)
	}
	for _, name := range secrets {
		if got := os.Getenv(name); got != "s3cret of "+name {
			t.Errorf("%s is %q", name, got)
		}
	}
	if err := secretsFromFiles(); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("both are set: %v", err)
	}
	for what, path := range map[string]string{"is empty": file(" \n"), "no such file": filepath.Join(t.TempDir(), "none")} {
		t.Setenv(secrets[0], "")
		t.Setenv(secrets[0]+"_FILE", path)
		if err := secretsFromFiles(); err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestHealthAsksThePortThatIsConfigured(t *testing.T) {
	ready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer ready.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(ready.URL, "http://"), ":")
	for _, listen := range []string{":" + port, "127.0.0.1:" + port, "0.0.0.0:" + port, "[::]:" + port} {
		t.Setenv("PITBOSS_LISTEN", listen)
		var out bytes.Buffer
		if err := run(t.Context(), []string{"health"}, streams{&out, &out}, seams{}); err != nil || out.String() != "ready\n" {
			t.Errorf("%s: %v, %s", listen, err, &out)
		}
	}
	t.Setenv("PITBOSS_LISTEN", "nowhere")
	if err := run(t.Context(), []string{"health"}, streams{new(bytes.Buffer), new(bytes.Buffer)}, seams{}); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("no port: %v", err)
	}
}

func TestAFatalErrorIsJSONWhenTheLogIs(t *testing.T) {
	t.Parallel()
	var out, err bytes.Buffer
	if code := exitCode(run(t.Context(), []string{"serve", "--log-format", "json", "--listen", "127.0.0.1:99999"}, streams{&out, &err}, seams{})); code != 1 {
		t.Errorf("exit code %d", code)
	}
	var line struct{ Level, Msg, Error string }
	if e := json.Unmarshal(err.Bytes(), &line); e != nil || line.Level != "ERROR" || !strings.Contains(line.Error, "99999") {
		t.Errorf("%v: %s", e, &err)
	}
}

func TestALineOfTheLogHasAKeyOnceAndRequestsAreLoggedIfThatIsWanted(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	log := &said{}
	f.startNodeBehind(web.Edge{AccessLog: true}, slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}), nil, seams{})
	c := f.dial(soon(t), f.token("alice"), nil)
	if _, err := f.join(c, nil); err != nil {
		t.Fatal(err)
	}
	f.stake(c)
	if status, _, _ := f.do("GET", "/v1/rooms?secret=1", f.mint("olivia", auth.Operator), ""); status != http.StatusOK {
		t.Fatal(status)
	}
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
	f := newFloorIn(t, cluster.AppURL(), cluster.AdminURL())
	log := &said{}
	f.startNodeBehind(web.Edge{}, slog.NewTextHandler(log, nil), nil, seams{})
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
