package main

import (
	"fmt"
	"time"
)

// instant is the value of a flag that is a time by RFC 3339.
type instant struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *instant) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("want a time as 2026-12-31T18:00:00Z, not %q", text)
	}
	return nil
}
