package db_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// TestOnlyTheServerItselfSaysThatATransactionWasUndone has a pooler end a client with an ERROR, as
// some do when the connection to the server is lost, perhaps in the middle of a commit. A pooler's
// errors have no severity that is not translated; the server's have.
func TestOnlyTheServerItselfSaysThatATransactionWasUndone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  pgconn.PgError
		want bool
	}{
		{pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "55P03"}, true},
		{pgconn.PgError{Severity: "FEHLER", SeverityUnlocalized: "ERROR", Code: "57014"}, true},
		{pgconn.PgError{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01"}, false},
		{pgconn.PgError{Severity: "ERROR", Code: "08P01", Message: "server conn crashed?"}, false},
		{pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "08006"}, false},
	} {
		if got := db.Undone(fmt.Errorf("commit: %w", &c.err)); got != c.want {
			t.Errorf("%+v: %v", c.err, got)
		}
	}
}
