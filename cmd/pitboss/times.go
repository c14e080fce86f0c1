package main

import (
	"fmt"
	"time"
)

// date is the value of a flag that is a day, in UTC: the moment at which it begins.
type date struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *date) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("want a day as 2026-12-31, not %q", text)
	}
	return nil
}

// instant is the value of a flag that is a time by RFC 3339.
type instant struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *instant) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("want a time as 2026-12-31T18:00:00Z, not %q", text)
	}
	return nil
}
