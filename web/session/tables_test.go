package session

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
)

func TestTheListAndWhatIsToldAfterItMakeTodaysList(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	told := toldTables{rooms: map[string]rooms.Info{}, listed: map[string]rooms.Info{}}
	is, client := map[string]rooms.Info{}, map[string]rooms.Info{}
	for range 50 {
		for range r.IntN(3 * tablesToldMax) {
			info := rooms.Info{Config: rooms.Config{Room: fmt.Sprint("r", r.IntN(300))}}
			switch info.Status = rooms.Open; r.IntN(4) {
			case 0:
				delete(is, info.Room)
				continue
			case 1:
				info.Status = rooms.Closing
			case 2: // a client asks for the list, which has a room that may be gone before the others hear of it
				if _, ok := told.rooms[info.Room]; !ok {
					told.listed[info.Room], client[info.Room] = info, info
				}
			}
			is[info.Room] = info
		}
		for {
			news := told.update(slices.Collect(maps.Values(is)))
			for _, info := range news {
				if client[info.Room] = info; info.Status == rooms.Closed {
					delete(client, info.Room)
				}
			}
			if len(news) < tablesToldMax {
				break
			}
		}
		if !maps.EqualFunc(is, client, func(a, b rooms.Info) bool { return a.Room == b.Room && a.Status == b.Status }) {
			t.Fatalf("seed %d: a client has %d rooms of %d, or others", seed, len(client), len(is))
		}
	}
}
