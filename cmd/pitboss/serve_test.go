package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
