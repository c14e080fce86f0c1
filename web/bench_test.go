package web_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

var (
	apiTurns   = flag.Int("api.turns", 3, "how often BenchmarkAPI takes turns")
	apiWindow  = flag.Duration("api.window", 3*time.Second, "how long each of its windows is, 6s at most")
	apiWrites  = flag.Int("api.writes", 2000, "its writes a second over HTTP")
	apiFacts   = flag.Int("api.facts", 10_000, "its facts a second")
	apiNames   = flag.String("api.windows", "", "which of its windows, with commas between; all if it is not given")
	apiCasinos = flag.Int("api.casinos", 8, "the casinos over which its writes are spread")
)

const (
	benchPlayers = 20  // who bet over sockets
	benchBets    = 15  // of each a second
	benchSeats   = 100 // of a round that ends in facts
	benchWorkers = 96  // requests under way at once
	benchRooms   = 4   // whose rounds end at once
)

// apiPhase is what is measured of the windows of a kind.
type apiPhase struct {
	Bets      int       `json:"bets"`
	P50       float64   `json:"bets_p50_ms"`
	P99       float64   `json:"bets_p99_ms"`
	P99s      []float64 `json:"bets_p99_ms_by_turn"`
	Writes    float64   `json:"writes_per_second"`
	WritesP99 float64   `json:"writes_p99_ms"`
	Facts     float64   `json:"rounds_players_per_second"` // each makes a fact if somebody listens
	Ratio     float64   `json:"p99_ratio,omitempty"`       // to the window that it is compared with
	Median    float64   `json:"p99_ratio_median_of_turns,omitempty"`
	Ratios    []float64 `json:"p99_ratios_by_turn,omitempty"`

	bets, writes []time.Duration
	facts        int
}

// apiLoad is what disturbs bets.
type apiLoad struct {
	b      *testing.B
	c      *webtest.Casino
	url    string
	client *http.Client
	hosts  []string // with
	keys   []string // one key each
	rounds []*rounds
	turns  int

	endpoint uuid.UUID // of the casino's webhook; zero: there is none
}

// rounds are those of a room that the benchmark plays itself: no node knows of it.
type rounds struct {
	ref          rooms.Ref
	epoch, seq   int64
	staked, next int64 // the last round with stakes, and the next one that ends
}

// apiWindows are the windows of a turn. Ratios are to the window that differs in nothing else: a round that ends
// disturbs bets also if nobody listens.
var apiWindows = []apiWindowKind{
	{name: "quiet"},
	{name: "writes", writes: true, over: "quiet"},
	{name: "rounds", rounds: true},
	{name: "facts", rounds: true, listens: true, over: "rounds"},
	{name: "both", writes: true, rounds: true, listens: true, over: "rounds"},
}

type apiWindowKind struct {
	name                    string
	writes, rounds, listens bool
	over                    string
}

// BenchmarkAPI is what the API and the outbox cost bets: credits over HTTP under Idempotency-Keys by API keys, and
// rounds that end at a casino without an endpoint and with one, which makes a fact for each player. The windows take
// turns, so that whatever else happens on the machine happens to all. Bets are timed from when they were due.
func BenchmarkAPI(b *testing.B) {
	c := webtest.New(b)
	storetest.Durable(b, storetest.Empty(b))
	l := newAPILoad(b, c)
	var players []*webtest.Socket
	for i := range benchPlayers {
		name := fmt.Sprint("bettor-", i)
		players = append(players, c.Dial(name, c.Player(name, 1_000_000)))
	}
	windows := slices.DeleteFunc(slices.Clone(apiWindows), func(w apiWindowKind) bool {
		return *apiNames != "" && !slices.Contains(strings.Split(*apiNames, ","), w.name)
	})
	phases := map[string]*apiPhase{}
	for _, w := range windows {
		phases[w.name] = &apiPhase{}
	}
	for b.Loop() {
		for range *apiTurns {
			for _, w := range windows {
				p := phases[w.name]
				l.listen(w.listens)
				l.turn(players, p, w.writes, w.rounds)
				if over := phases[w.over]; over != nil {
					p.Ratios = append(p.Ratios, p.P99s[len(p.P99s)-1]/over.P99s[len(over.P99s)-1])
				}
			}
		}
	}
	seconds := float64(*apiTurns) * apiWindow.Seconds()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\nwindow\tbets\tp50 ms\tp99 ms\tp99 over\tratio\tmedian of\tturns\twrites/s\twrites' p99 ms\trounds' players/s\t\n")
	for _, w := range windows {
		p := phases[w.name]
		p.Bets, p.P50, p.P99 = len(p.bets), percentile(p.bets, 50), percentile(p.bets, 99)
		p.Writes, p.WritesP99, p.Facts = float64(len(p.writes))/seconds, percentile(p.writes, 99), float64(p.facts)/seconds
		if over := phases[w.over]; over != nil {
			p.Ratio, p.Median = p.P99/over.P99, median(p.Ratios)
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.1f\t%s\t%.2f\t%.2f\t%.1f\t%.0f\t%.1f\t%.0f\t\n", w.name, p.Bets, p.P50, p.P99, w.over, p.Ratio, p.Median, p.Ratios, p.Writes, p.WritesP99, p.Facts)
	}
	if err := t.Flush(); err != nil {
		b.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{"cores": runtime.NumCPU(), "go": runtime.Version(), "window_seconds": apiWindow.Seconds(), "turns": *apiTurns, "phases": phases})
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%s\n", raw)
}

// percentile returns a percentile in milliseconds; 0 of nothing.
func percentile(took []time.Duration, percent int) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return float64(took[(len(took)-1)*percent/100].Microseconds()) / 1e3
}

