package baccarat

import (
	"fmt"
	"strings"
)

const (
	ranks = "A23456789TJQK"
	suits = "cdhs"
)

// Card is a card of a deck: its rank, from the ace, is Card mod 13, its suit Card / 13. Its text form is
// that of docs/games/baccarat.md: "Th".
type Card uint8

const deck = Card(len(ranks) * len(suits))

// rank returns the card's rank, 0 for an ace to 12 for a king.
func (c Card) rank() int { return int(c) % len(ranks) }

// counts returns what the card counts in a hand.
func (c Card) counts() int { return c.burns() % 10 }

// burns returns how many cards are put away after the card when it is a shoe's first.
func (c Card) burns() int { return min(c.rank()+1, 10) }

// String returns the card's text form.
func (c Card) String() string {
	return string([]byte{ranks[c.rank()], suits[int(c)/len(ranks)]})
}

// MarshalText implements encoding.TextMarshaler.
func (c Card) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Card) UnmarshalText(b []byte) error {
	if len(b) == 2 {
		rank, suit := strings.IndexByte(ranks, b[0]), strings.IndexByte(suits, b[1])
		if rank >= 0 && suit >= 0 {
			*c = Card(suit*len(ranks) + rank)
			return nil
		}
	}
	return fmt.Errorf("baccarat: unknown card %.10q", b)
}
