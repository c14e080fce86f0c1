package baccarat

// Who is dealt cards, and how a hand can end. They are names of positions too.
const (
	player = "player"
	banker = "banker"
	tie    = "tie"
)

// Hand is a hand on the table, dealt in part or to its end.
type Hand struct {
	Player []Card `json:"player"`
	Banker []Card `json:"banker"`
}

// points returns the points of one side's cards.
func points(cards []Card) (sum int) {
	for _, c := range cards {
		sum += c.counts()
	}
	return sum % 10
}

// next returns who is dealt the next card; nobody, "", if the hand is at its end.
func (h *Hand) next() string {
	switch {
	case len(h.Player) == len(h.Banker) && len(h.Player) < 2:
		return player
	case len(h.Banker) < 2:
		return banker
	}
	p, b := points(h.Player), points(h.Banker)
	switch {
	case len(h.Banker) == 3:
		return ""
	case len(h.Player) == 3:
		// Nobody had a natural, or player would have no third card.
		if third := h.Player[2].counts(); bankerDraws(b, third) {
			return banker
		}
	case p >= 8 || b >= 8:
		return ""
	case draws(p):
		return player
	case draws(b):
		return banker
	}
	return ""
}

// draws reports whether a side with these points draws: player, and banker if player stood.
func draws(points int) bool { return points <= 5 }

// bankerDraws reports whether banker draws with these points, if player's third card counts third.
func bankerDraws(points, third int) bool {
	switch points {
	case 0, 1, 2:
		return true
	case 3:
		return third != 8
	case 4:
		return 2 <= third && third <= 7
	case 5:
		return 4 <= third && third <= 7
	case 6:
		return 6 <= third && third <= 7
	}
	return false
}

// side returns the cards of player or banker.
func (h *Hand) side(to string) *[]Card {
	if to == player {
		return &h.Player
	}
	return &h.Banker
}

// give deals a card to player or banker. It leaves other copies of the hand as they are.
func (h *Hand) give(to string, c Card) {
	cards := h.side(to)
	*cards = append((*cards)[:len(*cards):len(*cards)], c)
}

// pair reports whether the first two cards have the same rank.
func pair(cards []Card) bool { return cards[0].rank() == cards[1].rank() }
