package hub

import (
	"cmp"
	"slices"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const classes = int(ClassPromotion) + 1

// item is a message that waits for a socket.
type item struct {
	*frame // nil: it was removed
	from   *member
	no     uint64 // its number in the queue, counting up
}

// slot identifies a keyed message: the queue holds at most one message per slot.
type slot struct {
	topic tenant.Topic // zero: sent by Conn.Send
	key   string
}

func (i *item) size() int { return len(i.bytes) + itemBytes }

// strict reports whether the item must keep its order among those of its topic.
func (i *item) strict() bool { return i.from != nil && i.class != ClassChat }

// queue holds the messages to be written to one socket, in a line for each class. It is guarded
// by Conn.mu.
type queue struct {
	lines [classes]line
	slots map[slot]itemRef // made when the first key comes
	bytes int
	next  uint64
}

type itemRef struct {
	line int
	pos  uint32
}

// push adds an item, or replaces an older one of its slot by it.
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
		// An item goes behind those of its topic, even into a less urgent line.
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
			q.slots = map[slot]itemRef{}
		}
		q.slots[it.slot] = itemRef{in, pos}
	}
}

// pop removes and returns the item to be written next.
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
			q.account(&it, l)
			return it, true
		}
	}
	return item{}, false
}

// remove removes the items that came from m and match, and returns them in the order in which
// they were pushed.
func (q *queue) remove(m *member, match func(*frame) bool) []item {
	var removed []item
	for l := range q.lines {
		for i := range q.lines[l].live() {
			it := &q.lines[l].live()[i]
			if it.from == m && it.frame != nil && match(it.frame) {
				removed = append(removed, *it)
				q.account(it, l)
				*it = item{}
			}
		}
	}
	slices.SortFunc(removed, func(a, b item) int { return cmp.Compare(a.no, b.no) })
	return removed
}

// anyFrame and hasPosition select frames for queue.remove.
func anyFrame(*frame) bool      { return true }
func hasPosition(f *frame) bool { return f.positioned }

// drop removes one queued item that has a slot.
func (q *queue) drop(it *item) {
	q.account(it, q.slots[it.slot].line)
	*it = item{}
}

// account updates the counters when an item leaves line l.
func (q *queue) account(it *item, l int) {
	q.bytes -= it.size()
	if it.slot.key != "" {
		delete(q.slots, it.slot)
	}
	if it.strict() {
		it.from.waiting[l]--
	}
}

// clear removes all items.
func (q *queue) clear() { *q = queue{next: q.next} }

// line is a first-in-first-out queue of items, each of which can be found by its pos until it is
// removed.
type line struct {
	items []item
	head  uint32 // items before it are gone
	first uint32 // the pos of items[0]; it may wrap around
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

// burstItems is the largest capacity, in items, that an empty line keeps until shrink.
const burstItems = 128

// shrink frees the memory of empty lines, so that a socket keeps what a burst has grown for the next
// burst, but not once it has become idle.
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
