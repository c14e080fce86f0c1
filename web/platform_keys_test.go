package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestARequestOfThePlatformThatWasWrongIsMendedUnderItsKey(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	send := func(body string) webtest.Answer {
		return at.Do(http.MethodPost, key, "/v1/tenants", body, "Idempotency-Key", "one")
	}
	send(strings.Replace(casinoZ, "EUR", "XYZ", 1)).Want(http.StatusBadRequest, "invalid_params")
	if a := send(casinoZ).Want(http.StatusCreated, ""); a.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%v", a.Header)
	}
	if a := send(casinoZ).Want(http.StatusCreated, ""); a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %v", a.Header)
	}
	send(strings.Replace(casinoZ, "EUR", "USD", 1)).Want(http.StatusUnprocessableEntity, "idempotency_key_reused")
	taken := func() webtest.Answer {
		return at.Do(http.MethodPost, key, "/v1/tenants", casinoZ, "Idempotency-Key", "two").Want(http.StatusConflict, "slug_taken")
	}
	if first, again := taken(), taken(); first.Header.Get("Idempotent-Replayed") != "" || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v, %v", first.Header, again.Header)
	}

	// An answer that lacks the secret says so.
	for path, body := range map[string]string{"keys": opsKey, "signing-keys/rotate": `{"reason":"a test"}`} {
		var made struct{ Secret, Detail string }
		ask := func() {
			made.Secret, made.Detail = "", ""
			at.Do(http.MethodPost, key, "/v1/tenants/casino-z/"+path, body, "Idempotency-Key", path).Want(http.StatusCreated, "").Into(&made)
		}
		if ask(); made.Secret == "" || made.Detail != "" {
			t.Errorf("%s: %+v", path, made)
		}
		if ask(); made.Secret != "" || !strings.Contains(made.Detail, "is not kept") {
			t.Errorf("%s again: %+v", path, made)
		}
	}
}

// TestAnAnswerThatIsInTheLogSaysWhere has a process whose doctor panics.
func TestAnAnswerThatIsInTheLogSaysWhere(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, webtest.WithoutPlatform)
	at, key := automation(t, c)
	works(t, c)
	var all struct{ Jobs []jobs.Job }
	a := at.Do(http.MethodPost, key, "/v1/doctor", "").Want(http.StatusInternalServerError, "internal")
	at.Get(key, "/v1/jobs?kind=doctor").Want(http.StatusOK, "").Into(&all)
	if len(all.Jobs) != 1 || !strings.Contains(string(a.Body), all.Jobs[0].ID.String()) {
		t.Errorf("%s, %+v", a.Body, all.Jobs)
	}
}
