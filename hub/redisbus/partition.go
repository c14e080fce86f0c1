package redisbus

import (
	"hash/fnv"
	"strconv"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// partitions is into how many parts topics are divided, on every node in the same way.
	partitions = 16
	// slots are a Redis Cluster's.
	slots = 16384
	// prefix begins the names of all channels.
	prefix = "pb:{"
)

// tags put the partitions' channels into equal ranges of a Cluster's slots.
var tags = balanced()

func balanced() (out [partitions]string) {
	const each = slots / partitions
	for found, n := 0, 0; found < partitions; n++ {
		tag := strconv.Itoa(n)
		if i := int(crc16(tag)%slots) / each; out[i] == "" {
			out[i] = tag
			found++
		}
	}
	return out
}

// crc16 is CRC-16/XMODEM, which Redis Cluster takes for its slots (Redis Cluster
// specification, appendix A).
func crc16(s string) (crc uint16) {
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// channel is where a topic is published, and its partition.
func (b *Bus) channel(t tenant.Topic) (name string, partition int) {
	text := t.String()
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	partition = int(h.Sum32() % partitions)
	return prefix + tags[partition] + "}" + b.realm + ":" + text, partition
}
