package e2e

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// journal reads every event of the casino's room.
func (f *casino) journal() []rooms.Record {
	f.t.Helper()
	records, err := f.store.Journal.Since(soon(f.t), rooms.Ref{Tenant: f.tenant.ID, Room: f.room}, 0, 1<<30)
	if err != nil {
		f.t.Fatal(err)
	}
	return records
}

// settled waits until the journal's last round has no unsettled stakes.
func (f *casino) settled() []rooms.Record {
	f.t.Helper()
	deadline := time.After(testPatience)
	for {
		records := f.journal()
		if n := len(records); n > 0 {
			switch records[n-1].Type {
			case "round.opened", "round.settled", "round.voided", "seed.revealed", "betting.stopped", game.TypeClosed:
				return records
			}
		}
		select {
		case <-deadline:
			f.t.Fatalf("the last round does not end: %+v", records[len(records)-1])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// close closes the casino's room, and waits for its end.
func (f *casino) close() {
	f.t.Helper()
	f.closes()
	eventually(f.t, "the room is closed", func() bool {
		records := f.journal()
		return records[len(records)-1].Type == game.TypeClosed
	})
}

// closes has the casino's room close after the round at hand, as soon as there is a node.
func (f *casino) closes() {
	f.t.Helper()
	if err := f.store.Rooms.Close(soon(f.t), rooms.Ref{Tenant: f.tenant.ID, Room: f.room}, "test", "test", rooms.Origin{}); err != nil {
		f.t.Fatal(err)
	}
}

// compare holds what players were told against the journal, and the journal against the ledger and the rules
// of the game. The room is closed.
func (f *casino) compare(players []*crashPlayer) {
	t := f.t
	t.Helper()
	records := f.settled()
	bySeq := map[int64]rooms.Record{}
	placed := map[string]int{}
	for i, r := range records {
		if r.Seq != int64(i+1) {
			t.Fatalf("the journal has a hole: event %d has seq %d", i+1, r.Seq)
		}
		bySeq[r.Seq] = r
		if r.Type == "bet.placed" {
			placed[betIn(r.Data).Player]++
		}
	}
	m := f.audit(records)
	accepted, refused := 0, 0
	for _, p := range players {
		for _, fault := range p.faults {
			t.Errorf("%s: %s", p.name, fault)
		}
		for _, gap := range p.views {
			size := 0
			for seq := gap[0] + 1; seq <= gap[1]; seq++ {
				size += len(bySeq[seq].Data) + 128
			}
			// docs/protocol.md; a room has more in memory than is older than that.
			if n := gap[1] - gap[0]; n <= 512 && size <= rooms.ResumeBytesMax {
				t.Errorf("%s was given a view instead of the %d events, of %d bytes, after %d", p.name, n, size, gap[0])
			}
		}
		mine := 0
		for _, b := range p.bets {
			if !b.accepted {
				refused++
				continue
			}
			accepted++
			r, ok := bySeq[b.seq]
			var d struct {
				Player string     `json:"player"`
				Bets   []position `json:"bets"`
			}
			want := "bet.placed"
			if b.kind != "bet" {
				want = "bet.removed"
			}
			if b.kind == "bet" {
				mine++
			}
			if !ok || r.Type != want || json.Unmarshal(r.Data, &d) != nil || d.Player != p.name {
				t.Errorf("%s: accepted as event %d, which is %s of %s", p.name, b.seq, r.Type, d.Player)
			} else if b.kind == "bet" && !reflect.DeepEqual(total(d.Bets), total(b.bets)) {
				t.Errorf("%s: bet %v, and the journal has %v", p.name, b.bets, d.Bets)
			}
		}
		if placed[p.name] != mine {
			t.Errorf("%s: %d bets were accepted, %d are in the journal", p.name, mine, placed[p.name])
		}
		for _, e := range p.events {
			r := bySeq[e.Seq]
			if r.Type != e.Type || r.Epoch != e.Epoch {
				t.Errorf("%s was told event %d is %s of epoch %d; the journal has %s of %d", p.name, e.Seq, e.Type, e.Epoch, r.Type, r.Epoch)
			}
			if e.Type == "bet.placed" || e.Type == "bet.removed" {
				if wrong := betIn(r.Data).wrong(p.name, e.Data); wrong != "" {
					t.Errorf("%s was told %s at %d, which %s: %s", p.name, e.Data, e.Seq, wrong, r.Data)
				}
			}
			if e.Type == "round.opened" && !strings.Contains(string(r.Data), commitmentIn(e.Data)) {
				t.Errorf("%s was shown another commitment than the journal's at %d", p.name, e.Seq)
			}
		}
		got, _, err := f.store.Ledger.Balance(soon(t), f.tenant.ID, game.PlayerID(p.name))
		if err != nil {
			t.Fatal(err)
		}
		if want := crashFunds + m.balances[p.name]; got != want {
			t.Errorf("%s has %d, and the events add up to %d", p.name, got, want)
		}
	}
	tb, err := f.store.Ledger.TrialBalance(soon(t), f.tenant.ID)
	if err != nil || !tb.OK {
		t.Errorf("trial balance: %+v, %v", tb, err)
	}
	connects := 0
	for _, p := range players {
		connects += p.connected
	}
	t.Logf("%s %s: %d events, %d rounds, %d settled, %d void, under %d seeds, %d commands accepted, %d refused, %d connections",
		f.slug, f.room, len(records), len(m.rounds), m.settled, m.voided, m.seeds, accepted, refused, connects)
	if accepted == 0 || len(m.rounds) < 2 {
		t.Error("nothing happened")
	}
}

func commitmentIn(data json.RawMessage) string {
	var d struct {
		Commitment string `json:"commitment"`
	}
	_ = json.Unmarshal(data, &d)
	return d.Commitment
}

// chips is a bet as the journal has it, and as it is told.
type chips struct {
	Round  int64      `json:"round"`
	Seat   int        `json:"seat"`
	Name   string     `json:"name"`
	Sum    game.Money `json:"sum"`
	Bets   []position `json:"bets"`
	Player string     `json:"player"`
	First  bool       `json:"first"`
	Mine   bool       `json:"mine"`
}

func betIn(data json.RawMessage) (c chips) {
	_ = json.Unmarshal(data, &c)
	return c
}

// wrong says what is wrong with a bet of the journal as who was told it.
func (c chips) wrong(who string, data json.RawMessage) string {
	told, sum := betIn(data), game.Money(0)
	for _, b := range c.Bets {
		sum += b.Amount
	}
	own := c.Player == who
	switch {
	case told.Round != c.Round || told.Seat != c.Seat || told.Sum != sum:
		return "is another bet than the journal's"
	case told.Player != "" || told.First || told.Mine != own:
		return "is somebody else's form"
	case own && (told.Name != c.Name || !reflect.DeepEqual(told.Bets, c.Bets)):
		return "is not all of the player's own bet"
	case !own && (len(data) > 64 || told.Bets != nil):
		return "is too much of another's bet"
	case !own && told.Name != "" && (!c.First || told.Name != c.Name), !own && told.Name == "" && c.First:
		return "does not have the name where it should be"
	}
	return ""
}

func total(bets []position) map[string]game.Money {
	sum := map[string]game.Money{}
	for _, b := range bets {
		sum[b.Position] += b.Amount
	}
	return sum
}

// without takes b's amount off the standing bets on its position.
func without(bets []position, b position) []position {
	var out []position
	left := b.Amount
	for i := len(bets) - 1; i >= 0; i-- {
		s := bets[i]
		if s.Position == b.Position && left > 0 {
			take := min(left, s.Amount)
			left -= take
			s.Amount -= take
		}
		if s.Amount > 0 {
			out = append(out, s)
		}
	}
	return out
}
