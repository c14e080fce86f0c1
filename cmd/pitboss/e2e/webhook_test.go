package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/store/webhooks"
)

// TestANodeThatIsKilledWhileItTellsACasinoLosesNothing kills it while a message is on its way, whose answer it
// never gets. The next node tells everything, that message again under the same id, and in order.
func TestANodeThatIsKilledWhileItTellsACasinoLosesNothing(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	var mu sync.Mutex
	var ids, bodies []string
	hold := true
	begun := make(chan struct{}, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		ids, bodies = append(ids, r.Header.Get("webhook-id")), append(bodies, string(body))
		wait := hold
		mu.Unlock()
		if wait {
			select {
			case begun <- struct{}{}:
			default:
			}
			<-r.Context().Done() // until the node is dead
		}
	}))
	defer receiver.Close()
	got := func() ([]string, []string) {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(ids), slices.Clone(bodies)
	}
	_, _, err := f.store.Webhooks.Create(t.Context(), f.tenant.ID, webhooks.Spec{URL: receiver.URL, Types: []string{"player.credited"}}, webhooks.By{Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	allow := []string{"--admin-listen", "", "--webhook-allow-address", "127.0.0.1/32"}
	first := f.serve("child", nil, allow...)
	first.awaitServing()
	_ = f.token("alice")
	<-begun
	first.kill()
	_ = f.token("alice") // committed while nobody tells
	mu.Lock()
	hold = false
	mu.Unlock()
	second := f.serve("child", nil, allow...)
	defer second.end()
	eventually(t, "both are told", func() bool { list, _ := got(); return len(list) >= 3 })
	list, texts := got()
	if len(list) != 3 || list[0] != list[1] || list[1] == list[2] || texts[0] != texts[1] {
		t.Errorf("told: %v %v", list, texts)
	}
	if !strings.Contains(texts[0], `"tenant":"casino-x"`) || !strings.Contains(texts[0], `"player":"alice"`) {
		t.Errorf("the message: %s", texts[0])
	}
}
