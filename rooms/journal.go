package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

var (
	// ErrFenced means that the room has another owner, or another position than the writer believed:
	// nothing was written, and the writer must drop the room.
	ErrFenced = errors.New("rooms: another node owns this room")
	// ErrNotWritten means that nothing was written, and that no row of the batch is to blame: the database
	// was unreachable, full or read-only, or something was locked. The same batch may be written later.
	ErrNotWritten = errors.New("rooms: nothing was written")
	// ErrUnwritable means that nothing was written and never will be: the batch contains something that the
	// journal cannot store. It is an ErrNotWritten too.
	ErrUnwritable = fmt.Errorf("%w: the batch cannot be stored", ErrNotWritten)
	// ErrNotFound means that the tenant has no such room.
	ErrNotFound = errors.New("rooms: no such room")
	// ErrExists means that the tenant already has, or had, a room of that id.
	ErrExists = errors.New("rooms: a room of this id exists or existed")
	// ErrTooManyRooms means that RoomsMax rooms of the tenant are open.
	ErrTooManyRooms = errors.New("rooms: too many rooms are open")
	// ErrRoomID means that a text is not a valid room id.
	ErrRoomID = errors.New("rooms: a room's id is 1 to 40 lower-case letters, digits and hyphens, and starts with a letter")
)

// RefusalLife is how long a refused command's answer is kept, at least.
const RefusalLife = 24 * time.Hour

// AnyEpoch claims a room whatever its epoch.
const AnyEpoch = -1

// LobbyID is the id of every tenant's lobby.
const LobbyID = "lobby"

var idForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// Ref names a room. The zero Ref names none.
type Ref = placement.Ref

// NewRef returns the Ref of a tenant's room, or ErrRoomID if room is not a valid room id.
func NewRef(t tenant.ID, room string) (Ref, error) {
	if !idForm.MatchString(room) {
		return Ref{}, fmt.Errorf("%w: %q", ErrRoomID, room)
	}
	return Ref{Tenant: t, Room: room}, nil
}

// RefOf returns the room whose Topic t is. The error is ErrNotFound if t is no room's.
func RefOf(t tenant.Topic) (Ref, error) {
	if t.Kind() != placement.TopicKind {
		return Ref{}, fmt.Errorf("%w: %s", ErrNotFound, t)
	}
	return NewRef(t.Tenant(), t.Key())
}

// PlayerTopic returns the topic of messages to one player alone, such as balances.
func PlayerTopic(t tenant.ID, p game.PlayerID) tenant.Topic { return t.Topic("player", string(p)) }

// Status is a stage of a room's life.
type Status = placement.Status

// A room is open, then closing, then closed, for good.
const (
	Open    = placement.Open
	Closing = placement.Closing
	Closed  = placement.Closed
)

// Config is what a room was opened with.
type Config = placement.Config

// Record is an event as it is stored.
type Record struct {
	Seq, Epoch int64
	At         time.Time
	Type       string
	Round      int64 // 0: belongs to no round
	Reveals    bool  // makes the open seed public; false in journals of before
	Data       json.RawMessage
}

// Saved is a room as the journal has it.
type Saved struct {
	Config
	Status      Status
	Epoch, Seq  int64
	Snapshot    json.RawMessage // the game's state at SnapshotSeq; nil: before the first event
	SnapshotSeq int64
	Tail        []Record  // the events after SnapshotSeq, up to Seq
	Seed        game.Seed // the seed committed and not revealed yet; zero if none
	SeedEpoch   int64     // in which the room committed to it
}

