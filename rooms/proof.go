package rooms

import (
	"fmt"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Proof says whether what a round was committed to is public.
type Proof struct {
	State ProofState
	Later bool // the event of a later round has the seed
	Final bool // the round is over, and its proof does not change any more
}

// ProofState is a stage on the way of a round's seed. It is empty for a round of a game without seeds.
type ProofState string

// The seed of a round is secret at first, and becomes public; or it is lost.
const (
	ProofPending ProofState = "pending" // the seed is secret: the round is under way, or it serves later rounds too
	ProofReady   ProofState = "ready"   // the seed is public
	ProofLost    ProofState = "lost"    // a later round had another seed, and this one was never public
)

// Proof looks for the seed of a round of the game of that name: in the round's own events, or in later, which is
// the first event after them that reveals a seed; nil if there is none. Since a room has one open seed at most,
// that is the round's, or the round's is lost. The error is ErrGame, or says that an event cannot be read.
func (d *Directory) Proof(gameName string, round []Record, later *Record) (Proof, error) {
	kind, ok := d.o.Kinds[gameName]
	if !ok {
		return Proof{}, fmt.Errorf("%w: %q", ErrGame, gameName)
	}
	var committed, revealed game.Commitment
	ended := false
	for _, rec := range round {
		ev, err := decode(kind, rec)
		if err != nil {
			return Proof{}, err
		}
		if c, ok := ev.(game.Committer); ok {
			committed, _ = c.Commits()
		}
		if c := revealedBy(ev); !c.IsZero() {
			revealed = c
		}
		if _, ok := ev.(game.RoundEnder); ok {
			ended = true
		}
	}
	if committed.IsZero() {
		return Proof{Final: ended}, nil
	}
	if revealed == committed {
		return Proof{State: ProofReady, Final: ended}, nil
	}
	if later == nil {
		return Proof{State: ProofPending}, nil
	}
	ev, err := decode(kind, *later)
	if err != nil {
		return Proof{}, err
	}
	if revealedBy(ev) == committed {
		return Proof{State: ProofReady, Later: true, Final: ended}, nil
	}
	return Proof{State: ProofLost, Final: ended}, nil
}

// revealedBy returns the commitment to the seed that an event reveals, zero if it reveals none.
func revealedBy(ev game.Event) game.Commitment {
	if r, ok := ev.(game.Revealer); ok && !r.Reveals().IsZero() {
		return r.Reveals().Commit()
	}
	return game.Commitment{}
}
