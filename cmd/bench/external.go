package main

import "github.com/pitboss-hub/pitboss/cmd/bench/report"

func (b *bench) bets() step { return step{measures: func() []report.Measure { return nil }} }
