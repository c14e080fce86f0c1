package hub

import (
	"cmp"
	"slices"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const classes = int(ClassPromotion) + 1

// item is a message that waits for a socket.
type item struct {
	*frame // nil: it was taken back
	from   *member
	no     uint64 // counts up over the queue
}

// slot is what a keyed message occupies: at most one message of a slot waits.
type slot struct {
	topic tenant.Topic // zero: of Conn.Send
	key   string
}

func (i *item) size() int { return len(i.bytes) + itemBytes }

// strict reports whether the item must keep its place among those of its topic.
func (i *item) strict() bool { return i.from != nil && i.class != ClassChat }

// queue is what waits for one socket: a line for each class. It is guarded by
// Conn.mu.
type queue struct {
	lines [classes]line
	slots map[slot]place // made when the first key comes
	bytes int
	next  uint64
}

type place struct {
	line int
	pos  uint32
}

// push adds an item, or puts it into the place of an older one of its slot.
func (q *queue) push(it item) {
	if it.slot.key != "" {
		if at, waits := q.slots[it.slot]; waits {
			old := q.lines[at.line].at(at.pos)
			if it.from == nil || old.no > it.from.fixed {
				q.bytes += len(it.bytes) - len(old.bytes)
				old.frame = it.frame
				return
			}
			q.drop(old)
		}
	}
	q.next++
	it.no = q.next
	in := int(it.class)
	if it.strict() {
		// An item goes behind those of its topic, also into a less urgent line.
		for l := classes - 1; l > in; l-- {
			if it.from.waiting[l] > 0 {
				in = l
			}
		}
		it.from.waiting[in]++
		if it.slot.key == "" {
			it.from.fixed = it.no
		}
	}
	pos := q.lines[in].push(it)
	q.bytes += it.size()
	if it.slot.key != "" {
		if q.slots == nil {
			q.slots = map[slot]place{}
		}
		q.slots[it.slot] = place{in, pos}
	}
}

// pop takes out the item to be written next.
func (q *queue) pop() (item, bool) {
	for l := range q.lines {
		for {
			it, ok := q.lines[l].pop()
			if !ok {
				break
			}
			if it.frame == nil {
				continue
			}
			q.left(&it, l)
			return it, true
		}
	}
	return item{}, false
}

// take removes what came from m and is one of those, and returns it in the order in which it
// was pushed.
func (q *queue) take(m *member, those func(*frame) bool) []item {
	var taken []item
	for l := range q.lines {
		for i := range q.lines[l].live() {
			it := &q.lines[l].live()[i]
			if it.from == m && it.frame != nil && those(it.frame) {
				taken = append(taken, *it)
				q.left(it, l)
				*it = item{}
			}
		}
	}
	slices.SortFunc(taken, func(a, b item) int { return cmp.Compare(a.no, b.no) })
	return taken
}

// everything and whatIsPlaced say which frames queue.take takes.
func everything(*frame) bool     { return true }
func whatIsPlaced(f *frame) bool { return f.placed }

// drop removes one item that waits, by its slot.
func (q *queue) drop(it *item) {
	q.left(it, q.slots[it.slot].line)
	*it = item{}
}

// left keeps the books when an item leaves a line.
func (q *queue) left(it *item, l int) {
	q.bytes -= it.size()
	if it.slot.key != "" {
		delete(q.slots, it.slot)
	}
	if it.strict() {
		it.from.waiting[l]--
	}
}

// clear forgets everything.
func (q *queue) clear() { *q = queue{next: q.next} }

// line is a first-in-first-out of items, each of which keeps its position while it
// waits.
type line struct {
	items []item
	head  uint32 // items before it are gone
	first uint32 // the position of items[0]; it may start over
}

func (l *line) live() []item { return l.items[l.head:] }

func (l *line) at(pos uint32) *item { return &l.items[pos-l.first] }

func (l *line) push(it item) uint32 {
	if l.head > 0 && len(l.items) == cap(l.items) && int(l.head) >= len(l.items)/2 {
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items = l.items[:n]
		l.first += l.head
		l.head = 0
	}
	l.items = append(l.items, it)
	return l.first + uint32(len(l.items)-1)
}

func (l *line) pop() (item, bool) {
	if int(l.head) == len(l.items) {
		return item{}, false
	}
	it := l.items[l.head]
	l.items[l.head] = item{}
	l.head++
	if int(l.head) == len(l.items) {
		l.first += l.head
		l.head = 0
		if l.items = l.items[:0]; cap(l.items) > burstItems {
			l.items = nil
		}
	}
	return it, true
}

// burstItems is for how many items an empty line keeps its memory, until shrink.
const burstItems = 128

// shrink gives back the memory of empty lines: what a burst has grown serves the next one,
// but no socket that has become quiet.
func (q *queue) shrink() {
	for i := range q.lines {
		if len(q.lines[i].items) == 0 {
			q.lines[i].items = nil
		}
	}
	if len(q.slots) == 0 {
		q.slots = nil
	}
}
