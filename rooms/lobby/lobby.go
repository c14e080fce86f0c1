package lobby

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Limits of promotions.
const (
	// ActiveMax is how many promotions are active at once.
	ActiveMax = 100
	// PastMax is how many ended and withdrawn ones are remembered.
	PastMax = 200
	// ActiveBytesMax bounds the texts of all active ones, which every new socket is sent.
	ActiveBytesMax = 64 << 10
	// IDBytesMax bounds a promotion's id.
	IDBytesMax = 64
	// TitleRunesMax, TextRunesMax and ReasonRunesMax bound the texts.
	TitleRunesMax  = 120
	TextRunesMax   = 2000
	ReasonRunesMax = 500
	// LongestRun is how far away an end may be.
	LongestRun = 366 * 24 * time.Hour
)

// Commands.
const (
	TypePublish  = "promotion.publish"
	TypeWithdraw = "promotion.withdraw"
)

// Publish is the command that tells everybody something, until EndsAt.
type Publish struct {
	ID     strict.Line `json:"id"`
	Title  strict.Line `json:"title"`
	Text   strict.Text `json:"text"`
	EndsAt wire.Time   `json:"ends_at"`
}

// Target implements game.Targeted: the promotion's id.
func (p *Publish) Target() string { return string(p.ID) }

// Withdraw is the command that withdraws a promotion.
type Withdraw struct {
	ID     strict.Line `json:"id"`
	Reason strict.Line `json:"reason,omitempty"`
}

// Target implements game.Targeted: the promotion's id.
func (w *Withdraw) Target() string { return string(w.ID) }

// Why implements game.Reasoned.
func (w *Withdraw) Why() string { return strings.TrimSpace(string(w.Reason)) }

// Kind is the lobby as a game. It has no settings.
var Kind = game.Kind{Name: "lobby", New: newLobby, Command: command, Event: event}

func newLobby(settings json.RawMessage) (game.Rules, error) {
	if s := bytes.TrimSpace(settings); len(s) > 0 && !bytes.Equal(s, []byte(`{}`)) {
		return nil, errors.New("lobby: a lobby has no settings")
	}
	return &Lobby{}, nil
}

func command(typ string, body json.RawMessage) (any, error) {
	switch typ {
	case TypePublish:
		var c struct {
			Type string `json:"type"`
			Publish
		}
		return &c.Publish, read(body, &c)
	case TypeWithdraw:
		var c struct {
			Type string `json:"type"`
			Withdraw
		}
		return &c.Withdraw, read(body, &c)
	}
	return nil, invalid("The lobby knows no such command.")
}

func read(body json.RawMessage, into any) error {
	if err := game.Decode(body, into); err != nil {
		return invalid("The command cannot be read: " + err.Error() + ".")
	}
	return nil
}

func invalid(message string) error { return game.Refuse(game.CodeInvalidCommand, message) }

// Lobby is the state of a lobby.
type Lobby struct {
	Active []Published `json:"active"` // by age, oldest first
	Past   []Past      `json:"past"`   // by end, latest last
	Closed bool        `json:"closed,omitempty"`
}

// Past is a promotion that is over.
type Past struct {
	Published
	Status string `json:"status"`
}

// Where a promotion is in its life.
const (
	StatusActive    = "active"
	StatusWithdrawn = "withdrawn"
	StatusEnded     = "ended"
)

var _ game.Rules = (*Lobby)(nil)

// Decide implements game.Rules.
func (l *Lobby) Decide(cmd game.Command) ([]game.Event, error) {
	if _, tick := cmd.Body.(game.Tick); tick {
		return l.due(cmd.At), nil
	}
	if l.Closed {
		return nil, game.Refuse(game.CodeRoomClosed, "The lobby is closed.")
	}
	if c, ok := cmd.Body.(game.Close); ok {
		return []game.Event{&game.Closed{Reason: c.Reason}}, nil
	}
	if !cmd.By.Staff {
		return nil, game.Refuse(game.CodeForbidden, "Only the operator can do that.")
	}
	switch body := cmd.Body.(type) {
	case *Publish:
		return l.publish(cmd, body)
	case *Withdraw:
		return l.withdraw(cmd, body)
	}
	return nil, invalid("The lobby knows no such command.")
}

func (l *Lobby) activeBytes() int {
	n := 0
	for i := range l.Active {
		n += len(l.Active[i].Title) + len(l.Active[i].Text)
	}
	return n
}

