// Package redisbus carries messages between nodes by Redis publish/subscribe: one server,
// Sentinel, or Cluster (sharded publish/subscribe, Redis 7).
//
// # What always holds
//
//   - A message is altered by nobody and is never delivered to another topic, nor twice by the
//     bus itself. It may be lost: whoever counts (Message.Seq, Message.Top) notices.
//   - What comes from Redis is believed if it was signed, for its channel, by a process that has the
//     key and that the database knows, in the last half minute, and did not come before. Messages with
//     a Seq or a Seat may come again: those who count them notice, and in what order they come says
//     nothing. Everything else is dropped and counted.
//   - A node that hears a process which its database does not know says nothing and believes nothing,
//     and Health says so, until that process is known or silent.
//   - Messages of one publisher and topic keep their order.
//   - A node's own sockets are served by the node itself, also while Redis is away.
//   - Nobody waits for Redis but who subscribes, and that has an end. What waits is bounded: a
//     full queue loses the newest and counts it.
//   - Health tells within 5 s that what is published is not delivered, whether Redis is gone,
//     stalled, or takes messages and delivers none.
//   - Run leaves no connection and no goroutine.
//
// # How a message goes
//
//	Publish   to this node's own worker; encoded, into a lane
//	lane      one goroutine and one pipeline at a time: what comes meanwhile is the next one
//	link      one connection that receives; it only looks the channel up and passes on
//	worker    decodes and delivers; a topic always has the same one
//
// A topic's channel is pb:{partition}realm:topic. The partition, a hash of the topic, says which lane
// and link it has; in a Cluster its tag puts it into one of as many equal ranges of slots, so
// that the partitions are spread over all servers and each has a connection of its own.
//
// # Why
//
// The library's PubSub.Channel blocks its reader up to a minute and then drops without a
// count; so links read by themselves. A link that fails is made anew rather than mended, and
// subscribes in pieces.
//
// Every second each link is sent a message to itself, by the way that all messages take. A
// connection's ping would only show the connection: after a failover, a demoted master may
// keep its subscribers and never send them anything.
//
// A tag is GMAC under a key that is derived for the process that sends: of all that the processor has
// instructions for, it costs least, and its one danger, a nonce that is used twice, is none where each
// process has a key of its own and counts. To sign and to verify a message of 300 bytes takes 0.2 µs, and
// with the clock and the window of numbers 0.33 (BenchmarkSeal): a tenth of what the bus costs when it
// goes in full batches, and less than a hundredth at the rates of a casino, where every message wakes a
// process up. HMAC-SHA-256 took 0.73. A tag for a whole pipeline would cost less, and none of its messages
// could be verified by who does not get all.
//
// Publishing is not retried: it is not known how much of a pipeline was done, and a message
// that comes twice is worse than one that is missing, which is seen and fetched.
package redisbus
