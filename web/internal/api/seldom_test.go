package api

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestALineIsLoggedOnceAMinuteWithHowManyWereLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := NewSeldom(slog.New(slog.NewTextHandler(&out, nil)))
		for range 1000 {
			s.Log(slog.LevelWarn, "lost", "who", "alice")
			s.Log(slog.LevelWarn, "found", "who", "bob")
		}
		<-time.After(seldomEvery)
		s.Log(slog.LevelWarn, "lost", "who", "carol")
		for line, n := range map[string]int{"msg=lost": 2, "msg=found": 1, "who=carol omitted=999": 1, "who=alice omitted=0": 1} {
			if got := strings.Count(out.String(), line); got != n {
				t.Errorf("%s is logged %d times:\n%s", line, got, out.String())
			}
		}
	})
}
