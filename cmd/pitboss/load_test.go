package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
)

func (f *casino) load(args ...string) (report load.Report, progress string, err error) {
	f.t.Helper()
	var told bytes.Buffer
	report, err = f.loadTelling(f.t.Context(), &told, args...)
	return report, told.String(), err
}

func (f *casino) loadTelling(ctx context.Context, progress io.Writer, args ...string) (report load.Report, err error) {
	f.t.Helper()
	var out bytes.Buffer
	args = append([]string{
		"load", "--json", "--dir", f.t.TempDir(), "--database-url", f.appURL, "--admin-database-url", f.adminURL, "--master-key", f.masterKey,
		"--url", "http://" + f.host + f.address[strings.LastIndexByte(f.address, ':'):],
	}, args...)
	err = run(ctx, args, streams{&out, progress}, seams{})
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			f.t.Fatal(err)
		}
	}
	return report, err
}

// everyGame returns what --games says to open so many tables of each game.
func everyGame(tables int) string {
	var list []string
	for _, g := range games.Played() {
		list = append(list, fmt.Sprintf("%s:%d", g.Name, tables))
	}
	return strings.Join(list, ",")
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestALoadFindsNothingWrongWithAnHonestServer(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	each := 8 / len(games.Played())
	report, progress, err := f.load("--games", everyGame(each), "--players", "40", "--rate", "300", "--duration", "4s", "--bet-window", "1s")
	if code := exitCode(err); code != 0 || report.Violated != 0 || !report.Checked {
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
	// Everybody hears every bet of his table, and three events of each round besides.
	if least := 5*report.Accepted + 5*3*int64(report.Rounds); report.Events.Count < least || report.Rounds < 8 {
		t.Errorf("%d events of %d rounds were read, and there were at least %d", report.Events.Count, report.Rounds, least)
	}
	for _, g := range report.Games {
		if g.Tables != each || g.Rounds < each || g.Payouts < g.Rounds || g.Proven != g.Rounds || g.Unproven != 0 {
			t.Errorf("%+v", g)
		}
	}
	if out := f.mustCLI("room", "list", "--tenant", f.slug); strings.Count(out, report.Run) < 8 {
		t.Errorf("the tables are not there:\n%s", out)
	}
	eventually(t, "the tables are closed again", func() bool {
		return strings.Count(f.mustCLI("room", "list", "--tenant", f.slug), " closed ") == 8
	})
}

func TestALoadThatKeepsItsTablesSaysWhatItCannotProveYet(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	report, progress, err := f.load("--keep", "--games", everyGame(2), "--players", "8", "--rate", "60", "--duration", "2s", "--bet-window", "500ms")
	if code := exitCode(err); code != 0 || report.Violated != 0 || !report.Checked {
		t.Fatalf("exit code %d: %v\n%+v\n%s", code, err, report, progress)
	}
	for _, g := range report.Games {
		if g.Rounds < 2 || g.Proven+g.Unproven != g.Rounds {
			t.Errorf("%+v", g)
		}
	}
	if out := f.mustCLI("room", "list", "--tenant", f.slug); strings.Contains(out, " closed ") {
		t.Errorf("tables were closed:\n%s", out)
	}
}

// liar loses, doubles or changes one bet.placed of every table that it is asked to.
type liar struct {
	rooms.Publisher
	lie  func(m hub.Message) []hub.Message
	mu   sync.Mutex
	done map[string]bool // by topic
}

func (l *liar) Publish(ctx context.Context, m hub.Message) error {
	list := []hub.Message{m}
	l.mu.Lock()
	if topic := m.Topic.String(); m.Seq > 20 && !l.done[topic] {
		if list = l.lie(m); len(list) != 1 || list[0].Frame == nil {
			l.done[topic] = true
		}
	}
	l.mu.Unlock()
	for _, m := range list {
		if err := l.Publisher.Publish(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func TestALoadFindsAServerThatLosesAnEvent(t *testing.T) {
	f := newCasino(t)
	f.startNodeWith(seams{publisher: func(p rooms.Publisher) rooms.Publisher {
		// What the bus loses is fetched; what has no frame is lost for good.
		return &liar{Publisher: p, done: map[string]bool{}, lie: func(m hub.Message) []hub.Message {
			m.Frame, m.Private = nil, nil
			return []hub.Message{m}
		}}
	}})
	report, progress, err := f.load("--games", "roulette:2", "--players", "6", "--rate", "60", "--duration", "3s", "--bet-window", "1s")
	if code := exitCode(err); code != 2 {
		t.Fatalf("exit code %d: %v\n%s", code, err, progress)
	}
	missing := 0
	for _, v := range report.Violations {
		if v.Kind == "missing_seq" {
			missing++
		}
	}
	if missing != 6 || report.Violated < 6 {
		t.Errorf("every player misses an event, and the report says %+v", report.Violations)
	}
}

// cutter passes connections on to a node, and cuts them all when it is told to.
type cutter struct {
	net.Listener
	to    string
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newCutter(t *testing.T, to string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: to, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		c.cut()
	})
	go func() { // ends with the listener
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			c.mu.Lock()
			c.conns[in], c.conns[out] = true, true
			c.mu.Unlock()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		}
	}()
	return c
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

func TestALoadWhoseLinksBreakResumesAndStillAgrees(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	links := newCutter(t, f.address)
	f.address = links.Addr().String()
	cuts, bets := make(chan struct{}), int64(0)
	progress := writerFunc(func(p []byte) {
		if strings.Contains(string(p), " s  offered ") && bets < 3 { // once a second
			bets++
			links.cut()
		}
		if bets == 3 {
			bets++
			close(cuts)
		}
	})
	report, err := f.loadTelling(t.Context(), progress, "--games", everyGame(2), "--players", "12", "--rate", "200", "--duration", "5s", "--bet-window", "1s")
	if code := exitCode(err); code != 0 {
		t.Fatalf("exit code %d: %v\n%+v", code, err, report)
	}
	<-cuts
	if report.Reconnects < 24 || report.Accepted == 0 || report.Accepted+report.Refused["betting_closed"] != report.Offered {
		t.Errorf("%+v", report)
	}
}

func TestCtrlCStopsTheBettingAndStillChecks(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	report, err := f.loadTelling(ctx, writerFunc(func(p []byte) {
		if strings.Contains(string(p), " s  offered ") {
			stop()
		}
	}), "--games", "roulette:2", "--players", "6", "--rate", "60", "--duration", "10m", "--bet-window", "1s")
	if code := exitCode(err); code != 0 || report.Accepted == 0 || report.Rounds == 0 || report.BettingSeconds > 60 {
		t.Errorf("exit code %d: %v\n%+v", code, err, report)
	}
}

func TestALoadThatIsThrownOutSaysSoAndFails(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	var once sync.Once
	report, err := f.loadTelling(t.Context(), writerFunc(func(p []byte) {
		if strings.Contains(string(p), " s  offered ") {
			once.Do(func() {
				if out, err := f.cli("tenant", "suspend", f.slug, "--reason", "test"); err != nil {
					t.Error(out, err)
				}
			})
		}
	}), "--games", "roulette:2", "--players", "6", "--rate", "60", "--duration", "10m", "--bet-window", "1s")
	if exitCode(err) != 1 || !strings.Contains(err.Error(), "4503") || report.Checked || report.Accepted == 0 {
		t.Errorf("%v\n%+v", err, report)
	}
}

func TestWhatKeepsALoadFromStartingIsSaidInASentence(t *testing.T) {
	f := newCasino(t)
	secret := base64.StdEncoding.EncodeToString(make([]byte, 32))
	nobody := "http://" + f.host + ":1"
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no server answers", []string{"--url", nobody}},
		{"no casino of this database", []string{"--url", "http://nowhere.localhost:1"}},
		{"not \"ftp://a\"", []string{"--url", "ftp://a", "--tenant", "a", "--secret", secret}},
		{"not \"casino-x.localhost:8080\"", []string{"--url", "casino-x.localhost:8080"}},
		{`--games has "chess", and 'pitboss load' plays `, []string{"--url", nobody, "--games", "chess:1"}},
		{"go together", []string{"--url", nobody, "--tenant", "casino-x"}},
		{"at least 32 bytes", []string{"--url", nobody, "--tenant", "casino-x", "--secret", "YQ=="}},
		{"--players", []string{"--url", nobody, "--games", "roulette:3", "--players", "2"}},
		{"a table seats 500", []string{"--url", nobody, "--games", "roulette:1", "--players", "501"}},
		{"--rate", []string{"--url", nobody, "--rate", "0"}},
		{"--duration", []string{"--url", nobody, "--duration", "0s"}},
		{"--bet-window", []string{"--url", nobody, "--bet-window", "1h"}},
	} {
		if out, err := f.cli(append([]string{"load"}, c.args...)...); err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("pitboss load %s: %v, %q; want %q", strings.Join(c.args, " "), err, out, c.want)
		}
	}
	f.startNode()
	at := "http://" + f.host + f.address[strings.LastIndexByte(f.address, ':'):]
	elsewhere := strings.Replace(at, f.host, "nowhere.localhost", 1)
	for want, args := range map[string][]string{
		"does not believe our tokens": {"--url", at, "--tenant", "casino-x", "--secret", secret},
		"no casino is served at":      {"--url", elsewhere, "--tenant", "casino-x", "--secret", secret},
	} {
		if _, err := f.cli(append([]string{"load"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	// With the right secret there is no need for the database.
	key := base64.StdEncoding.EncodeToString(f.key().Secret)
	var out bytes.Buffer
	err := run(t.Context(), []string{"load", "--url", at, "--tenant", "casino-x", "--secret", key, "--dir", t.TempDir(),
		"--games", "roulette:1", "--players", "2", "--rate", "20", "--duration", "1s", "--bet-window", "500ms"}, streams{&out, io.Discard}, seams{})
	if err != nil || !strings.Contains(out.String(), "every balance right") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{0: nil, 1: errors.New("any"), 2: errViolated} {
		if got := exitCode(err); got != want {
			t.Errorf("%v exits with %d", err, got)
		}
	}
}
