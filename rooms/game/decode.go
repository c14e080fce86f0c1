package game

import (
	"encoding/json"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

// Decode decodes what somebody sent, a command or settings, into the value at v. It accepts only the exact
// names that v has. Its error is written for the sender. (See package strict.)
func Decode(raw json.RawMessage, v any) error { return strict.Decode(raw, v) }

// DecodeKnown decodes what was stored, as in a snapshot, into the value at v, and ignores what a later
// version added.
func DecodeKnown(raw json.RawMessage, v any) error { return strict.DecodeKnown(raw, v) }
