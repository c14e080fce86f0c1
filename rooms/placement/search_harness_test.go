package placement_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A model is all that a small protocol may do. States are values; two of the same key behave
// alike (say, because only names differ), and one of them is enough.
type model[S comparable] struct {
	start S
	key   func(S) S
	// next calls emit for each step that a state allows. It runs again to name the steps of a
	// trace, so it must do the same each time.
	next func(s S, emit func(step, S))
	// wrong says which invariant a state breaks; "": none.
	wrong func(S) string
}

// step is what happened, in words, lazily.
type step struct {
	what  string // with verbs for args
	args  [3]uint8
	fault bool // something broke; the others happen by themselves, sooner or later
}

func (s step) String() string {
	args := make([]any, strings.Count(s.what, "%"))
	for i := range args {
		args[i] = s.args[i]
	}
	return fmt.Sprintf(s.what, args...)
}

// statesMax ends a search that nobody wants to wait for.
const statesMax = 4_000_000

// found is what a search saw.
type found[S comparable] struct {
	model[S]
	states  []S // breadth first
	parents []int32
	healing [][2]int32 // steps that are no faults, if they are asked for
	broken  string     // an invariant; "": none
}

// search visits every state once, nearest first, until one is wrong.
func search[S comparable](t *testing.T, m model[S], healing bool) *found[S] {
	t.Helper()
	f := &found[S]{model: m, states: []S{m.start}, parents: []int32{-1}}
	ids := map[S]int32{m.key(m.start): 0}
	for at := int32(0); int(at) < len(f.states); at++ {
		m.next(f.states[at], func(by step, s S) {
			if f.broken != "" {
				return
			}
			k := m.key(s)
			id, seen := ids[k]
			if !seen {
				id = int32(len(f.states))
				ids[k] = id
				f.states, f.parents = append(f.states, s), append(f.parents, at)
				f.broken = m.wrong(s)
			}
			if healing && !by.fault {
				f.healing = append(f.healing, [2]int32{at, id})
			}
		})
		if f.broken != "" {
			return f
		}
		if len(f.states) > statesMax {
			t.Fatalf("more than %d states: the bounds are too wide", statesMax)
		}
	}
	return f
}

// trap is the nearest state from which no steps without a fault lead to a good one; -1: none.
func (f *found[S]) trap(good func(S) bool) int {
	from := make([][]int32, len(f.states))
	for _, e := range f.healing {
		from[e[1]] = append(from[e[1]], e[0])
	}
	var todo []int32
	heals := make([]bool, len(f.states))
	for i, s := range f.states {
		if good(s) {
			heals[i], todo = true, append(todo, int32(i))
		}
	}
	for len(todo) > 0 {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, i := range from[last] {
			if !heals[i] {
				heals[i], todo = true, append(todo, i)
			}
		}
	}
	return slices.Index(heals, false)
}

// trace tells how a state comes about, by one of the shortest ways.
func (f *found[S]) trace(at int) string {
	var path []int32
	for i := int32(at); i >= 0; i = f.parents[i] {
		path = append(path, i)
	}
	slices.Reverse(path)
	var b strings.Builder
	for i, id := range path[1:] {
		named := false
		f.next(f.states[path[i]], func(by step, s S) {
			if !named && s == f.states[id] {
				named = true
				fmt.Fprintf(&b, "\n%3d. %s", i+1, by)
			}
		})
	}
	fmt.Fprintf(&b, "\n     → %+v", f.states[at])
	return b.String()
}

// last is the state that broke the invariant.
func (f *found[S]) last() int { return len(f.states) - 1 }
