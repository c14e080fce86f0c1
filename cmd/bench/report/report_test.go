package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestAMeasureIsTheMedianOfItsWindows(t *testing.T) {
	m := New("g", "cpu", "µs", true, Values{Ours: {9, 3, 5}, "centrifuge": {10, 20}, "gone": nil}, AtMostTimes(.8, "centrifuge"), AtMost(6))
	if *m.Ours != 5 || m.Peers["centrifuge"] != 15 || len(m.Peers) != 1 {
		t.Fatalf("%+v", m)
	}
	if m.Spread[Ours] != [2]float64{3, 9} || m.Spread["centrifuge"] != [2]float64{10, 20} {
		t.Errorf("spread %v", m.Spread)
	}
	if m.Target != "≤ 0.8 × centrifuge; ≤ 6" || m.Met == nil || !*m.Met {
		t.Errorf("target %q: %v", m.Target, m.Met)
	}
}

func TestOneMissedGoalMissesTheTarget(t *testing.T) {
	for name, c := range map[string]struct {
		ours, peer float64
		goals      []Goal
		met        bool
	}{
		"more than the factor":  {20, 10, []Goal{AtLeastTimes(2, "p")}, true},
		"less than the factor":  {19, 10, []Goal{AtLeastTimes(2, "p")}, false},
		"the second is missed":  {20, 10, []Goal{AtLeastTimes(2, "p"), AtLeast(21)}, false},
		"at the bound":          {15, 10, []Goal{AtMost(15)}, true},
		"over the bound":        {15.1, 10, []Goal{AtMost(15)}, false},
		"over the peer's share": {9, 10, []Goal{AtMostTimes(.8, "p")}, false},
	} {
		m := New("", "", "", false, Values{Ours: {c.ours}, "p": {c.peer}}, c.goals...)
		if m.Met == nil || *m.Met != c.met {
			t.Errorf("%s: %v", name, m.Met)
		}
	}
}

func TestWhatWasNotMeasuredIsNeitherMetNorMissed(t *testing.T) {
	for name, m := range map[string]Measure{
		"ours is missing":     New("", "", "", false, Values{"p": {1}}, AtLeastTimes(2, "p")),
		"the peer is missing": New("", "", "", false, Values{Ours: {1}}, AtLeastTimes(2, "p")),
		"no target":           New("", "", "", false, Values{Ours: {1}}),
	} {
		if m.Met != nil {
			t.Errorf("%s: %v", name, *m.Met)
		}
	}
}

func TestTheListHasTheMembersThatReadersRelyOn(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, []Measure{New("g", "m", "u", false, Values{Ours: {1}, "p": {2}}, AtLeast(1)), New("g", "n", "u", false, nil, AtLeast(1))}); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(b.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	for i, want := range []map[string]any{{"ours": 1.0, "met": true}, {"ours": nil, "met": nil}} {
		for _, name := range []string{"measure", "unit", "ours", "peers", "target", "met"} {
			if _, ok := list[i][name]; !ok {
				t.Errorf("measure %d has no %s", i, name)
			}
		}
		for name, v := range want {
			if list[i][name] != v {
				t.Errorf("measure %d: %s is %v, want %v", i, name, list[i][name], v)
			}
		}
	}
}

func TestTableAndPageShowRatiosAndVerdicts(t *testing.T) {
	ms := []Measure{
		New("fan-out", "most delivered", "1/s", false, Values{Ours: {3e6, 3.2e6, 3.1e6}, "centrifuge": {1e6}}, AtLeastTimes(2, "centrifuge")),
		New("bets", "<accepted>", "1/s", false, nil, AtLeast(12_000)),
	}
	var table, page bytes.Buffer
	if err := WriteTable(&table, ms); err != nil {
		t.Fatal(err)
	}
	if err := WritePage(&page, Facts{{"CPU", "some & other"}}, ms); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3.10 M", "(3.10×)", "yes", "not measured", "?"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	for _, want := range []string{"<svg", "ours is 3.10×", "some &amp; other", "&lt;accepted&gt;", "Not measured."} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.String(), "http") {
		t.Error("the page needs something from elsewhere")
	}
}

func TestNumbersAreShort(t *testing.T) {
	for x, want := range map[float64]string{3.31e6: "3.31 M", 123_456: "123 k", 1234: "1234", 14: "14", 14.25: "14.2", 0.2: "0.2", 1.1: "1.1", 2: "2", 0: "0"} {
		if got := Number(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
}
