package api

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// codesIn returns what a form finds in the sources of a pattern or several.
func codesIn(t *testing.T, form *regexp.Regexp, patterns ...string) (codes []string) {
	t.Helper()
	var files []string
	for _, pattern := range patterns {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range form.FindAllStringSubmatch(string(source), -1) {
			codes = append(codes, m[1])
		}
	}
	if len(codes) < 2 {
		t.Fatalf("only %v in %v", codes, patterns)
	}
	return codes
}

func TestTheProtocolHasEveryCodeOfAnHTTPAnswer(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), "\n## HTTP\n")
	_, table, _ := strings.Cut(section, "| code | status |\n")
	table, _, found := strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("no table of codes")
	}
	var documented []string
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	answered := append(codesIn(t, regexp.MustCompile(`\bFail\([^,]+, "(\w+)"`), "*.go", "../../*.go", "../../*/*.go"), codesIn(t, regexp.MustCompile(`&Error\{"(\w+)"`), "../../../auth/*.go")...)
	for _, code := range answered {
		if !slices.Contains(documented, code) {
			t.Errorf("%s is not in docs/protocol.md", code)
		}
	}
	for _, c := range wire.ErrorCodes {
		answered = append(answered, c.Code)
	}
	for _, code := range documented {
		if !slices.Contains(answered, code) {
			t.Errorf("docs/protocol.md has the code %s, which nothing is answered with", code)
		}
	}
}

// Every limit that is counted has a row in docs/operations.md.
func TestTheOperationsPageHasEveryLimit(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`\b[lL]imit[A-Z]\w* += "([a-z_]+)"`)
	for _, limit := range slices.Concat(codesIn(t, declared, "*.go"), codesIn(t, declared, "../../../hub/*.go"), codesIn(t, declared, "../../../rooms/*.go", "../../../rooms/placement/*.go"), codesIn(t, declared, "../../../store/internal/db/*.go"), codesIn(t, declared, "../../webhooks/*.go")) {
		if !strings.Contains(string(raw), "`"+limit+"`") {
			t.Errorf("%s is not in docs/operations.md", limit)
		}
	}
}
