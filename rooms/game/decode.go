package game

import (
	"encoding/json"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// Decode decodes what somebody sent, a command or settings, into the value at v: exact names, and
// no others than v has. Its error is for the sender to read. (See package strict.)
func Decode(raw json.RawMessage, v any) error { return strict.Decode(raw, v) }

// DecodeKnown decodes what was kept, as in a snapshot, into the value at v, and ignores what a later
// version added.
func DecodeKnown(raw json.RawMessage, v any) error { return strict.DecodeKnown(raw, v) }