func (l *Lobby) publish(cmd game.Command, p *Publish) ([]game.Event, error) {
	title, text := p.Title, p.Text
	switch {
	case p.ID == "" || len(p.ID) > IDBytesMax:
		return nil, invalid(fmt.Sprintf("A promotion's id has 1 to %d bytes.", IDBytesMax))
	case l.known(string(p.ID)):
		return nil, invalid("A promotion of this id exists or existed.")
	case !strict.Trim(&title, 1, TitleRunesMax):
		return nil, invalid(fmt.Sprintf("The title has 1 to %d characters.", TitleRunesMax))
	case !strict.Trim(&text, 1, TextRunesMax):
		return nil, invalid(fmt.Sprintf("The text has 1 to %d characters.", TextRunesMax))
	}
	ends := p.EndsAt.UTC().Truncate(time.Millisecond)
	switch {
	case !ends.After(cmd.At) || ends.Sub(cmd.At) > LongestRun:
		return nil, invalid("The end is in the future, and at most a year away.")
	case l.activeBytes()+len(title)+len(text) > ActiveBytesMax:
		return nil, game.Refuse(game.CodeLimitReached, fmt.Sprintf("The active promotions have %d bytes of words at most; withdraw one.", ActiveBytesMax))
	case len(l.Active) >= ActiveMax:
		return nil, game.Refuse(game.CodeLimitReached, fmt.Sprintf("At most %d promotions are active at once.", ActiveMax))
	}
	return []game.Event{&Published{
		ID: string(p.ID), Title: string(title), Text: string(text), PublishedAt: wire.At(cmd.At), EndsAt: wire.At(ends), By: string(cmd.By.Player),
	}}, nil
}

func (l *Lobby) withdraw(cmd game.Command, w *Withdraw) ([]game.Event, error) {
	reason := w.Reason
	switch {
	case l.find(string(w.ID)) < 0:
		return nil, invalid("There is no active promotion of this id.")
	case !strict.Trim(&reason, 0, ReasonRunesMax):
		return nil, invalid(fmt.Sprintf("A reason has at most %d characters.", ReasonRunesMax))
	}
	return []game.Event{&Withdrawn{ID: string(w.ID), By: string(cmd.By.Player), Reason: string(reason)}}, nil
}

// due returns an event that ends each promotion whose end has come.
func (l *Lobby) due(now time.Time) []game.Event {
	var out []game.Event
	for _, p := range l.Active {
		if !l.Closed && !now.Before(p.EndsAt.Time) {
			out = append(out, &Ended{ID: p.ID})
		}
	}
	return out
}

// Apply implements game.Rules.
func (l *Lobby) Apply(ev game.Event) {
	switch ev := ev.(type) {
	case *Published:
		l.Active = append(l.Active, *ev)
	case *Withdrawn:
		l.retire(ev.ID, StatusWithdrawn)
	case *Ended:
		l.retire(ev.ID, StatusEnded)
	case *game.Closed:
		l.Closed = true
	}
}

func (l *Lobby) retire(id, status string) {
	i := l.find(id)
	if i < 0 {
		return
	}
	l.Past = append(l.Past, Past{l.Active[i], status})
	l.Active = slices.Delete(l.Active, i, i+1)
	if extra := len(l.Past) - PastMax; extra > 0 {
		l.Past = slices.Delete(l.Past, 0, extra)
	}
}

func (l *Lobby) find(id string) int {
	return slices.IndexFunc(l.Active, func(p Published) bool { return p.ID == id })
}

func (l *Lobby) known(id string) bool {
	return l.find(id) >= 0 || slices.ContainsFunc(l.Past, func(p Past) bool { return p.ID == id })
}

// Wake implements game.Rules: when the next promotion ends.
func (l *Lobby) Wake() time.Time {
	var next time.Time
	for _, p := range l.Active {
		if !l.Closed && (next.IsZero() || p.EndsAt.Before(next)) {
			next = p.EndsAt.Time
		}
	}
	return next
}

// view is what players see.
type view struct {
	Promotions []wire.Promotion `json:"promotions"`
}

// View implements game.Rules: the active promotions, oldest first, for everybody.
func (l *Lobby) View(game.PlayerID) any {
	v := view{Promotions: []wire.Promotion{}}
	for i := range l.Active {
		v.Promotions = append(v.Promotions, l.Active[i].promotion())
	}
	return v
}

// Active returns the promotions in a View.
func Active(viewJSON json.RawMessage) ([]wire.Promotion, error) {
	var v view
	if err := game.DecodeKnown(viewJSON, &v); err != nil {
		return nil, fmt.Errorf("lobby: view: %w", err)
	}
	return v.Promotions, nil
}

// StaffView implements game.StaffViewer: {"promotions": […]}, newest first, each with its status
// and who published it.
func (l *Lobby) StaffView() any {
	out := struct {
		Promotions []Past `json:"promotions"`
	}{Promotions: append([]Past{}, l.Past...)}
	for _, p := range l.Active {
		out.Promotions = append(out.Promotions, Past{p, StatusActive})
	}
	slices.SortStableFunc(out.Promotions, func(a, b Past) int { return b.PublishedAt.Compare(a.PublishedAt.Time) })
	return out
}
