// Package report is what the bench found, as JSON, as a table and as a page.
//
// A value is the median of its windows; beside it stand the lowest and the highest. What
// was not measured is absent, never zero, and a target that needs it is neither met nor
// missed.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// Ours is the product's name among the values.
const Ours = "ours"

// Measure is one line of the report.
type Measure struct {
	Group   string                `json:"group"` // the chart it stands in
	Measure string                `json:"measure"`
	Unit    string                `json:"unit"`
	Less    bool                  `json:"less_is_better"`
	Ours    *float64              `json:"ours"`
	Peers   map[string]float64    `json:"peers"`
	Target  string                `json:"target"`
	Met     *bool                 `json:"met"`
	Spread  map[string][2]float64 `json:"spread,omitempty"` // the lowest and the highest, by name
	Note    string                `json:"note,omitempty"`
}

// Values are what was measured, by name, in as many windows as there were.
type Values map[string][]float64

// Add adds one window's value.
func (v Values) Add(name string, x float64) { v[name] = append(v[name], x) }

// New makes a measure of its values and says which of its goals are met: all, or the
// target is missed.
func New(group, name, unit string, less bool, v Values, goals ...Goal) Measure {
	m := Measure{Group: group, Measure: name, Unit: unit, Less: less, Peers: map[string]float64{}, Spread: map[string][2]float64{}}
	for who, xs := range v {
		if len(xs) == 0 {
			continue
		}
		mid := Median(xs)
		if who == Ours {
			m.Ours = &mid
		} else {
			m.Peers[who] = mid
		}
		if len(xs) > 1 {
			m.Spread[who] = [2]float64{round(slices.Min(xs)), round(slices.Max(xs))}
		}
	}
	var texts []string
	met, known := true, len(goals) > 0
	for _, g := range goals {
		texts = append(texts, g.String())
		ok, measured := g.reached(m)
		met, known = met && ok, known && measured
	}
	m.Target = strings.Join(texts, "; ")
	if known {
		m.Met = &met
	}
	return m
}

// Median returns the median of xs, which must not be empty, to four digits.
func Median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	return round((s[(n-1)/2] + s[n/2]) / 2)
}

// round keeps four digits: no window is exacter.
func round(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(x)))-3)
	if unit >= 1 {
		return math.Round(x/unit) * unit
	}
	inverse := math.Round(1 / unit) // so that 0.1 stays 0.1
	return math.Round(x*inverse) / inverse
}

// Goal is a bound for our value: Factor times a peer's, or Factor itself.
type Goal struct {
	AtLeast bool
	Factor  float64
	Peer    string // empty: absolute
}

// AtLeast wants our value to be x or more.
func AtLeast(x float64) Goal { return Goal{AtLeast: true, Factor: x} }

// AtMost wants our value to be x or less.
func AtMost(x float64) Goal { return Goal{Factor: x} }

// AtLeastTimes wants our value to be x times the peer's or more.
func AtLeastTimes(x float64, peer string) Goal { return Goal{AtLeast: true, Factor: x, Peer: peer} }

// AtMostTimes wants our value to be x times the peer's or less.
func AtMostTimes(x float64, peer string) Goal { return Goal{Factor: x, Peer: peer} }

func (g Goal) String() string {
	sign := "≤"
	if g.AtLeast {
		sign = "≥"
	}
	if g.Peer == "" {
		return sign + " " + Number(g.Factor)
	}
	return fmt.Sprintf("%s %s × %s", sign, Number(g.Factor), g.Peer)
}

func (g Goal) reached(m Measure) (met, measured bool) {
	bound := g.Factor
	if g.Peer != "" {
		x, ok := m.Peers[g.Peer]
		if !ok {
			return false, false
		}
		bound *= x
	}
	if m.Ours == nil {
		return false, false
	}
	if g.AtLeast {
		return *m.Ours >= bound, true
	}
	return *m.Ours <= bound, true
}

// Number formats x for people.
func Number(x float64) string {
	switch a := math.Abs(x); {
	case a >= 1e6:
		return fmt.Sprintf("%.2f M", x/1e6)
	case a >= 10_000:
		return fmt.Sprintf("%.0f k", x/1e3)
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", x), "0"), ".")
}

// WriteJSON writes the list.
func WriteJSON(w io.Writer, ms []Measure) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(ms)
}

// Names returns the peers that appear, in the order in which they are shown.
func Names(ms []Measure) []string {
	var names []string
	for _, m := range ms {
		for name := range m.Peers {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// WriteTable writes, for each measure, our value and each peer's, and in brackets how many
// times the peer's ours is.
func WriteTable(w io.Writer, ms []Measure) error {
	names := Names(ms)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "MEASURE\tUNIT\tOURS\t%s\tTARGET\tMET\n", strings.ToUpper(strings.Join(names, "\t")))
	for _, m := range ms {
		ours := "not measured"
		if m.Ours != nil {
			ours = Number(*m.Ours)
		}
		fmt.Fprintf(t, "%s\t%s\t%s", m.Measure, m.Unit, ours)
		for _, name := range names {
			fmt.Fprintf(t, "\t%s", against(m, name))
		}
		fmt.Fprintf(t, "\t%s\t%s\n", m.Target, Verdict(m))
	}
	return t.Flush()
}

func against(m Measure, name string) string {
	x, ok := m.Peers[name]
	switch {
	case !ok:
		return ""
	case m.Ours == nil:
		return Number(x)
	}
	if r := *m.Ours / x; r < 1000 {
		return fmt.Sprintf("%s (%.2f×)", Number(x), r)
	}
	return Number(x) // next to nothing: the ratio says nothing either
}

// Verdict says whether the target is met.
func Verdict(m Measure) string {
	switch {
	case m.Target == "":
		return ""
	case m.Met == nil:
		return "?"
	case *m.Met:
		return "yes"
	}
	return "NO"
}
