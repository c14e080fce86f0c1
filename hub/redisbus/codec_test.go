package redisbus

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

func FuzzDecode(f *testing.F) {
	f.Add(encode(&hub.Message{})[headSize:])
	f.Add(encode(&hub.Message{Class: hub.ClassChat, Epoch: 1, Seq: -2, Top: 3, Seat: 4, Key: "k", Frame: []byte("{}"),
		Private: []hub.Private{{Player: "alice", Frame: []byte("[]")}}})[headSize:])
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(encode(&m)[headSize:])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again, cmp.Comparer(func(a, b tenant.Topic) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPartitionsAreSpreadEvenlyOverAClustersSlots(t *testing.T) {
	t.Parallel()
	// Redis Cluster specification, appendix A.
	if got := crc16("123456789"); got != 0x31C3 {
		t.Fatalf("crc16 is %#x", got)
	}
	for i, tag := range tags {
		if slot := int(crc16(tag)) % slots; slot*partitions/slots != i {
			t.Errorf("partition %d has slot %d", i, slot)
		}
	}
}
