package rooms

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// nameRunesMax and settingsBytesMax bound the configuration of a room.
const (
	nameRunesMax     = 80
	settingsBytesMax = 8 << 10
	// inForceKept bounds the settings that InForce keeps.
	inForceKept = 1024
)

// CheckConfig validates the configuration of a room that is to be opened and fills in defaults (an empty
// name becomes the id; omitted settings are written out, so that a later version with other defaults does
// not change an open table). It returns ErrRoomID, ErrGame or a SettingsError.
func CheckConfig(kinds map[string]game.Kind, c *Config) error {
	if !idForm.MatchString(c.Room) {
		return fmt.Errorf("%w: %q", ErrRoomID, c.Room)
	}
	kind, ok := kinds[c.Game]
	if !ok || c.Game == LobbyID {
		return fmt.Errorf("%w: %q", ErrGame, c.Game)
	}
	if c.Name = strings.TrimSpace(c.Name); c.Name == "" {
		c.Name = c.Room
	}
	if utf8.RuneCountInString(c.Name) > nameRunesMax || strict.CheckLine(c.Name) != nil {
		return &SettingsError{fmt.Errorf("a room's name has at most %d characters, in one line", nameRunesMax)}
	}
	if len(c.Settings) == 0 {
		c.Settings = json.RawMessage(`{}`)
	}
	if len(c.Settings) > settingsBytesMax {
		return &SettingsError{fmt.Errorf("settings have at most %d bytes", settingsBytesMax)}
	}
	full, err := writtenOut(kind, c.Settings)
	if err != nil {
		return &SettingsError{err}
	}
	c.Settings = full
	return nil
}

// writtenOut returns settings with the defaults of those that are omitted.
func writtenOut(kind game.Kind, settings json.RawMessage) (json.RawMessage, error) {
	rules, err := kind.New(settings)
	if err != nil {
		return nil, err
	}
	if full, ok := rules.(game.Configured); ok {
		return json.Marshal(full.Settings())
	}
	return settings, nil
}

// InForce returns a function that tells the settings by which a room is dealt, by name: those that it was opened with, and
// the defaults of those that it was not, as a room that an older version opened. Of amounts by kind it tells one for each
// kind. The function returns ErrGame or a SettingsError. It keeps what it told last, since it is asked about every table again
// and again, and few differ in their settings: callers must not change it.
func InForce(kinds map[string]game.Kind) func(Config) (map[string]json.RawMessage, error) {
	type table struct{ game, settings string }
	told, err := lru.New[table, map[string]json.RawMessage](inForceKept)
	if err != nil {
		panic(err) // the number is above zero
	}
	return func(c Config) (map[string]json.RawMessage, error) {
		kind, ok := kinds[c.Game]
		if !ok {
			return nil, fmt.Errorf("%w: %q", ErrGame, c.Game)
		}
		of := table{c.Game, string(c.Settings)}
		if out, ok := told.Get(of); ok {
			return out, nil
		}
		out, err := inForce(kind, c.Settings)
		if err != nil {
			return nil, &SettingsError{err}
		}
		told.Add(of, out)
		return out, nil
	}
}

func inForce(kind game.Kind, settings json.RawMessage) (map[string]json.RawMessage, error) {
	full, err := writtenOut(kind, settings)
	if err != nil {
		return nil, err
	}
	var out map[string]json.RawMessage
	if err := strict.DecodeKnown(full, &out); err != nil {
		return nil, err
	}
	for _, s := range kind.Settings {
		if s.Type != game.SettingMoneys || len(s.AtMost) == 0 {
			continue
		}
		amounts := map[string]json.RawMessage{}
		if raw, ok := out[s.Name]; ok {
			if err := strict.DecodeKnown(raw, &amounts); err != nil {
				return nil, err
			}
		}
		for _, member := range s.Kinds {
			if _, ok := amounts[member]; !ok {
				amounts[member] = out[s.AtMost[0]]
			}
		}
		if out[s.Name], err = json.Marshal(amounts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// InForce calls what InForce returns for this directory's games.
func (d *Directory) InForce(c Config) (map[string]json.RawMessage, error) { return d.inForce(c) }

// Games returns the games of which rooms can be opened, by name.
func (d *Directory) Games() []game.Kind {
	var list []game.Kind
	for _, name := range slices.Sorted(maps.Keys(d.o.Kinds)) {
		if name != LobbyID {
			list = append(list, d.o.Kinds[name])
		}
	}
	return list
}

// Check calls CheckConfig with this directory's games.
func (d *Directory) Check(c *Config) error { return CheckConfig(d.o.Kinds, c) }
