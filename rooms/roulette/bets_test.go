package roulette

import (
	"fmt"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// cloth is the table as it is printed, which the tests read instead of computing: the
// three columns of numbers from the far side to the near.
var cloth = [3][12]int{
	{3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36},
	{2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35},
	{1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34},
}

// wheel is the order of a European wheel's pockets. Beside the zero, red and black take
// turns, beginning with the red 32.
var wheel = []int{
	0, 32, 15, 19, 4, 21, 2, 25, 17, 34, 6, 27, 13, 36, 11, 30, 8, 23, 10,
	5, 24, 16, 33, 1, 20, 14, 31, 9, 22, 18, 29, 7, 28, 12, 35, 3, 26,
}

// expected lays the chips by the cloth's geometry: on the cells, on the lines between
// them, at the ends of rows. It gives the numbers of every position.
func expected() map[string][]int {
	all := map[string][]int{
		"straight:0": {0}, "trio:0-1-2": {0, 1, 2}, "trio:0-2-3": {0, 2, 3}, "first_four": {0, 1, 2, 3},
		"split:0-1": {0, 1}, "split:0-2": {0, 2}, "split:0-3": {0, 3},
	}
	lay := func(kind string, cells ...int) {
		sort.Ints(cells)
		all[kind+":"+strings.ReplaceAll(strings.Trim(fmt.Sprint(cells), "[]"), " ", "-")] = cells
	}
	street := func(c int) []int { return []int{cloth[0][c], cloth[1][c], cloth[2][c]} }
	for c := range 12 {
		for r := range 3 {
			lay("straight", cloth[r][c])
			if r < 2 {
				lay("split", cloth[r][c], cloth[r+1][c])
			}
			if c < 11 {
				lay("split", cloth[r][c], cloth[r][c+1])
			}
			if r < 2 && c < 11 {
				lay("corner", cloth[r][c], cloth[r+1][c], cloth[r][c+1], cloth[r+1][c+1])
			}
		}
		lay("street", street(c)...)
		if c < 11 {
			lay("line", append(street(c), street(c+1)...)...)
		}
	}
	for i := range 3 {
		name := strconv.Itoa(i + 1)
		for c := 4 * i; c < 4*i+4; c++ {
			all["dozen:"+name] = append(all["dozen:"+name], street(c)...)
		}
		all["column:"+name] = append([]int(nil), cloth[2-i][:]...)
	}
	for i, n := range wheel[1:] {
		all[[]string{"red", "black"}[i%2]] = append(all[[]string{"red", "black"}[i%2]], n)
		all[[]string{"even", "odd"}[n%2]] = append(all[[]string{"even", "odd"}[n%2]], n)
		all[map[bool]string{true: "low", false: "high"}[n < 19]] = append(all[map[bool]string{true: "low", false: "high"}[n < 19]], n)
	}
	for _, numbers := range all {
		sort.Ints(numbers)
	}
	return all
}

func TestThereAre157PositionsWithTheNumbersOfTheCloth(t *testing.T) {
	t.Parallel()
	got, count := map[string][]int{}, map[string]int{}
	for p := position(1); p <= positions; p++ {
		var numbers []int
		for n := range pockets {
			if layout[p].covers&(1<<n) != 0 {
				numbers = append(numbers, n)
			}
		}
		got[p.String()] = numbers
		count[layout[p].kind]++
		if back, err := parsePosition(p.String()); err != nil || back != p {
			t.Errorf("parsePosition(%s) = %d, %v", p, back, err)
		}
	}
	if diff := cmp.Diff(expected(), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{
		"straight": 37, "split": 60, "trio": 2, "street": 12, "corner": 22, "first_four": 1, "line": 11,
		"dozen": 3, "column": 3, "even_money": 6,
	}, count); diff != "" {
		t.Error(diff)
	}
	if len(got) != 157 {
		t.Errorf("%d positions", len(got))
	}
}

func TestOddsAreTheUsualOnes(t *testing.T) {
	t.Parallel()
	odds := map[string]game.Money{
		"straight": 35, "split": 17, "trio": 11, "street": 11, "corner": 8, "first_four": 8, "line": 5,
		"dozen": 2, "column": 2, "even_money": 1,
	}
	for p := position(1); p <= positions; p++ {
		if got, want := layout[p].pays, odds[layout[p].kind]+1; got != want {
			t.Errorf("%s pays %d for 1, not %d", p, got, want)
		}
	}
}

// The return to player is exact: each position's payouts over all 37 pockets, which are
// equally likely (package fair shows that), as a fraction of the stakes.
func TestHouseEdgeIsExactlyOneIn37OnEveryPosition(t *testing.T) {
	t.Parallel()
	for _, partage := range []bool{false, true} {
		for p := position(1); p <= positions; p++ {
			const amount = 1000
			var paid game.Money
			for pocket := range pockets {
				paid += p.payout(pocket, amount, partage)
			}
			edge := new(big.Rat).Sub(big.NewRat(1, 1), big.NewRat(int64(paid), pockets*amount))
			want := big.NewRat(1, 37)
			if partage && layout[p].kind == evenMoney {
				want = big.NewRat(1, 74)
			}
			if edge.Cmp(want) != 0 {
				t.Errorf("%s, la partage %t: the edge is %s, not %s", p, partage, edge, want)
			}
		}
	}
}

func TestLaPartageRoundsHalfAUnitUp(t *testing.T) {
	t.Parallel()
	for p := position(1); p <= positions; p++ {
		even := layout[p].kind == evenMoney
		for amount, half := range map[game.Money]game.Money{1: 1, 2: 1, 3: 2, 101: 51, 1000: 500, round.MoneyMax: round.MoneyMax / 2} {
			if got := p.payout(0, amount, true); even && got != half {
				t.Errorf("%d on %s gets %d back on zero, not %d", amount, p, got, half)
			}
			if got := p.payout(0, amount, false); even && got != 0 {
				t.Errorf("%d on %s gets %d back on zero without la partage", amount, p, got)
			}
		}
	}
}

func TestColoursAreThoseOfTheWheel(t *testing.T) {
	t.Parallel()
	for i, n := range wheel {
		want := green
		if i > 0 {
			want = []string{black, red}[i%2]
		}
		if got := colour(n); got != want {
			t.Errorf("%d is %s, not %s", n, got, want)
		}
	}
}

func TestWhatIsNoPositionIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "straight", "straight:", "straight:37", "straight:-1", "straight:01", "straight: 1", "Straight:1", "straight:1 ",
		"split:2-1", "split:1-3", "split:0-4", "split:3-4", "trio:0-1-3", "trio:1-2-3", "street:2-3-4", "street:0-1-2",
		"corner:3-4-6-7", "corner:0-1-2-3", "first_four:0-1-2-3", "line:2-3-4-5-6-7", "dozen:0", "dozen:4", "column:0",
		"RED", "green", "manque", "straight:١",
	} {
		if p, err := parsePosition(s); err == nil {
			t.Errorf("parsePosition(%q) = %s", s, p)
		}
	}
}

func TestPayoutByNameIsThatOfThePosition(t *testing.T) {
	t.Parallel()
	for p := position(1); p <= positions; p++ {
		for pocket := range pockets {
			got, err := Payout(p.String(), pocket, 101, true)
			if want := p.payout(pocket, 101, true); err != nil || got != want {
				t.Errorf("%s in %d: %d, %v; want %d", p, pocket, got, err, want)
			}
		}
	}
	for name, pocket := range map[string]int{"nowhere": 1, "red": -1, "black": 37} {
		if _, err := Payout(name, pocket, 1, false); err == nil {
			t.Errorf("%s in %d pays", name, pocket)
		}
	}
}
