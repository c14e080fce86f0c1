// Package prometheus has as much of the real one as the rules look at.
package prometheus

type CounterOpts struct{ Name string }

type CounterVec struct{}

func NewCounterVec(o CounterOpts, labels []string) *CounterVec { return nil }
