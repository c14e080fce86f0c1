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

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

var update = flag.Bool("update", false, "write the settings of every game into its page in docs/games")

const settingsHead = "| setting | type | default | bounds | meaning |\n|---|---|---|---|---|\n"

// The table of settings in docs/games/<name>.md is made of Kind.Settings; its last column is written by hand.
func TestEveryGameIsDocumented(t *testing.T) {
	t.Parallel()
	for name, kind := range games.Kinds() {
		if name == rooms.LobbyID {
			continue
		}
		file := filepath.Join("..", "..", "docs", "games", name+".md")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s has no page (begin it as docs/games/roulette.md, with the head of the table of settings): %v", name, err)
			continue
		}
		before, rest, found := strings.Cut(string(text), settingsHead)
		if !found {
			t.Errorf("%s has no table of settings that begins with\n%s", file, settingsHead)
			continue
		}
		table, after := rows(rest)
		want := settingsTable(t, kind.Settings, meanings(table))
		if *update {
			if err := os.WriteFile(file, []byte(before+settingsHead+want+"\n"+after), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(want, table); diff != "" {
			t.Errorf("%s (run the test with -update): %s", file, diff)
		}
	}
}

// rows cuts text after the rows of a table with which it begins, and returns both parts.
func rows(text string) (table, after string) {
	var list []string
	for strings.HasPrefix(text, "|") {
		row, rest, _ := strings.Cut(text, "\n")
		list, text = append(list, row), rest
	}
	return strings.Join(list, "\n"), text
}

// ofEveryRound holds the meanings of the settings that every round game has, for a page that has none yet.
var ofEveryRound = map[string]string{
	"min_bet": "the least that a player may have on a position", "max_bet": "the most",
	"round_min": "the least that a player may stake in a round", "round_max": "the most",
	"betting_ms": "from the first bet to \"no more bets\"", "pause_ms": "from the payout to the next round",
	"max_by_kind": "lowers `max_bet` for kinds of positions",
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
			meaning[s.Name] = ofEveryRound[s.Name]
		}
		if meaning[s.Name] == "" {
			t.Errorf("write what %s means into the last column of its row", s.Name)
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
	for _, g := range games.All {
		if g.Load == nil {
			continue
		}
		if g.Load.Name != g.Rules.Name {
			t.Errorf("%s is played by load as %s", g.Rules.Name, g.Load.Name)
		}
		fields := reflect.ValueOf(*g.Load)
		for i := range fields.NumField() {
			if fields.Field(i).IsZero() {
				t.Errorf("%s: %s is missing", g.Rules.Name, fields.Type().Field(i).Name)
			}
		}
	}
}
