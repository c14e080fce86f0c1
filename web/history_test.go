package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// TestAHistory shares one casino between tests of what players and operators are told of past rounds and money.
func TestAHistory(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	other := c.Another("lucky-star")
	for name, test := range map[string]func(*testing.T, *webtest.Casino){
		"IsTheSameOnASocketOverHTTPAndForTheOperator":          sameHistory,
		"ShowsTheRefundOfAVoidRound":                           voidInHistory,
		"SaysWhenARoundCanBeProvenWhoseSeedServesLaterOnesToo": proofInHistory,
		"RefusesACursorOrALimitThatIsNone":                     badPagesOfHistory,
		"IsReadSoOftenByOnePersonWhateverTheConnection":        historyIsLimited,
		"IsThePlayersOwnAndForStaffByTheOperatorsRoutesOnly":   historyIsPrivate,
		"HasNothingTwiceAndMissesNothingWhileThePlayerPlaysOn": historyWhilePlaying,
		"OfAnotherCasinoIsAnotherHistoryAlsoUnderTheSameName":  func(t *testing.T, c *webtest.Casino) { historiesApart(t, c, other.In(t)) },
		"IsEmptyWithoutMoney":                                  emptyHistory,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c.In(t))
		})
	}
}

// bet stakes 100 on a position and waits until that is answered.
func bet(s *webtest.Socket, room, position string) {
	s.Bet(room, position, 100)
}

func withID(members string) string {
	return fmt.Sprintf(`{%s,"command_id":%q}`, members, uuid.NewString())
}

// pages returns the pages of a history over HTTP, the first one first.
func pages[P any](c *webtest.Casino, token, path string, limit int, next func(P) string) (all []P) {
	for cursor := ""; ; {
		var page P
		c.Get(token, fmt.Sprintf("%s?limit=%d&cursor=%s", path, limit, cursor)).Into(&page)
		all = append(all, page)
		if cursor = next(page); cursor == "" {
			return all
		}
	}
}

func nextRounds(p wire.HistoryRounds) string             { return p.Next }
func nextTransactions(p wire.HistoryTransactions) string { return p.Next }

func sameHistory(t *testing.T, c *webtest.Casino) {
	operator, service, support := c.Staff()
	token := c.Player("hana", 1000)
	hana := c.Dial("hana", token)
	hana.Join(webtest.Table)
	bet(hana, webtest.Table, "red")
	bet(hana, webtest.Table, "black") // in the same round, or in the one after
	for staked := int64(0); staked < 200; {
		var settled struct {
			Mine *struct{ Staked int64 }
		}
		if err := json.Unmarshal(hana.Event(webtest.Table, "round.settled"), &settled); err != nil {
			t.Fatal(err)
		}
		if settled.Mine != nil {
			staked += settled.Mine.Staked
		}
	}
	for method, part := range map[string]string{wire.MethodHistoryRounds: "rounds", wire.MethodHistoryTransactions: "transactions"} {
		var told json.RawMessage
		hana.Call(method, map[string]any{"limit": 1}, &told)
		for token, path := range map[string]string{token: "/v1/session/", operator: "/v1/players/hana/", service: "/v1/players/hana/", support: "/v1/players/hana/"} {
			if body := c.Get(token, path+part+"?limit=1").Want(http.StatusOK, "").Body; !bytes.Equal(bytes.TrimSpace(body), told) {
				t.Errorf("%s: the socket is told %s, and over HTTP by %s it is %s", method, told, path, body)
			}
		}
	}

	var balance wire.Balance
	hana.Call(wire.MethodWalletBalance, struct{}{}, &balance)
	after, net, kinds := balance.Balance, int64(0), map[string]int{}
	for _, page := range pages(c, operator, "/v1/players/hana/transactions", 2, nextTransactions) {
		for _, m := range page.Transactions {
			if m.Balance != after || m.Currency != "EUR" || m.Kind == "credit" != (m.Room == "") || m.Kind != "credit" && m.Round == 0 {
				t.Errorf("after %d: %+v", after, m)
			}
			after -= m.Amount
			kinds[m.Kind]++
			if m.Kind != "credit" {
				net += m.Amount
			}
		}
	}
	if after != 0 || kinds["stake"] != 2 || kinds["credit"] != 1 {
		t.Errorf("the history begins with %d and has %v", after, kinds)
	}
	staked := int64(0)
	for _, page := range pages(c, token, "/v1/session/rounds", 1, nextRounds) {
		for _, r := range page.Rounds {
			staked, net = staked+r.Staked, net-r.Net
			if r.Room != webtest.Table || r.Game != "roulette" || r.State != "settled" || r.Proof != "ready" || r.OpenedAt == nil || r.EndedAt == nil || r.Net != r.Payout+r.Refund-r.Staked {
				t.Errorf("a round is %+v", r)
			}
			// What it says is what the look-up needs.
			var looked struct{ Proof string }
			c.Get("", fmt.Sprintf("/v1/rooms/%s/rounds/%d", r.Room, r.Round)).Into(&looked)
			if looked.Proof != r.Proof {
				t.Errorf("the look-up of round %d says %q, and the history %q", r.Round, looked.Proof, r.Proof)
			}
		}
	}
	if staked != 200 || net != 0 {
		t.Errorf("the rounds have %d staked, and differ by %d from the transactions", staked, net)
	}
}

