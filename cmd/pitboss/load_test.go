package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
)

func (f *floor) load(args ...string) (report load.Report, progress string, err error) {
	f.t.Helper()
	var out, progressing bytes.Buffer
	args = append([]string{
		"load", "--json", "--dir", f.t.TempDir(), "--database-url", f.appURL, "--admin-database-url", f.adminURL, "--master-key", f.masterKey,
		"--url", "http://" + f.host + f.address[strings.LastIndexByte(f.address, ':'):],
	}, args...)
	err = run(f.t.Context(), args, streams{&out, &progressing}, seams{})
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			f.t.Fatal(err)
		}
	}
	return report, progressing.String(), err
}

func TestALoadFindsNothingWrongWithAnHonestServer(t *testing.T) {
	f := newFloor(t)
	f.startNode()
	report, progress, err := f.load("--tables", "8", "--players", "40", "--rate", "300", "--duration", "4s", "--bet-window", "1s")
	if code := exitCode(err); code != 0 || report.Violated != 0 {
		t.Fatalf("exit code %d: %v\n%+v\n%s", code, err, report, progress)
	}
	t.Logf("%+v", report)
	if sent := report.Offered + report.Unplaced; sent != 1200 {
		t.Errorf("%d bets were due, and 300/s for 4 s are 1200", sent)
	}
	refused := int64(0)
	for _, n := range report.Refused {
		refused += n
	}
	if report.Accepted == 0 || report.Accepted+refused != report.Offered || report.Acceptance.Count != report.Accepted {
		t.Errorf("%d bets were sent, %d accepted, %d refused", report.Offered, report.Accepted, refused)
	}
	// Everybody hears every bet of his table, and four events of each round besides.
	if least := 5*report.Accepted + 5*4*int64(report.Rounds); report.Events.Count < least || report.Rounds < 8 {
		t.Errorf("%d events of %d rounds were read, and there were at least %d", report.Events.Count, report.Rounds, least)
	}
	if out := f.mustCLI("room", "list", "--tenant", f.slug); strings.Count(out, report.Run) < 8 {
		t.Errorf("the tables are not there:\n%s", out)
	}
	eventually(t, "the tables are closed again", func() bool {
		return strings.Count(f.mustCLI("room", "list", "--tenant", f.slug), " closed ") == 8
	})
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{0: nil, 1: errors.New("any"), 2: errViolated} {
		if got := exitCode(err); got != want {
			t.Errorf("%v exits with %d", err, got)
		}
	}
}
