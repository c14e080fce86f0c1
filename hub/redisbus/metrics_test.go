package redisbus

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestWhatIsLostOrRefusedIsCountedFromZero wants the counters before anything was counted: Prometheus sees
// no increase in a counter that appears with its first values.
func TestWhatIsLostOrRefusedIsCountedFromZero(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	newMeters(reg)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string][]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 1 && m.GetCounter().GetValue() == 0 {
				shown[f.GetName()] = append(shown[f.GetName()], m.GetLabel()[0].GetValue())
			}
		}
	}
	for name, want := range map[string][]string{
		"pitboss_redis_refused_total": {"foreign", "forged", "replayed", "stranger", "time", "unreadable", "version"},
		"pitboss_redis_lost_total":    {"publish", "publish_queue", "work_queue"},
	} {
		if !slices.Equal(shown[name], want) {
			t.Errorf("%s is shown for %q, not for %q", name, shown[name], want)
		}
	}
}
