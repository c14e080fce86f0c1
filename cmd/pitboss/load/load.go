package load

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	// atOnce is how many requests or handshakes of the set-up are under way at once.
	atOnce = 32
	// tendEvery is the interval at which tend is called for each player.
	tendEvery = 250 * time.Millisecond
	// lookEvery is the interval at which the run checks whether everything has come to rest.
	lookEvery = 50 * time.Millisecond
	// patience bounds the wait for the last replies and results.
	patience = 30 * time.Second
	// reasonOfUs is what the casino's audit log says of us.
	reasonOfUs = "pitboss load"
)

// run is one run.
type run struct {
	Options
	id      string
	window  time.Duration // the longest one, shortened so that no player reaches the BetsMax of his game
	base    *url.URL
	api     *api
	doors   doors
	clocks  clocks
	faults  faults
	speaks  sync.Mutex // of who writes to Progress
	tables  []*table   // those that were opened
	players []*player
	shares  []*stats

	offered, unplaced  atomic.Int64
	reconnects, resent atomic.Int64
	betting, cpu       time.Duration // how long bets were placed, and what CPU it took
	inTime             *stats        // as they were then
}

// Run does it all, and reports. When betting ends, no more bets are placed and the rest is
// done as after Duration; when ctx ends, nothing more is. The error is what kept the run
// from being finished; violations are in the report, which is nil if no bet was placed.
func Run(ctx, betting context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	operator, err := o.Token("load", auth.Operator)
	if err != nil {
		return nil, err
	}
	r := &run{
		Options: o, base: o.URL, api: newAPI(o.URL, operator), id: strings.ToLower(cryptorand.Text()[:8]), doors: make(doors, atOnce),
		window: o.windowMax(),
	}
	for range 16 {
		r.shares = append(r.shares, newStats())
	}
	players, inside := errgroup.WithContext(ctx)
	inside, leave := context.WithCancel(inside)
	defer leave()
	err = r.play(inside, betting, players)
	leave()
	if broken := players.Wait(); broken != nil && !errors.Is(broken, context.Canceled) {
		err = broken // why the rest failed
	}
	checked := err == nil
	switch {
	case ctx.Err() != nil:
		err = errors.New("stopped at once: not everything was checked, and tables may still be open ('pitboss room list')")
	case !o.Keep:
		err = errors.Join(err, r.closeTables(ctx)) // those that play did not come to
	}
	if r.inTime == nil {
		return nil, err
	}
	return r.report(checked), err
}

// play plays the run, from the set-up to the last check; the players run in the group players.
func (r *run) play(ctx, betting context.Context, players *errgroup.Group) error {
	soft, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(betting, cancel)()
	if err := r.setUp(ctx, soft, players); err != nil {
		if betting.Err() != nil && ctx.Err() == nil {
			return errors.New("stopped before the first bet")
		}
		return err
	}
	progress := r.watch(ctx)
	worked := cpuTime()
	r.placeBets(soft)
	r.cpu = cpuTime() - worked
	r.inTime = sum(r.shares)
	r.say("Betting is over; the rounds at hand are played …")
	err := r.rest(ctx)
	progress()
	if err != nil {
		return err
	}
	if !r.Keep {
		r.say("Closing the tables, which tells the seeds …")
		if err := r.closeTables(ctx); err != nil {
			return err
		}
		if err := r.await(ctx, (*table).over); err != nil {
			return err
		}
	}
	r.say("Checking …")
	return r.check(ctx)
}

func (r *run) say(format string, args ...any) {
	r.speaks.Lock()
	defer r.speaks.Unlock()
	fmt.Fprintf(r.Progress, format+"\n", args...)
}

// setUp opens the tables, funds the players, and seats them. What is made lives in ctx;
// soft may end before that.
func (r *run) setUp(ctx, soft context.Context, players *errgroup.Group) error {
	if err := r.api.do(soft, http.MethodGet, "/v1/session", nil, nil); err != nil {
		return r.withAdvice(err)
	}
	r.say("Opening %d tables, each of which takes bets for up to %s a round …", r.tablesOfAll(), r.window.Round(100*time.Millisecond))
	for _, g := range r.Games {
		for n := range g.Tables {
			r.tables = append(r.tables, newTable(g.Game, fmt.Sprintf("load-%s-%d", r.id, len(r.tables)+1), n, r.someWindow(), &r.faults))
		}
	}
	if err := each(soft, r.tables, r.openTable); err != nil {
		return r.withAdvice(err)
	}
	r.say("Funding %d players …", r.Players)
	if err := r.makePlayers(); err != nil {
		return err
	}
	if err := each(soft, r.players, r.fund); err != nil {
		return r.withAdvice(err)
	}
	r.say("Seating them …")
	seats := make(chan struct{}, len(r.players))
	for _, p := range r.players {
		players.Go(func() error { return p.live(ctx, func() { seats <- struct{}{} }) })
	}
	for range r.players {
		select {
		case <-seats:
		case <-soft.Done():
			return soft.Err()
		}
	}
	players.Go(func() error { return r.tendPlayers(ctx) })
	return r.until(soft, time.Now().Add(patience), "the tables do not open their first round", func() bool {
		for _, t := range r.tables {
			if _, ok := t.resting(); !ok {
				return false
			}
		}
		return true
	})
}

