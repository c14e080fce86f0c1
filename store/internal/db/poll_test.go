package db_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/store/internal/db"
)

func TestAPollerSaysOnceThatItFailsAndThatItRecovered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := &db.DB{Log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		began := time.Now()
		err := d.Poll(ctx, db.Poller{Failed: "it fails", Recovered: "it works", Ask: func(context.Context) error {
			asked++
			switch {
			case asked == 10:
				cancel()
				return context.Canceled
			case asked >= 3 && asked <= 6:
				return errors.New("no")
			}
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
		if took := time.Since(began); asked != 10 || took != 2500*time.Millisecond {
			t.Errorf("asked %d times in %v", asked, took)
		}
		if failed, works := strings.Count(log.String(), "it fails"), strings.Count(log.String(), "it works"); failed != 1 || works != 1 {
			t.Errorf("said %d and %d times: %s", failed, works, log.String())
		}
	})
}
