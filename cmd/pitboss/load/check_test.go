package load

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

var seed = game.Seed{3, 1, 4, 1, 5} // tails, tails, heads

// told is one thing that a player is told: an event, or the answer to bet number id.
type told struct {
	seq  int64
	typ  string
	data string
	id   int64 // of an answer; seq is what it says
}

// story is all that one player was told in a run of one round, and what the casino said of
// him at the end.
type story struct {
	told   []told
	wallet wire.Balance
	pushed wire.Balance
	books  trialBalance
}

// honest returns a story without a fault: 100 on heads, 10 on tails, which wins, and somebody else's bet
// between them.
func honest() *story {
	const paid = 20
	s := &story{told: []told{
		{seq: 2, typ: "started", data: `{"round":1,"closes_at":"2026-01-02T03:04:05.000Z"}`},
		{seq: 3, typ: "bet.placed", data: `{"round":1,"on":"heads","amount":100,"mine":true}`},
		{seq: 3, id: 1},
		{seq: 4, typ: "bet.placed", data: `{"round":1,"amount":7}`},
		{seq: 5, id: 2}, // before the event
		{seq: 5, typ: "bet.placed", data: `{"round":1,"on":"tails","amount":10,"mine":true}`},
		{seq: 6, typ: "closed", data: `{"round":1,"total":110}`},
		{seq: 7, typ: "tossed", data: fmt.Sprintf(`{"round":1,"side":"tails","seed":"%s"}`, seed.Hex())},
		{seq: 8, typ: "settled", data: `{"round":1,"side":"tails","staked":110,"paid":20,"own":{"staked":110,"payout":20,"bets":[{"position":"heads","amount":100,"payout":0},{"position":"tails","amount":10,"payout":20}]}}`},
		{seq: 9, typ: "opened", data: `{"round":2,"commitment":"` + game.Seed{9}.Commit().String() + `"}`},
	}}
	s.wallet = wire.Balance{Balance: int64(1000 - 110 + paid), Version: 4}
	s.pushed = s.wallet
	if err := json.Unmarshal(fmt.Appendf(nil, `{"sum":0,"ok":true,"accounts":[{"kind":"house","owner":"","balance":-1000},{"kind":"player","owner":"p1","balance":%d},{"kind":"till","owner":"t1","balance":%d}]}`,
		s.wallet.Balance, 110-paid), &s.books); err != nil {
		panic(err)
	}
	return s
}

// replace changes the text of the first thing told of that type.
func (s *story) replace(typ, old, with string) {
	for i := range s.told {
		if t := &s.told[i]; t.typ == typ && strings.Contains(t.data, old) {
			t.data = strings.Replace(t.data, old, with, 1)
			return
		}
	}
	panic("no " + old + " in a " + typ)
}

// skip removes the first thing told of that type, and the seqs behind it move up.
func (s *story) skip(typ string) {
	i := slices.IndexFunc(s.told, func(t told) bool { return t.typ == typ })
	s.told = slices.Delete(s.told, i, i+1)
	for ; i < len(s.told); i++ {
		s.told[i].seq--
	}
}

