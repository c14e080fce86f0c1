package round

import (
	"encoding/json"
	"fmt"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// The commands of a player. Only Config.command makes them.
type (
	bet[P Position] struct {
		meant
		stakes []Stake[P] // at least one; a position may come more than once
	}
	undo     struct{ meant }
	clearAll struct{ meant } // the command "clear"
)

// meant names the round that a command is for; nil: the open one.
type meant struct{ round *int64 }

func (m meant) other(round int64) bool { return m.round != nil && *m.round != round }

// command implements game.Kind.Command. body may repeat the type.
func (c *Config[P]) command(typ string, body json.RawMessage) (any, error) {
	if len(body) == 0 {
		body = json.RawMessage("{}")
	}
	switch typ {
	case "bet":
		return c.readBet(body)
	case "undo":
		m, err := readEmpty(typ, body)
		return undo{m}, err
	case "clear":
		m, err := readEmpty(typ, body)
		return clearAll{m}, err
	}
	return nil, invalid("%s has no command %.40q; it has bet, undo and clear.", c.Title, typ)
}

func (c *Config[P]) readBet(body json.RawMessage) (any, error) {
	var in struct {
		Type  string `json:"type"`
		Round *int64 `json:"round"`
		Bets  []struct {
			Position string     `json:"position"`
			Amount   game.Money `json:"amount"`
		} `json:"bets"`
	}
	if err := game.Decode(body, &in); err != nil {
		return nil, invalid("A bet is a list of {position, amount} with whole amounts in minor units: %.120s.", err)
	}
	if len(in.Bets) == 0 {
		return nil, invalid("A bet names at least one position.")
	}
	b := bet[P]{meant{in.Round}, make([]Stake[P], len(in.Bets))}
	for i, s := range in.Bets {
		p, ok := c.Parse(s.Position)
		if !ok {
			return nil, invalid("There is no position %.40q on this table.", s.Position)
		}
		if s.Amount <= 0 {
			return nil, invalid("The amount on %s is %d and must be above 0.", p, s.Amount)
		}
		b.stakes[i] = Stake[P]{p, s.Amount}
	}
	return b, nil
}

// readEmpty refuses a command that has members besides its type and its round.
func readEmpty(typ string, body json.RawMessage) (meant, error) {
	var in struct {
		Type  string `json:"type"`
		Round *int64 `json:"round"`
	}
	if err := game.Decode(body, &in); err != nil {
		return meant{}, invalid("The command %s has nothing but its type and its round: %.120s.", typ, err)
	}
	return meant{in.Round}, nil
}

func invalid(format string, args ...any) error {
	return game.Refuse(game.CodeInvalidCommand, fmt.Sprintf(format, args...))
}

// limit refuses a command that does not keep a limit, which the message states.
func limit(of game.Params, format string, args ...any) error {
	r := game.Refuse(game.CodeLimitReached, fmt.Sprintf(format, args...))
	r.Params = &of
	return r
}

func roomClosed() error { return game.Refuse(game.CodeRoomClosed, "This table is closed.") }