// Journal stores rooms' events together with the money that they move.
type Journal interface {
	// Claim makes node the owner of the room: it raises the room's epoch, so that every
	// earlier owner's Append fails with ErrFenced, and returns the room as it is. The epoch is one
	// that no claim ever gave the room, also if the database has gone back since: placement.FirstEpoch of its
	// generation at least. seen is the
	// epoch that the claimer believes the room to have: if it has another, somebody else was
	// quicker, and the error is ErrFenced; AnyEpoch claims in any case. It returns ErrNotFound.
	Claim(ctx context.Context, ref Ref, node string, seen int64) (Saved, error)

	// Append writes a batch: its events, answers, postings, audit lines and seed, all or
	// nothing. A nil error means that it is durable. Errors:
	//   - *Conflict: nothing was written, because of single entries, which it names. The
	//     caller answers those and appends the rest, decided anew.
	//   - ErrFenced: nothing was written; drop the room.
	//   - ErrUnwritable: nothing was written, and the same batch never will be.
	//   - ErrNotWritten: nothing was written. The room is where it was; no Claim is needed.
	//   - anything else: not known whether it was written; Claim again and see.
	//
	// An accepted command is kept for good, a refused one for RefusalLife at least. As long as a
	// command is kept, the same id of the same player has no effect: it is Answered if it comes
	// from the same room with the same Digest, else Reused.
	Append(ctx context.Context, ref Ref, b Batch) ([]Answer, error)

	// Since returns at most limit events after seq, in order.
	Since(ctx context.Context, ref Ref, seq int64, limit int) ([]Record, error)
}

// Batch is what a room wants written after the events that it has.
type Batch struct {
	Epoch, Seq int64   // the owner's epoch, and the room's last seq before the batch
	Entries    []Entry // in order
	// Snapshot, if not nil, is the game's state after the last entry.
	Snapshot json.RawMessage
	// Commit, if not zero, is a seed that an event of the batch commits to; it is stored
	// sealed and becomes the room's open seed. Reveal says that the open seed was made
	// public by an event of the batch: it is dropped. If both are set, Reveal came first.
	Commit game.Seed
	Reveal bool
	Status Status // the room's status after the batch
}

// Entry is one command's effect.
type Entry struct {
	Command *CommandKey   // whose command it was; nil for the room's own
	Digest  int64         // of what the command asked for; 0: not known, and compared with nothing
	Audit   *Audit        // what goes into the audit log; nil if nothing does
	Refusal *game.Refusal // the rules said no: only this answer is kept, there are no records
	Records []Record
	Moves   []game.Posting
}

// CommandKey identifies a command.
type CommandKey struct {
	Player game.PlayerID
	ID     string // a UUID
}

// Audit is a line of the audit log.
type Audit struct {
	Actor  string          `json:"actor"`
	Action string          `json:"action"` // promotion.publish, room.close …
	Target string          `json:"target"`
	Reason string          `json:"reason,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	Origin
}

// Origin says by what, from where and in which request somebody did something. The platform and the command line
// have none.
type Origin struct {
	Address    string `json:"address,omitempty"`    // the IP address
	Credential string `json:"credential,omitempty"` // what auth.Principal.Credential returns
	Request    string `json:"request,omitempty"`    // the X-Request-Id
}

// Answer is the answer to a command, and to every repetition of it while it is kept.
type Answer struct {
	Epoch   int64         `json:"epoch"`
	Seq     int64         `json:"seq"` // the last event of the entry
	Refusal *game.Refusal `json:"refusal,omitempty"`
	// Balance of the command's player after the entry, in minor units, with its version.
	Balance        game.Money `json:"balance"`
	BalanceVersion int64      `json:"balance_version"`
	// Balances of every player whose money the entry moved, to be pushed. Not stored.
	Balances []PlayerBalance `json:"-"`
}

// PlayerBalance is a player's money after an entry.
type PlayerBalance struct {
	Player  game.PlayerID
	Balance game.Money
	Version int64 // rises with every posting to the player's account
}

// Conflict names entries of a batch that cannot be written as they are.
type Conflict struct {
	// Answered maps an entry's index to the first answer of a command that was answered before.
	Answered map[int]Answer
	// Reused holds the index of each command whose id the player used for another command, or in another
	// room.
	Reused map[int]bool
	// Unfunded holds the index of each command whose stake exceeds the player's balance.
	Unfunded map[int]bool
}

// Error implements error.
func (c *Conflict) Error() string {
	return fmt.Sprintf("rooms: %d commands answered before, %d reused ids, %d lack funds",
		len(c.Answered), len(c.Reused), len(c.Unfunded))
}
