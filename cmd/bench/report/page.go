package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// Facts are about the machine and the run, in the order in which they are shown.
type Facts []Fact

// Fact is one of them.
type Fact struct{ Name, Value string }

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// The page's charts, in pixels.
const (
	chartWidth = 640
	labelWidth = 135
	valueWidth = 180
	barHeight  = 20
	barStep    = 28
)

type chart struct {
	Title, Unit, Hint, Target, Verdict, Note string
	Width, Height                            int
	Bars                                     []bar
}

type bar struct {
	Name, Value        string
	Ours               bool
	X, Y, W, H, Middle float64
	Text, Label        float64
	Lo, Hi             float64 // of the spread; equal: none
}

type group struct {
	Title  string
	Charts []chart
}

// WritePage writes a page that needs nothing else.
func WritePage(w io.Writer, facts Facts, ms []Measure) error {
	var groups []group
	for _, m := range ms {
		if len(groups) == 0 || groups[len(groups)-1].Title != m.Group {
			groups = append(groups, group{Title: m.Group})
		}
		g := &groups[len(groups)-1]
		g.Charts = append(g.Charts, draw(m))
	}
	return page.Execute(w, map[string]any{"Facts": facts, "Groups": groups})
}

func draw(m Measure) chart {
	c := chart{Title: m.Measure, Unit: m.Unit, Target: m.Target, Verdict: Verdict(m), Note: m.Note, Hint: "more is better", Width: chartWidth}
	if m.Less {
		c.Hint = "less is better"
	}
	values := map[string]float64{}
	for name, x := range m.Peers {
		values[name] = x
	}
	names := Names([]Measure{m})
	if m.Ours != nil {
		values[Ours] = *m.Ours
		names = append([]string{Ours}, names...)
	}
	var most float64
	for name, x := range values {
		most = max(most, x, m.Spread[name][1])
	}
	scale := 0.0
	if most > 0 {
		scale = (chartWidth - labelWidth - valueWidth) / most
	}
	for i, name := range names {
		x := values[name]
		y := float64(i * barStep)
		b := bar{Name: name, Ours: name == Ours, Value: Number(x), X: labelWidth, Y: y, W: max(x*scale, 1), H: barHeight, Middle: y + barHeight/2, Label: y + barHeight*0.72}
		edge := b.X + b.W
		if s, ok := m.Spread[name]; ok && s[0] != s[1] {
			b.Lo, b.Hi = labelWidth+s[0]*scale, labelWidth+s[1]*scale
			edge = max(edge, b.Hi)
		}
		if m.Ours != nil && name != Ours && *m.Ours/x < 1000 {
			b.Value += fmt.Sprintf(" · ours is %.2f×", *m.Ours/x)
		}
		b.Text = edge + 8
		c.Bars = append(c.Bars, b)
	}
	c.Height = len(names) * barStep
	return c
}
