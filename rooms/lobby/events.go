package lobby

import (
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// typeEnded is the type of Ended. The other two are pushed under methods of their own.
const typeEnded = "promotion.ended"

func event(typ string) game.Event {
	switch typ {
	case wire.PushPromotionPublished:
		return &Published{}
	case wire.PushPromotionWithdrawn:
		return &Withdrawn{}
	case typeEnded:
		return &Ended{}
	case game.TypeClosed:
		return &game.Closed{}
	}
	return nil
}

// Published is the event promotion.published. Players see it without By.
type Published struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Text        string    `json:"text"`
	PublishedAt wire.Time `json:"published_at"`
	EndsAt      wire.Time `json:"ends_at"`
	By          string    `json:"by"`
}

var _ game.Redactor = (*Published)(nil)

// Type implements game.Event.
func (*Published) Type() string { return wire.PushPromotionPublished }

// Method implements game.Pushed.
func (*Published) Method() string { return wire.PushPromotionPublished }

// Urgency implements game.Urgent.
func (*Published) Urgency() game.Urgency { return game.UrgencyPromotion }

func (p *Published) promotion() wire.Promotion {
	return wire.Promotion{ID: p.ID, Title: p.Title, Text: p.Text, PublishedAt: p.PublishedAt, EndsAt: p.EndsAt}
}

// Public implements game.Redactor.
func (p *Published) Public() any { return p.promotion() }

// Audience implements game.Redactor: nobody sees more.
func (*Published) Audience() []game.PlayerID { return nil }

// For implements game.Redactor.
func (p *Published) For(game.PlayerID) any { return p.Public() }

// Withdrawn is the event promotion.withdrawn. Players see it without By and Reason.
type Withdrawn struct {
	ID     string `json:"id"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

var _ game.Redactor = (*Withdrawn)(nil)

// Type implements game.Event.
func (*Withdrawn) Type() string { return wire.PushPromotionWithdrawn }

// Method implements game.Pushed.
func (*Withdrawn) Method() string { return wire.PushPromotionWithdrawn }

// Urgency implements game.Urgent.
func (*Withdrawn) Urgency() game.Urgency { return game.UrgencyPromotion }

// Public implements game.Redactor.
func (w *Withdrawn) Public() any { return wire.PromotionWithdrawn{ID: w.ID} }

// Audience implements game.Redactor: nobody sees more.
func (*Withdrawn) Audience() []game.PlayerID { return nil }

// For implements game.Redactor.
func (w *Withdrawn) For(game.PlayerID) any { return w.Public() }

// Ended is the event promotion.ended: a promotion's end has come.
type Ended struct {
	ID string `json:"id"`
}

// Type implements game.Event.
func (*Ended) Type() string { return typeEnded }
