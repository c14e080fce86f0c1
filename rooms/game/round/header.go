package round

import (
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Time is a time whose JSON has exactly three digits after the seconds.
type Time struct{ time.Time }

// After returns the time ms milliseconds after at.
func After(at time.Time, ms int64) Time { return Time{at.Add(millis(ms))} }

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// Header is the head of the events of a round.
type Header struct {
	Round int64 `json:"round"`
}

// RoundNo implements game.InRound.
func (h Header) RoundNo() int64 { return h.Round }

// Posting returns a posting of that kind which refers to the round.
func (h Header) Posting(kind string, who game.PlayerID, amount game.Money) game.Posting {
	return game.Posting{Kind: kind, Player: who, Amount: amount, Ref: game.RoundRef(h.Round)}
}