func voidInHistory(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	c.OpenRoom("to-void", webtest.Slow)
	vera := c.Dial("vera", c.Player("vera", 1000))
	vera.Join("to-void")
	bet(vera, "to-void", "red")
	var open wire.HistoryRounds
	vera.Call(wire.MethodHistoryRounds, struct{}{}, &open)
	if len(open.Rounds) != 1 || open.Rounds[0].State != "open" || open.Rounds[0].EndedAt != nil || open.Rounds[0].Net != -100 || open.Rounds[0].Proof != "pending" {
		t.Errorf("while it is open: %+v", open)
	}
	c.Post(operator, "/v1/rooms/to-void/void", withID(`"reason":"the wheel broke"`)).Want(http.StatusOK, "")
	var void wire.HistoryRounds
	vera.Call(wire.MethodHistoryRounds, struct{}{}, &void)
	if len(void.Rounds) != 1 || void.Next != "" {
		t.Fatalf("the history is %+v", void)
	}
	if r := void.Rounds[0]; r.State != "void" || r.Staked != 100 || r.Refund != 100 || r.Payout != 0 || r.Net != 0 || r.EndedAt == nil || r.Proof != "ready" {
		t.Errorf("the round is %+v", r)
	}
	var money wire.HistoryTransactions
	vera.Call(wire.MethodHistoryTransactions, map[string]any{"limit": 2}, &money)
	if len(money.Transactions) != 2 || money.Transactions[0].Kind != game.Refund || money.Transactions[0].Amount != 100 || money.Transactions[0].Balance != 1000 ||
		money.Transactions[1].Kind != game.Stake || money.Transactions[1].Amount != -100 || money.Transactions[1].Balance != 900 {
		t.Errorf("the transactions are %+v", money)
	}
}

func proofInHistory(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	c.Post(operator, "/v1/rooms", `{"room":"shoe","game":"baccarat","settings":{"betting_ms":200,"close_ms":10,"deal_ms":10,"pause_ms":10}}`).Want(http.StatusCreated, "")
	paula := c.Dial("paula", c.Player("paula", 1000))
	paula.Join("shoe")
	proofs := func() (all []string) {
		for _, page := range pages(c, operator, "/v1/players/paula/rounds", 1, nextRounds) {
			all = append(all, fmt.Sprint(page.Rounds[0].State, " ", page.Rounds[0].Proof))
		}
		return all
	}
	for range 2 {
		bet(paula, "shoe", "player")
		paula.Event("shoe", "round.settled", `"mine"`)
		paula.Event("shoe", "round.opened")
	}
	if got := fmt.Sprint(proofs()); got != "[settled pending settled pending]" {
		t.Errorf("while the shoe lasts: %s", got)
	}
	bet(paula, "shoe", "player")
	c.Post(operator, "/v1/rooms/shoe/close", `{"reason":"the end"}`).Want(http.StatusAccepted, "")
	paula.Event("shoe", "seed.revealed")
	if got := fmt.Sprint(proofs()); got != "[settled ready settled ready settled ready]" {
		t.Errorf("after the shoe: %s", got)
	}
}

func badPagesOfHistory(_ *testing.T, c *webtest.Casino) {
	for method, cursors := range map[string][]string{
		wire.MethodHistoryRounds:       {"x", "1.5", "-1", "+1", "01", "1 ", "99999999999999999999", "a\x00b"},
		wire.MethodHistoryTransactions: {"x", "7", "7.", ".7", "7.-1", "7.1.1", "7,1"},
	} {
		bart := c.Dial("bart", c.Player("bart-"+method, 100)) // each has 20 questions at once
		for _, cursor := range cursors {
			bart.Refused(wire.CodeInvalidParams, method, map[string]any{"cursor": cursor})
		}
		for _, limit := range []any{0, -1, 51, "20", 1.5} {
			bart.Refused(wire.CodeInvalidParams, method, map[string]any{"limit": limit})
		}
		bart.Refused(wire.CodeInvalidParams, method, map[string]any{"player": "alice"})
	}
	for _, query := range []string{"rounds?cursor=x", "transactions?cursor=7", "rounds?limit=0", "transactions?limit=51", "rounds?limit=x"} {
		c.Get(c.Player("bert", 100), "/v1/session/"+query).Want(http.StatusBadRequest, wire.CodeInvalidParams)
	}
}

