package db_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestAFullDiskIsSaidOnceAndTurnsHealthRed(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	var log bytes.Buffer
	s, admin := storetest.Open(t, d, store.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	if err := s.Health(); err != nil {
		t.Fatal(err)
	}
	storetest.Super(t, d, storetest.Raise(ref.Tenant.Schema()+".event", "53100"))
	for range 3 {
		if _, err := s.Journal.Append(t.Context(), ref, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10))); !errors.Is(err, db.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if err := s.Health(); !errors.Is(err, db.ErrDisk) || !strings.Contains(err.Error(), "53100") {
		t.Errorf("Health: %v", err)
	}
	if n := strings.Count(log.String(), "takes no writes"); n != 1 {
		t.Errorf("it was said %d times: %s", n, log.String())
	}
	if storetest.Metric(t, s, "pitboss_store_failing") != 1 {
		t.Error("the metric does not say so")
	}
	s.WaitForDisk()
	if err := s.Health(); err != nil {
		t.Errorf("after a while without a refused write: %v", err)
	}
}