// each does f for all of list, atOnce at a time.
func each[T any](ctx context.Context, list []T, f func(context.Context, T) error) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, x := range list {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return f(ctx, x)
		})
	}
	return work.Wait()
}

// someWindow returns how long a table takes bets: three quarters of the longest window to all of it.
func (r *run) someWindow() time.Duration {
	return time.Duration(float64(r.window) * (0.75 + 0.25*rand.Float64()))
}

func (r *run) openTable(ctx context.Context, t *table) error {
	err := r.api.do(ctx, http.MethodPost, "/v1/rooms", map[string]any{"room": t.room, "game": t.game.Name, "name": "Load " + t.room, "settings": t.Settings}, nil)
	if err == nil || isCode(err, "room_exists") { // a first try came through
		t.opened.Store(true)
		return nil
	}
	return err
}

// closeTables closes what was opened and is not closed.
func (r *run) closeTables(ctx context.Context) error {
	err := each(ctx, r.tables, func(ctx context.Context, t *table) error {
		if !t.opened.Load() {
			return nil
		}
		err := r.api.do(ctx, http.MethodPost, "/v1/rooms/"+t.room+"/close", map[string]string{"reason": reasonOfUs}, nil)
		if isCode(err, game.CodeRoomClosed) { // a first try came through
			err = nil
		}
		t.opened.Store(err != nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("not all tables could be closed ('pitboss room list' shows them): %w", err)
	}
	return nil
}

func (r *run) makePlayers() error {
	var command commandID
	if _, err := cryptorand.Read(command.run[:]); err != nil {
		return err
	}
	for n := range r.Players {
		p := &player{
			run: r, table: r.tables[n%len(r.tables)], name: fmt.Sprintf("load-%s-p%d", r.id, n+1), command: command, stats: r.shares[n%len(r.shares)],
			waiting: map[int64]waiting{}, unsure: map[int64]time.Time{}, calls: map[int64]answer{},
		}
		p.command.player = uint32(n)
		var err error
		if p.token, err = r.Token(p.name, auth.Player); err != nil {
			return err
		}
		p.book = newBook(p.name, p.table)
		p.table.players = append(p.table.players, p)
		r.players = append(r.players, p)
	}
	return nil
}

// fund credits a player with the most that all bets could cost, and some more.
func (r *run) fund(ctx context.Context, p *player) error {
	g := p.table.game
	amount := int64(float64(g.StakeMax) * (1.5*r.Rate*r.Duration.Seconds()/float64(r.Players) + 2*float64(g.BetsMax)))
	var out struct {
		Balance  game.Money `json:"balance"`
		Approval *struct{}  `json:"approval"`
	}
	err := r.api.do(ctx, http.MethodPost, "/v1/players/"+p.name+"/credit", map[string]any{
		"amount": amount, "reason": reasonOfUs, "command_id": string(p.command.append(nil, 0)),
	}, &out)
	if err == nil && out.Approval != nil {
		err = errors.New("credits need a second person here: see pitboss tenant set --credit-approval-above")
	}
	p.book.balance = out.Balance
	return err
}

// tendPlayers calls tend for every player until ctx ends.
func (r *run) tendPlayers(ctx context.Context) error {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			for _, p := range r.players {
				p.tend(now)
			}
		}
	}
}

// placeBets bets on the schedule until its end or that of ctx. The n-th bet is due n/Rate
// after the first, whatever the server does.
func (r *run) placeBets(ctx context.Context) {
	r.say("Betting %g times a second for %s …", r.Rate, r.Duration)
	next := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	began := time.Now()
	for n := 0; ; n++ {
		after := time.Duration(float64(n) / r.Rate * float64(time.Second))
		if after >= r.Duration {
			r.betting = r.Duration
			return
		}
		due := began.Add(after)
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			r.betting = time.Since(began)
			return
		}
		next = r.place(due, next)
	}
}

// place places a bet that is due at the next open table. If none is open, the bet is not placed.
func (r *run) place(due time.Time, first int) (next int) {
	margin := min(100*time.Millisecond, r.window/10)
	now := time.Now().Add(-r.clocks.ahead())
	for i := range r.tables {
		n := (first + i) % len(r.tables)
		if t := r.tables[n]; t.takesBets(now, margin) && t.place(due) {
			r.offered.Add(1)
			return n + 1
		}
	}
	r.unplaced.Add(1)
	return first
}

// place lets the next player of the table bet. It reports false if nobody can.
func (t *table) place(due time.Time) bool {
	round := t.round.Load()
	for range t.players {
		p := t.players[t.turn]
		t.turn = (t.turn + 1) % len(t.players)
		if p.roundOfBets != round {
			p.roundOfBets, p.betsInRound = round, 0
		}
		if p.betsInRound >= int64(t.game.BetsMax) {
			continue
		}
		if p.bet(due, t.Bet()) {
			p.betsInRound++
			return true
		}
	}
	return false
}

var errLate = errors.New("too late")
