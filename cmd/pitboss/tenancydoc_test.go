package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	evidence    = regexp.MustCompile("`([^`]+)`")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z-]+):`)
	browserTest = regexp.MustCompile(`^web/ui/e2e/[a-z]+\.test\.mjs$`)
)

// Each row of the tables of docs/tenancy.md names in its last column a test, a command or a make target that there is.
// TestWhatTheDocsNameExists looks for the Go tests.
func TestEveryRowOfTheComparisonNamesATestOrACommandThatExists(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(read("Makefile"), -1) {
		targets[m[1]] = true
	}
	commands := map[string]bool{}
	parser, err := kong.New(new(cli), kong.Name("pitboss"), helpVars())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range parser.Model.Leaves(false) {
		commands["pitboss "+strings.Join(pathOf(n), " ")] = true
	}
	exists := func(name string) bool {
		target, isTarget := strings.CutPrefix(name, "make ")
		switch {
		case testName.MatchString("`" + name + "`"):
			return true
		case isTarget:
			return targets[target]
		case browserTest.MatchString(name):
			_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
			return err == nil
		}
		return commands[name]
	}
	numbered, rows := 0, 0
	for line := range strings.Lines(read("docs/tenancy.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || (len(cells) != 3 && len(cells) != 4) || strings.TrimSpace(cells[len(cells)-1]) == "shown by" {
			continue
		}
		rows++
		if n, err := strconv.Atoi(strings.TrimSpace(cells[0])); err == nil {
			if numbered++; n != numbered {
				t.Errorf("row %d comes after row %d", n, numbered-1)
			}
		}
		names := evidence.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(names) == 0 {
			t.Errorf("this row names nothing that shows it: %s", line)
		}
		for _, m := range names {
			if !exists(m[1]) {
				t.Errorf("there is no %s, which this row names: %s", m[1], line)
			}
		}
	}
	if numbered != 47 || rows < 60 {
		t.Errorf("%d rows, of which %d are django-tenants'", rows, numbered)
	}
}

// pathOf returns the names by which a command is called.
func pathOf(n *kong.Node) []string {
	if n.Parent == nil {
		return nil
	}
	return append(pathOf(n.Parent), n.Name)
}
