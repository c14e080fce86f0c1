package game

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Setting describes one setting of a game's tables. The server checks settings against the list in
// Kind.Settings; the console's form, the API's schema and the docs are made from it. Its words are in
// the browser's folder of the game, under Message.
type Setting struct {
	Name string `json:"name"` // a member of the settings' JSON object
	Type string `json:"type"` // one of the types below
	Unit string `json:"unit,omitempty"`

	// Default is an int64, a bool, or nil for SettingMoneys, which is empty by default.
	Default any `json:"default,omitempty"`
	// Min and Max are the bounds of a number, and of each amount of SettingMoneys.
	Min int64 `json:"min"`
	Max int64 `json:"max"`
	// AtLeast and AtMost name settings that this one must not be below or above.
	AtLeast []string `json:"at_least,omitempty"`
	AtMost  []string `json:"at_most,omitempty"`
	// Kinds are the members that SettingMoneys may have. For one that it does not have the first of AtMost holds.
	Kinds []string `json:"keys,omitempty"`

	Message string `json:"message"`
}

// Types of settings.
const (
	SettingInt    = "int"
	SettingBool   = "bool"
	SettingMoney  = "money"
	SettingMoneys = "moneys" // an object of amounts, one for each of some kinds
)

// Units of settings.
const (
	UnitMinor        = "minor" // minor units of the tenant's currency
	UnitMilliseconds = "ms"
)

// ParseSettings decodes raw over the defaults in list into the struct at v, whose JSON members are those
// of list. An empty raw and null are the defaults. The error names the setting that is wrong and says why.
func ParseSettings(list []Setting, raw json.RawMessage, v any) error {
	defaults := map[string]any{}
	for _, s := range list {
		if s.Default != nil {
			defaults[s.Name] = s.Default
		}
	}
	base, err := json.Marshal(defaults)
	if err != nil {
		return err
	}
	if err := Decode(base, v); err != nil {
		return fmt.Errorf("the defaults: %w", err)
	}
	if len(raw) > 0 && string(raw) != "null" {
		if err := Decode(raw, v); err != nil {
			return err
		}
	}
	return checkSettings(list, v)
}

// checkSettings returns an error for the first setting in list that is outside its bounds at v.
func checkSettings(list []Setting, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := DecodeKnown(data, &members); err != nil {
		return err
	}
	numbers := map[string]int64{}
	for _, s := range list {
		if s.Type != SettingInt && s.Type != SettingMoney {
			continue
		}
		var n int64
		if err := DecodeKnown(members[s.Name], &n); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		numbers[s.Name] = n
	}
	for _, s := range list {
		switch s.Type {
		case SettingInt, SettingMoney:
			if err := s.check(s.Name, numbers[s.Name], numbers); err != nil {
				return err
			}
		case SettingMoneys:
			var amounts map[string]int64
			if raw := members[s.Name]; raw != nil {
				if err := DecodeKnown(raw, &amounts); err != nil {
					return fmt.Errorf("%s: %w", s.Name, err)
				}
			}
			for _, kind := range slices.Sorted(maps.Keys(amounts)) {
				if !slices.Contains(s.Kinds, kind) {
					return fmt.Errorf("%s has no kind %.40q, the kinds are %s", s.Name, kind, strings.Join(s.Kinds, ", "))
				}
				if err := s.check(s.Name+"."+kind, amounts[kind], numbers); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// check returns an error if n is outside the setting's bounds.
func (s *Setting) check(name string, n int64, numbers map[string]int64) error {
	low, high := s.Min, s.Max
	for _, other := range s.AtLeast {
		low = max(low, numbers[other])
	}
	for _, other := range s.AtMost {
		high = min(high, numbers[other])
	}
	if n < low || n > high {
		return fmt.Errorf("%s is %d and must be from %d to %d", name, n, low, high)
	}
	return nil
}
