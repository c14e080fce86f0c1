package briefs

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/baccarat"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// dealt is a table at which somebody bets in each round, as soon as it opens.
type dealt struct {
	ref   rooms.Ref
	kind  game.Kind
	rules game.Rules
	seq   int64
	seed  game.Seed // committed, not revealed
	turns byte
}

// decide lets the rules decide a command and applies what they decide.
func (d *dealt) decide(b *testing.B, at time.Time, by game.PlayerID, body any) {
	b.Helper()
	events, err := d.rules.Decide(game.Command{At: at, By: game.Actor{Player: by}, Body: body})
	if err != nil {
		b.Fatal(err)
	}
	for _, ev := range events {
		d.rules.Apply(ev)
		d.seq++
		if x, ok := ev.(game.Revealer); ok && !x.Reveals().IsZero() {
			d.seed = game.Seed{}
		}
		if x, ok := ev.(game.Committer); ok {
			if _, fresh := x.Commits(); fresh {
				d.seed = body.(game.Tick).Fresh
			}
			bet, err := d.kind.Command("bet", json.RawMessage(`{"type":"bet","bets":[{"position":"`+map[string]string{"roulette": "red", "baccarat": "player"}[d.kind.Name]+`","amount":100}]}`))
			if err != nil {
				b.Fatal(err)
			}
			defer d.decide(b, at, "alice", bet)
		}
	}
}

// until lets the table go on to a moment.
func (d *dealt) until(b *testing.B, now time.Time) {
	b.Helper()
	for wake := d.rules.Wake(); !wake.IsZero() && !wake.After(now); wake = d.rules.Wake() {
		if wake.Year() < 2000 {
			wake = now
		}
		d.turns++
		fresh := game.Seed{d.turns, byte(d.seq), 1}
		copy(fresh[4:], d.ref.Room)
		d.decide(b, wake, "", game.Tick{Fresh: fresh, Open: d.seed})
	}
}

// brief returns the table's brief, encoded as its room does.
func (d *dealt) brief(b *testing.B) rooms.Brief {
	b.Helper()
	data, err := json.Marshal(d.rules.(game.Briefer).Brief())
	if err != nil {
		b.Fatal(err)
	}
	return rooms.Brief{Epoch: 1, Seq: d.seq, Data: data}
}

// BenchmarkASecondOf200Tables is a second of a node with 200 tables that deal, half of them roulette and half
// baccarat, with the settings that they have if nobody sets any: it shares its briefs and encodes what its lobby
// is told. Dealing is not measured, and nor is writing to sockets.
func BenchmarkASecondOf200Tables(b *testing.B) {
	id := casino(b, "casino-x")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var all []*dealt
	for i := range 200 {
		kind := []game.Kind{roulette.Kind, baccarat.Kind}[i%2]
		rules, err := kind.New(nil)
		if err != nil {
			b.Fatal(err)
		}
		d := &dealt{ref: rooms.Ref{Tenant: id, Room: fmt.Sprintf("%s-%d", kind.Name, i/2+1)}, kind: kind, rules: rules}
		d.until(b, now.Add(-time.Duration(i)*time.Minute/7)) // they are not in step
		d.until(b, now)
		all = append(all, d)
	}
	k := newKeeper("a")
	var pushes, changed, sent, packed, shared int
	second := func() {
		b.StopTimer()
		now = now.Add(Every)
		briefs := own{}
		for _, d := range all {
			d.until(b, now)
			briefs[d.ref] = d.brief(b)
		}
		b.StartTimer()
		for _, m := range k.share(now, briefs) {
			body, err := json.Marshal(m)
			if err != nil {
				b.Fatal(err)
			}
			shared += len(body)
		}
		k.Changes(func(tenant.ID) bool { return true }, func(_ tenant.ID, p wire.LobbyBriefs) {
			frame := wire.Push(wire.PushLobbyBriefs, p)
			b.StopTimer()
			pushes, changed, sent, packed = pushes+1, changed+len(p.Rooms), sent+len(frame), packed+deflated(b, frame)
			b.StartTimer()
		})
	}
	for range 120 { // results come
		second()
	}
	pushes, changed, sent, packed, shared = 0, 0, 0, 0, 0
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		second()
	}
	seconds := float64(b.N)
	b.ReportMetric(float64(pushes)/seconds, "pushes/s")
	b.ReportMetric(float64(changed)/seconds, "tables/s")
	b.ReportMetric(float64(sent)/seconds, "B/s-socket")
	b.ReportMetric(float64(packed)/seconds, "B/s-socket-deflated")
	b.ReportMetric(float64(shared)/seconds, "B/s-bus")
	b.ReportMetric(float64(len(k.All(id))), "B-all")
	b.ReportMetric(float64(deflated(b, k.All(id))), "B-all-deflated")
}

// BenchmarkBrief is what a room does for its brief after each append.
func BenchmarkBrief(b *testing.B) {
	for _, kind := range []game.Kind{roulette.Kind, baccarat.Kind} {
		b.Run(kind.Name, func(b *testing.B) {
			rules, err := kind.New(nil)
			if err != nil {
				b.Fatal(err)
			}
			d := &dealt{kind: kind, rules: rules, ref: rooms.Ref{Room: "r"}}
			now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
			for range 3600 {
				now = now.Add(time.Second)
				d.until(b, now)
			}
			b.ReportAllocs()
			for b.Loop() {
				d.brief(b)
			}
			b.ReportMetric(float64(len(d.brief(b).Data)), "B")
		})
	}
}

// deflated returns how many bytes a browser is sent, which takes compressed messages.
func deflated(b *testing.B, frame []byte) int {
	b.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = w.Write(frame)
	_ = w.Flush()
	return out.Len()
}