// median returns the middle value; 0 of nothing.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(of))[len(of)/2]
}

func newAPILoad(b *testing.B, c *webtest.Casino) *apiLoad {
	b.Helper()
	served := httptest.NewServer(c.Server)
	b.Cleanup(served.Close)
	l := &apiLoad{b: b, c: c, url: served.URL, client: &http.Client{Timeout: webtest.Patience, Transport: &http.Transport{MaxIdleConnsPerHost: benchWorkers}}}
	for i := range *apiCasinos {
		other := c.Another(fmt.Sprint("casino-", i))
		_, key := other.Key(tenancy.NewAPIKey{Name: "a wallet", Scopes: []string{"money:write"}})
		l.hosts, l.keys = append(l.hosts, other.Tenant.Domains[0]), append(l.keys, key)
	}
	for seat := range benchSeats {
		storetest.Fund(b, c.Store, c.Tenant.ID, seated(seat), journal.MaxAmount)
	}
	for i := range benchRooms { // not in the platform's index, so that the node leaves them alone
		ref := rooms.Ref{Tenant: c.Tenant.ID, Room: fmt.Sprint("facts-", i)}
		for _, sql := range []string{`insert into room (id, game, name, settings) values ($1, 'roulette', 'Facts', '{}')`, `insert into account (kind, owner) values ('till', $1)`} {
			if err := storetest.Exec(b, c.Store, ref.Tenant, sql, ref.Room); err != nil {
				b.Fatal(err)
			}
		}
		l.rounds = append(l.rounds, &rounds{ref: ref, epoch: storetest.Claim(b, c.Store, ref, "bench").Epoch, next: 1})
	}
	return l
}

func seated(seat int) game.PlayerID { return game.PlayerID(fmt.Sprint("seated-", seat)) }

// listen makes the casino's endpoint, or deletes it.
func (l *apiLoad) listen(does bool) {
	var err error
	switch by := (webhooks.By{Actor: "op"}); {
	case does && l.endpoint == uuid.Nil:
		var e webhooks.Endpoint
		e, _, err = l.c.Store.Webhooks.Create(l.b.Context(), l.c.Tenant.ID, webhooks.Spec{URL: "https://receiver.example/"}, by)
		l.endpoint = e.ID
	case !does && l.endpoint != uuid.Nil:
		err = l.c.Store.Webhooks.Delete(l.b.Context(), l.c.Tenant.ID, l.endpoint, nil, by)
		l.endpoint = uuid.Nil
	}
	if err != nil {
		l.b.Fatal(err)
	}
}

