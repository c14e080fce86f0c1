// Package redisbus carries messages between nodes by Redis publish/subscribe: one server,
// Sentinel, or Cluster (sharded publish/subscribe, Redis 7).
//
// # What always holds
//
//   - A message is never altered, nor delivered to another topic, nor delivered twice by the
//     bus itself. It may be lost: receivers detect the gap (Message.Seq, Message.Top).
//   - A payload from Redis is accepted if it was signed, for its channel, by a process that has the
//     key and that the database knows, in the last half minute, and was not received before. Messages
//     with a Seq or a Seat may be received again: their receivers detect duplicates and need no order.
//     Everything else is dropped and counted.
//   - A node that receives from a process which its database does not know sends and accepts nothing,
//     and Health reports it, until that process is known or silent.
//   - Messages of one publisher and topic keep their order.
//   - A node delivers to its own sockets itself, also while Redis is down.
//   - Only Subscribe waits for Redis, for a bounded time. Queues are bounded: a full one drops the
//     newest message and counts it.
//   - Health reports within 5 s that published messages are not delivered, whether Redis is down,
//     stalled, or takes messages and delivers none.
//   - Run leaves no connection and no goroutine.
//
// # How a message goes
//
//	Publish   to this node's own worker; encoded, into a lane
//	lane      one goroutine and one pipeline at a time; messages that come meanwhile form the next
//	link      one connection that receives; it only looks up the channel and queues the payload
//	worker    decodes and delivers; a topic always has the same one
//
// A topic's channel is pb:{partition}realm:topic. The partition, a hash of the topic, determines its
// lane and link; in a Cluster its tag puts it into one of as many equal ranges of slots, so
// that the partitions are spread over all servers and each has a connection of its own.
//
// # Why
//
// The library's PubSub.Channel blocks its reader for up to a minute and then drops messages without
// counting them, so links read by themselves. A link that fails reconnects, and subscribes in batches.
//
// Every second each link sends itself a probe, by the same path as all messages. A ping would only
// test the connection: after a failover, a demoted master may keep its subscribers and never send
// them anything.
//
// A tag is GMAC under a key that is derived for the sending process. It is the cheapest of those for
// which the processor has instructions, and its one danger, a reused nonce, does not arise where each
// process has a key of its own and counts. Signing and verifying a message of 300 bytes takes 0.2 µs, and
// with the clock and the window of numbers 0.33 (BenchmarkSeal): a tenth of the cost of the bus with
// full batches, and less than a hundredth at the rates of a casino, where every message wakes up a
// process. HMAC-SHA-256 took 0.73. One tag for a whole pipeline would cost less, but a receiver of only
// some of its messages could not verify them.
//
// Publishing is not retried: it is not known how much of a pipeline was done, and a duplicate
// is worse than a missing message, which is detected and fetched.
package redisbus
