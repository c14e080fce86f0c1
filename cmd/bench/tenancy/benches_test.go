package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestFiguresAreReadByNamePartAndUnit(t *testing.T) {
	t.Parallel()
	found := figures{}
	err := found.read([]byte("goos: linux\nBenchmarkScope/look/tenants=100-2 \t 3000\t 210388 ns/op\t 166.4 bare-µs\t -1.5 overhead-%\t 1.2e+03 scoped-µs\n" +
		"BenchmarkForeignLoad-2   \t 1\t 5291436168 ns/op\t 8520 commands/s\t 42.26 commands-p99-ms\nPASS\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]float64{"ns/op": 210388, "bare-µs": 166.4, "overhead-%": -1.5, "scoped-µs": 1200}; !maps.Equal(found["Scope/look/tenants=100"], want) {
		t.Errorf("%v", found)
	}
	if want := map[string]float64{"ns/op": 5291436168, "commands/s": 8520, "commands-p99-ms": 42.26}; !maps.Equal(found["ForeignLoad"], want) {
		t.Errorf("%v", found)
	}
	if err := found.read([]byte("PASS\nok\n")); err == nil {
		t.Error("a benchmark without figures is not noticed")
	}
}

func TestWhatFailedOrWasNotMeasuredIsAbsent(t *testing.T) {
	t.Parallel()
	for _, b := range benches {
		for _, l := range b.lines {
			if m := l.measure(b, figures{}); m.Ours != nil || m.Met != nil {
				t.Errorf("%s: %+v", b.name, m)
			}
		}
	}
	provision, err := chosen("^Provision$")
	if err != nil || len(provision) != 1 {
		t.Fatal(provision, err)
	}
	for _, l := range provision[0].lines {
		if l.metric != "pool-p99-ms" {
			continue
		}
		for v, want := range map[float64]bool{9: true, 11: false} {
			if m := l.measure(provision[0], figures{"Provision": {l.metric: v}}); m.Met == nil || *m.Met != want {
				t.Errorf("%v: %+v", v, m)
			}
		}
	}
	if _, err := chosen("nothing of the kind"); err == nil {
		t.Error("a benchmark that is not there was chosen")
	}
}

func TestEachBenchmarkThatIsRunExists(t *testing.T) {
	t.Parallel()
	for _, b := range benches {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", filepath.FromSlash(b.pkg), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found, decl := false, regexp.MustCompile(`(?m)^func Benchmark`+b.name+`\(b \*testing\.B\)`)
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = found || decl.Match(text)
		}
		if !found {
			t.Errorf("%s has no Benchmark%s", b.pkg, b.name)
		}
	}
}
