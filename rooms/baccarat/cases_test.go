package baccarat

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// thirdCards names what the rules of the third card did in a hand.
func thirdCards(h *Hand) string {
	p, b := points(h.Player[:2]), points(h.Banker[:2])
	does := map[bool]string{true: "draws", false: "stands"}[len(h.Banker) == 3]
	switch {
	case p > 7 && b > 7:
		return "both have a natural"
	case p > 7:
		return "player has a natural"
	case b > 7:
		return "banker has a natural"
	case len(h.Player) == 2:
		return fmt.Sprintf("player stands with %d, banker with %d %s", p, b, does)
	}
	return fmt.Sprintf("player draws, banker with %d %s", b, does)
}

// wantedCases are those that the transcripts must have.
func wantedCases() []string {
	list := []string{"both have a natural", "player has a natural", "banker has a natural"}
	for b := range 8 {
		if b != 7 {
			list = append(list, fmt.Sprintf("player draws, banker with %d draws", b))
		}
		if b > 2 {
			list = append(list, fmt.Sprintf("player draws, banker with %d stands", b))
		}
	}
	for p := 6; p <= 7; p++ {
		list = append(list, fmt.Sprintf("player stands with %d, banker with 5 draws", p), fmt.Sprintf("player stands with %d, banker with 6 stands", p))
	}
	return list
}

// seedOf returns the number of the first fresh seed of a transcript under which the first hand is as wanted.
func seedOf(wanted func(h *Hand) bool) int {
	for n := 1; ; n++ {
		if h, err := Deal(sha256.Sum256(fmt.Appendf(nil, "gametest seed %d", n)), 1, 1); err == nil && wanted(&h) {
			return n
		}
	}
}

func TestTranscriptsHaveEveryCaseOfTheThirdCard(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if data, ok := strings.CutPrefix(line, "round.settled "); ok {
				var h Hand
				if err := json.Unmarshal([]byte(data), &h); err != nil {
					t.Fatal(err)
				}
				seen[thirdCards(&h)] = true
			}
		}
	}
	for _, c := range wantedCases() {
		if !seen[c] {
			t.Errorf("no transcript shows that %s; with seed %d it would", c, seedOf(func(h *Hand) bool { return thirdCards(h) == c }))
		}
	}
}