// turn runs one window.
func (l *apiLoad) turn(players []*webtest.Socket, p *apiPhase, writes, settled bool) {
	if settled { // rounds whose ends fill the window
		for _, r := range l.rounds {
			l.stake(r, int64(float64(*apiFacts)*apiWindow.Seconds())/benchSeats/benchRooms)
		}
	}
	l.turns++
	room := fmt.Sprint("bench-", l.turns) // a player may bet a hundred times in a round
	l.c.OpenRoom(room, `{"min_bet":1,"max_bet":1000,"round_min":1,"round_max":1000,"betting_ms":600000}`)
	for _, s := range players {
		s.Join(room)
	}
	ctx, cancel := context.WithTimeout(l.b.Context(), *apiWindow)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bets []time.Duration
	for i, s := range players {
		wg.Go(func() {
			var own []time.Duration
			every(ctx, time.Second/benchBets, time.Duration(i)*time.Second/benchBets/benchPlayers, func(due time.Time) {
				s.Call(wire.MethodRoomCommand, webtest.Command(room, `{"type":"bet","bets":[{"position":"red","amount":1}]}`), nil)
				own = append(own, time.Since(due))
			})
			mu.Lock()
			defer mu.Unlock()
			bets = append(bets, own...)
		})
	}
	if writes {
		for i := range benchWorkers {
			wg.Go(func() {
				own := l.write(ctx, i)
				mu.Lock()
				defer mu.Unlock()
				p.writes = append(p.writes, own...)
			})
		}
	}
	if settled {
		for _, r := range l.rounds {
			wg.Go(func() {
				n := l.settle(ctx, r)
				mu.Lock()
				defer mu.Unlock()
				p.facts += n
			})
		}
	}
	wg.Wait()
	for _, s := range players {
		s.Call(wire.MethodRoomLeave, wire.RoomLeave{Room: room}, nil)
	}
	p.P99s = append(p.P99s, percentile(bets, 99))
	p.bets = append(p.bets, bets...)
}

// every calls f until ctx ends, each time when it is due or, after one that took long, as soon as can be.
func every(ctx context.Context, period, first time.Duration, f func(due time.Time)) {
	for due := time.Now().Add(first); ; due = due.Add(period) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		if ctx.Err() != nil {
			return
		}
		f(due)
	}
}

// write credits players over HTTP, as one of the workers, and returns how long each took.
func (l *apiLoad) write(ctx context.Context, worker int) (took []time.Duration) {
	period := time.Second * benchWorkers / time.Duration(*apiWrites)
	every(ctx, period, period*time.Duration(worker)/benchWorkers, func(due time.Time) {
		i := (worker + len(took)) % len(l.hosts)
		body := `{"amount":1,"reason":"a benchmark"}`
		r, err := http.NewRequestWithContext(l.b.Context(), http.MethodPost, fmt.Sprintf("%s/v1/players/player-%d-%d/credit", l.url, worker, len(took)%10), strings.NewReader(body))
		if err != nil {
			l.b.Error(err)
			return
		}
		r.Host = l.hosts[i]
		for name, value := range map[string]string{"Authorization": "Bearer " + l.keys[i], "Content-Type": "application/json", "Idempotency-Key": uuid.NewString()} {
			r.Header.Set(name, value)
		}
		res, err := l.client.Do(r)
		if err != nil {
			l.b.Error(err)
			return
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			l.b.Errorf("a write is answered with %d: %s", res.StatusCode, text)
			return
		}
		took = append(took, time.Since(due))
	})
	return took
}

// stake writes the stakes of rounds.
func (l *apiLoad) stake(r *rounds, more int64) {
	for last := r.next + more - 1; r.staked < last; {
		r.staked++
		entries := make([]rooms.Entry, benchSeats)
		for seat := range entries {
			e := storetest.Bet(r.epoch, r.seq+int64(seat)+1, seated(seat), 1)
			e.Records[0].Round, e.Moves[0].Ref = r.staked, game.RoundRef(r.staked)
			entries[seat] = e
		}
		l.add(r, entries)
	}
}

// settle ends rounds, and returns how many facts that made.
func (l *apiLoad) settle(ctx context.Context, r *rounds) (facts int) {
	every(ctx, time.Second*benchSeats*benchRooms/time.Duration(*apiFacts), 0, func(time.Time) {
		if r.next > r.staked {
			return
		}
		end := storetest.Record(r.epoch, r.seq+1, game.TypeRoundSettled, `{}`)
		end.Round = r.next
		e := rooms.Entry{Records: []rooms.Record{end}}
		for seat := range benchSeats / 2 {
			e.Moves = append(e.Moves, game.Posting{Kind: game.Payout, Player: seated(seat), Amount: 2, Ref: game.RoundRef(r.next)})
		}
		l.add(r, []rooms.Entry{e})
		r.next++
		facts += benchSeats
	})
	return facts
}

func (l *apiLoad) add(r *rounds, entries []rooms.Entry) {
	if _, err := l.c.Store.Journal.Append(l.b.Context(), r.ref, rooms.Batch{Epoch: r.epoch, Seq: r.seq, Entries: entries, Status: rooms.Open}); err != nil {
		l.b.Error(err)
		return
	}
	for _, e := range entries {
		r.seq += int64(len(e.Records))
	}
}
