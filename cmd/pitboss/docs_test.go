package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	testName = regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z][A-Za-z0-9]+)`")
	subtest  = regexp.MustCompile(`(?m)^func \w+\([t_] \*testing\.T, \w+ \*webtest\.Casino\)`) // of the tests of web, which share a casino
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
)

// sources calls f with every file of the repository's own below root.
func sources(t *testing.T, root string, f func(file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "dist"):
			return filepath.SkipDir
		case !d.IsDir():
			f(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheDocsNameExists(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	tests := map[string]bool{}
	var pages []string
	sources(t, root, func(file string) {
		switch {
		case strings.HasSuffix(file, "_test.go"):
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
				tests[m[1]] = true
			}
		case filepath.Ext(file) == ".md" && filepath.Base(file) != "CHANGELOG.md": // which tells of what was
			pages = append(pages, file)
		}
	})
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, m[1])
			}
		}
		for _, m := range testName.FindAllStringSubmatch(string(text), -1) {
			if !tests[m[1]] && m[1] != "TestName" {
				t.Errorf("%s names the test %s, which does not exist", page, m[1])
			}
		}
	}
}

// A file of helpers that is named like a file of tests is looked for elsewhere.
func TestAFileWithoutTestsIsNamedAsAHarness(t *testing.T) {
	t.Parallel()
	sources(t, filepath.Join("..", ".."), func(file string) {
		name := filepath.Base(file)
		if !strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "harness_test.go") || name == "export_test.go" {
			return
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !testFunc.Match(text) && !subtest.Match(text) {
			t.Errorf("%s has no tests: it is a harness_test.go", file)
		}
	})
}

// The image is built from what .dockerignore lets through.
func TestTheImageIsBuiltFromAllThatTheProgramNeeds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	let := func(file string) bool {
		for _, line := range strings.Fields(string(text)) {
			pattern, ok := strings.CutPrefix(line, "!")
			if matched, err := filepath.Match(pattern, file); ok && err == nil && (matched || strings.HasPrefix(file, pattern+"/")) {
				return true
			}
		}
		return false
	}
	out, err := exec.Command("go", "list", "-deps", "-f",
		`{{if .Module}}{{if .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 {
		t.Fatalf("the program is made of %d files", len(files))
	}
	for _, file := range files {
		if rel, err := filepath.Rel(root, file); err != nil || !let(filepath.ToSlash(rel)) {
			t.Errorf("%s is not let into the image's build, %v", rel, err)
		}
	}
}
