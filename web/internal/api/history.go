package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

const (
	// historyPage is how many rounds or transactions a page has unless a number was asked for, and
	// historyPageMax how many at most.
	historyPage    = 20
	historyPageMax = journal.HistoryMax - 1
	// historyPerSecond and historyBurst are how many pages one person may ask for.
	historyPerSecond = 5
	historyBurst     = 20
	// historyKept is how long a page is kept that cannot change, by the node that answered with it.
	historyKept = 30 * time.Second
)

// The kinds of pages in the cache.
const (
	kindRounds       = "rounds"
	kindTransactions = "transactions"
)

// History answers what players ask about their past rounds and money, and what the operator's people ask
// about a player's: the same question, with the same answer.
type History struct {
	store  *store.Store
	rooms  *rooms.Directory
	limits *Limits
	lists  *Lists
	cache  *cache.Cache
	reads  *Buckets[person]
}

// person is whom a page of history counts for, whatever the connection.
type person struct {
	tenant tenant.ID
	player bool
	name   string
}

// NewHistory returns a History.
func NewHistory(s *store.Store, d *rooms.Directory, limits *Limits, lists *Lists, c *cache.Cache) *History {
	return &History{store: s, rooms: d, limits: limits, lists: lists, cache: c, reads: NewBuckets[person](historyPerSecond, historyBurst)}
}

// Asked is a question about a player's history.
type Asked struct {
	Tenant *tenancy.Tenant
	By     auth.Principal // who asks
	Player game.PlayerID  // whose history it is
	Page   wire.HistoryPage
}

// Rounds returns a page of the rounds in which a player had money.
func (h *History) Rounds(ctx context.Context, q Asked) (wire.HistoryRounds, error) {
	limit, err := h.admit(q)
	if err != nil {
		return wire.HistoryRounds{}, err
	}
	before := int64(math.MaxInt64)
	if c := q.Page.Cursor; c != "" {
		if before, err = parseCursor(c); err != nil {
			return wire.HistoryRounds{}, err
		}
	}
	return fetchPage(ctx, h, kindRounds, q, limit, func(ctx context.Context) (wire.HistoryRounds, bool, error) {
		return h.readRounds(ctx, q, before, limit)
	})
}

// readRounds returns a page of rounds, and whether all of them are over and proven, so that none changes any more.
func (h *History) readRounds(ctx context.Context, q Asked, before int64, limit int) (out wire.HistoryRounds, final bool, err error) {
	list, err := h.store.Ledger.Played(ctx, q.Tenant.ID, q.Player, before, limit+1)
	if err != nil {
		return out, false, err
	}
	out.Rounds, final = make([]wire.HistoryRound, 0, limit), true
	if len(list) > limit {
		list = list[:limit]
		out.Next = strconv.FormatInt(list[limit-1].First, 10)
	}
	for _, p := range list {
		proof, err := h.proof(p)
		if err != nil {
			return out, false, err
		}
		final = final && p.End != "" && proof != rooms.ProofPending
		r := wire.HistoryRound{
			Room: p.Room, Game: p.Game, Round: p.Round, State: p.State(), Staked: int64(p.Staked), Payout: int64(p.Paid), Refund: int64(p.Refunded),
			Net: int64(p.Paid + p.Refunded - p.Staked), Currency: q.Tenant.Currency, Proof: string(proof),
		}
		if p.Opened != nil {
			at := wire.At(p.Opened.At)
			r.OpenedAt = &at
		}
		if p.End != "" {
			at := wire.At(p.Ended)
			r.EndedAt = &at
		}
		out.Rounds = append(out.Rounds, r)
	}
	return out, final, nil
}

// fetchPage returns a page: one that is kept, or what read returns. Only a page that cannot change is kept: it is
// not the first one, to which whatever happens is added, and read says that it is final. Nor is one of the largest
// kept, which are those of a list that is read whole.
func fetchPage[P any](ctx context.Context, h *History, kind string, q Asked, limit int, read func(context.Context) (page P, final bool, err error)) (page P, err error) {
	if q.Page.Cursor == "" || limit == historyPageMax {
		page, _, err = read(ctx)
		return page, err
	}
	key := q.Tenant.ID.Key(kind, fmt.Sprint(limit, "/", q.Page.Cursor, "/", q.Player))
	kept, err := h.cache.Fetch(ctx, key, func(ctx context.Context) (e cache.Entry, err error) {
		ctx, cancel := context.WithTimeout(ctx, Patience)
		defer cancel()
		page, final, err := read(ctx)
		if err != nil {
			return e, err
		}
		if final {
			e.Until = time.Now().Add(historyKept)
		}
		e.Data, err = json.Marshal(page)
		return e, err
	})
	if err != nil {
		return page, err
	}
	return page, strict.Decode(kept.Data, &page)
}

// proof returns the state of a round's proof. A round of a game that is not there any more has none.
func (h *History) proof(p journal.PlayedRound) (rooms.ProofState, error) {
	if p.Opened == nil {
		return "", nil
	}
	records, later := []rooms.Record{*p.Opened}, p.Reveal
	if later != nil && later.Round == p.Round {
		records, later = append(records, *later), nil
	}
	proof, err := h.rooms.Proof(p.Game, records, later)
	if errors.Is(err, rooms.ErrGame) {
		return "", nil
	}
	return proof.State, err
}