// violations returns the kinds of violations that the checks find in the story.
func (s *story) violations(t *testing.T) []string {
	t.Helper()
	r, p := newTestRun()
	p.book.balance = 1000
	p.book.epoch, p.book.seq = 1, 1
	p.table.applyView(1, &Event{Open: true, Round: 1, Commitment: seed.Commit()})
	p.waiting[1] = waiting{Bet{"heads", 100}, time.Now()}
	p.waiting[2] = waiting{Bet{"tails", 10}, time.Now()}
	for _, x := range s.told {
		frame := wire.Reply(fmt.Appendf(nil, "%d", x.id), wire.RoomCommandResult{Accepted: true, Epoch: 1, Seq: x.seq, Balance: 1})
		if x.id == 0 {
			frame = wire.EncodeRoomEvent(nil, wire.PushRoomEvent, &wire.RoomEvent{Room: "t1", Epoch: 1, Seq: x.seq, At: wire.At(time.Now()), Type: x.typ, Data: json.RawMessage(x.data)})
		}
		if err := p.scan(frame, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	p.wealth(s.pushed)
	p.finish()
	p.book.checkWallet(s.wallet, p.wallet)
	r.checkBooks(&s.books)
	found, _ := r.faults.found()
	var kinds []string
	for _, v := range found {
		t.Log(v)
		if !slices.Contains(kinds, v.Kind) {
			kinds = append(kinds, v.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

func TestEveryPlantedFaultIsFound(t *testing.T) {
	for _, c := range []struct {
		fault string
		plant func(*story)
		found []string // the kinds, all of them
	}{
		{"none", func(*story) {}, nil},
		{"an event is missing", func(s *story) { s.told = slices.Delete(s.told, 3, 4) }, []string{missingSeq}},
		{"an event comes twice", func(s *story) { s.told = slices.Insert(s.told, 4, s.told[3]) }, []string{doubledSeq}},
		{"two events change places", func(s *story) { s.told[0], s.told[1] = s.told[1], s.told[0] }, []string{doubledSeq, missingSeq}},
		{"a payout is one too high, and booked so", func(s *story) {
			s.replace("settled", `"amount":10,"payout":20`, `"amount":10,"payout":21`)
			s.replace("settled", `"staked":110,"payout":20`, `"staked":110,"payout":21`)
			s.wallet.Balance++
			s.pushed.Balance++
		}, []string{wrongBalance, wrongPayout}},
		{"the sum of the payouts is off by one", func(s *story) {
			s.replace("settled", `"staked":110,"payout":20`, `"staked":110,"payout":21`)
		}, []string{wrongPayout}},
		{"a bet is never settled", func(s *story) { s.skip("settled") }, []string{unsettled, wrongBalance}},
		{"a round is settled without this player", func(s *story) {
			data := s.told[8].data
			s.told[8].data = data[:strings.Index(data, `,"own"`)] + "}"
		}, []string{unsettled, wrongBalance, wrongStakes}},
		{"a round is settled twice", func(s *story) {
			again := s.told[8]
			again.seq = 10
			s.told = append(s.told, again)
		}, []string{settledTwice}},
		{"a bet is left out of the settlement", func(s *story) {
			s.replace("settled", `,{"position":"tails","amount":10,"payout":20}`, "")
		}, []string{wrongBalance, wrongPayout, wrongStakes}},
		{"a bet is settled twice in one settlement", func(s *story) {
			one := `{"position":"tails","amount":10,"payout":20}`
			s.replace("settled", one, one+","+one)
		}, []string{wrongBalance, wrongPayout, wrongStakes}},
		{"a bet lies elsewhere than it was put", func(s *story) { s.replace("bet.placed", `"heads"`, `"edge"`) }, []string{untoldBet, wrongStakes}},
		{"an accepted bet is not on the table", func(s *story) { s.replace("bet.placed", `,"mine":true`, ``) }, []string{untoldBet, wrongBalance, wrongStakes}},
		{"a bet is answered with another event's seq", func(s *story) { s.told[2].seq = 4 }, []string{unknownBet, untoldBet}},
		{"a bet is accepted that nobody answered", func(s *story) { s.told = slices.Delete(s.told, 2, 3) }, []string{unanswered, unknownBet}},
		{"a bet is answered twice", func(s *story) { s.told = slices.Insert(s.told, 3, s.told[2]) }, []string{wrongEvent}},
		{"the outcome does not follow from the seed", func(s *story) {
			s.replace("tossed", `"side":"tails"`, `"side":"heads"`)
			s.replace("settled", `"side":"tails"`, `"side":"heads"`)
		}, []string{wrongBalance, wrongOutcome, wrongPayout, wrongStakes}},
		{"the seed is not the committed one", func(s *story) {
			s.replace("tossed", `"seed":"03`, `"seed":"04`)
		}, []string{wrongOutcome}},
		{"the settled outcome was another", func(s *story) {
			s.replace("settled", `"side":"tails"`, `"side":"heads"`)
		}, []string{wrongBalance, wrongOutcome, wrongPayout, wrongStakes}},
		{"a round is voided", func(s *story) {
			s.told[8].typ, s.told[8].data = "voided", `{"round":1,"refund":110}`
			s.wallet.Balance, s.pushed.Balance = 1000, 1000
			s.books.Accounts[1].Balance, s.books.Accounts[2].Balance = 1000, 0
		}, []string{voidedRound}},
		{"a balance is wrong", func(s *story) { s.wallet.Balance++; s.pushed.Balance++ }, []string{wrongBalance}},
		{"a balance was pushed that never was", func(s *story) { s.pushed.Balance++ }, []string{wrongBalance}},
		{"the ledger has another balance", func(s *story) { s.books.Accounts[1].Balance-- }, []string{wrongBalance}},
		{"a till is short", func(s *story) { s.books.Accounts[2].Balance-- }, []string{wrongBalance}},
		{"an account is not in the ledger", func(s *story) { s.books.Accounts = s.books.Accounts[:2] }, []string{wrongBalance}},
		{"the ledger does not balance", func(s *story) { s.books.OK, s.books.Sum = false, 1 }, []string{wrongBooks}},
		{"the table's totals are others", func(s *story) { s.replace("closed", `"total":110`, `"total":109`) }, []string{wrongStakes}},
		{"the round's sums are others", func(s *story) { s.replace("settled", `"staked":110,"paid"`, `"staked":111,"paid"`) }, []string{wrongStakes}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s := honest()
			c.plant(s)
			if got := s.violations(t); !slices.Equal(got, c.found) {
				t.Errorf("found %q, want %q", got, c.found)
			}
		})
	}
}

func TestPlayersOfOneTableMustBeToldTheSame(t *testing.T) {
	for _, c := range []struct {
		typ, first, second string
	}{
		{"opened", `{"round":2,"commitment":"` + next.Commit().String() + `"}`, `{"round":2,"commitment":"` + game.Seed{1}.Commit().String() + `"}`},
		{"tossed", fmt.Sprintf(`{"round":1,"side":"tails","seed":"%s"}`, seed.Hex()), fmt.Sprintf(`{"round":1,"side":"heads","seed":"%s"}`, seed.Hex())},
	} {
		var f faults
		table := newTable(&coin, "t1", 0, time.Second, &f)
		table.applyView(1, &Event{Open: true, Round: 1, Commitment: seed.Commit()})
		for i, data := range []string{c.first, c.first, c.second} {
			d, err := coin.Event(c.typ, json.RawMessage(data))
			if err != nil {
				t.Fatal(err)
			}
			table.observe(2, c.typ, &d)
			if found, n := f.found(); n != i/2 {
				t.Errorf("%s, told %d times: %v", c.typ, i+1, found)
			}
		}
	}
}

// A bet that the server has not decided, or of which it does not know the outcome, is sent again
// under its first command id.
func TestABetThatIsNotAnsweredIsSentAgain(t *testing.T) {
	server, client := net.Pipe()
	defer func() { _ = server.Close() }()
	sent := make(chan string, 4)
	go func() { // ends with the pipe
		for {
			var head [8]byte // of a frame of 126 bytes and more
			if _, err := io.ReadFull(server, head[:]); err != nil {
				close(sent)
				return
			}
			payload := make([]byte, binary.BigEndian.Uint16(head[2:]))
			_, _ = io.ReadFull(server, payload)
			for i := range payload {
				payload[i] ^= head[4+i%4]
			}
			sent <- string(payload)
		}
	}()
	r, p := newTestRun()
	p.socket, p.seated = &socket{conn: client}, true
	now := time.Now()
	if !p.bet(now, Bet{"heads", 5}) || !p.bet(now, Bet{"tails", 6}) {
		t.Fatal("the player does not bet")
	}
	if !p.bet(now, Bet{"heads", 7}) {
		t.Fatal("the player does not bet")
	}
	first := []string{<-sent, <-sent, <-sent}
	for i, code := range []string{wire.CodeUnavailable, wire.CodeBusy, wire.CodeRateLimited} {
		if err := p.scan(wire.ReplyError(fmt.Appendf(nil, "%d", i+1), wire.NewError(code, "no")), now); err != nil {
			t.Fatal(err)
		}
	}
	p.tend(now) // too early
	p.tend(now.Add(2 * resendDelay))
	for i, once := range first {
		if again := <-sent; again != once {
			t.Errorf("%s was sent again as %s", once, again)
		}
		if err := p.scan(wire.Reply(fmt.Appendf(nil, "%d", i+1), wire.RoomCommandResult{Accepted: true, Epoch: 1, Seq: int64(2 + i)}), now); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.waiting) != 0 || r.resent.Load() != 3 || p.stats.refused[wire.CodeUnavailable] != 1 || p.stats.refused[wire.CodeBusy] != 1 {
		t.Errorf("%+v %+v", p.waiting, p.stats.refused)
	}
	p.tend(now.Add(time.Hour))
	_ = client.Close()
	if more, ok := <-sent; ok {
		t.Errorf("sent once more: %s", more)
	}
}

func TestACheckThatIsRefusedForNowIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := []error{wire.NewError(wire.CodeRateLimited, ""), wire.NewError(wire.CodeBusy, ""), wire.NewError(wire.CodeUnavailable, ""), nil}
		asked := 0
		if err := retryBusy(t.Context(), func() error { asked++; return answers[asked-1] }); err != nil || asked != len(answers) {
			t.Errorf("asked %d times, and then: %v", asked, err)
		}
		final := wire.NewError(wire.CodeRoomNotFound, "")
		if err := retryBusy(t.Context(), func() error { return final }); !errors.Is(err, final) {
			t.Errorf("what is final: %v", err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := retryBusy(short, func() error { return answers[0] }); !errors.Is(err, answers[0]) {
			t.Errorf("at the end of the time: %v", err)
		}
	})
}
