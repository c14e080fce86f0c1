package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run found. docs/load.md says what each line means.
type Report struct {
	Run            string           `json:"run"`
	URL            string           `json:"url"`
	Games          []Played         `json:"games"`
	Tables         int              `json:"tables"` // of all games
	Players        int              `json:"players"`
	RequestedRate  float64          `json:"requested_rate"`  // bets/s
	BettingSeconds float64          `json:"betting_seconds"` // how long bets were placed
	Offered        int64            `json:"offered"`         // bets that were sent
	OfferedRate    float64          `json:"offered_rate"`    // bets/s
	Accepted       int64            `json:"accepted"`
	AcceptedRate   float64          `json:"accepted_rate"` // bets/s, of those answered while bets were placed
	Refused        map[string]int64 `json:"refused"`       // by code
	Unplaced       int64            `json:"unplaced"`      // due while nobody could bet
	Acceptance     Latency          `json:"acceptance"`    // from when a bet was due to its answer
	Events         Latency          `json:"events"`        // from the event's server time to each player
	EventRate      float64          `json:"event_rate"`    // events/s read while bets were placed
	Rounds         int              `json:"rounds"`        // settled, of all games
	Reconnects     int64            `json:"reconnects"`
	Resent         int64            `json:"resent"`             // bets sent again under the same command_id
	ClockAheadMS   int64            `json:"clock_ahead_ms"`     // ours before the server's, if it can be told
	CPUSeconds     float64          `json:"client_cpu_seconds"` // of this program while bets were placed
	Checked        bool             `json:"checked"`            // all checks were made
	Violated       int              `json:"violated"`           // all violations; the first 100 are:
	Violations     []Violation      `json:"violations"`
}

// Played is what was played of one game.
type Played struct {
	Game     string `json:"game"`
	Tables   int    `json:"tables"`
	Rounds   int    `json:"rounds"`   // settled
	Payouts  int    `json:"payouts"`  // held to the rules, of every player and position
	Proven   int    `json:"proven"`   // rounds whose outcome follows from the seed that was committed to
	Unproven int    `json:"unproven"` // rounds whose seed was not told, at a table that is open
}

// Latency is a distribution, in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return Latency{h.TotalCount(), ms(h.ValueAtQuantile(50)), ms(h.ValueAtQuantile(95)), ms(h.ValueAtQuantile(99)), ms(h.Max())}
}

// report returns the report of a run that has ended.
func (r *run) report(checked bool) *Report {
	all := sum(r.shares)
	violations, violated := r.faults.found()
	if violations == nil {
		violations = []Violation{}
	}
	out := &Report{
		Run: "load-" + r.id, URL: r.base.String(), Tables: len(r.tables), Players: r.Players, RequestedRate: r.Rate, BettingSeconds: r.betting.Seconds(),
		Offered: r.offered.Load(), Accepted: all.accepted, Refused: all.refused, Unplaced: r.unplaced.Load(),
		Acceptance: latencyOf(all.answers), Events: latencyOf(all.events),
		Reconnects: r.reconnects.Load(), Resent: r.resent.Load(),
		ClockAheadMS: r.clocks.ahead().Milliseconds(), CPUSeconds: r.cpu.Seconds(), Checked: checked, Violated: violated, Violations: violations,
	}
	if s := r.betting.Seconds(); s > 0 {
		out.OfferedRate, out.AcceptedRate = float64(out.Offered)/s, float64(r.inTime.accepted)/s
		out.EventRate = float64(r.inTime.events.TotalCount()) / s
	}
	for _, g := range r.Games {
		out.Games = append(out.Games, Played{Game: g.Game.Name, Tables: g.Tables})
	}
	for _, t := range r.tables {
		g := &out.Games[slices.IndexFunc(out.Games, func(g Played) bool { return g.Game == t.game.Name })]
		t.count(g)
		for _, p := range t.players {
			g.Payouts += p.sums().payouts
		}
	}
	for _, g := range out.Games {
		out.Rounds += g.Rounds
	}
	return out
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-12s "+format+"\n", append([]any{name}, args...)...)
	}
	fmt.Fprintf(w, "\n%s at %s: %s, %d players, %g bets/s wanted for %.1f s\n", r.Run, r.URL, r.tables(), r.Players, r.RequestedRate, r.BettingSeconds)
	line("offered", "%.0f bets/s: %d bets", r.OfferedRate, r.Offered)
	line("accepted", "%.0f bets/s: %d bets", r.AcceptedRate, r.Accepted)
	if len(r.Refused) > 0 {
		var codes []string
		for _, code := range slices.Sorted(maps.Keys(r.Refused)) {
			codes = append(codes, fmt.Sprintf("%d %s", r.Refused[code], code))
		}
		line("refused", "%s", strings.Join(codes, ", "))
	}
	if r.Refused["rate_limited"] > 0 {
		line("", "a limit of the server was met: 50 commands/s a player or 20,000/s a casino; more --players, or a lower --rate")
	}
	if r.Unplaced > 0 {
		line("unplaced", "%d bets were due while no table was open, or its players were away; a longer --bet-window or more --tables help against the first", r.Unplaced)
	}
	line("acceptance", "%s  (from when a bet was due to its answer)", r.Acceptance)
	line("events", "%s  (from the table's clock to each player)", r.Events)
	if r.ClockAheadMS != 0 {
		line("", "the clock here is about %d ms ahead of the server's, and so the line above is off by as much", r.ClockAheadMS)
	}
	line("", "%d events were read, %.0f/s while bets were placed", r.Events.Count, r.EventRate)
	for _, g := range r.Games {
		line("rounds", "%s", g)
	}
	line("sockets", "%d reconnects, %d bets sent again", r.Reconnects, r.Resent)
	if s := r.BettingSeconds; r.CPUSeconds > 0 && s > 0 {
		line("client", "%.0f %% of a core while bets were placed, %.1f µs an event", 100*r.CPUSeconds/s, 1e6*r.CPUSeconds/max(r.EventRate*s, 1))
	}
	switch {
	case !r.Checked:
		line("checks", "not finished; %d violations so far", r.Violated)
	case r.Violated > 0:
		line("checks", "%d VIOLATIONS", r.Violated)
	default:
		line("checks", "every bet settled once at the right payout, every event told once, every balance right")
	}
	for _, v := range r.Violations {
		fmt.Fprintf(w, "    %s: %s: %s\n", v.Kind, v.Where, v.What)
	}
	if n := r.Violated - len(r.Violations); n > 0 {
		fmt.Fprintf(w, "    … and %d more\n", n)
	}
}

// String returns the distribution in one line.
func (l Latency) String() string {
	return fmt.Sprintf("p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms", l.P50, l.P95, l.P99, l.Max)
}

// tables says what was opened.
func (r *Report) tables() string {
	var list []string
	for _, g := range r.Games {
		list = append(list, fmt.Sprintf("%d tables of %s", g.Tables, g.Game))
	}
	return strings.Join(list, ", ")
}

// String returns what was played in one line.
func (g Played) String() string {
	s := fmt.Sprintf("%s: %d settled, %d payouts checked, %d rounds proven by their seeds", g.Game, g.Rounds, g.Payouts, g.Proven)
	if g.Unproven > 0 {
		s += fmt.Sprintf(", %d not provable yet: their tables are open", g.Unproven)
	}
	return s
}