// Transactions returns a page of a player's transactions, each with the balance after it: the cursor of a page
// has the balance before those of the page after.
func (h *History) Transactions(ctx context.Context, q Asked) (wire.HistoryTransactions, error) {
	limit, err := h.admit(q)
	if err != nil {
		return wire.HistoryTransactions{}, err
	}
	before, known := int64(math.MaxInt64), int64(-1)
	if c := q.Page.Cursor; c != "" {
		id, balance, _ := strings.Cut(c, ".")
		if before, err = parseCursor(id); err == nil {
			known, err = parseCursor(balance)
		}
		if err != nil {
			return wire.HistoryTransactions{}, err
		}
	}
	return fetchPage(ctx, h, kindTransactions, q, limit, func(ctx context.Context) (wire.HistoryTransactions, bool, error) {
		page, err := h.readTransactions(ctx, q, before, known, limit)
		return page, true, err // what was posted stays
	})
}

// readTransactions returns a page of the transactions before one, after which the balance is known unless it is
// below zero.
func (h *History) readTransactions(ctx context.Context, q Asked, before, known int64, limit int) (out wire.HistoryTransactions, err error) {
	list, now, err := h.store.Ledger.Transfers(ctx, q.Tenant.ID, q.Player, before, limit+1)
	if err != nil {
		return out, err
	}
	balance := int64(now)
	if known >= 0 {
		balance = known
	}
	out.Transactions = make([]wire.Transaction, 0, limit)
	more := len(list) > limit
	for _, t := range list[:min(limit, len(list))] {
		out.Transactions = append(out.Transactions, wire.Transaction{
			ID: t.ID, At: wire.At(t.At), Kind: t.Kind, Amount: int64(t.Amount), Currency: q.Tenant.Currency, Balance: balance, Room: t.Room, Round: t.Round,
			CommandID: t.Command, Reverses: t.Reverses,
		})
		balance -= int64(t.Amount)
		if more {
			out.Next = fmt.Sprint(t.ID, ".", balance)
		}
	}
	return out, nil
}

// parseCursor returns a number of a cursor, or a Problem.
func parseCursor(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, Fail(http.StatusBadRequest, wire.CodeInvalidParams, "cursor: want the next of another page")
	}
	return n, nil
}

// admit returns how many rounds or transactions are asked for, and charges a page to whoever asks. It returns
// ErrManyReads or another Problem.
func (h *History) admit(q Asked) (limit int, err error) {
	limit = historyPage
	if n := q.Page.Limit; n != nil {
		limit = *n
	}
	if limit < 1 || limit > historyPageMax {
		h.limits.Hit(q.Tenant.ID, LimitHistoryPage)
		return 0, Fail(http.StatusBadRequest, wire.CodeInvalidParams, fmt.Sprintf("limit: want a whole number from 1 to %d", historyPageMax))
	}
	if h.reads.Spend(person{q.Tenant.ID, q.By.Role == auth.Player, q.By.Subject}, 1, time.Now()) > 0 {
		h.limits.Hit(q.Tenant.ID, LimitHistoryReads)
		return 0, ErrManyReads
	}
	return limit, nil
}

// ServeRounds answers a request for a player's rounds.
func (h *History) ServeRounds(c echo.Context, player game.PlayerID) error {
	return serveHistory(h, c, player, "rounds", func(ctx context.Context, q Asked) (Page[wire.HistoryRound], error) {
		page, err := h.Rounds(ctx, q)
		return Page[wire.HistoryRound]{Rows: page.Rounds, Next: page.Next}, err
	})
}

// ServeTransactions answers a request for a player's transactions.
func (h *History) ServeTransactions(c echo.Context, player game.PlayerID) error {
	return serveHistory(h, c, player, "transactions", func(ctx context.Context, q Asked) (Page[wire.Transaction], error) {
		page, err := h.Transactions(ctx, q)
		return Page[wire.Transaction]{Rows: page.Transactions, Next: page.Next}, err
	})
}

func serveHistory[Row any](h *History, c echo.Context, player game.PlayerID, name string, page func(context.Context, Asked) (Page[Row], error)) error {
	asked := historyPage
	if text := c.QueryParam("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = 0 // which no limit is
		}
		asked = n
	}
	err := Answer(h.lists, c, name, c.QueryParam("cursor"), asked, func(ctx context.Context, cursor string, _ int) (Page[Row], error) {
		limit := asked
		if streamType(c) != "" && limit >= 1 && limit <= historyPageMax { // a stream has pages of its own; what is no limit is refused as ever
			limit = historyPageMax
		}
		return page(ctx, Asked{Tenant: TenantOf(c), By: PrincipalOf(c), Player: player, Page: wire.HistoryPage{Cursor: cursor, Limit: &limit}})
	})
	if errors.Is(err, ErrManyReads) {
		c.Response().Header().Set("Retry-After", "1")
	}
	return err
}
