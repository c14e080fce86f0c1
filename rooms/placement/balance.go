package placement

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"
)

const (
	// balanceEvery is how often a node checks whether it has more than its share.
	balanceEvery = 2 * time.Second
	// balanceSlack is how much more than its share, in percent, a node may have before it moves rooms to
	// others: a room that moves costs its players a moment.
	balanceSlack = 5
	// balanceMax is how many rooms a node moves away at a time.
	balanceMax = 50
)

// Rank returns which of nodes should own the room, "" if there are none: rendezvous hashing (Thaler and
// Ravishankar, 1998), so that all nodes agree without communicating, and a node that comes or goes moves
// only its own share.
func Rank(ref Ref, nodes []string) string {
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

// For returns the node that should own a room which has no owner, "" if no node wants rooms.
func (a *Agent) For(ref Ref) string { return Rank(ref, a.index.candidates()) }

// Successor returns the node that should own a room of this one when it goes, "" if there is none.
func (a *Agent) Successor(ref Ref) string {
	return Rank(ref, slices.DeleteFunc(a.index.candidates(), func(n string) bool { return n == a.o.Node }))
}

// balance moves rooms away if this node has more than its share of them, each at the end of its round, to
// the node that has the fewest.
func (a *Agent) balance() {
	nodes := a.index.candidates()
	if a.isDraining() || len(nodes) < 2 {
		return
	}
	loads, total := a.index.loads(nodes)
	share := (total + len(nodes) - 1) / len(nodes)
	excess := loads[a.o.Node] - share
	if excess <= max(1, share*balanceSlack/100) {
		return
	}
	staying, leaving := a.o.Runtime.Staying()
	slices.SortFunc(staying, func(a, b Ref) int { return cmp.Compare(a.String(), b.String()) })
	for _, ref := range staying[:min(len(staying), balanceMax, max(0, excess-leaving))] {
		to := slices.MinFunc(nodes, func(a, b string) int { return cmp.Compare(loads[a], loads[b]) })
		loads[to]++
		a.o.Runtime.Leave(ref, to)
	}
}
