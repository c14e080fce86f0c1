package rooms

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// nameRunesMax and settingsBytesMax bound the configuration of a room.
const (
	nameRunesMax     = 80
	settingsBytesMax = 8 << 10
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
	rules, err := kind.New(c.Settings)
	if err != nil {
		return &SettingsError{err}
	}
	if full, ok := rules.(game.Configured); ok {
		if c.Settings, err = json.Marshal(full.Settings()); err != nil {
			return &SettingsError{err}
		}
	}
	return nil
}

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
