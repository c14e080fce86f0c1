package web

import (
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

func TestNoMoreLogosAreKeptThanThereIsRoomFor(t *testing.T) {
	s := &logos{kept: map[tenant.ID]logo{}}
	var last tenant.ID
	for range 2 * logosKept {
		id := tenant.New()
		s.keep(id, logo{hash: "a"})
		s.keep(id, logo{hash: "b"}) // a newer one takes no more room
		last = id
	}
	if len(s.kept) != logosKept || s.kept[last].hash != "b" {
		t.Errorf("%d are kept, the last one as %+v", len(s.kept), s.kept[last])
	}
}
