package web_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestWhatAClientHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	var made struct{ ID string }
	c.Post(operator, "/v1/webhooks", endpoint).Want(http.StatusCreated, "").Into(&made)
	for _, path := range []string{"/v1/brand", "/v1/games", "/v1/rooms", "/v1/keys", "/v1/players?limit=1", "/v1/webhooks/" + made.ID} {
		first := c.Get(operator, path).Want(http.StatusOK, "")
		tag := first.Header.Get("ETag")
		for _, has := range []string{tag, "W/" + tag, `"another", ` + tag, "*"} {
			if a := c.Do(http.MethodGet, operator, path, "", "If-None-Match", has).Want(http.StatusNotModified, ""); len(a.Body) != 0 || a.Header.Get("ETag") != tag {
				t.Errorf("%s with %s: %q %s", path, has, a.Header.Get("ETag"), a.Body)
			}
		}
		if a := c.Do(http.MethodGet, operator, path, "", "If-None-Match", `"another"`).Want(http.StatusOK, ""); string(a.Body) != string(first.Body) {
			t.Errorf("%s: %s, then %s", path, first.Body, a.Body)
		}
		c.Do(http.MethodGet, c.Token("alice", auth.Player)+"x", path, "", "If-None-Match", "*").Want(http.StatusUnauthorized, "token_signature")
	}
	room := c.Get(operator, "/v1/rooms").Header.Get("ETag")
	c.OpenRoom("one-more", webtest.Slow)
	c.Do(http.MethodGet, operator, "/v1/rooms", "", "If-None-Match", room).Want(http.StatusOK, "")
}

func TestAChangeOfWhatSomebodyElseChangedIsRefused(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	var made struct{ ID string }
	c.Post(operator, "/v1/webhooks", endpoint).Want(http.StatusCreated, "").Into(&made)
	for _, x := range []struct{ read, write, body string }{
		{"/v1/brand", "/v1/brand", `{"name":"Casino %d","style":{},"reason":"a test"}`},
		{"/v1/webhooks/" + made.ID, "/v1/webhooks/" + made.ID, `{"url":"https://receiver.example/%d","reason":"a test"}`},
	} {
		tag := c.Get(operator, x.read).Header.Get("ETag")
		var done, refused atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				switch a := c.Do(http.MethodPut, operator, x.write, fmt.Sprintf(x.body, i), "If-Match", tag); {
				case a.Status == http.StatusOK:
					done.Add(1)
				case a.Status == http.StatusPreconditionFailed && a.Code == "changed_meanwhile":
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 || refused.Load() != 7 {
			t.Errorf("%s: %d of 8 changes at once are done, %d refused; want 1 and 7", x.write, done.Load(), refused.Load())
		}
		c.Do(http.MethodPut, operator, x.write, fmt.Sprintf(x.body, 9), "If-Match", tag).Want(http.StatusPreconditionFailed, "changed_meanwhile")
		c.Do(http.MethodPut, operator, x.write, fmt.Sprintf(x.body, 9), "If-Match", c.Get(operator, x.read).Header.Get("ETag")).Want(http.StatusOK, "")
		c.Do(http.MethodPut, operator, x.write, fmt.Sprintf(x.body, 10)).Want(http.StatusOK, "")
		c.Do(http.MethodPut, operator, x.write, fmt.Sprintf(x.body, 11), "If-Match", "*").Want(http.StatusOK, "")
	}
	c.Do(http.MethodPut, operator, "/v1/brand/logo", `{"image":"","reason":"a test"}`, "If-Match", `"another"`).Want(http.StatusPreconditionFailed, "changed_meanwhile")
	c.Do(http.MethodPut, operator, "/v1/brand/logo", `{"image":"","reason":"a test"}`, "If-Match", c.Get(operator, "/v1/brand").Header.Get("ETag")).Want(http.StatusOK, "")
	hook := "/v1/webhooks/" + made.ID
	c.Do(http.MethodDelete, operator, hook, because, "If-Match", `"another"`).Want(http.StatusPreconditionFailed, "changed_meanwhile")
	c.Do(http.MethodDelete, operator, hook, because, "If-Match", c.Get(operator, hook).Header.Get("ETag")).Want(http.StatusOK, "")
}
