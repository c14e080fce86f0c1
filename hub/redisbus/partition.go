package redisbus

import (
	"hash/fnv"
	"strconv"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// partitions is the number of partitions of the topics, the same on every node.
	partitions = 16
	// slots is the number of slots of a Redis Cluster.
	slots = 16384
	// prefix is the prefix of all channels' names.
	prefix = "pb:{"
)

// tags holds the hash tags that put the partitions' channels into equal ranges of a Cluster's slots.
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

// crc16 returns the CRC-16/XMODEM of s, by which Redis Cluster assigns slots (Redis Cluster
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

// channel returns the channel on which a topic is published, and its partition.
func (b *Bus) channel(t tenant.Topic) (name string, partition int) {
	text := t.String()
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	partition = int(h.Sum32() % partitions)
	return prefix + tags[partition] + "}" + b.realm + ":" + text, partition
}
