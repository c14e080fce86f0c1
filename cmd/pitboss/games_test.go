package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

var update = flag.Bool("update", false, "write the settings of every game into its page in docs/games")

const settingsHead = "| setting | type | default | bounds | meaning |\n|---|---|---|---|---|\n"

// The table of settings in docs/games/<name>.md is made of Kind.Settings; its last column is written by hand.
func TestEveryGameIsDocumented(t *testing.T) {
	t.Parallel()
	for name, kind := range games() {
		if name == rooms.LobbyID {
			continue
		}
		file := filepath.Join("..", "..", "docs", "games", name+".md")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s has no page: %v", name, err)
			continue
		}
		before, rest, found := strings.Cut(string(text), settingsHead)
		if !found {
			t.Errorf("%s has no table of settings that begins with\n%s", file, settingsHead)
			continue
		}
		table, after, _ := strings.Cut(rest, "\n\n")
		want := settingsTable(t, kind.Settings, meanings(table))
		if *update {
			if err := os.WriteFile(file, []byte(before+settingsHead+want+"\n\n"+after), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(want, table); diff != "" {
			t.Errorf("%s (run the test with -update): %s", file, diff)
		}
	}
}

// meanings returns the last column of a table, by setting.
func meanings(table string) map[string]string {
	m := map[string]string{}
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		m[strings.Trim(cells[0], " `")] = strings.TrimSpace(cells[len(cells)-1])
	}
	return m
}

func settingsTable(t *testing.T, list []game.Setting, meaning map[string]string) string {
	var rows []string
	for _, s := range list {
		if meaning[s.Name] == "" {
			t.Errorf("the setting %s has no meaning in the docs", s.Name)
		}
		typ, def, bounds := s.Type, fmt.Sprint(s.Default), ""
		if s.Unit != "" {
			typ += ", " + s.Unit
		}
		if s.Default == nil {
			def = "–"
		}
		if s.Type != game.SettingBool {
			low := append([]string{fmt.Sprint(s.Min)}, quoted(s.AtLeast)...)
			high := append([]string{fmt.Sprint(s.Max)}, quoted(s.AtMost)...)
			bounds = strings.Join(low, ", ") + " … " + strings.Join(high, ", ")
		}
		if len(s.Kinds) > 0 {
			bounds += "; for " + strings.Join(quoted(s.Kinds), ", ")
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s | %s |", s.Name, typ, def, bounds, meaning[s.Name]))
	}
	return strings.Join(rows, "\n")
}

func quoted(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, "`"+n+"`")
	}
	return out
}
func TestEveryLoadGameIsWholeAndNamedAsItsRules(t *testing.T) {
	t.Parallel()
	for _, g := range allGames {
		if g.load == nil {
			continue
		}
		if g.load.Name != g.rules.Name {
			t.Errorf("%s is played by load as %s", g.rules.Name, g.load.Name)
		}
		fields := reflect.ValueOf(*g.load)
		for i := range fields.NumField() {
			if fields.Field(i).IsZero() {
				t.Errorf("%s: %s is missing", g.rules.Name, fields.Type().Field(i).Name)
			}
		}
	}
}
