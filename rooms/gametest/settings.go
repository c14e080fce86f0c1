package gametest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// checkSettings checks a game against Kind.Settings: a game with the defaults starts, what is outside any
// of the bounds is refused with an error that names the setting, and the game has no other settings.
func checkSettings(t testing.TB, kind game.Kind) {
	t.Helper()
	rules, err := kind.New(nil)
	if err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	if _, err := kind.New(json.RawMessage(`{"no such setting": 1}`)); err == nil && len(kind.Settings) > 0 {
		t.Fatalf("a setting that does not exist is accepted")
	}
	if len(kind.Settings) == 0 {
		return
	}
	inForce := settingsOf(t, rules)
	numbers := map[string]int64{}
	for _, s := range kind.Settings {
		switch s.Type {
		case game.SettingInt, game.SettingMoney:
			n, ok := s.Default.(int64)
			if !ok {
				t.Fatalf("%s: the default is a %T, not an int64", s.Name, s.Default)
			}
			numbers[s.Name] = n
		case game.SettingBool:
			if _, ok := s.Default.(bool); !ok {
				t.Fatalf("%s: the default is a %T, not a bool", s.Name, s.Default)
			}
		case game.SettingMoneys:
		default:
			t.Fatalf("%s: there is no type %q of settings", s.Name, s.Type)
		}
		if s.Message == "" {
			t.Fatalf("%s: there is no message key", s.Name)
		}
		if s.Default != nil && fmt.Sprint(s.Default) != string(inForce[s.Name]) {
			t.Fatalf("%s is %s by default, and %v in Kind.Settings", s.Name, inForce[s.Name], s.Default)
		}
		delete(inForce, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(inForce)) {
		t.Fatalf("the game has a setting %q that Kind.Settings does not describe", name)
	}
	for _, s := range kind.Settings {
		switch s.Type {
		case game.SettingBool:
			settingRefused(t, kind, s.Name, "1")
		case game.SettingInt, game.SettingMoney:
			settingRefused(t, kind, s.Name, `"1"`)
			settingRefused(t, kind, s.Name, "0.5")
			outside(t, kind, s, numbers, func(n int64) (string, string) { return s.Name, fmt.Sprint(n) })
		case game.SettingMoneys:
			settingRefused(t, kind, s.Name, `{"no such kind": 1}`)
			for _, k := range s.Kinds {
				outside(t, kind, s, numbers, func(n int64) (string, string) { return s.Name, fmt.Sprintf(`{%q: %d}`, k, n) })
			}
		}
	}
}

// outside checks that a number on either side of each of the setting's bounds is refused.
func outside(t testing.TB, kind game.Kind, s game.Setting, numbers map[string]int64, write func(int64) (name, value string)) {
	t.Helper()
	wrong := []int64{s.Min - 1, s.Max + 1, -1 << 63, 1<<63 - 1}
	for _, other := range s.AtLeast {
		wrong = append(wrong, numbers[other]-1)
	}
	for _, other := range s.AtMost {
		wrong = append(wrong, numbers[other]+1)
	}
	for _, n := range wrong {
		name, value := write(n)
		settingRefused(t, kind, name, value)
	}
}

// settingRefused fails unless the game refuses a table with that setting, and names it.
func settingRefused(t testing.TB, kind game.Kind, name, value string) {
	t.Helper()
	_, err := kind.New(fmt.Appendf(nil, `{%q: %s}`, name, value))
	switch {
	case err == nil:
		t.Fatalf("%s: %s is accepted", name, value)
	case !strings.Contains(err.Error(), name):
		t.Fatalf("%s: %s is refused by an error that does not name it: %v", name, value, err)
	}
}

// settingsOf returns the settings that a game reports to be in force.
func settingsOf(t testing.TB, rules game.Rules) map[string]json.RawMessage {
	t.Helper()
	configured, ok := rules.(game.Configured)
	if !ok {
		t.Fatalf("a game with settings is not a game.Configured")
	}
	data, err := json.Marshal(configured.Settings())
	if err != nil {
		t.Fatalf("the settings do not marshal: %v", err)
	}
	var members map[string]json.RawMessage
	if err := game.DecodeKnown(data, &members); err != nil {
		t.Fatalf("the settings are not a JSON object: %v", err)
	}
	return members
}
