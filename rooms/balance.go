package rooms

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"
)

const (
	// balanceEvery is how often a node looks whether it has more than its share.
	balanceEvery = 2 * time.Second
	// balanceSlack is how much more than its share, in percent, a node may have before it
	// gives rooms away: a room that moves costs its players a moment.
	balanceSlack = 5
	// balanceMost is how many rooms a node gives away at a time.
	balanceMost = 50
)

// rank is who of nodes a room is for: rendezvous hashing (Thaler and Ravishankar, 1998), so
// that all nodes agree without a word, and a node that comes or goes moves only its own share.
func rank(ref Ref, nodes []string) string {
	best, most := "", uint64(0)
	for _, n := range nodes {
		h := fnv.New64a()
		_, _ = h.Write([]byte(ref.String() + "\x00" + n))
		x := h.Sum64() // FNV's low bits hardly mix; finish like MurmurHash3
		x = (x ^ x>>33) * 0xff51afd7ed558ccd
		x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
		if x ^= x >> 33; best == "" || x > most {
			best, most = n, x
		}
	}
	return best
}

// balance gives rooms away if this node has more than its share of them, each at the end of
// its round, to the node that has the fewest.
func (d *Directory) balance() {
	takers := d.floor.takers()
	if d.isDraining() || len(takers) < 2 {
		return
	}
	has := map[string]int{}
	for _, n := range takers {
		has[n] = 0
	}
	total := 0
	for _, p := range d.floor.all() {
		if _, ok := has[p.Node]; ok && p.Status != Closed {
			has[p.Node]++
			total++
		}
	}
	share := (total + len(takers) - 1) / len(takers)
	excess := has[d.o.Node] - share
	if excess <= max(1, share*balanceSlack/100) {
		return
	}
	d.mu.RLock()
	var mine []*room
	leaving := 0
	for _, r := range d.rooms {
		if r.leaves() {
			leaving++
			continue
		}
		mine = append(mine, r)
	}
	d.mu.RUnlock()
	slices.SortFunc(mine, func(a, b *room) int { return cmp.Compare(a.ref.String(), b.ref.String()) })
	for _, r := range mine[:min(len(mine), balanceMost, max(0, excess-leaving))] {
		to := slices.MinFunc(takers, func(a, b string) int { return cmp.Compare(has[a], has[b]) })
		has[to]++
		r.leave(to)
	}
}
