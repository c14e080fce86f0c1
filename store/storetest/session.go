package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// sessionPatience bounds a statement of a Session, and the connect.
const sessionPatience = 20 * time.Second

// Session opens a connection to the database at url, for tests that run their own statements or
// hold locks beside a node, and returns a function that runs statements on it, one after the other.
// The connection is closed when the test ends.
func Session(t testing.TB, url string) (exec func(sql ...string)) {
	t.Helper()
	connecting, cancel := context.WithTimeout(context.Background(), sessionPatience)
	defer cancel()
	conn, err := pgx.Connect(connecting, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return func(sql ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), sessionPatience)
		defer cancel()
		for _, q := range sql {
			if _, err := conn.Exec(ctx, q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
	}
}
