package hub

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// TestQueueAgainstWhatItPromises pushes, pops and takes back at random.
func TestQueueAgainstWhatItPromises(t *testing.T) {
	t.Parallel()
	seed := flag.Lookup("seed").Value.(flag.Getter).Get().(uint64)
	if seed == 0 {
		seed = rand.Uint64()
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	for run := range 300 {
		if why := play(t, rnd); why != "" {
			t.Fatalf("run %d: %s\nreplay with -seed=%d", run, why, seed)
		}
	}
}

// play tests one queue with random operations. Each frame holds its topic and its number there.
func play(t *testing.T, rnd *rand.Rand) string {
	id, err := tenant.Parse("t_casino_x_abcdef")
	if err != nil {
		t.Fatal(err)
	}
	var q queue
	type message struct {
		item
		number int
	}
	waiting := map[string]message{} // by frame
	bytes := func() (sum int) {
		for _, m := range waiting {
			sum += m.size()
		}
		return sum
	}
	members := make([]*member, 4)
	for i := range members {
		members[i] = &member{name: id.Topic("room", fmt.Sprint(i))}
	}
	for number := range 400 {
		switch rnd.IntN(8) {
		default:
			it := item{frame: &frame{class: Class(rnd.IntN(classes)), bytes: fmt.Append(nil, "f", number)}}
			if m := rnd.IntN(len(members) + 1); m < len(members) {
				it.from = members[m]
				it.slot.topic = members[m].name
			}
			if rnd.IntN(3) == 0 {
				it.slot.key = fmt.Sprint("k", rnd.IntN(2))
			} else {
				it.slot = slot{}
			}
			if it.slot.key != "" {
				for name, m := range waiting {
					if m.slot == it.slot {
						it.class = m.class // a key has one class
						delete(waiting, name)
					}
				}
			}
			q.push(it)
			waiting[string(it.bytes)] = message{it, number}
		case 0, 1:
			it, ok := q.pop()
			if ok != (len(waiting) > 0) {
				return fmt.Sprintf("pop says %v with %d waiting", ok, len(waiting))
			}
			if !ok {
				continue
			}
			popped, known := waiting[string(it.bytes)]
			if !known {
				return fmt.Sprintf("%s was popped, and is not known", it.bytes)
			}
			delete(waiting, string(it.bytes))
			// What may be at an older one's place may overtake; what may be replaced, be
			// overtaken.
			for _, m := range waiting {
				strict := m.strict() && popped.strict()
				plain := m.class == popped.class && popped.slot.key == ""
				if m.number < popped.number && m.from == popped.from && m.slot.key == "" && (strict || plain) {
					return fmt.Sprintf("%s of class %d overtook %s of class %d", it.bytes, popped.class, m.bytes, m.class)
				}
			}
			if popped.from == nil { // nothing but its class counts
				for _, m := range waiting {
					if m.from == nil && m.class < popped.class {
						return fmt.Sprintf("%s of class %d came before %s of class %d", it.bytes, popped.class, m.bytes, m.class)
					}
				}
			}
		case 2:
			if rnd.IntN(5) > 0 {
				continue
			}
			m := members[rnd.IntN(len(members))]
			last := uint64(0)
			for _, it := range q.remove(m, anyFrame) {
				if it.no <= last {
					return "taken out of order"
				}
				last = it.no
				delete(waiting, string(it.bytes))
			}
			for _, left := range waiting {
				if left.from == m {
					return fmt.Sprintf("%s was not taken", left.bytes)
				}
			}
			if m.waiting != [classes]uint32{} {
				return fmt.Sprint("counts after take: ", m.waiting)
			}
		}
		if q.bytes != bytes() {
			return fmt.Sprintf("%d bytes on the books, %d wait", q.bytes, bytes())
		}
	}
	for range waiting {
		if _, ok := q.pop(); !ok {
			return "something is lost"
		}
	}
	if _, ok := q.pop(); ok || q.bytes != 0 || len(q.slots) != 0 {
		return fmt.Sprintf("at the end: %d bytes, %d slots", q.bytes, len(q.slots))
	}
	return ""
}
