package roomstest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Fixture is a fresh tenant with a journal.
type Fixture struct {
	Journal rooms.Journal
	// Room opens a room of the tenant.
	Room func(t testing.TB, room string) rooms.Ref
	// Fund gives a player money.
	Fund func(t testing.TB, who game.PlayerID, amount game.Money)
	// Balance is a player's money; zero for a player who never had any.
	Balance func(t testing.TB, who game.PlayerID) game.Money
	// Sum adds up all accounts of the tenant: the trial balance.
	Sum func(t testing.TB) game.Money
	// Audits is the tenant's audit log, oldest first. It may have other lines too.
	Audits func(t testing.TB) []rooms.Audit
	// ForgetRefusals makes all refusals older than rooms.RefusalLife, and has them swept.
	ForgetRefusals func(t testing.TB)
}

// Journal tests what every rooms.Journal must do. setup is called once for each test.
func Journal(t *testing.T, setup func(t *testing.T) Fixture) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, f Fixture)
	}{
		{"ClaimOfNoRoomIsNotFound", claimOfNoRoomIsNotFound},
		{"EventsComeBackAsTheyWere", eventsComeBackAsTheyWere},
		{"ClaimFencesTheFormerOwner", claimFencesTheFormerOwner},
		{"ClaimOfARoomThatMovedOnIsFenced", claimOfARoomThatMovedOnIsFenced},
		{"WrongSeqIsFenced", wrongSeqIsFenced},
		{"OfTwoClaimantsOneWrites", ofTwoClaimantsOneWrites},
		{"MalformedBatchWritesNothing", malformedBatchWritesNothing},
		{"TextThatCanNotBeKeptIsUnwritable", textThatCanNotBeKeptIsUnwritable},
		{"StatusGoesOneWay", statusGoesOneWay},
		{"SeedSurvivesClaimUntilRevealed", seedSurvivesClaimUntilRevealed},
		{"SnapshotShortensTheTail", snapshotShortensTheTail},
		{"SinceIsInOrderAndBounded", sinceIsInOrderAndBounded},
		{"CommandIsAnsweredOnce", commandIsAnsweredOnce},
		{"RefusalIsAnsweredOnce", refusalIsAnsweredOnce},
		{"RefusalEndsAndAnAcceptedCommandDoesNot", refusalEndsAndAnAcceptedCommandDoesNot},
		{"CommandIDBelongsToOneRoomAndPlayer", commandIDBelongsToOneRoomAndPlayer},
		{"CommandIDBelongsToOneBody", commandIDBelongsToOneBody},
		{"CommandIDBelongsToOneAnswer", commandIDBelongsToOneAnswer},
		{"OneOfConcurrentDuplicatesIsWritten", oneOfConcurrentDuplicatesIsWritten},
		{"ConflictNamesAllAndWritesNothing", conflictNamesAllAndWritesNothing},
		{"AnswersHaveTheBalanceAfterEachEntry", answersHaveTheBalanceAfterEachEntry},
		{"AuditIsWrittenWithItsBatchOnly", auditIsWrittenWithItsBatchOnly},
		{"MoneyIsConserved", moneyIsConserved},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, setup(t))
		})
	}
}

// Random returns a source whose seed is printed when the test fails. A test binary that has
// a flag -seed replays with it.
func Random(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	if f := flag.Lookup("seed"); f != nil {
		if n, err := strconv.ParseUint(f.Value.String(), 10, 64); err == nil && n != 0 {
			seed = n
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -seed=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// writer appends to one room as its owner.
type writer struct {
	f          Fixture
	ref        rooms.Ref
	epoch, seq int64
}

func own(t *testing.T, f Fixture, ref rooms.Ref) *writer {
	t.Helper()
	s := claim(t, f, ref)
	return &writer{f, ref, s.Epoch, s.Seq}
}

func claim(t *testing.T, f Fixture, ref rooms.Ref) rooms.Saved {
	t.Helper()
	s, err := f.Journal.Claim(t.Context(), ref, "node-1", rooms.AnyEpoch)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	return s
}

// batch returns a batch of entries at the writer's position.
func (w *writer) batch(entries ...rooms.Entry) rooms.Batch {
	b := rooms.Batch{Epoch: w.epoch, Seq: w.seq, Status: rooms.Open}
	seq := w.seq
	for _, e := range entries {
		e.Records = append([]rooms.Record(nil), e.Records...)
		for i := range e.Records {
			seq++
			e.Records[i].Seq, e.Records[i].Epoch = seq, w.epoch
		}
		b.Entries = append(b.Entries, e)
	}
	return b
}

func (w *writer) append(t *testing.T, b rooms.Batch) ([]rooms.Answer, error) {
	t.Helper()
	answers, err := w.f.Journal.Append(t.Context(), w.ref, b)
	if err == nil {
		for _, e := range b.Entries {
			w.seq += int64(len(e.Records))
		}
		if len(answers) != len(b.Entries) {
			t.Fatalf("%d answers to %d entries", len(answers), len(b.Entries))
		}
	}
	return answers, err
}

func (w *writer) must(t *testing.T, b rooms.Batch) []rooms.Answer {
	t.Helper()
	answers, err := w.append(t, b)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return answers
}

// conflict appends a batch that cannot be written.
func (w *writer) conflict(t *testing.T, b rooms.Batch) *rooms.Conflict {
	t.Helper()
	_, err := w.append(t, b)
	var c *rooms.Conflict
	if !errors.As(err, &c) {
		t.Fatalf("append: got %v, want a conflict", err)
	}
	return c
}

func event(typ string) rooms.Entry {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	return rooms.Entry{Records: []rooms.Record{{At: at, Type: typ, Round: 7, Data: json.RawMessage(`{"of":"` + typ + `"}`)}}}
}

func of(e rooms.Entry, who game.PlayerID, id string) rooms.Entry {
	e.Command = &rooms.CommandKey{Player: who, ID: id}
	return e
}

func moving(e rooms.Entry, kind string, who game.PlayerID, amount game.Money) rooms.Entry {
	e.Moves = append(append([]game.Posting(nil), e.Moves...), game.Posting{Kind: kind, Player: who, Amount: amount, Ref: "round 7"})
	return e
}

// bet returns a player's command that stakes money.
func bet(who game.PlayerID, amount game.Money) rooms.Entry {
	return moving(of(event("bet.placed"), who, uuid.NewString()), game.Stake, who, amount)
}

func (f Fixture) wants(t *testing.T, balances map[game.PlayerID]game.Money) {
	t.Helper()
	for who, want := range balances {
		if got := f.Balance(t, who); got != want {
			t.Errorf("%s has %d, want %d", who, got, want)
		}
	}
	if sum := f.Sum(t); sum != 0 {
		t.Errorf("the accounts add up to %d", sum)
	}
}

func gapless(records []rooms.Record, from int64) error {
	for i, r := range records {
		if r.Seq != from+int64(i) {
			return fmt.Errorf("event %d where %d should be", r.Seq, from+int64(i))
		}
	}
	return nil
}