func historyIsLimited(t *testing.T, c *webtest.Casino) {
	token := c.Player("otto", 100)
	otto := c.Dial("otto", token)
	for range 100 { // more come back meanwhile, but not as fast
		if a := c.Get(token, "/v1/session/transactions"); a.Status == http.StatusTooManyRequests {
			if a.Code != wire.CodeRateLimited || a.Header.Get("Retry-After") != "1" {
				t.Errorf("it is refused with %s, Retry-After %q", a.Code, a.Header.Get("Retry-After"))
			}
			for range 10 { // uses up what has come back since
				otto.Send(`{"jsonrpc":"2.0","method":"history.rounds"}`)
			}
			otto.Refused(wire.CodeRateLimited, wire.MethodHistoryRounds, struct{}{})
			c.Get(c.Player("ottos-sister", 100), "/v1/session/rounds").Want(http.StatusOK, "")
			return
		}
	}
	t.Error("a hundred pages are answered")
}

func historyIsPrivate(_ *testing.T, c *webtest.Casino) {
	operator, service, support := c.Staff()
	for _, token := range []string{operator, service, support} {
		c.Get(token, "/v1/session/rounds").Want(http.StatusForbidden, game.CodeForbidden)
		c.Get(token, "/v1/session/transactions").Want(http.StatusForbidden, game.CodeForbidden)
	}
	player := c.Player("nosy", 100)
	c.Get(player, "/v1/players/nosy/rounds").Want(http.StatusForbidden, game.CodeForbidden)
	c.Get(player, "/v1/players/hana/transactions").Want(http.StatusForbidden, game.CodeForbidden)
	c.Get("", "/v1/session/rounds").Want(http.StatusUnauthorized, "token_missing")
	s := c.Dial("support", c.Token("sven", auth.Support))
	s.Refused(game.CodeForbidden, wire.MethodHistoryRounds, struct{}{})
	s.Refused(game.CodeForbidden, wire.MethodHistoryTransactions, struct{}{})
}

// historyWhilePlaying goes from page to page while a bet comes in between each two.
func historyWhilePlaying(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	c.OpenRoom("busy", webtest.Slow)
	boris := c.Dial("boris", c.Player("boris", 10_000))
	boris.Join("busy")
	for range 6 {
		bet(boris, "busy", "red")
	}
	seen, cursor := map[int64]bool{}, ""
	for {
		var page wire.HistoryTransactions
		c.Get(operator, "/v1/players/boris/transactions?limit=2&cursor="+cursor).Into(&page)
		for _, m := range page.Transactions {
			if seen[m.ID] {
				t.Errorf("transaction %d comes twice", m.ID)
			}
			seen[m.ID] = true
		}
		bet(boris, "busy", "red")
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 7 {
		t.Errorf("there are %d transactions, want those 7 of before", len(seen))
	}
}

func historiesApart(t *testing.T, c, other *webtest.Casino) {
	c.OpenRoom("twins", webtest.Slow)
	here, there := c.Player("twin", 1000), other.Player("twin", 500)
	twin := c.Dial("twin", here)
	twin.Join("twins")
	bet(twin, "twins", "red")
	var rounds wire.HistoryRounds
	other.Get(there, "/v1/session/rounds").Into(&rounds)
	var money wire.HistoryTransactions
	other.Get(other.Token("olivia", auth.Operator), "/v1/players/twin/transactions").Into(&money)
	if len(rounds.Rounds) != 0 || len(money.Transactions) != 1 || money.Transactions[0].Amount != 500 {
		t.Errorf("the other casino has %+v, %+v", rounds, money)
	}
	other.Get(here, "/v1/session/rounds").Want(http.StatusUnauthorized, "token_kid")
}

func emptyHistory(t *testing.T, c *webtest.Casino) {
	for path, want := range map[string]string{"rounds": `{"rounds":[]}`, "transactions": `{"transactions":[]}`} {
		for token, path := range map[string]string{c.Token("newcomer", auth.Player): "/v1/session/" + path, c.Token("oscar", auth.Operator): "/v1/players/nobody/" + path} {
			if body := c.Get(token, path).Want(http.StatusOK, "").Body; string(bytes.TrimSpace(body)) != want {
				t.Errorf("%s: %s", path, body)
			}
		}
	}
}
