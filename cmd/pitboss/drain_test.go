package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestSIGTERMAnswersOpenCommandsAndTellsEverybodyToComeBack(t *testing.T) {
	f := newFloor(t)
	s := f.startServer("none none 0")
	defer s.kill()
	f.awaitServer(s)

	const players = 8
	var conns []*rpc
	var closing atomic.Int64
	answered := make(chan string, 1000)
	asked := 0
	for i := range players {
		c := f.dial(soon(t), f.token(fmt.Sprintf("player-%d", i)), func(method string, params json.RawMessage) {
			var said wire.Closing
			if method == wire.PushClosing && json.Unmarshal(params, &said) == nil && said.Reason == wire.CloseDraining.Name && said.RetryAfterMS > 0 {
				closing.Add(1)
			}
		})
		if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for range 10 {
		for _, c := range conns {
			err := c.ask(soon(t), wire.MethodRoomCommand, wire.RoomCommand{
				Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`),
			}, func(r reply, ok bool) {
				switch {
				case !ok:
					answered <- "nothing"
				case r.Error != nil:
					answered <- r.Error.Data.Code
				default:
					answered <- "accepted"
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			asked++
		}
	}
	// Every command is in the socket before the signal is: a ping's reply says that it was read.
	for _, c := range conns {
		if err := c.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for range asked {
		got[<-answered]++
	}
	if got["nothing"] > 0 || got["accepted"] == 0 {
		t.Errorf("answers: %v", got)
	}
	for _, c := range conns {
		if code := c.closedWith(t); code != websocket.StatusCode(wire.CloseDraining.Code) {
			t.Errorf("closed with %d", code)
		}
	}
	<-s.died
	if code := s.cmd.ProcessState.ExitCode(); code != 0 || time.Since(began) > drainWithin {
		t.Errorf("exit %d after %v\n%s", code, time.Since(began), tail(s.log))
	}
	if n := closing.Load(); n != players {
		t.Errorf("%d of %d were told when to come back", n, players)
	}

	accepted := 0
	for _, r := range f.journal() {
		if r.Type == "bet.placed" {
			accepted++
		}
	}
	if accepted != got["accepted"] {
		t.Errorf("%d bets were accepted, %d are in the journal", got["accepted"], accepted)
	}
	var left game.Money
	for i := range players {
		b, _, err := f.store.Ledger.Balance(soon(t), f.tenant.ID, game.PlayerID(fmt.Sprintf("player-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		left += b
	}
	if want := players*crashFunds - 100*game.Money(accepted); left != want {
		t.Errorf("the players have %d, want %d", left, want)
	}
}

// awaitServer waits until a server in a process of its own lets players in.
func (f *floor) awaitServer(s *server) {
	f.t.Helper()
	eventually(f.t, "the server is up", func() bool {
		select {
		case <-s.died:
			f.t.Fatalf("the server ended:\n%s", s.log)
		default:
		}
		c, err := net.DialTimeout("tcp", f.address, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		status, _, body := f.do("GET", "/v1/rooms", f.mint("probe", "player"), "")
		return status == 200 && strings.Contains(string(body), f.room)
	})
}

func TestTroubleAtTheStartIsASentenceAndAFailure(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"port taken":      {[]string{"dev", "--listen", taken.Addr().String()}, nil, "is taken by another program"},
		"no PostgreSQL":   {[]string{"dev", "--listen", "127.0.0.1:0", "--admin-listen", ""}, map[string]string{"PITBOSS_PG_BIN": t.TempDir()}, "PITBOSS_PG_BIN"},
		"no database":     {[]string{"tenant", "list"}, nil, "start 'pitboss dev' in this folder first"},
		"no master key":   {[]string{"tenant", "list"}, map[string]string{"PITBOSS_ADMIN_DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, "PITBOSS_MASTER_KEY"},
		"bad master key":  {[]string{"tenant", "list", "--master-key", "abc"}, map[string]string{"PITBOSS_ADMIN_DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, "not 32 bytes"},
		"unknown command": {[]string{"fly"}, nil, "unexpected argument fly"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var said bytes.Buffer
			err := run(soon(t), append(c.args, "--dir", openDir(t)), streams{io.Discard, &said}, seams{})
			if err == nil {
				t.Fatal("no failure")
			}
			if text := said.String() + err.Error(); !strings.Contains(text, c.want) {
				t.Errorf("said %q, which lacks %q", text, c.want)
			}
		})
	}
}

// openDir is a temporary folder that everybody may enter: run by root, the database is
// somebody else's.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHelpNamesEveryCommand(t *testing.T) {
	var out bytes.Buffer
	if err := run(context.Background(), []string{"--help"}, streams{&out, &out}, seams{}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"dev", "cluster", "serve", "migrate", "tenant create", "tenant trial-balance", "room open", "node list", "token", "health"} {
		if !strings.Contains(out.String(), command) {
			t.Errorf("no %q in:\n%s", command, out.String())
		}
	}
}
