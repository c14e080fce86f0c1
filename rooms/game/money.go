package game

// Money is an amount in minor units of the tenant's currency (cents for EUR). It is
// never a float.
type Money int64

// Posting kinds.
const (
	Stake  = "stake"  // player → the room's till
	Payout = "payout" // the room's till → player
	Refund = "refund" // the room's till → player: a stake given back
)

// Posting is money that an event moves between one player and the room's till. The
// direction follows from the kind.
type Posting struct {
	Kind   string   // Stake, Payout or Refund
	Player PlayerID //
	Amount Money    // > 0
	Ref    string   // what for, e.g. "round 17"
}

// Postings returns what ev moves; nil if it moves nothing.
func Postings(ev Event) []Posting {
	if m, ok := ev.(Mover); ok {
		return m.Postings()
	}
	return nil
}
