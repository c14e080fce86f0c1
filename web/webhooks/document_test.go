package webhooks_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	stored "github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webhooks"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestTheDocumentHasEveryTypeWithAnExampleThatItAllows(t *testing.T) {
	t.Parallel()
	examples, err := webtest.WebhookExamples()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range stored.Kinds() {
		example, ok := examples[kind.Type]
		if !ok {
			t.Errorf("web/openapi.yaml has no webhook %s", kind.Type)
			continue
		}
		delete(examples, kind.Type)
		header := http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {uuid.NewString()}, "Webhook-Timestamp": {"1795821600"}, "Webhook-Signature": {"v1,x"}}
		if err := webtest.CheckWebhook(header, example); err != nil {
			t.Errorf("the example of %s: %v", kind.Type, err)
		}
		var m struct {
			Version int
			Data    map[string]json.RawMessage
		}
		if err := json.Unmarshal(example, &m); err != nil || m.Version != kind.Version {
			t.Errorf("the example of %s: version %d, %v", kind.Type, m.Version, err)
		}
		for _, maybe := range append(slices.Clone(kind.Fields), kind.Maybe...) {
			if m.Data[maybe] == nil {
				t.Errorf("the example of %s has no %s", kind.Type, maybe)
			}
		}
	}
	for typ := range examples {
		t.Errorf("the catalogue has no type %s", typ)
	}
}

// That each message is as the document has it is the receiver's to say.
func TestEveryTypeIsDeliveredAsTheDocumentHasIt(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	v := receive(t, nil)
	d := webhooks.New(webhooks.Options{
		Queue: c.Store.Deliveries, Holder: uuid.New(), Tenants: c.Store.Tenants, Allow: []netip.Prefix{loopback}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	d.Hasten(time.Second, time.Millisecond)
	run(t, d)

	operator := c.Token("olivia", auth.Operator)
	post := func(path, body string) { // body: with a command of its own for ID
		t.Helper()
		c.Post(operator, path, strings.ReplaceAll(body, "ID", uuid.NewString())).Into(new(json.RawMessage))
	}
	var made struct{ ID string }
	c.Post(operator, "/v1/webhooks", fmt.Sprintf(`{"url":%q,"reason":"a test"}`, v.URL)).Into(&made)
	post("/v1/webhooks/"+made.ID+"/test", `{"reason":"a test"}`)
	post("/v1/players/alice/credit", `{"amount":10000,"reason":"a test","command_id":"ID"}`)
	promotion := uuid.NewString()
	post("/v1/promotions", `{"title":"Happy hour","text":"Twice the fun","ends_at":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`","command_id":"`+promotion+`"}`)
	post("/v1/promotions/"+promotion+"/withdraw", `{"command_id":"ID"}`)
	post("/v1/rooms", `{"room":"evening","game":"roulette"}`)
	post("/v1/rooms/evening/close", `{"reason":"a test"}`)
	c.OpenRoom("slow", webtest.Slow)
	alice := c.Dial("alice", c.Token("alice", auth.Player))
	for _, room := range []string{webtest.Table, "slow"} {
		alice.Join(room)
		alice.Bet(room, "red", 300)
	}
	post("/v1/rooms/slow/void", `{"reason":"a test","command_id":"ID"}`)
	post("/v1/players/alice/kick", `{"reason":"a test"}`)

	for _, kind := range stored.Kinds() {
		v.await(t, kind.Type+" is delivered", func(list []got) bool {
			return slices.ContainsFunc(list, func(g got) bool { return g.typ == kind.Type })
		})
	}
}
