package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

func placed(seq int64, mine bool) []byte {
	data := `{"round":12,"amount":250}`
	if mine {
		data = `{"round":12,"on":"heads","amount":250,"mine":true}`
	}
	return wire.EncodeRoomEvent(nil, wire.PushRoomEvent, &wire.RoomEvent{
		Room: "load-abcdefgh-17", Epoch: 3, Seq: seq, At: wire.At(time.Now()), Type: "bet.placed", Data: json.RawMessage(data),
	})
}

func TestScanningReadsWhatTheServerWrites(t *testing.T) {
	at := time.Date(2026, 1, 2, 23, 59, 58, 987e6, time.UTC)
	data := `{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"split:17-20","amount":250}],"mine":true}`
	e, ok := scanEvent(wire.EncodeRoomEvent(nil, wire.PushRoomEvent, &wire.RoomEvent{
		Room: "r-1", Epoch: 3, Seq: 4567, At: wire.At(at), Type: "bet.placed", Data: json.RawMessage(data),
	}))
	if !ok || string(e.room) != "r-1" || e.epoch != 3 || e.seq != 4567 || string(e.typ) != "bet.placed" || string(e.data) != data {
		t.Errorf("%v %+v", ok, e)
	}
	for after, now := range map[time.Duration]time.Time{13 * time.Millisecond: at.Add(13 * time.Millisecond), 5 * time.Second: at.Add(5 * time.Second), -time.Second: at.Add(-time.Second)} {
		if got := e.since(now); got != after {
			t.Errorf("since %s is %s, not %s", now, got, after)
		}
	}
	if id, seq, ok := scanAccepted(wire.Reply(json.RawMessage("88"), wire.RoomCommandResult{Accepted: true, Epoch: 3, Seq: 4567, Balance: -5})); !ok || id != 88 || seq != 4567 {
		t.Errorf("%v %d %d", ok, id, seq)
	}
	if b, ok := scanBalance(wire.Push(wire.PushWalletBalance, wire.Balance{Balance: 123, Currency: "EUR", Version: 9})); !ok || b.Balance != 123 || b.Version != 9 {
		t.Errorf("%v %+v", ok, b)
	}
	if !isDull(wire.Push(wire.PushRoomTotals, wire.Totals{Room: "r-1", Data: json.RawMessage(`{}`)})) {
		t.Error("totals are not dull")
	}
	for _, dull := range []any{wire.Beat{}, wire.LobbyPresence{}, wire.Heartbeat{}} {
		method := map[any]string{wire.Beat{}: wire.PushRoomBeat, wire.Heartbeat{}: wire.PushHeartbeat}
		name := wire.PushLobbyPresence
		if _, presence := dull.(wire.LobbyPresence); !presence {
			name = method[dull]
		}
		if !isDull(wire.Push(name, dull)) {
			t.Errorf("%s is not dull", name)
		}
	}
}

// What the scanner does not know, encoding/json reads: with other members, in another order
// or with spaces the same is told.
func TestWhatIsWrittenOtherwiseIsReadToo(t *testing.T) {
	for _, frames := range [][]string{
		{
			`{"method": "room.event", "jsonrpc": "2.0", "params": {"seq": 2, "epoch": 1, "room": "t1", "type": "bet.placed", "at": "2026-01-02T03:04:05.678Z", "new": 1, "data": {"round":1,"on":"heads","amount":5,"mine":true}}}`,
			`{"id": 1, "jsonrpc": "2.0", "result": {"seq": 2, "accepted": true, "epoch": 1, "balance": 995, "new": 1}}`,
			`{"jsonrpc": "2.0", "method": "wallet.balance", "params": {"version": 2, "balance": 995, "currency": "EUR"}}`,
		},
	} {
		r, p := newTestRun()
		p.book.balance, p.book.epoch, p.book.seq = 1000, 1, 1
		p.waiting[1] = waiting{Bet{"heads", 5}, time.Now()}
		for _, frame := range frames {
			if err := p.scan([]byte(frame), time.Now()); err != nil {
				t.Errorf("%s: %v", frame, err)
			}
		}
		if p.book.balance != 995 || len(p.book.placed)+len(p.book.accepted)+len(p.waiting) != 0 || p.wallet.Version != 2 {
			t.Errorf("%+v", p)
		}
		if found, n := r.faults.found(); n != 0 {
			t.Error(found)
		}
	}
}

func TestABetIsARequestOfTheProtocol(t *testing.T) {
	seen := map[string]bool{}
	for player := range uint32(3) {
		for id := range int64(3) {
			frame := appendBet(nil, &coin, "r-1", commandID{[8]byte{1, 2, 3, 4, 5, 6, 7, 8}, player}, id+1, Bet{"heads", 7})
			request, refused := wire.Decode(frame)
			if refused != nil || request.Method != wire.MethodRoomCommand || string(request.ID) != fmt.Sprint(id+1) {
				t.Fatalf("%s: %v", frame, refused)
			}
			var c wire.RoomCommand
			if refused := wire.DecodeParams(request.Params, &c); refused != nil {
				t.Fatal(refused)
			}
			if c.Room != "r-1" || string(c.Command) != `{"type":"bet","on":"heads","amount":7}` {
				t.Errorf("%+v", c)
			}
			if id := c.CommandID; len(id) != 36 || id[14] != '8' || seen[id] {
				t.Errorf("command id %s", id)
			}
			seen[c.CommandID] = true
		}
	}
}

func FuzzScanningNeverPanics(f *testing.F) {
	f.Add(placed(7, true))
	f.Add(wire.Push(wire.PushWalletBalance, wire.Balance{Balance: 1}))
	f.Fuzz(func(_ *testing.T, frame []byte) {
		scanEvent(frame)
		scanAccepted(frame)
		scanBalance(frame)
		isDull(frame)
	})
}

// BenchmarkEvent measures what the client does for one event of another player's bet, from the
// bytes of the socket on, eight of them a read; the system call is not in it.
func BenchmarkEvent(b *testing.B) {
	r, p := newTestRun()
	p.table.room = "load-abcdefgh-17"
	const batch = 8
	var stream bytes.Buffer
	for seq := range int64(batch) {
		writeFrame(&stream, opText, placed(1+seq, false))
	}
	s := &socket{buf: stream.Bytes(), end: stream.Len()}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		s.start, p.book.seq = 0, 0
		if err := p.read(s, now); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/event")
	if found, n := r.faults.found(); n > 0 {
		b.Fatal(found[0])
	}
}

// BenchmarkBet measures what the client does to send one bet, but for the system call and the game's part.
func BenchmarkBet(b *testing.B) {
	still := coin
	still.AppendCommand = func(dst []byte, _ Bet) []byte { return append(dst, `{"type":"bet"}`...) }
	var out []byte
	b.ReportAllocs()
	for id := int64(0); b.Loop(); id++ {
		out = appendBet(newFrame(out), &still, "load-abcdefgh-17", commandID{player: 7}, id, Bet{"heads", 250})
		seal(opText, out)
	}
}
