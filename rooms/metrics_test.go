package rooms_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// counted sums up what the registry has, by name and, if there is one, the label's value.
func counted(t testing.TB, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			switch {
			case m.GetCounter() != nil:
				out[name] += m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				out[name] += m.GetGauge().GetValue()
			case m.GetHistogram() != nil:
				out[name] += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return out
}

func TestWhatHappensIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newCasino(t)
		f.Fund("alice", 100)
		f.open(f.table)
		other := f.room("table-2", `{}`)
		f.open(other)
		first := f.bet("alice", 10)
		first.accepted()
		f.sendTo(f.table, betCommand("alice", first.id, 10)).accepted()
		f.sendTo(other, betCommand("alice", first.id, 10)).failed(rooms.ErrCommandReused)
		f.bet("alice", 91).refused("insufficient_funds")
		f.failAt(roomstest.BeforeAppend)
		f.bet("alice", 1).failed(rooms.ErrUnavailable)
		f.sendTo(other, command("alice", "00000000-0000-0000-0000-000000000001", "boom", `{"where":"decide"}`)).failed(rooms.ErrUnavailable)
		f.Close(f.table, "")
		synctest.Wait()
		got := counted(t, f.registry)
		for name, want := range map[string]float64{
			"pitboss_rooms closing":                          1,
			"pitboss_rooms open":                             0,
			"pitboss_room_commands_total accepted":           1,
			"pitboss_room_commands_total repeated":           1,
			"pitboss_room_commands_total reused":             1,
			"pitboss_room_commands_total insufficient_funds": 1,
			"pitboss_room_commands_total unavailable":        2,
			"pitboss_room_recoveries_total":                  1,
			"pitboss_room_panics_total":                      1,
			"pitboss_room_fenced_total":                      0,
			"pitboss_room_append_seconds":                    9,
			"pitboss_room_batch_entries":                     5,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		f.pass(5 * time.Minute)
		if got := counted(t, f.registry); got["pitboss_rooms closed"]+got["pitboss_rooms open"]+got["pitboss_rooms closing"] != 0 {
			t.Errorf("rooms that are no more are counted: %v", got)
		}
	})
}
