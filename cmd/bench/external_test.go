package main

import (
	"math"
	"testing"
)

func TestWhatOtherProgramsSayIsRead(t *testing.T) {
	tps, err := pgbenchTPS([]byte("latency average = 4.990 ms\ninitial connection time = 3 ms\ntps = 6412.434309 (without initial connection time)\n"))
	if err != nil || tps != 6412.434309 {
		t.Errorf("pgbench: %v, %v", tps, err)
	}
	bytes, err := memoryIn([]byte("# HeapAlloc = 1\n# HeapInuse = 3000\n# Stack = 200 / 300\n# MSpan = 4 / 5\n"))
	if err != nil || bytes != 3200 {
		t.Errorf("profile: %v, %v", bytes, err)
	}
	r, err := readLoad([]byte(`{"accepted_rate": 12345.6, "acceptance": {"p50_ms": 3, "p99_ms": 21.5}}`))
	if err != nil || r != (loaded{12345.6, 21.5}) {
		t.Errorf("load: %+v, %v", r, err)
	}
	rows, err := readRows([]byte("{\"what\":\"good\",\"p99\":2.5}\n{\"what\":\"bad\"}\n"))
	if err != nil || len(rows) != 2 || rows[0].P99 != 2.5 || rows[1].What != "bad" {
		t.Errorf("rows: %+v, %v", rows, err)
	}
}

func TestCostsOfTheBusAreReadByBenchmarkAndPart(t *testing.T) {
	costs, err := busCosts([]byte(`goos: linux
BenchmarkPublish-2 	2026/11/23 15:42:37 WARN redis
  300000	      1500 ns/op	         2.411 cpu-µs/op	         1.7 go-µs/op	         0.711 redis-µs/op
BenchmarkDeliver-2 	  300000	      3500 ns/op	         6.5 cpu-µs/op	         5 go-µs/op	         1.5 redis-µs/op
PASS
`))
	if err != nil || costs["Publish/cpu"] != 2.411 || costs["Publish/redis"] != .711 || costs["Deliver/go"] != 5 {
		t.Errorf("%v, %v", costs, err)
	}
}

func TestStolenTimeIsAShareOfWhatWasWanted(t *testing.T) {
	if said := (cpu{busy: 390, stolen: 15}).stolenSince(cpu{busy: 200, stolen: 5}); said != "5.0 % of the CPU time that was wanted" {
		t.Error(said)
	}
	if said := (cpu{}).stolenSince(cpu{}); said != "unknown" {
		t.Error(said)
	}
}

func TestWhatTheyDoNotSayIsAnError(t *testing.T) {
	if _, err := pgbenchTPS([]byte("pgbench: error: connection refused")); err == nil {
		t.Error("pgbench")
	}
	if _, err := memoryIn([]byte("# HeapInuse = 3000\n")); err == nil {
		t.Error("profile")
	}
	if _, err := readLoad([]byte(`{"accepted": 3}`)); err == nil {
		t.Error("load")
	}
	if _, err := scopeRatios([]byte("PASS\n")); err == nil {
		t.Error("benchmark")
	}
	if _, err := busCosts([]byte("BenchmarkPublish 1 2.4 cpu-µs/op\n")); err == nil {
		t.Error("bus")
	}
	if _, err := readRows([]byte("not JSON\n")); err == nil {
		t.Error("rows")
	}
}

func TestAScopeIsAsDearAsItsDearestTransaction(t *testing.T) {
	ratios, err := scopeRatios([]byte(`goos: linux
BenchmarkScope/look/tenants=1-2         	    3000	    212479 ns/op	        95.57 bare-µs	         6.083 overhead-%	       101.4 scoped-µs
BenchmarkScope/look/tenants=1-2         	    3000	    212479 ns/op	        95.57 bare-µs	         1 overhead-%	       101.4 scoped-µs
BenchmarkScope/write/tenants=100-2      	    3000	    300431 ns/op	       117.9 bare-µs	        -0.53 overhead-%	       118.1 scoped-µs
BenchmarkScope/write/tenants=100-2      	    3000	    300431 ns/op	       117.9 bare-µs	         2 overhead-%	       118.1 scoped-µs
PASS
`))
	if err != nil || len(ratios) != 2 || math.Abs(ratios[0]-1.06083) > .001 || math.Abs(ratios[1]-1.02) > .001 {
		t.Errorf("%v, %v", ratios, err)
	}
}

func TestStepsAreChosenByName(t *testing.T) {
	b := &bench{best: map[string]map[string]float64{}}
	steps, err := b.steps("ping, idle")
	if err != nil || len(steps) != 2 || steps[0].name != "idle" || steps[1].name != "ping" {
		t.Errorf("%v, %v", steps, err)
	}
	if _, err := b.steps("pnig"); err == nil {
		t.Error("a step that does not exist is run")
	}
}
